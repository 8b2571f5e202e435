"""Questions and windows: what is answered from published cells, and what windows counted anew would prove."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commonground.disclosure import Ledger, Protected, attacker_bounds, protect
from commonground.disclosure.hierarchy import Tree
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period, calendar
from commonground.records import read_records
from commonground.tallies import tally

YEAR = Period("2023-01-01", "2024-01-01")
TREE: Tree = ("a", ("b", "c"))


def visits(counts: Mapping[tuple[str, int], int], *, year: int = 2023) -> pd.DataFrame:
    """One row a person and quarter: the first n people of an area come in a quarter."""
    return pd.DataFrame(
        [
            {"start": f"{year}-{3 * quarter - 2:02d}-10", "area": area, "person": f"{area}{i}"}
            for (area, quarter), n in counts.items()
            for i in range(n)
        ]
    )


def gated(frame: pd.DataFrame, *, count: str = "persons", every: Any = "quarter", **options: Any) -> Protected:
    first, last = (pd.to_datetime(frame["start"]).dt.year.agg(side) for side in ("min", "max"))
    span = {"source": ["contacts"], "area": [None], "start": [f"{first}-01-01"], "end": [f"{last + 1}-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    options = {"hierarchy": TREE, **options}
    return protect(tally(records, every=every, count=count), **options)


FOUR = {("a", quarter): n for quarter, n in zip((1, 2, 3, 4), (30, 12, 9, 21), strict=True)}
PIECES = visits({**FOUR, ("b", 1): 20, ("c", 1): 3})


def test_events_of_a_window_are_the_sum_of_its_quarters() -> None:
    shown = gated(PIECES, count="events")
    labels = [30, 10, 10, 20]
    assert [row[4] for row in shown.rows if row[0] == "a"] == labels
    halves = shown.window(["2023Q1", "2023Q2"], areas="a")
    assert (halves.value, halves.low, halves.high) == (40, 28 + 8, 32 + 12)
    assert halves.counted == "events"
    assert shown.window(Period("2023-04-01", "2023-10-01"), areas="a").value == 20
    assert str(shown.window("2023", areas="a")) == "70 in [62, 78]"


def test_people_of_several_quarters_have_bounds_and_no_value() -> None:
    """gate.md step 10: from the largest of the quarters - 2 to their sum + 2 a quarter."""
    shown = gated(PIECES)
    window = shown.window(["2023Q1", "2023Q2", "2023Q3", "2023Q4"], areas="a")
    assert (window.value, window.low, window.high) == (None, 28, 30 + 10 + 10 + 20 + 4 * 2)
    assert window.low <= 30 <= window.high  # the truth: the thirty of the first quarter come back
    assert "bounds only" in window.counted
    assert str(window) == "between 28 and 78"
    assert shown.window("2023Q3", areas="a").value == 10  # one closed period
    assert shown.answer("a").counted == "people per period, summed"  # the sum is named so


def test_a_window_over_blocks_that_were_and_were_not_cut_in_time() -> None:
    shown = gated(PIECES)
    assert {(row[0], row[2]) for row in shown.rows if row[0] == "b"} == {("b", "2023")}
    whole = shown.window("2023")
    assert (whole.value, whole.low, whole.high) == (None, 28 + 23, 78 + 27)
    assert whole.counted.startswith("persons per block, summed")
    cut = shown.window("2023Q1", areas=["a", "b"])
    assert (str(cut), cut.periods) == ("coarsen to a, b, c in 2023", ("2023",))
    assert str(shown.window(Period("2023-01-01", "2023-02-01"), areas="a")) == "coarsen to a in 2023Q1"


def test_one_closed_period_of_every_block_keeps_its_sum() -> None:
    shown = gated(visits({("a", 1): 30, ("b", 2): 20, ("c", 3): 3}), every="year")
    answer = shown.window("2023")
    assert (answer.value, answer.low, answer.high) == (55, 28 + 23, 32 + 27)
    assert answer.counted == "people per block, summed"


def test_a_question_over_years_that_were_cut_differently_is_closed_over_both() -> None:
    frame = pd.concat([visits({("a", 1): 30, ("b", 1): 20, ("c", 1): 20}),
                       visits({("a", 1): 30, ("b", 1): 20, ("c", 1): 3}, year=2022)])  # fmt: skip
    shown = gated(frame, every="year", count="events")
    assert {(row[0], row[2]): row[1] for row in shown.rows if "b" in row[1]} == {
        ("b", "2023"): ("b",),
        ("b+1", "2022"): ("b", "c"),  # a block of other areas has another name
    }
    assert str(shown.answer("b", "2023")) == "20 in [18, 22]"
    assert str(shown.answer("b")) == "coarsen to b, c"
    assert shown.answer("bc").value == 65
    change = shown.change("2022", "2023")["ratio"]
    assert change.notna().to_dict() == {"a": True, "b": False, "b+1": False, "c": False}


@pytest.mark.parametrize(
    ("areas", "periods"),
    [("a", "2022"), ("z", "2023Q1"), ((), "2023Q1"), ("a", ()), ("a", Period("2022-12-01", "2023-04-01"))],
)
def test_what_was_not_published_is_refused(areas: Any, periods: Any) -> None:
    shown = gated(PIECES)
    for ask in (shown.answer, lambda areas, periods: shown.window(periods, areas=areas)):
        with pytest.raises(CommonGroundError, match="not published"):
            ask(areas, periods)
    with pytest.raises(CommonGroundError, match="not published"):
        shown.window("2023Q1", categories=("street",))


# --- nine sliding windows over the same records

MONTHS = [f"2023-{month:02d}" for month in range(1, 13)]
A_MONTH = dict(zip(MONTHS, [9, 0, 0, 9, 0, 1, 9, 0, 0, 9, 0, 0], strict=True))  # one person in June


def sliding(size: int = 4) -> dict[str, list[str]]:
    return {f"{MONTHS[i]} on": MONTHS[i : i + size] for i in range(len(MONTHS) - size + 1)}


def test_sliding_windows_that_are_counted_anew_would_prove_small_numbers() -> None:
    assert len(sliding()) == 9
    plain = [(months, sum(A_MONTH[month] for month in months)) for months in sliding().values()]
    assert all(n >= 8 for _, n in plain)  # plain suppression hides none of them
    bounds = attacker_bounds(plain, hidden=MONTHS).to_frame().set_index("cell")
    assert bounds.at["2023-06", "low"] == 1  # the window from March less the one from February: June less February


def test_nine_sliding_windows_through_the_gate_are_those_that_share_no_day(tmp_path: Path) -> None:
    """The first is published, and what shares days with it is refused, so that nothing can be subtracted."""
    frame = pd.DataFrame(
        [
            {"start": f"{month}-05", "area": "a", "person": f"{month} {i}"}
            for month, n in A_MONTH.items()
            for i in range(3 * n)
        ]
    )
    book = tmp_path / "study.ledger"
    starts = calendar(YEAR, "month")
    windows = [{"window": Period(starts[i].start, starts[i + 3].end)} for i in range(9)]
    released = gated(frame, every=windows[0], hierarchy="a", ledger=book)
    for window in windows[1:4]:
        with pytest.raises(NotReleasable, match="share days with these"):
            gated(frame, every=window, hierarchy="a", ledger=book)
    apart = gated(frame, every=windows[4], hierarchy="a", ledger=book)  # closed, and shares no day with the first
    for window in windows[5:8]:
        with pytest.raises(NotReleasable, match="share days with these"):
            gated(frame, every=window, hierarchy="a", ledger=book)
    lone = "2023-06"
    first = [(MONTHS[:4], *released.rows[0][5:]), (MONTHS[4:8], *apart.rows[0][5:])]
    bounds = attacker_bounds(first, hidden=MONTHS[:8])
    assert set(bounds.low) == {0}
    assert min(bounds.high) >= 7
    assert lone in bounds.cells


def test_windows_rolled_from_published_cells_tell_nothing_but_those_cells() -> None:
    """Nine windows over twelve quarters: what they say is implied by the labels of the quarters."""
    rng = np.random.default_rng(5)
    frame = pd.concat(
        [visits({("a", q): int(n) for q, n in zip((1, 2, 3, 4), rng.integers(8, 40, 4), strict=True)}, year=year)
         for year in (2021, 2022, 2023)]
    )  # fmt: skip
    shown = gated(frame, count="events", hierarchy="a")
    quarters = list(shown.periods)
    assert len(quarters) == 12
    cells = {row[2]: row[5:] for row in shown.rows}
    known = [([name], *span) for name, span in cells.items()]
    windows = [quarters[i : i + 4] for i in range(9)]
    rolled = [(names, answer.low, answer.high) for names in windows if (answer := shown.window(names))]
    without, beside = (attacker_bounds(given, hidden=quarters) for given in (known, [*known, *rolled]))
    assert (without.low, without.high) == (beside.low, beside.high)


def test_the_ledger_holds_no_finer_cell_than_was_asked_about(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "study.ledger")
    shown = gated(PIECES, ledger=book)
    before = book.head
    shown.window("2023")
    shown.answer("abc")
    assert book.head == before  # a question writes nothing: it tells nothing new
