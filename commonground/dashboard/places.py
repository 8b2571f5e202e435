"""Which tables say where: by zone, by block, by area, and how each area changed?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.wording import known, place_names, span
from commonground.dashboard.zones import HALF_WIDTH, zone_label
from commonground.disclosure import Protected
from commonground.release.tables import Table
from mapping.change import area_change

__all__ = [
    "Change",
    "block_table",
    "by_month",
    "change_table",
    "month_table",
    "slug",
    "tidy_table",
    "zone_table",
    "zones_table",
]

OUTSIDE = "Outside the zones"
SMALLEST_P = 0.0001  # written for anything below it
MOST_NAMES = 4  # areas named in a row of a page; the files name all
Change = tuple[Table, str]
_RATIO = "after over before, each divided by the days observed"
_INDEPENDENT = "taking events as independent of each other; wider where the same people are met often"


def zone_table(contents: Contents, name: str) -> Table:
    """Return one set's values by zone and period, with the change a day observed."""
    shown, frame = contents.events[name], contents.movements[name].frame.copy()
    matched = shown.profile == "open"
    heads = {period: period.capitalize() for period in shown.periods}
    if matched:
        heads["before"] = "Same months a year before"
    columns: dict[str, Any] = {"Zone": [zone_label(zone) for zone in frame["zone"]]}
    columns |= {head: frame[period].astype("Int64") for period, head in heads.items()}
    definitions = {head: f"events, {span(shown.periods[period])}." for period, head in heads.items()}
    if not matched:
        columns["Each within"] = HALF_WIDTH * frame["blocks"]
        definitions["Each within"] = (
            "each number is a sum of rounded ones, and this far at most from the count when it was first published or "
            "last changed."
        )
    columns["Ratio of rates"] = [_limit(value) for value in frame["ratio"]]
    columns |= {name.capitalize(): [_limit(value) for value in frame[name]] for name in ("low", "high")}
    definitions |= {
        "Ratio of rates": f"{_RATIO}.",
        "Low": f"lower end of its 95 % interval, {_INDEPENDENT}.",
        "High": "upper end of it.",
    }
    title = f"{contents.labels[name]}: events by zone"
    notes = (contents.unmatched[name],) if name in contents.unmatched else ()
    return Table(
        f"zones-{slug(name)}",
        title,
        pd.DataFrame(columns),
        shown,
        notes,
        definitions,
        "not published",
    )


def block_table(contents: Contents, name: str) -> Table:
    """Return people (or, where nobody counted people, events) by block, one column a period; for reading on a page."""
    shown = contents.people.get(name, contents.events[name])
    unit = "people" if name in contents.people else "events"
    wide = shown.table()
    areas = shown.block_areas().reindex(wide.index)
    names, zones = contents.facts.area_names, _zone_of(contents)
    frame = pd.DataFrame({"Areas": [place_names(codes, names, most=MOST_NAMES) for codes in areas]})
    frame["Zone"] = [zones.get(str(block), OUTSIDE) for block in wide.index]
    for period in wide:
        frame[str(period).capitalize()] = wide[period].to_numpy()
    definitions = {str(period).capitalize(): f"{unit}, {span(shown.periods[str(period)])}." for period in wide}
    rows = shown.to_frame().dropna(subset=["value"])
    off = int((rows["high"] - rows["value"]).max()) if len(rows) else 0
    note = (
        f"Rounded to the nearest 5: each number is within {off} of the count when it was first published or last "
        f"changed, which was at least {shown.k}; later records move it only across a wide gap. "
        "A block of several areas does not say where in it anybody was."
    )
    title = f"{contents.labels[name]}: {unit} by block"
    return Table(f"blocks-{slug(name)}", title, frame, shown, (note,), definitions)


def tidy_table(contents: Contents, name: str, *, people: bool = False) -> Table:
    """Return one row a published cell, for loading elsewhere."""
    shown = (contents.people if people else contents.events)[name]
    unit = "people" if people else "events"
    frame = shown.to_frame()
    zones, names = _zone_of(contents), contents.facts.area_names
    frame["areas"] = [place_names(codes, names) for codes in frame["areas"]]
    frame["zone"] = [zones.get(str(block), OUTSIDE) for block in frame["block"]]
    rounded = ["low", "high"] if shown.profile != "open" else []
    definitions = {
        "block": "Code of the block: that of its first area.",
        "value": f"Distinct {unit}, rounded to the nearest 5." if rounded else "Events, as published.",
    }
    if rounded:
        definitions |= {"low": "Fewest that the value stands for.", "high": "Most that the value stands for."}
    title = f"{contents.labels[name]}: {unit} by block and period"
    kept = frame[["block", "areas", "zone", "period", "value", *rounded]]
    return Table(f"blocks-{slug(name)}-{unit}", title, kept, shown, (shown.summary(),), definitions)


def change_table(contents: Contents, name: str, *, larger: bool = False) -> Change | None:
    """Return, of published statistics, how each area changed, and the sentence that reads the table.

    Parameters
    ----------
    contents : Contents
    name : str
        Of a shown set of values.
    larger : bool
        By middle layer area (MSOA), of studies of lower layer areas (LSOA).
    """
    shown = contents.larger.get(name) if larger else contents.events[name]
    if shown is None or shown.profile != "open" or shown.blocks is None:
        return None
    counts = shown.table().astype("float64")
    found = area_change(
        counts["before"], counts["after"], shown.blocks, exposure=(shown.days["before"], shown.days["after"])
    )
    frame = found.to_frame().sort_values(["p_adjusted", "p"], kind="stable")
    seen = frame.dropna(subset=["n_before", "n_after"])
    unseen = [str(code) for code in frame.index.difference(seen.index)]
    scale = "MSOA" if larger else "LSOA" if name in contents.larger else "area"
    title = f"{contents.labels[name]}: change by {scale}"
    notes = [note for note in found.notes if "unobserved" not in note]
    if unseen:
        notes.append(f"Not observed in both periods: {place_names(unseen, contents.facts.area_names)}.")
    table_name = f"change-{slug(name)}{'-msoa' if larger else ''}"
    table = Table(table_name, title, _change_columns(seen, contents), shown, tuple(notes), _change_words(shown))
    return table, found.summary().splitlines()[0]


def zones_table(contents: Contents) -> Table:
    """Return which areas each zone holds."""
    names = contents.facts.area_names
    rows = [(zone_label(zone), place_names(codes, names, most=25)) for zone, codes in contents.facts.zones.items()]
    frame = pd.DataFrame(rows, columns=["Zone", "Areas"])
    return Table("zones", "Zones, as the study file declares them", frame, contents.registered)


def month_table(contents: Contents, name: str) -> Table | None:
    """Return published statistics by zone and month; None for protected records, which have no months."""
    shown = contents.monthly.get(name)
    if shown is None:
        return None
    frame = by_month(shown, contents.facts.zones).rename_axis("Month").reset_index()
    title = f"{contents.labels[name]}: events by zone and month"
    return Table(f"months-{slug(name)}", title, frame, shown, definitions={
        "Average comparison area": "mean of the comparison areas.",
    } if "Average comparison area" in frame else {}, symbol="not observed")  # fmt: skip


def by_month(shown: Protected, zones: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Add up published months by zone; a month that one of a zone's areas lacks is missing.

    Returns
    -------
    DataFrame
        One row a month; operation area, ring, and the mean of the comparison areas at one decimal.
    """
    table = shown.table().astype("float64")
    sums = {zone: table.reindex(list(codes)).sum(min_count=len(codes)) for zone, codes in zones.items()}
    lines = {zone_label(zone): sums.pop(zone) for zone in ("treated", "ring") if zone in sums}
    if sums:
        lines["Average comparison area"] = pd.DataFrame(sums).mean(axis=1, skipna=False).round(1)
    return pd.DataFrame(lines)


def slug(name: str) -> str:
    """Return a name for files and sheets."""
    return name.lower().replace("_", "-")


def _change_columns(seen: pd.DataFrame, contents: Contents) -> pd.DataFrame:
    names = contents.facts.area_names
    columns: dict[str, Any] = {"Area": [names.get(str(code), str(code)) for code in seen.index]}
    if any(names.get(str(code), str(code)) != str(code) for code in seen.index):
        columns["Code"] = [str(code) for code in seen.index]
    columns |= {
        "Same months a year before": seen["n_before"].astype("Int64").to_numpy(),
        "After": seen["n_after"].astype("Int64").to_numpy(),
        "Ratio of rates": [_limit(value) for value in seen["ratio"]],
        "Low": [_limit(value) for value in seen["low"]],
        "High": [_limit(value) for value in seen["high"]],
        "p, adjusted": [max(float(f"{value:.2g}"), SMALLEST_P) for value in seen["p_adjusted"]],
        "Neighbours": seen["cluster"].to_numpy(),
    }
    return pd.DataFrame(columns)


def _change_words(shown: Protected) -> dict[str, str]:
    return {
        "Same months a year before": f"events, {span(shown.periods['before'])}.",
        "After": f"events, {span(shown.periods['after'])}.",
        "Ratio of rates": f"{_RATIO}.",
        "Low": f"lower end of its exact 95 % interval, {_INDEPENDENT}.",
        "High": "upper end of it.",
        "p, adjusted": f"exact p, adjusted over the areas (Benjamini-Hochberg); {SMALLEST_P:g} is that or less.",
        "Neighbours": "whether the area and its neighbours rose or fell together (Gi*, false discovery rate 5 %).",
    }


def _zone_of(contents: Contents) -> dict[str, str]:
    return {code: zone_label(zone) for zone, codes in contents.facts.zones.items() for code in codes}


def _limit(value: Any) -> Any:
    if not known(value):
        return "not defined"
    return "no limit" if math.isinf(value) else float(f"{value:.3g}")
