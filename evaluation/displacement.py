"""Say whether events fell where the operation was, or only moved next door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evaluation.counts import Checks
from evaluation.differences import WDD, Spread, WeightedDifference, read_spread, weighted_difference

__all__ = ["WDD", "WeightedDifference", "wdd", "wdd_harm", "wdd_shared_control"]

Pair = Sequence[float]

_SIDES = ("control", "treated", "control_buffer", "treated_buffer")


class _Change(NamedTuple):
    """A weighted change (after less before) and its Poisson variance."""

    value: float
    variance: float

    def __repr__(self) -> str:
        return "_Change(...)"  # the variance is a sum of counts


def wdd(
    treated: Pair,
    control: Pair,
    *,
    treated_buffer: Pair | None = None,
    control_buffer: Pair | None = None,
    period_lengths: tuple[float, float] = (1, 1),
    area_sizes: Sequence[float] | None = None,
    dispersion: Spread = 1.0,
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
    dispersion : number or (phi, df), default 1.0
        Variance / mean of the counts, at least 1. (phi, df), as `dispersion_from_counts` gives it: t interval.
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
    Assumes parallel change in numbers of events, and four places that do not share events: where one control serves
    both, use `wdd_shared_control`. With dispersion left at 1 and real variance 2, 3 or 5 times the mean
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
    given: dict[str, Pair | None] = {"control": control, "treated": treated}
    if treated_buffer is not None or control_buffer is not None:
        given |= {"control_buffer": control_buffer, "treated_buffer": treated_buffer}
    pairs = [checks.pair(name, pair, whole=False) for name, pair in given.items()]
    lengths = checks.numbers("period_lengths", period_lengths, 2)
    sizes = checks.numbers("area_sizes", (1.0,) * len(pairs) if area_sizes is None else area_sizes, len(pairs))
    spread = _rest(checks, dispersion, level)
    changes = [_change(pair, lengths, 1 / size) for pair, size in zip(pairs, sizes, strict=True)]
    return _parts(changes, spread, level)


def wdd_shared_control(
    treated: Pair,
    buffer: Pair,
    control: Pair,
    *,
    period_lengths: tuple[float, float] = (1, 1),
    area_sizes: Sequence[float] = (1, 1, 1),
    dispersion: Spread = 1.0,
    level: float = 0.95,
) -> WDD:
    """Measure the change of an area and its buffer against one control that both share, scaled to each.

    With w_t = size of the area / size of the control and w_b = size of the buffer / size of the control:
    local = (T1 - T0) - w_t (C1 - C0); buffer = (B1 - B0) - w_b (C1 - C0); total = local + buffer. The control's counts
    enter the variance of the total with (w_t + w_b)^2, not w_t^2 + w_b^2: they move both parts together.

    Parameters
    ----------
    treated, buffer, control : pair
        Events (before, after); weighted counts may be fractional.
    period_lengths : tuple of float, default (1, 1)
        Lengths (before, after); each count is divided by its own.
    area_sizes : sequence of float, default (1, 1, 1)
        Relative sizes (control, treated, buffer): numbers of areas of one kind, ground or residents.
    dispersion : number or (phi, df), default 1.0
        Variance / mean of the counts, at least 1. (phi, df), as `dispersion_from_counts` gives it: t interval.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    WDD
        In events of the area and the buffer as they are (`wdd` divides each count by its own size instead).

    Raises
    ------
    StudyError
        When counts, lengths, sizes or dispersion are out of range; all are listed.

    Notes
    -----
    Assumes that each unit of size would have changed by as many events as one of the control. It fails where the area
    or its buffer had many more events a unit to begin with and numbers rose or fell everywhere in proportion.

    References
    ----------
    Wheeler and Ratcliffe (2018), Crime Science 7:11, for separate controls; the shared one follows from the variance
    of a weighted sum.

    Examples
    --------
    >>> d = wdd_shared_control((20, 10), (30, 36), (40, 50), area_sizes=(4, 1, 2))
    >>> d.local.value, d.buffer.value, d.total.value, round(d.total.se_poisson**2, 3)
    (-12.5, 1.0, -11.5, 146.625)
    """
    checks = Checks("wdd_shared_control")
    given = {"treated": treated, "buffer": buffer, "control": control}
    t, b, c = (checks.pair(name, pair, whole=False) for name, pair in given.items())
    lengths = checks.numbers("period_lengths", period_lengths, 2)
    size, *own = checks.numbers("area_sizes", area_sizes, 3)
    spread = _rest(checks, dispersion, level)
    moved = [_change(pair, lengths, 1) for pair in (t, b)]
    moved.append(_Change(moved[0].value + moved[1].value, moved[0].variance + moved[1].variance))
    scales = [own[0] / size, own[1] / size, (own[0] + own[1]) / size]
    found = [_together([_change(c, lengths, scale), part]) for scale, part in zip(scales, moved, strict=True)]
    local, both, total = (weighted_difference(*part, spread, level) for part in found)
    return WDD(local, both, total, spread[0])


def wdd_harm(
    pairs: Mapping[str, Mapping[str, Pair]],
    weights: Mapping[str, float],
    *,
    period_lengths: tuple[float, float] = (1, 1),
    area_sizes: Sequence[float] | None = None,
    dispersion: Spread = 1.0,
    level: float = 0.95,
) -> WeightedDifference:
    """Add up the weighted displacement differences of several offences by their harm.

    value = sum of a_k WDD_k, variance = sum of a_k^2 se_k^2, with WDD_k the total of `wdd`: with buffers, of the area
    and its buffer together.

    Parameters
    ----------
    pairs : mapping
        {offence: {"treated": (before, after), "control": (before, after)}}, and for every offence or for none also
        "treated_buffer" and "control_buffer".
    weights : mapping
        {offence: harm of one event, at least 0}.
    period_lengths, area_sizes : optional
        As for `wdd`, alike for all offences.
    dispersion : number or (phi, df), default 1.0
        As for `wdd`.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    WeightedDifference
        In units of harm.

    Raises
    ------
    StudyError
        When an offence lacks its counts or its weight, or an option is out of range; every one is listed.

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
    sides = _SIDES if any(name.endswith("_buffer") for both in pairs.values() for name in both) else _SIDES[:2]
    lengths = checks.numbers("period_lengths", period_lengths, 2)
    sizes = checks.numbers("area_sizes", (1.0,) * len(sides) if area_sizes is None else area_sizes, len(sides))
    value = variance = 0.0
    for offence, given in pairs.items():
        weight = checks.numbers(f"weights[{offence!r}]", weights.get(offence), 1, positive=False)[0]
        names = " and ".join(f'"{side}"' for side in sorted(sides, reverse=True))
        if checks.require(set(given) == set(sides), f"pairs[{offence!r}]", f"needs {names}", "Name every pair"):
            counts = [checks.pair(f"pairs[{offence!r}][{side!r}]", given[side], whole=False) for side in sides]
            found = _together([_change(n, lengths, 1 / size) for n, size in zip(counts, sizes, strict=True)])
            value += weight * found.value
            variance += weight**2 * found.variance
    unused = set(weights) - set(pairs)
    checks.require(
        not unused, "weights", f"{len(unused)} weighted offences have no counts", "Drop them or give their counts"
    )
    spread = _rest(checks, dispersion, level)
    return weighted_difference(value, variance, spread, level)


def _rest(checks: Checks, dispersion: Spread, level: float) -> tuple[float, float]:
    """Check what is left, raise what was found, and return the dispersion with its degrees of freedom."""
    spread = read_spread(checks, dispersion)
    checks.level(level)
    checks.done()
    return spread


def _change(pair: tuple[float, float], lengths: Sequence[float], scale: float) -> _Change:
    """Return the change of one area, each count divided by its period's length and multiplied by a scale."""
    (before, n0), (after, n1) = (
        (n * scale / length, n * (scale / length) ** 2) for n, length in zip(pair, lengths, strict=True)
    )
    return _Change(after - before, n0 + n1)


def _together(changes: Sequence[_Change]) -> _Change:
    """Return treated changes (second of each two) less control changes (first of each two)."""
    value = sum(change.value for change in changes[1::2]) - sum(change.value for change in changes[::2])
    return _Change(value, sum(change.variance for change in changes))


def _parts(changes: Sequence[_Change], spread: tuple[float, float], level: float) -> WDD:
    """Return local, buffer and total of changes in the order of `area_sizes`."""
    found = [_together(changes[:2]), _together(changes[2:4]), _together(changes)]
    local, buffer, total = (weighted_difference(*part, spread, level) for part in found)
    return WDD(local, buffer, total, spread[0]) if len(changes) > 2 else WDD(local, None, local, spread[0])
