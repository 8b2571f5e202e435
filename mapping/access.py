"""Answer how much provision each area can reach, by the time of day if need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.costs import straight_line_cost
from mapping.hours import SLOTS, open_share, slot_supply

__all__ = [
    "SLOTS",
    "ServiceAccess",
    "SlotAccess",
    "open_share",
    "service_access",
    "slot_access",
    "slot_supply",
    "straight_line_cost",
]


@dataclass(frozen=True, repr=False)
class ServiceAccess(Exact):
    """Hold the provision that each area can reach.

    Parameters
    ----------
    access : Series
        Places per person in need, by area; 0 where nothing is within reach.
    ratio : Series
        Places per person within reach, by service; NaN for a service that no one in need can reach.
    unreached : Series of bool
        Areas with no service that has any capacity within reach.
    unused : tuple
        Services left out because no one in need is within their reach.
    reach : float
        Largest cost that counts as within reach, in the units of the cost.
    notes : tuple of str
        What must be kept in mind.
    """

    access: pd.Series[Any]
    ratio: pd.Series[Any]
    unreached: pd.Series[Any]
    unused: tuple[Any, ...]
    reach: float
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "ServiceAccess(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return access and unreached, one row per area."""
        return pd.DataFrame({"access": self.access, "unreached": self.unreached})

    def summary(self) -> str:
        """Say how many areas reach something, and what that does not show."""
        lines = [
            f"{int(self.unreached.sum())} of {len(self.access)} areas have no service within reach ({self.reach:g}).",
            "Access is places per person in need, shared with everyone else who can reach the same service. It does "
            "not show opening hours, who may use a service, or whether people feel safe going.",
        ]
        return "\n".join([*lines, *self.notes])


@dataclass(frozen=True, repr=False)
class SlotAccess(Exact):
    """Hold the provision that each area can reach in each time slot.

    Parameters
    ----------
    access, unreached : DataFrame
        One row per area, one column per slot: places per person in need, and whether no open service is in reach.
    ratio : DataFrame
        One row per service, one column per slot: places per person within reach.
    reach : float
        Largest cost that counts as within reach.
    notes : tuple of str
        What must be kept in mind.
    """

    access: pd.DataFrame
    unreached: pd.DataFrame
    ratio: pd.DataFrame
    reach: float
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "SlotAccess(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per area and slot: area, slot, access, unreached."""
        return pd.DataFrame(
            {
                "area": np.repeat(self.access.index, len(self.access.columns)),
                "slot": np.tile(self.access.columns, len(self.access)),
                "access": self.access.to_numpy().ravel(),
                "unreached": self.unreached.to_numpy().ravel(),
            }
        )

    def summary(self) -> str:
        """Say in which slots areas reach nothing, and what that does not show."""
        lines = [
            f"{slot}: {int(none.sum())} of {len(none)} areas have no open service within reach ({self.reach:g})."
            for slot, none in self.unreached.items()
        ]
        lines.append("Access is places per person in need. It does not show whether people feel safe going.")
        return "\n".join([*lines, *self.notes])


def service_access(
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    cost: pd.DataFrame,
    *,
    reach: float,
    decay: Mapping[float, float] | None = None,
) -> ServiceAccess:
    """Share each service among the people who can reach it, and add up what each area gets.

    Two-step floating catchment: R_j = S_j / sum of D_i w_ij, A_i = sum of R_j w_ij, where w is 1 within `reach` and 0
    beyond. With `decay`, w falls in steps in both sums (the enhanced version). The sum of demand times access is the
    sum of the supply that someone in need can reach.

    Parameters
    ----------
    demand : Series
        People in need per area; NaN where unknown.
    supply : Series
        Places per service, from 0 up.
    cost : DataFrame
        One row per area, one column per service: cost from the person to the service (metres, minutes), NaN where
        there is no way.
    reach : float
        Largest cost, inclusive, that counts as within reach.
    decay : mapping of float to float, optional
        {limit: weight}: the weight up to each limit, inclusive, such as {10: 1, 30: 0.68, 60: 0.22}; 0 beyond the last.

    Returns
    -------
    ServiceAccess
        ``.access`` and ``.unreached`` on the index of `demand`, ``.ratio`` on that of `supply`.

    Raises
    ------
    GeographyError
        A cost matrix that is transposed, or whose areas or services differ from those of demand and supply.
    RecordsError
        Negative demand, capacity or cost, a missing capacity, or a reach or decay that cannot be used.

    Notes
    -----
    Where demand is unknown it is left out of the sums, so that access near such areas is an upper bound; the notes
    say so. All people in an area are taken to stand where its cost is measured from.

    References
    ----------
    Luo and Wang (2003), Environment and Planning B 30:865; Luo and Qi (2009), Health and Place 15:1100.

    Examples
    --------
    >>> import pandas as pd
    >>> people, places = pd.Series({"A": 100, "B": 50}), pd.Series({"clinic": 15})
    >>> minutes = pd.DataFrame({"clinic": [5, 90]}, index=["A", "B"])
    >>> service_access(people, places, minutes, reach=30).access.tolist()
    [0.15, 0.0]
    """
    weight = _weights(cost, demand.index, supply.index, reach, decay)
    _check_amounts(demand, supply)
    found, ratio, unreached = _catchments(read_numbers(demand), read_numbers(supply), weight)
    ratios = pd.Series(ratio[:, 0], index=supply.index, name="ratio")
    return ServiceAccess(
        access=pd.Series(found[:, 0], index=demand.index, name="access"),
        ratio=ratios,
        unreached=pd.Series(unreached[:, 0], index=demand.index, name="unreached"),
        unused=tuple(ratios.index[ratios.isna()]),
        reach=float(reach),
        notes=_said(demand.isna(), int(ratios.isna().sum())),
    )


def slot_access(
    demand: pd.Series[Any] | pd.DataFrame,
    supply: pd.DataFrame,
    cost: pd.DataFrame,
    *,
    reach: float,
    decay: Mapping[float, float] | None = None,
) -> SlotAccess:
    """Work out service_access for every time slot at once.

    Parameters
    ----------
    demand : Series or DataFrame
        People in need per area, or per area (rows) and slot (columns, the same as those of `supply`).
    supply : DataFrame
        Places per service (rows) and slot (columns), such as `slot_supply` returns.
    cost, reach, decay
        As in `service_access`.

    Returns
    -------
    SlotAccess
        ``.access``, ``.unreached`` and ``.ratio``, one column per slot.

    Raises
    ------
    GeographyError, RecordsError
        As in `service_access`; also slots that differ between demand and supply.
    """
    people = demand if isinstance(demand, pd.DataFrame) else pd.DataFrame(dict.fromkeys(supply.columns, demand))
    if set(people.columns) != set(supply.columns):
        problem = Problem(None, "`demand`", "the slots of `supply` are needed", "give both the same columns")
        raise RecordsError("access cannot be worked out", [problem])
    people = people[[*supply.columns]]
    weight = _weights(cost, people.index, supply.index, reach, decay)
    _check_amounts(people, supply)
    found, ratio, unreached = _catchments(read_numbers(people), read_numbers(supply), weight)
    return SlotAccess(
        access=pd.DataFrame(found, index=people.index, columns=supply.columns),
        unreached=pd.DataFrame(unreached, index=people.index, columns=supply.columns),
        ratio=pd.DataFrame(ratio, index=supply.index, columns=supply.columns),
        reach=float(reach),
        notes=_said(people.isna().any(axis=1), int(np.isnan(ratio).all(axis=1).sum())),
    )


def _weights(cost: pd.DataFrame, areas: Any, services: Any, reach: float, decay: Mapping[float, float] | None) -> Any:
    _check_matrix(cost, areas, services)
    steps = {float(reach): 1.0} if decay is None else {float(limit): float(decay[limit]) for limit in sorted(decay)}
    d = read_numbers(cost.loc[areas, services])
    checks = (
        ("`reach`", reach > 0, "a cost above 0 is needed", "use the units of `cost`"),
        ("`decay`", min(steps.values(), default=-1) >= 0, "weights from 0 up are needed", "pass {limit: weight}"),
        ("`cost`", not (d < 0).any(), "costs from 0 up are needed", "leave a cost missing where there is no way"),
    )
    wrong = [Problem(None, name, need, help_) for name, fine, need, help_ in checks if not fine]
    if wrong:
        raise RecordsError("access cannot be worked out", wrong)
    by_step = np.array([*steps.values(), 0.0])
    step = np.searchsorted(np.array(list(steps)), d, side="left")  # NaN sorts beyond the last limit
    return np.where(d <= reach, by_step[step], 0.0)


def _check_matrix(cost: pd.DataFrame, areas: Any, services: Any) -> None:
    def same(mine: Any, theirs: Any) -> bool:
        return len(mine) == len(theirs) and mine.is_unique and theirs.is_unique and bool(mine.isin(theirs).all())

    if same(cost.index, areas) and same(cost.columns, services):
        return
    if same(cost.index, services) and same(cost.columns, areas):
        raise GeographyError("`cost` is transposed: areas belong in the rows and services in the columns; pass cost.T")
    raise GeographyError(
        f"`cost` has {len(cost.index)} rows and {len(cost.columns)} columns that do not match the {len(areas)} areas "
        f"of `demand` and the {len(services)} services of `supply`, one each; reindex it to them"
    )


def _check_amounts(demand: Any, supply: Any) -> None:
    problems = []
    for name, values, may_miss in (("`demand`", demand, True), ("`supply`", supply, False)):
        numbers = read_numbers(values)
        bad = (numbers < 0) | np.isinf(numbers) | (np.isnan(numbers) & (not may_miss))
        rows, help_ = np.flatnonzero(bad.any(axis=1)), "correct it; 0 says that there is none"
        problems += [Problem(int(row) + 1, name, "a number from 0 up is needed", help_) for row in rows]
    if problems:
        raise RecordsError("access cannot be worked out", problems)


def _catchments(demand: Any, supply: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return access (area x slot), ratio (service x slot) and whether nothing open is in reach."""
    reaching = weight.T @ np.nan_to_num(demand)
    ratio = np.divide(supply, reaching, out=np.full_like(supply, np.nan), where=reaching > 0)
    open_in_reach = (weight > 0).astype(np.float64) @ (supply > 0)
    return weight @ np.nan_to_num(ratio), ratio, open_in_reach == 0


def read_numbers(values: pd.Series[Any] | pd.DataFrame) -> Any:
    """Return a table's numbers, NaN where missing; text becomes minus infinite, which no check of ours lets pass."""
    table = pd.DataFrame(values)
    found = table.apply(pd.to_numeric, errors="coerce")
    return found.mask(found.isna() & table.notna(), -np.inf).to_numpy(dtype=np.float64, na_value=np.nan)


def _said(unknown: pd.Series[Any], unused: int) -> tuple[str, ...]:
    notes = []
    if unused:
        notes.append(f"{unused} services have no one in need within reach and were left out.")
    if unknown.any():
        where = f"in {int(unknown.sum())} areas"
        notes.append(f"Need is unknown {where} and was left out of the sums: access near them is an upper bound.")
    return tuple(notes)
