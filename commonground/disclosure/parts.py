"""May a part of some records be shown beside the rest of them?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from commonground.disclosure.cells import Coded, all_pass, by_unit, code_keys, passes, rules_for
from commonground.disclosure.policy import profile_named
from commonground.disclosure.protected import Protected
from commonground.periods import Period
from commonground.tallies import tally

__all__ = ["COMPARED", "part_passes"]

COMPARED = ("before", "after")


def part_passes(study: Any, name: str, gate: Protected) -> bool:
    """Say whether an outcome's part of its input, and the rest of it, may be shown in every zone and phase.

    Parameters
    ----------
    study : Study
    name : str
        Of the outcome.
    gate : Protected
        The published cut of its input.

    Notes
    -----
    Parts of one input are published beside each other: each piece that they cut it into must pass too, where anybody is
    in it. Of 30 on the street and 32 on the street or online, 2 are online.
    """
    outcome = study.outcomes[name]
    if not outcome.where:
        return True
    whole = study.located(outcome.input)
    rules = rules_for(tally(whole, study.areas, every=_phases(study)).keys, profile_named("partner"))
    rules = by_unit(rules, "person" if gate.people_known else "event", 8)
    part = whole.frame.index.isin(study.outcome_records(name).frame.index)
    piece = np.zeros(len(whole.frame), dtype=np.int64)
    for number, beside in enumerate(other for other, one in study.outcomes.items() if one.input == outcome.input):
        piece += whole.frame.index.isin(study.outcome_records(beside).frame.index).astype(np.int64) << number
    halves = (passes(_cells(study, whole, chosen), rules) for chosen in (part, ~part))
    pieces = (_filled(_cells(study, whole, piece == value)) for value in np.unique(piece))
    return all(halves) and all(all_pass(cells, rules) for cells in pieces)


def _cells(study: Any, whole: Any, chosen: Any) -> Coded:
    """Return some records of an input by zone and phase."""
    phases = _phases(study)
    keys = tally(replace(whole, frame=whole.frame[chosen]), study.areas, every=phases).keys
    order = [code for codes in study.zones.values() for code in codes]
    zone = np.repeat(np.arange(len(study.zones)), [len(codes) for codes in study.zones.values()])
    rows = code_keys(keys[keys["area"].isin(order)], order, list(phases), {})
    return rows.into(zone[rows.place] * len(phases) + rows.period, len(study.zones) * len(phases))


def _filled(cells: Coded) -> Coded:
    """Return the cells in which there is anything."""
    found, number = np.unique(cells.cell, return_inverse=True)
    return cells.into(number, len(found))


def _phases(study: Any) -> dict[str, Period]:
    return {phase: study.phases[phase] for phase in COMPARED}
