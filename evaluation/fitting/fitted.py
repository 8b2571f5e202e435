"""What does a model of a monthly series say of each month, with and without the operation?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.months import AFTER, BEFORE, DURING, Months

__all__ = ["fitted_months"]

Array = npt.NDArray[np.float64]
_PHASES = {BEFORE: "before", DURING: "during", AFTER: "after"}


def fitted_months(
    months: Months, terms: Array, unchanged: Array, estimate: Array, covariance: Array, *, quantile: float
) -> pd.DataFrame:
    """Lay counts, fitted means and their interval side by side, month by month.

    Parameters
    ----------
    months : Months
        Observed months.
    terms, unchanged : array, (n, p)
        The model's terms, and the same with those of the operation at 0.
    estimate, covariance : array, (p,) and (p, p)
        On the log scale; the covariance with the dispersion in it.
    quantile : float
        Of the t distribution.

    Returns
    -------
    DataFrame
        Indexed by month (the calendar's whole numbers): phase, counts, fitted, low, high, unchanged; exact.

    Notes
    -----
    exp(x'b +- t sqrt(x' cov x)) x exposure: an interval for the mean of a month, not for its count.
    """
    line, spread = terms @ estimate, quantile * np.sqrt(np.einsum("ij,jk,ik->i", terms, covariance, terms))
    return pd.DataFrame(
        {
            "phase": [_PHASES[int(phase)] for phase in months.phase],
            "counts": months.counts,
            "fitted": months.exposure * np.exp(line),
            "low": months.exposure * np.exp(line - spread),
            "high": months.exposure * np.exp(line + spread),
            "unchanged": months.exposure * np.exp(unchanged @ estimate),
        },
        index=pd.Index(months.position, name="month"),
    )
