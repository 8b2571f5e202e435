"""Answers: what can an attacker prove from several published tables of the same records, taken together?"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from commonground.errors import NotReleasable

from .overlay import Overlay, Release, overlay
from .worlds import MOST_CLASSES, SLACK, ContradictionError, Ints, Worlds, unanswered

__all__ = ["Audit", "Release", "joint_audit"]

FAR = 10**9  # above every sum
MOST_SECONDS = 120.0  # for one audit (design, gate step 14)


@dataclass(frozen=True, repr=False)
class Audit:
    """What the tables prove, target by target.

    Attributes
    ----------
    audited : int
        Cells that were asked about: targets, less those that are published or are sums of published cells.
    exposed : tuple of (int, int)
        Targets about which something is proven: place of the labelling among the targets, and cell in it. Where
        max <= union <= sum decides, those it decides.
    """

    audited: int
    exposed: tuple[tuple[int, int], ...]

    @property
    def passed(self) -> bool:
        """Whether nothing can be proven of any target."""
        return not self.exposed

    def __repr__(self) -> str:
        return f"Audit({'passed' if self.passed else 'failed'}; call .summary())"

    def summary(self) -> str:
        """Say whether the tables may stand beside each other, without any count.

        Returns
        -------
        str
            Two sentences.
        """
        found = (
            "Of no hidden cell can anything be proven"
            if self.passed
            else "Of some hidden cells it can be proven that somebody is in them, or that few people are"
        )
        return (
            f"{found} by adding and subtracting what was published. It does not show what somebody with other "
            "knowledge could add, nor how likely the values in between are."
        )


def joint_audit(releases: Sequence[Release], targets: Sequence[Ints], k: int) -> Audit:
    """Decide for every target whether an attacker who holds all published tables can prove anything about it.

    Parameters
    ----------
    releases : sequence of Release
        Everything published of the same records, the new table among it. A hidden cell says what is known of it: all
        it may be, at the least 0 to k - 1.
    targets : sequence of array of int, shape (atoms,)
        Labellings: for each atom the number of the hidden cell it is in, or -1. A target that is a published cell, or
        a sum of shown cells of one table and count, is not asked about.
    k : int
        Smallest count that may be shown.

    Returns
    -------
    Audit
        A target passes when one world in which it is 0 and one in which it is k - 1 or more both fit everything.

    Raises
    ------
    NotReleasable
        When there are too many classes of atoms or too little time, or when no world fits. Nothing is skipped, and no
        count is told.
    RecordsError
        When the labellings do not belong together.

    Notes
    -----
    Unknowns are whole numbers of the atoms (finest cells: area x level x level x period). Atoms that are in the same
    cells of all tables are one class: a target that holds a part of a class can leave it empty or take all of it, so
    its least value is that of the classes wholly inside, its greatest that of all it touches. That is exact, since
    nothing limits one atom of a class more than another. One integer program a target and side, relaxation first; every
    solution is kept as a witness for all targets. Parts of the town that share no published cell and no target are
    programs of their own, each of at most 1,200 unknowns.

    *Distinct people.* Counts of distinct people do not add up over cells that a person can be in together, and this
    program takes them as if they did: everybody is in one atom. Each such world is a world of whole people as well (a
    union of disjoint sets is their sum), so a pass is right for people, and a table whose people are often in several
    cells finds no such world and is refused. What is not asked here is who is in *only one* of two cells; see
    `several.check_people`. Before the program, what holds for any unions (max <= union <= sum) may fail a table fast;
    it never passes one.

    *Two counts of one record set.* Where people and events (or premises) are both published, each class holds at least
    one event for each person and premises, and none without one: a world needs both numbers to fit.

    Reference: Fischetti and Salazar-Gonzalez (2001), Management Science 47, 1008-1027, for the attacker's problem.
    """
    if k < 2:
        raise ValueError("`k` is the smallest count that may be shown: give 2 or more.")
    deadline = time.monotonic() + MOST_SECONDS
    try:
        found = overlay(releases, targets)
        proven = found.surely_proven(k)
        if not proven.any():
            for part, rows in found.split():
                if part.matrix.shape[1] > MOST_CLASSES:
                    raise unanswered()
                proven[rows] = _Search(part, k, deadline).proven()
    except ContradictionError as error:
        raise NotReleasable(
            "The tables do not fit together as counts of separate people or events, so what they prove cannot be "
            "worked out. Leave this table out, or coarsen its areas or categories."
        ) from error
    names = [name for at in np.flatnonzero(proven).tolist() for name in found.names[at]]
    return Audit(sum(map(len, found.names)), tuple(sorted(names)))


class _Search:
    """Looks for worlds in which targets are empty, and worlds in which they are not small."""

    def __init__(self, found: Overlay, k: int, deadline: float) -> None:
        self.found, self.need = found, k - 1
        ceiling = int(found.high.max(initial=0)) + k
        self.low = np.zeros(found.matrix.shape[1], dtype=np.int64)
        self.high = np.full(found.matrix.shape[1], ceiling, dtype=np.int64)
        self.worlds = Worlds(found.matrix, found.low, found.high, deadline)
        self.empty = np.zeros(len(found.names), dtype=bool)  # a world with 0 was seen
        self.large = np.zeros(len(found.names), dtype=bool)  # a world with k - 1 or more was seen
        self.deadline = deadline
        self.seen = False  # any world at all

    def proven(self) -> NDArray[np.bool_]:
        """Return for every target whether 0 or every number from k - 1 is ruled out."""
        bad = np.zeros(len(self.empty), dtype=bool)
        self._many_empty()
        if not self.seen:
            self.worlds.any_world(self.low, self.high)
        self._many_large()
        for at in np.flatnonzero(~self.empty):
            if not self.empty[at]:
                bad[at] |= not self._possible(self.found.inside[[at]], 0)
        for at in np.flatnonzero(~self.large):
            if not self.large[at] and not bad[at]:
                bad[at] |= not self._possible(-self.found.touched[[at]], -self.need)
        return bad

    def _note(self, world: Ints | None) -> bool:
        """Remember which targets a world is a witness for; say whether it was one for any new target."""
        if world is None:
            return False
        self.seen = True
        before = int(self.empty.sum() + self.large.sum())
        self.empty |= self.found.inside @ world == 0
        self.large |= self.found.touched @ world >= self.need
        return int(self.empty.sum() + self.large.sum()) > before

    def _many_empty(self) -> None:
        """Empty as many targets as one world can, again and again while that helps."""
        while not self.empty.all():
            cost = np.asarray(self.found.inside[~self.empty].sum(axis=0), dtype=float).ravel()
            if not self._note(self.worlds.look(cost, self.low, self.high, whole=False)[1]):
                break

    def _many_large(self) -> None:
        """Bring as many targets as one world can above k - 1, again and again while that helps.

        One more unknown a target, at most k and at most the target itself; their sum is made large in the relaxation.
        """
        width = len(self.low)
        while not self.large.all():
            rows = self.found.touched[~self.large]
            left = rows.shape[0]
            matrix = sp.bmat([[self.found.matrix, None], [rows, -sp.identity(left, dtype=np.int64)]], format="csr")
            low = np.concatenate([self.found.low, np.zeros(left, dtype=np.int64)])
            high = np.concatenate([self.found.high, np.full(left, FAR)])
            box = np.concatenate([self.high, np.full(left, self.need + 1)])
            cost = np.concatenate([np.zeros(width), -np.ones(left)])
            relaxed = Worlds(matrix, low, high, self.deadline).relaxed(cost, 0 * box, box)[:width]
            push = -np.asarray(rows.sum(axis=0), dtype=float).ravel()
            if not self._note(self.worlds.near(relaxed, push, self.low, self.high)):
                break

    def _possible(self, cost: sp.csr_matrix, aim: int) -> bool:
        """Say whether a world brings a cost down to an aim; the bound is the solver's, the world is checked."""
        flat = np.asarray(cost.todense(), dtype=float).ravel()
        for whole in (False, True):
            value, world = self.worlds.look(flat, self.low, self.high, whole=whole)
            if math.ceil(value - SLACK) > aim:
                return False
            self._note(world)
            if world is not None and int((cost @ world)[0]) <= aim:
                return True
        raise unanswered()
