"""Who sees each group, and is any of them fewer among services' clients?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from mapping.levels import NO_SOURCE, NOT_DECLARED
from mapping.sources import Source

__all__ = ["BOTH", "CANNOT_TELL", "FAIR", "FEWER", "NO", "YES", "answered", "by_group"]

YES, NO, CANNOT_TELL = "yes", "no", "cannot tell"
FEWER, FAIR, DISAGREE = "fewer among clients", "much as among clients", "sources disagree"
BOTH = "seen by services and by independent sources"
HIDDEN = "too few to show, or none"
#: By whom a group is seen, from whether services, and independent sources, count anybody; None: a label hides it.
SEEN_BY = {
    (True, True): BOTH,
    (True, False): "seen by service lists only",
    (False, True): "seen by independent sources only",
    (True, None): f"seen by services; in independent sources {HIDDEN}",
    (None, True): f"seen by independent sources; by services {HIDDEN}",
    (None, None): HIDDEN,
    (None, False): HIDDEN,
    (False, None): HIDDEN,
}
NOBODY = "nobody of this group was seen"


def by_group(
    every: Sequence[str],
    table: pd.DataFrame,
    lists: Mapping[str, Source],
    others: Mapping[str, Source],
    could: Collection[str] | None,
) -> pd.DataFrame:
    """Return by whom each group is seen, and what all sources say of it together.

    Parameters
    ----------
    every : sequence of str
        Groups.
    table : DataFrame
        Comparisons: group, joint_low, reading.
    lists, others : mapping of name to Source
        Services' lists, and independent sources.
    could : collection of str, optional
        Groups that some source could see at all, where that is declared.

    Returns
    -------
    DataFrame
        group, seen_by, reading.
    """
    rows = []
    for group in every:
        ours, theirs = _counted(group, lists), _counted(group, others)
        where = SEEN_BY.get((ours, theirs))
        if where is None:
            looked = any(source.sees[group] for source in (*lists.values(), *others.values()))
            where = NOBODY if could is not None else NOT_DECLARED
            where = NO_SOURCE if not looked or (could is not None and group not in could) else where
        rows.append((group, where, _together(table.loc[table["group"] == group, ["joint_low", "reading"]])))
    return pd.DataFrame(rows, columns=["group", "seen_by", "reading"])


def _counted(group: str, sources: Mapping[str, Source]) -> bool | None:
    """Say whether anybody of a group is counted; None where a label hides it."""
    rows = [source.people.loc[group] for source in sources.values()]
    if any(row["low"] > 0 for row in rows):
        return True
    return None if any(row["high"] > 0 for row in rows) else False


def _together(said: pd.DataFrame) -> str:
    readings = set(said["reading"])
    if FEWER in readings:
        return DISAGREE if (said["joint_low"] > 1).any() else FEWER
    return FAIR if readings == {FAIR} else CANNOT_TELL


def answered(groups: pd.DataFrame, others: Mapping[str, Source]) -> tuple[str, str]:
    """Answer the question in one of three words, with the reason."""
    missed = groups.loc[groups["reading"] == FEWER, "group"]
    if len(missed):
        return YES, f"{_listed(missed)} are fewer among clients than in an independent source."
    if not any(source.people["high"].sum() > 0 for source in others.values()):
        return CANNOT_TELL, "no independent source was given, so nobody but today's clients is in it."
    doubtful = groups.loc[groups["reading"] != FAIR, "group"]
    if len(doubtful):
        return CANNOT_TELL, f"of {_listed(doubtful)} there is too little to say, or sources disagree."
    return NO, "every group has much the same share among clients as in the independent sources."


def _listed(names: Iterable[object]) -> str:
    every = [str(name) for name in names]
    return ", ".join(every[:-1]) + (" and " if every[:-1] else "") + every[-1]
