"""Maps are one file, ask nobody for anything, run nothing from data and can be read without seeing them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box

from commonground.errors import GeographyError
from commonground.release.classes import HIDDEN_LABEL, ClassError, Classes
from commonground.release.maps import Layer, MapView, choropleth_map


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


HOSTILE = "</script><script>window.hit=1</script> ${window.hit=2} `{{7*7}}` ' \" \\ <img src=x onerror=window.hit=3>"
CHANGE = Classes((0, 0.5, 0.8, 1.25, 2, math.inf), "diverging", "after over before")


def town(names: tuple[str, ...] = ("North", "Centre", "South", "Quay")) -> gpd.GeoDataFrame:
    squares = [box(400000 + 1000 * i, 300000, 401000 + 1000 * i, 301000) for i in range(len(names))]
    return gpd.GeoDataFrame(
        {"name": list(names)}, geometry=squares, index=[f"b{i}" for i in range(len(names))], crs=27700
    )


def layer(name: str, values: list[float], classes: Classes | None = None) -> Layer:
    numbers = pd.Series(values, index=[f"b{i}" for i in range(len(values))])
    words = numbers.map(lambda value: f"{value:g} ({value - 2:g} to {value + 2:g})", na_action="ignore")
    return Layer(name, numbers, words, classes, origin=Shown())


def drawn(blocks: gpd.GeoDataFrame | None = None, **options: Any) -> str:
    layers = options.pop("layers", None) or [
        layer("Before", [10, 25, math.nan, 60]),
        layer("After", [15, math.nan, 30, 45]),
        layer("Change", [1.5, math.nan, math.nan, 0.75], CHANGE),
    ]
    given: dict[str, Any] = {"title": "People seen", "finding": "Fewer in the centre.", "breaks": (0, 20, 40, math.inf)}
    return choropleth_map(town() if blocks is None else blocks, layers, **{**given, **options})


def data(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found.group(1))  # type: ignore[no-any-return]


def test_classes_and_words_are_written_and_values_are_not() -> None:
    held = data(drawn())
    assert [entry["classes"] for entry in held["layers"]] == [[0, 1, -1, 2], [0, -1, 1, 2], [3, -1, -1, 1]]
    assert held["layers"][0]["labels"] == ["10 (8 to 12)", "25 (23 to 27)", HIDDEN_LABEL, "60 (58 to 62)"]
    assert set(held["layers"][0]) == {"name", "key", "classes", "labels"}


def test_layers_are_matched_to_blocks_by_index_and_not_by_position() -> None:
    before = layer("Before", [10, 25, math.nan, 60])
    turned = Layer("Before", before.values.iloc[::-1], before.labels.iloc[::-1], origin=Shown())
    assert drawn(layers=[turned]) == drawn(layers=[before])


def test_a_block_is_hidden_where_either_value_or_words_are_missing() -> None:
    before = layer("Before", [10, 25, 30, 60])
    before.labels.iloc[1] = None
    held = data(drawn(layers=[before]))["layers"][0]
    assert held["classes"] == [0, -1, 1, 2]
    assert held["labels"][1] == HIDDEN_LABEL


def test_coordinates_have_five_decimals_and_features_carry_nothing_else() -> None:
    features = data(drawn())["areas"]["features"]
    flat = np.array([feature["geometry"]["coordinates"] for feature in features]).ravel()
    assert np.array_equal(flat, flat.round(5))
    assert [feature["properties"] for feature in features] == [{}] * 4
    assert [feature["id"] for feature in features] == [0, 1, 2, 3]
    # the same corner through pyproj, by way of geopandas' own conversion
    expected = gpd.GeoSeries([Point(401000, 300000)], crs=27700).to_crs(4326).iloc[0]
    assert features[0]["geometry"]["coordinates"][0][0] == [round(expected.x, 5), round(expected.y, 5)]


def test_geometry_is_held_once_however_many_layers() -> None:
    one, three = drawn(layers=[layer("Before", [10, 25, 30, 60])]), drawn()
    assert json.dumps(data(one)).count('"Polygon"') == json.dumps(data(three)).count('"Polygon"') == 4


def test_every_layer_has_a_legend_with_one_neutral_class_and_a_column_in_the_table() -> None:
    page = drawn()
    assert page.count('class="map-key"') == 2, "counts and change"
    assert page.count('fill="url(#hatch)"') == 2
    assert page.count(f"<span>{HIDDEN_LABEL}</span>") == 2
    columns = re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', page)
    assert columns == ["Area", "Before", "After", "Change"]
    assert re.findall(r'<th scope="row">([^<]*)</th>', page) == ["North", "Centre", "South", "Quay"]
    assert "[c]: confidential: too few people to show, or not observed." in page


def test_one_layer_needs_no_switch() -> None:
    assert 'class="switch"' not in drawn(layers=[layer("Before", [10, 25, 30, 60])])


def test_boundaries_lie_in_a_pane_of_their_own() -> None:
    assert data(drawn())["boundaries"] is None
    assert len(data(drawn(boundaries=town().dissolve()))["boundaries"]["features"]) == 1


def test_the_same_map_has_the_same_bytes_and_inputs_do_not_change() -> None:
    blocks = town()
    kept = blocks.copy()
    assert drawn(blocks) == drawn(blocks)
    pd.testing.assert_frame_equal(pd.DataFrame(blocks), pd.DataFrame(kept))
    assert blocks.crs == kept.crs


def test_hostile_names_are_text_everywhere() -> None:
    page = drawn(
        town((HOSTILE, "b", "c", "d")),
        title=HOSTILE,
        finding=HOSTILE,
        notes=(HOSTILE,),
        layers=[layer(HOSTILE, [1, 2, 3, 4])],
    )
    ours = page.split("</style>")[-1].split("<script>/* @preserve")[0]
    assert not re.search(r"<script>|<img|\$\{|\{\{7|`", ours)
    assert data(page)["names"][0] == HOSTILE


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"layers": [layer("Before", [1, 2, 3])]}, GeographyError, "not on the index of the blocks"),
        ({"breaks": (0, 20, 40)}, ClassError, "outside the declared classes"),
        (
            {"blocks": town().set_crs(None, allow_override=True)},
            GeographyError,
            r"no coordinate system; call `areas.set_crs",
        ),
        ({"blocks": town().assign(geometry=[Polygon()] * 4)}, GeographyError, "have no shape"),
    ],
)
def test_maps_that_cannot_be_drawn_are_refused(change: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        drawn(**change)


def test_a_map_without_a_layer_is_refused() -> None:
    with pytest.raises(GeographyError, match="no layer"):
        choropleth_map(town(), [], title="T", finding="F.", breaks=(0, 1, 2))


def test_five_thousand_areas_are_under_four_megabytes() -> None:
    grid = [
        box(400000 + 200 * (i % 100), 300000 + 200 * (i // 100), 400200 + 200 * (i % 100), 300200 + 200 * (i // 100))
        for i in range(5000)
    ]
    rounded = [
        square.buffer(-20).buffer(20, quad_segs=2) for square in grid
    ]  # about a dozen corners, as hexagons have fewer
    index = [f"b{i}" for i in range(5000)]
    blocks = gpd.GeoDataFrame(
        {"name": [f"Area number {i}" for i in range(5000)]}, geometry=rounded, index=index, crs=27700
    )
    values = [float(10 + i % 60) for i in range(5000)]
    layers = [layer(name, values) for name in ("Before", "During", "After")]
    assert len(drawn(blocks, layers=layers).encode()) < 4_000_000


def test_without_its_data_a_map_is_under_four_hundred_kilobytes() -> None:
    assert len(drawn().encode()) < 400_000


def test_notebooks_get_the_page_in_a_frame_that_reaches_nothing() -> None:
    view = MapView(drawn(), 'A "title"')
    frame = view._repr_html_()
    assert re.match(
        r'<iframe title="A &quot;title&quot;" sandbox="allow-scripts" [^>]*srcdoc="&lt;!doctype html', frame
    )
    assert frame.count("<") == 2, "the page stands inside the attribute"
    assert repr(view) == 'MapView(A "title")'
    assert "10" not in repr(layer("Before", [10.0]))


def fills(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('#map path.leaflet-interactive')].map(p => p.getAttribute('fill'))"
    return list(browser.run(script))


@pytest.mark.browser
def test_the_recorder_sees_a_page_that_asks_for_something(browser: Any) -> None:
    browser.open(
        '<!doctype html><img src="http://127.0.0.1:9/tile.png"><script>fetch("http://127.0.0.1:9/data")</script>'
    )
    assert sorted(set(browser.outside())) == ["http://127.0.0.1:9/data", "http://127.0.0.1:9/tile.png"]
    assert browser.console()


@pytest.mark.browser
def test_the_policy_stops_a_request_that_something_added_to_the_page_would_make(browser: Any) -> None:
    browser.open(drawn().replace("<main", '<img src="http://127.0.0.1:9/tile.png"><main', 1))
    assert any("Content Security Policy" in said for said in browser.console())


@pytest.mark.browser
def test_a_map_opens_from_disk_asks_for_nothing_and_says_nothing(browser: Any) -> None:
    browser.open(drawn(boundaries=town().dissolve(), notes=("Data as of 2020.",)))
    assert browser.outside() == []
    assert browser.console() == []
    assert fills(browser) == ["#6BACE6", "#2073BC", "url(#hatch)", "#12436D"]
    assert browser.run("return document.querySelectorAll('.leaflet-boundaries-pane path').length") == 1
    assert browser.run("return getComputedStyle(document.querySelector('.leaflet-boundaries-pane')).zIndex") == "350"


@pytest.mark.browser
def test_the_switch_changes_colours_legend_and_what_is_said_with_the_keyboard_alone(browser: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(drawn())
    first = browser.driver.find_element("id", "layer-0")
    first.send_keys(Keys.ARROW_RIGHT)
    assert fills(browser) == ["#6BACE6", "url(#hatch)", "#2073BC", "#12436D"]
    assert browser.run("return document.getElementById('status').textContent") == "Showing: After."
    browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert fills(browser) == ["#FDB863", "url(#hatch)", "url(#hatch)", "#B2ABD2"]
    shown = (
        "return [...document.querySelectorAll('.map-key')].filter(k => !k.hidden)"
        ".map(k => k.querySelector('h2').textContent)"
    )
    assert browser.run(shown) == ["After over before"]
    assert browser.console() == []


@pytest.mark.browser
def test_printing_shows_the_whole_map_and_gives_the_screen_back(browser: Any) -> None:
    browser.open(drawn())
    whole = (
        "const box = document.getElementById('map').getBoundingClientRect();"
        "const inside = [...document.querySelectorAll('#map path.leaflet-interactive')].every(p => {"
        "const r = p.getBoundingClientRect(); return r.left >= box.left && r.right <= box.right; });"
        "return [Math.round(box.width), inside]"
    )
    screen = browser.run(whole)
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run(whole) == [round(12 / 2.54 * 96), True]
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert browser.run(whole) == screen


@pytest.mark.browser
def test_hostile_names_do_not_run_even_when_pointed_at(browser: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.open(
        drawn(town((HOSTILE, "b", "c", "d")), title=HOSTILE, finding=HOSTILE, layers=[layer(HOSTILE, [1, 2, 3, 4])])
    )
    areas = browser.driver.find_elements("css selector", "#map path.leaflet-interactive")
    ActionChains(browser.driver).move_to_element(areas[0]).perform()
    assert browser.run("return document.querySelector('.leaflet-tooltip strong').textContent") == HOSTILE
    assert browser.run("return document.querySelector('h1').textContent") == HOSTILE
    assert browser.run("return typeof window.hit") == "undefined"
    assert browser.console() == []
    assert browser.outside() == []


@pytest.mark.browser
def test_a_notebook_frame_draws_the_map(browser: Any) -> None:
    browser.open(f"<!doctype html><title>Notebook</title>{MapView(drawn())._repr_html_()}")
    assert browser.outside() == []
    browser.driver.switch_to.frame(0)
    assert len(fills(browser)) == 4
    browser.driver.switch_to.default_content()
    assert browser.console() == []


@pytest.mark.browser
@pytest.mark.real_data
def test_a_map_of_real_boundaries_is_drawn(browser: Any, real_data: Path) -> None:
    blocks = gpd.read_file(real_data / "boundaries" / "msoa_liverpool.geojson").set_index("MSOA11CD")
    values = pd.Series(np.arange(len(blocks), dtype=float), blocks.index)
    ranks = Layer("Rank", values, values.map(str), origin=Shown())
    page = choropleth_map(blocks, [ranks], title="MSOAs", finding="A rank.", breaks=(0, 20, 40, math.inf))
    assert len(page) < 600_000
    browser.open(page)
    assert len(fills(browser)) == 61
    assert browser.console() == []
