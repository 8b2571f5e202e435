"""How do records become a tally?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import pandas as pd

from commonground.areas import place
from commonground.coverage import covered_days, merge_spans
from commonground.errors import CommonGroundError
from commonground.periods import EVERY, Period, calendar, cells_of
from commonground.records import Records
from commonground.tallies.keys import MISSING, WHO, checked_unit, distinct, ordered, record_key
from commonground.tallies.model import Tally

__all__ = ["tally"]


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
        Events of incidents: distinct event keys; of contacts and arrests: distinct (person, event) pairs. Rows where that
        is not known add their n. Persons, premises: distinct keys; rows without one add nothing.
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
    keys = frame.reindex(columns=[*by, *WHO]).astype("str")
    keys[list(by)] = keys[list(by)].fillna(MISSING)
    keys = keys.assign(
        record=record_key(keys, records.kind),
        area=home.astype("str"),
        period=cell.map(labels).astype("str"),
        n=frame["n"],
        source=frame["source"],
    )
    inside = keys["area"].notna() & (cell >= 0)
    keys = keys[inside]
    if "issues" in by:
        keys = keys.assign(issues=keys["issues"].str.split(r"\s*;\s*", regex=True)).explode("issues")
    codes = (
        tuple(areas.index.astype("str"))
        if areas is not None
        else tuple(sorted({*keys["area"], *records.coverage["area"].dropna()}))
    )
    result = Tally(
        kind=records.kind,
        count=checked_unit(count),
        codes=codes,
        periods=periods,
        by={name: ordered(keys[name].unique()) for name in by},
        keys=distinct(keys, list(by)),
        coverage=merge_spans(records.coverage),
        areas=areas,
        phased=not isinstance(every, str),
        published=dict.fromkeys(records.sources, records.published),
        notes=(*records.notes, *_left_out(home, cell)),
        selection=records.selection,
    )
    return _only_observed(result, keys, list(by))


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
    return replace(result, keys=distinct(keys[seen], by), notes=(*result.notes, note))


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
