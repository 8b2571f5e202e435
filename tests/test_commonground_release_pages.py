"""Pages open from disk, fetch nothing, escape everything and say what is hidden."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from typing import Any

import jinja2
import pandas as pd
import pytest

from commonground.release import pages
from commonground.release.assets import csp_hash
from commonground.release.charts import ForestRow, forest_chart
from commonground.release.pages import Link, Page, TableView, environment, policy, render_page, table_view
from commonground.release.tables import Table

HOSTILE = "<script>alert(1)</script> ${alert(2)} `{{7*7}}` ' \" \\"


class Published:
    released = True


class Reader(HTMLParser):
    """What a page holds: its elements with their attributes, and what its scripts and styles say."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": []}
        self.words = ""
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag if tag in self.inline else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inline[self._open].append(data)
        else:
            self.words += data

    def policy(self) -> str:
        return next(str(a["content"]) for t, a in self.elements if t == "meta" and "http-equiv" in a)


def page(**context: object) -> str:
    made = Page(
        "A title", finding="A finding.", links=(Link("a.html", "One", here=True),), site="Town", notes=("Note.",)
    )
    return render_page("base.html.j2", made, context, scripts=["let a = 1;"], styles=["p { color: #000; }"]).decode()


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> jinja2.Environment:
    """Our environment with a small template of its own, which shows one value."""
    source = '{% extends "base.html.j2" %}{% block content %}<p title="{{ value }}">{{ value }}</p>{% endblock %}'
    loader = jinja2.DictLoader({"value.html.j2": source})
    made = environment().overlay(loader=jinja2.ChoiceLoader([loader, environment().loader]))  # type: ignore[list-item]
    monkeypatch.setattr(pages, "environment", lambda *_: made)
    return made


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page() -> None:
    read = Reader(page())
    rules = dict(rule.split(" ", 1) for rule in read.policy().split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].split() == [csp_hash(script) for script in read.inline["script"]]
    assert rules["style-src"].split() == [csp_hash(style) for style in read.inline["style"]]
    assert rules["img-src"] == "data:"
    assert "unsafe" not in read.policy()


def test_the_policy_stands_before_anything_that_could_run() -> None:
    tags = [
        tag for tag, attrs in Reader(page()).elements if tag in {"script", "style", "link"} or "http-equiv" in attrs
    ]
    assert tags[0] == "meta"


def test_a_page_without_scripts_lets_none_run() -> None:
    assert "script-src" not in policy([], ["a"])


def test_nothing_on_a_page_names_another_place() -> None:
    for tag, attrs in Reader(page()).elements:
        assert "style" not in attrs, "inline styles are barred by the policy"
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "action", "srcset"):
            assert re.match(r"data:|#|[a-z]+\.html$", attrs.get(name) or "#"), (tag, attrs)


def test_a_page_can_be_read_without_seeing_it() -> None:
    read = Reader(page())
    tags = [tag for tag, _ in read.elements]
    by_tag = dict(reversed(read.elements))
    assert by_tag["html"]["lang"] == "en"
    assert by_tag["a"] == {"class": "skip", "href": "#main"}
    assert by_tag["main"]["id"] == "main"
    assert by_tag["nav"]["aria-label"]
    assert (tags.count("h1"), tags.count("title"), tags.count("main")) == (1, 1, 1)
    assert "user-scalable" not in page()
    assert "maximum-scale" not in page()
    assert 'aria-current="page"' in page()


def test_the_same_page_has_the_same_bytes() -> None:
    assert page() == page()


def test_every_value_is_neutralised_without_the_template_asking(template: jinja2.Environment) -> None:
    made = render_page("value.html.j2", Page(HOSTILE), {"value": HOSTILE}).decode()
    body = made.split("</style>")[-1]
    assert not re.search(r"<script|\$\{|\{\{|`|\\", body)
    assert ("p", {"title": HOSTILE}) in Reader(made).elements
    assert Reader(made).words.count(HOSTILE) == 3, "title, heading and paragraph"


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_missing_value_is_refused_instead_of_shown(template: jinja2.Environment, missing: float | None) -> None:
    with pytest.raises(ValueError, match="would show a missing value"):
        render_page("value.html.j2", Page("Title"), {"value": missing})


def test_a_name_that_was_not_given_is_an_error(template: jinja2.Environment) -> None:
    with pytest.raises(jinja2.UndefinedError, match="'value' is undefined"):
        render_page("value.html.j2", Page("Title"))


@pytest.mark.parametrize("script", ["a</script>b", "<!-- a", "a\r\nb", "a</SCRIPT >"])
def test_a_script_that_would_end_its_element_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="would end it"):
        render_page("base.html.j2", Page("Title"), scripts=[script])


def shown(view: TableView) -> str:
    return str(environment().get_template("parts.html.j2").make_module().table(view))  # type: ignore[attr-defined]


def test_tables_have_a_caption_scopes_and_definitions_and_say_what_is_hidden() -> None:
    frame = pd.DataFrame({"Block": ["North", HOSTILE], "People": [10.0, None]})
    made = Table("by-block", "People by block", frame, Published(), ("A note.",), {"People": "distinct people"})
    read = Reader(shown(table_view(made)))
    assert [attrs.get("scope") for tag, attrs in read.elements if tag == "th"] == ["col", "col", "row", "row"]
    assert ("caption", {"id": "by-block-caption"}) in read.elements
    box = next(attrs for tag, attrs in read.elements if attrs.get("role") == "region")
    assert (box["tabindex"], box["aria-labelledby"]) == ("0", "by-block-caption")
    for words in ("People by block", HOSTILE, "[c]", "too few people to show", "A note.", "distinct people"):
        assert words in read.words


def test_a_table_with_nothing_hidden_does_not_speak_of_hiding() -> None:
    assert "[c]" not in shown(table_view(pd.DataFrame({"a": ["x"], "b": [1]}), title="T"))


def test_verdicts_are_words_and_signs_and_not_colour_only() -> None:
    parts = environment().get_template("parts.html.j2").make_module()
    chips = [str(parts.chip(v)) for v in ("change shown", "no change that matters", "cannot tell")]  # type: ignore[attr-defined]
    assert [Reader(chip).words for chip in chips] == ["● change shown", "■ no change that matters", "? cannot tell"]
    assert len({re.search(r"chip-\w+", chip).group() for chip in chips}) == 3  # type: ignore[union-attr]


def test_charts_carry_their_alternative_text() -> None:
    chart = forest_chart(
        [ForestRow("Arrests", 0.5, 0.3, 0.8, "change shown")], title="Arrests fell", origin=Published()
    )
    parts = environment().get_template("parts.html.j2").make_module()
    (image,) = [a for t, a in Reader(str(parts.figure(chart, "Source"))).elements if t == "img"]  # type: ignore[attr-defined]
    assert image["alt"] == chart.alt
    assert str(image["src"]).startswith("data:image/svg+xml;base64,")


@pytest.mark.browser
def test_a_page_opens_from_disk_quietly_and_shows_its_charts_and_frames(
    browser: Any, template: jinja2.Environment
) -> None:
    chart = forest_chart(
        [ForestRow("Arrests", 0.5, 0.3, 0.8, "change shown")], title="Arrests fell", origin=Published()
    )
    frames = jinja2.DictLoader(
        {
            "frames.html.j2": '{% extends "base.html.j2" %}{% import "parts.html.j2" as parts %}{% block content %}'
            '{{ parts.figure(chart, "Source") }}<iframe src="inner.html" title="Map"></iframe>{% endblock %}'
        }
    )
    template.loader = jinja2.ChoiceLoader([frames, template.loader])  # type: ignore[list-item]
    (browser.folder / "inner.html").write_bytes(render_page("base.html.j2", Page("Inner")))
    browser.open(render_page("frames.html.j2", Page("Outer"), {"chart": chart}))
    asked = browser.requests()
    assert [url for url in asked if url.endswith("inner.html")]
    assert all(url.startswith(("data:", browser.folder.as_uri())) for url in asked)
    assert browser.console() == []
    assert browser.run("return document.querySelector('img').naturalWidth") > 100
    browser.driver.switch_to.frame(0)
    assert browser.run("return document.querySelector('h1').textContent") == "Inner"
    browser.driver.switch_to.default_content()
    assert browser.run("return getComputedStyle(document.querySelector('h1')).fontWeight") == "700"


@pytest.mark.browser
def test_no_page_is_wider_than_a_small_screen(browser: Any) -> None:
    browser.driver.set_window_size(400, 800)
    try:
        browser.open(page())
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        browser.driver.set_window_size(1280, 1400)
