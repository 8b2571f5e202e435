"""Which published months are compared with the same months of the year before?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pandas as pd

from commonground.periods import Period
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

__all__ = ["Months", "larger_areas", "left_out", "same_months"]

Months = tuple[pd.PeriodIndex, pd.PeriodIndex]
# Names of lower layer super output areas are the name of their middle layer area and a letter (Office for National
# Statistics, "Census geographies", 2011 names): Liverpool 024B lies in Liverpool 024.
_LOWER_LAYER = re.compile(r"(.+ \d{3})[A-Z]")


def same_months(monthly: Tally, months: Months) -> Tally:
    """Join the compared months into before and after; every other month counts as not looked at.

    Parameters
    ----------
    monthly : Tally
        By month.
    months : pair of PeriodIndex
        Months before and after, of one length, as `evaluation.evaluate` matches them.

    Returns
    -------
    Tally
        Two periods. A month that one of the two years lacks is left out of both, and so of the observed days.
    """
    home = {str(month): name for name, part in zip(("before", "after"), months, strict=True) for month in part}
    keys = monthly.keys.assign(period=monthly.keys["period"].map(home)).dropna(subset=["period"])
    return replace(
        monthly,
        periods={"before": _whole(months[0]), "after": _whole(months[1])},
        keys=distinct(keys, list(monthly.by)),
        coverage=_only(monthly.coverage, [monthly.periods[label] for label in sorted(home)]),
        phased=True,
    )


def left_out(months: Months) -> str:
    """Name the calendar months between the first and last compared one that are not compared, or nothing."""
    gaps = sorted(
        {month for part in months for month in pd.period_range(part[0], part[-1], freq="M")} - {*months[0], *months[1]}
    )
    if not gaps:
        return ""
    named = " and ".join(f"{month:%B %Y}" for month in gaps)
    return f"{named}: left out, because nobody reported one of them."


def larger_areas(names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the middle layer areas (MSOA) of lower layer ones (LSOA), known by their names; empty for other areas.

    Parameters
    ----------
    names : mapping of area code to name

    Examples
    --------
    >>> larger_areas({"E1": "Liverpool 024A", "E2": "Liverpool 024B"})
    {'Liverpool 024': ('E1', 'E2')}
    >>> larger_areas({"E1": "Redbridge"})
    {}
    """
    found: dict[str, list[str]] = {}
    for code, name in names.items():
        match = _LOWER_LAYER.fullmatch(name)
        if match is None:
            return {}
        found.setdefault(match[1], []).append(code)
    return {name: tuple(found[name]) for name in sorted(found)}


def _only(coverage: pd.DataFrame, months: list[Period]) -> pd.DataFrame:
    """Cut spans of coverage down to some months."""
    runs = [[months[0].start, months[0].end]]
    for one, two in pairwise(months):
        if one.end == two.start:
            runs[-1][1] = two.end
        else:
            runs.append([two.start, two.end])
    rows: Any = coverage.to_dict("records")
    cut = [
        {**row, "start": max(row["start"], start), "end": min(row["end"], end)} for row in rows for start, end in runs
    ]
    return pd.DataFrame([row for row in cut if row["start"] < row["end"]], columns=coverage.columns)


def _whole(months: pd.PeriodIndex) -> Period:
    return Period(months[0].start_time, (months[-1] + 1).start_time)
