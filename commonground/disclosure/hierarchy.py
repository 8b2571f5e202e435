"""In what fixed order are areas joined, decided before the data are looked at?"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
from libpysal.graph import Graph

from commonground.disclosure.protected import Protected
from commonground.errors import CommonGroundError, NotReleasable

__all__ = [
    "Node",
    "Tree",
    "build_hierarchy",
    "check_tree",
    "digest",
    "hierarchy_after",
    "leaves",
    "node_code",
    "nodes",
    "zoned_hierarchy",
]

Tree = str | tuple[Any, Any]
"""An area code, or a pair of trees."""

ONE_HOME = "each area belongs to one zone and no zone is empty; correct the zones of the study."


@dataclass(frozen=True)
class Node:
    """A node of a tree: its areas are those from ``low`` to before ``high`` in the order of the leaves."""

    low: int
    high: int
    children: tuple[Node, ...] = ()


def build_hierarchy(areas: gpd.GeoDataFrame, *, weights: pd.Series | None = None) -> Tree:
    """Join, again and again, the adjacent pair of smallest summed weight.

    Parameters
    ----------
    areas : GeoDataFrame
        Indexed by area code.
    weights : Series, optional
        Addresses or residents by area code (default: the population column, or 1 each); one is added to each. Never
        taken from the data that are to be released.

    Returns
    -------
    Tree
        Nested pairs of codes. Pairs that do not touch come last; ties go by code, and a pair's code is its smallest
        leaf.

    Raises
    ------
    CommonGroundError
        When there is no area.
    """
    if not len(areas):
        raise CommonGroundError("a hierarchy needs at least one area; give areas.")
    size = areas["population"] if weights is None and "population" in areas else weights
    size = pd.Series(1.0, index=areas.index) if size is None else size.reindex(areas.index).fillna(0) + 1.0
    joined: dict[str, Tree] = {str(code): str(code) for code in areas.index}
    weight = {str(code): float(value) for code, value in size.items()}
    touching = _adjacency(areas)
    # Pairs wait in a heap; one whose weight is no longer what it was when it was put in is skipped.
    waiting = [(weight[a] + weight[b], a, b) for a in joined for b in touching[a] if a < b]
    heapq.heapify(waiting)
    while len(joined) > 1:
        first, second = _next_pair(waiting, weight, touching)
        joined[first] = (joined[first], joined.pop(second))
        weight[first] += weight.pop(second)
        touching[first] = (touching[first] | touching.pop(second)) - {first, second}
        for neighbour in touching[first]:
            touching[neighbour] = (touching[neighbour] - {second}) | {first}
            pair = min(first, neighbour), max(first, neighbour)
            heapq.heappush(waiting, (weight[pair[0]] + weight[pair[1]], *pair))
    return next(iter(joined.values()))


def hierarchy_after(protected: Protected, areas: gpd.GeoDataFrame) -> Tree:
    """Build next year's hierarchy from what was published of this year.

    Parameters
    ----------
    protected : Protected
        The published values; those of its last twelve months (or of a longer last phase) are used. Must stand in a
        ledger: what was not published may not decide.
    areas : GeoDataFrame
        Indexed by area code; with a population column (addresses or residents), by which a block's value is spread.

    Returns
    -------
    Tree
        One tree inside each of the published zones, if there were any. Keep it: labels may be revised later, and a
        ledger takes only the hierarchy of the first release of a period.

    Raises
    ------
    NotReleasable
        When the values stand in no ledger.
    CommonGroundError
        When a block has areas that are not among these.

    Notes
    -----
    Weight of an area: the block's value x addresses of the area / addresses of the block, plus one. Of people in
    several quarters of the year the largest label counts, of events the sum. A block without a value weighs nothing,
    and so does an area that was in none: they are joined first. A function of published values only, so that nothing
    that could have been otherwise with the same output moves the tree (gate.md, step 1).
    """
    if not protected.in_ledger:
        raise NotReleasable(
            "a hierarchy is built from published values only, and these stand in no ledger; call protect(..., ledger=)."
        )
    shares = areas["population"].fillna(0.0) if "population" in areas else pd.Series(1.0, index=areas.index)
    weights = pd.Series(0.0, index=areas.index)
    for codes, value in _last_values(protected).items():
        if not set(codes) <= set(areas.index):
            raise CommonGroundError("the areas lack codes of published blocks; give those that were published.")
        own = shares.loc[list(codes)].astype(float)
        weights.loc[list(codes)] = value * own / own.sum() if own.sum() else value / len(codes)
    if protected.zones:
        return zoned_hierarchy(protected.zones, areas, weights=weights)
    return build_hierarchy(areas, weights=weights)


def zoned_hierarchy(
    zones: Mapping[str, Sequence[str]], areas: gpd.GeoDataFrame | None, *, weights: pd.Series | None = None
) -> Tree:
    """Return one tree inside each declared zone, joined (first, (second, (third, ...))).

    Parameters
    ----------
    zones : mapping of zone to area codes
        In order of importance: treated, ring, then each comparison area. A code belongs to one zone.
    areas : GeoDataFrame or None
        Without it, the codes of a zone are halved in their order.
    weights : Series, optional
        As in `build_hierarchy`.

    Raises
    ------
    CommonGroundError
        When a zone is empty or names an area that is in another zone or not among the areas.
    """
    named = [str(code) for codes in zones.values() for code in codes]
    if len(set(named)) < len(named) or not all(len(codes) for codes in zones.values()):
        raise CommonGroundError(ONE_HOME)
    if areas is not None and not set(named) <= set(areas.index):
        raise CommonGroundError("the zones name areas that the tally does not have; correct their codes.")
    trees = [
        _halves(sorted(map(str, codes))) if areas is None else build_hierarchy(areas.loc[list(codes)], weights=weights)
        for codes in zones.values()
    ]
    joined = trees[-1]
    for tree in reversed(trees[:-1]):
        joined = (tree, joined)
    return joined


def check_tree(tree: Any) -> Tree:
    """Return a tree made of pairs of codes, each named once.

    Raises
    ------
    CommonGroundError
        When it is anything else.
    """
    stack, seen = [tree], []
    while stack:
        node = stack.pop()
        if isinstance(node, tuple | list) and len(node) == 2:
            stack.extend(node)
        else:
            seen.append(node)
    if not all(isinstance(code, str) for code in seen):
        raise CommonGroundError("a hierarchy is an area code or a pair of hierarchies; write it as nested pairs.")
    if len(set(seen)) < len(seen):
        raise CommonGroundError("the hierarchy names an area twice; each area is one leaf.")
    return tree  # type: ignore[no-any-return]


def nodes(tree: Tree) -> tuple[Node, tuple[str, ...]]:
    """Return the root of a tree, and its areas in the order of the leaves."""
    order = tuple(_walk(tree))

    def number(part: Tree, low: int) -> Node:
        if isinstance(part, str):
            return Node(low, low + 1)
        one = number(part[0], low)
        other = number(part[1], one.high)
        return Node(low, other.high, (one, other))

    return number(tree, 0), order


def leaves(tree: Tree) -> tuple[str, ...]:
    """Return the area codes below a node, sorted."""
    return tuple(sorted(_walk(tree)))


def node_code(tree: Tree) -> str:
    """Return a node's code: its smallest leaf."""
    return min(_walk(tree))


def digest(tree: Tree) -> str:
    """Return the SHA-256 of the tree in canonical JSON; it goes into the ledger before anything is counted."""
    return hashlib.sha256(json.dumps(tree, separators=(",", ":")).encode()).hexdigest()


def _last_values(protected: Protected) -> dict[tuple[str, ...], int]:
    """Return what was published of each block in the last twelve months, its levels added up; 0 where nothing was."""
    last = max(span.end for span in protected.periods.values())
    longest = min(span.start for span in protected.periods.values() if span.end == last)
    first = min(longest, last - pd.DateOffset(years=1))
    values: dict[tuple[str, ...], dict[str, int]] = {}
    totals = any(not row[3] for row in protected.rows)
    for _, codes, period, levels, value, *_ in protected.rows:
        span = protected.periods[period]
        if totals and levels:
            continue
        if first <= span.start and span.end <= last:
            parts = values.setdefault(codes, {})
            parts[period] = parts.get(period, 0) + (value or 0)
    # the same people come in several quarters; a block that is shown by quarter weighs no more for that
    together = sum if protected.count == "events" else max
    return {codes: together(parts.values()) for codes, parts in values.items()}


def _next_pair(
    waiting: list[tuple[float, str, str]], weight: Mapping[str, float], touching: Mapping[str, set[str]]
) -> tuple[str, str]:
    while waiting:
        together, one, other = heapq.heappop(waiting)
        if one in weight and other in touching[one] and together == weight[one] + weight[other]:
            return one, other
    one, other = sorted(weight, key=lambda code: (weight[code], code))[:2]  # islands: nothing left that touches
    return min(one, other), max(one, other)


def _walk(tree: Tree) -> Iterator[str]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        else:
            stack.extend(reversed(node))


def _halves(codes: Sequence[str]) -> Tree:
    if len(codes) == 1:
        return codes[0]
    return (_halves(codes[: len(codes) // 2]), _halves(codes[len(codes) // 2 :]))


def _adjacency(areas: gpd.GeoDataFrame) -> dict[str, set[str]]:
    touching: dict[str, set[str]] = {str(code): set() for code in areas.index}
    if len(areas) > 1:
        graph = Graph.build_contiguity(areas, rook=False)
        for one, other in graph.adjacency.index[graph.adjacency > 0]:
            if one != other:
                touching[str(one)].add(str(other))
    return touching
