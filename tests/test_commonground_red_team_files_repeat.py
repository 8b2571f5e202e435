"""The same study gives the same bytes, whenever, wherever and however often it is run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commonground.dashboard.contents import compute
from commonground.dashboard.running import render
from commonground.study import load_study

ROOT = Path(__file__).parents[1]
RUN = """
import hashlib, json, locale, sys
from pathlib import Path
locale.setlocale(locale.LC_ALL, "")
from commonground.dashboard.running import run_study
from commonground.study import load_study
out = Path(sys.argv[2])
run_study(load_study(sys.argv[1]), out)
found = [path for path in out.rglob("*") if path.is_file()]
print(json.dumps({p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}))
"""


def digests(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def town(canary: Any, folder: Path) -> Path:
    """Return the study without its ledger, as a stranger would start it."""
    return Path(shutil.copytree(canary.folder, folder, ignore=shutil.ignore_patterns("*.ledger*")))


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def in_another_place(canary: Any, folder: Path, **environment: str) -> dict[str, str]:
    """Run the study in a process of its own: other hash seed, time zone, locale, working directory and home."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    given = [str(town(canary, folder / "study")), str(folder / "out")]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": str(elsewhere)} | environment
    done = subprocess.run(
        [sys.executable, "-c", RUN, *given], capture_output=True, text=True, check=True, cwd=elsewhere, env=settings
    )
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_another_process_place_and_clock_give_the_same_bytes(canary: Any, tmp_path: Path) -> None:
    environment = {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
    assert differing(digests(canary.files()), in_another_place(canary, tmp_path, **environment)) == set()


def test_rendering_eight_times_gives_the_same_bytes(canary: Any) -> None:
    first = digests(render(canary.contents))
    for _ in range(7):
        assert differing(first, digests(render(canary.contents))) == set()


def test_the_order_of_the_rows_changes_nothing(canary: Any, tmp_path: Path) -> None:
    folder = town(canary, tmp_path / "study")
    path = folder / "contacts.csv"
    head, *rows = path.read_text("utf-8").splitlines()
    random.Random(3).shuffle(rows)
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    assert differing(digests(render(canary.contents)), digests(render(compute(load_study(folder))))) == set()


@pytest.mark.slow
def test_fifty_runs_give_the_same_bytes(canary: Any, tmp_path: Path) -> None:
    first = digests(render(canary.contents))
    for number in range(50):
        folder = town(canary, tmp_path / f"run{number}")
        assert differing(first, digests(render(compute(load_study(folder))))) == set()


def test_a_renderer_that_writes_the_moment_or_takes_a_set_as_it_comes_is_seen(
    canary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = digests({"a.txt": b"made 1", "b.txt": b"same"})
    assert differing(first, digests({"a.txt": b"made 2", "b.txt": b"same"})) == {"a.txt"}
    code = "print(sorted(map(hash, ('Finch 1', 'Finch 2'))))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "4242")
    }  # fmt: skip
    assert len(said) == 2  # the seeds of the processes above do differ in what sets look like
