"""Where and when is provision missing for the people the published blocks show?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from commonground.dashboard.within_reach import WithinReach, find_within_reach, listed_services
from commonground.disclosure import Protected
from commonground.study import NeedsPlan, Study
from mapping.access import slot_access, straight_line_cost
from mapping.gaps import ServiceGaps, service_gap
from mapping.hours import slot_supply

__all__ = ["ANY", "Provision", "find_gaps"]

ANY = "any service"


@dataclass(frozen=True, repr=False, eq=False)
class Provision:
    """The list of gaps, made from published blocks and a public list of services.

    Parameters
    ----------
    gaps : ServiceGaps or None
    shown : Protected or None
        The people (or events) whose need it is.
    access : DataFrame
        Places a week per person in need, of any service, by area (rows) and slot (columns).
    services : DataFrame
        service, name, hours: the list of services used.
    slots : tuple of str
    reach : float
        Metres.
    least : float
        Places a week per person below which provision counts as missing.
    note : str
        Why there is no list, when there is none.
    alone : WithinReach or None
        Services within reach, where the study counts nobody's need; there are no gaps and nobody is shown then.
    """

    gaps: ServiceGaps | None = field(repr=False)
    shown: Protected | None = field(repr=False)
    access: pd.DataFrame = field(repr=False)
    services: pd.DataFrame = field(repr=False)
    slots: tuple[str, ...]
    reach: float
    least: float
    note: str
    alone: WithinReach | None = None

    def __repr__(self) -> str:
        return f"Provision(slots={self.slots}, reach={self.reach:g})"


def find_gaps(study: Study, shown: Protected | None) -> Provision:
    """Compare people by block, spread over addresses, with the services they can reach by time of day.

    Parameters
    ----------
    study : Study
        With a needs plan. One that counts nobody's need has no gaps: the services within reach are counted instead.
    shown : Protected or None
        People (or events) by block and phase.

    Returns
    -------
    Provision
        Without a list where nobody may be shown: unknown need is not met need.

    Raises
    ------
    GeographyError
        When the services have no coordinates.
    """
    plan = study.needs
    if plan is None:
        raise ValueError("a study without a needs plan has no gaps to find")
    if plan.provision_only:
        alone = find_within_reach(study)
        slots = tuple(alone.counts.columns.unique(level=1))
        note = alone.sentence
        return Provision(None, None, pd.DataFrame(), pd.DataFrame(), slots, plan.reach, plan.least, note, alone)
    services = [study.records(name).frame for name in plan.services]
    listed = pd.concat(services, ignore_index=True).reindex(columns=["service", "name", "hours"])
    slots = tuple(plan.slots)
    if shown is None:
        note = "Too few people to publish apart, so need is unknown everywhere; unknown is not met."
        return Provision(None, None, pd.DataFrame(), listed, slots, plan.reach, plan.least, note)
    access, placeless = _access(study, plan, len(listed), _spread(shown, study, plan.phase))
    rows = shown.to_frame()
    need = rows[rows["period"] == plan.phase][["areas", "value", "low", "high"]]
    gaps = service_gap(need, access, least=plan.least)
    note = f"{placeless} of the services have no place and are not counted." if placeless else ""
    return Provision(gaps, shown, access[ANY], listed, slots, plan.reach, plan.least, note)


def _access(study: Study, plan: NeedsPlan, listed: int, demand: pd.Series[Any]) -> tuple[dict[str, pd.DataFrame], int]:
    """Return places per person by kind of service, and how many services have no place."""
    table, points = listed_services(study, plan)
    supply = slot_supply(table, plan.slots, hours="hours")
    cost = straight_line_cost(study.areas, points)
    kinds = {ANY: list(table.index)}
    kinds |= {str(kind): list(rows) for kind, rows in table.groupby("service").groups.items()}
    access = {
        kind: slot_access(demand, supply.loc[rows], cost[rows], reach=plan.reach).access for kind, rows in kinds.items()
    }
    return access, listed - len(table)


def _spread(shown: Protected, study: Study, phase: str) -> pd.Series[Any]:
    """Spread each block's label over its areas by addresses, evenly where they are not known; gate.md, step 12."""
    rows = shown.to_frame()
    cells: list[Any] = rows[rows["period"] == phase][["areas", "value"]].to_dict("records")
    demand = pd.Series(float("nan"), index=study.areas.index)
    for cell in cells:
        weight = study.areas["population"].reindex(list(cell["areas"])).astype("float64")
        if weight.isna().any() or not weight.sum():
            weight = pd.Series(1.0, index=weight.index)
        if not pd.isna(cell["value"]):  # a block without a value is unknown, not empty
            demand.loc[weight.index] = float(cell["value"]) * weight / weight.sum()
    return demand
