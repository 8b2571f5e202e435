"""Attacks by addition: each shows first what the plain way gives away, then that a release proves nothing."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from commonground.disclosure import Protected, attacker_bounds, protect
from commonground.disclosure.hierarchy import Tree, build_hierarchy
from commonground.disclosure.labels import interval, label, percentage
from commonground.periods import Period, calendar
from commonground.sampletown import sample_folder
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

K = 8
YEAR = Period("2023-01-01", "2024-01-01")
QUARTERS = {f"2023Q{i + 1}": span for i, span in enumerate(calendar(YEAR, "quarter"))}
COLUMNS = ["area", "period", "person", "premises", "event", "n"]


def tallied(keys: pd.DataFrame, **fields: Any) -> Tally:
    """A tally as `commonground.tallies.tally` makes it, without the time it takes to read records."""
    by = [name for name in keys.columns if name in ("group", "setting")]
    blank = {"premises": None, "event": None, "period": "2023", "n": 1.0}
    full = keys.assign(**{name: value for name, value in blank.items() if name not in keys})
    full = full.astype(dict.fromkeys([*COLUMNS[:-1], *by], "str"))
    full["record"] = full["person"].str.cat(full["event"], sep=" ")
    periods = fields.pop("periods", {"2023": YEAR})
    start, end = min(p.start for p in periods.values()), max(p.end for p in periods.values())
    known = {"kind": "contacts", "count": "persons", "published": {"clinic": None}}
    return Tally(
        codes=tuple(sorted(set(full["area"]) | set(fields.pop("codes", ())))),
        periods=periods,
        by={name: tuple(sorted(full[name].unique())) for name in by},
        keys=distinct(full, by),
        coverage=pd.DataFrame({"source": ["clinic"], "area": [pd.NA], "start": [start], "end": [end]}),
        **known | fields,
    )


def people(counts: dict[str, int], **columns: Any) -> pd.DataFrame:
    rows = [{"area": area, "person": f"{area}{i}"} for area, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["area", "person"]).assign(**columns)


def in_levels(counts: dict[tuple[str, str], int], column: str = "setting") -> pd.DataFrame:
    """Different people by area and level."""
    return pd.concat(
        [people({area: n}).assign(**{column: level}, person=lambda f, x=level: x + f["person"])
         for (area, level), n in counts.items()]
    )  # fmt: skip


def shown(protected: Protected) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), *row[3]]): row[4] for row in protected.rows}


# --- the sample town


@pytest.fixture(scope="module")
def contacts() -> pd.DataFrame:
    """Contacts of the sample town by area, person, premises, session and quarter."""
    raw = pd.read_csv(sample_folder() / "contacts.csv", encoding="utf-8-sig", dtype="str")
    when = pd.to_datetime(raw["Contact date"], dayfirst=True, format="mixed")
    rows = pd.DataFrame(
        {
            "area": raw["Area code"],
            "person": raw["Client ID"],
            "premises": raw["Location ref"],
            "event": [f"row {i}" for i in range(len(raw))],
            "setting": raw["Where they work"],
            "month": when.dt.to_period("M").astype("str"),
            "period": when.dt.to_period("Q").astype("str"),
        }
    )
    return rows.dropna(subset=["area"])


@pytest.fixture(scope="module")
def tree() -> Tree:
    areas = gpd.read_file(sample_folder() / "areas.geojson").set_index("code")
    return build_hierarchy(areas.assign(population=areas["addresses"]))


def suppressed(counts: pd.DataFrame) -> pd.DataFrame:
    """The plain way: a table with totals in which every count below k is hidden."""
    whole = counts.astype(float)
    whole["total"] = whole.sum(axis=1)
    whole.loc["total"] = whole.sum()
    whole.iloc[:-1, :-1] = whole.iloc[:-1, :-1].mask(counts < K)
    return whole


def present(published: Any, hidden: Any = None) -> int:
    """Return in how many hidden cells it is proven that somebody was there."""
    return sum(low > 0 for low in attacker_bounds(published, hidden=hidden).low)


def stated(protected: Protected, parts: dict[str, tuple[str, ...]]) -> Iterator[tuple[list[tuple[str, ...]], int, int]]:
    """Yield what a release states of additive counts: cells of area, piece of time and levels, and their interval."""
    for _, areas, period, levels, _, low, high in protected.rows:
        if low is not None:
            yield [(area, piece, *levels) for area in areas for piece in parts[period]], low, high


PARTS = {"2023": tuple(QUARTERS), "2023H1": ("2023Q1", "2023Q2"), "2023H2": ("2023Q3", "2023Q4")} | {
    name: (name,) for name in QUARTERS
}


def several(statements: Iterable[tuple[list[tuple[str, ...]], int, int]]) -> list[tuple[str, ...]]:
    """The cells that are published together with others: about them nothing may be proven."""
    return [cell for cells, _, _ in statements if len(cells) > 1 for cell in cells]


@pytest.mark.parametrize(("year", "proven"), [(2022, 5), (2023, 6), (2024, 2)])
def test_margins_of_the_sample_town_prove_presence_where_small_cells_are_hidden(
    year: int, proven: int, contacts: pd.DataFrame, tree: Tree
) -> None:
    """Area x quarter with totals: measured 5, 6 and 2 hidden cells in which somebody is proven to have been."""
    mine = contacts[contacts["period"].str[:4] == str(year)]
    assert present(suppressed(pd.crosstab(mine["area"], mine["period"]))) == proven
    quarters = {
        f"{year}Q{i + 1}": q for i, q in enumerate(calendar(Period(f"{year}-01-01", f"{year + 1}-01-01"), "quarter"))
    }
    counted = tallied(mine.drop(columns=["setting", "month"]), periods=quarters, count="events")
    protected = protect(counted, hierarchy=tree)
    parts = {
        name.replace("2023", str(year)): tuple(q.replace("2023", str(year)) for q in of) for name, of in PARTS.items()
    }
    statements = [*stated(protected, parts)]
    cells = several(statements)
    assert len(cells) > 50
    assert attacker_bounds(statements, hidden=cells).exposed(K) == ()
    exact = ([cell for row, _, _ in statements for cell in row], len(mine), len(mine))  # and whoever knows the total
    assert attacker_bounds([*statements, exact], hidden=cells).exposed(K) == ()


def test_nine_windows_moved_by_a_month_prove_presence_in_the_plain_way(contacts: pd.DataFrame) -> None:
    """A rise from one year to the year a month later is somebody in the month that came in: measured, 171 months.

    That the ledger refuses the second window, and `window` rolls closed periods only: the attacks on releases.
    """
    months = [str(month) for month in pd.period_range("2022-01", periods=20, freq="M")]
    counts = pd.crosstab(contacts["area"], contacts["month"]).reindex(columns=months, fill_value=0)
    proven = 0
    for _, row in counts.iterrows():
        windows = [(months[i : i + 12], int(row[months[i : i + 12]].sum())) for i in range(9)]
        sums = [(cells, n) for cells, n in windows if n >= K]
        small = [month for month in months if row[month] < K and any(month in cells for cells, _ in sums)]
        if small:
            proven += present(sums, small)
    assert proven == 171


# --- hiding more


def two_hidden_a_line(counts: np.ndarray) -> np.ndarray:
    """Hide counts below k, and beside them the smallest others until no line has just one hidden."""
    hidden = counts < K
    while True:
        rows = np.flatnonzero(hidden.sum(axis=1) == 1)
        columns = np.flatnonzero(hidden.sum(axis=0) == 1)
        if not (len(rows) or len(columns)):
            return hidden
        left = np.where(hidden, np.inf, counts.astype(float))
        at = (rows[0], int(left[rows[0]].argmin())) if len(rows) else (int(left[:, columns[0]].argmin()), columns[0])
        hidden[at] = True


def test_two_hidden_in_every_line_still_prove_presence() -> None:
    """Of 60 tables, 8 x 4, cells below k in which somebody is proven to have been: measured, 70 in 39 tables."""
    proven = []
    for seed in range(60):
        counts = np.random.default_rng(seed).negative_binomial(1.2, 0.07, (8, 4))
        hidden = two_hidden_a_line(counts)
        assert 1 not in {*hidden.sum(axis=0), *hidden.sum(axis=1)}
        whole = pd.DataFrame(np.block([[counts, counts.sum(axis=1)[:, None]], [counts.sum(axis=0), counts.sum()]]))
        bounds = attacker_bounds(whole.astype(float), hidden=hidden)
        proven.append(sum(low > 0 and counts[cell] < K for cell, low in zip(bounds.cells, bounds.low, strict=True)))
    assert (sum(proven), sum(n > 0 for n in proven)) == (70, 39)


@pytest.mark.parametrize("seed", range(8))
def test_a_table_by_area_and_quarter_proves_nothing_of_what_is_shown_together(seed: int) -> None:
    """The same kind of tables through the gate, with the exact total and every exact block known beside them."""
    counts = np.random.default_rng(seed).negative_binomial(1.2, 0.07, (8, 4))
    keys = pd.concat(
        [people({f"z{i}": int(n)}, period=name).assign(person=lambda f, x=name: x + f["person"])
         for i, row in enumerate(counts) for name, n in zip(QUARTERS, row, strict=True)]
    )  # fmt: skip
    halves: Tree = tuple((f"z{i}", f"z{i + 1}") for i in (0, 2)), tuple((f"z{i}", f"z{i + 1}") for i in (4, 6))
    protected = protect(tallied(keys, periods=QUARTERS, codes=[f"z{i}" for i in range(8)]), hierarchy=halves)
    statements = [*stated(protected, PARTS)]
    exactly = {(f"z{i}", name): int(counts[i, j]) for i in range(8) for j, name in enumerate(QUARTERS)}
    known = [
        (cells, sum(exactly[cell] for cell in cells), sum(exactly[cell] for cell in cells))
        for cells, _, _ in statements
    ]
    assert all(low <= n <= high for (_, low, high), (_, n, _) in zip(statements, known, strict=True))
    cells = several(known)
    assert cells
    assert attacker_bounds(known, hidden=cells).exposed(K) == ()


# --- rounding, shares, means and rates


def test_rounding_each_number_on_its_own_proves_small_counts() -> None:
    """Four cells of 5, each 3 to 7, beside a total of 10, at most 12: every one is exactly 3."""
    together = (list("abcd"), 8, 12)
    bounds = attacker_bounds([*((name, 3, 7) for name in "abcd"), together], hidden="abcd")
    assert (bounds.low, bounds.high) == ((3,) * 4, (3,) * 4)
    protected = protect(tallied(people(dict.fromkeys("abcd", 3))), hierarchy=(("a", "b"), ("c", "d")))
    assert shown(protected) == {"abcd": 10}
    assert attacker_bounds([together], hidden="abcd").exposed(K) == ()


def test_no_total_is_rounded_on_its_own() -> None:
    """A sum of labels says no more than the labels: for each combination of them the total is always the same."""
    found: dict[tuple[int | None, ...], set[tuple[int | None, int | None, int | None]]] = {}
    for a, b in itertools.product((8, 12, 13, 17, 18, 19), repeat=2):
        protected = protect(tallied(people({"a": a, "b": b})), hierarchy=("a", "b"))
        answer = protected.answer("ab")
        labels = tuple(row[4] for row in protected.rows)
        found.setdefault(labels, set()).add((answer.value, answer.low, answer.high))
    assert len(found) == 9
    assert all(len(totals) == 1 for totals in found.values())


def counts_behind(shares: tuple[float, ...], most: int = 40) -> set[tuple[int, ...]]:
    """Every set of counts, up to a total, whose percentages at one decimal are these."""
    return {
        (a, b, total - a - b)
        for total in range(1, most + 1)
        for a in range(total + 1)
        for b in range(total - a + 1)
        if tuple(round(100 * n / total, 1) for n in (a, b, total - a - b)) == shares
    }


def test_percentages_at_one_decimal_are_counts() -> None:
    """33.3, 57.1 and 9.5 % of some people, up to 40 of them: only 7, 12 and 2 of 21 (or the same twice over, 42)."""
    assert counts_behind((33.3, 57.1, 9.5)) == {(7, 12, 2)}


def test_percentages_of_labels_leave_every_count_of_a_label_possible() -> None:
    worlds: dict[tuple[int | None, ...], set[tuple[int, int, int]]] = {}
    for counts in itertools.product(range(8, 23), repeat=3):
        of = tuple(label(n, K) for n in counts)
        worlds.setdefault(tuple(percentage(part, of) for part in of), set()).add(counts)
    for shares, behind in worlds.items():
        assert None not in shares
        for at in range(3):  # a share never narrows a label: whole labels stay, five counts each
            assert {label(world[at], K) for world in behind} <= {10, 15, 20}
            assert len({world[at] for world in behind}) % 5 == 0


@pytest.mark.parametrize("of", [(10, None), (None, None), (0,)])
def test_no_share_of_a_hidden_denominator(of: tuple[int | None, ...]) -> None:
    assert percentage(10, of) is None


def test_a_mean_is_a_count() -> None:
    """1.571 visits a head, of fewer than 20 people: 7 people and 11 visits, or 14 and 22."""
    found = [(n, round(1.571 * n)) for n in range(1, 20) if round(round(1.571 * n) / n, 3) == 1.571]
    assert found == [(7, 11), (14, 22)]


def test_means_of_what_is_published_are_functions_of_labels() -> None:
    """People and visits of a block: every pair of counts within the labels stays possible, also in pairs."""
    seen: dict[tuple[Any, ...], set[tuple[int, int]]] = {}
    for n, visits in itertools.product(range(8, 13), range(13, 18)):
        rows = people({"a": n, "b": 30})
        again = rows.iloc[: visits - n].assign(event="again") if visits > n else rows.iloc[:0]
        keys = pd.concat([rows.assign(event="first"), again])
        keys["event"] = [f"{event} {i}" for i, event in enumerate(keys["event"])]
        counted = tallied(keys)
        views = [protect(counted.as_count(unit), hierarchy=("a", "b")).rows for unit in ("persons", "events")]
        if (views[0][0][4], views[1][0][4]) == (10, 15):
            seen.setdefault(tuple(views), set()).add((n, visits))
    assert [len(worlds) for worlds in seen.values()] == [25]


def test_a_rate_of_a_known_number_of_residents_is_a_count_and_ours_is_of_labels() -> None:
    """2.94 for each 1,000 of 1,020 residents is 3 people."""
    assert [n for n in range(50) if round(1000 * n / 1020, 2) == 2.94] == [3]
    changes: dict[tuple[int | None, ...], set[str]] = {}
    phases = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2023-07-01")}
    for before, after in itertools.product((8, 10, 12, 13), repeat=2):
        keys = pd.concat([people({"a": before}, period="before"), people({"a": after}, period="after")])
        protected = protect(tallied(keys, periods=phases, phased=True), hierarchy="a")
        table = protected.change("before", "after")
        changes.setdefault(tuple(row[4] for row in protected.rows), set()).add(table.to_json(double_precision=15))
    assert len(changes) == 4
    assert all(len(tables) == 1 for tables in changes.values())


def test_no_rate_where_a_label_is_hidden_and_no_area_of_few_addresses() -> None:
    quarters = pd.concat([people({"a": 30}, period=name, premises="p") for name in ("2022", "2023")])
    quarters["premises"] = [f"flat {i % 10 if year == '2022' else i % 5}" for i, year in enumerate(quarters["period"])]
    years = {"2022": Period("2022-01-01", "2023-01-01"), "2023": YEAR}
    table = protect(tallied(quarters, periods=years, count="premises"), hierarchy="a").change("2022", "2023")
    assert table[["ratio", "low", "high"]].isna().all(axis=None)  # five premises are not shown
    few = gpd.GeoDataFrame(
        {"population": [30.0, 5000.0]}, index=["a", "b"], geometry=gpd.points_from_xy([0, 1], [0, 1])
    )
    counted = dataclasses.replace(tallied(people({"a": 30, "b": 30})), areas=few.assign(name=few.index))
    rows = protect(dataclasses.replace(counted, areas=None), hierarchy=("a", "b")).rows
    assert [row[1] for row in rows] == [("a",), ("b",)]  # where nobody knows the addresses


# --- linked tables


def test_two_tables_that_share_their_totals_prove_presence_in_the_plain_way(contacts: pd.DataFrame, tree: Tree) -> None:
    """Area x setting beside area x half-year, cells below k hidden in both: together they prove more than either."""
    mine = contacts[contacts["period"].str[:4] == "2023"].assign(half=lambda f: f["period"].str[-1].isin(["1", "2"]))
    cells = (
        mine.groupby(["area", "setting", "half"])
        .size()
        .unstack(["setting", "half"], fill_value=0)
        .stack([0, 1], future_stack=True)
    )
    sums = []
    for keep in (("area", "setting"), ("area", "half"), ("area",)):
        for at, n in cells.groupby(list(keep)).sum().items():
            at = at if isinstance(at, tuple) else (at,)
            atoms = [
                cell
                for cell in cells.index
                if all(cell[cells.index.names.index(k)] == v for k, v in zip(keep, at, strict=True))
            ]
            sums.append((atoms, int(n)))
    visible = [(atoms, n) for atoms, n in sums if n >= K]
    small = [cell for cell, n in cells.items() if n < K and any(cell in atoms for atoms, _ in visible)]
    assert present(visible, small) == 9
    keys = mine.drop(columns=["month", "half"])
    plan = {"categories": {"setting": ("street", "off-street", "online")}, "measures": ("events",)}
    protected = protect(tallied(keys, periods=QUARTERS, count="events"), hierarchy=tree, plan=plan)
    levels = {shown: tuple(shown.split(" or ")) for shown in {row[3][0] for row in protected.rows}}
    statements = [
        ([(area, piece, level) for area, piece, shown in atoms for level in levels[shown]], low, high)
        for atoms, low, high in stated(protected, PARTS)
    ]
    inside = several(statements)
    assert len(inside) > 100
    assert attacker_bounds(statements, hidden=inside).exposed(K) == ()


def test_wards_beside_smaller_areas_prove_the_difference_in_the_plain_way() -> None:
    """Areas of a ward, one hidden, beside the ward's total; and of ours a ward is answered by the blocks it needs."""
    assert attacker_bounds([("a", 20), ("b", 9), (["a", "b", "c"], 33)], hidden="c").low == (4,)
    for c in (0, 4, 7):
        protected = protect(
            tallied(people({"a": 20, "b": 16 - c, "c": c, "d": 30})), hierarchy=(("a", ("b", "c")), "d")
        )
        assert shown(protected) == {"a": 20, "bc": 15, "d": 30}
        assert str(protected.answer("abd")) == "coarsen to a, b, c, d"
        assert str(protected.answer("ac")) == "coarsen to a, b, c"


# --- groups, order and refusals


def test_a_block_in_which_all_are_of_one_level_is_not_shown_apart() -> None:
    """Group disclosure: "everybody met in a was on the street" is never said, nor is "few were not"."""
    plan = {"categories": {"setting": ("street", "off-street")}}
    found = set()
    for few in range(K):
        counts = {("a", "street"): 40, ("a", "off-street"): few, ("b", "street"): 30, ("b", "off-street"): 33 - few}
        protected = protect(tallied(in_levels(counts)), hierarchy=("a", "b"), plan=plan)
        found.add(tuple(sorted(shown(protected).items())))
        assert all(row[1] == ("a", "b") for row in protected.rows)
    assert len(found) == 1
    alone = {("a", "street"): 40, ("a", "off-street"): 8, ("b", "street"): 30, ("b", "off-street"): 25}
    assert len(protect(tallied(in_levels(alone)), hierarchy=("a", "b"), plan=plan).rows) == 4  # eight can be told apart


def test_the_order_of_rows_and_questions_is_no_ranking() -> None:
    tree: Tree = (("d", "b"), ("a", "c"))
    orders = set()
    for sizes in itertools.permutations((10, 20, 30, 40)):
        keys = people(dict(zip("abcd", sizes, strict=True)))
        protected = protect(tallied(keys.iloc[:: -1 if sizes[0] < sizes[1] else 1]), hierarchy=tree)
        blocks = tuple(row[0] for row in protected.rows)
        orders.add((blocks, tuple(protected.block_areas().index), tuple(protected.table().index), protected.notes))
    assert len(orders) == 1


def test_the_order_of_levels_is_the_declared_one() -> None:
    plan = {"categories": {"setting": ("street", "off-street", "online")}}
    orders = set()
    for sizes in itertools.permutations((10, 20, 30)):
        counts = {("a", level): n for level, n in zip(("street", "off-street", "online"), sizes, strict=True)}
        keys = pd.concat([in_levels(counts), in_levels({("a", "missing"): 9})])
        orders.add(tuple(row[3] for row in protect(tallied(keys), hierarchy="a", plan=plan).rows))
    assert orders == {(("street",), ("off-street",), ("online",), ("missing",))}


def test_one_person_many_times_and_twelve_in_one_flat_are_not_shown() -> None:
    """Plain counting shows 20 visits in a, and 12 people in c."""
    keys = people({"b": 30, "c": 12, "d": 30})
    keys["premises"] = ["flat" if area == "c" else f"p{i}" for i, area in enumerate(keys["area"])]
    often = pd.DataFrame({"area": "a", "person": "one", "premises": [f"q{i}" for i in range(20)]})
    keys = pd.concat([keys, often])
    keys["event"] = [f"e{i}" for i in range(len(keys))]
    counts = keys["area"].value_counts()
    assert (counts["a"], counts["c"]) == (20, 12)
    protected = protect(tallied(keys, count="events"), hierarchy=(("a", "b"), ("c", "d")))
    assert shown(protected) == {"ab": 50, "cd": 40}


@pytest.mark.parametrize("total", [16, 20, 24])
def test_the_exact_total_of_the_town_proves_nothing_of_an_area(total: int) -> None:
    """At 16 both blocks are known to hold exactly 8; in the joint one either area still holds 0 to 8."""
    keys = people({"a": total // 2 - 3, "b": 3, "c": total // 2})
    protected = protect(tallied(keys), hierarchy=(("a", "b"), "c"))
    assert shown(protected) == {"ab": 10, "c": 10}
    bounds = attacker_bounds(
        [(["a", "b"], *interval(10, K)), ("c", *interval(10, K)), (["a", "b", "c"], total)], hidden="ab"
    )
    assert bounds.exposed(K) == ()


def test_every_small_world_behind_a_release_leaves_every_small_number_possible() -> None:
    """Brute force: all towns of three areas and up to 22 people each, judged by what they publish."""
    for tree in ((("a", "b"), "c"), ("a", ("b", "c"))):
        behind: dict[Any, list[tuple[int, ...]]] = {}
        for counts in itertools.product(range(23), repeat=3):
            behind.setdefault(partition(counts, tree), []).append(counts)
        checked = 0
        for blocks, worlds in behind.items():
            for block in blocks:
                for area in block[0] if len(block[0]) > 1 and (block[1] or 0) <= 20 else ():
                    checked += 1
                    assert set(range(K)) <= {world["abc".index(area)] for world in worlds}
        assert checked > 10
        for counts in itertools.product((0, 7, 8, 20), repeat=3):  # the judge's model is the gate's
            if sum(counts) >= K:
                rows = protect(tallied(people(dict(zip("abc", counts, strict=True))), codes="abc"), hierarchy=tree).rows
                assert tuple((row[1], row[4]) for row in rows) == partition(counts, tree)


def partition(counts: tuple[int, ...], tree: Tree) -> tuple[tuple[tuple[str, ...], int | None], ...]:
    """A second implementation of the cut, for people alone; empty where all together fail."""
    size = dict(zip("abc", counts, strict=True))

    def split(node: Tree) -> list[tuple[str, ...]]:
        if isinstance(node, tuple) and all(sum(size[area] for area in flat(child)) >= K for child in node):
            return [block for child in node for block in split(child)]
        return [flat(node)]

    def flat(node: Tree) -> tuple[str, ...]:
        return (node,) if isinstance(node, str) else (*flat(node[0]), *flat(node[1]))

    if sum(counts) < K:
        return ()
    return tuple((block, label(sum(size[area] for area in block), K)) for block in split(tree))
