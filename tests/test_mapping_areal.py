from __future__ import annotations

import os
import pickle
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.errors import GeographyError, RecordsError
from mapping.areal import move_counts

CRS = "EPSG:27700"
DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))


def strips(edges: list[float], codes: str, height: float = 100) -> gpd.GeoSeries:
    """Areas side by side from edge to edge."""
    boxes = [shapely.box(a, 0, b, height) for a, b in pairwise(edges)]
    return gpd.GeoSeries(boxes, index=[*codes], crs=CRS)


# Sources A, B, C from 0 to 100 to 200 to 400 m; targets x, y, z from 0 to 150 to 200 to 400 m.
SOURCE, TARGET = strips([0, 100, 200, 400], "ABC"), strips([0, 150, 200, 400], "xyz")
COUNTS = pd.Series({"A": 10.0, "B": 40.0, "C": 7.0})


def test_counts_are_spread_evenly_over_the_ground_by_hand() -> None:
    table = move_counts(COUNTS, SOURCE, TARGET).table
    assert table["value"].tolist() == [10 + 20, 20, 7]
    assert table["least"].tolist() == [10, 0, 7]  # everybody of B may be in y, or in x
    assert table["most"].tolist() == [50, 40, 7]
    assert table["sources"].tolist() == [2, 1, 1]
    assert table["estimated"].tolist() == [True, True, False]
    assert table["assumption"].tolist()[1:] == [
        "people are spread evenly over the ground of their area",
        "whole areas were added up",
    ]


def test_a_suppressed_count_is_an_interval_and_not_none() -> None:
    counts = pd.DataFrame({"value": [10, np.nan, 7], "low": [10, 1, 5], "high": [10, 9, 9]}, index=[*"ABC"])
    moved = move_counts(counts, SOURCE, TARGET)
    np.testing.assert_array_equal(moved.table["value"], [np.nan, np.nan, 7])
    assert moved.table["low"].tolist() == [10.5, 0.5, 5]
    assert moved.table["high"].tolist() == [14.5, 4.5, 9]
    assert moved.table["least"].tolist() == [10, 0, 5]
    assert moved.table["most"].tolist() == [19, 9, 9]
    assert "2 areas hold a count that was given only within bounds" in moved.summary()


def test_an_unknown_count_stays_unknown_wherever_it_reaches() -> None:
    for counts in (COUNTS.drop("B"), COUNTS.where(COUNTS != 40)):
        moved = move_counts(counts, SOURCE, TARGET)
        for name in ("value", "low", "high", "most"):
            np.testing.assert_array_equal(moved.table[name], [np.nan, np.nan, 7])
        assert moved.table["least"].tolist() == [10, 0, 7]
        assert moved.unknown == 1
        assert "Nobody knows anything of 1 of the areas counted in; 2 areas are unknown" in moved.summary()


def test_rates_are_averaged_over_the_ground_of_the_target_by_hand() -> None:
    rates = pd.Series({"A": 0.3, "B": 0.6, "C": 0.1})
    moved = move_counts(rates, SOURCE, TARGET, rate=True)
    np.testing.assert_allclose(moved.table["value"], [(0.3 * 100 + 0.6 * 50) / 150, 0.6, 0.1])
    assert moved.table["estimated"].tolist() == [True, True, False]
    assert "most" not in moved.table
    assert "every part of an area has the area's rate" in moved.summary()


def test_addresses_say_where_in_an_area_people_are() -> None:
    points = gpd.GeoSeries.from_xy([120, 160, 170, 180, 50], [50] * 5, crs=CRS)
    moved = move_counts(COUNTS, SOURCE, TARGET, weight=points)
    assert moved.table["value"].tolist() == [10 + 10, 30, 7]  # C has no address and is spread over its ground
    assert "in 1 areas without any, people are spread evenly" in moved.assumption
    weights = gpd.GeoDataFrame({"weight": [6, 1, 1, 0, 5]}, geometry=points)
    assert move_counts(COUNTS, SOURCE, TARGET, weight=weights).table["value"].tolist() == [10 + 30, 10, 7]
    one_side = move_counts(COUNTS, SOURCE, TARGET, weight=points.iloc[1:])
    assert one_side.table["value"].tolist() == [10, 40, 7]
    assert one_side.table["most"].tolist() == [50, 40, 7]  # that nobody lives elsewhere is taken for granted, not known
    assert one_side.table["estimated"].tolist() == [True, True, False]


def test_an_unknown_count_does_not_reach_where_no_address_is() -> None:
    points = gpd.GeoSeries.from_xy([160, 50], [50, 50], crs=CRS)
    moved = move_counts(COUNTS.drop("B"), SOURCE, TARGET, weight=points).table
    np.testing.assert_array_equal(moved["value"], [10, np.nan, 7])
    np.testing.assert_array_equal(moved["most"], [np.nan, np.nan, 7])


def test_people_outside_all_targets_are_counted_apart() -> None:
    moved = move_counts(COUNTS, SOURCE, strips([0, 150], "x"))
    assert moved.table["value"].tolist() == [30]
    assert moved.outside.tolist() == [27, 27, 27]
    assert "27 to 27 people are in none of the areas asked for" in moved.summary()
    unknown = move_counts(COUNTS.drop("C"), SOURCE, strips([0, 150], "x"))
    assert "An unknown number of people are in none of the areas" in unknown.summary()


edges = st.lists(st.integers(1, 99), min_size=1, max_size=6, unique=True).map(sorted)


@settings(max_examples=50, deadline=None)
@given(old=edges, new=edges, data=st.data(), last=st.integers(60, 100))
def test_nobody_is_lost_or_made_up_and_the_truth_lies_between_least_and_most(
    old: list[int], new: list[int], data: st.DataObject, last: int
) -> None:
    codes = "ABCDEFGHIJ"
    source = strips([0, *old, 100], codes[: len(old) + 1])
    inner = [edge for edge in new if edge < last]
    target = strips([0, *inner, last], codes[: len(inner) + 1])
    # People stand somewhere: what counts are made of, and what the truth in the targets is.
    where = data.draw(hnp.arrays(float, 40, elements=st.floats(0.01, 99.99)))
    who = np.searchsorted([0, *old, 100], where) - 1
    counts = pd.Series(np.bincount(who, minlength=len(source)).astype(float), index=source.index)
    table, outside = (moved := move_counts(counts, source, target)).table, moved.outside
    assert table["value"].sum() + outside["value"] == pytest.approx(40)
    truth = np.bincount(np.searchsorted([0, *inner, last, 101], where) - 1, minlength=len(target) + 1)[: len(target)]
    assert (table["least"] <= truth + 1e-9).all()
    assert (truth <= table["most"] + 1e-9).all()
    assert (table["value"][~table["estimated"]] == truth[~table["estimated"].to_numpy()]).all()
    low, high = counts - counts.clip(upper=2), counts + 3
    wide = move_counts(pd.DataFrame({"value": counts, "low": low, "high": high}), source, target)
    for name, given_ in (("low", low), ("high", high)):
        assert wide.table[name].sum() + wide.outside[name] == pytest.approx(given_.sum())
    same = move_counts(pd.Series(0.25, index=source.index), source, target, rate=True)
    np.testing.assert_allclose(same.table["value"], 0.25)


def squares(side: float, count: int) -> gpd.GeoDataFrame:
    corners = [(i * side, j * side) for i in range(count) for j in range(count)]
    return gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + side, y + side) for x, y in corners], crs=CRS)


def test_values_agree_with_an_overlay_and_the_formula_of_areal_weighting() -> None:
    # Another implementation: geopandas.overlay, then count x shared / source ground (tobler's extensive and intensive).
    source, target = squares(100, 7), squares(140, 5)
    counts = pd.Series(np.random.default_rng(5).integers(0, 30, len(source)).astype(float))
    both = gpd.overlay(
        source.assign(s=source.index, ground=source.area), target.assign(t=target.index), keep_geom_type=True
    )
    both["n"] = counts.to_numpy()[both["s"]] * both.area / both["ground"]
    both["r"] = counts.to_numpy()[both["s"]] * both.area
    moved = move_counts(counts, source, target)
    np.testing.assert_allclose(moved.table["value"], both.groupby("t")["n"].sum())
    mean = both.groupby("t")["r"].sum() / both.assign(a=both.area).groupby("t")["a"].sum()
    np.testing.assert_allclose(move_counts(counts, source, target, rate=True).table["value"], mean)


@pytest.mark.real_data
def test_every_lsoa_of_liverpool_lies_in_one_msoa_and_its_people_with_it() -> None:
    if not DATA.exists():
        pytest.skip("the open data is not here")
    shapes = [gpd.read_file(DATA / "boundaries" / f"{kind}_liverpool.geojson").to_crs(CRS) for kind in ("lsoa", "msoa")]
    lsoa, msoa = (shape.set_index(code) for shape, code in zip(shapes, ("LSOA11CD", "MSOA11CD"), strict=True))
    people = pd.read_csv(DATA / "deprivation" / "population2019_lsoa11.csv", index_col="lsoa11_code").squeeze(axis=1)
    people = people.reindex(lsoa.index).astype(float)
    with pytest.raises(GeographyError, match="of `source` are not valid polygons"):
        move_counts(people, lsoa, msoa)
    lsoa, msoa = (shape.set_geometry(shape.make_valid()) for shape in (lsoa, msoa))
    moved = move_counts(people, lsoa, msoa)
    assert moved.table["value"].sum() == pytest.approx(people.sum())
    assert not moved.table["estimated"].any()
    assert moved.table["sources"].sum() == len(lsoa)
    # The name of an LSOA is that of its MSOA and a letter: the published nesting.
    named = people.groupby(lsoa["LSOA11NM"].str[:-1]).sum()
    np.testing.assert_allclose(moved.table["value"], named.reindex(msoa["MSOA11NM"]))


def test_two_systems_or_degrees_are_refused() -> None:
    with pytest.raises(GeographyError, match="`source` is in EPSG:27700 but `target` is in EPSG:3035"):
        move_counts(COUNTS, SOURCE, TARGET.set_crs(3035, allow_override=True))
    with pytest.raises(GeographyError, match="`target` is in EPSG:4326; needed is one in metres"):
        move_counts(COUNTS, SOURCE, TARGET.set_crs(4326, allow_override=True))
    points = gpd.GeoSeries.from_xy([10], [10], crs=3035)
    with pytest.raises(GeographyError, match="`weight` is in EPSG:3035"):
        move_counts(COUNTS, SOURCE, TARGET, weight=points)


def test_areas_that_overlap_are_refused_on_either_side() -> None:
    twice = gpd.GeoSeries([shapely.box(0, 0, 250, 100), shapely.box(200, 0, 400, 100)], index=["A", "B"], crs=CRS)
    with pytest.raises(GeographyError, match="rows 1, 2 of `source` overlap"):
        move_counts(COUNTS[:2], twice, TARGET)
    with pytest.raises(GeographyError, match="rows 1, 2 of `target` overlap"):
        move_counts(COUNTS, SOURCE, twice)


def test_a_target_outside_the_sources_is_refused_as_nobody_counted_there() -> None:
    with pytest.raises(GeographyError, match="rows 2 of `target` lie outside the sources, at least in part"):
        move_counts(COUNTS, SOURCE, strips([0, 300, 500], "xy"))


def test_strips_left_by_drawing_are_not_ground() -> None:
    drawn = strips([0.05, 150, 200, 400.5], "xyz")
    table = move_counts(COUNTS, SOURCE, drawn).table
    assert table["value"].sum() == pytest.approx(57)
    shifted = strips([0, 99.95, 400], "vw")
    assert move_counts(COUNTS, SOURCE, shifted).table["value"].tolist() == [10, 47]


def test_shapes_that_cannot_be_used_are_refused_by_row() -> None:
    with pytest.raises(GeographyError, match="rows 2 of `source` are no polygons"):
        move_counts(COUNTS, gpd.GeoSeries([SOURCE.iloc[0], shapely.Point(0, 0)], crs=CRS), TARGET)
    bow = gpd.GeoSeries([shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 60)])], index=["A"], crs=CRS)
    with pytest.raises(GeographyError, match=r"rows 1 of `source` are not valid polygons; call source.make_valid\(\)"):
        move_counts(COUNTS[:1], bow, TARGET)
    with pytest.raises(GeographyError, match="`source` has a code twice"):
        move_counts(COUNTS, SOURCE.set_axis([*"AAC"]), TARGET)
    with pytest.raises(GeographyError, match="`target` has no shapes"):
        move_counts(COUNTS, SOURCE, COUNTS)


def test_counts_without_a_shape_are_refused_as_the_people_would_be_lost() -> None:
    with pytest.raises(GeographyError, match="1 codes of `counts` have no shape"):
        move_counts(COUNTS.rename({"A": "Q"}), SOURCE, TARGET)


@pytest.mark.parametrize("weight", [-1, np.nan])
def test_weights_that_are_no_numbers_from_0_up_are_refused(weight: float) -> None:
    points = gpd.GeoDataFrame({"weight": [weight]}, geometry=gpd.GeoSeries.from_xy([10], [10], crs=CRS))
    with pytest.raises(RecordsError, match="points, each with a number from 0 up, are needed"):
        move_counts(COUNTS, SOURCE, TARGET, weight=points)


def test_numbers_and_bounds_that_cannot_be_are_refused_by_row() -> None:
    counts = pd.DataFrame(
        {"value": [-1, 5, 2], "low": [np.nan, 6, np.nan], "high": [np.nan, 9, np.nan]}, index=[*"AAC"]
    )
    with pytest.raises(RecordsError) as raised:
        move_counts(counts, SOURCE, TARGET)
    assert raised.value.problems["row"].dropna().tolist() == [1, 2]
    assert "one row a code is needed" in str(raised.value)
    with pytest.raises(RecordsError, match="columns value, low and high are needed"):
        move_counts(counts[["value"]], SOURCE, TARGET)


def test_one_way_of_moving_is_asked_for() -> None:
    with pytest.raises(GeographyError, match="`source` and `target` shapes, or a `lookup`, are needed"):
        move_counts(COUNTS, SOURCE)
    with pytest.raises(GeographyError, match="and not both"):
        move_counts(COUNTS, SOURCE, TARGET, lookup=pd.DataFrame())


def test_moved_counts_print_no_number_and_are_not_pickled() -> None:
    moved = move_counts(COUNTS, SOURCE, TARGET)
    assert repr(moved) == "MovedCounts(...; call .summary())"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(moved)
    assert moved.to_frame().equals(moved.table)
