from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from commonground.errors import GeographyError, RecordsError
from mapping.access import slot_access
from mapping.gaps import service_gap
from mapping.hours import slot_supply

ACCESS = pd.DataFrame({"day": [0.5, 0.02, 0.5], "night": [0.0, 0.02, 0.5]}, index=["A", "B", "C"])


def test_the_list_of_gaps_is_the_hand_worked_one() -> None:
    gaps = service_gap(pd.Series([40, 100, 7], ["A", "B", "C"]), ACCESS, least=0.05)
    rows = gaps.to_frame()
    assert rows[["area", "slot", "people", "access", "reason"]].to_numpy().tolist() == [
        ["B", "day", 100, 0.02, "below 5 places per 100 people"],
        ["B", "night", 100, 0.02, "below 5 places per 100 people"],
        ["A", "night", 40, 0.0, "no service open within reach"],
    ]
    # 100 people x (0.05 - 0.02), twice, and 40 x 0.05
    np.testing.assert_allclose(rows["places_short"], [3, 3, 2])
    assert (rows["kind"] == "service").all()
    # Garwood (1936): chi-squared(0.025, 200) / 2 and chi-squared(0.975, 202) / 2
    line = "B, day, service: 100 people in need (95 % interval 81.4 to 122), below 5 places per 100 people."
    assert line in gaps.summary()
    assert "100" not in repr(gaps)


def test_missing_need_is_unknown_and_never_nought() -> None:
    gaps = service_gap(pd.Series([40.0, np.nan], ["A", "B"]), ACCESS.assign(day=0.0, night=0.0), least=0.05)
    rows = gaps.to_frame()
    assert rows["area"].tolist() == ["A", "A", "B", "C", "B", "C"]
    assert rows.loc[rows["area"] != "A", "people"].isna().all()
    assert gaps.unknown_need == 4
    assert "Unknown is not none" in gaps.summary()


def test_nobody_in_need_is_no_gap() -> None:
    assert service_gap(pd.Series([0, 0, 0], ["A", "B", "C"]), ACCESS, least=0.05).to_frame().empty


def test_need_may_differ_by_slot() -> None:
    need = pd.DataFrame({"night": [10, 1, 1], "day": [0, 0, 0]}, index=["A", "B", "C"])
    expected = [["A", "night", 10.0], ["B", "night", 1.0]]
    by_area_and_slot = pd.Series({(a, s): need.loc[a, s] for a in need.index for s in need.columns})
    columns = ["area", "slot", "people"]
    assert service_gap(need, ACCESS, least=0.05).to_frame()[columns].to_numpy().tolist() == expected
    assert service_gap(by_area_and_slot, ACCESS, least=0.05).to_frame()[columns].to_numpy().tolist() == expected


def test_published_need_carries_its_bounds_and_blocks() -> None:
    published = pd.DataFrame(
        {
            "areas": [("A",), ("B", "C")],
            "value": [np.nan, 20.0],
            "low": [0.0, 18.0],
            "high": [9.0, 22.0],
        }
    )
    rows = service_gap(published, ACCESS[["night"]], least=0.05).to_frame().set_index("slot").reset_index()
    block, area = rows.iloc[0], rows.iloc[1]
    # only B of the block falls short, and nobody published how many of the 20 are in B: 0 to 22
    assert (block["area"], block["people_low"], block["people_high"]) == (("B", "C"), 0, 22)
    assert np.isnan(block["people"])
    assert block["access"] == pytest.approx((0.02 + 0.5) / 2)
    assert block["reason"] == "below 5 places per 100 people in 1 of 2 areas"
    assert (area["area"], area["people_low"], area["people_high"]) == ("A", 0, 9)
    assert np.isnan(area["people"])


def test_a_hidden_count_is_sorted_by_the_middle_of_its_bounds() -> None:
    published = pd.DataFrame({"value": [2, np.nan, 6], "low": [2, 0, 6], "high": [2, 9, 6]}, index=["A", "B", "C"])
    rows = service_gap(published, ACCESS[["day"]] * 0, least=0.05).to_frame()
    assert rows["area"].tolist() == ["C", "B", "A"]


def test_published_need_indexed_by_area_gives_the_same_list_as_the_exact_one() -> None:
    need = pd.Series([40.0, 100.0, 7.0], pd.Index(["A", "B", "C"], name="area"))
    published = pd.DataFrame({"value": need, "low": need, "high": need})
    exact, shown = (service_gap(n, ACCESS, least=0.05).to_frame() for n in (need, published))
    pd.testing.assert_frame_equal(exact, shown)


def test_each_kind_of_service_has_its_own_line_and_threshold() -> None:
    need = pd.Series([40, 1, 1], ["A", "B", "C"])
    access = {"clinic": ACCESS["day"], "refuge": ACCESS["night"]}
    rows = service_gap(need, access, least={"clinic": 0.01, "refuge": 0.05}).to_frame()
    assert rows[["area", "slot", "kind"]].to_numpy().tolist() == [
        ["A", "any time", "refuge"],
        ["B", "any time", "refuge"],
    ]


def test_unknown_provision_is_counted_and_is_not_a_gap() -> None:
    access = ACCESS.copy()
    access.loc["A", "night"] = np.nan
    gaps = service_gap(pd.Series([40, 1, 1], ["A", "B", "C"]), access, least=0.05)
    assert "A" not in set(gaps.to_frame()["area"])
    assert gaps.unknown_provision == 1
    assert "provision is not known" in gaps.summary()


def test_a_planted_gap_at_night_comes_out_first() -> None:
    services = pd.DataFrame(
        {"opening_hours": ["24/7", "Mo-Fr 09:00-17:00; PH off", "24/7"], "capacity": 10}, index=["x", "y", "z"]
    )
    cost = pd.DataFrame(np.where(np.eye(3) > 0, 1.0, 90.0), index=list("ABC"), columns=list("xyz"))
    people = pd.Series([30, 60, 20], list("ABC"))
    access = slot_access(people, slot_supply(services), cost, reach=30).access
    first = service_gap(people, access, least=0.05).to_frame().iloc[0]
    assert (first["area"], first["slot"], first["people"]) == ("B", "night", 60)


@settings(max_examples=30, deadline=None)
@given(
    need=hnp.arrays(float, 6, elements=st.one_of(st.just(np.nan), st.integers(0, 90).map(float))),
    access=hnp.arrays(float, (6, 2), elements=st.sampled_from([0, 0.01, 0.05, 0.2])),
    least=st.sampled_from([0.02, 0.05, 0.1]),
)
def test_gaps_are_sorted_complete_and_grow_with_the_threshold(
    need: np.ndarray, access: np.ndarray, least: float
) -> None:
    people, table = pd.Series(need), pd.DataFrame(access, columns=["day", "night"])
    gaps = service_gap(people, table, least=least).to_frame()
    expected = (table < least).to_numpy() & ~(people == 0).to_numpy()[:, None]
    assert len(gaps) == expected.sum()
    known = gaps["people"].dropna()
    assert known.is_monotonic_decreasing
    assert gaps["people"].isna().to_numpy()[len(known) :].all()
    assert len(service_gap(people, table, least=least * 2).to_frame()) >= len(gaps)


def test_need_outside_the_map_of_access_is_refused() -> None:
    with pytest.raises(GeographyError, match="`need` has 1 areas for which access to service was not worked out"):
        service_gap(pd.Series([1], ["Z"]), ACCESS, least=0.05)


def test_slots_that_differ_are_refused() -> None:
    need = pd.DataFrame({"dusk": [1, 2, 3]}, index=ACCESS.index)
    with pytest.raises(GeographyError, match="the slots of `need` are not those"):
        service_gap(need, ACCESS, least=0.05)


def test_impossible_need_and_thresholds_are_listed_together() -> None:
    published = pd.DataFrame({"value": [5, -1], "low": [6, -1], "high": [9, 9]}, index=["A", "B"])
    with pytest.raises(RecordsError, match=r"(?s)row 1, `need`.*row 2, `need`.*`least` of service"):
        service_gap(published, ACCESS, least=0)
