"""How long must two lists be before their overlap says how many people there are?"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, nchypergeom_fisher

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.two_lists import logit_interval

__all__ = ["LEAST_OVERLAP", "OverlapPlan", "plan_overlap"]

LEAST_OVERLAP = 20  # gate.md, step 13: below it nothing is published
ENOUGH = 0.8  # chance with which a plan should reach its overlap; the usual power
DRAWS = 2_000
LARGEST = 1_000_000  # people; the exact distribution of an overlap is slow beyond it
PAIRS = [
    "first", "second", "population", "size_first", "size_second", "expected", "chance_enough", "low", "high",
    "relative_width", "simulated_expected", "simulated_held", "simulated_width",
]  # fmt: skip
NEEDED = ["first", "second", "population", "aim", "size_first", "size_second", "second_alone"]
_REFUSED = "the overlap cannot be planned"


@dataclass(frozen=True, repr=False)
class OverlapPlan(Exact):
    """Hold what planned lists can be expected to say, before any is collected.

    Parameters
    ----------
    pairs : DataFrame
        One row per pair of lists and end of the guess: first, second, population, size_first, size_second, expected
        (people on both), chance_enough (of at least `least` on both), low, high and relative_width of the interval at
        the expected overlap, and what a simulation finds: simulated_expected, simulated_held (share of intervals that
        hold the guess), simulated_width (median).
    needed : DataFrame
        Lists that would do: first, second, population, aim, size_first, size_second (both longer or shorter by one
        factor), second_alone (the second, if the first stays as it is). NaN where no list is long enough.
    least : int
        Overlap aimed at.
    odds_ratio : float
        Dependence that was planned for.
    notes : tuple of str
        What must be kept in mind.
    """

    pairs: pd.DataFrame
    needed: pd.DataFrame
    least: int
    odds_ratio: float
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "OverlapPlan(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pair of lists and end of the guess."""
        return self.pairs.copy()

    def summary(self) -> str:
        """Say what each pair would show, and how long the lists must be."""
        lines = []
        for row in self.pairs.to_dict("records"):
            lines.append(
                f"{row['first']} and {row['second']}, were there {row['population']:,.0f} people: about "
                f"{row['expected']:,.0f} on both; {row['chance_enough']:.0%} chance of {self.least} or more; a range "
                f"of about {row['low']:,.0f} to {row['high']:,.0f}."
            )
        for row in self.needed.to_dict("records"):
            both = (
                f"{row['size_first']:,.0f} and {row['size_second']:,.0f} people"
                if row["size_first"] > 0
                else "no lists"
            )
            lines.append(f"For {row['aim']} with {row['population']:,.0f} people: {both} would do.")
        return "\n".join([*lines, *self.notes])


def plan_overlap(
    population: float | tuple[float, float],
    sizes: Mapping[str, int],
    *,
    odds_ratio: float = 1.0,
    least: int = LEAST_OVERLAP,
    width: float | None = None,
    seed: int = 0,
) -> OverlapPlan:
    """Plan how many people two or more lists must hold for their overlaps to be worth counting.

    Expected overlap of independent lists: n1 n2 / N; otherwise the mean of Fisher's noncentral hypergeometric.

    Parameters
    ----------
    population : float or (low, high)
        A guess of how many people there are. With a range, both ends are planned for.
    sizes : mapping of str to int
        People that each list is planned to hold, different people each counted once.
    odds_ratio : float
        Between being on one list and on the other: above 1 the same people are met twice, and the interval sits too
        low; below 1 too high.
    least : int
        Overlap aimed at, reached with a chance of .8.
    width : float, optional
        Width of the interval aimed at, as a share of the guess: 0.5 is 400 people wide were there 800. The overlap
        aimed at is needed as well: below it an interval may be narrow and far from the truth.
    seed : int
        For the simulation of 2,000 pairs of lists.

    Returns
    -------
    OverlapPlan

    Raises
    ------
    RecordsError
        A guess, size, odds ratio, overlap or width that is not above 0, a list longer than the guess, one list only.

    Notes
    -----
    Intervals are those of two lists (Sadinle 2009); with three lists and more they can be narrower, and dependence can
    be looked at. People who differ in how visible they are behave like an odds ratio above 1. A longer window makes
    lists longer, and people come and go in it: at most 12 months.

    References
    ----------
    Robson and Regier (1964), Transactions of the American Fisheries Society 93:215; Sadinle (2009), Communications in
    Statistics - Simulation and Computation 38:1909.

    Examples
    --------
    >>> plan = plan_overlap(800, {"outreach": 120, "clinic": 100})
    >>> plan.pairs["expected"].tolist(), plan.needed["second_alone"].tolist()
    ([15.0], [153.0])
    """
    guesses = population if isinstance(population, tuple) else (population,)
    sizes = sizes if isinstance(sizes, Mapping) else {}
    problems = _problems(guesses, sizes, {"`odds_ratio`": odds_ratio, "`least`": least, "`width`": width})
    if problems:
        raise RecordsError(_REFUSED, problems)
    rng = np.random.default_rng(seed)
    pairs, needed = [], []
    for (a, b), guess in itertools.product(itertools.combinations(sizes, 2), dict.fromkeys(guesses)):
        overlap = _Overlap(round(guess), odds_ratio)
        first, second = int(sizes[a]), int(sizes[b])
        names = (a, b, float(round(guess)))
        pairs.append(
            (*names, first, second, *_expected(overlap, first, second, least), *_simulated(overlap, first, second, rng))
        )
        needed.append((*names, f"an overlap of {least}", *_needed(overlap, first, second, overlap.reaches(least))))
        if width is not None:
            aim = f"a range {width:.0%} as wide as the guess"
            needed.append((*names, aim, *_needed(overlap, first, second, overlap.narrows_to(width, least))))
    return OverlapPlan(
        pairs=pd.DataFrame(pairs, columns=PAIRS),
        needed=pd.DataFrame(needed, columns=NEEDED),
        least=least,
        odds_ratio=odds_ratio,
        notes=_said(odds_ratio),
    )


class _Overlap:
    """How many people two lists share, of so many in all."""

    def __init__(self, people: int, odds_ratio: float) -> None:
        self.people, self.odds_ratio = people, odds_ratio

    def spread(self, first: int, second: int) -> Any:
        if self.odds_ratio == 1:
            return hypergeom(self.people, first, second)
        return nchypergeom_fisher(self.people, first, second, self.odds_ratio)

    def mean(self, first: int, second: int) -> float:
        if self.odds_ratio == 1:
            return first * second / self.people
        return float(nchypergeom_fisher.mean(self.people, first, second, self.odds_ratio))

    def interval(self, first: int, second: int, both: float) -> tuple[float, float]:
        return logit_interval(both, first - both, second - both)

    def reaches(self, least: int) -> Any:
        def enough(first: int, second: int) -> bool:
            return bool(min(first, second) >= least and self.spread(first, second).sf(least - 1) >= ENOUGH)

        return enough

    def narrows_to(self, width: float, least: int) -> Any:
        enough = self.reaches(least)

        def narrow(first: int, second: int) -> bool:
            low, high = self.interval(first, second, self.mean(first, second))
            return bool(high - low <= width * self.people and enough(first, second))

        return narrow


def _problems(guesses: tuple[float, ...], sizes: Mapping[str, int], above: Mapping[str, Any]) -> list[Problem]:
    def number(value: Any) -> bool:
        return isinstance(value, int | float | np.number) and bool(0 < value < math.inf)

    known = bool(guesses) and all(number(guess) for guess in guesses)
    people = all(number(size) and size % 1 == 0 for size in sizes.values())
    fits = not (known and people) or max(sizes.values(), default=0) <= min(guesses)
    small = not known or max(guesses) <= LARGEST
    checks = [
        ("`population`", known, "a number of people above 0 is needed", "Guess low and high; the plan shows both."),
        ("`population`", small, f"at most {LARGEST:,} people can be planned for", "Plan for one place."),
        ("`sizes`", len(sizes) >= 2, "two lists or more are needed", "Pass {name: people}; one list has no overlap."),
        ("`sizes`", people, "whole numbers of people above 0 are needed", "Count people, not contacts."),
        ("`sizes`", fits, "a list is longer than the population guessed", "Guess higher, or plan shorter lists."),
    ]
    checks += [
        (name, value is None or number(value), "a number above 0 is needed", "See the help of plan_overlap.")
        for name, value in above.items()
    ]
    return [Problem(None, name, rule, advice) for name, fine, rule, advice in checks if not fine]


def _expected(overlap: _Overlap, first: int, second: int, least: int) -> tuple[float, ...]:
    spread = overlap.spread(first, second)
    both = overlap.mean(first, second)
    low, high = overlap.interval(first, second, both)
    return both, float(spread.sf(least - 1)), low, high, (high - low) / overlap.people


def _simulated(overlap: _Overlap, first: int, second: int, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw overlaps and look how often their intervals hold the number that they were drawn with."""
    both = overlap.spread(first, second).rvs(DRAWS, random_state=rng)
    values, times = np.unique(both, return_counts=True)
    ends = np.array([overlap.interval(first, second, float(m)) for m in values])
    held = (ends[:, 0] <= overlap.people) & (overlap.people <= ends[:, 1])
    widths = np.repeat(ends[:, 1] - ends[:, 0], times) / overlap.people
    return float(both.mean()), float(held @ times / DRAWS), float(np.median(widths))


def _needed(overlap: _Overlap, first: int, second: int, enough: Any) -> tuple[float, float, float]:
    """Return the shortest lists that are long enough: both by one factor, and the second alone."""
    longest = overlap.people / max(first, second)

    def both(step: int) -> tuple[int, int]:
        factor = longest * step / 10_000
        return max(1, math.ceil(first * factor - 1e-9)), max(1, math.ceil(second * factor - 1e-9))

    step = _least(lambda step: enough(*both(step)), 10_000)
    alone = _least(lambda size: enough(first, size), overlap.people)
    sizes = (math.nan, math.nan) if step is None else both(step)
    return *sizes, math.nan if alone is None else float(alone)


def _least(enough: Any, most: int) -> int | None:
    """Return the least number from 1 to `most` that is enough, if being enough does not end."""
    if not enough(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _said(odds_ratio: float) -> tuple[str, ...]:
    notes = ["Plan for the high guess: the more people there are, the fewer are on both lists."]
    if odds_ratio != 1:
        way = "low" if odds_ratio > 1 else "high"
        notes.append(f"The lists depend on each other as planned: ranges of two lists then sit too {way}.")
    else:
        notes.append("This takes lists as independent. Two lists alone cannot show whether they are; a third can help.")
    notes.append("No length of list makes up for people whom no list can see.")
    return tuple(notes)
