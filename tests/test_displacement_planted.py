"""Displacement planted in the sample town: found where it was planted, and its size inside the interval.

Found means that the interval of the ring's weighted displacement difference (Wheeler and Ratcliffe 2018, variance times
the dispersion of the months before) lies above 0. Periods are the 24 months before the operation and the 12 since its
start, in which people were away. The planted size is what those who moved bring with them: their street contacts a
month over all three years, for they never stopped. Seeds are the first ones; none was picked.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from evaluation.differences import WeightedDifference
from evaluation.dispersion import dispersion_from_counts
from evaluation.displacement import wdd_shared_control
from evaluation.visibility import smallest_displacement

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
MONTHS = pd.period_range("2022-01", "2024-12", freq="M")
BEFORE = slice("2022-01", "2023-12")
SINCE = slice("2024-01", "2024-12")
#: The windows that `evaluation.compare` sets against each other in the study of the sample: nine months each.
STUDY = (slice("2023-04", "2023-12"), slice("2024-04", "2024-12"))
SIZES = (5, 1, 2)  # districts: comparison, treated, ring
SEEDS, FEW = range(20), range(3)


class Seen(NamedTuple):
    """The street contacts of one town by month and district and zone, and what was planted a month."""

    districts: pd.DataFrame
    zones: pd.DataFrame
    planted: float


class Difference(NamedTuple):
    local: WeightedDifference
    buffer: WeightedDifference
    total: WeightedDifference


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_town_generator_again", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def seen(seed: int) -> Seen:
    town = generator().make_town(seed)
    rows = town.contacts[town.contacts["setting"].eq("street")]
    district = areas_of(town, rows).map(town.areas.set_index("code")["district"])
    zone = district.map(town.districts.set_index("code")["zone"])
    month = rows["start"].dt.to_period("M")
    by_district, by_zone = (pd.crosstab(month, part).reindex(MONTHS, fill_value=0) for part in (district, zone))
    moved = rows["person"].isin(town.truth["displacement"]["codes"]) & zone.notna()
    return Seen(by_district, by_zone, float(moved.sum()) / len(MONTHS))


def areas_of(town: Any, rows: pd.DataFrame) -> pd.Series:
    """Return the area code of each row, of its point where it has lost the code."""
    lost = rows["area"].isna() & rows["x"].notna()
    points = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(rows.loc[lost, "x"].astype(float), rows.loc[lost, "y"].astype(float)),
        index=rows.index[lost],
        crs=27700,
    )
    found = points.sjoin(town.areas[["code", "geometry"]], predicate="intersects")["code"]
    return rows["area"].fillna(found[~found.index.duplicated()])


def difference(town: Seen, before: slice = BEFORE, after: slice = SINCE) -> Difference:
    first, last = town.zones.loc[before], town.zones.loc[after]
    treated, ring, comparison = ((first[z].sum(), last[z].sum()) for z in ("treated", "ring", "comparison"))
    found = wdd_shared_control(
        treated,
        ring,
        comparison,
        period_lengths=(len(first), len(last)),
        area_sizes=SIZES,
        dispersion=dispersion_from_counts(town.districts.loc[BEFORE]),
    )

    assert found.buffer is not None
    return Difference(found.local, found.buffer, found.total)


def holds(part: WeightedDifference, value: float) -> bool:
    return bool(part.low <= value <= part.high)


def test_planted_displacement_is_found_in_the_first_three_towns() -> None:
    towns = {seed: seen(seed) for seed in FEW}
    found = [difference(town) for town in towns.values()]
    assert all(one.buffer.low > 0 for one in found)
    assert all(one.local.value < 0 for one in found)
    # an interval of 95 % misses in two towns of three once in 140 times; seed 1 is such a miss
    assert sum(holds(one.buffer, town.planted) for one, town in zip(found, towns.values(), strict=True)) >= 2


def test_no_movement_is_found_between_two_years_before_the_operation() -> None:
    found = [difference(seen(seed), slice("2022-01", "2022-12"), slice("2023-01", "2023-12")) for seed in FEW]
    assert sum(not holds(one.buffer, 0) for one in found) <= 1  # .05 each


@pytest.mark.slow
def test_planted_displacement_is_found_with_its_size_in_18_of_20_towns() -> None:
    towns = [seen(seed) for seed in SEEDS]
    found = [difference(town) for town in towns]
    both = [one.buffer.low > 0 and holds(one.buffer, town.planted) for one, town in zip(found, towns, strict=True)]
    assert sum(both) >= 18
    assert sum(holds(one.local, -town.planted) for one, town in zip(found, towns, strict=True)) >= 17  # .95 each
    assert sum(holds(one.total, 0) for one in found) >= 17  # nobody stopped: what left came next door
    planted = np.array([town.planted for town in towns])
    gained = np.array([one.buffer.value for one in found])
    error = np.sqrt(np.mean([one.buffer.se**2 for one in found]) / len(towns))
    assert abs(gained.mean() - planted.mean()) < 3 * error
    assert error < planted.mean() / 10  # else the line before could not fail


@pytest.mark.slow
def test_in_the_windows_of_the_study_it_is_found_as_often_as_its_power_promises() -> None:
    lengths = (9, 9)
    found, promised = 0, []
    for town in map(seen, SEEDS):
        one = difference(town, *STUDY)
        found += one.buffer.low > 0
        before, phi = town.zones.loc[STUDY[0]], dispersion_from_counts(town.districts.loc[BEFORE])
        smallest = smallest_displacement(
            before["ring"].sum(),
            before["comparison"].sum(),
            period_lengths=lengths,
            area_sizes=(5, 2),
            dispersion=phi,
        )
        # seen four times in five at .rise: the distance in standard errors grows with the size
        planted = town.planted * lengths[1] / smallest.rise * (norm.ppf(0.975) + norm.ppf(0.8))
        promised.append(norm.cdf(planted - norm.ppf(0.975)))
    chance = np.array(promised)
    assert 0.6 < chance.mean() < 0.95
    assert abs(found - chance.sum()) < 3 * np.sqrt((chance * (1 - chance)).sum())


@pytest.mark.slow
def test_no_movement_is_found_before_the_operation_in_more_than_4_of_20_towns() -> None:
    halves = slice("2022-01", "2022-12"), slice("2023-01", "2023-12")
    found = [difference(seen(seed), *halves) for seed in SEEDS]
    assert sum(not holds(one.buffer, 0) for one in found) <= 4  # 5 or more of 20 at .05: .003
