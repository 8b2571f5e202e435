"""A study that passes its check counts what it says, where it says, and stays as it was declared."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from commonground.errors import CommonGroundError, StudyError
from commonground.sampletown import lay_out, sample_folder
from commonground.study import Study, load_study, read_study
from commonground.studycheck import cautions, check_study, checked_study

SAMPLE = sample_folder()


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(SAMPLE)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return lay_out(tmp_path).parent


def replace_in(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) >= 1, old
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def squares(file: Path, codes: str) -> None:
    """Write one square kilometre an area, side by side."""
    shapes = gpd.points_from_xy([500_000 + 1_000 * n for n in range(len(codes))], [200_000] * len(codes))
    layer = gpd.GeoSeries(shapes, crs=27700).buffer(500, cap_style="square")
    gpd.GeoDataFrame({"code": list(codes)}, geometry=layer).to_file(file)


SMALL = """
question = "What changed?"
[areas]
file = "areas.gpkg"
code = "code"
[operation]
treated = ["A"]
before = ["2020-01-01", "2020-03-01"]
after = ["2020-03-01", "2020-05-01"]
[comparison]
rule = "The other two."
areas = ["B", "C"]
[inputs.police]
kind = "incidents"
{input}
[outcomes.robbery]
input = "police"
goal = "safety"
good = "fall"
{outcome}
[policy]
profile = "open"
as_of = 2021-01-01
"""
PUBLISHED = 'format = "mps_boroughs"\nfile = "table.csv"'
OWN = 'file = "rows.csv"\npublished = "A citation"\n'


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., Path]:
    """Write a study of three square areas and four months."""

    def _small(given: str, outcome: str = "") -> Path:
        squares(tmp_path / "areas.gpkg", "ABC")
        file = tmp_path / "study.toml"
        file.write_text(SMALL.format(input=given, outcome=outcome), encoding="utf-8")
        return file

    return _small


def test_the_sample_study_and_all_its_files_have_no_problem() -> None:
    problems = check_study(SAMPLE)
    assert list(problems.columns) == ["file", "row", "column", "rule", "help"]
    assert problems.empty


def test_a_study_cannot_be_changed_after_it_was_read(study: Study) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.policy = "open"  # type: ignore[misc]


def test_the_digest_is_that_of_the_file_and_the_ledger_lies_beside_it(study: Study) -> None:
    assert study.digest == hashlib.sha256((SAMPLE / "study.toml").read_bytes()).hexdigest()
    assert study.ledger_path == SAMPLE / "study.ledger"


def test_zones_window_and_plan_are_those_declared(study: Study) -> None:
    assert list(study.zones) == ["treated", "ring", "North side", "East side"]
    assert sum(len(codes) for codes in study.zones.values()) == len(study.areas)
    assert (study.window.months, study.plan.phases) == (36, study.phases)


def test_an_outcome_counts_the_rows_of_its_input(study: Study) -> None:
    rows = pd.read_csv(SAMPLE / "arrests.csv", dtype="str")
    by_hand = rows[rows["area"].isin(study.zones["treated"])].groupby(rows["arrested"].str[:7]).size()
    counted = study.outcome_tally("arrests").zone_series(study.zones)["treated"]
    # rows without an area code are placed by their point, so a month can hold a few more, never fewer
    more = counted.to_numpy() - by_hand.reindex(counted.index.astype("str"), fill_value=0).to_numpy()
    assert more.min() >= 0
    assert more.sum() <= (rows["area"].isna() & rows["grid_e"].notna()).sum()


def test_the_planted_fivefold_rise_of_arrests_is_in_the_counts(study: Study) -> None:
    counted = study.outcome_tally("arrests").zone_series(study.zones)["treated"]
    before, after = counted[:"2023-12"], counted["2024-04":]
    assert 3.5 < after.mean() / before.mean() < 7


def test_points_in_degrees_count_in_the_same_areas_as_points_in_metres(town: Path) -> None:
    rows = pd.read_csv(town / "incidents_scheme.csv", encoding="latin-1", dtype="str").assign(small_area=None)
    metres = town / "incidents_scheme.csv"
    rows.to_csv(metres, index=False)
    expected = load_study(town).outcome_tally("reports").zone_series(load_study(town).zones)
    points = gpd.GeoSeries(gpd.points_from_xy(rows["e"].astype(float), rows["n"].astype(float)), crs=27700).to_crs(4326)
    located = rows["e"].notna()
    rows.assign(e=points.x.where(located), n=points.y.where(located)).to_csv(metres, index=False)
    text = (town / "study.toml").read_text(encoding="utf-8")
    head, _, tail = text.partition("[inputs.reports]")
    (town / "study.toml").write_text(head + "[inputs.reports]" + tail.replace("EPSG:27700", "EPSG:4326", 1))
    turned = load_study(town)
    pd.testing.assert_frame_equal(turned.outcome_tally("reports").zone_series(turned.zones), expected)
    assert not (check_study(town)["file"] == "incidents_scheme.csv").any()


def test_a_source_can_be_named_cited_and_its_time_declared(small: Callable[..., Path], tmp_path: Path) -> None:
    pd.DataFrame({"start": ["2020-02-01", "2020-03-05"], "area": ["A", "B"]}).to_csv(tmp_path / "rows.csv", index=False)
    named = 'source = "Harbour force"\nreported = [["2020-01-01", "2020-05-01"]]'
    study = checked_study(small(OWN + named))
    records = study.records("police")
    assert (records.sources, records.published) == (("Harbour force",), "A citation")
    assert study.outcome_tally("robbery").zone_series(study.zones)["treated"].tolist() == [0, 1, 0, 0]


def test_each_source_that_stops_early_is_named(small: Callable[..., Path], tmp_path: Path) -> None:
    starts = ["2020-01-01", "2020-04-05", "2020-01-09", "2020-03-01"]
    rows = pd.DataFrame({"start": starts, "area": list("ABCA"), "source": ["Clinic", "Clinic", "Outreach", "Outreach"]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (rule,) = check_study(small(OWN))["rule"]
    assert rule == "Outreach ends in March 2020, earlier than after is stated to end (April 2020)"


MONTHS = "202001,202002,202003,202004"


def test_an_area_that_no_source_reported_on_is_missing_and_not_zero(small: Callable[..., Path], tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"MinorText,LookUp_BoroughName,{MONTHS}\nRobbery,A,1,2,3,4\nRobbery,B,1,1,1,1\n")
    problems = check_study(small(PUBLISHED))
    assert problems["rule"].tolist() == [
        "has no month of before in which every source reported on all of C",
        "has no month of after in which every source reported on all of C",
    ]
    table.write_text(table.read_text() + "Burglary,C,5,5,5,5\n")  # reported on, without a robbery: zero
    assert check_study(small(PUBLISHED)).empty


def test_a_word_that_selects_nothing_is_named_and_the_words_of_the_data_are_not(
    small: Callable[..., Path], tmp_path: Path
) -> None:
    rows = "".join(f"Robbery,{area},1,2,3,4\n" for area in "ABC")
    (tmp_path / "table.csv").write_text(f"MinorText,LookUp_BoroughName,{MONTHS}\n{rows}")
    problems = check_study(small(PUBLISHED, 'where = { offence = ["Robbery", "Robberies"] }'))
    assert problems["rule"].tolist() == ["selects nothing: no row has offence = 'Robberies'"]
    assert problems["column"].tolist() == ["outcomes.robbery.where"]
    assert "'Robbery'" not in problems.to_string()


def test_services_without_usable_hours_are_found_before_anything_is_counted(town: Path) -> None:
    replace_in(town / "services.csv", "Mo-Sa 19:00-02:00", "nights mostly")
    problems = check_study(town)
    assert problems[["file", "row", "column"]].values.tolist() == [["services.csv", 1, "hours (Open)"]]
    assert "nights" not in problems.to_string()


@pytest.mark.parametrize("line", ['hours = "Open"\n', 'capacity = "Places a week"\n'])
def test_services_that_need_hours_and_places_say_so(town: Path, line: str) -> None:
    replace_in(town / "study.toml", line, "")
    assert check_study(town)["rule"].tolist() == ["is needed to work out who can reach which service"]


def test_a_study_is_told_beforehand_what_it_will_not_be_able_to_tell(town: Path) -> None:
    assert cautions(load_study(town)) == []
    shock = '[[shocks]]\nname = "{}"\nstart = 2024-01-01\noutcomes = ["reports"]\nrecording = {}\n'
    with (town / "study.toml").open("a") as file:
        file.write("\n" + shock.format("New forms", "true") + shock.format("Festival", "false"))
    replace_in(town / "study.toml", 'after = ["2024-04-01", "2025-01-01"]', 'after = ["2024-04-01", "2024-05-01"]')
    replace_in(town / "study.toml", "months_after = 9", "months_after = 1")
    assert cautions(load_study(town)) == [
        "Every verdict on the operation area will be 'cannot tell': fewer than 2 months after.",
        "New forms (January 2024) changed recording as the operation began: it leaves no verdict on Reports of "
        "violence to the scheme.",
        "Festival (January 2024) cannot be told from the operation where only its areas had both: Reports of violence "
        "to the scheme.",
    ]
    assert not [path.name for path in town.iterdir() if path.suffix == ".ledger"]


def test_a_check_from_python_writes_nothing(town: Path) -> None:
    (town / "study.registration.json").unlink()
    before = sorted(path.name for path in town.iterdir())
    assert check_study(town).empty
    checked_study(town)
    assert sorted(path.name for path in town.iterdir()) == before


def test_a_study_with_problems_is_never_handed_over(town: Path) -> None:
    replace_in(town / "study.toml", '"MH25"', '"MH99"')
    (town / "arrests.csv").write_text("")
    read, problems = read_study(town)
    assert read is not None
    assert problems == []  # the study file alone has none
    with pytest.raises(StudyError, match=r"2 problem\(s\); nothing was written") as refused:
        checked_study(town)
    assert set(refused.value.problems["file"]) == {"study.toml", "arrests.csv"}
    assert "arrests.csv: is empty" in str(refused.value)


def test_the_sample_is_laid_out_again_beside_its_ledger_and_never_over_other_work(tmp_path: Path) -> None:
    study = lay_out(tmp_path / "demo")
    (study.parent / "study.ledger").write_text("kept")
    (study.parent / "contacts.csv").unlink()
    assert lay_out(tmp_path / "demo") == study
    assert (study.parent / "contacts.csv").read_bytes() == (SAMPLE / "contacts.csv").read_bytes()
    assert (study.parent / "study.ledger").read_text() == "kept"
    replace_in(study, "Marlhaven", "Elsewhere")
    with pytest.raises(CommonGroundError, match=r"study\.toml in .* differ from the sample; give another folder"):
        lay_out(tmp_path / "demo")
    assert "Elsewhere" in study.read_text(encoding="utf-8")
    for holder in (tmp_path / "mine", tmp_path / "half" / "study"):
        holder.mkdir(parents=True)
        (holder / "thesis.md").write_text("years of work")
    for folder in (tmp_path / "mine", tmp_path / "half"):
        with pytest.raises(CommonGroundError, match=r"no demonstration \(thesis\.md\)"):
            lay_out(folder)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.md"]
    with pytest.raises(CommonGroundError, match="is a file"):
        lay_out(tmp_path / "mine" / "thesis.md")
