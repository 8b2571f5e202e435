"""How many more or fewer events a month were recorded after than before, and how sure is that?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from evaluation.conditional import aligned, benjamini_hochberg, exact_ratio, holm
from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["RateDifference", "RateDifferences", "rate_difference", "rate_differences"]

Array = npt.NDArray[np.float64]
Exposure = float | pd.Series


@dataclass(frozen=True, repr=False)
class RateDifference(Unprinted):
    """The rate after minus the rate before, with its interval.

    Attributes
    ----------
    before, after : int
        Events in each period.
    exposure : tuple of float
        Length of the two periods.
    level : float
        Confidence level of the interval.
    rate_before, rate_after : float
        Events / exposure, 0 or more.
    difference : float
        rate_after - rate_before, in events a unit of exposure; below 0 is a fall.
    low, high : float
        Limits; never a point, not even for two counts of 0.
    p : float
        Central exact p of equal rates, that of `rate_ratio`; at most 1 - level whenever 0 is left out.
    """

    before: int
    after: int
    exposure: tuple[float, float]
    level: float
    rate_before: float
    rate_after: float
    difference: float
    low: float
    high: float
    p: float

    def summary(self) -> str:
        """Say the difference in plain English, and what it does not show."""
        first, second = (f"{e:g}" for e in self.exposure)
        rates = f"{say_number(self.rate_before)} to {say_number(self.rate_after)}"
        counts = f"{self.before} events in {first} before, {self.after} in {second} after"
        if self.p <= 1 - self.level:
            reading = "Two constant Poisson rates that were equal would seldom differ this much."
        else:
            reading = "Two equal rates could differ this much by chance: that is not the same as no change."
        return (
            f"The recorded rate went from {rates} a unit of time, a difference of {say_number(self.difference)} "
            f"({say_interval(self.low, self.high, self.level)}, exact {say_p(self.p)}; {counts}). {reading} It treats "
            "events as independent at a constant rate: clusters of events, season and trend all make it too sure. It "
            "shows no cause, and not how much goes unreported."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: counts, exposures, rates, difference, low, high, p."""
        given = {"n_before": self.before, "n_after": self.after}
        lengths = {"exposure_before": self.exposure[0], "exposure_after": self.exposure[1]}
        rates = {"rate_before": self.rate_before, "rate_after": self.rate_after}
        found = {"difference": self.difference, "low": self.low, "high": self.high, "p": self.p}
        return pd.DataFrame([given | lengths | rates | found])


@dataclass(frozen=True, repr=False, eq=False)
class RateDifferences(Unprinted):
    """Rate differences of many areas (or outcomes), with p values adjusted for their number.

    Attributes
    ----------
    table : DataFrame
        One row for each label of the input: n_before, n_after, rate_before, rate_after, difference, low, high, p,
        p_holm, p_bh.
    level : float
        Confidence level of each interval on its own (the intervals are not simultaneous).
    """

    table: pd.DataFrame
    level: float

    def summary(self) -> str:
        """Say how many of the differences stand out after either adjustment."""
        unseen = int(self.table["p"].isna().sum())
        return (
            f"{len(self.table)} differences at the {100 * (1 - self.level):.3g} % level. Holm: "
            f"{self._called('p_holm')}. Benjamini-Hochberg: {self._called('p_bh')}. {unseen} were not observed in both "
            "periods. The others cannot be told from chance: that is not the same as no change. Clusters of events, "
            "season and trend make all of them too sure, and recorded counts move with recording and reporting too."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table on the index of the input."""
        return self.table.copy()

    def _called(self, column: str) -> str:
        shown, change = self.table[column] <= 1 - self.level, self.table["difference"]
        return f"{int((shown & (change > 0)).sum())} rose and {int((shown & (change < 0)).sum())} fell"


def rate_difference(
    before: float, after: float, *, exposure: tuple[float, float] = (1, 1), level: float = 0.95
) -> RateDifference:
    """Subtract two event rates.

    With rates r, and exact (Garwood) limits l and u of each, the limits of the difference d = r1 - r0 are
    d - sqrt((r1 - l1)^2 + (u0 - r0)^2) and d + sqrt((u1 - r1)^2 + (r0 - l0)^2) (MOVER: what each rate's own limits
    recover of its variance). Where the exact test of equal rates does not reject, the interval is widened to hold 0:
    it never claims a change that the exact p does not.

    Parameters
    ----------
    before, after : int
        Events in the two periods, 0 or more.
    exposure : tuple of float, default (1, 1)
        Length of the (before, after) periods in any common unit, for example months: the difference is in events a
        unit.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    RateDifference
        .difference .low .high .p .rate_before .rate_after

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, an exposure is not above 0 or the level is not in (0.5, 1).

    Notes
    -----
    Coverage added up over all tables, for means of 0.2 to 50 events a period and exposures of 1:1 to 24:1: .953 to
    .99, mean .97; the usual interval (Wald) falls to .18 there and is a point at two zeros, and that of the score
    limits to .91. Its price is about a third more width. At 95 % it left 0 out in every table up to 149 events a period
    in which the exact test rejects. Fails, by being too sure, when events cluster or the rate
    drifts.

    References
    ----------
    Garwood (1936), Biometrika 28:437; Zou and Donner (2008), Statistics in Medicine 27:1693; Li, Tang, Poon and Tang
    (2011), Communications in Statistics - Simulation and Computation 40:1478.

    Examples
    --------
    >>> d = rate_difference(40, 18, exposure=(24, 6))
    >>> print(f"{d.difference:.2f} ({d.low:.3f} to {d.high:.3f}), p {d.p:.4f}")
    1.33 (-0.029 to 3.139), p 0.0620
    >>> none = rate_difference(0, 0, exposure=(24, 6))
    >>> print(f"{none.difference:.0f} ({none.low:.3f} to {none.high:.3f})")
    0 (-0.154 to 0.615)
    """
    checks = Checks("rate_difference")
    counts = checks.pair("before, after", (before, after))
    lengths = checks.numbers("exposure", exposure, 2)
    checks.level(level)
    checks.done()
    table = _differences(*(np.array([v]) for v in (*counts, *lengths)), level=level)
    found = {name: float(values[0]) for name, values in table.items()}
    return RateDifference(int(counts[0]), int(counts[1]), (lengths[0], lengths[1]), level, **found)


def rate_differences(
    before: pd.Series,
    after: pd.Series,
    *,
    exposure: tuple[Exposure, Exposure] = (1.0, 1.0),
    level: float = 0.95,
) -> RateDifferences:
    """Subtract two event rates in each of many areas or outcomes.

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
    RateDifferences
        `.to_frame()` has the index of `before` and n_before, n_after, rate_before, rate_after, difference, low, high,
        p, p_holm, p_bh.

    Raises
    ------
    StudyError
        When the labels differ or repeat, counts are not whole or an exposure is not above 0; every problem is listed.

    Notes
    -----
    Assumes, like `rate_difference`, independent events at a constant rate in each period.

    References
    ----------
    Zou and Donner (2008); Holm (1979); Benjamini and Hochberg (1995).
    """
    checks = Checks("rate_differences")
    lengths = {"before exposure": exposure[0], "after exposure": exposure[1]}
    columns = aligned(checks, {"before": before, "after": after} | lengths)
    checks.level(level)
    checks.done()
    table = pd.DataFrame(_differences(*columns, level=level), index=before.index)
    table.insert(0, "n_before", before)
    table.insert(1, "n_after", after.reindex(before.index))
    p = table["p"].to_numpy()
    return RateDifferences(table.assign(p_holm=holm(p), p_bh=benjamini_hochberg(p)), level)


def _differences(n0: Array, n1: Array, e0: Array, e1: Array, *, level: float) -> dict[str, Array]:
    """Return rates, difference, limits and p, element by element."""
    (low0, high0), (low1, high1) = _garwood(n0, level), _garwood(n1, level)
    rate0, rate1 = n0 / e0, n1 / e1
    d = rate1 - rate0
    low = d - np.hypot(rate1 - low1 / e1, high0 / e0 - rate0)
    high = d + np.hypot(high1 / e1 - rate1, rate0 - low0 / e0)
    p = exact_ratio(n0, n1, e1 / e0, level).p
    alike = p > 1 - level
    low, high = np.where(alike, np.minimum(low, 0), low), np.where(alike, np.maximum(high, 0), high)
    return {"rate_before": rate0, "rate_after": rate1, "difference": d, "low": low, "high": high, "p": p}


def _garwood(count: Array, level: float) -> tuple[Array, Array]:
    """Return the exact limits of a Poisson mean."""
    tail = (1 - level) / 2
    low = np.where(count == 0, 0.0, special.gammaincinv(np.maximum(count, 1), tail))
    return np.where(np.isnan(count), np.nan, low), special.gammaincinv(count + 1, 1 - tail)
