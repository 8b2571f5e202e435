"""How unusual is what happened in one area among areas that are treated in its place?"""

from __future__ import annotations

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Place", "assignments", "heterogeneity", "place", "say_floor"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_ALL = 5000  # so many choices of areas are all tried; of more, a sample of this size (its p moves by .003 at .05)
_TIE = 1e-9  # rounding must not break a tie in favour of the treated area


class Place(NamedTuple):
    """The place of one statistic among those of placebos.

    Attributes
    ----------
    rank : int
        1 is the most extreme; ties count against the treated one.
    of : int
        Number of statistics, its own included.
    """

    rank: int
    of: int

    @property
    def p(self) -> float:
        """Share of statistics as extreme, its own included."""
        return self.rank / self.of

    @property
    def floor(self) -> float:
        """Smallest p that so many statistics allow."""
        return 1 / self.of

    def __repr__(self) -> str:
        return "Place(...; read .rank, .of, .p and .floor)"


def place(own: float, others: Array) -> Place:
    """Rank a statistic among those of placebos.

    Parameters
    ----------
    own : float
        Larger is more extreme; may be infinite.
    others : array, (n,)
        The same statistic for the placebos, its own not included.

    Returns
    -------
    Place
        .rank .of .p .floor

    Notes
    -----
    p is a chance only if each of them would have been as likely to be the treated one, which nobody drew by lot here.

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), section 2.4; Fisher (1935) for the test by permutation.

    Examples
    --------
    >>> found = place(3.0, np.array([1.0, 3.0, 2.0]))
    >>> found.rank, found.p, found.floor
    (2, 0.5, 0.25)
    """
    reached = others >= (own - _TIE * max(1.0, abs(own)) if math.isfinite(own) else own)
    return Place(1 + int(reached.sum()), 1 + len(others))


def say_floor(floor: float, among: str) -> str:
    """Say the smallest possible p before any p is read, and what it rules out.

    Parameters
    ----------
    floor : float
        1 / number of statistics.
    among : str
        What they are counted in: "39 units".
    """
    powerless = ": no p of 0.05 or less can come out" if floor > 0.05 else ""
    digits = 3 if floor >= 0.001 else 4
    return f"With {among} the smallest possible p is {floor:.{digits}f}{powerless}."


def assignments(treated: Mask, seed: int) -> Mask:
    """List the ways in which as many areas could have been the treated ones.

    Parameters
    ----------
    treated : mask, (J,)
        The areas that were.
    seed : int
        Used when there are more than 5,000 ways, of which 4,999 are then drawn.

    Returns
    -------
    mask, (M, J)
        One way a row; the first is the true one.
    """
    areas, size = len(treated), int(treated.sum())
    if math.comb(areas, size) <= _ALL:
        chosen = np.array(list(combinations(range(areas), size)))
        ways = np.zeros((len(chosen), areas), dtype=bool)
        ways[np.arange(len(chosen))[:, None], chosen] = True
        ways = ways[(ways != treated).any(axis=1)]
    else:
        order = np.random.default_rng(seed).random((_ALL - 1, areas)).argsort(axis=1)
        ways = order < size
    return np.vstack([treated, ways])


def heterogeneity(values: Array, variances: Array) -> float:
    """Estimate how much areas differ beyond their own chance errors.

    With w = 1 / variance and Q the weighted sum of squares around the weighted mean:
    tau^2 = (Q - (J - 1)) / (sum w - sum w^2 / sum w), never below 0.

    Parameters
    ----------
    values, variances : array, (J,)
        One estimate an area (a log change, a slope), and its chance variance, above 0.

    Returns
    -------
    float
        Variance between areas, at least 0; 0 for fewer than two areas.

    References
    ----------
    DerSimonian and Laird (1986), Controlled Clinical Trials 7:177-188.

    Examples
    --------
    >>> heterogeneity(np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.5, 0.5]))
    0.5
    """
    if len(values) < 2:
        return 0.0
    weight = 1 / variances
    mean = (weight * values).sum() / weight.sum()
    excess = (weight * (values - mean) ** 2).sum() - (len(values) - 1)
    return max(0.0, float(excess / (weight.sum() - (weight**2).sum() / weight.sum())))
