"""Does everything that is to be written stand in a ledger?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from commonground.disclosure import Ledger, Protected, Registered
from commonground.disclosure.ledger import RecordSet
from commonground.errors import NotReleasable
from commonground.release.tables import require_origin

__all__ = ["check_origins"]

NUMBERS = ("ratio", "low", "high", "p", "relative_ratio", "wdd")


def check_origins(origins: Sequence[Any], book: Ledger | None) -> None:
    """Refuse values that are exact, or stand in no ledger.

    Parameters
    ----------
    origins : sequence of Protected or Registered, or of what is made from one
    book : Ledger or None
        The ledger that is about to be committed. Values of another one must stand in its file already.

    Raises
    ------
    NotReleasable

    Notes
    -----
    The ledger itself is asked, since values that a run held and never committed say that they are of a ledger, too.
    """
    for origin in origins:
        require_origin(origin)
        if not (origin.in_ledger and _stands(getattr(origin, "origin", origin), book)):
            raise NotReleasable(
                "without a ledger a result can be looked at but not written; give protect(..., ledger=PATH beside "
                "study.toml), and write what it returned."
            )


def _stands(shown: Any, book: Ledger | None) -> bool:
    """Ask the ledger; the open profile needs none."""
    if not isinstance(shown, Protected | Registered) or shown.ledger is None:
        return True
    own = book if book is not None and book.path == shown.ledger else Ledger(shown.ledger)
    if isinstance(shown, Registered):
        return all(_is_published(row, own) for row in shown.to_frame().to_dict("records"))
    records = RecordSet(shown.kind, shown.sources)
    if own.has_blocks(records, shown.profile, {areas for _, areas, *_ in shown.rows}) and shown.profile != "partner":
        return True  # its values are sums of the partner's labels
    return own.shows(records, shown.count, {(min(r[1]), r[2], *r[3], r[4]) for r in shown.rows})


def _is_published(row: dict[Any, Any], own: Ledger) -> bool:
    """Say whether the numbers of an outcome are those of the ledger; a row without any says nothing."""
    known = [name for name in NUMBERS if not pd.isna(row.get(name))]
    published = own.find_evaluation(row["outcome"])
    return not known or (published is not None and all(published["row"].get(name) == row[name] for name in known))
