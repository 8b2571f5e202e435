"""Shares: published intervals, another implementation, exact coverage, and their limits."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evaluation.proportions import newcombe, say_share, share_ratio, wilson

share = st.integers(1, 60).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m)))


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((81, 263), 0.2553, 0.3662), ((15, 148), 0.0624, 0.1605), ((0, 20), 0.0, 0.1611), ((1, 29), 0.0061, 0.1718)],
)
def test_the_score_limits_are_the_published_ones(counts: tuple[int, int], low: float, high: float) -> None:
    # Newcombe (1998), Statistics in Medicine 17:857-872, table I, method 3
    assert wilson(counts, 0.95)[1:] == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("after", "before", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_limits_of_a_difference_are_the_published_ones(
    after: tuple[int, int], before: tuple[int, int], low: float, high: float
) -> None:
    # Newcombe (1998), Statistics in Medicine 17:873-890, table II, method 10: cases (a), (b), (d) and (h)
    assert newcombe(before, after, 0.95)[1:] == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=200, deadline=None)
@given(share, share, st.sampled_from([0.8, 0.95, 0.99]))
def test_both_intervals_are_those_of_statsmodels(first: tuple[int, int], second: tuple[int, int], level: float) -> None:
    theirs = proportion_confint(*first, alpha=1 - level, method="wilson")
    assert wilson(first, level)[1:] == pytest.approx(theirs, abs=1e-9)
    pair = confint_proportions_2indep(*second, *first, method="newcomb", compare="diff", alpha=1 - level)
    assert newcombe(first, second, level)[1:] == pytest.approx(pair, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(share, share)
def test_swapping_before_and_after_turns_the_difference_round_and_inverts_the_ratio(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    there, back = newcombe(first, second, 0.95), newcombe(second, first, 0.95)
    assert there == pytest.approx((-back[0], -back[2], -back[1]))
    assert -1 <= there[1] < there[2] <= 1
    one, other = share_ratio(first, second, 0.95), share_ratio(second, first, 0.95)
    assert one[1] < one[2]
    if first[0] and second[0]:
        assert one == pytest.approx((1 / other[0], 1 / other[2], 1 / other[1]))
        assert one[1] < one[0] < one[2]


def test_the_ratio_of_shares_has_the_stated_variance_and_is_statsmodels_ratio() -> None:
    rho, low, high = share_ratio((20, 100), (40, 100), 0.95)
    assert rho == 2
    assert math.log(high / rho) == pytest.approx(1.959964 * math.sqrt(0.055), rel=1e-6)
    assert (low, high) == pytest.approx(
        confint_proportions_2indep(40, 100, 20, 100, method="log", compare="ratio"), rel=1e-9
    )


@pytest.mark.parametrize(("p0", "p1", "m"), [(0.9, 0.95, 15), (0.97, 0.97, 12), (0.3, 0.5, 20), (0.6, 0.6, 12)])
def test_the_ratio_of_shares_covers_by_exact_reckoning_even_where_everybody_reports(
    p0: float, p1: float, m: int
) -> None:
    weights = [stats.binom.pmf(range(m + 1), m, p) for p in (p0, p1)]
    covered = sum(
        weights[0][x0] * weights[1][x1]
        for x0 in range(m + 1)
        for x1 in range(m + 1)
        if (limits := share_ratio((x0, m), (x1, m), 0.95))[1] <= p1 / p0 <= limits[2]
    )
    assert covered >= 0.93


def test_a_share_of_nobody_or_of_none_gives_no_limit() -> None:
    assert wilson((0, 0), 0.95)[1:] == (0, 1)
    assert newcombe((0, 0), (3, 9), 0.95)[1:] == (-1, 1)
    assert share_ratio((0, 9), (3, 9), 0.95) == (math.inf, 0, math.inf)
    assert share_ratio((3, 9), (0, 9), 0.95) == (0, 0, math.inf)
    assert math.isnan(share_ratio((0, 9), (0, 9), 0.95)[0])


def test_a_percentage_is_written_from_ten_on() -> None:
    assert say_share((6, 9)) == "6 of 9"
    assert say_share((6, 10)) == "6 of 10 (60 %)"
    assert say_share((1200, 2400)) == "1,200 of 2,400 (50 %)"
