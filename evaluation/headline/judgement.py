"""What do these months say: which months and areas count, how volatile are they, and what is p at each ratio?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.pickles import Exact
from evaluation.headline.curves import Evidence, cauchy, exact_mixture_p, joint_shift_p, space_time_p
from evaluation.headline.inversion import agreeing_limits, invert, two_sided_limits
from evaluation.headline.volatility import (
    AUTOCORRELATION,
    DISPERSION,
    PRIORS,
    SWING,
    Residuals,
    contrast_variance,
    log_likelihoods,
    pearson,
    poisson_fit,
    posterior,
    share_residuals,
)
from evaluation.months import season
from evaluation.shifts import plain_shift

__all__ = ["Judgement", "is_firm", "judge_alone", "judge_compared"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_RIDGE = 0.01
_ALONE_INFLATION = 1.1  # p without a comparison is multiplied by this; calibrated by simulation
_GATE_ODDS = 4.0  # prior odds that neighbouring areas share one volatility; calibrated by simulation
_AREAS_THAT_COUNT = 5  # comparison areas are counted as at most five independent witnesses of volatility
_ONE = np.array([1.0])
_NO_LIMITS = (float("nan"), float("nan"))
# Firmness: methods, change_test, limits, refusals, wording.
_FIRM_SHIFT = 0.10
_FIRM_GATE = 0.5


@dataclass(frozen=True, repr=False, eq=False)
class Judgement(Exact):
    """P values of no change, the interval, and what they rest on.

    Attributes
    ----------
    p, low, high : float
    shift_p : float
    p_exact_mixture : float
        Test M: with a comparison, of the area's own volatility.
    p_own, p_space_time, gate : float or None
        None where the number of comparison areas does not allow them.
    dispersion : float
        Posterior mean of the variance of the monthly rate, relative to the rate squared, beyond Poisson chance.
    autocorrelation : float
        Posterior mean correlation of that variation from one month to the next.
    """

    p: float
    low: float
    high: float
    shift_p: float
    p_exact_mixture: float
    p_own: float | None
    p_space_time: float | None
    gate: float | None
    dispersion: float
    autocorrelation: float


def judge_alone(
    treated: Array, after: Mask, position: Integers, harmonics: int, alpha: float, *, interval: bool = True
) -> Judgement:
    """Judge an area without a comparison: steps A to D for J = 0.

    Parameters
    ----------
    treated : array, (n,)
        Events in the observed months before and after.
    after : mask, (n,)
    position : integers, (n,)
        Calendar months.
    harmonics : int
    alpha : float
        1 - the confidence level.
    interval : bool, default True
        Whether to find the limits, which takes most of the time; NaN without.
    """
    waves = season(position, harmonics)
    design = np.column_stack([np.ones(len(treated)), after, waves])
    coefficients = poisson_fit(design, treated, ridge=_RIDGE)
    fitted = np.exp(design @ coefficients)
    residuals = Residuals(pearson(treated, fitted), float(fitted.mean()), 1.0)
    (likelihood,) = log_likelihoods(design, position, [residuals], float(treated.mean()))
    yearly = np.exp(waves @ coefficients[2:])
    unchanged = yearly * treated.sum() / yearly.sum()
    covariance = np.linalg.inv((design.T * unchanged) @ design)
    contrast = unchanged * (design @ covariance[:, 1])
    season_cost = covariance[1, 1] - 1 / unchanged[after].sum() - 1 / unchanged[~after].sum()
    evidence = Evidence(
        treated=treated,
        comparison=np.empty((len(treated), 0)),
        after=after,
        expected_odds=float(yearly[after].sum() / yearly[~after].sum()),
        excess=contrast_variance(contrast, position, 1.0),
        known=max(0.0, float(season_cost)),
    )
    weights = posterior(PRIORS["P"], likelihood)

    def curves(ratios: Array) -> tuple[Array, Array]:
        mixture = exact_mixture_p(evidence, ratios) @ weights
        return np.minimum(1.0, _ALONE_INFLATION * mixture), mixture

    p, mixture = (float(part[0]) for part in curves(_ONE))
    ratio = float(treated[after].sum() / treated[~after].sum()) / evidence.expected_odds
    low, high = invert(curves, p, alpha, estimate=ratio, find=agreeing_limits) if interval else _NO_LIMITS
    shift_p = plain_shift(treated, after, waves).p
    return Judgement(p, low, high, shift_p, mixture, None, None, None, *_volatility(weights))


def judge_compared(
    treated: Array, areas: Array, after: Mask, position: Integers, alpha: float, *, interval: bool = True
) -> Judgement:
    """Judge an area against one or more comparison areas: steps A to F for J >= 1.

    Parameters
    ----------
    treated : array, (n,)
    areas : array, (n, J)
        Events of the comparison areas, none of them without any.
    after : mask, (n,)
    position : integers, (n,)
    alpha : float
    interval : bool, default True
        As in `judge_alone`.
    """
    count = areas.shape[1]
    likelihoods, inflation = _share_likelihoods(treated, areas, after, position)
    evidence = _compared_evidence(treated, areas, after, position, inflation)
    own_weights = posterior(PRIORS["N"], likelihoods[0])
    ratio = float(treated[after].sum() / treated[~after].sum()) / evidence.expected_odds

    def own_curves(ratios: Array) -> tuple[Array, Array, Array]:
        tables = exact_mixture_p(evidence, ratios)
        mixture = tables @ own_weights
        return cauchy(mixture, joint_shift_p(evidence, ratios)), mixture, tables

    own, mixture = (float(part[0]) for part in own_curves(_ONE)[:2])
    shift_p = float(joint_shift_p(evidence, _ONE)[0])
    if count == 1:
        low, high = _NO_LIMITS
        if interval:
            low, high = invert(lambda r: own_curves(r)[:2], own, alpha, estimate=ratio, find=agreeing_limits)
        return Judgement(own, low, high, shift_p, mixture, own, None, None, *_volatility(own_weights))
    shared = (count - 1) / count * min(1.0, _AREAS_THAT_COUNT / count) * np.sum(likelihoods[1:], axis=0)
    gate = _gate(likelihoods[0], shared)
    excess = float(posterior(PRIORS["A"], likelihoods[0] + shared) @ evidence.excess)
    weights = gate * posterior(PRIORS["D"], likelihoods[0] + shared) + (1 - gate) * own_weights

    def curves(ratios: Array) -> tuple[Array, Array]:
        alone, _, tables = own_curves(ratios)
        return gate * space_time_p(evidence, excess, ratios) + (1 - gate) * alone, tables @ weights

    p, space_time = float(curves(_ONE)[0][0]), float(space_time_p(evidence, excess, _ONE)[0])
    low, high = invert(curves, p, alpha, estimate=ratio, find=two_sided_limits) if interval else _NO_LIMITS
    return Judgement(p, low, high, shift_p, mixture, own, space_time, gate, *_volatility(weights))


def is_firm(judged: Judgement, alpha: float) -> bool:
    """Return whether a small p is also safe from slow swings and from areas that are not alike."""
    if judged.gate is None:
        return judged.p <= alpha and judged.shift_p <= _FIRM_SHIFT
    alike = judged.gate >= _FIRM_GATE or (judged.p_own is not None and judged.p_own <= alpha)
    return judged.p <= alpha and alike


def _share_likelihoods(treated: Array, areas: Array, after: Mask, position: Integers) -> tuple[list[Array], float]:
    """Return the log likelihood of the treated share, then of each area's share, and the treated share's inflation."""
    totals, everyone = areas.sum(axis=0), areas.sum(axis=1)
    inflation = 1 + 1 / _effective(totals)
    series = [share_residuals(treated, treated + everyone, after, inflation)]
    if len(totals) > 1:
        for j, area in enumerate(areas.T):
            series.append(share_residuals(area, everyone, after, 1 + 1 / _effective(np.delete(totals, j))))
    design = np.column_stack([np.ones(len(treated)), after])
    return log_likelihoods(design, position, series, float(treated.mean())), inflation


def _effective(totals: Array) -> float:
    """Return how many equal areas these are worth: (sum)^2 / sum of squares."""
    return float(totals.sum() ** 2 / (totals**2).sum())


def _compared_evidence(treated: Array, areas: Array, after: Mask, position: Integers, inflation: float) -> Evidence:
    everyone = areas.sum(axis=1)
    both = treated + everyone
    contrast = np.where(after, both / both[after].sum(), -both / both[~after].sum())
    events_after, events_before = everyone[after].sum() + 0.5, everyone[~after].sum() + 0.5
    return Evidence(
        treated=treated,
        comparison=areas,
        after=after,
        expected_odds=float(events_after / events_before),
        excess=contrast_variance(contrast, position, inflation),
        known=float(1 / events_after + 1 / events_before),
    )


def _gate(own: Array, shared: Array) -> float:
    """Return the posterior probability that the treated area has the comparison areas' volatility."""
    scaled = np.exp(own - own.max())
    pooled = posterior(PRIORS["D"], shared) @ scaled
    alone = PRIORS["D"] @ scaled
    return float(_GATE_ODDS * pooled / (_GATE_ODDS * pooled + alone))


def _volatility(weights: Array) -> tuple[float, float]:
    """Return the posterior means of the variance beyond Poisson and of its correlation a month apart."""
    variance = DISPERSION + SWING
    memory = SWING * AUTOCORRELATION / np.where(variance > 0, variance, 1.0)
    return float(weights @ variance), float(weights @ memory)
