"""Did recorded events change when the operation started, beyond what chance and usual swings explain?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import pandas as pd

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p
from evaluation.headline.eligibility import MonthTally, missing_months, refusal, tally_months, usable, warn_short
from evaluation.headline.judgement import Judgement, is_firm, judge_alone, judge_compared
from evaluation.months import Month, MonthlyCounts, Months, align, check_harmonics
from evaluation.panels import relative_rate_ratio
from evaluation.rates import rate_ratio

__all__ = ["ChangeTest", "change_test"]

# Wording: methods, change_test, limits, refusals, wording.
_UNLIKE_GATE = 0.5
_RARE = 1.5  # events a month that round to the simulated mean of 1, where power to see a halving is at most .23

_NOT_SHOWN = (
    "This is a change in recorded events at that time, averaged over the months after. It does not show what caused "
    "it, nor what happened without being recorded."
)
_PARALLEL = (
    "It assumes that without the operation all areas would have changed in the same proportion and that nothing "
    "spilled over into the comparison areas."
)


@dataclass(frozen=True, repr=False, eq=False)
class ChangeTest(Unprinted):
    """The change in one area's monthly events, its interval and p, and what they rest on.

    Attributes
    ----------
    ratio : float
        Events after / events expected from the months before (and the comparison areas), 0 to infinity; 1 is no change.
    low, high : float
        Its interval, by inversion; 0 or infinity where a limit is beyond .03 or 33. NaN when refused.
    p : float
        Two-sided p of no change; NaN when refused.
    level : float
        Confidence level.
    firm : bool
        Whether p <= 1 - level and the check that guards against a false alarm agrees (`shift_p` <= .10 with fewer
        than two comparison areas; else `gate` >= .5 or `p_own` <= 1 - level).
    refused : str or None
        Why there is no p.
    p_floor : float or None
        Smallest p the space-time part allows; None with fewer than two comparison areas.
    shift_p, shift_p_floor : float
        The circular shift test, and 1 / months.
    gate : float or None
        Posterior probability that treated and comparison areas share volatility.
    p_exact_mixture, p_own, p_space_time : float or None
        The parts of p: test M, M joined with the shift test, every area and every shift.
    dispersion, autocorrelation : float or None
        Posterior mean variance of the monthly rate beyond Poisson chance (relative, squared), and its correlation from
        one month to the next.
    exact_low, exact_high, exact_p : float
        Exact central interval and p, right only if the counts are Poisson.
    before, after : int
        Events of the area.
    comparison_before, comparison_after : int or None
        Events of the comparison areas used.
    n_comparison : int
        Comparison areas used.
    months_before, months_during, months_after, months_missing : int
        Observed months before and after; months left out because they are during, or missing in some series.
    warnings : tuple of str
        Sentences that belong beside the result.
    """

    ratio: float
    low: float
    high: float
    p: float
    level: float
    firm: bool
    refused: str | None
    p_floor: float | None
    shift_p: float
    shift_p_floor: float
    gate: float | None
    p_exact_mixture: float | None
    p_own: float | None
    p_space_time: float | None
    dispersion: float | None
    autocorrelation: float | None
    exact_low: float
    exact_high: float
    exact_p: float
    before: int
    after: int
    comparison_before: int | None
    comparison_after: int | None
    n_comparison: int
    months_before: int
    months_during: int
    months_after: int
    months_missing: int
    warnings: tuple[str, ...]

    def summary(self) -> str:
        """Say the change, whether it is firm, what qualifies it and what it does not show."""
        exact = say_interval(self.exact_low, self.exact_high, self.level)
        areas = f"{self.n_comparison} comparison area{'s' * (self.n_comparison > 1)}"
        compared = f", and {areas}," if self.n_comparison else ""
        counts = f"{self.before:,} events in {self.months_before} months before, "
        counts += f"{self.after:,} in {self.months_after} after. "
        if self.refused:
            said = f"No p value is given: {self.refused}. If the counts were Poisson: {exact} for the ratio. "
        else:
            floor = "" if self.p_floor is None else f", not below {self.p_floor:.3f}"
            alike = "" if self.gate is None else f"Probability that the areas are alike in this: {self.gate:.2f}. "
            said = (
                f"The events after were {say_number(self.ratio)} times what the months before{compared} lead one to "
                f"expect ({say_interval(self.low, self.high, self.level)}; {say_p(self.p)}{floor}). {self._verdict()} "
                f"Swings of the monthly rate beyond chance: variance {self.dispersion:.2f} of its square, correlation "
                f"{self.autocorrelation:.2f} from month to month. {alike}Shift test: {say_p(self.shift_p)} (not below "
                f"{self.shift_p_floor:.3f}). If the counts were Poisson: {exact}, {say_p(self.exact_p)}. "
            )
        limits = f"{_NOT_SHOWN} {_PARALLEL}" if self.n_comparison else _NOT_SHOWN
        return " ".join([counts + said.strip(), *self.warnings, limits])

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every number; `warnings` and `refused` stay with the result."""
        return pd.DataFrame([{k: v for k, v in asdict(self).items() if k not in ("warnings", "refused")}])

    def _verdict(self) -> str:
        alpha = 1 - self.level
        if self.firm:
            return "The change is firm: chance and the usual swings of these counts do not explain it."
        if self.p <= alpha:
            return "The p is small, but the check against slow swings does not agree, so the change is not firm."
        said = "Cannot tell: chance and the usual swings of such counts could explain the difference from 1."
        exact = " An exact test says otherwise, but only by taking the counts for Poisson."
        return said + exact * (self.exact_p <= alpha)


def change_test(
    treated: MonthlyCounts,
    control: pd.DataFrame | pd.Series | None,
    start: Month,
    end: Month | None = None,
    *,
    harmonics: int | None = None,
    level: float = 0.95,
) -> ChangeTest:
    """Test and estimate a change in small monthly counts, with comparison areas where there are any.

    Without comparison areas: the exact conditional test with a beta-binomial in place of the binomial, averaged over
    the posterior of dispersion and autocorrelation. With one: that, joined with the circular shift test. With two or
    more: a space-time placebo test (every area, every circular shift), weighed against the area's own evidence by the
    probability `gate` that the areas share one volatility. Nothing is simulated: equal input gives equal output.

    Parameters
    ----------
    treated : Series, list or array of whole numbers
        Events a month. A Series is indexed by month: PeriodIndex (M), DatetimeIndex (first days) or whole numbers.
        NaN and gaps are missing months: left out in all series, while distances stay those of the calendar.
    control : DataFrame, Series or None
        Comparison areas, one a column, on the same months. Leave out areas that the operation may have spilled into.
    start, end : month
        '2019-03', a Period, Timestamp or date; a whole number for such an index. Months in [start, end) are during
        and left out; after begins at `end`, or at `start` without one.
    harmonics : int, optional
        Pairs of yearly waves; 1 by default without comparison areas (0 declares that there is no season). Comparison
        areas take the season away, so it is not used with them.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    ChangeTest
        .ratio .low .high .p .shift_p .gate .p_floor .firm .refused, and the counts and parts behind them.

    Raises
    ------
    StudyError
        When counts are negative or fractional, series do not fit together or `start` lies outside them. Too little
        data is not an error: the result then says why it was refused.

    Notes
    -----
    Largest false-alarm rate .069 at nominal 5 % over 540 no-effect cells (means of 1 to 12 a month, dispersion to .5,
    autocorrelation to .6, season); interval coverage .94 to .99. It fails where areas move by themselves for many
    months: with trends of their own of 1.5 % a month .18 to .32, jumps .12 to .17, swings of correlation .9 .09 to .14
    (docs/calibration.md). A gradual change is averaged.

    References
    ----------
    Methods, change_test: found by simulation for this project. Liu and Xie (2020) for the Cauchy combination.

    Examples
    --------
    >>> treated = [3, 5, 2, 6, 4, 1, 0, 7, 3, 4, 2, 5, 6, 2, 3, 8, 1, 4, 5, 3, 2, 6, 4, 3, 1, 2, 0, 3, 1, 2]
    >>> r = change_test(treated, None, 24)
    >>> print(f"{r.ratio:.2f} ({r.low:.2f} to {r.high:.2f}), p {r.p:.4f}")
    0.40 (0.17 to 0.92), p 0.0315
    """
    checks = Checks("change_test")
    checks.level(level)
    if harmonics is not None:
        check_harmonics(checks, harmonics)
    months = align(checks, treated, (start, end), control=control, name="treated")
    used, notes = usable(months)
    judged, areas = None, used.control.shape[1]
    if areas and harmonics:
        notes.append("The harmonics asked for are not used: the comparison areas take the season away.")
    if refusal(tally_months(used)) is None:
        if areas:
            judged = judge_compared(used.counts, used.control, used.after, used.position, 1 - level)
        else:
            waves = 1 if harmonics is None else harmonics
            judged = judge_alone(used.counts, used.after, used.position, waves, 1 - level)
    return _result(months, used, judged, notes, level)


def _result(months: Months, used: Months, judged: Judgement | None, notes: list[str], level: float) -> ChangeTest:
    """Put the numbers and the sentences that belong to them together."""
    tally, nan = tally_months(used), float("nan")
    exact_low, exact_high, exact_p = _if_poisson(tally, level)
    n, alpha = tally.m0 + tally.m1, 1 - level
    p_floor = judged.gate / ((tally.areas + 1) * n) if judged and judged.gate is not None else None
    return ChangeTest(
        ratio=tally.ratio,
        low=judged.low if judged else nan,
        high=judged.high if judged else nan,
        p=judged.p if judged else nan,
        level=level,
        firm=judged is not None and is_firm(judged, alpha),
        refused=refusal(tally),
        p_floor=p_floor,
        shift_p=judged.shift_p if judged else nan,
        shift_p_floor=1 / n if n else nan,
        gate=judged.gate if judged else None,
        p_exact_mixture=judged.p_exact_mixture if judged else None,
        p_own=judged.p_own if judged else None,
        p_space_time=judged.p_space_time if judged else None,
        dispersion=judged.dispersion if judged else None,
        autocorrelation=judged.autocorrelation if judged else None,
        exact_low=exact_low,
        exact_high=exact_high,
        exact_p=exact_p,
        before=tally.t0,
        after=tally.t1,
        comparison_before=tally.c0 if tally.areas else None,
        comparison_after=tally.c1 if tally.areas else None,
        n_comparison=tally.areas,
        months_before=tally.m0,
        months_during=months.calendar[1],
        months_after=tally.m1,
        months_missing=missing_months(months, used),
        warnings=(*notes, *warn_short(tally), *_cautions(tally, judged, alpha)),
    )


def _if_poisson(tally: MonthTally, level: float) -> tuple[float, float, float]:
    """Return the exact interval and p, which take the counts for Poisson; NaN without months on both sides."""
    if not (tally.m0 and tally.m1):
        return math.nan, math.nan, math.nan
    if tally.areas:
        relative = relative_rate_ratio((tally.t0, tally.t1), (tally.c0, tally.c1), level=level)
        return relative.exact_low, relative.exact_high, relative.exact_p_central
    single = rate_ratio(tally.t0, tally.t1, exposure=(tally.m0, tally.m1), level=level)
    return single.low, single.high, single.p


def _cautions(tally: MonthTally, judged: Judgement | None, alpha: float) -> list[str]:
    """Return the sentences that qualify a p value."""
    if judged is None:
        return []
    said = []
    if tally.areas == 1:
        said.append("One comparison area adds little: a second would sharpen the test.")
    if judged.gate is not None and judged.gate < _UNLIKE_GATE:
        said.append(
            "The comparison areas are not like the treated area in how much their counts swing: the answer rests on "
            "the area's own series."
        )
    if judged.p > alpha and tally.t0 < _RARE * tally.m0:
        said.append("With about one event a month even a halving would be found in fewer than one case in four.")
    if not tally.areas and not judged.low <= tally.ratio <= judged.high:
        said.append("The ratio lies outside its interval because the interval also allows for the season.")
    return said
