"""How many, where and when: counts per area, period and category that add up, and know what nobody observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.areas import place
from commonground.coverage import covered_days, merge_spans
from commonground.errors import CommonGroundError
from commonground.periods import EVERY, Period, calendar, cells_of
from commonground.records import Records

__all__ = ["MISSING", "UNITS", "Tally", "tally"]

UNITS = ("events", "persons", "premises")
MISSING = "missing"  # the level of a category that the record leaves empty: a level like any other
_WHO = ["person", "premises", "event"]


@dataclass(frozen=True, repr=False, eq=False)
class Tally:
    """Counts per area x period x category, dense over what was observed.

    Parameters
    ----------
    kind : str
        contacts, incidents or arrests.
    count : str
        Unit: events, persons or premises.
    codes : tuple of str
        Area codes.
    periods : dict of str to Period
    by : dict of str to tuple of str
        Category columns and their levels.
    coverage : DataFrame
        Columns source, area, start, end: when each source reported.
    areas : GeoDataFrame or None
        Boundaries, where given.
    phased : bool
        True when the periods are declared phases, counted over the days that were observed; calendar cells must be observed
        whole.
    notes : tuple of str
        What was left out and why.
    selection : str
        Column by which a part of the record set was taken; empty for the whole set.

    Notes
    -----
    Privately holds the distinct (cell, person, premises, event) keys, so that a person seen in two joined areas is counted
    once. ``a + b`` unions keys and coverage: the tally of many files is the sum of their tallies.
    """

    kind: str
    count: str
    codes: tuple[str, ...]
    periods: Mapping[str, Period]
    by: Mapping[str, tuple[str, ...]]
    keys: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    areas: gpd.GeoDataFrame | None = field(default=None, repr=False)
    phased: bool = False
    published: Mapping[str, str | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    selection: str = ""

    def __repr__(self) -> str:
        return f"Tally({self.kind}, {self.count}, {len(self.codes)} areas x {len(self.periods)} periods, by={tuple(self.by)})"

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources."""
        return tuple(sorted(self.coverage["source"].unique()))

    @property
    def window(self) -> Period:
        """First to last day of the periods."""
        return Period(min(p.start for p in self.periods.values()), max(p.end for p in self.periods.values()))

    @property
    def has_people(self) -> bool:
        """Whether any record carries a person key."""
        return bool(self.keys["person"].notna().any())

    def exposure(self, *, complete: bool = False) -> pd.DataFrame:
        """Return the observed days of each area (rows) and period (columns); 0 where no source reported.

        Parameters
        ----------
        complete : bool
            Count only what every source of the tally reported.
        """
        days = covered_days(self.coverage, self.codes, self.periods)
        if not days:
            return pd.DataFrame(0.0, index=pd.Index(self.codes, name="area"), columns=list(self.periods))
        stack = np.stack([table.to_numpy() for table in days.values()])
        observed = pd.DataFrame(
            stack.min(axis=0) if complete else stack.max(axis=0),
            index=pd.Index(self.codes, name="area"),
            columns=list(self.periods),
        )
        if self.phased:
            return observed
        whole = pd.Series({label: float(period.days) for label, period in self.periods.items()})
        return observed.where(observed.eq(whole, axis="columns"), 0.0)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell: area, period, categories, value (missing where nobody observed), observed days.

        Exact numbers, for looking at in memory: what leaves goes through `commonground.protect`.
        """
        cells = pd.MultiIndex.from_product(
            [self.codes, list(self.periods), *self.by.values()], names=["area", "period", *self.by]
        )
        counts = count_keys(self.keys, ["area", "period", *self.by], self.count).reindex(cells, fill_value=0)
        observed = self.exposure().stack().rename_axis(["area", "period"])
        days = observed.reindex(pd.MultiIndex.from_arrays([cells.get_level_values(0), cells.get_level_values(1)]))
        frame = counts.rename("value").astype("float64").reset_index()
        frame["days"] = days.to_numpy()
        frame["value"] = frame["value"].where(frame["days"] > 0)
        return frame

    def table(self) -> pd.DataFrame:
        """Return periods (rows) by areas (columns), categories summed as distinct keys; missing where unobserved."""
        plain = replace(self, by={}).to_frame()
        wide = plain.pivot_table(index="period", columns="area", values="value", dropna=False, observed=False)  # noqa: PD010
        wide = wide.reindex(index=list(self.periods), columns=list(self.codes))
        if not self.phased:
            wide.index = pd.PeriodIndex(wide.index, freq=_frequency(self.periods))
        return wide

    def series(self, areas: Sequence[str] | None = None) -> pd.Series:
        """Return one count a period over several areas together (people once); missing unless all were fully observed.

        Parameters
        ----------
        areas : sequence of str, optional
            Area codes; all of them when left out.
        """
        chosen = tuple(self.codes if areas is None else areas)
        joined = self.merge_areas({"all": chosen})
        counts = count_keys(joined.keys, ["period"], self.count).reindex(list(self.periods), fill_value=0)
        seen = (self.exposure(complete=True).loc[list(chosen)] > 0).all()
        values = counts.astype("float64").where(seen).rename(self.kind)
        if not self.phased:
            values.index = pd.PeriodIndex(values.index, freq=_frequency(self.periods), name="period")
        return values

    def merge_areas(self, groups: Mapping[str, Sequence[str]]) -> Tally:
        """Return the tally over groups of areas; people, premises and events in several areas of a group count once."""
        home = {code: label for label, codes in groups.items() for code in codes}
        unknown = sorted(set(home) - set(self.codes))
        if unknown:
            raise CommonGroundError(f"areas {', '.join(unknown[:10])} are not in the tally; use codes of its areas.")
        keys = self.keys.assign(area=self.keys["area"].map(home)).dropna(subset=["area"])
        coverage = _joint_coverage(self.coverage, groups)
        shapes = None
        if self.areas is not None:
            member = pd.Series(home).reindex(self.areas.index)
            shapes = self.areas.assign(zone=member).dropna(subset=["zone"])[["zone", "population", "geometry"]]
            shapes = (
                shapes.dissolve("zone", aggfunc={"population": "sum"})
                .rename_axis("area")
                .assign(name=lambda f: f.index)
            )
        return replace(self, codes=tuple(groups), keys=_distinct(keys, list(self.by)), coverage=coverage, areas=shapes)

    def merge_periods(self, groups: Mapping[str, Period]) -> Tally:
        """Return the tally over longer periods, each a union of the tally's own periods."""
        home: dict[str, str] = {}
        for label, span in groups.items():
            inside = [own for own, period in self.periods.items() if span.covers(period)]
            if any(span.overlaps(period) and not span.covers(period) for period in self.periods.values()) or not inside:
                raise CommonGroundError(
                    f"the period {span} is not made of whole cells of the tally; tally by it directly."
                )
            home |= dict.fromkeys(inside, label)
        keys = self.keys.assign(period=self.keys["period"].map(home)).dropna(subset=["period"])
        return replace(self, periods=dict(groups), keys=_distinct(keys, list(self.by)), phased=True)

    def as_count(self, unit: str) -> Tally:
        """Return the same cells counted in another unit."""
        return replace(self, count=_unit(unit))

    def __add__(self, other: Tally) -> Tally:
        """Join two tallies of the same kind: keys are unioned, coverage combined, areas and periods extended."""
        if _alike(self) != _alike(other):
            raise CommonGroundError(
                "tallies add only when kind, count, categories and time unit are the same; tally both parts alike."
            )
        by = {name: tuple(dict.fromkeys([*levels, *other.by[name]])) for name, levels in self.by.items()}
        periods = {**self.periods, **other.periods}
        return replace(
            self,
            codes=tuple(dict.fromkeys([*self.codes, *other.codes])) if self.codes != other.codes else self.codes,
            periods=dict(sorted(periods.items(), key=lambda item: item[1])),
            by={name: _ordered(levels) for name, levels in by.items()} if by != dict(self.by) else by,
            keys=_distinct(pd.concat([self.keys, other.keys], ignore_index=True), list(by)),
            coverage=merge_spans(pd.concat([self.coverage, other.coverage], ignore_index=True)),
            areas=self.areas if self.areas is not None else other.areas,
            published={**self.published, **other.published},
            notes=tuple(dict.fromkeys([*self.notes, *other.notes])),
        )

    def summary(self) -> str:
        """Say what is counted, where, when and from whom; no counts."""
        lines = [
            f"{self.kind} counted in {self.count}: {len(self.codes)} areas, {self.window}, from {', '.join(self.sources)}.",
            "A cell that no source reported is missing, not zero.",
        ]
        return "\n".join([*lines, *self.notes])


def tally(
    records: Records,
    areas: gpd.GeoDataFrame | None = None,
    *,
    every: str | Mapping[str, Period] = "month",
    by: Sequence[str] = (),
    count: str = "events",
    window: Period | None = None,
) -> Tally:
    """Count records per area, period and category.

    Parameters
    ----------
    records : Records
    areas : GeoDataFrame, optional
        Indexed by area code. Without it the areas are the codes in the records.
    every : {'month', 'quarter', 'year'} or mapping of name to Period
        Calendar cells, or declared phases that do not overlap.
    by : sequence of str
        Category columns. An empty entry is the level ``missing``. A record with several issues (separated by ``;``) counts
        under each, so totals over issues are not summed.
    count : {'events', 'persons', 'premises'}
        Events: distinct event keys, plus n of rows without one. Persons, premises: distinct keys; rows without one add
        nothing.
    window : Period, optional
        Default: from the first to the last day that any source reported.

    Returns
    -------
    Tally

    Raises
    ------
    CommonGroundError
        When a unit, column or window does not fit.
    """
    frame = records.frame
    absent = [name for name in by if name not in frame.columns]
    if absent:
        raise CommonGroundError(
            f"the records have no column {', '.join(absent)}; map it when reading, or drop it from by."
        )
    if not len(records.coverage):
        raise CommonGroundError("the records do not say when their sources reported; call records.with_coverage(...).")
    span = window or Period(records.coverage["start"].min(), records.coverage["end"].max())
    periods = _cut(span, every)
    home = (
        place(records, areas)
        if areas is not None
        else frame["area"]
        if "area" in frame
        else pd.Series(pd.NA, frame.index)
    )
    cell = cells_of(frame["start"], periods)
    labels = pd.Series(list(periods), dtype="str")
    keys = frame.reindex(columns=[*by, *_WHO]).astype("str")
    keys[list(by)] = keys[list(by)].fillna(MISSING)
    keys = keys.assign(
        area=home.astype("str"), period=cell.map(labels).astype("str"), n=frame["n"], source=frame["source"]
    )
    inside = keys["area"].notna() & (cell >= 0)
    keys = keys[inside]
    if "issues" in by:
        keys = keys.assign(issues=keys["issues"].str.split(r"\s*;\s*", regex=True)).explode("issues")
    codes = tuple(areas.index.astype("str")) if areas is not None else tuple(sorted(keys["area"].unique()))
    result = Tally(
        kind=records.kind,
        count=_unit(count),
        codes=codes,
        periods=periods,
        by={name: _ordered(keys[name].unique()) for name in by},
        keys=_distinct(keys, list(by)),
        coverage=merge_spans(records.coverage),
        areas=areas,
        phased=not isinstance(every, str),
        published=dict.fromkeys(records.sources, records.published),
        notes=(*records.notes, *_left_out(home, cell)),
        selection=records.selection,
    )
    return _only_observed(result, keys, list(by))


def count_keys(keys: pd.DataFrame, cells: list[str], unit: str) -> pd.Series:
    """Count distinct keys per cell: persons, premises, or events (rows without an event key add their n)."""
    if unit != "events":
        column = {"persons": "person", "premises": "premises"}[unit]
        return keys.dropna(subset=[column]).groupby(cells, sort=True)[column].nunique()
    bare = keys["event"].isna()
    named = keys[~bare].groupby(cells, sort=True)["event"].nunique()
    return named.add(keys[bare].groupby(cells, sort=True)["n"].sum(), fill_value=0)


def _alike(part: Tally) -> tuple[str, str, tuple[str, ...], bool, str]:
    return part.kind, part.count, tuple(part.by), part.phased, part.selection


def _distinct(keys: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Collapse to distinct (cell, person, premises, event); rows without an event key keep their summed n."""
    group = ["area", "period", *by, *_WHO]
    summed = keys.groupby(group, sort=True, dropna=False, as_index=False)["n"].sum()
    return summed.assign(n=summed["n"].where(summed["event"].isna(), 1.0))


def _only_observed(result: Tally, keys: pd.DataFrame, by: list[str]) -> Tally:
    """Leave out rows in cells that their own source did not report in full; a part of a month is not a month."""
    days = covered_days(result.coverage, result.codes, result.periods)
    whole = pd.Series({label: float(period.days) for label, period in result.periods.items()})
    seen = pd.Series(False, index=keys.index)
    for source, table in days.items():
        full = (table > 0) if result.phased else table.eq(whole, axis="columns")
        mine = keys["source"] == source
        area, period = keys.loc[mine, "area"], keys.loc[mine, "period"]
        seen[mine] = full.to_numpy()[full.index.get_indexer(area), full.columns.get_indexer(period)]
    if seen.all():
        return result
    note = f"{int((~seen).sum()):,} rows fall in cells that their source did not report in full; they are left out."
    return replace(result, keys=_distinct(keys[seen], by), notes=(*result.notes, note))


def _joint_coverage(coverage: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return coverage of groups of areas: everywhere spans stay; a group is covered when all its own areas are."""
    everywhere = coverage[coverage["area"].isna()]
    local = coverage[coverage["area"].notna()]
    if local.empty:
        return coverage
    rows = [everywhere]
    for label, codes in groups.items():
        for _, spans in local[local["area"].isin(codes)].groupby("source"):
            if spans["area"].nunique() == len(codes) and spans.groupby("area").size().eq(1).all():
                joint = spans.iloc[[0]].assign(area=label, start=spans["start"].max(), end=spans["end"].min())
                rows.append(joint[joint["start"] < joint["end"]])
    return pd.concat(rows, ignore_index=True)


def _cut(span: Period, every: str | Mapping[str, Period]) -> dict[str, Period]:
    if isinstance(every, str):
        cells = calendar(span, every)
        if not cells:
            raise CommonGroundError(f"the window {span} holds no whole {every}; widen it or cut time finer.")
        return {str(pd.Period(cell.start, freq=EVERY[every])): cell for cell in cells}
    phases = dict(every)
    spans = sorted(phases.values())
    if any(a.overlaps(b) for a, b in zip(spans, spans[1:], strict=False)):
        raise CommonGroundError("phases overlap: each day belongs to one phase at most; correct their dates.")
    return phases


def _left_out(home: pd.Series, cell: pd.Series) -> tuple[str, ...]:
    notes = []
    if nowhere := int(home.isna().sum()):
        notes.append(f"{nowhere:,} of {len(home):,} rows have no place or lie outside the study's areas; not counted.")
    if elsewhen := int((home.notna() & (cell < 0)).sum()):
        notes.append(f"{elsewhen:,} rows lie outside the time window; not counted.")
    return tuple(notes)


def _ordered(levels: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(levels, key=lambda level: (level == MISSING, level)))


def _frequency(periods: Mapping[str, Period]) -> str:
    sample = next(iter(periods))
    return "Q" if "Q" in sample else "M" if "-" in sample else "Y"


def _unit(count: str) -> str:
    if count not in UNITS:
        raise CommonGroundError(f"a tally counts {', '.join(UNITS)}, not {count!r}; choose one of them.")
    return count
