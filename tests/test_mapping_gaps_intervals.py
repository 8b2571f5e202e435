"""How sure is a gap: intervals of people and of places short."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma, poisson

from commonground.errors import RecordsError
from mapping.access import service_access, slot_access
from mapping.gaps import service_gap
from mapping.redraws import Redraws, redraw_gaps
from mapping.shortfalls import poisson_limits

NEED = pd.Series([0, 10, 20, 50], list("ABCD"))
FAR = pd.Series(0.0, list("ABCD"))


# Garwood (1936), as in Ulm (1990), American Journal of Epidemiology 131:373, table 1
@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.390), (20, 12.217, 30.888), (100, 81.364, 121.627)],
)
def test_the_interval_of_a_count_is_the_published_one(count: int, low: float, high: float) -> None:
    np.testing.assert_allclose(poisson_limits(count, count, 0.95), (low, high), atol=5e-4)


@settings(max_examples=50, deadline=None)
@given(low=st.integers(0, 300), more=st.integers(0, 20), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_limits_leave_half_of_the_rest_on_each_side(low: int, more: int, level: float) -> None:
    lower, upper = (float(limit) for limit in poisson_limits(low, low + more, level))
    if low:
        assert poisson.sf(low - 1, lower) == pytest.approx((1 - level) / 2)
    assert poisson.cdf(low + more, upper) == pytest.approx((1 - level) / 2)


def test_people_and_places_short_carry_the_interval_of_the_count() -> None:
    rows = service_gap(NEED, FAR + 0.02, least=0.05).table.set_index("area")
    assert rows.index.tolist() == ["D", "C", "B"]  # nobody in A was counted
    np.testing.assert_allclose(
        rows.loc["B", ["interval_low", "interval_high"]].astype(float), (4.795, 18.390), atol=5e-4
    )
    np.testing.assert_allclose(
        rows.loc["B", ["places_short_low", "places_short", "places_short_high"]].astype(float),
        np.array([4.7954, 10, 18.3904]) * 0.03,
        rtol=1e-4,
    )


def test_a_published_value_has_the_interval_of_all_counts_it_stands_for() -> None:
    published = pd.DataFrame({"value": [np.nan, 10], "low": [0, 8], "high": [9, 12]}, index=["A", "B"])
    rows = service_gap(published, FAR[["A", "B"]], least=0.05).table.set_index("area")
    # chi-squared quantiles: 0.975 of 20 degrees, 0.025 of 16, 0.975 of 26, halved (any table of chi-squared)
    np.testing.assert_allclose(
        rows.loc["A", ["interval_low", "interval_high"]].astype(float), (0, 34.170 / 2), atol=1e-3
    )
    np.testing.assert_allclose(
        rows.loc["B", ["interval_low", "interval_high"]].astype(float), (6.908 / 2, 41.923 / 2), atol=1e-3
    )
    assert rows.loc["B", ["people_low", "people_high"]].tolist() == [8, 12]


def test_a_block_that_falls_short_in_part_may_lack_nothing_or_all() -> None:
    published = pd.DataFrame({"areas": [("A", "B")], "value": [20], "low": [18], "high": [22]})
    row = service_gap(published, pd.Series([0.0, 0.5], ["A", "B"]), least=0.05, level=None).table.iloc[0]
    assert np.isnan(row["places_short"])
    assert (row["places_short_low"], row["places_short_high"]) == (0, pytest.approx(22 * 0.05))


def test_need_that_is_not_a_count_is_taken_as_it_is() -> None:
    rows = service_gap(NEED, FAR, least=0.05, level=None).table
    assert (rows["interval_low"] == rows["people"]).all()
    assert "interval" not in service_gap(NEED, FAR, least=0.05, level=None).summary()
    with pytest.raises(RecordsError, match="`level`: a number between 0 and 1"):
        service_gap(NEED, FAR, least=0.05, level=95)


def test_results_of_access_are_taken_whole() -> None:
    cost = pd.DataFrame({"x": [1.0, 9, 9, 9]}, index=NEED.index)
    one = service_access(NEED, pd.Series([5], ["x"]), cost, reach=5)
    many = slot_access(NEED, pd.DataFrame({"night": [5]}, index=["x"]), cost, reach=5)
    whole, part = (service_gap(NEED, access, least=0.05).table for access in (one, one.access))
    pd.testing.assert_frame_equal(whole, part)
    assert service_gap(NEED, {"clinic": many}, least=0.05).table["slot"].eq("night").all()


SUPPLY = pd.DataFrame({"night": [1.0]}, index=["van"])
MINUTES = pd.DataFrame({"van": [5.0, 90]}, index=["A", "B"])


def test_redrawn_people_have_the_quantiles_of_a_gamma_and_nearly_garwoods() -> None:
    rows = redraw_gaps(
        pd.Series({"A": 40, "B": 10}), SUPPLY, MINUTES, reach=30, least=0.5, options=Redraws(draws=20_000)
    ).table
    found = rows.set_index("area").loc["B", ["people_low", "people", "people_high"]].astype(float)
    np.testing.assert_allclose(found, gamma.ppf([0.025, 0.5, 0.975], 10.5), rtol=0.03)
    low, high = poisson_limits(10, 10, 0.95)
    assert low < found.iloc[0] < found.iloc[2] < high


def test_access_moves_against_need_and_places_short_follow_their_closed_form() -> None:
    """One area, one service: access is S / people, and places short are least x people - S."""
    rows = redraw_gaps(
        pd.Series({"A": 30, "B": 0}), SUPPLY * 2, MINUTES, reach=30, least=0.2, options=Redraws(draws=20_000)
    ).table
    row = rows.set_index("area").loc["A"]
    people = gamma.ppf([0.025, 0.5, 0.975], 30.5)
    np.testing.assert_allclose(
        row[["places_short_low", "places_short", "places_short_high"]].astype(float), 0.2 * people - 2, rtol=0.03
    )
    np.testing.assert_allclose(row[["access_high", "access_low"]].astype(float), 2 / people[[0, 2]], rtol=0.03)


def test_the_chance_of_a_gap_is_that_of_need_above_what_provision_can_bear() -> None:
    found = redraw_gaps(
        pd.Series({"A": 18, "B": 0}), SUPPLY, MINUTES, reach=30, least=0.05, options=Redraws(draws=20_000)
    )
    # 1 place is enough for 20 people at 0.05 each
    assert found.table["chance"].iloc[0] == pytest.approx(gamma.sf(20, 18.5), abs=0.01)
    assert "0 of them in 95 % or more" in found.summary()
    assert "0.05" not in repr(found)


def test_hidden_counts_are_drawn_between_their_bounds_and_unknown_need_is_left_out() -> None:
    need = pd.DataFrame(
        {"value": [10, np.nan, np.nan], "low": [8, 0, np.nan], "high": [12, 7, np.nan]}, index=list("ABC")
    )
    cost = pd.DataFrame({"van": [90.0, 90, 90]}, index=list("ABC"))
    found = redraw_gaps(need, SUPPLY, cost, reach=30, least=0.05)
    rows = found.table.set_index("area")
    assert set(rows.index) == {"A", "B"}
    assert found.unknown_need == 1
    narrow = redraw_gaps(pd.Series({"A": 10, "B": 3, "C": 0}), SUPPLY, cost, reach=30, least=0.05).table.set_index(
        "area"
    )
    for area in ("A", "B"):
        width, less = (table.loc[area, "people_high"] - table.loc[area, "people_low"] for table in (rows, narrow))
        assert width > less


def test_the_same_seed_gives_the_same_table_and_another_another() -> None:
    need = pd.Series({"A": 30, "B": 4})
    first, again, other = (
        redraw_gaps(need, SUPPLY, MINUTES, reach=30, least=0.05, options=Redraws(draws=100, seed=seed)).table
        for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_slots_with_the_same_need_are_redrawn_together() -> None:
    both = SUPPLY.assign(day=0.0)
    rows = redraw_gaps(pd.Series({"A": 30, "B": 4}), both, MINUTES, reach=30, least=0.05).table
    in_b = rows[rows["area"] == "B"]
    assert len(set(in_b["people"])) == 1
    assert set(in_b["slot"]) == {"night", "day"}


def test_redraws_refuse_what_cannot_be_drawn() -> None:
    need = pd.Series({"A": 3, "B": 4})
    with pytest.raises(RecordsError, match=r"(?s)`draws`.*`level`.*`least`"):
        redraw_gaps(need, SUPPLY, MINUTES, reach=30, least=0, options=Redraws(draws=5, level=2))
    with pytest.raises(RecordsError, match="row 2, `need`: a number from 0 up"):
        redraw_gaps(need * [1, -1], SUPPLY, MINUTES, reach=30, least=0.1)
    with pytest.raises(RecordsError, match="row 1, `need`: low <= high"):
        redraw_gaps(
            pd.DataFrame({"low": [5, 1], "high": [3, 2]}, index=["A", "B"]), SUPPLY, MINUTES, reach=30, least=0.1
        )
    with pytest.raises(RecordsError, match="`need`: the slots of `supply` are needed"):
        redraw_gaps(need.to_frame("dusk"), SUPPLY, MINUTES, reach=30, least=0.1)
    with pytest.raises(RecordsError, match="`need`: people in need are needed"):
        redraw_gaps(need.rename("residents"), SUPPLY, MINUTES, reach=30, least=0.1)
