"""What else may have changed what is counted, and how did areas come to be in the operation?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from commonground.periods import Period
from commonground.studyvalues import Section

__all__ = ["DeclaredDesign", "DeclaredShock", "design", "shocks"]

COLLECTION = ("unlikely", "likely", "unknown")
ALLOCATION = ("random", "chosen", "unknown")
DESIGN = ("data_collection", "data_collection_reason", "allocation", "allocation_reason", "matched")
SHOCK = ("name", "start", "end", "outcomes", "recording")


@dataclass(frozen=True)
class DeclaredShock:
    """Something else that is known to have changed what is counted: a lockdown, a new way of recording.

    Parameters
    ----------
    name : str
    start : Timestamp
        First day, the first of a month.
    end : Timestamp or None
        First day after it, the first of a month; None when it goes on.
    outcomes : tuple of str
        The outcomes it may have changed; all of them where the study names none.
    recording : bool
        Whether it is a change of recording, so that the same events are counted otherwise.
    coincides : bool
        Whether no month before or after tells it from the operation: it begins between the end of before and the first
        month of after and goes on into after, or it lasted all of before and ends there.
    """

    name: str
    start: pd.Timestamp
    end: pd.Timestamp | None
    outcomes: tuple[str, ...]
    recording: bool
    coincides: bool


@dataclass(frozen=True)
class DeclaredDesign:
    """What a study says of its design: on it rests how much a comparison can show.

    Parameters
    ----------
    data_collection : {'unlikely', 'likely', 'unknown'}
        Whether the operation was unlikely or likely to change how the data were collected (EPOC's question).
    data_collection_reason : str
        Empty when the answer is unknown.
    allocation : {'random', 'chosen', 'unknown'}
        How it was decided in which areas the operation took place.
    allocation_reason : str
        Empty when the answer is unknown.
    matched : bool or None
        Whether the comparison areas were matched to the operation's; None: not said.

    References
    ----------
    Cochrane Effective Practice and Organisation of Care (2017), Suggested risk of bias criteria for EPOC reviews.
    """

    data_collection: str = "unknown"
    data_collection_reason: str = ""
    allocation: str = "unknown"
    allocation_reason: str = ""
    matched: bool | None = None


def shocks(root: Section, outcomes: Collection[str], spans: Mapping[str, Period]) -> tuple[DeclaredShock, ...]:
    """Return the declared shocks, as far as they can be understood; names are unique, spans are whole months.

    Parameters
    ----------
    root : Section
        The study file.
    outcomes : collection of str
        Names of the declared outcomes.
    spans : mapping of phase to Period
    """
    found: dict[str, DeclaredShock] = {}
    for spec in root.rows("shocks"):
        spec.only(SHOCK)
        name = spec.text("name", need="Say what happened, in a few words.")
        start = spec.day("start", need="Give its first month: start = 2020-03-01.")
        end = spec.day("end")
        for key, day in (("start", start), ("end", end)):
            if day is not None and day.day != 1:
                spec.say(key, "must be the first of a month", "Counts are compared by the month: 2020-03-01, say.")
        if start is not None and end is not None and end <= start:
            spec.say("end", "does not lie after start", "Correct the two dates; end is the first day after it.")
        chosen = spec.texts("outcomes")
        for outcome in chosen:
            if outcome not in outcomes:
                spec.say(
                    "outcomes", f"names {outcome}, which is no outcome", "Use names of [outcomes], or leave it out."
                )
        if name in found:
            spec.say("name", "is the name of two shocks", "Tell them apart.")
        recording = spec.flag("recording", default=False)
        if name is not None and start is not None:
            _seen(spec, start, end, spans)
            coincides = _coincides(start, end, spans)
            found[name] = DeclaredShock(name, start, end, chosen or tuple(outcomes), recording, coincides)
    return tuple(found.values())


def design(spec: Section, *, compared: bool) -> DeclaredDesign:
    """Return what a study says of its design.

    Parameters
    ----------
    spec : Section
        The table [design], which may be empty.
    compared : bool
        Whether the study has comparison areas.
    """
    spec.only(DESIGN)
    collection = spec.word("data_collection", COLLECTION, default="unknown")
    allocation = spec.word("allocation", ALLOCATION, default="unknown")
    reasons = {}
    for key, answer in (("data_collection", collection), ("allocation", allocation)):
        need = f"Say why {key} is {answer}." if answer not in ("", "unknown") else None
        reasons[key] = spec.text(f"{key}_reason", need=need) or ""
    if allocation == "random" and not compared:
        advice = "Chance decides between areas: name those it left out under [comparison], or correct it."
        spec.say("allocation", "is random, but there is no comparison area", advice)
    matched = spec.flag("matched", default=False) if "matched" in spec else None
    if matched and not compared:
        spec.say("matched", "is true, but there is no comparison area", "Leave it out.")
    return DeclaredDesign(
        data_collection=collection or "unknown",
        data_collection_reason=reasons["data_collection"],
        allocation=allocation or "unknown",
        allocation_reason=reasons["allocation"],
        matched=matched,
    )


def _seen(spec: Section, start: pd.Timestamp, end: pd.Timestamp | None, spans: Mapping[str, Period]) -> None:
    """Refuse a shock that every month before and after has, or none: nothing in the counts can speak of it."""
    if not {"before", "after"} <= set(spans):
        return
    first, last = spans["before"].start, spans["after"].end
    if start >= last or (end is not None and end <= first):
        spec.say("start", "lies outside before and after", "Correct the dates, or leave the shock out.")
    elif start <= first and (end is None or end >= last):
        advice = "It says nothing about a change between them: correct the dates, or leave it out."
        spec.say("start", "covers all of before and after", advice)


def _coincides(start: pd.Timestamp, end: pd.Timestamp | None, spans: Mapping[str, Period]) -> bool:
    if not {"before", "after"} <= set(spans):
        return False
    before, after = spans["before"], spans["after"]
    begins = before.end <= start <= after.start and (end is None or end > after.start)
    ends = end is not None and start <= before.start and before.end <= end <= after.start
    return bool(begins or ends)
