"""Which ratios do the data leave standing, on a grid fine enough to say so?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from commonground.pickles import Exact
from evaluation.headline.curves import RATIOS, limits

__all__ = ["Curves", "Shape", "agreeing_limits", "invert", "two_sided_limits"]

Array = npt.NDArray[np.float64]
Curves = Callable[[Array], tuple[Array, Array]]  # ratios -> the test's p and the p of test M at each

# Steps of the grid below which an interval is mostly interpolation. Counts of 0 to 30 a month give wider ones.
_FEWEST_STEPS = 6
_FEWEST_POINTS = 3  # with fewer, the largest p of the grid may stand somewhere else: a placebo p rises again far away
_POINTS = 61
_ROUNDS = 6  # each round makes the step up to 30 times finer
_STEP = float(np.log(RATIOS[1] / RATIOS[0]))


@dataclass(frozen=True, repr=False, eq=False)
class Shape(Exact):
    """The p values of a test over a grid of ratios.

    Attributes
    ----------
    ratios : array, (m,)
        Increasing.
    p, mixture : array, (m,)
        Of the test, and of test M.
    at_one : float
        The test's p of no change; the grid has no point at 1.
    """

    ratios: Array
    p: Array
    mixture: Array
    at_one: float

    def joined(self, ratios: Array, p: Array, mixture: Array) -> Shape:
        """Return the shape with further points."""
        merged, first = np.unique(np.concatenate([self.ratios, ratios]), return_index=True)
        return Shape(
            merged,
            np.concatenate([self.p, p])[first],
            np.concatenate([self.mixture, mixture])[first],
            self.at_one,
        )


def invert(
    curves: Curves, at_one: float, alpha: float, *, estimate: float, find: Callable[..., tuple[float, float]]
) -> tuple[float, float]:
    """Return the interval that a test leaves, on a grid made finer around the ratio found while it is too coarse.

    The published grid has steps of 12 %: enough for the wide intervals of small counts, and kept for them. An interval
    of fewer than six steps, one that the ratio lies outside of, or one around another peak of p than the ratio's, is
    found again with 61 further points around the ratio, reaching a step beyond what is left standing there.

    Parameters
    ----------
    curves : callable
    at_one : float
        p of no change.
    alpha : float
    estimate : float
        The ratio found.
    find : callable
        `agreeing_limits` or `two_sided_limits`.
    """
    shape, step = Shape(RATIOS, *curves(RATIOS), at_one), _STEP
    low, high = find(shape, alpha, estimate=estimate)
    for _ in range(_ROUNDS):
        if not _too_coarse(shape, alpha, (low, high), estimate, step):
            break
        ends = np.concatenate([_around(shape.ratios, p, alpha, estimate)[1] for p in (shape.p, shape.mixture)])
        reach = step + float(np.abs(np.log(ends / estimate)).max())
        finer = estimate * np.exp(np.linspace(-reach, reach, _POINTS))
        shape, step = shape.joined(finer, *curves(finer)), 2 * reach / (_POINTS - 1)
        low, high = find(shape, alpha, estimate=estimate)
    return low, high


def agreeing_limits(shape: Shape, alpha: float, *, estimate: float) -> tuple[float, float]:
    """Return the limits of p that leave 1 out exactly when p, its value at 1, is at most alpha.

    The grid has no point at 1. Where its neighbours alone would put 1 on the wrong side, 1 is added; where the curve
    has a second region above alpha and 1 is in that one, the interval reaches on to its end. A placebo test cannot
    be inverted when no events are left to divide by a ratio: its curve then exceeds alpha nowhere, and the limits are
    those of test M.

    Parameters
    ----------
    shape : Shape
    alpha : float
    estimate : float
        The ratio found.
    """
    ratios, curve, p = shape.ratios, shape.p, shape.at_one
    invertible = bool(curve.max() > alpha)
    low, high = limits(ratios, curve if invertible else shape.mixture, alpha, estimate=estimate)
    if (low <= 1 <= high) == (p > alpha):
        return low, high
    if p <= alpha and not invertible:
        return (low, float(np.nextafter(1, 0))) if estimate <= 1 else (float(np.nextafter(1, 2)), high)
    at = int(np.searchsorted(ratios, 1.0))
    ratios, curve = np.insert(ratios, at, 1.0), np.insert(curve, at, p)
    low, high = limits(ratios, curve, alpha, estimate=estimate)
    if p > alpha and not low <= 1 <= high:
        from_one = limits(ratios, curve, alpha, estimate=estimate, peak=at)
        low, high = min(low, from_one[0]), max(high, from_one[1])
    return low, high


def two_sided_limits(shape: Shape, alpha: float, *, estimate: float) -> tuple[float, float]:
    """Take the limit facing 1 from p, and the far one from test M: the space-time p is not monotone there."""
    low, high = agreeing_limits(shape, alpha, estimate=estimate)
    mixture_low, mixture_high = limits(shape.ratios, shape.mixture, alpha, estimate=estimate)
    if estimate <= 1:
        return mixture_low, max(high, mixture_high) if high < 1 and mixture_high < 1 else high
    return min(low, mixture_low) if low > 1 and mixture_low > 1 else low, mixture_high


def _too_coarse(shape: Shape, alpha: float, found: tuple[float, float], estimate: float, step: float) -> bool:
    """Say whether the grid has too few points around the ratio to show where p falls to alpha."""
    low, high = found
    if not RATIOS[0] < estimate < RATIOS[-1]:
        return False
    standing, _ = _around(shape.ratios, shape.p, alpha, estimate)
    if len(standing) < _FEWEST_POINTS or np.argmax(shape.p) not in standing:
        return True
    two_ended = low > 0 and bool(np.isfinite(high))
    return not low <= estimate <= high or (two_ended and bool(np.log(high / low) < _FEWEST_STEPS * step))


def _around(ratios: Array, p: Array, alpha: float, estimate: float) -> tuple[range, Array]:
    """Return the points around the estimate at which p exceeds alpha, and the two ratios next to them outwards."""
    left = right = int(np.searchsorted(ratios, estimate))
    while left > 0 and p[left - 1] > alpha:
        left -= 1
    while right < len(p) and p[right] > alpha:
        right += 1
    return range(left, right), ratios[[max(left - 1, 0), min(right, len(p) - 1)]]
