"""How many events after may an area have before chance is no explanation any more?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from evaluation.counts import Unprinted

__all__ = ["DRAWS", "Chance", "attained", "edge", "odds", "widened", "winsorised_dispersion"]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

DRAWS = 4999
_LEAST_FOR_DISPERSION = 5  # below this the outermost values are all there is, and winsorising them leaves nothing
_WINSORISED = 0.1  # of the z scores at each end (Spiegelhalter 2005)


@dataclass(frozen=True, repr=False)
class Chance(Unprinted):
    """How many of an area's events fall after, when all areas changed alike.

    Attributes
    ----------
    events, after : int
        Of all areas together.
    share : float
        After / all: declared, or that of all areas together.
    declared : bool
        Without a declared share the overall one comes from the same areas. Given all totals the count is then
        hypergeometric: an area that is most of the whole is not set against the whole as if that were known.
    """

    events: int
    after: int
    share: float
    declared: bool

    def law(self, n: Counts) -> Any:
        """Return the distribution of the events after, among n."""
        return stats.binom(n, self.share) if self.declared else stats.hypergeom(self.events, self.after, n)

    def mirrored(self, n: Counts) -> Any:
        """Return the distribution of the events before, among n."""
        if self.declared:
            return stats.binom(n, 1 - self.share)
        return stats.hypergeom(self.events, self.events - self.after, n)

    def draw(self, n: Counts, rng: np.random.Generator) -> Array:
        """Draw the events after of all areas together; a row a draw, a column an area."""
        if self.declared:
            return rng.binomial(n, self.share, size=(DRAWS, len(n))).astype(float)
        return rng.multivariate_hypergeometric(n, self.after, size=DRAWS, method="marginals").astype(float)


def edge(law: Any, n: Counts, tail: float) -> Array:
    """Return the lower control limit of a share of n, interpolated between counts.

    Parameters
    ----------
    law : frozen distribution of scipy
        Of a count among n.
    n : integers
    tail : float
        Probability below the limit, at most.

    Returns
    -------
    array
        (r - a) / n, with r the smallest count whose F(r) reaches the tail and a = (F(r) - tail) / P(r): a count lies
        below it exactly when one as small has less than that probability. 0 where no count does.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185, appendix A.1.1.
    """
    r = law.ppf(tail)
    limit: Array = np.clip((r - (law.cdf(r) - tail) / law.pmf(r)) / n, 0.0, 1.0)
    return limit


def attained(chance: Chance, n: Counts, tail: float) -> float:
    """Return the number of areas that chance alone puts outside: counts are discrete, so fewer than the nominal."""
    return float(sum(law.cdf(law.ppf(tail) - 1).sum() for law in (chance.law(n), chance.mirrored(n))))


def winsorised_dispersion(z: Array) -> float:
    """Return the mean square of z scores, the outer tenths drawn in to their edge; NaN for fewer than five.

    By chance alone it is a little below 1, because the tails are drawn in.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185, appendix on over-dispersion.
    """
    if len(z) < _LEAST_FOR_DISPERSION:
        return math.nan
    low, high = np.quantile(z, [_WINSORISED, 1 - _WINSORISED])
    return float((np.clip(z, low, high) ** 2).mean())


def widened(tail: float, dispersion: float) -> float:
    """Return the tail beyond z times the root of a dispersion; one below 1, or none, narrows nothing."""
    spread = 1.0 if math.isnan(dispersion) else max(1.0, dispersion)
    return float(stats.norm.sf(stats.norm.isf(tail) * math.sqrt(spread)))


def odds(share: Array, scale: float) -> Array:
    """Return the ratio of rates that a share after stands for; infinite for 1."""
    with np.errstate(divide="ignore"):
        found: Array = np.asarray(share / (1 - share) / scale)
    return found
