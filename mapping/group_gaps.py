"""Answer for which groups, where and when, provision is missing: for certain, or perhaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.gaps import ServiceGaps, service_gap
from mapping.group_access import GroupAccess

__all__ = ["GroupGaps", "group_gap"]

NOBODY_ACCEPTS = "no open service within reach accepts them"
NOBODY_SAYS = "no open service within reach says that it accepts them"
COLUMNS = [
    "group", "area", "slot", "people", "people_low", "people_high", "interval_low", "interval_high", "access_low",
    "access_high", "places_short_low", "places_short_high", "certain", "reason",
]  # fmt: skip


@dataclass(frozen=True, repr=False)
class GroupGaps(Exact):
    """Hold the list of groups, areas and slots in which provision falls short of need, or may.

    Parameters
    ----------
    table : DataFrame
        One row per gap, certain ones first, then most people first, unknown need last: group, area, slot, people with
        people_low, people_high, interval_low and interval_high as in `ServiceGaps`, access_low and access_high (places
        per person), places_short_low and places_short_high, certain (False where the services that do not say whom
        they accept may fill it), reason.
    groups : tuple
        All groups asked about, with a gap or without.
    uncounted : tuple
        Groups whose need nobody counted anywhere.
    least : float
        Places per person in need below which provision counts as missing.
    context : tuple of str
        Columns of the table that say what kind of place it is, and nothing of need (`mapping.context`).
    """

    table: pd.DataFrame
    groups: tuple[Any, ...]
    uncounted: tuple[Any, ...]
    least: float
    context: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "GroupGaps(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the gaps, one a row."""
        return self.table.copy()

    def summary(self) -> str:
        """Say for each group how many gaps there are, and what the list does not show."""
        lines = []
        for group in self.groups:
            rows = self.table[self.table["group"] == group]
            sure = int(rows["certain"].sum())
            unless = f"{len(rows) - sure} more unless services that do not say accept them"
            nobody = " Nobody counted this group: how many people it is, is unknown." if group in self.uncounted else ""
            lines.append(f"{group}: {sure} gaps for certain, {unless}.{nobody}")
        lines.append("Need is what sources recorded; a group that no source sees has gaps without a number.")
        return "\n".join(lines)


def group_gap(need: pd.DataFrame, access: GroupAccess, *, least: float, level: float | None = 0.95) -> GroupGaps:
    """List the groups, areas and slots in which people in need have too little provision that accepts them.

    Parameters
    ----------
    need : DataFrame
        People in need: one row per area, one column per group, or per group and slot. Groups of `access` without a
        column are unknown, and listed wherever provision falls short.
    access : GroupAccess
        As `group_access` returns it, of people in need.
    least : float
        Places per person below which provision is missing.
    level : float or None
        Confidence level of the intervals; None where need is not a count.

    Returns
    -------
    GroupGaps

    Raises
    ------
    GeographyError, RecordsError
        As in `service_gap`; also groups that `access` does not know, and access worked out for residents.

    Notes
    -----
    A gap is certain when access is below `least` even if every service that does not say accepts the group.
    """
    if access.provision_only:
        problem = Problem(None, "`access`", "access of people in need is needed", "this one is provision only")
        raise RecordsError("gaps cannot be listed", [problem])
    known = set(need.columns.get_level_values(0))
    if not known <= set(access.groups):
        problem = Problem(None, "`need`", "groups of `access` are needed", "name the columns as in group_supply")
        raise RecordsError("gaps cannot be listed", [problem])
    found = [_gaps_of(group, need, access, least, level) for group in access.groups]
    table = pd.concat(found, ignore_index=True)
    likely = table["people"].fillna((table["people_low"] + table["people_high"]) / 2)
    order = table.assign(likely=likely).sort_values(
        ["certain", "likely"], ascending=False, kind="stable", na_position="last"
    )
    counted = {group for group in known if need[group].notna().to_numpy().any()}
    return GroupGaps(
        table=order[COLUMNS].reset_index(drop=True),
        groups=access.groups,
        uncounted=tuple(group for group in access.groups if group not in counted),
        least=float(least),
    )


def _gaps_of(group: Any, need: pd.DataFrame, access: GroupAccess, least: float, level: float | None) -> pd.DataFrame:
    people: Any = need[group] if group in need.columns.get_level_values(0) else pd.Series(float("nan"), need.index)
    most, fewest = (
        _listed(service_gap(people, table[group], least=least, level=level)) for table in (access.low, access.high)
    )
    rows = most.assign(group=group, certain=most.index.isin(fewest.index))
    rows["access_low"] = rows["access"]
    rows["access_high"] = [float(access.high.loc[area, (group, slot)]) for area, slot in rows.index]
    rows["places_short_low"] = fewest["places_short_low"].reindex(rows.index).where(rows["certain"], 0.0)
    for table, reason in ((access.unsaid, NOBODY_SAYS), (access.unreached, NOBODY_ACCEPTS)):
        rows.loc[[bool(table.loc[area, (group, slot)]) for area, slot in rows.index], "reason"] = reason
    return rows.reset_index()


def _listed(gaps: ServiceGaps) -> pd.DataFrame:
    return gaps.table.set_index(["area", "slot"])
