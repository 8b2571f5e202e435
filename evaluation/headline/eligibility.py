"""Which months and comparison areas can be used, and is there enough to test a change?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaluation.counts import Unprinted
from evaluation.months import BEFORE, DURING, Months

__all__ = ["MonthTally", "missing_months", "refusal", "tally_months", "too_little", "usable", "warn_short"]

Mask = npt.NDArray[np.bool_]

# Where the simulations that gave the test its size stop (methods, change_test: limits and refusals).
_LEAST_BEFORE, _SHORT_BEFORE, _ALONE_BEFORE = 12, 18, 24
_LEAST_AFTER, _ALONE_AFTER = 2, 6
_LEAST_EXPECTED = 4
_LEAST_COMPARISON = 20


@dataclass(frozen=True, repr=False)
class MonthTally(Unprinted):
    """Events and observed months before and after.

    Attributes
    ----------
    t0, t1, c0, c1 : int
        Events of the area and of the comparison areas, before (0) and after (1).
    m0, m1 : int
        Months.
    areas : int
        Comparison areas; 0 for none.
    """

    t0: int
    t1: int
    c0: int
    c1: int
    m0: int
    m1: int
    areas: int

    @property
    def expected(self) -> float:
        """Events after that no change leads one to expect; NaN without a month before."""
        if self.areas:
            return self.t0 * (self.c1 + 0.5) / (self.c0 + 0.5)
        return self.t0 * self.m1 / self.m0 if self.m0 else math.nan

    @property
    def ratio(self) -> float:
        """Events after / expected: infinite with none expected, NaN with none at all."""
        if self.expected > 0:
            return self.t1 / self.expected
        return math.inf if self.t1 and self.expected == 0 else math.nan


def usable(months: Months) -> tuple[Months, list[str]]:
    """Leave out areas without events, months during and months missing in any series; say so.

    A comparison with fewer than 20 events is left out whole, and its missing months then do not matter.

    Parameters
    ----------
    months : Months

    Returns
    -------
    Months, list of str
        What is used, and sentences about what is not.
    """
    outside, given, notes = months.phase != DURING, months.control.shape[1], []
    kept = _with_areas(months, np.nansum(months.control[outside], axis=0) > 0)
    used = kept.take(outside & ~np.isnan(kept.counts) & ~np.isnan(kept.control).any(axis=1))
    used = _with_areas(used, used.control.sum(axis=0) > 0)
    silent = given - used.control.shape[1]
    if given and used.control.sum() < _LEAST_COMPARISON:
        used = _with_areas(months, np.zeros(given, dtype=bool)).take(outside & ~np.isnan(months.counts))
        notes.append(f"The comparison areas have fewer than {_LEAST_COMPARISON} events together and are not used.")
    elif silent:
        notes.append(f"Comparison areas without events in the months used, and so left out: {silent}.")
    missing = missing_months(months, used)
    if missing:
        notes.append(f"Months missing in some series, and so left out of all: {missing}.")
    return used, notes


def missing_months(months: Months, used: Months) -> int:
    """Return how many calendar months before and after are not among those used."""
    before, _, after = months.calendar
    return before + after - len(used.position)


def tally_months(used: Months) -> MonthTally:
    """Add up what is used."""
    before, after = used.phase == BEFORE, used.after
    t0, t1, c0, c1 = (int(c[window].sum()) for c in (used.counts, used.control) for window in (before, after))
    return MonthTally(t0, t1, c0, c1, int(before.sum()), int(after.sum()), used.control.shape[1])


def refusal(tally: MonthTally) -> str | None:
    """Say why no p can be trusted, or None.

    Parameters
    ----------
    tally : MonthTally
    """
    reasons = too_little(tally.m0, tally.m1, tally.expected, alone=not tally.areas)
    if tally.areas and not tally.t1 + tally.c1:
        reasons.append("no event in any area after")
    return "; ".join(reasons) or None


def too_little(before: float, after: float, expected: float, *, alone: bool) -> list[str]:
    """List which of the least lengths and counts a study does not reach.

    Parameters
    ----------
    before, after : float
        Months.
    expected : float
        Events after that no change leads one to expect.
    alone : bool
        Whether there is no comparison area.
    """
    rules = {
        f"fewer than {_LEAST_BEFORE} months before": before < _LEAST_BEFORE,
        f"fewer than {_LEAST_AFTER} months after": after < _LEAST_AFTER,
        f"fewer than {_LEAST_EXPECTED} events to be expected after": not expected >= _LEAST_EXPECTED,
        f"no comparison area with fewer than {_ALONE_BEFORE} months before and {_ALONE_AFTER} after": (
            alone and before < _ALONE_BEFORE and after < _ALONE_AFTER
        ),
    }
    return [reason for reason, broken in rules.items() if broken]


def warn_short(tally: MonthTally) -> list[str]:
    """Warn of a short history before."""
    if _LEAST_BEFORE <= tally.m0 <= _SHORT_BEFORE:
        return [f"With {tally.m0} months before, a p of .05 comes by chance in up to .076 of series without a change."]
    return []


def _with_areas(months: Months, keep: Mask) -> Months:
    return replace(months, control=months.control[:, keep])
