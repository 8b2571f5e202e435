"""Answer how many people there are in other areas than those they were counted in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.catchments import read_numbers
from mapping.lookups import Lookup, read_lookup
from mapping.overlays import Parts, parts_by_ground, parts_by_lookup

__all__ = ["MovedCounts", "move_counts"]

Array = npt.NDArray[Any]
BOUNDS = ["value", "low", "high"]
WHOLE = "whole areas were added up"
REFUSED = "counts cannot be moved"


@dataclass(frozen=True, repr=False, eq=False)
class MovedCounts(Exact):
    """Hold counts moved to other areas, with what was taken for granted.

    Parameters
    ----------
    table : DataFrame
        Index: target codes. Columns value, low, high (under the assumption; NaN where a part of the area is unknown,
        and value also where one is only bounded); of counts also least and most (whatever the truth of the assumption:
        everybody of a cut area elsewhere, or all of them here; most is NaN where a part is unknown); sources (areas
        that it has parts of); estimated (False where whole areas were added up); assumption (in words).
    outside : Series
        value, low, high of what lies in none of the targets; of counts moved values and these add up to those given.
    unknown : int
        Source areas for which nobody knows anything.
    assumption : str
        What is taken for granted where an area is cut.
    """

    table: pd.DataFrame
    outside: pd.Series[Any]
    unknown: int
    assumption: str

    def __repr__(self) -> str:
        return "MovedCounts(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how much is estimated, on which assumption, and what stays unknown."""
        estimated = int(self.table["estimated"].sum())
        lines = [f"{len(self.table)} areas; in {len(self.table) - estimated} of them {WHOLE}."]
        if estimated:
            lines.append(f"The other {estimated} are estimates, which take for granted that {self.assumption}.")
        if np.isnan(self.outside["high"]):
            lines.append("An unknown number of people are in none of the areas asked for.")
        elif self.outside["high"] > 0:
            low, high = self.outside["low"], self.outside["high"]
            lines.append(f"{low:,.0f} to {high:,.0f} people are in none of the areas asked for.")
        missing = int(self.table["high"].isna().sum())
        if self.unknown or missing:
            lines.append(
                f"Nobody knows anything of {self.unknown} of the areas counted in; {missing} areas are unknown for it. "
                "Unknown is not none."
            )
        bounded = int((self.table["value"].isna() & self.table["high"].notna()).sum())
        if bounded:
            lines.append(f"{bounded} areas hold a count that was given only within bounds, and have bounds only.")
        return "\n".join(lines)


def move_counts(
    counts: pd.Series[Any] | pd.DataFrame,
    source: Any = None,
    target: Any = None,
    *,
    weight: Any = None,
    lookup: pd.DataFrame | Lookup | None = None,
    rate: bool = False,
) -> MovedCounts:
    """Move counts from the areas they were made in to other areas, and say what that takes for granted.

    Parameters
    ----------
    counts : Series or DataFrame
        By source code: numbers from 0 up, NaN where unknown; or columns value, low and high, where a suppressed count
        is a missing value with bounds. It is an interval, never 0.
    source, target : GeoDataFrame or GeoSeries, optional
        Polygons indexed by code, in one system in metres. Sources without a count are unknown.
    weight : optional
        With shapes: GeoDataFrame of points, such as addresses; a column ``weight`` says what each counts (else 1).
        With a lookup: Series, such as population, by target (by source if `rate`), or by source and target.
    lookup : DataFrame or Lookup, optional
        Instead of shapes: which source areas make up which targets; see `read_lookup`.
    rate : bool
        Whether the numbers are rates or shares, of which means are taken, and not counts, which are added.

    Returns
    -------
    MovedCounts

    Raises
    ------
    GeographyError
        Systems that differ or are not in metres, areas that overlap, targets outside the sources, or codes without a
        shape.
    RecordsError
        Numbers below 0, bounds that do not hold the value, a lookup that loses codes, or weights that cannot be used.

    Notes
    -----
    Counts: sum over sources of count x part / (all parts of the source). Rates: mean weighted with the parts of the
    target. Parts are ground, or addresses (dasymetric). It fails where people live otherwise than the parts say: least
    and most say by how much a count may be off, whatever the truth.

    References
    ----------
    Goodchild and Lam (1980), Geo-Processing 1:297 (areal weighting). Langford (2006), Computers, Environment and Urban
    Systems 30:161 (dasymetric weights).

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, shapely
    >>> town = gpd.GeoSeries({"A": shapely.box(0, 0, 100, 100)}, crs=27700)
    >>> halves = gpd.GeoSeries({"W": shapely.box(0, 0, 25, 100), "E": shapely.box(25, 0, 100, 100)}, crs=27700)
    >>> move_counts(pd.Series({"A": 40}), town, halves).table[["value", "least", "most"]].values.tolist()
    [[10.0, 0.0, 40.0], [30.0, 0.0, 40.0]]
    """
    numbers = _numbers(counts)
    shapes = [thing is not None for thing in (source, target)]
    if any(shapes) if lookup is not None else not all(shapes):
        raise GeographyError("`source` and `target` shapes, or a `lookup`, are needed, and not both; leave one way out")
    if lookup is not None:
        read = lookup if isinstance(lookup, Lookup) else read_lookup(lookup)
        parts = parts_by_lookup(numbers.index, read, weight, rate)
    else:
        parts = parts_by_ground(source, target, weight)
        lost = int((~numbers.index.isin(parts.sources)).sum())
        if lost:
            raise GeographyError(
                f"{lost} codes of `counts` have no shape in `source`; add them, or the people are lost"
            )
    if rate:
        parts = replace(parts, assumption=f"every part of an area has the area's rate, and {parts.assumption}")
    known = numbers.reindex(parts.sources).to_numpy(np.float64)
    table, outside = _rates(known, parts) if rate else _sums(known, parts)
    return MovedCounts(
        table=table,
        outside=pd.Series(outside, index=BOUNDS, name="outside"),
        unknown=int(np.isnan(known[:, 2]).sum()),
        assumption=parts.assumption,
    )


def _numbers(counts: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    if isinstance(counts, pd.DataFrame) and not set(BOUNDS) <= set(counts.columns):
        problem = Problem(None, "`counts`", "columns value, low and high are needed", "or pass a Series")
        raise RecordsError(REFUSED, [problem])
    given = counts[BOUNDS] if isinstance(counts, pd.DataFrame) else pd.concat([counts] * 3, axis=1)
    numbers = read_numbers(given.set_axis(BOUNDS, axis=1))
    value, low, high = numbers.T
    low, high = (np.where(np.isnan(bound), value, bound) for bound in (low, high))
    bad = (numbers < 0).any(axis=1) | np.isinf(numbers).any(axis=1) | (low > high) | (value < low) | (value > high)
    bad |= np.isnan(low) != np.isnan(high)
    help_ = "correct it; leave what nobody knows missing, and give a suppressed count its bounds"
    wrong = [
        Problem(int(row) + 1, "`counts`", "numbers from 0 up, with low <= value <= high, are needed", help_)
        for row in np.flatnonzero(bad)
    ]
    if not counts.index.is_unique:
        wrong.append(Problem(None, "`counts`", "one row a code is needed", "add them up, or pick one period"))
    if wrong:
        raise RecordsError(REFUSED, wrong)
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=counts.index)


def _sums(known: Array, parts: Parts) -> tuple[pd.DataFrame, Array]:
    """Add up the parts of counts; a part of unknown size is anything from nothing to the whole."""
    one, other, part, sure = (parts.pairs[name].to_numpy() for name in ("source", "target", "part", "known"))
    whole = parts.pairs["whole"].to_numpy()
    size = np.bincount(one, part, minlength=len(parts.sources)) + parts.outside
    share = np.where(part > 0, part / np.where(size > 0, size, 1.0)[one], 0.0)
    value, low, high = known[one].T
    # Where nobody lives, as far as the parts are right, none of an unknown number does.
    under = np.where((sure & (share == 0))[:, None], 0.0, np.stack([value, low, high], axis=1))

    def add(amounts: Array) -> Array:
        return np.bincount(other, amounts, minlength=len(parts.targets))

    columns = {
        "value": add(np.where(sure, share, np.nan) * under[:, 0]),
        "low": add(np.where(sure, share, 0.0) * under[:, 1]),
        "high": add(np.where(sure, share, 1.0) * under[:, 2]),
        "least": add(np.where(whole, np.nan_to_num(low), 0.0)),
        "most": add(np.where(parts.closed, high, np.nan)),
    }
    for name in ("value", "low", "high", "most"):
        columns[name][parts.partial] = np.nan
    beyond = parts.outside > 0
    outside = ((parts.outside / np.where(size > 0, size, 1.0))[beyond, None] * known[beyond]).sum(axis=0)
    return _table(columns, parts, add(~whole) > 0), outside


def _rates(known: Array, parts: Parts) -> tuple[pd.DataFrame, Array]:
    """Take means; a mean over parts of unknown size lies between the smallest and the largest of them."""
    one, other, part, sure = (parts.pairs[name].to_numpy() for name in ("source", "target", "part", "known"))
    count = len(parts.targets)
    size = np.bincount(other, part, minlength=count)
    share = np.divide(part, size[other], out=np.zeros(part.size), where=size[other] > 0)
    value, low, high = known[one].T
    columns = {
        name: np.bincount(other, np.where(share > 0, share * amounts, 0.0), minlength=count)
        for name, amounts in zip(BOUNDS, (value, low, high), strict=True)
    }
    loose = np.bincount(other, ~sure, minlength=count) > 0
    smallest, largest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(smallest, other, low)
    np.maximum.at(largest, other, high)
    columns["value"][loose] = np.nan
    columns["low"][loose], columns["high"][loose] = smallest[loose], largest[loose]
    for column in columns.values():
        column[parts.partial | (size == 0)] = np.nan
    alone = parts.pairs["whole"].to_numpy() & (np.bincount(other, minlength=count)[other] == 1)
    return _table(columns, parts, np.bincount(other, ~alone, minlength=count) > 0), np.zeros(3)


def _table(columns: dict[str, Array], parts: Parts, estimated: Array) -> pd.DataFrame:
    table = pd.DataFrame(columns, index=parts.targets)
    table["sources"] = np.bincount(parts.pairs["target"], minlength=len(parts.targets))
    table["estimated"] = estimated
    table["assumption"] = np.where(estimated, parts.assumption, WHOLE)
    return table
