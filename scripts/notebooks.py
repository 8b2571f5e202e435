"""What do the notebooks show today? Runs each afresh and keeps it only when nothing in it may not leave.

    python scripts/notebooks.py           # what `make docs` does: every notebook, in place
    python scripts/notebooks.py analyst   # one of them

A notebook is its own source: edit the cells in Jupyter, then run this. The same cells and versions give the same bytes.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from commonground.dashboard.witness import expectation_of
from commonground.disclosure.inspection import Expectation, Finding, inspect_bytes
from commonground.sampletown import sample_folder
from commonground.study import load_study

__all__ = ["executed", "expected", "inspected", "main", "normalised", "opened", "to_bytes"]

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
SECONDS = 300  # for one cell, on a slow machine
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # where an object lies in memory differs from run to run
# What Jupyter keeps for itself. Nothing of the person's own configuration or history is read or written.
JUPYTER = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
LANGUAGE = {"language_info": {"name": "python"}}
MIME = ("text/html", "text/plain", "image/png")  # what every reader of notebooks shows, GitHub's too


def main() -> None:
    """Run the notebooks that are named, or all; write none that holds a finding."""
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    refused = 0
    for name in names:
        path = FOLDER / f"{Path(name).stem}.ipynb"
        data = to_bytes(normalised(executed(opened(path))))
        findings = inspected(path.name, data)
        for finding in findings:
            print(f"{finding.file} ({finding.where}): {finding.check}: {finding.message}", file=sys.stderr)
        if findings:
            refused += 1
            continue
        path.write_bytes(data)
        print(f"{path.name}: {len(data) / 1000:,.0f} kB")
    if refused:
        sys.exit(f"{refused} notebook(s) not written: the attack found something.")


def opened(path: Path) -> NotebookNode:
    """Read a notebook."""
    text = path.read_text(encoding="utf-8")
    book: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    return book


def executed(book: NotebookNode) -> NotebookNode:
    """Return the notebook after a run from the top, in an empty folder and without anybody's configuration."""
    fresh = _node(book)
    with _own_jupyter() as folder:
        client = NotebookClient(
            fresh,
            timeout=SECONDS,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(folder / "work")}},
            # talk through files of this folder, not through ports that others on the machine can read
            config=Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "kernel")}}),
        )
        client.execute()
    return fresh


def normalised(book: NotebookNode) -> NotebookNode:
    """Return the notebook without what differs between machines and runs: ids, metadata, progress bars, addresses."""
    cells = [_cell(number, cell) for number, cell in enumerate(book.cells, start=1)]
    return _node({"cells": cells, "metadata": KERNEL | LANGUAGE, "nbformat": 4, "nbformat_minor": 5})


def to_bytes(book: NotebookNode) -> bytes:
    """Return the file: sorted keys, one line an item, so that a change of one cell is a change of its lines."""
    nbformat.validate(book)
    text: str = nbformat.writes(book, version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    return (text.rstrip("\n") + "\n").encode()


def inspected(name: str, data: bytes) -> tuple[Finding, ...]:
    """Attack a notebook with the live data of the sample town."""
    return inspect_bytes(name, data, expected())


@cache
def expected() -> Expectation:
    """Return what the attack looks for: the sample town's own records, small counts, moments, machine names."""
    return replace(expectation_of(load_study(sample_folder())), finest_time="month")


def _cell(number: int, cell: NotebookNode) -> dict[str, object]:
    plain = {"id": f"cell-{number:02d}", "cell_type": cell.cell_type, "metadata": {}, "source": cell.source}
    if cell.cell_type == "code":
        plain |= {"execution_count": cell.execution_count, "outputs": _outputs(cell.outputs)}
    return plain


def _outputs(outputs: Sequence[NotebookNode]) -> list[dict[str, Any]]:
    """Return outputs with printed text in one piece: where it was cut is a matter of moments."""
    kept: list[dict[str, Any]] = []
    for output in outputs:
        if output.output_type == "error":
            kept.append(dict(output))
        elif output.output_type == "stream":
            last = kept[-1] if kept else {}
            if last.get("name") == output.name:
                last["text"] += output.text
            else:
                kept.append(dict(output))
        elif not any("widget" in kind for kind in output.data):
            data = {kind: ADDRESS.sub("", output.data[kind]) for kind in MIME if kind in output.data}
            kept += [{**output, "data": data, "metadata": {}}] if data else []
    return kept


def _node(content: Mapping[str, object]) -> NotebookNode:
    node: NotebookNode = nbformat.from_dict(content)  # type: ignore[no-untyped-call]  # nbformat has no types
    return node


@contextmanager
def _own_jupyter() -> Iterator[Path]:
    before = {name: os.environ.get(name) for name in JUPYTER}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in (*JUPYTER, "work"):
            (folder / name).mkdir()
        os.environ |= {name: str(folder / name) for name in JUPYTER}
        try:
            yield folder
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


if __name__ == "__main__":
    main()
