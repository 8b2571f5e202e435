"""The gap that was planted in the sample town: people at night, services by day (truth.json, gap)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from mapping.access import service_access, slot_access, straight_line_cost
from mapping.gaps import service_gap
from mapping.hours import slot_supply
from mapping.supply import group_supply

SAMPLE = Path(__file__).parent.parent / "data" / "sample"
SLOTS = {"day": "Mo-Su 06:00-20:00", "night": "Mo-Su 20:00-06:00"}


@pytest.fixture(scope="module")
def town() -> dict[str, Any]:
    areas = gpd.read_file(SAMPLE / "areas.geojson").to_crs(27700).set_index("code")
    services = pd.read_csv(SAMPLE / "services.csv").set_index("Service")
    contacts = pd.read_csv(SAMPLE / "contacts.csv", encoding="utf-8-sig")
    hour = pd.to_datetime(contacts["Contact date"], dayfirst=True).dt.hour
    night = contacts[contacts["Where they work"].eq("street") & ((hour >= 20) | (hour < 6))]
    people = night.groupby("Area code")["Client ID"].nunique().reindex(areas.index, fill_value=0)
    points = gpd.GeoSeries.from_xy(services["Easting"], services["Northing"], index=services.index, crs=27700)
    return {
        "truth": json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["gap"],
        "areas": areas,
        "services": services,
        "need": pd.DataFrame({"day": 0, "night": people}),
        "cost": straight_line_cost(areas, points),
    }


def test_the_planted_gap_is_found_at_night_and_hidden_by_a_map_that_is_blind_to_time(town: dict[str, Any]) -> None:
    services, truth = town["services"], town["truth"]
    supply = slot_supply(services, SLOTS, hours="Open", capacity="Places a week")
    assert sorted(supply.index[supply["night"] > 0]) == sorted(truth["night_services"])
    access = slot_access(town["need"], supply, town["cost"], reach=truth["reach_metres"])
    gaps = service_gap(town["need"], access, least=0.05).table
    district = gaps["area"].map(town["areas"]["district"])
    assert gaps["slot"].eq("night").all()
    assert district.eq(truth["district"]).sum() == 4
    assert gaps["people"][district == truth["district"]].sum() > gaps["people"].sum() / 2
    blind = service_access(town["need"]["night"], services["Places a week"], town["cost"], reach=truth["reach_metres"])
    assert not blind.unreached[town["areas"]["district"] == truth["district"]].any()


def test_services_of_the_town_that_are_not_for_men_are_not_counted_for_men(town: dict[str, Any]) -> None:
    supply = slot_supply(town["services"], SLOTS, hours="Open", capacity="Places a week")
    groups = {name: {"Who for": name} for name in ("women", "men")} | {"Thai speakers": {"Languages": "Thai"}}
    found = group_supply(town["services"], groups, supply)
    # services.csv: the drop-in is for women, the refuge line for women and trans and non-binary people
    assert found.accepts["women"].sum() == 8
    assert found.accepts.index[found.accepts["men"] == 0].tolist() == ["Lanyard Drop-in", "Wrenstow Refuge Line"]
    assert found.accepts.index[found.accepts["Thai speakers"] == 1].tolist() == [
        "Marlhaven Harbour Clinic",
        "Wrenstow Refuge Line",
    ]
