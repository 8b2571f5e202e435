"""Workbooks open anywhere, run nothing and are the same every time."""

from __future__ import annotations

import io
import re
import time
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import python_calamine

from commonground.release.tables import Table
from commonground.release.workbook import workbook_bytes

HOSTILE = ['=HYPERLINK("http://127.0.0.1","x")', "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "#N/A", "#REF!", "=1", "a\x00b"]


class Published:
    released = True


def table(name: str = "people", columns: dict[str, object] | None = None) -> Table:
    frame = pd.DataFrame(columns or {"block": ["North", "South"], "people": [10.0, np.nan]})
    return Table(name, "People by block", frame, Published(), ("A note.",), {str(frame.columns[0]): "Which block"})


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode("utf-8") for name in archive.namelist()}


def opened(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


@pytest.fixture(scope="module")
def hostile() -> bytes:
    made = table(columns={"=1+1": HOSTILE, "n": range(len(HOSTILE))})
    return workbook_bytes([made], title="=1+1", notes=HOSTILE, about=dict.fromkeys(HOSTILE, "=2+2"))


def test_no_cell_is_a_formula_whatever_the_data_say(hostile: bytes) -> None:
    for sheet in opened(hostile):
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    for name, xml in parts(hostile).items():
        assert not re.search(r"<f[ >]|t=\"e\"|<definedName[ >]|fullCalcOnLoad=\"1|<externalReference", xml), name


def test_text_that_looks_like_a_formula_is_read_back_as_text(hostile: bytes) -> None:
    sheet = opened(hostile)["people"]
    found = [row[0].value for row in sheet.iter_rows(min_row=6)]
    assert found == [
        '=HYPERLINK("http://127.0.0.1","x")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        " =1+1",
        "#N/A",
        "#REF!",
        "=1",
        "a\ufffdb",
    ]
    assert [row[0].quotePrefix for row in sheet.iter_rows(min_row=6)] == [True] * 5 + [False] * 2 + [True, False]


def test_links_lead_only_to_sheets_of_the_workbook(hostile: bytes) -> None:
    everything = parts(hostile)
    assert not any('TargetMode="External"' in xml for xml in everything.values())
    contents = opened(hostile)["Contents"]
    assert [contents.cell(row, 1).hyperlink.location for row in (5, 6)] == ["'Notes'!A1", "'people'!A1"]


def test_cover_contents_and_notes_come_first_then_one_table_a_sheet() -> None:
    book = opened(workbook_bytes([table("one"), table("two")], title="Title", about={"Data as of": "2020"}))
    assert book.sheetnames == ["Cover", "Contents", "Notes", "one", "two"]
    assert book["Cover"]["A1"].value == "Title"
    assert [cell.value for cell in book["Cover"][3]] == ["Data as of", "2020"]
    assert all(sheet.sheet_state == "visible" for sheet in book)


def test_every_sheet_of_data_holds_one_marked_up_table_and_no_merged_cell() -> None:
    book = opened(workbook_bytes([table("one"), table("two")], title="Title"))
    names = [name for sheet in book for name in sheet.tables]
    assert len(names) == len(set(names))
    for sheet in book:
        assert not sheet.merged_cells.ranges
    for name in ("one", "two"):
        (marked,) = book[name].tables.values()
        assert marked.ref == "A5:B7"
        assert [cell.value for cell in book[name][5]] == ["block", "people"]


def test_hidden_values_are_written_as_shorthand_and_explained() -> None:
    book = opened(workbook_bytes([table()], title="Title"))
    assert book["people"]["B7"].value == "[c]"
    assert book["people"]["B6"].value == 10
    assert "[c] means confidential" in book["people"]["A2"].value
    assert any(cell.value == "[c]" for row in book["Notes"].iter_rows() for cell in row)


def test_definitions_are_in_the_notes() -> None:
    values = [[cell.value for cell in row] for row in opened(workbook_bytes([table()], title="T"))["Notes"].iter_rows()]
    assert ["people", "block", "Which block"] in values


def test_the_same_tables_give_the_same_bytes_later() -> None:
    first = workbook_bytes([table()], title="Title")
    time.sleep(2.1)  # zip keeps times to two seconds
    assert workbook_bytes([table()], title="Title") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_properties_name_no_machine_user_or_moment() -> None:
    core = parts(workbook_bytes([table()], title="Title"))["docProps/core.xml"]
    assert set(re.findall(r"\d{4}-\d\d-\d\dT", core)) == {"1980-01-01T"}
    assert "lastModifiedBy" not in core


def test_another_reader_sees_the_same_values() -> None:
    read = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(workbook_bytes([table()], title="Title")))
    assert read.get_sheet_by_name("people").to_python()[4:] == [["block", "people"], ["North", 10], ["South", "[c]"]]


def test_a_table_without_rows_is_still_a_table() -> None:
    book = opened(workbook_bytes([table(columns={"a": [], "b": []})], title="Title"))
    assert book["people"]["A6"].value == "No rows"


@pytest.mark.parametrize(
    ("tables", "match"),
    [
        ([], "at least one table"),
        ([table(), table()], "same name"),
        ([table("notes")], "called cover, contents or notes"),
    ],
)
def test_a_workbook_that_cannot_be_made_is_refused(tables: list[Table], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        workbook_bytes(tables, title="Title")


def test_nothing_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workbook_bytes([table()], title="Title")
    assert not list(tmp_path.iterdir())
