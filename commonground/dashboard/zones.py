"""What do published values say of the treated area, the ring around it and the comparison areas?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from commonground.disclosure import Protected
from commonground.disclosure.labels import ratio, significant
from evaluation.rates import rate_ratio

__all__ = ["Movement", "movement_of"]

MOST_APART = 12  # a ring of more areas is shown on the map and in the area table only


@dataclass(frozen=True)
class Movement:
    """Values of each zone by period, from published blocks, and the sentence that reads them.

    Parameters
    ----------
    frame : DataFrame
        One row a zone: zone, one column a period, ratio, low, high (after over before, a day observed).
    sentence : str
    in_ledger : bool
    """

    released: ClassVar[bool] = True

    frame: pd.DataFrame
    sentence: str
    in_ledger: bool


def movement_of(shown: Protected, zones: Mapping[str, Sequence[str]]) -> Movement:
    """Add up labels by zone and compare before with after.

    Parameters
    ----------
    shown : Protected
        Events by block and phase.
    zones : mapping of zone to area codes
        The first is treated; ``ring`` is the ring.

    Notes
    -----
    After over before, each divided by its observed days. A zone that is not a union of published blocks has no row of its
    own values: the sentence says so. Under the open profile counts are exact and so is the interval.
    """
    rows = []
    groups = _groups(zones, shown)
    others = [zone for zone in zones if zone not in ("treated", "ring")]
    if len(others) > 1:
        groups["all comparison areas"] = [code for zone in others for code in zones[zone]]
    published = {code for codes in shown.block_areas() for code in codes}
    for zone, codes in groups.items():
        values = {period: _value(shown, codes, period, published) for period in shown.periods}
        change = _change(shown, values.get("before"), values.get("after"))
        rows.append({"zone": zone, **values, **dict(zip(("ratio", "low", "high"), change, strict=True))})
    frame = pd.DataFrame(rows)
    return Movement(frame, _read(frame, shown), shown.in_ledger)


def _groups(zones: Mapping[str, Sequence[str]], shown: Protected) -> dict[str, Sequence[str]]:
    """Return the zones and, of published statistics, the ring's areas one by one: where in the ring matters."""
    groups: dict[str, Sequence[str]] = {}
    for zone, codes in zones.items():
        groups[zone] = codes
        if zone == "ring" and shown.profile == "open" and 1 < len(codes) <= MOST_APART:
            groups |= {f"ring: {code}": [code] for code in codes}
    return groups


def _value(shown: Protected, codes: Sequence[str], period: str, published: set[str]) -> int | None:
    if not set(codes) <= published:
        return None
    return shown.answer(codes, period).value


def _change(shown: Protected, before: int | None, after: int | None) -> tuple[float, float, float]:
    if before is None or after is None:
        return math.nan, math.nan, math.nan
    days = shown.days["before"], shown.days["after"]
    if shown.profile == "open":
        exact = rate_ratio(before, after, exposure=days)
        return exact.ratio, exact.low, exact.high
    found = ratio(before, after)
    if found is None:
        return math.nan, math.nan, math.nan
    scale = days[0] / days[1]
    point, low, high = (significant(part * scale) for part in found)
    return point, low, high


def _read(frame: pd.DataFrame, shown: Protected) -> str:
    """Read the treated zone and its ring together; movement is one explanation among several, and is said as one."""
    rows = frame.set_index("zone")
    treated = rows.loc["treated"]
    if "before" not in frame or pd.isna(treated["before"]):
        return "The operation area has too few people to be published apart, so nothing can be said of movement here."
    text = f"In the operation area {_words(treated)}"
    if "ring" not in rows.index:
        return f"{text}. No ring around it was declared, so movement next door cannot be seen."
    ring = rows.loc["ring"]
    if pd.isna(ring["before"]):
        return f"{text}. The ring around it has too few people to be published apart: cannot tell where they went."
    text = f"{text}; in the ring around it {_words(ring)}."
    fell = _below(treated["high"])
    rose = _above(ring["low"])
    if shown.kind == "arrests":
        return f"{text} Arrests measure where enforcement was, not where people were."
    if shown.kind == "incidents":
        return f"{text} These are reports: what happened times the share reported. They do not say where people were."
    if fell and rose:
        return f"{text} Fewer inside and more next door is what displacement looks like; it does not prove that people moved."
    if fell:
        return f"{text} Fewer inside without more next door: people may have moved further, indoors or out of contact."
    if rose:
        return f"{text} More next door without a clear fall inside; cannot tell whether people moved."
    return f"{text} Cannot tell whether people moved: the intervals hold both movement and none."


def _words(row: pd.Series) -> str:
    counts = (
        f"{row['before']:,.0f} before and {row['after']:,.0f} after" if not pd.isna(row["after"]) else "before only"
    )
    if pd.isna(row["ratio"]):
        return f"{counts} (no ratio can be given)"
    high = "no upper limit" if math.isinf(row["high"]) else f"{row['high']:.2g}"
    point = "infinitely many" if math.isinf(row["ratio"]) else f"{row['ratio']:.2g}"
    return f"{counts}: {point} times the rate before ({row['low']:.2g} to {high})"


def _below(value: float) -> bool:
    return not pd.isna(value) and value < 1


def _above(value: float) -> bool:
    return not pd.isna(value) and value > 1
