"""What was planned, when was it written down, and does the run keep to it?"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.errors import CommonGroundError
from commonground.plans import Declared, Deviation, differences, plan_hash

__all__ = [
    "Deviation",
    "Registration",
    "deviations",
    "deviations_frame",
    "register_plan",
    "registration",
    "registration_path",
    "registration_sentences",
]

FORMAT = "commonground registration 1"
OCCASIONS = ("check", "run")
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
UNTOLD = "cannot show what was planned. Restore it from a copy"


@dataclass(frozen=True)
class Registration:
    """A plan as it was written down when the study was first checked.

    Parameters
    ----------
    state : {'whole', 'edited', 'unreadable'}
        Edited: its own hash no longer fits its content. Unreadable: no registration that this version knows.
    date : date or None
        Day of the machine's clock on which it was written; None when unreadable.
    occasion : {'check', 'run', ''}
        What wrote it: the first check without a problem, or the first run of a study that was never checked.
    plan : mapping of dotted key to value
        Everything the study file said.
    plan_hash : str
        SHA-256 of the plan: comments and layout of the file do not count.
    file_hash : str
        SHA-256 of the bytes of the study file.
    package : str
        Version of commonground.

    Notes
    -----
    The hash notices a slip or an edit by hand; whoever computes it anew is not noticed, and the date is the machine's.
    What proves a date to others is the plan's hash in a place that keeps dates: an e-mail, a public registry.
    """

    state: str
    date: dt.date | None = None
    occasion: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    plan_hash: str = ""
    file_hash: str = ""
    package: str = ""


def registration_path(study: Declared | str | Path) -> Path:
    """Return where the registration of a study lies: beside the study file."""
    file = Path(study) if isinstance(study, str | os.PathLike) else study.path
    return (file / "study.toml" if file.is_dir() else file).with_suffix(".registration.json")


def registration(study: Declared | str | Path) -> Registration | None:
    """Read the registration of a study.

    Parameters
    ----------
    study : Study or path
        A path is that of the study file, or of the folder that holds study.toml.

    Returns
    -------
    Registration or None
        None when there is none yet. One that cannot be trusted is returned, and says so in ``.state``.
    """
    path = registration_path(study)
    if not os.path.lexists(path):
        return None
    try:
        written = json.loads(_content(path))
        seal = written.pop("sha256")
        if written["format"] != FORMAT:
            return Registration("unreadable")
        whole = seal == _hash(written) and written["plan_sha256"] == plan_hash(written["plan"])
        return Registration(
            "whole" if whole else "edited",
            dt.date.fromisoformat(written["date"]),
            str(written["occasion"]),
            dict(written["plan"]),
            str(written["plan_sha256"]),
            str(written["file_sha256"]),
            str(written["commonground"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Registration("unreadable")


def register_plan(study: Declared, *, occasion: str = "check") -> Registration:
    """Write the plan of a study down, with the date, unless that was done before; nothing is ever overwritten.

    Parameters
    ----------
    study : Study
        Without problems: check it first.
    occasion : {'check', 'run'}
        What the plan is written down for.

    Returns
    -------
    Registration
        The one that stands there now, whoever wrote it.

    Raises
    ------
    CommonGroundError
        When the folder of the study cannot be written to.
    """
    if occasion not in OCCASIONS:
        raise CommonGroundError(f"`occasion` must be one of: {', '.join(OCCASIONS)}.")
    path = registration_path(study)
    if not os.path.lexists(path):
        written: dict[str, Any] = {
            "format": FORMAT,
            "date": _today().isoformat(),
            "occasion": occasion,
            "plan": dict(study.declared),
            "plan_sha256": plan_hash(study.declared),
            "file_sha256": study.digest,
            "commonground": version("commonground"),
        }
        written["sha256"] = _hash(written)
        try:
            _write(path, json.dumps(written, sort_keys=True, indent=1).encode() + b"\n")
        except OSError as error:
            raise CommonGroundError(
                f"the plan could not be registered: {path.name} cannot be written ({error.strerror}). Give the folder "
                "of the study a place that you may write to, and check the study again."
            ) from error
    found = registration(study)
    if found is None:
        raise CommonGroundError(f"{path.name} went as soon as it was written; check the study again.")
    return found


def deviations(study: Declared) -> tuple[Deviation, ...]:
    """List every key in which the study file, as it was read, differs from the registered plan.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of Deviation
        Those that matter first. Empty without a registration, or with one that cannot be read: ask
        `registration_sentences` which it is.
    """
    found = registration(study)
    return () if found is None or found.state == "unreadable" else differences(found.plan, study.declared)


def deviations_frame(study: Declared) -> pd.DataFrame:
    """Return the deviations as a table.

    Parameters
    ----------
    study : Study

    Returns
    -------
    DataFrame
        One row a deviation; columns key, planned, run (texts; empty where the key was not there) and matters.
    """
    rows = [(one.key, one.planned or "", one.run or "", one.matters) for one in deviations(study)]
    return pd.DataFrame(rows, columns=["key", "planned", "run", "matters"]).astype({"matters": bool})


def registration_sentences(study: Declared) -> tuple[str, ...]:
    """Say when the plan was written down, what that date is worth, and whether the run keeps to it.

    Parameters
    ----------
    study : Study

    Returns
    -------
    tuple of str
        The deviations themselves are in `deviations_frame`.
    """
    found, name = registration(study), registration_path(study).name
    if found is None:
        return ("The plan is not registered: nothing shows what was decided before the data could be read.",)
    if found.date is None:
        return (f"{name} is no registration that this version can read: it {UNTOLD}.",)
    told = _dated(found.date, found.occasion, study)
    if found.state == "edited":
        told.append(f"{name} was changed after it was written, so it {UNTOLD}.")
    differ = differences(found.plan, study.declared)
    if differ:
        some = "1 entry differs" if len(differ) == 1 else f"{len(differ)} entries differ"
        told.append(
            f"{some} from the registered plan, {sum(one.matters for one in differ)} of which can change results."
        )
    elif found.state == "whole":
        edited = " (comments or layout of the file did)" if found.file_hash != study.digest else ""
        told.append(f"Nothing in the plan was changed since{edited}.")
    return tuple(told)


def _dated(date: dt.date, occasion: str, study: Declared) -> list[str]:
    """Say on which day it was registered, and what could be known of the outcome by then."""
    by = " by the first run: it was not fixed before the data could be read" if occasion == "run" else ""
    told = [f"The plan was registered on {date:%-d %B %Y} (the machine's date){by}."]
    after, then = study.phases["after"], pd.Timestamp(date)
    if then < after.start:
        told.append("The months that it evaluates had not begun.")
    elif then < after.end:
        told.append(f"The months that it evaluates had begun ({after.start:%-d %B %Y}).")
    else:
        last = after.end - pd.Timedelta(days=1)
        known = f" and the data had been extracted ({study.as_of:%-d %B %Y})" if then > study.as_of else ""
        told.append(f"It was written after the period it evaluates was over ({last:%-d %B %Y}){known}.")
    return told


def _today() -> dt.date:
    return dt.date.today()


def _hash(written: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(written, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _content(path: Path) -> bytes:
    """Read an ordinary file; a link is not followed, and a pipe is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | NOFOLLOW | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not an ordinary file")
        return file.read()


def _write(path: Path, data: bytes) -> None:
    """Put a whole file where none is: written aside and linked into place, which never replaces what is there."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another check was quicker: its registration stands
            _place(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _place(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links; a rename replaces, so it looks first
        if os.path.lexists(path):
            raise FileExistsError from None
        os.replace(aside, path)
