"""Give the chance that a design sees a change of a given size."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evaluation.foreseeing.designs import Design

__all__ = ["Design", "as_compared", "chance_of_seeing", "chance_of_showing", "method", "places", "stretch"]

Array = npt.NDArray[np.float64]

_MANY = 2000  # expected events beyond which the normal approximation is as good and the sums would be slow
_TAIL = 1e-10  # Poisson totals left out of the exact sum
_TOTALS = (
    np.arange(15) + 0.5
) / 15  # probabilities of the totals averaged over; 50 change the answer by less than .006

# How much further from no change, on the log scale, a change must be for `change_test` to show it firmly as often as
# the reckoning says; `change_test` takes no dispersion for granted and asks the shift test too. Simulated: the multiple
# of the reckoned log ratio at which 100 to 120 studies (seed 11) were shown in .8, at means 4, 6 and 12, 24 + 6 and
# 36 + 12 months, dispersion 0 and .3 known to the reckoning, autocorrelation 0 and .6, 1 to 8 outcomes. Kept is a line
# through the upper half of what was found. A slow test simulates again.
_MOST_DISPERSION = 0.3  # more was not simulated
# Fewer than two areas: (without dispersion, more a unit of it, more a unit of log outcomes), falls then rises. Found
# for one outcome (dispersion 0; .3) and for six: no area, falls 1.18 to 1.33; 1.39 to 1.76 and 1.23 to 1.98, rises 1.24
# to 1.27; 1.30 to 1.38 and 1.22 to 1.57; one area, falls 1.05 to 1.14; 1.21 to 1.39 and 1.27 to 2.28, rises 1.23 to
# 1.37; 1.32 to 1.48 and 1.28 to 1.53.
_ALONE = {
    0: ((1.35, 1.3, 0.12), (1.26, 0.35, 0.09)),
    1: ((1.15, 0.8, 0.35), (1.32, 0.4, 0.03)),
}
_ALONE_SLOW = 0.4  # more for falls without an area, a unit of autocorrelation: found 1.5 to 2.0 at .6
# Two areas or more: 1 + more / (places - lost), falls then rises, places being how many of the placebo's values may be
# as large as the true one at the level of one outcome. Found, falls and rises: at 30 places .97 to 1.03 and .99 to
# 1.09; at 9 to 15 1.00 to 1.15 and 1.05 to 1.16; at 4.5 .96 to 1.09 and 1.22 to 1.38; at 3 1.10 to 1.33 and 1.16 to
# 1.36; at 2.4 1.03 to 1.37 and 1.36 to 1.56; at 1.5 .93 to 1.58 and 1.36 to 1.78; at 1.2 1.14 to 1.80 and 1.54 to
# 1.83; at .75 nothing was shown in more than .11, whatever the ratio.
_COMPARED = ((0.4, 0.8), (1.2, 0.0))
_LEAST_COMPARISON = 20  # events: `change_test` leaves a comparison with fewer out (methods, change_test: limits)


def method(design: Design) -> str:
    """Name the reckoning that suits a design: "exact", "beta-binomial" or "normal"."""
    if (design.before_months + design.after_months) * design.monthly_mean > _MANY:
        return "normal"
    return "exact" if design.comparison_areas == 0 and design.dispersion == 0 else "beta-binomial"


def chance_of_seeing(design: Design, ratio: float) -> float:
    """Return the chance, 0 to 1, that a two-sided test at the design's level rejects "no change" when it is `ratio`.

    Given the total of both periods, the treated after-count is Binomial: the exact test of `rate_ratio`. Dispersion and
    comparison areas make its odds vary, with variance V = d S (1 + 1/J) + (1/m0 + 1/m1) / (J mean_c) of their log: a
    beta-binomial. S = 1/m0 + 1/m1 with independent months; with autocorrelation r the variance of (mean of m1
    swings) - (mean of the m0 before) of variance 1 and correlation r^|i - k|. For large counts normal, with V plus
    1/expected of both treated counts.

    Parameters
    ----------
    design : Design
        What is known before the results.
    ratio : float
        True rate after / rate before, above 0.

    Returns
    -------
    float

    Notes
    -----
    Takes dispersion and autocorrelation as known.

    References
    ----------
    Przyborowski and Wilenski (1940) for the exact test; Signorini (1991) for the normal approximation.

    Examples
    --------
    >>> round(chance_of_seeing(Design(24, 6, 4.0), 0.5), 3)
    0.659
    """
    chosen = method(design)
    if chosen == "exact":
        return _exact(design, ratio)
    variance = _variance(design)
    return _beta_binomial(design, ratio, variance) if chosen == "beta-binomial" else _normal(design, ratio, variance)


def chance_of_showing(design: Design, ratio: float) -> float:
    """Return the chance, 0 to 1, that `change_test` shows a change of `ratio` firmly, at the level of one outcome.

    `chance_of_seeing` of a smaller change: log ratio / `stretch`, as simulated. 0 with less than one of `places`.

    Parameters
    ----------
    design : Design
    ratio : float
        True rate after / rate before, above 0.

    Examples
    --------
    >>> round(chance_of_showing(Design(24, 6, 4.0), 0.5), 2)
    0.43
    """
    design = as_compared(design)
    if places(design) < 1:
        return 0.0
    return chance_of_seeing(design, ratio ** (1 / stretch(design, falling=ratio < 1)))


def as_compared(design: Design) -> Design:
    """Leave out comparison areas with so few events that `change_test` would leave them out."""
    mean = design.monthly_mean if design.comparison_mean is None else design.comparison_mean
    events = design.comparison_areas * mean * (design.before_months + design.after_months)
    return replace(design, comparison_areas=0) if events < _LEAST_COMPARISON else design


def places(design: Design) -> float:
    """Return how many values of the space-time placebo may be as large as the true one; infinite below two areas.

    (areas + 1) x months x level of one outcome. Its p cannot be below 1 / ((areas + 1) x months): with less than one
    place no change, however large, can be shown.
    """
    if design.comparison_areas < 2:
        return math.inf
    months = design.before_months + design.after_months
    return (design.comparison_areas + 1) * months * design.each_level


def stretch(design: Design, *, falling: bool) -> float:
    """Return by how much a log ratio must grow for `change_test` to show what the reckoning says is seen."""
    side = 0 if falling else 1
    if design.comparison_areas >= 2:
        more, lost = _COMPARED[side]
        return 1 + more / (max(places(design), 1.0) - lost)
    least, by_dispersion, by_outcomes = _ALONE[design.comparison_areas][side]
    slow = _ALONE_SLOW * design.autocorrelation if falling and not design.comparison_areas else 0.0
    return (
        least
        + by_dispersion * min(design.dispersion, _MOST_DISPERSION)
        + by_outcomes * math.log(design.outcomes)
        + slow
    )


def _variance(design: Design) -> float:
    """Return the variance of the log odds beyond the treated area's own Poisson noise."""
    areas, swings = design.comparison_areas, design.dispersion * _swings(design)
    if not areas:
        return swings
    mean = design.monthly_mean if design.comparison_mean is None else design.comparison_mean
    return swings * (1 + 1 / areas) + (1 / design.before_months + 1 / design.after_months) / (areas * mean)


def _swings(design: Design) -> float:
    """Return the variance of (mean swing after) - (mean swing before), of swings with variance 1."""
    r, m0, m1 = float(design.autocorrelation), float(design.before_months), float(design.after_months)
    # the months after follow on those before: the sum over both blocks of r^|i - k| is a product of two series
    shared = r * (1 - math.pow(r, m0)) * (1 - math.pow(r, m1)) / (1 - r) ** 2
    return _mean_variance(m0, r) + _mean_variance(m1, r) - 2 * shared / (m0 * m1)


def _mean_variance(months: float, r: float) -> float:
    """Return the variance of the mean of so many swings of variance 1 and correlation r^|i - k|."""
    return (1 + 2 * r / (1 - r) * (1 - (1 - math.pow(r, months)) / (months * (1 - r)))) / months


def _exact(design: Design, ratio: float) -> float:
    """Sum the rejections of the central exact test over the total N and, given N, over the after count."""
    before = design.before_months * design.monthly_mean
    after = design.after_months * design.monthly_mean * ratio
    null = design.after_months / (design.before_months + design.after_months)
    totals = stats.poisson(before + after)
    n = np.arange(totals.ppf(_TAIL), totals.isf(_TAIL) + 1)
    half, chance = design.each_level / 2, after / (before + after)
    # largest after count that is rejected as a fall, smallest that is rejected as a rise
    few = stats.binom.ppf(half, n, null)
    few -= stats.binom.cdf(few, n, null) > half
    many = stats.binom.isf(half, n, null) + 1
    seen = stats.binom.cdf(few, n, chance) + stats.binom.sf(many - 1, n, chance)
    return float(totals.pmf(n) @ seen)


def _beta_binomial(design: Design, ratio: float, variance: float) -> float:
    """Average the rejections over totals at equal steps of probability."""
    before = design.before_months * design.monthly_mean
    after = design.after_months * design.monthly_mean * ratio
    total = before + after
    extra = design.dispersion * sum(
        events**2 * _mean_variance(months, design.autocorrelation)
        for events, months in ((before, design.before_months), (after, design.after_months))
    )
    spread = stats.nbinom(total**2 / extra, total / (total + extra)) if extra else stats.poisson(total)
    n = spread.ppf(_TOTALS)[:, None]
    k = np.arange(n.max() + 1)[None, :]
    null = _masses(n, k, design.after_months / (design.before_months + design.after_months), variance)
    true = _masses(n, k, after / total, variance)
    at_most = null.cumsum(axis=1)
    at_least = at_most[:, -1:] - at_most + null
    rejected = np.minimum(at_most, at_least) <= design.each_level / 2
    return float((true * rejected).sum(axis=1).mean())


def _masses(n: Array, k: Array, share: float, variance: float) -> Array:
    """Return beta-binomial masses whose log odds have about this variance; 0 beyond n."""
    size = 1 / (share * (1 - share) * variance)
    a, b = share * size, (1 - share) * size
    rest = np.maximum(n - k, 0)
    logs = special.betaln(k + a, rest + b) - special.betaln(a, b) - special.betaln(k + 1, rest + 1) - np.log(n + 1)
    return np.where(k <= n, np.exp(logs), 0.0)


def _normal(design: Design, ratio: float, variance: float) -> float:
    """Return the two-sided power of the log ratio at its own variance."""
    before = design.before_months * design.monthly_mean
    after = design.after_months * design.monthly_mean * ratio
    distance = abs(math.log(ratio)) / math.sqrt(variance + 1 / before + 1 / after)
    reach = float(stats.norm.isf(design.each_level / 2))
    return float(special.ndtr(distance - reach) + special.ndtr(-distance - reach))
