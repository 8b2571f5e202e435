"""A run gives the same numbers in any order, in pieces and on any number of processes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import running
from benchmarks.calibration.contenders import LEVEL
from benchmarks.calibration.grid import TUNED, UNTUNED
from benchmarks.calibration.running import Run, Task, finished, make, run, tasks

SMALL = Run(series=6, fewer=3)
TODO = [Task(TUNED[i], part) for part in ("ours", "models", "intervals", "local") for i in (98, 103)]


def whole(path: Path, settings: Run = SMALL, *, processes: int = 1) -> bytes:
    for _ in run(TODO, settings, path, processes=processes):
        pass
    return path.read_bytes()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return whole(tmp_path_factory.mktemp("run") / "done.jsonl")


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(done: bytes, tmp_path: Path, after: int) -> None:
    path = tmp_path / "build" / "done.jsonl"
    for count in run(TODO, SMALL, path, processes=1):
        if count == after:
            break
    assert path.read_bytes().count(b"\n") == after
    assert whole(path) == done


def test_a_line_cut_short_is_done_again(done: bytes, tmp_path: Path) -> None:
    path = tmp_path / "done.jsonl"
    lines = done.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:50])
    assert whole(path) == done


def test_a_finished_run_does_nothing_more(done: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "done.jsonl"
    path.write_bytes(done)
    monkeypatch.setattr(running, "make", lambda *_, **__: pytest.fail("nothing is left to do"))
    assert list(run(TODO, SMALL, path, processes=1)) == [len(TODO)]
    assert path.read_bytes() == done


def test_two_processes_write_the_same_bytes_as_one(done: bytes, tmp_path: Path) -> None:
    assert whole(tmp_path / "done.jsonl", processes=2) == done


def test_the_order_of_the_cells_does_not_matter(done: bytes) -> None:
    backwards = {task: make(task, SMALL) for task in reversed(TODO)}
    for line in done.splitlines():
        entry = json.loads(line)
        (found,) = (f for t, f in backwards.items() if (t.part, vars(t.cell)) == (entry["part"], entry["cell"]))
        assert found == entry["found"]


def test_all_tests_and_sizes_look_at_the_same_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[int]] = {}
    for part in ("ours", "models"):
        seen[part] = []
        names = running.PARTS[part][0]
        spy = (names, lambda x, _, part=part, names=names: seen[part].append(int(x.sum())) or dict.fromkeys(names, 0.5))
        monkeypatch.setitem(running.PARTS, part, spy)
    make(Task(TUNED[98], "ours"), Run(series=9, fewer=3))
    make(Task(TUNED[98], "models"), Run(series=5, fewer=3))
    assert seen["ours"][3:8] == seen["models"][3:]  # without a change
    assert seen["ours"][:3] == seen["models"][:3]  # halved
    assert len(set(seen["ours"])) > 6
    make(Task(TUNED[98], "ours"), Run(series=9, fewer=3, seed=6))
    assert seen["ours"][12:] != seen["ours"][:12]


@pytest.mark.parametrize("other", [Run(7, 3), Run(6, 2), Run(6, 3, seed=1)])
def test_a_file_of_another_run_is_not_continued(done: bytes, tmp_path: Path, other: Run) -> None:
    path = tmp_path / "done.jsonl"
    path.write_bytes(done)
    with pytest.raises(ValueError, match=r"of another run; .* as it began\. Move the file away"):
        finished(path, other)


def test_other_code_is_another_run_and_other_words_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    stamps = []
    for i, text in enumerate(('"""Say."""\nx = 1\n', '"""Say it otherwise."""\n# why\nx = 1\n', "x = 2\n")):
        (tmp_path / f"calibrated_{i}.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(running, "_MODULES", (f"calibrated_{i}",))
        stamps.append(Run().stamp["code"])
    assert stamps[0] == stamps[1] != stamps[2]


def test_everything_is_to_be_done_once_and_what_matters_most_first() -> None:
    todo = tasks()
    assert len(set(todo)) == len(todo) == 4 * (len(TUNED) + len(UNTUNED))
    assert [part for part, _ in itertools.groupby(task.part for task in todo)] == [
        "ours",
        "models",
        "intervals",
        "local",
    ]
    assert todo[: len(TUNED)] == [Task(cell, "ours") for cell in TUNED]


def test_alarms_are_counted_among_the_answers_alone() -> None:
    unchanged = np.array([0.01, 0.05, 0.2, np.nan, 0.9, 0.06])
    halved = np.array([0.001, np.nan, 0.04, 0.5])
    counted = running._counted("test", unchanged, halved)
    assert counted == {"test_n": 5, "test_alarms": 2, "test_half_n": 3, "test_half_alarms": 2, "test_half_adjusted": 0}


def test_the_cut_off_lets_one_in_twenty_pass_without_a_change() -> None:
    spread = np.arange(1, 101) / 1000  # a test that raises alarms in half of the studies
    assert running._cut_off(spread) == pytest.approx(0.005)
    assert (spread <= running._cut_off(spread)).mean() == LEVEL
    tied = np.repeat([0.01, 0.02, 0.5], [4, 2, 94])
    assert running._cut_off(tied) == 0.01
    assert running._cut_off(np.full(40, 0.3)) == -1


def test_intervals_hold_the_truth_or_are_not_given() -> None:
    nan = float("nan")
    answers = [
        {"low": low, "high": high} for low, high in ((0.2, 0.9), (0.5, 2.0), (0.51, 2.0), (0.0, 0.4), (nan, nan))
    ]
    assert running._covered("cover_half", answers) == {"cover_half_n": 4, "cover_half": 2}
