"""A plan is written down once, with its date; whatever differs from it afterwards is said."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import os
import shutil
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground import registration as module
from commonground.errors import CommonGroundError
from commonground.plans import differences, flat_plan, plan_hash
from commonground.registration import (
    deviations,
    deviations_frame,
    register_plan,
    registration,
    registration_path,
    registration_sentences,
)
from commonground.sampletown import lay_out, sample_folder
from commonground.study import Study, load_study

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = [ROOT / "data" / "sample", *sorted((ROOT / "examples").iterdir())]
NAME = "study.registration.json"
PLAN = {"title": "Harbour", "policy": {"as_of": dt.date(2025, 6, 30)}, "needs": {"reach": 1000.0}, "ring": []}


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """The sample study without its registration."""
    folder = lay_out(tmp_path).parent
    (folder / NAME).unlink()
    return folder


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the machine's date."""
    return lambda day: monkeypatch.setattr(module, "_today", lambda: dt.date.fromisoformat(day))


def edit(folder: Path, old: str, new: str) -> Study:
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_study(folder)


# --- what a plan is


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("# a comment\n[a]\nb = 1 # another\n", {"a.b": 1}),
        ("a.b = 1.0", {"a.b": 1}),
        ("[a]\n'b c' = true\nd = []\ne = {}", {'a."b c"': True}),
        ("day = 2024-01-01\nsame = ' 2024-01-01'", {"day": "2024-01-01", "same": "2024-01-01"}),
        ("[[s]]\nname = 'x'\nv = 1\n[[s]]\nname = 'y'", {"s.x.name": "x", "s.x.v": 1, "s.y.name": "y"}),
        ("[[s]]\nv = 1\n[[s]]\nname = 'y'", {"s.1.v": 1, "s.2.name": "y"}),
        ("a = [['2022-01-01', '2023-01-01']]\nb = inf", {"a": [["2022-01-01", "2023-01-01"]], "b": "inf"}),
        ("a = [1, {b = 12:30:00}]", {"a": [1, {"b": "12:30:00"}]}),
    ],
)  # fmt: skip
def test_a_plan_is_one_line_a_key_without_comments_and_layout(text: str, flat: dict[str, Any]) -> None:
    assert flat_plan(tomllib.loads(text)) == flat


def test_the_hash_of_a_plan_is_that_of_its_canonical_json() -> None:
    # by hand: RFC 8785 would give the same text for these values
    text = '{"needs.reach":1000,"policy.as_of":"2025-06-30","title":"Harbour"}'
    assert plan_hash(flat_plan(PLAN)) == hashlib.sha256(text.encode()).hexdigest()
    assert plan_hash({"b": 1, "a": 2}) == plan_hash({"a": 2, "b": 1})


TREES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), TREES, max_size=4))
def test_a_plan_differs_from_itself_in_nothing_whatever_the_order_of_its_keys(raw: dict[str, Any]) -> None:
    turned = dict(reversed(list(raw.items())))
    assert differences(flat_plan(raw), flat_plan(turned)) == ()
    assert plan_hash(flat_plan(raw)) == plan_hash(flat_plan(turned))


@given(st.dictionaries(st.text(max_size=4), TREES, max_size=4), st.dictionaries(st.text(max_size=4), TREES, max_size=4))
def test_two_plans_have_one_hash_exactly_when_nothing_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = flat_plan(one), flat_plan(other)
    assert (plan_hash(first) == plan_hash(second)) == (differences(first, second) == ())


def test_every_key_that_was_added_dropped_or_changed_is_listed_and_those_that_matter_come_first() -> None:
    planned = {"title": "A", "outcomes.x.margin": 0.2, "outcomes.x.primary": True, "seen.a": ["b"]}
    run = {"title": "B", "outcomes.x.margin": 0.3, "outcomes.x.primary": 1, "surface": "x"}
    found = differences(planned, run)
    assert [(one.key, one.planned, one.run, one.matters) for one in found] == [
        ("outcomes.x.margin", "0.2", "0.3", True),
        ("outcomes.x.primary", "true", "1", True),
        ("seen.a", "b", None, True),
        ("surface", None, "x", True),
        ("title", "A", "B", False),
    ]
    assert [one.sentence for one in found[::2]] == [
        "outcomes.x.margin was changed; planned was: 0.2; the run has: 0.3.",
        "seen.a was dropped; planned was: b.",
        "title was changed; planned was: A; the run has: B.",
    ]
    assert found[3].sentence == "surface was added: x."


def test_of_long_lists_the_entries_that_differ_are_named_and_order_alone_does_not_matter() -> None:
    codes = [f"E0100{number:04d}" for number in range(30)]
    (dropped,) = differences({"operation.ring": codes}, {"operation.ring": codes[:-1]})
    assert (dropped.planned, dropped.run) == ("E01000029, beside what both have", "nothing beside what both have")
    (turned,) = differences({"operation.ring": codes}, {"operation.ring": codes[::-1]})
    assert (turned.run, turned.matters) == ("the same in another order", False)
    (many,) = differences({}, {"operation.ring": codes})
    assert many.run is not None
    assert many.run.endswith("E01000011 and 18 more")


def test_names_of_people_and_folders_of_a_machine_are_not_repeated() -> None:
    planned = {"release.approvers": ["Ada Lovelace"], "inputs.a.key": "SECRET_A", "inputs.a.file": "/home/ada/a.csv",
               "data.folder": "/home/ada", "areas.file": "/home/ada/areas.shp"}  # fmt: skip
    run = {"release.approvers": ["Jo Day"], "inputs.a.key": "SECRET_B", "inputs.a.file": ["/home/jo/a.csv", "b.csv"],
           "areas.file": "/home/jo/areas.shp"}  # fmt: skip
    found = {one.key: one for one in differences(planned, run)}
    assert not [word for word in ("Ada", "Jo", "SECRET", "home", "jo/") if word in str(found)]
    assert (found["inputs.a.file"].planned, found["inputs.a.file"].run) == ("a.csv", "a.csv, b.csv")
    assert (found["areas.file"].planned, found["areas.file"].run) == ("areas.shp", "areas.shp, elsewhere")
    assert {key for key, one in found.items() if not one.matters} == {"release.approvers"}


# --- writing it down


def test_a_registration_holds_the_date_both_hashes_the_plan_and_the_version(
    town: Path, on: Callable[[str], None]
) -> None:
    on("2024-03-31")
    study = load_study(town)
    assert study.registration is None
    made = register_plan(study)
    written = json.loads((town / NAME).read_text(encoding="utf-8"))
    assert set(written) == {
        "format",
        "date",
        "occasion",
        "plan",
        "plan_sha256",
        "file_sha256",
        "commonground",
        "sha256",
    }
    raw = tomllib.loads((town / "study.toml").read_text(encoding="utf-8"))
    assert written["plan"] == flat_plan(raw) == made.plan
    assert written["plan"]["operation.before"] == ["2022-01-01", "2024-01-01"]
    assert written["plan_sha256"] == plan_hash(flat_plan(raw))
    assert written["file_sha256"] == hashlib.sha256((town / "study.toml").read_bytes()).hexdigest()
    assert (made.date, made.occasion, made.state) == (dt.date(2024, 3, 31), "check", "whole")
    assert study.registration == made == registration(town) == registration(town / "study.toml")


def test_the_same_study_registered_on_the_same_day_gives_the_same_bytes_whatever_it_is_called(
    town: Path, on: Callable[[str], None]
) -> None:
    on("2026-01-02")
    register_plan(load_study(town))
    renamed = Path(shutil.move(town / "study.toml", town / "harbour.toml"))
    register_plan(load_study(renamed), occasion="check")
    assert (town / "harbour.registration.json").read_bytes() == (town / NAME).read_bytes()


def test_a_registration_is_never_overwritten(town: Path, on: Callable[[str], None]) -> None:
    on("2024-01-01")
    register_plan(load_study(town))
    first = (town / NAME).read_bytes()
    on("2025-01-01")
    study = edit(town, "reach = 1000", "reach = 500")
    assert register_plan(study, occasion="run").date == dt.date(2024, 1, 1)
    assert (town / NAME).read_bytes() == first


def test_whoever_comes_second_finds_the_first_and_leaves_nothing_behind(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, there = load_study(town), os.path.lexists
    (town / NAME).write_text("the first", encoding="utf-8")
    monkeypatch.setattr(os.path, "lexists", lambda path: Path(path).name != NAME and there(path))
    with pytest.raises(CommonGroundError, match="went as soon as it was written"):
        register_plan(study)
    monkeypatch.undo()
    assert (town / NAME).read_text(encoding="utf-8") == "the first"
    assert [path.name for path in town.iterdir() if path.name.startswith(".")] == []


def test_a_file_system_without_links_gets_the_same_file(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert register_plan(load_study(town)).state == "whole"
    assert [path.name for path in town.iterdir() if path.name.startswith(".")] == []


def test_a_link_in_its_place_is_neither_followed_nor_replaced(town: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.json"
    for content in (None, "mine"):
        if content is not None:
            victim.write_text(content, encoding="utf-8")
        (town / NAME).unlink(missing_ok=True)
        (town / NAME).symlink_to(victim)
        assert register_plan(load_study(town)).state == "unreadable"
        assert (town / NAME).is_symlink()
        assert victim.exists() == (content is not None)
    assert victim.read_text(encoding="utf-8") == "mine"


def test_a_link_to_the_registration_of_another_study_is_not_read(town: Path, tmp_path: Path) -> None:
    register_plan(load_study(town))
    elsewhere = Path(shutil.move(town / NAME, tmp_path / "other.registration.json"))
    (town / NAME).symlink_to(elsewhere)
    assert registration(town).state == "unreadable"  # type: ignore[union-attr]


def test_a_pipe_in_its_place_is_not_waited_for(town: Path) -> None:
    os.mkfifo(town / NAME)
    assert register_plan(load_study(town)).state == "unreadable"


def test_a_crash_while_writing_leaves_no_half_of_a_registration(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommonGroundError, match=r"could not be registered.*No space left"):
        register_plan(load_study(town))
    assert not [path.name for path in town.iterdir() if "registration" in path.name]


def test_a_folder_that_cannot_be_written_to_says_what_to_do(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(module, "_write", refuse)
    with pytest.raises(CommonGroundError, match=r"study\.registration\.json cannot be written \(Read-only.*check the"):
        register_plan(load_study(town))


def test_only_a_check_and_a_run_register(town: Path) -> None:
    with pytest.raises(CommonGroundError, match="must be one of: check, run"):
        register_plan(load_study(town), occasion="whim")


def test_it_is_an_ordinary_file_that_colleagues_may_read(town: Path) -> None:
    before = os.umask(0o027)
    try:
        register_plan(load_study(town))
    finally:
        os.umask(before)
    assert stat.S_IMODE((town / NAME).stat().st_mode) == 0o640


# --- what it says afterwards


def test_comments_and_layout_are_no_deviation_and_a_changed_value_is(town: Path) -> None:
    register_plan(load_study(town))
    study = edit(town, 'title = "Operation', '# one more comment\ntitle   =   "Operation')
    assert study.deviations == deviations(study) == ()
    assert registration_sentences(study)[-1] == (
        "Nothing in the plan was changed since (comments or layout of the file did)."
    )
    study = edit(town, "reporting = [0.5, 1.0]", "reporting = [0.8, 1.0]")
    study = edit(town, 'label = "Arrests"', 'label = "Arrests made"')
    assert deviations_frame(study).to_numpy().tolist() == [
        ["outcomes.reports.reporting", "0.5, 1", "0.8, 1", True],
        ["outcomes.arrests.label", "Arrests", "Arrests made", False],
    ]
    said = registration_sentences(study)[-1]
    assert said == "2 entries differ from the registered plan, 1 of which can change results."


def test_what_is_compared_is_the_study_as_it_was_read(town: Path) -> None:
    study = load_study(town)
    edit(town, "reach = 1000", "reach = 500")
    assert register_plan(study).plan["needs.reach"] == 1000
    assert study.deviations == ()
    assert [one.key for one in load_study(town).deviations] == ["needs.reach"]


def test_a_study_without_deviations_has_an_empty_table_of_the_same_columns(town: Path) -> None:
    study = load_study(town)
    for frame in (deviations_frame(study), deviations_frame(load_study(town))):
        assert list(frame.columns) == ["key", "planned", "run", "matters"]
        assert frame.empty
        assert frame["matters"].dtype == bool
    assert "is not registered: nothing shows what was decided" in registration_sentences(study)[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [("date", "2021-01-01"), ("commonground", "9.9"), ("occasion", "run"), ("file_sha256", "0" * 64), ("more", 1)],
)
def test_a_registration_that_was_edited_is_noticed(town: Path, key: str, value: object) -> None:
    study = load_study(town)
    register_plan(study)
    written = json.loads((town / NAME).read_text(encoding="utf-8"))
    (town / NAME).write_text(json.dumps({**written, key: value}), encoding="utf-8")
    assert registration(study) is not None
    assert study.registration.state == "edited"  # type: ignore[union-attr]
    assert "was changed after it was written, so it cannot show what was planned" in " ".join(
        registration_sentences(study)
    )


def test_a_plan_that_was_edited_to_fit_the_run_is_noticed_even_with_its_own_hash_corrected(town: Path) -> None:
    register_plan(load_study(town))
    study = edit(town, "reach = 1000", "reach = 500")
    written = json.loads((town / NAME).read_text(encoding="utf-8"))
    written["plan"]["needs.reach"] = 500
    for corrected in ({}, {"plan_sha256": plan_hash(written["plan"])}):
        (town / NAME).write_text(json.dumps({**written, **corrected}), encoding="utf-8")
        assert registration(study).state == "edited"  # type: ignore[union-attr]
        assert not any("Nothing in the plan was changed" in line for line in registration_sentences(study))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b"null", b"\xff", b'{"sha256": 1}', b"[" * 100_000,
     b'{"sha256": "x", "format": "commonground registration 99"}',
     b'{"sha256": "x", "format": "commonground registration 1", "date": "soon", "plan": {}, "plan_sha256": "y"}'],
)  # fmt: skip
def test_whatever_else_lies_there_is_said_to_be_no_registration(town: Path, content: bytes) -> None:
    (town / NAME).write_bytes(content)
    study = load_study(town)
    assert register_plan(study).state == "unreadable"
    assert study.deviations == ()
    assert registration_sentences(study) == (
        "study.registration.json is no registration that this version can read: it cannot show what was planned. "
        "Restore it from a copy.",
    )
    assert (town / NAME).read_bytes() == content


LAST, KNOWN = "It was written after the period it evaluates was over (31 December 2024)", "the data had been extracted"


@pytest.mark.parametrize(
    ("day", "said", "not_said"),
    [
        ("2024-03-31", "The months that it evaluates had not begun.", LAST),
        ("2024-04-01", "The months that it evaluates had begun (1 April 2024).", LAST),
        ("2024-12-31", "The months that it evaluates had begun (1 April 2024).", LAST),
        ("2025-01-01", f"{LAST}.", KNOWN),
        ("2025-06-30", f"{LAST}.", KNOWN),
        ("2025-07-01", f"{LAST} and {KNOWN} (30 June 2025).", "not begun"),
    ],
)
def test_the_date_is_said_with_what_could_be_known_by_then(
    town: Path, on: Callable[[str], None], day: str, said: str, not_said: str
) -> None:
    on(day)
    study = load_study(town)
    register_plan(study)
    told = registration_sentences(study)
    assert told[0] == f"The plan was registered on {dt.date.fromisoformat(day):%-d %B %Y} (the machine's date)."
    assert told[1] == said
    assert not_said not in " ".join(told)


def test_a_plan_first_registered_by_a_run_says_so(town: Path, on: Callable[[str], None]) -> None:
    on("2024-01-01")
    study = load_study(town)
    register_plan(study, occasion="run")
    assert registration_sentences(study)[0] == (
        "The plan was registered on 1 January 2024 (the machine's date) by the first run: it was not fixed before the "
        "data could be read."
    )


# --- what is shipped


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.name)
def test_each_study_that_is_shipped_keeps_to_its_registration(folder: Path) -> None:
    """When a shipped study is changed on purpose: remove its registration, check it, and commit both."""
    found = registration(folder)
    raw = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    assert found is not None
    assert found.state == "whole"
    assert [one.sentence for one in differences(found.plan, flat_plan(raw))] == []


def test_the_demonstration_brings_its_registration_with_it(tmp_path: Path) -> None:
    study = load_study(lay_out(tmp_path))
    assert (study.path.parent / NAME).read_bytes() == (sample_folder() / NAME).read_bytes()
    assert study.deviations == ()
    before = copy.deepcopy(registration_sentences(study))
    register_plan(study, occasion="run")
    assert registration_sentences(study) == before


def test_a_registration_lies_beside_its_study_file(tmp_path: Path) -> None:
    assert registration_path(tmp_path / "harbour.toml") == tmp_path / "harbour.registration.json"
    assert registration_path(str(tmp_path)) == tmp_path / NAME
