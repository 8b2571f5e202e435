"""How is a row of the evaluation table put into words that say no more than the row does?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["read_row"]

_GOALS = {
    "enforcement": "It measures enforcement, not need, prevalence or activity.",
    "trust": "More can be a sign of trust, fewer of its loss.",
    "access": "It counts what services saw, not everybody there is.",
    "safety": "",
}


def read_row(row: Mapping[str, Any]) -> str:
    """Put one outcome into words: what could be seen, what was, the verdict, what it does not show.

    Parameters
    ----------
    row : mapping
        A row of `Evaluation.to_frame`, exact or rounded for release; missing values are left out of the text.

    Returns
    -------
    str
        Every number in it is a cell of the row.
    """
    if str(row["verdict"]).startswith("cannot tell: too few"):
        return f"{row['label']}: {row['verdict']}."
    parts = [f"{row['label']}: {row['verdict']}.", _power(row), _estimate(row), _direction(row), _reporting(row)]
    parts += [_disagreement(row), _GOALS[row["goal"]], str(row["cautions"] or "")]
    return " ".join(part for part in parts if part)


def _power(row: Mapping[str, Any]) -> str:
    fall, rise = row["smallest_fall"], row["smallest_rise"]
    lower = f"a fall to {_n(fall)} times" if _known(fall) else ""
    upper = f"a rise to {_n(rise)} times" if _known(rise) and math.isfinite(rise) else ""
    if not lower and not upper:
        return "No change of any size could have been seen with so few events."
    if lower and upper:
        return f"Before looking: {lower} or {upper} would have been seen four times in five; less may pass unseen."
    other = "fall" if upper else "rise"
    return f"Before looking: {lower or upper} would have been seen four times in five; no {other} of any size would."


def _estimate(row: Mapping[str, Any]) -> str:
    if not _known(row["p"]):
        return "No test is made: there are too few months or events."
    expected = (
        "the comparison areas lead one to expect"
        if (row["comparison_areas"] or 0) > 0
        else "the months before lead one to expect"
    )
    size = f", {_n(row['p_holm'])} with all outcomes considered" if _known(row["p_holm"]) else ""
    floor = f"; no p below {_n(row['p_floor'])} was possible" if (row["p_floor"] or 0) > 0 else ""
    return (
        f"Events after were {_n(row['ratio'])} times what {expected} (95 % interval {_n(row['low'])} to {_n(row['high'])}; "
        f"p {_n(row['p'])}{size}{floor})."
    )


def _direction(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "no change that matters":
        return f"The interval lies inside the declared margin of {_n(row['margin'])}."
    if row["verdict"] != "change shown":
        return "That is not evidence of no change."
    moved = "fall" if row["ratio"] < 1 else "rise"
    if row["good"] == "neither":
        return f"A {moved} is neither good nor bad in itself."
    return f"A {moved} was declared {'good' if moved == row['good'] else 'bad'} beforehand."


def _reporting(row: Mapping[str, Any]) -> str:
    if not row["reports"] or not _known(row["ratio"]):
        return ""
    if not _known(row["reporting_low"]):
        return (
            f"These are reports: what happened times the share reported. A change of that share to {_n(row['ratio'])} times "
            "would explain all of it, so this says nothing of how much violence there was."
        )
    low, high = row["low"] / row["reporting_high"], row["high"] / row["reporting_low"]
    declared = f"over the declared range of the reported share ({_n(row['reporting_low'])} to {_n(row['reporting_high'])} times)"
    if row["verdict"] == "change shown" and (low > 1 or high < 1):
        return f"The direction holds {declared}."
    return f"It does not hold {declared}: what happened may have stayed the same."


def _disagreement(row: Mapping[str, Any]) -> str:
    if (
        _known(row["p_exact"])
        and row["p_exact"] <= 0.05
        and row["verdict"] == "cannot tell"
        and _known(row["p"])
        and row["p"] > 0.05
    ):
        return "An exact test would have called this a change; it takes months for independent, and they are not."
    return ""


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _n(value: Any) -> str:
    if not _known(value):
        return "unknown"
    if isinstance(value, float) and math.isinf(value):
        return "infinitely many"
    return f"{float(value):.3g}"
