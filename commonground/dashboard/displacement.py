"""Did an operation reduce, or move: what does everything in a study say of it, and what could it have said?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.dashboard import displacement_parts as parts_of
from commonground.dashboard.displacement_items import Item, items_of, why
from commonground.dashboard.displacement_rows import COLUMNS, rows_of, zone_name
from commonground.dashboard.displacement_words import paragraph_of
from commonground.errors import CommonGroundError
from commonground.pickles import Exact
from commonground.study import Study
from evaluation.differences import WDD
from evaluation.kinds import DisplacementKinds
from evaluation.quotient import WDQ
from evaluation.sources import ReportingRatio
from evaluation.visibility import SmallestDisplacement
from mapping.change import PatternSimilarity
from mapping.distances import ServiceDistanceShift
from mapping.shifts import CentreShift
from mapping.surfaces import DisplacementSurface

__all__ = ["DisplacementReport", "displacement_report"]

PARTS = ("wdd", "smallest", "wdq", "similarity", "surface", "shifts", "distances", "kinds", "reporting")
_GROUND = {"areas": "areas", "ground_km2": "ground in square kilometres", "residents": "residents"}
_LIMITS = (
    "Cannot tell is no evidence that nothing moved: people may have moved less than could have been seen, beyond the "
    "ring, off-street, online or out of contact.",
    "Counts of enforcement say where enforcement was; counts of reports are what happened times the share reported.",
    "Every interval and p is for one measure alone: of many, some stand out by chance. Differences assume that the "
    "areas would have changed by as many events as their comparison areas. What a surface or a similarity could have "
    "shown is not reckoned.",
    "Events are taken to be independent, but for the dispersion in the differences; where the same people are met "
    "often, p of surface, centre, distance and reporting is too small.",
    "Exact, for the analyst: nothing of this is for publication. What is released is made by `run_study`.",
)


@dataclass(frozen=True, repr=False, eq=False)
class DisplacementReport(Exact):
    """Hold everything a study says of displacement; exact, for the analyst, never for publication.

    Parameters
    ----------
    table : DataFrame
        One row a measure and outcome: value, low, high (95 %), p, could_have_seen (the smallest value that would be
        seen four times in five; NaN where it is not reckoned), reading. Outcome is empty for what is of the ground.
    rings : DataFrame
        Index: zone. areas, ground_km2, and residents where the areas have a population.
    wdd, smallest, wdq, similarity, surface, shifts, distances, kinds, reporting : mapping of outcome to result, or None
        None where no outcome has one.
    missing : mapping of str to str
        Part (``surface``), part of an outcome (``surface of arrests``) or outcome (``arrests``) to why it is not there.
    labels : mapping of outcome to its words
    limits : tuple of str
        What the study itself says it cannot see.
    """

    table: pd.DataFrame = field(repr=False)
    rings: pd.DataFrame = field(repr=False)
    wdd: Mapping[str, WDD] | None
    smallest: Mapping[str, SmallestDisplacement] | None
    wdq: Mapping[str, WDQ] | None
    similarity: Mapping[str, PatternSimilarity] | None
    surface: Mapping[str, DisplacementSurface] | None
    shifts: Mapping[str, CentreShift] | None
    distances: Mapping[str, ServiceDistanceShift] | None
    kinds: Mapping[str, DisplacementKinds] | None
    reporting: Mapping[str, ReportingRatio] | None
    missing: Mapping[str, str]
    labels: Mapping[str, str]
    limits: tuple[str, ...]

    def __repr__(self) -> str:
        return "DisplacementReport(...; call .summary())"

    @property
    def paragraph(self) -> str:
        """The table in words: a sentence an outcome, a clause a row."""
        return paragraph_of(self.table, self.labels)

    def summary(self) -> str:
        """Return the paragraph, then what is missing and what nothing here shows."""
        absent = [f"No {part}: {reason}" for part, reason in self.missing.items()]
        return "\n".join([self.paragraph, *absent, *self.limits, *_LIMITS])

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def displacement_report(study: Study, *, permutations: int = 999, seed: int = 0) -> DisplacementReport:
    """Say what every outcome of a study shows of displacement, and what it could have shown.

    Parameters
    ----------
    study : Study
    permutations : int, default 999
        Relabellings behind p of surface, centre and distance.
    seed : int, default 0

    Returns
    -------
    DisplacementReport
        .table .paragraph .summary(), and each result as an attribute.

    Notes
    -----
    All parts compare the same months: those of after with the same calendar months a year before, as far as both were
    observed. An input of which no outcome is made is read whole, without a margin. A change matters from the nearer end
    of the margin of ratios, margin / (1 + margin) of what the zone had before. Differences are those of `evaluate`
    (`wdd`, against the declared comparison areas); the others look at all areas and have no comparison, so that a trend
    of the whole town moves them. Kinds: missing from the level that was most common before, in operation area and ring.
    What could have been seen of the centre: 3.104 standard errors, of the distance 2.802, both at 80 % power.

    What the data cannot support is not raised: it stands in ``.missing``, and readings without power say cannot tell.

    References
    ----------
    Wheeler and Ratcliffe (2018), Crime Science 7:11; Bowers and Johnson (2003), Journal of Quantitative Criminology
    19:275; Andresen (2009), Applied Geography 29:333; and those of each function.
    """
    missing: dict[str, str] = {}
    items = items_of(study, missing)
    services = _attempt(missing, "distances", lambda: parts_of.services_of(study))
    found: dict[str, dict[str, Any]] = {name: {} for name in PARTS}
    rows = _ground(rings := parts_of.rings_part(study))
    if "residents" not in rings or rings["residents"].isna().all():
        missing["residents"] = "the areas of the study have no population."
    for name, item in items.items():
        own = _parts(item, items, study, services, missing, (permutations, seed))
        for part, result in own.items():
            found[part][name] = result[0] if part == "reporting" else result
        rows += rows_of(item, own, study, services)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return DisplacementReport(
        table=table,
        rings=rings,
        **{name: results or None for name, results in found.items()},
        missing=_together(missing, items, found),
        labels={name: item.label for name, item in items.items()},
        limits=study.limits,
    )


def _parts(
    item: Item,
    items: Mapping[str, Item],
    study: Study,
    services: gpd.GeoSeries | None,
    missing: dict[str, str],
    chance: tuple[int, int],
) -> dict[str, Any]:
    """Return every part that can be had of one item; the reasons for the others go into `missing`."""
    calls: dict[str, Callable[[], Any]] = {
        "wdd": lambda: _present(item.compared.wdd, "there are no comparison areas."),
        "smallest": lambda: _present(item.compared.smallest, "there are no comparison areas, or no ring."),
        "wdq": lambda: parts_of.quotient_part(item, study),
        "similarity": lambda: parts_of.similarity_part(item, study),
        "surface": lambda: parts_of.surface_part(item, study, *chance),
        "shifts": lambda: parts_of.centre_part(item, *chance),
        "kinds": lambda: parts_of.kinds_part(item, study),
        "reporting": lambda: parts_of.reporting_part(item, items, study),
    }
    if services is not None:
        calls["distances"] = lambda: parts_of.distance_part(item, services, study, *chance)
    made = {part: _attempt(missing, f"{part} of {item.name}", call) for part, call in calls.items()}
    return {part: result for part, result in made.items() if result is not None}


def _present(result: Any, reason: str) -> Any:
    if result is None:
        raise CommonGroundError(reason)
    return result


def _attempt(missing: dict[str, str], name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except CommonGroundError as error:
        missing[name] = why(error)
        return None


def _together(
    missing: Mapping[str, str], items: Mapping[str, Item], found: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Say a reason once where a part is missing from every outcome for it."""
    kept = dict(missing)
    for part in PARTS:
        names = [f"{part} of {name}" for name in items]
        reasons = {kept[name] for name in names if name in kept}
        if names and not found[part] and len(reasons) == 1 and part not in kept:
            kept = {name: reason for name, reason in kept.items() if name not in names} | {part: reasons.pop()}
        elif not found[part] and part not in kept:
            kept[part] = "see each outcome." if names else "no outcome could be compared."
    return kept


def _ground(rings: pd.DataFrame) -> list[dict[str, Any]]:
    rows = []
    for zone in ("treated", "ring"):
        for column, words in _GROUND.items():
            if zone in rings.index and column in rings and pd.notna(rings[column][zone]):
                measure = f"{zone_name(zone)}: {words}"
                rows.append(
                    {"measure": measure, "outcome": "", "value": float(rings[column][zone]), "reading": "declared"}
                )
    return rows
