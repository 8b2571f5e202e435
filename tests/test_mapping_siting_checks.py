from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

import mapping.siting
from commonground.errors import CommonGroundError, GeographyError, RecordsError
from mapping.covering import Answer, best_sites, served_by
from mapping.programs import Cover, CoverProgram
from mapping.siting import SitingOptions, site_services
from mapping.verifying import check_answer, swaps

AREAS = [*"ABC"]
PEOPLE = pd.Series([40.0, 30, 6], AREAS)
COST = pd.DataFrame(np.where(np.eye(3), 1, 9), index=AREAS, columns=AREAS)
PROBLEM = Cover(PEOPLE.to_numpy(), np.eye(3, dtype=bool), np.zeros(3, bool), 2, room=np.array([25.0, 30, 30]))


def test_an_answer_that_counts_people_it_does_not_reach_is_not_confirmed() -> None:
    plain = replace(PROBLEM, room=None)
    right = best_sites(plain)
    assert right is not None
    assert check_answer(plain, right).holds
    assert not check_answer(plain, replace(right, served=plain.people, aims=(76.0,), bounds=(76.0,))).holds
    assert not check_answer(plain, replace(right, aims=(76.0,), bounds=(76.0,))).holds
    assert not check_answer(plain, replace(right, bounds=(60.0,))).holds
    assert not check_answer(plain, replace(right, chosen=np.arange(3))).holds


def test_flows_that_break_a_rule_or_could_be_larger_are_not_confirmed() -> None:
    right = best_sites(PROBLEM)
    assert right is not None
    assert right.load is not None
    assert check_answer(PROBLEM, right).holds

    def said(load: np.ndarray) -> tuple[str, ...]:
        aims = (float(load.sum()),)
        return check_answer(PROBLEM, replace(right, load=load, aims=aims, bounds=(99.0,))).wrong

    assert said(right.load) == ()
    assert said(np.diag([25.0, 30, 6]))[0].startswith("people are sent to a site that is not open")
    assert said(np.diag([40.0, 30, 0]))[0].startswith("more people are served than there are")
    assert said(np.diag([25.0, 20, 0])) == ("one more person could be served by the same sites",)


def test_a_chain_of_moves_that_frees_a_place_is_found() -> None:
    # Area 0 can only go to site 0, which area 1 fills though site 1 has room for it.
    within = np.array([[True, False], [True, True]])
    problem = Cover(np.array([5.0, 5]), within, np.ones(2, bool), 0, room=np.array([5.0, 5]))
    load = np.array([[0.0, 0], [5, 0]])
    answer = Answer(np.zeros(0, int), load.sum(axis=1), load, (5.0,), (5.0,), True)
    assert check_answer(problem, answer).wrong == ("one more person could be served by the same sites",)
    assert served_by(problem, np.zeros(0, int)).aims == pytest.approx((10,))


def test_a_swap_that_reaches_more_is_noticed() -> None:
    plain = replace(PROBLEM, room=None)
    assert swaps(plain, np.array([0, 2])) == ([(0, 1), (2, 1)][1:], True)
    assert swaps(plain, np.array([0, 1])) == ([], False)


def test_a_plan_that_the_solver_got_wrong_is_said_not_to_be_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(problem: Cover, *, seconds: float) -> Answer:
        served = problem.people * np.array([0, 0, 1.0])
        return Answer(np.array([2]), served, None, (6.0,), (6.0,), True)

    monkeypatch.setattr(mapping.siting, "best_sites", wrong)
    plan = site_services(PEOPLE, COST, sites=2, reach=1)
    assert not plan.verified
    assert "NOT confirmed" in plan.summary()


def test_time_that_runs_out_is_said_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = CoverProgram.solve

    def early(self: CoverProgram, aim: np.ndarray, seconds: float) -> object:
        answer = solve(self, aim, seconds)
        answer.status, answer.mip_dual_bound = 1, answer.mip_dual_bound * 1.25
        return answer

    monkeypatch.setattr(CoverProgram, "solve", early)
    plan = site_services(PEOPLE, COST, sites=2, reach=1)
    assert plan.gap == pytest.approx(0.2)
    assert "The time (60 s) ran out" in plan.summary()
    assert "falls short of it by 20.0% at most" in plan.summary()


def test_no_plan_in_time_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping.siting, "best_sites", lambda problem, *, seconds: None)
    with pytest.raises(CommonGroundError, match=r"no plan was found within 60 s; give .* more time"):
        site_services(PEOPLE, COST, sites=2, reach=1)


def test_points_and_addresses_are_no_candidates() -> None:
    for name in ("12 High Street", shapely.Point(1, 2), (51.2, -0.3)):
        cost = COST.copy()
        cost.columns = pd.Index(pd.Series(["A", "B", name], dtype=object), tupleize_cols=False)
        with pytest.raises(GeographyError, match="1 columns of `cost` are neither areas or blocks") as raised:
            site_services(PEOPLE, cost, sites=1, reach=1)
        assert "High Street" not in str(raised.value)
    named = COST.rename(columns={"C": "clinic"})
    assert site_services(PEOPLE, named, sites=3, reach=1, options=SitingOptions(services=["clinic"])).covered == 76


def test_need_by_points_or_coordinates_is_refused() -> None:
    points = pd.Series([1.0, 2], index=pd.Index([shapely.Point(0, 0), shapely.Point(1, 1)], dtype=object))
    pairs = pd.Series([1.0, 2], index=pd.Index([(0.5, 1.5), (2.5, 0.5)], tupleize_cols=False))
    for need in (points, pairs):
        cost = pd.DataFrame(np.ones((2, 2)), index=need.index, columns=need.index)
        with pytest.raises(GeographyError, match="points or coordinates; add it up by areas or published blocks"):
            site_services(need, cost, sites=1, reach=1)


def test_published_blocks_can_be_need_and_candidates() -> None:
    blocks = [("A",), ("B", "C")]
    need = pd.DataFrame({"areas": blocks, "value": [20.0, 30], "low": [18.0, 28], "high": [22.0, 32]})
    index = pd.Index(["A", ("B", "C")], tupleize_cols=False)
    cost = pd.DataFrame([[1, 9], [9, 1]], index=index, columns=index)
    plan = site_services(need, cost, sites=1, reach=1)
    assert plan.sites == (("B", "C"),)
    assert "B + C: reaches 30 more." in plan.summary()
    assert plan.to_frame()["site"].tolist() == [("B", "C")]


def test_a_transposed_matrix_is_refused_by_name() -> None:
    cost = pd.DataFrame(np.ones((3, 2)), index=AREAS, columns=["A", "B"])
    with pytest.raises(GeographyError, match=r"`cost` is transposed.*pass cost.T"):
        site_services(PEOPLE, cost.T, sites=1, reach=1)
    with pytest.raises(GeographyError, match="do not match the 3 areas of `demand`"):
        site_services(PEOPLE, cost.rename(index={"A": "Q"}), sites=1, reach=1)


def test_everything_wrong_with_amounts_is_said_at_once() -> None:
    options = SitingOptions(capacity=pd.Series({"A": -1.0, "B": 2}), seconds=0)
    with pytest.raises(RecordsError) as raised:
        site_services(PEOPLE, -COST, sites=4, reach=0, options=options)
    assert list(raised.value.problems["column"]) == ["`cost`", "`reach`", "`sites`", "`capacity`", "`seconds`"]
    assert "a whole number from 1 to the 3 candidates is needed" in str(raised.value)


@pytest.mark.parametrize("amount", [-1.0, np.inf])
def test_need_that_cannot_be_is_refused_by_row(amount: float) -> None:
    with pytest.raises(RecordsError, match="row 2, `demand`: people from 0 up"):
        site_services(PEOPLE.where(PEOPLE != 30, amount), COST, sites=1, reach=1)


def test_a_site_with_two_capacities_is_refused() -> None:
    options = SitingOptions(capacity=pd.Series([1, 2, 3, 4], index=[*"ABCC"]))
    with pytest.raises(RecordsError, match="`capacity`: one number of people from 0 up is needed"):
        site_services(PEOPLE, COST, sites=1, reach=1, options=options)


def test_residents_do_not_stand_in_for_need() -> None:
    with pytest.raises(RecordsError, match="residents and deprivation do not stand in"):
        site_services(PEOPLE.rename("population"), COST, sites=1, reach=1)


def test_bounds_that_do_not_hold_the_value_and_areas_given_twice_are_refused() -> None:
    need = pd.DataFrame({"value": [5.0, 2], "low": [6.0, 1], "high": [7.0, 3]}, index=["A", "A"])
    with pytest.raises(RecordsError, match="low <= value <= high") as raised:
        site_services(need, COST, sites=1, reach=1)
    assert "one row an area is needed" in str(raised.value)
    with pytest.raises(RecordsError, match="value, low and high are needed"):
        site_services(need[["value"]], COST, sites=1, reach=1)


def test_aims_that_cannot_be_used_are_refused() -> None:
    options = SitingOptions(groups=pd.Series({"A": "x"}), first=["Q"])
    with pytest.raises(RecordsError) as raised:
        site_services(PEOPLE, COST, sites=1, reach=1, options=options)
    assert list(raised.value.problems["column"]) == ["`groups`, `first`", "`groups`", "`first`"]


def test_a_fixed_site_without_costs_is_refused() -> None:
    with pytest.raises(GeographyError, match="1 sites of `fixed` or `services` are no columns of `cost`"):
        site_services(PEOPLE, COST, sites=1, reach=1, fixed=["clinic"])


def test_a_plan_prints_no_number_and_is_not_pickled() -> None:
    plan = site_services(PEOPLE, COST, sites=1, reach=1)
    assert repr(plan) == "SitePlan(...; call .summary())"
    assert repr(SitingOptions(capacity=PEOPLE)) == "SitingOptions(...)"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(plan)


def test_what_is_given_is_not_changed_and_the_order_of_rows_does_not_matter() -> None:
    people, cost = PEOPLE.copy(), COST.copy()
    plan = site_services(people, cost, sites=1, reach=1)
    pd.testing.assert_series_equal(people, PEOPLE)
    pd.testing.assert_frame_equal(cost, COST)
    turned = site_services(people, cost.iloc[::-1], sites=1, reach=1)
    assert turned.sites == plan.sites == ("A",)
    assert list(turned.served.index) == AREAS
