"""A level of evidence is never higher than what is known of the design, and says why."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.errors import StudyError
from commonground.sampletown import lay_out, sample_folder
from commonground.study import DeclaredDesign, DeclaredShock, load_study
from evaluation.evidence import DesignFacts, design_facts, evidence_level

# The five designs by which the scale defines its levels (Farrington, Gottfredson, Sherman and Welsh 2002, 13-21):
# 1 one point in time; 2 before and after without a comparison; 3 with a comparable one; 4 several units on both sides
# with other variables controlled; 5 units drawn by chance.
ONE = DesignFacts(months_before=0, months_after=12, comparison_areas=3)
TWO = DesignFacts(months_before=24, months_after=12)
THREE = replace(TWO, comparison_areas=1)
FOUR = DesignFacts(
    months_before=24,
    months_after=12,
    treated_areas=2,
    comparison_areas=3,
    pretrends="passed",
    matched=True,
    allocation="chosen",
    allocation_reason="The force chose the two areas with most complaints.",
    data_collection="unlikely",
    data_collection_reason="Contacts are written down by outreach workers, as before.",
)
FIVE = replace(FOUR, allocation="random", pretrends="not checked", matched=None, allocation_reason="Lots were drawn.")
LADDER = {1: ONE, 2: TWO, 3: THREE, 4: FOUR, 5: FIVE}


@pytest.mark.parametrize("level", LADDER)
def test_each_design_of_the_scale_has_its_level(level: int) -> None:
    found = evidence_level(LADDER[level])
    assert found.level == level
    assert found.reason.startswith(f"Level {level} of 5 on the Maryland scale: {found.name}.")
    assert bool(found.lowered) == (level < 5)


WORSE: list[tuple[int, dict[str, Any], int, str]] = [
    (5, {"allocation": "chosen"}, 3, "was not checked"),
    (5, {"allocation": "chosen", "pretrends": "passed", "matched": True}, 4, "not drawn by chance"),
    (5, {"treated_areas": 1}, 3, "too few areas were drawn"),
    (5, {"comparison_areas": 2}, 3, "too few areas were drawn"),
    (5, {"comparison_areas": 0}, 2, "no comparison area"),
    (5, {"data_collection": "unknown"}, 3, "not said that the operation was unlikely"),
    (5, {"data_collection": "likely"}, 2, "likely to change how the data were collected"),
    (5, {"pretrends": "failed"}, 2, "did not move alike before"),
    (4, {"treated_areas": 1}, 3, "fewer than 2 areas had the operation"),
    (4, {"comparison_areas": 2}, 3, "fewer than 3 comparison areas"),
    (4, {"months_before": 11}, 3, "fewer than 12 months before"),
    (4, {"pretrends": "not checked"}, 3, "moved alike before was not checked"),
    (4, {"pretrends": "informational"}, 3, "too weak to tell"),
    (4, {"pretrends": "failed"}, 2, "did not move alike before"),
    (4, {"matched": None}, 3, "not said that the comparison areas were matched"),
    (4, {"allocation": "unknown"}, 3, "not said how the areas of the operation were chosen"),
    (4, {"data_collection": "unknown"}, 3, "not said whether the operation changed how the data"),
    (4, {"data_collection": "likely"}, 2, "likely to change how the data were collected"),
    (4, {"comparison_areas": 0}, 2, "no comparison area"),
    (3, {"matched": False}, 2, "not matched, and no check shows"),
    (3, {"pretrends": "failed"}, 2, "did not move alike before"),
    (3, {"data_collection": "likely"}, 2, "likely to change how the data were collected"),
    (3, {"months_after": 0}, 1, "not both months before and months after"),
    (2, {"months_before": 0}, 1, "not both months before and months after"),
    (5, {"recording_changes": ("New forms",)}, 1, "recording changed when the operation began (New forms)"),
]


@pytest.mark.parametrize(("start", "change", "level", "words"), WORSE)
def test_whatever_is_lacking_lowers_the_level_and_is_named(
    start: int, change: dict[str, Any], level: int, words: str
) -> None:
    found = evidence_level(replace(LADDER[start], **change))
    assert found.level == level
    assert words in found.reason
    assert any(words in reason for reason in found.lowered)


def test_what_the_study_does_not_say_leaves_it_at_three_at_most() -> None:
    best = DesignFacts(months_before=60, months_after=24, treated_areas=9, comparison_areas=50, pretrends="passed")
    assert evidence_level(best).level == 3
    assert evidence_level(replace(best, matched=True, data_collection="unlikely")).level == 3


FACTS = st.builds(
    DesignFacts,
    months_before=st.integers(0, 30),
    months_after=st.integers(0, 12),
    treated_areas=st.integers(0, 4),
    comparison_areas=st.integers(0, 5),
    pretrends=st.sampled_from(["passed", "failed", "informational", "not checked"]),
    matched=st.sampled_from([True, False, None]),
    allocation=st.sampled_from(["random", "chosen", "unknown"]),
    data_collection=st.sampled_from(["unlikely", "likely", "unknown"]),
    recording_changes=st.sampled_from([(), ("New forms",)]),
)


@given(FACTS)
def test_nothing_known_for_worse_ever_raises_a_level(facts: DesignFacts) -> None:
    level = evidence_level(facts).level
    worse = [
        {"data_collection": "unknown" if facts.data_collection == "unlikely" else "likely"},
        {"comparison_areas": 0},
        {"pretrends": "failed"},
        {"recording_changes": ("New forms",)},
        {"months_before": max(0, facts.months_before - 1)},
        {"treated_areas": max(0, facts.treated_areas - 1)},
    ]
    for change in worse:
        assert evidence_level(replace(facts, **change)).level <= level
    if facts.allocation == "random":
        assert evidence_level(replace(facts, allocation="chosen")).level <= level


@given(FACTS)
def test_a_level_below_the_top_always_says_what_is_lacking(facts: DesignFacts) -> None:
    found = evidence_level(facts)
    assert 1 <= found.level <= 5
    assert (found.level == 5) == (not found.lowered)
    if found.level >= 4:  # the conditions of the two top levels, written down a second time
        assert facts.data_collection == "unlikely"
        assert facts.comparison_areas >= 3
        assert facts.treated_areas >= 2
        assert facts.allocation != "unknown"
    assert (found.level == 5) <= (facts.allocation == "random")


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        ("unknown", "", "Not said."),
        ("unlikely", "Same forms.", "Yes, unlikely: Same forms."),
        ("likely", "The police now ask", "No, likely: The police now ask."),
    ],
)
def test_the_question_about_data_collection_is_always_answered_or_said_not_to_be(
    answer: str, reason: str, said: str
) -> None:
    found = evidence_level(replace(THREE, data_collection=answer, data_collection_reason=reason))
    line = f"Was the operation unlikely to change how the data were collected? {said}"
    assert found.data_collection == line
    assert line in found.summary()


def test_the_summary_says_what_a_level_does_not_show_and_the_table_has_one_row() -> None:
    found = evidence_level(FIVE)
    assert "nothing about how large or how certain a change is" in found.summary()
    assert "Lots were drawn)." in found.reason
    row = found.to_frame()
    assert isinstance(row, pd.DataFrame)
    assert row.to_numpy().tolist() == [[5, found.name, found.reason, found.data_collection]]
    assert repr(found) == "EvidenceLevel(...; call .summary())"


def test_three_levels_say_what_the_likeness_of_the_areas_rests_on() -> None:
    words = [
        ({"matched": True}, "because they were matched; the months before were not checked."),
        ({}, "by the rule they were chosen by; the months before were not checked."),
        ({"pretrends": "informational"}, "the months before cannot show it."),
        ({"pretrends": "passed"}, "which moved alike before."),
    ]
    for change, said in words:
        assert said in evidence_level(replace(THREE, **change)).reason


def test_facts_that_cannot_be_are_all_refused_at_once() -> None:
    wrong = DesignFacts(months_before=-1, months_after=True, pretrends="good", allocation="fate", data_collection="no")
    with pytest.raises(StudyError, match="`evidence_level` cannot use what it was given") as refused:
        evidence_level(dataclasses.replace(wrong, matched="yes"))  # type: ignore[arg-type]
    assert set(refused.value.problems["column"]) == {
        "months_before", "months_after", "pretrends", "allocation", "data_collection", "matched",
    }  # fmt: skip


# --- from a study


def test_the_sample_study_is_before_and_after_against_comparison_areas() -> None:
    study = load_study(sample_folder())
    facts = design_facts(study)
    assert (facts.months_before, facts.months_after, facts.treated_areas, facts.comparison_areas) == (24, 9, 5, 2)
    assert evidence_level(facts).level == 3
    assert evidence_level(design_facts(study, pretrends="failed")).level == 2


def test_what_the_study_file_says_of_its_design_reaches_the_facts(tmp_path: Path) -> None:
    file = lay_out(tmp_path)
    text = file.read_text(encoding="utf-8").replace('rule = "The five', 'for_ring = ["East side"]\nrule = "The five')
    before, after = text.split("[design]")
    text = before + after[after.index("[inputs") :]  # without what it says itself
    said = '\n[design]\ndata_collection = "unlikely"\ndata_collection_reason = "Same forms."\nallocation = "random"\n'
    file.write_text(f'{text}{said}allocation_reason = "Lots."\nmatched = true\n', encoding="utf-8")
    facts = design_facts(load_study(file), pretrends="passed")
    assert (facts.data_collection, facts.data_collection_reason, facts.matched) == ("unlikely", "Same forms.", True)
    assert (facts.allocation, facts.allocation_reason) == ("random", "Lots.")
    assert facts.comparison_areas == 1  # the other one is kept for the ring


def test_a_change_of_recording_at_the_start_counts_for_the_outcomes_it_names() -> None:
    study = load_study(sample_folder())
    start = pd.Timestamp("2024-01-01")
    named = DeclaredShock("New forms", start, None, ("reports",), recording=True, coincides=True)
    town = replace(study, shocks=(named,), design=DeclaredDesign())
    assert evidence_level(design_facts(town, outcome="reports")).level == 1
    assert evidence_level(design_facts(town, outcome="arrests")).level == 3
    assert evidence_level(design_facts(town)).level == 3
    everywhere = replace(town, shocks=(replace(named, outcomes=tuple(study.outcomes)),))
    assert evidence_level(design_facts(everywhere)).level == 1
    for harmless in ({"recording": False}, {"coincides": False}):
        assert (
            evidence_level(design_facts(replace(town, shocks=(replace(named, **harmless),)), outcome="reports")).level
            == 3
        )


def test_an_outcome_that_the_study_does_not_have_is_refused() -> None:
    with pytest.raises(StudyError, match=r"outcome: is no outcome of the study\. Use one of: arrests"):
        design_facts(load_study(sample_folder()), outcome="rumours")


def test_the_levels_are_those_of_the_scale_and_no_more() -> None:
    answers = itertools.product(["random", "chosen", "unknown"], ["unlikely", "likely", "unknown"], [0, 1, 3], [0, 24])
    found = {
        evidence_level(
            replace(FOUR, allocation=how, data_collection=data, comparison_areas=areas, months_before=months)
        ).level
        for how, data, areas, months in answers
    }
    assert found == {1, 2, 3, 4, 5}
