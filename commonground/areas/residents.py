"""How many residents live in each ring, cell or other shape?"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from commonground.errors import GeographyError
from commonground.systems import check_metres, check_same_crs

__all__ = ["residents"]


def residents(shapes: gpd.GeoDataFrame | gpd.GeoSeries, areas: gpd.GeoDataFrame) -> pd.Series:
    """Spread the population of areas evenly over their ground and add up what lies in each shape.

    Parameters
    ----------
    shapes : GeoDataFrame or GeoSeries
        Rings, cells or other polygons, in metres; they may be empty.
    areas : GeoDataFrame
        With a column ``population``, in the same coordinate system.

    Returns
    -------
    Series of float
        On the index of the shapes: residents; missing where a shape shares ground with an area of unknown population.

    Raises
    ------
    GeographyError
        When areas have no population, or the two are not in one system in metres.

    Notes
    -----
    sum over areas of population x shared ground / ground of the area. It fails where people live in one corner of an
    area: a park and an estate count alike.

    Examples
    --------
    >>> town = gpd.GeoDataFrame({"population": [100.0]}, geometry=[shapely.box(0, 0, 100, 100)], crs=27700)
    >>> residents(gpd.GeoSeries([shapely.box(0, 0, 50, 50)], crs=27700), town).tolist()
    [25.0]
    """
    if "population" not in areas:
        raise GeographyError("`areas` have no population; read them with population=..., or leave residents out")
    check_metres(shapes, "shapes")
    check_same_crs(shapes, areas, names=("shapes", "areas"))
    ground, people = areas.geometry.to_numpy(), areas["population"].to_numpy(dtype=np.float64)
    wanted = shapes.geometry.to_numpy()
    shape, area = shapely.STRtree(ground).query(wanted, predicate="intersects")
    shared = shapely.area(shapely.intersection(wanted[shape], ground[area])) / shapely.area(ground[area])
    real = shared > 0  # shapes that only touch share no ground
    found = np.bincount(shape[real], (shared * people[area])[real], minlength=len(wanted))
    return pd.Series(found, index=shapes.index, name="residents")
