"""Why can a file not be read? The wording every reader here shares; never a word of what the file holds."""

from __future__ import annotations

from collections.abc import Iterable

from commonground.errors import Problem, RecordsError

__all__ = ["NoRowsError", "listed", "refusal", "row_problems"]

MOST_LISTED = 100  # problems of one rule in one file; beyond that one line says how many more


class NoRowsError(RecordsError):
    """A file that has a header and nothing under it; an archive may say so in a note instead of refusing."""


def refusal(file: str, rule: str, advice: str, *, row: int | None = None) -> RecordsError:
    """Return the error for one file and one broken rule."""
    return RecordsError(f"{file} cannot be read; nothing was read.", [Problem(row, file, rule, advice)])


def row_problems(rows: Iterable[int], column: str, rule: str, advice: str) -> list[Problem]:
    """Return one problem a row (1-based), and one line for those beyond the first hundred."""
    numbers = list(rows)
    problems = [Problem(number, column, rule, advice) for number in numbers[:MOST_LISTED]]
    if len(numbers) > MOST_LISTED:
        rest = len(numbers) - MOST_LISTED
        problems.append(Problem(None, column, rule, f"So do {rest} more row(s) that are not listed."))
    return problems


def listed(error: RecordsError) -> list[Problem]:
    """Return an error's problems as objects, so that those of several files can be raised as one."""
    table = error.problems
    rows = [None if number < 0 else int(number) for number in table["row"].fillna(-1)]
    texts = table[["column", "rule", "help"]].to_numpy().tolist()
    return [Problem(row, *text) for row, text in zip(rows, texts, strict=True)]
