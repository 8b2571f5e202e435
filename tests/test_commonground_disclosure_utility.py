"""How much a release shows: hand-worked from labels, true for every town, and beside plain suppression on twenty."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure import Protected, protect, utility
from commonground.disclosure.hierarchy import Tree
from commonground.errors import NotReleasable
from commonground.records import read_records
from commonground.tallies import tally

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "bench_utility.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_utility_in_tests", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def gated(frame: pd.DataFrame, tree: Tree, *, profile: str = "partner", **options: Any) -> Protected:
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    return protect(tally(records, **{"every": "year", "count": "persons", **options}), profile, hierarchy=tree)


def people(counts: dict[str, int], start: str = "2023-05-01", **columns: Any) -> pd.DataFrame:
    rows = [{"start": start, "area": area, "person": f"{area}{i}"} for area, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows).assign(**columns)


# gate.md, test vectors, without premises and events
VECTOR = {"a": 3, "b": 9, "c": 12, "d": 23, "e": 1, "f": 8}
TREE: Tree = ((("a", "b"), "c"), ("d", ("e", "f")))


def test_the_vector_of_the_design() -> None:
    """ab 10, c 10, d 25, ef 10; plain suppression shows b, c, d and f: four cells, 52 of 56 people."""
    got = utility(gated(people(VECTOR), TREE))
    assert (got.people_low, got.people_high) == (47, 63)
    assert (got.blocks, got.areas, got.areas_per_block, got.largest_block) == (4, 6, 1.5, 2)
    assert (got.plain_fewest, got.plain_most) == (2, 4)  # c and d for sure; of ab and of ef one each, or none
    assert got.summary() == (
        "6 areas are shown in 4 blocks, 1.5 areas a block on the mean and 2 at most: 47 to 63 people, once per "
        "block, 2023. Hiding small areas instead would have shown 2 to 4 of the areas, and nobody in the others."
    )
    assert got.summary() in gated(people(VECTOR), TREE).summary()


def test_the_range_does_not_tell_how_many_areas_are_small() -> None:
    """The exact number of areas that plain suppression shows would: it is different in worlds with the same labels."""
    worlds = [{"a": 3, "b": 9}, {"a": 6, "b": 6}, {"a": 0, "b": 12}]
    plain = [sum(n >= 8 for n in world.values()) for world in worlds]
    assert plain == [1, 0, 1]
    assert len({utility(gated(people({**VECTOR, **world}), TREE)) for world in worlds}) == 1


def test_one_block_stays_plainly_said() -> None:
    found = gated(people({"a": 3, "b": 30}), ("a", "b"))
    assert "Only one or two blocks can be shown: there are too few people for a finer map." in found.summary()
    assert (utility(found).plain_fewest, utility(found).plain_most) == (0, 1)


def test_quarters_count_people_once_a_block_and_events_once() -> None:
    frame = pd.concat([people({"a": 30, "b": 9}, f"2023-{month:02d}-01") for month in (1, 4, 7, 10)])
    persons, events = (
        utility(gated(frame.iloc[:-1], ("a", "b"), every="quarter", count=count)) for count in ("persons", "events")
    )
    # every quarter of a is a cell; b has 9 9 9 8; the first published period is the first quarter
    assert (persons.people_low, persons.people_high) == (28 + 8, 32 + 12)
    assert (events.people_low, events.people_high, events.unit) == (28 + 8, 32 + 12, "events")


def test_levels_are_added_up_with_the_most_of_one_as_the_least() -> None:
    frame = pd.concat([people({"a": 30}, setting="street"), people({"a": 20}, setting="off-street")])
    got = utility(gated(frame, "a", by=("setting",)))
    assert (got.people_low, got.people_high) == (28, 32 + 22)  # the truth is 30: all of the twenty are among them


def test_a_block_without_a_value_is_said() -> None:
    frame = people({"a": 20, "b": 20})
    frame["premises"] = [
        f"{row.area}{int(row.person[1:]) % (9 if row.area == 'a' else 4)}" for row in frame.itertuples()
    ]
    got = utility(gated(frame, ("a", "b"), count="premises"))
    assert (got.hidden, got.blocks, got.people_low, got.people_high) == (1, 2, 8, 12)
    assert "(1 of them without a value)" in got.summary()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_the_truth_lies_in_the_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = [f"z{i}" for i in range(int(rng.integers(1, 12)))]
    counts = dict(zip(codes, rng.poisson(rng.choice([2, 8, 20], len(codes))), strict=True))
    counts[codes[0]] = max(counts[codes[0]], 1)
    tree: Tree = codes[0]
    for code in codes[1:]:
        tree = (tree, code)
    frame = people(counts)
    try:
        got = utility(gated(frame, tree)) if set(frame["area"]) == set(codes) else None
    except NotReleasable:
        return
    if got is None:  # an area without a row is none of the tally's codes, and of no interest here
        return
    assert got.plain_fewest <= sum(n >= 8 for n in counts.values()) <= got.plain_most
    assert got.people_low <= sum(counts.values()) <= got.people_high
    assert got.areas == len(codes)


# --- beside plain suppression, exactly: in tests and benchmarks only


def test_plain_suppression_of_the_vector_shows_four_cells(bench: ModuleType) -> None:
    premises = {"a": 3, "b": 4, "c": 4, "d": 5, "e": 1, "f": 4}
    frame = people(VECTOR).assign(period="2023")
    number = frame["person"].str[1:].astype(int)
    frame["premises"] = frame["area"] + (number % frame["area"].map(premises)).astype(str)
    frame["event"] = frame["premises"]
    assert bench.plain_cells(frame) == [("b", "2023"), ("c", "2023"), ("d", "2023"), ("f", "2023")]


def _means(bench: ModuleType, seeds: range, tables: list[str]) -> dict[str, tuple[float, float]]:
    """Return for each table the ratio of mean cells, and the smallest share of people represented."""
    towns = bench.generator()
    found: dict[str, list[Any]] = {name: [] for name in tables}
    for seed in seeds:
        town = towns.make_town(seed)
        for name in tables:
            found[name].append(bench.beside(bench.counted(town, bench.TABLES[name])))
    return {
        name: (sum(one.cells for one in rows) / sum(one.plain_cells for one in rows), min(one.people for one in rows))
        for name, rows in found.items()
    }


def test_everybody_is_represented_in_more_cells_than_plain_suppression_shows(bench: ModuleType) -> None:
    for ratio, represented in _means(bench, range(2), ["area", "area, phase"]).values():
        assert ratio >= bench.TARGET
        assert represented == 1.0


@pytest.mark.slow
def test_over_twenty_towns_everybody_is_in_at_least_1_3_times_as_many_cells(bench: ModuleType) -> None:
    means = _means(bench, range(bench.SEEDS), list(bench.TABLES))
    assert all(ratio >= bench.TARGET and represented == 1.0 for ratio, represented in means.values()), means


def test_optimal_suppression_is_left_out_where_it_is_not_installed(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pytauargus", None)
    assert bench.optimal_cells(people(VECTOR).assign(period="2023")) is None
