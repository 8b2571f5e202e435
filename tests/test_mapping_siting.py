from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from mapping.siting import SitingOptions, site_services

# Gurobi's tutorial on cell towers (examples.gurobi.com/cell-tower-coverage): nine regions with their people, and the
# regions that each of six towers covers. Towers 0, 4 and either 2 or 5 cover everybody: a tie, which must be said.
TOWERS_PEOPLE = [523, 690, 420, 1010, 1200, 850, 400, 1008, 950]
TOWERS = [[0, 1, 5], [0, 7, 8], [2, 3, 4, 6], [2, 5, 6], [0, 2, 6, 7, 8], [3, 4, 8]]
# A classroom exercise on hubs for an Internet provider (Camm and Evans, Management Science and Decision Technology):
# 14 counties, which of them are neighbours, and their people.
COUNTIES_PEOPLE = [36369, 39987, 21302, 30458, 38334, 55096, 38223, 258787, 873224, 128483, 99276, 571697, 90381, 43089]
COUNTIES = [
    [0, 1, 4], [0, 1, 2, 4], [1, 2, 3, 4, 5], [2, 3, 5, 7], [0, 1, 2, 4, 5, 8, 9], [2, 3, 4, 5, 6, 9, 10],
    [5, 6, 7, 10, 11], [3, 6, 7, 11], [4, 8, 9, 12], [4, 5, 8, 9, 10, 12], [5, 6, 9, 10, 11, 12],
    [6, 7, 10, 11, 12, 13], [8, 9, 10, 11, 12, 13], [11, 12, 13],
]  # fmt: skip


def matrix(covered: list[list[int]], areas: int, names: list[object] | None = None) -> pd.DataFrame:
    """Cost 1 where a site covers an area, missing elsewhere."""
    cost = pd.DataFrame(np.nan, index=range(areas), columns=names or range(len(covered)))
    for site, those in enumerate(covered):
        cost.iloc[those, site] = 1.0
    return cost


def most_people(people: np.ndarray, within: np.ndarray, fixed: list[int], sites: int) -> float:
    """Try every choice."""
    candidates = [j for j in range(within.shape[1]) if j not in fixed]
    return max(
        float(people[within[:, [*fixed, *some]].any(axis=1)].sum())
        for some in combinations(candidates, min(sites, len(candidates)))
    )


def most_served(people: np.ndarray, within: np.ndarray, room: np.ndarray) -> int:
    """The largest flow from areas to sites, by another algorithm on whole numbers."""
    n, m = within.shape
    table = np.zeros((n + m + 2, n + m + 2), dtype=np.int32)
    table[0, 1 : n + 1], table[n + 1 : n + m + 1, -1] = people, np.minimum(room, people.sum())
    table[1 : n + 1, n + 1 : n + m + 1] = within * people[:, None]
    return int(maximum_flow(csr_array(table), 0, n + m + 1).flow_value)


def test_the_published_towers_cover_everybody_and_their_tie_is_said() -> None:
    people = pd.Series(TOWERS_PEOPLE)
    plan = site_services(people, matrix(TOWERS, 9), sites=3, reach=1)
    assert set(plan.sites) in ({0, 2, 4}, {0, 4, 5})
    assert (plan.covered, plan.share, plan.gap, plan.unneeded) == (7051, 1, 0, 0)
    assert [set(pair) for pair in plan.ties.itertuples(index=False)] == [{2, 5}]
    assert plan.verified
    # Hand-worked: only towers 0 and 1 cover region 1; with 4 either leaves two or three regions, and 2 with 4 leaves
    # regions 1 and 5, 690 + 850 people; 0 with 4 leaves 3 and 4; 4 with 5 leaves 1 and 5 too.
    assert site_services(people, matrix(TOWERS, 9), sites=2, reach=1).covered == 7051 - 690 - 850


@pytest.mark.parametrize("sites", [1, 2, 3])
def test_hubs_for_fourteen_counties_cover_as_many_as_any_choice(sites: int) -> None:
    people, cost = pd.Series(COUNTIES_PEOPLE), matrix(COUNTIES, 14)
    plan = site_services(people, cost, sites=sites, reach=1)
    best = most_people(people.to_numpy(), cost.notna().to_numpy(), [], sites)
    assert plan.covered == best
    assert plan.verified


def test_one_hub_goes_where_hand_work_says() -> None:
    # County 9 (row 10 of the table) with neighbours 4, 5, 8, 10, 12: 38334 + 55096 + 873224 + 128483 + 99276 + 90381.
    # County 12 has 8, 9, 10, 11, 12, 13: 873224 + 128483 + 99276 + 571697 + 90381 + 43089 = 1806150, which is more.
    plan = site_services(pd.Series(COUNTIES_PEOPLE), matrix(COUNTIES, 14), sites=1, reach=1)
    assert plan.sites == (12,)
    assert plan.covered == 1_806_150


def test_taking_the_best_site_first_is_not_the_best_plan() -> None:
    # Church and ReVelle's point: the greedy choice is the middle one (6 people), after which 3 more are reached; the
    # two outer ones reach all 10.
    people = pd.Series([2.0, 3, 3, 2], [*"abcd"])
    cost = pd.DataFrame(np.nan, index=[*"abcd"], columns=["a", "b", "c"])
    cost.loc[["a", "b"], "a"] = cost.loc[["b", "c"], "b"] = cost.loc[["c", "d"], "c"] = 5
    plan = site_services(people, cost, sites=2, reach=5)
    assert set(plan.sites) == {"a", "c"}
    assert plan.covered == 10


small = st.integers(0, 12).map(float)


@settings(max_examples=60, deadline=None)
@given(
    people=hnp.arrays(float, 7, elements=small),
    within=hnp.arrays(bool, (7, 6)),
    sites=st.integers(1, 3),
    fixed=st.sets(st.integers(0, 5), max_size=2),
)
def test_no_choice_reaches_more_and_the_parts_add_up(
    people: np.ndarray, within: np.ndarray, sites: int, fixed: set[int]
) -> None:
    cost = pd.DataFrame(np.where(within, 1.0, np.nan))
    plan = site_services(pd.Series(people), cost, sites=sites, reach=1, fixed=sorted(fixed))
    assert plan.covered == pytest.approx(most_people(people, within, sorted(fixed), sites))
    assert plan.added.sum() == pytest.approx(plan.covered - plan.before)
    assert (plan.added > 0).all()
    assert (plan.lost > 0).all()
    assert plan.verified
    assert plan.gap == 0
    assert len(plan.sites) + plan.unneeded == sites
    chosen = [*plan.sites, *fixed]
    for site in plan.sites:  # every tie, and no other swap, reaches as many
        rest = [s for s in chosen if s != site]
        equal = {
            other
            for other in range(6)
            if other not in chosen and people[within[:, [*rest, other]].any(axis=1)].sum() == plan.covered
        }
        assert set(plan.ties.loc[plan.ties["site"] == site, "instead"]) == equal


@settings(max_examples=40, deadline=None)
@given(
    people=hnp.arrays(float, 5, elements=small),
    within=hnp.arrays(bool, (5, 5)),
    room=hnp.arrays(int, 5, elements=st.integers(0, 15)),
    sites=st.integers(1, 2),
    fixed=st.sets(st.integers(0, 4), max_size=2),
)
def test_with_capacities_no_choice_serves_more_people(
    people: np.ndarray, within: np.ndarray, room: np.ndarray, sites: int, fixed: set[int]
) -> None:
    cost, kept = pd.DataFrame(np.where(within, 1.0, np.nan)), sorted(fixed)
    options = SitingOptions(capacity=pd.Series(room))
    plan = site_services(pd.Series(people), cost, sites=sites, reach=1, fixed=kept, options=options)
    choices = [[*kept, *some] for some in combinations([j for j in range(5) if j not in fixed], sites)]
    served = {tuple(c): most_served(people.astype(int), within[:, c], room[c]) for c in choices}
    assert plan.covered == pytest.approx(max(served.values()), abs=1e-4)
    assert plan.verified
    assert (plan.served <= 1 + 1e-9).all()
    if plan.unneeded == 0:
        tied = {frozenset(c) for c, n in served.items() if n == max(served.values())}
        swapped = {frozenset({*kept, *plan.sites} - {a} | {b}) for a, b in plan.ties.itertuples(index=False)}
        mine = frozenset({*kept, *plan.sites})
        assert swapped == {c for c in tied if len(c - mine) == 1}


def test_a_site_serves_no_more_people_than_it_has_room_for() -> None:
    people = pd.Series({"A": 40, "B": 30})
    cost = pd.DataFrame(5, index=["A", "B"], columns=["A", "B"])
    room = pd.Series({"A": 25, "B": 10})
    plan = site_services(people, cost, sites=2, reach=5, options=SitingOptions(capacity=room))
    assert plan.covered == pytest.approx(35)
    assert plan.added.tolist() == pytest.approx([25, 10])
    endless = site_services(
        people, cost, sites=1, reach=5, options=SitingOptions(capacity=pd.Series({"A": 25, "B": np.inf}))
    )
    assert endless.sites == ("B",)
    assert endless.covered == pytest.approx(70)


def test_existing_sites_stay_and_what_they_reach_is_not_counted_again() -> None:
    people = pd.Series({"A": 40, "B": 30, "C": 5})
    cost = pd.DataFrame([[1, 1, 9], [9, 1, 9], [9, 9, 1]], index=[*"ABC"], columns=["clinic", "B", "C"])
    cost.loc["B", "clinic"] = 1
    plan = site_services(people, cost, sites=1, reach=1, fixed=["clinic"])
    assert plan.before == 70
    assert plan.sites == ("C",)
    assert plan.added.to_dict() == {"C": 5}


def test_sites_that_add_nothing_are_not_recommended() -> None:
    people = pd.Series({"A": 40, "B": 30, "C": 0})
    cost = pd.DataFrame(1, index=[*"ABC"], columns=[*"ABC"])
    plan = site_services(people, cost, sites=2, reach=1)
    assert len(plan.sites) == 1
    assert plan.unneeded == 1
    assert "1 of the sites asked for would add nothing" in plan.summary()
    assert len(plan.ties) == 2
    assert "2 other places would reach as many instead" in plan.summary()


def test_nobody_in_reach_gives_no_site_and_says_so() -> None:
    people = pd.Series({"A": 40.0, "B": np.nan})
    cost = pd.DataFrame(np.nan, index=["A", "B"], columns=["A", "B"])
    plan = site_services(people, cost, sites=2, reach=1)
    assert plan.sites == ()
    assert plan.unneeded == 2
    assert plan.share == 0
    assert plan.to_frame().empty
    assert "In 1 areas need is unknown; 1 of them stay out of reach" in plan.summary()


def test_unknown_need_is_kept_apart_and_is_not_none() -> None:
    people = pd.Series({"A": 4.0, "B": np.nan, "C": 3.0})
    cost = pd.DataFrame(np.where(np.eye(3), 1, 9), index=[*"ABC"], columns=[*"ABC"])
    plan = site_services(people, cost, sites=1, reach=1)
    assert plan.total == 7
    assert plan.unknown == ("B",)
    assert plan.served.to_dict() == {"A": 1, "B": 0, "C": 0}


def table(**rows: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=["value", "low", "high"]).T


def test_bounds_that_do_not_matter_are_said_not_to() -> None:
    cost = pd.DataFrame(np.where(np.eye(2), 1, 9), index=["A", "B"], columns=["A", "B"])
    plan = site_services(table(A=(20, 18, 22), B=(np.nan, 0, 9)), cost, sites=1, reach=1)
    assert plan.sites == ("A",)
    assert plan.total == 24.5  # a suppressed count is an interval; its middle, not 0, decides
    assert plan.robust is not None
    assert plan.robust["lacking"].tolist() == [0, 0, 0, 0]
    assert "no other plan reaches more, wherever within them the numbers lie" in plan.summary()


def test_bounds_that_matter_are_said_to() -> None:
    cost = pd.DataFrame(np.where(np.eye(2), 1, 9), index=["A", "B"], columns=["A", "B"])
    mixed = site_services(table(A=(20, 18, 22), B=(19, 17, 21)), cost, sites=1, reach=1)
    assert mixed.robust is not None
    assert mixed.robust["lacking"].to_dict() == {"low": 0, "value": 0, "high": 0, "against": 3}  # 21 - 18
    assert "another would reach up to 3 more" in mixed.summary()
    turned = site_services(table(A=(20, 10, 22), B=(19, 17, 30)), cost, sites=1, reach=1)
    assert turned.robust is not None
    assert turned.robust.loc["low", "sites"] == ("B",)
    assert turned.robust["lacking"].to_dict() == {"low": 7, "value": 0, "high": 8, "against": 20}
    assert "at its low bound and at its high bound another plan is better, by up to 20 people" in turned.summary()


@settings(max_examples=40, deadline=None)
@given(
    low=hnp.arrays(float, 5, elements=small),
    width=hnp.arrays(float, 5, elements=small),
    at=hnp.arrays(float, (8, 5), elements=st.floats(0, 1)),
    within=hnp.arrays(bool, (5, 4)),
)
def test_within_bounds_no_plan_beats_this_one_by_more_than_is_said(
    low: np.ndarray, width: np.ndarray, at: np.ndarray, within: np.ndarray
) -> None:
    width[0] += 1
    need = pd.DataFrame({"value": low + width / 2, "low": low, "high": low + width})
    plan = site_services(need, pd.DataFrame(np.where(within, 1.0, np.nan)), sites=2, reach=1)
    assert plan.robust is not None
    mine = within[:, list(plan.sites)].any(axis=1)
    lead = [
        most_people(low + share * width, within, [], 2) - (low + share * width)[mine].sum()
        for share in [*at, np.zeros(5), np.ones(5), np.where(mine, 0.0, 1.0)]
    ]
    assert max(lead) == pytest.approx(plan.robust.loc["against", "lacking"], abs=1e-6)


def test_the_worst_served_group_comes_first_when_asked_for() -> None:
    people = pd.Series({"A": 40, "B": 30, "C": 6, "D": 6, "E": 9})
    group = pd.Series({"A": "town", "B": "town", "C": "edge", "D": "edge", "E": "isle"})
    cost = pd.DataFrame(np.where(np.eye(5), 1, 9), index=[*"ABCDE"], columns=[*"ABCDE"]).drop(columns="E")
    most = site_services(people, cost, sites=2, reach=1)
    assert set(most.sites) == {"A", "B"}
    fair = site_services(people, cost, sites=2, reach=1, options=SitingOptions(groups=group))
    assert fair.sites == ("A", "C") or fair.sites == ("A", "D")
    assert fair.covered == 46
    assert fair.verified
    assert set(fair.ties["instead"]) == {"C", "D"} - set(fair.sites)  # B for A: the town's share would be 30/70
    assert "No site can reach anybody of 1 groups" in fair.summary()


def fairest(people: np.ndarray, within: np.ndarray, group: np.ndarray, room: np.ndarray) -> float:
    """The largest smallest share of a group, when these sites are open: a program over flows, written afresh."""
    areas, sites = np.nonzero(within)
    n = areas.size
    leave = np.array([areas == i for i in range(people.size)], dtype=float)
    come = np.array([sites == j for j in range(room.size)], dtype=float)
    share = np.array(
        [-1.0 * np.isin(areas, np.flatnonzero(group == g)) / people[group == g].sum() for g in np.unique(group)]
    )
    rows = np.block(
        [[leave, np.zeros((people.size, 1))], [come, np.zeros((room.size, 1))], [share, np.ones((len(share), 1))]]
    )
    limits = np.concatenate([people, room, np.zeros(len(share))])
    return -float(linprog(-np.eye(n + 1)[-1], A_ub=rows, b_ub=limits, bounds=(0, None)).fun)


@settings(max_examples=30, deadline=None)
@given(
    people=hnp.arrays(float, 6, elements=st.integers(1, 12).map(float)),
    within=hnp.arrays(bool, (6, 5)),
    group=hnp.arrays(int, 6, elements=st.integers(0, 2)),
    room=st.none() | hnp.arrays(int, 5, elements=st.integers(1, 30)),
)
def test_no_choice_leaves_the_worst_served_group_better_off(
    people: np.ndarray, within: np.ndarray, group: np.ndarray, room: np.ndarray | None
) -> None:
    within[:, 0] = True
    capacity = None if room is None else pd.Series(room)
    options = SitingOptions(groups=pd.Series(group), capacity=capacity)
    cost = pd.DataFrame(np.where(within, 1.0, np.nan))
    plan = site_services(pd.Series(people), cost, sites=2, reach=1, options=options)
    groups = np.unique(group)

    def smallest(served: np.ndarray) -> float:
        return min(served[group == g].sum() / people[group == g].sum() for g in groups)

    mine = smallest((plan.served * people).to_numpy())
    assert plan.verified
    if room is None:
        plans = [within[:, list(some)].any(axis=1) * people for some in combinations(range(5), 2)]
        best = max((round(smallest(served), 9), served.sum()) for served in plans)
        assert (round(mine, 9), plan.covered) == pytest.approx(best)
    else:
        shares = [fairest(people, within[:, list(c)], group, room[list(c)]) for c in combinations(range(5), 2)]
        assert mine == pytest.approx(max(shares), abs=1e-5)


def test_areas_named_first_are_reached_first_and_then_as_many_as_can_be() -> None:
    people = pd.Series({"A": 40, "B": 30, "C": 6})
    cost = pd.DataFrame(np.where(np.eye(3), 1, 9), index=[*"ABC"], columns=[*"ABC"])
    plan = site_services(people, cost, sites=2, reach=1, options=SitingOptions(first=["C"]))
    assert plan.sites == ("A", "C")
    assert plan.covered == 46
    assert plan.verified
