"""Two rates: published values, other implementations and identities."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from commonground.errors import StudyError
from evaluation.conditional import benjamini_hochberg, holm
from evaluation.rates import rate_ratio, rate_ratios

counts = st.integers(0, 60)
lengths = st.floats(0.1, 40)


def test_the_interval_is_the_published_one() -> None:
    # design methods.md, section 2: 10 against 5, equal exposure
    found = rate_ratio(5, 10)
    assert found.ratio == 2
    assert found.low == pytest.approx(0.62285955, abs=1e-8)
    assert found.high == pytest.approx(7.4572959, abs=1e-7)


def test_unequal_exposure_gives_the_published_interval_and_p() -> None:
    # design methods.md, section 2: 18 in 6 months after 40 in 24
    found = rate_ratio(40, 18, exposure=(24, 6))
    assert found.ratio == pytest.approx(1.8)
    assert (found.low, found.high) == pytest.approx((0.97133082, 3.21294881), abs=1e-8)
    assert found.p == pytest.approx(0.0620036, abs=1e-7)


def test_the_e_test_is_the_published_one() -> None:
    assert rate_ratio(2, 6).e_test == pytest.approx(0.174874821, abs=1e-8)  # design methods.md, section 2
    assert math.isnan(rate_ratio(0, 0).e_test)


@settings(max_examples=60, deadline=None)
@given(counts, counts, lengths, lengths)
def test_p_and_interval_agree_with_scipys_binomial_test(before: int, after: int, first: float, second: float) -> None:
    found = rate_ratio(before, after, exposure=(first, second))
    null = second / (first + second)
    total = before + after
    tails = stats.binom.cdf(after, total, null), stats.binom.sf(after - 1, total, null)
    assert found.p == pytest.approx(min(1, 2 * min(tails)), abs=1e-12)
    here = stats.binom.pmf(after, total, null)
    assert found.p_mid == pytest.approx(min(1, 2 * (min(tails) - here / 2)), abs=1e-12)
    if total:
        limits = stats.binomtest(after, total, null).proportion_ci(method="exact")
        low, high = (p / (1 - p) * first / second if p < 1 else math.inf for p in limits)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-8)


@settings(max_examples=60, deadline=None)
@given(counts, counts, lengths, lengths)
def test_p_is_small_exactly_when_the_interval_leaves_one_out(
    before: int, after: int, first: float, second: float
) -> None:
    found = rate_ratio(before, after, exposure=(first, second))
    if abs(found.p - 0.05) > 1e-9:
        assert (found.p < 0.05) == (not found.low <= 1 <= found.high)


@settings(max_examples=40, deadline=None)
@given(counts, counts, lengths, lengths)
def test_swapping_the_periods_inverts_the_ratio(before: int, after: int, first: float, second: float) -> None:
    there = rate_ratio(before, after, exposure=(first, second))
    back = rate_ratio(after, before, exposure=(second, first))
    assert back.p == pytest.approx(there.p, abs=1e-12)
    if there.low > 0:
        assert back.high == pytest.approx(1 / there.low, rel=1e-9)


def test_a_zero_count_gives_an_end_of_zero_or_infinity_never_a_point() -> None:
    fell, rose, nothing = rate_ratio(4, 0), rate_ratio(0, 4), rate_ratio(0, 0)
    assert (fell.ratio, fell.low) == (0, 0)
    assert 1 < fell.high < math.inf
    assert rose.ratio == rose.high == math.inf
    assert 0 < rose.low < 1
    assert math.isnan(nothing.ratio)
    assert (nothing.low, nothing.high, nothing.p) == (0, math.inf, 1)
    assert "Nothing can be said" in nothing.summary()
    assert "the ratio has no point, only an upper limit" in fell.summary()
    assert "the ratio has no point, only a lower limit" in rose.summary()
    for zero in (fell, rose, nothing):
        assert "times the rate before" not in zero.summary()


def test_tiny_tails_keep_their_digits() -> None:
    found = rate_ratio(400, 4000)
    assert 0 < found.p < 1e-300 or found.p == 0
    mild = rate_ratio(100, 300)
    assert mild.p_mid / mild.p == pytest.approx(
        1 - stats.binom.pmf(300, 400, 0.5) / stats.binom.sf(299, 400, 0.5) / 2, rel=1e-9
    )


def test_everything_wrong_is_said_at_once_and_holds_no_count() -> None:
    with pytest.raises(
        StudyError, match=r"(?s)before, after: needs 2 finite.*exposure: needs 2.*level: needs"
    ) as caught:
        rate_ratio(-7, 3, exposure=(0, 1), level=95)
    assert "7" not in str(caught.value)
    with pytest.raises(StudyError, match="needs whole counts"):
        rate_ratio(2.5, 3)


def test_nothing_shows_until_it_is_asked() -> None:
    found = rate_ratio(40, 18, exposure=(24, 6))
    assert repr(found) == "RateRatio(...; call .summary())"
    assert "1.80 times" in found.summary()
    assert found.to_frame().loc[0, "ratio"] == found.ratio


def test_many_areas_match_one_area_at_a_time_on_the_callers_index() -> None:
    before = pd.Series([40, 0, 3, None], index=["d", "a", "c", "b"])
    after = pd.Series([0, 18, 4, 2], index=["b", "d", "c", "a"])
    found = rate_ratios(before, after, exposure=(24, 6)).to_frame()
    assert list(found.index) == ["d", "a", "c", "b"]
    one = rate_ratio(40, 18, exposure=(24, 6))
    assert list(found.loc["d", ["ratio", "low", "high", "p", "p_mid"]]) == [
        one.ratio, one.low, one.high, one.p, one.p_mid,
    ]  # fmt: skip
    assert found.loc["b", ["ratio", "low", "p", "p_holm", "p_bh"]].isna().all()
    assert before.isna().sum() == 1


def test_holm_and_bh_are_the_textbook_ones() -> None:
    rng = np.random.default_rng(3)
    before, after = pd.Series(rng.poisson(9, 30)), pd.Series(rng.poisson(14, 30))
    found = rate_ratios(before, after).to_frame()
    for column, method in (("p_holm", "holm"), ("p_bh", "fdr_bh")):
        assert found[column].to_numpy() == pytest.approx(multipletests(found["p"], method=method)[1])
    assert found["p_holm"].min() == pytest.approx(30 * found["p"].min())
    assert (found["p_bh"] <= found["p_holm"] + 1e-12).all()


def test_holm_and_bh_of_four_areas_are_worked_by_hand() -> None:
    # p in order .01 .02 .03 .5: Holm 4 x .01, 3 x .02, 2 x .03, .5; BH 4 x .01 / 1, 4 x .02 / 2, 4 x .03 / 3, .5
    p = np.array([0.03, 0.01, np.nan, 0.5, 0.02])
    assert holm(p) == pytest.approx([0.06, 0.04, np.nan, 0.5, 0.06], nan_ok=True)
    assert benjamini_hochberg(p) == pytest.approx([0.04, 0.04, np.nan, 0.5, 0.04], nan_ok=True)


def test_the_summary_counts_both_adjustments() -> None:
    labels = ["clear", "middling", "same", "never", "unseen"]
    before = pd.Series([10, 10, 10, 0, None], index=labels)
    after = pd.Series([40, 24, 11, 0, 3], index=labels)
    found = rate_ratios(before, after)
    # of four p the middling one is .024: x 3 by Holm, x 4 / 2 by Benjamini-Hochberg
    assert found.table.loc["middling", "p"] == pytest.approx(2 * stats.binom.sf(23, 34, 0.5))
    assert found.table.loc["middling", "p_bh"] < 0.05 < found.table.loc["middling", "p_holm"]
    said = found.summary()
    assert "Holm (hardly ever one false alarm among all): 1 rose and 0 fell" in said
    assert "is false): 2 rose and 0 fell" in said
    assert "1 had no event in either period, 1 were not observed in both" in said


@pytest.mark.parametrize(("before", "after"), [(400, 500), (1000, 900), (300, 302)])
def test_the_breakdown_is_the_dispersion_that_takes_a_large_finding_away(before: int, after: int) -> None:
    # for large counts z is (after - before) / sqrt(after + before), and dispersion phi divides it by sqrt(phi)
    found = rate_ratio(before, after)
    expected = (after - before) ** 2 / (after + before) / 1.959964**2
    assert found.breakdown_dispersion == pytest.approx(expected, rel=0.06, abs=0.01)


@settings(max_examples=40, deadline=None)
@given(counts, counts)
def test_the_breakdown_is_above_one_exactly_when_p_is_small(before: int, after: int) -> None:
    found = rate_ratio(before, after)
    if abs(found.p - 0.05) > 1e-9:
        assert (found.breakdown_dispersion > 1) == (found.p < 0.05)


def test_the_caution_about_clusters_is_in_the_words() -> None:
    said = rate_ratio(40, 90).summary()
    assert f"counts whose variance is {rate_ratio(40, 90).breakdown_dispersion:.2f} times their mean" in said
    assert "clusters of events, season and trend all make it too sure" in said
    assert "infinite times" in rate_ratio(400, 40_000).summary()


def test_exposures_may_differ_between_areas() -> None:
    before, after = pd.Series({"x": 5, "y": 5}), pd.Series({"x": 10, "y": 10})
    found = rate_ratios(before, after, exposure=(1.0, pd.Series({"y": 2.0, "x": 1.0}))).to_frame()
    assert found["ratio"].to_dict() == {"x": 2, "y": 1}


def test_labels_that_differ_and_text_are_refused() -> None:
    before = pd.Series([1, 2], index=["x", "y"])
    with pytest.raises(StudyError, match="after: needs the same labels"):
        rate_ratios(before, pd.Series([1, 2], index=["x", "z"]))
    with pytest.raises(StudyError, match="after: needs whole counts"):
        rate_ratios(before, pd.Series(["1", "few"], index=["x", "y"]))


def test_a_thousand_areas_are_summed_up() -> None:
    rng = np.random.default_rng(1)
    before, after = pd.Series(rng.poisson(5, 1000)), pd.Series(rng.poisson(5, 1000))
    found = rate_ratios(before, after)
    assert "1000 ratios" in found.summary()
