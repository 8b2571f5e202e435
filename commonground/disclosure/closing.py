"""Which closed periods does a tally hold, and into which pieces may they be cut?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from commonground.disclosure.policy import Profile
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.tallies import Tally

__all__ = ["Closed", "closed_periods", "observed_days", "periods_in", "piece_name", "release_day", "spans_of"]

LONGEST_QUARTER = 92
LEAST_YEAR = 365
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Closed:
    """One closed period: a calendar year, or the declared phases together.

    Parameters
    ----------
    name : str
    span : Period
        From the first day to the last of what the tally holds of it.
    periods : tuple of str
        The tally's periods that lie in it.
    phased : bool
    quarters : mapping of period to quarter (1 to 4)
        Empty where it cannot be cut in time: phases, and tallies by year.
    """

    name: str
    span: Period
    periods: tuple[str, ...]
    phased: bool
    quarters: Mapping[str, int] = field(default_factory=dict)


def closed_periods(tally: Tally, profile: Profile, day: pd.Timestamp) -> list[Closed]:
    """Return the closed periods of a tally that are old enough to be released.

    Parameters
    ----------
    tally : Tally
    profile : Profile
        Its release lag and finest time. Months that make no whole quarter are left out, and for the public years that
        are not whole: a year of one month would be that month.
    day : Timestamp
        Day of the release.

    Raises
    ------
    NotReleasable
        When a phase is too recent or too short, or no year is old enough.
    """
    lag = pd.DateOffset(months=profile.lag_months)
    if tally.phased:
        return [_phases(tally, profile, lag, day)]
    years: dict[int, dict[str, Period]] = {}
    for name, period in tally.periods.items():
        years.setdefault(period.start.year, {})[name] = period
    closed = []
    for year, cells in years.items():
        periods = _whole(cells)
        days = sum(period.days for period in periods.values())
        part = profile.finest_time == "year" and days < LEAST_YEAR
        if not periods or part or pd.Timestamp(year + 1, 1, 1) + lag > day:
            continue
        fine = all(period.days <= LONGEST_QUARTER for period in periods.values())
        quarters = {name: period.start.quarter for name, period in periods.items()} if fine else {}
        span = Period(min(p.start for p in periods.values()), max(p.end for p in periods.values()))
        closed.append(Closed(str(year), span, tuple(periods), False, quarters))
    if not closed:
        raise NotReleasable(
            f"no closed year is older than {profile.lag_months} months on {day:%Y-%m-%d}: nothing recent is released, "
            f"and nothing finer than a whole {profile.finest_time}. Wait, or tally a longer window."
        )
    return closed


def periods_in(part: str, closed: Closed) -> tuple[str, ...]:
    """Return the tally's periods that lie in a published part: a phase, the year, or a piece of it.

    Raises
    ------
    NotReleasable
        When the year was published in pieces and the tally does not hold them.
    """
    if closed.phased:
        return (part,)
    if part == closed.name:
        return closed.periods
    if not closed.quarters:
        raise NotReleasable(
            f"{closed.name} was published before in pieces of the year; tally these records by quarter or month."
        )
    half, number = part[-2] == "H", int(part[-1])
    wanted = (2 * number - 1, 2 * number) if half else (number,)
    return tuple(name for name, quarter in closed.quarters.items() if quarter in wanted)


def piece_name(closed: Closed, piece: tuple[int, ...]) -> str:
    """Return the name of some quarters of a year: 2023, 2023H1 or 2023Q3."""
    if set(piece) >= set(closed.quarters.values()):
        return closed.name
    return f"{closed.name}Q{piece[0]}" if len(piece) == 1 else f"{closed.name}H{1 if piece[0] == 1 else 2}"


def spans_of(closed: Closed, tally: Tally) -> dict[str, Period]:
    """Return the days of every part that may be published."""
    if closed.phased:
        return dict(tally.periods)
    year = int(closed.name)
    spans = {closed.name: closed.span}
    for half in (1, 2):
        first = pd.Timestamp(year, 6 * half - 5, 1)
        spans[f"{year}H{half}"] = Period(first, first + pd.DateOffset(months=6))
    for quarter in (1, 2, 3, 4):
        spans[f"{year}Q{quarter}"] = _quarter(year, quarter)
    return spans


def release_day(as_of: str | dt.date | pd.Timestamp | None) -> pd.Timestamp:
    """Return the day from which the release lag is reckoned: today, or an earlier one.

    Raises
    ------
    CommonGroundError
        When it is no date, or lies in the future.
    """
    today = pd.Timestamp(dt.date.today())
    try:
        day = today if as_of is None else pd.Timestamp(as_of)
        known = not pd.isna(day) and day.tz is None
    except (TypeError, ValueError):
        known = False
    if not known:  # beside a missing day no period would be too recent
        raise CommonGroundError("as_of is not a date; give YYYY-MM-DD.")
    if day.normalize() > today:
        raise CommonGroundError(
            "as_of lies in the future; the release lag is reckoned from it, so today is the latest."
        )
    return day


def observed_days(tally: Tally, codes: tuple[str, ...], periods: Mapping[str, Period]) -> dict[str, float]:
    """Return the observed days of each published period, averaged over the areas (coverage is public)."""
    exposure = tally.exposure().loc[[code for code in codes if code in tally.codes]].mean()
    if tally.phased:
        return {str(name): float(days) for name, days in exposure.items()}
    return {
        name: float(sum(exposure[own] for own, cell in tally.periods.items() if span.covers(cell)))
        for name, span in periods.items()
    }


def _whole(cells: Mapping[str, Period]) -> dict[str, Period]:
    """Return the cells of a year that make up whole quarters."""
    days: dict[int, int] = {}
    for cell in cells.values():
        days[cell.start.quarter] = days.get(cell.start.quarter, 0) + cell.days
    return {
        name: cell
        for name, cell in cells.items()
        if days[cell.start.quarter] >= _quarter(cell.start.year, cell.start.quarter).days
    }


def _quarter(year: int, quarter: int) -> Period:
    first = pd.Timestamp(year, 3 * quarter - 2, 1)
    return Period(first, first + pd.DateOffset(months=3))


def _phases(tally: Tally, profile: Profile, lag: pd.DateOffset, day: pd.Timestamp) -> Closed:
    late = [name for name, period in tally.periods.items() if period.end + lag > day]
    if late:
        raise NotReleasable(
            f"the period(s) {', '.join(late)} ended less than {profile.lag_months} months before {day:%Y-%m-%d}: "
            "nothing recent is released. Wait, or end the study earlier."
        )
    least = pd.DateOffset(months=MONTHS[profile.finest_time])
    short = [name for name, period in tally.periods.items() if period.start + least > period.end]
    if short:
        raise NotReleasable(
            f"the period(s) {', '.join(short)} are shorter than a {profile.finest_time}, and the {profile.name} "
            "profile shows nothing finer. Lengthen them, or leave them out."
        )
    named = [f"{name} {p.start:%Y-%m-%d}/{p.end:%Y-%m-%d}" for name, p in tally.periods.items()]
    return Closed(f"phases {', '.join(named)}", tally.window, tuple(tally.periods), True)
