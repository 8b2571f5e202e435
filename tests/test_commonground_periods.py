"""Periods are half-open, never guessed, and cut time without gap or overlap."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import CommonGroundError
from commonground.periods import Period, calendar, cells_of


def test_the_start_is_in_and_the_end_is_not() -> None:
    october = Period("2013-10-01", "2013-11-01")
    assert "2013-10-01" in october
    assert pd.Timestamp("2013-10-31 23:59:59") in october
    assert "2013-11-01" not in october
    assert (october.days, october.months, str(october)) == (31, 1, "1 Oct 2013 to 31 Oct 2013")


def test_covers_and_overlaps_are_about_shared_days() -> None:
    year, march = Period("2020-01-01", "2021-01-01"), Period("2020-03-01", "2020-04-01")
    assert year.covers(march)
    assert not march.covers(year)
    assert year.overlaps(march)
    assert not march.overlaps(Period("2020-04-01", "2020-05-01"))


def test_dates_timestamps_and_time_zones_give_the_same_days() -> None:
    same = {
        Period("2013-10", "2014-01-01"),
        Period(dt.date(2013, 10, 1), dt.datetime(2014, 1, 1, 12)),
        Period(pd.Timestamp("2013-10-01", tz="Europe/London"), pd.Timestamp("2014-01-01")),
    }
    assert len(same) == 1


@pytest.mark.parametrize("start", ["01/10/2013", "2013-02-30", None, 2013, pd.NaT, "soon", ""])
def test_what_is_not_an_iso_date_is_refused_and_never_read_the_american_way(start: object) -> None:
    with pytest.raises(CommonGroundError, match="needed is YYYY-MM-DD"):
        Period(start, "2014-01-01")  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["2013-10-01", "2013-09-01"])
def test_an_end_that_is_not_after_the_start_is_refused(end: str) -> None:
    with pytest.raises(CommonGroundError, match="ends before it begins"):
        Period("2013-10-01", end)


def test_only_whole_cells_of_the_calendar_are_cut() -> None:
    window = Period("2023-12-15", "2025-02-01")
    assert len(calendar(window, "month")) == 13
    assert [str(cell) for cell in calendar(window, "year")] == ["1 Jan 2024 to 31 Dec 2024"]
    assert calendar(Period("2024-01-02", "2024-03-01"), "quarter") == ()
    with pytest.raises(CommonGroundError, match="not by 'week'"):
        calendar(window, "week")


SPANS = [Period("2024-03-01", "2024-04-01"), Period("2024-01-01", "2024-02-01"), Period("2024-02-01", "2024-02-15")]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.datetimes(dt.datetime(2023, 12, 1), dt.datetime(2024, 5, 1)), min_size=1, max_size=20))
def test_each_moment_finds_the_one_period_that_holds_it(moments: list[dt.datetime]) -> None:
    column = pd.Series(pd.to_datetime(moments), index=[f"r{i}" for i in range(len(moments))])
    found = cells_of(column, SPANS)
    expected = [next((i for i, span in enumerate(SPANS) if moment in span), -1) for moment in moments]
    assert found.tolist() == expected
    assert found.index.equals(column.index)


def test_a_missing_moment_is_in_no_period_and_the_unit_of_time_does_not_matter() -> None:
    moments = pd.Series([pd.Timestamp("2024-01-31"), pd.NaT])
    units: list[Literal["s", "ms", "us", "ns"]] = ["s", "ms", "us", "ns"]
    for unit in units:
        assert cells_of(moments.dt.as_unit(unit), {"a": SPANS[0], "b": SPANS[1]}).tolist() == [1, -1]
