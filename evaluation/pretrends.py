"""Did treated and comparison areas drift apart before the start, and would this check have noticed?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evaluation.comparing.drifts import drift
from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p
from evaluation.dispersion import share_dispersion
from evaluation.months import BEFORE, Month, MonthlyCounts, Months, align, observed

__all__ = ["PretrendCheck", "pretrend_check"]

Array = npt.NDArray[np.float64]

_POWER = 0.8
_FEW = 3  # with fewer comparison areas their own slopes hardly show how far areas drift apart
_FEWEST = 4  # months before: two for the line, two for its error

_BASES = {
    "months": "from how far the treated share lay from the line",
    "areas": "from how far the comparison areas' own slopes lie apart",
}
_SAID = {
    "passed": (
        "No drift was found before the start, and one large enough to matter would probably have been found. That does "
        "not show that the areas would have kept together after it."
    ),
    "failed": (
        "The areas already drifted apart before the start, so a comparison of before and after confuses that drift "
        "with a change."
    ),
    "informational": (
        "No drift was found before the start, but one large enough to matter could well have been missed: this says "
        "nothing for or against a parallel course."
    ),
}


@dataclass(frozen=True, repr=False)
class PretrendCheck(Unprinted):
    """The drift of a treated area against its comparison before the start, and what an unseen one would do.

    Attributes
    ----------
    slope, low, high : float
        Change of log(treated / comparison) a month before the start, and its t interval.
    p : float
        Two-sided p of no drift.
    level : float
        Confidence level.
    inflation, df, basis : float, float, str
        Variance of the slope / that of Poisson counts, its degrees of freedom, and where it comes from: "months" (the
        treated share around the line) or "areas" (the comparison areas' own slopes).
    autocorrelation : float
        Of the residuals from one month to the next.
    unseen : float
        Smallest slope, either way, that would have been found four times in five, log a month.
    unseen_fall, unseen_rise : float
        Ratio of after to before that an unseen slope of that size would make by itself, falling and rising.
    own_ratio, own_low, own_high : float
        Ratio that the slope found, and the ends of its interval, would make by themselves.
    yardstick : float
        Ratio above 1 that an unseen slope must not reach: 1 + margin, or without one the chance error of the ratio.
    status : str
        "passed", "failed" (p <= 1 - level) or "informational" (not failed, and `unseen_rise` or 1 / `unseen_fall`
        reaches the yardstick).
    said : str
        What the status means, without a number.
    months_before, months_after : int
        Months used.
    comparison_areas : int
        Comparison areas.
    """

    slope: float
    low: float
    high: float
    p: float
    level: float
    inflation: float
    df: float
    basis: str
    autocorrelation: float
    unseen: float
    unseen_fall: float
    unseen_rise: float
    own_ratio: float
    own_low: float
    own_high: float
    yardstick: float
    status: str
    said: str
    months_before: int
    months_after: int
    comparison_areas: int

    def summary(self) -> str:
        """Say what drift could have been found and what an unseen one would do, then the drift, and what it means."""
        drift = say_interval(_percent(self.low), _percent(self.high), self.level)
        carried = say_interval(self.own_low, self.own_high, self.level)
        harmless = f"{say_number(1 / self.yardstick)} to {say_number(self.yardstick)}"
        return (
            f"In {self.months_before} months before, a drift of {_percent(self.unseen):.1f} % a month or more would "
            f"have been found four times in five; one just as large, unseen, would by itself make the ratio of the "
            f"changes {say_number(self.unseen_rise)} or {say_number(self.unseen_fall)} over the {self.months_after} "
            f"months after (a ratio within {harmless} is taken not to matter). Found: {_percent(self.slope):+.1f} % a "
            f"month ({drift}, {say_p(self.p)}; t with {self.df:g} degrees of freedom, variance {self.inflation:.2f} "
            f"times Poisson, {_BASES[self.basis]}; residuals of neighbouring months correlate "
            f"{self.autocorrelation:.2f}). Carried on, it would make the ratio {say_number(self.own_ratio)} "
            f"({carried}). {self.said}{self._caution()}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every number and the status."""
        return pd.DataFrame([{name: getattr(self, name) for name in self.__dataclass_fields__ if name != "said"}])

    def _caution(self) -> str:
        if self.comparison_areas >= _FEW:
            return ""
        return (
            " With one or two comparison areas, months that follow one another alike would pass for a drift, and the "
            "drift that could have been found is larger than said."
        )


def pretrend_check(
    treated: MonthlyCounts,
    control: pd.DataFrame | pd.Series,
    start: Month,
    end: Month | None = None,
    *,
    margin: float | None = None,
    level: float = 0.95,
) -> PretrendCheck:
    """Estimate the drift between treated and comparison areas before the start, and the drift it could not have found.

    Logistic regression of the treated share of the events on the month, before the start: its slope is that of
    log(treated / comparison), because what the areas share cancels out. Variance: the larger of binomial x Pearson's
    chi-square / (months - 2), at least 1, and binomial + tau^2 (1 + sum of squared shares of the comparison areas),
    tau^2 the `heterogeneity` of their own slopes; t with the degrees of freedom of the one taken. The smallest drift
    found four times in five is (t quantile of the level + t quantile of .8) x standard error.

    Parameters
    ----------
    treated : Series, list or array of whole numbers
        Events a month; see `change_test` for the index.
    control : DataFrame or Series
        Comparison areas, one a column, on the same months.
    start, end : month
        Before is earlier than `start`; after begins at `end`, or at `start` without one.
    margin : float, optional
        A ratio between 1/(1 + margin) and 1 + margin does not matter, as the study declares it. Without one, an unseen
        drift is set against the chance error of the ratio of the changes.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    PretrendCheck
        .slope .low .high .p .unseen .unseen_fall .unseen_rise .own_ratio .status .said

    Raises
    ------
    StudyError
        When series do not fit together, there are fewer than four months before, an area is both treated and compared
        with, a side has no event before, or no month holds events of both; every problem is listed.

    Notes
    -----
    Passed never means parallel: this looks before the start only, and at straight lines only. Set against the chance
    error of the ratio it can pass only where the time after is shorter than about a seventh of that before, however
    many events there are. Of areas that keep together (mean 4, 24 + 6 months, 250 each) .01 to .04 failed with 5 or 19
    comparison areas, at dispersion to .5 and autocorrelation to .6; with one .25 where months follow one another alike,
    .03 where not. Choosing a comparison because it passed biases the result.

    References
    ----------
    Roth (2022), American Economic Review: Insights 4:305-322, on the power of such checks; Bloom (1995), Evaluation
    Review 19:547-556, for the smallest effect found.

    Examples
    --------
    >>> check = pretrend_check([5, 4, 6, 5] * 6 + [3] * 6, pd.Series([20] * 30), 24)
    >>> f"{100 * check.slope:.1f} % a month, p {check.p:.2f}, {check.status}"
    '0.1 % a month, p 0.94, informational'
    """
    months = _read(treated, control, (start, end), margin=margin, level=level)
    past, others = months.take(months.phase == BEFORE), months.control.sum(axis=1)
    found = drift(past)
    size = math.sqrt(found.variance)
    quantile = float(stats.t.ppf((1 + level) / 2, found.df))
    unseen = (quantile + float(stats.t.ppf(_POWER, found.df))) * size
    low, high = found.slope - quantile * size, found.slope + quantile * size
    p = float(2 * stats.t.sf(abs(found.slope) / size, found.df))
    fall, rise, *own = (_carried(months, others, b) for b in (-unseen, unseen, found.slope, low, high))
    yardstick = 1 + margin if margin is not None else _chance(past, months, others, level)
    status = "failed" if p <= 1 - level else "passed" if max(rise, 1 / fall) < yardstick else "informational"
    return PretrendCheck(
        slope=found.slope,
        low=low,
        high=high,
        p=p,
        level=level,
        inflation=found.variance / found.poisson,
        df=found.df,
        basis=found.basis,
        autocorrelation=found.autocorrelation,
        unseen=unseen,
        unseen_fall=fall,
        unseen_rise=rise,
        **dict(zip(("own_ratio", "own_low", "own_high"), own, strict=True)),
        yardstick=yardstick,
        status=status,
        said=_SAID[status],
        months_before=len(past.counts),
        months_after=int(months.after.sum()),
        comparison_areas=months.control.shape[1],
    )


def _check_options(checks: Checks, control: object, margin: object) -> None:
    """Require a comparison, and a margin above 0 if there is one."""
    rule = "needs a DataFrame or a Series of comparison areas"
    checks.require(control is not None, "control", rule, "There is no drift without a comparison")
    wrong = margin is not None and not (isinstance(margin, int | float) and 0 < margin < math.inf)
    checks.require(not wrong, "margin", "needs a number above 0", "Pass 0.2 for ratios from 1/1.2 to 1.2")


def _read(
    treated: MonthlyCounts,
    control: pd.DataFrame | pd.Series,
    cut: tuple[Month, Month | None],
    *,
    margin: float | None,
    level: float,
) -> Months:
    """Return the observed months, or raise with everything that is wrong."""
    checks = Checks("pretrend_check")
    checks.level(level)
    _check_options(checks, control, margin)
    months = observed(checks, align(checks, treated, cut, control=control, name="treated"), during=False)
    _check(checks, months)
    return months


def _check(checks: Checks, months: Months) -> None:
    """Require a line that can be drawn: months, events on both sides, and in the same stretch of time."""
    before, others = months.phase == BEFORE, months.control.sum(axis=1)
    treated_in, compared_in = (months.position[before & (side > 0)] for side in (months.counts, others))
    total = int((before & (months.counts + others > 0)).sum())
    rule = f"needs {_FEWEST} months with events before the start"
    checks.require(total >= _FEWEST, "start", rule, "Bring a longer history")
    both = len(treated_in) > 0 and len(compared_in) > 0
    rule = "needs events of the treated and of the comparison areas before the start"
    checks.require(both, "treated, control", rule, "Widen the areas or the window")
    after = not both or bool(others[months.after].any())
    checks.require(after, "control", "has no event after the start", "Widen the comparison")
    mixed = not both or (treated_in.min() < compared_in.max() and compared_in.min() < treated_in.max())
    rule = "have their events before the start one after the other, so that no line fits"
    checks.require(bool(mixed), "treated, control", rule, "Choose comparison areas recorded at the same time")
    copied = any(np.array_equal(months.counts, column) for column in months.control.T)
    rule = "equals the treated series in every month: an area that is also treated compares with itself"
    checks.require(not copied or np.ptp(months.counts) == 0, "control", rule, "Drop that column")
    checks.done()


def _carried(months: Months, others: Array, slope: float) -> float:
    """Return the ratio of the changes that a drift makes by itself, with the comparison's events as they were."""
    moved = np.exp(slope * (months.position - months.position[0])) * others
    before = months.phase == BEFORE
    return float(moved[months.after].sum() / others[months.after].sum() / (moved[before].sum() / others[before].sum()))


def _percent(slope: float) -> float:
    """Return a slope of the log, a month, in per cent a month."""
    return 100 * math.expm1(slope)


def _chance(past: Months, months: Months, others: Array, level: float) -> float:
    """Return the ratio above 1 that chance alone reaches, without a change, at the upper end of its interval."""
    phi, df = share_dispersion(pd.Series(past.counts), pd.Series(past.control.sum(axis=1)))
    T0, C0, C1 = past.counts.sum(), others[months.phase == BEFORE].sum(), others[months.after].sum()
    variance = phi * (1 / T0 + C0 / (T0 * C1) + 1 / C0 + 1 / C1)
    return math.exp(float(stats.t.ppf((1 + level) / 2, df)) * math.sqrt(variance))
