"""What may be shown of statistics that are published already?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from commonground.disclosure.outlines import outlines
from commonground.disclosure.protected import Protected, Row, seal
from commonground.errors import NotReleasable
from commonground.tallies import Tally

__all__ = ["published_as_is"]


def published_as_is(tally: Tally, zones: Mapping[str, Sequence[str]], day: pd.Timestamp) -> Protected:
    """Show counts as published, when every source is published and cited.

    Raises
    ------
    NotReleasable
        When a source has no citation, or the records carry keys of people or premises, as published statistics do not.
    """
    uncited = sorted(source for source in tally.sources if not (tally.published.get(source) or "").strip())
    if uncited:
        raise NotReleasable(
            f"the open profile is for published sources only, and {', '.join(uncited)} has no citation; "
            "cite it (published=...) or choose partner or public."
        )
    if tally.keys[["person", "premises"]].notna().any(axis=None):
        raise NotReleasable(
            "these records carry keys of people or premises, which published statistics do not; choose partner or "
            "public."
        )
    exposure = tally.exposure()
    codes = list(tally.codes)
    return Protected(
        kind=tally.kind,
        count=tally.count,
        profile="open",
        k=0,
        periods=dict(tally.periods),
        days={name: float(np.nanmax(exposure[name])) for name in tally.periods},
        by=tuple(tally.by),
        zones={name: tuple(members) for name, members in zones.items()},
        tree_digest="",
        sources=tally.sources,
        citations=tuple(sorted({text for text in tally.published.values() if text})),
        as_of=day,
        people_known=False,
        in_ledger=True,
        rows=tuple(_rows(tally)),
        blocks=outlines(tally.areas, {code: (code,) for code in codes}),
        seal=seal(),
    )


def _rows(tally: Tally) -> list[Row]:
    cells = tally.to_frame()
    levels = [cells[name] for name in tally.by]
    rows: list[Row] = []
    for area, period, value, *of in zip(cells["area"], cells["period"], cells["value"], *levels, strict=True):
        shown = None if pd.isna(value) else round(value)
        rows.append((str(area), (str(area),), str(period), tuple(of), shown, shown, shown))
    return rows
