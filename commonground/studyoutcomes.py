"""What does each outcome of a study file count, and which direction of it would be good?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from commonground.studyvalues import Section

__all__ = ["outcome"]

OUTCOME = ("label", "input", "goal", "good", "primary", "margin", "where", "count", "reports", "reporting", "placebo")
GOALS = ("enforcement", "trust", "safety", "access")
GOOD = ("fall", "rise", "neither")
MARGIN = 0.2  # a fifth either way does not matter, unless the study says otherwise


def outcome(name: str, spec: Section, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of one outcome, ready for `commonground.study.Outcome`.

    Parameters
    ----------
    name : str
    spec : Section
    kinds : mapping of input to kind
        An outcome is counted in an input of people or events, never in a list of services.
    """
    spec.only(OUTCOME)
    reports, reporting = spec.flag("reports", default=False), spec.range("reporting")
    if reporting and not reports:
        spec.say("reporting", "is for outcomes that count reports", "Add reports = true, or leave it out.")
    people = tuple(source for source, kind in kinds.items() if kind != "services")
    placebo = spec.flag("placebo", default=False)
    primary = spec.flag("primary", default=not placebo)
    if placebo and primary:
        advice = "It is there to fail: the operation cannot have moved it. Leave primary out."
        spec.say("primary", "cannot stand beside placebo = true", advice)
    need = "Say before looking which direction would be good."
    good = spec.word("good", GOOD, default="neither" if placebo else None, need=need)
    if placebo and good in ("fall", "rise"):
        spec.say("good", "must be neither beside placebo = true", "The operation cannot have moved it either way.")
    return {
        "label": spec.text("label") or name.replace("_", " "),
        "input": spec.word("input", people, need="Name the input it is counted in."),
        "goal": spec.word("goal", GOALS, need="Say which goal it serves."),
        "good": good,
        "primary": primary,
        "margin": spec.number("margin", default=MARGIN, below=1.0),
        "where": spec.texts_map("where"),
        "count": spec.word("count", ("events", "persons"), default="events"),
        "reports": reports,
        "reporting": reporting,
        "placebo": placebo,
    }
