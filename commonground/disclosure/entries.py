"""What may a row of a ledger say?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commonground.disclosure.chain import LATER, Row, tampered
from commonground.errors import CommonGroundError

__all__ = ["check_entries"]

FIELDS = {
    "study": {"version", "study"},
    "tree": {"record_set", "kind", "sources", "period", "span", "tree"},
    "cut": {"record_set", "period", "span", "profile", "blocks", "levels", "by"},
    "labels": {"record_set", "period", "count", "labels"},
    "evaluation": {"record_set", "definition", "row"},
    "extra": {"record_set", "period", "name", "table"},
    "release": {"manifest"},
}
LEAST_LABEL = 10  # what 8 is written as; there is no lower one


def check_entries(rows: Sequence[Row], path: Path, study: str | None) -> None:
    """Refuse rows of a whole chain that are not of this study, or do not say what rows of their kind say.

    Parameters
    ----------
    rows : sequence of dict
    path : Path
        Of the ledger, for the message.
    study : str or None
        Title of the study; None when any will do.

    Raises
    ------
    CommonGroundError
    """
    for row in rows:
        entry = row["entry"]
        if entry not in FIELDS:
            raise CommonGroundError(f"the ledger {path.name} {LATER}.")
        if not FIELDS[entry] <= set(row) or not _are_labels(row.get("labels", [])):
            raise tampered()
        if entry == "study" and study is not None and row["study"] not in (None, study):
            raise CommonGroundError(
                f"{path.name} is the ledger of another study, or this study's title was changed; use the study's own "
                "ledger, and the title of its first release."
            )


def _are_labels(rows: Any) -> bool:
    """Say whether every cell has a label, or none: nothing else was ever published."""
    return isinstance(rows, list) and all(
        isinstance(row, list) and row and (row[-1] is None or _is_label(row[-1])) for row in rows
    )


def _is_label(value: Any) -> bool:
    return isinstance(value, int) and value >= LEAST_LABEL and value % 5 == 0
