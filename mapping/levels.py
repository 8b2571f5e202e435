"""Which levels does a split have, who is in each, and which of them does no source see?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import pandas as pd

from commonground.disclosure import Plan
from commonground.pickles import Exact
from commonground.records import Records
from commonground.tallies import MISSING

__all__ = ["EVERYONE", "NOT_DECLARED", "NO_SOURCE", "UNSEEN", "Split", "declared_splits"]

EVERYONE = "everyone"
NO_SOURCE = "no source sees this group"  # by declaration, never from a count (gate.md, step 3)
NOT_DECLARED = "nobody of this group was seen, and no source is declared to see it"
UNSEEN = (NO_SOURCE, NOT_DECLARED)
JOIN = " x "


@dataclass(frozen=True, repr=False, eq=False)
class Split(Exact):
    """One way to split the people who were seen.

    Parameters
    ----------
    name : str
        Its columns, joined by ``x``.
    columns : mapping of column to levels
    levels : tuple of str
        Declared levels first, then those found, ``missing`` last.
    members : DataFrame
        Columns row, person, level.
    unseen : mapping of level to str
        Levels of which nothing is known, with the reason.
    undeclared : tuple of str
        Columns with levels that were found and not declared, though others were.
    contradicted : tuple of str
        Columns with people in a level that no source is declared to see.
    """

    name: str
    columns: dict[str, tuple[str, ...]]
    levels: tuple[str, ...]
    members: pd.DataFrame = field(repr=False)
    unseen: Mapping[str, str] = field(default_factory=dict)
    undeclared: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Split(...)"

    def seen(self) -> pd.Series:
        """Return the number of people of each level."""
        return self.members.drop_duplicates(["level", "person"]).groupby("level").size()


def declared_splits(
    rows: pd.DataFrame, records: Records, *, by: Sequence[tuple[str, ...]], groups: Plan
) -> list[Split]:
    """Return everyone together, then each split, with every declared level in it.

    Where the plan says what sources could see, the other declared levels are those that no source sees, unless the
    records hold people of them. Where it does not say, a declared level of which nobody was seen is unknown. Areas are
    seen where a source reported them (`Records.coverage`).
    """
    who = rows[["row", "person"]]
    whole = Split(EVERYONE, {}, (EVERYONE,), who.assign(level=EVERYONE))
    return [whole, *(_split(rows, records, columns, groups) for columns in by)]


def _split(rows: pd.DataFrame, records: Records, names: tuple[str, ...], plan: Plan) -> Split:
    values = rows[list(names)].fillna(MISSING).astype("str")
    columns: dict[str, tuple[str, ...]] = {}
    blind: dict[str, dict[str, str]] = {}
    undeclared, contradicted = [], []
    for name in names:
        declared = [level for level in dict.fromkeys(plan.categories.get(name, ())) if level != MISSING]
        found = set(values[name])
        others = sorted(found - {*declared, MISSING})
        columns[name] = (*declared, *others, *([MISSING] if MISSING in found else []))
        could = _could_see(name, plan, records, declared)
        never = {level for level in declared if level not in could} if could is not None else set(declared) - found
        blind[name] = dict.fromkeys(never - found, NOT_DECLARED if could is None else NO_SOURCE)
        undeclared += [name] if declared and others else []
        contradicted += [name] if could is not None and never & found else []
    levels = list(product(*columns.values()))
    level = pd.Series(list(zip(*(values[name] for name in names), strict=True)), index=rows.index)
    return Split(
        name=JOIN.join(names),
        columns=columns,
        levels=tuple(map(JOIN.join, levels)),
        members=rows[["row", "person"]].assign(level=level.map(JOIN.join).to_numpy()),
        unseen={JOIN.join(one): why for one in levels for why in _reasons(one, list(blind.values()))[:1]},
        undeclared=tuple(undeclared),
        contradicted=tuple(contradicted),
    )


def _reasons(level: Sequence[str], blind: Sequence[Mapping[str, str]]) -> list[str]:
    """Return why nothing is known of a crossed level, what is declared first."""
    return sorted((why[part] for part, why in zip(level, blind, strict=True) if part in why), key=NO_SOURCE.__ne__)


def _could_see(name: str, plan: Plan, records: Records, declared: Sequence[str]) -> set[str] | None:
    """Return the levels that some source could see, or None where nobody said."""
    if name in plan.seen:
        return set(plan.seen[name])
    if name != "area":
        return None
    reported = records.coverage["area"]
    return set(declared) if reported.isna().any() else set(reported)
