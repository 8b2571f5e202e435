"""Do many people stand behind the events, or do a few people's many events make the change?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.periods import Period
from commonground.tallies import Tally
from evaluation.counts import Checks, Unprinted, say_number
from evaluation.people import TOGETHER, EventsOfPeople, Sway, events_of_people, spread_of_events, sway
from evaluation.rates import rate_ratio

__all__ = ["PeopleAndEvents", "people_and_events"]

_COMPARED = ("before", "after")
_LEVEL = 0.05
_Z = 1.959963984540054  # of a 95 % interval
_MOST = 0.5  # of the difference: more than half of it
_FEW_PEOPLE = 3
_EXACT = 1e-9  # what sums of parts may lose in rounding
# One person and a few are said alike: that there is one would itself be a fact about that person.
_FEW = "A few people's events carry the change: without them it would be gone, turned round or less than half as large."
_SAID: Mapping[str, str] = MappingProxyType(
    {
        "one person": _FEW,
        "few people": _FEW,
        "within people": (
            "Counted by people in place of events, the change is no larger than the differences between people make."
        ),
        "many people": "Many people stand behind the change: no few of them carry it.",
        "no change": "Taken one by one, the events changed no more than chance: there is no change for few to carry.",
        "cannot tell": "How many people stand behind the events cannot be told: too many events have no person key.",
    }
)


@dataclass(frozen=True, repr=False, eq=False)
class PeopleAndEvents(Unprinted):
    """People against events of one outcome, and who carries its change; exact, for looking at in memory.

    Attributes
    ----------
    status : str
        one person, few people (two or three), within people, many people, no change or cannot tell: see `said`.
    ratio : float
        Events after / before in the zone, by months observed, or by the events of comparison zones where given.
    ratio_low, ratio_high : float
        Smallest and largest ratio with one person's events left out. NaN without person keys.
    people_to_turn : int or None
        Fewest people found without whom the change is gone or turned; None when there is no direction or no key.
    largest_part : float
        Largest part of the difference (rate after - before) that goes with one person's events; at 1 or more it is gone
        or turned without them. NaN without keys or difference.
    design_effect : float
        Variance of the difference with people as the independent units / with events as those. NaN without keys.
    table : DataFrame
        A row a zone and phase (before, after, together), as `spread_of_events` describes: people, events,
        without_person, mean_events, repeat_share, largest_share, design_effect, effective_events.
    """

    status: str
    ratio: float
    ratio_low: float
    ratio_high: float
    people_to_turn: int | None
    largest_part: float
    design_effect: float
    table: pd.DataFrame
    _zone: str = field(repr=False)

    @property
    def said(self) -> str:
        """One sentence for the status, without any number and not telling one person from a few; may be released."""
        return _SAID[self.status]

    def summary(self) -> str:
        """Say how many people stand behind the events and how far a few carry the change; for one's own screen."""
        row = self.table.T[(self._zone, TOGETHER)].astype(float).to_dict()
        counted = f"{row['events']:g} events of the zone {self._zone!r}, {row['without_person']:g} without a person key"
        if not row["people"]:
            return f"{self.said} {counted}. People and events are different counts: nothing is said of people here."
        turned = "" if self.people_to_turn is None else f"; without {self.people_to_turn} it would be gone or turned"
        return (
            f"{self.said} {counted}, {row['people']:g} people before and after together, "
            f"{say_number(row['mean_events'])} events each; {100 * row['repeat_share']:.0f} % of the events are of "
            f"people with two or more, the largest share of one is {100 * row['largest_share']:.0f} %. Variance / that "
            f"of independent events: {say_number(row['design_effect'])}, so they weigh as much as "
            f"{say_number(row['effective_events'])} independent ones; of the difference, where people in both phases "
            f"steady it, {say_number(self.design_effect)}. Ratio {say_number(self.ratio)}; with one "
            f"person's events left out {say_number(self.ratio_low)} to {say_number(self.ratio_high)}{turned}. Numbers "
            "of one person's events are not for release. A pseudonym is one person only where sources share a key."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table; exact, for looking at in memory."""
        return self.table.copy()


def people_and_events(
    tally: Tally,
    zones: Mapping[str, Sequence[str]],
    phases: Mapping[str, Period],
    *,
    zone: str = "treated",
    comparison: Sequence[str] = (),
) -> PeopleAndEvents:
    """Set people against events, zone by zone, and ask whether a few people's events carry a zone's change.

    Parameters
    ----------
    tally : Tally
        Events of one outcome by month, as `study.outcome_tally` gives it.
    zones : mapping of name to area codes
        As `study.zones`.
    phases : mapping with before and after
        As `study.phases`.
    zone : str, default "treated"
        The zone whose change is asked about.
    comparison : sequence of str, optional
        Zones whose events before and after the change is set against; without any, the months observed.

    Returns
    -------
    PeopleAndEvents
        .status .said .ratio .ratio_low .ratio_high .people_to_turn .design_effect .table

    Raises
    ------
    StudyError
        When the tally counts something else than events or has no months, a zone or phase is not there, or the zone or
        its comparison has no event.

    Notes
    -----
    People met in several months count once. If people come independently and bring n_i events each, the variance of
    the sum is sum n_i^2 / sum n_i times that of as many independent events (compound Poisson; Kish's form), and it
    carries as much as (sum n_i)^2 / sum n_i^2 independent events. Of the difference after x t0 - before x t1, t the
    months or comparison events, the terms are those of each person in both phases together. People who share an event
    are joined to one unit. Leaving a person out leaves out every event that person is part of.

    "No change" is a central exact p above .05 with all events taken for independent: the direction of what is
    chance anyway can be turned by anybody. Events without a key are taken once as of a person each and once as all of
    one person; where the answers differ, it cannot be told. Fails where keys are not shared between sources (one
    person counts as several: design effects come out too low), or where comparison events are few.

    References
    ----------
    Kish (1965), Survey Sampling, for the effective number; Feller (1968), chapter XII, for compound Poisson sums.
    """
    checks = Checks("people_and_events")
    checks.require(tally.count == "events", "tally", "needs events", "Call tally.as_count('events')")
    checks.require(not tally.phased, "tally", "needs months, quarters or years", "Tally with every='month'")
    missing = [name for name in (zone, *comparison) if name not in zones]
    checks.require(not missing, "zones", f"has no {', '.join(missing)}", "Name zones of the study")
    absent = [name for name in _COMPARED if name not in phases]
    checks.require(not absent, "phases", f"has no {' or '.join(absent)}", "Pass study.phases")
    checks.done()
    used = {name: phases[name] for name in _COMPARED}
    found = events_of_people(tally, zones, used)
    together = [zone, *comparison]
    months = found.months(together)
    mine, against = (found.of(names, months.index) for names in ([zone], list(comparison)))
    lengths = [float((months == name).sum()) for name in _COMPARED]
    events = [float(against.weight[against.after == late].sum()) for late in (False, True)]
    sizes = events if comparison else lengths
    checks.require(min(lengths) > 0, "phases", "needs months that were observed in both", "Use other phases or zones")
    checks.require(min(lengths) == 0 or min(sizes) > 0, "comparison", "needs events before and after", "Leave it out")
    checks.require(min(lengths) == 0 or len(mine.weight) > 0, "zone", "needs events", "Choose a zone that has some")
    checks.done()
    return _result(found, tuple(zones), zone, sway(mine, (sizes[0], sizes[1])))


def _result(found: EventsOfPeople, zones: tuple[str, ...], zone: str, swayed: Sway) -> PeopleAndEvents:
    """Put the answer and the table together."""
    rows = {
        (name, phase): spread_of_events(found.of([name], _periods(found, name, phase), together=phase == TOGETHER))
        for name in zones
        for phase in (*_COMPARED, TOGETHER)
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["zone", "phase"])
    left = [_ratio(before, after, swayed.sizes) for before, after in swayed.without]
    known = [ratio for ratio in left if not math.isnan(ratio)]
    return PeopleAndEvents(
        status=_status(swayed),
        ratio=_ratio(swayed.before, swayed.after, swayed.sizes),
        ratio_low=min(known, default=math.nan),
        ratio_high=max(known, default=math.nan),
        people_to_turn=_to_turn(swayed),
        largest_part=float(swayed.parts.max(initial=-math.inf)) if len(swayed.parts) else math.nan,
        design_effect=swayed.design_effect,
        table=table,
        _zone=zone,
    )


def _periods(found: EventsOfPeople, zone: str, phase: str) -> pd.Index:
    months = found.months([zone])
    return months.index if phase == TOGETHER else months.index[months == phase]


def _status(swayed: Sway) -> str:
    """Say who carries the change, with every event without a key as of a person each, and as of one person."""
    if not len(swayed.parts):
        return "cannot tell"
    before, after = (round(events) for events in (swayed.before, swayed.after))
    if not swayed.difference or rate_ratio(before, after, exposure=swayed.sizes).p > _LEVEL:
        return "no change"
    early, late = swayed.unkeyed
    single = np.repeat([swayed.worth(1, 0), swayed.worth(0, 1)], [round(early), round(late)]) / swayed.difference
    joined = np.array([swayed.worth(early, late)] if early + late else []) / swayed.difference
    answers = {_carried(swayed, more) for more in (single, joined)}
    return answers.pop() if len(answers) == 1 else "cannot tell"


def _carried(swayed: Sway, more: npt.NDArray[np.float64]) -> str:
    """Say who carries the change when events without a key make these parts of it."""
    if np.append(swayed.parts, more).max() > _MOST:
        return "one person"
    turned = _to_turn(swayed, more)
    if turned is not None and turned <= _FEW_PEOPLE:
        return "few people"
    return "within people" if math.hypot(swayed.spread, *more) * _Z >= 1 else "many people"


def _to_turn(swayed: Sway, more: npt.NDArray[np.float64] | None = None) -> int | None:
    """Return the fewest people found whose events are the whole difference or more; units leave as a whole."""
    if not swayed.difference:
        return None
    extra = np.zeros(0) if more is None else more
    if np.append(swayed.parts, extra).max(initial=0) >= 1:
        return 1
    parts, people = np.append(swayed.units, extra), np.append(swayed.people, np.ones(len(extra), dtype=np.int64))
    order = np.argsort(-parts / people, kind="stable")
    enough = np.flatnonzero(np.cumsum(parts[order]) >= 1 - _EXACT)
    return int(people[order][: enough[0] + 1].sum()) if len(enough) else None


def _ratio(before: float, after: float, sizes: tuple[float, float]) -> float:
    """Return the rate after / before; infinite after none before, NaN without any event."""
    if before > 0:
        return after / before * sizes[0] / sizes[1]
    return math.inf if after > 0 else math.nan
