"""What does a segmented regression of one monthly series say, and what qualifies it?"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from evaluation.counts import Unprinted, say_interval, say_number, say_p
from evaluation.fitting.averted import Averted
from evaluation.fitting.contrasts import PhaseRatio
from evaluation.fitting.detectable import POWER
from evaluation.fitting.negative_binomial import NegativeBinomial
from evaluation.fitting.segments import SHOCK
from evaluation.shifts import ShiftTest

__all__ = ["InterruptedSeries"]


@dataclass(frozen=True, repr=False, eq=False)
class InterruptedSeries(Unprinted):
    """A segmented quasi-Poisson regression of one monthly series.

    Attributes
    ----------
    ratio, low, high : float
        Rate after / the rate that level, trend, season and shocks lead one to expect, and its t interval, above 0.
        With a slope: at the middle of the months after.
    p : float
        Two-sided, t with n - p degrees of freedom.
    low_normal, high_normal : float
        The interval with the normal quantile, as many publications print it.
    detectable : (fall, rise)
        The ratios nearest to 1 that a series of this length and noise would have shown at 5 % four times in five.
    dispersion : float
        Pearson chi-square / (n - p); 1 for Poisson counts, and not kept from falling below 1.
    residual_acf : Series
        Autocorrelation of the Pearson residuals at lags of 1 to 12 calendar months, -1 to 1.
    during : PhaseRatio or None
        The same ratio for the months during; None where there are none, or none with an event.
    negative_binomial : NegativeBinomial
        The ratio after with variance mean + alpha x mean^2.
    averted : Averted
        Expected minus observed events after.
    shift : ShiftTest
        The shift test of the same model without its steps: without exposure and shocks, `shift_test` with
        `trend=True` and the same harmonics.
    shocks : DataFrame
        A row a declared shock: ratio, low, high (rate in its months / rate without it), months, months_during,
        months_after, inflation (variance of the log ratio after / what it would be without this term).
    coefficients : DataFrame
        A row a term: estimate and standard error on the log scale.
    months : Series
        Observed months: before, during, after; and missing.
    cautions : tuple of str
        Sentences that belong beside the result.
    level : float
        Confidence level, 0.95.
    fitted : DataFrame
        A row a month: what was counted, fitted, and expected without the operation, with limits; `series_plot` of
        `evaluation.fitting.screens` draws it on one's own screen.
    """

    ratio: float
    low: float
    high: float
    p: float
    low_normal: float
    high_normal: float
    detectable: tuple[float, float]
    dispersion: float
    residual_acf: pd.Series
    during: PhaseRatio | None
    negative_binomial: NegativeBinomial
    averted: Averted
    shift: ShiftTest
    shocks: pd.DataFrame
    coefficients: pd.DataFrame
    months: pd.Series
    cautions: tuple[str, ...]
    level: float
    fitted: pd.DataFrame = field(repr=False)

    def summary(self) -> str:
        """Say what could have been seen, the change, what qualifies it and what it does not show."""
        acf, a, nb, m = float(self.residual_acf.iloc[0]), self.averted, self.negative_binomial, self.months
        fall, rise = self.detectable
        known = "level, trend, season and shocks" if len(self.shocks) else "level, trend and season"
        during = ""
        if self.during is not None:
            limits = say_interval(self.during.low, self.during.high, self.level)
            during = f"During the operation it was {say_number(self.during.ratio)} times ({limits}). "
        said = (
            f"{m['before']} months before, {m['during']} during and {m['after']} after. A series like this shows a "
            f"fall to {say_number(fall)} times, or a rise to {say_number(rise)} times, {100 * POWER:.0f} times in 100. "
            f"The rate after was {say_number(self.ratio)} times what {known} lead one to expect "
            f"({say_interval(self.low, self.high, self.level)}; {say_p(self.p)}). {during}With a negative binomial: "
            f"{say_number(nb.ratio)} ({say_interval(nb.low, nb.high, self.level)}). Expected minus observed: "
            f"{say_number(a.value)} events ({say_interval(a.low, a.high, self.level)}). Variance / Poisson variance: "
            f"{say_number(self.dispersion)}; residual correlation from month to month: {say_number(acf)}: where it is "
            "above 0 the interval and p are too sure. Shift test without that assumption: "
            f"{say_p(self.shift.p)} (not below {self.shift.p_floor:.3f})."
        )
        limits = (
            "This is a change in recorded events at that time in one series; it does not show what caused it, nor what "
            "happened without being recorded."
        )
        return " ".join([said, *self.cautions, limits])

    def to_frame(self) -> pd.DataFrame:
        """Return a row a quantity: value, low, high, p; a row a shock at the end."""
        a, nb, nan = self.averted, self.negative_binomial, float("nan")
        rows = {"ratio": (self.ratio, self.low, self.high, self.p)}
        if self.during is not None:
            rows["ratio_during"] = (self.during.ratio, self.during.low, self.during.high, self.during.p)
        rows |= {
            "ratio_negative_binomial": (nb.ratio, nb.low, nb.high, nb.p),
            "averted": (a.value, a.low, a.high, nan),
            "detectable_fall": (self.detectable[0], nan, nan, nan),
            "detectable_rise": (self.detectable[1], nan, nan, nan),
            "dispersion": (self.dispersion, nan, nan, nan),
            "residual_acf_1": (float(self.residual_acf.iloc[0]), nan, nan, nan),
            "shift": (self.shift.statistic, nan, nan, self.shift.p),
            "shift_p_floor": (self.shift.p_floor, nan, nan, nan),
        }
        for name, shock in self.shocks.iterrows():
            rows[f"{SHOCK}{name}"] = (*shock[["ratio", "low", "high"]], nan)
        columns = ["value", "low", "high", "p"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("quantity")
