"""When did events happen of which only a span is known: at which hours, on which days, in which phase?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from commonground.errors import Problem, RecordsError
from commonground.periods import Period
from commonground.pickles import Exact

__all__ = ["EVERY", "Aoristic", "aoristic"]

Moments = npt.NDArray[np.int64]

#: Ways to cut time: the clock and the week come round, dates and months do not.
EVERY = ("hour", "weekday", "hour of week", "date", "month")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
QUARTER = 15 * 60 * 1_000_000  # microseconds; every civil time in use is a whole number of them from UTC
MOST_CELLS = 50_000_000  # weights of one result: about a gigabyte
CERTAIN = 1 - 1e-9
LONG = pd.Timedelta(days=28)


@dataclass(frozen=True, repr=False, eq=False)
class Aoristic(Exact):
    """Hold the weight of every event in every interval; exact, for the analyst.

    Parameters
    ----------
    weights : sparse array, events x intervals
        Share of each event's span that lies in the interval; a row sums to 1, less what lies in no interval.
    intervals : Index
        Names of the intervals.
    events : Index
        The events used, in their order.
    notes : tuple of str
        What was left out or must be kept in mind.
    """

    weights: sparse.csr_array = field(repr=False)
    intervals: pd.Index
    events: pd.Index = field(repr=False)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Aoristic(...; call .summary())"

    def of(self, interval: str) -> pd.Series:
        """Return the weight of each event in one interval, on the events' index: weights for a surface."""
        if interval not in self.intervals:
            raise RecordsError(
                "the weights cannot be read",
                [Problem(None, "interval", "must be one of .intervals", "pick a name from .intervals")],
            )
        column = self.weights[:, [self.intervals.get_loc(interval)]].toarray().ravel()
        return pd.Series(column, index=self.events, name=interval)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an interval.

        Columns: expected (sum of weights), variance (sum of squared weights), at_least (events that lie in it whole),
        at_most (events that touch it).
        """
        squared = self.weights.power(2)
        touched = (self.weights > 0).sum(axis=0)
        whole = (self.weights >= CERTAIN).sum(axis=0)
        return pd.DataFrame(
            {
                "expected": np.asarray(self.weights.sum(axis=0)).ravel(),
                "variance": np.asarray(squared.sum(axis=0)).ravel(),
                "at_least": np.asarray(whole).ravel().astype(int),
                "at_most": np.asarray(touched).ravel().astype(int),
            },
            index=pd.Index(self.intervals, name="interval"),
        )

    def summary(self) -> str:
        """Say how many events were spread, how surely, and what that does not show."""
        whole = int(((self.weights >= CERTAIN).sum(axis=1) > 0).sum())
        lines = [
            f"{len(self.events):,} events over {len(self.intervals)} intervals; {whole:,} of them lie in one interval "
            "whole, the others are spread evenly over the span in which they can have happened.",
            "An even spread is an assumption: what is known of an interval lies between at_least and at_most.",
        ]
        return " ".join([*lines, *self.notes])


def aoristic(
    start: pd.Series,
    end: pd.Series | None = None,
    *,
    every: str | Mapping[str, Period] = "hour",
    timezone: str = "Europe/London",
) -> Aoristic:
    """Spread events over the intervals in which they can have happened.

    The weight of an event in an interval is overlap / span: a span of 22:00 to 02:00 weighs a quarter in each of its
    four hours.

    Parameters
    ----------
    start, end : Series of datetime64
        Earliest and latest moment of each event, half-open, in civil time of the place or with a zone; one index.
    every : {'hour', 'weekday', 'hour of week', 'date', 'month'} or mapping of name to Period
        Periods (before, during, after) split an event that straddles their border.
    timezone : str
        Zone of the place.

    Returns
    -------
    Aoristic

    Raises
    ------
    RecordsError
        When the series are no moments, differ in length, index or in whether they carry a zone, hold no start at all,
        or give too many intervals; also a zone that nobody knows.

    Notes
    -----
    Spans are measured in elapsed time and intervals in civil time, so the night on which clocks go back has an hour
    twice as long and the one on which they go forward has none. A moment that happened twice is taken at its first
    time as a start and at its second as an end; one that never was is moved forward. Without an end, or with one that
    is not after the start, the weight is 1 at the start. The variance of a sum of weights is the sum of their squares
    (Poisson events, each put in its place by a draw). It fails where events are not even over their span: thefts found
    in the morning, reports made at opening time.

    References
    ----------
    Ratcliffe (2002), Journal of Quantitative Criminology 18:27.

    Examples
    --------
    >>> night = pd.Series(pd.to_datetime(["2024-01-05 22:00"]))
    >>> spread = aoristic(night, night + pd.Timedelta(hours=4))
    >>> spread.to_frame().query("expected > 0")["expected"].to_dict()
    {'00': 0.25, '01': 0.25, '22': 0.25, '23': 0.25}
    """
    first, last, kept, notes = _spans(start, end, timezone)
    if isinstance(every, Mapping):
        names, edges, opens = _periods(every, timezone)
        weights = _contiguous(first, last, edges, opens)
    elif every in ("date", "month"):
        names, edges, opens = _dates(first, last, every, timezone)
        weights = _contiguous(first, last, edges, opens)
    elif every in EVERY:
        names, weights = _coming_round(first, last, every, timezone)
    else:
        raise _refused("every", f"must be one of {', '.join(EVERY)}, or periods by name", "choose one of them")
    outside = int((np.asarray(weights.sum(axis=1)).ravel() < CERTAIN).sum())
    if outside:
        notes.append(f"{outside:,} events lie in part or whole outside these intervals.")
    return Aoristic(weights, pd.Index(names, dtype="str"), kept, tuple(notes))


def _spans(start: pd.Series, end: pd.Series | None, zone: str) -> tuple[Moments, Moments, pd.Index, list[str]]:
    """Return first and last moments in microseconds of UTC, the index of the events, and what was noticed."""
    end = pd.Series(pd.NaT, index=start.index, dtype="datetime64[us]") if end is None else end
    if len(start) != len(end) or not start.index.equals(end.index):
        raise _refused("end", "must have a value or a gap for each start, on the same index", "align the two")
    wrong = [
        name for name, values in (("start", start), ("end", end)) if not pd.api.types.is_datetime64_any_dtype(values)
    ]
    if wrong:
        raise _refused(
            " and ".join(wrong), "must be moments (datetime64)", "read the records, or call pandas.to_datetime"
        )
    if end.notna().any() and (start.dt.tz is None) != (end.dt.tz is None):
        raise _refused("start and end", "must both carry a zone, or neither", "call .dt.tz_localize on the other")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise _refused("timezone", "must be a name such as Europe/London", "correct it") from None
    known = start.notna().to_numpy()
    if not known.any():
        raise _refused("start", "holds no moment", "give events whose start is known")
    instant = (end.isna() | ~(end > start)).to_numpy()[known]
    reversed_ = (end < start).to_numpy()[known]
    first = _utc(start[known], zone, second=False)
    last = np.where(instant, first, _utc(end[known].where(~instant, start[known]), zone, second=True))
    last = np.maximum(last, first)
    notes = [f"{n:,} events {why}." for n, why in (
        (int((~known).sum()), "without a start were left out"),
        (int(reversed_.sum()), "end before they start and are taken at their start"),
        (int((last - first > LONG.value // 1000).sum()), "have a span of over four weeks, which says little of when"),
    ) if n]  # fmt: skip
    return first, last, start.index[known], notes


def _utc(moments: pd.Series, zone: str, *, second: bool) -> Moments:
    if moments.dt.tz is None:
        moments = moments.dt.tz_localize(zone, ambiguous=np.full(len(moments), not second), nonexistent="shift_forward")
    utc = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(utc.astype("datetime64[us]"), dtype="datetime64[us]").astype(np.int64)


def _civil(moments: Moments, zone: str) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(moments.astype("datetime64[us]"), tz="UTC").tz_convert(zone)


def _coming_round(first: Moments, last: Moments, every: str, zone: str) -> tuple[list[str], sparse.csr_array]:
    """Weigh intervals that come round: time of each kind up to a moment, at the end less at the start."""
    origin = int(first.min()) // QUARTER * QUARTER
    steps = np.arange(origin, int(last.max()) + QUARTER, QUARTER, dtype=np.int64)
    civil = _civil(steps, zone)
    hour, day = civil.hour.to_numpy(), civil.day_of_week.to_numpy()
    kind, names = {
        "hour": (hour, [f"{h:02d}" for h in range(24)]),
        "weekday": (day, list(DAYS)),
        "hour of week": (day * 24 + hour, [f"{name} {h:02d}" for name in DAYS for h in range(24)]),
    }[every]
    (begun, into), (ended, beyond) = (np.divmod(moments - origin, QUARTER) for moments in (first, last))
    span = last - first
    at_once = span == 0
    columns = []
    for number in range(len(names)):
        mine = kind == number
        passed = np.concatenate([[0], np.cumsum(mine)]) * QUARTER
        inside = passed[ended] + beyond * mine[ended] - passed[begun] - into * mine[begun]
        weight = np.where(at_once, mine[begun], inside / np.where(at_once, 1, span))
        columns.append(sparse.csc_array(weight[:, None].astype(np.float64)))
    return names, sparse.csr_array(sparse.hstack(columns, format="csr"))


def _dates(first: Moments, last: Moments, every: str, zone: str) -> tuple[list[str], Moments, npt.NDArray[np.bool_]]:
    """Return the names and edges of all days or months that the events touch."""
    ends = _civil(np.array([first.min(), last.max()]), zone).tz_localize(None)
    spans = pd.period_range(ends[0], ends[1], freq={"date": "D", "month": "M"}[every])
    edges = pd.Series([*spans.start_time, (spans[-1] + 1).start_time])
    return list(map(str, spans)), _utc(edges, zone, second=False), np.ones(len(spans), dtype=bool)


def _periods(periods: Mapping[str, Period], zone: str) -> tuple[list[str], Moments, npt.NDArray[np.bool_]]:
    """Return names, edges and which stretch between two edges is a period; the others are gaps."""
    spans = sorted(periods.items(), key=lambda item: item[1])
    if not spans or any(one.overlaps(other) for (_, one), (_, other) in pairwise(spans)):
        raise _refused("every", "must hold at least one period, and none may overlap", "correct the periods")
    days = sorted({day for _, span in spans for day in (span.start, span.end)})
    starts = {span.start: name for name, span in spans}
    opens = np.array([day in starts for day in days[:-1]])
    return [starts[day] for day in days[:-1] if day in starts], _utc(pd.Series(days), zone, second=False), opens


def _contiguous(first: Moments, last: Moments, edges: Moments, opens: npt.NDArray[np.bool_]) -> sparse.csr_array:
    """Weigh stretches of time between edges; those that are gaps are left out."""
    begun = np.searchsorted(edges, first, side="right") - 1
    ended = np.maximum(np.searchsorted(edges, last, side="left") - 1, begun)
    many = ended - begun + 1
    if many.sum() > MOST_CELLS:
        raise _refused(
            "every", "gives too many intervals for spans this long", "cut time by month, or shorten the spans"
        )
    event = np.repeat(np.arange(len(first)), many)
    stretch = begun[event] + np.arange(len(event)) - np.repeat(np.cumsum(many) - many, many)
    fine = (stretch >= 0) & (stretch < len(opens))
    event, stretch = event[fine], stretch[fine]
    fine = opens[stretch]
    event, stretch = event[fine], stretch[fine]
    span = (last - first)[event]
    overlap = np.minimum(last[event], edges[stretch + 1]) - np.maximum(first[event], edges[stretch])
    weight = np.where(span == 0, 1.0, overlap / np.where(span == 0, 1, span))
    column = (np.cumsum(opens) - 1)[stretch]
    shape = (len(first), int(opens.sum()))
    return sparse.csr_array(sparse.coo_array((weight, (event, column)), shape=shape))


def _refused(what: str, rule: str, do: str) -> Any:
    return RecordsError("the events cannot be spread over time", [Problem(None, what, rule, do)])
