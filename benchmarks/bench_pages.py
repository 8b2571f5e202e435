"""A map of 5,000 areas beside writing its GeoJSON."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from benchmarks.timing import report, seconds
from commonground.release.maps import Layer, choropleth_map


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


def main() -> None:
    """Print size and ratio."""
    corners = [(4e5 + 200 * (i % 100), 3e5 + 200 * (i // 100)) for i in range(5000)]
    shapes = [shapely.box(x, y, x + 200, y + 200) for x, y in corners]
    index = [f"b{i}" for i in range(5000)]
    blocks = gpd.GeoDataFrame({"name": index}, geometry=shapes, index=index, crs=27700)
    values = pd.Series([float(10 + i % 60) for i in range(5000)], index)
    layers = [Layer(name, values, values.astype(str), origin=Shown()) for name in ("Before", "During", "After")]

    def draw() -> str:
        return choropleth_map(blocks, layers, title="Map", finding="A map.", breaks=(0.0, 20.0, 40.0, float("inf")))

    size = len(draw().encode()) / 1e6
    peer = seconds(lambda: blocks.to_crs(4326).to_json())
    report(
        f"a map of 5,000 areas and three layers, {size:.1f} MB (target: 4)",
        seconds(draw),
        peer,
        "its GeoJSON alone",
        "under 2 s",
    )


if __name__ == "__main__":
    main()
