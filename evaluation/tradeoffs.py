"""Which goals did one operation move, in which declared direction, and which against one another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from types import MappingProxyType
from typing import Any

import pandas as pd

from evaluation.counts import Checks, Unprinted
from evaluation.judging.readings import counts_reports, holds, moved_way

__all__ = ["TradeOffs", "trade_offs"]

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "enforcement": "Enforcement",
        "trust": "Trust and reporting",
        "safety": "Safety",
        "access": "Access to services",
    }
)
_GOALS = tuple(_NAMES)  # in the order of a study's goals
_PAST = {"rise": "rose", "fall": "fell"}
_VERDICTS = ("change shown", "no change that matters", "cannot tell")
_NEEDED = ("outcome", "label", "goal", "good", "primary", "reports", "margin", "verdict", "ratio", "low", "high")
_READINGS: Mapping[str, str] = MappingProxyType(
    {
        "good": "moved the way declared good",
        "bad": "moved the way declared bad",
        "good and bad": "moved both the way declared good and the way declared bad",
        "neither": "moved, declared neither good nor bad",
        "no change that matters": "no change that matters",
        "cannot tell": "cannot tell",
        "not measured": "not measured by this study",
    }
)
_LIMITS = (
    "Goals are not added up: a gain in one does not pay for a loss in another. None of this shows what caused a "
    "change, and reports are never read as what they are reports of."
)


@dataclass(frozen=True, repr=False, eq=False)
class TradeOffs(Unprinted):
    """The goals side by side; words only, as public as the rows they were made from.

    Attributes
    ----------
    outcomes : DataFrame
        A row an outcome, by goal: goal, outcome, label, primary, moved (rose, fell, changed, no change that matters,
        cannot tell), judged (good, bad, neither; empty where it did not move), reports (whether the counts depend on
        reporting, as `read_row` takes it), told (whether it may be read as the goal's: reports of harm may not, unless
        the declared range of reporting cannot explain them).
    goals : DataFrame
        A row a goal, all four: goal, name, reading, good, bad, neither, no_change, untold (labels, in tuples).
    conflicts : tuple of str
        Sentences about goals that moved against one another; from changes that were shown only.
    """

    outcomes: pd.DataFrame = field(repr=False)
    goals: pd.DataFrame = field(repr=False)
    conflicts: tuple[str, ...] = field(repr=False)

    @property
    def text(self) -> str:
        """A sentence a goal, the conflicts, and what this does not show; without any number."""
        lines = [_goal_line(row, self.outcomes) for row in self.goals.to_dict("records")]
        found = " ".join(self.conflicts) or "No two goals were shown to move against one another."
        return "\n\n".join([" ".join(lines), found, _LIMITS])

    def summary(self) -> str:
        """Return the text."""
        return self.text

    def to_frame(self) -> pd.DataFrame:
        """Return a row a goal, labels joined by "; "."""
        frame = self.goals.copy()
        for name in ("good", "bad", "neither", "no_change", "untold"):
            frame[name] = frame[name].map("; ".join)
        return frame


def trade_offs(rows: pd.DataFrame) -> TradeOffs:
    """Group the verdicts of an evaluation by the goal each outcome serves.

    Parameters
    ----------
    rows : DataFrame
        `Evaluation.to_frame()`, or `Registered.to_frame()` for what is published: the answer is a function of these
        rows and nothing else.

    Returns
    -------
    TradeOffs
        .goals .outcomes .conflicts .text

    Raises
    ------
    StudyError
        When a column is missing, or a goal or verdict is unknown.

    Notes
    -----
    A goal moved the good or bad way when an outcome of it has a change shown in a direction declared before looking.
    Goals move against one another when one moved the good and another the bad way. Enforcement declared neither good
    nor bad counts as more or less of it, which is not a judgement. An outcome that counts reports stands for trust by
    its declared direction; for any other goal it is told only where the interval, divided by the declared range of the
    share reported, leaves no other reading. Nothing is summed or weighed. It fails to see a conflict where one side
    could not be told: "no conflict shown" is not harmony.
    """
    checks = Checks("trade_offs")
    missing = [name for name in _NEEDED if name not in rows]
    checks.require(not missing, "rows", f"needs columns {', '.join(missing)}", "Pass the table of an evaluation")
    checks.done()
    checks.require(bool(rows["goal"].isin(_GOALS).all()), "goal", f"is one of {', '.join(_GOALS)}", "Correct the study")
    checks.require(bool(rows["verdict"].isin(_VERDICTS).all()), "verdict", f"is one of {', '.join(_VERDICTS)}", "Judge")
    checks.done()
    read = [_read(row) for row in rows.to_dict("records")]
    columns = ["goal", "outcome", "label", "primary", "moved", "judged", "reports", "told"]
    read.sort(key=lambda row: _GOALS.index(row["goal"]))
    outcomes = pd.DataFrame(read, columns=columns)
    goals = pd.DataFrame([_goal(name, [row for row in read if row["goal"] == name]) for name in _GOALS])
    return TradeOffs(outcomes, goals, tuple(_conflicts(read)))


def _read(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return how one outcome moved and what that was declared to be."""
    shown, way = row["verdict"] == "change shown", moved_way(row)
    judged = "neither" if shown else ""
    if shown and row["good"] in _PAST and way in _PAST:
        judged = "good" if row["good"] == way else "bad"
    reports = counts_reports(row)
    return {
        "goal": str(row["goal"]),
        "outcome": str(row["outcome"]),
        "label": str(row["label"]),
        "primary": bool(row["primary"] == 1),
        "moved": _PAST.get(way, "changed") if shown else str(row["verdict"]),
        "judged": judged,
        "reports": reports,
        "told": row["verdict"] != "cannot tell" and (not reports or row["goal"] == "trust" or holds(row)),
    }


def _goal(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what moved under one goal."""
    groups: dict[str, list[str]] = {key: [] for key in ("good", "bad", "neither", "no_change", "untold")}
    for row in rows:
        key = row["judged"] if row["told"] and row["judged"] else "no_change" if row["told"] else "untold"
        groups[key].append(row["label"])
    shown = [key for key in ("good", "bad") if groups[key]]
    reading = " and ".join(shown) or ("neither" if groups["neither"] else "cannot tell")
    if not rows:
        reading = "not measured"
    elif len(groups["no_change"]) == len(rows):
        reading = "no change that matters"
    return {"goal": name, "name": _NAMES[name], "reading": reading} | {
        key: tuple(found) for key, found in groups.items()
    }


def _goal_line(row: Mapping[Any, Any], outcomes: pd.DataFrame) -> str:
    """Put one goal into a sentence."""
    mine = [one for one in outcomes.to_dict("records") if one["goal"] == row["goal"]]
    parts = [_said(one) for one in mine if one["told"] and one["judged"]]
    parts += [f"no change that matters in {_quoted(one)}" for one in mine if one["told"] and not one["judged"]]
    parts += [f"what {_quoted(one)} counts cannot be told ({_said(one)})" if one["judged"] else
              f"{_quoted(one)} cannot be told" for one in mine if not one["told"]]  # fmt: skip
    detail = f": {'; '.join(parts)}" if parts else ""
    return f"{row['name']}: {_READINGS[row['reading']]}{detail}."


def _conflicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each pair of goals, or single goal, with changes shown in opposite senses."""
    sentences = []
    for one, other in combinations_with_replacement(_GOALS, 2):
        for sense in (1, -1) if one != other else (1,):
            first, second = (
                [row for row in rows if row["goal"] == goal and _sense(row, within=one == other) == way]
                for goal, way in ((one, sense), (other, -sense))
            )
            if first and second:
                what = f"outcomes of {one} moved" if one == other else f"{one} and {other} moved"
                said = f"{_listed(first)} while {_listed(second)}: {what} against one another."
                sentences.append(said[:1].upper() + said[1:])
    return sentences


def _sense(row: Mapping[str, Any], *, within: bool) -> int:
    """Return 1 where a goal was served more, -1 where less, 0 where that was not declared or not told.

    More and less enforcement are set against other goals only: within enforcement they are no judgement.
    """
    if not row["told"]:
        return 0
    if row["goal"] == "enforcement" and row["judged"] == "neither" and not within:
        return {"rose": 1, "fell": -1}.get(row["moved"], 0)
    return {"good": 1, "bad": -1}.get(row["judged"], 0)


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(map(_said, rows))


def _said(row: Mapping[Any, Any]) -> str:
    """Say how an outcome moved; of reports, that recorded numbers did."""
    return f"{'recorded numbers of ' if row['reports'] else ''}{_quoted(row)} {row['moved']}"


def _quoted(row: Mapping[Any, Any]) -> str:
    return f"“{row['label']}”{'' if row['primary'] else ' (not a primary outcome)'}"
