"""Answer which share of a time slot a service is open, from its opening hours.

Opening hours and slots are both written in the syntax of OpenStreetMap, such as ``Mo-Fr 09:00-17:00; PH off``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import opening_hours
import pandas as pd

from commonground.errors import Problem, RecordsError
from mapping.calendars import bank_holidays

__all__ = ["BANK_HOLIDAYS", "ORDINARY_WEEKS", "SLOTS", "open_share", "slot_supply"]

#: Two halves of the day; anything else may be passed.
SLOTS: Mapping[str, str] = {"day": "Mo-Su 08:00-20:00", "night": "Mo-Su 20:00-08:00"}
#: A fortnight, so that hours that alternate by week number count half: Monday 2 June to Sunday 15 June 2025, without
#: bank holiday, clock change or school holiday in England.
ORDINARY_WEEKS: tuple[date, ...] = tuple(date(2025, 6, 2) + timedelta(days=day) for day in range(14))
#: The bank holidays of England and Wales in 2025.
BANK_HOLIDAYS: tuple[date, ...] = bank_holidays(2025)
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
#: A comma and a space begin a rule of its own: "Tu, Th 10:00-16:00" says that all of Tuesday is open.
LOOSE_DAYS = re.compile(rf"\b({'|'.join(WEEKDAYS)}|PH|SH)\s*,\s+({'|'.join(WEEKDAYS)}|PH|SH)\b")
#: "PH" with the days after or before it, if any; what stands in quotation marks is a comment and is left alone.
HOLIDAY = re.compile(r'"[^"]*"|\bPH\b(?:\s*([+-]\s*\d+)\s*days?\b)?')
DAY_MINUTES = 24 * 60
LONGEST = {29: ["Feb"], 30: ["Apr", "Jun", "Sep", "Nov"], 31: ["Jan", "Mar", "May", "Jul", "Aug", "Oct", "Dec"]}
DAYS_IN_MONTH = {month: days for days, months in LONGEST.items() for month in months}


def slot_supply(
    services: pd.DataFrame,
    slots: Mapping[str, str] = SLOTS,
    *,
    hours: str = "opening_hours",
    capacity: str = "capacity",
    eligible: str | None = None,
    days: Iterable[date] = ORDINARY_WEEKS,
) -> pd.DataFrame:
    """Return the places that each service offers in each time slot.

    Places = capacity x share of the slot in which the service is open x share of people who may use it. An outreach
    session that moves is one row per stop, with the place, hours and capacity of that stop.

    Parameters
    ----------
    services : DataFrame
        One row per service.
    slots : mapping of str to str
        Name and hours of each slot, such as {"night": "Mo-Su 20:00-08:00"}.
    hours : str
        Column of opening hours; "off" for a service that is closed for good.
    capacity : str
        Column of places, from 0 up.
    eligible : str, optional
        Column of the share, 0 to 1, of the people in question who may use the service (group, language); 1 if None.
    days : iterable of date
        Days over which shares are taken: `ORDINARY_WEEKS` by default, `BANK_HOLIDAYS` for those.

    Returns
    -------
    DataFrame
        One row per service, on the index of `services`; one column per slot.

    Raises
    ------
    RecordsError
        Hours that cannot be read or cannot be, capacities or shares out of range: every row is listed.
    """
    missing = [column for column in (hours, capacity, eligible) if column is not None and column not in services]
    if missing:
        raise RecordsError(
            "places by slot cannot be worked out",
            [
                Problem(None, column, "a column of this name is needed", "rename the column, or name it")
                for column in missing
            ],
        )
    places = pd.to_numeric(services[capacity], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    share = np.ones(len(services))
    if eligible is not None:
        share = pd.to_numeric(services[eligible], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    problems = _out_of_range(places, capacity, np.inf) + _out_of_range(share, str(eligible), 1)
    problems += _unreadable(services[hours], hours)
    if problems:
        raise RecordsError("places by slot cannot be worked out", sorted(problems, key=lambda p: p.row or 0))
    return open_share(services[hours], slots, days=days).mul(places * share, axis=0)


def open_share(
    hours: pd.Series[Any], slots: Mapping[str, str] = SLOTS, *, days: Iterable[date] = ORDINARY_WEEKS
) -> pd.DataFrame:
    """Return the share, 0 to 1, of each slot in which each service is open.

    Parameters
    ----------
    hours : Series of str
        Opening hours by service.
    slots : mapping of str to str
        Name and hours of each slot.
    days : iterable of date
        Days over which shares are taken, to the minute.

    Returns
    -------
    DataFrame
        One row per service, one column per slot.

    Raises
    ------
    RecordsError
        Hours or slots that cannot be read or cannot be, or a slot that does not occur on the days.

    Notes
    -----
    "unknown" and "by appointment" count as not open. "PH" is a bank holiday of England and Wales
    (`mapping.calendars.bank_holidays`); "SH", school holidays, never comes about. Hours that depend on the sun take it
    to rise at 07:00 and to set at 19:00.

    Examples
    --------
    >>> import pandas as pd
    >>> open_share(pd.Series(["Mo-Fr 08:00-14:00", "24/7"])).round(3).to_dict("list")
    {'day': [0.357, 1.0], 'night': [0.0, 1.0]}
    """
    calendar = tuple(days)
    names = pd.Series(dict(slots), dtype=object)
    problems = _unreadable(hours, str(hours.name or "hours")) + _unreadable(names, "slots")
    windows = {} if problems else {name: _open_minutes(text, calendar) for name, text in slots.items()}
    problems += [
        Problem(None, f"slot {name}", "it must occur on the days in question", "give its hours, or other `days`")
        for name, minutes in windows.items()
        if not minutes.any()
    ]
    if problems:
        raise RecordsError("opening hours cannot be used", problems)
    frame = pd.DataFrame(index=hours.index, columns=list(slots), dtype=np.float64)
    for name, minutes in windows.items():
        frame[name] = [float(_open_minutes(text, calendar)[minutes].mean()) for text in hours]
    return frame


@lru_cache(maxsize=4096)
def _open_minutes(text: str, days: tuple[date, ...]) -> npt.NDArray[np.bool_]:
    """Return whether a service is open in each minute of each day."""
    is_open = np.zeros((len(days), DAY_MINUTES), dtype=bool)
    for minutes, day in zip(is_open, days, strict=True):
        rule = _rule(_without_holidays(text, day))
        midnight = datetime(day.year, day.month, day.day)
        for start, end, state, _ in rule.intervals(midnight, midnight + timedelta(days=1)):
            if state == opening_hours.State.OPEN:
                first, last = ((moment - midnight).total_seconds() / 60 for moment in (start, end))
                minutes[int(max(first, 0)) : int(min(last, DAY_MINUTES))] = True
    is_open.setflags(write=False)  # shared between callers by the cache
    return is_open


@lru_cache(maxsize=4096)
def _rule(text: str) -> Any:
    return opening_hours.OpeningHours(text)


def _without_holidays(text: str, day: date) -> str:
    """Put weekdays for "PH", true of this day and of the night before it.

    The calendar of opening-hours-py 2.1 holds only the days that all of the United Kingdom keeps: not 1 January, Easter
    Monday or the August holiday. Without a country it knows no holiday, so a "PH" that stays never comes about.
    """

    def weekdays(found: re.Match[str]) -> str:
        after = timedelta(days=int((found[1] or "0").replace(" ", "")))
        kept = [WEEKDAYS[near.weekday()] for near in nights if near - after in bank_holidays((near - after).year)]
        return found[0] if found[0].startswith('"') or not kept else ",".join(kept)

    nights = (day - timedelta(days=1), day)
    return HOLIDAY.sub(weekdays, text)


def _unreadable(hours: pd.Series[Any], column: str) -> list[Problem]:
    """List the rows whose hours are missing, cannot be read, or cannot be; the hours themselves are not repeated."""
    help_ = 'write them like "Mo-Fr 09:00-17:00; PH off", or "off" if the service is closed'
    rules = {text: _why_not(text) for text in hours.dropna().unique()}
    found = [rules[text] if isinstance(text, str) else "opening hours are needed, none given" for text in hours]
    return [Problem(row, column, rule, help_) for row, rule in enumerate(found, start=1) if rule]


def _why_not(text: Any) -> str:
    if not isinstance(text, str):
        return "text is needed"
    try:
        _rule(text)
        _rule(_without_holidays(text, BANK_HOLIDAYS[0]))
    except opening_hours.ParserError:  # type: ignore[attr-defined]  # its stubs forget it
        return "opening hours in OpenStreetMap syntax are needed, with times from 00:00 to 48:00"
    if LOOSE_DAYS.search(text):
        return "days must be set apart by a comma without a space: with one, the first is open all day"
    if any(start == end for start, end in re.findall(r"(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})", text)):
        return "hours must not start and end at the same time; 00:00-24:00 is the whole day"
    dates = re.findall(rf"\b({'|'.join(DAYS_IN_MONTH)})\s*(\d{{1,2}})\b(?!:)", text)
    if any(not 1 <= int(day) <= DAYS_IN_MONTH[month] for month, day in dates):
        return "dates must exist"
    return ""


def _out_of_range(values: npt.NDArray[np.float64], column: str, top: float) -> list[Problem]:
    need = "a number from 0 up is needed" if np.isinf(top) else f"a number from 0 to {top:g} is needed"
    bad = ~((values >= 0) & (values <= top) & np.isfinite(values))
    return [Problem(int(row) + 1, column, need, "correct it; 0 says that there is none") for row in np.flatnonzero(bad)]
