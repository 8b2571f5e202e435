"""Bad input for every function about displacement: a clear refusal, or a limit that the result states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from commonground.aoristic import aoristic
from commonground.areas import rings
from commonground.errors import GeographyError, RecordsError
from evaluation.kinds import displacement_kinds
from mapping.bandwidths import likelihood_bandwidth
from mapping.change import area_change, pattern_similarity
from mapping.distances import service_distance_shift
from mapping.sequences import change_classes
from mapping.shifts import centre_shift
from mapping.surfaces import displacement_surface

#: A town of two parts, one of them with a hole.
PARTS = shapely.union(
    shapely.box(0, 0, 1000, 1000).difference(shapely.box(400, 400, 500, 500)), shapely.box(2000, 0, 2500, 500)
)
CODES = pd.Index([f"a{i}" for i in range(25)], dtype="str")
CELLS = [shapely.box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(5) for c in range(5)]
AREAS = gpd.GeoDataFrame(geometry=CELLS, index=CODES, crs=27700)
SQUARE = gpd.GeoSeries([shapely.box(450, 450, 550, 550)], crs=27700)
SERVICE = gpd.GeoSeries.from_xy([0], [0], crs=27700)


def points(x: Any, y: Any, crs: int | None = 27700) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(np.asarray(x, dtype=float), np.asarray(y, dtype=float), crs=crs)


def cloud(n: int, seed: int = 1) -> gpd.GeoSeries:
    return points(*np.random.default_rng(seed).uniform(0, 1000, (2, n)))


def surface(before: Any, after: Any, **options: Any) -> Any:
    return displacement_surface(before, after, PARTS, cell=100, permutations=19, **options)


def centre(before: Any, after: Any, **options: Any) -> Any:
    return centre_shift(before, after, permutations=19, **options)


def distance(before: Any, after: Any, **options: Any) -> Any:
    return service_distance_shift(before, after, SERVICE, permutations=19, **options)


OF_POINTS = [surface, centre, distance]
NOTHING, ONE, PILE = cloud(0), cloud(1), points([5] * 9, [5] * 9)


@pytest.mark.parametrize("measure", OF_POINTS)
@pytest.mark.parametrize(
    ("before", "after", "error", "said"),
    [
        (NOTHING, cloud(20), RecordsError, "`before`: at least 2 events.* are needed, none found"),
        (cloud(20), NOTHING, RecordsError, "`after`: at least 2 events.* are needed, none found"),
        (NOTHING, NOTHING, RecordsError, "(?s)`before`: at least 2 .*`after`: at least 2 "),
        (ONE, cloud(20), RecordsError, "`before`: at least 2 events.* are needed, one found"),
        (cloud(20), ONE, RecordsError, "`after`: at least 2 events.* are needed, one found"),
        (PILE, PILE, RecordsError, "more than one place is needed, all events are at one"),
        (cloud(20), cloud(20).to_crs(3857), GeographyError, "EPSG:27700 but `after` is in EPSG:3857"),
        (cloud(20), cloud(20).set_crs(None, allow_override=True), GeographyError, "`after` has no coordinate system"),
        (cloud(20).to_crs(4326), cloud(20).to_crs(4326), GeographyError, "`before` is in EPSG:4326, which is in degr"),
        (cloud(20), SQUARE, GeographyError, "`after` holds Polygon; points are needed"),
        (None, cloud(20), GeographyError, "`before` is a NoneType"),
        (points([np.nan] * 3, [1, 2, 3]), cloud(20), RecordsError, "`before`: at least 2 events.* needed, none found"),
    ],
)
def test_events_that_cannot_be_compared_are_refused(
    measure: Callable[..., Any], before: Any, after: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        measure(before, after)


@pytest.mark.parametrize("measure", OF_POINTS)
def test_relabellings_below_none_are_refused(measure: Callable[..., Any]) -> None:
    owner = {surface: displacement_surface, centre: centre_shift, distance: service_distance_shift}[measure]
    more = {displacement_surface: (PARTS,), service_distance_shift: (SERVICE,)}.get(owner, ())
    with pytest.raises(RecordsError, match="permutations: a number from 0 up is needed"):
        owner(cloud(20), cloud(20, 2), *more, permutations=-1)  # type: ignore[operator]


@pytest.mark.parametrize("measure", OF_POINTS)
def test_events_without_a_place_are_left_out_and_said(measure: Callable[..., Any]) -> None:
    lost = pd.concat([cloud(20), gpd.GeoSeries([None, None], crs=27700)], ignore_index=True)
    found = measure(lost, cloud(20, 2))
    assert "2 events of `before` without a place were left out." in found.summary()


@pytest.mark.parametrize("measure", OF_POINTS)
def test_snapped_and_few_events_are_said(measure: Callable[..., Any]) -> None:
    snapped = points([100, 500, 900] * 4, [100, 900, 250] * 4)
    told = measure(snapped, snapped.iloc[::-1]).summary()
    assert "24 events lie on 3 places: they were snapped" in told
    assert "fewer than 20 events" in told


@pytest.mark.parametrize("measure", [centre, distance])
def test_without_relabellings_nothing_is_said_about_chance(measure: Callable[..., Any]) -> None:
    owner = centre_shift if measure is centre else service_distance_shift
    more = () if measure is centre else (SERVICE,)
    told = owner(cloud(20), cloud(20, 2), *more, permutations=0).summary()
    assert "No relabellings were asked for, so nothing is said about chance." in told
    assert "nan" not in told
    assert "chance alone" not in told


def test_events_in_a_hole_or_between_the_parts_of_a_window_are_left_out_and_said() -> None:
    inside = pd.concat([cloud(40), points([2100, 2200, 2300], [100, 200, 300])], ignore_index=True)
    inside = inside[shapely.intersects(PARTS, inside.array)]
    stray = points([450, 1500, 2600, -1], [450, 250, 100, 5])
    found = surface(pd.concat([inside, stray]), cloud(30, 2)[lambda s: shapely.intersects(PARTS, s.array)])
    assert "4 events of `before` outside the window were left out." in found.summary()
    assert found.n_before == len(inside)
    for density in (found.density_before, found.density_after):
        assert np.nansum(density) * found.cell**2 == pytest.approx(1)
    assert np.isfinite(found.log_ratio[shapely.contains_xy(PARTS, found.x, found.y)]).all()
    assert np.isnan(found.log_ratio[~shapely.intersects_xy(PARTS, found.x, found.y)]).all()


def test_events_all_outside_the_window_are_refused() -> None:
    with pytest.raises(RecordsError, match="`after`: at least 2 events inside the window are needed, none found"):
        surface(cloud(20), cloud(20).translate(1e6))


@pytest.mark.parametrize(
    "services",
    [
        points([-2.9], [53.4], 4326),
        points([0], [0], 3857),
        points([0], [0], None),
    ],
)
def test_services_in_another_system_than_the_events_are_refused(services: gpd.GeoSeries) -> None:
    with pytest.raises(GeographyError, match="services"):
        service_distance_shift(cloud(20), cloud(20, 2), services, permutations=0)


@pytest.mark.parametrize("system", [4326, 27700])
def test_services_in_a_system_are_refused_when_events_have_none(system: int) -> None:
    bare = cloud(20).set_crs(None, allow_override=True)
    with pytest.raises(GeographyError, match=r"services` is in EPSG:4326|events` has no coordinate reference system"):
        service_distance_shift(bare, bare, points([1], [1], system), permutations=0)


@pytest.mark.parametrize("services", [[None], [shapely.Point()], [shapely.Point(0, 0), shapely.Point()], [PARTS], []])
def test_services_without_a_place_are_refused(services: list[Any]) -> None:
    with pytest.raises(RecordsError, match="services: must be one service or more, as points"):
        service_distance_shift(cloud(20), cloud(20, 2), gpd.GeoSeries(services, crs=27700), permutations=0)


# ---- counts of areas


NONE = pd.Series(0, index=CODES)
LONE, HEAP, MANY = NONE.copy(), NONE.copy(), pd.Series(range(25), index=CODES)
LONE.iloc[3], HEAP.iloc[3] = 1, 50


@pytest.mark.parametrize(("before", "after"), [(NONE, MANY), (MANY, NONE), (NONE, NONE), (NONE[:0], NONE[:0])])
def test_patterns_of_a_period_without_events_are_not_compared(before: Any, after: Any) -> None:
    with pytest.raises(RecordsError, match="at least one event each is needed"):
        pattern_similarity(before, after)


def test_one_event_and_one_heap_are_compared_with_their_limits_stated() -> None:
    for before, after in ((LONE, LONE), (HEAP, HEAP), (LONE, HEAP)):
        assert "a high value is not evidence that nothing moved" in pattern_similarity(before, after).summary()
        assert "An area that is not listed may have changed" in area_change(before, after, AREAS).summary()
        classed = change_classes(pd.concat([before, after, after], axis=1, keys=["x", "y", "z"]), AREAS)
        assert "never high is not never there" in classed.summary()


def test_areas_without_events_in_a_period_have_exact_limits_and_no_invented_ratio() -> None:
    both, rose = area_change(NONE, NONE, AREAS).table, area_change(NONE, MANY, AREAS).table
    assert both["ratio"].isna().all()
    assert (both["p"] == 1).all()
    assert (rose["ratio"].iloc[1:] == np.inf).all()
    assert (rose["high"] == np.inf).all()
    assert (rose["low"].iloc[1:] > 0).all()


def test_areas_that_nobody_observed_are_missing_and_not_unchanged() -> None:
    for before in (NONE * np.nan, NONE[:0]):
        found = area_change(before, MANY, AREAS)
        assert found.table[["ratio", "p"]].isna().all(axis=None)
        assert "25 areas were not observed in both periods; they are missing, not unchanged." in found.summary()


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x", "x", "y"], "each period needs a name of its own"),
        (["p", "trend", "class"], "each period needs a name of its own, none of course, trend"),
        ([1, "1", "y"], "each period needs a name of its own"),
        (["x", "y"], "at least three periods"),
        (list(range(51)), "at most 50 periods can be told apart from chance"),
    ],
)
def test_periods_that_cannot_be_told_apart_are_refused(names: list[Any], said: str) -> None:
    counts = pd.concat([MANY] * len(names), axis=1)
    counts.columns = pd.Index(names)
    with pytest.raises(RecordsError, match=said):
        change_classes(counts, AREAS)


def over_three(before: Any, after: Any, areas: Any) -> Any:
    return change_classes(pd.concat([before, after, after], axis=1, keys=["x", "y", "z"]), areas)


@pytest.mark.parametrize("compare", [area_change, over_three])
def test_codes_of_another_map_are_refused(compare: Callable[..., Any]) -> None:
    with pytest.raises(GeographyError, match="1 codes that `areas` does not have"):
        compare(MANY.rename({"a0": "b0"}), MANY.rename({"a0": "b0"}), AREAS)


# ---- rings


def test_rings_in_a_town_of_parts_with_holes_lie_in_it_and_outside_it_there_are_none() -> None:
    window = gpd.GeoSeries([PARTS], crs=27700)
    drawn = rings(SQUARE, [100, 300], within=window)
    assert (shapely.area(shapely.difference(drawn.geometry.array, PARTS)) < 1e-6).all()
    assert (drawn["area"] > 0).all()
    assert (rings(SQUARE.translate(1e5), [100, 300], within=window)["area"] == 0).all()
    assert rings(SQUARE[:0], [100]).empty


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        (SQUARE.to_crs(4326), {}, "`target` is in EPSG:4326; needed is one in metres"),
        (SQUARE, {"within": AREAS.to_crs(3857)}, "`target` is in EPSG:27700 but `within` is in EPSG:3857"),
        (SQUARE, {"exclude": AREAS.to_crs(3857)}, "`target` is in EPSG:27700 but `exclude` is in EPSG:3857"),
        (SQUARE.set_crs(None, allow_override=True), {}, "`target` has no coordinate reference system"),
    ],
)
def test_rings_of_mixed_systems_are_refused(target: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(GeographyError, match=said):
        rings(target, [100], **options)


# ---- time


def moments(*texts: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601")


@pytest.mark.parametrize(
    ("start", "end", "zone", "said"),
    [
        (moments(), None, "Europe/London", "start: holds no moment"),
        (moments(None, None), moments("2024-01-01", None), "Europe/London", "start: holds no moment"),
        (moments("2024-01-01"), moments("2024-01-02").dt.tz_localize("UTC"), "Europe/London", "must both carry a zone"),
        (moments("2024-01-01").dt.tz_localize("UTC"), moments("2024-01-02"), "Europe/London", "must both carry a zone"),
        (moments("2024-01-01"), None, "Mars/Olympus", "timezone: must be a name such as Europe/London"),
        (moments("2024-01-01"), None, "../etc", "timezone: must be a name such as Europe/London"),
    ],
)
def test_moments_that_cannot_be_spread_are_refused(start: Any, end: Any, zone: str, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        aoristic(start, end, timezone=zone)


def test_one_moment_is_spread_over_one_hour() -> None:
    frame = aoristic(moments("2024-01-01 05:30")).to_frame()
    assert frame.loc[frame["expected"] > 0, ["expected", "variance"]].to_dict() == {
        "expected": {"05": 1},
        "variance": {"05": 1},
    }


# ---- kinds


def kinds(*rows: tuple[str, str, str, Any, Any]) -> Any:
    counts = pd.DataFrame(list(rows), columns=["dimension", "level", "source", "before", "after"])
    return displacement_kinds(counts, {"setting": "street"})


def test_kinds_of_empty_periods_name_no_gain() -> None:
    for before, after in ((0, 5), (0, 0)):
        found = kinds(("setting", "street", "o", before, after), ("setting", "indoor", "o", 0, 0))
        assert "did not fall" in found.summary()
        assert (found.table["could_hold_high"] == 0).all()
    gone = kinds(("setting", "street", "o", 9, 0), ("setting", "indoor", "o", 4, 0))
    assert "They could be in: no level that is counted." in gone.summary()
    assert "chance can do" in kinds(("setting", "street", "o", 1, 0)).summary()


@pytest.mark.parametrize("before", [np.inf, np.nan, -1, "five", None])
def test_counts_of_kinds_that_are_none_are_refused(before: Any) -> None:
    with pytest.raises(RecordsError, match="row 1, before, after: counts of 0 or more are needed"):
        kinds(("setting", "street", "o", before, 1))


def test_kinds_without_rows_are_refused() -> None:
    with pytest.raises(RecordsError, match="names a dimension and level that the counts do not have"):
        kinds()


def test_snapped_places_weigh_by_their_events_when_the_bandwidth_is_chosen() -> None:
    # a tight clump of places recorded once each, and a wide scatter recorded once or forty times each
    rng = np.random.default_rng(8)
    tight, wide = rng.normal(0, 10, (2, 60)), rng.normal(5_000, 800, (2, 60))
    places = np.concatenate([tight, wide], axis=1)
    once, often = (points(*np.repeat(places, np.repeat([1, times], 60), axis=1)) for times in (1, 40))
    assert likelihood_bandwidth(often) > 2 * likelihood_bandwidth(once)
    everyone = points(*np.repeat(places, 3, axis=1))
    assert likelihood_bandwidth(everyone) == pytest.approx(likelihood_bandwidth(once), rel=0.05)
