"""Answers: which sums over which cells do published tables state."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from commonground.errors import Problem, RecordsError

__all__ = ["HiddenCells", "Published", "Sum", "read_published"]

MOST = 10**9  # sums above it leave the range in which the solver's tolerances are far below one

Sum: TypeAlias = tuple[tuple[Hashable, ...], int, int]
Published: TypeAlias = pd.DataFrame | Sequence[tuple[Any, ...]]
HiddenCells: TypeAlias = pd.DataFrame | NDArray[np.bool_] | Iterable[Hashable] | None


def read_published(published: Published, hidden: HiddenCells) -> tuple[list[Hashable], list[Sum], list[Hashable]]:
    """Read a table with totals, or a list of equations.

    Parameters
    ----------
    published, hidden
        As in `attacker_bounds`.

    Returns
    -------
    cells : list
        Every unknown cell.
    sums : list of (cells, low, high)
        What is known about them.
    asked : list
        The hidden cells to report.

    Raises
    ------
    RecordsError
        With every problem found; no count is repeated.
    """
    if isinstance(published, pd.DataFrame):
        return _from_table(published, hidden)
    return _from_equations(published, hidden)


def _from_table(table: pd.DataFrame, hidden: HiddenCells) -> tuple[list[Hashable], list[Sum], list[Hashable]]:
    if min(table.shape) < 2 or not (table.index.is_unique and table.columns.is_unique):
        rule = "needs at least one row and one column beside the totals, each with a label of its own"
        raise RecordsError("This table cannot be audited:", [Problem(None, "table", rule, "Name each row once")])
    shown = table.notna().to_numpy()
    mask = _mask(table, hidden)
    problems: list[Problem] = []
    values = np.zeros(table.shape, dtype=np.int64)
    for i, j in np.ndindex(table.shape):
        if mask[i, j] or (not shown[i, j] and hidden is None and i < len(table) - 1 and j < table.shape[1] - 1):
            mask[i, j] = True
            continue
        whole = _whole(table.iloc[i, j]) if shown[i, j] else None
        if whole is None:
            kind = "total" if i == len(table) - 1 or j == table.shape[1] - 1 else "count"
            rule = f"the {kind} must be a whole number of 0 or more, and not missing"
            problems.append(Problem(i + 1, str(table.columns[j]), rule, "Correct it, or name the cell as hidden"))
        values[i, j] = whole or 0
    if problems:
        raise RecordsError("This table cannot be audited:", problems)
    return _table_sums(table, values, mask)


def _table_sums(
    table: pd.DataFrame, values: NDArray[np.int64], mask: NDArray[np.bool_]
) -> tuple[list[Hashable], list[Sum], list[Hashable]]:
    names = [[(row, column) for column in table.columns] for row in table.index]
    cells: list[Hashable] = [names[i][j] for i, j in zip(*np.nonzero(mask), strict=True)]
    rest = values.copy()
    rest[mask] = 0
    left_in_rows = values[:, -1] - rest[:, :-1].sum(axis=1)
    left_in_columns = values[-1] - rest[:-1].sum(axis=0)
    sums: list[Sum] = []
    problems: list[Problem] = []
    help_ = "Use the totals of the table as published, before any rounding"
    for i, left in enumerate(left_in_rows):
        here = tuple(names[i][j] for j in np.flatnonzero(mask[i]))
        if left < 0 or (left > 0 and not here):
            problems.append(Problem(i + 1, str(table.columns[-1]), "the row must add up to its total", help_))
        elif here:
            sums.append((here, int(left), int(left)))
    for j, left in enumerate(left_in_columns):
        here = tuple(names[i][j] for i in np.flatnonzero(mask[:, j]))
        if left < 0 or (left > 0 and not here):
            problems.append(Problem(len(table), str(table.columns[j]), "the column must add up to its total", help_))
        elif here:
            sums.append((here, int(left), int(left)))
    if problems:
        raise RecordsError("The numbers of this table do not add up:", problems)
    return cells, sums, cells


def _mask(table: pd.DataFrame, hidden: HiddenCells) -> NDArray[np.bool_]:
    """Which cells of the table are hidden on request; totals never are."""
    mask = np.zeros(table.shape, dtype=bool)
    if hidden is None:
        return mask
    body = (table.shape[0] - 1, table.shape[1] - 1)
    if isinstance(hidden, pd.DataFrame | np.ndarray):
        given = np.asarray(hidden)
        if given.dtype != bool or given.shape not in (table.shape, body):
            rule = "a mask must hold True and False, in the shape of the table or of its body"
            raise RecordsError(
                "`hidden` cannot be read:", [Problem(None, "hidden", rule, "Or list (row, column) labels")]
            )
        mask[: given.shape[0], : given.shape[1]] = given
    else:
        places = [_position(table, cell) for cell in hidden]
        if None in places:
            rule = "each hidden cell must be a (row, column) pair of labels of this table"
            raise RecordsError("`hidden` cannot be read:", [Problem(None, "hidden", rule, "Check the labels")])
        for place in places:
            mask[place] = True
    if mask[-1].any() or mask[:, -1].any():
        rule = "totals must be shown: the last row and the last column cannot be hidden"
        raise RecordsError(
            "`hidden` cannot be read:", [Problem(None, "hidden", rule, "Give the sums as a list of equations instead")]
        )
    return mask


def _position(table: pd.DataFrame, cell: Hashable) -> tuple[int, int] | None:
    if not (isinstance(cell, tuple) and len(cell) == 2 and cell[0] in table.index and cell[1] in table.columns):
        return None
    return list(table.index).index(cell[0]), list(table.columns).index(cell[1])


def _from_equations(
    published: Sequence[tuple[Any, ...]], hidden: HiddenCells
) -> tuple[list[Hashable], list[Sum], list[Hashable]]:
    sums: list[Sum] = []
    problems: list[Problem] = []
    known: dict[Hashable, None] = {}
    for number, equation in enumerate(published, start=1):
        read = _equation(equation)
        if isinstance(read, str):
            problems.append(Problem(number, "equation", read, "Give (cells, sum) or (cells, low, high)"))
            continue
        sums.append(read)
        known.update(dict.fromkeys(read[0]))
    on_their_own = {cells[0] for cells, low, high in sums if len(cells) == 1 and low == high}
    asked = [cell for cell in known if cell not in on_their_own] if hidden is None else list(dict.fromkeys(hidden))
    if not problems and any(cell not in known for cell in asked):
        rule = "every hidden cell must appear in at least one sum; otherwise nothing limits it"
        problems.append(Problem(None, "hidden", rule, "Add the sums that hold it, or leave it out"))
    if problems:
        raise RecordsError("These equations cannot be audited:", problems)
    return list(known), sums, asked


def _equation(equation: tuple[Any, ...]) -> Sum | str:
    """Read one equation, or say what is wrong with it."""
    if not isinstance(equation, tuple) or len(equation) not in (2, 3):
        return "an equation must be a tuple of two or three parts"
    if isinstance(equation[0], str) or not isinstance(equation[0], Iterable):
        cells: tuple[Hashable, ...] = (equation[0],)
    else:
        cells = tuple(equation[0])
    low, high = _whole(equation[1]), _whole(equation[-1])
    if not cells or len(set(cells)) < len(cells):
        return "an equation must name one cell or more, each once"
    if low is None or high is None:
        return "sums must be whole numbers of 0 or more, and not missing"
    return (cells, low, high) if low <= high else "the low end of a range must not be above its high end"


def _whole(value: object) -> int | None:
    """Return a count as an int; None if it is anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return None
    number = float(value)
    return int(number) if math.isfinite(number) and number.is_integer() and 0 <= number <= MOST else None
