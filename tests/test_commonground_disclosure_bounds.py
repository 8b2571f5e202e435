"""What an attacker can prove, against published tables, closed formulas and counting every world."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure import sums as sums_module
from commonground.disclosure import worlds as worlds_module
from commonground.disclosure.bounds import AttackerBounds, attacker_bounds
from commonground.errors import NotReleasable, RecordsError

# The reference tables of the project's safeguards: the first is hidden as "two per row and column" would hide it.
FOUR = np.array([[30, 47, 64, 89], [90, 124, 5, 31], [92, 100, 59, 85], [800, 991, 651, 685]])
FOUR_HIDDEN = [(1, "a"), (1, "b"), (1, "c"), (2, "a"), (2, "c"), (3, "b"), (3, "d"), (4, "b"), (4, "d")]
TOWNS = {"A": 2, "B": 2, "I": 8, "J": 8, "K": 3, "L": 3, "M": 3, "N": 7}


def table(values: np.ndarray, hidden: list[tuple[int, str]]) -> pd.DataFrame:
    """Add both margins, then hide cells."""
    labels = list("abcdefghijklmnopqrstuvwxyz")[: values.shape[1]]
    made = pd.DataFrame(values, index=range(1, len(values) + 1), columns=labels).astype("Int64")
    made["all"] = made.sum(axis=1)
    made.loc["all"] = made.sum()
    for cell in hidden:
        made.loc[cell] = pd.NA
    return made


def bounds_of(result: AttackerBounds) -> dict[object, tuple[int, int]]:
    frame = result.to_frame()
    return dict(zip(frame["cell"], zip(frame["low"], frame["high"], strict=True), strict=True))


def test_two_hidden_cells_in_every_row_and_column_still_prove_one_exactly() -> None:
    found = bounds_of(attacker_bounds(table(FOUR, FOUR_HIDDEN)))
    assert found[1, "b"] == (47, 47)
    assert len(found) == 9


def test_hiding_one_more_cell_opens_the_proven_one_to_its_whole_range() -> None:
    found = bounds_of(attacker_bounds(table(FOUR, [*FOUR_HIDDEN, (2, "d")])))
    assert found[1, "b"] == (0, 78)


def counties() -> list[tuple[tuple[str, ...], int]]:
    shown = [((town,), TOWNS[town]) for town in "IJN"]
    return [(tuple(g), sum(TOWNS[town] for town in g)) for g in ("ABIJ", "KLMN")] + shown


def test_county_totals_leave_hidden_towns_their_ranges() -> None:
    found = bounds_of(attacker_bounds(counties(), hidden=list("ABKLM")))
    assert found == {"A": (0, 4), "B": (0, 4), "K": (0, 9), "L": (0, 9), "M": (0, 9)}


def test_a_second_way_of_adding_towns_proves_one_of_them() -> None:
    linked = [*counties(), (tuple("LM"), 6), (tuple("ABIJKN"), 30)]
    assert bounds_of(attacker_bounds(linked, hidden=list("ABKLM")))["K"] == (3, 3)


def test_seven_single_months_are_proven_if_zeros_are_shown_and_open_if_they_are_merged() -> None:
    months = [f"month {i}" for i in range(7)]
    zeros_merged = attacker_bounds([(months, 7)])
    assert set(bounds_of(zeros_merged).values()) == {(0, 7)}
    zeros_shown = attacker_bounds([(months, 7), *((month, 1, 7) for month in months)])
    assert set(bounds_of(zeros_shown).values()) == {(1, 1)}
    assert zeros_shown.exposed(8) == tuple(months)


@pytest.mark.parametrize(("n", "label"), [(8, 10), (12, 10), (13, 15)])
def test_a_rounded_label_says_no_more_than_its_range(n: int, label: int) -> None:
    # k 8, base 5, halves up: 5 floor(n/5 + .5), read as [max(k, p - 2), p + 2] (gate, step 7)
    assert 5 * ((2 * n + 5) // 10) == label
    low, high = max(8, label - 2), label + 2
    found = bounds_of(attacker_bounds([("block", low, high), (("area", "rest"), low, high)]))
    assert found["block"] == (low, high)
    assert low <= n <= high
    assert found["area"] == (0, high)


def test_a_label_minus_a_shown_part_bounds_the_rest() -> None:
    found = bounds_of(attacker_bounds([(("part", "rest"), 13, 17), ("part", 8, 12)], hidden=["rest"]))
    assert found == {"rest": (1, 9)}


@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=5))
@settings(max_examples=30, deadline=None)
def test_a_wholly_hidden_table_has_the_frechet_bounds(rows: list[list[int]]) -> None:
    # Dobra and Fienberg (2000), PNAS 97, 11885: max(0, row + column - total) to min(row, column)
    values = np.array(rows)
    hidden = [(i + 1, "abc"[j]) for i, j in np.ndindex(values.shape)]
    found = bounds_of(attacker_bounds(table(values, hidden)))
    across, down, total = values.sum(axis=1), values.sum(axis=0), values.sum()
    for i, j in np.ndindex(values.shape):
        expected = (max(0, across[i] + down[j] - total), min(across[i], down[j]))
        assert found[i + 1, "abc"[j]] == expected


@st.composite
def small_systems(draw: st.DrawFn) -> tuple[list[int], list[tuple[tuple[int, ...], int, int]]]:
    size = draw(st.integers(2, 5))
    truth = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    groups = draw(st.lists(st.sets(st.integers(0, size - 1), min_size=1), min_size=1, max_size=4))
    equations = [(tuple(range(size)), sum(truth), sum(truth))]
    for group in groups:
        total, slack = sum(truth[i] for i in group), draw(st.integers(0, 2))
        equations.append((tuple(group), max(0, total - slack), total + slack))
    return truth, equations


@given(small_systems())
@settings(max_examples=80, deadline=None)
def test_the_bounds_are_those_of_counting_every_world(
    system: tuple[list[int], list[tuple[tuple[int, ...], int, int]]],
) -> None:
    truth, equations = system
    total = sum(truth)
    worlds = [
        world
        for world in itertools.product(range(total + 1), repeat=len(truth))
        if all(low <= sum(world[i] for i in cells) <= high for cells, low, high in equations)
    ]
    found = bounds_of(attacker_bounds(equations, hidden=range(len(truth))))
    for i in range(len(truth)):
        assert found[i] == (min(w[i] for w in worlds), max(w[i] for w in worlds))


def test_fractions_of_people_do_not_hide_what_whole_people_prove() -> None:
    # Two triangles in which no two corners hold more than one person: halves would allow three people in all, whole
    # people two, so at least two of the four are elsewhere. The relaxation alone would say one.
    corners = [[f"{t}{i}" for i in range(3)] for t in "xy"]
    pairs = [(pair, 0, 1) for triangle in corners for pair in itertools.combinations(triangle, 2)]
    everyone = (*corners[0], *corners[1], "elsewhere")
    found = bounds_of(attacker_bounds([*pairs, (everyone, 4)], hidden=["elsewhere"]))
    assert found == {"elsewhere": (2, 4)}


def test_cells_that_no_sum_tells_apart_are_bounded_together_and_right() -> None:
    cells = [f"cell {i}" for i in range(500)]
    found = bounds_of(attacker_bounds([(cells, 40), (cells[:200], 15, 30)]))
    assert found["cell 0"] == (0, 30)
    assert found["cell 499"] == (0, 25)


def test_fifty_rows_by_ten_columns_are_bounded_cell_by_cell() -> None:
    values = np.random.default_rng(1).poisson(4, (50, 10))
    hidden = [(i + 1, "abcdefghij"[j]) for i, j in np.ndindex(values.shape)]
    found = attacker_bounds(table(values, hidden))
    assert len(found.cells) == 500


def test_the_truth_lies_within_the_bounds_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    values = rng.poisson(3, (8, 5))
    hidden = [(i + 1, "abcde"[j]) for i, j in np.ndindex(values.shape) if rng.random() < 0.6]
    made = table(values, hidden)
    found = bounds_of(attacker_bounds(made))
    assert all(found[i, c][0] <= values[i - 1, "abcde".index(c)] <= found[i, c][1] for i, c in hidden)
    shuffled = made.loc[[*rng.permutation(made.index[:-1]), "all"]]
    assert bounds_of(attacker_bounds(shuffled)) == found


def test_cells_can_be_hidden_by_a_mask_or_by_their_labels() -> None:
    whole = table(FOUR, [])
    by_labels = bounds_of(attacker_bounds(whole, hidden=FOUR_HIDDEN))
    mask = table(FOUR, FOUR_HIDDEN).isna()
    assert by_labels == bounds_of(attacker_bounds(whole, hidden=mask))
    assert by_labels == bounds_of(attacker_bounds(whole, hidden=mask.iloc[:-1, :-1].to_numpy()))
    assert attacker_bounds(whole).cells == ()


def test_neither_repr_nor_summary_shows_a_bound() -> None:
    result = attacker_bounds(table(FOUR, FOUR_HIDDEN))
    assert "47" not in repr(result)
    assert "47" not in result.summary()
    assert "does not show" in result.summary()
    assert result.exposed(8)[0] == (1, "a")
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_cell_is_exposed_when_its_presence_or_its_smallness_is_proven() -> None:
    present = attacker_bounds([(("a", "b"), 20), ("a", 1, 20)], hidden=["a", "b"])
    assert present.exposed(8) == ("a",)
    assert attacker_bounds([(("a", "b"), 6)]).exposed(8) == ("a", "b")
    with pytest.raises(ValueError, match="give 2 or more"):
        present.exposed(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((1, "d", -3), "row 1, d: the count must be a whole number of 0 or more"),
        ((1, "d", 3.5), "row 1, d: the count must be a whole number"),
        ((2, "all", None), "row 2, all: the total must be a whole number of 0 or more, and not missing"),
        (("all", "a", None), "row 5, a: the total must be"),
        ((2, "d", "31"), "row 2, d: the count must be a whole number"),
        ((1, "all", 20_000), "row 1, all: the row must add up to its total|row 5, all: the column must add up"),
        ((3, "all", 1), "row 3, all: the row must add up to its total"),
        (("all", "d", 5), "row 5, d: the column must add up to its total"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused_in_words_without_counts(
    change: tuple[object, str, object], message: str
) -> None:
    made = table(FOUR, FOUR_HIDDEN[:5]).astype(object)
    row, column, value = change
    made.loc[row, column] = pd.NA if value is None else value
    with pytest.raises(RecordsError, match=message) as refused:
        attacker_bounds(made)
    for count in (*FOUR.ravel().tolist(), 20_000):
        assert f" {count} " not in f" {refused.value} ".replace(".", " ").replace(",", " ").replace("row 5", "")


def test_every_problem_of_a_table_is_told_at_once() -> None:
    made = table(FOUR, []).astype(object)
    made.loc[1, "a"], made.loc[2, "b"] = -1, 0.5
    with pytest.raises(RecordsError) as refused:
        attacker_bounds(made)
    assert len(refused.value.problems) == 2


def test_sums_that_no_people_can_make_are_refused() -> None:
    triangle = [(("a", "b"), 1), (("b", "c"), 1), (("a", "c"), 1)]  # only halves would do
    with pytest.raises(RecordsError, match="contradict each other"):
        attacker_bounds(triangle)
    with pytest.raises(RecordsError, match="contradict each other"):
        attacker_bounds([(("a", "b"), 5), ("a", 6), ("b", 0, 9)], hidden=["b"])


@pytest.mark.parametrize(
    ("equations", "hidden", "message"),
    [
        ([(("a", "b"), -1)], None, "whole numbers of 0 or more"),
        ([(("a", "b"), 1.5)], None, "whole numbers"),
        ([(("a", "b"), None)], None, "whole numbers"),
        ([(("a", "a"), 3)], None, "each once"),
        ([((), 3)], None, "one cell or more"),
        ([(("a", "b"), 5, 3)], None, "low end"),
        ([["a", 3]], None, "tuple of two or three parts"),
        ([(("a", "b"), 3)], ["c"], "appear in at least one sum"),
    ],
)
def test_equations_that_cannot_be_read_are_refused(equations: object, hidden: object, message: str) -> None:
    with pytest.raises(RecordsError, match=message):
        attacker_bounds(equations, hidden=hidden)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ([("all", "a")], "totals must be shown"),
        ([(9, "a")], "pair of labels"),
        (["a"], "pair of labels"),
        (np.ones((2, 2), dtype=bool), "shape of the table"),
        (np.ones((4, 4)), "True and False"),
    ],
)
def test_a_wrong_list_of_hidden_cells_is_refused(hidden: object, message: str) -> None:
    with pytest.raises(RecordsError, match=message):
        attacker_bounds(table(FOUR, []), hidden=hidden)  # type: ignore[arg-type]


def test_a_table_without_margins_or_with_a_name_twice_is_refused() -> None:
    with pytest.raises(RecordsError, match="beside the totals"):
        attacker_bounds(pd.DataFrame({"a": [1]}))
    twice = table(FOUR, [])
    twice.columns = [*"aabc", "all"]
    with pytest.raises(RecordsError, match="label of its own"):
        attacker_bounds(twice)


def test_too_large_a_problem_is_refused_and_never_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [f"c{i}" for i in range(7_000)]
    with pytest.raises(NotReleasable, match="coarser tables"):
        attacker_bounds([(cells, 40)])
    monkeypatch.setattr(worlds_module, "MOST_CLASSES", 3)
    corners = [f"x{i}" for i in range(5)]
    ring = [((corners[i], corners[(i + 1) % 5]), 0, 1) for i in range(5)]
    with pytest.raises(NotReleasable, match="size and time allowed"):
        attacker_bounds([*ring, ((*corners, "rest"), 4)], hidden=["rest"])


def test_a_sum_beyond_the_solver_is_refused() -> None:
    with pytest.raises(RecordsError, match="whole numbers"):
        attacker_bounds([(("a", "b"), sums_module.MOST + 1)])


def test_running_out_of_time_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commonground.disclosure.bounds.MOST_SECONDS", -1.0)
    with pytest.raises(NotReleasable, match="size and time allowed"):
        attacker_bounds(table(FOUR, FOUR_HIDDEN))


# --- a second implementation: the audit of pytauargus, of which this table is a committed result (version 0.6.0)

SIX = [[5, 1, 9, 0, 0], [27, 0, 5, 0, 27], [2, 0, 0, 9, 9], [0, 2, 0, 27, 9], [0, 0, 2, 0, 9], [0, 2, 0, 27, 1]]
Bounded = dict[tuple[int, int], tuple[int, int]]
PYTAUARGUS_FOUR: Bounded = {
    (0, 0): (25, 94), (0, 1): (47, 47), (0, 2): (0, 69), (1, 0): (26, 95), (1, 2): (0, 69), (2, 1): (0, 185),
    (2, 3): (0, 185), (3, 1): (906, 1091), (3, 3): (585, 770),
}  # fmt: skip
PYTAUARGUS_SIX: Bounded = {
    (0, 0): (0, 15), (0, 1): (0, 5), (0, 2): (0, 11), (0, 3): (0, 15), (1, 0): (0, 34), (1, 1): (0, 5), (1, 3): (0, 54),
    (1, 4): (0, 37), (2, 0): (0, 11), (2, 1): (0, 5), (2, 2): (0, 11), (2, 4): (0, 11), (3, 0): (0, 29), (3, 1): (0, 5),
    (3, 2): (0, 11), (3, 3): (0, 29), (4, 1): (0, 2), (4, 2): (0, 2), (4, 3): (0, 2), (5, 1): (0, 5), (5, 3): (0, 30),
    (5, 4): (0, 30),
}  # fmt: skip


def ours(values: np.ndarray, hidden: list[tuple[int, int]]) -> Bounded:
    found = bounds_of(attacker_bounds(table(values, [(i + 1, "abcdefgh"[j]) for i, j in hidden])))
    return {(i, j): found[i + 1, "abcdefgh"[j]] for i, j in hidden}


@pytest.mark.parametrize(("values", "expected"), [(FOUR, PYTAUARGUS_FOUR), (np.array(SIX), PYTAUARGUS_SIX)])
def test_the_bounds_are_those_that_pytauargus_found(values: np.ndarray, expected: Bounded) -> None:
    assert ours(values, list(expected)) == expected


def pytauargus_bounds(audit: Callable[[str], list[dict[str, Any]]], values: np.ndarray, path: Path) -> Bounded:
    """Write a table with margins as its solver reads it: cells, then one sum a row and column; return the bounds."""
    whole = table(values, []).to_numpy(dtype=np.int64)
    hidden = hidden_at(values)
    rows, columns = whole.shape
    number = np.arange(whole.size).reshape(whole.shape)
    lines = ["0", str(whole.size)]
    for (i, j), n in np.ndenumerate(whole):
        lines.append(f"{number[i, j]} {n} 1 {'u' if (i, j) in hidden else 's'} 0 {whole[-1, -1]} 0 0 0")
    lines.append(str(rows + columns))
    for line in (*number, *number.T):
        lines.append(f"0.0 {len(line)} : {line[-1]} (-1) " + " ".join(f"{cell} (1)" for cell in line[:-1]))
    path.write_text("\n".join(lines) + "\n")
    return {divmod(row["cell"], columns): (round(row["min"]), round(row["max"])) for row in audit(str(path))}


def hidden_at(values: np.ndarray) -> list[tuple[int, int]]:
    rng = np.random.default_rng(int(values.sum()))
    return [(i, j) for i, j in np.ndindex(values.shape) if rng.random() < 0.6]


def test_pytauargus_agrees_on_random_tables(tmp_path: Path) -> None:
    reason = "pytauargus is not installed; its results of one day are compared above"
    audit = pytest.importorskip("pytauargus._tauargus", reason=reason).audit_jj
    rng = np.random.default_rng(9)
    for _ in range(20):
        values = rng.poisson(2.5, (int(rng.integers(2, 7)), int(rng.integers(2, 6))))
        assert ours(values, hidden_at(values)) == pytauargus_bounds(audit, values, tmp_path / "table.jj")
