"""What several tests share: the open data that is never committed, a browser that writes down what it asks for, and
a town whose records are canaries."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
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


# --- the canary town --------------------------------------------------------------------------------------------------

SIDE = 600  # metres of an area's side
WEST, SOUTH = 640_113, 418_207  # off the coast, on no round line
BIRDS = {
    "lone": "LONEBIRD77",  # the only person in area CG16
    "monthly": "MONTHBIRD55",  # met in each of seven months, alone in CG15
    "odd": "ODDBIRD33",  # the only combination of its categories
    "road": "ROADBIRD11",  # met on a road where nobody else was met
    "edge": "EDGEBIRD22",  # met exactly on a boundary
    "flat": "FLATREF-0412",  # one flat with twelve people
    "phone": "07700 900461",  # Ofcom's numbers for drama, in the notes
    "words": "near the blue gate by the weir",  # the rest of the notes
    "language": "Kashubian",
}
ROAD = (640_913, 418_839)  # where ROADBIRD11 was met
EDGE = (WEST + SIDE, SOUTH + 1511)  # where EDGEBIRD22 was met: between CG05 and CG06
STUDY = """
title = "Canary town"
question = "Did the operation at the canary town move people?"
surface = "contacts"
[areas]
file = "areas.geojson"
code = "code"
name = "name"
population = "addresses"
[operation]
name = "Operation Finch"
treated = ["CG06", "CG10"]
ring = ["CG02", "CG05", "CG07", "CG09", "CG11", "CG14"]
before = ["2022-01-01", "2023-01-01"]
after = ["2023-01-01", "2024-01-01"]
months_after = 12
[comparison]
rule = "Every other area, by side of the town."
[comparison.areas]
"West side" = ["CG01", "CG13"]
"East side" = ["CG03", "CG04", "CG08", "CG12", "CG15", "CG16"]
[inputs.contacts]
kind = "contacts"
file = "contacts.csv"
crs = "EPSG:27700"
[inputs.contacts.columns]
start = "when"
area = "area"
x = "east"
y = "north"
person = "client"
premises = "flat"
event = "session"
setting = "setting"
group_language = "language"
service = "team"
[inputs.services]
kind = "services"
file = "services.csv"
crs = "EPSG:27700"
[outcomes.contacts]
label = "Contacts with services"
input = "contacts"
goal = "access"
good = "rise"
[needs]
demand = "contacts"
services = "services"
reach = 1000
phase = "after"
[policy]
profile = "partner"
as_of = 2024-06-30
[release]
approvers = ["Robin Approver"]
partners = ["Finch Outreach"]
"""
FIELDS = "when,area,east,north,client,flat,session,setting,language,team,notes"


@dataclass(frozen=True)
class Canary:
    """The canary town: its study, what its files were rendered from, and the release."""

    folder: Path
    out: Path
    study: Any
    contents: Any
    expectation: Any
    birds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(BIRDS))
    road: tuple[int, int] = ROAD
    edge: tuple[int, int] = EDGE

    def files(self) -> dict[str, bytes]:
        """Return every file of the release, by its name in it."""
        found = sorted(path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in found}


def canary_areas() -> str:
    """Sixteen square areas, four a row from the north west, as GeoJSON in metres."""
    features = []
    for number in range(16):
        left, bottom = WEST + SIDE * (number % 4), SOUTH + SIDE * (3 - number // 4)
        ring = [[left + dx * SIDE, bottom + dy * SIDE] for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
        code = f"CG{number + 1:02d}"
        properties = {"code": code, "name": f"Finch {number + 1}", "addresses": 450 + 13 * number}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    return json.dumps({"type": "FeatureCollection", "crs": crs, "features": features})


def canary_contacts() -> list[str]:
    """Rows of contacts: about fifteen people an area, the same in both years, and the canaries among them."""
    rows = []
    for number in (0, 1, 2, *range(4, 14)):  # CG04 holds nobody but the flat, CG15 and CG16 one person each
        left, bottom = WEST + SIDE * (number % 4), SOUTH + SIDE * (3 - number // 4)
        for person in range(12 + number % 5):
            key = 20 * number + person
            east, north = left + 31 + (key * 37) % 480, bottom + 29 + (key * 53) % 480
            who = f"P{key:03d}X{(key * 7919) % 9973:04d},F{key // 2:03d}-{number:02d}"
            kind = f"{('street', 'off-street', 'online')[key % 3]},{('English', 'Polish')[key % 2]},Outreach"
            for year in (2022, 2023):
                day = f"{year}-{1 + key % 12:02d}-{1 + key % 28:02d}T{10 + key % 12}:{key % 60:02d}"
                rows.append(f"{day},CG{number + 1:02d},{east},{north},{who},S{year}{key:03d},{kind},")
    flat = f"{WEST + 1901},{SOUTH + 1933}"
    for person in range(12):
        for year in (2022, 2023):
            rows.append(
                f"{year}-03-0{1 + person % 9}T11:20,CG04,{flat},FLATBIRD{person:02d},{BIRDS['flat']},"
                f"S{year}F{person:02d},off-street,English,Outreach,"
            )
    for month in range(1, 8):
        rows.append(
            f"2023-{month:02d}-14T23:10,CG15,{WEST + 1501},{SOUTH + 307},{BIRDS['monthly']},F990-15,"
            f"S2023M{month},street,English,Outreach,"
        )
    note = f'"{BIRDS["words"]}, ring {BIRDS["phone"]}"'
    lone, odd = f"{WEST + 2111},{SOUTH + 219},{BIRDS['lone']}", f"{WEST + 1333},{SOUTH + 707},{BIRDS['odd']}"
    rows += [
        f"2023-05-17T22:41,CG16,{lone},F991-16,S2023L1,street,English,Outreach,{note}",
        f"2023-06-21T00:00,CG11,{odd},F992-11,S2023O1,online,{BIRDS['language']},Outreach,",
        f"2022-09-09T03:33,,{ROAD[0]},{ROAD[1]},{BIRDS['road']},F993-10,S2022R1,street,English,Outreach,",
        f"2023-02-02T19:05,,{EDGE[0]},{EDGE[1]},{BIRDS['edge']},F994-05,S2023E1,street,English,Outreach,",
    ]
    return rows


def write_canary_town(folder: Path, *more: str, without: str = "") -> Path:
    """Write the study of the canary town, with more rows of contacts or without those that hold a text."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for row in [*canary_contacts(), *more] if not (without and without in row)]
    (folder / "contacts.csv").write_text("\n".join([FIELDS, *rows]) + "\n", encoding="utf-8")
    (folder / "areas.geojson").write_text(canary_areas(), encoding="utf-8")
    services = [
        "service,name,area,x,y,hours,capacity,eligibility,languages,source",
        f"outreach,Finch Outreach,CG06,{WEST + 907},{SOUTH + 1507},Mo-Sa 18:00-23:00,40,all,English,services",
        f"drop-in,Finch Drop-in,CG11,{WEST + 1507},{SOUTH + 907},Tu-Th 10:00-16:00,25,all,English,services",
    ]
    (folder / "services.csv").write_text("\n".join(services) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder / "study.toml"


@pytest.fixture(scope="session")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Canary:
    """The canary town, run once."""
    from commonground.dashboard import running
    from commonground.dashboard.witness import expectation_of
    from commonground.study import load_study

    place = tmp_path_factory.mktemp("canary")
    study = load_study(write_canary_town(place / "study"))
    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        compute: Any = vars(running)["compute"]

        def kept(*given: Any, **options: Any) -> Any:
            seen.append(compute(*given, **options))
            return seen[-1]

        patch.setattr(running, "compute", kept)
        running.run_study(study, place / "out")
    return Canary(place / "study", place / "out", study, seen[0], expectation_of(study))
