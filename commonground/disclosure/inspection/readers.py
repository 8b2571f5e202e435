"""Answers: what is in a file of this name, as far as it can be read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from . import archives, images, markup, notebooks, stores, trees, workbook
from .decoding import decode, sniff
from .pieces import Bytes, Flag, Piece, Table, Text

__all__ = ["READERS", "read"]

_SHEET_STARTS = re.compile(r"[ \u00a0]*[=@+\-＝＠＋－]\S|\t")
_NUMBER = re.compile(r"\s*[+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?%?\s*", re.IGNORECASE)


def read(name: str, data: bytes) -> Iterator[Piece]:
    """Take a file apart by the end of its name.

    Parameters
    ----------
    name : str
        File name; only its suffix matters.
    data : bytes
        Contents.

    Yields
    ------
    Piece
        Everything found; a kind that cannot be read is itself a finding.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    reader = READERS.get(suffix)
    if reader is None:
        yield Flag("", "unknown type", "Files of this kind cannot be read back, so they are not let through.")
        return
    expected = _CONTAINERS.get(suffix)
    kind = sniff(data)
    if data and (kind or "") != (expected or "") and suffix not in _UNSIGNED:
        yield Flag("", "unreadable", "The contents are not what the name says. Name the file after what it is.")
        if kind is None:
            return
        reader = READERS.get(kind, _unknown)
    yield from reader(data)


def _unknown(_: bytes) -> Iterator[Piece]:
    yield Flag("", "unknown type", "The contents are of a kind that cannot be read back, so they are not let through.")


def _text(data: bytes) -> Iterator[Piece]:
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    yield Text("", text, "prose")


def _markdown(data: bytes) -> Iterator[Piece]:
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    yield from markup.read_markdown(text)


def _code(role: str) -> Callable[[bytes], Iterator[Piece]]:
    def reader(data: bytes) -> Iterator[Piece]:
        text, flags = decode(data)
        yield from flags
        yield Text("", text, "raw")
        yield Text("", text, role)
        if role == "code":
            yield from trees.fragments("", text)

    return reader


def _csv(data: bytes) -> Iterator[Piece]:
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    head = text[: text.find("\n") + 1] or text
    separator = max(",;\t|", key=head.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        yield Flag("", "unreadable", "This is not a table of separated values.")
        return
    for r, row in enumerate(rows, start=1):
        for c, cell in enumerate(row, start=1):
            if _SHEET_STARTS.match(cell) and not _NUMBER.fullmatch(cell):
                yield Flag(f"row {r}, column {c}", "formula", "A spreadsheet would run this cell. Put a ' before it.")
    if rows:
        yield Table("", tuple(rows[0]), rows[1:])


def _deflated(bits: int) -> Callable[[bytes], Iterator[Piece]]:
    def reader(data: bytes) -> Iterator[Piece]:
        unpacked = archives.expand(data, bits)
        if unpacked is None or unpacked[1]:
            yield Flag("", "unreadable", "Packed data is damaged, too large, or followed by something else.")
        else:
            yield Bytes("", "", unpacked[0])

    return reader


_CONTAINERS = {
    ".png": ".png", ".gif": ".gif", ".zip": ".zip", ".xlsx": ".zip", ".gz": ".gz", ".svgz": ".gz",
    ".gpkg": ".gpkg", ".parquet": ".parquet",
}  # fmt: skip

_UNSIGNED = frozenset({".zlib", ".deflate", ".wkb"})  # their first bytes say nothing

READERS: dict[str, Callable[[bytes], Iterator[Piece]]] = {
    ".html": markup.read_html,
    ".htm": markup.read_html,
    ".xhtml": markup.read_html,
    ".svg": markup.read_html,
    ".json": trees.read_json,
    ".geojson": trees.read_json,
    ".ipynb": notebooks.read_notebook,
    ".csv": _csv,
    ".tsv": _csv,
    ".xlsx": workbook.read_workbook,
    ".png": images.read_png,
    ".gif": images.read_gif,
    ".gpkg": stores.read_geopackage,
    ".parquet": stores.read_parquet,
    ".zip": archives.read_zip,
    ".zlib": _deflated(15),
    ".deflate": _deflated(-15),
    ".wkb": stores.read_shape,
    ".gz": archives.read_gzip,
    ".svgz": archives.read_gzip,
    ".md": _markdown,
    ".txt": _text,
    ".toml": _text,
    ".js": _code("code"),
    ".css": _code("style"),
}
