from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.errors import GeographyError, RecordsError
from mapping.access import service_access, slot_access, straight_line_cost
from mapping.hours import BANK_HOLIDAYS, SLOTS, open_share, slot_supply

CODES = ["A", "B", "C"]
# methods.md, section 4: population 100 50 10, supply 15 20 100, costs self 1, 1-3, 2-3, 3-1, 3-2 40, 1-2 80.
DEMAND = pd.Series([100, 50, 10], CODES)
SUPPLY = pd.Series([15, 20, 100], ["x", "y", "z"])
COST = pd.DataFrame([[1, 80, 40], [80, 1, 40], [40, 40, 1]], index=CODES, columns=["x", "y", "z"])
STEPS = {10: 1, 30: 0.68, 60: 0.22}  # Luo and Qi (2009), the faster decay


def test_two_step_access_gives_the_hand_worked_values() -> None:
    result = service_access(DEMAND, SUPPLY, COST, reach=30)
    np.testing.assert_allclose(result.access, [0.15, 0.4, 10])
    assert list(result.access.index) == CODES
    assert not result.unreached.any()


def test_enhanced_two_step_access_gives_the_reference_values() -> None:
    result = service_access(DEMAND, SUPPLY, COST, reach=60, decay=STEPS)
    np.testing.assert_allclose(result.access, [0.658399, 0.894770, 2.442162], atol=5e-7)


def test_enhanced_access_agrees_with_a_bare_loop_over_people_and_services() -> None:
    rng = np.random.default_rng(3)
    demand = pd.Series(rng.integers(0, 40, 25).astype(float))
    supply = pd.Series(rng.integers(0, 20, 6).astype(float))
    cost = pd.DataFrame(rng.uniform(0, 80, (25, 6)))

    def weight(c: float) -> float:
        return next((w for limit, w in STEPS.items() if c <= limit), 0.0) if c <= 60 else 0.0

    expected = np.zeros(25)
    for j in range(6):
        reaching = sum(demand[i] * weight(cost.loc[i, j]) for i in range(25))
        for i in range(25):
            expected[i] += supply[j] / reaching * weight(cost.loc[i, j]) if reaching else 0
    np.testing.assert_allclose(service_access(demand, supply, cost, reach=60, decay=STEPS).access, expected)


def test_limits_are_inclusive_and_reach_cuts_the_decay_short() -> None:
    people, places = pd.Series([10] * 4), pd.Series([6])
    cost = pd.DataFrame([10.0, 10.5, 20, 20.5])
    step = service_access(people, places, cost, reach=20, decay=STEPS).access
    np.testing.assert_allclose(step, 6 / (10 * (1 + 0.68 + 0.68)) * np.array([1, 0.68, 0.68, 0]))


@settings(max_examples=60, deadline=None)
@given(
    demand=hnp.arrays(float, 7, elements=st.integers(0, 50).map(float)),
    supply=hnp.arrays(float, 4, elements=st.integers(0, 50).map(float)),
    cost=hnp.arrays(float, (7, 4), elements=st.one_of(st.just(np.nan), st.floats(0, 100))),
)
def test_access_hands_out_exactly_the_supply_that_someone_in_need_can_reach(
    demand: np.ndarray, supply: np.ndarray, cost: np.ndarray
) -> None:
    result = service_access(pd.Series(demand), pd.Series(supply), pd.DataFrame(cost), reach=60, decay=STEPS)
    reachable = ((np.nan_to_num(cost, nan=np.inf) <= 60) & (demand > 0)[:, None]).any(axis=0)
    np.testing.assert_allclose((result.access * demand).sum(), supply[reachable].sum(), atol=1e-9)
    assert set(result.unused) == set(np.flatnonzero(~reachable))


@settings(max_examples=40, deadline=None)
@given(cost=hnp.arrays(float, (6, 3), elements=st.floats(0, 100)), which=st.integers(0, 2))
def test_more_places_never_mean_less_access(cost: np.ndarray, which: int) -> None:
    demand, supply, costs = pd.Series(np.arange(1.0, 7)), pd.Series([5.0, 0, 2]), pd.DataFrame(cost)
    more = supply.copy()
    more[which] += 3
    low, high = (service_access(demand, s, costs, reach=50).access for s in (supply, more))
    assert (high >= low - 1e-12).all()


def test_an_area_without_a_way_to_any_service_has_access_nought_and_a_flag() -> None:
    cost = COST.astype(float)
    cost.loc["B"] = np.nan
    result = service_access(DEMAND, SUPPLY, cost, reach=30)
    assert result.access["B"] == 0
    assert result.unreached.to_dict() == {"A": False, "B": True, "C": False}
    assert result.unused == ("y",)
    assert np.isnan(result.ratio["y"])
    assert "1 services have no one in need within reach" in result.summary()
    assert "A" not in repr(result).replace("ServiceAccess", "")


def test_a_closed_service_reaches_nobody() -> None:
    result = service_access(DEMAND, pd.Series([0, 20, 100], ["x", "y", "z"]), COST, reach=30)
    assert result.unreached.to_dict() == {"A": True, "B": False, "C": False}


def test_unknown_need_is_left_out_and_said() -> None:
    demand = DEMAND.astype("Int64")
    demand["A"] = pd.NA
    result = service_access(demand, SUPPLY, COST, reach=60)
    assert result.access.notna().all()
    assert "Need is unknown in 1 areas" in result.summary()


def test_a_transposed_cost_matrix_is_refused_by_name() -> None:
    with pytest.raises(GeographyError, match=r"`cost` is transposed.*pass cost.T"):
        service_access(DEMAND, SUPPLY, COST.T, reach=30)


def test_a_cost_matrix_of_other_areas_is_refused() -> None:
    with pytest.raises(GeographyError, match="do not match the 3 areas of `demand`"):
        service_access(DEMAND, SUPPLY, COST.rename(index={"A": "Q"}), reach=30)


def test_every_negative_amount_is_listed_in_one_error() -> None:
    with pytest.raises(RecordsError, match="from 0 up") as caught:
        service_access(DEMAND * [1, -1, 1], SUPPLY * [-1, 1, np.nan], COST, reach=30)
    assert list(zip(caught.value.problems["row"], caught.value.problems["column"], strict=True)) == [
        (2, "`demand`"),
        (1, "`supply`"),
        (3, "`supply`"),
    ]


def test_a_reach_of_nothing_and_negative_costs_are_refused() -> None:
    with pytest.raises(RecordsError, match=r"(?s)`reach`.*`decay`.*`cost`"):
        service_access(DEMAND, SUPPLY, -COST, reach=0, decay={10: -1})


def test_a_time_blind_map_hides_that_an_area_has_nothing_at_night() -> None:
    services = pd.DataFrame(
        {"opening_hours": ["Mo-Su 08:00-20:00", "24/7"], "capacity": [100, 10]}, index=["clinic", "van"]
    )
    cost = pd.DataFrame([[50.0, 5], [5, 50]], index=["A", "B"], columns=services.index)
    people = pd.Series([20, 20], ["A", "B"])
    blind = service_access(people, services["capacity"], cost, reach=30)
    timed = slot_access(people, slot_supply(services), cost, reach=30)
    assert blind.access.idxmax() == "B"
    assert timed.access.loc["B"].to_dict() == {"day": 5.0, "night": 0.0}
    assert timed.unreached.loc["B", "night"]
    assert not timed.unreached.loc["A"].any()
    assert timed.to_frame()["unreached"].sum() == 1
    assert "night: 1 of 2 areas have no open service" in timed.summary()


def test_slots_of_demand_must_be_those_of_supply() -> None:
    people = pd.DataFrame({"day": [1, 2, 3]}, index=CODES)
    supply = pd.DataFrame({"night": [1, 2, 3]}, index=["x", "y", "z"])
    with pytest.raises(RecordsError, match="the slots of `supply` are needed"):
        slot_access(people, supply, COST, reach=30)


def _town() -> gpd.GeoDataFrame:
    boxes = [shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)]
    town = gpd.GeoDataFrame({"code": ["A", "B"]}, geometry=boxes, crs=27700).set_index("code")
    town["people_at"] = gpd.GeoSeries.from_xy([0, 2000], [0, 1000], index=town.index, crs=27700)
    return town


def test_straight_lines_are_measured_from_inside_the_area_or_from_the_given_centres() -> None:
    services = gpd.GeoSeries.from_xy([500, 1500], [500, 500], index=["x", "y"], crs=27700)
    np.testing.assert_allclose(straight_line_cost(_town(), services), [[0, 1000], [1000, 0]])
    from_people = straight_line_cost(_town(), services, centres="people_at")
    np.testing.assert_allclose(from_people.loc["A"], [np.hypot(500, 500), np.hypot(1500, 500)])


def test_a_service_outside_the_map_is_refused_by_row_unless_it_is_meant() -> None:
    services = gpd.GeoSeries.from_xy([500, 9500], [500, 500], index=["x", "y"], crs=27700)
    with pytest.raises(GeographyError, match="rows 2 of `services` lie outside the map"):
        straight_line_cost(_town(), services)
    assert straight_line_cost(_town(), services, outside="keep").loc["A", "y"] == 9000


def test_distances_in_degrees_or_between_two_systems_are_refused() -> None:
    services = gpd.GeoSeries.from_xy([500], [500], index=["x"], crs=27700)
    with pytest.raises(GeographyError, match="`services` is in degrees"):
        straight_line_cost(_town(), services.to_crs(4326))
    with pytest.raises(GeographyError, match="`areas` is in EPSG:27700 but `services` is in EPSG:3857"):
        straight_line_cost(_town(), services.to_crs(3857))


def test_a_service_without_a_place_is_reached_by_nobody() -> None:
    services = gpd.GeoSeries([shapely.Point(500, 500), None], index=["x", "online"], crs=27700)
    assert straight_line_cost(_town(), services)["online"].isna().all()


@pytest.mark.parametrize(
    ("hours", "day", "night"),
    [
        # worked by hand: the day slot has 7 x 12 h a week, the night slot 7 x 12 h
        ("Mo-Fr 09:00-17:00; PH off", 5 * 8 / 84, 0),
        ("24/7", 1, 1),
        ("Mo-Su 20:00-08:00", 0, 1),
        ("Fr-Sa 22:00-02:00", 0, 8 / 84),
        ("Mo 18:00-22:00", 2 / 84, 2 / 84),
        ("week 2-52/2 Mo 10:00-12:00", 1 / 84, 0),
        ("off", 0, 0),
        ("Mo-Fr 09:00-17:00 unknown", 0, 0),
    ],
)
def test_the_share_of_each_slot_that_a_service_is_open_is_the_hand_worked_one(
    hours: str, day: float, night: float
) -> None:
    share = open_share(pd.Series([hours]))
    np.testing.assert_allclose(share.loc[0], [day, night])


@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 1439), length=st.integers(1, 1439))
def test_day_and_night_shares_add_up_to_the_hours_open(start: int, length: int) -> None:
    end = (start + length) % 1440
    text = f"Mo-Su {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    share = open_share(pd.Series([text])).loc[0]
    assert (share * 720).sum() == pytest.approx(length)


def test_bank_holidays_close_what_is_closed_on_bank_holidays() -> None:
    hours = pd.Series(["Mo-Su 10:00-12:00; PH off", "Mo-Su 10:00-12:00", "PH 10:00-12:00"])
    holidays, ordinary = open_share(hours, days=BANK_HOLIDAYS)["day"], open_share(hours)["day"]
    np.testing.assert_allclose(holidays, [0, 1 / 6, 1 / 6])
    np.testing.assert_allclose(ordinary, [1 / 6, 1 / 6, 0])


def test_places_by_slot_are_capacity_times_open_share_times_eligible_share() -> None:
    services = pd.DataFrame(
        {"hours": ["Mo-Su 08:00-14:00", "24/7"], "places": [10, 4], "women": [0.5, 1]}, index=["a", "b"]
    )
    supply = slot_supply(services, SLOTS, hours="hours", capacity="places", eligible="women")
    assert supply.to_dict("index") == {"a": {"day": 2.5, "night": 0.0}, "b": {"day": 4.0, "night": 4.0}}


IMPOSSIBLE = ["Mo-Fr 09:00-17:00", "nine to five", None, "Mo 99:00-10:00", "Mo 09:00-09:00", "Feb 30 10:00-12:00", ""]


def test_every_row_with_impossible_opening_hours_is_listed_and_none_is_quoted() -> None:
    services = pd.DataFrame({"opening_hours": IMPOSSIBLE, "capacity": [1, 1, 1, 1, 1, 1, -3]})
    with pytest.raises(RecordsError, match="row 2, opening_hours: opening hours in OpenStreetMap syntax") as caught:
        slot_supply(services)
    assert caught.value.problems["row"].tolist() == [2, 3, 4, 5, 6, 7, 7]
    assert not any(text in str(caught.value) for text in ("nine to five", "99:00", "Feb 30", "-3"))


def test_a_slot_that_does_not_occur_is_refused() -> None:
    with pytest.raises(RecordsError, match="slot holiday: it must occur on the days in question"):
        open_share(pd.Series(["24/7"]), {"holiday": "PH 00:00-24:00"})
    assert open_share(pd.Series(["24/7"]), {"x": "We 10:00-11:00"}, days=[date(2025, 6, 4)]).loc[0, "x"] == 1


def test_missing_columns_of_services_are_named() -> None:
    with pytest.raises(RecordsError, match=r"(?s)opening_hours: a column of this name.*capacity: a column"):
        slot_supply(pd.DataFrame({"name": ["x"]}))
