"""Does a map mark single spots, lines or pixels, which may be a person's door, way or place?

A value of an area says nothing of where in it anybody was; a point, a line, a pixel or a polygon the size of a house
does, whatever it is called. Only public services are drawn as points, and only where their list says they stand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import folium
from folium.features import GeoJson
from folium.map import Marker
from folium.raster_layers import ImageOverlay
from folium.vector_layers import BaseMultiLocation, Polygon, Rectangle
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from commonground.errors import NotReleasable
from commonground.records import Records

__all__ = ["refuse_spots"]

#: Square metres. Of the 298 lower layer areas of Liverpool (ONS, 2011, generalised) the smallest has six hectares; what
#: has less than one marks a building.
LEAST_GROUND = 10_000.0
_DEGREE = 111_320.0  # metres in a degree of latitude
_DIGITS = 5  # decimals of a degree to which a point must be that of a listed service: about a metre

Spot = tuple[float, float]


def refuse_spots(folium_map: folium.Map, places: Records | None = None) -> None:
    """Refuse a map that marks anything smaller than an area.

    Parameters
    ----------
    folium_map : folium.Map
        Not changed.
    places : Records of services, optional
        A public list with coordinates; points are let through where one of them stands.

    Raises
    ------
    NotReleasable
        If it holds a point that is no listed service, a line, an image, or a polygon of under a hectare; all kinds are
        listed, and no coordinate.
    """
    listed = _listed(places)
    problems = [problem for element in _walk(folium_map) if (problem := _problem(element, listed))]
    if problems:
        kinds = "\n  ".join(dict.fromkeys(problems))
        raise NotReleasable(
            f"a map that is handed on shows areas, and this one marks single spots; leave them out:\n  {kinds}"
        )


def _listed(places: Records | None) -> frozenset[Spot]:
    if places is None:
        return frozenset()
    if not isinstance(places, Records) or places.kind != "services":
        raise NotReleasable("only a public list of services may be drawn as points; pass Records of kind 'services'.")
    points = places.points().to_crs(4326)
    return frozenset(zip(points.y.round(_DIGITS), points.x.round(_DIGITS), strict=True))


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for child in element._children.values():
        yield from _walk(child)


def _problem(element: Any, listed: frozenset[Spot]) -> str:
    """Say what is wrong with one element; empty when nothing is."""
    kind = type(element).__name__
    if isinstance(element, ImageOverlay):
        return f"{kind}: an image may be a surface of exact values; draw released values as areas"
    if isinstance(element, Marker):  # circles are markers too
        inside = element.location is not None and _spot(*element.location) in listed
        return "" if inside else _point(kind)
    if isinstance(element, Polygon | Rectangle):
        return _ground(kind, shape(_ring(element)))
    if isinstance(element, BaseMultiLocation):
        return f"{kind}: a line may be somebody's way"
    if isinstance(element, GeoJson):
        found = [_drawn(kind, one, listed) for one in _shapes(element.data)]
        return next(filter(None, found), "")
    return ""


def _drawn(kind: str, drawn: BaseGeometry, listed: frozenset[Spot]) -> str:
    """Say what is wrong with one shape of a layer."""
    parts = list(getattr(drawn, "geoms", [drawn]))
    if any("Line" in part.geom_type or part.geom_type == "LinearRing" for part in parts):
        return f"{kind}: a line may be somebody's way"
    if any(part.geom_type == "Point" and _spot(part.y, part.x) not in listed for part in parts):
        return _point(kind)
    return "" if all(part.geom_type == "Point" for part in parts) else _ground(kind, drawn)


def _point(kind: str) -> str:
    return f"{kind}: a point that is no listed service; services alone may be points, with places="


def _ground(kind: str, drawn: BaseGeometry) -> str:
    """Say whether a polygon in degrees covers too little ground."""
    metres = drawn.area * _DEGREE**2 * math.cos(math.radians(drawn.centroid.y)) if not drawn.is_empty else math.inf
    return "" if metres >= LEAST_GROUND else f"{kind}: a polygon of under a hectare marks a building"


def _shapes(data: dict[str, Any]) -> Iterator[BaseGeometry]:
    """Give the shapes of GeoJSON: of a collection, of one feature, or a bare one."""
    if data.get("type") == "FeatureCollection":
        for feature in data["features"]:
            yield from _shapes(feature)
    elif data.get("type") == "Feature":
        yield from _shapes(data.get("geometry") or {})
    elif data:
        yield shape(data)


def _ring(element: Any) -> dict[str, Any]:
    """Return folium's corners as a polygon; a rectangle has two of them, a polygon may have holes."""
    corners = element.locations
    if isinstance(element, Rectangle):
        (south, west), (north, east) = corners
        corners = [[south, west], [south, east], [north, east], [north, west]]
    rings = corners if isinstance(corners[0][0], list | tuple) else [corners]
    closed = [[(lon, lat) for lat, lon in (*ring, ring[0])] for ring in rings]
    return {"type": "Polygon", "coordinates": closed}


def _spot(latitude: float, longitude: float) -> Spot:
    return round(float(latitude), _DIGITS), round(float(longitude), _DIGITS)
