"""One part of a study released alone: its pages, its tables and nothing that leads elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from commonground.dashboard import run_study
from commonground.dashboard.contents import PARTS
from commonground.disclosure.ledger import Ledger
from commonground.release.approval import attack_release
from commonground.study import load_study

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ALWAYS = {"index.html", "methods.html", "statement.html"}
OF_A_PART = {
    "displacement": {
        "displacement.html",
        "maps/contacts.html",
        "tables/zones-contacts.csv",
        "charts/zones-contacts.png",
    },
    "needs": {"needs.html", "maps/services.html", "tables/gaps.csv"},
    "change": {"change.html", "charts/verdicts.svg", "tables/verdicts.csv"},
}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every part apart, and the whole, each with a ledger of its own."""
    folders = {}
    for name in (*PARTS, "whole"):
        place = tmp_path_factory.mktemp(name)
        shutil.copytree(
            SAMPLE, place / "study", ignore=shutil.ignore_patterns("*.ledger", "*.registration.json", "__pycache__")
        )
        run_study(load_study(place / "study"), place / "out", parts=PARTS if name == "whole" else (name,))
        folders[name] = place / "out"
    return folders


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_holds_its_own_files_and_none_of_the_others(released: dict[str, Path], part: str) -> None:
    found = names(released[part])
    others = set().union(*(files for other, files in OF_A_PART.items() if other != part))
    assert found >= ALWAYS | OF_A_PART[part]
    assert not found & others
    assert names(released["whole"]) >= ALWAYS | set().union(*OF_A_PART.values())


@pytest.mark.parametrize("part", PARTS)
def test_no_link_of_a_part_leads_to_a_page_that_is_not_there(released: dict[str, Path], part: str) -> None:
    for page in released[part].rglob("*.html"):
        links = re.findall(r'href="([^"#:]+\.(?:html|csv|xlsx))"', page.read_text())
        assert links
        assert [link for link in links if not (page.parent / link).resolve().is_file()] == []


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_shows_is_what_the_whole_shows(released: dict[str, Path], part: str) -> None:
    both = [name for name in names(released[part]) if name.startswith(("tables/", "charts/", "maps/"))]
    assert len(both) > 3
    assert [n for n in both if (released[part] / n).read_bytes() != (released["whole"] / n).read_bytes()] == []


def test_the_ledger_does_not_depend_on_what_was_shown(released: dict[str, Path]) -> None:
    kept = {name: Ledger(folder.parent / "study" / "study.ledger") for name, folder in released.items()}
    evaluated = {name: book.evaluated() for name, book in kept.items()}
    assert len(set(map(frozenset, evaluated.values()))) == 1
    assert evaluated["needs"] >= {"arrests", "reports", "police", "contacts"}


@pytest.mark.parametrize("part", PARTS)
def test_the_red_team_finds_nothing_in_a_part(released: dict[str, Path], part: str) -> None:
    assert not attack_release(released[part])


def test_the_first_page_of_a_part_says_nothing_of_the_others(released: dict[str, Path]) -> None:
    text = {part: (released[part] / "index.html").read_text() for part in PARTS}
    assert "What is missing" in text["needs"]
    assert "What changed" not in text["needs"]
    assert "What changed" in text["change"]
    assert "What is missing" not in text["change"]
    assert "Whether people moved" in text["displacement"]
