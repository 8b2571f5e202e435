"""When and where did each source report, so that nothing seen is told from nothing looked for?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from commonground.periods import Period

__all__ = ["clip_spans", "covered_days", "merge_spans", "observed_days", "seen_rows", "spread_spans", "whole_cells"]

COLUMNS = ["source", "area", "start", "end"]


def merge_spans(coverage: pd.DataFrame) -> pd.DataFrame:
    """Join spans of one source and area that touch or overlap.

    Parameters
    ----------
    coverage : DataFrame
        Columns source, area (missing: everywhere), start, end (half-open).

    Returns
    -------
    DataFrame
        Same columns, disjoint spans, sorted.
    """
    ordered = coverage.sort_values(["source", "area", "start", "end"], na_position="first").reset_index(drop=True)
    who = ordered.groupby(["source", "area"], dropna=False, sort=False).ngroup()
    reach = ordered.groupby(who)["end"].cummax()
    fresh = (who != who.shift()) | (ordered["start"] > reach.shift())
    block = fresh.cumsum()
    return (
        ordered.groupby(block)
        .agg({"source": "first", "area": "min", "start": "first", "end": "max"})
        .reset_index(drop=True)
    )


def clip_spans(coverage: pd.DataFrame, periods: Mapping[str, Period]) -> pd.DataFrame:
    """Cut spans to the periods: what was not counted there was not observed, whatever the source reported."""
    runs: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for period in sorted(periods.values()):
        if runs and runs[-1][1] == period.start:
            runs[-1] = (runs[-1][0], period.end)
        else:
            runs.append((period.start, period.end))
    start, end = coverage["start"], coverage["end"]
    parts = [
        coverage.assign(start=start.where(start > first, first), end=end.where(end < last, last))
        for first, last in runs
    ]
    clipped = pd.concat(parts, ignore_index=True)
    return merge_spans(clipped[clipped["start"] < clipped["end"]])


def spread_spans(coverage: pd.DataFrame, groups: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the coverage of groups of areas: a source covers a group on the days it covers all of its areas.

    Parameters
    ----------
    coverage : DataFrame
    groups : mapping of name to area codes

    Returns
    -------
    DataFrame
        Spans of the groups only; none is everywhere.
    """
    everywhere = coverage[coverage["area"].isna()]
    local = coverage[coverage["area"].notna()]
    parts = [everywhere.assign(area=label) for label in groups]
    sources = local["source"].unique()
    for label, codes in groups.items():
        for source in sources:
            mine = local[(local["source"] == source) & local["area"].isin(list(codes))]
            if mine.empty:
                continue
            general = everywhere[everywhere["source"] == source]
            spans = merge_spans(pd.concat([mine, *(general.assign(area=code) for code in codes)], ignore_index=True))
            parts.append(_shared_by(spans, len(codes)).assign(source=source, area=label))
    return merge_spans(pd.concat([coverage.iloc[:0], *parts], ignore_index=True)[COLUMNS])


def whole_cells(coverage: pd.DataFrame, periods: Mapping[str, Period]) -> pd.DataFrame:
    """Cut spans back to the cells they hold whole, where rows of cells held in part were left out."""
    cells = sorted(periods.values())
    starts = np.array([cell.start for cell in cells], dtype="datetime64[us]")
    ends = np.array([cell.end for cell in cells], dtype="datetime64[us]")
    first = np.searchsorted(starts, coverage["start"].to_numpy().astype("datetime64[us]"), side="left")
    last = np.searchsorted(ends, coverage["end"].to_numpy().astype("datetime64[us]"), side="right") - 1
    held = first <= last
    return coverage[held].assign(start=starts[first[held]], end=ends[last[held]])


def covered_days(
    coverage: pd.DataFrame, codes: Sequence[str], periods: Mapping[str, Period]
) -> dict[str, pd.DataFrame]:
    """Return, for each source, the days of each period (columns) it reported on each area (rows).

    Parameters
    ----------
    coverage : DataFrame
        Columns source, area (missing: everywhere), start, end.
    codes : sequence of str
    periods : mapping of name to Period
    """
    first, row, daily = _daily(coverage, codes, periods)
    return {source: _table(_sums(seen, first, periods)[row], codes, periods) for source, seen in daily.items()}


def observed_days(
    coverage: pd.DataFrame,
    codes: Sequence[str],
    periods: Mapping[str, Period],
    *,
    sources: Collection[str],
    whole: bool,
    complete: bool,
) -> pd.DataFrame:
    """Return the days of each period (columns) on which each area (rows) was observed.

    Parameters
    ----------
    coverage, codes, periods
        As for `covered_days`.
    sources : collection of str
        Everyone who should have reported; one without any span never did.
    whole : bool
        A source counts for a cell only if it reported all of it; the cell's days are then all or none.
    complete : bool
        Count only what every source reported; else what any of them did.
    """
    first, row, daily = _daily(coverage, codes, periods)
    join = np.logical_and if complete else np.logical_or
    silent = not daily or (complete and not set(sources) <= set(daily))
    if silent:
        days = np.zeros((row.max(initial=0) + 1, len(periods)))
    elif whole:
        length = np.array([period.days for period in periods.values()])
        days = join.reduce([_sums(seen, first, periods) == length for seen in daily.values()]) * length
    else:
        days = _sums(join.reduce(list(daily.values())), first, periods)
    return _table(days[row], codes, periods)


def seen_rows(
    coverage: pd.DataFrame, codes: Sequence[str], periods: Mapping[str, Period], rows: pd.DataFrame, *, whole: bool
) -> np.ndarray:
    """Say of each row whether its own source reported its day (``whole``: all of its cell) on its area.

    Parameters
    ----------
    coverage, codes, periods
        As for `covered_days`.
    rows : DataFrame
        Columns source, area (one of the codes), period (position among the periods) and start, inside that period.
    """
    first, row, daily = _daily(coverage, codes, periods)
    area = row[pd.Index(codes).get_indexer(pd.Index(rows["area"]))] if len(rows) else np.zeros(0, dtype=int)
    period = rows["period"].to_numpy()
    day = (rows["start"].to_numpy().astype("datetime64[D]") - first).astype(int)
    length = np.array([span.days for span in periods.values()])
    names, sources = pd.factorize(rows["source"])
    seen = np.zeros(len(rows), dtype=bool)
    for number, source in enumerate(sources):
        mine = names == number
        if source in daily and whole:
            full = _sums(daily[source], first, periods) == length
            seen[mine] = full[area[mine], period[mine]]
        elif source in daily:
            seen[mine] = daily[source][area[mine], day[mine]]
    return seen


def _daily(
    coverage: pd.DataFrame, codes: Sequence[str], periods: Mapping[str, Period]
) -> tuple[np.datetime64, np.ndarray, dict[str, np.ndarray]]:
    """Return the first day, each code's row, and by source whether each row (0: everywhere else) was seen each day."""
    first = np.datetime64(min(period.start for period in periods.values()), "D")
    length = int((np.datetime64(max(period.end for period in periods.values()), "D") - first).astype(int))
    named = pd.Index(codes).intersection(pd.Index(coverage["area"].dropna().unique()))
    row = named.get_indexer(pd.Index(codes)) + 1
    daily = {}
    for source, spans in coverage.groupby("source", sort=True):
        low, high = (
            np.clip((spans[side].to_numpy().astype("datetime64[D]") - first).astype(int), 0, length)
            for side in ("start", "end")
        )
        general = spans["area"].isna().to_numpy()
        place = np.where(general, 0, named.get_indexer(pd.Index(spans["area"])) + 1)
        known = general | (place > 0)
        steps = np.zeros((len(named) + 1, length + 1), dtype=np.int32)
        np.add.at(steps, (place[known], low[known]), 1)
        np.add.at(steps, (place[known], high[known]), -1)
        steps[1:] += steps[0]
        daily[str(source)] = steps.cumsum(axis=1)[:, :length] > 0
    return first, row, daily


def _sums(seen: np.ndarray, first: np.datetime64, periods: Mapping[str, Period]) -> np.ndarray:
    total = np.concatenate([np.zeros((len(seen), 1)), seen.cumsum(axis=1)], axis=1)
    low, high = (
        (np.array([getattr(period, side) for period in periods.values()], dtype="datetime64[D]") - first).astype(int)
        for side in ("start", "end")
    )
    return np.asarray(total[:, high] - total[:, low])


def _table(days: np.ndarray, codes: Sequence[str], periods: Mapping[str, Period]) -> pd.DataFrame:
    return pd.DataFrame(days, index=pd.Index(codes, name="area"), columns=list(periods))


def _shared_by(spans: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the spans on which all of a number of areas, each with disjoint spans, are covered at once."""
    edges = pd.concat([spans["start"], spans["end"]], ignore_index=True)
    steps = pd.Series([1] * len(spans) + [-1] * len(spans)).groupby(edges).sum().sort_index()
    full = (steps.cumsum() == number).to_numpy()
    moments = steps.index
    return pd.DataFrame({"start": moments[:-1][full[:-1]], "end": moments[1:][full[:-1]]})
