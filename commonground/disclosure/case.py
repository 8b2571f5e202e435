"""What does one release work with: whose records, which tree, which rules?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from commonground.disclosure import hierarchy as trees
from commonground.disclosure.cells import Coded, Rules, by_unit, code_keys, rules_for
from commonground.disclosure.closing import Closed
from commonground.disclosure.ledger import Ledger, RecordSet
from commonground.disclosure.levels import Groups, declared_levels, in_groups
from commonground.disclosure.policy import Plan, Profile, profile_named
from commonground.errors import NotReleasable
from commonground.tallies import Tally

__all__ = ["Case", "as_first_counted", "at_profile", "check_suitable", "open_case", "tree_of"]


@dataclass(frozen=True, repr=False, eq=False)
class Case:
    """The records of one release, coded once, with their tree and rules. Exact: never shown."""

    tally: Tally
    records: RecordSet
    profile: Profile
    cut_rules: Rules  # of the partner profile, at which every cut is made
    rules: Rules  # of the profile that is asked for
    tree: trees.Tree
    root: trees.Node
    order: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    coded: Coded
    _addresses: npt.NDArray[np.float64] | None

    def rows(self, closed: Closed, groups: Groups) -> Coded:
        """Return the rows of a closed period in its cells: shown levels, and in phases phases by shown levels."""
        wanted = np.isin(list(self.tally.periods), closed.periods)
        mine = in_groups(self.coded.only(wanted[self.coded.period]), self.levels, groups)
        if not closed.phased:
            return mine
        parts = len(closed.periods)
        return replace(mine.into(mine.period * mine.cells + mine.cell, parts * mine.cells), parts=parts)

    def wide_enough(self, node: trees.Node, fewest: int) -> bool:
        """Say whether a node holds the fewest addresses, where their number is known; an unknown one counts as none."""
        if self._addresses is None:
            return True
        return bool(self._addresses[node.low : node.high].sum() >= fewest)

    def areas(self, node: trees.Node) -> tuple[str, ...]:
        """Return the area codes of a node, sorted."""
        return tuple(sorted(self.order[node.low : node.high]))

    def node(self, areas: Sequence[str]) -> trees.Node:
        """Return where some areas of the tree lie in its order."""
        places = [self.order.index(code) for code in areas]
        return trees.Node(min(places), max(places) + 1)


def open_case(tally: Tally, profile: Profile, tree: trees.Tree, plan: Plan) -> Case:
    """Code the rows of a tally that lie in the areas of a tree."""
    root, order = trees.nodes(tree)
    inside = replace(tally, keys=tally.keys[tally.keys["area"].isin(order)])
    levels = declared_levels(tally, plan)
    return Case(
        tally=inside,
        records=RecordSet(tally.kind, tally.sources),
        profile=profile,
        cut_rules=replace(rules_for(inside.keys, profile_named("partner")), totals=plan.totals),
        rules=replace(rules_for(inside.keys, profile), totals=plan.totals),
        tree=tree,
        root=root,
        order=order,
        levels=levels,
        coded=code_keys(inside.keys, order, list(tally.periods), levels),
        _addresses=_addresses(tally.areas, order),
    )


def as_first_counted(case: Case, closed: Sequence[Closed], book: Ledger) -> Case:
    """Return the case with the unit of the first release: that somebody now has a key is not told by another k."""
    rows = [book.find_cut(case.records, one.name, one.span, "partner") for one in closed]
    units = {row["unit"] for row in rows if row is not None and "unit" in row}
    if len(units) > 1:
        raise NotReleasable(
            "some of these periods were first asked for with a key of people and some without, and stay so; tally them "
            "apart."
        )
    unit = next(iter(units), case.cut_rules.unit)
    cut_rules = by_unit(case.cut_rules, unit, profile_named("partner").k)
    return replace(case, cut_rules=cut_rules, rules=by_unit(case.rules, unit, case.profile.k))


def at_profile(case: Case, profile: Profile) -> Case:
    """Return the same records under the rules of another profile."""
    rules = replace(rules_for(case.tally.keys, profile), totals=case.cut_rules.totals)
    return replace(case, profile=profile, rules=by_unit(rules, case.cut_rules.unit, profile.k))


def tree_of(tally: Tally, zones: Mapping[str, Sequence[str]] | None, hierarchy: Any) -> trees.Tree:
    """Return the hierarchy that was given, that of the zones, or that of the areas.

    Raises
    ------
    NotReleasable
        When there is none, or it names areas that the tally does not have.
    """
    if hierarchy is not None:
        tree = trees.check_tree(hierarchy)
    elif zones:
        tree = trees.zoned_hierarchy(zones, tally.areas)
    elif tally.areas is not None:
        tree = trees.build_hierarchy(tally.areas)
    else:
        raise NotReleasable("a fixed hierarchy of areas is needed: tally with areas, or give hierarchy or zones.")
    if tally.areas is not None and not set(trees.leaves(tree)) <= set(tally.codes):
        raise NotReleasable("the hierarchy names areas that the tally does not have; correct its codes.")
    return tree


def check_suitable(tally: Tally, profile: Profile, plan: Plan, *, written: bool) -> None:
    """Refuse what may not be published whatever the counts are.

    Parameters
    ----------
    tally : Tally
    profile : Profile
    plan : Plan
    written : bool
        Whether a ledger is there, so that the result may be written.

    Raises
    ------
    NotReleasable
    """
    if tally.selection:
        raise NotReleasable(
            "this tally holds a selection of a record set; the rest could be had by subtraction. Tally the whole set "
            "and declare the selection as a category (by=...)."
        )
    if len(tally.by) > profile.dimensions:
        raise NotReleasable(
            f"the {profile.name} profile shows at most {profile.dimensions} categories beside place; drop some."
        )
    if plan.totals and not tally.by:
        raise NotReleasable("totals beside levels need a category; leave totals out of the plan.")
    undeclared = [name for name in tally.by if not plan.categories.get(name)]
    if written and undeclared:
        raise NotReleasable(
            f"the levels of {', '.join(undeclared)} must be declared in the study before they are published; levels "
            "found in the data would tell which ones somebody is in. Add them to the plan's categories."
        )
    if tally.count not in plan.measures:
        raise NotReleasable(f"{tally.count} are not among the plan's measures; add them, or tally what is declared.")
    stray = [name for name, period in tally.periods.items() if plan.phases.get(name) != period]
    if plan.phases and (stray or not tally.phased):
        raise NotReleasable(
            "these periods are not the declared phases; records that are published by phase are published in no other "
            "periods. Tally by the plan's phases."
        )


def _addresses(areas: gpd.GeoDataFrame | None, order: Sequence[str]) -> npt.NDArray[np.float64] | None:
    if areas is None or "population" not in areas or areas["population"].isna().all():
        return None
    return np.asarray(areas["population"].reindex(list(order)).fillna(0), dtype=np.float64)
