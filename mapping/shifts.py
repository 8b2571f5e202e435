"""Did the events move as a whole: their centre, their spread, their distance to the nearest open service?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.dealing import Array, Deck, chance_of, deck_of_places
from mapping.patterns import Pattern, read_patterns

__all__ = ["CentreShift", "centre_shift"]

#: Corners of the polygon that stands for an ellipse: its area is .5 % too small, alike in both.
CORNERS = 36
LEVEL = 0.05
NO_SPREAD = 1e-3  # metres; what rounding leaves of the spread of events at one place is less
Pairs = Sequence[tuple[Array, Array]]


@dataclass(frozen=True, repr=False)
class CentreShift(Exact):
    """Hold how the centre and the spread of events changed; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        Index: centre, spread, ellipse. Columns: change (metres the mean centre moved; ratio of the standard distances,
        after over before; share of ground that the two ellipses do not have in common), p, and with a comparison
        comparison (the same of the comparison) and p is of the difference.
    east, north : float
        Metres by which the mean centre moved; with a comparison, less the comparison's.
    bearing : float
        Direction of that move, degrees clockwise from grid north.
    ellipses : DataFrame
        Index before, after: x, y (mean centre), semi_major, semi_minor (metres), angle (of the major axis, degrees
        clockwise from grid north, 0 to 180), standard_distance (metres), n.
    permutations : int
    notes : tuple of str
    """

    table: pd.DataFrame
    east: float
    north: float
    bearing: float
    ellipses: pd.DataFrame
    permutations: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "CentreShift(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how far and where to, how sure that is, and what it does not show."""
        change, p = (self.table[name].astype(float).to_dict() for name in ("change", "p"))
        told = "more than chance explains" if p["centre"] <= LEVEL else "chance alone can do that: no proof of staying"
        against = " more than in the comparison" if "comparison" in self.table else ""
        distance = float(np.hypot(self.east, self.north))
        lines = [
            f"The mean centre of events moved {distance:,.0f} m towards {self.bearing:.0f} degrees{against}. Standard "
            f"distance after over before: {change['spread']:.2f}; the ellipses do not share {change['ellipse']:.0%} of "
            "their ground.",
            f"By {self.permutations:,} relabellings p is {p['centre']:.2g} for the centre ({told}), {p['spread']:.2g} "
            f"for the spread and {p['ellipse']:.2g} for the ellipse."
            if self.permutations
            else "No relabellings were asked for, so nothing is said about chance.",
            "A centre can stay while everybody moves (two ways at once), and it moves when only recording changes.",
        ]
        return "\n".join([*lines, *self.notes])


def centre_shift(
    before: Any,
    after: Any,
    *,
    comparison: tuple[Any, Any] | None = None,
    strata: Sequence[Any] | None = None,
    permutations: int = 9_999,
    seed: int = 0,
) -> CentreShift:
    """Measure how far the mean centre moved and how the spread changed, with chance allowed for.

    Centre: (mean x, mean y). Standard distance: sqrt(mean squared distance from the centre). Standard deviational
    ellipse: semi-axes sqrt(2 S / (n - 2)), S the sums of squares along the principal axes (the form CrimeStat and
    pointpats use).

    Parameters
    ----------
    before, after : GeoSeries or GeoDataFrame of points
        Events of each period, in one coordinate system in metres.
    comparison : pair of the same, optional
        Events before and after that the operation could not have moved; changes are then beside theirs.
    strata : pair (or with a comparison four) of array-like, optional
        Labels are dealt out among events of equal value only, such as the time of day or the month.
    permutations : int
        Relabellings behind p; the smallest possible p is 1 / (permutations + 1).
    seed : int

    Returns
    -------
    CentreShift

    Raises
    ------
    GeographyError, RecordsError
        As for `displacement_surface`; also fewer than three events, or all in one line.

    Notes
    -----
    Two-sided p by dealing out the labels before and after. With a comparison labels are dealt within each pair, so p
    is for "neither pair changed". Events are taken to be exchangeable; visits that log ten at once are not. Over 1,000
    different places are put into cells for the relabelling, at their mean.

    References
    ----------
    Lefever (1926), American Journal of Sociology 32:88; Yuill (1971), Geografiska Annaler B 53:28; Levine (2015),
    CrimeStat IV, chapter 4.

    Examples
    --------
    >>> import geopandas as gpd
    >>> before = gpd.GeoSeries.from_xy([0, 0, 90, 100, 50], [0, 100, 0, 100, 40], crs=27700)
    >>> moved = centre_shift(before, before.translate(30, 40), permutations=99)
    >>> moved.east, moved.north, round(moved.bearing, 1)
    (30.0, 40.0, 36.9)
    """
    groups = (before, after, *(comparison or ()))
    patterns, notes = read_patterns(groups, None, None, strata=strata)
    _check(patterns)
    decks = [deck_of_places(patterns[i], patterns[i + 1]) for i in range(0, len(patterns), 2)]
    found = [_changes(_exact(patterns[i], patterns[i + 1])) for i in range(0, len(patterns), 2)]
    p = chance_of(decks, lambda pairs: _statistics(decks, pairs), permutations, seed)
    if any(deck.binned for deck in decks):
        notes.append("Events at many places were put together into cells for the relabelling.")
    table = pd.DataFrame({"change": found[0].shown}, index=["centre", "spread", "ellipse"])
    if comparison is not None:
        table["comparison"] = found[1].shown
    move = found[0].move - (found[1].move if comparison is not None else 0)
    return CentreShift(
        table=table.assign(p=p),
        east=float(move[0]),
        north=float(move[1]),
        bearing=float(np.degrees(np.arctan2(move[0], move[1])) % 360),
        ellipses=_ellipses(*patterns[:2]),
        permutations=permutations,
        notes=tuple(notes),
    )


@dataclass(frozen=True, repr=False)
class _Shape:
    """Moments of point patterns, one a row: what centre, spread and ellipse are made of."""

    n: Array
    centre: Array  # 2 x patterns
    squares: Array  # sums of squares and products about the centre: xx, yy, xy

    @classmethod
    def of(cls, values: Array, counts: Array) -> _Shape:
        n = counts.sum(axis=1)
        x, y = values
        centre = np.stack([counts @ x, counts @ y]) / n
        squares = np.stack([counts @ (x * x), counts @ (y * y), counts @ (x * y)])
        squares -= n * np.stack([centre[0] ** 2, centre[1] ** 2, centre[0] * centre[1]])
        return cls(n, centre, squares)

    @property
    def standard_distance(self) -> Array:
        return np.asarray(np.sqrt(np.maximum(self.squares[0] + self.squares[1], 0) / self.n))

    def axes(self) -> tuple[Array, Array, Array]:
        """Return semi-axes and the direction of the major one, in radians anticlockwise from east."""
        xx, yy, xy = self.squares
        middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        major, minor = (np.sqrt(2 * np.maximum(part, 0) / (self.n - 2)) for part in (middle + half, middle - half))
        return major, minor, np.arctan2(2 * xy, xx - yy) / 2

    def outlines(self) -> npt.NDArray[np.object_]:
        major, minor, angle = (part[:, None] for part in self.axes())
        turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)[None, :]
        along, across = major * np.cos(turn), minor * np.sin(turn)
        x = self.centre[0][:, None] + along * np.cos(angle) - across * np.sin(angle)
        y = self.centre[1][:, None] + along * np.sin(angle) + across * np.cos(angle)
        return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)))


@dataclass(frozen=True, repr=False)
class _Change:
    move: Array  # 2, or 2 x patterns
    spread: Array  # log ratio of standard distances
    apart: Array  # share of ground not in common

    @property
    def shown(self) -> list[float]:
        return [float(np.hypot(*self.move)), float(np.exp(self.spread)), float(self.apart)]


def _changes(shapes: tuple[_Shape, _Shape]) -> _Change:
    before, after = shapes
    one, other = before.outlines(), after.outlines()
    shared = shapely.area(shapely.intersection(one, other))
    together = shapely.area(one) + shapely.area(other) - shared
    # labels may be dealt so that all events of a period are at one place (no spread) or in one line (no ground)
    more, less = (np.log(np.maximum(shape.standard_distance, NO_SPREAD)) for shape in (after, before))
    common = np.divide(shared, together, out=np.zeros_like(together), where=together > 0)
    change = _Change(after.centre - before.centre, more - less, 1 - common)
    if len(before.n) > 1:
        return change
    return _Change(change.move[:, 0], change.spread[0], change.apart[0])


def _statistics(decks: Sequence[Deck], pairs: Pairs) -> Array:
    origin = [deck.values.mean(axis=1, keepdims=True) for deck in decks]  # far from 0, squares lose digits
    changes = [
        _changes((_Shape.of(deck.values - at, before), _Shape.of(deck.values - at, after)))
        for deck, at, (before, after) in zip(decks, origin, pairs, strict=True)
    ]
    move, spread, apart = changes[0].move, changes[0].spread, changes[0].apart
    if len(changes) > 1:
        move, spread, apart = move - changes[1].move, spread - changes[1].spread, apart - changes[1].apart
    return np.stack([np.hypot(*move), spread, apart], axis=-1).reshape(-1, 3)


def _exact(before: Pattern, after: Pattern) -> tuple[_Shape, _Shape]:
    at = np.array([[before.x.mean()], [before.y.mean()]])
    values = [np.stack([pattern.x, pattern.y]) - at for pattern in (before, after)]
    one, other = (_Shape.of(value, np.ones((1, value.shape[1]))) for value in values)
    return one, other


def _ellipses(before: Pattern, after: Pattern) -> pd.DataFrame:
    rows = []
    for pattern, shape in zip((before, after), _exact(before, after), strict=True):
        major, minor, angle = shape.axes()
        rows.append(
            {
                "x": float(pattern.x.mean()),
                "y": float(pattern.y.mean()),
                "semi_major": float(major[0]),
                "semi_minor": float(minor[0]),
                "angle": float((90 - np.degrees(angle[0])) % 180),
                "standard_distance": float(shape.standard_distance[0]),
                "n": len(pattern.x),
            }
        )
    return pd.DataFrame(rows, index=["before", "after"])


def _check(patterns: Sequence[Pattern]) -> None:
    for pattern in patterns:
        spread = np.linalg.matrix_rank(np.stack([pattern.x - pattern.x.mean(), pattern.y - pattern.y.mean()]))
        if len(pattern.x) < 3 or spread < 2:
            raise RecordsError(
                "the shift cannot be measured",
                [Problem(None, "events", "at least 3 are needed in each period, not all in one line", "widen it")],
            )
