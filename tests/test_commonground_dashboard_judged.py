"""What the page says the ring is set against."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from commonground.dashboard.judged import ring_note

ZONES: dict[str, tuple[str, ...]] = {"treated": ("A",), "ring": ("B",), "North": ("C",), "West": ("D",)}


def note(*left_out: str, apart: tuple[str, ...] = ()) -> str:
    zones = {zone: codes for zone, codes in ZONES.items() if zone not in left_out}
    contents: Any = SimpleNamespace(facts=SimpleNamespace(zones=zones, for_ring=apart))
    return ring_note(contents)


def test_a_ring_is_set_against_the_same_areas_or_its_own() -> None:
    assert "are set against the same comparison areas" in note()
    assert "The ring is set against West, the operation area against the other comparison areas" in note(
        apart=("West",)
    )
    for said in (note(), note(apart=("West",))):
        assert "against nothing" not in said
        assert "a rise everywhere still looks like displacement in part" in said


def test_only_without_comparison_areas_is_it_set_against_nothing() -> None:
    assert "the ring is set against nothing" in note("North", "West")
    assert note("ring") == "No ring was declared, so displacement next door was not looked for."
