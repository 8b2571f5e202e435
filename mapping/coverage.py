"""Which share of the people who are there, seen or not, does a service reach, keep and help?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.ages import under_18
from mapping.reached import EVERYONE, STAGES, PeopleMet

__all__ = ["Coverage", "coverage"]

USABLE, FLOOR = "usable", "floor only"
LEAST_SHARE = 10  # methods.md, section 2: below it x of n, no percentage
NO_OWN = "no estimate of its own: a hidden number is never split by the mix of those seen"
NOT_USABLE = "the number of people may not be estimated"
ONLY_FLOOR = "only a floor of the number of people is known: at most this share"
CAPPED = "as many were met as the lower end of the estimate, or more: the share may be all"
COLUMNS = [
    "group", "stage", "people_low", "people_high", "population_low", "population_high", "low", "high", "reason",
]  # fmt: skip
_REFUSED = "the coverage cannot be worked out"
Ends = tuple[float, float]


@dataclass(frozen=True, repr=False)
class Coverage(Exact):
    """Hold the share of all people who are reached, retained and helped, as ranges.

    Parameters
    ----------
    table : DataFrame
        One row per group and stage: group, stage, people_low, people_high, population_low, population_high, low, high
        (shares from 0 to 1), reason. NaN where no share may be given; the reason says why.
    shares : DataFrame
        Of the people reached and known, the share retained and helped: group, stage, x_low, x_high, n, low, high
        (Wilson; NaN below 10 people).
    notes : tuple of str
        What must be kept in mind.
    """

    table: pd.DataFrame
    shares: pd.DataFrame
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Coverage(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and stage."""
        return self.table.copy()

    def summary(self) -> str:
        """Say the range of each stage, or why there is none; never one number."""
        lines = []
        for row in self.table.to_dict("records"):
            range_ = (
                f"{row['low']:.0%} to {row['high']:.0%} of the people there"
                if row["low"] == row["low"]
                else "not known"
            )
            why = f" ({row['reason']})" if row["reason"] else ""
            lines.append(f"{row['group']}, {row['stage']}: {range_}{why}.")
        return "\n".join([*lines, *self.notes])


def coverage(observed: Any, population: Any, *, level: float = 0.95) -> Coverage:
    """Divide the people a service met by the range of how many there are.

    low = people_low / N_high and high = people_high / N_low, at most 1. Stages: reached (met at least once), retained
    (met again in a later period), effective (met, and the need met).

    Parameters
    ----------
    observed : PeopleMet, DataFrame, or mapping of stage to people
        What `people_met` returns; or its table (group, stage, low, high); or {"reached": 120, "retained": (60, 70)}.
    population : PopulationSize, (low, high), or mapping of group to those
        How many people there are, in the same window and place. A pair with an infinite high is a floor. A group has a
        coverage only with an estimate made from its own lists; the mapping's key for all is "everyone".
    level : float
        Confidence of the Wilson limits of the shares among those reached.

    Returns
    -------
    Coverage

    Raises
    ------
    RecordsError
        Stages that do not exist, people that are not whole numbers from 0 up, more people retained or helped than
        reached, more people met than the estimate allows, a range that is none, groups of under-18s, a group estimated
        that was not observed.

    Notes
    -----
    An estimate that is a floor only gives 0 as the low end; one that says "do not estimate" gives nothing. The range
    takes the estimate's interval at its word: where the lists share a blind spot, N is larger and coverage lower.
    People met who are not in the population estimated (visitors, or people outside the place) make it too high.

    References
    ----------
    Tanahashi (1978), Bulletin of the World Health Organization 56:295, for the stages of coverage.

    Examples
    --------
    >>> found = coverage({"reached": 120, "effective": (40, 60)}, (300, 480))
    >>> found.table[["stage", "low", "high"]].round(3).values.tolist()
    [['reached', 0.25, 0.4], ['effective', 0.083, 0.2]]
    """
    people = _people(observed)
    given = dict(population) if isinstance(population, Mapping) else {EVERYONE: population}
    ranges = {group: _ends(one) for group, one in given.items()}
    problems = _problems(people, ranges, level)
    if problems:
        raise RecordsError(_REFUSED, problems)
    rows = [
        (group, stage, low, high, *_share(low, high, ranges.get(group, ((math.nan,) * 2, NO_OWN))))
        for group, stage, low, high in people.to_numpy(dtype=object).tolist()
    ]
    notes = [*observed.notes] if isinstance(observed, PeopleMet) else []
    notes += [note for group, one in given.items() for note in _bands(group, one, people)]
    notes.append(
        "Coverage says nothing of where the people not reached are, or who they are. It holds only for the window and "
        "the place of the estimate."
    )
    return Coverage(pd.DataFrame(rows, columns=COLUMNS), _shares(people, level), tuple(notes))


def _people(observed: Any) -> pd.DataFrame:
    """Return group, stage, low, high, one row each, stages in order."""
    table = observed.table if isinstance(observed, PeopleMet) else observed
    if isinstance(table, Mapping):
        ends = {stage: two if isinstance(two, tuple) and len(two) == 2 else (two, two) for stage, two in table.items()}
        table = pd.DataFrame([(EVERYONE, stage, *two) for stage, two in ends.items()])
        table = table.set_axis(["group", "stage", "low", "high"], axis=1) if len(table) else table
    wanted = ["group", "stage", "low", "high"]
    if not isinstance(table, pd.DataFrame) or not set(wanted) <= set(table.columns) or table.empty:
        advice = "Pass what people_met returns, or {'reached': people}."
        raise RecordsError(_REFUSED, [Problem(None, "`observed`", "stages and people are needed", advice)])
    table = table[wanted].copy()
    for side in ("low", "high"):
        table[side] = pd.to_numeric(table[side], errors="coerce").astype(float)
    return table


def _ends(population: Any) -> tuple[Ends, str]:
    """Return the range to divide by and what to say of it."""
    verdict = getattr(population, "verdict", USABLE)
    if verdict == FLOOR:
        return (float(population.floor_range.low), math.inf), ONLY_FLOOR
    if verdict != USABLE:
        return (math.nan, math.nan), NOT_USABLE
    ends = getattr(population, "interval", population)
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        return (-1.0, -1.0), ""  # what no range is; refused with everything else
    return (low, high), ONLY_FLOOR if math.isinf(high) else ""  # a missing end is no range


def _problems(people: pd.DataFrame, ranges: Mapping[str, tuple[Ends, str]], level: float) -> list[Problem]:
    low, high = people["low"], people["high"]
    whole = low.ge(0) & high.ge(low) & low.mod(1).eq(0) & high.mod(1).eq(0)
    reached = people[people["stage"].eq("reached")].drop_duplicates("group").set_index("group")
    most = people["group"].map(reached["high"])
    beyond = (low > people["group"].map(reached["low"])) | (high > most)
    top = people["group"].map({group: ends[1] for group, (ends, _) in ranges.items()})
    fine_ends = all(reason == NOT_USABLE or (0 < a <= b and a < math.inf) for (a, b), reason in ranges.values())
    seen, given = "`observed`", "`population`"
    checks = (
        (seen, people["stage"].isin(STAGES).all(), f"stages are {', '.join(STAGES)}", "Correct the names."),
        (seen, not people.duplicated(["group", "stage"]).any(), "one row a group and stage is needed", "Keep one."),
        (seen, whole.all(), "whole numbers of people from 0 up are needed, low before high", "Count people."),
        (seen, not beyond.any(), "more are retained or helped than were reached", "Count of those reached only."),
        (seen, not under_18(people["group"]).any(), "holds a group of under-18s", "Count them for safeguarding only."),
        (given, fine_ends, "people above 0 are needed, low before high", "Pass a PopulationSize or (low, high)."),
        (given, set(ranges) <= set(people["group"]), "holds a group that was not observed", "Spell both alike."),
        (given, not (low > top).any(), "is smaller than the people met", "Take one window, place and kind of people."),
        ("`level`", 0 < level < 1, "a level between 0 and 1 is needed", "0.95 is usual."),
    )
    return [Problem(None, name, rule, advice) for name, fine, rule, advice in checks if not fine]


def _share(low: float, high: float, population: tuple[Ends, str]) -> tuple[float, float, float, float, str]:
    (fewest, most), reason = population
    if math.isnan(fewest):
        return fewest, most, math.nan, math.nan, reason
    said = [reason] if reason else []
    said += [CAPPED] if high >= fewest else []
    return fewest, most, low / most, min(high / fewest, 1.0), "; ".join(said)


def _bands(group: str, population: Any, people: pd.DataFrame) -> list[str]:
    """Say how far coverage moves with what the estimate takes for granted."""
    reached = people[people["group"].eq(group) & people["stage"].eq("reached")]
    band = getattr(population, "dependence", None)
    if reached.empty or band is None or getattr(population, "verdict", "") != USABLE:
        return []
    low, high = reached["low"].iloc[0] / max(band), min(reached["high"].iloc[0] / min(band), 1.0)
    return [
        f"Were the people on no list half to five times as many as the estimate says, {low:.0%} to {high:.0%} of "
        f"{group if group == EVERYONE else 'the group'} would be reached."
    ]


def _shares(people: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the share of those reached and known who were retained or helped."""
    reached = people[people["stage"].eq("reached")].set_index("group")["low"]
    rows = []
    for group, stage, low, high in people[people["stage"].ne("reached")].to_numpy(dtype=object).tolist():
        n = float(reached.get(group, 0.0))
        most, limits = min(high, n), (math.nan, math.nan)
        if n >= LEAST_SHARE:
            wilson = [proportion_confint(x, n, alpha=1 - level, method="wilson") for x in (low, most)]
            limits = (float(wilson[0][0]), float(wilson[1][1]))
        rows.append((group, stage, low, most, n, *limits))
    return pd.DataFrame(rows, columns=["group", "stage", "x_low", "x_high", "n", "low", "high"])
