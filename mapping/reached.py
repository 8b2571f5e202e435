"""How many people did a service meet, meet again, and help, when some rows do not say who or what?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.periods import Period
from commonground.pickles import Exact
from commonground.records import Records
from mapping.ages import under_18_rows
from mapping.listed import list_problems

__all__ = ["EVERYONE", "STAGES", "PeopleMet", "people_met"]

EVERYONE = "everyone"
STAGES = ("reached", "retained", "effective")
UNKNOWN = ("unknown", "not known")  # entries of an outcome that say that nobody knows, beside an empty cell
_REFUSED = "the people met cannot be counted"


@dataclass(frozen=True, repr=False)
class PeopleMet(Exact):
    """Hold how many people were reached, retained and helped, between bounds.

    Parameters
    ----------
    table : DataFrame
        Columns group, stage, low, high: people; low counts what is known, high adds all that may be so.
    window, later : Period
        When people were met, and when again; later is None where retention was not asked for.
    notes : tuple of str
        Rules used, and what must be kept in mind.
    """

    table: pd.DataFrame
    window: Period
    later: Period | None
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "PeopleMet(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and stage: group, stage, low, high."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how many people were met, and by which rules."""
        rows = self.table[self.table["group"].eq(EVERYONE)].to_numpy(dtype=object).tolist()
        lines = [f"{stage.capitalize()}: {low:,} to {high:,} people, {self.window}." for _, stage, low, high in rows]
        return "\n".join([*lines, *self.notes])


def people_met(
    contacts: Records,
    *,
    window: Period,
    later: Period | None = None,
    met: Collection[str] = ("met",),
    by: str | None = None,
    leave_out_under_18: bool = False,
) -> PeopleMet:
    """Count people reached (met at least once), retained (met again later) and effectively covered (need met).

    Parameters
    ----------
    contacts : Records
        Contacts with person keys. A row counts on the day it starts.
    window : Period
        When people were met: the window of the estimate they will be compared with, at most 12 months.
    later : Period, optional
        After the window: a person of the window who is met in it was retained.
    met : collection of str
        Outcomes that mean that the need was met; one such contact in the window is enough. An empty outcome is unknown.
    by : str, optional
        Column of groups. Somebody recorded in several groups counts in each.
    leave_out_under_18 : bool
        Leave out whoever is marked as under 18; otherwise such rows are refused.

    Returns
    -------
    PeopleMet
        ``.table`` with group, stage, low and high; everyone first.

    Raises
    ------
    RecordsError
        Records without person keys or not about contacts, a period the sources did not report in full, a `later` that
        begins before the window ends, outcomes that no row has, under-18s.

    Notes
    -----
    low: people who are known to be so. high of reached: each row without a person may be one more. high of retained:
    each such row of `later` may be somebody of the window, and each such row of the window somebody met later. high
    of effective: whoever has an unknown outcome may have been helped. Of a group: whoever's group is unknown may be
    in it.
    """
    found, problems = _rows_of(contacts, window, later, by)
    if not problems:
        problems = _content_problems(found, met, leave_out_under_18)
    if problems:
        raise RecordsError(_REFUSED, problems)
    minors = found.loc[found["minor"] & found["person"].notna(), "person"]
    found = found[~found["minor"] & ~found["person"].isin(minors)]
    found = found.assign(met=found["outcome"].isin(list(met)), unknown=_unknown(found["outcome"]))
    rows = _stages(EVERYONE, found, later is not None)
    for group in sorted(found.loc[found["inside"], "group"].dropna().unique()) if by else ():
        rows += _stages(str(group), _may_be_in(found, group), later is not None)
    return PeopleMet(
        table=pd.DataFrame(rows, columns=["group", "stage", "low", "high"]),
        window=window,
        later=later,
        notes=_rules(found, window, later, by),
    )


def _rows_of(
    contacts: Records, window: Period, later: Period | None, by: str | None
) -> tuple[pd.DataFrame, list[Problem]]:
    problems = list_problems("contacts", (contacts,), window)
    if isinstance(contacts, Records) and contacts.kind == "incidents":
        advice = "Use contacts: a report is not a meeting with a service."
        problems.append(Problem(None, "`contacts`", "holds incidents: contacts are needed", advice))
    if later is not None and later.start < window.end:
        advice = "Take a period after the window: somebody met twice in the window was not retained by it."
        problems.append(Problem(None, "`later`", "must begin after the window ends", advice))
    elif later is not None and not problems:
        problems += list_problems("contacts, later", (contacts,), later)
    if not problems and by is not None and by not in contacts.frame:
        problems.append(Problem(None, "`by`", "must be a column of the contacts", "Map it when reading."))
    if problems:
        return pd.DataFrame(), problems
    frame = contacts.frame[contacts.frame["n"].gt(0)]
    inside = frame["start"].ge(window.start) & frame["start"].lt(window.end)
    after = frame["start"].ge(later.start) & frame["start"].lt(later.end) if later else inside & False
    empty = pd.Series(pd.NA, index=frame.index, dtype="str")
    found = pd.DataFrame(
        {
            "person": frame["person"],
            "group": frame[by] if by else empty,
            "outcome": frame.get("outcome", empty),
            "minor": under_18_rows(frame),
            "inside": inside,
            "after": after,
            "surely": True,
        }
    )
    return found[inside | after], []


def _content_problems(found: pd.DataFrame, met: Collection[str], leave_out: bool) -> list[Problem]:
    problems = []
    if found["minor"].any() and not leave_out:
        rule = "holds rows of people under 18, who are counted on the safeguarding route and never modelled"
        advice = "Set leave_out_under_18=True, or leave the rows out when reading."
        problems.append(Problem(None, "`contacts`", rule, advice))
    if found["outcome"].notna().any() and not found["outcome"].isin(list(met)).any():
        advice = "Name the outcomes that mean that a need was met, spelt as in the records."
        problems.append(Problem(None, "`met`", "is no outcome of these contacts", advice))
    return problems


def _unknown(outcome: pd.Series[Any]) -> pd.Series[Any]:
    return outcome.isna() | outcome.str.casefold().isin(UNKNOWN)


def _may_be_in(found: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return the rows of people who are, or may be, in the group; ``surely`` says which."""
    named = found["person"].notna()
    sure = named & found["person"].isin(found["person"][named & found["group"].eq(group)])
    known = named & found["person"].isin(found["person"][named & found["group"].notna()])
    own = ~named & (found["group"].isna() | found["group"].eq(group))
    return found.assign(surely=sure)[sure | own | (named & ~known)]


def _stages(group: str, rows: pd.DataFrame, again: bool) -> list[tuple[str, str, int, int]]:
    named = rows["person"].notna()
    inside, after = rows[rows["inside"]], rows[rows["after"]]
    sure = set(inside.loc[named & inside["surely"], "person"])
    perhaps = set(inside.loc[named, "person"])
    nameless, nameless_later = int((~named & rows["inside"]).sum()), int((~named & rows["after"]).sum())
    most = len(perhaps) + nameless
    out = [(group, "reached", len(sure), most)]
    if again:
        back = set(after["person"].dropna())
        more = nameless_later + min(nameless, len(back - perhaps))
        out.append((group, "retained", len(sure & back), min(most, len(perhaps & back) + more)))
    helped = set(inside.loc[named & inside["met"], "person"])
    open_ = set(inside.loc[named & inside["unknown"], "person"])
    unsaid = int((~named & rows["inside"] & (rows["met"] | rows["unknown"])).sum())
    out.append((group, "effective", len(sure & helped), len(helped | open_) + unsaid))
    return out


def _rules(found: pd.DataFrame, window: Period, later: Period | None, by: str | None) -> tuple[str, ...]:
    inside = found[found["inside"]]
    notes = [f"Reached: met at least once, {window}.", "Effective: at least one contact in which the need was met."]
    if later is not None:
        notes.insert(
            1, f"Retained: of those, met again, {later}. Moving away or no longer needing help looks the same as loss."
        )
    nameless, unsaid = int(inside["person"].isna().sum()), int(inside["unknown"].sum())
    if nameless:
        notes.append(f"{nameless:,} of {len(inside):,} contacts name nobody: each may be one more person.")
    if unsaid:
        notes.append(f"{unsaid:,} of {len(inside):,} contacts do not say whether the need was met.")
    if by is not None:
        notes.append("Somebody recorded in several groups counts in each, so groups do not add up.")
    return tuple(notes)
