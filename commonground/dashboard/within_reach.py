"""Which services are within reach of each area, when nobody has counted who needs them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from commonground.errors import GeographyError
from commonground.release.classes import Classes
from commonground.release.maps import Layer, MapView, choropleth_map
from commonground.release.pages import Link
from commonground.study import NeedsPlan, Study
from commonground.studyneeds import hours_known, read_context
from mapping.access import slot_access, straight_line_cost
from mapping.catchments import reach_weights
from mapping.context import ProvisionGaps, add_context, provision_gaps
from mapping.hours import open_share
from mapping.shortfalls import ALWAYS

__all__ = ["NO_NEED", "WithinReach", "find_within_reach", "listed_services", "reach_map"]

NO_NEED = "Provision only, no need data"
MOST_KINDS = 3  # named in a sentence
# Fixed beforehand, never taken from the data: two maps can be laid side by side (safeguards.md).
COUNTS = Classes((0.0, 1.0, 2.0, 5.0, 10.0, float("inf")), "sequential", "services within reach")


@dataclass(frozen=True, repr=False, eq=False)
class WithinReach:
    """What public lists of services say of each area, whoever lives there. There are no people in it.

    Parameters
    ----------
    gaps : ProvisionGaps
        Areas without a service of a kind within reach, with the numbers of the study's context beside them.
    counts : DataFrame
        Number of services within reach: areas (rows) by kind and slot (two levels of columns).
    context : DataFrame
        Numbers of the areas (rows), by the name the study gives them.
    labels : mapping of str to str
        Heading of each of those numbers.
    lists : DataFrame
        One row per kind: kind, listed, placed, inside, beyond (outside the areas, within reach of one), sites.
    shapes : GeoDataFrame
        The study's areas, with a column ``name``.
    timed : bool
        Whether every list says when its services are open.
    reach : float
        Metres, in a straight line from a point inside each area.
    sources : tuple of str
        Citations of the numbers in `context`.
    """

    gaps: ProvisionGaps
    counts: pd.DataFrame = field(repr=False)
    context: pd.DataFrame = field(repr=False)
    labels: Mapping[str, str]
    lists: pd.DataFrame = field(repr=False)
    shapes: gpd.GeoDataFrame = field(repr=False)
    timed: bool
    reach: float
    sources: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"WithinReach({len(self.shapes)} areas, reach={self.reach:g})"

    @property
    def looked_at(self) -> list[tuple[str, str]]:
        """Kinds and slots that were counted, in the order of the lists."""
        keys: list[Any] = self.counts.columns.to_list()
        return [(str(kind), str(slot)) for kind, slot in keys]

    @property
    def sentence(self) -> str:
        """Say where no service of a kind is within reach, and that nobody's need was counted."""
        none = [(int((self.counts[key] == 0).sum()), _kind(*key)) for key in self.looked_at]
        lacking = sorted(((count, what) for count, what in none if count), key=lambda one: -one[0])
        total, when = len(self.counts), "" if self.timed else " Opening hours are not known."
        told = [
            f"{count} of {total} areas have no {what} within {self.reach:,.0f} metres"
            for count, what in lacking[:MOST_KINDS]
        ]
        more = len(lacking) - len(told)
        found = "; ".join(told) if told else f"Every area has each kind of service within {self.reach:,.0f} metres"
        rest = f"; {more} more are in the table" if more else ""
        return f"Provision only: nobody's need was counted. {found}{rest}.{when}"

    @property
    def basis(self) -> str:
        """Say what was counted, what was not, and what the numbers beside it are for."""
        when = "Opening hours come from the lists." if self.timed else "When they are open is not known."
        named = "; ".join(self.labels.values())
        beside = f" Shown beside the areas, not used, and no measure of need: {named}." if named else ""
        return (
            f"{NO_NEED}. The number of listed services within {self.reach:,.0f} metres in a straight line was counted "
            f"from a point inside each area, those across the boundary too. Who needs them, whether anybody misses "
            f"one, how many people a service can see and whom it accepts is not known. {when}{beside}"
        )


def find_within_reach(study: Study) -> WithinReach:
    """Count the services within reach of each area, from lists alone.

    Parameters
    ----------
    study : Study
        With a needs plan.

    Returns
    -------
    WithinReach

    Raises
    ------
    GeographyError
        When services have no coordinates.
    RecordsError
        When opening hours or the numbers of the areas cannot be used.

    Notes
    -----
    A service counts once, whatever its size; several entries at one address count each. Without opening hours in every
    list a service counts at any time; with them, in each slot during which it is open at all.
    """
    plan = study.needs
    if plan is None:
        raise ValueError("a study without a needs plan has no services to count")
    services, points = listed_services(study, plan)
    areas, timed = study.areas, hours_known(services)
    opened = open_share(services["hours"], plan.slots) > 0 if timed else pd.DataFrame(True, services.index, [ALWAYS])
    cost = straight_line_cost(areas, points, outside="keep")
    even = pd.Series(1.0, index=areas.index)  # access is not read: whether anything is within reach needs no demand
    found, counts = {}, {}
    for kind, rows in services.groupby("service", sort=False).groups.items():
        supply, near = opened.loc[rows].astype("float64"), cost[rows]
        found[str(kind)] = slot_access(even, supply, near, reach=plan.reach, provision_only=True)
        weights = reach_weights(near, areas.index, supply.index, plan.reach, None)
        counts[str(kind)] = pd.DataFrame(weights @ supply.to_numpy(), areas.index, opened.columns).astype("int64")
    tables = [read_context(table, areas.index) for table in plan.context]
    context = pd.concat(tables, axis="columns") if tables else pd.DataFrame(index=areas.index)
    gaps = provision_gaps(found)
    return WithinReach(
        gaps=add_context(gaps, context) if len(context.columns) else gaps,
        counts=pd.concat(counts, axis="columns"),
        context=context,
        labels={name: table.label(name) for table in plan.context for name, _ in table.columns},
        lists=_lists(study, plan, services, points, (cost <= plan.reach).any()),
        shapes=areas[["name", "geometry"]],
        timed=timed,
        reach=plan.reach,
        sources=tuple(dict.fromkeys(table.published for table in plan.context if table.published)),
    )


def listed_services(study: Study, plan: NeedsPlan) -> tuple[pd.DataFrame, gpd.GeoSeries]:
    """Return the services that have a place, and their points in the system of the study's areas, on one index.

    Raises
    ------
    GeographyError
        When a list has no coordinates, or none that it says the system of.
    """
    frames, points = [], []
    for name in plan.services:
        records = study.located(name)
        if records.crs is None or "x" not in records.frame:
            raise GeographyError(
                f"the services of {name} have no coordinates; map x and y to work out who can reach them."
            )
        found = records.points()
        frames.append(records.frame.loc[found.index])
        points.append(found.geometry)
    both = gpd.GeoSeries(pd.concat(points, ignore_index=True), crs=study.areas.crs)
    return pd.concat(frames, ignore_index=True), both


def reach_map(found: WithinReach, *, origin: object, links: Sequence[Link] = ()) -> MapView:
    """Draw how many services of each kind are within reach, area by area.

    Parameters
    ----------
    found : WithinReach
    origin : object
        A value of the release that the map belongs to; the counts come from public lists.
    links : sequence of Link
        Ways back.
    """
    layers = []
    for kind, slot in found.looked_at:
        values = found.counts[kind, slot]
        words = pd.Series([_reached(value) for value in values], index=values.index, dtype=object)
        name = _kind(kind, slot).capitalize()
        layers.append(Layer(name, values.astype("float64"), words, COUNTS, origin=origin))
    title = f"{NO_NEED}: services within reach"
    html = choropleth_map(
        found.shapes,
        layers,
        title=title,
        finding=found.sentence,
        breaks=COUNTS.breaks,
        notes=(found.basis,),
        links=links,
    )
    return MapView(html, title)


def _lists(
    study: Study, plan: NeedsPlan, services: pd.DataFrame, points: gpd.GeoSeries, near: pd.Series[Any]
) -> pd.DataFrame:
    """Count, kind by kind, how many services the lists have, and how many of them were counted."""
    inside = shapely.intersects(study.areas.geometry.union_all(), points.array)
    whole = pd.concat([study.located(name).frame["service"] for name in plan.services]).value_counts()
    table = services.assign(inside=inside, near=near.to_numpy(), x=points.x, y=points.y)
    rows = [
        {
            "kind": str(kind),
            "listed": int(whole[kind]),
            "placed": len(group),
            "inside": int(group["inside"].sum()),
            "beyond": int((group["near"] & ~group["inside"]).sum()),
            "sites": len(group[group["near"]].drop_duplicates(["x", "y"])),
        }
        for kind, group in table.groupby("service", sort=False)
    ]
    return pd.DataFrame(rows)


def _kind(kind: str, slot: str) -> str:
    return kind if slot == ALWAYS else f"{kind}, {slot}"


def _reached(count: int) -> str:
    return "none within reach" if count == 0 else f"{count} within reach"
