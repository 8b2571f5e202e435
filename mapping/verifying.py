"""Does a choice of sites do what the solver says, and does another choice do as well?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.pickles import Exact
from mapping.covering import Answer, served_by
from mapping.programs import CLOSE, Cover

__all__ = ["Check", "check_answer", "needed", "swaps"]

Array = npt.NDArray[Any]
_SAME = 10 * CLOSE  # two answers of the solver, each off by a little


@dataclass(frozen=True, repr=False, eq=False)
class Check(Exact):
    """Hold what was found when an answer was worked out again.

    Parameters
    ----------
    holds : bool
        Whether everything that was looked at is right.
    wrong : tuple of str
        What is not.
    gap : float
        How far, as a share of the best that any choice could reach, this one may fall short of it, aim by aim the most.
    """

    holds: bool
    wrong: tuple[str, ...]
    gap: float

    def __repr__(self) -> str:
        return "Check(...)"


def check_answer(problem: Cover, answer: Answer) -> Check:
    """Work out a solver's answer again without the solver.

    Parameters
    ----------
    problem : Cover
    answer : Answer

    Returns
    -------
    Check

    Notes
    -----
    Without limits of room: people within reach of an open site are added up. With them, the flows must go to open
    sites within reach, take nobody twice and leave every site within its room, and no chain of moves may free a place
    for one more person: then the flow is as large as it can be (Ford and Fulkerson 1956).
    """
    scale = problem.units()[-1]
    open_ = problem.open_with(answer.chosen)
    wrong = []
    if answer.chosen.size > problem.most or problem.existing[answer.chosen].any():
        wrong.append("more sites than asked for, or a site that exists already, were chosen")
    if problem.room is None:
        served = problem.people * problem.within[:, open_].any(axis=1)
        if np.abs(served - answer.served).max(initial=0.0) > CLOSE * scale:
            wrong.append("the people within reach are not those that the solver counted")
    else:
        load = answer.load if answer.load is not None else np.zeros(problem.within.shape)
        served = load.sum(axis=1)
        wrong += _flows(problem, open_, load, CLOSE * scale)
    for mine, said, bound, unit in zip(problem.aims(served), answer.aims, answer.bounds, problem.units(), strict=True):
        if abs(mine - said) > _SAME * unit or mine > bound + _SAME * unit:
            wrong.append("what was reached is not what the solver says")
    short = [max(0.0, b - a) / b if b > 0 else 0.0 for a, b in zip(answer.aims, answer.bounds, strict=True)]
    gap = max(short)
    return Check(not wrong, tuple(wrong), gap if gap > CLOSE else 0.0)


def needed(problem: Cover, chosen: Array) -> Array:
    """Leave out chosen sites without which as many people are served, one after the other.

    Parameters
    ----------
    problem : Cover
    chosen : array of int

    Returns
    -------
    array of int
        Sites that are needed, the one that adds most first.
    """
    kept = list(chosen)
    best = served_by(problem, np.array(kept, dtype=int)).aims
    for site in list(kept):
        rest = [other for other in kept if other != site]
        if _as_good(served_by(problem, np.array(rest, dtype=int)).aims, best, problem.units()):
            kept = rest
    order: list[int] = []
    while kept:
        totals = [served_by(problem, np.array([*order, site], dtype=int)).aims[-1] for site in kept]
        order.append(kept.pop(int(np.argmax(totals))))
    return np.array(order, dtype=int)


def swaps(problem: Cover, chosen: Array) -> tuple[list[tuple[int, int]], bool]:
    """Find single swaps (a chosen site for another) that serve as many people.

    Parameters
    ----------
    problem : Cover
    chosen : array of int

    Returns
    -------
    ties : list of pair of int
        Chosen site, and the one that could take its place.
    better : bool
        Whether some swap serves more: then the choice is not the best.
    """
    best = served_by(problem, chosen).aims
    others = np.setdiff1d(np.flatnonzero(~problem.existing), chosen)
    ties, better = [], False
    for site in chosen:
        rest = np.setdiff1d(chosen, [site])
        for other, aims in zip(others, _with_each(problem, rest, others, best[-1]), strict=True):
            if aims is not None and _as_good(aims, best, problem.units()):
                better = better or not _as_good(best, aims, problem.units())
                ties.append((int(site), int(other)))
    return ties, better


def _as_good(mine: tuple[float, ...], theirs: tuple[float, ...], units: tuple[float, ...]) -> bool:
    """Compare aims in order: the first that differs decides."""
    for one, other, unit in zip(mine, theirs, units, strict=True):
        if abs(one - other) > _SAME * unit:
            return one > other
    return True


def _with_each(problem: Cover, rest: Array, others: Array, wanted: float) -> list[tuple[float, ...] | None]:
    """Return the aims when each other site joins the rest; None where it plainly serves fewer people."""
    open_ = problem.open_with(rest)
    if problem.room is None:
        now = np.asarray(problem.within[:, open_].any(axis=1))
        plans = problem.people[:, None] * (now[:, None] | problem.within[:, others])
        return [tuple(float(v) for v in aims) for aims in problem.aims_of_many(plans).T]
    plain = replace(problem, group=None, first=None)
    without = served_by(plain, rest)
    reach = np.minimum(problem.people @ problem.within[:, others], problem.room[others])
    # A lower total may go with a better earlier aim, so that only a single aim tells beforehand.
    may = (without.aims[-1] + reach >= wanted - _SAME * problem.units()[-1]) | (len(problem.units()) > 1)
    joined = [np.append(rest, other) for other in others]
    return [served_by(problem, sites).aims if ok else None for sites, ok in zip(joined, may, strict=True)]


def _flows(problem: Cover, open_: Array, load: Array, close: float) -> list[str]:
    wrong = []
    room = np.where(open_, np.asarray(problem.room), 0.0)
    if (load[~(problem.within & open_)] > close).any() or (load < 0).any():
        wrong.append("people are sent to a site that is not open or not within their reach")
    if (load.sum(axis=1) > problem.people + close).any() or (load.sum(axis=0) > room + close).any():
        wrong.append("more people are served than there are, or than there is room for")
    if not wrong and _one_more(problem, open_, load, room, close):
        wrong.append("one more person could be served by the same sites")
    return wrong


def _one_more(problem: Cover, open_: Array, load: Array, room: Array, close: float) -> bool:
    """Look for a chain of moves from somebody not served to a free place, level by level."""
    areas = problem.people - load.sum(axis=1) > close
    free = room - load.sum(axis=0) > close
    sites = np.zeros(open_.size, dtype=bool)
    while True:
        new = (problem.within[areas].any(axis=0) & open_) & ~sites
        if not new.any():
            return False
        sites |= new
        if (sites & free).any():
            return True
        areas = areas | (load[:, sites] > close).any(axis=1)
