"""What is known of a study before its results?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from commonground.pickles import Exact
from evaluation.counts import Checks
from evaluation.dispersion import dispersion_from_counts

__all__ = ["Design", "check_design", "design_from_past"]

_LEAST_COMPARISON = 20  # `change_test` leaves out a comparison with fewer events (methods, change_test: limits)
_LEAST_MEAN = 0.01  # a design needs a mean above 0; with an event in eight years nothing can be seen either way


@dataclass(frozen=True, repr=False)
class Design(Exact):
    """What is known of a study before its results.

    Attributes
    ----------
    before_months, after_months : float
        Lengths of the two periods.
    monthly_mean : float
        Events a month in the treated area before.
    comparison_areas : int, default 0
        Comparison areas.
    comparison_mean : float, optional
        Events a month in one comparison area; as in the treated area when None.
    ratio : float, optional
        True ratio of change whose power is asked; none: only the smallest detectable changes.
    dispersion : float, default 0.0
        d in variance = mean + d mean^2 of a monthly count (negative binomial).
    level : float, default 0.05
        Accepted false-alarm rate, two-sided, over all the primary outcomes together.
    power : float, default 0.8
        Chance of seeing a change that is called detectable.
    autocorrelation : float, default 0.0
        Correlation of the monthly rate's swings (those of `dispersion`) from one month to the next, 0 to below 1; over
        k months its k-th power.
    outcomes : int, default 1
        Declared primary outcomes judged together. Each is then held to level / outcomes: the worst case of Holm, in
        which no other outcome helps.
    """

    before_months: float
    after_months: float
    monthly_mean: float
    comparison_areas: int = 0
    comparison_mean: float | None = None
    ratio: float | None = None
    dispersion: float = 0.0
    level: float = 0.05
    power: float = 0.8
    autocorrelation: float = 0.0
    outcomes: int = 1

    @property
    def each_level(self) -> float:
        """The false-alarm rate left to one outcome: level / outcomes."""
        return self.level / self.outcomes


def check_design(checks: Checks, design: Design) -> None:
    """Note every number of a design that is out of range.

    Parameters
    ----------
    checks : Checks
    design : Design
    """
    for name in ("before_months", "after_months", "monthly_mean"):
        checks.numbers(name, getattr(design, name), 1)
    for name in ("comparison_mean", "ratio"):
        if getattr(design, name) is not None:
            checks.numbers(name, getattr(design, name), 1)
    dispersion = checks.numbers("dispersion", design.dispersion, 1, positive=False)[0]
    areas = checks.numbers("comparison_areas", design.comparison_areas, 1, positive=False)[0]
    checks.require(
        math.isnan(areas) or areas.is_integer(), "comparison_areas", "needs a whole number", "Count the areas"
    )
    outcomes = checks.numbers("outcomes", design.outcomes, 1)[0]
    whole = math.isnan(outcomes) or outcomes.is_integer()
    checks.require(whole, "outcomes", "needs a whole number", "Count the declared primary outcomes")
    correlation = checks.numbers("autocorrelation", design.autocorrelation, 1, positive=False)[0]
    checks.require(not correlation >= 1, "autocorrelation", "needs a number below 1", "Pass 0.6 for slow swings")
    swings = not (correlation > 0 and dispersion == 0)
    remedy = "Set `dispersion`: counts without swings beyond chance do not follow one another"
    checks.require(swings, "autocorrelation", "needs a dispersion above 0", remedy)
    level, power = (checks.numbers(name, getattr(design, name), 1)[0] for name in ("level", "power"))
    remedy = "Pass 0.05; this is the false-alarm rate, not the confidence level"
    checks.require(not level >= 0.5, "level", "needs a false-alarm rate between 0 and 0.5", remedy)
    fine = math.isnan(power) or (not power <= level and power < 1)
    checks.require(fine, "power", "needs a chance above `level` and below 1", "Pass 0.8")


def design_from_past(
    past: pd.DataFrame, comparison: Sequence[str], months_after: float, *, outcomes: int = 1
) -> Design | None:
    """Read a design off the months before only, so that it cannot be tuned to the result.

    Parameters
    ----------
    past : DataFrame
        Months before by zone, with the column "treated"; NaN where nobody observed.
    comparison : sequence of str
        Columns of the comparison areas; may be empty.
    months_after : float
    outcomes : int, default 1
        Outcomes judged together.

    Returns
    -------
    Design or None
        None when no month before was observed. Autocorrelation stays 0: two or three years cannot show it.
    """
    own = past["treated"].dropna()
    if own.empty:
        return None
    mean = max(float(own.mean()), _LEAST_MEAN)
    spread = dispersion_from_counts(own).phi if own.sum() and len(own) > 1 else 1.0
    others = past[[name for name in comparison if past[name].sum() > 0]]
    areas = others.shape[1] if others.mean().sum() * (len(own) + months_after) >= _LEAST_COMPARISON else 0
    return Design(
        before_months=len(own),
        after_months=months_after,
        monthly_mean=mean,
        comparison_areas=areas,
        comparison_mean=float(others.mean().mean()) if areas else None,
        dispersion=max(spread - 1, 0.0) / mean,
        outcomes=outcomes,
    )
