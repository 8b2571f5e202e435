from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from commonground.errors import GeographyError, RecordsError
from mapping.access import service_access, slot_access
from mapping.context import add_context, provision_gaps
from mapping.gaps import ServiceGaps, service_gap
from mapping.group_access import group_access
from mapping.group_gaps import group_gap
from mapping.supply import group_supply

PLACES = pd.DataFrame({"residents": [1000.0, 3000, np.nan], "imd_score": [40.0, 20, 10]}, index=list("ABC"))
COST = pd.DataFrame({"x": [1.0, 9, np.nan]}, index=list("ABC"))


def _blocks() -> ServiceGaps:
    need = pd.DataFrame({"areas": [("A", "B"), ("C",)], "value": [20, 10], "low": [18, 8], "high": [22, 12]})
    return service_gap(need, pd.Series(0.0, list("ABC")), least=0.05)


def test_residents_add_up_over_a_block_and_scores_are_weighted_by_residents() -> None:
    found = add_context(_blocks(), PLACES, sums=["residents"], weight="residents")
    block, lone = found.table.iloc[0], found.table.iloc[1]
    assert block["context_residents"] == 4000
    assert block["context_imd_score"] == pytest.approx((40 * 1000 + 20 * 3000) / 4000)
    assert np.isnan(lone["context_residents"])  # unknown, not 0
    assert lone["context_imd_score"] == 10
    assert found.context == ("context_residents", "context_imd_score")
    assert "no number of people rests on them" in found.summary()


def test_context_changes_no_person_no_place_and_no_order() -> None:
    plain = _blocks()
    found = add_context(plain, PLACES.mul([1, 100, 7], axis=0), sums=["residents", "imd_score"])
    pd.testing.assert_frame_equal(found.table[plain.table.columns], plain.table)
    assert "context" not in plain.table.columns.str.cat()


def test_context_joins_lists_by_group_and_lists_of_provision_too() -> None:
    services = pd.DataFrame({"eligibility": ["men"]}, index=["x"])
    supply = group_supply(services, {"women": {"eligibility": "women"}}, pd.DataFrame({"day": [3]}, index=["x"]))
    people = pd.DataFrame({"women": [4, 5, 6]}, index=list("ABC"))
    by_group = add_context(group_gap(people, group_access(people, supply, COST, reach=5), least=0.1), PLACES)
    assert by_group.table["context_imd_score"].tolist() == [10, 20, 40]
    assert by_group.context == ("context_residents", "context_imd_score")


def test_where_nobody_counted_need_the_list_has_areas_and_no_people() -> None:
    residents = PLACES["residents"].fillna(500)
    night = slot_access(
        residents, pd.DataFrame({"day": [5], "night": [0]}, index=["x"]), COST, reach=5, provision_only=True
    )
    found = add_context(provision_gaps({"clinic": night}), PLACES)
    assert found.table[["area", "slot"]].to_numpy().tolist() == [
        ["B", "day"], ["C", "day"], ["A", "night"], ["B", "night"], ["C", "night"],
    ]  # fmt: skip
    assert not any("people" in column for column in found.table)
    text = found.summary()
    assert text.startswith("Provision only, no need data")
    assert "clinic, night: 3 areas have no open service within reach." in text
    assert "5 of 6 areas, slots and kinds have none. Whether anybody misses it is not known." in text
    assert "5" not in repr(found)


def test_provision_is_listed_from_whole_results_only() -> None:
    one = service_access(pd.Series([1, 2, 3], list("ABC")), pd.Series([5], ["x"]), COST, reach=5)
    assert provision_gaps(one).table["area"].tolist() == ["B", "C"]
    for wrong in (one.access, {}, {"clinic": one.unreached}):
        with pytest.raises(RecordsError, match="results of service_access or slot_access are needed"):
            provision_gaps(wrong)


def test_context_that_does_not_fit_is_refused() -> None:
    gaps = _blocks()
    with pytest.raises(GeographyError, match="`context` lacks 1 areas"):
        add_context(gaps, PLACES.loc[["A", "B"]], sums=["residents"], weight="residents")
    with pytest.raises(RecordsError, match="`weight`: a column to average blocks by is needed"):
        add_context(gaps, PLACES, sums=["residents"])
    with pytest.raises(RecordsError, match=r"(?s)`sums`: columns of `context`.*`weight`: columns of `context`"):
        add_context(gaps, PLACES, sums=["people"], weight="homes")
    with pytest.raises(RecordsError, match="numbers are needed") as caught:
        add_context(gaps, PLACES.assign(name=["Quay", "Park", "Lane"]), sums=["residents"], weight="residents")
    assert "Quay" not in str(caught.value)
    once = add_context(gaps, PLACES, sums=["residents"], weight="residents")
    with pytest.raises(RecordsError, match="columns that are not there already"):
        add_context(once, PLACES, sums=["residents"], weight="residents")
