"""How many, where and when: counts that add up, and know what nobody observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.areas import check_same_crs
from commonground.coverage import merge_spans, observed_days, spread_spans, whole_cells
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.pickles import Exact
from commonground.tallies.keys import checked_unit, counts_in, distinct, joined_citations, ordered

__all__ = ["Tally"]


@dataclass(frozen=True, repr=False, eq=False)
class Tally(Exact):
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
        True when the periods are declared phases, counted over the days that were observed; calendar cells must be
        observed whole.
    notes : tuple of str
        What was left out and why.
    selection : str
        Column by which a part of the record set was taken; empty for the whole set.

    Notes
    -----
    Privately holds the distinct (cell, person, premises, event) keys, so that a person seen in two joined areas is
    counted once. ``a + b`` unions keys and coverage: the tally of many files is the sum of their tallies.
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
        cells = f"{len(self.codes)} areas x {len(self.periods)} periods"
        return f"Tally({self.kind}, {self.count}, {cells}, by={tuple(self.by)})"

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, also of those that reported nothing in the window."""
        return tuple(sorted({*self.coverage["source"], *self.published}))

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

        Calendar cells are observed whole or not at all; of phases, the days on which any source (``complete``: every
        one) reported.

        Parameters
        ----------
        complete : bool
            Count only what every source of the tally reported.
        """
        return observed_days(
            self.coverage, self.codes, self.periods, sources=self.sources, whole=not self.phased, complete=complete
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a cell: area, period, categories, value (missing where nobody observed), observed days.

        Exact numbers, for looking at in memory: what leaves goes through `commonground.protect`.
        """
        levels = [pd.Index(list(part), dtype="str") for part in (self.codes, self.periods, *self.by.values())]
        cells = pd.MultiIndex.from_product(levels, names=["area", "period", *self.by])
        days = np.repeat(self.exposure().to_numpy().ravel(), int(np.prod([len(level) for level in levels[2:]])))
        frame = cells.to_frame(index=False)
        frame["value"] = np.where(days > 0, self._counted(["area", "period", *self.by], levels), np.nan)
        frame["days"] = days
        return frame

    def table(self) -> pd.DataFrame:
        """Return periods (rows) by areas (columns), categories summed as distinct keys; missing where unobserved."""
        levels = [pd.Index(list(part), dtype="str") for part in (self.codes, self.periods)]
        counts = self._counted(["area", "period"], levels).reshape(len(self.codes), len(self.periods))
        values = np.where(self.exposure().to_numpy() > 0, counts, np.nan).T
        return pd.DataFrame(values, index=self._time("period"), columns=pd.Index(self.codes, name="area", dtype="str"))

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

        Missing where a source did not report one of the zone's areas (in full, of calendar cells).

        Parameters
        ----------
        zones : mapping of name to area codes
            Each with one area at least; an area belongs to one zone at most.

        Raises
        ------
        CommonGroundError
            When a zone is empty, or an area is in two zones or in none of the tally's.
        """
        member = self._members(zones)
        keys = self.keys.assign(area=member)
        levels = [pd.Index(list(part), dtype="str") for part in (zones, self.periods)]
        counts = self._counted(["area", "period"], levels, keys).reshape(len(zones), len(self.periods)).T
        observed = self.exposure(complete=True) > 0
        seen = np.column_stack([observed.loc[list(codes)].all().to_numpy() for codes in zones.values()])
        return pd.DataFrame(np.where(seen, counts, np.nan), index=self._time("period"), columns=list(zones))

    def merge_areas(self, groups: Mapping[str, Sequence[str]]) -> Tally:
        """Return the tally over groups of areas; people, premises and events in several areas of a group count once.

        Parameters
        ----------
        groups : mapping of name to area codes
            As for `zone_series`. Areas in no group are left out.
        """
        keys = self.keys.assign(area=self._members(groups)).dropna(subset=["area"])
        return replace(
            self,
            codes=tuple(groups),
            keys=distinct(keys, list(self.by)),
            coverage=spread_spans(self.coverage, groups),
            areas=None if self.areas is None else _joined_shapes(self.areas, groups),
        )

    def merge_periods(self, groups: Mapping[str, Period]) -> Tally:
        """Return the tally over longer periods, each a union of the tally's own periods without a gap.

        Raises
        ------
        CommonGroundError
            When a period is not made of whole cells.
        """
        home: dict[str, str] = {}
        for label, span in groups.items():
            inside = [own for own, period in self.periods.items() if span.covers(period)]
            if sum(self.periods[own].days for own in inside) != span.days or set(inside) & set(home):
                raise CommonGroundError(
                    f"the period {span} is not made of whole cells of the tally; tally by it directly."
                )
            home |= dict.fromkeys(inside, label)
        keys = self.keys.assign(period=self.keys["period"].map(home)).dropna(subset=["period"])
        # rows of months that were reported in part were left out, so their days are not counted either
        coverage = self.coverage if self.phased else whole_cells(self.coverage, self.periods)
        return replace(self, periods=dict(groups), keys=distinct(keys, list(self.by)), coverage=coverage, phased=True)

    def as_count(self, unit: str) -> Tally:
        """Return the same cells counted in another unit."""
        return replace(self, count=checked_unit(unit))

    def __add__(self, other: Tally) -> Tally:
        """Join two tallies of the same kind: keys are unioned, coverage combined, areas and periods extended."""
        if _alike(self) != _alike(other) or not _periods_fit(self.periods, other.periods):
            raise CommonGroundError(
                "tallies add only when kind, count, categories and time unit are the same; tally both parts alike."
            )
        by = {name: ordered({*levels, *other.by[name]}) for name, levels in self.by.items()}
        periods = {**self.periods, **other.periods}
        parts = [_local(part) if set(self.codes) != set(other.codes) else part.coverage for part in (self, other)]
        return replace(
            self,
            codes=tuple(dict.fromkeys([*self.codes, *other.codes])),
            periods=dict(sorted(periods.items(), key=lambda item: item[1])),
            by=by,
            keys=distinct(pd.concat([self.keys, other.keys], ignore_index=True), list(by)),
            coverage=merge_spans(pd.concat(parts, ignore_index=True)),
            areas=_all_shapes(self.areas, other.areas),
            published=joined_citations(self.published, other.published),
            notes=tuple(dict.fromkeys([*self.notes, *other.notes])),
        )

    def _counted(self, cells: list[str], levels: list[pd.Index], keys: pd.DataFrame | None = None) -> np.ndarray:
        """Return counts in the product of the levels, the last one turning fastest."""
        keys = self.keys if keys is None else keys
        shape = tuple(map(len, levels))
        places = [level.get_indexer(pd.Index(keys[name])) for name, level in zip(cells, levels, strict=True)]
        known = np.logical_and.reduce([place >= 0 for place in places])
        cell = np.full(len(keys), -1)
        cell[known] = np.ravel_multi_index([place[known] for place in places], shape) if known.any() else -1
        return counts_in(cell, int(np.prod(shape)), keys, self.count)

    def _members(self, groups: Mapping[str, Sequence[str]]) -> pd.Series:
        """Return the group of each key's area, missing where it is in none."""
        home: dict[str, str] = {}
        for label, codes in groups.items():
            if not len(codes) or set(codes) & set(home) or len(set(codes)) < len(codes):
                raise CommonGroundError(
                    f"{label!r} has no area, or one that is named twice; give each area to one group."
                )
            home |= dict.fromkeys(codes, label)
        unknown = sorted(set(home) - set(self.codes))
        if unknown:
            raise CommonGroundError(f"areas {', '.join(unknown[:10])} are not in the tally; use codes of its areas.")
        return self.keys["area"].map(home).astype("str")

    def _time(self, name: str) -> pd.Index:
        """Return the periods as an index: calendar cells as pandas periods, phases by name."""
        if self.phased:
            return pd.Index(list(self.periods), name=name, dtype="str")
        return pd.PeriodIndex(list(self.periods), freq=_frequency(self.periods), name=name)

    def summary(self) -> str:
        """Say what is counted, where, when and from whom, and what was left out."""
        lines = [
            f"{self.kind} counted in {self.count}: {len(self.codes)} areas, {self.window}, "
            f"from {', '.join(self.sources)}.",
            "A cell that no source reported is missing, not zero.",
        ]
        return "\n".join([*lines, *self.notes])


def _joined_shapes(areas: gpd.GeoDataFrame, groups: Mapping[str, Sequence[str]]) -> gpd.GeoDataFrame:
    """Return one shape a group; its population is missing where that of one of its areas is."""
    home = {code: label for label, codes in groups.items() for code in codes}
    people = areas["population"] if "population" in areas else pd.Series(np.nan, index=areas.index)
    parts = gpd.GeoDataFrame({"population": people, "zone": areas.index.map(home)}, geometry=areas.geometry)
    joined = parts.dropna(subset=["zone"]).dissolve("zone", aggfunc={"population": lambda part: part.sum(skipna=False)})
    return joined.reindex(pd.Index(list(groups), name="area", dtype="str")).assign(name=lambda frame: frame.index)


def _all_shapes(one: gpd.GeoDataFrame | None, other: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    """Return the shapes of both parts, none where either has none."""
    if one is None or other is None or one is other:
        return one if other is not None else None
    check_same_crs(one, other, names=("areas", "other areas"))
    return pd.concat([one, other[~other.index.isin(one.index)].to_crs(one.crs)])


def _local(part: Tally) -> pd.DataFrame:
    """Return coverage that says nothing of areas which were not looked at: those given bound what was tallied."""
    if part.areas is None:
        return part.coverage  # every code that occurred was counted
    return spread_spans(part.coverage, {code: (code,) for code in part.codes})


def _periods_fit(one: Mapping[str, Period], other: Mapping[str, Period]) -> bool:
    """Say whether periods of one name are the same, and those of different names share no day."""
    joint = {**one, **other}
    return all(one[name] == other[name] for name in one.keys() & other.keys()) and not any(
        a.overlaps(b) for a, b in pairwise(sorted(joint.values()))
    )


def _alike(part: Tally) -> tuple[str, str, tuple[str, ...], bool, str]:
    return part.kind, part.count, tuple(part.by), part.phased, part.selection


def _frequency(periods: Mapping[str, Period]) -> str:
    sample = next(iter(periods))
    return "Q" if "Q" in sample else "M" if "-" in sample else "Y"
