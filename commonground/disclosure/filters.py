"""How is a part of a record set (referred, at night) published without giving away the rest?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from commonground.errors import CommonGroundError
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

__all__ = ["OTHERS", "filtered"]

OTHERS = "all others"


def filtered(tally: Tally, category: str, levels: Collection[str], *, name: str) -> Tally:
    """Turn a category into a filter: some of its levels, and all others.

    Parameters
    ----------
    tally : Tally
        Of the whole record set, by this category among others.
    category : str
    levels : collection of str
        The levels that the filter lets through.
    name : str
        What the filter is called: the first level; the second is ``all others``, missing ones among them.

    Returns
    -------
    Tally
        With ``by[category] == (name, "all others")``. Declare the same in the plan: ``categories={category: (name,
        "all others")}``, and ``totals=True`` to publish people of both together too.

    Raises
    ------
    CommonGroundError
        When the tally is not by this category, or the name stands for the others.

    Notes
    -----
    The filtered rows alone are never published: whoever knows the whole could subtract (``protect`` refuses a
    selection). A person who was seen both ways counts in both levels, once in each. Two filters at once are two
    categories of one tally, and every cell of the two must pass.
    """
    if category not in tally.by:
        raise CommonGroundError(f"the tally is not by {category}; tally the whole set with by=({category!r},) first.")
    if name == OTHERS or not name.strip() or not levels:
        raise CommonGroundError(f"a filter needs levels, and a name of its own that is not {OTHERS!r}; name it.")
    wanted = dict.fromkeys(levels, name)
    keys = tally.keys.assign(**{category: tally.keys[category].map(wanted).fillna(OTHERS).astype("str")})
    by = {**tally.by, category: (name, OTHERS)}
    return replace(tally, by=by, keys=distinct(keys, list(by)))
