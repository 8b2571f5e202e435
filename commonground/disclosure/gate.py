"""Which parts of a tally may be shown, and as what?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.case import Case, check_suitable, open_case, tree_of
from commonground.disclosure.closing import Closed, closed_periods, observed_days, spans_of
from commonground.disclosure.cutting import Cut, coarser_cut, first_cut, fits, joint_levels, root_passes, too_few
from commonground.disclosure.labels import interval
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.levels import Groups, single
from commonground.disclosure.opened import published_as_is
from commonground.disclosure.outlines import outlines
from commonground.disclosure.policy import Plan, profile_named
from commonground.disclosure.protected import Protected, Row, seal
from commonground.disclosure.publishing import labelled, rows_of, summed
from commonground.errors import CommonGroundError, NotReleasable
from commonground.tallies import UNITS, Tally

__all__ = ["protect"]

BASE = "partner"  # the profile at whose rules every cut is made (gate.md, step 1)
UNDECLARED: Mapping[str, Any] = {"measures": UNITS}  # without a plan, for looking, any unit will do
FOUND = "Levels of {} are those found in the data: for looking at, not for publishing."
ADDED = "Numbers of joined blocks and levels are sums of rounded numbers."
ADDED_PEOPLE = (
    f"{ADDED[:-1]}: people (or premises) in several count once in each. A block whose year is published in pieces "
    "elsewhere shows events only."
)


@dataclass(frozen=True)
class _Shown:
    """What a release shows."""

    closed: Sequence[Closed]
    by: tuple[str, ...]
    rows: Sequence[Row]
    notes: tuple[str, ...]


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
    day = _day(as_of)
    if rules.name == "open":
        return published_as_is(tally, zones or {}, day)
    check_suitable(tally, rules, declared, written=ledger is not None)
    case = open_case(tally, rules, tree_of(tally, zones, hierarchy), declared)
    book = ledger if isinstance(ledger, Ledger) or ledger is None else Ledger(Path(ledger))
    closed = closed_periods(tally, rules, day)
    if book is not None:
        for one in closed:
            book.declare(case.records, one.name, one.span, trees.digest(case.tree))
    base = _base_cuts(case, closed, book)
    views = _views(case, [one for one in closed if one.name in base], base, book)
    rows = [row for one in closed if one.name in views for row in _publish(case, one, base[one.name], views, book)]
    by = tuple(next(iter(views.values())).levels)
    shown = _Shown([one for one in closed if one.name in views], by, rows, _notes(case, declared, closed, views))
    return _sealed(case, shown, zones or {}, day, book)


def _sealed(
    case: Case, shown: _Shown, zones: Mapping[str, Sequence[str]], day: pd.Timestamp, book: Ledger | None
) -> Protected:
    tally, used = case.tally, {row[2] for row in shown.rows}
    periods = {name: span for one in shown.closed for name, span in spans_of(one, tally).items() if name in used}
    return Protected(
        kind=tally.kind,
        count=tally.count,
        profile=case.profile.name,
        k=case.rules.k,
        periods=periods,
        days=observed_days(tally, case.order, periods),
        by=shown.by,
        zones={name: tuple(sorted(members)) for name, members in zones.items()},
        tree_digest=trees.digest(case.tree),
        sources=tally.sources,
        citations=tuple(sorted({text for text in tally.published.values() if text})),
        as_of=day,
        people_known=tally.has_people,
        in_ledger=book is not None,
        rows=tuple(shown.rows),
        blocks=outlines(tally.areas, {row[0]: row[1] for row in shown.rows}),
        notes=shown.notes,
        ledger=None if book is None else book.path,
        seal=seal(),
    )


def _day(as_of: str | dt.date | pd.Timestamp | None) -> pd.Timestamp:
    today = pd.Timestamp(dt.date.today())
    day = today if as_of is None else pd.Timestamp(as_of)
    if day.normalize() > today:
        raise CommonGroundError(
            "as_of lies in the future; the release lag is reckoned from it, so today is the latest."
        )
    return day


def _base_cuts(case: Case, closed: Sequence[Closed], book: Ledger | None) -> dict[str, Cut]:
    """Take each closed period's cut from the ledger, or make it and write it there.

    Blocks never change after they were published, and neither do the levels: new years take those of earlier ones.
    """
    cuts = _known(case, closed, book, BASE)
    partner, rules = profile_named(BASE), case.cut_rules
    new = [one for one in closed if one.name not in cuts and root_passes(case, one, {}, partner, rules)]
    groups = _levels_of(cuts)
    if groups is None:
        groups = joint_levels(case, new, single(case.levels), rules)
    for one in new:
        if root_passes(case, one, groups, partner, rules):
            cuts[one.name] = first_cut(case, one, groups)
            _write(case, one, BASE, cuts[one.name], book)
    if not cuts:
        raise too_few(case, closed)
    return cuts


def _views(case: Case, closed: Sequence[Closed], base: Mapping[str, Cut], book: Ledger | None) -> Mapping[str, Cut]:
    """Return what the profile sees of each cut; a stricter profile's view is fixed in the ledger as well."""
    if case.profile.name == BASE:
        return base
    cuts = _known(case, closed, book, case.profile.name)
    new = [one for one in closed if one.name not in cuts]
    groups = _levels_of(cuts)
    if groups is None:
        groups = joint_levels(case, new, base[new[0].name].levels, case.rules)
    for one in new:
        found = coarser_cut(case, one, base[one.name], groups)
        if found is not None:
            cuts[one.name] = found
            _write(case, one, case.profile.name, found, book)
    if not cuts:
        raise too_few(case, closed)
    return cuts


def _publish(case: Case, closed: Closed, base: Cut, views: Mapping[str, Cut], book: Ledger | None) -> list[Row]:
    labels = labelled(case, closed, base, book)
    view = views[closed.name]
    if case.profile.name != BASE:
        return list(rows_of(view, summed(case, closed, base, labels, view)))
    k = case.rules.k
    return list(rows_of(view, {c: None if v is None else (v, *interval(v, k)) for c, v in labels.items()}))


def _known(case: Case, closed: Sequence[Closed], book: Ledger | None, profile: str) -> dict[str, Cut]:
    """Return the cuts of earlier releases, if they are made for the categories and the tree of this tally."""
    cuts: dict[str, Cut] = {}
    for one in closed:
        row = book.find_cut(case.records, one.name, one.span, profile) if book else None
        if row is None:
            continue
        if list(row["by"]) != list(case.levels):
            raise NotReleasable(
                f"{case.records} was published before by other categories; beside them this would show who is in few "
                "of them. Add up the published labels, or use the categories of the first release."
            )
        cuts[one.name] = Cut.from_row(row)
        if not fits(case, cuts[one.name]):
            raise CommonGroundError(
                "the ledger holds blocks that are no nodes of its own tree; restore it from a copy."
            )
    return cuts


def _write(case: Case, closed: Closed, profile: str, found: Cut, book: Ledger | None) -> None:
    if book is not None:
        row = {**found.as_row(), "by": list(case.levels)}
        book.write_cut(case.records, closed.name, closed.span, profile, row)


def _levels_of(cuts: Mapping[str, Cut]) -> Groups | None:
    return next((cut.levels for cut in cuts.values()), None)


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
    missing = [one.name for one in closed if one.name not in views]
    notes += [f"{', '.join(missing)}: too few to show, or none."] if missing else []
    if case.profile.name != BASE:
        notes.append(ADDED if case.tally.count == "events" else ADDED_PEOPLE)
    return tuple(notes)
