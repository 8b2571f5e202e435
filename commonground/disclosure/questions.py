"""What may be answered from published cells alone, and to what must any other question be widened?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commonground.errors import CommonGroundError
from commonground.periods import Period

__all__ = ["Answer", "Question", "Row", "asked_spans", "in_window", "joined", "summed_up"]

Row = tuple[str, tuple[str, ...], str, tuple[str, ...], int | None, int | None, int | None]
"""Block, its areas, period, shown levels, value and its interval."""
Spans = tuple[tuple[pd.Timestamp, pd.Timestamp], ...]

UNPUBLISHED = "the question names areas, periods or levels that were not published; use those of to_frame()."
BOUNDS = "bounds only: nobody was counted once over these periods, and their sum counts people once in each"


@dataclass(frozen=True)
class Answer:
    """The answer to a question about some areas: a sum of labels, bounds, or the union to which to coarsen.

    Parameters
    ----------
    value, low, high : int or None
        Sum of labels and of their intervals; None when the question cuts a block. Bounds without a value are what is
        known of distinct people over several periods.
    coarsen_to : tuple of str
        Area codes of the smallest question that can be answered; empty when this one was.
    periods : tuple of str
        Its periods, where others than those asked for are needed.
    counted : str
        What was added up: people in several blocks or periods count once in each, and the words say so.
    """

    value: int | None
    low: int | None
    high: int | None
    coarsen_to: tuple[str, ...] = ()
    periods: tuple[str, ...] = ()
    counted: str = ""

    def __str__(self) -> str:
        if self.coarsen_to:
            when = f" in {', '.join(self.periods)}" if self.periods else ""
            return f"coarsen to {', '.join(self.coarsen_to)}{when}"
        if self.high is None:
            return "too few to show, or not observed"
        return (
            f"between {self.low} and {self.high}"
            if self.value is None
            else f"{self.value} in [{self.low}, {self.high}]"
        )


@dataclass(frozen=True, repr=False)
class Question:
    """A question, closed over areas and days: no published cell is cut by it.

    Parameters
    ----------
    rows : tuple of Row
        The cells it touches.
    wider : Answer or None
        To what it had to be widened; None where it was closed already.
    """

    rows: tuple[Row, ...]
    wider: Answer | None


def joined(
    rows: Sequence[Row], periods: Mapping[str, Period], areas: Iterable[str] | None, spans: Iterable[Period]
) -> Question:
    """Widen a question until it cuts no published cell, in areas and in time.

    Parameters
    ----------
    rows : sequence of Row
        Published cells of one combination of levels.
    periods : mapping of name to Period
    areas : iterable of str, optional
        All when left out.
    spans : iterable of Period

    Raises
    ------
    CommonGroundError
        When it names areas, days or levels that were not published.
    """
    known = {area for row in rows for area in row[1]}
    asked, days = frozenset(known if areas is None else areas), merged(spans)
    if not asked or not days or not asked <= known or not _inside(days, merged(periods[row[2]] for row in rows)):
        raise CommonGroundError(UNPUBLISHED)
    where, when = asked, days
    while True:
        inside = [row for row in rows if where & set(row[1]) and _overlap(periods[row[2]], when)]
        wider = where.union(*(row[1] for row in inside))
        longer = merged([*(periods[row[2]] for row in inside), *(Period(*span) for span in when)])
        if wider == where and longer == when:
            break
        where, when = wider, longer
    if where == asked and when == days:
        return Question(tuple(inside), None)
    needed = {row[2] for row in inside} if when != days else set()
    names = _longest({name: span for name, span in periods.items() if name in needed})
    return Question(tuple(inside), Answer(None, None, None, tuple(sorted(where)), names))


def summed_up(question: Question, count: str) -> Answer:
    """Add up the labels of a closed question: people in several of its cells count once in each."""
    if question.wider is not None:
        return question.wider
    rows = question.rows
    if not rows or any(row[4] is None for row in rows):
        return Answer(None, None, None)
    value, low, high = (sum(row[place] or 0 for row in rows) for place in (4, 5, 6))  # type: ignore[misc]
    return Answer(value, low, high, counted=_words(question, count))


def in_window(question: Question, count: str) -> Answer:
    """Answer for a window of several closed periods.

    Events add up. Of distinct people (or premises) of one block in several periods the least is the largest of the
    periods' lows and the most the sum of their highs; there is no value between. Blocks are added up: people per block.
    """
    several = len({(row[0], row[2]) for row in question.rows}) > len({row[0] for row in question.rows})
    if question.wider is not None or count == "events" or not several:
        return summed_up(question, count)
    parts: dict[str, list[Row]] = {}
    for row in question.rows:
        parts.setdefault(row[0], []).append(row)
    if any(row[4] is None for row in question.rows):
        return Answer(None, None, None)
    low = sum(max(row[5] or 0 for row in part) for part in parts.values())
    high = sum(row[6] or 0 for row in question.rows)
    return Answer(None, low, high, counted=f"{count} per block{', summed' if len(parts) > 1 else ''}: {BOUNDS}")


def asked_spans(wanted: Iterable[str | Period] | str | Period | None, periods: Mapping[str, Period]) -> list[Period]:
    """Return the days that a question asks for: published periods by name, or any days.

    Raises
    ------
    CommonGroundError
        When a name is none of the published periods.
    """
    if wanted is None:
        return list(periods.values())
    names = [wanted] if isinstance(wanted, str | Period) else list(wanted)
    if any(not isinstance(name, Period) and name not in periods for name in names):
        raise CommonGroundError(UNPUBLISHED)
    return [name if isinstance(name, Period) else periods[name] for name in names]


def merged(spans: Iterable[Period]) -> Spans:
    """Return the days of some periods as runs without gaps."""
    runs: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for span in sorted(spans):
        if runs and span.start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], span.end))
        else:
            runs.append((span.start, span.end))
    return tuple(runs)


def _inside(days: Spans, of: Spans) -> bool:
    return all(any(start <= first and last <= end for start, end in of) for first, last in days)


def _overlap(span: Period, days: Spans) -> bool:
    return any(span.start < end and start < span.end for start, end in days)


def _longest(spans: Mapping[str, Period]) -> tuple[str, ...]:
    """Return the periods that lie in none of the others, in their order."""
    return tuple(
        name
        for name, span in spans.items()
        if not any(other != name and wide.covers(span) for other, wide in spans.items())
    )


def _words(question: Question, count: str) -> str:
    """Say what a sum counts: events once, people once in each block and period."""
    if count == "events":
        return "events"
    blocks, times = len({row[0] for row in question.rows}), len({row[2] for row in question.rows})
    once = [word for word, many in (("block", blocks > 1), ("period", times > 1)) if many]
    unit = "people" if count == "persons" else count
    return f"{unit} per {' and '.join(once)}, summed" if once else unit
