"""What did the four sources record in Marlhaven, and what is the truth behind it?"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from .canaries import canary_list, plant_contacts, plant_incidents, reserve_people
from .files import write_files
from .layout import make_layout
from .people import Sample, make_people
from .sources import make_arrests, make_contacts, make_incidents, settle
from .truth import make_truth

__all__ = ["Town", "make_town", "write_town"]

EXTRA = {"incidents_scheme": ["notes", "police_ref"]}  # columns of the partner's that we never read


@dataclass(frozen=True, eq=False)
class Town:
    """A synthetic town, in our column names; nobody in it exists.

    Parameters
    ----------
    seed : int
        What it was drawn from.
    contacts, incidents_scheme, incidents_police, arrests : DataFrame
        Rows about people, times as datetime64; incidents_scheme also carries ``notes`` and ``police_ref``.
    services : DataFrame
        Eight services with hours, capacity, eligibility and languages.
    areas : GeoDataFrame
        40 small areas: code, name, district, residents, addresses; EPSG:27700, whole metres.
    districts : DataFrame
        code, name, zone (treated, ring, comparison).
    truth : dict
        What was planted, what came of it, and where the canaries are; as truth.json.
    """

    seed: int
    contacts: pd.DataFrame = field(repr=False)
    incidents_scheme: pd.DataFrame = field(repr=False)
    incidents_police: pd.DataFrame = field(repr=False)
    arrests: pd.DataFrame = field(repr=False)
    services: pd.DataFrame = field(repr=False)
    areas: gpd.GeoDataFrame = field(repr=False)
    districts: pd.DataFrame = field(repr=False)
    truth: dict[str, Any] = field(repr=False)


def make_town(seed: int = 0) -> Town:
    """Draw Marlhaven from a seed; the same seed gives the same town.

    Parameters
    ----------
    seed : int, default 0
        The committed files are seed 0. Geometry, places, people and rows all follow from it; names, zones, rates and
        the planted changes do not: they are in plan.toml.

    Returns
    -------
    Town
    """
    plan = tomllib.loads(Path(__file__).with_name("plan.toml").read_text(encoding="utf-8"))
    # One stream each, so that changing a rate in one source leaves the others as they were.
    ground, crowd, met, hurt, held, lost = np.random.default_rng([plan["town"]["salt"], seed]).spawn(6)
    layout = make_layout(ground, plan)
    sample = Sample(met, layout, plan, reserve_people(make_people(crowd, layout, plan), plan))
    contacts = plant_contacts(sample, make_contacts(sample))
    violence, *incidents = make_incidents(replace(sample, rng=hurt))
    scheme, police = plant_incidents(*incidents)
    arrests = make_arrests(replace(sample, rng=held))
    drawn = {"contacts": contacts, "incidents_scheme": scheme, "incidents_police": police, "arrests": arrests}
    rows = {name: settle(lost, frame) for name, frame in drawn.items()}
    truth = {"seed": seed, **make_truth(sample, rows, violence), "canaries": canary_list(rows, sample)}
    frames = {name: _tidy(frame[[*plan["columns"][name], *EXTRA.get(name, [])]]) for name, frame in rows.items()}
    services = layout.services[list(plan["columns"]["services"])]
    return Town(seed, **frames, services=services, areas=layout.areas, districts=layout.districts, truth=truth)


def write_town(town: Town, folder: Path | str) -> list[Path]:
    """Write a town as its partners would have sent it, and truth.json.

    Parameters
    ----------
    town : Town
    folder : path
        Made if it is not there; files of the same names are replaced.

    Returns
    -------
    list of Path
        contacts.csv (UTF-8 with a byte order mark, British dates), incidents_scheme.csv (Latin-1, ISO dates),
        incidents_police.csv (British dates), arrests.csv (ISO dates), services.csv, districts.csv, areas.geojson
        (EPSG:4326, RFC 7946) and truth.json. Headers are the partners', as ``truth["columns"]`` lists them.
    """
    frames = {name: getattr(town, name) for name in town.truth["columns"]}
    return write_files(frames, town.areas, town.districts, town.truth, Path(folder))


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Give texts, numbers and dates one type each."""
    types = {name: "str" for name in frame.columns if name not in ("start", "end", "x", "y")}
    return frame.astype({**types, "x": "Int64", "y": "Int64"}).reset_index(drop=True)
