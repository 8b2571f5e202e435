"""Which terms does a segmented series need, and are there months enough to tell them apart?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.pickles import Exact
from evaluation.counts import Checks
from evaluation.headline.eligibility import too_little
from evaluation.months import AFTER, BEFORE, DURING, MonthlyCounts, Months, observed, season
from evaluation.shocks import Shock, refuse_confounded, shock_columns

__all__ = ["SHOCK", "Segments", "segment"]

Array = npt.NDArray[np.float64]

SHOCK = "shock: "
_OPERATION = ("step", "slope", "during")
_LEAST_SLOPE = 3  # two months and two terms would fit exactly
_SEASONS = 24


@dataclass(frozen=True, repr=False, eq=False)
class Segments(Exact):
    """The months used and the terms of the model.

    Attributes
    ----------
    months : Months
        Observed months only.
    terms : DataFrame, (n, p)
        "level", "trend" (years), "step" (1 after), perhaps "during", "slope", the season, and "shock: name".
    notes : tuple of str
        Sentences about months that are not used.
    missing : int
        Calendar months within the series without data.
    """

    months: Months
    terms: pd.DataFrame
    notes: tuple[str, ...]
    missing: int

    @property
    def offset(self) -> Array:
        """Log exposure."""
        return np.asarray(np.log(self.months.exposure))

    @property
    def contrast(self) -> Array:
        """Weights of the terms in the log ratio of after; with a slope at the middle of the months after."""
        weights = np.zeros(self.terms.shape[1])
        for name in {"step", "slope"} & set(self.terms):
            weights[self.terms.columns.get_loc(name)] = self.terms.loc[self.months.after, name].mean()
        return weights

    @property
    def shocks(self) -> list[str]:
        """Terms that are shocks."""
        return [str(name) for name in self.terms if str(name).startswith(SHOCK)]

    @property
    def tally(self) -> pd.Series:
        """Observed months before, during and after, and missing."""
        phases = {"before": BEFORE, "during": DURING, "after": AFTER}
        found = {name: int((self.months.phase == phase).sum()) for name, phase in phases.items()}
        return pd.Series(found | {"missing": self.missing}, name="months")

    @property
    def without_operation(self) -> pd.DataFrame:
        """The terms had there been no operation: its own at 0."""
        return self.terms.assign(**dict.fromkeys(set(_OPERATION) & set(self.terms), 0.0))


def segment(
    checks: Checks,
    months: Months,
    counts: MonthlyCounts,
    *,
    harmonics: int,
    slope: bool,
    shocks: Sequence[Shock] | None,
) -> Segments:
    """Build the terms, refusing what the months cannot bear.

    Parameters
    ----------
    checks : Checks
        Collects the problems; they are all raised here.
    months : Months
        The aligned series.
    counts : Series, list or array
        The series as given: its calendar dates the shocks.
    harmonics : int
    slope : bool
    shocks : sequence of Shock, or None

    Returns
    -------
    Segments

    Raises
    ------
    StudyError
        With every problem found.
    """
    flags = shock_columns(checks, counts, months.position, shocks)
    used, notes = _usable(checks, months)
    _require_enough(checks, used, slope=slope)
    terms = _terms(used, harmonics, slope=slope)
    flags = flags.loc[used.position].reset_index(drop=True)
    refuse_confounded(checks, used.counts, terms, flags)
    terms = pd.concat([terms, flags.add_prefix(SHOCK)], axis=1)
    n, p = terms.shape
    fine = n > p + 1 and np.linalg.matrix_rank(terms.to_numpy()) == p
    checks.require(bool(fine), "counts", f"has too few months for {p} terms", "Use fewer harmonics, or no slope")
    checks.done()
    first_years = int((used.phase == BEFORE).sum())
    if harmonics and first_years < _SEASONS:
        notes.append(f"The season rests on {first_years} months before, fewer than two years.")
    return Segments(used, terms, tuple(notes), sum(months.calendar) - int((~np.isnan(months.counts)).sum()))


def _usable(checks: Checks, months: Months) -> tuple[Months, list[str]]:
    """Leave out missing months, and months during in which nothing happened; say so."""
    exposed = ~(np.isnan(months.exposure) & ~np.isnan(months.counts)).any()
    checks.require(bool(exposed), "exposure", "is missing in a month that has a count", "Give every month its exposure")
    used, notes = observed(checks, months, during=True), []
    calendar = range(int(months.position[0]), int(months.position[-1]) + 1)
    gaps = sorted(set(calendar) - set(used.position.tolist()))
    if gaps:
        notes.append(f"Months without data, left out while the calendar goes on: {len(gaps)}.")
    before, during, _ = months.calendar
    start = calendar[0] + before
    if {start - 1, start, start + during - 1, start + during} & set(gaps):
        notes.append(
            "Data are missing right where the operation begins or ends: if the way of recording changed in that gap, "
            "it cannot be told from the operation."
        )
    silent = used.phase == DURING
    if silent.any() and used.counts[silent].sum() == 0:
        notes.append("No event was recorded during the operation: these months have no ratio and are left out.")
        used = used.take(~silent)
    return used, notes


def _require_enough(checks: Checks, months: Months, *, slope: bool) -> None:
    """Note phases that are too short or too empty."""
    m0, m1 = (int((months.phase == phase).sum()) for phase in (BEFORE, AFTER))
    t0, t1 = (float(months.counts[months.phase == phase].sum()) for phase in (BEFORE, AFTER))
    for reason in too_little(m0, m1, t0 * m1 / m0, alone=True):
        remedy = "Wait for more months, or use `change_test`, which then gives counts and an exact interval only"
        checks.require(False, "counts", f"has {reason}", remedy)
    rule = "is the same in every month, so that nothing says how far chance goes"
    checks.require(bool(np.ptp(months.counts) > 0), "counts", rule, "Use `rate_ratio`, which takes counts for Poisson")
    rule = "has no event before, or none after, and a rate of 0 has no logarithm"
    checks.require(t0 > 0 and t1 > 0, "counts", rule, "Use `change_test`: it allows zeros")
    fine = isinstance(slope, bool | np.bool_) and (not slope or m1 >= _LEAST_SLOPE)
    checks.require(fine, "slope", f"needs True or False, and {_LEAST_SLOPE} months after if True", "Use slope=False")


def _terms(months: Months, harmonics: int, *, slope: bool) -> pd.DataFrame:
    """Return the regression terms, named; trend and slope in years, so that coefficients can be read."""
    years = (months.position - months.position[0]) / 12
    terms = {"level": np.ones(len(years)), "trend": years, "step": months.after.astype(float)}
    if (months.phase == DURING).any():
        terms["during"] = (months.phase == DURING).astype(float)
    if slope:
        terms["slope"] = np.where(months.after, years - years[months.after][0], 0.0)
    for i, wave in enumerate(season(months.position, harmonics).T):
        terms[f"{('sine', 'cosine')[i % 2]} {i // 2 + 1}"] = wave
    return pd.DataFrame(terms)
