"""The synthetic town on disk: the same bytes from the same seed, areas that tile, every canary in its place."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from opening_hours import validate

from commonground.records import read_records

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SEEDS = range(3)
ROWS = ["contacts", "incidents_scheme", "incidents_police", "arrests"]
KINDS = dict(zip([*ROWS, "services"], ["contacts", "incidents", "incidents", "arrests", "services"], strict=True))
START, RESUMED = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-04-01")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_town_generator", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def towns(generator: ModuleType) -> list[Any]:
    return [generator.make_town(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return dict(json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8")))


def committed(name: str, truth: dict[str, Any]) -> pd.DataFrame:
    """Read a committed file under our names, without the package's own reader."""
    encoding = "latin-1" if name == "incidents_scheme" else "utf-8-sig"
    frame = pd.read_csv(SAMPLE / f"{name}.csv", encoding=encoding, dtype=str)
    frame = frame.rename(columns={theirs: ours for ours, theirs in truth["columns"][name].items()})
    british = name in ("contacts", "incidents_police")
    return frame.assign(start=pd.to_datetime(frame["start"], format="%d/%m/%Y %H:%M" if british else "ISO8601"))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(generator: ModuleType, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("once", "again", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        generator.write_town(generator.make_town(seed), folder)
    once, again, other = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert once == again
    assert {name for name in once if once[name] == other[name]} == {"districts.csv"}


def test_the_committed_files_are_a_fresh_generation_of_seed_0(
    generator: ModuleType, towns: list[Any], tmp_path: Path
) -> None:
    written = generator.write_town(towns[0], tmp_path)
    assert len(written) == 8
    for path in written:
        assert (SAMPLE / path.name).read_bytes() == path.read_bytes(), path.name
    assert sum(path.stat().st_size for path in written) < 1_500_000
    assert (tmp_path / "areas.geojson").stat().st_size < 150_000


def test_areas_tile_the_town_without_gap_or_overlap(towns: list[Any]) -> None:
    for town in towns:
        shapes = town.areas.geometry
        whole = shapely.union_all(shapes.to_numpy())
        assert len(town.areas) == 40
        assert shapes.is_valid.all()
        assert whole.geom_type == "Polygon"
        assert not whole.interiors
        assert shapes.area.sum() == pytest.approx(whole.area, rel=1e-12)
        assert town.areas["residents"].between(1500, 3500).all()
        assert town.areas["addresses"].between(600, 1500).all()
        assert whole.bounds[0] > 636_000  # 90 km east of the last land at this northing (Spurn, about 542 000)


def test_districts_are_whole_and_only_the_ring_touches_the_treated_district(towns: list[Any]) -> None:
    for town in towns:
        joined = town.areas.dissolve("district")
        zone = town.districts.set_index("code")["zone"]
        assert (joined.geom_type == "Polygon").all()
        assert (town.areas["district"].value_counts() == 5).all()
        treated = joined.loc[zone.index[zone.eq("treated")]].geometry.iloc[0]
        assert set(joined.index[joined.intersects(treated)]) == set(zone.index[zone.isin(["treated", "ring"])])


def test_the_boundary_file_follows_rfc_7946_and_neighbours_share_vertices(towns: list[Any]) -> None:
    rings = [
        feature["geometry"]["coordinates"][0]
        for feature in json.loads((SAMPLE / "areas.geojson").read_text())["features"]
    ]
    assert all(shapely.LinearRing(ring).is_ccw and ring[0] == ring[-1] for ring in rings)
    assert all(round(value, 6) == value for ring in rings for point in ring for value in point)
    read = gpd.read_file(SAMPLE / "areas.geojson")
    shapes = read.geometry.to_numpy()
    assert shapely.area(shapes).sum() == pytest.approx(shapely.union_all(shapes).area, rel=1e-9)
    moved = read.to_crs(27700).geometry.hausdorff_distance(towns[0].areas.geometry, align=False)
    assert moved.max() < 5  # 0.1 m by the same formula; a machine with the OSTN15 grid sees some metres


@pytest.mark.parametrize("name", ROWS)
def test_a_point_lies_in_the_area_its_row_names(towns: list[Any], name: str) -> None:
    for town in towns[:2]:
        rows = getattr(town, name).dropna(subset=["x", "area"])
        shapes = town.areas.set_index("code").geometry.loc[rows["area"]].to_numpy()
        assert len(rows) > 300
        assert shapely.contains_xy(shapes, rows["x"].astype(float), rows["y"].astype(float)).all()


def test_services_are_eight_of_known_kinds_with_valid_hours(towns: list[Any], truth: dict[str, Any]) -> None:
    services = towns[0].services
    needs = set(";".join(towns[0].contacts["issues"]).split(";"))
    assert len(needs) == 12
    assert len(services) == 8
    assert set(services["service"]) <= needs
    assert services["hours"].map(validate).all()
    who = set(";".join(services["eligibility"]).split(";"))
    assert who <= {"all", *(group["group"] for group in truth["people"]["groups"])}


def test_every_committed_file_reads_with_the_column_mapping_of_truth_json(truth: dict[str, Any]) -> None:
    for name, kind in KINDS.items():
        read = read_records(SAMPLE / f"{name}.csv", kind, columns=truth["columns"][name], crs="EPSG:27700")
        plain = pd.read_csv(SAMPLE / f"{name}.csv", encoding="latin-1")
        assert len(read) == len(plain)
        if kind != "services":
            assert (read.to_frame()["start"] == committed(name, truth)["start"]).all()
    assert (SAMPLE / "contacts.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with pytest.raises(UnicodeDecodeError):
        (SAMPLE / "incidents_scheme.csv").read_text(encoding="utf-8")


def test_every_canary_is_where_truth_json_says(towns: list[Any], truth: dict[str, Any]) -> None:
    found = {canary["canary"]: canary for canary in truth["canaries"]}
    assert len(found) == len(truth["canaries"]) == 8
    contacts = committed("contacts", truth)
    rows = {
        name: committed(canary["file"].removesuffix(".csv"), truth).iloc[[row - 1 for row in canary["rows"]]]
        for name, canary in found.items()
    }
    for name, canary in found.items():
        assert sorted(rows[name]["person"].dropna().unique()) == canary["people"], name

    lone = contacts[contacts["area"].eq(found["lone person in an area"]["area"])]
    assert lone.index.tolist() == rows["lone person in an area"].index.tolist()
    assert len(set(lone["person"])) == 1

    flat = contacts[contacts["area"].eq(found["one flat with twelve people"]["area"])]
    assert flat.index.tolist() == rows["one flat with twelve people"].index.tolist()
    assert (flat["person"].nunique(), flat["premises"].nunique()) == (12, 1)
    assert flat["event"].nunique() >= 3  # only the premises rule can hide it

    months = rows["one person in seven months"]["start"].dt.to_period("M")
    assert months.nunique() == len(months) == 7
    assert contacts["person"].isin(found["one person in seven months"]["people"]).sum() == 7

    road = found["isolated road"]
    other = contacts.drop(index=rows["isolated road"].index).dropna(subset=["x"])
    assert np.hypot(other["x"].astype(int) - road["x"], other["y"].astype(int) - road["y"]).min() > 400

    unique = found["unique combination"]
    same = contacts[np.logical_and.reduce([contacts[k].eq(v) for k, v in unique["combination"].items()])]
    assert same["person"].unique().tolist() == unique["people"]
    for key, value in unique["combination"].items():
        assert contacts.loc[contacts[key].eq(value), "person"].nunique() > 8  # only together do they tell


def test_changed_canaries_hold_what_truth_json_says(towns: list[Any], truth: dict[str, Any]) -> None:
    found = {canary["canary"]: canary for canary in truth["canaries"]}
    scheme, police = committed("incidents_scheme", truth), committed("incidents_police", truth)
    phone = found["phone number in notes"]
    assert scheme["notes"].str.contains(r"\d{5,}", na=False).sum() == 1
    assert re.search(r"07700 900\d{3}", scheme["notes"].iloc[phone["rows"][0] - 1])  # Ofcom's numbers for drama
    midnight = found["midnight time"]
    assert police["start"].iloc[midnight["rows"][0] - 1] == pd.Timestamp(midnight["time"])
    edge = found["record on a boundary"]
    row = committed("contacts", truth).iloc[edge["rows"][0] - 1]
    assert (int(row["x"]), int(row["y"]), pd.isna(row["area"])) == (edge["x"], edge["y"], True)
    touching = towns[0].areas[towns[0].areas.geometry.touches(shapely.Point(edge["x"], edge["y"]))]
    assert len(touching) == 2
    assert len(set(touching["district"])) == 1
