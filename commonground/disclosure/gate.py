"""Which parts of a tally may be shown, and as what?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.closing import Closed, closed_periods, observed_days, piece_name, rows_of, spans_of
from commonground.disclosure.labels import interval, label, revise
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.levels import publishable_levels
from commonground.disclosure.opened import outlines, published_as_is
from commonground.disclosure.partition import Rules, cut, lowest_passing, passes, rules_for, split_time
from commonground.disclosure.policy import CUT_K, Plan, Profile, profile_named
from commonground.disclosure.protected import COLUMNS, Protected
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.tallies import Tally, count_keys

__all__ = ["protect"]


@dataclass(frozen=True)
class _Block:
    areas: tuple[str, ...]
    parts: tuple[str, ...]  # periods (phases, the year, or pieces of the year) that are labelled

    @property
    def code(self) -> str:
        return min(self.areas)


def protect(
    tally: Tally,
    profile: str = "partner",
    *,
    plan: Plan | Mapping[str, Any] | None = None,
    zones: Mapping[str, Sequence[str]] | None = None,
    hierarchy: trees.Tree | None = None,
    ledger: str | Path | Ledger | None = None,
    as_of: str | dt.date | pd.Timestamp | None = None,
) -> Protected:
    """Publish a partition: blocks of areas that can all be shown, and nothing finer.

    Parameters
    ----------
    tally : Tally
        Of a whole record set; a filtered one is refused (filters are categories).
    profile : {'partner', 'public', 'open'}
    plan : Plan or mapping, optional
        Declared categories, phases and measures.
    zones : mapping of zone to area codes, optional
        Treated, ring and comparison areas, declared from public knowledge; one tree inside each.
    hierarchy : nested pairs of area codes, optional
        The fixed order in which areas join; default: built from the areas' shapes and population.
    ledger : path or Ledger, optional
        What was published before. Without it the result can be looked at but not written.
    as_of : date, optional
        Drives the release lag (default: today).

    Returns
    -------
    Protected

    Raises
    ------
    NotReleasable
        When nothing may be shown; says what to coarsen, and no count.

    Notes
    -----
    A node of the hierarchy is split only if both children pass every rule in every declared cell. In a block of two or
    more areas, any area can hold any number from 0 to k - 1 with identical output, even if every exact block count were
    public: move that many people to it, everyone else of the block to a leaf of the sibling child; the node still does
    not split.
    """
    rules = profile_named(profile)
    declared = plan if isinstance(plan, Plan) else Plan(**(plan or {}))
    day = pd.Timestamp(as_of if as_of is not None else dt.date.today())
    if rules.name == "open":
        return published_as_is(tally, zones or {}, day)
    _refuse_unsuitable(tally, rules)
    tree = _tree(tally, zones, hierarchy)
    book = ledger if isinstance(ledger, Ledger) or ledger is None else Ledger(Path(ledger))
    if book is not None:
        if tally.by and not declared.categories:
            raise NotReleasable(
                "category levels must be declared in the study before they are published; add them to plan."
            )
        book.declare_tree(_record_set(tally), trees.digest(tree))
    codes = trees.leaves(tree)
    inside = replace(tally, keys=tally.keys[tally.keys["area"].isin(codes)])
    levelled, by, notes = publishable_levels(inside, declared, rules_for(inside.keys, rules))
    frames: list[pd.DataFrame] = []
    periods: dict[str, Period] = {}
    for closed in closed_periods(levelled, by, rules, day):
        frame, shown = _publish(closed, levelled, tree, rules, book)
        frames.append(frame)
        periods |= shown
    frame = pd.concat(frames, ignore_index=True)
    periods = {name: span for name, span in periods.items() if (frame["period"] == name).any()}
    return Protected(
        kind=tally.kind,
        count=tally.count,
        profile=rules.name,
        k=_label_k(inside, rules),
        periods=periods,
        days=observed_days(tally, codes, periods),
        by=tuple(by),
        zones={name: tuple(sorted(members)) for name, members in (zones or {}).items()},
        tree_digest=trees.digest(tree),
        sources=tally.sources,
        citations=tuple(sorted({text for text in tally.published.values() if text})),
        as_of=day,
        people_known=tally.has_people,
        in_ledger=book is not None,
        _frame=frame,
        blocks=outlines(tally.areas, frame),
        notes=notes,
    )


def _publish(
    closed: Closed, tally: Tally, tree: trees.Tree, rules: Profile, book: Ledger | None
) -> tuple[pd.DataFrame, dict[str, Period]]:
    """Cut one closed period (or take its cut from the ledger), and label its blocks."""
    record_set = _record_set(tally)
    known = book.find_cut(record_set, closed.name) if book else None
    if known is None:
        blocks = _first_cut(closed, tally, tree, rules)
        if book is not None:
            span = (f"{closed.span.start:%Y-%m-%d}", f"{closed.span.end:%Y-%m-%d}")
            rows = [{"areas": list(block.areas), "parts": list(block.parts)} for block in blocks]
            book.write_cut(record_set, closed.name, span, rows)
    else:
        blocks = [_Block(tuple(row["areas"]), tuple(row["parts"])) for row in known]
    shown = _coarsen_for(rules, blocks, closed, tally, tree)
    values = _labels(shown, closed, tally, rules)
    if book is not None:
        measure = f"{rules.name}:{tally.count}:{','.join(closed.by)}"
        before = book.find_labels(record_set, closed.name, measure)
        if before is not None:
            k = _label_k(tally, rules)
            values = {
                cell: revise(before[cell], value, k) if cell in before else None for cell, value in values.items()
            }
        book.write_labels(record_set, closed.name, measure, values)
    return _frame_of(shown, closed, tally, rules, values), spans_of(closed, tally)


def _first_cut(closed: Closed, tally: Tally, tree: trees.Tree, profile: Profile) -> list[_Block]:
    rules = rules_for(tally.keys, profile)
    leaf_addresses = profile_named("partner").addresses

    def good(keys: pd.DataFrame, codes: tuple[str, ...]) -> bool:
        return _wide_enough(tally.areas, codes, leaf_addresses) and _cell_passes(keys, rules, closed)

    if not good(closed.keys, trees.leaves(tree)):
        raise NotReleasable(_too_few(tally, closed))
    blocks = []
    for node in cut(tree, closed.keys, good):
        codes = trees.leaves(node)
        mine = closed.keys[closed.keys["area"].isin(codes)]
        if not closed.quarters:
            parts: tuple[str, ...] = tuple(tally.periods)
        else:
            pieces = split_time(mine, lambda keys: _cell_passes(keys, rules, closed), closed.quarters)
            parts = tuple(piece_name(closed.name, piece, closed.quarters) for piece in pieces)
        blocks.append(_Block(codes, parts))
    return blocks


def _coarsen_for(
    profile: Profile, blocks: list[_Block], closed: Closed, tally: Tally, tree: trees.Tree
) -> list[_Block]:
    """Return the blocks a profile may see: the cut, or for the public the lowest ancestors that pass its rules."""
    if profile.k == CUT_K:
        return blocks
    rules = rules_for(tally.keys, profile, k=profile.k)

    def good(keys: pd.DataFrame, codes: tuple[str, ...]) -> bool:
        return _wide_enough(tally.areas, codes, profile.addresses) and _cell_passes(keys, rules, closed)

    nodes = lowest_passing(tree, {block.areas for block in blocks}, closed.keys, good)
    if nodes is None:
        raise NotReleasable(_too_few(tally, closed))
    parts = (closed.name,) if closed.quarters else tuple(tally.periods)
    return [_Block(trees.leaves(node), parts) for node in nodes]


def _labels(blocks: list[_Block], closed: Closed, tally: Tally, profile: Profile) -> dict[str, int | None]:
    k = _label_k(tally, profile)
    home = {code: block.code for block in blocks for code in block.areas}
    keys = closed.keys.assign(block=closed.keys["area"].map(home))
    values: dict[str, int | None] = {}
    for block in blocks:
        mine = keys[keys["block"] == block.code]
        for part in block.parts:
            inside = rows_of(mine, part, closed)
            for combination in _combinations(tally, closed):
                cell = inside
                for name, level in combination:
                    cell = cell[cell[name] == level]
                n = int(count_keys(cell.assign(all_=0), ["all_"], tally.count).sum())
                values["|".join([block.code, part, *(level for _, level in combination)])] = label(n, k)
    return values


def _frame_of(
    blocks: list[_Block], closed: Closed, tally: Tally, profile: Profile, values: Mapping[str, int | None]
) -> pd.DataFrame:
    rows = []
    for block in blocks:
        for part in block.parts:
            for combination in _combinations(tally, closed):
                levels = tuple(level for _, level in combination)
                value = values["|".join([block.code, part, *levels])]
                low, high = (None, None) if value is None else interval(value, _label_k(tally, profile))
                rows.append((block.code, block.areas, part, levels, value, low, high))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"value": "Int64", "low": "Int64", "high": "Int64"})


def _cell_passes(keys: pd.DataFrame, rules: Rules, closed: Closed) -> bool:
    return passes(keys, rules, cells=closed.cells, by=closed.by)


def _combinations(tally: Tally, closed: Closed) -> list[tuple[tuple[str, str], ...]]:
    names = [name for name in closed.by if name != "period"]
    return [tuple(zip(names, levels, strict=True)) for levels in product(*(tally.by[name] for name in names))]


def _tree(tally: Tally, zones: Mapping[str, Sequence[str]] | None, hierarchy: trees.Tree | None) -> trees.Tree:
    if hierarchy is not None:
        tree = hierarchy
    elif zones:
        tree = trees.zoned_hierarchy(zones, tally.areas)
    elif tally.areas is not None:
        tree = trees.build_hierarchy(tally.areas)
    else:
        raise NotReleasable("a fixed hierarchy of areas is needed: tally with areas, or give hierarchy or zones.")
    if not set(trees.leaves(tree)) <= set(tally.codes) and tally.areas is not None:
        raise NotReleasable("the hierarchy or zones name areas that the tally does not have; correct their codes.")
    if len(trees.leaves(tree)) != len(set(trees.leaves(tree))):
        raise NotReleasable("the hierarchy names an area twice; each area is one leaf.")
    return tree


def _refuse_unsuitable(tally: Tally, profile: Profile) -> None:
    if tally.selection:
        raise NotReleasable(
            "this tally holds a selection of a record set; the rest could be had by subtraction. Tally the whole set "
            "and declare the selection as a category (by=...)."
        )
    if len(tally.by) > profile.dimensions:
        raise NotReleasable(
            f"the {profile.name} profile shows at most {profile.dimensions} categories beside place; drop some."
        )
    if tally.count == "persons" and not tally.has_people:
        raise NotReleasable("these records have no person key, so people cannot be counted; tally events instead.")


def _wide_enough(areas: gpd.GeoDataFrame | None, codes: tuple[str, ...], fewest: int) -> bool:
    """Hold areas to the profile's fewest addresses where their number is known."""
    if areas is None or "population" not in areas or areas["population"].isna().any():
        return True
    return bool(areas["population"].reindex(list(codes)).sum() >= fewest)


def _label_k(tally: Tally, profile: Profile) -> int:
    return rules_for(tally.keys, profile, k=profile.k).k


def _record_set(tally: Tally) -> str:
    return f"{tally.kind} from {', '.join(tally.sources)}"


def _too_few(tally: Tally, closed: Closed) -> str:
    return (
        f"too few people, premises or events in {tally.kind} ({closed.name}) to publish anything, even for all areas "
        "together; coarsen: add areas, join phases, take a longer time or fewer categories."
    )
