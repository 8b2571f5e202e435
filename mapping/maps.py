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
PEOPLE = Classes((0.0, 10.0, 20.0, 40.0, 80.0, math.inf), "sequential", "people")
A_MONTH = Classes((0.0, 1.0, 3.0, 10.0, 30.0, math.inf), "sequential", "events a month")
PLACES = Classes((0.0, 1.0, 5.0, 20.0, 50.0, math.inf), "sequential", "places a week per 100 people within reach")
_CHANGES = (0.0, 0.5, 0.8, 1.25, 2.0, math.inf)
RATES = Classes(_CHANGES, "diverging", "rate after over rate before")
SHARES = Classes(_CHANGES, "diverging", "share of all events, after over before")
DAYS_A_MONTH = 365.25 / 12
WEAK = (
    "A map of blocks is weak evidence of movement: people may have moved within a block, and blocks differ in size. "
    "The table of zones is the published answer."
)


def phase_map(protected: Protected, *, title: str, finding: str, names: Mapping[str, str] | None = None) -> MapView:
    """Draw the published values of each period, with a switch between them, and the change where there are two.

    Events are coloured by the month, because periods differ in length; people are not, because the same person may
    be met in several months.

    Parameters
    ----------
    protected : Protected
        With the shapes of its blocks.
    title, finding : str
        Heading of the page, and the sentence below it that reads the map.
    names : mapping of period to words, optional
        What the switch says.

    Returns
    -------
    MapView
        Self-contained; makes no request.

    Raises
    ------
    NotReleasable
        When the values are not protected, or the blocks have no shapes.
    """
    blocks = _blocks(protected)
    classes = PEOPLE if protected.count == "persons" else A_MONTH
    frame = protected.to_frame()
    layers = []
    for period in dict.fromkeys(frame["period"]):
        rows = frame[frame["period"] == period].set_index("block").reindex(blocks.index)
        months = None if protected.count == "persons" else protected.days[period] / DAYS_A_MONTH
        cells: list[Any] = rows[["value", "low", "high"]].to_dict("records")
        words = [_count_words(cell["value"], cell["low"], cell["high"], months) for cell in cells]
        values = rows["value"].astype("Float64") / (months or 1.0)
        layers.append(Layer((names or {}).get(period, period.capitalize()), values, _texts(words, blocks), classes))
    if {"before", "after"} <= set(frame["period"]) and protected.count == "events":
        layers.append(_change_layer(protected, blocks))
    html = choropleth_map(blocks, layers, title=title, finding=finding, breaks=classes.breaks, notes=_notes(protected))
    return MapView(html, title)


def change_map(protected: Protected, *, title: str, finding: str) -> MapView:
    """Draw the change of each block between before and after, a day observed, from labels.

    Parameters
    ----------
    protected : Protected
        With periods ``before`` and ``after``.
    title, finding : str
        Heading of the page, and the sentence below it that reads the map.

    Returns
    -------
    MapView
        Self-contained; makes no request.

    Raises
    ------
    NotReleasable
        When the values are not protected, or the blocks have no shapes.
    """
    blocks = _blocks(protected)
    layer = _change_layer(protected, blocks)
    html = choropleth_map(
        blocks,
        [layer],
        title=title,
        finding=finding,
        breaks=RATES.breaks,
        kind="diverging",
        notes=_notes(protected),
    )
    return MapView(html, title)


def access_map(protected: Protected, access: pd.DataFrame, *, title: str, finding: str) -> MapView:
    """Draw places a week per 100 people within reach, by block and time of day.

    Parameters
    ----------
    protected : Protected
        Whose blocks are drawn.
    access : DataFrame
        Places a week per person by area (rows) and slot (columns), worked out from the same protected values; a
        block has the mean of its areas.
    title, finding : str
        Heading of the page, and the sentence below it that reads the map.

    Returns
    -------
    MapView
        Self-contained; makes no request.

    Raises
    ------
    NotReleasable
        When the values are not protected, or the blocks have no shapes.
    """
    blocks = _blocks(protected)
    areas = protected.block_areas()
    layers = []
    for slot in access.columns:
        means = {block: 100 * float(access.loc[list(codes), slot].mean()) for block, codes in areas.items()}
        values = pd.Series(means).reindex(blocks.index)
        words = [None if math.isnan(places) else _place_words(places) for places in values]
        layers.append(Layer(str(slot).capitalize(), values, _texts(words, blocks), PLACES))
    html = choropleth_map(
        blocks, layers, title=title, finding=finding, breaks=PLACES.breaks, notes=[protected.summary()]
    )
    return MapView(html, title)


def surface_map(surface: SpreadSurface, *, title: str, finding: str) -> MapView:
    """Draw a surface spread from published blocks on a fixed lattice; it carries no p.

    Parameters
    ----------
    surface : SpreadSurface
    title, finding : str
        Heading of the page, and the sentence below it that reads the map.

    Returns
    -------
    MapView
        Self-contained; makes no request.

    Raises
    ------
    NotReleasable
        For a surface of exact values.
    """
    require_origin(getattr(surface, "origin", surface))
    cells = surface.cells
    words = pd.Series([f"{_digits(value)} times" for value in cells["ratio"]], cells.index)
    layer = Layer("Change in share", cells["ratio"], words, SHARES)
    shapes = gpd.GeoDataFrame(
        {"name": [f"{near}, square {cell}" for cell, near in cells["near"].items()]},
        geometry=cells.geometry,
        index=cells.index,
        crs=cells.crs,
    )
    html = choropleth_map(
        shapes,
        [layer],
        title=title,
        finding=finding,
        breaks=SHARES.breaks,
        kind="diverging",
        notes=[WEAK, *surface.notes],
    )
    return MapView(html, title)


def _change_layer(protected: Protected, blocks: gpd.GeoDataFrame) -> Layer:
    change = protected.change("before", "after").reindex(blocks.index)
    cells: list[Any] = change[["ratio", "low", "high"]].to_dict("records")
    words = [
        None
        if pd.isna(cell["ratio"])
        else f"{_digits(cell['ratio'])} times ({_digits(cell['low'])} to {_digits(cell['high'])})"
        for cell in cells
    ]
    return Layer("Change", change["ratio"], _texts(words, blocks), RATES)


def _blocks(protected: Protected) -> gpd.GeoDataFrame:
    require_origin(protected)
    if protected.blocks is None:
        raise NotReleasable("these blocks have no shapes; tally with areas to draw them.")
    return protected.blocks


def _texts(words: list[str | None], blocks: gpd.GeoDataFrame) -> pd.Series[Any]:
    return pd.Series(words, index=blocks.index, dtype=object)


def _count_words(value: Any, low: Any, high: Any, months: float | None) -> str | None:
    """Write a value with what it stands for and, of events, its monthly rate."""
    if pd.isna(value):
        return None
    count = f"{value:,}" if low == high else f"about {value:,} ({low:,} to {high:,})"
    return count if months is None else f"{count}; {_digits(value / months)} a month"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value == 0 or value >= 100 else f"{value:#.2g}".rstrip(".")


def _place_words(places: float) -> str:
    return "none within reach" if places == 0 else f"{_digits(places)} places per 100 people"


def _notes(protected: Protected) -> list[str]:
    return [protected.summary(), *protected.citations, WEAK]
