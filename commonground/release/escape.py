"""How strings that came from data become harmless wherever they are written.

Two places, two functions: `text` for markup and `script_json` for data inside a script element. A string is treated as
text, never as markup, whoever wrote it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
from markupsafe import Markup

__all__ = ["clean", "plain", "script_json", "text"]

# What can open a tag, an entity, an attribute or a template literal. `${...}` in a folium popup runs as JavaScript even
# after html.escape, because folium writes popups into template literals; `{` would open a Jinja expression.
_UNSAFE = {ord(c): f"&#{ord(c)};" for c in "&<>\"'`$\\{}"}
# C0 and C1 controls, line separators, byte order marks, zero-width and direction overrides (Boucher and Anderson 2021,
# Trojan Source), lone surrogates (which cannot be encoded).
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_BLANK = re.compile("[\t\n\r\u2028\u2029]")
# json.dumps leaves these as they are; inside a script element they must not appear raw.
_SCRIPT = {ord(c): f"\\u{ord(c):04x}" for c in "&<>'`${}\u2028\u2029"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def text(value: object) -> Markup:
    r"""Neutralise a value for element content or a quoted attribute.

    Parameters
    ----------
    value : object
        Anything; its ``str`` is written. `Markup` is not trusted here: it is neutralised too.

    Returns
    -------
    Markup
        The same reading, with & < > " ' ` $ \ { } as character references, control characters made visible.

    Examples
    --------
    >>> str(text("<b>${alert(1)}</b>"))
    '&#60;b&#62;&#36;&#123;alert(1)&#125;&#60;/b&#62;'
    """
    return Markup(clean(value).translate(_UNSAFE))


def script_json(value: object) -> str:
    r"""Write plain data as JSON that is safe inside a script element.

    Parameters
    ----------
    value : object
        Dicts, lists, strings, numbers; numpy scalars and arrays are cast, missing and infinite numbers become null.

    Returns
    -------
    str
        JSON in which & < > ' ` $ { } inside strings are written as ``\uXXXX``: no string can close the element.

    Examples
    --------
    >>> script_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    raw = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _STRING.sub(lambda found: found.group().translate(_SCRIPT), raw)


def clean(value: object) -> str:
    """Return the text of a value with line breaks as spaces and other control characters as U+FFFD.

    Parameters
    ----------
    value : object
        Anything; its ``str`` is used.

    Returns
    -------
    str
        Text that any of our formats can hold.

    Examples
    --------
    >>> clean("one" + chr(10) + "two")
    'one two'
    """
    return _CONTROL.sub("\ufffd", _BLANK.sub(" ", str(value)))


def plain(value: Any) -> Any:
    """Cast numpy and pandas scalars to plain Python, through lists and dicts; clean the strings.

    A numpy scalar written into a script reads ``np.float64(1.5)`` and breaks it without a word.

    Parameters
    ----------
    value : object
        Dicts, lists, tuples, arrays, scalars.

    Returns
    -------
    object
        Only dict, list, str, int, float, bool and None; a missing or infinite number is None.

    Raises
    ------
    TypeError
        If something else is found: what cannot be read as data is not written.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        return {clean(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    raise TypeError(f"a {type(value).__name__} cannot be written as data; convert it to text or a number first")
