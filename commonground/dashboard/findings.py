"""Which sentences does a board read first? Each follows from a published number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.facts import NONE_KNOWN
from commonground.dashboard.provision import ANY
from commonground.dashboard.wording import known, months_of, number, place_names
from evaluation.judging.readings import counts_reports, failed_checks, holds

__all__ = [
    "CHANGED",
    "Finding",
    "Verdict",
    "bursts",
    "cannot_say",
    "displacement_line",
    "findings",
    "movement",
    "needs_line",
    "stricter",
    "verdicts",
]

BURST_SHARE = 0.5  # one month with at least half of a span's events is a burst ...
BURST_EVENTS = 10  # ... when it is at least this many
MOST_NAMES = 3  # areas named in a sentence
CANNOT_TELL = "cannot tell"
CHANGED = "What changed"
NO_CONTACTS = "These data hold no contacts with people, so whether anybody moved cannot be told from them."


@dataclass(frozen=True)
class Finding:
    """What the first page says of one question."""

    topic: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """One outcome in a few words: its verdict, its counts, its ratio to what was expected, the checks that failed."""

    label: str
    verdict: str
    counts: str
    ratio: str
    against: str = ""

    @property
    def sentence(self) -> str:
        """The whole in one sentence."""
        said = "; ".join(part for part in (self.counts, self.ratio, self.against) if part)
        return (
            f"{self.label}: {self.verdict}. {said[:1].upper()}{said[1:]}." if said else f"{self.label}: {self.verdict}."
        )


def findings(contents: Contents) -> list[Finding]:
    """Return at most three findings, of what is shown: what changed, whether people moved, what is missing."""
    lines = {
        "change": (CHANGED, [verdict.sentence for verdict in verdicts(contents)]),
        "displacement": ("Whether people moved", movement(contents)),
        "needs": ("What is missing", list(filter(None, [needs_line(contents)]))),
    }
    asked = (lines[part] for part in ("change", "displacement", "needs") if part in contents.parts)
    return [Finding(topic, tuple(said)) for topic, said in asked if said]


def verdicts(contents: Contents) -> list[Verdict]:
    """Return each outcome with its verdict and the published numbers it is read from."""
    rows: list[Any] = contents.registered.to_frame().to_dict("records")
    names = {outcome: shown for shown, outcome in contents.judged_by.items()}
    return [_verdict(contents, row, names.get(row["outcome"])) for row in rows]


def movement(contents: Contents) -> list[str]:
    """Say whether people moved, from contacts where there are any, else why the first outcome cannot tell."""
    contacts = [name for name, shown in contents.events.items() if shown.kind == "contacts"]
    name = next(iter([*contacts, *contents.movements]), None)
    if name is None:
        return []
    lines = [] if contacts else [NO_CONTACTS]
    lines.append(f"{contents.labels[name]}. {contents.movements[name].sentence}")
    return [*lines, *bursts(contents, name), *stricter(contents, name)]


def displacement_line(contents: Contents) -> str:
    """Return the one sentence that heads the page on displacement."""
    contacts = [name for name, shown in contents.events.items() if shown.kind == "contacts"]
    if not contacts:
        return NO_CONTACTS
    found = contents.movements[contacts[0]]
    return f"{contents.labels[contacts[0]]}. {found.short} {found.meaning}"


def stricter(contents: Contents, name: str) -> list[str]:
    """Say so where the interval of a fall takes events for independent, and the test that does not cannot tell."""
    if not contents.movements[name].fell or not _judged(contents, name, "verdict").startswith(CANNOT_TELL):
        return []
    return [
        "Set against the comparison areas, and without taking the events of one person for independent, whether the "
        "numbers in the operation area fell at all cannot be told: see Before and after."
    ]


def bursts(contents: Contents, name: str) -> list[str]:
    """Say where one month holds at least half of the events after: a burst of recording, not a trend.

    Published statistics only: months of protected records are not published.

    Parameters
    ----------
    contents : Contents
    name : str
        Of a shown set of values.
    """
    shown, compared = contents.monthly.get(name), contents.events.get(name)
    if shown is None or compared is None:
        return []
    span = compared.periods["after"]
    counts = shown.table().T
    inside = counts[[span.covers(shown.periods[period]) for period in counts.index]]
    watched = [code for zone in ("treated", "ring") for code in contents.facts.zones.get(zone, ())]
    enforced = "enforcement" if _judged(contents, name, "goal") == "enforcement" else "recording"
    lines = []
    for code in watched:
        values = inside[code].dropna() if code in inside else pd.Series(dtype="float64")
        if values.empty or values.max() < BURST_EVENTS or values.max() < BURST_SHARE * values.sum():
            continue
        month = pd.Period(str(values.idxmax()), "M").strftime("%B %Y")
        lines.append(
            f"{values.max()} of {contents.facts.area_names.get(code, code)}'s {values.sum()} after the start fall in "
            f"one month, {month}: a burst of {enforced} there and no movement of people."
        )
    return lines


def needs_line(contents: Contents) -> str:
    """Name the largest gap in provision, or say why there is none to name."""
    provision = contents.provision
    if provision is None:
        return ""
    if provision.gaps is None:  # unknown need, or provision alone: the note says which
        return provision.note
    table = provision.gaps.table
    rows = table[(table["kind"] == ANY) & table["people_high"].notna()]
    if rows.empty:
        return (
            "In every published block and at every time of day some service is within reach of the people seen there."
        )
    worst: Any = rows.iloc[0]
    codes = worst["area"] if isinstance(worst["area"], tuple) else (worst["area"],)
    names = place_names(codes, contents.facts.area_names, most=MOST_NAMES)
    first = f"The largest of {len(rows)} gaps" if len(rows) > 1 else "The one gap"
    people = f"{worst['people_low']:.0f} to {worst['people_high']:.0f} people"
    return f"{first} is in {names} ({worst['slot']}): {people}, {worst['reason']}."


def cannot_say(contents: Contents) -> list[str]:
    """Return what these data cannot say: the study's own limits, and those that always hold."""
    lines = [*contents.facts.limits, *contents.refusals.values()]
    unsure = [verdict.label for verdict in verdicts(contents) if verdict.verdict.startswith(CANNOT_TELL)]
    if unsure:
        lines.append(f"Whether these changed: {', '.join(unsure)}. Cannot tell is not the same as no change.")
    if contents.provision is None:
        lines.append("What people need and which services reach them: this study has no data on either.")
    elif contents.provision.alone is not None:
        lines.append("What people need: nobody counted it here. Services within reach are provision only.")
    gaps = [f"{source.source} ({source.gaps})" for source in contents.facts.sources if source.gaps != NONE_KNOWN]
    if gaps:
        lines.append(f"Months nobody reported are missing, not zero: {', '.join(gaps)}.")
    lines += dict.fromkeys(contents.unmatched.values())
    return [*lines, "How much was never reported or recorded, and who is seen by no source."]


def _verdict(contents: Contents, row: Mapping[str, Any], name: str | None) -> Verdict:
    shown = contents.events.get(name) if name else None
    published = contents.facts.profile == "open"
    columns, digits = (("matched_before", "matched_after"), 3) if published else (("before", "after"), 2)
    before, after = (row[column] for column in columns)
    counts = ""
    if shown is not None and known(before) and known(after):
        counts = f"{before:,.0f} in {months_of(shown, 'before')}, {after:,.0f} in {months_of(shown, 'after')}"
    ratio = ""
    if known(row["ratio"]) and known(row["low"]):
        point, low, high = (number(row[name], digits) for name in ("ratio", "low", "high"))
        ratio = f"{point} times what was expected ({low} to {high})"
        ratio += _apart(before, after, row, shown) if counts and shown is not None else ""
    limited = row["verdict"] != CANNOT_TELL and counts_reports(row) and not holds(row)
    verdict = f"{row['verdict']} in recorded numbers" if limited else str(row["verdict"])
    return Verdict(str(row["label"]), verdict, counts, ratio, failed_checks(row).rstrip("."))


def _apart(before: float, after: float, row: Mapping[str, Any], shown: Any) -> str:
    """Say so where the count itself went the other way than its ratio to what was expected."""
    if not before or not after or row["verdict"] != "change shown":
        return ""
    rate = after / before * shown.days["before"] / shown.days["after"]
    if rate < 1 < row["ratio"]:
        return ": it fell, but less than expected"
    return ": it rose, but less than expected" if row["ratio"] < 1 < rate else ""


def _judged(contents: Contents, name: str, column: str) -> str:
    frame = contents.registered.to_frame()
    mine = frame.loc[frame["outcome"] == contents.judged_by.get(name, ""), column]
    return str(mine.iloc[0]) if len(mine) else ""
