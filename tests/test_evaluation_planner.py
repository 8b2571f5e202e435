"""The planner: against power cell by cell, against simulation, and in what it says when nothing would do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from commonground.errors import StudyError
from evaluation.foreseeing.designs import Design
from evaluation.foreseeing.detection import chance_of_showing
from evaluation.planner import plan
from evaluation.power import power, smallest_detectable
from evaluation.simulation import simulate_power

HALVING = Design(24, 6, 6.0, 5, ratio=0.5)


def test_every_cell_is_the_power_of_that_design() -> None:
    found = plan(replace(HALVING, dispersion=0.1, autocorrelation=0.4, outcomes=2), most_months=9, most_areas=3)
    for row in found.to_frame().itertuples():
        cell = replace(found.design, after_months=row.months_after, comparison_areas=row.comparison_areas)
        assert row.power == power(cell).power
        assert row.enough == (row.power >= 0.8)
    assert found.grid.shape[0] * found.grid.shape[1] == len(found.table)
    assert found.as_it_stands == power(found.design).power


@pytest.mark.parametrize(
    "design", [HALVING, replace(HALVING, monthly_mean=12.0, dispersion=0.1), replace(HALVING, ratio=2.0, outcomes=4)]
)
def test_the_designs_marked_are_all_that_cannot_do_with_fewer_months_or_areas(design: Design) -> None:
    found = plan(design, most_months=20, most_areas=6)
    # the plain way: every design there is
    enough = {
        (months, areas)
        for months in range(2, 21)
        for areas in range(7)
        if chance_of_showing(replace(design, after_months=months, comparison_areas=areas), float(design.ratio or 1))
        >= 0.8
    }
    smallest = {(m, j) for m, j in enough if not any((a, b) != (m, j) and a <= m and b <= j for a, b in enough)}
    marked = found.table[found.table["smallest"]]
    assert set(zip(marked["months_after"], marked["comparison_areas"], strict=True)) == smallest
    assert smallest
    assert found.fewest_months is not None
    assert found.fewest_areas is not None
    assert found.fewest_months.after_months == min(m for m, _ in smallest)
    assert found.fewest_areas.comparison_areas == min(j for _, j in smallest)


def test_where_no_design_would_see_it_that_is_said_plainly_with_what_the_largest_would_see() -> None:
    found = plan(monthly_mean=1.0, ratio=0.8)
    assert (found.fewest_months, found.fewest_areas) == (None, None)
    assert not found.table["enough"].any()
    assert math.isnan(found.as_it_stands)
    best = smallest_detectable(Design(24, 36, 1.0, 19))
    assert found.best == best
    assert (
        "no design of this kind would see it, even with 36 months after and 19 comparison areas: count something more "
        "common, join areas, or accept that the study cannot tell. The largest of them would see a fall to "
        f"{best.fall:.2f} or a rise to {best.rise:.2f} times." in found.summary()
    )


def test_what_suffices_is_said_with_its_alternative_and_to_be_written_down_first() -> None:
    found = plan(HALVING)
    said = found.summary()
    assert found.fewest_months is not None
    assert found.fewest_areas is not None
    assert (
        f"four times in five, from 6.00 events a month and 24 months before: {found.fewest_months.after_months} "
        in said
    )
    assert f"with fewer areas, {found.fewest_areas.after_months} months after and" in said
    assert "before the months after are looked at" in said
    assert f"As it stands (6 months after and 5 comparison areas) the chance is {found.as_it_stands:.2f}" in said
    assert "an approximation" in said
    alone = plan(monthly_mean=30.0, ratio=0.5)
    assert alone.fewest_areas is not None
    assert alone.fewest_areas.comparison_areas == 0
    assert "a change that came everywhere passes for one of the operation" in alone.summary()


def test_more_outcomes_more_dispersion_slower_swings_and_fewer_events_take_more() -> None:
    def needed(design: Design) -> float:
        fewest = plan(design, most_areas=2).fewest_months
        return fewest.after_months if fewest else math.inf

    base = replace(HALVING, monthly_mean=12.0, dispersion=0.05)
    harder = [{"outcomes": 4}, {"dispersion": 0.15}, {"autocorrelation": 0.6}, {"monthly_mean": 6.0}, {"ratio": 0.6}]
    assert all(needed(replace(base, **change)) > needed(base) for change in harder)


def test_with_two_areas_and_many_outcomes_no_p_can_be_small_enough_and_the_plan_knows() -> None:
    # 3 series x 30 months: the placebo's smallest p is 1 / 90, and .05 / 6 is less
    found = plan(Design(24, 6, 30.0, 2, ratio=0.2, outcomes=6))
    assert found.as_it_stands == 0
    assert (found.table.query("comparison_areas == 2 and months_after <= 12")["power"] == 0).all()
    assert found.fewest_months is not None


def test_a_mean_and_a_ratio_are_enough_to_ask_and_the_options_overrule_the_design() -> None:
    assert plan(monthly_mean=6.0, ratio=0.5).table.equals(plan(replace(HALVING, before_months=24)).table)
    overruled = plan(replace(HALVING, ratio=0.9), ratio=0.5, power=0.6)
    assert (overruled.design.ratio, overruled.design.power) == (0.5, 0.6)
    assert overruled.fewest_months is not None
    assert "with 60 % chance" in overruled.summary()
    assert repr(overruled) == "Plan(...; call .summary())"


def test_what_cannot_be_planned_is_refused_with_every_reason() -> None:
    with pytest.raises(StudyError, match=r"(?s)design, monthly_mean: needs one of the two.*ratio: needs the change"):
        plan()
    with pytest.raises(StudyError, match=r"(?s)monthly_mean: needs 1 .*power: needs.*most_months: needs a whole"):
        plan(monthly_mean=-1.0, ratio=0.5, power=2.0, most_months=1)
    with pytest.raises(StudyError, match="a ratio other than 1"):
        plan(replace(HALVING, ratio=1.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    [
        HALVING,
        Design(24, 6, 12.0, ratio=0.6, dispersion=0.05),
        Design(36, 6, 5.0, ratio=2.0, outcomes=3),
        Design(36, 6, 12.0, ratio=0.4, dispersion=0.2, autocorrelation=0.5),
    ],
)
def test_the_designs_that_suffice_do_so_when_the_headline_test_is_simulated(design: Design) -> None:
    """At a true .8, 172 or fewer of 250 (.69) come up once in 10,000; months more than wanted would show above .97."""
    found = plan(design)
    for chosen in {found.fewest_months, found.fewest_areas}:
        assert chosen is not None
        assert 0.69 <= simulate_power(chosen, float(design.ratio or 1), series=250, seed=41).power <= 0.97
