"""How many people does one list leave unseen, by four formulas that read its repeats?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scipy.stats import norm

from commonground.pickles import Exact
from mapping.truncated import truncated_rate

__all__ = ["METHODS", "RepeatEstimate", "four_estimates"]

METHODS = ("chao", "zelterman", "truncated_poisson", "one_inflated_chao")
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, repr=False)
class RepeatEstimate(Exact):
    """Hold one estimator of the people that one list could meet.

    Parameters
    ----------
    value, low, high : float
        People, with the 95 % interval; never below those met. NaN where the estimator has no value.
    """

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def __repr__(self) -> str:
        return "RepeatEstimate(...)"


def four_estimates(counts: Any, people: Any) -> tuple[dict[str, RepeatEstimate], dict[str, str]]:
    """Return the four estimates by name, and why those without a value have none.

    Parameters
    ----------
    counts, people : array, (c,)
        Numbers of times, from 1 up, and how many people were met so often, from 1 up.

    Returns
    -------
    tuple of dict, dict
        Estimates, and reasons for those that are refused.

    Notes
    -----
    Formulas and references: `mapping.repeats.repeat_counts`.
    """
    f = {int(x): float(n) for x, n in zip(counts, people, strict=True)}
    refused: dict[str, str] = {}
    found = {
        "chao": _chao(f, refused),
        "zelterman": _zelterman(f, refused),
        "truncated_poisson": _truncated_poisson(counts, people, refused),
        "one_inflated_chao": _one_inflated_chao(f, refused),
    }
    return found, refused


def _chao(f: Mapping[int, float], refused: dict[str, str]) -> RepeatEstimate:
    f1, f2, n = f.get(1, 0.0), f.get(2, 0.0), sum(f.values())
    if not f1 or not f2:
        refused["chao"] = "nobody was met exactly twice" if not f2 else "nobody was met exactly once"
        return RepeatEstimate()
    share = f1 / f2
    return _log_interval(n, f1 * share / 2, f2 * (share**4 / 4 + share**3 + share**2 / 2))


def _one_inflated_chao(f: Mapping[int, float], refused: dict[str, str]) -> RepeatEstimate:
    f2, f3, n = f.get(2, 0.0), f.get(3, 0.0), sum(f.values())
    if not f2 or not f3:
        refused["one_inflated_chao"] = f"nobody was met exactly {'twice' if not f2 else 'three times'}"
        return RepeatEstimate()
    unseen = 2 * f2**3 / (9 * f3**2)
    # multinomial delta method for an estimator that doubles when all counts double: sum f (dN/df)^2 - N
    return _log_interval(n, unseen, unseen + 9 * unseen**2 / f2 + 4 * unseen**2 / f3)


def _zelterman(f: Mapping[int, float], refused: dict[str, str]) -> RepeatEstimate:
    f1, f2, n = f.get(1, 0.0), f.get(2, 0.0), sum(f.values())
    if not f1 or not f2:
        refused["zelterman"] = "nobody was met exactly twice" if not f2 else "nobody was met exactly once"
        return RepeatEstimate()
    rate = 2 * f2 / f1
    missed = n * math.exp(-rate) / math.expm1(-rate) ** 2
    return _symmetric(n, n / -math.expm1(-rate), missed * (1 + missed * rate**2 * (1 / f1 + 1 / f2)))


def _truncated_poisson(counts: Any, people: Any, refused: dict[str, str]) -> RepeatEstimate:
    rate, n = truncated_rate(counts, people, 1), float(people.sum())
    if math.isnan(rate):
        refused["truncated_poisson"] = "nobody was met more than once"
        return RepeatEstimate()
    value = n / -math.expm1(-rate)
    # e^rate - rate - 1 by its series where the difference would be lost; without end it is 0 for a large rate
    left = math.expm1(rate) - rate if 1e-4 < rate < 700 else (rate**2 / 2 if rate < 1 else math.inf)
    return _symmetric(n, value, value / left)


def _symmetric(n: float, value: float, variance: float) -> RepeatEstimate:
    half = _Z * math.sqrt(variance)
    return RepeatEstimate(value, max(value - half, n), value + half)


def _log_interval(n: float, unseen: float, variance: float) -> RepeatEstimate:
    factor = math.exp(_Z * math.sqrt(math.log1p(variance / unseen**2)))
    return RepeatEstimate(n + unseen, n + unseen / factor, n + unseen * factor)
