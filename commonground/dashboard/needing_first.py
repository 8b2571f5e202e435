"""What should be looked at first, and why, from published numbers alone?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.provision import ANY
from commonground.dashboard.wording import known, place_names
from commonground.release.tables import Table

__all__ = ["priorities_table"]

MOST_NAMES = 3  # areas named in a row
FIRST = 10  # gaps that stand among the priorities, and those tied with the last of them
NO_SOURCE = "no source sees"  # as `mapping.levels.NO_SOURCE` begins


@dataclass(frozen=True)
class _Priority:
    """One thing to look at; people are NaN where nobody knows how many it concerns."""

    what: str
    why: str
    rests_on: str
    low: float = math.nan
    high: float = math.nan


def priorities_table(contents: Contents) -> Table | None:
    """Return what to look at first, with reasons; None without published need.

    Gaps and unmet needs stand in the order of the people they concern at most, then at least; those of which no number
    is known after them. Equal numbers have equal ranks: their order says nothing.
    """
    provision = contents.provision
    if provision is None or provision.gaps is None or provision.shown is None:
        return None
    gaps = sorted(_gaps(contents), key=_order)
    last = _order(gaps[min(FIRST, len(gaps)) - 1]) if gaps else (0.0, 0.0)
    counted = sorted([*(one for one in gaps if _order(one) <= last), *_needs(contents)], key=_order)
    found = [*counted, *_unknown(contents)]
    if not found:
        return None
    frame = pd.DataFrame(
        {
            "Rank": [_rank(one, counted) for one in found],
            "What to look at": [one.what for one in found],
            "Why": [one.why for one in found],
            "People, fewest": [_people(one.low) for one in found],
            "People, most": [_people(one.high) for one in found],
            "Rests on": [one.rests_on for one in found],
        }
    )
    note = (
        "Ranked by the most people concerned, then by the fewest; = marks a tie, within which the order says nothing. "
        f"Gaps after the first {FIRST} are in the list of gaps. What has no number is not less urgent: nobody knows "
        "how many it concerns. Areas are named as published, never a street."
    )
    return Table("priorities", "What to look at first, and why", frame, provision.shown, (note,), {
        "People, fewest": "fewest people concerned, from published numbers.",
        "People, most": "most people concerned, from published numbers; the rank goes by it.",
    })  # fmt: skip


def _gaps(contents: Contents) -> Iterator[_Priority]:
    provision = contents.provision
    if provision is None or provision.gaps is None:
        return
    table = provision.gaps.table
    rows: list[Any] = table[(table["kind"] == ANY) & table["people_high"].notna()].to_dict("records")
    for row in rows:
        codes = row["area"] if isinstance(row["area"], tuple) else (str(row["area"]),)
        names = place_names(codes, contents.facts.area_names, most=MOST_NAMES)
        why = f"For people seen there: {row['reason']}."
        yield _Priority(f"{names} ({row['slot']})", why, "Gaps in provision", row["people_low"], row["people_high"])


def _needs(contents: Contents) -> Iterator[_Priority]:
    found = contents.in_need
    rows: list[Any] = [] if found is None else found.needs.to_dict("records")
    for row in rows:
        if known(row["unmet_high"]) and row["unmet_high"] > 0:
            why = "People asked for help with it and are not known to have got it."
            low, high = row["unmet_low"], row["unmet_high"]
            yield _Priority(f"Need: {row['need']}", why, "Needs by published block", low, high)


def _unknown(contents: Contents) -> Iterator[_Priority]:
    found = contents.in_need
    if found is None:
        return
    hidden = [str(row.need) for row in found.needs.itertuples() if not known(row.unmet_high)]
    if hidden:
        why = f"It may not be published beside the map: {', '.join(hidden)}. Unknown is not met."
        yield _Priority("Whether needs are met", why, "What is not published")
    for row in found.seen.itertuples():
        if str(row.seen_by).startswith(NO_SOURCE):
            yield _Priority(f"Group: {row.group}", "No source sees this group at all.", "Who is seen by which source")
    if found.answer in ("yes", "cannot tell"):
        why = f"Does this map only mirror today's clients? {found.answer.capitalize()}: {found.reason}"
        yield _Priority("People whom services do not meet", why, "Who is seen by which source")
    if found.size is not None and found.size.share_high is not None:
        yield _Priority("People on no list", found.size.summary(), "How many people there are")


def _order(one: _Priority) -> tuple[float, float]:
    return -one.high, -one.low


def _rank(one: _Priority, counted: list[_Priority]) -> str:
    if not known(one.high):
        return "no number"
    first = 1 + sum(_order(other) < _order(one) for other in counted)
    tied = sum(_order(other) == _order(one) for other in counted) > 1
    return f"{first}=" if tied else str(first)


def _people(value: float) -> Any:
    return "not known" if not known(value) else int(value)
