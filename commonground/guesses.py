"""Which column of a partner's file is probably which of ours, judged by its name alone?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commonground import tripwire
from commonground.formats.mps import BOROUGH_NAMES, OFFENCE_NAMES
from commonground.formats.police_uk import COLUMNS as POLICE_UK
from commonground.records.dates import parse_dates
from commonground.records.schemas import columns_of

__all__ = ["Guess", "guess_area_columns", "guess_columns", "guess_format", "looks_like_a_record"]

_THING = "(?:contact|incident|offence|crime|event|arrest|session|visit|report|attack|occurrence|case|custody|log)"
_WHO = "(?:client|person|member|victim|service user|user|patient|nominal|individual|participant|suspect|detainee)"
_PLACE = "(?:location|premises|place|address|site|venue|property|building|street)"
_REF = "(?:id|ids|ref|refs|reference|code|number|no|key|urn)"
_CODE = "(?:cd|code|id|ref)"
# Our column -> patterns of theirs, best first, matched against the whole name in small letters without punctuation.
# Names, dates of birth, addresses, telephone numbers and notes are in none of them, on purpose.
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "start": (
        r"start|(?:start|from) (?:date|time|datetime)|date from|(?:happened|occurred|committed) from|from",
        rf"{_THING} (?:date|datetime|date time|date and time|day)|date (?:of )?(?:the )?{_THING}|date seen",
        r"date|datetime|date time|date and time|day|when|month",
        r"(?:arrested|happened|occurred|committed|contacted|seen)(?: on| at| when)?",
    ),
    "end": (r"end|(?:end|to) (?:date|time|datetime)|date to|(?:happened|occurred|committed) to|to|until",),
    "area": (
        rf"(?:lsoa|msoa|oa|ward|wd|lad)(?: ?\d\d)? ?{_CODE}|(?:small |beat |output |lower )?area {_CODE}|small area",
        r"lsoa(?: ?\d\d)?|msoa(?: ?\d\d)?|output area|area|beat area|beat(?: code)?|ward|borough|neighbourhood|sector",
    ),
    "x": (r"(?:os |bng |grid )?easting|eastings|grid (?:e|x)|x(?: coord(?:inate)?)?|e", r"longitude|long|lon|lng"),
    "y": (r"(?:os |bng |grid )?northing|northings|grid (?:n|y)|y(?: coord(?:inate)?)?|n", r"latitude|lat"),
    "person": (rf"(?:unique )?{_WHO} {_REF}|unique {_REF}", rf"{_WHO}|urn"),
    "premises": (rf"{_PLACE} {_REF}|uprn|usrn", r"premises"),
    "event": (rf"{_THING} {_REF}", r"session|event"),
    "setting": (r"(?:work |working |victim )?setting|where (?:they|people|she|he) works?|location type",),
    "group": (r"gender|sex|group|gender identity|gender group",),
    "service": (r"service|team|project|service name",),
    "mode": (r"how contacted|(?:mode|method|type) of contact|contact (?:mode|method|type)|mode",),
    "issues": (r"issues?(?: raised| discussed)?|needs?(?: raised| identified)?|concerns?|topics?",),
    "consent": (r"consent(?: given| level| stage)?|shared? with (?:the )?police|police consent",),
    "offence": (r"(?:offence|crime|incident|attack)(?: type| category)?|type of \w+", r"type|category"),
    "role": (r"role|offence role",),
    "outcome": (r"outcome(?: type| category)?|last outcome category|result|disposal|need met|reached",),
    "source": (r"source|agency|scheme|force|reported by|organisation|partner|data provider",),
    "n": (r"n|count|number of \w+",),
    "name": (r"name|service(?: name)?|organisation|provider|project",),
    "hours": (r"open|opening (?:hours|times)|hours|when open|open hours",),
    "capacity": (r"capacity|places(?: (?:a|per) week)?|people (?:a|per) week",),
    "eligibility": (r"eligibility|who for|for whom|open to|client group|eligible",),
    "languages": (r"languages?(?: spoken)?",),
}
# A list of services names its kind of help in `service`; there, "Service" is the name of the place.
OF_SERVICES = {"service": (r"type of (?:help|service|support)|service type|kind|type|category|help",)}
GROUPS: Mapping[str, str] = {
    "group_language": r"(?:first |main |preferred )?language",
    "group_ethnicity": r"ethnicity|ethnic group|ethnic background",
    "group_nationality": r"nationality|country of (?:birth|origin)",
    "group_age": r"age(?: group| band| range)",
}
AREA_PATTERNS: Mapping[str, tuple[str, ...]] = {
    "code": (rf"(?:area )?{_CODE}|\w+ {_CODE}|[a-z]+ ?\d\dcd", r"gss \w+|name"),
    "name": (r"(?:area )?(?:name|nm)|\w+ (?:name|nm)|[a-z]+ ?\d\dnm",),
    # Addresses first: the gate's fewest-addresses rule is laxer when it is given residents.
    "population": (r"addresses|households", r"population|residents|usual residents|all people|pop"),
}
SYSTEMS = {"easting": "EPSG:27700", "longitude": "EPSG:4326"}


@dataclass(frozen=True)
class Guess:
    """What the names of a file's columns suggest.

    Parameters
    ----------
    columns : dict
        {ours: theirs}.
    groups : dict
        Attributes of people that may be taken in where the question needs them.
    crs : str or None
        Of x and y, when their names tell.
    unused : tuple of str
        Names that were not recognised; empty when none was, for then they may not be names at all.
    """

    columns: Mapping[str, str]
    groups: Mapping[str, str]
    crs: str | None
    unused: tuple[str, ...]


def guess_columns(names: Sequence[str], kind: str) -> Guess:
    """Match the column names of a file with ours.

    Parameters
    ----------
    names : sequence of str
    kind : {'contacts', 'incidents', 'arrests', 'services'}

    Examples
    --------
    >>> guess_columns(["Contact date", "LSOA", "Client ID", "Notes"], "contacts").columns
    {'start': 'Contact date', 'area': 'LSOA', 'person': 'Client ID'}
    """
    patterns = {**PATTERNS, **(OF_SERVICES if kind == "services" else {})}
    plain = {name: _plain(name) for name in names}
    found = _match(plain, {ours: patterns[ours] for ours in columns_of(kind)})
    if not {"x", "y"} <= set(found):
        found = _match(plain, {ours: patterns[ours] for ours in columns_of(kind) if ours not in ("x", "y")})
    rest = {name: text for name, text in plain.items() if name not in found.values()}
    groups = {} if kind == "services" else _match(rest, {ours: (pattern,) for ours, pattern in GROUPS.items()})
    unused = tuple(name for name in rest if name not in groups.values()) if found else ()
    return Guess(found, groups, _system(plain.get(found.get("x", ""), "")), unused)


def guess_area_columns(names: Sequence[str]) -> dict[str, str]:
    """Match the column names of an areas file with code, name and population."""
    return _match({name: _plain(name) for name in names}, AREA_PATTERNS)


def guess_format(names: Sequence[str]) -> str:
    """Tell a published layout that is read without a mapping from any other table.

    Examples
    --------
    >>> guess_format(["Contact date", "LSOA"])
    'table'
    """
    if set(POLICE_UK) <= set(names):
        return "police_uk"
    joined = {re.sub(r"[\s_]", "", name).casefold() for name in names}
    return "mps_boroughs" if joined & set(OFFENCE_NAMES) and joined & set(BOROUGH_NAMES) else "table"


def looks_like_a_record(names: Sequence[str]) -> bool:
    """Say whether the "names" are somebody's record: a file without a header.

    Examples
    --------
    >>> looks_like_a_record(["01/02/2022", "K7Q2M9", "street"])
    True
    """
    texts = pd.Series(list(names), dtype="str")
    dated = parse_dates(texts, "Europe/London")[0].notna()
    return bool(dated.any() or pd.to_numeric(texts, errors="coerce").notna().any() or tripwire.scan(texts))


def _match(plain: Mapping[str, str], patterns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give each of our columns the first of theirs that fits its best pattern; each of theirs is given once."""
    found: dict[str, str] = {}
    for ours, choices in patterns.items():
        for pattern in choices:
            fits = [n for n, text in plain.items() if n not in found.values() and re.fullmatch(pattern, text)]
            if fits:
                found[ours] = fits[0]
                break
    return found


def _plain(name: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z0-9]+", " ", apart.casefold()).strip()


def _system(x: str) -> str | None:
    if re.fullmatch(PATTERNS["x"][1], x):
        return SYSTEMS["longitude"]
    return SYSTEMS["easting"] if "easting" in x or x in ("grid e", "e") else None
