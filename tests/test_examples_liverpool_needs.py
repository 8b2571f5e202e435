"""What Liverpool's page on needs says of clinics and pharmacies, counted again without the package."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from commonground.dashboard.within_reach import WithinReach, find_within_reach
from commonground.study import Study, load_study

EXAMPLE = Path(__file__).parents[1] / "examples" / "liverpool" / "study.toml"
REACH = 1000.0
METRES = Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def study(real_data: Path) -> Iterator[Study]:
    before = os.environ.get("COMMONGROUND_DATA")
    os.environ["COMMONGROUND_DATA"] = str(real_data)
    yield load_study(EXAMPLE)
    if before is None:
        del os.environ["COMMONGROUND_DATA"]
    else:
        os.environ["COMMONGROUND_DATA"] = before


@pytest.fixture(scope="module")
def found(study: Study) -> WithinReach:
    return find_within_reach(study)


@pytest.fixture(scope="module")
def areas(real_data: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(real_data / "boundaries" / "lsoa_liverpool.geojson").set_index("LSOA11CD").to_crs(27700)


@pytest.fixture(scope="module")
def places(real_data: Path) -> dict[str, np.ndarray]:
    """Eastings and northings from the files themselves: every clinic and pharmacy with coordinates, repeats once."""
    text = (real_data / "services" / "nhs_clinics_2014.csv").read_bytes().decode("latin-1")
    lines = [line.split("\xac") for line in text.splitlines() if line.strip()]
    clinics = pd.DataFrame(lines[1:], columns=lines[0])
    clinics = clinics[["OrganisationID", "OrganisationName", "Longitude", "Latitude"]].drop_duplicates()
    pharmacies = pd.read_csv(real_data / "services" / "nhs_pharmacy_2020.csv", header=None)
    degrees = {"clinic": clinics[["Longitude", "Latitude"]], "pharmacy": pharmacies[[9, 8]].drop_duplicates()}
    assert not pharmacies.duplicated([0]).any()
    degrees["pharmacy"] = pharmacies[[9, 8]]
    numbers = {kind: table.apply(pd.to_numeric, errors="coerce").dropna() for kind, table in degrees.items()}
    return {kind: np.column_stack(METRES.transform(*table.to_numpy().T)) for kind, table in numbers.items()}


def near(areas: gpd.GeoDataFrame, points: np.ndarray) -> np.ndarray:
    start = areas.geometry.representative_point()
    gap = np.hypot(start.x.to_numpy()[:, None] - points[:, 0], start.y.to_numpy()[:, None] - points[:, 1])
    return np.asarray(gap <= REACH)


@pytest.mark.parametrize("kind", ["clinic", "pharmacy"])
def test_the_number_within_reach_of_each_area_is_that_of_straight_distances(
    found: WithinReach, areas: gpd.GeoDataFrame, places: dict[str, np.ndarray], kind: str
) -> None:
    counted = pd.Series(near(areas, places[kind]).sum(axis=1), areas.index)
    mine = found.counts[kind, "any time"]
    assert len(mine) == 298
    assert (mine - counted.reindex(mine.index)).abs().max() == 0


def test_the_areas_without_are_listed_by_kind_and_counted_in_the_sentence(
    found: WithinReach, areas: gpd.GeoDataFrame, places: dict[str, np.ndarray]
) -> None:
    none = {kind: set(areas.index[~near(areas, points).any(axis=1)]) for kind, points in places.items()}
    table = found.gaps.table
    assert {kind: set(rows["area"]) for kind, rows in table.groupby("kind")} == none
    assert "people" not in table
    assert set(table["slot"]) == {"any time"}
    assert found.sentence == (
        "Provision only: nobody's need was counted. "
        f"{len(none['clinic'])} of 298 areas have no clinic within 1,000 metres; "
        f"{len(none['pharmacy'])} of 298 areas have no pharmacy within 1,000 metres. Opening hours are not known."
    )


def test_services_across_the_boundary_count_and_are_said(
    found: WithinReach, areas: gpd.GeoDataFrame, places: dict[str, np.ndarray]
) -> None:
    city = areas.geometry.union_all()
    for kind, points in places.items():
        reached = near(areas, points).any(axis=0)
        inside = gpd.GeoSeries(gpd.points_from_xy(*points.T)).intersects(city).to_numpy()
        row = found.lists.set_index("kind").loc[kind]
        assert row["beyond"] == (reached & ~inside).sum() > 0
        assert row["inside"] == inside.sum()
        assert row["placed"] == len(points)


def test_residents_and_deprivation_stand_beside_an_area_and_move_no_count(
    study: Study, found: WithinReach, real_data: Path
) -> None:
    folder = real_data / "deprivation"
    people = pd.read_csv(folder / "population2019_lsoa11.csv").set_index("lsoa11_code")["total_population"]
    decile = pd.read_csv(folder / "imd2019_lsoa11.csv").set_index("lsoa11_code")["IMD_decile"]
    table = found.gaps.table.set_index("area")
    assert table["context_residents"].to_dict() == people.reindex(table.index).to_dict()
    assert table["context_deprivation"].to_dict() == decile.reindex(table.index).to_dict()
    assert study.needs is not None
    alone = find_within_reach(replace(study, needs=replace(study.needs, context=())))
    pd.testing.assert_frame_equal(alone.counts, found.counts)
    assert alone.sentence == found.sentence
