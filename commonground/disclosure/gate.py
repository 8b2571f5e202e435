"""Which parts of a tally may be shown, and as what?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.case import Case, as_first_counted, check_suitable, open_case, tree_of
from commonground.disclosure.closing import Closed, closed_periods, release_day
from commonground.disclosure.cuts import BASE, base_cuts, views_of
from commonground.disclosure.cutting import (
    Cut,
    too_few,
)
from commonground.disclosure.labels import interval
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.opened import published_as_is
from commonground.disclosure.policy import Plan, profile_named
from commonground.disclosure.protected import Protected, Row
from commonground.disclosure.publishing import Labels, rows_of, summed
from commonground.disclosure.sealing import Shown, sealed
from commonground.tallies import UNITS, Tally

__all__ = ["protect"]

UNDECLARED: Mapping[str, Any] = {"measures": UNITS}  # without a plan, for looking, any unit will do
FOUND = "Levels of {} are those found in the data: for looking at, not for publishing."
UNSEEN = "{}: no source sees {}, as the sources declare; that is not a count of nobody."
ADDED = "Numbers of joined blocks and levels are sums of rounded numbers."
ADDED_PEOPLE = (
    f"{ADDED[:-1]}: people (or premises) in several count once in each. A block whose year is published in pieces "
    "elsewhere shows events only."
)


def protect(
    tally: Tally,
    profile: str = "partner",
    *,
    plan: Plan | Mapping[str, Any] | None = None,
    zones: Mapping[str, Sequence[str]] | None = None,
    hierarchy: trees.Tree | None = None,
    ledger: str | Path | Ledger | None = None,
    as_of: str | dt.date | pd.Timestamp | None = None,
) -> Protected:
    """Publish a partition: blocks of areas that can all be shown, and nothing finer.

    Parameters
    ----------
    tally : Tally
        Of a whole record set; a filtered one is refused (filters are categories).
    profile : {'partner', 'public', 'open'}
    plan : Plan or mapping, optional
        Declared categories, phases and measures. Without it the levels are those found in the data, so that a level
        nobody is in is absent: such a result can be looked at, but a ledger refuses it.
    zones : mapping of zone to area codes, optional
        Treated, ring and comparison areas, declared from public knowledge; one tree inside each.
    hierarchy : nested pairs of area codes, optional
        The fixed order in which areas join; default: built from the areas' shapes and population.
    ledger : path or Ledger, optional
        What was published before. Without it the result can be looked at but not written.
    as_of : date, optional
        Drives the release lag (default, and latest: today).

    Returns
    -------
    Protected

    Raises
    ------
    NotReleasable
        When nothing may be shown; says what to coarsen, and no count.

    Notes
    -----
    A node of the hierarchy is split only if both children pass every rule in every declared cell. In a block of two or
    more areas, any area can hold any number from 0 to k - 1 with identical output, even if every exact block count were
    public: move that many people to it, everyone else of the block to a leaf of the sibling child; the node still does
    not split. Levels of a category are cut in the same way along their declared order.

    The public profile is worked out from the partner's cells: its blocks are unions of theirs, its values sums of their
    labels. One set of categories is published of a record set and period, and no total beside it: totals are sums of
    labels. Beside distinct people of a year no quarters of the same block are published, nor the year beside quarters.

    What it does not promise: possible values, not probabilities; a refusal, or that blocks had to be joined for the
    public, is itself about one bit; somebody who knows all but one record learns the rest up to rounding.
    """
    rules = profile_named(profile)
    declared = plan if isinstance(plan, Plan) else Plan(**(UNDECLARED if plan is None else plan))
    day = release_day(as_of)
    if rules.name == "open":
        return published_as_is(tally, zones or {}, day)
    check_suitable(tally, rules, declared, written=ledger is not None)
    book = ledger if isinstance(ledger, Ledger) or ledger is None else Ledger(Path(ledger))
    closed = closed_periods(tally, rules, day)
    case = open_case(tally, rules, tree_of(tally, zones, hierarchy), declared)
    if book is not None:
        for one in closed:
            book.declare(case.records, one.name, one.span, trees.digest(case.tree))
        case = as_first_counted(case, closed, book)
    base, labels = base_cuts(case, closed, book)
    if tally.count == "persons" and case.cut_rules.unit != "person":  # after the cut, which fixes the unit
        raise too_few(case, closed)  # in the same words: whether anybody has a key is about people too
    views = base if rules.name == BASE else views_of(case, closed, base, book)
    rows = [row for one in closed if one.name in views for row in _publish(case, one, base[one.name], views, labels)]
    by = tuple(next(iter(views.values())).levels)
    notes = _notes(case, declared, closed, views)
    return sealed(case, Shown([one for one in closed if one.name in views], by, rows, notes), zones or {}, day, book)


def _publish(
    case: Case,
    closed: Closed,
    base: Cut,
    views: Mapping[str, Cut],
    labels: Mapping[str, Mapping[str, Labels]],
) -> list[Row]:
    mine, view = labels[closed.name][case.tally.count], views[closed.name]
    if case.profile.name != BASE:
        return list(rows_of(view, summed(case, closed, base, mine, view)))
    k = case.rules.k
    return list(rows_of(view, {c: None if v is None else (v, *interval(v, k)) for c, v in mine.items()}))


def _notes(case: Case, plan: Plan, closed: Sequence[Closed], views: Mapping[str, Cut]) -> tuple[str, ...]:
    """Say what was joined, dropped or added up; a function of what is published."""
    groups = next(iter(views.values())).levels
    notes = []
    for name, levels in case.levels.items():
        if name not in groups:
            notes.append(f"{name}: too few to show, or none.")
        elif len(groups[name]) < len(levels):
            notes.append(f"{name}: small groups are joined ({', '.join(groups[name])}).")
        if not plan.categories.get(name):
            notes.append(FOUND.format(name))
        unseen = [level for level in plan.categories.get(name, ()) if level not in plan.seen.get(name, (level,))]
        if unseen:
            notes.append(UNSEEN.format(name, ", ".join(unseen)))
    missing = [one.name for one in closed if one.name not in views]
    notes += [f"{', '.join(missing)}: too few to show, or none."] if missing else []
    if case.profile.name != BASE:
        notes.append(ADDED if case.tally.count == "events" else ADDED_PEOPLE)
    return tuple(notes)
