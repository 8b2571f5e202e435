"""Say what change a study could have seen, before anybody looks at a p value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from scipy import optimize

from evaluation.counts import Checks, Unprinted, say_number
from evaluation.foreseeing.designs import Design, check_design
from evaluation.foreseeing.detection import as_compared, chance_of_showing, method, places, stretch
from evaluation.headline.eligibility import too_little

__all__ = ["Design", "Detectable", "Power", "nearest_ratios", "power", "smallest_detectable"]

_RECKONED = {
    "exact": "the exact test of two Poisson rates",
    "beta-binomial": "a beta-binomial distribution",
    "normal": "a normal distribution",
}
_LEAST_LEFT_SLOW = 1.0  # events left after a fall, with autocorrelation
_FURTHEST = math.log(1000)  # ratios from 1/1000 to 1000 are searched; nothing beyond is a change in a rate


class Detectable(NamedTuple):
    """Ratios nearest to 1 that would be seen: a fall (NaN when none would be) and a rise (infinite when none)."""

    fall: float
    rise: float

    def __repr__(self) -> str:
        return "Detectable(...; read .fall and .rise)"


@dataclass(frozen=True, repr=False)
class Power(Unprinted):
    """What a design could see.

    Attributes
    ----------
    power : float
        Chance of seeing `design.ratio`, 0 to 1; NaN when no ratio was asked.
    smallest_fall, smallest_rise : float
        Ratios nearest to 1 seen with the wanted power; NaN when not even a fall to nothing would be.
    basis : str
        How it was reckoned and which way it errs.
    design : Design
        What was asked.
    """

    power: float
    smallest_fall: float
    smallest_rise: float
    basis: str
    design: Design

    def summary(self) -> str:
        """Say the smallest changes that could have been seen."""
        chance = f"{100 * self.design.power:g} %"
        if math.isnan(self.smallest_fall):
            fall = "No fall, not even to nothing, could be seen"
        else:
            fall = f"A fall of {100 * (1 - self.smallest_fall):.0f} % or more could be seen"
        if math.isinf(self.smallest_rise):
            rise = "no rise could"
        else:
            rise = f"a rise to {say_number(self.smallest_rise)} times or more could"
        asked = ""
        if self.design.ratio is not None:
            asked = f" A true ratio of {say_number(self.design.ratio)} would be seen with chance {self.power:.2f}."
        return (
            f"{fall} with {chance} chance, and {rise}.{asked} Smaller changes may well have happened unseen: that "
            f"nothing was seen does not show that nothing changed. {self.basis}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: power, smallest_fall, smallest_rise."""
        return pd.DataFrame({name: [getattr(self, name)] for name in ["power", "smallest_fall", "smallest_rise"]})


def power(design: Design, *, simulate: int | None = None, seed: int = 0) -> Power:
    """Reckon the chance of seeing a change, and the smallest change that would be seen.

    Seen is: shown firmly by `change_test`. Without comparison areas and dispersion: exact, the sum over both Poisson
    counts of the rejections of the central exact test of `rate_ratio`. Otherwise the same with a beta-binomial whose
    variance carries both, or, beyond 2,000 expected events, normal on the log scale; see `chance_of_seeing`. That is
    too hopeful for `change_test`, so log ratios are stretched as simulated; see `stretch`. A design that `change_test`
    would refuse sees nothing.

    Parameters
    ----------
    design : Design
        What is known before the results.
    simulate : int, optional
        Number of simulated studies in which `change_test` itself is run to find `.power` (needs `design.ratio`).
    seed : int, default 0
        Seed of the simulation.

    Returns
    -------
    Power
        .power .smallest_fall .smallest_rise .basis

    Raises
    ------
    StudyError
        When a length, mean or option is out of range; every problem is listed.

    Notes
    -----
    For one outcome judged alone unless `Design.outcomes` says how many are judged together; each is then held to
    level / outcomes, which is Holm when no other outcome helps. Too hopeful when months follow one another alike and
    `Design.autocorrelation` does not say so. `simulate` gives the power of `change_test` itself, at about 0.02 s a
    study.

    References
    ----------
    As `chance_of_seeing`.

    Examples
    --------
    >>> found = power(Design(24, 6, 4.0, comparison_areas=5, ratio=0.5))
    >>> round(found.power, 2), round(found.smallest_fall, 2), round(found.smallest_rise, 2)
    (0.54, 0.39, 2.03)
    """
    _check(design, simulate)
    fall, rise = _search(design)
    basis = _basis(design)
    if design.ratio is None:
        return Power(math.nan, fall, rise, basis, design)
    if simulate is None:
        return Power(0.0 if _refused(design) else chance_of_showing(design, design.ratio), fall, rise, basis, design)
    from evaluation.simulation import simulate_power  # brings every test with it; only a simulation needs them

    seen = simulate_power(design, design.ratio, series=simulate, seed=seed)
    basis += (
        f" The chance for the ratio asked is that of change_test itself, in {simulate} simulated studies (simulation "
        f"error: {seen.low:.2f} to {seen.high:.2f})."
    )
    return Power(seen.power, fall, rise, basis, design)


def smallest_detectable(design: Design) -> Detectable:
    """Find the smallest fall and the smallest rise that would be seen with the wanted power.

    Parameters
    ----------
    design : Design
        What is known before the results; its ratio is not used.

    Returns
    -------
    Detectable
        (fall, rise) as ratios: fall below 1, or NaN when not even a fall to nothing would be seen; rise above 1, or
        infinite.

    Raises
    ------
    StudyError
        When a length, mean or option is out of range.

    Notes
    -----
    See `power` for the reckoning and which way it errs.

    References
    ----------
    As `power`.

    Examples
    --------
    >>> fall, rise = smallest_detectable(Design(24, 6, 4.0))
    >>> round(fall, 2), round(rise, 2)
    (0.32, 2.04)
    """
    _check(design, None)
    return _search(design)


def nearest_ratios(chance: Callable[[float], float], wanted: float) -> Detectable:
    """Go outwards from ratio 1 on both sides to the first ratio that is seen with the wanted chance."""

    def short(log_ratio: float) -> float:
        return chance(math.exp(log_ratio)) - wanted

    found = []
    for direction in (-1, 1):
        inner, step = 0.0, 0.05
        while inner < _FURTHEST and short(direction * min(inner + step, _FURTHEST)) < 0:
            inner, step = inner + step, 1.3 * step
        if inner < _FURTHEST:
            outer = min(inner + step, _FURTHEST)
            found.append(math.exp(optimize.brentq(short, direction * inner, direction * outer, xtol=1e-4)))
        else:
            found.append(math.nan if direction < 0 else math.inf)
    return Detectable(*found)


def _check(design: Design, simulate: int | None) -> None:
    checks = Checks("power")
    check_design(checks, design)
    if simulate is not None:
        checks.require(simulate >= 1, "simulate", "needs at least one study", "Pass a few hundred")
        checks.require(design.ratio is not None, "ratio", "needs the true ratio to simulate", "Set `Design.ratio`")
        whole = float(design.before_months).is_integer() and float(design.after_months).is_integer()
        checks.require(whole, "before_months, after_months", "needs whole months to simulate", "Round them")
    checks.done()


def _search(design: Design) -> Detectable:
    """Find the smallest fall and rise shown with the wanted chance."""
    if _refused(design):
        return Detectable(math.nan, math.inf)
    fall, rise = nearest_ratios(lambda ratio: chance_of_showing(design, ratio), design.power)
    # A fall after which 0 events are as likely as the wanted power only asks whether 0 is shown, which was not
    # simulated; after slow swings months without an event are common, and 0 was shown in no more than .61 to .78.
    least = _LEAST_LEFT_SLOW if design.autocorrelation else -math.log(design.power)
    certain = design.after_months * design.monthly_mean * fall < least
    return Detectable(math.nan if certain else fall, rise)


def _refused(design: Design) -> list[str]:
    """Return why `change_test` would refuse such a study, or could never show a change, going by what is expected."""
    used = as_compared(design)
    expected = design.after_months * design.monthly_mean
    return too_little(design.before_months, design.after_months, expected, alone=not used.comparison_areas)


def _basis(design: Design) -> str:
    if _refused(design):
        return f"change_test would give no p value: {'; '.join(_refused(design))}."
    used = as_compared(design)
    if places(used) < 1:
        return (
            f"With {used.comparison_areas} comparison areas and so few months no p of change_test can be small enough "
            f"for {design.outcomes} primary outcomes: declare fewer, wait longer or add areas."
        )
    spread = "Poisson months" if design.dispersion == 0 else f"dispersion {design.dispersion:g}, taken as known"
    if design.autocorrelation:
        spread += f", with correlation {design.autocorrelation:g} from month to month"
    falls, rises = (stretch(used, falling=falling) for falling in (True, False))
    if design.outcomes > 1:
        judged = f"each of {design.outcomes} outcomes held to {design.each_level:.2g}, the worst case of Holm"
    else:
        judged = "one outcome judged alone"
    slow = "" if design.autocorrelation else " Months that follow one another alike lower it."
    return (
        f"Reckoned with {_RECKONED[method(used)]}, {used.comparison_areas} comparison areas and {spread}, and "
        f"stretched on the log scale, {falls:.2g} times for falls and {rises:.2g} times for rises, to what change_test "
        f"showed firmly in simulated studies. It is a guide, for {judged}.{slow}"
    )
