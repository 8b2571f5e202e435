"""No single spot stands on a map that is handed on; each protection is switched off once, to see that it is needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import folium
import folium.plugins
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, MultiPoint, Point, Polygon, box

import commonground.release.maps as maps
import commonground.release.stock as stock
from commonground.errors import NotReleasable
from commonground.records import Records
from commonground.release.maps import self_contained
from commonground.release.spots import refuse_spots
from commonground.release.stock import UnsafeMap, prepare

PLUGINS: Any = folium.plugins
LINE: Any = folium.PolyLine
DOOR = (53.05123, -2.95678)  # somebody's door
HOUSE = box(DOOR[1], DOOR[0], DOOR[1] + 0.0002, DOOR[0] + 0.0002)  # 22 by 13 metres
AREA = box(-3, 53, -2.9, 53.1)
HOSTILE = "${window.hit=1} <img src=x onerror=window.hit=2>"


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


def services(*spots: tuple[float, float], kind: str = "services") -> Records:
    return Records(kind, pd.DataFrame(list(spots), columns=["y", "x"]), pd.DataFrame({"source": []}), crs="EPSG:4326")


def chart(*elements: Any) -> folium.Map:
    made = folium.Map(location=[53.05, -2.85], zoom_start=11, tiles=None)
    for element in elements:
        element.add_to(made)
    return made


def page(made: folium.Map, **options: Any) -> str:
    given: dict[str, Any] = {"title": "Title", "finding": "A finding.", "origin": Shown()}
    return self_contained(made, **{**given, **options})


def layer(*shapes: Any) -> folium.GeoJson:
    return folium.GeoJson(gpd.GeoDataFrame({"n": range(len(shapes))}, geometry=list(shapes), crs=4326))


SPOTS: dict[str, tuple[Callable[[], Any], str]] = {
    "marker": (lambda: folium.Marker(DOOR), "Marker: a point that is no listed service"),
    "circle": (lambda: folium.Circle(DOOR, radius=40), "Circle: a point"),
    "circle marker": (lambda: folium.CircleMarker(DOOR), "CircleMarker: a point"),
    "point": (lambda: layer(AREA, Point(DOOR[::-1])), "GeoJson: a point"),
    "points": (lambda: layer(MultiPoint([DOOR[::-1], (-2.9, 53.0)])), "GeoJson: a point"),
    "bare point": (lambda: folium.GeoJson({"type": "Point", "coordinates": DOOR[::-1]}), "GeoJson: a point"),
    "line": (lambda: LINE([DOOR, (53.1, -2.7)]), "PolyLine: a line may be somebody's way"),
    "line of a layer": (lambda: layer(LineString([DOOR[::-1], (-2.7, 53.1)])), "GeoJson: a line"),
    "house": (lambda: layer(AREA, HOUSE), "GeoJson: a polygon of under a hectare"),
    "rectangle": (lambda: folium.Rectangle([DOOR, (DOOR[0] + 2e-4, DOOR[1] + 2e-4)]), "Rectangle: a polygon of under"),
    "polygon": (lambda: folium.Polygon([DOOR, (DOOR[0], DOOR[1] + 2e-4), (DOOR[0] + 2e-4, DOOR[1])]), "Polygon: a pol"),
    "image": (lambda: folium.raster_layers.ImageOverlay(np.eye(3), [[53, -3], [53.1, -2.9]]), "ImageOverlay: an image"),
}


@pytest.mark.parametrize("name", SPOTS)
def test_a_single_spot_is_refused_however_it_is_drawn(name: str) -> None:
    make, match = SPOTS[name]
    group = folium.FeatureGroup(name="inside a group")
    make().add_to(group)
    for made in (chart(make()), chart(group)):
        with pytest.raises(NotReleasable, match=match) as caught:
            page(made)
        assert "53.0" not in str(caught.value), "the refusal names no coordinate"


@pytest.mark.parametrize("name", [name for name in SPOTS if name != "image"])
def test_without_the_refusal_the_spot_is_in_the_bytes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "refuse_spots", lambda *_: None)
    assert re.search(r"53\.05123", page(chart(SPOTS[name][0]())))


def test_everything_that_marks_a_spot_is_listed_once() -> None:
    with pytest.raises(NotReleasable) as caught:
        refuse_spots(chart(folium.Marker(DOOR), folium.Marker(DOOR), LINE([DOOR, DOOR])))
    assert str(caught.value).count("Marker: ") == 1
    assert "PolyLine" in str(caught.value)


def test_areas_pass_whatever_draws_them_and_holes_are_holes() -> None:
    ring = [(53, -3), (53, -2.9), (53.1, -2.9), (53.1, -3)]
    assert page(chart(layer(AREA), folium.Rectangle([(53, -3), (53.1, -2.9)]), folium.Polygon(ring)))
    hollow = Polygon(AREA.exterior.coords, [AREA.buffer(-1e-5).exterior.coords])  # a metre of it is left: 2.5 hectares
    assert page(chart(layer(hollow)))


def test_a_listed_service_may_be_a_point_and_its_neighbour_may_not() -> None:
    open_door = (53.06, -2.8)
    markers = (folium.Marker(open_door), folium.Circle(open_door, radius=800), layer(Point(open_door[::-1])))
    assert page(chart(*markers), places=services(open_door))
    with pytest.raises(NotReleasable, match="no listed service"):
        page(chart(*markers, folium.Marker((53.06002, -2.8))), places=services(open_door))


def test_only_a_list_of_services_opens_the_door() -> None:
    with pytest.raises(NotReleasable, match="only a public list of services"):
        page(chart(folium.Marker(DOOR)), places=services(DOOR, kind="contacts"))


def test_a_heatmap_is_refused_and_would_hold_every_point(monkeypatch: pytest.MonkeyPatch) -> None:
    made = chart(PLUGINS.HeatMap([[*DOOR, 1.0]]))
    with pytest.raises(UnsafeMap, match="HeatMap: not reviewed"):
        page(made)
    monkeypatch.setattr(stock, "_refuse", lambda *_: None)
    monkeypatch.setattr(stock, "embedded", lambda _: "")
    assert "53.05123" in prepare(made).script


@pytest.mark.parametrize("add", [PLUGINS.FastMarkerCluster, PLUGINS.MarkerCluster, PLUGINS.HeatMapWithTime])
def test_clusters_of_points_are_refused(add: Callable[[Any], Any]) -> None:
    points: Any = [[[*DOOR, 1.0]]] if add is PLUGINS.HeatMapWithTime else [DOOR]
    with pytest.raises(UnsafeMap, match="not reviewed"):
        page(chart(add(points)))


def test_tiles_are_refused_and_would_name_the_streets_to_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    made = chart(folium.TileLayer("https://tiles.example.org/{z}/{x}/{y}.png", attr="Example"))
    with pytest.raises(UnsafeMap, match="TileLayer: tiles"):
        page(made)
    monkeypatch.setattr(stock, "_refuse", lambda *_: None)
    assert "tiles.example.org" in prepare(made).script


def test_text_of_popups_is_neutralised_and_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = chart(folium.Rectangle([(53, -3), (53.1, -2.9)], popup=HOSTILE, tooltip=HOSTILE))
    assert "${window" not in page(made)
    assert "<img" not in prepare(made).script
    monkeypatch.setattr(stock, "_neutralise", lambda _: None)
    assert "${window" in prepare(made).script


def test_exact_values_have_no_map() -> None:
    with pytest.raises(NotReleasable, match="a DataFrame holds exact values"):
        page(chart(), origin=pd.DataFrame({"n": [3]}))
