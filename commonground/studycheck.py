"""Can a study be run as it is written, on the files it names?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from pathlib import Path

import pandas as pd

from commonground.areas import place
from commonground.errors import CommonGroundError, RecordsError, StudyError
from commonground.records import Records
from commonground.study import Input, Outcome, Study, read_study
from commonground.studyneeds import hours_known, read_context
from commonground.tallies import Tally
from evaluation.headline.eligibility import too_little
from mapping.hours import open_share, slot_supply

__all__ = ["cautions", "check_study", "checked_study"]

COLUMNS = ["file", "row", "column", "rule", "help"]
NEAR = 1_000.0  # metres: published points may be snapped across the edge of the area they belong to
MOST_LISTED = 100  # rows of one problem; beyond that one line says how many more
ENOUGH = 2_000  # points that are looked at to tell whether coordinates are swapped or misplaced
Row = tuple[str, int | None, str, str, str]


def check_study(path: str | Path) -> pd.DataFrame:
    """List every problem of a study and of every file it names.

    Parameters
    ----------
    path : path
        study.toml, or the folder that holds one.

    Returns
    -------
    DataFrame
        Columns file, row (of the data, from 1; missing: the whole column or file), column, rule, help; empty when the
        study can be run. Holds nothing of a record. Nothing is written: `commonground check` registers the plan of a
        study without problems apart from this (`commonground.registration.register_plan`).
    """
    return _examine(path)[1]


def checked_study(path: str | Path) -> Study:
    """Return a study that can be run, its records already read.

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
        With every problem of the study and its files in ``.problems``, which has a column ``file`` too.
    """
    study, problems = _examine(path)
    if study is None or len(problems):
        error = StudyError(f"{len(problems)} problem(s); nothing was written.")
        error.problems = problems
        raise error
    return study


def cautions(study: Study) -> list[str]:
    """Say what a study that can be run will not be able to tell, before anything of it is counted.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of str
        Periods too short for any p, and known shocks that no month tells from the operation.
    """
    before, after = study.phases["before"].months, study.phases["after"].months
    told = []
    short = too_little(before, after, inf, alone=not set(study.comparison) - set(study.for_ring))
    if short:
        told.append(f"Every verdict on the operation area will be 'cannot tell': {'; '.join(short)}.")
    for shock in study.shocks:
        if shock.coincides:
            named = ", ".join(study.outcomes[name].label for name in shock.outcomes)
            begun = f"{shock.name} ({shock.start:%B %Y})"
            if shock.recording:
                told.append(f"{begun} changed recording as the operation began: it leaves no verdict on {named}.")
            else:
                told.append(f"{begun} cannot be told from the operation where only its areas had both: {named}.")
    return told


def _examine(path: str | Path) -> tuple[Study | None, pd.DataFrame]:
    study, found = read_study(path)
    name = Path(path).name if study is None else study.path.name
    rows: list[Row] = [(name, problem.row, problem.column, problem.rule, problem.help) for problem in found]
    if study is not None:
        rows += _Look(study).data()
    return study, pd.DataFrame(rows, columns=COLUMNS).astype({"row": "Int64"})


class _Look:
    """Looks at the files of a study and collects what is wrong, file by file."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.rows: list[Row] = []
        self.spec: Input | None = None
        self.file = study.path.name

    def data(self) -> list[Row]:
        """Go through the areas, every input, and then what the outcomes and the needs make of them."""
        study = self.study
        has_areas = "code" in study.areas_columns and study.areas_file.is_file()
        placed = has_areas and self._passes(lambda: study.areas, study.areas_file.name, "areas")
        if placed:
            self._passes(self._zones, study.path.name, "areas")
        good = {name for name, spec in study.inputs.items() if self._passes(partial(self._input, name), spec=spec)}
        if study.policy != "open":
            self._record_sets(sorted(good))
        if placed:
            good = {n for n in good if self._passes(partial(self._place, n), spec=study.inputs[n])}
        if placed and _dated(study):
            for outcome in study.outcomes.values():
                if outcome.input in good:
                    self._passes(partial(self._outcome, outcome), study.path.name, f"outcomes.{outcome.name}")
        self._needs(good, placed=placed)
        return self.rows

    def _passes(self, look: Callable[[], object], file: str = "", at: str = "", *, spec: Input | None = None) -> bool:
        """Look at one thing; turn what a reader refuses into rows, and say whether there were none."""
        self.spec, self.at = spec, f"inputs.{spec.name}" if spec else at
        self.file = file if spec is None else " + ".join(dict.fromkeys(path.name for path in spec.files))
        before = len(self.rows)
        try:
            look()
        except RecordsError as error:
            for row, column, rule, advice in error.problems.itertuples(index=False, name=None):
                self._say(str(column), str(rule), str(advice), row=None if pd.isna(row) else int(row))
        except CommonGroundError as error:
            self._say(self.at, "cannot be used", str(error))
        except OSError as error:
            self._say(self.at, f"cannot be opened ({error.strerror})", "Check the path, and that you may read it.")
        return len(self.rows) == before

    def _say(self, column: str, rule: str, advice: str, *, row: int | None = None) -> None:
        theirs = (self.spec.columns or {}).get(column) if self.spec is not None else None
        self.rows.append((self.file, row, column if theirs is None else f"{column} ({theirs})", rule, advice))

    def _zones(self) -> None:
        study = self.study
        for zone, codes in study.zones.items():
            lost = [code for code in codes if code not in study.areas.index]
            if lost:
                at = f"operation.{zone}" if zone not in study.comparison else f"comparison.areas, {zone}"
                more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
                rule = f"names areas that {study.areas_file.name} does not have: {', '.join(lost[:5])}{more}"
                self._say(at, rule, "Correct the codes, or areas.code.")

    def _record_sets(self, names: Sequence[str]) -> None:
        """Refuse inputs of one kind and source: they would share a line of the ledger and could be subtracted."""
        seen: dict[tuple[str, ...], str] = {}
        for name in names:
            records = self.study.records(name)
            first = seen.setdefault((records.kind, *records.sources), name)
            if first != name and records.kind != "services":
                rule = f"has the kind and the sources of inputs.{first}"
                self._say(f"inputs.{name}", rule, 'Put them in one input, or tell them apart: source = "...".')

    def _input(self, name: str) -> None:
        records = self.study.records(name)
        if records.kind == "services" or not _dated(self.study):
            return
        window = self.study.window
        for source, spans in records.coverage.groupby("source"):
            first, end = spans["start"].min(), spans["end"].max()
            advice = (
                f"Bring the rest, or correct the dates. If {source} saw nobody then, say so: reported = [[..., ...]]."
            )
            if first > window.start:
                rule = f"{source} begins in {first:%B %Y}, after before begins ({window.start:%B %Y})"
                self._say(self.at, rule, advice)
            if end < window.end:
                last, stated = (f"{day - pd.Timedelta(days=1):%B %Y}" for day in (end, window.end))
                self._say(self.at, f"{source} ends in {last}, earlier than after is stated to end ({stated})", advice)

    def _place(self, name: str) -> None:
        """Refuse records of which no row, or of whose points most, lie in none of the areas; list points in the sea."""
        records, areas = self.study.located(name), self.study.areas
        needs = self.study.needs
        if records.kind == "services" and needs is not None and needs.provision_only and name in needs.services:
            return self._near(records, needs.reach)  # a national list lies outside the areas, most of it
        home = place(records, areas)
        if records.kind != "services" and not home.notna().any():
            advice = "Check that its area codes are of the kind that areas.code names, and its coordinates' crs."
            self._say(self.at, "has no row in any of the study's areas", advice)
        if "x" not in records.frame or "area" not in records.frame:
            return
        coded = records.frame[records.frame["area"].isin(areas.index) & records.frame["x"].notna()]
        sample = coded.iloc[:: max(len(coded) // ENOUGH, 1)].drop(columns="area")
        place(replace(records, frame=sample), areas)  # refuses swapped and misplaced points, which the code would hide
        west, south, east, north = areas.total_bounds
        near = coded["x"].between(west - NEAR, east + NEAR) & coded["y"].between(south - NEAR, north + NEAR)
        far = [int(row) + 1 for row in coded.index[~near]]
        rule = "lies far outside all areas (in the sea, or another town), though the row has the code of one"
        for row in far[:MOST_LISTED]:
            self._say("x, y", rule, "Correct the coordinates, or leave them empty.", row=row)
        if len(far) > MOST_LISTED:
            self._say("x, y", rule, f"So do {len(far) - MOST_LISTED} more rows that are not listed.")

    def _near(self, services: Records, reach: float) -> None:
        """Refuse a list without any service in the study's areas or within reach of them."""
        if services.crs is None or "x" not in services.frame:
            return  # said where the needs are looked at
        west, south, east, north = self.study.areas.total_bounds
        x, y = services.frame["x"], services.frame["y"]
        if not (x.between(west - reach, east + reach) & y.between(south - reach, north + reach)).any():
            rule = "has no service in the study's areas or within reach of them"
            self._say(self.at, rule, "Check the crs of its coordinates, and that they are not swapped.")

    def _outcome(self, outcome: Outcome) -> None:
        study = self.study
        records = study.located(outcome.input)
        if outcome.count == "persons" and ("person" not in records.frame or not records.frame["person"].notna().any()):
            self._say(f"{self.at}.count", "counts persons, but no row has one", "Map person, or count events.")
        for column, values in outcome.where.items():
            if column not in records.frame:
                self._say(f"{self.at}.where", f"names {column}, which was not read", "Map it, or correct the name.")
                return
            for value in values:
                if not records.frame[column].eq(value).any():
                    rule = f"selects nothing: no row has {column} = {value!r}"
                    self._say(f"{self.at}.where", rule, "Correct the word; it must be written as in the file.")
        counted = study.outcome_tally(outcome.name)
        if not counted.to_frame()["value"].sum():
            rule = "all counts are zero in the study's areas and months"
            self._say(self.at, rule, "Correct what it selects, the areas or the dates, or drop the outcome.")
        if set(study.areas.index).issuperset(code for codes in study.zones.values() for code in codes):
            self._observed(counted)

    def _observed(self, counted: Tally) -> None:
        monthly = counted.zone_series(self.study.zones)
        for phase in ("before", "after"):
            span = self.study.phases[phase]
            inside = monthly[(monthly.index >= pd.Period(span.start, "M")) & (monthly.index < pd.Period(span.end, "M"))]
            for zone in inside.columns[inside.isna().all()]:
                rule = f"has no month of {phase} in which every source reported on all of {zone}"
                self._say(self.at, rule, "Bring those months, or take the areas out.")

    def _needs(self, good: Collection[str], *, placed: bool) -> None:
        needs = self.study.needs
        if needs is None:
            return
        for name in needs.services:
            if name in good:
                self._passes(partial(self._services, name), spec=self.study.inputs[name])
        for table in needs.context if placed else ():
            self._passes(partial(read_context, table, self.study.areas.index), table.file.name, "needs.context")

    def _services(self, name: str) -> None:
        needs = self.study.needs
        services = self.study.records(name)
        if needs is None:
            return
        for column in ("x", "y") if needs.provision_only else ("hours", "capacity", "x", "y"):
            if column not in services.frame:
                self._say(column, "is needed to work out who can reach which service", "Map it in columns.")
                return
        if not needs.provision_only:
            slot_supply(services.frame.reset_index(drop=True), needs.slots, hours="hours")
        elif hours_known(services.frame):
            open_share(services.frame["hours"].reset_index(drop=True), needs.slots)
        elif any(key.startswith("needs.slots") for key in self.study.declared):
            rule = "is not known of every service, so no slot can be told from another"
            self._say("hours", rule, "Map the hours, or leave out needs.slots.")


def _dated(study: Study) -> bool:
    return {"before", "after"} <= set(study.phases) and study.phases["before"].start < study.phases["after"].end
