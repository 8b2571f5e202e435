"""Does a result, just before it is sealed, obey the floors that nothing lowers?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from commonground.disclosure.questions import Row
from commonground.errors import NotReleasable
from commonground.periods import Period

__all__ = ["last_look"]


def last_look(
    profile: str,
    rows: Sequence[Row],
    periods: Mapping[str, Period],
    as_of: pd.Timestamp,
    *,
    people_known: bool,
    citations: Sequence[str],
) -> None:
    """Check every published label once more, against floors written out here in figures.

    A second line of defence: a rule that was loosened anywhere before (a patched profile, constant or function) ends
    here. Whoever rewrites this function as well can publish anything; Python stops nobody from that.

    Raises
    ------
    NotReleasable
        When a label, an interval, a period or the profile breaks a floor. Says which kind, and no number.
    """
    # No module-level table and no profile object: there is nothing to reach in and loosen.
    if profile == "open":
        if people_known or not citations:
            raise _broken("published statistics with a citation and without keys of people")
        return
    if profile == "partner":
        floor, lag, finest = (8 if people_known else 13), 3, 3
    elif profile == "public":
        floor, lag, finest = 13, 6, 12
    else:
        raise _broken("one of the profiles public, partner and open")
    for _, areas, period, _, value, low, high in rows:
        if not areas or period not in periods:
            raise _broken("a published number to have areas and a period")
        if value is None or low is None or high is None:
            if (value, low, high) != (None, None, None):
                raise _broken("a number that is not shown to have no interval")
        elif not (floor <= low <= value <= high and value % 5 == 0 and high - low >= 4):
            raise _broken("a number to be rounded to the nearest 5, with an interval that starts at k or above")
    if as_of.normalize() > pd.Timestamp.now().normalize():
        raise _broken("a release to be dated today at the latest")
    for span in periods.values():
        if span.end + pd.DateOffset(months=lag) > as_of:
            raise _broken("a period to be older than the release lag")
        if span.start + pd.DateOffset(months=finest) > span.end:
            raise _broken("a period to be as long as the profile's shortest")


def _broken(needed: str) -> NotReleasable:
    return NotReleasable(
        f"the result breaks a floor that nothing lowers: needed is {needed}. The rules were changed in memory, or this "
        "is a defect of commonground: release nothing and report it."
    )
