"""What would have come out, had the labels before and after been dealt to the events by chance?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.pickles import Exact
from mapping.patterns import Pattern

__all__ = ["MOST_BINS", "Deck", "chance_of", "deck_of_places", "deck_of_values"]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Bins among which labels are dealt; more events than this are put together first, which costs a thousandth of their
#: spread and makes 9,999 relabellings of 100,000 events a matter of seconds.
MOST_BINS = 1_000
CHUNK = 500  # relabellings held at once: 8 MB


@dataclass(frozen=True, repr=False, eq=False)
class Deck(Exact):
    """Events of two periods in bins; those of one bin are alike, so that only numbers need to be dealt.

    Parameters
    ----------
    values : ndarray, features x bins
        What is known of each bin, such as x and y.
    before, after : ndarray of int, bins
    stratum : ndarray of int, bins
        Labels are dealt within a stratum only.
    binned : bool
        Whether events that are not alike share a bin.
    """

    values: Array
    before: Counts
    after: Counts
    stratum: npt.NDArray[np.intp]
    binned: bool

    def __repr__(self) -> str:
        return "Deck(...)"

    def deals(self, permutations: int, rng: np.random.Generator) -> Iterator[Counts]:
        """Yield, in chunks of relabellings x bins, how many events of each bin are called after."""
        every = self.before + self.after
        for first in range(0, permutations, CHUNK):
            size = min(CHUNK, permutations - first)
            dealt = np.zeros((size, len(every)), dtype=np.int64)
            for stratum in np.unique(self.stratum):
                mine = self.stratum == stratum
                dealt[:, mine] = rng.multivariate_hypergeometric(
                    every[mine], int(self.after[mine].sum()), size=size, method="marginals"
                )
            yield dealt


def deck_of_places(before: Pattern, after: Pattern) -> Deck:
    """Put events into bins by place and stratum: each place its own bin, or cells of a lattice where there are many."""
    both, label, stratum = _together(before, after)
    places = np.stack([both.x, both.y, stratum])
    _, bins = np.unique(places, axis=1, return_inverse=True)
    binned = bins.max() >= MOST_BINS
    if binned:
        strata = len(np.unique(stratum))
        side = max(np.ptp(both.x), np.ptp(both.y)) / max(int(np.sqrt(MOST_BINS / strata)), 1)
        column, row = (np.floor((axis - axis.min()) / side) for axis in (both.x, both.y))
        _, bins = np.unique(np.stack([column, row, stratum]), axis=1, return_inverse=True)
    return _deck(np.stack([both.x, both.y]), bins.ravel(), label, stratum, binned=bool(binned))


def deck_of_values(
    before: Sequence[float] | Array, after: Sequence[float] | Array, strata: tuple[npt.NDArray[np.intp], ...]
) -> Deck:
    """Put events into bins by one value and stratum; bins are in the order of the value."""
    values = np.concatenate([np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)])
    label = np.repeat([False, True], [len(before), len(after)])
    stratum = np.concatenate(strata)
    distinct, rank = np.unique(values, return_inverse=True)
    most = max(MOST_BINS // len(np.unique(stratum)), 1)
    binned = len(distinct) > most
    if binned:
        rank = np.argsort(np.argsort(values, kind="stable"), kind="stable") * most // len(values)
    _, bins = np.unique(np.stack([rank, stratum]), axis=1, return_inverse=True)
    return _deck(values[None, :], bins.ravel(), label, stratum, binned=binned)


def chance_of(
    decks: Sequence[Deck], statistics: Callable[[Sequence[tuple[Array, Array]]], Array], permutations: int, seed: int
) -> Array:
    """Return the share of relabellings whose statistic is at least as far from none as the one seen.

    Parameters
    ----------
    decks : sequence of Deck
        One, or one and its comparison's.
    statistics : callable
        Of a (before, after) pair of counts (relabellings x bins) for each deck; returns relabellings x statistics, each
        0 for no difference and larger (in absolute value) for more.
    permutations, seed : int

    Returns
    -------
    ndarray
        (1 + relabellings at least as extreme) / (1 + relabellings) for each statistic; NaN without relabellings.
    """
    seen = np.abs(
        statistics([(deck.before[None, :].astype(float), deck.after[None, :].astype(float)) for deck in decks])
    )
    if not permutations:
        return np.full(seen.shape[1], np.nan)
    generators = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(len(decks))]
    dealt = [deck.deals(permutations, rng) for deck, rng in zip(decks, generators, strict=True)]
    extreme = np.zeros(seen.shape[1])
    slack = seen[0] * (1 - 1e-12) - 1e-12  # equal but for the last bit counts as equal
    for chunks in zip(*dealt, strict=True):
        pairs = [
            ((deck.before + deck.after - after).astype(float), after.astype(float))
            for deck, after in zip(decks, chunks, strict=True)
        ]
        extreme += (np.abs(statistics(pairs)) >= slack).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + permutations))


def _together(before: Pattern, after: Pattern) -> tuple[Pattern, npt.NDArray[np.bool_], npt.NDArray[np.intp]]:
    both = before.followed_by(after)
    _, stratum = np.unique(both.stratum, return_inverse=True)
    return both, np.repeat([False, True], [len(before.x), len(after.x)]), stratum.ravel()


def _deck(
    values: Array,
    bins: npt.NDArray[np.intp],
    label: npt.NDArray[np.bool_],
    stratum: npt.NDArray[np.intp],
    *,
    binned: bool,
) -> Deck:
    many = int(bins.max()) + 1
    every = np.bincount(bins, minlength=many)
    after = np.bincount(bins[label], minlength=many)
    means = np.stack([np.bincount(bins, weights=row, minlength=many) / every for row in values])
    _, first = np.unique(bins, return_index=True)
    return Deck(means, (every - after).astype(np.int64), after.astype(np.int64), stratum[first], binned)
