"""May an estimate of people on no list be used, only its floor, or nothing of it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.periods import Period
from commonground.pickles import Exact
from mapping.loglinear import Family
from mapping.sightings import ListFacts

__all__ = ["Evidence", "gates", "judge"]

PAIR_OVERLAP, ALL_OVERLAP = 7, 20  # people on both of two lists, and on two lists or more: methods.md, section 3
CLOSED_MONTHS = 12  # people come and go: methods.md, section 3
# Ours, and conservative: each bounds how far the answer may depend on what the table cannot show.
AGREE = 1.5  # largest over smallest estimate of the models that the criterion does not rule out, and under links
SUPPORT = (
    10.0  # difference of the criterion beyond which a model has no support (Raftery 1995; Burnham and Anderson 2002)
)
WIDE = 2.0  # upper over lower end of the interval
BEYOND = 3.0  # upper end over the people observed: an unseen dependence multiplies the unseen only
FITS = 0.05  # least p of the chosen model's deviance
VISIBLE = 0.1  # least p of no differences in visibility: the harm of missing them is larger than that of a doubt
DRAWN = 0.95  # least share of draws in which some model has one best fit


@dataclass(frozen=True, repr=False)
class Evidence(Exact):
    """Hold what a verdict is made of.

    Parameters
    ----------
    gates, checks : DataFrame
        As in `PopulationSize`.
    lists, observed : int
        Lists used; people on some list.
    estimated : bool
        Whether some model has one best fit.
    interval, agreement, linkage : tuple of float
        Low and high: of the interval, over the supported models, over the links.
    floor_low : float
        Lower limit of the floor.
    fit : float
        p of the chosen model's deviance; NaN where no degrees of freedom are left.
    undeclared : bool
        Whether the chosen model has a pair of lists that was not declared.
    visibility : float
        p of no differences in visibility between people.
    drawn : float
        Share of draws in which some model has one best fit.
    """

    gates: pd.DataFrame
    checks: pd.DataFrame
    lists: int
    observed: float
    estimated: bool
    interval: tuple[float, float]
    agreement: tuple[float, float]
    linkage: tuple[float, float]
    floor_low: float
    fit: float
    undeclared: bool
    visibility: float
    drawn: float

    def __repr__(self) -> str:
        return "Evidence(...)"


def gates(family: Family, counts: Any, facts: ListFacts) -> pd.DataFrame:
    """Say which conditions hold before anything is estimated.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (c,)
        People by history.
    facts : ListFacts
        What was declared.

    Returns
    -------
    DataFrame
        gate, passed (missing where nothing was declared), detail in words.
    """
    lists, on = family.lists, family.cells
    overlap = {(i, j): counts[(on[:, i] * on[:, j]) == 1].sum() for i, j in family.pairs}
    thin = [f"{lists[i]} and {lists[j]}" for (i, j), people in overlap.items() if people < PAIR_OVERLAP]
    sizes = counts @ on
    inside = [
        f"{lists[a]} in {lists[b]}" for i, j in family.pairs for a, b in ((i, j), (j, i)) if overlap[i, j] == sizes[a]
    ]
    several = counts[on.sum(axis=1) >= 2].sum()
    windows = facts.windows if isinstance(facts.windows, Period) else next(iter((facts.windows or {}).values()), None)
    closed = None if windows is None else windows.end <= windows.start + pd.DateOffset(months=CLOSED_MONTHS)
    declared = "not declared: bring the window of the lists" if windows is None else "declared"
    rows = [
        ("one window", None if windows is None else True, declared),
        (f"closed: at most {CLOSED_MONTHS} months", closed, declared),
        (f"{PAIR_OVERLAP} people or more on every pair of lists", not thin, "; ".join(thin)),
        (f"{ALL_OVERLAP} people or more on two lists", bool(several >= ALL_OVERLAP), ""),
        ("no list inside another", not inside, "; ".join(inside)),
    ]
    return pd.DataFrame(rows, columns=["gate", "passed", "detail"]).astype({"passed": "boolean"})


def judge(evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """Return the verdict and its reasons.

    Parameters
    ----------
    evidence : Evidence
        What is known.

    Returns
    -------
    verdict : {"usable", "floor only", "do not estimate"}
    reasons : tuple of str
        Every reason against using more than the verdict allows; none where it is usable.

    Notes
    -----
    Do not estimate: no model has one best fit, fewer than 20 people are on two lists, a list is inside another, or the
    floor is already larger than the known size of some list.

    Floor only: any other gate is not passed, two lists alone (their independence cannot be tested), or any of: the
    deviance of the chosen model has p below .05 or no degrees of freedom, it has a pair of lists that nobody declared
    as a referral, people seem to differ in visibility (p below .1), supported models (criterion within 10 of the
    best) or the choices of AIC and BIC differ by more than a factor 1.5, the interval's ends by more than 2, its upper
    end is more than three times the people observed, links move the estimate by more than 1.5, more than 5 % of draws
    have no model, the self-test does not find the known size of every list, or the floor is above the interval.

    Usable: none of these. A gate about which nothing was declared does not count against it, and is said.
    """
    never = _never(evidence)
    if never:
        return "do not estimate", tuple(never)
    doubts = [*_gates_against(evidence), *_doubts(evidence)]
    return ("floor only" if doubts else "usable"), tuple(doubts)


def _never(found: Evidence) -> list[str]:
    passed = found.gates.set_index("gate")["passed"]
    names = (f"{ALL_OVERLAP} people or more on two lists", "no list inside another")
    detail = found.gates.set_index("gate")["detail"]
    reasons = [f"Not so: {name}. {detail[name]}".strip() for name in names if not passed[name]]
    if not found.estimated:
        reasons.append("No model has one best fit to this table: the people on no list are not determined by it.")
    if (found.checks["floor_holds"] == False).any():  # noqa: E712 - missing is neither
        reasons.append("The floor is already larger than the known size of a list: some lists keep people off others.")
    return reasons


def _gates_against(found: Evidence) -> list[str]:
    failed = found.gates[found.gates["passed"].fillna(True) == False]  # noqa: E712 - missing is neither
    return [f"Not so: {gate}. {detail}".strip() for gate, detail in failed[["gate", "detail"]].itertuples(index=False)]


def _doubts(found: Evidence) -> list[str]:
    high = found.interval[1]
    tests = (
        (found.lists < 3, "Two lists alone: that one does not lead to the other cannot be tested."),
        (np.isnan(found.fit), "The chosen model fits every cell: nothing is left to test it with."),
        (found.fit < FITS, "The chosen model does not fit the table."),
        (
            found.undeclared,
            "Lists depend on one another in ways nobody declared: that may also keep people off all.",
        ),
        (found.lists > 2 and np.isnan(found.visibility), "Whether people differ in visibility cannot be tested."),
        (found.visibility < VISIBLE, "Some people seem to be more visible than others to every list."),
        (
            not _within(found.agreement, AGREE),
            "Models that fit about as well, or that another criterion chooses, disagree.",
        ),
        (not _within(found.interval, WIDE), "The interval's upper end is more than twice its lower end."),
        (
            not high <= BEYOND * found.observed,
            "Most of the people would be on no list: a small dependence changes all.",
        ),
        (not _within(found.linkage, AGREE), "A few wrong or missing links change the answer."),
        (found.drawn < DRAWN, "Tables like this one often have no model with one best fit."),
        ((found.checks["inside"] == False).any(), "The other lists do not find the known size of a list."),  # noqa: E712
        (found.lists > 2 and found.checks["inside"].isna().any(), "Some list could not be tested against the others."),
        (found.floor_low > high, "The floor is above the interval."),
    )
    return [reason for wrong, reason in tests if wrong]


def _within(ends: tuple[float, float], factor: float) -> bool:
    return bool(np.isfinite(ends[1]) and ends[1] <= factor * ends[0])
