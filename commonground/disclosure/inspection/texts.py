"""Answers: does a piece of text hold something that must not leave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from .decoding import short_texts, unescape, variants
from .expectation import Expectation
from .patterns import (
    CALLS,
    CODE_ADDRESS,
    CSS_LOADS,
    LAT_LON,
    MARKER,
    MARKUP_ADDRESS,
    NAMESPACE,
    PATH_SIGNS,
    PATHS,
    PLACE_TEXTS,
    TIMES,
    find_kinds,
    finer_dates,
    is_point,
)
from .pieces import Flag, Text

__all__ = ["examine_text"]

MOST_EACH = 10  # findings of one kind in one part of a file; more would only repeat

# Names under which a script keeps an address for the reader; nothing is fetched from it.
CITED = re.compile(
    r"[\"']?(?:\$?schema|about|attribution|citation|credit|doi|documentation|homepage|licen[cs]e|publisher|reference|"
    r"source|website|xmlns)[\"']?\s*[:=]\s*\[?\s*$",
    re.IGNORECASE,
)
TOOLS = frozenset(
    {"", "openpyxl", "xlsxwriter", "gptables", "pandas", "microsoft excel", "libreoffice", "common ground"}
)
_WORDS = {
    "phone": "A telephone number",
    "postcode": "A postcode",
    "NINO": "A National Insurance number",
    "NHS number": "An NHS number",
    "e-mail": "An e-mail address",
    "vehicle mark": "A vehicle's registration mark",
    "coordinates": "A pair of coordinates",
}
_WKT = re.compile(r"\b(MULTI)?(POINT|LINESTRING|POLYGON)\s*(?:Z|M|ZM)?\s*\([\d\s.,()e+-]+\)", re.IGNORECASE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)", re.MULTILINE | re.DOTALL)  # of a line of its own; nothing runs
_PAIR = re.compile(r"(-?\d+\.?\d*(?:e-?\d+)?)[\s,;/]+(-?\d+\.?\d*(?:e-?\d+)?)", re.IGNORECASE)


def _flags(piece: Text, check: str, message: str, offsets: Iterable[int]) -> Iterator[Flag]:
    places = dict.fromkeys(piece.place(offset) for offset in islice(offsets, MOST_EACH))
    yield from (Flag(place, check, message) for place in places)


def examine_text(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    """Run the checks that fit the role of a text.

    Parameters
    ----------
    piece : Text
        A text and its role.
    expectation : Expectation
        What may be there.

    Yields
    ------
    Flag
        Place, check and message; at most ten places of a kind.
    """
    yield from _raw_values(piece, expectation)
    if piece.role == "raw":
        return
    text = _blank(next(variants(piece.text)), expectation.allowed)
    clean = Text(piece.where, text, piece.role, piece.places)
    for form in _forms(clean):
        yield from _personal(form, expectation)
    yield from _other_places(clean, expectation)
    yield from _machine(clean, expectation)
    if piece.role in ("prose", "data"):
        yield from _times(clean, expectation)
        yield from _wkt(clean, expectation)
    elif piece.role == "code":
        yield from _code(clean, expectation)
    elif piece.role == "style":
        for said in dict.fromkeys(variants(text)):
            found = (m.start() for m in CSS_LOADS.finditer(said) if not NAMESPACE.match(m[1] or m[2]))
            message = "A style loads something from elsewhere. Put it into the file."
            yield from _flags(Text(clean.where, said, "style"), "external address", message, found)
    elif piece.role == "metadata" and not expectation.made:
        yield from _dates(clean, expectation)


def _forms(piece: Text) -> Iterator[Text]:
    """Yield a text as it stands and, of what people read, with every kind of escape undone."""
    yield piece
    if piece.role in ("prose", "data", "style"):
        for text in dict.fromkeys(variants(piece.text)):
            if text != piece.text:
                yield Text(piece.where, text, piece.role, _places(piece, text))


def _places(piece: Text, text: str) -> Sequence[str] | None:
    """Return where the lines come from, unless undoing escapes has made other lines."""
    return piece.places if text.count("\n") == piece.text.count("\n") else None


def _raw_values(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    """Search a whole text with its escapes undone, and parts once more as a reader sees them: without the markup."""
    if piece.role in ("code", "style"):  # stands word for word in the whole text
        return
    for text in variants(piece.text) if piece.role == "raw" else (piece.text,):
        found = expectation.needles.find(text)
        message = "A value of the live data is here. Remove it; if it is public, declare it so."
        yield from _flags(Text(piece.where, text, piece.role, _places(piece, text)), "raw value", message, found)
    if piece.role == "raw" and expectation.needles and expectation.needles.found(short_texts(piece.text)):
        yield Flag(piece.where, "raw value", "A value of the live data is here in base64. Remove it.")


def _blank(text: str, allowed: Iterable[str]) -> str:
    for phrase in sorted(allowed, key=len, reverse=True):
        text = text.replace(phrase, " " * len(phrase))
    return text


def _personal(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    found: dict[str, list[int]] = {}
    numbers = piece.role in ("code", "style")  # pairs of numbers in scripts are read one by one
    for kind, offset in find_kinds(piece.text, coordinates=not numbers):
        if kind == "coordinates":
            pair = _PAIR.match(piece.text, offset)
            if pair and expectation.shows(float(pair[1]), float(pair[2])):
                continue
        found.setdefault(kind, []).append(offset)
    for kind, offsets in found.items():
        check = "coordinates" if kind == "coordinates" else "personal data"
        message = f"{_WORDS[kind]} seems to be here. Remove it; if it is public, allow that exact phrase."
        yield from _flags(piece, check, message, offsets)


def _other_places(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    """Find places that are written as degrees and minutes, named metres, codes, or two lists of a script."""
    found = sorted(match.start() for pattern in PLACE_TEXTS for match in pattern.finditer(piece.text))
    message = "A place is written here. Show areas, or declare the place as public."
    yield from _flags(piece, "coordinates", message, found)
    if piece.role != "code":
        return
    lat, lon = (pattern.search(piece.text) for pattern in LAT_LON)
    if lat and lon and is_point(float(lat[1]), float(lon[1])) and not expectation.shows(float(lon[1]), float(lat[1])):
        yield Flag(piece.place(lat.start()), "coordinates", message)


def _machine(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    if piece.role == "author" and piece.text.strip().lower() not in TOOLS:
        yield Flag(piece.where, "machine", "Document properties name a person or an organisation. Empty them.")
    low = piece.text.lower()
    likely = piece.text if any(sign in low for sign in PATH_SIGNS) else ""
    found = (match.start() for match in PATHS.finditer(likely))
    yield from _flags(piece, "machine", "A path on a computer is here. Remove it.", found)
    if expectation.names:
        names = "|".join(map(re.escape, sorted(expectation.names)))
        here = (m.start() for m in re.finditer(rf"(?<![\w]){'(?:' + names + ')'}(?!\w)", piece.text, re.IGNORECASE))
        yield from _flags(piece, "machine", "The name of an account or a computer is here. Remove it.", here)


def _times(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    yield from _dates(piece, expectation)
    if expectation.finest_time is None:
        return
    clocks = (match.start() for match in TIMES["clock"].finditer(piece.text))
    yield from _flags(piece, "time", "A time of day is here. Remove it, or allow that exact phrase.", clocks)


def _dates(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    moments = (match.start() for match in TIMES["moment"].finditer(piece.text))
    yield from _flags(piece, "time", "A date with a time of day is here. Show the period only.", moments)
    if expectation.finest_time is None:
        return
    message = f"A date finer than the {expectation.finest_time} is here. Show the period only."
    found = finer_dates(piece.text, expectation.finest_time, expectation.dates)
    yield from _flags(piece, "time", message, found)


def _wkt(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    for match in islice(_WKT.finditer(piece.text), MOST_EACH):
        pairs = [(float(x), float(y)) for x, y in _PAIR.findall(match[0])]
        single = match[2].upper() == "POINT"
        if (single or expectation.vertices is not None) and not all(expectation.shows(*pair) for pair in pairs):
            message = "A geometry written as text holds places that are not corners of the reference boundaries."
            yield Flag(piece.place(match.start()), "coordinates", message)


def _code(piece: Text, expectation: Expectation) -> Iterator[Flag]:
    text = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), unescape(piece.text))
    same = Text(piece.where, text, "code", piece.places)
    loads = []
    for match in CODE_ADDRESS.finditer(text):
        before = text[max(match.start() - 200, 0) : match.start() + 1]
        if NAMESPACE.match(match[1]) or MARKUP_ADDRESS.search(before):
            continue
        if CITED.search(before[:-1]) and "{" not in match[1]:
            continue
        loads.append(match.start())
    message = "A script names an address it can load from. Put what it needs into the file."
    yield from _flags(same, "external address", message, loads)
    styles = (m.start() for m in CSS_LOADS.finditer(text) if not NAMESPACE.match(m[1] or m[2]))
    yield from _flags(same, "external address", "A style in a script loads something from elsewhere.", styles)
    calls = (match.start() for match in CALLS.finditer(text))
    yield from _flags(same, "external address", "A script can send or fetch data. Remove the call.", calls)
    pairs = ((match.start(), float(match[1]), float(match[2])) for match in MARKER.finditer(text))
    points = (start for start, a, b in pairs if is_point(a, b) and not expectation.shows(a, b))
    yield from _flags(
        same, "coordinates", "A script draws a point. Show areas, or declare the place as public.", points
    )
