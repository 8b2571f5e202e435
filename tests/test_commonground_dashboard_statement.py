"""What the statement says is true of the files it stands beside, fits a page, and counts nobody."""

from __future__ import annotations

import ast
import base64
import dataclasses
import html
import io
import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from commonground.dashboard.certainty import least_certain
from commonground.dashboard.contents import Contents, compute
from commonground.dashboard.drawings import Drawings, draw
from commonground.dashboard.pages import pages_of
from commonground.dashboard.running import run_study
from commonground.dashboard.statement import MOST_LINES, NEEDLES, WIDTH, Statement, statement_of
from commonground.dashboard.tables import tables_of
from commonground.dashboard.witness import expectation_of
from commonground.disclosure import Protected
from commonground.disclosure.inspection import inspect_bytes
from commonground.disclosure.inspection.expectation import CHECKS
from commonground.disclosure.protected import seal
from commonground.release.approval import STATEMENT, approve, standing
from commonground.release.tables import Table
from commonground.study import Study, load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
PACKAGES = [Path(__file__).parents[1] / name for name in ("commonground", "mapping", "evaluation")]
CLAIM = re.compile(r"anonym", re.IGNORECASE)
# The word is a level of consent in reports: what the person who reported asked for, and no claim about data.
CONSENT = {"anonymous", "anonymous consent"}
LEVEL = re.compile(
    r'"anonymous"|full, anonymous and none|\b\d\s+anonymous\b'
)  # the level, quoted or in a list of levels


@dataclass(frozen=True)
class Release:
    study: Study
    contents: Contents
    folder: Path

    @property
    def text(self) -> str:
        """The statement with its lines joined, one a question or answer."""
        return re.sub(r"\n  ", " ", (self.folder / STATEMENT).read_text())

    def csv(self, pattern: str = "*") -> dict[str, pd.DataFrame]:
        return {path.stem: pd.read_csv(path) for path in sorted((self.folder / "tables").glob(f"{pattern}.csv"))}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    place = tmp_path_factory.mktemp("statement")
    shutil.copytree(SAMPLE, place / "study", ignore=shutil.ignore_patterns("*.ledger", "__pycache__"))
    study = load_study(place / "study" / "study.toml")
    seen: list[Contents] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "commonground.dashboard.running.compute",
            lambda *args, **named: seen.append(compute(*args, **named)) or seen[-1],
        )
        run_study(study, place / "out")
    return Release(study, seen[0], place / "out")


@pytest.fixture(scope="module")
def drawings(release: Release) -> Drawings:
    return draw(release.contents)


def stated(contents: Contents, files: int = 44) -> Statement:
    return statement_of(contents, tables_of(contents), files=files)


def blanked(shown: Protected, **changes: Any) -> Protected:
    """Published values of which the first is below k."""
    first, *rest = shown.rows
    return dataclasses.replace(shown, rows=((*first[:4], None, None, None), *rest), seal=seal(), **changes)


# --- it is true of the files ------------------------------------------------------------------------------------------


def test_it_names_every_check_and_the_number_of_files_that_were_attacked(release: Release) -> None:
    files = [path for path in release.folder.rglob("*") if path.is_file()]
    assert f"All {len(files)} files were read back" in release.text
    assert f"{len(CHECKS)} checks on each: {', '.join(CHECKS)}." in release.text


def test_the_page_and_the_text_say_the_same(release: Release) -> None:
    page = html.unescape(re.sub(r"<[^>]+>", "\n", (release.folder / "statement.html").read_text()))
    said = [line.removeprefix("- ") for line in release.text.splitlines() if line.startswith("- ")]
    assert len(said) > 15
    assert [line for line in said if line not in page] == []


def test_the_least_certain_count_is_the_widest_label_of_any_table(release: Release) -> None:
    cells = pd.concat(frame for frame in release.csv().values() if {"value", "low", "high"} <= set(frame))
    widest = ((cells["high"] - cells["low"]) / cells["value"]).max()
    value, low, high = map(int, re.search(r"count shown is (\d+), between (\d+) and (\d+)", release.text).groups())
    assert (high - low) / value == widest
    rows = cells[(cells["value"] == value) & (cells["low"] == low) & (cells["high"] == high)]
    assert any(f"{row.areas}, {row.period}" in release.text for row in rows.itertuples())


def test_sums_of_labels_are_never_less_certain_than_the_least_certain_label(release: Release) -> None:
    value, low, high = map(int, re.search(r"count shown is (\d+), between (\d+) and (\d+)", release.text).groups())
    zones = release.csv("zones-*")
    assert len(zones) == 4
    for frame in zones.values():
        for phase in ("Before", "During", "After"):
            if phase in frame:
                assert (2 * frame["Each within"] / frame[phase]).max() <= (high - low) / value


def test_the_least_certain_estimate_is_the_widest_of_all_tables(release: Release) -> None:
    widest: list[tuple[float, float]] = []
    kinds = [
        ("Ratio", "Low", "High"),
        ("Ratio of rates", "Low", "High"),
        ("Relative rate ratio", "RRR low", "RRR high"),
    ]
    for frame in release.csv().values():
        for kind in [*kinds, ("WDD", "Low", "High")]:
            if set(kind) <= set(frame):
                value, low, high = (pd.to_numeric(frame[name].replace("no limit", np.inf)) for name in kind)
                widest += zip((high - low) / value.abs(), value, strict=True)
    assert len(widest) > 20
    assert f"The least certain estimate shown is {max(widest)[1]:g}, between" in release.text


def test_the_widest_range_is_that_of_the_gaps(release: Release) -> None:
    gaps = pd.concat([frame for name, frame in release.csv("gaps*").items()])[["People, fewest", "People, most"]]
    low, high = max(gaps.itertuples(index=False), key=lambda pair: ((pair[1] - pair[0]) / pair[1], pair[1]))
    assert f"The widest range shown is {low} to {high} people in need" in release.text


def test_who_is_represented_follows_from_the_released_tables(release: Release) -> None:
    for name, label in release.contents.labels.items():
        cells = release.csv(f"blocks-{name}-people")[f"blocks-{name}-people"]
        first = cells[cells["period"] == "before"]
        most, blocks = int(first["high"].sum()), first["block"].nunique()
        said = re.search(
            rf"- {re.escape(label)}: (\d+) to (\d+) people, once per block, before; (\d+) blocks", release.text
        )
        assert said is not None
        assert int(said[1]) <= int(said[2]) == most
        assert int(said[3]) == blocks


def test_what_hiding_small_areas_would_have_shown_is_within_the_stated_range(release: Release) -> None:
    """Against the exact counts, which no release holds."""
    for name, label in release.contents.labels.items():
        exact = release.study.tally(name, every=release.study.phases, count="persons").to_frame()
        shown = int((exact.loc[exact["period"] == "before", "value"] >= release.contents.events[name].k).sum())
        said = re.search(
            rf"- {re.escape(label)}: [^\n]*Hiding small areas would have shown (\d+) to (\d+)", release.text
        )
        assert said is not None
        assert int(said[1]) <= shown <= int(said[2])


def test_every_kind_of_live_value_that_it_names_is_caught(release: Release) -> None:
    expected = expectation_of(release.study)
    raw = pd.read_csv(SAMPLE / "contacts.csv", encoding="utf-8-sig", dtype=str)
    notes = pd.read_csv(SAMPLE / "incidents_scheme.csv", encoding="latin-1", dtype=str)["notes"].dropna()
    places = release.study.located("contacts").points().to_crs(4326)
    east, north = raw[["Easting", "Northing"]].dropna().iloc[0]
    planted = {
        "identifiers as written": raw["Client ID"].dropna().iloc[0],
        "their pseudonyms": release.study.records("contacts").frame["person"].dropna().iloc[0],
        "exact places in metres": f"{east} {north}",
        "exact places in degrees": f"{places.iloc[0].y:.5f} {places.iloc[0].x:.5f}",
        "longer values of columns nobody asked for": max(notes, key=len),
    }
    assert set(planted) == set(NEEDLES)
    for kind, value in planted.items():
        found = inspect_bytes("page.html", f"<p>{html.escape(value)}</p>".encode(), expected)
        assert "raw value" in {finding.check for finding in found}, kind
    assert inspect_bytes("page.html", b"<p>25 people in four blocks</p>", expected) == ()  # positive control


def test_it_holds_no_exact_count(release: Release) -> None:
    numbers = {int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", release.text)}
    exact = set()
    for name in release.contents.labels:
        for unit in ("events", "persons"):
            by_phase = release.study.tally(name, every=release.study.phases, count=unit).to_frame()
            exact |= {int(n) for n in by_phase.groupby("period")["value"].sum()}
    ends = {int(n) for line in re.findall(r"(\d+) to (\d+)", release.text) for n in line}  # sums of ends of labels
    assert len(exact) > 10
    assert not {n for n in exact if n > 60} & (numbers - ends)


# --- what was hidden --------------------------------------------------------------------------------------------------


def test_refusals_blanks_and_withheld_estimates_are_named(release: Release) -> None:
    contents = release.contents
    frame = contents.registered.to_frame()
    frame.loc[frame["outcome"] == "contacts", ["months_before", "ratio", "low", "high"]] = None
    changed = dataclasses.replace(
        contents,
        events={name: shown for name, shown in contents.events.items() if name != "arrests"},
        people={name: shown for name, shown in contents.people.items() if name != "arrests"}
        | {"police": blanked(contents.people["police"])},
        movements={name: moved for name, moved in contents.movements.items() if name != "arrests"},
        refusals={"arrests": "Arrests: too few people; join areas."},
        registered=dataclasses.replace(contents.registered, frame=frame, seal=seal()),
    )
    hidden = stated(changed).parts[0].lines
    (refused,) = (line for line in hidden if line.startswith("Refused, so in no table or map: Arrests"))
    assert re.search(r"\d tables by need or group \(why: see Displacement, Needs and gaps\)", refused)
    assert any("without a number" in line and "Violence recorded by the police (people)" in line for line in hidden)
    assert "Estimates withheld: Contacts with services." in hidden
    said = "\n".join(stated(dataclasses.replace(contents, in_need=None)).parts[0].lines)
    assert "Refused: nothing" in said
    assert "is left blank, so none" in said
    assert "withheld" not in said


def test_joined_levels_and_dropped_dimensions_are_told_in_the_words_of_the_gate(release: Release) -> None:
    notes = ("setting: small groups are joined (indoor, street or missing).", "group: too few to show, or none.")
    shown = dataclasses.replace(release.contents.events["contacts"], by=("setting",), notes=notes, seal=seal())
    contents = dataclasses.replace(release.contents, people={**release.contents.people, "contacts": shown})
    (line,) = [line for line in stated(contents).parts[0].lines if line.startswith("Dimensions")]
    assert line == f"Dimensions beside place and period: setting. {' '.join(notes)}"


def test_phases_that_are_not_shown_are_told(release: Release) -> None:
    (line,) = [line for line in stated(release.contents).parts[0].lines if "some phases only" in line]
    for name, label in release.contents.labels.items():
        assert (label in line) == (set(release.study.phases) != set(release.contents.events[name].periods))


def test_published_statistics_are_not_said_to_be_rounded_or_joined(release: Release) -> None:
    facts = dataclasses.replace(release.contents.facts, profile="open")
    said = stated(dataclasses.replace(release.contents, facts=facts)).to_text()
    assert "as their sources published them" in said
    assert "carry no interval of ours" in said
    for word in ("rounded", "pseudonyms", "differential", "live values"):
        assert word not in said


@pytest.mark.real_data
def test_the_statement_of_published_statistics_fits_its_page(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMONGROUND_DATA", str(real_data))
    study = load_study(Path(__file__).parents[1] / "examples" / "clearlight" / "study.toml")
    text = stated(compute(study)).to_text()
    assert "between 0" in text or "no limit" in text
    assert len(text.splitlines()) <= MOST_LINES


# --- one page ---------------------------------------------------------------------------------------------------------


def swollen(contents: Contents) -> Contents:
    """A study with everything at once: many sets with long labels, refusals, blanks, notes, withheld estimates."""
    label = "Reports to the scheme of violence and of threats in every part of the town and outside "
    frame = contents.registered.to_frame()
    frame = pd.concat([frame.assign(outcome=frame["outcome"] + str(n), label=f"{label}{n}") for n in range(4)])
    frame["months_before"] = None
    notes = tuple(f"{name}: small groups are joined ({label})." for name in ("setting", "group", "service"))
    shown = blanked(contents.people["contacts"], by=("setting", "group"), notes=notes)
    names = [f"set{n}" for n in range(12)]
    events = dict.fromkeys(names, blanked(contents.events["reports"]))
    return dataclasses.replace(
        contents,
        facts=dataclasses.replace(contents.facts, title=label * 3),
        labels={name: f"{label}{name}" for name in [*names, *(f"no{n}" for n in range(12))]},
        judged_by={},
        events=events,
        people=dict.fromkeys(names[:6], shown),
        movements=dict.fromkeys(names, contents.movements["reports"]),
        registered=dataclasses.replace(
            contents.registered, frame=frame, sentences=dict.fromkeys(frame["outcome"], label), seal=seal()
        ),
        refusals={f"no{n}": f"{label}: too few." for n in range(12)},
    )


def test_the_text_is_at_most_sixty_lines_of_a_hundred_characters_whatever_the_study(release: Release) -> None:
    for contents in (release.contents, swollen(release.contents)):
        lines = stated(contents, files=1234).to_text().splitlines()
        assert len(lines) <= MOST_LINES == 60
        assert max(map(len, lines)) <= WIDTH == 100
    assert "and 6 more sets of records" in " ".join(lines).lower()
    assert re.search(r"Refused, so .* and \d+ more \(why", " ".join(lines))


@pytest.mark.browser
def test_the_page_prints_on_one_sheet_of_a4(release: Release, drawings: Drawings, browser: Any) -> None:
    from selenium.webdriver.common.print_page_options import PrintOptions

    paper = PrintOptions()
    paper.page_width, paper.page_height = 21.0, 29.7
    pages = {}
    crowded = pages_of(swollen(release.contents), drawings)["statement.html"]
    for name, page in {"one": (release.folder / "statement.html").read_bytes(), "crowded": crowded}.items():
        browser.open(page)
        pages[name] = sheets(base64.b64decode(browser.driver.print_page(paper)))
    browser.open((release.folder / "methods.html").read_bytes())
    assert sheets(base64.b64decode(browser.driver.print_page(paper))) > 1  # positive control: sheets are counted
    assert pages == {"one": 1, "crowded": 1}


def sheets(pdf: bytes) -> int:
    """Count the pages of a PDF: each has a box of its own, or the tree of pages says how many there are."""
    counts = [int(n) for n in re.findall(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)", pdf)]
    return max(counts, default=0)


def test_markup_in_the_words_of_a_study_is_text(release: Release, drawings: Drawings) -> None:
    facts = dataclasses.replace(release.contents.facts, title="<script>alert(1)</script> \x1b[2J ${x}")
    files = pages_of(dataclasses.replace(release.contents, facts=facts), drawings)
    assert b"<script>alert" not in files["statement.html"]
    assert b"\x1b" not in files["statement.html"] + files[STATEMENT]
    assert inspect_bytes(STATEMENT, files[STATEMENT]) == ()


# --- the least certain number, by hand --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    released: ClassVar[bool] = True


def table(frame: dict[str, list[Any]], title: str = "Verdicts") -> Table:
    return Table("verdicts", title, pd.DataFrame(frame), Shown())


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        # (4 - 1) / 2 = 1.5 and (0.9 - 0.1) / 0.4 = 2: the second is the wider one, though the shorter one
        (("Ratio", [2.0, 0.4], [1.0, 0.1], [4.0, 0.9]), "0.4, between 0.1 and 0.9: Ratio of B (Verdicts)."),
        (("Ratio", [2.0, 0.4], [1.9, 0.1], ["no limit", 9.0]), "2, between 1.9 and no limit: Ratio of A (Verdicts)."),
        (("Ratio", [5.0, 0.0], [1.0, 0.0], [9.0, 0.1]), "0, between 0 and 0.1: Ratio of B (Verdicts)."),
        (("Ratio", ["not defined", 1.0], ["-", 1.0], ["-", 1.0]), "1, between 1 and 1: Ratio of B (Verdicts)."),
        (("WDD", [-27.0, 94.0], [-52.0, 63.0], [-0.61, 120.0]), "-27, between -52 and -0.61: WDD of A (Verdicts)."),
    ],
)
def test_the_widest_interval_relative_to_its_value_is_named(rows: tuple[Any, ...], said: str) -> None:
    frame = {"Zone": ["A", "B"], **dict(zip((rows[0], "Low", "High"), rows[1:], strict=True))}
    lines = list(least_certain([table(frame)], rounded=False))
    assert lines[0] == "Counts are as published and carry no interval of ours."
    assert lines[1] == f"The least certain estimate shown is {said}"


def test_without_any_interval_nothing_is_said_of_one() -> None:
    assert (
        list(
            least_certain([table({"Zone": ["A"], "Ratio": ["not defined"], "Low": ["-"], "High": ["-"]})], rounded=True)
        )
        == []
    )


# --- the word that it never says --------------------------------------------------------------------------------------


def words_of(data: bytes, name: str) -> str:
    if name.endswith(".xlsx"):
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            return " ".join(book.read(part).decode("utf-8", "replace") for part in book.namelist())
    return data.decode("utf-8", "replace")


def test_no_file_of_a_release_calls_anything_anonymous(release: Release) -> None:
    files = {path.name: words_of(path.read_bytes(), path.name) for path in release.folder.rglob("*") if path.is_file()}
    assert len(files) > 40
    assert [name for name, words in files.items() if CLAIM.search(words)] == []
    assert "statement" in files["manifest.json"]  # the search does look inside


def claims(source: str) -> list[str]:
    """Return the texts of a module that hold the word, but for the level of consent."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    said = (text for text in texts if isinstance(text, str) and text not in CONSENT)
    return [text for text in said if CLAIM.search(LEVEL.sub("", text))]


def test_no_message_of_the_packages_calls_anything_anonymous() -> None:
    modules = [path for package in PACKAGES for path in package.rglob("*.py")]
    templates = [path for package in PACKAGES for path in package.rglob("*.j2")]
    assert len(modules) > 100
    assert [path.name for path in modules if claims(path.read_text())] == []
    assert [path.name for path in templates if CLAIM.search(path.read_text())] == []
    assert claims('say(f"the data are Anonymised, {x}")') == ["the data are Anonymised, "]  # it can fail


# --- signed -----------------------------------------------------------------------------------------------------------


def test_the_release_of_a_study_can_be_signed_as_it_is_written(release: Release, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(release.folder, tmp_path / "out"))
    facts = json.loads((folder / "manifest.json").read_text())
    assert facts["periods"]["after"] == ["2024-04-01", "2025-01-01"]
    assert approve(folder, "Ada Lovelace").state == "approved"
    page = (folder / "index.html").read_bytes()
    (folder / "index.html").write_bytes(page.replace(b"people", b"People", 1))
    assert standing(folder).state == "void"
