"""Which numbers stand behind each verdict, power first?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.wording import known
from commonground.release.tables import Table

__all__ = ["checks_table", "power_table", "ring_note", "series_table", "verdict_table", "wdd_table"]

SMALLEST_P = 0.0001  # written for anything below it: no monthly series supports more (change_test.md)
Columns = Mapping[str, tuple[str, str]]

_OUTCOME: Columns = {"label": ("Outcome", "")}
_POWER: Columns = {
    **_OUTCOME,
    "months_before": ("Months before", "months before the operation that are used."),
    "months_after": ("Months after", "months after it."),
    "judged_together": ("Judged together", "outcomes of its rank, over which p is adjusted."),
    "smallest_fall": (
        "Smallest fall seen",
        "a fall to this many times what was expected, or lower, is seen four times in five.",
    ),
    "smallest_rise": (
        "Smallest rise seen",
        "a rise to this many times what was expected, or higher, is seen four times in five.",
    ),
}
_ESTIMATES: Columns = {
    "ratio": (
        "Ratio",
        "events after over what the months before and the comparison areas lead one to expect; 1 is no change.",
    ),
    "low": ("Low", "lower end of the 95 % interval of the ratio."),
    "high": ("High", "upper end of the 95 % interval of the ratio."),
    "p_holm": (
        "p, all outcomes",
        "chance of a ratio at least as far from 1 if nothing had changed, with all outcomes of its rank considered "
        "(Holm; Benjamini-Hochberg for secondary outcomes).",
    ),
    "verdict": ("Verdict", ""),
}
_CHECKS: Columns = {
    **_OUTCOME,
    "p": ("p, alone", "p of the headline test before other outcomes are considered."),
    "p_floor": ("Smallest p possible", "no smaller p was possible with these months and areas."),
    "p_shift": ("p, shift test", "circular shift test: how often another start gives as large a change."),
    "p_exact": ("p, exact test", "takes months for independent; too small when they are not."),
    "relative_ratio": ("Relative rate ratio", "operation area over comparison areas, the same months a year apart."),
    "relative_low": ("RRR low", "lower end of its 95 % interval, dispersion included."),
    "relative_high": ("RRR high", "upper end of its 95 % interval, dispersion included."),
    "dispersion": ("Dispersion", "variance over mean of the monthly share before; 1 is Poisson."),
}
_SERIES: Columns = {
    **_OUTCOME,
    "series_ratio": (
        "Ratio, own series",
        "events after over what its trend and season lead one to expect.",
    ),
    "series_low": ("Series low", "lower end of its 95 % interval (quasi-Poisson, t)."),
    "series_high": ("Series high", "upper end of its 95 % interval."),
    "averted": ("Fewer than expected", "events expected less events recorded, over the months after; negative: more."),
    "averted_low": ("Fewer, low", "lower end of its 95 % interval, with the chance in the counts."),
    "averted_high": ("Fewer, high", "upper end of its 95 % interval."),
    "autocorrelation": (
        "Month to month",
        "correlation of what is left from month to month; above 0 the limits are too narrow.",
    ),
}
_WDD: Columns = {
    **_OUTCOME,
    "matched_before": ("Before", "events in the operation area in the same months a year before."),
    "matched_after": ("After", "events in the operation area in the months after."),
    "ring_before": ("Ring before", "events in the ring in the same months a year before."),
    "ring_after": ("Ring after", "events in the ring in the months after."),
    "wdd": ("WDD", "change in the area and its ring, less that of as many comparison areas, in events."),
    "wdd_se": ("Standard error", "with the dispersion of the months before."),
    "wdd_se_poisson": ("Poisson standard error", "if months were independent; too small when they are not."),
    "wdd_low": ("Low", "lower end of the 95 % interval."),
    "wdd_high": ("High", "upper end of the 95 % interval."),
}
_MISSING = {
    "smallest_fall": "none, however large",
    "smallest_rise": "none, however large",
    "before": "not shown",
    "after": "not shown",
    "matched_before": "not shown",
    "matched_after": "not shown",
}


def power_table(contents: Contents) -> Table:
    """Return what could have been seen, from the months before only."""
    note = (
        "Worked out from the months before only, with the number of outcomes judged together at its worst. Smaller "
        "changes may pass unseen."
    )
    return _picked(contents, "power", "Smallest changes that would be seen", _POWER, note)


def verdict_table(contents: Contents) -> Table:
    """Return the headline of each outcome: counts, ratio with interval, p, verdict."""
    matched = contents.facts.profile == "open"
    first = "in the same months a year before" if matched else "in the whole phase before, to the nearest 5"
    last = "in the months after" if matched else "in the whole phase after, to the nearest 5"
    before, after = ("matched_before", "matched_after") if matched else ("before", "after")
    counts: Columns = {
        before: ("Same months a year before" if matched else "Before", f"events in the operation area {first}."),
        after: ("After", f"events in the operation area {last}."),
    }
    note = "The ratio rests on all months before, not only on the two numbers beside it."
    return _picked(
        contents, "verdicts", "Verdicts and estimates by outcome", {**_OUTCOME, **counts, **_ESTIMATES}, note
    )


def checks_table(contents: Contents) -> Table:
    """Return the other tests of each outcome, for comparison with the headline."""
    note = f"A p of {SMALLEST_P:g} stands for that or less."
    return _picked(contents, "checks", "The other tests, for comparison", _CHECKS, note)


def series_table(contents: Contents) -> Table | None:
    """Return what the operation area's own series says, with trend and season; None where none could be fitted."""
    frame = contents.registered.to_frame()
    if "series_ratio" not in frame or frame["series_ratio"].isna().all():
        return None
    note = "A sensitivity, without comparison areas: what changed everywhere is in it. The headline does not use it."
    return _picked(contents, "series", "The operation area's own series", _SERIES, note)


def wdd_table(contents: Contents) -> Table | None:
    """Return the weighted displacement difference with both standard errors; None without comparison areas."""
    if contents.registered.to_frame()["wdd"].isna().all():
        return None
    note = f"{ring_note(contents)} After is compared with the same months a year before."
    return _picked(contents, "displacement-difference", "Weighted displacement difference", _WDD, note)


def ring_note(contents: Contents) -> str:
    """Say what the ring is set against, and what that takes for granted."""
    zones, apart = contents.facts.zones, contents.facts.for_ring
    if "ring" not in zones:
        return "No ring was declared, so displacement next door was not looked for."
    if set(zones) <= {"treated", "ring"}:
        return (
            "There is no comparison area: the ring is set against nothing, and what changed everywhere cannot be told "
            "from displacement."
        )
    if apart:
        against = f"The ring is set against {', '.join(apart)}, the operation area against the other comparison areas"
    else:
        against = (
            "The ring and the operation area are set against the same comparison areas, which the errors allow for"
        )
    return (
        f"{against}; each is compared with as many areas as it has. Areas are taken to change by as many events as one "
        "another: where more was recorded in each to begin with, a rise everywhere still looks like displacement in "
        "part. Read it beside the ratios of the ring and of the comparison areas."
    )


def _picked(contents: Contents, name: str, title: str, columns: Columns, note: str) -> Table:
    """Pick and name columns of the registered rows; columns that nothing is known of are left out."""
    frame = contents.registered.to_frame()
    kept = {key: words for key, words in columns.items() if key in frame and not frame[key].isna().all()}
    picked = pd.DataFrame({words[0]: _cells(frame[key], key) for key, words in kept.items()})
    return Table(name, title, picked, contents.registered, notes=(note,), definitions=_defined(kept))


def _defined(columns: Columns) -> dict[str, str]:
    """Return the meanings of columns whose heading does not say it all."""
    return {heading: meaning for heading, meaning in columns.values() if meaning}


def _cells(column: pd.Series[Any], key: str) -> pd.Series[Any]:
    missing = _MISSING.get(key, "not known")
    return pd.Series([_cell(value, key, missing) for value in column])


def _cell(value: Any, key: str, missing: str) -> Any:
    if isinstance(value, str):
        return value
    if not known(value):
        return missing
    if key == "p" or key.startswith("p_"):
        return max(float(f"{value:.2g}"), SMALLEST_P)
    if math.isinf(value):
        return missing if key in _MISSING else "no limit"
    return int(value) if float(value).is_integer() else float(f"{value:.3g}")
