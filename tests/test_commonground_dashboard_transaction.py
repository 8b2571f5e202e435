"""A real run, refused, killed before its commit and killed after it: labels and release come together or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from commonground.dashboard.running import run_study
from commonground.disclosure import Ledger
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.intact import differences, read_manifest
from commonground.release.staging import recover
from commonground.release.writer import write_release
from commonground.study import load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
KILLED = 77


class StoppedError(Exception):
    """The run has served its purpose."""


def killed(event: str, text: str, *args: Any, **named: Any) -> bool:
    """Write the release in a child that dies at an event that names a path; say whether it did."""
    child = os.fork()
    if not child:

        def strike(what: str, about: tuple[Any, ...]) -> None:
            if what == event and any(text in str(one) for one in about):
                os._exit(KILLED)

        try:
            sys.addaudithook(strike)
            write_release(*args, **named)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_a_study_that_is_refused_or_killed_leaves_both_or_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SAMPLE, tmp_path / "study", ignore=shutil.ignore_patterns("*.ledger", "__pycache__"))
    study, out = load_study(tmp_path / "study" / "study.toml"), tmp_path / "out"

    def rows() -> list[dict[str, Any]]:
        return [json.loads(line) for line in study.ledger_path.read_text().splitlines()]

    def entries() -> set[str]:
        return {row["entry"] for row in rows()}

    def struck(folder: Path, files: dict[str, bytes], **named: Any) -> None:
        # everything was computed and rendered; trees and refusals stand at once, and nothing else is written
        assert entries() == {"study", "tree", "extra"}
        assert {str(row["table"]) for row in rows() if row["entry"] == "extra"} == {"{'refused': True}"}
        with pytest.raises(NotReleasable, match="nothing was written"):
            write_release(folder, {**files, "tables/extra.csv": b"area,value\r\nNorth,3\r\n"}, **named)
        assert killed("open", "manifest.json", folder, files, **named)
        assert entries() == {"study", "tree", "extra"}
        recover(folder, Ledger(study.ledger_path))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]
        assert killed("os.rename", "-staged-", folder, files, **named)
        assert entries() == {"study", "tree", "extra", "cut", "labels", "evaluation", "release"}
        assert not out.exists()
        raise StoppedError

    monkeypatch.setattr("commonground.dashboard.running.write_release", struck)
    with pytest.raises(StoppedError):
        run_study(study, out)
    ledger = Ledger(study.ledger_path, study=study.title)
    recover(out, ledger)
    manifest = read_manifest(out)
    assert differences(out, manifest) == ()
    assert ledger.releases == (manifest.digest,)
    assert ledger.knows(manifest.facts["ledger"])
    records = [path for spec in study.inputs.values() for path in spec.files]
    everything = (out / "manifest.json").read_text() + study.ledger_path.read_text()
    assert not any(hashlib.sha256(path.read_bytes()).hexdigest() in everything for path in records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "study"]

    study.ledger_path.unlink()
    with pytest.raises(CommonGroundError, match="rewritten or cut short"):
        run_study(study, out)
    assert not study.ledger_path.exists()
