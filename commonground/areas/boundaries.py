"""Which areas are there, and are their boundaries fit to place records in?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.systems import BRITISH_NATIONAL_GRID, is_metric, same_crs

__all__ = ["read_areas"]

BRITAIN = (-9.0, 49.0, 2.5, 61.5)  # west, south, east, north in degrees


def read_areas(source: Any, *, code: str, name: str | None = None, population: str | None = None) -> gpd.GeoDataFrame:
    """Read area boundaries, repair them and put them in metres.

    Parameters
    ----------
    source : path or GeoDataFrame
        Anything geopandas reads: GeoJSON, GeoPackage, Shapefile.
    code : str
        Column with the area code; must be unique and filled.
    name, population : str, optional
        Columns with the area's name and its residents (or addresses).

    Returns
    -------
    GeoDataFrame
        Indexed by area code; columns name (the code where there is none), population (missing where not given),
        geometry, in a projected system in metres: the file's own, or EPSG:27700 in Great Britain and UTM elsewhere
        where the file is in degrees or Web Mercator. ``attrs["notes"]`` says what was repaired.

    Raises
    ------
    RecordsError
        When columns are missing, codes are missing or repeated, populations are not numbers, or shapes are empty or not
        polygons; all at once.
    GeographyError
        When the file does not say its coordinate reference system.
    """
    shapes = source if isinstance(source, gpd.GeoDataFrame) else _load(source)
    problems = _column_problems(shapes, code, name, population) or _row_problems(shapes, code, population)
    if problems:
        raise RecordsError("the areas file does not fit; nothing was read.", problems)
    if shapes.crs is None:
        raise GeographyError("`areas` has no coordinate reference system; set it with areas.set_crs('EPSG:...').")
    codes = _text(shapes[code])
    geometry, notes = _repair(shapes.geometry)
    columns = {
        "name": (_text(shapes[name]) if name else codes).fillna(codes).to_numpy(),
        "population": pd.to_numeric(shapes[population]).to_numpy("float64") if population else np.nan,
    }
    index = pd.Index(codes, name="area", dtype="str")
    areas = _metres(gpd.GeoDataFrame(columns, geometry=geometry.to_numpy(), crs=shapes.crs, index=index))
    areas.attrs["notes"] = notes
    return areas


def _load(source: str | Path) -> gpd.GeoDataFrame:
    path = Path(source)
    if not path.exists():
        advice = "Correct the path, or fetch the file."
        raise RecordsError("the areas file was not found.", [Problem(None, path.name, "must exist", advice)])
    try:
        shapes = gpd.read_file(path)
    except Exception:
        shapes = None
    if not isinstance(shapes, gpd.GeoDataFrame):
        advice = "Give GeoJSON, GeoPackage or Shapefile."
        problem = Problem(None, path.name, "must be a file of areas that can be read", advice)
        raise RecordsError("the areas file cannot be read.", [problem])
    return shapes


def _column_problems(shapes: gpd.GeoDataFrame, code: str, name: str | None, population: str | None) -> list[Problem]:
    problems = [
        Problem(None, column, "is not a column of the areas file", "Name the column that holds it.")
        for column in (code, name, population)
        if column is not None and column not in shapes.columns
    ]
    if not len(shapes):
        problems.append(Problem(None, code, "has no rows", "Give a file with at least one area."))
    return problems


def _row_problems(shapes: gpd.GeoDataFrame, code: str, population: str | None) -> list[Problem]:
    codes, geometry = _text(shapes[code]), shapes.geometry
    missing, empty = codes.isna(), geometry.is_empty | geometry.isna()
    flat = ~empty & ~geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    faults = [
        (missing, code, "is missing", "Give each area a code of its own."),
        (codes.duplicated(keep=False) & ~missing, code, "is repeated", "Give each area a code of its own."),
        (empty, "geometry", "is empty", "Leave the area out."),
        (flat, "geometry", "is not a polygon", "Give areas as polygons."),
    ]
    if population is not None:
        people = pd.to_numeric(shapes[population], errors="coerce")
        unread = people.isna() & shapes[population].notna()
        faults.append((unread, population, "is not a number", "Write digits only, or leave it empty."))
        faults.append((people < 0, population, "is below 0", "Correct it, or leave it empty."))
    return [
        Problem(int(row) + 1, column, rule, advice)
        for broken, column, rule, advice in faults
        for row in np.flatnonzero(broken)
    ]


def _repair(geometry: gpd.GeoSeries) -> tuple[gpd.GeoSeries, tuple[str, ...]]:
    broken = ~geometry.is_valid
    if not broken.any():
        return geometry, ()
    # a buffer of 0 keeps the polygons that make_valid found and drops the lines
    repaired = geometry.where(~broken, geometry.make_valid().buffer(0))
    lost = np.flatnonzero(repaired.is_empty)
    if len(lost):
        advice = "Draw it again, or leave the area out."
        rows = [Problem(int(row) + 1, "geometry", "encloses nothing", advice) for row in lost]
        raise RecordsError("some areas have no shape.", rows)
    return repaired, (f"{int(broken.sum())} of {len(geometry)} area shapes crossed themselves and were repaired.",)


def _metres(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if same_crs(areas.crs, BRITISH_NATIONAL_GRID):
        return areas.set_crs(BRITISH_NATIONAL_GRID, allow_override=True)  # the same, by the name everyone knows
    if is_metric(areas.crs):
        return areas
    west, south, east, north = areas.geometry.to_crs("EPSG:4326").total_bounds
    in_britain = west >= BRITAIN[0] and south >= BRITAIN[1] and east <= BRITAIN[2] and north <= BRITAIN[3]
    return areas.to_crs(BRITISH_NATIONAL_GRID if in_britain else areas.estimate_utm_crs())


def _text(values: pd.Series) -> pd.Series:
    plain = values.convert_dtypes() if pd.api.types.is_float_dtype(values.dtype) else values  # 12.0 is code 12
    text = plain.astype("str").str.strip()
    return text.mask(text == "")
