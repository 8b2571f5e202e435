"""Bad input gets every problem at once, by row and column, and nothing of what the records hold."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import CommonGroundError, RecordsError
from commonground.records import read_records

ROW = {"start": "2023-01-05", "area": "A"}


def problems(source: Any, kind: str = "incidents", **options: Any) -> set[tuple[int | None, str, str]]:
    with pytest.raises(RecordsError) as caught:
        read_records(source, kind, **options)
    table = caught.value.problems
    assert table.columns.tolist() == ["row", "column", "rule", "help"]
    assert table["help"].str.len().gt(5).all()
    rows = [None if pd.isna(row) else int(row) for row in table["row"]]
    return set(zip(rows, table["column"], table["rule"], strict=True))


def frame(**columns: Any) -> pd.DataFrame:
    size = max(len(column) for column in columns.values())
    return pd.DataFrame({name: [value] * size for name, value in ROW.items() if name not in columns} | columns)


def points(x: list[Any], y: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"start": "2023-01-05", "x": x, "y": y})


def test_all_problems_of_a_file_come_in_one_table() -> None:
    table = frame(
        start=["31/02/2023", "2099-01-01", "01/01/1066", "", "2023-03-01"],
        end=[None, None, None, None, "2023-02-01"],
        setting=["outdoor", "street", "street", "street", "street"],
        n=["1", "-2", "1.5", "many", ""],
    )
    no_date = "is not a date that exists"
    assert problems(table) == {
        (1, "start", no_date),
        (2, "start", "lies in the future"),
        (3, "start", "lies before 1900"),
        (4, "start", "must not be empty"),
        (5, "end", "lies before start"),
        (1, "setting", "must be one of street, off-street, online"),
        (2, "n", "must be 0 or more"),
        (3, "n", "must be a whole number"),
        (4, "n", "is not a number"),
        (5, "n", "must not be empty"),  # a hidden count is not a count of one
    }


def test_rows_are_counted_from_one_whatever_the_tables_index() -> None:
    table = frame(start=["2023-01-05", "31/02/2023"])
    for index in (["x", "x"], [70, 3], pd.to_datetime(["2020-01-01", "2020-01-02"])):
        assert problems(table.set_axis(index, axis="index")) == {(2, "start", "is not a date that exists")}


def test_missing_columns_are_all_named_and_how_to_name_one_is_said() -> None:
    found = problems(pd.DataFrame({"Incident date": ["2023-01-05"], "place": ["A"]}))
    assert found == {(None, "start", "is needed"), (None, "area", "or both x and y are needed")}
    with pytest.raises(RecordsError, match=r'columns=\{"start": "\.\.\."\}'):
        read_records(pd.DataFrame({"Incident date": ["2023-01-05"], "area": ["A"]}), "incidents")


def test_a_mapping_to_columns_that_are_not_there_or_not_ours_is_refused() -> None:
    found = problems(frame(start=["2023-01-05"]), columns={"start": "When", "area": "area", "colour": "area"})
    assert found == {
        (None, "start", "is mapped to 'When', which the file does not have"),
        (None, "colour", "is not a column of incidents"),
    }
    assert problems(
        frame(start=["2023-01-05"]), "services", columns={"service": "area", "area": "area", "group_x": "area"}
    ) == {(None, "group_x", "is not a column of services")}


def test_one_name_for_two_columns_is_not_decided_for_the_reader() -> None:
    table = frame(start=["2023-01-05"]).assign(START="2020-01-01")
    assert problems(table) == {(None, "start", "is the name of 2 columns")}


IN_MOST = ", in most rows"


@pytest.mark.parametrize(
    ("x", "y", "crs", "expected"),
    [
        ([53.4, 53.5, 53.6], [-2.9, -2.8, -2.7], 4326, {(None, "x, y", f"look swapped{IN_MOST}")}),
        ([-2.9, -2.8, 53.6], [53.4, 53.5, -2.7], 4326, {(3, "x, y", "look swapped")}),
        ([3.4e5] * 3, [3.9e5] * 3, 4326, {(None, "x, y", f"are not in degrees, as EPSG:4326 is{IN_MOST}")}),
        (
            [-2.9] * 3,
            [53.4] * 3,
            27700,
            {(None, "x, y", f"look like degrees, but the crs EPSG:27700 is in metres{IN_MOST}")},
        ),
        (
            [3.4e5, 3.4e5, 0.1],
            [3.9e5, 3.9e5, 51.5],
            27700,
            {(3, "x, y", "look like degrees, but the crs EPSG:27700 is in metres")},
        ),
        ([3.4e5, 3.4e5, 9e5], [3.9e5] * 3, 27700, {(3, "x, y", "lie outside the extent of EPSG:27700")}),
        ([-2.9, 0.0], [53.4, 0.0], 4326, {(2, "x, y", "are both 0, which is in the sea")}),
        ([-2.9, None], [53.4, 53.4], 4326, {(2, "x", "is missing where y is given")}),
        ([-2.9, -2.9], [53.4, None], 4326, {(2, "y", "is missing where x is given")}),
        (["-2.9", "here"], ["53.4", "53.4"], 4326, {(2, "x", "is not a number")}),
        ([-2.9], [53.4], None, {(None, "crs", "is needed to read x and y")}),
        ([-2.9], [53.4], "EPSG:nonsense", {(None, "crs", "is not a coordinate reference system")}),
    ],
)  # fmt: skip
def test_coordinates_that_cannot_be_what_they_are_said_to_be(
    x: list[Any], y: list[Any], crs: object, expected: set[tuple[int | None, str, str]]
) -> None:
    assert problems(points(x, y), crs=crs) == expected


def test_one_coordinate_without_its_partner_is_refused() -> None:
    table = frame(start=["2023-01-05"]).assign(x=1.0)
    assert problems(table, crs=27700) == {(None, "x", "comes without its partner")}


def test_a_system_that_the_file_contradicts_is_refused_and_both_are_named() -> None:
    layer = gpd.GeoDataFrame({"start": ["2023-01-05"]}, geometry=gpd.points_from_xy([-2.9], [53.4]), crs=4326)
    assert problems(layer, crs=27700) == {(None, "crs", "is EPSG:27700 by the call but EPSG:4326 by the file")}
    assert problems([layer, layer.to_crs(27700)]) == {(None, "crs", "is not the same, or not said, in all files")}


def test_duplicated_ids_are_listed_and_true_repeats_are_not() -> None:
    table = frame(
        start=["2023-01-05", "2023-01-05", "2023-01-06", "2023-01-05", "2023-01-05", "2023-01-07"],
        area=["A", "A", "A", "B", "A", "A"],
        event=["e1", "e1", "e1", "e1", "e2", "e3"],
        person=["p", "p", "p", "p", "p", None],
        n=[1, 1, 1, 1, 1, 2],
    )
    assert problems(table) == {
        (2, "event", "repeats an earlier row"),
        (3, "event", "has the ID of an event with another start"),
        (4, "event", "has the ID of an event with another area"),
        (6, "n", "is not 1 in a row with an event ID"),
    }
    one_event_two_people = frame(event=["e1", "e1"], person=["p", "q"])
    assert len(read_records(one_event_two_people, "incidents")) == 2
    one_session_two_unknown_people = frame(event=["s1", "s1"], person=[None, None])
    assert len(read_records(one_session_two_unknown_people, "contacts")) == 2


def test_a_row_of_several_events_cannot_list_several_issues() -> None:
    found = problems(frame(issues=["housing; health", "housing"], n=[3, 3]), "contacts")
    assert found == {(1, "issues", "lists several in a row that stands for several events")}


CANARIES = {
    "phone": "call 07700 900123",
    "postcode": "near SW1A 1AA",
    "NINO": "AB 12 34 56 C",
    "NHS number": "943 476 5919",
    "e-mail": "a.person@example.org",
    "vehicle mark": "AB12 CDE",
    "coordinates": "51.523417, -0.071234",
}


@pytest.mark.parametrize("kind", CANARIES)
@pytest.mark.parametrize("column", ["outcome", "issues", "group_note", "area"])
def test_a_column_that_carries_identifying_text_is_refused_without_repeating_it(kind: str, column: str) -> None:
    table = frame(start=["2023-01-05"] * 2, area=["A", "A"]).assign(**{column: ["fine", CANARIES[kind]]})
    with pytest.raises(RecordsError, match=f"{column}: carries what looks like a {kind}") as caught:
        read_records(table, "contacts")
    assert CANARIES[kind] not in "".join(traceback.format_exception(caught.value))


def test_prose_and_lists_of_names_are_not_categories() -> None:
    prose = frame(outcome=["she said " * 12, "ok"], issues=["housing; " + "he told her that " * 6, "health"])
    rule = "has entries of over 80 characters: free text is not read"
    assert problems(prose, "contacts") == {(None, "outcome", rule), (None, "issues", rule)}
    names = [f"Name {chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(60)]
    rule = "has nearly as many different entries as rows: names or remarks, not categories"
    assert problems(frame(service=names), "contacts") == {(None, "service", rule)}
    many_issues = frame(issues=["; ".join(f"need {i}" for i in range(15))])
    assert len(read_records(many_issues, "contacts")) == 1
    table_of_counts = frame(offence=names, n=list(range(60)))
    assert len(read_records(table_of_counts, "incidents", published="Office, 2024")) == 60


@pytest.mark.parametrize("word", ["outdoor", "indoor", "car", "sauna", "hotel"])
def test_a_setting_that_could_be_two_is_refused_with_the_list(word: str) -> None:
    assert problems(frame(setting=[word])) == {(1, "setting", "must be one of street, off-street, online")}


@pytest.mark.parametrize(("column", "word"), [("consent", "yes"), ("role", "pimp"), ("role", "victim")])
def test_words_that_are_no_stage_or_role_are_refused(column: str, word: str) -> None:
    ((row, name, rule),) = problems(frame(**{column: [word]}))
    assert (row, name) == (1, column)
    assert rule.startswith("must be one of ")
    assert word not in rule.split()


def test_files_that_hold_no_rows_are_refused_together(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "header.csv").write_text("start,area\n")
    (tmp_path / "mixed.csv").write_bytes("start,area\n2023-01-05,é\n".encode() + "2023-01-05,é\n".encode("latin-1"))
    files = [tmp_path / name for name in ("empty.csv", "header.csv", "mixed.csv", "none.csv")]
    with pytest.raises(RecordsError, match="cannot be read as they are") as caught:
        read_records(files, "contacts")
    found = dict(zip(caught.value.problems["column"], caught.value.problems["rule"], strict=True))
    assert found["empty.csv"] == "is empty"
    assert found["header.csv"] == "has a header and no rows"
    assert found["mixed.csv"].startswith("mixes encodings")
    assert found["none.csv"] == "does not exist"
    assert problems([]) == {(None, "source", "is an empty list")}


def test_a_problem_names_the_row_of_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("start,area\n2023-01-05,A\n31/02/2023,A\n")
    (tmp_path / "two.csv").write_text("start,area\n,\n2023-01-05,A\n2023-13-05,A\n")
    rule = "is not a date that exists"
    found = problems([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert found == {(2, "one.csv: start", rule), (3, "two.csv: start", rule)}
    assert problems(tmp_path / "two.csv") == {(3, "start", rule)}  # the blank line is a row of the file
    (tmp_path / "three.csv").write_text("when,area\n2023-01-05,A\n")
    assert problems([tmp_path / "one.csv", tmp_path / "three.csv"]) == {(None, "three.csv: start", "is needed")}


def test_a_file_of_200_columns_is_read_and_said(tmp_path: Path) -> None:
    wide = pd.DataFrame({**ROW, **{f"c{i}": ["07700 900123"] for i in range(198)}})
    wide.to_csv(tmp_path / "wide.csv", index=False)
    records = read_records(tmp_path / "wide.csv", "contacts")
    assert records.columns == ("start", "area", "source", "n")
    assert "198 column(s) of the file were not asked for and not read." in records.notes


def test_long_lists_of_one_problem_are_cut_and_counted() -> None:
    table = frame(start=["31/02/2023"] * 500)
    with pytest.raises(RecordsError) as caught:
        read_records(table, "contacts")
    assert len(caught.value.problems) == 201
    assert caught.value.problems["help"].iloc[-1] == "So do 300 more rows that are not listed."
    assert str(caught.value).startswith("500 problem(s) in the contacts file; nothing was read.")


def test_a_kind_or_time_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(CommonGroundError, match="not 'clients'"):
        read_records(frame(start=["2023-01-05"]), "clients")
    with pytest.raises(CommonGroundError, match="no time zone 'Europe/Londinium'"):
        read_records(frame(start=["2023-01-05"]), "contacts", timezone="Europe/Londinium")


SECRET = "Zq9SECRETvalue"


@settings(max_examples=40, deadline=None)
@given(
    column=st.sampled_from(["start", "end", "x", "y", "setting", "n", "consent", "role", "person", "event", "issues"]),
    secret=st.sampled_from([SECRET, f"{SECRET}\n" * 9, f"{SECRET};{SECRET}", f"call 07700 900123 {SECRET}"]),
)
def test_no_message_cause_or_context_holds_a_value(column: str, secret: str) -> None:
    table = frame(start=["2023-01-05", "31/02/2023"], x=["-2.9", "53.4"], y=["53.4", "-2.9"]).assign(
        **{column: [secret, "31/02/2023"]}
    )
    with pytest.raises(RecordsError) as caught:
        read_records(table, "incidents", crs=4326)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error)
        error = error.__cause__ or error.__context__
    assert SECRET not in caught.value.problems.to_string()
