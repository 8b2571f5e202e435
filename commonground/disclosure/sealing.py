"""How do published rows become the one kind of value that may leave?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.case import Case
from commonground.disclosure.closing import Closed, observed_days, spans_of
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.outlines import outlines
from commonground.disclosure.protected import Protected, Row, seal
from commonground.disclosure.publishing import named_apart

__all__ = ["Shown", "sealed"]


@dataclass(frozen=True)
class Shown:
    """What a release shows."""

    closed: Sequence[Closed]
    by: tuple[str, ...]
    rows: Sequence[Row]
    notes: tuple[str, ...]


def sealed(
    case: Case, shown: Shown, zones: Mapping[str, Sequence[str]], day: pd.Timestamp, book: Ledger | None
) -> Protected:
    """Seal published rows with what is public about them: periods, observed days, sources, outlines."""
    tally, rows = case.tally, tuple(named_apart(shown.rows))
    used = {row[2] for row in rows}
    periods = {name: span for one in shown.closed for name, span in spans_of(one, tally).items() if name in used}
    return Protected(
        kind=tally.kind,
        count=tally.count,
        profile=case.profile.name,
        k=case.rules.k,
        periods=periods,
        days=observed_days(tally, case.order, periods),
        by=shown.by,
        zones={name: tuple(sorted(members)) for name, members in zones.items()},
        tree_digest=trees.digest(case.tree),
        sources=tally.sources,
        citations=tuple(sorted({text for text in tally.published.values() if text})),
        as_of=day,
        people_known=case.cut_rules.unit == "person",
        in_ledger=book is not None,
        rows=rows,
        blocks=outlines(tally.areas, {row[0]: row[1] for row in rows}),
        notes=shown.notes,
        ledger=None if book is None else book.path,
        seal=seal(),
    )
