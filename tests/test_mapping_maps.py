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

from commonground.disclosure import Protected
from commonground.disclosure.protected import seal
from commonground.errors import NotReleasable
from commonground.periods import Period
from mapping.maps import access_map, change_map, phase_map, surface_map
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
