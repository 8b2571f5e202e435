"""How are distinct people, premises and events counted, and collapsed so that they add up?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from commonground.errors import CommonGroundError

__all__ = [
    "MISSING",
    "UNITS",
    "WHO",
    "checked_unit",
    "count_keys",
    "counts_in",
    "distinct",
    "joined_citations",
    "ordered",
    "record_key",
]

UNITS = ("events", "persons", "premises")
MISSING = "missing"  # the level of a category that the record leaves empty: a level like any other
WHO = ["person", "premises", "event"]
_LARGEST = 2**62  # of a joint number that still fits into 64 bits


def count_keys(keys: pd.DataFrame, cells: list[str], unit: str) -> pd.Series:
    """Count distinct keys per cell: persons, premises, or events (rows that cannot be told apart add their n).

    Parameters
    ----------
    keys : DataFrame
        With the columns of cells, person, premises, record and n.
    cells : list of str
        Columns that make a cell; rows with a missing one count nowhere.
    unit : {'events', 'persons', 'premises'}

    Returns
    -------
    Series
        Indexed by the cells that occur, sorted.
    """
    known = keys.dropna(subset=cells) if unit == "events" else keys.dropna(subset=[*cells, _column(unit)])
    number, first = _joint_number(known, cells)
    counts = counts_in(number, len(first), known, unit)
    labels = known[cells].iloc[first]
    index = pd.MultiIndex.from_frame(labels) if len(cells) > 1 else pd.Index(labels[cells[0]])
    name = "n" if unit == "events" else _column(unit)
    return pd.Series(counts if unit == "events" else counts.astype("int64"), index=index, name=name).sort_index()


def counts_in(cell: np.ndarray, size: int, keys: pd.DataFrame, unit: str) -> np.ndarray:
    """Count distinct keys in cells that are numbers from 0 to size - 1; rows numbered -1 count nowhere."""
    who, names = pd.factorize(keys[_column(unit)])
    known = (who >= 0) & (cell >= 0)
    pairs = pd.unique(cell[known].astype("int64") * max(len(names), 1) + who[known])
    counts = np.bincount(pairs // max(len(names), 1), minlength=size).astype("float64")
    if unit != "events":
        return counts
    bare = (who < 0) & (cell >= 0)
    return np.asarray(counts + np.bincount(cell[bare], weights=keys["n"].to_numpy()[bare], minlength=size))


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
    number, first = _joint_number(keys, group)
    summed = np.bincount(number, weights=keys["n"].to_numpy(dtype="float64"), minlength=len(first))
    rows = keys[group].iloc[first].reset_index(drop=True)
    return rows.assign(n=np.where(rows["record"].isna(), summed, 1.0))


def ordered(levels: Iterable[str]) -> tuple[str, ...]:
    """Sort levels; the missing one comes last."""
    return tuple(sorted(levels, key=lambda level: (level == MISSING, level)))


def checked_unit(count: str) -> str:
    """Return the unit, or say which there are."""
    if not isinstance(count, str) or count not in UNITS:
        said = repr(count) if isinstance(count, str) else f"a {type(count).__name__}"
        raise CommonGroundError(f"a tally counts {', '.join(UNITS)}, not {said}; choose one of them.")
    return count


def _column(unit: str) -> str:
    return {"events": "record", "persons": "person", "premises": "premises"}[unit]


def _joint_number(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return a number for each row, the same for rows alike in some columns, and where each number first stands.

    pandas would sort every text to group by several: on 200,000 rows that is most of a tally's time.
    """
    joint, size = np.zeros(len(frame), dtype="int64"), 1
    for column in columns:
        number, names = pd.factorize(frame[column])
        if size * (len(names) + 1) > _LARGEST:
            joint, seen = pd.factorize(joint)
            size = len(seen)
        joint = joint * (len(names) + 1) + number + 1
        size *= len(names) + 1
    number, seen = pd.factorize(joint)
    first = np.empty(len(seen), dtype="int64")
    first[number[::-1]] = np.arange(len(frame))[::-1]
    return number, first


def joined_citations(one: Mapping[str, str | None], other: Mapping[str, str | None]) -> dict[str, str | None]:
    """Join citations; a source of which any part is not published is not published."""
    joined = {**one, **other}
    return {
        source: None if None in (one.get(source, text), other.get(source, text)) else text
        for source, text in joined.items()
    }
