"""Which areas are there, and which of them holds each record?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.records import Records

__all__ = ["check_same_crs", "grid", "place", "read_areas", "rings"]

BRITISH_NATIONAL_GRID = "EPSG:27700"
BRITAIN = (-9.0, 49.0, 2.5, 61.5)  # west, south, east, north in degrees
SEEN_OUTSIDE = 0.5  # more than this share of points outside all areas: the coordinates are wrong, not the people


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
        Indexed by area code; columns name, population (missing where not given), geometry, in a projected system
        (EPSG:27700 for areas in Great Britain given in degrees). ``attrs["notes"]`` says what was repaired.

    Raises
    ------
    RecordsError
        When columns are missing, or codes are missing or repeated; all at once.
    GeographyError
        When the file does not say its coordinate reference system.
    """
    shapes = source.copy() if isinstance(source, gpd.GeoDataFrame) else _load(source)
    problems = [
        Problem(None, column, "is not a column of the areas file", "Name the column that holds it.")
        for column in (code, name, population)
        if column is not None and column not in shapes.columns
    ]
    if code in shapes.columns:
        for row in np.flatnonzero(shapes[code].isna() | shapes[code].duplicated(keep=False)):
            problems.append(
                Problem(int(row) + 1, code, "is missing or repeated", "Give each area one code of its own.")
            )
    if not len(shapes):
        problems.append(Problem(None, code, "has no rows", "Give a file with at least one area."))
    if problems:
        raise RecordsError("the areas file does not fit; nothing was read.", problems)
    if shapes.crs is None:
        raise GeographyError("`areas` has no coordinate reference system; set it with areas.set_crs('EPSG:...').")
    geometry, notes = _repair(shapes.geometry)
    areas = gpd.GeoDataFrame(
        {
            "name": (shapes[name] if name else shapes[code]).astype("str").to_numpy(),
            "population": pd.to_numeric(shapes[population]).to_numpy("float64") if population else np.nan,
        },
        geometry=geometry.to_numpy(),
        crs=shapes.crs,
        index=pd.Index(shapes[code].astype("str"), name="area"),
    )
    areas = _metres(areas)
    areas.attrs["notes"] = notes
    return areas


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
        When points are needed and the two are in different coordinate reference systems, or most points lie outside all
        areas.
    """
    frame = records.frame
    own = frame["area"] if "area" in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
    found = own.where(own.isin(areas.index))
    if "x" not in frame:
        return found.rename("area")
    missing = frame.index[own.isna() & frame["x"].notna()]
    if len(missing) == 0:
        return found.rename("area")
    check_same_crs(areas, records, names=("areas", "records"))
    points = records.points().loc[missing]
    hits = gpd.sjoin(gpd.GeoDataFrame(geometry=points), areas[["geometry"]], predicate="intersects", how="inner")
    column = hits.columns[-1]
    first = hits[column].astype("str").groupby(level=0).min()
    if len(first) < (1 - SEEN_OUTSIDE) * len(missing):
        raise GeographyError(_outside_reason(points, areas))
    found.loc[first.index] = first
    return found.rename("area")


def check_same_crs(left: Any, right: Any, *, names: tuple[str, str]) -> None:
    """Raise when two things are in different coordinate reference systems, naming both; equivalent ones are the same."""
    crs_left, crs_right = (gpd.GeoSeries([], crs=getattr(side, "crs", None)).crs for side in (left, right))
    if crs_left is None or crs_right is None:
        bare = names[0] if crs_left is None else names[1]
        raise GeographyError(f"`{bare}` has no coordinate reference system; set it before they are compared.")
    if crs_left.equals(crs_right, ignore_axis_order=True) or (crs_left.to_epsg(20) or 0) == (
        crs_right.to_epsg(20) or -1
    ):
        return
    raise GeographyError(
        f"`{names[0]}` is in {_name(crs_left)} but `{names[1]}` is in {_name(crs_right)}; "
        f"call `{names[1]}.to_crs({_name(crs_left)!r})`."
    )


def grid(areas: gpd.GeoDataFrame, size: float, *, shape: str = "square") -> gpd.GeoDataFrame:
    """Cover areas with a lattice whose origin is fixed at (0, 0), never taken from the data.

    Parameters
    ----------
    areas : GeoDataFrame
        In metres.
    size : float
        Side of a square, or distance between opposite sides of a hexagon, in metres.
    shape : {'square', 'hexagon'}

    Returns
    -------
    GeoDataFrame
        Cells that touch the areas, indexed by a code made of column and row; whole cells, not clipped.
    """
    if shape not in ("square", "hexagon") or not size > 0:
        raise GeographyError("a grid is of shape 'square' or 'hexagon' and of a size above 0 metres.")
    outline = areas.geometry.union_all()
    west, south, east, north = outline.bounds
    if shape == "square":
        columns = np.arange(np.floor(west / size), np.ceil(east / size) + 1)
        rows = np.arange(np.floor(south / size), np.ceil(north / size) + 1)
        column, row = (axis.ravel() for axis in np.meshgrid(columns, rows))
        cells = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
    else:
        side = size / 3**0.5
        columns = np.arange(np.floor(west / (1.5 * side)) - 1, np.ceil(east / (1.5 * side)) + 2)
        rows = np.arange(np.floor(south / size) - 1, np.ceil(north / size) + 2)
        column, row = (axis.ravel() for axis in np.meshgrid(columns, rows))
        turn = np.radians(np.arange(0, 360, 60))
        x = (column * 1.5 * side)[:, None] + side * np.cos(turn)
        y = ((row + (column % 2) / 2) * size)[:, None] + side * np.sin(turn)
        cells = shapely.polygons(np.stack([x, y], axis=-1))
    codes = [f"{'S' if shape == 'square' else 'H'}{int(c)}_{int(r)}" for c, r in zip(column, row, strict=True)]
    lattice = gpd.GeoDataFrame(geometry=cells, index=pd.Index(codes, name="area"), crs=areas.crs)
    return lattice[lattice.intersects(outline)]


def rings(
    target: gpd.GeoDataFrame | gpd.GeoSeries,
    widths: Sequence[float],
    *,
    within: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    exclude: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
) -> gpd.GeoDataFrame:
    """Draw nested rings around areas: each buffer minus the target, minus inner rings, minus what is outside.

    Parameters
    ----------
    target : GeoDataFrame or GeoSeries
        Areas in metres, one row a target; a place nearer to another target belongs to that one's ring.
    widths : sequence of float
        Outer distances in metres, increasing.
    within : optional
        Land and study window that clips the rings.
    exclude : optional
        Areas that no ring may touch (comparison areas).

    Returns
    -------
    GeoDataFrame
        Columns target, ring (1 is the innermost), outer (metres), area (square metres), geometry.
    """
    edges = [0.0, *map(float, widths)]
    if len(edges) < 2 or any(b <= a for a, b in zip(edges, edges[1:], strict=False)):
        raise GeographyError(
            "ring widths are outer distances in metres: needed is one or more, increasing from above 0."
        )
    shapes = target.geometry
    everything = shapes.union_all()
    barred = everything if exclude is None else everything.union(exclude.geometry.union_all())
    land = None if within is None else within.geometry.union_all()
    cells = _nearest_cells(shapes, edges[-1]) if len(shapes) > 1 else list(shapes.buffer(2 * edges[-1]))
    rows = []
    for (label, shape), cell in zip(shapes.items(), cells, strict=True):
        inner = shape
        for number, outer in enumerate(edges[1:], start=1):
            disc = shape.buffer(outer)
            band = disc.difference(inner).intersection(cell).difference(barred)
            band = band if land is None else band.intersection(land)
            rows.append({"target": label, "ring": number, "outer": outer, "area": band.area, "geometry": band})
            inner = disc
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=target.crs)


def _nearest_cells(shapes: gpd.GeoSeries, reach: float) -> list[Any]:
    """Return for each target the places nearer to it than to any other target (Voronoi of densified boundaries)."""
    step = max(reach / 20, 1.0)
    points, owner = [], []
    for position, shape in enumerate(shapes):
        dense = shapely.get_coordinates(shapely.segmentize(shape.boundary, step))
        points.append(dense)
        owner.extend([position] * len(dense))
    coordinates = np.unique(np.column_stack([np.vstack(points), owner]), axis=0)
    coordinates = coordinates[np.unique(coordinates[:, :2], axis=0, return_index=True)[1]]
    extent = shapely.box(*shapes.total_bounds).buffer(3 * reach)
    cells = shapely.voronoi_polygons(shapely.multipoints(coordinates[:, :2]), extend_to=extent, ordered=True)
    parts = (
        gpd.GeoSeries(shapely.get_parts(cells)).groupby(coordinates[:, 2].astype(int)).apply(lambda g: g.union_all())
    )
    return [parts[position].union(shape) for position, shape in enumerate(shapes)]


def _load(source: str | Path) -> gpd.GeoDataFrame:
    path = Path(source)
    if not path.exists():
        advice = "Correct the path, or fetch the file."
        raise RecordsError("the areas file was not found.", [Problem(None, path.name, "must exist", advice)])
    try:
        return gpd.read_file(path)
    except Exception as error:  # pyogrio raises a different class for each driver
        advice = "Give GeoJSON, GeoPackage or Shapefile."
        problem = Problem(None, path.name, "must be a file of areas that can be read", advice)
        raise RecordsError("the areas file cannot be read.", [problem]) from error


def _repair(geometry: gpd.GeoSeries) -> tuple[gpd.GeoSeries, tuple[str, ...]]:
    empty = geometry.is_empty | geometry.isna()
    if empty.any():
        rows = [Problem(int(row) + 1, "geometry", "is empty", "Leave the area out.") for row in np.flatnonzero(empty)]
        raise RecordsError("some areas have no shape.", rows)
    flat = ~geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    if flat.any():
        advice = "Give areas as polygons."
        rows = [Problem(int(row) + 1, "geometry", "is not a polygon", advice) for row in np.flatnonzero(flat)]
        raise RecordsError("some areas are not polygons.", rows)
    broken = ~geometry.is_valid
    if not broken.any():
        return geometry, ()
    repaired = geometry.where(~broken, geometry.make_valid().buffer(0))
    return repaired, (f"{int(broken.sum())} of {len(geometry)} area shapes crossed themselves and were repaired.",)


def _metres(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if not areas.crs.is_geographic:
        return areas
    west, south, east, north = areas.total_bounds
    in_britain = west >= BRITAIN[0] and south >= BRITAIN[1] and east <= BRITAIN[2] and north <= BRITAIN[3]
    return areas.to_crs(BRITISH_NATIONAL_GRID if in_britain else areas.estimate_utm_crs())


def _outside_reason(points: gpd.GeoSeries, areas: gpd.GeoDataFrame) -> str:
    swapped = gpd.GeoSeries(gpd.points_from_xy(points.y, points.x), crs=points.crs)
    if swapped.intersects(shapely.box(*areas.total_bounds)).mean() > SEEN_OUTSIDE:
        return "most points of `records` lie outside `areas`, but inside them with x and y swapped; swap the mapping."
    return (
        "most points of `records` lie outside all `areas` (in the sea, or another town): "
        "check the crs of the coordinates and that the areas file covers the study."
    )


def _name(crs: Any) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.name)
