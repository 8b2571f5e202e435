"""What does the study file say of itself: words and dates, no records?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from commonground.dashboard.wording import span
from commonground.periods import Period
from commonground.study import Study

__all__ = ["Facts", "Source", "facts_of", "labels_of", "outcome_names"]

NONE_KNOWN = "none known"


@dataclass(frozen=True)
class Source:
    """One source of an input, as the coverage table shows it: who reported, when, with which gaps."""

    label: str
    source: str
    first: str
    last: str
    gaps: str
    published: str


@dataclass(frozen=True)
class Facts:
    """What the study file says.

    Parameters
    ----------
    title, question, operation : str
    phases : mapping of name to Period
    zones : mapping of zone to area codes
    for_ring : tuple of str
        The comparison areas that the ring alone is compared with.
    area_names : mapping of code to name
    rule : str
        How the comparison areas were chosen.
    profile : str
    as_of : Timestamp
    people : str
        The word for people.
    limits : tuple of str
    teaching : bool
    plan_hash : str
        Of the registered plan; empty without a registration.
    digest : str
        SHA-256 of the study file.
    sources : tuple of Source
    notes : tuple of str
        What was repaired in the boundaries.
    """

    title: str
    question: str
    operation: str
    phases: Mapping[str, Period]
    zones: Mapping[str, tuple[str, ...]]
    for_ring: tuple[str, ...]
    area_names: Mapping[str, str]
    rule: str
    profile: str
    as_of: pd.Timestamp
    people: str
    limits: tuple[str, ...]
    teaching: bool
    plan_hash: str
    digest: str
    sources: tuple[Source, ...]
    notes: tuple[str, ...]


def facts_of(study: Study) -> Facts:
    """Collect the words and dates of a study, and which source reported when.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Facts
    """
    return Facts(
        title=study.title,
        question=study.question,
        operation=study.operation,
        phases=dict(study.phases),
        zones=study.zones,
        for_ring=study.for_ring,
        area_names={str(code): str(name) for code, name in study.areas["name"].items()},
        rule=study.comparison_rule,
        profile=study.policy,
        as_of=study.as_of,
        people=study.people,
        limits=study.limits,
        teaching=study.teaching,
        plan_hash=registered.plan_hash if (registered := study.registration) is not None else "",
        digest=study.digest,
        sources=tuple(source for name in study.inputs for source in _sources(study, name)),
        notes=tuple(study.areas.attrs.get("notes", ())),
    )


def labels_of(study: Study) -> dict[str, str]:
    """Name what is shown: whole inputs, or of published statistics each outcome.

    A protected record set is shown whole: a part of it could be had by subtraction.

    Returns
    -------
    dict of str to str
        Name of an input or outcome, and its words.
    """
    if study.policy == "open":
        return {name: outcome.label for name, outcome in study.outcomes.items()}
    words = {outcome.input: outcome.label for outcome in reversed(list(study.outcomes.values())) if not outcome.where}
    people = [name for name, spec in study.inputs.items() if spec.kind != "services"]
    return {name: words.get(name, name.replace("_", " ").capitalize()) for name in people}


def outcome_names(study: Study) -> dict[str, str]:
    """Return for each shown set of values the outcome that judges it, where there is one."""
    if study.policy == "open":
        return {name: name for name in study.outcomes}
    return {outcome.input: name for name, outcome in reversed(list(study.outcomes.items())) if not outcome.where}


def _sources(study: Study, name: str) -> list[Source]:
    records = study.records(name)
    label = name.replace("_", " ").capitalize()
    published = records.published or "No: not public"
    if not len(records.coverage):
        return [Source(label, "Not named", "Not dated", "Not dated", NONE_KNOWN, published)]
    spans: dict[str, set[Period]] = {}
    rows: Any = records.coverage.itertuples(index=False)
    for row in rows:
        spans.setdefault(str(row.source), set()).add(Period(row.start, row.end))
    return [_source(label, source, sorted(found), published) for source, found in sorted(spans.items())]


def _source(label: str, name: str, spans: list[Period], published: str) -> Source:
    holes = [span(Period(one.end, two.start)) for one, two in pairwise(spans) if two.start > one.end]
    first, last = spans[0].start, max(period.end for period in spans) - pd.Timedelta(days=1)
    return Source(label, name, f"{first:%B %Y}", f"{last:%B %Y}", "; ".join(holes) or NONE_KNOWN, published)
