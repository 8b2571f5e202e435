"""How do a study's protected values become pages that a board can read?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from commonground.dashboard import tables
from commonground.dashboard.contents import Contents
from commonground.dashboard.findings import bursts, cannot_say, findings, headline
from commonground.release.charts import bars_by_phase
from commonground.release.figures import Chart
from commonground.release.pages import Link, Page, TableView, render_page, table_view
from commonground.release.tables import Table
from evaluation.plots import verdict_chart
from mapping.maps import access_map, phase_map, surface_map

__all__ = ["charts_of", "maps_of", "pages_of"]

PAGES = {
    "index.html": "At a glance",
    "displacement.html": "Displacement",
    "needs.html": "Needs and gaps",
    "change.html": "Before and after",
    "methods.html": "Methods and limits",
    "statement.html": "Release statement",
}
LONGEST_TABLE = 60  # rows a page shows; the rest is in the workbook


def pages_of(contents: Contents) -> dict[str, bytes]:
    """Render every page.

    Returns
    -------
    dict of str to bytes
        File name to HTML.
    """
    charts, maps = charts_of(contents), maps_of(contents)
    context = {
        "index.html": _glance(contents, charts),
        "displacement.html": _displacement(contents, charts, maps),
        "needs.html": _needs(contents, maps),
        "change.html": _change(contents, charts),
        "methods.html": _methods(contents),
        "statement.html": _statement(contents),
    }
    return {
        name: render_page(
            name.replace(".html", ".html.j2"),
            _page(contents, name),
            {"facts": contents.facts, **context[name]},
            packages=("commonground.dashboard",),
        )
        for name in PAGES
    }


def charts_of(contents: Contents) -> dict[str, Chart]:
    """Draw every chart."""
    charts = {"verdicts": verdict_chart(contents.registered, title="What changed, against what was expected")}
    for name, movement in contents.movements.items():
        rows = movement.frame.set_index("zone")
        zones = [zone for zone in ("treated", "ring", "all comparison areas") if zone in rows.index]
        if "all comparison areas" not in rows.index:
            zones = list(rows.index)
        shown = contents.events[name]
        if rows.loc[zones, "before"].isna().all():
            continue
        monthly = {
            period: [_a_month(rows.loc[zone, period], shown.days[period]) for zone in zones] for period in shown.periods
        }
        charts[f"zones-{name}".replace("_", "-")] = bars_by_phase(
            [tables.zone_label(zone) for zone in zones],
            monthly["before"],
            monthly.get("during"),
            monthly["after"],
            title=f"{contents.labels[name]} a month by zone",
            unit="events a month",
        )
    return charts


def maps_of(contents: Contents) -> dict[str, tuple[str, str]]:
    """Draw every map: name to (title, html)."""
    drawn = {}
    for name, shown in contents.events.items():
        if shown.blocks is None or len(shown.blocks) < 2:
            continue
        label = contents.labels[name]
        names = {period: f"{period.capitalize()} ({span})" for period, span in shown.periods.items()}
        view = phase_map(shown, title=f"{label} by area", finding=contents.movements[name].sentence, names=names)
        drawn[f"maps/{name.replace('_', '-')}.html"] = (f"{label} by area and phase", view.html)
    for name, surface in contents.surfaces.items():
        title = f"{contents.labels[name]}: where the share rose and fell"
        finding = (
            "Orange: a larger share of all events than before; purple: a smaller one. It is a picture, not a test."
        )
        drawn[f"maps/surface-{name.replace('_', '-')}.html"] = (
            title,
            surface_map(surface, title=title, finding=finding).html,
        )
    if contents.provision is not None and contents.provision.gaps is not None:
        demand = contents.people or contents.events
        shown = next(iter(demand.values()))
        if len(shown.blocks if shown.blocks is not None else ()) > 1:
            title, finding = "Services within reach, by time of day", headline(contents)["needs"]
            view = access_map(shown, contents.provision.access, title=title, finding=finding)
            drawn["maps/services.html"] = (title, view.html)
    return drawn


def _page(contents: Contents, name: str) -> Page:
    links = tuple(Link(href, label, here=href == name) for href, label in PAGES.items())
    lines = headline(contents)
    keys = {"index.html": "glance", "displacement.html": "displacement", "needs.html": "needs", "change.html": "change"}
    return Page(
        title=contents.facts.title if name == "index.html" else PAGES[name],
        finding=lines.get(keys.get(name, ""), ""),
        site="" if name == "index.html" else contents.facts.title,
        links=links,
        notes=_notes(contents),
    )


def _notes(contents: Contents) -> tuple[str, ...]:
    facts = contents.facts
    notes = [f"Data as of {facts.as_of:%-d %B %Y}. Profile: {facts.profile}. Made with Common Ground."]
    if facts.profile == "open":
        notes.append("Made from published statistics only.")
    if facts.teaching:
        notes.append("A teaching case: it shows the method, it is no evaluation of a policing operation.")
    return tuple(notes)


def _glance(contents: Contents, charts: Mapping[str, Chart]) -> dict[str, Any]:
    rows = contents.registered.to_frame()
    return {
        "findings": findings(contents),
        "verdicts": list(zip(rows["label"], rows["verdict"], strict=True)),
        "chart": charts["verdicts"],
        "limits": cannot_say(contents),
        "coverage": table_view(tables.coverage_table(contents)),
        "phases": _phases(contents),
    }


def _displacement(
    contents: Contents, charts: Mapping[str, Chart], maps: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    sections = []
    for name, movement in contents.movements.items():
        change = tables.change_table(contents, name)
        path = f"maps/{name.replace('_', '-')}.html"
        surface = f"maps/surface-{name.replace('_', '-')}.html"
        sections.append(
            {
                "label": contents.labels[name],
                "sentence": movement.sentence,
                "bursts": bursts(contents, name),
                "chart": charts.get(f"zones-{name}".replace("_", "-")),
                "table": _view(tables.zone_table(contents, name)),
                "change": change[1] if change else "",
                "changes": _view(change[0]) if change else None,
                "blocks": _view(tables.areas_table(contents, name, people=name in contents.people)),
                "maps": [(href, maps[href][0]) for href in (path, surface) if href in maps],
            }
        )
    return {
        "sections": sections,
        "refusals": list(contents.refusals.values()),
        "wdd": _optional(tables.wdd_table(contents)),
    }


def _needs(contents: Contents, maps: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    provision = contents.provision
    return {
        "asked": provision is not None,
        "note": provision.note if provision else "",
        "reach": f"{provision.reach:,.0f}" if provision else "",
        "least": f"{100 * provision.least:g}" if provision else "",
        "gaps": _optional(tables.gap_table(contents)),
        "kinds": _optional(tables.kinds_table(contents)),
        "services": _services(contents),
        "maps": [(href, title) for href, (title, _) in maps.items() if href == "maps/services.html"],
    }


def _change(contents: Contents, charts: Mapping[str, Chart]) -> dict[str, Any]:
    rows = contents.registered.to_frame().to_dict("records")
    goals = {
        "enforcement": "Enforcement",
        "trust": "Trust and reporting",
        "safety": "Safety",
        "access": "Access to services",
    }
    readings = [
        (
            goals[goal],
            [
                (r["label"], r["verdict"], contents.registered.sentences[r["outcome"]])
                for r in rows
                if r["goal"] == goal
            ],
        )
        for goal in goals
    ]
    return {
        "chart": charts["verdicts"],
        "readings": [(goal, listed) for goal, listed in readings if listed],
        "table": _view(tables.verdict_table(contents)),
        "phases": _phases(contents),
    }


def _methods(contents: Contents) -> dict[str, Any]:
    return {
        "coverage": _view(tables.coverage_table(contents)),
        "zones": _view(_zones_table(contents)),
        "limits": cannot_say(contents),
        "phases": _phases(contents),
    }


def _statement(contents: Contents) -> dict[str, Any]:
    shown = [(contents.labels[name], shown.summary()) for name, shown in {**contents.events, **contents.people}.items()]
    return {"shown": shown, "refusals": list(contents.refusals.values())}


def _zones_table(contents: Contents) -> Table:
    names = contents.facts.area_names
    rows = [
        (tables.zone_label(zone), _listed([names.get(code, code) for code in codes]))
        for zone, codes in contents.facts.zones.items()
    ]
    frame = pd.DataFrame(rows, columns=["Zone", "Areas"])
    return Table("zones", "Zones, declared before looking", frame, contents.registered)


def _services(contents: Contents) -> TableView | None:
    if contents.provision is None:
        return None
    frame = contents.provision.services.rename(columns={"service": "Kind", "name": "Service", "hours": "Open"})
    frame = frame.dropna(axis="columns", how="all").fillna("not given").head(LONGEST_TABLE)
    return table_view(Table("services", "Services that were counted", frame, contents.provision))


def _phases(contents: Contents) -> list[tuple[str, str]]:
    return [(phase.capitalize(), str(span)) for phase, span in contents.facts.phases.items()]


def _optional(table: Table | None) -> TableView | None:
    return None if table is None else _view(table)


def _view(table: Table) -> TableView:
    if len(table.frame) <= LONGEST_TABLE:
        return table_view(table)
    note = f"The first {LONGEST_TABLE} of {len(table.frame):,} rows; all of them are in the workbook and in tables/{table.name}.csv."
    short = Table(
        table.name, table.title, table.frame.head(LONGEST_TABLE), table.origin, (note, *table.notes), table.definitions
    )
    return table_view(short)


def _a_month(value: Any, days: float) -> float:
    if pd.isna(value) or not days:
        return float("nan")
    return float(f"{float(value) / days * 365.25 / 12:.2g}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 25 else f"{', '.join(names[:25])} and {len(names) - 25} more"
