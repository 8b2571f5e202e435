"""How far may chance and the drift of areas alone move the ratio of two groups' changes?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from evaluation.comparing.area_months import AreaMonths
from evaluation.comparing.placebos import heterogeneity
from evaluation.dispersion import share_dispersion

__all__ = ["RatioError", "departures", "ratio_error", "smallest_visible"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Cluster-robust errors reject 44 % without an effect when one area is treated (methods, section 2: two rates).
_CLUSTERS = 10
_POWER = 0.8
_FURTHEST = math.log(1000)  # as `power`: nothing beyond is a change in a rate


class RatioError(NamedTuple):
    """Variance of log[(T1/T0)/(C1/C0)]: scale x (1/T0 + 1/T1 + 1/C0 + 1/C1) + extra, with degrees of freedom.

    Attributes
    ----------
    basis : str
        "months", "areas" or "clusters": what it was estimated from.
    scale, extra, df : float
    """

    basis: str
    scale: float
    extra: float
    df: float

    def variance(self, totals: tuple[float, float, float, float]) -> float:
        """Return the variance at the totals T0, T1, C0, C1, all above 0."""
        return self.scale * sum(1 / total for total in totals) + self.extra

    def __repr__(self) -> str:
        return "RatioError(...; read .basis, .scale, .extra and .df)"


def ratio_error(data: AreaMonths) -> RatioError:
    """Estimate the error of the log ratio from the months before and the changes of the comparison areas.

    The larger of "months", Poisson x the dispersion of the treated share before, and "areas", Poisson + tau^2 x (sum of
    squared shares of the treated + of the comparison areas), tau^2 the `heterogeneity` of the comparison areas' log
    changes. With 10 treated and 10 comparison areas or more "clusters": the sum over areas of (share of the group's
    events after - share before)^2, x J/(J - 1) in each group of J, which is the cluster-robust variance.

    Parameters
    ----------
    data : AreaMonths
        With events on both sides before.

    Returns
    -------
    RatioError

    References
    ----------
    Bertrand, Duflo and Mullainathan (2004), section IV.C, and Donald and Lang (2007) for one change an area;
    Cameron and Miller (2015), Journal of Human Resources 50:317-372, for the robust variance.
    """
    of, against = data.treated, ~data.treated
    groups = int(of.sum()), int(against.sum())
    if min(groups) >= _CLUSTERS and data.after[of].any() and data.after[against].any():
        return RatioError("clusters", 0.0, _between(data, of) + _between(data, against), min(groups) - 1)
    months = _from_months(data)
    if groups[1] < 2:
        return months
    change, variance = _log_changes(data.before[against], data.after[against])
    events = data.before + data.after
    shares = [events[part] / events[part].sum() for part in (of, against)]
    spread = heterogeneity(change, variance) * sum(float(share @ share) for share in shares)
    areas = RatioError("areas", 1.0, spread, groups[1] - 1)
    # 0.5 keeps a total of 0 from deciding which of the two is larger
    T0, T1, C0, C1 = data.totals
    at = (T0 + 0.5, T1 + 0.5, C0 + 0.5, C1 + 0.5)
    return max(months, areas, key=lambda error: error.variance(at))


def departures(data: AreaMonths, ways: Mask) -> Array:
    """Return how far the ratio is from 1, in units of its error, for each choice of treated areas.

    |log[(T1/T0)/(C1/C0)]| / sqrt(1/T0 + 1/T1 + 1/C0 + 1/C1 + tau^2 (squared shares of both groups)), 0.5 added to each
    total, tau^2 from all areas alike, so that without an effect no area is marked out.

    Parameters
    ----------
    data : AreaMonths
    ways : mask, (M, areas)
        One choice a row.

    Returns
    -------
    array, (M,)
    """
    tau2 = heterogeneity(*_log_changes(data.before, data.after))
    size = data.before + data.after + 1.0
    log_ratio, variance = np.zeros(len(ways)), np.zeros(len(ways))
    for sign, group in ((1, ways), (-1, ~ways)):
        before, after = group @ data.before + 0.5, group @ data.after + 0.5
        log_ratio += sign * np.log(after / before)
        variance += 1 / before + 1 / after + tau2 * (group @ size**2) / (group @ size) ** 2
    return np.asarray(np.abs(log_ratio) / np.sqrt(variance))


def smallest_visible(error: RatioError, totals: tuple[int, int, int, int], level: float) -> tuple[float, float]:
    """Return the ratios nearest to 1, a fall and a rise, that the interval would show four times in five.

    |log ratio| = (t quantile of the level + t quantile of .8) x standard error, with the treated events after that the
    ratio leads one to expect in place of those found.

    Parameters
    ----------
    error : RatioError
    totals : (T0, T1, C0, C1)
        T1 is not used: what could be seen is no matter of what was.
    level : float

    Returns
    -------
    float, float
        NaN where not even a fall to 1/1000 would be seen, infinite where no rise to 1000 would.
    """
    T0, _, C0, C1 = (max(total, 0.5) for total in totals)
    quantile = float(stats.t.ppf((1 + level) / 2, error.df) + stats.t.ppf(_POWER, error.df))

    def lacking(log_ratio: float) -> float:
        return quantile * math.sqrt(error.variance((T0, T0 * C1 / C0 * math.exp(log_ratio), C0, C1))) - abs(log_ratio)

    def nearest(furthest: float) -> float:
        # a fall leaves fewer events and a larger error: the first of several crossings is wanted
        steps = np.linspace(0, furthest, 400)
        reached = [step for step in steps if lacking(step) <= 0]
        if not reached:
            return math.nan
        return math.exp(optimize.brentq(lacking, reached[0] - steps[1], reached[0]))

    rise = nearest(_FURTHEST)
    return nearest(-_FURTHEST), math.inf if math.isnan(rise) else rise


def _from_months(data: AreaMonths) -> RatioError:
    """Return the error by the dispersion of the treated share."""
    own, others = (pd.Series(data.past[:, part].sum(axis=1)) for part in (data.treated, ~data.treated))
    phi, df = share_dispersion(own, others)
    return RatioError("months", phi, 0.0, df)


def _between(data: AreaMonths, group: Mask) -> float:
    """Return one group's part of the cluster-robust variance of the log ratio."""
    before, after = data.before[group], data.after[group]
    moved = after / after.sum() - before / before.sum()
    return float(moved @ moved) * len(moved) / (len(moved) - 1)


def _log_changes(before: Array, after: Array) -> tuple[Array, Array]:
    """Return each area's log change and its Poisson variance, 0.5 added to each count."""
    return np.log((after + 0.5) / (before + 0.5)), 1 / (after + 0.5) + 1 / (before + 0.5)
