"""Which numbers of an outcome stand in the evaluation table?"""

from __future__ import annotations

import math
from typing import Any

from commonground.study import Outcome
from evaluation.displacement import WDD
from evaluation.judging.outcomes import OutcomeResult
from evaluation.series import InterruptedSeries

__all__ = ["CHECKS", "NOT_MADE", "check_column", "table_row"]

#: Columns of the evaluation table that hold how each check of an outcome ended: passed, failed, informational.
CHECKS = (
    "check_placebo_dates", "check_placebo_outcomes", "check_comparison_swaps", "check_window_lengths",
    "check_parallel_change", "check_e_value",
)  # fmt: skip
NOT_MADE = "not made"
_SERIES_CELLS = (
    "series_ratio", "series_low", "series_high", "averted", "averted_low", "averted_high", "autocorrelation",
)  # fmt: skip
_WDD_CELLS = ("wdd", "wdd_se", "wdd_se_poisson", "wdd_low", "wdd_high")


def table_row(outcome: Outcome, result: OutcomeResult) -> dict[str, Any]:
    """Return the numbers of one outcome as a row of the evaluation table, without its verdict."""
    change, relative = result.change, result.relative
    low, high = outcome.reporting or (math.nan, math.nan)
    return {
        "outcome": outcome.name,
        "label": outcome.label,
        "goal": outcome.goal,
        "good": outcome.good,
        "primary": outcome.primary,
        "reports": outcome.reports,
        "margin": outcome.margin,
        "smallest_fall": result.power.smallest_fall if result.power else math.nan,
        "smallest_rise": result.power.smallest_rise if result.power else math.inf,
        **_counts(result),
        "ratio": change.ratio,
        "low": change.low,
        "high": change.high,
        "p": change.p,
        "p_shift": change.shift_p,
        "p_floor": math.nan if change.p_floor is None else change.p_floor,
        "p_exact": change.exact_p,
        "firm": change.firm,
        "relative_ratio": relative.ratio if relative else math.nan,
        "relative_low": relative.low if relative else math.nan,
        "relative_high": relative.high if relative else math.nan,
        "dispersion": relative.dispersion if relative else math.nan,
        **_own_series(result.series),
        "reporting_low": low,
        "reporting_high": high,
        "refused": change.refused or "",
        "cautions": " ".join(change.warnings),
        **dict.fromkeys(CHECKS, NOT_MADE),
        **{check_column(one.name): one.status for one in result.diagnostics},
        **_difference(result.wdd),
    }


def check_column(name: str) -> str:
    """Return the column of the table that holds how a check ended.

    Examples
    --------
    >>> check_column("placebo dates")
    'check_placebo_dates'
    """
    return f"check_{name.lower().replace(' ', '_').replace('-', '_')}"


def _own_series(series: InterruptedSeries | None) -> dict[str, float]:
    """Return the sensitivity and the events averted; NaN where the series could not be fitted."""
    if series is None:
        return dict.fromkeys(_SERIES_CELLS, math.nan)
    averted, memory = series.averted, float(series.residual_acf.iloc[0])
    values = (series.ratio, series.low, series.high, averted.value, averted.low, averted.high, memory)
    return dict(zip(_SERIES_CELLS, values, strict=True))


def _counts(result: OutcomeResult) -> dict[str, float]:
    change, (earlier, later) = result.change, result.matched
    sums = {
        (zone, when): float(result.monthly.loc[months, zone].sum())
        for zone in ("treated", "ring")
        if zone in result.monthly
        for when, months in (("before", earlier), ("after", later))
    }
    return {
        "months_before": change.months_before,
        "months_after": change.months_after,
        "before": change.before,
        "after": change.after,
        "matched_months": len(earlier),
        "matched_before": sums["treated", "before"],
        "matched_after": sums["treated", "after"],
        "ring_before": sums.get(("ring", "before"), math.nan),
        "ring_after": sums.get(("ring", "after"), math.nan),
        "comparison_before": math.nan if change.comparison_before is None else change.comparison_before,
        "comparison_after": math.nan if change.comparison_after is None else change.comparison_after,
        "comparison_areas": change.n_comparison,
    }


def _difference(difference: WDD | None) -> dict[str, float]:
    if difference is None:
        return dict.fromkeys(_WDD_CELLS, math.nan)
    total = difference.total
    return dict(zip(_WDD_CELLS, (total.value, total.se, total.se_poisson, total.low, total.high), strict=True))
