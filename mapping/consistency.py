"""Does the method find people whose number is known, and does it stand up to wrongly linked records?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mapping.bootstraps import floor_limit
from mapping.loglinear import Family, model_family
from mapping.profiles import profile_interval
from mapping.selecting import best_models
from mapping.two_lists import logit_interval

__all__ = ["linkage_range", "self_test"]


def self_test(family: Family, counts: Any, *, select: str, level: float, draws: int, seed: int) -> pd.DataFrame:
    """Estimate the known size of each list from the other lists, among the people who are on it.

    Everybody on a list is known, also those who are on no other list. A method that does not find them among the people
    it can be checked on cannot be trusted with those on no list.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (c,)
        People by history.
    select : {"bic", "aic"}
        What a model minimises.
    level : float
        Confidence of all intervals together (Bonferroni).
    draws, seed : int
        For the lower limit of Chao's floor.

    Returns
    -------
    DataFrame
        One row a list: list, known, low, high, floor (lower limit), inside and floor_holds; the last two are missing
        where the others cannot say anything. No rows for two lists.

    References
    ----------
    Hook and Regal (2000), American Journal of Epidemiology 152:771.
    """
    rows = []
    each = 1 - (1 - level) / len(family.lists)
    for held, name in enumerate(family.lists if len(family.lists) > 2 else ()):
        others = [i for i in range(len(family.lists)) if i != held]
        members = family.cells[:, held] == 1
        code = (family.cells[members][:, others] @ (2.0 ** np.arange(len(others))[::-1])).astype(int)
        by_history = np.bincount(code, weights=counts[members], minlength=2 ** len(others))
        known, seen = float(by_history.sum()), by_history[1:]
        forced = [(others.index(i), others.index(j)) for i, j in _forced(family) if held not in (i, j)]
        sub = model_family([family.lists[i] for i in others], forced=forced)
        low, high = _estimate(sub, seen, select, each) if seen.sum() else (np.nan, np.nan)
        floor = floor_limit(sub.cells, seen, level=each, draws=draws, seed=seed) if seen.sum() else np.nan
        told = not np.isnan(high)
        inside = bool(low <= known <= high) if told else None
        rows.append((name, known, low, high, floor, inside, bool(floor <= known) if seen.sum() else None))
    table = pd.DataFrame(rows, columns=["list", "known", "low", "high", "floor", "inside", "floor_holds"])
    return table.astype({"inside": "boolean", "floor_holds": "boolean"})


def linkage_range(cells: Any, counts: Any, estimate: Callable[[Any], float], error: float) -> tuple[float, float]:
    """Return how far an estimate moves when a share of the links is wrong, or as many are missing.

    Wrong: that share of the people on two or more lists is taken apart, one list from the rest, each list as likely.
    Missing: the table is the one that becomes the observed table when it is taken apart like this.

    Parameters
    ----------
    cells : array, (c, k)
        Histories.
    counts : array, (c,)
        People by history.
    estimate : callable
        Population size of a table.
    error : float
        Share of links, from 0 to below 1.

    Returns
    -------
    low, high : float
        People, with the estimate of the table as it is among them.

    Notes
    -----
    Missing links make the overlaps too small and the estimate too large; wrong ones the other way round.

    References
    ----------
    Ding and Fienberg (1994), Survey Methodology 20:149.
    """
    apart = _taken_apart(cells, error)
    wrong, missing = apart @ counts, np.maximum(np.linalg.solve(apart, counts), 0.0)
    totals = [estimate(table) for table in (wrong, counts, missing)]
    return min(totals), max(totals)


def _forced(family: Family) -> list[tuple[int, int]]:
    return [pair for pair, always in zip(family.pairs, family.models.all(axis=0), strict=True) if always]


def _estimate(family: Family, counts: Any, select: str, level: float) -> tuple[float, float]:
    if len(family.lists) == 2:
        if len(family.models) == 1:  # the pair is in every model: two lists leave nothing to estimate it from
            return np.nan, np.nan
        second, first, both = counts
        return logit_interval(both, first, second, level=level)
    found = best_models(family, counts[None, :], select=select)
    if found.model[0] < 0:
        return np.nan, np.nan
    return profile_interval(family, counts, int(found.model[0]), level=level)


def _taken_apart(cells: Any, error: float) -> Any:
    codes = (cells @ (2.0 ** np.arange(cells.shape[1])[::-1])).astype(int) - 1  # the row of each history
    moved = np.eye(len(cells))
    for row, cell in enumerate(cells):
        on = np.flatnonzero(cell)
        if len(on) < 2:
            continue
        moved[row, row] -= error
        for one in on:
            single = 2 ** (cells.shape[1] - 1 - one)
            for part in (single - 1, codes[row] - single):
                moved[part, row] += error / len(on)
    return moved
