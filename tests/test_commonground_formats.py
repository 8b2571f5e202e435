"""Tables from partners: every kind of file, and every kind of dirt."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import RecordsError
from commonground.formats import read_table
from commonground.formats.text import read_text

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


# --- text -----------------------------------------------------------------------------------------------------------


def test_text_stays_text_with_leading_zeros_and_empty_is_missing(tmp_path: Path) -> None:
    frame = read_table(put(tmp_path, "a.csv", 'id,n,note\r\n007,1e5,""\r\n,NA,"two\nlines, one cell"\r\n')).frame
    assert (frame.dtypes == "str").all()
    assert frame["id"].tolist()[0] == "007"
    assert frame.isna().to_numpy().tolist() == [[False, False, True], [True, False, False]]
    assert frame.loc[1, ["n", "note"]].tolist() == ["NA", "two\nlines, one cell"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "\xac"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separator_and_encoding_are_found(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [
        ["name", "when", "size"],
        ["Café Zoë", "01/02/2020", "1.5"],
        ["Łódź" if encoding != "cp1252" else "Ö", "", "2"],
    ]
    path = put(tmp_path, "a.csv", "\n".join(separator.join(row) for row in rows).encode(encoding))
    table = read_table(path)
    assert list(table.frame.columns) == rows[0]
    assert table.frame.fillna("").to_numpy().tolist() == rows[1:]
    assert table.notes == (("a.csv is not UTF-8; it was read as Windows-1252.",) if encoding == "cp1252" else ())


def test_bytes_that_windows_1252_does_not_have_are_read_as_latin_1(tmp_path: Path) -> None:
    table = read_table(put(tmp_path, "a.csv", b"a,b\nx\x81y,\xe9\n"))
    assert table.frame["b"].tolist() == ["é"]
    assert table.notes == ("a.csv is not UTF-8; it was read as Latin-1.",)


def test_decimal_commas_do_not_beat_the_semicolon(tmp_path: Path) -> None:
    frame = read_table(put(tmp_path, "a.csv", "x;y;z\n1,5;2,5;3,5\n4,5;5,5;6,5\n")).frame
    assert frame["y"].tolist() == ["2,5", "5,5"]


def test_gzip_tsv_and_upper_case_endings_are_read(tmp_path: Path) -> None:
    assert read_table(put(tmp_path, "a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0))).frame.shape == (1, 2)
    assert read_table(put(tmp_path, "A.TSV", "a\tb\n1\t2\n")).frame.shape == (1, 2)


def test_a_title_block_above_a_csv_table_is_skipped_and_said(tmp_path: Path) -> None:
    table = read_table(
        put(tmp_path, "a.csv", "Quarterly return,,\n\n,,\nid,date,area\n1,2020-01-02,A\n2,2020-01-03,\n")
    )
    assert list(table.frame.columns) == ["id", "date", "area"]
    assert table.frame["date"].tolist() == ["2020-01-02", "2020-01-03"]
    assert any("title block" in note for note in table.notes)


def test_the_nameless_row_number_that_pandas_writes_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"p": ["u", "v"]}).to_csv(path)
    table = read_table(path)
    assert table.frame["p"].tolist() == ["u", "v"]
    assert table.notes == ("a.csv: 1 column(s) without a name were left out.",)


def test_empty_rows_are_left_out_and_the_others_keep_their_row_number(tmp_path: Path) -> None:
    frame = read_table(put(tmp_path, "a.csv", "a,b\n1,2\n,\n3,4\n,\n")).frame
    assert frame.index.tolist() == [0, 2]


def test_only_the_wanted_columns_are_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", f"a,secret,b\n1,{SECRET},2\n")
    assert read_table(path, columns=["b", "a"]).frame.to_dict("list") == {"b": ["2"], "a": ["1"]}
    refused(path, r"street: is missing from a\.csv", columns=["a", "street"])


def test_200_columns_are_read_and_501_are_refused(tmp_path: Path) -> None:
    def wide(columns: int) -> str:
        return f"{','.join(f'c{n}' for n in range(columns))}\n{','.join('1' * columns)}\n"

    table = read_table(put(tmp_path, "wide.csv", wide(200)))
    assert table.frame.shape == (1, 200)
    assert table.notes == ("wide.csv has 200 columns.",)
    refused(put(tmp_path, "b.csv", wide(501)), "has 501 columns; 500 is the most")


def test_a_large_file_is_read_past_the_sample_and_the_block(tmp_path: Path) -> None:
    cell = "line\n" * 40  # nearly every cut between blocks falls inside a quoted cell
    lines = "".join(f'{n},"{cell}"\n' for n in range(50_000))
    frame = read_table(put(tmp_path, "a.csv", "id,text\n" + lines)).frame
    assert frame["id"].tolist() == [str(n) for n in range(50_000)]
    assert (frame["text"] == cell).all()


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\x1e\x1f"), min_size=1, max_size=8)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_what_the_csv_module_writes_comes_back_as_it_was(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("first", "second"), *rows])
    frame, _ = read_text(file.getvalue().encode(), "a.csv")
    assert list(frame.itertuples(index=False, name=None)) == rows


# --- files that cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"", "is empty"),
        ("a.xlsx", b"", "is empty"),
        ("a.csv", b"\xef\xbb\xbf \n\n", "is empty"),
        ("a.csv", b"id,date\n", "has a header and no rows"),
        ("a.csv", b"id,date\n,\n,\n", "has a header and no rows"),
        ("a.csv", f"id,place,id\n1,{SECRET},3\n".encode(), "duplicate column name at columns 1 and 3"),
        ("a.csv", f"{SECRET},{SECRET}\n1,2\n".encode(), "duplicate column name at columns 1 and 2"),
        ("a.doc", SECRET.encode(), "is not a kind of file that is read here. Save it as one of: csv, csv.gz"),
        ("a.csv", f'a,b\n1,2\n3,"{SECRET}\n4,5\n'.encode(), "a quotation mark that is opened and never closed"),
        ("a.csv", f"a,b\n{SECRET}\n".encode("utf-16-le"), "zero bytes"),
        ("a.csv.gz", gzip.compress(SECRET.encode() * 99, mtime=0)[:30], "damaged or cut-off gzip"),
        ("a.csv.gz", b"a,b\n1,2\n", "is not a gzip file"),
        ("a.xlsx", b"PK\x03\x04" + SECRET.encode(), "damaged, cut off, or not a workbook"),
        ("a.ods", SECRET.encode(), "damaged, cut off, or not a workbook"),
        ("a.parquet", b"PAR1" + SECRET.encode(), "damaged or not a parquet file"),
        ("a.gpkg", b"SQLite format 3\0" + SECRET.encode(), "damaged or not what its name says"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[{"a":"' + SECRET.encode(), "damaged"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_never_what_it_holds(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    refused(put(tmp_path, name, content), match)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for name in ("no.csv", "no.xlsx", "no.parquet", "no.gpkg"):
        refused(tmp_path / name, "does not exist")
    refused(tmp_path, "is a folder")


def test_a_truncated_workbook_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, Data=[["id", "name"], [1, SECRET]])
    path.write_bytes(path.read_bytes()[:2000])
    refused(path, "damaged, cut off, or not a workbook")


def test_every_row_of_the_wrong_width_is_listed(tmp_path: Path) -> None:
    error = refused(put(tmp_path, "a.csv", f"t,,\na,b,c\n1,2,3\n1,2,3,{SECRET}\n1,2,3\n1,2\n1,2,3\n"), "2 row")
    assert error.problems["row"].tolist() == [2, 4]
    many = refused(put(tmp_path, "b.csv", "a,b\n" + "1,2\n" * 300 + "1\n" * 150), "150 row")
    assert len(many.problems) == 101
    assert many.problems["help"].iloc[-1] == "So do 50 more row(s) that are not listed."


def test_mixed_encodings_in_one_file_are_one_problem_that_names_the_first_odd_row(tmp_path: Path) -> None:
    lines = ["id,name", "1,plain", "2,Café", "3,Zoë", "4,Chloé"]
    content = b"\n".join(line.encode("cp1252" if line.startswith("3") else "utf-8") for line in lines)
    error = refused(put(tmp_path, "a.csv", content), r"mixes encodings: 2 line\(s\) are UTF-8 and 1")
    assert error.problems["row"].tolist() == [3]


# --- in memory, parquet, layers -------------------------------------------------------------------------------------


def test_a_dataframe_comes_back_with_its_index_and_is_not_changed() -> None:
    frame = pd.DataFrame({" a ": [1, 2], "b": ["x", None]}, index=[5, 9])
    before = frame.copy()
    table = read_table(frame, columns=["a"])
    assert table.frame.index.tolist() == [5, 9]
    assert list(table.frame.columns) == ["a"]
    pd.testing.assert_frame_equal(frame, before)
    assert "1" not in repr(table)
    refused(pd.DataFrame({"a": []}), "has a header and no rows")
    refused(pd.DataFrame([[1, 2]], columns=["a", "a"]), "duplicate column name at columns 1 and 2")


def test_parquet_keeps_its_kinds_and_reads_only_what_is_asked(tmp_path: Path) -> None:
    frame = pd.DataFrame({"ref": ["007"], "date": pd.to_datetime(["2020-02-01"]), "n": [3]})
    frame.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet").frame, frame)
    assert list(read_table(tmp_path / "a.parquet", columns=["n"]).frame.columns) == ["n"]
    refused(tmp_path / "a.parquet", "is missing from", columns=["m"])


def test_points_become_x_and_y_with_their_reference_system(tmp_path: Path) -> None:
    points = [shapely.Point(530000, 180000), None, shapely.Point(531000, 181000)]
    layer = gpd.GeoDataFrame({"ref": ["a", "b", "c"], "x": [0, 0, 0]}, geometry=points, crs="EPSG:27700")
    layer.to_file(tmp_path / "a.gpkg", layer="contacts")
    layer.iloc[:1].to_file(tmp_path / "a.gpkg", layer="few")
    layer.to_crs("EPSG:4326").to_file(tmp_path / "a.geojson")
    for table in (read_table(layer), read_table(tmp_path / "a.gpkg")):
        assert table.crs == "EPSG:27700"
        assert table.frame["x"].dropna().tolist() == [530000, 531000]
        assert table.frame["y"].isna().tolist() == [False, True, False]
        assert any("1 row(s) have no point" in note for note in table.notes)
        assert any("called x or y" in note for note in table.notes)
    assert any("2 layers; number 1" in note for note in read_table(tmp_path / "a.gpkg").notes)
    assert len(read_table(tmp_path / "a.gpkg", sheet="few").frame) == 1
    assert list(read_table(tmp_path / "a.gpkg", columns=["ref"]).frame.columns) == ["ref", "x", "y"]
    assert read_table(tmp_path / "a.geojson").crs == "EPSG:4326"
    refused(tmp_path / "a.gpkg", "does not have the layer", sheet="other")
    refused(gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=27700), "not single points")


@pytest.mark.parametrize("first", ["commonground.records", "commonground.formats"])
def test_formats_and_records_may_be_imported_in_any_order(first: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {first}, commonground.records, commonground.formats"], check=True)
