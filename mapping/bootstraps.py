"""How far would the answer have moved, had the model been chosen from another table of the same kind?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from commonground.pickles import Exact
from mapping.loglinear import Family
from mapping.selecting import best_models
from mapping.two_lists import chao_floor

__all__ = ["Reselected", "floor_limit", "reselecting_draws"]

TRIED_FIRST = 20  # the better these models are, the fewer others have to be fitted


@dataclass(frozen=True, repr=False)
class Reselected(Exact):
    """Hold what each draw says.

    Parameters
    ----------
    totals : array, (draws,)
        Population size of each draw's own model; infinite where no model had one best fit.
    models : array of int, (draws,)
        Which model each draw chose; -1 for none.
    """

    totals: Any
    models: Any

    def __repr__(self) -> str:
        return "Reselected(...)"

    def interval(self, level: float) -> tuple[float, float]:
        """Return the percentile interval; infinite draws count as larger than any other."""
        tail = (1 - level) / 2
        low, high = np.quantile(self.totals, [tail, 1 - tail], method="inverted_cdf")
        return float(low), float(high)


def reselecting_draws(family: Family, counts: Any, total: float, *, select: str, draws: int, seed: int) -> Reselected:
    """Draw tables like the one observed, let each choose its model anew, and keep each one's answer.

    The number observed is binomial with N the estimate and its share of it observed; histories are multinomial with the
    shares observed. Choosing afresh in every draw keeps the uncertainty of the choice in the interval.

    Parameters
    ----------
    family : Family
        The models; those that come first are tried first in every draw, and only speed depends on it.
    counts : array, (c,)
        People by history.
    total : float
        Population size of the model chosen from the table observed.
    select : {"bic", "aic"}
        What a draw's model minimises.
    draws, seed : int
        How many tables, and where the random numbers start.

    Returns
    -------
    Reselected
        One total and model a draw.

    References
    ----------
    Norris and Pollock (1996), Environmental and Ecological Statistics 3:235; Silverman (2020), Journal of the Royal
    Statistical Society A 183:691.
    """
    rng = np.random.default_rng(seed)
    observed = float(counts.sum())
    sizes = rng.binomial(max(round(total), int(observed)), observed / max(total, observed), draws)
    tables = rng.multinomial(np.maximum(sizes, 1), counts / observed).astype(float)
    with threadpool_limits(1):  # many small matrices: a second thread waits more than it works
        found = best_models(family, tables, select=select, first=range(min(TRIED_FIRST, len(family.models))))
    return Reselected(totals=tables.sum(axis=1) + found.unseen, models=found.model)


def floor_limit(cells: Any, counts: Any, *, level: float, draws: int, seed: int) -> float:
    """Return a lower confidence limit of Chao's floor, from tables of Poisson counts around those observed.

    Parameters
    ----------
    cells : array, (c, k)
        Histories.
    counts : array, (c,)
        People by history.
    level : float
        One-sided confidence.
    draws, seed : int
        How many tables, and where the random numbers start.

    Returns
    -------
    float
        People; at least those observed.
    """
    tables = np.random.default_rng(seed).poisson(counts, (draws, len(counts))).astype(float)
    low = float(np.quantile(chao_floor(cells, tables), 1 - level, method="inverted_cdf"))
    return max(low, float(counts.sum()))
