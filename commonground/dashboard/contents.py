"""What does a study come to, once everything in it may be shown?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from commonground.dashboard.provision import Provision, find_gaps
from commonground.dashboard.zones import Movement, movement_of
from commonground.disclosure import Ledger, Protected, Registered, protect, register
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.study import Study
from commonground.tallies import tally
from evaluation.verdict import evaluate, matched_windows
from mapping.spread import SpreadSurface, spread_surface

__all__ = ["Contents", "Facts", "Source", "compute"]


@dataclass(frozen=True)
class Source:
    """One input, as the coverage table shows it: who reported, when, with which gaps."""

    name: str
    source: str
    first: str
    last: str
    gaps: str
    published: str


@dataclass(frozen=True)
class Facts:
    """What the study file says: words and dates, no records."""

    title: str
    question: str
    operation: str
    phases: Mapping[str, Period]
    compared: Mapping[str, Period]
    zones: Mapping[str, tuple[str, ...]]
    area_names: Mapping[str, str]
    rule: str
    profile: str
    as_of: pd.Timestamp
    people: str
    limits: tuple[str, ...]
    teaching: bool
    digest: str
    sources: tuple[Source, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """Everything the pages show. Holds protected values only.

    Parameters
    ----------
    facts : Facts
    labels : mapping of name to str
        What each shown set of values is called.
    events, people : mapping of name to Protected
        Values by block and phase.
    movements : mapping of name to Movement
        The same by zone.
    monthly : mapping of name to Protected
        By month; open studies only.
    registered : Registered
    provision : Provision or None
    surfaces : mapping of name to SpreadSurface
    refusals : mapping of name to str
        What may not be shown, and why.
    """

    facts: Facts
    labels: Mapping[str, str]
    events: Mapping[str, Protected]
    people: Mapping[str, Protected]
    movements: Mapping[str, Movement]
    monthly: Mapping[str, Protected]
    registered: Registered
    provision: Provision | None
    surfaces: Mapping[str, SpreadSurface]
    refusals: Mapping[str, str]


def compute(study: Study) -> Contents:
    """Run a study up to the gate: tallies, estimates, protected values.

    Raises
    ------
    NotReleasable
        When no input at all can be shown.
    """
    exact = evaluate(study)
    ledger = None if study.policy == "open" else Ledger(study.ledger_path)
    phases = _compared(study) if study.policy == "open" else dict(study.phases)
    events, people, monthly, refusals = _protect_all(study, phases, ledger)
    if not events:
        raise NotReleasable("nothing in this study can be shown. " + " ".join(dict.fromkeys(refusals.values())))
    gates = {
        outcome.input: events[_shown_name(study, name)]
        for name, outcome in study.outcomes.items()
        if _shown_name(study, name) in events
    }
    provision = None
    if study.needs is not None:
        provision = find_gaps(study, people.get(study.needs.demand) or events.get(study.needs.demand))
    surfaces = {}
    if study.surface is not None and study.surface in events:
        surfaces[study.surface] = spread_surface(events[study.surface])
    return Contents(
        facts=_facts(study, phases),
        labels=_labels(study),
        events=events,
        people=people,
        movements={name: movement_of(shown, study.zones) for name, shown in events.items()},
        monthly=monthly,
        registered=register(study, exact, gates),
        provision=provision,
        surfaces=surfaces,
        refusals=refusals,
    )


def _protect_all(
    study: Study, phases: Mapping[str, Period], ledger: Ledger | None
) -> tuple[dict[str, Protected], dict[str, Protected], dict[str, Protected], dict[str, str]]:
    """Pass every shown set of records through the gate: whole inputs, or, of published statistics, outcomes."""
    events: dict[str, Protected] = {}
    people: dict[str, Protected] = {}
    monthly: dict[str, Protected] = {}
    refusals: dict[str, str] = {}
    for name, label in _labels(study).items():
        try:
            if study.policy == "open":
                counted = study.outcome_tally(name)
                monthly[name] = protect(counted, "open", zones=study.zones, as_of=study.as_of)
                phased = tally(study.outcome_records(name), study.areas, every=phases)
                events[name] = protect(phased, "open", zones=study.zones, as_of=study.as_of)
            else:
                published = {phase: span for phase, span in phases.items() if phase in study.inputs[name].phases}
                phased = study.tally(name, every=published)
                gate = {"plan": study.plan, "zones": study.zones, "ledger": ledger, "as_of": study.as_of}
                events[name] = protect(phased, study.policy, **gate)
                if phased.has_people:
                    people[name] = protect(phased.as_count("persons"), study.policy, **gate)
        except NotReleasable as error:
            refusals[name] = f"{label}: {error}"
    return events, people, monthly, refusals


def _labels(study: Study) -> dict[str, str]:
    if study.policy == "open":
        return {name: outcome.label for name, outcome in study.outcomes.items()}
    named = {outcome.input: outcome.label for outcome in reversed(study.outcomes.values()) if not outcome.where}
    people = [name for name, spec in study.inputs.items() if spec.kind != "services"]
    return {name: named.get(name, name.replace("_", " ").capitalize()) for name in people}


def _shown_name(study: Study, outcome: str) -> str:
    return outcome if study.policy == "open" else study.outcomes[outcome].input


def _compared(study: Study) -> dict[str, Period]:
    """Return after and the same months a year before it: published counts are shown for spans of one length."""
    months = pd.period_range(study.window.start, study.window.end - pd.Timedelta(days=1), freq="M")
    before, after = matched_windows(study.phases, months)
    return {
        "before": Period(before[0].start_time, (before[-1] + 1).start_time),
        "after": Period(after[0].start_time, (after[-1] + 1).start_time),
    }


def _facts(study: Study, phases: Mapping[str, Period]) -> Facts:
    return Facts(
        title=study.title,
        question=study.question,
        operation=study.operation,
        phases=dict(study.phases),
        compared=dict(phases),
        zones=study.zones,
        area_names={str(code): str(name) for code, name in study.areas["name"].items()},
        rule=study.comparison_rule,
        profile=study.policy,
        as_of=study.as_of,
        people=study.people,
        limits=study.limits,
        teaching=study.teaching,
        digest=study.digest,
        sources=tuple(source for name in study.inputs for source in _sources(study, name)),
        notes=tuple(study.areas.attrs.get("notes", ())),
    )


def _sources(study: Study, name: str) -> list[Source]:
    records = study.records(name)
    published = records.published or "not published"
    if not len(records.coverage):
        return [Source(name, name, "not dated", "not dated", "none known", published)]
    rows = []
    for source, spans in records.coverage.groupby("source", sort=True):
        ordered = spans.drop_duplicates(["start", "end"]).sort_values("start")
        holes = [
            f"{one.end:%B %Y} to {two.start - pd.Timedelta(days=1):%B %Y}"
            for one, two in zip(ordered.itertuples(), ordered.iloc[1:].itertuples(), strict=False)
            if two.start > one.end
        ]
        last = ordered["end"].max() - pd.Timedelta(days=1)
        gaps = "; ".join(holes) or "none known"
        rows.append(Source(name, str(source), f"{ordered['start'].min():%B %Y}", f"{last:%B %Y}", gaps, published))
    return rows
