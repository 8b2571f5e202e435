"""Where does a table's header stand, and which of its columns can be used?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from commonground.errors import Problem, RecordsError
from commonground.formats.refusals import refusal

__all__ = ["Header", "find_header", "read_header"]

MOST_COLUMNS = 500  # more than this is a matrix or a damaged file, not rows about people
MANY_COLUMNS = 100  # from here on the reader is told how many there were
LOOKED_AT = 50  # rows in which the header is sought
# A header names nearly every column that is filled below it; a title block fills one or two of them.
NAMED_SHARE = 0.8


@dataclass(frozen=True)
class Header:
    """The usable columns of a table.

    Parameters
    ----------
    names : tuple of str
        Stripped, all different, none blank.
    positions : tuple of int
        Where each stands in the row, from 0.
    notes : tuple of str
        Columns without a name, or very many columns.
    """

    names: tuple[str, ...]
    positions: tuple[int, ...]
    notes: tuple[str, ...]


def read_header(cells: Sequence[Any], file: str, *, columns: Sequence[str] | None = None) -> Header:
    """Name the columns of a table from its header row.

    Parameters
    ----------
    cells : sequence
        The header row. Text, or numbers from a workbook (201004.0 becomes ``201004``).
    file : str
        Name for messages.
    columns : sequence of str, optional
        Names that must be there; the others are left out.

    Returns
    -------
    Header

    Raises
    ------
    RecordsError
        When two columns have one name, none has a name, there are more than 500, or a wanted one is missing. Duplicates
        are named by position: in a file without a header the "names" are somebody's record.
    """
    names = [_name(cell) for cell in cells]
    if len(names) > MOST_COLUMNS:
        rule = f"has {len(names)} columns; {MOST_COLUMNS} is the most that is read"
        raise refusal(file, rule, "Keep the columns you need and save the file again.")
    named = [position for position, name in enumerate(names) if name]
    if not named:
        raise refusal(file, "has no column names", "Put the names in the first row of the table.")
    problems = []
    for position in named:
        first = names.index(names[position])
        if first != position:
            rule = f"has a duplicate column name at columns {first + 1} and {position + 1}"
            problems.append(Problem(None, file, rule, "Rename one of them, or take it out."))
    for wanted in columns or ():
        if wanted not in names:
            problems.append(Problem(None, wanted, f"is missing from {file}", "Add the column, or correct its name."))
    if problems:
        raise RecordsError(f"the columns of {file} do not fit; nothing was read.", problems)
    notes = []
    if len(named) < len(names):
        notes.append(f"{file}: {len(names) - len(named)} column(s) without a name were left out.")
    if len(named) > MANY_COLUMNS:
        notes.append(f"{file} has {len(named)} columns.")
    kept = named if columns is None else [names.index(wanted) for wanted in dict.fromkeys(columns)]
    return Header(tuple(names[position] for position in kept), tuple(kept), tuple(notes))


def find_header(rows: Sequence[Sequence[Any]]) -> int:
    """Return the position of the header row below a title block.

    It is the first row that fills at least 80 % of the columns filled below it, or all of them but the first (the
    nameless row number that pandas and R write). When no row does, the one with most cells.

    Parameters
    ----------
    rows : sequence of rows
        Cells; None and blank text are empty. The first 50 are looked at.

    Examples
    --------
    >>> find_header([["Report", "", ""], ["", "", ""], ["id", "date", "area"], ["1", "2020-01-02", "A"]])
    2
    """
    filled = [{place for place, cell in enumerate(row) if _name(cell)} for row in rows[:LOOKED_AT]]
    for row, cells in enumerate(filled):
        below = set().union(*filled[row + 1 :])
        if below and (len(cells & below) >= NAMED_SHARE * len(below) or cells == below - {min(below)}):
            return row
    return max(range(len(filled)), key=lambda row: len(filled[row]), default=0)


def _name(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()
