"""The robustness checks: planted truths that each must pass or fail, published values, and what must never change."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from commonground.errors import StudyError
from commonground.periods import Period
from evaluation.changes import change_test
from evaluation.robustness import (
    QUESTIONS,
    Diagnostic,
    comparison_swaps,
    e_value,
    meaning,
    parallel_change,
    placebo_dates,
    placebo_outcomes,
    robustness,
    window_lengths,
)
from evaluation.robustness.diagnostic import STATUSES
from evaluation.robustness.parallel_change import _trend, _unequal

FIRST = "2018-01"
CHECKS: list[Callable[..., Diagnostic]] = [placebo_dates, comparison_swaps, window_lengths, parallel_change]
NAMES = ["placebo dates", "placebo outcomes", "comparison swaps", "window lengths", "parallel change", "E-value"]


def phases_of(before: int, after: int, during: int = 0) -> dict[str, Period]:
    months = pd.period_range(FIRST, periods=before + during + after + 1, freq="M").start_time
    cut = {"before": Period(months[0], months[before])}
    cut["after"] = Period(months[before + during], months[-1])
    return cut


def even(rates: np.ndarray) -> np.ndarray:
    """Counts without chance: the running total of the rates, rounded, month by month."""
    return np.diff(np.floor(np.cumsum(rates) + 0.5), prepend=0.0)


def table(treated: np.ndarray, areas: int = 4, mean: float = 12.0, seed: int = 3) -> pd.DataFrame:
    """Treated counts as given, comparison areas drawn around a steady mean."""
    rng = np.random.default_rng(seed)
    columns = {"treated": treated} | {f"c{j}": rng.poisson(mean, len(treated)).astype(float) for j in range(areas)}
    return pd.DataFrame(columns, index=pd.period_range(FIRST, periods=len(treated), freq="M"))


def drawn(rates: np.ndarray, seed: int, areas: int = 4, mean: float = 12.0) -> pd.DataFrame:
    treated = np.random.default_rng(1000 + seed).poisson(rates).astype(float)
    return table(treated, areas, mean, seed)


def areas_of(monthly: pd.DataFrame) -> list[str]:
    return [name for name in monthly if name.startswith("c")]


def step(before: int = 36, after: int = 12, mean: float = 12.0, ratio: float = 0.4) -> np.ndarray:
    return np.repeat([mean, mean * ratio], [before, after])


def figures(found: Diagnostic, **where: Any) -> pd.DataFrame:
    frame = found.to_frame()
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


# The shared shape of every check.


def test_a_clean_step_passes_every_check() -> None:
    monthly = drawn(step(), 1)
    found = robustness(monthly, phases_of(36, 12), areas_of(monthly), placebos={"fires": drawn(step(ratio=1.0), 9)})
    assert [check.name for check in found] == NAMES
    assert [check.status for check in found] == ["passed"] * 5 + ["informational"]


def test_no_effect_fails_no_check_and_passes_none_that_needs_a_change() -> None:
    monthly = drawn(step(ratio=1.0), 2)
    found = {check.name: check.status for check in robustness(monthly, phases_of(36, 12), areas_of(monthly))}
    assert found == dict.fromkeys(NAMES, "informational") | {"comparison swaps": "passed"}


@pytest.mark.parametrize("areas", [0, 1, 3])
def test_every_check_says_a_fixed_sentence_without_a_number(areas: int) -> None:
    monthly = drawn(step(), 1, areas=areas)
    for check in robustness(monthly, phases_of(36, 12), areas_of(monthly)):
        assert check.status in STATUSES
        assert check.question.endswith("?")
        assert check.said.endswith(".")
        assert not any(letter.isdigit() for letter in check.said + check.question)
        assert check.said == meaning(check.name, check.status)
        assert check.question == QUESTIONS[check.name]
        assert check.answer in check.summary()
        assert check.said in check.summary()


def test_what_is_said_depends_on_the_status_alone() -> None:
    said: dict[tuple[str, str], set[str]] = {}
    for seed, rates in enumerate([step(), step(ratio=1.0), step(mean=1.0), 6 * 1.03 ** np.arange(48)]):
        monthly = drawn(rates, seed)
        for check in robustness(monthly, phases_of(36, 12), areas_of(monthly)):
            said.setdefault((check.name, check.status), set()).add(check.said)
    assert len(said) > len(NAMES)
    assert all(len(sentences) == 1 for sentences in said.values())


def test_no_published_sentence_holds_a_number_or_claims_proof() -> None:
    assert list(QUESTIONS) == NAMES
    sentences = [meaning(name, status) for name in QUESTIONS for status in STATUSES]
    assert sum(map(bool, sentences)) == 16  # an E-value is informational only
    for sentence in [*QUESTIONS.values(), *sentences]:
        assert not any(letter.isdigit() for letter in sentence)
        assert not any(word in sentence.lower() for word in ("proves", "proof", "caused by", "effect of", "confirms"))


def test_a_diagnostic_shows_no_number_unasked_is_frozen_and_is_not_pickled() -> None:
    found = e_value(3.9, 1.8, 8.7)
    assert repr(found) == "Diagnostic(...; call .summary())"
    with pytest.raises(FrozenInstanceError):
        found.status = "passed"  # type: ignore[misc]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(found)
    copied = found.to_frame()
    copied.loc[0, "e_value"] = 0.0
    assert found.figures.loc[0, "e_value"] > 7


def test_a_diagnostic_refuses_an_unknown_status_and_a_number_in_what_is_said() -> None:
    with pytest.raises(StudyError, match=r"passed, failed or informational[\s\S]*without any number"):
        Diagnostic("a", "Why?", "fine", "Yes.", pd.DataFrame(), "It holds in 3 of 4.")
    with pytest.raises(StudyError, match="without any number"):
        Diagnostic("a", "Why?", "passed", "Yes.", pd.DataFrame(), "")


@pytest.mark.parametrize("check", CHECKS)
def test_a_refused_headline_is_information_only(check: Callable[..., Diagnostic]) -> None:
    monthly = drawn(step(mean=0.1), 2)
    found = check(monthly, phases_of(36, 12), areas_of(monthly))
    assert found.status == "informational"


@pytest.mark.parametrize("check", CHECKS)
def test_the_headline_may_be_given_and_inputs_are_left_alone(check: Callable[..., Diagnostic]) -> None:
    monthly = drawn(step(), 1)
    kept, headline = monthly.copy(), change_test(monthly["treated"], monthly[areas_of(monthly)], "2021-01")
    first = check(monthly, phases_of(36, 12), areas_of(monthly))
    second = check(monthly, phases_of(36, 12), areas_of(monthly), change=headline)
    pd.testing.assert_frame_equal(first.figures, second.figures)
    assert first.answer == second.answer
    pd.testing.assert_frame_equal(monthly, kept)


@pytest.mark.parametrize("check", CHECKS)
def test_the_order_of_rows_does_not_matter(check: Callable[..., Diagnostic]) -> None:
    monthly = drawn(step(), 1)
    ordered = check(monthly, phases_of(36, 12), areas_of(monthly))
    shuffled = check(monthly.sample(frac=1, random_state=1), phases_of(36, 12), areas_of(monthly))
    pd.testing.assert_frame_equal(ordered.figures, shuffled.figures)


@pytest.mark.parametrize("check", CHECKS)
def test_gaps_months_between_and_a_ring_are_taken_as_the_headline_takes_them(check: Callable[..., Diagnostic]) -> None:
    monthly = drawn(np.repeat([12.0, 30.0, 5.0], [36, 3, 12]), 1)
    monthly["ring"] = 1.0
    monthly.iloc[[4, 40], 0] = np.nan
    monthly.iloc[9, 2] = np.nan
    headline = change_test(monthly["treated"], monthly[areas_of(monthly)], "2021-01", "2021-04")
    found = check(monthly, phases_of(36, 12, during=3), areas_of(monthly))
    assert found.status == "passed"
    if check is not parallel_change:
        row = found.figures.iloc[-1 if check is placebo_dates else 0]
        assert (
            (row["months_before"], row["months_after"]) == (headline.months_before, headline.months_after) == (34, 11)
        )
        assert row["ratio"] == headline.ratio


@pytest.mark.parametrize("check", [*CHECKS, robustness])
def test_what_does_not_fit_is_refused_all_at_once(check: Callable[..., Any]) -> None:
    monthly = drawn(step(), 1)
    with pytest.raises(StudyError, match=r"(?s)lacks the column treated.*needs the periods before and after"):
        check(monthly, {"before": phases_of(36, 12)["before"]}, ["nowhere"])
    with pytest.raises(StudyError, match="holds the treated area"):
        check(monthly, phases_of(36, 12), ["treated", "c0"])
    with pytest.raises(StudyError, match="needs a DataFrame on a PeriodIndex of months"):
        check(monthly.to_timestamp(), phases_of(36, 12), ["c0"])
    with pytest.raises(StudyError, match="needs a list of column names"):
        check(monthly, phases_of(36, 12), "c0")


def test_robustness_runs_no_more_tests_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from evaluation.robustness import refits

    runs, judge = [], refits.judge_compared

    def counted(*given: Any, **options: Any) -> Any:
        runs.append(1)
        return judge(*given, **options)

    monkeypatch.setattr(refits, "judge_compared", counted)
    monthly = drawn(step(60, 24), 1, areas=12)
    headline = change_test(monthly["treated"], monthly[areas_of(monthly)], "2023-01")
    robustness(monthly, phases_of(60, 24), areas_of(monthly), change=headline)
    assert 20 <= len(runs) <= 24


# Placebo dates.


def test_a_trend_before_the_operation_fails_placebo_dates_and_parallel_change() -> None:
    rising = drawn(6 * 1.03 ** np.arange(48), 4)
    headline = change_test(rising["treated"], rising[areas_of(rising)], "2021-01")
    assert headline.firm  # the trend alone looks like a change
    assert placebo_dates(rising, phases_of(36, 12), areas_of(rising)).status == "failed"
    found = parallel_change(rising, phases_of(36, 12), areas_of(rising))
    assert found.status == "failed"
    assert figures(found, bound="trend")["holds"].tolist() == [False]


def test_a_slow_swing_that_peaks_before_the_operation_fails_placebo_dates() -> None:
    swing = 12 * np.exp(0.8 * np.sin(2 * np.pi * np.arange(60) / 30))
    monthly = drawn(swing, 6)
    found = placebo_dates(monthly, phases_of(48, 12), areas_of(monthly))
    assert found.status == "failed"
    assert (figures(found, false_start=True)["p"] <= 0.05).mean() > 0.25


def test_false_starts_are_the_headline_test_on_the_months_before_only() -> None:
    monthly = drawn(step(30, 6), 7)
    found = placebo_dates(monthly, phases_of(30, 6), areas_of(monthly))
    false = figures(found, false_start=True)
    assert false["months_in"].tolist() == [12, 13, 15, 16, 17, 19, 20, 21, 23, 24]  # 10 of 13, evenly spaced
    assert (false["months_before"] == false["months_in"]).all()
    assert (false["months_after"] == 6).all()
    past = monthly.iloc[:21]
    by_hand = change_test(past["treated"], past[areas_of(monthly)], monthly.index[15])
    assert false.loc[false["months_in"] == 15, "p"].tolist() == pytest.approx([by_hand.p], abs=1e-12)
    assert false.loc[false["months_in"] == 15, "firm"].tolist() == [by_hand.firm]
    changed = monthly.copy()
    changed.iloc[30:, 0] = 99.0
    other = placebo_dates(changed, phases_of(30, 6), areas_of(monthly))
    pd.testing.assert_frame_equal(figures(other, false_start=True), false)


def test_without_comparison_areas_false_starts_are_the_headline_test_too() -> None:
    monthly = drawn(step(36, 6), 8, areas=0)
    false = figures(placebo_dates(monthly, phases_of(36, 6)), false_start=True)
    by_hand = change_test(monthly["treated"].iloc[:36], None, monthly.index[30])
    assert false["p"].iloc[-1] == pytest.approx(by_hand.p, abs=1e-12)


def test_the_rank_and_its_floor_are_counted() -> None:
    monthly = drawn(step(24, 6, ratio=0.3), 3)
    found = placebo_dates(monthly, phases_of(24, 6), areas_of(monthly))
    assert len(figures(found, false_start=True)) == 7
    assert "rank p 0.12, which cannot be below 0.12" in found.answer  # 1 of 1 + 7
    assert "only 2 have no month in common" in found.answer
    assert found.status == "passed"


def test_one_false_start_as_clear_as_the_true_one_fails() -> None:
    dips = drawn(np.repeat([12.0, 5.0, 12.0, 5.0], [26, 6, 16, 6]), 0)  # the same dip two years earlier
    headline = change_test(dips["treated"], dips[areas_of(dips)], "2022-01")
    found = placebo_dates(dips, phases_of(48, 6), areas_of(dips), change=headline)
    false = figures(found, false_start=True)
    assert headline.firm
    assert (false["p"] <= 0.05).mean() <= 0.25  # not the number of false alarms
    assert false["p"].min() <= headline.p
    assert found.status == "failed"


def test_a_short_past_shortens_the_false_windows_and_the_true_one_with_them() -> None:
    monthly = drawn(step(24, 12, ratio=0.3), 3)
    found = placebo_dates(monthly, phases_of(24, 12), areas_of(monthly))
    assert (found.figures["months_after"] == 6).all()
    first = monthly.iloc[:30]
    by_hand = change_test(first["treated"], first[areas_of(monthly)], monthly.index[24])
    assert figures(found, false_start=False)["p"].tolist() == pytest.approx([by_hand.p], abs=1e-12)


@pytest.mark.parametrize("before", [12, 14, 18])
def test_too_few_false_starts_judge_nothing(before: int) -> None:
    monthly = drawn(step(before, 6, ratio=0.3), 3)
    found = placebo_dates(monthly, phases_of(before, 6), areas_of(monthly))
    assert found.status == "informational"
    assert "at least 5 are needed" in found.answer


# Placebo outcomes.


def test_an_outcome_beyond_reach_that_moved_fails_and_one_that_did_not_passes() -> None:
    still, moved = drawn(step(ratio=1.0), 11), drawn(step(ratio=0.4), 12)
    names = areas_of(still)
    alone = placebo_outcomes({"fires": still}, phases_of(36, 12), names)
    both = placebo_outcomes({"fires": still, "falls": moved}, phases_of(36, 12), names)
    assert (alone.status, both.status) == ("passed", "failed")
    assert figures(both, outcome="falls")["firm"].tolist() == [True]
    tests = [change_test(each["treated"], each[names], "2021-01").p for each in (still, moved)]
    smaller, larger = sorted(tests)
    holm = {smaller: min(1, 2 * smaller), larger: max(2 * smaller, larger)}  # Holm (1979), by hand
    assert both.figures["p_holm"].tolist() == pytest.approx([min(1, holm[p]) for p in tests])


def test_holm_keeps_one_middling_p_among_many_outcomes_from_failing() -> None:
    middling = drawn(step(ratio=0.72), 39)
    headline = change_test(middling["treated"], middling[areas_of(middling)], "2021-01")
    assert headline.firm
    assert 0.05 / 6 < headline.p <= 0.05
    alone = placebo_outcomes({"a": middling}, phases_of(36, 12), areas_of(middling))
    quiet = {f"q{i}": drawn(step(ratio=1.0), 40 + i) for i in range(5)}
    among = placebo_outcomes({"a": middling} | quiet, phases_of(36, 12), areas_of(middling))
    assert (alone.status, among.status) == ("failed", "passed")


def test_a_placebo_outcome_too_rare_to_move_visibly_judges_nothing() -> None:
    rare = drawn(step(24, 6, mean=1.0, ratio=1.0), 13, mean=4.0)
    found = placebo_outcomes({"rare": rare}, phases_of(24, 6), areas_of(rare))
    assert found.status == "informational"
    assert found.figures["could_show"].tolist() == [False]
    assert "80 % chance" in found.answer


def test_power_is_measured_against_the_change_in_question() -> None:
    quiet, names = drawn(step(ratio=1.0), 11), ["c0", "c1", "c2", "c3"]
    large, small = (drawn(step(ratio=ratio), 1) for ratio in (0.4, 0.9))
    strong, weak = (change_test(each["treated"], each[names], "2021-01") for each in (large, small))
    assert placebo_outcomes({"q": quiet}, phases_of(36, 12), names, change=strong).status == "passed"
    assert placebo_outcomes({"q": quiet}, phases_of(36, 12), names, change=weak).status == "informational"


def test_no_placebo_outcome_declared_is_information() -> None:
    found = placebo_outcomes({}, phases_of(24, 6))
    assert (found.status, len(found.figures)) == ("informational", 0)
    with pytest.raises(StudyError, match="needs a mapping of outcome to its monthly table"):
        placebo_outcomes([], phases_of(24, 6))  # type: ignore[arg-type]


# Comparison swaps.


def test_one_odd_comparison_area_fails_and_is_the_one_whose_loss_undoes_the_change() -> None:
    monthly = drawn(step(ratio=1.0), 5)
    monthly.loc[monthly.index[36] :, "c1"] = monthly.loc[monthly.index[36] :, "c1"] * 6
    headline = change_test(monthly["treated"], monthly[areas_of(monthly)], "2021-01")
    found = comparison_swaps(monthly, phases_of(36, 12), areas_of(monthly), change=headline)
    assert found.status == "failed"
    left_out = figures(found, swap="without").set_index("area")
    assert left_out["firm"].astype(bool).to_dict() != dict.fromkeys(left_out.index, headline.firm)
    assert left_out["ratio"].idxmax() == "c1"


def test_every_swap_is_the_headline_test_with_those_areas() -> None:
    monthly = drawn(step(), 2)
    monthly.iloc[5, 2] = np.nan
    found = comparison_swaps(monthly, phases_of(36, 12), areas_of(monthly)).figures
    assert found["swap"].value_counts().to_dict() == {"without": 4, "only": 4, "all": 1, "none": 1}
    for row in found.to_dict("records"):
        kept = {
            "all": areas_of(monthly),
            "without": [name for name in areas_of(monthly) if name != row["area"]],
            "only": [row["area"]],
            "none": [],
        }[row["swap"]]
        by_hand = change_test(monthly["treated"], monthly[kept] if kept else None, "2021-01")
        assert row["ratio"] == pytest.approx(by_hand.ratio)
        if row["swap"] in ("all", "without"):
            assert row["p"] == pytest.approx(by_hand.p, abs=1e-12)
            assert row["firm"] == by_hand.firm
        else:
            assert math.isnan(row["p"])


def test_of_many_areas_those_whose_loss_matters_most_are_tested() -> None:
    monthly = drawn(step(ratio=0.6), 3, areas=10)
    found = comparison_swaps(monthly, phases_of(36, 12), areas_of(monthly))
    without = figures(found, swap="without").sort_values("ratio", ascending=False)
    assert without["p"].notna().tolist() == [True] * 6 + [False] * 4


def test_two_areas_are_judged_by_the_side_of_one_only() -> None:
    monthly = drawn(step(24, 6, mean=6.0, ratio=0.45), 1, areas=2, mean=4.0)
    headline = change_test(monthly["treated"], monthly[["c0", "c1"]], "2020-01")
    found = comparison_swaps(monthly, phases_of(24, 6), ["c0", "c1"], change=headline)
    without = figures(found, swap="without")
    assert headline.firm
    assert (without["p"] > 0.10).any()  # of more areas, this would fail
    assert not without["changes_side"].any()
    assert found.status == "informational"


@pytest.mark.parametrize("areas", [0, 1])
def test_fewer_than_two_areas_cannot_be_swapped(areas: int) -> None:
    monthly = drawn(step(), 1, areas=areas)
    found = comparison_swaps(monthly, phases_of(36, 12), areas_of(monthly))
    assert found.status == "informational"
    assert figures(found, swap="without").empty


# Window lengths.


def test_a_change_that_came_before_the_operation_fades_with_a_shorter_past() -> None:
    early = drawn(np.repeat([20.0, 4.0], [24, 24]), 0)  # the fall came a year before the start
    headline = change_test(early["treated"], early[areas_of(early)], "2021-01")
    assert headline.firm
    found = window_lengths(early, phases_of(36, 12), areas_of(early))
    assert found.status == "failed"
    last_year = figures(found, window="before", months_before=12)["ratio"].iloc[0]
    assert abs(math.log(last_year)) < 0.5 * abs(math.log(headline.ratio))


def test_windows_are_the_headline_test_on_fewer_months() -> None:
    monthly = drawn(step(48, 8), 2)
    found = window_lengths(monthly, phases_of(48, 8), areas_of(monthly))
    assert figures(found, window="before")["months_before"].tolist() == [12, 24, 36]
    assert figures(found, window="after")["months_after"].tolist() == [2, 4, 5, 7]
    shorter = monthly.iloc[48 - 24 :]
    by_hand = change_test(shorter["treated"], shorter[areas_of(monthly)], monthly.index[48])
    assert figures(found, window="before", months_before=24)["p"].tolist() == pytest.approx([by_hand.p], abs=1e-12)
    fewer = monthly.iloc[:52]
    by_hand = change_test(fewer["treated"], fewer[areas_of(monthly)], monthly.index[48])
    assert figures(found, window="after", months_after=4)["p"].tolist() == pytest.approx([by_hand.p], abs=1e-12)


def test_a_gradual_onset_shows_between_the_halves_of_the_time_after() -> None:
    rates = np.concatenate([np.full(36, 20.0), np.linspace(19, 3, 12)])
    gradual, sudden = drawn(rates, 3), drawn(step(mean=20.0, ratio=0.55), 3)
    halves = [
        figures(window_lengths(each, phases_of(36, 12), areas_of(each)), window="later against earlier half").iloc[0]
        for each in (gradual, sudden)
    ]
    assert halves[0]["p"] < 0.01 < halves[1]["p"]
    assert halves[0]["ratio"] < 0.6
    after = gradual.iloc[36:]
    early, late = after.iloc[:6].sum(), after.iloc[6:].sum()
    counts = [[late["treated"], early["treated"]], [late.iloc[1:].sum(), early.iloc[1:].sum()]]
    one_sided = stats.fisher_exact(np.array(counts, dtype=int), alternative="less").pvalue
    assert halves[0]["p"] == pytest.approx(2 * one_sided)


def test_without_comparison_areas_the_halves_are_compared_by_their_lengths() -> None:
    monthly = drawn(step(36, 11), 3, areas=0)
    half = figures(window_lengths(monthly, phases_of(36, 11)), window="later against earlier half").iloc[0]
    early, late = monthly["treated"].iloc[36:41].sum(), monthly["treated"].iloc[41:].sum()
    assert half["ratio"] == pytest.approx((late / 6) / (early / 5))
    assert half["p"] <= 1


# E-values.


@pytest.mark.parametrize(
    ("ratio", "low", "high", "of_ratio", "of_limit"),
    [
        (3.9, 1.8, 8.7, 7.263034, 3.0),  # VanderWeele and Ding (2017): 7.26 and, by hand, 1.8 + sqrt(1.8 x .8)
        (10.73, 8.02, 14.36, 20.94777, 15.52336),  # Hammond and Horn, in the vignette of the R package EValue
        (0.5, 0.25, 0.8, 2 + math.sqrt(2), 1.25 + math.sqrt(1.25 * 0.25)),  # 1 / .5 and 1 / .8, by hand
        (1.2, 0.9, 1.6, 1.2 + math.sqrt(1.2 * 0.2), 1.0),  # the interval covers 1
        (0.0, 0.0, 0.5, math.inf, 2 + math.sqrt(2)),
    ],
)
def test_e_values_agree_with_the_paper(ratio: float, low: float, high: float, of_ratio: float, of_limit: float) -> None:
    found = e_value(ratio, low, high)
    assert found.figures["e_value"].tolist() == pytest.approx([of_ratio, of_limit], abs=5e-6)
    assert found.status == "informational"


@given(st.floats(1.0, 50.0))
@settings(max_examples=50)
def test_a_confounder_as_strong_as_the_e_value_explains_exactly_the_ratio(ratio: float) -> None:
    found = e_value(ratio, 1.0, 100.0).figures["e_value"].iloc[0]
    # Ding and VanderWeele (2016): the largest bias two relative risks can make is their product / (sum - 1)
    assert found**2 / (2 * found - 1) == pytest.approx(ratio)
    assert e_value(1 / ratio, 0.001, 1.0).figures["e_value"].iloc[0] == pytest.approx(found)


def test_e_values_of_a_refused_test_are_undefined_and_nonsense_is_refused() -> None:
    assert e_value(math.nan, math.nan, math.nan).figures["e_value"].isna().all()
    with pytest.raises(StudyError, match="needs three numbers of at least 0"):
        e_value(-1.0, 0.5, 2.0)
    with pytest.raises(StudyError, match="needs three numbers of at least 0"):
        e_value(math.nan, 0.5, 2.0)
    with pytest.raises(StudyError, match="ends before it begins"):
        e_value(1.0, 2.0, 0.5)


# Parallel change.


def test_the_bounds_follow_from_the_largest_movement_by_hand() -> None:
    treated = np.repeat([8.0, 12.0, 9.0, 4.0], 6)
    monthly = table(treated, areas=2)
    monthly[["c0", "c1"]] = 10.0
    headline = change_test(monthly["treated"], monthly[["c0", "c1"]], "2019-07")
    found = parallel_change(monthly, phases_of(18, 6), ["c0", "c1"], change=headline)
    largest = math.log(72.5) - math.log(48.5)  # six months at 12 after six at 8, the same 120 beside them
    assert found.figures["movement"].iloc[0] == pytest.approx(math.exp(largest))
    relative = figures(found, bound="relative").set_index("multiple")
    for multiple in (0.0, 0.5, 1.0, 2.0):
        assert relative.loc[multiple, "low"] == pytest.approx(headline.low * math.exp(-multiple * largest))
        assert relative.loc[multiple, "high"] == pytest.approx(headline.high * math.exp(multiple * largest))
    assert headline.firm
    assert found.figures["breakdown"].iloc[0] == pytest.approx(-math.log(headline.high) / largest)


def test_a_breakdown_at_small_counts_within_chance_is_information_not_failure() -> None:
    small = drawn(step(24, 6, mean=4.0, ratio=0.35), 34, mean=4.0)
    assert change_test(small["treated"], small[areas_of(small)], "2020-01").firm
    found = parallel_change(small, phases_of(24, 6), areas_of(small))
    assert found.figures["breakdown"].iloc[0] < 1
    assert found.figures["p_movement"].iloc[0] > 0.05
    assert found.status == "informational"


def test_movements_beyond_chance_before_fail_even_without_a_trend() -> None:
    wave = drawn(np.repeat([12.0, 20.0, 12.0, 6.0], [9, 18, 9, 9]), 3, mean=20.0)
    headline = change_test(wave["treated"], wave[areas_of(wave)], "2021-01")
    found = parallel_change(wave, phases_of(36, 9), areas_of(wave), change=headline)
    last = found.figures.iloc[-1]
    assert headline.firm
    assert last["p_slope"] > 0.05
    assert last["breakdown"] < 1
    assert last["p_movement"] < 0.05
    assert found.status == "failed"


def test_a_trend_that_undoes_the_change_fails_even_where_windows_are_alike() -> None:
    rising = drawn(8 * 1.02 ** np.arange(48), 7)
    headline = change_test(rising["treated"], rising[areas_of(rising)], "2021-01")
    found = parallel_change(rising, phases_of(36, 12), areas_of(rising), change=headline)
    last = found.figures.iloc[-1]
    assert headline.firm
    assert last["p_slope"] < 0.05 < last["p_movement"]
    assert last["breakdown"] > 1
    assert found.status == "failed"


def test_the_trend_is_that_of_a_logistic_regression_and_its_test_that_of_cochran_and_armitage() -> None:
    rng = np.random.default_rng(4)
    month = np.arange(36.0)
    others = rng.poisson(60, 36).astype(float)
    treated = rng.poisson(15 * np.exp(0.005 * month)).astype(float)
    slope, se = _trend(month, treated, others)
    design = sm.add_constant(month - month.mean())
    fitted = sm.GLM(np.column_stack([treated, others]), design, family=sm.families.Binomial()).fit()
    assert slope == pytest.approx(fitted.params[1], rel=0.02)
    assert se == pytest.approx(fitted.bse[1], rel=0.02)
    counts = sm.stats.Table(np.column_stack([treated, others]))
    score = counts.test_ordinal_association(row_scores=month, col_scores=np.array([1.0, 0.0]))
    # statsmodels conditions on both margins, which multiplies the variance by N / (N - 1)
    total = treated.sum() + others.sum()
    assert slope / se == pytest.approx(score.zscore * math.sqrt(total / (total - 1)), rel=1e-9)


def test_unequal_windows_are_judged_by_chi_square_where_months_vary_as_poisson() -> None:
    treated, others = np.array([30.0, 45.0, 20.0]), np.array([100.0, 110.0, 90.0])
    chi = stats.chi2_contingency(np.array([treated, others]), correction=False)
    assert _unequal(treated, others, 1.0, 10**9) == pytest.approx(chi.pvalue, rel=1e-6)
    assert _unequal(treated, others, 2.0, 23) > _unequal(treated, others, 1.0, 23)


def test_taking_a_planted_trend_away_brings_back_the_planted_ratio() -> None:
    month = np.arange(48)
    treated = even(20 * np.exp(0.02 * month) * np.where(month < 36, 1.0, 0.5))
    monthly = table(treated, areas=2)
    monthly[["c0", "c1"]] = 100.0
    found = parallel_change(monthly, phases_of(36, 12), ["c0", "c1"])
    trend = figures(found, bound="trend").iloc[0]
    assert trend["slope"] == pytest.approx(0.02, rel=0.1)
    assert trend["low"] < 0.5 < trend["high"]
    assert found.figures["p_slope"].iloc[0] < 0.001
    assert figures(found, multiple=0.0)["high"].iloc[0] > 0.5


@pytest.mark.parametrize(("areas", "before"), [(0, 36), (3, 36)])
def test_without_comparison_or_events_beside_there_is_nothing_parallel(areas: int, before: int) -> None:
    monthly = drawn(step(before, 12), 1, areas=areas)
    monthly[areas_of(monthly)] = 0.0
    found = parallel_change(monthly, phases_of(before, 12), areas_of(monthly))
    assert (found.status, len(found.figures)) == ("informational", 0)


@pytest.mark.slow
def test_how_often_checks_fail_without_an_effect_with_one_and_with_a_trend() -> None:
    failed: dict[str, dict[str, float]] = {}
    months = np.arange(60)
    for truth, rates in {"none": np.full(60, 12.0), "step": step(48), "trend": 12 * 1.03 ** (months - 30.0)}.items():
        found = []
        for seed in range(100):
            monthly = drawn(rates, 5000 + seed, areas=5)
            checks = robustness(monthly, phases_of(48, 12), areas_of(monthly))
            found.append({check.name: check.status == "failed" for check in checks})
        failed[truth] = pd.DataFrame(found).mean().to_dict()
    assert max(failed["none"].values()) <= 0.15
    assert max(failed["step"].values()) <= 0.10
    assert min(failed["trend"]["placebo dates"], failed["trend"]["parallel change"]) >= 0.85
