"""Which tables does a study publish, and what does each column mean?"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.provision import ANY
from commonground.release.tables import Table
from mapping.change import area_change

__all__ = [
    "COUNT_COLUMNS", "areas_table", "change_table", "coverage_table", "gap_table", "kinds_table", "tables_of", "verdict_table", "wdd_table",
    "zone_label", "zone_table",
]  # fmt: skip

# Columns of any table that hold counts: the attack looks for small ones in them.
COUNT_COLUMNS = frozenset({"value", "Before", "During", "After", "Ring before", "Ring after", "People affected"})
ZONES = {"treated": "Operation area", "ring": "Ring around it", "all comparison areas": "All comparison areas"}
_VERDICT_COLUMNS = {
    "label": ("Outcome", "What was counted."),
    "verdict": ("Verdict", "Change shown, no change that matters, or cannot tell."),
    "smallest_fall": ("Smallest fall seen", "Ratio at or below which a fall would be seen four times in five."),
    "smallest_rise": ("Smallest rise seen", "Ratio at or above which a rise would be seen four times in five."),
    "months_before": ("Months before", "Months compared before the operation."),
    "months_after": ("Months after", "Months compared after it."),
    "ratio": ("Ratio", "Events after, over what the months before and the comparison areas lead one to expect."),
    "low": ("Low", "Lower end of the 95 % interval of the ratio."),
    "high": ("High", "Upper end of the 95 % interval of the ratio."),
    "p": ("p", "Chance of a ratio at least as far from 1 if nothing had changed (change_test)."),
    "p_holm": (
        "p, all outcomes",
        "The same with all outcomes of its rank considered (Holm; Benjamini-Hochberg for secondary).",
    ),
    "p_floor": ("Smallest p", "No smaller p was possible with these months and areas."),
    "p_shift": ("p, shift test", "Circular shift test, for comparison."),
    "p_exact": ("p, exact", "Exact test that takes months for independent; too small when they are not."),
    "relative_ratio": ("Relative rate ratio", "Treated over comparison, same months a year apart."),
    "relative_low": ("RRR low", "Lower end of its interval, dispersion included."),
    "relative_high": ("RRR high", "Upper end of its interval, dispersion included."),
    "dispersion": ("Dispersion", "Variance over mean of the monthly share before; 1 is Poisson."),
}
_WDD_COLUMNS = {
    "label": ("Outcome", "What was counted."),
    "matched_before": ("Before", "Events in the operation area in the same months a year before."),
    "matched_after": ("After", "Events in the operation area in the months after."),
    "ring_before": ("Ring before", "Events in the ring before."),
    "ring_after": ("Ring after", "Events in the ring after."),
    "wdd": (
        "WDD",
        "Weighted displacement difference: change in the area and ring less that of one average comparison area.",
    ),
    "wdd_se": ("Standard error", "With the dispersion of the months before."),
    "wdd_se_poisson": ("Poisson standard error", "If months were independent; too small when they are not."),
    "wdd_low": ("Low", "Lower end of the 95 % interval."),
    "wdd_high": ("High", "Upper end of the 95 % interval."),
}


def verdict_table(contents: Contents) -> Table:
    """Return verdicts and estimates, one row an outcome, power first."""
    return _picked(contents, "verdicts", "Verdicts and estimates by outcome", _VERDICT_COLUMNS)


def wdd_table(contents: Contents) -> Table | None:
    """Return the weighted displacement difference with both standard errors."""
    frame = contents.registered.to_frame()
    if frame["wdd"].isna().all():
        return None
    note = "The ring has no comparison of its own: its change enters as it is. After is compared with the same months a year before."
    return _picked(contents, "displacement-difference", "Weighted displacement difference", _WDD_COLUMNS, note)


def zone_table(contents: Contents, name: str) -> Table:
    """Return one set's values by zone and period, with the change a day."""
    movement = contents.movements[name]
    frame = movement.frame.copy()
    frame["zone"] = [zone_label(zone) for zone in frame["zone"]]
    periods = [column for column in frame.columns if column not in ("zone", "ratio", "low", "high")]
    renamed = {
        "zone": "Zone",
        **{p: p.capitalize() for p in periods},
        "ratio": "Ratio of rates",
        "low": "Low",
        "high": "High",
    }
    frame[periods] = frame[periods].astype("Int64")
    if contents.events[name].profile == "open":
        frame[["ratio", "low", "high"]] = frame[["ratio", "low", "high"]].map(_as_published)
    definitions = {
        "Ratio of rates": "After over before, each divided by the days observed.",
        "Low": "Lower end of its 95 % interval.",
        "High": "Upper end of its 95 % interval.",
    }
    title = f"{contents.labels[name]}: events by zone"
    return Table(f"zones-{_slug(name)}", title, frame.rename(columns=renamed), movement, definitions=definitions)


def areas_table(contents: Contents, name: str, *, people: bool = False) -> Table:
    """Return one set's published values by block (or area) and period."""
    shown = (contents.people if people else contents.events)[name]
    unit = "people" if people else "events"
    frame = shown.to_frame()
    names = contents.facts.area_names
    frame["areas"] = [", ".join(names.get(code, code) for code in codes) for codes in frame["areas"]]
    frame["categories"] = [", ".join(levels) for levels in frame["categories"]]
    frame["zone"] = frame["block"].map(_zone_of(contents))
    columns = ["block", "areas", "zone", "period", *(["categories"] if shown.by else []), "value", "low", "high"]
    title = f"{contents.labels[name]}: {unit} by block and period"
    return Table(f"blocks-{_slug(name)}-{unit}", title, frame[columns], shown, notes=(shown.summary(),), definitions={
        "block": "Code of the block: that of its first area.",
        "value": "Rounded to the nearest 5; a published statistic is as published.",
        "low": "Fewest that the value stands for.",
        "high": "Most that the value stands for.",
    })  # fmt: skip


def coverage_table(contents: Contents) -> Table:
    """Return who reported when, with gaps."""
    rows = [(s.name, s.source, s.first, s.last, s.gaps, s.published) for s in contents.facts.sources]
    frame = pd.DataFrame(
        rows, columns=["Input", "Source", "First month", "Last month", "Months missing", "Published as"]
    )
    return Table("coverage", "Which source reported when", frame, contents.registered)


def gap_table(contents: Contents, kind: str | None = ANY) -> Table | None:
    """Return the list of gaps, of any service or (kind None) of every kind."""
    provision = contents.provision
    if provision is None or provision.gaps is None:
        return None
    rows = provision.gaps.table
    rows = rows[rows["kind"] == kind] if kind else rows
    names = contents.facts.area_names
    frame = pd.DataFrame(
        {
            "Areas": [", ".join(names.get(c, c) for c in (a if isinstance(a, tuple) else (a,))) for a in rows["area"]],
            "When": [str(slot).capitalize() for slot in rows["slot"]],
            "Kind of service": rows["kind"].to_numpy(),
            "People affected": ["not known" if pd.isna(people) else people for people in rows["people"]],
            "Fewest": rows["people_low"].to_numpy(),
            "Most": rows["people_high"].to_numpy(),
            "Places per 100 people": [float(f"{100 * value:.2g}") for value in rows["access"]],
            "Why": rows["reason"].to_numpy(),
        }
    )
    if kind:
        frame = frame.drop(columns="Kind of service")
    name, title = (
        ("gaps", "Where and when provision is missing, most people first")
        if kind
        else ("gaps-by-kind", "Gaps by kind of service")
    )
    return Table(name, title, frame, provision, definitions={
        "People affected": "People in need in the block, from the published value; missing when only part of the block is short.",
        "Places per 100 people": f"Places a week within {provision.reach:,.0f} metres, shared among everybody who can reach them.",
    })  # fmt: skip


def kinds_table(contents: Contents) -> Table | None:
    """Return, for each kind of service and time of day, how many people live in blocks where none is within reach."""
    provision = contents.provision
    if provision is None or provision.gaps is None:
        return None
    rows = provision.gaps.table
    rows = rows[(rows["kind"] != ANY) & rows["reason"].str.startswith("no service open")]
    grouped = rows.groupby(["kind", "slot"])[["people_low", "people_high"]].sum().reset_index()
    wide = {
        str(kind): {
            str(row.slot).capitalize(): f"{row.people_low:.0f} to {row.people_high:.0f}" for row in part.itertuples()
        }
        for kind, part in grouped.groupby("kind")
    }
    columns = [slot.capitalize() for slot in provision.slots]
    frame = pd.DataFrame(
        [{"Kind of service": kind, **{c: wide[kind].get(c, "none") for c in columns}} for kind in sorted(wide)]
    )
    if frame.empty:
        return None
    title = "People in blocks where none of a kind is open within reach"
    return Table("kinds-out-of-reach", title, frame, provision, notes=(
        "People per block, summed; a person seen in two blocks counts in both. Whether they need that kind of service is not known.",
    ))  # fmt: skip


def tables_of(contents: Contents) -> list[Table]:
    """Return every table of the release, in the order of the workbook."""
    tables = [verdict_table(contents), wdd_table(contents)]
    tables += [zone_table(contents, name) for name in contents.movements]
    tables += [areas_table(contents, name, people=True) for name in contents.people]
    tables += [areas_table(contents, name) for name in contents.events]
    changes = [change_table(contents, name) for name in contents.events]
    tables += [found[0] for found in changes if found is not None]
    tables += [gap_table(contents), kinds_table(contents), gap_table(contents, None), coverage_table(contents)]
    return [table for table in tables if table is not None]


def zone_label(zone: str) -> str:
    """Return the words for a zone."""
    return ZONES.get(
        zone, f"Ring: {zone.removeprefix('ring: ')}" if zone.startswith("ring: ") else f"Comparison: {zone}"
    )


def change_table(contents: Contents, name: str) -> tuple[Table, str] | None:
    """Return, of published statistics, the change of every area with exact intervals, and the sentence that reads it."""
    shown = contents.events[name]
    if shown.profile != "open" or shown.blocks is None:
        return None
    counts = shown.table().astype("float64")
    found = area_change(
        counts["before"], counts["after"], shown.blocks, exposure=(shown.days["before"], shown.days["after"])
    )
    frame = found.to_frame().reset_index(names="area")
    frame.insert(1, "name", [contents.facts.area_names.get(str(code), str(code)) for code in frame["area"]])
    kept = ["area", "name", "n_before", "n_after", "ratio", "low", "high", "p", "p_adjusted", "cluster"]
    frame = frame[kept].sort_values(["p_adjusted", "area"], ignore_index=True)
    frame[["ratio", "low", "high", "p", "p_adjusted"]] = frame[["ratio", "low", "high", "p", "p_adjusted"]].map(
        _as_published
    )
    title = f"{contents.labels[name]}: change by area"
    table = Table(f"change-{_slug(name)}", title, frame, shown, notes=found.notes, definitions={
        "ratio": "After over before, each divided by the days observed; exact 95 % interval in low and high.",
        "p_adjusted": "Exact p, adjusted over the areas (Benjamini-Hochberg).",
        "cluster": "Whether the area and its neighbours rose or fell together (Gi*, false discovery rate).",
    })  # fmt: skip
    return table, found.summary().splitlines()[0]


def _as_published(value: float) -> float | str:
    if pd.isna(value):
        return "not defined"
    return "no limit" if math.isinf(value) else float(f"{value:.3g}")


def _picked(contents: Contents, name: str, title: str, columns: Mapping[str, tuple[str, str]], note: str = "") -> Table:
    frame = contents.registered.to_frame()
    kept = {key: words for key, words in columns.items() if not frame[key].isna().all()}
    picked = frame[list(kept)].rename(columns={key: words[0] for key, words in kept.items()})
    numeric = picked.select_dtypes("number").columns
    picked[numeric] = picked[numeric].map(lambda v: v if pd.isna(v) or math.isinf(v) else float(f"{v:.4g}"))
    return Table(
        name, title, picked, contents.registered, notes=(note,) if note else (), definitions=dict(kept.values())
    )


def _zone_of(contents: Contents) -> dict[str, str]:
    return {
        code: ZONES.get(zone, f"Comparison: {zone}") for zone, codes in contents.facts.zones.items() for code in codes
    }


def _slug(name: str) -> str:
    return name.lower().replace("_", "-")
