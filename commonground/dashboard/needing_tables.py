"""Which tables show what people need, which groups are seen, and how many people there are?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.labelled_needs import NUMBERS
from commonground.dashboard.wording import known, span
from commonground.release.tables import Table

__all__ = ["groups_table", "needs_table", "people_part", "size_table"]

PER_BLOCK = "People per block, summed: a person met in two blocks counts in both. Each number stands for 8 or more."
NOT_SHOWN = "not shown"
_NEED_COLUMNS = {"people": "Raised it", "unmet": "Unmet", "met": "Met", "unknown": "Not known"}


def needs_table(contents: Contents) -> Table | None:
    """Return people by need, met, unmet and not known, as ranges; None where the study declares no needs."""
    found = contents.in_need
    if found is None or not len(found.needs):
        return None
    rows: list[Any] = found.needs.to_dict("records")
    frame = pd.DataFrame({"Need": [str(row["need"]).capitalize() for row in rows]})
    for name in NUMBERS:
        frame[_NEED_COLUMNS[name]] = [_range(row[f"{name}_low"], row[f"{name}_high"]) for row in rows]
    frame = frame[["Need", *_NEED_COLUMNS.values()]]
    notes = (
        PER_BLOCK,
        f"{NOT_SHOWN.capitalize()}: too few people to show, or none; it is neither. Unknown is not met.",
    )
    return Table("needs", "What people asked help with", frame, found.origin(contents.registered), notes, {
        "Raised it": "people met in the phase who raised the need at any time in the study.",
        "Unmet": "from those known to be without help to those and all of whom nothing is known.",
        "Met": "people whose need was met, as known last.",
        "Not known": "people of whom nobody wrote down whether it was met.",
    })  # fmt: skip


def groups_table(contents: Contents) -> Table | None:
    """Return people by declared group and source, a row also for groups that no source sees; None where not asked."""
    found = contents.in_need
    if found is None or not len(found.seen):
        return None
    groups = list(found.seen["group"])
    frame = pd.DataFrame({"Group": [str(group).capitalize() for group in groups]})
    for source in found.groups["source"].unique():
        mine = found.groups[found.groups["source"] == source].set_index("group")
        ranges = [_range(mine.loc[group, "low"], mine.loc[group, "high"]) for group in groups]
        frame[f"In {str(source).replace('_', ' ')}"] = ranges
    frame["Who sees them"] = [str(words).capitalize() for words in found.seen["seen_by"]]
    note = (
        f"{NOT_SHOWN.capitalize()}: too few people to show, none, or groups that the source does not record. People of "
        "unknown group count with the last group."
    )
    return Table("groups", "Who is seen by which source", frame, found.origin(contents.registered), (PER_BLOCK, note))


def size_table(contents: Contents) -> Table | None:
    """Return the published range of how many people there are; None where there is none."""
    found = contents.in_need
    if found is None or found.size is None or found.size.low is None:
        return None
    size = found.size
    rows = [("People in all", size.low, _end(size.high), size.verdict)]
    if size.share_high is not None:
        rows.append(("Share met by services, %", size.share_low or 0, _end(size.share_high), size.verdict))
    frame = pd.DataFrame(rows, columns=["What", "At least", "At most", "Verdict"])
    return Table("people-in-all", "How many people there are", frame, size, (
        "Worked out from who is on two or more lists of people. People whom every list misses in the same way are not "
        "in it, and nothing here says where the people on no list are, who they are or what they need.",
    ), {
        "At least": "lower end, rounded down to 2 digits; of the share, to 5 points.",
        "At most": "upper end, rounded up; no limit where the lists do not give one.",
        "Verdict": "usable; floor only: no upper end may be used; do not estimate.",
    })  # fmt: skip


def people_part(contents: Contents, shown: Callable[[Table | None], Any]) -> dict[str, Any] | None:
    """Return what the page on needs shows of people; None where the study asks nothing of it.

    Parameters
    ----------
    contents : Contents
    shown : callable
        Makes of a table what a page shows of it.
    """
    found = contents.in_need
    if found is None:
        return None
    published = len(found.needs) and found.needs["people_high"].notna().any()
    return {
        "asked": [str(need) for need in found.needs["need"]] if len(found.needs) else [],
        "needs": shown(needs_table(contents)) if published else None,
        "mirror": f"{found.answer.capitalize()}: {found.reason}" if found.answer else "",
        "groups": shown(groups_table(contents)),
        "size": shown(size_table(contents)),
        "said": found.size.summary() if found.size is not None else "",
        "window": span(found.size.window) if found.size is not None else "",
        "refused": [
            f"{', '.join(what for what, own in found.refused.items() if own == why)}: {why}."
            for why in dict.fromkeys(found.refused.values())
        ],
    }


def _range(low: Any, high: Any) -> str:
    if not (known(low) and known(high)):
        return NOT_SHOWN
    return f"{low:.0f} to {high:.0f}"


def _end(value: int | None) -> Any:
    return "no limit" if value is None else value
