"""Which declared categories are large enough to be shown, and which are joined first?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from commonground.disclosure.cells import Coded
from commonground.disclosure.partition import chain
from commonground.disclosure.policy import Plan
from commonground.errors import NotReleasable
from commonground.tallies import MISSING, Tally

__all__ = ["Groups", "declared_levels", "in_groups", "publishable", "single"]

Groups = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Category -> shown level -> the declared levels that are in it."""


def declared_levels(tally: Tally, plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the levels of each category of a tally, ``missing`` among them.

    Whether anybody is missing is not told by whether the level is there: it always is. Categories that are not declared
    keep the levels found in the data, which is for looking only.
    """
    levels = {}
    for name, found in tally.by.items():
        declared = tuple(plan.categories.get(name, ()))
        if len(set(declared)) < len(declared):
            raise NotReleasable(f"a level of {name} is declared twice; correct the plan.")
        levels[name] = declared + (MISSING,) * (MISSING not in declared) if declared else found
    return levels


def publishable(
    atoms: Groups, level_passes: Callable[[str, Sequence[str]], bool], all_pass: Callable[[Groups], bool]
) -> Groups:
    """Join levels that fail for all areas together, in their declared order; drop a category that fails even so.

    Parameters
    ----------
    atoms : Groups
        What there is to join: single levels, or groups of levels that are shown to somebody else already.
    level_passes : function of category and shown levels
        Whether all areas together pass with those levels of it, in every phase or closed year.
    all_pass : function of Groups
        Whether all areas together pass in every cell of several categories.

    Returns
    -------
    Groups
        Of the categories that are left. Which of "too few" and "none" it was is not told of the others.
    """
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, members in atoms.items():

        def good(group: Sequence[str], name: str = name) -> bool:
            return level_passes(name, group)

        parts = chain(list(members), good)
        if len(parts) > 1:  # one level for everybody says nothing
            joined = [tuple(level for one in part for level in members[one]) for part in parts]
            groups[name] = {" or ".join(part): part for part in joined}
    while groups and not all_pass(groups):
        del groups[next(reversed(groups))]
    return groups


def single(levels: Mapping[str, Sequence[str]]) -> Groups:
    """Return groups of one level each."""
    return {name: {level: (level,) for level in of} for name, of in levels.items()}


def in_groups(coded: Coded, levels: Mapping[str, Sequence[str]], groups: Groups) -> Coded:
    """Put rows into the cells of shown levels, the last category turning fastest.

    Raises
    ------
    NotReleasable
        When the groups are not made of the levels.
    """
    cell, cells = np.zeros(len(coded.place), dtype=np.int64), 1
    for name, shown in groups.items():
        home = {level: at for at, members in enumerate(shown.values()) for level in members}
        if set(home) != set(levels.get(name, ())):
            raise NotReleasable(
                f"the levels of {name} are not those of the first release of these records; declare the same ones."
            )
        table = np.array([home[level] for level in levels[name]], dtype=np.int64)
        cell, cells = cell * len(shown) + table[coded.levels[name]], cells * len(shown)
    return coded.into(cell, cells)
