"""Which sentences does a board read first? Each follows from a published number."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.provision import ANY

__all__ = ["bursts", "cannot_say", "findings", "headline"]

BURST_SHARE = 0.5  # one month with at least half of a span's events is a burst ...
BURST_EVENTS = 10  # ... when it is at least this many


def findings(contents: Contents) -> list[str]:
    """Return at most three findings with their intervals: what changed, what moved, what is missing."""
    lines = headline(contents)
    return [lines[key] for key in ("change", "displacement", "needs") if lines.get(key)]


def headline(contents: Contents) -> dict[str, str]:
    """Return one sentence a page."""
    change = _change_line(contents)
    return {
        "glance": contents.facts.question,
        "change": change,
        "displacement": _movement_line(contents),
        "needs": _needs_line(contents),
    }


def cannot_say(contents: Contents) -> list[str]:
    """Return what these data cannot say: the study's own limits, and those that always hold."""
    lines = list(contents.facts.limits)
    lines += list(contents.refusals.values())
    rows = contents.registered.to_frame()
    unsure = [
        str(label)
        for label, verdict in zip(rows["label"], rows["verdict"], strict=True)
        if str(verdict).startswith("cannot tell")
    ]
    if unsure:
        lines.append(f"Whether these changed: {', '.join(unsure)}. Cannot tell is not the same as no change.")
    if contents.provision is None:
        lines.append("Need and provision: this study has no data on them.")
    gaps = [f"{s.source} ({s.gaps})" for s in contents.facts.sources if s.gaps != "none known"]
    if gaps:
        lines.append(f"Months nobody reported are missing, not zero: {', '.join(gaps)}.")
    lines.append("How much was never reported or recorded, and who is seen by no source.")
    return lines


def bursts(contents: Contents, name: str) -> list[str]:
    """Say where one month holds at least half of the events after: a burst of recording, not a trend.

    Published statistics only: months of protected records are not published.
    """
    shown = contents.monthly.get(name)
    span = contents.facts.compared.get("after")
    if shown is None or span is None:
        return []
    frame = shown.to_frame()
    inside = frame[[span.covers(shown.periods[period]) for period in frame["period"]]]
    watched = {code for zone in ("treated", "ring") for code in contents.facts.zones.get(zone, ())}
    lines = []
    for code, rows in inside[inside["block"].isin(watched)].groupby("block"):
        values = rows.set_index("period")["value"].dropna()
        if values.empty or values.max() < BURST_EVENTS or values.max() < BURST_SHARE * values.sum():
            continue
        month = pd.Period(str(values.idxmax()), "M").strftime("%B %Y")
        place = contents.facts.area_names.get(str(code), str(code))
        lines.append(
            f"{values.max()} of {place}'s {values.sum()} after the start fall in one month, {month}: a burst of recording "
            "there, and no movement of people."
        )
    return lines


def _change_line(contents: Contents) -> str:
    rows = contents.registered.to_frame()
    by_verdict: Mapping[str, list[str]] = {
        verdict: [_short(row) for row in part.to_dict("records")]
        for verdict, part in rows.groupby("verdict", sort=False)
    }
    parts = []
    if by_verdict.get("change shown"):
        parts.append(f"Change shown: {'; '.join(by_verdict['change shown'])}.")
    if by_verdict.get("no change that matters"):
        parts.append(f"No change that matters: {'; '.join(by_verdict['no change that matters'])}.")
    unsure = [line for verdict, lines in by_verdict.items() if verdict.startswith("cannot tell") for line in lines]
    if unsure:
        parts.append(f"Cannot tell: {'; '.join(unsure)}.")
    return " ".join(parts)


def _short(row: Mapping[str, object]) -> str:
    label, ratio, low, high = row["label"], row["ratio"], row["low"], row["high"]
    if pd.isna(ratio) or pd.isna(low):  # type: ignore[call-overload]
        return str(label)
    return f"{label}, {ratio:.2g} times what was expected ({low:.2g} to {high:.2g})"


def _movement_line(contents: Contents) -> str:
    contacts = [name for name, shown in contents.events.items() if shown.kind == "contacts"]
    name = next(iter([*contacts, *contents.movements]), None)
    if name is None:
        return "Nothing can be shown by area."
    return f"{contents.labels[name]}. {contents.movements[name].sentence}"


def _needs_line(contents: Contents) -> str:
    provision = contents.provision
    if provision is None:
        return ""
    if provision.gaps is None:
        return provision.note
    rows = provision.gaps.table
    rows = rows[(rows["kind"] == ANY) & rows["people_high"].notna()]
    if rows.empty:
        return (
            "In every published block and at every time of day some service is within reach of the people seen there."
        )
    worst = rows.iloc[0]
    codes = worst["area"] if isinstance(worst["area"], tuple) else (worst["area"],)
    names = ", ".join(contents.facts.area_names.get(code, code) for code in codes[:3])
    more = f" and {len(codes) - 3} more areas" if len(codes) > 3 else ""
    return (
        f"The largest gap: {names}{more}, {worst['slot']}: {worst['people_low']:.0f} to {worst['people_high']:.0f} "
        f"people, {worst['reason']}. {len(rows)} such gaps in all."
    )
