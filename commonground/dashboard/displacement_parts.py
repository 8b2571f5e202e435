"""What does each method say of one set of counts: quotient, pattern, surface, shifts, kinds, reporting?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.aoristic import aoristic
from commonground.areas import residents
from commonground.dashboard.displacement_items import WHENS, Item
from commonground.errors import CommonGroundError
from commonground.study import Study
from evaluation.kinds import DisplacementKinds, displacement_kinds
from evaluation.quotient import WDQ, wdq
from evaluation.sources import ReportingRatio, reporting_ratio
from mapping.change import PatternSimilarity, pattern_similarity
from mapping.distances import ServiceDistanceShift, service_distance_shift
from mapping.shifts import CentreShift, centre_shift
from mapping.surfaces import DisplacementSurface, displacement_surface

__all__ = [
    "centre_part",
    "distance_part",
    "kinds_part",
    "quotient_part",
    "reporting_part",
    "rings_part",
    "services_of",
    "similarity_part",
    "surface_part",
]

_KINDS = ("setting", "mode", "service", "offence")  # what a contact can move between; groups of people are not kinds
_UNKNOWN = "unknown"
_QUARTERS = {"00:00 to 06:00": range(6), "06:00 to 12:00": range(6, 12), "12:00 to 18:00": range(12, 18),
             "18:00 to 24:00": range(18, 24)}  # fmt: skip
_WEEK = {"Monday to Thursday": range(4), "Friday to Sunday": range(4, 7)}
_CANNOT_SEE = {
    "contacts": "people who met none of the services that keep these records",
    "incidents": "what nobody reported",
    "arrests": "people who were not stopped",
}


def rings_part(study: Study) -> pd.DataFrame:
    """Return one row a zone: areas, ground in square kilometres, and residents where the areas have them."""
    shapes = gpd.GeoSeries(
        {zone: study.areas.loc[list(codes)].union_all() for zone, codes in study.zones.items()}, crs=study.areas.crs
    )
    frame = pd.DataFrame({"areas": {zone: len(codes) for zone, codes in study.zones.items()}})
    frame["ground_km2"] = shapes.area / 1e6
    if "population" in study.areas:
        frame["residents"] = residents(shapes, study.areas)
    return frame.rename_axis("zone")


def quotient_part(item: Item, study: Study) -> WDQ:
    """Return the weighted displacement quotient over the matched months."""
    if "ring" not in study.zones:
        raise CommonGroundError("no ring was declared.")
    others = [name for name in study.comparison if name not in study.for_ring]
    if item.compared.wdd is None or not others:
        raise CommonGroundError("there are no comparison areas.")
    before, after = (sum(item.sums(name)[side] for name in others) for side in (0, 1))
    return wdq(item.sums("treated"), item.sums("ring"), (before, after), dispersion=item.compared.wdd.dispersion)


def similarity_part(item: Item, study: Study) -> PatternSimilarity:
    """Compare the shares of the areas that lie in a zone."""
    codes = [code for of in study.zones.values() for code in of]
    counts = [item.rows.loc[item.rows["when"] == when, "code"].value_counts() for when in WHENS]
    before, after = (found.reindex(codes, fill_value=0) for found in counts)
    return pattern_similarity(before, after)


def surface_part(item: Item, study: Study, permutations: int, seed: int) -> DisplacementSurface:
    """Return the exact surface over all areas of the study."""
    before, after = _points(item)
    return displacement_surface(before, after, study.areas.union_all(), permutations=permutations, seed=seed)


def centre_part(item: Item, permutations: int, seed: int) -> CentreShift:
    """Return how the centre of all located records moved."""
    before, after = _points(item)
    return centre_shift(before, after, permutations=permutations, seed=seed)


def services_of(study: Study) -> gpd.GeoSeries:
    """Return the places of the study's services."""
    named = [name for name, spec in study.inputs.items() if spec.kind == "services"]
    if not named:
        raise CommonGroundError("the study names no services.")
    places = [study.located(name).points() for name in named]
    found = gpd.GeoSeries(pd.concat([part.geometry for part in places], ignore_index=True), crs=places[0].crs)
    if not len(found):
        raise CommonGroundError("no service has coordinates.")
    return found


def distance_part(
    item: Item, services: gpd.GeoSeries, study: Study, permutations: int, seed: int
) -> ServiceDistanceShift:
    """Return how the distance to the nearest service changed, services held fixed."""
    before, after = _points(item)
    reach = study.needs.reach if study.needs else 1000.0
    return service_distance_shift(before, after, services, reach=reach, permutations=permutations, seed=seed)


def kinds_part(item: Item, study: Study) -> DisplacementKinds:
    """Set what is missing from the most common kind beside what other kinds gained, in operation area and ring."""
    if item.reading == "enforcement":
        raise CommonGroundError("its counts say where and when enforcement was, not what people did.")
    near = item.rows[item.rows["zone"].isin(["treated", "ring"])]
    source = " and ".join(sorted(near["source"].dropna().unique())) if "source" in near else item.kind
    counts = {name: _levels(near, name, study) for name in _KINDS if name in near}
    if item.day_known():
        counts["day of week"] = _spread(near, item, "weekday", _WEEK)
    if item.time_known():
        counts["time of day"] = _spread(near, item, "hour", _QUARTERS)
    counts = {name: table for name, table in counts.items() if len(table) > 1 and table["before"].sum() > 0}
    if not counts:
        raise CommonGroundError("its records hold no setting, mode, service, offence, day or time to compare by.")
    rows = pd.concat([table.assign(dimension=name, source=source) for name, table in counts.items()])
    origin = {name: str(table["level"].iloc[int(table["before"].argmax())]) for name, table in counts.items()}
    phi = item.compared.wdd.dispersion if item.compared.wdd else 1.0
    unseen = {level: name for name in counts for level in _unseen(study, name)}
    blind = {source: _CANNOT_SEE[item.kind]}
    return displacement_kinds(
        rows.reset_index(drop=True), origin, unseen=unseen, cannot_see=blind, dispersion=max(phi, 1.0)
    )


def reporting_part(item: Item, items: Mapping[str, Item], study: Study) -> tuple[ReportingRatio, str]:
    """Set records that depend on reporting beside contacts, which do not; return the ratio and the label of those."""
    if not item.reports:
        raise CommonGroundError("its counts are not reports.")
    against = next((one for one in items.values() if one.reading == "contacts"), None)
    if against is None:
        raise CommonGroundError("no source of the study is independent of reporting (contacts are).")
    if any(not mine.equals(other) for mine, other in zip(item.compared.matched, against.compared.matched, strict=True)):
        raise CommonGroundError("the two sources were not observed in the same months.")
    others = list(study.comparison)
    controls = [tuple(sum(one.sums(zone)[side] for zone in others) for side in (0, 1)) for one in (item, against)]
    compared: dict[str, Any] = {"control_police": controls[0], "control_outreach": controls[1]} if others else {}
    return reporting_ratio(item.sums("treated"), against.sums("treated"), **compared), against.label


def _points(item: Item) -> tuple[gpd.GeoSeries, gpd.GeoSeries]:
    found = item.points()
    if found is None:
        raise CommonGroundError("its records have no coordinates.")
    if not all(map(len, found)):
        raise CommonGroundError("no record with coordinates lies in the months before, or in those after.")
    return found


def _levels(near: pd.DataFrame, name: str, study: Study) -> pd.DataFrame:
    level = near[name].fillna(_UNKNOWN).astype("str")
    seen = [one for one in study.seen.get(name, study.categories.get(name, ())) if one not in set(level)]
    counts = pd.DataFrame({when: level[near["when"] == when].value_counts() for when in WHENS})
    counts = counts.reindex([*sorted(set(level)), *seen]).fillna(0.0)
    return counts.rename_axis("level").reset_index()


def _unseen(study: Study, name: str) -> list[str]:
    """Return declared levels that no source could see."""
    if name not in study.seen:
        return []
    return [level for level in study.categories.get(name, ()) if level not in study.seen[name]]


def _spread(near: pd.DataFrame, item: Item, every: str, parts: Mapping[str, range]) -> pd.DataFrame:
    """Return aoristic counts over parts of the day or of the week."""
    counts: dict[str, dict[str, float]] = {}
    for when in WHENS:
        rows = near[near["when"] == when]
        spread: list[float] = [0.0] * 24
        if len(rows):
            found = aoristic(rows["start"], rows.get("end"), every=every, timezone=item.timezone).to_frame()
            spread = found["expected"].tolist()
        counts[when] = {name: float(sum(spread[i] for i in hours)) for name, hours in parts.items()}
    return pd.DataFrame(counts).rename_axis("level").reset_index()
