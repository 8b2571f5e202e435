"""Compare mapping.surfaces with a loop over scipy's gaussian_kde; prints seconds, memory and the ratio."""

from __future__ import annotations

import resource
import time

import geopandas as gpd
import numpy as np
import shapely
from scipy.stats import gaussian_kde

from mapping.change import pattern_similarity
from mapping.surfaces import displacement_surface

EVENTS, PERMUTATIONS, SIDE = 100_000, 999, 10_000
#: The loop is timed on this share of the events and of the pixels, and its time scaled up: it is linear in both.
SAMPLE = 0.05


def main() -> None:
    rng = np.random.default_rng(1)
    before, after = (rng.uniform(0, SIDE, (2, EVENTS)) for _ in range(2))
    start = time.perf_counter()
    surface = displacement_surface(
        *(gpd.GeoSeries.from_xy(*xy, crs=27700) for xy in (before, after)),
        shapely.box(0, 0, SIDE, SIDE),
        permutations=PERMUTATIONS,
    )
    ours = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pixels = np.array([surface.x.ravel(), surface.y.ravel()])
    some_events, some_pixels = before[:, : int(EVENTS * SAMPLE)], pixels[:, : int(pixels.shape[1] * SAMPLE)]
    start = time.perf_counter()
    gaussian_kde(some_events)(some_pixels)
    loop = (time.perf_counter() - start) / SAMPLE**2 * 2 * (PERMUTATIONS + 1)
    print(f"surface, {EVENTS:,} + {EVENTS:,} events, {pixels.shape[1]:,} pixels, {PERMUTATIONS} relabellings:")
    print(f"  {ours:.1f} s, {memory:,.0f} MB; a loop of gaussian_kde {loop:,.0f} s: {loop / ours:,.0f} times as long")

    counts = rng.poisson(5, (2, 1000))
    start = time.perf_counter()
    pattern_similarity(*counts)
    print(f"pattern similarity, 1,000 areas: {time.perf_counter() - start:.3f} s")


if __name__ == "__main__":
    main()
