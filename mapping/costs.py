"""Answer how far it is from each area to each service, when nobody brings a better answer."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely

from commonground.errors import GeographyError

__all__ = ["straight_line_cost"]


def straight_line_cost(
    areas: Any, services: Any, *, centres: str | None = None, outside: Literal["refuse", "keep"] = "refuse"
) -> pd.DataFrame:
    """Return the straight-line distance in metres from each area to each service.

    Parameters
    ----------
    areas : GeoDataFrame
        Polygons indexed by area code, in metres.
    services : GeoSeries or GeoDataFrame
        Points indexed by service, in the same system.
    centres : str, optional
        Column of `areas` that holds points to measure from, such as population-weighted centroids; by default a
        point inside each area.
    outside : {"refuse", "keep"}
        What to do with a service that lies in none of the areas: usually a coordinate gone wrong, sometimes a real
        service across the boundary.

    Returns
    -------
    DataFrame
        One row per area, one column per service, metres; NaN for a service without a place.

    Raises
    ------
    GeographyError
        Coordinate systems that differ or are in degrees, or a service outside the map.

    Notes
    -----
    A straight line is shorter than any walk, and crosses rivers and railways. Bring network times where you have them.
    """
    points = services.geometry
    for name, thing in (("`areas`", areas), ("`services`", services)):
        if thing.crs is not None and thing.crs.is_geographic:
            raise GeographyError(f"{name} is in degrees; distances need metres, call {name.strip('`')}.to_crs(27700)")
    if areas.crs != services.crs:
        raise GeographyError(
            f"`areas` is in {_system(areas)} but `services` is in {_system(services)}; call .to_crs() on one of them"
        )
    placed = ~shapely.is_missing(points.array) & ~shapely.is_empty(points.array)
    away = placed & ~shapely.intersects(areas.geometry.union_all(), points.array)
    if away.any() and outside == "refuse":
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(away))
        raise GeographyError(
            f"rows {rows} of `services` lie outside the map; correct their place, or pass outside='keep' if it is right"
        )
    start = areas.geometry.representative_point() if centres is None else areas[centres]
    metres = shapely.distance(np.asarray(start.array)[:, None], np.asarray(points.array)[None, :])
    return pd.DataFrame(np.where(placed[None, :], metres, np.nan), index=areas.index, columns=services.index)


def _system(thing: Any) -> str:
    if thing.crs is None:
        return "no coordinate system"
    code = thing.crs.to_epsg()
    return f"EPSG:{code}" if code else str(thing.crs.name)
