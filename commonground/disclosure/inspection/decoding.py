"""Answers: what does a text say once its escapes, entities and packed parts are undone."""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote, unquote_to_bytes

from .archives import expand
from .patterns import BASE32, BASE64, CODES, DATA_URI, HEX, SHORT_BASE64
from .pieces import Bytes, Flag

__all__ = ["decode", "payloads", "short_texts", "sniff", "unescape", "variants"]

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
_PACKED = (b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd")
# Well-known binary: byte order, then the kind of shape (OGC 06-103r4, 8.2), with the marks of PostGIS for Z and SRID.
_SHAPES = frozenset(
    bytes([1]) + (kind | mark).to_bytes(4, "little") for kind in range(1, 8) for mark in (0, 1 << 29, 1 << 31, 5 << 29)
)
_NOT_READ = (b"%PDF", b"\xff\xd8\xff", b"RIFF", b"wOFF", b"wOF2", b"OTTO\x00", b"\x7fELF", b"MZ\x90", b"II*\x00")
_MIME_NAMES = {
    "text/html": ".html", "image/svg+xml": ".svg", "image/png": ".png", "image/gif": ".gif", "text/css": ".css",
    "application/json": ".json", "text/javascript": ".js", "application/javascript": ".js", "text/plain": ".txt",
    "text/csv": ".csv", "text/markdown": ".md",
}  # fmt: skip
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
# Controls that turn the reading order round, and letters that draw nothing (Boucher and Anderson 2021, Trojan Source).
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0020-\U000e007f]")
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]{1,6})\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([0-7]{2,3})")
_STYLE_ESCAPE = re.compile(r"\\([0-9a-fA-F]{2,6})[ ]?")  # CSS Syntax Level 3, section 4.3.7
_MAIL_ESCAPE = re.compile(r"(?:=[0-9A-F]{2}){4,}")  # quoted-printable, RFC 2045
# Letters that look like Latin ones (Unicode Technical Standard 39, the commonest confusables), and invisible tags.
_LETTERS = zip(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420"
    "\u0421\u0422\u0425\u03bf\u03b1\u03bd\u03c1\u0391\u0392\u0395\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a7\u0396",
    "aeopcyxijshdABEKMHOPCTXoavpABEHIKMNOPTXZ",
    strict=True,
)
_ALIKE = dict(_LETTERS) | {chr(0xE0000 + code): chr(code) for code in range(0x20, 0x7F)}
_OTHER = re.compile("[^\x00-\x7f]")


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
    if _DECEIVING.search(text):
        flags.append(Flag("", "hidden content", "The text holds signs that change how it is read. Remove them."))
    if "\x00" in text:
        flags.append(Flag("", "hidden content", "The text holds characters that are not shown. Save it afresh."))
    return text, flags


def variants(text: str) -> Iterator[str]:
    """Yield a text as it stands and as HTML, addresses, scripts, styles and mail would decode it."""
    plain = text if text.isascii() else _folded(text)
    yield plain
    for sign, decode in _DECODERS:
        if sign in plain and (decoded := decode(plain)) != plain:
            yield decoded


def _folded(text: str) -> str:
    """Write look-alike letters and digits of every script as Latin ones, and leave out what is not drawn."""
    return _OTHER.sub(_latin, _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))


def _latin(match: re.Match[str]) -> str:
    return _ALIKE.get(match[0]) or str(unicodedata.decimal(match[0], match[0]))


def unescape(text: str) -> str:
    r"""Undo the escapes of scripts and JSON: ``\\u003c``, ``\\x3c`` and ``\\/``."""

    def sign(match: re.Match[str]) -> str:
        code = int(match[4], 8) if match[4] else int(match[1] or match[2] or match[3], 16)
        return chr(code) if code <= sys.maxunicode else match[0]

    return _ESCAPE.sub(sign, text).replace("\\/", "/")


def _unescape_style(text: str) -> str:
    return _STYLE_ESCAPE.sub(lambda match: chr(min(int(match[1], 16), sys.maxunicode)), text)


def _unescape_twice(text: str) -> str:
    once = html.unescape(text)
    return html.unescape(once) if "&" in once else once


def _unescape_mail(text: str) -> str:
    return _MAIL_ESCAPE.sub(lambda match: quopri.decodestring(match[0]).decode("latin-1"), text)


_DECODERS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("&", _unescape_twice), ("%", unquote), ("\\", unescape), ("\\", _unescape_style), ("=", _unescape_mail),
)  # fmt: skip


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
    decoders = ((BASE64, _from_base64), (HEX, _from_hex), (BASE32, _from_base32), (CODES, _from_codes))
    for pattern, decoder in decoders:
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


def _from_base32(body: bytes) -> bytes:
    plain = body.rstrip(b"=")
    try:
        return base64.b32decode(plain + b"=" * (-len(plain) % 8))
    except (binascii.Error, ValueError):
        return b""


def _from_hex(body: bytes) -> bytes:
    return bytes.fromhex(re.sub(rb"[^0-9a-fA-F]", b"", body).decode())


def _from_codes(body: bytes) -> bytes:
    """Read a list of character codes, as scripts put texts together."""
    return bytes(int(code) for code in re.findall(rb"\d+", body) if int(code) < 128)


def short_texts(text: str) -> str:
    """Decode words in base64 that are too short to be told from words, for the search for raw values only.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        What decodes to ordinary signs, a line each.
    """
    decoded = (_from_base64(match[0].encode()) for match in SHORT_BASE64.finditer(text))
    return "\n".join(content.decode("ascii") for content in decoded if content.isascii() and _printable(content))


def _printable(content: bytes) -> bool:
    return bool(content) and min(content) >= 32 and max(content) < 127


def _readable(content: bytes) -> str | None:
    """Name decoded bytes if they are a file or a text; None for noise."""
    kind = sniff(content)
    if kind not in (None, "?"):
        return f"packed{kind}"
    if content.startswith(_PACKED):
        return "packed.bin"  # a kind that is refused
    if content[:5] in _SHAPES or (content[:1] == b"\0" and b"\1" + content[4:0:-1] in _SHAPES):
        return "packed.wkb"
    if len(content) > 2 * SHORT and content[1::2].count(0) > PRINTABLE * len(content[1::2]):
        content = content.decode("utf-16-le", "replace").encode()
    unpacked = expand(content, 15) if content[:1] == b"\x78" else None
    if unpacked and unpacked[0]:
        return "packed.zlib"
    return _readable_text(content) or ("packed.deflate" if _deflated(content) else None)


def _deflated(content: bytes) -> bool:
    unpacked = expand(content, -15)
    return unpacked is not None and not unpacked[1] and _readable_text(unpacked[0]) is not None


def _readable_text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if len(text) < SHORT or sum(c.isprintable() or c in "\r\n\t" for c in text) < PRINTABLE * len(text):
        return None
    return {"{": "packed.json", "[": "packed.json", "<": "packed.html"}.get(text.lstrip()[:1], "packed.txt")
