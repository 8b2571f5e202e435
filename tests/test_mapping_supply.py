from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import RecordsError
from mapping.hours import SLOTS, open_share, slot_supply
from mapping.supply import accepted_groups, group_supply, weekly_supply

SERVICES = pd.DataFrame(
    {
        "eligibility": ["all", "women; trans and non-binary people", "women", None, "Men "],
        "languages": ["English;Romanian", "English", None, "Romanian", "english"],
        "hours": ["24/7", "Mo-Su 08:00-20:00", "24/7", "Mo-Su 20:00-08:00", "off"],
        "capacity": [10, 20, 5, 8, 30],
    },
    index=["a", "b", "c", "d", "e"],
)
GROUPS = {
    "women": {"eligibility": "women"},
    "men": {"eligibility": "men"},
    "Romanian-speaking women": {"eligibility": "women", "languages": "Romanian"},
    "anybody": {},
}


def test_who_is_accepted_is_the_hand_worked_table() -> None:
    nan = np.nan
    expected = pd.DataFrame(
        {
            "women": [1, 1, 1, nan, 0],
            "men": [1, 0, 0, nan, 1],
            # b shuts them out by language; c does not say which; d does not say for whom; e by both
            "Romanian-speaking women": [1, 0, nan, nan, 0],
            "anybody": [1.0, 1, 1, 1, 1],
        },
        index=SERVICES.index,
    )
    pd.testing.assert_frame_equal(accepted_groups(SERVICES, GROUPS), expected)


def test_a_service_that_shuts_a_group_out_by_one_column_does_so_whatever_is_unknown_of_another() -> None:
    services = pd.DataFrame({"eligibility": ["men"], "languages": [None]})
    assert accepted_groups(services, GROUPS)["Romanian-speaking women"].tolist() == [0.0]


def test_words_that_accept_everybody_may_be_named() -> None:
    services = pd.DataFrame({"eligibility": ["open door", "all"]})
    assert accepted_groups(services, {"men": {"eligibility": "men"}})["men"].tolist() == [0, 1]
    assert accepted_groups(services, {"men": {"eligibility": "men"}}, everyone=["Open door"])["men"].tolist() == [1, 0]


def test_places_by_group_and_slot_are_ranges_where_services_do_not_say() -> None:
    table = group_supply(SERVICES, GROUPS).to_frame().set_index(["group", "slot"])
    columns = ["places_low", "places_high", "services_low", "services_high"]
    expected = {
        ("women", "day"): [35, 35, 3, 3],
        ("women", "night"): [15, 23, 2, 3],
        ("men", "day"): [10, 10, 1, 1],  # e is closed for good
        ("men", "night"): [10, 18, 1, 2],
        ("Romanian-speaking women", "day"): [10, 15, 1, 2],
        ("Romanian-speaking women", "night"): [10, 23, 1, 3],
        ("anybody", "day"): [35, 35, 3, 3],
        ("anybody", "night"): [23, 23, 3, 3],
    }
    assert dict(zip(table.index, table[columns].to_numpy().tolist(), strict=True)) == expected


def test_a_group_that_no_open_service_accepts_is_named_as_a_gap() -> None:
    services = SERVICES.loc[["b", "e"]]
    found = group_supply(services, {"men": {"eligibility": "men"}, "women": {"eligibility": "women"}})
    assert found.closed == (("men", "day"), ("men", "night"), ("women", "night"))
    assert "For 3 groups and slots no open service accepts the group: that is a gap." in found.summary()


def test_a_service_that_does_not_say_leaves_the_gap_open_not_filled_and_not_certain() -> None:
    found = group_supply(SERVICES.loc[["d", "e"]], {"women": {"eligibility": "women"}})
    assert found.closed == (("women", "day"),)
    assert "women, night: 0 to 1 of 2 services, 0 to 8 places." in found.summary()
    assert "1 services do not say whom they accept: unknown" in found.summary()
    assert "8" not in repr(found)


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(st.sampled_from(["all", "women", "men; women", "men", None, "", " ; "]), min_size=1, max_size=6))
def test_certain_places_never_exceed_possible_ones_nor_these_all_places(cells: list[str | None]) -> None:
    services = pd.DataFrame({"eligibility": pd.Series(cells, dtype=object)})
    places = pd.DataFrame({"day": np.arange(1.0, len(cells) + 1)})
    found = group_supply(services, {"women": {"eligibility": "women"}}, places)
    low, high = found.low["women"]["day"], found.high["women"]["day"]
    assert (low <= high).all()
    assert (high <= places["day"]).all()
    unsaid = services["eligibility"].fillna("").str.strip(" ;").eq("").to_numpy()
    assert ((low < high).to_numpy() == unsaid).all()


def test_missing_columns_groups_and_supply_of_others_are_refused() -> None:
    with pytest.raises(RecordsError, match="faith: a column of this name is needed"):
        group_supply(SERVICES, {"x": {"faith": "any"}})
    with pytest.raises(RecordsError, match="`groups`: one group at least"):
        group_supply(SERVICES, {})
    with pytest.raises(RecordsError, match="`supply`: one row for each service"):
        group_supply(SERVICES, GROUPS, pd.DataFrame({"day": [1, 2]}, index=["a", "b"]))
    odd = pd.DataFrame({"day": [1, -1, "some", None, 2]}, index=SERVICES.index)
    with pytest.raises(RecordsError, match=r"(?s)row 2, `supply`.*row 3, `supply`.*row 4, `supply`") as caught:
        group_supply(SERVICES, GROUPS, odd)
    assert "some" not in str(caught.value)


def test_places_a_week_are_shared_out_by_hours_open_and_add_up_to_capacity() -> None:
    services = pd.DataFrame(
        {"hours": ["Mo 18:00-21:00", "24/7", "Sa 10:00-12:00", "off"], "capacity": [12, 14, 5, 9]}, index=list("abcd")
    )
    supply = weekly_supply(services)
    assert supply.loc["a"].tolist() == pytest.approx([8, 4])  # two of three hours before 20:00
    assert supply.loc["b"].tolist() == pytest.approx([7, 7])
    assert supply.loc["c"].tolist() == pytest.approx([5, 0])
    assert supply.loc["d"].tolist() == [0, 0]
    np.testing.assert_allclose(supply.sum(axis=1), [12, 14, 5, 0])


def test_places_a_week_are_capacity_times_hours_open_in_the_slot_over_hours_open_at_all() -> None:
    services = SERVICES[["hours", "capacity"]].drop(index="e")
    share = open_share(services["hours"], SLOTS)  # both slots are half of the week
    expected = share.mul(services["capacity"] / share.sum(axis=1), axis=0)
    pd.testing.assert_frame_equal(weekly_supply(services), expected)


def test_a_short_session_keeps_its_places_a_week_where_the_share_of_the_slot_would_lose_them() -> None:
    session = pd.DataFrame({"hours": ["Fr 21:00-24:00"], "capacity": [20]})
    assert weekly_supply(session).loc[0, "night"] == pytest.approx(20)
    assert slot_supply(session, hours="hours").loc[0, "night"] == pytest.approx(20 * 3 / 84)


def test_weekly_supply_refuses_what_slot_supply_refuses() -> None:
    services = pd.DataFrame({"hours": ["nine to five", "24/7"], "capacity": [1, -2]})
    with pytest.raises(RecordsError, match=r"(?s)row 1, hours.*row 2, capacity"):
        weekly_supply(services)
