"""Which label does each cell of a cut get, and what do coarser cells add up to?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from commonground.disclosure.case import Case
from commonground.disclosure.cells import count_in
from commonground.disclosure.closing import Closed, periods_in
from commonground.disclosure.cutting import Cut
from commonground.disclosure.labels import interval, label, settle
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.protected import Row

__all__ = ["Key", "labelled", "rows_of", "summed"]

Key = tuple[str, ...]
"""Block, part of time, shown levels."""
Value = tuple[int, int, int] | None
"""Label and its interval; None where nothing is shown."""


def labelled(case: Case, closed: Closed, cut: Cut, book: Ledger | None) -> dict[Key, int | None]:
    """Return the label of every cell of the cut; of one published before, what late records allow."""
    counts, units = _counts(case, closed, cut)
    k = case.cut_rules.k
    before = book.find_labels(case.records, closed.name, case.tally.count) if book else []
    labels: dict[Key, int | None] = {}
    for cell, n in counts.items():
        earlier = [values[cell] for values in before if cell in values]
        if earlier:
            labels[cell] = settle(earlier, label(n, k), k)  # judged from n alone
        else:
            labels[cell] = label(n, k) if units[cell] >= k else None
    if book is not None:
        book.write_labels(case.records, closed.name, case.tally.count, labels)
    return labels


def summed(case: Case, closed: Closed, base: Cut, labels: Mapping[Key, int | None], cut: Cut) -> dict[Key, Value]:
    """Return the values of a coarser cut: sums of labels, never new counts.

    A count of distinct people of the joined blocks would tell, beside the blocks, how few were only in one of them.
    """
    k = case.rules.k
    home = {area: block.code for block in cut.blocks for area in block.areas}
    groups = {name: {one: shown for shown, of in levels.items() for one in of} for name, levels in cut.levels.items()}
    parts: dict[Key, list[int | None]] = {}
    for block in base.blocks:
        pieces = len(block.parts) > 1 and not closed.phased
        for part, levels in product(block.parts, _combinations(base)):
            named = dict(zip(base.levels, levels, strict=True))
            coarse = tuple(groups[name][base.levels[name][named[name]][0]] for name in groups)
            value = labels[block.code, part, *levels]
            # people of a year cannot be had from its quarters, and beside them they would give some away
            hidden = pieces and case.tally.count != "events"
            cell = (home[block.code], part if closed.phased else closed.name, *coarse)
            parts.setdefault(cell, []).append(None if hidden else value)
    return {cell: _sum(values, case.cut_rules.k, k) for cell, values in parts.items()}


def rows_of(cut: Cut, values: Mapping[Key, Value]) -> Iterator[Row]:
    """Yield the published rows of a cut, in the order of its blocks."""
    for block in cut.blocks:
        for part, levels in product(block.parts, _combinations(cut)):
            value, low, high = values[block.code, part, *levels] or (None, None, None)
            yield block.code, block.areas, part, levels, value, low, high


def _counts(case: Case, closed: Closed, cut: Cut) -> tuple[dict[Key, float], dict[Key, float]]:
    """Return for each cell of a cut how much there is of what is counted, and of what k applies to."""
    combinations = list(_combinations(cut))
    keys = [(block.code, part) for block in cut.blocks for part in block.parts]
    names = list(case.tally.periods)
    block_at = {area: at for at, block in enumerate(cut.blocks) for area in block.areas}
    at_place = np.array([block_at[area] for area in case.order])
    number = np.full((len(cut.blocks), len(names)), -1, dtype=np.int64)
    for at, block in enumerate(cut.blocks):
        for part in block.parts:
            inside = [names.index(name) for name in periods_in(part, closed)]
            number[at, inside] = keys.index((block.code, part))
    mine = case.rows(closed, cut.levels)
    level = mine.cell % len(combinations)
    coded = mine.into(
        number[at_place[mine.place], mine.period] * len(combinations) + level, len(keys) * len(combinations)
    )
    cells = [(*key, *levels) for key in keys for levels in combinations]
    counted, units = (count_in(coded, unit) for unit in (case.tally.count, case.cut_rules.unit))
    return dict(zip(cells, counted, strict=True)), dict(zip(cells, units, strict=True))


def _combinations(cut: Cut) -> Iterator[tuple[str, ...]]:
    return product(*cut.levels.values())


def _sum(values: list[int | None], cut_k: int, k: int) -> Value:
    known = [value for value in values if value is not None]
    if len(known) < len(values) or sum(known) < k:
        return None
    spans = [interval(value, cut_k) for value in known]
    return sum(known), sum(low for low, _ in spans), sum(high for _, high in spans)
