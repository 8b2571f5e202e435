"""Which tables say what is within reach of each area, when nobody has counted who needs it?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from commonground.dashboard.within_reach import NO_NEED, WithinReach
from commonground.release.tables import Table
from mapping.context import PREFIX

__all__ = ["lacking_table", "lists_table", "reach_table", "spread_table"]

UNKNOWN = "not known"
BESIDE = "of the whole area; shown beside it, not used in any count, and no measure of need."


def lacking_table(found: WithinReach, origin: object) -> Table:
    """Return the areas without a service of a kind, kind by kind, with what is known of the area beside them.

    Parameters
    ----------
    found : WithinReach
    origin : object
        A value of the release that the table belongs to; its numbers come from public lists.
    """
    names = found.shapes["name"]
    rows = found.gaps.table.assign(name=lambda table: table["area"].map(names))
    kinds = {kind: place for place, kind in enumerate(found.counts.columns.unique(level=0))}
    rows = rows.assign(order=rows["kind"].map(kinds)).sort_values(["order", "slot", "name"], kind="stable")
    frame = pd.DataFrame({"Kind of service": rows["kind"].str.capitalize(), "Area": rows["name"], "Code": rows["area"]})
    if found.timed:
        frame.insert(1, "When", rows["slot"].str.capitalize())
    for name, label in found.labels.items():
        frame[label] = [_number(value) for value in rows[f"{PREFIX}{name}"]]
    title = f"{NO_NEED}: areas without a service of a kind within {found.reach:,.0f} metres"
    return Table("gaps", title, frame, origin, (*_notes(found), *found.sources), _beside(found))


def reach_table(found: WithinReach, origin: object) -> Table:
    """Return every area with the number of services of each kind within its reach; parameters as `lacking_table`."""
    frame = pd.DataFrame({"Area": found.shapes["name"], "Code": found.shapes.index})
    headings = [_heading(kind, slot, found) for kind, slot in found.looked_at]
    for heading, key in zip(headings, found.looked_at, strict=True):
        frame[heading] = found.counts[key]
    for name, label in found.labels.items():
        frame[label] = [_number(value) for value in found.context[name]]
    title = f"{NO_NEED}: services within {found.reach:,.0f} metres of each area"
    counted = "number of services on the list, each counted once whatever its size."
    definitions = {**dict.fromkeys(headings, counted), **_beside(found)}
    return Table("gaps-by-kind", title, frame, origin, (*_notes(found), *found.sources), definitions)


def spread_table(found: WithinReach, origin: object) -> Table:
    """Return, kind by kind, how many areas have none and how many services the others have within reach.

    Parameters as `lacking_table`.
    """
    rows = []
    for kind, slot in found.looked_at:
        number = found.counts[kind, slot]
        when = {"When": slot.capitalize()} if found.timed else {}
        rows.append(
            {
                "Kind of service": kind.capitalize(),
                **when,
                "Areas": len(number),
                "Areas with none": int((number == 0).sum()),
                "Fewest": int(number.min()),
                "Median": float(number.median()),
                "Most": int(number.max()),
            }
        )
    title = f"{NO_NEED}: services of a kind within {found.reach:,.0f} metres of an area"
    return Table("kinds-out-of-reach", title, pd.DataFrame(rows), origin, _notes(found))


def lists_table(found: WithinReach, origin: object) -> Table:
    """Return how many services the lists have, and how many were counted; parameters as `lacking_table`."""
    rows: list[Any] = found.lists.to_dict("records")
    frame = pd.DataFrame(
        {
            "Kind": [row["kind"].capitalize() for row in rows],
            "Listed": [row["listed"] for row in rows],
            "With a place": [row["placed"] for row in rows],
            "In the areas": [row["inside"] for row in rows],
            "Outside, within reach": [row["beyond"] for row in rows],
            "Addresses within reach": [row["sites"] for row in rows],
            "Open": ["as listed" if found.timed else "hours not known" for _ in rows],
        }
    )
    return Table("services", "Services that were counted", frame, origin, definitions={
        "With a place": "services whose coordinates the list gives; the others are counted nowhere.",
        "Outside, within reach": "services across the boundary of the study's areas that one of them reaches.",
        "Addresses within reach": "different places of the services within reach: one address may have several.",
    })  # fmt: skip


def _notes(found: WithinReach) -> tuple[str, ...]:
    hours = "" if found.timed else " Opening hours are not known: a service counts at any time."
    return (
        f"Straight lines from a point inside each area to services on public lists, across its boundary too.{hours}",
        "Nobody's need was counted: whether anybody there misses such a service is not known.",
    )


def _beside(found: WithinReach) -> dict[str, str]:
    return dict.fromkeys(found.labels.values(), BESIDE)


def _heading(kind: str, slot: str, found: WithinReach) -> str:
    return f"{kind.capitalize()}{f', {slot}' if found.timed else ''}: number within reach"


def _number(value: Any) -> Any:
    if pd.isna(value):
        return UNKNOWN
    return int(value) if float(value).is_integer() else float(value)
