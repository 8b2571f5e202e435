from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground import Period, Records, read_records
from commonground.errors import RecordsError
from commonground.sampletown import sample_folder
from mapping.ages import under_18
from mapping.histories import CaptureHistories, capture_histories
from mapping.population import population_size
from mapping.repeats import repeat_counts

KEY = bytes(range(32))
YEAR = Period("2023-01-01", "2024-01-01")


def met(*people: str, source: str = "team", days: list[str] | None = None, **columns: Any) -> Records:
    """Contacts of those people, one a row, with a source that reported from 2022 to 2024."""
    days = days or [f"2023-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(len(people))]
    frame = pd.DataFrame({"start": days, "person": list(people), "source": source, "area": "E1", **columns})
    kind = "incidents" if "role" in columns else "contacts"
    spans = pd.DataFrame({"source": [source], "start": ["2022-01-01"], "end": ["2025-01-01"]})
    return read_records(frame, kind, key=KEY).with_coverage(spans)


@pytest.fixture(scope="module")
def town() -> dict[str, Any]:
    folder = sample_folder()
    truth = json.loads((folder / "truth.json").read_text("utf-8"))

    def read(name: str, kind: str) -> Records:
        return read_records(folder / f"{name}.csv", kind, columns=truth["columns"][name], crs=27700, key=KEY)

    contacts = read("contacts", "contacts")
    lists = {
        "outreach": contacts.where("source", ["outreach"]),
        "clinic": contacts.where("source", ["clinic"]),
        "scheme": read("incidents_scheme", "incidents"),
        "police": read("incidents_police", "incidents"),
    }
    return {"folder": folder, "truth": truth, "lists": lists, "arrests": read("arrests", "arrests")}


@pytest.fixture(scope="module")
def found(town: dict[str, Any]) -> CaptureHistories:
    return capture_histories(town["lists"], window=YEAR)


def cells(found: CaptureHistories, lists: list[str]) -> dict[tuple[int, ...], int]:
    by = found.table.groupby(lists)["n"].sum()
    return {tuple(map(int, cell)): int(n) for cell, n in by.items() if n and any(cell)}


def test_the_sample_town_gives_the_planted_histories_of_its_three_own_lists(
    town: dict[str, Any], found: CaptureHistories
) -> None:
    """The planted fourth list holds arrests too, which are refused here; over it the histories are added up."""
    planted: Counter[tuple[int, ...]] = Counter()
    for digits, n in town["truth"]["people"]["histories_2023"].items():
        planted[tuple(map(int, digits[:3]))] += n
    planted.pop((0, 0, 0), None)
    assert cells(found, ["outreach", "clinic", "scheme"]) == dict(planted)
    seen = town["truth"]["people"]["seen_2023"]
    assert found.lists.set_index("list")["people"].drop("police").to_dict() == {
        name: seen[name] for name in ("outreach", "clinic", "scheme")
    }


def test_the_sample_town_agrees_with_plain_loops_over_its_files(town: dict[str, Any], found: CaptureHistories) -> None:
    who: dict[str, set[str]] = {"outreach": set(), "clinic": set(), "scheme": set(), "police": set()}
    for row in pd.read_csv(town["folder"] / "contacts.csv", encoding="utf-8-sig", dtype=str).to_dict("records"):
        if row["Contact date"][6:10] == "2023" and isinstance(row["Client ID"], str):
            who[row["Agency"]].add(row["Client ID"])
    for row in pd.read_csv(town["folder"] / "incidents_scheme.csv", encoding="latin-1", dtype=str).to_dict("records"):
        if row["happened_from"][:4] == "2023" and isinstance(row["member_code"], str):
            who["scheme"].add(row["member_code"])
    for row in pd.read_csv(town["folder"] / "incidents_police.csv", dtype=str).to_dict("records"):
        if row["Offence Date"][6:10] == "2023" and isinstance(row["Victim Ref"], str):
            who["police"].add(row["Victim Ref"])
    plain = Counter(tuple(int(code in who[name]) for name in who) for code in set().union(*who.values()))
    assert cells(found, list(who)) == dict(plain)
    for first, second, both, _ in found.overlaps.to_numpy().tolist():
        assert both == len(who[first] & who[second])


def test_every_overlap_of_the_sample_town_is_large_enough_to_publish(found: CaptureHistories) -> None:
    assert found.least_overlap == 42  # clinic and police, counted by the loops above
    assert not [note for note in found.notes if "below 20" in note]
    assert "24 of 435 rows of scheme name nobody" in found.summary()


def test_the_table_and_the_facts_are_what_population_size_takes(town: dict[str, Any]) -> None:
    fed = capture_histories(town["lists"], window=YEAR, feeds=[("scheme", "police")])
    assert fed.facts.windows == YEAR
    result = population_size(fed.table, facts=fed.facts, draws=200)
    assert result.n_observed == fed.n_observed == 243


def test_repeat_counts_of_each_town_list_are_a_floor_below_the_planted_400(found: CaptureHistories) -> None:
    for name, frequencies in found.frequencies.items():
        people = found.lists.set_index("list").at[name, "people"]
        result = repeat_counts(frequencies, window=YEAR)
        assert result.n_observed == people
        assert result.floor < 400


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y", "z"])), min_size=6, max_size=40))
def test_counts_add_up_and_rows_in_another_order_change_nothing(rows: list[tuple[str, str]]) -> None:
    sources = {name: met("k", *(who for who, where in rows if where == name), name) for name in ("x", "y", "z")}
    found = capture_histories(sources, window=YEAR)
    turned = capture_histories(
        {name: Records(**{**vars(one), "frame": one.frame.iloc[::-1]}) for name, one in sources.items()}, window=YEAR
    )
    pd.testing.assert_frame_equal(found.table, turned.table)
    assert len(found.table) == 7
    for name in sources:
        size = found.lists.set_index("list").at[name, "people"]
        assert found.table.loc[found.table[name].eq(1), "n"].sum() == size
        assert sum(found.frequencies[name].values()) == size
    assert found.n_observed == len({who for who, _ in rows} | {"k", "x", "y", "z"})


def test_a_person_met_often_is_counted_once_and_twice_on_a_day_is_one_meeting() -> None:
    days = ["2023-02-01T10:00", "2023-02-01T23:00", "2023-03-01", "2023-04-01"]
    found = capture_histories({"a": met("p", "p", "p", "q", days=days), "b": met("q", "r")}, window=YEAR)
    assert found.frequencies["a"] == {1: 1, 2: 1}
    assert found.table.to_numpy().tolist() == [[1, 1, 1], [1, 0, 1], [0, 1, 1]]


def test_the_window_holds_its_first_day_and_not_the_day_after_it() -> None:
    days = ["2022-12-31", "2023-01-01", "2023-12-31T23:59", "2024-01-01"]
    found = capture_histories({"a": met("p", "q", "r", "s", days=days), "b": met("q", "r", "t")}, window=YEAR)
    assert found.lists["people"].tolist() == [2, 3]


def test_one_list_may_come_from_several_files() -> None:
    found = capture_histories({"a": [met("p"), met("q")], "b": met("q", "r")}, window=YEAR)
    assert found.lists["people"].tolist() == [2, 2]


def test_lists_read_with_different_keys_are_refused_with_the_reason() -> None:
    other = read_records(
        pd.DataFrame({"start": ["2023-01-05", "2023-12-05"], "person": ["p", "q"], "area": "E1"}),
        "contacts",
        key=bytes(range(1, 33)),
    )
    with pytest.raises(RecordsError, match="shares no person key with any other list") as caught:
        capture_histories({"a": met("p", "q"), "b": other}, window=YEAR)
    assert "Read all lists with one key" in str(caught.value)
    assert capture_histories({"a": met("p", "q"), "b": met("p", "r")}, window=YEAR).least_overlap == 1


def test_lists_of_different_windows_are_refused() -> None:
    late = met("p", "q").with_coverage(
        pd.DataFrame({"source": ["team"], "start": ["2023-02-01"], "end": ["2025-01-01"]})
    )
    with pytest.raises(RecordsError, match="`b`: must have reported for the whole window"):
        capture_histories({"a": met("p"), "b": late}, window=YEAR)
    gap = pd.DataFrame({"source": "team", "start": ["2022-01-01", "2023-08-01"], "end": ["2023-07-01", "2025-01-01"]})
    with pytest.raises(RecordsError, match="`b`: must have reported"):
        capture_histories({"a": met("p"), "b": met("p", "q").with_coverage(gap)}, window=YEAR)
    touching = gap.assign(end=["2023-08-01", "2025-01-01"])
    assert capture_histories({"a": met("p"), "b": met("p", "q").with_coverage(touching)}, window=YEAR).n_observed == 2


def test_a_window_over_twelve_months_is_refused_and_a_leap_year_is_not() -> None:
    lists = {"a": met("p", "q"), "b": met("p", "r")}
    with pytest.raises(RecordsError, match="at most 12 months"):
        capture_histories(lists, window=Period("2023-01-01", "2024-01-02"))
    days = ["2024-02-29", "2024-12-31"]
    leap = {"a": met("p", "q", days=days), "b": met("p", "r", days=days)}
    assert capture_histories(leap, window=Period("2024-01-01", "2025-01-01")).n_observed == 3


def test_arrests_are_refused_and_so_are_lists_that_name_nobody(town: dict[str, Any]) -> None:
    nameless = read_records(pd.DataFrame({"start": ["2023-01-05"], "area": "E1"}), "contacts")
    services = read_records(pd.DataFrame({"service": ["clinic"], "area": ["E1"]}), "services")
    with pytest.raises(RecordsError) as caught:
        capture_histories({"a": town["arrests"], "b": nameless, "c": services, "d": "file", "e": None}, window=YEAR)  # type: ignore[dict-item]
    said = str(caught.value)
    assert "`a`: holds arrests: they measure enforcement" in said
    assert "`b`: has no person keys" in said
    assert "`c`: holds no people" in said
    assert "`d`: Records are needed" in said


def test_people_in_another_role_are_left_out_and_the_rest_is_said() -> None:
    roles = met("p", "q", "r", role=["selling", "buying", None])
    found = capture_histories({"a": roles, "b": met("p", "q", "r", "s")}, window=YEAR)
    assert found.lists["people"].tolist() == [2, 4]
    assert "1 rows of a are about people in another role" in found.summary()


def test_under_18s_are_refused_or_left_out_of_every_list() -> None:
    lists = {"a": met("p", "q", "r", group=["women", "under 18", "men"]), "b": met("q", "p", "t")}
    with pytest.raises(RecordsError, match="people under 18, who are counted on the safeguarding route") as caught:
        capture_histories(lists, window=YEAR)
    assert "leave_out_under_18=True" in str(caught.value)
    found = capture_histories(lists, window=YEAR, leave_out_under_18=True)
    assert found.lists["people"].tolist() == [2, 2]
    assert found.n_observed == 3
    assert "left out of all lists" in found.summary()
    aged = met("p", "q", group_age=["16-17", "25-34"])
    with pytest.raises(RecordsError, match="`b`: holds rows of people under 18"):
        capture_histories({"a": met("p"), "b": aged}, window=YEAR)


UNDER = (
    "Under-18s", "under 18", "<18", "U18", "children at risk", "child", "minor", "girls", "young people", "teenagers",
    "aged 16", "17 years old", "below 18", "less than 16", "16-24",
)  # fmt: skip
NOT_UNDER = (
    "women", "women with children", "has 2 children", "no dependent children", "minority ethnic", "mothers of children",
    "trans and non-binary people", "aged 18 to 25", "adults 18 and over", "youthwork staff over 30", "16 days",
)  # fmt: skip
AGES_UNDER = ("16-17", "15", "16 to 24", "under 25", "17 and younger", "0-17", "<25")
AGES_NOT_UNDER = ("18-24", "18+", "25 to 34", "65 and over", "not known")


@pytest.mark.parametrize(
    ("words", "column", "expected"),
    [
        (UNDER, "group", True),
        (NOT_UNDER, "group", False),
        (AGES_UNDER, "group_age", True),
        (AGES_NOT_UNDER, "group_age", False),
        (("15", "16 and over"), "group_language", False),
    ],
)
def test_words_for_under_18s_are_found_and_parents_are_not_children(
    words: tuple[str, ...], column: str, expected: bool
) -> None:
    found = under_18(pd.Series([*words, None]), column)
    assert dict(zip(words, found, strict=False)) == dict.fromkeys(words, expected)
    assert not found.iloc[-1]


def test_a_list_inside_another_and_a_pair_without_overlap_are_said() -> None:
    lists = {"a": met("p", "q", "r"), "b": met("p", "q"), "c": met("r", "t")}
    found = capture_histories(lists, window=YEAR)
    assert "Everyone on b is on a too" in found.summary()
    assert "Nobody is on both b and c" in found.summary()
    assert "below 20" in found.summary()
    assert "Fewer than 7 people are on both a and c" in found.summary()
    assert found.overlaps["contained"].tolist() == ["b", "", ""]


def test_the_same_list_twice_is_refused() -> None:
    with pytest.raises(RecordsError, match="`a`: is the same list as `b`"):
        capture_histories({"a": met("p", "q"), "b": met("q", "p", "p"), "c": met("p")}, window=YEAR)


def test_a_list_without_anybody_in_the_window_is_refused() -> None:
    old = met("p", "q", days=["2022-05-01", "2022-06-01"])
    with pytest.raises(RecordsError, match="`b`: names nobody in the window"):
        capture_histories({"a": met("p"), "b": old}, window=YEAR)


def test_roles_and_numbers_of_lists_are_checked_before_anything_is_counted() -> None:
    lists = {"a": met("p", "q"), "n": met("p", "r")}
    with pytest.raises(RecordsError) as caught:
        capture_histories(lists, window=YEAR, feeds=[("a", "elsewhere")], superset=["nowhere"])
    assert len(caught.value.problems) == 2
    assert "a list cannot be called n" in str(caught.value)
    assert "must name lists of `sources`" in str(caught.value)
    with pytest.raises(RecordsError, match="2 to 6 lists are needed"):
        capture_histories({"a": met("p")}, window=YEAR)


def test_a_source_that_saw_only_some_areas_is_said() -> None:
    spans = pd.DataFrame({"source": ["team"], "area": ["E1"], "start": ["2022-01-01"], "end": ["2025-01-01"]})
    found = capture_histories({"a": met("p", "q"), "b": met("p", "r").with_coverage(spans)}, window=YEAR)
    assert "b saw only some areas" in found.summary()


def test_nothing_in_the_result_names_anybody() -> None:
    lists = {"a": met("LONEBIRD77", "q"), "b": met("LONEBIRD77", "r")}
    found = capture_histories(lists, window=YEAR)
    keys = set(lists["a"].frame["person"]) | {"LONEBIRD77"}
    text = repr(found) + found.summary() + found.to_frame().to_csv() + str(vars(found))
    assert not {key for key in keys if key in text}
    assert repr(found) == "CaptureHistories(...; call .summary())"
