"""Nothing writes but the writer, only sealed classes say they are released, and the inspection stands alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("commonground", "mapping", "evaluation")

# Calls that put something on a disk, or make the bytes of a file.
WRITING = frozenset({
    "to_csv", "to_excel", "to_file", "to_parquet", "to_feather", "to_pickle", "to_json", "to_html", "to_sql",
    "to_stata", "to_hdf", "to_latex", "to_markdown", "savefig", "print_png", "print_svg", "print_figure", "save",
    "savez", "savetxt", "tofile", "dump", "write", "writelines", "writestr", "writerow", "writerows", "write_text",
    "write_bytes", "copyfile", "copytree", "copy2", "symlink", "symlink_to", "hardlink_to", "touch", "mkstemp",
    "NamedTemporaryFile", "TemporaryFile", "fdopen", "write_table",
})  # fmt: skip
OPENING = frozenset({"open", "ZipFile", "GzipFile", "TarFile"})  # in any mode but reading
READING = frozenset({"r", "rb"})

# Who may, and why; whoever else does fails the test below.
ALLOWED = {
    "commonground/release/staging.py": "the hands of the writer, which attacked the files first and alone calls it",
    "commonground/release/tables.py": "rows of a CSV in memory; the bytes go to the writer",
    "commonground/release/workbook.py": "a workbook in memory; the bytes go to the writer",
    "commonground/release/figures.py": "pictures in memory; the bytes go to the writer",
    "commonground/release/signatures.py": "approval.json: names and a hash, typed by the approver, into a kept release",
    "commonground/release/approval.py": "the same, for the statement that was read",
    "commonground/disclosure/protected.py": "HTML of published values for a notebook, as text",
    "commonground/disclosure/register.py": "HTML of published estimates for a notebook, as text",
    "commonground/disclosure/ledger.py": "the ledger: published values, beside the study, mode 0600, never released",
    "commonground/disclosure/chain.py": "the ledger's file itself",
    "commonground/registration.py": "the plan of a study without problems, once, beside it: what the study file says",
    "commonground/newstudy.py": "a study file to edit: column names and TODOs, no value of a record",
    "commonground/sampletown.py": "copies the synthetic sample that comes with the package",
}


def calls(source: str) -> Iterator[str]:
    """Yield the name of every call that writes, or opens for anything but reading."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in WRITING or (name in OPENING and not _reads(node, on_path=isinstance(function, ast.Attribute))):
            yield name
        elif name == "getattr" and any(isinstance(a, ast.Constant) and a.value in WRITING for a in node.args):
            yield "getattr"


def _reads(node: ast.Call, *, on_path: bool) -> bool:
    """Say whether a call that opens a file only reads it: no mode, or one that says so."""
    of_os = on_path and ast.unparse(node.func).startswith("os.")
    modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    modes += [k.value.value for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)]  # type: ignore[misc]
    return not of_os and all(mode in READING for mode in modes if len(mode) <= 3)


def modules() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_nothing_but_the_named_modules_writes() -> None:
    found = {name: sorted(set(calls(source))) for name, source in modules() if set(calls(source))}
    assert "commonground/release/staging.py" in found  # the search does see it
    assert {name: what for name, what in found.items() if name not in ALLOWED} == {}


def test_only_the_writer_has_files_kept() -> None:
    kept = {
        name for name, source in modules() if "commonground.release.staging" in imports(source, "commonground.release")
    }
    assert kept == {"commonground/release/writer.py"}


@pytest.mark.parametrize(
    "line",
    [
        "frame.to_csv(path)",
        "figure.savefig('map.png')",
        "map.save(out)",
        "Path(name).write_text(text)",
        "path.write_bytes(data)",
        "open(name, 'w').close()",
        "open(name, mode='ab')",
        "path.open('x')",
        "os.open(name, os.O_CREAT)",
        "zipfile.ZipFile(name, 'w')",
        "shutil.copyfile(one, other)",
        "getattr(frame, 'to_csv')(path)",
        "json.dump(rows, file)",
    ],
)
def test_a_renderer_that_goes_past_the_writer_is_seen(line: str) -> None:
    assert list(calls(f"def render():\n    {line}\n"))


@pytest.mark.parametrize("line", ["open(name)", "path.open('rb')", "zipfile.ZipFile(stream)", "frame.copy()"])
def test_reading_is_not_writing(line: str) -> None:
    assert list(calls(f"def read():\n    {line}\n")) == []


# -- what says that it is released -------------------------------------------------------------------------------------


def released_classes(source: str) -> dict[str, bool]:
    """Return the classes that say they are released, and whether they can be made by the gate only."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            body = ast.unparse(node)
            named = [part for part in node.body if isinstance(part, ast.AnnAssign | ast.Assign)]
            if any("released" in ast.unparse(part).split("=")[0] for part in named):
                found[node.name] = "check_seal(" in body
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and "'released'" in ast.unparse(node):
            found["setattr"] = False
        elif isinstance(node, ast.Assign) and any(ast.unparse(t).endswith(".released") for t in node.targets):
            found["assignment"] = False
    return found


def test_every_class_that_says_it_is_released_can_only_be_made_by_the_gate() -> None:
    """`require_origin` takes a class at its word, so no class may say so that anybody can make by hand."""
    found = {
        f"{name}:{kind}": sealed for name, source in modules() for kind, sealed in released_classes(source).items()
    }
    assert {"commonground/disclosure/protected.py:Protected", "commonground/disclosure/register.py:Registered"} <= set(
        found
    )
    assert [name for name, sealed in found.items() if not sealed] == []


def test_a_hand_made_class_that_says_it_is_released_is_seen() -> None:
    assert released_classes("class Mine:\n    released = True\n") == {"Mine": False}
    assert released_classes("class Mine:\n    released: ClassVar[bool] = True\n") == {"Mine": False}
    assert released_classes("Mine.released = True\n") == {"assignment": False}
    assert released_classes("setattr(Mine, 'released', True)\n") == {"setattr": False}


# -- the inspection shares nothing with the renderers ------------------------------------------------------------------

ALONE = """
import sys
for name, folder in (("commonground", "commonground"), ("commonground.disclosure", "commonground/disclosure")):
    sys.modules[name] = type(sys)(name)
    sys.modules[name].__path__ = [folder]
import commonground.disclosure.inspection as inspection
assert inspection.inspect_bytes("a.txt", b"call 07700 900123")
print(*(name for name in sys.modules if name.split(".")[0] in ("commonground", "mapping", "evaluation")))
"""


def test_the_inspection_runs_without_the_renderers() -> None:
    """Inside empty packages of the same names it loads patterns of personal data and our errors, and nothing else."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True, cwd=ROOT)
    inside = "commonground.disclosure.inspection"
    assert {name for name in done.stdout.split() if not name.startswith(inside)} == {
        "commonground", "commonground.disclosure", "commonground.errors", "commonground.tripwire",
    }  # fmt: skip


def imports(source: str, package: str) -> set[str]:
    """Return the modules of ours that a source names, relative ones resolved."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            found.add(f"{base}.{node.module or ''}".strip("."))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            found.add(ast.unparse(node.args[0]).strip("'"))
    return {name for name in found if name.split(".")[0] in PACKAGES}


def test_no_source_of_the_inspection_names_a_renderer() -> None:
    package = "commonground.disclosure.inspection"
    found = {
        name
        for path, source in modules()
        if path.startswith(package.replace(".", "/"))
        for name in imports(source, package)
        if not name.startswith(package)
    }
    assert found == {"commonground.errors", "commonground.tripwire"}
    assert imports("from ..gate import protect\nimport commonground.release.tables", package) == {
        "commonground.disclosure.gate", "commonground.release.tables",
    }  # fmt: skip
