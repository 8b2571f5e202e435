"""trade_offs: what moved by goal follows from the rows, and no sentence says more than they do."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure.labels import significant
from commonground.errors import StudyError
from evaluation.judging.readings import read_row
from evaluation.tradeoffs import TradeOffs, trade_offs
from evaluation.verdict import judge

GOALS = ("enforcement", "trust", "safety", "access")
SHOWN = {"firm": True, "p_holm": 0.01, "margin": 0.1}
RISE, FALL, NOTHING = (1.8, 1.3, 2.5), (0.5, 0.3, 0.8), (1.0, 0.95, 1.05)
OPEN = (0.8, 0.5, 1.3)


def row(label: str, goal: str, good: str, numbers: tuple[float, float, float], **more: Any) -> dict[str, Any]:
    ratio, low, high = numbers
    made = {
        "outcome": label.lower(), "label": label, "goal": goal, "good": good, "primary": True, "reports": False,
        "ratio": ratio, "low": low, "high": high, "p": 0.01, "months_before": 24, "months_after": 9, **SHOWN, **more,
    }  # fmt: skip
    return made | {"verdict": more.get("verdict") or judge(made)}


def read(*rows: dict[str, Any]) -> TradeOffs:
    return trade_offs(pd.DataFrame(rows))


def reading(found: TradeOffs, goal: str) -> str:
    return str(found.goals.set_index("goal").at[goal, "reading"])


ARRESTS = row("Arrests", "enforcement", "neither", RISE)
REPORTS = row("Reports to the scheme", "trust", "rise", FALL, reports=True)
HOUSED = row("People housed", "access", "rise", RISE)


def test_arrests_up_and_reports_down_moved_two_goals_against_one_another() -> None:
    found = read(ARRESTS, REPORTS)
    assert found.conflicts == (
        "“Arrests” rose while recorded numbers of “Reports to the scheme” fell: enforcement and trust moved against "
        "one another.",
    )
    assert [reading(found, goal) for goal in GOALS] == ["neither", "bad", "not measured", "not measured"]
    assert found.text.startswith("Enforcement: moved, declared neither good nor bad: “Arrests” rose. Trust and")
    assert "Safety: not measured by this study." in found.text


def test_a_gain_and_a_loss_conflict_and_two_gains_do_not() -> None:
    assert len(read(HOUSED, REPORTS).conflicts) == 1
    assert not read(HOUSED, row("Reports", "trust", "rise", RISE, reports=True)).conflicts
    assert "No two goals were shown to move against one another." in read(HOUSED).text


def test_fewer_arrests_declared_good_agree_with_more_reports_and_more_arrests_with_fewer() -> None:
    fewer, more = (row("Arrests", "enforcement", "fall", numbers) for numbers in (FALL, RISE))
    reported = row("Reports", "trust", "rise", RISE, reports=True)
    assert reading(read(fewer), "enforcement") == "good"
    assert not read(fewer, reported).conflicts
    assert not read(more, REPORTS).conflicts  # both were declared bad: that is no conflict, but a double loss
    assert len(read(more, reported).conflicts) == 1


def test_within_a_goal_gain_and_loss_are_said_and_never_added_up() -> None:
    found = read(HOUSED, row("Seen by a nurse", "access", "rise", FALL))
    assert reading(found, "access") == "good and bad"
    assert found.conflicts == (
        "“People housed” rose while “Seen by a nurse” fell: outcomes of access moved against one another.",
    )
    stops = row("Stops", "enforcement", "fall", RISE)
    assert not read(ARRESTS, stops).conflicts  # more enforcement twice, of which one was declared bad


def test_what_cannot_be_told_is_in_no_conflict() -> None:
    unsure = row("Reports", "trust", "rise", OPEN, reports=True)
    found = read(ARRESTS, unsure, row("Contacts", "access", "rise", NOTHING))
    assert not found.conflicts
    assert reading(found, "trust") == "cannot tell"
    assert reading(found, "access") == "no change that matters"
    assert "“Reports” cannot be told" in found.text


def test_recorded_violence_is_never_read_as_violence() -> None:
    violence = row("Violence recorded by the police", "safety", "fall", FALL, reports=True)
    found = read(violence, REPORTS)
    assert reading(found, "safety") == "cannot tell"
    assert not found.conflicts
    assert (
        "Safety: cannot tell: what “Violence recorded by the police” counts cannot be told (recorded numbers of "
        "“Violence recorded by the police” fell)." in found.text
    )
    assert not re.search(r"violence (fell|rose|decreas|increas|declin|drop)", found.text, re.IGNORECASE)


def test_reports_count_for_safety_where_the_declared_range_of_reporting_cannot_explain_them() -> None:
    declared = {"reports": True, "reporting_low": 0.9, "reporting_high": 1.1, "comparison_areas": 0}
    assert reading(read(row("Attacks", "safety", "fall", FALL, **declared)), "safety") == "good"
    wide = declared | {"reporting_low": 0.5}
    assert reading(read(row("Attacks", "safety", "fall", FALL, **wide)), "safety") == "cannot tell"


def test_a_withheld_outcome_cannot_be_told() -> None:
    withheld = dict.fromkeys(ARRESTS) | {name: ARRESTS[name] for name in ("outcome", "label", "goal", "good")}
    found = read(withheld | {"primary": True, "reports": False, "verdict": "cannot tell"}, REPORTS)
    assert reading(found, "enforcement") == "cannot tell"
    assert not found.conflicts


def test_a_ratio_that_only_rounding_made_one_keeps_the_side_of_its_interval() -> None:
    found = read(row("Contacts", "access", "rise", (1.0, 0.9, 0.99), verdict="change shown"))
    assert found.outcomes["moved"].tolist() == ["fell"]
    lost = read(row("Contacts", "access", "rise", (1.0, 1.0, 1.0), verdict="change shown"))
    assert lost.outcomes[["moved", "judged"]].to_numpy().tolist() == [["changed", "neither"]]


def test_an_outcome_that_is_not_primary_is_said_to_be_so() -> None:
    assert "“People housed” (not a primary outcome) rose" in read(row("People housed", "access", "rise", RISE,
                                                                      primary=False)).text  # fmt: skip


# for any rows at all

triples = st.one_of(
    st.sampled_from([RISE, FALL, NOTHING, OPEN, (math.nan,) * 3]),
    st.tuples(st.floats(0.01, 20), st.floats(0, 20), st.floats(0.01, 40)).map(lambda t: (t[0], min(t[:2]), max(t))),
)
some_rows = st.lists(
    st.builds(
        lambda goal, good, numbers, firm, reports, primary, span: row(
            "x", goal, good, numbers, firm=firm, reports=reports, primary=primary, comparison_areas=0,
            reporting_low=span[0], reporting_high=span[1],
        ),
        st.sampled_from(GOALS), st.sampled_from(["rise", "fall", "neither"]), triples, st.booleans(), st.booleans(),
        st.booleans(), st.sampled_from([(math.nan, math.nan), (0.5, 1.0), (0.95, 1.05)]),
    ),
    min_size=1,
    max_size=7,
).map(lambda rows: [one | {"outcome": f"o{i}", "label": f"Outcome {'abcdefg'[i]}"}
                   for i, one in enumerate(rows)])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(some_rows)
def test_no_sentence_contradicts_the_rows(rows: list[dict[str, Any]]) -> None:
    found = read(*rows)
    by_label = {one["label"]: one for one in rows}
    assert not re.search(r"\d", found.text)
    for label, moved in re.findall(r"“([^”]+)”(?: \(not a primary outcome\))? (rose|fell|changed)", found.text):
        one = by_label[label]
        assert one["verdict"] == "change shown"
        assert (moved == "rose") == (one["ratio"] > 1)
    for sentence in found.conflicts:
        first, second = sentence.split(" while ")
        labels = [re.findall("“([^”]+)”", part) for part in (first, second)]
        goals = [{by_label[label]["goal"] for label in part} for part in labels]
        assert all(len(part) == 1 for part in goals)
        assert all(goal in sentence for part in goals for goal in part)
        read_as = found.outcomes.set_index("label")
        for part, other in ((labels[0], labels[1]), (labels[1], labels[0])):
            for label in part:
                assert read_as.at[label, "told"]
                against = {read_as.at[name, "judged"] for name in other}
                if read_as.at[label, "judged"] in ("good", "bad"):
                    assert read_as.at[label, "judged"] not in against
                else:
                    assert read_as.at[label, "goal"] == "enforcement"
    for line in found.goals.to_dict("records"):
        listed = [label for key in ("good", "bad", "neither", "no_change", "untold") for label in line[key]]
        assert sorted(listed) == sorted(label for label, one in by_label.items() if one["goal"] == line["goal"])
        assert ("good" in line["reading"].split(" and ")) == bool(line["good"])
        assert ("bad" in line["reading"].split(" and ")) == bool(line["bad"])


@settings(max_examples=200, deadline=None)
@given(some_rows)
def test_goals_are_judged_as_each_outcome_is_read(rows: list[dict[str, Any]]) -> None:
    outcomes = read(*rows).outcomes.set_index("outcome")
    for one in rows:
        said, mine = read_row(one), outcomes.loc[one["outcome"]]
        assert (mine["judged"] in ("good", "bad")) == bool(re.search(r"was declared (good|bad) beforehand", said))
        if mine["judged"] in ("good", "bad"):
            assert f"was declared {mine['judged']} beforehand" in said
        if mine["told"] and mine["goal"] != "trust":
            assert "whether what they count" not in said


@settings(max_examples=100, deadline=None)
@given(some_rows)
def test_released_rows_say_nothing_that_the_exact_ones_do_not(rows: list[dict[str, Any]]) -> None:
    rounded = [one | {name: significant(one[name]) for name in ("ratio", "low", "high") if not math.isnan(one[name])}
               for one in rows]  # fmt: skip
    exact, released = read(*rows), read(*rounded)
    said = {"good", "bad"}
    for before, after in zip(exact.outcomes.to_dict("records"), released.outcomes.to_dict("records"), strict=True):
        assert after["judged"] == before["judged"] or after["judged"] not in said
        assert before["told"] or not after["told"]
    assert len(released.conflicts) <= len(exact.conflicts)


def test_the_order_of_the_rows_changes_no_verdict() -> None:
    pd.testing.assert_frame_equal(read(ARRESTS, REPORTS, HOUSED).goals, read(HOUSED, REPORTS, ARRESTS).goals)


# what is given and what is shown


def test_what_is_no_evaluation_is_refused() -> None:
    with pytest.raises(StudyError, match=r"rows: needs columns outcome, label"):
        trade_offs(pd.DataFrame({"goal": ["trust"]}))
    with pytest.raises(
        StudyError, match=r"goal: is one of enforcement, trust, safety, access(.|\n)*verdict: is one of change shown"
    ):
        read(ARRESTS | {"goal": "order", "verdict": "proved"})


def test_words_are_kept_until_asked_for_and_rows_are_not_touched() -> None:
    rows = pd.DataFrame([ARRESTS, REPORTS])
    kept = rows.copy()
    found = trade_offs(rows)
    pd.testing.assert_frame_equal(rows, kept)
    assert repr(found) == "TradeOffs(...; call .summary())"
    assert found.summary() == found.text
    assert found.to_frame().loc[0, "neither"] == "Arrests"
