"""Which months of these series lie before, during and after, and do the series fit together?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import Problem
from commonground.pickles import Exact
from evaluation.counts import Checks

__all__ = [
    "AFTER",
    "BEFORE",
    "DURING",
    "Month",
    "MonthlyCounts",
    "Months",
    "align",
    "check_harmonics",
    "observed",
    "season",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Month = str | dt.date | pd.Timestamp | pd.Period | int
MonthlyCounts = pd.Series | Sequence[float] | npt.NDArray[np.number[Any]]

BEFORE, DURING, AFTER = 0, 1, 2
_YEAR = 12
# Six pairs would need a sine that is 0 in every month; five are the most that twelve months can tell apart.
_MOST_HARMONICS = 5


@dataclass(frozen=True, repr=False, eq=False)
class Months(Exact):
    """Series on one calendar, cut into phases.

    Attributes
    ----------
    position : integers, (n,)
        Calendar month of each row, increasing; a gap in the data is a gap here.
    counts : array, (n,)
        Events of the area studied; NaN marks a missing month.
    control : array, (n, J)
        Events of J comparison areas, NaN where missing; J may be 0.
    exposure : array, (n,)
        Population or time at risk; ones where none was given.
    phase : integers, (n,)
        BEFORE, DURING or AFTER.
    calendar : tuple of int
        Calendar months before, during and after, with those that are missing.
    """

    position: Integers
    counts: Array
    control: Array
    exposure: Array
    phase: Integers
    calendar: tuple[int, int, int]

    @property
    def after(self) -> npt.NDArray[np.bool_]:
        """True in the months after."""
        return np.asarray(self.phase == AFTER)

    def take(self, keep: npt.NDArray[np.bool_]) -> Months:
        """Return the months where `keep` is true."""
        return replace(
            self,
            position=self.position[keep],
            counts=self.counts[keep],
            control=self.control[keep],
            exposure=self.exposure[keep],
            phase=self.phase[keep],
        )


def align(
    checks: Checks,
    counts: MonthlyCounts,
    cut: tuple[Month, Month | None],
    *,
    control: pd.DataFrame | pd.Series | None = None,
    exposure: MonthlyCounts | None = None,
    name: str = "counts",
) -> Months:
    """Put monthly series on one calendar and cut it at the start and the end of an operation.

    Parameters
    ----------
    checks : Checks
        Collects the problems; they are all raised here.
    counts : Series, list or array of whole numbers, one a month
        A Series is indexed by month: PeriodIndex (M), DatetimeIndex (first days) or integers that count months. It
        is sorted if need be. NaN and gaps in the index are missing months. A list or an array is months 0, 1, 2 ...
    cut : (start, end)
        Before is earlier than start; [start, end) is during; after begins at end (at start without one).
    control : DataFrame or Series, optional
        One column an area, on the same kind of index and with the same first and last month.
    exposure : Series, list or array, optional
        Above 0 in every month.
    name : str
        What the caller calls `counts`, for messages.

    Returns
    -------
    Months
        In calendar order.

    Raises
    ------
    StudyError
        With every problem found.
    """
    columns = {name: _series(checks, name, counts)}
    columns |= {f"control column {i + 1}": column for i, column in enumerate(_control(checks, counts, control))}
    areas = len(columns) - 1
    if exposure is not None:
        columns["exposure"] = _series(checks, "exposure", exposure)
    kinds, cleaned = [], []
    for label, column in columns.items():
        kind, positions = _positions(checks, label, column.index)
        kinds.append(kind)
        cleaned.append(pd.Series(_values(checks, label, column), index=positions, name=label))
    _same_calendar(checks, kinds, cleaned)
    start, resume = _bounds(checks, cut, kinds[0], cleaned[0].index)
    checks.done()
    table = pd.concat(cleaned, axis=1).sort_index()
    position, values = table.index.to_numpy(np.int64), table.to_numpy(float)
    return Months(
        position=position,
        counts=values[:, 0],
        control=values[:, 1 : areas + 1],
        exposure=np.ones(len(table)) if exposure is None else values[:, -1],
        phase=np.where(position < start, BEFORE, np.where(position < resume, DURING, AFTER)).astype(np.int64),
        calendar=(start - int(position[0]), resume - start, int(position[-1]) + 1 - resume),
    )


def observed(checks: Checks, months: Months, *, during: bool) -> Months:
    """Leave missing months out; require events and a month on either side."""
    keep = ~np.isnan(months.counts) & ~np.isnan(months.control).any(axis=1)
    months = months.take(keep if during else keep & (months.phase != DURING))
    fine = bool(months.after.any() and (months.phase == 0).any())
    checks.require(fine, "start, end", "leaves no observed month before, or none after", "Choose another start")
    checks.require(not fine or months.counts.sum() > 0, "counts", "has no event", "A series of zeros cannot change")
    checks.done()
    return months


def season(position: Integers, harmonics: int) -> Array:
    """Return sine and cosine columns of 1 to `harmonics` cycles a year, shape (n, 2 x harmonics)."""
    angles = 2 * np.pi * np.outer(position % _YEAR, np.arange(1, harmonics + 1)) / _YEAR
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(position), 2 * harmonics)


def check_harmonics(checks: Checks, harmonics: object) -> None:
    """Require a whole number of harmonics that twelve months can tell apart."""
    fine = isinstance(harmonics, int | np.integer) and not isinstance(harmonics, bool)
    rule = f"needs a whole number from 0 to {_MOST_HARMONICS}"
    checks.require(fine and 0 <= harmonics <= _MOST_HARMONICS, "harmonics", rule, "Use 0 for no season, 1 or 2 for one")  # type: ignore[operator]


def _series(checks: Checks, name: str, values: object) -> pd.Series:
    if isinstance(values, pd.Series):
        return values
    fine = isinstance(values, list | tuple) or (isinstance(values, np.ndarray) and values.ndim == 1)
    if checks.require(fine, name, "needs a Series, or a list or one-dimensional array", "Pass one number a month"):
        return pd.Series(list(values))  # type: ignore[call-overload]
    return pd.Series(dtype=float)


def _control(checks: Checks, counts: object, control: object) -> list[pd.Series]:
    """Return the comparison areas, one Series each."""
    if control is None:
        return []
    frame = control.to_frame() if isinstance(control, pd.Series) else control
    rule = "needs a DataFrame (one column an area), a Series (one area) or None"
    if not isinstance(frame, pd.DataFrame):
        checks.require(False, "control", rule, "Build pd.DataFrame({area: counts}) on the index of the treated series")
        return []
    fine = bool(frame.columns.is_unique)
    checks.require(fine, "control", "has two columns of one name", "Name each area once; add up the parts of an area")
    treated: Hashable = counts.name if isinstance(counts, pd.Series) else None
    both = treated is not None and treated in list(frame.columns)
    rule = "holds a column named like the treated series: an area that is also treated compares with itself"
    checks.require(not both, "control", rule, "Drop that column, or rename the treated series if it is another area")
    return [frame.iloc[:, i] for i in range(frame.shape[1])]


def _positions(checks: Checks, name: str, index: pd.Index[Any]) -> tuple[str, Integers]:
    """Return the kind of index and its months as whole numbers."""
    kind, position = "unknown", np.arange(len(index), dtype=np.int64)
    remedy = "Use a PeriodIndex of months, the first days of months, or whole numbers that count months"
    if isinstance(index, pd.PeriodIndex | pd.DatetimeIndex) and not index.hasnans:
        kind = "calendar"
        position = np.asarray(index.year * _YEAR + index.month - 1, np.int64)
        if isinstance(index, pd.PeriodIndex):
            checks.require(
                index.freqstr == "M", name, "has periods that are not months", "Use .resample or tally by month"
            )
        else:
            first = bool((index.day == 1).all() and (index == index.normalize()).all())
            checks.require(first, name, "has dates that are not the first of a month", "Use index.to_period('M')")
    elif pd.api.types.is_integer_dtype(index.dtype):
        kind, position = "whole numbers", index.to_numpy(np.int64)
    else:
        checks.require(False, name, "has an index that does not say which month a row is", remedy)
    if len(set(position.tolist())) < len(position):
        checks.require(False, name, "has a month twice", "Add up the rows of one month: counts.groupby(level=0).sum()")
    return kind, position


def _values(checks: Checks, name: str, column: pd.Series) -> Array:
    """Return floats with NaN for missing months; note what is not a count (or not an exposure)."""
    nothing = np.full(len(column), np.nan)
    is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    if not is_number and not column.isna().all():
        checks.require(False, name, "is not numeric", "Pass numbers; NaN marks a missing month")
        return nothing
    values = column.to_numpy(dtype=float, na_value=np.nan)
    if name == "exposure":
        rules = [(~(values > 0), "needs a number above 0 in every month", "Pass population or time at risk")]
    else:
        whole = np.isnan(values) | (values == np.floor(values))
        remedy = "Pass events; weights, rates and shares of events cannot be counted"
        rules = [
            (values < 0, "is negative", "Pass events, 0 or more"),
            (~whole, "is not a whole number", remedy),
        ]
    rules.append((np.isinf(values), "is infinite", "Mark a missing month by NaN"))
    for broken, rule, remedy in rules:
        if broken.any():
            checks.problems.append(Problem(int(np.argmax(broken)) + 1, name, rule, remedy))
    return values


def _same_calendar(checks: Checks, kinds: list[str], columns: list[pd.Series]) -> None:
    """Require one kind of index and one span; gaps inside the span are missing months."""
    first = columns[0]
    checks.require(len(first) > 0, str(first.name), "is empty", "Pass one number a month")
    for kind, column in zip(kinds[1:], columns[1:], strict=True):
        name = str(column.name)
        same_kind = kind == kinds[0]
        rule = f"is indexed by {kind}, `{first.name}` by {kinds[0]}"
        checks.require(same_kind, name, rule, "Index both alike")
        same_span = (first.index.min(), first.index.max()) == (column.index.min(), column.index.max())
        rule = f"does not begin and end in the same months as `{first.name}`"
        checks.require(not same_kind or same_span, name, rule, "Reindex it alike; NaN marks a missing month")


def _bounds(checks: Checks, cut: tuple[Month, Month | None], kind: str, span: pd.Index[Any]) -> tuple[int, int]:
    """Return the first month that is not before, and the first after, on the calendar of the series."""
    start = _month(checks, "start", cut[0], kind)
    resume = start if cut[1] is None else _month(checks, "end", cut[1], kind)
    if start is None or resume is None or not len(span):
        return 0, 0
    inside = span.min() <= start <= span.max() + 1 and resume <= span.max() + 1
    rule = "lies outside the months of the series"
    checks.require(inside, "start, end", rule, "Choose months that the series covers, or bring the series up to date")
    checks.require(cut[1] is None or start < resume, "end", "is not later than `start`", "Swap or correct them")
    return start, resume


def _month(checks: Checks, name: str, value: object, kind: str) -> int | None:
    """Return a month as a whole number on the calendar of the series."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if kind != "calendar":
        fine = checks.require(whole, name, "needs a whole number, like the index of the series", "Pass its position")
        return int(value) if fine else None  # type: ignore[call-overload]
    when: Any = None
    if isinstance(value, pd.Period):
        when = value.start_time
    elif isinstance(value, str | dt.date | np.datetime64):
        try:
            when = pd.Timestamp(value)
        except ValueError:
            when = None
    if not checks.require(when is not None and not pd.isna(when), name, "is not a month", "Pass it like '2019-03'"):
        return None
    rule = "is a day within a month, and a monthly count cannot be cut there"
    checks.require(when.day == 1, name, rule, "Pass a first of a month; use `end` to leave a mixed month out")
    return int(when.year * _YEAR + when.month - 1)
