"""Answer how much provision each area can reach, by the time of day if need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.catchments import check_amounts, check_basis, reach_weights, read_numbers, two_steps
from mapping.costs import straight_line_cost
from mapping.hours import SLOTS, open_share, slot_supply

__all__ = [
    "PROVISION_ONLY",
    "SLOTS",
    "ServiceAccess",
    "SlotAccess",
    "open_share",
    "service_access",
    "slot_access",
    "slot_supply",
    "straight_line_cost",
]

#: First note of every result in which residents stand where people in need belong.
PROVISION_ONLY = (
    "Provision only, no need data: places per resident. Where people in need are is not known, and neither residents "
    "nor deprivation say it."
)


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
    provision_only : bool
        True when demand was residents, not people in need.
    """

    access: pd.Series[Any]
    ratio: pd.Series[Any]
    unreached: pd.Series[Any]
    unused: tuple[Any, ...]
    reach: float
    notes: tuple[str, ...]
    provision_only: bool = False

    def __repr__(self) -> str:
        return "ServiceAccess(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return access (places_per_resident where demand was residents) and unreached, one row per area."""
        return pd.DataFrame({_column(self.provision_only): self.access, "unreached": self.unreached})

    def summary(self) -> str:
        """Say how many areas reach something, and what that does not show."""
        lines = [
            f"{int(self.unreached.sum())} of {len(self.access)} areas have no service within reach ({self.reach:g}).",
            f"Access is places per {_person(self.provision_only)}, shared with everyone else who can reach the same "
            "service. It does not show opening hours, who may use a service, or whether people feel safe going.",
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
    provision_only : bool
        True when demand was residents, not people in need.
    """

    access: pd.DataFrame
    unreached: pd.DataFrame
    ratio: pd.DataFrame
    reach: float
    notes: tuple[str, ...]
    provision_only: bool = False

    def __repr__(self) -> str:
        return "SlotAccess(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per area and slot: area, slot, access (or places_per_resident), unreached."""
        return pd.DataFrame(
            {
                "area": np.repeat(self.access.index, len(self.access.columns)),
                "slot": np.tile(self.access.columns, len(self.access)),
                _column(self.provision_only): self.access.to_numpy().ravel(),
                "unreached": self.unreached.to_numpy().ravel(),
            }
        )

    def summary(self) -> str:
        """Say in which slots areas reach nothing, and what that does not show."""
        lines = [
            f"{slot}: {int(none.sum())} of {len(none)} areas have no open service within reach ({self.reach:g})."
            for slot, none in self.unreached.items()
        ]
        person = _person(self.provision_only)
        lines.append(f"Access is places per {person}. It does not show whether people feel safe going.")
        return "\n".join([*lines, *self.notes])


def service_access(
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    cost: pd.DataFrame,
    *,
    reach: float,
    decay: Mapping[float, float] | None = None,
    provision_only: bool = False,
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
    provision_only : bool
        Say that `demand` is residents, because nobody has counted people in need. The result is marked so, and
        `service_gap` does not take it.

    Returns
    -------
    ServiceAccess
        ``.access`` and ``.unreached`` on the index of `demand`, ``.ratio`` on that of `supply`.

    Raises
    ------
    GeographyError
        A cost matrix that is transposed, or whose areas or services differ from those of demand and supply.
    RecordsError
        Negative demand, capacity or cost, a missing capacity, a reach or decay that cannot be used, or demand whose
        name says that it counts residents or ranks deprivation, unless `provision_only`.

    Notes
    -----
    Where demand is unknown it is left out of the sums, so that access near such areas is an upper bound; the notes
    say so. All people in an area are taken to stand where its cost is measured from. A matrix whose rows and columns
    bear the same labels could be transposed without anybody noticing: name areas and services apart.

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
    check_basis(demand, provision_only)
    weight = reach_weights(cost, demand.index, supply.index, reach, decay)
    check_amounts(demand, supply)
    found, ratio, unreached = two_steps(read_numbers(demand), read_numbers(supply), weight)
    ratios = pd.Series(ratio[:, 0], index=supply.index, name="ratio")
    return ServiceAccess(
        access=_marked(pd.Series(found[:, 0], index=demand.index, name="access"), provision_only),
        ratio=ratios,
        unreached=pd.Series(unreached[:, 0], index=demand.index, name="unreached"),
        unused=tuple(ratios.index[ratios.isna()]),
        reach=float(reach),
        notes=_said(demand.isna(), int(ratios.isna().sum()), provision_only),
        provision_only=provision_only,
    )


def slot_access(
    demand: pd.Series[Any] | pd.DataFrame,
    supply: pd.DataFrame,
    cost: pd.DataFrame,
    *,
    reach: float,
    decay: Mapping[float, float] | None = None,
    provision_only: bool = False,
) -> SlotAccess:
    """Work out service_access for every time slot at once.

    Parameters
    ----------
    demand : Series or DataFrame
        People in need per area, or per area (rows) and slot (columns, the same as those of `supply`).
    supply : DataFrame
        Places per service (rows) and slot (columns), such as `slot_supply` returns.
    cost, reach, decay, provision_only
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
    check_basis(demand, provision_only)
    people = demand if isinstance(demand, pd.DataFrame) else pd.DataFrame(dict.fromkeys(supply.columns, demand))
    if set(people.columns) != set(supply.columns):
        problem = Problem(None, "`demand`", "the slots of `supply` are needed", "give both the same columns")
        raise RecordsError("access cannot be worked out", [problem])
    people = people[[*supply.columns]]
    weight = reach_weights(cost, people.index, supply.index, reach, decay)
    check_amounts(people, supply)
    found, ratio, unreached = two_steps(read_numbers(people), read_numbers(supply), weight)
    return SlotAccess(
        access=_marked(pd.DataFrame(found, index=people.index, columns=supply.columns), provision_only),
        unreached=pd.DataFrame(unreached, index=people.index, columns=supply.columns),
        ratio=pd.DataFrame(ratio, index=supply.index, columns=supply.columns),
        reach=float(reach),
        notes=_said(people.isna().any(axis=1), int(np.isnan(ratio).all(axis=1).sum()), provision_only),
        provision_only=provision_only,
    )


def _marked(access: Any, provision_only: bool) -> Any:
    """Let a table that was taken out of its result still say what it is."""
    access.attrs["provision_only"] = provision_only
    return access


def _person(provision_only: bool) -> str:
    return "resident" if provision_only else "person in need"


def _column(provision_only: bool) -> str:
    return "places_per_resident" if provision_only else "access"


def _said(unknown: pd.Series[Any], unused: int, provision_only: bool) -> tuple[str, ...]:
    person, what = ("resident", "The number of residents is") if provision_only else ("one in need", "Need is")
    notes = [PROVISION_ONLY] if provision_only else []
    if unused:
        notes.append(f"{unused} services have no {person} within reach and were left out.")
    if unknown.any():
        where = f"in {int(unknown.sum())} areas"
        notes.append(f"{what} unknown {where} and was left out of the sums: access near them is an upper bound.")
    return tuple(notes)
