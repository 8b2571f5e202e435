"""Which rows break a rule of time, identity or privacy?"""

from __future__ import annotations

import pandas as pd
import pandera.errors

from commonground import tripwire
from commonground.errors import Problem
from commonground.records.dates import EARLIEST
from commonground.records.schemas import CATEGORIES, MULTIPLE, is_text, schema
from commonground.records.texts import entries

__all__ = ["check_dates", "check_events", "check_schema", "check_text", "note_missing_place", "row_problems"]

LONGEST_CATEGORY = 80  # characters; the longest police.uk and MPS category has 50. Longer text is prose about someone.
MOST_CATEGORIES = 50  # different entries of one column, where more than half of its rows differ: names or remarks


def row_problems(rows: pd.Series, column: str, rule: str, advice: str) -> list[Problem]:
    """Return one problem for each True row; the index counts rows of the data from 0."""
    return [Problem(int(row) + 1, column, rule, advice) for row in rows.index[rows]]


def check_dates(frame: pd.DataFrame) -> list[Problem]:
    """List dates in the future or before 1900, and ends before their start."""
    if "start" not in frame:
        return []
    today = pd.Timestamp.now().normalize()
    past = "Records are of what happened; correct the date."
    problems = row_problems(frame["start"] >= today + pd.Timedelta(days=1), "start", "lies in the future", past)
    problems += row_problems(frame["start"] < EARLIEST, "start", "lies before 1900", "Correct the year.")
    if "end" in frame:
        this_month = today + pd.offsets.MonthBegin(1)  # where a month without a day ends
        problems += row_problems(frame["end"] > this_month, "end", "lies in the future", past)
        reversed_ = frame["end"] < frame["start"]
        problems += row_problems(reversed_, "end", "lies before start", "Swap or correct the two dates.")
    return problems


def check_text(frame: pd.DataFrame) -> list[Problem]:
    """Refuse columns that carry identifying details or prose, without repeating any of it."""
    problems = []
    for name in frame.columns:
        if not is_text(name) or name == "hours":  # opening hours are times and dates in a notation of their own
            continue
        text = entries(frame[name], name)
        for kind in sorted(tripwire.scan(text)):
            rule = f"carries what looks like a {kind}"
            problems.append(Problem(None, name, rule, "Leave the column out, or replace it by categories."))
        if (text.str.len() > LONGEST_CATEGORY).any():
            rule = f"has entries of over {LONGEST_CATEGORY} characters: free text is not read"
            advice = "Leave the column out, or replace it by categories."
            advice += " Several entries in one cell are separated by ;." if name in MULTIPLE else ""
            problems.append(Problem(None, name, rule, advice))
        elif _is_a_list_of_its_own(text, frame) and (name in CATEGORIES or name.startswith("group_")):
            rule = "has nearly as many different entries as rows: names or remarks, not categories"
            problems.append(Problem(None, name, rule, "Leave the column out, or replace it by categories."))
    return problems


def check_events(frame: pd.DataFrame, kind: str) -> list[Problem]:
    """List repeats of one event (a row twice, one event at two times or places), and rows of n events that say more."""
    problems = []
    if "issues" in frame:
        several = frame["issues"].str.contains(";", na=False) & (frame["n"] > 1)
        advice = "Give each its own row: nobody knows how the events share them."
        problems = row_problems(several, "issues", "lists several in a row that stands for several events", advice)
    if "event" not in frame:
        return problems
    known = frame[frame["event"].notna()]
    own = "Give each event its own ID, or correct the {}."
    twice = known.duplicated(keep="first")
    if kind == "contacts":  # a session meets several people; two of whom nothing is noted may look alike
        twice &= known["person"].notna() if "person" in frame else False
    problems += row_problems(twice, "event", "repeats an earlier row", "Remove one, or give each event its own ID.")
    problems += row_problems(
        known["n"] != 1, "n", "is not 1 in a row with an event ID", "A row of several events has no single ID."
    )
    if kind == "contacts":
        return problems
    for column, what in (("start", "start"), ("area", "area")):
        if column in frame:
            first = known.groupby("event")[column].transform("first")
            other = known[column].ne(first) & known[column].notna() & first.notna()
            problems += row_problems(other, "event", f"has the ID of an event with another {what}", own.format(what))
    return problems


def check_schema(frame: pd.DataFrame, kind: str) -> list[Problem]:
    """List cells that are empty or hold what their column may not."""
    try:
        schema(kind).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases
    else:
        return []
    problems = []
    for at, column, check in zip(failures["index"], failures["column"], failures["check"], strict=True):
        if check == "not_nullable":
            rule, advice = "must not be empty", "Fill it in, or leave the row out."
        else:
            rule, _, advice = str(check).partition("|")
        problems.append(Problem(None if pd.isna(at) else int(at) + 1, str(column), rule, advice))
    return problems


def note_missing_place(frame: pd.DataFrame, kind: str) -> tuple[str, ...]:
    """Say how many rows have no place; they are kept."""
    placed = frame["area"].notna() if "area" in frame else pd.Series(False, index=frame.index)
    if "x" in frame:
        placed |= frame["x"].notna()
    lost = int((~placed).sum())
    return (f"{lost:,} of {len(frame):,} {kind} rows have no place; they count in no area.",) if lost else ()


def _is_a_list_of_its_own(text: pd.Series, frame: pd.DataFrame) -> bool:
    if "n" not in frame or (frame["n"] != 1).any():
        return False  # a table of counts has one row a category, and services are each their own
    different = text.nunique()
    return different > MOST_CATEGORIES and 2 * different > len(text)
