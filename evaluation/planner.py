"""How many months after, and how many comparison areas, does it take to see a change that is worth seeing?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pandas as pd

from evaluation.counts import Checks, Unprinted, say_number
from evaluation.foreseeing.designs import Design, check_design
from evaluation.foreseeing.detection import as_compared, chance_of_showing
from evaluation.headline.eligibility import too_little
from evaluation.power import Detectable, smallest_detectable

__all__ = ["Plan", "plan"]

_BEFORE = 24  # months before where none are given: with fewer, change_test needs a comparison area or six months after
_MOST_MONTHS, _MOST_AREAS = 36, 19  # the limits of what was simulated, and of what people can wait for
_COARSE_MONTHS = (2, 3, 6, 9, 12, 18, 24, 30, 36)
_COARSE_AREAS = (0, 1, 2, 3, 5, 8, 12, 19)


@dataclass(frozen=True, repr=False, eq=False)
class Plan(Unprinted):
    """The power of designs with more months and more comparison areas, and the smallest that suffice.

    Attributes
    ----------
    table : DataFrame
        A row for each months_after x comparison_areas: power (0 to 1), enough (power as wanted), smallest (no design
        with fewer months and no more areas, or fewer areas and no more months, is enough).
    fewest_months, fewest_areas : Design or None
        The design that waits least (with the fewest areas at that), and the one with the fewest areas (and then
        months); None when no design within the limits is enough.
    best : Detectable
        Smallest fall and rise that would be seen with all the months and areas of the limits.
    as_it_stands : float
        Power of the design as given; NaN where only mean and ratio were.
    design : Design
        What was asked; its ratio is the change to be seen.
    limits : tuple of int
        Most months after, most comparison areas.
    """

    table: pd.DataFrame
    fewest_months: Design | None
    fewest_areas: Design | None
    best: Detectable
    as_it_stands: float
    design: Design
    limits: tuple[int, int]
    _basis: str = field(default="", repr=False)

    @property
    def grid(self) -> pd.DataFrame:
        """The power as a table: months after down, comparison areas across."""
        return self.table.pivot(index="months_after", columns="comparison_areas", values="power")

    def summary(self) -> str:
        """Say what it takes, or plainly that no such study would see the change; and what was taken for granted."""
        d = self.design
        wanted = "four times in five" if d.power == 0.8 else f"with {100 * d.power:g} % chance"
        joint = f" among {d.outcomes} primary outcomes" if d.outcomes > 1 else ""
        asked = (
            f"To see a true ratio of {say_number(float(d.ratio or math.nan))}{joint} {wanted}, from "
            f"{say_number(d.monthly_mean)} events a month and {d.before_months:g} months before: "
        )
        stands = ""
        if not math.isnan(self.as_it_stands):
            stands = f" As it stands ({_size(d)}) the chance is {self.as_it_stands:.2f}."
        return f"{asked}{self._answer()}{stands} {self._basis}"

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table: months_after, comparison_areas, power, enough, smallest."""
        return self.table.copy()

    def _answer(self) -> str:
        if self.fewest_months is None or self.fewest_areas is None:
            return (
                f"no design of this kind would see it, even with {self.limits[0]} months after and {self.limits[1]} "
                "comparison areas: count something more common, join areas, or accept that the study cannot tell."
                f"{self._could()}"
            )
        said = _size(self.fewest_months)
        if self.fewest_areas != self.fewest_months:
            said += f", or, with fewer areas, {_size(self.fewest_areas)} (the table has what lies between)"
        alone = ""
        if not self.fewest_areas.comparison_areas:
            alone = " Without a comparison area a change that came everywhere passes for one of the operation."
        return f"{said}.{alone} Write down what you choose before the months after are looked at."

    def _could(self) -> str:
        """Say what the largest design would see."""
        fall, rise = self.best
        seen = [] if math.isnan(fall) else [f"a fall to {say_number(fall)}"]
        seen += [] if math.isinf(rise) else [f"a rise to {say_number(rise)}"]
        return f" The largest of them would see {' or '.join(seen)} times." if seen else ""


def plan(
    design: Design | None = None,
    *,
    monthly_mean: float | None = None,
    ratio: float | None = None,
    power: float | None = None,
    most_months: int = _MOST_MONTHS,
    most_areas: int = _MOST_AREAS,
) -> Plan:
    """Find how many months after and how many comparison areas a study needs to see a declared change.

    Every design from 2 months and no area to the limits is reckoned as `power` reckons it; nothing is simulated, so
    that it takes a moment. Use it before the study, with what was known before.

    Parameters
    ----------
    design : Design, optional
        What is known: months before, mean, dispersion, autocorrelation, outcomes, level, power. Its months after and
        comparison areas are what the study would have as it stands.
    monthly_mean : float, optional
        Instead of a design: events a month in the area before; 24 months before, Poisson counts, one outcome.
    ratio : float, optional
        True rate after / rate before that must be seen; the design's own where not given.
    power : float, optional
        Wanted chance; the design's own (0.8) where not given.
    most_months, most_areas : int, default 36 and 19
        Limits of the search.

    Returns
    -------
    Plan
        .fewest_months .fewest_areas .table .grid .best

    Raises
    ------
    StudyError
        When neither a design nor a mean is given (or both), the ratio is missing or 1, or a number is out of range; all
        problems are listed.

    Notes
    -----
    An approximation, checked against simulation (see `stretch`), that takes dispersion and autocorrelation as known and
    every comparison area as large as `comparison_mean`. Check the chosen design with `simulate_power`. It fails where
    areas would have changed differently anyway: more of them do not help then.

    References
    ----------
    As `chance_of_seeing`.

    Examples
    --------
    >>> found = plan(monthly_mean=4.0, ratio=0.5)
    >>> found.fewest_months.after_months, found.fewest_areas.comparison_areas
    (10, 0)
    """
    asked, given = _asked(design, monthly_mean, ratio, power, (most_months, most_areas))
    fewest = {areas: _fewest(asked, areas, most_months) for areas in range(most_areas + 1)}
    corners = _corners(fewest)
    months = sorted({m for m in _COARSE_MONTHS if m < most_months} | set(corners.values()) | {most_months})
    across = sorted({j for j in _COARSE_AREAS if j < most_areas} | set(corners) | {most_areas})
    cells = [(m, j, _power(asked, m, j)) for m in months for j in across]
    table = pd.DataFrame(cells, columns=["months_after", "comparison_areas", "power"])
    table["enough"] = table["power"] >= asked.power
    table["smallest"] = [corners.get(j) == m for m, j, _ in cells]
    found = [replace(asked, after_months=m, comparison_areas=j) for j, m in corners.items()]
    return Plan(
        table=table,
        fewest_months=min(found, key=lambda d: (d.after_months, d.comparison_areas), default=None),
        fewest_areas=min(found, key=lambda d: (d.comparison_areas, d.after_months), default=None),
        best=_best(asked, most_months, most_areas),
        as_it_stands=_power(asked, asked.after_months, asked.comparison_areas) if given else math.nan,
        design=asked,
        limits=(most_months, most_areas),
        _basis=_reckoning(asked),
    )


def _asked(
    design: Design | None, mean: float | None, ratio: float | None, power: float | None, limits: tuple[int, int]
) -> tuple[Design, bool]:
    """Return the design with the ratio and the power that count, and whether one was given."""
    checks = Checks("plan")
    remedy = "Pass a Design, or only the mean where nothing else is known"
    checks.require((design is None) != (mean is None), "design, monthly_mean", "needs one of the two", remedy)
    asked = design if design is not None else Design(_BEFORE, 6, math.nan if mean is None else mean)
    asked = replace(asked, ratio=asked.ratio if ratio is None else ratio, power=asked.power if power is None else power)
    if design is not None or mean is not None:
        check_design(checks, asked)
    changes = isinstance(asked.ratio, int | float) and asked.ratio != 1
    checks.require(changes, "ratio", "needs the change to be seen, a ratio other than 1", "Pass 0.5 for a halving")
    for name, limit, least in (("most_months", limits[0], 2), ("most_areas", limits[1], 0)):
        whole = isinstance(limit, int) and not isinstance(limit, bool) and limit >= least
        checks.require(whole, name, f"needs a whole number of at least {least}", "Leave it out for the usual limit")
    checks.done()
    return asked, design is not None


def _power(design: Design, months: float, areas: int) -> float:
    """Return the chance of showing the ratio with so many months after and comparison areas."""
    candidate = as_compared(replace(design, after_months=months, comparison_areas=areas))
    expected = candidate.after_months * candidate.monthly_mean
    if too_little(candidate.before_months, months, expected, alone=not candidate.comparison_areas):
        return 0.0
    return chance_of_showing(candidate, float(design.ratio or 1))


def _fewest(design: Design, areas: int, most: int) -> int | None:
    """Return the fewest months after that suffice with so many areas, by halving; None when the most do not."""
    low, high = 1, most
    if _power(design, most, areas) < design.power:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(design, middle, areas) >= design.power else (middle, high)
    return high


def _corners(fewest: dict[int, int | None]) -> dict[int, int]:
    """Return areas -> months of the designs that cannot do with fewer of either."""
    kept: dict[int, int] = {}
    for areas, months in sorted(fewest.items()):
        if months is not None and months < min(kept.values(), default=math.inf):
            kept[areas] = months
    return kept


def _best(design: Design, months: int, areas: int) -> Detectable:
    return smallest_detectable(replace(design, after_months=months, comparison_areas=areas))


def _size(design: Design) -> str:
    areas = f"{design.comparison_areas or 'no'} comparison area{'s' * (design.comparison_areas != 1)}"
    return f"{design.after_months:g} month{'s' * (design.after_months != 1)} after and {areas}"


def _reckoning(design: Design) -> str:
    spread = "as Poisson counts do" if not design.dispersion else f"with dispersion {design.dispersion:g}"
    if design.autocorrelation:
        spread += f" and correlation {design.autocorrelation:g} from month to month"
    return (
        f"That is an approximation, for months that vary {spread}, set to agree with what change_test showed in "
        "simulated studies. Real months may swing more, and comparison areas that would have changed differently make "
        "every figure here too hopeful; check the design you choose with `simulate_power`."
    )
