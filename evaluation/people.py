"""How are events spread over the people they happened to, and what would be left without one of them?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from commonground.periods import Period
from commonground.pickles import Exact
from commonground.tallies import Tally

__all__ = ["EventsOfPeople", "Shares", "Sway", "events_of_people", "spread_of_events", "sway"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TOGETHER = "together"


@dataclass(frozen=True, repr=False, eq=False)
class Shares(Exact):
    """Who each event happened to.

    Attributes
    ----------
    weight : array, (n,)
        Events in each row: 1, or what a row without a key of its own stands for.
    after : array of bool, (n,)
    event, person : integers, (m,)
        Pairs: a row and a person, each pair once. Rows without a person key are in no pair.
    unit : integers, (m,)
        As `person`, with people who share an event joined.
    """

    weight: Array
    after: npt.NDArray[np.bool_]
    event: Integers
    person: Integers
    unit: Integers

    @property
    def keyed(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a person."""
        return np.isin(np.arange(len(self.weight)), self.event)

    def sums(self, worth: Array, *, units: bool = False) -> Array:
        """Return the sum of a value per event, for each person, or for each unit (there every event once)."""
        if not units:
            return np.bincount(self.person, weights=worth[self.event]).astype(float)
        _, first = np.unique(self.event, return_index=True)
        return np.bincount(self.unit[first], weights=worth[self.event[first]]).astype(float)

    def people_in(self) -> Integers:
        """Return how many people each unit has."""
        pairs = np.unique(np.column_stack([self.unit, self.person]), axis=0)
        return np.bincount(pairs[:, 0]) if len(pairs) else np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, repr=False, eq=False)
class EventsOfPeople(Exact):
    """The keys behind a tally by zone and phase, and which periods were observed.

    Attributes
    ----------
    keys : DataFrame
        zone, period, phase, person, record, n.
    seen : DataFrame
        Whether each period (rows) was observed in each zone (columns).
    phase : Series
        Phase of each period.
    """

    keys: pd.DataFrame = field(repr=False)
    seen: pd.DataFrame = field(repr=False)
    phase: pd.Series = field(repr=False)

    def months(self, zones: Sequence[str]) -> pd.Series:
        """Return the phase of each period that was observed in all of these zones."""
        return self.phase[self.seen[list(zones)].all(axis=1)]

    def of(self, zones: Sequence[str], periods: pd.Index, *, together: bool = False) -> Shares:
        """Return who the events of some zones and periods happened to.

        Parameters
        ----------
        zones : sequence of str
        periods : index of period names
        together : bool
            Count an event of both phases once, in the first.
        """
        mine = self.keys[self.keys["zone"].isin(zones) & self.keys["period"].isin(periods)]
        return _shares(mine.assign(phase=TOGETHER) if together else mine)


@dataclass(frozen=True, repr=False)
class Sway(Exact):
    """How far single people sway a comparison of before and after.

    Attributes
    ----------
    before, after : float
        Events.
    sizes : tuple of float
        What they are divided by.
    difference : float
        after x size before - before x size after: above 0 when the rate is higher after.
    without : array, (people, 2)
        Events before and after with each person's left out.
    parts : array
        The part of the difference that goes with each person; 1 or more turns it.
    units : array
        The same for each unit of people joined by shared events.
    people : integers
        People in each unit.
    spread : float
        Root of the sum of the squared units, in parts of the difference.
    design_effect : float
    unkeyed : tuple of float
        Events before and after without a person key.
    """

    before: float
    after: float
    sizes: tuple[float, float]
    difference: float
    without: Array
    parts: Array
    units: Array
    people: Integers
    spread: float
    design_effect: float
    unkeyed: tuple[float, float]

    def worth(self, before: float, after: float) -> float:
        """Return what events add to the difference."""
        return after * self.sizes[0] - before * self.sizes[1]


def events_of_people(tally: Tally, zones: Mapping[str, Sequence[str]], phases: Mapping[str, Period]) -> EventsOfPeople:
    """Take from a tally the keys of some zones and phases.

    Parameters
    ----------
    tally : Tally
        By calendar cells.
    zones : mapping of name to area codes
    phases : mapping of name to Period
        Only whole cells inside one count.
    """
    home = {code: zone for zone, codes in zones.items() for code in codes}
    inside = {
        label: phase for label, cell in tally.periods.items() for phase, span in phases.items() if span.covers(cell)
    }
    seen = tally.zone_series(zones).notna().set_axis(list(tally.periods))
    phase = pd.Series(inside, dtype="object").reindex([label for label in tally.periods if label in inside])
    keys = tally.keys.assign(zone=tally.keys["area"].map(home), phase=tally.keys["period"].map(inside))
    keys = keys.dropna(subset=["zone", "phase"])[["zone", "period", "phase", "person", "record", "n"]]
    return EventsOfPeople(keys.reset_index(drop=True), seen.loc[phase.index], phase)


def spread_of_events(shares: Shares) -> dict[str, float]:
    """Return how events are spread over people.

    Returns
    -------
    dict
        people; events; without_person (events without a person key, in none of what follows); mean_events a person;
        repeat_share (share of events of people with two or more); largest_share (of one person); design_effect, the
        sum of squared events a unit / sum of events; effective_events, the squared sum / sum of squares. NaN without
        people.
    """
    keyed = shares.keyed
    own, units = shares.sums(shares.weight), shares.sums(shares.weight, units=True)
    events, known = float(shares.weight.sum()), float(shares.weight[keyed].sum())
    found = {"people": float(len(own)), "events": events, "without_person": events - known}
    nothing = ("mean_events", "repeat_share", "largest_share", "design_effect", "effective_events")
    if not len(own):
        return found | dict.fromkeys(nothing, math.nan)
    often = np.unique(shares.event[own[shares.person] > 1])
    squares = float((units**2).sum())
    values = (
        float(own.mean()), float(shares.weight[often].sum()) / known, float(own.max()) / known,
        squares / known, known**2 / squares,
    )  # fmt: skip
    return found | dict(zip(nothing, values, strict=True))


def sway(shares: Shares, sizes: tuple[float, float]) -> Sway:
    """Reckon what each person adds to the difference between after and before.

    Parameters
    ----------
    shares : Shares
    sizes : tuple of float
        Months, or events of comparison areas, before and after; above 0.
    """
    early, late = (np.where(shares.after == side, shares.weight, 0.0) for side in (False, True))
    before, after = float(early.sum()), float(late.sum())
    worth = late * sizes[0] - early * sizes[1]
    difference = float(worth.sum())
    scale = difference or math.nan
    units = shares.sums(worth, units=True)
    keyed = shares.keyed
    independent = float(late[keyed].sum() * sizes[0] ** 2 + early[keyed].sum() * sizes[1] ** 2)
    return Sway(
        before=before,
        after=after,
        sizes=sizes,
        difference=difference,
        without=np.column_stack([before - shares.sums(early), after - shares.sums(late)]),
        parts=shares.sums(worth) / scale,
        units=units / scale,
        people=shares.people_in(),
        spread=float(np.sqrt((units**2).sum())) / abs(scale),
        design_effect=float((units**2).sum()) / independent if independent else math.nan,
        unkeyed=(float(early[~keyed].sum()), float(late[~keyed].sum())),
    )


def _shares(keys: pd.DataFrame) -> Shares:
    """Put the pairs of events and people together; an event of two months, or two rows, is one."""
    known = keys["record"].notna()
    cell = ["zone", "phase", "record"]
    whole = keys[known].drop_duplicates([*cell, "person"])
    bare = keys[~known]
    event = np.concatenate([whole.groupby(cell, sort=False).ngroup().to_numpy(), np.zeros(len(bare))]).astype(np.int64)
    first = int(event[: len(whole)].max(initial=-1)) + 1
    event[len(whole) :] = first + np.arange(len(bare))
    rows = pd.concat([whole, bare])
    weight = np.ones(first + len(bare))
    weight[first:] = bare["n"].to_numpy(dtype=float)
    after = np.zeros(len(weight), dtype=bool)
    after[event] = (rows["phase"] == "after").to_numpy()
    person, _ = pd.factorize(rows["person"])
    has = person >= 0
    event, person = event[has], person[has].astype(np.int64)
    return Shares(weight, after, event, person, _joined(event, person, len(weight)))


def _joined(event: Integers, person: Integers, rows: int) -> Integers:
    """Return the unit of each pair: people are joined wherever they share an event."""
    people = int(person.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(event)), (event, rows + person)), shape=(rows + people, rows + people))
    labels = connected_components(graph, directed=False)[1][rows:]
    return np.asarray(pd.factorize(labels)[0], dtype=np.int64)[person]
