"""What would the ratio be if the counts were negative binomial instead of quasi-Poisson?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm
from scipy import optimize, special

from evaluation.counts import Unprinted
from evaluation.fitting.contrasts import log_ratio

__all__ = ["NegativeBinomial", "negative_binomial"]

Array = npt.NDArray[np.float64]

# A standard deviation of the rate from a thousandth of it, which no count shows, to three times it.
_LEAST_ALPHA, _MOST_ALPHA = 1e-6, 10.0
_NO_GAIN = 1e-6  # log likelihood beyond the Poisson regression's that rounding can make
_MOST_STEPS, _CONVERGED, _LARGEST_LOG = 50, 1e-9, 500.0


@dataclass(frozen=True, repr=False)
class NegativeBinomial(Unprinted):
    """The same model with variance mean + alpha x mean^2 (NB2), as a sensitivity.

    Attributes
    ----------
    ratio, low, high : float
        Rate after / expected rate, and its t interval.
    p : float
        Two-sided p of a ratio of 1.
    alpha : float
        Maximum likelihood; 0 where no variance beyond Poisson's shows.
    """

    ratio: float
    low: float
    high: float
    p: float
    alpha: float


def negative_binomial(counts: Array, terms: Array, offset: Array, contrast: Array, *, level: float) -> NegativeBinomial:
    """Fit a negative binomial regression by profile likelihood over alpha.

    Parameters
    ----------
    counts : array, (n,)
    terms : array, (n, p)
    offset : array, (n,)
        Log exposure.
    contrast : array, (p,)
        Weights of the terms in the log ratio.
    level : float
        Confidence level.

    Returns
    -------
    NegativeBinomial

    Notes
    -----
    The standard error takes alpha as known, which costs nothing in large samples because alpha and the terms are
    orthogonal; the t quantile with n - p degrees of freedom makes up for small ones. Maximum likelihood puts alpha too
    low in short series, so this is a check on the quasi-Poisson interval, not a replacement.

    References
    ----------
    Lawless (1987), Canadian Journal of Statistics 15:209.
    """
    poisson = sm.GLM(counts, terms, sm.families.Poisson(), offset=offset).fit()
    start = np.asarray(poisson.params)

    def loss(log_alpha: float) -> float:
        return -_profile(counts, terms, offset, start, float(np.exp(log_alpha)))

    bounds = (float(np.log(_LEAST_ALPHA)), float(np.log(_MOST_ALPHA)))
    found = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4})
    alpha = float(np.exp(found.x)) if -found.fun > poisson.llf + _NO_GAIN else 0.0
    best = poisson
    if alpha:
        best = sm.GLM(counts, terms, sm.families.NegativeBinomial(alpha=alpha), offset=offset).fit(start_params=start)
    ratio = log_ratio(contrast, np.asarray(best.params), np.asarray(best.cov_params()), float(best.df_resid))
    phase = ratio.phase(level)
    return NegativeBinomial(phase.ratio, phase.low, phase.high, phase.p, alpha)


def _profile(counts: Array, terms: Array, offset: Array, start: Array, alpha: float) -> float:
    """Return the log likelihood at the best coefficients for one alpha, by Fisher scoring."""
    b, size = start, 1 / alpha
    for _ in range(_MOST_STEPS):
        mean = np.exp(np.minimum(terms @ b + offset, _LARGEST_LOG))
        weight = 1 / (1 + alpha * mean)
        step = np.linalg.solve(terms.T @ (terms * (mean * weight)[:, None]), terms.T @ ((counts - mean) * weight))
        b = b + step
        if np.abs(step).max() < _CONVERGED:
            break
    mean = np.exp(np.minimum(terms @ b + offset, _LARGEST_LOG))
    ways = special.gammaln(counts + size) - special.gammaln(size) - special.gammaln(counts + 1)
    return float((ways - size * np.log1p(alpha * mean) + counts * np.log(mean / (size + mean))).sum())
