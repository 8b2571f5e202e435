"""Answers: what is in a GeoPackage or a Parquet file, in every table, page and note."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from .pieces import Bytes, Flag, Piece, Points, Table, Text

__all__ = ["read_geopackage", "read_parquet", "read_shape"]

MOST_ROWS = 2_000_000  # of one table; more is refused, not skipped
_TOO_LONG = "A table is too long to be read back. Release less."
_OWN_TABLES = re.compile(r"gpkg_|rtree_|sqlite_", re.IGNORECASE)
# Envelope lengths by indicator (GeoPackage 1.3, clause 2.1.3).
_ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_STRINGS = re.compile(rb"[\x20-\x7e\xa0-\xff]{6,}")
_KNOWN_NOTES = frozenset({b"pandas", b"geo", b"ARROW:schema"})
_BOX = re.compile(r'"bbox":\s*\[[^\]]*\],?')  # of shapes that are checked one by one
_DAMAGED = "The file is damaged, or not of the kind its name says."


def read_shape(data: bytes) -> Iterator[Piece]:
    """Yield the corners of one shape in well-known binary."""
    shape = _shape(data)
    if shape is None:
        yield Flag("", "unreadable", _DAMAGED)
    else:
        yield Points("", shapely.get_coordinates(shape).tolist(), "Point" in shape.geom_type)


def read_geopackage(data: bytes) -> Iterator[Piece]:
    """Yield every table of an SQLite file, its definitions, and what deleted rows left behind."""
    # whatever the tables say now, the bytes of deleted rows may still be there
    yield Text("pages", "\n".join(run.decode("latin-1") for run in _STRINGS.findall(data)), "raw")
    with sqlite3.connect(":memory:") as store:
        store.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            store.deserialize(_without_wal(data))
            yield from _pages(store)
            yield from _tables(store)
        except sqlite3.Error:
            yield Flag("", "unreadable", _DAMAGED)
    store.close()


def _without_wal(data: bytes) -> bytes:
    """Clear the write-ahead marks (bytes 18 and 19 of the header), which an in-memory copy cannot honour."""
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data


def _pages(store: sqlite3.Connection) -> Iterator[Piece]:
    free = store.execute("PRAGMA freelist_count").fetchone()[0]
    if free:
        yield Flag(
            "pages", "hidden content", "Pages of deleted rows are still in the file. Run VACUUM, or write it afresh."
        )
    for kind, name, sql in store.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        yield Text("definitions", f"{name}\n{sql or ''}", "metadata")
        if kind == "trigger" and not _OWN_TABLES.match(name) and not re.match(r"(?:trigger_|fgti|fgtu)", name):
            yield Flag("definitions", "hidden content", "A trigger of its own is stored. Write the file afresh.")


def _tables(store: sqlite3.Connection) -> Iterator[Piece]:
    names = [
        row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    ]
    listed = _listed(store, names)
    for number, name in enumerate(names, start=1):
        where = f"table {number}"
        own = bool(_OWN_TABLES.match(name))
        if not own and name not in listed:
            yield Flag(where, "hidden content", "A table is stored that the contents list leaves out. Remove it.")
        if name.startswith("rtree_") and not any(name.startswith(f"rtree_{table}_") for table in listed):
            yield Flag(where, "hidden content", "An index of boxes belongs to no table. Write the file afresh.")
        elif name.startswith("rtree_") and not name.endswith("_rowid"):
            continue  # the index repeats the boxes of the shapes; its row numbers are compared below
        quoted = name.replace('"', '""')
        try:
            cursor = store.execute(f'SELECT * FROM "{quoted}"')  # a name cannot be bound; quoted above
            rows = cursor.fetchmany(MOST_ROWS + 1)
        except sqlite3.Error:  # a view of a missing table, or a module this SQLite does not have
            yield Flag(where, "unreadable", "A table cannot be read.")
            continue
        if len(rows) > MOST_ROWS:
            yield Flag(where, "unreadable", _TOO_LONG)
            continue
        columns = [column[0] for column in cursor.description]
        yield from _rows(where, columns, rows, own)


def _listed(store: sqlite3.Connection, names: list[str]) -> set[str]:
    if "gpkg_contents" not in names:
        return set(names)
    return {row[0] for row in store.execute("SELECT table_name FROM gpkg_contents").fetchall()}


def _rows(where: str, columns: list[str], rows: list[tuple[Any, ...]], own: bool) -> Iterator[Piece]:
    """Yield plain cells as a table and blobs as shapes or files."""
    pairs: list[tuple[float, float]] = []
    single = False
    for r, row in enumerate(rows, start=1):
        for value in row:
            if not isinstance(value, bytes):
                continue
            shape = _shape(value)
            if shape is None:
                yield Bytes(f"{where}, row {r}", "blob", value)
            else:
                pairs += shapely.get_coordinates(shape).tolist()
                single = single or "Point" in shape.geom_type
    if pairs:
        yield Points(where, pairs, single)
    blobs = {c for c in range(len(columns)) if any(isinstance(row[c], bytes) for row in rows)}
    kept = [c for c in range(len(columns)) if c not in blobs]
    made = [c for c in kept if not (own and columns[c] == "last_change")]
    cells = [[row[c] for c in made] for row in rows]
    if own:
        lines = "\n".join(" ".join(str(value) for value in row if isinstance(value, str)) for row in cells)
        yield Text(where, lines, "metadata")
    else:
        shown = [c for c in made if columns[c] not in ("fid", "ogc_fid")]
        yield Table(where, tuple(columns[c] for c in shown), [[row[c] for c in shown] for row in rows])


def _shape(value: bytes) -> Any:
    """Read a GeoPackage geometry, or plain WKB; None if it is neither."""
    body = value
    if value[:2] == b"GP" and len(value) > 8:
        body = value[8 + _ENVELOPES.get(value[3] >> 1 & 7, 0) :]
    try:
        return shapely.from_wkb(body)
    except (shapely.errors.ShapelyError, NotImplementedError):  # curves are not read, so not let through
        return None


def read_parquet(data: bytes) -> Iterator[Piece]:
    """Yield the cells, the whole dictionaries and the notes of a Parquet file."""
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows > MOST_ROWS:
            yield Flag("", "unreadable", _TOO_LONG)
            return
        strings = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
        table = pq.ParquetFile(pa.BufferReader(data), read_dictionary=strings).read()
    except (pa.ArrowException, OSError, ValueError):
        yield Flag("", "unreadable", _DAMAGED)
        return
    yield from _notes("schema", file.metadata.metadata)
    for number, field in enumerate(file.schema_arrow, start=1):
        yield from _notes(f"schema, column {number}", field.metadata)
    columns, plain = [], []
    for number, name in enumerate(table.column_names, start=1):
        column = table.column(number - 1)
        where = f"column {number}"
        if pa.types.is_dictionary(column.type):
            values = [str(value) for chunk in column.chunks for value in chunk.dictionary.to_pylist()]
            yield Text(f"{where}, dictionary", "\n".join(values), "raw")
            yield Text(f"{where}, dictionary", "\n".join(values), "data")
        cells = column.to_pylist()
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            shapes = [shape for shape in map(_shape, filter(None, cells)) if shape is not None]
            pairs = shapely.get_coordinates(shapes).tolist()
            yield Points(where, pairs, any("Point" in shape.geom_type for shape in shapes))
            if len(shapes) < sum(cell is not None for cell in cells):
                yield Flag(where, "unreadable", "A column of bytes cannot be read back. Leave it out.")
            continue
        if pa.types.is_nested(column.type):
            yield Bytes(where, "cells.json", json.dumps([{name: cell} for cell in cells], default=str).encode())
        columns.append(name)
        plain.append([json.dumps(cell, default=str) if isinstance(cell, dict | list) else cell for cell in cells])
    rows = list(zip(*plain, strict=True))
    yield Text("", "\n".join(" ".join(str(cell) for cell in row) for row in rows), "raw")
    yield Table("", tuple(columns), rows)


def _notes(where: str, notes: dict[bytes, bytes] | None) -> Iterator[Piece]:
    for key, value in (notes or {}).items():
        if key.startswith((b"PARQUET:", b"ARROW:extension:")):
            continue
        if key not in _KNOWN_NOTES:
            yield Flag(where, "hidden content", "A note that no reader sees is stored. Write the file without.")
        text = _BOX.sub("", value.decode("utf-8", "replace"))
        for role in ("raw", "metadata"):
            yield Text(where, f"{key.decode('utf-8', 'replace')}\n{text}", role)
