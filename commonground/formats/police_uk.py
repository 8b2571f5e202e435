"""What did police.uk publish, month by month, and which months are missing?"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.formats.coverage import missing_months, spans_of_months
from commonground.formats.degrees import read_degrees
from commonground.formats.opening import check_file, file_bytes
from commonground.formats.refusals import NoRowsError, listed, refusal, row_problems
from commonground.formats.text import read_text
from commonground.records.model import Records

__all__ = ["CITATION", "read_police_uk"]

CITATION = (
    "Street-level crime, data.police.uk, Single Online Home National Digital Team. "
    "Contains public sector information licensed under the Open Government Licence v3.0."
)
COLUMNS = (
    "Crime ID", "Month", "Reported by", "Longitude", "Latitude", "LSOA code", "Crime type", "Last outcome category",
)  # fmt: skip
OTHER_TABLES = ("-outcomes", "-stop-and-search")  # the archive's other files: not incidents
MONTH = r"\d{4}-(?:0[1-9]|1[0-2])"


@dataclass(frozen=True)
class _Street:
    """One street-crime table, on disk or in a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return self.path.name if self.member is None else self.member.rsplit("/", 1)[-1]

    def read(self) -> bytes:
        if self.member is None:
            return file_bytes(self.path)
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(self.member)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError):
            advice = "Download the archive again (it must have no password)."
            raise refusal(self.name, "cannot be taken out of the archive", advice) from None


def read_police_uk(source: Any) -> Records:
    """Read street-level crime as police.uk publishes it.

    Parameters
    ----------
    source : path or list of paths
        A csv or csv.gz file, a folder (searched to the bottom, as the archive's
        ``YYYY-MM/YYYY-MM-force-street.csv``), a zip, or a list of them. Outcome and stop-and-search tables are left
        out.

    Returns
    -------
    Records
        kind incidents, crs EPSG:4326. start and end: the half-open month, for no day is published; area: the published
        LSOA code, missing for "No Location"; x, y: longitude and latitude of the snapped point, never used to overrule
        the code; event: the published Crime ID (already a hash), missing for antisocial behaviour; offence; outcome;
        source (``police.uk: `` and the force); n = 1. Coverage: the months in which a force has rows.

    Raises
    ------
    RecordsError
        With every problem of every file: missing columns, impossible months and coordinates, damaged files.

    Notes
    -----
    A Crime ID stands for one crime of one type in one month: where overlapping files repeat it the row read last is
    kept, so a revised outcome replaces the older one. Rows with one ID and another month or type are kept. Rows without
    an ID are never duplicates of each other within a file; where two files share more than half of the IDs of one force
    and month they overlap, and each row without an ID is then kept as often as the file that has it most often has it.
    """
    files, notes = _street_files(source)
    stacked, said = _read_all(files)
    coverage = spans_of_months(stacked[["source", "start"]])
    unshared, blank_notes = _drop_shared_blanks(stacked)
    kept, repeat_notes = _drop_repeats(unshared)
    frame = kept.drop(columns="file").reset_index(drop=True)
    notes += [*said, *repeat_notes, *blank_notes, *_gap_notes(coverage), *_place_notes(frame)]
    return Records("incidents", frame, coverage, crs="EPSG:4326", published=CITATION, notes=tuple(notes))


def _read_all(files: list[_Street]) -> tuple[pd.DataFrame, list[str]]:
    """Return all rows with the number of their file, or raise with every problem of every file."""
    frames: list[pd.DataFrame] = []
    problems: list[Problem] = []
    empty: list[Problem] = []
    notes: list[str] = []
    for number, file in enumerate(files):
        try:
            table, said = read_text(file.read(), file.name, columns=COLUMNS)
        except NoRowsError as error:
            empty += listed(error)
            continue
        except RecordsError as error:
            problems += listed(error)
            continue
        frame, found = _tidy(table, file.name)
        frames.append(frame.assign(file=number))
        problems += found
        notes += said
    if problems or not frames:
        raise RecordsError("these are not police.uk street tables; nothing was read.", problems or empty)
    notes += [f"{problem.column} {problem.rule}: its month counts as not reported." for problem in empty]
    return pd.concat(frames, ignore_index=True), notes


def _street_files(source: Any) -> tuple[list[_Street], list[str]]:
    found: list[_Street] = []
    for part in source if isinstance(source, list | tuple) else [source]:
        found += _expand(Path(part))
    unique = {(file.path.resolve(), file.member): file for file in found}
    streets = [f for f in unique.values() if not f.name.casefold().split(".")[0].endswith(OTHER_TABLES)]
    if not streets:
        name = Path(source).name if isinstance(source, str | Path) else "the list"
        raise refusal(name, "holds no street-crime table (csv)", "Name the archive's folder, its zip or its csv files.")
    notes = []
    if len(streets) < len(unique):
        notes.append(f"{len(unique) - len(streets)} outcome or stop-and-search file(s) were left out.")
    if len(unique) < len(found):
        notes.append(f"{len(found) - len(unique)} file(s) were named twice and read once.")
    return streets, notes


def _expand(path: Path) -> Iterator[_Street]:
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if _is_table(p.relative_to(path).as_posix()))
        yield from map(_Street, inside)
    elif path.name.casefold().endswith(".zip"):
        check_file(path)
        try:
            with zipfile.ZipFile(path) as archive:
                members = sorted(name for name in archive.namelist() if _is_table(name))
        except zipfile.BadZipFile:
            raise refusal(path.name, "is a damaged or cut-off zip", "Download it again.") from None
        yield from (_Street(path, member) for member in members)
    else:
        yield _Street(path)


def _is_table(name: str) -> bool:
    """Tell a table from a folder, and from the hidden copies that macOS puts into zips."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    return not hidden and name.casefold().endswith((".csv", ".csv.gz"))


def _tidy(table: pd.DataFrame, file: str) -> tuple[pd.DataFrame, list[Problem]]:
    """Rename, place in time and space, and list what cannot be right."""
    month = table["Month"].where(table["Month"].str.fullmatch(MONTH, na=False))
    start = pd.to_datetime(month, format="%Y-%m").astype("datetime64[us]")
    advice = "Download the file again; a spreadsheet that saved it may have rewritten the months."
    unread = start.index[start.isna()]
    problems = row_problems((int(row) + 1 for row in unread), file, "Month is not written YYYY-MM", advice)
    future = start.index[start > pd.Timestamp.now()]
    problems += row_problems((int(row) + 1 for row in future), file, "Month lies in the future", advice)
    x, y, faults = read_degrees(table["Longitude"], table["Latitude"], file)
    frame = pd.DataFrame(
        {
            "start": start,
            "end": start + pd.offsets.MonthBegin(1),
            "area": table["LSOA code"],
            "x": x,
            "y": y,
            "event": table["Crime ID"],
            "offence": table["Crime type"],
            "outcome": table["Last outcome category"],
            "source": "police.uk: " + table["Reported by"].fillna("force not stated"),
            "n": 1.0,
        }
    )
    return frame, problems + faults


def _drop_shared_blanks(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Keep rows without an ID once where two files overlap; within a file none is a repeat."""
    files = frame.groupby(["source", "start"])["file"].nunique()
    dropped: list[int] = []
    for source, start in files.index[files > 1]:
        month = frame[(frame["source"] == source) & (frame["start"] == start)]
        if not _files_overlap(month):
            continue
        blank = month[month["event"].isna()]
        row = ["area", "x", "y", "offence", "outcome"]
        occurrence = blank.groupby(["file", *row], dropna=False).cumcount()
        repeats = blank.assign(occurrence=occurrence).duplicated([*row, "occurrence"])
        dropped += list(blank.index[repeats])
    if not dropped:
        return frame, []
    said = f"{len(dropped)} row(s) without a Crime ID repeat those of an overlapping file and were read once."
    return frame.drop(index=dropped), [said]


def _files_overlap(month: pd.DataFrame) -> bool:
    """Tell whether two files share more than half of the smaller one's Crime IDs."""
    identified = month.dropna(subset=["event"])
    ids = [set(part["event"]) for _, part in identified.groupby("file")]
    return any(2 * len(a & b) > min(len(a), len(b)) for n, a in enumerate(ids) for b in ids[n + 1 :])


def _drop_repeats(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    events = frame["event"].dropna()
    repeated = frame.loc[events.index[events.duplicated(keep=False)]]
    if repeated.empty:
        return frame, []
    crime = ["event", "start", "offence", "source"]
    exact = repeated.duplicated([*crime, "area", "x", "y", "outcome"], keep="last")
    older = repeated[~exact].duplicated(crime, keep="last")
    dropped = [*exact.index[exact], *older.index[older]]
    still = int(repeated.drop(index=dropped)["event"].duplicated(keep=False).sum())
    said = (
        (int(exact.sum()), "row(s) repeat a Crime ID exactly and were read once."),
        (int(older.sum()), "row(s) were replaced by a later row with the same Crime ID, month and type (a revision)."),
        (still, "row(s) share a Crime ID but differ in month, type or force; all were kept."),
    )
    return frame.drop(index=dropped), [f"{count} {text}" for count, text in said if count]


def _gap_notes(coverage: pd.DataFrame) -> list[str]:
    gaps = missing_months(coverage)
    many = len(coverage["source"].unique()) > 1
    return [f"{month} is missing{f' for {source}' if many else ''}: unknown, not zero." for source, month in gaps]


def _place_notes(frame: pd.DataFrame) -> list[str]:
    nowhere = int(frame["x"].isna().sum())
    uncoded = int(frame["area"].isna().sum())
    blank = int(frame["event"].isna().sum())
    said = (
        (nowhere, "row(s) have no location; they are kept and counted, and on no map."),
        (uncoded, "row(s) have no LSOA code."),
        (blank, "row(s) have no Crime ID (antisocial behaviour never has one); they are not duplicates."),
    )
    return [f"{count} {text}" for count, text in said if count]
