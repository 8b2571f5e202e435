"""Which bytes are kept, after they were attacked? The one writer of outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from commonground.disclosure import Ledger
from commonground.disclosure.inspection import Expectation, inspect_bytes
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.intact import APPROVAL, MANIFEST
from commonground.release.origins import check_origins
from commonground.release.signatures import read_decisions
from commonground.release.staging import is_committed, recover, staging

__all__ = ["MANIFEST", "Written", "check_free", "check_ledger", "recover", "write_release"]

TRIES = 20  # other runs may replace the same release while it is looked at


@dataclass(frozen=True)
class Written:
    """What was kept: the folder and the names of its files."""

    folder: Path
    files: tuple[str, ...] = field(default=())

    def summary(self) -> str:
        """Say where the files are and that they were attacked first."""
        return f"{len(self.files)} files in {self.folder}, each read back and attacked before it was kept."


def write_release(
    folder: str | Path,
    files: Mapping[str, bytes],
    *,
    origins: Sequence[Any],
    expectation: Expectation | None = None,
    facts: Mapping[str, Any] | None = None,
    book: Ledger | None = None,
) -> Written:
    """Attack rendered bytes and keep them only if nothing is found.

    Parameters
    ----------
    folder : path
        Made if need be. An earlier release in it is replaced whole; a folder that holds anything else is left
        alone.
    files : mapping of name to bytes
        Names are relative and may hold one folder level.
    origins : sequence of Protected or Registered
        What the files were rendered from; each must stand in a ledger (the open profile needs none).
    expectation : Expectation, optional
        What the attack may expect: needles of the live data, declared columns, boundaries.
    facts : mapping, optional
        For the manifest: input hashes, study hash, title, seed, policy.
    book : Ledger, optional
        The ledger of the run: what it holds is committed, together with this release, once every file was attacked
        and is on the disk. The manifest names the last row of what was published.

    Returns
    -------
    Written

    Raises
    ------
    NotReleasable
        When an origin is exact or not in a ledger, or the attack finds something. Nothing is written then.
    CommonGroundError
        When the folder holds anything that is not of an earlier release. Nothing is written or lost then.

    Notes
    -----
    Files are written into a hidden folder beside the wanted one, which takes its place in one step. Whatever fails
    before leaves the earlier release, and the ledger, as they were. A run that is killed leaves the hidden folder; the
    next one finds by the ledger whether to finish or to drop it, so that labels stand in the ledger if and only if
    their release is in its place.
    """
    check_origins(origins, book)
    place, expected = Path(folder).resolve(), expectation or Expectation()  # a link to a folder stays a link
    _attack({**files, MANIFEST: _manifest(files, facts or {})}, expected)
    recover(place, book)
    check_free(place)
    if place.exists():
        read_decisions(place)  # they are carried over; a list that was tampered with is refused here
    with staging(place, book) as made:
        try:
            for name, data in files.items():
                made.add(name, data)
            with nullcontext(None) if book is None else book.closing() as head:
                manifest = _manifest(files, {**(facts or {}), **({} if head is None else {"ledger": head})})
                _attack({MANIFEST: manifest}, expected)
                made.add(MANIFEST, manifest)
                made.close()
                if book is not None:
                    book.commit(hashlib.sha256(manifest).hexdigest())
                made.take_place()
        except BaseException as error:
            made.put_back()
            if not is_committed(made, book):
                made.drop()
            elif isinstance(error, OSError):
                raise _not_in_place(place, error) from error
            raise
        made.drop()
    return Written(Path(folder), tuple(sorted([*files, MANIFEST])))


def check_free(folder: str | Path) -> None:
    """Refuse a folder that holds anything but an earlier release of ours, before any long work.

    Parameters
    ----------
    folder : path

    Raises
    ------
    CommonGroundError
        When writing there would lose a file that is not of the release in it.
    """
    place = Path(folder).resolve()
    if place.is_mount():
        raise CommonGroundError(f"{place.name} is a disk of its own and cannot be replaced whole; give a folder in it.")
    for _ in range(TRIES):
        there = _number(place)
        try:
            problem = _lost_in(place) if there else ""
        except FileNotFoundError:  # another run replaced it while it was read
            continue
        if not problem:
            return
        if _number(place) == there:
            raise CommonGroundError(problem)
    raise CommonGroundError(f"other runs write to {place.name} all the time; run this again when they are done.")


def check_ledger(folder: str | Path, book: Ledger) -> None:
    """Refuse to go on where the folder holds a release of the study that its ledger does not know.

    Parameters
    ----------
    folder : path
    book : Ledger
        Of the study whose title it was given.

    Raises
    ------
    CommonGroundError
        When the ledger was written anew, or rows were taken off its end.
    """
    try:
        manifest = json.loads((Path(folder) / MANIFEST).read_bytes())
        title, head = manifest.get("title"), manifest.get("ledger")
    except (OSError, ValueError, AttributeError, RecursionError):
        return  # no release of ours; `check_free` says what it is
    if head and title == book.study and not book.knows(str(head)):
        raise CommonGroundError(
            "the ledger was rewritten or cut short: it does not know the release in this folder, so what is published "
            "now could be subtracted from it. Restore the ledger from a copy; a new one is only for a study of which "
            "nothing was ever handed round."
        )


def _number(place: Path) -> int:
    """Return what tells a folder from the one that another run puts in its place."""
    try:
        return place.stat().st_ino
    except FileNotFoundError:
        return 0


def _lost_in(place: Path) -> str:
    """Say what in a folder would be lost with it; empty when it holds nothing, or a release of ours."""
    inside = [path for path in sorted(place.rglob("*")) if not path.is_dir()] if place.is_dir() else [place]
    if not inside:
        return ""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        ours = str(manifest["tool"]).startswith("commonground ")
        listed = {MANIFEST, APPROVAL, *manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        ours, listed = False, set()
    if not ours:
        first = next((path.name for path in inside if path.name != MANIFEST), MANIFEST)
        return (
            f"{place.name} holds something that is no release of ours ({first}); nothing was written; "
            "choose an empty folder."
        )
    strangers = [path for path in inside if path.relative_to(place).as_posix() not in listed]
    if not strangers:
        return ""
    return (
        f"{place.name} holds {len(strangers)} file(s) that are not of the release in it and would be lost; "
        "move them elsewhere, or choose an empty folder."
    )


def _attack(files: Mapping[str, bytes], expected: Expectation) -> None:
    findings = [finding for name, data in files.items() for finding in inspect_bytes(name, data, expected)]
    if findings:
        listed = "\n".join(sorted({f"  {f.file} ({f.where}): {f.check}: {f.message}" for f in findings})[:40])
        raise NotReleasable(
            f"the attack on the rendered files found {len(findings)} thing(s); nothing was written.\n{listed}"
        )


def _manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    content = {
        "tool": f"commonground {version('commonground')}",
        **facts,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def _not_in_place(place: Path, error: OSError) -> CommonGroundError:
    """Return what to say of a release that the ledger names and that could not be put in its place."""
    return CommonGroundError(
        f"the release is whole and stands in the ledger, but {place.name} could not be put in its place "
        f"({error.strerror}). Run this again: that finishes it."
    )
