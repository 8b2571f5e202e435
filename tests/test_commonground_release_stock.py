"""A folium map of published values becomes a page that asks nobody for anything and runs nothing from its strings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import branca
import folium
import folium.plugins
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from commonground.records import Records
from commonground.release.assets import AssetError
from commonground.release.maps import self_contained
from commonground.release.stock import UnsafeMap, prepare

HOSTILE = "</script><script>window.hit=1</script> ${window.hit=2} `{{7*7}}` ' \" \\ <img src=x onerror=window.hit=3>"

PLUGINS: Any = folium.plugins
ELEMENTS: Any = branca.element


def areas(name: str = "North") -> gpd.GeoDataFrame:
    squares = [box(-3 + i / 10, 53, -2.9 + i / 10, 53.1) for i in range(3)]
    return gpd.GeoDataFrame({"code": ["a", "b", "c"], "name": [name, "Mid", "South"]}, geometry=squares, crs=4326)


def chart(*elements: Any) -> folium.Map:
    made = folium.Map(location=[53.05, -2.85], zoom_start=11, tiles=None)
    for element in elements:
        element.add_to(made)
    return made


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


SPOTS = [(53.05, -2.95), (53.02, -2.95), (53.03, -2.75), (53.04, -2.75), (53.05, -2.8), (53.06, -2.85)]
LISTED = Records("services", pd.DataFrame(SPOTS, columns=["y", "x"]), pd.DataFrame({"source": []}), crs="EPSG:4326")


def page(made: folium.Map, **options: Any) -> str:
    given: dict[str, Any] = {"title": "Title", "finding": "A finding.", "origin": Shown(), "places": LISTED}
    return self_contained(made, **{**given, **options})


def everything(*, handed_on: bool = False) -> folium.Map:
    """One of each reviewed kind, with a hostile string wherever a string can stand; without those that mark spots."""
    named = areas(HOSTILE).rename(columns={"name": HOSTILE})
    shapes = folium.GeoJson(
        named,
        name=HOSTILE,
        style_function=lambda feature: {"color": "#123456" if feature["properties"][HOSTILE] == HOSTILE else "#654321"},
        highlight_function=lambda feature: {"weight": np.float64(4)},
        tooltip=folium.GeoJsonTooltip([HOSTILE], aliases=[HOSTILE], style="color: red"),
        popup=folium.GeoJsonPopup([HOSTILE], aliases=[HOSTILE]),
    )
    group = folium.FeatureGroup(name=HOSTILE)
    folium.Circle([53.05, -2.95], radius=np.float64(300), popup=HOSTILE, tooltip=HOSTILE).add_to(group)
    folium.Marker([53.02, -2.95], tooltip=HOSTILE).add_to(group)
    folium.Marker([53.03, -2.75], icon=folium.Icon(color="red"), popup=folium.Popup(HOSTILE, parse_html=True)).add_to(
        group
    )
    folium.Marker([53.04, -2.75], icon=folium.DivIcon(html=HOSTILE)).add_to(group)
    line: Any = folium.PolyLine  # ships no types, like the plugins below
    if not handed_on:
        line([[53, -3], [53.1, -2.7]], tooltip=HOSTILE).add_to(group)
    points = gpd.GeoDataFrame({"n": [HOSTILE]}, geometry=[Point(-2.8, 53.05)], crs=4326)
    open_marker = folium.Marker([np.float64(53.06), -2.85], popup=folium.Popup(HOSTILE, show=True))
    image = folium.raster_layers.ImageOverlay(np.zeros((2, 2)), [[53, -3], [53.01, -2.99]], name="image")
    control = folium.LayerControl(collapsed=False)
    pixels = [] if handed_on else [image]
    return chart(
        folium.map.CustomPane("low", z_index=300), control, shapes, group, folium.GeoJson(points), *pixels, open_marker
    )


def test_nothing_in_the_page_names_another_place_but_comments_of_leaflet() -> None:
    made = page(everything(handed_on=True))
    ours = made.split("</style>")[-1].split("<script>/* @preserve")[0] + prepare(everything()).script
    assert "http" not in ours
    assert not re.search(r"<(script|link)[^>]*(src|href)=\"(?!data:)", made)
    for library in ("jquery", "bootstrap", "AwesomeMarkers", "d3."):
        assert library not in prepare(everything()).script


def test_hostile_strings_reach_neither_javascript_nor_jinja() -> None:
    script = prepare(everything()).script
    assert "49" not in script, "{{7*7}} was not evaluated"
    assert "${window" not in script
    assert "</script" not in script


def test_style_functions_see_features_as_their_author_knew_them() -> None:
    script = prepare(everything()).script
    assert "#123456" in script
    assert "#654321" in script
    assert "np.float64" not in script


def test_the_same_map_gives_the_same_bytes_and_is_not_changed() -> None:
    made = everything(handed_on=True)
    before = list(made._children)
    assert page(made) == page(made) == page(everything(handed_on=True))
    assert list(made._children) == before
    assert not re.search(r"[0-9a-f]{32}", prepare(made).script)


def test_a_map_shown_before_gives_the_same_page() -> None:
    made = everything(handed_on=True)
    fresh = page(made)
    made.get_root().render()
    assert page(made) == fresh


def test_the_layer_control_comes_after_the_layers_it_lists() -> None:
    script = prepare(everything()).script
    assert script.index("L.control.layers") > max(
        found.start() for found in re.finditer(r"L\.(geoJson|featureGroup)\(", script)
    )


def test_coordinates_have_five_decimals() -> None:
    made = prepare(chart(folium.GeoJson(areas().assign(geometry=areas().rotate(1)))))
    assert max(len(digits) for digits in re.findall(r"-?\d+\.(\d+)", made.script.split("_add({")[1])) == 5


def test_a_choropleth_gets_a_list_for_a_legend_and_needs_no_d3() -> None:
    values = pd.DataFrame({"code": ["a", "b", "c"], "n": [10, 20, 30]})
    made = chart(
        folium.Choropleth(
            areas(), data=values, columns=["code", "n"], key_on="feature.properties.code", bins=[10, 20, 30, 40]
        )
    )
    assert [label for _, label in prepare(made).legend] == ["10 to 20", "20 to 30", "30 to 40"]
    assert page(made).count('<svg class="swatch"') == 3
    assert "d3" not in prepare(made).script
    assert "<span>mine</span>" in page(made, legend=[("#12436D", "mine")])


def test_a_table_follows_the_map() -> None:
    made = page(chart(), table=pd.DataFrame({"Area": ["North"], "People": [10]}), alt="Three areas.", lang="cy")
    assert made.index('id="map_') < made.index("<caption")
    assert 'aria-label="Three areas."' in made
    assert '<html lang="cy">' in made


def test_the_viewport_does_not_lock_the_zoom() -> None:
    assert "user-scalable" not in page(chart())


@pytest.mark.parametrize(
    ("add", "match"),
    [
        (lambda: folium.TileLayer("OpenStreetMap"), "TileLayer: tiles and video tell a stranger"),
        (lambda: folium.WmsTileLayer("https://example.org/wms", layers="a"), "WmsTileLayer: tiles"),
        (
            lambda: folium.raster_layers.VideoOverlay("https://example.org/v.mp4", [[0, 0], [1, 1]]),
            "VideoOverlay: tiles",
        ),
        (lambda: folium.raster_layers.ImageOverlay("https://example.org/a.png", [[0, 0], [1, 1]]), "fetches its image"),
        (lambda: PLUGINS.HeatMap([[53, -3]]), "HeatMap: not reviewed"),
        (lambda: PLUGINS.MarkerCluster(), "MarkerCluster: not reviewed"),
        (lambda: folium.Marker([53, -3], popup=folium.Popup(folium.IFrame("x"))), "holds more than text"),
        (lambda: folium.GeoJson(areas(), on_each_feature=folium.JsCode("x")), "a script of its own"),
        (lambda: ELEMENTS.MacroElement(), "MacroElement: not reviewed"),
        (lambda: branca.colormap.LinearColormap(["red", "blue"]), "LinearColormap: not reviewed"),
    ],
)
def test_what_fetches_or_was_not_reviewed_is_refused(add: Callable[[], Any], match: str) -> None:
    with pytest.raises(UnsafeMap, match=match):
        page(chart(add()))


def test_an_element_of_somebody_else_is_refused_even_under_a_reviewed_name() -> None:
    impostor = type("Marker", (folium.Marker,), {})
    with pytest.raises(UnsafeMap, match="Marker: not reviewed"):
        page(chart(impostor([53, -3])))


def test_everything_that_is_wrong_is_listed_at_once() -> None:
    with pytest.raises(UnsafeMap) as caught:
        page(chart(folium.TileLayer("OpenStreetMap"), PLUGINS.HeatMap([[53, -3]])))
    assert "TileLayer" in str(caught.value)
    assert "HeatMap" in str(caught.value)


def test_a_stock_map_with_tiles_is_refused() -> None:
    with pytest.raises(UnsafeMap, match="use tiles=None"):
        page(folium.Map())


def test_a_library_that_no_table_knows_is_refused() -> None:
    made = chart(folium.FeatureGroup())
    made.add_js_link("other", "https://example.org/other.js")
    with pytest.raises(AssetError, match="not in the table"):
        page(made)
    made.default_js.pop()


@pytest.mark.browser
def test_a_stock_map_with_every_reviewed_element_opens_quietly(browser: Any) -> None:
    browser.open(page(everything(handed_on=True)))
    assert browser.outside() == []
    assert browser.console() == []
    assert browser.run("return document.querySelectorAll('path.leaflet-interactive').length") == 4
    assert browser.run("return document.querySelectorAll('.div-marker svg').length") == 4, "pins, the point among them"
    assert browser.run("return document.querySelector('.leaflet-popup-content').textContent") == HOSTILE
    names = (
        "return [...document.querySelectorAll('.leaflet-control-layers-overlays label')].map(l => l.textContent.trim())"
    )
    assert HOSTILE in browser.run(names)
    assert browser.run("return typeof window.hit") == "undefined"


@pytest.mark.browser
def test_pointing_and_clicking_shows_hostile_strings_as_text(browser: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.open(page(chart(folium.GeoJson(
        areas(HOSTILE), tooltip=folium.GeoJsonTooltip(["name"], aliases=[HOSTILE]), popup=folium.GeoJsonPopup(["name"])
    ))))  # fmt: skip
    shape = browser.driver.find_elements("css selector", "path.leaflet-interactive")[0]
    ActionChains(browser.driver).move_to_element(shape).click().perform()
    assert browser.run("return document.querySelector('.leaflet-tooltip th').textContent") == HOSTILE
    assert browser.run("return document.querySelector('.leaflet-popup td').textContent") == HOSTILE
    assert browser.run("return typeof window.hit") == "undefined"
    assert browser.console() == []
    assert browser.outside() == []
