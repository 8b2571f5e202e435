"""Did one monthly series change when an operation started, given its trend, its season and known shocks?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationWarning

from evaluation.counts import Checks
from evaluation.fitting.allowances import say_shocks, shock_table, term_ratio
from evaluation.fitting.averted import Averted, averted_events
from evaluation.fitting.contrasts import log_ratio
from evaluation.fitting.detectable import detectable_ratios
from evaluation.fitting.fitted import fitted_months
from evaluation.fitting.interrupted import InterruptedSeries
from evaluation.fitting.negative_binomial import negative_binomial
from evaluation.fitting.qualifications import Fitted, autocorrelation, qualifications
from evaluation.fitting.segments import Segments, segment
from evaluation.months import DURING, Month, MonthlyCounts, align, check_harmonics
from evaluation.shifts import ShiftTest, plain_shift, shift_test, terms_without_step
from evaluation.shocks import Shock

__all__ = ["Averted", "InterruptedSeries", "ShiftTest", "Shock", "interrupted_series", "shift_test"]

Array = npt.NDArray[np.float64]

_LEVEL = 0.95
# A month expected to have less than this share of the mean month: some term ran off to minus infinity.
_VANISHED = 1e-5
_UNSOLVED = 1e-6  # of all events, left over by the equations that the coefficients solve
_NO_NOISE = 1e-6


def interrupted_series(
    counts: MonthlyCounts,
    start: Month,
    end: Month | None = None,
    *,
    exposure: MonthlyCounts | None = None,
    harmonics: int = 2,
    slope: bool = False,
    shocks: Sequence[Shock] | None = None,
) -> InterruptedSeries:
    """Fit log mean = log exposure + level + trend + step (+ during + slope) + season + shocks, quasi-Poisson.

    Parameters
    ----------
    counts : Series, list or array of whole numbers
        Events a month; see `evaluation.months.align` for the index. NaN and gaps are missing months.
    start, end : month
        With an `end` there are three phases: months in [start, end) have a step of their own, reported apart; the
        ratio compares after with before.
    exposure : Series, list or array, optional
        Population or time at risk, a month each, any unit.
    harmonics : int, default 2
        Pairs of yearly waves.
    slope : bool, default False
        Also let the trend change after; `ratio` is then the one at the middle of the months after.
    shocks : sequence of Shock, optional
        Known events beside the operation, declared before the counts are seen: each gets a step in its months.

    Returns
    -------
    InterruptedSeries
        .ratio .low .high .p .during .negative_binomial .dispersion .residual_acf .averted .shift .shocks .detectable

    Raises
    ------
    StudyError
        When the series do not fit together, a phase has no event or too few months (fewer than 12 before or 2 after,
        fewer than 24 before and 6 after, fewer than 4 events to be expected after), there are too few months for the
        terms, or a shock cannot be told from the operation.

    Notes
    -----
    Quasi-Poisson: the variance is dispersion x mean, errors are independent given the terms, limits use t(n - p). It
    fails when residuals are autocorrelated or the trend is not straight on the log scale: take `change_test` for a
    headline. No autocorrelation-robust (Newey-West) error is given: in short series it rejects 17 to 49 % without any
    change. `averted` holds both the parameters' uncertainty and the noise of the counts.

    References
    ----------
    Bernal, Cummins and Gasparrini (2017), International Journal of Epidemiology 46:348.
    """
    checks = Checks("interrupted_series")
    check_harmonics(checks, harmonics)
    months = align(checks, counts, (start, end), exposure=exposure)
    parts = segment(checks, months, counts, harmonics=harmonics, slope=slope, shocks=shocks)
    return _read(parts, _fit(checks, parts), harmonics)


def _fit(checks: Checks, parts: Segments) -> Any:
    """Fit the regression; refuse one whose terms run off or that leaves no noise."""
    model = sm.GLM(parts.months.counts, parts.terms.to_numpy(), sm.families.Poisson(), offset=parts.offset)
    with warnings.catch_warnings():
        # what these two warn of is refused below, in words
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        fit = model.fit(scale="X2")
    monthly = fit.mu / parts.months.exposure
    rule = "has months without any event that a term has to itself, and a rate of 0 has no logarithm"
    remedy = "Use fewer terms, or set these months to missing"
    # statsmodels' own flag turns on a deviance divided by the dispersion, and fails where there is little of it
    left = np.abs(parts.terms.to_numpy().T @ (parts.months.counts - fit.mu)).max()
    solved = left <= _UNSOLVED * parts.months.counts.sum() and monthly.min() > _VANISHED * monthly.mean()
    checks.require(bool(solved), "counts", rule, remedy)
    rule = "does not vary beside its terms, so that nothing says how far chance goes"
    checks.require(fit.scale > _NO_NOISE, "counts", rule, "Use `rate_ratio`, which takes counts for Poisson")
    checks.done()
    return fit


def _read(parts: Segments, fit: Any, harmonics: int) -> InterruptedSeries:
    """Turn a fitted regression into the answer."""
    months, df, dispersion = parts.months, float(fit.df_resid), float(fit.scale)
    estimate, covariance = np.asarray(fit.params), np.asarray(fit.cov_params())
    change = log_ratio(parts.contrast, estimate, covariance, df)
    after, (low_normal, high_normal) = change.phase(_LEVEL), change.limits(_LEVEL, normal=True)
    acf = autocorrelation(np.asarray(fit.resid_pearson), months.position)
    other = negative_binomial(months.counts, parts.terms.to_numpy(), parts.offset, parts.contrast, level=_LEVEL)
    shift, shocks = _shift(parts, harmonics), shock_table(parts, fit, level=_LEVEL)
    fitted = Fitted(
        after=after,
        negative_binomial=(other.low, other.high),
        shift_p=shift.p,
        dispersion=dispersion,
        acf=float(acf.iloc[0]),
        df=df,
        mean=float(months.counts.mean()),
        n=len(months.counts),
    )
    return InterruptedSeries(
        ratio=after.ratio,
        low=after.low,
        high=after.high,
        p=after.p,
        low_normal=low_normal,
        high_normal=high_normal,
        detectable=_detectable(parts, estimate, dispersion),
        dispersion=dispersion,
        residual_acf=acf,
        during=term_ratio(parts, fit, "during", level=_LEVEL) if "during" in parts.terms else None,
        negative_binomial=other,
        averted=_averted(parts, fit),
        shift=shift,
        shocks=shocks,
        coefficients=pd.DataFrame(
            {"estimate": estimate, "se": np.sqrt(np.diag(covariance))}, index=parts.terms.columns
        ),
        months=parts.tally,
        cautions=(*parts.notes, *say_shocks(shocks), *qualifications(fitted, level=_LEVEL)),
        level=_LEVEL,
        fitted=_fitted(parts, fit),
    )


def _fitted(parts: Segments, fit: Any) -> pd.DataFrame:
    """Lay counts, fitted means and their limits side by side."""
    return fitted_months(
        parts.months,
        parts.terms.to_numpy(),
        parts.without_operation.to_numpy(),
        np.asarray(fit.params),
        np.asarray(fit.cov_params()),
        quantile=float(stats.t.ppf((1 + _LEVEL) / 2, float(fit.df_resid))),
    )


def _detectable(parts: Segments, estimate: Array, dispersion: float) -> tuple[float, float]:
    """Return the smallest fall and rise that the months would have shown."""
    monthly = parts.months.exposure * np.exp(parts.without_operation.to_numpy() @ estimate)
    terms = parts.terms.to_numpy()
    return detectable_ratios(terms, monthly, parts.months.after, parts.contrast, dispersion=dispersion, level=_LEVEL)


def _averted(parts: Segments, fit: Any) -> Averted:
    """Return expected minus observed events over the observed months after, had there been no operation."""
    after = parts.months.after
    unchanged = parts.without_operation.to_numpy()[after]
    return averted_events(
        parts.months.exposure[after] * np.exp(unchanged @ np.asarray(fit.params)),
        unchanged,
        np.asarray(fit.cov_params()),  # holds the dispersion already
        float(fit.scale),
        observed=float(parts.months.counts[after].sum()),
        quantile=float(stats.t.ppf((1 + _LEVEL) / 2, float(fit.df_resid))),
    )


def _shift(parts: Segments, harmonics: int) -> ShiftTest:
    """Return the shift test of the model without the operation's terms, over the months before and after."""
    outside = parts.months.phase != DURING
    still = parts.months.take(outside)
    shocks = parts.terms.loc[outside, parts.shocks].to_numpy()
    waves = terms_without_step(still.position, harmonics, trend=True)
    # a shock that lies within the months during touches none of these
    waves = np.column_stack([waves, shocks[:, shocks.any(axis=0)]])
    return plain_shift(still.counts, still.after, waves, np.log(still.exposure))
