"""Each sentence of the dashboard follows from a published number, and says no more."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commonground.dashboard.contents import Contents, compute
from commonground.dashboard.drawings import draw
from commonground.dashboard.findings import (
    bursts,
    cannot_say,
    displacement_line,
    findings,
    movement,
    needs_line,
    verdicts,
)
from commonground.dashboard.judged import checks_table, power_table, verdict_table, wdd_table
from commonground.dashboard.lacking import gap_table
from commonground.dashboard.pages import PAGES, pages_of
from commonground.dashboard.places import zone_table
from commonground.disclosure import Protected
from commonground.disclosure.protected import seal
from commonground.periods import Period
from commonground.study import load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"


@dataclasses.dataclass(frozen=True)
class Seen:
    """The sample town's contents and the files they are drawn as."""

    contents: Contents
    files: dict[str, str]

    def text(self, name: str) -> str:
        """The words of a page, without scripts, styles and pictures."""
        page = re.sub(r"<(script|style).*?</\1>", " ", self.files[name], flags=re.DOTALL)
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    place = tmp_path_factory.mktemp("findings") / "study"
    shutil.copytree(SAMPLE, place, ignore=shutil.ignore_patterns("*.ledger", "__pycache__"))
    contents = compute(load_study(place / "study.toml"))
    drawings = draw(contents)
    pages = pages_of(contents, drawings)
    files = {name: pages[name].decode() for name in PAGES}
    return Seen(contents, files | {name: view.html for name, view in drawings.maps.items()})


def test_at_most_three_findings_and_each_number_is_in_a_table(release: Seen) -> None:
    found = findings(release.contents)
    assert [finding.topic for finding in found] == ["What changed", "Whether people moved", "What is missing"]
    row = release.contents.registered.to_frame().set_index("outcome").loc["arrests"]
    arrests = next(line for line in found[0].lines if line.startswith("Arrests: "))
    assert f"{row['before']:,.0f} in the 24 months before, {row['after']:,.0f} in the 9 months after" in arrests
    assert row["verdict"] in arrests


def test_movement_is_read_from_contacts_and_tempered_by_the_stricter_test(release: Seen) -> None:
    lines = movement(release.contents)
    assert lines[0].startswith("Contacts with services. In the operation area, ")
    assert "what displacement looks like; it does not prove that people moved" in lines[0]
    judged = release.contents.registered.to_frame().set_index("outcome").at["contacts", "verdict"]
    assert any("cannot be told" in line for line in lines[1:]) == judged.startswith("cannot tell")
    assert displacement_line(release.contents).startswith("Contacts with services. In the operation area ")


def test_the_largest_gap_is_the_first_row_of_the_list(release: Seen) -> None:
    table = gap_table(release.contents)
    assert table is not None
    first = table.frame.iloc[0]
    assert f"{first['People, fewest']} to {first['People, most']} people" in needs_line(release.contents)
    assert f"The largest of {len(table.frame)} gaps" in needs_line(release.contents)


def test_what_cannot_be_said_names_every_outcome_that_cannot_be_told(release: Seen) -> None:
    line = next(line for line in cannot_say(release.contents) if line.startswith("Whether these changed"))
    unsure = [one.label for one in verdicts(release.contents) if one.verdict.startswith("cannot tell")]
    assert unsure
    assert all(label in line for label in unsure)
    assert cannot_say(release.contents)[0] == release.contents.facts.limits[0]


def test_power_stands_before_every_p(release: Seen) -> None:
    page = release.text("change.html")
    assert page.index("What could have been seen") < page.index("p, all outcomes") < page.index("p, exact test")
    assert list(power_table(release.contents).frame) == [
        "Outcome", "Months before", "Months after", "Judged together", "Smallest fall seen", "Smallest rise seen",
    ]  # fmt: skip


def test_no_cell_says_confidential_where_it_means_unknown(release: Seen) -> None:
    tables = [power_table, verdict_table, checks_table, wdd_table]
    for table in filter(None, [make(release.contents) for make in tables]):
        assert not table.frame.isna().to_numpy().any()
    assert "[c]" not in release.text("change.html")


def test_every_number_column_has_its_definition_in_sight(release: Seen) -> None:
    for table in (
        verdict_table(release.contents),
        zone_table(release.contents, "contacts"),
        gap_table(release.contents),
    ):
        assert table is not None
        numbers = {name for name in table.frame if any(isinstance(v, int | float) for v in table.frame[name])}
        assert numbers <= set(table.definitions)
    page = release.files["displacement.html"]
    assert "<strong>Ratio of rates</strong>: after over before" in page
    assert 'class="definitions"' not in page


def test_every_map_leads_back_to_pages_that_are_there(release: Seen) -> None:
    maps = [name for name in release.files if name.startswith("maps/")]
    assert maps
    for name in maps:
        links = re.findall(r'<li><a href="([^"]+)"', release.files[name])
        assert len(links) == 2
        assert all(link.startswith("../") and link.removeprefix("../") in release.files for link in links)


def test_the_map_and_the_table_of_zones_give_the_operation_area_one_ratio(release: Seen) -> None:
    row = zone_table(release.contents, "contacts").frame.set_index("Zone").loc["Operation area"]
    held = re.search(r'id="map-data">(.*?)</script>', release.files["maps/contacts.html"], re.DOTALL)
    assert held
    words = json.loads(held[1])["layers"][-1]["labels"]
    assert f"{row['Ratio of rates']:.2f} times ({row['Low']:.2f} to {row['High']:.2f})" in words


def test_titles_have_ten_words_or_fewer(release: Seen) -> None:
    for page in release.files.values():
        heading = re.search(r"<h1>(.*?)</h1>", page)
        assert heading
        assert len(html.unescape(heading[1]).split()) <= 10


def test_words_are_respectful(release: Seen) -> None:
    words = " ".join(release.text(name) for name in PAGES).lower()
    assert not re.findall(r"\b(?:prostitutes?|targets?|cases|vulnerable females?|punters?)\b", words)
    assert "people in sex work" in words


def monthly(counts: dict[str, list[int]], start: str = "2013-10") -> tuple[Protected, Protected]:
    """Published months of areas, and the year after beside the year before."""
    months = pd.period_range(start, periods=12, freq="M")
    days = {str(month): float(month.days_in_month) for month in months}
    spans = {str(month): Period(month.start_time, (month + 1).start_time) for month in months}

    def made(rows: list[Any], periods: dict[str, Period], observed: dict[str, float]) -> Protected:
        return Protected(
            kind="incidents", count="events", profile="open", k=0, periods=periods, days=observed, by=(), zones={},
            tree_digest="", sources=("police",), citations=("published",), as_of=pd.Timestamp("2024-03-01"),
            people_known=False, in_ledger=True,
            rows=tuple(rows), seal=seal(),
        )  # fmt: skip

    by_month = [
        (c, (c,), str(m), (), n, n, n) for c, values in counts.items() for m, n in zip(months, values, strict=True)
    ]
    phases = {"before": Period("2012-10-01", "2013-10-01"), "after": Period("2013-10-01", "2014-10-01")}
    whole = [(c, (c,), p, (), n, n, n) for c, v in counts.items() for p, n in (("before", 0), ("after", sum(v)))]
    return made(by_month, spans, days), made(whole, phases, dict.fromkeys(phases, 365.0))


def with_months(contents: Contents, counts: dict[str, list[int]]) -> Contents:
    by_month, whole = monthly(counts)
    facts = dataclasses.replace(
        contents.facts,
        profile="open",
        area_names={"wf": "Waltham Forest"},
        zones={"treated": ("r",), "ring": ("wf",), "far": ("x",)},
    )
    return dataclasses.replace(
        contents, facts=facts, monthly={"s": by_month}, events={"s": whole}, judged_by={"s": "arrests"}
    )


def test_a_month_with_most_of_the_year_is_called_a_burst(release: Seen) -> None:
    # Waltham Forest, recorded soliciting from October 2013 (field.md, no. 22): 66 in twelve months, 55 in December.
    counts = {
        "r": [0, 0, 16, 1, 9, 7, 1, 1, 1, 0, 2, 1],
        "wf": [0, 11, 55, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        "x": [0, 0, 99, *[0] * 9],
    }
    assert bursts(with_months(release.contents, counts), "s") == [
        "55 of Waltham Forest's 66 after the start fall in one month, December 2013: a burst of enforcement there and "
        "no movement of people."
    ]


@pytest.mark.parametrize("year", [[6, *[0] * 11], [20, 21, *[0] * 10], [0] * 12])
def test_few_or_spread_events_are_no_burst(year: list[int], release: Seen) -> None:
    contents = with_months(release.contents, {"r": year, "wf": [1] * 12, "x": [0] * 12})
    assert len(bursts(contents, "s")) == (1 if year[:2] == [20, 21] and 21 >= 0.5 * 41 else 0)


def test_protected_records_have_no_months_and_so_no_bursts(release: Seen) -> None:
    assert not release.contents.monthly
    assert bursts(release.contents, "contacts") == []
