"""Does this map only mirror today's clients?"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.errors import CommonGroundError
from commonground.pickles import Exact
from mapping.safeguarding import check_adults
from mapping.seen_by import BOTH, CANNOT_TELL, FAIR, FEWER, answered, by_group
from mapping.shares import share_difference, share_interval, share_ratio
from mapping.sources import Counts, Source, common_parts, read_sources

__all__ = ["Representation", "representation"]

SERVICE = "services"
#: No share of fewer people than this: x of n (methods.md, section 2).
LEAST_PEOPLE = 10
COLUMNS = [
    "group", "source", "clients", "clients_of", "people", "people_of", "client_share", "client_low", "client_high",
    "share", "share_low", "share_high", "difference", "difference_low", "difference_high", "ratio", "ratio_low",
    "ratio_high", "joint_low", "joint_high", "reading",
]  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class Representation(Exact):
    """Hold the share of each group among services' clients and in each independent source.

    Parameters
    ----------
    table : DataFrame
        One row a group and independent source: group, source; clients (of the group) of clients_of, people of
        people_of: counted among the groups that both sources could see, unknown groups apart; client_share and share
        (0 to 1; NaN of fewer than 10 people, and where only bounds are known) with their intervals; difference (clients
        minus source) and ratio (clients over source) with theirs; joint_low and joint_high (the ratio's interval with
        unknown people anywhere, at the level that holds for all rows together); reading.
    groups : DataFrame
        One row a group: group, seen_by, reading (over all sources).
    sources : DataFrame
        One row a source: source, side (services or independent), people, unknown (people whose group is not known).
    answer : str
        yes, no or cannot tell.
    reason : str
        Why, in one sentence.
    notes : tuple of str
        What must be kept in mind.
    """

    table: pd.DataFrame
    groups: pd.DataFrame
    sources: pd.DataFrame
    answer: str
    reason: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Representation(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the comparisons, one row a group and independent source."""
        return self.table.copy()

    def summary(self) -> str:
        """Answer the question in one line, then say who is seen by whom, and what this does not show."""
        lines = [f"Does this map only mirror today's clients? {self.answer.capitalize()}: {self.reason}"]
        lines += [_sentence(row) for row in self.table.to_dict("records") if row["reading"] == FEWER]
        lines += [f"{row.group}: {row.seen_by}." for row in self.groups.itertuples() if row.seen_by != BOTH]
        return "\n".join([*lines, *self.notes])


def representation(
    service: Counts | Mapping[str, Counts],
    independent: Counts | Mapping[str, Counts],
    *,
    levels: Sequence[str] | None = None,
    seen: Collection[str] | None = None,
    least: float = 0.5,
    level: float = 0.95,
) -> Representation:
    """Compare each group's share among services' clients with its share in sources that no service keeps.

    Parameters
    ----------
    service : Series, DataFrame or mapping of list to those
        People by group whom services see, each counted once. Published counts: value, low and high, indexed by group.
        People of unknown group under ``missing``. A group that is not in the index was not found; one that is there
        without a number could not be seen. Of several lists nobody knows who is on two: a group has at least the
        people of the largest list, and at most all together.
    independent : Series, DataFrame or mapping of source to those
        The same of each source that services do not keep (a survey, a scheme, a census of premises).
    levels : sequence of str, optional
        Declared groups: each has a row, also when nobody was seen.
    seen : collection of str, optional
        Declared groups that some source could see at all; of the others no source sees anybody.
    least : float
        Ratio of shares (clients over source), between 0 and 1, from which a group counts as seen in fair measure.
        Declared before looking.
    level : float
        Of the intervals.

    Returns
    -------
    Representation

    Raises
    ------
    RecordsError
        For counts that are none, a group named twice, or a group of under-18s, who are counted on the safeguarding
        route only.
    CommonGroundError
        When ``least`` or ``level`` is not between 0 and 1.

    Notes
    -----
    Shares have Wilson's intervals, differences Newcombe's (1998), ratios those of Donner and Zou (2012). Published
    counts widen them to the outer ends of the labels. Rule of the answer, from the ratio's interval with people of
    unknown group anywhere:

    * *fewer among clients*: its upper end is below 1 even at Bonferroni's level for all rows, and its lower end is
      not `least` or more; *much as among clients*: its lower end is `least` or more; else cannot tell.
    * A group is *fewer among clients* when one independent source says so and none says firmly the opposite (then
      *sources disagree*); *much as* when every source that could see it says so.
    * **yes** when a group is fewer among clients; **no** when every declared or found group is much as among clients;
      **cannot tell** otherwise: also without any independent source, for a group that only services see, for one that
      no source sees, and of fewer than 10 people.

    An independent source has its own blind spots: police records see whom the police look for. The counts are taken as
    independent; people who are in both lists make the intervals too wide, which favours *cannot tell*. It fails when an
    independent list was drawn from a service's own clients.

    Examples
    --------
    >>> clients = pd.Series({"street": 140, "off-street": 50, "online": 10})
    >>> survey = pd.Series({"street": 60, "off-street": 45, "online": 45})
    >>> found = representation(clients, survey)
    >>> found.answer, found.reason
    ('yes', 'online are fewer among clients than in an independent source.')
    """
    if not (0 < least < 1 and 0 < level < 1):
        raise CommonGroundError("least and level lie between 0 and 1; pass for example least=0.5, level=0.95.")
    lists, others = read_sources(service, SERVICE, levels), read_sources(independent, "independent", levels)
    every = list(dict.fromkeys([*(levels or ()), *_found(lists), *_found(others)]))
    check_adults([("group", every)])
    lists, others = read_sources(service, SERVICE, every), read_sources(independent, "independent", every)
    clients = _pooled(list(lists.values()))
    rows = [
        _compared(group, name, clients, other, level=level)
        for group in every
        for name, other in others.items()
        if clients.sees[group] and other.sees[group]
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    _read_rows(table, clients, others, least=least, level=level)
    groups = by_group(every, table, lists, others, seen)
    answer, reason = answered(groups, others)
    counted = _sources(lists, others)
    return Representation(table, groups, counted, answer, reason, tuple(_notes(lists, counted)))


def _found(sources: Mapping[str, Source]) -> list[str]:
    return [str(group) for source in sources.values() for group in source.people.index]


def _pooled(lists: Sequence[Source]) -> Source:
    """Return several lists as one: between the largest and the sum, since nobody knows who is on two."""
    if len(lists) == 1:
        return lists[0]
    tables = [source.people for source in lists]
    low = pd.concat([table["low"] for table in tables], axis=1).max(axis=1)
    high = pd.concat([table["high"] for table in tables], axis=1).sum(axis=1, min_count=1)
    value = low.where(low == high)
    unknown = sum(source.unknown[2] for source in lists)
    people = pd.DataFrame({"value": value, "low": low, "high": high}, index=tables[0].index)
    return Source(people, (math.nan, 0.0, unknown))


def _compared(group: str, name: str, clients: Source, other: Source, *, level: float) -> dict[str, Any]:
    """Return the shares of one group in two sources, their difference and ratio."""
    one, two = common_parts(clients, other, group, unknown=False)
    both = clients.sees & other.sees.reindex(clients.people.index, fill_value=False)
    counted = [
        (float(source.people["value"].loc[group]), float(source.people.loc[both, "value"].sum(skipna=False)))
        for source in (clients, other)
    ]
    row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan) | {"group": group, "source": name, "reading": ""}
    row |= dict(zip(("clients", "clients_of", "people", "people_of"), [*counted[0], *counted[1]], strict=True))
    if min(one.most[1], one.least[1], two.most[1], two.least[1]) < LEAST_PEOPLE:
        return row
    (x, n), (y, m) = counted
    row["client_share"], row["share"] = x / n, y / m
    row["difference"] = x / n - y / m
    row["ratio"] = (
        math.nan if math.isnan(x + n + y + m) else ((x / n) / (y / m) if y else (math.inf if x else math.nan))
    )
    for key, interval in (
        ("client", share_interval(one, level=level)),
        ("share", share_interval(two, level=level)),
        ("difference", share_difference(one, two, level=level)),
        ("ratio", share_ratio(one, two, level=level)),
    ):
        row[f"{key}_low"], row[f"{key}_high"] = interval
    return row


def _read_rows(
    table: pd.DataFrame, clients: Source, others: Mapping[str, Source], *, least: float, level: float
) -> None:
    """Fill in the joint intervals and the readings of all comparisons."""
    enough = table["share_low"].notna()
    alpha = (1 - level) / max(int(enough.sum()), 1)
    for at in table.index:
        if not enough[at]:
            table.loc[at, "reading"] = CANNOT_TELL
            continue
        group, name = str(table.at[at, "group"]), str(table.at[at, "source"])
        parts = common_parts(clients, others[name], group, unknown=True)
        joint, plain = share_ratio(*parts, level=1 - alpha), share_ratio(*parts, level=level)
        table.loc[at, ["joint_low", "joint_high"]] = list(joint)
        # that every group is much the same is claimed of all rows together, so that each has to show it at `level`
        table.loc[at, "reading"] = FAIR if plain.low >= least else FEWER if joint.high < 1 else CANNOT_TELL


def _sources(lists: Mapping[str, Source], others: Mapping[str, Source]) -> pd.DataFrame:
    rows = [
        (
            name,
            side,
            float(source.people["value"].sum(skipna=bool(source.people["high"].isna().any()))),
            source.unknown[0],
        )
        for side, sources in ((SERVICE, lists), ("independent", others))
        for name, source in sources.items()
    ]
    return pd.DataFrame(rows, columns=["source", "side", "people", "unknown"])


def _notes(lists: Mapping[str, Source], sources: pd.DataFrame) -> Iterator[str]:
    for name, unknown in zip(sources["source"], sources["unknown"].to_numpy(float), strict=True):
        if unknown > 0:
            yield f"{name}: {unknown:g} people of unknown group are in no share; readings hold wherever they belong."
    if len(lists) > 1:
        yield "Nobody knows who is on two services' lists, so that clients are bounded and have no single share."
    yield (
        "An independent source has its own blind spots, and people whom no source sees are in none of these shares. "
        "The comparison says who is missing among clients, not how many people there are."
    )


def _sentence(row: Mapping[Any, Any]) -> str:
    """Put one firm difference into words."""
    shares = [
        f"{100 * row[f'{key}_low']:.0f} to {100 * row[f'{key}_high']:.0f} per cent" for key in ("client", "share")
    ]
    return (
        f"{row['group']}: {shares[0]} of clients, {shares[1]} in {row['source']}; their share among clients is "
        f"{row['ratio_low']:.2g} to {row['ratio_high']:.2g} times that in {row['source']}."
    )
