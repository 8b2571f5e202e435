"""Which bytes are kept, after they were attacked? The one writer of outputs."""

from __future__ import annotations

import hashlib
import json
import os
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

__all__ = ["MANIFEST", "Written", "write_release"]

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
        Made if need be. An earlier release in it is replaced whole; a folder with anything else in it is left alone.
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
        When the folder holds other files.
    """
    for origin in origins:
        require_origin(origin)
        if not origin.in_ledger:
            raise NotReleasable(
                "without a ledger a result can be looked at but not written; give protect(..., ledger=PATH beside study.toml)."
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
    """Write into a new folder beside the wanted one and swap them, so that a crash leaves the old release or the new."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file())):
        raise CommonGroundError(f"{folder.name} holds something that is not a release of ours; choose an empty folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, data in files.items():
            path = fresh / name
            if fresh not in path.resolve().parents:
                raise CommonGroundError("a file of a release lies inside its folder; give relative names.")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        fresh.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
            os.replace(folder, old / "release")
            os.replace(fresh, folder)
            shutil.rmtree(old)
        else:
            os.replace(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Written(folder, tuple(sorted(files)))
