"""The one writer keeps what was attacked and clean, whole, and touches nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from commonground.disclosure.inspection import Expectation, Needles
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release import writer
from commonground.release.writer import MANIFEST, write_release


@dataclass(frozen=True)
class Safe:
    """Stands in for a protected value."""

    released: ClassVar[bool] = True
    in_ledger: bool = True


class Exact:
    """Stands in for exact counts."""


FILES = {
    "index.html": b"<!doctype html><title>One</title><p>About 25 people.</p>",
    "tables/a.csv": b"area,value\r\nNorth,25\r\n",
}


def kept(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beside(folder: Path) -> list[str]:
    """What lies next to the folder, hidden leftovers too."""
    return sorted(path.name for path in folder.parent.iterdir())


def test_clean_files_are_kept_with_a_manifest_of_their_hashes(tmp_path: Path) -> None:
    written = write_release(tmp_path / "out", FILES, origins=[Safe()], facts={"policy": "partner", "seed": 0})
    files = kept(tmp_path / "out")
    manifest = json.loads(files.pop(MANIFEST))
    assert files == FILES
    assert manifest["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    assert manifest["policy"] == "partner"
    assert written.files == tuple(sorted([*FILES, MANIFEST]))
    assert "3 files" in written.summary()
    assert beside(tmp_path / "out") == ["out"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_release(tmp_path / name, FILES, origins=[Safe()])
    assert kept(tmp_path / "one") == kept(tmp_path / "two")


def test_exact_values_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotReleasable, match="a Exact holds exact values"):
        write_release(tmp_path / "out", FILES, origins=[Safe(), Exact()])
    assert beside(tmp_path / "out") == []


def test_values_that_stand_in_no_ledger_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(NotReleasable, match="without a ledger"):
        write_release(tmp_path / "out", FILES, origins=[Safe(in_ledger=False)])
    assert beside(tmp_path / "out") == []


BROKEN = {
    "a pseudonym in a table": ("tables/b.csv", b"area,person\r\nNorth,K7Q2M9ZZ\r\n", "raw value"),
    "a small count": ("tables/b.csv", b"area,value\r\nNorth,3\r\n", "small number"),
    "a phone number": ("index.html", b"<p>ring 07700 900123</p>", "personal data"),
    "a place": ("maps/a.html", b"<script>L.marker([53.405123, -2.991234])</script>", "coordinates"),
    "a formula": ("tables/b.csv", b"area,value\r\n=1+1,25\r\n", "formula"),
    "a call to a stranger": ("index.html", b'<img src="https://tiles.example.org/1.png">', "external address"),
    "an unknown kind of file": ("model.pkl", b"\x80\x04K\x01.", "unknown type"),
}


@pytest.mark.parametrize(("name", "data", "check"), BROKEN.values(), ids=BROKEN)
def test_one_finding_and_nothing_is_written(name: str, data: bytes, check: str, tmp_path: Path) -> None:
    expectation = Expectation(needles=Needles(["K7Q2M9ZZ"]), count_columns=frozenset({"value"}), vertices=frozenset())
    with pytest.raises(NotReleasable, match=r"nothing was written") as caught:
        write_release(tmp_path / "out", {**FILES, name: data}, origins=[Safe()], expectation=expectation)
    assert check in str(caught.value)
    assert name in str(caught.value)
    assert "K7Q2M9ZZ" not in str(caught.value)
    assert "900123" not in str(caught.value)
    assert beside(tmp_path / "out") == []


def test_a_finding_leaves_the_earlier_release_as_it_was(tmp_path: Path) -> None:
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    before = kept(tmp_path / "out")
    with pytest.raises(NotReleasable):
        write_release(tmp_path / "out", {"notes.txt": b"call 07700 900123"}, origins=[Safe()])
    assert kept(tmp_path / "out") == before


def test_an_earlier_release_is_replaced_whole(tmp_path: Path) -> None:
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    write_release(tmp_path / "out", {"other.csv": b"area,value\r\nSouth,30\r\n"}, origins=[Safe()])
    assert sorted(kept(tmp_path / "out")) == [MANIFEST, "other.csv"]
    assert beside(tmp_path / "out") == ["out"]


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.parametrize("manifest", [None, b"not json", b"[]", b'{"name": "a web page", "files": {}}'])
def test_a_folder_of_anything_else_is_left_alone(manifest: bytes | None, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.docx").write_bytes(b"years of work")
    if manifest is not None:
        (folder / MANIFEST).write_bytes(manifest)
    before = kept(folder)
    with pytest.raises(CommonGroundError, match="no release of ours"):
        write_release(folder, FILES, origins=[Safe()])
    assert kept(folder) == before


def test_a_file_that_somebody_put_into_a_release_is_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write_release(folder, FILES, origins=[Safe()])
    (folder / "minutes.txt").write_bytes(b"what the board said")
    before = kept(folder)
    with pytest.raises(CommonGroundError, match=r"1 file\(s\) that are not of the release"):
        write_release(folder, FILES, origins=[Safe()])
    assert kept(folder) == before


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(CommonGroundError, match="choose an empty folder"):
        write_release(tmp_path / "out", FILES, origins=[Safe()])
    assert (tmp_path / "out").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["../escape.csv", "/escape.csv", "a/../../escape.csv"])
def test_no_file_leaves_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommonGroundError, match=r"inside its folder|nothing was written"):
        write_release(tmp_path / "out", {name: b"area,value\r\nNorth,25\r\n"}, origins=[Safe()])
    assert beside(tmp_path / "out") == []


def test_a_crash_while_writing_leaves_the_old_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    before = kept(tmp_path / "out")
    real, calls = Path.write_bytes, []

    def full(path: Path, data: bytes) -> int:
        calls.append(path)
        if len(calls) == 2:
            raise OSError("no space left on device")
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        write_release(tmp_path / "out", {**FILES, "more.csv": b"area,value\r\nNorth,30\r\n"}, origins=[Safe()])
    assert kept(tmp_path / "out") == before
    assert beside(tmp_path / "out") == ["out"]


@pytest.mark.parametrize("at", [1, 2])
def test_a_crash_while_swapping_leaves_the_old_release(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    before = kept(tmp_path / "out")
    real, calls = Path.replace, []

    def interrupted(path: Path, target: Any) -> Path:
        calls.append(path)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_release(tmp_path / "out", {"other.csv": b"area,value\r\nSouth,30\r\n"}, origins=[Safe()])
    assert kept(tmp_path / "out") == before
    assert beside(tmp_path / "out") == ["out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "index.html").is_file()


def test_the_manifest_names_the_version_and_no_time_or_machine(tmp_path: Path) -> None:
    write_release(tmp_path / "out", FILES, origins=[Safe()])
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert set(manifest) == {"tool", "files"}
    assert manifest["tool"].startswith("commonground ")
    assert writer.MANIFEST == "manifest.json"
