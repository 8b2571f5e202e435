"""Filters and totals: a part of a record set with its complement, and with the whole where that is safe."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure import Plan, Protected, attacker_bounds, filtered, protect
from commonground.disclosure.hierarchy import Tree
from commonground.disclosure.labels import interval, label
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import Tally, tally
from commonground.tallies.keys import distinct

PLAN = Plan(categories={"setting": ("street", "all others")}, totals=True)


def seen(area: str, *, street: int, both: int, other: int, other_is: str | None = "off-street") -> pd.DataFrame:
    """People seen on the street only, in both ways, and elsewhere only."""
    rows = [(f"{area}s{i}", "street") for i in range(street + both)]
    rows += [(f"{area}s{i}", other_is) for i in range(street, street + both)]
    rows += [(f"{area}o{i}", other_is) for i in range(other)]
    return pd.DataFrame(rows, columns=["person", "setting"]).assign(area=area, start="2023-05-01")


def counted(*parts: pd.DataFrame, **options: Any) -> Tally:
    records = read_records(pd.concat(parts), "contacts")
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    options = {"every": "year", "count": "persons", "by": ("setting",), **options}
    return tally(records.with_coverage(pd.DataFrame(span)), **options)


def street_filter(*parts: pd.DataFrame, **options: Any) -> Tally:
    return filtered(counted(*parts, **options), "setting", ["street"], name="street")


def shown(protected: Protected) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), *row[3]]): row[4] for row in protected.rows}


def proven(street: int, both: int, other: int) -> tuple[int, int]:
    """What labels of all, of the filter and of its complement prove of those who are only in the filter."""
    sums = [
        (["street", "both", "other"], *interval(label(street + both + other, 8), 8)),
        (["street", "both"], *interval(label(street + both, 8), 8)),
        (["both", "other"], *interval(label(both + other, 8), 8)),
    ]
    bounds = attacker_bounds(sums, hidden=["street"])
    return bounds.low[0], bounds.high[0]


def test_thirty_in_all_thirty_indoors_and_ten_on_the_street_would_prove_who_is_only_on_the_street() -> None:
    """The vector of gate.md, step 11."""
    assert proven(street=0, both=10, other=20) == (0, 4)
    parts = seen("a", street=0, both=10, other=20)
    assert shown(protect(street_filter(parts), hierarchy="a", plan=PLAN)) == {"a": 30}  # the category is dropped
    beside = dataclasses.replace(PLAN, totals=False)
    assert shown(protect(street_filter(parts), hierarchy="a", plan=beside)) == {
        "a street": 10,
        "a all others or missing": 30,
    }


def test_filter_complement_and_whole_are_published_where_all_three_kinds_of_people_are_enough() -> None:
    shares = {"street": 10, "both": 10, "other": 20}
    found = protect(street_filter(seen("a", **shares)), hierarchy="a", plan=PLAN)
    assert shown(found) == {"a street": 20, "a all others or missing": 30, "a": 40}
    low, high = proven(**shares)
    assert high - low >= 7
    assert found.answer("a").value == 40
    assert found.answer("a", categories=("street",)).value == 20


@pytest.mark.parametrize("few", ["street", "both", "other"])
def test_a_block_is_split_only_if_each_kind_of_people_passes_in_both_children(few: str) -> None:
    enough = {"street": 9, "both": 9, "other": 9}
    lacking = {**enough, few: 7}
    split = protect(street_filter(seen("a", **enough), seen("b", **enough)), hierarchy=("a", "b"), plan=PLAN)
    assert {row[1] for row in split.rows} == {("a",), ("b",)}
    joint = street_filter(seen("a", **enough), seen("b", **lacking))
    assert {row[1] for row in protect(joint, hierarchy=("a", "b"), plan=PLAN).rows} == {("a", "b")}
    # without totals 16 and 16 people are enough
    assert len(protect(joint, hierarchy=("a", "b"), plan=dataclasses.replace(PLAN, totals=False)).block_areas()) == 2


def test_missing_is_in_the_complement() -> None:
    known, unknown = (seen("a", street=10, both=10, other=20, other_is=name) for name in ("off-street", None))
    found = [protect(street_filter(part), hierarchy="a", plan=PLAN) for part in (known, unknown)]
    assert found[0].rows == found[1].rows
    assert found[0].summary() == found[1].summary()


def test_totals_of_other_units_stay_sums_of_labels() -> None:
    parts = seen("a", street=10, both=10, other=20)
    events = protect(street_filter(parts, count="events"), hierarchy="a", plan=PLAN)
    assert shown(events) == {"a street": 20, "a all others or missing": 30}


def test_the_public_total_is_the_sum_of_the_partners() -> None:
    one, other = seen("a", street=9, both=9, other=9), seen("b", street=9, both=9, other=9)
    public = protect(street_filter(one, other), "public", hierarchy=("a", "b"), plan=PLAN)
    assert shown(public) == {"ab street": 40, "ab all others or missing": 40, "ab": 50}
    # as many people as two labels of 25: nobody was counted anew
    assert [row[4:] for row in public.rows if not row[3]] == [(50, 46, 54)]


def test_totals_are_not_added_to_a_cut_that_was_made_without_them(tmp_path: Path) -> None:
    book = tmp_path / "study.ledger"
    counts = street_filter(seen("a", street=10, both=10, other=20))
    protect(counts, hierarchy="a", plan=dataclasses.replace(PLAN, totals=False), ledger=book)
    with pytest.raises(NotReleasable, match="published before"):
        protect(counts, hierarchy="a", plan=PLAN, ledger=book)


def test_totals_need_a_category_and_without_keys_there_are_none() -> None:
    """Nor are they refused then: the words would tell nobody with a key from one."""
    parts = seen("a", street=10, both=10, other=20)
    with pytest.raises(NotReleasable, match="need a category"):
        protect(counted(parts, by=()), hierarchy="a", plan=PLAN)
    events = protect(street_filter(parts.drop(columns="person"), count="events"), hierarchy="a", plan=PLAN)
    assert sum(row[4] or 0 for row in events.rows) == 50


def test_two_filters_at_once_need_every_cell_of_both() -> None:
    parts = seen("a", street=40, both=0, other=40)
    parts["group"] = ["night" if i < 43 else "day" for i in range(80)]  # three at night who are not on the street
    plan = Plan(categories={"setting": ("street", "all others"), "group": ("night", "all others")})
    both = filtered(street_filter(parts, by=("setting", "group")), "group", ["night"], name="night")
    found = protect(both, hierarchy="a", plan=plan)
    assert found.by == ("setting",)
    parts["group"] = ["night" if i % 2 else "day" for i in range(80)]
    both = filtered(street_filter(parts, by=("setting", "group")), "group", ["night"], name="night")
    assert sorted(shown(protect(both, hierarchy="a", plan=plan)).values()) == [20, 20, 20, 20]


@pytest.mark.parametrize(
    ("category", "levels", "name", "said"),
    [("group", ["x"], "x", "not by group"), ("setting", [], "x", "needs levels"),
     ("setting", ["street"], "all others", "name of its own"), ("setting", ["street"], " ", "name of its own")],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused(category: str, levels: list[str], name: str, said: str) -> None:
    with pytest.raises(CommonGroundError, match=said):
        filtered(counted(seen("a", street=10, both=0, other=10)), category, levels, name=name)


def test_no_source_sees_a_group_by_declaration_and_never_by_a_count() -> None:
    plan = Plan(categories={"setting": ("street", "off-street", "online")}, seen={"setting": ("street", "off-street")})
    none, some = seen("a", street=20, both=0, other=20), seen("a", street=20, both=0, other=20)
    some.loc[some.index[-5:], "setting"] = "online"
    said = [protect(counted(part), hierarchy="a", plan=plan).notes for part in (none, some)]
    assert said[0] == said[1]
    assert any("no source sees online, as the sources declare" in note for note in said[0])
    silent = dataclasses.replace(plan, seen={})
    assert not any("no source" in note for note in protect(counted(none), hierarchy="a", plan=silent).notes)


# --- the safety argument with totals


def random_town(rng: np.random.Generator) -> Tally:
    codes = [f"z{i}" for i in range(int(rng.integers(2, 7)))]
    rows = int(rng.integers(60, 500))
    heat = rng.choice([0.05, 1, 3], len(codes))
    frame = pd.DataFrame(
        {
            "area": rng.choice(codes, rows, p=heat / heat.sum()),
            "person": [f"p{i}" for i in rng.integers(0, int(rng.integers(30, 150)), rows)],
            "setting": rng.choice(["street", "off-street"], rows),
            "start": rng.choice(["2023-02-01", "2023-08-01"], rows),
        }
    )
    phases = {"before": Period("2023-01-01", "2023-07-01"), "after": Period("2023-07-01", "2024-01-01")}
    tallied = street_filter(frame, every=phases if rng.random() < 0.5 else "year")
    return dataclasses.replace(tallied, codes=tuple(sorted({*tallied.codes, *codes})))


def chain_of(codes: tuple[str, ...]) -> Tree:
    tree: Tree = codes[0]
    for code in codes[1:]:
        tree = (tree, code)
    return tree


def outputs(counts: Tally, tree: Tree) -> list[Any]:
    found: list[Any] = []
    for profile in ("partner", "public"):
        try:
            protected = protect(counts, profile, hierarchy=tree, plan=PLAN)
        except NotReleasable as refusal:
            found.append(str(refusal))
        else:
            found.append((protected.rows, protected.summary()))
    return found


def witnesses(seed: int) -> int:
    """Put 0 to 7 people of a joint block into one of its areas, all others into the sibling child."""
    rng = np.random.default_rng(seed)
    counts = random_town(rng)
    tree = chain_of(counts.codes)
    first = outputs(counts, tree)
    made = 0
    if isinstance(first[0], str):
        return made
    for block in {row[1] for row in first[0][0] if len(row[1]) > 1}:
        area = str(rng.choice(block))
        last = max(block)  # in a chain one child of a node is its last area
        sibling = min(block) if area == last else last
        inside = counts.keys["area"].isin(block)
        people = counts.keys.loc[inside, "person"].unique()
        chosen = rng.choice(people, int(rng.integers(0, 8)), replace=False)
        moved = counts.keys.copy()
        moved.loc[inside, "area"] = sibling
        moved.loc[inside & moved["person"].isin(chosen), "area"] = area
        again = dataclasses.replace(counts, keys=distinct(moved, list(counts.by)))
        assert outputs(again, tree) == first
        made += 1
    return made


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_any_area_of_a_joint_block_can_hold_any_small_number_beside_totals_too(seed: int) -> None:
    witnesses(seed)


def test_towns_with_totals_do_give_witnesses() -> None:
    assert sum(witnesses(seed) for seed in range(12)) >= 4
