"""Answers: what can an attacker prove about each hidden cell of published tables."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from commonground.errors import NotReleasable

from .sums import HiddenCells, Published, Sum, read_published
from .worlds import Ints, Worlds, contradiction

__all__ = ["AttackerBounds", "attacker_bounds"]

MOST_CELLS = 6_000  # hidden cells left after propagation; above it the audit refuses rather than samples
MOST_SECONDS = 120.0  # for one call (design, gate step 14)
ROUNDS = 200  # of bound propagation; stopping early is only slower, never wrong


@dataclass(frozen=True, repr=False)
class AttackerBounds:
    """The lowest and highest count an attacker can prove for each hidden cell.

    Attributes
    ----------
    cells : tuple
        Hidden cells: (row, column) labels of a table, or the names used in the equations.
    low, high : tuple of int
        Exact bounds: a world with each of them exists and fits everything published.
    """

    cells: tuple[Hashable, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]

    def __repr__(self) -> str:
        return "AttackerBounds(...; call .summary() or .to_frame())"

    def summary(self) -> str:
        """Say how many hidden cells give something away, without any count.

        Returns
        -------
        str
            Two sentences.
        """
        proven = sum(a == b for a, b in zip(self.low, self.high, strict=True))
        present = sum(a > 0 for a in self.low)
        return (
            f"Of {len(self.cells)} hidden cells, {proven} can be worked out exactly and {present} can be proved not to "
            "be empty. This takes account of the published sums only: it does not show what somebody with other "
            "knowledge could add, nor how likely the values between the bounds are."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each hidden cell.

        Returns
        -------
        pandas.DataFrame
            cell; low, high (counts, exact bounds); proven (True where low equals high).
        """
        cells = pd.Series(list(self.cells), dtype=object, name="cell")
        low, high = pd.Series(self.low, dtype="int64"), pd.Series(self.high, dtype="int64")
        return pd.DataFrame({"cell": cells, "low": low, "high": high, "proven": low == high})

    def exposed(self, k: int) -> tuple[Hashable, ...]:
        """List the hidden cells about which something is proven.

        A hidden cell is safe when a world with 0 and a world with at least k - 1 people both fit what was published.

        Parameters
        ----------
        k : int
            Smallest count that may be shown, 2 or more.

        Returns
        -------
        tuple
            Cells whose bounds leave out 0, or leave out every count of k - 1 or more.

        Raises
        ------
        ValueError
            If k is below 2.
        """
        if k < 2:
            raise ValueError("`k` is the smallest count that may be shown: give 2 or more.")
        rows = zip(self.cells, self.low, self.high, strict=True)
        return tuple(cell for cell, low, high in rows if low > 0 or high < k - 1)


def attacker_bounds(published: Published, *, hidden: HiddenCells = None) -> AttackerBounds:
    """Find the exact bounds an attacker can prove for every hidden cell.

    Cells are whole numbers, 0 or more. The attacker knows every number shown and every sum, and nothing else.

    Parameters
    ----------
    published : pandas.DataFrame or list of tuple
        A table of counts whose last row and last column are totals and whose missing cells are hidden; or equations,
        each ``(cells, sum)`` or, for a released range, ``(cells, low, high)``, where ``cells`` is an iterable of cell
        names (a string is one name). A cell that is shown is an equation of its own: ``("A", 12)``.
    hidden : optional
        Table: a mask of the shape of the table or of its body (True is hidden), or a list of (row, column) labels; the
        default is the missing cells. Equations: the cells to report; the default is every cell not shown on its own.

    Returns
    -------
    AttackerBounds
        ``low`` and ``high`` for every hidden cell.

    Raises
    ------
    RecordsError
        If counts are negative, fractional or missing, totals are missing, or sums contradict each other. No count is
        repeated in the message.
    NotReleasable
        If the problem is too large to be answered exactly. Nothing is skipped.

    Notes
    -----
    For each cell, ``min`` and ``max`` of x over {x whole, x >= 0, l <= A x <= u}. The linear relaxation is solved
    first: for a table with two margins its corners are whole (the matrix is totally unimodular), and for any other a
    whole corner is checked in integer arithmetic. Otherwise an integer program decides. Every solution is a world that
    fits and is kept as a witness for all cells. Reference: Fischetti and Salazar-Gonzalez (2001), Management Science
    47, 1008-1027; Dobra and Fienberg (2000), PNAS 97, 11885-11892.

    Examples
    --------
    >>> months = ["January", "February", "March"]
    >>> attacker_bounds([(months, 3)]).to_frame()["high"].tolist()
    [3, 3, 3]
    >>> shown_as_not_empty = [(months, 3)] + [(month, 1, 7) for month in months]
    >>> attacker_bounds(shown_as_not_empty).to_frame()["proven"].tolist()
    [True, True, True]
    """
    cells, sums, targets = read_published(published, hidden)
    if not targets:
        return AttackerBounds((), (), ())
    place = {cell: i for i, cell in enumerate(cells)}
    matrix, low, high, box_low, box_high = _as_matrix(sums, place)
    box_low, box_high = _propagate(matrix, low, high, box_low, box_high)
    free = np.flatnonzero(box_low < box_high)
    if len(free) > MOST_CELLS:
        raise NotReleasable(
            f"The audit works with up to {MOST_CELLS} hidden cells and this has more. Publish fewer, coarser tables."
        )
    asked = np.zeros(len(cells), dtype=bool)
    asked[[place[cell] for cell in targets]] = True
    rest = matrix @ np.where(box_low == box_high, box_low, 0)
    deadline = time.monotonic() + MOST_SECONDS
    for part in _components(matrix, free):
        rows = np.flatnonzero(np.asarray(matrix[:, part].sum(axis=1)).ravel())
        if asked[part].any():
            box = (box_low[part], box_high[part])
            limits = (low[rows] - rest[rows], high[rows] - rest[rows])
            box_low[part], box_high[part] = _solve(matrix[rows][:, part], limits, box, asked[part], deadline)
        else:
            Worlds(matrix[rows][:, part], low[rows] - rest[rows], high[rows] - rest[rows], deadline).any_world(
                box_low[part], box_high[part]
            )
    chosen = [place[cell] for cell in targets]
    return AttackerBounds(tuple(targets), tuple(box_low[chosen].tolist()), tuple(box_high[chosen].tolist()))


def _as_matrix(sums: Sequence[Sum], place: dict[Hashable, int]) -> tuple[sp.csr_matrix, Ints, Ints, Ints, Ints]:
    """Turn sums over several cells into rows, and ranges of a single cell into its box."""
    ceiling = max((high for _, _, high in sums), default=0)
    box_low, box_high = np.zeros(len(place), dtype=np.int64), np.full(len(place), ceiling, dtype=np.int64)
    entries: list[tuple[int, int]] = []
    low: list[int] = []
    high: list[int] = []
    for cells, least, most in sums:
        if len(cells) == 1:
            i = place[cells[0]]
            box_low[i], box_high[i] = max(box_low[i], least), min(box_high[i], most)
            continue
        entries += [(len(low), place[cell]) for cell in cells]
        low.append(least)
        high.append(most)
    at = np.array(entries, dtype=np.int64).reshape(-1, 2)
    shape = (len(low), len(place))
    matrix = sp.csr_matrix((np.ones(len(at), dtype=np.int64), (at[:, 0], at[:, 1])), shape=shape)
    return matrix, np.array(low, dtype=np.int64), np.array(high, dtype=np.int64), box_low, box_high


def _propagate(matrix: sp.csr_matrix, low: Ints, high: Ints, box_low: Ints, box_high: Ints) -> tuple[Ints, Ints]:
    """Tighten each cell's box with one sum at a time until nothing moves."""
    box_low, box_high = box_low.copy(), box_high.copy()
    table = matrix.tocoo()
    row, cell = table.row, table.col
    for _ in range(ROUNDS):
        before = (box_low.copy(), box_high.copy())
        np.minimum.at(box_high, cell, (high - matrix @ box_low)[row] + before[0][cell])
        np.maximum.at(box_low, cell, (low - matrix @ box_high)[row] + box_high.copy()[cell])
        if (box_low > box_high).any():
            raise contradiction()
        if np.array_equal(before[0], box_low) and np.array_equal(before[1], box_high):
            break
    return box_low, box_high


def _components(matrix: sp.csr_matrix, free: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Split the undecided cells into groups that share no sum."""
    if not len(free):
        return []
    part = matrix[:, free]
    _, label = connected_components(part.T @ part, directed=False)
    return [free[label == which] for which in range(label.max() + 1)]


def _solve(
    matrix: sp.csr_matrix, limits: tuple[Ints, Ints], box: tuple[Ints, Ints], asked: NDArray[np.bool_], deadline: float
) -> tuple[Ints, Ints]:
    """Bound every asked cell of one component; cells in the same sums with the same box are one class."""
    columns = matrix.tocsc()
    keys: dict[tuple[bytes, int, int], list[int]] = {}
    for j in range(columns.shape[1]):
        rows = np.sort(columns.indices[columns.indptr[j] : columns.indptr[j + 1]]).tobytes()
        keys.setdefault((rows, int(box[0][j]), int(box[1][j])), []).append(j)
    classes = list(keys.values())
    size = np.array([len(members) for members in classes], dtype=np.int64)
    first = [members[0] for members in classes]
    problem = Worlds(matrix[:, first], *limits, deadline)
    wanted = np.array([bool(asked[members].any()) for members in classes])
    sum_low, sum_high = problem.extremes(size * box[0][first], size * box[1][first], wanted)
    low, high = box[0].copy(), box[1].copy()
    for i, members in enumerate(classes):
        if wanted[i]:
            others = len(members) - 1
            least, most = int(box[0][first[i]]), int(box[1][first[i]])
            low[members] = max(least, int(sum_low[i]) - others * most)
            high[members] = min(most, int(sum_high[i]) - others * least)
    return low, high
