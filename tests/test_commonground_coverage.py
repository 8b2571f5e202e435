"""Nothing seen is told from nothing looked for, day by day."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.coverage import (
    clip_spans,
    covered_days,
    merge_spans,
    observed_days,
    seen_rows,
    spread_spans,
    whole_cells,
)
from commonground.periods import Period

PERIODS = {"jan": Period("2023-01-01", "2023-02-01"), "feb": Period("2023-02-01", "2023-03-01")}
Span = tuple[str, str | None, str, str]


def spans(*rows: Span) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["source", "area", "start", "end"])
    for side in ("start", "end"):
        frame[side] = pd.to_datetime(frame[side]).astype("datetime64[us]")
    return frame.astype({"source": "str", "area": "str"})


def test_touching_and_overlapping_spans_are_joined_and_others_kept() -> None:
    merged = merge_spans(
        spans(
            ("s", "A", "2023-02-01", "2023-03-01"),
            ("s", "A", "2023-01-01", "2023-02-01"),
            ("s", None, "2023-01-01", "2023-01-20"),
            ("s", None, "2023-01-10", "2023-02-01"),
            ("t", "A", "2023-01-01", "2023-01-02"),
        )
    )
    assert len(merged) == 3
    assert merged["end"].dt.strftime("%m-%d").tolist() == ["02-01", "03-01", "01-02"]


def test_days_reported_everywhere_and_on_one_area_are_not_counted_twice() -> None:
    coverage = spans(("s", None, "2023-01-01", "2023-01-21"), ("s", "A", "2023-01-11", "2023-02-11"))
    days = covered_days(coverage, ["A", "B"], PERIODS)["s"]
    assert list(days.loc["A"]) == [31, 10]
    assert list(days.loc["B"]) == [20, 0]


def observed(coverage: pd.DataFrame, *, whole: bool, complete: bool, codes: tuple[str, ...] = ("A",)) -> list[float]:
    table = observed_days(coverage, codes, PERIODS, sources=("s", "t"), whole=whole, complete=complete)
    return [float(value) for value in table.iloc[0]]


def test_any_source_and_every_source_are_told_apart_day_by_day() -> None:
    coverage = spans(("s", None, "2023-01-01", "2023-01-21"), ("t", None, "2023-01-11", "2023-03-01"))
    assert observed(coverage, whole=False, complete=False) == [31, 28]
    assert observed(coverage, whole=False, complete=True) == [10, 0]
    assert observed(coverage, whole=True, complete=False) == [0, 28]  # nobody saw all of January
    assert observed(coverage, whole=True, complete=True) == [0, 0]


def test_a_source_that_never_reported_leaves_nothing_complete() -> None:
    coverage = spans(("s", None, "2023-01-01", "2023-03-01"))
    assert observed(coverage, whole=True, complete=True) == [0, 0]
    assert observed(coverage, whole=True, complete=False) == [31, 28]
    assert observed(coverage.iloc[:0], whole=True, complete=False) == [0, 0]


def test_a_row_is_seen_where_and_when_its_own_source_reported() -> None:
    coverage = spans(("s", None, "2023-01-01", "2023-02-01"), ("t", "A", "2023-01-10", "2023-02-01"))
    rows = pd.DataFrame(
        {
            "source": ["s", "t", "t", "t", "u"],
            "area": ["B", "A", "A", "B", "A"],
            "period": [0, 0, 0, 0, 0],
            "start": pd.to_datetime(["2023-01-05", "2023-01-09", "2023-01-10", "2023-01-10", "2023-01-10"]),
        }
    )
    assert seen_rows(coverage, ("A", "B"), PERIODS, rows, whole=False).tolist() == [True, False, True, False, False]
    assert seen_rows(coverage, ("A", "B"), PERIODS, rows, whole=True).tolist() == [True, False, False, False, False]


def test_a_group_is_covered_on_the_days_all_its_areas_are() -> None:
    coverage = spans(
        ("s", "A", "2023-01-01", "2023-01-15"),
        ("s", "A", "2023-02-01", "2023-03-01"),  # with a gap
        ("s", "B", "2023-01-10", "2023-02-10"),
        ("s", None, "2023-02-20", "2023-03-01"),
    )
    joint = spread_spans(coverage, {"AB": ("A", "B"), "AC": ("A", "C")})
    days = covered_days(joint, ["AB", "AC"], PERIODS)["s"]
    assert list(days.loc["AB"]) == [5, 18]  # 10 to 14 January; 1 to 9 and 20 to 28 February
    assert list(days.loc["AC"]) == [0, 9]
    assert joint["area"].notna().all()


def test_clipping_keeps_what_lies_inside_the_periods() -> None:
    coverage = spans(("s", None, "2022-01-01", "2024-01-01"))
    assert clip_spans(coverage, PERIODS)["start"].tolist() == [pd.Timestamp("2023-01-01")]
    apart = {"jan": PERIODS["jan"], "mar": Period("2023-03-01", "2023-04-01")}
    assert clip_spans(coverage, apart)["end"].dt.month.tolist() == [2, 4]
    assert clip_spans(spans(("s", None, "2020-01-01", "2021-01-01")), PERIODS).empty


def test_parts_of_cells_are_cut_off() -> None:
    cut = whole_cells(spans(("s", None, "2023-01-10", "2023-03-01"), ("t", None, "2023-01-10", "2023-01-20")), PERIODS)
    assert cut[["source", "start", "end"]].to_numpy().tolist() == [
        ["s", pd.Timestamp("2023-02-01"), pd.Timestamp("2023-03-01")]
    ]


DAY = st.integers(0, 58).map(lambda n: pd.Timestamp("2023-01-01") + pd.Timedelta(days=n))
SPAN = st.tuples(st.sampled_from(["s", "t"]), st.sampled_from([None, "A", "B"]), DAY, st.integers(1, 40)).map(
    lambda s: (s[0], s[1], s[2], s[2] + pd.Timedelta(days=s[3]))
)


@settings(max_examples=40, deadline=None)
@given(st.lists(SPAN, min_size=1, max_size=8))
def test_days_agree_with_counting_them_one_by_one(rows: list[Span]) -> None:
    coverage = spans(*rows)
    every_day = {
        (source, area): {
            day
            for period in PERIODS.values()
            for day in pd.date_range(period.start, period.end, inclusive="left")
            if any(s == source and a in (None, area) and start <= day < end for s, a, start, end in rows)  # type: ignore[operator]
        }
        for source in ("s", "t")
        for area in ("A", "B", "C")
    }
    found = covered_days(coverage, ["A", "B", "C"], PERIODS)
    for (source, area), days in every_day.items():
        if source in found:
            assert list(found[source].loc[area]) == [sum(day in p for day in days) for p in PERIODS.values()]
    for complete, join in ((True, set.intersection), (False, set.union)):
        joint = observed_days(coverage, ["A"], PERIODS, sources=("s", "t"), whole=False, complete=complete)
        expected = join(every_day["s", "A"], every_day["t", "A"])
        assert list(joint.loc["A"]) == [sum(day in p for day in expected) for p in PERIODS.values()]
    merged = covered_days(merge_spans(coverage), ["A", "B", "C"], PERIODS)
    for source in found:
        pd.testing.assert_frame_equal(merged[source], found[source])


def test_an_area_nobody_names_gets_what_is_reported_everywhere() -> None:
    coverage = spans(("s", "Z", "2023-01-01", "2023-03-01"))
    assert list(covered_days(coverage, ["A"], PERIODS)["s"].loc["A"]) == [0, 0]
    assert list(covered_days(coverage, ["Z"], PERIODS)["s"].loc["Z"]) == pytest.approx([31, 28])
