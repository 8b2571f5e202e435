"""What did outreach, the clinic, the reporting scheme and the police write down?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .layout import Ints
from .people import SETTINGS, Bools, Sample, chosen, person_codes

__all__ = ["make_arrests", "make_contacts", "make_incidents", "settle"]

SESSIONS = {"treated": 8, "ring": 6, "comparison": 4}  # outreach sessions a month in a district
CLINICS = 8  # clinic sessions a month
OTHERS = 350  # people arrested who are not in sex work: buyers, controllers, third parties


def make_contacts(sample: Sample) -> pd.DataFrame:
    """Draw the contacts of outreach and the clinic; a person is met at most once in a session."""
    rng, parts = sample.rng, []
    for source in ("outreach", "clinic"):
        # By where people worked before: those who move take their contacts with them.
        rate = np.broadcast_to(sample.each(source), (len(sample.layout.districts), len(sample.months)))
        parts.append(_people_met(sample, rng.poisson(rate), source, moving=False).assign(source=source))
    met = pd.concat(parts, ignore_index=True)
    rows = sample.describe(met["who"].to_numpy(), met["month"].to_numpy()).assign(source=met["source"])
    clinic = rows["source"].eq("clinic").to_numpy()
    rows["late"] &= ~clinic
    rows[["start", "event"]] = _sessions(sample, rows, clinic)
    rows.loc[clinic, ["x", "y"]] = pd.NA  # the clinic asks in which area people work, no more
    rows["premises"] = rows["premises"].mask(clinic)
    rows["service"] = np.where(clinic, "Marlhaven Harbour Clinic", "Lamplight Outreach")
    phone = rows["setting"].eq("off-street") & (rng.random(len(rows)) < 0.25)
    rows["mode"] = np.where(clinic, "in person", np.where(phone, "phone", "in person"))
    rows.loc[rows["setting"].eq("online") & ~clinic, "mode"] = "online"
    rows["issues"] = _issues(sample, len(rows))
    rows["outcome"] = chosen(rng, {"met": 0.45, "unmet": 0.35, "unknown": 0.20}, len(rows))
    return rows.drop_duplicates(["person", "event"], ignore_index=True)


def make_incidents(sample: Sample) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Draw true violence (months x districts), the scheme's reports of it, and the police's records of it."""
    districts, planted, rng = sample.layout.districts, sample.plan["planted"], sample.rng
    rate = sample.each("violence") * np.where(sample.started, planted["violence_factor"], 1.0)
    true = rng.poisson(rate)
    quieter = districts["zone"].ne("comparison").to_numpy()[:, None] & sample.started
    factor = np.where(quieter, planted["reporting_factor"], 1.0)
    to_scheme = rng.binomial(true, planted["scheme_share"] * factor)
    # A share of what the scheme does not hear of, so that it is the planted share of all violence.
    direct = planted["direct_share"] * factor / (1 - planted["scheme_share"] * factor)
    to_police = rng.binomial(true - to_scheme, direct)
    scheme = _with_consent(sample, _violence(sample, to_scheme, "scheme"))
    passed_on = scheme[scheme["recorded"]].assign(report=scheme["event"])
    police = pd.concat([_violence(sample, to_police, "police"), passed_on], ignore_index=True)
    police["event"] = [f"MC{i:05d}" for i in rng.permutation(len(police)) + 10_000]
    police["outcome"] = chosen(rng, sample.plan["crime"]["result"], len(police))
    result = police.dropna(subset=["report"]).set_index("report")
    scheme["police_ref"] = scheme["event"].map(result["event"])
    reached = scheme["event"].map(result["outcome"])
    scheme["outcome"] = np.where(scheme["recorded"], "recorded", "report only")
    scheme["outcome"] = reached.where(reached.isin(["charged", "convicted"]), scheme["outcome"])
    scheme["person"] = scheme["person"].mask(rng.random(len(scheme)) < 0.06)  # passed on by a friend, without a code
    police["person"] = police["person"].mask(rng.random(len(police)) < 0.15)
    truth = pd.DataFrame(true.T, columns=districts["code"].tolist(), index=sample.months)
    return truth, scheme.assign(source="Marlhaven Ugly Mugs"), police.assign(source="Marlhaven Police")


def make_arrests(sample: Sample) -> pd.DataFrame:
    """Draw arrests: of people known to the police, where they work, and of others who are not in sex work."""
    rng, plan = sample.rng, sample.plan
    raided = sample.layout.districts["zone"].eq("treated").to_numpy()[:, None] & sample.started
    counts = rng.poisson(sample.each("arrests") * np.where(raided, plan["planted"]["arrest_factor"], 1.0))
    met = _people_met(sample, counts, "police", evenly=True, settings=("street",))
    rows = sample.describe(met["who"].to_numpy(), met["month"].to_numpy())
    rows["role"] = chosen(rng, plan["crime"]["role"], len(rows))
    other = rows["role"].ne("selling").to_numpy()
    taken = set(sample.people["code"])
    codes = [code for code in person_codes(rng, OTHERS + 50) if code not in taken][:OTHERS]
    rows.loc[other, "person"] = rng.choice(np.array(codes, dtype=object), size=other.sum())
    rows.loc[other, "group"] = chosen(rng, {"men": 0.93, "women": 0.07}, other.sum())
    rows["offence"] = rows["role"].map(plan["crime"]["offence"])
    rows["outcome"] = chosen(rng, plan["crime"]["arrest_result"], len(rows))
    rows["event"] = [f"MA{i:05d}" for i in rng.permutation(len(rows)) + 30_000]
    rows["start"] = sample.moments(rows["month"].to_numpy(), rng.integers(0, 28, size=len(rows)), rows["late"])
    return rows.assign(source="Marlhaven Police")


def settle(rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by time and lose places as real extracts do; ``placed`` is the area a careful reader still finds.

    1.5 % lose coordinates and area, 8 % only coordinates, 5 % only the area. Canaries lose nothing (but the
    one on a boundary has no area, so that it must be placed).
    """
    rows = rows.sort_values(["start", "event", "person"], kind="stable", ignore_index=True)
    draw = np.where(rows["canary"].isna(), rng.random(len(rows)), 1.0)
    rows["placed"] = rows["area"].mask(draw < 0.015)
    rows.loc[draw < 0.095, ["x", "y"]] = pd.NA
    lost = (draw >= 0.095) & (draw < 0.145) & rows["x"].notna()
    rows["area"] = rows["placed"].mask(lost | rows["canary"].eq("record on a boundary").fillna(False))
    return rows


def _people_met(
    sample: Sample,
    counts: Ints,
    source: str,
    *,
    moving: bool = True,
    evenly: bool = False,
    settings: tuple[str, ...] = SETTINGS,
) -> pd.DataFrame:
    """Draw who is behind counts by district and month.

    Contacts are more often with the more active; violence and arrests fall evenly on those whom the source knows.
    Without ``moving`` people are taken by where they worked before the operation.
    """
    parts = []
    for since in (False, True):
        months = np.flatnonzero(sample.started == since)
        for district, pool in enumerate(sample.known(source, moved=since and moving, settings=settings)):
            month = np.repeat(months, counts[district, months])
            parts.append(pd.DataFrame({"who": sample.draw(pool, len(month), evenly=evenly), "month": month}))
    return pd.concat(parts, ignore_index=True)


def _sessions(sample: Sample, rows: pd.DataFrame, clinic: Bools) -> pd.DataFrame:
    """Give each contact a session of its district and month, or of the clinic: its key and a time on its day."""
    rng, districts = sample.rng, sample.layout.districts
    days = rng.random((len(districts) + 1, len(sample.months), 28)).argsort(axis=2)
    most = rows["district"].map(districts.set_index("code")["zone"]).map(SESSIONS).to_numpy()
    slot = rng.integers(0, np.where(clinic, CLINICS, most))
    place = np.where(clinic, len(districts), pd.Index(districts["code"]).get_indexer(rows["district"]))
    month = rows["month"].to_numpy()
    start = sample.moments(month, days[place, month, slot], rows["late"])
    event = [f"S{p}{m:02d}{s}" for p, m, s in zip(place, month, slot, strict=True)]
    return pd.DataFrame({"start": start, "event": event}, index=rows.index)


def _issues(sample: Sample, size: int) -> list[str]:
    """Draw one to three needs a contact, without repeats (Efraimidis and Spirakis 2006: largest u ** (1 / weight))."""
    names = np.array(list(sample.plan["issues"]))
    weight = np.array(list(sample.plan["issues"].values()), dtype=np.float64)
    order = np.argsort(-(sample.rng.random((size, len(names))) ** (1 / weight)), axis=1)
    many = sample.rng.choice([1, 2, 3], size=size, p=[0.5, 0.35, 0.15])
    return [";".join(names[sorted(row[:k])]) for row, k in zip(order, many, strict=True)]


def _violence(sample: Sample, counts: Ints, source: str) -> pd.DataFrame:
    met = _people_met(sample, counts, source, evenly=True)
    rows = sample.describe(met["who"].to_numpy(), met["month"].to_numpy())
    rows["start"] = sample.moments(
        rows["month"].to_numpy(), sample.rng.integers(0, 28, size=len(rows)), rows["setting"].eq("street")
    )
    rows["offence"] = chosen(sample.rng, sample.plan["crime"]["violence"], len(rows))
    return rows


def _with_consent(sample: Sample, scheme: pd.DataFrame) -> pd.DataFrame:
    """Add what only the scheme's worker writes: a number, a span of time, consent, a note."""
    rng, planted, size = sample.rng, sample.plan["planted"], len(scheme)
    full = planted["full_consent"]
    scheme["event"] = [f"R{i:05d}" for i in rng.permutation(size) + 20_000]
    hours = np.where(rng.random(size) < 0.25, rng.integers(2, 60, size=size), 0)  # "some time that weekend"
    end = scheme["start"] + pd.to_timedelta(hours, unit="h")
    scheme["end"] = end + pd.to_timedelta(np.where(end.dt.hour.isin([0, 1]) & (hours > 0), 2, 0), unit="h")
    shares = {"full": full, "anonymous": (1 - full) / 2, "none": (1 - full) / 2}
    scheme["consent"] = chosen(rng, shares, size)
    scheme["recorded"] = scheme["consent"].eq("full") & (rng.random(size) < planted["recorded_share"])
    scheme["notes"] = rng.choice(np.array(sample.plan["notes"]["choices"], dtype=object), size=size)
    return scheme
