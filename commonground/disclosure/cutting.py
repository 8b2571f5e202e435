"""Into which blocks, pieces of time and levels is a closed period cut, and what may each profile see of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from commonground.disclosure.case import Case
from commonground.disclosure.cells import Coded, Rules, count_in, passes
from commonground.disclosure.closing import Closed, piece_name
from commonground.disclosure.hierarchy import Node
from commonground.disclosure.labels import label, revise
from commonground.disclosure.levels import Groups, publishable
from commonground.disclosure.partition import cut, lowest_passing, split_time
from commonground.disclosure.policy import Profile, profile_named
from commonground.errors import NotReleasable

__all__ = [
    "Block",
    "Cut",
    "coarser_cut",
    "far_from_refusal",
    "first_cut",
    "fits",
    "joint_levels",
    "root_passes",
    "too_few",
]


@dataclass(frozen=True)
class Block:
    """Areas that are shown together, and the parts of time (phases, the year, or its pieces) they are shown for."""

    areas: tuple[str, ...]
    parts: tuple[str, ...]

    @property
    def code(self) -> str:
        """The smallest of its area codes."""
        return min(self.areas)


@dataclass(frozen=True)
class Cut:
    """The blocks of a closed period, and the shown levels of each category."""

    blocks: tuple[Block, ...]
    levels: Groups

    def as_row(self) -> dict[str, Any]:
        """Return what the ledger keeps."""
        blocks = [{"areas": list(block.areas), "parts": list(block.parts)} for block in self.blocks]
        levels = [
            [name, [[shown, list(members)] for shown, members in self.levels[name].items()]] for name in self.levels
        ]
        return {"blocks": blocks, "levels": levels}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Cut:
        """Return the cut that a row of the ledger holds."""
        blocks = tuple(Block(tuple(block["areas"]), tuple(block["parts"])) for block in row["blocks"])
        return cls(blocks, {name: {shown: tuple(of) for shown, of in levels} for name, levels in row["levels"]})


def joint_levels(case: Case, closed: Sequence[Closed], atoms: Groups, rules: Rules) -> Groups:
    """Return the shown levels, the same for several closed periods."""
    everybody = [case.rows(one, {}) for one in closed]

    def level_passes(name: str, group: Sequence[str]) -> bool:
        wanted = np.isin(case.levels[name], [level for part in group for level in atoms[name][part]])
        return all(passes(one.only(wanted[one.levels[name]]), rules) for one in everybody)

    def all_pass(groups: Groups) -> bool:
        return all(passes(case.rows(one, groups), rules) for one in closed)

    return publishable(atoms, level_passes, all_pass)


def root_passes(case: Case, closed: Closed, groups: Groups, profile: Profile, rules: Rules) -> bool:
    """Say whether all areas together pass, in every cell."""
    return case.wide_enough(case.root, profile.addresses) and passes(case.rows(closed, groups), rules)


def first_cut(case: Case, closed: Closed, groups: Groups) -> Cut:
    """Cut the tree at the partner's rules, then each block's year. All areas together have passed."""
    mine = case.rows(closed, groups)
    least = profile_named("partner").addresses

    def good(node: Node) -> bool:
        return case.wide_enough(node, least) and passes(mine.between(node.low, node.high), case.cut_rules)

    blocks = [
        Block(case.areas(node), _parts(case, closed, mine.between(node.low, node.high)))
        for node in cut(case.root, good)
    ]
    return Cut(tuple(blocks), groups)


def coarser_cut(case: Case, closed: Closed, base: Cut, groups: Groups) -> Cut | None:
    """Return what a stricter profile sees of a cut: the lowest ancestors of its blocks that pass; no pieces of a year.

    None when all areas together fail.
    """
    mine = case.rows(closed, groups)

    def good(node: Node) -> bool:
        enough = case.wide_enough(node, case.profile.addresses)
        return enough and passes(mine.between(node.low, node.high), case.rules)

    spans = {(node.low, node.high) for node in (case.node(block.areas) for block in base.blocks)}
    found = lowest_passing(case.root, spans, good)
    if found is None:
        return None
    parts = closed.periods if closed.phased else (closed.name,)
    return Cut(tuple(Block(case.areas(node), parts) for node in found), groups)


def units_short(case: Case, closed: Closed) -> bool:
    """Say whether all areas together hold fewer than k in some phase, whatever else they lack."""
    return bool((count_in(case.rows(closed, {}), case.cut_rules.unit) < case.cut_rules.k).any())


def far_from_refusal(case: Case, closed: Closed) -> bool:
    """Say whether all areas together hold so many in every phase that the gap to a refusal is k (18 at k = 8)."""
    rules = case.cut_rules
    found = count_in(case.rows(closed, {}), rules.unit)
    return all(revise(None, label(n, rules.k), rules.k) is not None for n in found)


def after_refusal(case: Case) -> Case:
    """Return the case whose every cell must lie k away from a refusal: 18 at k = 8, not the whole alone."""
    k = case.cut_rules.k
    least = next(n for n in range(k, 9 * k) if revise(None, label(n, k), k) is not None)
    return replace(case, cut_rules=replace(case.cut_rules, k=least))


def fits(case: Case, found: Cut, profile: Profile) -> bool:
    """Say whether a cut that was read back is a partition of the areas into nodes of the tree, none of them too small.

    Both are told by what is public. A ledger that was written anew by hand passes no finer block than these.
    """
    spans, waiting = set(), [case.root]
    while waiting:
        node = waiting.pop()
        spans.add((node.low, node.high))
        waiting.extend(node.children)
    areas = sorted(area for block in found.blocks for area in block.areas)
    if areas != sorted(case.order):
        return False
    places = [case.node(block.areas) for block in found.blocks]
    return all(
        (at.low, at.high) in spans and at.high - at.low == len(block.areas) and case.wide_enough(at, profile.addresses)
        for at, block in zip(places, found.blocks, strict=True)
    )


def too_few(case: Case, closed: Sequence[Closed]) -> NotReleasable:
    """Return the refusal of a release: one sentence, no number."""
    periods = ", ".join(one.name for one in closed)
    return NotReleasable(
        f"too few people, premises, events or addresses in {case.tally.kind} ({periods}) to publish anything, even for "
        "all areas together; coarsen: add areas, join phases, take a longer time or fewer categories, before the first "
        "release (a ledger keeps a refusal); where no record "
        "has a person key, count events."
    )


def _parts(case: Case, closed: Closed, mine: Coded) -> tuple[str, ...]:
    if closed.phased:
        return closed.periods
    if not closed.quarters:
        return (closed.name,)
    quarter = np.array([closed.quarters.get(name, 0) for name in case.tally.periods])[mine.period]

    def good(piece: tuple[int, ...]) -> bool:
        return passes(mine.only(np.isin(quarter, piece)), case.cut_rules)

    pieces = split_time(sorted(set(closed.quarters.values())), good)
    return tuple(piece_name(closed, piece) for piece in pieces)
