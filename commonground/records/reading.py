"""How do other people's files become checked records, with every problem listed at once?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.errors
from pyproj import CRS

from commonground.errors import CommonGroundError, Problem, RecordsError
from commonground.formats.tables import RawTable, read_table
from commonground.pseudonyms import pseudonymise
from commonground.records.checks import check_dates, check_events, check_place, check_text, note_missing_place
from commonground.records.dates import parse_dates
from commonground.records.model import COVERAGE_COLUMNS, KINDS, Records
from commonground.records.schemas import IDENTIFIERS, REQUIRED, TEXT_COLUMNS, VOCABULARIES, columns_of, schema

__all__ = ["read_records"]

MOST_LISTED = 200  # problems of one rule in one column; beyond that the table only says how many more


def read_records(
    source: Any,
    kind: str,
    *,
    columns: Mapping[str, str] | None = None,
    crs: object = None,
    timezone: str = "Europe/London",
    key: bytes | str | Path | None = None,
    published: str | None = None,
) -> Records:
    """Read, check and pseudonymise one file of contacts, incidents, arrests or services.

    Parameters
    ----------
    source : path, DataFrame, GeoDataFrame, or list of them
        csv, csv.gz, tsv, xlsx, ods, parquet, geojson or gpkg.
    kind : {'contacts', 'incidents', 'arrests', 'services'}
    columns : mapping, optional
        ``{ours: theirs}``. Without it, columns that bear our names are taken. Columns that are not named are never read
        into the records: that is how free text is dropped.
    crs : optional
        Coordinate reference system of x and y; needed when they are read and the file does not say.
    timezone : str
        Civil time of the place.
    key : bytes, str or Path, optional
        Key for the pseudonyms of person, premises and event: see `commonground.pseudonyms.pseudonymise`.
    published : str, optional
        Citation, when the source is already published.

    Returns
    -------
    Records

    Raises
    ------
    RecordsError
        With every problem in ``.problems`` (row, column, rule, help). Nothing of a record is in the message.
    """
    if kind not in KINDS:
        raise CommonGroundError(f"records are of kind {', '.join(KINDS)}, not {kind!r}; choose one of them.")
    tables = [read_table(part) for part in source] if isinstance(source, list | tuple) else [read_table(source)]
    raw = _stack(tables)
    mapping = _column_map(raw.frame, kind, columns)
    frame = raw.frame[list(mapping.values())].set_axis(list(mapping), axis="columns")
    origin = crs if crs is not None else raw.crs
    frame, problems = _parse(frame, kind, timezone)
    problems += check_dates(frame) + check_place(frame, origin) + check_text(frame) + _check_schema(frame, kind)
    problems += check_events(frame, kind)
    if problems:
        raise RecordsError(f"{len(problems)} problem(s) in the {kind} file; nothing was read.", _shorten(problems))
    for name in IDENTIFIERS:
        if name in frame:
            frame[name] = pseudonymise(frame[name], key=key, domain=name)
    return Records(
        kind=kind,
        frame=frame,
        coverage=_guess_coverage(frame),
        crs=_crs_text(origin) if "x" in frame and origin is not None else None,
        timezone=timezone,
        published=published,
        notes=(*raw.notes, *_dropped_note(raw.frame, mapping), *note_missing_place(frame, kind)),
    )


def _stack(tables: Sequence[RawTable]) -> RawTable:
    if len({str(table.crs) for table in tables}) > 1:
        raise RecordsError(
            "the files are in different coordinate reference systems.",
            [Problem(None, "crs", "must be one for all files", "Read them one by one and tally each.")],
        )
    if len(tables) == 1:
        return tables[0]  # keeps the row numbers of the file
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    return RawTable(frame=frame, crs=tables[0].crs, notes=tuple(note for table in tables for note in table.notes))


def _column_map(frame: pd.DataFrame, kind: str, columns: Mapping[str, str] | None) -> dict[str, str]:
    """Return {ours: theirs} in our order, or raise with every column that is missing or unknown."""
    known = columns_of(kind)
    ours_found = {_plain(str(name)): str(name) for name in frame.columns}
    if columns is None:
        mapping = {name: ours_found[name] for name in known if name in ours_found}
        mapping |= {plain: theirs for plain, theirs in ours_found.items() if plain.startswith("group_")}
    else:
        mapping = {str(ours): str(theirs) for ours, theirs in columns.items()}
    problems = [
        Problem(None, ours, f"is not a column of {kind}", f"Use one of: {', '.join(known)}, group_NAME.")
        for ours in mapping
        if ours not in known and not (ours.startswith("group_") and kind != "services")
    ]
    for ours, theirs in mapping.items():
        if theirs not in frame.columns:
            rule = f"is mapped to {theirs!r}, which the file does not have"
            problems.append(Problem(None, ours, rule, "Correct the column mapping."))
    for name in REQUIRED[kind]:
        if name not in mapping:
            problems.append(Problem(None, name, "is needed", f'Say which column it is: columns={{"{name}": "..."}}.'))
    if "area" not in mapping and not {"x", "y"} <= set(mapping):
        problems.append(Problem(None, "area", "or both x and y are needed", "Map an area code, or coordinates."))
    if problems:
        raise RecordsError(f"the {kind} file's columns do not fit; nothing was read.", problems)
    order = [*known, *sorted(name for name in mapping if name not in known)]
    return {name: mapping[name] for name in order if name in mapping}


def _parse(frame: pd.DataFrame, kind: str, timezone: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn texts into dates, numbers and tidy words; report what cannot be turned."""
    parsed, problems = frame.copy(), []
    for name in ("start", "end"):
        if name not in frame:
            continue
        moment, month_end = parse_dates(frame[name], timezone)
        for row in frame.index[frame[name].notna() & moment.isna()]:
            rule, advice = "is not a date that exists", "Write 31/12/2022 or 2022-12-31 (day before month)."
            problems.append(Problem(int(row) + 1, name, rule, advice))
        parsed[name] = moment
        if name == "start" and month_end.notna().any() and "end" not in frame:
            parsed["end"] = month_end
    for name in ("x", "y", "n", "capacity"):
        if name in frame:
            parsed[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
            for row in frame.index[frame[name].notna() & parsed[name].isna()]:
                problems.append(Problem(int(row) + 1, name, "is not a number", "Write digits only, or leave it empty."))
    for name in parsed.columns:
        if name in TEXT_COLUMNS or name in IDENTIFIERS or name.startswith("group_"):
            text = parsed[name].astype("str").str.strip()
            parsed[name] = text.mask(text == "")
        if name in VOCABULARIES:
            parsed[name] = parsed[name].str.casefold().str.replace(r"[\s_]+", " ", regex=True)
    if "setting" in parsed:
        parsed["setting"] = parsed["setting"].str.replace("off street", "off-street", regex=False)
    if kind != "services":
        parsed["source"] = (
            parsed["source"].fillna(kind) if "source" in parsed else pd.Series(kind, parsed.index, dtype="str")
        )
        parsed["n"] = parsed["n"].fillna(1) if "n" in parsed else 1.0
    return parsed, problems


def _check_schema(frame: pd.DataFrame, kind: str) -> list[Problem]:
    try:
        schema(kind).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases
    else:
        return []
    problems = []
    for failure in failures.itertuples(index=False):
        if failure.check == "not_nullable":
            rule, advice = "must not be empty", "Fill it in, or leave the row out."
        else:
            rule, _, advice = str(failure.check).partition("|")
        row = None if pd.isna(failure.index) else int(failure.index) + 1
        problems.append(Problem(row, str(failure.column), rule, advice))
    return problems


def _shorten(problems: list[Problem]) -> list[Problem]:
    kept: list[Problem] = []
    seen: dict[tuple[str, str], int] = {}
    for problem in problems:
        at = (problem.column, problem.rule)
        seen[at] = seen.get(at, 0) + 1
        if seen[at] <= MOST_LISTED:
            kept.append(problem)
    for (column, rule), times in seen.items():
        if times > MOST_LISTED:
            kept.append(Problem(None, column, rule, f"So do {times - MOST_LISTED} more rows that are not listed."))
    return kept


def _dropped_note(frame: pd.DataFrame, mapping: Mapping[str, str]) -> tuple[str, ...]:
    dropped = len(frame.columns) - len(set(mapping.values()))
    return (f"{dropped} column(s) of the file were not asked for and not read.",) if dropped else ()


def _guess_coverage(frame: pd.DataFrame) -> pd.DataFrame:
    """Take each source to have reported from the first to the last calendar month in which it has a row."""
    if "start" not in frame:
        return pd.DataFrame(columns=list(COVERAGE_COLUMNS))
    spans = frame.groupby("source", sort=True)["start"].agg(["min", "max"]).reset_index()
    return pd.DataFrame(
        {
            "source": spans["source"],
            "area": pd.Series(pd.NA, index=spans.index, dtype="str"),
            "start": spans["min"].dt.to_period("M").dt.start_time,
            "end": (spans["max"].dt.to_period("M") + 1).dt.start_time,
        }
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().casefold()).strip("_")


def _crs_text(origin: object) -> str:
    crs = CRS.from_user_input(origin)
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt()
