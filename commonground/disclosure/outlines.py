"""Where do the shown blocks lie?"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

__all__ = ["outlines"]

SCREEN = 3000  # pixels across the largest map


def outlines(areas: gpd.GeoDataFrame | None, blocks: Mapping[str, tuple[str, ...]]) -> gpd.GeoDataFrame | None:
    """Return the outline and a name of each block, no finer than a screen shows; None without areas.

    Parameters
    ----------
    areas : GeoDataFrame or None
        Indexed by area code, with names.
    blocks : mapping of block to area codes

    Returns
    -------
    GeoDataFrame
        Indexed by block, in their order: name, geometry.
    """
    if areas is None:
        return None
    home = {code: block for block, codes in blocks.items() for code in codes}
    shapes = gpd.GeoDataFrame(
        {"name": areas["name"].to_numpy(), "block": areas.index.map(home)},
        geometry=areas.geometry.to_numpy(),
        crs=areas.crs,
    )
    joined = shapes[shapes["block"].notna()].dissolve("block", aggfunc={"name": _joined_name})
    west, south, east, north = joined.total_bounds
    # Drawn outlines need no more points than a screen has; shared borders stay shared.
    joined["geometry"] = joined.geometry.simplify_coverage(max(east - west, north - south) / SCREEN)
    return joined.reindex(list(blocks))


def _joined_name(names: pd.Series) -> str:
    listed = sorted(names)
    first = ", ".join(listed[:3])
    return first + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
