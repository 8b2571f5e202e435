"""Which known events beside the operation moved the counts, and can they be told from it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import Problem, StudyError
from evaluation.counts import Checks
from evaluation.months import AFTER, DURING, Month, MonthlyCounts, Months, align

__all__ = ["Shock", "refuse_confounded", "shock_columns"]

Array = npt.NDArray[np.float64]

_AS_ONE = "the same months as the operation: a recording change at the operation's start cannot be told from the"
_ELSEWHERE = "Use an outcome that it left alone, or `change_test` with comparison areas that it touched as well"


@dataclass(frozen=True)
class Shock:
    """A known event beside the operation, which may have moved the counts: a lockdown, a new way of recording.

    Attributes
    ----------
    name : str
        What to call it, for example "new recording system".
    start : month
        First month touched.
    end : month, optional
        First month no longer touched; without it the shock lasts to the end of the series.

    Examples
    --------
    >>> Shock("lockdown", "2020-03", "2020-07").name
    'lockdown'
    """

    name: str
    start: Month
    end: Month | None = None


def shock_columns(
    checks: Checks, counts: MonthlyCounts, position: npt.NDArray[np.int64], shocks: Sequence[Shock] | None
) -> pd.DataFrame:
    """Return one column of 0 and 1 a shock, on the months of the series.

    Parameters
    ----------
    checks : Checks
        Collects the problems; the caller raises them.
    counts : Series, list or array
        The series, by whose calendar the shocks are dated.
    position : integers, (n,)
        The months to return, as `align` numbers them.
    shocks : sequence of Shock, or None

    Returns
    -------
    DataFrame
        Index: position. Columns: names of the shocks.
    """
    declared = list(shocks) if isinstance(shocks, Sequence) else [] if shocks is None else [shocks]
    fine = all(isinstance(s, Shock) and isinstance(s.name, str) and bool(s.name.strip()) for s in declared)
    rule, remedy = "needs a list of Shock(name, start, end), each with a name", 'Pass [Shock("lockdown", "2020-03")]'
    if not checks.require(fine, "shocks", rule, remedy):
        declared = []
    unique = len({s.name for s in declared}) == len(declared)
    checks.require(unique, "shocks", "holds one name twice", "Name each shock once; one that came back is two")
    columns = {shock.name: _touched(checks, counts, position, shock) for shock in declared}
    return pd.DataFrame(columns, index=position, dtype=float)


def refuse_confounded(checks: Checks, counts: Array, terms: pd.DataFrame, shocks: pd.DataFrame) -> None:
    """Note every shock that the series cannot tell from the operation or from the other terms.

    Parameters
    ----------
    checks : Checks
        Collects the problems; the caller raises them.
    counts : array, (n,)
    terms : DataFrame, (n, p)
        The terms without the shocks; "level", "step", "during" and "slope" are the operation's.
    shocks : DataFrame, (n, k)
        0 and 1, on the same months.
    """
    operation = terms[[name for name in ("level", "step", "during", "slope") if name in terms]]
    found = len(checks.problems)
    for name in shocks:
        column, label = shocks[name], f"shock {str(name)!r}"
        others = pd.concat([terms, shocks.drop(columns=name)], axis=1)
        if column.min() == column.max():
            rule = f"covers {'every' if column.iloc[0] else 'no'} observed month of the series"
            checks.require(False, label, rule, "Leave it out, or correct its months")
        elif "during" in terms and (column == terms["during"]).all():
            remedy = "Leave it out: the months during have a level of their own, which then stands for both"
            checks.require(False, label, "covers exactly the months during the operation", remedy)
        elif _collinear(operation, column):
            checks.require(False, label, f"covers {_AS_ONE} operation", _ELSEWHERE)
        elif counts[column.to_numpy() > 0].sum() == 0:
            rule = "has no event in its months, and a rate of 0 has no logarithm"
            checks.require(False, label, rule, "Set these months to missing instead")
        elif _collinear(others.drop(columns=["step", "slope"], errors="ignore"), column):
            rule = "cannot be told from the season, the trend or another shock"
            checks.require(False, label, rule, "Declare fewer shocks or fewer harmonics")
    # whatever is left adds up to the operation only when the shocks are put together
    if len(checks.problems) == found and not _independent(pd.concat([terms, shocks], axis=1)) and _independent(terms):
        checks.require(False, "shocks", f"cover together {_AS_ONE} operation", _ELSEWHERE)


def _collinear(terms: pd.DataFrame, column: pd.Series) -> bool:
    """Return whether the other terms add up to this one."""
    known = terms.to_numpy()
    both = np.column_stack([known, column.to_numpy()])
    return bool(np.linalg.matrix_rank(both) == np.linalg.matrix_rank(known))


def _independent(terms: pd.DataFrame) -> bool:
    return bool(np.linalg.matrix_rank(terms.to_numpy()) == terms.shape[1])


def _touched(checks: Checks, counts: MonthlyCounts, position: npt.NDArray[np.int64], shock: Shock) -> Array:
    """Return 1 in the months of a shock, else 0; note dates that the series does not cover."""
    own = Checks(checks.function)
    try:
        dated: Months = align(own, counts, (shock.start, shock.end))
    except StudyError:
        label = f"shock {shock.name!r}"
        checks.problems += [Problem(None, f"{label}, {p.column}", p.rule, p.help) for p in own.problems]
        return np.zeros(len(position))
    touched = dated.position[dated.phase == (AFTER if shock.end is None else DURING)]
    return np.isin(position, touched).astype(float)
