"""How is the choice of sites written down for the solver?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from commonground.pickles import Exact

__all__ = ["CLOSE", "Cover", "CoverProgram"]

Array = npt.NDArray[Any]
CLOSE = 1e-6  # of an aim's size: differences below it are the solver's rounding
_KEEP = 1e-9  # how far a later aim may fall behind an earlier one


@dataclass(frozen=True, repr=False, eq=False)
class Cover(Exact):
    """Hold a covering problem: who needs something, and which sites are within their reach.

    Parameters
    ----------
    people : array, (areas,)
        From 0 up.
    within : array of bool, (areas, sites)
        Whether a site is within reach.
    existing : array of bool, (sites,)
        Sites that are there whatever is chosen.
    most : int
        Sites that may be added.
    room : array, (sites,), optional
        People each site can serve; infinite where that is no limit.
    group : array of int, (areas,), optional
        Group of each area: the smallest share of a group that is served comes first. -1 for areas of groups that no
        site can reach, or without people: they set no smallest share.
    first : array of bool, (areas,), optional
        Areas whose people come first.
    """

    people: Array
    within: Array
    existing: Array
    most: int
    room: Array | None = None
    group: Array | None = None
    first: Array | None = None

    def __repr__(self) -> str:
        return "Cover(...)"

    def aims(self, served: Array) -> tuple[float, ...]:
        """Return what is wanted, most wanted first, when so many people of each area are served."""
        total = float(served.sum())
        if self.group is not None:
            return (float(np.min(self._shares(served[:, None]), initial=1.0)), total)
        if self.first is not None:
            return (float(served[self.first].sum()), total)
        return (total,)

    def open_with(self, sites: Array) -> Array:
        """Return which sites are open when the given ones are added."""
        found = self.existing.copy()
        found[sites] = True
        return found

    def units(self) -> tuple[float, ...]:
        """Return the size of each aim, against which a difference is small or not: all people, or a share of 1."""
        everyone = max(1.0, float(self.people.sum()))
        return (1.0, everyone) if self.group is not None else (everyone,) * (1 if self.first is None else 2)

    def _shares(self, served: Array) -> Array:
        """Return the share served of each group, for every column of `served`; 1 where the group is empty."""
        mine = self.members().astype(np.float64)
        there = (mine @ self.people)[:, None] + np.zeros((1, served.shape[1]))
        return np.divide(mine @ served, there, out=np.ones(there.shape), where=there > 0)

    def members(self) -> Array:
        """Return which areas (columns) each group (rows) has."""
        return np.asarray(self.group == np.unique(self.group[self.group >= 0])[:, None])  # type: ignore[index, operator]

    def aims_of_many(self, served: Array) -> Array:
        """Return the aims (aims x plans) of plans given by the people that each serves (areas x plans)."""
        total = served.sum(axis=0)
        if self.group is not None:
            return np.asarray(np.stack([np.min(self._shares(served), axis=0, initial=1.0), total]))
        if self.first is not None:
            return np.asarray(np.stack([served[self.first].sum(axis=0), total]))
        return np.asarray(total[None, :])


class CoverProgram:
    """Hold the rows and columns of the program: sites (y), areas (x), flows (f) and the smallest share (t).

    Parameters
    ----------
    problem : Cover
    """

    def __init__(self, problem: Cover) -> None:
        self.problem = problem
        self.candidates = np.flatnonzero(~problem.existing)
        self.areas, limited = problem.people.size, problem.room is not None
        arcs = np.argwhere(problem.within) if limited else np.zeros((0, 2), dtype=np.int64)
        self.of, self.at = arcs.T
        self.width = self.candidates.size + self.areas + self.of.size + 1
        self.x = self.candidates.size + np.arange(self.areas)
        self.f = self.candidates.size + self.areas + np.arange(self.of.size)
        self.upper = np.ones(self.width)
        self.upper[self.f] = problem.people[self.of]
        self.rows: list[Any] = []
        self.limits: list[Array] = []
        self._cover()
        if limited:
            self._room()
        if problem.group is not None:
            self._groups()

    def aims(self) -> list[Array]:
        """Return the aims, most wanted first, as weights of the columns."""
        total = np.zeros(self.width)
        total[self.x] = self.problem.people
        if self.problem.group is not None:
            smallest = np.zeros(self.width)
            smallest[-1] = 1.0
            return [smallest, total]
        if self.problem.first is not None:
            first = np.zeros(self.width)
            first[self.x] = self.problem.people * self.problem.first
            return [first, total]
        return [total]

    def solve(self, aim: Array, seconds: float) -> Any:
        """Maximise one aim; return what scipy.optimize.milp does, which minimises."""
        rows, limits = sparse.vstack(self.rows, format="csr"), np.concatenate(self.limits)
        whole = np.zeros(self.width)
        whole[: self.candidates.size] = 1
        return milp(
            -aim,
            integrality=whole,
            bounds=Bounds(0, self.upper),
            constraints=LinearConstraint(rows, -np.inf, limits),
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )

    def hold(self, aim: Array, value: float) -> None:
        """Let what comes next fall no further behind this aim."""
        self._add(sparse.csr_array(-aim[None, :]), np.array([-value + _KEEP * max(1.0, abs(value))]))

    def read(self, found: Array) -> tuple[Array, Array | None]:
        """Return the share of each area that is served, and its flows to the sites."""
        if self.problem.room is None:
            return np.clip(np.round(found[self.x], 9), 0, 1), None
        load = np.zeros(self.problem.within.shape)
        load[self.of, self.at] = np.maximum(found[self.f], 0.0)
        share = np.divide(
            load.sum(axis=1), self.problem.people, out=np.zeros(self.areas), where=self.problem.people > 0
        )
        return np.minimum(share, 1.0), load

    def _cover(self) -> None:
        """Nobody is served where no site within reach is open; and no more sites are open than may be."""
        open_ = self.problem.within[:, self.problem.existing].any(axis=1)
        areas = np.flatnonzero(~open_)
        row, site = np.nonzero(self.problem.within[np.ix_(areas, self.candidates)])
        ones = np.ones(row.size)
        table = sparse.coo_array((-ones, (row, site)), shape=(areas.size, self.width)) + sparse.coo_array(
            (np.ones(areas.size), (np.arange(areas.size), self.x[areas])), shape=(areas.size, self.width)
        )
        self._add(table, np.zeros(areas.size))
        few = np.zeros((1, self.width))
        few[0, : self.candidates.size] = 1
        self._add(sparse.csr_array(few), np.array([float(self.problem.most)]))

    def _room(self) -> None:
        """Whoever is served goes somewhere, and no site takes more people than it has room for."""
        p, arcs = self.problem, np.ones(self.of.size)
        shape = (self.areas, self.width)
        leaving = sparse.coo_array((arcs, (self.of, self.f)), shape=shape)
        served = sparse.coo_array((p.people, (np.arange(self.areas), self.x)), shape=shape)
        self._add(served - leaving, np.zeros(self.areas))
        self._add(leaving, p.people)
        most = p.people @ p.within  # an infinite limit is the number of people within reach
        room = np.minimum(np.asarray(p.room), most)
        shape = (p.existing.size, self.width)
        coming = sparse.coo_array((arcs, (self.at, self.f)), shape=shape)
        opening = sparse.coo_array((room[self.candidates], (self.candidates, np.arange(self.candidates.size))), shape)
        self._add(coming - opening, np.where(p.existing, room, 0.0))

    def _groups(self) -> None:
        """No group that can be reached has a smaller share served than t."""
        mine = self.problem.members() * self.problem.people
        table = np.zeros((mine.shape[0], self.width))
        table[:, self.x], table[:, -1] = -mine, mine.sum(axis=1)
        self._add(sparse.csr_array(table), np.zeros(mine.shape[0]))

    def _add(self, rows: Any, limits: Array) -> None:
        self.rows.append(sparse.csr_array(rows))
        self.limits.append(limits)
