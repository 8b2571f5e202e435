"""The drift before the start: another implementation, planted drifts, and what an unseen one would do."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonground.errors import StudyError
from evaluation.pretrends import PretrendCheck, pretrend_check

MONTHS = pd.period_range("2020-01", periods=30, freq="M")
START = pd.Period("2022-01", "M")


def _counts(
    seed: int, areas: int = 1, mean: float = 20.0, drift: float = 0.0, months: int = 30
) -> tuple[pd.Series, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    index = pd.period_range("2020-01", periods=months, freq="M")
    season = 1 + 0.4 * np.sin(np.arange(months) / 2)
    own = rng.poisson(mean * season * np.exp(drift * np.arange(months)))
    others = rng.poisson(np.outer(mean * season, np.ones(areas)))
    return pd.Series(own, index=index), pd.DataFrame(others, index=index, columns=[f"c{k}" for k in range(areas)])


def _theirs(own: pd.Series, others: pd.DataFrame, months: int) -> tuple[float, float, float]:
    total = (own + others.sum(axis=1)).to_numpy(float)[:months]
    design = sm.add_constant(np.arange(months, dtype=float))
    # shares with weights: with a table of two columns statsmodels' Pearson scale leaves the totals out
    model = sm.GLM(own.to_numpy()[:months] / total, design, family=sm.families.Binomial(), var_weights=total)
    fitted = model.fit(scale="X2", tol=1e-12)
    return float(fitted.params[1]), float(fitted.bse[1]), float(fitted.scale)


@pytest.mark.parametrize("seed", range(3))
def test_slope_error_and_interval_are_those_of_a_quasi_binomial_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own, others = _counts(seed)
    own = own + rng.negative_binomial(1, 0.1, 30)  # more than Poisson, so that the dispersion counts
    found = pretrend_check(own, others, START)
    slope, error, scale = _theirs(own, others, 24)
    assert scale > 1
    assert found.slope == pytest.approx(slope, rel=1e-6)
    assert (found.inflation, found.df, found.basis) == (pytest.approx(scale, rel=1e-6), 22, "months")
    assert found.high - found.slope == pytest.approx(2.073873 * error, rel=1e-6)  # t(22) quantile
    assert found.unseen == pytest.approx((2.073873 + 0.858266) * error, rel=1e-5)  # and its quantile of .8


def test_the_slope_is_that_of_a_poisson_regression_with_a_level_for_each_month() -> None:
    own, others = _counts(4)
    found = pretrend_check(own, others, START)
    month = np.tile(np.arange(24.0), 2)
    treated = np.repeat([1.0, 0.0], 24)
    dummies = pd.get_dummies(month, dtype=float).to_numpy()
    design = np.column_stack([treated * month, treated, dummies])
    fitted = sm.GLM(np.append(own[:24], others["c0"][:24]), design, family=sm.families.Poisson()).fit(tol=1e-12)
    assert found.slope == pytest.approx(fitted.params[0], abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=16, max_size=16), st.lists(st.integers(1, 30), min_size=16, max_size=16))
def test_swapping_sides_turns_the_drift_round(own: list[int], other: list[int]) -> None:
    assume(own != other)
    there, back = (pretrend_check(a, pd.Series(b), 12) for a, b in ((own, other), (other, own)))
    assert back.slope == pytest.approx(-there.slope, abs=1e-9)
    assert (back.p, back.unseen) == pytest.approx((there.p, there.unseen), rel=1e-6)


def test_a_planted_drift_is_found_and_fails() -> None:
    found = pretrend_check(*_counts(1, areas=5, drift=0.05), START)
    assert found.low < 0.05 < found.high
    assert found.p < 0.01
    assert found.status == "failed"
    assert "already drifted apart" in found.summary()
    # 24 months before centred on 11.5, 6 after on 26.5: exp(.05 x 15), nearly, as the comparison is level
    assert found.own_ratio == pytest.approx(math.exp(15 * found.slope), rel=0.06)
    assert found.own_low < found.own_ratio < found.own_high


def test_an_unseen_drift_bends_the_ratio_as_it_bends_exact_counts() -> None:
    own, others = _counts(2)
    found = pretrend_check(own, others, START)
    for size, ratio in ((found.unseen, found.unseen_rise), (-found.unseen, found.unseen_fall)):
        bent = others["c0"] * np.exp(size * np.arange(30))
        t0, t1 = bent[MONTHS < START].sum(), bent[MONTHS >= START].sum()
        c0, c1 = others["c0"][MONTHS < START].sum(), others["c0"][MONTHS >= START].sum()
        assert ratio == pytest.approx((t1 / t0) / (c1 / c0))
    assert found.unseen_fall < 1 < found.unseen_rise


def test_the_drift_it_says_it_would_find_is_found_about_four_times_in_five() -> None:
    # Poisson, level comparison: 1 / sum of N p (1 - p) (t - mean)^2 = 1 / (10 x 1150), t quantiles 2.073873 and .858266
    drift = (2.073873 + 0.858266) / math.sqrt(10 * 1150)
    rng = np.random.default_rng(3)
    rates = 20 * np.exp(drift * (np.arange(30) - 11.5))
    found = sum(pretrend_check(rng.poisson(rates), pd.Series(rng.poisson(20, 30)), 24).p <= 0.05 for _ in range(150))
    assert 0.66 <= found / 150 <= 0.90  # .8, three standard errors, and the dispersion that chance finds


def test_areas_that_drift_by_themselves_make_the_error_theirs() -> None:
    rng = np.random.default_rng(8)
    slopes = np.append(0.0, rng.normal(0, 0.04, 8))
    counts = rng.poisson(200 * np.exp(np.outer(np.arange(30) - 12, slopes)))
    found = pretrend_check(counts[:, 0], pd.DataFrame(counts[:, 1:]), 24)
    assert (found.basis, found.df) == ("areas", 7)
    size = (found.high - found.slope) / 2.364624  # t(7) quantile
    share = counts[:24, 1:].sum(axis=0) / counts[:24, 1:].sum()
    assert size == pytest.approx(math.sqrt(slopes[1:].var(ddof=1) * (1 + share @ share)), rel=0.1)


def test_passing_needs_power_and_a_declared_margin_is_a_yardstick() -> None:
    poor = pretrend_check(*_counts(5, mean=4), START)
    assert poor.status == "informational"
    assert poor.unseen_rise > poor.yardstick
    assert "says nothing for or against" in poor.summary()
    many = _counts(9, mean=20_000)
    assert pretrend_check(*many, START).status == "informational"  # an unseen drift still exceeds so small an error
    rich = pretrend_check(*many, START, margin=0.2)
    assert (rich.status, rich.yardstick) == ("passed", 1.2)
    assert "does not show that the areas would have kept together" in rich.summary()
    own, others = _counts(10, months=50)
    brief = pretrend_check(own, others, own.index[48])
    assert (brief.status, brief.months_after) == ("passed", 2)


def test_what_could_be_found_comes_before_what_was() -> None:
    said = pretrend_check(*_counts(6), START).summary()
    order = [said.index(part) for part in ("four times in five", "by itself make the ratio", "Found:", "p 0.")]
    assert order == sorted(order)
    assert "follow one another alike" in said
    assert "follow one another alike" not in pretrend_check(*_counts(6, areas=4), START).summary()


def test_the_released_words_hold_no_number() -> None:
    for found in (pretrend_check(*_counts(6), START), pretrend_check(*_counts(1, drift=0.1), START)):
        assert not any(letter.isdigit() for letter in found.said + repr(found))
    assert isinstance(found, PretrendCheck)
    assert found.to_frame().loc[0, "slope"] == found.slope


def test_missing_months_and_months_during_are_left_out_and_time_stays_the_calendars() -> None:
    own, others = _counts(7)
    own = own.astype(float)
    own.iloc[5] = np.nan
    found = pretrend_check(own, others.drop(MONTHS[9]), "2022-01", "2022-03")
    keep = np.delete(np.arange(24), [5, 9])
    table = np.column_stack([own, others["c0"]])[keep]
    fitted = sm.GLM(table, sm.add_constant(keep.astype(float)), family=sm.families.Binomial()).fit(tol=1e-12)
    assert found.slope == pytest.approx(fitted.params[1], rel=1e-6)
    assert (found.months_before, found.months_after) == (22, 4)


def test_neighbouring_residuals_that_agree_are_said_to() -> None:
    rng = np.random.default_rng(1)
    swing = np.repeat(rng.normal(0, 0.5, 6), 5)
    own = pd.Series(rng.poisson(100 * np.exp(swing)), index=MONTHS)
    assert pretrend_check(own, pd.Series(100, index=MONTHS), START).autocorrelation > 0.4
    assert abs(pretrend_check(*_counts(3), START).autocorrelation) < 0.4


def test_a_side_without_events_a_short_past_and_an_area_also_treated_are_refused() -> None:
    own, others = _counts(5)
    with pytest.raises(StudyError, match="needs 4 months with events before the start"):
        pretrend_check(own, others, "2020-03")
    with pytest.raises(StudyError, match="equals the treated series in every month"):
        pretrend_check(own, others.assign(copy=own), START)
    with pytest.raises(StudyError, match=r"(?s)needs events of the treated and of the comparison areas"):
        pretrend_check(own, others * 0, START)
    with pytest.raises(StudyError, match="control: has no event after the start"):
        pretrend_check(own, others.where(MONTHS.to_numpy()[:, None] < START, 0), START)
    with pytest.raises(StudyError, match="one after the other, so that no line fits"):
        pretrend_check([5] * 10 + [0] * 10, pd.Series([0] * 9 + [5] * 11), 16)
    with pytest.raises(StudyError, match=r"(?s)level: needs.*control: needs.*margin: needs a number above 0"):
        pretrend_check(own, None, START, level=3, margin=-1)
    with pytest.raises(StudyError, match="is not a whole number"):
        pretrend_check(own + 0.5, others, START)
