"""People, their needs, groups and numbers in a release: what is shown, what the gate refuses, and that it is said."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from commonground.dashboard import needing
from commonground.dashboard.contents import Contents, compute
from commonground.dashboard.labelled_needs import LEVELS, need_rows_of
from commonground.dashboard.needing_first import priorities_table
from commonground.dashboard.needing_tables import groups_table, needs_table, size_table
from commonground.dashboard.running import run_study
from commonground.disclosure import cross_tables
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.ranges import TOO_FEW
from commonground.errors import StudyError
from commonground.release.approval import attack_release
from commonground.study import Study, load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TRUTH = json.loads((SAMPLE / "truth.json").read_text())
MONTHS = (pd.date_range("2022-01-05", periods=24, freq="MS"), pd.date_range("2024-01-01", periods=3, freq="MS"),
          pd.date_range("2024-04-01", periods=9, freq="MS"))  # fmt: skip
AREA_PEOPLE = 64


def town(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("*.ledger", "*.registration.json", "__pycache__")
    return Path(shutil.copytree(SAMPLE, folder, ignore=ignored))


def changed(folder: Path, *edits: tuple[str, str]) -> Path:
    text = (folder / "study.toml").read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "study.toml").write_text(text)
    return folder


def found(study: Study) -> Contents:
    return compute(study, book=Ledger(study.ledger_path, study=study.title, held=True))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return found(load_study(town(tmp_path_factory.mktemp("sample") / "town")))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases of the needs part, the second with the ledger of the first."""
    place = tmp_path_factory.mktemp("needs")
    study = town(place / "town")
    for out in ("first", "second"):
        run_study(load_study(study), place / out, parts=("needs",))
    return place / "first", place / "second"


# -- the sample town ---------------------------------------------------------------------------------------------------


def test_the_planted_gap_stands_among_the_priorities_at_night_and_not_by_day(sample: Contents) -> None:
    table = priorities_table(sample)
    assert table is not None
    areas = gpd.read_file(SAMPLE / "areas.geojson")
    mine = areas.loc[areas["district"] == TRUTH["gap"]["district"], "code"]
    names = {sample.facts.area_names[area] for area in mine}
    what = [text for text in table.frame["What to look at"] if any(name in text for name in names)]
    assert len(what) == 1
    assert what[0].endswith("(night)")


def test_the_four_hundred_people_are_inside_what_is_published(sample: Contents) -> None:
    assert sample.in_need is not None
    size = sample.in_need.size
    assert size is not None
    assert size.low is not None
    assert size.low <= TRUTH["planted"]["people"]
    assert size.high is None or size.high >= TRUTH["planted"]["people"]
    assert size.verdict == "floor only"  # the lists depend on one another: no upper end may be used
    assert "No upper end is known" in size.summary()
    share = TRUTH["people"]["seen"]["outreach"] / TRUTH["people"]["all"]
    assert size.share_low is not None
    assert size.share_high is not None
    assert size.share_low <= 100 * share <= size.share_high
    table = size_table(sample)
    assert table is not None
    assert list(table.frame["At most"]) == ["no limit", size.share_high]


def test_people_of_so_few_are_refused_by_group_and_by_need_and_it_is_said(sample: Contents) -> None:
    people = sample.in_need
    assert people is not None
    assert {"People in contacts by group", "People in contacts by need of housing"} <= set(people.refused)
    assert people.refused["People in police by group"].startswith("its records do not say")
    assert not any(character.isdigit() for why in people.refused.values() for character in why)
    assert people.answer == "cannot tell"
    needs, groups = needs_table(sample), groups_table(sample)
    assert needs is not None
    assert groups is not None
    assert set(needs.frame["Met"]) == {"not shown"}
    assert list(groups.frame["Group"]) == ["Women", "Men", "Trans and non-binary people"]
    assert "0" not in set(needs.frame.astype(str).to_numpy().ravel())
    assert repr(people) == "PeopleInNeed(4 needs, 3 groups, 7 refused)"


def test_a_second_run_gives_the_same_bytes(released: tuple[Path, Path]) -> None:
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in released
    )
    assert first == second
    assert Path("tables/priorities.csv") in first


def test_the_red_team_finds_nothing(released: tuple[Path, Path]) -> None:
    assert not attack_release(released[0])


def test_the_page_says_what_is_shown_and_what_is_not(released: tuple[Path, Path]) -> None:
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (released[0] / "needs.html").read_text()))
    for words in (
        "What to look at first, and why",
        "Not published is neither none nor met",
        "Does this map only mirror today&#39;s clients?",
        "How many people there are",
        "What is not published, and why",
    ):
        assert words in page or words.replace("&#39;", "'") in page


def test_nothing_in_a_table_of_people_is_below_what_may_be_shown(released: tuple[Path, Path]) -> None:
    for name in ("priorities", "people-in-all", "groups", "needs"):
        with (released[0] / "tables" / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                for column in ("People, most", "At least"):
                    text = row.get(column, "")
                    assert not text.isdigit() or int(text) >= 8 or (column == "At least" and "Share" in row["What"])


def test_a_study_that_asks_nothing_of_people_is_as_before(tmp_path: Path) -> None:
    folder = town(tmp_path / "town")
    text = (folder / "study.toml").read_text()
    start, end = text.index('groups = "group"'), text.index("[categories]")
    (folder / "study.toml").write_text(text[:start] + text[end:])
    contents = found(load_study(folder))
    assert contents.in_need is None
    assert needs_table(contents) is None
    assert groups_table(contents) is None
    assert size_table(contents) is None
    assert priorities_table(contents) is not None


# -- a town of many people, whose tables pass --------------------------------------------------------------------------


def crowded(folder: Path, *, groups: bool) -> Path:
    """Sixty-four people in each area and phase, three quarters of them women in contacts and a quarter in reports."""
    whole = gpd.read_file(folder / "areas.geojson").to_crs("EPSG:27700")
    points = whole.geometry.representative_point()
    rows, reports = [], []
    for place, code in enumerate(whole["code"]):
        for i in range(AREA_PEOPLE):
            for phase, months in enumerate(MONTHS):
                x, y = points[place].x, points[place].y
                when = months[i % len(months)]
                day, day_first = f"{when:%Y-%m-%d}", f"{when:%d/%m/%Y}"
                status = ("unmet", "unknown", "met")[i % 4 - 1]
                issues, outcome = ("safety", "unknown") if i % 4 == 0 else ("hostel", status)
                rows.append({
                    "Contact date": f"{day_first} 10:00", "Area code": code, "Easting": round(x), "Northing": round(y),
                    "Client ID": f"{code}C{i}", "Location ref": f"{code}P{i}", "Session": f"{code}S{i}{phase}",
                    "Where they work": "street", "Gender": ("women", "women", "women", "men")[i // 4 % 4],
                    "First language": "English",
                    "Team": "Lamplight Outreach", "How contacted": "in person", "Issues raised": issues,
                    "Need met": outcome, "Agency": "outreach",
                })  # fmt: skip
                reports.append({
                    "happened_from": f"{day}T10:00", "happened_to": f"{day}T11:00", "small_area": code, "e": round(x),
                    "n": round(y), "member_code": f"{code}M{i}", "place_code": f"{code}Q{i}",
                    "report_no": f"{code}R{i}{phase}", "work_setting": "street",
                    "gender": ("women", "men", "men", "men")[i % 4], "share_with_police": "none", "type": "threats",
                    "reached": "report only", "scheme": "Marlhaven Ugly Mugs",
                })  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "contacts.csv", index=False)
    pd.DataFrame(reports).to_csv(folder / "incidents_scheme.csv", index=False)
    text = (folder / "study.toml").read_text()
    start, end = text.index("[needs.framework]"), text.index("[categories]")
    text = text[:start] + '[needs.framework]\nhousing = "hostel"\n\n' + text[end:]
    text = text.replace('independent = ["reports", "police"]', 'independent = ["reports"]')
    text = text.replace('lists_window = ["2023-01-01", "2024-01-01"]  # one year, in which few people come or go\n', "")
    text = text.replace('["women", "men", "trans and non-binary people"]', '["women", "men"]')
    if groups:
        text = text.replace('[needs.framework]\nhousing = "hostel"\n', "")
    else:
        text = text.replace('groups = "group"\nindependent = ["reports"]\n', "")
    (folder / "study.toml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return found(load_study(crowded(town(tmp_path_factory.mktemp("many") / "town"), groups=False)))


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return found(load_study(crowded(town(tmp_path_factory.mktemp("grouped") / "town"), groups=True)))


def test_where_people_are_many_needs_are_published_and_unknown_is_not_met(many: Contents) -> None:
    people = many.in_need
    assert people is not None
    assert not people.refused
    row: Any = people.needs.iloc[0]
    each = 40 * AREA_PEOPLE / 4
    assert row["met_low"] <= each <= row["met_high"]
    assert row["unmet_low"] <= each
    assert row["unmet_high"] >= 2 * each  # those of whom nothing is known may all be without help
    assert row["met_high"] < 1.5 * each
    assert row["people_low"] <= 3 * each <= row["people_high"]
    ranked = priorities_table(many)
    assert ranked is not None
    assert ranked.frame["What to look at"].str.startswith("Need: housing").any()


def test_where_people_are_many_groups_are_compared_from_published_numbers(grouped: Contents) -> None:
    people = grouped.in_need
    assert people is not None
    assert people.answer == "yes"
    assert "men" in people.reason
    table = groups_table(grouped)
    assert table is not None
    assert "not shown" not in set(table.frame["In contacts"])
    assert list(table.frame["Group"]) == ["Women", "Men"]


# -- what is read from labels ------------------------------------------------------------------------------------------


def test_joined_levels_widen_both_and_count_in_neither() -> None:
    class Labels:
        rows = (
            ("a", ("a",), "after", ("not raised",), 20, 18, 22),
            ("a", ("a",), "after", ("unmet",), 10, 8, 12),
            ("a", ("a",), "after", ("unknown or met or missing",), 15, 13, 17),
            ("a", ("a",), "before", ("unmet",), 50, 48, 52),
        )

    row = need_rows_of(Labels(), "after")  # type: ignore[arg-type]
    assert (row["unmet_low"], row["unmet_high"]) == (8, 29)
    assert (row["met_low"], row["met_high"]) == (0, 17)
    assert (row["unknown_low"], row["unknown_high"]) == (0, 17)
    assert all(value != value for value in need_rows_of(None, "after").values())
    assert LEVELS[0] == "not raised"


def test_each_person_has_one_group_and_one_status_a_need(sample: Contents, tmp_path: Path) -> None:
    study = load_study(town(tmp_path / "town"))
    records = study.located("contacts")
    levels = needing._one_status(records, needing.framework_of(study))
    twice = records.frame.assign(level=levels["housing"]).groupby("person")["level"].nunique()
    assert (twice == 1).all()
    moved = replace(records, frame=records.frame.assign(group=["women", "men"] * (len(records.frame) // 2)))
    own = moved.frame.assign(level=needing._one_group(moved, "group")).groupby("person")["level"].nunique()
    assert (own == 1).all()


# -- the study file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (("groups = ", "grups = "), "needs.grups"),
        (('groups = "group"', 'groups = "setting"'), "needs.groups"),
        (('independent = ["reports", "police"]', 'independent = ["contacts"]'), "needs.independent"),
        (('safety = "personal safety"', 'comfort = "a warm room"'), "framework"),
        (('["2023-01-01", "2024-01-01"]', '["2022-01-01", "2024-01-01"]'), "needs.lists_window"),
        (('police = "police"', 'police = "arrests"'), "needs.lists.police"),
        (('feeds = ["police"]', 'feeds = ["hospital"]'), "needs.lists.scheme.feeds"),
        (('where = { source = ["clinic"] }', 'wher = { source = ["clinic"] }'), "needs.lists.clinic.wher"),
    ],
)
def test_a_wrong_key_is_refused_where_it_stands(tmp_path: Path, edit: tuple[str, str], key: str) -> None:
    with pytest.raises(StudyError) as error:
        load_study(changed(town(tmp_path / "town"), edit))
    assert any(str(at).endswith(key) for at in error.value.problems["column"])


def test_all_problems_of_the_people_are_listed_at_once(tmp_path: Path) -> None:
    edits = (("groups = ", "grups = "), ('police = "police"', 'police = "arrests"'))
    with pytest.raises(StudyError) as error:
        load_study(changed(town(tmp_path / "town"), *edits))
    assert {"needs.grups", "needs.lists.police", "needs.independent"} <= set(error.value.problems["column"])


def test_lists_that_share_nobody_are_refused_without_a_count(tmp_path: Path) -> None:
    folder = town(tmp_path / "town")
    frame = pd.read_csv(folder / "incidents_scheme.csv", dtype=str, encoding="latin-1")
    frame["member_code"] = "Z" + frame["member_code"]
    frame.to_csv(folder / "incidents_scheme.csv", index=False)
    people = found(load_study(folder)).in_need
    assert people is not None
    assert people.size is not None
    assert people.size.to_frame().empty
    assert people.size.summary() == TOO_FEW  # the same words whatever rule the records broke


def test_the_public_sees_no_further_table_of_people(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    study = load_study(town(tmp_path / "town"))
    contents = found(study)
    monkeypatch.setattr(needing, "cross_tables", lambda *_, **__: pytest.fail("asked for a further table"))
    refused: dict[str, str] = {}
    first = SimpleNamespace(profile="public")
    got = needing._further(study, "contacts", first, Ledger(study.ledger_path), refused)  # type: ignore[arg-type]
    assert contents.in_need is not None
    assert got == {}
    assert set(refused.values()) == {needing.FOR_PARTNERS}


def test_an_order_of_tables_is_fixed_by_the_study_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []

    def noted(tally: Any, wanted: Any, **options: Any) -> Any:
        asked.append(wanted)
        return cross_tables(tally, wanted, **options)

    monkeypatch.setattr(needing, "cross_tables", noted)
    found(load_study(town(tmp_path / "town")))
    first = [by[0] for by in asked[0]]
    needs = ["safety", "housing", "health", "alcohol_and_drugs"]
    assert first == ["group", *(f"group_need_{need}" for need in needs)]
