"""A range of people through the gate: rounded outwards, once, and not at all where few are on two lists."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.disclosure.ledger import Ledger
from commonground.disclosure.ranges import Estimated, PublishedRange, publish_range
from commonground.errors import CommonGroundError
from commonground.periods import Period

YEAR = Period("2023-01-01", "2024-01-01")
LISTS = {"outreach": ["contacts"], "scheme": ["reports"]}


def estimated(low: float = 268.7, high: float = 609.9, **own: Any) -> Estimated:
    values: dict[str, Any] = {"verdict": "usable", "least_overlap": 42, "share": (0.31, 0.722), **own}
    return Estimated(**({"low": low, "high": high} | values))


def published(book: Path | Ledger, one: Estimated | None = None, **own: Any) -> PublishedRange:
    ledger = book if isinstance(book, Ledger) else Ledger(book)
    asked: dict[str, Any] = {"declared": LISTS, "window": YEAR, "as_of": pd.Timestamp("2025-06-30")} | own
    return publish_range(one or estimated(), asked.pop("declared"), book=ledger, **asked)


def test_a_range_is_rounded_outwards_to_two_digits_and_shares_to_five_points(tmp_path: Path) -> None:
    found = published(tmp_path / "ledger")
    assert (found.low, found.high, found.share_low, found.share_high) == (260, 610, 30, 75)
    assert found.summary() == (
        "There were 260 to 610 people, if the lists are as the study declares them. The services on these lists met 30 "
        "to 75 % of them."
    )
    assert found.released
    assert found.in_ledger
    assert found.to_frame()["low"].tolist() == [260, 30]
    assert "260" not in repr(found)


@given(low=st.floats(1, 1e5), more=st.floats(0, 1e5))
def test_the_published_range_holds_the_exact_one(
    tmp_path_factory: pytest.TempPathFactory, low: float, more: float
) -> None:
    found = published(tmp_path_factory.mktemp("r") / "ledger", estimated(low, low + more))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= low <= low + more <= found.high
    assert found.low >= low * 0.9 - 5
    assert found.high <= (low + more) * 1.1 + 5
    assert all(end % 5 == 0 for end in (found.low, found.high))


@pytest.mark.parametrize("overlap", [0, 7, 19])
def test_nothing_is_published_where_fewer_than_twenty_are_on_two_lists_and_it_stands(
    tmp_path: Path, overlap: int
) -> None:
    found = published(tmp_path / "ledger", estimated(least_overlap=overlap))
    assert (found.low, found.high, found.share_high, found.verdict) == (None, None, None, "")
    assert found.summary().startswith("Too few people are on two of the lists")
    assert not len(found.to_frame())
    assert published(tmp_path / "ledger", estimated(least_overlap=90)).low is None  # a refusal stands
    assert published(tmp_path / "other", estimated(least_overlap=20)).low == 260


def test_a_later_run_repeats_what_was_published_whatever_came_since(tmp_path: Path) -> None:
    first = published(tmp_path / "ledger")
    size = (tmp_path / "ledger").stat().st_size
    again = published(tmp_path / "ledger", estimated(300, 900))
    assert again.to_frame().equals(first.to_frame())
    assert (tmp_path / "ledger").stat().st_size == size


@pytest.mark.parametrize(
    "other", [{"declared": LISTS | {"clinic": ["contacts"]}}, {"window": Period("2023-01-01", "2023-12-01")}]
)
def test_other_lists_or_another_window_are_not_published_beside_it(tmp_path: Path, other: dict[str, Any]) -> None:
    published(tmp_path / "ledger")
    found = published(tmp_path / "ledger", **other)
    assert found.low is None
    assert found.summary().startswith("Published before from other lists")


def test_a_window_that_ended_too_recently_waits_and_is_not_refused_for_good(tmp_path: Path) -> None:
    early = published(tmp_path / "ledger", as_of=pd.Timestamp("2024-03-31"))
    assert early.summary().startswith("The window of the lists ended too recently")
    assert published(tmp_path / "ledger", as_of=pd.Timestamp("2024-04-01")).low == 260
    public = published(tmp_path / "other", as_of=pd.Timestamp("2024-04-01"), profile="public")
    assert public.low is None


def test_a_floor_has_no_upper_end_and_no_estimate_no_end_at_all(tmp_path: Path) -> None:
    floor = published(tmp_path / "floor", estimated(258.9, 293.5, verdict="floor only", share=(0.0, 0.82)))
    assert (floor.low, floor.high) == (250, None)
    assert "met at most 85 % of them" in floor.summary()
    nothing = published(tmp_path / "none", estimated(math.nan, math.nan, verdict="do not estimate"))
    assert (nothing.low, nothing.high, nothing.verdict) == (None, None, "do not estimate")
    assert "do not allow an estimate" in nothing.summary()


def test_a_held_range_is_written_with_its_release_and_a_refusal_at_once(tmp_path: Path) -> None:
    held = Ledger(tmp_path / "ledger", study="Town", held=True)
    published(held)
    assert not (tmp_path / "ledger").exists()
    held.commit("0" * 64)
    assert published(tmp_path / "ledger", estimated(1, 2)).low == 260
    other = Ledger(tmp_path / "other", study="Town", held=True)
    published(other, estimated(least_overlap=3))
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "one", [{"low": 5.0, "high": 4.0}, {"low": math.nan}, {"high": math.inf}, {"verdict": "certain"}]
)
def test_ends_or_a_verdict_that_are_none_are_refused(tmp_path: Path, one: dict[str, Any]) -> None:
    with pytest.raises(CommonGroundError, match="ends from 0 up, low before high"):
        published(tmp_path / "ledger", estimated(**one))


def test_published_statistics_name_nobody(tmp_path: Path) -> None:
    with pytest.raises(CommonGroundError, match="name nobody"):
        published(tmp_path / "ledger", profile="open")


def test_a_range_cannot_be_made_or_changed_by_hand_and_comes_out_of_a_pickle_unwritable(tmp_path: Path) -> None:
    found = published(tmp_path / "ledger")
    with pytest.raises((CommonGroundError, TypeError, ValueError)):
        dataclasses.replace(found, low=1)  # type: ignore[call-arg]
    assert copy.deepcopy(found) is found
    assert not pickle.loads(pickle.dumps(found)).in_ledger
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(estimated())
    assert repr(estimated()) == "Estimated(...)"
