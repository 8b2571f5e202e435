"""Answers: what does a text say once its escapes, entities and packed parts are undone."""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, unquote_to_bytes

from .archives import expand
from .patterns import BASE64, DATA_URI, HEX
from .pieces import Bytes, Flag

__all__ = ["decode", "payloads", "sniff", "unescape", "variants"]

SHORT = 12  # decoded characters below which a packed text says nothing
PRINTABLE = 0.95  # share of printable characters from which decoded bytes are text

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"GIF8", ".gif"),
    (b"PK\x03\x04", ".zip"),
    (b"PK\x05\x06", ".zip"),
    (b"\x1f\x8b", ".gz"),
    (b"SQLite format 3\x00", ".gpkg"),
    (b"PAR1", ".parquet"),
)
_NOT_READ = (b"%PDF", b"\xff\xd8\xff", b"RIFF", b"wOFF", b"wOF2", b"OTTO\x00", b"\x7fELF", b"MZ\x90", b"II*\x00")
_MIME_NAMES = {
    "text/html": ".html", "image/svg+xml": ".svg", "image/png": ".png", "image/gif": ".gif", "text/css": ".css",
    "application/json": ".json", "text/javascript": ".js", "application/javascript": ".js", "text/plain": ".txt",
    "text/csv": ".csv", "text/markdown": ".md",
}  # fmt: skip
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ESCAPE = re.compile(r"\\u\{?([0-9a-fA-F]{4})\}?|\\x([0-9a-fA-F]{2})")


def decode(data: bytes) -> tuple[str, list[Flag]]:
    """Read bytes as text.

    Parameters
    ----------
    data : bytes
        UTF-8, with or without a mark.

    Returns
    -------
    text : str
        The text; bytes that are not UTF-8 are read as Latin-1.
    flags : list of Flag
        What is wrong with it.
    """
    flags = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        flags.append(Flag("", "unreadable", "The text is not UTF-8. Save it as UTF-8."))
    if "\x00" in text:
        flags.append(Flag("", "hidden content", "The text holds characters that are not shown. Save it afresh."))
    return text, flags


def variants(text: str) -> Iterator[str]:
    """Yield a text as it stands and as HTML, addresses and scripts would decode it."""
    plain = text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    yield plain
    for sign, decode in (("&", html.unescape), ("%", unquote), ("\\", unescape)):
        if sign in plain and (decoded := decode(plain)) != plain:
            yield decoded


def unescape(text: str) -> str:
    r"""Undo the escapes of scripts and JSON: ``\\u003c``, ``\\x3c`` and ``\\/``."""
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), text).replace("\\/", "/")


def sniff(data: bytes) -> str | None:
    """Name the suffix that fits the first bytes.

    Parameters
    ----------
    data : bytes
        Contents.

    Returns
    -------
    str or None
        A suffix; "?" for binary kinds that are not read; None for what may be text.
    """
    for start, suffix in _SIGNATURES:
        if data.startswith(start):
            return suffix
    return "?" if data.startswith(_NOT_READ) or b"\x00" in data[:64] else None


def payloads(where: str, text: str) -> Iterator[Bytes | Flag]:
    """Yield the files packed into a text: data addresses, base64 and hexadecimal.

    Parameters
    ----------
    where : str
        Place of the text within the file.
    text : str
        Any text.

    Yields
    ------
    Bytes or Flag
        Each packed file; random letters that decode to nothing readable are passed over.
    """
    taken: list[tuple[int, int]] = []
    for match in DATA_URI.finditer(text):
        if not match[1] and not match[2]:  # "data:," and object keys called data
            continue
        taken.append(match.span())
        body = unquote_to_bytes(match[3])
        content = _from_base64(body) if "base64" in match[2].lower() else body
        suffix = _MIME_NAMES.get((match[1] or "text/plain").lower(), "")
        yield Bytes(_place(where, text, match.start()), f"embedded{suffix}", content)
    for pattern, decoder in ((BASE64, _from_base64), (HEX, _from_hex)):
        for match in pattern.finditer(text):
            if any(start <= match.start() < end for start, end in taken):
                continue
            content = decoder(match[0].encode())
            name = _readable(content)
            if name:
                yield Bytes(_place(where, text, match.start()), name, content)


def _place(where: str, text: str, offset: int) -> str:
    line = f"line {text.count(chr(10), 0, offset) + 1}" if "\n" in text else ""
    return ", ".join(part for part in (where, line, "packed") if part)


def _from_base64(body: bytes) -> bytes:
    plain = re.sub(rb"\s", b"", body).replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _from_hex(body: bytes) -> bytes:
    return bytes.fromhex(body.decode())


def _readable(content: bytes) -> str | None:
    """Name decoded bytes if they are a file or a text; None for noise."""
    kind = sniff(content)
    if kind not in (None, "?"):
        return f"packed{kind}"
    unpacked = expand(content, 15) if content[:1] == b"\x78" else None
    if unpacked and unpacked[0]:
        return "packed.zlib"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if len(text) < SHORT or sum(c.isprintable() or c in "\r\n\t" for c in text) < PRINTABLE * len(text):
        return None
    return {"{": "packed.json", "[": "packed.json", "<": "packed.html"}.get(text.lstrip()[:1], "packed.txt")
