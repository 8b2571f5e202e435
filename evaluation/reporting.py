"""Say how far a change in what is reported could explain a change in what is recorded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from evaluation.counts import Checks, Unprinted, say_interval, say_number
from evaluation.proportions import share_ratio

__all__ = ["AdjustedRatio", "ReportingSensitivity", "reporting_sensitivity"]

Pair = Sequence[float]

# from half to five times: a fivefold rise in the share consenting to share details with the police is on record
# (Merseyside, first 18 months of treating crimes against people in sex work as hate crime; government review, 2011)
_GRID = (0.5, 2 / 3, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)


class _Ratio(Protocol):
    @property
    def ratio(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, repr=False)
class AdjustedRatio(Unprinted):
    """A recorded ratio divided by a measured change in reporting.

    Attributes
    ----------
    ratio, low, high : float
        Adjusted ratio and limits; they carry the errors of both.
    rho, rho_low, rho_high : float
        Reporting share after / before, and its limits.
    level : float
        Confidence level.
    """

    ratio: float
    low: float
    high: float
    rho: float
    rho_low: float
    rho_high: float
    level: float

    def summary(self) -> str:
        """Say the adjusted ratio and the condition on it."""
        return (
            f"The share reported changed {say_number(self.rho)} times "
            f"({say_interval(self.rho_low, self.rho_high, self.level)}). Divided by it, the ratio is "
            f"{say_number(self.ratio)} ({say_interval(self.low, self.high, self.level)}), as far as the people asked "
            "stand for everyone to whom it happens."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ratio, low, high, rho, rho_low, rho_high."""
        names = ["ratio", "low", "high", "rho", "rho_low", "rho_high"]
        return pd.DataFrame({name: [getattr(self, name)] for name in names})


@dataclass(frozen=True, repr=False, eq=False)
class ReportingSensitivity(Unprinted):
    """What a recorded ratio would mean under each change in reporting.

    Attributes
    ----------
    table : DataFrame
        One row a change in reporting: rho, ratio, low, high (recorded / rho), covers_one.
    breakdown : float
        The change in reporting that would explain the whole recorded ratio: the ratio itself.
    breakdown_interval : float
        The change in reporting nearest to 1 at which the interval covers 1; 1 when it does so already.
    adjusted : AdjustedRatio or None
        The ratio under the measured shares, when shares were given.
    ratio, low, high : float
        The recorded ratio and its limits (NaN when only a number was given).
    level : float
        Confidence level of the limits.
    """

    table: pd.DataFrame
    breakdown: float
    breakdown_interval: float
    adjusted: AdjustedRatio | None
    ratio: float
    low: float
    high: float
    level: float

    def summary(self) -> str:
        """Say what reporting could explain; never that violence fell or rose."""
        parts = [
            f"Recorded numbers changed {say_number(self.ratio)} times. They are what happened times the share "
            f"reported: a {say_number(self.breakdown)}-fold change in that share would explain all of it."
        ]
        if math.isnan(self.breakdown_interval):
            parts.append("No interval was given, so the chance error of the records is left out.")
        elif self.breakdown_interval == 1:
            parts.append("Chance alone could explain it, without any change in reporting.")
        else:
            share = say_number(self.breakdown_interval)
            parts.append(f"With chance, a {share}-fold change is already enough.")
        if self.adjusted is None:
            parts.append("The share reported before and after was not given: what happened to the events is not known.")
        else:
            parts.append(self.adjusted.summary())
        parts.append("More reports can be a sign of trust, and fewer a sign of its loss.")
        return " ".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table: rho, ratio, low, high, covers_one."""
        return self.table.copy()


def reporting_sensitivity(
    ratio: float | _Ratio,
    *,
    shares: tuple[Pair, Pair] | None = None,
    grid: Iterable[float] | None = None,
) -> ReportingSensitivity:
    """Show what a recorded ratio would mean if the share reported had changed.

    recorded ratio = true ratio x rho, rho = share reported after / before. With shares x of m:
    var(log rho) = 1/x1 - 1/m1 + 1/x0 - 1/m0, joined to each side of the ratio's interval on the log scale (MOVER).

    Parameters
    ----------
    ratio : float or result
        Recorded rate after / before, or any result with .ratio .low .high (and .level, else 0.95).
    shares : ((x0, m0), (x1, m1)), optional
        People who reported, of people asked, before and after.
    grid : iterable of float, optional
        Values of rho for the table; default a halving to a fivefold rise.

    Returns
    -------
    ReportingSensitivity
        .table .breakdown .breakdown_interval .adjusted

    Raises
    ------
    StudyError
        When the ratio is not a number of at least 0, x is above m, or a rho is not above 0.

    Notes
    -----
    Fails when the people asked differ from those who do not answer, or when recording changed as well as reporting. A
    share of 0 before leaves the ratio undefined.

    References
    ----------
    Zou and Donner (2008), Statistics in Medicine 27:1693-1702, for joining intervals.

    Examples
    --------
    >>> s = reporting_sensitivity(1.5, shares=((20, 100), (40, 100)))
    >>> s.breakdown, s.adjusted.ratio
    (1.5, 0.75)
    """
    checks = Checks("reporting_sensitivity")
    recorded, low, high = _limits(ratio)
    level = float(getattr(ratio, "level", 0.95))
    fine = recorded >= 0 and (math.isnan(low) or 0 <= low <= recorded <= high)
    points = _GRID if grid is None else tuple(grid)
    checks.require(bool(points), "grid", "needs at least one change in reporting", "Leave it out for the default")
    checks.require(fine, "ratio", "needs a ratio of at least 0 inside its limits", "Pass a number or a result")
    rhos = checks.numbers("grid", points, len(points))
    if shares is not None:
        _check_shares(checks, shares)
    checks.done()
    table = pd.DataFrame({"rho": rhos})
    for name, value in {"ratio": recorded, "low": low, "high": high}.items():
        table[name] = value / table["rho"]
    known = not math.isnan(low)
    covers = (table["low"] <= 1) & (table["high"] >= 1)
    table["covers_one"] = covers.astype("boolean").mask(table["low"].isna())
    nearest = min(max(1.0, low), high) if known else math.nan
    adjusted = None if shares is None else _adjusted((recorded, low, high), shares, level)
    return ReportingSensitivity(table, recorded, nearest, adjusted, recorded, low, high, level)


def _limits(ratio: float | _Ratio) -> tuple[float, float, float]:
    """Return ratio, low, high; limits are NaN for a bare number."""
    if isinstance(ratio, int | float | np.number):
        return float(ratio), math.nan, math.nan
    return float(ratio.ratio), float(ratio.low), float(ratio.high)


def _check_shares(checks: Checks, shares: tuple[Pair, Pair]) -> None:
    checks.require(len(shares) == 2, "shares", "needs ((x0, m0), (x1, m1))", "Give people reporting and people asked")
    for when, share in zip(("before", "after"), shares, strict=False):
        x, m = checks.pair(f"shares, {when}", share)
        rule = "needs x people of m asked, m at least 1 and x at most m"
        checks.require(not (m < 1 or x > m), f"shares, {when}", rule, "Put the people who reported first")


def _adjusted(recorded: tuple[float, float, float], shares: tuple[Pair, Pair], level: float) -> AdjustedRatio:
    """Divide the ratio by the measured change in reporting, with the errors of both."""
    before, after = ((float(x), float(m)) for x, m in shares)
    rho, rho_low, rho_high = share_ratio(before, after, level)
    if rho_high == math.inf:  # a share of 0: no limit can be given
        return AdjustedRatio(math.nan, 0.0, math.inf, rho, 0.0, math.inf, level)
    ratio, low, high = (recorded[0],) * 3 if math.isnan(recorded[1]) else recorded
    if not 0 < ratio < math.inf:  # no log: divide by the far limit of rho, which errs on the wide side
        return AdjustedRatio(ratio / rho, low / rho_high, high / rho_low, rho, rho_low, rho_high, level)
    below, above = math.log(rho / rho_low), math.log(rho_high / rho)
    down = math.hypot(math.log(ratio / low), above) if low > 0 else math.inf
    up = math.hypot(math.log(high / ratio), below)
    return AdjustedRatio(
        ratio / rho, ratio / rho * math.exp(-down), ratio / rho * math.exp(up), rho, rho_low, rho_high, level
    )
