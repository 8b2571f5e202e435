"""How often would the tests of two Poisson rates see a change, exactly?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_number
from evaluation.power import Detectable, nearest_ratios

__all__ = ["ExactPower", "exact_power", "smallest_ratios"]

Array = npt.NDArray[np.float64]
Cuts = tuple[Array, Array]

_TESTS = ("central", "mid_p", "e_test")
_TAIL = 1e-10  # Poisson totals left out of a sum
_SAME = 1e-9  # statistics closer than this are equal: they differ by rounding only
_NEVER = 1e9  # standard errors: no count lies so far out
_MOST = 200  # expected events up to which the E-test is reckoned: its sums grow with their square, and mid-p is near it


@dataclass(frozen=True, repr=False)
class ExactPower(Unprinted):
    """How often three tests of two Poisson rates say that the rate changed.

    Attributes
    ----------
    central, mid_p : float
        Chance, 0 to 1, when the true ratio is `ratio`.
    central_alarm, mid_p_alarm : float
        The same when nothing changed (ratio 1): the true false-alarm rate.
    mean_before, ratio : float
        What was asked.
    exposure : tuple of float
        Lengths (before, after).
    level : float
        Confidence level.
    """

    central: float
    mid_p: float
    central_alarm: float
    mid_p_alarm: float
    mean_before: float
    ratio: float
    exposure: tuple[float, float]
    level: float

    @cached_property
    def e_test(self) -> float:
        """The chance of the E-test, reckoned when asked; NaN beyond 200 expected events."""
        return _chance("e_test", self.mean_before, self.ratio, self.exposure, self.level)

    @cached_property
    def e_test_alarm(self) -> float:
        """The false-alarm rate of the E-test."""
        return _chance("e_test", self.mean_before, 1.0, self.exposure, self.level)

    def summary(self) -> str:
        """Say the chance of each test, its false-alarm rate, and what both rest on."""
        names = {"central": "the central exact test", "mid_p": "the mid-p test", "e_test": "the E-test"}
        said = []
        for test, name in names.items():
            chance, alarm = getattr(self, test), getattr(self, f"{test}_alarm")
            if not math.isnan(chance):
                said.append(f"{name} {chance:.2f} (when nothing changed: {alarm:.3f})")
        before, after = (f"{length:g}" for length in self.exposure)
        return (
            f"With {say_number(self.mean_before)} events expected in {before} before, and {after} after, a true ratio "
            f"of {say_number(self.ratio)} would be called a change at the {100 * (1 - self.level):.3g} % level with "
            f"chance: {'; '.join(said)}. Exact if the counts are Poisson. Counts that cluster, or swing from month to "
            "month, raise the false alarms of all three far above this, so that the power is then not worth having: "
            "use `power`, which reckons with the headline test."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a test: power, false_alarms."""
        rows = {test: (getattr(self, test), getattr(self, f"{test}_alarm")) for test in _TESTS}
        return pd.DataFrame.from_dict(rows, orient="index", columns=["power", "false_alarms"]).rename_axis("test")


def exact_power(
    mean_before: float, ratio: float, *, exposure: tuple[float, float] = (1, 1), level: float = 0.95
) -> ExactPower:
    """Sum the Poisson masses of every pair of counts that a test would call a change.

    The counts are Poisson with means m and m x ratio x (exposure after / before). Given their total N the after count
    is Binomial(N, p), so power = sum over N of Poisson(N) x the Binomial mass of the rejected after counts.

    Parameters
    ----------
    mean_before : float
        Events expected before, above 0.
    ratio : float
        True rate after / rate before, above 0.
    exposure : tuple of float, default (1, 1)
        Lengths (before, after).
    level : float, default 0.95
        Confidence level; a p of at most 1 - level is a change.

    Returns
    -------
    ExactPower
        .central .mid_p, the false-alarm rate of each, and .e_test on demand.

    Raises
    ------
    StudyError
        When a number is out of range; every problem is listed.

    Notes
    -----
    Central: twice the smaller binomial tail. Mid-p: the same with half the mass of what was observed; it can exceed its
    level. E-test: the chance, at the pooled rate, of a score statistic as large. All treat the counts as Poisson: with
    dispersion the power is real but so are the false alarms.

    References
    ----------
    Przyborowski and Wilenski (1940), Biometrika 31:313; Krishnamoorthy and Thomson (2004), Journal of Statistical
    Planning and Inference 119:23.

    Examples
    --------
    >>> found = exact_power(40, 1.8, exposure=(24, 6))
    >>> round(found.central, 3), round(found.mid_p, 3), round(found.e_test, 3)
    (0.45, 0.504, 0.534)
    """
    lengths = _check(mean_before, ratio, exposure, level)
    found = {}
    for test in ("central", "mid_p"):
        found[test] = _chance(test, mean_before, ratio, lengths, level)
        found[f"{test}_alarm"] = _chance(test, mean_before, 1.0, lengths, level)
    return ExactPower(mean_before=float(mean_before), ratio=float(ratio), exposure=lengths, level=level, **found)


def smallest_ratios(
    mean_before: float,
    *,
    exposure: tuple[float, float] = (1, 1),
    level: float = 0.95,
    power: float = 0.8,
    test: str = "central",
) -> Detectable:
    """Find the ratios nearest to 1 that a test of two Poisson rates sees with the wanted power.

    Parameters
    ----------
    mean_before : float
        Events expected before, above 0.
    exposure : tuple of float, default (1, 1)
        Lengths (before, after).
    level : float, default 0.95
        Confidence level.
    power : float, default 0.8
        Wanted chance.
    test : {"central", "mid_p", "e_test"}, default "central"

    Returns
    -------
    Detectable
        (fall, rise): fall is NaN when not even a fall to nothing would be seen, rise infinite when no rise would.

    Raises
    ------
    StudyError
        When a number is out of range; every problem is listed.

    Notes
    -----
    As `exact_power`.

    References
    ----------
    As `exact_power`.

    Examples
    --------
    >>> fall, rise = smallest_ratios(40, exposure=(24, 6))
    >>> round(fall, 3), round(rise, 3)
    (0.198, 2.293)
    """
    lengths = _check(mean_before, 1.0, exposure, level, power=power, test=test)
    return nearest_ratios(lambda ratio: _chance(test, mean_before, ratio, lengths, level), power)


def _check(
    mean: float, ratio: float, exposure: object, level: float, *, power: float = 0.8, test: str = "central"
) -> tuple[float, float]:
    """Return the exposures, or raise with every problem."""
    checks = Checks("exact_power")
    checks.numbers("mean_before", mean, 1)
    checks.numbers("ratio", ratio, 1)
    before, after = checks.numbers("exposure", exposure, 2)
    checks.level(level)
    fine = isinstance(power, int | float) and isinstance(level, int | float) and 1 - level < power < 1
    checks.require(fine, "power", "needs a chance above the false-alarm rate and below 1", "Pass 0.8")
    checks.require(test in _TESTS, "test", f"needs one of {', '.join(_TESTS)}", "Pass one of them")
    events = mean * (1 + ratio * after / before) if not checks.problems else 0
    rule = f"needs at most {_MOST:,} expected events for the E-test"
    checks.require(test != "e_test" or events <= _MOST, "mean_before", rule, 'Use "mid_p", which is near it by then')
    checks.done()
    return before, after


def _chance(test: str, mean: float, ratio: float, lengths: tuple[float, float], level: float) -> float:
    """Return the chance that a test rejects."""
    scale = lengths[1] / lengths[0]
    total = stats.poisson(mean * (1 + ratio * scale))
    if test == "e_test" and total.mean() > _MOST:
        return math.nan
    n = np.arange(total.ppf(_TAIL), total.isf(_TAIL) + 1)
    null, chance = scale / (1 + scale), ratio * scale / (1 + ratio * scale)
    few, many = (_e_cuts if test == "e_test" else _conditional_cuts)(n, null, 1 - level, test)
    rejected = stats.binom.cdf(few, n, chance) + stats.binom.sf(many - 1, n, chance)
    return float(total.pmf(n) @ rejected)


def _conditional_cuts(n: Array, share: float, alpha: float, test: str) -> Cuts:
    """Return the largest after count rejected as a fall and the smallest rejected as a rise, for each total.

    The quantile q is the only count in doubt: those beyond it have a tail below alpha / 2, those before it one above.
    """
    law, weight = stats.binom(n, share), 0.5 if test == "mid_p" else 1.0
    low, high = law.ppf(alpha / 2), law.isf(alpha / 2)
    few = low - (law.cdf(low - 1) + weight * law.pmf(low) > alpha / 2)
    many = high + (law.sf(high) + weight * law.pmf(high) > alpha / 2)
    return few, many


def _e_cuts(n: Array, share: float, alpha: float, _test: str) -> Cuts:
    """Return the same for the E-test: the score statistic is the standardised binomial count, whatever the total."""
    spread = math.sqrt(share * (1 - share))
    counts = np.arange(n[-1] + 1)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(counts - n[:, None] * share) / (spread * np.sqrt(n[:, None]))
    ordered = np.sort(np.where((counts <= n[:, None]) & (n[:, None] > 0), distance, _NEVER), axis=1)
    ordered = np.column_stack([ordered, np.full(len(n), _NEVER)])
    # any total may come about at the pooled rate, which the observed total gives
    others = np.arange(stats.poisson.ppf(_TAIL, n[0]), stats.poisson.isf(_TAIL, max(n[-1], 1.0)) + 1)
    weight = stats.poisson.pmf(others[None, :], n[:, None])
    first, last = np.zeros(len(n), dtype=int), np.full(len(n), ordered.shape[1] - 1)
    while (first < last).any():
        middle = (first + last) // 2
        threshold = np.take_along_axis(ordered, middle[:, None], axis=1)
        enough = (weight * _beyond(others[None, :], share, threshold)).sum(axis=1) <= alpha
        first, last = np.where(enough, first, np.minimum(middle + 1, last)), np.where(enough, middle, last)
    reach = np.take_along_axis(ordered, first[:, None], axis=1)[:, 0] * spread * np.sqrt(np.maximum(n, 1))
    return np.floor(n * share - reach + _SAME), np.ceil(n * share + reach - _SAME)


def _beyond(n: Array, share: float, threshold: Array) -> Array:
    """Return the chance that a standardised binomial count lies as far from 0 as the threshold."""
    reach = threshold * np.sqrt(n * share * (1 - share))
    law = stats.binom(n, share)
    beyond = law.cdf(np.floor(n * share - reach + _SAME)) + law.sf(np.ceil(n * share + reach - _SAME) - 1)
    return np.asarray(np.where((n == 0) & (threshold > 0), 0.0, np.minimum(beyond, 1.0)), dtype=float)
