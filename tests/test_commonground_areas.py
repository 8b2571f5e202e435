"""Areas are read, repaired and put in metres; records find theirs; lattices and rings cut the land without overlap."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from commonground.areas import check_same_crs, grid, place, read_areas, rings
from commonground.errors import GeographyError, RecordsError
from commonground.formats import read_police_uk
from commonground.records import Records
from commonground.systems import same_crs

GRID = "EPSG:27700"
BOWTIE = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])


def squares(*codes: str, size: float = 1000.0, x: float = 530_000.0, y: float = 180_000.0) -> gpd.GeoDataFrame:
    """A row of squares from west to east."""
    shapes = [shapely.box(x + i * size, y, x + (i + 1) * size, y + size) for i in range(len(codes))]
    return gpd.GeoDataFrame({"code": codes, "people": range(len(codes))}, geometry=shapes, crs=GRID)


def rows(crs: str | None = GRID, **columns: object) -> Records:
    frame = pd.DataFrame(columns)
    if "area" in frame:
        frame["area"] = frame["area"].astype("str")
    return Records("contacts", frame, pd.DataFrame(columns=["source", "area", "start", "end"]), crs=crs)


# reading


def test_areas_are_indexed_by_code_with_name_and_population() -> None:
    areas = read_areas(squares("A", "B"), code="code", population="people")
    assert areas.index.tolist() == ["A", "B"]
    assert areas.index.name == "area"
    assert areas[["name", "population"]].to_numpy().tolist() == [["A", 0.0], ["B", 1.0]]
    assert read_areas(squares("A"), code="code")["population"].isna().all()


def test_numbers_kept_as_decimals_are_codes_without_them() -> None:
    given_ = squares("A", "B").assign(code=[101.0, 102.0])
    assert read_areas(given_, code="code").index.tolist() == ["101", "102"]
    assert given_["code"].tolist() == [101.0, 102.0]  # the caller's table is as it was


def test_a_shape_that_crosses_itself_is_repaired_and_said() -> None:
    areas = read_areas(gpd.GeoDataFrame({"code": ["A"]}, geometry=[BOWTIE], crs=GRID), code="code")
    assert areas.geometry.is_valid.all()
    assert areas.area.sum() == pytest.approx(5000)  # two triangles of a quarter each of 100 x 100
    assert areas.attrs["notes"] == ("1 of 1 area shapes crossed themselves and were repaired.",)


@pytest.mark.parametrize(("crs", "expected"), [("EPSG:4326", GRID), ("EPSG:3857", GRID), (GRID, GRID)])
def test_degrees_and_web_mercator_become_metres_that_are_metres(crs: str, expected: str) -> None:
    areas = read_areas(squares("A").to_crs(crs), code="code")
    assert areas.crs == expected
    assert areas.area.sum() == pytest.approx(1e6, rel=1e-3)  # Web Mercator would say 2.6e6


def test_areas_elsewhere_are_put_in_utm() -> None:
    paris = gpd.GeoDataFrame({"code": ["P"]}, geometry=[shapely.box(2.3, 48.8, 2.4, 48.9)], crs=4326)
    assert read_areas(paris, code="code").crs == "EPSG:32631"


def test_every_problem_of_an_areas_file_is_listed_at_once() -> None:
    with pytest.raises(RecordsError, match="areas file does not fit") as caught:
        read_areas(squares("A"), code="kode", name="label", population="persons")
    assert caught.value.problems["column"].tolist() == ["kode", "label", "persons"]
    broken = squares("A", "A", "C", "D", "E").assign(people=["4", "secret", "-1", None, "3"])
    broken.loc[2, "code"] = None
    broken.loc[3, "geometry"] = None
    broken.loc[4, "geometry"] = shapely.Point(0, 0)
    with pytest.raises(RecordsError) as caught:
        read_areas(broken, code="code", population="people")
    found = set(caught.value.problems[["row", "column", "rule"]].itertuples(index=False, name=None))
    assert found == {
        (1, "code", "is repeated"),
        (2, "code", "is repeated"),
        (3, "code", "is missing"),
        (4, "geometry", "is empty"),
        (5, "geometry", "is not a polygon"),
        (2, "people", "is not a number"),
        (3, "people", "is below 0"),
    }
    assert "secret" not in str(caught.value)


def test_areas_without_a_system_or_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GeographyError, match="`areas` has no coordinate reference system"):
        read_areas(gpd.GeoDataFrame({"code": ["A"]}, geometry=[shapely.box(0, 0, 1, 1)]), code="code")
    with pytest.raises(RecordsError, match=r"none\.gpkg: must exist"):
        read_areas(tmp_path / "none.gpkg", code="code")
    (tmp_path / "bad.geojson").write_text("{}")
    with pytest.raises(RecordsError, match="file of areas that can be read") as caught:
        read_areas(tmp_path / "bad.geojson", code="code")
    assert caught.value.__context__ is None
    with pytest.raises(RecordsError, match="has no rows"):
        read_areas(squares("A").iloc[:0], code="code")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("file", "code", "number", "repaired"),
    [
        ("lsoa_liverpool.geojson", "LSOA11CD", 298, 1),
        ("msoa_liverpool.geojson", "MSOA11CD", 61, 1),
        ("lsoa_redbridge.geojson", "LSOA11CD", 161, 0),
        ("london_boroughs.shp", "GSS_CODE", 33, 0),
    ],
)
def test_the_open_boundaries_are_read_in_full(
    real_data: Path, file: str, code: str, number: int, repaired: int
) -> None:
    areas = read_areas(real_data / "boundaries" / file, code=code)
    assert len(areas) == number  # SOURCES.md: 298, 61, 161, 33
    assert areas.crs == GRID
    assert areas.geometry.is_valid.all()
    assert areas.attrs["notes"] == (
        (f"1 of {number} area shapes crossed themselves and were repaired.",) if repaired else ()
    )


# systems


@pytest.mark.real_data
def test_the_boroughs_prj_without_a_number_is_the_national_grid(real_data: Path) -> None:
    own = gpd.read_file(real_data / "boundaries" / "london_boroughs.shp").crs
    assert own.to_epsg() is None
    assert not own.equals(CRS(GRID))  # its scale factor is rounded: PROJ alone calls them different
    assert same_crs(own, CRS(GRID))
    check_same_crs(gpd.GeoSeries([], crs=own), gpd.GeoSeries([], crs=GRID), names=("areas", "records"))


def test_a_system_of_that_name_with_another_origin_is_not_the_same() -> None:
    moved = CRS(CRS(GRID).to_wkt().replace('"False easting",400000', '"False easting",400050').replace("27700", "1"))
    assert moved.name == CRS(GRID).name
    assert not same_crs(moved, CRS(GRID))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(4326, "OGC:CRS84", True), (27700, 27700, True), (4326, 27700, False), (4326, 4277, False), (32630, 32631, False)],
)
def test_systems_are_compared_by_what_they_do(one: object, other: object, same: bool) -> None:
    assert same_crs(CRS.from_user_input(one), CRS.from_user_input(other)) is same


def test_a_mismatch_names_both_layers_and_both_systems() -> None:
    message = "`areas` is in EPSG:27700 but `records` is in EPSG:4326; call `records.to_crs"
    with pytest.raises(GeographyError, match=message):
        place(rows(crs="EPSG:4326", x=[-0.1], y=[51.5]), squares("A").set_index("code"))
    with pytest.raises(GeographyError, match="`records` has no coordinate reference system"):
        place(rows(crs=None, x=[530_500.0], y=[180_500.0]), squares("A").set_index("code"))


# placing


def test_a_published_code_wins_over_the_point_and_a_point_serves_where_there_is_none() -> None:
    areas = read_areas(squares("A", "B"), code="code")
    records = rows(
        area=["A", None, None, "Z", None], x=[531_500.0, 531_500.0, 530_500.0, 530_500.0, np.nan], y=[180_500.0] * 5
    )
    home = place(records, areas)
    assert home.fillna("none").tolist() == ["A", "B", "A", "none", "none"]
    assert home.name == "area"


def test_a_point_on_a_shared_boundary_goes_to_the_first_code_in_any_order() -> None:
    areas = read_areas(squares("B", "A", "C"), code="code")
    on_the_edge = rows(x=[531_000.0, 532_000.0, 530_500.0], y=[180_500.0] * 3)
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        assert place(on_the_edge, areas.iloc[order]).tolist() == ["A", "A", "B"]


def test_an_index_of_any_kind_is_kept() -> None:
    areas = read_areas(squares("A"), code="code")
    records = rows(x=[530_500.0, 530_500.0], y=[180_500.0] * 2)
    records.frame.index = pd.Index(["r", "r"])
    assert place(records, areas).index.tolist() == ["r", "r"]


def test_points_mostly_in_the_sea_or_swapped_are_refused_with_the_reason() -> None:
    areas = read_areas(squares("A"), code="code")
    with pytest.raises(GeographyError, match="in the sea, or another town"):
        place(rows(x=[700_000.0, 530_500.0, 1.0], y=[100_000.0, 180_500.0, 1.0]), areas)
    with pytest.raises(GeographyError, match="x and y swapped"):
        place(rows(x=[180_500.0] * 3, y=[530_500.0] * 3), areas)
    one_lost = place(rows(x=[530_500.0, 700_000.0], y=[180_500.0, 1.0]), areas)
    assert one_lost.isna().tolist() == [False, True]


def test_a_stray_point_does_not_refuse_a_file_of_coded_rows_but_a_wrong_system_does() -> None:
    areas = read_areas(squares("A"), code="code")
    coded: list[str | None] = ["A"] * 9
    stray = rows(area=[*coded, None], x=[530_500.0] * 9 + [1.0], y=[180_500.0] * 9 + [1.0])
    assert place(stray, areas).isna().sum() == 1
    wrong = rows(area=[*coded, None], x=[400_500.0] * 10, y=[180_500.0] * 10)
    with pytest.raises(GeographyError, match="most points"):
        place(wrong, areas)


def test_codes_of_another_kind_or_areas_listed_twice_are_refused() -> None:
    areas = read_areas(squares("A", "B"), code="code")
    with pytest.raises(GeographyError, match="none of them is a code of `areas`"):
        place(rows(area=["Redbridge", "Newham"]), areas)
    with pytest.raises(GeographyError, match="more than once"):
        place(rows(area=["A"]), areas.iloc[[0, 0, 1]])


@pytest.mark.real_data
def test_points_agree_with_the_published_code_for_as_many_rows_as_sources_says(real_data: Path) -> None:
    areas = read_areas(real_data / "boundaries" / "lsoa_liverpool.geojson", code="LSOA11CD")
    records = read_police_uk(real_data / "policeuk_liverpool").to_crs(GRID)
    published = records.frame["area"]
    located = records.frame["x"].notna()
    bare = Records("incidents", records.frame.drop(columns="area"), records.coverage, crs=records.crs)
    drawn = place(bare, areas)
    assert (drawn[located] == published[located]).mean() == pytest.approx(0.955, abs=0.0005)  # SOURCES.md: 95.5 %
    pd.testing.assert_series_equal(place(records, areas), published.rename("area"))


# lattices


@pytest.mark.parametrize("shape", ["square", "hexagon"])
@settings(max_examples=15, deadline=None)
@given(x=st.floats(-5000, 5000), y=st.floats(-5000, 5000), size=st.floats(50, 700))
def test_a_grid_covers_areas_without_gap_or_overlap(shape: str, x: float, y: float, size: float) -> None:
    areas = squares("A", "B", x=x, y=y)
    cells = grid(areas, size, shape=shape)
    whole = cells.geometry.union_all()
    assert whole.area == pytest.approx(cells.area.sum(), rel=1e-7)  # no overlap
    assert areas.geometry.union_all().difference(whole).area == pytest.approx(0, abs=1e-2)  # no gap
    assert cells.intersects(areas.geometry.union_all()).all()
    expected = size**2 if shape == "square" else size**2 * 3**0.5 / 2  # regular hexagon of that width
    assert cells.area.to_numpy() == pytest.approx(expected, rel=1e-6)
    assert cells.index.is_unique


@pytest.mark.parametrize("shape", ["square", "hexagon"])
def test_one_cell_has_one_code_whatever_the_areas(shape: str) -> None:
    east, both = grid(squares("A", x=1000.0), 300, shape=shape), grid(squares("A", "B", x=0.0), 300, shape=shape)
    shared = east.index.intersection(both.index)
    assert len(shared) > 9
    assert shapely.equals_exact(east.loc[shared].geometry, both.loc[shared].geometry, 0).all()


def test_cells_that_only_touch_are_left_out() -> None:
    assert sorted(grid(squares("A", x=0.0, y=0.0), 500).index) == ["S0_0", "S0_1", "S1_0", "S1_1"]


def test_what_makes_no_grid_is_refused() -> None:
    for size, shape in ((0, "square"), (np.nan, "square"), (np.inf, "square"), (10, "circle")):
        with pytest.raises(GeographyError, match="'square' or 'hexagon'"):
            grid(squares("A"), size, shape=shape)
    with pytest.raises(GeographyError, match="`areas` is in EPSG:4326; needed is one in metres"):
        grid(squares("A").to_crs(4326), 100)
    with pytest.raises(GeographyError, match="larger size"):
        grid(squares("A"), 0.1)


# rings


def test_rings_around_a_square_have_the_area_of_geometry() -> None:
    made = rings(squares("A").set_index("code"), [100, 300])
    # a square's buffer: its area, four strips and four quarter circles
    buffers = [4 * 1000 * r + np.pi * r**2 for r in (100, 300)]
    assert made["area"].tolist() == pytest.approx([buffers[0], buffers[1] - buffers[0]], rel=1e-3)
    assert made[["target", "ring", "outer"]].to_numpy().tolist() == [["A", 1, 100.0], ["A", 2, 300.0]]
    assert made.crs == GRID


def _overlap(shapes: gpd.GeoSeries) -> float:
    parts = list(shapes)
    return float(sum(a.intersection(b).area for i, a in enumerate(parts) for b in parts[i + 1 :]))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=5, unique=True))
def test_rings_of_several_targets_tile_the_buffer_without_overlap(corners: list[tuple[int, int]]) -> None:
    shapes = [shapely.box(50 * i, 50 * j, 50 * i + 50, 50 * j + 50) for i, j in corners]
    target = gpd.GeoSeries(shapes, crs=GRID)
    made = rings(target, [100, 250])
    assert _overlap(made.geometry) == pytest.approx(0, abs=1e-3)
    everything = target.union_all()
    assert made.intersection(everything).area.sum() == pytest.approx(0, abs=1e-3)
    outside = everything.buffer(250).difference(everything)
    assert made["area"].sum() == pytest.approx(outside.area, rel=0.01)
    assert made.area.tolist() == pytest.approx(made["area"].tolist())


def test_a_place_belongs_to_the_nearest_target() -> None:
    target = gpd.GeoSeries([shapely.box(0, 0, 100, 100), shapely.box(400, 0, 500, 100)], index=["W", "E"], crs=GRID)
    made = rings(target, [300]).set_index("target").geometry
    west, east = shapely.box(101, 0, 248, 100), shapely.box(252, 0, 399, 100)  # the middle lies at 250
    assert west.difference(made["W"]).area == pytest.approx(0, abs=1)
    assert east.difference(made["E"]).area == pytest.approx(0, abs=1)


def test_a_target_in_the_hole_of_another_has_what_is_left_which_is_nothing() -> None:
    hole = shapely.box(0, 0, 300, 300).difference(shapely.box(100, 100, 200, 200))
    target = gpd.GeoSeries([hole, shapely.box(100, 100, 200, 200)], crs=GRID)
    assert rings(target, [50])["area"].tolist() == pytest.approx([4 * 300 * 50 + np.pi * 50**2, 0], rel=1e-2, abs=1e-6)


def test_rings_stay_on_the_land_and_off_excluded_areas() -> None:
    target, comparison = squares("A"), squares("C", x=531_000.0)
    land = squares("L", size=3000.0, x=529_500.0)
    made = rings(target, [200, 600], within=land, exclude=comparison)
    assert made.intersection(comparison.union_all()).area.sum() == pytest.approx(0, abs=1e-6)
    assert made.difference(land.union_all()).area.sum() == pytest.approx(0, abs=1e-6)
    assert (made["area"] > 0).all()
    assert made.geom_type.isin(["Polygon", "MultiPolygon"]).all()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=4, unique=True), st.integers(0))
def test_every_place_of_a_ring_lies_at_its_distance_from_its_own_and_nearest_target(
    corners: list[tuple[int, int]], seed: int
) -> None:
    target = gpd.GeoSeries([shapely.box(90 * i, 90 * j, 90 * i + 60, 90 * j + 60) for i, j in corners], crs=GRID)
    edges = [0, 80, 200]
    made = rings(target, edges[1:])
    for point in shapely.points(np.random.default_rng(seed).uniform(-150, 1300, (60, 2))):
        away = target.distance(point)
        inside = made[made.contains(point)]
        if 0 < away.min() < 199:
            assert len(inside) == 1 or np.abs(np.array(edges) - away.min()).min() < 1
        if len(inside) == 1:
            own = away[inside["target"].iloc[0]]
            number = int(inside["ring"].iloc[0])
            assert edges[number - 1] - 0.5 <= own <= edges[number] + 0.5
            assert own <= away.min() + 10.1  # a twentieth of the largest width, as the docstring says
        assert len(inside) <= 1


def test_rings_are_cut_to_the_land_and_to_the_window() -> None:
    target = squares("A")
    land = squares("L", size=3000.0, x=529_500.0, y=179_500.0)
    window = gpd.GeoSeries([shapely.box(530_000, 180_000, 532_000, 182_000)], crs=GRID)
    both = land.intersection(window.union_all())
    made = rings(target, [200, 400], within=both)
    expected = [200 * 1000 * 2 + np.pi * 200**2 / 4, 200 * 1000 * 2 + np.pi * (400**2 - 200**2) / 4]
    assert made["area"].tolist() == pytest.approx(expected, rel=1e-3)  # two sides and one corner of the square
    assert made.difference(window.union_all()).area.sum() == pytest.approx(0, abs=1e-6)


def test_a_comparison_area_inside_a_ring_is_cut_out_of_it() -> None:
    target = squares("A")
    comparison = gpd.GeoSeries([shapely.box(531_100, 180_100, 531_200, 180_300)], crs=GRID)
    whole, cut = (rings(target, [150, 500], exclude=area) for area in (None, comparison))
    assert (whole["area"] - cut["area"]).tolist() == pytest.approx([50 * 200, 50 * 200])
    assert cut.intersection(comparison.union_all()).area.sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.real_data
@pytest.mark.parametrize("on_land", [True, False])
def test_no_ring_takes_ground_from_a_target_or_a_comparison_area_on_real_boundaries(
    real_data: Path, on_land: bool
) -> None:
    areas = read_areas(real_data / "boundaries" / "lsoa_liverpool.geojson", code="LSOA11CD")
    target = areas.iloc[::6]  # with land, cut one after the other, GEOS 3.14 left four hectares of targets in rings
    comparison = areas.drop(target.index).iloc[::9]
    made = rings(target, [200, 500], within=areas if on_land else None, exclude=comparison)
    taken = shapely.union_all([target.union_all(), comparison.union_all()])
    assert made.intersection(taken).area.sum() < 0.01
    ground = shapely.union_all(shapely.buffer(target.geometry.to_numpy(), 500, quad_segs=64))
    ground = ground.intersection(areas.union_all()) if on_land else ground
    assert made["area"].sum() == pytest.approx(ground.difference(taken).area, rel=1e-6)
    assert made.geometry.is_valid.all()


@pytest.mark.parametrize("widths", [[], [0], [-1, 5], [300, 100], [100, 100], [np.nan], [np.inf]])
def test_widths_that_do_not_increase_are_refused(widths: list[float]) -> None:
    with pytest.raises(GeographyError, match="increasing from above 0"):
        rings(squares("A"), widths)


def test_rings_need_one_system_in_metres() -> None:
    with pytest.raises(GeographyError, match="`target` is in EPSG:4326"):
        rings(squares("A").to_crs(4326), [100])
    with pytest.raises(GeographyError, match="`target` is in EPSG:27700 but `exclude` is in EPSG:4326"):
        rings(squares("A"), [100], exclude=squares("B").to_crs(4326))
