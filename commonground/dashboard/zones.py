"""What do published values say of the operation area, the ring around it and the comparison areas?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from commonground.dashboard.wording import known, months_of, times
from commonground.disclosure import Answer, Protected
from mapping.published import HALF_WIDTH, labels_in, rate_change

__all__ = ["ALL_COMPARISON", "HALF_WIDTH", "Movement", "movement_of", "zone_label"]

ALL_COMPARISON = "all comparison areas"
MOST_APART = 12  # a ring of more areas is shown on the map and in the area table only
_LABELS = {"treated": "Operation area", "ring": "Ring around it", ALL_COMPARISON: "All comparison areas"}
_ENFORCEMENT = "These numbers measure where enforcement was, not where people were."
_CAUTIONS = {
    "enforcement": _ENFORCEMENT,
    "arrests": _ENFORCEMENT,
    "incidents": "These are reports: what happened times the share reported. They do not say where people were.",
}


@dataclass(frozen=True, repr=False, eq=False)
class Movement:
    """Values of each zone by period, from published blocks, and the sentence that reads them.

    Parameters
    ----------
    frame : DataFrame
        One row a zone: zone, blocks, one column a period (missing where the zone is not published), ratio, low, high
        (after over before, a day observed).
    counts, short, meaning : str
        What was counted in each zone; the ratios alone; and what may be read from them.
    fell : bool
        Whether the interval of the operation area lies below 1.
    """

    frame: pd.DataFrame = field(repr=False)
    counts: str
    short: str
    meaning: str
    fell: bool

    @property
    def sentence(self) -> str:
        """Counts and what may be read from them."""
        return " ".join(part for part in (self.counts, self.meaning) if part)

    def __repr__(self) -> str:
        return f"Movement({len(self.frame)} zones)"


def movement_of(shown: Protected, zones: Mapping[str, Sequence[str]], *, reading: str = "") -> Movement:
    """Add up labels by zone and compare before with after.

    Parameters
    ----------
    shown : Protected
        Events by block and phase.
    zones : mapping of zone to area codes
        ``treated``, perhaps ``ring``, and the comparison areas.
    reading : {'contacts', 'incidents', 'enforcement'}, optional
        What the counts measure; by default what kind of records they are of. Only contacts say anything of where people
        were met.

    Returns
    -------
    Movement

    Notes
    -----
    After over before, each divided by its observed days. A zone that is not a union of published blocks has no values;
    the sentence says so. Ratio and interval are those of `mapping.published.rate_change`, as on the maps. They fail
    where seasons differ between the periods, and are too narrow where the same people are met often.
    """
    published = {code for codes in shown.block_areas() for code in codes}
    rows: list[dict[str, Any]] = []
    for zone, codes in _groups(zones, shown).items():
        found = {period: _answer(shown, codes, period, published) for period in shown.periods}
        blocks = max(map(labels_in, found.values()))
        values = {period: answer.value for period, answer in found.items()}
        rows.append({"zone": zone, "blocks": blocks, **values, **_change(shown, found)})
    by_zone = {str(row["zone"]): row for row in rows}
    fell = _below(by_zone["treated"]["high"])
    return Movement(pd.DataFrame(rows), *_read(by_zone, shown, reading or shown.kind), fell)


def zone_label(zone: str) -> str:
    """Return the words for a zone.

    Examples
    --------
    >>> zone_label("ring"), zone_label("ring: Newham"), zone_label("North side")
    ('Ring around it', 'Ring: Newham', 'Comparison: North side')
    """
    if zone.startswith("ring: "):
        return f"Ring: {zone.removeprefix('ring: ')}"
    return _LABELS.get(zone, f"Comparison: {zone}")


def _groups(zones: Mapping[str, Sequence[str]], shown: Protected) -> dict[str, Sequence[str]]:
    """Return the zones, all comparison areas together and, of published statistics, the ring's areas one by one."""
    groups: dict[str, Sequence[str]] = {}
    for zone, codes in zones.items():
        groups[zone] = codes
        if zone == "ring" and shown.profile == "open" and 1 < len(codes) <= MOST_APART:
            groups |= {f"ring: {code}": [code] for code in codes}
    others = [zone for zone in zones if zone not in ("treated", "ring")]
    if len(others) > 1:
        groups[ALL_COMPARISON] = [code for zone in others for code in zones[zone]]
    return groups


def _answer(shown: Protected, codes: Sequence[str], period: str, published: set[str]) -> Answer:
    return shown.answer(codes, period) if set(codes) <= published else Answer(None, None, None)


def _change(shown: Protected, found: Mapping[str, Answer]) -> dict[str, float]:
    unknown = Answer(None, None, None)
    days = (shown.days.get("before", 0.0), shown.days.get("after", 0.0))
    before, after = found.get("before", unknown), found.get("after", unknown)
    return rate_change(before, after, days, exact=shown.profile == "open")._asdict()


def _read(rows: Mapping[str, Mapping[str, Any]], shown: Protected, reading: str) -> tuple[str, str, str]:
    """Read the zones together; movement is one explanation among several, and is said as one."""
    treated, ring = rows["treated"], rows.get("ring")
    if not known(treated.get("before")):
        return "", "", "Too few people were seen in the operation area to publish it apart: nothing can be said of it."
    parts = [f"In the operation area, {_counts(treated, shown)}."]
    short = [f"In the operation area {_times(treated, shown)}"]
    if ring is not None and known(ring.get("before")):
        parts.append(f"In the ring around it, {_counts(ring, shown, short=True)}.")
        short.append(f"in the ring around it {_times(ring, shown)}")
    others = [name for name in rows if name not in ("treated", "ring") and not name.startswith("ring: ")]
    together = rows.get(ALL_COMPARISON) or (rows[others[0]] if len(others) == 1 else None)
    if together is not None and known(together.get("before")):
        parts.append(f"In the comparison areas, {_counts(together, shown, short=True)}.")
    return " ".join(parts), f"{'; '.join(short)}.", _meaning(treated, ring, reading)


def _counts(row: Mapping[str, Any], shown: Protected, *, short: bool = False) -> str:
    before, after = (_many(row.get(period)) for period in ("before", "after"))
    change = _times(row, shown)
    if short:
        if row["before"] == 0 and row["after"] == 0:
            return "none and none"
        return f"{before} and {after}: {change}"
    return f"{before} in {months_of(shown, 'before')} and {after} in {months_of(shown, 'after')}: {change}"


def _times(row: Mapping[str, Any], shown: Protected) -> str:
    return times(row["ratio"], row["low"], row["high"], 3 if shown.profile == "open" else 2)


def _meaning(treated: Mapping[str, Any], ring: Mapping[str, Any] | None, reading: str) -> str:
    if reading in _CAUTIONS:
        return _CAUTIONS[reading]
    if ring is None:
        return "No ring around it was declared, so movement next door cannot be seen."
    if not known(ring.get("before")):
        return "Too few people were seen in the ring around it to publish it apart: cannot tell where they went."
    fell, rose = _below(treated["high"]), ring["low"] > 1
    if fell and rose:
        return "Fewer inside and more next door is what displacement looks like; it does not prove that people moved."
    if fell:
        return "Fewer inside without more next door: people may have moved further, indoors or out of contact."
    if rose:
        return "More next door without a clear fall inside: cannot tell whether people moved."
    return "Cannot tell whether people moved: the intervals hold both movement and none."


def _many(value: Any) -> str:
    if not known(value):
        return "an unknown number"
    return "none" if value == 0 else f"{value:,.0f}"


def _below(value: float) -> bool:
    return known(value) and value < 1
