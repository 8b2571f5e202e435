"""What does the headline test say of some of the months and comparison areas, or at another date?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar

import numpy as np
import pandas as pd

from commonground.periods import Period
from commonground.pickles import Exact
from evaluation.changes import ChangeTest, change_test
from evaluation.counts import Checks
from evaluation.headline.eligibility import refusal, tally_months, usable
from evaluation.headline.judgement import is_firm, judge_alone, judge_compared
from evaluation.months import AFTER, BEFORE, Months, align

__all__ = ["Refit", "Setting", "evenly", "setting", "side"]

Item = TypeVar("Item")

_WAVES = 1  # pairs of yearly waves that `change_test` fits by default without comparison areas


@dataclass(frozen=True, repr=False, eq=False)
class Refit(Exact):
    """What the headline test says elsewhere, without its interval.

    Attributes
    ----------
    months_before, months_after, n_comparison : int
    ratio : float
        0 to infinity, or NaN.
    p : float
        NaN where refused.
    firm : bool
    refused : str
        Why there is no p, or "".
    """

    months_before: int
    months_after: int
    n_comparison: int
    ratio: float
    p: float
    firm: bool
    refused: str

    @classmethod
    def of(cls, change: ChangeTest) -> Refit:
        """Take the same parts from the headline."""
        kept = {name: getattr(change, name) for name in cls.__dataclass_fields__}
        return cls(**kept | {"refused": change.refused or ""})

    def row(self) -> dict[str, object]:
        """Return the fields as a row of a table."""
        return asdict(self)


@dataclass(frozen=True, repr=False, eq=False)
class Setting(Exact):
    """The months of one outcome, where they are cut, and the headline.

    Attributes
    ----------
    months : Months
        With every comparison area.
    areas : tuple of str
        Names of the comparison areas, in the order of their columns.
    start, resume : int
        First calendar month that is not before; first that is after.
    change : ChangeTest
        The headline.
    """

    months: Months
    areas: tuple[str, ...]
    start: int
    resume: int
    change: ChangeTest

    @property
    def first(self) -> int:
        """First calendar month."""
        return int(self.months.position[0])

    @property
    def length(self) -> int:
        """Calendar months after."""
        return int(self.months.position[-1]) + 1 - self.resume

    def cut(
        self,
        *,
        first: int | None = None,
        end: int | None = None,
        start: int | None = None,
        areas: Sequence[str] | None = None,
    ) -> Months:
        """Take the months from `first` to before `end`, cut at a false `start` if given, with some of the areas."""
        columns = [self.areas.index(name) for name in (self.areas if areas is None else areas)]
        months = replace(self.months, control=self.months.control[:, columns])
        if start is not None:
            months = replace(months, phase=np.where(months.position < start, BEFORE, AFTER))
        keep = np.ones(len(months.position), dtype=bool)
        if first is not None:
            keep &= months.position >= first
        if end is not None:
            keep &= months.position < end
        return months.take(keep)

    def refit(self, months: Months, *, test: bool = True) -> Refit:
        """Run the headline test, or only find its ratio."""
        used, _ = usable(months)
        tally, alpha = tally_months(used), 1 - self.change.level
        refused, judged = refusal(tally) or "", None
        if test and not refused and tally.areas:
            judged = judge_compared(used.counts, used.control, used.after, used.position, alpha, interval=False)
        elif test and not refused:
            judged = judge_alone(used.counts, used.after, used.position, _WAVES, alpha, interval=False)
        return Refit(
            months_before=tally.m0,
            months_after=tally.m1,
            n_comparison=tally.areas,
            ratio=tally.ratio,
            p=judged.p if judged else math.nan,
            firm=judged is not None and is_firm(judged, alpha),
            refused=refused,
        )


def setting(
    function: str,
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: Sequence[str],
    change: ChangeTest | None = None,
) -> Setting:
    """Check what a diagnostic was given and cut the months as the headline does.

    Parameters
    ----------
    function : str
        Name of the public function, for messages.
    monthly : DataFrame, months by zone
        PeriodIndex of months; a column treated and one a comparison area; NaN where nobody observed.
    phases : mapping with before and after
    comparison : sequence of str
        Columns of the comparison areas that the treated area is set against; may be empty.
    change : ChangeTest, optional
        The headline, where it is known already.

    Raises
    ------
    StudyError
        When the table has no months or lacks a column, a phase is missing, or the series cannot be used; everything
        wrong with the arguments is listed.
    """
    checks = Checks(function)
    named = not isinstance(comparison, str) and all(isinstance(name, str) for name in comparison)
    checks.require(named, "comparison", "needs a list of column names", "Pass [] where there is no area")
    table = isinstance(monthly, pd.DataFrame) and isinstance(monthly.index, pd.PeriodIndex)
    if checks.require(table, "monthly", "needs a DataFrame on a PeriodIndex of months", "Tally by month") and named:
        wanted = [name for name in ("treated", *comparison) if name not in monthly]
        rule = "lacks the column treated, or one of a comparison area"
        checks.require(not wanted, "monthly", rule, "Name the columns as the study names its zones")
        checks.require("treated" not in comparison, "comparison", "holds the treated area", "Leave it out")
    known = isinstance(phases, Mapping) and all(isinstance(phases.get(name), Period) for name in ("before", "after"))
    checks.require(known, "phases", "needs the periods before and after", "Take them from the study")
    checks.done()
    before, after = phases["before"], phases["after"]
    resume = after.start if after.start > before.end else None
    control = monthly[list(comparison)] if comparison else None
    months = align(checks, monthly["treated"], (before.end, resume), control=control, name="treated")
    if change is None:
        change = change_test(monthly["treated"], control, before.end, resume)
    start, again = (12 * cut.year + cut.month - 1 for cut in (before.end, resume or before.end))
    return Setting(months, tuple(comparison), start, again, change)


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most `most` of the items, evenly spaced, the first and the last among them."""
    if not items:
        return []
    picked = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int))
    return [items[i] for i in picked]


def side(ratio: float) -> int:
    """Return -1 for a fall, 1 for a rise, 0 for neither or an undefined ratio."""
    return 0 if math.isnan(ratio) else (ratio > 1) - (ratio < 1)
