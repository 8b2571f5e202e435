"""From how many people to how many?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from commonground.pickles import Exact

__all__ = ["Range"]


@dataclass(frozen=True, repr=False)
class Range(Exact):
    """Hold two ends of a range of people; it unpacks into them.

    Parameters
    ----------
    low, high : float
        People; high may be infinite.
    """

    low: float
    high: float

    def __repr__(self) -> str:
        return "Range(...; .low and .high)"

    def __iter__(self) -> Iterator[float]:
        return iter((self.low, self.high))

    def __contains__(self, people: float) -> bool:
        return self.low <= people <= self.high

    def __getitem__(self, end: int) -> float:
        return (self.low, self.high)[end]
