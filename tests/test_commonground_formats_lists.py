"""Published counts and lists: Metropolitan Police borough tables, NHS lists, and the months they cover."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from commonground.errors import RecordsError
from commonground.formats import read_mps_boroughs, read_nhs_clinics, read_nhs_pharmacies
from commonground.formats.coverage import missing_months, no_spans, spans_of_months

DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the open data is not at {DATA.name}/; set COMMONGROUND_DATA")
    return DATA


def put(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


# --- Metropolitan Police --------------------------------------------------------------------------------------------

LONG = "Making, Supplying or Possessing Articles for use in Fraud"
OLD = "MajorText,MinorText,LookUp_BoroughName,201301,201302\nM,Rape,Ash ,2,0\nM,Rape,Elm,0,1\n"


def test_a_wide_table_becomes_counts_and_absent_rows_stay_covered(tmp_path: Path) -> None:
    table = put(tmp_path, "a.csv", OLD + "M,Soliciting,Elm,0,5\n")
    records = read_mps_boroughs(table, offences=["Soliciting"])
    assert records.frame[["area", "offence", "n"]].to_numpy().tolist() == [["Elm", "Soliciting", 5.0]]
    assert records.frame["end"].tolist() == [pd.Timestamp("2013-03-01")]
    assert records.coverage["area"].tolist() == ["Ash", "Elm"]
    assert records.coverage["start"].tolist() == [pd.Timestamp("2013-01-01")] * 2
    assert records.coverage["end"].tolist() == [pd.Timestamp("2013-03-01")] * 2
    assert read_mps_boroughs(table, boroughs=["Ash"]).frame["n"].tolist() == [2.0]
    assert read_mps_boroughs(table, boroughs=["Ash"]).coverage["area"].tolist() == ["Ash"]


def test_both_header_styles_and_names_cut_at_50_characters_are_one_offence(tmp_path: Path) -> None:
    old = put(tmp_path, "old.csv", OLD + f'M,"{LONG[:50]}",Ash,1,1\n')
    new = put(tmp_path, "new.csv", f'Major Category,Minor Category,Borough,2013-03\nM,"{LONG}",Ash,7\nM,Rape,Elm,1\n')
    for order in ([old, new], [new, old]):
        records = read_mps_boroughs(order, offences=[LONG])
        assert records.frame["offence"].tolist() == [LONG] * 3
        assert records.frame["n"].tolist() == [1, 1, 7]
    assert read_mps_boroughs(old, offences=[LONG]).frame["n"].sum() == 2


def test_in_overlapping_months_the_later_file_wins_and_revised_cells_are_counted(tmp_path: Path) -> None:
    old = put(tmp_path, "old.csv", OLD + "M,Robbery,Ash,0,4\n")
    new = put(tmp_path, "new.csv", "MajorText,MinorText,BoroughName,201302,201304\nM,Rape,Ash,3,0\nM,Rape,Elm,1,1\n")
    for order in ([old, new], [new, old]):
        records = read_mps_boroughs(order)
        rows = records.frame[["start", "area", "offence", "n"]].assign(start=records.frame["start"].dt.month)
        assert rows.to_numpy().tolist() == [
            [1, "Ash", "Rape", 2], [2, "Ash", "Rape", 3], [2, "Elm", "Rape", 1], [4, "Elm", "Rape", 1],
        ]  # fmt: skip
        # Ash in February: rape 0 became 3, robbery 4 became none
        assert "1 month(s) stand in more than one file; the later file was taken and 2 cell(s) differ." in records.notes
        assert "2013-03 is missing: unknown, not zero." in records.notes


def test_borough_tables_that_do_not_fit_are_refused_with_all_problems(tmp_path: Path) -> None:
    rows = "M,Rape,Ash,1.5,2\nM,Rape,Elm,-1,2\nM,Rape,Oak,,2\nM,Rape,Fir,1,2\nM,Rape,Fir,1,2\n,,Yew,1,2\n"
    one = put(tmp_path, "one.csv", OLD.split("\n")[0] + "\n" + rows)
    two = put(tmp_path, "two.csv", "Ward,Offence\nx,y\n")
    with pytest.raises(RecordsError) as caught:
        read_mps_boroughs([one, two])
    table = caught.value.problems
    assert table[table["column"] == "one.csv"]["row"].tolist() == [1, 2, 3, 6, 5]
    assert len(table[table["column"] == "two.csv"]) == 3
    with pytest.raises(RecordsError, match="'Arson' was asked for and is in no file") as caught:
        read_mps_boroughs(put(tmp_path, "a.csv", OLD), offences=["Rape", "Arson"], boroughs=["Ashe"])
    assert caught.value.problems["column"].tolist() == ["offences", "boroughs"]


@pytest.mark.real_data
def test_redbridge_and_waltham_forest_soliciting_are_the_published_counts(data: Path) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    total = 0
    for path in (data / "mps_borough").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                months = {key: int(cell) for key, cell in row.items() if re.fullmatch(r"\d{6}", key)}
                total += sum(months.values())
                if row["MinorText"] == "Soliciting for Prostitution":
                    borough = row["LookUp_BoroughName"]
                    counted[borough, "before"] += sum(n for m, n in months.items() if "201210" <= m < "201310")
                    counted[borough, "after"] += sum(n for m, n in months.items() if "201310" <= m < "201410")
    files = list((data / "mps_borough").glob("*.csv"))
    assert read_mps_boroughs(files).frame["n"].sum() == total
    records = read_mps_boroughs(files, offences=["Soliciting for Prostitution"])
    for borough, before, after in (("Redbridge", 16, 39), ("Waltham Forest", 0, 66)):  # SOURCES.md and the issue
        monthly = records.frame[records.frame["area"] == borough].set_index("start")["n"]
        assert monthly["2012-10":"2013-09"].sum() == counted[borough, "before"] == before
        assert monthly["2013-10":"2014-09"].sum() == counted[borough, "after"] == after
    assert len(records.coverage) == 33  # boroughs without the City, with Heathrow; one span each
    assert set(records.coverage["start"]) == {pd.Timestamp("2010-04-01")}
    assert set(records.coverage["end"]) == {pd.Timestamp("2024-02-01")}


# --- NHS ------------------------------------------------------------------------------------------------------------

CLINICS = "OrganisationID¬OrganisationName¬Postcode¬Latitude¬Longitude¬Phone¬Email\r\n"


def test_clinics_keep_name_and_point_and_nothing_that_reaches_anyone(tmp_path: Path) -> None:
    rows = "1¬Café Clinic¬AB1 2CD¬53.4¬-2.9¬0123 456¬a@b.example\r\n1¬Café Clinic¬AB1 2CD¬53.4¬-2.9¬0123 789¬\r\n"
    rows += "1¬Other name¬¬53.4¬-2.9¬¬\r\n2¬Nowhere¬¬¬¬¬\r\n"
    records = read_nhs_clinics(put(tmp_path, "clinics.csv", CLINICS + rows, "latin-1"))
    assert list(records.frame.columns) == ["service", "name", "x", "y", "source"]
    assert records.frame["name"].tolist() == ["Café Clinic", "Other name", "Nowhere"]
    assert records.frame.iloc[0][["service", "x", "y"]].tolist() == ["clinic", -2.9, 53.4]
    pd.testing.assert_frame_equal(records.coverage, no_spans())
    for words in (
        "1 row(s) repeat an ID, name and place",
        "1 row(s) repeat an ID under",
        "1 clinic row(s) have no coord",
    ):
        assert any(words in note for note in records.notes)


def test_pharmacies_are_read_without_a_header(tmp_path: Path) -> None:
    row = 'P1,"Elm, Chemist",,1 Elm St,,Fern,AB1 2CD,0123 456,53.4,-2.9\n'
    records = read_nhs_pharmacies(put(tmp_path, "p.csv", row))
    assert records.frame[["service", "name", "x", "y"]].to_numpy().tolist() == [
        ["pharmacy", "Elm, Chemist", -2.9, 53.4]
    ]
    with pytest.raises(RecordsError, match="has 3 columns; the pharmacy list has 10 and no header") as caught:
        read_nhs_pharmacies(put(tmp_path, "q.csv", "secret,b,c\n"))
    assert "secret" not in str(caught.value)
    with pytest.raises(RecordsError, match="swapped"):
        read_nhs_pharmacies(put(tmp_path, "r.csv", row.replace("53.4,-2.9", "-2.9,53.4")))


@pytest.mark.real_data
def test_nhs_lists_have_the_clinics_and_pharmacies_that_splitting_finds(data: Path) -> None:
    lines = (data / "services" / "nhs_clinics_2014.csv").read_bytes().decode("latin-1").splitlines()[1:]
    clinics = read_nhs_clinics(data / "services" / "nhs_clinics_2014.csv")
    assert len(lines) == 5_462  # SOURCES.md
    assert len(clinics.frame) == len({line.split("\xac")[0] for line in lines})
    with (data / "services" / "nhs_pharmacy_2020.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    pharmacies = read_nhs_pharmacies(data / "services" / "nhs_pharmacy_2020.csv").frame
    assert len(pharmacies) == len(rows) == 11_206  # SOURCES.md
    assert pharmacies["x"].isna().sum() == sum(not row[8] for row in rows)
    assert pharmacies["y"].sum() == pytest.approx(sum(float(row[8] or 0) for row in rows))


def test_spans_join_months_in_any_order_and_keep_areas_apart() -> None:
    months = pd.DataFrame(
        {
            "source": ["b", "a", "a", "a", "a"],
            "area": ["E", None, None, None, None],
            "start": pd.to_datetime(["2020-05-01", "2020-01-01", "2019-12-01", "2020-03-01", "2020-01-01"]),
        }
    )
    spans = spans_of_months(months)
    assert spans["start"].dt.strftime("%Y-%m").tolist() == ["2019-12", "2020-03", "2020-05"]
    assert spans["end"].dt.strftime("%Y-%m").tolist() == ["2020-02", "2020-04", "2020-06"]
    assert missing_months(spans) == [("a", "2020-02")]
