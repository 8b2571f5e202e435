"""Answers: what is in an Excel workbook, on its sheets and behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from posixpath import dirname, join, normpath
from typing import Any
from xml.etree import ElementTree as ET

from . import archives
from .patterns import NAMESPACE
from .pieces import Bytes, Flag, Piece, Table, Text
from .pieces import join as join_texts

__all__ = ["read_workbook"]

# Parts that a reader does not see, by how their names begin (ECMA-376 part 1, section 12).
_UNSEEN = (
    ("xl/comments", "Comments are stored. Remove them."),
    ("xl/threadedComments", "Comments are stored. Remove them."),
    ("xl/persons", "Names of people who commented are stored. Remove them."),
    ("xl/pivotCache", "A pivot table keeps the rows it was made from. Paste it as values."),
    ("xl/pivotTables", "A pivot table keeps the rows it was made from. Paste it as values."),
    ("xl/vbaProject", "The workbook holds a program. Save it as a plain workbook."),
    ("xl/embeddings", "Another document is embedded. Remove it."),
    ("xl/activeX", "The workbook holds a program. Save it as a plain workbook."),
    ("xl/revisions", "Earlier versions of cells are stored. Save a fresh copy."),
    ("xl/model", "A data model is stored. Paste the table as values."),
    ("xl/customData", "Custom data are stored. Remove them."),
    ("customXml", "Custom data are stored. Remove them."),
    ("docProps/custom", "Custom properties are stored. Remove them."),
    ("xl/printerSettings", "Printer settings, which name printers, are stored. Remove them."),
)
_ELSEWHERE = ("xl/externalLinks", "xl/connections", "xl/queryTables", "xl/webextensions")
_AUTHORS = frozenset({"creator", "lastModifiedBy", "Manager", "Company"})
_DATE_FORMATS = frozenset(range(14, 23)) | frozenset(range(27, 37)) | frozenset({45, 46, 47}) | frozenset(range(50, 59))
_NOT_LETTERS = re.compile(r"\"[^\"]*\"|\[[^\]]*\]|\\.|General", re.IGNORECASE)
_SERIAL_START = datetime(1899, 12, 30)  # day 0 of the 1900 system, with its false leap day
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def read_workbook(data: bytes) -> Iterator[Piece]:
    """Yield the sheets, shown or hidden, the properties and every other part of an xlsx file."""
    archive = yield from archives.open_zip(data)
    if archive is None:
        return
    yield from archives.between(data, archive)
    parts: dict[str, bytes] = {}
    for number, info in enumerate(archive.infolist(), start=1):
        content = archives.member(archive, info, f"part {number}")
        if isinstance(content, Flag):
            yield content
        else:
            parts[info.filename] = content
    trees: dict[str, ET.Element] = {}
    for number, (name, content) in enumerate(parts.items(), start=1):
        if name.endswith((".xml", ".rels", ".vml")):
            yield Text(f"part {number}", content.decode("utf-8", "replace"), "raw")
            tree = _tree(content)
            if tree is None:
                yield Flag(f"part {number}", "unreadable", "A part of the workbook is damaged.")
            else:
                trees[name] = tree
        elif not name.endswith("/"):
            yield Bytes(f"part {number}", name, content)
    yield from _parts(trees, list(parts))
    yield from _sheets(trees)


def _tree(content: bytes) -> ET.Element | None:
    """Parse XML without entities, which could name other files or grow without end."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    try:
        return ET.fromstring(content)
    except (ET.ParseError, ValueError):
        return None


def _local(tree: ET.Element) -> str:
    return tree.tag.rpartition("}")[2]


def _named(tree: ET.Element, name: str) -> Iterator[ET.Element]:
    return (part for part in tree.iter() if _local(part) == name)


def _parts(trees: dict[str, ET.Element], names: list[str]) -> Iterator[Piece]:
    """Yield what stands outside the sheets."""
    for start, message in _UNSEEN:
        if any(name.startswith(start) for name in names):
            yield Flag(start.rpartition("/")[2], "hidden content", message)
    if any(name.startswith(_ELSEWHERE) for name in names):
        yield Flag("links", "external address", "The workbook draws on other files or servers. Break the links.")
    for name, tree in trees.items():
        if name.endswith(".rels"):
            yield from _relations(tree)
        elif name.startswith("docProps/"):
            for part in tree.iter():
                yield Text("document properties", part.text or "", "author" if _local(part) in _AUTHORS else "metadata")
        elif not re.match(r"xl/(worksheets/sheet|sharedStrings|styles|theme)", name):
            texts = [
                value for part in tree.iter() for value in (part.text or "", *part.attrib.values()) if value.strip()
            ]
            role = "prose" if name.startswith(("xl/charts", "xl/drawings", "xl/tables", "xl/comments")) else "metadata"
            yield join_texts(name.partition("/")[2].partition("/")[0], role, [("", text) for text in texts])


def _relations(tree: ET.Element) -> Iterator[Piece]:
    for link in _named(tree, "Relationship"):
        target = link.get("Target", "")
        yield Text("links", target, "metadata")
        hyperlink = link.get("Type", "").endswith("/hyperlink")
        if link.get("TargetMode") == "External" and not hyperlink and not NAMESPACE.match(target):
            yield Flag("links", "external address", "The workbook loads something from elsewhere. Break the link.")


def _sheets(trees: dict[str, ET.Element]) -> Iterator[Piece]:
    book = trees.get("xl/workbook.xml")
    if book is None:
        yield Flag("", "unreadable", "This is not a workbook.")
        return
    yield from _formats(trees.get("xl/styles.xml"))
    for name in _named(book, "definedName"):
        if not name.get("name", "").startswith("_xlnm."):
            yield Flag("names", "hidden content", "A named range or formula is stored. Remove it.")
    strings = [
        "".join(t.text or "" for t in _named(item, "t")) for item in _items(trees.get("xl/sharedStrings.xml"), "si")
    ]
    yield join_texts("strings", "data", [(f"text {i}", text) for i, text in enumerate(strings, start=1)])
    dates = _date_styles(trees.get("xl/styles.xml"))
    links = trees.get("xl/_rels/workbook.xml.rels")
    targets = (
        {} if links is None else {link.get("Id"): link.get("Target", "") for link in _named(links, "Relationship")}
    )
    listed = set()
    for number, sheet in enumerate(_named(book, "sheet"), start=1):
        where = f"sheet {number}"
        yield Text(f"{where}, name", sheet.get("name", ""), "data")
        if sheet.get("state", "visible") != "visible":
            yield Flag(where, "hidden content", "A sheet is hidden. Remove it.")
        target = targets.get(sheet.get(_RELATION), "")
        path = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
        listed.add(path)
        if path in trees:
            yield from _sheet(where, trees[path], strings, dates)
    for path in trees:
        if dirname(path) == "xl/worksheets" and path not in listed:
            yield Flag("sheets", "hidden content", "A sheet is stored that the workbook does not list. Save it afresh.")
            yield from _sheet("unlisted sheet", trees[path], strings, dates)


def _formats(styles: ET.Element | None) -> Iterator[Piece]:
    """Look for words in number formats, and for formats that show nothing."""
    codes = [] if styles is None else [form.get("formatCode", "") for form in _named(styles, "numFmt")]
    yield join_texts("styles", "prose", [(f"number format {at}", code) for at, code in enumerate(codes, start=1)])
    if any(not code.strip("; ") for code in codes):
        yield Flag("styles", "hidden content", "A number format shows nothing. Use one that shows the value.")


def _items(tree: ET.Element | None, name: str) -> list[ET.Element]:
    return [] if tree is None else list(_named(tree, name))


def _date_styles(styles: ET.Element | None) -> frozenset[int]:
    """Return the cell styles that show a number as a date or time."""
    if styles is None:
        return frozenset()
    custom = {
        int(form.get("numFmtId", "0"))
        for form in _named(styles, "numFmt")
        if re.search("[dmyhs]", _NOT_LETTERS.sub("", form.get("formatCode", "")), re.IGNORECASE)
    }
    cells = next(_named(styles, "cellXfs"), None)
    formats = [] if cells is None else [int(cell.get("numFmtId", "0")) for cell in cells]
    return frozenset(i for i, form in enumerate(formats) if form in _DATE_FORMATS | custom)


def _sheet(where: str, tree: ET.Element, strings: list[str], dates: frozenset[int]) -> Iterator[Piece]:
    if any(column.get("hidden") in ("1", "true") or _thin(column.get("width"), 1) for column in _named(tree, "col")):
        yield Flag(where, "hidden content", "A column is hidden. Remove it.")
    if any(row.get("hidden") in ("1", "true") or _thin(row.get("ht"), 3) for row in _named(tree, "row")):
        yield Flag(where, "hidden content", "A row is hidden. Remove it.")
    if next(_named(tree, "f"), None) is not None or next(_named(tree, "formula"), None) is not None:
        yield Flag(where, "formula", "A cell or a rule holds a formula. Write values only.")
    if next(_named(tree, "dataValidation"), None) is not None:
        yield Flag(where, "hidden content", "A list of allowed entries is stored. Remove it.")
    notes = [
        part.text or ""
        for name in ("oddHeader", "oddFooter", "evenHeader", "firstHeader")
        for part in _named(tree, name)
    ]
    yield join_texts(where, "prose", [("header or footer", text) for text in notes])
    rows = [{_column(cell): _value(cell, strings, dates) for cell in _named(row, "c")} for row in _named(tree, "row")]
    yield _table(where, rows)


def _thin(size: str | None, least: float) -> bool:
    try:
        return size is not None and float(size) < least
    except ValueError:
        return True


def _column(cell: ET.Element) -> int:
    letters = re.match("[A-Z]*", cell.get("r", ""))
    number = 0
    for letter in letters[0] if letters else "":
        number = number * 26 + ord(letter) - 64
    return number


def _value(cell: ET.Element, strings: list[str], dates: frozenset[int]) -> Any:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(t.text or "" for t in _named(cell, "t"))
    text = next((v.text or "" for v in _named(cell, "v")), None)
    if text is None or kind not in ("n", "s"):
        return text
    try:
        number = float(text)
        if kind == "s":
            return strings[int(number)]
        if int(cell.get("s", "0")) in dates:
            return (_SERIAL_START + timedelta(days=number)).isoformat(sep=" ", timespec="seconds")
    except (ValueError, IndexError, OverflowError):
        return text
    return number


def _table(where: str, rows: list[dict[int, Any]]) -> Table:
    """Take the first row of two or more texts that has a row as wide below it as the heading."""
    filled = [{column: value for column, value in row.items() if value not in (None, "")} for row in rows]
    for i, (row, below) in enumerate(pairwise(filled)):
        if len(row) >= 2 and len(below) >= 2 and all(isinstance(value, str) for value in row.values()):
            order = sorted(set().union(*filled[i:]))
            cells = [[values.get(column) for column in order] for values in filled[:i] + filled[i + 1 :]]
            return Table(where, tuple(str(row.get(column, "")) for column in order), cells)
    width = sorted(set().union(*filled)) if filled else []
    return Table(where, None, [[row.get(column) for column in width] for row in filled])
