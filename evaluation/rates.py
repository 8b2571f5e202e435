"""Say whether the rate of events changed between two periods by more than chance would explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats import rates as poisson

from evaluation.conditional import aligned, benjamini_hochberg, exact_ratio, holm
from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["RateRatio", "RateRatios", "rate_ratio", "rate_ratios"]

Exposure = float | pd.Series


@dataclass(frozen=True, repr=False)
class RateRatio(Unprinted):
    """The rate after divided by the rate before, with its exact interval.

    Attributes
    ----------
    before, after : int
        Events in each period.
    exposure : tuple of float
        Length (or person-time, or area) of the two periods.
    level : float
        Confidence level of the interval.
    ratio : float
        Rate after / rate before, 0 to infinity; infinite when only the before count is 0, NaN when both are.
    low, high : float
        Clopper-Pearson limits. A zero count gives 0 or infinity at its end, never a point.
    p : float
        Central exact p value of "no change"; at most 1 - level exactly when the interval leaves 1 out.
    p_mid : float
        Mid-p: half the weight of the observed table. Less conservative, not guaranteed.
    """

    before: int
    after: int
    exposure: tuple[float, float]
    level: float
    ratio: float
    low: float
    high: float
    p: float
    p_mid: float

    @property
    def e_test(self) -> float:
        """Two-sided p of the E-test (Krishnamoorthy and Thomson 2004, score statistic); NaN without any event.

        Computed when asked: about a second at 3,000 events a period, and its memory grows with their product.
        """
        if self.before + self.after == 0:
            return float("nan")
        first, second = self.exposure
        tested = poisson.test_poisson_2indep(
            self.after, second, self.before, first, method="etest-score", compare="ratio"
        )
        return float(tested.pvalue)

    @property
    def breakdown_dispersion(self) -> float:
        """Variance / mean of the counts at which p would rise to 1 - level, about; below 1 where it is above already.

        With z(p) the normal deviate of a two-sided p: (z(p) / z(1 - level))^2, because a sum whose variance is phi
        times its mean has a standard error sqrt(phi) times Poisson's.
        """
        return float((stats.norm.isf(self.p / 2) / stats.norm.isf((1 - self.level) / 2)) ** 2)

    def summary(self) -> str:
        """Say the change in plain English, how little clustering would undo it, and what it does not show."""
        first, second = (f"{e:g}" for e in self.exposure)
        counts = f"{self.before} events in {first} before, {self.after} in {second} after"
        interval = say_interval(self.low, self.high, self.level)
        found = f"{interval}, exact {say_p(self.p)}, mid-{say_p(self.p_mid)}; {counts}"
        return (
            f"{self._point()} ({found}). {self._reading()} It treats events as independent at a constant rate: "
            "clusters of events, season and trend all make it too sure. It shows no cause, and not how much goes "
            "unreported."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: n_before, n_after, exposure_before, exposure_after, ratio, low, high, p, p_mid."""
        given = {"n_before": self.before, "n_after": self.after}
        lengths = {"exposure_before": self.exposure[0], "exposure_after": self.exposure[1]}
        found = {"ratio": self.ratio, "low": self.low, "high": self.high, "p": self.p, "p_mid": self.p_mid}
        return pd.DataFrame([given | lengths | found])

    def _point(self) -> str:
        """Say the ratio; a count of 0 bounds it on one side and gives no point."""
        if self.before and self.after:
            return f"The recorded rate after was {say_number(self.ratio)} times the rate before"
        if self.before + self.after == 0:
            return "No event in either period: the ratio is undefined"
        if self.before:
            return "No event after: the ratio has no point, only an upper limit"
        return "No event before: the ratio has no point, only a lower limit"

    def _reading(self) -> str:
        """Say what the p allows to be said."""
        if self.before + self.after == 0:
            return "Nothing can be said about change."
        if self.p > 1 - self.level:
            return "Two equal rates could differ this much by chance: that is not the same as no change."
        return (
            "Two constant Poisson rates that were equal would seldom differ this much; counts whose variance is "
            f"{say_number(self.breakdown_dispersion)} times their mean would, more often than the level allows."
        )


@dataclass(frozen=True, repr=False, eq=False)
class RateRatios(Unprinted):
    """Rate ratios of many areas (or outcomes), with p values adjusted for their number.

    Attributes
    ----------
    table : DataFrame
        One row for each label of the input: n_before, n_after, ratio, low, high, p, p_mid, p_holm (Holm: no false
        alarm anywhere) and p_bh (Benjamini-Hochberg: the expected share of false alarms among those called).
    level : float
        Confidence level of each interval on its own (the intervals are not simultaneous).
    """

    table: pd.DataFrame
    level: float

    def summary(self) -> str:
        """Say how many of the ratios stand out after either adjustment."""
        events = self.table["n_before"] + self.table["n_after"]
        return (
            f"{len(self.table)} ratios at the {100 * (1 - self.level):.3g} % level. Holm (hardly ever one false alarm "
            f"among all): {self._called('p_holm')}. Benjamini-Hochberg (a small share of those called is false): "
            f"{self._called('p_bh')}. {int((events == 0).sum())} had no event in either period, "
            f"{int(events.isna().sum())} were not observed in both. The others cannot be told from chance: that is not "
            "the same as no change. Clusters of events, season and trend make all of them too sure, and recorded "
            "counts move with recording and reporting too."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table on the index of the input."""
        return self.table.copy()

    def _called(self, column: str) -> str:
        shown, ratio = self.table[column] <= 1 - self.level, self.table["ratio"]
        return f"{int((shown & (ratio > 1)).sum())} rose and {int((shown & (ratio < 1)).sum())} fell"


def rate_ratio(
    before: float, after: float, *, exposure: tuple[float, float] = (1, 1), level: float = 0.95
) -> RateRatio:
    """Compare two event rates exactly.

    Given the total N = before + after, the after count is Binomial(N, p) with p/(1-p) = ratio x (exposure after /
    exposure before). The Clopper-Pearson limits of p give the limits of the ratio; p is twice the smaller tail.

    Parameters
    ----------
    before, after : int
        Events in the two periods, 0 or more.
    exposure : tuple of float, default (1, 1)
        Length of the (before, after) periods in any common unit, for example months.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    RateRatio
        .ratio .low .high .p .p_mid, and .e_test on demand.

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, an exposure is not above 0 or the level is not in (0.5, 1).

    Notes
    -----
    Fails, by being too sure, when events cluster or the rate drifts within a period: with variance twice the mean it
    rejects far more than 5 %. Use `change_test` on monthly counts for a headline.

    References
    ----------
    Przyborowski and Wilenski (1940); Clopper and Pearson (1934); Krishnamoorthy and Thomson (2004) for the E-test.

    Examples
    --------
    >>> r = rate_ratio(40, 18, exposure=(24, 6))
    >>> print(f"{r.ratio:.2f} ({r.low:.3f} to {r.high:.3f}), p {r.p:.4f}")
    1.80 (0.971 to 3.213), p 0.0620
    >>> r
    RateRatio(...; call .summary())
    """
    checks = Checks("rate_ratio")
    n0, n1 = checks.pair("before, after", (before, after))
    lengths = checks.numbers("exposure", exposure, 2)
    checks.level(level)
    checks.done()
    found = exact_ratio(np.array(n0), np.array(n1), np.array(lengths[1] / lengths[0]), level)
    ratio, low, high, p, p_mid = (float(v) for v in found)
    return RateRatio(int(n0), int(n1), (lengths[0], lengths[1]), level, ratio, low, high, p, p_mid)


def rate_ratios(
    before: pd.Series,
    after: pd.Series,
    *,
    exposure: tuple[Exposure, Exposure] = (1.0, 1.0),
    level: float = 0.95,
) -> RateRatios:
    """Compare two event rates exactly in each of many areas or outcomes.

    Parameters
    ----------
    before, after : Series
        Events for each label, the same labels in both. A missing count (not observed) gives a missing result, never 0.
    exposure : tuple, default (1, 1)
        (before, after) lengths: numbers, or Series with the same labels.
    level : float, default 0.95
        Confidence level of each interval.

    Returns
    -------
    RateRatios
        `.to_frame()` has the index of `before` and n_before, n_after, ratio, low, high, p, p_mid, p_holm, p_bh; the
        adjusted p are over all observed labels, those without any event (p = 1) included.

    Raises
    ------
    StudyError
        When the labels differ or repeat, counts are not whole or an exposure is not above 0; every problem is listed.

    Notes
    -----
    Assumes, like `rate_ratio`, independent events in each period.

    References
    ----------
    Clopper and Pearson (1934); Holm (1979); Benjamini and Hochberg (1995).

    Examples
    --------
    >>> counts = pd.DataFrame({"before": [40, 3, 0], "after": [90, 3, 0]}, index=["north", "south", "west"])
    >>> rate_ratios(counts["before"], counts["after"]).to_frame()[["ratio", "p_holm", "p_bh"]].round(4)
           ratio  p_holm  p_bh
    north   2.25     0.0   0.0
    south   1.00     1.0   1.0
    west     NaN     1.0   1.0
    """
    checks = Checks("rate_ratios")
    lengths = {"before exposure": exposure[0], "after exposure": exposure[1]}
    columns = aligned(checks, {"before": before, "after": after} | lengths)
    checks.level(level)
    checks.done()
    n0, n1, e0, e1 = columns
    table = pd.DataFrame(exact_ratio(n0, n1, e1 / e0, level)._asdict(), index=before.index)
    table.insert(0, "n_before", before)
    table.insert(1, "n_after", after.reindex(before.index))
    p = table["p"].to_numpy()
    return RateRatios(table.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p)), level)
