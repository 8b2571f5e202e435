"""What can be said of other areas (wards, hexagons) from published blocks alone?"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import ClassVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from commonground.areas import check_same_crs
from commonground.disclosure.labels import significant
from commonground.disclosure.protected import Protected, check_seal, seal
from commonground.errors import GeographyError, NotReleasable
from commonground.pickles import Published

__all__ = ["Spread", "spread_over"]

Array = npt.NDArray[np.float64]
SLIVER = 0.01  # share of an area's ground; drawn outlines are simplified, so neighbours overlap by less than this
LEAST = 0.01  # of anything counted; below it an area is said to hold nothing of what was spread

EVENLY = (
    "Values are each block's published number spread evenly over its {} and added up anew: nobody was counted in these "
    "areas, and where in a block people were is not known. "
)
WEAK = (
    "A difference between two such pictures is weak evidence: read changes from zones and blocks, which were counted."
)


@dataclass(frozen=True, repr=False, eq=False)
class Spread(Published):
    """Published numbers of blocks spread evenly over other areas. A function of labels; nothing was counted again.

    Only `spread_over` makes one.

    Parameters
    ----------
    origin : Protected
        What it was made from.
    areas : GeoDataFrame
        The other areas, indexed by code.
    rows : tuple of (area, period, categories, value)
        ``value`` has 2 significant digits; None where a block without a published value reaches into the area, or no
        block does.
    notes : tuple of str
    """

    released: ClassVar[bool] = True

    origin: Protected = field(repr=False)
    areas: gpd.GeoDataFrame = field(repr=False)
    rows: tuple[tuple[str, str, tuple[str, ...], float | None], ...] = field(repr=False)
    notes: tuple[str, ...]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)

    def __repr__(self) -> str:
        return f"Spread({self.origin.kind}, {self.origin.count}, {len(self.areas)} areas; call .summary())"

    @property
    def in_ledger(self) -> bool:
        """Whether what it was made from stands in a ledger; only then may it be written."""
        return self.origin.in_ledger

    @property
    def profile(self) -> str:
        """Whose rules the blocks obey."""
        return self.origin.profile

    def summary(self) -> str:
        """Say how it was made, and what it does not show."""
        return " ".join(self.notes)

    def to_frame(self) -> pd.DataFrame:
        """Return area, period, categories (tuple) and value (missing where nothing may be said)."""
        frame = pd.DataFrame(list(self.rows), columns=["area", "period", "categories", "value"])
        return frame.astype({"value": float})


def spread_over(protected: Protected, areas: gpd.GeoDataFrame, *, weights: pd.Series | None = None) -> Spread:
    """Spread each block's label evenly over its ground, or its addresses, and add up in other areas.

    Parameters
    ----------
    protected : Protected
        With outlines of its blocks.
    areas : GeoDataFrame
        Wards, hexagons (``grid(areas, size, shape="hexagon")``) or any polygons that do not overlap, indexed by code;
        in the system of the blocks.
    weights : Series, optional
        Addresses of each of these areas, by code, spread evenly over its ground. A block's label then goes where its
        addresses are.

    Returns
    -------
    Spread

    Raises
    ------
    NotReleasable
        When the values are not protected, or the blocks have no shapes.
    GeographyError
        When the systems differ, areas overlap, a code repeats, or an area has no weight.

    Notes
    -----
    value(area) = sum over blocks of label x weight(area and block) / weight(block), where weight is ground, or
    addresses of the area x share of the area's ground that lies in the block. A block of which the areas cover a part
    gives that part of its ground. So values add up to the labels of the blocks covered, but for rounding to 2
    significant digits. An area into which a block without a value reaches is missing. Records are never counted in
    other areas: two sets of areas over the same records prove small counts (gate.md, step 12). It fails wherever
    people are not spread like the ground or the addresses.
    """
    if not isinstance(protected, Protected):
        raise NotReleasable("only protected values are spread over other areas; call protect(...) first.")
    if protected.blocks is None:
        raise NotReleasable("these blocks have no shapes; tally with areas to spread them over others.")
    check_same_crs(protected.blocks, areas, names=("blocks", "areas"))
    if not areas.index.is_unique:
        raise GeographyError("`areas` has a code twice; give each area a code of its own.")
    ground = _ground(protected.blocks, areas)
    covered = ground.sum(axis=0) / protected.blocks.geometry.area.to_numpy()
    covered = np.where(covered > 1 - SLIVER, 1.0, covered)
    shares = _shares(ground, areas, weights) * covered
    reached = shapely.area(shapely.intersection(areas.geometry.to_numpy(), protected.blocks.geometry.union_all()))
    unseen = SLIVER * areas.geometry.area.to_numpy()
    rows = []
    for (period, categories), values in _values(protected).items():
        label = values.reindex(protected.blocks.index).to_numpy(dtype=np.float64)
        shown = ~np.isnan(label)
        missing = reached - ground[:, shown].sum(axis=1) > unseen  # a block without a published value reaches in
        spread = np.where(missing | (reached <= unseen), np.nan, shares[:, shown] @ label[shown])
        for code, value in zip(areas.index, spread, strict=True):
            rows.append((str(code), period, categories, None if np.isnan(value) else _rounded(float(value))))
    notes = (
        EVENLY.format("ground" if weights is None else "addresses") + WEAK,
        *(["Parts of blocks lie outside these areas and are left out."] if (covered < 1).any() else []),
    )
    shapes = gpd.GeoDataFrame(geometry=areas.geometry.to_numpy(), index=areas.index, crs=areas.crs)
    return Spread(origin=protected, areas=shapes, rows=tuple(rows), notes=notes, seal=seal())


def _ground(blocks: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> Array:
    """Return the ground that each area (row) shares with each block (column), in square metres."""
    theirs, ours = areas.geometry.to_numpy(), blocks.geometry.to_numpy()
    block, area = shapely.STRtree(theirs).query(ours, predicate="intersects")
    shared = np.zeros((len(theirs), len(ours)))
    shared[area, block] = shapely.area(shapely.intersection(ours[block], theirs[area]))
    if (shared.sum(axis=0) > shapely.area(ours) * (1 + SLIVER)).any():
        raise GeographyError(
            "`areas` overlap one another, so that people would be shown twice; give areas that do not."
        )
    return shared


def _shares(ground: Array, areas: gpd.GeoDataFrame, weights: pd.Series | None) -> Array:
    """Return the share of each block's label that goes to each area, of what goes to any."""
    held = ground
    if weights is not None:
        given = weights.reindex(areas.index).to_numpy(dtype=np.float64)
        if not np.isfinite(given).all() or (given < 0).any():
            raise GeographyError("`weights` lacks an area, or holds a number below 0; give addresses of every area.")
        held = ground * (given / areas.geometry.area.to_numpy())[:, None]
        held = np.where(held.sum(axis=0) > 0, held, ground)  # a block without an address: by its ground
    total = held.sum(axis=0)
    return np.asarray(np.divide(held, total, out=np.zeros_like(held), where=total > 0))


def _rounded(value: float) -> float:
    return significant(value) if value >= LEAST else 0.0


def _values(protected: Protected) -> dict[tuple[str, tuple[str, ...]], pd.Series]:
    """Return the labels by block of each period and combination of levels."""
    values: dict[tuple[str, tuple[str, ...]], dict[str, int | None]] = {}
    for block, _, period, categories, value, *_ in protected.rows:
        values.setdefault((period, categories), {})[block] = value
    return {cell: pd.Series(of, dtype="float64") for cell, of in values.items()}
