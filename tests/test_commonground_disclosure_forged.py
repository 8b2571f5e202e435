"""A ledger that somebody wrote anew, with a whole chain: what it cannot get out of the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commonground.disclosure import Protected, chain, protect
from commonground.disclosure.hierarchy import Tree
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import tally

TREE: Tree = (("a", "b"), ("c", "d"))
YEAR = Period("2023-01-01", "2024-01-01")
PEOPLE = {"a": 20, "b": 5, "c": 30, "d": 11}


def gate(book: Path, people: dict[str, int] = PEOPLE, profile: str = "partner", count: str = "persons") -> Protected:
    frame = pd.DataFrame(
        [{"start": "2023-05-01", "area": area, "person": f"{area}{i}", "event": f"{area}{i % 7}"}
         for area, n in people.items() for i in range(n)]
    )  # fmt: skip
    span = [{"source": "contacts", "area": None, "start": YEAR.start, "end": YEAR.end}]
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    counted = tally(records, every="year", count=count, window=YEAR)
    return protect(counted, profile, hierarchy=TREE, ledger=book)


def shown(protected: Protected) -> dict[str, int | None]:
    return {"".join(row[1]): row[4] for row in protected.rows}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "study.ledger"


def forge(
    book: Path, profile: str, blocks: tuple[str, ...], labels: dict[str, int] | None = None, keep: str | None = None
) -> None:
    """Put other blocks and labels into a ledger, or keep the labels of one unit only, and chain it anew."""
    rows: list[dict[str, Any]] = []
    for line in book.read_text(encoding="utf-8").splitlines():
        row = {name: value for name, value in json.loads(line).items() if name not in ("hash", "previous", "more")}
        if row["entry"] == "cut" and row["profile"] == profile:
            row["blocks"] = [{"areas": list(areas), "parts": ["2023"]} for areas in blocks]
        if row["entry"] == "labels" and labels is not None:
            row["labels"] = [[area, "2023", value] for area, value in labels.items()]
        if keep is None or row.get("count", keep) == keep:
            rows.append(row)
    sealed = chain.sealed(rows, None)
    book.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in sealed), encoding="utf-8")


def test_a_measure_that_was_not_published_of_a_forged_cut_is_not_shown(book: Path) -> None:
    """Labels of every unit are written with a first release; a cut without them was written by hand."""
    first = gate(book)
    assert shown(gate(book, count="events")) == shown(first)
    forge(book, "partner", ("a", "b", "c", "d"), keep="persons")
    assert set(shown(gate(book, count="events")).values()) == {None}


def test_a_forged_cut_without_labels_shows_nothing(book: Path) -> None:
    gate(book)
    forge(book, "partner", ("a", "b", "c", "d"), keep="")
    assert set(shown(gate(book)).values()) == {None}


def test_a_label_of_a_forged_cell_that_is_near_the_true_one_draws_nothing_out(book: Path) -> None:
    """Ten, forged or not, stays ten from 0 to 17: what is hidden, or nearer than the gap, shows in no number."""
    values = []
    for people in (1, 5, 7, 8, 12, 17):
        gate(book, PEOPLE | {"a": 20, "b": people})
        forge(book, "partner", ("a", "b", "c", "d"), dict.fromkeys("abcd", 10))
        values.append(shown(gate(book, PEOPLE | {"a": 20, "b": people}))["b"])
        book.unlink()
    assert values == [10] * len(values)


def test_a_forged_view_that_cuts_the_blocks_it_is_made_of_is_refused(book: Path) -> None:
    gate(book, profile="public")
    forge(book, "public", ("a", "b", "cd"))
    with pytest.raises(CommonGroundError, match="cut the blocks they are made of"):
        gate(book, profile="public")


def test_what_the_public_sees_of_a_cut_does_not_tell_that_one_person_was_withdrawn(tmp_path: Path) -> None:
    """Thirteen and twelve are both written as they were; a view judged anew from the records would vanish at twelve."""
    for now in (13, 12):
        book = tmp_path / str(now)
        first = shown(gate(book, {"a": 13, "b": 20, "c": 30, "d": 40}, "public"))
        assert shown(gate(book, {"a": now, "b": 20, "c": 30, "d": 40}, "public")) == first
        assert None not in first.values()
