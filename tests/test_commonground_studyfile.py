"""A study file is read as it was meant, or everything wrong with it is said at once."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commonground.errors import Problem, StudyError
from commonground.sampletown import sample_folder
from commonground.study import load_study, read_study
from commonground.studyfile import parse_study

SAMPLE = tomllib.loads((sample_folder() / "study.toml").read_text(encoding="utf-8"))
Path_ = tuple[str, ...]
Write = Callable[[Any], Path]


def toml(value: Any) -> str:
    """Write a value as TOML (inline)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a study whose relative files are those of the sample."""

    def _write(content: Any) -> Path:
        if isinstance(content, dict):
            folder = sample_folder()
            whole = copy.deepcopy(content)
            for table in [whole.get("areas"), *_tables(whole.get("inputs"))]:
                if isinstance(table, dict) and isinstance(table.get("file"), str) and table["file"].strip():
                    table["file"] = str(folder / table["file"])
            content = "".join(f"{json.dumps(key)} = {toml(item)}\n" for key, item in whole.items())
        file = tmp_path / "study.toml"
        file.write_text(content, encoding="utf-8")
        return file

    return _write


def _tables(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def changed(path: Path_, value: Any) -> dict[str, Any]:
    study = copy.deepcopy(SAMPLE)
    at(study, path[:-1])[path[-1]] = value
    return study


def at(study: dict[str, Any], path: Path_) -> Any:
    for key in path:
        study = study[key]
    return study


def nodes(table: dict[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    for key, value in table.items():
        yield (*above, key), value
        if isinstance(value, dict):
            yield from nodes(value, (*above, key))


def found(problems: list[Problem], column: str, words: str) -> Problem:
    """Return the problem at a key with these words, or fail with all of them."""
    hits = [p for p in problems if p.column == column and words in f"{p.rule} {p.help}"]
    assert hits, problems
    return hits[0]


WRONG = {
    str: [7, 7.5, True, [], {}, ["a", 7], [[]], dt.date(2024, 1, 1), "", "  "],
    list: [7, True, {}, [7], [[1]], [{}], [""], dt.date(2024, 1, 1)],
    bool: ["true", 1, [], {}],
    int: ["9", True, [], {}, -1, 0, float("nan"), float("inf")],
    dt.date: ["soon", 7, True, [], {}, "2025-02-30", "30/06/2025", dt.datetime(2025, 6, 30, 1), dt.date(1066, 1, 1)],
    dict: ["x", 7, True, [], [1], [[]], dt.date(2024, 1, 1)],
}


@pytest.mark.parametrize("path", [path for path, _ in nodes(SAMPLE)], ids=".".join)
def test_a_value_of_the_wrong_kind_anywhere_is_a_problem_and_never_a_traceback(path: Path_, write: Write) -> None:
    old = at(SAMPLE, path)
    for wrong in WRONG[type(old)]:
        _, problems = read_study(write(changed(path, wrong)))
        assert problems, f"{'.'.join(path)} = {wrong!r} was accepted"
        assert all(p.rule and p.help and p.column for p in problems)


OWN = (
    ("comparison", "areas"),
    ("needs", "slots"),
    ("needs", "framework"),
    ("needs", "lists"),
    ("categories", "group"),
)  # tables whose keys are the study's own words
KNOWN = [path for path, _ in nodes(SAMPLE) if len(path) < 4 and path[:2] not in OWN]
KNOWN = [path for path in KNOWN if len(path) != 2 or path[0] not in ("inputs", "outcomes")]


@pytest.mark.parametrize("path", KNOWN, ids=".".join)
def test_a_misspelt_key_is_named_with_the_one_that_was_meant(path: Path_, write: Write) -> None:
    misspelt = path[-1] + "z"
    study = changed((*path[:-1], misspelt), at(SAMPLE, path))
    del at(study, path[:-1])[path[-1]]
    _, problems = read_study(write(study))
    assert found(problems, ".".join((*path[:-1], misspelt)), "is not a known key").help == f"Did you mean {path[-1]}?"


def test_the_sample_study_has_no_problem_and_says_what_it_says(write: Write) -> None:
    study = load_study(write(SAMPLE))
    assert study.zones["treated"] == ("MH25", "MH26", "MH33", "MH34", "MH35")
    assert {name: span.months for name, span in study.phases.items()} == {"before": 24, "during": 3, "after": 9}
    assert study.outcomes["reports"].reporting == (0.5, 1.0)
    assert study.inputs["arrests"].phases == ("before", "after")
    assert study.needs is not None
    assert (study.needs.reach, study.needs.least) == (1000.0, 0.05)


DROP = object()
OPERATION = SAMPLE["operation"]
LOCKDOWN = {"name": "Lockdown", "start": "2023-03-01", "end": "2023-07-01"}
PEOPLE = "contacts, reports, police, arrests"
# What is wrong: the edits, words of what is said, and where it is said if not at the first edit.
EDITS: dict[str, tuple[Any, ...]] = {
    "no question": ({"question": DROP}, "is needed"),
    "no areas": ({"areas": DROP}, "is needed"),
    "no area code": ({"areas.code": DROP}, "is needed"),
    "no operation": ({"operation": DROP}, "is needed"),
    "no treated areas": ({"operation.treated": DROP}, "is needed"),
    "no before": ({"operation.before": DROP}, "is needed"),
    "no after": ({"operation.after": DROP}, "is needed"),
    "no inputs": ({"inputs": DROP}, "needs at least one source"),
    "no outcomes": ({"outcomes": DROP}, "needs at least one outcome"),
    "no comparison": ({"comparison": DROP}, "there is no comparison area", "comparison.areas"),
    "no comparison areas": ({"comparison.areas": DROP}, "there is no comparison area"),
    "empty comparison": ({"comparison.areas": {}}, "there is no comparison area"),
    "no rule": ({"comparison.rule": DROP}, "by which rule"),
    "comparison and none": ({"comparison.none": "x"}, "contradicts"),
    "no direction of good": ({"outcomes.reports.good": DROP}, "before looking"),
    "no goal": ({"outcomes.reports.goal": DROP}, "enforcement, trust, safety, access"),
    "no extract date": ({"policy.as_of": DROP}, "it drives the release lag"),
    "an extract date to come": ({"policy.as_of": "2999-01-01"}, "lies in the future"),
    "an extract too early": ({"policy.as_of": "2024-12-31"}, "cannot hold all of after"),
    "an unknown profile": ({"policy.profile": "private"}, "public, partner, open"),
    "treated and comparison": (
        {"operation.treated": ["MH25", "MH01"]}, "shares area MH01 with operation.treated", "comparison.areas"),
    "treated and ring": ({"operation.ring": ["MH25"]}, "shares area MH25 with operation.treated"),
    "an area twice": ({"operation.ring": ["MH09", "MH09"]}, "lists area MH09 twice"),
    "a zone called ring": ({"comparison.areas": {"ring": ["MH01"]}}, "another zone's name"),
    "overlapping phases": ({"operation.before": ["2022-01-01", "2024-02-01"]}, "overlaps before", "operation.during"),
    "phases out of order": ({"operation.before": ["2025-01-01", "2025-06-01"]}, "before, during, after"),
    "a phase backwards": ({"operation.after": ["2025-01-01", "2024-04-01"]}, "ends before it begins"),
    "an empty phase": ({"operation.after": ["2025-01-01", "2025-01-01"]}, "ends before it begins"),
    "a phase of one date": ({"operation.after": ["2025-01-01"]}, "two dates"),
    "the 31st of February": ({"operation.after": ["2024-04-01", "2025-02-31"]}, "dates that exist"),
    "an American date": ({"operation.after": ["04/01/2024", "01/01/2025"]}, "two dates"),
    "mid-month": ({"operation.during": ["2024-01-15", "2024-04-01"]}, "first of a month"),
    "a shorter after": ({"operation.months_after": 12}, "holds 9 whole months, fewer than the 12", "operation.after"),
    "a longer after": ({"operation.months_after": 6}, "more than the 6", "operation.after"),
    "an outcome of nothing": ({"outcomes.reports.input": "diaries"}, PEOPLE),
    "an outcome of services": ({"outcomes.reports.input": "services"}, PEOPLE),
    "a margin of 100 %": ({"outcomes.reports.margin": 1.0}, "between 0 and 1"),
    "reporting without reports": ({"outcomes.contacts.reporting": [0.5, 1]}, "reports = true"),
    "reporting upside down": ({"outcomes.reports.reporting": [1.0, 0.5]}, "the smaller first"),
    "a name with a slash": ({"outcomes.a/b": {}}, "plain name"),
    "an unknown format": ({"inputs.police.format": "word"}, "police_uk"),
    "columns of a known layout": ({"inputs.police.format": "police_uk"}, "knows its own", "inputs.police.columns"),
    "a known layout of another kind": ({"inputs.contacts.format": "police_uk"}, "incidents", "inputs.contacts.kind"),
    "two sources in one": ({"inputs.arrests.source": "Met"}, "Keep one of the two"),
    "open and not cited": ({"policy.profile": "open"}, "Cite the publication", "inputs.contacts.published"),
    "no file": ({"inputs.arrests.file": DROP}, "is needed"),
    "a list of no files": ({"inputs.arrests.file": []}, "is empty"),
    "a lost file": ({"inputs.arrests.file": "lost.csv"}, "not there (lost.csv)"),
    "a lost areas file": ({"areas.file": "lost.shp"}, "not there (lost.shp)"),
    "a file name with a null": ({"areas.file": "a\0b"}, "not there"),
    "a file name without end": ({"areas.file": "a" * 5000}, "not there"),
    "a lost key": ({"inputs.arrests.key": "no_such_key"}, "openssl rand"),
    "a phase that is none": ({"inputs.arrests.phases": ["between"]}, "before, during, after"),
    "a surface of nothing": ({"surface": "rivers"}, PEOPLE),
    "needs of no services": ({"needs.services": "contacts"}, "Use one of: services"),
    "a report backwards": ({"inputs.arrests.reported": [["2024-01-01", "2022-01-01"]]}, "ends before it begins"),
    "operation twice": ({"operation": [OPERATION, OPERATION]}, "a second study"),
    "operations": ({"operations": {"a": OPERATION}, "operation": DROP}, "a second study", "operation"),
    "two inside": ({"operation": {"a": OPERATION, "b": OPERATION}}, "a second study"),
    "a shock that is no list": ({"shocks": LOCKDOWN}, "Write [[shocks]]"),
    "shocks that are texts": ({"shocks": ["Lockdown"]}, "must be a list of tables"),
    "a shock without a name": ({"shocks": [{"start": "2023-03-01"}]}, "is needed", "shocks[1].name"),
    "a shock without a start": ({"shocks": [{"name": "A"}]}, "is needed", "shocks[1].start"),
    "a shock in mid-month": (
        {"shocks": [LOCKDOWN | {"start": "2023-03-23"}]}, "first of a month", "shocks[1].start"),
    "a shock that ends in mid-month": (
        {"shocks": [LOCKDOWN | {"end": "2023-07-04"}]}, "first of a month", "shocks[1].end"),
    "a shock that ends before it begins": (
        {"shocks": [LOCKDOWN | {"end": "2023-03-01"}]}, "does not lie after start", "shocks[1].end"),
    "a shock of an unknown outcome": (
        {"shocks": [LOCKDOWN | {"outcomes": ["rumours"]}]}, "names rumours, which is no", "shocks[1].outcomes"),
    "two shocks of one name": ({"shocks": [LOCKDOWN, LOCKDOWN]}, "of two shocks", "shocks[2].name"),
    "an unknown key of a shock": (
        {"shocks": [LOCKDOWN, {"name": "B", "start": "2023-03-01", "ends": 1}]}, "Did you mean end?", "shocks[2].ends"),
    "a shock that is over before": (
        {"shocks": [{"name": "A", "start": "2020-03-01", "end": "2022-01-01"}]}, "outside before", "shocks[1].start"),
    "a shock after the end": ({"shocks": [{"name": "A", "start": "2025-01-01"}]}, "outside before", "shocks[1].start"),
    "a shock throughout": ({"shocks": [{"name": "A", "start": "2022-01-01"}]}, "covers all of", "shocks[1].start"),
    "a shock still to be decided": (
        {"shocks": [LOCKDOWN, {"name": "TODO: say what", "start": "2023-03-01"}]}, "say what", "shocks[2].name"),
    "a recording flag in quotes": (
        {"shocks": [LOCKDOWN | {"recording": "yes"}]}, "true or false", "shocks[1].recording"),
    "an unknown key of the design": ({"design": {"matching": True}}, "Did you mean matched?", "design.matching"),
    "an unknown answer": ({"design": {"data_collection": "no"}}, "unlikely, likely, unknown", "design.data_collection"),
    "an answer without a reason": (
        {"design": {"data_collection": "likely"}}, "Say why data_collection is", "design.data_collection_reason"),
    "a choice without a reason": (
        {"design": {"allocation": "chosen"}}, "Say why allocation is chosen", "design.allocation_reason"),
    "a choice by fate": ({"design": {"allocation": "fate"}}, "random, chosen, unknown", "design.allocation"),
    "chance between one area": (
        {"design": {"allocation": "random", "allocation_reason": "Lots."}, "comparison": {"none": "The only town."}},
        "there is no comparison area", "design.allocation"),
    "matched with nothing": (
        {"design": {"matched": True}, "comparison": {"none": "The only town."}}, "no comparison", "design.matched"),
    "a placebo that is primary": (
        {"outcomes.police_violence.placebo": True, "outcomes.police_violence.primary": True}, "Leave primary out",
        "outcomes.police_violence.primary"),
    "a placebo with a good direction": (
        {"outcomes.contacts.placebo": True}, "either way", "outcomes.contacts.good"),
    "nothing but placebos": (
        {"outcomes": {"a": {"input": "police", "goal": "safety", "placebo": True}}}, "are all placebos"),
}  # fmt: skip


def edited(case: str, study: dict[str, Any] = SAMPLE) -> dict[str, Any]:
    """Return a study with one of the edits."""
    changed = copy.deepcopy(study)
    for place, value in EDITS[case][0].items():
        *above, key = place.split(".")
        table = at(changed, tuple(above))
        if value is DROP:
            del table[key]
        else:
            table[key] = value
    return changed


@pytest.mark.parametrize("case", EDITS)
def test_each_contradiction_is_named_where_it_stands(case: str, write: Write) -> None:
    edits, words, *place = EDITS[case]
    file = write(edited(case))
    found(parse_study(file)[1], *(place or [next(iter(edits))]), words)
    with pytest.raises(StudyError, match="nothing was run"):
        load_study(file)


@pytest.mark.parametrize("case", [name for name in EDITS if name not in ("no operation", "no inputs", "no outcomes")])
def test_one_mistake_makes_few_problems(case: str, write: Write) -> None:
    assert 1 <= len(parse_study(write(edited(case)))[1]) <= 5  # an input stands in two lists, too


def test_all_mistakes_are_listed_at_once(write: Write) -> None:
    study = {**SAMPLE, "colour": "green"}
    for case in ("no question", "no rule", "overlapping phases", "no goal", "a lost file", "an unknown profile"):
        study = edited(case, study)
    with pytest.raises(StudyError) as refused:
        load_study(write(study))
    assert set(refused.value.problems["column"]) == {
        "question", "comparison.rule", "operation.during", "outcomes.reports.goal", "inputs.arrests.file",
        "policy.profile", "colour",
    }  # fmt: skip


def test_who_may_sign_and_who_may_object_is_read(write: Write) -> None:
    study = load_study(
        write({**SAMPLE, "release": {"approvers": ["Ada Lovelace", "Prince"], "partners": ["Outreach"]}})
    )
    assert (study.approvers, study.partners) == (("Ada Lovelace", "Prince"), ("Outreach",))
    assert (load_study(write(SAMPLE)).approvers, load_study(write(SAMPLE)).partners) == ((), ())


@pytest.mark.parametrize(
    ("keys", "at", "rule", "advice"),
    [
        ({"approvers": ["ada@home.org"]}, "approvers", "is an e-mail address or an", "Give first and last name."),
        ({"approvers": ["<b> Ada"]}, "approvers", "is no person's name", "Give first and last name, letters only."),
        ({"approvers": []}, "approvers", "is empty", "Name at least one, or leave it out: then anybody may."),
        ({"approvers": "Ada Lovelace"}, "approvers", "must be a list of texts", 'Write approvers = ["...", "..."].'),
        ({"partners": ["x" * 81]}, "partners", "is longer than 80 characters", "Say it shorter."),
        ({"partners": ["Outreach", "outreach "]}, "partners", "names somebody twice", "Name each once."),
        ({"approver": ["Ada Lovelace"]}, "approver", "is not a known key", "Did you mean approvers?"),
    ],
)  # fmt: skip
def test_a_signer_who_could_not_sign_is_a_problem_before_anything_is_run(
    keys: dict[str, Any], at: str, rule: str, advice: str, write: Write
) -> None:
    _, problems = read_study(write({**SAMPLE, "release": keys}))
    assert found(problems, f"release.{at}", rule).help == advice
    assert len(problems) == 1


SYNTAX = {
    "a torn line": ('title = "x\n', "is not valid TOML"),
    "two operations": ("[operation]\nname = 'a'\n[operation]\nname = 'b'\n", "is given more than once"),
    "a table twice": ("[areas]\ncode = 'a'\n[areas]\ncode = 'b'\n", "gives a table or key twice"),
    "a key twice": ("title = 'a'\ntitle = 'b'\n", "gives a table or key twice"),
    "an endless number": ("title = " + "9" * 5000, "is not valid TOML"),
    "a nest": ("title = " + "[" * 20_000, "is not valid TOML"),
    "a null": ("title = '\0'", "is not valid TOML"),
    "an empty file": ("", "is needed"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_a_file_that_is_no_toml_is_refused_with_the_line(case: str, write: Write) -> None:
    content, words = SYNTAX[case]
    _, problems = parse_study(write(content))
    assert any(words in problem.rule for problem in problems), problems
    if case == "two operations":
        assert (problems[0].row, problems[0].column) == (3, "operation")


def test_a_byte_order_mark_and_windows_lines_are_read(write: Write) -> None:
    file = write(SAMPLE)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert load_study(file).title == SAMPLE["title"]


def test_a_file_in_another_encoding_says_so(write: Write) -> None:
    file = write({})
    file.write_bytes("title = 'café'".encode("latin-1"))
    assert parse_study(file)[1][0].rule == "is not UTF-8 text"


def test_a_missing_study_and_a_folder_without_one_say_so(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "lost.toml"):
        with pytest.raises(StudyError, match="must exist"):
            load_study(path)


def test_missing_data_says_which_variable_to_set_and_where_the_originals_are(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    study = changed(("data",), {"variable": "OUR_DATA", "originals": "Ask the harbour office."})
    study["areas"]["file"] = "{data}/areas.geojson"
    file = write("".join(f"{json.dumps(key)} = {toml(item)}\n" for key, item in study.items()))
    monkeypatch.delenv("OUR_DATA", raising=False)
    said = found(parse_study(file)[1], "areas.file", "OUR_DATA").help
    assert "it is not set" in said
    assert "Ask the harbour office." in said
    assert "Ask the harbour office." in found(parse_study(file)[1], "inputs.police.file", "relative").help
    monkeypatch.setenv("OUR_DATA", str(tmp_path))
    assert "set to another" in found(parse_study(file)[1], "areas.file", "OUR_DATA").help
    monkeypatch.setenv("OUR_DATA", str(sample_folder()))
    assert not [p for p in parse_study(file)[1] if p.column == "areas.file"]


def test_what_is_marked_todo_is_listed_once_and_in_words(write: Write) -> None:
    study = changed(("question",), "TODO: write the question")
    study["operation"]["treated"] = ["TODO: list the areas"]
    study["outcomes"]["reports"]["good"] = "TODO"
    problems = parse_study(write(study))[1]
    assert [(p.column, p.rule) for p in problems] == [
        ("question", "is still to be decided"),
        ("operation.treated", "is still to be decided"),
        ("outcomes.reports.good", "is still to be decided"),
    ]
    assert problems[0].help == "write the question"


def test_what_the_sources_can_see_and_whether_totals_stand_beside_levels_reach_the_plan(write: Write) -> None:
    declared = {"categories": {"setting": ["street", "indoor", "online"]}, "seen": {"setting": ["street", "indoor"]}}
    policy = {**SAMPLE["policy"], "totals": True}
    plain = {key: value for key, value in SAMPLE.items() if key != "needs"}  # its groups are another category
    study = load_study(write({**plain, **declared, "policy": policy}))
    assert study.plan.seen == {"setting": ("street", "indoor")}
    assert study.plan.totals
    assert not load_study(write(SAMPLE)).plan.totals


def test_a_category_that_can_be_seen_has_to_be_declared(write: Write) -> None:
    _, problems = parse_study(write({**SAMPLE, "seen": {"mood": ["good"]}}))
    assert found(problems, "seen", "names a category that is not declared")


DESIGN = {
    "data_collection": "unlikely", "data_collection_reason": "Same forms throughout.",
    "allocation": "chosen", "allocation_reason": "The force chose it.", "matched": False,
}  # fmt: skip


def test_what_is_said_of_shocks_design_and_placebos_is_read(write: Write) -> None:
    shocks = [
        {**LOCKDOWN, "outcomes": ["reports"]},
        {"name": "New forms", "start": dt.date(2024, 1, 1), "recording": True},
    ]
    outcomes = {**SAMPLE["outcomes"], "bicycles": {"input": "police", "goal": "safety", "placebo": True}}
    study = load_study(write({**SAMPLE, "shocks": shocks, "design": DESIGN, "outcomes": outcomes}))
    first, second = study.shocks
    assert (first.name, f"{first.start:%Y-%m-%d}", f"{first.end:%Y-%m-%d}") == ("Lockdown", "2023-03-01", "2023-07-01")
    assert (first.outcomes, first.recording, first.coincides) == (("reports",), False, False)
    assert (second.outcomes, second.end, second.recording, second.coincides) == (tuple(outcomes), None, True, True)
    assert dataclasses.asdict(study.design) == DESIGN
    bicycles = study.outcomes["bicycles"]
    assert (bicycles.placebo, bicycles.primary, bicycles.good) == (True, False, "neither")
    assert not study.outcomes["reports"].placebo
    assert [shock.name for shock in study.shocks_of("arrests")] == ["New forms"]
    assert [shock.name for shock in study.coinciding("reports")] == ["New forms"]


def test_a_study_that_says_nothing_of_them_has_none_and_answers_unknown(write: Write) -> None:
    study = load_study(write({key: value for key, value in SAMPLE.items() if key != "design"}))
    assert (study.shocks, study.coinciding("reports")) == ((), ())
    assert (study.design.data_collection, study.design.allocation, study.design.matched) == ("unknown", "unknown", None)


# The sample: before ends on 31 December 2023, the operation begins on 1 January 2024, after begins on 1 April 2024.
@pytest.mark.parametrize(
    ("start", "end", "coincides"),
    [
        ("2023-12-01", None, False),  # one month before has it
        ("2024-01-01", None, True),
        ("2024-03-01", None, True),
        ("2024-04-01", None, True),
        ("2024-05-01", None, False),  # one month after has not
        ("2024-04-01", "2024-06-01", True),  # begins with after, even if it ends within it
        ("2024-01-01", "2024-04-01", False),  # over before any month that is compared
        ("2020-01-01", "2024-01-01", True),  # all of before had it, no month after
        ("2022-06-01", "2024-01-01", False),
    ],
)
def test_a_shock_coincides_when_no_month_tells_it_from_the_operation(
    start: str, end: str | None, coincides: bool, write: Write
) -> None:
    spec = {"name": "A", "start": start} | ({"end": end} if end else {})
    (shock,) = load_study(write({**SAMPLE, "shocks": [spec]})).shocks
    assert shock.coincides == coincides


@pytest.mark.parametrize("good", ["fall", "rise", "neither"])
def test_the_direction_that_would_be_good_is_one_of_three_words(good: str, write: Write) -> None:
    assert load_study(write(changed(("outcomes", "reports", "good"), good))).outcomes["reports"].good == good


@pytest.mark.parametrize("key", ["shocks", "design"])
def test_a_value_of_the_wrong_kind_in_the_new_tables_is_a_problem_and_never_a_traceback(key: str, write: Write) -> None:
    whole: dict[str, Any] = (
        {**LOCKDOWN, "outcomes": ["reports"], "recording": True} if key == "shocks" else dict(DESIGN)
    )
    for name, value in whole.items():
        for wrong in WRONG[dt.date if name in ("start", "end") else type(value)]:
            spec = {**whole, name: wrong}
            _, problems = read_study(write({**SAMPLE, key: [spec] if key == "shocks" else spec}))
            assert problems, f"{key}.{name} = {wrong!r} was accepted"


def test_what_a_study_file_says_is_kept_as_it_was_read(write: Write) -> None:
    file = write(SAMPLE)
    study = load_study(file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text("", encoding="utf-8")
    assert study.digest == digest
    assert study.declared["outcomes.reports.reporting"] == [0.5, 1]
