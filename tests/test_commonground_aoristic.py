"""Weights of events of which only a span is known: by hand, beside counting minutes, and over clock changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.aoristic import EVERY, Aoristic, aoristic
from commonground.errors import RecordsError
from commonground.periods import Period

PHASES = {"before": Period("2023-01-01", "2023-03-01"), "after": Period("2023-03-01", "2023-06-01")}
GAPPED = {"before": Period("2023-01-01", "2023-03-01"), "after": Period("2023-04-01", "2023-06-01")}


def moments(*texts: str | None) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601")


def expected(spread: Aoristic) -> dict[str, float]:
    frame = spread.to_frame()
    return {str(name): round(value, 9) for name, value in frame["expected"].items() if value > 0}


def test_a_span_weighs_by_overlap_over_span() -> None:
    # Ratcliffe 2002, figure 1: a span of four hours puts a quarter into each, one of two a half, one inside an hour 1
    start = moments("2023-01-10 22:00", "2023-01-10 08:00", "2023-01-10 14:10", "2023-01-10 09:30")
    end = moments("2023-01-11 02:00", "2023-01-10 10:00", "2023-01-10 14:50", "2023-01-10 11:00")
    assert expected(aoristic(start, end)) == {
        "00": 0.25,
        "01": 0.25,
        "08": 0.5,
        "09": round(0.5 + 1 / 3, 9),
        "10": round(2 / 3, 9),
        "14": 1,
        "22": 0.25,
        "23": 0.25,
    }


def counted(start: pd.Timestamp, end: pd.Timestamp, name: str) -> dict[str, float]:
    """The same by walking through the span a minute at a time."""
    walk = pd.date_range(start, end, freq="min", inclusive="left")
    forms = {"hour": "%H", "weekday": "%A", "hour of week": "%A %H", "date": "%Y-%m-%d", "month": "%Y-%m"}
    shares = pd.Series(walk.strftime(forms[name])).value_counts(normalize=True)
    return {str(key): round(float(value), 9) for key, value in shares.items()}


@settings(max_examples=60, deadline=None)
@given(
    minute=st.integers(0, 400 * 24 * 60),
    length=st.integers(1, 5 * 24 * 60),
    every=st.sampled_from(EVERY),
    zone=st.sampled_from(["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_weights_are_those_of_walking_minute_by_minute(minute: int, length: int, every: str, zone: str) -> None:
    start = pd.Timestamp("2023-01-01", tz="UTC") + pd.Timedelta(minutes=minute)
    end = start + pd.Timedelta(minutes=length)
    first, last = (pd.Series([moment.tz_convert(zone)]) for moment in (start, end))
    found = expected(aoristic(first, last, every=every, timezone=zone))
    assert found == pytest.approx(counted(first[0], last[0], every), abs=2e-9)


def test_the_night_the_clocks_go_back_has_one_hour_twice() -> None:
    start, end = moments("2023-10-29 00:00"), moments("2023-10-29 04:00")
    assert expected(aoristic(start, end)) == {"00": 0.2, "01": 0.4, "02": 0.2, "03": 0.2}
    assert expected(aoristic(start, end, timezone="UTC")) == {"00": 0.25, "01": 0.25, "02": 0.25, "03": 0.25}


def test_the_night_the_clocks_go_forward_lacks_an_hour() -> None:
    spread = aoristic(moments("2023-03-26 00:00"), moments("2023-03-26 04:00"))
    assert expected(spread) == {hour: round(1 / 3, 9) for hour in ("00", "02", "03")}


def test_summer_evenings_counted_in_utc_fall_into_the_wrong_hour() -> None:
    start = pd.Series(pd.date_range("2023-06-01 22:00", periods=30, freq="D"))
    civil, utc = (aoristic(start, start + pd.Timedelta(hours=1), timezone=zone) for zone in ("Europe/London", "UTC"))
    assert expected(civil) == expected(utc) == {"22": 30}  # civil times as written stay as written
    stamped = start.dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    assert expected(aoristic(stamped, stamped + pd.Timedelta(hours=1))) == {"22": 30}
    assert expected(aoristic(stamped, stamped + pd.Timedelta(hours=1), timezone="UTC")) == {"21": 30}


def test_an_event_that_straddles_the_start_of_the_operation_is_split() -> None:
    spread = aoristic(moments("2023-02-28 18:00"), moments("2023-03-01 06:00"), every=PHASES)
    assert expected(spread) == {"before": 0.5, "after": 0.5}
    assert spread.of("after").tolist() == [0.5]
    frame = spread.to_frame()
    assert frame["variance"].tolist() == [0.25, 0.25]
    assert frame["at_least"].tolist() == [0, 0]
    assert frame["at_most"].tolist() == [1, 1]


def test_what_lies_between_two_periods_belongs_to_neither_and_is_said() -> None:
    spread = aoristic(
        moments("2023-02-28 12:00", "2023-03-10"), moments("2023-03-01 12:00", "2023-03-11"), every=GAPPED
    )
    assert expected(spread) == {"before": 0.5}
    assert "2 events lie in part or whole outside" in spread.summary()


def test_without_a_usable_end_the_weight_is_one_at_the_start() -> None:
    start = moments("2023-01-10 22:00", "2023-01-10 23:30", "2023-01-10 21:00", None)
    end = moments(None, "2023-01-10 22:00", "2023-01-10 21:00", "2023-01-10 22:00")
    spread = aoristic(start, end)
    assert expected(spread) == {"21": 1, "22": 1, "23": 1}
    assert list(spread.events) == [0, 1, 2]
    assert "1 events without a start were left out." in spread.notes
    assert "1 events end before they start and are taken at their start." in spread.notes


def test_a_start_on_the_border_of_an_interval_belongs_to_the_later_one() -> None:
    for every, name in (("hour", "22"), ("date", "2023-03-01"), (PHASES, "after")):
        moment = moments("2023-03-01 22:00" if every == "hour" else "2023-03-01")
        assert expected(aoristic(moment, every=every)) == {name: 1}


def test_the_variance_of_a_count_is_that_of_putting_each_event_in_its_place_by_a_draw() -> None:
    rng = np.random.default_rng(3)
    begun = moments("2023-01-10 20:00")[0] + pd.to_timedelta(rng.integers(0, 600, 40), unit="m")
    start = pd.Series(begun)
    end = start + pd.to_timedelta(rng.integers(30, 500, 40), unit="m")
    spread = aoristic(start, end)
    hour = spread.of("23")
    # a Poisson number of events of each kind, each counted by its weight: variance is the sum of squared weights
    draws = (rng.poisson(1, (40_000, 40)) * hour.to_numpy()).sum(axis=1)
    assert spread.to_frame().loc["23", "variance"] == pytest.approx(draws.var(), rel=0.03)
    assert spread.to_frame().loc["23", "expected"] == pytest.approx(draws.mean(), rel=0.01)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), every=st.sampled_from(EVERY))
def test_nothing_is_lost_and_the_bounds_hold(seed: int, every: str) -> None:
    rng = np.random.default_rng(seed)
    start = pd.Series(pd.Timestamp("2023-03-20") + pd.to_timedelta(rng.integers(0, 20_000, 50), unit="m"))
    end = start + pd.to_timedelta(rng.integers(-100, 4000, 50), unit="m")
    frame = aoristic(start, end, every=every).to_frame()
    assert frame["expected"].sum() == pytest.approx(50)
    assert (frame["at_least"] <= frame["expected"] + 1e-9).all()
    assert (frame["expected"] <= frame["at_most"] + 1e-9).all()
    assert (frame["variance"] <= frame["expected"] + 1e-9).all()


def test_long_spans_are_said_to_say_little() -> None:
    spread = aoristic(moments("2023-01-01"), moments("2023-02-15"), every="month")
    assert "1 events have a span of over four weeks, which says little of when." in spread.notes
    assert expected(spread) == {"2023-01": round(31 / 45, 9), "2023-02": round(14 / 45, 9)}


def test_neither_repr_nor_summary_quotes_a_moment() -> None:
    spread = aoristic(moments("2023-01-10 22:13"), moments("2023-01-11 02:00"))
    assert repr(spread) == "Aoristic(...; call .summary())"
    assert "22" not in spread.summary()


@pytest.mark.parametrize(
    ("start", "end", "every", "said"),
    [
        (moments(None), None, "hour", "start: holds no moment"),
        (pd.Series(["2023-01-01"]), None, "hour", "start: must be moments"),
        (moments("2023-01-01"), moments("2023-01-01", "2023-01-02"), "hour", "end: must have a value or a gap"),
        (moments("2023-01-01"), None, "minute", "every: must be one of hour, weekday"),
        (moments("2023-01-01"), None, {}, "every: must hold at least one period"),
        (
            moments("2023-01-01"),
            None,
            {"a": Period("2023-01-01", "2023-02-01"), "b": Period("2023-01-15", "2023-03-01")},
            "none may overlap",
        ),
    ],
)
def test_what_cannot_be_spread_is_refused(start: pd.Series, end: pd.Series | None, every: object, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        aoristic(start, end, every=every)  # type: ignore[arg-type]


def test_an_interval_that_is_not_there_is_refused() -> None:
    with pytest.raises(RecordsError, match="interval: must be one of"):
        aoristic(moments("2023-01-01")).of("24")


def test_too_many_intervals_are_refused_before_memory_is_taken() -> None:
    start = pd.Series(pd.to_datetime(["2000-01-01"] * 10_000))
    with pytest.raises(RecordsError, match="too many intervals"):
        aoristic(start, start + pd.Timedelta(days=9000), every="date")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), every=st.sampled_from(EVERY))
def test_order_does_not_matter_and_the_same_events_twice_count_twice(seed: int, every: str) -> None:
    rng = np.random.default_rng(seed)
    start = pd.Series(pd.Timestamp("2023-10-20") + pd.to_timedelta(rng.integers(0, 20_000, 30), unit="m"))
    end = start + pd.to_timedelta(rng.integers(-100, 3000, 30), unit="m")
    one = aoristic(start, end, every=every)
    mixed = rng.permutation(30)
    other = aoristic(start.iloc[mixed], end.iloc[mixed], every=every)
    np.testing.assert_allclose(one.weights.toarray()[mixed], other.weights.toarray(), atol=1e-12)
    assert list(other.events) == list(start.index[mixed])
    twice = aoristic(*(pd.concat([part, part], ignore_index=True) for part in (start, end)), every=every).to_frame()
    assert twice.to_numpy() == pytest.approx(2 * one.to_frame().to_numpy())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_coarse_intervals_hold_what_their_fine_ones_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = pd.Series(pd.Timestamp("2023-03-20") + pd.to_timedelta(rng.integers(0, 30_000, 30), unit="m"))
    end = start + pd.to_timedelta(rng.integers(1, 3000, 30), unit="m")
    weights = {every: aoristic(start, end, every=every).weights.toarray() for every in EVERY}
    week = weights["hour of week"].reshape(30, 7, 24)
    np.testing.assert_allclose(week.sum(axis=1), weights["hour"], atol=1e-12)
    np.testing.assert_allclose(week.sum(axis=2), weights["weekday"], atol=1e-12)
    dates = aoristic(start, end, every="date")
    months = pd.Index(dates.intervals.str[:7])
    summed = pd.DataFrame(dates.weights.toarray()).T.groupby(months.to_numpy()).sum().T
    np.testing.assert_allclose(summed.to_numpy(), weights["month"], atol=1e-12)
    assert (weights["date"].max(axis=1) <= 1 + 1e-12).all()


def test_the_variance_of_events_split_over_two_phases_is_less_than_their_number() -> None:
    # ten events half in each phase: expected 5 and 5; the variance of a Poisson number of halves is 10 x 1/4
    start = moments(*["2023-02-28 12:00"] * 10)
    frame = aoristic(start, start + pd.Timedelta(days=1), every=PHASES).to_frame()
    assert frame["expected"].tolist() == [5, 5]
    assert frame["variance"].tolist() == [2.5, 2.5]


def test_a_moment_that_was_twice_is_first_as_a_start_and_second_as_an_end_and_one_that_never_was_moves_on() -> None:
    twice, midnight, three = "2023-10-29 01:30", "2023-10-29 00:00", "2023-10-29 03:00"
    # two hours and a half each way: the hour from 1 to 2 is passed twice
    assert expected(aoristic(moments(twice), moments(three))) == {"01": 0.6, "02": 0.4}
    assert expected(aoristic(moments(midnight), moments(twice))) == {"00": 0.4, "01": 0.6}
    assert expected(aoristic(moments("2023-03-26 01:30"))) == {"02": 1}
