"""Are two things drawn in the same coordinate reference system, and is it one in metres?"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from commonground.errors import GeographyError

__all__ = [
    "BRITISH_NATIONAL_GRID", "check_metres", "check_same_crs", "crs_of", "crs_text", "is_crs", "is_metric", "same_crs",
    "system_name",
]  # fmt: skip

BRITISH_NATIONAL_GRID = CRS.from_epsg(27700)
WEB_MERCATOR = 3857  # calls its units metres, but stretches them 1.6-fold at the latitude of Leeds
NAMES_ALIKE = 20  # PROJ's lowest confidence: the names agree, the numbers are compared below
SAME_PLACE = 0.01  # metres; a rounded scale factor in a .prj file moves Britain by less than a millimetre


def check_same_crs(left: Any, right: Any, *, names: tuple[str, str]) -> None:
    """Raise when two things are in different coordinate reference systems, naming both.

    Parameters
    ----------
    left, right
        Anything with an attribute ``crs``.
    names : tuple of str
        What to call them in the message.

    Raises
    ------
    GeographyError
        When the systems are not equivalent, or one of the two has none.
    """
    one, other = crs_of(left), crs_of(right)
    if one is None or other is None:
        bare = names[0] if one is None else names[1]
        raise GeographyError(f"`{bare}` has no coordinate reference system; set it before they are compared.")
    if not same_crs(one, other):
        raise GeographyError(
            f"`{names[0]}` is in {system_name(one)} but `{names[1]}` is in {system_name(other)}; "
            f"call `{names[1]}.to_crs({names[0]}.crs)`."
        )


def check_metres(thing: Any, name: str) -> None:
    """Raise when distances and areas in a thing's coordinate reference system are not in metres."""
    system = crs_of(thing)
    if system is None or not is_metric(system):
        where = "has no coordinate reference system" if system is None else f"is in {system_name(system)}"
        raise GeographyError(f"`{name}` {where}; needed is one in metres: call {name}.to_crs('EPSG:27700').")


def crs_of(thing: Any) -> CRS | None:
    """Return a thing's coordinate reference system; None where it has none."""
    found = getattr(thing, "crs", None)
    return None if found is None else CRS.from_user_input(found)


def is_metric(system: CRS) -> bool:
    """Say whether a system is projected, in metres, and true to scale where it is meant to be used."""
    metres = all(axis.unit_name in ("metre", "meter") for axis in system.axis_info)
    return bool(system.is_projected and metres and system.to_epsg() != WEB_MERCATOR)


def same_crs(left: CRS, right: CRS) -> bool:
    """Say whether two systems give a place the same coordinates, whatever they are called.

    Notes
    -----
    Systems that PROJ calls equal are. So are those of like name on one ellipsoid that put the corners of their area of
    use within a centimetre of each other: a Shapefile's .prj names no EPSG code and rounds its numbers.
    """
    if left.equals(right, ignore_axis_order=True):
        return True
    code = left.to_epsg(NAMES_ALIKE)
    if code is None or code != right.to_epsg(NAMES_ALIKE) or not left.is_projected or not right.is_projected:
        return False
    area = CRS.from_epsg(code).area_of_use
    one, other = left.ellipsoid, right.ellipsoid
    if area is None or one is None or other is None or one.semi_major_metre != other.semi_major_metre:
        return False
    corners = np.array([(lon, lat) for lon in (area.west, area.east) for lat in (area.south, area.north)]).T
    drawn, again = (
        np.array(Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform(*corners))
        for crs in (left, right)
    )
    return bool(np.allclose(drawn, again, rtol=0, atol=SAME_PLACE))


def is_crs(crs: object) -> bool:
    """Say whether pyproj knows what is meant."""
    try:
        CRS.from_user_input(crs)
    except CRSError:
        return False
    return True


def crs_text(crs: object) -> str:
    """Return a coordinate reference system as ``EPSG:27700``, or as well-known text where it has no such number."""
    system = CRS.from_user_input(crs)
    code = system.to_epsg()
    return f"EPSG:{code}" if code else str(system.to_wkt())


def system_name(system: CRS) -> str:
    """Return what to call a system in a message: ``EPSG:27700``, or its name."""
    code = system.to_epsg()
    return f"EPSG:{code}" if code else str(system.name)
