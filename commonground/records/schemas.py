"""Which columns does each kind of record have, and what may stand in them?"""

from __future__ import annotations

import pandera.pandas as pa

__all__ = [
    "CATEGORIES", "IDENTIFIERS", "MULTIPLE", "NUMBERS", "REQUIRED", "SYNONYMS", "TEXT_COLUMNS", "VOCABULARIES",
    "columns_of", "is_text", "schema",
]  # fmt: skip

PLACE = ("area", "x", "y")
TIME = ("start", "end")
IDENTIFIERS = ("person", "premises", "event")
NUMBERS = ("x", "y", "n", "capacity")
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
# Other spellings of the same word, never other words: "outdoor" may be a car park, a sauna's garden or a street.
SYNONYMS = {
    "setting": {"on street": "street", "on-street": "street", "off street": "off-street", "offstreet": "off-street",
                "on-line": "online", "on line": "online"},
    "consent": {"no consent": "none", "anonymous consent": "anonymous", "full consent": "full"},
    "role": {"third-party": "third party"},
}  # fmt: skip
MULTIPLE = ("issues", "eligibility", "languages")  # several entries a cell, separated by ;
CATEGORIES = ("setting", "group", "service", "mode", "issues", "consent", "offence", "role", "outcome", "source")
TEXT_COLUMNS = ("area", *CATEGORIES, "name", "eligibility", "languages", "hours")
_ADVICE = {"consent": "No other stage is read.", "setting": "Where two fit, leave it empty: unknown is a level."}


def columns_of(kind: str) -> tuple[str, ...]:
    """Return our column names for a kind; ``group_*`` may be added to any of the three about people."""
    return COLUMNS[kind]


def is_text(name: str) -> bool:
    """Say whether a column of ours holds text that is kept as it is."""
    return name in TEXT_COLUMNS or name.startswith("group_")


def schema(kind: str) -> pa.DataFrameSchema:
    """Return the pandera schema of a kind, after dates and numbers were parsed.

    Each check's ``error`` is ``rule|help``: those are what the problem report shows, never the failing value.
    """
    columns: dict[str, pa.Column] = {}
    for name in columns_of(kind):
        checks: list[pa.Check] = []
        if name in VOCABULARIES:
            words = VOCABULARIES[name]
            advice = f"Correct it, or leave it empty. {_ADVICE.get(name, '')}".strip()
            checks = [pa.Check.isin(words, error=f"must be one of {', '.join(words)}|{advice}")]
        elif name == "n":
            checks = [
                pa.Check.ge(0, error="must be 0 or more|n is how many events the row stands for."),
                pa.Check(lambda s: s % 1 == 0, error="must be a whole number|n counts events; weights are not counts."),
            ]
        elif name == "capacity":
            checks = [pa.Check.ge(0, error="must be 0 or more|Give the people a week the service can see.")]
        empty = name not in REQUIRED[kind] and name != "n"
        columns[name] = pa.Column(required=name in REQUIRED[kind], nullable=empty, checks=checks)
    return pa.DataFrameSchema(columns, strict=False)
