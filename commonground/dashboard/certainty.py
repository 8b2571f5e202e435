"""Which published number is the least certain?"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.dashboard.wording import known
from commonground.release.escape import clean
from commonground.release.tables import Table

__all__ = ["COUNTS", "ESTIMATES", "RANGES", "least_certain"]

# Columns that hold a number and the ends of its interval, in any table of a release.
COUNTS = (("value", "low", "high"),)
ESTIMATES = (
    ("Ratio", "Low", "High"),
    ("Ratio of rates", "Low", "High"),
    ("Relative rate ratio", "RRR low", "RRR high"),
    ("WDD", "Low", "High"),
)
RANGES = (("People, fewest", "People, most"),)  # an interval without a number in it
NO_LIMIT = "no limit"
LONGEST = 56  # characters of a name or title


@dataclass(frozen=True)
class _Interval:
    """A published number, its interval, and where it stands."""

    width: float
    value: float
    low: float
    high: float
    column: str
    row: str
    title: str


def least_certain(tables: Sequence[Table], *, rounded: bool) -> Iterator[str]:
    """Say in words which count, which estimate and which range is the widest relative to its value.

    Parameters
    ----------
    tables : sequence of Table
        Every table of a release.
    rounded : bool
        Whether counts are rounded; those of published statistics are not.

    Yields
    ------
    str
        One sentence a kind; of a kind that no table holds, none.

    Notes
    -----
    Width is (high - low) / value; an interval without an end, or around 0, is the widest. The first of equals is named.
    A sum of rounded counts is never less certain than the least certain of them, so sums are not looked at.

    Examples
    --------
    >>> class Shown:
    ...     released = True
    >>> rows = {"zone": ["A", "B"], "Ratio": [2.0, 0.5], "Low": [1.0, 0.4], "High": [4.0, "no limit"]}
    >>> list(least_certain([Table("verdicts", "Verdicts", pd.DataFrame(rows), Shown())], rounded=True))
    ['The least certain estimate shown is 0.5, between 0.4 and no limit: Ratio of B (Verdicts).']
    """
    if not rounded:
        yield "Counts are as published and carry no interval of ours."
    elif count := _widest(tables, COUNTS):
        yield (
            f"The least certain count shown is {_number(count.value)}, between {_number(count.low)} and "
            f"{_number(count.high)}: {count.row} ({count.title})."
        )
    if estimate := _widest(tables, ESTIMATES):
        yield (
            f"The least certain estimate shown is {_number(estimate.value)}, between {_number(estimate.low)} and "
            f"{_number(estimate.high)}: {estimate.column} of {estimate.row} ({estimate.title})."
        )
    widest = _widest_range(tables)
    if widest:
        yield widest


def _widest(tables: Sequence[Table], kinds: Sequence[tuple[str, str, str]]) -> _Interval | None:
    found = [one for table in tables for kind in kinds if set(kind) <= set(table.frame) for one in _rows(table, kind)]
    return max(found, key=lambda one: one.width, default=None)


def _rows(table: Table, kind: tuple[str, str, str]) -> Iterator[_Interval]:
    rows: list[Any] = table.frame.to_dict("records")
    for row in rows:
        value, low, high = (_float(row[column]) for column in kind)
        if math.isnan(value) or math.isnan(low) or math.isnan(high):
            continue
        yield _Interval(_width(value, low, high), value, low, high, kind[0], _named(table, row), _short(table.title))


def _width(value: float, low: float, high: float) -> float:
    """Return the width relative to the value; of what has no limit, or lies around 0, without end."""
    spread = math.inf if math.isinf(high) or math.isinf(value) else high - low
    return 0.0 if spread == 0 else spread / abs(value) if value else math.inf


def _widest_range(tables: Sequence[Table]) -> str:
    found = []
    for table in tables:
        for fewest, most in RANGES:
            if {fewest, most} <= set(table.frame):
                pairs = table.frame[[fewest, most]].map(_float).dropna()
                found += [((high - low) / high, high, low) for low, high in pairs.itertuples(index=False) if high]
    if not found:
        return ""
    _, high, low = max(found)
    return f"The widest range shown is {_number(low)} to {_number(high)} people in need, at a gap in provision."


def _named(table: Table, row: dict[str, Any]) -> str:
    """Say which row it is: of a tidy table its areas and period, else its first column."""
    if {"areas", "period"} <= set(row):
        return f"{_short(str(row['areas']))}, {clean(row['period'])}"
    return _short(str(row[table.frame.columns[0]]))


def _float(value: Any) -> float:
    if value == NO_LIMIT:
        return math.inf
    if isinstance(value, str) or not known(value) or pd.isna(value):
        return math.nan
    return float(value)


def _number(value: float) -> str:
    return NO_LIMIT if math.isinf(value) else f"{value:,.10g}"


def _short(text: str) -> str:
    return textwrap.shorten(clean(text), LONGEST, placeholder=" ...")
