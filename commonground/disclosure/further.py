"""Answers: what does one further table say, and may it be said beside everything said before?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.case import Case
from commonground.disclosure.cells import Coded, Rules, passes
from commonground.disclosure.closing import Closed, periods_in
from commonground.disclosure.cutting import Block, Cut, joint_levels, root_passes
from commonground.disclosure.labels import interval
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.levels import Groups, single
from commonground.disclosure.partition import cut
from commonground.disclosure.policy import Plan, profile_named
from commonground.disclosure.protected import Protected, Row
from commonground.disclosure.publishing import Key, labelled, rows_of
from commonground.disclosure.sealing import Shown, sealed
from commonground.disclosure.several import check_categories, levels_open
from commonground.disclosure.tabled import Table, audit_tables
from commonground.errors import NotReleasable

__all__ = ["BASE", "First", "Further"]

BASE = "partner"  # the profile at whose rules everything is cut, and the only one that sees further tables
PROVEN = (
    "Beside what is published already, {} would prove something about people that no table shows. Leave it out, or "
    "coarsen its levels."
)
STANDS = "{} was refused before; a refusal stands, or what came since would show."
TOO_FEW = "{}: too few people, premises, events or addresses to show, or none. Join its levels."
AUDITED = "A further table, audited together with all others of the same records: none of its cells is hidden."


@dataclass(frozen=True, repr=False, eq=False)
class First:
    """The first release of a closed period."""

    closed: Closed
    cut: Cut
    by: tuple[str, ...]


@dataclass(frozen=True, repr=False, eq=False)
class Further:
    """Everything that the tables of one call have in common."""

    case: Case
    book: Ledger
    plan: Plan
    bases: Sequence[First]
    one_each: tuple[str, ...]
    zones: Mapping[str, Sequence[str]]
    day: pd.Timestamp

    def published(self, by: tuple[str, ...]) -> Protected:
        """Return one table of all closed periods in which it can be published.

        Raises
        ------
        NotReleasable
            When there is none.
        """
        earlier = [self._earlier(first, by) for first in self.bases]
        if all(map(_refused, earlier)):
            raise NotReleasable(STANDS.format(" x ".join(by)))
        for first in self.bases:
            if self._people:
                extra = [tuple(one["by"]) for one in self._extra(first) if tuple(one["by"]) != by]
                check_categories(self.case.tally.count, by, first.by, extra, self.one_each)
        known = next((Cut.from_row(rows[-1]).levels for rows in earlier if rows and not _refused(rows)), None)
        if known is None:
            closed = [first.closed for first in self.bases]
            known = joint_levels(self.case, closed, single({name: self.case.levels[name] for name in by}), self._rules)
        if tuple(known) != by:
            for first in self.bases:
                self._refuse(first, by)
            raise NotReleasable(TOO_FEW.format(" x ".join(by)))
        rows: list[Row] = []
        shown, reasons = [], []
        for first, before in zip(self.bases, earlier, strict=True):
            if _refused(before):
                reasons.append(STANDS.format(" x ".join(by)))
                continue
            try:
                table = self._repeated(first, by, before) if before else self._proposed(first, by, known)
            except NotReleasable as refusal:
                self._refuse(first, by)
                reasons.append(str(refusal))
                continue
            values = {c: None if v is None else (v, *interval(v, self._rules.k)) for c, v in table.labels.items()}
            rows += rows_of(table.cut, values)
            shown.append(first.closed)
        if not shown:
            raise NotReleasable(reasons[0])
        missing = [first.closed.name for first in self.bases if first.closed not in shown]
        notes = (AUDITED, *([f"Not published of {', '.join(missing)}."] if missing else []))
        return sealed(self.case, Shown(shown, by, rows, notes), self.zones, self.day, self.book)

    @property
    def _rules(self) -> Rules:
        return self.case.cut_rules

    @property
    def _people(self) -> bool:
        return self._rules.unit == "person"

    def _name(self, by: tuple[str, ...]) -> str:
        return f"{self.case.tally.count} by {' x '.join(by)}"

    def _extra(self, first: First) -> list[dict[str, Any]]:
        """Return every further table that stands in the ledger, as last published."""
        rows = self.book.find_extra(self.case.records, first.closed.name)
        return [table for table in {row["name"]: row["table"] for row in rows}.values() if "refused" not in table]

    def _earlier(self, first: First, by: tuple[str, ...]) -> list[dict[str, Any]]:
        rows = self.book.find_extra(self.case.records, first.closed.name)
        return [row["table"] for row in rows if row["name"] == self._name(by)]

    def _refuse(self, first: First, by: tuple[str, ...]) -> None:
        """Keep a refusal: one record more that turned it round would tell what was there."""
        self.book.write_extra(self.case.records, first.closed.name, self._name(by), {"refused": True})

    def _proposed(self, first: First, by: tuple[str, ...], levels: Groups) -> Table:
        found = self._cut(first, levels)
        if found is None:
            raise NotReleasable(TOO_FEW.format(" x ".join(by)))
        if self.case.tally.count != "events" and found.blocks != first.cut.blocks:
            raise NotReleasable(
                f"people by {' x '.join(by)} would need larger blocks or longer periods than the first release; "
                "beside it these would tell who was in only one. Count events."
            )
        table = Table(found, self.case.tally.count, labelled(self.case, first.closed, found, None))
        self._check(first, by, table)
        self._write(first, by, table)
        return table

    def _repeated(self, first: First, by: tuple[str, ...], before: Sequence[dict[str, Any]]) -> Table:
        """Return a table as it was published last, or changed by late records across the gap."""
        found = Cut.from_row(before[-1])
        labels = [{tuple(key): value for *key, value in row["labels"]} for row in before]
        last = Table(found, self.case.tally.count, labels[-1])
        now = labelled(self.case, first.closed, found, cast(Ledger, _Labels(labels)))
        if now == labels[-1]:
            return last
        try:
            self._check(first, by, replace(last, labels=now))
        except NotReleasable:
            return last  # what was said is only repeated
        self._write(first, by, replace(last, labels=now))
        return replace(last, labels=now)

    def _cut(self, first: First, levels: Groups) -> Cut | None:
        """Cut the tree of blocks: a union is split only if both children pass in every cell."""
        case, closed = self.case, first.closed
        least = profile_named(BASE).addresses
        mine = case.rows(closed, levels)
        blocks = {(node.low, node.high): block for block in first.cut.blocks for node in [case.node(block.areas)]}
        if not root_passes(case, closed, levels, profile_named(BASE), self._rules):
            return None

        def good(node: trees.Node) -> bool:
            return case.wide_enough(node, least) and passes(mine.between(node.low, node.high), self._rules)

        whole = closed.periods if closed.phased else (closed.name,)
        found = []
        for node in cut(_pruned(case.root, set(blocks)), good):
            block = blocks.get((node.low, node.high))
            parts = whole if block is None or not self._in_parts(closed, block, mine, node) else block.parts
            found.append(Block(case.areas(node), parts))
        return Cut(tuple(found), levels)

    def _in_parts(self, closed: Closed, block: Block, mine: Coded, node: trees.Node) -> bool:
        """Say whether every part of time of a block passes in every cell."""
        if closed.phased:
            return True  # phases are cells, and have passed
        names = list(self.case.tally.periods)
        rows = mine.between(node.low, node.high)
        wanted = [np.isin(rows.period, [names.index(n) for n in periods_in(part, closed)]) for part in block.parts]
        return all(passes(rows.only(inside), self._rules) for inside in wanted)

    def _check(self, first: First, by: tuple[str, ...], table: Table) -> None:
        """Refuse a table beside which something can be proven."""
        before = [self._first_table(first, count) for count in self._counts()]
        standing = [
            Table(Cut.from_row(row), row["count"], {tuple(key): value for *key, value in row["labels"]})
            for row in self._extra(first)
            if (row["count"], tuple(row["by"])) != (table.count, by)
        ]
        refusal = NotReleasable(PROVEN.format(" x ".join(by)))
        if not set(by) <= set(self.one_each) and self._people:
            people = self._first_table(first, "persons")
            if not _leave_open(people, table, self._rules.k):
                raise refusal
        if not audit_tables(self.case, first.closed, first.cut, [*before, *standing, table]).passed:
            raise refusal

    def _counts(self) -> list[str]:
        """Return every unit that is published of these records, or may yet be."""
        units = {*self.plan.measures, self.case.tally.count}
        units -= set() if self._people else {"persons"}
        return [unit for unit in ("persons", "events", "premises") if unit in units]

    def _first_table(self, first: First, count: str) -> Table:
        """Return the first release in one unit; where it is not published, what it would say."""
        before = self.book.find_labels(self.case.records, first.closed.name, count)
        if before:
            return Table(first.cut, count, before[-1])
        case = replace(self.case, tally=self.case.tally.as_count(count))
        return Table(first.cut, count, labelled(case, first.closed, first.cut, None))

    def _write(self, first: First, by: tuple[str, ...], table: Table) -> None:
        labels = [[*key, value] for key, value in table.labels.items()]
        row = {**table.cut.as_row(), "by": list(by), "count": table.count, "labels": labels}
        self.book.write_extra(self.case.records, first.closed.name, self._name(by), row)


@dataclass(frozen=True)
class _Labels:
    """What `labelled` asks of a ledger, of one further table."""

    before: list[dict[Key, int | None]]

    def find_labels(self, *_: object) -> list[dict[Key, int | None]]:
        """Return everything published before of the table."""
        return self.before


def _refused(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any("refused" in row for row in rows)


def _pruned(node: trees.Node, blocks: set[tuple[int, int]]) -> trees.Node:
    """Return the tree down to the blocks."""
    if (node.low, node.high) in blocks:
        return trees.Node(node.low, node.high)
    return trees.Node(node.low, node.high, tuple(_pruned(child, blocks) for child in node.children))


def _leave_open(people: Table, events: Table, k: int) -> bool:
    """Say whether `levels_open` holds in every block and part of time of a table."""
    for block in events.cut.blocks:
        for part in block.parts:
            inside = [
                interval(people.labels[own.code, when], k)
                for own in people.cut.blocks
                if set(own.areas) <= set(block.areas)
                for when in own.parts
                if when == part or part not in own.parts  # a year is all pieces of it
            ]
            everybody = (sum(low for low, _ in inside), sum(high for _, high in inside))
            levels = [interval(value, k) for key, value in events.labels.items() if key[:2] == (block.code, part)]
            if not levels_open(everybody, levels, k):
                return False
    return True
