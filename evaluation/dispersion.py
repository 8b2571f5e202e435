"""Say how much more than chance the months before vary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from evaluation.counts import Checks

__all__ = ["Dispersion", "dispersion_from_counts", "share_dispersion"]


class Dispersion(NamedTuple):
    """Variance divided by mean, never below 1, and the degrees of freedom it was estimated with."""

    phi: float
    df: int

    def __repr__(self) -> str:
        return "Dispersion(...; read .phi and .df)"


def dispersion_from_counts(monthly: pd.Series | pd.DataFrame) -> Dispersion:
    """Estimate variance / mean from the counts of the months before.

    Sum over areas of squares around each area's own mean, divided by the sum of (months - 1) x mean: how much more the
    areas' sum varies than a Poisson count. Never below 1. For one area it is Pearson's chi-square over its degrees of
    freedom.

    Parameters
    ----------
    monthly : Series or DataFrame
        Events a month before the operation, one column an area. Unobserved months are missing and left out.

    Returns
    -------
    Dispersion
        (phi, df), df the sum of (months - 1). Below about 10 degrees of freedom it is little more than a guess.

    Raises
    ------
    StudyError
        When a count is negative or infinite, or no area with events has two months.

    Notes
    -----
    Trend and season inside the window are counted as dispersion, which errs on the side of caution. Months that follow
    one another alike (autocorrelation) are not: sums over many months then vary more than this says. Each area counts
    by its mean, because Pearson's average over areas is too low where counts are sparse. Of differences without any
    change, at variance 3 x mean and one event an area and month over 12 months, 7.5 % were called changes with it,
    6.0 % with this, and 5.3 % with the t interval that df gives.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, section 4.5; Fletcher (2012), Biometrika 99:230, for the
    bias with sparse counts.

    Examples
    --------
    >>> phi, df = dispersion_from_counts(pd.Series([2, 4, 6, 8]))
    >>> round(phi, 2), df
    (1.33, 3)
    """
    checks = Checks("dispersion_from_counts")
    table = checks.observed("monthly", monthly)
    seen = ~np.isnan(table)
    filled, months = np.where(seen, table, 0), seen.sum(axis=0)
    used = (filled.sum(axis=0) > 0) & (months > 1)
    remedy = "Widen the window before the operation"
    checks.require(bool(used.any()), "monthly", "needs an area with events and two observed months", remedy)
    checks.done()
    mean = filled[:, used].sum(axis=0) / months[used]
    squares = float((np.where(seen[:, used], filled[:, used] - mean, 0) ** 2).sum())
    df = months[used] - 1
    return Dispersion(max(1.0, squares / float(df @ mean)), int(df.sum()))


def share_dispersion(treated_monthly: pd.Series, control_monthly: pd.Series | pd.DataFrame) -> Dispersion:
    """Estimate how much more than chance the treated share of the monthly events varies before the operation.

    With T of N = T + C events treated in a month and p = sum T / sum N: Pearson chi-square, the sum of
    (T - N p)^2 / (N p (1 - p)), divided by months - 1; never below 1. Month to month ups and downs that treated and
    comparison areas share cancel out.

    Parameters
    ----------
    treated_monthly : Series
        Events a month in the treated area before the operation.
    control_monthly : Series or DataFrame
        The same months in the comparison areas; the columns of a DataFrame are added.

    Returns
    -------
    Dispersion
        (phi, df), as `relative_rate_ratio` takes it. Months without events or with a missing count are left out.

    Raises
    ------
    StudyError
        When the months differ, counts are not usable, or one side has no events or fewer than two months have.

    Notes
    -----
    A trend in the share counts as dispersion. Autocorrelation does not, and makes sums vary more than this says.

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, section 4.5.

    Examples
    --------
    >>> phi, df = share_dispersion(pd.Series([2, 8, 5, 5]), pd.Series([8, 2, 5, 5]))
    >>> round(phi, 2), df
    (2.4, 3)
    """
    checks = Checks("share_dispersion")
    control = pd.DataFrame(control_monthly)
    same = treated_monthly.index.is_unique and treated_monthly.index.equals(control.index)
    checks.require(bool(same), "control_monthly", "needs the same months as `treated_monthly`", "Reindex both first")
    checks.done()
    table = np.column_stack(
        [checks.observed("treated_monthly", treated_monthly), checks.observed("control_monthly", control)]
    )
    treated = table[:, 0]
    total = table.sum(axis=1)  # a missing count makes the month's total missing
    used = total > 0
    treated, total = treated[used], total[used]
    share = treated.sum() / total.sum() if used.any() else 0.0
    remedy = "Widen the window before the operation"
    checks.require(
        0 < share < 1 and len(total) > 1, "treated_monthly", "needs events on both sides in two months", remedy
    )
    checks.done()
    squares = (treated - total * share) ** 2 / (total * share * (1 - share))
    return Dispersion(max(1.0, float(squares.sum()) / (len(total) - 1)), len(total) - 1)
