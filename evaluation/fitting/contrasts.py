"""What ratio, interval and p does one combination of a log-linear model's terms give?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from evaluation.counts import Unprinted

__all__ = ["LogRatio", "PhaseRatio", "log_ratio"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PhaseRatio(Unprinted):
    """A rate divided by the rate expected without the phase, above 0.

    Attributes
    ----------
    ratio, low, high : float
        Point and limits of the t interval.
    p : float
        Two-sided p of a ratio of 1.
    """

    ratio: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, repr=False)
class LogRatio(Unprinted):
    """A log ratio with its standard error and degrees of freedom."""

    value: float
    se: float
    df: float

    def limits(self, level: float, *, normal: bool = False) -> tuple[float, float]:
        """Return the limits of the ratio, with the t quantile (or the normal one)."""
        share = (1 + level) / 2
        reach = float(stats.norm.ppf(share) if normal else stats.t.ppf(share, self.df)) * self.se
        return float(np.exp(self.value - reach)), float(np.exp(self.value + reach))

    def phase(self, level: float) -> PhaseRatio:
        """Return ratio, limits and two-sided p."""
        p = float(2 * stats.t.sf(abs(self.value) / self.se, self.df))
        return PhaseRatio(float(np.exp(self.value)), *self.limits(level), p)


def log_ratio(contrast: Array, estimate: Array, covariance: Array, df: float) -> LogRatio:
    """Return contrast' b with its standard error.

    Parameters
    ----------
    contrast, estimate : array, (p,)
        Weights of the terms, and their coefficients on the log scale.
    covariance : array, (p, p)
        Of the coefficients.
    df : float
        Degrees of freedom of the t distribution.
    """
    return LogRatio(float(contrast @ estimate), float(np.sqrt(contrast @ covariance @ contrast)), df)
