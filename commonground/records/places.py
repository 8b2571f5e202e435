"""Can these coordinates be what they are said to be?"""

from __future__ import annotations

import pandas as pd
from pyproj import CRS

from commonground.errors import Problem
from commonground.records.checks import row_problems
from commonground.systems import is_crs, system_name

__all__ = ["check_place"]

BRITISH_NATIONAL_GRID = 27700
NATIONAL_GRID = (0.0, 700_000.0, 0.0, 1_300_000.0)  # its extent in metres (Ordnance Survey)
GLOBE = (-2.1e7, 2.1e7, -2.1e7, 2.1e7)  # any other projected system: half the equator, in metres
LONGITUDES, LATITUDES = (-180.0, 180.0), (-90.0, 90.0)
BRITAIN = ((-9.0, 2.5), (49.0, 61.5))  # longitudes, latitudes
MOST = 0.5  # above this share of the located rows the column is wrong, below it the row


def check_place(frame: pd.DataFrame, crs: object) -> list[Problem]:
    """List coordinates without a system, swapped, in another system, or outside the system's extent.

    Parameters
    ----------
    frame : DataFrame
        With x and y as numbers, or neither.
    crs : object
        Anything pyproj reads, or None.
    """
    lone = {"x", "y"} & set(frame.columns)
    if len(lone) < 2:
        return [Problem(None, name, "comes without its partner", "Map both x and y, or neither.") for name in lone]
    if crs is None:
        return [Problem(None, "crs", "is needed to read x and y", "Say it, e.g. crs='EPSG:27700' or 'EPSG:4326'.")]
    if not is_crs(crs):
        return [Problem(None, "crs", "is not a coordinate reference system", "Write it as 'EPSG:27700'.")]
    system, x, y = CRS.from_user_input(crs), frame["x"], frame["y"]
    alone = x.isna() != y.isna()
    problems = row_problems(alone & x.isna(), "x", "is missing where y is given", "Give both, or neither.")
    problems += row_problems(alone & y.isna(), "y", "is missing where x is given", "Give both, or neither.")
    zero = (x == 0) & (y == 0)
    problems += row_problems(zero, "x, y", "are both 0, which is in the sea", "Leave both empty where unknown.")
    located = frame.loc[x.notna() & y.notna() & ~zero, ["x", "y"]]
    return problems + (_in_degrees(located, system) if system.is_geographic else _in_metres(located, system))


def _in_degrees(points: pd.DataFrame, system: CRS) -> list[Problem]:
    x, y = points["x"], points["y"]
    swapped = x.between(*BRITAIN[1]) & y.between(*BRITAIN[0])
    outside = ~(x.between(*LONGITUDES) & y.between(*LATITUDES))
    problems = _all_or_rows(
        outside, f"are not in degrees, as {system_name(system)} is", "Say the crs they are in, such as 'EPSG:27700'."
    )
    advice = "x is longitude, y is latitude: swap them."
    if swapped.mean() > MOST or (x.between(*BRITAIN[0]) & y.between(*BRITAIN[1])).mean() > MOST:
        problems += _all_or_rows(swapped, "look swapped", advice)
    return problems


def _in_metres(points: pd.DataFrame, system: CRS) -> list[Problem]:
    x, y = points["x"], points["y"]
    degrees = x.between(*LONGITUDES) & y.between(*LATITUDES)
    west, east, south, north = NATIONAL_GRID if system.to_epsg() == BRITISH_NATIONAL_GRID else GLOBE
    outside = ~(x.between(west, east) & y.between(south, north)) & ~degrees
    advice = "Say crs='EPSG:4326' for longitude and latitude, x being longitude."
    problems = _all_or_rows(degrees, f"look like degrees, but the crs {system_name(system)} is in metres", advice)
    return problems + _all_or_rows(
        outside, f"lie outside the extent of {system_name(system)}", "Correct them, or say the crs they are in."
    )


def _all_or_rows(wrong: pd.Series, rule: str, advice: str) -> list[Problem]:
    """Return one problem for the columns where most rows are wrong, else one a row."""
    if len(wrong) and wrong.mean() > MOST:
        return [Problem(None, "x, y", f"{rule}, in most rows", advice)]
    return row_problems(wrong, "x, y", rule, advice)
