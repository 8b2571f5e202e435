"""Counts add up, and know what nobody observed."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.areas import read_areas
from commonground.errors import CommonGroundError
from commonground.formats import read_mps_boroughs, read_police_uk
from commonground.periods import Period
from commonground.records import Records, read_records
from commonground.tallies import Tally, count_keys, tally

WINDOW = Period("2023-01-01", "2023-05-01")


def contacts(rows: list[tuple[str, str, str | None, str | None]]) -> Records:
    frame = pd.DataFrame(rows, columns=["start", "area", "person", "event"])
    return read_records(frame, "contacts", key=b"0123456789abcdef" * 4)


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
    frame = pd.DataFrame(
        {"start": "2023-01-05", "area": "A", "event": ["s1", "s1", "s1", "s1"], "person": ["p", "q", None, None]}
    )
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
        {
            "source": "contacts",
            "area": ["A"],
            "start": pd.to_datetime(["2023-01-01"]),
            "end": pd.to_datetime(["2023-05-01"]),
        }
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
    frame = pd.DataFrame(
        {"start": ["2023-01-01"] * 2, "area": "A", "person": ["p", "q"], "issues": ["housing; health", None]}
    )
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
        (
            {"every": {"a": Period("2023-01-01", "2023-03-01"), "b": Period("2023-02-01", "2023-04-01")}},
            "phases overlap",
        ),
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


def spans(*rows: tuple[str, str | None, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["source", "area", "start", "end"])


def test_without_areas_the_codes_are_those_of_the_records_and_of_the_coverage() -> None:
    everywhere = [("contacts", code, "2023-01-01", "2023-05-01") for code in ("A", "B", "Q")]
    counted = tally(contacts(SOME).with_coverage(spans(*everywhere)), window=WINDOW)
    assert counted.codes == ("A", "B", "Q")
    assert counted.table()["Q"].tolist() == [0, 0, 0, 0]  # looked at, and nothing seen


def test_a_range_counts_where_it_starts_and_the_notes_say_how_many_end_later() -> None:
    frame = pd.DataFrame(
        {
            "start": ["2023-01-30", "2023-01-10", "2023-02", "2023-03-01"],
            "end": ["2023-02-02", "2023-01-12", "", ""],
            "area": "A",
        }
    )
    counted = tally(
        read_records(frame, "incidents").with_coverage(spans(("incidents", None, "2023-01-01", "2023-05-01")))
    )
    assert counted.table()["A"].tolist() == [2, 1, 1, 0]
    assert "1 of 4 rows are ranges that end after their period; each counts where it starts." in counted.notes
    whole = tally(read_records(frame.iloc[1:], "incidents"))
    assert not any("ranges" in note for note in whole.notes)  # a whole month ends with its cell


def test_rows_on_days_that_their_source_did_not_report_are_not_in_a_phase_either() -> None:
    phases = {"before": Period("2023-01-01", "2023-03-01"), "after": Period("2023-03-01", "2023-05-01")}
    records = contacts(SOME).with_coverage(spans(("contacts", None, "2023-01-10", "2023-05-01")))
    counted = tally(records, every=phases)
    assert counted.table()["A"].tolist() == [1, 0]  # 20 January, not 5 January
    assert list(counted.exposure().loc["A"]) == [50, 61]
    assert any("on days or in areas that their source did not report" in note for note in counted.notes)


def test_rows_without_a_key_count_once_when_their_issues_are_joined_again() -> None:
    frame = pd.DataFrame({"start": "2023-01-01", "area": "A", "issues": ["housing; health", "health;health", None]})
    counted = tally(read_records(frame, "contacts"), by=("issues",))
    values = counted.to_frame().set_index("issues")["value"].to_dict()
    assert values == {"health": 2, "housing": 1, "missing": 1}
    assert counted.table()["A"].tolist() == [3]
    assert counted.series().tolist() == [3]
    joined = counted.merge_areas({"town": ["A"]}).merge_periods({"all": Period("2023-01-01", "2023-02-01")})
    assert joined.table()["town"].tolist() == [3]
    assert (counted + tally(read_records(frame, "contacts"), by=("issues",))).table()["A"].tolist() == [6]


def test_identifiers_dates_and_points_are_no_categories() -> None:
    records = covered(contacts(SOME))
    for column in ("person", "event", "start", "area", "n"):
        with pytest.raises(CommonGroundError, match="by takes each category once"):
            tally(records, by=(column,))
    with pytest.raises(CommonGroundError, match=r"write by=\('setting',\)"):
        tally(records, by="setting")


def test_people_that_no_row_names_are_said_to_be_unknown() -> None:
    records = read_records(pd.DataFrame({"start": ["2023-01-01"], "area": ["A"]}), "contacts")
    assert (
        "No row has a person key: persons are unknown, and a count of 0 says nothing."
        in tally(records, count="persons").notes
    )


def test_points_without_areas_to_place_them_in_are_refused() -> None:
    records = read_records(pd.DataFrame({"start": ["2023-01-01"], "x": [5e5], "y": [2e5]}), "contacts", crs=27700)
    with pytest.raises(CommonGroundError, match="give areas to place their points in"):
        tally(records)


def squares(codes: str, population: float = 10.0) -> gpd.GeoDataFrame:
    shapes = [shapely.box(1000 * ord(code), 0, 1000 * ord(code) + 1000, 1000) for code in codes]
    frame = {"code": list(codes), "people": [population] * len(codes)}
    return read_areas(gpd.GeoDataFrame(frame, geometry=shapes, crs=27700), code="code", population="people")


def test_joined_areas_have_joined_shapes_in_the_order_asked_for() -> None:
    counted = tally(covered(contacts(SOME)), squares("ABC"), window=WINDOW)
    joined = counted.merge_areas({"west": ["B", "A"], "east": ["C"]})
    assert joined.areas is not None
    assert joined.areas.index.tolist() == ["west", "east"] == list(joined.codes)
    assert joined.areas["population"].tolist() == [20, 10]
    assert joined.areas.area.tolist() == [2e6, 1e6]
    assert joined.table()["east"].tolist() == [0, 0, 0, 0]
    unknown = squares("ABC").assign(population=[10, np.nan, 10])
    joined = tally(covered(contacts(SOME)), unknown, window=WINDOW).merge_areas({"west": ["A", "B"]})
    assert joined.areas is not None
    assert joined.areas["population"].isna().all()


def test_joined_areas_are_observed_where_all_of_them_are_gaps_and_all() -> None:
    rows = [
        ("contacts", code, start, end)
        for code in "AB"
        for start, end in (("2023-01-01", "2023-02-01"), ("2023-03-01", "2023-05-01"))
    ]
    counted = tally(contacts(SOME).with_coverage(spans(*rows)), window=WINDOW)
    joined = counted.merge_areas({"town": ["A", "B"]})
    assert joined.table()["town"].fillna(-1).tolist() == [3, -1, 3, 0]
    pd.testing.assert_series_equal(joined.series(), counted.series(), check_names=False)


@pytest.mark.parametrize("zones", [{"a": ["A"], "b": ["A"]}, {"a": ["A", "A"]}, {"a": []}, {"a": ["X"]}])
def test_an_area_belongs_to_one_zone_and_a_zone_has_one_at_least(zones: dict[str, list[str]]) -> None:
    counted = tally(covered(contacts(SOME)), window=WINDOW)
    for join in (counted.zone_series, counted.merge_areas):
        with pytest.raises(CommonGroundError, match=r"give each area to one group|are not in the tally"):
            join(zones)


def test_periods_are_joined_without_gaps_and_only_over_whole_months() -> None:
    records = contacts(SOME).with_coverage(spans(("contacts", None, "2023-01-10", "2023-05-01")))
    joined = tally(records, window=WINDOW).merge_periods({"all": WINDOW})
    assert joined.table()["A"].tolist() == [0]
    assert list(joined.exposure().loc["A"]) == [89]  # February to April: the rest of January was left out
    parts = [
        tally(records, window=Period(*span)) for span in (("2023-02-01", "2023-03-01"), ("2023-04-01", "2023-05-01"))
    ]
    for span in (("2023-02-01", "2023-05-01"), ("2023-02-01", "2023-02-20"), ("2023-01-01", "2023-03-01")):
        with pytest.raises(CommonGroundError, match="not made of whole cells"):
            (parts[0] + parts[1]).merge_periods({"all": Period(*span)})


def test_a_window_or_areas_that_were_not_tallied_are_not_observed_after_adding() -> None:
    records = covered(contacts(SOME))
    early, late = (
        tally(records, squares("A"), window=Period(*span))
        for span in (("2023-01-01", "2023-03-01"), ("2023-03-01", "2023-05-01"))
    )
    other = Records("contacts", records.frame.assign(source="clinic"), records.coverage.assign(source="clinic"))
    both = early + tally(other, squares("B"), window=Period("2023-03-01", "2023-05-01"))
    assert both.table().isna().to_numpy().tolist() == [[False, True], [False, True], [True, False], [True, False]]
    assert both.areas is not None
    assert both.areas.index.tolist() == ["A", "B"]
    assert (early + late).table()["A"].tolist() == [2, 0, 0, 0]


def test_months_and_quarters_or_two_meanings_of_a_phase_do_not_add() -> None:
    records = covered(contacts(SOME))
    phases = [{"before": Period("2023-01-01", end)} for end in ("2023-03-01", "2023-04-01")]
    for one, other in ((tally(records), tally(records, every="quarter")), [tally(records, every=p) for p in phases]):
        with pytest.raises(CommonGroundError, match="add only when"):
            one + other


def test_a_source_silent_in_the_whole_window_is_still_a_source() -> None:
    records = contacts(SOME)
    other = records.frame.assign(source="clinic", start=pd.Timestamp("2020-01-05"))
    both = Records("contacts", pd.concat([records.frame, other], ignore_index=True), records.coverage).with_coverage(
        spans(("contacts", None, "2023-01-01", "2023-05-01"), ("clinic", None, "2020-01-01", "2020-02-01"))
    )
    counted = tally(both, window=WINDOW)
    assert counted.sources == ("clinic", "contacts")
    assert counted.series().isna().all()
    assert not counted.table().isna().to_numpy().any()


KEYS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.sampled_from(["1", "2"]),
        st.sampled_from(["p", "q", None]),
        st.sampled_from(["f", None]),
        st.sampled_from(["r", "s", None]),
        st.integers(0, 3),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(rows=KEYS, cells=st.sampled_from([["area"], ["area", "period"]]))
def test_counts_agree_with_sets_of_keys(
    rows: list[tuple[str, str, str | None, str | None, str | None, int]], cells: list[str]
) -> None:
    keys = pd.DataFrame(rows, columns=["area", "period", "person", "premises", "record", "n"]).astype(
        {"person": "str", "premises": "str", "record": "str", "area": "str", "period": "str"}
    )
    for unit, column in (("events", 4), ("persons", 2), ("premises", 3)):
        expected: dict[tuple[object, ...], float] = {}
        for cell in {row[: len(cells)] for row in rows}:
            mine = [row for row in rows if row[: len(cells)] == cell]
            bare = sum(row[5] for row in mine if row[4] is None) if unit == "events" else 0
            found = len({row[column] for row in mine} - {None}) + bare
            if found or unit == "events":
                expected[cell] = found
        made = count_keys(keys, cells, unit)
        assert made.index.names == cells
        assert {label if isinstance(label, tuple) else (label,): value for label, value in made.items()} == expected


FOUR = squares("ABCD")


@settings(max_examples=12, deadline=None)
@given(rows=ROWS, cuts=st.lists(st.integers(0, 25), min_size=2, max_size=2))
def test_adding_is_associative_and_zeros_of_every_part_stay(
    rows: list[tuple[str, str, str | None, str | None]], cuts: list[int]
) -> None:
    everything = covered(contacts(rows))
    first, last = sorted(cuts)
    frames = (everything.frame.iloc[:first], everything.frame.iloc[first:last], everything.frame.iloc[last:])
    a, b, c = (tally(Records("contacts", frame, everything.coverage), FOUR, window=WINDOW) for frame in frames)
    left, right = ((a + b) + c).table(), (a + (b + c)).table()
    pd.testing.assert_frame_equal(left, right)
    assert left["D"].tolist() == [0, 0, 0, 0]
    assert float(left.to_numpy().sum()) == float(tally(everything, FOUR, window=WINDOW).table().to_numpy().sum())


@pytest.mark.real_data
def test_liverpool_is_tallied_and_its_missing_month_is_missing(real_data: Path) -> None:
    records = read_police_uk(real_data / "policeuk_liverpool")
    areas = read_areas(real_data / "boundaries" / "lsoa_liverpool.geojson", code="LSOA11CD")
    counted = tally(records, areas)
    table = counted.table()
    assert table.shape == (36, 298)
    assert table.loc["2019-07"].isna().all()  # SOURCES.md: 2019-07 absent
    assert not table.drop(index=table.index[18]).isna().to_numpy().any()
    by_hand = records.frame.groupby([records.frame["start"].dt.to_period("M"), "area"]).size().unstack()
    by_hand = by_hand.reindex(index=table.index.drop(table.index[18]), columns=list(counted.codes)).fillna(0)
    np.testing.assert_array_equal(table.drop(index=table.index[18]).to_numpy(), by_hand.to_numpy())
    assert by_hand.to_numpy().sum() == 211_770  # SOURCES.md: every row has a Liverpool LSOA
    assert counted.series().notna().sum() == 35


@pytest.mark.real_data
def test_the_metropolitan_tally_is_the_file(real_data: Path) -> None:
    file = real_data / "mps_borough" / "mps_borough_2010-04_2022-01.csv"
    raw = pd.read_csv(file)
    months = [name for name in raw.columns if name.isdigit()]
    counted = tally(read_mps_boroughs(file), by=("offence",))
    wide = raw.melt(["MinorText", "LookUp_BoroughName"], months, var_name="period", value_name="value")
    wide["period"] = wide["period"].str[:4] + "-" + wide["period"].str[4:]
    expected = wide.set_index(["LookUp_BoroughName", "period", "MinorText"])["value"]
    found = counted.to_frame().set_index(["area", "period", "offence"])["value"]
    assert not found.isna().any()
    assert found[expected.index].tolist() == expected.tolist()
    assert found.sum() == expected.sum()  # what the file does not list is zero
    # the lead's figures for Redbridge and Waltham Forest, 12 months before and after 2013-10 (issue, "The main job")
    soliciting = found.xs("Soliciting for Prostitution", level="offence").unstack("area")
    for place, before, after in (("Redbridge", 16, 39), ("Waltham Forest", 0, 66)):
        assert soliciting.loc["2012-10":"2013-09", place].sum() == before
        assert soliciting.loc["2013-10":"2014-09", place].sum() == after


def test_a_source_of_which_a_part_is_not_published_is_not_published() -> None:
    table = pd.DataFrame({"start": ["2023-01"], "area": "A", "n": [3]})
    cited, bare = (read_records(table, "incidents", published=text) for text in ("Office, 2024", None))
    assert (tally(cited) + tally(cited)).published == {"incidents": "Office, 2024"}
    assert (tally(cited) + tally(bare)).published == {"incidents": None}
