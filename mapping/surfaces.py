"""Answer where the share of events rose and where it fell, and where that is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.bandwidths import RULES, choose_bandwidth, oversmoothing_bandwidth
from mapping.densities import densities_and_levels
from mapping.kernels import (
    Array,
    Lattice,
    covered_share,
    fine_lattice,
    how_fine,
    pixels_inside,
    watched_places,
)
from mapping.patterns import read_patterns, read_window
from mapping.relabelling import Flags, Ground, Pair, compare_with_chance

__all__ = ["DisplacementSurface", "displacement_surface", "oversmoothing_bandwidth"]

#: Pixels along the longer side of the window when no cell size is given.
DEFAULT_PIXELS = 128
#: Level at which the summary speaks of places that changed.
LEVEL = 0.05


@dataclass(frozen=True, repr=False)
class DisplacementSurface(Exact):
    """Hold a log relative-risk surface and its uncertainty; exact, for the analyst, never for publication.

    Every surface is a 2-D array, one row per y (ascending), one column per x, NaN outside the window.

    Parameters
    ----------
    log_ratio : ndarray
        ln f_after - ln f_before; above 0 where the share of events rose. With a comparison, the change in the
        pattern minus the change in the comparison.
    statistic : ndarray
        Log ratio over its standard error, from the tallies used for relabelling.
    p, p_family : ndarray
        Two-sided permutation p at each place, and family-wise over the whole window: a place with
        ``p_family <= .05`` is not explained by having looked everywhere. NaN without permutations.
    p_asymptotic : ndarray
        Two-sided normal p at each place.
    density_before, density_after : ndarray
        Shape: events per square metre as a share of all events; each sums to 1 over the pixels of the window.
    level_before, level_after : ndarray
        Level: events per square metre and unit of exposure.
    level_change, level_se : ndarray
        Difference of the levels (minus the comparison's when there is one: a mapped weighted displacement
        difference) and its Poisson standard error.
    x, y : ndarray
        Coordinates of the pixel centres, metres.
    window : shapely geometry
        Where events could have been seen.
    bandwidth, cell : float
        Standard deviation of the kernel and side of a pixel, metres.
    permutations : int
        Relabellings behind the p-values; the smallest possible p is 1 / (permutations + 1).
    n_before, n_after : int
        Events used.
    notes : tuple of str
        What was left out or must be kept in mind.
    """

    log_ratio: Array
    statistic: Array
    p: Array
    p_family: Array
    p_asymptotic: Array
    density_before: Array
    density_after: Array
    level_before: Array
    level_after: Array
    level_change: Array
    level_se: Array
    x: Array
    y: Array
    window: Any
    bandwidth: float
    cell: float
    permutations: int
    n_before: int
    n_after: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "DisplacementSurface(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per pixel inside the window: x, y and every surface."""
        inside = np.isfinite(self.log_ratio)
        names = (
            "x y log_ratio statistic p p_family p_asymptotic density_before density_after "
            "level_before level_after level_change level_se"
        )
        return pd.DataFrame({name: getattr(self, name)[inside] for name in names.split()})

    def summary(self) -> str:
        """Say where the pattern changed, how sure that is, and what the surface does not show."""
        inside = np.isfinite(self.log_ratio)
        lines = [
            f"{self.n_before:,} events before and {self.n_after:,} after, smoothed over {self.bandwidth:,.0f} m "
            f"(the bandwidth), in pixels of {self.cell:,.0f} m."
        ]
        if self.permutations:
            firm = self.p_family[inside] <= LEVEL
            rose, fell = (float(np.mean(firm & (side * self.log_ratio[inside] > 0))) for side in (1, -1))
            found = f"the share of events rose over {rose:.1%} of the window and fell over {fell:.1%}."
            if not firm.any():
                found = "no place stands out. That is not evidence that nothing moved."
            lines.append(
                f"Allowing for having looked everywhere (family-wise p at most {LEVEL:.2f}; {self.permutations} "
                f"relabellings, so p cannot be below {1 / (self.permutations + 1):.3g}), {found}"
            )
        else:
            lines.append("No relabellings were asked for, so nothing is said about chance.")
        lines.append(
            "It shows where the share of recorded events changed. It does not show whether there were more or fewer "
            "in all (see the level surfaces), whether recording changed, or who moved."
        )
        return "\n".join([*lines, *self.notes])


def displacement_surface(
    before: Any,
    after: Any,
    window: Any,
    *,
    bandwidth: float | str | None = None,
    cell: float | None = None,
    permutations: int = 999,
    seed: int = 0,
    edge: bool = True,
    binning: Literal["exact", "pixel"] = "exact",
    weights: Sequence[Any] | None = None,
    comparison: tuple[Any, Any] | None = None,
    strata: Sequence[Any] | None = None,
    exposure: tuple[float, float] = (1, 1),
) -> DisplacementSurface:
    """Map where the share of events rose or fell between two periods, with chance allowed for.

    Both periods are smoothed with one Gaussian kernel of one bandwidth, each kernel divided by the share q(u) of
    it that lies inside the window: f(u) = sum K_h(u - x_i) / q(u), scaled to integrate to 1 over the window. The
    surface is rho = ln f_after - ln f_before. Densities below 1/10,000 of an even spread count as that, so that
    no place is infinite. Standard error under no change: sqrt(R (1/n1 + 1/n2)) / (h sqrt(pooled density)), with
    R = q_{h/sqrt 2} / (4 pi q_h^2).

    Parameters
    ----------
    before, after : GeoSeries or GeoDataFrame of points
        Events of each period, in one coordinate system in metres. Events outside the window are counted, left
        out and mentioned in ``.notes``.
    window : shapely (Multi)Polygon, GeoSeries or GeoDataFrame
        Where events could have been seen; parts and holes are respected.
    bandwidth : float or {"oversmoothing", "normal", "likelihood"}, optional
        Standard deviation of the kernel, metres, or the rule that chooses it from all events; the value used is in
        ``.bandwidth``. By default `oversmoothing_bandwidth`.
    cell : float, optional
        Side of a pixel, metres; by default 1/128 of the longer side of the window.
    permutations : int
        Relabellings of the events behind the p-values; 0 for none.
    seed : int
        Seed of the relabellings.
    edge : bool
        Whether kernels are divided by the share of them inside the window.
    binning : {"exact", "pixel"}
        "exact": surfaces from the points themselves and p from a lattice that does not depend on `cell`, so that p
        at a place does not move with the pixel size. "pixel": points moved to the centre of their pixel first, as
        spatstat and sparr do.
    weights : pair (or with a comparison four) of array-like, optional
        Weight of each event, such as harm or the share of a time span, in the order of `before`, `after` and the
        comparison. Weights stay with their events when labels are dealt out again.
    comparison : pair of GeoSeries or GeoDataFrame, optional
        Events before and after that the operation could not have moved. The surface becomes the change in the
        pattern minus the change in the comparison; labels are dealt out within each pair, so the p-values are
        for "neither pair changed"; where only the comparison changed, that shows too.
    strata : pair (or four) of array-like, optional
        Labels are dealt out among events of equal value only, such as the time of day.
    exposure : pair of float
        Lengths of the two periods in any one unit. They scale the level surfaces, never the shape.

    Returns
    -------
    DisplacementSurface
        Surfaces as 2-D arrays, with ``summary()`` and ``to_frame()``.

    Raises
    ------
    GeographyError
        Coordinate systems that differ or are in degrees, a window without area, things that are not points.
    RecordsError
        Fewer than two events in either period, all of them at one place, or weights and strata that do not fit.

    Notes
    -----
    Relabelling assumes that events are exchangeable between the periods. Events that come in clusters (one visit
    that logs ten) are not; p is then too small. Pointwise p marks something in nearly every map of pure chance;
    only `p_family`, from the permutation maximum of abs(rho / se), may be read over the whole map.

    References
    ----------
    Kelsall and Diggle (1995), Statistics in Medicine 14:2335; Diggle (1985), Applied Statistics 34:138 (edge);
    Hazelton and Davies (2009), Biometrical Journal 51:98 (standard error); Terrell (1990), JASA 85:470.
    """
    geometry, crs = read_window(window)
    groups = (before, after, *(comparison or ()))
    patterns, notes = read_patterns(groups, geometry, crs, weights=weights, strata=strata)
    _check_options(bandwidth, cell, permutations, binning, exposure)
    if bandwidth is None or isinstance(bandwidth, str):
        bandwidth, said = choose_bandwidth(patterns, bandwidth or "oversmoothing")
        notes += said
    cell = float(cell or _longer_side(geometry) / DEFAULT_PIXELS)
    pixels, inside = pixels_inside(geometry, cell)
    if binning == "pixel":
        patterns = [pattern.moved_to(pixels) for pattern in patterns]
    lattice, ground, watch = _lay(geometry, pixels, inside, bandwidth, binning, edge)
    notes += how_fine(lattice, bandwidth, cell)
    pairs = [Pair.of(lattice, *patterns[i : i + 2]) for i in range(0, len(patterns), 2)]
    with threadpool_limits(1):  # these products are small: a second thread gains a third, and waits when a core is busy
        chance = compare_with_chance(pairs, ground, watch, permutations=permutations, seed=seed)
        values = chance | densities_and_levels(patterns, ground, pixels, cell, exposure)
    return DisplacementSurface(
        **_pictures(values, pixels, inside),
        window=geometry,
        bandwidth=float(bandwidth),
        cell=cell,
        permutations=permutations,
        n_before=len(patterns[0].x),
        n_after=len(patterns[1].x),
        notes=tuple(notes),
    )


def _lay(
    geometry: Any, pixels: Lattice, inside: Flags, bandwidth: float, binning: str, edge: bool
) -> tuple[Lattice, Ground, Ground]:
    """Return the lattice of the tallies, the ground of the pixels, and that over which the maximum is taken."""
    exact = binning == "exact"
    lattice = fine_lattice(geometry, bandwidth) if exact else pixels
    covered = covered_share(geometry, lattice)
    ground = Ground.lay(covered, lattice, bandwidth, places=pixels, inside=inside, edge=edge)
    if not exact:
        return lattice, ground, ground
    places, within = watched_places(geometry, bandwidth)
    return lattice, ground, Ground.lay(covered, lattice, bandwidth, places=places, inside=within, edge=edge)


def _usable(bandwidth: float | str | None) -> bool:
    if bandwidth is None or isinstance(bandwidth, str):
        return bandwidth in (None, *RULES)
    return 0 < bandwidth < np.inf


def _check_options(
    bandwidth: float | str | None, cell: float | None, permutations: int, binning: str, exposure: tuple[float, float]
) -> None:
    wrong = [
        Problem(None, name, f"{need} is needed", f"pass {name} as {need}, or leave it out")
        for name, fine, need in (
            ("bandwidth", _usable(bandwidth), f"a number of metres above 0, or {', '.join(RULES)},"),
            ("cell", cell is None or 0 < cell < np.inf, "a number of metres above 0"),
            ("permutations", permutations >= 0, "a number from 0 up"),
            ("binning", binning in ("exact", "pixel"), '"exact" or "pixel"'),
            ("exposure", len(exposure) == 2 and min(exposure) > 0, "two lengths above 0"),
        )
        if not fine
    ]
    if wrong:
        raise RecordsError("the surface cannot be drawn as asked", wrong)


def _longer_side(geometry: Any) -> float:
    left, bottom, right, top = geometry.bounds
    return float(max(right - left, top - bottom))


def _pictures(values: dict[str, Array], pixels: Lattice, inside: Flags) -> dict[str, Array]:
    """Return each surface as an array of rows and columns, missing outside the window, and the pixels' places."""
    pictures = {name: np.full(inside.shape, np.nan) for name in values}
    for name, picture in pictures.items():
        picture[inside] = values[name]
    x, y = np.meshgrid(pixels.x, pixels.y)
    return {**pictures, "x": x, "y": y}
