"""Say whether events fell where the operation was, or only moved next door."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["WDD", "WeightedDifference", "wdd", "wdd_harm"]

Pair = Sequence[float]

_POWER = 0.8  # the customary chance of seeing a real effect (Cohen 1988)
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
        Normal interval from `se`; infinite when there is no event at all (never a point).
    z, p : float
        value / se and its two-sided normal p.
    smallest_detectable : float
        Size of a true change that would be seen with 80 % power at this level: (z_level + z_power) x se.
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


def wdd(
    treated: Pair,
    control: Pair,
    *,
    treated_buffer: Pair | None = None,
    control_buffer: Pair | None = None,
    period_lengths: tuple[float, float] = (1, 1),
    area_sizes: Sequence[float] | None = None,
    dispersion: float = 1.0,
    level: float = 0.95,
) -> WDD:
    """Measure the change of an area and its buffer against the change of their comparisons.

    local = (T1 - T0) - (C1 - C0); buffer = (Dt1 - Dt0) - (Dc1 - Dc0); total = local + buffer. Each count n enters as
    n/w, w = period length x area size, with variance dispersion x n/w^2.

    Parameters
    ----------
    treated, control : pair
        Events (before, after) in the operation area and its comparison; weighted counts may be fractional.
    treated_buffer, control_buffer : pair, optional
        The same around both; give both or neither.
    period_lengths : tuple of float, default (1, 1)
        Lengths (before, after).
    area_sizes : sequence of float, optional
        Relative sizes (control, treated, control_buffer, treated_buffer); the first two without buffers.
    dispersion : float, default 1.0
        Variance / mean of the counts, at least 1; see `dispersion_from_counts`.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    WDD
        .local .buffer .total, each .value .se .se_poisson .low .high .z .p .smallest_detectable.

    Raises
    ------
    StudyError
        When counts, lengths, sizes or dispersion are out of range, or only one buffer is given; all are listed.

    Notes
    -----
    Assumes parallel change in numbers of events. With dispersion left at 1 and real variance 2, 3 or 5 times the mean
    it sees change in 17, 26 or 38 % of data sets without any.

    References
    ----------
    Wheeler and Ratcliffe (2018), Crime Science 7:11.

    Examples
    --------
    >>> d = wdd((207, 110), (308, 318), treated_buffer=(178, 157), control_buffer=(150, 140))
    >>> f"{d.total.value:.0f} (se {d.total.se:.3f}, {d.total.low:.1f} to {d.total.high:.1f})"
    '-118 (se 39.598, -195.6 to -40.4)'
    """
    checks = Checks("wdd")
    buffered = treated_buffer is not None or control_buffer is not None
    given: dict[str, Pair | None] = {"control": control, "treated": treated}
    if buffered:
        given |= {"control_buffer": control_buffer, "treated_buffer": treated_buffer}
    pairs = [checks.pair(name, pair, whole=False) for name, pair in given.items()]
    lengths = checks.numbers("period_lengths", period_lengths, 2)
    sizes = checks.numbers("area_sizes", (1.0,) * len(pairs) if area_sizes is None else area_sizes, len(pairs))
    _check_dispersion(checks, dispersion)
    checks.level(level)
    checks.done()
    changes = [_change(pair, lengths, size) for pair, size in zip(pairs, sizes, strict=True)]
    local = _difference(changes[1:2], changes[0:1], dispersion, level)
    if not buffered:
        return WDD(local, None, local, dispersion)
    buffer = _difference(changes[3:4], changes[2:3], dispersion, level)
    return WDD(local, buffer, _difference(changes[1::2], changes[0::2], dispersion, level), dispersion)


def wdd_harm(
    pairs: Mapping[str, Mapping[str, Pair]],
    weights: Mapping[str, float],
    *,
    dispersion: float = 1.0,
    level: float = 0.95,
) -> WeightedDifference:
    """Add up the weighted displacement differences of several offences by their harm.

    value = sum of a_k WDD_k, variance = sum of a_k^2 se_k^2.

    Parameters
    ----------
    pairs : mapping
        {offence: {"treated": (before, after), "control": (before, after)}}.
    weights : mapping
        {offence: harm of one event, at least 0}.
    dispersion : float, default 1.0
        Variance / mean, at least 1.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    WeightedDifference
        In units of harm.

    Raises
    ------
    StudyError
        When an offence lacks its counts or its weight; every one is listed.

    Notes
    -----
    Assumes that offences vary independently. Harm weights are a value judgement: say whose.

    References
    ----------
    Wheeler and Ratcliffe (2018), Crime Science 7:11.

    Examples
    --------
    >>> pairs = {"theft": {"treated": (20, 10), "control": (20, 20)}, "assault": {"treated": (5, 5), "control": (5, 4)}}
    >>> h = wdd_harm(pairs, {"theft": 1, "assault": 10})
    >>> h.value, round(h.se, 4)
    (0.0, 44.3847)
    """
    checks = Checks("wdd_harm")
    checks.require(len(pairs) > 0, "pairs", "needs at least one offence", "Give the counts of each offence")
    value = variance = 0.0
    for offence, both in pairs.items():
        weight = checks.numbers(f"weights[{offence!r}]", weights.get(offence), 1, positive=False)[0]
        known = checks.require(
            set(both) == {"treated", "control"},
            f"pairs[{offence!r}]",
            'needs "treated" and "control"',
            "Name both pairs",
        )
        if known:
            t, c = (
                checks.pair(f"pairs[{offence!r}][{side!r}]", both[side], whole=False) for side in ("treated", "control")
            )
            value += weight * ((t[1] - t[0]) - (c[1] - c[0]))
            variance += weight**2 * (sum(t) + sum(c))
    unused = set(weights) - set(pairs)
    checks.require(
        not unused, "weights", f"{len(unused)} weighted offences have no counts", "Drop them or give their counts"
    )
    _check_dispersion(checks, dispersion)
    checks.level(level)
    checks.done()
    return _estimate(value, variance, dispersion, level)


def _check_dispersion(checks: Checks, dispersion: float) -> None:
    given = checks.numbers("dispersion", dispersion, 1)[0]
    checks.require(
        not given < 1, "dispersion", "needs variance / mean of at least 1", "Pass 1 for counts that vary less"
    )


def _change(pair: tuple[float, float], lengths: Sequence[float], size: float) -> tuple[float, float]:
    """Return the weighted change of one area and its Poisson variance."""
    weighted = [(n / (length * size), n / (length * size) ** 2) for n, length in zip(pair, lengths, strict=True)]
    return weighted[1][0] - weighted[0][0], weighted[0][1] + weighted[1][1]


def _difference(
    treated: list[tuple[float, float]], control: list[tuple[float, float]], dispersion: float, level: float
) -> WeightedDifference:
    value = sum(change for change, _ in treated) - sum(change for change, _ in control)
    return _estimate(value, sum(variance for _, variance in treated + control), dispersion, level)


def _estimate(value: float, variance: float, dispersion: float, level: float) -> WeightedDifference:
    poisson, se = math.sqrt(variance), math.sqrt(variance * dispersion)
    reach = float(stats.norm.ppf((1 + level) / 2))
    detectable = (reach + float(stats.norm.ppf(_POWER))) * se
    if variance == 0:  # no event at all: an interval of width 0 would be a claim
        return WeightedDifference(value, 0.0, 0.0, -math.inf, math.inf, math.nan, math.nan, math.inf, level)
    z = value / se
    p = float(2 * stats.norm.sf(abs(z)))
    return WeightedDifference(value, se, poisson, value - reach * se, value + reach * se, z, p, detectable, level)
