"""What do months without any change look like, and what do they look like when the rate is halved?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.grid import Cell

__all__ = ["dispersed", "draw", "ingarch", "swings"]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Generator = np.random.Generator

# A swing of one standard deviation is half a log unit: 60 % up or 40 % down. With a correlation of .6 that is .4 new
# every month.
_SWING = 0.5
_FEEDBACK, _PERSISTENCE, _BURN_IN = 0.3, 0.5, 200
_EMPTY = 0.3
_OUTLIERS, _FOURFOLD = 0.05, 4.0
_JUMP = np.log(1.5)
_SLOW = 0.9
_TREND = 0.015


def draw(cell: Cell, ratio: float, rng: Generator) -> Counts:
    """Draw one study: the operation area in the first column, comparison areas in the others.

    A change is made by keeping each event of the months after with chance `ratio`: for counts that are Poisson given
    their rate it is the same as multiplying the rate, and it means the same for every process.

    Parameters
    ----------
    cell : Cell
    ratio : float
        True ratio, 0 to 1; 1 is no change.
    rng : Generator

    Returns
    -------
    integers, (before + after, 1 + areas)
    """
    counts = _PROCESSES[cell.process](cell, rng)
    if ratio < 1:
        counts[cell.before :, 0] = rng.binomial(counts[cell.before :, 0], ratio)
    return counts


def dispersed(rate: Array, dispersion: float, rng: Generator) -> Counts:
    """Draw counts of this mean and of variance mean + dispersion x mean^2 (negative binomial; Poisson at 0)."""
    if dispersion:
        rate = rng.gamma(1 / dispersion, rate * dispersion)
    return np.asarray(rng.poisson(rate))


def swings(shape: tuple[int, int], memory: float, rng: Generator) -> Array:
    """Draw factors of mean 1 whose log follows a stationary AR(1) of standard deviation .5, one column an area."""
    noise = rng.normal(size=shape) * _SWING
    level = np.empty(shape)
    level[0] = noise[0]
    for t in range(1, shape[0]):
        level[t] = memory * level[t - 1] + np.sqrt(1 - memory**2) * noise[t]
    return np.asarray(np.exp(level - _SWING**2 / 2))


def ingarch(shape: tuple[int, int], mean: float, rng: Generator) -> Counts:
    """Draw counts whose rate is the mean's share + .3 x the last count + .5 x the last rate (Ferland et al. 2006)."""
    rate = np.full(shape[1], mean)
    counts = np.empty((_BURN_IN + shape[0], shape[1]), dtype=np.int64)
    for row in counts:
        row[:] = rng.poisson(rate)
        rate = (1 - _FEEDBACK - _PERSISTENCE) * mean + _FEEDBACK * row + _PERSISTENCE * rate
    return counts[_BURN_IN:]


def _shape(cell: Cell) -> tuple[int, int]:
    return cell.before + cell.after, 1 + cell.areas


def _signs(cell: Cell, rng: Generator) -> Array:
    return rng.choice([-1.0, 1.0], size=1 + cell.areas)


def _grid(cell: Cell, rng: Generator) -> Counts:
    """Dispersed counts with swings of each area's own and one season for all, of a random phase."""
    months = np.arange(cell.before + cell.after)[:, None]
    wave = 1 + cell.season * np.sin(2 * np.pi * (months / 12 + rng.random()))
    rate = cell.mean * wave * np.ones(_shape(cell))
    if cell.memory:
        rate = rate * swings(_shape(cell), cell.memory, rng)
    return dispersed(rate, cell.dispersion, rng)


def _ingarch(cell: Cell, rng: Generator) -> Counts:
    return ingarch(_shape(cell), cell.mean, rng)


def _zeros(cell: Cell, rng: Generator) -> Counts:
    present = rng.random(_shape(cell)) >= _EMPTY
    return np.asarray(rng.poisson(cell.mean / (1 - _EMPTY) * present))


def _outliers(cell: Cell, rng: Generator) -> Counts:
    """Poisson months, some with a rate four times as high; the mean is kept."""
    factor = np.where(rng.random(_shape(cell)) < _OUTLIERS, _FOURFOLD, 1.0)
    return np.asarray(rng.poisson(cell.mean * factor / (1 + _OUTLIERS * (_FOURFOLD - 1))))


def _level_shift(cell: Cell, rng: Generator) -> Counts:
    months, areas = _shape(cell)
    later = np.arange(months)[:, None] >= rng.integers(1, months, size=areas)
    return np.asarray(rng.poisson(cell.mean * np.exp(_JUMP * _signs(cell, rng) * later)))


def _slow_swings(cell: Cell, rng: Generator) -> Counts:
    return np.asarray(rng.poisson(cell.mean * swings(_shape(cell), _SLOW, rng)))


def _own_trends(cell: Cell, rng: Generator) -> Counts:
    months = np.arange(cell.before + cell.after)[:, None]
    return np.asarray(rng.poisson(cell.mean * np.exp(_TREND * _signs(cell, rng) * (months - months.mean()))))


def _unlike_areas(cell: Cell, rng: Generator) -> Counts:
    counts = rng.poisson(cell.mean, _shape(cell))
    own = cell.mean * swings((len(counts), 1), 0.6, rng)
    counts[:, :1] = dispersed(own, 0.5, rng)
    return np.asarray(counts)


def _small_areas(cell: Cell, rng: Generator) -> Counts:
    rate = np.ones(_shape(cell))
    rate[:, 0] = cell.mean
    return dispersed(rate, 0.3, rng)


_PROCESSES: dict[str, Callable[[Cell, Generator], Counts]] = {
    "grid": _grid,
    "ingarch": _ingarch,
    "zeros": _zeros,
    "outliers": _outliers,
    "level shift": _level_shift,
    "slow swings": _slow_swings,
    "own trends": _own_trends,
    "unlike areas": _unlike_areas,
    "small areas": _small_areas,
}
