"""People, not contacts: each need met, unmet or unknown, with bounds, and a row for whom nobody sees."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground import read_records, tally
from commonground.disclosure import Plan
from commonground.errors import CommonGroundError, RecordsError, StudyError
from commonground.framework import FRAMEWORK, NEEDS, STAGES
from commonground.periods import Period
from commonground.records import Records
from mapping.levels import NO_SOURCE, NOT_DECLARED
from mapping.needs import NOBODY, NOT_RAISED, needs_profile
from mapping.safeguarding import under_18
from mapping.statuses import by_need

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROWS = [  # start, area, person, setting, group, issues, outcome, mode
    ("2023-01-01", "A", "p1", "street", "women", "housing", "unmet", "in person"),
    ("2023-02-01", "B", "p1", "street", "women", "housing;health", "met", "in person"),
    ("2023-03-01", "B", "p1", "online", "women", "housing", "unknown", "phone"),
    ("2023-01-01", "A", "p2", "street", "men", "housing", "met", "in person"),
    ("2023-04-01", "A", "p2", "street", "men", "housing", "unmet", "in person"),
    ("2023-04-01", "A", "p3", "street", "men", "housing", "", "in person"),
    ("2023-05-01", "A", "p4", "", "men", "pets", "met", "in person"),
    ("2023-05-01", "A", "", "street", "men", "housing", "unmet", "in person"),
    ("2023-05-01", "B", "p5", "online", "women", "exiting", "resolved", "phone"),
]
NAMES = ["start", "area", "person", "setting", "group", "issues", "outcome", "mode"]


def contacts(rows: list[tuple[str, ...]] | None = None, **changed: Any) -> Records:
    frame = pd.DataFrame(rows or ROWS, columns=NAMES).assign(**changed)
    return read_records(frame, "contacts")


def cell(table: pd.DataFrame, need: str, split: str = "everyone", level: str = "everyone") -> dict[str, Any]:
    rows = table[(table["need"] == need) & (table["split"] == split) & (table["level"] == level)]
    assert len(rows) == 1
    found: dict[str, Any] = rows.iloc[0].to_dict()
    return found


def counts(row: dict[str, Any]) -> list[float]:
    return [row[name] for name in ("seen", "people", "met", "unmet", "unknown", "ever_unmet", "low", "high")]


def test_there_are_twelve_needs_and_they_are_those_of_the_sample_town() -> None:
    assert len(NEEDS) == len(set(NEEDS)) == 12
    town = pd.read_csv(SAMPLE / "contacts.csv", dtype="str")["Issues raised"].dropna().str.split(";").explode()
    assert set(town.str.strip()) == set(NEEDS)
    assert set(FRAMEWORK.stages) == set(NEEDS)
    assert set(FRAMEWORK.stages.values()) == set(STAGES)


def test_the_profile_is_the_hand_worked_one() -> None:
    table = needs_profile(contacts(), by=("area", "setting", "group")).to_frame()
    # housing: p1 met (the later unknown undoes nothing), p2 unmet since April, p3 unknown; p1 and p2 ever unmet
    assert counts(cell(table, "housing")) == [5, 3, 1, 1, 1, 2, 1, 2]
    assert counts(cell(table, "health")) == [5, 1, 1, 0, 0, 0, 0, 0]
    # "resolved" is not declared, so unknown
    assert counts(cell(table, "exiting")) == [5, 1, 0, 0, 1, 0, 0, 1]
    # p1 was met in both areas and counts in each, with the one status that is known
    assert counts(cell(table, "housing", "area", "A")) == [4, 3, 1, 1, 1, 2, 1, 2]
    assert counts(cell(table, "housing", "area", "B")) == [2, 1, 1, 0, 0, 1, 0, 0]
    assert counts(cell(table, "housing", "setting", "online"))[:3] == [2, 1, 1]
    assert cell(table, "housing", "setting", "missing")["reading"] == NOT_RAISED
    assert cell(table, "benefits")["reading"] == NOT_RAISED


def test_people_are_counted_and_not_contacts() -> None:
    once = needs_profile(contacts()).to_frame()
    pd.testing.assert_frame_equal(once, needs_profile(contacts(ROWS * 3)).to_frame())


def test_met_and_unmet_at_one_moment_is_unmet_whatever_the_order() -> None:
    rows = [("2023-01-01", "A", "p", "street", "men", "housing", status, "phone") for status in ("met", "unmet")]
    for order in (rows, rows[::-1]):
        assert counts(cell(needs_profile(contacts(order)).to_frame(), "housing"))[2:5] == [0, 1, 0]


def test_a_window_is_half_open_and_has_a_status_of_its_own() -> None:
    table = needs_profile(contacts(), window=Period("2023-01-01", "2023-04-01")).to_frame()
    assert counts(cell(table, "housing")) == [2, 2, 2, 0, 0, 1, 0, 0]
    with pytest.raises(RecordsError, match="nobody was met in the window"):
        needs_profile(contacts(), window=Period("2020-01-01", "2021-01-01"))


def test_a_share_is_given_of_ten_people_and_not_of_nine() -> None:
    def rows(n: int) -> list[tuple[str, ...]]:
        status = ["unmet", "met", ""]
        return [("2023-01-01", "A", f"p{i}", "street", "men", "health", status[i % 3], "phone") for i in range(n)]

    ten, nine = (needs_profile(contacts(rows(n))) for n in (10, 9))
    row = cell(ten.to_frame(), "health")
    assert (row["share_low"], row["share_high"]) == (40, 70)  # 4 unmet, 3 met, 3 unknown of 10
    assert pd.isna(cell(nine.to_frame(), "health")["share_low"])
    assert "unmet for 3 to 6 of 9." in nine.summary()
    assert "40 to 70 per cent" in ten.summary()


def test_a_group_that_nobody_sees_has_its_row_and_no_number() -> None:
    could = ("street", "off-street", "online")
    plan = Plan(categories={"setting": (*could, "premises")}, seen={"setting": could})
    profile = needs_profile(contacts(), groups=plan, by=("setting",))
    unseen = cell(profile.to_frame(), "housing", "setting", "premises")
    assert unseen["reading"] == NO_SOURCE
    assert pd.isna([unseen[name] for name in ("seen", "people", "unmet", "low", "high")]).all()
    looked = cell(profile.to_frame(), "housing", "setting", "off-street")
    assert looked["reading"] == NOBODY
    assert looked["seen"] == 0
    assert "setting, premises: no source sees this group." in profile.summary()
    assert profile.stages.query("level == 'premises'")[["people", "latest"]].isna().all(axis=None)
    assert len(profile.to_frame()) == 12 * 6  # everyone, four declared settings, missing


def test_no_source_sees_a_group_only_by_declaration_never_by_a_count() -> None:
    table = needs_profile(contacts(), groups={"setting": ("street", "premises")}, by=("setting",)).to_frame()
    row = cell(table, "housing", "setting", "premises")
    assert row["reading"] == NOT_DECLARED
    assert pd.isna(row["people"])


def test_a_declaration_that_the_records_contradict_is_said() -> None:
    plan = Plan(categories={"setting": ("street", "online")}, seen={"setting": ("street",)})
    profile = needs_profile(contacts(), groups=plan, by=("setting",))
    assert cell(profile.to_frame(), "exiting", "setting", "online")["people"] == 1
    assert "setting has people in a level that no source is declared to see" in profile.summary()


def test_an_area_is_unknown_where_no_source_reported_it() -> None:
    spans = pd.DataFrame({"source": "contacts", "start": "2023-01-01", "end": "2024-01-01", "area": ["A", "B", "C"]})
    records = contacts().with_coverage(spans)
    table = needs_profile(records, groups={"area": ("A", "B", "C", "D")}, by=("area",)).to_frame()
    assert cell(table, "housing", "area", "C")["people"] == 0
    assert cell(table, "housing", "area", "D")["reading"] == NO_SOURCE


def test_splits_can_be_crossed() -> None:
    table = needs_profile(contacts(), by=(("area", "group"),)).to_frame()
    assert counts(cell(table, "housing", "area x group", "A x men")) == [3, 2, 0, 1, 1, 1, 1, 2]
    assert set(table["level"]) == {"everyone", "A x men", "A x women", "B x men", "B x women"}


def test_words_outside_the_framework_are_listed_and_never_dropped() -> None:
    profile = needs_profile(contacts())
    assert profile.outside.to_numpy().tolist() == [["issues", "pets", 1, 1], ["outcome", "resolved", 1, 1]]
    assert "1 issues are not in the framework and are listed apart: pets." in profile.summary()
    assert "1 rows name no person" in profile.summary()
    ours = FRAMEWORK.extended({"benefits": "Pets"}, statuses={"met": ["resolved"]})
    again = needs_profile(contacts(), framework=ours)
    assert again.outside.empty
    assert counts(cell(again.to_frame(), "benefits"))[1:4] == [1, 1, 0]
    assert counts(cell(again.to_frame(), "exiting"))[1:4] == [1, 1, 0]


def test_two_local_words_for_one_need_count_a_person_once() -> None:
    ours = FRAMEWORK.extended({"housing": ["health", "housing"]})
    assert counts(cell(needs_profile(contacts(), framework=ours).to_frame(), "housing"))[1:5] == [3, 1, 1, 1]


def test_stages_count_people_once_at_their_latest() -> None:
    stages = needs_profile(contacts(), by=()).stages.set_index("stage")
    assert stages["people"].drop("none").to_dict() == {"trust": 0, "preparing": 3, "action": 1}
    assert stages["latest"].to_dict() == {"trust": 0, "preparing": 3, "action": 1, "none": 1}
    ours = FRAMEWORK.extended(modes={"trust": "phone"}, stages={"action": "housing"})
    stages = needs_profile(contacts(), framework=ours, by=()).stages.set_index("stage")
    # p1 by phone in March, after housing; p5 by phone and about exiting at once: the further of the two
    assert stages["people"].drop("none").to_dict() == {"trust": 2, "preparing": 1, "action": 4}
    assert stages["latest"].to_dict() == {"trust": 0, "preparing": 0, "action": 4, "none": 1}


def test_the_framework_lists_every_wrong_word_at_once() -> None:
    with pytest.raises(StudyError, match="none of ours") as caught:
        FRAMEWORK.extended({"hosing": "x", "health": "GP visits", "housing": "gp-VISITS"}, stages={"trust": "pets"})
    assert len(caught.value.problems) == 3
    assert "given to health and to housing" in str(caught.value)
    assert "none of the twelve needs" in str(caught.value)


@pytest.mark.parametrize(
    ("level", "young"),
    [("under 18", True), ("Under-18s", True), ("U18", True), ("<18", True), ("children", True), ("16 to 17", True),
     ("16–24", True), ("aged 15", True), ("0-17", True), ("18-24", False), ("18 and over", False), ("women", False),
     ("over 18", False), ("women with children", False), ("migrants", False), ("25-34", False)],
)  # fmt: skip
def test_under_18s_are_known_by_their_names(level: str, young: bool) -> None:
    assert under_18(level) is young


def test_under_18s_are_refused_with_the_reason_and_without_their_words() -> None:
    wrong = contacts(group=["women"] * 8 + ["aged 16"])
    for by in ((), ("group",), ("setting",)):
        with pytest.raises(RecordsError, match="safeguarding route only") as caught:
            needs_profile(wrong, by=by)
        assert "16" not in str(caught.value)
    with pytest.raises(RecordsError, match="safeguarding route only"):
        needs_profile(contacts(), groups={"group": ("women", "men", "under 18")})
    with pytest.raises(RecordsError, match="safeguarding route only"):
        needs_profile(contacts(), framework=FRAMEWORK.extended(under_18=["men"]))


def test_records_that_name_nobody_are_refused_and_all_that_is_missing_is_said() -> None:
    frame = pd.DataFrame({"start": ["2023-01-01"], "area": ["A"], "outcome": ["met"]})
    with pytest.raises(RecordsError, match="in people, not in contacts") as caught:
        needs_profile(read_records(frame, "contacts"))
    assert set(caught.value.problems["column"]) == {"person", "issues"}


@pytest.mark.parametrize(
    ("by", "said"), [("setting", "write by="), (("issues",), "not by issues"), (("x",), "not by x")]
)
def test_a_split_that_is_none_is_refused(by: Any, said: str) -> None:
    with pytest.raises(CommonGroundError, match=said):
        needs_profile(contacts(), by=by)


def test_nothing_exact_is_printed_or_pickled() -> None:
    profile = needs_profile(contacts())
    assert repr(profile) == "NeedsProfile(...; call .summary())"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(profile)
    shown = profile.to_frame()
    shown["people"] = 0.0
    assert copy.copy(profile).to_frame()["people"].max() == 3


CONTACT = st.tuples(
    st.sampled_from([f"2023-0{m}-01" for m in range(1, 6)]), st.sampled_from("AB"), st.sampled_from("pqrst"),
    st.sampled_from(["street", "online", ""]), st.sampled_from(["men", "women"]),
    st.sampled_from(["housing", "health", "housing;health", "pets", ""]), st.sampled_from(["met", "unmet", "unknown"]),
    st.just("phone"),
)  # fmt: skip


SURE = ("2023-01-01", "A", "p", "street", "men", "housing", "met", "phone")


@settings(max_examples=15, deadline=None)
@given(st.lists(CONTACT, min_size=1, max_size=25))
def test_counts_agree_with_a_plain_loop_and_keep_their_bounds(rows: list[tuple[str, ...]]) -> None:
    rows = [*rows, SURE]
    table = needs_profile(contacts(rows), by=("area", "setting")).to_frame()
    for need in ("housing", "health"):
        last: dict[str, str] = {}
        for start in sorted({row[0] for row in rows}):
            for status in ("met", "unmet"):  # unmet last
                for row in rows:
                    if row[0] == start and need in row[5].split(";") and row[6] == status:
                        last[row[2]] = status
        raised = {row[2] for row in rows if need in row[5].split(";")}
        mine = cell(table, need)
        assert mine["people"] == len(raised)
        assert mine["unmet"] == sum(last.get(person) == "unmet" for person in raised)
        assert mine["unknown"] == len(raised - set(last))
    assert (table["met"] + table["unmet"] + table["unknown"] == table["people"]).all()
    assert ((table["low"] <= table["ever_unmet"]) & (table["ever_unmet"] <= table["people"])).all()
    assert (table["people"] <= table["seen"]).all()
    parts = table[table["split"] == "area"].groupby("need")["people"].agg(["max", "sum"])
    whole = table[table["split"] == "everyone"].set_index("need")["people"].reindex(parts.index)
    assert ((parts["max"] <= whole) & (whole <= parts["sum"])).all()


@settings(max_examples=10, deadline=None)
@given(st.lists(CONTACT, min_size=1, max_size=25), st.booleans())
def test_records_by_need_hold_the_same_people_and_events_and_one_status_each(
    rows: list[tuple[str, ...]], identified: bool
) -> None:
    frame = pd.DataFrame([*rows, SURE], columns=NAMES)
    if identified:
        frame["event"] = [f"e{i}" for i in range(len(frame))]
    year = {"year": Period("2023-01-01", "2024-01-01")}
    spans = pd.DataFrame({"source": ["contacts"], "start": ["2023-01-01"], "end": ["2024-01-01"]})
    before = read_records(frame, "contacts").with_coverage(spans)
    after, joint = by_need(before), by_need(before, together=True)
    for unit in ("events", "persons"):
        one, two, three = (
            tally(part, every=year, by=("setting",), count=unit).to_frame() for part in (before, after, joint)
        )
        pd.testing.assert_frame_equal(one, two)
        pd.testing.assert_frame_equal(one, three)
    table = needs_profile(before, by=()).to_frame().set_index("need")
    areas = {"all": sorted(set(frame["area"]))}  # as the tally counts a person in two of them once
    apart, told = (
        tally(part, every=year, by=by, count="persons").merge_areas(areas).to_frame().set_index(list(by))["value"]
        for part, by in ((after, ("issues", "outcome")), (joint, ("issues",)))
    )
    for need in ("housing", "health"):
        for status in ("met", "unmet", "unknown"):
            assert apart.get((need, status), 0.0) == table.at[need, status]
            assert told.get(f"{need}: {status}", 0.0) == table.at[need, status]


def test_the_sample_town_is_counted_as_by_hand_from_its_file() -> None:
    raw = pd.read_csv(SAMPLE / "contacts.csv", dtype="str")
    columns = json.loads((SAMPLE / "truth.json").read_text())["columns"]["contacts"]
    records = read_records(SAMPLE / "contacts.csv", "contacts", columns=columns, crs="EPSG:27700")
    row = cell(needs_profile(records, by=()).to_frame(), "housing")
    raised = raw[raw["Issues raised"].str.split(";").map(lambda words: "housing" in [w.strip() for w in words])]
    assert row["people"] == raised["Client ID"].nunique()
    when = pd.to_datetime(raised["Contact date"], format="%d/%m/%Y %H:%M")
    known = raised.assign(when=when)[raised["Need met"] != "unknown"].sort_values("when", kind="stable")
    assert row["unmet"] == (known.groupby("Client ID")["Need met"].last() == "unmet").sum()
    assert row["ever_unmet"] == raised.loc[raised["Need met"] == "unmet", "Client ID"].nunique()
