"""What would have come out, had the labels before and after been dealt to the events by chance?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.patterns import Pattern

__all__ = ["MOST_BINS", "Deck", "chance_of", "deck_of_places", "deck_of_values"]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Bins among which labels are dealt; more places than this are put together first, which costs little of their spread
#: and makes 9,999 relabellings of 100,000 events a matter of seconds.
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
    """Put events into bins by place and stratum: each place its own bin, or cells of ground where there are many.

    The cell in which events are spread most is cut at their mean, again and again: cells of equal size would hold a
    whole town in one where a few events lie far out, and those of equal number would lose the spread of the far ones.
    """
    both, label, stratum = _together(before, after)
    places, bins, many = np.unique(np.stack([both.x, both.y, stratum]), axis=1, return_inverse=True, return_counts=True)
    bins = bins.ravel()
    binned = len(many) > MOST_BINS
    if binned:
        cell = _cells(places[:2], many, max(MOST_BINS // len(np.unique(stratum)), 1))
        _, bins = np.unique(np.stack([cell[bins], stratum]), axis=1, return_inverse=True)
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
        rank = _even(values, most)
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

    Raises
    ------
    RecordsError
        When the number of relabellings is below 0.
    """
    if permutations < 0:
        problem = Problem(None, "permutations", "a number from 0 up is needed", "pass 9999, or 0 for no p")
        raise RecordsError("chance cannot be allowed for", [problem])
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


def _cells(places: Array, many: Counts, most: int) -> npt.NDArray[np.intp]:
    """Return the cell of each place, of at most so many; events of one place stay together, whichever their period."""
    cell, everywhere = np.zeros(len(many), dtype=np.intp), np.arange(len(many))
    heap = [(*_spread(places, many), 0, everywhere)]
    for number in range(1, most):
        negative, axis, old, mine = heappop(heap)
        if not negative:
            break  # no cell holds more than one place
        value = places[axis, mine]
        far = value > np.average(value, weights=many[mine])
        if far.all() or not far.any():  # by rounding
            far = value == value.max()
        for name, part in ((old, mine[~far]), (number, mine[far])):
            cell[part] = name
            heappush(heap, (*_spread(places[:, part], many[part]), name, part))
    return cell


def _spread(places: Array, many: Counts) -> tuple[float, int]:
    """Return minus the sum of squares along the axis where it is larger, and that axis."""
    squares = (places - (places @ many / many.sum())[:, None]) ** 2 @ many
    squares[np.ptp(places, axis=1) == 0] = 0.0
    axis = int(squares.argmax())
    return -float(squares[axis]), axis


def _even(values: Array, parts: int) -> npt.NDArray[np.intp]:
    """Cut values into parts of about as many events; equal values stay together, whichever period they are of."""
    _, rank, many = np.unique(values, return_inverse=True, return_counts=True)
    below = np.cumsum(many) - many / 2
    return np.asarray((below * parts // len(values))[rank], dtype=np.intp)


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
