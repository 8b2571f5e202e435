"""In which area does each record lie?"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from commonground.errors import GeographyError
from commonground.records import Records
from commonground.systems import check_same_crs

__all__ = ["place"]

SEEN_OUTSIDE = 0.5  # more than this share of points outside all areas: the coordinates are wrong, not the people


def place(records: Records, areas: gpd.GeoDataFrame) -> pd.Series:
    """Return the area code of each record: its own code where it has one, else the area its point lies in.

    Parameters
    ----------
    records : Records
    areas : GeoDataFrame
        Indexed by area code.

    Returns
    -------
    Series of str
        On the records' index; missing where the record has no place or lies in none of the areas. A point on a shared
        boundary goes to the area whose code comes first.

    Raises
    ------
    GeographyError
        When an area is listed twice; when records have area codes and none is one of the areas'; when points are needed
        and the two are in different coordinate reference systems, or most points lie outside all areas.

    Notes
    -----
    A published code wins over the point: boundaries are generalised and points are snapped. On the police.uk data of
    Liverpool the two agree for 95.5 % of rows.
    """
    frame = records.frame
    codes = areas.index.astype("str")
    if not codes.is_unique:
        raise GeographyError("`areas` lists an area more than once; give each area one row.")
    own = frame["area"] if "area" in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
    found = own.where(own.isin(codes)).astype("str").rename("area")
    if own.notna().any() and not found.notna().any():
        raise GeographyError(
            "`records` have area codes, but none of them is a code of `areas`: check which column holds the code, and "
            "that both are of one kind and year (LSOA 2011, say)."
        )
    if "x" not in frame:
        return found
    needed = (own.isna() & frame["x"].notna()).to_numpy()
    if not needed.any():
        return found
    check_same_crs(areas, records, names=("areas", "records"))
    x, y = frame["x"].to_numpy("float64"), frame["y"].to_numpy("float64")
    homes = np.full(len(frame), -1)
    homes[needed] = _homes(x[needed], y[needed], areas.geometry, codes)
    coded = found.notna().to_numpy() & ~np.isnan(x)
    west, south, east, north = areas.total_bounds
    near = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    lost = (needed & (homes < 0)) | (coded & ~near)
    if lost.sum() > SEEN_OUTSIDE * (needed | coded).sum():
        swapped = (y >= west) & (y <= east) & (x >= south) & (x <= north)
        raise GeographyError(_outside_reason(swapped[lost].mean() > SEEN_OUTSIDE))
    values = found.to_numpy(dtype="object", copy=True)
    values[homes >= 0] = codes.to_numpy(dtype="object")[homes[homes >= 0]]
    return pd.Series(values, index=frame.index, name="area", dtype="str")


def _homes(x: np.ndarray, y: np.ndarray, shapes: gpd.GeoSeries, codes: pd.Index) -> np.ndarray:
    """Return the position of the area that holds each point, -1 for none; of several, the first by code."""
    places, which = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    point, area = shapes.sindex.query(shapely.points(places), predicate="intersects")
    rank = np.argsort(np.argsort(codes))
    first = np.full(len(places), len(codes))
    np.minimum.at(first, point, rank[area])
    by_rank = np.append(np.argsort(codes), -1)
    return np.asarray(by_rank[first][which.ravel()])


def _outside_reason(swapped: bool) -> str:
    if swapped:
        return "most points of `records` lie outside `areas`, but inside them with x and y swapped; swap the mapping."
    return (
        "most points of `records` lie outside all `areas` (in the sea, or another town): "
        "check the crs of the coordinates and that the areas file covers the study."
    )
