"""Answers: what does a notebook store, shown or not."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

from .decoding import decode
from .pieces import Bytes, Flag, Piece, Text

__all__ = ["read_notebook"]

_TIMINGS = frozenset({"execution", "papermill", "ExecuteTime", "execution_time", "collapsed_timing"})
_PLAIN_METADATA = frozenset(
    {"kernelspec", "language_info", "tags", "slideshow", "editable", "jupytext", "title", "nbformat"}
)
# The keys of format 4.5 (nbformat's schema).
_BOOK = frozenset({"metadata", "nbformat", "nbformat_minor", "cells"})
_CELL = frozenset({"id", "cell_type", "metadata", "source", "attachments", "outputs", "execution_count"})
_OUTPUT = frozenset(
    {"output_type", "metadata", "data", "name", "text", "ename", "evalue", "traceback", "execution_count"}
)
_MIME_NAMES = {
    "text/html": ".html", "image/svg+xml": ".svg", "image/png": ".png", "image/gif": ".gif",
    "application/json": ".json",
    "application/geo+json": ".geojson", "text/markdown": ".md", "text/plain": ".txt", "text/latex": ".txt",
    "application/javascript": ".js",
}  # fmt: skip


def read_notebook(data: bytes) -> Iterator[Piece]:
    """Yield the cells, outputs, attachments and metadata of a notebook."""
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    try:
        book = json.loads(text)
        cells = [cell for cell in book["cells"] if isinstance(cell, dict)]
    except (ValueError, RecursionError, KeyError, TypeError):
        yield Flag("", "unreadable", "This is not a notebook of format 4.")
        return
    yield from _metadata("", book.get("metadata"))
    yield from _others("", book, _BOOK)
    for number, cell in enumerate(cells, start=1):
        where = f"cell {number}"
        yield from _metadata(where, cell.get("metadata"))
        yield from _others(where, cell, _CELL)
        code = cell.get("cell_type") == "code"
        yield Bytes(
            where, "source.txt" if code else "source.md", _joined(cell.get("source")).encode("utf-8", "replace")
        )
        for name, bundle in (cell.get("attachments") or {}).items():
            yield Text(f"{where}, attachment", str(name), "metadata")
            yield from _bundle(f"{where}, attachment", bundle)
        for place, output in enumerate(cell.get("outputs") or [], start=1):
            yield from _output(f"{where}, output {place}", output)


def _output(where: str, output: Any) -> Iterator[Piece]:
    if not isinstance(output, dict):
        return
    if output.get("output_type") == "error":
        yield Flag(
            where, "hidden content", "An error message with its trace is stored. Run the notebook without errors."
        )
    for key in ("text", "evalue", "traceback"):
        if key in output:
            yield Text(where, re.sub(r"\x1b\[[\d;]*m", "", _joined(output[key])), "prose")
    yield from _metadata(where, output.get("metadata"))
    yield from _others(where, output, _OUTPUT)
    yield from _bundle(where, output.get("data"))


def _bundle(where: str, bundle: Any) -> Iterator[Piece]:
    for kind, content in (bundle or {}).items():
        suffix = _MIME_NAMES.get(kind, ".json" if kind.endswith("json") else "")
        if not isinstance(content, str | list) or (suffix == ".json" and not isinstance(content, str)):
            yield Bytes(where, "value.json", json.dumps(content).encode())
        elif kind.startswith("image/") and kind != "image/svg+xml":
            yield Bytes(where, f"picture{suffix}", _base64(_joined(content)))
        else:
            yield Bytes(where, f"value{suffix}", _joined(content).encode("utf-8", "replace"))


def _metadata(where: str, metadata: Any) -> Iterator[Piece]:
    for key, value in (metadata or {}).items() if isinstance(metadata, dict) else ():
        here = f"{where}, metadata".lstrip(", ")
        if key in _TIMINGS:
            yield Flag(here, "time", "When and how long the cells ran is stored. Clear it.")
        elif key not in _PLAIN_METADATA:
            yield Flag(here, "hidden content", "Metadata that no reader sees is stored. Clear it.")
        yield Text(here, json.dumps(value, ensure_ascii=False), "metadata")


def _others(where: str, node: dict[str, Any], known: frozenset[str]) -> Iterator[Piece]:
    """Look at keys that the format does not have, which no reader shows."""
    rest = {key: value for key, value in node.items() if key not in known}
    if rest:
        yield Flag(where, "hidden content", "A part that no reader shows is stored. Write the notebook afresh.")
        yield Bytes(where, "part.json", json.dumps(rest).encode())


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return text.encode()
