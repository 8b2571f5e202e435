"""What do the counts of one outcome come to, power first?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from commonground.periods import Period, calendar
from commonground.study import Outcome
from evaluation.changes import ChangeTest, change_test
from evaluation.counts import Unprinted
from evaluation.differences import Spread
from evaluation.dispersion import dispersion_from_counts, share_dispersion
from evaluation.displacement import WDD, wdd, wdd_shared_control
from evaluation.panels import RelativeRateRatio, relative_rate_ratio
from evaluation.power import Design, Power, power
from evaluation.visibility import SmallestDisplacement, smallest_displacement

__all__ = ["OutcomeResult", "compare", "matched_windows", "table_row"]

_LEAST_COMPARISON = 20  # `change_test` leaves out a comparison with fewer events (methods, change_test: limits)
_LEAST_MEAN = 0.01  # a design needs a mean above 0; with an event in eight years nothing can be seen either way
_WDD_CELLS = ("wdd", "wdd_se", "wdd_se_poisson", "wdd_low", "wdd_high")


@dataclass(frozen=True, repr=False)
class OutcomeResult(Unprinted):
    """Everything computed for one outcome; exact, for looking at in memory.

    Attributes
    ----------
    power : Power or None
        What could have been seen; from the months before only. None when no month before was observed.
    change : ChangeTest
        The headline.
    relative : RelativeRateRatio or None
        Against the comparison areas together, dispersion-inflated, over the matched months; None without comparison
        areas or matched months.
    wdd : WDD or None
        Weighted displacement difference of the treated area and the ring over the matched months, in events; None where
        `relative` is.
    smallest : SmallestDisplacement or None
        What could have been seen in the ring; from the matched months before only. None where `relative` is, or without
        a ring.
    monthly : DataFrame
        Months by zone, exact.
    matched : pair of PeriodIndex
        The months of the year before, and the months after, that those two compare.
    """

    power: Power | None
    change: ChangeTest
    relative: RelativeRateRatio | None
    wdd: WDD | None
    smallest: SmallestDisplacement | None
    monthly: pd.DataFrame = field(repr=False)
    matched: tuple[pd.PeriodIndex, pd.PeriodIndex] = field(repr=False)


def compare(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: list[str],
    *,
    for_ring: Sequence[str] = (),
    sizes: Mapping[str, float] | None = None,
) -> OutcomeResult:
    """Compare the months before and after of one outcome.

    Parameters
    ----------
    monthly : DataFrame
        Months by zone: treated, perhaps ring, and the comparison areas; NaN where nobody observed.
    phases : mapping with before and after
    comparison : list of str
        Columns of the comparison areas; may be empty.
    for_ring : sequence of str, default ()
        Those of them that the ring is set against; the treated area is then set against the others only.
    sizes : mapping of zone to float, optional
        Relative sizes of the zones, 1 where none is given.

    Notes
    -----
    With areas of its own the ring has a separate control, as published (`wdd`); without, the same comparison areas
    serve both (`wdd_shared_control`). Controls are scaled to the size of the treated area and of the ring.
    """
    before, after = phases["before"], phases["after"]
    past = monthly[monthly.index < pd.Period(before.end, "M")]
    ended = after.start if after.start > before.end else None
    pair = matched_windows(phases, monthly.dropna().index)
    own = [name for name in comparison if name in for_ring]
    others = [name for name in comparison if name not in for_ring]
    seen = _power(past, others, after.months)
    change = change_test(monthly["treated"], monthly[others] if others else None, before.end, ended)
    if not others or not len(pair[0]):
        return OutcomeResult(seen, change, None, None, None, monthly, pair)
    sums = pd.DataFrame([monthly.loc[months].sum() for months in pair])
    relative = _relative(sums, past, others)
    zones = {"treated": ["treated"], "ring": ["ring"] if "ring" in monthly else [], "others": others, "own": own}
    size = {zone: sum((sizes or {}).get(name, 1.0) for name in names) for zone, names in zones.items()}
    counts = {zone: tuple(sums[names].sum(axis=1)) for zone, names in zones.items()}
    difference, smallest = _displacement(counts, size, _dispersion(past))
    return OutcomeResult(seen, change, relative, difference, smallest, monthly, pair)


def matched_windows(phases: Mapping[str, Period], observed: pd.Index) -> tuple[pd.PeriodIndex, pd.PeriodIndex]:
    """Return the months of after and the same calendar months of the year before them, as far as both were observed.

    Where those do not all lie in before, the last months of before, as many as after has.

    Parameters
    ----------
    phases : mapping with before and after
    observed : PeriodIndex
        Months with counts for every zone.

    Returns
    -------
    before, after : PeriodIndex
        Of one length, which may be 0.
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
        "reporting_low": low,
        "reporting_high": high,
        "refused": change.refused or "",
        "cautions": " ".join(change.warnings),
        **_difference(result.wdd),
    }


def _power(past: pd.DataFrame, comparison: list[str], months_after: int) -> Power | None:
    """Reckon power from the months before only, so that it cannot be tuned to the result."""
    own = past["treated"].dropna()
    if own.empty:
        return None
    mean = float(own.mean())
    spread = dispersion_from_counts(own).phi if mean and len(own) > 1 else 1.0
    others = past[[name for name in comparison if past[name].sum() > 0]]
    share = others.mean().sum() * (len(own) + months_after)
    areas = others.shape[1] if share >= _LEAST_COMPARISON else 0
    return power(
        Design(
            before_months=len(own),
            after_months=months_after,
            monthly_mean=max(mean, _LEAST_MEAN),
            comparison_areas=areas,
            comparison_mean=float(others.mean().mean()) if areas else None,
            dispersion=max(spread - 1, 0.0) / max(mean, _LEAST_MEAN),
        )
    )


def _relative(sums: pd.DataFrame, past: pd.DataFrame, comparison: list[str]) -> RelativeRateRatio:
    """Set the treated zone against the comparison areas, over the matched months."""
    together = past[comparison].sum(axis=1, min_count=len(comparison))
    both = past["treated"].notna() & together.notna()
    measured = both.sum() > 1 and past.loc[both, "treated"].sum() > 0 and together[both].sum() > 0
    found = share_dispersion(past["treated"], together) if measured else None
    control = sums[comparison].sum(axis=1)
    return relative_rate_ratio(tuple(sums["treated"]), tuple(control), dispersion=found and (found.phi, found.df))


def _dispersion(past: pd.DataFrame) -> Spread:
    """Return variance / mean of the months before, with its degrees of freedom, over all zones that can show it."""
    known = past.loc[:, (past.notna().sum() > 1) & (past.sum() > 0)]
    return dispersion_from_counts(known) if known.shape[1] else 1.0


def _displacement(
    counts: Mapping[str, tuple[float, ...]], size: Mapping[str, float], phi: Spread
) -> tuple[WDD, SmallestDisplacement | None]:
    """Set the treated zone and the ring against their controls, each scaled to what it is a control of."""
    treated, control, ring, apart = (counts[zone] for zone in ("treated", "others", "ring", "own"))
    scale = size["others"] / size["treated"]
    if not size["ring"]:
        return wdd(treated, control, area_sizes=(scale, 1.0), dispersion=phi), None
    rings = size["own"] or size["others"], size["ring"]
    before = (apart if size["own"] else control)[0]
    smallest = smallest_displacement(ring[0], before, area_sizes=rings, dispersion=phi)
    if not size["own"]:
        shared = (size["others"], size["treated"], size["ring"])
        return wdd_shared_control(treated, ring, control, area_sizes=shared, dispersion=phi), smallest
    sizes = (scale, 1.0, rings[0] / rings[1], 1.0)
    found = wdd(treated, control, treated_buffer=ring, control_buffer=apart, area_sizes=sizes, dispersion=phi)
    return found, smallest


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
