"""What smooth picture can be drawn from published blocks alone?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from commonground.areas import grid
from commonground.disclosure import Protected
from commonground.errors import NotReleasable

__all__ = ["SpreadSurface", "spread_surface"]


@dataclass(frozen=True, repr=False, eq=False)
class SpreadSurface:
    """A before/after surface made from labels of blocks; weak evidence, without p.

    Parameters
    ----------
    cells : GeoDataFrame
        Lattice cells inside the blocks: column ratio, the share of all events after over the share before.
    cell, bandwidth : float
        Metres.
    in_ledger : bool
    notes : tuple of str
    """

    released: ClassVar[bool] = True

    cells: gpd.GeoDataFrame = field(repr=False)
    cell: float
    bandwidth: float
    in_ledger: bool
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SpreadSurface(cell={self.cell:g} m, bandwidth={self.bandwidth:g} m)"

    def summary(self) -> str:
        """Say how it was made and why it is weak evidence."""
        return " ".join(self.notes)

    def to_frame(self) -> pd.DataFrame:
        """Return cell and ratio."""
        return pd.DataFrame({"cell": self.cells.index, "ratio": self.cells["ratio"].to_numpy()})


def spread_surface(
    protected: Protected,
    before: str = "before",
    after: str = "after",
    *,
    cell: float = 500.0,
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
        When blocks have no shapes, or a period has no published value.

    Notes
    -----
    ratio = (g * after)/(g * before) x total before / total after, where * is smoothing and both are divided by the smoothed
    window, so that the edge of the study area takes nothing away. A function of published labels only (gate.md, step 12).
    """
    if protected.blocks is None:
        raise NotReleasable("these blocks have no shapes; tally with areas to draw them.")
    lattice = grid(protected.blocks, cell)
    centres = gpd.GeoSeries(lattice.geometry.centroid, crs=lattice.crs)
    home = gpd.sjoin(
        gpd.GeoDataFrame(geometry=centres), protected.blocks[["geometry"]], predicate="within", how="inner"
    )
    home = home[~home.index.duplicated()].iloc[:, -1]
    table = protected.table()
    column = np.round(centres.x[home.index] / cell - 0.5).astype(int)
    row = np.round(centres.y[home.index] / cell - 0.5).astype(int)
    shape = (int(row.max() - row.min() + 1), int(column.max() - column.min() + 1))
    at = ((row - row.min()).to_numpy(), (column - column.min()).to_numpy())
    inside = np.zeros(shape)
    inside[at] = 1.0
    per_block = home.value_counts()
    shares = []
    for period in (before, after):
        if not table[period].notna().any():
            raise NotReleasable(f"nothing is published for {period}; a surface needs both periods.")
        spread = np.zeros(shape)
        spread[at] = (table[period].astype("float64").fillna(0.0) / per_block).reindex(home.to_numpy()).to_numpy()
        smooth = gaussian_filter(spread, bandwidth / cell, mode="constant", truncate=4.0)
        edge = gaussian_filter(inside, bandwidth / cell, mode="constant", truncate=4.0)
        density = np.divide(smooth, edge, out=np.zeros(shape), where=edge > 0)
        shares.append(density[at] / spread.sum())
    floor = 1e-3 * shares[0].mean()  # no cell is infinite: below a thousandth of the mean counts as that
    ratio = np.maximum(shares[1], floor) / np.maximum(shares[0], floor)
    cells = gpd.GeoDataFrame(
        {"ratio": ratio}, geometry=lattice.geometry.loc[home.index].to_numpy(), index=home.index, crs=lattice.crs
    )
    hidden = int(table[[before, after]].isna().any(axis=1).sum())
    notes = [
        f"Each block's published value is spread evenly over its area and smoothed over {bandwidth:,.0f} metres, alike in both "
        "periods. The colour is the share of all events, after over before; it carries no test."
    ]
    if hidden:
        notes.append(f"{hidden} block(s) without a published value in one of the periods count as empty there.")
    return SpreadSurface(cells, cell, bandwidth, protected.in_ledger, tuple(notes))
