"""Known shocks beside the operation: planted truth, algebra, and refusals of what no series can tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from commonground.errors import StudyError
from evaluation.series import InterruptedSeries, Shock, interrupted_series, shift_test

MONTHS = pd.period_range("2017-01", periods=60, freq="M")
START = "2020-01"
LOCKDOWN = Shock("lockdown", "2020-03", "2020-07")
RECORDING = Shock("new recording", "2018-01")


def planted(seed: int, *shocks: tuple[int, int, float], ratio: float = 0.6, mean: float = 40.0) -> pd.Series:
    t = np.arange(60)
    rate = mean * np.exp(0.004 * t + 0.3 * np.sin(2 * np.pi * t / 12)) * np.where(t >= 36, ratio, 1)
    for first, last, size in shocks:
        rate = rate * np.where((t >= first) & (t < last), size, 1)
    return pd.Series(np.random.default_rng(seed).poisson(rate), index=MONTHS)


def fitted(counts: pd.Series, *shocks: Shock, end: str | None = None) -> InterruptedSeries:
    return interrupted_series(counts, START, end, harmonics=1, shocks=list(shocks))


def test_a_declared_shock_is_one_more_term_of_the_regression() -> None:
    counts, t = planted(1, (38, 42, 0.4), (12, 60, 1.5)), np.arange(60)
    columns = [np.ones(60), t, t >= 36, np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 12)]
    x = np.column_stack([*columns, (t >= 38) & (t < 42), t >= 12]).astype(float)
    fit = sm.GLM(counts.to_numpy(), x, sm.families.Poisson()).fit(scale="X2", use_t=True)
    found = fitted(counts, LOCKDOWN, RECORDING)
    assert found.ratio == pytest.approx(np.exp(fit.params[2]))
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(fit.conf_int()[2])))
    assert found.shocks["ratio"].tolist() == pytest.approx(np.exp(fit.params[5:]).tolist())
    assert found.shocks["low"].tolist() == pytest.approx(np.exp(fit.conf_int()[5:, 0]).tolist())
    assert found.to_frame().loc["shock: lockdown", "value"] == found.shocks.at["lockdown", "ratio"]


def test_planted_shocks_are_taken_out_of_the_answer() -> None:
    covered = {"after": 0, "lockdown": 0, "new recording": 0}
    biased = 0
    for seed in range(20):
        counts = planted(seed, (38, 42, 0.4), (12, 60, 1.5), ratio=1.0)
        found = fitted(counts, LOCKDOWN, RECORDING)
        covered["after"] += found.low <= 1 <= found.high
        for name, size in (("lockdown", 0.4), ("new recording", 1.5)):
            covered[name] += found.shocks.at[name, "low"] <= size <= found.shocks.at[name, "high"]
        biased += fitted(counts).high < 1
    # 95 % nominal: fewer than 16 of 20 comes up once in 400
    assert min(covered.values()) >= 16
    assert biased >= 10


def test_the_cost_of_a_shock_is_the_ratio_of_two_variances() -> None:
    counts, t = planted(2, (38, 42, 0.4)), np.arange(60)
    found = fitted(counts, LOCKDOWN)
    columns = [np.ones(60), t, t >= 36, np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 12)]
    with_it = np.column_stack([*columns, (t >= 38) & (t < 42)]).astype(float)
    mean = sm.GLM(counts.to_numpy(), with_it, sm.families.Poisson()).fit().mu
    variances = [np.linalg.inv(x.T @ np.diag(mean) @ x)[2, 2] for x in (with_it, with_it[:, :5])]
    assert found.shocks.at["lockdown", "inflation"] == pytest.approx(variances[0] / variances[1])
    assert found.shocks.at["lockdown", "inflation"] > 1
    assert found.shocks.loc["lockdown", ["months", "months_during", "months_after"]].tolist() == [4, 0, 4]
    assert "lockdown (4 months, 0 during and 4 after)" in found.summary()
    assert "Where they overlap only the model tells them apart" in found.summary()
    assert "level, trend, season and shocks lead one to expect" in found.summary()


def test_a_shock_one_month_before_the_operation_is_said_to_leave_few_months() -> None:
    found = fitted(planted(3), Shock("new recording", "2019-12"))
    assert found.shocks.at["new recording", "inflation"] > 4
    alone = fitted(planted(3))
    assert np.log(found.high / found.low) > 2 * np.log(alone.high / alone.low)
    assert "rests on the few months that new recording and the operation do not share" in found.summary()
    assert "few months that" not in fitted(planted(3), LOCKDOWN).summary()


@pytest.mark.parametrize(
    ("shocks", "end", "message"),
    [
        ([Shock("recording", START)], None, "a recording change at the operation's start cannot be told from the"),
        ([Shock("recording", START)], "2020-04", "a recording change at the operation's start cannot be told from the"),
        ([Shock("recording", "2020-04")], "2020-04", "covers the same months as the operation"),
        ([Shock("old form", "2017-01", START)], None, "covers the same months as the operation"),
        ([Shock("lockdown", START, "2020-04")], "2020-04", "covers exactly the months during the operation"),
        ([Shock("a", START, "2020-07"), Shock("b", "2020-07")], None, "cover together the same months"),
        ([Shock("always", "2017-01")], None, "shock 'always': covers every observed month"),
        ([Shock("one", "2018-02", "2018-05"), Shock("two", "2018-02", "2018-05")], None, "or another shock"),
        ([Shock("early", "2016-01")], None, "shock 'early', start, end: lies outside the months of the series"),
        ([Shock("odd", "2018-05-07")], None, "shock 'odd', start: is a day within a month"),
        ([Shock("back", "2018-05", "2018-03")], None, "shock 'back', end: is not later than `start`"),
        ([LOCKDOWN, LOCKDOWN], None, "holds one name twice"),
        ([Shock(" ", "2018-05")], None, "each with a name"),
        (["2018-05"], None, "needs a list of Shock(name, start, end)"),
        ("2018-05", None, "needs a list of Shock(name, start, end)"),
    ],
)
def test_what_the_months_cannot_tell_apart_is_refused_with_the_reason(shocks: Any, end: Any, message: str) -> None:
    with pytest.raises(StudyError) as caught:
        interrupted_series(planted(4), START, end, harmonics=1, shocks=shocks)
    assert message in str(caught.value)


def test_one_shock_may_be_passed_alone_and_dates_may_be_whole_numbers() -> None:
    counts = planted(5, (38, 42, 0.4))
    alone = interrupted_series(counts, START, harmonics=1, shocks=LOCKDOWN)  # type: ignore[arg-type]
    numbered = interrupted_series(counts.to_list(), 36, harmonics=1, shocks=[Shock("lockdown", 38, 42)])
    assert alone.ratio == pytest.approx(numbered.ratio)
    assert alone.shocks.at["lockdown", "ratio"] == pytest.approx(numbered.shocks.at["lockdown", "ratio"])


def test_a_shock_in_whose_months_nothing_happened_is_refused() -> None:
    counts = planted(6)
    counts["2020-03":"2020-06"] = 0
    with pytest.raises(StudyError, match="shock 'lockdown': has no event in its months"):
        fitted(counts, LOCKDOWN)
    missing = counts.astype(float)
    missing["2020-03":"2020-06"] = np.nan
    with pytest.raises(StudyError, match="shock 'lockdown': covers no observed month"):
        fitted(missing, LOCKDOWN)


def test_months_without_events_that_only_two_terms_single_out_are_refused() -> None:
    counts = planted(7)
    counts["2020-03":"2020-06"] = 0  # in both shocks; the rest of each has events
    overlapping = [Shock("a", "2020-01", "2020-07"), Shock("b", "2020-03", "2020-12")]
    counts["2020-07":"2020-11"] = 0
    with pytest.raises(StudyError, match="no event"):
        fitted(counts, *overlapping)


def test_the_shift_test_takes_a_declared_shock_away_too() -> None:
    counts = planted(8, (12, 60, 3.0), ratio=1.0)
    t = np.arange(60)
    x = np.column_stack([np.ones(60), t, np.sin(2 * np.pi * t / 12), np.cos(2 * np.pi * t / 12), t >= 12]).astype(float)
    residuals = sm.GLM(counts.to_numpy(), x, sm.families.Poisson()).fit().resid_pearson
    sums = np.array([abs(np.roll(residuals, -k)[36:].sum()) for k in range(60)])
    found = fitted(counts, RECORDING).shift
    assert found.statistic == pytest.approx(sums[0], abs=1e-5)
    assert found.p == pytest.approx((sums >= sums[0] - 1e-6).mean())


def test_a_shock_within_the_months_during_leaves_the_shift_test_as_it_was() -> None:
    counts = planted(9)
    with_it = fitted(counts, Shock("strike", "2020-02", "2020-03"), end="2020-05")
    assert with_it.shift == shift_test(counts, START, "2020-05", harmonics=1, trend=True)
    assert with_it.shocks.at["strike", "months_during"] == 1
    assert with_it.during is not None


def test_declared_shocks_stay_in_what_was_to_be_expected() -> None:
    counts = planted(10, (36, 40, 0.25), ratio=1.0)
    lockdown = Shock("lockdown", START, "2020-05")
    found = fitted(counts, lockdown)
    assert found.averted.low < 0 < found.averted.high
    assert fitted(counts).averted.expected > found.averted.expected
