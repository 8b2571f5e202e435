"""How many people, premises and events does each cell hold, and may every one of the cells be shown?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.disclosure.policy import Profile
from commonground.pickles import Exact

__all__ = ["Coded", "Ints", "Rules", "all_pass", "by_unit", "code_keys", "count_in", "passes", "rules_for"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_LEVELS = 6  # beside which a total is shown: there are 63 combinations, and people in each of them
_WHO = ("person", "premises", "event", "record")
_ROWS = ("place", "period", "cell", "n")


@dataclass(frozen=True)
class Rules:
    """What a cell must hold: fewest people (or events), premises and events, and the largest share of one.

    ``totals``: people of all levels together are shown as well, so everybody's combination of levels is a cell too.
    """

    k: int
    unit: str
    premises: int
    events: int
    share: float
    has_premises: bool
    has_events: bool
    totals: bool = False


@dataclass(frozen=True, repr=False, eq=False)
class Coded(Exact):
    """Rows of keys as whole numbers, in the order of the tree's leaves; -1 is a missing key. Exact: never shown.

    Parameters
    ----------
    place, period, cell : array of int
        Leaf, period of the tally, and cell of a table.
    n : array of float
        Events that a row without an event key stands for.
    who : mapping of person, premises, event and record to array of int
    levels : mapping of category to array of int
    cells : int
        How many cells there are; an empty one is a cell too.
    parts : int
        How many phases they are of, level by level in each.
    """

    place: Ints
    period: Ints
    cell: Ints
    n: Floats
    who: Mapping[str, Ints]
    levels: Mapping[str, Ints]
    cells: int = 1
    parts: int = 1

    def only(self, rows: slice | npt.NDArray[np.bool_]) -> Coded:
        """Return some of the rows."""
        return replace(
            self,
            **{name: getattr(self, name)[rows] for name in _ROWS},
            who={name: codes[rows] for name, codes in self.who.items()},
            levels={name: codes[rows] for name, codes in self.levels.items()},
        )

    def between(self, low: int, high: int) -> Coded:
        """Return the rows of the leaves from low to before high."""
        first, last = np.searchsorted(self.place, [low, high])
        return self.only(slice(int(first), int(last)))

    def into(self, cell: Ints, cells: int) -> Coded:
        """Return the same rows, put into other cells."""
        return replace(self, cell=cell, cells=cells)


def code_keys(
    keys: pd.DataFrame, order: Sequence[str], periods: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> Coded:
    """Code a tally's keys as numbers, once, so that nothing has to be grouped by text again.

    Parameters
    ----------
    keys : DataFrame
        Of a tally, with areas of the tree only.
    order : sequence of str
        Areas in the order of the leaves.
    periods : sequence of str
    levels : mapping of category to levels
        What is none of them counts as the last.
    """
    place = pd.Index(order).get_indexer(pd.Index(keys["area"]))
    rows = np.argsort(place, kind="stable")
    known = {name: pd.Index(declared).get_indexer(pd.Index(keys[name])) for name, declared in levels.items()}
    return Coded(
        place=place[rows],
        period=pd.Index(periods).get_indexer(pd.Index(keys["period"]))[rows],
        cell=np.zeros(len(keys), dtype=np.int64),
        n=keys["n"].to_numpy(dtype=np.float64)[rows],
        who={name: pd.factorize(keys[name])[0][rows] for name in _WHO},
        levels={name: np.where(at < 0, len(levels[name]) - 1, at)[rows] for name, at in known.items()},
    )


def rules_for(keys: pd.DataFrame, profile: Profile) -> Rules:
    """Return the rules for a record set: without a person column k applies to events and is 13.

    The floors stand here in figures, so that no profile, argument or changed constant reaches below them.
    """
    people = bool(keys["person"].notna().any())
    return Rules(
        k=max(profile.k, 8) if people else 13,
        unit="person" if people else "event",
        premises=max(profile.premises, 3),
        events=max(profile.events, 3),
        share=min(profile.share, 0.5),
        has_premises=bool(keys["premises"].notna().any()),
        has_events=bool(keys["event"].notna().any()),
    )


def by_unit(rules: Rules, unit: str, k: int) -> Rules:
    """Return the rules with the unit of an earlier release: people with the profile's k, events with 13."""
    return replace(rules, unit=unit, k=max(k, 8) if unit == "person" else 13)


def passes(coded: Coded, rules: Rules) -> bool:
    """Say whether the whole and every declared cell pass every rule; an empty cell fails."""
    whole = coded.into(np.zeros(len(coded.place), dtype=np.int64), 1)
    if not all_pass(whole, rules) or (coded.cells > 1 and not all_pass(coded, rules)):
        return False
    return not rules.totals or coded.cells == coded.parts or _totals_pass(coded, rules)


def all_pass(coded: Coded, rules: Rules) -> bool:
    """Say whether every cell passes every rule."""
    units = count_in(coded, rules.unit)
    if (units < rules.k).any():
        return False
    for key, fewest, applies in (
        ("premises", rules.premises, rules.has_premises),
        # events among events are no concentration of people, and there are at least k of them
        ("event", rules.events, rules.has_events and rules.unit != "event"),
    ):
        if not applies:
            continue
        if (_distinct(coded, key) < fewest).any():
            return False
        if (_largest(coded, key, rules.unit) > rules.share * units).any():
            return False
    return True


def count_in(coded: Coded, unit: str) -> Floats:
    """Count a unit in each cell.

    Parameters
    ----------
    coded : Coded
    unit : {'person', 'premises', 'event', 'persons', 'events'}
        ``event``: distinct event keys; ``events``: what a tally counts as one. Rows without either add their n.
    """
    key = {"persons": "person", "events": "record"}.get(unit, unit)
    counts = _distinct(coded, key)
    if key not in ("event", "record"):
        return counts
    bare = coded.who[key] < 0
    return np.asarray(counts + np.bincount(coded.cell[bare], weights=coded.n[bare], minlength=coded.cells))


def _totals_pass(coded: Coded, rules: Rules) -> bool:
    """Say whether totals of people may stand beside their levels: all who hold the same levels must pass as one cell.

    People can hold several levels. With 30 in all, 30 of one level and 10 of another, 0 to 4 hold the other only.
    """
    levels = coded.cells // coded.parts
    if levels > MOST_LEVELS:
        return False
    part, level = coded.cell // levels, coded.cell % levels
    who = coded.who["person"]
    size = int(who.max(initial=0)) + 1
    held = np.zeros(coded.parts * size, dtype=np.int64)
    known = who >= 0
    np.bitwise_or.at(held, (part * size + who)[known], (1 << level)[known])
    combination = np.where(known, held[part * size + who], 1 << level) - 1
    combinations = (1 << levels) - 1
    alone = coded.into(part * combinations + combination, coded.parts * combinations)
    return all_pass(alone, rules) and all_pass(coded.into(part, coded.parts), rules)


def _distinct(coded: Coded, key: str) -> Floats:
    who = coded.who[key]
    known = who >= 0
    size = int(who.max(initial=0)) + 1
    pairs = pd.unique(coded.cell[known] * size + who[known])
    return np.bincount(pairs // size, minlength=coded.cells).astype(np.float64)


def _largest(coded: Coded, key: str, unit: str) -> Floats:
    """Return how many people of each cell are in the one premises (or event) that holds most of them."""
    known = coded.only(coded.who[key] >= 0)
    size = int(known.who[key].max(initial=0)) + 1
    group, found = pd.factorize(known.cell * size + known.who[key])
    most = np.zeros(coded.cells)
    np.maximum.at(most, found // size, count_in(known.into(group, len(found)), unit))
    return most
