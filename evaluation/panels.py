"""Say whether a treated area changed differently from its comparison areas, from four counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special, stats

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["RelativeRateRatio", "relative_rate_ratio"]

Pair = Sequence[float]
Array = npt.NDArray[Any]


@dataclass(frozen=True, repr=False)
class RelativeRateRatio(Unprinted):
    """The change of the treated area divided by the change of the comparison areas.

    Attributes
    ----------
    treated, control : tuple of int
        Events (before, after).
    ratio : float
        (T1/T0) / (C1/C0), 0 to infinity; NaN when 0 stands above and below.
    low, high : float
        Limits on the log scale with the dispersion; 0 and infinity when any count is 0.
    p : float
        Two-sided p of ratio 1; NaN when any count is 0.
    dispersion : float
        Variance / mean used, at least 1.
    df : float
        Degrees of freedom of the t interval; infinite for the normal one.
    assumed : bool
        True when no dispersion was given and Poisson was assumed.
    level : float
        Confidence level.
    exact_ratio, exact_low, exact_high : float
        Conditional maximum likelihood estimate and central exact limits, if Poisson.
    exact_p : float
        Fisher's two-sided p (sum of tables no more likely), if Poisson.
    exact_p_central : float
        Twice the smaller tail: the p that agrees with exact_low and exact_high.
    """

    treated: tuple[int, int]
    control: tuple[int, int]
    ratio: float
    low: float
    high: float
    p: float
    dispersion: float
    df: float
    assumed: bool
    level: float
    exact_ratio: float
    exact_low: float
    exact_high: float
    exact_p: float
    exact_p_central: float

    def summary(self) -> str:
        """Say the relative change, how the chance error was reckoned, and what it does not show."""
        if self.assumed:
            basis = "no dispersion was given, so counts were taken as Poisson, which is often too sure"
        elif math.isinf(self.df):
            basis = f"normal interval, variance {self.dispersion:.2f} times Poisson"
        else:
            basis = f"t interval with {self.df:g} degrees of freedom, variance {self.dispersion:.2f} times Poisson"
        if math.isnan(self.p):
            basis = "a count is 0, so only the exact interval says anything"
        exact = say_interval(self.exact_low, self.exact_high, self.level)
        flag = ""
        if self.exact_p_central <= 1 - self.level < self.p:
            flag = " The exact test sees a change only because it ignores the dispersion: do not rest a claim on it."
        return (
            f"Recorded events after, divided by those before, were in the treated area {say_number(self.ratio)} times "
            f"what they were in the comparison ({say_interval(self.low, self.high, self.level)}, {say_p(self.p)}; "
            f"{basis}). If Poisson: {say_number(self.exact_ratio)}, {exact}, Fisher {say_p(self.exact_p)}.{flag} This "
            "assumes that both would have changed in the same proportion. It does not show a cause, nor whether "
            "reporting or recording changed in one of them, and events that moved into the comparison distort it."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the ratio with its interval and p, the dispersion, and the exact ratio, interval and p."""
        names = ["ratio", "low", "high", "p", "dispersion", "df"]
        names += ["exact_ratio", "exact_low", "exact_high", "exact_p", "exact_p_central"]
        return pd.DataFrame({name: [getattr(self, name)] for name in names})


def relative_rate_ratio(
    treated: Pair, control: Pair, *, dispersion: tuple[float, float] | float | None = None, level: float = 0.95
) -> RelativeRateRatio:
    """Compare the change of a treated area with the change of its comparison.

    log ratio = log[(T1/T0)/(C1/C0)], standard error sqrt(1/T0 + 1/T1 + 1/C0 + 1/C1) x sqrt(phi).

    Parameters
    ----------
    treated, control : pair
        Events (before, after). Periods of different length cancel out.
    dispersion : (phi, df), number or None
        phi is variance / mean, at least 1. (phi, df), as `share_dispersion` gives it: t interval. A number: taken as
        known, normal interval. None: Poisson, normal, and the summary says so.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    RelativeRateRatio
        .ratio .low .high .p .exact_ratio .exact_p .exact_low .exact_high.

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, phi is below 1 or df is not above 0.

    Notes
    -----
    Assumes that without the operation both would have changed in the same proportion. phi from monthly shares does not
    see autocorrelation: `change_test` does.

    References
    ----------
    Fisher (1935); McCullagh and Nelder (1989), chapter 4, for the inflation by phi.

    Examples
    --------
    >>> r = relative_rate_ratio((100, 50), (200, 200), dispersion=(2.0, 23))
    >>> f"{r.ratio:.2f} ({r.low:.3f} to {r.high:.3f})"
    '0.50 (0.279 to 0.898)'
    """
    checks = Checks("relative_rate_ratio")
    t0, t1 = checks.pair("treated", treated)
    c0, c1 = checks.pair("control", control)
    phi, df = _dispersion(checks, dispersion)
    checks.level(level)
    checks.done()
    low, high, p = 0.0, math.inf, math.nan
    if min(t0, t1, c0, c1) > 0:
        log_ratio = math.log(t1) - math.log(t0) - math.log(c1) + math.log(c0)
        se = math.sqrt(phi * (1 / t0 + 1 / t1 + 1 / c0 + 1 / c1))
        # scipy's t with infinite degrees of freedom is the normal distribution
        reach = float(stats.t.ppf((1 + level) / 2, df)) * se
        low, high = math.exp(log_ratio - reach), math.exp(log_ratio + reach)
        p = float(2 * stats.t.sf(abs(log_ratio) / se, df))
    above, below = t1 * c0, t0 * c1
    ratio = above / below if below else (math.inf if above else math.nan)
    table = np.array([[t1, t0], [c1, c0]]).astype(int)
    exact_ratio, exact_low, exact_high, central_p = _exact(table, level)
    return RelativeRateRatio(
        treated=(int(t0), int(t1)),
        control=(int(c0), int(c1)),
        ratio=ratio,
        low=low,
        high=high,
        p=p,
        dispersion=phi,
        df=df,
        assumed=dispersion is None,
        level=level,
        exact_ratio=exact_ratio,
        exact_low=exact_low,
        exact_high=exact_high,
        exact_p=float(stats.fisher_exact(table).pvalue),
        exact_p_central=central_p,
    )


def _dispersion(checks: Checks, given: tuple[float, float] | float | None) -> tuple[float, float]:
    """Return phi and degrees of freedom."""
    if given is None:
        return 1.0, math.inf
    if isinstance(given, tuple | list):
        phi, df = checks.numbers("dispersion", given, 2)
    else:
        phi, df = checks.numbers("dispersion", given, 1)[0], math.inf
    checks.require(not phi < 1, "dispersion", "needs variance / mean of at least 1", "Pass 1 for shares that vary less")
    return phi, df


def _exact(table: Array, level: float) -> tuple[float, float, float, float]:
    """Return the conditional estimate of the odds ratio, its central limits, and the central p of ratio 1.

    The same as `scipy.stats.contingency.odds_ratio(kind="conditional")`, which takes half a minute at 30,000 events.
    """
    count, row, column, total = int(table[0, 0]), int(table[0].sum()), int(table[:, 0].sum()), int(table.sum())
    first, last = max(0, row + column - total), min(row, column)
    support = np.arange(first, last + 1)
    weight = -sum(
        special.gammaln(cell + 1) for cell in (support, row - support, column - support, total - row - column + support)
    )

    def share(log_odds: float, keep: Array) -> float:
        """Return the mean of `keep` over the noncentral hypergeometric distribution."""
        logs = weight + log_odds * support
        chance = np.exp(logs - logs.max())
        return float((chance * keep).sum() / chance.sum())

    def solve(keep: Array, goal: float) -> float:
        # 100 on the log scale is beyond any odds ratio that countable events can give
        return math.exp(float(optimize.brentq(lambda t: share(t, keep) - goal, -100, 100)))

    at_most, at_least, half = (support <= count) * 1.0, (support >= count) * 1.0, (1 - level) / 2
    low = solve(at_least, half) if count > first else 0.0
    high = solve(at_most, half) if count < last else math.inf
    if first < count < last:
        ratio = solve(support * 1.0, count)
    else:
        ratio = math.nan if first == last else (0.0 if count == first else math.inf)
    return ratio, low, high, min(1.0, 2 * min(share(0.0, at_most), share(0.0, at_least)))
