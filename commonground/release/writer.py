"""Which bytes are kept, after they were attacked? The one writer of outputs."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from commonground.disclosure.inspection import Expectation, inspect_bytes
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.tables import require_origin

__all__ = ["MANIFEST", "Written", "check_free", "write_release"]

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Written:
    """What was kept: the folder and the names of its files."""

    folder: Path
    files: tuple[str, ...] = field(default=())

    def summary(self) -> str:
        """Say where the files are and that they were attacked first."""
        return f"{len(self.files)} files in {self.folder}, each read back and attacked before it was kept."


def write_release(
    folder: str | Path,
    files: Mapping[str, bytes],
    *,
    origins: Sequence[Any],
    expectation: Expectation | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Written:
    """Attack rendered bytes and keep them only if nothing is found.

    Parameters
    ----------
    folder : path
        Made if need be. An earlier release in it is replaced whole; a folder that holds anything else is left
        alone.
    files : mapping of name to bytes
        Names are relative and may hold one folder level.
    origins : sequence of Protected or Registered
        What the files were rendered from; each must stand in a ledger (the open profile needs none).
    expectation : Expectation, optional
        What the attack may expect: needles of the live data, declared columns, boundaries.
    facts : mapping, optional
        For the manifest: input hashes, study hash, seed, policy.

    Returns
    -------
    Written

    Raises
    ------
    NotReleasable
        When an origin is exact or not in a ledger, or the attack finds something. Nothing is written then.
    CommonGroundError
        When the folder holds anything that is not of an earlier release. Nothing is written or lost then.

    Notes
    -----
    Files are written into a hidden folder beside the wanted one, which then takes its place in one step. Whatever fails
    before that leaves the earlier release as it was.
    """
    for origin in origins:
        require_origin(origin)
        if not origin.in_ledger:
            raise NotReleasable(
                "without a ledger a result can be looked at but not written; give protect(..., ledger=PATH beside "
                "study.toml)."
            )
    everything = {**files, MANIFEST: _manifest(files, facts or {})}
    findings = [
        finding
        for name, data in everything.items()
        for finding in inspect_bytes(name, data, expectation or Expectation())
    ]
    if findings:
        listed = "\n".join(sorted({f"  {f.file} ({f.where}): {f.check}: {f.message}" for f in findings})[:40])
        raise NotReleasable(
            f"the attack on the rendered files found {len(findings)} thing(s); nothing was written.\n{listed}"
        )
    return _keep(Path(folder), everything)


def _manifest(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    content = {
        "tool": f"commonground {version('commonground')}",
        **facts,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
    }
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()


def _keep(folder: Path, files: Mapping[str, bytes]) -> Written:
    """Write into a new folder beside the wanted one and swap them: what fails on the way leaves the old release."""
    place = folder.resolve()  # a link to a folder stays a link
    check_free(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        for name, data in files.items():
            path = fresh / name
            if fresh not in path.resolve().parents:
                raise CommonGroundError("a file of a release lies inside its folder; give relative names.")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        fresh.chmod(0o755)
        _swap(fresh, place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Written(folder, tuple(sorted(files)))


def _swap(fresh: Path, place: Path) -> None:
    """Put the new folder where the old one is; if that fails, put the old one back."""
    if not place.exists():
        fresh.replace(place)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}-old-", dir=place.parent))
    try:
        place.replace(aside / "release")
        try:
            fresh.replace(place)
        except BaseException:
            (aside / "release").replace(place)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(folder: str | Path) -> None:
    """Refuse a folder that holds anything but an earlier release of ours, before any long work.

    Parameters
    ----------
    folder : path

    Raises
    ------
    CommonGroundError
        When writing there would lose a file that is not of the release in it.
    """
    place = Path(folder).resolve()
    if not place.exists():
        return
    inside = [path for path in sorted(place.rglob("*")) if not path.is_dir()] if place.is_dir() else [place]
    if not inside:
        return
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        ours = str(manifest["tool"]).startswith("commonground ")
        listed = {MANIFEST, *manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        ours, listed = False, set()
    if not ours:
        first = next((path.name for path in inside if path.name != MANIFEST), MANIFEST)
        raise CommonGroundError(
            f"{place.name} holds something that is no release of ours ({first}); nothing was written; "
            "choose an empty folder."
        )
    strangers = [path for path in inside if path.relative_to(place).as_posix() not in listed]
    if strangers:
        raise CommonGroundError(
            f"{place.name} holds {len(strangers)} file(s) that are not of the release in it and would be lost; "
            "move them elsewhere, or choose an empty folder."
        )
