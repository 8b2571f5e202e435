"""How published areas become a map that is one file, asks nobody for anything and can be read without seeing it.

`choropleth_map` draws published blocks and switches between layers (before, during, after). `self_contained` turns a
folium map of published values into such a page. Both give a whole HTML page with a legend and a table of the areas.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from commonground.errors import GeographyError
from commonground.records import Records
from commonground.release.assets import leaflet_script, leaflet_style
from commonground.release.classes import HIDDEN_LABEL, Classes
from commonground.release.escape import script_json
from commonground.release.pages import Link, Page, TableView, render_page, table_view, template_text
from commonground.release.spots import refuse_spots
from commonground.release.stock import prepare
from commonground.release.tables import Table, require_origin
from commonground.release.views import MapView

__all__ = ["Layer", "MapView", "choropleth_map", "self_contained"]

_HATCH = "url(#hatch)"
_DIGITS = 5  # decimal places of a degree: about a metre, and less than any boundary is generalised by


@dataclass(frozen=True, repr=False, eq=False)
class Layer:
    """One reading of the same areas: a phase, or a change.

    Parameters
    ----------
    name : str
        What the switch says: ``Before``.
    values : Series of float
        Published values on the index of the blocks; missing where hidden. They choose the colour and are not written.
    labels : Series of str
        What is written for each block: ``10 (8 to 12)``; missing where hidden.
    classes : Classes, optional
        Classes of this layer when they differ from the map's, as for a change beside counts.
    origin : object
        The protected value that the numbers came from. Its class says ``released = True``.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value.
    """

    name: str
    values: pd.Series
    labels: pd.Series
    classes: Classes | None = None
    _: KW_ONLY
    origin: object = field(repr=False)

    def __post_init__(self) -> None:
        require_origin(self.origin)

    def __repr__(self) -> str:
        return f"Layer({self.name})"


def choropleth_map(
    blocks: gpd.GeoDataFrame,
    layers: Sequence[Layer],
    *,
    title: str,
    finding: str,
    breaks: Sequence[float],
    kind: str = "sequential",
    boundaries: gpd.GeoDataFrame | None = None,
    notes: Sequence[str] = (),
    links: Sequence[Link] = (),
) -> str:
    """Draw published blocks, with a switch between layers.

    Parameters
    ----------
    blocks : GeoDataFrame
        One row a published block; a column ``name`` if blocks have names, else the index names them. Any CRS.
    layers : sequence of Layer
        In the order of the switch; the first is shown first.
    title : str
        Title of the page.
    finding : str
        One sentence that says what the map shows.
    breaks : sequence of float
        Edges of the classes, declared and not taken from the data: see `Classes`.
    kind : {"sequential", "diverging"}
        Diverging for changes. A layer with classes of its own keeps them.
    boundaries : GeoDataFrame, optional
        Outlines drawn below the blocks, no finer than the published geography.
    notes : sequence of str
        Footnotes: data as of, sources.
    links : sequence of Link
        Ways back: other pages of the same release, relative, as ``../index.html``.

    Returns
    -------
    str
        A whole HTML page, the same for the same input. The part of the world it shows is that of the blocks.

    Raises
    ------
    GeographyError
        If the blocks have no CRS or an empty shape, or a layer is not on the index of the blocks.
    ClassError
        If the classes cannot be drawn or a value is outside them.
    """
    if not layers:
        raise GeographyError("the map has no layer; pass at least one Layer")
    named = [replace(layer, classes=layer.classes or Classes(tuple(breaks), kind)) for layer in layers]
    for layer in named:
        _check_index(blocks, layer)
    names = [str(name) for name in blocks.get("name", blocks.index)]
    readings = [_readings(blocks, layer) for layer in named]
    keys = list(dict.fromkeys(layer.classes for layer in named if layer.classes))
    data = {
        "names": names,
        "colours": [key.colours for key in keys],
        "layers": [_drawn(blocks, layer, words, keys) for layer, words in zip(named, readings, strict=True)],
        "areas": _features(blocks),
        "boundaries": None if boundaries is None else _features(boundaries),
    }
    return _page(
        Page(title=title, finding=finding, links=tuple(links), notes=tuple(notes)),
        {
            "layers": [{"name": layer.name} for layer in named],
            "legends": [_legend(key) for key in keys],
            "data": Markup(script_json(data)),
            "map_id": "map",
            "alt": f"Map. {finding} The table after the map holds the same values.",
            "view": _readings_table(names, named, readings, title),
        },
        [template_text("choropleth.js")],
    )


def self_contained(
    folium_map: Any,
    *,
    title: str,
    finding: str,
    origin: object,
    places: Records | None = None,
    lang: str = "en",
    table: Table | pd.DataFrame | None = None,
    legend: Sequence[tuple[str, str]] | None = None,
    alt: str = "",
) -> str:
    """Turn a folium map of published values into one page that asks nobody for anything.

    Strings of the map (popups, tooltips, properties, names, icons) are text: markup in them is shown, not obeyed.

    Parameters
    ----------
    folium_map : folium.Map
        A map without tiles. It is copied, not changed.
    title : str
        Title of the page.
    finding : str
        One sentence that says what the map shows.
    origin : object
        The protected value that the numbers came from; an exact one is refused.
    places : Records of services, optional
        A public list: points are drawn only where one of them stands.
    lang : str
        Language of the page.
    table : Table or DataFrame, optional
        The same areas, after the map: polygons cannot be reached by keyboard.
    legend : sequence of (colour, label), optional
        At most five classes and the neutral one. Taken from a folium Choropleth when not given.
    alt : str
        What the map shows, for people who do not see it; the finding when empty.

    Returns
    -------
    str
        A whole HTML page, the same for the same map.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value, or the map marks anything smaller than an area: see `refuse_spots`.
    UnsafeMap
        If the map has tiles, video, scripts of its own or an element that was not reviewed; all of them are listed.
    AssetError
        If it names a file of a third party that is not in our table.
    """
    require_origin(origin)
    stock = prepare(folium_map)
    refuse_spots(folium_map, places)
    entries = tuple(legend) if legend is not None else stock.legend
    return _page(
        Page(title=title, finding=finding, lang=lang),
        {
            "layers": [],
            "legends": [{"title": "Legend", "entries": entries}] if entries else [],
            "data": "",
            "map_id": stock.map_id,
            "alt": alt or f"Map. {finding}",
            "view": "" if table is None else table_view(table, title="Values by area", name="areas"),
        },
        [stock.script],
    )


def _check_index(blocks: gpd.GeoDataFrame, layer: Layer) -> None:
    for series, what in ((layer.values, "values"), (layer.labels, "labels")):
        if len(series) != len(blocks) or not blocks.index.is_unique or not blocks.index.isin(series.index).all():
            raise GeographyError(
                f"the {what} of layer '{layer.name}' are not on the index of the blocks; give one row a block, "
                "with the same, unique index"
            )


def _readings(blocks: gpd.GeoDataFrame, layer: Layer) -> list[str]:
    """Return the words for each block; hidden where the value or the label is missing."""
    values, labels = layer.values.reindex(blocks.index), layer.labels.reindex(blocks.index)
    hidden = values.isna() | labels.isna()
    return [HIDDEN_LABEL if gone else str(label) for gone, label in zip(hidden, labels, strict=True)]


def _drawn(blocks: gpd.GeoDataFrame, layer: Layer, words: list[str], keys: list[Classes]) -> dict[str, Any]:
    """Return what the script needs of one layer: classes and words, never the values themselves."""
    classes = layer.classes or keys[0]
    labels = layer.labels.reindex(blocks.index)
    places = classes.place(
        layer.values.reindex(blocks.index).where(labels.notna())
    )  # hidden in words, hidden in colour
    return {"name": layer.name, "key": keys.index(classes), "classes": places, "labels": words}


def _readings_table(names: list[str], layers: Sequence[Layer], readings: list[list[str]], title: str) -> TableView:
    words = [[None if word == HIDDEN_LABEL else word for word in reading] for reading in readings]
    columns = pd.DataFrame(dict(enumerate([names, *words])), dtype=object)
    columns.columns = ["Area", *(layer.name for layer in layers)]
    return table_view(columns, title=f"{title}: values by area", name="areas")


def _features(areas: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return areas as GeoJSON in degrees, with their position as id and no properties."""
    if areas.crs is None:
        raise GeographyError("the areas have no coordinate system; call `areas.set_crs(...)` with the one they are in")
    shapes = areas.geometry.to_crs(4326).to_numpy()
    if shapely.is_missing(shapes).any() or shapely.is_empty(shapes).any():
        raise GeographyError("some areas have no shape; leave them out or join their boundaries first")
    rounded = shapely.transform(shapes, lambda degrees: np.round(degrees, _DIGITS))
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": at, "properties": {}, "geometry": json.loads(shape)}
            for at, shape in enumerate(shapely.to_geojson(rounded))
        ],
    }


def _legend(key: Classes) -> dict[str, Any]:
    entries = [*zip(key.colours, key.labels, strict=True), (_HATCH, HIDDEN_LABEL)]
    return {"title": key.unit[:1].upper() + key.unit[1:] if key.unit else "Legend", "entries": entries}


def _page(page: Page, context: dict[str, Any], scripts: list[str]) -> str:
    scripts = [leaflet_script(), template_text("printing.js"), *scripts]
    styles = [leaflet_style(), template_text("map.css")]
    return render_page("map.html.j2", page, context, scripts=scripts, styles=styles).decode("utf-8")
