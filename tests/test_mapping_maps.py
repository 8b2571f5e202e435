"""Maps are drawn from protected values only, with classes fixed beforehand."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from commonground.dashboard.wording import number
from commonground.dashboard.zones import movement_of
from commonground.disclosure import Protected
from commonground.disclosure.protected import seal
from commonground.disclosure.spreading import spread_over
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.release.pages import Link
from mapping.maps import access_map, change_map, phase_map, spread_map, surface_map
from mapping.spread import spread_surface

PERIODS = {"before": Period("2022-01-01", "2024-01-01"), "after": Period("2024-04-01", "2025-01-01")}
NAMES = ["North", "Centre", "South </script>"]


def protected(values: Any = ((440, 130), (45, 25), (160, None)), **changes: Any) -> Protected:
    shapes = gpd.GeoDataFrame(
        {"name": NAMES},
        geometry=[box(400000 + 2000 * i, 300000, 402000 + 2000 * i, 302000) for i in range(3)],
        index=pd.Index(["a", "b", "c"], name="block"),
        crs=27700,
    )
    rows = [
        (block, (block,), period, (), value, value and value - 2, value and value + 2)
        for block, pair in zip("abc", values, strict=True)
        for period, value in zip(PERIODS, pair, strict=True)
    ]
    given: dict[str, Any] = {
        "kind": "contacts", "count": "events", "profile": "partner", "k": 8, "periods": PERIODS,
        "days": {"before": 730.5, "after": 274.0}, "by": (), "zones": {}, "tree_digest": "", "sources": ("outreach",),
        "citations": (), "as_of": pd.Timestamp("2025-06-30"), "people_known": True, "in_ledger": True, "blocks": shapes,
        "rows": tuple(rows), "seal": seal(),
    }  # fmt: skip
    if changes.get("profile") == "open":
        given |= {"people_known": False, "citations": ("Published tables",)}
    return Protected(**{**given, **changes})


def data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found.group(1))  # type: ignore[no-any-return]


def test_every_period_is_a_layer_with_its_label_interval_and_monthly_rate() -> None:
    layers = data(phase_map(protected(), title="Contacts", finding="Fewer.").html)["layers"]
    assert [layer["name"] for layer in layers] == ["Before", "After", "Change"]
    assert layers[0]["labels"][0] == "about 440 (438 to 442); 18 a month"  # 730.5 days are 24 months
    assert layers[1]["labels"][0] == "about 130 (128 to 132); 14 a month"  # 274 days are 9.0 months


def test_classes_are_of_rates_so_periods_of_different_length_can_be_compared() -> None:
    layers = data(phase_map(protected(), title="Contacts", finding="Fewer.").html)["layers"]
    assert layers[0]["classes"] == [3, 1, 2]  # 18, 1.9 and 6.7 a month, in 0 1 3 10 30
    assert layers[1]["classes"] == [3, 1, -1]  # 14, 2.8, hidden


def test_people_are_coloured_as_they_are_and_have_no_monthly_rate() -> None:
    layers = data(phase_map(protected(count="persons"), title="People", finding="Fewer.").html)["layers"]
    assert [layer["name"] for layer in layers] == ["Before", "After"]
    assert layers[0]["labels"][1] == "about 45 (43 to 47)"
    assert layers[0]["classes"] == [4, 3, 4]  # 440, 45, 160 in 0 10 20 40 80


def test_a_hidden_value_is_hatched_and_has_no_change() -> None:
    layers = data(phase_map(protected(), title="Contacts", finding="Fewer.").html)["layers"]
    assert layers[1]["labels"][2] == "Too few to show, or not observed"
    assert layers[2]["labels"][2] == "Too few to show, or not observed"
    assert layers[2]["classes"][2] == -1


def test_published_counts_are_written_without_about() -> None:
    shown = protected(profile="open", values=((0, 66), (16, 39), (1540, 1978)), citations=("Borough tables",))
    exact = tuple((*row[:5], row[4], row[4]) for row in shown.rows)
    page = phase_map(dataclasses.replace(shown, rows=exact, seal=seal()), title="Offences", finding="More.").html
    assert data(page)["layers"][0]["labels"] == ["0; 0 a month", "16; 0.67 a month", "1,540; 64 a month"]
    assert "Borough tables" in page


def test_the_switch_says_what_it_is_told() -> None:
    page = phase_map(protected(), title="Contacts", finding="Fewer.", names={"before": "Before, 2022 to 2023"}).html
    assert "Before, 2022 to 2023</label>" in page


def test_names_from_data_stay_text_and_nothing_is_requested() -> None:
    page = phase_map(protected(), title="Contacts", finding="Fewer.").html
    assert "South </script>" not in page
    assert not re.search(
        r'<[^>]+(?:src|href)="(?:https?:)?//', re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    )
    assert "default-src 'none'" in page


def test_the_change_map_has_the_one_layer_of_change() -> None:
    layers = data(change_map(protected(), title="Change", finding="Less.").html)["layers"]
    assert [layer["name"] for layer in layers] == ["Change"]
    assert re.fullmatch(r"0\.\d+ times \(0\.\d+ to 0\.\d+\)", layers[0]["labels"][0])


def test_access_is_the_mean_of_a_blocks_areas_per_hundred_people() -> None:
    access = pd.DataFrame({"day": [0.02, 0.6, 0.0], "night": [0.0, float("nan"), 0.0]}, index=["a", "b", "c"])
    layers = data(access_map(protected(), access, title="Services", finding="None by night.").html)["layers"]
    assert layers[0]["labels"] == ["2.0 places per 100 people", "60 places per 100 people", "none within reach"]
    assert layers[1]["labels"][1] == "Too few to show, or not observed"


def test_a_surface_names_the_block_each_square_lies_in() -> None:
    page = surface_map(
        spread_surface(protected(((440, 130), (45, 25), (160, 60)))), title="Shift", finding="West."
    ).html
    names = data(page)["names"]
    assert any(name.startswith("Centre, square S") for name in names)
    assert "weak evidence" in page


def test_the_same_values_give_the_same_bytes() -> None:
    assert phase_map(protected(), title="A", finding="B.").html == phase_map(protected(), title="A", finding="B.").html


def test_exact_values_are_not_drawn() -> None:
    with pytest.raises(NotReleasable, match="holds exact values"):
        phase_map(pd.DataFrame({"before": [3]}), title="Exact", finding="No.")  # type: ignore[arg-type]
    with pytest.raises(NotReleasable, match="holds exact values"):
        surface_map(object(), title="Exact", finding="No.")  # type: ignore[arg-type]


def test_blocks_without_shapes_are_not_drawn() -> None:
    with pytest.raises(NotReleasable, match="have no shapes"):
        phase_map(protected(blocks=None), title="None", finding="No.")


def test_a_change_needs_both_periods() -> None:
    only = {"before": PERIODS["before"]}
    rows = tuple(row for row in protected().rows if row[2] == "before")
    with pytest.raises(NotReleasable, match="nothing is published for after"):
        change_map(protected(periods=only, rows=rows), title="None", finding="No.")


def test_every_map_has_its_ways_back_and_none_without() -> None:
    shown = protected(((440, 130), (45, 25), (160, 60)))
    access = pd.DataFrame({"day": [0.1, 0.2, 0.3]}, index=["a", "b", "c"])
    words: dict[str, Any] = {"title": "A", "finding": "B."}
    over = spread_over(shown, gpd.GeoDataFrame(geometry=shown.blocks.geometry))  # type: ignore[union-attr]
    maps: list[Any] = [
        lambda **more: phase_map(shown, **words, **more),
        lambda **more: change_map(shown, **words, **more),
        lambda **more: access_map(shown, access, **words, **more),
        lambda **more: surface_map(spread_surface(shown), **words, **more),
        lambda **more: spread_map(over, **words, **more),
    ]
    for draw in maps:
        assert '<a href="../index.html">At a glance</a>' in draw(links=[Link("../index.html", "At a glance")]).html
        assert "<nav" not in draw().html


def test_numbers_spread_over_other_areas_say_so_and_are_coloured_as_people_are() -> None:
    shown = protected()
    halves = [box(400000 + 1000 * i, 300000, 401000 + 1000 * i, 302000) for i in range(6)]
    over = spread_over(shown, gpd.GeoDataFrame(geometry=halves, index=[f"h{i}" for i in range(6)], crs=27700))
    layers = data(spread_map(over, title="Halves", finding="Spread.").html)["layers"]
    assert [layer["name"] for layer in layers] == ["Before", "After"]
    assert layers[0]["labels"][:3] == ["about 220, spread from blocks"] * 2 + ["about 23, spread from blocks"]
    assert layers[0]["classes"] == [4, 4, 2, 2, 4, 4]  # 220, 22.5 and 80 in 0 10 20 40 80
    assert layers[1]["labels"][4] == "Too few to show, or not observed"
    assert ">Events, spread from blocks</h2>" in spread_map(over, title="Halves", finding="Spread.").html


VALUES = ((440, 130), (45, 25), (160, 60))


def map_and_table(values: Any, **changes: Any) -> list[tuple[str, Any]]:
    """What the change map writes of each block, beside the row of a zone that is just this block."""
    shown = protected(values, **changes)
    words = data(change_map(shown, title="Change", finding="Less.").html)["layers"][0]["labels"]
    frame = movement_of(shown, {"treated": ("a",), "ring": ("b",), "c": ("c",)}, reading="contacts").frame
    rows: list[Any] = frame.to_dict("records")
    return list(zip(words, rows, strict=True))


def test_the_map_and_the_table_of_zones_give_the_same_ratio_and_interval() -> None:
    for words, row in map_and_table(VALUES):
        point, low, high = (number(row[name]) for name in ("ratio", "low", "high"))
        assert words == f"{point} times ({low} to {high})"


def test_so_they_do_of_published_counts_zeros_among_them() -> None:
    open_rows = [
        (block, (block,), period, (), value, value, value)
        for block, pair in zip("abc", ((16, 39), (0, 66), (12, 0)), strict=True)
        for period, value in zip(PERIODS, pair, strict=True)
    ]
    found = map_and_table(VALUES, profile="open", rows=tuple(open_rows))
    (first, row), (second, rose), (third, fell) = found
    assert first == f"{number(row['ratio'], 3)} times ({number(row['low'], 3)} to {number(row['high'], 3)})"
    assert second == f"at least {number(rose['low'], 3)} times"
    assert third == f"at most {number(fell['high'], 3)} times"


def test_a_block_that_is_a_sum_of_labels_has_the_wider_interval_on_the_map_too() -> None:
    sums = tuple(
        (block, (block,), period, (), value, value - 6, value + 6)
        for block, pair in zip("abc", VALUES, strict=True)
        for period, value in zip(PERIODS, pair, strict=True)
    )
    _, (one, _), _ = map_and_table(VALUES)
    _, (three, row), _ = map_and_table(VALUES, rows=sums)
    assert three != one
    assert three == f"{number(row['ratio'])} times ({number(row['low'])} to {number(row['high'])})"
