"""Who is on which of several lists, counted without keeping anybody's name?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.periods import Period
from commonground.pickles import Exact
from commonground.records import Records
from mapping.listed import OneList, closure_problems, list_problems, one_list
from mapping.sightings import MOST_LISTS, ListFacts

__all__ = ["CaptureHistories", "capture_histories"]

COUNT = "n"
LEAST_PAIR, LEAST_ALL = 7, 20  # methods.md, section 3; gate.md, step 13
_REFUSED = "the lists cannot be put together"
Source = Records | Sequence[Records]


@dataclass(frozen=True, repr=False)
class CaptureHistories(Exact):
    """Hold how many people are on which lists; no person is in it.

    Parameters
    ----------
    table : DataFrame
        One row per history: a column of 0 and 1 per list, and n people. All histories but the empty one, also those
        that nobody has.
    lists : DataFrame
        One row per list: list, people, only_here, rows, unnamed (rows that name nobody).
    overlaps : DataFrame
        One row per pair of lists: first, second, both, contained ("" or which list is wholly on the other).
    frequencies : dict of str to dict
        For each list, how many people were met on one day, two days, ...: the input of `mapping.repeats.repeat_counts`.
    window : Period
        When people were looked for.
    feeds, superset : tuple
        Roles that were declared; see `mapping.sightings.ListFacts`.
    notes : tuple of str
        What must be kept in mind.
    """

    table: pd.DataFrame
    lists: pd.DataFrame
    overlaps: pd.DataFrame
    frequencies: Mapping[str, Mapping[int, int]]
    window: Period
    feeds: tuple[tuple[str, str], ...]
    superset: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "CaptureHistories(...; call .summary())"

    @property
    def facts(self) -> ListFacts:
        """What was declared of the lists, as `population_size` takes it."""
        return ListFacts(feeds=self.feeds, superset=self.superset, windows=self.window)

    @property
    def n_observed(self) -> int:
        """People on at least one list."""
        return int(self.table[COUNT].sum())

    @property
    def least_overlap(self) -> int:
        """People on both lists of the pair that shares fewest; below 20 no range is published."""
        return int(self.overlaps["both"].min())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per history: a column of 0 and 1 per list, and n."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how large the lists and their overlaps are, and what the table does not show."""
        lines = [f"{self.n_observed:,} people are on at least one of {len(self.lists)} lists, {self.window}."]
        lines += [f"{row.list}: {row.people:,} people, {row.only_here:,} on no other list." for row in self._rows()]
        lines.append(
            "Overlap shows who is seen twice. People whom no list can see are not in it, however long the lists."
        )
        return "\n".join([*lines, *self.notes])

    def _rows(self) -> Any:
        return self.lists.itertuples(index=False)


def capture_histories(
    sources: Mapping[str, Source],
    *,
    window: Period,
    feeds: Sequence[tuple[str, str]] = (),
    superset: Sequence[str] = (),
    leave_out_under_18: bool = False,
) -> CaptureHistories:
    """Count who is on which lists, from records of several sources with the same person keys.

    Parameters
    ----------
    sources : mapping of str to Records, or to several Records
        The lists by name. All must have been read with one key. One file with several sources is taken apart with
        ``Records.where("source", [...])``.
    window : Period
        When people were looked for, the same for all lists and at most 12 months. A row counts on the day it starts.
    feeds : sequence of (str, str)
        (A, B): being on A puts people on B (referrals, reports passed on).
    superset : sequence of str
        Lists that also hold people who may have left.
    leave_out_under_18 : bool
        Leave out whoever any list marks as under 18. Without it such rows are refused: under-18s are counted on the
        safeguarding route and never modelled.

    Returns
    -------
    CaptureHistories
        ``.table`` is what `population_size` takes, ``.facts`` the roles and the window.

    Raises
    ------
    RecordsError
        Everything for which lists cannot be put together: no person keys, no sign of a common key, a source that did
        not report all of the window, a window over 12 months, arrests, under-18s, nobody on a list, two lists that
        are one.

    Notes
    -----
    People met several times on one list are counted once. Rows that name nobody are left out and counted: when they are
    people of other lists, overlaps are too small and estimates too high. Nothing here can tell a wrong link.
    """
    parts = {name: tuple(one) if isinstance(one, list | tuple) else (one,) for name, one in sources.items()}
    problems = [*_declared(parts, feeds, superset), *closure_problems(window)]
    for name, records in parts.items():
        problems += list_problems(name, records, window)
    if problems:
        raise RecordsError(_REFUSED, problems)
    found = {name: one_list(records, window) for name, records in parts.items()}
    problems = [*_minor_problems(found, leave_out_under_18), *_linkage_problems(found)]
    if not problems:
        minors = set().union(*(set(one.met.loc[one.met["minor"], "person"]) for one in found.values()))
        found = {name: _without(one, minors) for name, one in found.items()}
        on = _membership(found)
        problems = _people_problems(on)
    if problems:
        raise RecordsError(_REFUSED, problems)
    overlaps = _overlaps(on)
    return CaptureHistories(
        table=_tabled(on),
        lists=_sizes(on, found),
        overlaps=overlaps,
        frequencies={name: one.frequencies() for name, one in found.items()},
        window=window,
        feeds=tuple((a, b) for a, b in feeds),
        superset=tuple(superset),
        notes=(*_list_notes(found, len(minors)), *_overlap_notes(overlaps)),
    )


def _declared(parts: Mapping[str, Any], feeds: Sequence[tuple[str, str]], superset: Sequence[str]) -> list[Problem]:
    problems = []
    if not 2 <= len(parts) <= MOST_LISTS:
        advice = "Give each list a name; put record sets of one service together as one list."
        problems.append(Problem(None, "`sources`", f"2 to {MOST_LISTS} lists are needed", advice))
    if COUNT in parts:
        problems.append(Problem(None, "`sources`", f"a list cannot be called {COUNT}: that is the count", "Rename it."))
    named = {name for pair in feeds for name in pair} | set(superset)
    if not named <= set(parts):
        problems.append(Problem(None, "roles", "`feeds` and `superset` must name lists of `sources`", "Correct them."))
    return problems


def _minor_problems(found: Mapping[str, OneList], leave_out: bool) -> list[Problem]:
    rule = "holds rows of people under 18, who are counted on the safeguarding route and never modelled"
    advice = "Set leave_out_under_18=True, or leave the rows out when reading."
    return [
        Problem(None, f"`{name}`", rule, advice)
        for name, one in found.items()
        if one.met["minor"].any() and not leave_out
    ]


def _linkage_problems(found: Mapping[str, OneList]) -> list[Problem]:
    """List those that share nobody with any other: they show no sign of having been read with the same key."""
    rule = "shares no person key with any other list, at any time"
    advice = (
        "Read all lists with one key and one spelling of identifiers; where no common identifier exists the overlap is "
        "unknown, and nothing can be estimated."
    )
    problems = []
    for name, one in found.items():
        others = [other.everyone for other_name, other in found.items() if other_name != name]
        if not one.everyone.isin(pd.concat(others)).any():
            problems.append(Problem(None, f"`{name}`", rule, advice))
    return problems


def _without(one: OneList, minors: set[Any]) -> OneList:
    kept = one.met[~one.met["person"].isin(list(minors))]
    return OneList(**{**vars(one), "met": kept})


def _membership(found: Mapping[str, OneList]) -> pd.DataFrame:
    """Return one row per person and one column per list."""
    people = pd.concat([one.met["person"] for one in found.values()]).drop_duplicates()
    return pd.DataFrame({name: people.isin(one.met["person"]).to_numpy() for name, one in found.items()})


def _people_problems(on: pd.DataFrame) -> list[Problem]:
    problems = [
        Problem(None, f"`{name}`", "names nobody in the window", "Leave the list out, or take another window.")
        for name in on.columns[~on.any()]
    ]
    same = [(a, b) for a, b in itertools.combinations(on.columns, 2) if on[a].any() and on[a].equals(on[b].rename(a))]
    advice = "Leave one of them out: a list says nothing about itself."
    return problems + [Problem(None, f"`{a}`", f"is the same list as `{b}`", advice) for a, b in same]


def _tabled(on: pd.DataFrame) -> pd.DataFrame:
    cells = [cell for cell in itertools.product((1, 0), repeat=on.shape[1]) if any(cell)]
    table = pd.DataFrame(cells, columns=on.columns)
    place = 2 ** np.arange(on.shape[1])[::-1]
    people = np.bincount(on.to_numpy(dtype=int) @ place, minlength=2 ** on.shape[1])
    return table.assign(**{COUNT: people[table.to_numpy() @ place]})


def _sizes(on: pd.DataFrame, found: Mapping[str, OneList]) -> pd.DataFrame:
    alone = on[on.sum(axis=1) == 1]
    rows = [(name, int(on[name].sum()), int(alone[name].sum()), one.rows, one.unnamed) for name, one in found.items()]
    return pd.DataFrame(rows, columns=["list", "people", "only_here", "rows", "unnamed"])


def _overlaps(on: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for a, b in itertools.combinations(on.columns, 2):
        both = int((on[a] & on[b]).sum())
        contained = a if both == on[a].sum() else b if both == on[b].sum() else ""
        rows.append((a, b, both, contained))
    return pd.DataFrame(rows, columns=["first", "second", "both", "contained"])


def _list_notes(found: Mapping[str, OneList], minors: int) -> list[str]:
    notes = []
    for name, one in found.items():
        if one.unnamed:
            missed = "overlaps may be too small, and estimates too high"
            notes.append(f"{one.unnamed:,} of {one.rows:,} rows of {name} name nobody: {missed}.")
        if one.other_roles:
            notes.append(f"{one.other_roles:,} rows of {name} are about people in another role and were left out.")
        if one.partial:
            notes.append(f"{name} saw only some areas: people elsewhere had no chance of being on it.")
    guessed = [name for name, one in found.items() if one.guessed]
    if guessed:
        notes.append(f"When they reported was guessed from their rows: {', '.join(guessed)}.")
    if minors:
        notes.append("People whom a list marks as under 18 were left out of all lists.")
    if not all(one.ages for one in found.values()):
        notes.append("Not every list gives ages: that nobody in it is under 18 rests on the sources.")
    return notes


def _overlap_notes(overlaps: pd.DataFrame) -> list[str]:
    notes = []
    for first, second, both, contained in overlaps.to_numpy(dtype=object).tolist():
        if both == 0:
            notes.append(f"Nobody is on both {first} and {second}: the two say nothing together.")
        elif contained:
            other = second if contained == first else first
            notes.append(f"Everyone on {contained} is on {other} too: it is a part of that list or feeds it.")
        elif both < LEAST_PAIR:
            notes.append(f"Fewer than {LEAST_PAIR} people are on both {first} and {second}: too few to use.")
    if (overlaps["both"] < LEAST_ALL).any():
        notes.append(f"An overlap is below {LEAST_ALL}: while it is used, no range is published.")
    return notes
