"""Every renderer, called by name: what it is given in error is found, and what it draws does not follow the records."""

from __future__ import annotations

import html
import importlib
import inspect as signatures
import json
import pkgutil
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folium
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Point

import commonground.release
from commonground.dashboard import running
from commonground.dashboard.contents import compute
from commonground.dashboard.running import render, run_study
from commonground.disclosure import Plan, protect
from commonground.disclosure.inspection import inspect_bytes
from commonground.errors import CommonGroundError, NotReleasable, StudyError
from commonground.release.charts import Marks, bars_by_phase, index_lines
from commonground.release.figures import Chart
from commonground.release.forest import ForestRow, forest_chart
from commonground.release.maps import Layer, MapView, choropleth_map, self_contained
from commonground.release.pages import Page, render_page
from commonground.release.tables import Table, csv_bytes
from commonground.release.workbook import workbook_bytes
from commonground.study import load_study

# What a release consists of; other public functions of the package that return text or bytes are parts of one of them.
RENDERERS = {
    "csv_bytes", "workbook_bytes", "choropleth_map", "self_contained", "bars_by_phase", "index_lines", "forest_chart",
    "render_page",
}  # fmt: skip
PARTS = {
    "cell_text", "text", "clean", "script_json", "csp_hash", "embedded", "leaflet_script", "leaflet_style", "policy",
    "template_text", "wrapped", "rendered", "name_problem", "partner_problem", "tidy",
}  # fmt: skip

IN_THE_RELEASE = {"statement_text": "statement.txt"}  # rendered by the run, and attacked with its other files


@dataclass(frozen=True)
class Shown:
    """What the renderers are given: published values of the canary town, and one word of a label."""

    canary: Any
    word: str

    @property
    def values(self) -> Any:
        return self.canary.contents.events["contacts"]

    def files(self) -> dict[str, bytes]:
        """Call every renderer of `RENDERERS`, the word among its labels."""
        made: dict[str, bytes] = {}
        for name in sorted(RENDERERS):
            made |= getattr(self, name)()
        return made

    def table(self) -> Table:
        frame = self.values.to_frame()[["block", "period", "value"]]
        return Table("blocks", "Contacts", frame.assign(place=self.word), self.values)

    def csv_bytes(self) -> dict[str, bytes]:
        return {"blocks.csv": csv_bytes(self.table())}

    def workbook_bytes(self) -> dict[str, bytes]:
        return {"workbook.xlsx": workbook_bytes([self.table()], title="Contacts")}

    def layer(self) -> Layer:
        after = self.values.table()["after"].astype(float)
        return Layer("After", after, after.map(lambda n: f"{n:.0f} {self.word}"), origin=self.values)

    def choropleth_map(self) -> dict[str, bytes]:
        page = choropleth_map(self.values.blocks, [self.layer()], title="Contacts", finding="More.", breaks=(0, 20, 99))
        frame = MapView(page, "Contacts")._repr_html_()
        return {"map.html": page.encode(), "story.ipynb": notebook(frame, self.values._repr_html_())}

    def self_contained(self) -> dict[str, bytes]:
        drawn = folium.Map(tiles=None)
        blocks = self.values.blocks[["geometry"]].assign(name=self.word).to_crs(4326)
        folium.GeoJson(blocks.to_json(), tooltip=folium.GeoJsonTooltip(["name"])).add_to(drawn)
        return {"own.html": self_contained(drawn, title="Contacts", finding="More.", origin=self.values).encode()}

    def bars_by_phase(self) -> dict[str, bytes]:
        return pictures("bars", bars_by_phase([self.word], [10], None, [15], title="Contacts", unit="a month",
                                              origin=self.values))  # fmt: skip

    def index_lines(self) -> dict[str, bytes]:
        series = pd.DataFrame({self.word: [10.0, 15.0]}, index=["2022", "2023"])
        return pictures("lines", index_lines(series, Marks("Contacts", "a year"), origin=self.values))

    def forest_chart(self) -> dict[str, bytes]:
        row = ForestRow(self.word, 1.5, 1.1, 2.0, "change shown")
        return pictures("forest", forest_chart([row], title="Contacts", origin=self.canary.contents.registered))

    def render_page(self) -> dict[str, bytes]:
        return {"page.html": render_page("base.html.j2", Page("Contacts", notes=(self.word,)))}


def pictures(name: str, chart: Chart) -> dict[str, bytes]:
    return {f"{name}.svg": chart.svg, f"{name}.png": chart.png, f"{name}.txt": chart.alt.encode()}


def notebook(*shown: str) -> bytes:
    outputs = [{"output_type": "display_data", "metadata": {}, "data": {"text/html": html}} for html in shown]
    cell = {"cell_type": "code", "source": "view", "metadata": {}, "outputs": outputs, "execution_count": 1}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}).encode()


def public_renderers() -> Iterator[str]:
    """Yield the public functions of the package whose result is text, bytes or a picture."""
    for info in pkgutil.iter_modules(commonground.release.__path__):
        module = importlib.import_module(f"commonground.release.{info.name}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not signatures.isfunction(thing):
                continue
            if str(signatures.signature(thing).return_annotation) in ("bytes", "str", "Chart", "Markup", "str | None"):
                yield name


def test_every_renderer_of_the_package_is_called_here(canary: Any) -> None:
    found = set(public_renderers())
    assert found <= RENDERERS | PARTS | set(IN_THE_RELEASE), "call the new renderer in Shown, or name it as a part"
    assert found >= RENDERERS
    assert {file for name, file in IN_THE_RELEASE.items() if name in found} <= set(canary.files())


def test_what_the_renderers_draw_of_published_values_passes(canary: Any) -> None:
    for name, data in Shown(canary, "Finch 6").files().items():
        assert inspect_bytes(name, data, canary.expectation) == (), name


def test_a_record_given_to_any_renderer_is_found_in_its_file(canary: Any) -> None:
    """A label that is somebody's code; pixels hold no text, so a picture is read beside its words."""
    found = {}
    for name, data in Shown(canary, canary.birds["lone"]).files().items():
        found[name] = {finding.check for finding in inspect_bytes(name, data, canary.expectation)}
    assert {name for name, checks in found.items() if "raw value" not in checks} == {
        "bars.png", "lines.png", "forest.png",
    }  # fmt: skip


def test_a_corner_that_no_boundary_has_is_found_in_a_map(canary: Any) -> None:
    """A renderer that joins a road to its block, or draws a shape around records."""
    shown = Shown(canary, "Finch 6")
    blocks = shown.values.blocks.copy()
    around = Point(canary.road).buffer(40, quad_segs=3)
    blocks.geometry = [shape.difference(around) for shape in blocks.geometry]
    page = choropleth_map(blocks, [shown.layer()], title="Contacts", finding="More.", breaks=(0, 20, 99))
    found = {finding.check for finding in inspect_bytes("map.html", page.encode(), canary.expectation)}
    assert found == {"coordinates"}


ASKED = re.compile(
    r"""(?:\bsrc(?:set)?|\bposter|\baction|<link[^>]*\bhref|@import|url\(|\bfetch\(|\bimport\()\s*[=(]?\s*["'(]?\s*(?:https?:)?//""",
    re.IGNORECASE,
)


def test_no_page_or_drawing_asks_anybody_for_anything(canary: Any) -> None:
    """Without the inspection: what a browser would fetch."""
    pages = {name: data.decode() for name, data in canary.files().items() if name.endswith((".html", ".svg"))}
    pages |= {
        n: d.decode() for n, d in Shown(canary, "Finch 6").files().items() if n.endswith((".html", ".svg", ".ipynb"))
    }
    assert {name for name, text in pages.items() if ASKED.search(html.unescape(text))} == set()
    assert ASKED.search('<img src="//example.org/a.png">')
    assert ASKED.search("a{background:url(https://example.org/a.png)}")
    for name, asking in (
        ("index.html", '<script src="https://example.org/a.js"></script>'),
        ("index.html", "<script>fetch('https://example.org/?q=1')</script>"),
        ("maps/contacts.html", "<script>L.tileLayer('https://tile.example.org/{z}/{x}/{y}.png')</script>"),
        ("index.html", '<style>@import "//example.org/a.css";</style>'),
    ):
        spoiled = pages[name].replace("</body>", asking + "</body>")
        assert "external address" in {f.check for f in inspect_bytes(name, spoiled.encode(), canary.expectation)}


# -- the whole run with one renderer broken ----------------------------------------------------------------------------


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("fault", ["exact counts", "a script of records"])
def test_a_run_with_a_broken_renderer_writes_nothing(
    fault: str, canary: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = fault == "exact counts"
    name, data = ("tables/exact.csv", exact(canary)) if counts else ("maps/records.html", records(canary))
    folder = Path(shutil.copytree(canary.folder, tmp_path / "study"))
    before = snapshot(folder)
    monkeypatch.setattr(running, "render", lambda *given, **options: {name: data})
    with pytest.raises(NotReleasable, match="nothing was written") as caught:
        run_study(load_study(folder), tmp_path / "out")
    assert name in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert snapshot(folder) == before  # the ledger says nothing of it


def exact(canary: Any) -> bytes:
    frame: bytes = canary.study.tally("contacts").to_frame()[["area", "period", "value"]].to_csv(index=False).encode()
    return frame


def records(canary: Any) -> bytes:
    rows = canary.study.located("contacts").frame[["x", "y", "person"]].head(20).to_dict("records")
    return f"<!doctype html><title>Map</title><script>var rows={json.dumps(rows)}</script>".encode()


# -- what follows the data ---------------------------------------------------------------------------------------------


def variant(canary: Any, folder: Path, old: str, new: str) -> dict[str, bytes]:
    """Render the town with one thing in its records changed, on a ledger of its own."""
    shutil.copytree(canary.folder, folder, ignore=shutil.ignore_patterns("*.ledger"))
    path = folder / "contacts.csv"
    text = path.read_text("utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new), "utf-8")
    files: dict[str, bytes] = render(compute(load_study(folder)))
    return files


def test_an_outlying_record_moves_no_extent_class_or_byte(canary: Any, tmp_path: Path) -> None:
    east, north = canary.road
    moved = variant(canary, tmp_path / "moved", f",{east},{north},", f",{east + 190},{north + 111},")
    plain = variant(canary, tmp_path / "plain", f",{east},{north},", f",{east},{north},")
    assert {name for name in plain if plain[name] != moved.get(name)} == set()
    one, other = (extent(canary, tmp_path / name) for name in ("plain", "moved"))
    assert one != other  # a map whose extent follows the records is seen to move


def extent(canary: Any, folder: Path) -> bytes:
    """What a renderer that fits its view to the records would write."""
    points = load_study(folder).located("contacts").frame[["x", "y"]]
    alone = points[~points.round(-2).duplicated(keep=False)]
    drawn: Any = folium.Map(tiles=None)
    drawn.fit_bounds([[alone["y"].min(), alone["x"].mean()], [alone["y"].max(), alone["x"].max()]])
    return json.dumps([child.bounds for child in drawn._children.values() if hasattr(child, "bounds")]).encode()


LEVELS = {"group_language": ("English", "Polish", "Kashubian")}


def by_language(canary: Any, frame: pd.DataFrame) -> dict[str, bytes]:
    """Render values by language, as declared, of changed records."""
    from dataclasses import replace

    from commonground.tallies import tally

    study = canary.study
    records_ = replace(study.located("contacts"), frame=frame)
    counted = tally(records_, study.areas, every=study.phases, by=("group_language",), window=study.window)
    plan = Plan(categories=LEVELS, phases=study.phases)
    shown = protect(counted, plan=plan, zones=study.zones, as_of=study.as_of)
    table = Table("languages", "Contacts by language", shown.to_frame().drop(columns="areas"), shown)
    return {"csv": csv_bytes(table), "xlsx": workbook_bytes([table], title="x"), "html": shown._repr_html_().encode()}


def test_a_level_that_nobody_is_in_reads_as_one_that_too_few_are_in(canary: Any) -> None:
    frame = canary.study.located("contacts").frame
    rare = frame["group_language"].eq("Kashubian")
    assert rare.sum() == 1
    nobody = frame.assign(group_language=frame["group_language"].mask(rare, "Polish"))
    few, none = by_language(canary, frame), by_language(canary, nobody)
    assert few == none
    assert b"Polish" in few["csv"]  # levels are shown where they can be
    found_only = frame["group_language"].unique()
    assert len(found_only) != len(nobody["group_language"].unique())  # levels taken from the data would tell


# -- what the policy says ----------------------------------------------------------------------------------------------


def test_the_manifest_and_the_pages_name_the_policy_of_the_study(canary: Any) -> None:
    files = canary.files()
    assert json.loads(files["manifest.json"])["policy"] == canary.study.policy == "partner"
    assert b"artner" in files["statement.html"]
    assert {value.profile for value in canary.contents.events.values()} == {"partner"}


@pytest.mark.parametrize("profile", ["open", "none", "PARTNER", "expert"])
def test_a_study_cannot_be_edited_down_to_a_weaker_policy(profile: str, canary: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(canary.folder, tmp_path / "study"))
    path = folder / "study.toml"
    path.write_text(path.read_text("utf-8").replace('profile = "partner"', f'profile = "{profile}"'), "utf-8")
    with pytest.raises((StudyError, CommonGroundError)):
        load_study(folder)


# -- columns, counts, formulas, notes ----------------------------------------------------------------------------------


def spoil(change: Callable[[pd.DataFrame], pd.DataFrame], canary: Any) -> dict[str, bytes]:
    """Make the table of blocks with a fault, in both formats that people load."""
    values = canary.contents.events["contacts"]
    frame = change(values.to_frame()[["block", "period", "value"]])
    table = Table("blocks", "Contacts", frame, values)
    return {"blocks.csv": csv_bytes(table), "workbook.xlsx": workbook_bytes([table], title="Contacts")}


FAULTS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "a small number": (lambda frame: frame.assign(value=frame["value"].where(frame.index > 0, 3)), "small number"),
    "a month": (lambda frame: frame.assign(period="2023-05"), "time"),
    "a month in words": (lambda frame: frame.assign(period="May 2023"), "time"),
    "a day": (lambda frame: frame.assign(period="2023-05-17"), "time"),
    "a moment": (lambda frame: frame.assign(when="2023-05-17 22:41"), "time"),
    "two columns of places": (lambda frame: frame.assign(a=53.61065, b=1.64053), "coordinates"),
    "eastings and northings": (lambda frame: frame.assign(e=640_913, n=418_839), "coordinates"),
    "a postcode": (lambda frame: frame.assign(place="IG1 2AB"), "personal data"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_column_is_found_in_both_formats(fault: str, canary: Any) -> None:
    change, expected = FAULTS[fault]
    for name, data in spoil(change, canary).items():
        assert expected in {finding.check for finding in inspect_bytes(name, data, canary.expectation)}, name
    for name, data in spoil(lambda frame: frame, canary).items():
        assert inspect_bytes(name, data, canary.expectation) == (), name


def test_words_that_a_spreadsheet_would_run_are_made_inert(canary: Any) -> None:
    run = "=HYPERLINK(1)"
    made = spoil(lambda frame: frame.assign(place=run), canary)
    for name, data in made.items():
        assert "formula" not in {finding.check for finding in inspect_bytes(name, data, canary.expectation)}
    left_as_it_was = made["blocks.csv"].replace(b"'=", b"=")
    assert "formula" in {finding.check for finding in inspect_bytes("blocks.csv", left_as_it_was, canary.expectation)}


def test_nothing_in_the_workbook_is_hidden_and_its_properties_name_nobody(canary: Any) -> None:
    import io

    opened = openpyxl.load_workbook(io.BytesIO(canary.files()["workbook.xlsx"]))
    assert {sheet.sheet_state for sheet in opened.worksheets} == {"visible"}
    assert not list(opened.defined_names)
    hidden = [d for s in opened.worksheets for d in (*s.column_dimensions.values(), *s.row_dimensions.values())]
    assert not [dimension for dimension in hidden if dimension.hidden]
    properties = opened.properties
    assert (properties.creator, properties.lastModifiedBy) == ("Common Ground", None)
    assert properties.created.year == properties.modified.year == 1980
