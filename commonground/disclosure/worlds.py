"""Answers: how small and how large can one unknown be among all whole-number worlds that fit the sums."""

from __future__ import annotations

import math
import time
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from commonground.errors import NotReleasable, Problem, RecordsError

__all__ = ["ContradictionError", "Ints", "Worlds", "contradiction", "unanswered"]

MOST_CLASSES = 1_200  # unknowns handed to the integer program at once (design, gate step 14)
SLACK = 1e-5  # a solver's optimum this close to a whole number is that number
NEAR_ENOUGH = 0.5  # relative gap at which a witness is taken; any world is one
INFEASIBLE = 2  # scipy.optimize.milp's status for "no solution"

Ints: TypeAlias = NDArray[np.int64]


class ContradictionError(RecordsError):
    """No world fits what was published."""


class Worlds:
    """Whole numbers x with low <= matrix x <= high inside a box; remembers every solution it has seen."""

    def __init__(self, matrix: sp.csr_matrix, low: Ints, high: Ints, deadline: float) -> None:
        self.matrix, self.low, self.high, self.deadline = matrix, low, high, deadline
        self.floats = matrix.astype(float)
        self.seen_low: Ints = np.full(matrix.shape[1], np.iinfo(np.int64).max)
        self.seen_high: Ints = np.full(matrix.shape[1], -1, dtype=np.int64)

    def extremes(self, box_low: Ints, box_high: Ints, wanted: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """Return the exact minimum and maximum of each wanted unknown; the others keep valid outer bounds."""
        outer_low, outer_high = box_low.copy(), box_high.copy()
        self.any_world(outer_low, outer_high)
        self._push_apart(wanted, outer_low, outer_high)
        for j in np.flatnonzero(wanted):
            if self.seen_high[j] < outer_high[j]:
                outer_high[j] = -self._best(int(j), -1, outer_low, outer_high)
            if self.seen_low[j] > outer_low[j]:
                outer_low[j] = self._best(int(j), 1, outer_low, outer_high)
        return outer_low, outer_high

    def any_world(self, box_low: Ints, box_high: Ints) -> None:
        """Find one solution, or say that the sums contradict each other."""
        cost = np.zeros(self.matrix.shape[1])
        _, point = self._run(cost, box_low, box_high, whole=False)
        if not self._keep(point, box_low, box_high):
            _, point = self._run(cost, box_low, box_high, whole=True)
            if not self._keep(point, box_low, box_high):
                raise unanswered()

    def look(
        self, cost: NDArray[np.float64], box_low: Ints, box_high: Ints, *, whole: bool
    ) -> tuple[float, Ints | None]:
        """Minimise a cost: return a bound that holds for every world, and a world near the solution if there is one.

        The corner of a relaxation is often not whole, but whole numbers within one of it mostly fit, and are found at
        once.
        """
        bound, point = self._run(cost, box_low, box_high, whole=whole)
        return bound, self.near(point, cost, box_low, box_high)

    def relaxed(self, cost: NDArray[np.float64], box_low: Ints, box_high: Ints) -> NDArray[np.float64]:
        """Minimise a cost over fractions of people."""
        return self._run(cost, box_low, box_high, whole=False)[1]

    def near(self, point: NDArray[np.float64], cost: NDArray[np.float64], box_low: Ints, box_high: Ints) -> Ints | None:
        """Return a world at a point or, of small cost, within one of it; None if none is found there."""
        if not self._keep(point, box_low, box_high):
            near_low = np.maximum(box_low, np.floor(point + SLACK).astype(np.int64) - 1)
            near_high = np.minimum(box_high, np.ceil(point - SLACK).astype(np.int64) + 1)
            try:
                _, point = self._run(cost, near_low, near_high, whole=True, gap=NEAR_ENOUGH)
            except ContradictionError:  # none so near; that says nothing of worlds further off
                return None
            if not self._keep(point, box_low, box_high):
                return None
        return np.rint(point).astype(np.int64)

    def _push_apart(self, wanted: NDArray[np.bool_], box_low: Ints, box_high: Ints) -> None:
        """Look for worlds with many unknowns that share no sum at their limits at once; it saves most of the work."""
        columns = self.matrix.tocsc()
        for sign in (-1, 1):
            reached = self.seen_high == box_high if sign < 0 else self.seen_low == box_low
            left = np.flatnonzero(wanted & ~reached).tolist()
            while left:
                used: set[int] = set()
                cost = np.zeros(self.matrix.shape[1])
                for j in left:
                    rows = columns.indices[columns.indptr[j] : columns.indptr[j + 1]].tolist()
                    if used.isdisjoint(rows):
                        used.update(rows)
                        cost[j] = sign
                left = [j for j in left if not cost[j]]
                _, point = self._run(cost, box_low, box_high, whole=False)
                self._keep(point, box_low, box_high)

    def _best(self, j: int, sign: int, box_low: Ints, box_high: Ints) -> int:
        """Minimise sign * x_j exactly: the bound is the solver's, the solution is checked in integers."""
        cost = np.zeros(self.matrix.shape[1])
        cost[j] = sign
        for whole in (False, True):
            value, point = self._run(cost, box_low, box_high, whole=whole)
            bound = math.ceil(value - SLACK)
            if self._keep(point, box_low, box_high) and bound == sign * round(point[j]):
                return bound
        raise unanswered()

    def _run(
        self, cost: NDArray[np.float64], box_low: Ints, box_high: Ints, *, whole: bool, gap: float = 0.0
    ) -> tuple[float, NDArray[np.float64]]:
        """Solve the relaxation or the integer program; return a bound that holds for every world, and the point."""
        left = self.deadline - time.monotonic()
        if left <= 0 or (whole and len(cost) > MOST_CLASSES):
            raise unanswered()
        answer = milp(
            cost,
            integrality=np.full(len(cost), int(whole)),
            bounds=Bounds(box_low, box_high),
            constraints=LinearConstraint(self.floats, self.low, self.high),
            options={"time_limit": left, "mip_rel_gap": gap},
        )
        if answer.status == INFEASIBLE:
            raise contradiction()
        if answer.status != 0:
            raise unanswered()
        return float(answer.mip_dual_bound if whole else answer.fun), answer.x

    def _keep(self, point: NDArray[np.float64], box_low: Ints, box_high: Ints) -> bool:
        """Keep the rounded point as a witness if it fits exactly."""
        world = np.rint(point).astype(np.int64)
        sums = self.matrix @ world
        fits = (sums >= self.low).all() and (sums <= self.high).all()
        if not (fits and (world >= box_low).all() and (world <= box_high).all()):
            return False
        self.seen_low = np.minimum(self.seen_low, world)
        self.seen_high = np.maximum(self.seen_high, world)
        return True


def contradiction() -> ContradictionError:
    """Return the error for sums that no whole numbers satisfy."""
    rule = "the sums must be possible with whole numbers of 0 or more"
    help_ = "Check that every total is the sum of its cells and that rounded totals are given as ranges"
    return ContradictionError("The published numbers contradict each other:", [Problem(None, "sums", rule, help_)])


def unanswered() -> NotReleasable:
    """Return the error for a problem that is too large to be answered exactly."""
    return NotReleasable(
        "What an attacker can prove could not be worked out exactly in the size and time allowed. Hide fewer cells, "
        "publish fewer overlapping sums, or coarsen the areas or periods."
    )
