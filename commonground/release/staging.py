"""How does a release take its place so that a crash leaves the old one or the new one, as the ledger says?"""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from commonground.disclosure import Ledger
from commonground.disclosure.chain import lock, read_rows, writing
from commonground.errors import CommonGroundError
from commonground.release.intact import APPROVAL, MANIFEST

__all__ = ["Staging", "is_committed", "recover", "staging"]

LOCK, FRESH, OLD = "lock", "release", "old"
NO_LEDGER = "no ledger"
TRIES = 20
OCCUPIED = (errno.ENOTEMPTY, errno.EEXIST)


@dataclass(frozen=True)
class Staging:
    """A hidden folder beside a release, locked by the run that fills it, from which the release takes its place.

    It holds the new release, and for a moment the old one. Who finds it without a lock finds what a crash left: with a
    manifest that the ledger names, the new release takes its place; else the old one goes back and the new one is gone.
    """

    place: Path
    folder: Path

    @property
    def fresh(self) -> Path:
        """Folder of the new release; not there any more once it took its place."""
        return self.folder / FRESH

    def add(self, name: str, data: bytes) -> None:
        """Write a file of the release, through to the disk."""
        path = self.fresh / name
        if self.fresh not in path.resolve().parents:
            raise CommonGroundError("a file of a release lies inside its folder; give relative names.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        _sync(path)

    def close(self) -> None:
        """Wait until every folder is on the disk, too: from here on the release is whole whatever happens."""
        self.fresh.chmod(0o755)
        for folder in [*(path for path in self.fresh.rglob("*") if path.is_dir()), self.fresh, self.folder]:
            _sync(folder)
        _sync(self.place.parent)

    def digest(self) -> str:
        """Return the SHA-256 of the manifest of the new release; empty where there is none."""
        return _digest(self.fresh / MANIFEST)

    def is_whole(self) -> bool:
        """Say whether every file of the new release is as its manifest says."""
        try:
            listed = json.loads((self.fresh / MANIFEST).read_bytes())["files"]
            return all(_digest(self.fresh / name) == digest for name, digest in listed.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def take_place(self) -> None:
        """Put the new folder where the old one is; if that fails, put the old one back.

        Another run may do the same: what it put there in the meantime is moved aside, too, and the last one stays.
        """
        for number in range(TRIES):
            with suppress(FileNotFoundError), _held(self.place):
                self._carry_approval()
                self.place.replace(self.folder / f"{OLD}{number:02}")
            try:
                self.fresh.replace(self.place)
            except BaseException as error:
                if isinstance(error, OSError) and error.errno in OCCUPIED and number + 1 < TRIES:
                    continue
                self.put_back()
                raise
            _sync(self.place.parent)
            return

    def put_back(self) -> None:
        """Put the old release back, unless the new one took its place."""
        aside = sorted(self.folder.glob(f"{OLD}[0-9][0-9]"))
        if self.fresh.exists() and aside and not self.place.exists():
            aside[-1].replace(self.place)

    def drop(self) -> None:
        """Delete what is left: the new release first, the lock last."""
        for path in [self.fresh, *self.folder.glob(f"{OLD}[0-9][0-9]"), self.folder]:
            shutil.rmtree(path, ignore_errors=True)

    def _carry_approval(self) -> None:
        """Keep the list of decisions: a partner's veto stands whatever becomes of the folder."""
        with suppress(FileNotFoundError, NotADirectoryError):
            self.add(APPROVAL, (self.place / APPROVAL).read_bytes())


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Keep decisions about the old release from being written while it is replaced."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with suppress(OSError):  # some shared disks lock no folders
            lock(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def staging(place: Path, book: Ledger | None) -> Iterator[Staging]:
    """Make a hidden folder beside a place, and keep every other run out of it until the block ends.

    Parameters
    ----------
    place : Path
        Resolved.
    book : Ledger or None
        That will name the release: only runs with this ledger can tell what became of it.

    Yields
    ------
    Staging
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        folder = Path(tempfile.mkdtemp(prefix=_prefix(place), dir=place.parent))
        descriptor = _claimed(folder)
        if descriptor is not None:
            break
    else:
        raise CommonGroundError(f"no folder could be made beside {place.name}; other runs delete it. Run this again.")
    try:
        os.write(descriptor, _owner(book).encode())
        os.fsync(descriptor)
        made = Staging(place, folder)
        made.fresh.mkdir()
        yield made
    finally:
        os.close(descriptor)


def recover(folder: str | Path, book: Ledger | None = None) -> None:
    """Finish or undo what a run left that was stopped while it wrote a release; of other runs nothing is touched.

    Parameters
    ----------
    folder : path
        The release.
    book : Ledger, optional
        The study's ledger. Without one (the open profile) a release that had not taken its place is dropped.
    """
    place = Path(folder).resolve()
    for path in sorted(place.parent.glob(glob.escape(_prefix(place)) + "*")):
        descriptor = _claimed(path) if _is_ours(path) else None
        if descriptor is None:
            continue
        try:
            if os.read(descriptor, 100).decode(errors="replace") in ("", _owner(book)):
                _settle(Staging(place, path), book)
        finally:
            os.close(descriptor)


def _settle(left: Staging, book: Ledger | None) -> None:
    if book is None or not book.path.exists():
        _finish(left, ())
        return
    with writing(book.path) as file:  # no run puts a newer release there meanwhile
        _finish(left, [row["manifest"] for row in file.rows if row["entry"] == "release"])


def _finish(left: Staging, releases: Sequence[str]) -> None:
    """Let a release that the ledger names take its place, unless a later one is there; drop what is left."""
    digest, there = left.digest(), _digest(left.place / MANIFEST)
    order = {release: at for at, release in enumerate(releases)}
    if digest in order and left.is_whole() and order.get(there, -1) <= order[digest]:
        left.take_place()
    left.put_back()
    left.drop()


def is_committed(left: Staging, book: Ledger | None) -> bool:
    """Say whether the ledger's file names the new release: then it must not be dropped."""
    digest = left.digest()
    if book is None or not digest:
        return False
    return any(row["entry"] == "release" and row["manifest"] == digest for row in read_rows(book.path))


def _prefix(place: Path) -> str:
    return f".{place.name}-staged-"


def _owner(book: Ledger | None) -> str:
    """Return what tells the runs of one ledger from those of others, without its path."""
    return NO_LEDGER if book is None else hashlib.sha256(os.fsencode(book.path.resolve())).hexdigest()


def _is_ours(path: Path) -> bool:
    try:
        inside = [one.name for one in path.iterdir()]
    except (FileNotFoundError, NotADirectoryError):  # another run has just deleted it, or it is a file
        return False
    return not path.is_symlink() and all(name in (LOCK, FRESH) or name[:-2] == OLD for name in inside)


def _claimed(folder: Path) -> int | None:
    """Lock a hidden folder; None when a run is at work in it, or another one has just deleted it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        lock(descriptor, wait=False)
        if os.stat(folder / LOCK).st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
