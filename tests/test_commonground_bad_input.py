"""Bad input gets a clear message and exit code 1; nothing is written and nothing is lost."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from commonground import cli
from commonground.sampletown import lay_out

KEPT = ("areas", "operation", "comparison", "comparison.areas", "inputs.reports", "inputs.reports.columns",
        "outcomes.reports", "policy", "wording")  # fmt: skip
RECORDS = "incidents_scheme.csv"


@dataclass
class Town:
    """A copy of the sample study with one input, quick to check, and a way to spoil it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    @property
    def study(self) -> Path:
        return self.folder / "study.toml"

    @property
    def data(self) -> Path:
        return self.folder / RECORDS

    def rows(self) -> pd.DataFrame:
        return pd.read_csv(self.data, encoding="latin-1", dtype="str", keep_default_na=False)

    def save(self, rows: pd.DataFrame) -> None:
        rows.to_csv(self.data, index=False, encoding="utf-8")

    def spoil(self, column: str, value: str, rows: slice | int = 4) -> None:
        """Overwrite a column of some rows (0 is the first)."""
        frame = self.rows()
        frame.iloc[rows, frame.columns.get_loc(column)] = value
        self.save(frame)

    def edit(self, old: str, new: str) -> None:
        """Replace one place of the study file."""
        text = self.study.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        self.study.write_text(text.replace(old, new), encoding="utf-8")

    def call(self, *arguments: str | Path) -> tuple[int, str, str]:
        self.monkeypatch.setattr("sys.argv", ["commonground", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self.capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    def refused(self, *patterns: str) -> list[str]:
        """Run the study; it must end with 1, say each pattern in one line, and touch nothing."""
        out = self.folder.parent / "out"
        before = fingerprint(self.folder.parent)
        code, _, said = self.call("run", self.study, "--out", out)
        lines = said.splitlines()
        assert code == 1, said
        assert "Traceback" not in said
        assert fingerprint(self.folder.parent) == before, "something was written or lost"
        for pattern in patterns:
            assert any(re.search(pattern, line) for line in lines), f"{pattern!r} not in:\n{said[:3000]}"
        return lines


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder, and the folders."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def town(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Town:
    study = lay_out(tmp_path / "town")
    head, *blocks = re.split(r"^(?=\[)", study.read_text(encoding="utf-8"), flags=re.MULTILINE)
    kept = [block for block in blocks if block[1 : block.index("]")] in KEPT]
    study.write_text(head + "".join(kept), encoding="utf-8")
    return Town(study.parent, capsys, monkeypatch)


def test_the_unspoilt_study_has_no_problem(town: Town) -> None:
    before = fingerprint(town.folder.parent)
    code, said, errors = town.call("check", town.study)
    assert (code, errors) == (0, "")
    assert said.startswith("No problems. The study can be run.\n")
    assert fingerprint(town.folder.parent) == before


def test_a_missing_column(town: Town) -> None:
    town.save(town.rows().drop(columns="happened_from"))
    town.refused(rf"{RECORDS}\t\tstart \(happened_from\)\tis mapped to 'happened_from', which the file does not have")


def test_a_column_that_is_needed_and_not_mapped(town: Town) -> None:
    town.edit('start = "happened_from"\n', "")
    town.refused(r"\tstart\tis needed")


def test_coordinates_declared_in_the_wrong_system(town: Town) -> None:
    town.edit('crs = "EPSG:27700"', 'crs = "EPSG:4326"')
    town.refused(r"\tx, y\t.*not in degrees, as EPSG:4326 is")


def test_degrees_declared_as_metres(town: Town) -> None:
    rows = town.rows()
    town.save(rows.assign(e=rows["e"].mask(rows["e"] != "", "1.6"), n=rows["n"].mask(rows["n"] != "", "53.6")))
    town.refused(r"degrees, but the crs EPSG:27700 is in metres")


@pytest.mark.parametrize(("crs", "words"), [("", "is needed to read x and y"), ('crs = "EPSG:1"', "not a coordinate")])
def test_coordinates_without_a_system_or_with_one_that_is_none(town: Town, crs: str, words: str) -> None:
    town.edit('crs = "EPSG:27700"', crs)
    town.refused(words)


def test_areas_in_the_wrong_system(town: Town) -> None:
    areas = gpd.read_file(town.folder / "areas.geojson").to_crs(27700).set_crs(32631, allow_override=True)
    areas.to_file(town.folder / "areas.gpkg")
    town.edit('"areas.geojson"', '"areas.gpkg"')
    town.refused(r"outside all `areas`")


def test_areas_without_a_system(town: Town) -> None:
    gpd.read_file(town.folder / "areas.geojson").to_crs(27700).to_file(town.folder / "areas.shp")
    (town.folder / "areas.prj").unlink()
    town.edit('"areas.geojson"', '"areas.shp"')
    town.refused(r"areas\.shp\t\tareas\tcannot be used\t.*has no coordinate reference system")


def test_all_coordinates_in_the_sea(town: Town) -> None:
    rows = town.rows()
    town.save(rows.assign(e=rows["e"].mask(rows["e"] != "", "500000")))
    town.refused(r"in the sea")


@pytest.mark.parametrize("point", [("0", "0"), ("500000", "300000")])
def test_one_row_in_the_sea_though_it_has_an_area_code(town: Town, point: tuple[str, str]) -> None:
    rows = town.rows()
    row = rows.index[(rows["small_area"] != "") & (rows["e"] != "")][0]
    rows.loc[row, ["e", "n"]] = point
    town.save(rows)
    town.refused(rf"{RECORDS}\t{row + 1}\tx, y\t.*in the sea")


def test_coordinates_swapped(town: Town) -> None:
    rows = town.rows()
    town.save(rows.assign(e=rows["n"], n=rows["e"]))
    town.refused(r"inside them with x and y swapped")


def test_coordinates_swapped_where_every_row_has_a_code(town: Town) -> None:
    rows = town.rows()
    rows = rows[rows["small_area"] != ""]
    town.save(rows.assign(e=rows["n"], n=rows["e"]))
    town.refused(r"inside them with x and y swapped")


def test_dates_in_the_future(town: Town) -> None:
    town.spoil("happened_from", "2999-01-01")
    town.refused(r"\t5\tstart \(happened_from\)\tlies in the future")


def test_dates_reversed(town: Town) -> None:
    town.spoil("happened_to", "2001-01-01")
    town.refused(r"\t5\tend \(happened_to\)\tlies before start")


def test_the_31st_of_february(town: Town) -> None:
    town.spoil("happened_from", "31/02/2023")
    town.refused(r"\t5\tstart \(happened_from\)\tis not a date that exists")


def test_duplicated_ids(town: Town) -> None:
    rows = town.rows()
    town.save(pd.concat([rows, rows.iloc[[7]]]))
    town.refused(rf"\t{len(rows) + 1}\tevent \(report_no\)\trepeats an earlier row")


def test_one_id_for_two_events(town: Town) -> None:
    rows = town.rows()
    rows.loc[9, "report_no"] = rows.loc[3, "report_no"]
    town.save(rows)
    town.refused(r"\t10\tevent \(report_no\)\thas the ID of an event with another start")


def test_mixed_encodings(town: Town) -> None:
    lines = town.data.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b"Marlhaven", "Märlhaven".encode())
    lines[4] = lines[4].replace(b"Marlhaven", "Märlhaven".encode("latin-1"))
    town.data.write_bytes(b"\n".join(lines))
    assert "Märlhaven" not in "".join(town.refused(rf"{RECORDS}\t\d*\t.*(encod|UTF-8)"))


def test_an_empty_file(town: Town) -> None:
    town.data.write_bytes(b"")
    town.refused(rf"\t{RECORDS}\tis empty")


def test_a_file_of_headers(town: Town) -> None:
    town.save(town.rows().head(0))
    town.refused(rf"\t{RECORDS}\thas a header and no rows")


def test_a_file_of_200_columns_that_are_not_ours(town: Town) -> None:
    rows = town.rows()
    town.save(pd.DataFrame({f"q{number}": "1" for number in range(200)}, index=rows.index))
    lines = town.refused(r"\tstart \(happened_from\)\tis mapped to 'happened_from', which the file does not have")
    assert len(lines) < 20  # what is missing is said, not two hundred columns


def test_a_file_of_200_columns_among_which_ours_are_is_read(town: Town) -> None:
    rows = town.rows()
    wide = pd.DataFrame({f"q{number}": "1" for number in range(200 - len(rows.columns))}, index=rows.index)
    town.save(pd.concat([wide, rows], axis="columns"))
    assert town.call("check", town.study)[0] == 0


def test_a_file_of_600_columns(town: Town) -> None:
    rows = town.rows()
    wide = pd.DataFrame({f"q{number}": "1" for number in range(600)}, index=rows.index)
    town.save(pd.concat([wide, rows], axis="columns"))
    town.refused(r"has 61\d columns; 500 is the most that is read")


POLICE_UK = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context"
)
POLICE_ROW = ",{month},Town Police,Town Police,1.58,53.63,On or near Quay,MH01,Town 001A,Robbery,,"


@pytest.mark.parametrize(
    ("header", "month", "pattern"),
    [
        (POLICE_UK.replace("LSOA code,", ""), "2023-01", r"\tLSOA code\tis missing from 2023-01-town-street\.csv"),
        (POLICE_UK.replace("Month", "month"), "2023-01", r"\tMonth\tis missing from 2023-01-town-street\.csv"),
        (POLICE_UK, "Jan-23", r"\t1\t2023-01-town-street\.csv\tMonth is not written YYYY-MM"),
        (POLICE_UK, "2023-13", r"\t1\t2023-01-town-street\.csv\tMonth is not written YYYY-MM"),
    ],
)
def test_a_mangled_police_uk_layout(town: Town, header: str, month: str, pattern: str) -> None:
    file = town.folder / "2023-01-town-street.csv"
    row = POLICE_ROW.format(month=month)
    file.write_text(f"{header}\n{row if header.count(',') == row.count(',') else row.replace(',MH01', '')}\n")
    text = town.study.read_text(encoding="utf-8")
    block = re.search(r"^\[inputs\.reports\]\n.*?(?=^\[outcomes)", text, flags=re.MULTILINE | re.DOTALL)
    assert block is not None
    layout = '[inputs.reports]\nkind = "incidents"\nformat = "police_uk"\nfile = "2023-01-town-street.csv"\n\n'
    town.edit(block[0], layout)
    town.refused(pattern)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[comparison]\n", '[operation]\nname = "Operation Beacon"\ntreated = ["MH01"]\n\n[comparison]\n'),
        ("[operation]\n", '[[operation]]\nname = "Operation Beacon"\ntreated = ["MH01"]\n\n[[operation]]\n'),
        ("[operation]\n", "[operations.lantern]\n"),
    ],
)
def test_two_operations_at_once(town: Town, old: str, new: str) -> None:
    town.edit(old, new)
    town.refused(r"\toperation\tis given more than once\tOne study evaluates one operation")


def test_no_comparison_area(town: Town) -> None:
    text = town.study.read_text(encoding="utf-8")
    start, end = text.index("[comparison]"), text.index("[inputs.reports]")
    town.study.write_text(text[:start] + text[end:], encoding="utf-8")
    town.refused(r"\tcomparison\.areas\tare needed: there is no comparison area\t.*none = ")


def test_a_comparison_area_that_is_also_treated(town: Town) -> None:
    town.edit('treated = ["MH25"', 'treated = ["MH01", "MH25"')
    town.refused(r"\tcomparison\.areas\tshares area MH01 with operation\.treated")


def test_all_counts_zero(town: Town) -> None:
    rows = town.rows()
    town.save(rows.assign(k="0"))
    town.edit('source = "scheme"', 'source = "scheme"\nn = "k"')
    town.edit('event = "report_no"\n', "")
    town.refused(r"\toutcomes\.reports\tall counts are zero in the study's areas and months")


def test_a_choice_that_selects_nothing(town: Town) -> None:
    town.edit("reports = true", 'where = { offence = ["assault", "asault"], role = "selling" }\nreports = true')
    town.refused(
        r"\toutcomes\.reports\.where\tselects nothing: no row has offence = 'asault'", r"names role, which was"
    )


def test_area_codes_of_another_kind(town: Town) -> None:
    rows = town.rows()
    town.save(rows.assign(small_area="E01000001", e="", n=""))
    town.refused(r"area codes, but none of them is a code of `areas`")


def test_no_row_has_a_place(town: Town) -> None:
    town.save(town.rows().assign(small_area="", e="", n=""))
    town.refused(r"has no row in any of the study's areas")


def test_zones_of_areas_that_are_not_in_the_file(town: Town) -> None:
    town.edit('"MH25", "MH26"', '"MH25", "MH99"')
    town.refused(r"study\.toml\t\toperation\.treated\tnames areas that areas\.geojson does not have: MH99")


def test_data_that_end_before_after_does(town: Town) -> None:
    rows = town.rows()
    town.save(rows[rows["happened_from"] < "2024-11"])
    town.refused(r"ends in October 2024, earlier than after is stated to end \(December 2024\)\t.*reported = ")


def test_data_that_end_early_because_nothing_happened_can_be_declared(town: Town) -> None:
    rows = town.rows()
    town.save(rows[rows["happened_from"] < "2024-11"])
    town.edit('file = "incidents_scheme.csv"', f'file = "{RECORDS}"\nreported = [["2022-01-01", "2025-01-01"]]')
    assert town.call("check", town.study)[0] == 0


def test_data_that_begin_after_before_does(town: Town) -> None:
    rows = town.rows()
    town.save(rows[rows["happened_from"] >= "2022-03"])
    town.refused(r"begins in March 2022, after before begins \(January 2022\)")


def test_an_after_shorter_than_stated(town: Town) -> None:
    town.edit("months_after = 9", "months_after = 12")
    town.refused(r"\toperation\.after\tholds 9 whole months, fewer than the 12 that months_after states")


def test_persons_that_no_row_has(town: Town) -> None:
    town.edit('person = "member_code"\n', "")
    town.edit("reports = true", 'count = "persons"\nreports = true')
    town.refused(r"outcomes\.reports\.count\tcounts persons, but no row has one")


def test_free_text_and_telephone_numbers_are_refused_without_being_repeated(town: Town) -> None:
    town.spoil("type", "call 07700 900123")
    lines = town.refused(r"\toffence \(type\)\tcarries what looks like a phone")
    assert "07700" not in "".join(lines)


def test_problems_of_the_study_and_of_every_file_are_listed_at_once(town: Town) -> None:
    town.spoil("happened_from", "31/02/2023")
    town.edit("[wording]", '[inputs.lost]\nkind = "contacts"\nfile = "lost.csv"\n\n[wordings]')
    town.edit('"MH25", "MH26"', '"MH25", "MH99"')
    town.edit("months_after = 9", "months_after = 12")
    town.refused(
        r"Did you mean wording\?",
        r"not there \(lost\.csv\)",
        r"months_after states",
        r"MH99",
        r"is not a date that exists",
    )


def test_two_inputs_of_one_kind_and_source(town: Town) -> None:
    text = town.study.read_text(encoding="utf-8")
    name = re.findall(r"^\[inputs\.(\w+)\]$", text, flags=re.MULTILINE)[0]
    blocks = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    again = [block for block in blocks if block.startswith(f"[inputs.{name}")]
    town.study.write_text(text + "".join(again).replace(f"inputs.{name}", "inputs.zagain"), encoding="utf-8")
    town.refused(rf"inputs\.zagain.*has the kind and the sources of inputs\.{name}")


def test_a_folder_that_holds_something_else_is_left_alone(town: Town) -> None:
    out = town.folder.parent / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    (out / "manifest.json").write_text('{"name": "my own"}')
    before = fingerprint(town.folder.parent)
    code, _, said = town.call("run", town.study, "--out", out)
    assert code == 1
    assert "no release of ours (thesis.txt); nothing was written" in said
    assert fingerprint(town.folder.parent) == before
