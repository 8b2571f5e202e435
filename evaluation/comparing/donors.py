"""Which mix of other units follows one unit best, and can the panel carry such a mix?"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from commonground.pickles import Exact
from evaluation.counts import Checks

__all__ = ["DonorPanel", "read_panel", "simplex_weights"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_FEWEST_BEFORE = 12  # with fewer periods a mix of many areas fits noise (Abadie 2021, section 5)


@dataclass(frozen=True, repr=False, eq=False)
class DonorPanel(Exact):
    """A panel that a mix of donors can be fitted to.

    Attributes
    ----------
    values : array, (periods, units)
        In the order of the panel.
    target : int
        Column number of the treated unit.
    donors : list of int
        Column numbers of the others.
    before : mask, (periods,)
        True before the start.
    notes : tuple of str
        What qualifies any answer from this panel.
    """

    values: Array
    target: int
    donors: list[int]
    before: Mask
    notes: tuple[str, ...]


def read_panel(function: str, panel: Any, treated: Hashable, start: Any) -> DonorPanel:
    """Check a panel of periods x units, one of them treated.

    Parameters
    ----------
    function : str
        Public function that asks, for the message.
    panel : DataFrame
        Periods (sorted index) x units.
    treated : label
    start : label of a period

    Returns
    -------
    DonorPanel

    Raises
    ------
    StudyError
        With every problem found.
    """
    checks = Checks(function)
    fine = isinstance(panel, pd.DataFrame)
    if not checks.require(fine, "panel", "needs a DataFrame of periods x units", "Put each unit into a column"):
        checks.done()
    known = panel.columns.is_unique and isinstance(treated, Hashable) and treated in panel.columns
    checks.require(known, "treated", "needs to name one column of the panel", "Columns are units, rows are periods")
    remedy = "Name each unit once; add up the parts of a unit"
    checks.require(bool(panel.columns.is_unique), "panel", "has two columns of one name", remedy)
    checks.require(
        len(panel.columns) > 2, "panel", "needs at least two donors", "Use `relative_rate_ratio` with one comparison"
    )
    ordered = panel.index.is_monotonic_increasing and panel.index.is_unique
    checks.require(ordered, "panel", "needs a sorted index of periods that do not repeat", "Call `panel.sort_index()`")
    numbers = panel.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    remedy = "Leave out units or periods that were not observed; a missing count is not 0"
    finite = checks.require(bool(np.isfinite(numbers).all()), "panel", "needs a finite number in every cell", remedy)
    before = _before(checks, panel.index, start)
    target = next((k for k, unit in enumerate(panel.columns) if known and unit == treated), 0)
    donors = [k for k in range(len(panel.columns)) if k != target]
    if known and finite:
        _check_paths(checks, numbers[:, target], numbers[:, donors])
    checks.done()
    return DonorPanel(numbers, target, donors, before, _notes(panel.index, numbers[:, donors], before))


def simplex_weights(gaps: Array, ridge: float = 0.0) -> Array:
    """Return the w >= 0 with sum 1 that minimise |gaps w|^2 + ridge |w|^2, exactly.

    For u = t w the least |gaps u|^2 + (sum u - 1)^2 over t >= 0 is f / (1 + f), f = |gaps w|^2, which rises with f: the
    non-negative least squares solution, scaled to sum 1, solves the constrained problem. No penalty is involved.

    Parameters
    ----------
    gaps : array, (periods, donors)
        Donor - treated.
    ridge : float, default 0
        At least 0.

    Returns
    -------
    array, (donors,)
        At least 0, summing to 1.

    References
    ----------
    Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23, for the active-set algorithm in scipy.

    Examples
    --------
    >>> simplex_weights(np.array([[1.0, -3.0]])).round(6).tolist()
    [0.75, 0.25]
    """
    stacked = np.vstack([gaps, np.sqrt(ridge) * np.eye(gaps.shape[1])]) if ridge else gaps
    scale = np.sqrt((stacked**2).mean()) or 1.0  # keeps both parts of the sum of the same order
    rows = np.vstack([stacked / scale, np.ones(stacked.shape[1])])
    solution = nnls(rows, np.append(np.zeros(len(stacked)), 1.0))[0]
    return np.asarray(solution / solution.sum(), dtype=float)


def _before(checks: Checks, index: pd.Index[Any], start: Any) -> Mask:
    """Return which periods are before the start; note too few of them, or none after."""
    try:
        before = np.asarray(index < start, dtype=bool)
    except (TypeError, ValueError):  # a date against numbers, or text that is no date
        before = np.ones(len(index), dtype=bool)
    remedy = "Use `relative_rate_ratio`, which does not fit a path"
    checks.require(before.sum() >= _FEWEST_BEFORE, "panel", f"needs {_FEWEST_BEFORE} periods before the start", remedy)
    remedy = "Check the type and the date of `start`"
    checks.require(not before.all(), "start", "needs a period from the start on", remedy)
    return before


def _check_paths(checks: Checks, own: Array, pool: Array) -> None:
    """Require a treated unit with something in it, and no donor that is the treated unit under another name."""
    rule = "holds zeros only: a series of zeros has no path to follow"
    checks.require(bool(own.any()), "treated", rule, "Choose another outcome, or larger units")
    copied = bool((pool == own[:, None]).all(axis=0).any()) and bool(np.ptp(own) > 0)
    rule = "has a donor equal to the treated unit in every period: an area that is also treated compares with itself"
    checks.require(not copied, "panel", rule, "Drop that column")


def _notes(index: pd.Index[Any], pool: Array, before: Mask) -> tuple[str, ...]:
    """Say what qualifies any mix made from this panel."""
    said = []
    if (~before).sum() == 1:
        said.append("There is one period after: the noise of a single period cannot be told from a change.")
    if gaps := _gaps(index):
        said.append(f"Periods missing from the panel, before or after: {gaps}.")
    varied = np.ptp(pool, axis=0) > 0
    if zeros := int((~pool.any(axis=0)).sum()):
        said.append(f"Donors with zeros only: {zeros}; weight on them only scales the others down.")
    if twins := int(varied.sum()) - len({column.tobytes() for column in pool.T[varied]}):
        said.append(f"Donors that repeat another donor in every period: {twins}; each counts as one more placebo.")
    return tuple(said)


def _gaps(index: pd.Index[Any]) -> int:
    """Return how many periods an index of months, or of whole numbers at equal steps, leaves out."""
    if isinstance(index, pd.PeriodIndex):
        position = index.asi8
    elif isinstance(index, pd.DatetimeIndex):
        position = np.asarray(index.year * 12 + index.month)
    elif pd.api.types.is_integer_dtype(index.dtype):
        position = index.to_numpy(np.int64)
    else:
        return 0
    steps = np.diff(position)
    least = int(steps.min()) if len(steps) else 0
    return int(steps.sum() // least - len(steps)) if least > 0 else 0
