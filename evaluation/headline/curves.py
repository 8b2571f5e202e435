"""How surprising would these counts be if the rate had really changed by a given ratio?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from commonground.pickles import Exact
from evaluation.shifts import log_odds, share_as_large, shifted_windows

__all__ = [
    "RATIOS",
    "Evidence",
    "cauchy",
    "exact_mixture_p",
    "joint_shift_p",
    "limits",
    "space_time_p",
]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Published intervals of this test are interpolated on this grid, so it is part of the method.
RATIOS: Array = np.geomspace(0.03, 33, 61)
_VARIANCES = np.concatenate([[1e-6], np.geomspace(0.001, 4, 24)])
# Beyond so many events the sums over every count would take seconds; a continuous share then gives the same p: at a p
# near .05 it differs by less than .0005 (tested).
_MANY, _ENOUGH = 5000, 50
_CAUCHY_CAP = 0.999  # tan(-pi/2) at p = 1 would drown every other p value


@dataclass(frozen=True, repr=False, eq=False)
class Evidence(Exact):
    """What the p values of a ratio are computed from.

    Attributes
    ----------
    treated : array, (n,)
        Events of the area studied, observed months only.
    comparison : array, (n, J)
        Events of the comparison areas; J may be 0.
    after : mask, (n,)
    expected_odds : float
        Events after / events before that no change leads one to expect.
    excess : array, (91,)
        Variance of the log contrast beyond Poisson chance at each point of the volatility grid.
    known : float
        Further variance of the log contrast: the comparison's Poisson chance, or the cost of a season.
    """

    treated: Array
    comparison: Array
    after: Mask
    expected_odds: float
    excess: Array
    known: float

    def divided(self, ratios: Array) -> Array:
        """Return the treated counts with those after divided by each ratio, shape (n, ratios)."""
        return np.where(self.after[:, None], self.treated[:, None] / ratios, self.treated[:, None])


def exact_mixture_p(evidence: Evidence, ratios: Array) -> Array:
    """Return the mid-p of each ratio at each point of the volatility grid, shape (ratios, 91).

    Given all treated events, those after are beta-binomial: a binomial share with the contrast's excess variance.
    Without excess it is the exact conditional mid-p test of two Poisson rates. Average the columns by posterior
    weights.

    Parameters
    ----------
    evidence : Evidence
    ratios : array, (m,)
        Above 0.
    """
    events = round(float(evidence.treated[evidence.after].sum()))
    total = round(float(evidence.treated.sum()))
    at = np.log(np.maximum(evidence.excess, _VARIANCES[0]))
    out = np.empty((len(ratios), len(evidence.excess)))
    for i, ratio in enumerate(ratios):
        odds = ratio * evidence.expected_odds
        share = odds / (1 + odds)
        size = 1 / (share * (1 - share) * (_VARIANCES + evidence.known))
        out[i] = np.interp(
            at, np.log(_VARIANCES), _beta_binomial_mid_p(events, total, share * size, (1 - share) * size)
        )
    return out


def joint_shift_p(evidence: Evidence, ratios: Array) -> Array:
    """Return the p of the circular shift test, treated and comparison jointly, at each ratio."""
    windows = shifted_windows(evidence.after)
    comparison = log_odds(windows, evidence.comparison.sum(axis=1))
    return share_as_large(log_odds(windows, evidence.divided(ratios)) - comparison[:, None])


def cauchy(first: Array, second: Array) -> Array:
    """Join two p values that may depend on each other (Liu and Xie 2020, equal weights)."""
    capped = np.minimum(np.stack([first, second]), _CAUCHY_CAP)
    return np.asarray(0.5 - np.arctan(np.tan((0.5 - capped) * np.pi).mean(axis=0)) / np.pi)


def space_time_p(evidence: Evidence, excess: float, ratios: Array) -> Array:
    """Return the share of all areas and circular shifts with a change as large as the treated area's true one.

    Each change is a log ratio against the comparison areas (never the treated one), divided by its standard error.

    Parameters
    ----------
    evidence : Evidence
        With two or more comparison areas.
    excess : float
        Posterior mean of the contrast's variance beyond Poisson chance.
    ratios : array, (m,)

    Returns
    -------
    array, (m,)
        From 1 / ((J + 1) n) to 1.
    """
    windows, areas = shifted_windows(evidence.after), evidence.comparison
    everyone = areas.sum(axis=1)
    n, after = len(everyone), evidence.after.sum()
    plain = (1 / after + 1 / (n - after)) * n

    def size(own: Array, own_factor: Array | float, donors: Array) -> Array:
        change = log_odds(windows, own) - log_odds(windows, donors)
        variance = own_factor / (own.sum(axis=0) + 1) + plain / (donors.sum(axis=0) + 1) + excess
        return np.asarray(np.abs(change) / np.sqrt(variance))

    others = everyone[:, None] - areas
    placebos = np.sort(size(areas, plain, others), axis=None)
    # Dividing by the ratio also divides the information of the months after: they count 1 / ratio of a month.
    months = np.where(evidence.after[:, None], 1 / ratios, 1.0)
    inside = windows @ months
    outside = months.sum(axis=0) - inside
    factor = (inside / after**2 + outside / (n - after) ** 2) * n
    own = size(evidence.divided(ratios), factor, everyone[:, None])
    as_large = len(placebos) - np.searchsorted(placebos, own[0] - 1e-9) + (own >= own[0] - 1e-9).sum(axis=0)
    return np.asarray(as_large / (len(placebos) + n))


def limits(ratios: Array, p: Array, alpha: float, *, estimate: float, peak: int | None = None) -> tuple[float, float]:
    """Return where p first falls to alpha on either side of its peak, interpolated in the log ratio.

    A side where it does not gives 0 or infinity. Where p exceeds alpha at no ratio of the grid, all that is not
    rejected lies around the estimate: beyond the end of the grid (the limits are that end and 0 or infinity), or
    between two points of it (p is 1 at the estimate).

    Parameters
    ----------
    ratios, p : array, (m,)
        Increasing ratios and their p values.
    alpha : float
    estimate : float
        The ratio found.
    peak : int, optional
        Where to start from; the largest p by default.
    """
    peak = int(np.argmax(p)) if peak is None else peak
    if p[peak] <= alpha:
        if estimate <= ratios[0]:
            return 0.0, float(ratios[0])
        if estimate >= ratios[-1]:
            return float(ratios[-1]), np.inf
        peak = int(np.searchsorted(ratios, estimate))
        ratios, p = np.insert(ratios, peak, estimate), np.insert(p, peak, 1.0)
    at, small = np.log(ratios), p <= alpha

    def crossing(inner: int, outer: int) -> float:
        part = (p[inner] - alpha) / (p[inner] - p[outer])
        return float(np.exp(at[inner] + part * (at[outer] - at[inner])))

    below, above = np.flatnonzero(small[:peak]), np.flatnonzero(small[peak:]) + peak
    low = crossing(int(below[-1]) + 1, int(below[-1])) if below.size else 0.0
    high = crossing(int(above[0]) - 1, int(above[0])) if above.size else np.inf
    return low, high


def _beta_binomial_mid_p(events: int, total: int, a: Array, b: Array) -> Array:
    """Return the central mid-p of `events` of `total` for each pair of beta parameters."""
    if total > _MANY and min(events, total - events) >= _ENOUGH:
        return _smooth_mid_p(events, total, a, b)
    k = np.arange(total, dtype=float)
    steps = (total - k) / (k + 1) * (k + a[:, None]) / (total - k - 1 + b[:, None])  # P(k + 1) / P(k)
    logs = np.concatenate([np.zeros((len(a), 1)), np.cumsum(np.log(steps), axis=1)], axis=1)
    mass = np.exp(logs - logs.max(axis=1, keepdims=True))
    mass /= mass.sum(axis=1, keepdims=True)
    half = mass[:, events] / 2
    tail = np.minimum(mass[:, :events].sum(axis=1) + half, mass[:, events + 1 :].sum(axis=1) + half)
    return np.asarray(np.minimum(1.0, 2 * tail))


def _smooth_mid_p(events: int, total: int, a: Array, b: Array) -> Array:
    """Return the same from a beta distribution with the share's mean, variance and (by Edgeworth) skewness."""
    size = a + b
    share = a / size
    variance = share * (1 - share) * (1 / total + (1 - 1 / total) / (size + 1))
    matched = share * (1 - share) / variance - 1
    lower = special.betainc(share * matched, (1 - share) * matched, events / total)
    lean = (size + 2 * total) * (b - a) / (size + 2) * np.sqrt((1 + size) / (total * a * b * (total + size)))
    lean -= 2 * (1 - 2 * share) * np.sqrt(matched + 1) / ((matched + 2) * np.sqrt(share * (1 - share)))
    z = (events / total - share) / np.sqrt(variance)
    lower -= lean / 6 * (z**2 - 1) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    lower = np.clip(lower, 0.0, 1.0)
    return np.asarray(2 * np.minimum(lower, 1 - lower))
