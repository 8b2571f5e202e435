"""What may be said of a weighted difference of changes: its size, its error, and what could have been seen?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from scipy import special

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["POWER", "WDD", "Spread", "WeightedDifference", "read_spread", "weighted_difference"]

Spread = float | tuple[float, float]  # variance / mean, alone or with the degrees of freedom it was estimated with

POWER = 0.8  # the customary chance of seeing a real effect (Cohen 1988)
_CAVEAT = (
    "This assumes that the areas would have changed by as many events as their comparison areas. It counts what was "
    "recorded: enforcement and reporting move it too. No clear change in a buffer is not the absence of displacement "
    "unless the change that matters was detectable, and people may have moved beyond it or off-street."
)


@dataclass(frozen=True, repr=False)
class WeightedDifference(Unprinted):
    """A difference of changes, with the error that chance alone would give it.

    Attributes
    ----------
    value : float
        Events more (above 0) or fewer than the comparison's change would give.
    se, se_poisson : float
        Standard error with the dispersion, and as if events were Poisson.
    low, high : float
        Interval from `se`, normal, or t where the dispersion came with degrees of freedom; infinite when there is no
        event at all (never a point).
    z, p : float
        value / se and its two-sided p.
    smallest_detectable : float
        Size of a true change that would be seen with 80 % power at this level: (quantile of the level + z_power) x se.
    level : float
        Confidence level.
    """

    value: float
    se: float
    se_poisson: float
    low: float
    high: float
    z: float
    p: float
    smallest_detectable: float
    level: float

    def summary(self) -> str:
        """Say what could be seen, then what was seen, and what that does not show."""
        return f"{self._seen('Difference')} {_CAVEAT}"

    def _seen(self, part: str) -> str:
        if self.se_poisson == 0:
            return f"{part}: no event in any of the counts, so nothing can be said."
        return (
            f"{part}: a change of {say_number(self.smallest_detectable)} or more either way could have been seen (80 % "
            f"power); seen was {self.value:+,.1f} ({say_interval(self.low, self.high, self.level)}, z {self.z:.2f}, "
            f"{say_p(self.p)}; standard error {self.se:,.1f} with the dispersion, {self.se_poisson:,.1f} if Poisson)."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: value, se, se_poisson, low, high, z, p, smallest_detectable."""
        names = ["value", "se", "se_poisson", "low", "high", "z", "p", "smallest_detectable"]
        return pd.DataFrame({name: [getattr(self, name)] for name in names})


@dataclass(frozen=True, repr=False)
class WDD(Unprinted):
    """The weighted displacement difference: the operation area, its buffer, and both together.

    Attributes
    ----------
    local, total : WeightedDifference
        The operation area; the area and its buffer together (the same without buffers).
    buffer : WeightedDifference or None
        The buffer, or None when none was given.
    dispersion : float
        Variance / mean used.
    """

    local: WeightedDifference
    buffer: WeightedDifference | None
    total: WeightedDifference
    dispersion: float

    def summary(self) -> str:
        """Say each part, the detectable change first, and what the difference does not show."""
        parts = [self.local._seen("Operation area")]
        if self.buffer is None:
            parts.append("No buffer was given: displacement was not looked for.")
        else:
            parts += [self.buffer._seen("Buffer"), self.total._seen("Both together")]
        parts.append(f"Counts were taken to vary {self.dispersion:.2f} times as much as Poisson counts.")
        return " ".join([*parts, _CAVEAT])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a part (local, buffer, total): value, se, se_poisson, low, high, z, p, smallest_detectable."""
        parts = {"local": self.local, "buffer": self.buffer, "total": self.total}
        frames = {name: part.to_frame() for name, part in parts.items() if part is not None}
        return pd.concat(frames, names=["part", None]).droplevel(1)


def weighted_difference(
    value: float, variance: float, dispersion: tuple[float, float], level: float
) -> WeightedDifference:
    """Return a difference with its errors, interval and power.

    Parameters
    ----------
    value : float
        Difference of changes.
    variance : float
        Its variance if events were Poisson.
    dispersion : pair of float
        Variance / mean of the counts, at least 1, and the degrees of freedom it was estimated with.
    level : float
        Confidence level.

    Returns
    -------
    WeightedDifference
    """
    phi, df = dispersion
    poisson, se = math.sqrt(variance), math.sqrt(variance * phi)
    if variance == 0:  # no event at all: an interval of width 0 would be a claim
        return WeightedDifference(value, 0.0, 0.0, -math.inf, math.inf, math.nan, math.nan, math.inf, level)
    reach = float(special.stdtrit(df, (1 + level) / 2))
    detectable = (reach + float(special.ndtri(POWER))) * se
    z = value / se
    p = float(2 * special.stdtr(df, -abs(z)))
    return WeightedDifference(value, se, poisson, value - reach * se, value + reach * se, z, p, detectable, level)


def read_spread(checks: Checks, given: Spread) -> tuple[float, float]:
    """Return variance / mean, at least 1, and its degrees of freedom: infinite (normal) where none are given."""
    if isinstance(given, tuple):
        phi, df = checks.numbers("dispersion", given, 2)
    else:
        phi, df = checks.numbers("dispersion", given, 1)[0], math.inf
    checks.require(not phi < 1, "dispersion", "needs variance / mean of at least 1", "Pass 1 for counts that vary less")
    return phi, df
