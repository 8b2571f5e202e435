"""Which declared categories are large enough to be shown at all, and which are joined first?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from commonground.disclosure.partition import Rules, passes
from commonground.disclosure.policy import Plan
from commonground.tallies import Tally

__all__ = ["publishable_levels"]


def publishable_levels(tally: Tally, plan: Plan, rules: Rules) -> tuple[Tally, list[str], tuple[str, ...]]:
    """Join levels that fail at the root, in their declared order; drop a dimension that fails even so.

    Parameters
    ----------
    tally : Tally
    plan : Plan
        Declared levels; a category that is not in it keeps the levels of the tally.
    rules : Rules

    Returns
    -------
    tally : Tally
        With joined levels.
    by : list of str
        Categories that are left.
    notes : tuple of str
        What was joined or dropped; the reader is not told which of "too few" and "none" it was.
    """
    by: list[str] = []
    notes: list[str] = []
    for name in tally.by:
        declared = tuple(plan.categories.get(name, tally.by[name]))
        stray = [level for level in tally.by[name] if level not in declared]
        levels = (*declared, *(["missing"] if stray and "missing" not in declared else []))
        keys = tally.keys.assign(**{name: tally.keys[name].where(tally.keys[name].isin(levels), "missing")})
        joined = _join(tally, keys, name, levels, rules)
        if joined is None:
            notes.append(f"{name}: too few to show, or none.")
            continue
        home = {level: group for group, members in joined.items() for level in members}
        if len(joined) < len(levels):
            notes.append(f"{name}: small groups are joined ({', '.join(joined)}).")
        tally = replace(tally, keys=keys.assign(**{name: keys[name].map(home)}), by={**tally.by, name: tuple(joined)})
        by.append(name)
    while by and not passes(tally.keys, rules, cells=_cells(tally, by), by=_columns(tally, by)):
        notes.append(f"{by.pop()}: too few to show together with the other categories, or none.")
    dropped = [name for name in tally.by if name not in by]
    kept = {name: levels for name, levels in tally.by.items() if name in by}
    return replace(tally, keys=tally.keys.drop(columns=dropped), by=kept), by, tuple(notes)


def _join(
    tally: Tally, keys: pd.DataFrame, name: str, levels: Sequence[str], rules: Rules
) -> dict[str, tuple[str, ...]] | None:
    """Return {shown level: declared levels in it}; None when the whole dimension has to go."""

    def good(group: Sequence[str]) -> bool:
        mine = keys[keys[name].isin(group)]
        phases = pd.Index(list(tally.periods), name="period") if tally.phased else None
        return passes(mine, rules, cells=phases, by=["period"] if tally.phased else [])

    alone = [level for level in levels if good([level])]
    small = [level for level in levels if level not in alone]
    while small and not good(small):
        if not alone:
            return None
        small.append(alone.pop())  # the last declared level that stood alone goes in with the small ones
    if not alone:
        return None  # one level for everybody says nothing
    groups = {level: (level,) for level in alone}
    return groups | ({" or ".join(sorted(small, key=list(levels).index)): tuple(small)} if small else {})


def _cells(tally: Tally, by: Sequence[str]) -> pd.Index:
    parts = [list(tally.periods)] * tally.phased + [list(tally.by[name]) for name in by]
    columns = _columns(tally, by)
    return pd.MultiIndex.from_product(parts, names=columns) if len(parts) > 1 else pd.Index(parts[0], name=columns[0])


def _columns(tally: Tally, by: Sequence[str]) -> list[str]:
    return ["period"] * tally.phased + list(by)
