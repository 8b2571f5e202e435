"""Say whether the rate of events changed between two periods by more than chance would explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats
from statsmodels.stats import rates as poisson

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["RateRatio", "RateRatios", "rate_ratio", "rate_ratios"]

Array = npt.NDArray[np.float64]
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

    def summary(self) -> str:
        """Say the change in plain English, and what it does not show."""
        first, second = (f"{e:g}" for e in self.exposure)
        counts = f"{self.before} events in {first} before, {self.after} in {second} after"
        interval = say_interval(self.low, self.high, self.level)
        if self.before + self.after == 0:
            reading = "No event in either period: the ratio is undefined and nothing can be said about change."
        elif self.p <= 1 - self.level:
            reading = "Two constant Poisson rates that were equal would seldom differ this much."
        else:
            reading = "Two equal rates could differ this much by chance: that is not the same as no change."
        return (
            f"The recorded rate after was {say_number(self.ratio)} times the rate before ({interval}, exact "
            f"{say_p(self.p)}; {counts}). {reading} It treats events as independent at a constant rate: clusters of "
            "events, season and trend all make it too sure. It shows no cause, and not how much goes unreported."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: n_before, n_after, exposure_before, exposure_after, ratio, low, high, p, p_mid."""
        given = {"n_before": self.before, "n_after": self.after}
        lengths = {"exposure_before": self.exposure[0], "exposure_after": self.exposure[1]}
        found = {"ratio": self.ratio, "low": self.low, "high": self.high, "p": self.p, "p_mid": self.p_mid}
        return pd.DataFrame([given | lengths | found])


@dataclass(frozen=True, repr=False, eq=False)
class RateRatios(Unprinted):
    """Rate ratios of many areas (or outcomes), with p values adjusted for their number.

    Attributes
    ----------
    table : DataFrame
        One row for each label of the input: n_before, n_after, ratio, low, high, p, p_mid, p_adjusted.
    level : float
        Confidence level of each interval on its own (the intervals are not simultaneous).
    adjust : str
        "holm" (no false alarm anywhere) or "bh" (expected share of false alarms).
    """

    table: pd.DataFrame
    level: float
    adjust: str

    def summary(self) -> str:
        """Say how many of the ratios stand out after adjustment."""
        shown = self.table["p_adjusted"] <= 1 - self.level
        ratio, events = self.table["ratio"], self.table["n_before"] + self.table["n_after"]
        kept = "Holm" if self.adjust == "holm" else "Benjamini-Hochberg"
        rose, fell = int((shown & (ratio > 1)).sum()), int((shown & (ratio < 1)).sum())
        return (
            f"{len(self.table)} ratios: after the {kept} adjustment {rose} recorded rates rose and {fell} fell "
            f"({100 * (1 - self.level):.3g} % level). {int((events == 0).sum())} had no event in either period, "
            f"{int(events.isna().sum())} were not observed in both. The others cannot be told from chance: that is not "
            "the same as no change. Recorded counts move with recording and reporting too."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table on the index of the input."""
        return self.table.copy()


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
    ratio, low, high, p, p_mid = (
        float(v) for v in _exact(np.array(n0), np.array(n1), np.array(lengths[1] / lengths[0]), level)
    )
    return RateRatio(int(n0), int(n1), (lengths[0], lengths[1]), level, ratio, low, high, p, p_mid)


def rate_ratios(
    before: pd.Series,
    after: pd.Series,
    *,
    exposure: tuple[Exposure, Exposure] = (1.0, 1.0),
    level: float = 0.95,
    adjust: Literal["holm", "bh"] = "holm",
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
    adjust : {"holm", "bh"}, default "holm"
        Holm over all observed labels, or Benjamini-Hochberg.

    Returns
    -------
    RateRatios
        `.to_frame()` has the index of `before` and n_before, n_after, ratio, low, high, p, p_mid, p_adjusted.

    Raises
    ------
    StudyError
        When the labels differ or repeat, counts are not whole or an option is unknown; every problem is listed.

    Notes
    -----
    Assumes, like `rate_ratio`, independent events in each period.

    References
    ----------
    Clopper and Pearson (1934); Holm (1979); Benjamini and Hochberg (1995).

    Examples
    --------
    >>> counts = pd.DataFrame({"before": [40, 3, 0], "after": [90, 3, 0]}, index=["north", "south", "west"])
    >>> rate_ratios(counts["before"], counts["after"]).to_frame()[["ratio", "p_adjusted"]].round(4)
           ratio  p_adjusted
    north   2.25         0.0
    south   1.00         1.0
    west     NaN         1.0
    """
    checks = Checks("rate_ratios")
    columns = _aligned(
        checks, {"before": before, "after": after, "before exposure": exposure[0], "after exposure": exposure[1]}
    )
    checks.level(level)
    checks.require(
        adjust in ("holm", "bh"),
        "adjust",
        'needs "holm" or "bh"',
        "Holm protects every label, bh the share of false ones",
    )
    checks.done()
    n0, n1, e0, e1 = columns
    values = _exact(n0, n1, e1 / e0, level)
    table = pd.DataFrame(dict(zip(["ratio", "low", "high", "p", "p_mid"], values, strict=True)), index=before.index)
    table.insert(0, "n_before", before)
    table.insert(1, "n_after", after.reindex(before.index))
    observed = table["p"].notna().to_numpy()
    adjusted = table["p"].to_numpy(copy=True)
    adjusted[observed] = (_holm if adjust == "holm" else stats.false_discovery_control)(adjusted[observed])
    table["p_adjusted"] = adjusted
    return RateRatios(table, level, adjust)


def _holm(p: Array) -> Array:
    """Return Holm's adjusted p values (statsmodels' collect all garbage first, which takes longer than the rest)."""
    order = np.argsort(p, kind="stable")
    raised = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return raised[np.argsort(order)]


def _exact(n0: Array, n1: Array, exposure: Array, level: float) -> tuple[Array, ...]:
    """Return ratio, limits, central p and mid-p; NaN where a count is missing."""
    total, null, half = n0 + n1, exposure / (1 + exposure), (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = n1 / n0 / exposure
        low = np.where(n1 == 0, 0.0, special.betaincinv(n1, n0 + 1, half))
        high = np.where(n0 == 0, 1.0, special.betaincinv(n1 + 1, n0, 1 - half))
        # the incomplete beta keeps its digits in both tails, where 1 - cdf would lose them
        at_most = np.where(n0 == 0, 1.0, special.betainc(n0, n1 + 1, 1 - null))
        at_least = np.where(n1 == 0, 1.0, special.betainc(n1, n0 + 1, null))
        here = stats.binom.pmf(n1, total, null)
        p = np.minimum(1, 2 * np.minimum(at_most, at_least))
        p_mid = np.minimum(1, 2 * np.minimum(at_most - here / 2, at_least - here / 2))
        limits = (low / (1 - low) / exposure, high / (1 - high) / exposure)
    unseen = np.isnan(total)
    return tuple(np.where(unseen, np.nan, v) for v in (ratio, *limits, p, p_mid))


def _aligned(checks: Checks, inputs: Mapping[str, Any]) -> list[Array]:
    """Put every input on the labels of the first, noting what does not fit."""
    index = inputs["before"].index
    checks.require(index.is_unique, "before", "needs labels that do not repeat", "Add up the rows of each label first")
    columns = []
    for name, given in inputs.items():
        exposed = name.endswith("exposure")
        if isinstance(given, pd.Series):
            same = given.index.is_unique and len(given) == len(index) and given.index.isin(index).all()
            if not checks.require(bool(same), name, "needs the same labels as `before`", "Reindex it first"):
                continue
            values = checks.observed(name, given.reindex(index), whole=not exposed)[:, 0]
        else:
            values = np.full(len(index), checks.numbers(name, given, 1)[0])
        if exposed:
            checks.require(bool((values > 0).all()), name, "needs lengths above 0", "Give every label its length")
        columns.append(values)
    return columns
