"""How often does a test say "change" in simulated studies of this design?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from evaluation.counts import Checks, Unprinted, say_number
from evaluation.foreseeing.designs import Design, check_design
from evaluation.foreseeing.simulated_series import draws
from evaluation.foreseeing.simulated_tests import LEAST_AREAS, TESTS

__all__ = ["PowerCurve", "SimulatedPower", "power_curve", "simulate_power"]

Array = npt.NDArray[np.float64]

_LEVEL = 0.95
_TRUSTED = (
    0.075  # false alarms that the headline test itself reaches where months before are few (methods, change_test)
)


@dataclass(frozen=True, repr=False)
class SimulatedPower(Unprinted):
    """How often a test said "change" in simulated studies.

    Attributes
    ----------
    power, low, high : float
        Share of the studies, 0 to 1, and its 95 % Wilson interval: the error of the simulation, not of the design.
    false_alarms, false_low, false_high : float
        The same in the same studies when nothing changed (ratio 1).
    without_p : float
        Share of the studies in which the test gave no p; they count as not seen.
    ratio : float
        True ratio.
    test : str
        Which test.
    series : int
        Studies.
    design : Design
        What was asked.
    """

    power: float
    low: float
    high: float
    false_alarms: float
    false_low: float
    false_high: float
    without_p: float
    ratio: float
    test: str
    series: int
    design: Design

    def summary(self) -> str:
        """Say the share, its simulation error, the false alarms, and what was taken for granted."""
        d = self.design
        areas = f"{d.comparison_areas} comparison area{'s' * (d.comparison_areas != 1)}"
        joint = ""
        if d.outcomes > 1:
            joint = f" (each of {d.outcomes} outcomes held to {100 * d.each_level:.2g} %)"
        doubt = ""
        if self.false_low > _TRUSTED * d.each_level / 0.05:
            doubt = " That is more than its level allows, so what it sees is not evidence: use change_test."
        silent = f" No p was given in {self.without_p:.0%} of them." if self.without_p else ""
        return (
            f"In {self.series} simulated studies ({d.before_months:g} months before, {d.after_months:g} after, "
            f"{areas}) a true ratio of {say_number(self.ratio)} was called a change by {self.test} in {self.power:.0%} "
            f"(simulation error: {self.low:.0%} to {self.high:.0%}){joint}. When nothing changed it said so in "
            f"{self.false_alarms:.1%} ({self.false_low:.1%} to {self.false_high:.1%}).{doubt}{silent} It holds for "
            "counts that vary as the design says and areas that would have changed alike; real ones need not."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: test, ratio, power, low, high, false alarms with their limits, without_p, series."""
        names = ["test", "ratio", "power", "low", "high", "false_alarms", "false_low", "false_high", "without_p"]
        return pd.DataFrame({name: [getattr(self, name)] for name in [*names, "series"]})


@dataclass(frozen=True, repr=False, eq=False)
class PowerCurve(Unprinted):
    """Power over a range of true ratios, in the same simulated studies at each.

    Attributes
    ----------
    table : DataFrame
        A row a ratio, sorted, with ratio 1 for the false alarms: ratio, power, low, high, without_p.
    test : str
    series : int
    design : Design
    """

    table: pd.DataFrame
    test: str
    series: int
    design: Design

    def summary(self) -> str:
        """Say at which of the ratios the wanted power was reached."""
        seen = self.table[(self.table["power"] >= self.design.power) & (self.table["ratio"] != 1)]["ratio"]
        wanted, falls, rises = f"{self.design.power:.0%}", seen[seen < 1], seen[seen > 1]
        parts = [f"a fall to {say_number(falls.max())} times or further"] if len(falls) else []
        parts += [f"a rise to {say_number(rises.min())} times or further"] if len(rises) else []
        said = f"{' and '.join(parts)} was seen" if parts else "no ratio tried was seen"
        alarms = float(self.table.loc[self.table["ratio"] == 1, "power"].iloc[0])
        return (
            f"In {self.series} simulated studies {said} by {self.test} in at least {wanted} of them; when nothing "
            f"changed it said so in {alarms:.1%}. The studies are the same at every ratio, so that the curve is "
            "smooth; its height still has the error in the table."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()


def simulate_power(
    design: Design, ratio: float, *, test: str = "change_test", series: int = 400, seed: int = 0, season: float = 0.0
) -> SimulatedPower:
    """Run a test in simulated studies and count how often it says "change".

    Parameters
    ----------
    design : Design
        Its `ratio` is not used. Months must be whole.
    ratio : float
        True rate after / rate before, above 0.
    test : str, default "change_test"
        "change_test" (firm), "shift_test" or "interrupted_series" (one pair of yearly waves), "relative_rate_ratio"
        (dispersion from the months before) or "synthetic_control" (rank of the placebos). Each p is held to
        level / outcomes; `change_test` must be firm too.
    series : int, default 400
        Simulated studies.
    seed : int, default 0
    season : float, default 0.0
        Log of peak rate / mean rate of one yearly wave that all areas share; the study starts in any month.

    Returns
    -------
    SimulatedPower
        .power .low .high .false_alarms

    Raises
    ------
    StudyError
        When the design or an option is out of range, or the test cannot be made with so few areas; all are listed.

    Notes
    -----
    Counts are negative binomial in each month (variance mean + d mean^2), the swings of one area correlated from month
    to month, those of different areas independent: parallel change holds. Where it does not, every test is worse. At
    about 0.01 to 0.02 s a study and ratio.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22:209, for the interval.

    Examples
    --------
    >>> found = simulate_power(Design(24, 6, 6.0, comparison_areas=2), 0.25, series=10)
    >>> found.power > 0.5 > found.false_alarms
    True
    """
    _check(design, [ratio], test, series, season)
    said = _said(design, [ratio, 1.0], test, (series, seed), season)
    power, alarms = (_interval(column) for column in said.T)
    return SimulatedPower(*power, *alarms, float(np.isnan(said[:, 0]).mean()), float(ratio), test, series, design)


def power_curve(
    design: Design,
    ratios: Sequence[float],
    *,
    test: str = "change_test",
    series: int = 400,
    seed: int = 0,
    season: float = 0.0,
) -> PowerCurve:
    """Simulate the power over several true ratios, in the same studies at each.

    Parameters
    ----------
    design, test, series, seed, season
        As `simulate_power`.
    ratios : sequence of float
        True ratios, above 0; ratio 1 is added.

    Returns
    -------
    PowerCurve
        `.to_frame()` has a row a ratio: ratio, power, low, high, without_p.

    Raises
    ------
    StudyError
        As `simulate_power`.

    Notes
    -----
    Common random numbers: every count is the Poisson quantile of one uniform number, so a larger ratio never gives
    fewer events in any simulated study, and a test that sees more of a larger change gives a monotone curve.

    References
    ----------
    As `simulate_power`.
    """
    _check(design, ratios, test, series, season)
    asked = sorted({float(ratio) for ratio in ratios} | {1.0})
    said = _said(design, asked, test, (series, seed), season)
    shares = pd.DataFrame([_interval(column) for column in said.T], columns=["power", "low", "high"])
    shares.insert(0, "ratio", asked)
    return PowerCurve(shares.assign(without_p=np.isnan(said).mean(axis=0)), test, series, design)


def _check(design: Design, ratios: Sequence[float], test: str, series: int, season: float) -> None:
    checks = Checks("simulate_power")
    check_design(checks, design)
    checks.numbers("ratio", ratios, max(len(ratios), 1))
    known = test in TESTS
    checks.require(known, "test", f"needs one of {', '.join(TESTS)}", "Pass one of them")
    whole = isinstance(series, int) and not isinstance(series, bool)
    checks.require(whole and series >= 1, "series", "needs a whole number of studies, at least 1", "Pass 400")
    months = (design.before_months, design.after_months)
    fine = all(isinstance(m, int | float) and float(m).is_integer() for m in months)
    checks.require(fine, "before_months, after_months", "needs whole months to simulate", "Round them")
    checks.numbers("season", season, 1, positive=False)
    least = LEAST_AREAS.get(test, 0)
    rule = f"needs at least {least} for {test}"
    enough = isinstance(design.comparison_areas, int) and design.comparison_areas >= least
    checks.require(enough, "comparison_areas", rule, "Add areas, or choose another test")
    checks.done()


def _said(design: Design, ratios: list[float], test: str, how: tuple[int, int], season: float) -> Array:
    """Return 1 where the test said "change", 0 where not, NaN without a p; a row a study, a column a ratio."""
    series, seed = how
    before, judge = int(design.before_months), TESTS[test]
    rows = []
    for draw in draws(design, series, season=season, seed=seed):
        found = [judge(draw.counts(ratio), before, design) for ratio in ratios]
        rows.append([math.nan if said is None else float(said) for said in found])
    return np.array(rows)


def _interval(said: Array) -> tuple[float, float, float]:
    """Return the share that said "change" and its Wilson limits; no p is no "change"."""
    count, n = int(np.nansum(said)), len(said)
    low, high = proportion_confint(count, n, alpha=1 - _LEVEL, method="wilson")
    return count / n, float(low), float(high)
