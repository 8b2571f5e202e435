"""Answer which days are bank holidays in England and Wales."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

__all__ = ["bank_holidays"]

#: Years in which every holiday below was kept: the early May holiday began in 1978.
FIRST_YEAR = 1978
#: Days moved or added by proclamation (gov.uk/bank-holidays). A day to come is added when it is proclaimed.
MOVED = {
    date(1995, 5, 1): date(1995, 5, 8),
    date(2002, 5, 27): date(2002, 6, 4),
    date(2012, 5, 28): date(2012, 6, 4),
    date(2020, 5, 4): date(2020, 5, 8),
    date(2022, 5, 30): date(2022, 6, 2),
}
ADDED = (
    date(1981, 7, 29), date(1999, 12, 31), date(2002, 6, 3), date(2011, 4, 29), date(2012, 6, 5), date(2022, 6, 3),
    date(2022, 9, 19), date(2023, 5, 8),
)  # fmt: skip
MONDAY, WEEKEND = 0, (5, 6)


@lru_cache(maxsize=256)
def bank_holidays(year: int) -> tuple[date, ...]:
    """Return the bank holidays of a year in England and Wales, in order.

    Parameters
    ----------
    year : int
        From 1978.

    Returns
    -------
    tuple of date
        New Year's Day, Good Friday, Easter Monday, three Mondays, Christmas Day and Boxing Day, each of the fixed ones
        on the next free weekday where it falls on a weekend; and the days that were added or moved.

    Raises
    ------
    ValueError
        A year before 1978.

    Notes
    -----
    Scotland and Northern Ireland keep other days. A day proclaimed after this was written is not in it.

    References
    ----------
    Banking and Financial Dealings Act 1971, schedule 1; gov.uk/bank-holidays.

    Examples
    --------
    >>> [day.isoformat() for day in bank_holidays(2025)[:3]]
    ['2025-01-01', '2025-04-18', '2025-04-21']
    """
    if year < FIRST_YEAR:
        raise ValueError(f"`year` must be {FIRST_YEAR} or later; pass dates of your own for earlier ones")
    sunday = _easter(year)
    christmas = _next_free(date(year, 12, 25))
    days = [
        _next_free(date(year, 1, 1)),
        sunday - timedelta(days=2),
        sunday + timedelta(days=1),
        _monday_from(date(year, 5, 1)),
        _monday_from(date(year, 5, 25)),
        _monday_from(date(year, 8, 25)),
        christmas,
        _next_free(christmas + timedelta(days=1)),
        *(day for day in ADDED if day.year == year),
    ]
    return tuple(sorted(MOVED.get(day, day) for day in days))


def _next_free(day: date) -> date:
    """Return the day, or the Monday after the weekend that it falls on."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() in WEEKEND else day


def _monday_from(day: date) -> date:
    """Return the first Monday on or after a day; from the 25th on it is the last of May or August."""
    return day + timedelta(days=(MONDAY - day.weekday()) % 7)


def _easter(year: int) -> date:
    """Return Easter Sunday, by the Gregorian rule of 1876 (Meeus 1991, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (a + 11 * h) // 319
    r = (2 * e + 2 * i - k - h + m + 32) % 7
    month = (h - m + r + 90) // 25
    return date(year, month, (h - m + r + month + 19) % 32)
