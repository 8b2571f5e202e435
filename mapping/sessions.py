"""Answer where and when an outreach session stops: supply that moves, one row a stop."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from mapping.catchments import read_numbers
from mapping.hours import WEEKDAYS, slot_supply

__all__ = ["session_stops"]

WHAT = "stops of sessions cannot be worked out"
#: Days, one span of time, and what happens on bank holidays: all that a session with stops may say.
SESSION = re.compile(
    rf"\s*(?P<days>(?:{'|'.join(WEEKDAYS)})(?:[-,](?:{'|'.join(WEEKDAYS)}))*)\s+"
    r"(?P<h0>\d{1,2}):(?P<m0>\d{2})\s*-\s*(?P<h1>\d{1,2}):(?P<m1>\d{2})\s*(?P<holidays>;\s*PH\s+off)?\s*"
)
DAY = 24 * 60


def session_stops(
    sessions: pd.DataFrame,
    route: pd.DataFrame,
    *,
    hours: str = "hours",
    capacity: str = "capacity",
    minutes: str = "minutes",
    travel: str = "travel",
) -> pd.DataFrame:
    """Expand sessions that move into one row a stop, with the place, hours and capacity of that stop.

    The stops follow each other in the order of `route` from the start of the session. A session's capacity is shared
    among its stops by the minutes spent there; on the road nobody is seen.

    Parameters
    ----------
    sessions : DataFrame
        One row per session, indexed by its name: hours such as ``"Tu,Th 20:00-23:00"`` or ``"Fr 22:00-02:00; PH off"``
        (days and one span of time; give a session of two spans as two), capacity from 0 up.
    route : DataFrame
        One row per stop, in order: session, minutes spent there, and whatever else belongs to the stop, such as its
        name and place (x, y, area).
    hours, capacity : str
        Columns of `sessions`.
    minutes, travel : str
        Columns of `route`: minutes at the stop, and minutes on the road before it (0 where there is no such column).

    Returns
    -------
    DataFrame
        The rows and columns of `route` on a fresh index, with ``hours`` and ``capacity`` as `slot_supply`,
        `weekly_supply` and `group_supply` read them, and the session's other columns.

    Raises
    ------
    RecordsError
        Hours that are not of that form, stops of no session, sessions without stops or listed twice, minutes below 0,
        or stops that take longer than their session: every row is listed.

    Notes
    -----
    A stop after midnight is written on the day after; "PH off" then goes by the day of the stop.

    Examples
    --------
    >>> import pandas as pd
    >>> van = pd.DataFrame({"hours": ["Fr 22:00-01:00"], "capacity": [30]}, index=["van"])
    >>> route = pd.DataFrame({"session": ["van"] * 3, "stop": ["quay", "park", "hub"], "minutes": [60, 30, 60],
    ...                       "travel": [0, 15, 15]})
    >>> session_stops(van, route)[["stop", "hours", "capacity"]].values.tolist()
    [['quay', 'Fr 22:00-23:00', 12.0], ['park', 'Fr 23:15-23:45', 6.0], ['hub', 'Sa 00:00-01:00', 12.0]]
    """
    _check_columns(sessions, route, (hours, capacity), ("session", minutes))
    spent = read_numbers(route[minutes])[:, 0]
    road = read_numbers(route[travel])[:, 0] if travel in route else np.zeros(len(route))
    found = [SESSION.fullmatch(str(text)) for text in sessions[hours]]
    _check_rows(sessions, route, found, (spent, road), (minutes, travel))
    slot_supply(sessions, hours=hours, capacity=capacity)  # refuses times and capacities that cannot be
    row_of = {name: row for row, name in enumerate(sessions.index)}
    session = np.array([row_of[name] for name in route["session"]], dtype=np.intp)
    spans = [_span(match) for match in found if match is not None]
    ends = pd.Series(spent + road).groupby(session).cumsum().to_numpy()
    _check_lengths(session, ends, spans)
    stops = route.reset_index(drop=True)
    others = sessions.drop(columns=[hours, capacity, *(set(sessions.columns) & set(stops.columns))])
    stops = stops.join(others.iloc[session].reset_index(drop=True))
    starts = np.array([spans[row][0] for row in session]) + ends - spent
    stops["hours"] = [
        _written(found[row], float(start), float(length))
        for row, start, length in zip(session, starts, spent, strict=True)
    ]
    at_stops = pd.Series(spent).groupby(session).transform("sum").to_numpy()
    stops["capacity"] = read_numbers(sessions[capacity])[session, 0] * spent / at_stops
    return stops


def _check_columns(
    sessions: pd.DataFrame, route: pd.DataFrame, of_sessions: tuple[str, ...], of_route: tuple[str, ...]
) -> None:
    problems = [
        Problem(None, f"{name} of {table}", "a column of this name is needed", "rename the column, or name it")
        for table, frame, names in (("`sessions`", sessions, of_sessions), ("`route`", route, of_route))
        for name in names
        if name not in frame
    ]
    if not sessions.index.is_unique:
        problems.append(Problem(None, "`sessions`", "one row a session is needed", "index them by their names"))
    if problems:
        raise RecordsError(WHAT, problems)


def _check_rows(
    sessions: pd.DataFrame, route: pd.DataFrame, found: list[Any], numbers: tuple[Any, Any], names: tuple[str, str]
) -> None:
    spent, road = numbers
    stranger = ~route["session"].isin(sessions.index).to_numpy()
    alone = ~sessions.index.isin(route["session"])
    wrong = [
        (stranger, "session of `route`", "a session of `sessions` is needed", "correct its name"),
        (~(spent > 0) | np.isinf(spent), f"{names[0]} of `route`", "minutes above 0 are needed", "correct it"),
        (~(road >= 0) | np.isinf(road), f"{names[1]} of `route`", "minutes from 0 up are needed", "correct it"),
        (alone, "`sessions`", "a stop in `route` is needed", "add its stops, or leave the session out"),
        (
            np.array([match is None for match in found], dtype=bool), "hours of `sessions`",
            "days and one span of time are needed", 'write them like "Tu,Th 20:00-23:00; PH off"',
        ),
    ]  # fmt: skip
    problems = [
        Problem(int(row) + 1, column, rule, help_) for bad, column, rule, help_ in wrong for row in np.flatnonzero(bad)
    ]
    if problems:
        raise RecordsError(WHAT, problems)


def _check_lengths(session: Any, ends: Any, spans: list[tuple[int, int]]) -> None:
    rule, help_ = "stops and roads that fit into the hours are needed", "shorten them, or lengthen the session"
    problems = [
        Problem(row + 1, "`sessions`", rule, help_)
        for row, (_, length) in enumerate(spans)
        if ends[session == row].max(initial=0) > length
    ]
    if problems:
        raise RecordsError(WHAT, problems)


def _span(found: re.Match[str]) -> tuple[int, int]:
    """Return the start of a session in minutes after midnight, and its length."""
    start, end = (60 * int(found[f"h{i}"]) + int(found[f"m{i}"]) for i in (0, 1))
    return start, end - start if end > start else end - start + DAY


def _written(found: Any, start: float, length: float) -> str:
    """Return the hours of a stop, on the day on which it starts."""
    late, first = divmod(round(start), DAY)
    last = first + round(length)
    days = found["days"]
    if late:
        days = re.sub("[A-Z][a-z]", lambda day: WEEKDAYS[(WEEKDAYS.index(day[0]) + late) % 7], days)
    end = last if last <= DAY else last - DAY
    holidays = "; PH off" if found["holidays"] else ""
    return f"{days} {first // 60:02d}:{first % 60:02d}-{end // 60:02d}:{end % 60:02d}{holidays}"
