"""Answers: what is packed in a zip or gzip file, and beside it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from .pieces import Bytes, Flag, Piece, Text, join

__all__ = ["MOST_BYTES", "MOST_MEMBERS", "between", "expand", "member", "open_zip", "read_gzip", "read_zip"]

MOST_BYTES = 256 * 2**20  # unpacked, of one member; larger is refused, not skipped
MOST_MEMBERS = 5_000
DESCRIPTOR = 24  # bytes that may follow a streamed member (zip specification 4.3.9, with zip64)
_ENCRYPTED = 1
_STREAMED = 8
_ZIP64 = 1

_TOO_LARGE = "It is too large to be read back. Release less, or in smaller files."


def read_zip(data: bytes) -> Iterator[Piece]:
    """Yield every member of an archive as a file of its own, and what hides around them."""
    archive = yield from open_zip(data)
    if archive is None:
        return
    yield join("", "metadata", [("comment", archive.comment.decode("latin-1"))])
    if archive.comment:
        yield Flag("comment", "hidden content", "The archive carries a comment. Remove it.")
    for number, info in enumerate(archive.infolist(), start=1):
        where = f"member {number}"
        yield Text(f"{where}, name", info.filename, "raw")
        yield Text(f"{where}, name", info.filename, "metadata")
        if "\\" in info.orig_filename:
            yield Flag(where, "machine", "A member's name holds a backslash, which leads elsewhere on some systems.")
        if info.date_time[0] > 1980:
            yield Text(where, "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*info.date_time), "metadata")
        if info.comment:
            yield Flag(where, "hidden content", "A member carries a comment. Remove it.")
            yield Text(where, info.comment.decode("latin-1"), "metadata")
        if PurePosixPath(info.filename).is_absolute() or ".." in PurePosixPath(info.filename).parts:
            yield Flag(where, "machine", "A member's name leaves the archive. Use relative names.")
        if not info.is_dir():
            content = member(archive, info, where)
            yield content if isinstance(content, Flag) else Bytes(where, info.filename, content)
    yield from between(data, archive)


def open_zip(data: bytes) -> Generator[Piece, None, zipfile.ZipFile | None]:
    """Open an archive; yield a finding and return None when that cannot be done."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, EOFError):
        yield Flag("", "unreadable", "The archive is damaged.")
        return None
    if len(archive.infolist()) > MOST_MEMBERS:
        yield Flag("", "unreadable", _TOO_LARGE)
        return None
    return archive


def member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes | Flag:
    """Unpack one member, or say why not."""
    if info.flag_bits & _ENCRYPTED:
        return Flag(where, "unreadable", "A member is locked with a password.")
    if info.file_size > MOST_BYTES:
        return Flag(where, "unreadable", _TOO_LARGE)
    try:
        with archive.open(info) as stream:
            content = stream.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError):
        return Flag(where, "unreadable", "A member is damaged, or packed in a way that cannot be read.")
    return Flag(where, "unreadable", _TOO_LARGE) if len(content) > MOST_BYTES else content


def between(data: bytes, archive: zipfile.ZipFile) -> Iterator[Piece]:
    """Find bytes that no listed member accounts for: before, between and after them."""
    names = [info.filename for info in archive.infolist()]
    if len(set(names)) < len(names):
        yield Flag("", "hidden content", "Two members have the same name; readers see only one. Write it afresh.")
    at, streamed = 0, False
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        start = info.header_offset
        slack = DESCRIPTOR if at and streamed else 0
        if start - at > slack:
            yield Flag("", "hidden content", "The archive holds bytes that belong to no member. Write it afresh.")
            yield Text("between members", data[at:start].decode("latin-1"), "raw")
        name, extra = struct.unpack_from("<HH", data, start + 26)
        yield from _extra(data[start + 30 + name : start + 30 + name + extra], info.extra)
        at, streamed = start + 30 + name + extra + info.compress_size, bool(info.flag_bits & _STREAMED)
    slack = DESCRIPTOR if at and streamed else 0
    if archive.start_dir - at > slack:
        yield Flag("", "hidden content", "The archive holds bytes that belong to no member. Write it afresh.")
        yield Text("between members", data[at : archive.start_dir].decode("latin-1"), "raw")
    end = data.rfind(b"PK\x05\x06") + 22 + len(archive.comment)
    if len(data) > end:
        yield Flag("", "hidden content", "There are bytes after the end of the archive. Write it afresh.")
        yield Text("after the end", data[end:].decode("latin-1"), "raw")


def _extra(*fields: bytes) -> Iterator[Piece]:
    """Look into what a member carries beside its contents; sizes beyond four bytes are the only use for it."""
    for held in fields:
        kinds, at = set(), 0
        while at + 4 <= len(held):
            kind, size = struct.unpack_from("<HH", held, at)
            kinds.add(kind)
            at += 4 + size
        if kinds - {_ZIP64} or at < len(held):
            yield Flag("", "hidden content", "A member carries an extra field (times, accounts). Write it without.")
            yield Text("extra field", held.decode("latin-1"), "raw")


def expand(data: bytes, bits: int) -> tuple[bytes, bytes] | None:
    """Unpack one deflate stream.

    Parameters
    ----------
    data : bytes
        The stream and what follows it.
    bits : int
        `zlib` window bits: 15 for zlib, 31 for gzip.

    Returns
    -------
    (bytes, bytes) or None
        Contents and what follows; None when damaged or too large.
    """
    machine = zlib.decompressobj(bits)
    try:
        content = machine.decompress(data, MOST_BYTES + 1)
    except zlib.error:
        return None
    return (content, machine.unused_data) if machine.eof and len(content) <= MOST_BYTES else None


def read_gzip(data: bytes) -> Iterator[Piece]:
    """Yield the contents, the name and the comment of every gzip member (RFC 1952)."""
    member = 0
    while data:
        member += 1
        where = f"member {member}"
        unpacked = expand(data, 31) if data.startswith(b"\x1f\x8b") else None
        if unpacked is None:
            damaged = "hidden content" if member > 1 else "unreadable"
            yield Flag(where, damaged, "What is here is damaged, too large, or no gzip data.")
            yield Text(where, data.decode("latin-1"), "raw")
            return
        name, comment, extra = _gzip_texts(data)
        if extra:
            yield Flag(where, "hidden content", "The gzip data carries an extra field. Write it afresh.")
            yield Text(where, extra, "raw")
        if made := int.from_bytes(data[4:8], "little"):
            yield Text(f"{where}, made", f"{datetime.fromtimestamp(made, UTC):%Y-%m-%d %H:%M:%S}", "metadata")
        yield Text(f"{where}, name", name, "raw")
        yield Text(f"{where}, name", name, "metadata")
        if comment:
            yield Flag(where, "hidden content", "The gzip data carries a comment. Remove it.")
        yield Bytes(where, "", unpacked[0])
        data = unpacked[1]


def _gzip_texts(data: bytes) -> tuple[str, str, str]:
    flags, at, extra = data[3], 10, b""
    if flags & 4:
        extra = data[12 : 12 + int.from_bytes(data[10:12], "little")]
        at += 2 + len(extra)
    texts = []
    for bit in (8, 16):
        end = data.find(b"\x00", at) if flags & bit else at
        texts.append(data[at:end].decode("latin-1"))
        at = end + 1 if flags & bit else at
    return texts[0], texts[1], extra.decode("latin-1")
