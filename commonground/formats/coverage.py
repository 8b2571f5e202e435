"""For which months did each source report, and which are missing?"""

from __future__ import annotations

import pandas as pd

__all__ = ["COLUMNS", "missing_months", "no_spans", "spans_of_months"]

COLUMNS = ("source", "area", "start", "end")


def spans_of_months(reported: pd.DataFrame) -> pd.DataFrame:
    """Join the months in which a source reported into half-open spans.

    Parameters
    ----------
    reported : DataFrame
        Columns source, start (first of a month) and, where a source reported for some areas only, area. Repeats are
        allowed.

    Returns
    -------
    DataFrame
        Columns source, area (missing: everywhere), start, end; one row a run of months without a gap.

    Examples
    --------
    >>> months = pd.to_datetime(["2019-05-01", "2019-06-01", "2019-08-01"])
    >>> spans_of_months(pd.DataFrame({"source": "town", "start": months}))[["start", "end"]]
           start        end
    0 2019-05-01 2019-07-01
    1 2019-08-01 2019-09-01
    """
    months = reported.reindex(columns=["source", "area", "start"]).drop_duplicates()
    months = months.sort_values(["source", "area", "start"], ignore_index=True)
    number = 12 * months["start"].dt.year + months["start"].dt.month
    # within a run of consecutive months, month number minus rank stays the same
    rank = months.groupby(["source", "area"], dropna=False).cumcount()
    runs = months.assign(run=number - rank).groupby(["source", "area", "run"], dropna=False, sort=False)["start"]
    spans = runs.agg(["min", "max"]).reset_index()
    return pd.DataFrame(
        {
            "source": spans["source"].astype("str"),
            "area": spans["area"].astype("str"),
            "start": spans["min"].astype("datetime64[us]"),
            "end": (spans["max"] + pd.offsets.MonthBegin(1)).astype("datetime64[us]"),
        }
    )


def missing_months(spans: pd.DataFrame) -> list[tuple[str, str]]:
    """Return (source, month as YYYY-MM) for every month between a source's first and last span that no span holds.

    Only the time is looked at: a month that some areas of a source reported counts as reported.
    """
    missing = []
    for source, rows in spans.groupby("source"):
        held: set[str] = set()
        for start, end in zip(rows["start"], rows["end"], strict=True):
            held |= set(pd.period_range(start, end, freq="M")[:-1].strftime("%Y-%m"))
        every = pd.period_range(min(held), max(held), freq="M").strftime("%Y-%m")
        missing += [(str(source), str(month)) for month in every if month not in held]
    return missing


def no_spans() -> pd.DataFrame:
    """Return the coverage of a list that has no dates, such as services: no rows, the right columns."""
    return pd.DataFrame(
        {
            "source": pd.Series(dtype="str"),
            "area": pd.Series(dtype="str"),
            "start": pd.Series(dtype="datetime64[us]"),
            "end": pd.Series(dtype="datetime64[us]"),
        }
    )
