"""Answers: what did a reader find inside a file, in a form that every check understands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Bytes", "Flag", "Piece", "Points", "Table", "Text", "join"]


@dataclass(frozen=True, repr=False)
class Text:
    """Text with its role.

    Parameters
    ----------
    where : str
        Path within the file.
    text : str
        The text.
    role : str
        "raw" (a whole file, searched for raw values and for payloads in base64 only), "prose", "data" (values, cells,
        JSON strings), "code" (scripts), "style" (CSS), "metadata" (when and with what the file was made, so times
        pass) or "author" (document properties that name a person).
    places : sequence of str, optional
        Where each line of the text comes from; without it lines are numbered.
    """

    where: str
    text: str
    role: str
    places: Sequence[str] | None = None

    def place(self, offset: int) -> str:
        """Say where in the file the character at this offset is."""
        line = self.text.count("\n", 0, offset)
        numbered = f"line {line + 1}" if "\n" in self.text else ""
        spot = numbered if self.places is None else self.places[line]
        return ", ".join(part for part in (self.where, spot) if part)


@dataclass(frozen=True, repr=False)
class Table:
    """Cells under column names.

    Parameters
    ----------
    where : str
        Path within the file.
    columns : tuple of str, optional
        Names; None when the table has none.
    rows : sequence of sequences
        Cells.
    declared : bool
        Whether every column has to be a declared one; False for objects that are no table but may hold counts.
    fresh : bool
        Whether the cells have not been yielded as text as well.
    """

    where: str
    columns: tuple[str, ...] | None
    rows: Sequence[Sequence[Any]]
    declared: bool = True
    fresh: bool = True


@dataclass(frozen=True, repr=False)
class Points:
    """Coordinate pairs; `single` says that they are places on their own, not corners of an area."""

    where: str
    pairs: Iterable[tuple[float, float]]
    single: bool


@dataclass(frozen=True, repr=False)
class Bytes:
    """A file within the file, to be read in its own right; `name` decides how."""

    where: str
    name: str
    data: bytes


@dataclass(frozen=True)
class Flag:
    """Something wrong whatever it contains."""

    where: str
    check: str
    message: str


Piece: TypeAlias = Text | Table | Points | Bytes | Flag


def join(where: str, role: str, lines: Iterable[tuple[str, str]]) -> Text:
    """Put many short texts, each (place, text), into one piece so that each check runs once.

    Parameters
    ----------
    where, role : str
        As in `Text`.
    lines : iterable of (str, str)
        Place within the file, and text; line breaks in the text become spaces.
    """
    kept = [(place, " ".join(text.split("\n"))) for place, text in lines]
    return Text(where, "\n".join(text for _, text in kept), role, [place for place, _ in kept])
