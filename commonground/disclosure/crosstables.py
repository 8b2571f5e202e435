"""Answers: which further tables may stand beside what was published of the same records?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.case import Case, as_first_counted, check_suitable, open_case, tree_of
from commonground.disclosure.closing import Closed, closed_periods, release_day
from commonground.disclosure.cutting import Cut, fits
from commonground.disclosure.further import BASE, First, Further
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.policy import Plan, profile_named
from commonground.disclosure.protected import Protected
from commonground.errors import CommonGroundError, NotReleasable
from commonground.tallies import Tally

__all__ = ["CrossTables", "Grounds", "cross_tables"]


@dataclass(frozen=True)
class Grounds:
    """What the first release was made with, and what everybody has one of.

    Parameters
    ----------
    hierarchy, zones, as_of
        As given to `protect`.
    one_each : tuple of str
        Categories of which a person has one level only, in all records; declared, never found in the data. Of the
        others a person may have several levels (settings, for one).
    """

    hierarchy: trees.Tree | None = None
    zones: Mapping[str, Sequence[str]] = field(default_factory=dict)
    as_of: str | dt.date | pd.Timestamp | None = None
    one_each: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False, eq=False)
class CrossTables:
    """Further tables, and why others cannot be had.

    Attributes
    ----------
    tables : tuple of Protected
        Each with its categories in ``by``.
    refused : mapping of categories to str
        The reason, without any count.
    """

    tables: tuple[Protected, ...]
    refused: Mapping[tuple[str, ...], str]

    def __repr__(self) -> str:
        return f"CrossTables({len(self.tables)} published, {len(self.refused)} refused; call .summary())"

    def summary(self) -> str:
        """Say which tables are published and which are not.

        Returns
        -------
        str
        """
        shown = [f"Published: {' x '.join(table.by)} ({table.count})." for table in self.tables]
        missing = [f"Not published: {' x '.join(by)}. {reason}" for by, reason in self.refused.items()]
        return " ".join(shown + missing) or "No further table was asked for."

    def to_frame(self) -> pd.DataFrame:
        """Return the published cells of all tables.

        Returns
        -------
        pandas.DataFrame
            table (its categories), and the columns of `Protected.to_frame`.
        """
        frames = [table.to_frame().assign(table=" x ".join(table.by)) for table in self.tables]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def cross_tables(
    tally: Tally,
    wanted: Sequence[Sequence[str]],
    *,
    profile: str = BASE,
    plan: Plan | Mapping[str, Any],
    ledger: str | Path | Ledger,
    grounds: Grounds | None = None,
) -> CrossTables:
    """Publish further tables of what was published already: the same blocks, other categories.

    Parameters
    ----------
    tally : Tally
        Of the whole record set by all categories: those of the first release and those of the tables.
    wanted : sequence of sequence of str
        Categories of each table. They are tried in the order in which the plan declares its categories, whatever the
        order here: trying several orders and keeping the best would tell something.
    profile : {'partner'}
        The public sees none.
    plan : Plan or mapping
        Declares every category and its levels.
    ledger : path or Ledger
        In which the first release stands.
    grounds : Grounds, optional

    Returns
    -------
    CrossTables

    Raises
    ------
    NotReleasable
        When no table can be asked for at all. A table that fails alone is among ``refused``.

    Notes
    -----
    A table is proposed by the strict cut over the blocks of the first release: a union of blocks is split only if every
    child passes every rule in every cell. It is published if nothing can be proven from it and everything published of
    these records and this period before (`audit_tables`). Labels of all declared measures count as published, also of
    those that are not yet. A table that stands in the ledger is repeated; late records change it only by the gap rule
    of `labels.settle`, and only if the audit passes again.

    What people in several cells would tell is settled by declaration and by `several.check_categories` before any
    count.
    """
    terms = grounds or Grounds()
    rules = profile_named(profile)
    declared = replace(plan if isinstance(plan, Plan) else Plan(**plan), totals=False)
    if rules.name != BASE:
        raise NotReleasable("further tables are for partners only; the public sees the first release.")
    names = _in_order(wanted, declared, tally)
    book = ledger if isinstance(ledger, Ledger) else Ledger(Path(ledger))
    for by in names:
        check_suitable(replace(tally, by={name: tally.by[name] for name in by}), rules, declared, written=True)
    case = open_case(tally, rules, tree_of(tally, terms.zones or None, terms.hierarchy), declared)
    day = release_day(terms.as_of)
    closed = closed_periods(tally, rules, day)
    case = as_first_counted(case, closed, book)
    bases = _bases(case, closed, book)
    tables: list[Protected] = []
    refused: dict[tuple[str, ...], str] = {}
    for by in names:
        try:
            tables.append(Further(case, book, declared, bases, terms.one_each, terms.zones, day).published(by))
        except NotReleasable as refusal:
            refused[by] = str(refusal)
    return CrossTables(tuple(tables), refused)


def _in_order(wanted: Sequence[Sequence[str]], plan: Plan, tally: Tally) -> list[tuple[str, ...]]:
    """Return the categories of each table once, in the declared order."""
    place = {name: at for at, name in enumerate(plan.categories)}
    if any(isinstance(by, str) or not by or not set(by) <= set(place) & set(tally.by) for by in wanted):
        raise NotReleasable(
            "each further table is a tuple of categories that the plan declares and the tally holds; correct `wanted`."
        )
    tables = {tuple(sorted(set(by), key=place.__getitem__)) for by in wanted}
    return sorted(tables, key=lambda by: (len(by), [place[name] for name in by]))


def _bases(case: Case, closed: Sequence[Closed], book: Ledger) -> list[First]:
    """Return the cuts of the first release; nothing further is published of a period that has none."""
    found = []
    for one in closed:
        row = book.find_cut(case.records, one.name, one.span, BASE)
        if row is None or not row["blocks"]:
            continue
        book.declare(case.records, one.name, one.span, trees.digest(case.tree))  # refuses another tree
        if not set(row["by"]) <= set(case.levels):
            raise NotReleasable(
                f"{case.records} was first published by {', '.join(row['by'])}; tally by these categories as well."
            )
        if row.get("totals"):
            raise NotReleasable("people were published in all beside their levels; no further table fits beside that.")
        first = Cut.from_row(row)
        if not fits(case, first, profile_named(BASE)):
            raise CommonGroundError(
                "the ledger holds blocks that are no nodes of its own tree; restore it from a copy."
            )
        found.append(First(one, first, tuple(row["by"])))
    if not found:
        raise NotReleasable(f"nothing is published of {case.records} yet; publish the first tables, then further ones.")
    return found
