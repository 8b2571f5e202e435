"""Who is on one list in one window, and may the list be used with others?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.coverage import merge_spans
from commonground.errors import Problem
from commonground.periods import Period
from commonground.pickles import Exact
from commonground.records import Records
from commonground.records.model import GUESSED
from mapping.ages import has_ages, under_18_rows

__all__ = ["LONGEST_MONTHS", "OneList", "closure_problems", "list_problems", "one_list"]

LONGEST_MONTHS = 12  # methods.md, section 3: closure at most 12 months
KINDS = ("contacts", "incidents")
OWN_ROLE = "selling"


@dataclass(frozen=True, repr=False)
class OneList(Exact):
    """Hold the rows of one list that name somebody in the window.

    Parameters
    ----------
    met : DataFrame
        Columns person, day, minor: one row a row of the records that names a person.
    everyone : Series of str
        Whoever the records name, at any time.
    unnamed, rows : int
        Rows of the window that name nobody, and all rows of the window.
    other_roles : int
        Rows of the window about people in another role, which are left out.
    guessed, partial, ages : bool
        Whether it was guessed when the sources reported, whether some saw only some areas, and whether a column gives
        ages.
    """

    met: pd.DataFrame
    everyone: pd.Series[Any]
    unnamed: int
    rows: int
    other_roles: int
    guessed: bool
    partial: bool
    ages: bool

    def __repr__(self) -> str:
        return "OneList(...)"

    def frequencies(self) -> dict[int, int]:
        """Return how many people were met on one day, on two, and so on."""
        days = self.met.drop_duplicates(["person", "day"])["person"].value_counts()
        times, people = np.unique(days.to_numpy(), return_counts=True)
        return dict(zip(times.tolist(), people.tolist(), strict=True))


def closure_problems(window: Period) -> list[Problem]:
    """Say when a window is too long for the people in it to stay the same."""
    if window.end <= window.start + pd.DateOffset(months=LONGEST_MONTHS):
        return []
    rule = f"at most {LONGEST_MONTHS} months are needed: over longer, people come and go"
    return [Problem(None, "`window`", rule, "Take one year, or less.")]


def list_problems(name: str, parts: Sequence[Any], window: Period) -> list[Problem]:
    """List everything for which records cannot be used as a list.

    Parameters
    ----------
    name : str
        Name of the list.
    parts : sequence of Records
        Record sets that make it up.
    window : Period
        When people were looked for.
    """
    where = f"`{name}`"
    if not parts or not all(isinstance(part, Records) for part in parts):
        return [Problem(None, where, "Records are needed", "Read them with read_records, all with the same key.")]
    problems = []
    if any(part.kind == "arrests" for part in parts):
        advice = "Use incidents, where the person is the victim; arrests are not linked to people who came for help."
        problems.append(Problem(None, where, "holds arrests: they measure enforcement, not who is there", advice))
    elif any(part.kind not in KINDS for part in parts):
        problems.append(Problem(None, where, "holds no people: contacts or incidents are needed", "Leave it out."))
    elif any("person" not in part.frame or part.frame["person"].isna().all() for part in parts):
        advice = "Map the column person when reading, with the key of the other lists; without it nobody can be linked."
        problems.append(Problem(None, where, "has no person keys", advice))
    elif not all(_covers(part, window) for part in parts):
        advice = "Take a window that all lists reported, or declare when each did with Records.with_coverage."
        rule = "must have reported for the whole window: lists of different windows miss each other's people"
        problems.append(Problem(None, where, rule, advice))
    return problems


def one_list(parts: Sequence[Records], window: Period) -> OneList:
    """Return who the records name in the window, each row counted on the day on which it starts.

    Parameters
    ----------
    parts : sequence of Records
        Record sets that `list_problems` has nothing against.
    window : Period
        Half-open.
    """
    frames = [part.frame for part in parts]
    everyone = pd.concat([frame["person"].dropna() for frame in frames]).drop_duplicates()
    inside = [
        frame[frame["start"].ge(window.start) & frame["start"].lt(window.end) & frame["n"].gt(0)] for frame in frames
    ]
    own = [frame[frame["role"].isna() | frame["role"].eq(OWN_ROLE)] if "role" in frame else frame for frame in inside]
    named = [frame[frame["person"].notna()] for frame in own]
    met = [
        pd.DataFrame({"person": frame["person"], "day": frame["start"].dt.normalize(), "minor": under_18_rows(frame)})
        for frame in named
    ]
    return OneList(
        met=pd.concat(met, ignore_index=True),
        everyone=everyone,
        unnamed=sum(map(len, own)) - sum(map(len, named)),
        rows=sum(map(len, own)),
        other_roles=sum(map(len, inside)) - sum(map(len, own)),
        guessed=any(GUESSED in part.notes for part in parts),
        partial=any(_spans(part)["area"].notna().any() for part in parts),
        ages=all(has_ages(frame) for frame in frames),
    )


def _spans(part: Records) -> pd.DataFrame:
    """Return when the sources that have rows reported; a selection keeps the spans of those that have none."""
    sources = part.frame["source"].unique() if len(part.frame) else part.sources
    return part.coverage[part.coverage["source"].isin(sources)]


def _covers(part: Records, window: Period) -> bool:
    spans = merge_spans(_spans(part))
    held = spans["start"].le(window.start) & spans["end"].ge(window.end)
    area = spans["area"].fillna("")
    return len(spans) > 0 and bool(held.groupby([spans["source"], area]).any().all())
