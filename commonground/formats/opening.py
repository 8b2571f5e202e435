"""Can a file be opened at all?"""

from __future__ import annotations

from pathlib import Path

from commonground.formats.refusals import refusal

__all__ = ["check_file", "file_bytes"]


def check_file(path: Path) -> None:
    """Refuse a path that is missing, a folder, empty, or may not be read."""
    try:
        if path.is_dir():
            raise refusal(path.name, "is a folder", "Name one file in it.")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise refusal(path.name, "does not exist", "Check the path; it starts from the current folder.") from None
    except OSError:
        raise refusal(path.name, "cannot be opened", "Close it elsewhere and check that you may read it.") from None
    if empty:
        raise refusal(path.name, "is empty", "Export or download it again.")


def file_bytes(path: Path) -> bytes:
    """Return all of a file, or say why not."""
    check_file(path)
    return path.read_bytes()
