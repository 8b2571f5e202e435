"""Where is the sample town, and how does it become a study that can be run?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from commonground.errors import CommonGroundError

__all__ = ["lay_out", "sample_folder"]

STUDY = "study.toml"
REGISTRATION = "study.registration.json"  # dated once and shipped: each demonstration shows one and the same date
FILES = (STUDY, REGISTRATION, "README.md", "areas.geojson", "arrests.csv", "contacts.csv", "districts.csv",
         "incidents_police.csv", "incidents_scheme.csv", "services.csv", "truth.json")  # fmt: skip
LEDGER = "study.ledger"
INSIDE = ("study", "dashboard")  # what a folder of the demonstration holds


def sample_folder() -> Path:
    """Return the folder of the sample town: inside the installed package, or in the checkout.

    Raises
    ------
    CommonGroundError
        When the installation came without it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "sample", here.parent / "data" / "sample"):
        if (folder / STUDY).is_file():
            return folder
    raise CommonGroundError("the sample town is not in this installation; install commonground again.")


def lay_out(folder: Path) -> Path:
    """Copy the sample study into a folder of its own, so that its ledger and release lie beside nothing else.

    Parameters
    ----------
    folder : Path
        Made if need be. May hold an earlier demonstration, whose ledger is kept, and nothing else.

    Returns
    -------
    Path
        study.toml in ``folder/study``.

    Raises
    ------
    CommonGroundError
        When the folder holds something else, or a sample file in it was changed: nothing is overwritten.
    """
    source, study = sample_folder(), folder / "study"
    if folder.exists() and not folder.is_dir():
        raise CommonGroundError(f"{folder.name} is a file; give a folder.")
    others = [*_strangers(folder, INSIDE), *_strangers(study, (*FILES, LEDGER))]
    if others:
        raise CommonGroundError(
            f"{folder.name} holds something that is no demonstration ({others[0]}); give an empty folder with --out."
        )
    there = [name for name in FILES if (study / name).exists()]
    changed = [name for name in there if (study / name).read_bytes() != (source / name).read_bytes()]
    if changed:
        raise CommonGroundError(
            f"{', '.join(changed)} in {study} differ from the sample; give another folder with --out, "
            f"or run that study: commonground run {study} --out DIR"
        )
    study.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name not in there:
            half = study / f".{name}"  # moved into place when complete, so that a crash leaves no half of a file
            shutil.copyfile(source / name, half)
            os.replace(half, study / name)
    return study / STUDY


def _strangers(folder: Path, known: tuple[str, ...]) -> list[str]:
    """Return what else lies in a folder; hidden files, which systems and interrupted runs leave, do not count."""
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.name not in known and not p.name.startswith("."))
