"""How do published blocks become a map? Drawing only: every number comes from a Protected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.disclosure import Answer, Protected
from commonground.disclosure.spreading import Spread
from commonground.errors import NotReleasable
from commonground.release.classes import Classes
from commonground.release.maps import Layer, MapView, choropleth_map
from commonground.release.pages import Link, Page
from commonground.release.tables import require_origin
from mapping.published import RateChange, rate_change
from mapping.spread import SpreadSurface

__all__ = ["access_map", "change_map", "phase_map", "spread_map", "surface_map"]

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


def phase_map(
    protected: Protected,
    *,
    title: str,
    finding: str,
    names: Mapping[str, str] | None = None,
    links: Sequence[Link] = (),
) -> MapView:
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
    links : sequence of Link
        Ways back to the pages that lead here, relative.

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
        name = (names or {}).get(period, period.capitalize())
        layers.append(Layer(name, values, _texts(words, blocks), classes, origin=protected))
    if {"before", "after"} <= set(frame["period"]) and protected.count == "events":
        layers.append(_change_layer(protected, blocks))
    return _view(blocks, layers, Page(title, finding, links=tuple(links), notes=_notes(protected)))


def change_map(protected: Protected, *, title: str, finding: str, links: Sequence[Link] = ()) -> MapView:
    """Draw the change of each block between the periods ``before`` and ``after``, a day observed, from labels.

    Ratio and interval are those of `mapping.published.rate_change`, as in the tables; the other options, what is
    returned and what is refused are those of `phase_map`.
    """
    blocks = _blocks(protected)
    layers = [_change_layer(protected, blocks)]
    return _view(blocks, layers, Page(title, finding, links=tuple(links), notes=_notes(protected)))


def access_map(
    protected: Protected, access: pd.DataFrame, *, title: str, finding: str, links: Sequence[Link] = ()
) -> MapView:
    """Draw places a week per 100 people within reach, by block and time of day.

    The other options, what is returned and what is refused are those of `phase_map`.

    Parameters
    ----------
    protected : Protected
        Whose blocks are drawn.
    access : DataFrame
        Places a week per person by area (rows) and slot (columns), worked out from the same protected values; a
        block has the mean of its areas.
    """
    blocks = _blocks(protected)
    areas = protected.block_areas()
    layers = []
    for slot in access.columns:
        means = {block: 100 * float(access.loc[list(codes), slot].mean()) for block, codes in areas.items()}
        values = pd.Series(means).reindex(blocks.index)
        words = [None if math.isnan(places) else _place_words(places) for places in values]
        layers.append(Layer(str(slot).capitalize(), values, _texts(words, blocks), PLACES, origin=protected))
    return _view(blocks, layers, Page(title, finding, links=tuple(links), notes=(protected.summary(),)))


def surface_map(surface: SpreadSurface, *, title: str, finding: str, links: Sequence[Link] = ()) -> MapView:
    """Draw a surface spread from published blocks on a fixed lattice; it carries no p.

    The other options and what is returned are those of `phase_map`.

    Parameters
    ----------
    surface : SpreadSurface
        As `spread_surface` made it. A surface of exact values is refused.
    """
    require_origin(surface)
    cells = surface.cells
    words = [None if math.isnan(value) else f"{_digits(value)} times" for value in cells["ratio"]]
    layer = Layer("Change in share", cells["ratio"], _texts(words, cells), SHARES, origin=surface)
    names = [f"{near}, square {cell}" for cell, near in cells["near"].items()]
    shapes = gpd.GeoDataFrame({"name": names}, geometry=cells.geometry, index=cells.index, crs=cells.crs)
    return _view(shapes, [layer], Page(title, finding, links=tuple(links), notes=(WEAK, *surface.notes)))


def spread_map(spread: Spread, *, title: str, finding: str, links: Sequence[Link] = ()) -> MapView:
    """Draw published numbers spread over other areas, such as wards or hexagons of a fixed lattice.

    The other options and what is returned are those of `phase_map`.

    Parameters
    ----------
    spread : Spread
        As `spread_over` made it, without categories.
    """
    require_origin(spread)
    frame = spread.to_frame()
    unit = "people" if spread.origin.count == "persons" else spread.origin.count
    classes = replace(PEOPLE, unit=f"{unit}, spread from blocks")
    layers = []
    for period in dict.fromkeys(frame["period"]):
        values = frame[frame["period"] == period].set_index("area")["value"].reindex(spread.areas.index)
        words = [None if math.isnan(value) else f"about {_digits(value)}, spread from blocks" for value in values]
        layers.append(Layer(str(period).capitalize(), values, _texts(words, spread.areas), classes, origin=spread))
    notes = (spread.origin.summary(), *spread.origin.citations, spread.summary())
    return _view(spread.areas, layers, Page(title, finding, links=tuple(links), notes=notes))


def _view(blocks: gpd.GeoDataFrame, layers: Sequence[Layer], page: Page) -> MapView:
    """Draw layers that have classes of their own."""
    html = choropleth_map(
        blocks,
        layers,
        title=page.title,
        finding=page.finding,
        breaks=PEOPLE.breaks,
        notes=page.notes,
        links=page.links,
    )
    return MapView(html, page.title)


def _change_layer(protected: Protected, blocks: gpd.GeoDataFrame) -> Layer:
    if missing := [period for period in ("before", "after") if period not in protected.periods]:
        raise NotReleasable(f"nothing is published for {' and '.join(missing)}; a change needs both periods.")
    exact, days = protected.profile == "open", (protected.days["before"], protected.days["after"])
    found: dict[tuple[str, str], Answer] = {
        (block, period): Answer(value, low, high)
        for block, _, period, categories, value, low, high in protected.rows
        if not categories
    }
    unknown = Answer(None, None, None)
    changes = [
        rate_change(found.get((block, "before"), unknown), found.get((block, "after"), unknown), days, exact=exact)
        for block in blocks.index
    ]
    words = [_change_words(change, 3 if exact else 2) for change in changes]
    ratios = pd.Series([change.ratio for change in changes], blocks.index, dtype=float)
    return Layer("Change", ratios, _texts(words, blocks), RATES, origin=protected)


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


def _change_words(change: RateChange, digits: int) -> str | None:
    """Write a change as the tables do, also where one of two published counts is 0."""
    ratio, low, high = change
    if math.isnan(ratio):
        return None
    if math.isinf(ratio):
        return f"at least {_digits(low, digits)} times"
    if ratio == 0:
        return f"at most {_digits(high, digits)} times"
    return f"{_digits(ratio, digits)} times ({_digits(low, digits)} to {_digits(high, digits)})"


def _digits(value: float, digits: int = 2) -> str:
    return f"{value:.0f}" if value == 0 or value >= 10**digits else f"{value:#.{digits}g}".rstrip(".")


def _place_words(places: float) -> str:
    return "none within reach" if places == 0 else f"{_digits(places)} places per 100 people"


def _notes(protected: Protected) -> tuple[str, ...]:
    return (protected.summary(), *protected.citations, WEAK)
