"""How many offences of each kind did the Metropolitan Police record in each borough and month?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.formats.coverage import missing_months, spans_of_months
from commonground.formats.refusals import listed, refusal, row_problems
from commonground.formats.tables import read_table
from commonground.records.model import Records

__all__ = ["CITATION", "SOURCE", "read_mps_boroughs"]

CITATION = (
    "Recorded crime by borough and month, Metropolitan Police Service, London Datastore (data.london.gov.uk). "
    "Check its terms before you redistribute."
)
SOURCE = "Metropolitan Police borough tables"
CUT = 50  # characters at which the published files cut the minor text
# The releases name the same two columns differently; compared without case, blanks and underscores.
OFFENCE_NAMES = ("minortext", "minorcategory")
BOROUGH_NAMES = ("lookupboroughname", "boroughname", "borough", "lookupborough")
MONTH = re.compile(r"(\d{4})[-/]?(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class _Release:
    """One file: counts as text, with its months by column."""

    name: str
    cells: pd.DataFrame = field(repr=False)  # area, offence, then one column a month (its first day)
    months: tuple[pd.Timestamp, ...]
    notes: tuple[str, ...]


def read_mps_boroughs(
    source: Any, *, offences: Sequence[str] | None = None, boroughs: Sequence[str] | None = None
) -> Records:
    """Read the Metropolitan Police tables of borough by month by minor offence.

    Parameters
    ----------
    source : path or list of paths
        One release or several, in any order; csv or any other table.
    offences : sequence of str, optional
        Minor offences to keep, in full or as the files cut them at 50 characters.
    boroughs : sequence of str, optional
        Boroughs to keep.

    Returns
    -------
    Records
        kind incidents. start and end: the half-open month; area: borough; offence: minor text; n: offences recorded,
        rows of 0 left out; source. Coverage has every borough and month of the files, so that an absent row is a zero
        and a month outside the files is unknown.

    Raises
    ------
    RecordsError
        With every problem of every file, and offences or boroughs that no file has.

    Notes
    -----
    Where releases overlap, the one that ends later wins; of equals, the one given later. The notes count the cells that
    changed. Recorded offences of prostitution are enforcement, not need.
    """
    parts = source if isinstance(source, list | tuple) else [source]
    releases, problems = [], []
    for part in parts:
        try:
            releases.append(_read_release(part))
        except RecordsError as error:
            problems += listed(error)
    if problems:
        raise RecordsError("these are not Metropolitan Police borough tables; nothing was read.", problems)
    releases.sort(key=lambda release: release.months[-1])  # stable: of equals, the one given later stays later
    counts, reported = _stack(releases)
    names, areas = _chosen(counts, offences, boroughs)
    reported = reported[reported["area"].isin(areas)]  # whatever the offence: a borough without a row has none of it
    kept = counts[counts["offence"].isin(names) & counts["area"].isin(areas)]
    latest, notes = _latest(kept, reported)
    frame = latest[latest["n"] > 0].sort_values(["start", "area", "offence"], ignore_index=True)
    frame = frame.assign(end=(frame["start"] + pd.offsets.MonthBegin(1)).astype("datetime64[us]"), source=SOURCE)
    coverage = spans_of_months(reported.assign(source=SOURCE))
    gaps = [f"{month} is missing: unknown, not zero." for _, month in missing_months(coverage)]
    said = [note for release in releases for note in release.notes]
    columns = ["start", "end", "area", "offence", "source", "n"]
    return Records("incidents", frame[columns], coverage, published=CITATION, notes=(*said, *notes, *gaps))


def _read_release(part: Any) -> _Release:
    name = Path(part).name if isinstance(part, str | Path) else "the table"
    table = read_table(part)
    plain = {re.sub(r"[\s_]", "", str(column)).casefold(): column for column in table.frame.columns}
    offence = next((plain[key] for key in OFFENCE_NAMES if key in plain), None)
    borough = next((plain[key] for key in BOROUGH_NAMES if key in plain), None)
    months = {column: MONTH.fullmatch(str(column)) for column in table.frame.columns}
    starts = {column: pd.Timestamp(int(m[1]), int(m[2]), 1) for column, m in months.items() if m}
    missing = [
        Problem(None, name, rule, "Download the borough table again, or rename the column.")
        for rule, found in (
            ("has no column MinorText", offence),
            ("has no column LookUp_BoroughName", borough),
            ("has no column for a month (such as 201004)", starts),
        )
        if not found
    ]
    if missing:
        raise RecordsError(f"the columns of {name} do not fit; nothing was read.", missing)
    cells = table.frame[[borough, offence, *starts]].set_axis(["area", "offence", *starts.values()], axis="columns")
    if len(set(starts.values())) < len(starts):
        raise refusal(name, "has the same month in two columns", "Take one of them out.")
    return _Release(name, _checked(cells, name), tuple(sorted(starts.values())), table.notes)


def _checked(cells: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return names stripped and counts as numbers, or raise with every row that cannot be read."""
    tidy = cells.assign(**{key: cells[key].astype("str").str.strip() for key in ("area", "offence")})
    numbers = cells.drop(columns=["area", "offence"]).apply(pd.to_numeric, errors="coerce").astype("float64")
    bad = ~((numbers >= 0) & (numbers % 1 == 0)).all(axis="columns")
    unnamed = tidy[["area", "offence"]].isna().any(axis="columns")
    faults = (
        (bad, "has a cell that is not a whole number of 0 or more", "Write 0 for none; correct the cell."),
        (unnamed, "has no borough or no offence", "Fill in both, or take the row out."),
        (tidy.duplicated(["area", "offence"]) & ~unnamed, "repeats a borough and offence", "Keep one of the rows."),
    )
    problems = []
    for rows, rule, advice in faults:
        problems += row_problems((int(row) + 1 for row in rows.index[rows]), name, rule, advice)
    if problems:
        raise RecordsError(f"{name} has rows that cannot be read; nothing was read.", problems)
    checked: pd.DataFrame = pd.concat([tidy[["area", "offence"]], numbers], axis="columns")
    return checked


def _stack(releases: list[_Release]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all counts in long form, and every (area, month) each release reports; both with the release's number."""
    full = _full_names({str(name) for release in releases for name in release.cells["offence"]})
    counts, reported = [], []
    for number, release in enumerate(releases):
        long = release.cells.melt(["area", "offence"], var_name="start", value_name="n")
        long["start"] = pd.to_datetime(long["start"]).astype("datetime64[us]")
        long["offence"] = long["offence"].map(full)
        counts.append(long.assign(release=number))
        reported.append(long[["area", "start"]].drop_duplicates().assign(release=number))
    return pd.concat(counts, ignore_index=True), pd.concat(reported, ignore_index=True)


def _full_names(names: set[str]) -> dict[str, str]:
    """Match names that one release cut at 50 characters to those another gives in full."""
    full: dict[str, str] = {}
    for name in sorted(names):
        longer = [other for other in names if len(other) > CUT and _cut(other) == name]
        if len(longer) > 1:
            rule = f"an offence cut at {CUT} characters matches {len(longer)} that are given in full"
            raise refusal("the tables together", rule, "Read the releases one by one.")
        full[name] = longer[0] if longer else name
    return full


def _cut(name: str) -> str:
    return name[:CUT].rstrip()


def _chosen(
    counts: pd.DataFrame, offences: Sequence[str] | None, boroughs: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the offences and the boroughs to keep, as the tables write them."""
    problems = []
    chosen: list[list[str]] = []
    for option, column, asked in (("offences", "offence", offences), ("boroughs", "area", boroughs)):
        names = [str(name) for name in counts[column].unique()]
        known = {_cut(name).casefold(): name for name in names}
        wanted = {name: known.get(_cut(name.strip()).casefold()) for name in (names if asked is None else asked)}
        chosen.append([found for found in wanted.values() if found is not None])
        for name in [name for name, found in wanted.items() if found is None]:
            problems.append(Problem(None, option, f"{name!r} was asked for and is in no file", "Check its spelling."))
    if problems:
        raise RecordsError("some of what was asked for is not in the tables; nothing was read.", problems)
    return chosen[0], chosen[1]


def _latest(counts: pd.DataFrame, reported: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Keep the last release that reports a borough and month, and count the cells it revised."""
    place = ["area", "start"]
    last = reported.groupby(place, as_index=False)["release"].max()
    kept = counts.merge(last, on=[*place, "release"])
    twice = reported.merge(last, on=place, suffixes=("", "_last"))
    twice = twice[twice["release"] < twice["release_last"]]
    before = twice.groupby(place, as_index=False)["release"].max()
    if before.empty:
        return kept, []
    cell = [*place, "offence"]
    older = counts.merge(before, on=[*place, "release"]).set_index(cell)["n"]
    newer = kept.merge(before[place], on=place).set_index(cell)["n"]
    revised = int((older.sub(newer, fill_value=0) != 0).sum())
    months = before["start"].nunique()
    said = f"the later file was taken and {revised} cell(s) differ"
    return kept, [f"{months} month(s) stand in more than one file; {said}."]
