"""Which sites, among many, reach the most people?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from commonground.pickles import Exact
from mapping.programs import Cover, CoverProgram

__all__ = ["Answer", "Cover", "best_sites", "served_by"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, repr=False, eq=False)
class Answer(Exact):
    """Hold what the solver says.

    Parameters
    ----------
    chosen : array of int
        Sites added.
    served : array, (areas,)
        People served, by area.
    load : array, (areas, sites), or None
        People of each area who go to each site, where sites have limited room.
    aims, bounds : tuple of float
        What was reached, and what no choice can exceed, aim by aim.
    finished : bool
        False when the time ran out.
    """

    chosen: Array
    served: Array
    load: Array | None
    aims: tuple[float, ...]
    bounds: tuple[float, ...]
    finished: bool

    def __repr__(self) -> str:
        return "Answer(...)"


def best_sites(problem: Cover, *, seconds: float = 60.0) -> Answer | None:
    """Choose the sites that serve most people, by mixed-integer programming.

    Parameters
    ----------
    problem : Cover
    seconds : float
        Time for all aims together.

    Returns
    -------
    Answer or None
        None when the time ran out before any choice was found.

    Notes
    -----
    Maximise sum d_i x_i with x_i <= sum of y_j over the sites within reach of i and sum y_j <= p (Church and ReVelle
    1974); with limited room also flows f_ij <= d_i, sum_i f_ij <= K_j y_j and sum_j f_ij >= d_i x_i (Current and
    Storbeck 1988). Areas that the same sites can reach are one variable. An earlier aim is held while the next is
    maximised. Solved by HiGHS to a gap of 0.
    """
    if problem.most == 1 and problem.room is None:
        return _best_one(problem)
    merged, back = _merged(problem)
    model = CoverProgram(merged)
    values: list[float] = []
    bounds: list[float] = []
    finished, found = True, None
    for aim in model.aims():
        answer = model.solve(aim, seconds / len(model.aims()))
        if answer.x is None:
            return None
        found, finished = answer.x, finished and answer.status == 0
        values.append(-float(answer.fun))
        bounds.append(-float(answer.mip_dual_bound) if answer.mip_dual_bound is not None else -float(answer.fun))
        model.hold(aim, values[-1])
    if found is None:
        return None
    share, load = model.read(found)
    return Answer(
        chosen=np.flatnonzero(~problem.existing)[found[: model.candidates.size] > 0.5],
        served=problem.people * share[back],
        load=None if load is None else _spread(load, merged.people, problem.people, back),
        aims=tuple(values),
        bounds=tuple(bounds),
        finished=finished,
    )


def served_by(problem: Cover, sites: Array) -> Answer:
    """Say whom the given sites serve, together with those that exist.

    Parameters
    ----------
    problem : Cover
    sites : array of int

    Returns
    -------
    Answer
        Without limits of room by looking at who is within reach; with them, by a linear program over the flows.
    """
    open_ = problem.open_with(sites)
    if problem.room is None:
        served = problem.people * problem.within[:, open_].any(axis=1)
        return Answer(np.asarray(sites), served, None, problem.aims(served), problem.aims(served), True)
    which = np.flatnonzero(open_)
    if not which.size:
        load, nobody = np.zeros(problem.within.shape), np.zeros(problem.people.size)
        return Answer(np.asarray(sites), nobody, load, problem.aims(nobody), problem.aims(nobody), True)
    alone = replace(problem, within=problem.within[:, which], existing=np.ones(which.size, bool), most=0)
    found = best_sites(replace(alone, room=problem.room[which]))
    if found is None or found.load is None:
        raise RuntimeError("a linear program over flows always has an answer: nobody served is one")
    load = np.zeros(problem.within.shape)
    load[:, which] = found.load
    return replace(found, chosen=np.asarray(sites), load=load)


def _best_one(problem: Cover) -> Answer:
    """Try every site: of one site without limits that is quicker than a program, and needs no solver."""
    candidates = np.flatnonzero(~problem.existing)
    now = np.asarray(problem.within[:, problem.existing].any(axis=1))
    plans = problem.people[:, None] * (now[:, None] | problem.within[:, candidates])
    best = np.lexsort(problem.aims_of_many(plans)[::-1])[-1]
    aims = problem.aims(plans[:, best])
    return Answer(candidates[[best]], plans[:, best], None, aims, aims, True)


def _merged(problem: Cover) -> tuple[Cover, Array]:
    """Add up areas that the same sites can reach; without limits, whoever an existing site reaches is one of them."""
    within = problem.within
    if problem.room is None:
        reached = np.asarray(within[:, problem.existing].any(axis=1))
        within = within & ~reached[:, None]
        if problem.existing.any():
            within[:, np.flatnonzero(problem.existing)[0]] = reached
    keys = [np.packbits(within, axis=1)]
    if problem.group is not None:
        keys.append(problem.group.astype(np.int32)[:, None].view(np.uint8))
    if problem.first is not None:
        keys.append(problem.first[:, None].view(np.uint8))
    rows = np.ascontiguousarray(np.hstack(keys))
    _, one, back = np.unique(
        rows.view(np.dtype((np.void, rows.shape[1]))).ravel(), return_index=True, return_inverse=True
    )
    people = np.bincount(back, problem.people, minlength=one.size)
    group = None if problem.group is None else problem.group[one]
    first = None if problem.first is None else problem.first[one]
    return replace(problem, people=people, within=within[one], group=group, first=first), back


def _spread(load: Array, merged: Array, people: Array, back: Array) -> Array:
    """Hand out the flows of merged areas to their areas, by number of people."""
    share = np.divide(people, merged[back], out=np.zeros(people.size), where=merged[back] > 0)
    return np.asarray(load[back] * share[:, None])
