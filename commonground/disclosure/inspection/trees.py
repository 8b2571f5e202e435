"""Answers: what is in JSON or GeoJSON, and in the data inside a script."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from .decoding import decode
from .patterns import is_point
from .pieces import Bytes, Flag, Piece, Points, Table, Text, join

__all__ = ["fragments", "read_json"]

_POINTS = frozenset({"Point", "MultiPoint"})
_SHAPES = frozenset({"LineString", "MultiLineString", "Polygon", "MultiPolygon"})
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z_-]{0,30}")
_VIEW = re.compile(r"cent(?:re|er)|view|bounds|bbox|extent|origin", re.IGNORECASE)
_LATITUDE = re.compile(r"lat(?:itude)?s?(?:_?e[567])?|northings?|n|y", re.IGNORECASE)
_LONGITUDE = re.compile(r"(?:lon|lng|long|longitude)s?(?:_?e[567])?|eastings?|e|x", re.IGNORECASE)
_SCALED = re.compile(r"_?e([567])$", re.IGNORECASE)  # whole millionths of a degree, and the like
_SMALL = {True: 0.0005, False: 50.0}  # degrees and metres: no area that is shown is as small
_MARKUP = re.compile(r"<(?:[a-zA-Z!/?][^<>]*)>")
_OPENING = re.compile(r"\{\s*\"|\[\s*(?:[\[{\"]|-?\d)")


def read_json(data: bytes) -> Iterator[Piece]:
    """Yield the texts, tables and places of JSON or GeoJSON."""
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    yield from _json("", text)


def _json(where: str, text: str) -> Iterator[Piece]:
    twice: list[bool] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        twice.append(len(dict(items)) < len(items))
        return dict(items)

    try:
        tree = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        yield Flag(where, "unreadable", "This is not JSON, or it is nested too deeply.")
        yield Text(where, text, "data")
        return
    if any(twice):
        yield Flag(where, "hidden content", "A key appears twice in one object; readers see only one. Write it afresh.")
    yield from _Walk().pieces(tree, where)


def fragments(where: str, text: str) -> Iterator[Piece]:
    """Yield what is in the JSON values that stand inside a script."""
    decoder = json.JSONDecoder()
    at, number = 0, 0
    while match := _OPENING.search(text, at):
        try:
            tree, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.start() + 1
            continue
        if tree and not (isinstance(tree, list) and len(tree) == 1 and not isinstance(tree[0], list | dict)):
            number += 1
            yield from _Walk(in_code=True).pieces(tree, f"{where}, value {number}".lstrip(", "))


class _Walk:
    """Collect the strings, tables and places of one tree."""

    def __init__(self, *, in_code: bool = False) -> None:
        self.in_code = in_code
        self.strings: list[tuple[str, str]] = []
        self.found: list[Piece] = []

    def pieces(self, tree: Any, where: str) -> Iterator[Piece]:
        try:
            self._visit(tree, where or "$", "")
        except RecursionError:
            yield Flag(where, "unreadable", "It is nested too deeply to be read.")
        yield join("", "data", self.strings)
        yield from self.found

    def _visit(self, node: Any, where: str, key: str, *, tabled: bool = False) -> None:
        if isinstance(node, dict):
            self._object(node, where, tabled)
        elif isinstance(node, list):
            self._list(node, where, key)
        elif isinstance(node, str):
            self._string(node, where)
        elif isinstance(node, int) and not isinstance(node, bool):
            self.strings.append((where, str(node)))

    def _object(self, node: dict[str, Any], where: str, tabled: bool) -> None:
        kind = node.get("type")
        if isinstance(kind, str) and kind in _POINTS | _SHAPES and isinstance(node.get("coordinates"), list):
            pairs = list(_pairs_in(node["coordinates"]))
            self.found.append(Points(where, pairs, kind in _POINTS or _tiny(pairs)))
            node = {name: value for name, value in node.items() if name not in ("coordinates", "bbox")}
        if kind == "Topology":
            self.found.append(Flag(where, "unreadable", "TopoJSON cannot be read back. Write GeoJSON."))
        feature = kind == "Feature"
        if feature and not tabled and isinstance(node.get("properties"), dict):
            self._table([node["properties"]], where)
        if not (tabled or feature):
            self._loose({name: value for name, value in node.items() if not isinstance(value, dict | list)}, where)
        self._apart({name: value for name, value in node.items() if isinstance(value, list)}, where)
        for number, (name, value) in enumerate(node.items(), start=1):
            here = where + _step(name, number)
            self.strings.append((f"{here}, name", name))
            if isinstance(value, list) and value and not any(isinstance(item, dict | list) for item in value):
                self.found.append(Table(here, (name,), [[item] for item in value], declared=False, fresh=False))
            self._visit(value, here, name, tabled=feature and name == "properties")

    def _loose(self, plain: dict[str, Any], where: str) -> None:
        """Read the plain values of one object: counts, and a place written as two of them."""
        names = tuple(plain)
        if plain:
            self.found.append(Table(where, names, [list(plain.values())], declared=False, fresh=False))
        self._apart(plain, where)

    def _apart(self, node: dict[str, Any], where: str) -> None:
        """Read places whose two numbers, or two lists of numbers, stand under names of their own."""
        for lat in (name for name in node if _LATITUDE.fullmatch(name)):
            for lon in (name for name in node if _LONGITUDE.fullmatch(name)):
                pairs = list(zip(_degrees(lon, node[lon]), _degrees(lat, node[lat]), strict=False))
                if places := [pair for pair in pairs if is_point(*pair)]:
                    self.found.append(Points(where, places, True))

    def _table(self, rows: list[dict[str, Any]], where: str) -> None:
        names = tuple(dict.fromkeys(name for row in rows for name in row))
        if names:
            cells = [[_scalar(row.get(name)) for name in names] for row in rows]
            self.found.append(Table(where, names, cells, fresh=False))

    def _list(self, node: list[Any], where: str, key: str) -> None:
        tabled = False
        if node and all(isinstance(item, dict) for item in node):
            features = all(item.get("type") == "Feature" for item in node)
            rows = [item.get("properties") or {} for item in node] if features else node
            tabled = features or all(not isinstance(v, dict | list) for row in rows for v in row.values())
            if tabled:
                self._table([row for row in rows if isinstance(row, dict)], where)
        elif _is_pair(node):
            if is_point(node[0], node[1]):
                view = bool(_VIEW.search(key)) or (self.in_code and not key)
                self.found.append(Points(where, [(node[0], node[1])], not view))
            return
        elif node and all(_is_pair(item) for item in node):
            self._run(node, where)
            return
        elif len(node) >= 4 and len(node) % 2 == 0 and all(map(_number, node)):
            pairs = list(zip(node[::2], node[1::2], strict=True))
            if all(is_point(*pair) for pair in pairs):
                self.found.append(Points(where, pairs, not _VIEW.search(key)))
        for number, item in enumerate(node):
            self._visit(item, f"{where}[{number}]", key, tabled=tabled)

    def _run(self, node: list[list[float]], where: str) -> None:
        """Read a row of pairs: a closed ring or a box is the outline of something, anything else is points."""
        pairs = [(item[0], item[1]) for item in node if is_point(item[0], item[1])]
        ring = len(node) > 3 and node[0][:2] == node[-1][:2]
        box = len(node) == 2 and node[0][0] < node[1][0] and node[0][1] < node[1][1]
        if pairs:
            self.found.append(Points(where, pairs, not (ring or box)))

    def _string(self, text: str, where: str) -> None:
        self.strings.append((where, text))
        start = text.lstrip()[:1]
        if _MARKUP.search(text):
            self.found.append(Bytes(where, "value.html", text.encode("utf-8", "replace")))
        elif start in ("{", "[") and len(text) > 2:
            self.found.extend(fragments(where, text))


def _step(name: str, number: int) -> str:
    """Name a key in a path if it is an ordinary word; a code could be someone's."""
    return f".{name}" if _PLAIN_KEY.fullmatch(name) else f".key {number}"


def _scalar(value: Any) -> Any:
    return None if isinstance(value, dict | list) else value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _degrees(name: str, value: Any) -> list[float]:
    """Return the numbers of a value or a list, texts of numbers among them; nothing when one is none."""
    scale = 10 ** int(found[1]) if (found := _SCALED.search(name)) else 1
    try:
        numbers = [float(item) / scale for item in (value if isinstance(value, list) else [value])]
    except (TypeError, ValueError):
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _tiny(pairs: list[tuple[float, float]]) -> bool:
    """Say whether a line or a ring is no larger than one address."""
    if not pairs or not any(is_point(*pair) for pair in pairs):
        return False
    extents = [max(axis) - min(axis) for axis in zip(*pairs, strict=True)]
    return bool(max(extents) < _SMALL[max(map(abs, pairs[0])) <= 180])


def _is_pair(node: Any) -> bool:
    return isinstance(node, list) and 2 <= len(node) <= 4 and _number(node[0]) and _number(node[1])


def _pairs_in(node: Any) -> Iterator[tuple[float, float]]:
    if _is_pair(node):
        yield node[0], node[1]
    elif isinstance(node, list):
        for item in node:
            yield from _pairs_in(item)
