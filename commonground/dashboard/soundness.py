"""How far does each answer hold: what the design can show, what was planned, what the checks say, which goals moved?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.release.tables import Table
from evaluation.judging.rows import check_column
from evaluation.robustness.words import QUESTIONS, meaning
from evaluation.tradeoffs import trade_offs

__all__ = ["Failure", "checks_made", "conflicts", "deviations_table", "failures", "goals_table"]

_JUDGED = {"good": "Moved, declared good", "bad": "Moved, declared bad", "neither": "Moved, declared neither",
           "no_change": "No change that matters", "untold": "Cannot tell"}  # fmt: skip
_NONE = "none"
NOT_PUBLISHED = "not published"


@dataclass(frozen=True)
class Failure:
    """A check that an outcome failed, and what that means."""

    label: str
    check: str
    meaning: str


def checks_made(contents: Contents) -> Table | None:
    """Return how each check of each outcome ended, in words; None where no test was made or may be shown."""
    frame = contents.registered.to_frame()
    columns = {name: check_column(name) for name in QUESTIONS if check_column(name) in frame}
    if not columns or frame[list(columns.values())].isna().all(axis=None):
        return None
    cells = {_heading(name): frame[column].fillna(NOT_PUBLISHED) for name, column in columns.items()}
    table = pd.DataFrame({"Outcome": frame["label"], **cells})
    note = (
        "Passed is no proof: the check found nothing against the answer. Informational: it could not judge, or is no "
        "test. The checks share data with each other, and with several outcomes one fails by chance now and then."
    )
    definitions = {_heading(name): question for name, question in QUESTIONS.items() if name in columns}
    title = "Checks on each answer"
    return Table("robustness", title, table, contents.registered, (note,), definitions=definitions)


def failures(contents: Contents) -> list[Failure]:
    """Return the checks that failed, by outcome."""
    rows: list[Any] = contents.registered.to_frame().to_dict("records")
    return [
        Failure(str(row["label"]), name, meaning(name, "failed"))
        for row in rows
        for name in QUESTIONS
        if row.get(check_column(name)) == "failed"
    ]


def goals_table(contents: Contents) -> Table:
    """Return which goals moved in which declared direction under the operation; made from the published verdicts."""
    goals = trade_offs(contents.registered.to_frame()).goals
    cells = {words: ["; ".join(labels) or _NONE for labels in goals[column]] for column, words in _JUDGED.items()}
    table = pd.DataFrame({"Goal": goals["name"], "Reading": goals["reading"], **cells})
    note = (
        "Goals are not added up: a gain in one does not pay for a loss in another. Reports are never read as what they "
        "are reports of."
    )
    return Table("goals", "Which goals moved", table, contents.registered, (note,))


def conflicts(contents: Contents) -> list[str]:
    """Return the goals that were shown to move against one another, a sentence each."""
    found = trade_offs(contents.registered.to_frame()).conflicts
    return [*found] or ["No two goals were shown to move against one another. That is not harmony: see cannot tell."]


def deviations_table(contents: Contents) -> Table | None:
    """Return every entry in which the run differs from the registered plan; None without any."""
    frame = contents.deviations
    if frame.empty:
        return None
    table = pd.DataFrame(
        {
            "Entry of the study file": frame["key"],
            "Planned": frame["planned"].replace("", _NONE),
            "Run": frame["run"].replace("", _NONE),
            "Can change results": frame["matters"].map({True: "yes", False: "no"}),
        }
    )
    return Table("deviations", "Where the run differs from the plan", table, contents.registered)


def _heading(check: str) -> str:
    return check[:1].upper() + check[1:]
