"""Is a release folder as it was written?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from commonground.disclosure.inspection import inspect_bytes
from commonground.errors import CommonGroundError
from commonground.release.escape import clean

__all__ = ["APPROVAL", "MANIFEST", "Manifest", "check_intact", "differences", "is_release", "read_manifest"]

MANIFEST = "manifest.json"
APPROVAL = "approval.json"
MOST_LISTED = 40  # of files that differ; more would only repeat
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, repr=False)
class Manifest:
    """What the manifest of a release says.

    Parameters
    ----------
    facts : mapping
        Everything but the files: policy, dates, hashes of inputs.
    files : mapping of name to SHA-256
    digest : str
        SHA-256 of the manifest itself; it stands for the whole release.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    def __repr__(self) -> str:
        return f"Manifest({len(self.files)} files)"

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts among the facts; empty where there is none.

        Raises
        ------
        CommonGroundError
            When something else stands there.
        """
        value = self.facts.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _not_ours()
        return tuple(value)


def is_release(folder: str | Path) -> bool:
    """Say whether a folder holds a manifest that names this tool, whole or not; other tools have manifests too."""
    path = Path(folder) / MANIFEST
    return path.is_file() and b'"commonground ' in path.read_bytes()


def read_manifest(folder: str | Path) -> Manifest:
    """Read the manifest of a release.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Manifest

    Raises
    ------
    CommonGroundError
        When the folder holds no manifest of ours, or one that names files outside the folder.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file() or path.is_symlink():
        raise CommonGroundError(
            f"{Path(folder).name} is no release: it holds no {MANIFEST}. Give the folder that `commonground run` wrote."
        )
    data = path.read_bytes()
    try:
        content = json.loads(data)
        files = content["files"]
        ours = str(content["tool"]).startswith("commonground ") and all(map(_listed_well, files.items()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _not_ours() from None
    if not ours:
        raise _not_ours()
    facts = {key: value for key, value in content.items() if key != "files"}
    return Manifest(facts, dict(files), hashlib.sha256(data).hexdigest())


def differences(folder: str | Path, manifest: Manifest) -> tuple[str, ...]:
    """List every file that is not as the manifest says, by what is wrong with it; nothing of its contents.

    Parameters
    ----------
    folder : path
    manifest : Manifest

    Returns
    -------
    tuple of str
        ``changed: NAME``, ``missing: NAME``, ``not of this release: NAME``. Empty when the folder is as it was written.
        The approval is not listed by the manifest and is no difference. A name that an attack would find is withheld.
    """
    place = Path(folder)
    return (*_listed(place, manifest), *_strangers(place, manifest))


def check_intact(folder: str | Path, manifest: Manifest) -> None:
    """Refuse a folder in which any file is not as the manifest says.

    Raises
    ------
    CommonGroundError
        With every such file.
    """
    found = differences(folder, manifest)
    if found:
        more = [f"and {len(found) - MOST_LISTED} more"] if len(found) > MOST_LISTED else []
        listed = "\n".join(f"  {line}" for line in (*found[:MOST_LISTED], *more))
        raise CommonGroundError(
            f"the folder is not as it was written; nothing was signed.\n{listed}\n"
            "Take out what does not belong there, or run the study again."
        )


def _listed(place: Path, manifest: Manifest) -> Iterator[str]:
    for name, digest in sorted(manifest.files.items()):
        path = place / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            yield f"changed: {clean(name)}"
        elif not path.exists():
            yield f"missing: {clean(name)}"
        elif _digest(path) != digest:
            yield f"changed: {clean(name)}"


def _strangers(place: Path, manifest: Manifest) -> Iterator[str]:
    for path in sorted(place.rglob("*")):
        name = path.relative_to(place).as_posix()
        stranger = path.is_symlink() or not path.is_dir()
        if stranger and name not in manifest.files and name not in (MANIFEST, APPROVAL):
            yield f"not of this release: {_harmless(name)}"


def _harmless(name: str) -> str:
    """Return a name, unless it tells something itself."""
    telling = any(finding.where.startswith("file name") for finding in inspect_bytes(name, b""))
    return f"(name withheld){Path(name).suffix}" if telling else clean(name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed_well(item: tuple[Any, Any]) -> bool:
    """Say whether an entry names a file inside the folder and a SHA-256."""
    name, digest = item
    path = PurePosixPath(name)
    inside = not path.is_absolute() and ".." not in path.parts and bool(path.parts)
    return inside and _SHA256.fullmatch(digest) is not None


def _not_ours() -> CommonGroundError:
    return CommonGroundError(
        f"the {MANIFEST} of this folder is not one that `commonground run` wrote; run the study again."
    )
