"""What do the counts of one outcome come to, power first?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from commonground.errors import StudyError
from commonground.periods import Period, calendar
from commonground.study import DeclaredShock
from evaluation.changes import ChangeTest, change_test
from evaluation.counts import Unprinted
from evaluation.differences import Spread
from evaluation.dispersion import dispersion_from_counts, share_dispersion
from evaluation.displacement import WDD, wdd, wdd_shared_control
from evaluation.foreseeing.designs import design_from_past
from evaluation.judging.exclusions import Comparable, comparable_months
from evaluation.panels import RelativeRateRatio, relative_rate_ratio
from evaluation.power import Power, power
from evaluation.pretrends import PretrendCheck, pretrend_check
from evaluation.robustness import Diagnostic, robustness
from evaluation.series import InterruptedSeries, interrupted_series
from evaluation.shocks import Shock
from evaluation.visibility import SmallestDisplacement, smallest_displacement

__all__ = ["Against", "OutcomeResult", "compare", "matched_windows"]

_TWO_WAVES = 36  # months before that carry two pairs of yearly waves; fewer carry one


@dataclass(frozen=True, repr=False)
class Against(Unprinted):
    """What the months of an outcome are set against, beside the comparison areas.

    Attributes
    ----------
    for_ring : sequence of str
        Comparison areas that the ring is set against; the treated area is then set against the others only.
    sizes : mapping of zone to float
        Relative sizes of the zones, 1 where none is given.
    shocks : sequence of DeclaredShock
        What else is known to have changed these counts.
    placebos : mapping of outcome to DataFrame
        Outcomes that the operation cannot have moved, each like the months of the outcome.
    judged_together : int
        Outcomes of its rank, over which its p is adjusted.
    """

    for_ring: Sequence[str] = ()
    sizes: Mapping[str, float] = field(default_factory=dict)
    shocks: Sequence[DeclaredShock] = ()
    placebos: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    judged_together: int = 1


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
    series : InterruptedSeries or None
        The treated area's own series with trend, season and known shocks: a sensitivity, and the events averted. None
        where it cannot be fitted.
    diagnostics : tuple of Diagnostic
        How well the change stands up; none where no test is made.
    pretrends : PretrendCheck or None
        Whether the treated and the comparison areas drifted apart before; None where that cannot be looked for.
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
    series: InterruptedSeries | None
    diagnostics: tuple[Diagnostic, ...]
    pretrends: PretrendCheck | None
    monthly: pd.DataFrame = field(repr=False)
    matched: tuple[pd.PeriodIndex, pd.PeriodIndex] = field(repr=False)


def compare(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: list[str],
    *,
    against: Against | None = None,
) -> OutcomeResult:
    """Compare the months before and after of one outcome.

    Parameters
    ----------
    monthly : DataFrame
        Months by zone: treated, perhaps ring, and the comparison areas; NaN where nobody observed.
    phases : mapping with before and after
    comparison : list of str
        Columns of the comparison areas; may be empty.
    against : Against, optional
        What else is known of the zones and the outcome.

    Notes
    -----
    With areas of its own the ring has a separate control, as published (`wdd`); without, the same comparison areas
    serve both (`wdd_shared_control`). Controls are scaled to the size of the treated area and of the ring.
    """
    before, after = phases["before"], phases["after"]
    against = against or Against()
    series = _series(monthly["treated"], phases, against.shocks)
    comparable = comparable_months(monthly, phases, against.shocks)
    monthly = comparable.monthly
    past = monthly[monthly.index < pd.Period(before.end, "M")]
    ended = after.start if after.start > before.end else None
    pair = matched_windows(phases, monthly.dropna().index)
    own = [name for name in comparison if name in against.for_ring]
    others = [name for name in comparison if name not in against.for_ring]
    design = design_from_past(past, others, after.months, outcomes=against.judged_together)
    seen = None if design is None else power(design)
    change = _stated(
        change_test(monthly["treated"], monthly[others] if others else None, before.end, ended), comparable
    )
    checked = () if change.refused else robustness(monthly, phases, others, placebos=against.placebos, change=change)
    pretrends = _pretrends(monthly, others, before, ended)
    if comparable.refused:  # none of the numbers before and after means the same
        return OutcomeResult(seen, change, None, None, None, None, (), None, monthly, pair)
    if not others or not len(pair[0]):
        return OutcomeResult(seen, change, None, None, None, series, checked, pretrends, monthly, pair)
    sums = pd.DataFrame([monthly.loc[months].sum() for months in pair])
    relative = _relative(sums, past, others)
    zones = {"treated": ["treated"], "ring": ["ring"] if "ring" in monthly else [], "others": others, "own": own}
    size = {zone: sum(against.sizes.get(name, 1.0) for name in names) for zone, names in zones.items()}
    counts = {zone: tuple(sums[names].sum(axis=1)) for zone, names in zones.items()}
    difference, smallest = _displacement(counts, size, _dispersion(past))
    return OutcomeResult(seen, change, relative, difference, smallest, series, checked, pretrends, monthly, pair)


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


def _series(
    treated: pd.Series, phases: Mapping[str, Period], shocks: Sequence[DeclaredShock]
) -> InterruptedSeries | None:
    """Fit the treated area's own series, with every shock that can be told from the operation as a term."""
    known = [shock for shock in shocks if not shock.coincides]
    during = phases["after"].start > phases["before"].end
    try:
        return interrupted_series(
            treated,
            phases["before"].end,
            phases["after"].start if during else None,
            harmonics=2 if phases["before"].months >= _TWO_WAVES else 1,
            shocks=[Shock(shock.name, shock.start, shock.end) for shock in known],
        )
    except StudyError:
        return None  # too short or too rare: a sensitivity that cannot be had is no problem of the study


def _pretrends(
    monthly: pd.DataFrame, others: Sequence[str], before: Period, ended: pd.Timestamp | None
) -> PretrendCheck | None:
    """Look for a drift before the start; without comparison areas or events there is none to look for."""
    try:
        return pretrend_check(monthly["treated"], monthly[[*others]], before.end, ended) if others else None
    except StudyError:
        return None


def _stated(change: ChangeTest, comparable: Comparable) -> ChangeTest:
    """Say which months were left out; where no month tells a change of recording from the operation, make no test."""
    change = replace(change, warnings=(*change.warnings, *comparable.cautions))
    if not comparable.refused:
        return change
    none, why = math.nan, comparable.refused
    change = replace(change, ratio=none, low=none, high=none, p=none, shift_p=none, exact_p=none)
    return replace(change, p_floor=None, firm=False, refused=why)


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
