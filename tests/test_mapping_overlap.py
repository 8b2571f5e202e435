from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from commonground.errors import RecordsError
from mapping.overlap import plan_overlap
from mapping.two_lists import logit_interval

LISTS = {"outreach": 120, "clinic": 100}


def test_the_expected_overlap_is_the_product_of_the_lists_over_the_people() -> None:
    row = plan_overlap(800, LISTS).pairs.iloc[0]
    assert row["expected"] == pytest.approx(120 * 100 / 800)
    chance = sum(math.comb(120, m) * math.comb(680, 100 - m) for m in range(20, 101)) / math.comb(800, 100)
    assert row["chance_enough"] == pytest.approx(chance)
    assert (row["low"], row["high"]) == logit_interval(15, 105, 85)
    assert row["relative_width"] == pytest.approx((row["high"] - row["low"]) / 800)


def test_a_simulation_of_people_agrees_with_the_plan() -> None:
    """People drawn one by one onto two lists of fixed length, without any of the module's formulas."""
    rng = np.random.default_rng(4)
    both = [
        len(np.intersect1d(rng.choice(400, 120, replace=False), rng.choice(400, 100, replace=False)))
        for _ in range(1500)
    ]
    row = plan_overlap(400, LISTS).pairs.iloc[0]
    assert np.mean(both) == pytest.approx(row["expected"], abs=0.4)
    assert np.mean(np.array(both) >= 20) == pytest.approx(row["chance_enough"], abs=0.02)
    assert row["simulated_expected"] == pytest.approx(row["expected"], abs=0.4)


@pytest.mark.parametrize(("people", "sizes"), [(400, (120, 100)), (900, (200, 150)), (300, (60, 150))])
def test_the_interval_planned_for_holds_the_guess_about_19_times_in_20(people: int, sizes: tuple[int, int]) -> None:
    row = plan_overlap(people, {"a": sizes[0], "b": sizes[1]}).pairs.iloc[0]
    assert 0.91 <= row["simulated_held"] <= 0.985
    assert row["simulated_width"] == pytest.approx(row["relative_width"], rel=0.1)


def test_the_lists_needed_are_the_shortest_that_do() -> None:
    plan = plan_overlap(800, LISTS, width=0.5)
    enough, narrow = plan.needed.to_dict("records")
    for size in (int(enough["second_alone"]), int(enough["second_alone"]) - 1):
        reached = stats.hypergeom(800, 120, size).sf(19) >= 0.8
        assert reached == (size == enough["second_alone"])
    assert stats.hypergeom(800, int(enough["size_first"]), int(enough["size_second"])).sf(19) >= 0.8
    assert stats.hypergeom(800, int(enough["size_first"]) - 1, int(enough["size_second"]) - 1).sf(19) < 0.8
    for size, fits in ((int(narrow["second_alone"]), True), (int(narrow["second_alone"]) - 2, False)):
        both = 120 * size / 800
        low, high = logit_interval(both, 120 - both, size - both)
        assert (high - low <= 400) == fits


@settings(max_examples=25, deadline=None)
@given(st.integers(150, 2000), st.integers(20, 140), st.integers(20, 140))
def test_more_people_mean_a_smaller_overlap_and_longer_lists(people: int, first: int, second: int) -> None:
    plan = plan_overlap((people, people * 2), {"a": first, "b": second})
    low, high = plan.pairs.to_dict("records")
    assert low["expected"] == pytest.approx(2 * high["expected"])
    assert low["chance_enough"] >= high["chance_enough"]
    near, far = plan.needed.to_dict("records")
    assert near["size_first"] <= far["size_first"]
    assert near["size_second"] <= far["size_second"]


@pytest.mark.parametrize(("odds_ratio", "side"), [(3.0, "low"), (0.4, "high")])
def test_dependence_moves_the_interval_off_the_truth_and_the_plan_says_which_way(odds_ratio: float, side: str) -> None:
    plan = plan_overlap(800, {"a": 240, "b": 240}, odds_ratio=odds_ratio)
    row = plan.pairs.iloc[0]
    both, a, b = row["expected"], 240 - row["expected"], 240 - row["expected"]
    assert both * (800 - both - a - b) / (a * b) == pytest.approx(odds_ratio, rel=0.05)
    assert row["simulated_held"] < 0.3
    assert (row["high"] < 800) == (side == "low")
    assert f"too {side}" in plan.summary()


def test_lists_that_can_never_share_enough_are_said() -> None:
    plan = plan_overlap(30, {"a": 5, "b": 4})
    assert np.isnan(plan.needed.at[0, "second_alone"])
    assert plan.needed.at[0, "size_first"] > 5
    assert np.isnan(plan_overlap(15, {"a": 5, "b": 4}).needed.at[0, "size_first"])
    assert "no lists would do" in plan_overlap(15, {"a": 5, "b": 4}).summary()


def test_a_narrow_interval_without_the_overlap_is_not_called_enough() -> None:
    """Where almost nobody is on both lists, the interval is narrow and far below the guess."""
    plan = plan_overlap(100_000, LISTS, width=1.0)
    assert plan.pairs.at[0, "expected"] < 1
    assert plan.needed.at[1, "size_first"] >= plan.needed.at[0, "size_first"]


def test_three_lists_are_planned_pair_by_pair_for_both_ends_of_the_guess() -> None:
    plan = plan_overlap((300, 600), {**LISTS, "scheme": 80})
    assert len(plan.pairs) == 6
    assert plan.to_frame().equals(plan.pairs)
    assert "Plan for the high guess" in plan.summary()


def test_the_same_seed_gives_the_same_plan() -> None:
    one, same, other = (plan_overlap(500, LISTS, seed=seed).pairs for seed in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)


def test_everything_wrong_with_a_plan_is_said_at_once() -> None:
    with pytest.raises(RecordsError, match="overlap cannot be planned") as caught:
        plan_overlap(0, {"a": -4711}, odds_ratio=0, least=0, width=-1)
    assert len(caught.value.problems) == 6
    assert "4711" not in str(caught.value)
    with pytest.raises(RecordsError, match="longer than the population guessed"):
        plan_overlap((90, 300), LISTS)
    with pytest.raises(RecordsError, match="at most 1,000,000"):
        plan_overlap(2e6, LISTS)
    with pytest.raises(RecordsError, match="a number of people above 0"):
        plan_overlap(float("nan"), LISTS)
    with pytest.raises(RecordsError, match="whole numbers"):
        plan_overlap(300, {"a": 10.5, "b": 3})  # type: ignore[dict-item]
    with pytest.raises(RecordsError, match="two lists or more are needed"):
        plan_overlap(300, [40, 50])  # type: ignore[arg-type]
