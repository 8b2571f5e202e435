"""How is a row of the evaluation table put into words that say no more than the row does?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["read_row"]

_GOALS = {
    "enforcement": "It measures enforcement, not need, prevalence or activity.",
    "trust": "More can be a sign of trust, fewer of its loss.",
    "access": "It counts what services saw, not everybody there is.",
}
_LEVEL = 0.05
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
    heading = f"{row['label']}: {row['verdict']}"
    cautions = _words(row, "cautions")
    if all(math.isnan(_value(row, name)) for name in _ALWAYS_KNOWN):
        return f"{heading}: {cautions}." if cautions else f"{heading}."
    parts = [f"{heading}.", _power(row), _estimate(row), _meaning(row), _reporting(row), _disagreement(row)]
    parts += [_GOALS.get(_words(row, "goal"), ""), cautions]
    return " ".join(part for part in parts if part)


def _power(row: Mapping[str, Any]) -> str:
    fall, rise = _value(row, "smallest_fall"), _value(row, "smallest_rise")
    down = "" if math.isnan(fall) else f"a fall to {_n(fall)}"
    up = f"a rise to {_n(rise)}" if math.isfinite(rise) else ""
    if not down and not up:
        return "Before looking: no change, however large, could be counted on to be seen."
    said = f"Before looking: judged alone, {' or '.join(filter(None, (down, up)))} times what was expected would have "
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
    interval = _interval(_value(row, "low"), _value(row, "high"))
    return (
        f"Recorded numbers after were {_n(_value(row, 'ratio'))} times what {source} lead one to expect ({interval}; "
        f"{_p_values(row)})."
    )


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
        return f"The interval lies inside the margin declared not to matter ({_n(_value(row, 'margin'))})."
    if row["verdict"] != "change shown":
        return "That is not evidence of no change."
    good, moved = _words(row, "good"), _moved(row)
    declared = "good" if moved == good else "bad"
    if good not in ("fall", "rise") or moved == "change":
        declared = "neither good nor bad"
    return f"A {moved} was declared {declared} beforehand. This does not show what caused it."


def _moved(row: Mapping[str, Any]) -> str:
    """Return fall or rise, as the ratio says; where rounding made it 1, as the interval does."""
    ratio, low, high = (_value(row, name) for name in ("ratio", "low", "high"))
    for value in (ratio, high if high <= 1 else low):
        if value != 1:
            return "fall" if value < 1 else "rise"
    return "change"


def _reporting(row: Mapping[str, Any]) -> str:
    """Say of reports whether what they count can have changed: a report is what happened times the share reported."""
    if _value(row, "reports") != 1 or not _tested(row):
        return ""
    least, most, margin = (_value(row, name) for name in ("reporting_low", "reporting_high", "margin"))
    span = f"({_n(least)} to {_n(most)} times)"
    # What goes beyond recorded numbers must hold by both intervals. Without a declared range low and high are NaN,
    # which no comparison passes.
    low = np.fmin(_value(row, "low"), _value(row, "relative_low")) / most
    high = np.fmax(_value(row, "high"), _value(row, "relative_high")) / least
    if row["verdict"] == "change shown":
        if low > 1 or high < 1:
            return f"A change of the share reported within its declared range {span} would not explain all of it."
        why = f"the declared range of the share reported {span} covers it"
        if math.isnan(least) or math.isnan(most):
            why = f"a change of the share reported to {_n(_value(row, 'ratio'))} times would explain all of it"
        return f"Recorded numbers changed; whether what they count did, cannot be told: {why}."
    if row["verdict"] == "no change that matters" and 1 / (1 + margin) <= low <= high <= 1 + margin:
        return f"That holds of what they count too, if the share reported stayed in its declared range {span}."
    return "These are reports, what happened times the share reported: whether what they count changed, cannot be told."


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


def _tested(row: Mapping[str, Any]) -> bool:
    return not math.isnan(_value(row, "p"))


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
