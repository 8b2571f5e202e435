"""Which months and areas of this table of counts can be compared, and which of them were treated?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import Problem
from commonground.pickles import Exact
from evaluation.counts import Checks
from evaluation.headline.eligibility import too_little
from evaluation.months import DURING, Month, Months, align

__all__ = ["AreaMonths", "read_areas"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_LEAST_COMPARISON = 20  # as `change_test`: fewer events say nothing of what would have happened (methods, change_test)


@dataclass(frozen=True, repr=False, eq=False)
class AreaMonths(Exact):
    """Complete monthly counts of treated and comparison areas before and after.

    Attributes
    ----------
    before, after : array, (areas,)
        Events in the months used.
    past : array, (months before, areas)
        Events a month before.
    treated : mask, (areas,)
    names : Index, (areas,)
    months : (int, int, int, int)
        Months used before and after; months during; months left out because some area misses them.
    notes : tuple of str
        Sentences about what is not used.
    """

    before: Array
    after: Array
    past: Array
    treated: Mask
    names: pd.Index[Any]
    months: tuple[int, int, int, int]
    notes: tuple[str, ...]

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """Events T0, T1 of the treated and C0, C1 of the comparison areas."""
        of, against = self.treated, ~self.treated
        sums = [part[areas].sum() for areas in (of, against) for part in (self.before, self.after)]
        return int(sums[0]), int(sums[1]), int(sums[2]), int(sums[3])

    @property
    def refused(self) -> str | None:
        """Why no interval and no p can be trusted, or None."""
        T0, _, C0, C1 = self.totals
        reasons = too_little(self.months[0], self.months[1], T0 * (C1 + 0.5) / (C0 + 0.5), alone=False)
        if C0 + C1 < _LEAST_COMPARISON:
            reasons.append(f"fewer than {_LEAST_COMPARISON} events in the comparison areas together")
        if not C0 or (self.past.sum(axis=1) > 0).sum() < 2:
            reasons.append("no two months with events before, or none in the comparison areas")
        return "; ".join(reasons) or None


def read_areas(
    checks: Checks, panel: Any, treated: Hashable | Sequence[Hashable], cut: tuple[Month, Month | None]
) -> AreaMonths:
    """Check a table of monthly counts and cut it at the start and the end of an operation.

    Parameters
    ----------
    checks : Checks
        Collects the problems; they are all raised here.
    panel : DataFrame of whole numbers, months x areas
        Indexed like the series of `evaluation.months.align`; NaN and gaps in the index are missing months.
    treated : label or list of labels
        Columns of the treated areas; all others are comparison areas.
    cut : (start, end)
        As in `align`.

    Returns
    -------
    AreaMonths
        Months missing in any area are left out of all, and areas without any event are left out; the notes say so.

    Raises
    ------
    StudyError
        With every problem found.
    """
    fine = isinstance(panel, pd.DataFrame)
    if not checks.require(fine, "panel", "needs a DataFrame of months x areas", "Put each area into a column"):
        checks.done()
    is_treated = _treated(checks, panel.columns, treated)
    values = _counts(checks, panel)
    _check_twins(checks, values, is_treated)
    # the calendar of the panel is checked by giving `align` the row numbers as if they were counts
    months = align(checks, pd.Series(np.arange(len(panel)), index=panel.index), cut, name="panel")
    values = values[months.counts.astype(int)]
    seen = ~np.isnan(values).any(axis=1) & (months.phase != DURING)
    values, after = values[seen], months.after[seen]
    rule, remedy = "leaves no complete month before, or none after", "Choose another start, or drop areas with gaps"
    checks.require(bool(after.any() and not after.all()), "start, end", rule, remedy)
    lively = values.sum(axis=0) > 0
    for group, rule in ((is_treated, "treated"), (~is_treated, "comparison")):
        empty = bool(group.any() and not lively[group].any())
        checks.require(not empty, "panel", f"has no event in any {rule} area", "A series of zeros cannot change")
    checks.done()
    return AreaMonths(
        before=values[~after][:, lively].sum(axis=0),
        after=values[after][:, lively].sum(axis=0),
        past=values[~after][:, lively],
        treated=is_treated[lively],
        names=panel.columns[lively],
        months=(int((~after).sum()), int(after.sum()), months.calendar[1], _missing(months, seen)),
        notes=_notes(int((~lively).sum()), _missing(months, seen)),
    )


def _treated(checks: Checks, columns: pd.Index[Any], treated: Hashable | Sequence[Hashable]) -> Mask:
    """Return which columns are treated; note names that do not fit."""
    labels = list(columns)
    one = isinstance(treated, Hashable) and treated in labels
    named = [treated] if one else list(treated) if isinstance(treated, list | tuple | pd.Index) else []
    found = [isinstance(name, Hashable) and name in labels for name in named]
    remedy = "Columns are areas, rows are months"
    checks.require(bool(found) and all(found), "treated", "needs to name one or more columns of the panel", remedy)
    repeated = len({name for name, known in zip(named, found, strict=True) if known}) < sum(found)
    checks.require(not repeated, "treated", "names an area twice", "Name each treated area once")
    rule = "has two columns of one name: an area may then be treated and compared with at once"
    checks.require(bool(columns.is_unique), "panel", rule, "Name each area once; add up the parts of an area")
    mask = np.array([label in named for label in labels], dtype=bool)
    rule = "leaves no comparison area"
    checks.require(not (len(mask) and mask.all()), "treated", rule, "Add areas that were not treated")
    return mask


def _counts(checks: Checks, panel: pd.DataFrame) -> Array:
    """Return floats, NaN for missing months; note every column that does not hold counts."""
    values = np.full(panel.shape, np.nan)
    for k in range(panel.shape[1]):
        column, name = panel.iloc[:, k], f"panel column {k + 1}"
        is_number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
        if not is_number and not column.isna().all():
            checks.require(False, name, "is not numeric", "Pass numbers; NaN marks a missing month")
            continue
        values[:, k] = column.to_numpy(dtype=float, na_value=np.nan)
        seen = np.nan_to_num(values[:, k], posinf=-1, neginf=-1)
        broken = (seen < 0) | (seen != np.floor(seen))
        if broken.any():
            remedy = "Pass events; weights, rates and shares of events cannot be counted"
            checks.problems.append(
                Problem(int(np.argmax(broken)) + 1, name, "is not a whole number of at least 0", remedy)
            )
    return values


def _check_twins(checks: Checks, values: Array, treated: Mask) -> None:
    """Refuse a comparison area whose counts are those of a treated area in every month."""
    of, against = values[:, treated], values[:, ~treated]
    # months that are missing in both agree; a series that never varies may agree by chance
    same = ((of[:, :, None] == against[:, None, :]) | (np.isnan(of[:, :, None]) & np.isnan(against[:, None, :]))).all(0)
    varied = np.array([len(set(column[~np.isnan(column)].tolist())) > 1 for column in of.T], dtype=bool)
    rule = "has a comparison area equal to a treated one in every month: it then compares with itself"
    checks.require(not bool(same[varied].any()), "panel", rule, "Drop that column")


def _missing(months: Months, seen: Mask) -> int:
    """Return how many calendar months before and after are not used."""
    return months.calendar[0] + months.calendar[2] - int(seen.sum())


def _notes(silent: int, missing: int) -> tuple[str, ...]:
    """Say what was left out."""
    said = []
    if silent:
        said.append(f"Areas without events in the months used, and so left out: {silent}.")
    if missing:
        said.append(f"Months missing in some area, and so left out of all: {missing}.")
    return tuple(said)
