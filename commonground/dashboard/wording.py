"""How do numbers, spans of time and lists of places read in a sentence?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from commonground.disclosure import Protected
from commonground.periods import Period

__all__ = ["DAYS_A_MONTH", "duration", "known", "months_of", "number", "place_names", "span", "times", "titled"]

DAYS_A_MONTH = 365.25 / 12
LONGEST_TITLE = 10  # words; the longest that charts and pages accept


def known(value: Any) -> bool:
    """Say whether there is a number.

    Examples
    --------
    >>> known(0.0), known(float("nan")), known(None)
    (True, False, False)
    """
    return value is not None and not pd.isna(value)


def number(value: float, digits: int = 2) -> str:
    """Write a ratio at significant digits, so that 2 and 2.0 do not look differently exact.

    Examples
    --------
    >>> [number(value) for value in (0.998, 2.0, 37.14, 170.2, float("inf"))]
    ['1.0', '2.0', '37', '170', 'no limit']
    """
    if math.isinf(value):
        return "no limit"
    if value == 0 or abs(value) >= 10**digits:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def times(ratio: float, low: float, high: float, digits: int = 2) -> str:
    """Put a ratio of rates and its interval into words, also where one of the counts is 0.

    Examples
    --------
    >>> times(0.8, 0.64, 0.96)
    '0.80 times the rate before (0.64 to 0.96)'
    >>> times(float("inf"), 17.9, float("inf")), times(0.0, 0.0, 0.849)
    ('at least 18 times the rate before', 'at most 0.85 times the rate before')
    """
    if not known(ratio):
        return "no ratio can be given"
    point, least, most = (number(value, digits) for value in (ratio, low, high))
    if math.isinf(ratio):
        return f"at least {least} times the rate before"
    if ratio == 0:
        return f"at most {most} times the rate before"
    return f"{point} times the rate before ({least} to {most})"


def duration(days: float) -> str:
    """Write observed days as months.

    Examples
    --------
    >>> duration(730), duration(31)
    ('24 months', '1 month')
    """
    months = round(days / DAYS_A_MONTH)
    return "1 month" if months == 1 else f"{months} months"


def span(period: Period, *, short: bool = False) -> str:
    """Write a period of whole months without its days; short for buttons.

    Examples
    --------
    >>> span(Period("2022-01-01", "2024-01-01")), span(Period("2020-03-01", "2020-04-01"))
    ('January 2022 to December 2023', 'March 2020')
    """
    last = period.end - pd.Timedelta(days=1)
    first, final = (f"{day:%b %Y}" if short else f"{day:%B %Y}" for day in (period.start, last))
    return first if first == final else f"{first} to {final}"


def months_of(shown: Protected, period: str) -> str:
    """Say how long a period was observed, and whether it is the same season as the one after.

    Returns
    -------
    str
        Such as ``24 months before``, ``the same 12 months a year before``, ``9 months after``.
    """
    length = duration(shown.days[period])
    if period == "before" and _same_season(shown):
        return f"the same {length} a year before"
    return f"{'' if period == 'during' else 'the '}{length} {period}"


def place_names(codes: Sequence[str], names: Mapping[str, str], *, most: int | None = None) -> str:
    """List areas by name; of long lists the first few and how many more there are.

    Examples
    --------
    >>> place_names(["a", "b", "c"], {"a": "North", "b": "South", "c": "East"}, most=2)
    'North, South and 1 more'
    """
    listed = [names.get(code, code) for code in codes]
    if most is None or len(listed) <= most:
        return ", ".join(listed)
    return f"{', '.join(listed[:most])} and {len(listed) - most} more"


def titled(label: str, rest: str) -> str:
    """Return a title of at most ten words: a label, shortened where it must be, and what is shown of it.

    Examples
    --------
    >>> titled("Arrests", "by area")
    'Arrests by area'
    """
    words = label.split()
    room = LONGEST_TITLE - len(rest.split())
    return f"{' '.join(words[:room])} {rest}"


def _same_season(shown: Protected) -> bool:
    before, after = (shown.periods.get(name) for name in ("before", "after"))
    if before is None or after is None:
        return False
    months = [(period.start.month, period.end.month) for period in (before, after)]
    return months[0] == months[1] and before.start.year == after.start.year - 1
