"""What is written stands in a ledger: the ledger is asked, not the value."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from commonground.disclosure import Ledger, Protected, Registered, protect, register
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.release.origins import check_origins
from commonground.release.writer import write_release
from commonground.tallies import tally

PHASES = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}
ZONES = {"treated": ("t1", "t2"), "ring": ("r1",)}
COUNTS = {"t1": (30, 35), "t2": (31, 38), "r1": (60, 67)}
FILES = {"a.csv": b"area,value\r\nNorth,25\r\n"}


def gate(ledger: Path | Ledger | None, profile: str = "partner") -> Protected:
    frame = pd.DataFrame(
        [{"start": f"{year}-06-01", "area": area, "person": f"{year}{area}{i}", "event": f"{year}{area}{i}"}
         for area, both in COUNTS.items() for year, n in zip((2022, 2023), both, strict=True) for i in range(n)]
    )  # fmt: skip
    span = [{"source": "contacts", "area": None, "start": PHASES["before"].start, "end": PHASES["after"].end}]
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    return protect(tally(records, every=PHASES), profile, zones=ZONES, ledger=ledger)


def verdicts(shown: Protected, book: Ledger | None = None) -> Registered:
    outcome = {"input": "seen", "where": {}, "count": "events", "goal": "access", "good": "rise", "primary": True,
               "margin": 0.2, "reports": False, "reporting": None, "label": "Contacts"}  # fmt: skip
    study: Any = SimpleNamespace(
        outcomes={"contacts": SimpleNamespace(**outcome)}, zones=ZONES, phases=PHASES, policy="partner", areas=None
    )
    row = {"outcome": "contacts", "label": "Contacts", "goal": "access", "good": "rise", "primary": True,
           "reports": False, "ratio": 0.5431, "low": 0.2849, "high": 1.0449, "p": 0.0004}  # fmt: skip
    evaluation = SimpleNamespace(to_frame=lambda: pd.DataFrame([row]), read=lambda row: f"{row['ratio']}")
    return register(study, evaluation, {"seen": shown}, book=book)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.ledger"


@pytest.mark.parametrize("profile", ["partner", "public"])
def test_what_a_run_held_and_never_committed_is_not_written(path: Path, tmp_path: Path, profile: str) -> None:
    held = Ledger(path, held=True)
    shown = gate(held, profile)
    assert shown.in_ledger
    for book in (None, Ledger(path, held=True), Ledger(tmp_path / "other.ledger", held=True)):
        with pytest.raises(NotReleasable, match="without a ledger"):
            write_release(tmp_path / "out", FILES, origins=[shown], book=book)
    assert not (tmp_path / "out").exists()
    write_release(tmp_path / "out", FILES, origins=[shown], book=held)
    check_origins([shown], None)  # now it stands there for everybody


def test_an_estimate_that_was_never_committed_is_not_written(path: Path) -> None:
    shown = gate(path)
    held = Ledger(path, held=True)
    found = verdicts(shown, held)
    check_origins([shown, found], held)
    with pytest.raises(NotReleasable, match="without a ledger"):
        check_origins([found], None)
    held.commit("1" * 64)
    check_origins([found], None)


def test_every_row_is_written_at_once_without_a_held_ledger(path: Path) -> None:
    shown = gate(path)
    check_origins([shown, verdicts(shown), gate(path, "public")], None)


def test_a_ledger_that_is_gone_holds_nothing(path: Path) -> None:
    shown = gate(path)
    path.unlink()
    with pytest.raises(NotReleasable, match="without a ledger"):
        check_origins([shown], None)


def test_what_was_made_from_a_published_value_stands_where_it_stands(path: Path) -> None:
    spread = type("Spread", (), {"released": True, "in_ledger": True})()
    spread.origin = gate(Ledger(path, held=True))
    with pytest.raises(NotReleasable, match="without a ledger"):
        check_origins([spread], None)
    spread.origin = gate(path)
    check_origins([spread], None)


def test_what_comes_out_of_a_pickle_is_not_written(path: Path) -> None:
    found = pickle.loads(pickle.dumps(verdicts(gate(path))))
    with pytest.raises(NotReleasable, match="without a ledger"):
        check_origins([found], None)
