"""When and where did each source report, so that nothing seen is told from nothing looked for?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commonground.periods import Period

__all__ = ["covered_days", "merge_spans"]


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


def covered_days(
    coverage: pd.DataFrame, codes: Sequence[str], periods: Mapping[str, Period]
) -> dict[str, pd.DataFrame]:
    """Return, for each source, the days of each period (columns) it reported on each area (rows).

    Parameters
    ----------
    coverage : DataFrame
        Disjoint spans, as `merge_spans` returns them.
    codes : sequence of str
    periods : mapping of name to Period
    """
    starts = np.array([period.start for period in periods.values()], dtype="datetime64[D]")
    ends = np.array([period.end for period in periods.values()], dtype="datetime64[D]")
    result = {}
    for source, spans in coverage.groupby("source", sort=True):
        low = spans["start"].to_numpy().astype("datetime64[D]")[:, None]
        high = spans["end"].to_numpy().astype("datetime64[D]")[:, None]
        overlap = np.clip((np.minimum(high, ends) - np.maximum(low, starts)).astype(float), 0, None)
        everywhere = spans["area"].isna().to_numpy()
        days = np.tile(overlap[everywhere].sum(axis=0), (len(codes), 1))
        place = pd.Index(codes).get_indexer(spans["area"][~everywhere])
        np.add.at(days, place[place >= 0], overlap[~everywhere][place >= 0])
        whole = (ends - starts).astype(float)
        result[str(source)] = pd.DataFrame(np.minimum(days, whole), index=list(codes), columns=list(periods))
    return result
