"""What is the least that must be true before a number may be shown?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from commonground.errors import CommonGroundError
from commonground.periods import Period

__all__ = ["Plan", "Profile", "profile_named"]


@dataclass(frozen=True)
class Profile:
    """The rules one audience's outputs obey.

    Parameters
    ----------
    name : str
    k : int
        Fewest distinct people in a shown cell.
    premises, events : int
        Fewest distinct premises, and events, where the records carry them.
    share : float
        Largest share of a cell's people in one premises or event.
    lag_months : int
        Age of a period, in months since its end, before it is shown.
    finest_time : str
        month, quarter or year.
    addresses : int
        Fewest addresses in a shown area, where they are known.
    dimensions : int
        Most categories beside place.
    """

    name: str
    k: int
    lag_months: int
    finest_time: str
    addresses: int
    dimensions: int
    premises: int = 3
    events: int = 3
    share: float = 0.5


def profile_named(name: str) -> Profile:
    """Return the rules of ``public``, ``partner`` or ``open``; there are no others and nothing lowers them.

    ``open`` shows counts as published, and only where every source is already published and cited.
    """
    # Written out in the function: there is no module-level table to reach in and loosen.
    if name == "partner":
        return Profile("partner", k=8, lag_months=3, finest_time="quarter", addresses=400, dimensions=3)
    if name == "public":
        return Profile("public", k=13, lag_months=6, finest_time="year", addresses=2000, dimensions=2)
    if name == "open":
        return Profile("open", k=0, lag_months=0, finest_time="month", addresses=0, dimensions=3, premises=0, events=0)
    raise CommonGroundError(f"the profile is public, partner or open, not {name!r}; choose one of them.")


@dataclass(frozen=True)
class Plan:
    """What a study declared it would show, before it looked.

    Parameters
    ----------
    categories : mapping of str to tuple of str
        Levels of each category. Levels too small to stand alone are joined from the end of the list, so the largest and
        the most asked for come first. ``missing`` is a level too; where it is not named it comes last.
    phases : mapping of str to Period
        Before, during, after. Where phases are declared nothing is published by the calendar.
    measures : tuple of str
        Units to be published: persons, events, premises.
    totals : bool
        Whether people of all levels together are published beside their levels (a filter and its complement, say: see
        `filtered`). Then everybody's combination of levels (the filter only, the complement only, both) must pass in
        each block as well, or blocks stay joined, or the category is dropped.
    seen : mapping of str to tuple of str
        Levels of a category that some source could see at all, as the sources declare. Of the others the notes say
        that no source sees them: that is never read from a count. Categories that are not named say nothing.
    """

    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    phases: Mapping[str, Period] = field(default_factory=dict)
    measures: tuple[str, ...] = ("persons", "events")
    totals: bool = False
    seen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
