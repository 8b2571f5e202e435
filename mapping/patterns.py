"""Answer which events may enter a surface, and what had to be left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.kernels import Array, Lattice

__all__ = ["Pattern", "read_patterns", "read_window"]

#: Names of the arguments that the messages speak of, in the order in which patterns are passed.
NAMES = ("`before`", "`after`", "`comparison` before", "`comparison` after")
#: Events below which a surface shows little but its bandwidth.
FEW = 20
#: A pattern whose events share places this much, on average, was snapped to fixed points.
SNAPPED = 3


@dataclass(frozen=True)
class Pattern(Exact):
    """Hold the events of one period.

    Parameters
    ----------
    x, y : ndarray
        Coordinates, metres.
    weight : ndarray
        Weight of each event, above 0.
    stratum : ndarray
        Whatever events must share for labels to be exchanged between them.
    """

    x: Array
    y: Array
    weight: Array
    stratum: npt.NDArray[Any]

    def __repr__(self) -> str:
        return "Pattern(...)"

    def followed_by(self, other: Pattern) -> Pattern:
        """Return the events of both periods, this one first."""
        mine, theirs = ((pattern.x, pattern.y, pattern.weight, pattern.stratum) for pattern in (self, other))
        return Pattern(*(np.concatenate(both) for both in zip(mine, theirs, strict=True)))

    def moved_to(self, pixels: Lattice) -> Pattern:
        """Return the events at the centres of the pixels that hold them."""
        return Pattern(pixels.x[pixels.column_of(self.x)], pixels.y[pixels.row_of(self.y)], self.weight, self.stratum)

    def _only(self, keep: npt.NDArray[np.bool_]) -> Pattern:
        return Pattern(self.x[keep], self.y[keep], self.weight[keep], self.stratum[keep])


def read_window(window: Any) -> tuple[Any, Any]:
    """Return the window as one polygon and its coordinate system (None when it carries none)."""
    crs = getattr(window, "crs", None)
    geometry = window.geometry.union_all() if hasattr(window, "geometry") else window
    kind = getattr(geometry, "geom_type", type(window).__name__)
    if kind not in ("Polygon", "MultiPolygon"):
        raise GeographyError(f"`window` is a {kind}; a Polygon or MultiPolygon is needed")
    if not geometry.is_valid:
        raise GeographyError("`window` crosses itself; pass shapely.make_valid(window)")
    if not geometry.area > 0:
        raise GeographyError("`window` has no area; pass the polygon in which events could have been seen")
    return geometry, crs


def read_patterns(
    groups: Sequence[Any],
    window: Any,
    crs: Any,
    *,
    weights: Sequence[Any] | None = None,
    strata: Sequence[Any] | None = None,
) -> tuple[list[Pattern], list[str]]:
    """Read points, weights and strata; refuse what cannot be used, and say what was left out.

    Parameters
    ----------
    groups : sequence of GeoSeries or GeoDataFrame
        Points of each pattern: before, after and, with a comparison, its two.
    window : shapely geometry or None
        Events outside it are left out; None keeps all.
    crs : CRS or None
        The window's coordinate system, where it has one.
    weights, strata : sequence of array-like, optional
        One array per pattern, in the order of its events.

    Returns
    -------
    tuple of list of Pattern and list of str
        The events used, and the notes.
    """
    names = NAMES if len(groups) > 1 else ("`points`",)
    notes = _check_geography(groups, names, crs)
    problems: list[Problem] = []
    weights = _one_each(weights, groups, "weights", problems)
    strata = _one_each(strata, groups, "strata", problems)
    patterns = []
    for name, points, weight, stratum in zip(names, groups, weights, strata, strict=False):
        pattern = _read(name, points, weight, stratum, problems)
        if pattern is not None:
            pattern, said = _inside(name, pattern, window)
            notes += said
            patterns.append(pattern)
            problems += _too_few(name, pattern, window)
    if problems:
        raise RecordsError("the events cannot be used", problems)
    places = len(np.unique(np.concatenate([pattern.x + 1j * pattern.y for pattern in patterns])))
    if places == 1:
        everything = " and ".join(names[: len(groups)])
        rule = "more than one place is needed, all events are at one"
        raise RecordsError("the events cannot be used", [Problem(None, everything, rule, "compare counts instead")])
    return patterns, notes + _remarks(patterns, places)


def _too_few(name: str, pattern: Pattern, window: Any) -> list[Problem]:
    if len(pattern.x) >= 2:
        return []
    found = "one" if len(pattern.x) else "none"
    where = " inside the window" if window is not None else ""
    rule = f"at least 2 events{where} are needed, {found} found"
    return [Problem(None, name, rule, "widen the period or the window")]


def _check_geography(groups: Sequence[Any], names: Sequence[str], window_crs: Any) -> list[str]:
    wrong, systems = [], {}
    for name, points in zip(names, groups, strict=False):
        if not hasattr(points, "geometry"):
            wrong.append(f"{name} is a {type(points).__name__}; a GeoSeries or GeoDataFrame of points is needed")
            continue
        kinds = {
            shapely.GeometryType(kind).name.title() for kind in np.unique(shapely.get_type_id(points.geometry.array))
        }
        kinds -= {"Point", "Missing"}
        if kinds:
            wrong.append(f"{name} holds {', '.join(sorted(kinds))}; points are needed, pass .representative_point()")
        systems[name] = points.crs
    named = {name: crs for name, crs in {**systems, "`window`": window_crs}.items() if crs is not None}
    for name, crs in named.items():
        if crs.is_geographic:
            wrong.append(f"{name} is in {_label(crs)}, which is in degrees; metres are needed, call .to_crs(27700)")
    first = next(iter(named), "")
    for name, crs in named.items():
        if crs != named[first]:
            wrong.append(
                f"{first} is in {_label(named[first])} but {name} is in {_label(crs)}; "
                f"call .to_crs() so that both are in one system"
            )
    lost = [name for name, crs in systems.items() if crs is None]
    if lost and named:
        wrong.append(
            f"{' and '.join(lost)} has no coordinate system but {first} is in {_label(named[first])}; call .set_crs()"
        )
    if wrong:
        raise GeographyError("\n".join(wrong))
    return ["No coordinate system was given: coordinates were taken to be metres."] if lost else []


def _label(crs: Any) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)


def _one_each(given: Sequence[Any] | None, groups: Sequence[Any], name: str, problems: list[Problem]) -> Sequence[Any]:
    if given is None:
        return [None] * len(groups)
    if len(given) != len(groups):
        rule = f"one array for each of the {len(groups)} patterns is needed, {len(given)} given"
        problems.append(Problem(None, f"`{name}`", rule, "pass them in the order before, after, comparison"))
        return [None] * len(groups)
    return given


def _read(name: str, points: Any, weight: Any, stratum: Any, problems: list[Problem]) -> Pattern | None:
    shapes = points.geometry
    n = len(shapes)
    weight = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    stratum = np.zeros(n) if stratum is None else np.asarray(stratum)
    wrong = [
        Problem(None, f"{kind} of {name}", f"one value an event is needed, {len(values)} for {n}", "match their order")
        for kind, values in (("weights", weight), ("strata", stratum))
        if len(values) != n
    ]
    if not wrong and not (np.isfinite(weight) & (weight >= 0)).all():
        wrong.append(
            Problem(None, f"weights of {name}", "numbers from 0 up are needed", "leave out events without one")
        )
    if not wrong and pd.isna(stratum).any():
        wrong.append(
            Problem(None, f"strata of {name}", "every event needs a stratum", "give missing values one of their own")
        )
    problems += wrong
    places = np.array(shapes.array, dtype=object)
    places[shapely.is_empty(places)] = None  # an empty point has no place
    return None if wrong else Pattern(shapely.get_x(places), shapely.get_y(places), weight, stratum)


def _inside(name: str, pattern: Pattern, window: Any) -> tuple[Pattern, list[str]]:
    placed = np.isfinite(pattern.x) & np.isfinite(pattern.y)
    within = placed if window is None else placed & shapely.intersects_xy(window, pattern.x, pattern.y)
    counted = pattern.weight > 0
    left_out = (
        (~placed, "without a place"),
        (placed & ~within, "outside the window"),
        (within & ~counted, "of weight 0"),
    )
    notes = [f"{int(out.sum()):,} events of {name} {why} were left out." for out, why in left_out if out.any()]
    return pattern._only(within & counted), notes


def _remarks(patterns: Sequence[Pattern], places: int) -> list[str]:
    events = sum(len(pattern.x) for pattern in patterns)
    notes = []
    if min(len(pattern.x) for pattern in patterns) < FEW:
        notes.append(f"A pattern has fewer than {FEW} events: its surface shows little but the bandwidth.")
    if events > SNAPPED * places:
        notes.append(
            f"{events:,} events lie on {places:,} places: they were snapped to fixed points, and detail finer than the "
            "distance between those is not real."
        )
    return notes
