"""A study begins with column names and questions, never with anything of a record."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import CommonGroundError, RecordsError
from commonground.guesses import guess_area_columns, guess_columns, guess_format
from commonground.newstudy import _quoted, start_study
from commonground.sampletown import sample_folder
from commonground.studycheck import check_study

SAMPLE = sample_folder()
KINDS = {"contacts": "contacts", "incidents_scheme": "incidents", "incidents_police": "incidents", "arrests": "arrests",
         "services": "services"}  # fmt: skip
FILES: Mapping[str, Path | None] = {
    "contacts": SAMPLE / "contacts.csv",
    "incidents": SAMPLE / "incidents_scheme.csv",
    "arrests": None,
    "services": SAMPLE / "services.csv",
}


def header(name: str) -> list[str]:
    lines = (SAMPLE / f"{name}.csv").read_bytes().decode("latin-1").splitlines()
    return lines[0].removeprefix("ï»¿").split(",")


def decided(text: str) -> str:
    """Fill in what is marked TODO as the sample study has it."""
    answers = {
        "title": '"Our town"',
        "question": '"Did people move?"',
        "treated": '["MH25", "MH26", "MH33", "MH34", "MH35"]',
        "before": '["2022-01-01", "2024-01-01"]',
        "after": '["2024-04-01", "2025-01-01"]',
        "areas": '["MH01", "MH02", "MH03"]',
        "rule": '"Three areas far from the operation."',
        "goal": '"access"',
        "good": '"neither"',
        "as_of": "2025-06-30",
    }
    lines = text.splitlines()
    for number, line in enumerate(lines):
        key, _, value = line.partition(" = ")
        if value[1:].startswith("TODO"):
            lines[number] = f"{key} = {answers[key]}"
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", KINDS)
def test_the_columns_of_the_sample_town_are_guessed_as_its_makers_meant_them(name: str) -> None:
    meant = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["columns"][name]
    guess = guess_columns(header(name), KINDS[name])
    assert {**guess.columns, **guess.groups} == meant
    assert guess.crs == "EPSG:27700"


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        (["Date of contact", "LSOA11CD", "URN"], {"start": "Date of contact", "area": "LSOA11CD", "person": "URN"}),
        (["IncidentDate", "lat", "lng"], {"start": "IncidentDate", "x": "lng", "y": "lat"}),
        (["from", "until", "Ward code"], {"start": "from", "end": "until", "area": "Ward code"}),
        (["Date", "Northing"], {"start": "Date"}),  # half of a pair of coordinates is none
        (["Name", "DOB", "Postcode", "Phone", "Address", "Notes"], {}),
    ],
)  # fmt: skip
def test_other_ways_of_naming_are_known_and_identities_are_never_guessed(
    names: list[str], ours: dict[str, str]
) -> None:
    assert guess_columns(names, "incidents").columns == ours


def test_degrees_are_told_from_metres_and_neither_from_x_and_y() -> None:
    assert guess_columns(["date", "longitude", "latitude"], "contacts").crs == "EPSG:4326"
    assert guess_columns(["date", "OS Easting", "OS Northing"], "contacts").crs == "EPSG:27700"
    assert guess_columns(["date", "x", "y"], "contacts").crs is None


def test_names_that_may_be_somebody_are_not_listed_when_none_is_known() -> None:
    assert guess_columns(["Jo Bloggs", "red scarf"], "contacts").unused == ()


def test_published_layouts_are_recognised() -> None:
    police = ["Crime ID", "Month", "Reported by", "Longitude", "Latitude", "LSOA code", "Crime type"]
    assert guess_format([*police, "Last outcome category"]) == "police_uk"
    assert guess_format(["MajorText", "MinorText", "LookUp_BoroughName", "201004"]) == "mps_boroughs"
    assert guess_format(police) == "table"


def test_areas_columns_are_guessed() -> None:
    found = guess_area_columns(["OBJECTID", "LSOA11CD", "LSOA11NM", "addresses"])
    assert found == {"code": "LSOA11CD", "name": "LSOA11NM", "population": "addresses"}
    assert guess_area_columns(["code", "residents", "addresses"])["population"] == "addresses"


def test_check_lists_exactly_what_is_marked_todo(tmp_path: Path) -> None:
    study = start_study(tmp_path / "ours", FILES, SAMPLE / "areas.geojson")
    marked = [line.partition(" = ")[0] for line in study.read_text(encoding="utf-8").splitlines() if "TODO:" in line]
    problems = check_study(study)
    assert set(problems["rule"]) == {"is still to be decided"}
    assert [column.rpartition(".")[2] for column in problems["column"]] == marked
    assert problems["help"].str.len().min() > 20


def test_a_study_without_areas_and_with_unknown_columns_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    pd.DataFrame({"was am": ["1 May 2022"], "x": ["1"], "y": ["2"], "Client ID": ["A1"]}).to_csv(file, index=False)
    problems = check_study(start_study(tmp_path / "ours", {"contacts": file}, None))
    assert set(problems["rule"]) == {"is still to be decided"}
    assert {"areas.file", "areas.code", "inputs.contacts.crs", "inputs.contacts.columns.start"} <= set(
        problems["column"]
    )


def test_a_study_whose_todos_are_decided_can_be_run(tmp_path: Path) -> None:
    study = start_study(tmp_path / "ours", FILES, SAMPLE / "areas.geojson")
    study.write_text(decided(study.read_text(encoding="utf-8")), encoding="utf-8")
    problems = check_study(study)
    assert problems.empty, problems.to_dict("records")


def test_nothing_of_a_record_is_written_and_the_data_stay_as_they_are(tmp_path: Path) -> None:
    before = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in SAMPLE.iterdir() if file.is_file()}
    study = start_study(tmp_path / "ours", FILES, SAMPLE / "areas.geojson")
    written = study.read_text(encoding="utf-8")
    columns = ("Client ID", "Location ref", "Session", "Area code", "Easting", "Contact date", "First language")
    contacts = pd.read_csv(SAMPLE / "contacts.csv", dtype="str", usecols=list(columns))
    values = {value for name in columns for value in contacts[name].dropna() if len(value) > 3}
    assert not [value for value in values if value in written.replace("E01000001", "").replace("E01000002", "")]
    assert {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in before} == before
    assert [path.name for path in study.parent.iterdir()] == ["study.toml"]


def test_attributes_of_people_wait_for_a_reason_and_notes_are_not_read(tmp_path: Path) -> None:
    written = start_study(tmp_path / "ours", FILES, None).read_text(encoding="utf-8")
    assert '\n# group_language = "First language"' in written
    assert '\n# not read: "notes", "police_ref"\n' in written


def test_a_study_is_never_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "study.toml"
    mine.write_text("# years of work")
    with pytest.raises(CommonGroundError, match=r"holds a study\.toml already"):
        start_study(tmp_path, FILES, None)
    with pytest.raises(CommonGroundError, match="is a file"):
        start_study(mine, FILES, None)
    assert mine.read_text() == "# years of work"


def test_a_new_study_has_no_registration_and_never_takes_over_that_of_another(tmp_path: Path) -> None:
    made = start_study(tmp_path / "ours", FILES, SAMPLE / "areas.geojson")
    assert [path.name for path in made.parent.iterdir()] == ["study.toml"]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "study.registration.json").write_text("{}", encoding="utf-8")
    with pytest.raises(
        CommonGroundError, match=r"old holds study\.registration\.json, the plan of another study; give"
    ):
        start_study(tmp_path / "old", FILES, SAMPLE / "areas.geojson")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["study.registration.json"]


def test_a_new_study_asks_what_its_evidence_rests_on(tmp_path: Path) -> None:
    text = start_study(tmp_path, FILES, SAMPLE / "areas.geojson").read_text(encoding="utf-8")
    assert tomllib.loads(text)["design"] == {"data_collection": "unknown", "allocation": "unknown"}
    shock = "".join(line.removeprefix("# ") + "\n" for line in text.partition("# [[shocks]]")[2].splitlines()[1:6])
    assert tomllib.loads(shock)["outcomes"] == ["incidents"]


def test_a_file_without_a_header_is_refused_and_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("01/02/2022,Jo Bloggs,07700 900123\n02/02/2022,Sam Roe,07700 900456\n")
    with pytest.raises(RecordsError, match="has no header") as refused:
        start_study(tmp_path / "ours", {"contacts": file}, None)
    assert "Bloggs" not in str(refused.value)
    assert not (tmp_path / "ours").exists()


def test_everything_wrong_with_the_files_is_listed_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "areas.geojson").write_text("{}")
    files = {"contacts": tmp_path / "empty.csv", "incidents": tmp_path / "lost.csv"}
    with pytest.raises(RecordsError) as refused:
        start_study(tmp_path / "ours", files, tmp_path / "areas.geojson")
    assert set(refused.value.problems["file"]) == {"empty.csv", "lost.csv", "areas.geojson"}
    assert not (tmp_path / "ours").exists()


def test_points_of_a_layer_bring_their_own_system(tmp_path: Path) -> None:
    points = gpd.points_from_xy([638114], [418613])
    gpd.GeoDataFrame({"Contact date": ["2022-01-01"]}, geometry=points, crs=27700).to_file(tmp_path / "c.gpkg")
    study = tomllib.loads(start_study(tmp_path / "ours", {"contacts": tmp_path / "c.gpkg"}, None).read_text())
    assert "crs" not in study["inputs"]["contacts"]
    assert study["inputs"]["contacts"]["columns"] == {"start": "Contact date", "x": "x", "y": "y"}
    assert study["inputs"]["contacts"]["file"] == "../c.gpkg"


def test_column_names_of_any_shape_come_through(tmp_path: Path) -> None:
    odd, other = 'Contact "date" \\ \t\x7f é 🙂 # ]', 'Colour "\\ # ]'
    file = tmp_path / "odd.csv"
    pd.DataFrame({odd: ["2022-01-01"], "LSOA": ["A"], other: ["x"]}).to_csv(file, index=False)
    text = start_study(tmp_path / "ours", {"contacts": file}, None).read_text(encoding="utf-8")
    assert tomllib.loads(text)["inputs"]["contacts"]["columns"]["start"] == odd
    (line,) = [line for line in text.splitlines() if line.startswith("# not read: ")]
    assert tomllib.loads(f"a = {line.removeprefix('# not read: ')}")["a"] == other
    assert set(check_study(tmp_path / "ours")["rule"]) == {"is still to be decided"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_same_after_it_was_written_and_read(text: str) -> None:
    written = _quoted(text)
    assert "\n" not in written
    assert tomllib.loads(f"a = {written}")["a"] == text
