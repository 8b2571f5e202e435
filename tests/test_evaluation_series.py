"""The shift test and the interrupted series: published results, plain loops, other packages, planted truth."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.stattools import acf

from commonground.errors import StudyError
from evaluation.series import interrupted_series, shift_test

DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
MONTHS = pd.period_range("2017-01", periods=60, freq="M")
START = "2020-01"
COUNTS = st.lists(st.integers(0, 12), min_size=15, max_size=40).filter(lambda values: sum(values) > 0)


def planted(seed: int, ratio: float = 0.5, mean: float = 40.0) -> pd.Series:
    """Level, trend, season and a step after month 36, Poisson."""
    t = np.arange(60)
    rate = mean * np.exp(0.004 * t + 0.3 * np.sin(2 * np.pi * t / 12)) * np.where(t >= 36, ratio, 1)
    return pd.Series(np.random.default_rng(seed).poisson(rate), index=MONTHS)


def design(months: int, first_after: int, harmonics: int) -> np.ndarray:
    t = np.arange(months)
    columns = [np.ones(months), t, t >= first_after]
    for k in range(1, harmonics + 1):
        columns += [np.sin(2 * np.pi * k * t / 12), np.cos(2 * np.pi * k * t / 12)]
    return np.column_stack(columns).astype(float)


# the shift test


@settings(max_examples=40, deadline=None)
@given(counts=COUNTS, first_after=st.integers(1, 14))
def test_the_plain_shift_test_is_that_of_plain_loops(counts: Any, first_after: Any) -> None:
    n, mean = len(counts), np.mean(counts)
    residuals = [(c - mean) / max(mean, 0.02) ** 0.5 for c in counts]
    sums = [abs(sum(residuals[(i + k) % n] for i in range(first_after, n))) for k in range(n)]
    result = shift_test(counts, first_after)
    assert result.statistic == pytest.approx(sums[0], abs=1e-6)
    assert result.p == pytest.approx(sum(s >= sums[0] - 1e-9 for s in sums) / n, abs=1e-12)
    assert result.p_floor == 1 / n


@settings(max_examples=40, deadline=None)
@given(counts=COUNTS, seed=st.integers(0, 99))
def test_the_controlled_shift_test_is_that_of_plain_loops(counts: Any, seed: Any) -> None:
    n = len(counts)
    control = np.random.default_rng(seed).poisson(3, n).tolist()

    def change(k: int) -> float:
        window = [(i + k) % n for i in range(10, n)]
        (t1, c1), (t, c) = (sum(v[i] for i in window) for v in (counts, control)), (sum(counts), sum(control))
        return abs(math.log((t1 + 0.5) / (t - t1 + 0.5)) - math.log((c1 + 0.5) / (c - c1 + 0.5)))

    changes = [change(k) for k in range(n)]
    result = shift_test(counts, 10, control=pd.Series(control))
    assert result.statistic == pytest.approx(changes[0])
    assert result.p == pytest.approx(sum(v >= changes[0] - 1e-9 for v in changes) / n)
    assert result.p * n == pytest.approx(round(result.p * n))


def test_the_seasonal_shift_test_uses_the_residuals_of_a_poisson_regression_without_the_step() -> None:
    counts = planted(1)
    waves = np.delete(design(60, 36, 2), [1, 2], axis=1)
    residuals = sm.GLM(counts.to_numpy(), waves, sm.families.Poisson()).fit().resid_pearson
    result = shift_test(counts, START, harmonics=2)
    assert result.statistic == pytest.approx(abs(residuals[36:].sum()), abs=1e-5)
    assert result.p == pytest.approx(1 / 60)


def test_a_few_numbers_are_worked_by_hand() -> None:
    # mean 4; residuals (4 - 4, 6 - 4, 5 - 4, 1 - 4) / 2; sums of the last two shifted: -1, -1.5, 1, 1.5
    result = shift_test([4, 6, 5, 1], 2)
    assert result.statistic == pytest.approx(1.0)
    assert result.p == 1.0
    assert shift_test([4, 6, 5, 1], 3).p == 0.25


def test_shift_test_leaves_out_months_during_and_missing_months() -> None:
    counts = planted(2).astype(float)
    counts.iloc[5] = np.nan
    result = shift_test(counts, START, "2020-04")
    kept = [int(c) for c in np.delete(counts.to_numpy(), [5, 36, 37, 38])]
    assert result.p == shift_test(kept, 35).p
    assert result.n == 56
    control = pd.DataFrame({"a": planted(3).where(MONTHS != "2018-05"), "b": planted(4)})
    assert shift_test(counts, START, "2020-04", control=control).n == 55


def test_without_a_change_the_shift_test_keeps_its_size_under_autocorrelation() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        swing = np.zeros(90)
        for t in range(1, 90):
            swing[t] = 0.6 * swing[t - 1] + 0.4 * rng.normal()
        hits += shift_test(rng.poisson(6 * np.exp(swing[-30:])), 24).p <= 0.05
    assert hits <= 22  # 5.5 % expected at most (methods, section 2); 23 or more of 200 comes up once in 1,000


# the interrupted series


@pytest.mark.real_data
def test_the_sicilian_smoking_ban_gives_the_published_numbers() -> None:
    """Bernal, Cummins and Gasparrini (2017): .885, .839 to .933; phi and the t interval from methods, section 2."""
    path = DATA / "known_results" / "sicily_smoking_ban.csv"
    if not path.exists():
        pytest.skip("sicily_smoking_ban.csv is not there; set COMMONGROUND_DATA")
    table = pd.read_csv(path)
    months = table["year"].astype(str) + "-" + table["month"].astype(str).str.zfill(2)
    index = pd.PeriodIndex(months, freq="M")
    counts, population = (pd.Series(table[c].to_numpy(), index=index) for c in ("aces", "stdpop"))
    result = interrupted_series(counts, "2005-01", exposure=population)
    assert result.ratio == pytest.approx(0.885072, abs=1e-6)
    assert result.dispersion == pytest.approx(2.262186, abs=1e-5)
    assert (result.low, result.high) == pytest.approx((0.838342, 0.934405), abs=1e-6)
    assert (result.low_normal, result.high_normal) == pytest.approx((0.839401, 0.933227), abs=1e-6)
    assert result.averted.observed == table.loc[table["smokban"] == 1, "aces"].sum()
    assert result.averted.low < result.averted.value < result.averted.high
    assert result.averted.expected * result.ratio == pytest.approx(result.averted.observed, rel=1e-6)


def test_interrupted_series_is_statsmodels_quasi_poisson() -> None:
    counts = planted(5)
    x = design(60, 36, 1)
    fit = sm.GLM(counts.to_numpy(), x, sm.families.Poisson()).fit(scale="X2", use_t=True)
    result = interrupted_series(counts, START, harmonics=1)
    assert result.ratio == pytest.approx(np.exp(fit.params[2]))
    assert (result.low, result.high) == pytest.approx(tuple(np.exp(fit.conf_int()[2])))
    assert result.p == pytest.approx(fit.pvalues[2])
    assert result.dispersion == pytest.approx((fit.resid_pearson**2).sum() / 55)
    expected = acf(fit.resid_pearson, nlags=12)[1:]
    np.testing.assert_allclose(result.residual_acf.to_numpy(), expected, atol=1e-9)
    assert list(result.residual_acf.index) == list(range(1, 13))


def test_the_answer_does_not_depend_on_the_unit_of_exposure() -> None:
    counts = planted(6)
    people = pd.Series(np.linspace(1000, 1500, 60), index=MONTHS)
    one, other = (interrupted_series(counts, START, exposure=people * unit) for unit in (1, 1e-3))
    assert one.ratio == pytest.approx(other.ratio)
    assert one.averted.value == pytest.approx(other.averted.value, rel=1e-6)
    assert one.shift.p == other.shift.p
    assert one.shift.statistic == pytest.approx(other.shift.statistic)
    assert one.ratio != pytest.approx(interrupted_series(counts, START).ratio, rel=1e-3)


def test_a_planted_step_is_found_and_the_interval_covers_what_would_have_happened() -> None:
    """Coverage of the averted events: fresh counts without the step, minus those seen, in 60 series.

    Ten years before and half a year after, so that the noise of the counts outweighs the uncertainty of the terms.
    """
    t = np.arange(126)
    rate = 40 * np.exp(0.002 * t + 0.3 * np.sin(2 * np.pi * t / 12))
    rng = np.random.default_rng(7)
    covered = steps = 0
    for _ in range(60):
        counts = rng.poisson(rate * np.where(t >= 120, 0.5, 1))
        result = interrupted_series(counts, 120, harmonics=1)
        without = rng.poisson(rate[120:]).sum()
        covered += result.averted.low <= without - counts[120:].sum() <= result.averted.high
        steps += result.low <= 0.5 <= result.high
    # 95 % nominal; fewer than 51 of 60 comes up once in 1,000 runs
    assert covered >= 51
    assert steps >= 51


def test_the_three_phases_have_their_own_level() -> None:
    counts = planted(8, ratio=1.0)
    counts.iloc[36:42] //= 3
    result = interrupted_series(counts, START, "2020-07", harmonics=1)
    assert result.low < 1 < result.high
    assert np.exp(result.coefficients["estimate"]["during"]) == pytest.approx(1 / 3, rel=0.15)
    assert result.during is not None
    assert result.during.ratio == pytest.approx(np.exp(result.coefficients["estimate"]["during"]))
    assert result.during.high < 1
    assert result.to_frame().loc["ratio_during", "value"] == result.during.ratio
    assert "During the operation it was 0.3" in result.summary()
    assert result.months.to_dict() == {"before": 36, "during": 6, "after": 18, "missing": 0}
    assert result.averted.observed == counts.iloc[42:].sum()
    assert interrupted_series(counts, START, harmonics=1).high < 1  # without `end` the dip would look like an effect


def test_with_a_slope_the_ratio_is_that_of_the_middle_of_the_months_after() -> None:
    t = np.arange(60)
    change = np.where(t >= 36, np.log(0.8) - 0.03 * (t - 36), 0)
    counts = pd.Series(np.round(4000 * np.exp(change)).astype(int), index=MONTHS)
    result = interrupted_series(counts, START, harmonics=0, slope=True)
    assert result.ratio == pytest.approx(0.8 * np.exp(-0.03 * 11.5), rel=1e-3)
    assert result.averted.value == pytest.approx(24 * 4000 - counts.iloc[36:].sum(), rel=1e-2)


def test_a_missing_month_keeps_the_calendar() -> None:
    counts = planted(9)
    gap = counts.drop(MONTHS[10])
    x = np.delete(design(60, 36, 1), 10, axis=0)
    fit = sm.GLM(gap.to_numpy(), x, sm.families.Poisson()).fit()
    result = interrupted_series(gap, START, harmonics=1)
    assert result.ratio == pytest.approx(np.exp(fit.params[2]))
    blank = counts.astype(float)
    blank.iloc[10] = np.nan
    assert interrupted_series(blank, START, harmonics=1).p == pytest.approx(result.p)
    residuals = np.insert(fit.resid_pearson - fit.resid_pearson.mean(), 10, 0.0)
    assert result.residual_acf[1] == pytest.approx((residuals[1:] * residuals[:-1]).sum() / (residuals**2).sum())


def test_the_shift_test_of_the_model_keeps_its_trend_and_season() -> None:
    counts = planted(10, ratio=1.0) + np.arange(60) * 3
    result = interrupted_series(counts, START, harmonics=1)
    assert shift_test(counts, START).p < 0.05  # a trend alone looks like a change to the plain test
    assert result.shift.p > 0.05
    assert result.shift.p_floor == 1 / 60


def test_the_shift_test_of_the_series_is_the_one_of_the_same_model_without_its_step() -> None:
    counts = planted(12, ratio=0.7) + np.arange(60)
    shift = interrupted_series(counts, START, harmonics=1).shift
    assert shift == shift_test(counts, START, harmonics=1, trend=True)
    terms = np.delete(design(60, 36, 1), 2, axis=1)  # level, trend, season; no step
    residuals = sm.GLM(counts.to_numpy(), terms, sm.families.Poisson()).fit().resid_pearson
    sums = [abs(np.roll(residuals, -k)[36:].sum()) for k in range(60)]
    assert shift.statistic == pytest.approx(sums[0], abs=1e-5)
    assert shift.p == pytest.approx(np.mean([value >= sums[0] - 1e-6 for value in sums]))
    phased = interrupted_series(counts, START, "2020-04", harmonics=1).shift
    assert phased == shift_test(counts, START, "2020-04", harmonics=1, trend=True)
    with pytest.raises(StudyError, match="trend: is not used with a control"):
        shift_test(counts, START, control=counts, trend=True)


def test_a_series_too_short_for_five_per_cent_says_that_it_could_never_be_reached() -> None:
    assert "could not reach .05 whatever happened" in shift_test([4, 5, 3, 6, 4, 5, 4, 5, 1, 0], 8).summary()
    assert "whatever happened" not in shift_test([4, 5] * 10, 15).summary()


def test_an_exposure_that_is_missing_where_there_is_a_count_is_refused() -> None:
    counts = planted(13)
    exposure = pd.Series(100.0, index=MONTHS).drop(MONTHS[20])
    with pytest.raises(StudyError, match="exposure: is missing in a month that has a count"):
        interrupted_series(counts, START, exposure=exposure)
    assert interrupted_series(counts.drop(MONTHS[20]), START, exposure=exposure).months["missing"] == 1


# words and errors


def test_summaries_say_what_is_not_shown_and_reprs_show_no_number() -> None:
    counts = planted(11)
    series, shift = interrupted_series(counts, START), shift_test(counts, START)
    assert "does not show what caused it" in series.summary()
    assert "not how large it is nor what caused it" in shift.summary()
    assert "cannot be below 0.017" in shift.summary()
    for result in (series, shift, series.averted, series.negative_binomial):
        assert not re.search(r"\d", repr(result))
    quantities = ["ratio", "ratio_negative_binomial", "averted", "detectable_fall", "detectable_rise", "dispersion"]
    assert list(series.to_frame().index) == [*quantities, "residual_acf_1", "shift", "shift_p_floor"]
    assert series.to_frame().loc["shift", "p"] == series.shift.p
    assert shift.to_frame().loc[0, "p"] == shift.p


def test_inputs_are_left_as_they_were() -> None:
    counts = planted(12)[::-1]
    copy = counts.copy()
    interrupted_series(counts, START)
    shift_test(counts, START)
    pd.testing.assert_series_equal(counts, copy)


@pytest.mark.parametrize(
    ("function", "counts", "start", "options", "message"),
    [
        (shift_test, [0] * 20, 10, {}, "has no event"),
        (shift_test, [1] * 20, 0, {}, "no observed month before, or none after"),
        (shift_test, [1] * 20, 20, {}, "no observed month before, or none after"),
        (shift_test, [1] * 20, 10, {"control": pd.Series([0] * 20)}, "control: has no event"),
        (shift_test, [1] * 20, 10, {"harmonics": 6}, "whole number from 0 to 5"),
        (shift_test, [1] * 20, 10, {"harmonics": 1, "control": pd.Series([1] * 20)}, "not used with a control"),
        (interrupted_series, [0] * 40, 30, {}, "has no event"),
        (interrupted_series, [3, 4] * 20, 39, {}, "fewer than 2 months after"),
        (interrupted_series, [3, 4] * 20, 10, {}, "fewer than 12 months before"),
        (interrupted_series, [3, 4] * 11, 18, {}, "fewer than 24 months before and 6 after"),
        (interrupted_series, [0, 0, 0, 1] * 11, 36, {}, "fewer than 4 events to be expected after"),
        (interrupted_series, [3, 4] * 20, 38, {"slope": True}, "slope: needs True or False, and 3 months after"),
        (interrupted_series, [4] * 40, 30, {}, "is the same in every month"),
        (interrupted_series, [4] * 30 + [8] * 10, 30, {}, "does not vary beside its terms"),
        (interrupted_series, [3] * 20 + [0] * 10, 20, {}, "a rate of 0 has no logarithm"),
        (interrupted_series, [3, 4] * 4, 5, {}, "too few months for 7 terms"),
        (interrupted_series, [3, 4] * 15, 20, {"exposure": [0] * 30}, "exposure: needs a number above 0"),
        (interrupted_series, [3, 4] * 15, 20, {"exposure": [1] * 29}, "exposure: does not begin and end"),
        (interrupted_series, [3.5] * 30, 20, {}, "counts: is not a whole number"),
        (interrupted_series, [3, np.inf] * 15, 20, {}, "counts: is infinite"),
    ],
)
def test_what_cannot_be_used_is_named_with_a_remedy(
    function: Any, counts: Any, start: Any, options: Any, message: Any
) -> None:
    with pytest.raises(StudyError, match=re.escape(message)):
        function(counts, start, **options)
