"""Answers: what does a picture carry beside its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from .archives import expand
from .pieces import Flag, Piece, Text

__all__ = ["read_gif", "read_png"]

# Chunks that only say how to draw (PNG specification, third edition, section 11), and the most bytes each can need.
_DRAWING = {
    b"IHDR": 13, b"PLTE": 768, b"IDAT": 2**31, b"IEND": 0, b"tRNS": 256, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1,
    b"sBIT": 4, b"bKGD": 6, b"pHYs": 9, b"tIME": 7,
}  # fmt: skip
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PLAIN_KEYS = frozenset({"Software", "Title", "Description", "Copyright", "Disclaimer", "Source", "Warning"})
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SMALL_GIF = 64  # bytes; the one-pixel spacer that map libraries use


def read_png(data: bytes) -> Iterator[Piece]:
    """Yield the text chunks of a PNG and everything that does not draw."""
    at, pixels, header = 8, b"", b""
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if at + 12 + size > len(data) or zlib.crc32(kind + body) != struct.unpack_from(">I", data, at + 8 + size)[0]:
            yield Flag("", "unreadable", "The picture is damaged.")
            return
        if kind in _TEXTS:
            yield from _text_chunk(kind, body)
        elif kind == b"eXIf":
            yield Flag("eXIf", "hidden content", "The picture carries camera data. Save it without.")
            yield Text("eXIf", body.decode("latin-1"), "raw")
        elif kind == b"tIME" and len(body) == 7:
            year, *rest = struct.unpack(">HBBBBB", body)
            yield Text("tIME chunk", "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(year, *rest), "metadata")
        elif kind in (b"PLTE", b"tRNS"):
            yield Text(kind.decode(), body.decode("latin-1"), "raw")
        elif len(body) > _DRAWING.get(kind, -1):
            yield Flag("", "hidden content", "The picture carries a part that does not draw. Save it afresh.")
            yield Text("chunk", body.decode("latin-1"), "raw")
        header, pixels = (body, pixels) if kind == b"IHDR" else (header, pixels + body if kind == b"IDAT" else pixels)
        at += 12 + size
        if kind == b"IEND":
            break
    else:
        yield Flag("", "unreadable", "The picture is damaged.")
        return
    if at < len(data):
        yield Flag("", "hidden content", "There are bytes after the end of the picture. Save it afresh.")
        yield Text("after the end", data[at:].decode("latin-1"), "raw")
    yield from _pixels(header, pixels)


def _text_chunk(kind: bytes, body: bytes) -> Iterator[Piece]:
    name, _, rest = body.partition(b"\x00")
    key = name.decode("latin-1")
    if kind == b"zTXt":
        rest = (expand(rest[1:], 15) or (b"", b""))[0]
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\x01", rest[2:]
        _, _, rest = rest.partition(b"\x00")
        _, _, rest = rest.partition(b"\x00")
        rest = (expand(rest, 15) or (b"", b""))[0] if packed else rest
    where = f"{kind.decode()} chunk"
    text = rest.decode("utf-8", "replace")
    for role in ("raw", "metadata"):
        yield Text(where, f"{key}\n{text}", role)
    if key not in _PLAIN_KEYS:
        yield Flag(where, "hidden content", "The picture carries a note that is not shown. Save it without.")


def _pixels(header: bytes, pixels: bytes) -> Iterator[Piece]:
    """Check that the pixel stream holds the pixels and nothing else."""
    unpacked = expand(pixels, 15)
    if len(header) != 13 or unpacked is None:
        yield Flag("", "unreadable", "The picture is damaged or too large.")
        return
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    row = (width * depth * _CHANNELS.get(colour, 4) + 7) // 8 + 1
    # seven interlaced passes have at most that many more row starts (PNG specification, 8.2)
    room = height * row if not interlaced else height * row * 2 + 16 * (width + height)
    if unpacked[1] or len(unpacked[0]) > room:
        yield Flag("pixels", "hidden content", "There is more in the pixel data than pixels. Save the picture afresh.")


def read_gif(data: bytes) -> Iterator[Piece]:
    """Let the one-pixel spacer pass; anything larger is a kind that is not read."""
    if len(data) > _SMALL_GIF or struct.unpack_from("<HH", data.ljust(10, b"\0"), 6) != (1, 1):
        yield Flag("", "unknown type", "Pictures of this kind cannot be read back, so they are not let through.")
    yield Text("", data.decode("latin-1"), "raw")
