"""Answers: what do machine names, loading addresses, times and hidden payloads look like in text."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from commonground.tripwire import find_kinds

__all__ = [
    "BASE32",
    "BASE64",
    "CALLS",
    "CODED_PLACE",
    "CODES",
    "CODE_ADDRESS",
    "CSS_LOADS",
    "DATA_URI",
    "HEX",
    "LAT_LON",
    "LOADS",
    "MARKER",
    "MARKUP_ADDRESS",
    "NAMESPACE",
    "PATHS",
    "PATH_SIGNS",
    "PLACE_TEXTS",
    "SHORT_BASE64",
    "TIMES",
    "find_kinds",
    "finer_dates",
    "in_british_isles",
    "is_point",
]

# Paths that name an account or a machine. Not inside an address ("example.org/home/page").
PATHS = re.compile(
    r"(?<![\w.])/(?:home|Users|root|tmp|var/folders|mnt|media|srv|private|opt|Volumes)/[\w.~-]+"
    r"|(?<![A-Za-z])[A-Za-z]:\\{1,4}(?:Users|Documents and Settings|Temp|Windows)\\"
    r"|(?<![\\\w])\\\\[A-Za-z0-9][\w.-]+\\[\w$.-]+"
    r"|\bfile:///?\w",
    re.IGNORECASE,
)
# Every path holds one of these, so most texts need no closer look.
PATH_SIGNS = (
    "/home/", "/users/", "/root/", "/tmp/", "/var/folders/", "/mnt/", "/media/", "/srv/", "/private/", "/opt/",
    "/volumes/", ":\\", "\\\\", "file:/",
)  # fmt: skip

_HOST = r"(?:[a-z0-9{}$_-]+\.)+[a-z{}]{2,}|localhost|\d{1,3}(?:\.\d{1,3}){3}"
LOADS = re.compile(rf"\s*(?:(?:https?|wss?|ftp):)?//(?:{_HOST}|\[)", re.IGNORECASE)  # an attribute's value
# Names of XML vocabularies and document types: written like addresses, never fetched.
NAMESPACE = re.compile(
    r"https?://(?:www\.w3\.org/|schemas\.|purl\.org/|ns\.adobe\.com/|creativecommons\.org/ns|web\.resource\.org/cc|"
    r"sodipodi\.sourceforge\.net/|www\.inkscape\.org/namespaces|www\.opengis\.net/|json-schema\.org/)",
    re.IGNORECASE,
)
CSS_LOADS = re.compile(
    r"(?:url|src|image)\(\s*[\"']?\s*((?:https?:)?//[^\s\"')]+)|(?:@import|image-set\()[^;{}\"']*[\"']\s*((?:https?:)?//[^\s\"']+)",
    re.IGNORECASE,
)
# A string that begins with an address may be fetched; one in the middle of a sentence is a citation.
CODE_ADDRESS = re.compile(rf"[\"'`]\s*((?:(?:https?|wss?|ftp):)?//(?:{_HOST})[^\"'`\s]*)", re.IGNORECASE)
MARKUP_ADDRESS = re.compile(r"<a\b[^<>]*\bhref=\\?[\"']?$", re.IGNORECASE)  # a link in a string, before its address
CALLS = re.compile(
    r"\bfetch\s*\(|\bXMLHttpRequest\b|\bnew\s+(?:WebSocket|EventSource)\b|\bsendBeacon\s*\(|\bimportScripts\s*\("
    r"|\bimport\s*\(|\bRTCPeerConnection\b|\bserviceWorker\s*\.\s*register\b"
)

TIMES = {
    "moment": re.compile(
        r"\b\d{4}-\d\d-\d\d[T ](?!00:00(?::00(?:\.0+)?)?(?![\d:.]))\d\d:\d\d|"
        r"\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4},? (?!00:00(?::00)?(?![\d:]))\d{1,2}:\d\d\b"
    ),
    "clock": re.compile(r"(?<![\d:.-])(?:[01]?\d|2[0-3])[:][0-5]\d(?::[0-5]\d)?(?![\d:]|\.\d)(?:\s?[ap]\.?m\b)?"),
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DATES = re.compile(
    r"(?<![\d.-])(?P<y1>\d{4})-(?P<m1>\d\d)-(?P<d1>\d\d)(?![\d-])|"
    r"(?<![\d/.])(?P<d2>\d{1,2})(?P<sep>[/.])(?P<m2>\d{1,2})(?P=sep)(?P<y2>\d{4})(?![\d/])|"
    rf"\b(?P<d3>\d{{1,2}})(?:st|nd|rd|th)? (?P<m3>{'|'.join(_MONTHS)})[a-z]* (?P<y3>\d{{4}})\b",
    re.IGNORECASE,
)

DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w=.+-]+)*),([A-Za-z0-9+/=%_.~!*'()-]*)", re.IGNORECASE)
BASE64 = re.compile(r"(?<![\w+/-])(?:[A-Za-z0-9+/]{24,}|[A-Za-z0-9_-]{24,})={0,2}(?![\w+/=-])")
SHORT_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{6,23}={0,2}(?![\w+/=-])")
BASE32 = re.compile(r"(?<![\w=])[A-Z2-7]{24,}={0,6}(?![\w=])")
HEX = re.compile(r"(?<![\w])(?:(?:[0-9a-fA-F]{2}){12,}|(?:[0-9a-fA-F]{2}[ :]){11,}[0-9a-fA-F]{2})(?!\w)")
CODES = re.compile(r"(?<![\w.,-])(?:\d{2,3}\s*,\s*){7,}\d{2,3}(?![\w.,])")  # of characters

# Drawing calls that put one place on a map, followed by a literal pair.
MARKER = re.compile(
    r"\b(?:marker|circleMarker|circle|Marker|CircleMarker|Circle|LatLng|latLng|Point|lngLat|LngLat|popup|Popup)"
    r"\s*\(\s*\[?\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*,\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
)

# Places in other writing than two numbers with a comma: degrees and minutes, named eastings, plus codes (Open Location
# Code; 9C and 9F hold the British Isles), "geo:" addresses.
PLACE_TEXTS = (
    re.compile(r"\d{1,2}\s?°\s?\d{1,2}\s?['′’]\s?\d{1,2}(?:\.\d+)?\s?(?:\"|″|”|'')?\s?[NSEW]\b"),
    re.compile(r"\be(?:asting)?s?\W{0,3}[1-6]\d{5}(?:\.\d+)?\W{1,4}n(?:orthing)?s?\W{0,3}\d{5,7}\b", re.IGNORECASE),
    re.compile(r"(?<!\w)9[CF][2-9CFGHJMPQRVWX]{6}\+[2-9CFGHJMPQRVWX]{2,3}(?!\w)"),
    re.compile(r"\bgeo:-?\d+\.\d{3,},"),
)
# A whole cell that is a code for a place: H3 (15 hexadecimal digits from 8), geohash of the British Isles from 7 signs.
CODED_PLACE = re.compile(r"8[0-9a-f]{14}|(?:g[bcf]|u[01])(?=[a-z]*\d)[0-9b-hjkmnp-z]{5,10}")
# Names of a latitude and of a longitude, each with its first number, in a script.
LAT_LON = tuple(
    re.compile(rf"\b(?:{name})s?[\"']?\s*[:=]\s*[\[(\"']*\s*(-?\d{{1,2}}\.\d{{3,}})", re.IGNORECASE)
    for name in ("lat|latitude", "lng|lon|long|longitude")
)


def is_point(a: float, b: float) -> bool:
    """Say whether two numbers look like a place in or near the British Isles, in either order.

    Parameters
    ----------
    a, b : float
        Two numbers that stand together.

    Returns
    -------
    bool
        True for degrees with three decimals or more, and for National Grid metres.
    """
    if max(abs(a), abs(b)) <= 180:
        return in_british_isles(a, b) and _fine(a) and _fine(b)
    return in_british_isles(a, b) and not (a % 1000 == 0 and b % 1000 == 0)


def in_british_isles(a: float, b: float) -> bool:
    """Say whether two numbers in either order lie there, as degrees or as National Grid metres, however coarse.

    Parameters
    ----------
    a, b : float
        Two numbers that stand together.

    Returns
    -------
    bool
        True inside latitudes 49 to 61 and longitudes -9 to 2.1, or the grid's easting and northing of land.
    """
    degrees = any(49 <= lat <= 61 and -9 <= lon <= 2.1 for lat, lon in ((a, b), (b, a)))
    metres = any(80_000 <= east <= 660_000 and 5_000 <= north <= 1_220_000 for east, north in ((a, b), (b, a)))
    return degrees or metres


def _fine(number: float) -> bool:
    return abs(number * 100 - round(number * 100)) > 1e-9


def finer_dates(text: str, finest: str, allowed: frozenset[date]) -> Iterator[int]:
    """Yield the offset of each date that is finer than months, quarters or years.

    The first and the last day of a period name the period, so they pass.

    Parameters
    ----------
    text : str
        Any text.
    finest : {"month", "quarter", "year"}
        Finest period that may be named.
    allowed : frozenset of datetime.date
        Days that may be named.

    Yields
    ------
    int
        Offset of the date.
    """
    for match in _DATES.finditer(text):
        part = match.groupdict()
        form = next(i for i in "123" if part[f"y{i}"])
        month = part[f"m{form}"].lower()
        number = _MONTHS.index(month[:3]) + 1 if form == "3" else int(month)
        try:
            day = date(int(part[f"y{form}"]), number, int(part[f"d{form}"]))
        except ValueError:  # 31/02 and version numbers are not dates
            continue
        if day not in allowed and not _bounds_period(day, finest):
            yield match.start()


def _bounds_period(day: date, finest: str) -> bool:
    size = {"month": 1, "quarter": 3, "year": 12}[finest]
    first = day.day == 1 and (day.month - 1) % size == 0
    last = day.day == monthrange(day.year, day.month)[1] and day.month % size == 0
    return first or last
