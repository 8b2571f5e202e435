"""The published partition: the vectors of the design, and the profiles."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from commonground.disclosure import Plan, Protected, protect
from commonground.disclosure.hierarchy import Tree
from commonground.disclosure.labels import interval, label, percentage, ratio, revise
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import UNITS, Tally, tally

TREE: Tree = ((("a", "b"), "c"), ("d", ("e", "f")))
# gate.md, "Test vectors (k = 8)": persons (premises) and events by area
PERSONS = {"a": 3, "b": 9, "c": 12, "d": 23, "e": 1, "f": 8}
PREMISES = {"a": 3, "b": 4, "c": 4, "d": 5, "e": 1, "f": 4}
EVENTS = {"a": 3, "b": 4, "c": 4, "d": 5, "e": 1, "f": 4}


def town(
    persons: dict[str, int], premises: dict[str, int] = PREMISES, events: dict[str, int] = EVENTS, **columns: Any
) -> pd.DataFrame:
    rows = [
        {
            "start": "2023-05-01",
            "area": a,
            "person": f"{a}{i}",
            "premises": f"{a}{i % premises[a]}",
            "event": f"{a}{i % events[a]}",
        }
        for a, n in persons.items()
        for i in range(n)
    ]
    return pd.DataFrame(rows).assign(**columns)


def observed(frame: pd.DataFrame, **options: Any) -> Tally:
    records = read_records(frame, "contacts")
    year = Period("2023-01-01", "2024-01-01")
    span = {"source": ["contacts"], "area": [None], "start": [year.start], "end": [year.end]}
    options = {"every": "year", "count": "persons", **options}
    return tally(records.with_coverage(pd.DataFrame(span)), window=year, **options)


def shown(protected: Protected) -> dict[str, Any]:
    frame = protected.to_frame()
    cells = zip(frame["areas"], frame["categories"], strict=True)
    keys = ["".join(areas) + "".join(f" {level}" for level in levels) for areas, levels in cells]
    return {key: None if pd.isna(value) else int(value) for key, value in zip(keys, frame["value"], strict=True)}


AS_GIVEN = {"ab": 10, "c": 10, "d": 25, "ef": 10}


def test_the_partition_as_given() -> None:
    protected = protect(observed(town(PERSONS)), hierarchy=TREE)
    assert shown(protected) == AS_GIVEN
    assert str(protected.answer("abcdef")) == "55 in [47, 63]"


def test_one_flat_cannot_be_a_block() -> None:
    one_flat = observed(town(PERSONS, PREMISES | {"f": 1}))
    assert shown(protect(one_flat, hierarchy=TREE)) == {"ab": 10, "c": 10, "def": 30}


def test_two_premises_of_f_and_one_of_e_are_three() -> None:
    assert shown(protect(observed(town(PERSONS, PREMISES | {"f": 2})), hierarchy=TREE)) == AS_GIVEN


def test_a_becomes_eight_recomputed_and_with_the_ledger(tmp_path: Path) -> None:
    later = observed(town(PERSONS | {"a": 8}))
    assert shown(protect(later, hierarchy=TREE)) == {"a": 10, "b": 10, "c": 10, "d": 25, "ef": 10}
    book = tmp_path / "study.ledger"
    assert shown(protect(observed(town(PERSONS)), hierarchy=TREE, ledger=book)) == AS_GIVEN
    assert shown(protect(later, hierarchy=TREE, ledger=book)) == AS_GIVEN


def test_one_person_in_each_area_publishes_nothing() -> None:
    ones = dict.fromkeys("abcdef", 1)
    with pytest.raises(NotReleasable, match="too few people") as error:
        protect(observed(town(ones, ones, ones)), hierarchy=TREE)
    assert not any(character.isdigit() for character in str(error.value).replace("2023", ""))


def test_eight_people_in_all_are_one_block() -> None:
    few = dict(zip("abcdef", (2, 1, 1, 2, 1, 1), strict=True))
    assert sum(few.values()) == 8
    assert shown(protect(observed(town(few, few, few)), hierarchy=TREE)) == {"abcdef": 10}


def test_kinds_alternating_by_record() -> None:
    frame = town(PERSONS)
    frame["group"] = np.where(np.arange(len(frame)) % 2, "street", "indoor")
    found = protect(observed(frame, by=("group",)), hierarchy=TREE)
    assert shown(found) == {"abc indoor": 10, "abc street": 10, "def indoor": 15, "def street": 15}
    assert "not for publishing" in found.summary()
    plan = {"categories": {"group": ("indoor", "street")}}
    declared = protect(observed(frame, by=("group",)), hierarchy=TREE, plan=plan)
    # whether anybody's kind is missing is not told: where it is too few to show it is joined with the last level
    assert [row[3] for row in declared.rows] == [("indoor",), ("street or missing",)] * 2
    assert list(shown(declared).values()) == [10, 10, 15, 15]


def test_fifty_shuffles_publish_the_same() -> None:
    frame = town(PERSONS)
    counted = observed(frame)
    first = protect(counted, hierarchy=TREE).rows
    for seed in range(50):
        mixed = counted.keys.sample(frac=1, random_state=seed, ignore_index=True)
        assert protect(replace(counted, keys=mixed), hierarchy=TREE).rows == first
    for seed in range(3):
        assert protect(observed(frame.sample(frac=1, random_state=seed)), hierarchy=TREE).rows == first


@pytest.mark.parametrize(
    ("areas", "answer"),
    [("ab", "10 in [8, 12]"), ("a", "coarsen to a, b"), ("bc", "coarsen to a, b, c"), ("abcdef", "55 in [47, 63]")],
)
def test_questions_are_answered_from_published_blocks(areas: str, answer: str) -> None:
    assert str(protect(observed(town(PERSONS)), hierarchy=TREE).answer(areas)) == answer


@pytest.mark.parametrize(
    ("old", "new", "published"),
    [(10, 15, 10), (10, 20, 10), (10, 25, 25), (None, 10, None), (None, 15, None), (None, 20, 20), (25, None, None),
     (15, None, 15), (30, 20, 30), (30, 15, 15)],
)  # fmt: skip
def test_late_records_move_a_label_only_across_a_gap(old: int | None, new: int | None, published: int | None) -> None:
    assert revise(old, new, 8) == published


def test_derived_values_come_from_labels() -> None:
    assert ratio(20, 35) == (1.8, 0.99, 3.1)
    assert ratio(10, None) is None
    assert percentage(10, (10, 25)) == 30
    assert percentage(10, (10, None)) is None


def test_every_label_is_five_values_wide_and_holds_its_count() -> None:
    for n in range(8, 500):
        low, high = interval(label(n, 8), 8)
        assert low <= n <= high
        assert high - low == 4 or n <= 12
    assert [label(n, 8) for n in (7, 8, 12, 13)] == [None, 10, 10, 15]


def test_without_people_k_is_thirteen_events_and_the_summary_says_so() -> None:
    frame = pd.DataFrame({"start": "2023-05-01", "area": ["a"] * 12 + ["b"] * 14})
    protected = protect(observed(frame, count="events"), hierarchy=("a", "b"))
    assert shown(protected) == {"ab": 25}
    assert "events, people unknown" in protected.summary()
    with pytest.raises(NotReleasable, match="has a person key, count events"):
        protect(observed(frame), hierarchy=("a", "b"))


def test_phases_share_blocks_and_a_zone_that_fails_in_one_phase_stays_joined() -> None:
    phases = {"before": Period("2023-01-01", "2023-07-01"), "after": Period("2023-07-01", "2024-01-01")}
    rows = []
    for area, numbers in {"t": (20, 20), "r": (20, 4), "c": (20, 20)}.items():
        for start, n in zip(("2023-02-01", "2023-08-01"), numbers, strict=True):
            rows += [{"start": start, "area": area, "person": f"{area}{i}"} for i in range(n)]
    zones = {"treated": ["t"], "ring": ["r"], "c1": ["c"]}
    protected = protect(observed(pd.DataFrame(rows), every=phases), zones=zones)
    frame = protected.to_frame()
    assert set(frame["areas"]) == {("t",), ("c", "r")}
    assert frame.groupby("areas")["period"].nunique().eq(2).all()
    assert protected.answer("r", "after").coarsen_to == ("c", "r")


def test_a_year_is_cut_into_quarters_only_where_each_passes() -> None:
    rows = [
        {"start": f"2023-{month:02d}-03", "area": area, "person": f"{area}{i}"}
        for area, n in (("a", 10), ("b", 4))
        for month in range(1, 13)
        for i in range(n * (1 + (month > 9)))
    ]
    frame = protect(observed(pd.DataFrame(rows), every="month"), hierarchy=("a", "b")).to_frame()
    quarters = ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    assert frame.groupby("block")["period"].agg(list).to_dict() == {"a": quarters, "b": ["2023"]}


def test_the_public_profile_shows_ancestors_of_the_same_cut_and_only_years() -> None:
    partner = protect(observed(town(PERSONS)), hierarchy=TREE)
    public = protect(observed(town(PERSONS)), "public", hierarchy=TREE)
    cut = set(partner.to_frame()["areas"])
    for areas in public.to_frame()["areas"]:
        assert set(areas) == set().union(*(block for block in cut if set(block) <= set(areas)))
    assert (public.to_frame()["low"] >= 13).all()
    # sums of the partner's labels, ab 10 + c 10 and d 25 + ef 10, with their intervals; the truth is 24 and 32
    assert public.to_frame()[["value", "low", "high"]].to_numpy().tolist() == [[20, 16, 24], [35, 31, 39]]


def test_recent_periods_are_not_released() -> None:
    with pytest.raises(NotReleasable, match="nothing recent is released"):
        protect(observed(town(PERSONS)), hierarchy=TREE, as_of="2024-03-01")
    assert protect(observed(town(PERSONS)), hierarchy=TREE, as_of="2024-04-01")


def test_a_selection_is_refused_because_the_rest_could_be_subtracted() -> None:
    records = read_records(town(PERSONS, setting="street"), "contacts").where("setting", ["street"])
    with pytest.raises(NotReleasable, match="selection of a record set"):
        protect(tally(records, count="persons"), hierarchy=TREE)


def test_small_levels_are_joined_in_declared_order_and_an_impossible_dimension_is_dropped() -> None:
    frame = town(PERSONS)
    row = np.arange(len(frame))
    frame["group"] = np.where(row % 14 == 0, "rare", np.where(row % 2, "one", "two"))
    plan = Plan(categories={"group": ("one", "two", "rare")})
    protected = protect(observed(frame, by=("group",)), hierarchy=TREE, plan=plan)
    assert set(protected.to_frame()["categories"]) == {("one",), ("two or rare or missing",)}
    frame["group"] = np.where(np.arange(len(frame)) == 0, "rare", "most")
    dropped = protect(observed(frame, by=("group",)), hierarchy=TREE, plan=Plan(categories={"group": ("most", "rare")}))
    assert dropped.by == ()
    assert "group: too few to show, or none." in dropped.notes
    assert shown(dropped) == AS_GIVEN


def test_the_open_profile_needs_a_citation_for_every_source() -> None:
    frame = pd.DataFrame({"start": ["2023-01", "2023-02"], "area": "a", "n": [1, 2]})
    with pytest.raises(NotReleasable, match="no citation"):
        protect(tally(read_records(frame, "incidents")), "open")
    opened = protect(tally(read_records(frame, "incidents", published="Office for Statistics, 2024")), "open")
    assert opened.to_frame()["value"].tolist() == [1, 2]
    assert "Made from published statistics only" in opened.summary()


def test_protected_is_frozen_and_reaches_nothing_exact() -> None:
    protected = protect(observed(town(PERSONS)), hierarchy=TREE)
    with pytest.raises(AttributeError):
        protected.k = 1  # type: ignore[misc]
    carried = pickle.dumps({name: value for name, value in vars(protected).items() if name != "blocks"})
    copied = pickle.loads(carried)
    values = [row[4] for row in copied["rows"]]
    assert values == [10, 10, 25, 10]
    for exact in (3, 9, 12, 23, 56):
        assert exact not in values
    assert not any(isinstance(value, Tally) for value in vars(protected).values())


def test_two_cuts_of_the_same_records_would_prove_a_cell() -> None:
    """gate.md step 1: a 10, b 10, c 2, d 30 under ((ab)c)d and (ab)(cd): why a second tree is refused."""
    people = {"a": 10, "b": 10, "c": 2, "d": 30}
    many = dict.fromkeys(people, 5)
    many["c"] = 2
    first = shown(protect(observed(town(people, many, many)), hierarchy=((("a", "b"), "c"), "d")))
    second = shown(protect(observed(town(people, many, many)), hierarchy=(("a", "b"), ("c", "d"))))
    assert first == {"abc": 20, "d": 30}
    assert second == {"a": 10, "b": 10, "cd": 30}
    # d is at least 28 from the first, c and d at most 32 from the second: c is at most 4.
    assert interval(second["cd"], 8)[1] - interval(first["d"], 8)[0] == 4


def test_hiding_small_cells_instead_gives_a_cell_away() -> None:
    """Why there are no hidden cells: with totals published, one hidden cell in a row is the difference."""
    row = {"a": 3, "b": 9, "c": 12}
    visible = {code: n for code, n in row.items() if n >= 8}
    assert sum(row.values()) - sum(visible.values()) == row["a"]
    parts = protect(observed(town(row)), hierarchy=(("a", "b"), "c")).to_frame()
    possible = [range(low, high + 1) for low, high in zip(parts["low"], parts["high"], strict=True)]
    for combination in itertools.product(*possible):
        assert all(n >= 8 for n in combination)


@pytest.mark.parametrize(
    ("premises", "events", "published"),
    [
        (3, 3, {"x": 20, "y": 20}),
        (2, 3, {"xy": 40}),  # premises >= 3
        (3, 2, {"xy": 40}),  # events >= 3
        (None, None, {"x": 20, "y": 20}),  # a rule applies where the record set has the column
    ],
)
def test_a_block_holds_three_premises_and_three_events(
    premises: int | None, events: int | None, published: dict[str, int]
) -> None:
    frame = town({"x": 20, "y": 20}, {"x": premises or 1, "y": 5}, {"x": events or 1, "y": 5})
    if premises is None:
        frame = frame.drop(columns=["premises", "event"])
    assert shown(protect(observed(frame), hierarchy=("x", "y"))) == published


def test_no_premises_holds_more_than_half_of_the_people_of_a_block() -> None:
    frame = town({"x": 20, "y": 20}, {"x": 5, "y": 5}, {"x": 5, "y": 5})
    x = frame.index[frame["area"] == "x"]
    frame.loc[x, "premises"] = ["x0"] * 10 + [f"x{1 + i % 4}" for i in range(10)]
    assert shown(protect(observed(frame), hierarchy=("x", "y"))) == {"x": 20, "y": 20}
    frame.loc[x[10], "premises"] = "x0"  # 11 of 20
    assert shown(protect(observed(frame), hierarchy=("x", "y"))) == {"xy": 40}


def test_rows_without_a_premises_key_add_people_and_no_premises() -> None:
    frame = town({"x": 20, "y": 20}, {"x": 5, "y": 5}, {"x": 5, "y": 5})
    frame.loc[frame.index[:17], "premises"] = None
    assert shown(protect(observed(frame), hierarchy=("x", "y"))) == {"x": 20, "y": 20}
    frame.loc[frame.index[:18], "premises"] = None  # two premises are left in x
    assert shown(protect(observed(frame), hierarchy=("x", "y"))) == {"xy": 40}


def test_one_cut_serves_people_events_and_premises() -> None:
    frame = town(PERSONS)
    cuts = {count: [row[:3] for row in protect(observed(frame, count=count), hierarchy=TREE).rows] for count in UNITS}
    assert cuts["persons"] == cuts["events"] == cuts["premises"]


def test_the_public_sees_no_number_below_thirteen_of_any_unit() -> None:
    frame = town({"x": 30, "y": 30}, {"x": 10, "y": 20}, {"x": 5, "y": 5})
    premises = observed(frame, count="premises")
    assert shown(protect(premises, hierarchy=("x", "y"))) == {"x": 10, "y": 20}
    assert shown(protect(premises, "public", hierarchy=("x", "y"))) == {"x": None, "y": 20}


def test_k_is_eight_or_thirteen() -> None:
    with pytest.raises(ValueError, match="8 or 13"):
        label(20, 5)


def test_the_addresses_of_an_area_that_has_none_stated_count_as_none() -> None:
    frame = town({"x": 20, "y": 20, "z": 20}, *({"x": 5, "y": 5, "z": 5},) * 2)
    codes = pd.Index(["x", "y", "z"], name="area")
    squares = [box(i, 0, i + 1, 1) for i in range(3)]
    for addresses, published in (
        ([400, 400, 400], {"x": 20, "y": 20, "z": 20}),
        ([399, 400, 400], {"xyz": 60}),
        ([np.nan, 400, 400], {"xyz": 60}),
        ([np.nan] * 3, {"x": 20, "y": 20, "z": 20}),  # no number is known: the areas are taken as statistical ones
    ):
        areas = gpd.GeoDataFrame({"name": codes, "population": addresses}, geometry=squares, index=codes, crs=27700)
        assert shown(protect(observed(frame, areas=areas), hierarchy=("x", ("y", "z")))) == published


def test_the_summary_says_that_everybody_is_represented_and_how_large_blocks_are() -> None:
    said = protect(observed(town(PERSONS)), hierarchy=TREE).summary()
    assert "in 4 block(s)" in said
    assert "Everybody counted in the study's areas is represented; a block is 1 to 2 areas." in said


def test_a_year_in_which_all_areas_together_fail_is_left_out_and_named() -> None:
    frame = pd.concat([town(PERSONS), town({"a": 3}).assign(start="2022-05-01", event=lambda f: "z" + f["event"])])
    span = {"source": ["contacts"], "area": [None], "start": ["2022-01-01"], "end": ["2024-01-01"]}
    coverage = pd.DataFrame(span).astype({"start": "datetime64[us]", "end": "datetime64[us]"})
    records = read_records(frame, "contacts").with_coverage(coverage)
    protected = protect(tally(records, every="year", count="persons"), hierarchy=TREE)
    assert list(protected.periods) == ["2023"]
    assert "2022: too few to show, or none." in protected.notes
