"""How fast do an area and its comparison drift apart, and how far off may that be?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.comparing.placebos import heterogeneity
from evaluation.headline.volatility import poisson_fit
from evaluation.months import Months

__all__ = ["Drift", "drift"]

Array = npt.NDArray[np.float64]

_SOME = 10  # events of a comparison area; the slope of fewer, and its error, are not worth averaging
_RIDGE = 1e-4  # keeps the slope of an area finite whose events all lie at one end
_NEWTON_STEPS = 50


class Drift(NamedTuple):
    """The slope of log(treated / comparison) a month, with its error.

    Attributes
    ----------
    slope, variance, poisson : float
        The slope, its variance, and what that would be for Poisson counts.
    basis : str
        "months" (the treated share around the line) or "areas" (the comparison areas' own slopes).
    df : float
        Degrees of freedom of the variance.
    autocorrelation : float
        Of the residuals from one month to the next.
    """

    slope: float
    variance: float
    poisson: float
    basis: str
    df: float
    autocorrelation: float

    def __repr__(self) -> str:
        return "Drift(...; read .slope, .variance, .poisson, .basis, .df and .autocorrelation)"


def drift(months: Months) -> Drift:
    """Fit a line to the log of treated against comparison events.

    Logistic regression of the treated share on the month. Variance: the larger of binomial x Pearson's chi-square /
    (months with events - 2), at least 1, and binomial + tau^2 (1 + sum of squared shares of the comparison areas),
    tau^2 the `heterogeneity` of the Poisson slopes of the comparison areas with ten events or more.

    Parameters
    ----------
    months : Months
        The months to fit, at least four with events; events of both sides that overlap in time.

    Returns
    -------
    Drift
        .slope .variance .poisson .basis .df .autocorrelation

    References
    ----------
    McCullagh and Nelder (1989), Generalized Linear Models, chapter 4; DerSimonian and Laird (1986) for tau^2.
    """
    total = months.counts + months.control.sum(axis=1)
    keep = total > 0
    treated, total, month = months.counts[keep], total[keep], months.position[keep].astype(float)
    scale = float(np.ptp(month))
    slope, variance, share = _logistic((month - month.mean()) / scale, treated, total)
    slope, variance = slope / scale, variance / scale**2
    residual = (treated - total * share) / np.sqrt(total * share * (1 - share))
    df = len(month) - 2.0
    phi = max(1.0, float(residual @ residual) / df)
    spread = _spread(months)
    by_areas = variance + spread[0], "areas", spread[1]
    wider = max((phi * variance, "months", df), by_areas)
    return Drift(slope, wider[0], variance, wider[1], wider[2], _following(residual, month))


def _logistic(month: Array, treated: Array, total: Array) -> tuple[float, float, Array]:
    """Return the slope of a logistic regression, its variance and the fitted shares."""
    design = np.column_stack([np.ones(len(month)), month])
    b = np.array([math.log(treated.sum() / (total.sum() - treated.sum())), 0.0])
    for _ in range(_NEWTON_STEPS):
        share = 1 / (1 + np.exp(-design @ b))
        information = (design.T * (total * share * (1 - share))) @ design
        step = np.linalg.solve(information, design.T @ (treated - total * share))
        if np.abs(step).max() < 1e-10:
            break
        b = b + np.clip(step, -1, 1)  # a full first step may overshoot where events are few
    return float(b[1]), float(np.linalg.inv(information)[1, 1]), share


def _spread(months: Months) -> tuple[float, float]:
    """Return what the differing slopes of the comparison areas add to the variance, and its degrees of freedom."""
    kept = months.control[:, months.control.sum(axis=0) >= _SOME]
    if kept.shape[1] < 2:
        return 0.0, 1.0
    month = months.position.astype(float)
    scale = float(np.ptp(month))
    design = np.column_stack([np.ones(len(month)), (month - month.mean()) / scale])
    slopes, variances = np.zeros(kept.shape[1]), np.zeros(kept.shape[1])
    for k, column in enumerate(kept.T):
        b = poisson_fit(design, column, ridge=_RIDGE)
        information = (design.T * np.exp(design @ b)) @ design
        slopes[k], variances[k] = b[1] / scale, np.linalg.inv(information)[1, 1] / scale**2
    share = kept.sum(axis=0) / kept.sum()
    return heterogeneity(slopes, variances) * (1 + float(share @ share)), kept.shape[1] - 1.0


def _following(residual: Array, month: Array) -> float:
    """Return the correlation of residuals one calendar month apart; 0 where there are none."""
    next_to = np.diff(month) == 1
    squares = float(residual @ residual) / len(residual)
    return float((residual[1:] * residual[:-1])[next_to].mean()) / squares if squares and next_to.any() else 0.0
