"""Partners' files become checked records, whatever they are written in."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import CommonGroundError, GeographyError
from commonground.records import Records, read_records
from commonground.records.dates import parse_dates

KEY = b"0123456789abcdef" * 4
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TABLE = pd.DataFrame(
    {
        "start": ["2023-01-05", "2023-02-06", None],
        "area": ["E01006512", "E01006513", "E01006514"],
        "x": [-2.97, -2.96, np.nan],
        "y": [53.40, 53.41, np.nan],
        "person": ["p1", "p2", "p1"],
        "setting": ["street", "online", None],
        "notes": ["free text is dropped", "", ""],
    }
).head(2)


def _layer(path: Path) -> None:
    points = gpd.points_from_xy(TABLE["x"], TABLE["y"])
    gpd.GeoDataFrame(TABLE.drop(columns=["x", "y"]), geometry=points, crs=4326).to_file(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: TABLE.to_csv(path, index=False),
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(TABLE.to_csv(index=False).encode())),
    "t.tsv": lambda path: TABLE.to_csv(path, index=False, sep="\t"),
    "t.xlsx": lambda path: TABLE.to_excel(path, index=False),
    "t.ods": lambda path: TABLE.to_excel(path, index=False, engine="odf"),  # type: ignore[arg-type]  # the stubs know two of three
    "t.parquet": lambda path: TABLE.to_parquet(path),
    "t.geojson": _layer,
    "t.gpkg": _layer,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_records_as_the_table_in_memory(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    expected = read_records(TABLE, "contacts", key=KEY, crs="EPSG:4326")
    found = read_records(tmp_path / name, "contacts", key=KEY, crs=None if name.endswith(("json", "gpkg")) else 4326)
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert found.crs == "EPSG:4326"
    assert found.columns == ("start", "area", "x", "y", "person", "setting", "source", "n")
    assert "1 column(s) of the file were not asked for and not read." in found.notes


def test_a_mapping_names_their_columns_and_ours_are_found_whatever_their_capitals() -> None:
    theirs = pd.DataFrame({"When": ["2023-01-05"], "LSOA": ["E01006512"], "Gender": ["women"], "Lang": ["Thai"]})
    mapped = read_records(
        theirs, "contacts", columns={"start": "When", "area": "LSOA", "group": "Gender", "group_language": "Lang"}
    )
    assert mapped.columns == ("start", "area", "group", "source", "n", "group_language")
    ours = pd.DataFrame({" START": ["2023-01-05"], "Area ": ["E01006512"], "Group Language": ["Thai"]})
    assert read_records(ours, "contacts").columns == ("start", "area", "source", "n", "group_language")


def test_a_northing_called_n_is_not_taken_for_a_number_of_events() -> None:
    table = pd.DataFrame({"start": ["2023-01-05"], "area": ["A"], "e": [637_432], "n": [419_563]})
    assert read_records(table, "incidents").frame["n"].tolist() == [1.0]


def test_files_in_utf_8_latin_1_and_with_a_byte_order_mark_read_alike(tmp_path: Path) -> None:
    text = "start,area,outcome\n05/01/2023,A,reféré\n"
    for name, encoding in (("a.csv", "utf-8"), ("b.csv", "latin-1"), ("c.csv", "utf-8-sig"), ("d.csv", "utf-16")):
        (tmp_path / name).write_text(text, encoding=encoding)
        assert read_records(tmp_path / name, "contacts").frame["outcome"].tolist() == ["reféré"], encoding


def test_several_files_with_their_own_headers_become_one_set(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("start,area,person\n2023-01-05,A,p1\n")
    (tmp_path / "two.csv").write_text("Area,Start,setting\nB,06/02/2023,street\n")
    both = read_records([tmp_path / "one.csv", tmp_path / "two.csv"], "contacts", key=KEY)
    assert both.frame["area"].tolist() == ["A", "B"]
    assert both.frame["person"].isna().tolist() == [False, True]
    assert both.coverage[["start", "end"]].to_numpy().tolist() == [
        [pd.Timestamp("2023-01-01"), pd.Timestamp("2023-03-01")]
    ]


def test_the_callers_table_is_not_changed_and_its_index_does_not_matter() -> None:
    odd = TABLE.set_axis(["r", "r"], axis="index")
    before = odd.copy()
    records = read_records(odd, "contacts", crs=4326)
    pd.testing.assert_frame_equal(odd, before)
    assert records.frame.index.tolist() == [0, 1]


# dates

SAME_DAY = [
    "31/12/2022", "31.12.2022", "31-12-2022", "31/12/22", "2022-12-31", "2022/12/31", "20221231", "31 Dec 2022",
    "31-Dec-22", "31 December 2022", "31st December 2022", "31 Dec, 2022", " 2022-12-31 ",
]  # fmt: skip


@pytest.mark.parametrize("text", SAME_DAY)
def test_british_and_iso_dates_are_one_day(text: str) -> None:
    start, end = parse_dates(pd.Series([text, f"{text.strip()} 14:05"]), "Europe/London")
    assert start.tolist() == [pd.Timestamp("2022-12-31"), pd.Timestamp("2022-12-31 14:05")]
    assert end.isna().all()


@pytest.mark.parametrize("text", ["2022-12", "12/2022", "Dec 2022", "December 2022"])
def test_a_month_without_a_day_is_a_half_open_range(text: str) -> None:
    start, end = parse_dates(pd.Series([text]), "Europe/London")
    assert (start[0], end[0]) == (pd.Timestamp("2022-12-01"), pd.Timestamp("2023-01-01"))


@pytest.mark.parametrize(
    "text",
    ["31/02/2022", "12/31/2022", "2022-13-01", "2022-00", "44927", "yesterday", "31/12", "2022-12-31 25:00", "1e3"],
)
def test_what_is_no_date_or_an_american_one_is_not_guessed(text: str) -> None:
    start, end = parse_dates(pd.Series([text]), "Europe/London")
    assert start.isna().all()
    assert end.isna().all()


def test_moments_with_an_offset_move_to_civil_time_across_the_change_of_clocks() -> None:
    texts = pd.Series(["2022-07-31T23:30:00Z", "2022-12-31T23:30:00Z", "2022-07-31 12:00+02:00"])
    expected = pd.to_datetime(["2022-08-01 00:30", "2022-12-31 23:30", "2022-07-31 11:00"])
    assert parse_dates(texts, "Europe/London")[0].tolist() == expected.tolist()
    aware = pd.to_datetime(texts, utc=True, format="ISO8601")
    assert parse_dates(aware, "Europe/London")[0].tolist() == expected.tolist()


@settings(max_examples=50, deadline=None)
@given(st.dates(min_value=pd.Timestamp("1901-01-01").date(), max_value=pd.Timestamp("2024-12-31").date()))
def test_every_day_survives_being_written_each_way(day: object) -> None:
    stamp = pd.Timestamp(str(day))
    forms = ("%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%Y%m%d") if stamp.year >= 1900 else ()
    assert set(parse_dates(pd.Series([stamp.strftime(form) for form in forms]), "UTC")[0]) == {stamp}


def test_ranges_are_kept_and_months_fill_a_missing_end() -> None:
    frame = pd.DataFrame(
        {"start": ["2023-01-30", "2023-02", "2023-02", "2023-03-01"], "end": ["2023-02-02", None, "2023-04", None]}
    )
    records = read_records(frame.assign(area="A"), "incidents")
    assert records.frame["end"].dt.strftime("%m-%d").fillna("").tolist() == ["02-02", "03-01", "05-01", ""]


# words, numbers, identifiers


def test_words_of_closed_lists_are_read_in_any_spelling_of_the_same_word() -> None:
    frame = pd.DataFrame(
        {
            "start": "2023-01-05",
            "area": "A",
            "setting": ["Street", "on-street", "OFF STREET", "off_street", " online "],
            "consent": ["None", "anonymous", "FULL", "full consent", None],
            "role": ["Selling", "third-party", "Third  Party", "buying", "controlling"],
        }
    )
    records = read_records(frame, "incidents")
    assert records.frame["setting"].tolist() == ["street", "street", "off-street", "off-street", "online"]
    assert records.frame["consent"].fillna("").tolist() == ["none", "anonymous", "full", "full", ""]
    assert records.frame["role"].tolist() == ["selling", "third party", "third party", "buying", "controlling"]


def test_several_issues_are_set_apart_alike() -> None:
    frame = pd.DataFrame({"start": "2023-01-05", "area": "A", "issues": ["housing;health", " ;housing ;; ", ";", None]})
    records = read_records(frame, "contacts")
    assert records.frame["issues"].fillna("").tolist() == ["housing; health", "housing", "", ""]
    assert len(records.where("issues", ["health"])) == 1
    assert len(records.where("issues", "housing")) == 2


def test_identifiers_become_pseudonyms_that_link_files_of_one_key() -> None:
    one = read_records(TABLE, "contacts", key=KEY, crs=4326)
    other = read_records(TABLE.assign(person=[" p1", "p9"]), "contacts", key=KEY, crs=4326)
    assert one.frame["person"].str.fullmatch("[0-9a-f]{32}").all()
    assert one.frame["person"][0] == other.frame["person"][0]
    assert not set(TABLE["person"]) & set(one.frame["person"])
    numbers = [pd.DataFrame({"start": "2023-01-05", "area": "A", "person": ids}) for ids in ([12.0, None], ["12", ""])]
    linked = [read_records(frame, "contacts", key=KEY).frame["person"] for frame in numbers]
    assert linked[0][0] == linked[1][0]
    assert linked[1].isna().tolist() == [False, True]


def test_service_lists_keep_their_hours_and_codes_and_offences_do_not_trip() -> None:
    services = pd.DataFrame(
        {
            "service": ["clinic"],
            "name": ["Lanyard Clinic"],
            "area": ["E01006512"],
            "hours": ["Mo-Fr 09:00-17:00; Sa 0900-1200; PH off"],
            "capacity": ["40"],
            "languages": ["English;Romanian"],
        }
    )
    records = read_records(services, "services")
    assert records.frame["capacity"].tolist() == [40.0]
    assert records.coverage.empty
    offences = [
        "Soliciting for Prostitution",
        "Assault with Injury",
        "s.18 OAPA 1861",
        "Robbery of Personal Property",
        None,
    ]
    incidents = pd.DataFrame({"start": "2023-01-05", "area": "E01006512", "offence": offences})
    assert len(read_records(incidents, "incidents")) == 5


# what records say and keep to themselves


def test_a_guessed_coverage_is_whole_months_and_said_and_this_month_is_not_over() -> None:
    today = pd.Timestamp.now().normalize()
    frame = pd.DataFrame(
        {"start": ["2023-01-20", today.strftime("%Y-%m-%d")], "area": "A", "source": ["clinic", "street"]}
    )
    records = read_records(frame, "contacts")
    assert any("taken to have reported every month" in note for note in records.notes)
    assert records.coverage["start"].tolist() == [pd.Timestamp("2023-01-01"), today.replace(day=1)]
    assert records.coverage["end"].tolist() == [pd.Timestamp("2023-02-01"), today + pd.Timedelta(days=1)]


def test_a_declared_coverage_replaces_the_guess_and_must_name_every_source() -> None:
    records = read_records(TABLE, "contacts", crs=4326)
    spans = pd.DataFrame({"source": ["contacts"], "start": ["2022-01-01"], "end": ["2024-01-01"]})
    declared = records.with_coverage(spans)
    assert declared.coverage["area"].isna().all()
    assert not any("taken to have reported" in note for note in declared.notes)
    for change, message in (
        (spans.assign(source="Contacts"), "1 source"),
        (spans.assign(end="2021-01-01"), "ends before it begins"),
        (spans.assign(start="soon"), "has no date"),
        (spans.assign(start="01/10/2022"), "has no date"),  # not guessed to be January
        (spans.drop(columns="end"), "has no column end"),
    ):
        with pytest.raises(CommonGroundError, match=message):
            records.with_coverage(change)


def test_a_selection_says_by_which_column_it_was_taken() -> None:
    records = read_records(TABLE, "contacts", crs=4326)
    assert records.where("setting", ["street"]).selection == "setting"
    assert records.selection == ""
    with pytest.raises(CommonGroundError, match="no column 'offence'"):
        records.where("offence", ["x"])


def test_points_move_between_systems_and_back() -> None:
    records = read_records(TABLE, "contacts", crs=4326)
    moved = records.to_crs("EPSG:27700")
    assert moved.crs == "EPSG:27700"
    # Ordnance Survey's National Grid: Liverpool lies in square SJ, 300-400 km east, 300-400 km north
    assert moved.frame["x"].between(330_000, 340_000).all()
    assert moved.frame["y"].between(385_000, 395_000).all()
    back = moved.to_crs("EPSG:4326")
    np.testing.assert_allclose(back.frame[["x", "y"]], records.frame[["x", "y"]], atol=1e-7)
    with pytest.raises(GeographyError, match="have no coordinates"):
        read_records(TABLE.drop(columns=["x", "y"]), "contacts").points()


def test_no_value_of_a_record_is_in_its_repr_and_records_are_not_pickled() -> None:
    records = read_records(TABLE, "contacts", crs=4326)
    for said in (repr(records), str(records), records.summary()):
        assert not any(str(value) in said for value in TABLE.drop(columns="notes").to_numpy().ravel())
    assert not hasattr(records, "_repr_html_")
    with pytest.raises(TypeError, match="hold rows about people"):
        pickle.dumps(records)
    assert isinstance(records, Records)
