"""Answer how much provision each group can reach in each area and slot, and where nobody accepts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.access import PROVISION_ONLY
from mapping.catchments import check_amounts, check_basis, reach_weights, read_numbers
from mapping.supply import GroupSupply

__all__ = ["GroupAccess", "group_access"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class GroupAccess(Exact):
    """Hold the provision that each group can reach, as ranges where services do not say whom they accept.

    Parameters
    ----------
    low, high : DataFrame
        One row per area, one column per group and slot: fewest and most places per person in need.
    unreached : DataFrame of bool
        No open service within reach accepts the group, or may.
    unsaid : DataFrame of bool
        Open services are within reach, and of all that may accept the group none says so.
    reach : float
        Largest cost that counts as within reach.
    notes : tuple of str
        What must be kept in mind.
    provision_only : bool
        True when demand was residents, not people in need.
    """

    low: pd.DataFrame
    high: pd.DataFrame
    unreached: pd.DataFrame
    unsaid: pd.DataFrame
    reach: float
    notes: tuple[str, ...]
    provision_only: bool = False

    def __repr__(self) -> str:
        return "GroupAccess(...; call .summary())"

    @property
    def groups(self) -> tuple[Any, ...]:
        """Names of the groups."""
        return tuple(dict.fromkeys(self.low.columns.get_level_values(0)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per area, group and slot: area, group, slot, access_low, access_high, unreached, unsaid."""
        pairs = len(self.low.columns)
        frame = pd.DataFrame({"area": np.repeat(self.low.index, pairs)})
        for level, name in enumerate(("group", "slot")):
            frame[name] = np.tile(self.low.columns.get_level_values(level), len(self.low))
        tables = {"access_low": self.low, "access_high": self.high, "unreached": self.unreached, "unsaid": self.unsaid}
        return frame.assign(**{name: table.to_numpy().ravel() for name, table in tables.items()})

    def summary(self) -> str:
        """Say for each group and slot in how many areas nothing accepts it, and what that does not show."""
        lines = []
        for pair in self.low.columns.tolist():
            none, silent = (int(table[pair].sum()) for table in (self.unreached, self.unsaid))
            text = f"{pair[0]}, {pair[1]}: in {none} of {len(self.low)} areas no open service within reach accepts them"
            lines.append(text + (f", in {silent} more none says so." if silent else "."))
        person = "resident" if self.provision_only else "person in need"
        lines.append(f"Access is places per {person}. It does not show whether people feel safe going.")
        return "\n".join([*lines, *self.notes])


def group_access(
    demand: pd.DataFrame,
    supply: GroupSupply,
    cost: pd.DataFrame,
    *,
    reach: float,
    decay: Mapping[float, float] | None = None,
    provision_only: bool = False,
) -> GroupAccess:
    """Share each service among the people whom it accepts and who can reach it, group by group.

    R_j = S_j / sum over areas and the groups that j accepts of D_ig w_ij; A_ig = sum of R_j w_ij over the services that
    accept g: `service_access` with a person's place in the sums depending on group as well as distance.

    Parameters
    ----------
    demand : DataFrame
        People in need: one row per area, one column per group, or per group and slot; NaN where unknown. A group of
        `supply` without a column is unknown everywhere.
    supply : GroupSupply
        Whom each service accepts, and its places by slot.
    cost, reach, decay, provision_only
        As in `service_access`.

    Returns
    -------
    GroupAccess
        Each cell lies between the least and the most it can be over every way in which the services that do not say may
        accept or refuse each group; both are reached.

    Raises
    ------
    GeographyError, RecordsError
        As in `service_access`; also groups or slots of demand that `supply` does not know.

    Notes
    -----
    The groups must be of people counted once: someone in two columns is counted as two people. The ranges of two cells
    need not be reached together. A service that nobody in need can use is left out, as in `service_access`.

    References
    ----------
    Luo and Wang (2003), Environment and Planning B 30:865.

    Examples
    --------
    >>> import pandas as pd
    >>> from mapping.supply import group_supply
    >>> services = pd.DataFrame({"eligibility": ["women", None]}, index=["drop-in", "clinic"])
    >>> places = pd.DataFrame({"day": [6, 10]}, index=services.index)
    >>> open_to = group_supply(services, {name: {"eligibility": name} for name in ("women", "men")}, places)
    >>> minutes = pd.DataFrame({"drop-in": [5], "clinic": [5]}, index=["A"])
    >>> found = group_access(pd.DataFrame({"women": [20], "men": [5]}, index=["A"]), open_to, minutes, reach=30)
    >>> found.low.loc["A"].tolist(), found.high.loc["A"].tolist()
    ([0.3, 0.0], [0.8, 2.0])
    """
    check_basis(demand, provision_only)
    people = _by_group_and_slot(demand, supply)
    weight = reach_weights(cost, people.index, supply.supply.index, reach, decay)
    check_amounts(people, supply.supply)
    groups, slots = list(supply.accepts.columns), list(supply.supply.columns)
    reaching = (weight.T @ np.nan_to_num(read_numbers(people))).reshape(len(weight.T), len(groups), len(slots))
    places, accepts = read_numbers(supply.supply), read_numbers(supply.accepts)
    tables: list[Any] = []
    for own in range(len(groups)):
        ratios = _ratios(places, accepts, reaching, own)
        tables.append((*(weight @ ratio for ratio in ratios), *_shut_out(weight, places, accepts[:, own])))
    made = [pd.DataFrame(np.hstack(part), people.index, people.columns) for part in zip(*tables, strict=True)]
    low, high, none, unsaid = made
    notes = _notes(people, supply, provision_only)
    return GroupAccess(low, high, none, unsaid, float(reach), notes, provision_only)


def _by_group_and_slot(demand: pd.DataFrame, supply: GroupSupply) -> pd.DataFrame:
    """Return demand with one column per group and slot of the supply; groups that nobody counted are NaN."""
    groups, slots = list(supply.accepts.columns), list(supply.supply.columns)
    wanted = pd.MultiIndex.from_product([groups, slots], names=["group", "slot"])
    by_slot = demand.columns.nlevels == 2
    if not demand.columns.isin(wanted if by_slot else groups).all() or not demand.columns.is_unique:
        problem = Problem(
            None, "`demand`", "columns that are groups, or groups and slots, of `supply` are needed, once each",
            "name them as in group_supply",
        )  # fmt: skip
        raise RecordsError("access by group cannot be worked out", [problem])
    if not demand.index.is_unique:
        raise GeographyError("`demand` has an area twice; add its rows up")
    if by_slot:
        return demand.reindex(columns=wanted)
    parts = {(group, slot): demand.get(group, np.nan) for group, slot in wanted}
    return pd.DataFrame(parts, index=demand.index).set_axis(wanted, axis=1)


def _ratios(places: Array, accepts: Array, reaching: Array, own: int) -> tuple[Array, Array]:
    """Return the least and the most places per person (service x slot) that a service can mean to one group.

    It means least when every other group that it may accept comes too, and most when none of those does; and nothing to
    a group that it shuts out.
    """
    others = np.delete(reaching, own, axis=1)
    said = np.delete(accepts, own, axis=1)[:, :, None]
    certain = reaching[:, own] + (others * (said == 1)).sum(axis=1)
    possible = others * np.isnan(said)
    # with nobody certain to come, a service is left out unless some group comes: the smallest makes it mean most
    smallest = np.where(possible > 0, possible, np.inf).min(axis=1, initial=np.inf)
    most, least = (
        np.where(certain > 0, certain, smallest),
        np.where(certain > 0, certain + possible.sum(axis=1), np.inf),
    )
    mine = accepts[:, own][:, None]
    high = np.where(mine == 0, 0.0, places / most)
    return np.where(mine == 1, places / least, 0.0), high


def _shut_out(weight: Array, places: Array, mine: Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return whether no open service in reach may accept the group, and whether one may but none says so."""
    near = (weight > 0).astype(np.float64)
    certain, possible = (near @ ((places > 0) & said[:, None]) for said in (mine == 1, mine != 0))
    return possible == 0, (certain == 0) & (possible > 0)


def _notes(people: pd.DataFrame, supply: GroupSupply, provision_only: bool) -> tuple[str, ...]:
    notes = [PROVISION_ONLY] if provision_only else []
    unknown = [group for group in supply.accepts if people[group].isna().to_numpy().any()]
    if unknown:
        notes.append(
            f"Need is unknown somewhere for {len(unknown)} groups and was left out of the sums: the access of all who "
            "share a service with them is an upper bound."
        )
    return tuple(notes)
