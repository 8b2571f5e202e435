"""Residents are not people in need, and further properties of access."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.errors import GeographyError, RecordsError
from mapping.access import PROVISION_ONLY, service_access, slot_access, straight_line_cost
from mapping.gaps import service_gap
from mapping.hours import slot_supply

COST = pd.DataFrame([[1.0, 9], [9, 1], [9, 9]], index=list("ABC"), columns=["x", "y"])
PLACES = pd.Series([10, 20], ["x", "y"])
RESIDENTS = pd.Series([1000, 2000, 500], list("ABC"), name="population_2019")


@pytest.mark.parametrize(
    "name", ["population", "Residents", "imd_score", "IMD rank", "addresses", "deprivation decile"]
)
def test_residents_and_deprivation_are_refused_as_demand_by_name(name: str) -> None:
    with pytest.raises(RecordsError, match=r"`demand`: people in need are needed.*provision_only=True") as caught:
        service_access(RESIDENTS.rename(name), PLACES, COST, reach=5)
    assert name not in str(caught.value)
    with pytest.raises(RecordsError, match="residents and deprivation do not stand in"):
        slot_access(RESIDENTS.rename(name), PLACES.to_frame("night"), COST, reach=5)


@pytest.mark.parametrize("name", [None, "people", "need", "frank", "limd"])
def test_other_names_are_taken_as_need(name: str | None) -> None:
    assert not service_access(RESIDENTS.rename(name), PLACES, COST, reach=5).provision_only


def test_provision_only_is_marked_wherever_the_result_is_read() -> None:
    one = service_access(RESIDENTS, PLACES, COST, reach=5, provision_only=True)
    many = slot_access(RESIDENTS, PLACES.to_frame("night"), COST, reach=5, provision_only=True)
    for result in (one, many):
        assert result.provision_only
        assert result.notes[0] == PROVISION_ONLY
        assert "Provision only, no need data" in result.summary()
        assert "places per resident" in result.summary()
        assert "person in need" not in result.summary()
        assert "places_per_resident" in result.to_frame()
        assert "access" not in result.to_frame()


def test_access_of_residents_makes_no_list_of_people_in_need() -> None:
    found = service_access(RESIDENTS, PLACES, COST, reach=5, provision_only=True)
    for access in (found, found.access, {"clinic": found}):
        with pytest.raises(RecordsError, match=r"`access` to .*this one is provision only"):
            service_gap(pd.Series([1, 2, 3], list("ABC")), access, least=0.05)
    with pytest.raises(RecordsError, match="`need`: people in need are needed: residents and deprivation"):
        service_gap(RESIDENTS, COST["x"], least=0.05)


@settings(max_examples=40, deadline=None)
@given(cost=hnp.arrays(float, (6, 3), elements=st.floats(0, 100)), near=st.floats(1, 50), further=st.floats(0, 50))
def test_a_wider_reach_never_makes_an_area_unreached(cost: np.ndarray, near: float, further: float) -> None:
    demand, supply, costs = pd.Series(np.arange(1.0, 7)), pd.Series([5.0, 0, 2]), pd.DataFrame(cost)
    narrow, wide = (service_access(demand, supply, costs, reach=reach) for reach in (near, near + further))
    assert not (wide.unreached & ~narrow.unreached).any()
    assert set(wide.unused) <= set(narrow.unused)


@settings(max_examples=30, deadline=None)
@given(
    demand=hnp.arrays(float, (5, 3), elements=st.integers(0, 30).map(float)),
    supply=hnp.arrays(float, (4, 3), elements=st.integers(0, 30).map(float)),
    cost=hnp.arrays(float, (5, 4), elements=st.floats(0, 100)),
)
def test_every_slot_by_itself_gives_the_same_access_as_all_slots_at_once(
    demand: np.ndarray, supply: np.ndarray, cost: np.ndarray
) -> None:
    people, places, costs = pd.DataFrame(demand), pd.DataFrame(supply), pd.DataFrame(cost)
    together = slot_access(people, places, costs, reach=40)
    for slot in range(3):
        alone = service_access(people[slot], places[slot], costs, reach=40)
        np.testing.assert_allclose(together.access[slot], alone.access)
        assert (together.unreached[slot] == alone.unreached).all()


def test_the_order_of_rows_and_columns_of_the_matrix_does_not_matter() -> None:
    people = pd.Series([3, 1, 2], list("ABC"))
    plain = service_access(people, PLACES, COST, reach=9)
    turned = service_access(people, PLACES, COST.loc[list("CAB"), ["y", "x"]], reach=9)
    pd.testing.assert_series_equal(plain.access, turned.access)


def test_a_square_matrix_that_is_transposed_is_refused_too() -> None:
    with pytest.raises(GeographyError, match="`cost` is transposed"):
        service_access(pd.Series([1, 2], list("AB")), PLACES, COST.loc[["A", "B"]].T, reach=5)


def test_an_area_or_a_service_twice_in_the_matrix_is_refused() -> None:
    with pytest.raises(GeographyError, match="one each"):
        service_access(RESIDENTS.rename(None), PLACES, COST.rename(index={"C": "B"}), reach=5)


def test_negative_capacity_and_impossible_hours_are_refused_together() -> None:
    services = pd.DataFrame({"hours": ["Mo 25:00-26:00", "24/7"], "capacity": [5, -1]})
    with pytest.raises(RecordsError, match=r"(?s)row 1, hours.*row 2, capacity: a number from 0 up"):
        slot_supply(services, hours="hours")


def test_text_where_a_number_belongs_is_refused_without_being_repeated() -> None:
    with pytest.raises(RecordsError, match=r"row 2, `demand`: a number from 0 up") as caught:
        service_access(pd.Series([1, "many", 2], list("ABC"), dtype=object), PLACES, COST, reach=5)
    assert "many" not in str(caught.value)


def test_costs_measured_on_the_map_feed_access_directly() -> None:
    town = gpd.GeoDataFrame(
        geometry=gpd.GeoSeries.from_wkt(["POLYGON((0 0,0 9,9 9,9 0,0 0))", "POLYGON((9 0,9 9,18 9,18 0,9 0))"]),
        crs=27700,
    ).set_axis(["A", "B"])
    services = gpd.GeoSeries.from_xy([4.5], [4.5], index=["x"], crs=27700)
    found = service_access(
        pd.Series([5, 5], ["A", "B"]), pd.Series([2], ["x"]), straight_line_cost(town, services), reach=3
    )
    assert found.access.tolist() == [0.4, 0]
