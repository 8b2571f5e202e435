"""Which numbers does a displacement report rest on, and how is each read?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from scipy import stats
from scipy.spatial import cKDTree

from commonground.dashboard.displacement_items import Item
from commonground.study import Study
from evaluation.differences import POWER, WeightedDifference
from evaluation.kinds import OUT_OF_CONTACT, UNSEEN, DisplacementKinds
from evaluation.quotient import WDQ
from evaluation.sources import ReportingRatio
from mapping.change import PatternSimilarity
from mapping.distances import ServiceDistanceShift
from mapping.shifts import CentreShift
from mapping.surfaces import DisplacementSurface

__all__ = ["CANNOT_TELL", "COLUMNS", "MARGIN", "read_difference", "read_movement", "rows_of", "zone_name"]

COLUMNS = ["measure", "outcome", "value", "low", "high", "p", "could_have_seen", "reading"]
CANNOT_TELL = "cannot tell"
MARGIN = "change of the ring that matters"
ALPHA = 0.05
_REACH = float(stats.norm.ppf(1 - ALPHA / 2))
_SEEN = _REACH + float(stats.norm.ppf(POWER))  # standard errors that are seen with that power
_PLANE = 3.104  # the same for a move in the plane: root of the noncentrality of chi-square with 2 degrees of freedom
Row = dict[str, Any]


def rows_of(item: Item, parts: Mapping[str, Any], study: Study, services: gpd.GeoSeries | None) -> list[Row]:
    """Return the rows of one item, in the order of the paragraph.

    Parameters
    ----------
    item : Item
    parts : mapping of part to result
        What could be computed: wdq, similarity, surface, shifts, distances, kinds, reporting.
    study : Study
    services : GeoSeries or None

    Returns
    -------
    list of dict
        With the keys of `COLUMNS`.
    """
    makers: dict[str, Callable[[Any], list[Row]]] = {
        "wdq": lambda part: _quotient(item, part),
        "similarity": _similarity,
        "surface": lambda part: _surface(part, study),
        "shifts": _centre,
        "distances": lambda part: _distance(item, part, services),
        "kinds": _kinds,
        "reporting": _reporting,
    }
    rows = list(_differences(item))
    for name, maker in makers.items():
        if name in parts:
            rows += maker(parts[name])
    rows += _explained(item)
    return [{**dict.fromkeys(COLUMNS, math.nan), **row, "outcome": item.name} for row in rows]


def read_difference(low: float, high: float, seen: float, margin: float) -> str:
    """Read an interval of a difference: rose, fell, no change that matters, cannot tell.

    Parameters
    ----------
    low, high : float
    seen : float
        The smallest change that would have been seen.
    margin : float
        The smallest change that matters; NaN where none was declared.

    Returns
    -------
    str
        No change that matters only where the interval lies inside the margin and a change as large as the margin would
        have been seen: what had no power cannot be read so.

    Examples
    --------
    >>> read_difference(2, 9, 5, 4), read_difference(-3, 3, 3.5, 4), read_difference(-3, 3, 8, 4)
    ('rose', 'no change that matters', 'cannot tell')
    """
    if low > 0:
        return "rose"
    if high < 0:
        return "fell"
    return "no change that matters" if -margin <= low <= high <= margin and seen <= margin else CANNOT_TELL


def read_movement(inside: str, ring: str, kind: str) -> str:
    """Read the operation area and the ring together.

    Parameters
    ----------
    inside, ring : str
        Readings of `read_difference`.
    kind : {'contacts', 'incidents', 'enforcement'}

    Returns
    -------
    str

    Examples
    --------
    >>> read_movement("fell", "rose", "contacts"), read_movement("fell", "rose", "enforcement")
    ('what displacement looks like', 'these numbers say where enforcement was, not where people were')
    >>> read_movement("fell", "cannot tell", "contacts")
    'cannot tell where they went'
    """
    if kind == "enforcement":
        return "these numbers say where enforcement was, not where people were"
    if kind == "incidents":
        return "these numbers are of reports and do not say where people were"
    found = {
        ("fell", "rose"): "what displacement looks like",
        ("fell", "fell"): "fewer inside and next door",
        ("fell", "no change that matters"): "fewer inside, and no rise next door that matters",
        ("fell", CANNOT_TELL): "cannot tell where they went",
        (CANNOT_TELL, "rose"): "more next door, and cannot tell whether fewer inside",
        ("rose", "rose"): "more inside and next door",
    }
    return found.get((inside, ring), CANNOT_TELL)


def zone_name(zone: str) -> str:
    """Return words for a zone.

    Examples
    --------
    >>> zone_name("treated"), zone_name("East side")
    ('operation area', 'East side')
    """
    return {"treated": "operation area"}.get(zone, zone)


def _differences(item: Item) -> Iterator[Row]:
    """Operation area, ring, both; then ring and operation area read together."""
    found, smallest = item.compared.wdd, item.compared.smallest
    if found is None:
        return
    expected, share = item.sums("treated")[0], item.margin / (1 + item.margin)  # the nearer end of the margin of ratios
    parts: list[tuple[str, WeightedDifference, float, float]] = [
        ("operation area", found.local, found.local.smallest_detectable, share * expected)
    ]
    if found.buffer is not None and smallest is not None:
        parts.append(("ring", found.buffer, smallest.rise, share * smallest.expected))
        both = share * (expected + smallest.expected)
        parts.append(("both together", found.total, found.total.smallest_detectable, both))
    readings = {}
    for measure, part, seen, margin in parts:
        reading = readings[measure] = read_difference(part.low, part.high, seen, margin)
        numbers = {"value": part.value, "low": part.low, "high": part.high, "p": part.p}
        yield {"measure": measure, **numbers, "could_have_seen": seen, "reading": reading}
        if measure == "ring" and margin > 0:
            yield {"measure": MARGIN, "value": margin, "reading": "declared"}
    if "ring" in readings and smallest is not None:
        lost = -found.local.value
        yield {
            "measure": "ring and operation area",
            "value": parts[1][1].value / lost if lost > 0 else math.nan,
            "could_have_seen": smallest.share_of(lost) if lost > 0 else math.nan,
            "reading": read_movement(readings["operation area"], readings["ring"], item.reading),
        }


def _quotient(item: Item, found: WDQ) -> list[Row]:
    reading = CANNOT_TELL
    if not found.interpretable:
        reading = "nothing to displace"
    elif found.low > 0:
        reading = "fell in the ring too"
    elif found.high < 0:
        reading = "rose in the ring"
    smallest, local = item.compared.smallest, item.compared.wdd
    seen = -smallest.share_of(-local.local.value) if smallest and local and local.local.value < 0 else math.nan
    numbers = {"value": found.value, "low": found.low, "high": found.high, "could_have_seen": seen}
    return [{"measure": "displacement quotient", **numbers, "reading": reading}]


def _similarity(found: PatternSimilarity) -> list[Row]:
    differing = int(found.table["differs"].isin(["up", "down"]).sum())
    reading = "some areas differ" if differing else CANNOT_TELL
    return [{"measure": "pattern similarity", "value": found.s_robust, "reading": reading}]


def _surface(found: DisplacementSurface, study: Study) -> list[Row]:
    rows = []
    inside = np.isfinite(found.statistic)
    if not found.permutations or not inside.any():
        return []
    for measure, side in (("greatest rise", 1), ("greatest fall", -1)):
        scored = np.where(inside, side * found.statistic, -np.inf)
        at = np.unravel_index(int(np.argmax(scored)), scored.shape)
        p, ratio = float(found.p_family[at]), math.exp(float(found.log_ratio[at]))
        zone = _zone_at(float(found.x[at]), float(found.y[at]), study)
        firm = p <= ALPHA and (ratio - 1) * side > 0
        reading = f"{'rose' if side > 0 else 'fell'} in: {zone}" if firm else f"{CANNOT_TELL}, in: {zone}"
        rows.append({"measure": measure, "value": ratio, "p": p, "reading": reading})
    return rows


def _zone_at(x: float, y: float, study: Study) -> str:
    at = study.areas.index[study.areas.geometry.intersects(shapely.Point(x, y))]
    homes = {code: zone for zone, codes in study.zones.items() for code in codes}
    return zone_name(homes.get(str(at[0]), "no zone")) if len(at) else "no zone"


def _centre(found: CentreShift) -> list[Row]:
    p, ground = float(found.table["p"]["centre"]), found.ellipses
    # the variance of a centre is S^2 / n over both axes together (S: standard distance)
    error = math.sqrt(float((ground["standard_distance"] ** 2 / ground["n"]).sum()) / 2)
    value = math.hypot(found.east, found.north)
    reading = "moved" if p <= ALPHA else CANNOT_TELL
    return [
        {"measure": "move of the centre", "value": value, "p": p, "could_have_seen": _PLANE * error, "reading": reading}
    ]


def _distance(item: Item, found: ServiceDistanceShift, services: gpd.GeoSeries | None) -> list[Row]:
    value, p = (float(found.table[name]["mean"]) for name in ("moved", "p"))
    points, seen = item.points(), math.nan
    if points is not None and services is not None:
        tree = cKDTree(shapely.get_coordinates(services.array))
        far = [tree.query(shapely.get_coordinates(part.array))[0] for part in points]
        seen = _SEEN * math.sqrt(sum(float(np.var(part)) / len(part) for part in far))
    reading = CANNOT_TELL if p > ALPHA else "further" if value > 0 else "nearer"
    return [{"measure": "distance to the nearest service", "value": value, "p": p, "could_have_seen": seen,
             "reading": reading}]  # fmt: skip


def _kinds(found: DisplacementKinds) -> list[Row]:
    rows = []
    for dimension, gone in found.missing.iterrows():
        low, high = float(gone["low"]), float(gone["high"])
        reading = "missing" if low > 0 else "more" if high < 0 else CANNOT_TELL
        seen = _SEEN / _REACH * (high - low) / 2
        numbers = {"value": float(gone["missing"]), "low": low, "high": high, "could_have_seen": seen}
        rows.append({"measure": f"missing by {dimension}: {gone['level']}", **numbers, "reading": reading})
        mine = found.table[found.table["dimension"] == dimension]
        for row in mine[(mine["level"] == OUT_OF_CONTACT) | (mine["reading"] == UNSEEN)].to_dict("records"):
            bounds = {"low": row["could_hold_low"], "high": row["could_hold_high"]}
            rows.append({"measure": f"could be by {dimension}: {row['level']}", **bounds, "reading": row["reading"]})
    return rows


def _reporting(found: tuple[ReportingRatio, str]) -> list[Row]:
    ratio, against = found
    numbers = {"value": ratio.ratio, "low": ratio.low, "high": ratio.high, "p": ratio.p}
    error = math.log(ratio.high / ratio.low) / (2 * _REACH)
    reading = "rose" if ratio.low > 1 else "fell" if ratio.high < 1 else CANNOT_TELL
    own = {"measure": f"reports against: {against}", **numbers, "could_have_seen": math.exp(-_SEEN * error)}
    return [{**own, "reading": reading}]


def _explained(item: Item) -> list[Row]:
    """Say which change of the share reported would explain everything, and whether the declared range holds it."""
    relative = item.compared.relative
    if not item.reports or relative is None:
        return []
    row = {"measure": "change of reporting that explains all", "value": relative.ratio, "reading": "no range declared"}
    if item.declared is not None:
        low, high = item.declared
        inside = "inside" if low <= relative.ratio <= high else "outside"
        row |= {"low": low, "high": high, "reading": f"{inside} the declared range"}
    return [row]
