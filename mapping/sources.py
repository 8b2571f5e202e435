"""How many people of each group does each source count, exactly or within bounds?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.disclosure import Protected
from commonground.errors import CommonGroundError, NotReleasable, Problem, RecordsError
from commonground.pickles import Exact
from commonground.tallies import MISSING
from mapping.shares import Part

__all__ = ["Counts", "Source", "common_parts", "published_counts", "read_sources"]

BOUNDS = ("value", "low", "high")
Counts = pd.Series | pd.DataFrame


@dataclass(frozen=True, repr=False, eq=False)
class Source(Exact):
    """People by group of one source, and people whose group it does not know.

    Parameters
    ----------
    people : DataFrame
        Indexed by group: value, low, high. Value missing: bounds only. All missing: the source cannot see this group.
    unknown : tuple of float
        People whose group is unknown: value, low, high.
    """

    people: pd.DataFrame
    unknown: tuple[float, float, float]

    def __repr__(self) -> str:
        return "Source(...)"

    @property
    def sees(self) -> pd.Series[bool]:
        """Say of each group whether the source could see it."""
        return self.people["high"].notna()


def published_counts(protected: Protected, category: str, period: str) -> pd.DataFrame:
    """Return published people by group, over all blocks: what `representation` takes.

    Parameters
    ----------
    protected : Protected
        Of people, by this category alone.
    category, period : str

    Returns
    -------
    DataFrame
        Indexed by shown level: value, low, high; people per block, summed. A hidden label is 0 to k - 1.

    Raises
    ------
    NotReleasable
        When the values are exact, or of something else than people.
    CommonGroundError
        When they are not by this category alone, or not of this period.
    """
    if not isinstance(protected, Protected) or protected.count != "persons":
        raise NotReleasable("published people are needed; protect a tally with count='persons'.")
    rows = [row for row in protected.rows if row[2] == period and len(row[3]) == 1]
    if protected.by != (category,) or not rows:
        raise CommonGroundError(
            f"these values are not by {category} alone, or not of {period}; protect a tally that is."
        )
    hidden = (math.nan, 0.0, protected.k - 1.0)
    cells = [(levels[0], *(hidden if value is None else (value, low, high))) for *_, levels, value, low, high in rows]
    table = pd.DataFrame(cells, columns=["group", *BOUNDS])
    return table.astype(dict.fromkeys(BOUNDS, "float64")).groupby("group", sort=False)[list(BOUNDS)].sum(skipna=False)


def read_sources(given: Counts | Mapping[str, Counts], name: str, levels: Sequence[str] | None) -> dict[str, Source]:
    """Return each source with every level: declared ones first, then those found.

    Raises
    ------
    RecordsError
        With every table that is no counts of people by group.
    """
    tables = dict(given) if isinstance(given, Mapping) else {name: given}
    problems: list[Problem] = []
    numbered = {source: f"source {at} of `{name}`" for at, source in enumerate(tables, start=1)}
    read = {str(source): _read(table, numbered[source], problems) for source, table in tables.items()}
    if problems:
        raise RecordsError("groups cannot be compared; correct the counts.", problems)
    return {source: _with_levels(table, levels or ()) for source, table in read.items()}


def common_parts(one: Source, other: Source, group: str, *, unknown: bool) -> tuple[Part, Part]:
    """Return a group's people and all others in two sources, among the groups that both could see.

    With ``unknown``, people whose group is unknown may all be in the group, or none of them.
    """
    both = list(one.people.index[one.sees & other.sees.reindex(one.people.index, fill_value=False)])
    return _part(one, group, both, unknown=unknown), _part(other, group, both, unknown=unknown)


def _part(source: Source, group: str, groups: list[str], *, unknown: bool) -> Part:
    others = source.people.loc[[name for name in groups if name != group], ["low", "high"]].sum()
    more = source.unknown[2] if unknown else 0.0
    low, high = (float(source.people[end].loc[group]) for end in ("low", "high"))
    return Part(low, high + more, float(others["low"]), float(others["high"]) + more)


def _read(table: object, source: str, problems: list[Problem]) -> pd.DataFrame:
    """Return value, low and high by group, unknown groups under one name."""
    help_ = "Give people by group: a Series, or a table of value, low and high indexed by group."
    none = pd.DataFrame(columns=list(BOUNDS), dtype="float64")
    if isinstance(table, pd.Series):
        wide = pd.DataFrame(dict.fromkeys(BOUNDS, table))
    elif isinstance(table, pd.DataFrame) and set(BOUNDS) <= set(table.columns):
        wide = table[list(BOUNDS)]
    else:
        problems.append(Problem(None, source, "is no count of people by group", help_))
        return none
    try:
        numbers = wide.astype("float64").to_numpy(copy=True)
    except (TypeError, ValueError):
        problems.append(Problem(None, source, "holds something that is no number", help_))
        return none
    names = [MISSING if _is_missing(name) else str(name) for name in wide.index]
    value, low, high = (numbers[:, at] for at in range(3))
    wrong = (
        (numbers < 0).any() or np.isinf(numbers).any() or (low > high).any() or (value < low).any()
        or (value > high).any() or (np.isnan(low) != np.isnan(high)).any() or (np.isnan(high) & ~np.isnan(value)).any()
    )  # fmt: skip
    if wrong:
        problems.append(Problem(None, source, "needs 0 or more people, low <= value <= high", help_))
    if len(set(names)) < len(names):
        problems.append(Problem(None, source, "names a group twice", "Give each group one row."))
    return pd.DataFrame(numbers, index=names, columns=list(BOUNDS))


def _with_levels(table: pd.DataFrame, levels: Sequence[str]) -> Source:
    """Return the source with each level; one that is not in the table was looked for and not found."""
    unknown = [float(table.fillna(0.0)[end].get(MISSING, 0.0)) for end in BOUNDS]
    known = table.drop(index=MISSING, errors="ignore")
    added = [level for level in levels if level not in known.index and level != MISSING]
    more = pd.DataFrame(0.0, index=added, columns=list(BOUNDS))
    people = pd.concat([known, more]) if added else known
    order = [level for level in levels if level in people.index]
    return Source(people.loc[[*order, *people.index.difference(order)]], (unknown[0], unknown[1], unknown[2]))


def _is_missing(name: Any) -> bool:
    return name is None or name is pd.NA or (isinstance(name, float) and math.isnan(name))
