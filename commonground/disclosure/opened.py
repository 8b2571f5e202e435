"""What may be shown of statistics that are published already, and where do the shown blocks lie?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from commonground.disclosure.protected import Protected
from commonground.errors import NotReleasable
from commonground.tallies import Tally

SCREEN = 3000  # pixels across the largest map

__all__ = ["outlines", "published_as_is"]


def published_as_is(tally: Tally, zones: Mapping[str, Sequence[str]], day: pd.Timestamp) -> Protected:
    """Show counts as published, when every source is published and cited."""
    uncited = sorted(source for source in tally.sources if not tally.published.get(source))
    if uncited:
        raise NotReleasable(
            f"the open profile is for published sources only, and {', '.join(uncited)} has no citation; "
            "cite it (published=...) or choose partner or public."
        )
    cells = tally.to_frame()
    levels = list(tally.by)
    value = cells["value"].round().astype("Int64")
    frame = pd.DataFrame(
        {
            "block": cells["area"],
            "areas": [(code,) for code in cells["area"]],
            "period": cells["period"],
            "categories": list(cells[levels].itertuples(index=False, name=None)) if levels else [()] * len(cells),
            "value": value,
            "low": value,
            "high": value,
        }
    )
    exposure = tally.exposure()
    return Protected(
        kind=tally.kind,
        count=tally.count,
        profile="open",
        k=0,
        periods=dict(tally.periods),
        days={name: float(np.nanmax(exposure[name])) for name in tally.periods},
        by=tuple(levels),
        zones={name: tuple(members) for name, members in zones.items()},
        tree_digest="",
        sources=tally.sources,
        citations=tuple(sorted({text for text in tally.published.values() if text})),
        as_of=day,
        people_known=tally.has_people,
        in_ledger=True,
        _frame=frame,
        blocks=outlines(tally.areas, frame),
    )


def outlines(areas: gpd.GeoDataFrame | None, frame: pd.DataFrame) -> gpd.GeoDataFrame | None:
    """Return the outline and joined name of each block, in the order of the frame; None without areas."""
    if areas is None:
        return None
    blocks = frame.drop_duplicates("block")
    home = {code: block for block, codes in zip(blocks["block"], blocks["areas"], strict=True) for code in codes}
    member = areas.index.map(home)
    shapes = gpd.GeoDataFrame(
        {"name": areas["name"].to_numpy(), "block": member}, geometry=areas.geometry.to_numpy(), crs=areas.crs
    )
    shapes = shapes[shapes["block"].notna()]
    joined = shapes.dissolve("block", aggfunc={"name": _joined_name})
    west, south, east, north = joined.total_bounds
    # Drawn outlines need no more points than a screen has; shared borders stay shared.
    joined["geometry"] = joined.geometry.simplify_coverage(max(east - west, north - south) / SCREEN)
    return joined.reindex(list(dict.fromkeys(frame["block"])))


def _joined_name(names: pd.Series) -> str:
    listed = sorted(names)
    return (
        listed[0]
        if len(listed) == 1
        else f"{', '.join(listed[:3])}" + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
    )
