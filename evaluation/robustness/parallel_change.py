"""How far may treated and comparison areas have drifted apart by themselves before the conclusion falls?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from commonground.periods import Period
from commonground.pickles import Exact
from evaluation.changes import ChangeTest
from evaluation.counts import say_interval, say_number, say_p
from evaluation.dispersion import share_dispersion
from evaluation.headline.eligibility import usable
from evaluation.robustness.diagnostic import FAILED, INFORMATIONAL, PASSED, Diagnostic
from evaluation.robustness.refits import Setting, setting

__all__ = ["parallel_change"]

Array = npt.NDArray[np.float64]

_MULTIPLES = (0.0, 0.5, 1.0, 2.0)  # of the largest movement before
_WINDOWS = 3  # at least, so that there are two movements
_LEAST_LENGTH = 2  # months in a window
_BEYOND = 0.05  # p at which movements or a trend before are taken for more than chance

QUESTION = "How far may treated and comparison areas have drifted apart by themselves before the conclusion falls?"
SAID = {
    PASSED: (
        "The conclusion stands even if treated and comparison areas had drifted apart after the start by as much as "
        "they ever did from one stretch of time to the next before it. A larger drift would still undo it."
    ),
    FAILED: (
        "Before the operation treated and comparison areas already drifted apart by more than chance, and a drift like "
        "that after the start would be enough to undo the conclusion."
    ),
    INFORMATIONAL: (
        "How far treated and comparison areas drift apart by themselves could not judge this result: there is no firm "
        "change, no comparison, or the movements before the operation are no larger than chance makes them and yet "
        "large enough to hide a drift that would undo the conclusion."
    ),
}


@dataclass(frozen=True, repr=False, eq=False)
class _Past(Exact):
    """How the log odds of treated against comparison events moved before.

    Attributes
    ----------
    length, windows : int
    largest : float
        Largest change of the log odds from one window to the next.
    p : float
        Of equal shares in all windows.
    slope, slope_se, p_slope : float
        Trend of the log odds a month.
    df : int
        Degrees of freedom of its dispersion.
    """

    length: int
    windows: int
    largest: float
    p: float
    slope: float
    slope_se: float
    p_slope: float
    df: int


def parallel_change(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: Sequence[str] = (),
    *,
    change: ChangeTest | None = None,
) -> Diagnostic:
    """Bound the conclusion under violations of parallel change as large as those seen before the operation.

    The months before are cut, from the last backwards, into windows as long as the time after (a third of the months
    before, if that is less). d is the largest change of log[(T + .5) / (C + .5)] from one window to the next. The
    interval of the ratio is widened on the log scale by M d on both sides, for M = 0, .5, 1, 2; the breakdown M is
    where it first touches 1. Second, a straight trend of the log odds before is continued through the time after and
    taken away from the ratio.

    Parameters
    ----------
    monthly : DataFrame, months by zone
        Events a month: treated and the comparison areas; NaN where nobody observed.
    phases : mapping with before and after
    comparison : sequence of str, default ()
        Columns of the comparison areas; added up.
    change : ChangeTest, optional
        The headline, where it is known already.

    Returns
    -------
    Diagnostic
        figures: bound (relative, trend), multiple (M; NaN for trend), low, high, holds (the interval leaves 1 out),
        breakdown, movement (exp d), p_movement, slope (log a month), p_slope. Failed, of a firm change: the breakdown
        is below 1 and the windows differ by more than chance (p <= .05), or there is a trend (p <= .05) and without it
        the interval covers 1. Passed: the breakdown is at least 1 and no such trend. Informational otherwise: also
        where the breakdown is below 1 though the windows differ by no more than chance.

    Raises
    ------
    StudyError
        When the table, the phases or the columns do not fit together.

    Notes
    -----
    p_movement: F test of equal treated shares in all windows, chi-square over `share_dispersion` of the months; p_slope
    and the trend: one Newton step of a logistic regression from no trend, which is the Cochran-Armitage test, with the
    same dispersion and t. Both are too sure where months follow one another alike.

    d is itself noisy, and nothing is taken off for that: at small counts d is mostly chance and the bounds are far too
    wide, so a breakdown below 1 condemns only where movements are more than chance. That they are not does not show
    that change was parallel: such a test has little power (Roth 2022). M bounds the drift between the whole time
    before and the time after, not between neighbouring windows, so a steady trend over long times exceeds M = 1; that
    is what the trend is for. Unlike the bounds of the reference these carry no coverage guarantee at M > 0.

    References
    ----------
    Rambachan and Roth (2023), Review of Economic Studies 90:2555, adapted: relative magnitudes, and smoothness at
    M = 0. Roth (2022), American Economic Review: Insights 4:305. Armitage (1955), Biometrics 11:375.
    """
    given = setting("parallel_change", monthly, phases, comparison, change)
    past = _past(given)
    headline = given.change
    if past is None or headline.refused:
        answer = "There is no p, no comparison with events, or no window before without a gap in events."
        return Diagnostic("parallel change", QUESTION, INFORMATIONAL, answer, pd.DataFrame(), SAID[INFORMATIONAL])
    low, high = _logs(headline)
    nearest = max(low, -high, 0.0)  # distance of the interval from no change
    breakdown = nearest / past.largest if past.largest else (math.inf if nearest else 0.0)
    rows = [("relative", m, low - m * past.largest, high + m * past.largest) for m in _MULTIPLES]
    rows.append(("trend", math.nan, *_without_trend(given, past)))
    figures = pd.DataFrame(rows, columns=["bound", "multiple", "low", "high"])
    figures["holds"] = (figures["low"] > 0) | (figures["high"] < 0)
    figures[["low", "high"]] = np.exp(figures[["low", "high"]])
    figures = figures.assign(
        breakdown=breakdown, movement=math.exp(past.largest), p_movement=past.p, slope=past.slope, p_slope=past.p_slope
    )
    status, answer = _read(headline, past, figures)
    return Diagnostic("parallel change", QUESTION, status, answer, figures, SAID[status])


def _past(given: Setting) -> _Past | None:
    """Measure how treated and comparison areas moved against each other before; None where they cannot be set so."""
    whole = given.start - given.first
    length = min(given.length, whole // _WINDOWS)
    used, _ = usable(given.months)
    used = used.take(~used.after)
    counts, areas, month = used.counts, used.control.sum(axis=1), used.position.astype(float)
    if length < _LEAST_LENGTH or not counts.sum() or not areas.sum():
        return None
    spread = share_dispersion(pd.Series(counts), pd.Series(areas))
    number = (given.start - 1 - used.position) // length  # 0 is the last window before the start
    windows = whole // length
    treated, others = (np.bincount(number, each, windows)[:windows].astype(float) for each in (counts, areas))
    if not (treated + others).all():
        return None
    moves = np.abs(np.diff(np.log((treated + 0.5) / (others + 0.5))))
    slope, se = _trend(month, counts, areas)
    se *= math.sqrt(spread.phi)
    return _Past(
        length=length,
        windows=windows,
        largest=float(moves.max()),
        p=_unequal(treated, others, spread.phi, spread.df),
        slope=slope,
        slope_se=se,
        p_slope=float(2 * stats.t.sf(abs(slope) / se, spread.df)),
        df=spread.df,
    )


def _unequal(treated: Array, others: Array, phi: float, df: int) -> float:
    """Return the p of equal treated shares in all windows."""
    total = treated + others
    share = treated.sum() / total.sum()
    squares = float(((treated - total * share) ** 2 / (total * share * (1 - share))).sum())
    return float(stats.f.sf(squares / (len(treated) - 1) / phi, len(treated) - 1, df))


def _trend(month: Array, treated: Array, others: Array) -> tuple[float, float]:
    """Return the first step of a logistic regression on the month, and its standard error if Poisson."""
    total = treated + others
    share = treated.sum() / total.sum()
    centred = month - float(total @ month) / total.sum()
    information = float(share * (1 - share) * (total @ centred**2))
    return float(centred @ (treated - total * share)) / information, 1 / math.sqrt(information)


def _logs(change: ChangeTest) -> tuple[float, float]:
    low, high = (math.log(limit) if limit > 0 else -math.inf for limit in (change.low, change.high))
    return low, high


def _without_trend(given: Setting, past: _Past) -> tuple[float, float]:
    """Return the log limits of the ratio with the trend before continued and taken away."""
    used, _ = usable(given.months)
    apart = float(used.position[used.after].mean() - used.position[~used.after].mean())
    level = float(stats.t.ppf((1 + given.change.level) / 2, past.df))
    error = level * past.slope_se * apart
    estimate = math.log(given.change.ratio) if given.change.ratio > 0 else -math.inf
    limits = []
    for limit, sign in zip(_logs(given.change), (-1, 1), strict=True):
        gap = abs(limit - estimate) if math.isfinite(limit) and math.isfinite(estimate) else math.nan
        reach = estimate + sign * math.hypot(gap, error) if not math.isnan(gap) else limit + sign * error
        limits.append(reach - past.slope * apart)
    return limits[0], limits[1]


def _read(change: ChangeTest, past: _Past, figures: pd.DataFrame) -> tuple[str, str]:
    """Return the status and the answer."""
    trend = figures[figures["bound"] == "trend"].iloc[0]
    breakdown = float(figures["breakdown"].iloc[0])
    answer = (
        f"From one of {past.windows} windows of {past.length} months before to the next the ratio of treated to "
        f"comparison events moved by at most {say_number(math.exp(past.largest))} times (all windows alike: "
        f"{say_p(past.p)}); the interval touches 1 at {say_number(breakdown)} times that movement. With the trend "
        f"before ({100 * math.expm1(past.slope):.1f} % a month, {say_p(past.p_slope)}) taken away: "
        f"{say_interval(trend['low'], trend['high'], change.level)}."
    )
    if not change.firm:
        return INFORMATIONAL, answer
    undone_by_trend = past.p_slope <= _BEYOND and not trend["holds"]
    if undone_by_trend or (breakdown < 1 and past.p <= _BEYOND):
        return FAILED, answer
    return (PASSED if breakdown >= 1 else INFORMATIONAL), answer
