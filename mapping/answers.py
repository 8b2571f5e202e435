"""What do the models of two, or of more, lists say about one table?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import xlogy
from scipy.stats import chi2

from commonground.pickles import Exact
from mapping.bootstraps import reselecting_draws
from mapping.loglinear import Family, Fits, fit_models
from mapping.profiles import profile_interval
from mapping.selecting import PRICES, criterion_prices, usable_models
from mapping.two_lists import chapman, logit_interval
from mapping.verdicts import SUPPORT
from mapping.visibility import visibility_test

__all__ = ["Answer", "answer_of_many", "answer_of_two", "no_answer"]

MOST_MODELS = 1_024  # five lists; with more, each draw chooses among the best of the table observed,
FEWER_MODELS = 200  # so many, or it would take a quarter of an hour


@dataclass(frozen=True, repr=False)
class Answer(Exact):
    """Hold what the models say.

    Parameters
    ----------
    models : DataFrame
        One row a model, the best first: model, pairs, parameters, log_likelihood, aic, bic, unseen, total, exists,
        identified.
    chosen : str or None
        The model used.
    unseen : float
        People on no list under it.
    intervals : dict of str to (float, float)
        "interval", the one to use, and what it is made of.
    agreement : tuple of float
        Least and largest total of the models that the data support, and of that in which people differ in visibility.
    fit : float
        p of the deviance of the chosen model; NaN without degrees of freedom.
    undeclared : bool
        Whether the chosen model has a pair of lists that was not declared.
    visibility : float
        p of no differences in visibility between people; NaN where it cannot be tested.
    drawn : float
        Share of draws in which some model has one best fit.
    estimate : callable
        Population size of another table under the chosen model.
    """

    models: pd.DataFrame
    chosen: str | None
    unseen: float
    intervals: dict[str, tuple[float, float]]
    agreement: tuple[float, float]
    fit: float
    undeclared: bool
    visibility: float
    drawn: float
    estimate: Callable[[Any], float]

    def __repr__(self) -> str:
        return "Answer(...)"


def answer_of_many(family: Family, counts: Any, *, select: str, level: float, draws: int, seed: int) -> Answer:
    """Fit every model, choose one, and find its intervals.

    Parameters
    ----------
    family : Family
        The models of three or more lists.
    counts : array, (c,)
        People by history.
    select : {"bic", "aic"}
        What the chosen model minimises.
    level : float
        Confidence.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    Answer
        ``intervals`` holds "profile" (of the chosen model), "reselected" (bootstrap), "visibility" (profile of the
        model in which people differ in visibility) and "interval": from the lower end of the first two to the upper of
        all.

    Notes
    -----
    With six lists each draw chooses among the 200 models that suit the observed table best, not among all 32,768.
    """
    n, every = float(counts.sum()), np.arange(len(family.models))
    fits = fit_models(family, np.broadcast_to(counts, (len(every), len(counts))), every)
    fine = usable_models(family, counts, every, fits.attained)
    table = _model_table(family, counts, fits, fine)
    order = np.lexsort((every, table[select]))
    table = table.iloc[order]
    usable = table[table["exists"] & table["identified"]]
    if usable.empty:
        return no_answer(table.reset_index(drop=True), n)
    model, best = int(usable.index[0]), usable.iloc[0]
    tried = table.index if len(every) <= MOST_MODELS else usable.index[:FEWER_MODELS]
    drawn = reselecting_draws(
        replace(family, models=family.models[tried]),
        counts,
        float(best["total"]),
        select=select,
        draws=draws,
        seed=seed,
    )
    profile, reselected = profile_interval(family, counts, model, level=level), drawn.interval(level)
    alike, varied, unequal = visibility_test(family, counts, level=level)
    span = (max(n, min(profile[0], reselected[0])), max(profile[1], reselected[1], np.nan_to_num(unequal[1], nan=0.0)))
    supported = usable.loc[usable[select] <= best[select] + SUPPORT, "total"]
    choices = [usable["total"].iloc[int(usable[price].argmin())] for price in PRICES]
    totals = np.array([*choices, *supported, varied])
    return Answer(
        models=table.reset_index(drop=True),
        chosen=family.name(model),
        unseen=float(best["unseen"]),
        intervals={"interval": span, "profile": profile, "reselected": reselected, "visibility": unequal},
        agreement=(float(np.nanmin(totals)), float(np.nanmax(totals))),
        fit=_goodness(family, counts, model, fits.expected[model]),
        undeclared=bool((family.models[model] & ~family.models.all(axis=0)).any()),
        visibility=alike,
        drawn=float((drawn.models >= 0).mean()),
        estimate=lambda other: float(other.sum() + fit_models(family, other[None, :], np.array([model])).unseen[0]),
    )


def answer_of_two(family: Family, counts: Any, *, level: float) -> Answer:
    """Use Chapman's estimate and the logit interval: two lists leave one model and nothing to test it with.

    Parameters
    ----------
    family : Family
        The models of two lists.
    counts : array, (3,)
        People on the second only, the first only, both.
    level : float
        Confidence.

    Returns
    -------
    Answer
        Independence, if that can be fitted; no bootstrap. ``total`` is Chapman's, ``unseen`` the model's.
    """
    every = np.arange(len(family.models))
    fits = fit_models(family, np.broadcast_to(counts, (len(every), len(counts))), every)
    fine = usable_models(family, counts, every, fits.attained)
    table = _model_table(family, counts, fits, fine)

    def estimate(other: Any) -> float:
        return chapman(other[2], other[1], other[0])

    if not fine[0].all():
        return no_answer(table, float(counts.sum()))
    total, interval = estimate(counts), logit_interval(counts[2], counts[1], counts[0], level=level)
    return Answer(
        models=table.assign(total=np.where(fine.all(axis=1), total, np.nan)),
        chosen="independence",
        unseen=float(counts[0] * counts[1] / counts[2]),
        intervals={"interval": interval, "logit": interval},
        agreement=(total, total),
        fit=float("nan"),
        undeclared=False,
        visibility=float("nan"),
        drawn=1.0,
        estimate=estimate,
    )


def no_answer(models: pd.DataFrame, observed: float) -> Answer:
    """Return the answer of a table that no model has one best fit to: from the people observed to no limit.

    Parameters
    ----------
    models : DataFrame
        The models that were tried.
    observed : float
        People on some list.

    Returns
    -------
    Answer
        ``chosen`` is None.
    """
    ends = (observed, float("inf"))
    nan = float("nan")
    return Answer(models, None, nan, {"interval": ends}, ends, nan, False, nan, 0.0, lambda _: nan)


def _model_table(family: Family, counts: Any, fits: Fits, fine: Any) -> pd.DataFrame:
    one = counts[None, :]
    deviance = -2 * fits.log_likelihood
    unseen = np.where(fine.all(axis=1), fits.unseen, np.nan)
    return pd.DataFrame(
        {
            "model": [family.name(model) for model in range(len(family.models))],
            "pairs": family.models.sum(axis=1),
            "parameters": 1 + len(family.lists) + family.models.sum(axis=1),
            "log_likelihood": fits.log_likelihood,
            "aic": deviance + criterion_prices(family, one, "aic")[0],
            "bic": deviance + criterion_prices(family, one, "bic")[0],
            "unseen": unseen,
            "total": counts.sum() + unseen,
            "exists": fine[:, 0],
            "identified": fine[:, 1],
        }
    )


def _goodness(family: Family, counts: Any, model: int, expected: Any) -> float:
    """Return p of the deviance over the cells that are kept."""
    kept = expected > 0
    mu, y = expected[kept], counts[kept]
    deviance = 2 * float((xlogy(y, np.where(y > 0, y, 1.0) / mu) - (y - mu)).sum())
    infinite = family.models[model] & (counts @ family.design[:, -len(family.pairs) :] == 0)
    freedom = int(kept.sum()) - (1 + len(family.lists) + int(family.models[model].sum()) - int(infinite.sum()))
    return float(chi2.sf(deviance, freedom)) if freedom > 0 else float("nan")
