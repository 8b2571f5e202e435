"""The synthetic town: is the planted truth in the rows?"""

from __future__ import annotations

import datetime
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from opening_hours import OpeningHours

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SEEDS = range(8)
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


def zones(town: Any, frame: pd.DataFrame) -> pd.Series:
    """Give each row its zone, by its area code or else its point: treated, ring, or the comparison district."""
    area = frame["area"].copy()
    lost = frame["area"].isna() & frame["x"].notna()
    points = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(frame.loc[lost, "x"].astype(float), frame.loc[lost, "y"].astype(float)),
        index=frame.index[lost],
        crs=27700,
    )
    joined = points.sjoin(town.areas[["code", "geometry"]], predicate="intersects")["code"]
    area.update(joined[~joined.index.duplicated()])
    district = area.map(town.areas.set_index("code")["district"])
    zone = district.map(town.districts.set_index("code")["zone"])
    return zone.where(zone.ne("comparison"), district)


def monthly(towns: list[Any], name: str, where: str, query: str = "index == index") -> tuple[int, int]:
    """Count rows of all towns in a zone before the operation and since it began (24 and 12 months)."""
    before = since = 0
    for town in towns:
        frame = getattr(town, name)
        zone = zones(town, frame)
        here = zone.str.startswith("MD") if where == "comparison" else zone.eq(where)
        starts = frame[here.fillna(False).astype(bool)].query(query)["start"]
        before, since = before + int((starts < START).sum()), since + int((starts >= START).sum())
    return before, since


@pytest.mark.parametrize(
    ("name", "where", "query", "planted"),
    [
        ("contacts", "treated", "setting == 'street'", 0.7),
        ("contacts", "comparison", "setting == 'street'", 1.0),
        ("contacts", "comparison", "index == index", 1.0),
        ("incidents_scheme", "treated", "index == index", 0.6),
        ("incidents_scheme", "ring", "index == index", 0.6),
        ("incidents_scheme", "comparison", "index == index", 1.0),
        ("incidents_police", "treated", "index == index", 0.6),
        ("incidents_police", "comparison", "index == index", 1.0),
        ("arrests", "treated", "index == index", 5.0),
        ("arrests", "ring", "index == index", 1.0),
    ],
)
def test_rates_change_as_planted(towns: list[Any], name: str, where: str, query: str, planted: float) -> None:
    before, since = monthly(towns, name, where, query)
    error = np.sqrt(1 / before + 1 / since)  # Poisson, of the log ratio of all the towns together
    change = np.log((since / 12) / (before / 24))
    assert error < 0.09  # else the next line could not fail
    assert abs(change - np.log(planted)) < 3 * error
    assert planted == 1 or abs(change) > 3 * error


def test_what_the_treated_district_loses_the_ring_gains(towns: list[Any]) -> None:
    (t0, t1), (r0, r1) = (monthly(towns, "contacts", where, "setting == 'street'") for where in ("treated", "ring"))
    fall, gain = t0 / 24 - t1 / 12, r1 / 12 - r0 / 24
    error = np.sqrt(t0 / 24**2 + t1 / 12**2 + r0 / 24**2 + r1 / 12**2)
    assert fall - gain == pytest.approx(0, abs=3 * error)
    assert min(fall, gain) > 4 * error / np.sqrt(2)


def test_true_violence_does_not_change_and_far_exceeds_what_is_recorded(towns: list[Any]) -> None:
    for district in towns[0].districts["code"]:
        series = np.array([town.truth["true_violence"][district] for town in towns])
        assert series.shape == (len(SEEDS), 36)
        ratio = series[:, 24:].mean() / series[:, :24].mean()
        assert abs(np.log(ratio)) < 3 * np.sqrt(1 / series[:, 24:].sum() + 1 / series[:, :24].sum())
    for town in towns:
        true = sum(sum(town.truth["true_violence"][district]) for district in town.districts["code"])
        assert true > 2 * len(town.incidents_scheme) > 2 * len(town.incidents_police)


def test_people_moved_about_a_mile_as_their_contacts_show(towns: list[Any]) -> None:
    shares = []
    for town in towns:
        planted = town.truth["displacement"]
        street = town.contacts[town.contacts["setting"].eq("street") & town.contacts["x"].notna()]
        moved = street[street["person"].isin(planted["codes"])]
        old, new = (
            moved[(moved["start"] >= START) == since].groupby("person")[["x", "y"]].median() for since in (False, True)
        )
        both = (new - old).dropna().astype(float)
        step = np.hypot(both["x"], both["y"])
        assert len(both) >= 6
        assert step.median() == pytest.approx(1500, abs=150)
        assert planted["mean_metres"] == pytest.approx(1500, abs=75)
        assert set(zones(town, moved[moved["start"] >= START]).dropna()) == {"ring"}
        assert set(zones(town, moved[moved["start"] < START]).dropna()) == {"treated"}
        shares.append(planted["share_of_street_contacts_since_start"])
    assert np.mean(shares) == pytest.approx(0.30, abs=0.05)
    assert all(0.15 < share < 0.45 for share in shares)


def test_of_400_people_about_260_are_seen_and_sources_overlap(towns: list[Any]) -> None:
    for town in towns:
        selling = town.arrests[town.arrests["role"].eq("selling")]
        met = {name: set(rows["person"]) for name, rows in town.contacts.groupby("source")}
        met["scheme"] = set(town.incidents_scheme["person"].dropna())
        met["police"] = set(town.incidents_police["person"].dropna()) | set(selling["person"])
        seen = set.union(*met.values())
        people = town.truth["people"]
        assert people["all"] == 400
        assert people["seen"] == {**{name: len(met[name]) for name in met}, "any": len(seen)}
        assert len(seen) == pytest.approx(260, abs=25)
        assert sum(people["histories"].values()) == len(seen)
        assert min(len(a & b) for a in met.values() for b in met.values()) >= 20  # an overlap worth estimating from
        assert sum(group["people"] for group in people["groups"]) == 400
    others = town.arrests[town.arrests["role"].ne("selling")]["person"]
    assert not set(others) & seen


def test_truth_counts_are_what_a_careful_reader_counts(towns: list[Any]) -> None:
    for town in towns[:2]:
        for name, key in zip(ROWS, ["contacts", "scheme_reports", "police_violence", "arrests"], strict=True):
            rows = getattr(town, name)
            phase = pd.cut(rows["start"], [pd.Timestamp("2022"), START, RESUMED, pd.Timestamp("2025")], right=False)
            table = pd.crosstab(zones(town, rows), phase)
            for zone in table.index:
                assert table.loc[zone].tolist() == list(town.truth["counts"][key][zone].values()), (key, zone)


def cells(town: Any, name: str) -> Iterator[tuple[str, bool]]:
    """Say of each zone and phase whether it passes the partner rules of the gate."""
    rows = getattr(town, name)
    phase = pd.cut(rows["start"], [pd.Timestamp("2022"), START, RESUMED, pd.Timestamp("2025")], right=False)
    for (zone, _), cell in rows.groupby([zones(town, rows), phase], observed=True):
        people = cell["person"].nunique()
        passes = people >= 8
        for key in ("premises", "event"):
            passes &= cell[key].nunique() >= 3 and 2 * cell.groupby(key)["person"].nunique().max() <= people
        yield zone, bool(passes)


def test_counts_are_large_enough_to_publish_in_every_phase(towns: list[Any]) -> None:
    for town in towns:
        shown = {}
        for name in ("contacts", "arrests"):
            verdicts = list(cells(town, name))
            shown[name] = {zone for zone, _ in verdicts if [ok for at, ok in verdicts if at == zone] == [True] * 3}
        assert {"treated", "ring"} <= shown["contacts"]
        assert len(shown["contacts"]) >= 5
        assert "treated" in shown["arrests"]
        assert not {zone for zone in shown["arrests"] if zone.startswith("MD")}  # honest: arrests elsewhere are too few


def test_night_street_need_is_out_of_reach_in_one_district_only(towns: list[Any]) -> None:
    nights = [datetime.datetime(2024, 5, day, 23) for day in range(6, 13)]
    for town in towns:
        hours = town.services["hours"].map(lambda text: OpeningHours(text, country="GB"))
        late = town.services[hours.map(lambda times: any(times.is_open(night) for night in nights))]
        assert late["name"].tolist() == town.truth["gap"]["night_services"]
        street = town.contacts[town.contacts["setting"].eq("street")].dropna(subset=["x", "area"])
        night = street[(street["start"].dt.hour >= 20) | (street["start"].dt.hour < 6)]
        away = np.hypot(
            night["x"].to_numpy(float)[:, None] - late["x"].to_numpy(float),
            night["y"].to_numpy(float)[:, None] - late["y"].to_numpy(float),
        ).min(axis=1)
        district = night["area"].map(town.areas.set_index("code")["district"])
        gap = town.truth["gap"]["district"]
        assert away[district.eq(gap)].min() > 1000
        assert away[district.ne(gap)].max() <= 1000
        assert (district.eq(gap) & (night["start"] >= START)).sum() >= 15
        assert gap in town.truth["zones"]["ring"]


def test_times_avoid_midnight_the_changing_clock_and_second_meetings(towns: list[Any]) -> None:
    for town in towns:
        for name in ROWS:
            rows = getattr(town, name)
            moments = pd.concat([rows["start"], rows["end"]] if "end" in rows else [rows["start"]])
            assert not (moments.dt.hour == 1).any()  # does not exist, or exists twice, on two nights a year
            assert (moments == moments.dt.normalize()).sum() == (name == "incidents_police")
            assert moments.between("2022-01-01", "2025-01-01", inclusive="left").all()
            assert rows["start"].is_monotonic_increasing
        assert not town.contacts.duplicated(["person", "event"]).any()


def test_a_police_record_follows_only_from_full_consent(towns: list[Any]) -> None:
    for town in towns:
        passed = town.incidents_scheme.dropna(subset=["police_ref"])
        assert set(passed["consent"]) == {"full"}
        assert set(passed["police_ref"]) < set(town.incidents_police["event"])
        assert town.incidents_scheme["police_ref"].notna().eq(town.incidents_scheme["outcome"].ne("report only")).all()
