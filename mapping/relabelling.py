"""Answer what the two surfaces would look like if "before" and "after" were only labels.

Both halves of a pair are tallied on a lattice. A relabelling keeps every event where it is and deals the labels
out again, the same number of each (within each stratum); its surfaces are two matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from mapping.kernels import Array, Lattice, covered_share, kernel_mass, window_share
from mapping.patterns import Pattern

__all__ = ["Flags", "Ground", "Pair", "compare_with_chance", "deal_labels"]

Flags = npt.NDArray[np.bool_]

#: Density, as a share of the density of events spread evenly over the window, below which a place counts as empty
#: in both patterns. It bounds the log ratio: a Gaussian tail of 10^-40 against one of 10^-60 is not a finding.
FLOOR = 1e-4
#: Relabellings smoothed at once. Matrix products gain nothing from more, and memory stays small.
BATCH = 8


@dataclass(frozen=True)
class Ground:
    """Hold what depends on the window and the bandwidth only, shared by every pattern.

    Parameters
    ----------
    lattice : Lattice
        Where events are tallied for relabelling.
    inside : ndarray of bool
        Pixels whose centre lies inside the window.
    bandwidth : float
        Standard deviation of the kernel, metres.
    area : float
        Area of the window, square metres.
    down, across : ndarray
        Kernels from lattice rows to pixel rows, and from lattice columns to pixel columns.
    share : ndarray
        q(u) at the pixels inside the window (1 without edge correction).
    roughness : ndarray
        R(u) = q at bandwidth h/sqrt(2), over 4 pi q^2, at the pixels inside the window.
    total : ndarray
        Integral over the window of the corrected kernel of one event, by lattice cell.
    """

    lattice: Lattice
    inside: Flags
    bandwidth: float
    area: float
    down: Array
    across: Array
    share: Array
    roughness: Array
    total: Array

    @classmethod
    def lay(
        cls, window: Any, pixels: Lattice, inside: Flags, bandwidth: float, *, lattice: Lattice, edge: bool
    ) -> Ground:
        """Integrate the kernel over the window once for all relabellings."""
        covered = covered_share(window, lattice)
        share = window_share(pixels.x, pixels.y, covered, lattice, bandwidth)[inside]
        narrow = window_share(pixels.x, pixels.y, covered, lattice, bandwidth / np.sqrt(2))[inside]
        corrected = covered
        if edge:
            at_cells = window_share(lattice.x, lattice.y, covered, lattice, bandwidth)
            corrected = np.divide(covered, at_cells, out=np.zeros_like(covered), where=covered > 0)
        else:
            share, narrow = np.ones_like(share), np.ones_like(narrow)
        return cls(
            lattice=lattice,
            inside=inside,
            bandwidth=bandwidth,
            area=float(np.diff(lattice.y_edges) @ covered @ np.diff(lattice.x_edges)),
            down=kernel_mass(pixels.y, lattice.y, bandwidth),
            across=kernel_mass(lattice.x, pixels.x, bandwidth),
            share=share,
            roughness=narrow / (4 * np.pi * share**2),
            total=window_share(lattice.x, lattice.y, corrected, lattice, bandwidth).ravel(),
        )

    @property
    def floor(self) -> float:
        """Lowest density that counts as anything, per square metre."""
        return FLOOR / self.area

    def smooth(self, tallies: Array) -> tuple[Array, Array]:
        """Return the uncorrected surfaces of lattice tallies (one a row) and what each integrates to, corrected."""
        rows, columns = self.lattice.shape
        surfaces: Array = self.down @ (tallies.reshape(-1, columns) @ self.across).reshape(len(tallies), rows, -1)
        return surfaces[:, self.inside], np.asarray(tallies @ self.total)

    def density(self, surface: Array, mass: Array) -> Array:
        """Return densities that integrate to 1 over the window, never below the floor."""
        return np.asarray(np.maximum(surface / (self.share * mass[..., None]), self.floor))


@dataclass(frozen=True)
class Pair:
    """Hold one before-and-after pair on its ground.

    Parameters
    ----------
    ground : Ground
        Window, bandwidth, lattice and pixels.
    cell : ndarray of int
        Lattice cell of each event, before and after together.
    weight : ndarray
        Weight of each event, above 0.
    before : ndarray of bool
        Whether the event belongs to the before period.
    stratum : ndarray of int
        Labels are dealt out within equal values; 0 and above.
    """

    ground: Ground
    cell: npt.NDArray[np.intp]
    weight: Array
    before: Flags
    stratum: npt.NDArray[np.intp]

    @classmethod
    def of(cls, ground: Ground, before: Pattern, after: Pattern) -> Pair:
        """Tally two patterns on the ground's lattice."""
        both = before.followed_by(after)
        _, stratum = np.unique(both.stratum, return_inverse=True)
        labels = np.arange(len(both.x)) < len(before.x)
        return cls(ground, ground.lattice.cell_of(both.x, both.y), both.weight, labels, stratum)

    def log_ratio(self) -> Array:
        """Return ln f_after - ln f_before at the pixels inside the window, from the lattice tallies."""
        return self._log_ratios(self.before[None, :], self._everyone())[0]

    def standard_error(self) -> Array:
        """Return the standard error of the log ratio under equal densities.

        sqrt(R (1/n1 + 1/n2)) / (h sqrt(pooled density)); it is the same for every relabelling. With weights, n is
        (sum of weights)^2 / sum of squared weights.
        """
        pooled = self.ground.density(*self._everyone())[0]
        share = sum(_one_over_n(self.weight[group]) for group in (self.before, ~self.before))
        return np.asarray(np.sqrt(self.ground.roughness * share / pooled) / self.ground.bandwidth)

    def relabelled(self, permutations: int, rng: np.random.Generator) -> Iterator[Array]:
        """Yield batches of log ratios (relabelling x pixel) under labels dealt at random."""
        order = np.lexsort((self.cell, self.stratum))
        cell, weight, stratum = self.cell[order], self.weight[order], self.stratum[order]
        pair = Pair(self.ground, cell, weight, self.before[order], stratum)
        starts = np.flatnonzero(np.diff(stratum, prepend=-1))
        blocks = list(zip(starts, [*starts[1:], len(order)], strict=True))
        numbers = [int(pair.before[first:last].sum()) for first, last in blocks]
        everyone = pair._everyone()
        for done in range(0, permutations, BATCH):
            labels = np.empty((min(BATCH, permutations - done), len(order)), dtype=bool)
            for row in labels:
                for (first, last), n_before in zip(blocks, numbers, strict=True):
                    row[first:last] = deal_labels(last - first, n_before, rng)
            yield pair._log_ratios(labels, everyone)

    def _everyone(self) -> tuple[Array, Array]:
        return self.ground.smooth(self._tallies(np.ones((1, len(self.cell)), dtype=bool)))

    def _tallies(self, chosen: Flags) -> Array:
        cells = len(self.ground.total)
        # Weighing by the labels costs a seventh of picking the labelled events out.
        return np.stack([np.bincount(self.cell, self.weight * row, cells) for row in chosen])

    def _log_ratios(self, before: Flags, everyone: tuple[Array, Array]) -> Array:
        surface, mass = self.ground.smooth(self._tallies(before))
        # Smoothing adds up, so the after surface is what is left of everyone's.
        low, high = self.ground.density(surface, mass), self.ground.density(everyone[0] - surface, everyone[1] - mass)
        return np.asarray(np.log(high) - np.log(low))


def compare_with_chance(pairs: list[Pair], permutations: int, seed: int) -> dict[str, Array]:
    """Compare the studentised change with what relabelled events show, place by place and over the window.

    Parameters
    ----------
    pairs : list of Pair
        The pair, or the pair and its comparison, whose change is then subtracted.
    permutations, seed : int
        Number of relabellings, and the seed of them.

    Returns
    -------
    dict of ndarray
        statistic, p_asymptotic, p and p_family at the pixels inside the window.
    """

    def contrast(values: Sequence[Array]) -> Array:
        return values[0] - values[1] if len(values) == 2 else values[0]

    error = np.sqrt(sum(pair.standard_error() ** 2 for pair in pairs))
    statistic = contrast([pair.log_ratio() for pair in pairs]) / error
    size = np.abs(statistic)
    bar = size * (1 - 1e-9)  # a relabelling that reproduces the data differs from it by rounding only
    beyond = np.zeros_like(size)
    largest = []
    streams = np.random.default_rng(seed).spawn(len(pairs))
    batches = [pair.relabelled(permutations, rng) for pair, rng in zip(pairs, streams, strict=True)]
    for dealt in zip(*batches, strict=True):
        relabelled = np.abs(contrast(dealt) / error)
        beyond += (relabelled >= bar).sum(axis=0)
        largest.append(relabelled.max(axis=1))
    chance = {"statistic": statistic, "p_asymptotic": 2 * norm.sf(size)}
    if not permutations:
        return chance | {"p": np.full_like(size, np.nan), "p_family": np.full_like(size, np.nan)}
    maxima = np.sort(np.concatenate(largest))
    above = permutations - np.searchsorted(maxima, bar, side="left")
    return chance | {"p": (1 + beyond) / (1 + permutations), "p_family": (1 + above) / (1 + permutations)}


def deal_labels(n: int, n_before: int, rng: np.random.Generator) -> Flags:
    """Label exactly `n_before` of `n` events, every choice equally likely.

    Each event is labelled by an independent coin first; then as many events, chosen at random, change sides as
    the coin was off. Every step treats all events alike, so all subsets of the final size are equally likely, and
    it is several times faster than shuffling.
    """
    labels = rng.random(n, dtype=np.float32) < n_before / n
    surplus = int(np.count_nonzero(labels)) - n_before
    if surplus:
        side = surplus > 0
        swap = rng.choice(np.flatnonzero(labels == side), abs(surplus), replace=False, shuffle=False)
        labels[swap] = not side
    return np.asarray(labels)


def _one_over_n(weight: Array) -> float:
    return float((weight**2).sum() / weight.sum() ** 2)
