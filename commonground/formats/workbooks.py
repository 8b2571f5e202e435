"""What does an Excel or OpenDocument workbook hold, as it was last calculated?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import python_calamine as calamine

from commonground.errors import Problem
from commonground.formats.headers import find_header, read_header
from commonground.formats.opening import check_file
from commonground.formats.refusals import NoRowsError, refusal

__all__ = ["read_workbook"]


def read_workbook(
    path: Path, *, sheet: str | None = None, columns: Sequence[str] | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read one table of an xlsx or ods workbook.

    Formulas are never evaluated: the value that was stored when the file was last saved is read. Title rows above the
    table and columns without a name are left out, and the notes say so.

    Parameters
    ----------
    path : Path
    sheet : str, optional
        Name of the sheet. Without it, the visible sheet with the most cells.
    columns : sequence of str, optional
        Keep only these.

    Returns
    -------
    frame : DataFrame
        Columns of dates are datetimes, columns of numbers are numbers, all others are text (whole numbers among text
        without ``.0``, dates among text as ISO). The index is the row of the data from 0; empty rows are left out.
    notes : tuple of str

    Raises
    ------
    RecordsError
        For an empty, damaged or locked workbook, an unknown sheet, a sheet without rows, and all that `read_header`
        refuses.
    """
    file = path.name
    check_file(path)
    chosen, rows, notes = _sheet_rows(path, sheet)
    start = find_header(rows)
    if start:
        notes = [*notes, f"{file}: {start} row(s) above the table (a title block) were not read."]
    body = rows[start + 1 :]
    used = [place for place in range(len(rows[start])) if any(_filled(row[place]) for row in rows[start:])]
    header = read_header([rows[start][place] for place in used], file, columns=columns)
    kept = [number for number, row in enumerate(body) if any(_filled(row[place]) for place in used)]
    if not kept:
        problem = Problem(None, file, "has a header and no rows", f"Look at sheet {chosen + 1}, or name another.")
        raise NoRowsError(f"{file} cannot be read; nothing was read.", [problem])
    data = {
        name: _column([body[number][used[position]] for number in kept], kept)
        for name, position in zip(header.names, header.positions, strict=True)
    }
    return pd.DataFrame(data, index=kept), (*notes, *header.notes)


def _sheet_rows(path: Path, sheet: str | None) -> tuple[int, list[list[Any]], list[str]]:
    """Return the chosen sheet's position, its rows from the first filled cell, and what the choice was."""
    file = path.name
    try:
        with calamine.load_workbook(path) as book:
            names = list(book.sheet_names)
            if sheet is not None and sheet not in names:
                advice = f"It has {len(names)}; check the name."
                raise refusal(file, "does not have the sheet that was asked for", advice)
            hidden = {m.name for m in book.sheets_metadata if m.visible != calamine.SheetVisibleEnum.Visible}
            looked_at = [sheet] if sheet is not None else [name for name in names if name not in hidden]
            tables = {name: book.get_sheet_by_name(name).to_python() for name in looked_at}
    except calamine.PasswordError:
        raise refusal(file, "is locked with a password", "Save a copy without one, in a safe place.") from None
    except calamine.CalamineError:
        advice = "Open it, save it again as .xlsx, and retry."
        raise refusal(file, "is damaged, cut off, or not a workbook", advice) from None
    tables = {name: rows for name, rows in tables.items() if rows}
    if not tables:
        raise refusal(file, "has no filled sheet", "Export it again, or name the sheet.")
    chosen = max(tables, key=lambda name: sum(_filled(cell) for row in tables[name] for cell in row))
    notes = []
    if sheet is None and len(names) > 1:
        said = f"number {names.index(chosen) + 1}, the one with most cells, was read"
        notes = [f"{file} has {len(names)} sheets; {said}."]
    return names.index(chosen), tables[chosen], notes


def _filled(cell: Any) -> bool:
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def _column(cells: list[Any], index: list[int]) -> pd.Series:
    """Give a column the one kind all its cells have, else text."""
    values = [_whole(cell) if _filled(cell) else None for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {dt.date, dt.datetime}:
        return pd.Series(pd.to_datetime(pd.Series(values, index=index, dtype="object")).astype("datetime64[us]"))
    if kinds and kinds <= {int, float}:
        return pd.Series(values, index=index, dtype="Int64" if kinds == {int} else "float64")
    return pd.Series([None if value is None else _text(value) for value in values], index=index, dtype="str")


def _whole(cell: Any) -> Any:
    """Undo the workbook's habit of keeping 12 as 12.0; numbers beyond 2**53 are left as they are."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53 else cell


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    return str(value)
