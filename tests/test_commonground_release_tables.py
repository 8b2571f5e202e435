"""Tables are made from protected values and run nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import NotReleasable
from commonground.release.tables import HIDDEN, Table, cell_text, csv_bytes, require_origin


class Published:
    released = True


class Exact:
    pass


def table(frame: pd.DataFrame, **options: object) -> Table:
    return Table("a-table", "A table", frame, Published(), **options)  # type: ignore[arg-type]


def rows(made: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_bytes(made).decode("utf-8"), newline="")))


def test_exact_values_are_refused_and_not_repeated() -> None:
    with pytest.raises(NotReleasable, match=r"only protected values are rendered; call protect\(") as caught:
        Table("a", "A", pd.DataFrame({"n": [73]}), Exact())
    assert "73" not in str(caught.value)


def test_a_flag_set_on_one_object_does_not_make_it_protected() -> None:
    exact = Exact()
    exact.released = True  # type: ignore[attr-defined]
    with pytest.raises(NotReleasable):
        require_origin(exact)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0@"])
def test_text_that_a_spreadsheet_would_run_starts_with_an_apostrophe(start: str) -> None:
    hostile = start + "cmd|' /C calc'!A0"
    written = rows(table(pd.DataFrame({hostile: [hostile]})))
    assert written == [["'" + hostile], ["'" + hostile]]


def test_numbers_stay_numbers_negative_ones_too() -> None:
    frame = pd.DataFrame({"i": [-5, 3], "f": [-0.25, 10.0], "o": pd.Series([-7, "[c]"], dtype=object)})
    assert rows(table(frame))[1:] == [["-5", "-0.25", "-7"], ["3", "10", "[c]"]]


@given(st.lists(st.one_of(st.text(), st.floats(allow_nan=False), st.integers(-(10**9), 10**9)), min_size=1, max_size=6))
def test_no_cell_of_any_table_starts_like_a_formula_unless_it_is_a_number(values: list[object]) -> None:
    for made, value in zip(rows(table(pd.DataFrame({"v": pd.Series(values, dtype=object)})))[1:], values, strict=True):
        cell = made[0] if made else ""
        if isinstance(value, str):
            assert not cell.lstrip(" \u00a0").startswith(tuple("=+-@\t\r"))
        else:
            assert float(cell) == value


def test_missing_cells_are_hidden_and_never_empty() -> None:
    frame = pd.DataFrame(
        {"a": [None, "x"], "b": [np.nan, 1.0], "c": [pd.NaT, pd.Timestamp("2020-01-01")], "d": [pd.NA, 2]}
    )
    assert rows(table(frame))[1:] == [[HIDDEN] * 4, ["x", "1", "2020-01-01", "2"]]


def test_cells_of_every_kind_are_written_one_way() -> None:
    assert cell_text(True) == "yes"
    assert cell_text(date(2020, 1, 31)) == "2020-01-31"
    assert cell_text(pd.Period("2020Q1")) == "2020Q1"
    assert cell_text(pd.Timestamp("2020-01-01 12:30")) == "2020-01-01T12:30:00"
    assert cell_text(float("inf")) == "inf"
    assert cell_text(frozenset({"b", "a"})) == "a; b"
    assert cell_text(np.float64(0.1)) == "0.1"


def test_line_ends_are_those_of_rfc_4180_and_there_is_no_byte_order_mark() -> None:
    assert csv_bytes(table(pd.DataFrame({"a": ["é"]}))) == "a\r\né\r\n".encode()


def test_a_table_does_not_change_with_the_frame_it_was_made_from() -> None:
    frame = pd.DataFrame({"a": [1]}, index=["kept"])
    made = table(frame)
    frame.loc["kept", "a"] = 2
    assert rows(made)[1] == ["1"]
    assert list(frame.index) == ["kept"]


def test_the_repr_shows_no_number() -> None:
    assert "73" not in repr(table(pd.DataFrame({"n": [73]})))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"name": "A Table"}, "small letters, digits and hyphens"),
        ({"frame": pd.DataFrame([[1, 2]], columns=["a", "a"])}, "all different"),
        ({"frame": pd.DataFrame({1: [1]})}, "column names must be text"),
        ({"definitions": {"z": "what"}}, r"columns it does not have \(z\)"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(options: dict[str, object], match: str) -> None:
    given: dict[str, object] = {"name": "a", "title": "A", "frame": pd.DataFrame({"a": [1]}), "origin": Published()}
    with pytest.raises(ValueError, match=match):
        Table(**{**given, **options})  # type: ignore[arg-type]
