"""The sample town, end to end: what is written, that it is the same every time, and that it shows only labels."""

from __future__ import annotations

import hashlib
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commonground.dashboard.contents import Contents, compute
from commonground.dashboard.pages import PAGES
from commonground.dashboard.running import run_study
from commonground.dashboard.witness import expectation_of
from commonground.disclosure import Protected
from commonground.errors import NotReleasable
from commonground.records import Records
from commonground.release.writer import write_release
from commonground.study import Study, load_study
from commonground.tallies import Tally
from evaluation.verdict import Evaluation, OutcomeResult

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
COUNTED = ("Before", "During", "After", "value")


@dataclass(frozen=True)
class Release:
    study: Study
    contents: Contents
    folder: Path

    def text(self, name: str) -> str:
        """The words of a page, without scripts, styles and pictures."""
        page = re.sub(r"<(script|style).*?</\1>", " ", (self.folder / name).read_text(), flags=re.DOTALL)
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))

    def tables(self, name: str) -> list[pd.DataFrame]:
        """The tables of a page, as a reader sees them."""
        found = []
        for table in re.findall(r"<table>.*?</table>", (self.folder / name).read_text(), re.DOTALL):
            rows = [
                re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", table)
            ]
            found.append(pd.DataFrame(rows[1:], columns=rows[0]))
        return found

    def csv(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / "tables" / name)


def town(folder: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("*.ledger", "__pycache__")))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    place = tmp_path_factory.mktemp("release")
    study = load_study(town(place / "study") / "study.toml")
    seen: list[Contents] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "commonground.dashboard.running.compute", lambda *a, **k: seen.append(compute(*a, **k)) or seen[-1]
        )
        run_study(study, place / "out")
    return Release(study, seen[0], place / "out")


def test_pages_maps_charts_tables_workbook_and_manifest_are_there(release: Release) -> None:
    names = {path.relative_to(release.folder).as_posix() for path in release.folder.rglob("*") if path.is_file()}
    assert set(PAGES) | {"workbook.xlsx", "manifest.json", "charts/verdicts.svg", "charts/verdicts.png"} <= names
    inputs = ["contacts", "reports", "police", "arrests"]
    assert {f"maps/{name}.html" for name in [*inputs, "services"]} <= names
    assert {f"charts/zones-{name}.png" for name in inputs} <= names
    assert {
        f"tables/{name}.csv" for name in ("power", "verdicts", "checks", "displacement-difference", "gaps", "coverage")
    } <= names
    listed = json.loads((release.folder / "manifest.json").read_text())["files"]
    assert names == {*listed, "manifest.json"}
    assert listed["index.html"] == hashlib.sha256((release.folder / "index.html").read_bytes()).hexdigest()


def test_the_ledger_stands_beside_the_study_and_not_in_the_release(release: Release) -> None:
    assert release.study.ledger_path.is_file()
    assert not list(release.folder.rglob("*.ledger"))


def test_a_second_run_with_its_ledger_gives_the_same_bytes(release: Release, tmp_path: Path) -> None:
    run_study(load_study(release.study.path), tmp_path / "again")
    first = {p.relative_to(release.folder): p.read_bytes() for p in release.folder.rglob("*") if p.is_file()}
    second = {p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert {name for name in first if first[name] != second.get(name)} == set()
    assert set(first) == set(second)


def test_every_count_shown_is_a_published_label(release: Release) -> None:
    tables = [*release.tables("displacement.html"), *release.tables("change.html")]
    tables += [pd.read_csv(path) for path in sorted((release.folder / "tables").glob("*.csv"))]
    cells = [table[column] for table in tables for column in COUNTED if column in table]
    shown = pd.concat([pd.to_numeric(column, errors="coerce") for column in cells]).dropna()
    assert len(shown) > 100
    assert (shown % 5 == 0).all()
    assert shown.min() >= 10  # k is 8, and 8 is written as 10
    spoken = [
        int(n.replace(",", "")) for page in PAGES for n in re.findall(r"([\d,]+) in the \d+ months", release.text(page))
    ]
    assert len(spoken) >= 10
    assert all(n % 5 == 0 and n >= 10 for n in spoken)


def test_no_exact_count_of_a_zone_is_in_any_table(release: Release) -> None:
    study = release.study
    exact = set()
    for name in ("contacts", "reports", "police", "arrests"):
        for unit in ("events", "persons"):
            zones = study.tally(name, every=study.phases, count=unit).zone_series(study.zones)
            exact |= {int(n) for n in zones.to_numpy().ravel() if n == n and n > 30 and n % 5}
    assert len(exact) > 10
    for path in sorted((release.folder / "tables").glob("*.csv")):
        table = pd.read_csv(path)
        numbers = {
            int(n)
            for column in COUNTED
            if column in table
            for n in pd.to_numeric(table[column], errors="coerce").dropna()
        }
        assert not numbers & exact


def test_values_of_blocks_add_up_to_those_of_zones(release: Release) -> None:
    blocks = release.csv("blocks-contacts-events.csv")
    zones = release.csv("zones-contacts.csv").set_index("Zone")
    sums = blocks.groupby(["zone", "period"])["value"].sum()
    assert sums["Ring around it", "before"] == zones.at["Ring around it", "Before"]
    assert sums["Operation area", "after"] == zones.at["Operation area", "After"]


def test_identifiers_notes_and_places_of_the_live_data_are_nowhere(release: Release) -> None:
    raw = pd.read_csv(SAMPLE / "contacts.csv", encoding="utf-8-sig", dtype=str)
    text = " ".join(release.text(name) for name in PAGES)
    text += "".join(path.read_text() for path in (release.folder / "tables").glob("*.csv"))
    for column in ("Client ID", "Location ref", "Session", "Easting"):
        assert not [value for value in raw[column].dropna().unique() if re.search(rf"\b{re.escape(value)}\b", text)]


# --- a renderer that does wrong is caught -----------------------------------------------------------------------------


def broken(release: Release) -> dict[str, tuple[str, bytes]]:
    contacts = pd.read_csv(SAMPLE / "contacts.csv", encoding="utf-8-sig", dtype=str)
    reports = pd.read_csv(SAMPLE / "incidents_scheme.csv", encoding="latin-1", dtype=str)
    person = contacts["Client ID"].dropna().iloc[0]
    east, north = contacts[["Easting", "Northing"]].dropna().iloc[0]
    phone = next(note for note in reports["notes"].dropna() if re.search(r"\d{5}\s?\d{6}|\d{4}\s?\d{3}\s?\d{4}", note))
    place = release.study.located("contacts").points().to_crs(4326).iloc[0]
    return {
        "an identifier": ("tables/extra.csv", f"Client,value\r\n{person},25\r\n".encode()),
        "a small count": ("tables/extra.csv", b"block,value\r\nMH25,3\r\n"),
        "an exact place": ("tables/extra.csv", f"block,where\r\nMH25,{east} {north}\r\n".encode()),
        "a point on a map": ("maps/extra.html", f"<script>L.marker([{place.y:.6f}, {place.x:.6f}])</script>".encode()),
        "a telephone number from the notes": ("index.html", f"<p>{html.escape(phone)}</p>".encode()),
    }


@pytest.mark.parametrize(
    "fault",
    ["an identifier", "a small count", "an exact place", "a point on a map", "a telephone number from the notes"],
)
def test_a_broken_renderer_is_caught_and_nothing_is_written(fault: str, release: Release, tmp_path: Path) -> None:
    name, data = broken(release)[fault]
    with pytest.raises(NotReleasable, match="nothing was written") as caught:
        write_release(
            tmp_path / "out",
            {name: data},
            origins=[release.contents.registered],
            expectation=expectation_of(release.study),
        )
    assert name in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_renderer_that_shows_exact_counts_is_caught(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with a table of exact counts by area slipped in."""
    exact = release.study.tally("contacts", every=release.study.phases).to_frame()
    leak = exact[["area", "period", "value"]].to_csv(index=False).encode()
    monkeypatch.setattr("commonground.dashboard.running.compute", lambda study, book, parts: release.contents)
    monkeypatch.setattr("commonground.dashboard.running.render", lambda contents: {"tables/exact.csv": leak})
    with pytest.raises(NotReleasable, match=r"tables/exact\.csv"):
        run_study(load_study(release.study.path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def reached(thing: Any, seen: dict[int, Any]) -> dict[int, Any]:
    """Everything that can be reached from an object through fields, attributes and containers."""
    if id(thing) in seen or isinstance(thing, str | int | float | pd.DataFrame | pd.Series):
        return seen
    seen[id(thing)] = thing
    held = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, tuple | list) else ()
    for part in [*held, *getattr(thing, "__dict__", {}).values()]:
        reached(part, seen)
    return seen


def test_nothing_exact_can_be_reached_from_what_is_drawn(release: Release) -> None:
    kinds = {type(thing) for thing in reached(release.contents, {}).values()}
    assert Protected in kinds  # the search does look inside
    assert not kinds & {Records, Tally, Evaluation, OutcomeResult, Study}
    assert repr(release.contents).startswith("Contents('Operation Lantern")


# --- the front door ---------------------------------------------------------------------------------------------------


def test_importing_commonground_draws_nothing() -> None:
    code = "import sys, commonground; print([m for m in ('matplotlib', 'folium', 'statsmodels') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
