"""Which needs did each person raise, and what is known last of each: met, unmet or unknown?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.framework import FRAMEWORK, STATUSES, Framework
from commonground.periods import Period
from commonground.records import Records
from commonground.records.texts import entries

__all__ = ["STATUS_MARK", "by_need", "latest_statuses", "need_rows", "people_in"]

MET, UNMET, UNKNOWN = STATUSES
STATUS_MARK = ": "  # between need and status, where one column holds both


def by_need(
    records: Records,
    *,
    framework: Framework = FRAMEWORK,
    periods: Mapping[str, Period] | None = None,
    together: bool = False,
) -> Records:
    """Return the records with one row a need, each with the one status that its person has in the period.

    What is tallied by issues and outcome from these records has each person once in each need: in the status known
    last. Published from that, statuses of one need may be added up (`mapping.published_needs`, ``settled=True``).

    Parameters
    ----------
    records : Records
        With person and issues.
    framework : Framework
    periods : mapping of name to Period, optional
        Phases, each with a status of its own. One period, of everything, when left out.
    together : bool
        Write ``housing: unmet`` into ``issues``. The gate can then join single levels that are too small, where a
        second category would be dropped as a whole.

    Returns
    -------
    Records
        ``issues`` holds one need a row (a word that is not in the framework stays as it is), ``outcome`` met, unmet or
        unknown. Rows without a person stay one row each. People, premises and events are as many as before.

    Raises
    ------
    RecordsError
        As `needs_profile` does.

    Notes
    -----
    A row that is no event of its own (no person or event ID) and raises several needs counts its events at the first
    of them: these records are for counting people.
    """
    rows = people_in(records, None)
    spans = periods or {"": Period("1900-01-01", "2262-01-01")}
    parts = [(name, need_rows(rows[_inside(rows, span)], framework)) for name, span in spans.items()]
    last = pd.concat([latest_statuses(part).assign(period=name) for name, part in parts], ignore_index=True)
    long = pd.concat([part.assign(period=name) for name, part in parts], ignore_index=True)
    final = long.merge(last.rename(columns={"status": "final"}), on=["period", "person", "need"], how="left")
    frame = records.frame.reset_index(drop=True)
    own = _read(frame, framework)
    several = final[["row", "name", "final"]].drop_duplicates(["row", "name"])
    grown = own.assign(row=own.index).merge(several, on="row", how="left")
    grown["issues"] = grown["name"].fillna(grown["issues"])
    grown["outcome"] = grown["final"].fillna(grown["outcome"]).astype("str")
    if together:
        named = grown["name"].notna() & grown["final"].notna()
        grown["issues"] = grown["issues"].mask(named, grown["issues"] + STATUS_MARK + grown["outcome"])
    again = grown.duplicated("row") & (grown["person"].isna() | _missing(grown, "event"))
    grown["n"] = grown["n"].mask(again, 0.0)
    return replace(records, frame=grown[_in_order(frame)].reset_index(drop=True))


def people_in(records: Records, window: Period | None) -> pd.DataFrame:
    """Return the rows of a window that say who was met, numbered in ``row``.

    Raises
    ------
    RecordsError
        When the records do not say who was met, or what was raised.
    """
    needed = {
        "person": "Map the column of person IDs: needs are counted in people, not in contacts.",
        "issues": "Map the column of issues raised.",
        "start": "Map the column of dates.",
    }
    absent = [
        Problem(None, name, "is needed, with an entry in one row at least", advice)
        for name, advice in needed.items()
        if _missing(records.frame, name).all()
    ]
    if absent:
        raise RecordsError(f"the {records.kind} cannot be read as needs; nothing was counted.", absent)
    frame = records.frame.reset_index(drop=True)
    chosen = frame[frame["person"].notna() & (_inside(frame, window) if window else True)]
    return chosen.assign(row=chosen.index)


def need_rows(rows: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return one row for each need of each row: row, person, start, word, need, name, status.

    ``need`` is missing for a word outside the framework, ``name`` then the word itself. An outcome that is missing, or
    not declared, is unknown. The outcome of a row holds for every need in it.
    """
    word = entries(rows["issues"], "issues")
    said = {text: framework.need(text) for text in word.unique()}
    own = rows.loc[word.index]
    need = word.map(said).astype("str")
    return pd.DataFrame(
        {
            "row": own["row"].to_numpy(),
            "person": own["person"].to_numpy(),
            "start": own["start"].to_numpy(),
            "word": word.to_numpy(),
            "need": need.to_numpy(),
            "name": need.fillna(word).to_numpy(),
            "status": _status(own, framework).to_numpy(),
        }
    ).astype({"word": "str", "need": "str", "name": "str", "status": "str"})


def latest_statuses(long: pd.DataFrame) -> pd.DataFrame:
    """Return person, need and the status known last.

    A later unknown does not undo what was known. Of met and unmet noted at the same moment, unmet holds.
    """
    inside = long.dropna(subset=["need"])
    rank = inside["status"].map({UNKNOWN: 0, MET: 1, UNMET: 2})
    # what is unknown comes before everything that is known, whenever it was noted
    known = inside.assign(known=rank > 0, rank=rank).sort_values(["known", "start", "rank"], kind="stable")
    return known.drop_duplicates(["person", "need"], keep="last")[["person", "need", "status"]].reset_index(drop=True)


def _read(frame: pd.DataFrame, framework: Framework) -> pd.DataFrame:
    """Return the frame with needs in place of issues, and statuses in place of outcomes, row by row."""
    single = entries(frame["issues"], "issues")
    said = {text: framework.need(text) or text for text in single.unique()}
    named = single.map(said)
    first = ~pd.MultiIndex.from_arrays([named.index, named]).duplicated()
    joined = named[first].groupby(level=0).agg("; ".join).reindex(frame.index).astype("str")
    return frame.assign(issues=joined, outcome=_status(frame, framework))


def _status(rows: pd.DataFrame, framework: Framework) -> pd.Series:
    if "outcome" not in rows:
        return pd.Series(UNKNOWN, index=rows.index, dtype="str")
    said = {text: framework.status(text) or UNKNOWN for text in rows["outcome"].dropna().unique()}
    return rows["outcome"].map(said).astype("str").fillna(UNKNOWN)


def _inside(rows: pd.DataFrame, span: Period) -> pd.Series:
    return (rows["start"] >= span.start) & (rows["start"] < span.end)


def _missing(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[name].isna() if name in rows else pd.Series(np.ones(len(rows), dtype=bool), index=rows.index)


def _in_order(frame: pd.DataFrame) -> list[str]:
    return [*frame.columns, *(["outcome"] if "outcome" not in frame else [])]
