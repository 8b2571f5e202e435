"""Into which kinds of contact could the missing ones have gone, and what can each source not see?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.stats import norm

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact

__all__ = ["OUT_OF_CONTACT", "UNSEEN", "DisplacementKinds", "displacement_kinds"]

OUT_OF_CONTACT = "out of contact"
UNSEEN = "no source sees this"
COLUMNS = ("dimension", "level", "source", "before", "after")
NUMBERS = ("before", "after", "change", "low", "high", "could_hold_low", "could_hold_high")


@dataclass(frozen=True, repr=False)
class DisplacementKinds(Exact):
    """Hold where missing contacts could have gone, kind by kind; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        One row a dimension and level: source, before, after, change (after less before at equal exposure) with low and
        high, could_hold_low and could_hold_high (how many of the missing this level could hold), reading, cannot_see.
    missing : DataFrame
        Index: dimension. Columns: level (where contacts went missing), missing, low, high.
    exposure : tuple of float
    notes : tuple of str
    """

    table: pd.DataFrame
    missing: pd.DataFrame
    exposure: tuple[float, float]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "DisplacementKinds(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def summary(self) -> str:
        """Say for each dimension how many are missing and where they could be."""
        return "\n".join([*map(self._told, self.missing.index), *self.notes])

    def _told(self, dimension: str) -> str:
        gone = self.missing.loc[dimension].to_dict()
        if gone["high"] <= 0:
            return f"{dimension}: contacts in {gone['level']} did not fall."
        doubt = "" if gone["low"] > 0 else ", which chance can do"
        mine = self.table[self.table["dimension"] == dimension]
        hold = mine[(mine["could_hold_high"] > 0) & mine["source"].notna()]
        places = "; ".join(
            f"{level} {low:.0f} to {high:.0f}"
            for level, low, high in zip(hold["level"], hold["could_hold_low"], hold["could_hold_high"], strict=True)
        )
        unseen = ", ".join(mine.loc[mine["reading"] == UNSEEN, "level"])
        blind = f" Nobody counts {unseen}: any of the missing may be there." if unseen else ""
        lost = mine[mine["level"] == OUT_OF_CONTACT].iloc[0]
        return (
            f"{dimension}: {gone['missing']:.0f} contacts in {gone['level']} ({gone['low']:.0f} to {gone['high']:.0f}) "
            f"are missing{doubt}. They could be in: {places or 'no level that is counted'}.{blind} Out of contact with "
            f"every source given: {lost['could_hold_low']:.0f} to {lost['could_hold_high']:.0f}."
        )


def displacement_kinds(
    counts: pd.DataFrame,
    origin: Mapping[str, str],
    *,
    unseen: Mapping[str, str] | None = None,
    cannot_see: Mapping[str, str] | None = None,
    exposure: tuple[float, float] = (1, 1),
    dispersion: float = 1.0,
    level: float = 0.95,
) -> DisplacementKinds:
    """Set the contacts missing from one kind beside what the other kinds gained.

    Missing from the origin: M = r b - a, with r the ratio of exposures after to before. A level gained G = a - r b.
    Each has the standard error sqrt(dispersion (a + r^2 b)). A level could hold from max(0, G low) to
    min(max(0, G high), max(0, M high)); out of contact are from max(0, M low - sum of what levels could hold at most)
    to max(0, M high - sum of what they hold at least). A level that nobody counts could hold anything from 0 to M high.

    Parameters
    ----------
    counts : DataFrame
        Columns dimension (setting, time of day, day of week, offence, ...), level (street, indoor, online, ...),
        source, before, after: contacts, 0 or more. One row a dimension and level.
    origin : mapping of dimension to level
        Where contacts went missing, for each dimension.
    unseen : mapping of level to dimension, optional
        Levels that no source counts, declared from what sources cover and never from a count of 0.
    cannot_see : mapping of source to text, optional
        What each source cannot see, in words; shown beside its rows.
    exposure : pair of float
        Lengths of the two periods, in any one unit.
    dispersion : float
        Variance over mean of monthly counts before; 1 or more.
    level : float
        Coverage of each interval.

    Returns
    -------
    DisplacementKinds

    Raises
    ------
    RecordsError
        Columns, counts, origins or options that do not fit; all of them at once.

    Notes
    -----
    A gain elsewhere is not proof that the same people made it: sources change what they record, new people arrive, and
    intervals of several levels do not hold together. The table bounds what is possible. It fails where one contact is
    in several levels of a dimension, and its normal limits say too little of a level with no count before and after.

    Examples
    --------
    >>> rows = [("setting", "street", "outreach", 100, 40), ("setting", "indoor", "outreach", 50, 90)]
    >>> counts = pd.DataFrame(rows, columns=["dimension", "level", "source", "before", "after"])
    >>> kinds = displacement_kinds(counts, {"setting": "street"}, unseen={"online": "setting"})
    >>> float(kinds.missing.at["setting", "missing"]), kinds.table["level"].tolist()
    (60.0, ['street', 'indoor', 'online', 'out of contact'])
    """
    unseen = dict(unseen or {})
    _check(counts, origin, unseen, exposure, dispersion, level)
    ratio, z = exposure[1] / exposure[0], float(norm.ppf((1 + level) / 2))
    rows: list[dict[str, Any]] = []
    gone: dict[str, dict[str, Any]] = {}
    for dimension, place in origin.items():
        mine = counts[counts["dimension"] == dimension].to_dict("records")
        measured = [_measured(row, ratio, z * math.sqrt(dispersion)) for row in mine]
        lost = next(row for row in measured if row["level"] == place)
        gone[dimension] = {"level": place, "missing": -lost["change"], "low": -lost["high"], "high": -lost["low"]}
        most = max(0.0, -lost["low"])
        held = [_held(row, place, most) for row in measured]
        blind = [_blind(dimension, name, most) for name, of in unseen.items() if of == dimension]
        rows += [*held, *blind, _out_of_contact(dimension, gone[dimension], held)]
    table = pd.DataFrame(rows)
    table["cannot_see"] = [(cannot_see or {}).get(source, "") for source in table["source"]]
    notes = ("Bounds of what is possible, kind by kind: a gain elsewhere is not proof that the same people made it.",)
    return DisplacementKinds(
        table, pd.DataFrame.from_dict(gone, orient="index"), (float(exposure[0]), float(exposure[1])), notes
    )


def _check(
    counts: pd.DataFrame,
    origin: Mapping[str, str],
    unseen: Mapping[str, str],
    exposure: tuple[float, float],
    dispersion: float,
    level: float,
) -> None:
    lacking = [name for name in COLUMNS if name not in counts]
    if lacking:
        raise _refused([Problem(None, ", ".join(lacking), "is a column that is needed", "add it")])
    numbers = counts[["before", "after"]].apply(pd.to_numeric, errors="coerce")
    wrong = [
        Problem(row + 1, "before, after", "counts of 0 or more are needed", "leave out levels that nobody counts")
        for row in (~((numbers >= 0) & (numbers < math.inf)).all(axis=1)).to_numpy().nonzero()[0]
    ]
    pairs = list(zip(counts["dimension"], counts["level"], strict=True))
    if len(set(pairs)) < len(pairs):
        wrong.append(
            Problem(None, "level", "each level of a dimension has one row", "add its sources up, or choose one")
        )
    for dimension, place in origin.items():
        if (dimension, place) not in pairs:
            rule = "names a dimension and level that the counts do not have"
            wrong.append(Problem(None, "origin", rule, "use the names in the counts"))
    if not origin:
        wrong.append(Problem(None, "origin", "at least one dimension is needed", "say where contacts went missing"))
    counted = [name for name, of in unseen.items() if (of, name) in pairs or of not in origin]
    if counted:
        wrong.append(Problem(None, "unseen", "holds a level that is counted, or of no dimension here", "correct it"))
    for name, fine, need in (
        ("exposure", len(exposure) == 2 and all(0 < part < math.inf for part in exposure), "two lengths above 0"),
        ("dispersion", 1 <= dispersion < math.inf, "1 or more"),
        ("level", 0 < level < 1, "between 0 and 1"),
    ):
        if not fine:
            wrong.append(Problem(None, name, f"must be {need}", "correct it, or leave it out"))
    if wrong:
        raise _refused(wrong)


def _measured(row: Mapping[Any, Any], ratio: float, width: float) -> dict[str, Any]:
    before, after = float(row["before"]), float(row["after"])
    change, error = after - ratio * before, width * math.sqrt(after + ratio**2 * before)
    known = {name: row[name] for name in ("dimension", "level", "source")}
    return {**known, "before": before, "after": after, "change": change, "low": change - error, "high": change + error}


def _held(row: dict[str, Any], place: str, most: float) -> dict[str, Any]:
    if row["level"] == place:
        fell = "fell" if row["high"] < 0 else "rose" if row["low"] > 0 else "no change shown"
        return {**row, "could_hold_low": 0.0, "could_hold_high": 0.0, "reading": f"{fell} (where they went missing)"}
    low, high = (min(max(0.0, row[end]), most) for end in ("low", "high"))
    reading = "gained" if row["low"] > 0 else "lost" if row["high"] < 0 else "cannot tell"
    return {**row, "could_hold_low": low, "could_hold_high": high, "reading": reading}


def _blind(dimension: str, name: str, most: float) -> dict[str, Any]:
    empty = dict.fromkeys(NUMBERS, math.nan)
    own = {"dimension": dimension, "level": name, "source": None, "reading": UNSEEN}
    return {**own, **empty, "could_hold_low": 0.0, "could_hold_high": most}


def _out_of_contact(dimension: str, gone: dict[str, Any], held: list[dict[str, Any]]) -> dict[str, Any]:
    least = gone["low"] - sum(row["could_hold_high"] for row in held)
    most = gone["high"] - sum(row["could_hold_low"] for row in held)
    empty = dict.fromkeys(NUMBERS, math.nan)
    own = {"dimension": dimension, "level": OUT_OF_CONTACT, "source": None}
    reading = "some are with no source given" if least > 0 else "cannot tell"
    return {**own, **empty, "could_hold_low": max(0.0, least), "could_hold_high": max(0.0, most), "reading": reading}


def _refused(problems: list[Problem]) -> RecordsError:
    return RecordsError("the kinds cannot be compared", problems)
