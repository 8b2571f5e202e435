"""A held ledger: nothing is written before the release, then everything in one piece; trees alone at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commonground.disclosure import Ledger, chain, protect
from commonground.disclosure.ledger import RecordSet
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import tally

YEAR = Period("2023-01-01", "2024-01-01")
ARRESTS, INCIDENTS = RecordSet("arrests", ("x",)), RecordSet("incidents", ("y",))
LABELS = {("a", "2023"): 25, ("b", "2023"): None}
BLOCKS = [{"areas": ["a", "b"], "parts": ["2023"]}]
MANIFEST, OTHER = "1" * 64, "2" * 64


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "study.ledger"


def entries(book: Path) -> list[str]:
    return [json.loads(line)["entry"] for line in book.read_text(encoding="utf-8").splitlines()]


def begun(book: Path, records: RecordSet = ARRESTS, labels: dict[tuple[str, ...], int | None] = LABELS) -> Ledger:
    ledger = Ledger(book, study="Town", held=True)
    ledger.declare(records, "2023", YEAR, "t")
    ledger.write_labels(records, "2023", "events", labels)
    return ledger


def test_the_tree_is_written_at_once_and_nothing_else(book: Path) -> None:
    ledger = begun(book)
    ledger.write_cut(ARRESTS, "2023", YEAR, "partner", {"blocks": BLOCKS, "levels": [], "by": []})
    ledger.write_evaluation("outcome", "definition", {"ratio": 0.5})
    ledger.write_extra(ARRESTS, "2023", "by hour", {"rows": []})
    assert entries(book) == ["study", "tree"]
    ledger.commit(MANIFEST)
    assert entries(book) == ["study", "tree", "labels", "cut", "evaluation", "extra", "release"]


def test_a_refusal_is_written_at_once_since_it_is_seen_without_a_release(book: Path) -> None:
    """Forgotten, it would tell whoever adds one record and sees the release pass how many there were."""
    ledger = begun(book)
    ledger.write_cut(INCIDENTS, "2023", YEAR, "partner", {"blocks": [], "levels": [], "by": []})
    ledger.write_extra(INCIDENTS, "2023", "by hour", {"refused": True})
    assert entries(book) == ["study", "tree", "cut", "extra"]


def test_what_is_held_is_found_again_by_the_run_itself(book: Path) -> None:
    ledger = begun(book)
    ledger.write_cut(ARRESTS, "2023", YEAR, "partner", {"blocks": BLOCKS, "levels": [], "by": ("setting",)})
    ledger.write_evaluation("outcome", "definition", {"ratio": 0.5})
    for _ in range(2):
        assert ledger.find_labels(ARRESTS, "2023", "events") == [LABELS]
        found = ledger.find_cut(ARRESTS, "2023", YEAR, "partner")
        assert found is not None
        assert found["by"] == ["setting"]  # as it is read back
        assert (ledger.find_evaluation("outcome") or {})["row"] == {"ratio": 0.5}
        if not ledger.releases:
            ledger.commit(MANIFEST)
    assert Ledger(book).find_labels(ARRESTS, "2023", "events") == [LABELS]
    assert Ledger(book).releases == (MANIFEST,)


def test_a_run_that_holds_a_ledger_reads_the_same_as_one_that_does_not(tmp_path: Path) -> None:
    people = {"a": 20, "b": 5, "c": 30, "d": 11}
    frame = pd.DataFrame(
        [{"start": "2023-05-01", "area": a, "person": f"{a}{i}", "event": f"{a}{i % 7}"} for a, n in people.items()
         for i in range(n)]
    )  # fmt: skip
    span = [{"source": "contacts", "area": None, "start": YEAR.start, "end": YEAR.end}]
    counted = tally(read_records(frame, "contacts").with_coverage(pd.DataFrame(span)), every="year", window=YEAR)
    held, free = Ledger(tmp_path / "held", held=True), Ledger(tmp_path / "free")
    for count in ("persons", "events"):
        one, two = (
            protect(counted.as_count(count), hierarchy=(("a", "b"), ("c", "d")), ledger=book) for book in (held, free)
        )
        assert one.rows == two.rows
    assert entries(tmp_path / "held") == ["study", "tree"]
    held.commit(MANIFEST)
    assert entries(tmp_path / "held") == [*entries(tmp_path / "free"), "release"]


def test_everything_is_written_in_one_piece(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, real, written = begun(book), os.write, []
    monkeypatch.setattr(chain.os, "write", lambda to, data: written.append(bytes(data)) or real(to, data))
    ledger.commit(MANIFEST)
    assert len(written) == 1
    assert written[0].count(b"\n") == 2


def test_a_part_of_a_commit_counts_for_nothing(book: Path) -> None:
    """Whole rows, but not all of those that belong together: labels without their release."""
    ledger = begun(book)
    before = book.read_bytes()
    ledger.commit(MANIFEST)
    whole = book.read_bytes()
    for end in range(len(before), len(whole) - 1):
        book.write_bytes(whole[:end])
        left = Ledger(book)
        assert (left.find_labels(ARRESTS, "2023", "events"), left.releases) == ([], ())
    book.write_bytes(whole[: whole.rindex(b'{"entry": "release"')])
    begun(book).commit(MANIFEST)
    assert book.read_bytes() == whole


def test_a_full_disk_leaves_the_ledger_as_it_was(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, real = begun(book), os.write
    before = book.read_bytes()

    def full(to: int, data: Any) -> int:
        real(to, bytes(data[:50]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chain.os, "write", full)
    with pytest.raises(CommonGroundError, match="No space left"):
        ledger.commit(MANIFEST)
    assert book.read_bytes() == before


def test_a_write_in_several_parts_is_carried_on(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, real = begun(book), os.write
    monkeypatch.setattr(chain.os, "write", lambda to, data: real(to, bytes(data[:7])))
    ledger.commit(MANIFEST)
    assert Ledger(book).releases == (MANIFEST,)


def test_the_head_of_a_release_is_known_before_and_stands_in_the_chain_after(book: Path) -> None:
    ledger = begun(book)
    with ledger.closing() as head:
        assert not Ledger.knows(ledger, head)
        ledger.commit(MANIFEST)
    assert ledger.knows(head)
    assert Ledger(book).knows(head)
    assert json.loads(book.read_text().splitlines()[-2])["hash"] == head  # the labels' row, before the release's
    assert not Ledger(book).knows("0" * 64)


def test_labels_taken_off_the_end_are_missed_by_the_head(book: Path) -> None:
    ledger = begun(book)
    with ledger.closing() as head:
        ledger.commit(MANIFEST)
    lines = book.read_text().splitlines(keepends=True)
    for kept in range(len(lines)):
        book.write_text("".join(lines[:kept]))
        assert not Ledger(book).knows(head)  # even if only the release's own row is gone
    book.write_text("".join(lines))
    assert Ledger(book).knows(head)


def test_a_release_that_changes_nothing_has_the_same_head_and_writes_nothing(book: Path) -> None:
    first = begun(book)
    with first.closing() as head:
        first.commit(MANIFEST)
    before = book.read_bytes()
    again = begun(book)
    with again.closing() as same:
        again.commit(MANIFEST)
    assert same == head
    assert book.read_bytes() == before
    begun(book).commit(OTHER)  # another profile, say, of the same labels
    begun(book).commit(MANIFEST)
    assert Ledger(book).releases == (MANIFEST, OTHER, MANIFEST)


def test_a_ledger_that_holds_nothing_takes_a_release_too(book: Path) -> None:
    ledger = Ledger(book, study="Town")
    ledger.declare(ARRESTS, "2023", YEAR, "t")
    ledger.write_labels(ARRESTS, "2023", "events", LABELS)
    with ledger.closing() as head:
        ledger.commit(MANIFEST)
    assert entries(book) == ["study", "tree", "labels", "release"]
    assert Ledger(book).knows(head)


def test_of_two_runs_with_the_same_records_the_second_has_to_run_again(book: Path) -> None:
    one, other = begun(book), begun(book, labels=LABELS | {("b", "2023"): 40})
    one.commit(MANIFEST)
    before = book.read_bytes()
    with pytest.raises(NotReleasable, match="another run published arrests from x in the meantime; run this again"):
        other.commit(OTHER)
    assert book.read_bytes() == before
    begun(book, labels=LABELS | {("b", "2023"): 40}).commit(OTHER)
    assert Ledger(book).releases == (MANIFEST, OTHER)


def test_two_runs_with_other_records_both_commit_and_the_chain_is_whole(book: Path) -> None:
    one, other = begun(book), begun(book, INCIDENTS)
    one.commit(MANIFEST)
    with other.closing() as head:  # reckoned after what the other run wrote
        other.commit(OTHER)
    assert Ledger(book).releases == (MANIFEST, OTHER)
    assert Ledger(book).knows(head)


def test_extra_tables_are_found_oldest_first_and_written_when_they_change(book: Path) -> None:
    ledger = Ledger(book)
    for table in ({"rows": [1]}, {"rows": [1]}, {"rows": [2]}, {"rows": [1]}):
        ledger.write_extra(ARRESTS, "2023", "by hour", table)
    assert [row["table"]["rows"] for row in Ledger(book).find_extra(ARRESTS, "2023")] == [[1], [2], [1]]
    assert ledger.find_extra(ARRESTS, "2024") == ledger.find_extra(INCIDENTS, "2023") == []
