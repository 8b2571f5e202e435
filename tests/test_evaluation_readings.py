"""The sentences of a verdict: they say what the row says, and no more, whatever the row."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure.labels import significant
from evaluation.judging.readings import read_row
from evaluation.verdict import CANNOT_TELL, CHANGE_SHOWN, NO_CHANGE, judge

WITHHELD = {
    "outcome": "arrests",
    "label": "Arrests",
    "goal": "enforcement",
    "good": "neither",
    "primary": True,
    "verdict": "cannot tell",
    "cautions": "too few people to publish",
}
ROW: dict[str, Any] = {
    "outcome": "reports",
    "label": "Reports to the scheme",
    "goal": "trust",
    "good": "rise",
    "primary": True,
    "reports": True,
    "margin": 0.2,
    "smallest_fall": 0.58,
    "smallest_rise": 1.61,
    "months_before": 24,
    "months_after": 9,
    "comparison_areas": 2,
    "ratio": 0.64,
    "low": 0.443,
    "high": 0.923,
    "p": 0.0118,
    "p_holm": 0.0179,
    "p_floor": 0.0094,
    "p_exact": 0.018,
    "firm": True,
    "relative_low": 0.4,
    "relative_high": 0.95,
    "reporting_low": 0.5,
    "reporting_high": 1.0,
    "refused": "",
    "cautions": "",
    "verdict": CHANGE_SHOWN,
}

# what no reading of recorded counts may say
CLAIMS = re.compile(
    r"displac|\b(fell|rose|risen|fallen|drop|dropped|declin\w*|decreas\w*|increas\w*|reduc\w*|improv\w*|worse\w*|"
    r"prevented|caused by|due to|because of|effect|impact|worked|success\w*|significant\w*)\b",
    re.IGNORECASE,
)
RECORDED = " in recorded numbers"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


def rows(*, reports: st.SearchStrategy[bool] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Rows as `evaluate` makes them, with every missing value that can be missing."""
    ratio = st.floats(0.02, 50).map(lambda value: float(f"{value:.12g}"))
    ps = st.floats(1e-9, 1)
    maybe = st.sampled_from([math.nan, None])

    def build(values: dict[str, Any]) -> dict[str, Any]:
        tested = values.pop("tested")
        lower, middle, upper = sorted(values.pop("three"))
        low, high = values.pop("open_low") or lower, values.pop("open_high") or upper
        row = {
            **ROW,
            **values,
            "ratio": middle,
            "low": 0.0 if low is True else low,
            "high": math.inf if high is True else high,
        }
        row["p_holm"] = min(1.0, row["p"] * row.pop("times"))
        if not tested:
            row |= dict.fromkeys(("p", "p_holm", "low", "high"), math.nan) | {"firm": False}
            row["refused"] = "fewer than 2 months after"
        row["reporting_low"], row["reporting_high"] = values["span"] or (math.nan, math.nan)
        del row["span"]
        row["relative_low"], row["relative_high"] = row.pop("relative")
        return row | {"verdict": judge(row)}

    near = st.floats(0.85, 1.2)
    return st.fixed_dictionaries(
        {
            "tested": st.sampled_from([True, True, True, False]),
            "three": st.one_of(st.tuples(ratio, ratio, ratio), st.tuples(near, near, near)),
            "open_low": st.sampled_from([False, False, False, True]),
            "open_high": st.sampled_from([False, False, False, True]),
            "p": st.one_of(ps, st.floats(0.001, 0.06)),
            "times": st.sampled_from([1, 2, 5]),
            "p_floor": st.one_of(maybe, st.floats(1e-5, 0.05)),
            "p_exact": st.one_of(maybe, ps),
            "firm": st.booleans(),
            "goal": st.sampled_from(["enforcement", "trust", "safety", "access"]),
            "good": st.sampled_from(["fall", "rise", "neither"]),
            "reports": st.booleans() if reports is None else reports,
            "span": st.one_of(st.none(), st.tuples(st.floats(0.2, 1), st.floats(1, 5))),
            "relative": st.one_of(st.just((math.nan, math.nan)), st.tuples(st.floats(0.01, 1.1), st.floats(0.9, 20))),
            "margin": st.floats(0.01, 0.9),
            "smallest_fall": st.one_of(maybe, st.floats(0.001, 0.99)),
            "smallest_rise": st.one_of(st.just(math.inf), st.floats(1.01, 900)),
            "comparison_areas": st.integers(0, 14),
        }
    ).map(build)


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Round as a release does: two significant digits, p values to two decimals and never 0."""
    names = ("ratio", "low", "high", "smallest_fall", "smallest_rise", "p_floor")
    known = {n: row[n] for n in names if row[n] is not None and math.isfinite(row[n])}
    shown = row | {n: float(f"{v:.2g}") for n, v in known.items()}
    ps = {n: row[n] for n in ("p", "p_holm", "p_exact") if row[n] is not None and not math.isnan(row[n])}
    return shown | {n: max(round(v, 2), 0.01) for n, v in ps.items()}


def own_words(row: dict[str, Any]) -> str:
    """Return the text without the heading and the sentences that are cells of the row themselves."""
    text = read_row(row).removeprefix(f"{row['label']}: {row['verdict']}").removeprefix(RECORDED)
    for name in ("refused", "cautions"):
        if row.get(name):
            text = text.replace(row[name], "")
    return text


# every number in the text is a cell of the row


@settings(max_examples=300, deadline=None)
@given(rows())
def test_every_number_in_the_text_is_a_cell_of_the_row_at_the_printed_precision(row: dict[str, Any]) -> None:
    for shown in (row, rounded(row)):
        text = own_words(shown).replace("95 % interval", "").replace("above 1 ", " ").replace("below 1 ", " ")
        cells = [v for v in shown.values() if isinstance(v, int | float) and not isinstance(v, bool)]
        for said in NUMBER.findall(text):
            value = float(said.replace(",", ""))
            fits = [c for c in cells if math.isclose(c, value, rel_tol=0.0501) and _rounds_to(c, said)]
            assert fits or (value == 0.001 and any(0 < c < 0.001 for c in cells)) or value == 1, (said, text)


def _rounds_to(cell: float, said: str) -> bool:
    """Say whether a cell is written like this at two or three significant digits, or whole when large."""
    value = float(said.replace(",", ""))
    return any(math.isclose(float(f"{cell:.{digits}g}"), value) for digits in (2, 3)) or round(cell) == value


@settings(max_examples=300, deadline=None)
@given(rows())
def test_one_is_written_only_where_a_cell_is_one_or_is_said_to_be_just_off_it(row: dict[str, Any]) -> None:
    for said in re.findall(r"(just above |just below )?\b1(\.0)?\b(?![.\d])", own_words(row)):
        assert said[0] or any(v == 1 for v in row.values()) or any(0.95 <= (row[n] or 0) <= 1 for n in ("p", "p_holm"))


# words


@settings(max_examples=300, deadline=None)
@given(rows())
def test_no_text_claims_what_recorded_counts_cannot_show(row: dict[str, Any]) -> None:
    for shown in (row, rounded(row)):
        text = own_words(shown)
        assert not CLAIMS.search(text), text
        assert "violence" not in text
        if shown["goal"] == "enforcement":
            note = "It measures enforcement, not need, prevalence or activity."
            assert note in text
            assert not re.search(r"need|prevalence|activity|people", text.replace(note, ""))


@settings(max_examples=300, deadline=None)
@given(rows())
def test_the_direction_in_words_is_that_of_the_exact_ratio(row: dict[str, Any]) -> None:
    for shown in (row, rounded(row)):
        text = read_row(shown)
        moved = re.search(r"A (fall|rise|change) was declared (good|bad|neither good nor bad) beforehand", text)
        assert bool(moved) == (row["verdict"] == CHANGE_SHOWN)
        if moved and moved[1] != "change":
            assert moved[1] == ("fall" if row["ratio"] < 1 else "rise")
            expected = (
                "neither good nor bad" if row["good"] == "neither" else ("good" if row["good"] == moved[1] else "bad")
            )
            assert moved[2] == expected
        if moved and shown is row:
            assert moved[1] != "change"


@settings(max_examples=200, deadline=None)
@given(rows())
def test_power_is_the_first_sentence_and_no_p_stands_before_it(row: dict[str, Any]) -> None:
    text = own_words(row).removeprefix(". ")
    assert text.startswith("Before looking: ")
    assert not re.search(r"\bp \d", text[: text.index(". ")])


@settings(max_examples=200, deadline=None)
@given(rows())
def test_a_refused_test_says_why_and_gives_no_p_and_no_interval(row: dict[str, Any]) -> None:
    text = read_row(row)
    if row["refused"]:
        assert "No test is made: fewer than 2 months after." in text
        assert not re.search(r"\bp (\d|below)|interval|lead one to expect", text)
        assert row["verdict"] == CANNOT_TELL
    else:
        assert "No test is made" not in text
        assert re.search(r"\bp (\d|below 0\.001)", text)


# what the counts are reports of


TOLD = ("would not explain all of it", "That holds of what they count too")


def cells(row: dict[str, Any], *names: str) -> list[float]:
    """Return numbers of a row, NaN for what is missing or is none."""
    return [math.nan if row.get(name) is None else float(row[name]) for name in names]


def covered(row: dict[str, Any]) -> bool:
    """Work out, from the exact row, whether its verdict holds at both ends of the declared range of reporting."""
    ratio, margin, least, most = cells(row, "ratio", "margin", "reporting_low", "reporting_high")
    both = [cells(row, "low", "high"), cells(row, "relative_low", "relative_high")]
    known = [pair for pair in both if not any(map(math.isnan, pair))]
    if not known or not 0 < least <= most < math.inf or any(low > high for low, high in known):
        return False
    ends = [(low / rho, high / rho) for low, high in known for rho in (least, most)]
    if row["verdict"] == NO_CHANGE:
        return margin >= 0 and all(1 / (1 + margin) <= low and high <= 1 + margin for low, high in ends)
    moved = all(high < 1 for _, high in ends) if ratio < 1 else all(low > 1 for low, _ in ends)
    return row["verdict"] == CHANGE_SHOWN and moved and ratio != 1


def check_nothing_is_said_of_violence(text: str, label: str) -> None:
    """Check that a text without cover leaves open, in every sentence, whether what the reports count changed."""
    heading, _, rest = text.removeprefix(label).partition(".")
    assert heading.split(":")[1].strip() in (CANNOT_TELL, CHANGE_SHOWN + RECORDED, NO_CHANGE + RECORDED), heading
    assert not any(told in rest for told in TOLD)
    assert not CLAIMS.search(rest), rest
    for sentence in re.split(r"(?<=[.]) ", rest):
        of_events = re.search(r"violence|assault|what they count", sentence)
        assert not of_events or "cannot be told" in sentence, sentence
        if "changed" in sentence:
            assert of_events or sentence.startswith("Recorded numbers"), sentence


@settings(max_examples=300, deadline=None)
@given(rows(reports=st.just(True)))
def test_reports_are_never_read_as_what_they_count(row: dict[str, Any]) -> None:
    text = read_row(row)
    assert any(told in text for told in TOLD) <= covered(row)
    if not covered(row):
        check_nothing_is_said_of_violence(text, row["label"])
        assert "cannot be told" in text
    if row["verdict"] == CHANGE_SHOWN and math.isnan(row["reporting_low"]):
        assert "of the share reported to" in text


def anything() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of any kind: numbers that contradict each other or are none, cells left out, verdicts unheard of."""
    wild = st.one_of(
        st.sampled_from([None, math.nan, math.inf, -math.inf, 0.0, 1.0, -1.0, np.float64(0.5), 1e-300, 1e300]),
        st.floats(0.01, 100),
        st.floats(0.8, 1.3).map(lambda value: float(f"{value:.2g}")),
    )
    texts = {
        "label": st.sampled_from(["Violence", "Assaults, all areas", "Rape", "Attacks: reported", "violence fell"]),
        "verdict": st.sampled_from([CHANGE_SHOWN] * 4 + [NO_CHANGE, CANNOT_TELL, "violence rose", None, math.nan, ""]),
        "goal": st.sampled_from(["trust", "safety", "access", None, "elsewhere"]),
        "good": st.sampled_from(["fall", "rise", "neither", None, "better"]),
        "reports": st.sampled_from([True, False, None, math.nan, np.True_, np.False_, 1, 0]),
        "firm": st.sampled_from([True, False, None, np.True_, math.nan]),
        "comparison_areas": st.sampled_from([0, 1, 5, None, math.nan]),
        "refused": st.sampled_from(["", "fewer than 2 months after", None, math.nan]),
        "cautions": st.sampled_from(["", "Months missing: 2.", None]),
    }
    numbers = {name: wild for name, value in ROW.items() if name not in texts and isinstance(value, int | float)}
    optional = {name: values for name, values in (texts | numbers).items() if name not in ("label", "verdict")}
    return st.fixed_dictionaries({name: texts[name] for name in ("label", "verdict")}, optional=optional)


@settings(max_examples=1500, deadline=None)
@given(anything())
def test_of_no_row_whatever_is_it_said_that_violence_rose_or_fell_without_cover(row: dict[str, Any]) -> None:
    text = read_row(row)
    if not covered(row):
        check_nothing_is_said_of_violence(text, row["label"])
    assert "nan" not in text


@settings(max_examples=500, deadline=None)
@given(rows(reports=st.just(True)), st.sampled_from([2, 3]), st.booleans(), st.floats(0.95, 1.05))
def test_a_release_never_says_more_than_the_exact_row(
    row: dict[str, Any], digits: int, left_out: bool, near: float
) -> None:
    limits = ("ratio", "low", "high", "relative_low", "relative_high")
    if row["verdict"] == CHANGE_SHOWN:  # a declared range whose end lies about where the limit does
        lows, highs = ([v for v in cells(row, *names) if not math.isnan(v)] for names in (limits[1::2], limits[2::2]))
        edge = {"reporting_low": max(highs) * near, "reporting_high": 50.0}
        row |= edge if row["ratio"] < 1 else {"reporting_low": 0.02, "reporting_high": min(lows) * near}
    shown = row | {name: significant(row[name], digits) for name in limits if not math.isnan(row[name])}
    if left_out:  # a count behind it was below k
        shown |= {"relative_low": None, "relative_high": None}
    if any(told in read_row(shown) for told in TOLD):
        assert covered(row) or row["comparison_areas"] == 0


@settings(max_examples=200, deadline=None)
@given(rows(reports=st.just(True)), st.floats(1.5, 5), st.floats(1.5, 5))
def test_a_wider_declared_range_never_lets_more_be_said(row: dict[str, Any], down: float, up: float) -> None:
    wider = row | {"reporting_low": row["reporting_low"] / down, "reporting_high": row["reporting_high"] * up}
    assert any(t in read_row(wider) for t in TOLD) <= any(t in read_row(row) for t in TOLD)
    everything = row | {"reporting_low": 1e-6, "reporting_high": 1e6}
    assert not any(t in read_row(everything) for t in TOLD)


@settings(max_examples=200, deadline=None)
@given(rows())
def test_cannot_tell_is_never_read_as_no_change(row: dict[str, Any]) -> None:
    text = read_row(row)
    assert ("That is not evidence of no change." in text) == (row["verdict"] == CANNOT_TELL)
    assert ("inside the margin" in text) == (row["verdict"] == NO_CHANGE)
    assert ("does not show what caused it" in text) == (row["verdict"] == CHANGE_SHOWN)


# single cases


def test_a_withheld_row_is_read_as_its_verdict_and_the_reason() -> None:
    expected = "Arrests: cannot tell: too few people to publish."
    numbers = [name for name in ROW if name not in WITHHELD]
    for nothing in (None, math.nan):
        assert read_row(dict.fromkeys(numbers, nothing) | WITHHELD) == expected
    assert read_row(WITHHELD) == expected
    frame = pd.DataFrame([dict.fromkeys(numbers, None) | WITHHELD, ROW])
    assert read_row({str(k): v for k, v in frame.to_dict("records")[0].items()}) == expected
    assert read_row({k: v for k, v in WITHHELD.items() if k != "cautions"}) == "Arrests: cannot tell."


def test_a_whole_paragraph_is_plain_english() -> None:
    assert read_row(ROW) == (
        "Reports to the scheme: change shown in recorded numbers. Before looking: judged alone, a fall to 0.58 or a "
        "rise to 1.61 times what was expected would have been seen four times in five; smaller changes may pass "
        "unseen. Recorded numbers after were 0.64 times what the months before and the comparison areas lead one to "
        "expect (95 % interval 0.443 to 0.923; p 0.012 alone; 0.018 with all outcomes considered; no p below "
        "0.0094 was possible). A fall was declared bad beforehand. This does not show what caused it. "
        "Recorded numbers changed; whether what they count did, cannot be told: the declared range of the "
        "share reported (0.5 to 1.0 times) covers it. More can be a sign of trust, fewer of its loss."
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"p": 0.37, "p_holm": 1.0, "verdict": CANNOT_TELL}, "p 0.37 alone; 1.0 with all outcomes considered"),
        ({"p": 0.2, "p_holm": 0.2, "verdict": CANNOT_TELL}, "p 0.2, alone and with all outcomes considered"),
        ({"p_holm": None}, "p 0.012; no p below"),
        ({"p": 1e-9, "p_floor": 1e-12}, "p below 0.001 alone"),
        ({"p": 0.0502, "p_holm": 0.0502}, "p 0.0502, alone"),
        ({"comparison_areas": 0}, "what the months before lead one to expect"),
        ({"low": 1.004, "ratio": 1.2, "high": 1.5}, "interval just above 1 to 1.5"),
        ({"low": 0.0, "high": 0.9996}, "interval 0 to just below 1"),
        ({"low": 1.2, "ratio": 3.0, "high": math.inf}, "interval 1.2 or more"),
        ({"low": 0.0, "high": math.inf, "verdict": CANNOT_TELL}, "95 % interval: any ratio"),
        (
            {"smallest_fall": None},
            "a rise to 1.61 times what was expected would have been seen four times in five; smaller",
        ),
        ({"smallest_fall": None}, "and no fall, however large, could be counted on"),
        ({"smallest_rise": math.inf}, "and no rise, however large, could be counted on"),
        ({"smallest_fall": math.nan, "smallest_rise": math.inf}, "no change, however large, could be counted on"),
        (
            {"verdict": CANNOT_TELL, "firm": False, "comparison_areas": 1},
            "the check against slow swings does not agree",
        ),
        ({"verdict": CANNOT_TELL, "firm": False}, "the comparison areas are unlike it"),
        (
            {"verdict": CANNOT_TELL, "p": 0.04, "p_holm": 0.12},
            "among several outcomes chance gives one so small too often",
        ),
        ({"verdict": CANNOT_TELL, "p": 0.2, "p_holm": 0.4, "p_exact": 0.01}, "An exact test would call this a change"),
        (
            {"reporting_low": math.nan, "reporting_high": None},
            "a change of the share reported to 0.64 times would explain",
        ),
        (
            {"reporting_low": 0.96, "reporting_high": 1.05},
            "within its declared range (0.96 to 1.05 times) would not explain",
        ),
        ({"reporting_low": 0.93, "reporting_high": 1.05}, "cannot be told: the declared range"),  # by one interval only
        (
            {
                "verdict": NO_CHANGE,
                "relative_low": 0.9,
                "relative_high": 1.08,
                "low": 0.95,
                "ratio": 1.0,
                "high": 1.05,
                "reporting_low": 0.95,
                "reporting_high": 1.05,
            },
            "That holds of what they count too",
        ),
        ({"reporting_low": 0.96, "reporting_high": 1.05}, "Reports to the scheme: change shown. Before looking"),
        (  # .94 may have been .9449, and .9449 / .943 is above 1
            {"high": 0.94, "relative_high": 0.94, "reporting_low": 0.943, "reporting_high": 1.05},
            "cannot be told: the declared range",
        ),
        ({"relative_low": None, "reporting_low": 0.96, "reporting_high": 1.05}, "cannot be told: the declared range"),
        ({"reporting_low": 1.05, "reporting_high": 0.96}, "a change of the share reported to 0.64 times would explain"),
        ({"reporting_low": 0.0, "reporting_high": 1.0}, "a change of the share reported to 0.64 times would explain"),
        ({"ratio": None}, "Recorded numbers after were set against what the months before"),
        ({"ratio": math.inf, "low": 2.0, "high": math.inf}, "were infinitely many times what"),
        ({"low": None}, "lead one to expect (p 0.012 alone"),
        ({"verdict": NO_CHANGE, "margin": None}, "declared not to matter. "),
        ({"ratio": None, "reporting_low": None}, "cannot be told: a change of the share reported would explain all"),
        ({"ratio": None, "low": None, "high": None}, "A change was declared neither good nor bad"),
        ({"ratio": 1.9, "reporting_low": 0.96, "reporting_high": 1.05}, "cannot be told"),  # not inside its interval
        ({"reports": None, "goal": "access"}, "Recorded numbers changed; whether what they count did"),
        ({"reports": False, "goal": "safety"}, "Recorded numbers changed; whether what they count did"),
        ({"reports": False, "goal": "access", "label": "Assaults"}, "Recorded numbers changed; whether what they"),
        ({"p": None}, "Recorded numbers changed; whether what they count did"),
        ({"verdict": "violence fell"}, "Reports to the scheme: cannot tell. "),
        ({"cautions": "Months missing: 2."}, "Months missing: 2."),
        ({"p": math.nan, "refused": ""}, "No test is made. "),
    ],
)
def test_each_turn_of_phrase(changed: dict[str, Any], said: str) -> None:
    assert said in read_row(ROW | changed)


def test_arrests_for_violence_stay_a_measure_of_enforcement() -> None:
    text = read_row(ROW | {"label": "Arrests for assault", "goal": "enforcement", "reports": False})
    assert text.startswith("Arrests for assault: change shown. ")
    assert "what they count" not in text
    assert "It measures enforcement" in text


def test_a_row_withheld_but_for_its_verdict_says_nothing_of_violence() -> None:
    row = {"label": "Violence", "verdict": CHANGE_SHOWN, "cautions": "too few people to publish"}
    assert read_row(row) == "Violence: change shown in recorded numbers: too few people to publish."


def test_a_rounded_floor_above_the_rounded_p_is_not_printed() -> None:
    assert "was possible" not in read_row(ROW | {"p": 0.01, "p_holm": 0.02, "p_floor": 0.012})
