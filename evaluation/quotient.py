"""Say how much of a fall was displaced to the buffer around it, or shared by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.counts import Checks, Unprinted, say_interval, say_number
from evaluation.differences import Spread, read_spread

__all__ = ["WDQ", "wdq"]

Pair = Sequence[float]

_DRAWS = 10_000  # percentile limits repeat to about two digits
_NOTE = (
    " It counts what was recorded, whatever the reason for recording; `wdd` asks the same question and has a standard "
    "error."
)


@dataclass(frozen=True, repr=False)
class WDQ(Unprinted):
    """The weighted displacement quotient, and whether it may be read at all.

    Attributes
    ----------
    value : float
        Buffer measure / success. NaN where a comparison count is 0 or success is 0.
    success : float
        Ra/Ca - Rb/Cb; below 0 when the operation area fell against the comparison.
    buffer_measure : float
        Da/Ca - Db/Cb.
    general_effect, net_effect, total_net_effect : float
        Rb - Ra; Rb/Cb - Ra/Ca; Rb(Ca/Cb) - Ra + Db(Ca/Cb) - Da.
    interpretable : bool
        True only when success is below 0.
    low, high : float
        Bootstrap interval of `value`; unbounded when the draws do not clearly show success, NaN when not interpretable.
    level : float
        Confidence level.
    """

    value: float
    success: float
    buffer_measure: float
    general_effect: float
    net_effect: float
    total_net_effect: float
    interpretable: bool
    low: float
    high: float
    level: float

    def summary(self) -> str:
        """Read the quotient, only where it can be read."""
        if math.isnan(self.success):
            return "A comparison count is 0, so the quotient is undefined; use `wdd`." + _NOTE
        if not self.interpretable:
            return (
                "The operation area did not fall against its comparison, so there was nothing to displace: the "
                "quotient has no reading." + _NOTE
            )
        if math.isinf(self.low):
            return (
                "The fall in the operation area is within chance, so the quotient could be anything: it has no reading."
                + _NOTE
            )
        interval = say_interval(self.low, self.high, self.level)
        return f"The quotient is {say_number(self.value)} ({interval}): {self._reading()}." + _NOTE

    def _reading(self) -> str:
        if self.low <= 0 <= self.high:
            return "neither displacement nor a spread of the fall to the buffer can be told from chance"
        if self.low > 0:
            return "recorded events fell in the buffer too, against the comparison"
        return "recorded events rose in the buffer against the comparison, as displacement would do"

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every measure."""
        names = [
            "value",
            "low",
            "high",
            "success",
            "buffer_measure",
            "general_effect",
            "net_effect",
            "total_net_effect",
        ]
        return pd.DataFrame({name: [getattr(self, name)] for name in [*names, "interpretable"]})


def wdq(
    treated: Pair, buffer: Pair, control: Pair, *, dispersion: Spread = 1.0, seed: int = 0, level: float = 0.95
) -> WDQ:
    """Measure how much of a fall was displaced to, or shared by, the buffer.

    WDQ = (Da/Ca - Db/Cb) / (Ra/Ca - Rb/Cb), with R the operation area, D its buffer, C the comparison, b before and a
    after. The interval is a percentile interval of Poisson draws around each count; with dispersion above 1, of
    negative binomial draws with that variance / mean.

    Parameters
    ----------
    treated, buffer, control : pair
        Events (before, after).
    dispersion : number or (phi, df), default 1.0
        Variance / mean of the counts, at least 1; see `dispersion_from_counts`. It widens the interval only.
    seed : int, default 0
        Seed of the bootstrap.
    level : float, default 0.95
        Confidence level of the interval.

    Returns
    -------
    WDQ
        .value .success .buffer_measure .general_effect .net_effect .total_net_effect .interpretable .low .high.

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, or the dispersion or level is out of range.

    Notes
    -----
    A quotient: it means nothing unless success is below 0, and its interval is unbounded unless the draws show success.
    A draw around a 0 is always 0, so zeros make the interval too short; so does a dispersion left at 1 where counts
    vary more. Prefer `wdd`.

    References
    ----------
    Bowers and Johnson (2003), Journal of Quantitative Criminology 19:275-301.

    Examples
    --------
    >>> q = wdq((207, 110), (178, 157), (308, 318))
    >>> round(q.value, 7), q.interpretable
    (0.2581857, True)
    """
    checks = Checks("wdq")
    pairs = {"treated": treated, "buffer": buffer, "control": control}
    counts = np.array([checks.pair(name, pair) for name, pair in pairs.items()])
    phi, _ = read_spread(checks, dispersion)
    checks.level(level)
    checks.done()
    (rb, ra), (db, da), (cb, ca) = counts.tolist()
    defined = cb > 0 and ca > 0
    measure, success = (da / ca - db / cb, ra / ca - rb / cb) if defined else (math.nan, math.nan)
    low, high = math.nan, math.nan
    if success < 0:
        low, high = _wdq_interval(counts, phi, seed, level)
    return WDQ(
        value=measure / success if success else math.nan,
        success=success,
        buffer_measure=measure,
        general_effect=rb - ra,
        net_effect=-success,
        total_net_effect=(rb + db) * ca / cb - ra - da if defined else math.nan,
        interpretable=success < 0,
        low=low,
        high=high,
        level=level,
    )


def _wdq_interval(counts: npt.NDArray[np.float64], phi: float, seed: int, level: float) -> tuple[float, float]:
    """Return percentile limits over draws around the counts, unbounded unless nearly all of them show success."""
    rng = np.random.default_rng(seed)
    means = np.broadcast_to(counts, (_DRAWS, 3, 2))
    if phi > 1:  # a gamma mean with shape mean / (phi - 1): the draws have variance phi x mean
        means = rng.gamma(means / (phi - 1), phi - 1)
    draws = rng.poisson(means).astype(float)
    kept = (draws[:, 2] > 0).all(axis=1)
    share = draws[kept, :2] / draws[kept, 2:3]
    gain = share[:, 1, 1] - share[:, 1, 0]
    success = share[:, 0, 1] - share[:, 0, 0]
    # a quotient whose denominator may be 0 has an unbounded confidence set (Fieller 1954)
    if (success < 0).sum() < (1 + level) / 2 * _DRAWS:
        return -math.inf, math.inf
    low, high = np.quantile(gain[success < 0] / success[success < 0], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
