"""Into which blocks may areas be cut so that every block can be shown?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from commonground.disclosure.hierarchy import Tree, leaves
from commonground.disclosure.policy import CUT_K, EVENTS_K, Profile

__all__ = ["Rules", "cut", "lowest_passing", "passes", "rules_for", "split_time"]

TIME_TREE = ((1, 2), (3, 4))  # quarters: (Q1 Q2)(Q3 Q4), gate.md step 5


@dataclass(frozen=True)
class Rules:
    """What a cell must hold: fewest people (or events), premises and events, and the largest share of one."""

    k: int
    unit: str
    premises: int
    events: int
    share: float
    has_premises: bool
    has_events: bool


def rules_for(keys: pd.DataFrame, profile: Profile, *, k: int = CUT_K) -> Rules:
    """Return the rules for a record set: without a person column k applies to events and is 13."""
    people = bool(keys["person"].notna().any())
    return Rules(
        k=max(k, CUT_K) if people else max(k, EVENTS_K),
        unit="person" if people else "event",
        premises=profile.premises,
        events=profile.events,
        share=profile.share,
        has_premises=bool(keys["premises"].notna().any()),
        has_events=bool(keys["event"].notna().any()),
    )


def passes(keys: pd.DataFrame, rules: Rules, *, cells: pd.Index | None = None, by: Sequence[str] = ()) -> bool:
    """Say whether the whole and every declared cell pass every rule.

    Parameters
    ----------
    keys : DataFrame
        Distinct (cell, person, premises, event) rows of one node.
    rules : Rules
    cells : Index, optional
        Declared combinations of ``by`` that must each pass; an absent one is empty and fails.
    by : sequence of str
    """
    everything = pd.Index([0])
    whole = keys.assign(all_=0)
    if not _all_pass(whole, rules, ["all_"], everything):
        return False
    return cells is None or not by or _all_pass(keys, rules, list(by), cells)


def cut(tree: Tree, keys: pd.DataFrame, good: Callable[[pd.DataFrame, tuple[str, ...]], bool]) -> list[Tree]:
    """Split a node only if both children pass; publish it else.

    Parameters
    ----------
    tree : Tree
        Its root has passed already.
    keys : DataFrame
    good : function of (keys, codes) to bool

    Returns
    -------
    list of Tree
        The blocks, a partition of the leaves.
    """
    if isinstance(tree, str):
        return [tree]
    parts = [(child, keys[keys["area"].isin(leaves(child))]) for child in tree]
    if all(good(part, leaves(child)) for child, part in parts):
        return [block for child, part in parts for block in cut(child, part, good)]
    return [tree]


def lowest_passing(
    tree: Tree, blocks: set[tuple[str, ...]], keys: pd.DataFrame, good: Callable[[pd.DataFrame, tuple[str, ...]], bool]
) -> list[Tree] | None:
    """Return, for stricter rules, the lowest ancestors of the blocks that pass; None when not even the root does."""
    codes = leaves(tree)
    mine = keys[keys["area"].isin(codes)]
    if codes in blocks or isinstance(tree, str):
        return [tree] if good(mine, codes) else None
    below = [lowest_passing(child, blocks, mine, good) for child in tree]
    if all(part is not None for part in below):
        return [block for part in below for block in part or []]
    return [tree] if good(mine, codes) else None


def split_time(
    keys: pd.DataFrame, good: Callable[[pd.DataFrame], bool], quarters: Sequence[int]
) -> list[tuple[int, ...]]:
    """Cut a block's year along the fixed tree (Q1 Q2)(Q3 Q4); a part is split only if both halves pass.

    Parameters
    ----------
    keys : DataFrame
        With a column quarter (1 to 4).
    good : function of keys to bool
    quarters : sequence of int
        Quarters that the year has.
    """
    halves: list[tuple[int, ...]] = [tuple(q for q in half if q in quarters) for half in TIME_TREE]
    present = [half for half in halves if half]

    def down(part: tuple[int, ...]) -> list[tuple[int, ...]]:
        children: list[tuple[int, ...]] = [(q,) for q in part]
        fine = len(part) > 1 and all(good(keys[keys["quarter"].isin(child)]) for child in children)
        return children if fine else [part]

    if len(present) == 2 and all(good(keys[keys["quarter"].isin(half)]) for half in present):
        return [piece for half in present for piece in down(half)]
    return [tuple(quarters)] if len(present) != 1 else down(present[0])


def _all_pass(keys: pd.DataFrame, rules: Rules, by: list[str], cells: pd.Index) -> bool:
    units = _units(keys, rules.unit, by).reindex(cells, fill_value=0)
    if (units < rules.k).any():
        return False
    for column, fewest, applies in (
        ("premises", rules.premises, rules.has_premises),
        ("event", rules.events, rules.has_events),
    ):
        if not applies:
            continue
        known = keys.dropna(subset=[column])
        if (known.groupby(by)[column].nunique().reindex(cells, fill_value=0) < fewest).any():
            return False
        if column == rules.unit:
            continue  # the share of one event among events is not a concentration of people
        largest = _units(known, rules.unit, [*by, column]).groupby(level=list(range(len(by)))).max()
        if (largest.reindex(cells, fill_value=0) > rules.share * units).any():
            return False
    return True


def _units(keys: pd.DataFrame, unit: str, by: list[str]) -> pd.Series:
    """Count distinct people, or distinct events plus n of rows without an event key."""
    counted = keys.dropna(subset=[unit]).groupby(by)[unit].nunique()
    if unit == "person":
        return counted
    bare = keys[keys["event"].isna()].groupby(by)["n"].sum()
    return counted.add(bare, fill_value=0)
