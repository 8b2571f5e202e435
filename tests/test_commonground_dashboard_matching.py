"""Published months are compared with the same months a year before, and with nothing else."""

from __future__ import annotations

import pandas as pd

from commonground.dashboard.matching import larger_areas, left_out, same_months
from commonground.records import read_records
from commonground.tallies import Tally, tally

BEFORE = pd.PeriodIndex(["2019-04", "2019-05", "2019-06", "2019-08"], freq="M")
AFTER = pd.PeriodIndex(["2020-04", "2020-05", "2020-06", "2020-08"], freq="M")


def monthly() -> Tally:
    """One event a month from January 2019 to December 2020, ten in July 2020; nobody reported July 2019."""
    months = [m for m in pd.period_range("2019-01", "2020-12", freq="M") if str(m) != "2019-07"]
    days = [f"{m}-15" for m in months] + ["2020-07-20"] * 9
    frame = pd.DataFrame({"start": days, "area": "a", "source": "force"})
    spans = pd.DataFrame(
        {
            "source": "force",
            "area": None,
            "start": pd.to_datetime(["2019-01-01", "2019-08-01"]),
            "end": pd.to_datetime(["2019-07-01", "2021-01-01"]),
        }
    )
    return tally(read_records(frame, "incidents").with_coverage(spans))


def test_a_month_that_one_year_lacks_is_left_out_of_both() -> None:
    found = same_months(monthly(), (BEFORE, AFTER))
    assert found.table().to_dict() == {"a": {"before": 4.0, "after": 4.0}}


def test_the_days_are_those_of_the_compared_months_only() -> None:
    days = same_months(monthly(), (BEFORE, AFTER)).exposure()
    assert days.loc["a"].to_dict() == {"before": 30 + 31 + 30 + 31, "after": 30 + 31 + 30 + 31}


def test_the_spans_reach_from_the_first_to_the_last_compared_month() -> None:
    spans = same_months(monthly(), (BEFORE, AFTER)).periods
    assert [str(span) for span in spans.values()] == ["1 Apr 2019 to 31 Aug 2019", "1 Apr 2020 to 31 Aug 2020"]


def test_months_left_out_are_named() -> None:
    assert left_out((BEFORE, AFTER)).startswith("July 2019 and July 2020: left out")
    assert left_out((BEFORE[:3], AFTER[:3])) == ""


def test_the_monthly_tally_is_not_changed() -> None:
    counted = monthly()
    same_months(counted, (BEFORE, AFTER))
    assert len(counted.periods) == 24
    assert counted.exposure().loc["a", "2020-07"] == 31


def test_lower_layer_areas_lie_in_the_middle_layer_area_of_their_name() -> None:
    names = {"E01006512": "Liverpool 031A", "E01006513": "Liverpool 060A", "E01033760": "Liverpool 060C"}
    assert larger_areas(names) == {"Liverpool 031": ("E01006512",), "Liverpool 060": ("E01006513", "E01033760")}


def test_areas_of_another_kind_have_no_larger_ones() -> None:
    assert larger_areas({"E09000026": "Redbridge", "E01006512": "Liverpool 031A"}) == {}
