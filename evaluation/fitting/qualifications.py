"""What makes the interval of a regression on monthly counts too sure, or its answer doubtful?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.counts import Unprinted, say_number
from evaluation.fitting.contrasts import PhaseRatio

__all__ = ["Fitted", "autocorrelation", "qualifications"]

Array = npt.NDArray[np.float64]

_LAGS = 12
_FIRM_SHIFT = 0.10  # as in `change_test`: a small p that the shift test does not share may be a slow swing
_FEW_DF = 10
_RARE = 1.0


@dataclass(frozen=True, repr=False, eq=False)
class Fitted(Unprinted):
    """What a fitted regression says, as far as it is to be qualified.

    Attributes
    ----------
    after : PhaseRatio
        The answer.
    negative_binomial : tuple of float
        Limits of the same ratio from the other model.
    shift_p, dispersion, acf, df, mean : float
        p of the shift test; variance / Poisson variance; correlation from month to month; degrees of freedom; events a
        month.
    n : int
        Months.
    """

    after: PhaseRatio
    negative_binomial: tuple[float, float]
    shift_p: float
    dispersion: float
    acf: float
    df: float
    mean: float
    n: int


def qualifications(fitted: Fitted, *, level: float) -> list[str]:
    """Return the sentences that belong beside the result.

    Parameters
    ----------
    fitted : Fitted
    level : float
        Confidence level.

    Notes
    -----
    With residual correlation r from month to month, dying out geometrically, the standard error of the level of a long
    phase is about sqrt((1 + r) / (1 - r)) times as large; r counts as more than chance above 2 / sqrt(n).
    """
    alpha, said = 1 - level, []
    if fitted.acf > 2 / np.sqrt(fitted.n):
        factor = np.sqrt((1 + fitted.acf) / (1 - fitted.acf))
        said.append(
            "The residual correlation is more than chance: the standard error should be about "
            f"{say_number(float(factor))} times as large, and no claim can rest on this p alone."
        )
    if fitted.after.p <= alpha and fitted.shift_p > _FIRM_SHIFT:
        said.append("The shift test does not agree with the small p: a slow swing would look the same.")
    low, high = fitted.negative_binomial
    if (fitted.after.p <= alpha) == (low <= 1 <= high):
        said.append("The two models of the variance disagree about 1: cannot tell.")
    if fitted.dispersion < 1:
        said.append(
            "The residuals vary less than Poisson counts, which chance can do: taking them for Poisson would make the "
            f"interval {say_number(float(1 / np.sqrt(max(fitted.dispersion, 1e-6))))} times as wide on the log scale."
        )
    if fitted.df < _FEW_DF:
        said.append(f"Only {fitted.df:.0f} degrees of freedom are left for the residuals: the dispersion is a guess.")
    if fitted.mean < _RARE:
        said.append("With fewer than one event a month this regression is rough; `change_test` is made for it.")
    return said


def autocorrelation(residuals: Array, position: npt.NDArray[np.int64]) -> pd.Series:
    """Return the autocorrelation at lags of 1 to 12 calendar months; pairs with a missing month are left out.

    Parameters
    ----------
    residuals : array, (n,)
    position : integers, (n,)
        Calendar month of each.

    Returns
    -------
    Series
        Index: lag.
    """
    centred = residuals - residuals.mean()
    products = np.outer(centred, centred)
    apart = position[None, :] - position[:, None]
    lags = range(1, min(_LAGS, int(apart.max())) + 1)
    values = [products[apart == lag].sum() / (centred @ centred) for lag in lags]
    return pd.Series(values, index=pd.Index(lags, name="lag"), name="residual_acf")
