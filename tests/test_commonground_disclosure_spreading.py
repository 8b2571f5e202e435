"""Other areas from published blocks: conservation, hand-worked shares, hidden blocks, and nothing counted again."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from commonground.areas import grid
from commonground.disclosure import Protected, Spread, attacker_bounds, protect, spread_over
from commonground.disclosure.labels import interval, label
from commonground.errors import CommonGroundError, GeographyError, NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import tally

SIDE = 100.0


def strip(*widths: float, codes: str = "abcdefgh", crs: int = 27700) -> gpd.GeoDataFrame:
    """Areas in a row from the west."""
    edges = np.cumsum([0.0, *widths]) * SIDE
    return gpd.GeoDataFrame(
        {"name": list(codes[: len(widths)])},
        geometry=[box(west, 0, east, SIDE) for west, east in pairwise(edges)],
        index=pd.Index(list(codes[: len(widths)]), name="area"),
        crs=crs,
    )


SMALL = strip(1, 1, 1, 1)


def gated(counts: dict[str, int], *, profile: str = "partner", **options: Any) -> Protected:
    frame = pd.DataFrame(
        [
            {"start": f"2023-{2 + 3 * (i % 4):02d}-01", "area": area, "person": f"{area}{i}"}
            for area, n in counts.items()
            for i in range(n)
        ]
    ).assign(premises=lambda f: f["area"] + f.index.astype(str).str[-1:])
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    options = {"every": "year", "count": "persons", **options}
    counted = tally(records, SMALL, **options)
    return protect(counted, profile, hierarchy=(("a", "b"), ("c", "d")))


BLOCKS = gated({"a": 20, "b": 3, "c": 30, "d": 10})


def values(spread: Spread) -> dict[str, float | None]:
    frame = spread.to_frame()
    return {code: None if np.isnan(value) else value for code, value in zip(frame["area"], frame["value"], strict=True)}


def test_labels_are_spread_by_ground() -> None:
    assert {row[1]: row[4] for row in BLOCKS.rows} == {("a", "b"): 25, ("c",): 30, ("d",): 10}
    wards = strip(1, 1.5, 1.5, codes="xyz")
    # x half of ab; y half of ab and half of c; z half of c and all of d
    assert values(spread_over(BLOCKS, wards)) == {"x": 13.0, "y": 28.0, "z": 25.0}  # 12.5, 27.5 at two digits


def test_labels_are_spread_by_addresses() -> None:
    weights = pd.Series({"x": 300.0, "y": 100.0, "z": 0.0, "w": 50.0})
    areas = strip(1, 1, 1, 1, codes="xyzw")
    # ab: 3 to 1; c has no address, so it goes by its ground; d
    assert values(spread_over(BLOCKS, areas, weights=weights)) == {"x": 19.0, "y": 6.3, "z": 30.0, "w": 10.0}


@settings(max_examples=40, deadline=None)
@given(
    widths=st.lists(st.floats(0.05, 2), min_size=1, max_size=8),
    weights=st.one_of(st.none(), st.lists(st.floats(0, 1000), min_size=9, max_size=9)),
)
def test_what_covers_the_blocks_adds_up_to_their_labels(widths: list[float], weights: list[float] | None) -> None:
    wards = strip(*widths, max(4.5 - sum(widths), 0.05), codes="pqrstuvwx")
    given_weights = None if weights is None else pd.Series(weights[: len(wards)], index=wards.index)
    spread = spread_over(BLOCKS, wards, weights=given_weights)
    found = np.nansum(spread.to_frame()["value"])
    assert found == pytest.approx(65, abs=0.5 * len(wards) + 0.5)  # two significant digits, below 100


def test_the_small_areas_themselves_get_even_shares_and_no_count() -> None:
    assert values(spread_over(BLOCKS, SMALL)) == {"a": 13.0, "b": 13.0, "c": 30.0, "d": 10.0}  # not 20 and 3


def test_half_a_block_gives_half_its_label() -> None:
    spread = spread_over(BLOCKS, strip(1, codes="x"))
    assert values(spread) == {"x": 13.0}
    assert "lie outside" in spread.summary()
    assert "lie outside" not in spread_over(BLOCKS, SMALL).summary()


def test_an_area_into_which_a_hidden_block_reaches_has_no_value() -> None:
    """Premises of fewer than k are not shown; neither is anything that their block's number would go into."""
    shown = gated({"a": 20, "b": 20, "c": 30, "d": 10}, count="premises")
    hidden = {row[1]: row[4] for row in shown.rows}
    assert hidden[("a",)] == 10
    frame = pd.DataFrame(
        [{"start": "2023-02-01", "area": area, "person": f"{area}{i}", "premises": f"{area}{i % many}"}
         for area, many in (("a", 9), ("b", 9), ("c", 4), ("d", 9)) for i in range(20)]
    )  # fmt: skip
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    shown = protect(tally(records, SMALL, every="year", count="premises"), hierarchy=(("a", "b"), ("c", "d")))
    wards = strip(1.5, 0.4, 1, 1.1, codes="xyzw")  # c lies from 2 to 3
    assert values(spread_over(shown, wards)) == {"x": 15.0, "y": 4.0, "z": None, "w": None}


def test_an_area_that_no_block_reaches_has_no_value() -> None:
    assert values(spread_over(BLOCKS, strip(4, 2, codes="xy"))) == {"x": 65.0, "y": None}


def test_a_period_in_which_a_block_was_published_otherwise_has_no_value_there() -> None:
    """Where a block's year is published by quarter there is no number of people for its year."""
    shown = gated({"a": 60, "b": 60, "c": 30, "d": 10}, every="quarter")
    assert {(row[0], row[2]) for row in shown.rows} >= {("a", "2023Q1"), ("d", "2023")}
    frame = spread_over(shown, SMALL).to_frame().pivot(index="area", columns="period", values="value")
    assert frame["2023"].isna().to_dict() == {"a": True, "b": True, "c": True, "d": False}
    assert frame.at["a", "2023Q1"] == 15
    assert np.isnan(frame.at["d", "2023Q1"])


def test_years_that_were_cut_differently_are_spread_from_their_own_blocks() -> None:
    parts = [
        pd.DataFrame(
            [{"start": f"{year}-05-01", "area": a, "person": f"{a}{i}"} for a, n in counts.items() for i in range(n)]
        )
        for year, counts in ((2022, {"a": 20, "b": 3, "c": 30, "d": 10}), (2023, {"a": 20, "b": 20, "c": 30, "d": 10}))
    ]  # fmt: skip
    span = {"source": ["contacts"], "area": [None], "start": ["2022-01-01"], "end": ["2024-01-01"]}
    records = read_records(pd.concat(parts), "contacts").with_coverage(pd.DataFrame(span))
    shown = protect(tally(records, SMALL, every="year", count="persons"), hierarchy=(("a", "b"), ("c", "d")))
    assert shown.blocks is not None
    assert shown.blocks.geometry.area.round().to_dict() == {
        "a+1": 20_000,
        "c": 10_000,
        "d": 10_000,
        "a": 10_000,
        "b": 10_000,
    }
    frame = spread_over(shown, SMALL).to_frame().pivot(index="area", columns="period", values="value")
    assert frame["2022"].tolist() == [13, 13, 30, 10]
    assert frame["2023"].tolist() == [20, 20, 30, 10]


def test_hexagons_over_the_blocks() -> None:
    hexagons = grid(SMALL, 60, shape="hexagon")
    spread = spread_over(BLOCKS, hexagons)
    assert set(spread.to_frame()["area"]) == set(hexagons.index)
    assert spread.to_frame()["value"].sum() == pytest.approx(65, abs=1)
    assert "nobody was counted in these areas" in spread.summary()
    assert "weak evidence" in spread.summary()


def test_counting_the_records_again_in_other_areas_would_prove_a_small_number() -> None:
    """Why: a 20, b 3 are joined; wards {a} and {b, c} counted anew give b as 0 to 9 beside c, and a as 18 to 22."""
    counts = {"a": 20, "b": 3, "c": 30}
    blocks = [(["a", "b"], *interval(label(23, 8), 8)), (["c"], *interval(label(30, 8), 8))]
    anew = [(["a"], *interval(label(20, 8), 8)), (["b", "c"], *interval(label(33, 8), 8))]
    with_wards = attacker_bounds([*blocks, *anew], hidden=["b"])
    assert (with_wards.low, with_wards.high) == ((1,), (9,))  # somebody is there
    alone = attacker_bounds(blocks, hidden=["b"])
    assert (alone.low, alone.high) == ((0,), (27,))
    # ours says the same wherever in the block they were
    worlds = [gated({**counts, "d": 10} | moved) for moved in ({}, {"a": 23, "b": 0}, {"a": 16, "b": 7})]
    wards = strip(1, 3, codes="xy")
    assert len({tuple(spread_over(world, wards).rows) for world in worlds}) == 1


def test_a_spread_is_released_sealed_and_holds_nothing_exact() -> None:
    spread = spread_over(BLOCKS, SMALL)
    assert type(spread).released is True
    assert (spread.in_ledger, spread.profile, spread.origin) == (False, "partner", BLOCKS)
    assert "25" not in repr(spread)
    assert b"d9" not in pickle.dumps(spread)
    with pytest.raises(CommonGroundError, match="only the gate"):
        Spread(BLOCKS, SMALL, (("a", "2023", (), 3.0),), (), seal=None)
    with pytest.raises(AttributeError):
        spread.rows = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("areas", "weights", "said"),
    [
        (strip(1, 1, crs=32630), None, "EPSG"),
        (pd.concat([SMALL, SMALL.iloc[:1]]), None, "twice"),
        (pd.concat([SMALL, strip(4, codes="z")]), None, "overlap"),
        (SMALL, pd.Series({"a": 1.0}), "lacks an area"),
        (SMALL, pd.Series({"a": 1.0, "b": -1.0, "c": 1.0, "d": 1.0}), "below 0"),
    ],
)
def test_areas_and_weights_that_do_not_fit_are_refused(areas: Any, weights: Any, said: str) -> None:
    with pytest.raises(GeographyError, match=said):
        spread_over(BLOCKS, areas, weights=weights)


def test_only_protected_values_with_shapes_are_spread() -> None:
    with pytest.raises(NotReleasable, match="only protected values"):
        spread_over(SMALL, SMALL)  # type: ignore[arg-type]
    frame = pd.DataFrame([{"start": "2023-02-01", "area": "a", "person": f"{i}"} for i in range(20)])
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    shapeless = protect(tally(records, every="year", count="persons"), hierarchy="a")
    with pytest.raises(NotReleasable, match="no shapes"):
        spread_over(shapeless, SMALL)


def test_phases_are_spread_each() -> None:
    phases = {"before": Period("2023-01-01", "2023-07-01"), "after": Period("2023-07-01", "2024-01-01")}
    shown = gated({"a": 40, "b": 6, "c": 40, "d": 40}, every=phases)
    frame = spread_over(shown, strip(2, 2, codes="xy")).to_frame()
    assert frame.groupby("period")["value"].sum().to_dict() == {
        "before": 65.0,
        "after": 60.0,
    }  # the labels: 25 + 20 + 20, and 20 + 20 + 20
