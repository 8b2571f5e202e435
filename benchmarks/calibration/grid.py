"""Which kinds of monthly counts are the tests tried on?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

__all__ = ["GRID", "PROCESSES", "TUNED", "UNTUNED", "Cell"]

# What `change_test` was developed on (methods, change_test) and the grid that it promises to hold its level on.
GRID = "grid"
_MEANS = (1.0, 4.0, 12.0)
_DISPERSIONS = (0.0, 0.3, 0.5)
_MEMORIES = (0.0, 0.6)
_SEASONS = (0.0, 0.4)
_LENGTHS = ((24, 6), (48, 12))
_AREAS = (0, 1, 5, 19)

# What it was not developed on: two means, both lengths, fewer numbers of comparison areas.
PROCESSES = (
    "ingarch",
    "zeros",
    "outliers",
    "level shift",
    "slow swings",
    "own trends",
    "unlike areas",
    "small areas",
)
_NEEDS_AREAS = ("unlike areas", "small areas")


@dataclass(frozen=True)
class Cell:
    """One kind of series.

    Attributes
    ----------
    process : str
        "grid", or one of `PROCESSES`.
    mean : float
        Events a month.
    dispersion : float
        d in variance = mean + d mean^2, without memory.
    memory : float
        Correlation of the swings of the log rate from month to month; 0 for no swings.
    season : float
        Height of the yearly wave, as a part of the mean.
    before, after : int
        Months.
    areas : int
        Comparison areas.
    """

    process: str
    mean: float
    dispersion: float
    memory: float
    season: float
    before: int
    after: int
    areas: int

    @property
    def name(self) -> str:
        """Say the cell in one line; seeds are made from it."""
        kind = f"{self.process}, mean {self.mean:g}, dispersion {self.dispersion:g}, memory {self.memory:g}"
        return f"{kind}, season {self.season:g}, {self.before}+{self.after} months, {self.areas} areas"


TUNED = tuple(
    Cell(GRID, mean, dispersion, memory, season, *length, areas)
    for mean, dispersion, memory, season, length, areas in product(
        _MEANS, _DISPERSIONS, _MEMORIES, _SEASONS, _LENGTHS, _AREAS
    )
)
UNTUNED = tuple(
    Cell(process, mean, 0.0, 0.0, 0.0, *length, areas)
    for process, mean, length, areas in product(PROCESSES, (4.0, 12.0), _LENGTHS, (0, 1, 5))
    if areas or process not in _NEEDS_AREAS
)
