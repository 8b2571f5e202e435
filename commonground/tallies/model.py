"""How many, where and when: counts that add up, and know what nobody observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.coverage import covered_days, merge_spans
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.tallies.keys import checked_unit, count_keys, distinct, ordered

__all__ = ["Tally"]


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
        wide = plain.pivot_table(index="period", columns="area", values="value", dropna=False, observed=False)
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
        return self.zone_series({self.kind: chosen})[self.kind]

    def zone_series(self, zones: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Return one column a zone: counts a period over its areas together, people in several of them once.

        Missing where a source did not report one of the zone's areas in full. An area belongs to one zone at most.
        """
        home = self._home(zones)
        keys = self.keys.assign(zone=self.keys["area"].map(home)).dropna(subset=["zone"])
        cells = pd.MultiIndex.from_product([list(zones), list(self.periods)], names=["zone", "period"])
        counts = count_keys(keys, ["zone", "period"], self.count).reindex(cells, fill_value=0).astype("float64")
        values = counts.unstack("zone").reindex(index=list(self.periods), columns=list(zones))
        observed = self.exposure(complete=True) > 0
        for zone, codes in zones.items():
            values[zone] = values[zone].where(observed.loc[list(codes)].all())
        if not self.phased:
            values.index = pd.PeriodIndex(values.index, freq=_frequency(self.periods), name="period")
        return values.rename_axis(columns=None)

    def merge_areas(self, groups: Mapping[str, Sequence[str]]) -> Tally:
        """Return the tally over groups of areas; people, premises and events in several areas of a group count once."""
        home = self._home(groups)
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
        return replace(self, codes=tuple(groups), keys=distinct(keys, list(self.by)), coverage=coverage, areas=shapes)

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
        return replace(self, periods=dict(groups), keys=distinct(keys, list(self.by)), phased=True)

    def _home(self, groups: Mapping[str, Sequence[str]]) -> dict[str, str]:
        home = {code: label for label, codes in groups.items() for code in codes}
        unknown = sorted(set(home) - set(self.codes))
        if unknown:
            raise CommonGroundError(f"areas {', '.join(unknown[:10])} are not in the tally; use codes of its areas.")
        return home

    def as_count(self, unit: str) -> Tally:
        """Return the same cells counted in another unit."""
        return replace(self, count=checked_unit(unit))

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
            by={name: ordered(levels) for name, levels in by.items()} if by != dict(self.by) else by,
            keys=distinct(pd.concat([self.keys, other.keys], ignore_index=True), list(by)),
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


def _alike(part: Tally) -> tuple[str, str, tuple[str, ...], bool, str]:
    return part.kind, part.count, tuple(part.by), part.phased, part.selection


def _frequency(periods: Mapping[str, Period]) -> str:
    sample = next(iter(periods))
    return "Q" if "Q" in sample else "M" if "-" in sample else "Y"
