"""Which label does each cell of a cut get, and what do coarser cells add up to?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from commonground.disclosure.case import Case
from commonground.disclosure.cells import count_in
from commonground.disclosure.closing import Closed, periods_in
from commonground.disclosure.cutting import Block, Cut
from commonground.disclosure.labels import interval, label, settle
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.protected import Row
from commonground.errors import CommonGroundError
from commonground.tallies import UNITS

__all__ = ["Key", "Labels", "all_labels", "labelled", "named_apart", "rows_of", "summed"]

Key = tuple[str, ...]
"""Block, part of time, shown levels."""
Labels = dict[Key, int | None]
Value = tuple[int, int, int] | None
"""Label and its interval; None where nothing is shown."""


def all_labels(case: Case, closed: Closed, cut: Cut, book: Ledger | None, *, first: bool) -> dict[str, Labels]:
    """Return the labels of every unit, asked for or not: all are counted in the records of the first release.

    A unit that were counted only when it is first asked for would tell, beside the others, what came in between.
    """
    units = [unit for unit in UNITS if unit != "persons" or case.cut_rules.unit == "person"]
    found = {}
    for unit in units:
        mine = replace(case, tally=case.tally.as_count(unit))
        found[unit] = labelled(mine, closed, cut, book, first=first)
        if book is not None:
            book.write_labels(case.records, closed.name, unit, found[unit])
    return found


def labelled(case: Case, closed: Closed, cut: Cut, book: Ledger | None, *, first: bool = True) -> dict[Key, int | None]:
    """Return the label of every cell of the cut; of one published before, what late records allow.

    Judged from the number in the cell alone, across the gap between published intervals: no cell's label depends on
    another cell, or on whether today's records would be cut so. A cell without a label of the first release has none.
    """
    counts, units = _counts(case, closed, cut)
    k = case.cut_rules.k
    before = book.find_labels(case.records, closed.name, case.tally.count) if book else []
    labels: dict[Key, int | None] = {}
    for cell, n in counts.items():
        earlier = [values[cell] for values in before if cell in values]
        if earlier:
            labels[cell] = settle(earlier, label(n, k), k)
        else:
            labels[cell] = label(n, k) if first and units[cell] >= k else None
    return labels


def summed(case: Case, closed: Closed, base: Cut, labels: Mapping[Key, int | None], cut: Cut) -> dict[Key, Value]:
    """Return the values of a coarser cut: sums of labels, never new counts.

    A count of distinct people of the joined blocks would tell, beside the blocks, how few were only in one of them.
    """
    k = case.rules.k
    home = {area: block.code for block in cut.blocks for area in block.areas}
    if any(len({home[area] for area in block.areas}) > 1 for block in base.blocks):
        raise _strange(f"blocks of the {case.profile.name} profile that cut the blocks they are made of")
    parts: dict[Key, list[int | None]] = {}
    for block in base.blocks:
        pieces = len(block.parts) > 1 and not closed.phased
        for part, levels in product(block.parts, _shown(base, totals=_has_totals(case, base))):
            value = labels[block.code, part, *levels]
            # people of a year cannot be had from its quarters, and beside them they would give some away
            hidden = pieces and case.tally.count != "events"
            shown = _coarse(base, cut, levels)
            cell = (home[block.code], part if closed.phased else closed.name, *shown)
            parts.setdefault(cell, []).append(None if hidden else value)
    return {cell: _sum(values, case.cut_rules.k, k) for cell, values in parts.items()}


def rows_of(cut: Cut, values: Mapping[Key, Value]) -> Iterator[Row]:
    """Yield the published rows of a cut, in the order of its blocks."""
    for block in cut.blocks:
        for part, levels in product(block.parts, _shown(cut, totals=True)):
            if (block.code, part, *levels) in values:
                value, low, high = values[block.code, part, *levels] or (None, None, None)
                yield block.code, block.areas, part, levels, value, low, high


def named_apart(rows: Sequence[Row]) -> list[Row]:
    """Give blocks of different areas different names: two years may be cut differently around the same smallest code.

    One tree is cut, so that of two such blocks one holds the other: the number of its further areas tells them apart.
    """
    areas: dict[str, set[tuple[str, ...]]] = {}
    for row in rows:
        areas.setdefault(row[0], set()).add(row[1])
    return [
        row if len(areas[row[0]]) == 1 or len(row[1]) == 1 else (f"{row[0]}+{len(row[1]) - 1}", *row[1:])
        for row in rows
    ]


def _counts(case: Case, closed: Closed, cut: Cut) -> tuple[dict[Key, float], dict[Key, float]]:
    """Return for each cell of a cut how much there is of what is counted, and of what k applies to."""
    keys = [(block.code, part) for block in cut.blocks for part in block.parts]
    names = list(case.tally.periods)
    block_at = {area: at for at, block in enumerate(cut.blocks) for area in block.areas}
    at_place = np.array([block_at[area] for area in case.order])
    number = np.full((len(cut.blocks), len(names)), -1, dtype=np.int64)
    for at, block in enumerate(cut.blocks):
        for part, inside in zip(block.parts, _pieces(closed, block), strict=True):
            number[at, [names.index(name) for name in inside]] = keys.index((block.code, part))
    mine = case.rows(closed, cut.levels)
    home = number[at_place[mine.place], mine.period]
    combinations = list(_shown(cut))
    level = mine.cell % len(combinations)
    tables = [(combinations, mine.into(home * len(combinations) + level, len(keys) * len(combinations)))]
    if _has_totals(case, cut):
        tables.append(([()], mine.into(home, len(keys))))
    counted: dict[Key, float] = {}
    units: dict[Key, float] = {}
    for levels, coded in tables:
        cells = [(*key, *of) for key in keys for of in levels]
        counted |= zip(cells, count_in(coded, case.tally.count), strict=True)
        units |= zip(cells, count_in(coded, case.cut_rules.unit), strict=True)
    return counted, units


def _pieces(closed: Closed, block: Block) -> list[tuple[str, ...]]:
    """Return the tally's periods in each part of a block; together they make up the closed period, each once."""
    try:
        pieces = [periods_in(part, closed) for part in block.parts]
    except (ValueError, IndexError) as error:
        raise _strange("pieces of time that this period does not have") from error
    if sorted(name for piece in pieces for name in piece) != sorted(closed.periods):
        raise _strange("pieces of time that do not make up their period")
    return pieces


def _strange(what: str) -> CommonGroundError:
    return CommonGroundError(f"the ledger holds {what}; restore it from a copy.")


def _coarse(base: Cut, cut: Cut, levels: Key) -> Key:
    """Return the levels that a coarser cut shows for some of the base's; a total names none."""
    named = dict(zip(base.levels, levels, strict=False))
    groups = {name: {one: shown for shown, of in parts.items() for one in of} for name, parts in cut.levels.items()}
    return tuple(groups[name][base.levels[name][named[name]][0]] for name in groups if named)


def _has_totals(case: Case, cut: Cut) -> bool:
    """Say whether totals are counted beside the levels: of people; those of other units are sums of labels."""
    return case.cut_rules.totals and bool(cut.levels) and case.tally.count == "persons"


def _shown(cut: Cut, *, totals: bool = False) -> Iterator[Key]:
    """Yield the combinations of shown levels, and last that of none: the total."""
    yield from product(*cut.levels.values())
    if totals and cut.levels:
        yield ()


def _sum(values: list[int | None], cut_k: int, k: int) -> Value:
    known = [value for value in values if value is not None]
    if len(known) < len(values) or sum(known) < k:
        return None
    spans = [interval(value, cut_k) for value in known]
    return sum(known), sum(low for low, _ in spans), sum(high for _, high in spans)
