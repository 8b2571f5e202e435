"""Which population sizes does the likelihood of one model still allow?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln, xlogy
from scipy.stats import chi2

from mapping.loglinear import Family, fit_models, with_unseen

__all__ = ["profile_interval"]

FARTHEST = 1e4  # times the people observed; an end beyond it is reported as infinite


def profile_interval(family: Family, counts: Any, model: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the population sizes that the likelihood of a model does not reject.

    For every N the parameters are fitted again with N - n people on no list; N is kept while twice the fall in
    multinomial log-likelihood is at most the chi-squared quantile with one degree of freedom.

    Parameters
    ----------
    family : Family
        The models, without the empty history.
    counts : array, (c,)
        People by history.
    model : int
        Which model; its maximum must exist.
    level : float
        Confidence.

    Returns
    -------
    low, high : float
        People; high is infinite where the likelihood never falls far enough.

    Notes
    -----
    The interval takes the model as known. It is too narrow when the model was chosen from the same table.

    References
    ----------
    Cormack (1992), Biometrics 48:567.
    """
    everything, n = with_unseen(family), float(counts.sum())
    which = np.array([model])

    def height(unseen: float) -> float:
        full = np.r_[unseen, counts][None, :]
        mu = fit_models(everything, full, which).expected[0]
        people = n + unseen
        inside = float(xlogy(full[0], np.where(mu > 0, mu, 1.0) / people).sum())
        return inside + float(gammaln(people + 1)) - float(gammaln(unseen + 1))

    middle = float(fit_models(family, counts[None, :], which).unseen[0])
    enough = float(chi2.ppf(level, 1)) / 2
    peak = minimize_scalar(lambda unseen: -height(unseen), bounds=(0.0, 2 * middle + 2), method="bounded")
    top, middle = -float(peak.fun), float(peak.x)

    def excess(unseen: float) -> float:
        return height(unseen) - top + enough

    low = 0.0 if excess(0.0) >= 0 else float(brentq(excess, 0.0, middle, xtol=1e-3))
    far = middle + 1.0
    while excess(far) > 0:
        far *= 2
        if far > FARTHEST * n:
            return n + low, float("inf")
    return n + low, n + float(brentq(excess, middle, far, xtol=1e-3))
