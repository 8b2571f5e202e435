"""How large is a share, how far did it move between two groups, and how may it be written when the group is small?"""

from __future__ import annotations

import math

from scipy import special

__all__ = ["LEAST_FOR_PERCENT", "Share", "newcombe", "say_share", "share_ratio", "wilson"]

Share = tuple[float, float]  # x of m

LEAST_FOR_PERCENT = 10  # methods, funnel: below it a percentage promises a precision that is not there; x of m instead


def wilson(share: Share, level: float) -> tuple[float, float, float]:
    """Return x / m and its Wilson score limits, 0 to 1; NaN, 0 and 1 when m is 0.

    Parameters
    ----------
    share : (x, m)
        x of m, 0 <= x <= m.
    level : float
        Confidence level.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22:209-212.

    Examples
    --------
    >>> [round(v, 4) for v in wilson((81, 263), 0.95)]  # Newcombe (1998a), table I: .2553 to .3662
    [0.308, 0.2553, 0.3662]
    """
    x, m = share
    if m == 0:
        return math.nan, 0.0, 1.0
    z = float(special.ndtri((1 + level) / 2))
    p = x / m
    middle, reach = p + z * z / (2 * m), z * math.sqrt(p * (1 - p) / m + z * z / (4 * m * m))
    scale = 1 + z * z / m
    # at 0 and at m the formula gives 0 and 1 but for rounding
    return p, 0.0 if x == 0 else (middle - reach) / scale, 1.0 if x == m else (middle + reach) / scale


def newcombe(before: Share, after: Share, level: float) -> tuple[float, float, float]:
    """Return the share after minus the share before and its hybrid score limits, -1 to 1.

    Each side is the root of the summed squares of the distances to the Wilson limits that lie on that side. NaN, -1 and
    1 when there is nobody before or after.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17:873-890, method 10.

    Examples
    --------
    >>> [round(v, 4) for v in newcombe((48, 80), (56, 70), 0.95)]  # Newcombe, table II (a): .0524 to .3339
    [0.2, 0.0524, 0.3339]
    """
    p0, low0, high0 = wilson(before, level)
    p1, low1, high1 = wilson(after, level)
    if math.isnan(p0) or math.isnan(p1):
        return math.nan, -1.0, 1.0
    moved = p1 - p0
    return moved, moved - math.hypot(p1 - low1, high0 - p0), moved + math.hypot(high1 - p1, p0 - low0)


def share_ratio(before: Share, after: Share, level: float) -> tuple[float, float, float]:
    """Return the share after / the share before, rho, and its limits on the log scale.

    var(log rho) = 1/x1 - 1/m1 + 1/x0 - 1/m0. That leaves no error for a share of 1, where the distance to the Wilson
    limit stands in. Where a share is 0 the log is undefined: the limits are 0 and infinity.

    References
    ----------
    Katz, Baptista, Azen and Pike (1978), Biometrics 34:469-474.

    Examples
    --------
    >>> [round(v, 3) for v in share_ratio((20, 100), (40, 100), 0.95)]  # exp(1.96 sqrt(.055)) is 1.584
    [2.0, 1.263, 3.167]
    """
    (x0, m0), (x1, m1) = before, after
    if x0 == 0 or x1 == 0:
        return math.inf if x0 == 0 < x1 else (0.0 if x0 else math.nan), 0.0, math.inf
    rho = (x1 / m1) / (x0 / m0)
    reach = math.hypot(_log_reach(before, level), _log_reach(after, level))
    return rho, rho * math.exp(-reach), rho * math.exp(reach)


def say_share(share: Share) -> str:
    """Write x of m, with the percentage only where m is at least 10.

    Examples
    --------
    >>> say_share((6, 9)), say_share((30, 40))
    ('6 of 9', '30 of 40 (75 %)')
    """
    x, m = share
    return f"{x:,.0f} of {m:,.0f}" + (f" ({100 * x / m:.0f} %)" if m >= LEAST_FOR_PERCENT else "")


def _log_reach(share: Share, level: float) -> float:
    """Return half the width of the interval of a log share."""
    x, m = share
    if x == m:
        return -math.log(wilson(share, level)[1])
    return float(special.ndtri((1 + level) / 2)) * math.sqrt(1 / x - 1 / m)
