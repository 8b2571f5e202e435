"""police.uk archives: every layout, overlap and gap."""

from __future__ import annotations

import csv
import gzip
import os
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from commonground.errors import RecordsError
from commonground.formats import read_police_uk
from commonground.formats.coverage import missing_months

DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).parents[2] / "shared" / "data"))
STREET = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
STREET += "Last outcome category,Context\n"
ASB = ",{month},Fern Police,Fern Police,-2.9,53.4,On or near Elm,E01000001,Fern 1A,Anti-social behaviour,,\n"
CRIME = "{id},{month},Fern Police,Fern Police,-2.9,53.4,On or near Elm,E01000002,Fern 1B,{kind},{outcome},\n"


@pytest.fixture
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the open data is not at {DATA.name}/; set COMMONGROUND_DATA")
    return DATA


def crime(event: str, month: str = "2019-01", kind: str = "Robbery", outcome: str = "Under investigation") -> str:
    return CRIME.format(id=event, month=month, kind=kind, outcome=outcome)


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def archive(folder: Path, *months: str) -> Path:
    for month in months:
        put(
            folder,
            f"{month}/{month}-fern-street.csv",
            STREET + crime(f"id{month}", month) + ASB.format(month=month) * 2,
        )
        put(folder, f"{month}/{month}-fern-outcomes.csv", "Crime ID,Month,Outcome type\nx,2019-01,none\n")
    put(folder, f"{months[0]}/{months[0]}-fern-stop-and-search.csv", "Type,Date\nPerson search,2019-01-01\n")
    return folder


# --- police.uk ------------------------------------------------------------------------------------------------------


def test_folder_zip_list_and_gzip_of_one_archive_give_the_same_records(tmp_path: Path) -> None:
    folder = archive(tmp_path / "download", "2018-12", "2019-01", "2019-03")
    files = sorted(folder.rglob("*-street.csv"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for path in folder.rglob("*.csv"):
            packed.write(path, f"deep/{path.relative_to(folder)}")
        packed.writestr("__MACOSX/deep/._2018-12-fern-street.csv", b"\0\0")
    squeezed = [tmp_path / f"{path.name}.gz" for path in files]
    for path, target in zip(files, squeezed, strict=True):
        target.write_bytes(gzip.compress(path.read_bytes()))
    whole = read_police_uk(folder)
    assert len(whole.frame) == 9
    for other in (tmp_path / "all.zip", files, squeezed, [str(files[0]), *files[1:]]):
        pd.testing.assert_frame_equal(read_police_uk(other).frame, whole.frame)
    assert any("4 outcome or stop-and-search file(s)" in note for note in whole.notes)
    assert "2019-02 is missing: unknown, not zero." in whole.notes
    assert whole.coverage.to_dict("list") == {
        "source": ["police.uk: Fern Police"] * 2,
        "area": whole.coverage["area"].tolist(),
        "start": [pd.Timestamp("2018-12-01"), pd.Timestamp("2019-03-01")],
        "end": [pd.Timestamp("2019-02-01"), pd.Timestamp("2019-04-01")],
    }
    assert whole.coverage["area"].isna().all()


def test_a_row_becomes_a_month_an_area_a_point_and_an_event(tmp_path: Path) -> None:
    records = read_police_uk(put(tmp_path, "a.csv", STREET + crime("abc", "2019-12") + ASB.format(month="2019-12")))
    first = records.frame.iloc[0].to_dict()
    assert first == {
        "start": pd.Timestamp("2019-12-01"), "end": pd.Timestamp("2020-01-01"),
        "area": "E01000002", "x": -2.9, "y": 53.4, "event": "abc", "offence": "Robbery",
        "outcome": "Under investigation", "source": "police.uk: Fern Police", "n": 1.0,
    }  # fmt: skip
    assert pd.isna(records.frame.loc[1, "event"])
    assert (records.kind, records.crs) == ("incidents", "EPSG:4326")
    assert "Open Government Licence" in str(records.published)


def test_rows_without_an_id_or_a_place_are_kept_and_counted(tmp_path: Path) -> None:
    nowhere = "zz,2019-01,Fern Police,Fern Police,,,No Location,,,Robbery,,\n"
    records = read_police_uk(put(tmp_path, "a.csv", STREET + ASB.format(month="2019-01") * 3 + nowhere))
    assert len(records.frame) == 4
    assert records.frame["area"].isna().sum() == records.frame["x"].isna().sum() == 1
    assert "1 row(s) have no location; they are kept and counted, and on no map." in records.notes
    assert any(note.startswith("3 row(s) have no Crime ID") for note in records.notes)


def test_overlapping_files_count_each_crime_once_and_take_the_revised_outcome(tmp_path: Path) -> None:
    one = put(tmp_path, "1.csv", STREET + crime("a") + crime("b") + crime("c", kind="Burglary"))
    two = put(tmp_path, "2.csv", STREET + crime("a") + crime("b", outcome="Offender fined") + crime("c") + crime("d"))
    records = read_police_uk([one, two])
    assert sorted(records.frame["event"]) == ["a", "b", "c", "c", "d"]
    assert records.frame.set_index("event").loc["b", "outcome"] == "Offender fined"
    assert "1 row(s) repeat a Crime ID exactly and were read once." in records.notes
    assert any(note.startswith("1 row(s) were replaced by a later row") for note in records.notes)
    assert any(note.startswith("2 row(s) share a Crime ID but differ") for note in records.notes)


def test_rows_without_an_id_are_counted_once_only_where_files_overlap(tmp_path: Path) -> None:
    asb = ASB.format(month="2019-01")
    one = put(tmp_path, "1.csv", STREET + crime("a") + crime("b") + asb * 2)
    again = put(tmp_path, "2.csv", STREET + crime("a") + crime("b") + asb * 3)
    apart = put(tmp_path, "3.csv", STREET + crime("c") + crime("d") + asb * 3)
    assert read_police_uk([one, again]).frame["event"].isna().sum() == 3
    assert read_police_uk([one, apart]).frame["event"].isna().sum() == 5
    assert len(read_police_uk([one, one]).frame) == 4


def test_every_missing_column_of_every_mangled_file_is_listed(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", STREET.replace("Crime ID", "crime_id").replace("Longitude", "lon") + crime("a"))
    put(tmp_path, "b.csv", STREET.replace("LSOA code", "Area") + crime("b"))
    put(tmp_path, "c.csv", STREET + crime("c"))
    with pytest.raises(RecordsError, match=r"not police\.uk street tables") as caught:
        read_police_uk(tmp_path)
    found = set(zip(caught.value.problems["column"], caught.value.problems["rule"], strict=True))
    missing = {("Crime ID", "a"), ("Longitude", "a"), ("LSOA code", "b")}
    assert found == {(column, f"is missing from {file}.csv") for column, file in missing}


def test_impossible_months_and_places_are_listed_with_their_row(tmp_path: Path) -> None:
    rows = [
        crime("a"),
        crime("b", "Jan-19"),
        crime("c", "2019-13"),
        crime("d", "2999-01"),
        crime("e").replace("-2.9", "x"),
    ]
    rows += [
        crime("f").replace("-2.9,53.4", "53.4,-2.9"),
        crime("g").replace("53.4", ""),
        crime("h").replace("53.4", "10"),
    ]
    with pytest.raises(RecordsError) as caught:
        read_police_uk(put(tmp_path, "a.csv", STREET + "".join(rows)))
    table = caught.value.problems
    rules = dict(zip(table["row"], table["rule"], strict=True))
    assert sorted(rules) == [2, 3, 4, 5, 6, 7, 8]
    for row, words in {
        2: "YYYY-MM",
        3: "YYYY-MM",
        4: "future",
        5: "number",
        6: "swapped",
        7: "alone",
        8: "outside",
    }.items():
        assert words in rules[row]
    with pytest.raises(RecordsError, match="YYYY-MM"):
        read_police_uk(put(tmp_path, "b.csv", STREET + crime("b", "Jan-19")))


def test_a_month_file_without_rows_is_a_gap_and_a_lone_one_is_refused(tmp_path: Path) -> None:
    archive(tmp_path, "2019-01", "2019-03")
    hollow = put(tmp_path, "2019-02/2019-02-fern-street.csv", STREET)
    notes = read_police_uk(tmp_path).notes
    assert "2019-02-fern-street.csv has a header and no rows: its month counts as not reported." in notes
    assert "2019-02 is missing: unknown, not zero." in notes
    with pytest.raises(RecordsError, match="a header and no rows"):
        read_police_uk(hollow)


def test_archives_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    bad = put(tmp_path, "bad.zip", "not a zip")
    cut = tmp_path / "cut.zip"
    with zipfile.ZipFile(cut, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("2019-01-fern-street.csv", STREET + crime("a") * 50)
    content = bytearray(cut.read_bytes())
    content[60:120] = bytes(60)
    cut.write_bytes(bytes(content))
    for source, match in (
        (tmp_path / "empty", "holds no street-crime table"),
        (bad, "damaged or cut-off zip"),
        (cut, "cannot be taken out of the archive"),
        (tmp_path / "no.zip", "does not exist"),
        (tmp_path / "no.csv", "does not exist"),
    ):
        with pytest.raises(RecordsError, match=match):
            read_police_uk(source)


@pytest.mark.real_data
def test_liverpool_has_the_rows_points_and_gap_that_independent_counting_finds(data: Path) -> None:
    rows, points, blank, kinds = 0, set(), 0, Counter()
    for path in (data / "policeuk_liverpool").glob("*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                rows += 1
                points.add((row["Longitude"], row["Latitude"]))
                blank += not row["Crime ID"]
                kinds[row["LSOA code"], row["Month"], row["Crime type"]] += 1
    frame = (records := read_police_uk(data / "policeuk_liverpool")).frame
    assert len(frame) == rows == 211_770  # SOURCES.md
    assert len(frame[["x", "y"]].drop_duplicates()) == len(points) == 5_842  # SOURCES.md
    assert frame["event"].isna().sum() == blank
    months = frame["start"].dt.strftime("%Y-%m")
    assert Counter(zip(frame["area"], months, frame["offence"], strict=True)) == kinds
    assert missing_months(records.coverage) == [("police.uk: Merseyside Police", "2019-07")]
    assert records.frame["n"].sum() == rows
