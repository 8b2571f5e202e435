"""Answer where, when and for how many people provision is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.access import ServiceAccess, SlotAccess
from mapping.catchments import names_stand_ins, read_numbers
from mapping.shortfalls import ALWAYS, NONE_OPEN, NOT_KNOWN, codes_of, gaps_of_kind, likely_need, tidy_need

__all__ = ["NONE_OPEN", "NOT_KNOWN", "ServiceGaps", "service_gap"]

#: Kind of service when only one table of access is given.
SERVICE = "service"
PEOPLE = ["people", "people_low", "people_high", "interval_low", "interval_high"]
PLACES = ["access", "places_short", "places_short_low", "places_short_high"]
COLUMNS = ["area", "slot", "kind", *PEOPLE, *PLACES, "reason"]
Table: TypeAlias = "pd.Series[Any] | pd.DataFrame | ServiceAccess | SlotAccess"


@dataclass(frozen=True, repr=False)
class ServiceGaps(Exact):
    """Hold the list of places and times where provision falls short of need.

    Parameters
    ----------
    table : DataFrame
        One row per gap, most people first, unknown need last: area (a code, or a tuple of codes for a published block),
        slot, kind, people (in need there and then), people_low, people_high (what the count may have been: the bounds
        of a published value), interval_low, interval_high (of the number expected in a like period, by chance), access
        (places per person in need), places_short (people x what is missing per person) with its interval
        places_short_low and places_short_high, reason. NaN is unknown, never 0.
    least : dict
        Places per person in need, by kind, below which provision counts as missing.
    unknown_need : int
        Combinations of area and slot whose need nobody knows.
    unknown_provision : int
        Combinations of area, slot and kind whose provision nobody knows.
    level : float or None
        Confidence level of the intervals; None where counts were taken as they are.
    context : tuple of str
        Columns of the table that say what kind of place it is, and nothing of need (`mapping.context`).
    """

    table: pd.DataFrame
    least: Mapping[str, float]
    unknown_need: int
    unknown_provision: int
    level: float | None = None
    context: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "ServiceGaps(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the gaps, one a row, most people first."""
        return self.table.copy()

    def summary(self) -> str:
        """Name the three worst gaps, and say what the list does not show."""
        known = self.table[self.table["people_high"].notna()]
        lines = [
            f"{len(self.table)} gaps found; for {len(known)} of them the number of people in need is known or bounded."
        ]
        if known.empty:
            lines = ["No gap was found in which the number of people in need is known or bounded."]
        for row in known.head(3).itertuples(index=False):
            where = f"{_place(row.area)}, {row.slot}, {row.kind}"
            lines.append(f"{where}: {_people(row)} in need{self._chance(row)}, {row.reason}.")
        if self.unknown_need:
            lines.append(
                f"In {self.unknown_need} areas and slots need is unknown. Unknown is not none: no one may have looked."
            )
        if self.unknown_provision:
            lines.append(f"For {self.unknown_provision} areas, slots and kinds of service provision is not known.")
        lines.append(
            "Need is what sources recorded; people whom no source sees are not in it. Provision within reach may still "
            "be unused, unsafe or unwelcoming."
        )
        if self.context:
            lines.append(
                "Population and deprivation stand beside the gaps as context; no number of people rests on them."
            )
        return "\n".join(lines)

    def _chance(self, row: Any) -> str:
        if self.level is None:
            return ""
        return f" ({100 * self.level:g} % interval {row.interval_low:.3g} to {row.interval_high:.3g})"


def service_gap(
    need: pd.Series[Any] | pd.DataFrame,
    access: Table | Mapping[str, Table],
    *,
    least: float | Mapping[str, float],
    level: float | None = 0.95,
) -> ServiceGaps:
    """List the areas and time slots in which people in need have too little provision within reach.

    A gap is an area and slot with people in need whose access is below `least` places per person. Where need is
    unknown the gap is listed without a number; nobody in need is no gap.

    Parameters
    ----------
    need : Series or DataFrame
        People in need. A Series by area, or by area and slot; a DataFrame of areas (rows) by slots (columns); or
        published values: columns value, low and high, and either an index of areas or the columns area (or areas, a
        tuple of codes) and, if need differs by slot, slot. Areas without a row are unknown.
    access : Series, DataFrame, ServiceAccess or SlotAccess, or mapping of str to those
        Places per person in need by area, or area and slot, as `service_access` and `slot_access` return; by kind of
        service if a mapping. NaN where provision is not known.
    least : float or mapping of str to float
        Places per person below which provision is missing; by kind if a mapping. 0.05 is five places per 100 people.
    level : float or None
        Confidence level of the intervals. Need is then a count, taken as Poisson; pass None where it is not a count.

    Returns
    -------
    ServiceGaps
        ``.table``, sorted by the number of people; its columns are described there.

    Raises
    ------
    GeographyError
        Need for areas, or slots, that no access was worked out for.
    RecordsError
        Need below 0, bounds that do not hold the value, a `least` not above 0 or not given for a kind, a level outside
        0 to 1; need named after residents or deprivation, or access that was worked out for residents.

    Notes
    -----
    The interval of people is Garwood's (`mapping.shortfalls.poisson_limits`), of a published value that of all counts
    it stands for; places short are that many people times what is missing per person, with access held as it is. Access
    itself moves with need: `mapping.redraws.redraw_gaps` lets it.

    A block of several areas has the mean access of its areas. When only some of them fall short, nobody knows how
    many of the block's people live there: the count is unknown, from 0 to the upper bound.

    Examples
    --------
    >>> import pandas as pd
    >>> need = pd.Series({"A": 40, "B": 12, "C": float("nan")})
    >>> access = pd.DataFrame({"day": [0.5, 0.1, 0.0], "night": [0.0, 0.1, 0.0]}, index=["A", "B", "C"])
    >>> gaps = service_gap(need, access, least=0.05)
    >>> gaps.table[["area", "slot", "people"]].values.tolist()
    [['A', 'night', 40.0], ['C', 'day', nan], ['C', 'night', nan]]
    """
    given = access if isinstance(access, Mapping) else {SERVICE: access}
    kinds: dict[str, Any] = {kind: getattr(table, "access", table) for kind, table in given.items()}
    enough = dict(least) if isinstance(least, Mapping) else dict.fromkeys(kinds, float(least))
    people = tidy_need(need)
    _check_basis(need, given, level)
    _check(people, kinds, enough)
    found = [gaps_of_kind(people, _by_slot(table), kind, enough[kind], level) for kind, table in kinds.items()]
    rows = pd.concat(found, ignore_index=True)
    unknown = rows[rows["people_high"].isna()].drop_duplicates(["area", "slot"])
    provision = rows["reason"] == NOT_KNOWN
    gaps = rows[rows["reason"].ne("") & ~provision & ~rows["people_high"].eq(0)]
    order = gaps.assign(likely=likely_need(gaps)).sort_values(
        ["likely", "people_high"], ascending=False, kind="stable", na_position="last"
    )
    return ServiceGaps(
        table=order[COLUMNS].reset_index(drop=True),
        least=enough,
        unknown_need=len(unknown),
        unknown_provision=int(provision.sum()),
        level=level,
    )


def _by_slot(access: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    return access.to_frame(ALWAYS) if isinstance(access, pd.Series) else access


def _check_basis(need: Any, given: Mapping[str, Any], level: float | None) -> None:
    """Refuse residents and deprivation where people in need belong."""
    problems = []
    if names_stand_ins(need):
        rule = "people in need are needed: residents and deprivation do not stand in for them"
        problems.append(Problem(None, "`need`", rule, "pass counts of people, and join the rest with add_context"))
    for kind, table in given.items():
        if getattr(table, "provision_only", getattr(table, "attrs", {}).get("provision_only", False)):
            rule = "access of people in need is needed: this one is provision only, places per resident"
            problems.append(Problem(None, f"`access` to {kind}", rule, "list it with provision_gaps instead"))
    if level is not None and not 0 < level < 1:
        problems.append(Problem(None, "`level`", "a number between 0 and 1 is needed", "pass 0.95, or None"))
    if problems:
        raise RecordsError("gaps cannot be listed", problems)


def _check(need: pd.DataFrame, kinds: Mapping[str, Any], enough: Mapping[str, float]) -> None:
    """Collect everything that is wrong with the tables and raise it once."""
    help_ = "correct the table; leave unknown need missing"
    low, value, high = (need[name] for name in ("people_low", "people", "people_high"))
    bad = (low < 0) | (value < 0) | (low > high) | (value < low) | (value > high)
    problems = [
        Problem(int(row) + 1, "`need`", "people from 0 up, with low <= value <= high, are needed", help_)
        for row in np.flatnonzero(bad)
    ]
    if need.duplicated(["area", "slot"]).any():
        problems.append(
            Problem(None, "`need`", "one row an area and slot is needed", "add them up, or pick one period")
        )
    problems += [
        Problem(None, f"`least` of {kind}", "a number above 0 is needed", "pass places per person in need")
        for kind in kinds
        if not enough.get(kind, 0) > 0
    ]
    problems += [
        Problem(None, f"`access` to {kind}", "numbers from 0 up are needed", "leave what is not known missing")
        for kind, table in kinds.items()
        if (read_numbers(table) < 0).any()
    ]
    if problems:
        raise RecordsError("gaps cannot be listed", problems)
    wanted = {code for area in need["area"] for code in codes_of(area)}
    slots = set(need["slot"].dropna())
    for kind, table in kinds.items():
        strangers = len(wanted - set(table.index))
        if strangers:
            raise GeographyError(
                f"`need` has {strangers} areas for which access to {kind} was not worked out; add them"
            )
        if slots and slots != set(_by_slot(table).columns):
            raise GeographyError(f"the slots of `need` are not those of the access to {kind}; give both the same slots")


def _place(area: Any) -> str:
    return " + ".join(str(code) for code in codes_of(area))


def _people(row: Any) -> str:
    if row.people_low == row.people_high:
        return f"{row.people_high:g} people"
    span = f"{row.people_low:g} to {row.people_high:g} people"
    return span if np.isnan(row.people) else f"about {row.people:g} people ({span})"
