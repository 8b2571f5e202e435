from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import RecordsError
from mapping.access import slot_access
from mapping.hours import open_share
from mapping.sessions import session_stops
from mapping.supply import weekly_supply

SESSIONS = pd.DataFrame(
    {
        "hours": ["Tu,Th 20:00-23:00; PH off", "Fr-Su 22:00-02:00"],
        "capacity": [18, 20],
        "eligibility": ["women", "all"],
    },
    index=["van", "walk"],
)
ROUTE = pd.DataFrame(
    {
        "session": ["van", "walk", "van", "walk", "walk"],
        "stop": ["quay", "hub", "park", "lane", "gate"],
        "x": [0.0, 1, 2, 3, 4],
        "minutes": [60, 60, 90, 60, 60],
        "travel": [0, 0, 30, 30, 30],
    },
    index=[7, 7, 8, 9, 3],
)


def test_stops_have_the_hand_worked_hours_and_capacities() -> None:
    stops = session_stops(SESSIONS, ROUTE)
    assert stops[["stop", "hours", "x", "eligibility"]].to_numpy().tolist() == [
        ["quay", "Tu,Th 20:00-21:00; PH off", 0, "women"],
        ["hub", "Fr-Su 22:00-23:00", 1, "all"],
        ["park", "Tu,Th 21:30-23:00; PH off", 2, "women"],
        ["lane", "Fr-Su 23:30-00:30", 3, "all"],
        ["gate", "Sa-Mo 01:00-02:00", 4, "all"],  # after midnight: the day after
    ]
    np.testing.assert_allclose(stops["capacity"], [18 * 60 / 150, 20 / 3, 18 * 90 / 150, 20 / 3, 20 / 3])


def test_without_travel_the_stops_fill_the_session() -> None:
    route = pd.DataFrame({"session": ["van"] * 3, "minutes": [60, 60, 60]})
    stops = session_stops(SESSIONS.loc[["van"]], route)
    assert stops["hours"].tolist() == [f"Tu,Th {h}:00-{h + 1}:00; PH off" for h in (20, 21, 22)]


@settings(max_examples=40, deadline=None)
@given(
    start=st.integers(0, 1439),
    minutes=st.lists(st.integers(1, 120), min_size=1, max_size=5),
    days=st.sampled_from(["Mo", "Tu,Th", "Mo-Su", "Sa-Mo", "We,Fr-Su"]),
)
def test_stops_add_up_to_the_capacity_and_to_the_hours_of_their_session(
    start: int, minutes: list[int], days: str
) -> None:
    end = (start + sum(minutes)) % 1440
    hours = f"{days} {start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    session = pd.DataFrame({"hours": [hours], "capacity": [30]}, index=["s"])
    stops = session_stops(session, pd.DataFrame({"session": "s", "minutes": minutes}))
    assert stops["capacity"].sum() == pytest.approx(30)
    thirds = {f"{h}": f"Mo-Su {h:02d}:00-{(h + 8) % 24:02d}:00" for h in (0, 8, 16)}
    np.testing.assert_allclose(open_share(stops["hours"], thirds).sum(), open_share(session["hours"], thirds).sum())


def test_a_session_that_moves_reaches_each_area_only_where_and_when_it_stops() -> None:
    stops = session_stops(SESSIONS.loc[["van"]], ROUTE[ROUTE["session"] == "van"])
    slots = {"early": "Tu,Th 20:00-21:00", "late": "Tu,Th 21:30-23:00"}
    cost = pd.DataFrame([[1, 9], [9, 1]], index=["A", "B"], columns=stops.index)
    found = slot_access(pd.Series([4, 9], ["A", "B"]), weekly_supply(stops, slots), cost, reach=5)
    np.testing.assert_allclose(found.access, [[7.2 / 4, 0], [0, 10.8 / 9]])
    assert found.unreached.to_numpy().tolist() == [[False, True], [True, False]]


def test_everything_wrong_with_a_route_is_listed_in_one_error() -> None:
    sessions = SESSIONS.assign(hours=["Tu 20:00-21:00,22:00-23:00", "Fr 22:00-02:00"])
    route = ROUTE.assign(
        session=["van", "bus", "van", "van", "van"], minutes=[0, 60, np.nan, 60, 60], travel=[0, 0, -1, 0, 0]
    )
    with pytest.raises(RecordsError, match="stops of sessions cannot be worked out") as caught:
        session_stops(sessions, route)
    wrong = list(zip(caught.value.problems["row"], caught.value.problems["column"], strict=True))
    assert wrong == [
        (2, "session of `route`"), (1, "minutes of `route`"), (3, "minutes of `route`"), (3, "travel of `route`"),
        (2, "`sessions`"), (1, "hours of `sessions`"),
    ]  # fmt: skip
    assert "bus" not in str(caught.value)


@pytest.mark.parametrize(
    "hours",
    [
        "24/7",
        "off",
        "Mo-Fr",
        "Mo 09:00",
        "PH 10:00-11:00",
        "Jan Mo 10:00-12:00",
        "We, Fr 10:00-11:00",
        "MoTu 10:00-11:00",
        None,
    ],
)
def test_hours_of_a_session_are_days_and_one_span(hours: object) -> None:
    sessions = pd.DataFrame({"hours": [hours], "capacity": [1]}, index=["van"])
    with pytest.raises(RecordsError, match="row 1, hours of `sessions`: days and one span of time"):
        session_stops(sessions, pd.DataFrame({"session": ["van"], "minutes": [5]}))


def test_stops_that_take_longer_than_the_session_and_impossible_times_are_refused() -> None:
    route = ROUTE.assign(travel=60)
    with pytest.raises(RecordsError, match=r"row 1, `sessions`: stops and roads that fit.*\n.*row 2, `sessions`"):
        session_stops(SESSIONS, route)
    with pytest.raises(RecordsError, match=r"(?s)row 1, capacity.*row 2, hours"):
        session_stops(SESSIONS.assign(hours=["Tu,Th 20:00-23:00", "Fr 77:00-78:00"], capacity=[-1, 2]), ROUTE)


def test_missing_columns_and_sessions_listed_twice_are_named() -> None:
    with pytest.raises(RecordsError, match=r"(?s)places of `sessions`.*minutes of `route`.*one row a session"):
        session_stops(pd.concat([SESSIONS, SESSIONS]), ROUTE.drop(columns="minutes"), capacity="places")
