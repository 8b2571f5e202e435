"""Answers: does a column of text carry something that points to a person or a place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["KINDS", "find_kinds", "is_nhs_number", "kinds_in", "scan"]

KINDS = ("phone", "postcode", "NINO", "NHS number", "e-mail", "vehicle mark", "coordinates")

# The 124 postcode areas (Royal Mail; BX, GIR, XX and overseas are not addresses).
_AREAS = (
    "AB|AL|B|BA|BB|BD|BH|BL|BN|BR|BS|BT|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT|DY|E|EC|EH|EN|EX|FK|FY|G|"
    "GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|L|LA|LD|LE|LL|LN|LS|LU|M|ME|MK|ML|N|NE|NG|NN|NP|NR|NW|"
    "OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|S|SA|SE|SG|SK|SL|SM|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|W|WA|WC|WD|"
    "WF|WN|WR|WS|WV|YO|ZE"
)
# Not inside a longer word, number, colour (#B123DD), file name or base64 text.
_START, _END = r"(?<![\w#.+/=-])", r"(?![\w+/=]|[.-]\d)"

_PHONE = re.compile(
    # 01/02/03/07/08 and +44 numbers of 10 or 11 digits (Ofcom, National Telephone Numbering Plan), grouped or not
    r"(?<![\w.+#/-])(?:(?:\+|00)44[ -]?(?:\(0\)[ -]?)?|\(?0)"
    r"(?:7\d{3}\)?[ -]?\d{3}[ -]?\d{3}|2\d\)?[ -]?\d{4}[ -]?\d{4}|(?:11\d|1\d1|3\d\d|8\d\d)\)?[ -]?\d{3}[ -]?\d{4}|"
    r"1\d{3}\)?[ -]?\d{3}[ -]?\d{2,3})(?![\w/]|[.-]\d)"
)
# Inward letters leave out C I K M O V, so an SVG path ("M10 5ZM") is never one (Royal Mail PAF guide). Five characters
# without a space ("M68HD") look like many an organisation code and are left alone.
_INWARD = "[ABD-HJLNP-UW-Z]{2}"
_POSTCODE = re.compile(
    rf"{_START}(?:{_AREAS})(?:(?:\d\d|\d[A-HJKPSTUWX-Y])[ ]?|\d[ ]|\d(?<=[A-Z][A-Z]\d))\d{_INWARD}{_END}|"
    rf"{_START}(?i:(?:{_AREAS})(?:\d{{1,2}}|\d[A-HJKPSTUWX-Y])[ ]\d(?!st|nd|rd|th){_INWARD}){_END}"
)
# HMRC, National Insurance Manual NIM39110: letters and prefixes never used.
_NINO = re.compile(
    rf"{_START}(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ ]?\d\d[ ]?\d\d[ ]?\d\d[ ]?[A-D]{_END}",
    re.IGNORECASE,
)
_TEN_DIGITS = re.compile(rf"{_START}(\d{{3}}([ -]?)\d{{3}}\2\d{{4}}){_END}")
_EMAIL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]+@(?:[A-Za-z0-9-]+\.)+(?!(?:png|jpe?g|gif|svg|webp|m?js|css|json|html?|map)\b)[A-Za-z]{2,}\b"
)
# DVLA INF104: area letters, age identifier 02-29 or 51-79, three letters without I and Q.
# All capitals, or small letters without a space: "FY20 the" is neither.
_AGE = r"(?:0[2-9]|[12]\d|5[1-9]|[67]\d)"
_MARK = re.compile(
    rf"{_START}(?:(?!FY\d\d )[A-HJ-PR-Y]{{2}}{_AGE}[ ]?[A-HJ-PR-Z]{{3}}|[a-hj-pr-y]{{2}}{_AGE}[a-hj-pr-z]{{3}}){_END}"
)
# Older styles (A123 ABC, ABC 123A) look like road and category codes: they count when most of a column is like that.
_OLD_MARK = re.compile(r"^(?:[A-HJ-NP-Y]\d{1,3}[ ]?[A-HJ-PR-Y]{3}|[A-HJ-PR-Y]{3}[ ]?\d{1,3}[A-HJ-NP-Y])$", re.MULTILINE)
_APART = r"(?:°?[NSEW]|°[ ][NSEW]|°)?(?:[ ]?[,;/][ ]?|[ ])"
_LATITUDE = re.compile(
    # a latitude and longitude of the British Isles with three decimals (about 100 m) or more, in either order
    # (two columns of a printed table stand further apart than one space)
    rf"(?<![\w.])(?:(?:49|5\d|60)\.\d{{3,}}{_APART}-?[0-8]\.\d{{3,}}|-?[0-8]\.\d{{3,}}{_APART}(?:49|5\d|60)\.\d{{3,}})(?!\w|\.\d)"
)
# National Grid letters with eight figures (10 m) or more, or spaced groups; "SE012345" stays a code.
_GRID = re.compile(r"(?<!\w)[HNOST][A-HJ-Z](?:\d{8}|\d{10}|[ ]\d{3}[ ]\d{3}|[ ]?\d{4}[ ]\d{4}|[ ]?\d{5}[ ]\d{5})(?!\w)")
_EASTING = re.compile(r"(?<![\w.£$€,])[1-6]\d{5}(?:\.\d+)?[ ]?,[ ]?\d{5,7}(?:\.\d+)?(?![\w,]|\.\d)")
_THREE_WORDS = re.compile(r"///[a-z]{3,}\.[a-z]{3,}\.[a-z]{3,}")
# Each pattern with a quicker one led by a digit or a rare character. Every match contains the quick match and reaches
# at most so many characters before and after it, so only those places are looked at closely.
_RULES = (
    ("phone", re.compile(r"(?:0|\+44)[ ()0-]{0,5}[12378]\d[\d() -]{6,12}"), 6, 9, _PHONE),
    ("postcode", re.compile(r"\d[A-Za-z]{2}(?!\w)"), 6, 3, _POSTCODE),
    ("NINO", re.compile(r"\d\d[ ]?[A-Da-d](?!\w)"), 10, 3, _NINO),
    ("e-mail", re.compile("@"), 80, 80, _EMAIL),
    ("vehicle mark", re.compile(r"\d\d[ ]?[A-Za-z]{3}(?!\w)"), 3, 3, _MARK),
    ("coordinates", re.compile(r"\.\d{3,}[^.\n-]{1,6}-?\d"), 4, 20, _LATITUDE),
    ("coordinates", re.compile(r"[HNOST][A-HJ-Z][ ]?\d{3}[ ]?\d"), 1, 10, _GRID),
    ("coordinates", re.compile(r"\d[ ]?,[ ]?\d{5}"), 20, 20, _EASTING),
    ("coordinates", re.compile("///"), 0, 60, _THREE_WORDS),
)
_TEN_HINT = re.compile(r"\d{3}[ -]?\d{3}[ -]?\d{4}")
# One pass in linear time (RE2, no lookaround) over a column drops the texts in which no pattern can match.
_PERHAPS = (
    r"@[\w.-]*\.|///[a-z]|[HNOST][A-HJ-Z][ ]?\d{3}[ ]?\d|\.\d{3,}[^.-]{1,6}-?\d|\d[ ]?,[ ]?\d{5}|"
    r"\d{3}[ -]?\d{3}[ -]?\d{4}|(?:0|44)[ ()-]{0,3}(?:\d[ ()-]{0,2}){8}\d|"
    r"(?i:[A-Z]\d[A-Z\d]? ?\d[A-Z]{2}\b|[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]\b|[A-Z]\d{1,3} ?[A-Z]{3}\b|"
    r"\b[A-Z]{3} ?\d{1,3}[A-Z]\b)"
)
# England and Wales 4, 6, 7; test numbers 9; Northern Ireland 32 to 39; Scotland starts with a day and a month. Seconds
# since 1970 mostly do not.
_ISSUED = re.compile(r"[4679]|3[2-9]|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])")
_ZERO_LOST = re.compile(r"^7\d{9}(?:\.0)?$", re.MULTILINE)  # a mobile number read as a number


def scan(series: pd.Series) -> set[str]:
    """Name the kinds of identifying text found in a column.

    Each different value is looked at once. A kind is named when one value carries it; ten-digit numbers count as NHS
    numbers when at least half of the different ones pass the check digit (by chance one in eleven does).

    Parameters
    ----------
    series : pandas.Series
        Any column; missing values are passed over.

    Returns
    -------
    set of str
        A subset of `KINDS`; empty when nothing was found. The values themselves are never returned.

    Notes
    -----
    Fails to see: names, addresses in words, numbers written in words, and foreign telephone numbers.

    Examples
    --------
    >>> scan(pd.Series(["street", "call 07700 900123"]))
    {'phone'}
    >>> scan(pd.Series(["E01006651", "2019-03-01", "Violence and sexual offences", "£1,200.50"]))
    set()
    """
    values = series.dropna().unique()
    texts = pa.array([str(value) for value in values], type=pa.large_string())
    text = "\n".join(texts.filter(pc.match_substring_regex(texts, _PERHAPS)).to_pylist())
    found = kinds_in(text)
    if 2 * len(_OLD_MARK.findall(text)) > len(values):
        found.add("vehicle mark")
    if pd.api.types.is_numeric_dtype(series) and 2 * len(_ZERO_LOST.findall(text)) > len(values):
        found.add("phone")
    return found


def kinds_in(text: str) -> set[str]:
    """Name the kinds of identifying text found in a piece of text.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    set of str
        A subset of `KINDS`.

    Examples
    --------
    >>> sorted(kinds_in("write to a.person@example.org or SW1A 1AA"))
    ['e-mail', 'postcode']
    """
    return {kind for kind, _ in find_kinds(text)}


def find_kinds(text: str, *, coordinates: bool = True) -> Iterator[tuple[str, int]]:
    """Yield each kind found in a text with the offset at which it starts, once for each match.

    Parameters
    ----------
    text : str
        Any text.
    coordinates : bool
        Whether to look for coordinates; scripts hold too many numbers for it.

    Yields
    ------
    kind : str
        One of `KINDS`.
    offset : int
        Where the match starts.
    """
    for kind, hint, before, after, pattern in _RULES:
        if kind == "coordinates" and not coordinates:
            continue
        yield from ((kind, match.start()) for match in _matches(text, hint, before, after, pattern))
    numbers = {re.sub("[ -]", "", match[0]): match.start() for match in _matches(text, _TEN_HINT, 0, 3, _TEN_DIGITS)}
    passing = [start for digits, start in numbers.items() if is_nhs_number(digits) and _ISSUED.match(digits)]
    if passing and 2 * len(passing) >= len(numbers):
        yield from (("NHS number", start) for start in passing)


def is_nhs_number(digits: str) -> bool:
    """Check ten digits against the NHS number's check digit.

    Parameters
    ----------
    digits : str
        Ten digits.

    Returns
    -------
    bool
        True when the weighted sum of the first nine (weights 10 to 2) gives the tenth, modulo 11.

    Notes
    -----
    Reference: NHS Data Model and Dictionary, "NHS NUMBER". All digits alike are never issued.

    Examples
    --------
    >>> is_nhs_number("9434765919"), is_nhs_number("9434765918")
    (True, False)
    """
    check = 11 - sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check != 10 and check % 11 == int(digits[9]) and len(set(digits)) > 1


def _matches(
    text: str, hint: re.Pattern[str], before: int, after: int, pattern: re.Pattern[str]
) -> Iterator[re.Match[str]]:
    last = 0
    for place in hint.finditer(text):
        if place.end() <= last:
            continue
        match = pattern.search(text, max(place.start() - before, last), place.end() + after)
        if match:
            last = match.end()
            yield match
