"""How do published blocks become a map? Drawing only: every number comes from a Protected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.disclosure import Protected
from commonground.errors import NotReleasable
from commonground.release.classes import Classes
from commonground.release.maps import Layer, MapView, choropleth_map
from commonground.release.tables import require_origin
from mapping.spread import SpreadSurface

__all__ = ["access_map", "change_map", "phase_map", "surface_map"]

# Classes are fixed beforehand, never taken from the data: two maps can be laid side by side (safeguards.md).
PEOPLE = (0.0, 10.0, 20.0, 40.0, 80.0, math.inf)
A_MONTH = (0.0, 1.0, 3.0, 10.0, 30.0, math.inf)
DAYS_A_MONTH = 365.25 / 12
PLACES = (0.0, 1.0, 5.0, 20.0, 50.0, math.inf)
CHANGE = (0.0, 0.5, 0.8, 1.25, 2.0, math.inf)
WEAK = (
    "A map of blocks is weak evidence of movement: people may have moved within a block, and blocks differ in size. The "
    "zone table is the published answer."
)


def phase_map(protected: Protected, *, title: str, finding: str, names: Mapping[str, str] | None = None) -> MapView:
    """Draw the published values of each period, with a switch between them, and the change a day where there are two.

    Parameters
    ----------
    protected : Protected
    title, finding : str
    names : mapping of period to words, optional
        What the switch says.

    Returns
    -------
    MapView
        Self-contained; makes no request.

    Raises
    ------
    NotReleasable
        When the values are not protected, or the areas have no shapes.
    """
    blocks = _blocks(protected)
    monthly = protected.count != "persons"  # people of a long and a short period cannot be compared a month
    classes = Classes(A_MONTH, "sequential", "events a month") if monthly else Classes(PEOPLE, "sequential", "people")
    frame = protected.to_frame()
    layers = []
    for period in dict.fromkeys(frame["period"]):
        rows = frame[frame["period"] == period].set_index("block").reindex(blocks.index)
        months = protected.days[period] / DAYS_A_MONTH if monthly else None
        words = [_label(row.value, row.low, row.high, months) for row in rows.itertuples()]
        values = rows["value"].astype("float64") / (months or 1.0)
        label = (names or {}).get(period, period.capitalize())
        layers.append(Layer(label, values, pd.Series(words, rows.index, dtype=object), classes))
    if {"before", "after"} <= set(frame["period"]) and protected.count == "events":
        layers.append(_change_layer(protected, blocks))
    html = choropleth_map(blocks, layers, title=title, finding=finding, breaks=classes.breaks, notes=_notes(protected))
    return MapView(html, title)


def change_map(protected: Protected, *, title: str, finding: str) -> MapView:
    """Draw the change a day of each block between before and after, from labels."""
    blocks = _blocks(protected)
    layer = _change_layer(protected, blocks)
    html = choropleth_map(
        blocks, [layer], title=title, finding=finding, breaks=CHANGE, kind="diverging", notes=_notes(protected)
    )
    return MapView(html, title)


def access_map(protected: Protected, access: pd.DataFrame, *, title: str, finding: str) -> MapView:
    """Draw places a week per 100 people within reach, by block and time of day; worked out from labels.

    Parameters
    ----------
    protected : Protected
        Whose blocks are drawn.
    access : DataFrame
        Places per person by area (rows) and slot (columns), worked out from the same protected values.
    title, finding : str
    """
    blocks = _blocks(protected)
    areas = protected.block_areas()
    classes = Classes(PLACES, "sequential", "places a week per 100 people within reach")
    layers = []
    for slot in access.columns:
        values = pd.Series({block: 100 * float(access.loc[list(codes), slot].mean()) for block, codes in areas.items()})
        values = values.reindex(blocks.index)
        words = values.map(lambda places: "none within reach" if places == 0 else f"{places:.2g} places per 100 people")
        layers.append(Layer(str(slot).capitalize(), values, words, classes))
    html = choropleth_map(blocks, layers, title=title, finding=finding, breaks=PLACES, notes=_notes(protected))
    return MapView(html, title)


def surface_map(surface: SpreadSurface, *, title: str, finding: str) -> MapView:
    """Draw a surface spread from published blocks on a fixed lattice; it carries no p."""
    require_origin(surface)
    cells = surface.cells
    words = pd.Series([f"{value:.2g} times" for value in cells["ratio"]], cells.index)
    layer = Layer(
        "Change in share", cells["ratio"], words, Classes(CHANGE, "diverging", "share of all events, after over before")
    )
    shapes = gpd.GeoDataFrame({"name": cells.index}, geometry=cells.geometry, index=cells.index, crs=cells.crs)
    html = choropleth_map(
        shapes, [layer], title=title, finding=finding, breaks=CHANGE, kind="diverging", notes=[WEAK, *surface.notes]
    )
    return MapView(html, title)


def _change_layer(protected: Protected, blocks: gpd.GeoDataFrame) -> Layer:
    change = protected.change("before", "after").reindex(blocks.index)
    words = [
        None if pd.isna(row.ratio) else f"{row.ratio:g} times ({row.low:g} to {row.high:g})"
        for row in change.itertuples()
    ]
    return Layer(
        "Change a day",
        change["ratio"],
        pd.Series(words, blocks.index, dtype=object),
        Classes(CHANGE, "diverging", "rate after over rate before"),
    )


def _blocks(protected: Protected) -> gpd.GeoDataFrame:
    require_origin(protected)
    if protected.blocks is None:
        raise NotReleasable("these blocks have no shapes; tally with areas to draw them.")
    return protected.blocks


def _label(value: Any, low: Any, high: Any, months: float | None) -> str | None:
    if pd.isna(value):
        return None
    count = f"{value:,}" if low == high else f"about {value} ({low} to {high})"
    return count if months is None else f"{count}; {value / months:.2g} a month"


def _notes(protected: Protected) -> list[str]:
    return [protected.summary(), WEAK] if protected.profile != "open" else [protected.summary(), *protected.citations]
