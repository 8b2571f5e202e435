"""By how much do two shares differ, where counts are known exactly or within bounds?"""

from __future__ import annotations

import math
from typing import NamedTuple

from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

__all__ = ["Interval", "Part", "share_difference", "share_interval", "share_ratio"]


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float

    def __repr__(self) -> str:
        return "Interval(...)"


class Part(NamedTuple):
    """People of a group and of all other groups, each within bounds (equal where the count is exact)."""

    low: float
    high: float
    others_low: float
    others_high: float

    def __repr__(self) -> str:
        return "Part(...)"

    @property
    def least(self) -> tuple[float, float]:
        """People of the group, and of all, at the smallest share."""
        return self.low, self.low + self.others_high

    @property
    def most(self) -> tuple[float, float]:
        """People of the group, and of all, at the largest share."""
        return self.high, self.high + self.others_low


def share_interval(part: Part, *, level: float = 0.95) -> Interval:
    """Return the interval of a share (0 to 1) by Wilson's score method, at the outer ends of the counts.

    Parameters
    ----------
    part : Part
    level : float

    Returns
    -------
    Interval
        NaN where nobody is counted.

    Notes
    -----
    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) (Wilson 1927). Each limit rises with the people of the
    group and falls with those of others, so that its extreme over all counts within bounds lies at a corner.

    Examples
    --------
    >>> [round(limit, 4) for limit in share_interval(Part(81, 81, 182, 182))]
    [0.2553, 0.3662]
    """
    return Interval(_wilson(*part.least, level).low, _wilson(*part.most, level).high)


def share_difference(one: Part, other: Part, *, level: float = 0.95) -> Interval:
    """Return the interval of a difference of shares, one minus other, by Newcombe's hybrid score method (10).

    Notes
    -----
    d - sqrt((p1-l1)^2 + (u2-p2)^2) to d + sqrt((u1-p1)^2 + (p2-l2)^2) with Wilson's limits l and u (Newcombe 1998),
    at the outer ends of the counts. It takes the two counts as independent; where people are in both, it is too wide.

    References
    ----------
    Newcombe, R. G. (1998) Interval estimation for the difference between independent proportions. Statistics in
    Medicine 17, 873-890.

    Examples
    --------
    >>> [round(limit, 4) for limit in share_difference(Part(56, 56, 14, 14), Part(48, 48, 32, 32))]
    [0.0524, 0.3339]
    """
    if not (one.least[1] and one.most[1] and other.least[1] and other.most[1]):
        return Interval(math.nan, math.nan)
    alpha = 1 - level
    low, _ = confint_proportions_2indep(*one.least, *other.most, method="newcomb", compare="diff", alpha=alpha)
    _, high = confint_proportions_2indep(*one.most, *other.least, method="newcomb", compare="diff", alpha=alpha)
    return Interval(float(low), float(high))


def share_ratio(one: Part, other: Part, *, level: float = 0.95) -> Interval:
    """Return the interval of a ratio of shares, one over other, from Wilson's limits of each.

    Notes
    -----
    Lower limit [p1 p2 - sqrt(p1^2 p2^2 - l1 u2 (2 p1 - l1)(2 p2 - u2))] / [u2 (2 p2 - u2)], the upper one with u1, l2
    and a plus sign (Donner and Zou 2012). It leaves out 1 exactly where `share_difference` leaves out 0. Infinite where
    nobody of the other source may be in the group.

    References
    ----------
    Donner, A. and Zou, G. Y. (2012) Closed-form confidence intervals for functions of the normal mean and standard
    deviation. Statistical Methods in Medical Research 21(4), 347-359.

    Examples
    --------
    >>> [round(limit, 2) for limit in share_ratio(Part(36, 36, 4, 4), Part(16, 16, 64, 64))]
    [2.9, 7.11]
    """
    if not (one.least[1] and one.most[1] and other.least[1] and other.most[1]):
        return Interval(math.nan, math.nan)
    low = _limit(one.least, other.most, level, lower=True)
    return Interval(low, _limit(one.most, other.least, level, lower=False))


def _limit(one: tuple[float, float], other: tuple[float, float], level: float, *, lower: bool) -> float:
    """Return R for which p1 - R p2 has its limit at 0."""
    (p1, l1, u1), (p2, l2, u2) = _share(one, level), _share(other, level)
    if lower:
        own, against = l1 * (2 * p1 - l1), u2 * (2 * p2 - u2)
        root = p1 * p2 + math.sqrt(max((p1 * p2) ** 2 - own * against, 0.0))
        return (
            own / root if root else 0.0
        )  # the same root as below, in the form that holds where `against` is 0 or less
    own, against = u1 * (2 * p1 - u1), l2 * (2 * p2 - l2)
    if against <= 0:
        return math.inf
    return (p1 * p2 + math.sqrt(max((p1 * p2) ** 2 - own * against, 0.0))) / against


def _share(counts: tuple[float, float], level: float) -> tuple[float, float, float]:
    return counts[0] / counts[1], *_wilson(*counts, level)


def _wilson(count: float, of: float, level: float) -> Interval:
    if not of > 0:
        return Interval(math.nan, math.nan)
    low, high = proportion_confint(count, of, alpha=1 - level, method="wilson")
    # at 0 and at all of n the limit is 0 or 1, which the formula misses by a rounding error, of either sign
    return Interval(float(low) if count > 0 else 0.0, float(high) if count < of else 1.0)
