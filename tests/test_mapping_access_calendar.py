from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import opening_hours
import pandas as pd
import pytest
from dateutil.easter import easter

from commonground.errors import RecordsError
from mapping.calendars import bank_holidays
from mapping.hours import open_share

ALL_DAY = {"all": "Mo-Su 00:00-24:00"}
EASTER_MONDAY, AUGUST = date(2025, 4, 21), date(2025, 8, 25)


def _hours(text: str, day: date) -> float:
    return 24 * float(open_share(pd.Series([text]), ALL_DAY, days=[day]).loc[0, "all"])


# gov.uk/bank-holidays, England and Wales
@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
        (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
        (2022, "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"),
        (2023, "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26"),
        (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"),
        (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
    ],
)
def test_the_bank_holidays_of_a_year_are_those_the_government_lists(year: int, days: str) -> None:
    assert [day.isoformat()[5:] for day in bank_holidays(year)] == days.split()


def test_days_that_all_of_the_united_kingdom_keeps_are_bank_holidays_here_too() -> None:
    rule = opening_hours.OpeningHours("PH 10:00-11:00", country="GB")
    # that calendar keeps the last Monday of May as well in the years in which it was moved to a jubilee
    for year in set(range(1978, 2060)) - {2002, 2012}:
        spans = rule.intervals(datetime(year, 1, 1), datetime(year + 1, 1, 1))
        theirs = {start.date() for start, _, state, _ in spans if state == opening_hours.State.OPEN}
        assert theirs <= set(bank_holidays(year))


def test_good_friday_and_easter_monday_go_by_the_date_of_easter() -> None:
    for year in range(1978, 2150):
        around = {easter(year) - timedelta(days=2), easter(year) + timedelta(days=1)}
        assert around <= set(bank_holidays(year))


def test_bank_holidays_are_eight_weekdays_but_for_days_that_were_added() -> None:
    for year in range(2027, 2100):
        assert len(set(bank_holidays(year))) == 8
        assert all(day.weekday() < 5 for day in bank_holidays(year))
    with pytest.raises(ValueError, match="1978 or later"):
        bank_holidays(1977)


@pytest.mark.parametrize("day", [date(2025, 1, 1), EASTER_MONDAY, AUGUST])
def test_holidays_that_scotland_or_northern_ireland_does_not_keep_close_services_as_well(day: date) -> None:
    assert _hours("Mo-Fr 09:00-17:00; PH off", day) == 0
    assert _hours("Mo-Fr 09:00-17:00", day) == 8
    assert _hours("Mo-Fr 09:00-17:00; PH off", day + timedelta(days=7)) == 8


@pytest.mark.parametrize(
    ("text", "monday", "tuesday"),
    [
        ("Mo-Fr 10:00-12:00; PH 13:00-14:00", 1, 2),
        ("Sa-Su,PH 10:00-12:00", 2, 0),
        ("PH 22:00-02:00", 2, 2),
        ("PH +1 day 10:00-11:00", 0, 1),
        ("PH -1 day 10:00-11:00", 0, 0),
        ('Tu 10:00-12:00 "PH by phone"', 0, 2),
        ("24/7; PH off", 0, 24),
    ],
)
def test_hours_on_easter_monday_and_the_day_after_are_those_worked_by_hand(
    text: str, monday: float, tuesday: float
) -> None:
    assert _hours(text, EASTER_MONDAY) == pytest.approx(monday)
    assert _hours(text, EASTER_MONDAY + timedelta(days=1)) == pytest.approx(tuesday)


def test_on_holidays_that_the_parser_knows_itself_the_hours_are_its_own() -> None:
    texts = ["Mo-Fr 09:00-17:00; PH off", "Sa-Su,PH 10:00-12:00", "Mo-Fr 10:00-12:00; PH 13:00-14:00", "PH 20:00-23:00"]
    for text in texts:
        rule = opening_hours.OpeningHours(text, country="GB")
        for day in (date(2025, 4, 18), date(2025, 5, 5), date(2025, 12, 25), date(2025, 12, 26), date(2025, 12, 29)):
            midnight = datetime(day.year, day.month, day.day)
            spans = rule.intervals(midnight, midnight + timedelta(days=1))
            theirs = sum(
                (e - s).total_seconds() / 3600 for s, e, state, _ in spans if state == opening_hours.State.OPEN
            )
            np.testing.assert_allclose(_hours(text, day), theirs)


def test_holidays_that_are_mixed_with_weekdays_in_one_selector_are_refused() -> None:
    with pytest.raises(RecordsError, match="opening hours in OpenStreetMap syntax are needed"):
        open_share(pd.Series(["PH Mo-Fr 10:00-11:00"]))


def test_days_set_apart_by_a_comma_and_a_space_are_refused_because_the_first_would_be_open_all_day() -> None:
    for text in ("Tu, Th 10:00-16:00", "Mo-Fr, PH 10:00-12:00"):
        with pytest.raises(RecordsError, match="a comma without a space"):
            open_share(pd.Series([text]))
    assert open_share(pd.Series(["Mo 10:00-12:00, Tu 10:00-12:00"])).loc[0, "day"] == pytest.approx(4 / 84)
