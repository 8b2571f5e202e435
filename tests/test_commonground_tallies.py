"""Counts add up, and know what nobody observed."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.records import Records, read_records
from commonground.tallies import Tally, tally

WINDOW = Period("2023-01-01", "2023-05-01")


def contacts(rows: list[tuple[str, str, str | None, str | None]]) -> Records:
    frame = pd.DataFrame(rows, columns=["start", "area", "person", "event"])
    return read_records(frame, "contacts", key=b"0123456789abcdef0123456789abcdef")


def covered(records: Records, start: str = "2023-01-01", end: str = "2023-05-01") -> Records:
    span = {"source": "contacts", "area": None, "start": pd.Timestamp(start), "end": pd.Timestamp(end)}
    return records.with_coverage(pd.DataFrame([span]))


SOME = [
    ("2023-01-05", "A", "p1", "s1"),
    ("2023-01-05", "B", "p1", "s2"),
    ("2023-01-20", "A", "p2", "s3"),
    ("2023-03-02", "B", "p1", None),
    ("2023-03-02", "B", "p1", None),
    ("2023-03-09", "B", None, None),
]


def test_events_persons_and_zeros_of_a_hand_counted_table() -> None:
    records = covered(contacts(SOME))
    events = tally(records, window=WINDOW).table()
    assert events["A"].tolist() == [2, 0, 0, 0]
    assert events["B"].tolist() == [1, 0, 3, 0]  # rows without an event key count one each
    people = tally(records, count="persons", window=WINDOW).table()
    assert people["A"].tolist() == [2, 0, 0, 0]
    assert people["B"].tolist() == [1, 0, 1, 0]  # the row without a person adds nothing


def test_a_contact_is_one_person_at_one_session_and_an_incident_is_one_event_whoever_it_met() -> None:
    frame = pd.DataFrame({"start": "2023-01-05", "area": "A", "event": ["s1", "s1", "s1", "s1"], "person": ["p", "q", None, None]})
    contact, incident = (read_records(frame.head(n), kind) for n, kind in ((4, "contacts"), (2, "incidents")))
    assert tally(contact).table()["A"].tolist() == [4]  # p, q and two people who were not named
    assert tally(incident).table()["A"].tolist() == [1]


def test_a_person_seen_in_two_joined_areas_or_periods_counts_once() -> None:
    counted = tally(covered(contacts(SOME)), count="persons", window=WINDOW)
    joined = counted.merge_areas({"town": ["A", "B"]})
    assert joined.table()["town"].tolist() == [2, 0, 1, 0]
    whole = joined.merge_periods({"all": WINDOW})
    assert whole.to_frame()["value"].tolist() == [2]


def test_an_unreported_month_is_missing_and_never_zero() -> None:
    spans = pd.DataFrame(
        {
            "source": "contacts",
            "area": None,
            "start": pd.to_datetime(["2023-01-01", "2023-03-01"]),
            "end": pd.to_datetime(["2023-02-01", "2023-05-01"]),
        }
    )
    counted = tally(contacts(SOME).with_coverage(spans), window=WINDOW)
    assert counted.table()["A"].isna().tolist() == [False, True, False, False]
    assert counted.series().isna().tolist() == [False, True, False, False]


def test_an_area_that_no_source_reported_is_missing() -> None:
    spans = pd.DataFrame(
        {"source": "contacts", "area": ["A"], "start": pd.to_datetime(["2023-01-01"]), "end": pd.to_datetime(["2023-05-01"])}
    )
    counted = tally(contacts(SOME).with_coverage(spans), window=WINDOW)
    assert counted.table()["B"].isna().all()
    assert counted.table()["A"].tolist() == [2, 0, 0, 0]
    assert any("did not report" in note for note in counted.notes)


def test_a_month_reported_in_part_is_missing_and_its_rows_are_said() -> None:
    counted = tally(covered(contacts(SOME), start="2023-01-10"), window=WINDOW)
    assert counted.table()["A"].isna().tolist() == [True, False, False, False]
    assert "3 rows fall in cells that their source did not report in full; they are left out." in counted.notes


def test_one_source_silent_makes_a_series_missing_but_not_a_cell() -> None:
    other = contacts([("2023-02-01", "A", "p9", None)])
    other = Records("contacts", other.frame.assign(source="clinic"), other.coverage.assign(source="clinic"))
    both = tally(covered(contacts(SOME)), window=WINDOW) + tally(other, window=WINDOW)
    assert both.table()["A"].tolist() == [2, 1, 0, 0]
    assert both.series(["A"]).isna().tolist() == [True, False, True, True]


def test_phases_count_people_once_over_the_whole_phase() -> None:
    phases = {"before": Period("2023-01-01", "2023-03-01"), "after": Period("2023-03-01", "2023-05-01")}
    counted = tally(covered(contacts(SOME)), every=phases, count="persons").to_frame()
    value = counted.set_index(["area", "period"])["value"]
    assert value["A", "before"] == 2
    assert value["B", "after"] == 1
    assert counted.set_index(["area", "period"])["days"]["A", "before"] == 59


def test_several_issues_count_under_each() -> None:
    frame = pd.DataFrame({"start": ["2023-01-01"] * 2, "area": "A", "person": ["p", "q"], "issues": ["housing; health", None]})
    counted = tally(read_records(frame, "contacts"), by=("issues",), count="persons").to_frame()
    assert counted.set_index("issues")["value"].to_dict() == {"health": 1, "housing": 1, "missing": 1}


def test_published_counts_add_their_n() -> None:
    frame = pd.DataFrame({"start": ["2023-01", "2023-02"], "area": "A", "n": [3, 4]})
    records = read_records(frame, "incidents", published="Office, 2024")
    assert tally(records).table()["A"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": "rows"}, "a tally counts events, persons, premises"),
        ({"by": ("setting",)}, "have no column setting"),
        ({"every": "week"}, "month, quarter or year"),
        ({"window": Period("2023-01-02", "2023-01-20")}, "holds no whole month"),
        ({"every": {"a": Period("2023-01-01", "2023-03-01"), "b": Period("2023-02-01", "2023-04-01")}}, "phases overlap"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(change: dict[str, object], message: str) -> None:
    with pytest.raises(CommonGroundError, match=message):
        tally(covered(contacts(SOME)), **change)  # type: ignore[arg-type]


def test_tallies_of_unlike_things_do_not_add() -> None:
    records = covered(contacts(SOME))
    with pytest.raises(CommonGroundError, match="add only when"):
        tally(records) + tally(records, count="persons")


def test_the_repr_of_a_tally_shows_no_count() -> None:
    assert repr(tally(covered(contacts(SOME)), window=WINDOW)) == "Tally(contacts, events, 2 areas x 4 periods, by=())"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["2023-01-05", "2023-02-11", "2023-04-30"]),
        st.sampled_from(["A", "B", "C"]),
        st.sampled_from(["p1", "p2", "p3", None]),
        st.sampled_from(["s1", "s2", None]),
    ),
    min_size=1,
    max_size=25,
    unique=True,
)


def _counts(part: Tally) -> pd.DataFrame:
    return part.table().sort_index(axis="columns")


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 25), unit=st.sampled_from(["events", "persons"]))
def test_the_sum_of_parts_is_the_whole_and_order_never_matters(
    rows: list[tuple[str, str, str | None, str | None]], cut: int, unit: str
) -> None:
    everything = covered(contacts(rows))
    whole = tally(everything, count=unit, window=WINDOW)
    parts = [
        tally(Records("contacts", frame, everything.coverage), count=unit, window=WINDOW)
        for frame in (everything.frame.iloc[:cut], everything.frame.iloc[cut:])
    ]
    expected = _counts(whole)
    pd.testing.assert_frame_equal(_counts(parts[0] + parts[1]), expected)
    pd.testing.assert_frame_equal(_counts(parts[1] + parts[0]), expected)
    shuffled = Records("contacts", everything.frame.iloc[::-1], everything.coverage)
    pd.testing.assert_frame_equal(_counts(tally(shuffled, count=unit, window=WINDOW)), expected)
    assert not expected.isna().to_numpy().any()  # zeros stay zeros


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_people_over_joined_areas_lie_between_the_largest_area_and_the_sum(
    rows: list[tuple[str, str, str | None, str | None]],
) -> None:
    counted = tally(covered(contacts(rows)), count="persons", window=WINDOW)
    single, joint = counted.table(), counted.series()
    assert (joint.to_numpy() <= single.sum(axis=1).to_numpy()).all()
    assert (joint.to_numpy() >= single.max(axis=1).to_numpy()).all()
