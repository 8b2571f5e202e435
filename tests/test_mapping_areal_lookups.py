from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import RecordsError
from mapping.areal import move_counts
from mapping.lookups import read_lookup

# As the Office for National Statistics writes it: A unchanged, B split into two, C and D merged, E and F redrawn.
TABLE = pd.DataFrame(
    [
        ("A", "U", "a"),
        ("B", "S", "b1"), ("B", "S", "b2"),
        ("C", "M", "cd"), ("D", "M", "cd"),
        ("E", "X", "e"), ("E", "X", "ef"), ("F", "X", "ef"),
    ],
    columns=["LSOA11CD", "CHGIND", "LSOA21CD"],
)  # fmt: skip
COUNTS = pd.Series({"A": 5.0, "B": 12.0, "C": 3.0, "D": 4.0, "E": 10.0, "F": 2.0})


def moved(counts: pd.Series | pd.DataFrame, **given_: object) -> pd.DataFrame:
    return move_counts(counts, lookup=TABLE, **given_).table  # type: ignore[arg-type]


def test_unchanged_and_merged_areas_are_added_up_and_nothing_is_assumed() -> None:
    table = moved(COUNTS)
    assert table.loc[["a", "cd"], "value"].tolist() == [5, 7]
    assert not table.loc[["a", "cd"], "estimated"].any()
    assert table.loc[["a", "cd"], "least"].tolist() == table.loc[["a", "cd"], "most"].tolist() == [5, 7]


def test_split_areas_are_shared_out_by_weight_or_equally_and_the_words_say_which() -> None:
    even = move_counts(COUNTS, lookup=TABLE)
    assert even.table.loc[["b1", "b2"], "value"].tolist() == [6, 6]
    assert even.table.loc["b1", ["least", "most"]].tolist() == [0, 12]
    assert "shared out equally, as no weights were given" in even.assumption
    people = pd.Series({"b1": 300, "b2": 100, "e": 1, "ef": 1})
    weighted = move_counts(COUNTS, lookup=TABLE, weight=people)
    assert weighted.table.loc[["b1", "b2"], "value"].tolist() == [9, 3]
    assert "shared out as the given weights are" in weighted.assumption


def test_complex_changes_give_bounds_and_no_value_unless_each_part_is_weighed() -> None:
    table = moved(COUNTS)
    assert np.isnan(table.loc[["e", "ef"], "value"]).all()
    assert table.loc["e", ["low", "high"]].tolist() == [0, 10]
    assert table.loc["ef", ["low", "high", "least", "most"]].tolist() == [2, 12, 2, 12]
    assert "calls the change complex nothing is assumed" in table.loc["e", "assumption"]
    pairs = pd.MultiIndex.from_frame(TABLE[["LSOA11CD", "LSOA21CD"]])
    weighed = moved(COUNTS, weight=pd.Series([1, 3, 1, 1, 1, 4, 1, 1.0], index=pairs))
    assert weighed.loc[["b1", "e", "ef"], "value"].tolist() == [9, 8, 4]
    assert weighed["value"].sum() == COUNTS.sum()


def test_a_suppressed_count_stays_an_interval_through_a_lookup() -> None:
    counts = pd.DataFrame({"value": [np.nan, 4], "low": [1, 4], "high": [9, 4]}, index=["C", "D"])
    assert moved(counts).loc["cd", ["low", "high"]].tolist() == [5, 13]
    assert np.isnan(moved(counts).loc["cd", "value"])


def test_an_area_merged_with_one_that_nobody_counted_is_unknown() -> None:
    table = moved(COUNTS[["A", "C"]])
    assert table.index.tolist() == ["a", "cd"]
    np.testing.assert_array_equal(table["value"], [5, np.nan])
    assert table["least"].tolist() == [5, 3]


def test_rates_of_merged_areas_are_averaged_by_the_people_of_each() -> None:
    rates = pd.Series({"A": 0.1, "B": 0.2, "C": 0.3, "D": 0.6})
    people = pd.Series({"C": 100, "D": 200})
    by_people = moved(rates, rate=True, weight=people)["value"]
    np.testing.assert_allclose(by_people[["a", "b1", "b2", "cd"]], [0.1, 0.2, 0.2, 0.5])
    np.testing.assert_allclose(moved(rates, rate=True).loc["cd", "value"], 0.45)
    loose = moved(pd.Series({"E": 0.1, "F": 0.4}), rate=True)
    assert np.isnan(loose.loc["ef", "value"])
    assert loose.loc["ef", ["low", "high"]].tolist() == [0.1, 0.4]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABCDEF"), st.sampled_from("uvwxyz")), min_size=1, unique=True), st.data())
def test_nobody_is_lost_on_the_way_through_any_lookup(pairs: list[tuple[str, str]], data: st.DataObject) -> None:
    table = pd.DataFrame(pairs, columns=["old", "new"])
    lookup = read_lookup(table, source="old", target="new")
    codes = sorted(set(table["old"]))
    counts = pd.Series(data.draw(st.lists(st.integers(0, 50), min_size=len(codes), max_size=len(codes))), codes)
    weight = pd.Series(
        data.draw(st.lists(st.floats(0.1, 9), min_size=len(table), max_size=len(table))),
        index=pd.MultiIndex.from_frame(table),
    )
    assert move_counts(counts, lookup=lookup, weight=weight).table["value"].sum() == pytest.approx(counts.sum())
    result = move_counts(counts, lookup=lookup).table
    assert (result["low"] <= result["most"]).all()
    assert (result["least"] <= result["low"] + 1e-9).all()


def test_the_change_is_worked_out_where_the_table_does_not_say() -> None:
    lookup = read_lookup(TABLE[["LSOA11CD", "LSOA21CD"]])
    assert lookup.pairs["change"].tolist() == TABLE["CHGIND"].tolist()


def test_a_table_that_lost_a_row_of_a_split_or_a_merger_is_refused() -> None:
    with pytest.raises(
        RecordsError, match=r"row 2, CHGIND: pairs that fit their change are needed.*bring the whole one"
    ):
        read_lookup(TABLE.drop(index=2))
    with pytest.raises(RecordsError, match="row 4, CHGIND"):
        read_lookup(TABLE.drop(index=4))


def test_a_lookup_without_a_code_of_the_counts_is_refused() -> None:
    with pytest.raises(RecordsError, match="every code of `counts` is needed, and 1 are not in it"):
        moved(pd.Series({"A": 1.0, "Q": 3.0}))


def test_missing_codes_repeated_pairs_and_strange_changes_are_all_said() -> None:
    broken = TABLE.copy()
    broken.loc[0, "LSOA21CD"] = None
    broken.loc[2] = broken.loc[1]
    with pytest.raises(RecordsError) as raised:
        read_lookup(broken)
    assert raised.value.problems["row"].tolist() == [1, 3]
    with pytest.raises(RecordsError, match="row 1, CHGIND: U, S, M or X is needed"):
        read_lookup(TABLE.replace({"CHGIND": {"U": "?"}}))


def test_columns_are_found_by_their_year_and_districts_are_passed_over() -> None:
    named = TABLE.rename(columns={"LSOA11CD": "OA11CD", "LSOA21CD": "OA21CD", "CHGIND": "CHNGIND"}).assign(LAD22CD="x")
    assert read_lookup(named).pairs["target"].tolist() == TABLE["LSOA21CD"].tolist()
    with pytest.raises(RecordsError, match="columns of source and target codes are needed"):
        read_lookup(TABLE.rename(columns={"LSOA21CD": "new"}))
    with pytest.raises(RecordsError, match="columns of source and target codes are needed"):
        read_lookup(TABLE, source="old", target="new")


def test_a_best_fit_table_says_that_people_may_live_elsewhere() -> None:
    best = read_lookup(TABLE.drop(index=[2, 5])[["LSOA11CD", "LSOA21CD"]], fit="best")
    result = move_counts(COUNTS, lookup=best)
    assert result.table["value"].sum() == COUNTS.sum()
    assert "goes whole to the one that it fits best" in result.summary()
    assert (result.table["least"] == 0).all()
    assert result.table["most"].isna().all()
    assert result.table["estimated"].all()
    with pytest.raises(RecordsError, match="one row a source is needed of a best-fit table"):
        read_lookup(TABLE[["LSOA11CD", "LSOA21CD"]], fit="best")


def test_weights_that_do_not_cover_what_is_cut_are_refused() -> None:
    for weight in (
        pd.Series({"b1": 1.0}),
        pd.Series({"b1": 0, "b2": 0}),
        pd.Series({"b1": -1, "b2": 2}),
        pd.Series({"b1": "many", "b2": 2}),
    ):
        with pytest.raises(RecordsError, match="once for every target where the table cuts") as raised:
            moved(COUNTS[["A", "B"]], weight=weight)
        assert "many" not in str(raised.value)
    with pytest.raises(RecordsError, match="once for every source"):
        moved(COUNTS[["C", "D"]], rate=True, weight=pd.Series({"C": 1.0}))
