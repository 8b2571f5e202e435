"""Exact power of two Poisson rates: by hand, by a double sum over other implementations, and invariants."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import power_poisson_ratio_2indep, test_poisson_2indep

from commonground.errors import StudyError
from evaluation.exact_power import exact_power, smallest_ratios
from evaluation.rates import rate_ratio, rate_ratios

e_test = test_poisson_2indep  # under a name that pytest does not collect
test_poisson_2indep = None


def masses(before: float, after: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return every pair of counts that matters and its Poisson mass."""
    grids = [np.arange(stats.poisson.isf(1e-10, mean) + 2) for mean in (before, after)]
    first, second = (grid.ravel() for grid in np.meshgrid(*grids, indexing="ij"))
    return first, second, stats.poisson.pmf(first, before) * stats.poisson.pmf(second, after)


@pytest.mark.parametrize(
    ("mean", "ratio", "exposure", "level"),
    [
        (40, 1.8, (24, 6), 0.95),
        (5, 3, (1, 1), 0.95),
        (12, 0.3, (2, 1), 0.9),
        (3, 4, (1, 2), 0.99),
        (0.4, 9, (3, 2), 0.95),
    ],
)
def test_power_is_the_double_sum_of_the_masses_that_the_tests_of_two_rates_reject(
    mean: float, ratio: float, exposure: tuple[float, float], level: float
) -> None:
    n0, n1, mass = masses(mean, mean * ratio * exposure[1] / exposure[0])
    table = rate_ratios(pd.Series(n0), pd.Series(n1), exposure=exposure, level=level).table
    found = exact_power(mean, ratio, exposure=exposure, level=level)
    assert found.central == pytest.approx(mass @ (table["p"].to_numpy() <= 1 - level), abs=1e-7)
    assert found.mid_p == pytest.approx(mass @ (table["p_mid"].to_numpy() <= 1 - level), abs=1e-7)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("mean", "ratio", "exposure"), [(3.0, 3.0, (1, 1)), (6.0, 0.3, (1, 2))])
def test_power_of_the_e_test_is_the_double_sum_over_the_p_values_of_statsmodels(
    mean: float, ratio: float, exposure: tuple[float, float]
) -> None:
    n0, n1, mass = masses(mean, mean * ratio * exposure[1] / exposure[0])
    kept = (mass > 1e-7) & (n0 + n1 > 0)
    p = [
        e_test(b, exposure[1], a, exposure[0], method="etest-score", compare="ratio").pvalue
        for a, b in zip(n0[kept], n1[kept], strict=True)
    ]
    assert exact_power(mean, ratio, exposure=exposure).e_test == pytest.approx(
        mass[kept] @ (np.array(p) <= 0.05), abs=1e-4
    )


def test_a_sum_worked_by_hand() -> None:
    # equal exposures at 97 %: a tail of at most 1.5 %, so 0 of N from N = 7 (2^-7 = .0078), 1 of N from N = 10
    # (11 / 1024 = .0107); up to a total of 9 only one period without any event is a change
    mean, ratio = 0.5, 3.0
    total, share = 2.0, 0.75
    by_hand = sum(math.exp(-total) * total**n / math.factorial(n) * (share**n + (1 - share) ** n) for n in range(7, 10))
    beyond = float(stats.poisson.sf(9, total))
    found = exact_power(mean, ratio, level=0.97).central
    assert by_hand < found < by_hand + beyond
    assert found == pytest.approx(by_hand, abs=5e-5)


def test_the_case_that_was_published_because_it_lies_on_the_edge_is_not_rejected() -> None:
    # Fay, vignette of the R package rateratio.test: 2 and 9 events in 17,877 and 16,660: p .05011, "barely" not
    # significant. One event less in the first rate is.
    exposure = (17877, 16660)
    assert rate_ratio(2, 9, exposure=exposure).p == pytest.approx(0.05011, abs=5e-6)
    edge = 1 - rate_ratio(2, 9, exposure=exposure).p
    just, short = (exact_power(3, 4, exposure=exposure, level=level).central for level in (edge - 1e-6, edge + 1e-6))
    assert just - short == pytest.approx(stats.poisson.pmf(2, 3) * stats.poisson.pmf(9, 12 * 16660 / 17877), abs=1e-6)


@pytest.mark.parametrize("ratio", [0.6, 1.6])
def test_with_many_events_all_three_near_the_normal_approximation_of_statsmodels(ratio: float) -> None:
    found = exact_power(70, ratio)
    near = power_poisson_ratio_2indep(
        rate1=ratio, rate2=1, nobs1=70, value=1, alternative="two-sided", method_var="score", return_results=False
    )
    assert [found.mid_p, found.e_test] == pytest.approx([near, near], abs=0.02)
    assert found.central == pytest.approx(near, abs=0.05)


@settings(max_examples=15, deadline=None)
@given(st.floats(4, 60), st.floats(0.2, 5), st.floats(1.05, 3), st.sampled_from([0.9, 0.95, 0.99]))
def test_larger_changes_are_seen_more_often_and_no_change_at_most_at_the_level(
    mean: float, scale: float, step: float, level: float
) -> None:
    exposure = (1.0, scale)
    # nearer to 1 the tail that is called a fall may shrink faster than the other grows
    rises = [exact_power(mean, 2.5 * step**i, exposure=exposure, level=level) for i in range(3)]
    assert (np.diff([r.central for r in rises]) > -1e-8).all()  # totals left out of the sums cost so much
    assert rises[0].central_alarm <= 1 - level
    # half the mass of what was observed makes mid-p see at least as much
    assert all(r.central <= r.mid_p + 1e-8 for r in rises)


def test_swapping_the_periods_swaps_the_ratio() -> None:
    ahead, back = exact_power(20, 2.0), exact_power(40, 0.5)
    for name in ("central", "mid_p", "e_test"):
        assert getattr(ahead, name) == pytest.approx(getattr(back, name), abs=1e-8)


@pytest.mark.parametrize("test", ["central", "mid_p", "e_test"])
def test_the_smallest_ratios_have_the_wanted_power_and_mid_p_sees_smaller_ones(test: str) -> None:
    found = smallest_ratios(30, exposure=(24, 12), power=0.8, test=test)
    for ratio in found:
        assert getattr(exact_power(30, ratio, exposure=(24, 12)), test) == pytest.approx(0.8, abs=1e-3)
    assert found.fall < 1 < found.rise
    plain = smallest_ratios(30, exposure=(24, 12))
    assert found.fall >= plain.fall
    assert found.rise <= plain.rise


def test_where_not_even_a_fall_to_nothing_would_be_seen_there_is_no_smallest_fall() -> None:
    found = smallest_ratios(6, exposure=(24, 6))
    assert math.isnan(found.fall)
    assert 1 < found.rise < 10


def test_beyond_two_hundred_events_the_e_test_is_left_out_and_said_nothing_of() -> None:
    found = exact_power(500, 1.2)
    assert math.isnan(found.e_test)
    assert "E-test" not in found.summary()
    with pytest.raises(StudyError, match="at most 200 expected events for the E-test"):
        smallest_ratios(500, test="e_test")


def test_summary_names_the_false_alarms_and_what_breaks_them_and_repr_shows_nothing() -> None:
    found = exact_power(40, 1.8, exposure=(24, 6))
    assert f"{found.central:.2f} (when nothing changed: {found.central_alarm:.3f})" in found.summary()
    assert "raise the false alarms of all three" in found.summary()
    assert repr(found) == "ExactPower(...; call .summary())"
    assert found.to_frame().loc["mid_p", "power"] == found.mid_p


def test_every_number_out_of_range_is_listed() -> None:
    with pytest.raises(StudyError, match=r"(?s)mean_before: needs.*ratio: needs.*exposure: needs.*level: needs"):
        exact_power(0, -1, exposure=(1, 0), level=5)
    with pytest.raises(StudyError, match=r"(?s)power: needs a chance above.*test: needs one of"):
        smallest_ratios(5, power=0.01, test="wald")
