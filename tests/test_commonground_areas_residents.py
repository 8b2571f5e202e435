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


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0.2, 5), st.floats(0.05, 0.95))
def test_moving_and_stretching_the_map_changes_nobody_and_two_halves_are_the_whole(
    east: float, north: float, scale: float, cut: float
) -> None:
    areas = town([800.0, 400.0, 100.0])
    whole = shapely.box(300, 200, 2700, 700)
    parts = [shapely.box(300, 200, 300 + 2400 * cut, 700), shapely.box(300 + 2400 * cut, 200, 2700, 700)]
    shapes = gpd.GeoSeries([whole, *parts], crs=27700)
    found = residents(shapes, areas)
    assert found[0] == pytest.approx((0.7 * 800 + 400 + 0.7 * 100) * 0.5)
    assert found[1] + found[2] == pytest.approx(found[0])
    moved = [thing.scale(scale, scale, origin=(0, 0)).translate(east, north) for thing in (shapes, areas.geometry)]
    again = residents(moved[0], areas.set_geometry(moved[1]))
    assert again.tolist() == pytest.approx(found.tolist())


def test_the_index_and_order_of_shapes_and_areas_do_not_matter() -> None:
    areas = town([800.0, 400.0, 100.0])
    shapes = gpd.GeoDataFrame(
        geometry=[shapely.box(0, 0, 500, 500), shapely.box(1500, 0, 2500, 1000)], index=["b", "a"], crs=27700
    )
    one, other = residents(shapes, areas), residents(shapes.iloc[::-1], areas.iloc[[2, 0, 1]])
    assert list(one.index) == ["b", "a"]
    assert one.tolist() == pytest.approx([200, 250])
    assert other[["b", "a"]].tolist() == pytest.approx(one.tolist())
