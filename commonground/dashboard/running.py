"""How is a study run from its file to a folder that may be handed round?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from commonground.dashboard.contents import Contents, compute
from commonground.dashboard.pages import charts_of, maps_of, pages_of
from commonground.dashboard.tables import tables_of
from commonground.dashboard.witness import expectation_of
from commonground.release.tables import csv_bytes
from commonground.release.workbook import workbook_bytes
from commonground.release.writer import Written, write_release
from commonground.study import Study

__all__ = ["render", "run_study"]


def run_study(study: Study, out: str | Path) -> Written:
    """Run everything: tables, maps, charts, dashboard, workbook, release statement.

    Parameters
    ----------
    study : Study
    out : path
        Folder for the release; an earlier release in it is replaced whole.

    Returns
    -------
    Written

    Raises
    ------
    NotReleasable
        When nothing may be shown, or the attack on the rendered files finds something. Nothing is written then.
    """
    contents = compute(study)
    files = render(contents)
    origins = [*contents.events.values(), *contents.people.values(), *contents.monthly.values(), contents.registered]
    return write_release(out, files, origins=origins, expectation=expectation_of(study), facts=_facts(study))


def render(contents: Contents) -> dict[str, bytes]:
    """Render protected values to every file of a release; the same contents give the same bytes."""
    facts = contents.facts
    files = pages_of(contents)
    for name, (_, html) in maps_of(contents).items():
        files[name] = html.encode()
    for name, chart in charts_of(contents).items():
        files[f"charts/{name}.svg"] = chart.svg
        files[f"charts/{name}.png"] = chart.png
    tables = tables_of(contents)
    for table in tables:
        files[f"tables/{table.name}.csv"] = csv_bytes(table)
    about = {
        "Question": facts.question,
        "Data as of": f"{facts.as_of:%-d %B %Y}",
        "Profile": facts.profile,
        "Registration": facts.digest,
    }
    files["workbook.xlsx"] = workbook_bytes(tables, title=facts.title, notes=facts.limits, about=about)
    return files


def _facts(study: Study) -> dict[str, Any]:
    return {
        "study": study.digest,
        "policy": study.policy,
        "as_of": f"{study.as_of:%Y-%m-%d}",
        "seed": 0,
        "inputs": {
            name: [hashlib.sha256(file.read_bytes()).hexdigest() for file in spec.files]
            for name, spec in study.inputs.items()
        },
    }
