"""How much more than Poisson chance do these monthly counts vary, and how long do their swings last?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from commonground.pickles import Exact

__all__ = [
    "AUTOCORRELATION",
    "DISPERSION",
    "PRIORS",
    "SWING",
    "Residuals",
    "contrast_variance",
    "log_likelihoods",
    "poisson_fit",
    "posterior",
    "share_residuals",
]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# The grid and the priors were chosen by simulation over 540 no-effect cells (docs: methods, change_test). They are part
# of the test: another grid is another test, with another false-alarm rate.
_A = (0.0, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0)
_S = (0.05, 0.12, 0.25, 0.5)
_R = (0.3, 0.6, 0.85)
_GRID = np.array([(a, 0.0, 0.0) for a in _A] + [(a, s, r) for r in _R for s in _S for a in _A])
# Variance of the monthly rate / rate squared that has no memory; that has one; and its correlation a month apart.
DISPERSION, SWING, AUTOCORRELATION = _GRID.T
_POISSON = (DISPERSION == 0) & (SWING == 0)
_NO_MEMORY = SWING == 0
_MEMORY = SWING > 0

_LEAST_VARIANCE = 0.02  # a Pearson residual of a month in which next to nothing is expected would explode
_NEWTON_STEPS = 100


def _prior(poisson: float, dispersed: float, memory: float, decay: float = 0.0) -> Array:
    """Spread three class probabilities over the grid: evenly within a class, or falling in a with memory."""
    weights = np.where(_MEMORY, np.exp(-decay * DISPERSION), 1.0)
    out = np.zeros(len(_GRID))
    for members, share in ((_POISSON, poisson), (_NO_MEMORY & ~_POISSON, dispersed), (_MEMORY, memory)):
        out[members] = share * weights[members] / weights[members].sum()
    return out


PRIORS = {
    "P": _prior(0.25, 0.10, 0.65, decay=3.0),  # the area alone, without a comparison
    "N": _prior(0.20, 0.15, 0.65),  # the area's own part when there is a comparison
    "D": _prior(0.25, 0.25, 0.50),  # do the areas share one volatility?
    "A": _prior(0.5 / 7, 3 / 7, 0.5),  # the space-time test: seven equal points without memory
}


@dataclass(frozen=True, repr=False, eq=False)
class Residuals(Exact):
    """Standardised residuals of one series, with the step in the model.

    Attributes
    ----------
    values : array, (n,)
        Pearson residuals.
    information : float
        Mean Poisson (or binomial) variance a month.
    inflation : float
        1, plus 1 / (effective number of areas compared with): their volatility adds to the share's.
    """

    values: Array
    information: float
    inflation: float


def poisson_fit(design: Array, counts: Array, *, offset: Array | float = 0.0, ridge: float = 0.0) -> Array:
    """Fit a Poisson regression with log link by Newton's method, with a ridge on all but the first coefficient.

    Parameters
    ----------
    design : array, (n, p)
        The first column is the intercept.
    counts : array, (n,)
        Whole numbers, not all 0.
    offset : array or float
        Log exposure.
    ridge : float
        The penalty is ridge x b^2 / 2; above 0 it keeps coefficients finite when a group has no events.

    Returns
    -------
    array, (p,)
        Coefficients.
    """
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0

    def objective(b: Array) -> float:
        eta = design @ b + offset
        return float(counts @ eta - np.exp(np.minimum(eta, 700)).sum() - penalty @ b**2 / 2)

    b = np.zeros(design.shape[1])
    b[0] = np.log(counts.sum() / np.exp(offset + np.zeros(len(counts))).sum())
    best = objective(b)
    for _ in range(_NEWTON_STEPS):
        fitted = np.exp(design @ b + offset)
        gradient = design.T @ (counts - fitted) - penalty * b
        step = np.linalg.solve((design.T * fitted) @ design + np.diag(penalty), gradient)
        while (value := objective(b + step)) < best - 1e-9 * abs(best):
            step = step / 2
        b, best = b + step, value
        if np.abs(step).max() < 1e-11:
            break
    return b


def pearson(counts: Array, fitted: Array) -> Array:
    """Return (count - fitted) / square root of fitted, with a floor under the variance."""
    return np.asarray((counts - fitted) / np.sqrt(np.maximum(fitted, _LEAST_VARIANCE)))


def share_residuals(part: Array, total: Array, after: Mask, inflation: float) -> Residuals:
    """Return residuals of a series as a share of a total, with its own share before and after.

    Parameters
    ----------
    part, total : array, (n,)
        Events of the area, and of all areas it is a share of.
    after : mask, (n,)
    inflation : float
        See `Residuals`.

    Returns
    -------
    Residuals
        (part - total x share) / sqrt(total q (1 - q)), 0 in a month without any event; q is the share shrunk by half
        an event, so that a share of 0 or 1 has a variance.
    """
    share, shrunk = np.zeros(len(part)), np.zeros(len(part))
    for window in (after, ~after):
        events, of = part[window].sum(), total[window].sum()
        share[window] = events / of if of else 0.0
        shrunk[window] = (events + 0.5) / (of + 1)
    variance = total * shrunk * (1 - shrunk)
    values = np.where(total > 0, (part - total * share) / np.sqrt(np.maximum(variance, _LEAST_VARIANCE)), 0.0)
    return Residuals(values, float(variance.mean()), inflation)


def log_likelihoods(design: Array, position: Integers, series: list[Residuals], mean: float) -> list[Array]:
    """Return each series' log likelihood at the 91 points of the grid.

    The residuals are projected on the space orthogonal to the design, where a step and a season cannot be seen, and
    rotated so that an AR(1) swing is diagonal: each coordinate has variance 1 + information x inflation x (a + s x
    eigenvalue).

    Parameters
    ----------
    design : array, (n, p)
    position : integers, (n,)
        Calendar months: gaps keep their length.
    series : list of Residuals
    mean : float
        Mean count of the area studied; everything is divided by 1 + .5 / max(mean, .3), because residuals of rare
        counts are skewed and would speak too loudly.

    Returns
    -------
    list of array, (91,)
    """
    complement = linalg.null_space(design.T).T
    tempering = 1 + 0.5 / max(mean, 0.3)
    out = [np.empty(len(_GRID)) for _ in series]
    for rho in (0.0, *_R):
        eigenvalues, rotation = np.linalg.eigh(complement @ _correlation(position, rho) @ complement.T)
        at = np.flatnonzero(rho == AUTOCORRELATION)
        extra = DISPERSION[at, None] + SWING[at, None] * eigenvalues
        basis = rotation.T @ complement
        for log_likelihood, one in zip(out, series, strict=True):
            variance = 1 + one.information * one.inflation * extra
            squares = (basis @ one.values) ** 2
            log_likelihood[at] = -0.5 * (np.log(variance) + squares / variance).sum(axis=1) / tempering
    return out


def posterior(prior: Array, log_likelihood: Array) -> Array:
    """Return posterior weights, summing to 1, of the 91 points."""
    weights = prior * np.exp(log_likelihood - log_likelihood.max())
    return np.asarray(weights / weights.sum())


def contrast_variance(contrast: Array, position: Integers, inflation: float) -> Array:
    """Return the variance of a log contrast between months beyond Poisson chance, at the 91 points.

    Parameters
    ----------
    contrast : array, (n,)
        Weights of the monthly log rates: summing to 1 after and -1 before.
    position : integers, (n,)
    inflation : float
    """
    memory = {rho: contrast @ _correlation(position, rho) @ contrast for rho in (0.0, *_R)}
    swings = np.array([memory[rho] for rho in AUTOCORRELATION])
    return np.asarray(inflation * (DISPERSION * (contrast @ contrast) + SWING * swings))


def _correlation(position: Integers, rho: float) -> Array:
    """Return the AR(1) correlation of calendar months; the identity at rho 0 (where the swing is 0)."""
    return np.asarray(rho ** np.abs(position[:, None] - position[None, :]).astype(float))
