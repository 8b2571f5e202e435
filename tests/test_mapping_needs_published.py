"""A needs profile that may be released: made from published labels of people and from nothing else."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commonground import protect, read_records, tally
from commonground.disclosure import Plan, Protected
from commonground.errors import CommonGroundError, NotReleasable, RecordsError
from commonground.framework import FRAMEWORK
from commonground.periods import Period
from commonground.records import Records
from commonground.release.tables import Table, require_origin
from mapping.label_counts import NONE, Count, joined, widened
from mapping.levels import NO_SOURCE
from mapping.needs import needs_profile
from mapping.published_needs import PublishedProfile, published_profile
from mapping.sources import published_counts
from mapping.statuses import by_need

YEAR = {"2023": Period("2023-01-01", "2024-01-01")}
TREE = ("a", "b")


def people(area: str, numbers: dict[tuple[str, str], int], setting: str = "street") -> list[tuple[str, ...]]:
    """Rows of different people: so many of each issue and outcome."""
    return [
        (f"2023-0{1 + i % 9}-01", area, f"{area}-{issue}-{status}-{i}", setting, "women", issue, status)
        for (issue, status), n in numbers.items()
        for i in range(n)
    ]


def records(rows: list[tuple[str, ...]]) -> Records:
    frame = pd.DataFrame(rows, columns=["start", "area", "person", "setting", "group", "issues", "outcome"])
    spans = pd.DataFrame({"source": ["contacts"], "start": ["2023-01-01"], "end": ["2024-01-01"]})
    return read_records(frame, "contacts").with_coverage(spans)


def shown(given: Records, by: tuple[str, ...], count: str = "persons", **levels: tuple[str, ...]) -> Protected:
    counted = tally(given, every=YEAR, by=by, count=count)
    plan = Plan(categories=levels, measures=(count,), phases=YEAR)
    return protect(counted, hierarchy=TREE, plan=plan, as_of="2025-01-01")


NUMBERS = {("housing", "met"): 21, ("housing", "unmet"): 33, ("housing", "unknown"): 12, ("health", "met"): 17,
           ("health", "unmet"): 14, ("health", "unknown"): 26}  # fmt: skip
JOINT = tuple(f"{need}: {status}" for need in ("housing", "health") for status in ("met", "unmet", "unknown"))


def town(numbers: dict[tuple[str, str], int] | None = None) -> Records:
    return records([*people("a", numbers or NUMBERS), *people("b", NUMBERS)])


def numbers_of(profile: PublishedProfile, need: str, block: str) -> dict[str, Any]:
    table = profile.to_frame()
    rows = table[(table["need"] == need) & (table["block"] == block)]
    assert len(rows) == 1
    found: dict[str, Any] = rows.iloc[0].to_dict()
    return found


def test_a_profile_of_one_block_is_read_from_its_labels() -> None:
    protected = shown(by_need(town(), periods=YEAR, together=True), ("issues",), issues=JOINT)
    profile = published_profile(protected, settled=True)
    blocks = protected.block_areas()
    whole = numbers_of(profile, "housing", blocks.index[0] if len(blocks) == 1 else "all blocks")
    exact = needs_profile(town(), by=()).to_frame().set_index("need").loc["housing"]
    for name in ("people", "met", "unmet", "unknown"):
        assert whole[f"{name}_low"] <= exact[name] <= whole[f"{name}_high"]
    assert whole["low"] <= exact["low"] <= exact["high"] <= whole["high"]
    # 42 met, 66 unmet, 24 unknown in the two areas: labels 40, 65, 25 if shown as one block
    if len(blocks) == 1:
        assert (whole["met"], whole["unmet"], whole["people"]) == (40, 65, 130)
        assert (whole["low"], whole["high"]) == (63, 67 + whole["unknown_high"])


def test_the_profile_may_be_written_and_exact_ones_may_not() -> None:
    protected = shown(by_need(town(), periods=YEAR, together=True), ("issues",), issues=JOINT)
    profile = published_profile(protected, settled=True)
    require_origin(profile)
    Table("needs", "Needs", profile.to_frame().drop(columns="areas"), profile)
    assert profile.in_ledger is False
    with pytest.raises(NotReleasable, match="holds exact values"):
        require_origin(needs_profile(town()))
    with pytest.raises(CommonGroundError, match="only the gate"):
        PublishedProfile(profile.to_frame(), protected, (), seal=None)
    assert "40" not in repr(profile)
    frame = profile.to_frame()
    frame["people"] = 0.0
    assert (profile.to_frame()["people"] > 0).any()
    assert type(copy.copy(profile)) is PublishedProfile


def test_without_outcomes_everybody_is_of_unknown_status() -> None:
    protected = shown(by_need(town()), ("issues",), issues=("housing", "health"))
    profile = published_profile(protected)
    for row in profile.to_frame().query("need == 'health' or need == 'housing'").to_dict("records"):
        assert math.isnan(row["unmet"])
        assert (row["low"], row["high"]) == (0, row["people_high"])
    assert "unknown for everybody" in profile.summary()


def test_people_may_have_used_two_words_for_one_need() -> None:
    words = {("GP", "met"): 30, ("dentist", "met"): 20}
    rows = [*people("a", words), *people("b", words)]
    protected = shown(records(rows), ("issues",), issues=("GP", "dentist"))
    ours = FRAMEWORK.extended({"health": ["GP", "dentist"]})
    for row in published_profile(protected, framework=ours).to_frame().query("need == 'health'").to_dict("records"):
        if row["block"] != "all blocks":
            own = [cell for cell in protected.rows if cell[0] == row["block"]]
            lows, highs = ([cell[at] for cell in own if cell[3][0] in ("GP", "dentist")] for at in (5, 6))
            if len(lows) == 2:
                assert math.isnan(row["people"])
                assert (row["people_low"], row["people_high"]) == (max(lows), sum(highs))
    outside = published_profile(protected).to_frame()
    assert outside["reading"].eq("not in the framework").sum() >= 1
    assert "not in the framework" in published_profile(protected).summary()


def test_sums_of_labels_are_those_of_different_people_or_bounds() -> None:
    parts = [Count(20, 18, 22), Count(10, 8, 12)]
    assert joined(parts, apart=True) == (30, 26, 34)
    assert joined(parts)[1:] == (18, 34)
    assert math.isnan(joined(parts).value)
    assert all(map(math.isnan, joined([*parts, Count()])))
    assert widened(parts[0], NONE, parts[0]) == parts[0]
    assert widened(parts[1], parts[0], Count(25, 23, 27))[1:] == (8, 27)
    # every world within the labels: statuses of different people
    worlds = np.add.outer(np.arange(18, 23), np.arange(8, 13))
    assert (worlds.min(), worlds.max()) == joined(parts, apart=True)[1:]


def test_needs_that_are_published_joined_stay_joined_and_widen_their_own() -> None:
    few = {("exiting", "unmet"): 40, ("exiting", "unknown"): 2, ("aftercare", "unmet"): 30, ("aftercare", "unknown"): 4}
    given = by_need(records([*people("a", {**NUMBERS, **few}), *people("b", {**NUMBERS, **few})]), together=True)
    order = (*JOINT, "exiting: unmet", "aftercare: unmet", "exiting: unknown", "aftercare: unknown")
    protected = shown(given, ("issues",), issues=order)
    assert any("exiting: unknown or aftercare: unknown" in row[3][0] for row in protected.rows)
    profile = published_profile(protected, settled=True)
    for row in profile.to_frame().query("need == 'exiting' and people_high == people_high").to_dict("records"):
        assert row["unknown_low"] == 0
        assert row["unknown_high"] > 0
        assert row["met_high"] == 0
        assert row["people_high"] == row["unmet_high"] + row["unknown_high"]
        assert math.isnan(row["people"])
        assert row["low"] >= row["unmet_low"] > 0
    assert profile.to_frame()["need"].str.startswith("exiting or aftercare").any()


def test_groups_that_are_not_shown_have_rows_and_only_a_declaration_says_that_nobody_sees_them() -> None:
    protected = shown(by_need(town()), ("issues",), issues=("housing", "health"))
    plan = Plan(categories={"setting": ("street", "online", "boats")}, seen={"setting": ("street", "online")})
    table = published_profile(protected, groups=plan).to_frame()
    told = table[table["split"] == "setting"].set_index("level")
    assert told["reading"].to_dict() == {
        "street": "too few to show, or none", "online": "too few to show, or none", "boats": NO_SOURCE,
    }  # fmt: skip
    assert told["people"].isna().all()
    assert table.set_index("need").at["benefits", "reading"] == "too few to show, or none"


def test_published_people_by_setting_are_what_representation_takes() -> None:
    rows = [*people("a", NUMBERS), *people("b", NUMBERS), *people("a", {("housing", "met"): 30}, "online")]
    protected = shown(records(rows), ("setting",), setting=("street", "online"))
    counted = published_counts(protected, "setting", "2023")
    assert set(counted.columns) == {"value", "low", "high"}
    assert counted["low"].sum() <= 276 <= counted["high"].sum()
    with pytest.raises(CommonGroundError, match="not by group alone"):
        published_counts(protected, "group", "2023")


def test_what_is_no_published_count_of_people_by_issue_is_refused() -> None:
    with pytest.raises(NotReleasable, match=r"call protect\(...\) first"):
        published_profile(needs_profile(town()))  # type: ignore[arg-type]
    with pytest.raises(NotReleasable, match="in people, not in contacts"):
        published_profile(shown(town(), ("issues",), "events", issues=("housing", "health")))
    with pytest.raises(NotReleasable, match="not by issues"):
        published_profile(shown(town(), ("setting",), setting=("street",)))
    with pytest.raises(RecordsError, match="safeguarding route only"):
        published_profile(
            shown(by_need(town()), ("issues",), issues=("housing", "health")), groups={"group": ("women", "under 18")}
        )
