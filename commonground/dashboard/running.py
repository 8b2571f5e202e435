"""How is a study run from its file to a folder that may be handed round?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commonground.dashboard.contents import PARTS, Contents, compute
from commonground.dashboard.drawings import draw
from commonground.dashboard.pages import pages_of
from commonground.dashboard.tables import tables_of
from commonground.dashboard.witness import expectation_of
from commonground.disclosure import Ledger
from commonground.release.tables import csv_bytes
from commonground.release.workbook import workbook_bytes
from commonground.release.writer import Written, check_ledger, recover, write_release
from commonground.study import Study

__all__ = ["render", "run_study"]


def run_study(study: Study, out: str | Path, *, parts: Sequence[str] = PARTS) -> Written:
    """Run a study: tables, maps, charts, dashboard, workbook, release statement.

    Parameters
    ----------
    study : Study
    out : path
        Folder for the release; an earlier release in it is replaced whole.
    parts : sequence of {'displacement', 'needs', 'change'}
        What to show; the first page, the methods and the statement always are.

    Returns
    -------
    Written

    Raises
    ------
    NotReleasable
        When nothing may be shown, or the attack on the rendered files finds something. Nothing is written then.
    CommonGroundError
        When the folder holds something else, or a release that the study's ledger does not know.

    Notes
    -----
    The trees of the study are written into its ledger at once, before anything is tabulated; everything else together
    with the release, so that a refused or interrupted run leaves neither.
    """
    book = None if study.policy == "open" else Ledger(study.ledger_path, study=study.title, held=True)
    recover(out, book)
    if book is not None:
        check_ledger(out, book)
    contents = compute(study, book=book, parts=parts)
    shown = [contents.events, contents.people, contents.monthly, contents.larger]
    origins: list[Any] = [value for values in shown for value in values.values()]
    origins += contents.in_need.origins if contents.in_need is not None else ()
    return write_release(
        out,
        render(contents),
        origins=[*origins, contents.registered],
        expectation=expectation_of(study),
        facts=_facts(study),
        book=book,
    )


def render(contents: Contents) -> dict[str, bytes]:
    """Render protected values to every file of a release; the same contents give the same bytes.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    dict of str to bytes
        Name within the release to contents.
    """
    facts, drawings = contents.facts, draw(contents)
    files = pages_of(contents, drawings)
    files |= {name: view.html.encode() for name, view in drawings.maps.items()}
    for name, chart in drawings.charts.items():
        files |= {f"charts/{name}.svg": chart.svg, f"charts/{name}.png": chart.png}
    tables = tables_of(contents)
    files |= {f"tables/{table.name}.csv": csv_bytes(table) for table in tables}
    about = {
        "Question": facts.question,
        "Data as of": f"{facts.as_of:%-d %B %Y}",
        "Profile": facts.profile,
        "Registration": facts.plan_hash or "none",
        "Hash of the study file": facts.digest,
    }
    files["workbook.xlsx"] = workbook_bytes(tables, title=facts.title, notes=facts.limits, about=about)
    return files


def _facts(study: Study) -> dict[str, Any]:
    """Say what the release is of. The hash of a file of records would confirm a guess at the one field not known."""
    public = study.inputs.items() if study.policy == "open" else ()
    return {
        "study": study.digest,
        "title": study.title,
        "policy": study.policy,
        "as_of": f"{study.as_of:%Y-%m-%d}",
        "periods": {name: [f"{day:%Y-%m-%d}" for day in (span.start, span.end)] for name, span in study.phases.items()},
        "approvers": list(study.approvers),
        "partners": list(study.partners),
        "seed": 0,
        "areas": hashlib.sha256(study.areas_file.read_bytes()).hexdigest(),
        "inputs": {
            name: [hashlib.sha256(file.read_bytes()).hexdigest() for file in spec.files] for name, spec in public
        },
    }
