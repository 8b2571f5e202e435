"""Which spans of time are compared?"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from commonground.errors import CommonGroundError

__all__ = ["EVERY", "Period", "calendar", "cells_of"]

EVERY = {"month": "M", "quarter": "Q", "year": "Y"}
DateLike = str | dt.date | pd.Timestamp
# pandas reads 01/10/2013 as 10 January; a period is never guessed.
_ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([T ].*)?)?")


@dataclass(frozen=True, order=True)
class Period:
    """A half-open span of days: ``start`` is in it, ``end`` is the first day after it.

    Parameters
    ----------
    start, end : str, date or Timestamp
        Text is ISO: YYYY-MM-DD. Times of day are cut off.

    Raises
    ------
    CommonGroundError
        When the end is not after the start, or either is not a date.

    Examples
    --------
    >>> Period("2013-10-01", "2014-10-01").months
    12
    """

    start: pd.Timestamp
    end: pd.Timestamp

    def __init__(self, start: DateLike, end: DateLike) -> None:
        first, last = _day(start), _day(end)
        if not first < last:
            raise CommonGroundError(
                f"the period {first:%Y-%m-%d} to {last:%Y-%m-%d} ends before it begins: "
                "needed is end after start (the end is not in the period); swap or correct them."
            )
        object.__setattr__(self, "start", first)
        object.__setattr__(self, "end", last)

    def __str__(self) -> str:
        last = self.end - pd.Timedelta(days=1)
        return f"{self.start.day} {self.start:%b %Y} to {last.day} {last:%b %Y}"

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.end - self.start).days

    @property
    def months(self) -> int:
        """Whole calendar months that lie inside."""
        return len(calendar(self, "month"))

    def __contains__(self, moment: object) -> bool:
        return bool(self.start <= pd.Timestamp(moment) < self.end)  # type: ignore[arg-type]  # any kind of date

    def covers(self, other: Period) -> bool:
        """Say whether the other period lies wholly inside this one."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Period) -> bool:
        """Say whether the two share a day."""
        return self.start < other.end and other.start < self.end


def calendar(window: Period, every: str) -> tuple[Period, ...]:
    """Cut a window into the whole months, quarters or years that lie inside it.

    Parameters
    ----------
    window : Period
    every : str
        month, quarter or year.

    Returns
    -------
    tuple of Period
        Empty when no whole one lies inside.

    Raises
    ------
    CommonGroundError
        For any other cut.

    Examples
    --------
    >>> [str(p) for p in calendar(Period("2024-01-15", "2024-04-01"), "month")]
    ['1 Feb 2024 to 29 Feb 2024', '1 Mar 2024 to 31 Mar 2024']
    """
    if every not in EVERY:
        raise CommonGroundError(f"time is cut by month, quarter or year, not by {every!r}; choose one of them.")
    spans = pd.period_range(window.start, window.end, freq=EVERY[every])
    cut = (Period(span.start_time, (span + 1).start_time) for span in spans)
    return tuple(period for period in cut if window.covers(period))


def cells_of(moments: pd.Series, periods: Mapping[str, Period] | Sequence[Period]) -> pd.Series:
    """Return the position of the period that holds each moment, -1 where none does.

    Parameters
    ----------
    moments : Series of datetime64
    periods : mapping or sequence of Period
        Must not overlap.

    Returns
    -------
    Series of int
        On the moments' index.

    Examples
    --------
    >>> cells_of(pd.to_datetime(pd.Series(["2024-01-31", "2024-02-01"])), [Period("2024-01-01", "2024-02-01")]).tolist()
    [0, -1]
    """
    spans = list(periods.values()) if isinstance(periods, Mapping) else list(periods)
    order = np.argsort(_stamps([span.start for span in spans]), kind="stable")
    starts = _stamps([spans[place].start for place in order])
    ends = _stamps([spans[place].end for place in order])
    when = moments.to_numpy().astype("datetime64[us]")
    place = np.searchsorted(starts, when, side="right") - 1
    held = (place >= 0) & ~np.isnat(when)
    held[held] = when[held] < ends[place[held]]
    cell = np.full(len(when), -1)
    cell[held] = order[place[held]]
    return pd.Series(cell, index=moments.index)


def _day(moment: DateLike) -> pd.Timestamp:
    fits = isinstance(moment, dt.date) or (isinstance(moment, str) and _ISO.fullmatch(moment.strip()))
    try:
        day = pd.Timestamp(moment) if fits else pd.NaT
    except ValueError:
        day = pd.NaT
    if not isinstance(day, pd.Timestamp):
        raise CommonGroundError("a period has a start or end that is not a date: needed is YYYY-MM-DD; correct it.")
    return day.tz_localize(None).normalize()


def _stamps(moments: Sequence[pd.Timestamp]) -> np.ndarray:
    return np.array(moments, dtype="datetime64[us]")
