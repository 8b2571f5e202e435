"""Spans of time, rings around places and moves of events, beside a bare loop over the same; with memory."""

from __future__ import annotations

import resource
from datetime import datetime, timedelta
from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from benchmarks.timing import report, seconds
from commonground.aoristic import aoristic
from commonground.areas import rings
from mapping.distances import service_distance_shift
from mapping.shifts import centre_shift

RANGES, TARGETS, EVENTS, PERMUTATIONS, SIDE = 100_000, 500, 100_000, 9_999, 10_000
WIDTHS = (100.0, 250.0)
SAMPLE = 0.01  # of a loop that is timed; its time is scaled up: each turn does the same work


def spans() -> tuple[pd.Series, pd.Series]:
    """Ranges of up to two days over two years."""
    rng = np.random.default_rng(1)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 730 * 1440, RANGES), unit="min")
    return pd.Series(start), pd.Series(start + pd.to_timedelta(rng.integers(1, 2880, RANGES), unit="min"))


def one_range_at_a_time(starts: list[datetime], ends: list[datetime]) -> list[float]:
    """Add up hours of the day range by range; clock changes are left out, which makes it easier."""
    hours = [0.0] * 24
    for start, end in zip(starts, ends, strict=True):
        span, now = (end - start).total_seconds(), start
        while now < end:
            following = min(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1), end)
            hours[now.hour] += (following - now).total_seconds() / span
            now = following
    return hours


def places() -> gpd.GeoSeries:
    """Targets of eight corners or so, some of them neighbours."""
    rng = np.random.default_rng(2)
    column, row = (part[:TARGETS] for part in np.divmod(rng.permutation(40 * 40), 40))
    centres = shapely.points(column * 250.0, row * 250.0)
    return gpd.GeoSeries(shapely.buffer(centres, rng.uniform(40, 120, TARGETS), quad_segs=2), crs=27700)


def one_target_at_a_time(targets: gpd.GeoSeries) -> list[shapely.Geometry]:
    """Draw the same rings without giving each place to its nearest target: they overlap."""
    everything = targets.union_all()
    return [
        shape.buffer(outer, 64).difference(shape.buffer(inner, 64) if inner else shape).difference(everything)
        for shape in targets
        for inner, outer in zip((0.0, *WIDTHS), WIDTHS, strict=False)
    ]


def one_relabelling_at_a_time(values: np.ndarray, times: int) -> list[float]:
    """Shuffle labels and take the difference of means, over and over."""
    rng, half = np.random.default_rng(3), values.shape[1] // 2
    found = []
    for _ in range(times):
        shuffled = values[:, rng.permutation(values.shape[1])]
        found.append(float(np.abs(shuffled[:, :half].mean(axis=1) - shuffled[:, half:].mean(axis=1)).sum()))
    return found


def main() -> None:
    """Print times, ratios and memory."""
    start, end = spans()
    some = int(RANGES * SAMPLE)
    firsts, lasts = start[:some].dt.to_pydatetime().tolist(), end[:some].dt.to_pydatetime().tolist()
    peer = seconds(lambda: one_range_at_a_time(firsts, lasts)) / SAMPLE
    scaled = f"({SAMPLE:.0%} timed, scaled)"
    for every in ("hour", "hour of week", "month"):
        ours = seconds(partial(aoristic, start, end, every=every))
        report(f"{RANGES:,} ranges to each {every}", ours, peer, f"a loop to hours {scaled}", "under 2 s")

    targets = places()
    ours, peer = seconds(lambda: rings(targets, WIDTHS)), seconds(lambda: one_target_at_a_time(targets), runs=1)
    report(f"two rings around {TARGETS} targets", ours, peer, "a loop of buffers that overlap", "under 2 s")

    before, after = (np.random.default_rng(seed).uniform(0, SIDE, (2, EVENTS // 2)) for seed in (4, 5))
    events = [gpd.GeoSeries.from_xy(*xy, crs=27700) for xy in (before, after)]
    services = gpd.GeoSeries.from_xy(*np.random.default_rng(6).uniform(0, SIDE, (2, 10)), crs=27700)
    times = int(PERMUTATIONS * SAMPLE)
    both = np.hstack([before, after])
    peer = seconds(lambda: one_relabelling_at_a_time(both, times), runs=1) * PERMUTATIONS / times
    what = f"{EVENTS:,} events, {PERMUTATIONS:,} relabellings"
    ours = seconds(lambda: centre_shift(events[0], events[1], permutations=PERMUTATIONS), runs=1)
    report(f"centre_shift, {what}", ours, peer, f"a loop over the means alone {scaled}", "under 5 s")
    ours = seconds(lambda: service_distance_shift(events[0], events[1], services, permutations=PERMUTATIONS), runs=1)
    report(f"service_distance_shift, {what}", ours, peer, f"a loop over the means alone {scaled}", "under 5 s")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory of all: {memory:,.0f} MB (target: under 1,000 MB)")


if __name__ == "__main__":
    main()
