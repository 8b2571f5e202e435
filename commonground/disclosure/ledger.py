"""What was published before, so that nothing published now can be subtracted from it?"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commonground.errors import CommonGroundError, NotReleasable

__all__ = ["Ledger"]

OWNER_ONLY = 0o600
START = "0" * 64


@dataclass(frozen=True)
class Ledger:
    """An append-only, hash-chained file of published values, one JSON object a line, readable by its owner only.

    Parameters
    ----------
    path : Path
        Beside study.toml, never in the output folder.

    Raises
    ------
    CommonGroundError
        When a line was changed, removed or put in.
    """

    path: Path
    _rows: list[dict[str, Any]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._rows.extend(self._read())

    def declare_tree(self, record_set: str, digest: str) -> None:
        """Write the tree of a record set before anything is counted; a second tree is refused."""
        known = {row["tree"] for row in self._of("tree", record_set)}
        if not known:
            self._append({"entry": "tree", "record_set": record_set, "tree": digest})
        elif known != {digest}:
            raise NotReleasable(
                f"{record_set} was published before under another hierarchy; two cuts of the same records can prove a "
                "small count. Use the hierarchy and zones of the first release, or publish nothing."
            )

    def find_cut(self, record_set: str, period: str) -> list[dict[str, Any]] | None:
        """Return the blocks of an earlier release of the record set and closed period."""
        rows = [row for row in self._of("cut", record_set) if row["period"] == period]
        return rows[-1]["blocks"] if rows else None

    def write_cut(self, record_set: str, period: str, span: tuple[str, str], blocks: list[dict[str, Any]]) -> None:
        """Write the blocks of a first release; records are not cut by phases and by the calendar both."""
        for row in self._of("cut", record_set):
            if row["period"] != period and row["span"][0] < span[1] and span[0] < row["span"][1]:
                raise NotReleasable(
                    f"{record_set} was published before for other periods that share days with these; "
                    "the difference could be taken. Use the periods of the first release."
                )
        self._append({"entry": "cut", "record_set": record_set, "period": period, "span": list(span), "blocks": blocks})

    def find_labels(self, record_set: str, period: str, measure: str) -> dict[str, int | None] | None:
        """Return the latest published labels by cell."""
        rows = [r for r in self._of("labels", record_set) if r["period"] == period and r["measure"] == measure]
        return rows[-1]["labels"] if rows else None

    def write_labels(self, record_set: str, period: str, measure: str, labels: dict[str, int | None]) -> None:
        """Write labels, unless they are those already published."""
        if self.find_labels(record_set, period, measure) != labels:
            row = {"entry": "labels", "record_set": record_set, "period": period, "measure": measure, "labels": labels}
            self._append(row)

    @property
    def head(self) -> str:
        """Hash of the last row."""
        return str(self._rows[-1]["hash"]) if self._rows else START

    def _of(self, entry: str, record_set: str) -> Iterator[dict[str, Any]]:
        return (row for row in self._rows if row["entry"] == entry and row["record_set"] == record_set)

    def _append(self, row: dict[str, Any]) -> None:
        sealed = {**row, "previous": self.head}
        sealed["hash"] = _hash(sealed)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(sealed, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._rows.append(sealed)

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        previous = START
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                claimed = row.pop("hash")
            except (ValueError, KeyError, AttributeError) as error:
                raise _tampered() from error
            if row.get("previous") != previous or _hash(row) != claimed:
                raise _tampered()
            previous = claimed
            yield {**row, "hash": claimed}


def _hash(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _tampered() -> CommonGroundError:
    return CommonGroundError(
        "the ledger's chain is broken: a row was changed, removed or put in. Restore the file from a copy; "
        "without it nothing can be released."
    )
