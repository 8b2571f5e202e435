"""Which columns does each kind of record have, and what may stand in them?"""

from __future__ import annotations

import pandera.pandas as pa

__all__ = ["IDENTIFIERS", "REQUIRED", "TEXT_COLUMNS", "VOCABULARIES", "columns_of", "schema"]

PLACE = ("area", "x", "y")
TIME = ("start", "end")
IDENTIFIERS = ("person", "premises", "event")
_PEOPLE = (*TIME, *PLACE, *IDENTIFIERS, "setting", "group", "source", "n")
COLUMNS = {
    "contacts": (*_PEOPLE, "service", "mode", "issues", "outcome"),
    "incidents": (*_PEOPLE, "service", "consent", "offence", "role", "outcome", "issues"),
    "arrests": (*_PEOPLE, "offence", "role", "outcome"),
    "services": ("service", "name", *PLACE, "hours", "capacity", "eligibility", "languages", "source"),
}
REQUIRED = {"contacts": ("start",), "incidents": ("start",), "arrests": ("start",), "services": ("service",)}

# Closed lists. Everything else that is text is a category of the partner's own.
VOCABULARIES = {
    "setting": ("street", "off-street", "online"),
    "consent": ("none", "anonymous", "full"),
    "role": ("selling", "buying", "controlling", "third party"),
}
TEXT_COLUMNS = ("area", "setting", "group", "service", "name", "mode", "issues", "consent", "offence", "role", "outcome",
                "source", "eligibility", "languages", "hours")  # fmt: skip


def columns_of(kind: str) -> tuple[str, ...]:
    """Return our column names for a kind; ``group_*`` may be added to any of the three about people."""
    return COLUMNS[kind]


def schema(kind: str) -> pa.DataFrameSchema:
    """Return the pandera schema of a kind, after dates and numbers were parsed.

    Each check's ``error`` is ``rule|help``: those are what the problem report shows, never the failing value.
    """
    columns: dict[str, pa.Column] = {}
    for name in columns_of(kind):
        checks: list[pa.Check] = []
        if name in VOCABULARIES:
            words = VOCABULARIES[name]
            checks = [pa.Check.isin(words, error=f"must be one of {', '.join(words)}|Correct it, or leave it empty.")]
        elif name == "n":
            checks = [
                pa.Check.ge(0, error="must be 0 or more|n is how many events the row stands for."),
                pa.Check(lambda s: s % 1 == 0, error="must be a whole number|n counts events; weights are not counts."),
            ]
        elif name == "capacity":
            checks = [pa.Check.ge(0, error="must be 0 or more|Give the people a week the service can see.")]
        columns[name] = pa.Column(required=name in REQUIRED[kind], nullable=name not in REQUIRED[kind], checks=checks)
    return pa.DataFrameSchema(columns, strict=False)
