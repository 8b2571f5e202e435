"""Which rows break a rule of time, place, identity or privacy?"""

from __future__ import annotations

import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from commonground import tripwire
from commonground.errors import Problem
from commonground.records.dates import EARLIEST
from commonground.records.schemas import TEXT_COLUMNS

__all__ = ["check_dates", "check_events", "check_place", "check_text", "note_missing_place"]

LONGEST_CATEGORY = 80  # characters; the longest police.uk and MPS category has 50. Longer text is prose about someone.
NATIONAL_GRID = (0.0, 700_000.0, 0.0, 1_300_000.0)  # extent of EPSG:27700 in metres (Ordnance Survey)
BRITAIN_DEGREES = (-9.0, 2.5, 49.0, 61.5)  # longitude, latitude


def check_dates(frame: pd.DataFrame) -> list[Problem]:
    """List starts in the future or before 1900, and ends before their start."""
    if "start" not in frame:
        return []
    tomorrow = pd.Timestamp.now().normalize() + pd.Timedelta(days=1)
    problems = [
        Problem(int(row) + 1, "start", "lies in the future", "Records are of what happened; correct the date.")
        for row in frame.index[frame["start"] >= tomorrow]
    ]
    for row in frame.index[frame["start"] < EARLIEST]:
        problems.append(Problem(int(row) + 1, "start", "lies before 1900", "Correct the year."))
    if "end" in frame:
        for row in frame.index[frame["end"] < frame["start"]]:
            problems.append(Problem(int(row) + 1, "end", "lies before start", "Swap or correct the two dates."))
    return problems


def check_place(frame: pd.DataFrame, crs: object) -> list[Problem]:
    """List coordinates without a system, swapped, or outside the system's extent."""
    if not {"x", "y"} <= set(frame.columns):
        lone = {"x", "y"} & set(frame.columns)
        return [Problem(None, name, "comes without its partner", "Map both x and y, or neither.") for name in lone]
    if crs is None:
        return [Problem(None, "crs", "is needed to read x and y", "Say it, e.g. crs='EPSG:27700' or 'EPSG:4326'.")]
    try:
        system = CRS.from_user_input(crs)
    except CRSError:
        return [Problem(None, "crs", "is not a coordinate reference system", "Write it as 'EPSG:27700'.")]
    x, y = frame["x"], frame["y"]
    problems = [
        Problem(int(row) + 1, "x" if pd.isna(x[row]) else "y", "is missing where the other is given", "Give both.")
        for row in frame.index[x.isna() != y.isna()]
    ]
    if system.is_geographic:
        west, east, south, north = BRITAIN_DEGREES
        if (x.between(south, north) & y.between(west, east)).sum() > len(frame) / 2:
            return [
                *problems,
                Problem(None, "x, y", "look swapped", "x is longitude, y is latitude: swap the mapping."),
            ]
        outside = ~(x.between(-180, 180) & y.between(-90, 90))
        rule, advice = f"is not in degrees, as {_short(system)} is", "Give the crs the coordinates are in."
    else:
        low_x, high_x, low_y, high_y = _extent(system)
        outside = ~(x.between(low_x, high_x) & y.between(low_y, high_y))
        if (x.between(-180, 180) & y.between(-90, 90)).sum() > len(frame) / 2:
            rule = f"look like degrees, but the crs {_short(system)} is in metres"
            return [*problems, Problem(None, "x, y", rule, "Say crs='EPSG:4326' for longitude and latitude.")]
        rule, advice = f"lies outside the extent of {_short(system)}", "Correct it, or give the crs it is in."
    for row in frame.index[outside & x.notna() & y.notna()]:
        problems.append(Problem(int(row) + 1, "x, y", rule, advice))
    return problems


def check_text(frame: pd.DataFrame) -> list[Problem]:
    """Refuse columns that carry identifying details or prose, without repeating any of it."""
    problems = []
    for name in frame.columns:
        if name not in TEXT_COLUMNS and not name.startswith("group_"):
            continue
        text = frame[name].dropna()
        for kind in sorted(tripwire.scan(text)):
            if name != "hours":
                rule = f"carries what looks like a {kind}"
                problems.append(Problem(None, name, rule, "Leave the column out, or replace it by categories."))
        if name not in ("hours", "issues") and text.nunique() > 0 and (text.str.len() > LONGEST_CATEGORY).any():
            rule = f"has entries of over {LONGEST_CATEGORY} characters: free text is not read"
            problems.append(Problem(None, name, rule, "Leave the column out, or replace it by categories."))
    return problems


def check_events(frame: pd.DataFrame, kind: str) -> list[Problem]:
    """List repeats of one event: the same row twice, or one event with two starts."""
    if "event" not in frame:
        return []
    known = frame[frame["event"].notna()]
    twice = known.duplicated(keep="first")
    if "person" in frame:
        twice &= known["person"].notna() | (kind != "contacts")
    problems = [
        Problem(int(row) + 1, "event", "repeats an earlier row", "Remove one, or give each event its own ID.")
        for row in known.index[twice]
    ]
    if kind != "contacts" and "start" in frame:
        first = known.groupby("event")["start"].transform("first")
        for row in known.index[known["start"].ne(first) & known["start"].notna() & first.notna()]:
            rule, advice = (
                "has the ID of an event with another start",
                "Give each event its own ID, or correct the date.",
            )
            problems.append(Problem(int(row) + 1, "event", rule, advice))
    return problems


def note_missing_place(frame: pd.DataFrame, kind: str) -> tuple[str, ...]:
    """Say how many rows have no place; they are kept."""
    placed = frame["area"].notna() if "area" in frame else pd.Series(False, index=frame.index)
    if "x" in frame:
        placed |= frame["x"].notna()
    lost = int((~placed).sum())
    return (f"{lost:,} of {len(frame):,} {kind} rows have no place; they count in no area.",) if lost else ()


def _extent(system: CRS) -> tuple[float, float, float, float]:
    if system.to_epsg() == 27700:
        return NATIONAL_GRID
    # Other projected systems: anything on the globe in metres.
    return (-2.1e7, 2.1e7, -2.1e7, 2.1e7)


def _short(system: CRS) -> str:
    code = system.to_epsg()
    return f"EPSG:{code}" if code else system.name
