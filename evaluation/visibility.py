"""How small a movement into the ring could the counts of a study have shown?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_number
from evaluation.differences import POWER, Spread, read_spread

__all__ = ["SmallestDisplacement", "smallest_displacement"]


@dataclass(frozen=True, repr=False)
class SmallestDisplacement(Unprinted):
    """The smallest changes of a ring that `wdd` would see with 80 % power.

    Attributes
    ----------
    rise : float
        Events more in the ring, after, than its control leads one to expect.
    fall : float
        Events fewer; NaN when not even a fall to nothing would be seen.
    expected : float
        Events expected in the ring after, if nothing changes.
    dispersion : float
        Variance / mean used.
    level : float
        Confidence level of the interval that has to leave out 0.
    """

    rise: float
    fall: float
    expected: float
    dispersion: float
    level: float

    def share_of(self, missing: float) -> float:
        """Return the smallest rise as a share of the events that went missing in the operation area.

        Above 1, all of them could be in the ring without being seen there; infinite when none is missing.
        """
        return self.rise / missing if missing > 0 else math.inf

    def summary(self) -> str:
        """Say what would have been seen, and that less can pass unseen."""
        fall = "no fall, however large" if math.isnan(self.fall) else f"a fall of {say_number(self.fall)} or more"
        return (
            f"With {say_number(self.expected)} events expected in the ring after, a rise of {say_number(self.rise)} or "
            f"more, or {fall}, would be seen four times in five at {100 * self.level:g} % confidence, where counts "
            f"vary {self.dispersion:.2f} times as much as Poisson counts. Smaller movements can pass unseen; so can "
            "any beyond the ring or off-street."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: rise, fall, expected, dispersion, level."""
        names = ["rise", "fall", "expected", "dispersion", "level"]
        return pd.DataFrame({name: [getattr(self, name)] for name in names})


def smallest_displacement(
    ring: float,
    control: float,
    *,
    period_lengths: tuple[float, float] = (1, 1),
    area_sizes: Sequence[float] = (1, 1),
    dispersion: Spread = 1.0,
    level: float = 0.95,
) -> SmallestDisplacement:
    """Find the smallest rise and fall of a ring that would be seen with 80 % power, from the counts before.

    With r = length after / length before, s = size of the ring / size of its control and counts R and C before, the
    change d of the ring has the variance phi (V + d), V = r (1 + r) (R + s^2 C), if nothing else changes. It is seen
    with the wanted chance when d = k sqrt(phi (V + d)), k = quantile of the level + z_power. So the smallest rise is
    sqrt(h^2 + k^2 phi V) + h and the smallest fall sqrt(h^2 + k^2 phi V) - h, with h = k^2 phi / 2.

    Parameters
    ----------
    ring, control : float
        Events before in the ring and in its comparison areas together.
    period_lengths : tuple of float, default (1, 1)
        Lengths (before, after).
    area_sizes : sequence of float, default (1, 1)
        Relative sizes (control, ring).
    dispersion : number or (phi, df), default 1.0
        As for `wdd`.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    SmallestDisplacement
        In events of the ring over the period after.

    Raises
    ------
    StudyError
        When a count, length, size or option is out of range; all are listed.

    Notes
    -----
    Only the counts before enter, so that it cannot be tuned to the result. Normal approximation: with fewer than about
    five events expected it errs on the side of caution. It takes the dispersion for known and the same after, and fails
    where the control would have changed differently anyway.

    References
    ----------
    Wheeler and Ratcliffe (2018), Crime Science 7:11, for the variance; Cohen (1988) for the power.

    Examples
    --------
    >>> found = smallest_displacement(100, 100)
    >>> round(found.rise, 1), round(found.fall, 1)
    (60.1, 52.2)
    """
    checks = Checks("smallest_displacement")
    counts = [checks.numbers(name, n, 1, positive=False)[0] for name, n in (("ring", ring), ("control", control))]
    lengths = checks.numbers("period_lengths", period_lengths, 2)
    sizes = checks.numbers("area_sizes", area_sizes, 2)
    phi, df = read_spread(checks, dispersion)
    checks.level(level)
    checks.done()
    r, s = lengths[1] / lengths[0], sizes[1] / sizes[0]
    spread = r * (1 + r) * (counts[0] + s**2 * counts[1])
    k = float(stats.t.ppf((1 + level) / 2, df) + stats.norm.ppf(POWER))
    half = k**2 * phi / 2
    root = math.sqrt(half**2 + k**2 * phi * spread)
    fall, expected = root - half, counts[0] * r
    return SmallestDisplacement(root + half, fall if 0 < fall <= expected else math.nan, expected, phi, level)
