"""Into which even cells, and which rings around a place, is the land cut?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from commonground.errors import GeographyError
from commonground.systems import check_metres, check_same_crs

__all__ = ["grid", "rings"]

MOST_CELLS = 1_000_000  # of a lattice, before it is cut to the areas
MICROMETRE = 6  # decimals of a metre to which corners are rounded, so that neighbours share them
ARC = 64  # segments a quarter circle: 0.08 m short at a radius of 1 km
NUDGE = 0.01  # metres
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)
POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
STEPS = 20  # points along a boundary in each reach, where the places nearest to each target are told apart


Shapes = npt.NDArray[np.object_]


def grid(areas: gpd.GeoDataFrame | gpd.GeoSeries, size: float, *, shape: str = "square") -> gpd.GeoDataFrame:
    """Cover areas with a lattice whose origin is fixed at (0, 0), never taken from the data.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
        In metres.
    size : float
        Side of a square, or distance between opposite sides of a hexagon, in metres.
    shape : {'square', 'hexagon'}

    Returns
    -------
    GeoDataFrame
        Cells that share ground with the areas, indexed by a code made of column and row; whole cells, not clipped. One
        cell has one code, whatever the areas.

    Raises
    ------
    GeographyError
        When the shape or size does not fit, or the areas are not in metres.
    """
    if shape not in ("square", "hexagon") or not 0 < size < np.inf:
        raise GeographyError("a grid is of shape 'square' or 'hexagon' and of a size above 0 metres.")
    check_metres(areas, "areas")
    outline = areas.geometry.union_all()
    if outline.is_empty:
        raise GeographyError("`areas` are empty; a grid needs at least one area.")
    pitch = size if shape == "square" else size * 3**0.5 / 2  # between columns
    column, row = _positions(outline.bounds, pitch, size)
    cells = _squares(column, row, size) if shape == "square" else _hexagons(column, row, size)
    shapely.prepare(outline)
    shared = shapely.intersects(outline, cells) & ~shapely.touches(outline, cells)
    letter = shape[0].upper()
    codes = [f"{letter}{c}_{r}" for c, r in zip(column[shared], row[shared], strict=True)]
    return gpd.GeoDataFrame(geometry=cells[shared], index=pd.Index(codes, name="area", dtype="str"), crs=areas.crs)


def rings(
    target: gpd.GeoDataFrame | gpd.GeoSeries,
    widths: Sequence[float],
    *,
    within: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    exclude: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
) -> gpd.GeoDataFrame:
    """Draw nested rings around areas: each buffer minus the targets, minus inner rings, minus what is outside.

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
        Columns target (its index label), ring (1 is the innermost), outer (metres), area (square metres; 0 where
        nothing is left), geometry. No two rings overlap.

    Raises
    ------
    GeographyError
        When widths do not increase from above 0, or the inputs are not in one system in metres.

    Notes
    -----
    Nearness is measured from points along the targets' boundaries, a twentieth of the largest width apart (1 m at
    least): that far, at most, the line between two targets' rings can lie from where it should.
    """
    edges = [0.0, *pd.to_numeric(pd.Series(list(widths)), errors="coerce").astype("float64")]
    if len(edges) < 2 or not all(a < b < np.inf for a, b in pairwise(edges)):
        raise GeographyError(
            "ring widths are outer distances in metres: needed is one or more, increasing from above 0."
        )
    check_metres(target, "target")
    for other, name in ((within, "within"), (exclude, "exclude")):
        if other is not None:
            check_same_crs(target, other, names=("target", name))
    shapes = target.geometry.to_numpy()
    barred = np.concatenate([shapes, [] if exclude is None else exclude.geometry.to_numpy()])
    free = None if within is None else within.geometry.union_all().difference(shapely.union_all(barred))
    cells = _nearest_cells(shapes, edges[-1]) if len(shapes) > 1 else None
    buffers = [shapes, *(shapely.buffer(shapes, outer, quad_segs=ARC) for outer in edges[1:])]
    bands = np.column_stack([shapely.difference(outer, inner) for inner, outer in pairwise(buffers)])
    bands = bands if cells is None else shapely.intersection(bands, cells[:, None])
    # land first loses what is barred, where both come from one map: cut one after the other, GEOS 3.14 left pieces of
    # targets in rings
    bands = _polygons(_without(bands.ravel(), barred) if free is None else shapely.intersection(bands.ravel(), free))
    made = {
        "target": target.index.repeat(len(widths)),
        "ring": np.tile(np.arange(1, len(edges)), len(shapes)),
        "outer": np.tile(edges[1:], len(shapes)),
        "area": shapely.area(bands),
    }
    return gpd.GeoDataFrame(made, geometry=bands, crs=target.crs)


def _positions(bounds: tuple[float, float, float, float], pitch: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    west, south, east, north = bounds
    low = np.floor([west / pitch, south / size]) - 1
    high = np.ceil([east / pitch, north / size]) + 2
    if np.prod(high - low) > MOST_CELLS:
        raise GeographyError(f"a grid of that size has over {MOST_CELLS:,} cells; take a larger size, or fewer areas.")
    across, up = (np.arange(a, b).astype(int) for a, b in zip(low, high, strict=True))
    column, row = np.meshgrid(across, up)
    return column.ravel(), row.ravel()


def _squares(column: np.ndarray, row: np.ndarray, size: float) -> np.ndarray:
    return np.asarray(shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size))


def _hexagons(column: np.ndarray, row: np.ndarray, size: float) -> np.ndarray:
    """Return flat-topped hexagons around (1.5 column side, (row + a half in odd columns) size)."""
    side = size / 3**0.5
    turn = np.radians(np.arange(0, 360, 60))
    x = (column * 1.5 * side)[:, None] + side * np.cos(turn)
    y = ((row + (column % 2) / 2) * size)[:, None] + side * np.sin(turn)
    return np.asarray(shapely.polygons(np.round(np.stack([x, y], axis=-1), MICROMETRE)))


def _without(bands: Shapes, barred: Shapes) -> Shapes:
    """Take from each band what is barred near it."""
    band, near = shapely.STRtree(barred).query(bands, predicate="intersects")
    left = bands.copy()
    for number in np.unique(band):
        left[number] = bands[number].difference(shapely.union_all(barred[near[band == number]]))
    return left


def _polygons(shapes: Shapes) -> Shapes:
    """Keep the polygons of shapes: lines where two only touch are not ground."""
    kept = shapes.copy()
    for number in np.flatnonzero(~np.isin(shapely.get_type_id(shapes), POLYGONS)):
        parts = shapely.get_parts(shapes[number])
        kept[number] = shapely.union_all(parts[np.isin(shapely.get_type_id(parts), POLYGONS)])
    return kept


def _nearest_cells(shapes: Shapes, reach: float) -> Shapes:
    """Return for each target the places nearer to it than to any other target (Voronoi of densified boundaries)."""
    step = max(reach / STEPS, 1.0)
    dense = [shapely.get_coordinates(line) for line in shapely.segmentize(shapely.boundary(shapes), step)]
    owner = np.repeat(np.arange(len(dense)), [len(points) for points in dense])
    points, first = np.unique(np.vstack(dense), axis=0, return_index=True)  # a shared point is the first target's
    # where four points lie on one circle, as on any lattice, GEOS draws cells that cross themselves: move each a little
    turn = np.arange(len(points)) * GOLDEN_ANGLE
    points = points + NUDGE * np.column_stack([np.cos(turn), np.sin(turn)])
    extent = shapely.box(*shapely.total_bounds(shapes)).buffer(3 * reach)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=extent, ordered=True))
    order = np.argsort(owner[first], kind="stable")
    groups = np.split(cells[order], np.searchsorted(owner[first][order], np.arange(1, len(shapes))))
    return np.array([shapely.coverage_union_all(group) for group in groups], dtype=object)
