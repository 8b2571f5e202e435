"""How many people are there, those on no list among them: in what range, and may that range be used?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.answers import Answer, answer_of_many, answer_of_two
from mapping.bootstraps import floor_limit
from mapping.consistency import linkage_range, self_test
from mapping.ranges import Range
from mapping.selecting import PRICES
from mapping.sightings import ListFacts, Sightings, read_histories
from mapping.two_lists import chao_floor, dependence_band
from mapping.verdicts import Evidence, gates, judge

__all__ = ["ListFacts", "PopulationSize", "Range", "population_size"]

LEVEL = 0.95
ODDS_RATIOS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)  # methods.md, section 3: from .5 to 5


@dataclass(frozen=True, repr=False)
class PopulationSize(Exact):
    """Hold what lists of people say about how many people there are.

    Parameters
    ----------
    n_observed : int
        People on at least one list that is used.
    models : DataFrame
        One row a model, the best first: model, pairs, parameters, log_likelihood, aic, bic, unseen, total, exists,
        identified.
    chosen : str or None
        The model with the least criterion; None where no model has one best fit.
    interval : Range
        95 %: with three lists or more it spans the reselecting bootstrap and the profile of the chosen model, up to
        the upper end of the model in which people differ in visibility; with two, the logit interval.
    intervals : dict of str to Range
        What `interval` is made of: "profile", "reselected" and "visibility", or "logit".
    floor : float
        Chao's lower bound.
    floor_range : Range
        Up to the bound itself, from its lower 95 % limit or, where that is less, the lower end of the interval.
    dependence : Series
        Population size by odds ratio of a dependence that the model leaves out, .5 to 5.
    linkage : Range
        Population size if a share of the links is wrong, or as many are missing.
    agreement : Range
        Population sizes of the models that the table supports, and of those that AIC and BIC choose.
    checks : DataFrame
        The self-test: one row a list, its known size and what the other lists make of it.
    gates : DataFrame
        gate, passed (missing: not declared), detail.
    verdict : {"usable", "floor only", "do not estimate"}
        What the answer is good for.
    reasons : tuple of str
        Why not more.
    notes : tuple of str
        What must be kept in mind.
    """

    n_observed: int
    models: pd.DataFrame
    chosen: str | None
    interval: Range
    intervals: dict[str, Range]
    floor: float
    floor_range: Range
    dependence: pd.Series[Any]
    linkage: Range
    agreement: Range
    checks: pd.DataFrame
    gates: pd.DataFrame
    verdict: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "PopulationSize(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a range: what, low, high, in people."""
        band = Range(float(self.dependence.min()), float(self.dependence.max()))
        ranges = {
            "interval": self.interval,
            **{f"interval: {name}": ends for name, ends in self.intervals.items()},
            "floor": self.floor_range,
            "supported models": self.agreement,
            "dependence": band,
            "linkage": self.linkage,
        }
        rows = [("observed", float(self.n_observed), float(self.n_observed))]
        rows += [(name, ends.low, ends.high) for name, ends in ranges.items()]
        return pd.DataFrame(rows, columns=["what", "low", "high"])

    def summary(self) -> str:
        """Say how many people were seen, the range and the verdict; never one number for those not seen."""
        lines = [f"{self.n_observed:,} people are on at least one list.", f"Verdict: {self.verdict}."]
        if self.verdict == "usable":
            lines.append(f"There are about {_said(self.interval)} people in all, if the lists are as declared (95 %).")
            band = Range(float(self.dependence.min()), float(self.dependence.max()))
            lines.append(f"Were people on no list half to five times as many as the model says: {_said(band)}.")
            lines.append(f"Were some links wrong or missing: {_said(self.linkage)}.")
        elif self.verdict == "floor only":
            lines.append(f"There are at least {_said(self.floor_range)} people, if no list keeps people off another.")
            lines.append("No upper end can be given.")
        lines += [*self.reasons, *self.notes]
        lines.append(
            "This does not show where the people on no list are, who they are or what they need: the shares of groups "
            "among people seen are not those among people unseen. Under-18s are never estimated."
        )
        return "\n".join(lines)


def population_size(
    histories: pd.DataFrame,
    *,
    count: str = "n",
    select: str = "bic",
    seed: int = 0,
    facts: ListFacts | None = None,
    draws: int = 1_000,
) -> PopulationSize:
    """Bound how many people there are from who is on which lists, and say whether that may be used.

    There is no argument for groups. A hidden number split by the mix of those who were seen would say that people on no
    list are like people on lists, which is the one thing that is known to be wrong.

    Parameters
    ----------
    histories : DataFrame
        One column a list (2 to 6), 0 or 1, and one of counts. Rows that are not there, or are missing a count, are 0.
    count : str
        Column of people with that history.
    select : {"bic", "aic"}
        What the chosen model minimises; BIC counts log(people observed) a parameter.
    seed : int
        Where the random numbers of the bootstrap start.
    facts : ListFacts, optional
        What is known about the lists: referrals, people who may have left, windows, population, links.
    draws : int
        Tables of the bootstrap, at least 200.

    Returns
    -------
    PopulationSize
        Observed, floor, models, interval, bands, self-test, gates and verdict.

    Raises
    ------
    RecordsError
        A table that cannot be read, lists of different windows, a population of under-18s: all problems.

    Notes
    -----
    Log-linear models with all main effects and any pairs of lists, fitted to the histories that are not empty by
    extended maximum likelihood; a model is used only where its best fit exists (linear program) and is the only one
    (rank). Two lists: Chapman. The rules of the verdict are those of `mapping.verdicts.judge`. It fails, unnoticed,
    where all lists miss the same people: nothing on any list can show that.

    References
    ----------
    Fienberg and Rinaldo (2012); Chan, Silverman and Vincent (2021); Cormack (1992); Sadinle (2009); Chao (1987); Hook
    and Regal (2000).

    Examples
    --------
    >>> lists = {"a": [1, 1, 1, 1, 0, 0, 0], "b": [1, 1, 0, 0, 1, 1, 0], "c": [1, 0, 1, 0, 1, 0, 1]}
    >>> found = population_size(pd.DataFrame({**lists, "n": [60, 58, 61, 62, 57, 63, 60]}), draws=200)
    >>> found.verdict, found.n_observed, 480 in found.interval
    ('usable', 421, True)
    """
    known = facts or ListFacts()
    _check_options(select, draws)
    table = read_histories(histories, count, known)
    family, counts = table.family, table.counts
    if len(family.lists) > 2:
        answer = answer_of_many(family, counts, select=select, level=LEVEL, draws=draws, seed=seed)
    else:
        answer = answer_of_two(family, counts, level=LEVEL)
    checks = self_test(family, counts, select=select, level=LEVEL, draws=draws, seed=seed)
    low = floor_limit(family.cells, counts, level=LEVEL, draws=draws, seed=seed)
    return _assemble(table, answer, checks, low, known)


def _check_options(select: str, draws: int) -> None:
    problems = []
    if select not in PRICES:
        problems.append(Problem(None, "`select`", f"one of {', '.join(PRICES)} is needed", "use bic"))
    if draws < 200:
        problems.append(Problem(None, "`draws`", "200 draws or more are needed", "fewer say nothing about the ends"))
    if problems:
        raise RecordsError("the number of people on no list cannot be estimated", problems)


def _assemble(
    table: Sightings, answer: Answer, checks: pd.DataFrame, floor_low: float, facts: ListFacts
) -> PopulationSize:
    family, counts = table.family, table.counts
    observed, floor = float(counts.sum()), float(chao_floor(family.cells, counts))
    # a supported model in which one list keeps people off another may say fewer than Chao's floor
    floor_low = min(floor, floor_low, answer.intervals["interval"][0])
    linkage = answer.intervals["interval"]
    if answer.chosen is not None:
        linkage = linkage_range(family.cells, counts, answer.estimate, facts.linkage_error)
    conditions = gates(family, counts, facts)
    evidence = _evidence(table, answer, checks, conditions, linkage, floor_low)
    verdict, reasons = judge(evidence)
    unseen = answer.unseen if answer.chosen is not None else np.inf
    ranges = {name: Range(*ends) for name, ends in answer.intervals.items()}
    return PopulationSize(
        n_observed=round(observed),
        models=answer.models,
        chosen=answer.chosen,
        interval=ranges.pop("interval"),
        intervals=ranges,
        floor=floor,
        floor_range=Range(floor_low, floor),
        dependence=pd.Series(dependence_band(observed, unseen, ODDS_RATIOS), name="people").rename_axis("odds_ratio"),
        linkage=Range(*linkage),
        agreement=Range(*answer.agreement),
        checks=checks,
        gates=conditions,
        verdict=verdict,
        reasons=reasons,
        notes=_notes(conditions, facts),
    )


def _evidence(
    table: Sightings,
    answer: Answer,
    checks: pd.DataFrame,
    conditions: pd.DataFrame,
    linkage: tuple[float, float],
    floor_low: float,
) -> Evidence:
    return Evidence(
        gates=conditions,
        checks=checks,
        lists=len(table.family.lists),
        observed=float(table.counts.sum()),
        estimated=answer.chosen is not None,
        interval=answer.intervals["interval"],
        agreement=answer.agreement,
        linkage=linkage,
        floor_low=floor_low,
        fit=answer.fit,
        undeclared=answer.undeclared,
        visibility=answer.visibility,
        drawn=answer.drawn,
    )


def _notes(conditions: pd.DataFrame, facts: ListFacts) -> tuple[str, ...]:
    notes = []
    if conditions["passed"].isna().any():
        notes.append("The window of the lists was not declared: this holds only if all cover the same year, or less.")
    if facts.superset:
        names = ", ".join(facts.superset)
        notes.append(
            f"Left out, because people on them may have left: {names}; people on no other list are not counted."
        )
    if facts.feeds:
        notes.append(
            "Referrals between lists are in every model: " + ", ".join(f"{a} to {b}" for a, b in facts.feeds) + "."
        )
    return tuple(notes)


def _said(ends: Range) -> str:
    if math.isinf(ends.high):
        return f"{math.floor(ends.low):,} and no upper limit"
    return f"{math.floor(ends.low):,} to {max(math.ceil(ends.high), math.floor(ends.low) + 1):,}"
