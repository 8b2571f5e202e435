"""How much does a release show, beside what hiding small areas would have shown?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commonground.disclosure.protected import Protected

__all__ = ["Utility", "utility"]


@dataclass(frozen=True)
class Utility:
    """What one release shows of its first period, worked out from its labels only.

    Parameters
    ----------
    people_low, people_high : int
        Between them lies the number counted (people, once per block; or events), over all blocks and levels.
    blocks, areas : int
        Of the first published period.
    areas_per_block : float
        Mean.
    largest_block : int
        Areas in the largest block.
    plain_fewest, plain_most : int
        Between them lies the number of areas that hiding small ones would have shown.
    hidden : int
        Blocks without a value; not in people_low and people_high.
    unit : str
        What is counted, in words.
    period : str
        The period that is described.
    """

    people_low: int
    people_high: int
    blocks: int
    areas: int
    areas_per_block: float
    largest_block: int
    plain_fewest: int
    plain_most: int
    hidden: int = 0
    unit: str = "people, once per block"
    period: str = ""

    def summary(self) -> str:
        """Say who is represented in how many blocks, and how many areas would be left if small ones were hidden."""
        many = f"{self.plain_fewest} to {self.plain_most}" if self.plain_fewest < self.plain_most else self.plain_most
        without = f" ({self.hidden} of them without a value)" if self.hidden else ""
        return (
            f"{self.areas} areas are shown in {self.blocks} blocks{without}, {self.areas_per_block:.1f} areas a block "
            f"on the mean and {self.largest_block} at most: {self.people_low} to {self.people_high} "
            f"{self.unit}, {self.period}. Hiding small areas instead would have shown {many} of the areas, and nobody "
            "in the others."
        )


def utility(protected: Protected) -> Utility:
    """Compare a release with hiding small areas, from its labels only.

    Parameters
    ----------
    protected : Protected

    Returns
    -------
    Utility
        Of the first published year (or phase).

    Notes
    -----
    How many areas plain suppression would have shown exactly says how many areas lie below k, so a release says only
    the range that its labels leave: an area that is a block is shown by both; of a block of m areas and at most h
    people, between 0 and min(m - 1, h // k), because a block whose areas all pass would have been split. The upper end
    takes it that few people are in several areas of one block: everybody who is may count towards each of them.
    """
    first = min(protected.periods.values(), key=lambda span: (span.start, -span.days))
    rows = [row for row in protected.rows if protected.periods[row[2]].overlaps(first)]
    sizes = {row[0]: len(row[1]) for row in rows}
    k = max(protected.k, 1)
    totals = any(not row[3] for row in rows)
    low, high, hidden, plain = 0, 0, 0, 0
    for block, size in sizes.items():
        cells = [row for row in rows if row[0] == block and (not row[3] or not totals)]
        shown = [row for row in cells if row[4] is not None]
        hidden += not shown
        most = sum(row[6] or 0 for row in shown)
        least = (row[5] or 0 for row in shown)
        low += sum(least) if protected.count == "events" else max(least, default=0)
        high += most
        # without a value nothing is known but that it was not split
        plain += 1 if size == 1 else min(size - 1, most // k) if shown else size - 1
    alone = sum(size == 1 for size in sizes.values())
    units = {"events": "events", "persons": "people, once per block", "premises": "premises, once per block"}
    return Utility(
        people_low=low,
        people_high=high,
        blocks=len(sizes),
        areas=sum(sizes.values()),
        areas_per_block=sum(sizes.values()) / len(sizes),
        largest_block=max(sizes.values()),
        plain_fewest=alone,
        plain_most=plain,
        hidden=hidden,
        unit=units.get(protected.count, protected.count),
        period=next(name for name, span in protected.periods.items() if span == first),
    )
