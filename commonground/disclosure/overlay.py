"""Answers: which parts of a town do several published tables tell apart, and which of them make up a hidden cell?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from commonground.errors import Problem, RecordsError

from .worlds import Ints, contradiction

__all__ = ["Overlay", "Release", "overlay"]

EACH = 100  # most events that a world lets one person (or premises) have; fewer worlds, so never a wrong pass
TOGETHER = 200  # unknowns of unrelated parts that are solved in one program; many tiny ones would take longer
COUNTS = ("persons", "events", "premises")


@dataclass(frozen=True, repr=False, eq=False)
class Release:
    """One published table: in which of its cells each atom is, and what is published of each cell.

    Parameters
    ----------
    cell : array of int, shape (atoms,)
        Number of the cell; -1 where the table says nothing.
    low, high : array of int, shape (cells,)
        Published interval; of a hidden cell, what is known.
    count : {'persons', 'events', 'premises'}
    """

    cell: Ints
    low: Ints
    high: Ints
    count: str = "events"


@dataclass(frozen=True, repr=False, eq=False)
class Overlay:
    """Classes of atoms and what is known of them. Rows of `matrix` have one column a class of each count.

    Parameters
    ----------
    matrix, low, high
        low <= matrix x <= high: the published cells first, then the links between counts.
    inside, touched : matrix, shape (targets, columns)
        What must be nothing for a target to be empty, and what must be k - 1 or more for it not to be small.
    names : sequence of list of (int, int)
        Targets that each of their rows stands for: labelling and cell.
    counts : sequence of str
        Count of each published cell.
    """

    matrix: sp.csr_matrix
    low: Ints
    high: Ints
    inside: sp.csr_matrix
    touched: sp.csr_matrix
    names: Sequence[list[tuple[int, int]]]
    counts: Sequence[str]

    def surely_proven(self, k: int) -> NDArray[np.bool_]:
        """Return for every target whether max <= union <= sum, which holds for people in several cells too, decides it.

        A hidden cell that holds a shown cell is not empty, and one inside a cell of fewer than k - 1 is small.

        Raises
        ------
        RecordsError
            When a cell is larger than one it lies in.
        """
        cells = self.matrix[: len(self.counts)]
        low, high = self.low[: len(self.counts)], self.high[: len(self.counts)]
        within = _within(cells, cells)  # [a, b]: a lies in b
        a, b = within.nonzero()
        if (low[a] > high[b]).any():
            raise contradiction()
        holds = _within(cells, self.inside)  # a cell of the count that is wholly in the target
        bounding = np.array([count != "premises" for count in self.counts])
        small = _within(self.touched, cells[bounding])
        by_shown = np.asarray(holds.T @ (low > 0).astype(np.int64)) > 0
        by_small = np.asarray(small @ (high[bounding] < k - 1).astype(np.int64)) > 0
        return np.asarray(by_shown | by_small)

    def split(self) -> list[tuple[Overlay, NDArray[np.intp]]]:
        """Return parts that share no published cell and no target, small ones together, each with its targets' rows.

        ``counts`` is left empty in the parts: the published cells do not come first in them.
        """
        joint = sp.vstack([self.matrix, self.inside, self.touched]).astype(bool).astype(np.int64)
        _, label = connected_components(joint.T @ joint, directed=False)
        size = np.bincount(label)
        small = size <= TOGETHER
        batch = np.where(small, np.cumsum(size * small) // TOGETHER, -1 - np.arange(len(size)))[label]
        parts = []
        for which in np.unique(batch):
            columns = np.flatnonzero(batch == which)
            own = np.flatnonzero(abs(self.matrix[:, columns]).sum(axis=1))
            rows = np.flatnonzero(self.touched[:, columns].sum(axis=1))
            parts.append(
                (
                    Overlay(
                        matrix=self.matrix[own][:, columns],
                        low=self.low[own],
                        high=self.high[own],
                        inside=self.inside[rows][:, columns],
                        touched=self.touched[rows][:, columns],
                        names=[self.names[row] for row in rows.tolist()],
                        counts=(),
                    ),
                    rows,
                )
            )
        empty = np.flatnonzero(abs(self.matrix).sum(axis=1) == 0)
        if (self.low[empty] > 0).any():
            raise contradiction()
        return parts


def overlay(releases: Sequence[Release], targets: Sequence[Ints]) -> Overlay:
    """Merge atoms that are in the same cells of all tables, and express tables and targets in these classes.

    Parameters
    ----------
    releases, targets
        As in `audit.joint_audit`.

    Raises
    ------
    RecordsError
        When the labellings do not belong together.
    """
    _check(releases, targets)
    group = np.zeros(len(releases[0].cell), dtype=np.int64)
    for one in releases:
        # numbering afresh after each table keeps the joint number small
        group = np.unique(group * (len(one.low) + 1) + one.cell + 1, return_inverse=True)[1].ravel()
    size = np.bincount(group)
    first = np.unique(group, return_index=True)[1]
    tables = [_indicator(one.cell[first], len(one.low)) for one in releases]
    full, part, names = _in_classes(group, size, targets)
    keep = ~_known(full, part, releases, tables)
    full, part = full[keep], part[keep]
    names = [name for name, kept in zip(names, keep, strict=True) if kept]
    counts = [count for count in COUNTS if any(one.count == count for one in releases)]
    if len(counts) > 1 and "events" not in counts:
        counts.append("events")
    place = {count: at for at, count in enumerate(counts)}
    rows = [_put(table, place[one.count], len(counts)) for one, table in zip(releases, tables, strict=True)]
    low, high = [one.low for one in releases], [one.high for one in releases]
    for link in _links(counts, len(size)):
        rows.append(link)
        low.append(np.zeros(link.shape[0], dtype=np.int64))
        high.append(np.full(link.shape[0], np.iinfo(np.int32).max, dtype=np.int64))
    largest = place.get("events", 0)
    return Overlay(
        matrix=sp.vstack(rows, format="csr"),
        low=np.concatenate(low).astype(np.int64),
        high=np.concatenate(high).astype(np.int64),
        inside=_put(full, largest, len(counts)),
        touched=_put(part, 0 if counts[0] == "persons" else largest, len(counts)),
        names=names,
        counts=[one.count for one in releases for _ in one.low],
    )


def _check(releases: Sequence[Release], targets: Sequence[Ints]) -> None:
    atoms = {len(one.cell) for one in releases} | {len(target) for target in targets}
    fits = all(
        one.count in COUNTS
        and len(one.low) == len(one.high)
        and (one.cell < len(one.low)).all()
        and (one.cell >= -1).all()
        and (one.low >= 0).all()
        and (one.low <= one.high).all()
        for one in releases
    )
    if not releases or len(atoms) > 1 or not fits:
        rule = "each table labels the same atoms with its cells from 0 (or -1), and each cell has an interval from 0"
        raise RecordsError(
            "These tables cannot be audited together:", [Problem(None, "releases", rule, "Correct the labelling")]
        )


def _indicator(cell: Ints, cells: int) -> sp.csr_matrix:
    known = np.flatnonzero(cell >= 0)
    return sp.csr_matrix((np.ones(len(known), dtype=np.int64), (cell[known], known)), shape=(cells, len(cell)))


def _put(table: sp.csr_matrix, place: int, of: int) -> sp.csr_matrix:
    """Put a table over classes into the columns of its count."""
    wide = table.tocoo()
    width = table.shape[1]
    return sp.csr_matrix((wide.data, (wide.row, wide.col + place * width)), shape=(table.shape[0], width * of))


def _in_classes(
    group: Ints, size: Ints, targets: Sequence[Ints]
) -> tuple[sp.csr_matrix, sp.csr_matrix, list[list[tuple[int, int]]]]:
    """Return the classes wholly in each target, those it has a part of, and the targets that are alike in both."""
    found: dict[tuple[bytes, bytes], list[tuple[int, int]]] = {}
    for at, target in enumerate(targets):
        known = target >= 0
        cells = int(target.max(initial=-1)) + 1
        ones = np.ones(int(known.sum()), dtype=np.int64)
        held = sp.csr_matrix((ones, (target[known], group[known])), shape=(cells, len(size)))
        held.sum_duplicates()
        held.sort_indices()
        for cell in range(cells):
            some = held.indices[held.indptr[cell] : held.indptr[cell + 1]].astype(np.int64)
            if len(some):
                whole = some[held.data[held.indptr[cell] : held.indptr[cell + 1]] == size[some]]
                found.setdefault((whole.tobytes(), some.tobytes()), []).append((at, cell))
    full, part = (_rows([np.frombuffer(key[side], dtype=np.int64) for key in found], len(size)) for side in (0, 1))
    return full, part, list(found.values())


def _rows(members: Sequence[Ints], width: int) -> sp.csr_matrix:
    row = np.repeat(np.arange(len(members)), [len(one) for one in members])
    column = np.concatenate([*members, np.empty(0, dtype=np.int64)]).astype(np.int64)
    return sp.csr_matrix((np.ones(len(column), dtype=np.int64), (row, column)), shape=(len(members), width))


def _known(
    full: sp.csr_matrix, part: sp.csr_matrix, releases: Sequence[Release], tables: Sequence[sp.csr_matrix]
) -> NDArray[np.bool_]:
    """Say which targets are shown cells, or sums of shown cells of one table."""
    width = np.asarray(part.sum(axis=1)).ravel()
    whole = np.asarray(full.sum(axis=1)).ravel() == width
    known = np.zeros(len(width), dtype=bool)
    for one, table in zip(releases, tables, strict=True):
        shown = table[one.low > 0]
        size = np.asarray(shown.sum(axis=1)).ravel()
        touches = (part @ shown.T) > 0
        covered = np.asarray((part @ shown.T).sum(axis=1)).ravel() == width
        known |= whole & covered & (np.asarray(touches.astype(np.int64) @ size).ravel() == width)
    return known


def _links(counts: Sequence[str], width: int) -> list[sp.csr_matrix]:
    """Return, class by class: no more people (or premises) than events, and none of one without the other."""
    if len(counts) == 1:
        return []
    one = sp.identity(width, dtype=np.int64, format="csr")
    events = _put(one, list(counts).index("events"), len(counts))
    links = []
    for at, count in enumerate(counts):
        if count != "events":
            own = _put(one, at, len(counts))
            links += [(events - own).tocsr(), (EACH * own - events).tocsr()]
    return links


def _within(some: sp.csr_matrix, others: sp.csr_matrix) -> sp.csr_matrix:
    """Return which rows of one matrix (as sets of columns, not empty) lie in which rows of the other."""
    size = np.asarray(some.sum(axis=1)).ravel()
    shared = (some @ others.T).tocoo()
    inside = shared.data == size[shared.row]
    entries = np.ones(int(inside.sum()), dtype=np.int64)
    return sp.csr_matrix((entries, (shared.row[inside], shared.col[inside])), shape=shared.shape)
