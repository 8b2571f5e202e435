"""The threat model names tests: each exists, each is counted, and the document says what it must."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = (HERE.parent / "docs" / "safeguards.md").read_text(encoding="utf-8")
TEXT, LIST = DOCUMENT.split("## Which test shows what")
NOTES = {
    int(number): body for number, body in re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |\Z)", LIST, re.MULTILINE | re.DOTALL)
}
PERSONS = ("offender with local knowledge", "neighbour", "enforcement team with other data", "insider with one record",
           "analyst in a hurry")  # fmt: skip


def named(body: str) -> list[tuple[str, str]]:
    """File and test, for each test that a note names."""
    groups = re.findall(r"`(\w+)\.py`: (.*?)(?=;\s+`\w+\.py`|\Z)", body, re.DOTALL)
    return [(file, test) for file, tests in groups for test in re.findall(r"`(test_\w+)`", tests)]


def names_in(file: str) -> set[str]:
    path = HERE / f"test_{file}.py"
    source = path.read_text(encoding="utf-8") if path.is_file() else ""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("number", sorted(NOTES))
def test_every_test_that_the_document_names_exists(number: int) -> None:
    found = named(NOTES[number])
    assert len(found) == NOTES[number].count("`test_") > 0
    for file, test in found:
        assert test in names_in(file), f"{test} is not in tests/test_{file}.py"


def test_a_test_that_does_not_exist_would_be_missed() -> None:
    assert named("`commonground_pseudonyms.py`: `test_one`,\n   `test_two`; `other.py`: `test_three`") == [
        ("commonground_pseudonyms", "test_one"),
        ("commonground_pseudonyms", "test_two"),
        ("other", "test_three"),
    ]
    assert "test_one" not in names_in("commonground_pseudonyms")
    assert not names_in("other")


def test_every_bracket_has_its_note_and_every_note_its_bracket() -> None:
    assert {int(number) for number in re.findall(r"\[(\d+)\]", TEXT)} == set(NOTES)
    assert list(NOTES) == list(range(1, len(NOTES) + 1))


def test_every_attack_in_a_table_names_a_test() -> None:
    rows = [line for line in TEXT.split("## Who might misuse")[1].split("## What is promised")[0].splitlines()
            if line.startswith("|")]  # fmt: skip
    attacks = [row for row in rows if not row.startswith(("| tries", "| ---"))]
    assert len(attacks) >= 20
    assert [row for row in attacks if not re.search(r"\[\d+\] \|$", row)] == []


def test_each_person_is_met_with_what_remains() -> None:
    parts = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
    for person in PERSONS:
        part = next(part for part in parts if person in part.splitlines()[0])
        assert "*What remains.*" in part


def test_it_is_short_plain_and_does_not_promise_too_much() -> None:
    assert DOCUMENT.count("\n") <= 300
    for said in (
        "not differential privacy",
        "Other agencies' releases",
        "one bit",
        "has no secret",
        "never calls anything",
    ):
        assert said in " ".join(DOCUMENT.split())
    assert len(re.findall("anonym", DOCUMENT)) == DOCUMENT.count("never calls anything anonymous") + DOCUMENT.count(
        "calls_anything_anonymous"
    )
