"""Which column of a partner's file is which of ours?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from commonground.errors import Problem
from commonground.records.schemas import REQUIRED, columns_of

__all__ = ["guess_columns", "match_columns"]

GROUP = re.compile(r"group_[a-z0-9_]+")
# Headers seen in partners' files that can mean nothing else. What several could mean ("type", "location") is not here.
ALIASES = {
    "start": ("date", "contact_date", "incident_date", "offence_date", "arrest_date", "date_of_contact",
              "date_of_incident", "date_of_offence", "date_of_arrest", "start_date", "date_from", "from_date",
              "happened_from", "arrested", "month"),
    "end": ("end_date", "date_to", "to_date", "happened_to"),
    "area": ("area_code", "lsoa", "lsoa_code", "lsoa11cd", "lsoa21cd", "msoa", "msoa_code", "msoa11cd", "msoa21cd",
             "small_area", "beat_area", "borough", "ward_code"),
    "service": ("service_type", "type_of_service", "type_of_help"),
    "name": ("service_name", "service"),
    "capacity": ("places_a_week",),
    "x": ("easting", "eastings", "grid_e", "longitude", "lon", "long", "lng"),
    "y": ("northing", "northings", "grid_n", "latitude", "lat"),
    "person": ("person_id", "client_id", "client_ref", "victim_id", "victim_ref", "member_code", "nominal"),
    "premises": ("premises_id", "premises_ref", "location_ref", "address_ref", "place_code", "uprn"),
    "event": ("event_id", "session", "session_id", "incident_id", "incident_no", "crime_id", "crime_no", "report_no",
              "custody_no", "arrest_no"),
    "setting": ("work_setting", "where_they_work", "victim_setting"),
    "group": ("gender", "sex"),
    "source": ("agency", "force", "scheme"),
    "mode": ("contact_mode", "how_contacted"),
    "issues": ("issues_raised", "needs"),
    "consent": ("consent_stage", "share_with_police"),
    "offence": ("offence_type", "crime_type"),
    "outcome": ("result", "disposal"),
    "hours": ("open", "opening_hours"),
    "eligibility": ("who_for", "eligible"),
    "languages": ("language", "languages_offered"),
    "n": ("count", "number_of_events"),
}  # fmt: skip


def guess_columns(names: Iterable[str], kind: str) -> dict[str, str]:
    """Guess which of a file's columns is which of ours, for a person to check.

    Parameters
    ----------
    names : iterable of str
        The file's headers.
    kind : {'contacts', 'incidents', 'arrests', 'services'}

    Returns
    -------
    dict
        ``{ours: theirs}``, in our order. A column that two headers could be is left out, as is a header nobody knows.

    Examples
    --------
    >>> guess_columns(["Contact date", "Area code", "Notes", "Client ID"], "contacts")
    {'start': 'Contact date', 'area': 'Area code', 'person': 'Client ID'}
    """
    plain = _by_plain_name(names)
    guessed: dict[str, str] = {}
    for ours in columns_of(kind):
        own = plain.get(ours, [])
        other = [theirs for alias in ALIASES.get(ours, ()) for theirs in plain.get(alias, [])]
        if ours == "service" and kind == "services":  # "Service" beside "Type of help" is the service's name
            own, other = other, own
        known = [theirs for theirs in own or other if theirs not in guessed.values()]
        if len(known) == 1:
            guessed[ours] = known[0]
    return guessed | _groups(plain, kind)


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
    guessed = guess_columns(present, kind)
    for name in REQUIRED[kind]:
        if name not in mapping:
            theirs = guessed.get(name, "...")
            advice = f'Say which column it is: columns={{"{name}": "{theirs}"}}.'
            problems.append(Problem(None, name, "is needed", advice))
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
