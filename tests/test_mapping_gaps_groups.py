from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from commonground.errors import RecordsError
from mapping.group_access import GroupAccess, group_access
from mapping.group_gaps import group_gap
from mapping.supply import group_supply

WHO = {
    "women": {"eligibility": "women"},
    "Romanian-speaking women": {"eligibility": "women", "languages": "Romanian"},
    "men": {"eligibility": "men"},
}
SERVICES = pd.DataFrame(
    {"eligibility": ["women", None], "languages": ["English", "English; Romanian"]}, index=["x", "z"]
)
PLACES = pd.DataFrame({"day": [6, 0], "night": [0, 10]}, index=["x", "z"])
PEOPLE = pd.DataFrame({"women": [20, 10], "Romanian-speaking women": [4, 0]}, index=["A", "B"])
COST = pd.DataFrame([[1, 1], [9, 9]], index=["A", "B"], columns=["x", "z"])


def _access() -> GroupAccess:
    return group_access(PEOPLE, group_supply(SERVICES, WHO, PLACES), COST, reach=5)


def test_the_list_of_gaps_by_group_is_the_hand_worked_one() -> None:
    found = group_gap(PEOPLE, _access(), least=0.1)
    rows = found.to_frame().set_index(["group", "area", "slot"])[["people", "certain", "reason"]]
    nobody, perhaps = (
        "no open service within reach accepts them",
        "no open service within reach says that it accepts them",
    )
    expected = {
        ("women", "B", "day"): (10, True, nobody),
        ("women", "B", "night"): (10, True, nobody),
        ("Romanian-speaking women", "A", "day"): (4, True, nobody),  # x does not speak Romanian, z is closed
        ("women", "A", "night"): (20, False, perhaps),  # z does not say for whom it is
        ("Romanian-speaking women", "A", "night"): (4, False, perhaps),
    }
    counted = rows[rows["people"].notna()]
    assert {key: tuple(row) for key, row in zip(counted.index, counted.to_numpy(), strict=True)} == expected
    assert counted.index.tolist() == list(expected)  # certain ones first, then most people


def test_a_group_that_nobody_counted_has_gaps_without_a_number() -> None:
    found = group_gap(PEOPLE, _access(), least=0.1)
    men = found.table[found.table["group"] == "men"]
    assert len(men) == 4
    assert men["people"].isna().all()
    assert men["certain"].tolist() == [True, True, True, False]
    assert found.uncounted == ("men",)
    assert (
        "men: 3 gaps for certain, 1 more unless services that do not say accept them. Nobody counted" in found.summary()
    )
    assert "10" not in repr(found)


def test_places_short_run_from_every_silent_service_open_to_none_open() -> None:
    rows = group_gap(PEOPLE, _access(), least=0.5, level=None).table.set_index(["group", "area", "slot"])
    night = rows.loc[("women", "A", "night")]
    # 10 places at z: shared among the 20 women alone they are 0.5 each, enough; kept from them, 20 x 0.5 are missing
    assert (night["access_low"], night["access_high"]) == (0, pytest.approx(0.5))
    assert (night["places_short_low"], night["places_short_high"]) == (0, 10)
    day = rows.loc[("women", "A", "day")]
    assert (day["places_short_low"], day["places_short_high"]) == (pytest.approx(4), pytest.approx(4))  # 20 x (.5 - .3)


def test_group_gaps_agree_with_the_access_they_come_from() -> None:
    access, least = _access(), 0.3
    rows = group_gap(PEOPLE.reindex(columns=list(WHO)), access, least=least).table
    listed = {(r.area, r.group, r.slot): r.certain for r in rows.itertuples()}
    for cell in access.to_frame().itertuples():
        key = (cell.area, cell.group, cell.slot)
        people = PEOPLE.get(cell.group, pd.Series(np.nan, PEOPLE.index))[cell.area]
        assert (key in listed) == (cell.access_low < least and people != 0)
        assert listed.get(key, cell.access_high < least) == (cell.access_high < least)


def test_need_of_a_group_that_access_does_not_know_is_refused() -> None:
    with pytest.raises(RecordsError, match="`need`: groups of `access` are needed"):
        group_gap(PEOPLE.rename(columns={"women": "others"}), _access(), least=0.1)
