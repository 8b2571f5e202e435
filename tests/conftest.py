"""What several tests share: the open data that is never committed, and a browser that writes down what it asks for."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOW = "needs Chromium and chromedriver: run scripts/browser.sh"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--window-size=1280,1400",
    "--hide-scrollbars",
)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of open data, from COMMONGROUND_DATA or beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COMMONGROUND_DATA", beside))
    if not (folder / "SOURCES.md").is_file():
        pytest.skip("the open data is not here: set COMMONGROUND_DATA to its folder")
    return folder


@dataclass(frozen=True)
class Browser:
    """A headless browser with everything it was asked to fetch and everything its console said."""

    driver: Any
    folder: Path

    def open(self, page: str | bytes, name: str = "page.html") -> None:
        """Write a page to disk and open it from there; forget what went before."""
        path = self.folder / name
        path.write_bytes(page if isinstance(page, bytes) else page.encode("utf-8"))
        self.driver.get("about:blank")
        self.requests()
        self.console()
        self.driver.get(path.as_uri())

    def requests(self, settle: float = 0.3) -> list[str]:
        """Return the addresses asked for since the last call, blocked ones and those of frames too."""
        time.sleep(settle)
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def outside(self) -> list[str]:
        """Return the addresses asked for that are neither the folder of the page nor data inside it."""
        return [url for url in self.requests() if not url.startswith(("data:", "about:", self.folder.as_uri()))]

    def console(self) -> list[str]:
        """Return what the console said since the last call; violations of the page's policy appear here."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page and return what it returns."""
        return self.driver.execute_script(script, *arguments)


@pytest.fixture(scope="session")
def _driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver_path = shutil.which("chromedriver")
    if found is None or driver_path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = found
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    with suppress(Exception):  # the browser may be gone already; the tests have been judged
        driver.quit()


@pytest.fixture
def browser(_driver: Any, tmp_path: Path) -> Browser:
    """A browser that opens pages of this test's own folder from disk."""
    return Browser(_driver, tmp_path)
