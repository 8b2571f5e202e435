"""What does a study file plan, and in what do two plans differ?"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Protocol

import pandas as pd

from commonground.periods import Period

__all__ = ["Declared", "Deviation", "differences", "flat_plan", "plan_hash"]

PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")  # what TOML lets stand without quotes
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Words about the study, and who signs: they change nothing that is counted, compared or judged.
WORDS_ONLY = re.compile(
    r"title|teaching|limits|wording\..*|data\.originals|release\..*|operation\.name|areas\.name|outcomes\.\w+\.label"
)
UNSAID = re.compile(r"release\..*|inputs\.\w+\.key")  # names of people and places of keys: said to differ, not quoted
PLACES = re.compile(
    r"data\.(folder|variable)|areas\.file|inputs\.\w+\.file|needs\.context\.(\d+\.)?file"
)  # of a machine: only the name is quoted
SHORT = 80  # characters of a value that is quoted whole
MOST = 12  # entries of a list that are quoted


class Declared(Protocol):
    """What is asked of a study here: `commonground.study.Study` has all of it."""

    @property
    def path(self) -> Path: ...  # noqa: D102 - as in Study
    @property
    def phases(self) -> Mapping[str, Period]: ...  # noqa: D102
    @property
    def as_of(self) -> pd.Timestamp: ...  # noqa: D102
    @property
    def declared(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def digest(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Deviation:
    """One key in which a run differs from the plan.

    Parameters
    ----------
    key : str
        Dotted, as in the study file: ``outcomes.reports.margin``.
    planned, run : str or None
        What stood there and what stands there, in words; None where the key was not there. Of two long lists only the
        entries that differ. Names of people and of folders are not repeated.
    matters : bool
        Whether it can change what is counted, compared or judged. Wording, labels and signers cannot.
    """

    key: str
    planned: str | None
    run: str | None
    matters: bool

    @property
    def sentence(self) -> str:
        """The deviation in one sentence."""
        if self.planned is None:
            return f"{self.key} was added: {self.run}."
        if self.run is None:
            return f"{self.key} was dropped; planned was: {self.planned}."
        return f"{self.key} was changed; planned was: {self.planned}; the run has: {self.run}."


def flat_plan(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Write a parsed study file as one line a key, so that comments, layout and order of keys do not count.

    Parameters
    ----------
    raw : mapping
        As `tomllib` gives it.

    Returns
    -------
    dict of dotted key to value
        Sorted. Dates are texts, whole numbers are integers; an empty list says the same as none and is left out. The
        tables of an array are called by their names where each has its own, else by number.

    Examples
    --------
    >>> flat_plan({"policy": {"as_of": "2025-06-30"}, "needs": {"reach": 500.0}, "shocks": [{"name": "A storm"}]})
    {'needs.reach': 500, 'policy.as_of': '2025-06-30', 'shocks."A storm".name': 'A storm'}
    """
    return dict(sorted(_lines("", raw)))


def plan_hash(plan: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a flat plan: the same for the same plan, whatever its file is called or looks like."""
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(planned: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[Deviation, ...]:
    """List every key that was added, dropped or changed between two flat plans, those that matter first.

    Parameters
    ----------
    planned, run : mapping of dotted key to value

    Returns
    -------
    tuple of Deviation
    """
    found = [
        _deviation(key, planned.get(key), run.get(key))
        for key in sorted({*planned, *run})
        if json.dumps(planned.get(key)) != json.dumps(run.get(key))  # true is not 1
    ]
    return tuple(sorted(found, key=lambda deviation: not deviation.matters))


def _lines(at: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [line for key, inner in value.items() for line in _lines(_below(at, str(key)), inner)]
    if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        names = [item.get("name") for item in value]
        own = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
        keys = [str(name) for name in names] if own else [str(number) for number in range(1, len(value) + 1)]
        pairs = zip(keys, value, strict=True)
        return [line for key, inner in pairs for line in _lines(_below(at, key), inner)]
    return [] if value == [] else [(at, _plain(value))]


def _below(at: str, key: str) -> str:
    written = key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
    return f"{at}.{written}" if at else written


def _plain(value: Any) -> Any:
    """Return a value of JSON; what means the same in a study file is written the same."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, str):
        return value.strip() if ISO_DAY.fullmatch(value.strip()) else value
    if isinstance(value, float):
        if not math.isfinite(value):
            return repr(value)
        return int(value) if value.is_integer() else value
    return value


def _deviation(key: str, planned: Any, run: Any) -> Deviation:
    both = isinstance(planned, list) and isinstance(run, list)
    reordered = both and all(isinstance(item, str) for item in [*planned, *run]) and sorted(planned) == sorted(run)
    matters = not (WORDS_ONLY.fullmatch(key) or (reordered and not PLACES.fullmatch(key)))
    before, now = (None if value is None else _said(value) for value in (planned, run))
    if UNSAID.fullmatch(key):
        before, now = (None if words is None else "not repeated here" for words in (before, now))
    elif PLACES.fullmatch(key):
        before, now = _places(planned, run)
    elif reordered:
        now = "the same in another order"
    elif both and max(len(_said(planned)), len(_said(run))) > SHORT:
        before, now = _only(planned, run), _only(run, planned)
    return Deviation(key, before, now, matters)


def _places(planned: Any, run: Any) -> tuple[str | None, str | None]:
    first, second = (None if value is None else _said(_names(value)) for value in (planned, run))
    return (first, f"{second}, elsewhere") if first is not None and first == second else (first, second)


def _names(value: Any) -> Any:
    return [_names(item) for item in value] if isinstance(value, list) else PurePath(str(value)).name


def _said(value: Any) -> str:
    """Write a value in words; a long list is cut, and says so."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        cut = f" and {len(value) - MOST} more" if len(value) > MOST else ""
        return ", ".join(map(_said, value[:MOST])) + cut
    return str(value)


def _only(one: Sequence[Any], other: Sequence[Any]) -> str:
    """Write those entries of a list that another does not have."""
    mine = [item for item in one if item not in other]
    return f"{_said(mine)}, beside what both have" if mine else "nothing beside what both have"
