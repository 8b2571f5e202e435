"""The wheel carries what the demonstration needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def call(*arguments: str | Path, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    settings.pop("PYTHONPATH", None)
    if path is not None:
        settings["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env=settings, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout; without isolation, so that nothing is fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    done = call("-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_holds_the_three_packages_the_pages_and_the_sample_town(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"commonground/cli.py", "mapping/__init__.py", "evaluation/__init__.py"} <= names
    assert {"commonground/sample/study.toml", "commonground/sample/truth.json"} <= names
    assert any(name.startswith("commonground/dashboard/templates/") for name in names)
    roots = {name.split("/")[0] for name in names}
    assert {name for name in roots if not name.endswith(".dist-info")} == {"commonground", "mapping", "evaluation"}


def test_the_wheel_holds_no_caches_tests_notebooks_or_ledgers(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    endings = (".pyc", ".ipynb", ".ledger")
    assert not [name for name in names if name.endswith(endings) or "__pycache__" in name or "test_" in name]


def test_the_demonstration_runs_from_the_wheel_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--target", site)
    done = call("-m", "pip", "install", *options, wheel, cwd=empty)
    assert done.returncode == 0, done.stderr
    where = call("-c", "import commonground; print(commonground.__file__)", cwd=empty, path=site)
    assert where.stdout.strip() == str(site / "commonground" / "__init__.py")
    done = call("-m", "commonground.cli", "demo", "--out", "town", cwd=empty, path=site)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress, no warning: the output is no terminal
    assert "index.html in a browser" in done.stdout
    assert (empty / "town" / "dashboard" / "index.html").stat().st_size > 1_000
    assert sorted(path.name for path in empty.iterdir()) == ["town"]
    assert sorted(path.name for path in (empty / "town").iterdir()) == ["dashboard", "study"]
    attacked = call("-m", "commonground.cli", "attack", "town/dashboard", cwd=empty, path=site)
    assert attacked.returncode == 0
    assert attacked.stdout.startswith("Nothing found.\nNot approved: nobody signed this release")
