"""What monthly counts might a study of this design see?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evaluation.foreseeing.designs import Design

__all__ = ["Draw", "draws"]

Array = npt.NDArray[np.float64]


class Draw:
    """One simulated study: the same chance at every ratio asked of it.

    Parameters
    ----------
    means : array, (n, 1 + J)
        Mean count of each month, the treated area first, had nothing changed.
    chance : array, (n, 1 + J)
        Uniform numbers between 0 and 1.
    before : int
        Months before.

    Notes
    -----
    A count is the quantile of its Poisson distribution at its uniform number, so that a larger ratio never gives fewer
    events: two ratios are compared on common random numbers and a curve of power has no noise of its own.
    """

    __slots__ = ("_before", "_chance", "_counts", "_means")

    def __init__(self, means: Array, chance: Array, before: int) -> None:
        self._means, self._chance, self._before = means, chance, before
        self._counts = np.asarray(stats.poisson.ppf(chance, means), dtype=float)

    def counts(self, ratio: float) -> Array:
        """Return the counts, (n, 1 + J), when the treated area's rate after is `ratio` times what it would be."""
        found, after = self._counts.copy(), slice(self._before, None)
        found[after, 0] = stats.poisson.ppf(self._chance[after, 0], ratio * self._means[after, 0])
        return found


def draws(design: Design, series: int, *, season: float = 0.0, seed: int = 0) -> Iterator[Draw]:
    """Draw simulated studies, one after the other.

    Parameters
    ----------
    design : Design
        Its months must be whole. Counts are negative binomial in each month; with autocorrelation the rates of an area
        follow one another through a Gaussian copula, so that their distribution in a month stays the same.
    series : int
        Studies.
    season : float, default 0.0
        Log of peak rate / mean rate of one yearly wave that all areas share.
    seed : int, default 0

    Yields
    ------
    Draw
    """
    rng = np.random.default_rng(seed)
    n0, n = int(design.before_months), int(design.before_months + design.after_months)
    other = design.monthly_mean if design.comparison_mean is None else design.comparison_mean
    means = np.full((n, 1 + design.comparison_areas), other)
    means[:, 0] = design.monthly_mean
    for _ in range(series):
        # the study may start in any month of the year
        angles = 2 * math.pi * (np.arange(n) + rng.integers(12)) / 12
        swings = _swings(rng, means.shape, design.dispersion, design.autocorrelation)
        yield Draw(means * swings * np.exp(season * np.sin(angles))[:, None], rng.random(means.shape), n0)


def _swings(rng: np.random.Generator, shape: tuple[int, ...], dispersion: float, correlation: float) -> Array:
    """Return gamma multipliers of mean 1 and this variance; ones without dispersion."""
    if dispersion == 0:
        return np.ones(shape)
    if correlation == 0:
        return rng.gamma(1 / dispersion, dispersion, shape)
    normal = rng.standard_normal(shape)
    for month in range(1, shape[0]):
        normal[month] = correlation * normal[month - 1] + math.sqrt(1 - correlation**2) * normal[month]
    return np.asarray(dispersion * special.gammaincinv(1 / dispersion, special.ndtr(normal)), dtype=float)
