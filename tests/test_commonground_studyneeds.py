"""A study that counts nobody's need says so: its keys, its context, and what is within reach of each area."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commonground.dashboard.provision import find_gaps
from commonground.dashboard.within_reach import find_within_reach
from commonground.errors import RecordsError
from commonground.sampletown import sample_folder
from commonground.study import load_study, read_study
from commonground.studycheck import check_study
from commonground.studyneeds import ContextTable, NeedsPlan, read_context

Town = Callable[..., Path]
NEEDS = 'provision_only = true\nservices = "services"\nreach = 1000\n'
CONTEXT = '[needs.context]\nfile = "numbers.csv"\ncode = "area"\ncolumns = { residents = "people" }\n'


@pytest.fixture(scope="module")
def codes() -> list[str]:
    return list(load_study(sample_folder()).areas.index)


@pytest.fixture
def town(tmp_path: Path, codes: list[str]) -> Town:
    """Write the sample town with other needs, and a table of area numbers beside it."""

    def _town(needs: str) -> Path:
        folder = tmp_path / "town"
        shutil.copytree(sample_folder(), folder, ignore=shutil.ignore_patterns("*.json", "marlhaven", "*.py"))
        text = (folder / "study.toml").read_text(encoding="utf-8")
        text = re.sub(r"(?ms)^\[needs[^\]]*\].*?(?=^\[(?!needs))", "", text)
        (folder / "study.toml").write_text(f"{text}\n[needs]\n{needs}", encoding="utf-8")
        numbers = pd.DataFrame({"area": codes, "people": range(100, 100 + len(codes))})
        numbers.to_csv(folder / "numbers.csv", index=False)
        return folder

    return _town


def problems(folder: Path) -> list[tuple[str, str]]:
    return [(problem.column, problem.rule) for problem in read_study(folder)[1]]


def test_a_study_may_count_nobody_and_name_several_lists(town: Town) -> None:
    folder = town('provision_only = true\nservices = ["services"]\n' + CONTEXT)
    needs = load_study(folder).needs
    assert needs is not None
    assert (needs.provision_only, needs.demand, needs.services) == (True, "", ("services",))
    assert needs.context == (ContextTable(folder / "numbers.csv", "area", (("residents", "people"),)),)
    assert check_study(folder).empty


def test_without_demand_the_message_names_both_ways_out(town: Town) -> None:
    found = read_study(town('services = "services"\n'))[1]
    assert [problem.column for problem in found] == ["needs.demand"]
    assert "provision_only = true" in found[0].help


def test_everything_wrong_is_said_at_once(town: Town) -> None:
    wrong = (
        'provision_only = true\ndemand = "contacts"\nleast = 0.1\nservices = ["services", "services"]\n'
        'groups = "group"\n[needs.context]\nfile = "lost.csv"\ncolumn = { a = "b" }\nlabels = { c = "C" }\n'
    )
    found = dict(problems(town(wrong)))
    assert found["needs.services"] == "names a list twice"
    for key in ("demand", "least", "groups"):
        assert found[f"needs.{key}"].startswith("cannot stand beside provision_only")
    assert found["needs.context.column"] == "is not a known key"
    assert found["needs.context.file"] == "names a file that is not there (lost.csv)"
    assert found["needs.context.code"] == "is needed"
    assert found["needs.context.columns"] == "is needed"
    assert found["needs.context.labels"].startswith("names a number that is not among columns")


@pytest.mark.parametrize(
    ("needs", "at", "rule"),
    [
        ('demand = "contacts"\nservices = "services"\n' + CONTEXT, "needs.context", "provision_only = true alone"),
        ('provision_only = "yes"\nservices = "services"\n', "needs.provision_only", "must be true or false"),
        ("provision_only = true\n", "needs.services", "is needed"),
        ('provision_only = true\nservices = ["contacts"]\n', "needs.services", "is not one of the words"),
        (NEEDS + CONTEXT.replace("[needs.context]", "[[needs.context]]") * 2, "needs.context", "two numbers one name"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(town: Town, needs: str, at: str, rule: str) -> None:
    assert any(column == at and rule in said for column, said in problems(town(needs)))


def test_numbers_of_areas_are_read_by_code_whatever_their_order(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("code,n\nC,3\nA,1\nB,\nZ,9\n")
    found = read_context(ContextTable(file, "code", (("residents", "n"),)), pd.Index(["A", "B", "C"]))
    assert found["residents"].fillna(-1).to_dict() == {"A": 1, "B": -1, "C": 3}


def test_numbers_that_are_none_and_areas_without_a_row_are_listed_with_rows(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("code,n\nA,1\nA,2\nB,many\nC,inf\n")
    with pytest.raises(RecordsError) as caught:
        read_context(ContextTable(file, "code", (("residents", "n"),)), pd.Index(["A", "B", "C", "D"]))
    found = caught.value.problems[["row", "rule"]].astype(object).where(lambda table: table.notna(), None)
    assert found.to_numpy().tolist() == [
        [2, "repeats an area"],
        [None, "has no row for 1 of the study's 4 areas"],
        [3, "is no number"],
        [4, "is no number"],
    ]
    assert "many" not in str(caught.value)


def test_check_refuses_context_of_other_areas_and_slots_without_hours(town: Town) -> None:
    folder = town(NEEDS + 'slots = { day = "08:00-20:00" }\n' + CONTEXT)
    lines = (folder / "numbers.csv").read_text().splitlines()
    (folder / "numbers.csv").write_text("\n".join(lines[:-2]) + "\n")
    services = pd.read_csv(folder / "services.csv", dtype=str)
    services.loc[0, "Open"] = None
    services.to_csv(folder / "services.csv", index=False)
    found = check_study(folder)
    assert found["rule"].str.startswith("has no row for 2 of the study's").any()
    assert found["rule"].eq("is not known of every service, so no slot can be told from another").any()


def test_a_list_that_lies_nowhere_near_is_refused_and_a_national_one_is_not(town: Town) -> None:
    folder = town(NEEDS)
    services = pd.read_csv(folder / "services.csv", dtype=str)
    far = services.assign(Easting="100000", Northing="10000", **{"Area code": None})
    pd.concat([services.assign(**{"Area code": None}), *[far] * 5]).to_csv(folder / "services.csv", index=False)
    assert check_study(folder).empty
    far.to_csv(folder / "services.csv", index=False)
    assert check_study(folder)["rule"].tolist() == ["has no service in the study's areas or within reach of them"]


def test_with_hours_each_slot_is_counted_apart_and_agrees_with_straight_distances(town: Town) -> None:
    study = load_study(town(NEEDS))
    found = find_within_reach(study)
    services = pd.read_csv(study.path.parent / "services.csv")
    start = study.areas.geometry.representative_point()
    gap = np.hypot(
        start.x.to_numpy()[:, None] - services["Easting"].to_numpy(),
        start.y.to_numpy()[:, None] - services["Northing"].to_numpy(),
    )
    assert found.timed
    assert set(found.counts.columns.get_level_values(1)) == {"day", "night"}
    for kind, rows in services.groupby("Type of help").groups.items():
        near = (gap[:, list(rows)] <= 1000).sum(axis=1)
        assert (found.counts.loc[:, [(kind, "day"), (kind, "night")]].max(axis=1).to_numpy() <= near).all()
        always = rows[services.loc[rows, "Open"].eq("24/7")]
        if len(always) == len(rows):
            assert (found.counts[kind, "night"].to_numpy() == near).all()
    outreach = services.index[services["Service"].eq("Lamplight Outreach")]  # Mo-Sa 19:00-02:00: day and night
    reached = (gap[:, list(outreach)] <= 1000).ravel()
    assert (found.counts.loc[reached, [("outreach", "day"), ("outreach", "night")]] >= 1).all().all()
    drop_in = services[services["Type of help"].eq("drop-in")]
    assert drop_in["Open"].str.contains("20:00|21:00|22:00|23:00|24/7").sum() == 0  # none is open at night
    assert (found.counts["drop-in", "night"] == 0).all()
    assert (found.counts["drop-in", "day"] > 0).any()


def test_one_service_without_hours_makes_the_whole_count_blind_to_time_and_says_so(town: Town) -> None:
    folder = town(NEEDS)
    services = pd.read_csv(folder / "services.csv", dtype=str)
    services.loc[0, "Open"] = None
    services.to_csv(folder / "services.csv", index=False)
    found = find_within_reach(load_study(folder))
    assert not found.timed
    assert "Opening hours are not known" in found.sentence
    assert "not known" in found.basis


def test_nobodys_contacts_reach_the_result(town: Town) -> None:
    folder = town(NEEDS)
    before = find_gaps(load_study(folder), None)
    contacts = pd.read_csv(folder / "contacts.csv", dtype=str)
    contacts.iloc[: len(contacts) // 3].to_csv(folder / "contacts.csv", index=False)
    after = find_gaps(load_study(folder), None)
    assert before.alone is not None
    assert after.alone is not None
    pd.testing.assert_frame_equal(before.alone.counts, after.alone.counts)
    assert (before.gaps, before.shown, before.note) == (None, None, before.alone.sentence)
    assert before.note.startswith("Provision only: nobody's need was counted.")


def test_a_larger_reach_never_takes_a_service_away(town: Town) -> None:
    study = load_study(town(NEEDS))
    assert isinstance(study.needs, NeedsPlan)
    counts = [
        find_within_reach(replace(study, needs=replace(study.needs, reach=reach))).counts for reach in (500.0, 1500.0)
    ]
    assert (counts[1] >= counts[0]).all().all()
    assert (counts[1] > counts[0]).any().any()
