"""The sample town's release in a browser with the network closed: nothing is asked for, everything can be reached."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commonground.dashboard import run_study
from commonground.study import load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
PAGES = ["index.html", "displacement.html", "needs.html", "change.html", "methods.html", "statement.html"]
MAPS = [f"maps/{name}.html" for name in ("arrests", "contacts", "police", "reports", "services")]
STRUCTURE = """
const bare = (list) => [...list].map(e => e.outerHTML.slice(0, 80));
return {
  lang: document.documentElement.lang, title: document.title, h1: document.querySelectorAll("h1").length,
  main: document.querySelectorAll("main").length,
  images: bare(document.querySelectorAll("img:not([alt]), img[alt='']")),
  heads: bare(document.querySelectorAll("thead th:not([scope=col]), tbody th:not([scope=row])")),
  captions: bare([...document.querySelectorAll("table")].filter(t => !t.caption || !t.caption.textContent.trim())),
  levels: [...document.querySelectorAll("h1,h2,h3,h4")].map(h => Number(h.tagName[1])),
  ids: [...document.querySelectorAll("[id]")].map(e => e.id),
};
"""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("browser")
    shutil.copytree(SAMPLE, place / "study", ignore=shutil.ignore_patterns("*.ledger", "__pycache__"))
    run_study(load_study(place / "study" / "study.toml"), place / "out")
    return place / "out"


@pytest.fixture
def visitor(browser: Any, release: Path) -> Any:
    """The browser, at home in the release."""
    return replace(browser, folder=release)


def visit(visitor: Any, name: str) -> None:
    visitor.driver.get("about:blank")
    visitor.requests()
    visitor.console()
    visitor.driver.get((visitor.folder / name).as_uri())


@pytest.mark.parametrize("name", [*PAGES, *MAPS])
def test_every_page_opens_from_disk_and_asks_for_nothing(name: str, visitor: Any) -> None:
    visit(visitor, name)
    asked = visitor.requests()
    assert asked[0].endswith(name)  # the log is on
    assert [url for url in asked if not url.startswith(("data:", visitor.folder.as_uri()))] == []
    assert [url for url in asked if url.startswith("file:") and not url.endswith(name)] == []
    assert visitor.console() == []


def test_a_page_that_does_ask_is_seen_to_ask(browser: Any) -> None:
    """Positive control: without it the tests above could pass because nothing is ever recorded."""
    browser.open('<!doctype html><title>x</title><img src="https://tiles.invalid/7/63/42.png" alt="">')
    assert "https://tiles.invalid/7/63/42.png" in browser.outside()
    assert any("tiles.invalid" in entry for entry in browser.console())


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_of_the_release(name: str, visitor: Any) -> None:
    visit(visitor, name)
    links = visitor.run("return [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert set(PAGES) <= set(links)
    for link in links:
        target = link.partition("#")[0]
        assert not target or (visitor.folder / target).is_file(), link


def test_the_pages_lead_to_every_map(visitor: Any) -> None:
    found = set()
    for name in PAGES:
        visit(visitor, name)
        found |= set(visitor.run("return [...document.querySelectorAll('main a')].map(a => a.getAttribute('href'))"))
    assert set(MAPS) <= found


def test_a_click_on_a_link_opens_the_page(visitor: Any) -> None:
    visit(visitor, "index.html")
    visitor.driver.find_element("link text", "Displacement").click()
    assert visitor.run("return document.querySelector('h1').textContent") == "Displacement"
    visitor.driver.find_element("partial link text", "Map: Contacts with services").click()
    assert visitor.run("return document.querySelectorAll('path.leaflet-interactive').length") == 8


def colours(visitor: Any) -> list[str]:
    return list(
        visitor.run(
            "return [...document.querySelectorAll('path.leaflet-interactive')].map(p => p.getAttribute('fill'))"
        )
    )


def test_the_switch_of_a_map_changes_colours_legend_and_words(visitor: Any) -> None:
    visit(visitor, "maps/contacts.html")
    before = colours(visitor)
    assert len(set(before)) > 1
    visitor.driver.find_element("xpath", "//label[text()='Change']").click()
    assert colours(visitor) != before
    assert visitor.run("return document.getElementById('status').textContent") == "Showing: Change."
    keys = visitor.run("return [...document.querySelectorAll('.map-key')].map(k => k.hidden ? '' : k.textContent)")
    assert [bool(key.strip()) for key in keys] == [False, True]
    assert "rate before" in keys[1]


def test_the_switch_can_be_reached_and_moved_with_the_keyboard_alone(visitor: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(visitor, "maps/contacts.html")
    before = colours(visitor)
    for _ in range(6):
        visitor.driver.switch_to.active_element.send_keys(Keys.TAB)
        if visitor.run("return document.activeElement.name") == "layer":
            break
    assert visitor.run("return document.activeElement.id") == "layer-0"
    visitor.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert visitor.run("return document.activeElement.id") == "layer-2"
    assert visitor.run("return document.getElementById('status').textContent").startswith("Showing: After")
    assert colours(visitor) != before


@pytest.mark.parametrize("name", [*PAGES, *MAPS])
def test_every_page_can_be_read_without_seeing_it(name: str, visitor: Any) -> None:
    visit(visitor, name)
    found = visitor.run(STRUCTURE)
    assert (found["lang"], found["h1"], found["main"]) == ("en", 1, 1)
    assert found["title"]
    assert (found["images"], found["heads"], found["captions"]) == ([], [], [])
    assert max(b - a for a, b in zip(found["levels"], found["levels"][1:], strict=False)) <= 1
    assert len(found["ids"]) == len(set(found["ids"]))


@pytest.mark.parametrize("name", ["index.html", "displacement.html", "maps/contacts.html"])
def test_a_telephone_shows_it_without_scrolling_sideways(name: str, visitor: Any) -> None:
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    visitor.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        visit(visitor, name)
        assert visitor.run("return document.documentElement.scrollWidth") <= 400
    finally:
        visitor.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="module")
def axe() -> str:
    spec = importlib.util.find_spec("axe_core_python")  # bundles axe-core (MPL-2.0); only its script is read
    if spec is None or spec.origin is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs axe-core: pip install axe-core-python")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def serious(visitor: Any, axe: str) -> list[str]:
    visitor.run(axe)
    run = "const done = arguments[arguments.length - 1]; axe.run().then(found => done(found.violations))"
    violations = visitor.driver.execute_async_script(run)
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations if v["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("name", [*PAGES, *MAPS])
def test_axe_finds_nothing_serious(name: str, visitor: Any, axe: str) -> None:
    visit(visitor, name)
    assert serious(visitor, axe) == []


def test_axe_finds_what_is_wrong_on_purpose(browser: Any, axe: str) -> None:
    browser.open(
        '<!doctype html><html><title>x</title><main><h1>x</h1><img src="data:,"><p style="color:#ddd">pale</p></main>'
    )
    found = " ".join(serious(browser, axe))
    assert re.search("image-alt", found)
    assert re.search("html-has-lang", found)
    assert re.search("color-contrast", found)
