"""Answer where, when and for how many people provision is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.access import read_numbers

__all__ = ["ServiceGaps", "service_gap"]

#: Slot of tables that have none, and kind of service when only one table of access is given.
ALWAYS, SERVICE = "any time", "service"
NONE_OPEN, NOT_KNOWN = "no service open within reach", "provision not known"
BOUNDS = ("value", "low", "high")
COLUMNS = ["area", "slot", "kind", "people", "people_low", "people_high", "access", "places_short", "reason"]


@dataclass(frozen=True, repr=False)
class ServiceGaps(Exact):
    """Hold the list of places and times where provision falls short of need.

    Parameters
    ----------
    table : DataFrame
        One row per gap, most people first, unknown need last: area (a code, or a tuple of codes for a published block),
        slot, kind, people (in need there and then), people_low, people_high, access (places per person in need),
        places_short (people x what is missing), reason. NaN is unknown, never 0.
    least : dict
        Places per person in need, by kind, below which provision counts as missing.
    unknown_need : int
        Combinations of area and slot whose need nobody knows.
    unknown_provision : int
        Combinations of area, slot and kind whose provision nobody knows.
    """

    table: pd.DataFrame
    least: Mapping[str, float]
    unknown_need: int
    unknown_provision: int

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
            lines.append(f"{_place(row.area)}, {row.slot}, {row.kind}: {_people(row)} in need, {row.reason}.")
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
        return "\n".join(lines)


def service_gap(
    need: pd.Series[Any] | pd.DataFrame,
    access: pd.Series[Any] | pd.DataFrame | Mapping[str, pd.Series[Any] | pd.DataFrame],
    *,
    least: float | Mapping[str, float],
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
    access : Series or DataFrame, or mapping of str to those
        Places per person in need by area, or area and slot, as `service_access` and `slot_access` return; by kind of
        service if a mapping. NaN where provision is not known.
    least : float or mapping of str to float
        Places per person below which provision is missing; by kind if a mapping. 0.05 is five places per 100 people.

    Returns
    -------
    ServiceGaps
        ``.table`` with area, slot, kind, people, people_low, people_high, access, places_short and reason, sorted by
        the number of people.

    Raises
    ------
    GeographyError
        Need for areas, or slots, that no access was worked out for.
    RecordsError
        Need below 0, bounds that do not hold the value, a `least` not above 0 or not given for a kind.

    Notes
    -----
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
    kinds = access if isinstance(access, Mapping) else {SERVICE: access}
    enough = dict(least) if isinstance(least, Mapping) else dict.fromkeys(kinds, float(least))
    people = _tidy_need(need)
    _check(people, kinds, enough)
    found = [_gaps_of_kind(people, _by_slot(table), kind, enough[kind]) for kind, table in kinds.items()]
    rows = pd.concat(found, ignore_index=True)
    unknown = rows[rows["people_high"].isna()].drop_duplicates(["area", "slot"])
    provision = rows["reason"] == NOT_KNOWN
    gaps = rows[rows["reason"].ne("") & ~provision & ~rows["people_high"].eq(0)]
    order = gaps.assign(likely=gaps["people"].fillna((gaps["people_low"] + gaps["people_high"]) / 2))
    order = order.sort_values(["likely", "people_high"], ascending=False, kind="stable", na_position="last")
    return ServiceGaps(
        table=order[COLUMNS].reset_index(drop=True),
        least=enough,
        unknown_need=len(unknown),
        unknown_provision=int(provision.sum()),
    )


def _tidy_need(need: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    """Return need as area, slot (None when it is the same in all), people, people_low, people_high."""
    if isinstance(need, pd.DataFrame) and set(BOUNDS) <= set(need.columns):
        given: pd.DataFrame = need.reset_index() if not {"area", "areas"} & set(need.columns) else need
        where = next((name for name in ("area", "areas") if name in given), given.columns[0])
        slot = given.get("slot")
        area, numbers = given[where].tolist(), [*read_numbers(given[[*BOUNDS]]).T]
    else:
        if isinstance(need, pd.Series) and need.index.nlevels == 2:
            need = need.unstack()
        table = need.to_frame() if isinstance(need, pd.Series) else need
        area = [code for code in table.index for _ in table.columns]
        slot = None if isinstance(need, pd.Series) else pd.Series(list(table.columns) * len(table), dtype=object)
        numbers = [read_numbers(table).ravel()] * 3
    tidy = pd.DataFrame(
        {"area": pd.Series(area, dtype=object), "slot": None if slot is None else slot.to_numpy(object)}
    )
    tidy["people"], tidy["people_low"], tidy["people_high"] = numbers
    # A block published as one code is that area.
    tidy["area"] = pd.Series([a[0] if isinstance(a, tuple) and len(a) == 1 else a for a in area], dtype=object)
    return tidy


def _by_slot(access: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    return access.to_frame(ALWAYS) if isinstance(access, pd.Series) else access


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
    wanted = {code for area in need["area"] for code in _codes(area)}
    slots = set(need["slot"].dropna())
    for kind, table in kinds.items():
        strangers = len(wanted - set(table.index))
        if strangers:
            raise GeographyError(
                f"`need` has {strangers} areas for which access to {kind} was not worked out; add them"
            )
        if slots and slots != set(_by_slot(table).columns):
            raise GeographyError(f"the slots of `need` are not those of the access to {kind}; give both the same slots")


def _gaps_of_kind(need: pd.DataFrame, access: pd.DataFrame, kind: str, least: float) -> pd.DataFrame:
    """Return one row per area and slot, with an empty reason where provision is enough."""
    slots = list(access.columns)
    seen = {code for area in need["area"] for code in _codes(area)}
    unseen = pd.DataFrame({"area": pd.Series([code for code in access.index if code not in seen], dtype=object)})
    people = pd.concat([need, unseen.assign(slot=None)], ignore_index=True)
    same = people["slot"].isna()
    rows = pd.concat([people[~same], *(people[same].assign(slot=slot) for slot in slots)], ignore_index=True)
    values = access.to_numpy(np.float64, na_value=np.nan)
    row_of, column_of = ({name: i for i, name in enumerate(axis)} for axis in (access.index, slots))
    members = [
        values[[row_of[code] for code in _codes(area)], column_of[slot]]
        for area, slot in zip(rows["area"], rows["slot"], strict=True)
    ]
    rows["access"] = [float(m.mean()) for m in members]
    short = np.array([float((m < least).sum()) for m in members])
    partly = (short > 0) & (short < [len(m) for m in members])
    rows["reason"] = [_reason(m, least) for m in members]
    rows["places_short"] = rows["people"] * (least - rows["access"]).clip(lower=0)
    rows.loc[partly, ["people", "places_short"]] = np.nan
    rows.loc[partly & rows["people_high"].notna().to_numpy(), "people_low"] = 0.0
    return rows.assign(kind=kind)


def _reason(access: Any, least: float) -> str:
    if np.isnan(access).any():
        return NOT_KNOWN
    short = access < least
    if not short.any():
        return ""
    text = NONE_OPEN if (access[short] == 0).all() else f"below {least * 100:g} places per 100 people"
    return text if short.all() else f"{text} in {int(short.sum())} of {len(access)} areas"


def _codes(area: Any) -> tuple[Any, ...]:
    return area if isinstance(area, tuple) else (area,)


def _place(area: Any) -> str:
    return " + ".join(str(code) for code in _codes(area))


def _people(row: Any) -> str:
    if row.people_low == row.people_high:
        return f"{row.people_high:g} people"
    span = f"{row.people_low:g} to {row.people_high:g} people"
    return span if np.isnan(row.people) else f"about {row.people:g} people ({span})"
