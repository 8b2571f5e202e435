"""The notebooks: do they open with the question, run afresh, show what is committed, and give nothing away?"""

from __future__ import annotations

import ast
import base64
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("analyst", "commissioner", "researcher")
RASTER = b"\x89PNG\r\n\x1a\n"
# Exact results may be looked at on a desk; a committed output holds none, so no cell asks one for its numbers.
EXACT = re.compile(r"\b(?:at_the_desk|exact)\s*\.|change_test\(.*\)\s*\.\s*(?:summary|to_frame|ratio|low|high|p)\b")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebooks_script", ROOT / "scripts" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    return ROOT / "notebooks" / f"{request.param}.ipynb"


@pytest.fixture
def book(script: ModuleType, path: Path) -> NotebookNode:
    opened: NotebookNode = script.opened(path)
    return opened


def code(book: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def bundles(book: NotebookNode) -> list[NotebookNode]:
    return [output.data for cell in code(book) for output in cell.outputs if "data" in output]


def worded(book: NotebookNode) -> list[list[object]]:
    """Return every output without its pictures, whose pixels may differ where fonts are drawn differently."""
    return [
        [
            {kind: text for kind, text in output.data.items() if kind != "image/png"} if "data" in output else output
            for output in cell.outputs
        ]
        for cell in code(book)
    ]


def test_there_are_three_notebooks_and_no_others() -> None:
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == sorted(NAMES)


def test_the_first_cell_asks_the_question_and_the_last_says_the_limits(book: NotebookNode) -> None:
    first, last = book.cells[0], book.cells[-1]
    assert first.cell_type == last.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert "?" in first.source
    assert last.source.startswith("## Limits")
    assert last.source.count("\n* **") >= 3


def test_a_notebook_has_ten_to_twenty_cells_and_short_texts(book: NotebookNode) -> None:
    assert 10 <= len(book.cells) <= 20
    assert all(len(cell.source.split()) <= 80 for cell in book.cells[:-1] if cell.cell_type == "markdown")
    assert all(len(line) <= 140 for cell in book.cells for line in cell.source.splitlines())


def test_functions_are_imported_and_never_defined(book: NotebookNode) -> None:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    trees = [ast.parse(cell.source) for cell in code(book)]  # would fail on magics, too
    assert not [node for tree in trees for node in ast.walk(tree) if isinstance(node, defined)]
    imports = [isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(trees[0])]
    assert any(imports)
    assert not [n for tree in trees[1:] for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]


def test_nothing_private_is_taken_and_no_exact_number_is_asked_for(book: NotebookNode) -> None:
    sources = "\n".join(cell.source for cell in code(book))
    assert not re.search(r"\._[a-z]|import _|records\([^)]*\)\.summary|contacts\.(?:frame|summary|to_frame)", sources)
    assert not EXACT.search(sources)


def test_the_pattern_for_exact_numbers_would_find_them() -> None:
    assert EXACT.search("at_the_desk.summary()")
    assert EXACT.search("print(exact.to_frame())")
    assert EXACT.search("change_test(monthly, None, 24).ratio")


def test_every_cell_ran_in_order_without_error_or_warning(book: NotebookNode) -> None:
    assert [cell.execution_count for cell in code(book)] == list(range(1, len(code(book)) + 1))
    outputs = [output for cell in code(book) for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}
    assert all(cell.outputs for cell in code(book)), "a cell that shows nothing belongs to its neighbour"


def test_readers_who_run_nothing_see_pictures_and_tables(path: Path, book: NotebookNode) -> None:
    shown = bundles(book)
    assert any("<table" in data.get("text/html", "") for data in shown)
    if path.stem != "analyst":  # maps are frames, which GitHub and untrusted notebooks leave out
        assert any("<iframe" in data.get("text/html", "") for data in shown)
        pictures = [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]
        assert pictures
        assert all(picture.startswith(RASTER) for picture in pictures)


def test_nothing_of_a_machine_or_a_moment_is_kept(path: Path, book: NotebookNode) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(?:home|root|work|tmp|Users|usr|opt|var)/\w", text)
    assert not re.search(r" at 0x[0-9a-f]{6,}|execution_time|shell\.execute_reply|iopub", text)
    assert [cell.id for cell in book.cells] == [f"cell-{n:02d}" for n in range(1, len(book.cells) + 1)]
    assert not any(cell.metadata for cell in book.cells)
    assert set(book.metadata) == {"kernelspec", "language_info"}
    assert set(book.metadata.language_info) == {"name"}
    assert not any(output.get("metadata") for cell in code(book) for output in cell.outputs)


def test_the_attack_with_the_live_data_finds_nothing(script: ModuleType, path: Path) -> None:
    assert script.inspected(path.name, path.read_bytes()) == ()


def test_the_attack_finds_a_record_a_small_count_and_a_path_when_they_are_there(script: ModuleType) -> None:
    path = ROOT / "notebooks" / "analyst.ipynb"
    town = json.loads((ROOT / "data" / "sample" / "truth.json").read_text(encoding="utf-8"))
    somebody = town["canaries"][0]["people"][0]
    table = "<table><tr><th>area</th><th>value</th></tr><tr><td>MH01</td><td>3</td></tr></table>"
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["cells"][1]["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": f"{somebody} /home/somebody/x"},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": table}},
    ]
    checks = {finding.check for finding in script.inspected(path.name, json.dumps(stored).encode())}
    assert {"raw value", "machine", "small number"} <= checks


def test_a_notebook_with_a_finding_is_not_written(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.loads((ROOT / "notebooks" / "analyst.ipynb").read_text(encoding="utf-8"))
    stored["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "C:\\Users\\somebody"}]
    file = tmp_path / "analyst.ipynb"
    file.write_text(json.dumps(stored), encoding="utf-8")
    before = file.read_bytes()
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    monkeypatch.setattr(script, "executed", lambda book: book)
    monkeypatch.setattr("sys.argv", ["notebooks.py"])
    with pytest.raises(SystemExit, match="1 notebook\\(s\\) not written"):
        script.main()
    assert file.read_bytes() == before
    captured = capsys.readouterr()
    assert "analyst.ipynb (cell 2, output 1): machine" in captured.err
    assert "somebody" not in captured.err


def test_the_file_is_what_normalising_it_gives(script: ModuleType, path: Path, book: NotebookNode) -> None:
    assert script.to_bytes(script.normalised(book)) == path.read_bytes()


def test_normalising_takes_out_ids_metadata_progress_bars_and_addresses(script: ModuleType, tmp_path: Path) -> None:
    bar = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "0%"}
    thing = {"text/plain": "<thing at 0x7fce730abed0>"}
    cell = {
        "id": "7f00c0de",
        "cell_type": "code",
        "source": "1",
        "execution_count": 1,
        "metadata": {"execution": {"iopub.execute_input": "now"}},
        "outputs": [
            {"output_type": "display_data", "data": bar, "metadata": {}},
            {"output_type": "display_data", "data": thing, "metadata": {"x": 1}},
            {"output_type": "stream", "name": "stdout", "text": "cut "},
            {"output_type": "stream", "name": "stdout", "text": "anywhere"},
        ],
    }
    metadata = {"kernelspec": {"name": "mine", "display_name": "/x/python"}, "widgets": {}}
    file = tmp_path / "noisy.ipynb"
    noisy = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    file.write_text(json.dumps(noisy), encoding="utf-8")
    plain = json.loads(script.to_bytes(script.normalised(script.opened(file))))
    assert plain["metadata"] == {**script.KERNEL, **script.LANGUAGE}
    kept = [
        {"output_type": "display_data", "data": {"text/plain": ["<thing>"]}, "metadata": {}},
        {"output_type": "stream", "name": "stdout", "text": ["cut anywhere"]},
    ]
    assert plain["cells"] == [{**cell, "id": "cell-01", "metadata": {}, "source": ["1"], "outputs": kept}]


def test_a_run_from_the_top_gives_what_is_committed(script: ModuleType, book: NotebookNode) -> None:
    again = script.normalised(script.executed(book))
    assert worded(again) == worded(book), "run `make docs` and read what changed before it is committed"
    assert [sorted(data) for data in bundles(again)] == [sorted(data) for data in bundles(book)]
