"""One call says what a study shows of displacement, every clause from a number, and none of it can be released."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from commonground import NotReleasable, load_study
from commonground.areas import place
from commonground.dashboard import DisplacementReport, displacement_report
from commonground.dashboard.displacement_rows import read_difference, read_movement
from commonground.dashboard.displacement_words import paragraph_of
from commonground.release.tables import Table
from commonground.release.writer import write_release
from commonground.study import Study
from evaluation import evaluate

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
N = r"(\d[\d,]*(?:\.\d+)?)"
MARGIN = "change of the ring that matters"
MORE = rf"{N} (more|fewer)"
COLUMNS = ["measure", "outcome", "value", "low", "high", "p", "could_have_seen", "reading"]


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(SAMPLE / "study.toml")


@pytest.fixture(scope="module")
def report(study: Study) -> DisplacementReport:
    return displacement_report(study, permutations=199)


def row(table: pd.DataFrame, outcome: str, measure: str) -> dict[str, Any]:
    found = table[(table["outcome"] == outcome) & (table["measure"] == measure)].to_dict("records")
    assert len(found) == 1, (outcome, measure)
    return {str(key): value for key, value in found[0].items()}


def only(study: Study, name: str) -> dict[str, Any]:
    """One outcome, and the input of its name, for a study that has no other."""
    return {"outcomes": {name: study.outcomes[name]}, "inputs": {name: study.inputs[name]}}


# --- every clause follows from a number: a reader of the paragraph that knows nothing of how it is written


def same(text: str, value: float) -> bool:
    """Whether a number as written is the value, rounded to as many places."""
    places = len(text.partition(".")[2])
    return not math.isnan(value) and abs(float(text.replace(",", "")) - value) <= 0.5 * 10**-places + 1e-9


def signed(number: str, way: str, value: float) -> bool:
    return same(number, abs(value)) and (way == "more") == (value >= 0)


def chance(text: str, p: float) -> bool:
    return p < 0.001 if text == "p below .001" else same(text.removeprefix("p "), p)


def difference(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    where = "the operation area|the ring|both together"
    found = re.fullmatch(rf"in ({where}) {MORE} than .* expect \({MORE} to {MORE}\), (.*)", clause)
    assert found, clause
    mine = rows[found[1].removeprefix("the ")]
    ends = [signed(found[i], found[i + 1], mine[name]) for i, name in ((2, "value"), (4, "low"), (6, "high"))]
    told, low, high, seen = found[8], mine["low"], mine["high"], mine["could_have_seen"]
    if told == "a rise":
        return all(ends) and low > 0
    if told == "a fall":
        return all(ends) and high < 0
    numbers = re.findall(N, told)
    if told.startswith("no change that matters"):
        margin = rows[MARGIN]["value"] if found[1] == "the ring" else math.inf
        return all(ends) and same(numbers[0], seen) and bool(seen <= margin) and -margin <= low <= high <= margin
    fine = told.startswith("cannot tell, since less than") and low <= 0 <= high and same(numbers[0], seen)
    return all(ends) and fine and (len(numbers) == 1 or same(numbers[1], rows[MARGIN]["value"]))


def together(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    mine, inside, ring = (rows[name] for name in ("ring and operation area", "operation area", "ring"))
    told = clause.removeprefix("read together, ")
    if told.startswith("what displacement looks like"):
        share = ring["value"] / -inside["value"]
        rightly = inside["high"] < 0 < ring["low"] and same(re.findall(N, told)[0], share)
        return bool(rightly) and "does not prove" in told
    if told.startswith("more next door, and cannot tell"):
        return bool(ring["low"] > 0 and inside["low"] <= 0 <= inside["high"])
    if told.startswith("fewer inside and next door"):
        return bool(inside["high"] < 0 and ring["high"] < 0)
    if told.startswith("fewer inside, and no rise next door that matters"):
        return bool(inside["high"] < 0 and ring["reading"] == "no change that matters")
    if told.startswith("cannot tell"):
        share = min(1, ring["could_have_seen"] / -inside["value"]) if inside["value"] < 0 else math.nan
        numbers = re.findall(N, told)
        return bool(ring["low"] <= 0) and ((not numbers and math.isnan(share)) or same(numbers[0], share))
    return told.startswith("these numbers") and mine["reading"] == told


def ratio(clause: str, mine: dict[str, Any], one: float, words: tuple[str, str]) -> bool:
    numbers, told = re.findall(rf"-?{N}", clause), clause.rpartition(", ")[2]
    fine = [same(n, abs(mine[name])) for n, name in zip(numbers, ("value", "low", "high"), strict=False)]
    low, high = mine["low"], mine["high"]
    if told in words:
        return all(fine) and (low > one if told == words[0] else high < one)
    return all(fine) and "cannot tell" in clause and low <= one <= high


def surface(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    pattern = rf"the share of events (rose|fell) most in (?:the )?(.*?), {N} times \(family-wise (p .*?)\), (.*)"
    found = re.fullmatch(pattern, clause)
    assert found, clause
    mine = rows["greatest rise" if found[1] == "rose" else "greatest fall"]
    firm = found[5] == "more than chance does"
    fine = same(found[3], mine["value"]) and chance(found[4], mine["p"]) and mine["reading"].endswith(f": {found[2]}")
    return fine and firm == (mine["p"] <= 0.05) and firm == (not mine["reading"].startswith("cannot tell"))


def metres(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    pattern = rf"the (centre moved|nearest service is) {N} m ?(further|nearer)?(?: on average)? ?\((p .*?)\), (.*)"
    found = re.fullmatch(pattern, clause)
    assert found, clause
    mine = rows["move of the centre" if found[1] == "centre moved" else "distance to the nearest service"]
    fine = same(found[2], abs(mine["value"])) and chance(found[4], mine["p"])
    fine &= found[3] is None or (found[3] == "further") == (mine["value"] > 0)
    if found[5].startswith("cannot tell"):
        return fine and mine["p"] > 0.05 and same(re.findall(N, found[5])[0], mine["could_have_seen"])
    return fine and mine["p"] <= 0.05 and found[5] in ("a move", found[3])


def kind(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    pattern = rf"by (.*?), (.*) has {MORE} in .* than before \({MORE} to {MORE}\), (missing|none missing)"
    found = re.fullmatch(pattern, clause)
    if found:
        mine = rows[f"missing by {found[1]}: {found[2]}"]
        pairs = [(3, -mine["value"]), (5, -mine["high"]), (7, -mine["low"])]
        surely = mine["low"] > 0 if found[9] == "missing" else mine["high"] < 0
        return surely and all(signed(found[i], found[i + 1], value) for i, value in pairs)
    found = re.fullmatch(rf"by (.*?), {N} to {N} of what is missing are with none of these records", clause)
    if found:
        mine = rows[f"could be by {found[1]}: out of contact"]
        return same(found[2], mine["low"]) and same(found[3], mine["high"]) and mine["low"] > 0
    found = re.fullmatch(rf"by (.*?), (.*) could hold {N} to {N} of what is missing, and no source sees this", clause)
    assert found, clause
    mine = rows[f"could be by {found[1]}: {found[2]}"]
    return same(found[3], mine["low"]) and same(found[4], mine["high"]) and mine["reading"] == "no source sees this"


def untold(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    named = re.findall(rf"([a-z ]+) \(less than {N}\)", clause.partition("missing by ")[2])
    mine = {name.strip(): (name, number) for name, number in named}
    doubtful = {
        measure.removeprefix("missing by ").partition(":")[0]: one
        for measure, one in rows.items()
        if measure.startswith("missing by ") and one["low"] <= 0 <= one["high"]
    }
    return set(mine) == set(doubtful) and all(same(mine[one][1], doubtful[one]["could_have_seen"]) for one in mine)


def follows(clause: str, rows: dict[str, dict[str, Any]]) -> bool:
    """Whether one clause says what the numbers of its outcome bear out; an unknown clause does not."""
    if clause.startswith(("in the ", "in both ")):
        return difference(clause, rows)
    if clause.startswith("read together"):
        return together(clause, rows)
    if clause.startswith("the displacement quotient"):
        mine = rows["displacement quotient"]
        if "no fall to displace" in clause:
            return bool(rows["operation area"]["value"] >= 0 or mine["reading"] == "nothing to displace")
        if "the fall is within chance" in clause:
            return math.isinf(mine["low"])
        return ratio(clause, mine, 0, ("the ring fell too", "the ring rose"))
    if clause.startswith("the share of areas"):
        mine = rows["pattern similarity"]
        differ = ["some areas differ" in text for text in (clause, mine["reading"])]
        return same(re.findall(N, clause)[0], mine["value"]) and differ[0] == differ[1]
    if clause.startswith("the share of events"):
        return surface(clause, rows)
    if clause.startswith(("the centre", "the nearest")):
        return metres(clause, rows)
    if clause.startswith("by "):
        return kind(clause, rows)
    if clause.startswith("cannot tell whether any are missing by"):
        return untold(clause, rows)
    if clause.startswith("set against "):
        against, _, said = clause.removeprefix("set against ").partition(", these records became ")
        mine = rows[f"reports against: {against}"]
        seen = "cannot" not in said or same(re.findall(N, said)[-1], mine["could_have_seen"])
        return seen and ratio(said, mine, 1, ("a rise", "a fall"))
    if clause.startswith("a change of the share reported to"):
        mine, numbers = rows["change of reporting that explains all"], re.findall(N, clause)
        inside = mine["low"] <= mine["value"] <= mine["high"]
        declared = not math.isnan(mine["low"])
        fine = [same(n, mine[name]) for n, name in zip(numbers, ("value", "low", "high"), strict=False)]
        return all(fine) and (len(numbers) == 3) == declared and ((", inside the" in clause) == inside or not declared)
    return False


def clauses(text: str, labels: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each clause with its outcome."""
    marks = sorted((text.index(f"{label}: "), name, label) for name, label in labels.items() if f"{label}: " in text)
    ends = [start for start, *_ in marks[1:]] + [len(text) + 1]
    for (start, name, label), end in zip(marks, ends, strict=True):
        sentence = text[start + len(label) + 2 : end - 1].rstrip()
        assert sentence.endswith("."), sentence
        yield from ((name, clause) for clause in sentence.removesuffix(".").split("; "))


def complaints(text: str, table: pd.DataFrame, labels: dict[str, str]) -> list[str]:
    wrong = []
    for name, clause in clauses(text, labels):
        mine = table[table["outcome"] == name]
        rows = {str(one["measure"]): {str(k): v for k, v in one.items()} for one in mine.to_dict("records")}
        if not follows(clause, rows):
            wrong.append(clause)
    return wrong


def test_every_clause_of_the_paragraph_follows_from_a_number_of_the_table(report: DisplacementReport) -> None:
    labels = dict(report.labels)
    assert not complaints(report.paragraph, report.table, labels)
    told = list(clauses(report.paragraph, labels))
    assert {name for name, _ in told} == {"arrests", "reports", "police_violence", "contacts"}
    assert len(told) > 40
    assert "\n" not in report.paragraph


def test_a_broken_table_makes_the_check_red_whichever_number_is_broken(report: DisplacementReport) -> None:
    labels, unnoticed = dict(report.labels), []
    spoken = report.table[(report.table["outcome"] != "") & (report.table["reading"] != "declared")]
    for at, one in spoken.iterrows():
        if one["measure"].startswith("could be by") and one["reading"] == "cannot tell":
            continue  # said only where some are surely there
        for column in ("value", "p") if one["measure"].startswith("greatest") else ("value", "low", "high"):
            if pd.isna(one[column]) or math.isinf(one[column]) or not said(one, column):
                continue
            broken = report.table.copy()
            broken.loc[at, column] = 10 * abs(one[column]) + 5
            if not complaints(report.paragraph, broken, labels):
                unnoticed.append((one["outcome"], one["measure"], column))
    assert not unnoticed


def said(one: pd.Series, column: str) -> bool:
    """Whether the paragraph says a number: not of a quotient without a reading, nor of kinds that cannot be told."""
    if one["measure"] == "displacement quotient":
        return one["reading"] not in ("nothing to displace", "cannot tell")
    if one["measure"] == "ring and operation area":
        return False  # said from its parts
    return not (one["measure"].startswith("missing by") and (one["reading"] == "cannot tell" and column != "low"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a rise", "a fall"),
        ("cannot tell, since less than", "no change that matters, where"),
        ("more than chance does", "cannot tell, since chance can do this"),
        ("more than the comparison", "fewer than the comparison"),
        ("cannot tell whether any are missing by", "nothing is missing by"),
        ("read together, more next door", "read together, what displacement looks like (2.31 of the missing): more"),
        ("inside the declared range", "outside the declared range"),
    ],
)
def test_a_clause_that_says_something_else_is_seen(before: str, after: str, report: DisplacementReport) -> None:
    assert before in report.paragraph
    assert complaints(report.paragraph.replace(before, after, 1), report.table, dict(report.labels))


# --- never "no displacement" where power was low


def test_the_paragraph_never_says_that_there_was_no_displacement(report: DisplacementReport) -> None:
    low_power = report.table[report.table["reading"] == "cannot tell"]
    assert len(low_power)
    assert not re.search(r"no displacement|did not move|nothing moved", report.paragraph)
    assert "Cannot tell is no evidence that nothing moved" in report.summary()


def test_where_a_ring_cannot_be_told_what_could_have_been_seen_is_said(report: DisplacementReport) -> None:
    ring = row(report.table, "police_violence", "ring")
    assert ring["reading"] == "cannot tell"
    assert ring["could_have_seen"] == pytest.approx(report.smallest["police_violence"].rise)  # type: ignore[index]
    assert f"less than {ring['could_have_seen']:.1f} either way can pass unseen" in report.paragraph


@pytest.mark.parametrize("half", [1.0, 5.0, 19.0, 40.0])
@pytest.mark.parametrize("margin", [math.nan, 0.0, 4.0, 20.0])
@pytest.mark.parametrize("seen", [1.5, 10.0, 21.0, math.inf])
def test_no_change_that_matters_needs_power_and_an_interval_inside_the_margin(
    half: float, margin: float, seen: float
) -> None:
    reading = read_difference(-half, half, seen, margin)
    assert reading == ("no change that matters" if half <= margin and seen <= margin else "cannot tell")


def test_a_ring_without_power_leaves_where_they_went_open() -> None:
    assert read_movement("fell", "cannot tell", "contacts") == "cannot tell where they went"
    for kind_of in ("enforcement", "incidents"):
        for pair in (("fell", "rose"), ("fell", "no change that matters"), ("cannot tell", "cannot tell")):
            assert "where people were" in read_movement(*pair, kind_of)


# --- planted truth


def planted_moves(study: Study) -> int:
    """Contacts of the months after with people whom the town's generator moved, all of them placed in the ring."""
    raw = pd.read_csv(SAMPLE / "contacts.csv", dtype="str")
    records = study.located("contacts")
    moved = raw["Client ID"].isin(json.loads((SAMPLE / "truth.json").read_text())["displacement"]["codes"])
    later = moved & (records.frame["start"] >= study.phases["after"].start)
    assert set(place(records, study.areas)[later]) <= set(study.ring)
    return int(later.sum())


def test_the_planted_displacement_is_found_and_its_size_lies_in_the_interval(
    report: DisplacementReport, study: Study
) -> None:
    ring, size = row(report.table, "contacts", "ring"), planted_moves(study)
    assert size > 20
    assert ring["reading"] == "rose"
    assert ring["low"] <= size <= ring["high"]
    assert row(report.table, "contacts", "greatest rise")["reading"] == "rose in: ring"
    assert row(report.table, "contacts", "greatest fall")["reading"] == "fell in: operation area"


def test_planted_reporting_lies_inside_the_interval_and_the_range_that_explains_all(
    report: DisplacementReport,
) -> None:
    found = row(report.table, "reports", "reports against: Contacts with services")
    assert found["low"] <= 0.6 <= found["high"]
    assert (
        row(report.table, "reports", "change of reporting that explains all")["reading"] == "inside the declared range"
    )


# --- the table and the parts are the results of the functions


def test_differences_are_those_of_the_verdict(report: DisplacementReport, study: Study) -> None:
    for judged in evaluate(study).to_frame().to_dict("records"):
        both = row(report.table, judged["outcome"], "both together")
        wanted = [judged[key] for key in ("wdd", "wdd_low", "wdd_high")]
        assert [both[key] for key in ("value", "low", "high")] == pytest.approx(wanted)


def test_the_table_is_tidy_and_holds_the_parts(report: DisplacementReport) -> None:
    assert list(report.to_frame()) == COLUMNS
    assert not report.table.duplicated(["outcome", "measure"]).any()
    contacts = {name: getattr(report, name)["contacts"] for name in ("wdq", "similarity", "shifts", "distances")}
    assert row(report.table, "contacts", "displacement quotient")["value"] == contacts["wdq"].value
    assert row(report.table, "contacts", "pattern similarity")["value"] == contacts["similarity"].s_robust
    assert row(report.table, "contacts", "move of the centre")["p"] == contacts["shifts"].table.loc["centre", "p"]
    mean = contacts["distances"].table.loc["mean"]
    assert row(report.table, "contacts", "distance to the nearest service")["value"] == mean["moved"]


def test_the_rings_have_their_ground_and_residents(report: DisplacementReport, study: Study) -> None:
    for zone, codes in study.zones.items():
        mine = study.areas.loc[list(codes)]
        assert report.rings.loc[zone, "ground_km2"] == pytest.approx(mine.area.sum() / 1e6)
        assert report.rings.loc[zone, "residents"] == pytest.approx(mine["population"].sum())
    assert row(report.table, "", "ring: residents")["value"] == pytest.approx(report.rings.loc["ring", "residents"])


def test_what_a_move_of_the_centre_needs_to_be_seen_is_the_power_of_a_test_in_the_plane() -> None:
    from commonground.dashboard.displacement_rows import _PLANE

    critical = stats.chi2.ppf(0.95, 2)
    assert stats.ncx2.sf(critical, 2, _PLANE**2) == pytest.approx(0.8, abs=1e-3)


def test_kinds_are_counted_in_operation_area_and_ring_of_the_matched_months(
    report: DisplacementReport, study: Study
) -> None:
    table = report.kinds["contacts"].to_frame()  # type: ignore[index]
    street = table[(table["dimension"] == "setting") & (table["level"] == "street")].iloc[0]
    own = study.tally("contacts", by=("setting",)).to_frame()
    near = own[(own["setting"] == "street") & own["area"].isin(study.treated + study.ring)]
    month = near["period"].astype("str")
    counts = [near.loc[month.between(f"{year}-04", f"{year}-12"), "value"].sum() for year in (2023, 2024)]
    assert [street["before"], street["after"]] == counts
    hours = table[table["dimension"] == "time of day"].dropna(subset=["before"])
    assert hours["before"].sum() == pytest.approx(table.loc[table["dimension"] == "setting", "before"].sum())


# --- what the data cannot support is said, not raised


def test_without_a_ring_or_services_the_report_says_so(study: Study) -> None:
    bare = replace(study, ring=(), **only(study, "contacts"))
    found = displacement_report(bare, permutations=19)
    assert found.wdq is None
    assert found.smallest is None
    assert found.distances is None
    assert found.missing["wdq"] == "no ring was declared."
    assert found.missing["distances"] == "the study names no services."
    assert "No distances: the study names no services." in found.summary()
    assert not complaints(found.paragraph, found.table, dict(found.labels))


def test_without_comparison_areas_no_difference_is_made_up(study: Study) -> None:
    bare = replace(study, comparison={}, **only(study, "contacts"))
    found = displacement_report(bare, permutations=19)
    assert found.wdd is None
    assert found.missing["wdd"] == "there are no comparison areas."
    assert "comparison areas lead one to expect" not in found.paragraph


def test_an_outcome_without_events_is_named_and_the_others_are_read(study: Study) -> None:
    none = replace(study.outcomes["police_violence"], where={"offence": ("no such offence",)})
    some = replace(study, outcomes={"none": none, "contacts": study.outcomes["contacts"]})
    found = displacement_report(some, permutations=19)
    assert "no events" in found.missing["none"]
    assert set(found.wdd or {}) == {"contacts", "input reports", "input arrests"}


def test_an_input_of_which_no_outcome_is_made_is_read_without_a_margin(study: Study) -> None:
    found = displacement_report(replace(study, outcomes={}), permutations=19)
    assert set(found.labels) == {"input contacts", "input reports", "input police", "input arrests"}
    assert not (found.table["measure"] == "change of the ring that matters").any()
    assert not (found.table["reading"] == "no change that matters").any()


def test_a_level_that_no_source_sees_is_said(study: Study) -> None:
    levels = ("street", "off-street", "online", "with friends")
    blind = replace(
        study,
        categories={"setting": levels},
        seen={"setting": levels[:-1]},
        **only(study, "reports"),
    )
    found = displacement_report(blind, permutations=19)
    assert "with friends could hold 0.0 to" in found.paragraph
    assert row(found.table, "reports", "could be by setting: with friends")["reading"] == "no source sees this"
    assert not complaints(found.paragraph, found.table, dict(found.labels))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["clearlight", "liverpool"])
def test_the_examples_are_read_and_every_clause_follows(name: str, real_data: Path) -> None:
    found = displacement_report(load_study(ROOT / "examples" / name), permutations=99)
    assert not complaints(found.paragraph, found.table, dict(found.labels))
    assert found.kinds is None
    if name == "liverpool":  # which lists its clinics and pharmacies
        assert "distances" not in found.missing
    else:
        assert found.missing["distances"] == "the study names no services."
    assert (found.surface is None) == (name == "clearlight")


def test_the_same_seed_gives_the_same_table(study: Study) -> None:
    small = replace(study, **only(study, "reports"))
    first, second = (displacement_report(small, permutations=19, seed=3).table for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


# --- exact: nothing of it can be released


def test_the_report_prints_nothing_and_travels_in_no_pickle(report: DisplacementReport) -> None:
    assert repr(report) == str(report) == "DisplacementReport(...; call .summary())"
    assert not hasattr(report, "_repr_html_")
    assert not hasattr(report, "plot")
    assert not any(hasattr(one, "_repr_html_") or hasattr(one, "plot") for one in (report.surface or {}).values())
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(report)
    assert copy.deepcopy(report).paragraph == report.paragraph


def test_nothing_of_the_exact_report_is_rendered_or_written(report: DisplacementReport, tmp_path: Path) -> None:
    parts = [getattr(report, name) for name in ("surface", "shifts", "kinds", "similarity", "wdd", "wdq", "distances")]
    for origin in [report, report.table, report.rings, *(part["contacts"] for part in parts if "contacts" in part)]:
        with pytest.raises(NotReleasable, match="only protected values are rendered"):
            Table("x", "Displacement", report.to_frame(), origin)
        with pytest.raises(NotReleasable, match="only protected values are rendered"):
            write_release(tmp_path / "out", {"a.csv": b"a\n"}, origins=[origin])
    assert not (tmp_path / "out").exists()


def test_a_broken_reading_of_a_table_is_not_hidden_by_the_words(report: DisplacementReport) -> None:
    table = report.to_frame()
    ring = (table["outcome"] == "contacts") & (table["measure"] == "ring")
    table.loc[ring, "reading"] = "no change that matters"
    assert complaints(paragraph_of(table, report.labels), table, dict(report.labels))
    assert np.isfinite(table.loc[ring, "value"]).all()
