"""Who needs what, and for how many people is it met, unmet or unknown?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.areas import place
from commonground.disclosure import Plan
from commonground.errors import CommonGroundError, RecordsError
from commonground.framework import FRAMEWORK, NEEDS, STAGES, Framework
from commonground.periods import Period
from commonground.pickles import Exact
from commonground.records import Records
from commonground.records.schemas import MULTIPLE
from mapping.levels import EVERYONE, UNSEEN, Split, declared_splits
from mapping.safeguarding import check_adults
from mapping.statuses import MET, UNKNOWN, UNMET, latest_statuses, need_rows, people_in

__all__ = ["NeedsProfile", "needs_profile"]

#: No percentage of fewer people than this: x of n (methods.md, section 2).
LEAST_FOR_SHARE = 10
NOT_RAISED, NOBODY = "raised by nobody who was seen", "nobody of this group was seen"
PLACES = ("area", "setting", "group")
COLUMNS = [
    "split", "level", "need", "seen", "people", "met", "unmet", "unknown", "ever_unmet", "low", "high", "share_low",
    "share_high", "reading",
]  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class NeedsProfile(Exact):
    """Hold who raised which need, and for how many people it is met, unmet or unknown.

    Parameters
    ----------
    table : DataFrame
        One row a level and need: split (``everyone``, ``area``, ``setting``, ``group``, or several joined by ``x``),
        level, need, seen (people of the level met in the window), people (of them, who raised the need), met, unmet,
        unknown (people by the status known last; they add up to people), ever_unmet (people with the need unmet at any
        time in the window), low and high (unmet if all unknown were met, and if all were unmet), share_low and
        share_high (those in per cent of people; NaN of fewer than 10), reading. NaN in a row of a group that no source
        sees: unknown, not 0.
    stages : DataFrame
        One row a level and stage of support: split, level, stage, people (met at that stage in the window), latest
        (people whose latest contact with a stage was at this one, and at no further one; ``none`` holds the rest).
    outside : DataFrame
        Words that are not in the framework: column (issues, outcome, mode), word, people, rows.
    notes : tuple of str
        What must be kept in mind.
    """

    table: pd.DataFrame
    stages: pd.DataFrame
    outside: pd.DataFrame
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "NeedsProfile(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the needs, one row a level and need."""
        return self.table.copy()

    def summary(self) -> str:
        """Name the needs that most people have unmet, the groups that nobody sees, and what the counts do not show."""
        everyone = self.table[self.table["split"] == EVERYONE]
        raised = everyone[everyone["people"] > 0].sort_values(["unmet", "high"], ascending=False, kind="stable")
        lines = [
            f"{int(everyone['seen'].max())} people were seen in the window; {len(raised)} of 12 needs were raised."
        ]
        lines += [_sentence(row) for row in raised.head(3).to_dict("records")]
        unseen = self.table[self.table["reading"].isin(UNSEEN)].drop_duplicates(["split", "level"])
        lines += [f"{row.split}, {row.level}: {row.reading}." for row in unseen.itertuples()]
        return "\n".join([*lines, *self.notes])


def needs_profile(
    records: Records,
    areas: gpd.GeoDataFrame | None = None,
    *,
    framework: Framework = FRAMEWORK,
    groups: Plan | Mapping[str, Sequence[str]] | None = None,
    by: Sequence[str | tuple[str, ...]] | None = None,
    window: Period | None = None,
) -> NeedsProfile:
    """Count the people who raised each of the twelve needs, by place, setting and group: met, unmet and unknown.

    Parameters
    ----------
    records : Records
        With person, issues, start; outcome says whether a need was met.
    areas : GeoDataFrame, optional
        Indexed by area code: places the rows, and gives every area a row. Without it the codes in the records are used.
    framework : Framework
        How issues, outcomes and modes are read.
    groups : Plan or mapping of category to levels, optional
        Declared levels: each has its rows, also when nobody was seen. A `Plan` (as ``study.plan``) says in ``seen``
        which of them some source could see at all.
    by : sequence of str or tuple of str, optional
        Columns to split by, each on its own; a tuple crosses them. Default: area, setting and group, where the records
        have them. Everyone together always comes first.
    window : Period, optional
        Rows that start in it count; all when left out.

    Returns
    -------
    NeedsProfile

    Raises
    ------
    RecordsError
        When the records do not say who was met or what was raised, nobody was met in the window, or a group is of
        under-18s, who are counted on the safeguarding route only.
    CommonGroundError
        When there is no such column to split by.
    GeographyError
        When the records cannot be placed in the areas.

    Notes
    -----
    People, not contacts. A person has one status for a need in the window: the last that was known, wherever it was
    noted. A later unknown does not undo it, and of met and unmet at one moment unmet holds; ``ever_unmet`` counts
    everybody for whom the need was unmet at any time. The outcome of a row holds for each of its needs. Met in several
    areas (or settings) a person counts in each, and once among everyone: levels are not added up.

    Bounds: unmet <= people who have the need unmet <= unmet + unknown, over those who raised it (Manski 1989, worst
    case). Nobody knows whether those who did not raise a need have it, so they are in no count; it fails where
    workers note only what they can help with.

    References
    ----------
    Manski, C. F. (1989) Anatomy of the selection problem. Journal of Human Resources 24(3), 343-360.

    Examples
    --------
    >>> from commonground import read_records
    >>> met = pd.DataFrame({
    ...     "start": ["2023-01-05", "2023-02-05", "2023-03-05"], "area": "A", "person": ["p", "p", "q"],
    ...     "issues": ["housing", "housing; health", "housing"], "outcome": ["unmet", "met", ""]})
    >>> profile = needs_profile(read_records(met, "contacts"), by=())
    >>> profile.to_frame().loc[lambda t: t["people"] > 0, ["need", "people", "met", "unmet", "unknown"]].values.tolist()
    [['health', 1.0, 1.0, 0.0, 0.0], ['housing', 2.0, 1.0, 0.0, 1.0]]
    """
    rows = people_in(records, window)
    if not len(rows):
        raise RecordsError("nobody was met in the window; nothing was counted. Widen it, or leave it out.")
    if areas is not None:
        rows = rows.assign(area=place(records, areas).reset_index(drop=True)[rows.index])
    plan = _with_areas(groups, areas)
    # also the groups by which nothing is split: these people must not be among everyone
    kept = {name for name in (*records.columns, *plan.categories) if name == "group" or name.startswith("group_")}
    check_adults(((n, {*plan.categories.get(n, ()), *_levels(rows, n)}) for n in kept), framework.under_18)
    splits = declared_splits(rows, records, by=_wanted(rows, by), groups=plan)
    long = need_rows(rows, framework)
    final = latest_statuses(long)
    ever = long.loc[long["status"] == UNMET, ["person", "need"]].drop_duplicates().assign(ever=True)
    final = final.merge(ever, on=["person", "need"], how="left")
    return NeedsProfile(
        table=pd.concat([_counted(split, long, final) for split in splits], ignore_index=True)[COLUMNS],
        stages=_stages(splits, rows, long, framework),
        outside=_outside(rows, long, framework),
        notes=_notes(records, rows, long, framework, splits),
    )


def _wanted(rows: pd.DataFrame, by: Sequence[str | tuple[str, ...]] | None) -> list[tuple[str, ...]]:
    if isinstance(by, str):
        raise CommonGroundError(f"by is a sequence of columns, not one text; write by=({by!r},).")
    asked = [name for name in PLACES if name in rows] if by is None else by
    wanted = [(name,) if isinstance(name, str) else tuple(name) for name in asked]
    names = {name for split in wanted for name in split}
    odd = sorted(n for n in names if n not in rows or n in MULTIPLE or not (n in PLACES or n.startswith("group_")))
    if odd:
        raise CommonGroundError(
            f"needs are split by area, setting, group and group_NAME, not by {', '.join(odd)}; map it when reading, "
            "or drop it from by."
        )
    return wanted


def _levels(rows: pd.DataFrame, name: str) -> set[str]:
    return set(rows[name].dropna().unique()) if name in rows else set()


def _with_areas(groups: Plan | Mapping[str, Sequence[str]] | None, areas: gpd.GeoDataFrame | None) -> Plan:
    plan = groups if isinstance(groups, Plan) else Plan(categories={k: tuple(v) for k, v in (groups or {}).items()})
    if areas is None:
        return plan
    codes = tuple(areas.index.astype("str"))
    return Plan(categories={**plan.categories, "area": codes}, seen=plan.seen)


def _counted(split: Split, long: pd.DataFrame, final: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one split: every level and every need."""
    raised = split.members.merge(long.dropna(subset=["need"])[["row", "need"]], on="row")
    people = raised.drop_duplicates(["level", "person", "need"]).merge(final, on=["person", "need"])
    index = pd.MultiIndex.from_product([split.levels, NEEDS], names=["level", "need"])
    table = pd.DataFrame(index=index)
    for status in (MET, UNMET, UNKNOWN):
        table[status] = people[people["status"] == status].groupby(["level", "need"]).size()
    table["ever_unmet"] = people[people["ever"].notna()].groupby(["level", "need"]).size()
    table = table.reindex(index).fillna(0.0).astype("float64")
    table["people"] = table[[MET, UNMET, UNKNOWN]].sum(axis=1)
    table = table.reset_index()
    table["seen"] = table["level"].map(split.seen()).fillna(0.0).astype("float64")
    table["low"], table["high"] = table[UNMET], table[UNMET] + table[UNKNOWN]
    enough = table["people"] >= LEAST_FOR_SHARE
    for end in ("low", "high"):
        table[f"share_{end}"] = (100 * table[end] / table["people"]).where(enough)
    table["reading"] = np.select([table["seen"] == 0, table["people"] == 0], [NOBODY, NOT_RAISED], "")
    blind = table["level"].isin(list(split.unseen))
    table.loc[blind, "reading"] = table["level"].map(dict(split.unseen))
    numbers = [name for name in COLUMNS[3:-1] if name in table]
    table.loc[blind, numbers] = np.nan
    return table.assign(split=split.name)


def _stages(splits: Sequence[Split], rows: pd.DataFrame, long: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return people by stage of support: at any time in the window, and at their latest contact with a stage."""
    by_issue = long[["row", "person", "start"]].assign(stage=long["need"].map(dict(framework.stages)))
    parts = [by_issue]
    if "mode" in rows:
        said = {word: framework.stage_of_mode(word) for word in rows["mode"].dropna().unique()}
        parts.append(rows[["row", "person", "start"]].assign(stage=rows["mode"].map(said)))
    staged = pd.concat(parts).dropna(subset=["stage"])
    order = {stage: at for at, stage in enumerate(STAGES)}
    late = staged.assign(rank=staged["stage"].map(order)).sort_values(["start", "rank"], kind="stable")
    latest = late.drop_duplicates("person", keep="last").set_index("person")["stage"]
    found = []
    for split in splits:
        here = split.members.merge(staged[["row", "stage"]], on="row").drop_duplicates(["level", "person", "stage"])
        ever = here.groupby(["level", "stage"]).size()
        own = split.members.drop_duplicates(["level", "person"])
        last = own.assign(stage=own["person"].map(latest).fillna("none")).groupby(["level", "stage"]).size()
        index = pd.MultiIndex.from_product([split.levels, [*STAGES, "none"]], names=["level", "stage"])
        table = pd.DataFrame({"people": ever, "latest": last}).reindex(index).fillna(0.0).reset_index()
        table.loc[table["stage"] == "none", "people"] = np.nan
        table.loc[table["level"].isin(list(split.unseen)), ["people", "latest"]] = np.nan
        found.append(table.assign(split=split.name))
    return pd.concat(found, ignore_index=True)[["split", "level", "stage", "people", "latest"]]


def _outside(rows: pd.DataFrame, long: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """List the words that are not in the framework, with how many people and rows they stand for."""
    issues = long.loc[long["need"].isna(), ["word", "person", "row"]].assign(column="issues")
    parts = [issues]
    for column, read in (("outcome", framework.status), ("mode", framework.stage_of_mode)):
        if column in rows and (column == "outcome" or framework.modes):
            said = rows[column].dropna()
            strange = said[[read(word) is None for word in said]]
            own = rows.loc[strange.index, ["person", "row"]]
            parts.append(own.assign(word=strange.to_numpy(), column=column))
    words = pd.concat(parts, ignore_index=True).groupby(["column", "word"], sort=True)
    return words.agg(people=("person", "nunique"), rows=("row", "nunique")).reset_index()


def _notes(
    records: Records, rows: pd.DataFrame, long: pd.DataFrame, framework: Framework, splits: Sequence[Split]
) -> tuple[str, ...]:
    outside = _outside(rows, long, framework)
    notes = []
    for column, what in (
        ("issues", "issues are not in the framework and are listed apart"),
        ("outcome", "outcomes are not declared as met or unmet, and count as unknown"),
        ("mode", "ways of meeting people stand for no stage"),
    ):
        words = outside.loc[outside["column"] == column, "word"]
        notes += [f"{len(words)} {what}: {', '.join(words)}."] if len(words) else []
    nobody = int(records.frame["person"].isna().sum())
    if nobody:
        notes.append(f"{nobody:,} rows name no person and count nobody.")
    for name in sorted({name for split in splits for name in split.undeclared}):
        notes.append(f"{name} has levels that are not declared; they are shown after the declared ones.")
    for name in sorted({name for split in splits for name in split.contradicted}):
        notes.append(f"{name} has people in a level that no source is declared to see; correct the declaration.")
    return (
        *notes,
        "People, not contacts; a person in several levels counts in each. Unknown is not met: the bounds run from all "
        "unknown met to all unmet. Who did not raise a need may have it, and whom no source sees is not in these "
        "counts. Issues are what a worker noted.",
    )


def _sentence(row: Mapping[Any, Any]) -> str:
    people, low, high = (int(row[name]) for name in ("people", "low", "high"))
    if people < LEAST_FOR_SHARE:
        return f"{row['need']}: raised by {people}; unmet for {low} to {high} of {people}."
    return (
        f"{row['need']}: raised by {people}; unmet for {low}, unknown for {high - low} "
        f"({row['share_low']:.0f} to {row['share_high']:.0f} per cent)."
    )
