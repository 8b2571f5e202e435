"""A released surface is a function of published blocks and loses nothing on the way."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from commonground.disclosure import Protected
from commonground.disclosure.protected import seal
from commonground.errors import NotReleasable
from commonground.periods import Period
from mapping.spread import CELL, spread_surface

PERIODS = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}


def town(side: float = 1300.0, count: int = 5) -> gpd.GeoDataFrame:
    """Square blocks in a grid that does not fit the lattice."""
    cells = [(x, y) for x in range(count) for y in range(count)]
    shapes = [
        box(400130 + side * x, 300210 + side * y, 400130 + side * (x + 1), 300210 + side * (y + 1)) for x, y in cells
    ]
    names = [f"b{x}{y}" for x, y in cells]
    return gpd.GeoDataFrame({"name": names}, geometry=shapes, index=pd.Index(names, name="block"), crs=27700)


def protected(before: Any, after: Any, blocks: gpd.GeoDataFrame | None = None) -> Protected:
    shapes = town() if blocks is None else blocks
    counts = {"before": before, "after": after}
    rows = [(b, (b,), p, (), v[i], v[i], v[i]) for p, v in counts.items() for i, b in enumerate(shapes.index)]
    given: dict[str, Any] = {
        "kind": "contacts", "count": "events", "profile": "open", "k": 0, "periods": PERIODS,
        "days": {"before": 365.0, "after": 365.0}, "by": (), "zones": {}, "tree_digest": "", "sources": ("outreach",),
        "citations": ("Tables",), "as_of": pd.Timestamp("2024-06-30"), "people_known": False, "in_ledger": True,
        "blocks": shapes,
        "rows": tuple(rows), "seal": seal(),
    }  # fmt: skip
    return Protected(**given)


SOME = [10 + 5 * (i % 4) for i in range(25)]


def test_the_same_values_before_and_after_give_one_everywhere() -> None:
    assert np.allclose(spread_surface(protected(SOME, SOME)).cells["ratio"], 1.0)


def test_twice_as_many_everywhere_is_no_shift() -> None:
    assert np.allclose(spread_surface(protected(SOME, [2 * v for v in SOME])).cells["ratio"], 1.0)


def test_even_blocks_are_flat_up_to_the_edge() -> None:
    # One density everywhere: the edge of the study area must not take any of it away.
    shifted = spread_surface(protected([20] * 25, [40] * 25, town(side=700.0)), bandwidth=1500.0)
    assert np.allclose(shifted.cells["ratio"], 1.0)


def test_a_planted_shift_is_seen_where_it_left_and_where_it_went() -> None:
    moved = [*SOME]
    moved[0], moved[24] = 5, moved[24] + SOME[0] - 5
    cells = spread_surface(protected([v * 4 for v in SOME], [v * 4 for v in moved])).cells
    low, high = cells["ratio"].idxmin(), cells["ratio"].idxmax()
    blocks = town()
    assert blocks.geometry["b00"].distance(cells.geometry[low]) == 0
    assert blocks.geometry["b44"].distance(cells.geometry[high]) == 0
    assert cells["ratio"].min() < 0.9 < 1.1 < cells["ratio"].max()


def test_no_block_is_lost_however_small() -> None:
    """Blocks far smaller than a cell hold no cell's centre; their people count all the same."""
    tiny = town(side=90.0)
    cells = spread_surface(protected([10] * 24 + [100], [100] + [10] * 24, tiny), cell=100.0, bandwidth=50.0).cells
    assert cells["ratio"].max() > 3
    assert cells["ratio"].min() < 1 / 3


def test_without_smoothing_the_ratio_of_a_block_inside_a_cell_is_worked_out_by_hand() -> None:
    # Four blocks, each exactly one cell, no smoothing: shares 10, 20, 30, 40 of 100 against 40, 30, 20, 10 of 100.
    shapes = gpd.GeoDataFrame(
        {"name": list("abcd")},
        geometry=[box(x * 500, 0, x * 500 + 500, 500) for x in range(4)],
        index=pd.Index(list("abcd"), name="block"),
        crs=27700,
    )
    found = spread_surface(protected([10, 20, 30, 40], [40, 30, 20, 10], shapes), bandwidth=1e-6)
    assert found.cells["ratio"].to_list() == pytest.approx([4.0, 1.5, 2 / 3, 0.25])
    assert found.cells["near"].to_list() == list("abcd")


def test_the_lattice_is_fixed_whatever_the_blocks() -> None:
    whole, part = town(), town().iloc[:7]
    all_cells = spread_surface(protected(SOME, SOME, whole)).cells
    some_cells = spread_surface(protected(SOME[:7], SOME[:7], part)).cells
    assert set(some_cells.index) < set(all_cells.index)
    assert (all_cells.geometry[some_cells.index].bounds % CELL == 0).to_numpy().all()


def test_a_block_without_a_value_is_left_out_of_both_periods_and_said() -> None:
    hidden: list[int | None] = [*SOME]
    hidden[12] = None
    found = spread_surface(protected(SOME, hidden))
    both = spread_surface(protected([*SOME[:12], None, *SOME[13:]], hidden))
    assert np.allclose(found.cells["ratio"], both.cells["ratio"], equal_nan=True)
    assert "left out of both: 1" in found.summary()
    inside = town().geometry.iloc[12].buffer(-1)
    unknown = found.cells.geometry[found.cells["ratio"].isna()]
    assert len(unknown) > 0
    assert unknown.within(town().geometry.iloc[12]).all(), "cells that share ground with no other block"
    assert found.cells.geometry.union_all().covers(inside), "the lattice covers hidden blocks too"
    assert found.cells.index.equals(spread_surface(protected(SOME, SOME)).cells.index)


def test_periods_that_share_no_shown_block_have_no_surface() -> None:
    first, second = [*SOME[:5], *[None] * 20], [*[None] * 5, *SOME[5:]]
    with pytest.raises(NotReleasable, match="nothing is published in the blocks"):
        spread_surface(protected(first, second))


def test_only_protected_values_make_a_surface() -> None:
    with pytest.raises(NotReleasable, match="made from protected values"):
        spread_surface(pd.DataFrame({"before": [1], "after": [2]}))  # type: ignore[arg-type]
    assert next(iter(inspect.signature(spread_surface).parameters.values())).annotation == "Protected"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(NotReleasable, match="have no shapes"):
        spread_surface(dataclasses.replace(protected(SOME, SOME), blocks=None, seal=seal()))
    with pytest.raises(NotReleasable, match="nothing is published for later"):
        spread_surface(protected(SOME, SOME), "before", "later")


def test_a_surface_shows_no_number_in_its_repr_and_carries_no_p() -> None:
    found = spread_surface(protected(SOME, SOME))
    assert repr(found) == "SpreadSurface(cell=500 m, bandwidth=1000 m)"
    assert list(found.to_frame()) == ["cell", "ratio"]
    assert "carries no test" in found.summary()
