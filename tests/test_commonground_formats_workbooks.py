"""Workbooks from partners: title blocks, several sheets, dates and formulas."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from commonground.errors import RecordsError
from commonground.formats import read_table
from commonground.formats.headers import find_header

SECRET = "Zq9 canary"  # stands in a cell; no message may repeat it


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(source: object, match: str, **options: object) -> RecordsError:
    with pytest.raises(RecordsError, match=match) as caught:
        read_table(source, **options)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.problems["help"].str.len().gt(0).all()
    return caught.value


def book(folder: Path, name: str = "book.xlsx", **sheets: list[list[object]]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.save(folder / name)
    return folder / name


# --- workbooks ------------------------------------------------------------------------------------------------------


def test_a_workbook_with_a_title_block_blank_columns_and_several_sheets(tmp_path: Path) -> None:
    path = book(
        tmp_path,
        Notes=[["Prepared by the partnership"]],
        Data=[
            ["Contacts, second quarter", None, None, None, None],
            ["Period:", "Q2", None, None, None],
            [],
            [None, "ref", "date", None, "visits", "who", "site"],
            [None, "007", dt.date(2020, 2, 1), None, 3, "A", None],
            [None, "12", dt.datetime(2020, 2, 3, 4, 5), None, 4, 12, None],
            [],
            [None, "13", None, None, None, "B", "north"],
        ],
    )
    workbook = openpyxl.load_workbook(path)
    workbook["Data"].merge_cells("A1:E1")
    workbook.save(path)
    table = read_table(path)
    assert list(table.frame.columns) == ["ref", "date", "visits", "who", "site"]
    assert table.frame.index.tolist() == [0, 1, 3]
    assert table.frame["ref"].tolist() == ["007", "12", "13"]
    assert table.frame["date"].tolist()[:2] == [pd.Timestamp(2020, 2, 1), pd.Timestamp(2020, 2, 3, 4, 5)]
    assert table.frame["date"].isna().tolist() == [False, False, True]
    assert table.frame["visits"].dropna().tolist() == [3, 4]
    assert table.frame["who"].tolist() == ["A", "12", "B"]
    assert any("2 sheets; number 2, the one with most cells" in note for note in table.notes)
    assert any("3 row(s) above the table" in note for note in table.notes)
    assert len(read_table(path, sheet="Data", columns=["who"]).frame) == 3
    refused(path, "does not have the sheet", sheet="Other")
    refused(path, "has a header and no rows", sheet="Notes")


def test_dates_beside_wrong_dates_stay_readable_text(tmp_path: Path) -> None:
    path = book(tmp_path, Data=[["date"], [dt.date(2020, 2, 1)], ["31/02/2020"], [dt.datetime(2020, 3, 1, 9, 30)]])
    assert read_table(path).frame["date"].tolist() == ["2020-02-01", "31/02/2020", "2020-03-01 09:30:00"]


def test_a_formula_is_never_evaluated(tmp_path: Path) -> None:
    path = book(tmp_path, Data=[["id", "sum"], ["a", "=1+1"], ["b", "=2+2"]])
    assert read_table(path).frame["sum"].isna().all()  # openpyxl stores no last value, and nothing here computes one


def test_hidden_sheets_are_read_only_when_they_are_named(tmp_path: Path) -> None:
    path = book(tmp_path, Seen=[["a"], [1]], Kept=[["b", "c"], [1, 2], [3, 4]])
    workbook = openpyxl.load_workbook(path)
    workbook["Kept"].sheet_state = "hidden"
    workbook.save(path)
    assert list(read_table(path).frame.columns) == ["a"]
    assert list(read_table(path, sheet="Kept").frame.columns) == ["b", "c"]


def test_an_ods_workbook_is_read_like_an_xlsx_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ref": ["007", "12"], "date": pd.to_datetime(["2020-02-01", "2020-02-03"]), "n": [3, 4]})
    frame.to_excel(tmp_path / "a.ods", index=False, engine="odf")
    frame.to_excel(tmp_path / "a.xlsx", index=False, engine="openpyxl")
    ods, xlsx = read_table(tmp_path / "a.ods").frame, read_table(tmp_path / "a.xlsx").frame
    pd.testing.assert_frame_equal(ods, xlsx)
    pd.testing.assert_frame_equal(ods, frame, check_dtype=False)


def test_the_header_is_found_above_gappy_rows_and_beside_a_nameless_index() -> None:
    assert find_header([["T", ""], ["", ""], ["a", "b"], ["1", "2"]]) == 2
    assert find_header([["a", "b", "c"], ["1", "", ""], ["", "2", ""]]) == 0
    assert find_header([["", "a", "b"], ["0", "1", "2"], ["1", "3", "4"]]) == 0
    assert find_header([["Contact", "Name", ""], ["", "", ""], ["a", "b", "c"], ["1", "2", "3"]]) == 2
    assert find_header([[]]) == 0
