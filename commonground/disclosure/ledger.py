"""What was published before, so that nothing published now can be subtracted from it?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.disclosure.chain import VERSION, Row, Writing, read_rows, sealed, tampered, writing
from commonground.disclosure.entries import check_entries
from commonground.errors import NotReleasable
from commonground.periods import Period

__all__ = ["Ledger", "RecordSet"]


@dataclass(frozen=True)
class RecordSet:
    """Records that are cut and published together: all of one kind from some sources."""

    kind: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} from {', '.join(self.sources)}"


@dataclass(frozen=True)
class Ledger:
    """An append-only, hash-chained file of published values, one JSON object a line, readable by its owner only.

    Two processes may write to one ledger: rows are written under a lock, after what the other wrote was read. The locks
    are those of POSIX systems; there is no ledger under Windows.

    Parameters
    ----------
    path : Path
        Beside study.toml, never in the output folder.
    study : str, optional
        Title of the study; a ledger that names another one is refused.
    held : bool
        Keep what is to be published in memory until `commit`; only trees and refusals, which are seen without a
        release, are written at once. Without it every row is.

    Raises
    ------
    CommonGroundError
        When a row was changed, removed or put in, or the file is another study's, a later version's, or no ledger.

    Notes
    -----
    The rows of one append count together or not at all: what a run left that was killed while writing was shown to
    nobody, and is dropped. The chain shows accidents and careless edits. Whoever writes the whole file anew, or takes
    rows off its end, is not caught by the file itself: keep `head` with each release, as the manifest does, and ask
    `knows`.
    """

    path: Path
    study: str | None = field(default=None, kw_only=True)
    held: bool = field(default=False, kw_only=True)
    _rows: list[Row] = field(default_factory=list, repr=False, compare=False)
    _pending: list[Row] = field(default_factory=list, repr=False, compare=False)
    _open: list[Writing] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        self._take(read_rows(self.path))

    def declare(self, records: RecordSet, period: str, span: Period, digest: str) -> None:
        """Write the tree of a record set and closed period before anything is counted.

        Raises
        ------
        NotReleasable
            When these days of these records, or of some of their sources, stand in the ledger otherwise.
        """
        known = False
        for row in self._of("tree"):
            if row["kind"] != records.kind or not _share_days(row["span"], span):
                continue
            if set(row["sources"]) & set(records.sources) and tuple(row["sources"]) != records.sources:
                raise NotReleasable(
                    f"{records}: some of these sources were published before in another combination, and the "
                    "difference could be taken. Use the sources of the first release, all together."
                )
            if row["record_set"] != str(records):
                continue
            if row["tree"] != digest:
                raise NotReleasable(
                    f"{records} was published before under another hierarchy; two cuts of the same records can prove a "
                    "small count. Use the hierarchy and zones of the first release; if this is the ledger of another "
                    "study, use this study's own."
                )
            known |= row["period"] == period and row["span"] == _days(span)
        if not known:
            own = {"kind": records.kind, "sources": list(records.sources)}
            head = {"entry": "tree", "record_set": str(records), **own}
            self._append({**head, "period": period, "span": _days(span), "tree": digest}, at_once=True)

    def find_cut(self, records: RecordSet, period: str, span: Period, profile: str) -> dict[str, Any] | None:
        """Return the cut of an earlier release of the record set and closed period for a profile.

        Raises
        ------
        NotReleasable
            When it was cut for other periods that share days with this one.
        """
        found = None
        for row in self._of("cut", str(records)):
            same = row["period"] == period and row["span"] == _days(span)
            if not same and _share_days(row["span"], span):
                raise NotReleasable(
                    f"{records} was published before for other periods that share days with these; "
                    "the difference could be taken. Use the periods of the first release."
                )
            if same and row["profile"] == profile:
                found = row
        return found

    def write_cut(self, records: RecordSet, period: str, span: Period, profile: str, cut: dict[str, Any]) -> None:
        """Write the blocks and levels of a first release; that it was refused (no blocks) is written at once."""
        head = {"entry": "cut", "record_set": str(records), "period": period, "span": _days(span)}
        self._append({**head, "profile": profile, **cut}, at_once=not cut["blocks"])

    def find_labels(self, records: RecordSet, period: str, count: str) -> list[dict[tuple[str, ...], int | None]]:
        """Return everything published before of a unit: labels by cell, oldest first."""
        return [
            {tuple(cell): value for *cell, value in row["labels"]}
            for row in self._of("labels", str(records))
            if row["period"] == period and row["count"] == count
        ]

    def write_labels(
        self, records: RecordSet, period: str, count: str, labels: dict[tuple[str, ...], int | None]
    ) -> None:
        """Write labels, unless they are those published last."""
        if self.find_labels(records, period, count)[-1:] != [labels]:
            rows = [[*cell, value] for cell, value in labels.items()]
            head = {"entry": "labels", "record_set": str(records), "period": period, "count": count}
            self._append({**head, "labels": rows})

    def find_evaluation(self, outcome: str) -> dict[str, Any] | None:
        """Return the published row of a registered outcome: its definition, and the row."""
        return next(self._of("evaluation", outcome), None)

    def evaluated(self) -> set[str | None]:
        """Return the inputs of which an outcome is published; a refusal, kept at once, bars no other outcome."""
        return {row.get("input") for row in self._of("evaluation") if row["row"]}

    def write_evaluation(self, outcome: str, definition: str, row: dict[str, Any], source: str | None = None) -> None:
        """Write the published row of a registered outcome, or at once that it was refused; there is one for ever."""
        head = {"entry": "evaluation", "record_set": outcome, "input": source}
        self._append({**head, "definition": definition, "row": row}, at_once=not row)

    def find_extra(self, records: RecordSet, period: str) -> list[dict[str, Any]]:
        """Return the extra cross-tables published of a record set and closed period, oldest first: name, and table."""
        rows = (row for row in self._of("extra", str(records)) if row["period"] == period)
        return [{"name": row["name"], "table": row["table"]} for row in rows]

    def write_extra(self, records: RecordSet, period: str, name: str, table: dict[str, Any]) -> None:
        """Write an extra cross-table, or at once that it was refused, unless it is the last one of this name."""
        before = [row["table"] for row in self.find_extra(records, period) if row["name"] == name]
        if before[-1:] != [table]:
            head = {"entry": "extra", "record_set": str(records), "period": period}
            self._append({**head, "name": name, "table": table}, at_once=bool(table.get("refused")))

    def shows(self, records: RecordSet, count: str, cells: Iterable[tuple[str | int | None, ...]]) -> bool:
        """Say whether each cell (block, part of time, levels, label) was published so at some time."""
        rows = [row for row in self._of("labels", str(records)) if row["count"] == count]
        tables = [row["table"] for row in self._of("extra", str(records))]
        rows += [table for table in tables if table.get("count") == count]
        return set(cells) <= {tuple(cell) for row in rows for cell in row["labels"]}

    def has_blocks(self, records: RecordSet, profile: str, blocks: Iterable[tuple[str, ...]]) -> bool:
        """Say whether each block, as sorted area codes, is one that a profile sees of some period."""
        cuts = (row for row in self._of("cut", str(records)) if row["profile"] == profile)
        return set(blocks) <= {tuple(sorted(block["areas"])) for row in cuts for block in row["blocks"]}

    @property
    def head(self) -> str:
        """Hash of the last row that was written; empty when there is none."""
        return str(self._rows[-1]["hash"]) if self._rows else ""

    @property
    def releases(self) -> tuple[str, ...]:
        """SHA-256 of the manifest of every release that was committed, oldest first."""
        return tuple(row["manifest"] for row in self._of("release"))

    def knows(self, head: str) -> bool:
        """Say whether a hash is that of one of the written rows."""
        return any(row["hash"] == head for row in self._rows)

    def commit(self, release: str) -> None:
        """Write what was held, and the release it is for, in one piece; nothing when nothing is new.

        Parameters
        ----------
        release : str
            SHA-256 of its manifest.

        Raises
        ------
        NotReleasable
            When another run published something of the same records since.
        """
        row = {"entry": "release", "manifest": release}
        with self._writing() as file:
            last = file.rows[-1] if file.rows else {}
            if self._pending or last.get("manifest") != release:
                self._put(file, [*self._pending, row])
            self._pending.clear()

    @contextmanager
    def closing(self) -> Iterator[str]:
        """Keep every other run out while a release is committed.

        Yields
        ------
        str
            The hash that the last published row will have when `commit` is called now; release rows, which come after,
            do not count, so that a release that changes nothing has the same one.
        """
        with self._writing() as file:
            begun = sealed([*self._first(file), *self._pending, {}], file.rows[-1]["hash"] if file.rows else None)
            published = [row for row in [*file.rows, *begun[:-1]] if row["entry"] != "release"]
            yield str(published[-1]["hash"])

    def _of(self, entry: str, record_set: str | None = None) -> Iterator[Row]:
        rows = [*self._rows, *self._pending]
        return (r for r in rows if r["entry"] == entry and record_set in (None, r.get("record_set")))

    def _append(self, row: Row, *, at_once: bool = False) -> None:
        if self.held and not at_once:
            self._pending.append(json.loads(json.dumps(row)))  # as it will be read back
            return
        with self._writing(row) as file:
            self._put(file, [row])

    def _put(self, file: Writing, rows: Sequence[Row]) -> None:
        known = len(file.rows)
        file.append(sealed([*self._first(file), *rows], file.rows[-1]["hash"] if known else None))
        self._rows.extend(file.rows[known:])

    def _first(self, file: Writing) -> list[Row]:
        return [] if file.rows else [{"entry": "study", "version": VERSION, "study": self.study}]

    @contextmanager
    def _writing(self, *rows: Row) -> Iterator[Writing]:
        """Lock the file, unless it is locked already, and read what other runs wrote."""
        if self._open:
            yield self._open[0]
            return
        with writing(self.path) as file:
            self._catch_up(file.rows, {row.get("record_set") for row in [*self._pending, *rows]})
            self._open.append(file)
            try:
                yield file
            finally:
                self._open.clear()

    def _catch_up(self, written: Sequence[Row], mine: set[str | None]) -> None:
        """Read what another run wrote since; what it says of the same records was not known when this was decided."""
        known = len(self._rows)
        if [row["hash"] for row in written[:known]] != [row["hash"] for row in self._rows]:
            raise tampered()
        for other in written[known:]:
            if "record_set" in other and other["record_set"] in mine:
                raise NotReleasable(f"another run published {other['record_set']} in the meantime; run this again.")
        self._take(written[known:])

    def _take(self, rows: Sequence[Row]) -> None:
        check_entries(rows, self.path, self.study)
        self._rows.extend(rows)


def _days(span: Period) -> list[str]:
    return [f"{span.start:%Y-%m-%d}", f"{span.end:%Y-%m-%d}"]


def _share_days(days: Sequence[str], span: Period) -> bool:
    first, end = _days(span)
    return bool(days[0] < end and first < days[1])
