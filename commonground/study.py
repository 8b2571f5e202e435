"""What was asked, of which data, decided before looking?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from commonground.areas import read_areas
from commonground.disclosure import Plan
from commonground.errors import Problem, StudyError
from commonground.periods import Period
from commonground.records import Records
from commonground.registration import Deviation, Registration, deviations, registration
from commonground.studyfile import parse_study
from commonground.studyinputs import Input, read_input
from commonground.studyneeds import NeedsPlan
from commonground.studythreats import DeclaredDesign, DeclaredShock
from commonground.tallies import Tally, tally

__all__ = ["DeclaredDesign", "DeclaredShock", "Input", "NeedsPlan", "Outcome", "Study", "load_study", "read_study"]


@dataclass(frozen=True)
class Outcome:
    """One thing that may have changed, with the direction that would be good, declared before looking.

    Parameters
    ----------
    name, label : str
    input : str
    goal : {'enforcement', 'trust', 'safety', 'access'}
        The goal it serves. Enforcement counts are never read as need, prevalence or activity.
    good : {'fall', 'rise', 'neither'}
    primary : bool
    margin : float
        A ratio between 1/(1 + margin) and 1 + margin is a change that does not matter.
    where : mapping of column to values
        The part of the input that is meant.
    count : {'events', 'persons'}
    reports : bool
        Whether it counts reports of something, so that a change may be a change of reporting.
    reporting : tuple of float or None
        Declared range of the ratio after/before of the share that is reported.
    placebo : bool
        An outcome that the operation cannot have moved: never primary, and no verdict is given on it.
    """

    name: str
    label: str
    input: str
    goal: str
    good: str
    primary: bool = True
    margin: float = 0.2
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: str = "events"
    reports: bool = False
    reporting: tuple[float, float] | None = None
    placebo: bool = False


@dataclass(frozen=True, repr=False, eq=False)
class Study:
    """A study file that can be run: everything in it was checked, nothing was read but the file itself.

    Parameters
    ----------
    path : Path
    title, question, operation : str
    phases : mapping of 'before', 'during', 'after' to Period
    treated, ring : tuple of str
        Area codes.
    comparison : mapping of name to area codes
    for_ring : tuple of str
        Those comparison areas that the ring alone is compared with; without any, the ring and the operation area are
        compared with all of them.
    comparison_rule : str
        How the comparison areas were chosen, or why there are none.
    inputs, outcomes : mapping
    policy : str
        Profile of every output: public, partner or open.
    as_of : Timestamp
        Date of the extracts; drives the release lag.
    people : str
        The word for people that outputs use.
    categories, seen : mapping of category to levels
        Declared levels, and those that any source could see: a level beyond them is one that no source sees.
    totals : bool
        Whether people of all levels together are published beside the levels.
    limits : tuple of str
        What the data cannot say, in the study's own words.
    approvers, partners : tuple of str
        Who may sign a release, and which partners may object to it; anybody where nobody is named.
    shocks : tuple of DeclaredShock
        What else is known to have changed what is counted.
    design : DeclaredDesign
        What the study says of data collection and of how areas came to be in the operation.
    declared : mapping of dotted key to value
        Everything the study file says, as it was read: what a registration keeps (`commonground.registration`).
    digest : str
        SHA-256 of the bytes of the study file, as they were read.
    """

    path: Path
    title: str
    question: str
    operation: str
    phases: Mapping[str, Period]
    treated: tuple[str, ...]
    ring: tuple[str, ...]
    comparison: Mapping[str, tuple[str, ...]]
    comparison_rule: str
    inputs: Mapping[str, Input]
    outcomes: Mapping[str, Outcome]
    areas_file: Path
    areas_columns: Mapping[str, str]
    policy: str
    as_of: pd.Timestamp
    people: str
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    totals: bool = False
    needs: NeedsPlan | None = None
    surface: str | None = None
    limits: tuple[str, ...] = ()
    teaching: bool = False
    approvers: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    for_ring: tuple[str, ...] = ()
    shocks: tuple[DeclaredShock, ...] = ()
    design: DeclaredDesign = field(default_factory=DeclaredDesign)
    declared: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def areas(self) -> gpd.GeoDataFrame:
        """Boundaries of the study's areas, in metres."""
        return read_areas(self.areas_file, **self.areas_columns)

    @cached_property
    def zones(self) -> dict[str, tuple[str, ...]]:
        """Treated, ring and each comparison area, in the order of the hierarchy."""
        ring = {"ring": self.ring} if self.ring else {}
        return {"treated": self.treated, **ring, **self.comparison}

    @cached_property
    def window(self) -> Period:
        """From the first day of before to the last of after."""
        return Period(self.phases["before"].start, self.phases["after"].end)

    @cached_property
    def plan(self) -> Plan:
        """What may be published, for the gate."""
        return Plan(categories=self.categories, phases=self.phases, totals=self.totals, seen=self.seen)

    @cached_property
    def ledger_path(self) -> Path:
        """The ledger stands beside the study file."""
        return self.path.with_suffix(".ledger")

    @property
    def registration(self) -> Registration | None:
        """The plan as it was first written down, or None while it was not."""
        return registration(self)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """Every key in which the study file, as it was read, differs from the registered plan."""
        return deviations(self)

    @cached_property
    def _read(self) -> dict[str, Records]:
        return {}

    @cached_property
    def _located(self) -> dict[str, Records]:
        return {}

    def __repr__(self) -> str:
        return f"Study({self.title!r})"

    def shocks_of(self, outcome: str) -> tuple[DeclaredShock, ...]:
        """Return the known shocks that may have changed an outcome."""
        return tuple(shock for shock in self.shocks if outcome in shock.outcomes)

    def coinciding(self, outcome: str) -> tuple[DeclaredShock, ...]:
        """Return the shocks of an outcome that no month tells from the operation.

        A change of recording among them (``.recording``) leaves no verdict on the outcome; any other has to be stated.
        """
        return tuple(shock for shock in self.shocks_of(outcome) if shock.coincides)

    def records(self, name: str) -> Records:
        """Read the records of an input; kept in memory for the life of the study."""
        if name not in self._read:
            self._read[name] = read_input(self.inputs[name], self.title)
        return self._read[name]

    def tally(
        self, name: str, *, every: str | Mapping[str, Period] = "month", by: tuple[str, ...] = (), count: str = "events"
    ) -> Tally:
        """Tally the whole of an input over the study's areas and window."""
        return tally(self.located(name), self.areas, every=every, by=by, count=count, window=self.window)

    def located(self, name: str) -> Records:
        """Return the records of an input with any coordinates in the system of the study's areas."""
        if name not in self._located:
            records = self.records(name)
            if records.crs and "x" in records.frame and CRS.from_user_input(records.crs) != self.areas.crs:
                records = records.to_crs(self.areas.crs)  # both systems are declared, so nothing is guessed
            self._located[name] = records
        return self._located[name]

    def outcome_records(self, name: str) -> Records:
        """Return the part of an input that an outcome means."""
        chosen = self.located(self.outcomes[name].input)
        for column, values in self.outcomes[name].where.items():
            chosen = chosen.where(column, values)
        return chosen

    def outcome_tally(self, name: str) -> Tally:
        """Tally one outcome by month."""
        return tally(self.outcome_records(name), self.areas, count=self.outcomes[name].count, window=self.window)


def load_study(path: str | Path) -> Study:
    """Read a study file and check everything that can be checked without the data.

    Parameters
    ----------
    path : path
        study.toml, or the folder that holds one.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        With every problem in ``.problems``: unknown keys, missing files, dates, zones.
    """
    study, problems = read_study(path)
    if study is None or problems:
        raise StudyError(f"{len(problems)} problem(s) in the study file; nothing was run.", problems)
    return study


def read_study(path: str | Path) -> tuple[Study | None, list[Problem]]:
    """Read a study file as far as it can be understood.

    Parameters
    ----------
    path : path
        study.toml, or the folder that holds one.

    Returns
    -------
    study : Study or None
        With problems it is incomplete (inputs and outcomes with a problem are left out) and must not be run. None when
        the file cannot be read at all.
    problems : list of Problem
    """
    file = Path(path) / "study.toml" if Path(path).is_dir() else Path(path)
    values, problems = parse_study(file)
    if values is None:
        return None, problems
    inputs = {name: Input(name=name, **spec) for name, spec in values.pop("inputs").items()}
    outcomes = {name: Outcome(name=name, **spec) for name, spec in values.pop("outcomes").items()}
    needs = values.pop("needs")
    study = Study(path=file, inputs=inputs, outcomes=outcomes, needs=NeedsPlan(**needs) if needs else None, **values)
    return study, problems
