"""Answer who can reach what, and how many share it: the two steps of a floating catchment, on plain arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError

__all__ = ["check_amounts", "check_basis", "names_stand_ins", "reach_weights", "read_numbers", "two_steps"]

Array = npt.NDArray[np.float64]
WHAT = "access cannot be worked out"
#: Words in the name of a column that counts residents or ranks places, and says nothing of need.
STAND_INS = re.compile(
    r"(?<![a-z])(populations?|residents?|address(es)?|households?|dwellings?|imd|deprivation|deciles?|ranks?)(?![a-z])"
)


def reach_weights(
    cost: pd.DataFrame, areas: Any, services: Any, reach: float, decay: Mapping[float, float] | None
) -> Array:
    """Return the weight of each area (rows) at each service (columns): 1 or that of `decay` within reach, else 0.

    Parameters
    ----------
    cost : DataFrame
        One row per area, one column per service; NaN where there is no way.
    areas, services : Index
        What the matrix must hold, once each; the result is in their order.
    reach : float
        Largest cost within reach, inclusive.
    decay : mapping of float to float or None
        {limit: weight}, limits inclusive.

    Raises
    ------
    GeographyError
        A matrix that is transposed or belongs to others.
    RecordsError
        Negative costs, a reach not above 0 or without end, negative weights.
    """
    _check_matrix(cost, areas, services)
    steps = {float(reach): 1.0} if decay is None else {float(limit): float(decay[limit]) for limit in sorted(decay)}
    d = read_numbers(cost.loc[areas, services])
    usable = bool(steps) and all(0 <= weight < np.inf for weight in steps.values())
    checks = (
        ("`reach`", 0 < reach < np.inf, "a cost above 0 is needed", "use the units of `cost`"),
        ("`decay`", usable, "weights from 0 up are needed", "pass {limit: weight}"),
        ("`cost`", not (d < 0).any(), "costs from 0 up are needed", "leave a cost missing where there is no way"),
    )
    wrong = [Problem(None, name, need, help_) for name, fine, need, help_ in checks if not fine]
    if wrong:
        raise RecordsError(WHAT, wrong)
    weights = np.zeros_like(d)
    for limit, weight in reversed(steps.items()):  # the innermost last: it is the one that stays
        np.copyto(weights, weight, where=d <= min(limit, reach))  # NaN is within no limit
    return weights


def check_amounts(demand: Any, supply: Any, *, people: str = "`demand`") -> None:
    """Refuse amounts below 0, infinite or not numbers, and missing capacity; missing demand is unknown, and may be.

    Raises
    ------
    RecordsError
        With the rows.
    """
    problems = []
    for name, values, may_miss in ((people, demand, True), ("`supply`", supply, False)):
        numbers = read_numbers(values)
        bad = (numbers < 0) | np.isinf(numbers) | (np.isnan(numbers) & (not may_miss))
        rows, help_ = np.flatnonzero(bad.any(axis=1)), "correct it; 0 says that there is none"
        problems += [Problem(int(row) + 1, name, "a number from 0 up is needed", help_) for row in rows]
    if problems:
        raise RecordsError(WHAT, problems)


def check_basis(demand: pd.Series[Any] | pd.DataFrame, provision_only: bool, *, people: str = "`demand`") -> None:
    """Refuse residents or a deprivation index as demand, by the name of the column, unless told that it is meant.

    Raises
    ------
    RecordsError
        A column whose name says that it counts residents, addresses or households, or ranks places.
    """
    if names_stand_ins(demand) and not provision_only:
        need = "people in need are needed: residents and deprivation do not stand in for them"
        help_ = "pass counts of people in need, or say provision_only=True and read the result as places per resident"
        raise RecordsError(WHAT, [Problem(None, people, need, help_)])


def names_stand_ins(table: pd.Series[Any] | pd.DataFrame) -> bool:
    """Say whether a column is named after residents, addresses, households or deprivation."""
    names = [table.name] if isinstance(table, pd.Series) else list(table.columns)
    return any(STAND_INS.search(str(name).casefold()) for name in names)


def two_steps(demand: Array, supply: Array, weight: Array) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """Return access (area x slot), ratio (service x slot) and whether nothing open is in reach (area x slot).

    Parameters
    ----------
    demand : array, (areas, slots)
        NaN is left out of the sums.
    supply : array, (services, slots)
    weight : array, (areas, services)

    Notes
    -----
    R_j = S_j / sum of D_i w_ij; A_i = sum of R_j w_ij. R_j is NaN where the sum is 0.
    """
    reaching = weight.T @ np.nan_to_num(demand)
    ratio = np.divide(supply, reaching, out=np.full_like(supply, np.nan), where=reaching > 0)
    open_in_reach = (weight > 0).astype(np.float64) @ (supply > 0)
    return weight @ np.nan_to_num(ratio), ratio, open_in_reach == 0


def read_numbers(values: pd.Series[Any] | pd.DataFrame) -> Array:
    """Return a table's numbers, NaN where missing; text becomes minus infinite, which no check of ours lets pass."""
    table = pd.DataFrame(values)
    if all(pd.api.types.is_float_dtype(kind) and isinstance(kind, np.dtype) for kind in table.dtypes):
        return table.to_numpy(dtype=np.float64)
    found = table.apply(pd.to_numeric, errors="coerce")
    read: Array = found.mask(found.isna() & table.notna(), -np.inf).to_numpy(dtype=np.float64, na_value=np.nan)
    return read


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
