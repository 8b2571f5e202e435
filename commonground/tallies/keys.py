"""How are distinct people, premises and events counted, and collapsed so that they add up?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from commonground.errors import CommonGroundError

__all__ = ["MISSING", "UNITS", "WHO", "checked_unit", "count_keys", "distinct", "ordered", "record_key"]

UNITS = ("events", "persons", "premises")
MISSING = "missing"  # the level of a category that the record leaves empty: a level like any other
WHO = ["person", "premises", "event"]


def count_keys(keys: pd.DataFrame, cells: list[str], unit: str) -> pd.Series:
    """Count distinct keys per cell: persons, premises, or events (rows that cannot be told apart add their n)."""
    if unit != "events":
        column = {"persons": "person", "premises": "premises"}[unit]
        return keys.dropna(subset=[column]).groupby(cells, sort=True)[column].nunique()
    bare = keys["record"].isna()
    named = keys[~bare].groupby(cells, sort=True)["record"].nunique()
    return named.add(keys[bare].groupby(cells, sort=True)["n"].sum(), fill_value=0)


def record_key(frame: pd.DataFrame, kind: str) -> pd.Series:
    """Return what makes a row one event: an incident's own key; a contact or arrest is one person at one event.

    Missing where that is not known: such rows cannot be told apart and count by their n.
    """
    if kind == "incidents":
        return frame["event"]
    return frame["person"].str.cat(frame["event"], sep=" ")


def distinct(keys: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Collapse to distinct (cell, person, premises, event); rows that cannot be told apart keep their summed n."""
    group = ["area", "period", *by, *WHO, "record"]
    summed = keys.groupby(group, sort=True, dropna=False, as_index=False)["n"].sum()
    return summed.assign(n=summed["n"].where(summed["record"].isna(), 1.0))


def ordered(levels: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(levels, key=lambda level: (level == MISSING, level)))


def checked_unit(count: str) -> str:
    if count not in UNITS:
        raise CommonGroundError(f"a tally counts {', '.join(UNITS)}, not {count!r}; choose one of them.")
    return count
