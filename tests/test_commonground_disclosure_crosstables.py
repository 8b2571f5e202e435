"""Further tables beside published ones: what the audit refuses, shown to leak without it, and what it lets through."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from commonground.disclosure import Ledger, Plan, Protected, attacker_bounds, further, protect
from commonground.disclosure.audit import Audit
from commonground.disclosure.crosstables import CrossTables, Grounds, cross_tables
from commonground.disclosure.hierarchy import Tree
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period, calendar
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

YEAR = Period("2023-01-01", "2024-01-01")
LEVELS = {"setting": ("indoor", "street"), "group": ("X", "Y")}
PLAN = Plan(categories=LEVELS, measures=("events",))
BOTH = ("setting", "group")
TREE: Tree = (("a", "b"), "c")
Counts = dict[tuple[str, str, str], int]


def town(counts: Counts, count: str = "events", *, each: int = 1, periods: dict[str, Period] | None = None) -> Tally:
    """Counts by area, setting and group: people of one record (or several alike) each, in premises of their own."""
    spans = periods or {"2023": YEAR}
    rows = [
        {
            "area": area, "setting": setting, "group": group, "period": list(spans)[i % len(spans)],
            "person": f"{area}{setting}{group}{i}", "event": f"{area}{setting}{group}{i} {j}",
        }
        for (area, setting, group), n in counts.items()
        for i in range(n)
        for j in range(each)
    ]  # fmt: skip
    keys = pd.DataFrame(rows).assign(premises=None, n=1.0)
    keys["record"] = keys["person"] + " " + keys["event"]
    texts = ["area", "period", *BOTH, "person", "premises", "event", "record"]
    start, end = min(p.start for p in spans.values()), max(p.end for p in spans.values())
    return Tally(
        kind="contacts",
        count=count,
        codes=("a", "b", "c"),
        periods=spans,
        by={name: LEVELS[name] for name in BOTH},
        keys=distinct(keys.astype(dict.fromkeys(texts, "str")), list(BOTH)),
        coverage=pd.DataFrame({"source": ["clinic"], "area": [pd.NA], "start": [start], "end": [end]}),
        published={"clinic": None},
    )


def by(tally: Tally, *names: str) -> Tally:
    return dataclasses.replace(tally, by={n: tally.by[n] for n in names}, keys=distinct(tally.keys, list(names)))


def even(n: int) -> Counts:
    return {(area, *levels): n for area in "abc" for levels in itertools.product(*LEVELS.values())}


def after_first(tally: Tally, wanted: Sequence[Sequence[str]], book: Path, **options: Any) -> CrossTables:
    """Publish the totals of each block, then further tables."""
    plan = options.pop("plan", PLAN)
    for unit in plan.measures:
        protect(by(tally).as_count(unit), hierarchy=TREE, plan=plan, ledger=book)
    grounds = options.pop("grounds", Grounds(hierarchy=TREE, one_each=BOTH))
    return cross_tables(tally, wanted, plan=plan, ledger=book, grounds=grounds, **options)


def shown(protected: Protected) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), *row[3]]): row[4] for row in protected.rows}


# 43 of group X, 13 indoor, 52 in all: at least 4 of X are indoor, and exactly 4 are
LEAKING = even(20) | dict(zip(itertools.product("c", *LEVELS.values()), (4, 9, 39, 0), strict=True))


def test_a_further_table_is_published_in_the_blocks_of_the_first(tmp_path: Path) -> None:
    found = after_first(town(even(9)), [["setting"], ["group"]], tmp_path / "ledger")
    assert [table.by for table in found.tables] == [("setting",), ("group",)]
    assert not found.refused
    one = found.tables[0]
    assert shown(one) == {f"{area} {level}": 20 for area in "abc" for level in ("indoor", "street or missing")}
    assert one.in_ledger
    assert one.released
    assert str(one.answer(["a", "b"], categories=("indoor",))) == "40 in [36, 44]"
    assert found.to_frame()["table"].tolist() == ["setting"] * 6 + ["group"] * 6
    assert "Published: setting (events)" in found.summary()
    assert "20" not in repr(found)


def test_a_published_table_is_repeated_and_later_ones_are_audited_beside_it(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    first = after_first(town(even(9)), [["setting"]], book)
    size = book.stat().st_size
    again = cross_tables(
        town(even(9)), [["setting"]], plan=PLAN, ledger=book, grounds=Grounds(hierarchy=TREE, one_each=BOTH)
    )
    assert again.tables[0].rows == first.tables[0].rows
    assert book.stat().st_size == size


def test_a_table_that_would_prove_a_small_cell_is_refused_and_leaks_without_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [["group"], ["setting"]]
    found = after_first(town(LEAKING), wanted, tmp_path / "with")
    assert [table.by for table in found.tables] == [("setting",)]  # the declared order, not the order asked for
    assert list(found.refused) == [("group",)]
    assert not any(character.isdigit() for character in found.refused["group",])
    kept = [row["table"] for row in Ledger(tmp_path / "with").find_extra(_records(found), "2023")]
    assert ["refused" in table for table in kept] == [False, True]  # one published, one refused for good

    monkeypatch.setattr(further, "audit_tables", lambda *_: Audit(0, ()))
    leaking = after_first(town(LEAKING), wanted, tmp_path / "without")
    assert len(leaking.tables) == 2
    known = [(tuple(itertools.product(("in", "st"), "XY")), 48, 52)]  # the label of c, 50
    for table, place in zip(leaking.tables, (0, 1), strict=True):
        rows = [row for row in table.rows if row[1] == ("c",)]
        for level, row in zip(("in", "st") if place == 0 else "XY", rows, strict=True):
            cells = tuple(cell for cell in itertools.product(("in", "st"), "XY") if cell[place] == level)
            known.append((cells, row[5], row[6]))
    proven = attacker_bounds(known).to_frame().set_index("cell")
    assert proven.at[("in", "X"), "low"] == 4


def _records(found: CrossTables) -> Any:
    from commonground.disclosure.ledger import RecordSet

    return RecordSet(found.tables[0].kind, found.tables[0].sources)


def test_the_order_in_which_tables_are_asked_for_does_not_matter(tmp_path: Path) -> None:
    tables = [["setting", "group"], ["group"], ["setting"]]
    outputs = []
    for number, wanted in enumerate(itertools.permutations(tables)):
        found = after_first(town(LEAKING), wanted, tmp_path / f"{number}")
        outputs.append(([table.rows for table in found.tables], found.refused))
    assert all(output == outputs[0] for output in outputs)


def test_blocks_are_joined_where_a_level_is_too_small(tmp_path: Path) -> None:
    few = even(12) | {("a", "street", "X"): 2, ("a", "street", "Y"): 1}
    found = after_first(town(few), [["setting"]], tmp_path / "ledger")
    assert {"".join(row[1]) for row in found.tables[0].rows} == {"ab", "c"}


def test_a_level_too_small_for_all_areas_is_refused_in_words(tmp_path: Path) -> None:
    few = {cell: 12 if cell[2] == "X" else 0 for cell in even(1)}
    found = after_first(town(few), [["group"]], tmp_path / "ledger")
    assert not found.tables
    assert "too few people" in found.refused["group",]
    assert "Not published: group" in found.summary()


def test_people_are_counted_further_only_by_what_everybody_has_one_of(tmp_path: Path) -> None:
    plan = Plan(categories=LEVELS, measures=("persons", "events"))
    grounds = Grounds(hierarchy=TREE, one_each=("group",))
    found = after_first(town(even(9), "persons"), [["setting"], ["group"]], tmp_path / "a", plan=plan, grounds=grounds)
    assert [table.by for table in found.tables] == [("group",)]
    assert found.tables[0].count == "persons"
    assert "several levels of setting" in found.refused["setting",]
    # one event each: of at most 22 indoor and 22 in the street hardly anybody can be both beside 43 people or more
    events = after_first(town(even(11)), [["setting"]], tmp_path / "b", plan=plan, grounds=grounds)
    assert "would prove something" in events.refused["setting",]
    often = after_first(town(even(9), each=4), [["setting"]], tmp_path / "c", plan=plan, grounds=grounds)
    assert [table.by for table in often.tables] == [("setting",)]


def test_people_in_larger_blocks_than_before_are_refused(tmp_path: Path) -> None:
    few = even(12) | {("a", "street", "X"): 2, ("a", "indoor", "X"): 2}
    plan = Plan(categories=LEVELS, measures=("persons",))
    found = after_first(town(few, "persons"), [["group"]], tmp_path / "ledger", plan=plan)
    assert "only one" in found.refused["group",]


def test_late_records_change_a_table_only_across_the_gap(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    first = shown(after_first(town(even(9)), [["setting"]], book).tables[0])
    grounds = Grounds(hierarchy=TREE, one_each=BOTH)
    more = town(even(9) | {("a", "indoor", "X"): 14})
    assert shown(cross_tables(more, [["setting"]], plan=PLAN, ledger=book, grounds=grounds).tables[0]) == first
    many = town(dict.fromkeys(even(1), 40))
    protect(by(many), hierarchy=TREE, plan=PLAN, ledger=book)
    now = shown(cross_tables(many, [["setting"]], plan=PLAN, ledger=book, grounds=grounds).tables[0])
    assert set(now.values()) == {80}


def test_quarters_of_a_block_are_shown_where_each_can_be(tmp_path: Path) -> None:
    quarters = {f"2023Q{i + 1}": span for i, span in enumerate(calendar(YEAR, "quarter"))}
    found = after_first(town(even(64), periods=quarters), [["setting"]], tmp_path / "ledger")
    assert list(found.tables[0].periods) == list(quarters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "public"}, "for partners only"),
        ({"wanted": ["setting"]}, "tuple of categories"),
        ({"wanted": [["offence"]]}, "tuple of categories"),
        ({"plan": Plan(categories={"setting": ("indoor", "street")}, measures=("events",))}, "tuple of categories"),
        ({"grounds": Grounds(hierarchy=("a", ("b", "c")))}, "another hierarchy"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    book = tmp_path / "ledger"
    counted = town(even(9))
    protect(by(counted), hierarchy=TREE, plan=PLAN, ledger=book)
    asked = {"wanted": [["setting"], ["group"]], "plan": PLAN, "grounds": Grounds(hierarchy=TREE), **options}
    with pytest.raises(NotReleasable, match=message):
        cross_tables(counted, asked.pop("wanted"), ledger=book, **asked)


def test_nothing_further_is_published_before_the_first_release_or_after_tomorrow(tmp_path: Path) -> None:
    grounds = Grounds(hierarchy=TREE)
    with pytest.raises(NotReleasable, match="publish the first tables"):
        cross_tables(town(even(9)), [["group"]], plan=PLAN, ledger=tmp_path / "none", grounds=grounds)
    late = dataclasses.replace(grounds, as_of="2999-01-01")
    with pytest.raises(CommonGroundError, match="future"):
        cross_tables(town(even(9)), [["group"]], plan=PLAN, ledger=tmp_path / "none", grounds=late)


# --- every world of small towns

Cell = tuple[str, ...]
Sums = list[tuple[set[int], int, int]]


def worlds(cells: int, known: Sums) -> np.ndarray:
    """Every way to fill some cells with whole numbers that fits sums over them, cell by cell."""
    found = np.zeros((1, 0), dtype=np.int64)
    for at in range(cells):
        top = min(high for members, _, high in known if at in members)
        more = np.tile(np.arange(top + 1), len(found))
        found = np.column_stack([np.repeat(found, top + 1, axis=0), more])
        for members, low, high in known:
            sums = found[:, [one for one in members if one <= at]].sum(axis=1)
            found = found[(sums <= high) & ((sums >= low) | (max(members) > at))]
    return found


def in_cells(tables: Sequence[Protected], cells: Sequence[Cell], names: Sequence[str]) -> Sums:
    """What tables say of the sums over some cells: a block and a level of each category."""
    known = []
    for table in tables:
        for row in table.rows:
            wanted = {name: level.split(" or ")[0] for name, level in zip(table.by, row[3], strict=True)}
            inside = {
                at
                for at, (block, *levels) in enumerate(cells)
                if set(block) <= set(row[1])
                and all(level == wanted.get(name, level) for name, level in zip(names, levels, strict=True))
            }
            known += [(inside, row[5], row[6])] if inside else []
    return known


def assert_nothing_is_proven(counts: Counts, tables: Sequence[Protected]) -> int:
    """Look at every cell of a block that no table shows, in every world; return how many were looked at."""
    names = sorted({name for table in tables for name in table.by})
    blocks = ["".join(areas) for areas in tables[0].block_areas()]
    joined = any(
        len(row[1]) > len(block)
        for table in tables
        for row in table.rows
        for block in blocks
        if block in "".join(row[1])
    )
    if joined and len(names) > 1:
        return 0  # too many worlds to count
    looked = 0
    for together in [blocks] if joined else [[block] for block in blocks]:
        cells = [(block, *levels) for block in together for levels in itertools.product(*(LEVELS[n] for n in names))]
        known = in_cells(tables, cells, names)
        every = worlds(len(cells), known)
        for block in together:
            for levels in itertools.product(*((*LEVELS[name], None) for name in names)):
                mine = {at for at, cell in enumerate(cells) if _is_in(cell, (block, *levels))}
                if any(mine == members for members, *_ in known):
                    continue
                level = dict(zip(names, levels, strict=True))
                true = sum(
                    n
                    for (area, *held), n in counts.items()
                    if area in block and _is_in(held, [level.get(name) for name in BOTH])
                )
                values = every[:, sorted(mine)].sum(axis=1)
                # a cell of a whole block that is k or more could be published itself
                assert true >= 8 or values.min() == 0
                assert values.max() >= 7
                looked += 1
    return looked


def _is_in(cell: Sequence[str], wanted: Sequence[str | None]) -> bool:
    return all(level in (None, own) for own, level in zip(cell, wanted, strict=True))


AREAS_AND_LEVELS = list(itertools.product("ab", *LEVELS.values()))


@given(st.lists(st.integers(0, 9), min_size=8, max_size=8), st.sampled_from([["setting"], ["group"], list(BOTH)]))
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])  # shrinking counts worlds for hours
@example([4, 9, 9, 0, 9, 9, 9, 9], list(BOTH))
def test_nothing_is_proven_of_any_hidden_cell_in_all_worlds_of_small_towns(
    numbers: list[int], names: list[str]
) -> None:
    counts = dict(zip(AREAS_AND_LEVELS, numbers, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        found = small_town(counts, names, Path(folder) / "ledger")
    if found is not None:
        assert_nothing_is_proven(counts, found)


def small_town(counts: Counts, names: Sequence[str], book: Path) -> list[Protected] | None:
    if not sum(counts.values()):
        return None
    counted = dataclasses.replace(town(counts), codes=("a", "b"))
    try:
        first = protect(by(counted), hierarchy=("a", "b"), plan=PLAN, ledger=book)
    except NotReleasable:
        return None
    grounds = Grounds(hierarchy=("a", "b"), one_each=BOTH)
    found = cross_tables(counted, [[name] for name in names], plan=PLAN, ledger=book, grounds=grounds)
    return [first, *found.tables]


def test_counting_every_world_finds_the_leak_that_the_audit_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = dict(zip(AREAS_AND_LEVELS, (4, 9, 9, 0, 9, 4, 4, 4), strict=True))
    with_audit = small_town(counts, BOTH, tmp_path / "with")
    assert with_audit is not None
    assert_nothing_is_proven(counts, with_audit)
    monkeypatch.setattr(further, "audit_tables", lambda *_: Audit(0, ()))
    leaking = dict(zip(AREAS_AND_LEVELS, (4, 9, 39, 0, 9, 9, 9, 9), strict=True))
    without = small_town(leaking, BOTH, tmp_path / "without")
    assert without is not None
    assert len(without) == 3
    with pytest.raises(AssertionError):
        assert_nothing_is_proven(leaking, without)
