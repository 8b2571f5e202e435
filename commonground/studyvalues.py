"""Is the value at a key of a study file of the kind that must stand there?"""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from commonground.errors import CommonGroundError, Problem
from commonground.periods import Period

__all__ = ["Findings", "Section"]

TODO = "TODO"  # what `commonground new` writes where somebody must decide
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FIRST_YEAR = 1900  # as for records
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # names of inputs and outcomes become file names


class Findings:
    """Collects what is wrong with a study file.

    Parameters
    ----------
    raw : mapping
        The file as it was parsed. Texts that begin with TODO are listed at once and taken out, so that nothing further
        is said of them.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.problems: list[Problem] = []
        self._todo: set[str] = set()
        self.root = Section("", self._decided("", raw), self)

    def say(self, at: str, rule: str, advice: str) -> None:
        """Note a problem at a key, once, and not where the key is still to be decided."""
        problem = Problem(None, at, rule, advice)
        if at not in self._todo and problem not in self.problems:
            self.problems.append(problem)

    def clean(self, at: str) -> bool:
        """Say whether nothing is wrong at a key or below it."""
        return not any(problem.column == at or problem.column.startswith(f"{at}.") for problem in self.problems)

    def _decided(self, at: str, table: Mapping[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in table.items():
            place = f"{at}.{key}" if at else str(key)
            texts = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
            open_points = [text for text in texts if text.startswith(TODO)]
            if open_points:
                advice = open_points[0].removeprefix(TODO).strip(" :") or "Write what was decided, before looking."
                self.problems.append(Problem(None, place, "is still to be decided", advice))
                self._todo.add(place)
            elif isinstance(value, list):
                kept[key] = [
                    self._decided(f"{place}[{number}]", item) if isinstance(item, Mapping) else item
                    for number, item in enumerate(value, start=1)
                ]
            else:
                kept[key] = self._decided(place, value) if isinstance(value, Mapping) else value
        return kept


class Section:
    """One table of a study file. Its readers return None (or nothing) for what does not fit, and say why; none raises.

    Parameters
    ----------
    at : str
        Where the table stands, such as ``inputs.contacts``; empty for the file itself.
    content : mapping
    findings : Findings
    """

    def __init__(self, at: str, content: Mapping[str, Any], findings: Findings) -> None:
        self.at = at
        self.content = content
        self.findings = findings

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def say(self, key: str, rule: str, advice: str) -> None:
        """Note a problem at one of the table's keys."""
        self.findings.say(self._place(key), rule, advice)

    def only(self, allowed: tuple[str, ...]) -> None:
        """Note every key that is not one of the allowed, with the one that was probably meant."""
        for key in self.content:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, n=1)
                advice = f"Did you mean {close[0]}?" if close else f"Use one of: {', '.join(allowed)}."
                self.say(key, "is not a known key", advice)

    def table(self, key: str, *, need: str | None = None) -> Section:
        """Return a table inside this one; an empty one when there is none."""
        value = self._value(key, need)
        if value is not None and not isinstance(value, Mapping):
            self.say(key, "must be a table", f"Write [{self._place(key)}] and its keys below it.")
        return Section(self._place(key), value if isinstance(value, Mapping) else {}, self.findings)

    def tables(self, *, plain: bool = True) -> Iterator[tuple[str, Section]]:
        """Yield the named tables inside this one.

        Parameters
        ----------
        plain : bool
            The names must consist of letters, digits and underscores.
        """
        for key in self.content:
            if plain and not PLAIN_NAME.fullmatch(key):
                self.say(key, "is not a plain name", "Use letters, digits and _, beginning with a letter.")
            elif isinstance(self.content[key], Mapping):
                yield key, self.table(key)
            else:
                self.say(key, "must be a table", f"Write [{self._place(key)}] and its keys below it.")

    def rows(self, key: str) -> list[Section]:
        """Return the tables of an array of tables, in order; they stand at ``key[1]``, ``key[2]`` and so on."""
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            place = self._place(key)
            self.say(key, "must be a list of tables", f"Write [[{place}]] and its keys below it, once for each.")
            return []
        return [Section(self._place(f"{key}[{n}]"), item, self.findings) for n, item in enumerate(value, start=1)]

    def text(self, key: str, *, need: str | None = None) -> str | None:
        """Return a text that is not blank."""
        value = self._value(key, need)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.say(key, "must be text in quotes", need or f'Write {key} = "...".')
        return None

    def texts(self, key: str, *, need: str | None = None) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._value(key, need)
        if value is None:
            return ()
        if isinstance(value, list) and value and all(isinstance(item, str) and item.strip() for item in value):
            return tuple(value)
        if value != []:
            self.say(key, "must be a list of texts in quotes", f'Write {key} = ["...", "..."].')
        elif need:
            self.say(key, "is empty", need)
        return ()

    def text_or_texts(self, key: str, *, need: str | None = None) -> tuple[str, ...]:
        """Return one text or a list of texts as a tuple."""
        if isinstance(self.content.get(key), list):
            return self.texts(key, need=need)
        value = self.text(key, need=need)
        return () if value is None else (value,)

    def text_map(self, key: str) -> dict[str, str]:
        """Return a table of texts."""
        inner = self.table(key)
        return {name: text for name in inner.content if (text := inner.text(name)) is not None}

    def texts_map(self, key: str) -> dict[str, tuple[str, ...]]:
        """Return a table whose values are texts or lists of texts."""
        inner = self.table(key)
        need = "Name at least one."
        return {name: texts for name in inner.content if (texts := inner.text_or_texts(name, need=need))}

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self.content.get(key, default)
        if not isinstance(value, bool):
            self.say(key, "must be true or false", f"Write {key} = true or {key} = false, without quotes.")
            return default
        return value

    def number(self, key: str, *, default: float, above: float = 0.0, below: float = math.inf) -> float:
        """Return a number that lies between two others, neither of them included."""
        value = self.content.get(key, default)
        if not _is_number(value) or not above < value < below:
            span = f"a number above {above:g}" if math.isinf(below) else f"a number between {above:g} and {below:g}"
            self.say(key, f"must be {span}", f"Write {key} = {default:g}, say, without quotes.")
            return default
        return float(value)

    def range(self, key: str) -> tuple[float, float] | None:
        """Return two numbers above 0, the smaller first."""
        value = self.content.get(key)
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and 0 < value[0] <= value[1]:
            return float(value[0]), float(value[1])
        self.say(key, "must be two numbers above 0, the smaller first", f"Write {key} = [0.6, 1.0].")
        return None

    def word(self, key: str, allowed: tuple[str, ...], *, default: str | None = None, need: str = "") -> str:
        """Return one of the allowed words; an empty text where there is none."""
        value = self.content.get(key, default)
        choice = f"Use one of: {', '.join(allowed) or 'none is declared yet'}."
        if value is None:
            self.say(key, "is needed", f"{need} {choice}".strip())
        elif isinstance(value, str) and value in allowed:
            return value
        else:
            self.say(key, "is not one of the words that can stand here", choice)
        return ""

    def day(self, key: str, *, need: str | None = None) -> pd.Timestamp | None:
        """Return a date."""
        value = self._value(key, need)
        found = None if value is None else _day(value)
        if value is not None and found is None:
            self.say(key, "is not a date that exists", "Write it as 2025-06-30.")
        return found

    def span(self, key: str, *, need: str | None = None) -> Period | None:
        """Return a span of days given by its first day and the first day after it."""
        value = self._value(key, need)
        return None if value is None else self._period(key, value)

    def spans(self, key: str) -> tuple[Period, ...]:
        """Return a list of spans."""
        value = self.content.get(key, [])
        if not isinstance(value, list):
            self.say(key, "must be a list of spans", f'Write {key} = [["2022-01-01", "2023-01-01"]].')
            return ()
        return tuple(span for item in value if (span := self._period(key, item)) is not None)

    def _period(self, key: str, value: Any) -> Period | None:
        days = [_day(item) for item in value] if isinstance(value, list) else []
        if len(days) != 2 or days[0] is None or days[1] is None:
            advice = 'Write ["2022-01-01", "2023-01-01"]; the second is the first day that is not in it.'
            self.say(key, "must be two dates that exist", advice)
            return None
        try:
            return Period(days[0], days[1])
        except CommonGroundError:
            advice = "Swap or correct the two dates; the second is the first day that is not in it."
            self.say(key, "ends before it begins", advice)
            return None

    def _value(self, key: str, need: str | None) -> Any:
        value = self.content.get(key)
        if value is None and need:
            self.say(key, "is needed", need)
        return value

    def _place(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key


def _day(value: Any) -> pd.Timestamp | None:
    """Return midnight of a TOML date or of a text written like one; nothing else is guessed at."""
    if isinstance(value, str) and ISO_DAY.fullmatch(value.strip()):
        try:
            value = dt.date.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime) or value.year < FIRST_YEAR:
        return None
    return pd.Timestamp(value)


def _is_number(value: Any) -> bool:
    # in Python true and false are numbers; in a study file they are not
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
