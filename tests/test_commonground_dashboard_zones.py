"""Zones add up published values only, and say no more than those hold."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from commonground.dashboard.zones import ALL_COMPARISON, movement_of, zone_label
from commonground.disclosure import Protected
from commonground.disclosure.protected import seal
from commonground.periods import Period

BEFORE, AFTER = Period("2022-01-01", "2024-01-01"), Period("2024-04-01", "2025-01-01")
ZONES = {"treated": ("a",), "ring": ("b", "c"), "north": ("d",), "east": ("e",)}


def protected(values: dict[tuple[str, ...], tuple[int | None, int | None]], **changes: Any) -> Protected:
    """Blocks of areas with a label before and after."""
    rows = [
        (
            min(areas),
            areas,
            period,
            (),
            value,
            None if value is None else value - 2,
            None if value is None else value + 2,
        )
        for areas, pair in values.items()
        for period, value in zip(("before", "after"), pair, strict=True)
    ]
    given: dict[str, Any] = {
        "kind": "contacts", "count": "events", "profile": "partner", "k": 8, "by": (), "tree_digest": "",
        "periods": {"before": BEFORE, "after": AFTER}, "days": {"before": 730.0, "after": 275.0},
        "zones": ZONES, "sources": ("outreach",),
        "citations": (), "as_of": pd.Timestamp("2025-06-30"), "people_known": True, "in_ledger": True,
        "rows": tuple(rows), "seal": seal(),
    }  # fmt: skip
    if changes.get("profile") == "open":
        given |= {"people_known": False, "citations": ("Published tables",)}
    return Protected(**{**given, **changes})


TOWN = {("a",): (440, 130), ("b",): (160, 110), ("c",): (105, 50), ("d",): (585, 230), ("e",): (385, 120)}


def rows(values: dict[tuple[str, ...], tuple[int | None, int | None]], **changes: Any) -> dict[str, dict[str, Any]]:
    found = movement_of(protected(values, **changes), ZONES, reading="contacts")
    return {row["zone"]: row for row in found.frame.to_dict("records")}


def test_one_block_has_the_ratio_and_interval_of_the_gates_formula() -> None:
    # By hand: 130/440 x 730/275 = .7843; variance 1/440 + 1/130 + 2/440^2 + 2/130^2 = .010094; x/ exp(1.96 x .10047).
    treated = rows(TOWN)["treated"]
    assert (treated["ratio"], treated["low"], treated["high"]) == (0.78, 0.64, 0.95)


def test_a_sum_of_two_labels_carries_the_rounding_of_both() -> None:
    # By hand: 160/265 x 730/275 = 1.6027; variance 1/265 + 1/160 + 4/265^2 + 4/160^2 = .010237; x/ exp(1.96 x .10118).
    ring = rows(TOWN)["ring"]
    assert (ring["before"], ring["after"], ring["blocks"]) == (265, 160, 2)
    assert (ring["ratio"], ring["low"], ring["high"]) == (1.6, 1.3, 2.0)


def test_comparison_areas_are_added_up_and_kept_apart() -> None:
    found = rows(TOWN)
    assert (found[ALL_COMPARISON]["before"], found[ALL_COMPARISON]["after"]) == (970, 350)
    assert (found["north"]["before"], found["east"]["after"]) == (585, 120)


def test_rates_are_divided_by_the_observed_days_so_no_change_is_one() -> None:
    same = rows({("a",): (730, 275), ("b", "c"): (50, 50), ("d",): (50, 50), ("e",): (50, 50)})
    assert same["treated"]["ratio"] == 1.0


def test_published_counts_have_the_exact_interval() -> None:
    # Clopper and Pearson (1934) limits of 39 of 55, as odds: R 4.3 binom.test(39, 55)$conf.int is .5710 to .8237.
    span = Period("2012-10-01", "2013-10-01"), Period("2013-10-01", "2014-10-01")
    found = rows(
        {("a",): (16, 39), ("b",): (0, 66), ("c",): (0, 2), ("d",): (0, 0), ("e",): (47, 35)},
        profile="open", days={"before": 365.0, "after": 365.0}, periods={"before": span[0], "after": span[1]},
    )  # fmt: skip
    treated, ring = found["treated"], found["ring"]
    assert treated["ratio"] == pytest.approx(39 / 16)
    assert (treated["low"], treated["high"]) == pytest.approx((0.5710 / 0.4290, 0.8237 / 0.1763), abs=0.01)
    assert math.isinf(ring["ratio"])
    assert ring["low"] == pytest.approx((0.025 ** (1 / 68)) / (1 - 0.025 ** (1 / 68)), rel=1e-6)  # all 68 after
    assert {"ring: b", "ring: c"} <= set(found)


def test_fewer_inside_and_more_next_door_is_named_and_not_called_proof() -> None:
    found = movement_of(protected(TOWN), ZONES, reading="contacts")
    assert found.fell
    assert (
        "440 in the 24 months before and 130 in the 9 months after: 0.78 times the rate before (0.64 to 0.95)"
        in found.sentence
    )
    assert "In the ring around it, 265 and 160: 1.6 times the rate before (1.3 to 2.0)." in found.sentence
    assert found.meaning.endswith("it does not prove that people moved.")


@pytest.mark.parametrize(
    ("treated", "ring", "meaning"),
    [
        ((440, 130), (265, 100), "Fewer inside without more next door"),
        ((440, 165), (265, 160), "More next door without a clear fall inside"),
        ((440, 165), (265, 100), "the intervals hold both movement and none"),
    ],
)
def test_what_the_intervals_hold_decides_what_is_said(treated: Any, ring: Any, meaning: str) -> None:
    values = {("a",): treated, ("b", "c"): ring, ("d",): (585, 230), ("e",): (385, 120)}
    assert meaning in movement_of(protected(values), ZONES, reading="contacts").meaning


@pytest.mark.parametrize(
    ("reading", "meaning"), [("enforcement", "where enforcement was"), ("incidents", "times the share reported")]
)
def test_arrests_and_reports_never_say_where_people_were(reading: str, meaning: str) -> None:
    found = movement_of(protected(TOWN), ZONES, reading=reading)
    assert meaning in found.meaning
    assert "displacement" not in found.sentence


def test_a_zone_inside_a_larger_block_has_no_values_and_the_sentence_says_so() -> None:
    joined = {("a", "b"): (500, 200), ("c",): (105, 50), ("d",): (585, 230), ("e",): (385, 120)}
    found = movement_of(protected(joined), ZONES, reading="contacts")
    treated = found.frame.set_index("zone").loc["treated"]
    assert pd.isna(treated["before"])
    assert pd.isna(treated["ratio"])
    assert not found.fell
    assert found.sentence.startswith("Too few people were seen in the operation area")


def test_a_hidden_label_gives_no_ratio() -> None:
    found = rows({("a",): (440, None), ("b", "c"): (265, 160), ("d",): (585, 230), ("e",): (385, 120)})
    assert math.isnan(found["treated"]["ratio"])


def test_zones_have_words() -> None:
    assert [zone_label(zone) for zone in ("treated", ALL_COMPARISON)] == ["Operation area", "All comparison areas"]


def test_a_movement_shows_no_number_by_accident() -> None:
    found = movement_of(protected(TOWN), ZONES, reading="contacts")
    assert repr(found) == "Movement(5 zones)"
