"""Answers: which parts of what a reader found must not leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import combinations, pairwise
from numbers import Real
from typing import Any

from .expectation import Expectation
from .patterns import CODED_PLACE, is_point
from .pieces import Flag, Piece, Points, Table, Text, join
from .texts import examine_text

__all__ = ["examine"]

_DEGREES_OR_METRES = re.compile(
    r"lat|latitude|lon|lng|long|longitude|(?:grid|os|bng)?[ _]?(?:e|n|eastings?|northings?)|x|y|"
    r"[xy]_?coord(?:inate)?|coord(?:inate)?_?[xy]",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r"geom|geometry|wkt|wkb|coord(?:inate)?s?|grid_?ref(?:erence)?|postcode|uprn|usrn|geohash|h3|s2|quadkey|mgrs|"
    r"plus_?code|w(?:hat)?3w(?:ords)?",
    re.IGNORECASE,
)
_MONTH = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{4}", re.IGNORECASE
)
_MONTH_OR_QUARTER = re.compile(rf"{_MONTH.pattern}|\d{{4}}[ -]?Q[1-4]|Q[1-4] \d{{4}}", re.IGNORECASE)
_FINE = re.compile(r"-?\d{1,2}\.\d{4,}")
_COUNT = re.compile(r"\s*(\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?\s*")


def examine(piece: Piece, expectation: Expectation) -> Iterator[Flag]:
    """Run every check that fits this piece.

    Parameters
    ----------
    piece : Piece
        What a reader found.
    expectation : Expectation
        What may be there.

    Yields
    ------
    Flag
        Place, check and message, never contents; at most ten of a kind in one text.
    """
    if isinstance(piece, Flag):
        yield piece
    elif isinstance(piece, Text):
        yield from examine_text(piece, expectation)
    elif isinstance(piece, Points):
        yield from _points(piece, expectation)
    elif isinstance(piece, Table):
        if piece.fresh:
            yield from _cells(piece, expectation)
        yield from _columns(piece, expectation)
        yield from _months(piece, expectation)


def _points(piece: Points, expectation: Expectation) -> Iterator[Flag]:
    if not (piece.single or expectation.vertices is not None):
        return
    if not all(expectation.shows(x, y) for x, y in piece.pairs):
        what = "A point" if piece.single else "A corner that is not one of the reference boundaries"
        yield Flag(piece.where, "coordinates", f"{what} is here. Show areas, or declare the place as public.")


def _cells(piece: Table, expectation: Expectation) -> Iterator[Flag]:
    """Read the cells as text; a number with a fraction says nothing on its own."""
    headings = [(f"heading {c}", name) for c, name in enumerate(piece.columns or (), start=1)]
    cells = [
        (f"row {r}, column {c}", str(value))
        for r, row in enumerate(piece.rows, start=1)
        for c, value in enumerate(row, start=1)
        if value is not None and not (isinstance(value, float) and not value.is_integer())
    ]
    yield from examine_text(join(piece.where, "data", headings + cells), expectation)


def _columns(piece: Table, expectation: Expectation) -> Iterator[Flag]:
    counted = {_plain(name) for name in expectation.count_columns}
    declared = None if expectation.columns is None else {_plain(name) for name in expectation.columns}
    for c, name in enumerate(piece.columns or ()):
        where = f"{piece.where}, column {c + 1}".lstrip(", ")
        if piece.declared and declared is not None and _plain(name) and _plain(name) not in declared:
            yield Flag(where, "undeclared column", "This column is not declared. Declare it or leave it out.")
        if piece.declared and _PLACES.fullmatch(name.strip()) and expectation.vertices is None:
            yield Flag(where, "coordinates", "A column of places is here. Show areas instead.")
        values = [row[c] for row in piece.rows if c < len(row)]
        if piece.declared and any(isinstance(value, str) and CODED_PLACE.fullmatch(value.strip()) for value in values):
            yield Flag(where, "coordinates", "Codes of places finer than any area are here. Show areas instead.")
        if _plain(name) in counted and any(0 < count < expectation.k for count in map(_count, values)):
            message = "A count below the smallest that may be shown is here. Publish the protected values."
            yield Flag(where, "small number", message)
    if piece.declared and not all(expectation.shows(x, y) for x, y in (*_pairs(piece), *_unnamed_pairs(piece))):
        message = "Columns of coordinates are here. Show areas, or declare the places as public."
        yield Flag(piece.where, "coordinates", message)


def _months(piece: Table, expectation: Expectation) -> Iterator[Flag]:
    """Find counts by the month where only longer periods may be shown."""
    counted = {_plain(name) for name in expectation.count_columns}
    if expectation.finest_time not in ("quarter", "year") or not counted & {
        _plain(name) for name in piece.columns or ()
    }:
        return
    finer = _MONTH if expectation.finest_time == "quarter" else _MONTH_OR_QUARTER
    for c in range(len(piece.columns or ())):
        if any(c < len(row) and isinstance(row[c], str) and finer.fullmatch(row[c].strip()) for row in piece.rows):
            where = f"{piece.where}, column {c + 1}".lstrip(", ")
            yield Flag(
                where, "time", f"Counts by a period shorter than the {expectation.finest_time} are here. Join them."
            )


def _pairs(piece: Table) -> Iterator[tuple[float, float]]:
    """Yield the pairs of two columns named as coordinates that look like places."""
    at = [c for c, name in enumerate(piece.columns or ()) if _DEGREES_OR_METRES.fullmatch(name.strip())]
    for first, second in pairwise(at):
        for row in piece.rows:
            pair = _numbers(row, first, second)
            if pair and is_point(*pair):
                yield pair


def _unnamed_pairs(piece: Table) -> Iterator[tuple[float, float]]:
    """Yield the pairs of two columns of any name that hold nothing but places: degrees at four decimals or more."""
    fine: dict[int, list[tuple[int, float]]] = {}
    for r, row in enumerate(piece.rows):
        for c, value in enumerate(row):
            if value is not None and _FINE.fullmatch(str(value)):
                fine.setdefault(c, []).append((r, float(value)))
    for one, other in combinations(fine, 2):
        beside = dict(fine[other])
        pairs = [(value, beside[r]) for r, value in fine[one] if r in beside]
        if pairs and all(is_point(*pair) for pair in pairs):
            yield from pairs


def _numbers(row: Sequence[Any], first: int, second: int) -> tuple[float, float] | None:
    try:
        return float(row[first]), float(row[second])
    except (IndexError, TypeError, ValueError):
        return None


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def _count(value: object) -> int:
    """Return a whole number however it is written, and 0 for anything else."""
    if isinstance(value, bool):
        return 0
    if isinstance(value, Real | Decimal):
        number = float(value)
        return int(number) if number.is_integer() else 0
    match = _COUNT.fullmatch(value) if isinstance(value, str) else None
    return int(match[1].replace(",", "")) if match else 0
