"""Who needs what, from published numbers alone?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import pandas as pd

from commonground.disclosure import Plan, Protected
from commonground.disclosure.protected import check_seal, seal
from commonground.errors import NotReleasable
from commonground.framework import FRAMEWORK, NEEDS, STATUSES, Framework
from commonground.tallies import MISSING
from mapping.label_counts import NONE, Count, joined, widened
from mapping.levels import EVERYONE, JOIN, NO_SOURCE
from mapping.safeguarding import check_adults
from mapping.statuses import STATUS_MARK

__all__ = ["PublishedProfile", "published_profile"]

TOO_FEW = "too few to show, or none"
OUTSIDE = "not in the framework"
EVERY_NEED, NOTHING_NOTED = "every need", "no issue noted"
ALL_BLOCKS = "all blocks"
OR = " or "  # what joined levels are joined by
COUNTS = ("people", *STATUSES)
_KEYS = ["block", "areas", "period", "split", "level", "need"]
COLUMNS = [
    *_KEYS,
    *(name + end for name in COUNTS for end in ("", "_low", "_high")), "low", "high", "reading",
]  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class PublishedProfile:
    """Needs by published block and level, made from labels alone; it may be written.

    Only `published_profile` makes one: it cannot be built, or copied with other contents, by hand.

    Parameters
    ----------
    shown : DataFrame
        What `to_frame` is a copy of.
    origin : Protected
        What it was made from.
    notes : tuple of str
    """

    released: ClassVar[bool] = True

    shown: pd.DataFrame = field(repr=False)
    origin: Protected = field(repr=False)
    notes: tuple[str, ...]
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)

    @property
    def in_ledger(self) -> bool:
        """Whether what it was made from stands in a ledger."""
        return self.origin.in_ledger

    def __repr__(self) -> str:
        return f"PublishedProfile({self.origin.kind}, profile={self.origin.profile!r}; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a block, period, level and need.

        block, areas, period, split, level, need; people, met, unmet and unknown, each with _low and _high (the value is
        missing where only bounds are known, all three where nothing is published); low and high (people with the need
        unmet: from all unknown met to all unmet, at the outer ends of the labels); reading.
        """
        return self.shown.copy()

    def summary(self) -> str:
        """Say what is shown, name the groups that are not, and what it does not show."""
        known = self.shown["people_high"].notna()
        needs = self.shown.loc[known, "need"].nunique()
        lines = [f"{needs} needs are shown, by {len(self.origin.block_areas())} published block(s)."]
        apart = self.shown[self.shown["need"] == EVERY_NEED].drop_duplicates(["split", "level"])
        lines += [f"{row.split}, {row.level}: {row.reading}." for row in apart.itertuples()]
        return "\n".join([*lines, *self.notes])


def published_profile(
    protected: Protected,
    *,
    framework: Framework = FRAMEWORK,
    groups: Plan | Mapping[str, Sequence[str]] | None = None,
    settled: bool = False,
) -> PublishedProfile:
    """Read a needs profile from published labels of people by issue, and by outcome where that is published.

    Parameters
    ----------
    protected : Protected
        People by ``issues`` (needs, local words, or ``housing: unmet`` as `by_need` writes with ``together=True``),
        and by ``outcome`` and groups where these are published.
    framework : Framework
    groups : Plan or mapping of category to levels, optional
        Declared levels. Those in no published cell get a row that says "no source sees this group" where the plan
        declares so in ``seen``, else "too few to show, or none": never which of the two.
    settled : bool
        Whether everybody has one status a need and period, as in records that `mapping.statuses.by_need` returned.
        Labels of statuses are then added up; else people are bounded by the largest status and the sum of all.

    Returns
    -------
    PublishedProfile

    Raises
    ------
    NotReleasable
        When the values are exact, of something else than people, or not by issues.
    RecordsError
        When a published or declared group is of under-18s.

    Notes
    -----
    A function of published labels only (gate.md, step 13): a hidden label gives no value. Without ``outcome`` nobody's
    status is known, so that unmet lies between 0 and all who raised the need. People whose status is published jointly
    ("met or unmet") are in neither, and in the upper bound of both. Of several local words for one need nobody knows
    how many people used two: people are at least the largest word's and at most all together. With several blocks the
    rows of ``all blocks`` count a person once in each block.
    """
    _check(protected, groups, framework)
    plan = groups if isinstance(groups, Plan) else Plan(categories={k: tuple(v) for k, v in (groups or {}).items()})
    cells = _cells(protected, framework)
    rows = [_row(key, part, _sharing(cells, key), settled=settled) for key, part in cells.groupby(_KEYS, sort=False)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    blocks = table["block"].nunique()
    if blocks > 1:
        table = pd.concat([_all_blocks(table, blocks), table], ignore_index=True)
    table = pd.concat([table, pd.DataFrame(_missing(table, protected, plan), columns=COLUMNS)], ignore_index=True)
    return PublishedProfile(table, protected, tuple(_notes(blocks, table)), seal=seal())


def _check(protected: object, groups: Plan | Mapping[str, Sequence[str]] | None, framework: Framework) -> None:
    if not isinstance(protected, Protected):
        raise NotReleasable("a profile that may be shown is made from protected values; call protect(...) first.")
    if protected.count != "persons":
        raise NotReleasable("needs are counted in people, not in contacts; protect a tally with count='persons'.")
    if "issues" not in protected.by:
        raise NotReleasable(
            "these values are not by issues; tally `by_need(...)` with by=('issues',) and protect that."
        )
    declared = groups.categories if isinstance(groups, Plan) else groups or {}
    shown = {name: {row[3][at] for row in protected.rows if row[3]} for at, name in enumerate(protected.by)}
    names = {name for name in (*shown, *declared) if name == "group" or name.startswith("group_")}
    levels = ((n, [part for one in (*shown.get(n, ()), *declared.get(n, ())) for part in one.split(OR)]) for n in names)
    check_adults(levels, framework.under_18)


def _cells(protected: Protected, framework: Framework) -> pd.DataFrame:
    """Return one row a published cell: its block, period, split, level, need and status, and its label."""
    found = []
    others = [name for name in protected.by if name not in ("issues", "outcome")]
    for block, areas, period, levels, value, low, high in protected.rows:
        if len(levels) != len(protected.by):
            continue  # people of all levels together: who raised no need is among them
        own = dict(zip(protected.by, levels, strict=True))
        count = Count() if value is None or low is None or high is None else Count(value, low, high)
        found.append(
            {
                "block": block,
                "areas": areas,
                "period": period,
                "split": JOIN.join(others) or EVERYONE,
                "level": JOIN.join(own[name] for name in others) or EVERYONE,
                **_meaning(own["issues"], own.get("outcome"), framework),
                "word": own["issues"],
                "count": count,
            }
        )
    return pd.DataFrame(found, columns=[*_KEYS, "word", "status", "count"])


def _meaning(word: str, outcome: str | None, framework: Framework) -> dict[str, str]:
    """Return the need and the status of a published level; needs of joined levels stay joined.

    The status is the empty text where published levels do not tell statuses apart.
    """
    needs, statuses = [], []
    whole = framework.need(word)
    for part in [word] if whole else word.split(OR):
        name, _, said = part.rpartition(STATUS_MARK)
        apart = framework.need(part) is None and framework.need(name) is not None and framework.status(said) is not None
        needs.append(NOTHING_NOTED if part == MISSING else framework.need(name if apart else part))
        statuses += [framework.status(said) if apart else None] * (part != MISSING)
    if outcome is not None:
        statuses = [framework.status(part) or "unknown" for part in outcome.split(OR)]
    one = statuses[0] or "" if len(set(statuses)) == 1 else ""
    outside = {"need": f"{OUTSIDE}: {word}", "status": one}
    return outside if None in needs else {"need": OR.join(dict.fromkeys(map(str, needs))), "status": one}


def _row(key: Any, part: pd.DataFrame, shared: pd.DataFrame, *, settled: bool) -> list[Any]:
    """Return the published counts of one need, in the order of the columns.

    Shared are the cells of this need joined with others: of the people in them nobody knows whose need it is.
    """
    by_status = {
        str(status): joined([joined(list(own["count"]), apart=settled) for _, own in cells.groupby("word")])
        for status, cells in part.groupby("status")
    }
    others = {str(status): joined([NONE, *cells["count"]]) for status, cells in shared.groupby("status")}
    people = joined(list(by_status.values()), apart=settled)
    for count in others.values():
        people = widened(people, count, Count(high=math.inf))
    by_status = {s: widened(by_status.get(s, NONE), others.get(s, NONE), people) for s in {*by_status, *others}}
    mixed = by_status.get("", NONE)
    counts = {status: widened(by_status.get(status, NONE), mixed, people) for status in STATUSES}
    unmet, unknown = by_status.get("unmet", NONE), by_status.get("unknown", NONE)
    # Python's min would keep a NaN or not by the order of its arguments
    most = [unmet.high + unknown.high + mixed.high, people.high]
    high = math.nan if any(map(math.isnan, most)) else min(most)
    numbers = [number for count in (people, *counts.values()) for number in count]
    return [*key, *numbers, unmet.low, high, _reading(key[-1], people)]


def _sharing(cells: pd.DataFrame, key: Any) -> pd.DataFrame:
    """Return the cells of the same place, time and level in which a need is joined with others."""
    block, _, period, split, level, need = key
    near = cells["block"].eq(block) & cells["period"].eq(period) & cells["split"].eq(split) & cells["level"].eq(level)
    with_others = cells["need"].map(lambda other: other != need and need in other.split(OR)).astype(bool)
    return cells[near & with_others]


def _reading(need: str, people: Count) -> str:
    if math.isnan(people.high):
        return TOO_FEW
    return OUTSIDE if need.startswith(OUTSIDE) else ""


def _all_blocks(table: pd.DataFrame, blocks: int) -> pd.DataFrame:
    """Return sums over all blocks, where every block is published: people per block, summed."""
    numbers = COLUMNS[len(_KEYS) : -1]
    keys = _KEYS[2:]
    sums = table.groupby(keys, sort=False)[numbers].sum(skipna=False).reset_index()
    whole = table.groupby(keys, sort=False)["block"].nunique().reset_index(drop=True) == blocks
    sums = sums[whole]
    every = tuple(sorted({code for codes in table["areas"] for code in codes}))
    areas = pd.Series([every] * len(sums), index=sums.index, dtype=object)
    reading = [TOO_FEW if hidden else "" for hidden in sums["people_high"].isna()]
    return sums.assign(block=ALL_BLOCKS, areas=areas, reading=reading)[COLUMNS]


def _missing(table: pd.DataFrame, protected: Protected, plan: Plan) -> Iterator[list[Any]]:
    """Yield a row for each need, and each declared level, that is in no published cell."""
    nothing = [math.nan] * (len(COLUMNS) - len(_KEYS) - 1)
    every = tuple(sorted({code for row in protected.rows for code in row[1]}))
    shown = {part for need in table["need"].unique() for part in need.split(OR)}
    split = JOIN.join(name for name in protected.by if name not in ("issues", "outcome")) or EVERYONE
    for need in NEEDS:
        if need not in shown:
            yield [ALL_BLOCKS, every, "", split, EVERYONE, need, *nothing, TOO_FEW]
    for name, declared in plan.categories.items():
        if name in ("issues", "outcome"):
            continue
        at = protected.by.index(name) if name in protected.by else None
        cells = [] if at is None else [row[3][at] for row in protected.rows if row[3]]
        there = {part for level in cells for part in (level, *level.split(OR))}
        blind = set(declared) - set(plan.seen[name]) if name in plan.seen else set()
        for level in declared:
            if level not in there or level in blind:
                yield [
                    ALL_BLOCKS,
                    every,
                    "",
                    name,
                    level,
                    EVERY_NEED,
                    *nothing,
                    NO_SOURCE if level in blind else TOO_FEW,
                ]


def _notes(blocks: int, table: pd.DataFrame) -> Iterator[str]:
    outside = sorted({need for need in table["need"] if need.startswith(OUTSIDE)})
    if outside:
        yield f"{len(outside)} issues are {OUTSIDE}, and are shown in their own words."
    if not table["met_low"].gt(0).any() and not table["unmet_low"].gt(0).any():
        yield "Whether a need was met is not published, so that it is unknown for everybody: unmet may be any of them."
    if blocks > 1:
        yield "All blocks: people per block, summed; a person met in two blocks counts in both."
    yield (
        "People, not contacts, made from published numbers only. Unknown is not met: the bounds run from all unknown "
        "met to all unmet. Who did not raise a need may have it, and whom no source sees is not in these counts."
    )
