"""How protected tables become a workbook that opens anywhere and runs nothing.

Cover, contents, notes, then one table a sheet, as the Government Analysis Function asks of statistical spreadsheets
("Releasing statistics in spreadsheets", 2021): marked-up tables, one header row, no merged cells, shorthand explained.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.table import Table as ExcelTable
from openpyxl.worksheet.table import TableStyleInfo
from openpyxl.worksheet.worksheet import Worksheet

from commonground.release.escape import clean
from commonground.release.tables import HIDDEN, HIDDEN_MEANING, Table, cell_text, starts_formula

__all__ = ["workbook_bytes"]

# A file's own dates would make every run differ; the data's date stands on the cover. Zip's calendar starts in 1980.
_EPOCH = datetime(1980, 1, 1, tzinfo=UTC)
_STAMP = "1980-01-01T00:00:00Z"
_WIDEST = 60  # characters; longer text wraps
_TITLE = Font(name="Arial", size=15, bold=True, color="FF12436D")
_PLAIN = Font(name="Arial", size=12)  # at least 12 points, without serifs: the accessibility rule of the same guidance
_BOLD = Font(name="Arial", size=12, bold=True)
_LINK = Font(name="Arial", size=12, color="FF12436D", underline="single")
_HEAD = PatternFill("solid", fgColor="FFE7EEF5")
_RULE = Border(bottom=Side(style="thin", color="FF12436D"))
_WRAP = Alignment(wrap_text=True, vertical="top")


def workbook_bytes(
    tables: Sequence[Table], *, title: str, notes: Sequence[str] = (), about: Mapping[str, str] | None = None
) -> bytes:
    """Write tables into one xlsx workbook.

    Nothing in it is a formula, whatever the data say; links lead only to other sheets; properties and times are fixed,
    so the same tables give the same bytes.

    Parameters
    ----------
    tables : sequence of Table
        One sheet each, in this order.
    title : str
        Title of the workbook.
    notes : sequence of str
        Notes for the whole workbook.
    about : mapping of str to str, optional
        Lines of the cover: who, which study, data as of, licence.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    ValueError
        If there is no table, or two have the same name.
    """
    names = _sheet_names(tables)
    book = Workbook()
    book.remove(book.worksheets[0])
    _cover(book.create_sheet("Cover"), title, about or {})
    _contents(book.create_sheet("Contents"), tables, names)
    _notes(book.create_sheet("Notes"), tables, names, notes)
    for number, (table, name) in enumerate(zip(tables, names, strict=True), start=1):
        _table(book.create_sheet(name), table, number)
    book.properties.title = clean(title)
    book.properties.creator = "Common Ground"
    book.properties.language = "en-GB"
    book.calculation.fullCalcOnLoad = False  # there is nothing to calculate
    out = io.BytesIO()
    book.save(out)
    return _settled(out.getvalue())


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    if not tables:
        raise ValueError("a workbook needs at least one table; pass the tables to publish")
    names = [table.name[:31].rstrip("-_") for table in tables]  # Excel's limit
    if len(set(names)) != len(names) or {"cover", "contents", "notes"} & set(names):
        raise ValueError(
            "two tables have the same name in their first 31 characters, or one is called cover, contents or notes; "
            "rename one"
        )
    return names


def _cover(sheet: Worksheet, title: str, about: Mapping[str, str]) -> None:
    _put(sheet, 1, 1, title, _TITLE)
    for row, (label, value) in enumerate(about.items(), start=3):
        _put(sheet, row, 1, label, _BOLD)
        _put(sheet, row, 2, value, _PLAIN)
    if not about:
        _put(sheet, 3, 1, "The contents sheet lists the tables.", _PLAIN)
    _widths(sheet, 28, _WIDEST)


def _contents(sheet: Worksheet, tables: Sequence[Table], names: Sequence[str]) -> None:
    _put(sheet, 1, 1, "Contents", _TITLE)
    _put(sheet, 2, 1, "This worksheet contains one table. It lists the other worksheets.", _PLAIN)
    rows = [("Notes", "Notes, shorthand and definitions of columns")]
    rows += [(name, table.title) for name, table in zip(names, tables, strict=True)]
    _grid(sheet, 4, ["Worksheet", "Title"], rows, "contents_list")
    for row, (name, _) in enumerate(rows, start=5):
        cell = sheet.cell(row, 1)
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{name}'!A1", display=name)
        cell.font = _LINK
    _widths(sheet, 34, 90)


def _notes(sheet: Worksheet, tables: Sequence[Table], names: Sequence[str], notes: Sequence[str]) -> None:
    _put(sheet, 1, 1, "Notes", _TITLE)
    row = 2
    for note in notes:
        _put(sheet, row, 1, note, _PLAIN)
        row += 1
    _put(sheet, row, 1, "This worksheet contains two tables: shorthand, then definitions of columns.", _PLAIN)
    symbols = sorted({table.symbol for table in tables} | {HIDDEN})
    row = _grid(sheet, row + 2, ["Shorthand", "Meaning"], [(s, HIDDEN_MEANING) for s in symbols], "shorthand_list")
    definitions = [
        (name, column, table.definitions[column])
        for name, table in zip(names, tables, strict=True)
        for column in table.frame.columns
        if column in table.definitions
    ]
    if definitions:
        _grid(sheet, row + 2, ["Worksheet", "Column", "Definition"], definitions, "definition_list")
    _widths(sheet, 34, 40, 90)


def _table(sheet: Worksheet, table: Table, number: int) -> None:
    _put(sheet, 1, 1, table.title, _TITLE)
    _put(sheet, 2, 1, f"This worksheet contains one table. {table.symbol} means {HIDDEN_MEANING}.", _PLAIN)
    row = 3
    for note in table.notes:
        _put(sheet, row, 1, note, _PLAIN)
        row += 1
    columns = [str(column) for column in table.frame.columns]
    rows = list(table.frame.itertuples(index=False, name=None))
    _grid(sheet, row + 1, columns, rows, f"table_{number}", table.symbol)
    sheet.freeze_panes = sheet.cell(row + 2, 2)
    texts = [[column, *(cell_text(line[i], table.symbol) for line in rows)] for i, column in enumerate(columns)]
    _widths(sheet, *(max(14, *(len(text) + 3 for text in column)) for column in texts))


def _grid(
    sheet: Worksheet, top: int, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], name: str, symbol: str = HIDDEN
) -> int:
    """Write a marked-up table below `top`; return its last row."""
    for at, column in enumerate(columns, start=1):
        head = _put(sheet, top, at, column, _BOLD)
        head.fill, head.border, head.alignment = _HEAD, _RULE, _WRAP
    lines = rows or [("No rows", *([""] * (len(columns) - 1)))]
    for row, line in enumerate(lines, start=top + 1):
        for at, value in enumerate(line, start=1):
            _put(sheet, row, at, value, _PLAIN, symbol)
    last = top + len(lines)
    marked = ExcelTable(displayName=name, ref=f"A{top}:{get_column_letter(len(columns))}{last}")
    marked.tableStyleInfo = TableStyleInfo(name="TableStyleLight1", showRowStripes=True)
    sheet.add_table(marked)
    return last


def _put(sheet: Worksheet, row: int, column: int, value: Any, font: Font, symbol: str = HIDDEN) -> Cell:
    """Write one value as a number or as text, never as a formula, an error or a date to be guessed."""
    cell: Cell = sheet.cell(row, column)
    cell.font = font
    if isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value):
        cell.value = value.item() if isinstance(value, np.generic) else value
        cell.alignment = Alignment(horizontal="right", vertical="top")
        return cell
    written = clean(cell_text(value, symbol))
    cell.value = written
    cell.data_type = "s"  # openpyxl takes text that starts with = for a formula and #N/A for an error
    cell.alignment = Alignment(horizontal="right" if written == symbol else None, vertical="top")
    if starts_formula(written):
        cell.quotePrefix = True  # it stays text when somebody edits the cell
    return cell


def _widths(sheet: Worksheet, *widths: int) -> None:
    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = min(width, 90)


def _settled(content: bytes) -> bytes:
    """Rewrite the archive with fixed times, attributes and order of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in _ordered(old.namelist()):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + _STAMP.encode(), data)
            entry = zipfile.ZipInfo(name, date_time=_EPOCH.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0  # the same on every operating system
            entry.external_attr = 0
            new.writestr(entry, data)
    return out.getvalue()


def _ordered(names: Iterable[str]) -> list[str]:
    """List the files with the content types first, where readers look for them."""
    return sorted(names, key=lambda name: (name != "[Content_Types].xml", name))
