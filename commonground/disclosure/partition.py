"""Into which blocks, and which pieces of time, may areas be cut so that every piece can be shown?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from commonground.disclosure.hierarchy import Node

__all__ = ["chain", "cut", "lowest_passing", "split_time"]

TIME_TREE = ((1, 2), (3, 4))  # quarters: (Q1 Q2)(Q3 Q4), gate.md step 5


def cut(root: Node, good: Callable[[Node], bool]) -> list[Node]:
    """Split a node only if all its children pass; publish it else.

    Parameters
    ----------
    root : Node
        It has passed already.
    good : function of a node to bool

    Returns
    -------
    list of Node
        The blocks, a partition of the leaves, in their order.
    """
    blocks, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        if node.children and all(good(child) for child in node.children):
            waiting.extend(reversed(node.children))
        else:
            blocks.append(node)
    return blocks


def lowest_passing(node: Node, blocks: Collection[tuple[int, int]], good: Callable[[Node], bool]) -> list[Node] | None:
    """Return, for stricter rules, the lowest ancestors of the blocks that pass; None when not even the root does.

    Parameters
    ----------
    node : Node
    blocks : collection of (low, high)
        Leaves of each block of the cut.
    good : function of a node to bool
    """
    if (node.low, node.high) not in blocks:
        below = [lowest_passing(child, blocks, good) for child in node.children]
        if all(part is not None for part in below):
            return [block for part in below for block in part or []]
    return [node] if good(node) else None


def split_time(quarters: Sequence[int], good: Callable[[tuple[int, ...]], bool]) -> list[tuple[int, ...]]:
    """Cut a block's year along the fixed tree (Q1 Q2)(Q3 Q4); a part is split only if both halves pass.

    Parameters
    ----------
    quarters : sequence of int
        Quarters that the year has.
    good : function of quarters to bool
    """
    halves = [part for half in TIME_TREE if (part := tuple(q for q in half if q in quarters))]
    if len(halves) == 2 and not all(map(good, halves)):
        return [tuple(quarters)]
    pieces: list[tuple[int, ...]] = []
    for half in halves:
        single = [(quarter,) for quarter in half]
        pieces += single if len(single) > 1 and all(map(good, single)) else [half]
    return pieces


def chain(levels: Sequence[str], good: Callable[[Sequence[str]], bool]) -> list[tuple[str, ...]]:
    """Cut levels along their declared order: the first stands alone only if it and all the rest together pass.

    As for areas, a joined group then says nothing of who is in it. Joining just the levels that fail would: two that
    are too small alone and pass together hold somebody each.
    """
    alone: list[tuple[str, ...]] = []
    rest = list(levels)
    while len(rest) > 1 and good(rest[:1]) and good(rest[1:]):
        alone.append((rest.pop(0),))
    return [*alone, tuple(rest)]
