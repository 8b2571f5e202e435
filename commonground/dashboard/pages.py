"""How do a study's protected values become pages that a board can read?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from commonground.dashboard.contents import PARTS, Contents
from commonground.dashboard.drawings import Drawings, map_name
from commonground.dashboard.findings import (
    CHANGED,
    bursts,
    cannot_say,
    displacement_line,
    findings,
    needs_line,
    stricter,
    verdicts,
)
from commonground.dashboard.judged import checks_table, power_table, series_table, verdict_table, wdd_table
from commonground.dashboard.lacking import gap_table, kinds_table, services_table
from commonground.dashboard.needing_first import priorities_table
from commonground.dashboard.needing_tables import people_part
from commonground.dashboard.places import block_table, change_table, slug, zone_table, zones_table
from commonground.dashboard.soundness import checks_made, conflicts, deviations_table, failures, goals_table
from commonground.dashboard.statement import Statement, statement_of
from commonground.dashboard.tables import coverage_table, tables_of
from commonground.dashboard.wording import span
from commonground.release.approval import STATEMENT
from commonground.release.intact import MANIFEST
from commonground.release.pages import Link, Page, TableView, render_page, table_view
from commonground.release.tables import Table

__all__ = ["PAGES", "Reading", "Shown", "pages_of"]

PAGES = {
    "index.html": "At a glance",
    "displacement.html": "Displacement",
    "needs.html": "Needs and gaps",
    "change.html": "Before and after",
    "methods.html": "Methods and limits",
    "statement.html": "Release statement",
}
CHART_FILES = 2  # svg and png
ALONE = (STATEMENT, "workbook.xlsx", MANIFEST)  # files of which there is one
# A statement that is signed is one sheet of paper.
STYLES = {
    "statement.html": (
        "@media print { @page { size: A4; margin: 12mm 15mm; } body { font-size: 8.5pt; line-height: 1.35; } "
        "h1 { font-size: 15pt; margin: 0 0 4pt; } h2 { font-size: 10.5pt; margin: 6pt 0 2pt; } "
        "p, ul { max-width: none; margin: 0 0 3pt; } .finding { font-size: 9.5pt; } li { margin: 0; } "
        "footer { margin-top: 5pt; padding-top: 3pt; font-size: 8pt; } .foot-title { display: none; } }",
    )
}
IN_RECORDS = " in recorded numbers"  # what a verdict on reports is a verdict on
LONGEST_TABLE = 60  # rows a page shows; the rest is in the files
FINDINGS = {"statement.html": "To be handed round only after a named person signed it and while no partner objects."}
GOALS = {
    "enforcement": "Enforcement",
    "trust": "Trust and reporting",
    "safety": "Safety",
    "access": "Access to services",
}


@dataclass(frozen=True)
class Shown:
    """A table as a page shows it, with its definitions in sight."""

    view: TableView
    definitions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading:
    """One outcome on the page of verdicts."""

    label: str
    verdict: str
    sentence: str


def pages_of(contents: Contents, drawings: Drawings) -> dict[str, bytes]:
    """Render every page, and the statement as text.

    Parameters
    ----------
    contents : Contents
    drawings : Drawings

    Returns
    -------
    dict of str to bytes
        File name to contents.
    """
    statement = _statement(contents, drawings)
    context: dict[str, dict[str, Any]] = {
        "index.html": _glance(contents, drawings),
        "methods.html": _methods(contents),
        "statement.html": {"statement": statement},
    }
    apart = {"displacement": _displacement, "needs": _needs, "change": _change}
    context |= {f"{part}.html": apart[part](contents, drawings) for part in contents.parts}
    shared = {"facts": contents.facts, "phases": _phases(contents), "as_of": f"{contents.facts.as_of:%-d %B %Y}"}
    pages = {
        name: render_page(
            name.replace(".html", ".html.j2"),
            _page(contents, name),
            {**shared, **context[name]},
            packages=("commonground.dashboard",),
            styles=STYLES.get(name, ()),
        )
        for name in _shown_pages(contents)
    }
    return {**pages, STATEMENT: statement.to_text().encode()}


def _shown_pages(contents: Contents) -> dict[str, str]:
    """Return the pages of this release: those of the parts that were asked for, and those that always are there."""
    left_out = {f"{part}.html" for part in PARTS if part not in contents.parts}
    return {name: title for name, title in PAGES.items() if name not in left_out}


def _page(contents: Contents, name: str) -> Page:
    first = name == "index.html"
    return Page(
        title=contents.facts.title if first else PAGES[name],
        finding=_finding(contents, name),
        site="" if first else contents.facts.title,
        links=tuple(Link(href, label, here=href == name) for href, label in _shown_pages(contents).items()),
        notes=_notes(contents),
    )


def _finding(contents: Contents, name: str) -> str:
    if name == "index.html":
        return contents.facts.question
    if name == "displacement.html":
        return displacement_line(contents)
    if name == "needs.html":
        return needs_line(contents)
    return _tally_of_verdicts(contents) if name == "change.html" else FINDINGS.get(name, "")


def _tally_of_verdicts(contents: Contents) -> str:
    """Name the outcomes of each verdict, in one sentence."""
    named: dict[str, list[str]] = {}
    for verdict in verdicts(contents):
        named.setdefault(verdict.verdict, []).append(verdict.label)
    return " ".join(f"{verdict[:1].upper()}{verdict[1:]}: {', '.join(labels)}." for verdict, labels in named.items())


def _notes(contents: Contents) -> tuple[str, ...]:
    facts = contents.facts
    notes = [f"Data as of {facts.as_of:%-d %B %Y}. Profile: {facts.profile}. Made with Common Ground."]
    if facts.profile == "open":
        notes.append("Made from published statistics only.")
    if facts.teaching:
        notes.append("A teaching case: it shows the method; it is no evaluation of a policing operation.")
    return tuple(notes)


def _glance(contents: Contents, drawings: Drawings) -> dict[str, Any]:
    return {
        "findings": [found for found in findings(contents) if found.topic != CHANGED],  # that is shown as verdicts
        "verdicts": verdicts(contents) if "change" in contents.parts else [],
        "chart": drawings.charts.get("verdicts"),
        "limits": cannot_say(contents),
        "coverage": _shown(coverage_table(contents)),
    }


def _displacement(contents: Contents, drawings: Drawings) -> dict[str, Any]:
    return {
        "sections": [_section(contents, drawings, name) for name in contents.movements],
        "refusals": list(contents.refusals.values()),
        "wdd": _optional(wdd_table(contents)),
    }


def _section(contents: Contents, drawings: Drawings, name: str) -> dict[str, Any]:
    charts = [drawings.charts.get(f"{kind}-{slug(name)}") for kind in ("zones", "months")]
    maps = [map_name(name, kind) for kind in ("", "msoa-", "surface-")]
    changes = [change_table(contents, name, larger=larger) for larger in (True, False)]
    return {
        "label": contents.labels[name],
        "sentence": contents.movements[name].sentence,
        "lines": [*bursts(contents, name), *stricter(contents, name)],
        "charts": [chart for chart in charts if chart is not None],
        "table": _shown(zone_table(contents, name)),
        "changes": [(_shown(table), sentence) for table, sentence in filter(None, changes)],
        "blocks": None if contents.facts.profile == "open" else _shown(block_table(contents, name)),
        "maps": [(href, drawings.maps[href].title) for href in maps if href in drawings.maps],
    }


def _needs(contents: Contents, drawings: Drawings) -> dict[str, Any]:
    provision = contents.provision
    return {
        "asked": provision is not None,
        "basis": provision.alone.basis if provision and provision.alone else "",
        "reach": f"{provision.reach:,.0f}" if provision else "",
        "least": f"{100 * provision.least:g}" if provision else "",
        "priorities": _optional(priorities_table(contents)),
        "people": people_part(contents, _optional),
        "gaps": _optional(gap_table(contents, short=True)),
        "kinds": _optional(kinds_table(contents)),
        "services": _optional(services_table(contents)),
        "maps": [(href, view.title) for href, view in drawings.maps.items() if href == "maps/services.html"],
    }


def _change(contents: Contents, drawings: Drawings) -> dict[str, Any]:
    rows: list[Any] = contents.registered.to_frame().to_dict("records")
    goals = [(words, [_reading(contents, row) for row in rows if row["goal"] == goal]) for goal, words in GOALS.items()]
    return {
        "chart": drawings.charts["verdicts"],
        "goals": [(goal, readings) for goal, readings in goals if readings],
        "design": contents.design,
        "registration": contents.registration,
        "deviations": _optional(deviations_table(contents)),
        "made": _optional(checks_made(contents)),
        "failures": failures(contents),
        "goals_moved": _shown(goals_table(contents)),
        "conflicts": conflicts(contents),
        "goals_chart": drawings.charts["goals"],
        "funnels": [chart for name, chart in drawings.charts.items() if name.startswith("funnel-")],
        "power": _shown(power_table(contents)),
        "series": _optional(series_table(contents)),
        "table": _shown(verdict_table(contents)),
        "checks": _shown(checks_table(contents)),
    }


def _reading(contents: Contents, row: Mapping[str, Any]) -> Reading:
    """Return the sentence of an outcome without the name and verdict that the heading gives already."""
    label, verdict, name = str(row["label"]), str(row["verdict"]), str(row["outcome"])
    rest = contents.registered.sentences[name].removeprefix(f"{label}: {verdict}")
    limit = IN_RECORDS if rest.startswith(IN_RECORDS) else ""
    sentence = rest.removeprefix(limit).lstrip(".: ")
    return Reading(label, verdict + limit, sentence)


def _methods(contents: Contents) -> dict[str, Any]:
    return {
        "registration": contents.registration,
        "coverage": _shown(coverage_table(contents)),
        "zones": _shown(zones_table(contents)),
        "limits": cannot_say(contents),
    }


def _statement(contents: Contents, drawings: Drawings) -> Statement:
    """State what every file of the release comes to: pages, statement, workbook, manifest, maps, charts, tables."""
    tables = tables_of(contents)
    files = (
        len(_shown_pages(contents)) + len(ALONE) + len(drawings.maps) + CHART_FILES * len(drawings.charts) + len(tables)
    )
    return statement_of(contents, tables, files=files)


def _phases(contents: Contents) -> list[tuple[str, str]]:
    return [(phase.capitalize(), span(period)) for phase, period in contents.facts.phases.items()]


def _optional(table: Table | None) -> Shown | None:
    return None if table is None else _shown(table)


def _shown(table: Table) -> Shown:
    """Return the first rows of a table for a page, numbers on the right, definitions apart."""
    frame, notes = table.frame, table.notes
    if len(frame) > LONGEST_TABLE:
        where = f"all of them are in the workbook and in tables/{table.name}.csv"
        notes = (f"The first {LONGEST_TABLE} of {len(frame):,} rows; {where}.", *notes)
    view = table_view(replace(table, frame=frame.head(LONGEST_TABLE), notes=notes))
    numbers = [_numeric(frame[column]) for column in frame]
    columns = tuple(replace(column, number=right) for column, right in zip(view.columns, numbers, strict=True))
    return Shown(replace(view, columns=columns, definitions=()), view.definitions)


def _numeric(column: pd.Series[Any]) -> bool:
    """Say whether a column holds numbers, words such as 'no limit' among them or not."""
    return any(isinstance(value, int | float) or pd.api.types.is_number(value) for value in column)
