"""area_consistency: exact limits by hand and by scipy, decisions that agree with the drawn limits, and their size."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from commonground.errors import StudyError
from evaluation.comparing.control_limits import DRAWS, Chance, attained, edge, widened, winsorised_dispersion
from evaluation.consistency import AreaConsistency, area_consistency


def series(*values: float) -> pd.Series:
    return pd.Series(values, index=[f"area {place}" for place in range(len(values))], dtype=float)


BEFORE, AFTER = series(20, 18, 25, 22, 40, 31), series(10, 9, 14, 31, 19, 12)

# limits


def test_the_lower_limit_is_the_published_interpolation_worked_by_hand() -> None:
    # Spiegelhalter (2005), appendix A.1.1, for Binomial(20, 1/2) and a tail of .025. Of 2^20 = 1,048,576 sequences
    # 21,700 have at most 5 and 60,460 at most 6, so r = 6 and a = (60,460 / 2^20 - .025) / (38,760 / 2^20).
    a = (60_460 / 2**20 - 0.025) / (38_760 / 2**20)
    n = np.array([20])
    assert edge(stats.binom(n, 0.5), n, 0.025)[0] == pytest.approx((6 - a) / 20, abs=1e-12)
    assert edge(stats.binom(n, 0.5), n, 0.025)[0] == pytest.approx(0.25582, abs=5e-6)


def test_too_few_events_have_no_lower_limit() -> None:
    n = np.array([5])  # 1/32 = .031: even none after is likelier than .025
    assert edge(stats.binom(n, 0.5), n, 0.025)[0] == 0


def test_both_sides_are_alike_when_before_and_after_change_places() -> None:
    there, back = area_consistency(BEFORE, AFTER), area_consistency(AFTER, BEFORE)
    one, other = there.limits([1, 7, 40, 59]), back.limits([1, 7, 40, 59])
    with np.errstate(divide="ignore"):
        for low, high in (("low", "high"), ("low_dispersed", "high_dispersed")):
            np.testing.assert_allclose(one[low], 1 / other[high], rtol=1e-9)
    np.testing.assert_allclose(there.table["p"], back.table["p"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=9), st.booleans())
def test_an_area_is_outside_exactly_when_it_lies_beyond_the_drawn_limits(
    counts: list[tuple[int, int]], declared: bool
) -> None:
    before, after = (series(*column) for column in zip(*counts, strict=True))
    if (before + after > 0).sum() < 3 or not before.sum() or not after.sum():
        return
    found = area_consistency(before, after, exposure=(2, 3), target=0.7 if declared else None)
    for _, row in found.table.dropna(subset=["p"]).iterrows():
        lines = found.limits([int(row["events"])])
        for name in ("", "_dispersed"):
            low, high = lines[f"low{name}"] * (1 - 1e-9), lines[f"high{name}"] * (1 + 1e-9)
            beyond = lines.loc[(row["ratio"] < low) | (row["ratio"] > high), "level"]
            shown = row[f"outside{name}"]
            assert (math.isnan(shown) and beyond.empty) or shown == beyond.max()


def test_limits_around_all_areas_become_binomial_when_the_areas_are_small_parts() -> None:
    n = np.array([30])
    many = Chance(events=1_000_000, after=300_000, share=0.3, declared=False)
    few = Chance(events=60, after=18, share=0.3, declared=False)
    binomial = edge(stats.binom(n, 0.3), n, 0.025)
    assert edge(many.law(n), n, 0.025) == pytest.approx(binomial, abs=1e-3)
    assert edge(few.law(n), n, 0.025) > binomial + 0.03  # half of the whole cannot stray far from the whole


def test_dispersed_limits_are_the_multiplicative_ones_when_events_are_many() -> None:
    n, phi = np.array([2_000_000]), 4.0
    se = math.sqrt(phi * 0.4 * 0.6 / n[0])
    limit = edge(stats.binom(n, 0.4), n, widened(0.025, phi))[0]
    assert (0.4 - limit) / se == pytest.approx(1.959964, abs=0.01)
    assert widened(0.025, 0.5) == widened(0.025, math.nan) == pytest.approx(0.025)


def test_the_dispersion_is_winsorised_by_hand() -> None:
    # tenths of five values fall .4 of the way from the outermost to the next: -3 + .4 x 2 = -2.2
    assert winsorised_dispersion(np.array([-3.0, -1, 0, 1, 3])) == pytest.approx((2 * 2.2**2 + 2) / 5)
    assert math.isnan(winsorised_dispersion(np.array([-3.0, 3, 1, 0])))


# tests


def test_p_is_that_of_fisher_for_an_area_against_the_others() -> None:
    found = area_consistency(BEFORE, AFTER)
    for label in BEFORE.index:
        one = [AFTER[label], BEFORE[label]]
        rest = [AFTER.sum() - one[0], BEFORE.sum() - one[1]]
        tails = [stats.fisher_exact([one, rest], alternative=side).pvalue for side in ("less", "greater")]
        assert found.table.at[label, "p"] == pytest.approx(min(1, 2 * min(tails)))


def test_the_adjustment_is_holms() -> None:
    found = area_consistency(BEFORE, AFTER).table
    np.testing.assert_allclose(found["p_holm"], multipletests(found["p"], method="holm")[1])


def test_against_a_declared_change_p_is_binomial() -> None:
    found = area_consistency(BEFORE, AFTER, exposure=(24, 12), target=0.8)
    share = 0.8 * 0.5 / (1 + 0.8 * 0.5)
    for label in BEFORE.index:
        n = int(BEFORE[label] + AFTER[label])
        tails = [stats.binomtest(int(AFTER[label]), n, share, side).pvalue for side in ("less", "greater")]
        assert found.table.at[label, "p"] == pytest.approx(min(1, 2 * min(tails)))
    assert found.overall == 0.8
    assert found.df == 6


def test_heterogeneity_is_pearsons_chi_square_and_its_p_agrees_when_counts_are_large() -> None:
    before, after = BEFORE * 10, (AFTER * 10 + series(0, 12, -9, -170, 0, 25)).clip(lower=0)
    found, known = area_consistency(before, after), stats.chi2_contingency([before, after], correction=False)
    assert found.statistic == pytest.approx(known.statistic)
    assert found.df == known.dof == 5
    assert found.p == pytest.approx(known.pvalue, abs=0.02)
    assert found.p_floor == 1 / (1 + DRAWS)


def test_an_area_that_changed_otherwise_is_found_and_the_others_are_not() -> None:
    found = area_consistency(series(50, 50, 50, 50, 50), series(25, 25, 25, 25, 80))
    assert found.p == found.p_floor
    assert found.table["side"].iloc[-1] == "above"
    assert found.table["p_holm"].idxmin() == "area 4"
    assert found.table.at["area 4", "outside"] == 0.998
    assert "differ by more than chance" in found.said


def test_without_a_difference_the_areas_pass_the_limits_as_often_as_stated_and_no_more() -> None:
    rng, n, draws = np.random.default_rng(5), np.array([4, 9, 17, 30, 55, 80]), 150
    chance = Chance(events=195, after=80, share=80 / 195, declared=False)
    outside, small = np.zeros(2), 0
    for after in rng.multivariate_hypergeometric(n, 80, size=draws):
        found = area_consistency(series(*(n - after)), series(*after), seed=int(rng.integers(1000)))
        outside += found.outside["n_outside"].to_numpy()
        small += found.p <= 0.05
        np.testing.assert_allclose(found.outside["expected_by_chance"][0], attained(chance, n, 0.025))
    expected = found.outside["expected_by_chance"].to_numpy() * draws
    assert abs(outside[0] - expected[0]) < 3.3 * math.sqrt(expected[0])
    assert outside[1] <= expected[1] + 3.3 * math.sqrt(expected[1] + 0.1)
    assert expected[0] <= 0.05 * len(n) * draws
    assert small <= stats.binom(draws, 0.05).ppf(0.9995)


def test_the_number_expected_by_chance_is_the_sum_over_all_possible_counts() -> None:
    n, share = np.array([12, 25]), 0.3
    total = 0.0
    for size in n:
        for count in range(size + 1):
            law = stats.binom(size, share)
            total += law.pmf(count) * (min(law.cdf(count), law.sf(count - 1)) < 0.025)
    assert attained(Chance(37, 11, share, declared=True), n, 0.025) == pytest.approx(total)


# what is given


def test_zeros_have_exact_answers_and_areas_without_events_none() -> None:
    found = area_consistency(series(0, 12, 9, 0, math.nan, 15), series(9, 0, 8, 0, 4, 11)).table
    assert found.loc["area 0", "ratio"] == math.inf
    assert found.loc["area 1", "ratio"] == 0
    assert found.loc[["area 0", "area 1"], "p"].between(0, 0.05).all()
    assert found.loc[["area 3", "area 4"], ["p", "p_holm", "outside"]].isna().all().all()
    assert found["side"].tolist()[:3] == ["above", "below", "inside"]


def test_longer_periods_scale_ratios_and_leave_p_alone() -> None:
    one, other = area_consistency(BEFORE, AFTER), area_consistency(BEFORE, AFTER, exposure=(24, 12))
    np.testing.assert_allclose(other.table["ratio"], 2 * one.table["ratio"])
    np.testing.assert_allclose(other.table["p"], one.table["p"])
    assert other.overall == pytest.approx(2 * one.overall)
    np.testing.assert_allclose(other.limits([40])["high"], 2 * one.limits([40])["high"])


def test_the_order_of_the_areas_does_not_matter_and_the_index_is_kept() -> None:
    found = area_consistency(BEFORE, AFTER[::-1])
    pd.testing.assert_frame_equal(found.table, area_consistency(BEFORE, AFTER).table)
    assert found.table.index.equals(BEFORE.index)
    assert area_consistency(BEFORE, AFTER, seed=4).p == area_consistency(BEFORE, AFTER, seed=4).p


def test_an_answer_shows_no_number_until_it_is_asked() -> None:
    found = area_consistency(BEFORE, AFTER)
    assert not re.search(r"\d", repr(found) + found.said)
    assert "Holm" in found.summary()
    assert "no cause" in found.summary()
    copied = found.to_frame()
    copied["p"] = -1.0
    assert (found.table["p"] >= 0).all()
    assert isinstance(found, AreaConsistency)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((series(1, 2), series(3, 4)), {}, r"needs 3 areas with events"),
        ((series(1, 2, 3), series(0, 0, 0)), {}, r"needs events before and events after"),
        ((series(1, 2, 3), series(1, 2.5, 3)), {}, r"after: needs whole counts"),
        ((series(1, -2, 3), series(1, 2, 3)), {}, r"before: needs whole counts of at least 0"),
        ((series(1, 2, 3), pd.Series([1, 2, 3], index=list("abc"))), {}, r"needs the labels of `before`"),
        (([1, 2, 3], [1, 2, 3]), {}, r"needs a Series each"),
        ((BEFORE, AFTER), {"limits": (0.998, 0.95)}, r"limits: needs 1 to 3 levels between 0.5 and 1, increasing"),
        ((BEFORE, AFTER), {"target": 0}, r"target: needs 1 finite number above 0"),
        (
            (BEFORE, AFTER),
            {"exposure": (1, 0), "limits": ()},
            r"limits: needs 1 to 3 levels(.|\n)*|exposure: needs 2 finite numbers above 0",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        area_consistency(*arguments, **options)
