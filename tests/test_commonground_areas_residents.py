"""Residents of rings and other shapes: nothing is lost, and unknown stays unknown."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from commonground.areas import grid, residents, rings
from commonground.errors import GeographyError


def town(population: list[float]) -> gpd.GeoDataFrame:
    cells = [shapely.box(1000 * i, 0, 1000 * i + 1000, 1000) for i in range(len(population))]
    return gpd.GeoDataFrame({"population": population}, geometry=cells, crs=27700)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=5), st.sampled_from(["square", "hexagon"]))
def test_a_lattice_over_the_town_holds_everybody_once(population: list[int], shape: str) -> None:
    areas = town([float(number) for number in population])
    assert residents(grid(areas, 170, shape=shape), areas).sum() == pytest.approx(sum(population))


def test_rings_hold_their_share_of_the_ground() -> None:
    areas = town([800.0, 400.0])
    target = gpd.GeoSeries([shapely.box(900, 400, 1100, 600)], crs=27700)
    drawn = rings(target, [100, 250], within=areas)
    by_hand = [
        sum(
            people * shapely.intersection(shape, ground).area / ground.area
            for people, ground in zip(areas["population"], areas.geometry, strict=True)
        )
        for shape in drawn.geometry
    ]
    assert residents(drawn, areas).tolist() == pytest.approx(by_hand)
    assert by_hand[0] == pytest.approx((0.5 * 800 + 0.5 * 400) * drawn["area"].iloc[0] / 1e6)


def test_an_unknown_population_is_not_taken_for_none() -> None:
    areas = town([800.0, np.nan])
    shapes = gpd.GeoSeries([shapely.box(0, 0, 500, 1000), shapely.box(900, 0, 1100, 1000)], crs=27700)
    found = residents(shapes, areas)
    assert found[0] == pytest.approx(400)
    assert np.isnan(found[1])


def test_a_shape_that_only_touches_an_area_or_is_empty_holds_nobody_of_it() -> None:
    areas = town([800.0, np.nan])
    shapes = gpd.GeoSeries([shapely.box(500, 0, 1000, 1000), shapely.Polygon()], crs=27700)
    assert residents(shapes, areas).tolist() == pytest.approx([400, 0])


def test_areas_without_population_and_mixed_systems_are_refused() -> None:
    areas = town([1.0])
    with pytest.raises(GeographyError, match="have no population"):
        residents(areas, areas[["geometry"]])
    with pytest.raises(GeographyError, match="shapes"):
        residents(areas.to_crs(4326), areas)
    with pytest.raises(GeographyError, match="areas"):
        residents(areas, areas.to_crs(3857))
