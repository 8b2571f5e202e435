"""Where is Marlhaven: its areas, its street corners and flats, its services, and where people moved to?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

__all__ = ["ROADSIDE", "Layout", "locate", "make_layout"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROADSIDE = 120.0  # metres; a contact is recorded at most this far from its corner
INSIDE = 60.0  # metres; corners and flats keep this far from an area's edge
CLOSE, FAR = 870.0, 1130.0  # metres to the nearest night service: within reach, or out of it even after ROADSIDE
SPREAD = 60.0  # metres; standard deviation of the distance moved
ROUNDING = 0.30  # 0 is a square town, 0.5 an ellipse


@dataclass(frozen=True)
class Layout:
    """The town without its people.

    Parameters
    ----------
    areas : GeoDataFrame
        code, name, district, residents, addresses, geometry; whole metres in EPSG:27700.
    districts : DataFrame
        code, name, zone.
    places : DataFrame
        Corners, arrivals (corners that people moved to) and flats: key, kind, x, y, area, district.
    moves : DataFrame
        home and away (rows of ``places``) and metres between them.
    services : DataFrame
        In our column names, with ``night``.
    """

    areas: gpd.GeoDataFrame
    districts: pd.DataFrame
    places: pd.DataFrame
    moves: pd.DataFrame
    services: pd.DataFrame


def make_layout(rng: np.random.Generator, plan: Mapping[str, Any]) -> Layout:
    """Draw the town's areas, places and services."""
    letters = list("".join(plan["town"]["map"]))
    codes = {letter: row[0] for letter, row in plan["districts"].items()}
    residents = rng.integers(1500, 3501, size=len(letters))
    addresses = np.clip(np.rint(residents / rng.uniform(2.25, 2.5, size=len(letters))), 600, 1500).astype(np.int64)
    areas = gpd.GeoDataFrame(
        {
            "code": [f"MH{i:02d}" for i in range(1, len(letters) + 1)],
            "name": plan["town"]["names"],
            "district": [codes[letter] for letter in letters],
            "residents": residents,
            "addresses": addresses,
        },
        geometry=_polygons(rng, plan["town"]),
        crs="EPSG:27700",
    )
    districts = pd.DataFrame(list(plan["districts"].values()), columns=["code", "name", "zone"])
    services = _services(areas, plan, codes)
    night = services.loc[services["night"], ["x", "y"]].to_numpy(dtype=np.float64)
    places = _places(rng, areas, plan, night)
    places, moves = _moves(rng, areas, places, plan, night)
    return Layout(areas, districts, places, moves, services)


def locate(rng: np.random.Generator, layout: Layout, place: Ints) -> pd.DataFrame:
    """Return x, y, area and premises of records at these places.

    Flats are exact. On the street a record lies up to `ROADSIDE` from the corner, unless that would take it into
    another district or within a metre of an area's edge: then it lies at the corner.
    """
    at = layout.places.iloc[place].reset_index(drop=True)
    corner = at["kind"].ne("flat").to_numpy()
    reach = np.minimum(np.abs(rng.normal(0.0, 50.0, size=len(at))), ROADSIDE)
    angle = rng.uniform(0.0, 2 * np.pi, size=len(at))
    x = np.rint(at["x"].to_numpy() + corner * reach * np.cos(angle))
    y = np.rint(at["y"].to_numpy() + corner * reach * np.sin(angle))
    area = at["area"].to_numpy(dtype=object)
    settled = ~corner
    inner = layout.areas.geometry.buffer(-1.0).to_numpy()
    for code, district, shape in zip(layout.areas["code"], layout.areas["district"], inner, strict=True):
        here = corner & (at["district"] == district).to_numpy() & shapely.contains_xy(shape, x, y)
        area[here] = code
        settled |= here
    return pd.DataFrame(
        {
            "x": np.where(settled, x, at["x"]).astype(np.int64),
            "y": np.where(settled, y, at["y"]).astype(np.int64),
            "area": area.astype(str),
            "premises": at["key"],
        }
    )


def _polygons(rng: np.random.Generator, town: Mapping[str, Any]) -> list[shapely.Polygon]:
    """Bend a lattice with wandering edges into a rounded outline; neighbours share every vertex."""
    rows, columns = len(town["map"]), len(town["map"][0])
    u, v = np.meshgrid(np.linspace(-1, 1, columns + 1), np.linspace(1, -1, rows + 1))
    u[:, 1:-1] += rng.uniform(-0.18, 0.18, size=u[:, 1:-1].shape) * 2 / columns
    v[1:-1, :] += rng.uniform(-0.18, 0.18, size=v[1:-1, :].shape) * 2 / rows
    sides: dict[tuple[int, int, int, int], Floats] = {}
    for r in range(rows + 1):
        for c in range(columns + 1):
            for down, right in ((0, 1), (1, 0)):
                if r + down > rows or c + right > columns:
                    continue
                outline = (down == 0 and r in (0, rows)) or (right == 0 and c in (0, columns))
                wander = (
                    np.zeros((2, 2)) if outline else rng.uniform(-0.09, 0.09, size=(2, 2)) * [2 / columns, 2 / rows]
                )
                ends = np.array([[u[r, c], v[r, c]], [u[r + down, c + right], v[r + down, c + right]]])
                between = ends[0] + np.array([[1 / 3], [2 / 3]]) * (ends[1] - ends[0]) + wander
                sides[r, c, r + down, c + right] = _bend(np.vstack([ends[:1], between, ends[1:]]), town)
    shapes = []
    for r in range(rows):
        for c in range(columns):
            ring = np.vstack(
                [
                    sides[r, c, r, c + 1],
                    sides[r, c + 1, r + 1, c + 1],
                    sides[r + 1, c, r + 1, c + 1][::-1],
                    sides[r, c, r + 1, c][::-1],
                ]
            )
            shape = shapely.Polygon(ring[np.any(ring != np.roll(ring, 1, axis=0), axis=1)])
            shapes.append(shapely.geometry.polygon.orient(shapely.normalize(shape)))  # as RFC 7946 wants it
    return shapes


def _bend(points: Floats, town: Mapping[str, Any]) -> Floats:
    u, v = points.T
    bent = np.column_stack([u * np.sqrt(1 - ROUNDING * v**2), v * np.sqrt(1 - ROUNDING * u**2)])
    metres: Floats = np.rint(np.array(town["corner"]) + (bent + 1) / 2 * np.array(town["size"]))
    return metres


def _services(areas: gpd.GeoDataFrame, plan: Mapping[str, Any], codes: Mapping[str, str]) -> pd.DataFrame:
    services = pd.DataFrame(plan["services"])
    where = []
    for at in services["at"]:
        shapes = areas.loc[areas["district"].eq(codes[at]) if at in codes else areas["code"].eq(at)]
        point = (
            shapely.point_on_surface(shapes.geometry.union_all()) if len(shapes) == 1 else shapes.union_all().centroid
        )
        inside = areas.loc[areas.contains(point), "code"]
        where.append((round(point.x), round(point.y), inside.iloc[0]))
    services[["x", "y", "area"]] = pd.DataFrame(where)
    return services.drop(columns="at")


def _near(points: Floats, night: Floats) -> Floats:
    """Return the distance in metres from each point to the nearest service open at night."""
    gaps: Floats = np.hypot(*(points[:, None, :] - night[None, :, :]).transpose(2, 0, 1)).min(axis=1)
    return gaps


def _suits(points: Floats, letter: str, plan: Mapping[str, Any], night: Floats) -> npt.NDArray[np.bool_]:
    """Keep night work within reach of a night service in the treated and ring districts, and out of it in the gap."""
    if letter == plan["planted"]["gap_district"]:
        return _near(points, night) > FAR
    if plan["districts"][letter][2] == "comparison":
        return np.ones(len(points), dtype=bool)
    return _near(points, night) < CLOSE


def _places(rng: np.random.Generator, areas: gpd.GeoDataFrame, plan: Mapping[str, Any], night: Floats) -> pd.DataFrame:
    """Draw corners and flats, dealt out over the areas of each district; areas kept for canaries get none."""
    kept = set(plan["canary_areas"].values())
    rows = []
    for letter, (code, _, zone) in plan["districts"].items():
        home = areas[areas["district"].eq(code) & ~areas["code"].isin(kept)]
        for kind, key in (("corner", "corners"), ("flat", "flats")):
            pools = []
            for area, shape in zip(home["code"], home.geometry, strict=True):
                west, south, east, north = shape.bounds
                draws = np.rint(rng.uniform((west, south), (east, north), size=(150, 2)))
                fits = shapely.contains_xy(shape.buffer(-INSIDE), draws[:, 0], draws[:, 1])
                draws = draws[fits & _suits(draws, letter, plan, night)] if kind == "corner" else draws[fits]
                if len(draws):
                    pools.append((area, draws))
            for i in range(plan["people"][key][zone]):
                area, draws = pools[i % len(pools)]
                x, y = draws[i // len(pools) % len(draws)]
                rows.append((kind, x, y, area, code))
    places = pd.DataFrame(rows, columns=["kind", "x", "y", "area", "district"])
    places.insert(0, "key", [f"{kind[0].upper()}-{i:03d}" for i, kind in enumerate(places["kind"], start=1)])
    return places


def _moves(
    rng: np.random.Generator, areas: gpd.GeoDataFrame, places: pd.DataFrame, plan: Mapping[str, Any], night: Floats
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add, for each treated corner, corners about the planted distance away in the ring's districts."""
    treated = [row[0] for row in plan["districts"].values() if row[2] == "treated"]
    ring = {letter: row[0] for letter, row in plan["districts"].items() if row[2] == "ring"}
    corners = places[places["kind"].eq("corner") & places["district"].isin(treated)]
    arrivals: list[tuple[str, float, float, str, str]] = []
    moves: list[tuple[int, int, float]] = []
    for home, start in zip(corners.index, corners[["x", "y"]].to_numpy(dtype=np.float64), strict=True):
        for letter, code in ring.items():
            metres = rng.normal(plan["planted"]["moved_metres"], SPREAD, size=(360, 1))
            angle = rng.uniform(0.0, 2 * np.pi, size=360)
            ends = np.rint(start + metres * np.column_stack([np.cos(angle), np.sin(angle)]))
            ends = ends[_suits(ends, letter, plan, night)]
            there = areas[areas["district"].eq(code)]
            for area, shape in zip(there["code"], there.geometry, strict=True):
                held = ends[shapely.contains_xy(shape.buffer(-INSIDE), ends[:, 0], ends[:, 1])]
                if len(held):
                    moves.append((home, len(places) + len(arrivals), float(np.hypot(*(held[0] - start)))))
                    arrivals.append(("arrival", float(held[0, 0]), float(held[0, 1]), area, code))
    found = pd.DataFrame(arrivals, columns=places.columns.drop("key"))
    found.insert(0, "key", [f"N-{i:03d}" for i in range(1, len(found) + 1)])
    return pd.concat([places, found], ignore_index=True), pd.DataFrame(moves, columns=["home", "away", "metres"])
