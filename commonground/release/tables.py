"""What a table that may be handed on consists of, and how it becomes CSV.

A `Table` is made from protected values only and carries its title, notes and definitions with it. Rows are the rows of
a tidy frame; the index is not written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import NotReleasable

__all__ = ["HIDDEN", "HIDDEN_MEANING", "Table", "cell_text", "csv_bytes", "require_origin", "starts_formula"]

#: Shorthand for a value that is not shown (Government Analysis Function, "Using symbols in tables", 2021).
HIDDEN = "[c]"
HIDDEN_MEANING = "confidential: too few people to show, or not observed"

_SLUG = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
# The first characters that make a spreadsheet read a cell as a formula (OWASP, "CSV injection"), with the full-width
# forms that Excel folds into them.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """Protected values, ready to be written.

    Parameters
    ----------
    name : str
        Short name for files and sheets: small letters, digits, hyphens, at most 60.
    title : str
        What the table shows, in words.
    frame : DataFrame
        Tidy rows; missing cells are written as `symbol`. Copied, so that later changes do not reach it.
    origin : object
        The protected value or registered evaluation that the numbers came from. Its class says ``released = True``.
    notes : tuple of str
        What the reader must know to read it.
    definitions : mapping of str to str
        What each column means, with unit.
    symbol : str
        Shorthand for a value that is not shown.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value.
    ValueError
        If the name is no slug, column names repeat or are no text, or a definition has no column.
    """

    name: str
    title: str
    frame: pd.DataFrame
    origin: object
    notes: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    symbol: str = HIDDEN

    def __post_init__(self) -> None:
        require_origin(self.origin)
        if not _SLUG.fullmatch(self.name) or len(self.name) > 60:
            raise ValueError("a table's name must be small letters, digits and hyphens, at most 60; rename it")
        columns = list(self.frame.columns)
        if not columns or not all(isinstance(c, str) and c for c in columns) or len(set(columns)) != len(columns):
            raise ValueError(f"table {self.name}: column names must be text, not empty and all different; rename them")
        stray = sorted(set(self.definitions) - set(columns))
        if stray:
            raise ValueError(f"table {self.name}: definitions name columns it does not have ({', '.join(stray)})")
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True).copy())
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "definitions", MappingProxyType(dict(self.definitions)))

    def __repr__(self) -> str:
        return f"Table({self.name}: {len(self.frame.columns)} columns)"


def csv_bytes(table: Table) -> bytes:
    """Write a table as CSV.

    UTF-8 without a byte order mark (programs read it; people who open files in Excel have the workbook), CRLF line ends
    (RFC 4180), a header row, one row a line. Text that a spreadsheet would run starts with an apostrophe; numbers stay
    numbers, negative ones too. The same table gives the same bytes.

    Parameters
    ----------
    table : Table
        What to write.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> class Shown:
    ...     released = True
    >>> frame = pd.DataFrame({"block": ["North", "=1+1"], "change": [-5.0, None]})
    >>> print(csv_bytes(Table("change", "Change by block", frame, Shown())).decode())
    block,change
    North,-5
    '=1+1,[c]
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_inert(column) for column in table.frame.columns])
    for row in table.frame.itertuples(index=False, name=None):
        writer.writerow([_csv_cell(value, table.symbol) for value in row])
    return out.getvalue().encode("utf-8", "replace")


def require_origin(origin: object) -> None:
    """Refuse anything that is not a protected value.

    Parameters
    ----------
    origin : object
        An object whose class says ``released = True``.

    Raises
    ------
    NotReleasable
        If it does not.
    """
    if getattr(type(origin), "released", False) is not True:
        raise NotReleasable(
            f"a {type(origin).__name__} holds exact values; only protected values are rendered; call protect(...) or "
            "register(...) first and pass what it returns as origin"
        )


def starts_formula(value: str) -> bool:
    """Say whether a spreadsheet would take this text for a formula.

    Parameters
    ----------
    value : str
        Text of a cell.

    Returns
    -------
    bool
        True when it starts, blanks aside, with = + - @ (or a full-width form), or with a tab or line break.
    """
    return value.startswith(_FORMULA) or value.lstrip(" \u00a0").startswith(_FORMULA)


def cell_text(value: Any, symbol: str = HIDDEN) -> str:
    """Return the text of one cell.

    Parameters
    ----------
    value : object
        A number, text, date, period, or tuple of codes.
    symbol : str
        What stands for a missing value.

    Returns
    -------
    str
        Numbers without a needless ``.0``, infinity as ``inf``, dates as ISO 8601, tuples joined by "; ", missing as
        `symbol`.

    Examples
    --------
    >>> cell_text(10.0), cell_text(("E01", "E02")), cell_text(float("nan"))
    ('10', 'E01; E02', '[c]')
    """
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return "; ".join(cell_text(item, symbol) for item in items)
    if value is None or pd.isna(value):
        return symbol
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _csv_cell(value: Any, symbol: str) -> str:
    written = cell_text(value, symbol)
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return written if number else _inert(written)


def _inert(value: str) -> str:
    return "'" + value if starts_formula(value) else value
