"""Who is in Marlhaven, which sources know them, who moves, and where is each of them in a given month?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .layout import Floats, Ints, Layout, locate

__all__ = ["SOURCES", "Bools", "Sample", "chosen", "make_people", "person_codes"]

Bools = npt.NDArray[np.bool_]

SOURCES = ("outreach", "clinic", "scheme", "police")
SETTINGS = ("street", "off-street", "online")
LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"  # nothing that is read as another letter or digit
ROAMING = 0.1  # share of street records at another corner of the same district


@dataclass(frozen=True)
class Sample:
    """What every source needs to draw its rows.

    Parameters
    ----------
    rng : Generator
        A stream of randomness, used in a fixed order.
    layout : Layout
        The town.
    plan : mapping
        plan.toml.
    people : DataFrame
        As `make_people` returns.
    """

    rng: np.random.Generator
    layout: Layout
    plan: Mapping[str, Any]
    people: pd.DataFrame

    @property
    def months(self) -> pd.DatetimeIndex:
        """First days of the months."""
        return pd.date_range(self.plan["town"]["first_month"], periods=self.plan["town"]["months"], freq="MS")

    @property
    def started(self) -> Bools:
        """Months from the operation's start on."""
        return np.asarray(self.months >= pd.Timestamp(self.plan["operation"]["start"]))

    def each(self, key: str) -> Floats:
        """Monthly rate of something by district, as a column to set against months."""
        rates: Floats = self.layout.districts["zone"].map(self.plan["rates"][key]).to_numpy(dtype=np.float64)[:, None]
        return rates

    def known(self, source: str, *, moved: bool, settings: tuple[str, ...] = SETTINGS) -> list[Ints]:
        """Return by district the people there whom a source knows (where it knows none: everyone there).

        ``moved`` says whether those who move have done so. People set aside for canaries are in no pool.
        """
        people, districts = self.people, self.layout.places["district"].to_numpy()
        able = people["setting"].isin(settings) & people["canary"].isna()
        place = people["away"].where(people["moved"] & moved, people["home"]).to_numpy()
        pools = []
        for code in self.layout.districts["code"]:
            there = able & (districts[place] == code)
            met = there & people[f"known_{source}"]
            pools.append(np.flatnonzero(met if met.any() else there))
        return pools

    def draw(self, pool: Ints, size: int, *, evenly: bool = False) -> Ints:
        """Draw people from a pool, the more active more often, or evenly."""
        weight = np.ones(len(pool)) if evenly else self.people["activity"].to_numpy()[pool]
        return self.rng.choice(pool, size=size, p=weight / weight.sum())

    def describe(self, who: Ints, month: Ints) -> pd.DataFrame:
        """Return what follows from who and when: code, setting, groups, place, district, whether late at night."""
        place = self._place_of(who, month)
        person = self.people.iloc[who].reset_index(drop=True)
        rows = locate(self.rng, self.layout, place).assign(month=month)
        rows["person"] = person["code"]
        rows[["setting", "group", "group_language"]] = person[["setting", "group", "group_language"]]
        online = rows["setting"].eq("online")  # an area is known, a door is not
        rows = rows.astype({"x": "Int64", "y": "Int64"})
        rows.loc[online, ["x", "y"]] = pd.NA
        rows["premises"] = rows["premises"].mask(online)
        rows["district"] = self.layout.places["district"].to_numpy()[place]
        zone = rows["district"].map(self.layout.districts.set_index("code")["zone"])
        rows["late"] = rows["setting"].eq("street") & zone.ne("comparison")  # elsewhere street work is by day
        rows["canary"] = pd.Series(pd.NA, index=rows.index, dtype="str")
        return rows

    def moments(self, month: Ints, day: Ints, late: npt.ArrayLike) -> pd.Series:
        """Return civil times: 10:00 to 18:59, or late 20:00 to 00:59; never midnight or the hour the clocks change."""
        size = len(month)
        evening = np.where(
            self.rng.random(size) < 0.8, self.rng.integers(1200, 1440, size), self.rng.integers(5, 60, size)
        )
        minute = np.where(late, evening, self.rng.integers(600, 1140, size))
        return pd.Series(self.months[month] + pd.to_timedelta(day * 1440 + minute, unit="min")).reset_index(drop=True)

    def _place_of(self, who: Ints, month: Ints) -> Ints:
        """Row of ``places``: home, or where they moved to; now and then another corner of the same district."""
        people, places = self.people.iloc[who], self.layout.places
        gone = people["moved"].to_numpy() & self.started[month]
        place = np.where(gone, people["away"], people["home"]).astype(np.int64)
        corner = places["kind"].eq("corner").to_numpy()
        district = places["district"].to_numpy()
        roams = corner[place] & (self.rng.random(len(place)) < ROAMING)
        for code in self.layout.districts["code"]:
            here = roams & (district[place] == code)
            place[here] = self.rng.choice(np.flatnonzero(corner & (district == code)), size=here.sum())
        return place


def make_people(rng: np.random.Generator, layout: Layout, plan: Mapping[str, Any]) -> pd.DataFrame:
    """Draw everyone: where and how they work, who they are, which sources know them, and who moves.

    How visible a person is raises the odds with every source and the number of their contacts: the sources overlap
    more than independent ones would, which is what makes counting hidden people hard.
    """
    spec = plan["people"]
    number = layout.districts["code"].map(spec["number"])
    zone = np.repeat(layout.districts["zone"].to_numpy(), number)
    people = pd.DataFrame({"district": np.repeat(layout.districts["code"].to_numpy(), number)})
    people.insert(0, "code", person_codes(rng, len(people)))
    people["setting"] = [chosen(rng, spec["setting"][name], 1)[0] for name in zone]
    people["group"] = chosen(rng, spec["group"], len(people))
    people["group_language"] = chosen(rng, spec["language"], len(people))
    visible = rng.normal(size=len(people))
    people["activity"] = np.exp(0.5 * visible)
    for source in SOURCES:
        odds = people["setting"].map(plan["capture"][source]) + plan["capture"]["slope"] * visible
        people[f"known_{source}"] = rng.random(len(people)) < 1 / (1 + np.exp(-odds))
    pools = layout.places.groupby(["district", "kind"]).indices
    kind = np.where(people["setting"].eq("street"), "corner", "flat")
    people["home"] = [rng.choice(pools[at, what]) for at, what in zip(people["district"], kind, strict=True)]
    return _with_moves(rng, people, layout, plan["planted"]["moved_share"])


def person_codes(rng: np.random.Generator, number: int) -> list[str]:
    """Return distinct codes like K7Q2M9, the key that the partners share already."""
    codes: dict[str, None] = {}
    while len(codes) < number:
        pairs = zip(rng.integers(len(LETTERS), size=3), rng.integers(len(DIGITS), size=3), strict=True)
        codes["".join(LETTERS[a] + DIGITS[b] for a, b in pairs)] = None
    return list(codes)


def chosen(rng: np.random.Generator, shares: Mapping[str, float], size: int) -> npt.NDArray[np.object_]:
    """Draw words with these shares."""
    weight = np.array(list(shares.values()), dtype=np.float64)
    return rng.choice(np.array(list(shares), dtype=object), size=size, p=weight / weight.sum())


def _with_moves(rng: np.random.Generator, people: pd.DataFrame, layout: Layout, share: float) -> pd.DataFrame:
    """Move people until they make up the planted share of activity, among those outreach knows and among the rest."""
    treated = layout.districts.loc[layout.districts["zone"].eq("treated"), "code"]
    street = people["setting"].eq("street") & people["district"].isin(treated)
    able = people["home"].isin(layout.moves["home"])
    people["moved"] = False
    people["away"] = -1
    for known in (True, False):
        group = people[street & people["known_outreach"].eq(known)]
        order = group.loc[rng.permutation(group.index[able[group.index]])]
        reached = (order["activity"].cumsum() - order["activity"] / 2) / group["activity"].sum()
        for person in order.index[reached <= share]:
            ends = layout.moves.loc[layout.moves["home"].eq(people.loc[person, "home"]), "away"]
            people.loc[person, ["moved", "away"]] = [True, int(rng.choice(ends))]
    return people
