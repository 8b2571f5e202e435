"""How do other people's files become checked records, with every problem listed at once?"""

from __future__ import annotations

import hmac
import zoneinfo
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyproj import CRS

from commonground.errors import CommonGroundError, Problem, RecordsError
from commonground.formats.coverage import no_spans
from commonground.formats.refusals import listed
from commonground.formats.tables import RawTable, read_table
from commonground.pseudonyms import pseudonymise
from commonground.records.checks import (
    check_dates,
    check_events,
    check_schema,
    check_text,
    note_missing_place,
    row_problems,
)
from commonground.records.dates import parse_dates
from commonground.records.mapping import match_columns
from commonground.records.model import GUESSED, KINDS, Records
from commonground.records.places import check_place
from commonground.records.schemas import IDENTIFIERS, NUMBERS, columns_of, is_text
from commonground.records.texts import as_text, tidy
from commonground.systems import crs_text, is_crs, same_crs, system_name

__all__ = ["read_records"]

MOST_LISTED = 200  # problems of one rule in one column; beyond that the table only says how many more


@dataclass(frozen=True)
class _Part:
    """One table in our column names, rows numbered from 0, and where each row stood in its file."""

    name: str
    frame: pd.DataFrame = field(repr=False)
    rows: np.ndarray = field(repr=False)
    crs: str | None
    notes: tuple[str, ...]


def read_records(
    source: Any,
    kind: str,
    *,
    columns: Mapping[str, str] | None = None,
    crs: object = None,
    timezone: str = "Europe/London",
    key: bytes | str | Path | hmac.HMAC | None = None,
    published: str | None = None,
) -> Records:
    """Read, check and pseudonymise contacts, incidents, arrests or services.

    Parameters
    ----------
    source : path, DataFrame, GeoDataFrame, or list of them
        csv, csv.gz, tsv, xlsx, ods, parquet, geojson or gpkg.
    kind : {'contacts', 'incidents', 'arrests', 'services'}
    columns : mapping, optional
        ``{ours: theirs}``. Without it, columns that bear our names are taken (`guess_columns` proposes a mapping).
        Columns that are not named are never read into the records: that is how free text is dropped.
    crs : optional
        Coordinate reference system of x and y; needed when they are read and the file does not say.
    timezone : str
        Civil time of the place.
    key : bytes, str, Path or HMAC, optional
        Key for the pseudonyms of person, premises and event: see `commonground.pseudonyms.pseudonymise`.
    published : str, optional
        Citation, when the source is already published.

    Returns
    -------
    Records
        Rows in the files' order, numbered from 0. A month without a day is a range, start to end. Each source is taken
        to have reported from the first to the last month in which it has a row; `Records.with_coverage` corrects that.

    Raises
    ------
    RecordsError
        With every problem of every file in ``.problems`` (row, column, rule, help). Nothing of a record is in the
        message.
    CommonGroundError
        For a kind or time zone that does not exist, or a pseudonym key that cannot be used.

    Examples
    --------
    >>> seen = pd.DataFrame({"When": ["31/12/2022", "2023-01"], "Area": ["E01006512", "E01006513"], "Notes": "..."})
    >>> read_records(seen, "contacts", columns={"start": "When", "area": "Area"})
    Records(kind='contacts', columns=['start', 'end', 'area', 'source', 'n'])
    """
    if kind not in KINDS:
        raise CommonGroundError(f"records are of kind {', '.join(KINDS)}, not {kind!r}; choose one of them.")
    _check_zone(timezone)
    parts = _open(source, kind, columns)
    raw = pd.concat([part.frame for part in parts], ignore_index=True) if len(parts) > 1 else parts[0].frame
    origin, problems = _system(parts, crs)
    frame, unread = _parse(raw, kind, timezone)
    found = check_dates(frame) + ([] if problems else check_place(frame, origin)) + check_text(frame)
    found += check_schema(frame, kind) + check_events(frame, kind)
    told = {(problem.row, problem.column) for problem in unread}  # what cannot be read is not also missing
    problems += unread + [problem for problem in found if (problem.row, problem.column) not in told]
    if problems:
        what = f"{len(problems)} problem(s) in the {kind} file{'s' * (len(parts) > 1)}; nothing was read."
        raise RecordsError(what, _shorten(_in_files(problems, parts)))
    for name in IDENTIFIERS:
        if name in frame:
            frame[name] = pseudonymise(frame[name], key=key, domain=name)
    notes = [note for part in parts for note in part.notes]
    return Records(
        kind=kind,
        frame=frame,
        coverage=_guess_coverage(frame),
        crs=crs_text(origin) if "x" in frame else None,
        timezone=timezone,
        published=published,
        notes=(*notes, *note_missing_place(frame, kind), *((GUESSED,) if "start" in frame else ())),
    )


def _check_zone(timezone: str) -> None:
    try:
        zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise CommonGroundError(
            f"there is no time zone {timezone!r}; write it like Europe/London (IANA names)."
        ) from None


def _open(source: Any, kind: str, columns: Mapping[str, str] | None) -> list[_Part]:
    """Read every table and put it in our column names, or raise with the problems of all of them."""
    sources = list(source) if isinstance(source, list | tuple) else [source]
    parts: list[_Part] = []
    problems: list[Problem] = [] if sources else [Problem(None, "source", "is an empty list", "Name a file.")]
    for number, one in enumerate(sources, start=1):
        name = Path(one).name if isinstance(one, str | Path) else f"table {number}"
        try:
            table = read_table(one)
        except RecordsError as error:
            problems += listed(error)
            continue
        mapping, wrong = match_columns(table.frame.columns, kind, columns)
        where = f"{name}: " if len(sources) > 1 else ""
        problems += [Problem(p.row, where + p.column, p.rule, p.help) for p in wrong]
        if not wrong:
            parts.append(_part(name, table, mapping, in_memory=isinstance(one, pd.DataFrame)))
    if problems:
        raise RecordsError(f"the {kind} cannot be read as they are; nothing was read.", problems)
    return parts


def _part(name: str, table: RawTable, mapping: Mapping[str, str], *, in_memory: bool) -> _Part:
    # a file's index is the row in the file, blank rows left out; a table in memory may have any index
    rows = np.arange(len(table.frame)) if in_memory else table.frame.index.to_numpy()
    frame = table.frame[list(mapping.values())].set_axis(list(mapping), axis="columns").reset_index(drop=True)
    dropped = len(table.frame.columns) - len(set(mapping.values()))
    note = (f"{dropped} column(s) of the file were not asked for and not read.",) if dropped else ()
    return _Part(name, frame, rows, table.crs, (*table.notes, *note))


def _system(parts: Sequence[_Part], crs: object) -> tuple[object, list[Problem]]:
    """Return the one coordinate reference system of all parts, or say who disagrees."""
    located = [part for part in parts if "x" in part.frame or "y" in part.frame]
    said = {part.crs for part in located if part.crs is not None}
    if crs is None and len({part.crs for part in located}) > 1:
        advice = "Say the crs of those that do not, or read them one by one and add their tallies."
        return None, [Problem(None, "crs", "is not the same, or not said, in all files", advice)]
    if crs is None or not is_crs(crs):  # what is no system at all is said with the coordinates
        return (next(iter(said), None) if crs is None else crs), []
    others = [own for own in sorted(said) if not same_crs(CRS.from_user_input(own), CRS.from_user_input(crs))]
    advice = "Leave crs out, or correct the file with set_crs(..., allow_override=True)."
    return crs, [
        Problem(
            None,
            "crs",
            f"is {crs_text(crs)} by the call but {system_name(CRS.from_user_input(own))} by the file",
            advice,
        )
        for own in others
    ]


def _parse(raw: pd.DataFrame, kind: str, timezone: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn texts into dates, numbers and tidy words; report what cannot be turned."""
    frame, problems = raw.copy(), []
    months = pd.Series(pd.NaT, index=raw.index, dtype="datetime64[us]")
    for name in [name for name in ("start", "end") if name in raw]:
        moment, month_end = parse_dates(raw[name], timezone)
        advice = "Write 31/12/2022 or 2022-12-31 (day before month)."
        unread = moment.isna() & as_text(raw[name]).notna()
        problems += row_problems(unread, name, "is not a date that exists", advice)
        frame[name] = moment if name == "start" else month_end.fillna(moment)  # to December: to its last day
        months = month_end if name == "start" else months
    if months.notna().any():
        frame["end"] = frame["end"].fillna(months) if "end" in frame else months
    for name in [name for name in NUMBERS if name in raw]:
        number = pd.to_numeric(raw[name], errors="coerce").astype("float64")
        frame[name] = number.where(np.isfinite(number))
        unread = frame[name].isna() & as_text(raw[name]).notna()
        problems += row_problems(unread, name, "is not a number", "Write digits only, or leave it empty.")
    for name in frame.columns:
        if name in IDENTIFIERS:
            frame[name] = as_text(raw[name])
        elif is_text(name):
            frame[name] = tidy(raw[name], name)
    if kind != "services":
        frame["source"] = frame["source"].fillna(kind) if "source" in frame else kind
        frame["source"] = frame["source"].astype("str")
        frame["n"] = frame.get("n", 1.0)
    known = [name for name in columns_of(kind) if name in frame]
    return frame[[*known, *(name for name in frame.columns if name not in known)]], problems


def _in_files(problems: list[Problem], parts: Sequence[_Part]) -> list[Problem]:
    """Name the row of the file, and the file where there are several."""
    ends = np.cumsum([len(part.rows) for part in parts])
    found = []
    for problem in problems:
        row, column = problem.row, problem.column
        if row is not None:
            number = int(np.searchsorted(ends, row))
            part = parts[number]
            row = int(part.rows[row - 1 - (ends[number] - len(part.rows))]) + 1
            column = f"{part.name}: {column}" if len(parts) > 1 else column
        found.append(Problem(row, column, problem.rule, problem.help))
    return found


def _shorten(problems: list[Problem]) -> list[Problem]:
    kept: list[Problem] = []
    seen: Counter[tuple[str, str]] = Counter()
    for problem in problems:
        seen[problem.column, problem.rule] += 1
        if seen[problem.column, problem.rule] <= MOST_LISTED:
            kept.append(problem)
    for (column, rule), times in seen.items():
        if times > MOST_LISTED:
            kept.append(Problem(None, column, rule, f"So do {times - MOST_LISTED} more rows that are not listed."))
    return kept


def _guess_coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """Take each source to have reported from the first to the last calendar month in which it has a row."""
    if "start" not in frame:
        return no_spans()
    tomorrow = pd.Timestamp.now().normalize() + pd.Timedelta(days=1)
    spans = frame.groupby("source", sort=True)["start"].agg(["min", "max"]).reset_index()
    end = (spans["max"].dt.to_period("M") + 1).dt.start_time
    return pd.DataFrame(
        {
            "source": spans["source"],
            "area": pd.Series(pd.NA, index=spans.index, dtype="str"),
            "start": spans["min"].dt.to_period("M").dt.start_time,
            "end": end.clip(upper=tomorrow),  # this month is not over
        }
    )
