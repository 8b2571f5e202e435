"""Answer what the two surfaces would look like if "before" and "after" were only labels.

Both halves of a pair are tallied on a lattice. A relabelling keeps every event where it is and deals the labels
out again, the same number of each (within each stratum); its surfaces are two matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from commonground.pickles import Exact
from mapping.kernels import Array, Lattice, kernel_mass, window_share
from mapping.patterns import Pattern

__all__ = ["Flags", "Ground", "Pair", "compare_with_chance", "deal_labels"]

Flags = npt.NDArray[np.bool_]

#: Density, as a share of the density of events spread evenly over the window, below which a place counts as empty
#: in both patterns. It bounds the log ratio: a Gaussian tail of 10^-40 against one of 10^-60 is not a finding.
FLOOR = 1e-4
#: Relabellings smoothed at once: few large matrix products, and memory stays below 100 MB on the finest lattice.
BATCH = 16


@dataclass(frozen=True, repr=False)
class Ground:
    """Hold the places at which densities are wanted, and what depends on the window and the bandwidth only.

    Parameters
    ----------
    inside : ndarray of bool
        Cells of the lattice of places that belong to the window.
    bandwidth : float
        Standard deviation of the kernel, metres.
    area : float
        Area of the window, square metres.
    down, across : ndarray
        Kernels from the rows of the tallies to the rows of places, and from their columns to the columns of places.
    share : ndarray
        q(u) at the places inside the window (1 without edge correction).
    roughness : ndarray
        R(u) = q at bandwidth h/sqrt(2), over 4 pi q^2, at the places inside the window.
    total : ndarray
        Integral over the window of the corrected kernel of one event, by lattice cell.
    """

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
        cls, covered: Array, lattice: Lattice, bandwidth: float, *, places: Lattice, inside: Flags, edge: bool
    ) -> Ground:
        """Integrate the kernel over the window, given the share of each lattice cell inside it, once for all."""
        share = window_share(places.x, places.y, covered, lattice, bandwidth)[inside]
        narrow = window_share(places.x, places.y, covered, lattice, bandwidth / np.sqrt(2))[inside]
        corrected = covered
        if edge:
            at_cells = window_share(lattice.x, lattice.y, covered, lattice, bandwidth)
            corrected = np.divide(covered, at_cells, out=np.zeros_like(covered), where=covered > 0)
        else:
            share, narrow = np.ones_like(share), np.ones_like(narrow)
        return cls(
            inside=inside,
            bandwidth=bandwidth,
            area=float(np.diff(lattice.y_edges) @ covered @ np.diff(lattice.x_edges)),
            down=kernel_mass(places.y, lattice.y, bandwidth),
            across=kernel_mass(lattice.x, places.x, bandwidth),
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
        rows, columns = self.down.shape[1], self.across.shape[0]
        # One large product each way for the whole batch: many small ones crawl when other work holds a core.
        lying = np.moveaxis(tallies.reshape(-1, rows, columns), 0, 1).reshape(rows, -1)
        standing = ((self.down @ lying).reshape(-1, columns) @ self.across).reshape(len(self.down), len(tallies), -1)
        surfaces: Array = np.moveaxis(standing, 0, 1)[:, self.inside]
        return surfaces, np.asarray(tallies @ self.total)

    def density(self, surface: Array, mass: Array) -> Array:
        """Return densities that integrate to 1 over the window, never below the floor."""
        return np.asarray(np.maximum(surface / (self.share * mass[..., None]), self.floor))


@dataclass(frozen=True, repr=False)
class Pair(Exact):
    """Hold the lattice tallies of one before-and-after pair.

    Parameters
    ----------
    cells : int
        Number of lattice cells.
    cell : ndarray of int
        Lattice cell of each event, before and after together, sorted within strata.
    weight : ndarray
        Weight of each event, above 0.
    before : ndarray of bool
        Whether the event belongs to the before period.
    stratum : ndarray of int
        Labels are dealt out within equal values; ascending, from 0.
    """

    cells: int
    cell: npt.NDArray[np.intp]
    weight: Array
    before: Flags
    stratum: npt.NDArray[np.intp]

    @classmethod
    def of(cls, lattice: Lattice, before: Pattern, after: Pattern) -> Pair:
        """Tally two patterns on a lattice."""
        both = before.followed_by(after)
        _, stratum = np.unique(both.stratum, return_inverse=True)
        cell, labels = lattice.cell_of(both.x, both.y), np.arange(len(both.x)) < len(before.x)
        order = np.lexsort((cell, stratum))  # neighbours in memory are neighbours on the lattice
        cells = lattice.shape[0] * lattice.shape[1]
        return cls(cells, cell[order], both.weight[order], labels[order], stratum[order])

    def tallies(self, chosen: Flags) -> Array:
        """Return the weight in each lattice cell of the chosen events, one row per row of `chosen`."""
        # Weighing by the labels costs a seventh of picking the labelled events out.
        return np.stack([np.bincount(self.cell, self.weight * row, self.cells) for row in chosen])

    def relabelled(self, permutations: int, rng: np.random.Generator) -> Iterator[Array]:
        """Yield batches of before-tallies (relabelling x cell) under labels dealt at random."""
        starts = np.flatnonzero(np.diff(self.stratum, prepend=-1))
        blocks = list(zip(starts, [*starts[1:], len(self.cell)], strict=True))
        numbers = [int(self.before[first:last].sum()) for first, last in blocks]
        for done in range(0, permutations, BATCH):
            labels = np.empty((min(BATCH, permutations - done), len(self.cell)), dtype=bool)
            for row in labels:
                for (first, last), n_before in zip(blocks, numbers, strict=True):
                    row[first:last] = deal_labels(last - first, n_before, rng)
            yield self.tallies(labels)


class _View:
    """See the pairs from one ground: everything that relabelling does not change is worked out once."""

    def __init__(self, ground: Ground, pairs: Sequence[Pair]) -> None:
        self.ground = ground
        self.everyone = [ground.smooth(pair.tallies(np.ones((1, len(pair.cell)), dtype=bool))) for pair in pairs]
        variance = [
            ground.roughness / ground.density(*everyone)[0] * _one_over_sizes(pair)
            for pair, everyone in zip(pairs, self.everyone, strict=True)
        ]
        self.error = np.sqrt(sum(variance)) / ground.bandwidth

    def statistic(self, tallies: Sequence[Array]) -> Array:
        """Return the change over its standard error, one row per relabelling, from the before-tallies of each pair."""
        change = [self._log_ratio(*both) for both in zip(tallies, self.everyone, strict=True)]
        return np.asarray((change[0] - change[1] if len(change) == 2 else change[0]) / self.error)

    def _log_ratio(self, before: Array, everyone: tuple[Array, Array]) -> Array:
        surface, mass = self.ground.smooth(before)
        # Smoothing adds up, so the after surface is what is left of everyone's.
        low = self.ground.density(surface, mass)
        high = self.ground.density(everyone[0] - surface, everyone[1] - mass)
        return np.asarray(np.log(high) - np.log(low))


def compare_with_chance(
    pairs: Sequence[Pair], pixels: Ground, watch: Ground, *, permutations: int, seed: int
) -> dict[str, Array]:
    """Compare the studentised change with what relabelled events show, place by place and over the window.

    The standard error under equal densities is sqrt(R (1/n1 + 1/n2)) / (h sqrt(pooled density)), the same for every
    relabelling. With weights, n is (sum of weights)^2 / sum of squared weights.

    Parameters
    ----------
    pairs : sequence of Pair
        The pair, or the pair and its comparison, whose change is then subtracted.
    pixels : Ground
        Places at which p-values are wanted.
    watch : Ground
        Places over which the maximum of each relabelling is taken.
    permutations, seed : int
        Number of relabellings, and the seed of them.

    Returns
    -------
    dict of ndarray
        statistic, p_asymptotic, p and p_family at the pixels inside the window.
    """
    shown = _View(pixels, pairs)
    watched = shown if watch is pixels else _View(watch, pairs)
    statistic = shown.statistic([pair.tallies(pair.before[None, :]) for pair in pairs])[0]
    size = np.abs(statistic)
    bar = size * (1 - 1e-9)  # a relabelling that reproduces the data differs from it by rounding only
    beyond, maxima = np.zeros_like(size), []
    streams = np.random.default_rng(seed).spawn(len(pairs))
    batches = [pair.relabelled(permutations, rng) for pair, rng in zip(pairs, streams, strict=True)]
    for dealt in zip(*batches, strict=True):
        relabelled = np.abs(shown.statistic(dealt))
        beyond += (relabelled >= bar).sum(axis=0)
        everywhere = relabelled if watched is shown else np.abs(watched.statistic(dealt))
        maxima.append(everywhere.max(axis=1))
    chance = {"statistic": statistic, "p_asymptotic": 2 * norm.sf(size)}
    if not permutations:
        return chance | {"p": np.full_like(size, np.nan), "p_family": np.full_like(size, np.nan)}
    above = permutations - np.searchsorted(np.sort(np.concatenate(maxima)), bar, side="left")
    p = (1 + beyond) / (1 + permutations)
    # Between the watched places a pixel may be a little more extreme than any of them; it cannot be rarer overall.
    return chance | {"p": p, "p_family": np.maximum(p, (1 + above) / (1 + permutations))}


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


def _one_over_sizes(pair: Pair) -> float:
    groups = (pair.weight[pair.before], pair.weight[~pair.before])
    return float(sum((weight**2).sum() / weight.sum() ** 2 for weight in groups))
