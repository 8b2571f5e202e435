"""How many people raised a need, met or not, as far as published labels tell?"""

from __future__ import annotations

import math

from commonground.disclosure import Protected

__all__ = ["LEVELS", "NUMBERS", "need_rows_of"]

#: Levels of one need, the largest and most asked for first; what is too small is joined from the end.
LEVELS = ("not raised", "unmet", "unknown", "met")
NUMBERS = ("people", "met", "unmet", "unknown")
OR = " or "  # what joined levels are joined by
_RAISED = {"unmet", "unknown", "met"}
_MEANS = {"people": _RAISED, "met": {"met"}, "unmet": {"unmet"}, "unknown": {"unknown"}}


def need_rows_of(table: Protected | None, phase: str) -> dict[str, float]:
    """Return people who raised a need, and met, unmet and unknown, each as a range.

    Parameters
    ----------
    table : Protected or None
        People by the levels of one need; None where it is not published.
    phase : str

    Returns
    -------
    dict of str to float
        people_low, people_high, met_low, ...: people per block, summed. NaN where nothing is published. Unknown is not
        met: the upper end of unmet holds everybody of whom nothing is known.
    """
    cells = [] if table is None else [row for row in table.rows if row[2] == phase and row[3]]
    found: dict[str, float] = {}
    for name in NUMBERS:
        means = _MEANS[name] | ({"unknown"} if name == "unmet" else set())
        low = high = 0 if cells else math.nan
        for *_, levels, value, least, most in cells:
            parts = {part for part in levels[0].split(OR) if part in LEVELS} or {LEVELS[0]}
            if value is None or least is None or most is None:
                low, high = low, math.nan
                continue
            low += least if parts <= _MEANS[name] else 0
            high += most if parts & means else 0
        found |= {f"{name}_low": low, f"{name}_high": high}
    return found
