"""Strings that came from data are text, wherever they are written."""

from __future__ import annotations

import html
import json
import math
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.release.escape import clean, plain, script_json, text

ANY_TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]))


def test_every_character_that_can_start_something_becomes_a_reference() -> None:
    written = str(text("&<>\"'`$\\{}"))
    assert not set(re.sub(r"&#\d+;", "", written)), written
    assert html.unescape(written) == "&<>\"'`$\\{}"


@given(ANY_TEXT)
def test_a_browser_reads_the_escaped_string_as_it_was(value: str) -> None:
    # html.unescape is the standard library's implementation of the HTML standard's character references
    assert html.unescape(str(text(value))) == value
    assert not set("<>\"'`$\\{}") & set(str(text(value)))


@given(st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=8))
def test_script_json_reads_back_and_cannot_end_its_script(value: object) -> None:
    written = script_json(value)
    assert json.loads(written) == value
    strings = "".join(re.findall(r'"(?:[^"\\]|\\.)*"', written))
    assert not set("<>&'`${}") & set(strings)


def test_template_literals_of_javascript_and_jinja_are_neutralised() -> None:
    for hostile in ("${alert(1)}", "{{7*7}}", "{% raw %}", "`;alert(1)//", "\\u003cscript"):
        assert not re.search(r"\$\{|\{\{|\{%|`|\\", str(text(hostile)))


def test_markup_given_by_a_caller_is_not_trusted() -> None:
    assert "<b>" not in text(text("<b>").unescape())


def test_control_characters_and_direction_overrides_become_visible() -> None:
    assert clean("a\x00b\u202ec\ud800d") == "a\ufffdb\ufffdc\ufffdd"
    assert clean("two\r\nlines\tand\u2028more") == "two  lines and more"


def test_numpy_and_pandas_scalars_are_cast_to_plain_numbers() -> None:
    given = {
        "a": np.float64(1.5),
        "b": [np.int64(2), np.nan, math.inf],
        "c": np.array([True]),
        "d": pd.NA,
        "e": date(2020, 1, 2),
    }
    assert script_json(given) == '{"a":1.5,"b":[2,null,null],"c":[true],"d":null,"e":"2020-01-02"}'


def test_what_is_not_data_is_refused_without_its_contents() -> None:
    with pytest.raises(TypeError, match="a set cannot be written as data"):
        plain({"secret"})
