"""Which areas and which months does a study file compare?"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from commonground.periods import Period
from commonground.studyvalues import Section

__all__ = ["PHASES", "as_of", "phases", "zones"]

PHASES = ("before", "during", "after")
OWN_ZONES = ("treated", "ring")
NEVER = pd.Timestamp(1900, 1, 1)  # stands in for a date that is wrong; a study with problems is never run


def phases(operation: Section) -> dict[str, Period]:
    """Return before, during and after, as far as they are given; whole months, in order, without overlap."""
    found = {}
    for name in PHASES:
        need = None if name == "during" else f'Write {name} = ["2022-01-01", "2023-01-01"]; the end is not included.'
        span = operation.span(name, need=need)
        if span is not None:
            found[name] = span
            if span.start.day != 1 or span.end.day != 1:
                advice = f'Counts are compared by the month: write {name} = ["2022-01-01", "2023-01-01"], say.'
                operation.say(name, "must run from the first of a month to the first of a month", advice)
    for (one, first), (other, second) in pairwise(sorted(found.items(), key=lambda item: item[1])):
        if first.overlaps(second):
            advice = "Each day belongs to one phase; ends are not included."
            operation.say(other, f"overlaps {one}", advice)
        elif PHASES.index(one) > PHASES.index(other):
            operation.say(other, f"lies before {one}", "The order is before, during, after; correct the dates.")
    stated = operation.content.get("months_after")
    if stated is not None and (not isinstance(stated, int) or isinstance(stated, bool) or stated < 1):
        operation.say("months_after", "must be a whole number of months", "Write months_after = 12, without quotes.")
    elif stated is not None and "after" in found and found["after"].months != stated:
        size = "fewer" if found["after"].months < stated else "more"
        rule = f"holds {found['after'].months} whole months, {size} than the {stated} that months_after states"
        operation.say("after", rule, "Correct after or months_after.")
    return found


def zones(operation: Section, comparison: Section) -> dict[str, Any]:
    """Return treated, ring, comparison, for_ring and comparison_rule; each area belongs to one zone."""
    comparison.only(("areas", "rule", "none", "for_ring"))
    treated = operation.texts("treated", need="List the codes of the areas in which the operation took place.")
    ring = operation.texts("ring")
    if isinstance(comparison.content.get("areas"), list):
        named: dict[str, tuple[str, ...]] = {code: (code,) for code in dict.fromkeys(comparison.texts("areas"))}
        listed = list(comparison.texts("areas"))
    else:
        named = comparison.texts_map("areas")
        listed = [code for codes in named.values() for code in codes]
    none = comparison.text("none")
    if named and none:
        comparison.say("none", "contradicts comparison.areas", "Keep one of the two.")
    if not named and not none and comparison.findings.clean("comparison.areas"):
        advice = 'Add [comparison] with areas and rule, or say why there can be none: none = "...".'
        comparison.say("areas", "are needed: there is no comparison area", advice)
    for name in OWN_ZONES:
        if name in named:
            comparison.say("areas", f"has a zone called {name}, which is another zone's name", "Call it otherwise.")
    need = "Say by which rule the comparison areas were chosen." if named else None
    rule = comparison.text("rule", need=need)
    homes: dict[str, str] = {}
    for zone, codes in (("operation.treated", treated), ("operation.ring", ring), ("comparison.areas", listed)):
        for code in codes:
            if code in homes:
                what = "lists area {} twice" if homes[code] == zone else "shares area {} with " + homes[code]
                comparison.findings.say(zone, what.format(code), "Each area belongs to one zone, once.")
            homes.setdefault(code, zone)
    apart = _for_ring(comparison, named, ring)
    spoken = rule or none or ""
    return {"treated": treated, "ring": ring, "comparison": named, "for_ring": apart, "comparison_rule": spoken}


def _for_ring(comparison: Section, named: Mapping[str, tuple[str, ...]], ring: tuple[str, ...]) -> tuple[str, ...]:
    """Return the comparison areas that the ring is set against, and the operation area is not."""
    chosen = comparison.texts("for_ring")
    for name in chosen:
        if name not in named:
            comparison.say("for_ring", f"names {name}, which is no comparison area", "Use names of comparison.areas.")
    if len(set(chosen)) < len(chosen):
        comparison.say("for_ring", "names an area twice", "Name each once.")
    if chosen and not ring:
        comparison.say("for_ring", "is given, but there is no ring", "Add operation.ring, or leave it out.")
    if chosen and named and set(named) <= set(chosen):
        comparison.say("for_ring", "names every comparison area", "Leave at least one for the operation area.")
    return chosen


def as_of(policy: Section, spans: Mapping[str, Period]) -> pd.Timestamp:
    """Return the date of the extracts, which cannot lie in the future: the release lag is reckoned from it."""
    need = "Give the date of the extracts, as 2025-06-30; it drives the release lag."
    day = policy.day("as_of", need=need)
    if day is None:
        return NEVER
    if day > pd.Timestamp.now():
        policy.say("as_of", "lies in the future", "Give the day on which the data were extracted.")
    if "after" in spans and day < spans["after"].end:
        rule = f"lies before the end of after ({spans['after'].end:%Y-%m-%d})"
        policy.say("as_of", rule, "Data extracted then cannot hold all of after: shorten after, or correct the date.")
    return day
