"""How dense were events at each place, as a share of all and per unit of time?"""

from __future__ import annotations

import numpy as np

from mapping.kernels import Array, Lattice, points_to_pixels
from mapping.patterns import Pattern
from mapping.relabelling import Ground

__all__ = ["densities_and_levels"]


def densities_and_levels(
    patterns: list[Pattern], ground: Ground, pixels: Lattice, cell: float, exposure: tuple[float, float]
) -> dict[str, Array]:
    """Return the shape and the level of each pattern at the pixels of the window, and how they changed.

    Parameters
    ----------
    patterns : list of Pattern
        Before, after and, with a comparison, its two.
    ground : Ground
        Share of each pixel's kernel inside the window, and the density floor.
    pixels : Lattice
    cell : float
        Side of a pixel, metres.
    exposure : pair of float
        Lengths of the two periods.

    Returns
    -------
    dict of str to ndarray
        log_ratio, density_before, density_after (integrating to 1), level_before, level_after, level_change (per square
        metre and unit of exposure) and level_se (Poisson), one value a pixel inside.
    """
    densities, levels, variances = [], [], []
    for i, pattern in enumerate(patterns):
        kernels, squared = points_to_pixels(pattern.x, pattern.y, pattern.weight, pixels, ground.bandwidth)
        corrected = kernels[ground.inside] / ground.share
        densities.append(corrected / (corrected.sum() * cell**2))
        levels.append(densities[-1] * pattern.weight.sum() / exposure[i % 2])
        variances.append(squared[ground.inside] / (ground.share * exposure[i % 2]) ** 2)
    logs = [np.log(np.maximum(density, ground.floor)) for density in densities]
    ratio, change = logs[1] - logs[0], levels[1] - levels[0]
    if len(patterns) == 4:
        ratio, change = ratio - (logs[3] - logs[2]), change - (levels[3] - levels[2])
    return {
        "log_ratio": ratio,
        "density_before": densities[0],
        "density_after": densities[1],
        "level_before": levels[0],
        "level_after": levels[1],
        "level_change": change,
        "level_se": np.sqrt(sum(variances)),
    }
