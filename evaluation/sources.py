"""Say whether police records and outreach records of the same kind of event moved apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p

__all__ = ["ReportingRatio", "reporting_ratio"]

Pair = Sequence[float]


@dataclass(frozen=True, repr=False)
class ReportingRatio(Unprinted):
    """Whether police records and outreach records of the same kind of event moved apart.

    Attributes
    ----------
    ratio, low, high : float
        (police / outreach after) / (police / outreach before), over the comparison's where given; above 1: police
        records grew against outreach records.
    p : float
        Two-sided normal p of ratio 1.
    level : float
        Confidence level.
    compared : bool
        True when comparison areas were given.
    """

    ratio: float
    low: float
    high: float
    p: float
    level: float
    compared: bool

    def summary(self) -> str:
        """Say how the two sources moved apart, and why that is not a reporting rate."""
        where = "against the comparison areas" if self.compared else "with no comparison areas"
        return (
            f"Police records over outreach records changed {say_number(self.ratio)} times {where} "
            f"({say_interval(self.low, self.high, self.level)}, {say_p(self.p)}; 0.5 added to each count). A change "
            "means that at least one source records differently: willingness to report, recording practice, or how "
            "many people outreach meets. It does not say which, nor whether more or fewer events happened. It treats "
            "records as independent events."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ratio, low, high, p."""
        return pd.DataFrame({name: [getattr(self, name)] for name in ["ratio", "low", "high", "p"]})


def reporting_ratio(
    police: Pair,
    outreach: Pair,
    *,
    control_police: Pair | None = None,
    control_outreach: Pair | None = None,
    level: float = 0.95,
) -> ReportingRatio:
    """Compare police records with outreach records of the same kind of event, before and after.

    log ratio = log[(police1/outreach1)/(police0/outreach0)] - the comparison's, 0.5 added to each count;
    variance = sum of 1/(count + 0.5).

    Parameters
    ----------
    police, outreach : pair
        Records (before, after) of each source in the area.
    control_police, control_outreach : pair, optional
        The same in comparison areas; give both or neither.
    level : float, default 0.95
        Confidence level.

    Returns
    -------
    ReportingRatio
        .ratio .low .high .p

    Raises
    ------
    StudyError
        When a count is not a whole number of at least 0, or only one comparison is given.

    Notes
    -----
    To be shown beside any result on police counts. Assumes that outreach reaches the same share of people before and
    after; when outreach contact falls too, a stable ratio hides a fall in both.

    References
    ----------
    Haldane (1956) and Anscombe (1956) for the added 0.5.

    Examples
    --------
    >>> r = reporting_ratio((20, 10), (10, 20))
    >>> f"{r.ratio:.3f} ({r.low:.3f} to {r.high:.3f})"
    '0.262 (0.092 to 0.751)'
    """
    checks = Checks("reporting_ratio")
    compared = control_police is not None or control_outreach is not None
    given: dict[str, Pair | None] = {"police": police, "outreach": outreach}
    if compared:
        given |= {"control_outreach": control_outreach, "control_police": control_police}
    pairs = np.array([checks.pair(name, pair) for name, pair in given.items()]) + 0.5
    checks.level(level)
    checks.done()
    # rows police, outreach, comparison outreach, comparison police: signs alternate
    signs = np.array([1, -1] * (len(pairs) // 2))
    log_ratio = float(signs @ np.log(pairs[:, 1] / pairs[:, 0]))
    se = math.sqrt(float((1 / pairs).sum()))
    reach = float(stats.norm.ppf((1 + level) / 2)) * se
    p = float(2 * stats.norm.sf(abs(log_ratio) / se))
    low, high = math.exp(log_ratio - reach), math.exp(log_ratio + reach)
    return ReportingRatio(math.exp(log_ratio), low, high, p, level, compared)
