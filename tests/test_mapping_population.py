"""How many people there are: ranges, gates, verdicts, refusals."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commonground.errors import CommonGroundError, RecordsError
from commonground.periods import Period
from mapping.population import ListFacts, PopulationSize, population_size

YEAR = Period("2023-01-01", "2024-01-01")
KAMPALA = {"111": 109, "110": 207, "101": 126, "011": 105, "100": 520, "010": 544, "001": 1077}
CLEAN = {"111": 60, "110": 58, "101": 61, "100": 62, "011": 57, "010": 63, "001": 60}


def table(people: dict[str, int], names: str | list[str] = "abc") -> pd.DataFrame:
    rows = [[*map(int, history), n] for history, n in people.items()]
    return pd.DataFrame(rows, columns=[*names, "n"])


@pytest.fixture(scope="module")
def kampala() -> PopulationSize:
    return population_size(table(KAMPALA), draws=400)


@pytest.fixture(scope="module")
def clean() -> PopulationSize:
    return population_size(table(CLEAN), draws=400, facts=ListFacts(windows=YEAR))


def test_kampala_is_not_usable_although_a_model_is_chosen(kampala: PopulationSize) -> None:
    assert kampala.verdict == "floor only"
    assert kampala.n_observed == 2688
    totals = kampala.models.set_index("model")["total"]
    assert totals["independence"] == pytest.approx(5191.30, abs=0.005)
    assert (totals.min(), totals.max()) == pytest.approx((4054.57, 14813.91), abs=0.005)
    assert kampala.chosen == kampala.models["model"].iloc[0] == "a*b + a*c + b*c"
    assert any("nothing is left to test it with" in reason for reason in kampala.reasons)


@pytest.mark.real_data
def test_the_united_kingdoms_five_lists_are_not_usable(real_data: Path) -> None:
    histories = pd.read_csv(real_data / "list_overlap" / "uk_2013_five_lists.csv")
    found = population_size(histories, count="count", draws=200)
    assert found.verdict != "usable"
    best = found.models.iloc[:2]
    assert best["total"].tolist() == pytest.approx([22991.33, 12262.41], abs=0.005)
    assert best["bic"].iloc[0] == pytest.approx(196.5398, abs=5e-5)
    assert found.interval.low < 12262 < 22991 < found.interval.high  # draws choose both
    assert found.floor_range.low <= found.models["total"].nsmallest(1).iloc[0] * 2
    detail = found.gates.set_index("gate")["detail"]["7 people or more on every pair of lists"]
    assert detail == "LA and GO; LA and GP; NG and GP"


def test_three_clean_lists_with_large_overlaps_are_usable(clean: PopulationSize) -> None:
    assert (clean.verdict, clean.reasons, clean.chosen) == ("usable", (), "independence")
    assert 481 in clean.interval
    assert clean.interval.high < 2 * clean.interval.low
    assert clean.checks["inside"].all()
    assert clean.gates["passed"].all()


def test_the_sample_towns_four_hundred_people_are_inside_the_interval() -> None:
    truth = Path(__file__).resolve().parents[1] / "data" / "sample" / "truth.json"
    people = json.loads(truth.read_text(encoding="utf-8"))["people"]
    for histories in ("histories", "histories_2023"):
        names = ["outreach", "clinic", "scheme", "police"]
        found = population_size(table(people[histories], names), draws=300)
        assert people["all"] in found.interval
        assert found.interval.high == max(part.high for part in found.intervals.values())
        assert found.verdict != "usable"  # visible people are planted to be likelier on every list
        assert found.floor_range.low < people["all"]


def test_two_lists_give_chapmans_interval_and_are_never_usable() -> None:
    found = population_size(table({"11": 200, "10": 100, "01": 100}, "ab"), facts=ListFacts(windows=YEAR))
    assert found.models["total"].iloc[0] == pytest.approx(301 * 301 / 201 - 1)
    assert found.verdict == "floor only"
    assert found.dependence[1.0] == pytest.approx(400 + 100 * 100 / 200)
    assert found.dependence[5.0] == pytest.approx(400 + 5 * 100 * 100 / 200)
    assert found.dependence[0.5] == pytest.approx(400 + 0.5 * 100 * 100 / 200)
    assert "Two lists alone" in found.summary()


@pytest.mark.parametrize(
    ("people", "names", "reason"),
    [
        ({"10": 50, "01": 60}, "ab", "20 people or more on two lists"),
        ({"11": 30, "01": 60}, "ab", "a in b"),
        ({"100": 40, "010": 50, "001": 60}, "abc", "20 people or more on two lists"),
        ({"1100": 30, "0011": 30}, "abcd", "a in b; b in a; c in d; d in c"),
        ({"111": 30, "110": 20, "010": 50, "011": 9, "001": 60}, "abc", "a in b"),
    ],
)
def test_a_table_that_determines_nothing_is_not_estimated(people: dict[str, int], names: str, reason: str) -> None:
    found = population_size(table(people, names), draws=200)
    assert found.verdict == "do not estimate"
    assert reason in found.summary()
    assert "There are" not in found.summary()


def test_where_no_model_has_one_best_fit_nothing_bounds_the_number_from_above() -> None:
    found = population_size(table({"100": 40, "010": 50, "001": 60}), draws=200)
    assert found.chosen is None
    assert (found.interval.low, found.interval.high) == (150, np.inf)
    assert np.isinf(found.dependence).all()


def test_a_referral_is_in_every_model() -> None:
    facts = ListFacts(feeds=(("b", "a"),))
    found = population_size(table(KAMPALA), draws=200, facts=facts)
    assert found.models["model"].str.contains("a*b", regex=False).all()
    assert len(found.models) == 4
    assert "Referrals" in found.summary()
    both = population_size(table({"11": 200, "10": 100, "01": 100}, "ab"), facts=facts)
    assert both.verdict == "do not estimate"  # nothing is left to estimate two dependent lists from


def test_a_declared_referral_is_estimated_where_undeclared_dependence_is_only_a_doubt() -> None:
    # n = 1,000, each list holds half, a and b with odds ratio 9
    cells = {"111": 187, "110": 188, "101": 62, "100": 63, "011": 63, "010": 62, "001": 188}
    undeclared = population_size(table(cells), draws=200)
    declared = population_size(table(cells), draws=200, facts=ListFacts(feeds=(("a", "b"),)))
    assert undeclared.verdict == "floor only"
    assert any("nobody declared" in reason for reason in undeclared.reasons)
    assert not any("nobody declared" in reason for reason in declared.reasons)
    assert 1_000 in declared.interval
    independent = declared.models["total"].iloc[-1], undeclared.models.set_index("model")["total"]["independence"]
    assert independent[1] < 950  # what a referral that is not modelled does


def test_a_list_of_people_who_may_have_left_is_left_out_and_so_are_those_only_on_it() -> None:
    people = {**{f"{history}0": n for history, n in CLEAN.items()}, "0001": 500, "1001": 9}
    found = population_size(table(people, "abcd"), draws=200, facts=ListFacts(superset=("d",)))
    assert found.n_observed == 430
    assert not found.models["model"].str.contains("d*", regex=False).any()
    assert not found.models["model"].str.contains("*d", regex=False).any()
    assert "may have left: d" in found.summary()


def test_windows_that_differ_and_children_are_refused_together() -> None:
    windows = {"a": YEAR, "b": YEAR, "c": Period("2022-01-01", "2023-01-01")}
    facts = ListFacts(windows=windows, population="girls under 18", feeds=(("a", "z"),), linkage_error=2.0)
    with pytest.raises(RecordsError, match="one window") as caught:
        population_size(table(KAMPALA), facts=facts)
    assert len(caught.value.problems) == 4
    assert "safeguarding route" in str(caught.value)


CHILDREN = ["under-18s", "children", "Minors", "young people at risk", "aged 15", "teenagers", "U18", "below 18"]


@pytest.mark.parametrize("word", CHILDREN)
def test_a_population_of_children_is_refused_whatever_it_is_called(word: str) -> None:
    with pytest.raises(CommonGroundError, match="adults only"):
        population_size(table(KAMPALA), facts=ListFacts(population=word))


@pytest.mark.parametrize("word", ["adults", "people aged 18 and over", "women aged 25", "people in sex work"])
def test_adults_are_not_taken_for_children(word: str) -> None:
    assert population_size(table(KAMPALA), draws=200, facts=ListFacts(population=word)).n_observed == 2688


def test_a_list_named_after_children_is_refused() -> None:
    with pytest.raises(RecordsError, match="adults only"):
        population_size(table(KAMPALA, ["outreach", "clinic", "under_18s team"]))


def test_lists_kept_for_more_than_a_year_lower_the_verdict() -> None:
    facts = ListFacts(windows=Period("2022-01-01", "2023-01-02"))
    found = population_size(table(CLEAN), draws=200, facts=facts)
    assert found.verdict == "floor only"
    assert any("closed: at most 12 months" in reason for reason in found.reasons)


def test_a_window_that_nobody_declared_is_said() -> None:
    found = population_size(table(CLEAN), draws=200)
    assert found.gates["passed"].isna().tolist() == [True, True, False, False, False]
    assert "window of the lists was not declared" in found.summary()


def test_a_thin_overlap_of_one_pair_lowers_the_verdict() -> None:
    people = {"111": 3, "110": 3, "101": 12, "011": 12, "100": 60, "010": 60, "001": 240}
    found = population_size(table(people), draws=200)
    assert found.verdict == "floor only"
    assert "Not so: 7 people or more on every pair of lists. a and b" in found.reasons


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        (table(KAMPALA).assign(a=2), "row 7, `a`: 0 or 1 is needed"),
        (table(KAMPALA).assign(group="women"), "a hidden number is never split by the seen mix"),
        (table(KAMPALA).assign(b=np.nan), "0 or 1 is needed"),
        (table(KAMPALA).assign(n=-1), "a whole number from 0 up is needed"),
        (table(KAMPALA).assign(n=1.5), "a whole number from 0 up is needed"),
        (table(KAMPALA).assign(n="many"), "a whole number from 0 up is needed"),
        (table(KAMPALA).assign(n=0), "somebody on some list is needed"),
        (table({**KAMPALA, "000": 5}), "a 1 in some list is needed"),
        (table(KAMPALA).rename(columns={"n": "people"}), "one column of people by history is needed"),
        (table(KAMPALA)[["a", "n"]], "2 to 6 lists are needed"),
        (pd.DataFrame(np.eye(7, dtype=int), columns=list("abcdefg")).assign(n=9), "2 to 6 lists are needed"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(histories: pd.DataFrame, message: str) -> None:
    with pytest.raises(RecordsError, match=re.escape(message)):
        population_size(histories)


def test_what_is_asked_wrongly_is_said() -> None:
    with pytest.raises(RecordsError, match="bic, aic") as caught:
        population_size(table(KAMPALA), select="best", draws=10)
    assert len(caught.value.problems) == 2


def test_rows_are_added_and_rows_not_there_are_empty(clean: PopulationSize) -> None:
    halves = pd.concat([table({k: v // 2 for k, v in CLEAN.items()}), table({k: v - v // 2 for k, v in CLEAN.items()})])
    padded = pd.concat([halves, pd.DataFrame({"a": [0], "b": [0], "c": [0], "n": [np.nan]})])
    before = padded.copy()
    found = population_size(padded, draws=400, facts=ListFacts(windows=YEAR))
    pd.testing.assert_frame_equal(found.to_frame(), clean.to_frame())
    pd.testing.assert_frame_equal(padded, before)


def test_the_order_and_names_of_lists_do_not_matter() -> None:
    one = population_size(table(KAMPALA), draws=200)
    other = population_size(table(KAMPALA)[["c", "n", "a", "b"]].iloc[::-1], draws=200)
    assert other.models["total"].tolist() == pytest.approx(one.models["total"].tolist())
    assert other.floor == pytest.approx(one.floor)
    assert other.verdict == one.verdict


def test_the_summary_gives_ranges_and_a_verdict_and_never_one_number(
    clean: PopulationSize, kampala: PopulationSize
) -> None:
    for found in (clean, kampala):
        numbers = re.findall(r"\d[\d,]{2,}", found.summary())
        ends = re.findall(r"(\d[\d,]{2,}) to (\d[\d,]{2,})", found.summary())
        assert numbers == [f"{found.n_observed:,}", *itertools.chain(*ends)]
        assert all(int(low.replace(",", "")) < int(high.replace(",", "")) for low, high in ends)
        assert f"Verdict: {found.verdict}." in found.summary()
        for total in found.models["total"]:
            assert f"{round(total):,}" not in found.summary()
    assert "No upper end" in kampala.summary()


def test_nothing_prints_a_number_and_nothing_asks_for_groups(clean: PopulationSize) -> None:
    assert not re.search(r"\d", repr(clean) + repr(clean.interval) + str(clean))
    assert not {"group", "groups", "by"} & set(inspect.signature(population_size).parameters)
    assert "seen mix" in (population_size.__doc__ or "").replace("mix of those who were seen", "seen mix")


def test_a_range_unpacks_and_knows_what_is_inside(clean: PopulationSize) -> None:
    low, high = clean.interval
    assert (low, high) == (clean.interval[0], clean.interval[1]) == (clean.interval.low, clean.interval.high)
    assert low in clean.interval
    assert high + 1 not in clean.interval


def test_the_interval_spans_what_it_is_made_of(clean: PopulationSize) -> None:
    parts = clean.intervals
    assert clean.interval.low == min(parts["profile"].low, parts["reselected"].low)
    assert clean.interval.high == max(part.high for part in parts.values())
    frame = clean.to_frame().set_index("what")
    assert frame.loc["interval"].tolist() == [clean.interval.low, clean.interval.high]
    assert (frame["low"] <= frame["high"]).all()


def test_the_bands_hold_the_estimate_and_widen_with_what_is_assumed(clean: PopulationSize) -> None:
    total = clean.models["total"].iloc[0]
    assert clean.dependence[1.0] == pytest.approx(total)
    assert (np.diff(clean.dependence) > 0).all()
    assert clean.linkage.low < total < clean.linkage.high
    none = population_size(table(CLEAN), draws=200, facts=ListFacts(linkage_error=0.0))
    assert none.linkage.low == pytest.approx(none.linkage.high)


def test_the_same_seed_gives_the_same_answer_and_another_a_different_one() -> None:
    one, again, other = (population_size(table(CLEAN), draws=200, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.to_frame(), again.to_frame())
    assert one.intervals["reselected"].high != other.intervals["reselected"].high
