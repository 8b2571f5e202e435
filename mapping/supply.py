"""Answer which places are open to whom: by group and language, and by time slot.

What a service says of itself is read as it stands: a cell that is empty is unknown, neither open to all nor to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.catchments import read_numbers
from mapping.hours import ORDINARY_WEEKS, SLOTS, open_share, slot_supply

__all__ = ["EVERYONE", "GroupSupply", "accepted_groups", "group_supply", "weekly_supply"]

#: What a service writes that is open to anybody.
EVERYONE: tuple[str, ...] = ("all", "any", "anyone", "anybody", "everyone", "everybody")
WHOLE_DAY: Mapping[str, str] = {"always": "24/7"}


@dataclass(frozen=True, repr=False)
class GroupSupply(Exact):
    """Hold the places that each service offers in each slot, and which groups it accepts.

    Parameters
    ----------
    accepts : DataFrame
        One row per service, one column per group: 1 accepts them, 0 does not, NaN does not say.
    supply : DataFrame
        One row per service, one column per slot: places.
    """

    accepts: pd.DataFrame
    supply: pd.DataFrame

    def __repr__(self) -> str:
        return "GroupSupply(...; call .summary())"

    @property
    def low(self) -> pd.DataFrame:
        """Places by service (rows), group and slot (columns), if no service accepts more groups than it says."""
        return self._places(0.0)

    @property
    def high(self) -> pd.DataFrame:
        """Places by service (rows), group and slot (columns), if every service that does not say accepts the group."""
        return self._places(1.0)

    @property
    def closed(self) -> tuple[tuple[Any, Any], ...]:
        """Groups and slots for which no open service accepts the group, and none may: gaps, wherever people are."""
        shut: dict[Any, Any] = (self.high == 0).all(axis=0).to_dict()
        return tuple(pair for pair, none in shut.items() if none)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and slot: group, slot, places_low, places_high, services_low, services_high."""
        low, high = self.low, self.high
        return pd.DataFrame(
            {
                "group": low.columns.get_level_values(0),
                "slot": low.columns.get_level_values(1),
                "places_low": low.sum().to_numpy(),
                "places_high": high.sum().to_numpy(),
                "services_low": (low > 0).sum().to_numpy(),
                "services_high": (high > 0).sum().to_numpy(),
            }
        )

    def summary(self) -> str:
        """Say for every group and slot how many services are open to it, and what that does not show."""
        rows: list[Any] = list(self.to_frame().itertuples(index=False))
        lines = [
            f"{row.group}, {row.slot}: {_span(row.services_low, row.services_high)} of {len(self.supply)} services, "
            f"{_span(row.places_low, row.places_high)} places."
            for row in rows
        ]
        if self.closed:
            lines.append(f"For {len(self.closed)} groups and slots no open service accepts the group: that is a gap.")
        silent = int(self.accepts.isna().any(axis=1).sum())
        if silent:
            lines.append(f"{silent} services do not say whom they accept: unknown, which is why there are ranges.")
        lines.append(
            "What a service says is not what people meet at the door; the same places are open to several groups."
        )
        return "\n".join(lines)

    def _places(self, unsaid: float) -> pd.DataFrame:
        parts = {group: self.supply.mul(said.fillna(unsaid), axis=0) for group, said in self.accepts.items()}
        return pd.concat(parts, axis=1, names=["group", "slot"])


def group_supply(
    services: pd.DataFrame,
    groups: Mapping[str, Mapping[str, str]],
    supply: pd.DataFrame | None = None,
    *,
    everyone: Iterable[str] = EVERYONE,
) -> GroupSupply:
    """Return the places that each service offers each group in each slot, as ranges where it does not say.

    Parameters
    ----------
    services : DataFrame
        One row per service, with the columns that `groups` asks about, entries separated by ``;``.
    groups : mapping of str to mapping
        {name of the group: {column: entry that a service must have}}, such as
        ``{"Romanian-speaking women": {"eligibility": "women", "languages": "Romanian"}}``; every column must fit. An
        empty mapping is a group that every service accepts.
    supply : DataFrame, optional
        Places by service (rows, the index of `services`) and slot (columns), as `slot_supply` and `weekly_supply`
        return; by default ``slot_supply(services, hours="hours")``.
    everyone : iterable of str
        Entries that accept any group.

    Returns
    -------
    GroupSupply

    Raises
    ------
    RecordsError
        No groups, columns that are missing, or supply of other services.

    Notes
    -----
    Entries are compared without regard to case; "women" does not take in another group that is named otherwise. A
    service's places are counted in full for every group it accepts: `group_access` shares them out.

    Examples
    --------
    >>> import pandas as pd
    >>> services = pd.DataFrame({"eligibility": ["women; trans people", "all", None]}, index=["a", "b", "c"])
    >>> places = pd.DataFrame({"night": [5, 0, 4]}, index=["a", "b", "c"])
    >>> open_to = group_supply(services, {"men": {"eligibility": "men"}}, places)
    >>> open_to.low[("men", "night")].tolist(), open_to.high[("men", "night")].tolist()
    ([0.0, 0.0, 0.0], [0.0, 0.0, 4.0])
    """
    places = slot_supply(services, hours="hours") if supply is None else supply
    _check_supply(services, places)
    table = places.loc[services.index]
    numbers = pd.DataFrame(read_numbers(table), index=table.index, columns=table.columns)
    return GroupSupply(accepted_groups(services, groups, everyone=everyone), numbers)


def accepted_groups(
    services: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], *, everyone: Iterable[str] = EVERYONE
) -> pd.DataFrame:
    """Return which groups each service accepts: 1 it does, 0 it does not, NaN it does not say.

    Parameters
    ----------
    services, groups, everyone
        As in `group_supply`.

    Returns
    -------
    DataFrame
        One row per service, one column per group. 0 as soon as one column shuts the group out, whatever is unknown of
        the others.

    Raises
    ------
    RecordsError
        No groups, or columns that are missing.
    """
    columns = dict.fromkeys(column for wanted in groups.values() for column in wanted)
    problems = [
        Problem(None, column, "a column of this name is needed", "rename the column, or leave it out of `groups`")
        for column in columns
        if column not in services
    ]
    if not groups:
        problems = [Problem(None, "`groups`", "one group at least is needed", "pass {name: {column: entry}}")]
    if problems:
        raise RecordsError("places by group cannot be worked out", problems)
    anybody = {word.casefold() for word in everyone}
    cells = {column: [_entries(cell) for cell in services[column]] for column in columns}

    def fits(entries: frozenset[str] | None, word: str) -> float:
        return np.nan if entries is None else float(bool(entries & (anybody | {word.strip().casefold()})))

    found = pd.DataFrame(1.0, index=services.index, columns=list(groups))
    for group, wanted in groups.items():
        said = [[fits(entries, word) for entries in cells[column]] for column, word in wanted.items()]
        if said:
            table = np.array(said)
            found[group] = np.where((table == 0).any(axis=0), 0.0, table.sum(axis=0) / len(said))  # NaN stays NaN
    return found


def weekly_supply(
    services: pd.DataFrame,
    slots: Mapping[str, str] = SLOTS,
    *,
    hours: str = "hours",
    capacity: str = "capacity",
    days: Iterable[date] = ORDINARY_WEEKS,
) -> pd.DataFrame:
    """Share out the places a week of each service among the slots in which it is open.

    Places = capacity x hours open in the slot / hours open at all. `slot_supply` answers another question: there,
    capacity is what the service offers in a slot through which it is open. A session that sees 20 people in three hours
    of one night has 20 places a week at night here, and a share of 3 of 84 hours, 0.7, there.

    Parameters
    ----------
    services : DataFrame
        One row per service.
    slots : mapping of str to str
        Name and hours of each slot. What lies in no slot is in no column; what lies in two is in both.
    hours, capacity : str
        Columns of opening hours, and of places a week, from 0 up.
    days : iterable of date
        Days over which hours are counted.

    Returns
    -------
    DataFrame
        One row per service, on the index of `services`; one column per slot.

    Raises
    ------
    RecordsError
        As `slot_supply`.

    Examples
    --------
    >>> import pandas as pd
    >>> van = pd.DataFrame({"hours": ["Mo 18:00-21:00"], "capacity": [12]}, index=["van"])
    >>> weekly_supply(van).loc["van"].tolist()
    [8.0, 4.0]
    """
    calendar = tuple(days)
    slot_supply(services, slots, hours=hours, capacity=capacity, days=calendar)  # refuses what cannot be used
    places = read_numbers(services[capacity])[:, 0]
    length = open_share(pd.Series(dict(slots), dtype=object), WHOLE_DAY, days=calendar)["always"]
    always = open_share(services[hours], WHOLE_DAY, days=calendar)["always"].to_numpy()
    a_place = np.divide(places, always, out=np.zeros_like(places), where=always > 0)
    return open_share(services[hours], slots, days=calendar).mul(length, axis=1).mul(a_place, axis=0)


def _check_supply(services: pd.DataFrame, places: Any) -> None:
    rule, help_ = "one row for each service is needed", "pass slot_supply(services, ...)"
    problems = [Problem(None, "`supply`", rule, help_)]
    if isinstance(places, pd.DataFrame) and len(places) == len(services) and places.index.is_unique:
        problems = problems if not services.index.isin(places.index).all() else []
        numbers = read_numbers(places)
        problems += [
            Problem(int(row) + 1, "`supply`", "numbers from 0 up are needed", "correct it; 0 says that there is none")
            for row in np.flatnonzero((~(numbers >= 0) | np.isinf(numbers)).any(axis=1))
        ]
    if problems:
        raise RecordsError("places by group cannot be worked out", problems)


def _entries(cell: Any) -> frozenset[str] | None:
    """Return the entries of a cell, in lower case; None where it is empty, which is unknown."""
    if not isinstance(cell, str):
        return None
    found = frozenset(part.strip().casefold() for part in cell.split(";")) - {""}
    return found or None


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:.3g} to {high:.3g}"
