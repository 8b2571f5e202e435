"""What may be said of the people whose needs a study maps: what they need, who is unseen, how many they are?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from commonground.dashboard.labelled_needs import LEVELS, need_rows_of
from commonground.dashboard.needing_size import size_of
from commonground.disclosure import Ledger, Plan, Protected, cross_tables
from commonground.disclosure.crosstables import Grounds
from commonground.disclosure.further import BASE
from commonground.disclosure.ranges import PublishedRange
from commonground.errors import NotReleasable
from commonground.framework import FRAMEWORK, NEEDS, Framework
from commonground.records import Records
from commonground.study import Study
from commonground.tallies import MISSING, tally
from mapping.representation import representation
from mapping.statuses import latest_statuses, need_rows, people_in

__all__ = ["PeopleInNeed", "find_people"]

NOT_PUBLISHED = "people and their issues are published nowhere in these data"
NO_MAP = "too few people can be shown by place, so nothing further is published of them"
FOR_PARTNERS = "further tables are for partners only; the public sees the first release"
NO_COLUMN = "its records do not say {}"
# One sentence whatever the gate's reason: which rule failed would tell something, and the reasons of a first and of a
# later run differ, since a refusal stands.
REFUSED = (
    "a block, a phase or a level holds too few people, or beside the people already shown by block it could tell who "
    "is in only one of them"
)
RAISED = "not raised"  # the level of whoever never raised a need


@dataclass(frozen=True, repr=False, eq=False)
class PeopleInNeed:
    """Published values of people, their needs and groups, and why others cannot be had.

    Parameters
    ----------
    needs : DataFrame
        One row a declared need: need, and people, met, unmet, unknown, each with _low and _high, and reason; missing
        where the gate refused.
    groups : DataFrame
        One row a declared group and input: group, source, value, low, high; missing where not published.
    seen : DataFrame
        One row a declared group: group, seen_by, reading.
    answer, reason : str
        Whether this map only mirrors today's clients; empty when the study did not ask.
    size : PublishedRange or None
        How many people there are.
    refused : mapping of str to str
        What is not published, and why.
    origins : tuple of Protected or PublishedRange
        What the rows were made from.
    """

    needs: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    seen: pd.DataFrame = field(repr=False)
    answer: str
    reason: str
    size: PublishedRange | None
    refused: Mapping[str, str]
    origins: tuple[Any, ...] = field(repr=False)

    def origin(self, other: Any) -> Any:
        """Return the first released value that the rows were made from; another where nothing was published."""
        return next(iter(self.origins), other)

    def __repr__(self) -> str:
        return f"PeopleInNeed({len(self.needs)} needs, {len(self.seen)} groups, {len(self.refused)} refused)"


def find_people(study: Study, people: Mapping[str, Protected], book: Ledger | None) -> PeopleInNeed | None:
    """Ask the gate for what a study declares of needs, groups and lists of people.

    Parameters
    ----------
    study : Study
    people : mapping of input to Protected
        The first release of people of each input.
    book : Ledger or None
        The ledger of the run; None under the open profile.

    Returns
    -------
    PeopleInNeed or None
        None when the study declares nothing of it. Released values only.

    Notes
    -----
    Tables beside the first release are asked for in an order that the study file fixes and no count changes: of each
    input the table of groups, of the demand then one table a declared need, in the order of ``needs.framework``. A
    table by ``issues`` is never asked for: one record holds several, so that beside the people of a block it would tell
    who raised only one (`commonground.disclosure.several`). By one need at a time everybody has one level: not raised,
    unmet, unknown or met, as known last over the whole study.
    """
    plan = study.needs
    if plan is None or not plan.people.asked:
        return None
    wanted = [plan.demand, *plan.people.independent] if plan.people.groups else [plan.demand]
    refused: dict[str, str] = {}
    tables: dict[tuple[str, str], Protected] = {}
    if plan.people.framework or plan.people.groups:
        for name in dict.fromkeys(filter(None, wanted)):
            tables |= _further(study, name, people.get(name), book, refused)
    groups, seen, answer, reason = _groups(study, tables)
    size = size_of(study, book, refused)
    return PeopleInNeed(
        needs=_needs(study, tables, refused),
        groups=groups,
        seen=seen,
        answer=answer,
        reason=reason,
        size=size,
        refused=refused,
        origins=(*tables.values(), *([size] if size is not None else [])),
    )


def framework_of(study: Study) -> Framework:
    """Return the twelve needs with the study's own words."""
    assert study.needs is not None
    return FRAMEWORK.extended(study.needs.people.framework, statuses=study.needs.people.statuses)


def _further(
    study: Study, name: str, first: Protected | None, book: Ledger | None, refused: dict[str, str]
) -> dict[tuple[str, str], Protected]:
    """Return the further tables of one input that pass, by input and what they are by."""
    assert study.needs is not None
    plan = study.needs.people
    records = study.located(name)
    columns: dict[str, pd.Series[Any]] = {}
    levels: dict[str, tuple[str, ...]] = {}
    if plan.groups and _has(study, name, plan.groups):
        columns[plan.groups], levels[plan.groups] = _one_group(records, plan.groups), study.categories[plan.groups]
    elif plan.groups:
        refused[f"{_said(name)} by group"] = NO_COLUMN.format("of which group anybody is")
    if name == study.needs.demand and plan.framework:
        if _has(study, name, "issues"):
            found = _one_status(records, framework_of(study))
            columns |= {_column(need): found[need] for need in plan.framework}
            levels |= dict.fromkeys(map(_column, plan.framework), LEVELS)
        else:
            refused[f"{_said(name)} by need"] = NO_COLUMN.format("what anybody raised")
    if not columns:
        return {}
    labels = {column: _label(name, column, plan.groups) for column in columns}
    if book is None or first is None or first.profile != BASE:
        why = NOT_PUBLISHED if book is None else NO_MAP if first is None else FOR_PARTNERS
        refused |= dict.fromkeys(labels.values(), why)
        return {}
    phases = {phase: span for phase, span in study.phases.items() if phase in study.inputs[name].phases}
    marked = replace(records, frame=records.frame.assign(**columns))
    counted = tally(marked, study.areas, every=phases, by=tuple(columns), count="persons")
    try:
        got = cross_tables(
            counted,
            [(column,) for column in columns],
            profile=first.profile,
            plan=Plan(categories=levels, phases=study.phases, seen=_seen(study)),
            ledger=book,
            grounds=Grounds(zones=study.zones, as_of=study.as_of, one_each=tuple(columns)),
        )
    except NotReleasable:
        refused |= dict.fromkeys(labels.values(), REFUSED)
        return {}
    refused |= dict.fromkeys((labels[by[0]] for by in got.refused), REFUSED)
    return {(name, table.by[0]): table for table in got.tables}


def _one_group(records: Records, column: str) -> pd.Series[Any]:
    """Return for each row the group that its person is in, as noted last: everybody has one."""
    frame = records.frame
    noted = frame[frame["person"].notna() & frame[column].notna()].sort_values("start", kind="stable")
    last = noted.drop_duplicates("person", keep="last").set_index("person")[column]
    return frame["person"].map(last).astype("str")


def _one_status(records: Records, framework: Framework) -> dict[str, pd.Series[Any]]:
    """Return for each need and row what is known last of its person's need, over all records."""
    last = latest_statuses(need_rows(people_in(records, None), framework))
    found = {}
    for need in NEEDS:
        mine = last[last["need"] == need].set_index("person")["status"]
        found[need] = records.frame["person"].map(mine).astype("str").fillna(RAISED)
    return found


def _needs(study: Study, tables: Mapping[tuple[str, str], Protected], refused: Mapping[str, str]) -> pd.DataFrame:
    """Return one row a declared need, with or without numbers."""
    assert study.needs is not None
    demand, phase = study.needs.demand, study.needs.phase
    rows = []
    for need in study.needs.people.framework:
        table = tables.get((demand, _column(need)))
        why = refused.get(_label(demand, _column(need), None)) or refused.get(f"{_said(demand)} by need", "")
        rows.append({"need": need, **need_rows_of(table, phase), "reason": why})
    return pd.DataFrame(rows)


def _groups(study: Study, tables: Mapping[tuple[str, str], Protected]) -> tuple[pd.DataFrame, pd.DataFrame, str, str]:
    """Return the published people by group and source, who sees each group, and the answer for the map."""
    assert study.needs is not None
    plan = study.needs.people
    if plan.groups is None:
        return pd.DataFrame(), pd.DataFrame(), "", ""
    levels = study.categories[plan.groups]
    counts = {
        name: _people_by_group(tables.get((name, plan.groups)), study.needs.phase, levels)
        for name in dict.fromkeys([study.needs.demand, *plan.independent])
    }
    rows = [
        {"group": level, "source": name, **(dict(found.loc[level]) if level in found.index else {})}
        for level in levels
        for name, found in counts.items()
    ]
    shown = pd.DataFrame(rows).reindex(columns=["group", "source", "value", "low", "high"])
    demand = counts[study.needs.demand]
    others = {name: found for name, found in counts.items() if name != study.needs.demand and len(found)}
    blind = [level for level in levels if level not in study.seen.get(plan.groups, levels)]
    if not len(demand) or not others:
        said = ["no source sees this group" if level in blind else "not published" for level in levels]
        seen = pd.DataFrame({"group": levels, "seen_by": said})
        what = "the people that services meet" if not len(demand) else "the people that an independent source meets"
        reason = f"{what} are not published by group, so the two cannot be compared."
        return shown, seen, "cannot tell", reason
    found = representation(demand, others, levels=levels, seen=study.seen.get(plan.groups))
    return shown, found.groups[["group", "seen_by"]], found.answer, found.reason


def _people_by_group(table: Protected | None, phase: str, levels: Sequence[str]) -> pd.DataFrame:
    """Return people per block, summed, by group; groups that are published jointly have no number of their own.

    People of unknown group are always published with the last level, so they count with it here.
    """
    if table is None or phase not in table.periods:
        return pd.DataFrame(columns=["value", "low", "high"])
    rows = table.to_frame()
    rows = rows[rows["period"] == phase]
    named = rows["categories"].str[0].str.removesuffix(f" or {MISSING}")
    sums = rows.assign(group=named).groupby("group")[["value", "low", "high"]].sum(min_count=1).astype("float64")
    return sums.reindex(list(levels))


def _seen(study: Study) -> dict[str, tuple[str, ...]]:
    assert study.needs is not None
    groups = study.needs.people.groups
    return {groups: study.seen[groups]} if groups in study.seen and groups else {}


def _has(study: Study, name: str, column: str) -> bool:
    """Say whether a column is declared of an input; what stands in it decides nothing, for that would tell of it."""
    return {"person", column} <= set(study.located(name).frame.columns)


def _column(need: str) -> str:
    return f"group_need_{need.replace(' ', '_').replace('-', '_')}"


def _label(name: str, column: str, groups: str | None) -> str:
    if column == groups:
        return f"{_said(name)} by group"
    need = next((need for need in NEEDS if _column(need) == column), column)
    return f"{_said(name)} by need of {need}"


def _said(name: str) -> str:
    return f"People in {name.replace('_', ' ')}"
