"""Ranks, choices of areas and the spread between areas: hand-worked values and other implementations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.comparing.placebos import assignments, heterogeneity, place, say_floor


def test_ties_count_against_the_treated_one_even_when_rounding_breaks_them() -> None:
    found = place(0.1 + 0.2, np.array([0.3, 0.1, 0.7]))
    assert (found.rank, found.of, found.p, found.floor) == (3, 4, 0.75, 0.25)
    assert place(math.inf, np.array([math.inf, 1.0])).rank == 2
    assert place(math.inf, np.array([5.0, 1.0])).rank == 1


def test_a_place_shows_no_number_by_itself() -> None:
    assert not any(letter.isdigit() for letter in repr(place(1.0, np.array([2.0]))))


def test_the_floor_is_said_and_what_it_rules_out() -> None:
    assert say_floor(0.25, "4 units") == (
        "With 4 units the smallest possible p is 0.250: no p of 0.05 or less can come out."
    )
    assert say_floor(0.0002, "5000 ways") == "With 5000 ways the smallest possible p is 0.0002."


@pytest.mark.parametrize(("areas", "size"), [(5, 1), (6, 2), (7, 4)])
def test_every_choice_of_areas_occurs_once_the_true_one_first(areas: int, size: int) -> None:
    treated = np.zeros(areas, dtype=bool)
    treated[1 : 1 + size] = True
    ways = assignments(treated, seed=0)
    assert (ways[0] == treated).all()
    assert len({tuple(way) for way in ways.tolist()}) == len(ways) == math.comb(areas, size)
    assert set(ways.sum(axis=1)) == {size}


def test_too_many_choices_are_sampled_evenly_and_the_same_way_from_one_seed() -> None:
    treated = np.arange(24) < 8
    ways = assignments(treated, seed=3)
    assert ways.shape == (5000, 24)
    assert (ways[0] == treated).all()
    assert set(ways.sum(axis=1)) == {8}
    assert np.abs(ways[1:].mean(axis=0) - 1 / 3).max() < 4 * math.sqrt(2 / 9 / 4999)
    assert (assignments(treated, seed=3) == ways).all()
    assert (assignments(treated, seed=4) != ways).any()


def test_the_spread_between_areas_is_the_hand_worked_one() -> None:
    # weights 1, 1/2, 1/4: mean 12/7; Q = 1 (12/7)^2 + .5 (9/7)^2 + .25 (30/7)^2 = 8.357143... over 1.75 - 1.3125/1.75
    values, variances = np.array([0.0, 3.0, 6.0]), np.array([1.0, 2.0, 4.0])
    mean = (0 + 1.5 + 1.5) / 1.75
    q = mean**2 + 0.5 * (3 - mean) ** 2 + 0.25 * (6 - mean) ** 2
    assert mean == pytest.approx(12 / 7)
    assert heterogeneity(values, variances) == pytest.approx((q - 2) / (1.75 - 1.3125 / 1.75))
    assert q == pytest.approx(8.357142857)
    assert heterogeneity(np.array([1.0, 1.0, 1.01]), variances) == 0
    assert heterogeneity(np.array([4.0]), np.array([1.0])) == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=8), st.floats(0.01, 2))
def test_with_equal_errors_the_spread_is_the_sample_variance_less_the_error(values: list[float], error: float) -> None:
    array = np.array(values)
    expected = max(0.0, float(np.var(array, ddof=1)) - error)
    assert heterogeneity(array, np.full(len(array), error)) == pytest.approx(expected, abs=1e-9)


def test_a_planted_spread_is_found_on_average() -> None:
    rng = np.random.default_rng(2)
    errors = np.linspace(0.05, 0.4, 12)
    found = [heterogeneity(stats.norm.rvs(0, np.sqrt(0.3 + errors), random_state=rng), errors) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.3, abs=0.03)
