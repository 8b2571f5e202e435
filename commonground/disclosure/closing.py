"""Which closed periods does a tally hold, and into which pieces may they be cut?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commonground.disclosure.policy import Profile
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.tallies import Tally

__all__ = ["Closed", "closed_periods", "observed_days", "piece_name", "rows_of", "spans_of"]


@dataclass(frozen=True)
class Closed:
    """One closed period (a year, or the phases together) and the rows that fall in it."""

    name: str
    span: Period
    keys: pd.DataFrame
    by: tuple[str, ...]
    cells: pd.Index | None
    quarters: tuple[int, ...] = ()


def closed_periods(tally: Tally, by: Sequence[str], profile: Profile, day: pd.Timestamp) -> list[Closed]:
    """Return the closed periods that are old enough: the phases together, or each calendar year.

    Parameters
    ----------
    tally : Tally
    by : sequence of str
        Categories that are left.
    profile : Profile
        Its lag decides what is old enough.
    day : Timestamp
        Date of the release.

    Raises
    ------
    NotReleasable
        When a phase, or every year, is too recent.
    """
    lag = pd.DateOffset(months=profile.lag_months)
    levels = [tally.by[name] for name in by]
    if tally.phased:
        late = [name for name, period in tally.periods.items() if period.end + lag > day]
        if late:
            raise NotReleasable(
                f"the period(s) {', '.join(late)} ended less than {profile.lag_months} months before {day:%Y-%m-%d}: "
                "nothing recent is released. Wait, or end the study earlier."
            )
        cells = pd.MultiIndex.from_product([list(tally.periods), *levels], names=["period", *by])
        name = "phases " + ", ".join(
            f"{label} {p.start:%Y-%m-%d}/{p.end:%Y-%m-%d}" for label, p in tally.periods.items()
        )
        joint = pd.Index(list(tally.periods), name="period") if not by else cells
        return [Closed(name, tally.window, tally.keys, ("period", *by), joint)]
    years: dict[int, list[str]] = {}
    for label_, period in tally.periods.items():
        years.setdefault(period.start.year, []).append(label_)
    out = []
    for year, names in years.items():
        if pd.Timestamp(year + 1, 1, 1) + lag > day:
            continue
        keys = tally.keys[tally.keys["period"].isin(names)]
        quarter = {name: tally.periods[name].start.quarter for name in names}
        whole_year = any(tally.periods[name].days > 92 for name in names)
        keys = keys.assign(quarter=keys["period"].map(quarter))
        index = (
            pd.MultiIndex.from_product(levels, names=list(by))
            if len(by) > 1
            else pd.Index(levels[0], name=by[0])
            if by
            else None
        )
        fine = () if whole_year else tuple(sorted(set(quarter.values())))
        span = Period(min(tally.periods[n].start for n in names), max(tally.periods[n].end for n in names))
        out.append(Closed(str(year), span, keys, tuple(by), index, fine or (1,)))
    if not out:
        raise NotReleasable(
            f"no closed year is older than {profile.lag_months} months on {day:%Y-%m-%d}: nothing recent is released. "
            "Wait."
        )
    return out


def rows_of(keys: pd.DataFrame, part: str, closed: Closed) -> pd.DataFrame:
    """Return the rows that fall in a labelled part: a phase, the year, or a piece of it."""
    if not closed.quarters:
        return keys[keys["period"] == part]
    if part == closed.name:
        return keys
    half = {"H1": (1, 2), "H2": (3, 4)}
    piece = half[part[-2:]] if part[-2:] in half else (int(part[-1]),)
    return keys[keys["quarter"].isin(piece)]


def piece_name(year: str, piece: tuple[int, ...], quarters: tuple[int, ...]) -> str:
    """Return the name of a piece of a year: the year itself, a half (2023H1) or a quarter (2023Q3)."""
    if piece == tuple(quarters):
        return year
    return f"{year}Q{piece[0]}" if len(piece) == 1 else f"{year}H{1 if piece[0] == 1 else 2}"


def spans_of(closed: Closed, tally: Tally) -> dict[str, Period]:
    """Return every name that a part of the closed period may have, with its days."""
    if not closed.quarters:
        return dict(tally.periods)
    year = int(closed.name)
    spans = {closed.name: closed.span}
    for half in (1, 2):
        spans[f"{year}H{half}"] = Period(
            f"{year}-{6 * half - 5:02d}-01", pd.Timestamp(year, 6 * half, 1) + pd.DateOffset(months=1)
        )
    for quarter in (1, 2, 3, 4):
        first = pd.Timestamp(year, 3 * quarter - 2, 1)
        spans[f"{year}Q{quarter}"] = Period(first, first + pd.DateOffset(months=3))
    return spans


def observed_days(tally: Tally, codes: tuple[str, ...], periods: Mapping[str, Period]) -> dict[str, float]:
    """Return the observed days of each published period, averaged over the areas (coverage is public)."""
    known = [code for code in codes if code in tally.codes]
    if tally.phased:
        return {str(k): float(v) for k, v in tally.exposure().loc[known].mean().items()}
    exposure = tally.exposure().loc[known].mean()
    return {
        name: float(sum(exposure[own] for own, cell in tally.periods.items() if span.covers(cell)))
        for name, span in periods.items()
    }
