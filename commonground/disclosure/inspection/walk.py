"""Answers: what would an attacker find in these bytes, or in this folder."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from commonground.errors import CommonGroundError

from .archives import MOST_BYTES
from .checks import examine
from .decoding import payloads, sniff, variants
from .expectation import Expectation, Finding
from .pieces import Bytes, Flag, Piece, Text
from .readers import READERS, read

__all__ = ["inspect", "inspect_bytes", "inspect_folder"]

MOST_ALIKE = 20  # findings in one file that differ only by place
DEEPEST = 8  # files within files; deeper is refused
MOST_TOTAL = 1024 * 2**20  # bytes unpacked from one file


def inspect(path: str | PathLike[str], *, expectation: Expectation | None = None) -> tuple[Finding, ...]:
    """Read a file, or every file below a folder, back as an attacker would.

    Parameters
    ----------
    path : path
        A file or a folder, ours or not; it is only read.
    expectation : Expectation, optional
        As in `inspect_bytes`.

    Returns
    -------
    tuple of Finding
        Empty when nothing was found.

    Raises
    ------
    CommonGroundError
        If there is neither a file nor a folder.
    """
    place = Path(path)
    if place.is_dir():
        return inspect_folder(place, expectation)
    if not (place.is_symlink() or place.exists()):
        raise CommonGroundError("There is no such file or folder to inspect; give what is to be handed round.")
    return _one_file(place, place.name, Expectation() if expectation is None else expectation)


def inspect_bytes(name: str, data: bytes, expectation: Expectation | None = None) -> tuple[Finding, ...]:
    r"""Read a file back as an attacker would.

    Files within files (archives, pictures in pages, base64, frames) are opened in turn. What cannot be read is a
    finding: nothing is skipped.

    Parameters
    ----------
    name : str
        Path of the file within its folder; the suffix says how to read it.
    data : bytes
        Contents.
    expectation : Expectation, optional
        What may be there. Without it only what is wrong in any file is found: personal data, points, machine names,
        loading addresses, formulas and hidden content.

    Returns
    -------
    tuple of Finding
        Empty when nothing was found. No finding repeats what it found.

    Notes
    -----
    Fails to see: names and addresses in words that are not among the needles, values drawn as pixels or shapes, values
    changed by arithmetic or encryption (backwards, letters shifted, base85, polylines), and addresses that a script
    puts together from pieces. PDF is refused: its text is drawn sign by sign through tables of each font, so that its
    streams, unpacked, need not show what it says.

    Examples
    --------
    >>> inspect_bytes("areas.csv", b"area,contacts\\nNorth,25\\n")
    ()
    >>> [finding.check for finding in inspect_bytes("notes.txt", b"call 07700 900123")]
    ['personal data']
    """
    wanted = Expectation() if expectation is None else expectation
    search = _Search(wanted)
    in_name = list(search.file_name(name))
    found = [*in_name, *search.file("", name, data, 0)]
    shown = f"(name withheld){Path(name).suffix}" if in_name else name
    unique = dict.fromkeys((flag.where, flag.check, flag.message) for flag in found)
    many = Counter((check, message) for _, check, message in unique)
    seen: Counter[tuple[str, str]] = Counter()
    findings = []
    for where, check, message in unique:
        seen[check, message] += 1
        if seen[check, message] <= MOST_ALIKE:
            findings.append(Finding(shown, where, check, message))
        elif seen[check, message] == many[check, message]:
            findings.append(Finding(shown, "further places", check, message))
    return tuple(findings)


def inspect_folder(path: str | PathLike[str], expectation: Expectation | None = None) -> tuple[Finding, ...]:
    """Read every file below a folder back, hidden ones included.

    Parameters
    ----------
    path : path
        A folder; its contents are only read.
    expectation : Expectation, optional
        As in `inspect_bytes`.

    Returns
    -------
    tuple of Finding
        In the order of the file names.

    Raises
    ------
    CommonGroundError
        If there is no such folder.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise CommonGroundError("There is no such folder to inspect; give the folder that `commonground run` wrote.")
    wanted = Expectation() if expectation is None else expectation
    findings: list[Finding] = []
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_symlink() or not file.is_dir():
            findings += _one_file(file, name, wanted)
        elif any(examine(Text("", file.name, "metadata"), wanted)) or wanted.needles.found(file.name):
            findings.append(Finding("", "folder name", "raw value", "The name of a folder says too much. Rename it."))
    return tuple(findings)


def _one_file(file: Path, name: str, wanted: Expectation) -> tuple[Finding, ...]:
    if file.is_symlink():
        return (Finding(name, "", "machine", "A link to another place is here. Put the file itself here."),)
    data = _contents(file)
    if data is None:
        message = "This is no ordinary file, is locked, or is too large to be read back."
        return (Finding(name, "", "unreadable", message),)
    return inspect_bytes(name, data, wanted)


def _contents(file: Path) -> bytes | None:
    try:
        return file.read_bytes() if file.is_file() and file.stat().st_size <= MOST_BYTES else None
    except OSError:
        return None


@dataclass(repr=False)
class _Search:
    """One file's search: what has been opened already, and how much."""

    expectation: Expectation
    opened: set[bytes] = field(default_factory=set)
    total: int = 0

    def file_name(self, name: str) -> Iterator[Flag]:
        for role in ("raw", "metadata"):
            yield from examine(Text("file name", name, role), self.expectation)

    def file(self, where: str, name: str, data: bytes, depth: int) -> Iterator[Flag]:
        """Examine one file and those within it."""
        digest = hashlib.blake2b(name.encode("utf-8", "replace") + b"\0" + data).digest()
        if digest in self.opened:
            return
        self.opened.add(digest)
        self.total += len(data)
        if depth > DEEPEST or self.total > MOST_TOTAL:
            yield Flag(where, "unreadable", "Files are packed too deeply, or unpack to too much, to be read back.")
            return
        for piece in _pieces(name, data):
            if isinstance(piece, Bytes):
                yield from self._within(where, piece, name, depth)
                continue
            yield from (_at(where, flag) for flag in examine(piece, self.expectation))
            if isinstance(piece, Text) and piece.role in ("raw", "data"):
                for text in variants(piece.text):
                    for packed in payloads(piece.where, text):
                        if isinstance(packed, Bytes):
                            yield from self._within(where, packed, name, depth)

    def _within(self, where: str, piece: Bytes, outer: str, depth: int) -> Iterator[Flag]:
        name = piece.name or Path(outer).stem + {".svgz": ".svg"}.get(Path(outer).suffix, "")
        if not piece.name and Path(name).suffix.lower() not in READERS:
            name = "contents" + _guess(piece.data)
        here = ", ".join(part for part in (where, piece.where) if part)
        yield from self.file(here, name, piece.data, depth + 1)


def _pieces(name: str, data: bytes) -> Iterator[Piece]:
    """Read a file; a reader that stumbles over it, for whatever reason, has not read it, and that is a finding."""
    try:
        yield from read(name, data)
    except Exception:
        yield Flag("", "unreadable", "The file is damaged, or holds something that cannot be read back.")


def _at(where: str, flag: Flag) -> Flag:
    return Flag(", ".join(part for part in (where, flag.where) if part), flag.check, flag.message)


def _guess(data: bytes) -> str:
    return sniff(data) or {b"<": ".html", b"{": ".json", b"[": ".json"}.get(data.lstrip()[:1], ".txt")
