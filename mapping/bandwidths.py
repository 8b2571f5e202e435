"""Answer over what distance events must be smoothed for a surface not to invent detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from commonground.errors import Problem, RecordsError
from mapping.kernels import Array
from mapping.patterns import Pattern, read_patterns

__all__ = ["choose_bandwidth", "oversmoothing_bandwidth"]

#: (16 (d+2) Gamma((d+8)/2))^-1 (d+8)^((d+6)/2) pi^(d/2) R(K), to the power 1/(d+4), for d = 2 and a Gaussian kernel:
#: (10000 / 4 / 1536)^(1/6) (Terrell 1990, Journal of the American Statistical Association 85:470).
OVERSMOOTHING = (10_000 / 4 / 1536) ** (1 / 6)
#: Interquartile range of a normal distribution in standard deviations, as Terrell and sparr round it.
NORMAL_IQR = 1.34


def oversmoothing_bandwidth(points: Any, *, n: float | None = None) -> float:
    """Return the largest bandwidth that a pattern of this spread could call for, in metres.

    h = 1.084571 s n^(-1/6), where s is the smaller of the mean standard deviation over x and y and the mean
    interquartile range over 1.34. It hides detail rather than inventing it.

    Parameters
    ----------
    points : GeoSeries or GeoDataFrame of points
        Events, in metres; for two patterns, both together.
    n : float, optional
        Number of events that sets the amount of smoothing, by default all of them; for two patterns the geometric
        mean sqrt(n1 n2) of their sizes.

    Returns
    -------
    float
        Standard deviation of the Gaussian kernel, metres, above 0.

    Raises
    ------
    RecordsError
        Fewer than two points, or all at one place.

    Notes
    -----
    When so many events share coordinates that the interquartile range is 0, the standard deviation is used.

    References
    ----------
    Terrell (1990), Journal of the American Statistical Association 85:470.

    Examples
    --------
    >>> import geopandas as gpd
    >>> corners = gpd.GeoSeries.from_xy([0, 0, 100, 100], [0, 100, 0, 100], crs=27700)
    >>> round(oversmoothing_bandwidth(corners), 2)
    49.7
    """
    (pattern,), _ = read_patterns((points,), None, None)
    return _oversmoothing(pattern.x, pattern.y, len(pattern.x) if n is None else n)


def choose_bandwidth(patterns: Sequence[Pattern]) -> tuple[float, list[str]]:
    """Return the oversmoothing bandwidth shared by all patterns, and a sentence about how it was chosen.

    Parameters
    ----------
    patterns : sequence of Pattern
        Before and after, and the comparison's two when there is one. The spread is that of all events together;
        n is the geometric mean of the smallest pair.

    Returns
    -------
    tuple of float and list of str
        Standard deviation of the kernel in metres, and the notes.
    """
    x, y = (np.concatenate([getattr(pattern, axis) for pattern in patterns]) for axis in "xy")
    sizes = [len(pattern.x) for pattern in patterns]
    n = min(np.sqrt(sizes[i] * sizes[i + 1]) for i in range(0, len(sizes), 2))
    bandwidth = _oversmoothing(x, y, n)
    return bandwidth, [f"The bandwidth was chosen by the oversmoothing rule (Terrell 1990): {bandwidth:,.4g} m."]


def _oversmoothing(x: Array, y: Array, n: float) -> float:
    if not 0 < n < np.inf:
        raise RecordsError(
            "no bandwidth can be chosen",
            [Problem(None, "n", "a number above 0 is needed", "pass the number of events")],
        )
    deviation = float(np.mean([np.std(axis, ddof=1) for axis in (x, y)]))
    quartiles = float(np.mean([np.subtract(*np.percentile(axis, [75, 25])) for axis in (x, y)])) / NORMAL_IQR
    spread = min(deviation, quartiles) if quartiles > 0 else deviation
    return float(OVERSMOOTHING * spread * n ** (-1 / 6))
