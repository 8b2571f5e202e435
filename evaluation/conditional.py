"""What does the share of a fixed total that fell in one period say about two Poisson rates?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

from evaluation.counts import Checks

__all__ = ["Conditional", "aligned", "benjamini_hochberg", "exact_ratio", "holm"]

Array = npt.NDArray[np.float64]


class Conditional(NamedTuple):
    """Rate ratio, its Clopper-Pearson limits, central p and mid-p, element by element; NaN where a count is missing."""

    ratio: Array
    low: Array
    high: Array
    p: Array
    p_mid: Array

    def __repr__(self) -> str:
        return "Conditional(...)"


def exact_ratio(before: Array, after: Array, exposure: Array, level: float) -> Conditional:
    """Compare two Poisson counts given their total, element by element.

    Parameters
    ----------
    before, after : array
        Events; NaN where not observed.
    exposure : array
        Exposure after / exposure before.
    level : float
        Confidence level, 0.5 to 1.

    Returns
    -------
    Conditional

    Notes
    -----
    after ~ Binomial(before + after, exposure / (1 + exposure)) when the rates are equal and events independent.

    References
    ----------
    Przyborowski and Wilenski (1940); Clopper and Pearson (1934).
    """
    total, null, half = before + after, exposure / (1 + exposure), (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = after / before / exposure
        low = np.where(after == 0, 0.0, special.betaincinv(after, before + 1, half))
        high = np.where(before == 0, 1.0, special.betaincinv(after + 1, before, 1 - half))
        # the incomplete beta keeps its digits in both tails, where 1 - cdf would lose them
        at_most = np.where(before == 0, 1.0, special.betainc(before, after + 1, 1 - null))
        at_least = np.where(after == 0, 1.0, special.betainc(after, before + 1, null))
        here = stats.binom.pmf(after, total, null)
        p = np.minimum(1, 2 * np.minimum(at_most, at_least))
        p_mid = np.minimum(1, 2 * np.minimum(at_most - here / 2, at_least - here / 2))
        limits = (low / (1 - low) / exposure, high / (1 - high) / exposure)
    unseen = np.isnan(total)
    return Conditional(*(np.where(unseen, np.nan, v) for v in (ratio, *limits, p, p_mid)))


def holm(p: Array) -> Array:
    """Return Holm's (1979) adjusted p values over those that are not missing: no false alarm anywhere."""
    # statsmodels' version collects all garbage first, which takes longer than the rest
    seen, adjusted = ~np.isnan(p), p.copy()
    order = np.argsort(p[seen], kind="stable")
    raised = np.minimum(1, np.maximum.accumulate(p[seen][order] * np.arange(seen.sum(), 0, -1)))
    adjusted[seen] = raised[np.argsort(order)]
    return adjusted


def benjamini_hochberg(p: Array) -> Array:
    """Return Benjamini and Hochberg's (1995) adjusted p values over those that are not missing: few false alarms."""
    seen, adjusted = ~np.isnan(p), p.copy()
    if seen.any():
        adjusted[seen] = stats.false_discovery_control(p[seen])
    return adjusted


def aligned(checks: Checks, inputs: Mapping[str, Any]) -> list[Array]:
    """Put counts and exposures on the labels of `before`, noting what does not fit.

    Parameters
    ----------
    checks : Checks
        Collects the problems; the caller raises them.
    inputs : mapping
        "before" and "after", Series of counts; names that end in "exposure", numbers or Series of lengths.

    Returns
    -------
    list of array
        One an input, in the order given, without those that do not fit.
    """
    index = inputs["before"].index
    checks.require(index.is_unique, "before", "needs labels that do not repeat", "Add up the rows of each label first")
    columns = []
    for name, given in inputs.items():
        exposed = name.endswith("exposure")
        if isinstance(given, pd.Series):
            same = given.index.is_unique and len(given) == len(index) and given.index.isin(index).all()
            if not checks.require(bool(same), name, "needs the same labels as `before`", "Reindex it first"):
                continue
            values = checks.observed(name, given.reindex(index), whole=not exposed)[:, 0]
        else:
            values = np.full(len(index), checks.numbers(name, given, 1)[0])
        if exposed:
            checks.require(bool((values > 0).all()), name, "needs lengths above 0", "Give every label its length")
        columns.append(values)
    return columns
