"""Answers: in which published cell is each finest part of a town, and which hidden cells must nothing be proven of?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from commonground.disclosure.audit import Audit, Release, joint_audit
from commonground.disclosure.case import Case
from commonground.disclosure.cells import all_pass, count_in
from commonground.disclosure.closing import Closed, periods_in
from commonground.disclosure.cutting import Cut
from commonground.disclosure.labels import interval
from commonground.disclosure.levels import Groups
from commonground.disclosure.publishing import Key
from commonground.disclosure.worlds import Ints
from commonground.errors import NotReleasable

__all__ = ["Table", "audit_tables"]

MOST_ATOMS = 2_000_000
FAR = 10**6  # what a cell of which only "k or more" is known may hold; more than any town


@dataclass(frozen=True, repr=False, eq=False)
class Table:
    """A published table: its blocks and levels, the unit it counts, and its labels."""

    cut: Cut
    count: str
    labels: Mapping[Key, int | None]


def audit_tables(case: Case, closed: Closed, base: Cut, tables: Sequence[Table]) -> Audit:
    """Audit tables of one closed period together.

    Parameters
    ----------
    case : Case
    closed : Closed
    base : Cut
        Of the first release: its blocks are the finest published areas.
    tables : sequence of Table

    Returns
    -------
    Audit
        Asked about are, for each published part of time, each area and each block: all of it, its part in each level
        that a table shows, and its part in each combination of levels of two tables, and of all.

    Raises
    ------
    NotReleasable

    Notes
    -----
    A cell of a whole block that passes every rule could be published itself and needs no hiding. The attacker is told
    that it holds k or more, and nothing may be provable of the others even so. Areas within a block of several are
    never excepted. People are known to be k or more in each shown cell, because that is the rule.
    """
    atoms = _Atoms(case, closed, base)
    k = case.cut_rules.k
    releases = [_release(atoms, table, k) for table in tables]
    sized = "persons" if any(table.count == "persons" for table in tables) else "events"
    if sized == "persons":
        releases += [
            Release(one.cell, np.where(one.low > 0, k, 0), np.full(len(one.low), FAR), sized)
            for one, table in zip(releases, tables, strict=True)
            if table.count != sized
        ]
    areas, blocks = [], []
    for levels in _level_sets(atoms, [table.cut.levels for table in tables]):
        for time in atoms.times():
            small, large = atoms.large_apart(_joint(atoms.block, time, levels))
            blocks.append(small)
            areas.append(_joint(atoms.area, time, levels))
            told = np.ones(int(large.max(initial=-1)) + 1, dtype=np.int64)
            releases.append(Release(large, k * told, FAR * told, sized))
    return joint_audit([one for one in releases if len(one.low)], [*areas, *blocks], k)


class _Atoms:
    """Area x part of time x declared levels, as one long array; exact rows are counted in it and nowhere shown."""

    def __init__(self, case: Case, closed: Closed, base: Cut) -> None:
        self.case, self.closed = case, closed
        names = closed.periods
        quarter = {name: closed.quarters[name] if closed.quarters else 0 for name in names}
        own = {name: name if closed.phased else quarter[name] for name in names}
        self.moments = list(dict.fromkeys(own.values()))
        self.moment_of = {name: self.moments.index(own[name]) for name in names}
        sizes = [len(levels) for levels in case.levels.values()]
        shape = (len(case.order), len(self.moments), *sizes)
        if int(np.prod(shape)) > MOST_ATOMS:
            raise NotReleasable(
                "These areas and categories have too many combinations to be audited. Take fewer categories."
            )
        self.shape = shape
        self.place, self.moment, *levels = (part.ravel() for part in np.indices(shape))
        self.levels = dict(zip(case.levels, levels, strict=True))
        home = {area: at for at, block in enumerate(base.blocks) for area in block.areas}
        at_place = np.array([home[area] for area in case.order])
        joint = np.array([len(base.blocks[at].areas) > 1 for at in at_place])
        self.block = at_place[self.place]
        self.area = np.where(joint[self.place], self.place, -1)
        self.part = self._parts(base)
        self.whole = closed.phased or all(len(block.parts) == 1 for block in base.blocks)
        self._rows()

    def cells(self, cut: Cut) -> Ints:
        """Return the cell of a table that each atom is in, numbered block by block, part by part, level by level."""
        number, size = self._parts(cut), 1
        for name, shown in cut.levels.items():
            size *= len(shown)
            number = number * len(shown) + self._shown(name, shown)
        return number

    def shown(self, groups: Groups) -> Ints:
        """Return the combination of shown levels that each atom is in."""
        number = np.zeros(len(self.place), dtype=np.int64)
        for name, shown in groups.items():
            number = number * len(shown) + self._shown(name, shown)
        return number

    def times(self) -> Iterator[Ints]:
        """Yield each atom's published part of time, and the whole period where it is cut in time."""
        yield self.part
        if not self.whole:
            yield np.zeros(len(self.part), dtype=np.int64)

    def large_apart(self, cell: Ints) -> tuple[Ints, Ints]:
        """Split cells into those that fail a rule, and those that pass them all; the others are -1 in each."""
        size = int(cell.max(initial=0)) + 1
        mine = self.rows.into(cell[self.row_atom], size)
        rules = self.case.cut_rules
        enough = np.flatnonzero(count_in(mine, rules.unit) >= rules.k)
        nothing = np.zeros(len(mine.cell), dtype=np.int64)
        large = np.zeros(size, dtype=bool)
        for at in enough:
            rows = mine.cell == at
            large[at] = all_pass(mine.only(rows).into(nothing[rows], 1), rules)
        number = np.where(large, np.cumsum(large) - 1, -1)
        return np.where(large[cell], -1, cell), number[cell]

    def _rows(self) -> None:
        names = list(self.case.tally.periods)
        moment = np.array([self.moment_of.get(name, -1) for name in names])[self.case.coded.period]
        self.rows = self.case.coded.only(moment >= 0)
        where = (self.rows.place, moment[moment >= 0], *(self.rows.levels[name] for name in self.levels))
        self.row_atom = np.ravel_multi_index(where, self.shape)

    def _parts(self, cut: Cut) -> Ints:
        """Return the number of each atom's block and part of time."""
        places = {area: at for at, area in enumerate(self.case.order)}
        number = np.full((len(places), len(self.moments)), -1, dtype=np.int64)
        for at, (areas, part) in enumerate((block.areas, part) for block in cut.blocks for part in block.parts):
            moments = sorted({self.moment_of[name] for name in periods_in(part, self.closed)})
            number[np.ix_([places[area] for area in areas], moments)] = at
        return np.asarray(number[self.place, self.moment])

    def _shown(self, name: str, shown: Mapping[str, tuple[str, ...]]) -> Ints:
        home = {level: at for at, members in enumerate(shown.values()) for level in members}
        return np.asarray(np.array([home[level] for level in self.case.levels[name]])[self.levels[name]])


def _release(atoms: _Atoms, table: Table, k: int) -> Release:
    keys = [
        (block.code, part, *levels)
        for block in table.cut.blocks
        for part in block.parts
        for levels in product(*table.cut.levels.values())
    ]
    spans = np.array([interval(table.labels[key], k) for key in keys], dtype=np.int64)
    return Release(atoms.cells(table.cut), spans[:, 0], spans[:, 1], table.count)


def _level_sets(atoms: _Atoms, groups: Sequence[Groups]) -> list[Ints]:
    """Return the levels of no table, of each, of each two, and of all; each way of telling atoms apart once."""
    single = {one.tobytes(): one for one in map(atoms.shown, groups)}
    sets = [np.zeros(len(atoms.place), dtype=np.int64), *single.values()]
    sets += [_joint(one, other) for one, other in combinations(single.values(), 2)]
    sets.append(_joint(*single.values()))
    return list({one.tobytes(): one for one in sets}.values())


def _joint(*parts: Ints) -> Ints:
    """Return the number of each combination of several labellings; -1 in any is -1."""
    number = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        known = (number >= 0) & (part >= 0)
        joint = np.unique(number[known] * (int(part.max(initial=0)) + 1) + part[known], return_inverse=True)[1]
        number = np.full(len(part), -1, dtype=np.int64)
        number[known] = joint.ravel()
    return number
