"""A run may be killed at any step: a release stands in its place if and only if its rows stand in the ledger."""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from commonground.disclosure import Ledger
from commonground.disclosure.ledger import RecordSet
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.release import staging as steps
from commonground.release.intact import read_manifest
from commonground.release.staging import recover, staging
from commonground.release.writer import MANIFEST, check_ledger, write_release

YEAR = Period("2023-01-01", "2024-01-01")
ARRESTS = RecordSet("arrests", ("x",))
EVENTS = (
    "open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.rmdir", "os.truncate", "os.scandir", "os.listdir",
    "fcntl.flock",
)  # fmt: skip
KILLED = 77


@dataclass(frozen=True)
class Safe:
    """Stands in for a protected value."""

    released: ClassVar[bool] = True
    in_ledger: bool = True


def files(value: int) -> dict[str, bytes]:
    return {"tables/a.csv": f"area,value\r\nNorth,{value}\r\n".encode(), f"{value}.csv": b"area,value\r\nSouth,25\r\n"}


def release(base: Path, value: int = 40, records: RecordSet = ARRESTS, book: str = "study.ledger") -> None:
    """A tiny run: one label, two files."""
    ledger = Ledger(base / book, study="Town", held=True)
    ledger.declare(records, "2023", YEAR, "t")
    ledger.write_labels(records, "2023", "events", {("a", "2023"): value})
    write_release(base / "out", files(value), origins=[Safe()], facts={"title": "Town"}, book=ledger)


def opened(base: Path, value: int = 40) -> None:
    """A tiny run of published statistics, which need no ledger."""
    write_release(base / "out", files(value), origins=[Safe()])


def killed(base: Path, at: int, work: Callable[[], object]) -> bool:
    """Run in a child that dies, as if struck, at the at-th thing it does to files; say whether it did."""
    child = os.fork()
    if not child:
        seen = itertools.count(1)
        place = str(base)

        def strike(event: str, args: tuple[Any, ...]) -> None:
            if (
                event in EVENTS
                and (event == "fcntl.flock" or any(place in str(one) for one in args))
                and next(seen) == at
            ):
                os._exit(KILLED)

        try:
            sys.addaudithook(strike)
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED)
    return code == KILLED


def kept(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hidden(base: Path) -> list[str]:
    return [path.name for path in base.iterdir() if path.name.startswith(".")]


def ledger_of(base: Path) -> Ledger:
    return Ledger(base / "study.ledger")


def shown(base: Path) -> list[int]:
    """Every label that the ledger says was published."""
    return [row["a", "2023"] or 0 for row in ledger_of(base).find_labels(ARRESTS, "2023", "events")]


def check(base: Path, old: dict[str, bytes], *, value: int = 40) -> bool:
    """Assert both or neither after recovery; say which."""
    assert hidden(base) == []
    now = kept(base / "out")
    if value in shown(base):
        read = read_manifest(base / "out")
        assert {name: data for name, data in now.items() if name != MANIFEST} == files(value)
        assert read.files == {name: hashlib.sha256(data).hexdigest() for name, data in files(value).items()}
        assert ledger_of(base).releases[-1] == read.digest
        assert ledger_of(base).knows(read.facts["ledger"])
        return True
    assert now == old
    assert len(ledger_of(base).releases) == bool(old)
    return False


def copy(start: Path, to: Path) -> Path:
    return Path(shutil.copytree(start, to))


@pytest.fixture(autouse=True)
def _fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that it wrote; waiting for the disk matters when the power fails."""
    if "synced" not in request.fixturenames:
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Inodes in the order in which they were waited for."""
    real, seen = os.fsync, []

    def sync(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    return seen


@pytest.fixture(params=["first", "second"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A study's folder, with or without an earlier release."""
    base = tmp_path / "start"
    base.mkdir()
    if request.param == "second":
        release(base, 25)
    return base


def test_a_run_that_is_killed_at_any_step_leaves_both_or_neither(start: Path, tmp_path: Path) -> None:
    old, found = kept(start / "out"), []
    for at in itertools.count(1):
        base = copy(start, tmp_path / f"at{at}")
        if not killed(base, at, lambda base=base: release(base)):
            break
        left = (base / "out").exists()
        recover(base / "out", ledger_of(base))
        found.append((check(base, old), left))
        recover(base / "out", ledger_of(base))
        release(base)  # nothing stands in the way of the next run
        assert check(base, old)
    assert len(found) > 30
    both = [one for one, _ in found]
    assert both == sorted(both)  # from one step on the release is as good as made
    assert {True, False} == set(both)
    assert (True, False) in found  # killed between the ledger's row and the folder, with nothing in the place


def test_recovery_that_is_killed_at_any_step_is_finished_by_the_next(start: Path, tmp_path: Path) -> None:
    old, stages = kept(start / "out"), set()
    for at in itertools.count(1):
        base = copy(start, tmp_path / f"at{at}")
        if not killed(base, at, lambda base=base: release(base)):
            break
        stage = (40 in shown(base), tuple(sorted(path.name for one in hidden(base) for path in (base / one).iterdir())))
        if stage in stages or not hidden(base):
            continue
        stages.add(stage)
        for then in itertools.count(1):
            again = copy(base, tmp_path / f"at{at}-{then}")
            owner_of_copy(again)
            struck = killed(again, then, lambda again=again: recover(again / "out", ledger_of(again)))
            recover(again / "out", ledger_of(again))
            assert check(again, old) == stage[0]
            if not struck:
                break
    assert len([stage for stage in stages if stage[0]]) >= 2
    assert len(stages) >= 4


def owner_of_copy(base: Path) -> None:
    """A copied folder has a ledger at another path."""
    for name in hidden(base):
        lock = base / name / "lock"
        if lock.exists() and lock.read_bytes():
            lock.write_text(steps._owner(ledger_of(base)))


def struck_after_commit(start: Path, base: Path) -> Path:
    """A run killed when its rows are in the ledger and its folder is not in its place."""
    for at in itertools.count(1):
        shutil.rmtree(base, ignore_errors=True)
        copy(start, base)
        assert killed(base, at, lambda: release(base))
        if 40 in shown(base):
            return base
    raise AssertionError


def test_a_ledger_torn_at_any_byte_of_the_commit_leaves_both_or_neither(start: Path, tmp_path: Path) -> None:
    old = kept(start / "out")
    base = struck_after_commit(start, tmp_path / "base")
    whole = (base / "study.ledger").read_bytes()
    rows = whole.splitlines(keepends=True)
    before = sum(map(len, rows[:-2]))  # the labels and the release are the last two
    for end in [
        *range(before, before + 9),
        *range(before + 9, len(whole) - 9, 23),
        *range(len(whole) - 9, len(whole) + 1),
    ]:
        again = copy(base, tmp_path / f"end{end}")
        owner_of_copy(again)
        (again / "study.ledger").write_bytes(whole[:end])
        recover(again / "out", ledger_of(again))
        assert check(again, old) == (end >= len(whole) - 1)  # a line break alone is no content
        release(again)
        assert check(again, old)


def test_a_staged_release_that_was_changed_is_not_finished(start: Path, tmp_path: Path) -> None:
    old = kept(start / "out")
    base = struck_after_commit(start, tmp_path / "base")
    (next(base.glob(".out-*")) / "release" / "40.csv").write_bytes(b"area,value\r\nSouth,3\r\n")
    recover(base / "out", ledger_of(base))
    assert kept(base / "out") == old
    assert hidden(base) == []


def test_a_run_of_published_statistics_that_is_killed_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    for name, earlier in (("first", False), ("second", True)):
        start = tmp_path / name
        start.mkdir()
        if earlier:
            opened(start, 25)
        old, found = kept(start / "out"), set()
        for at in itertools.count(1):
            base = copy(start, tmp_path / f"{name}{at}")
            struck = killed(base, at, lambda base=base: opened(base))
            recover(base / "out")
            now = kept(base / "out")
            new = {key: data for key, data in now.items() if key != MANIFEST} == files(40)
            assert new or now == old
            assert hidden(base) == []
            found.add(new)
            if not struck:
                break
        assert found == {True, False}


def test_every_file_and_folder_is_on_the_disk_before_the_ledger_names_them(tmp_path: Path, synced: list[int]) -> None:
    release(tmp_path)
    out = tmp_path / "out"
    book = (tmp_path / "study.ledger").stat().st_ino
    commit = len(synced) - 1 - synced[::-1].index(book)
    for path in [out, *out.rglob("*")]:
        assert path.stat().st_ino in synced[:commit]
    assert tmp_path.stat().st_ino in synced[commit:]  # and the folder that names the release, after


# --- runs beside each other


def test_recovery_leaves_a_run_at_work_alone(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "study.ledger")
    for own in (book, None):
        with staging(tmp_path / "out", own) as made:
            made.add("a.csv", b"area,value\r\nNorth,25\r\n")
            recover(tmp_path / "out", own)
            assert (made.fresh / "a.csv").exists()
        recover(tmp_path / "out", own)
        assert hidden(tmp_path) == []


def test_recovery_leaves_what_only_another_ledger_can_tell_alone(start: Path, tmp_path: Path) -> None:
    base = struck_after_commit(start, tmp_path / "base")
    left = hidden(base)
    recover(base / "out", Ledger(base / "other.ledger"))
    recover(base / "out")
    assert hidden(base) == left
    recover(base / "out", ledger_of(base))
    assert check(base, {})


def test_recovery_leaves_folders_of_others_alone(tmp_path: Path) -> None:
    for name in (".out-staged-notes", ".out-old", ".other-staged-x"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.docx").write_bytes(b"years of work")
    recover(tmp_path / "out")
    assert len(list(tmp_path.rglob("thesis.docx"))) == 3


def test_a_release_that_came_later_is_not_replaced_by_what_an_earlier_run_left(start: Path, tmp_path: Path) -> None:
    base = struck_after_commit(start, tmp_path / "base")
    left = base / hidden(base)[0]
    left.rename(tmp_path / "aside")  # so that the next run does not find it
    release(base, 70)
    later = kept(base / "out")
    (tmp_path / "aside").rename(left)
    recover(base / "out", ledger_of(base))
    assert kept(base / "out") == later
    assert hidden(base) == []


def _release_many(base: str, number: int, *, together: bool) -> None:
    for turn in range(4):
        records = RecordSet("arrests", (f"{number} {turn}",))
        value = 25 + 20 * number + 5 * turn
        release(Path(base), value, records, "study.ledger" if together else f"{number}.ledger")


@pytest.mark.parametrize("together", [True, False])
def test_runs_at_once_into_one_folder_leave_one_whole_release(tmp_path: Path, together: bool) -> None:
    context = multiprocessing.get_context("fork")
    runs = [
        context.Process(target=_release_many, args=(str(tmp_path), number), kwargs={"together": together})
        for number in range(3)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert hidden(tmp_path) == []
    manifest = read_manifest(tmp_path / "out")
    assert set(kept(tmp_path / "out")) == {*manifest.files, MANIFEST}
    if together:
        assert len(ledger_of(tmp_path).releases) == 12
        assert ledger_of(tmp_path).releases[-1] == manifest.digest  # the folder is that of the last row


# --- what fails without a crash


def test_a_finding_leaves_no_label_and_no_file(start: Path) -> None:
    old, before = kept(start / "out"), shown(start)
    ledger = Ledger(start / "study.ledger", study="Town", held=True)
    ledger.declare(ARRESTS, "2023", YEAR, "t")
    ledger.write_labels(ARRESTS, "2023", "events", {("a", "2023"): 40})
    with pytest.raises(NotReleasable, match="nothing was written"):
        write_release(start / "out", {"notes.txt": b"call 07700 900123"}, origins=[Safe()], book=ledger)
    assert shown(start) == before
    assert kept(start / "out") == old
    assert hidden(start) == []


def test_a_full_disk_while_staging_leaves_no_label_and_no_file(start: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = kept(start / "out")

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        release(start)
    monkeypatch.undo()
    assert not check(start, old)


def test_a_folder_that_cannot_be_replaced_after_the_commit_is_finished_by_the_next_run(
    start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, target: Any) -> Path:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(CommonGroundError, match="Run this again: that finishes it"):
        release(start)
    monkeypatch.undo()
    assert 40 in shown(start)
    recover(start / "out", ledger_of(start))
    assert check(start, {})


def test_another_run_with_the_same_records_leaves_no_file_of_the_second(tmp_path: Path) -> None:
    late = Ledger(tmp_path / "study.ledger", study="Town", held=True)
    late.declare(ARRESTS, "2023", YEAR, "t")
    late.write_labels(ARRESTS, "2023", "events", {("a", "2023"): 70})
    release(tmp_path)
    with pytest.raises(NotReleasable, match="run this again"):
        write_release(tmp_path / "out", files(70), origins=[Safe()], book=late)
    assert check(tmp_path, {})
    assert 70 not in shown(tmp_path)


def test_the_decisions_of_partners_are_carried_over(tmp_path: Path) -> None:
    release(tmp_path, 25)
    decided = json.dumps({"version": 1, "decisions": []}).encode()
    (tmp_path / "out" / "approval.json").write_bytes(decided)
    release(tmp_path)
    assert (tmp_path / "out" / "approval.json").read_bytes() == decided
    assert (tmp_path / "out" / "40.csv").exists()
    (tmp_path / "out" / "approval.json").write_bytes(b"changed by hand")
    with pytest.raises(CommonGroundError, match="changed by hand"):
        release(tmp_path, 70)
    assert shown(tmp_path) == [25, 40]


# --- a ledger that does not know its releases


@pytest.mark.parametrize("how", ["gone", "cut short", "written anew"])
def test_a_ledger_that_does_not_know_the_release_in_the_folder_is_refused(tmp_path: Path, how: str) -> None:
    release(tmp_path)
    check_ledger(tmp_path / "out", Ledger(tmp_path / "study.ledger", study="Town"))
    book = tmp_path / "study.ledger"
    if how == "cut short":
        book.write_text("".join(book.read_text().splitlines(keepends=True)[:-2]))
    else:
        book.unlink()
    if how == "written anew":
        again = Ledger(book, study="Town")
        again.declare(ARRESTS, "2023", YEAR, "t")
        again.write_labels(ARRESTS, "2023", "events", {("a", "2023"): 15})
    with pytest.raises(CommonGroundError, match="rewritten or cut short"):
        check_ledger(tmp_path / "out", Ledger(book, study="Town"))
    check_ledger(tmp_path / "out", Ledger(tmp_path / "other.ledger", study="Another town"))  # its release goes anyway
    check_ledger(tmp_path / "elsewhere", Ledger(book, study="Town"))
