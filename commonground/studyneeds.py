"""Which people need which services, and what is shown where nobody has counted them?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.formats import read_table
from commonground.studypeople import PEOPLE_KEYS, PeoplePlan
from commonground.studyvalues import PLAIN_NAME, Section

__all__ = ["ContextTable", "NeedsPlan", "hours_known", "provision_values", "read_context", "service_lists"]

CONTEXT = ("file", "code", "columns", "labels", "published")
OF_NEED = ("demand", "phase", "least")  # keys that mean nothing where need was not counted
ALONE = "cannot stand beside provision_only = true, where nobody's need is counted"


@dataclass(frozen=True)
class ContextTable:
    """Numbers of each area that are shown beside provision: never demand, and never a stand-in for need.

    Parameters
    ----------
    file : Path
    code : str
        Column with the area code.
    columns : tuple of (name, column)
        What each number is called here, and its column in the file.
    labels : tuple of (name, words)
        What tables call it.
    published : str or None
        Citation.
    """

    file: Path
    code: str
    columns: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...] = ()
    published: str | None = None

    def label(self, name: str) -> str:
        """Return the heading of a number: the study's own words, or its name."""
        return dict(self.labels).get(name) or name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class NeedsPlan:
    """Which people need which services, when, and how far they can be expected to go.

    Parameters
    ----------
    demand : str
        Input that shows where people in need are; empty where provision is shown alone.
    services : tuple of str
        Inputs that list the services.
    reach : float
        Metres.
    slots : mapping of str to str
    phase : str
    least : float
        Places a week per person below which provision counts as missing.
    provision_only : bool
        Nobody's need was counted: services within reach are shown, and nothing is said of people.
    context : tuple of ContextTable
        Numbers of the areas that are shown beside provision, never used as demand.
    people : PeoplePlan
        What is declared of people and their needs.
    """

    demand: str
    services: tuple[str, ...]
    reach: float
    slots: Mapping[str, str]
    phase: str
    least: float
    provision_only: bool = False
    context: tuple[ContextTable, ...] = ()
    people: PeoplePlan = field(default_factory=PeoplePlan)


def service_lists(spec: Section, known: Sequence[str]) -> tuple[str, ...]:
    """Return the inputs that list the services: one name or several."""
    choice = f"Use one of: {', '.join(known) or 'none is declared yet'}."
    named = spec.text_or_texts("services", need=f"Name the input that lists the services. {choice}")
    if any(name not in known for name in named):
        spec.say("services", "is not one of the words that can stand here", choice)
        return ()
    if len(set(named)) < len(named):
        spec.say("services", "names a list twice", "Name each once.")
    return named


def provision_values(
    spec: Section, locate: Callable[[Section, str | None], Path], *, cited: bool = False
) -> dict[str, Any]:
    """Read the keys of [needs] that say that provision is shown alone.

    Parameters
    ----------
    spec : Section
        The table [needs].
    locate : callable
        Finds the file that a section names, and says so there where it is missing.
    cited : bool
        Whether every file must be a publication that is cited.

    Returns
    -------
    dict
        provision_only, and context (a tuple of ContextTable).
    """
    alone = spec.flag("provision_only", default=False)
    for key in (*OF_NEED, *PEOPLE_KEYS) if alone else ():
        if key in spec:
            spec.say(key, ALONE, "Leave it out, or provision_only.")
    if not alone and "context" in spec:
        spec.say("context", "is shown where provision_only = true alone", "Leave it out.")
    given = spec.content.get("context")
    sections = spec.rows("context") if isinstance(given, list) else [spec.table("context")]
    tables = tuple(_context(section, locate, cited) for section in sections if section.content)
    names = [name for table in tables for name, _ in table.columns]
    headings = [table.label(name) for table in tables for name, _ in table.columns]
    if len(set(names)) < len(names) or len(set(headings)) < len(headings):
        spec.say("context", "gives two numbers one name", "Name each its own.")
    return {"provision_only": alone, "context": tables}


def _context(spec: Section, locate: Callable[[Section, str | None], Path], cited: bool) -> ContextTable:
    spec.only(CONTEXT)
    file = locate(spec, spec.text("file", need="Give the table of area numbers."))
    code = spec.text("code", need='Name the column with the area code: code = "...".')
    columns, labels = spec.text_map("columns"), spec.text_map("labels")
    if not columns and spec.findings.clean(f"{spec.at}.columns"):
        spec.say("columns", "is needed", 'Write columns = { residents = "..." }.')
    if any(not PLAIN_NAME.fullmatch(name) for name in columns):
        spec.say("columns", "holds a name that is not plain", "Use letters, digits and _, beginning with a letter.")
    if not labels.keys() <= columns.keys():
        spec.say("labels", "names a number that is not among columns", "Name it there, or correct the name.")
    published = spec.text("published", need="Cite the publication." if cited else None)
    return ContextTable(file, code or "", tuple(columns.items()), tuple(labels.items()), published)


def hours_known(services: pd.DataFrame) -> bool:
    """Say whether every service of a list says when it is open."""
    return "hours" in services and bool(services["hours"].notna().all())


def read_context(table: ContextTable, areas: pd.Index[Any]) -> pd.DataFrame:
    """Read the numbers of the study's areas.

    Parameters
    ----------
    table : ContextTable
    areas : Index
        Area codes.

    Returns
    -------
    DataFrame
        One row per area code, one column of numbers for each name; NaN where a cell is empty.

    Raises
    ------
    RecordsError
        Columns that are missing, cells that are no numbers, areas without a row or with two. All at once.
    """
    theirs = [column for _, column in table.columns]
    frame = read_table(table.file, columns=[*dict.fromkeys([table.code, *theirs])]).frame
    codes = frame[table.code].astype("str").str.strip()
    inside = codes.isin(areas)
    problems = [
        Problem(int(row) + 1, table.code, "repeats an area", "Keep one row for each.")
        for row in frame.index[inside & codes.duplicated()]
    ]
    lost = len(set(areas) - set(codes))
    if lost:
        rule = f"has no row for {lost} of the study's {len(areas)} areas"
        problems.append(Problem(None, table.code, rule, "Use the codes that areas.code names, of one kind and year."))
    mine = frame[inside]
    numbers = {name: pd.to_numeric(mine[column], errors="coerce").astype("float64") for name, column in table.columns}
    for name, column in table.columns:
        wrong = ~np.isfinite(numbers[name]) & mine[column].fillna("").astype("str").str.strip().ne("")
        help_ = "Correct it, or leave it empty."
        problems += [Problem(int(row) + 1, column, "is no number", help_) for row in mine.index[wrong]]
    if problems:
        raise RecordsError("the numbers of the areas cannot be used.", problems)
    return pd.DataFrame(numbers).set_axis(codes[inside], axis="index").reindex(areas)
