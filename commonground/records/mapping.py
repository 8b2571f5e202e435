"""Which column of a partner's file is which of ours?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from commonground.errors import Problem
from commonground.records.schemas import REQUIRED, columns_of

__all__ = ["match_columns"]

GROUP = re.compile(r"group_[a-z0-9_]+")


def match_columns(
    names: Iterable[str], kind: str, columns: Mapping[str, str] | None
) -> tuple[dict[str, str], list[Problem]]:
    """Return {ours: theirs} in our order, and every column that is missing, unknown or named twice.

    Without a mapping only headers that are our own names are taken, whatever their capitals and spaces.
    """
    present = [str(name) for name in names]
    plain = _by_plain_name(present)
    known = columns_of(kind)
    if columns is None:
        mapping = {ours: plain[ours][0] for ours in known if ours in plain} | _groups(plain, kind)
        problems = [
            Problem(None, ours, f"is the name of {len(plain[ours])} columns", "Rename all but one, or map one of them.")
            for ours in mapping
            if len(plain[ours]) > 1
        ]
    else:
        mapping = {str(ours): str(theirs) for ours, theirs in columns.items()}
        problems = _mapping_problems(mapping, present, kind)
    for name in REQUIRED[kind]:
        if name not in mapping:
            problems.append(Problem(None, name, "is needed", f'Say which column it is: columns={{"{name}": "..."}}.'))
    if "area" not in mapping and not {"x", "y"} <= set(mapping):
        problems.append(Problem(None, "area", "or both x and y are needed", "Map an area code, or coordinates."))
    order = [*known, *sorted(name for name in mapping if name not in known)]
    return {name: mapping[name] for name in order if name in mapping}, problems


def _mapping_problems(mapping: Mapping[str, str], present: list[str], kind: str) -> list[Problem]:
    known = columns_of(kind)
    groups = "" if kind == "services" else ", group_NAME"
    problems = [
        Problem(None, ours, f"is not a column of {kind}", f"Use one of: {', '.join(known)}{groups}.")
        for ours in mapping
        if ours not in known and not (groups and GROUP.fullmatch(ours))
    ]
    for ours, theirs in mapping.items():
        if theirs not in present:
            rule = f"is mapped to {theirs!r}, which the file does not have"
            problems.append(Problem(None, ours, rule, "Correct the column mapping."))
    return problems


def _groups(plain: Mapping[str, list[str]], kind: str) -> dict[str, str]:
    """Return the columns that bear one of our open names; services have none."""
    return {} if kind == "services" else {name: plain[name][0] for name in sorted(plain) if GROUP.fullmatch(name)}


def _by_plain_name(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "_", str(name).strip().casefold()).strip("_")
        found.setdefault(plain, []).append(str(name))
    if {"e", "n"} <= set(found):  # easting and northing, not a number of events
        found["easting"] = [*found.get("easting", []), *found.pop("e")]
        found["northing"] = [*found.get("northing", []), *found.pop("n")]
    return found
