"""What was published before, so that nothing published now can be subtracted from it?"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period

__all__ = ["Ledger", "RecordSet"]

OWNER_ONLY = 0o600
START = "0" * 64


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

    Two processes may write to one ledger: each row is written under a lock, after what the other wrote was read.

    Parameters
    ----------
    path : Path
        Beside study.toml, never in the output folder.

    Raises
    ------
    CommonGroundError
        When a row was changed, removed or put in, or the last one was not written to its end.

    Notes
    -----
    The chain shows accidents and careless edits. Whoever writes the whole file anew, or takes rows off its end, is not
    caught by the file itself: keep `head` with each release, as the manifest does, and compare.
    """

    path: Path
    _rows: list[dict[str, Any]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if not self.path.exists():
            return
        try:
            with self.path.open("rb") as file:
                os.fchmod(file.fileno(), OWNER_ONLY)
                fcntl.flock(file, fcntl.LOCK_SH)  # no half-written row of another process is read
                data = file.read()
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._rows.extend(_verified(data))

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
            self._append(
                {
                    "entry": "tree",
                    "record_set": str(records),
                    **own,
                    "period": period,
                    "span": _days(span),
                    "tree": digest,
                }
            )

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
        """Write the blocks and levels of a first release."""
        head = {"entry": "cut", "record_set": str(records), "period": period, "span": _days(span)}
        self._append({**head, "profile": profile, **cut})

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

    def write_evaluation(self, outcome: str, definition: str, row: dict[str, Any]) -> None:
        """Write the published row of a registered outcome; there is one for ever."""
        self._append({"entry": "evaluation", "record_set": outcome, "definition": definition, "row": row})

    @property
    def head(self) -> str:
        """Hash of the last row."""
        return str(self._rows[-1]["hash"]) if self._rows else START

    def _of(self, entry: str, record_set: str | None = None) -> Iterator[dict[str, Any]]:
        return (r for r in self._rows if r["entry"] == entry and record_set in (None, r["record_set"]))

    def _append(self, row: dict[str, Any]) -> None:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        except OSError as error:
            raise _unusable(self.path, error) from error
        with os.fdopen(descriptor, "rb+") as file:
            os.fchmod(descriptor, OWNER_ONLY)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._catch_up(_verified(file.read()), row)
            sealed = {**row, "previous": self.head}
            sealed["hash"] = _hash(sealed)
            file.write(json.dumps(sealed, sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        self._rows.append(sealed)

    def _catch_up(self, written: Sequence[dict[str, Any]], row: dict[str, Any]) -> None:
        """Read what another run wrote since; what it says of the same records was not known when this was decided."""
        known = len(self._rows)
        if [r["hash"] for r in written[:known]] != [r["hash"] for r in self._rows]:
            raise _tampered()
        if any(other["record_set"] == row["record_set"] for other in written[known:]):
            raise NotReleasable(f"another run published {row['record_set']} in the meantime; run this again.")
        self._rows.extend(written[known:])


def _verified(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a ledger file whose chain is whole."""
    if data and not data.endswith(b"\n"):
        raise CommonGroundError(
            "the ledger's last row was not written to its end: a run was stopped while writing it, and nothing of that "
            "row was shown to anybody. Delete what stands after the last line break, and run again."
        )
    rows: list[dict[str, Any]] = []
    previous = START
    for line in data.splitlines():
        try:
            row = json.loads(line)
            claimed = row.pop("hash")
        except (ValueError, KeyError, AttributeError) as error:
            raise _tampered() from error
        if row.get("previous") != previous or _hash(row) != claimed:
            raise _tampered()
        previous = claimed
        rows.append({**row, "hash": claimed})
    return rows


def _hash(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _days(span: Period) -> list[str]:
    return [f"{span.start:%Y-%m-%d}", f"{span.end:%Y-%m-%d}"]


def _share_days(days: Sequence[str], span: Period) -> bool:
    first, end = _days(span)
    return bool(days[0] < end and first < days[1])


def _tampered() -> CommonGroundError:
    return CommonGroundError(
        "the ledger's chain is broken: a row was changed, removed or put in. Restore the file from a copy; "
        "without it nothing can be released."
    )


def _unusable(path: Path, error: OSError) -> CommonGroundError:
    return CommonGroundError(
        f"the ledger {path.name} cannot be used ({error.strerror}); it must be your own file, in a folder you may "
        "write to."
    )
