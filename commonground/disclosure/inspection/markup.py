"""Answers: what is in a web page, a drawing or a note, shown or not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from .decoding import decode
from .patterns import LOADS, NAMESPACE, in_british_isles
from .pieces import Bytes, Flag, Piece, Table, Text
from .trees import fragments, read_json

__all__ = ["read_html", "read_markdown"]

# Attributes from which a browser fetches, or to which it sends, without being asked; links (a, area) are asked for.
_FETCHED = frozenset({
    "src", "srcset", "data", "poster", "background", "action", "formaction", "ping", "manifest", "codebase", "archive",
    "classid", "lowsrc", "dynsrc", "imagesrcset", "href", "xlink:href",
})  # fmt: skip
_LINKS = frozenset({"a", "area"})
_NOT_FETCHED = frozenset({"canonical", "license", "author", "help", "bookmark"})  # link rel values
_SHAPE_ONLY = frozenset({"d", "points", "transform", "viewbox", "integrity", "style", "class", "srcdoc"})  # fmt: skip
_MADE = frozenset({"metadata", "dc:date", "rdf:rdf"})  # in drawings: when and with what the file was made
_DATA_SCRIPT = re.compile(r"json|importmap", re.IGNORECASE)
_RUN_SCRIPT = re.compile(r"^$|javascript|ecmascript|module|babel|jsx", re.IGNORECASE)
_MARKDOWN_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|!\[([^\]]*)\](?:\[([^\]]*)\])?")
_MARKDOWN_NAMED = re.compile(r"^[ ]{0,3}\[([^\]]+)\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE)
_LATITUDES = frozenset({"lat", "latitude", "northing", "n", "y", "cy"})
_CHARSET = re.compile(r"charset=\s*([\w-]+)", re.IGNORECASE)
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_COUNTRY = {False: 20.0, True: 2_000_000.0}  # degrees, metres
_MARKDOWN_TABLE = re.compile(r"^\|?(?:\s*:?-{2,}:?\s*\|)+\s*:?-*:?\s*\|?\s*$")


def read_html(data: bytes) -> Iterator[Piece]:
    """Yield the texts, scripts, styles, tables and files of a page or an SVG drawing."""
    text, flags = decode(data)
    yield from flags
    yield Text("", text, "raw")
    yield from _parse(text)


def read_markdown(text: str) -> Iterator[Piece]:
    """Yield the prose, pipe tables, pictures and inline markup of a note."""
    yield Text("", text, "prose")
    named = {name.lower(): target for name, target in _MARKDOWN_NAMED.findall(text)}
    for match in _MARKDOWN_IMAGE.finditer(text):
        target = match[1] or named.get((match[3] or match[2] or "").lower(), "")
        if LOADS.match(target):
            line = text.count("\n", 0, match.start()) + 1
            yield Flag(
                f"line {line}", "external address", "A picture is loaded from elsewhere. Put it into the folder."
            )
    lines = text.split("\n")
    for i, rule in enumerate(lines[1:], start=1):
        if _MARKDOWN_TABLE.match(rule.strip()) and "|" in lines[i - 1]:
            body = []
            for row in lines[i + 1 :]:
                if "|" not in row:
                    break
                body.append(_cells(row))
            yield Table(f"table at line {i}", tuple(_cells(lines[i - 1])), body, fresh=False)
    if "<" in text:
        yield from (piece for piece in _parse(text) if not (isinstance(piece, Text) and piece.role == "prose"))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _parse(text: str) -> Iterator[Piece]:
    page = _Page()
    try:
        page.feed(text)
        page.close()
    except (AssertionError, RecursionError):  # html.parser gives up on some malformed declarations
        yield Flag("", "unreadable", "The markup is damaged.")
    for role, chunks in page.chunks.items():
        yield Text("", _by_line(chunks), role)
    yield from page.pieces
    yield from page.tables


def _by_line(chunks: list[tuple[int, str]]) -> str:
    """Put texts on the lines they came from, so that places can be named."""
    parts, line = [], 1
    for at, text in chunks:
        parts.append("\n" * (at - line) if at > line else "\t")  # a tab keeps neighbouring cells apart
        parts.append(text)
        line = max(line, at) + text.count("\n")
    return "".join(parts)


class _Page(HTMLParser):
    """Collect what a page holds while it is parsed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.chunks: dict[str, list[tuple[int, str]]] = {"prose": [], "data": [], "metadata": []}
        self.pieces: list[Piece] = []
        self.tables: list[Table] = []
        self._open: list[_Grid] = []
        self._body: list[str] = []
        self._kind: str | None = None  # of the script or style being read
        self._made = 0
        self._scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        line = self.getpos()[0]
        if tag in ("script", "style"):
            self._kind = values.get("type", "").strip() if tag == "script" else "style"
            self._body = []
        self._made += tag in _MADE
        if self._open:
            self._open[-1].start(tag)
        if tag == "table":
            self._open.append(_Grid(f"line {line}, table"))
        for name, value in values.items():
            self._attribute(tag, name, value, values, line)
        self._whole(tag, values, line)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in ("script", "style"):
            self._kind = None
        else:
            self.handle_endtag(tag)

    def _attribute(self, tag: str, name: str, value: str, values: dict[str, str], line: int) -> None:
        where = f"line {line}, attribute of {tag}"
        if name == "srcdoc":
            self.pieces.append(Bytes(where, "frame.html", value.encode()))
        elif name == "style":
            self.pieces.append(Text(where, value, "style"))
        elif name.startswith("on") or value.strip().lower().startswith("javascript:"):
            self.pieces.append(Text(where, value, "code"))
        elif name not in _SHAPE_ONLY and value:
            self.chunks["metadata" if tag == "meta" else "data"].append((line, value))
            if value.lstrip()[:1] in ("{", "["):
                self.pieces.extend(fragments(where, value))
        asked = tag in _LINKS and name != "ping"
        named = tag == "link" and values.get("rel", "").lower() in _NOT_FETCHED
        refresh = tag == "meta" and name == "content" and values.get("http-equiv", "").lower() == "refresh"
        if refresh and "//" in value:
            self.pieces.append(Flag(where, "external address", "The page sends its reader elsewhere. Remove that."))
        elif name in _FETCHED and not (asked or named) and any(_fetched(part) for part in value.split(",")):
            message = "The page loads something from elsewhere. Put it into the file."
            self.pieces.append(Flag(where, "external address", message))

    def _whole(self, tag: str, values: dict[str, str], line: int) -> None:
        """Look at what the attributes of one element say together."""
        where = f"line {line}, attributes of {tag}"
        plain = {name.removeprefix("data-"): value for name, value in values.items()}
        self.pieces.extend(read_json(json.dumps(plain).encode()) if _LATITUDES & set(plain) else ())
        named = _CHARSET.search(values.get("content", ""))
        charset = values.get("charset", named[1] if named else "utf-8").strip().lower()
        if tag == "meta" and charset != "utf-8":
            self.pieces.append(Flag(where, "unreadable", "The page is to be read in another encoding. Use UTF-8."))
        box = _NUMBERS.findall(values.get("viewbox", "")) if tag == "svg" else []
        if len(box) == 4:
            left, top, width, height = map(float, box)
            if (
                in_british_isles(left + width / 2, abs(top + height / 2))
                and max(width, height) < _COUNTRY[abs(left) > 180]
            ):
                message = "The drawing is in map coordinates, which gives every place in it. Draw in units of the page."
                self.pieces.append(Flag(where, "coordinates", message))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style") and self._kind is not None:
            self._script("".join(self._body))
            self._kind = None
        self._made = max(self._made - (tag in _MADE), 0)
        if tag == "table" and self._open:
            self.tables.extend(self._open.pop().tables())
        elif self._open:
            self._open[-1].end(tag)

    def handle_data(self, data: str) -> None:
        if self._kind is not None:
            self._body.append(data)
        elif data.strip():
            self.chunks["metadata" if self._made else "prose"].append((self.getpos()[0], data))
            if self._open:
                self._open[-1].text(data)

    def handle_comment(self, data: str) -> None:
        self.chunks["prose"].append((self.getpos()[0], data))
        if "<" in data:
            self.pieces.append(Bytes(f"line {self.getpos()[0]}, comment", "comment.html", data.encode()))

    def handle_decl(self, decl: str) -> None:
        if "ENTITY" in decl.upper():
            message = "The document declares replacements for its text. Write it without."
            self.pieces.append(Flag(f"line {self.getpos()[0]}", "hidden content", message))

    def unknown_decl(self, data: str) -> None:
        self.handle_data(data.removeprefix("CDATA["))

    def handle_pi(self, data: str) -> None:
        self.chunks["metadata"].append((self.getpos()[0], data))
        if "href" in data and LOADS.search(data):
            self.pieces.append(
                Flag(f"line {self.getpos()[0]}", "external address", "A style is loaded from elsewhere.")
            )

    def close(self) -> None:
        super().close()
        if self._kind is not None:  # a script that never ends is still run by some readers
            self._script("".join(self._body))
        for grid in self._open:
            self.tables.extend(grid.tables())

    def _script(self, body: str) -> None:
        self._scripts += 1
        kind = self._kind or ""
        where = f"{'style' if kind == 'style' else 'script'} {self._scripts}"
        if kind == "style":
            self.pieces.append(Text(where, body, "style"))
        elif _DATA_SCRIPT.search(kind):
            self.pieces.append(Bytes(where, "script.json", body.encode()))
        elif _RUN_SCRIPT.search(kind):
            self.pieces.append(Text(where, body, "code"))
            self.pieces.extend(fragments(where, body))
        else:
            self.pieces.append(Bytes(where, "script.html", body.encode()))


def _fetched(value: str) -> bool:
    return bool(LOADS.match(value)) and not NAMESPACE.match(value.strip())


class _Grid:
    """The cells of one HTML table."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.rows: list[list[list[str]]] = []
        self.heads: list[bool] = []
        self._in_cell = False

    def start(self, tag: str) -> None:
        if tag == "tr":
            self.rows.append([])
            self.heads.append(True)
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append([])
            self.heads[-1] = self.heads[-1] and tag == "th"
            self._in_cell = True

    def end(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._in_cell = False

    def text(self, data: str) -> None:
        if self._in_cell and self.rows and self.rows[-1]:
            self.rows[-1][-1].append(data)

    def tables(self) -> Iterator[Table]:
        rows = [["".join(cell).strip() for cell in row] for row in self.rows]
        heads = [i for i, head in enumerate(self.heads) if head and rows[i]]
        first = next((i for i in range(len(rows)) if i not in heads), len(rows))
        names = tuple(rows[first - 1]) if first and first - 1 in heads else None
        if rows:
            yield Table(self.where, names, [row for i, row in enumerate(rows) if i >= first], fresh=False)
