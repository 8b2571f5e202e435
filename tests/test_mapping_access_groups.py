from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.errors import GeographyError, RecordsError
from mapping.access import PROVISION_ONLY, service_access
from mapping.group_access import group_access
from mapping.group_gaps import group_gap
from mapping.supply import GroupSupply, group_supply

GROUPS = {name: {"eligibility": name} for name in ("women", "men")}
SERVICES = pd.DataFrame({"eligibility": ["women", "all", None]}, index=["x", "y", "z"])
PLACES = pd.DataFrame({"day": [6, 9, 0], "night": [0, 4, 10]}, index=["x", "y", "z"])
PEOPLE = pd.DataFrame({"women": [20, 10], "men": [5, 5]}, index=["A", "B"])
COST = pd.DataFrame([[1, 9, 1], [9, 1, 9]], index=["A", "B"], columns=["x", "y", "z"])
SAID = st.sampled_from([0.0, 1.0, np.nan])


def _supply(accepts: np.ndarray, places: np.ndarray) -> GroupSupply:
    return GroupSupply(pd.DataFrame(accepts), pd.DataFrame(places))


def test_access_by_group_is_the_hand_worked_one() -> None:
    found = group_access(PEOPLE, group_supply(SERVICES, GROUPS, PLACES), COST, reach=5)
    # A reaches x (women only) and z (does not say); B reaches y (all), shared by its 15 people
    expected = {
        ("A", "women", "day"): (6 / 20, 6 / 20, False, False),
        ("A", "women", "night"): (0, 10 / 20, False, True),
        ("A", "men", "day"): (0, 0, True, False),
        ("A", "men", "night"): (0, 10 / 5, False, True),
        ("B", "women", "day"): (9 / 15, 9 / 15, False, False),
        ("B", "women", "night"): (4 / 15, 4 / 15, False, False),
        ("B", "men", "day"): (9 / 15, 9 / 15, False, False),
        ("B", "men", "night"): (4 / 15, 4 / 15, False, False),
    }
    rows = found.to_frame().set_index(["area", "group", "slot"])
    for cell, values in expected.items():
        assert tuple(rows.loc[cell]) == pytest.approx(values), cell
    assert (
        "men, night: in 0 of 2 areas no open service within reach accepts them, in 1 more none says so."
        in found.summary()
    )
    assert "20" not in repr(found)


@settings(max_examples=40, deadline=None)
@given(
    accepts=hnp.arrays(float, (2, 3), elements=SAID),
    people=hnp.arrays(float, (2, 3), elements=st.integers(0, 9).map(float)),
    near=hnp.arrays(bool, (2, 2)),
)
def test_bounds_are_the_least_and_the_most_over_every_way_to_fill_in_what_services_do_not_say(
    accepts: np.ndarray, people: np.ndarray, near: np.ndarray
) -> None:
    places, cost = np.array([[3.0], [5]]), pd.DataFrame(np.where(near, 1.0, 9.0))
    found = group_access(pd.DataFrame(people), _supply(accepts, places), cost, reach=5)
    silent, worlds = np.argwhere(np.isnan(accepts)), []
    for world in product([0.0, 1.0], repeat=len(silent)):
        filled = accepts.copy()
        filled[tuple(silent.T)] = world
        # every area and group by itself is an "area" of service_access, far from services that do not accept it
        pairs = np.where(near[:, None, :] & (filled.T[None] == 1), 1.0, np.nan).reshape(6, 2)
        worlds.append(
            service_access(pd.Series(people.ravel()), pd.Series(places[:, 0]), pd.DataFrame(pairs), reach=5).access
        )
    least, most = (of(np.array(worlds), axis=0).reshape(2, 3) for of in (np.min, np.max))
    np.testing.assert_allclose(found.low.to_numpy(), least)
    np.testing.assert_allclose(found.high.to_numpy(), most)


@settings(max_examples=40, deadline=None)
@given(
    accepts=hnp.arrays(float, (4, 2), elements=st.sampled_from([0.0, 1.0])),
    people=hnp.arrays(float, (5, 2), elements=st.integers(0, 30).map(float)),
    cost=hnp.arrays(float, (5, 4), elements=st.floats(0, 100)),
)
def test_groups_share_out_exactly_the_places_that_someone_whom_they_accept_can_reach(
    accepts: np.ndarray, people: np.ndarray, cost: np.ndarray
) -> None:
    places = np.array([[4.0, 0], [2, 8], [9, 9], [0, 1]])
    found = group_access(pd.DataFrame(people), _supply(accepts, places), pd.DataFrame(cost), reach=50)
    pd.testing.assert_frame_equal(found.low, found.high)
    reached = (((cost <= 50).T.astype(float) @ people) * accepts).sum(axis=1) > 0
    by_slot = (found.low.to_numpy().reshape(5, 2, 2) * people[:, :, None]).sum(axis=(0, 1))
    np.testing.assert_allclose(by_slot, places[reached].sum(axis=0), atol=1e-9)


def test_where_every_service_accepts_everybody_each_group_has_the_access_of_all_people() -> None:
    supply = group_supply(SERVICES.assign(eligibility="all"), GROUPS, PLACES)
    found = group_access(PEOPLE, supply, COST, reach=5, decay={1: 1, 5: 0.5})
    plain = service_access(PEOPLE.sum(axis=1), PLACES["day"], COST, reach=5, decay={1: 1, 5: 0.5})
    for group in GROUPS:
        np.testing.assert_allclose(found.low[(group, "day")], plain.access)


def test_a_group_that_nobody_counted_keeps_its_columns_and_is_said() -> None:
    supply = group_supply(SERVICES, GROUPS, PLACES)
    found = group_access(PEOPLE[["women"]], supply, COST, reach=5)
    assert set(found.groups) == {"women", "men"}
    assert found.unreached[("men", "day")].tolist() == [True, False]
    assert "Need is unknown somewhere for 1 groups" in found.summary()


def test_residents_by_group_are_marked_as_provision_only() -> None:
    supply = group_supply(SERVICES, {"residents": {}}, PLACES)
    people = pd.DataFrame({"residents": [900, 800]}, index=["A", "B"])
    with pytest.raises(RecordsError, match="residents and deprivation do not stand in"):
        group_access(people, supply, COST, reach=5)
    found = group_access(people, supply, COST, reach=5, provision_only=True)
    assert found.notes[0] == PROVISION_ONLY
    assert "places per resident" in found.summary()
    with pytest.raises(RecordsError, match="`access`: access of people in need is needed"):
        group_gap(people, found, least=0.1)


def test_unknown_groups_and_a_transposed_matrix_are_refused() -> None:
    supply = group_supply(SERVICES, GROUPS, PLACES)
    with pytest.raises(RecordsError, match="columns that are groups, or groups and slots"):
        group_access(PEOPLE.rename(columns={"men": "others"}), supply, COST, reach=5)
    with pytest.raises(GeographyError, match="`cost` is transposed"):
        group_access(PEOPLE, supply, COST.T, reach=5)
    with pytest.raises(GeographyError, match="`demand` has an area twice"):
        group_access(pd.concat([PEOPLE, PEOPLE]), supply, COST, reach=5)
    with pytest.raises(RecordsError, match="row 2, `demand`: a number from 0 up"):
        group_access(PEOPLE * [[1, 1], [1, -1]], supply, COST, reach=5)


def test_demand_may_differ_by_slot() -> None:
    supply = group_supply(SERVICES, GROUPS, PLACES)
    by_slot = pd.concat({(group, slot): PEOPLE[group] for slot in PLACES for group in GROUPS}, axis=1)
    one, other = (group_access(people, supply, COST, reach=5) for people in (PEOPLE, by_slot))
    pd.testing.assert_frame_equal(one.low, other.low)
    by_slot[("men", "night")] = 0
    assert group_access(by_slot, supply, COST, reach=5).low.loc["B", ("women", "night")] == pytest.approx(4 / 10)
