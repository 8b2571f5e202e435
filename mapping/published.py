"""By how much did published values change, a day observed?

One function for maps and tables, so that both say the same of the same labels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import betaincinv

from commonground.disclosure import Answer
from commonground.disclosure.labels import significant

__all__ = ["HALF_WIDTH", "RateChange", "labels_in", "rate_change"]

HALF_WIDTH = 2  # a label stands for counts up to two below or above it (gate.md, step 7)
_Z = 1.959963984540054  # of a 95 % interval
_TAIL = 0.025
_NONE = math.nan


class RateChange(NamedTuple):
    """Rate after over rate before, with its 95 % interval; NaN where nothing can be said."""

    ratio: float = _NONE
    low: float = _NONE
    high: float = _NONE


def rate_change(before: Answer, after: Answer, days: tuple[float, float], *, exact: bool = False) -> RateChange:
    """Compare two published values, each divided by its observed days.

    Parameters
    ----------
    before, after : Answer
        Published values, or sums of them, with their intervals.
    days : pair of float
        Observed days before and after.
    exact : bool
        Whether the values are counts as published (the open profile) and not labels.

    Returns
    -------
    RateChange
        Of labels at 2 significant digits, rounded once; of published counts unrounded. NaN where a value is hidden.

    Notes
    -----
    Of labels the variance of the log ratio is 1/p + 1/q + 2m/p^2 + 2m/q^2, where m is the number of labels in the sum
    (gate.md, step 13, has it for one); a zero has no ratio. Of published counts the limits are those of Clopper and
    Pearson (1934) for the share of events that fall after, as odds; a zero gives 0 or infinity. Both take events as
    independent of each other: where the same people are met often, the true interval is wider.

    Examples
    --------
    >>> rate_change(Answer(440, 438, 442), Answer(130, 128, 132), (730, 275))
    RateChange(ratio=0.78, low=0.64, high=0.95)
    """
    old, new = before.value, after.value
    if old is None or new is None or not min(days) > 0:
        return RateChange()
    scale = days[0] / days[1]
    if exact:
        return _exact(old, new, scale)
    if not old or not new:
        return RateChange()
    rounding = HALF_WIDTH * max(labels_in(before), labels_in(after))
    spread = _Z * math.sqrt(1 / old + 1 / new + rounding / old**2 + rounding / new**2)
    return RateChange(*(significant(new / old * scale * math.exp(sign * spread)) for sign in (0, -1, 1)))


def labels_in(answer: Answer) -> int:
    """Return how many labels are summed in a published value: one of the public profile is a sum of several itself."""
    return 0 if answer.value is None or answer.high is None else (answer.high - answer.value) // HALF_WIDTH


def _exact(old: int, new: int, scale: float) -> RateChange:
    if not old + new:
        return RateChange()
    low = betaincinv(new, old + 1, _TAIL) if new else 0.0
    high = betaincinv(new + 1, old, 1 - _TAIL) if old else 1.0
    ratio, least, most = (share / (1 - share) if share < 1 else math.inf for share in (new / (old + new), low, high))
    return RateChange(ratio * scale, float(least) * scale, float(most) * scale)
