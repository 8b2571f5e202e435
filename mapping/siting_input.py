"""Are need, costs and sites such that a further site can be chosen from them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.catchments import names_stand_ins, read_numbers
from mapping.programs import Cover

__all__ = ["SitingOptions", "read_need", "read_problem"]

Array = npt.NDArray[Any]
BOUNDS = ("value", "low", "high")
REFUSED = "sites cannot be chosen"


@dataclass(frozen=True, repr=False, eq=False)
class SitingOptions(Exact):
    """Hold what else matters in choosing sites.

    Parameters
    ----------
    capacity : Series, optional
        People that each site can serve, by site (all of them); infinite where that is no limit.
    groups : Series, optional
        Group of each area. The plan then makes the smallest share of a group that is reached as large as can be, and
        only then the number of people: worst served first.
    first : sequence, optional
        Areas (such as those with least access) whose people are reached first, and only then as many others as can be.
    services : sequence
        Existing services where a further session could be held: candidates that are not areas. A service that is there
        already and could hold one more is a column of its own ("clinic, evening").
    seconds : float
        Time for the solver, for each question that is put to it.
    """

    capacity: pd.Series[Any] | None = None
    groups: pd.Series[Any] | None = None
    first: Sequence[Any] | None = None
    services: Sequence[Any] = ()
    seconds: float = 60.0

    def __repr__(self) -> str:
        return "SitingOptions(...)"


def read_need(demand: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    """Return need as value, low and high by area.

    Parameters
    ----------
    demand : Series or DataFrame
        As in `site_services`.

    Returns
    -------
    DataFrame
        Columns value, low, high. A block of one code is that area.

    Raises
    ------
    RecordsError
        Need below 0, bounds that do not hold the value, columns missing, residents or deprivation for need, or an area
        twice.
    """
    if isinstance(demand, pd.Series):
        labels, numbers = list(demand.index), np.repeat(read_numbers(demand), 3, axis=1)
    elif set(BOUNDS) <= set(demand.columns):
        where = next((name for name in ("areas", "area") if name in demand), None)
        labels = list(demand.index if where is None else demand[where])
        numbers = read_numbers(demand[[*BOUNDS]])
    else:
        raise RecordsError(REFUSED, [Problem(None, "`demand`", "value, low and high are needed", "or pass a Series")])
    names = [label[0] if isinstance(label, tuple) and len(label) == 1 else label for label in labels]
    value, low, high = numbers.T
    low, high = (np.where(np.isnan(bound) & ~np.isnan(value), value, bound) for bound in (low, high))
    bad = (numbers < 0).any(axis=1) | np.isinf(numbers).any(axis=1) | (low > high) | (value < low) | (value > high)
    help_ = "correct it; leave need that nobody knows missing"
    wrong = [
        Problem(int(row) + 1, "`demand`", "people from 0 up, with low <= value <= high, are needed", help_)
        for row in np.flatnonzero(bad)
    ]
    if names_stand_ins(demand):
        rule = "people in need are needed: residents and deprivation do not stand in for them"
        wrong.append(Problem(None, "`demand`", rule, "pass counts of people in need"))
    if len(set(names)) < len(names):
        wrong.append(Problem(None, "`demand`", "one row an area is needed", "add them up, or pick one slot or period"))
    if wrong:
        raise RecordsError(REFUSED, wrong)
    index = pd.Index(pd.Series(names, dtype=object), tupleize_cols=False, name="area")
    return pd.DataFrame({"value": value, "low": low, "high": high}, index=index)


def read_problem(
    need: pd.DataFrame,
    people: pd.Series[Any],
    cost: pd.DataFrame,
    *,
    sites: int,
    reach: float,
    fixed: Sequence[Any],
    options: SitingOptions,
) -> tuple[Cover, list[str]]:
    """Return the covering problem and what must be said of it.

    Parameters
    ----------
    need : DataFrame
        As `read_need` returns it.
    people : Series
        One number an area, NaN where unknown.
    cost, sites, reach, fixed, options
        As in `site_services`.

    Returns
    -------
    Cover, list of str

    Raises
    ------
    GeographyError, RecordsError
        As in `site_services`.
    """
    areas, names = list(need.index), list(cost.columns)
    _check_matrix(cost, areas)
    _check_candidates(names, areas, set(fixed) | set(options.services))
    numbers = _costs(cost, areas)
    room = None if options.capacity is None else _capacities(options.capacity, names)
    _check_amounts(numbers, room, names, sites=sites, reach=reach, fixed=fixed, options=options)
    _check_aims(areas, options)
    within = np.asarray(numbers <= reach)  # not where the cost is missing
    count = people.fillna(0.0).to_numpy(np.float64)
    group, notes = _groups(options.groups, areas, count, within)
    first = None if options.first is None else np.isin(np.arange(len(areas)), [areas.index(a) for a in options.first])
    problem = Cover(
        people=count,
        within=within,
        existing=np.array([name in set(fixed) for name in names], dtype=bool),
        most=sites,
        room=None if room is None else room.to_numpy(np.float64),
        group=group,
        first=first,
    )
    return problem, notes


def _check_matrix(cost: pd.DataFrame, areas: list[Any]) -> None:
    known = set(areas)
    rows = {label[0] if isinstance(label, tuple) and len(label) == 1 else label for label in cost.index}
    if rows == known and cost.index.is_unique and cost.columns.is_unique:
        return
    if set(cost.columns) == known and rows != known:
        raise GeographyError("`cost` is transposed: areas belong in the rows and sites in the columns; pass cost.T")
    raise GeographyError(
        f"`cost` has {len(cost.index)} rows that do not match the {len(areas)} areas of `demand`, or names twice; give "
        "it one row for each area and one column for each site"
    )


def _check_candidates(names: list[Any], areas: list[Any], services: set[Any]) -> None:
    """Refuse places finer than what is published: a plan names areas, blocks or services that everybody knows."""
    codes = {code for area in areas for code in (area if isinstance(area, tuple) else (area,))}
    numbers = (float, np.floating)
    if any(hasattr(code, "geom_type") or isinstance(code, numbers) for code in codes):
        raise GeographyError("`demand` is indexed by points or coordinates; add it up by areas or published blocks")
    places = codes | set(areas) | services
    unknown = [name for name in names if name not in places and not _block_of(name, codes)]
    if unknown:
        raise GeographyError(
            f"{len(unknown)} columns of `cost` are neither areas or blocks of `demand` nor existing services; a plan "
            "names no street or point: use areas as candidates, or name existing services in `fixed` or "
            "SitingOptions(services=...)"
        )
    strangers = len(services - set(names))
    if strangers:
        raise GeographyError(f"{strangers} sites of `fixed` or `services` are no columns of `cost`; add their costs")


def _block_of(name: Any, codes: set[Any]) -> bool:
    return isinstance(name, tuple) and bool(name) and set(name) <= codes


def _costs(cost: pd.DataFrame, areas: list[Any]) -> Array:
    row_of = {
        label[0] if isinstance(label, tuple) and len(label) == 1 else label: i for i, label in enumerate(cost.index)
    }
    return np.asarray(read_numbers(cost.reset_index(drop=True))[[row_of[area] for area in areas]])


def _capacities(given: pd.Series[Any], names: list[Any]) -> pd.Series[Any]:
    """Return one capacity a site; NaN, which is refused, where there is none, or more than one."""
    once = given[~given.index.duplicated(keep=False)]
    return once.reindex(pd.Index(names, tupleize_cols=False))


def _check_amounts(
    numbers: Array,
    room: pd.Series[Any] | None,
    names: list[Any],
    *,
    sites: int,
    reach: float,
    fixed: Sequence[Any],
    options: SitingOptions,
) -> None:
    candidates = len(names) - len(set(fixed))
    several = isinstance(sites, (int, np.integer)) and not isinstance(sites, bool)
    rooms = np.zeros(1) if room is None else pd.to_numeric(room, errors="coerce").to_numpy(np.float64)
    checks = (
        ("`cost`", not (numbers < 0).any(), "costs from 0 up are needed", "leave a cost missing where there is no way"),
        ("`reach`", reach > 0, "a cost above 0 is needed", "use the units of `cost`"),
        (
            "`sites`",
            several and 1 <= sites <= candidates,
            f"a whole number from 1 to the {candidates} candidates is needed",
            "ask for fewer, or add candidates as columns of `cost`",
        ),
        (
            "`capacity`",
            bool((rooms >= 0).all()),
            "one number of people from 0 up is needed for every column of `cost`",
            "infinite says that there is no limit; what nobody knows is not 0",
        ),
        ("`seconds`", options.seconds > 0, "a time above 0 is needed", "pass seconds, such as 60"),
    )
    wrong = [Problem(None, name, need, help_) for name, fine, need, help_ in checks if not fine]
    if wrong:
        raise RecordsError(REFUSED, wrong)


def _check_aims(areas: list[Any], options: SitingOptions) -> None:
    wrong = []
    if options.groups is not None and options.first is not None:
        wrong.append(Problem(None, "`groups`, `first`", "one order of aims is needed", "leave one of them out"))
    if options.groups is not None:
        given = options.groups[options.groups.notna()]
        if not given.index.is_unique or set(areas) - set(given.index):
            wrong.append(Problem(None, "`groups`", "one group for every area of `demand` is needed", "complete it"))
    if options.first is not None and (not options.first or set(options.first) - set(areas)):
        wrong.append(Problem(None, "`first`", "areas of `demand` are needed", "use the labels of its index"))
    if wrong:
        raise RecordsError(REFUSED, wrong)


def _groups(
    groups: pd.Series[Any] | None, areas: list[Any], people: Array, within: Array
) -> tuple[Array | None, list[str]]:
    """Return the group of each area, -1 where the group has nobody in need whom a site could reach."""
    if groups is None:
        return None, []
    group_of = dict(zip(groups.index, groups, strict=True))
    codes, _ = pd.factorize(pd.Series([group_of[area] for area in areas], dtype=object))
    can = np.bincount(codes, people * within.any(axis=1)) > 0
    lost = int((~can & (np.bincount(codes, people) > 0)).sum())
    said = [f"No site can reach anybody of {lost} groups: they need another kind of answer."] if lost else []
    return np.where(can[codes], codes, -1), said
