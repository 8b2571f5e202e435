"""What may be said of each declared outcome: change shown, no change that matters, or cannot tell?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from commonground.errors import Problem, StudyError
from commonground.periods import Period, calendar
from commonground.study import Outcome, Study
from commonground.tallies import Tally
from evaluation.changes import ChangeTest, change_test
from evaluation.counts import Unprinted
from evaluation.dispersion import dispersion_from_counts, share_dispersion
from evaluation.displacement import WDD, wdd
from evaluation.panels import RelativeRateRatio, relative_rate_ratio
from evaluation.power import Design, Power, power
from evaluation.readings import read_row

__all__ = ["CANNOT_TELL", "CHANGE_SHOWN", "NO_CHANGE", "Evaluation", "OutcomeResult", "evaluate", "judge"]

CHANGE_SHOWN = "change shown"
NO_CHANGE = "no change that matters"
CANNOT_TELL = "cannot tell"
ALPHA = 0.05
Pair = tuple[float, float]


@dataclass(frozen=True, repr=False)
class OutcomeResult(Unprinted):
    """Everything computed for one outcome; exact, for looking at in memory.

    Attributes
    ----------
    power : Power
        What could have been seen; computed from the months before only.
    change : ChangeTest
        The headline.
    relative : RelativeRateRatio or None
        Against the comparison areas together, dispersion-inflated; None without comparison areas.
    wdd : WDD or None
        Weighted displacement difference with the ring; None without comparison areas.
    monthly : DataFrame
        Months by zone, exact.
    matched : pair of PeriodIndex
        The months that the displacement difference compares: after, and the same months of the year before.
    """

    power: Power
    change: ChangeTest
    relative: RelativeRateRatio | None
    wdd: WDD | None
    monthly: pd.DataFrame = field(repr=False)
    matched: tuple[pd.PeriodIndex, pd.PeriodIndex] = field(repr=False)


@dataclass(frozen=True, repr=False)
class Evaluation(Unprinted):
    """One verdict an outcome, the table they come from, and the text that reads the table.

    Attributes
    ----------
    results : mapping of outcome to OutcomeResult
    """

    results: Mapping[str, OutcomeResult]
    _frame: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an outcome, power first; exact, for looking at in memory."""
        return self._frame.copy()

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each outcome."""
        return dict(zip(self._frame["outcome"], self._frame["verdict"], strict=True))

    @property
    def text(self) -> str:
        """One paragraph an outcome; every number in it is a cell of the table."""
        return "\n\n".join(self.read(row) for row in self._frame.to_dict("records"))

    def read(self, row: Mapping[str, Any]) -> str:
        """Put one row of the table, exact or rounded, into words."""
        return read_row(row)

    def summary(self) -> str:
        """Return the text: what could be seen, what was, and what it does not show."""
        return self.text


def evaluate(study: Study) -> Evaluation:
    """Compare before and after for every declared outcome, power first.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Evaluation

    Raises
    ------
    StudyError
        When an outcome has no events at all, listed for all outcomes at once.

    Notes
    -----
    Headline: `change_test` of the treated zone against the comparison areas. A change is shown when it is firm and its p,
    adjusted by Holm over the declared primary outcomes (Benjamini-Hochberg over the others), is at most .05. No change that
    matters: the interval lies inside the declared margin. Everything else: cannot tell.
    """
    tallies = {name: study.outcome_tally(name) for name in study.outcomes}
    empty = [name for name, counted in tallies.items() if not counted.to_frame()["value"].sum()]
    if empty:
        advice = "Correct what it selects, or drop it."
        raise StudyError(
            "some outcomes have no events.",
            [Problem(None, f"outcomes.{name}", "all counts are zero", advice) for name in empty],
        )
    results = {name: _one(study, counted) for name, counted in tallies.items()}
    frame = pd.DataFrame([_row(study.outcomes[name], result) for name, result in results.items()])
    frame["p_holm"] = _adjusted(frame)
    frame["verdict"] = [judge(row) for row in frame.to_dict("records")]
    order = [name for name in frame.columns if name not in ("p_holm", "verdict")]
    order.insert(order.index("p") + 1, "p_holm")
    return Evaluation(results=results, _frame=frame[[*order, "verdict"]])


def judge(row: Mapping[str, Any]) -> str:
    """Return the verdict of one row: it cannot outrun firm, p_holm, low, high and margin.

    Examples
    --------
    >>> judge({"firm": True, "p_holm": 0.01, "low": 0.3, "high": 0.8, "margin": 0.2})
    'change shown'
    >>> judge({"firm": False, "p_holm": 0.9, "low": 0.9, "high": 1.1, "margin": 0.2})
    'no change that matters'
    >>> judge({"firm": False, "p_holm": 0.3, "low": 0.4, "high": 1.1, "margin": 0.2})
    'cannot tell'
    """
    low, high, margin = row["low"], row["high"], row["margin"]
    inside = 1 / (1 + margin) <= low and high <= 1 + margin
    if inside:
        return NO_CHANGE  # even a change that is certain does not matter inside the declared margin
    return CHANGE_SHOWN if row["firm"] and row["p_holm"] <= ALPHA else CANNOT_TELL


def _one(study: Study, counted: Tally) -> OutcomeResult:
    monthly = counted.zone_series(study.zones)
    before, after = study.phases["before"], study.phases["after"]
    comparison = monthly[list(study.comparison)] if study.comparison else None
    past = monthly.index < pd.Period(before.end, "M")
    ended = after.start if after.start > before.end else None
    seen = _power(monthly[past], list(study.comparison), after.months)
    change = change_test(monthly["treated"], comparison, before.end, ended)
    if comparison is None:
        return OutcomeResult(seen, change, None, None, monthly, matched_windows(study.phases, monthly.dropna().index))
    pair = matched_windows(study.phases, monthly.dropna().index)
    sums = {
        zone: (float(monthly.loc[pair[0], zone].sum()), float(monthly.loc[pair[1], zone].sum())) for zone in monthly
    }
    control = (sum(sums[zone][0] for zone in study.comparison), sum(sums[zone][1] for zone in study.comparison))
    share = share_dispersion(monthly.loc[past, "treated"], comparison[past].sum(axis=1, min_count=comparison.shape[1]))
    relative, difference = None, None
    if len(pair[0]):
        relative = relative_rate_ratio(_whole(sums["treated"]), _whole(control), dispersion=tuple(share))
        difference = _wdd(sums, control, len(study.comparison), dispersion_from_counts(monthly[past]).phi)
    return OutcomeResult(seen, change, relative, difference, monthly, pair)


def matched_windows(phases: Mapping[str, Period], observed: pd.Index) -> tuple[pd.PeriodIndex, pd.PeriodIndex]:
    """Return the months of after and the same calendar months of the year before them, as far as both were observed.

    Where those do not all lie in before, the last months of before, as many as after has.

    Parameters
    ----------
    phases : mapping with before and after
    observed : PeriodIndex
        Months with counts for every zone.
    """
    before = pd.PeriodIndex([period.start for period in calendar(phases["before"], "month")], freq="M")
    after = pd.PeriodIndex([period.start for period in calendar(phases["after"], "month")], freq="M")
    years = 12 * math.ceil(len(after) / 12)
    earlier = after - years
    if not earlier.isin(before).all():
        earlier = before[-len(after) :]
        after = after[: len(earlier)]
    both = earlier.isin(observed) & after.isin(observed)
    return earlier[both], after[both]


def _power(past: pd.DataFrame, comparison: list[str], months_after: int) -> Power:
    """Reckon power from the months before only, so that it cannot be tuned to the result."""
    mean = float(past["treated"].mean())
    spread = dispersion_from_counts(past["treated"]).phi if mean else 1.0
    others = float(past[comparison].mean().mean()) if comparison else None
    return power(
        Design(
            before_months=int(past["treated"].notna().sum()),
            after_months=months_after,
            monthly_mean=max(mean, 0.01),
            comparison_areas=len(comparison),
            comparison_mean=max(others, 0.01) if others is not None else None,
            dispersion=max(spread - 1, 0.0) / max(mean, 0.01),
        )
    )


def _wdd(sums: Mapping[str, Pair], control: Pair, areas: int, spread: float) -> WDD:
    """Set the treated zone against one average comparison area; the ring stands alone (its comparison change is 0)."""
    ring = sums.get("ring")
    sizes = [float(areas), 1.0]
    if ring is None:
        return wdd(sums["treated"], control, area_sizes=sizes, dispersion=spread)
    nothing = (0.0, 0.0)
    return wdd(
        sums["treated"],
        control,
        treated_buffer=ring,
        control_buffer=nothing,
        area_sizes=[*sizes, 1.0, 1.0],
        dispersion=spread,
    )


def _row(outcome: Outcome, result: OutcomeResult) -> dict[str, Any]:
    change, relative, difference = result.change, result.relative, result.wdd
    monthly = result.monthly
    ring = monthly["ring"] if "ring" in monthly else None
    row: dict[str, Any] = {
        "outcome": outcome.name,
        "label": outcome.label,
        "goal": outcome.goal,
        "good": outcome.good,
        "primary": outcome.primary,
        "reports": outcome.reports,
        "margin": outcome.margin,
        "smallest_fall": result.power.smallest_fall,
        "smallest_rise": result.power.smallest_rise,
        "months_before": change.months_before,
        "months_after": change.months_after,
        "before": change.before,
        "after": change.after,
        "matched_months": len(result.matched[0]),
        "matched_before": float(monthly.loc[result.matched[0], "treated"].sum()),
        "matched_after": float(monthly.loc[result.matched[1], "treated"].sum()),
        "ring_before": float(ring[result.matched[0]].sum()) if ring is not None else math.nan,
        "ring_after": float(ring[result.matched[1]].sum()) if ring is not None else math.nan,
        "comparison_before": change.comparison_before if change.comparison_before is not None else math.nan,
        "comparison_after": change.comparison_after if change.comparison_after is not None else math.nan,
        "comparison_areas": change.n_comparison,
        "ratio": change.ratio,
        "low": change.low,
        "high": change.high,
        "p": change.p,
        "p_shift": change.shift_p,
        "p_floor": change.p_floor if change.p_floor is not None else change.shift_p_floor,
        "p_exact": change.exact_p,
        "firm": change.firm,
        "relative_ratio": relative.ratio if relative else math.nan,
        "relative_low": relative.low if relative else math.nan,
        "relative_high": relative.high if relative else math.nan,
        "dispersion": relative.dispersion if relative else math.nan,
        "reporting_low": outcome.reporting[0] if outcome.reporting else math.nan,
        "reporting_high": outcome.reporting[1] if outcome.reporting else math.nan,
        "cautions": " ".join([*change.warnings, *([change.refused] if change.refused else [])]),
    }
    if difference is not None:
        total = difference.total
        row |= {
            "wdd": total.value,
            "wdd_se": total.se,
            "wdd_se_poisson": total.se_poisson,
            "wdd_low": total.low,
            "wdd_high": total.high,
        }
    else:
        row |= dict.fromkeys(("wdd", "wdd_se", "wdd_se_poisson", "wdd_low", "wdd_high"), math.nan)
    return row


def _adjusted(frame: pd.DataFrame) -> pd.Series:
    """Return p adjusted by Holm over primary outcomes and by Benjamini-Hochberg over the rest; a refused p counts as 1."""
    adjusted = pd.Series(np.nan, index=frame.index)
    for primary, method in ((True, "holm"), (False, "fdr_bh")):
        mine = frame["primary"] == primary
        if mine.any():
            adjusted[mine] = multipletests(frame.loc[mine, "p"].fillna(1.0), method=method)[1]
    return adjusted.where(frame["p"].notna())


def _whole(pair: Pair) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])
