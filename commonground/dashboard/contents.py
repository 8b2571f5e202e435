"""What does a study come to, once everything in it may be shown?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from commonground.dashboard.facts import Facts, facts_of, labels_of, outcome_names
from commonground.dashboard.matching import larger_areas, left_out, same_months
from commonground.dashboard.needing import PeopleInNeed, find_people
from commonground.dashboard.provision import Provision, find_gaps
from commonground.dashboard.zones import Movement, movement_of
from commonground.disclosure import Ledger, Protected, Registered, protect, register
from commonground.errors import NotReleasable
from commonground.study import Study
from evaluation.verdict import Evaluation, evaluate
from mapping.spread import SpreadSurface, spread_surface

__all__ = ["PARTS", "Contents", "compute"]

#: What may be asked for apart: a page, with its maps, charts and tables.
PARTS = ("displacement", "needs", "change")


@dataclass(frozen=True, repr=False)
class Contents:
    """Everything the pages show. Holds protected values only.

    Parameters
    ----------
    facts : Facts
    labels : mapping of name to str
        What each shown set of values is called.
    judged_by : mapping of name to str
        The outcome that judges it.
    events, people : mapping of name to Protected
        Values by block and phase.
    monthly, larger : mapping of name to Protected
        By month, and by larger areas; of published statistics only.
    movements : mapping of name to Movement
        Values by zone.
    registered : Registered
    provision : Provision or None
    surfaces : mapping of name to SpreadSurface
    refusals : mapping of name to str
        What may not be shown, and why.
    unmatched : mapping of name to str
        Months that a comparison with the year before had to leave out.
    parts : tuple of str
        Which of `PARTS` are shown.
    design : tuple of str
        What the design can show of the published outcomes.
    registration : tuple of str
        When the plan was written down, what that date is worth, and whether the run keeps to it.
    deviations : DataFrame
        Where plan and run differ.
    in_need : PeopleInNeed or None
        What may be said of people's needs, groups and numbers; None where the study asks nothing of it.
    """

    facts: Facts
    labels: Mapping[str, str]
    judged_by: Mapping[str, str]
    events: Mapping[str, Protected]
    people: Mapping[str, Protected]
    monthly: Mapping[str, Protected]
    larger: Mapping[str, Protected]
    movements: Mapping[str, Movement]
    registered: Registered
    provision: Provision | None
    surfaces: Mapping[str, SpreadSurface]
    refusals: Mapping[str, str]
    unmatched: Mapping[str, str]
    parts: tuple[str, ...] = PARTS
    design: tuple[str, ...] = ()
    registration: tuple[str, ...] = ()
    deviations: pd.DataFrame = field(default_factory=pd.DataFrame)
    in_need: PeopleInNeed | None = None

    def __repr__(self) -> str:
        return f"Contents({self.facts.title!r}, {len(self.events)} shown, {len(self.refusals)} refused)"


@dataclass
class _Gated:
    """What came through the gate so far."""

    events: dict[str, Protected] = field(default_factory=dict)
    people: dict[str, Protected] = field(default_factory=dict)
    monthly: dict[str, Protected] = field(default_factory=dict)
    larger: dict[str, Protected] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    unmatched: dict[str, str] = field(default_factory=dict)


def compute(study: Study, *, book: Ledger | None = None, parts: Sequence[str] = PARTS) -> Contents:
    """Run a study up to the gate: tallies, estimates, protected values.

    Parameters
    ----------
    study : Study
    book : Ledger, optional
        The ledger that the whole run holds; default: the study's own, into which every row is written at once.
    parts : sequence of str
        Which of `PARTS` are shown. Everything is computed and gated anyway: the ledger must not depend on it.

    Returns
    -------
    Contents

    Raises
    ------
    NotReleasable
        When no input at all can be shown.
    """
    exact = evaluate(study)
    labels = labels_of(study)
    if study.policy == "open":
        gated = _published(study, exact)
    else:
        book = book or Ledger(study.ledger_path, study=study.title)
        gated = _protected(study, labels, book)
    if not gated.events:
        raise NotReleasable("nothing in this study can be shown. " + " ".join(dict.fromkeys(gated.refusals.values())))
    registered = register(study, exact, _gates(study, gated.events), book=book)
    judged = _judged(registered)
    return Contents(
        facts=facts_of(study),
        labels=labels,
        judged_by=outcome_names(study),
        events=gated.events,
        people=gated.people,
        monthly=gated.monthly,
        larger=gated.larger,
        movements={
            name: movement_of(shown, study.zones, reading=_reading(study, name)) for name, shown in gated.events.items()
        },
        registered=registered,
        provision=_provision(study, gated),
        surfaces=_surfaces(study, gated.events),
        refusals=gated.refusals,
        unmatched=gated.unmatched,
        parts=tuple(part for part in PARTS if part in parts),
        design=tuple(dict.fromkeys(exact.evidence[name].summary() for name in judged)),
        registration=exact.registration,
        deviations=exact.deviations,
        in_need=find_people(study, gated.people, book),
    )


def _judged(registered: Registered) -> list[str]:
    """Return the outcomes that were not withheld: of the others nothing is said that rests on their records."""
    frame = registered.to_frame()
    return [str(name) for name in frame.loc[frame["months_before"].notna(), "outcome"]]


def _protected(study: Study, labels: Mapping[str, str], book: Ledger) -> _Gated:
    """Pass whole inputs through the gate, in the study's phases."""
    gated = _Gated()
    rules: dict[str, Any] = {
        "plan": study.plan,
        "zones": study.zones,
        "ledger": book,
        "as_of": study.as_of,
    }
    for name, label in labels.items():
        phases = {phase: span for phase, span in study.phases.items() if phase in study.inputs[name].phases}
        counted = study.tally(name, every=phases)
        try:
            gated.events[name] = protect(counted, study.policy, **rules)
            if gated.events[name].people_known:
                gated.people[name] = protect(counted.as_count("persons"), study.policy, **rules)
        except NotReleasable as error:
            gated.refusals[name] = f"{label}: {error}"
    return gated


def _published(study: Study, exact: Evaluation) -> _Gated:
    """Show published statistics by outcome: months, and after beside the same months of the year before."""
    gated = _Gated()
    for name, outcome in study.outcomes.items():
        monthly = study.outcome_tally(name)
        months = exact.results[name].matched
        if not len(months[0]):
            gated.refusals[name] = f"{outcome.label}: no month after can be set beside one before."
            continue
        compared = same_months(monthly, months)
        try:
            gated.monthly[name] = protect(monthly, "open", zones=study.zones, as_of=study.as_of)
            gated.events[name] = protect(compared, "open", zones=study.zones, as_of=study.as_of)
            if groups := larger_areas({str(code): str(words) for code, words in study.areas["name"].items()}):
                gated.larger[name] = protect(compared.merge_areas(groups), "open", as_of=study.as_of)
        except NotReleasable as error:
            gated.refusals[name] = f"{outcome.label}: {error}"
        if words := left_out(months):
            gated.unmatched[name] = words
    return gated


def _gates(study: Study, events: Mapping[str, Protected]) -> dict[str, Protected]:
    """Return the published cut of each input that an outcome rests on."""
    shown = {name: name if study.policy == "open" else outcome.input for name, outcome in study.outcomes.items()}
    return {study.outcomes[name].input: events[own] for name, own in shown.items() if own in events}


def _provision(study: Study, gated: _Gated) -> Provision | None:
    if study.needs is None:
        return None
    demand = study.needs.demand
    return find_gaps(study, gated.people.get(demand) or gated.events.get(demand))


def _surfaces(study: Study, events: Mapping[str, Protected]) -> dict[str, SpreadSurface]:
    if study.surface is None or study.surface not in events:
        return {}
    return {study.surface: spread_surface(events[study.surface])}


def _reading(study: Study, name: str) -> str:
    """Say what a set of counts measures, which decides what may be read from it."""
    if study.policy == "open":
        outcome = study.outcomes[name]
        return "enforcement" if outcome.goal == "enforcement" else study.inputs[outcome.input].kind
    return study.inputs[name].kind
