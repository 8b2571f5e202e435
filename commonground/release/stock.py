"""What is kept of a folium map when it must ask nobody for anything and run nothing that came from data.

folium writes popups and tooltips into JavaScript template literals, where ``${...}`` runs, and hands each script to
Jinja once more, where ``{{...}}`` runs. So every string is neutralised before folium sees it, and only elements that
were reviewed are let through.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import folium
import numpy as np
from branca.colormap import ColorMap, StepColormap
from branca.element import Figure, Html
from folium.features import Choropleth, DivIcon, GeoJson, GeoJsonPopup, GeoJsonTooltip
from folium.map import CustomPane, Icon, LayerControl, Marker, Popup, Tooltip
from folium.raster_layers import ImageOverlay
from folium.template import Template

from commonground.errors import CommonGroundError
from commonground.release.assets import embedded
from commonground.release.escape import plain, text

__all__ = ["StockMap", "UnsafeMap", "prepare"]

_REVIEWED = {
    "Map", "CustomPane", "FeatureGroup", "LayerControl", "FitBounds", "Choropleth", "GeoJson", "GeoJsonTooltip",
    "GeoJsonPopup", "Marker", "CircleMarker", "Circle", "PolyLine", "Polygon", "Rectangle", "Popup", "Tooltip",
    "DivIcon", "Icon", "ImageOverlay", "StepColormap",
}  # fmt: skip
_TILES = {"TileLayer", "WmsTileLayer", "VideoOverlay", "TimestampedWmsTileLayers", "VectorGridProtobuf"}
_REDRAWN = {"SetIcon", "ElementAddToElement"}  # folium adds these afresh whenever it renders
_DIGITS = 5
_PIN = (
    '<svg width="24" height="32" viewBox="0 0 24 32" aria-hidden="true" focusable="false"><path d="M12 31C12 31 22.5 '
    '19 22.5 11.5A10.5 10.5 0 1 0 1.5 11.5C1.5 19 12 31 12 31Z" fill="{colour}" stroke="#ffffff" stroke-width="1.5"/>'
    '<circle cx="12" cy="11.5" r="4" fill="#ffffff"/></svg>'
)
_PIN_COLOUR = "#12436D"
# Leaflet's own marker is an image, looked for beside the page as soon as a marker is made.
_DEFAULT_PIN = (
    "L.Marker.mergeOptions({icon: L.divIcon({className: 'div-marker', iconSize: [24, 32], iconAnchor: [12, 32], "
    f"popupAnchor: [0, -28], html: {json.dumps(_PIN.format(colour=_PIN_COLOUR))}}})}});\n"
)
_LAST = "\nMAP.attributionControl && MAP.attributionControl.setPrefix(false);\nfitForPrinting(MAP);\n"
_POPUP = Template(
    """
    var {{ this.get_name() }} = L.popup({{ this.options|tojavascript }}).setContent({{ this.words|tojson }});
    {{ this._parent.get_name() }}.bindPopup({{ this.get_name() }}){% if this.show %}.openPopup(){% endif %};
    """
)


class UnsafeMap(CommonGroundError, ValueError):  # noqa: N818 - the name says what is wrong with the map
    """A map that would fetch something, or run something that was not reviewed; everything is listed."""


@dataclass(frozen=True, repr=False)
class StockMap:
    """What is left of a folium map.

    Parameters
    ----------
    map_id : str
        Id of the element that the script draws into.
    script : str
        The script that draws it; needs Leaflet.
    legend : tuple of (str, str)
        Colours and labels of its step colour map, if it had one.
    """

    map_id: str
    script: str
    legend: tuple[tuple[str, str], ...]


def prepare(folium_map: folium.Map) -> StockMap:
    """Reduce a folium map to a script that draws it with Leaflet alone.

    Parameters
    ----------
    folium_map : folium.Map
        A map without tiles; it is copied, not changed.

    Returns
    -------
    StockMap
        Ids are numbered in order of appearance, so that the same map gives the same script.

    Raises
    ------
    UnsafeMap
        If anything in it fetches, or was not reviewed.
    AssetError
        If it names a third party's file that is not in our table.
    """
    _refuse(folium_map)
    chart: Any = copy.deepcopy(folium_map)
    figure = Figure()
    chart._parent = None
    figure.add_child(chart)
    legend = tuple(pair for element in _walk(chart) if isinstance(element, StepColormap) for pair in _steps(element))
    for element in list(_walk(chart)):
        _drop(element)
        _neutralise(element)
    _controls_last(chart)
    figure.render()
    for url in _addresses(figure.header.render()):
        embedded(url)  # raises for a file that no table knows
    script = _DEFAULT_PIN + figure.script.render()
    script += _LAST.replace("MAP", chart.get_name())
    ids = [element._id for element in _walk(chart)]
    return StockMap(*_renumbered(chart.get_name(), _tidy(script), ids), legend)


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for child in list(element._children.values()):
        yield from _walk(child)


def _refuse(folium_map: folium.Map) -> None:
    """List everything that a self-contained map cannot hold."""
    problems = []
    for element in _walk(folium_map):
        kind = type(element).__name__
        if kind in _TILES:
            problems.append(f"{kind}: tiles and video tell a stranger which streets are looked at; use tiles=None")
        elif kind not in _REVIEWED | _REDRAWN or type(element).__module__.split(".")[0] not in {"folium", "branca"}:
            problems.append(f"{kind}: not reviewed for maps without a network; use choropleth_map or leave it out")
        elif getattr(element, "on_each_feature", None) is not None or getattr(type(element), "includes", None):
            problems.append(f"{kind}: brings a script of its own; leave it out")
        elif isinstance(element, GeoJson) and not element.embed:
            problems.append(f"{kind}: fetches its data; pass embed=True")
        elif isinstance(element, ImageOverlay) and not re.match(r"data:image/(png|jpeg);base64,", str(element.url)):
            problems.append(f"{kind}: fetches its image; pass an array")
        elif isinstance(element, Popup) and not all(type(e) is Html for e in element.html._children.values()):
            problems.append(f"{kind}: holds more than text; pass a string")
    if problems:
        raise UnsafeMap("the map cannot be made self-contained:\n  " + "\n  ".join(dict.fromkeys(problems)))


def _drop(element: Any) -> None:
    """Take out what the page does without: colour bars made with d3, and what folium adds at each rendering."""
    for name, child in list(element._children.items()):
        if isinstance(child, ColorMap) or type(child).__name__ in _REDRAWN:
            del element._children[name]
    if isinstance(element, Choropleth):
        element.color_scale = None


def _neutralise(element: Any) -> None:
    """Make every string of one element text, every number plain, every coordinate as coarse as we publish."""
    for name in ("options", "tooltip_options", "popup_options"):
        if isinstance(getattr(element, name, None), dict):
            setattr(element, name, _texts(getattr(element, name)))
    for name in ("location", "locations", "bounds"):
        if getattr(element, name, None) is not None:
            setattr(element, name, _rounded(getattr(element, name)))
    if hasattr(element, "layer_name"):
        element.layer_name = str(text(element.layer_name))
    if isinstance(element, CustomPane):
        element.name = re.sub(r"[^A-Za-z0-9_-]", "", str(element.name))
    elif isinstance(element, GeoJson):
        _neutralise_features(element)
    elif type(element) is Marker:
        _pin(element)
    else:
        _neutralise_words(element)


def _neutralise_words(element: Any) -> None:
    """Make what a popup or a tooltip says text, and take out inline styles, which the page's policy bars."""
    kind = type(element)
    if kind in (GeoJsonTooltip, GeoJsonPopup):
        element.fields, element.aliases = _texts(list(element.fields)), _texts(list(element.aliases))
        element.style = None
    elif kind is Tooltip:
        element.text, element.style = str(text(element.text)), None
    elif kind is Popup:
        words = " ".join(str(part.data) for part in element.html._children.values())
        element.words = str(text(words.replace("\\`", "`")))  # folium has escaped backticks itself
        element._template = _POPUP


def _neutralise_features(layer: Any) -> None:
    """Neutralise the features of a GeoJSON layer; its style functions still see them as they were."""
    if layer.data.get("type") != "FeatureCollection":
        layer.convert_to_feature_collection()
    before: dict[int, Any] = {}
    features = []
    for at, feature in enumerate(layer.data["features"]):
        shape = feature.get("geometry")
        safe = {
            "type": "Feature",
            "id": str(at),
            "properties": _texts(feature.get("properties") or {}),
            "geometry": None if shape is None else _rounded_shape(shape),
        }
        before[id(safe)] = feature
        features.append(safe)
    layer.data = {"type": "FeatureCollection", "features": features}
    layer.feature_identifier = "feature.id"  # folium would write the name of a property into the script as it stands
    for name in ("style_function", "highlight_function"):
        if getattr(layer, name.replace("_function", ""), False):
            setattr(layer, name, _seeing(getattr(layer, name), before))
    if type(layer.marker) is Marker:  # folium would look for its icon in a library that our page does without
        layer.marker = None


def _seeing(function: Callable[[Any], Any], before: dict[int, Any]) -> Callable[[Any], Any]:
    """Return a style function that is shown the feature as its author knew it."""
    return lambda safe: plain(function(before.get(id(safe), safe)))


def _pin(marker: Any) -> None:
    """Give a marker an inline picture instead of an image or a font that would be fetched."""
    icon = marker.icon
    if not isinstance(icon, Icon):
        return
    for name, child in list(marker._children.items()):
        if child is icon:
            del marker._children[name]
    wanted = str(icon.options.get("marker_color", ""))
    known = re.fullmatch(r"#[0-9A-Fa-f]{6}|[a-z]{3,20}", wanted)
    drawn = _PIN.format(colour=wanted if known else _PIN_COLOUR)
    marker.set_icon(DivIcon(drawn, (24, 32), (12, 32), (0, -28), class_name="div-marker"))


def _texts(value: Any) -> Any:
    """Neutralise every string in plain data, names of entries too."""
    value = plain(value)
    if isinstance(value, str):
        return str(text(value))
    if isinstance(value, dict):
        return {str(text(key)): _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return [_rounded(item) for item in value]
    return None if value is None else round(float(value), _DIGITS)


def _rounded_shape(shape: dict[str, Any]) -> dict[str, Any]:
    if shape["type"] == "GeometryCollection":
        return {"type": shape["type"], "geometries": [_rounded_shape(part) for part in shape["geometries"]]}
    return {"type": shape["type"], "coordinates": _rounded(shape["coordinates"])}


def _steps(colours: Any) -> list[tuple[str, str]]:
    """Read the classes of a step colour map."""
    hexes = ["#" + "".join(f"{round(part * 255):02X}" for part in colour[:3]) for colour in colours.colors]
    edges = [f"{edge:.4g}" for edge in colours.index]
    return [(hexes[i], f"{edges[i]} to {edges[i + 1]}") for i in range(len(hexes))]


def _controls_last(chart: Any) -> None:
    """Move layer controls behind the layers that they list."""
    for name, child in list(chart._children.items()):
        if isinstance(child, LayerControl):
            chart._children.move_to_end(name)


class _Links(HTMLParser):
    """Collects what a head would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address of a script or a stylesheet."""
        self.found += [
            value for name, value in attrs if tag in {"script", "link"} and name in {"src", "href"} and value
        ]


def _addresses(head: str) -> list[str]:
    (links := _Links()).feed(head)
    return links.found


def _tidy(script: str) -> str:
    return "\n".join(line.strip() for line in script.splitlines() if line.strip())


def _renumbered(map_id: str, script: str, ids: list[str]) -> tuple[str, str]:
    """Replace folium's random ids by their order of appearance."""
    for number, random in enumerate(sorted((i for i in ids if i in script), key=script.index), start=1):
        script, map_id = script.replace(random, str(number)), map_id.replace(random, str(number))
    return map_id, script
