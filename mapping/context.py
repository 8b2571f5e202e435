"""Answer what kind of place a gap is in, and where nothing is within reach when nobody has counted need.

Population and deprivation stand beside gaps. They are never need: residents are not the people in question, and a place
is not deprived because of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.access import PROVISION_ONLY, ServiceAccess, SlotAccess
from mapping.catchments import read_numbers
from mapping.gaps import SERVICE, ServiceGaps
from mapping.group_gaps import GroupGaps
from mapping.shortfalls import ALWAYS, NONE_OPEN, codes_of

__all__ = ["PREFIX", "ProvisionGaps", "add_context", "provision_gaps"]

#: What every context column begins with, so that nobody takes it for need.
PREFIX = "context_"


@dataclass(frozen=True, repr=False)
class ProvisionGaps(Exact):
    """Hold the areas and slots in which no service is within reach, whoever may be there.

    Parameters
    ----------
    table : DataFrame
        One row per area, slot and kind without a service within reach: area, slot, kind, reason. There are no people in
        it: need was not counted.
    looked_at : int
        Areas, slots and kinds that were looked at.
    context : tuple of str
        Columns that say what kind of place it is, and nothing of need.
    """

    table: pd.DataFrame
    looked_at: int
    context: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "ProvisionGaps(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the areas, slots and kinds without a service, one a row."""
        return self.table.copy()

    def summary(self) -> str:
        """Say that this is provision only, and how often nothing is within reach by slot and kind."""
        lines = [PROVISION_ONLY]
        lines += [
            f"{kind}, {slot}: {len(rows)} areas have no open service within reach."
            for (kind, slot), rows in self.table.groupby(["kind", "slot"], sort=False)
        ]
        none = f"{len(self.table)} of {self.looked_at} areas, slots and kinds have none."
        lines.append(f"{none} Whether anybody misses it is not known.")
        if self.context:
            lines.append(
                "Population and deprivation stand beside the areas as context; no number of people rests on them."
            )
        return "\n".join(lines)


Gaps = TypeVar("Gaps", ServiceGaps, GroupGaps, ProvisionGaps)


def add_context(gaps: Gaps, context: pd.DataFrame, *, sums: Iterable[str] = (), weight: str | None = None) -> Gaps:
    """Join what is known of each place to its gaps, in columns that are marked as context.

    Parameters
    ----------
    gaps : ServiceGaps, GroupGaps or ProvisionGaps
    context : DataFrame
        One row per area code; numbers such as residents and the score of a deprivation index, NaN where unknown.
    sums : iterable of str
        Columns that add up over the areas of a published block, such as residents. The others are averaged.
    weight : str, optional
        Column, such as residents, by which the others are averaged; needed as soon as a block has several areas.

    Returns
    -------
    The same kind of result, its table with one column ``context_...`` more for each of `context`; order, people and
    places are as they were.

    Raises
    ------
    GeographyError
        Areas of gaps that `context` does not have, or has twice.
    RecordsError
        Columns that are not numbers or are there already, `sums` or `weight` that `context` does not have, or blocks to
        average without a weight.

    Notes
    -----
    NaN for a block as soon as one of its areas is unknown. Ranks and deciles have no mean: join scores.

    Examples
    --------
    >>> import pandas as pd
    >>> from mapping.gaps import service_gap
    >>> gaps = service_gap(pd.Series({"A": 40, "B": 9}), pd.Series({"A": 0.0, "B": 0.0}), least=0.05)
    >>> places = pd.DataFrame({"residents": [1500, 1600], "imd_score": [40.5, 12.0]}, index=["A", "B"])
    >>> add_context(gaps, places, sums=["residents"]).table.iloc[:, -2:].columns.tolist()
    ['context_residents', 'context_imd_score']
    """
    summed = tuple(sums)
    areas = [codes_of(area) for area in gaps.table["area"]]
    _check(gaps.table, context, summed, weight, blocks=any(len(codes) > 1 for codes in areas))
    numbers: dict[Any, Any] = dict(zip(context.columns, read_numbers(context).T, strict=True))
    row_of = {code: row for row, code in enumerate(context.index)}
    weights = np.ones(len(context)) if weight is None else numbers[weight]
    table = gaps.table.copy()
    for name, values in numbers.items():
        table[f"{PREFIX}{name}"] = [
            _joined(values[rows], None if name in summed else weights[rows])
            for rows in ([row_of[code] for code in codes] for codes in areas)
        ]
    return replace(gaps, table=table, context=(*gaps.context, *(f"{PREFIX}{name}" for name in numbers)))


def provision_gaps(access: ServiceAccess | SlotAccess | Mapping[str, ServiceAccess | SlotAccess]) -> ProvisionGaps:
    """List where no open service is within reach, when nobody has counted need.

    Parameters
    ----------
    access : ServiceAccess or SlotAccess, or mapping of str to those
        As `service_access` and `slot_access` return, with ``provision_only=True`` or without; by kind of service if a
        mapping.

    Returns
    -------
    ProvisionGaps
        Marked "provision only, no need data". `add_context` puts residents and deprivation beside each area.

    Raises
    ------
    RecordsError
        Anything else than those results.

    Examples
    --------
    >>> import pandas as pd
    >>> from mapping.access import service_access
    >>> residents, places = pd.Series({"A": 1500, "B": 900}, name="residents"), pd.Series({"clinic": 40})
    >>> metres = pd.DataFrame({"clinic": [300, 4000]}, index=["A", "B"])
    >>> found = service_access(residents, places, metres, reach=1000, provision_only=True)
    >>> provision_gaps(found).table.values.tolist()
    [['B', 'any time', 'service', 'no service open within reach']]
    """
    kinds = access if isinstance(access, Mapping) else {SERVICE: access}
    if not kinds or not all(isinstance(found, ServiceAccess | SlotAccess) for found in kinds.values()):
        problem = Problem(None, "`access`", "results of service_access or slot_access are needed", "pass them whole")
        raise RecordsError("provision cannot be listed", [problem])
    rows, looked_at = [], 0
    for kind, found in kinds.items():
        none = found.unreached.to_frame(ALWAYS) if isinstance(found, ServiceAccess) else found.unreached
        looked_at += none.size
        rows += [(area, slot, kind, NONE_OPEN) for slot in none for area in none.index[none[slot]]]
    return ProvisionGaps(pd.DataFrame(rows, columns=["area", "slot", "kind", "reason"], dtype=object), looked_at)


def _joined(values: Any, weights: Any) -> float:
    if weights is None:
        return float(values.sum())
    if len(values) == 1:
        return float(values[0])
    return float(values @ weights / weights.sum()) if weights.sum() > 0 else float("nan")


def _check(
    table: pd.DataFrame, context: pd.DataFrame, sums: tuple[str, ...], weight: str | None, *, blocks: bool
) -> None:
    needed = dict.fromkeys(sums, "`sums`") | ({} if weight is None else {weight: "`weight`"})
    problems = [
        Problem(None, where, "columns of `context` are needed", "name them as it does")
        for where in dict.fromkeys(where for name, where in needed.items() if name not in context)
    ]
    if np.isinf(read_numbers(context)).any():
        problems.append(
            Problem(None, "`context`", "numbers are needed", "leave out names and codes; unknown is missing")
        )
    if any(f"{PREFIX}{name}" in table for name in context):
        problems.append(Problem(None, "`context`", "columns that are not there already are needed", "join them once"))
    if blocks and weight is None and set(context.columns) - set(sums):
        problems.append(Problem(None, "`weight`", "a column to average blocks by is needed", "pass residents"))
    if problems:
        raise RecordsError("context cannot be joined", problems)
    strangers = {code for area in table["area"] for code in codes_of(area)} - set(context.index)
    if strangers or not context.index.is_unique:
        raise GeographyError(f"`context` lacks {len(strangers)} areas of the gaps, or has one twice; give one row each")
