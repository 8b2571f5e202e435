"""Do counts of which the smallest are missing follow one Poisson rate?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, poisson

__all__ = ["excess_of_ones", "mixture_p", "one_inflation_p", "truncated_rate"]

LARGEST = 1e6  # a rate beyond it needs no truncation
SMALLEST = 1e-9


def truncated_rate(counts: Any, people: Any, least: int) -> float:
    """Return the maximum-likelihood rate of a Poisson count seen only from `least` up.

    Parameters
    ----------
    counts : array of int, (c,)
        How often, each from `least` up.
    people : array of float, (c,)
        How many people with that count.
    least : int
        Smallest count that can be seen; 0 for an ordinary Poisson count.

    Returns
    -------
    float
        Solves mean = rate P(X >= least - 1) / P(X >= least); NaN where no rate above 0 does (all counts are `least`).
    """
    mean = float(counts @ people / people.sum())
    if not mean > least:
        return math.nan
    if not least:
        return mean

    def beyond(rate: float) -> float:
        return float(rate * math.exp(poisson.logsf(least - 2, rate) - poisson.logsf(least - 1, rate)) - mean)

    top = min(mean * 1.01 + 1, LARGEST)
    return float(brentq(beyond, SMALLEST, top, xtol=1e-12)) if beyond(SMALLEST) < 0 < beyond(top) else math.nan


def mixture_p(counts: Any, people: Any, least: int) -> float:
    """Test one rate for all against rates that differ between people; only counts from `least` up are seen.

    The score of a small variance of the rate, at the truncated maximum-likelihood rate and free of it.

    Parameters
    ----------
    counts, people, least
        As in `truncated_rate`.

    Returns
    -------
    float
        One-sided p from 0 to 1; small when counts scatter more than one rate allows. NaN where there is no rate.

    Notes
    -----
    With s(x) = ((x - r)^2 - x) / r^2 and v(x) = x / r, both less their truncated means, z = sum s / sqrt(n (var s -
    cov(s, v)^2 / var v)). Without truncation it is sum((x - r)^2 - x) / (r sqrt(2 n)). Normal for large n: with a
    handful of people at the higher counts it is rough.

    References
    ----------
    Dean and Lawless (1989), Journal of the American Statistical Association 84:467, without truncation.
    """
    rate = truncated_rate(counts, people, least)
    if math.isnan(rate):
        return math.nan
    x = np.arange(least, max(float(counts.max()), rate + 12 * math.sqrt(rate)) + 40)
    weight = np.exp(poisson.logpmf(x, rate) - (poisson.logsf(least - 1, rate) if least else 0.0))
    s, v = _spread(x, rate), x / rate
    s_mean, v_mean = weight @ s, weight @ v
    s_var, v_var, both = (
        weight @ (a * b) for a, b in (((s - s_mean),) * 2, ((v - v_mean),) * 2, (s - s_mean, v - v_mean))
    )
    variance = float(people.sum() * (s_var - both**2 / v_var))
    total = float(people @ (_spread(counts, rate) - s_mean))
    return float(norm.sf(total / math.sqrt(variance))) if variance > 0 else math.nan


def one_inflation_p(counts: Any, people: Any) -> float:
    """Test whether more people were met exactly once than one rate allows, given those met more often.

    Signed root of the likelihood ratio of the one-inflated against the plain zero-truncated Poisson.

    Parameters
    ----------
    counts, people : array, (c,)
        As in `truncated_rate`, from 1 up.

    Returns
    -------
    float
        One-sided p; small when there are too many ones. NaN where nobody was met three times or more.

    Notes
    -----
    People whose rates differ also leave more ones than one rate allows: read it with `mixture_p` of the counts from
    two up, which ones do not touch.

    References
    ----------
    Godwin and Böhning (2017), Journal of the Royal Statistical Society C 66:425.
    """
    more = counts > 1
    plain = truncated_rate(counts, people, 1)
    rest = truncated_rate(counts[more], people[more], 2) if more.any() else math.nan
    if math.isnan(plain) or math.isnan(rest):
        return math.nan
    ones, others = float(people[~more].sum()), float(people[more].sum())
    total = ones + others
    free = sum(part * math.log(part / total) for part in (ones, others) if part)
    free += people[more] @ (poisson.logpmf(counts[more], rest) - poisson.logsf(1, rest))
    held = people @ (poisson.logpmf(counts, plain) - poisson.logsf(0, plain))
    root = math.sqrt(max(2 * float(free - held), 0.0))
    return float(norm.sf(math.copysign(root, excess_of_ones(counts, people))))


def excess_of_ones(counts: Any, people: Any) -> float:
    """Return how many more people were met once than the rate of those met more often lets expect; NaN if unknown."""
    more = counts > 1
    rate = truncated_rate(counts[more], people[more], 2) if more.any() else math.nan
    if math.isnan(rate):
        return math.nan
    expected = people[more].sum() * math.exp(poisson.logpmf(1, rate) - poisson.logsf(1, rate))
    return float(people[~more].sum() - expected)


def _spread(x: Any, rate: float) -> Any:
    return ((x - rate) ** 2 - x) / rate**2
