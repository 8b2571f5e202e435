"""In what fixed order are areas joined, decided before the data are looked at?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
from libpysal.graph import Graph

from commonground.errors import CommonGroundError

__all__ = ["Tree", "build_hierarchy", "digest", "leaves", "node_code", "zoned_hierarchy"]

Tree = str | tuple[Any, Any]
"""An area code, or a pair of trees."""


def build_hierarchy(areas: gpd.GeoDataFrame, *, weights: pd.Series | None = None) -> Tree:
    """Join, again and again, the adjacent pair of smallest summed weight.

    Parameters
    ----------
    areas : GeoDataFrame
        Indexed by area code.
    weights : Series, optional
        Addresses or residents by area code (default: the population column, or 1 each). Never taken from the data that
        are to be released.

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
    touching = _adjacency(areas)
    nodes: dict[str, Tree] = {str(code): str(code) for code in areas.index}
    weight = {str(code): float(value) for code, value in size.items()}
    while len(nodes) > 1:
        pairs = ((a, b) for a in nodes for b in touching[a] if a < b)
        first, second = min(pairs, key=lambda p: (weight[p[0]] + weight[p[1]], p), default=("", ""))
        if not first:  # islands: nothing left that touches
            codes = sorted(nodes, key=lambda code: (weight[code], code))[:2]
            first, second = min(codes), max(codes)
        nodes[first] = (nodes[first], nodes.pop(second))
        weight[first] += weight.pop(second)
        touching[first] = (touching[first] | touching.pop(second)) - {first, second}
        for neighbours in touching.values():
            if second in neighbours:
                neighbours.discard(second)
                neighbours.add(first)
        touching[first].discard(first)
    return next(iter(nodes.values()))


def zoned_hierarchy(zones: Mapping[str, Sequence[str]], areas: gpd.GeoDataFrame | None) -> Tree:
    """Return one tree inside each declared zone, joined (first, (second, (third, ...))).

    Parameters
    ----------
    zones : mapping of zone to area codes
        In order of importance: treated, ring, then each comparison area. A code belongs to one zone.
    areas : GeoDataFrame or None
        Without it, the codes of a zone are joined in their order.
    """
    seen: set[str] = set()
    for codes in zones.values():
        twice = seen & set(codes)
        if twice or not codes:
            raise CommonGroundError(
                "each area belongs to one zone and no zone is empty; correct the zones of the study."
            )
        seen |= set(codes)
    trees = []
    for codes in zones.values():
        if areas is not None:
            trees.append(build_hierarchy(areas.loc[list(codes)]))
        else:
            trees.append(_chain(sorted(codes)))
    return _chain(trees)


def leaves(tree: Tree) -> tuple[str, ...]:
    """Return the area codes below a node, sorted."""
    return tuple(sorted(_walk(tree)))


def node_code(tree: Tree) -> str:
    """Return a node's code: its smallest leaf."""
    return min(_walk(tree))


def digest(tree: Tree) -> str:
    """Return the SHA-256 of the tree in canonical JSON; it goes into the ledger before anything is counted."""
    return hashlib.sha256(json.dumps(tree, separators=(",", ":")).encode()).hexdigest()


def _walk(tree: Tree) -> Iterator[str]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        else:
            stack.extend(node)


def _chain(trees: Sequence[Tree]) -> Tree:
    joined = trees[-1]
    for tree in reversed(trees[:-1]):
        joined = (tree, joined)
    return joined


def _adjacency(areas: gpd.GeoDataFrame) -> dict[str, set[str]]:
    touching: dict[str, set[str]] = {str(code): set() for code in areas.index}
    if len(areas) > 1:
        graph = Graph.build_contiguity(areas, rook=False)
        for one, other in graph.adjacency.index[graph.adjacency > 0]:
            if one != other:
                touching[str(one)].add(str(other))
    return touching
