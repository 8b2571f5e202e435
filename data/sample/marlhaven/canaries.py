"""Which records are planted so that an attack on any output can look for them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from .layout import Layout
from .people import SOURCES, Sample

__all__ = ["PHONE", "UNIQUE", "canary_list", "plant_contacts", "plant_incidents", "reserve_people"]

PHONE = "07700 900143"  # of the range that Ofcom keeps for drama: it rings nobody
UNIQUE = {"setting": "off-street", "group": "trans and non-binary people", "group_language": "Mandarin"}
RESERVED = {  # label: district letter, people
    "lone person in an area": ("C", 1),
    "isolated road": ("G", 1),
    "one flat with twelve people": ("A", 12),
    "one person in seven months": ("F", 1),
    "unique combination": ("B", 1),
}
COPIED = ["record on a boundary", "midnight time", "phone number in notes"]  # ordinary records with one thing changed
AREA_KEYS = {
    "lone person in an area": "lone_person",
    "isolated road": "isolated_road",
    "one flat with twelve people": "one_flat",
    "one person in seven months": "seven_months",
}


def reserve_people(people: pd.DataFrame, plan: Mapping[str, Any]) -> pd.DataFrame:
    """Set people aside who are known only through the planted contacts, and make one combination unique."""
    people = people.assign(canary=pd.Series(pd.NA, index=people.index, dtype="str"))
    for label, (letter, number) in RESERVED.items():
        able = people["district"].eq(plan["districts"][letter][0]) & people["setting"].eq("off-street")
        people.loc[people.index[able][:number], "canary"] = label
    people.loc[people["canary"].notna(), [f"known_{source}" for source in SOURCES]] = False
    same = np.logical_and.reduce([people[name].eq(value) for name, value in UNIQUE.items()])
    people.loc[same, "group_language"] = "English"
    unique = people["canary"].eq("unique combination")
    people.loc[unique, list(UNIQUE)] = list(UNIQUE.values())
    return people


def plant_contacts(sample: Sample, contacts: pd.DataFrame) -> pd.DataFrame:
    """Add the planted contacts, and put a copy of an ordinary one on a boundary."""
    layout, start = sample.layout, pd.Timestamp("2022-05-12 13:20")
    kept = sample.plan["canary_areas"]
    flats = layout.places["kind"].eq("flat") & layout.places["district"].eq(sample.plan["districts"]["B"][0])
    x, y, area, key = layout.places.loc[flats, ["x", "y", "area", "key"]].to_numpy()[0]
    spots = {label: _spot(layout, kept[key], far=key == "isolated_road") for label, key in AREA_KEYS.items()}
    spots["unique combination"] = (int(x), int(y), area, key)
    visits = [  # label, which of its people, months after the first
        *(("lone person in an area", 0, month) for month in (10, 13)),
        ("isolated road", 0, 18),
        # Four visits each summer, three people met at each: only the one door gives the flat away.
        *(("one flat with twelve people", i, 12 * year + i // 3) for year in range(3) for i in range(12)),
        *(("one person in seven months", 0, month) for month in range(8, 15)),
        *(("unique combination", 0, month) for month in (8, 28)),
    ]
    rows = pd.DataFrame(
        [
            (
                label,
                sample.people.index[sample.people["canary"].eq(label)][i],
                start + pd.DateOffset(months=month),
                *spots[label],
            )
            for label, i, month in visits
        ],
        columns=["canary", "who", "start", "x", "y", "area", "premises"],
    )
    person = sample.people.iloc[rows["who"]].reset_index(drop=True)
    rows[["setting", "group", "group_language"]] = person[["setting", "group", "group_language"]]
    rows = rows.assign(person=person["code"], service="Lamplight Outreach", source="outreach", mode="in person")
    rows = rows.assign(issues="safety", outcome="unknown", event=[f"SC{i:%y%m%d}" for i in rows["start"]])
    rows["event"] += rows["canary"].map({label: f"-{i}" for i, label in enumerate(RESERVED)})
    return pd.concat([contacts, rows.drop(columns="who"), _on_boundary(sample, contacts)], ignore_index=True)


def plant_incidents(scheme: pd.DataFrame, police: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put a phone number into one note, and midnight (time unknown) on one crime the scheme did not pass on."""
    scheme, police = scheme.copy(), police.copy()
    note = scheme.index[scheme["start"] >= "2023-04-01"][0]
    scheme.loc[note, ["notes", "canary"]] = [f"Asks to be rung on {PHONE}, evenings only.", "phone number in notes"]
    crime = police.index[(police["start"] >= "2023-06-01") & police["report"].isna()][0]
    police.loc[crime, "start"] = police.loc[crime, "start"].normalize()
    police.loc[crime, "canary"] = "midnight time"
    return scheme, police


def canary_list(frames: Mapping[str, pd.DataFrame], sample: Sample) -> list[dict[str, Any]]:
    """Say where every canary is: the file, its data rows (1-based, header not counted), and what to look for."""
    found = []
    for label in [*RESERVED, *COPIED]:
        for name, rows in frames.items():
            at = np.flatnonzero(rows["canary"].eq(label).fillna(False))
            if len(at):
                seen = rows.iloc[at]
                found.append(
                    {
                        "canary": label,
                        "file": f"{name}.csv",
                        "rows": (at + 1).tolist(),
                        "people": sorted(seen["person"].dropna().unique().tolist()),
                        "area": seen["placed"].iloc[0],
                        "premises": seen["premises"].dropna().unique().tolist(),
                        "x": _number(seen["x"].iloc[0]),
                        "y": _number(seen["y"].iloc[0]),
                        **_detail(label, seen, sample.layout),
                    }
                )
    return found


def _spot(layout: Layout, code: str, *, far: bool) -> tuple[int, int, str, str]:
    """Return a point inside an area, or the one furthest from every corner and flat."""
    shape = layout.areas.set_index("code").geometry[code]
    point = shapely.point_on_surface(shape)
    if far:
        others = shapely.multipoints(layout.places[["x", "y"]].to_numpy(dtype=np.float64))
        point = max(shapely.points(shape.buffer(-60.0).exterior.coords), key=lambda end: end.distance(others))
    return round(point.x), round(point.y), code, f"F-9{code[2:]}"


def _on_boundary(sample: Sample, contacts: pd.DataFrame) -> pd.DataFrame:
    """Copy an ordinary contact to where two areas of its own district, and no third, share a vertex inside the town."""
    district = sample.plan["districts"]["A"][0]
    x, y, code = _shared_vertex(sample.layout.areas, district)
    able = contacts["district"].eq(district) & contacts["x"].notna() & contacts["start"].ge("2023-01-01")
    row = contacts[able].sort_values(["start", "event", "person"]).head(1)
    event = row["event"] + "-B"
    return row.assign(x=x, y=y, area=code, premises=None, event=event, canary="record on a boundary")


def _shared_vertex(areas: gpd.GeoDataFrame, district: str) -> tuple[int, int, str]:
    town = areas.union_all()
    holders: dict[tuple[float, float], list[str]] = {}
    for code, shape in zip(areas["code"], areas.geometry, strict=True):
        for vertex in set(shape.exterior.coords):
            holders.setdefault(vertex, []).append(code)
    inside = areas.loc[areas["district"].eq(district), "code"].tolist()
    shared = [
        (int(vertex[0]), int(vertex[1]), min(codes))
        for vertex, codes in holders.items()
        if len(codes) == 2 and set(codes) <= set(inside) and town.contains(shapely.Point(vertex))
    ]
    return min(shared)


def _number(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _detail(label: str, rows: pd.DataFrame, layout: Layout) -> dict[str, Any]:
    if label == "phone number in notes":
        return {"column": "notes", "text": PHONE}
    if label == "unique combination":
        return {"combination": UNIQUE}
    if label == "midnight time":
        return {"time": rows["start"].iloc[0].isoformat()}
    if label == "isolated road":
        others = shapely.multipoints(layout.places[["x", "y"]].to_numpy(dtype=np.float64))
        metres = shapely.Point(int(rows["x"].iloc[0]), int(rows["y"].iloc[0])).distance(others)
        return {"metres_to_nearest_other_place": round(metres)}
    return {}
