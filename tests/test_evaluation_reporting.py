"""Reporting: identities, hand-worked values, simulation, and sentences that never overreach."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import Table2x2

from commonground.errors import StudyError
from evaluation.panels import relative_rate_ratio
from evaluation.rates import rate_ratio
from evaluation.reporting import AdjustedRatio, reporting_sensitivity
from evaluation.sources import reporting_ratio


def test_the_table_divides_by_the_change_in_reporting_and_breaks_down_at_the_ratio() -> None:
    observed = rate_ratio(100, 160)
    found = reporting_sensitivity(observed, grid=(0.5, 1, 1.6, 3))
    assert found.table["ratio"].tolist() == pytest.approx([3.2, 1.6, 1, 1.6 / 3])
    assert found.table["low"].tolist() == pytest.approx([observed.low / rho for rho in (0.5, 1, 1.6, 3)])
    assert found.table["covers_one"].tolist() == [False, False, True, False]
    assert found.breakdown == observed.ratio
    assert found.breakdown_interval == observed.low > 1


def test_the_interval_breaks_down_at_its_limit_nearest_to_one() -> None:
    assert reporting_sensitivity(rate_ratio(160, 100)).breakdown_interval == rate_ratio(160, 100).high < 1
    assert reporting_sensitivity(rate_ratio(10, 12)).breakdown_interval == 1
    assert math.isnan(reporting_sensitivity(1.4).breakdown_interval)
    assert reporting_sensitivity(1.4).table["covers_one"].isna().all()


def adjusted(ratio: Any, shares: Any) -> AdjustedRatio:
    """Return the ratio under measured shares, which is there whenever shares are."""
    found = reporting_sensitivity(ratio, shares=shares).adjusted
    assert found is not None
    return found


def test_measured_shares_move_the_ratio_and_widen_it_by_the_stated_variance() -> None:
    # by hand: rho = .4/.2 = 2; var log rho = 1/40 - 1/100 + 1/20 - 1/100 = .055
    found = adjusted(1.5, ((20, 100), (40, 100)))
    assert found.ratio == pytest.approx(0.75)
    assert found.rho == 2
    assert math.log(found.high / found.ratio) == pytest.approx(1.959964 * math.sqrt(0.055), rel=1e-6)
    # with a normal log interval the two variances add
    observed = relative_rate_ratio((50, 80), (90, 95))
    se = math.log(observed.high / observed.ratio) / 1.959964
    joined = adjusted(observed, ((20, 100), (40, 100)))
    assert math.log(joined.ratio / joined.low) == pytest.approx(1.959964 * math.sqrt(se**2 + 0.055), rel=1e-6)


def test_the_adjusted_interval_covers_the_planted_ratio() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(400):  # true ratio .7, reporting rises from .3 to .5, so records rise by a sixth
        before, after = rng.poisson(300 * 0.3), rng.poisson(300 * 0.7 * 0.5)
        shares = (rng.binomial(150, 0.3), 150), (rng.binomial(150, 0.5), 150)
        found = adjusted(rate_ratio(before, after), shares)
        covered += found.low <= 0.7 <= found.high
    assert covered / 400 >= 0.92


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))
def test_adjusting_never_narrows_and_never_gives_a_point(before: int, after: int, x0: int, x1: int) -> None:
    observed = rate_ratio(before, after)
    if before + after == 0:
        return
    found = adjusted(observed, ((x0, 20), (x1, 20)))
    assert found.low < found.high
    if observed.low > 0 and observed.high < math.inf:
        assert found.high / found.low >= observed.high / observed.low * (1 - 1e-9)


def test_a_share_of_zero_gives_no_limit() -> None:
    found = adjusted(1.5, ((0, 30), (4, 30)))
    assert (found.low, found.high) == (0, math.inf)
    assert math.isnan(found.ratio)


@pytest.mark.parametrize("counts", [(160, 100), (100, 160), (10, 12), (4, 0), (0, 3)])
@pytest.mark.parametrize("shares", [None, ((20, 100), (40, 100))])
def test_no_sentence_says_that_violence_fell_or_rose(counts: tuple[int, int], shares: Any) -> None:
    observed = rate_ratio(*counts)
    texts = [
        observed.summary(),
        reporting_sensitivity(observed, shares=shares).summary(),
        reporting_ratio(counts, (9, 9)).summary(),
    ]
    for text in texts:
        for word in ("violence", "fell", "rose", "caused", "effect of"):
            assert word not in text


def test_shares_of_everybody_still_carry_their_error() -> None:
    # 1/x - 1/m is 0 for 12 of 12, as if 12 people could show that everybody always reports
    found = adjusted(1.5, ((12, 12), (12, 12)))
    assert found.low < 1.1 < found.ratio == 1.5 < 1.9 < found.high


def test_numbers_of_numpy_are_numbers_too() -> None:
    numbers: list[Any] = [np.float64(2), np.int64(2), 2]
    for ratio in numbers:
        assert reporting_sensitivity(ratio).breakdown == 2
    with pytest.raises(StudyError, match="grid: needs at least one"):
        reporting_sensitivity(2, grid=())


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.1, 10))
def test_the_breakdown_is_where_the_table_first_covers_one(before: int, after: int, rho: float) -> None:
    observed = rate_ratio(before, after)
    found = reporting_sensitivity(observed, grid=(rho, observed.ratio))
    assert found.table["ratio"].iloc[1] == pytest.approx(1)
    nearest, covers = found.breakdown_interval, bool(found.table["covers_one"].iloc[0])
    assert covers == (observed.low <= rho <= observed.high)
    if nearest > 1:
        assert not (covers and rho < nearest * (1 - 1e-12))
    if nearest < 1:
        assert not (covers and rho > nearest * (1 + 1e-12))


def test_bad_ratios_shares_and_grids_are_all_listed() -> None:
    with pytest.raises(StudyError, match=r"(?s)ratio: needs.*grid: needs.*shares, before: needs x people of m"):
        reporting_sensitivity(-1, grid=(0, 1), shares=((5, 4), (1, 4)))


def test_an_undefined_ratio_is_refused() -> None:
    with pytest.raises(StudyError, match="ratio: needs a ratio of at least 0"):
        reporting_sensitivity(rate_ratio(0, 0))


def test_the_reporting_ratio_is_the_hand_worked_one() -> None:
    # log[(10.5/20.5)/(20.5/10.5)] = 2 log(10.5/20.5); variance 2/20.5 + 2/10.5
    found = reporting_ratio((20, 10), (10, 20))
    assert found.ratio == pytest.approx((10.5 / 20.5) ** 2)
    se = math.sqrt(2 / 20.5 + 2 / 10.5)
    assert math.log(found.high / found.ratio) == pytest.approx(1.959964 * se, rel=1e-6)
    assert found.p == pytest.approx(math.erfc(abs(math.log(found.ratio)) / se / math.sqrt(2)), rel=1e-9)


def test_the_comparison_is_taken_off_and_adds_its_variance() -> None:
    plain, other = reporting_ratio((20, 10), (10, 20)), reporting_ratio((31, 22), (17, 19))
    both = reporting_ratio((20, 10), (10, 20), control_police=(31, 22), control_outreach=(17, 19))
    assert both.ratio == pytest.approx(plain.ratio / other.ratio)
    spread = [math.log(r.high / r.ratio) ** 2 for r in (plain, other, both)]
    assert spread[2] == pytest.approx(spread[0] + spread[1])
    same = reporting_ratio((20, 10), (10, 20), control_police=(20, 10), control_outreach=(10, 20))
    assert (same.ratio, same.p) == pytest.approx((1, 1))
    assert "with no comparison areas" in plain.summary()


@settings(max_examples=60, deadline=None)
@given(*[st.tuples(st.integers(0, 40), st.integers(0, 40))] * 4)
def test_the_reporting_ratio_is_the_contrast_of_a_log_linear_model(
    police: tuple[int, int], outreach: tuple[int, int], others: tuple[int, int], beside: tuple[int, int]
) -> None:
    # another implementation: the odds ratio of statsmodels with 0.5 added to every cell
    found = reporting_ratio(police, outreach)
    table = Table2x2(np.array([police[::-1], outreach[::-1]]) + 0.5)
    assert found.ratio == pytest.approx(table.oddsratio)
    assert (found.low, found.high) == pytest.approx(table.oddsratio_confint(0.05))
    assert found.p == pytest.approx(table.oddsratio_pvalue())
    both = reporting_ratio(police, outreach, control_police=others, control_outreach=beside)
    again = Table2x2(np.array([others[::-1], beside[::-1]]) + 0.5)
    assert both.ratio == pytest.approx(table.oddsratio / again.oddsratio)
    spread = math.hypot(table.log_oddsratio_se, again.log_oddsratio_se)
    assert math.log(both.high / both.ratio) == pytest.approx(1.959964 * spread, rel=1e-6)


def test_zero_counts_still_have_an_interval_and_one_comparison_is_refused() -> None:
    found = reporting_ratio((0, 0), (5, 0))
    assert 0 < found.low < found.ratio < found.high < math.inf
    with pytest.raises(StudyError, match="control_outreach: needs 2"):
        reporting_ratio((1, 2), (3, 4), control_police=(5, 6))


def test_results_show_no_number_by_accident() -> None:
    found = reporting_sensitivity(rate_ratio(100, 160), shares=((20, 100), (40, 100)))
    assert repr(found) == "ReportingSensitivity(...; call .summary())"
    assert repr(found.adjusted) == "AdjustedRatio(...; call .summary())"
    assert found.adjusted is not None
    assert found.adjusted.to_frame().loc[0, "rho"] == 2
    assert found.to_frame() is not found.table
