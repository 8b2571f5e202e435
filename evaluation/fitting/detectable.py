"""Which change would a segmented series of this length and noise have shown four times in five?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["POWER", "detectable_ratios"]

Array = npt.NDArray[np.float64]

POWER = 0.80
# Log ratios from 1 down to .001, or up to 1,000, in steps of half a per cent.
_REACH, _STEPS = float(np.log(1000)), 1400


def detectable_ratios(
    terms: Array, monthly: Array, after: npt.NDArray[np.bool_], contrast: Array, *, dispersion: float, level: float
) -> tuple[float, float]:
    """Return the smallest fall and the smallest rise that a t test would find with power .80.

    Parameters
    ----------
    terms : array, (n, p)
    monthly : array, (n,)
        Events expected a month without the operation.
    after : booleans, (n,)
    contrast : array, (p,)
        Weights of the terms in the log ratio.
    dispersion : float
        Variance / mean; values below 1 are taken as 1.
    level : float
        Confidence level of the test.

    Returns
    -------
    (fall, rise) : tuple of float
        Ratios below and above 1; 0 or infinity where none between .001 and 1,000 would be found.

    Notes
    -----
    The first r going outwards from 1 with |log r| >= (t_level + t_power) x se(r), where se(r) is the standard error of
    the log ratio if the months after had r times the events expected: the fewer events, the less is known. More events
    are not credited (se(1) is kept for a rise): where the variance grows faster than the mean they add little.
    Simulated power at the ratios given: .78 to .86 for falls.
    """
    n, p = terms.shape
    needed = float(stats.t.ppf([(1 + level) / 2, POWER], n - p).sum())
    logs = np.linspace(0, _REACH, _STEPS + 1)[1:]
    still, moved = (terms[m].T @ (terms[m] * monthly[m, None]) for m in (~after, after))
    found = []
    for sign in (-1, 1):
        information = still + np.exp(np.minimum(sign * logs, 0))[:, None, None] * moved
        weights = np.broadcast_to(contrast[:, None], (len(logs), p, 1))
        variance = np.linalg.solve(information, weights)[..., 0] @ contrast
        enough = logs >= needed * np.sqrt(max(dispersion, 1.0) * variance)
        found.append(float(np.exp(sign * logs[np.argmax(enough)])) if enough.any() else (0.0 if sign < 0 else np.inf))
    return found[0], found[1]
