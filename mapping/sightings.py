"""Is this table of who is on which lists fit to be read, and what is known about the lists?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.periods import Period
from commonground.pickles import Exact
from mapping.ages import under_18
from mapping.loglinear import Family, model_family

__all__ = ["MOST_LISTS", "ListFacts", "Sightings", "read_histories"]

MOST_LISTS = 6  # 32,768 models; seven lists have two million, and overlaps too thin to choose among them
_REFUSED = "the number of people on no list cannot be estimated"


@dataclass(frozen=True)
class ListFacts:
    """Declare what is known about the lists, beyond the table.

    Parameters
    ----------
    feeds : tuple of (str, str)
        (A, B) where being on A puts people on B (referrals). That pair is in every model.
    superset : tuple of str
        Lists that also hold people who may have left, or never belonged. They are left out of the models, and people on
        no other list are not counted as observed.
    windows : Period, or mapping of str to Period, optional
        The time in which each list was kept, or all of them.
    population : str
        Whom the lists are about, in the study's words. Under-18s are refused.
    linkage_error : float
        Share of links between lists, from 0 to below 1, that may be wrong or missing; for the linkage band.
    """

    feeds: tuple[tuple[str, str], ...] = ()
    superset: tuple[str, ...] = ()
    windows: Period | Mapping[str, Period] | None = None
    population: str = "adults"
    linkage_error: float = 0.05


@dataclass(frozen=True, repr=False)
class Sightings(Exact):
    """Hold a table that was read: people by history, in the order of the family's cells.

    Parameters
    ----------
    family : Family
        The models of the lists that are used.
    counts : array, (c,)
        People by history.
    left_out : int
        People who are only on lists that were left out.
    """

    family: Family
    counts: Any
    left_out: int

    def __repr__(self) -> str:
        return "Sightings(...)"


def read_histories(histories: pd.DataFrame, count: str, facts: ListFacts) -> Sightings:
    """Read a table of histories, or say everything that is wrong with it.

    Parameters
    ----------
    histories : DataFrame
        One column a list, 0 or 1, and the column `count`: people with that history. Rows of one history are added.
    count : str
        Name of the column of counts.
    facts : ListFacts
        What was declared.

    Returns
    -------
    Sightings
        The table and its models.

    Raises
    ------
    RecordsError
        All problems of the table and of what was declared.
    """
    lists = [column for column in histories.columns if column != count]
    problems = [*_declared_problems(lists, facts), *_column_problems(histories, lists, count)]
    if not problems:
        problems = _row_problems(histories, lists, count)
    if problems:
        raise RecordsError(_REFUSED, problems)
    kept = [name for name in lists if name not in facts.superset]
    used = histories.loc[:, kept].astype(float)
    people = histories[count].astype(float).fillna(0.0).to_numpy()
    code = used.to_numpy() @ (2.0 ** np.arange(len(kept))[::-1])
    by_history = np.bincount(code.astype(int), weights=people, minlength=2 ** len(kept))
    forced = [(kept.index(a), kept.index(b)) for a, b in facts.feeds if a in kept and b in kept]
    return Sightings(model_family(kept, forced=forced), by_history[1:], round(float(by_history[0])))


def _declared_problems(lists: list[Any], facts: ListFacts) -> list[Problem]:
    named = [name for pair in facts.feeds for name in pair] + list(facts.superset)
    named += list(facts.windows) if isinstance(facts.windows, Mapping) else []
    found = []
    if under_18(pd.Series([facts.population, *map(str, lists)])).any():
        help_ = "count them on the safeguarding route; never model them"
        found.append(Problem(None, "`population`", "a hidden number is estimated of adults only", help_))
    if set(named) - set(lists):
        found.append(Problem(None, "`facts`", "names of lists in the table are needed", "correct the names"))
    if any(a == b for a, b in facts.feeds):
        found.append(Problem(None, "`feeds`", "two different lists are needed", "leave out a list that feeds itself"))
    if not 0 <= facts.linkage_error < 1:
        found.append(Problem(None, "`linkage_error`", "a share from 0 to below 1 is needed", "0.05 is one in twenty"))
    if isinstance(facts.windows, Mapping):
        windows = [facts.windows.get(name) for name in lists if name not in facts.superset]
        if None in windows:
            help_ = "give a Period for every list, or one for all"
            found.append(Problem(None, "`windows`", "the window of every list is needed", help_))
        elif len(set(windows)) > 1:
            help_ = "cut all lists to the same days: somebody absent from one window cannot be on its list"
            found.append(Problem(None, "`windows`", "lists of one window are needed", help_))
    return found


def _column_problems(histories: pd.DataFrame, lists: list[Any], count: str) -> list[Problem]:
    found = []
    if count not in histories.columns or not histories.columns.is_unique:
        help_ = 'name it: count="..."; one column for each list beside it'
        found.append(Problem(None, "`count`", "one column of people by history is needed", help_))
    if not 2 <= len(lists) <= MOST_LISTS:
        help_ = "merge lists of one service, or bring another; every column but the count is a list"
        found.append(Problem(None, "`histories`", f"2 to {MOST_LISTS} lists are needed", help_))
    return found


def _row_problems(histories: pd.DataFrame, lists: list[Any], count: str) -> list[Problem]:
    found = []
    for name in lists:
        numbers = pd.to_numeric(histories[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        help_ = (
            "1 is on the list, 0 is not. There is no column for groups: a hidden number is never split by the seen mix"
        )
        rows = np.flatnonzero(~np.isin(numbers, (0.0, 1.0)))
        found += [Problem(int(row) + 1, f"`{name}`", "0 or 1 is needed", help_) for row in rows]
    given = pd.to_numeric(histories[count], errors="coerce")
    people = given.to_numpy(dtype=float, na_value=np.nan)
    text = (given.isna() & histories[count].notna()).to_numpy()
    whole = np.isnan(people) | ((people >= 0) & np.isfinite(people) & (people == np.floor(people)))
    rows = np.flatnonzero(text | ~whole)
    found += [Problem(int(row) + 1, f"`{count}`", "a whole number from 0 up is needed", "correct it") for row in rows]
    if not found:
        nobody = (histories[lists].astype(float).sum(axis=1) == 0).to_numpy() & (people > 0)
        help_ = "leave out the people whom no list holds: they are what is asked"
        found += [
            Problem(int(row) + 1, "`histories`", "a 1 in some list is needed", help_) for row in np.flatnonzero(nobody)
        ]
        if not np.nansum(people) > 0:
            found.append(Problem(None, f"`{count}`", "somebody on some list is needed", "bring the lists' people"))
    return found
