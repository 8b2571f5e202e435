"""Answers: what may be in a file that is about to be handed round."""

from __future__ import annotations

import getpass
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import geopandas as gpd
import shapely

from .needles import Needles

__all__ = ["CHECKS", "Expectation", "Finding", "boundary_vertices", "vertex_key"]

CHECKS = (
    "unknown type",  # a kind of file or part that this tool cannot read, so does not let through
    "unreadable",  # damaged, encrypted, too deep or too large
    "raw value",  # a value of the live data
    "personal data",  # phone, postcode, NINO, NHS number, e-mail, vehicle mark, coordinates in text
    "coordinates",  # points, or corners that are not of the reference boundaries
    "undeclared column",
    "small number",
    "time",  # a time of day, or a date finer than the policy
    "machine",  # user, host and path names
    "external address",  # something a browser or a reader would load from elsewhere
    "formula",
    "hidden content",  # what a person who opens the file does not see
)

# Accounts and hosts so common that finding them says nothing ("root" is in every style sheet).
# fmt: off
COMMON_NAMES = frozenset({
    "admin", "administrator", "analyst", "app", "build", "builder", "circleci", "codespace", "container",
    "debian", "default", "docker", "guest", "home", "host", "jovyan", "jupyter", "local", "localhost", "node",
    "nobody", "owner", "python", "root", "runner", "runneradmin", "server", "system", "test", "ubuntu", "user",
    "users", "vagrant", "vscode", "work", "worker",
})
# fmt: on


def _names_of_this_machine() -> frozenset[str]:
    """Return the running user and the host, where they are longer than three letters and not a common word."""
    names = {socket.gethostname(), socket.gethostname().split(".")[0]}
    with suppress(KeyError, OSError):  # a container may have no entry for this user
        names.add(getpass.getuser())
    return frozenset(name for name in names if len(name) > 3 and name.lower() not in COMMON_NAMES)


@dataclass(frozen=True, repr=False)
class Expectation:
    """What a folder may contain; with no arguments, only what is wrong in any folder is found.

    Parameters
    ----------
    needles : Needles
        Raw values of the live data, hashed in memory.
    vertices : frozenset of (x, y), optional
        Corners of the reference boundaries, from `boundary_vertices`, and any other place that may be shown (the
        address of a service, the centre of the map). When given, every other coordinate is a finding; when None, only
        points and markers are.
    columns : frozenset of str, optional
        Every column and property name that may appear in a table.
    count_columns : frozenset of str
        Columns that hold counts; whole numbers from 1 to k - 1 in them are findings.
    k : int
        Smallest count that may be shown.
    finest_time : {"month", "quarter", "year"}, optional
        When given, times of day and dates finer than this are findings (first and last days of a period are not).
        When None, only a date with a time of day is.
    dates : frozenset of datetime.date
        Days that may be named, such as the start of the operation.
    allowed : frozenset of str
        Exact phrases that may appear although a pattern matches them: a helpline's number, opening hours.
    made : bool
        Whether a file may say when it was made; False for a release, whose bytes must not depend on the moment.
    names : frozenset of str
        Names of people's accounts and machines; the default is the running user and host.
    """

    needles: Needles = field(default_factory=Needles)
    vertices: frozenset[tuple[float, float]] | None = None
    columns: frozenset[str] | None = None
    count_columns: frozenset[str] = frozenset()
    k: int = 8
    finest_time: str | None = None
    dates: frozenset[date] = frozenset()
    allowed: frozenset[str] = frozenset()
    made: bool = True
    names: frozenset[str] = field(default_factory=_names_of_this_machine)

    def __post_init__(self) -> None:
        if self.finest_time not in (None, "month", "quarter", "year"):
            raise ValueError('`finest_time` must be "month", "quarter", "year" or None.')
        if self.k < 2:
            raise ValueError("`k` is the smallest count that may be shown: give 2 or more.")

    def __repr__(self) -> str:
        return "Expectation(...)"

    def shows(self, x: float, y: float) -> bool:
        """Say whether a place, its numbers in either order, may be shown.

        Parameters
        ----------
        x, y : float
            Degrees or metres.

        Returns
        -------
        bool
            True for an allowed vertex, and for the corners and the centre of the box around all of them (the view of
            a map); always False without `vertices`.
        """
        if not self._places:
            return False
        a, b = vertex_key(x, y)
        if (a, b) in self._places:
            return True
        step = 1e-5 if _degrees(x, y) else 1.0  # another program's rounding may differ by one in the last place
        return any(
            vertex_key(x + i * step, y + j * step) in self._places for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j
        )

    @cached_property
    def _places(self) -> frozenset[tuple[float, float]]:
        rounded = [vertex_key(*pair) for pair in self.vertices or ()]
        for same_unit in ([p for p in rounded if _degrees(*p)], [p for p in rounded if not _degrees(*p)]):
            if same_unit:
                (left, bottom), (right, top) = (
                    map(min, zip(*same_unit, strict=True)),
                    map(max, zip(*same_unit, strict=True)),
                )
                rounded += [(x, y) for x in (left, right) for y in (bottom, top)]
                rounded.append(vertex_key((left + right) / 2, (bottom + top) / 2))
        return frozenset(rounded) | frozenset((y, x) for x, y in rounded)


@dataclass(frozen=True)
class Finding:
    """One thing that must not leave, by its place and kind and never by its contents.

    Attributes
    ----------
    file : str
        Path of the file within the folder; withheld when the name itself is a finding.
    where : str
        Place within the file; empty for the file as a whole.
    check : str
        One of `CHECKS`.
    message : str
        What was found and what to do.
    """

    file: str
    where: str
    check: str
    message: str


def boundary_vertices(*layers: gpd.GeoDataFrame | gpd.GeoSeries) -> frozenset[tuple[float, float]]:
    """Collect the corners of boundaries, in degrees and in the coordinates they came in.

    Parameters
    ----------
    *layers : GeoDataFrame or GeoSeries
        Areas or lattices, each with a coordinate reference system.

    Returns
    -------
    frozenset of (float, float)
        Degrees as (longitude, latitude) at five decimals, metres as (easting, northing) at whole metres.

    Raises
    ------
    ValueError
        If a layer has no coordinate reference system.
    """
    found: set[tuple[float, float]] = set()
    for layer in layers:
        if layer.crs is None:
            raise ValueError("The boundaries have no coordinate reference system; set it with .set_crs().")
        for shape in (layer.geometry, layer.geometry.to_crs(4326)):
            found.update(vertex_key(x, y) for x, y in shapely.get_coordinates(shape.to_numpy()).tolist())
    return frozenset(found)


def vertex_key(x: float, y: float) -> tuple[float, float]:
    """Round a pair to five decimals if it can be degrees, to whole numbers if it must be metres.

    Parameters
    ----------
    x, y : float
        A coordinate pair in any order.

    Returns
    -------
    (float, float)
        The rounded pair.
    """
    digits = 5 if _degrees(x, y) else 0
    return round(x, digits) + 0.0, round(y, digits) + 0.0  # no negative zero


def _degrees(x: float, y: float) -> bool:
    return max(abs(x), abs(y)) <= 180
