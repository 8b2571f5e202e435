"""Answer over what distance events must be smoothed for a surface not to invent detail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cdist

from commonground.errors import Problem, RecordsError
from mapping.kernels import Array
from mapping.patterns import Pattern, read_patterns

__all__ = ["RULES", "choose_bandwidth", "likelihood_bandwidth", "normal_bandwidth", "oversmoothing_bandwidth"]

#: (16 (d+2) Gamma((d+8)/2))^-1 (d+8)^((d+6)/2) pi^(d/2) R(K), to the power 1/(d+4), for d = 2 and a Gaussian kernel:
#: (10000 / 4 / 1536)^(1/6) (Terrell 1990, Journal of the American Statistical Association 85:470).
OVERSMOOTHING = (10_000 / 4 / 1536) ** (1 / 6)
#: Interquartile range of a normal distribution in standard deviations, as Terrell and sparr round it.
NORMAL_IQR = 1.34
#: The rules and what the notes call them.
RULES = {
    "oversmoothing": "oversmoothing rule (Terrell 1990)",
    "normal": "normal rule (Wand and Jones 1995)",
    "likelihood": "likelihood of each place given the others (Habbema and others 1974)",
}
#: Places whose pairs are compared: 3,000 make 9 million, 70 MB.
MOST_PLACES = 3_000
#: Smallest and largest bandwidth tried, as shares of the oversmoothing one, and how many before the best is refined.
SMALLEST, LARGEST, TRIED = 1 / 20, 2, 15


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
    return OVERSMOOTHING * _spread(pattern.x, pattern.y) * _size(len(pattern.x) if n is None else n)


def normal_bandwidth(points: Any, *, n: float | None = None) -> float:
    """Return the bandwidth that is best if the events come from one normal cloud, in metres.

    h = s n^(-1/6), with the spread s of `oversmoothing_bandwidth`: about 8 % less than that. Patterns of several
    centres are smoothed too much by it.

    Parameters
    ----------
    points : GeoSeries or GeoDataFrame of points
        Events, in metres; for two patterns, both together.
    n : float, optional
        As for `oversmoothing_bandwidth`.

    Returns
    -------
    float
        Standard deviation of the Gaussian kernel, metres, above 0.

    Raises
    ------
    RecordsError
        Fewer than two points, or all at one place.

    References
    ----------
    Wand and Jones (1995), Kernel Smoothing, section 4.2: (4 / (d + 2))^(1 / (d + 4)) = 1 for d = 2.
    """
    (pattern,), _ = read_patterns((points,), None, None)
    return _spread(pattern.x, pattern.y) * _size(len(pattern.x) if n is None else n)


def likelihood_bandwidth(points: Any) -> float:
    """Return the bandwidth under which each place is best foretold by all the others, in metres.

    It maximises sum log f(x_i) where f is made of the events at all other places, between a twentieth of the
    oversmoothing bandwidth and twice that bandwidth.

    Parameters
    ----------
    points : GeoSeries or GeoDataFrame of points
        Events, in metres; for two patterns, both together.

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
    Events at one place are left out together: left out one by one, recorded places that are snapped to fixed points
    foretell each other and the bandwidth falls to nothing. Over 3,000 different places a seeded draw of 3,000 of them
    foretells and is foretold. It follows detail that a second sample would not have: use it beside the oversmoothing
    rule, never in place of looking at both.

    References
    ----------
    Habbema, Hermans and van den Broek (1974), Compstat 1974:101; Silverman (1986), section 3.4.4.
    """
    (pattern,), _ = read_patterns((points,), None, None)
    return _likelihood(pattern.x, pattern.y)


def choose_bandwidth(patterns: Sequence[Pattern], rule: str = "oversmoothing") -> tuple[float, list[str]]:
    """Return the bandwidth shared by all patterns, and a sentence about how it was chosen.

    Parameters
    ----------
    patterns : sequence of Pattern
        Before and after, and the comparison's two when there is one. The spread is that of all events together;
        n is the geometric mean of the smallest pair.
    rule : {"oversmoothing", "normal", "likelihood"}

    Returns
    -------
    tuple of float and list of str
        Standard deviation of the kernel in metres, and the notes.
    """
    x, y = (np.concatenate([getattr(pattern, axis) for pattern in patterns]) for axis in "xy")
    sizes = [len(pattern.x) for pattern in patterns]
    n = min(np.sqrt(sizes[i] * sizes[i + 1]) for i in range(0, len(sizes), 2))
    bandwidth = {
        "oversmoothing": lambda: OVERSMOOTHING * _spread(x, y) * _size(n),
        "normal": lambda: _spread(x, y) * _size(n),
        "likelihood": lambda: _likelihood(x, y),
    }[rule]()
    return float(bandwidth), [f"The bandwidth was chosen by the {RULES[rule]}: {bandwidth:,.4g} m."]


def _size(n: float) -> float:
    if not 0 < n < np.inf:
        raise RecordsError(
            "no bandwidth can be chosen",
            [Problem(None, "n", "a number above 0 is needed", "pass the number of events")],
        )
    return float(n ** (-1 / 6))


def _spread(x: Array, y: Array) -> float:
    deviation = float(np.mean([np.std(axis, ddof=1) for axis in (x, y)]))
    quartiles = float(np.mean([np.subtract(*np.percentile(axis, [75, 25])) for axis in (x, y)])) / NORMAL_IQR
    return min(deviation, quartiles) if quartiles > 0 else deviation


def _likelihood(x: Array, y: Array) -> float:
    places, many = np.unique(x + 1j * y, return_counts=True)
    if len(places) > MOST_PLACES:
        drawn = np.random.default_rng(0).choice(len(places), MOST_PLACES, replace=False)
        places, many = places[drawn], many[drawn]
    weight = many.astype(np.float64)
    at = np.stack([places.real, places.imag], axis=-1)
    squared = cdist(at, at, "sqeuclidean")
    np.fill_diagonal(squared, np.inf)  # no place foretells itself

    def unlikely(log_bandwidth: float) -> float:
        h = np.exp(log_bandwidth)
        foretold = (np.exp(squared * (-0.5 / h**2)) @ weight) / (weight.sum() - weight) / h**2
        return float(-(weight @ np.log(np.maximum(foretold, np.finfo(float).tiny))))

    oversmoothing = OVERSMOOTHING * _spread(x, y) * _size(len(x))
    tried = np.log(oversmoothing) + np.linspace(np.log(SMALLEST), np.log(LARGEST), TRIED)
    best = int(np.argmin([unlikely(one) for one in tried]))
    low, high = tried[max(best - 1, 0)], tried[min(best + 1, TRIED - 1)]
    return float(np.exp(minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-3}).x))
