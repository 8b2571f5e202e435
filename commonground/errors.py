"""What can go wrong, in one small tree.

CommonGroundError
├── RecordsError (also ValueError)   rows or files that break a rule; ``.problems`` lists all of them
├── StudyError (also ValueError)     a study file that asks for something impossible; ``.problems``
├── GeographyError (also ValueError) areas or coordinate systems that do not fit together
└── NotReleasable                    nothing may be published; the message says what to coarsen, and holds no count

Messages name columns, rows and rules. They never carry the contents of a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

__all__ = ["CommonGroundError", "GeographyError", "NotReleasable", "Problem", "RecordsError", "StudyError"]

_COLUMNS = ["row", "column", "rule", "help"]


@dataclass(frozen=True)
class Problem:
    """One broken rule.

    Parameters
    ----------
    row : int or None
        1-based row of the data (the header is not counted), or None when the whole column or file is meant.
    column : str
        Column, key or file concerned.
    rule : str
        What is needed.
    help : str
        What to do.
    """

    row: int | None
    column: str
    rule: str
    help: str


class CommonGroundError(Exception):
    """Anything this package refuses, with the reason."""


class _ListedError(CommonGroundError, ValueError):
    """An error that collects every problem before it is raised."""

    def __init__(self, what: str, problems: Sequence[Problem] = ()) -> None:
        self.what = what
        rows = [(p.row, p.column, p.rule, p.help) for p in problems]
        self.problems: pd.DataFrame = pd.DataFrame(rows, columns=_COLUMNS).astype({"row": "Int64"})
        super().__init__(what, tuple(problems))

    def __str__(self) -> str:
        lines = [self.what]
        for row, column, rule, advice in self.problems[_COLUMNS].itertuples(index=False, name=None):
            place = "" if pd.isna(row) else f"row {row}, "
            lines.append(f"  {place}{column}: {rule}. {advice}")
        return "\n".join(lines)


class RecordsError(_ListedError):
    """Rows or files that break the rules of their kind; every problem is listed."""


class StudyError(_ListedError):
    """A study that cannot be run as written; every problem is listed."""


class GeographyError(CommonGroundError, ValueError):
    """Areas, points or coordinate systems that do not fit together."""


class NotReleasable(CommonGroundError):  # noqa: N818 - the name says what the user needs to know
    """Nothing may be published; the message says what to coarsen and contains no counts."""
