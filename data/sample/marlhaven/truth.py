"""What was planted in Marlhaven, and what came of it in these rows?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .people import SOURCES, Sample

__all__ = ["make_truth"]

ZONES = ("treated", "ring", "comparison")
PHASES = ("before", "during", "after")
CLOSED_YEAR = "2023"  # a window of twelve months in which nobody comes or goes, for counting hidden people


def make_truth(sample: Sample, rows: Mapping[str, pd.DataFrame], violence: pd.DataFrame) -> dict[str, Any]:
    """Return everything a test may hold a method against; plain types, ready for JSON."""
    plan, layout = sample.plan, sample.layout
    street = rows["contacts"][rows["contacts"]["setting"].eq("street")]
    counted = {
        "contacts": rows["contacts"],
        "street_contacts": street,
        "scheme_reports": rows["incidents_scheme"],
        "police_violence": rows["incidents_police"],
        "arrests": rows["arrests"],
    }
    return {
        "town": plan["town"]["name"],
        "note": "Synthetic. Nobody here exists; no record was derived from any person's.",
        "operation": plan["operation"],
        "phases": _phases(sample),
        "zones": {zone: layout.districts.loc[layout.districts["zone"].eq(zone), "code"].tolist() for zone in ZONES},
        "planted": plan["planted"],
        "rates": plan["rates"],
        "columns": plan["columns"],
        "people": _people(sample, rows),
        "counts": {name: _counts(sample, frame) for name, frame in counted.items()},
        "true_violence": {
            "months": [f"{month:%Y-%m}" for month in violence.index],
            **{code: violence[code].tolist() for code in violence.columns},
        },
        "displacement": _displacement(sample, street),
        "gap": _gap(sample, street),
    }


def _phases(sample: Sample) -> dict[str, list[str]]:
    first, last = sample.months[0], sample.months[-1] + pd.offsets.MonthBegin(1)
    start, end = sample.plan["operation"]["start"], sample.plan["operation"]["end"]
    return {"before": [f"{first:%Y-%m-%d}", start], "during": [start, end], "after": [end, f"{last:%Y-%m-%d}"]}


def _counts(sample: Sample, frame: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count rows with a place by district and by zone, in each phase."""
    districts = sample.layout.districts.set_index("code")["zone"]
    counts = {name: dict.fromkeys(PHASES, 0) for name in [*districts.index, *ZONES]}
    district = frame["placed"].map(sample.layout.areas.set_index("code")["district"])
    for (code, phase), n in Counter(zip(district, _phase_of(sample, frame["start"]), strict=True)).items():
        if code in districts.index:
            counts[code][phase] += n
            counts[districts[code]][phase] += n
    return counts


def _phase_of(sample: Sample, start: pd.Series) -> list[str]:
    bounds = [pd.Timestamp(low) for low, _ in _phases(sample).values()]
    return [PHASES[i] for i in np.searchsorted(np.array(bounds, dtype="datetime64[us]"), start, side="right") - 1]


def _people(sample: Sample, rows: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Count people, and those each source saw: the police as victims or by arrests for selling."""
    contacts, arrests = rows["contacts"], rows["arrests"]
    met = {
        "outreach": contacts[contacts["source"].eq("outreach")],
        "clinic": contacts[contacts["source"].eq("clinic")],
        "scheme": rows["incidents_scheme"],
        "police": pd.concat([rows["incidents_police"], arrests[arrests["role"].eq("selling")]]),
    }
    people = sample.people
    ever = pd.DataFrame({name: people["code"].isin(met[name]["person"]) for name in SOURCES})
    year = pd.DataFrame(
        {
            name: people["code"].isin(met[name].loc[met[name]["start"].dt.year.eq(int(CLOSED_YEAR)), "person"])
            for name in SOURCES
        }
    )
    anyone = ever.any(axis=1)
    groups = people.assign(seen=anyone, people=1).groupby(["setting", "group"])[["people", "seen"]].sum().reset_index()
    return {
        "all": len(people),
        "seen": {**ever.sum().astype(int).to_dict(), "any": int(anyone.sum())},
        f"seen_{CLOSED_YEAR}": {**year.sum().astype(int).to_dict(), "any": int(year.any(axis=1).sum())},
        "histories": _histories(ever),
        f"histories_{CLOSED_YEAR}": _histories(year),
        "groups": groups.to_dict(orient="records"),
    }


def _histories(seen: pd.DataFrame) -> dict[str, int]:
    """Count people by capture history: one digit a source, in the order outreach, clinic, scheme, police."""
    digits = seen.astype(int).astype(str).agg("".join, axis=1)
    return {str(name): int(n) for name, n in digits.value_counts().sort_index().items() if "1" in str(name)}


def _displacement(sample: Sample, street: pd.DataFrame) -> dict[str, Any]:
    """Say who moved and how far: the planted vectors, and the share of street contacts they make up."""
    people, places = sample.people, sample.layout.places
    moved = people[people["moved"]]
    treated = sample.layout.districts.loc[sample.layout.districts["zone"].eq("treated"), "code"]
    local = people.loc[people["district"].isin(treated), "code"]
    since = street[(street["start"] >= sample.plan["operation"]["start"]) & street["person"].isin(local)]
    vectors = [
        {
            "from": places.loc[home, "key"],
            "to": places.loc[away, "key"],
            "district": places.loc[away, "district"],
            "x0": int(places["x"].iloc[home]),
            "y0": int(places["y"].iloc[home]),
            "x1": int(places["x"].iloc[away]),
            "y1": int(places["y"].iloc[away]),
            "people": n,
        }
        for (home, away), n in sorted(Counter(zip(moved["home"], moved["away"], strict=True)).items())
    ]
    metres = [np.hypot(v["x1"] - v["x0"], v["y1"] - v["y0"]) for v in vectors for _ in range(v["people"])]
    return {
        "people": len(moved),
        "codes": sorted(moved["code"]),
        "mean_metres": round(float(np.mean(metres)), 1),
        "share_of_street_contacts_since_start": round(float(since["person"].isin(moved["code"]).mean()), 4),
        "vectors": vectors,
    }


def _gap(sample: Sample, street: pd.DataFrame) -> dict[str, Any]:
    """Say where night-time street need has nothing open within reach, and how near the nearest night service is."""
    planted, layout = sample.plan["planted"], sample.layout
    code = sample.plan["districts"][planted["gap_district"]][0]
    inside = street["placed"].isin(layout.areas.loc[layout.areas["district"].eq(code), "code"])
    hour = street["start"].dt.hour
    night = street[inside & ((hour >= 20) | (hour < 6)) & street["x"].notna()]
    open_late = layout.services[layout.services["night"]]
    across = night["x"].to_numpy(dtype=float)[:, None] - open_late["x"].to_numpy(dtype=float)
    along = night["y"].to_numpy(dtype=float)[:, None] - open_late["y"].to_numpy(dtype=float)
    return {
        "district": code,
        "slot": "night: 20:00 to 06:00",
        "reach_metres": planted["night_reach"],
        "night_services": open_late["name"].tolist(),
        "nearest_night_service_metres": round(float(np.hypot(across, along).min())),
        "located_street_contacts_at_night": {phase: _phase_of(sample, night["start"]).count(phase) for phase in PHASES},
    }
