"""Say how far a change in what is reported could explain a change in what is recorded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["AdjustedRatio", "ReportingRatio", "ReportingSensitivity", "reporting_ratio", "reporting_sensitivity"]

Pair = Sequence[float]

# Halved to five times: a fivefold rise in the share consenting to share details with the police is on record (Merseyside,
# first 18 months of treating crimes against people in sex work as hate crime; government review of effective practice 2011)
_GRID = (0.5, 2 / 3, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0)


class Ratio(Protocol):
    """Any result with a ratio and its limits."""

    @property
    def ratio(self) -> float:
        """Rate after / rate before."""

    @property
    def low(self) -> float:
        """Lower limit."""

    @property
    def high(self) -> float:
        """Upper limit."""


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
            f"{say_number(self.ratio)} ({say_interval(self.low, self.high, self.level)}), as far as the people asked about "
            "reporting stand for everyone to whom it happens."
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
            f"Recorded numbers changed {say_number(self.ratio)} times. Recorded numbers are what happened times the share "
            f"that is reported. A {say_number(self.breakdown)}-fold change in that share would explain all of it."
        ]
        if math.isnan(self.breakdown_interval):
            parts.append("No interval was given, so chance is left out.")
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


@dataclass(frozen=True, repr=False)
class ReportingRatio(Unprinted):
    """Whether police records and outreach records of the same kind of event moved apart.

    Attributes
    ----------
    ratio, low, high : float
        (police / outreach after) / (police / outreach before), over the comparison's where given; above 1: police
        records grew against outreach records.
    p : float
        Two-sided normal p of ratio 1.
    level : float
        Confidence level.
    compared : bool
        True when comparison areas were given.
    """

    ratio: float
    low: float
    high: float
    p: float
    level: float
    compared: bool

    def summary(self) -> str:
        """Say how the two sources moved apart, and why that is not a reporting rate."""
        where = "against the comparison areas" if self.compared else "with no comparison areas"
        return (
            f"Police records over outreach records changed {say_number(self.ratio)} times {where} "
            f"({say_interval(self.low, self.high, self.level)}, {say_p(self.p)}; 0.5 added to each count). A change means "
            "that at least one of the two sources records differently: willingness to report, recording practice, or how "
            "many people outreach meets. It does not say which, and not whether more or fewer events happened. It treats "
            "records as independent events."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ratio, low, high, p."""
        return pd.DataFrame({name: [getattr(self, name)] for name in ["ratio", "low", "high", "p"]})


def reporting_sensitivity(
    ratio: float | Ratio,
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
    checks.require(fine, "ratio", "needs a ratio of at least 0 inside its limits", "Pass a number or a result")
    rhos = checks.numbers("grid", _GRID if grid is None else (grid := tuple(grid)), len(grid or _GRID))
    if shares is not None:
        _check_shares(checks, shares)
    checks.done()
    table = pd.DataFrame({"rho": rhos})
    for name, value in {"ratio": recorded, "low": low, "high": high}.items():
        table[name] = value / table["rho"]
    table["covers_one"] = (table["low"] <= 1) & (table["high"] >= 1) if not math.isnan(low) else None
    nearest = math.nan if math.isnan(low) else min(max(1.0, low), high)
    adjusted = None if shares is None else _adjusted((recorded, low, high), shares, level)
    return ReportingSensitivity(table, recorded, nearest, adjusted, recorded, low, high, level)


def reporting_ratio(
    police: Pair,
    outreach: Pair,
    *,
    control_police: Pair | None = None,
    control_outreach: Pair | None = None,
    level: float = 0.95,
) -> ReportingRatio:
    """Compare police records with outreach records of the same kind of event, before and after.

    log ratio = log[(police1/outreach1)/(police0/outreach0)] - the comparison's, 0.5 added to each count;
    variance = sum of 1/(count + 0.5).

    Parameters
    ----------
    police, outreach : pair
        Records (before, after) of each source in the area.
    control_police, control_outreach : pair, optional
        The same in comparison areas; give both or neither.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    ReportingRatio
        .ratio .low .high .p

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, or only one comparison is given.

    Notes
    -----
    To be shown beside any result on police counts. Assumes that outreach reaches the same share of people before and
    after; when outreach contact falls too, a stable ratio hides a fall in both.

    References
    ----------
    Haldane (1956) and Anscombe (1956) for the added 0.5.

    Examples
    --------
    >>> r = reporting_ratio((20, 10), (10, 20))
    >>> f"{r.ratio:.3f} ({r.low:.3f} to {r.high:.3f})"
    '0.262 (0.090 to 0.763)'
    """
    checks = Checks("reporting_ratio")
    compared = control_police is not None or control_outreach is not None
    given = {"police": police, "outreach": outreach}
    if compared:
        given |= {"control_outreach": control_outreach or (), "control_police": control_police or ()}
    pairs = np.array([checks.pair(name, pair) for name, pair in given.items()]) + 0.5
    checks.level(level)
    checks.done()
    # rows police, outreach, comparison outreach, comparison police: signs alternate
    signs = np.array([1, -1] * (len(pairs) // 2))
    log_ratio = float(signs @ np.log(pairs[:, 1] / pairs[:, 0]))
    se = math.sqrt(float((1 / pairs).sum()))
    reach = float(stats.norm.ppf((1 + level) / 2)) * se
    p = float(2 * stats.norm.sf(abs(log_ratio) / se))
    low, high = math.exp(log_ratio - reach), math.exp(log_ratio + reach)
    return ReportingRatio(math.exp(log_ratio), low, high, p, level, compared)


def _limits(ratio: float | Ratio) -> tuple[float, float, float]:
    """Return ratio, low, high; limits are NaN for a bare number."""
    if isinstance(ratio, int | float):
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
    (x0, m0), (x1, m1) = shares
    if x0 == 0 or x1 == 0:  # the log of the share is undefined: no limit can be given
        rho = math.inf if x0 == 0 < x1 else (0.0 if x0 else math.nan)
        return AdjustedRatio(math.nan, 0.0, math.inf, rho, 0.0, math.inf, level)
    rho = (x1 / m1) / (x0 / m0)
    reach = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(1 / x1 - 1 / m1 + 1 / x0 - 1 / m0)
    rho_low, rho_high = rho * math.exp(-reach), rho * math.exp(reach)
    ratio, low, high = (recorded[0],) * 3 if math.isnan(recorded[1]) else recorded
    if not 0 < ratio < math.inf:  # no log: divide by the far limit of rho, which errs on the wide side
        return AdjustedRatio(ratio / rho, low / rho_high, high / rho_low, rho, rho_low, rho_high, level)
    down = math.hypot(math.log(ratio / low), reach) if low > 0 else math.inf
    up = math.hypot(math.log(high / ratio), reach)
    return AdjustedRatio(
        ratio / rho, ratio / rho * math.exp(-down), ratio / rho * math.exp(up), rho, rho_low, rho_high, level
    )
