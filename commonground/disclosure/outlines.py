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
    wanted = areas.loc[areas.index.isin({code for codes in blocks.values() for code in codes})]
    west, south, east, north = wanted.total_bounds
    layers = [_layer(wanted, layer, max(east - west, north - south) / SCREEN) for layer in _layers(blocks)]
    return gpd.GeoDataFrame(pd.concat(layers), crs=areas.crs).reindex(list(blocks))


def _layers(blocks: Mapping[str, tuple[str, ...]]) -> list[dict[str, tuple[str, ...]]]:
    """Deal blocks into layers in which none overlap: one, unless years were cut differently."""
    layers: list[dict[str, tuple[str, ...]]] = []
    for block, codes in blocks.items():
        free = (layer for layer in layers if not any(set(codes) & set(other) for other in layer.values()))
        home = next(free, None)
        if home is None:
            layers.append(home := {})
        home[block] = codes
    return layers


def _layer(areas: gpd.GeoDataFrame, blocks: Mapping[str, tuple[str, ...]], tolerance: float) -> gpd.GeoDataFrame:
    home = {code: block for block, codes in blocks.items() for code in codes}
    shapes = gpd.GeoDataFrame(
        {"name": areas["name"].to_numpy(), "block": areas.index.map(home)},
        geometry=areas.geometry.to_numpy(),
        crs=areas.crs,
    )
    joined = shapes[shapes["block"].notna()].dissolve("block", aggfunc={"name": _joined_name})
    # Drawn outlines need no more points than a screen has; shared borders stay shared.
    joined["geometry"] = joined.geometry.simplify_coverage(tolerance)
    return joined


def _joined_name(names: pd.Series) -> str:
    listed = sorted(names)
    first = ", ".join(listed[:3])
    return first + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
