"""How would each partner have written its file?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

__all__ = ["write_files"]

ENCODING = {"contacts": "utf-8-sig", "incidents_scheme": "latin-1"}
DATES = {
    "contacts": "%d/%m/%Y %H:%M",
    "incidents_scheme": "%Y-%m-%dT%H:%M",
    "incidents_police": "%d/%m/%Y %H:%M",
    "arrests": "%Y-%m-%d %H:%M",
}
# National Grid to WGS 84 by the published seven-parameter shift (EPSG:1314, good to some metres): spelt out, because a
# machine with the OSTN15 grid installed would otherwise choose it and write other bytes.
TO_DEGREES = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy "
    "+step +proj=push +v_3 +step +proj=cart +ellps=airy "
    "+step +proj=helmert +x=446.448 +y=-125.157 +z=542.06 +rx=0.15 +ry=0.247 +rz=0.842 +s=-20.489 "
    "+convention=position_vector "
    "+step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


def write_files(
    frames: Mapping[str, pd.DataFrame],
    areas: gpd.GeoDataFrame,
    districts: pd.DataFrame,
    truth: Mapping[str, Any],
    folder: Path,
) -> list[Path]:
    """Write every file of the town; the same town gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {}
    for name, frame in frames.items():
        headed = frame.rename(columns=truth["columns"][name])
        text = headed.to_csv(index=False, lineterminator="\n", date_format=DATES.get(name))
        texts[f"{name}.csv"] = text.encode(ENCODING.get(name, "utf-8"))
    texts["districts.csv"] = districts.to_csv(index=False, lineterminator="\n").encode()
    texts["areas.geojson"] = _geojson(areas).encode()
    texts["truth.json"] = (json.dumps(truth, indent=1, ensure_ascii=False) + "\n").encode()
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in texts]


def _geojson(areas: gpd.GeoDataFrame) -> str:
    """Return RFC 7946 text: WGS 84 at six decimals, outer rings counterclockwise, one area a line."""
    move = pyproj.Transformer.from_pipeline(TO_DEGREES)
    lines = []
    for area in areas.itertuples():
        lon, lat = move.transform(*np.asarray(area.geometry.exterior.coords).T)
        ring = [[round(float(a), 6), round(float(b), 6)] for a, b in zip(lon, lat, strict=True)]
        feature = {
            "type": "Feature",
            "properties": {
                "code": area.code,
                "name": area.name,
                "district": area.district,
                "residents": int(area.residents),
                "addresses": int(area.addresses),
            },
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        lines.append(json.dumps(feature, separators=(",", ":")))
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
