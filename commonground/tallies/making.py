"""How do records become a tally?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.areas import place
from commonground.coverage import clip_spans, seen_rows
from commonground.errors import CommonGroundError
from commonground.periods import EVERY, Period, calendar, cells_of
from commonground.records import Records
from commonground.records.schemas import CATEGORIES
from commonground.records.texts import entries
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
        Indexed by area code. Without it the areas are the codes in the records and in their coverage.
    every : {'month', 'quarter', 'year'} or mapping of name to Period
        Calendar cells, or declared phases that do not overlap.
    by : sequence of str
        Category columns. An empty entry is the level ``missing``. A record with several issues (separated by ``;``)
        counts under each, so totals over issues are not summed.
    count : {'events', 'persons', 'premises'}
        Events of incidents: distinct event keys; of contacts and arrests: distinct (person, event) pairs. Rows where
        that is not known add their n. Persons, premises: distinct keys; rows without one add nothing.
    window : Period, optional
        Calendar cells inside it; default: from the first to the last day that any source reported. Phases bring their
        own.

    Returns
    -------
    Tally
        A record counts where and when it starts; the notes say how many ranges end in a later cell, and what was left
        out.

    Raises
    ------
    CommonGroundError
        When a unit, column or window does not fit.
    GeographyError
        When the records cannot be placed in the areas: see `commonground.areas.place`.
    """
    _check(records, areas, by)
    frame, coverage = records.frame, records.coverage
    periods = _cut(window or Period(coverage["start"].min(), coverage["end"].max()), every)
    home = place(records, areas) if areas is not None else frame["area"]
    cell = cells_of(frame["start"], periods).to_numpy()
    inside = home.notna().to_numpy() & (cell >= 0)
    rows = frame[inside].assign(area=home[inside], period=cell[inside])
    named = areas.index.astype("str") if areas is not None else ordered({*rows["area"], *coverage["area"].dropna()})
    seen_where = clip_spans(coverage, periods)
    seen = seen_rows(seen_where, tuple(named), periods, rows, whole=isinstance(every, str))
    keys = _keys(rows, list(by), records.kind, list(periods))
    return Tally(
        kind=records.kind,
        count=checked_unit(count),
        codes=tuple(named),
        periods=periods,
        by={name: ordered(keys[name].unique().tolist()) for name in by},
        keys=distinct(keys[seen[keys.index]], list(by)),
        coverage=seen_where,
        areas=areas,
        phased=not isinstance(every, str),
        published=dict.fromkeys(records.sources, records.published),
        notes=(*_notes(records, count), *_left_out(home, cell, seen, every), *_spans_said(rows[seen], periods)),
        selection=records.selection,
    )


def _check(records: Records, areas: gpd.GeoDataFrame | None, by: Sequence[str]) -> None:
    columns = records.frame.columns
    if isinstance(by, str):
        raise CommonGroundError(f"by is a tuple of columns, not one text; write by=({by!r},).")
    if not isinstance(by, tuple | list) or not all(isinstance(name, str) for name in by):
        raise CommonGroundError(f"by is a tuple of names of columns, not a {type(by).__name__}; write by=('setting',).")
    absent = [name for name in by if name not in columns]
    if absent:
        raise CommonGroundError(
            f"the records have no column {', '.join(absent)}; map it when reading, or drop it from by."
        )
    # a level for each person, date or point would carry the records themselves through every table
    odd = [name for name in by if name not in CATEGORIES and not name.startswith("group_")]
    if odd or len(set(by)) < len(by):
        raise CommonGroundError(f"by takes each category once ({', '.join(CATEGORIES)}, group_NAME); drop the others.")
    if not len(records.coverage):
        raise CommonGroundError("the records do not say when their sources reported; call records.with_coverage(...).")
    if "area" not in columns and areas is None:
        raise CommonGroundError(
            "the records have no area codes; give areas to place their points in: tally(records, areas)."
        )


def _keys(rows: pd.DataFrame, by: list[str], kind: str, labels: list[str]) -> pd.DataFrame:
    """Return the identifying columns of each row, numbered from 0; one row an issue where issues are counted by."""
    who = rows.reset_index(drop=True).reindex(columns=[*by, *WHO])
    keys = who.astype("str")
    keys = keys.assign(
        record=record_key(keys, kind),
        area=rows["area"].to_numpy(),
        period=pd.Series(labels, dtype="str").reindex(rows["period"]).to_numpy(),
        n=rows["n"].to_numpy(),
    )
    if "issues" in by:
        keys = _one_row_an_issue(keys)
    return keys.fillna(dict.fromkeys(by, MISSING))


def _one_row_an_issue(keys: pd.DataFrame) -> pd.DataFrame:
    single = entries(keys["issues"], "issues")
    single = single[~pd.MultiIndex.from_arrays([single.index, single]).duplicated()]
    several = single.index[single.index.duplicated()].unique()
    # without a key of their own, rows counted under two issues would be two events wherever issues are joined again
    bare = several[keys.loc[several, "record"].isna()]
    keys.loc[bare, "record"] = pd.Series([f"row {secrets.token_hex(16)}" for _ in bare], index=bare, dtype="str")
    return keys.drop(columns="issues").join(single.rename("issues"), how="left")


def _cut(span: Period, every: str | Mapping[str, Period]) -> dict[str, Period]:
    if isinstance(every, str):
        cells = calendar(span, every)
        if not cells:
            raise CommonGroundError(f"the window {span} holds no whole {every}; widen it or cut time finer.")
        return {str(pd.Period(cell.start, freq=EVERY[every])): cell for cell in cells}
    phases = dict(every)
    if not phases:
        raise CommonGroundError("there are no phases; name at least one, or cut time by month, quarter or year.")
    if any(a.overlaps(b) for a, b in pairwise(sorted(phases.values()))):
        raise CommonGroundError("phases overlap: each day belongs to one phase at most; correct their dates.")
    return phases


def _notes(records: Records, unit: str) -> tuple[str, ...]:
    needed = {"persons": "person", "premises": "premises"}.get(unit)
    if needed is None or (needed in records.frame and records.frame[needed].notna().any()):
        return records.notes
    return (*records.notes, f"No row has a {needed} key: {unit} are unknown, and a count of 0 says nothing.")


def _left_out(
    home: pd.Series, cell: np.ndarray, seen: np.ndarray, every: str | Mapping[str, Period]
) -> tuple[str, ...]:
    notes = []
    if nowhere := int(home.isna().sum()):
        notes.append(f"{nowhere:,} of {len(home):,} rows have no place or lie outside the study's areas; not counted.")
    if elsewhen := int((home.notna().to_numpy() & (cell < 0)).sum()):
        notes.append(f"{elsewhen:,} rows lie outside the time window; not counted.")
    if unseen := int((~seen).sum()):
        where = (
            "in cells that their source did not report in full"
            if isinstance(every, str)
            else "on days or in areas that their source did not report"
        )
        notes.append(f"{unseen:,} rows fall {where}; they are left out.")
    return tuple(notes)


def _spans_said(rows: pd.DataFrame, periods: Mapping[str, Period]) -> tuple[str, ...]:
    """Say how many ranges of time reach into a later cell than the one they count in."""
    if "end" not in rows:
        return ()
    last = pd.Series([period.end for period in periods.values()]).reindex(rows["period"]).to_numpy()
    crossing = int((rows["end"].to_numpy() > last).sum())
    said = f"{crossing:,} of {len(rows):,} rows are ranges that end after their period; each counts where it starts."
    return (said,) if crossing else ()
