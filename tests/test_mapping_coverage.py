from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground import Period, Records, read_records
from commonground.errors import RecordsError
from commonground.sampletown import sample_folder
from mapping.coverage import NO_OWN, NOT_USABLE, ONLY_FLOOR, coverage
from mapping.population import PopulationSize, Range, population_size
from mapping.reached import people_met

KEY = bytes(range(32))
YEAR, NEXT = Period("2023-01-01", "2024-01-01"), Period("2024-01-01", "2025-01-01")
SPANS = pd.DataFrame({"source": ["contacts"], "start": ["2022-01-01"], "end": ["2025-01-01"]})


def contacts(rows: list[tuple[str, str | None, str | None]], **columns: Any) -> Records:
    """Contacts (day, person, outcome) of a source that reported from 2022 to 2024."""
    frame = pd.DataFrame(rows, columns=["start", "person", "outcome"]).assign(area="E1", **columns)
    return read_records(frame, "contacts", key=KEY).with_coverage(SPANS)


ROWS = [
    ("2023-02-01", "p", "met"),
    ("2023-03-01", "p", "unmet"),
    ("2023-03-02", "q", "unknown"),
    ("2023-03-03", "r", "unmet"),
    ("2023-03-04", "s", None),
    ("2023-03-05", None, "met"),
    ("2024-02-01", "p", "unmet"),
    ("2024-02-02", "r", "met"),
    ("2024-02-03", "t", "met"),
    ("2024-02-04", None, "unmet"),
    ("2022-12-31", "u", "met"),
]


def ends(table: pd.DataFrame, group: str = "everyone") -> dict[str, tuple[float, float]]:
    rows = table[table["group"].eq(group)]
    return dict(zip(rows["stage"], zip(rows["low"], rows["high"], strict=True), strict=True))


def test_people_reached_retained_and_helped_are_bounded_by_what_is_not_known() -> None:
    """Worked by hand: p q r s were reached, and perhaps whoever a row does not name.

    p and r came back; the nameless row of 2024 may be q or s, and that of 2023 may be t. p was helped; q, s and the
    nameless row may have been.
    """
    found = people_met(contacts(ROWS), window=YEAR, later=NEXT)
    assert ends(found.table) == {"reached": (4, 5), "retained": (2, 4), "effective": (1, 4)}
    assert "1 of 6 contacts name nobody" in found.summary()
    assert "2 of 6 contacts do not say" in found.summary()


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.sampled_from("abcde"), st.sampled_from(["met", "unmet"]), st.booleans(), st.booleans()
        ),
        min_size=3,
        max_size=14,
    )
)
def test_whatever_the_missing_entries_were_the_truth_lies_between_the_bounds(rows: list[Any]) -> None:
    full = [("2024-05-01" if after else "2023-05-01", who, outcome) for after, who, outcome, _, _ in rows]
    full += [("2023-06-01", "z", "met")]
    known = [
        (day, None if hide else who, None if unsaid else outcome)
        for (day, who, outcome), (*_, hide, unsaid) in zip(full, [*rows, (0, 0, 0, False, False)], strict=True)
    ]
    inside = {who for day, who, _ in full if day < "2024"}
    truth = {
        "reached": len(inside),
        "retained": len(inside & {who for day, who, _ in full if day > "2024"}),
        "effective": len({who for day, who, outcome in full if day < "2024" and outcome == "met"}),
    }
    found = ends(people_met(contacts(known), window=YEAR, later=NEXT).table)
    for stage, people in truth.items():
        assert found[stage][0] <= people <= found[stage][1], stage
        assert found[stage][1] <= found["reached"][1]


def test_a_group_holds_those_known_to_be_in_it_and_may_hold_those_whose_group_is_unknown() -> None:
    groups = ["street", "street", "online", None, "online", None]
    rows = [(f"2023-05-{i + 1:02d}", who, "met") for i, who in enumerate(["p", "q", "q", "r", None, None])]
    frame = pd.DataFrame(rows, columns=["start", "person", "outcome"]).assign(area="E1", group=groups)
    found = people_met(read_records(frame, "contacts", key=KEY).with_coverage(SPANS), window=YEAR, by="group")
    assert ends(found.table)["reached"] == (3, 5)
    assert ends(found.table, "street")["reached"] == (2, 4)  # p and q; perhaps r, and a row with neither name nor group
    assert ends(found.table, "online")["reached"] == (1, 4)
    assert "groups do not add up" in found.summary()


def test_the_sample_town_agrees_with_plain_sets() -> None:
    folder = sample_folder()
    columns = json.loads((folder / "truth.json").read_text("utf-8"))["columns"]["contacts"]
    seen = read_records(folder / "contacts.csv", "contacts", columns=columns, crs=27700, key=KEY)
    raw = pd.read_csv(folder / "contacts.csv", encoding="utf-8-sig", dtype=str)
    year = raw["Contact date"].str[6:10]
    first, after = (set(raw.loc[year.eq(y) & raw["Client ID"].notna(), "Client ID"]) for y in ("2023", "2024"))
    helped = set(raw.loc[year.eq("2023") & raw["Need met"].eq("met") & raw["Client ID"].notna(), "Client ID"])
    found = ends(people_met(seen, window=YEAR, later=NEXT).table)
    assert [low for low, _ in found.values()] == [len(first), len(first & after), len(first & helped)]


def test_rules_that_cannot_be_applied_are_refused_together() -> None:
    with pytest.raises(RecordsError, match="people met cannot be counted") as caught:
        people_met(contacts(ROWS), window=YEAR, later=Period("2023-12-01", "2024-12-01"), by="group")
    assert "must begin after the window ends" in str(caught.value)
    with pytest.raises(RecordsError, match="must be a column of the contacts"):
        people_met(contacts(ROWS), window=YEAR, by="group")
    with pytest.raises(RecordsError, match="`met`: is no outcome"):
        people_met(contacts(ROWS), window=YEAR, met=["helped"])
    with pytest.raises(RecordsError, match=r"contacts, later.*whole window"):
        people_met(contacts(ROWS), window=YEAR, later=Period("2024-06-01", "2025-02-01"))
    reports = read_records(pd.DataFrame({"start": ["2023-05-05"], "person": ["p"], "area": "E1"}), "incidents", key=KEY)
    with pytest.raises(RecordsError, match="holds incidents"):
        people_met(reports, window=YEAR)
    with pytest.raises(RecordsError, match="Records are needed"):
        people_met(pd.DataFrame(ROWS), window=YEAR)  # type: ignore[arg-type]


def test_under_18s_are_never_in_a_numerator() -> None:
    group = ["women"] * 3 + ["under 18"] + ["women"] * 7
    marked = contacts(ROWS, group=group)
    with pytest.raises(RecordsError, match="people under 18"):
        people_met(marked, window=YEAR)
    assert ends(people_met(marked, window=YEAR, later=NEXT, leave_out_under_18=True).table)["retained"] == (1, 3)
    table = pd.DataFrame({"group": ["under-18s"], "stage": ["reached"], "low": [9], "high": [9]})
    with pytest.raises(RecordsError, match="holds a group of under-18s"):
        coverage(table, {"under-18s": (20, 30)})


def test_coverage_divides_the_least_by_the_most_and_the_most_by_the_least() -> None:
    found = coverage({"reached": (120, 130), "retained": 60, "effective": (40, 55)}, (260, 400)).table
    np.testing.assert_allclose(found["low"], [120 / 400, 60 / 400, 40 / 400])
    np.testing.assert_allclose(found["high"], [130 / 260, 60 / 260, 55 / 260])
    assert found["reason"].eq("").all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 300), st.integers(0, 300))
def test_the_true_share_lies_in_the_range_whenever_the_truth_lies_in_the_estimate(
    people: int, unseen: int, below: int, above: int
) -> None:
    truth = people + unseen
    low = max(1, truth - below)
    row = coverage({"reached": people}, (low, truth + above)).table.iloc[0]
    assert row["low"] - 1e-12 <= people / truth <= row["high"] + 1e-12
    assert 0 <= row["low"] <= row["high"] <= 1
    assert (row["reason"] != "") == (people >= low)


def test_a_share_of_all_or_more_is_cut_at_all_and_said() -> None:
    found = coverage({"reached": 120}, (100, 200))
    assert found.table[["low", "high"]].to_numpy().tolist() == [[0.6, 1.0]]
    assert "the share may be all" in found.summary()


def test_a_floor_gives_no_low_end_and_no_estimate_gives_nothing() -> None:
    floor = coverage({"reached": 120}, (300, math.inf)).table.iloc[0]
    assert (floor["low"], floor["high"], floor["reason"]) == (0.0, 0.4, ONLY_FLOOR)
    sparse = pd.DataFrame({"a": [1, 1, 0], "b": [1, 0, 1], "n": [2, 30, 40]})
    estimate = population_size(sparse, draws=200)
    assert estimate.verdict == "do not estimate"
    none = coverage({"reached": 50}, estimate)
    assert none.table[["low", "high"]].isna().all(axis=None)
    assert none.table.at[0, "reason"] == NOT_USABLE
    assert "not known" in none.summary()


@dataclass
class Estimate:
    """What coverage reads of a PopulationSize; a test below holds the two together."""

    verdict: str
    interval: Range
    floor_range: Range
    dependence: pd.Series  # type: ignore[type-arg]


def test_an_estimate_of_lists_is_taken_by_its_verdict() -> None:
    band = pd.Series({0.5: 280.0, 1.0: 360.0, 5.0: 900.0})
    usable = coverage({"reached": 200}, Estimate("usable", Range(320, 400), Range(250, 290), band))
    assert usable.table.loc[0, ["low", "high"]].tolist() == [0.5, 0.625]
    assert "22% to 71% of everyone would be reached" in usable.summary()  # 200/900 and 200/280
    floor = coverage({"reached": 200}, Estimate("floor only", Range(320, 400), Range(250, 290), band))
    assert floor.table.loc[0, ["low", "high"]].tolist() == [0.0, 0.8]
    assert "would be reached" not in floor.summary()
    assert {field.name for field in fields(Estimate)} <= {field.name for field in fields(PopulationSize)}


def test_a_group_without_an_estimate_of_its_own_gets_no_share() -> None:
    table = pd.DataFrame(
        {"group": ["everyone", "street", "online"], "stage": "reached", "low": [120, 90, 30], "high": [120, 90, 30]}
    )
    found = coverage(table, {"everyone": (300, 400), "street": (100, 200)}).table.set_index("group")
    assert found.loc["street", ["low", "high"]].tolist() == [0.45, 0.9]
    assert found.loc[["online"], ["low", "high"]].isna().all(axis=None)
    assert found.at["online", "reason"] == NO_OWN
    whole = coverage(table, (300, 400)).table.set_index("group")
    assert whole.loc[["street", "online"], "low"].isna().all()


def test_shares_of_those_reached_have_wilson_limits_and_small_groups_have_none() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I: 81 of 263 gives .2553 to .3662.
    found = coverage({"reached": 263, "retained": 81}, (300, 400)).shares.iloc[0]
    assert (found["x_low"], found["n"]) == (81, 263)
    assert [found["low"], found["high"]] == pytest.approx([0.2553, 0.3662], abs=5e-5)
    few = coverage({"reached": 9, "retained": 4}, (30, 40)).shares.iloc[0]
    assert (few["x_low"], few["n"]) == (4, 9)
    assert math.isnan(few["low"])


def test_more_people_met_than_there_can_be_is_refused() -> None:
    with pytest.raises(RecordsError, match="`population`: is smaller than the people met"):
        coverage({"reached": 120}, (80, 110))


@pytest.mark.parametrize(
    ("observed", "population", "said"),
    [
        ({"met": 3}, (10, 20), "stages are reached"),
        ({"reached": 2.5}, (10, 20), "whole numbers"),
        ({"reached": (5, 3)}, (10, 20), "low before high"),
        ({"reached": -1}, (10, 20), "whole numbers"),
        ({"reached": None}, (10, 20), "whole numbers"),
        ({"reached": 5, "retained": 6}, (10, 20), "more are retained"),
        ({"reached": 5}, (20, 10), "people above 0 are needed"),
        ({"reached": 5}, (0, 10), "people above 0 are needed"),
        ({"reached": 5}, (math.nan, 10), "people above 0 are needed"),
        ({"reached": 5}, (math.inf, math.inf), "people above 0 are needed"),
        ({"reached": 5}, 400, "people above 0 are needed"),
        ({"reached": 5}, "many", "people above 0 are needed"),
        ({"reached": 5}, {"street": (10, 20)}, "group that was not observed"),
        ({}, (10, 20), "stages and people are needed"),
        ([1, 2], (10, 20), "stages and people are needed"),
    ],
)
def test_what_cannot_be_divided_is_refused(observed: Any, population: Any, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        coverage(observed, population)


def test_no_single_number_and_no_names_are_said() -> None:
    found = people_met(contacts(ROWS), window=YEAR, later=NEXT)
    result = coverage(found, (10, 30))
    assert repr(result) == "Coverage(...; call .summary())"
    assert repr(found) == "PeopleMet(...; call .summary())"
    assert "everyone, reached: 13% to 50% of the people there." in result.summary()
    assert "where the people not reached are" in result.summary()
    assert "Retained: of those, met again, 1 Jan 2024 to 31 Dec 2024" in result.summary()
