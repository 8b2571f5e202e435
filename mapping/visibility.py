"""Are some people more visible than others to every list, and how many would there be if so?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2

from mapping.identifiability import maximum_exists
from mapping.loglinear import Family, fit_models
from mapping.profiles import profile_interval

__all__ = ["visibility_family", "visibility_test"]

ALIKE, VARIED = 0, 1  # the two models of a visibility family


def visibility_family(family: Family) -> Family:
    """Return two models: main effects and declared referrals, without and with differences in visibility.

    The second has one parameter more: the same interaction for every pair of lists, which is what people of unequal
    visibility look like to any two lists. It has more power than pairs that are chosen one by one.

    Parameters
    ----------
    family : Family
        The models of three or more lists.

    Returns
    -------
    Family
        The last pair stands for all pairs.

    References
    ----------
    Darroch, Fienberg, Glonek and Junker (1993), Journal of the American Statistical Association 88:1137.
    """
    always = family.models.all(axis=0)
    first = family.design.shape[1] - len(family.pairs)
    times = family.cells.sum(axis=1)
    declared = family.design[:, first:][:, always]
    design = np.column_stack([family.design[:, :first], declared, times * (times - 1) / 2])
    pairs = tuple(pair for pair, on in zip(family.pairs, always, strict=True) if on)
    models = np.ones((2, len(pairs) + 1), bool)
    models[ALIKE, -1] = False
    return Family(family.lists, family.cells, design, (*pairs, (0, 1)), models)


def visibility_test(family: Family, counts: Any, *, level: float) -> tuple[float, float, tuple[float, float]]:
    """Test for differences in visibility, and say how many people there would be with them.

    Parameters
    ----------
    family : Family
        The models of three or more lists.
    counts : array, (c,)
        People by history.
    level : float
        Confidence of the interval.

    Returns
    -------
    p : float
        One-sided p of the likelihood ratio; 1 where people seem, if anything, less unequal than by chance.
    total : float
        Population size with differences in visibility.
    interval : tuple of float
        Its profile interval. All are NaN where the model has no single best fit.

    Notes
    -----
    Log odds of being seen that are normal among the people on no list, with the same spread for every list, give
    exactly this model. Other shapes give other sizes, larger ones where a few people are almost invisible: no table
    shows those.
    """
    both, nan = visibility_family(family), float("nan")
    identified = np.linalg.matrix_rank(both.design) == both.design.shape[1]
    if not (identified and maximum_exists(both, counts, VARIED)):
        return nan, nan, (nan, nan)
    fits = fit_models(both, np.stack([counts, counts]), np.array([ALIKE, VARIED]))
    gain = max(2 * float(fits.log_likelihood[VARIED] - fits.log_likelihood[ALIKE]), 0.0)
    p = float(chi2.sf(gain, 1)) / 2 if fits.unseen[VARIED] > fits.unseen[ALIKE] else 1.0
    return p, float(counts.sum() + fits.unseen[VARIED]), profile_interval(both, counts, VARIED, level=level)
