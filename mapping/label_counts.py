"""What is known of a sum of published counts of people, when they may be the same people?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["NONE", "Count", "joined", "widened"]


class Count(NamedTuple):
    """A published count with its interval, or bounds without a value; NaN where nothing is known."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan


NONE = Count(0.0, 0.0, 0.0)


def joined(counts: Sequence[Count], *, apart: bool = False) -> Count:
    """Add up counts of people.

    Parameters
    ----------
    counts : sequence of Count
    apart : bool
        Whether nobody is in two of them. Else they are at least the largest and at most all together, without a value.

    Returns
    -------
    Count
        Nothing is known when nothing is known of one of them.

    Examples
    --------
    >>> joined([Count(20, 18, 22), Count(10, 8, 12)], apart=True)
    Count(value=30, low=26, high=34)
    >>> joined([Count(20, 18, 22), Count(10, 8, 12)])
    Count(value=nan, low=18, high=34)
    """
    if len(counts) == 1:
        return counts[0]
    if any(math.isnan(count.high) for count in counts):
        return Count()
    high = sum(count.high for count in counts)
    if apart:
        return Count(sum(count.value for count in counts), sum(count.low for count in counts), high)
    return Count(math.nan, max((count.low for count in counts), default=math.nan), high)


def widened(own: Count, mixed: Count, people: Count) -> Count:
    """Return a part of the people, with those (mixed) who may belong to it too."""
    if mixed == NONE:
        return own
    if any(math.isnan(count.high) for count in (own, mixed, people)):
        return Count()
    return Count(math.nan, own.low, min(own.high + mixed.high, people.high))
