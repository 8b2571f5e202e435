"""Did treated areas change in another proportion than the comparison areas, and would few areas show it?"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from evaluation.comparing.area_errors import RatioError, departures, ratio_error, smallest_visible
from evaluation.comparing.area_months import AreaMonths, read_areas
from evaluation.comparing.placebos import Place, assignments, place, say_floor
from evaluation.counts import Checks, Unprinted, say_interval, say_number, say_p
from evaluation.months import Month

__all__ = ["DifferenceInDifferences", "difference_in_differences"]

_FEW = 3  # with fewer comparison areas their own changes hardly show how far areas drift apart
_LARGE = 3  # x the median comparison area: at 4 x, false alarms of placebo and interval reached .09 in simulation

_BASES = {
    "months": "from how much the treated share varied from month to month before: it assumes that months do not follow "
    "one another alike and that areas do not drift apart",
    "areas": "from how far the comparison areas' own changes lie apart: it assumes that the treated areas would have "
    "drifted as they did",
    "clusters": "from how far the areas' own changes lie apart in each group: it assumes many areas, none dominating",
}


@dataclass(frozen=True, repr=False, eq=False)
class DifferenceInDifferences(Unprinted):
    """The change of treated areas divided by that of comparison areas.

    Attributes
    ----------
    ratio : float
        (T1/T0) / (C1/C0), 0 to infinity; 1 is no difference.
    low, high, p : float
        t interval on the log scale and its two-sided p; NaN when refused or a total is 0.
    level : float
        Confidence level.
    inflation : float
        Variance of the log ratio used / that of Poisson counts, NaN when there is none.
    df : float
        Degrees of freedom of the t interval.
    basis : str
        Where the error comes from: "months", "areas" or "clusters"; "none" when refused.
    placebo_rank, placebo_of : int
        Place of the treated areas among all choices of as many areas, 1 the most extreme.
    placebo_p, placebo_floor : float
        Rank / choices, and the smallest it can be; NaN when refused.
    smallest_fall, smallest_rise : float
        Ratios nearest to 1 that would be seen four times in five; NaN and infinite when none would be.
    refused : str or None
        Why there is no interval and no p.
    treated, control : tuple of int
        Events (before, after).
    areas : DataFrame
        One row an area: treated, before, after, ratio (against all others), statistic (|log ratio| / error, as ranked).
    months : tuple of int
        Months before, after, during, and left out because missing.
    notes : tuple of str
        Sentences that belong beside the result.
    """

    ratio: float
    low: float
    high: float
    p: float
    level: float
    inflation: float
    df: float
    basis: str
    placebo_rank: int
    placebo_of: int
    placebo_p: float
    placebo_floor: float
    smallest_fall: float
    smallest_rise: float
    refused: str | None
    treated: tuple[int, int]
    control: tuple[int, int]
    areas: pd.DataFrame
    months: tuple[int, int, int, int]
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Say what could have been seen, then the relative change, each p with its floor, and what each assumes."""
        of, against = int(self.areas["treated"].sum()), int((~self.areas["treated"]).sum())
        counts = f"Treated areas: {of}; comparison areas: {against}; months before {self.months[0]}, after "
        counts += f"{self.months[1]}. "
        if self.refused:
            found = (
                f"No interval and no p are given: {self.refused}. The ratio of the changes is {say_number(self.ratio)}."
            )
        else:
            found = f"{self._visible()} {self._placebo()} {self._interval()}"
        limits = (
            "Both assume that without the operation all areas would have changed in the same proportion, and that "
            "nothing moved into the comparison areas. This is a difference in recorded changes, not yet an effect."
        )
        return " ".join([counts + found, *self.notes, limits])

    def to_frame(self) -> pd.DataFrame:
        """Return one row with every number; `areas`, `notes` and `refused` stay with the result."""
        names = ["ratio", "low", "high", "p", "inflation", "df", "basis", "placebo_rank", "placebo_of", "placebo_p"]
        names += ["placebo_floor", "smallest_fall", "smallest_rise"]
        return pd.DataFrame({name: [getattr(self, name)] for name in names})

    def _visible(self) -> str:
        if math.isnan(self.smallest_fall):
            fall = "No fall, not even to nothing, would be seen four times in five"
        else:
            fall = f"A fall of {100 * (1 - self.smallest_fall):.0f} % would be seen four times in five"
        rise = "no rise" if math.isinf(self.smallest_rise) else f"a rise to {say_number(self.smallest_rise)} times"
        return f"{fall}, and {rise}."

    def _placebo(self) -> str:
        floor = say_floor(self.placebo_floor, f"{self.placebo_of} choices of treated areas")
        return (
            f"{floor} The true choice ranks {self.placebo_rank} by how far its change departs: p {self.placebo_p:.3f}; "
            "this assumes that any of the areas could as well have been treated."
        )

    def _interval(self) -> str:
        said = f"The treated areas' change was {say_number(self.ratio)} times that of the comparison areas"
        if math.isnan(self.p):
            return f"{said}; a total is 0, so no interval is given."
        return (
            f"{said} ({say_interval(self.low, self.high, self.level)}, {say_p(self.p)}; t with {self.df:g} degrees of "
            f"freedom, variance {self.inflation:.2f} times Poisson, {_BASES[self.basis]})."
        )


def difference_in_differences(
    panel: pd.DataFrame,
    treated: Hashable | Sequence[Hashable],
    start: Month,
    end: Month | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> DifferenceInDifferences:
    """Compare the proportional change of treated areas with that of comparison areas, month by month counts.

    Poisson regression with a level for each area and each month: log mean = area + month + log ratio (treated, after).
    Where every area has every month its estimate is the ratio of totals, (T1/T0) / (C1/C0), which is what is computed.

    Error: the larger of Poisson x the dispersion of the treated share before (`share_dispersion`), and Poisson + tau^2
    (sum of squared shares of the treated areas + those of the comparison areas), tau^2 the variance of the comparison
    areas' own log changes beyond Poisson (`heterogeneity`); t with the degrees of freedom of the one taken. From 10
    treated and 10 comparison areas on, cluster-robust by area instead. Placebo: every choice of as many areas,
    |log ratio| / sqrt(Poisson variance + tau^2), with 0.5 added to each total and tau^2 from all areas alike.

    Parameters
    ----------
    panel : DataFrame of whole numbers, months x areas
        Indexed like the series of `change_test`. A month missing in any area is left out of all.
    treated : label or list of labels
        Columns of the treated areas; all other columns are comparison areas.
    start, end : month
        Months in [start, end) are during and left out; after begins at `end`, or at `start` without one.
    level : float, default 0.95
        Confidence level.
    seed : int, default 0
        Used only where there are more than 5,000 choices of areas, which are then sampled.

    Returns
    -------
    DifferenceInDifferences
        .ratio .low .high .p .placebo_p .placebo_floor .basis .inflation .smallest_fall .smallest_rise .refused

    Raises
    ------
    StudyError
        When the panel does not hold counts, areas repeat, an area is both treated and compared with, a group has no
        event or `start` lies outside; every problem is listed. Too little data is not an error: see `.refused`.

    Notes
    -----
    False alarms at 5 % without an effect (24 + 6 months, mean 4, dispersion to .5, autocorrelation to .6, 1,500 series
    each): interval .016 to .055 with 5 or 19 comparison areas, to .09 with two, .20 with one, where `change_test`
    holds; placebo .045 to .056 with 19. Less sure where a treated area is much larger than all others (to .09).

    References
    ----------
    Wooldridge (1999), Journal of Econometrics 90:77-97, for the Poisson model; Bertrand, Duflo and Mullainathan (2004),
    Quarterly Journal of Economics 119:249-275, and Donald and Lang (2007), Review of Economics and Statistics
    89:221-233, for few areas; MacKinnon and Webb (2020), Journal of Econometrics 218:435-450, for studentised placebos.

    Examples
    --------
    >>> panel = pd.DataFrame({"a": [6] * 24 + [3] * 6, "b": [8] * 30, "c": [5, 7] * 15, "d": [4, 2, 3] * 10})
    >>> found = difference_in_differences(panel, "a", 24)
    >>> found.ratio, found.placebo_floor
    (0.5, 0.25)
    """
    checks = Checks("difference_in_differences")
    checks.level(level)
    data = read_areas(checks, panel, treated, (start, end))
    error = None if data.refused else ratio_error(data)
    low, high, p, inflation = _interval(error, data.totals, level)
    found = None if data.refused else _among(data, seed)
    fall, rise = smallest_visible(error, data.totals, level) if error else (math.nan, math.inf)
    T0, T1, C0, C1 = data.totals
    return DifferenceInDifferences(
        ratio=_ratio(T1 * C0, T0 * C1),
        low=low,
        high=high,
        p=p,
        level=level,
        inflation=inflation,
        df=error.df if error else math.nan,
        basis=error.basis if error else "none",
        placebo_rank=found.rank if found else 0,
        placebo_of=found.of if found else 0,
        placebo_p=found.p if found else math.nan,
        placebo_floor=found.floor if found else math.nan,
        smallest_fall=fall,
        smallest_rise=rise,
        refused=data.refused,
        treated=(T0, T1),
        control=(C0, C1),
        areas=_areas(data),
        months=data.months,
        notes=(*data.notes, *_cautions(data, error)),
    )


def _interval(
    error: RatioError | None, totals: tuple[int, int, int, int], level: float
) -> tuple[float, float, float, float]:
    """Return the limits, p and inflation; NaN without an error or with a total of 0."""
    if error is None or min(totals) == 0:
        return math.nan, math.nan, math.nan, math.nan
    T0, T1, C0, C1 = totals
    log_ratio, variance = math.log(T1 / T0) - math.log(C1 / C0), error.variance(totals)
    size = math.sqrt(variance)
    reach = float(stats.t.ppf((1 + level) / 2, error.df)) * size
    p = float(2 * stats.t.sf(abs(log_ratio) / size, error.df))
    return math.exp(log_ratio - reach), math.exp(log_ratio + reach), p, variance / sum(1 / total for total in totals)


def _among(data: AreaMonths, seed: int) -> Place:
    """Rank the true choice of treated areas among all choices of as many."""
    statistics = departures(data, assignments(data.treated, seed))
    return place(float(statistics[0]), statistics[1:])


def _areas(data: AreaMonths) -> pd.DataFrame:
    """Return one row an area: its counts, and its change against all others."""
    rest = [part.sum() - part for part in (data.before, data.after)]
    ratios = [
        _ratio(after * c0, before * c1) for before, after, c0, c1 in zip(data.before, data.after, *rest, strict=True)
    ]
    columns = {
        "treated": data.treated,
        "before": data.before.astype(int),
        "after": data.after.astype(int),
        "ratio": ratios,
        "statistic": departures(data, np.eye(len(data.treated), dtype=bool)),
    }
    return pd.DataFrame(columns, index=data.names)


def _ratio(above: float, below: float) -> float:
    """Divide; infinite over 0, NaN for 0 over 0."""
    if below:
        return above / below
    return math.inf if above else math.nan


def _cautions(data: AreaMonths, error: RatioError | None) -> list[str]:
    """Return the sentences that qualify the interval."""
    said = []
    if error and error.basis == "months" and (~data.treated).sum() < _FEW:
        said.append(
            "With one or two comparison areas nothing shows how far areas drift apart: the interval is too narrow "
            "where months follow one another alike, which `change_test` allows for."
        )
    size = data.before + data.after
    largest = float(size[data.treated].max()) / float(np.median(size[~data.treated]))
    if largest > _LARGE or largest < 1 / _LARGE:
        said.append("A treated area differs much in size from most comparison areas, so they may not drift alike.")
    return said
