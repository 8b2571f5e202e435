"""Attacks over time: whole sequences of releases with one ledger, judged by worlds that give the same output."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonground.disclosure import Ledger, Plan, cuts, cutting, levels, protect, publishing
from commonground.disclosure.hierarchy import Tree, leaves
from commonground.errors import NotReleasable
from commonground.periods import Period, calendar
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

YEARS = {str(year): Period(f"{year}-01-01", f"{year + 1}-01-01") for year in (2022, 2023)}
QUARTERS = {f"{name}Q{i + 1}": q for name, year in YEARS.items() for i, q in enumerate(calendar(year, "quarter"))}
PHASES = {"before": YEARS["2022"], "after": YEARS["2023"]}
SETTINGS = ("off-street", "street", "online")
COLUMNS = ["area", "period", "person", "premises", "event"]
UNITS = ("persons", "events", "premises")


def tallied(keys: pd.DataFrame, **fields: Any) -> Tally:
    """A tally as `commonground.tallies.tally` makes it, without the time it takes to read records."""
    by = [name for name in keys.columns if name == "setting"]
    blank = {"premises": None, "event": None, "period": "2023"}
    full = keys.assign(n=1.0, **{name: value for name, value in blank.items() if name not in keys})
    full = full.astype(dict.fromkeys([*COLUMNS, *by], "str"))
    full["record"] = full["person"].str.cat(full["event"], sep=" ")
    periods = fields.pop("periods", {"2023": YEARS["2023"]})
    start, end = min(p.start for p in periods.values()), max(p.end for p in periods.values())
    known = {"kind": "contacts", "count": "persons", "phased": periods is PHASES, "published": {"clinic": None}}
    return Tally(
        codes=tuple(sorted(set(full["area"]) | set(fields.pop("codes", ())))),
        periods=periods,
        by=dict.fromkeys(by, SETTINGS),
        keys=distinct(full, by),
        coverage=pd.DataFrame({"source": ["clinic"], "area": [pd.NA], "start": [start], "end": [end]}),
        **known | fields,
    )


def people(counts: dict[str, int], **columns: Any) -> pd.DataFrame:
    rows = [{"area": area, "person": f"{area}{i}"} for area, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["area", "person"]).assign(**columns)


def values(protected: Any) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), row[2], *row[3]]): row[4] for row in protected.rows}


@pytest.fixture(autouse=True)
def _no_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


# --- histories: a town whose records come late and are withdrawn, and who asks for what, when


@dataclasses.dataclass(frozen=True)
class History:
    """Rows with the snapshots in which they stand, and the releases asked for: snapshot, profile, unit."""

    rows: pd.DataFrame  # enters, leaves: a row stands in snapshots from enters to before leaves
    asked: tuple[tuple[int, str, str], ...]
    tree: Tree
    periods: dict[str, Period]

    @property
    def persons(self) -> bool:
        return bool(self.rows["person"].notna().any())

    def standing(self, snapshot: int) -> pd.Series:
        return (self.rows["enters"] <= snapshot) & (snapshot < self.rows["leaves"])

    def tally(self, snapshot: int) -> Tally:
        keys = self.rows[self.standing(snapshot)].drop(columns=["enters", "leaves"])
        return tallied(keys, periods=self.periods, codes=leaves(self.tree))


def random_tree(codes: list[str], rng: np.random.Generator) -> Tree:
    joined: list[Tree] = list(codes)
    while len(joined) > 1:
        i = int(rng.integers(len(joined) - 1))
        joined[i : i + 2] = [(joined[i], joined[i + 1])]
    return joined[0]


def random_rows(
    rng: np.random.Generator, codes: list[str], periods: dict[str, Period], *, persons: bool
) -> pd.DataFrame:
    """People seen several times, in several areas, periods and settings, premises and events; some are not known."""
    heat = rng.choice([0.02, 0.3, 1, 3], len(codes))
    many = int(rng.integers(30, 260))
    who = rng.integers(0, int(rng.integers(15, 130)), many)
    where = rng.choice(codes, many, p=heat / heat.sum())
    rows = pd.DataFrame({"area": where, "person": [f"p{i}" for i in who], "period": rng.choice(list(periods), many)})
    if rng.random() < 0.5:
        rows["premises"] = [f"{area}{i}" for area, i in zip(where, rng.integers(0, 6, many), strict=True)]
    if rng.random() < 0.5 or not persons:
        rows["event"] = [f"e{i}" for i in rng.integers(0, 3 * many // 2, many)]
    rows["person"] = rows["person"].mask(rng.random(many) < 0.05) if persons else None
    return rows


def random_history(seed: int, *, late: float = 0.3, fixed: bool = False) -> History:
    """A town, its late and withdrawn records, and three rounds of releases.

    With ``fixed`` everything that is ever asked for is asked for in the first round already.
    """
    rng = np.random.default_rng(seed)
    codes = [f"z{i}" for i in range(int(rng.integers(2, 7)))]
    form = int(rng.integers(0, 4))
    periods = [YEARS, PHASES, QUARTERS, {"2023": YEARS["2023"]}][form]
    persons = bool(rng.random() < 0.8)
    rows = random_rows(rng, codes, periods, persons=persons)
    if form == 3 or rng.random() < 0.15:
        rows["setting"] = rng.choice(SETTINGS, len(rows), p=rng.dirichlet([3, 2, 0.4]))
    moves = rng.random(len(rows)) < late
    rows["enters"] = np.where(moves & (rng.random(len(rows)) < 0.6), rng.integers(1, 3, len(rows)), 0)
    rows["leaves"] = np.where(moves & (rows["enters"] == 0), rng.integers(1, 3, len(rows)), 3)
    units = UNITS if persons else UNITS[1:]
    kinds = [(profile, unit) for profile in ("partner", "public") for unit in units]
    first = list(rng.permutation(len(kinds))[: 2 if not fixed else len(kinds)])
    asked = [(0, *kinds[i]) for i in first]
    asked += [(snapshot, *kinds[int(rng.integers(len(kinds)))]) for snapshot in (1, 1, 2)]
    return History(rows, tuple(asked), random_tree(codes, rng), periods)


@dataclasses.dataclass(frozen=True)
class Joined:
    """What was published together: areas, pieces of time or levels, and the snapshot in which it was decided."""

    closed: str
    areas: tuple[str, ...]
    parts: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    snapshot: int


def joined_in(book: Path, snapshot: int, known: list[Joined]) -> list[Joined]:
    """Read from the ledger what is published together of periods that were not published before."""
    rows = [json.loads(line) for line in book.read_text().splitlines()]
    return [
        Joined(
            row["period"],
            tuple(block["areas"]),
            tuple(block["parts"]),
            tuple(tuple(of) for _, shown in row["levels"] for _, of in shown),
            snapshot,
        )
        for row in rows
        if row["entry"] == "cut" and row["profile"] == "partner" and row["period"] not in {one.closed for one in known}
        for block in row["blocks"]
    ]


def play(history: History, path: Path) -> tuple[list[Any], list[Joined]]:
    """Return everything that was shown to anybody, in order, and what was published together.

    A refusal is an output too. There is one ledger from first to last.
    """
    path.unlink(missing_ok=True)
    book = Ledger(path)
    by = {"setting": SETTINGS} if "setting" in history.rows else {}
    plan = Plan(categories=by, measures=UNITS)
    shown: list[Any] = []
    joint: list[Joined] = []
    tallies = {snapshot: history.tally(snapshot) for snapshot in {snapshot for snapshot, *_ in history.asked}}
    for snapshot, profile, unit in history.asked:
        counted = tallies[snapshot].as_count(unit)
        try:
            protected = protect(counted, profile, hierarchy=history.tree, plan=plan, ledger=book)
        except NotReleasable as refusal:
            shown.append(str(refusal))
        else:
            said = (protected.summary(), repr(protected), protected.notes)
            shown.append((protected.rows, *said, protected.days, protected.by, protected.k, protected.people_known))
        joint += joined_in(path, snapshot, joint)
    return shown, joint


def released(history: History, path: Path) -> list[Any]:
    """Return everything that was shown to anybody, in order."""
    return play(history, path)[0]


# --- the safety argument through a whole history


def children_of(tree: Tree, codes: tuple[str, ...]) -> tuple[Tree, Tree]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple) and leaves(node) == codes:
            return node
        waiting.extend(node if isinstance(node, tuple) else ())
    raise AssertionError("a block is a node of the tree")


def few_units(history: History, inside: pd.Series, snapshot: int, rng: np.random.Generator) -> pd.Series:
    """Choose the rows of 0 to k - 1 people (or events) among those that stood when the cut was made."""
    k, key = (8, "person") if history.persons else (13, "event")
    units = history.rows.loc[inside & history.standing(snapshot), key].dropna().unique()
    chosen = rng.choice(units, min(int(rng.integers(0, k)), len(units)), replace=False)
    return inside & history.rows[key].isin(chosen)


def in_closed(history: History, closed: str) -> pd.Series:
    """The rows of a closed period: all phases, or a year."""
    if history.periods is PHASES:
        return pd.Series(True, index=history.rows.index)
    return history.rows["period"].str[:4] == closed


def another_area(history: History, at: Joined, rng: np.random.Generator) -> History | None:
    """Give one area of a joint block 0 to k - 1 people, everybody else of it to the sibling child.

    What came after the cut may lie anywhere in the block: it is never cut again.
    """
    if len(at.areas) < 2:
        return None
    one, other = children_of(history.tree, at.areas)
    area = str(rng.choice(list(at.areas)))
    sibling = leaves(other if area in leaves(one) else one)[0]
    rows, inside = history.rows.copy(), history.rows["area"].isin(at.areas) & in_closed(history, at.closed)
    few = few_units(history, inside, at.snapshot, rng)
    later = inside & ~history.standing(at.snapshot)
    rows.loc[inside, "area"] = sibling
    rows.loc[few, "area"] = area
    rows.loc[later, "area"] = rng.choice(list(at.areas), int(later.sum()))
    return dataclasses.replace(history, rows=rows)


def another_time(history: History, at: Joined, rng: np.random.Generator) -> History | None:
    """Give one quarter of a joint piece of a year 0 to k - 1 people, everybody else of it to the other half."""
    pieces = [part for part in at.parts if "Q" not in part]
    if history.periods is not QUARTERS or not pieces:
        return None
    part = str(rng.choice(pieces))
    halves = [(1, 2), (3, 4)] if "H" not in part else [(2 * int(part[-1]) - 1,), (2 * int(part[-1]),)]
    halves = [halves[i] for i in rng.permutation(2)]
    quarter, rest = (f"{at.closed}Q{rng.choice(half)}" for half in halves)
    of = [f"{at.closed}Q{i}" for half in halves for i in half]
    rows, inside = history.rows.copy(), history.rows["area"].isin(at.areas) & history.rows["period"].isin(of)
    few = few_units(history, inside, at.snapshot, rng)
    later = inside & ~history.standing(at.snapshot)
    rows.loc[inside, "period"] = rest
    rows.loc[few, "period"] = quarter
    rows.loc[later, "period"] = rng.choice(of, int(later.sum()))
    return dataclasses.replace(history, rows=rows)


def another_level(history: History, at: Joined, rng: np.random.Generator) -> History | None:
    """Give one of several joined levels 0 to k - 1 people of a block, and everybody else in them to another level."""
    groups = [group for group in at.groups if len(group) > 1]
    if not groups:
        return None
    group = list(groups[0])
    level = str(rng.choice(group[:-1] if group[-1] == "missing" else group))
    spare = [name for name in group if name != level]
    other = spare[0] if level == group[0] or len(group) == 2 else spare[-1]
    rows, inside = history.rows.copy(), history.rows["setting"].isin(group)
    here = inside & history.rows["area"].isin(at.areas) & in_closed(history, at.closed)
    few = few_units(history, here, at.snapshot, rng)
    rows.loc[inside, "setting"] = other
    rows.loc[few, "setting"] = level
    return dataclasses.replace(history, rows=rows)


WAYS: tuple[Callable[[History, Joined, np.random.Generator], History | None], ...] = (
    another_area, another_time, another_level,
)  # fmt: skip


def judged(seed: int, book: Path) -> Iterator[tuple[str, bool]]:
    """Build other worlds behind what is shown together, and say of each whether the whole history looks the same."""
    history = random_history(seed)
    first, joint = play(history, book)
    rng = np.random.default_rng([seed, 1])
    for way in WAYS:
        worlds = filter(None, (way(history, joint[i], rng) for i in rng.permutation(len(joint))))
        for world in itertools.islice(worlds, 2):
            yield way.__name__, released(world, book) == first


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**9))
def test_a_whole_history_of_releases_fits_any_small_number_anywhere(seed: int, tmp_path: Path) -> None:
    for way, same in judged(seed, tmp_path / "study.ledger"):
        assert same, f"{way} shows in the releases"


def test_many_witnesses_through_whole_histories(tmp_path: Path) -> None:
    found = [pair for seed in range(75) for pair in judged(seed, tmp_path / "study.ledger")]
    assert all(same for _, same in found)
    ways = [way for way, _ in found]
    assert len(ways) > 150
    assert all(ways.count(way.__name__) > 20 for way in WAYS)


@pytest.mark.slow
def test_thousands_of_witnesses_through_whole_histories(tmp_path: Path) -> None:
    found = [pair for seed in range(1000, 2400) for pair in judged(seed, tmp_path / "study.ledger")]
    assert all(same for _, same in found)
    assert len(found) > 2000


# --- a few late records: until the gap is crossed nothing moves


def few_late(history: History, rng: np.random.Generator) -> History:
    """Add and withdraw up to seven records in all, anywhere, after the first round of releases."""
    rows, changed = history.rows, int(rng.integers(1, 8))
    withdrawn = rng.choice(rows.index, int(rng.integers(0, changed + 1)), replace=False)
    new = rows.sample(changed - len(withdrawn), random_state=int(rng.integers(2**31))).copy()
    new["area"] = rng.choice(leaves(history.tree), len(new))
    new["period"] = rng.choice(list(history.periods), len(new))
    for key in ("person", "event", "premises"):
        if key in new and rng.random() < 0.7:
            new[key] = new[key].mask(new[key].notna(), [f"new {key} {i}" for i in range(len(new))])
    rows = rows.copy()
    rows.loc[withdrawn, "leaves"] = rng.integers(1, 3, len(withdrawn))
    new["enters"] = rng.integers(1, 3, len(new))
    return dataclasses.replace(history, rows=pd.concat([rows, new], ignore_index=True))


def late_records_show(seeds: range, book: Path) -> Iterator[bool]:
    """Say for random towns whether any release tells that up to seven records came late or were withdrawn."""
    for seed in seeds:
        history = random_history(seed, late=0)
        first = released(history, book)
        rng = np.random.default_rng([seed, 2])
        for _ in range(2):
            yield released(few_late(history, rng), book) != first


def test_a_few_late_records_anywhere_never_show(tmp_path: Path) -> None:
    found = list(late_records_show(range(25), tmp_path / "study.ledger"))
    assert not any(found)
    assert len(found) > 20


# --- red when any one protection is switched off


def lopsided(root: Any, good: Callable[[Any], bool]) -> list[Any]:
    """Split a node when one child passes."""
    if root.children and any(good(child) for child in root.children):
        return [block for child in root.children for block in lopsided(child, good)]
    return [root]


def lopsided_time(quarters: Any, good: Callable[[Any], bool]) -> list[tuple[int, ...]]:
    """Split a year, and a half, when one piece passes."""
    halves = [half for half in ((1, 2), (3, 4)) if any(good((q,)) for q in half) or good(half)]
    if not halves:
        return [tuple(quarters)]
    return [
        piece
        for half in ((1, 2), (3, 4))
        for piece in ([(q,) for q in half] if any(good((q,)) for q in half) else [half])
    ]


def failing_only(names: Any, good: Callable[[Any], bool]) -> list[tuple[str, ...]]:
    """Join just the levels that fail."""
    alone = [(name,) for name in names if good([name])]
    small = tuple(name for name in names if not good([name]))
    return [*alone, small] if small else alone


SWITCHED_OFF: dict[str, tuple[Any, str, Any]] = {
    "a node is split when one child passes": (cutting, "cut", lopsided),
    "a year is split when one piece passes": (cutting, "split_time", lopsided_time),
    "just the levels that fail are joined": (levels, "chain", failing_only),
    "cells below k pass": (cutting, "passes", lambda coded, rules: len(coded.place) > 0),
    "the cut is made anew at each release": (Ledger, "find_cut", lambda *_: None),
}


@pytest.mark.parametrize("protection", SWITCHED_OFF)
def test_witnesses_turn_red_when_a_protection_of_the_cut_is_switched_off(
    protection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*SWITCHED_OFF[protection])
    seeds = (seed for seed in range(400) if "levels" not in protection or "setting" in random_history(seed).rows)
    assert not all(same for seed in seeds for _, same in judged(seed, tmp_path / "study.ledger"))


def forgetful(case: Any, closed: Any, cut: Any, book: Any, *, first: bool) -> Any:
    """Label the cells of today, whatever was published before."""
    return publishing.all_labels(case, closed, cut, None, first=True)


def one_step(earlier: Any, new: int | None, _: int) -> int | None:
    """Move a label as soon as it would be another one, without looking at the gap or at those before the last."""
    return new if not earlier or abs((new or 0) - (earlier[-1] or 0)) >= 5 else earlier[-1]


@pytest.mark.parametrize(
    "broken",
    [
        (cuts, "all_labels", forgetful),
        (publishing, "settle", lambda earlier, new, k: new),
        (publishing, "settle", one_step),
        (Ledger, "find_cut", lambda *_: None),
    ],
    ids=["labels forgotten", "labels follow the records", "labels move by one step", "cut forgotten"],
)
def test_late_records_show_when_the_ledger_or_the_gap_is_switched_off(
    broken: tuple[Any, str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*broken)
    assert any(late_records_show(range(200), tmp_path / "study.ledger"))
