"""Published displacement: zones first, the same blocks throughout, zone ratios the answer, maps weak evidence."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from commonground.dashboard.places import slug

WEAK = "weak evidence of movement"


def page(canary: Any, name: str = "displacement.html") -> str:
    """The words of a page, without scripts, styles and pictures."""
    text = re.sub(rb"<(script|style|svg).*?</\1>", b" ", canary.files()[name], flags=re.DOTALL).decode()
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def map_links(canary: Any, name: str) -> list[str]:
    """How the page on displacement leads to the maps of one set of values."""
    maps = (file for file in canary.files() if file.startswith("maps/") and slug(name) in file)
    found = [f'href="{file}"' for file in maps if f'href="{file}"'.encode() in canary.files()["displacement.html"]]
    assert found, name
    return found


def test_zones_are_declared_in_the_study_file_and_no_block_crosses_one(canary: Any) -> None:
    zones = canary.study.zones
    homes = {code: zone for zone, codes in zones.items() for code in codes}
    for name, shown in canary.contents.events.items():
        assert dict(shown.zones) == dict(zones), name
        for codes in shown.block_areas():
            assert len({homes.get(code, "outside") for code in codes}) == 1, name
    assert canary.contents.facts.zones == zones
    assert "The zones are declared in the study file" in page(canary)


def test_blocks_are_the_same_in_every_phase(canary: Any) -> None:
    assert any(len(shown.periods) > 1 for shown in canary.contents.events.values())
    for shown in [*canary.contents.events.values(), *canary.contents.people.values()]:
        frame = shown.to_frame()
        frame["areas"] = frame["areas"].map(tuple)
        blocks = [
            frozenset(part[["block", "areas"]].itertuples(index=False, name=None))
            for _, part in frame.groupby("period")
        ]
        assert len(blocks) == len(shown.periods)
        assert len(set(blocks)) == 1


def test_the_answer_is_the_ratio_of_zones_and_stands_before_any_map(canary: Any) -> None:
    text = page(canary)
    for name, movement in canary.contents.movements.items():
        told = " ".join(movement.sentence.split())
        assert told in text
        treated = movement.frame.set_index("zone").loc["treated"]
        if treated["ratio"] == treated["ratio"]:
            assert f"{treated['ratio']:g}" in told or f"{treated['ratio']:.2f}" in told
        raw = canary.files()["displacement.html"].decode()
        raw = raw[raw.index(f"<h2>{canary.contents.labels[name]}</h2>") :]
        linked = [raw.index(href) for href in map_links(canary, name)]
        assert raw.index("Ratio of rates") < min(linked), name


def test_every_map_of_a_change_says_that_it_is_weak_evidence(canary: Any) -> None:
    files = canary.files()
    maps = [
        name
        for name in files
        if name.startswith("maps/") and any(slug(one) in name for one in canary.contents.movements)
    ]
    assert maps
    for name in maps:
        text = html.unescape(files[name].decode())
        assert WEAK in text or "weak evidence: read changes from zones" in text, name


def test_no_page_carries_a_p_or_a_number_of_the_exact_report(canary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from commonground.dashboard import displacement_report, running

    def refuse(*args: Any, **options: Any) -> None:
        raise AssertionError("a release called the exact report")

    monkeypatch.setattr("commonground.dashboard.displacement.displacement_report", refuse)
    assert running.render(canary.contents) == {
        n: f for n, f in canary.files().items() if n in running.render(canary.contents)
    }
    monkeypatch.undo()
    surfaces = displacement_report(canary.study, permutations=19).surface
    assert surfaces
    said = " ".join(page(canary, name) for name in canary.files() if name.endswith(".html"))
    assert "family-wise" not in said
    assert not [one for one in surfaces.values() if f"{one.bandwidth:.3f}" in said]
