"""What may be written in place of a count, and what may be worked out from what was written?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

__all__ = ["interval", "label", "percentage", "ratio", "revise", "settle", "significant"]

ROUNDING = 5
TINY = 1e-300  # a power of ten for anything smaller cannot be written; nothing published is so small


def label(n: float, k: int) -> int | None:
    """Return 5 floor(n/5 + .5), or None below k.

    Parameters
    ----------
    n : float
        A count.
    k : int
        8 or 13: k mod 5 = 3, so that every label stands for five counts and the lowest one for no fewer.

    Examples
    --------
    >>> [label(n, 8) for n in (7, 8, 12, 13)]
    [None, 10, 10, 15]
    """
    if k not in (8, 13):
        raise ValueError("k is 8 or 13; there are no other profiles.")
    return None if n < k else ROUNDING * math.floor(n / ROUNDING + 0.5)


def interval(value: int | None, k: int) -> tuple[int, int]:
    """Return what a label says of the count: [max(k, p - 2), p + 2]; a hidden one is [0, k - 1]."""
    return (0, k - 1) if value is None else (max(k, value - 2), value + 2)


def revise(old: int | None, new: int | None, k: int) -> int | None:
    """Return the label to publish after late records: the new one only if the published intervals lie k or more apart.

    Judged from published values alone: "moved by k people" would prove a small count (hidden, then 10).
    """
    return new if _gap(old, new, k) >= k else old


def settle(earlier: Sequence[int | None], new: int | None, k: int) -> int | None:
    """Return the label to publish when several were published before.

    The new one must lie k or more apart from every earlier one that differs from it, or 10, then 30, then 15 would show
    that a few people were added since the first.

    Examples
    --------
    >>> settle([10, 30], 15, 8), settle([10, 30], 10, 8), settle([], 15, 8)
    (30, 10, 15)
    """
    if all(old == new or _gap(old, new, k) >= k for old in earlier):
        return new
    return earlier[-1]


def significant(value: float, digits: int = 2) -> float:
    """Round to significant digits, halves away from zero; 0 and infinities stay."""
    if value == 0 or not math.isfinite(value):
        return value
    if abs(value) < TINY:
        return 0.0
    scale = 10.0 ** (digits - 1 - math.floor(math.log10(abs(value))))
    return math.copysign(math.floor(abs(value) * scale + 0.5 + 1e-9) / scale, value)


def ratio(
    before: int | None, after: int | None, *, scale: float = 1.0, level: float = 0.95
) -> tuple[float, float, float] | None:
    """Return after/before from labels with its interval, at 2 significant digits; None when either is hidden.

    ``scale`` is days before over days after, where the rates are compared; it is applied before rounding, once.

    Variance of the log ratio: 1/p + 1/q + 2/p^2 + 2/q^2, the last two for the rounding (coverage .948 or more).

    Examples
    --------
    >>> ratio(20, 35)
    (1.8, 0.99, 3.1)
    """
    if not before or not after:
        return None
    width = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(1 / before + 1 / after + 2 / before**2 + 2 / after**2)
    point = after / before * scale
    return significant(point), significant(point * math.exp(-width)), significant(point * math.exp(width))


def percentage(part: int | None, of: tuple[int | None, ...]) -> int | None:
    """Return a share of labels, to the nearest 5 %; None when any is hidden."""
    known = [value for value in of if value is not None]
    if part is None or len(known) < len(of) or not sum(known):
        return None
    return ROUNDING * math.floor(100 * part / sum(known) / ROUNDING + 0.5)


def _gap(old: int | None, new: int | None, k: int) -> int:
    """Return how far apart the intervals of two labels lie; negative where they overlap."""
    (old_low, old_high), (new_low, new_high) = interval(old, k), interval(new, k)
    return new_low - old_high if new_low > old_high else old_low - new_high
