"""Did one monthly series change when an operation started, given its trend and its season?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p
from evaluation.months import DURING, Month, MonthlyCounts, Months, align, check_harmonics, observed, season
from evaluation.shifts import ShiftTest, plain_shift, shift_test, terms_without_step

__all__ = ["Averted", "InterruptedSeries", "ShiftTest", "interrupted_series", "shift_test"]

Array = npt.NDArray[np.float64]

_LAGS = 12
_LEVEL = 0.95


@dataclass(frozen=True, repr=False)
class Averted(Unprinted):
    """Events expected from the months before, minus events observed, over the months after.

    Attributes
    ----------
    value, low, high : float
        Events; negative when more were observed than expected. The limits hold parameter uncertainty and count noise.
    expected, observed : float
        Events in the months after.
    """

    value: float
    low: float
    high: float
    expected: float
    observed: float


@dataclass(frozen=True, repr=False, eq=False)
class InterruptedSeries(Unprinted):
    """A segmented quasi-Poisson regression of one monthly series.

    Attributes
    ----------
    ratio, low, high : float
        Rate after / the rate that level, trend and season lead one to expect, and its t interval, above 0. With a
        slope: at the middle of the months after.
    p : float
        Two-sided, t with n - p degrees of freedom.
    low_normal, high_normal : float
        The interval with the normal quantile, as many publications print it.
    dispersion : float
        Pearson chi-square / (n - p); 1 for Poisson counts, and not kept from falling below 1.
    residual_acf : Series
        Autocorrelation of the Pearson residuals at lags of 1 to 12 calendar months, -1 to 1.
    averted : Averted
        Expected minus observed events after.
    shift : ShiftTest
        The shift test of the same model without its steps: without exposure, `shift_test` with `trend=True` and the
        same harmonics.
    coefficients : DataFrame
        A row a term: estimate and standard error on the log scale.
    level : float
        Confidence level, 0.95.
    """

    ratio: float
    low: float
    high: float
    p: float
    low_normal: float
    high_normal: float
    dispersion: float
    residual_acf: pd.Series
    averted: Averted
    shift: ShiftTest
    coefficients: pd.DataFrame
    level: float

    def summary(self) -> str:
        """Say the change, what qualifies it and what it does not show."""
        acf = float(self.residual_acf.iloc[0])
        a = self.averted
        return (
            f"The rate after was {say_number(self.ratio)} times what level, trend and season lead one to expect "
            f"({say_interval(self.low, self.high, self.level)}; {say_p(self.p)}). Expected minus observed: "
            f"{say_number(a.value)} events ({say_interval(a.low, a.high, self.level)}). Variance / Poisson variance: "
            f"{say_number(self.dispersion)}; residual correlation from month to month: {say_number(acf)}: where it is "
            "above 0 the interval and p are too sure. Shift test without that assumption: "
            f"{say_p(self.shift.p)} (not below {self.shift.p_floor:.3f}). This is a change in recorded events at that "
            "time in one series; it does not show what caused it, nor what happened without being recorded."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row a quantity: value, low, high, p."""
        a = self.averted
        nan = float("nan")
        return pd.DataFrame(
            {
                "value": [self.ratio, a.value, self.dispersion, float(self.residual_acf.iloc[0]), self.shift.statistic],
                "low": [self.low, a.low, nan, nan, nan],
                "high": [self.high, a.high, nan, nan, nan],
                "p": [self.p, nan, nan, nan, self.shift.p],
            },
            index=pd.Index(["ratio", "averted", "dispersion", "residual_acf_1", "shift"], name="quantity"),
        )


def interrupted_series(
    counts: MonthlyCounts,
    start: Month,
    end: Month | None = None,
    *,
    exposure: MonthlyCounts | None = None,
    harmonics: int = 2,
    slope: bool = False,
) -> InterruptedSeries:
    """Fit log mean = log exposure + level + trend + step (+ slope) + season, quasi-Poisson.

    Parameters
    ----------
    counts : Series, list or array of whole numbers
        Events a month; see `evaluation.months.align` for the index. NaN and gaps are missing months.
    start, end : month
        With an `end` there are three phases: months in [start, end) have a step of their own.
    exposure : Series, list or array, optional
        Population or time at risk, a month each, any unit.
    harmonics : int, default 2
        Pairs of yearly waves.
    slope : bool, default False
        Also let the trend change after; `ratio` is then the one at the middle of the months after.

    Returns
    -------
    InterruptedSeries
        .ratio .low .high .p .dispersion .residual_acf .averted .shift

    Raises
    ------
    StudyError
        When the series do not fit together, a phase has no event, or there are too few months for the terms.

    Notes
    -----
    Quasi-Poisson: the variance is dispersion x mean, errors are independent given the terms, limits use t(n - p). It
    fails when residuals are autocorrelated or the trend is not straight on the log scale. `averted` has variance
    dispersion x (g' cov g + expected), g the gradient of the expected sum, so both the parameters' uncertainty and
    the noise of the counts are in it.

    References
    ----------
    Bernal, Cummins and Gasparrini (2017), International Journal of Epidemiology 46:348.
    """
    checks = Checks("interrupted_series")
    check_harmonics(checks, harmonics)
    months = align(checks, counts, (start, end), exposure=exposure)
    months = observed(checks, months, during=True)
    terms = _terms(months, harmonics, slope)
    n, p = len(months.counts), terms.shape[1]
    for phase in np.unique(months.phase):
        rule = "has no event before, during or after, and a rate of 0 has no logarithm"
        checks.require(
            months.counts[months.phase == phase].sum() > 0, "counts", rule, "Use change_test: it allows zeros"
        )
    enough = n > p + 1 and np.linalg.matrix_rank(terms.to_numpy()) == p
    checks.require(bool(enough), "counts", f"has too few months for {p} terms", "Use fewer harmonics, or no slope")
    checks.done()
    fit = sm.GLM(months.counts, terms.to_numpy(), sm.families.Poisson(), offset=np.log(months.exposure)).fit(scale="X2")
    return _read(months, terms, fit, harmonics)


def _terms(months: Months, harmonics: int, slope: bool) -> pd.DataFrame:
    """Return the regression terms, named; trend and slope in years, so that coefficients can be read."""
    years = (months.position - months.position[0]) / 12
    terms = {"level": np.ones(len(years)), "trend": years, "step": months.after.astype(float)}
    if (months.phase == DURING).any():
        terms["during"] = (months.phase == DURING).astype(float)
    if slope:
        terms["slope"] = np.where(months.after, years - years[months.after][0], 0.0)
    for i, wave in enumerate(season(months.position, harmonics).T):
        terms[f"{('sine', 'cosine')[i % 2]} {i // 2 + 1}"] = wave
    return pd.DataFrame(terms)


def _read(months: Months, terms: pd.DataFrame, fit: Any, harmonics: int) -> InterruptedSeries:
    """Turn a fitted regression into the answer."""
    estimate, covariance, dispersion = np.asarray(fit.params), np.asarray(fit.cov_params()), float(fit.scale)
    contrast = np.zeros(terms.shape[1])
    for name in {"step", "slope"} & set(terms):
        contrast[terms.columns.get_loc(name)] = terms.loc[months.after, name].mean()
    log_ratio, se = float(contrast @ estimate), float(np.sqrt(contrast @ covariance @ contrast))
    df = float(fit.df_resid)
    t, z = (float(law.ppf((1 + _LEVEL) / 2)) for law in (stats.t(df), stats.norm()))
    low, high, low_normal, high_normal = np.exp(log_ratio + se * np.array([-t, t, -z, z])).tolist()
    standard_errors = np.sqrt(np.diag(covariance))
    still = months.take(months.phase != DURING)
    waves = terms_without_step(still.position, harmonics, trend=True)
    return InterruptedSeries(
        ratio=float(np.exp(log_ratio)),
        low=low,
        high=high,
        p=float(2 * stats.t(df).sf(abs(log_ratio) / se)),
        low_normal=low_normal,
        high_normal=high_normal,
        dispersion=dispersion,
        residual_acf=_autocorrelation(np.asarray(fit.resid_pearson), months.position),
        averted=_averted(months, terms, estimate, covariance, dispersion, t),
        shift=plain_shift(still.counts, still.after, waves, np.log(still.exposure)),
        coefficients=pd.DataFrame({"estimate": estimate, "se": standard_errors}, index=terms.columns),
        level=_LEVEL,
    )


def _autocorrelation(residuals: Array, position: npt.NDArray[np.int64]) -> pd.Series:
    """Return the autocorrelation at calendar lags; pairs with a missing month are left out."""
    centred = residuals - residuals.mean()
    products = np.outer(centred, centred)
    apart = position[None, :] - position[:, None]
    lags = range(1, min(_LAGS, int(apart.max())) + 1)
    values = [products[apart == lag].sum() / (centred @ centred) for lag in lags]
    return pd.Series(values, index=pd.Index(lags, name="lag"), name="residual_acf")


def _averted(
    months: Months, terms: pd.DataFrame, estimate: Array, covariance: Array, dispersion: float, quantile: float
) -> Averted:
    """Return expected minus observed events over the observed months after, had no step or slope come."""
    unchanged = terms.assign(**dict.fromkeys({"step", "slope"} & set(terms), 0.0)).to_numpy()[months.after]
    monthly = months.exposure[months.after] * np.exp(unchanged @ estimate)
    expected, events = float(monthly.sum()), float(months.counts[months.after].sum())
    gradient = monthly @ unchanged
    # cov_params() already holds the dispersion; the noise of the counts to be expected is added to it
    spread = quantile * float(np.sqrt(gradient @ covariance @ gradient + dispersion * expected))
    low, high = max(expected - spread, 0.0) - events, expected + spread - events
    return Averted(expected - events, low, high, expected, events)
