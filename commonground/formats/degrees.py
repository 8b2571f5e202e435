"""Are these longitudes and latitudes in the United Kingdom?"""

from __future__ import annotations

import pandas as pd

from commonground.errors import Problem
from commonground.formats.refusals import row_problems

__all__ = ["read_degrees"]

# Longitude and latitude of the United Kingdom with a margin: Rockall to Lowestoft, Scilly to Unst.
LONGITUDES = (-14.0, 2.5)
LATITUDES = (49.0, 61.5)


def read_degrees(longitude: pd.Series, latitude: pd.Series, file: str) -> tuple[pd.Series, pd.Series, list[Problem]]:
    """Turn two columns of text into degrees (EPSG:4326) and list the rows that cannot be right.

    Parameters
    ----------
    longitude, latitude : Series
        Text; missing stays missing. The index is the row of the data from 0.
    file : str
        Name for messages.

    Returns
    -------
    x, y : Series of float
        Longitude and latitude; missing where not both can be read.
    problems : list of Problem
        Rows that are not numbers, have one of the two only, or lie outside the United Kingdom.
    """
    x = pd.to_numeric(longitude, errors="coerce").astype("float64")
    y = pd.to_numeric(latitude, errors="coerce").astype("float64")
    unread = (longitude.notna() & x.isna()) | (latitude.notna() & y.isna())
    alone = longitude.notna() != latitude.notna()
    outside = x.notna() & y.notna() & ~(x.between(*LONGITUDES) & y.between(*LATITUDES))
    swapped = outside & y.between(*LONGITUDES) & x.between(*LATITUDES)
    faults = (
        (unread, "longitude or latitude is not a number", "Write decimal degrees, or leave both empty."),
        (alone, "has a longitude or a latitude alone", "Fill in both, or leave both empty."),
        (swapped, "longitude and latitude are swapped", "Exchange the two columns."),
        (outside & ~swapped, "lies outside the United Kingdom", "Check longitude and latitude (decimal degrees)."),
    )
    problems = []
    for rows, rule, advice in faults:
        problems += row_problems((int(row) + 1 for row in rows.index[rows]), file, rule, advice)
    known = x.notna() & y.notna()
    return x.where(known), y.where(known), problems
