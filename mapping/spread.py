"""What smooth picture can be drawn from published blocks alone?"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.ndimage import gaussian_filter

from commonground.areas import grid
from commonground.disclosure import Protected
from commonground.disclosure.protected import check_seal, seal
from commonground.errors import NotReleasable

__all__ = ["CELL", "SpreadSurface", "spread_surface"]

Array = npt.NDArray[np.float64]

CELL = 500.0  # metres; with the lattice's origin at (0, 0) it is the same for every study
_FLOOR = 1e-3  # of the mean share of a cell; below it a cell counts as that, so that no ratio is infinite
_REACH = 4.0  # standard deviations at which the kernel ends


@dataclass(frozen=True, repr=False, eq=False)
class SpreadSurface:
    """A before/after surface made from labels of blocks; weak evidence, without p.

    Only `spread_surface` makes one: it cannot be built, or copied with other contents, by hand.

    Parameters
    ----------
    drawn : GeoDataFrame
        What `cells` is a copy of.
    cell, bandwidth : float
        Metres.
    origin : Protected
        What it was made from.
    notes : tuple of str
    """

    released: ClassVar[bool] = True

    drawn: gpd.GeoDataFrame = field(repr=False)
    cell: float
    bandwidth: float
    origin: Protected = field(repr=False)
    notes: tuple[str, ...]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """Cells of the fixed lattice that share ground with the blocks.

        Columns ratio (the share of all events after over the share before; missing where no label is known) and near
        (the block that holds most of the cell).
        """
        return self.drawn.copy()

    @property
    def in_ledger(self) -> bool:
        """Whether what it was made from stands in a ledger."""
        return self.origin.in_ledger

    def __repr__(self) -> str:
        return f"SpreadSurface(cell={self.cell:g} m, bandwidth={self.bandwidth:g} m)"

    def summary(self) -> str:
        """Say how it was made and why it is weak evidence."""
        return " ".join(self.notes)

    def to_frame(self) -> pd.DataFrame:
        """Return cell and ratio."""
        return pd.DataFrame({"cell": self.drawn.index, "ratio": self.drawn["ratio"].to_numpy(copy=True)})


def spread_surface(
    protected: Protected,
    before: str = "before",
    after: str = "after",
    *,
    cell: float = CELL,
    bandwidth: float = 1000.0,
) -> SpreadSurface:
    """Spread each block's label evenly over its area, smooth both periods alike, and divide their shares.

    Parameters
    ----------
    protected : Protected
        Events, or people per block.
    before, after : str
        Periods.
    cell : float
        Side of the lattice's squares in metres; its origin is fixed at (0, 0).
    bandwidth : float
        Standard deviation of the Gaussian kernel in metres; declared, never chosen from the data.

    Returns
    -------
    SpreadSurface

    Raises
    ------
    NotReleasable
        When the values are exact, blocks have no shapes, or a period has no published value.

    Notes
    -----
    ratio = (g * after)/(g * before) x total before / total after, where * is smoothing; both are divided by the
    smoothed window, so that the edge of the study area takes nothing away. A block's label goes to the cells it
    overlaps in proportion to the ground they share, so nothing is lost. A function of published labels only (gate.md,
    step 12): with the same labels before and after, the ratio is 1 everywhere. The lattice covers all blocks; cells
    that share no ground with a block known in both periods have no ratio. It fails to show any movement inside a block.
    """
    table, outlines, known = _published(protected, before, after)
    lattice, overlaps = _overlaps(outlines, cell)
    share = overlaps.loc[:, known.to_numpy()]
    inside = share.to_numpy().sum(axis=1) > 0
    place = _Place(lattice, cell)
    ground = place.smooth(share.to_numpy().sum(axis=1), bandwidth)
    old, new = (
        _share(table.loc[share.columns, period], share, place, bandwidth)[inside] / ground[inside]
        for period in (before, after)
    )
    floor = _FLOOR * old.mean()
    ratio = np.full(len(lattice), np.nan)
    ratio[inside] = np.maximum(new, floor) / np.maximum(old, floor)
    notes = [
        f"Each block's published value is spread evenly over its area and smoothed over {bandwidth:,.0f} metres, alike "
        "in both periods. The colour is the share of all events, after over before; it carries no test."
    ]
    if hidden := int((~known).sum()):
        notes.append(f"Blocks without a published value in one of the periods are left out of both: {hidden}.")
    near = outlines["name"].reindex(overlaps.idxmax(axis=1)).to_numpy()
    cells = gpd.GeoDataFrame(
        {"ratio": ratio, "near": near}, geometry=lattice.geometry, index=lattice.index, crs=lattice.crs
    )
    return SpreadSurface(cells, cell, bandwidth, protected, tuple(notes), seal=seal())


def _published(protected: Protected, before: str, after: str) -> tuple[pd.DataFrame, gpd.GeoDataFrame, pd.Series[Any]]:
    """Return the published values by block and period, the outlines, and which blocks have a value in both."""
    if not isinstance(protected, Protected):
        raise NotReleasable("a surface that may be shown is made from protected values; call protect(...) first.")
    if protected.blocks is None:
        raise NotReleasable("these blocks have no shapes; tally with areas to draw them.")
    table = protected.table()
    for period in (before, after):
        if period not in table or not table[period].fillna(0).sum():
            raise NotReleasable(f"nothing is published for {period}; a surface needs both periods.")
    known = table[[before, after]].notna().all(axis=1).reindex(protected.blocks.index, fill_value=False)
    if not (table.loc[known.index[known], [before, after]].sum() > 0).all():
        raise NotReleasable("nothing is published in the blocks that are shown in both periods; a surface needs them.")
    return table, protected.blocks, known


class _Place:
    """Cells of a lattice as pixels, so that smoothing is a filter."""

    def __init__(self, lattice: gpd.GeoDataFrame, cell: float) -> None:
        corners = lattice.geometry.bounds
        column, row = (np.rint(corners[side].to_numpy() / cell).astype(int) for side in ("minx", "miny"))
        self.at = (row - row.min(), column - column.min())
        self.shape = tuple(int(axis.max()) + 1 for axis in self.at)
        self.cell = cell

    def smooth(self, values: Array, bandwidth: float) -> Array:
        """Smooth values of cells with a Gaussian kernel; nothing lies outside."""
        pixels = np.zeros(self.shape)
        pixels[self.at] = values
        smooth: Array = gaussian_filter(pixels, bandwidth / self.cell, mode="constant", truncate=_REACH)[self.at]
        return smooth


def _overlaps(blocks: gpd.GeoDataFrame, cell: float) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the lattice and the ground that each cell (row) shares with each block (column), in square metres."""
    lattice = grid(blocks, cell)
    shapes, cells = blocks.geometry.to_numpy(), lattice.geometry.to_numpy()
    block, square = shapely.STRtree(cells).query(shapes, predicate="intersects")
    shared = np.zeros((len(cells), len(shapes)))
    shared[square, block] = shapely.area(shapely.intersection(shapes[block], cells[square]))
    return lattice, pd.DataFrame(shared, index=lattice.index, columns=blocks.index)


def _share(values: pd.Series[Any], shared: pd.DataFrame, place: _Place, bandwidth: float) -> Array:
    """Return the smoothed share of all events in each cell."""
    weights = shared.to_numpy()
    total = values.to_numpy(dtype=np.float64)
    spread = weights @ (total / weights.sum(axis=0))
    smoothed: Array = place.smooth(spread, bandwidth) / total.sum()
    return smoothed
