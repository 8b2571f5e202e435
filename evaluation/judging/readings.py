"""How is a row of the evaluation table put into words that say no more than the row does?"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["counts_reports", "failed_checks", "holds", "moved_way", "read_row"]

_GOALS = {
    "enforcement": "It measures enforcement, not need, prevalence or activity.",
    "trust": "More can be a sign of trust, fewer of its loss.",
    "access": "It counts what services saw, not everybody there is.",
}
_LEVEL = 0.05
_VERDICTS = ("change shown", "no change that matters", "cannot tell")
# Counts of violence are reports whatever the study file says: what nobody reports is not in them.
_VIOLENCE = re.compile(r"violen|assault|\brap(e|es|ed)\b|attack|robber|abus|murder|homicid|stabb", re.IGNORECASE)
# Without any of these a row was withheld: a row that may be shown always has its months.
_ALWAYS_KNOWN = ("months_before", "months_after")


def read_row(row: Mapping[str, Any]) -> str:
    """Put one outcome into words: what could be seen, what was, the verdict, what it does not show.

    Parameters
    ----------
    row : mapping
        A row of `Evaluation.to_frame`, exact or rounded for release; missing values are left out of the text. A row
        withheld whole, with words only, is read as its verdict and its cautions.

    Returns
    -------
    str
        Every number in it is a cell of the row, at three significant digits (a p value at two).
    """
    known = row.get("verdict") in _VERDICTS
    row = {**row, "verdict": row["verdict"] if known else "cannot tell"}
    heading, cautions = _heading(row), _words(row, "cautions")
    if all(math.isnan(_value(row, name)) for name in _ALWAYS_KNOWN):
        return f"{heading}: {cautions}." if cautions else f"{heading}."
    parts = [f"{heading}.", _power(row), _estimate(row), _meaning(row), _reporting(row), _disagreement(row)]
    parts += [failed_checks(row), _GOALS.get(_words(row, "goal"), ""), cautions]
    return " ".join(part for part in parts if part)


def _heading(row: Mapping[str, Any]) -> str:
    """Return label and verdict; of reports the verdict is on what was recorded, unless it holds of what they count."""
    said = f"{row['label']}: {row['verdict']}"
    if row["verdict"] == "cannot tell" or not counts_reports(row) or holds(row):
        return said
    return f"{said} in recorded numbers"


def _power(row: Mapping[str, Any]) -> str:
    fall, rise = _value(row, "smallest_fall"), _value(row, "smallest_rise")
    down = "" if math.isnan(fall) else f"a fall to {_n(fall)}"
    up = f"a rise to {_n(rise)}" if math.isfinite(rise) else ""
    if not down and not up:
        return "Before looking: no change, however large, could be counted on to be seen."
    together = _value(row, "judged_together")
    how = f"judged with {together:.0f} outcomes together, at the worst" if together > 1 else "judged alone"
    said = f"Before looking: {how}, {' or '.join(filter(None, (down, up)))} times what was expected would have "
    rest = "smaller changes may pass unseen"
    if not down or not up:
        rest += f", and no {'fall' if up else 'rise'}, however large, could be counted on"
    return f"{said}been seen four times in five; {rest}."


def _estimate(row: Mapping[str, Any]) -> str:
    if not _tested(row):
        why = _words(row, "refused")
        return f"No test is made: {why}." if why else "No test is made."
    compared = _value(row, "comparison_areas") > 0
    source = "the months before and the comparison areas" if compared else "the months before"
    ratio, low, high = (_value(row, name) for name in ("ratio", "low", "high"))
    found = "set against" if math.isnan(ratio) else f"{_n(ratio)} times"
    interval = "" if math.isnan(low) or math.isnan(high) else f"{_interval(low, high)}; "
    return f"Recorded numbers after were {found} what {source} lead one to expect ({interval}{_p_values(row)})."


def _p_values(row: Mapping[str, Any]) -> str:
    p, joint, floor = (_value(row, name) for name in ("p", "p_holm", "p_floor"))
    said = f"p {_p(p)}"
    if _p(joint) == _p(p):
        said += ", alone and with all outcomes considered"
    elif not math.isnan(joint):
        said += f" alone; {_p(joint)} with all outcomes considered"
    # A rounded floor can stand above the rounded p it is the floor of; then it says nothing.
    if 0.001 <= floor <= p:
        said += f"; no p below {_p(floor)} was possible"
    return said


def _meaning(row: Mapping[str, Any]) -> str:
    """Say what the verdict means."""
    if row["verdict"] == "no change that matters":
        margin = _value(row, "margin")
        size = "" if math.isnan(margin) else f" ({_n(margin)})"
        return f"The interval lies inside the margin declared not to matter{size}."
    if row["verdict"] != "change shown":
        return "That is not evidence of no change."
    good, moved = _words(row, "good"), moved_way(row)
    declared = "good" if moved == good else "bad"
    if good not in ("fall", "rise") or moved == "change":
        declared = "neither good nor bad"
    return f"A {moved} was declared {declared} beforehand. This does not show what caused it."


def moved_way(row: Mapping[str, Any]) -> str:
    """Return fall or rise, as the ratio says; where rounding made it 1, as the interval does."""
    ratio, low, high = (_value(row, name) for name in ("ratio", "low", "high"))
    for value in (ratio, high if high <= 1 else low):
        if value < 1 or value > 1:
            return "fall" if value < 1 else "rise"
    return "change"


def counts_reports(row: Mapping[str, Any]) -> bool:
    """Say whether the counts depend on people reporting: as declared, and always where they count violence."""
    goal = _words(row, "goal")
    violence = goal != "enforcement" and _VIOLENCE.search(str(row["label"])) is not None
    return _value(row, "reports") != 0 or goal == "safety" or violence


def _reporting(row: Mapping[str, Any]) -> str:
    """Say of reports whether what they count can have changed: a report is what happened times the share reported."""
    if not counts_reports(row):
        return ""
    least, most = _declared(row)
    span, ratio = f"({_n(least)} to {_n(most)} times)", _value(row, "ratio")
    if row["verdict"] == "change shown":
        if holds(row):
            return f"A change of the share reported within its declared range {span} would not explain all of it."
        why = f"the declared range of the share reported {span} covers it"
        if math.isnan(least):
            why = "a change of the share reported would explain all of it"
            why = why if math.isnan(ratio) else why.replace("reported", f"reported to {_n(ratio)} times")
        return f"Recorded numbers changed; whether what they count did, cannot be told: {why}."
    if row["verdict"] == "no change that matters" and holds(row):
        return f"That holds of what they count too, if the share reported stayed in its declared range {span}."
    return "These are reports, what happened times the share reported: whether what they count changed, cannot be told."


def holds(row: Mapping[str, Any]) -> bool:
    """Say whether the verdict on recorded numbers holds of what they count, over the declared range of reporting.

    By both intervals: where a comparison was made, one that was left out of a release cannot be taken to agree.
    """
    if row.get("beyond_records") in (0, False):  # reckoned on exact numbers; rounding cannot add cover
        return False
    least, most = _declared(row)
    pairs = [("low", "high"), ("relative_low", "relative_high")]
    limits = np.array([[_value(row, low), _value(row, high)] for low, high in pairs])
    if _value(row, "comparison_areas") == 0 and np.isnan(limits[1]).all():
        limits = limits[:1]
    if not (limits[:, 0] <= limits[:, 1]).all():  # nor where one is missing
        return False
    low = min(value - _rounding(value) for value in limits[:, 0]) / most
    high = max(value + _rounding(value) for value in limits[:, 1]) / least
    ratio, margin = _value(row, "ratio"), _value(row, "margin")
    if row["verdict"] == "no change that matters":
        return bool(margin >= 0 and 1 / (1 + margin) <= low and high <= 1 + margin)
    return bool((ratio > 1 and low > 1) or (ratio < 1 and high < 1))


def _declared(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the declared range of the share reported; NaN, which no comparison passes, where there is none."""
    least, most = _value(row, "reporting_low"), _value(row, "reporting_high")
    return (least, most) if 0 < least <= most < math.inf else (math.nan, math.nan)


def _rounding(number: float) -> float:
    """Return how far rounding for release can have moved a number: half a unit of its second, or third, digit."""
    for digits in (2, 3):
        if 0 < number < math.inf and math.isclose(number, float(f"{number:.{digits}g}"), rel_tol=1e-12):
            return float(0.5 * 10.0 ** (math.floor(math.log10(number)) - digits + 1))
    return 0.0


def _disagreement(row: Mapping[str, Any]) -> str:
    """Say why a small p did not make a verdict."""
    p = _value(row, "p")
    if row["verdict"] != "cannot tell":
        return ""
    if p > _LEVEL and _value(row, "p_exact") < _LEVEL:
        return "An exact test would call this a change, but only by taking months for independent and alike."
    if p <= _LEVEL and _value(row, "firm") == 0:
        if _value(row, "comparison_areas") > 1:
            return "The p alone is small, but the comparison areas are unlike it and its own series does not agree."
        return "The p alone is small, but the check against slow swings does not agree."
    if p <= _LEVEL and _value(row, "p_holm") > _LEVEL:
        return "The p alone is small, but among several outcomes chance gives one so small too often."
    return ""


def failed_checks(row: Mapping[str, Any]) -> str:
    """Name the checks that spoke against the answer, and say so where its own trend may explain a change."""
    if row["verdict"] == "cannot tell":
        return ""
    checks = [name for name, value in row.items() if str(name).startswith("check_") and value == "failed"]
    said = f"Checks that spoke against it: {', '.join(_check_name(name) for name in checks)}." if checks else ""
    alone = row["verdict"] == "change shown" and _value(row, "comparison_areas") == 0
    if alone and _value(row, "series_low") <= 1 <= _value(row, "series_high"):
        said += " Its own trend and season may explain it: with them taken away no change is shown."
    return said.strip()


def _check_name(column: str) -> str:
    return column.removeprefix("check_").replace("_", " ")


def _tested(row: Mapping[str, Any]) -> bool:
    return 0 <= _value(row, "p") <= 1


def _interval(low: float, high: float) -> str:
    if math.isinf(high):
        return f"95 % interval {_n(low)} or more" if low > 0 else "95 % interval: any ratio"
    return f"95 % interval {_n(low)} to {_n(high)}"


def _value(row: Mapping[str, Any], name: str) -> float:
    """Return a number of the row; NaN, which no comparison passes, for what is missing."""
    value = row.get(name)
    return math.nan if value is None or pd.isna(value) else float(value)


def _words(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _n(number: float) -> str:
    """Write a number with three digits; what only rounding makes 1 is not written as 1."""
    if math.isinf(number):
        return "infinitely many"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    if 0 < number < 0.001:
        return "below 0.001"
    said = f"{number:.3g}"
    if said == "1" and number != 1:
        return "just above 1" if number > 1 else "just below 1"
    return said if "." in said or abs(number) >= 10 or number == 0 else f"{said}.0"


def _p(p: float) -> str:
    """Write a p value with two digits, and a third where two would put it on the level."""
    if p < 0.001:
        return "below 0.001"
    said = f"{p:.2g}"
    return "1.0" if said == "1" else (f"{p:.3g}" if said == "0.05" else said)
