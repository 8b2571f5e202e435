"""Is a ledger file whole, and how are rows added so that a crash leaves all of them or none?"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from commonground.errors import CommonGroundError

__all__ = ["LATER", "VERSION", "Row", "Writing", "lock", "read_rows", "sealed", "tampered", "unusable", "writing"]

Row = dict[str, Any]
VERSION = 1
START = "0" * 64
OWNER_ONLY = 0o600
FIRST = b'{"entry": "study"'  # what a ledger begins with; any other file is left alone
LATER = "was written by a later version of commonground; use that version, or a newer one"


@dataclass
class Writing:
    """A ledger file under an exclusive lock: its rows, and how far they reach.

    What stands after `end` is the torn end of an append whose run was killed before it showed anything to anybody. It
    goes when the next rows are written.
    """

    path: Path
    descriptor: int
    rows: list[Row]
    end: int
    closed: bool

    def append(self, rows: Sequence[Row]) -> None:
        """Write sealed rows in one piece and wait until they are on the disk."""
        data = b"" if self.closed else b"\n"
        data += b"".join(json.dumps(row, sort_keys=True).encode() + b"\n" for row in rows)
        try:
            os.ftruncate(self.descriptor, self.end)
            try:
                left = memoryview(data)
                while left:
                    left = left[os.write(self.descriptor, left) :]
                os.fsync(self.descriptor)
            except OSError:
                with suppress(OSError):  # a torn end is dropped by whoever comes next
                    os.ftruncate(self.descriptor, self.end)
                raise
        except OSError as error:
            raise unusable(self.path, error) from error
        self.rows.extend(rows)
        self.end, self.closed = self.end + len(data), True


@contextmanager
def writing(path: Path) -> Iterator[Writing]:
    """Open a ledger for adding rows, made if need be, and keep every other run out until the block ends.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Writing

    Raises
    ------
    CommonGroundError
        When the file cannot be used, is no ledger, or its chain is broken.
    """
    new = not _is_there(path)
    descriptor = _opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        try:
            lock(descriptor)
            if new:
                _sync_folder(path.parent)
            data = _content(descriptor)
        except OSError as error:
            raise unusable(path, error) from error
        rows, end = _whole(data, path)
        yield Writing(path, descriptor, rows, end, data[:end].endswith(b"\n") or not end)
    finally:
        os.close(descriptor)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a ledger whose chain is whole; none when there is no file yet.

    Parameters
    ----------
    path : Path

    Raises
    ------
    CommonGroundError
        When the file cannot be used, is no ledger, or its chain is broken.
    """
    if not _is_there(path):
        return []
    descriptor = _opened(path, os.O_RDONLY)
    try:
        lock(descriptor, shared=True)  # no half-written row of another process is read
        data = _content(descriptor)
    except OSError as error:
        raise unusable(path, error) from error
    finally:
        os.close(descriptor)
    return _whole(data, path)[0]


def sealed(rows: Sequence[Row], previous: str | None) -> list[Row]:
    """Return rows as they stand in the file: each with the hash before it and its own; all but the last say `more`.

    Parameters
    ----------
    rows : sequence of dict
        Of one append: `more` shows which of them belong together, so that none counts without the others.
    previous : str or None
        Hash of the row before; None for the first.
    """
    done: list[Row] = []
    previous = previous or START
    for at, row in enumerate(rows, start=1):
        own = {**row, "previous": previous} | ({"more": True} if at < len(rows) else {})
        own["hash"] = previous = _hash(own)
        done.append(own)
    return done


def lock(descriptor: int, *, shared: bool = False, wait: bool = True) -> None:
    """Lock an open file until it is closed.

    POSIX file locks (`fcntl.flock`) only: there is no ledger, and no release, under Windows.

    Parameters
    ----------
    descriptor : int
    shared : bool
        With other readers.
    wait : bool
        Else BlockingIOError is raised when another process holds it.

    Raises
    ------
    CommonGroundError
        When the system has no such locks.
    """
    locks = _locks()
    locks.flock(descriptor, (locks.LOCK_SH if shared else locks.LOCK_EX) | (0 if wait else locks.LOCK_NB))


def tampered() -> CommonGroundError:
    """Return the refusal of a ledger whose chain is broken."""
    return CommonGroundError(
        "the ledger's chain is broken: a row was changed, removed or put in. Restore the file from a copy; "
        "without it nothing can be released."
    )


def unusable(path: Path, error: OSError) -> CommonGroundError:
    """Return the refusal of a ledger that the system does not let us use."""
    return CommonGroundError(
        f"the ledger {path.name} cannot be used ({error.strerror}); it must be your own file, in a folder you may "
        "write to."
    )


def _whole(data: bytes, path: Path) -> tuple[list[Row], int]:
    """Return the rows of a whole chain, and how many bytes they take; the torn end of an append is left out."""
    rows: list[Row] = []
    end = reach = at = 0
    for line in data.split(b"\n"):
        ended = at + len(line) < len(data)
        if not ended and (not line or _torn(line, first=not rows)):
            break
        at += len(line) + ended
        rows.append(_row(line, rows[-1]["hash"] if rows else START, path, first=not rows))
        if not rows[-1].get("more"):
            end, reach = at, len(rows)
    return rows[:reach], end


def _row(line: bytes, previous: str, path: Path, *, first: bool) -> Row:
    try:
        row = json.loads(line)
        version = row.get("version", VERSION)
        later = isinstance(version, int) and version > VERSION
        strange = first and row.get("entry") is None
    except (ValueError, AttributeError, RecursionError) as error:
        raise (_foreign(path) if first else tampered()) from error
    if strange:
        raise _foreign(path)
    if later:
        raise CommonGroundError(f"the ledger {path.name} {LATER}.")
    claimed = row.pop("hash", None)
    if row.get("previous") != previous or _hash(row) != claimed:
        raise tampered()
    if first and row["entry"] != "study":
        raise _foreign(path)
    return {**row, "hash": claimed}


def _torn(line: bytes, *, first: bool) -> bool:
    """Say whether a last line without a line break is one of ours, cut off; a whole row that lost its break is not."""
    try:
        json.loads(line)
    except RecursionError:
        return False
    except ValueError:
        begun = FIRST if first else b'{"'
        return line.startswith(begun) or begun.startswith(line) or not line.strip(b"\0")
    return False


def _foreign(path: Path) -> CommonGroundError:
    return CommonGroundError(
        f"{path.name} is not a ledger of commonground, which begins with a row that names its study; give the study's "
        "own ledger, or a name that is free."
    )


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise unusable(path, error) from error


def _opened(path: Path, how: int) -> int:
    """Open a file of the owner's; anything but an ordinary file is refused before it is waited for."""
    _locks()
    try:
        descriptor = os.open(path, how | os.O_NONBLOCK, OWNER_ONLY)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise unusable(path, OSError(0, "not an ordinary file"))
        os.fchmod(descriptor, OWNER_ONLY)
    except OSError as error:
        os.close(descriptor)
        raise unusable(path, error) from error
    except CommonGroundError:
        os.close(descriptor)
        raise
    return descriptor


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locks() -> ModuleType:
    try:
        import fcntl
    except ImportError as error:
        raise CommonGroundError(
            "the ledger needs POSIX file locks, which this system does not have; run under Linux or macOS, or under "
            "Windows in its Linux subsystem (WSL)."
        ) from error
    return fcntl


def _hash(row: Row) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
