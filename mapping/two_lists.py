"""What do two lists alone say about how many people there are?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.stats import norm

__all__ = ["chao_floor", "chapman", "dependence_band", "logit_interval"]


def chapman(both: float, first: float, second: float) -> float:
    """Return Chapman's estimate of the population size from two independent lists.

    N = (n1 + 1) (n2 + 1) / (m + 1) - 1, with n1 and n2 people on each list and m on both.

    Parameters
    ----------
    both, first, second : float
        People on both lists, on the first only, on the second only.

    Returns
    -------
    float
        People, the observed among them.

    Notes
    -----
    Assumes one closed population, independent lists, equal chances within a list and faultless links. People who are
    likelier than others to be on every list make it too small.

    References
    ----------
    Chapman (1951), University of California Publications in Statistics 1:131.

    Examples
    --------
    >>> chapman(20, 80, 180)
    965.7142857142857
    """
    return (both + first + 1) * (both + second + 1) / (both + 1) - 1


def logit_interval(both: float, first: float, second: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval for two lists on the logit scale, 0.5 added to every cell.

    n - 0.5 + U exp(-+ z s), U = (n10 + .5)(n01 + .5)/(m + .5), s^2 = 1/(m + .5) + 1/(n10 + .5) + 1/(n01 + .5) + 1/U.

    Parameters
    ----------
    both, first, second : float
        People on both lists, on the first only, on the second only.
    level : float
        Confidence.

    Returns
    -------
    low, high : float
        People; low is at least the people observed.

    References
    ----------
    Sadinle (2009), Communications in Statistics - Simulation and Computation 38:1909.
    """
    m, a, b = both + 0.5, first + 0.5, second + 0.5
    unseen = a * b / m
    width = float(norm.ppf((1 + level) / 2)) * math.sqrt(1 / m + 1 / a + 1 / b + 1 / unseen)
    n = both + first + second
    return max(n, n - 0.5 + unseen * math.exp(-width)), n - 0.5 + unseen * math.exp(width)


def dependence_band(observed: float, unseen: float, ratios: Iterable[float]) -> dict[float, float]:
    """Return the population size for each odds ratio of a dependence that the model leaves out.

    N = n + OR x unseen. With two lists unseen is n10 n01 / m and OR is the odds ratio between them. With more lists
    it is the people on no list under the chosen model, and OR is the odds ratio of an interaction of all lists: no
    table can show it, because the people who would show it are those on no list.

    Parameters
    ----------
    observed, unseen : float
        People on some list; people on none if the model holds.
    ratios : iterable of float
        Odds ratios, above 0.

    Returns
    -------
    dict of float to float
        People by odds ratio.

    References
    ----------
    Gerritse, van der Heijden and Bakker (2015), Journal of Official Statistics 31:357.

    Examples
    --------
    >>> dependence_band(100, 40, [0.5, 1, 5])
    {0.5: 120.0, 1: 140, 5: 300}
    """
    return {ratio: observed + ratio * unseen for ratio in ratios}


def chao_floor(cells: Any, counts: Any) -> Any:
    """Return Chao's lower bound on the population size for lists of unequal reach.

    n + (sum over pairs of f_i f_j) / (f2 + 1), with f_i people on list i only and f2 people on exactly two lists.

    Parameters
    ----------
    cells : array, (c, k)
        Histories, 0 or 1 per list.
    counts : array, (..., c)
        People by history.

    Returns
    -------
    array
        People, one for each table. However people differ in how visible they are, the population is at least this in
        expectation, as long as being on one list does not make another less likely.

    Notes
    -----
    For independent lists f_i f_j / f_ij is the same number for every pair, the people on none; differences in
    visibility make it smaller (Cauchy and Schwarz). With 1 added it is finite where f2 is 0 and a little lower.

    References
    ----------
    Chao (1987), Biometrics 43:783; (1989), Biometrics 45:427.
    """
    times = cells.sum(axis=1)
    single = counts[..., times == 1]
    twice = counts[..., times == 2].sum(axis=-1)
    products = (single.sum(axis=-1) ** 2 - (single**2).sum(axis=-1)) / 2
    return np.asarray(counts.sum(axis=-1) + products / (twice + 1))
