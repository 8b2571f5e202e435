"""Rate differences: hand-worked values, another implementation, exact coverage and zeros."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.rates import confint_poisson, confint_poisson_2indep

from commonground.errors import StudyError
from evaluation.rate_differences import rate_difference, rate_differences
from evaluation.rates import rate_ratio

counts = st.integers(0, 60)
lengths = st.floats(0.2, 30)


def mover(before: int, after: int, exposure: tuple[float, float]) -> tuple[float, float]:
    """Return statsmodels' interval from exact limits of each rate."""
    return confint_poisson_2indep(
        after, exposure[1], before, exposure[0], compare="diff", method="mover", method_mover="exact-c"
    )


def test_five_and_ten_events_are_worked_by_hand() -> None:
    # Garwood (1936): 5 events 1.6235 to 11.6683, 10 events 4.7954 to 18.3904;
    # 5 - sqrt((10 - 4.7954)^2 + (11.6683 - 5)^2) and 5 + sqrt((18.3904 - 10)^2 + (5 - 1.6235)^2)
    found = rate_difference(5, 10)
    assert found.difference == 5
    assert (found.low, found.high) == pytest.approx((-3.4590, 14.0443), abs=2e-4)


def test_two_zeros_have_an_interval_and_no_point() -> None:
    # the upper limit of 0 events is -ln(.025) = 3.688879
    found = rate_difference(0, 0, exposure=(24, 6))
    assert (found.low, found.high) == pytest.approx((-3.688879 / 24, 3.688879 / 6), abs=1e-6)
    assert (found.difference, found.p) == (0, 1)
    fell = rate_difference(9, 0)
    assert fell.low < fell.difference == -9 < fell.high < 0


@settings(max_examples=60, deadline=None)
@given(counts, counts, lengths, lengths)
def test_the_limits_are_statsmodels_where_the_exact_test_agrees(
    before: int, after: int, first: float, second: float
) -> None:
    found = rate_difference(before, after, exposure=(first, second))
    low, high = mover(before, after, (first, second)) if before and after else (found.low, found.high)
    if found.p > 0.05:
        low, high = min(low, 0), max(high, 0)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-7, abs=1e-9)
    assert found.p == rate_ratio(before, after, exposure=(first, second)).p
    assert found.rate_after - found.rate_before == found.difference
    assert found.low < found.difference < found.high


def test_zero_counts_use_the_exact_limit_of_nothing() -> None:
    # statsmodels gives NaN as the lower limit of no event, so its parts are put together here
    for before, after in ((0, 7), (7, 0)):
        (low0, high0), (low1, high1) = (np.nan_to_num(confint_poisson(x, 1, method="exact-c")) for x in (before, after))
        d = after - before
        expected = d - math.hypot(after - low1, high0 - before), d + math.hypot(high1 - after, before - low0)
        found = rate_difference(before, after)
        assert (found.low, found.high) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(counts, counts, lengths, lengths, st.sampled_from([0.9, 0.95, 0.99]))
def test_no_interval_leaves_zero_out_against_the_exact_test(
    before: int, after: int, first: float, second: float, level: float
) -> None:
    found = rate_difference(before, after, exposure=(first, second), level=level)
    if not found.low <= 0 <= found.high:
        assert found.p <= 1 - level


def test_mover_alone_would_claim_a_change_that_the_exact_test_does_not() -> None:
    low, _ = mover(3, 12, (1, 1))
    found = rate_difference(3, 12)
    assert found.p <= 0.05
    assert found.low == pytest.approx(low)
    disagreeing = [(x, y) for x in range(1, 12) for y in range(x, 30) if mover(x, y, (1, 1))[0] > 0]
    widened = [pair for pair in disagreeing if rate_ratio(*pair).p > 0.05]
    assert widened
    for pair in widened:
        assert rate_difference(*pair).low == 0


@settings(max_examples=40, deadline=None)
@given(counts, counts, lengths, lengths)
def test_swapping_the_periods_turns_the_difference_round(before: int, after: int, first: float, second: float) -> None:
    there = rate_difference(before, after, exposure=(first, second))
    back = rate_difference(after, before, exposure=(second, first))
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))


def coverage(means: list[float], exposure: tuple[float, float], most: int) -> tuple[float, float]:
    """Return least and mean coverage, added up over all tables of up to `most` events."""
    events = np.arange(most)
    before, after = (pd.Series(v.ravel()) for v in np.meshgrid(events, events, indexing="ij"))
    table = rate_differences(before, after, exposure=exposure).table
    found = []
    for m0 in means:
        for m1 in means:
            truth = m1 / exposure[1] - m0 / exposure[0]
            weights = np.outer(stats.poisson.pmf(events, m0), stats.poisson.pmf(events, m1)).ravel()
            covered = (table["low"] <= truth + 1e-12) & (truth - 1e-12 <= table["high"])
            found.append(float(weights[covered.to_numpy()].sum()))
    return min(found), float(np.mean(found))


@pytest.mark.parametrize("exposure", [(1, 1), (24, 12), (24, 6), (6, 24), (24, 1)])
def test_coverage_holds_from_a_fifth_of_an_event_to_fifty(exposure: tuple[float, float]) -> None:
    least, mean = coverage([0.2, 0.5, 1, 2, 4, 8, 15, 30, 50], exposure, 110)
    assert least >= 0.95
    assert 0.965 < mean < 0.98


def test_many_areas_match_one_area_at_a_time() -> None:
    before = pd.Series([40, 0, 3, None], index=["d", "a", "c", "b"])
    after = pd.Series([0, 18, 4, 2], index=["b", "d", "c", "a"])
    found = rate_differences(before, after, exposure=(24, pd.Series([6, 6, 3, 6], index=["d", "a", "c", "b"])))
    table = found.to_frame()
    assert list(table.index) == ["d", "a", "c", "b"]
    one = rate_difference(3, 4, exposure=(24, 3))
    assert list(table.loc["c", ["difference", "low", "high", "p"]]) == [one.difference, one.low, one.high, one.p]
    assert table.loc["b", ["difference", "low", "high", "p", "p_holm", "p_bh"]].isna().all()
    ratios = rate_ratio(40, 18, exposure=(24, 6))
    assert table.loc["d", "p"] == ratios.p
    assert "1 were not observed" in found.summary()
    assert "Holm: 1 rose and 0 fell" in found.summary()
    assert (
        "Holm: 0 rose and 1 fell. Benjamini-Hochberg: 0 rose and 1 fell"
        in rate_differences(pd.Series([40, 9]), pd.Series([10, 10])).summary()
    )


def test_words_hold_the_cautions_and_reprs_no_number() -> None:
    found = rate_difference(40, 18, exposure=(24, 6))
    assert repr(found) == "RateDifference(...; call .summary())"
    assert repr(rate_differences(pd.Series([1]), pd.Series([2]))) == "RateDifferences(...; call .summary())"
    said = found.summary()
    assert "went from 1.67 to 3.00 a unit of time, a difference of 1.33" in said
    assert "clusters of events, season and trend all make it too sure" in said
    assert "not the same as no change" in said
    assert "would seldom differ this much" in rate_difference(40, 90).summary()
    assert found.to_frame().loc[0, "low"] == found.low


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(StudyError, match=r"(?s)before, after: needs 2 finite.*exposure: needs 2.*level: needs"):
        rate_difference(-7, 3, exposure=(0, 1), level=95)
    with pytest.raises(StudyError, match=r"(?s)after: needs the same labels.*after exposure: needs lengths above 0"):
        rate_differences(pd.Series([1, 2]), pd.Series([1]), exposure=(1, pd.Series([0, 1])))
