"""Say what a weighted mix of comparison areas suggests would have happened without the operation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import nnls

from evaluation.counts import Checks, Unprinted, say_number

__all__ = ["SyntheticControl", "SyntheticDiD", "synthetic_control", "synthetic_did"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_FEWEST_BEFORE = 12  # with fewer periods a mix of many areas fits noise (Abadie 2021, section 5)
_PERIOD_RIDGE = 1e-6  # x noise level: only makes the period weights unique (Arkhangelsky et al. 2021, section 2)


@dataclass(frozen=True, repr=False, eq=False)
class SyntheticControl(Unprinted):
    """A treated unit against the mix of other units that followed it best before the start.

    Attributes
    ----------
    effect : float
        Mean of observed - synthetic over the periods from the start on, in the panel's unit.
    weights : Series
        Weight of each donor, at least 0, summing to 1.
    pre_rmspe, post_rmspe : float
        Root mean squared gap before and after the start.
    rank, p, p_floor : int, float, float
        Place of the treated unit's post/pre RMSPE ratio, 1 the largest (ties count against it); rank/units; 1/units.
    placebos : DataFrame
        One row a donor, treated as if it were the treated unit: effect, pre_rmspe, post_rmspe, ratio.
    path : DataFrame
        One row a period: observed, synthetic, gap, after.
    effective_donors, largest_weight : float
        1 / sum of squared weights, and the largest weight.
    outside_range : int
        Periods before the start in which the treated unit lay beyond every donor, where no mix can reach it.
    """

    effect: float
    weights: pd.Series
    pre_rmspe: float
    post_rmspe: float
    rank: int
    p: float
    p_floor: float
    placebos: pd.DataFrame
    path: pd.DataFrame
    effective_donors: float
    largest_weight: float
    outside_range: int

    def summary(self) -> str:
        """Say the smallest possible p, the gap, its rank, and how far the mix can be trusted."""
        units = len(self.placebos) + 1
        before = int((~self.path["after"]).sum())
        hull = "was within the range of the donors in every period before"
        if self.outside_range:
            hull = (
                f"was beyond every donor in {self.outside_range} of {before} periods before, where no mix can follow it"
            )
        return (
            f"With {units} units the smallest possible p is {self.p_floor:.3f}. From the start on, the recorded "
            f"series lay {say_number(self.effect)} from its synthetic comparison on average (gap before "
            f"{say_number(self.pre_rmspe)}, after {say_number(self.post_rmspe)}); rank {self.rank} of {units}, p "
            f"{self.p:.3f}. The mix rests on {self.effective_donors:.1f} effective donors (largest weight "
            f"{self.largest_weight:.2f}); the series {hull}. It assumes that no donor was touched by the operation or "
            "by events moving into it, and that what drove the series before drove it after: a gap is not yet an "
            "effect."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the path: one row a period with observed, synthetic, gap, after."""
        return self.path.copy()


@dataclass(frozen=True, repr=False, eq=False)
class SyntheticDiD(Unprinted):
    """Difference in differences with weighted units and weighted periods.

    Attributes
    ----------
    effect, se : float
        Weighted difference in differences in the panel's unit, and the spread of the donors' own, treated in turn.
    unit_weights, period_weights : Series
        Weights of the donors and of the periods before, each at least 0 and summing to 1.
    """

    effect: float
    unit_weights: pd.Series
    period_weights: pd.Series
    se: float

    def summary(self) -> str:
        """Say the effect, its placebo error and what it assumes."""
        low, high = self.effect - 1.959964 * self.se, self.effect + 1.959964 * self.se
        return (
            f"The synthetic difference in differences is {say_number(self.effect)} (placebo standard error "
            f"{say_number(self.se)}; normal 95 % interval {say_number(low)} to {say_number(high)}), from "
            f"{len(self.unit_weights)} donors and {len(self.period_weights)} periods before. It assumes that the "
            "treated unit is as noisy as the donors, that nothing else changed in it at the start and that no donor "
            "was touched: a difference in recorded numbers is not yet an effect."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the weights: columns kind ("unit" or "period"), label, weight."""
        kinds = {"unit": self.unit_weights, "period": self.period_weights}
        frames = [pd.DataFrame({"kind": k, "label": w.index, "weight": w.to_numpy()}) for k, w in kinds.items()]
        return pd.concat(frames, ignore_index=True)


def synthetic_control(panel: pd.DataFrame, treated: Hashable, start: Any) -> SyntheticControl:
    """Compare a unit with the mix of others that followed it best before the start.

    Weights w >= 0 with sum 1 minimise the squared gap before the start. Each donor is then treated in turn, with the
    treated unit left out of its donors, and the ratios of the gaps after and before are ranked.

    Parameters
    ----------
    panel : DataFrame
        Periods (sorted index) x units, for example rates; no missing value.
    treated : label
        Column of the treated unit.
    start : label of a period
        First period after; periods before are index < start.

    Returns
    -------
    SyntheticControl
        .effect .weights .pre_rmspe .post_rmspe .rank .p .p_floor .placebos and checks of the fit.

    Raises
    ------
    StudyError
        When there are fewer than 12 periods before, no period after, fewer than two donors, missing values or an
        unsorted index; every problem is listed.

    Notes
    -----
    Fails outside the range of the donors, when many donors follow noise, and when donors are affected.

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), Journal of the American Statistical Association 105:493-505.

    Examples
    --------
    >>> t = np.arange(20.0)
    >>> panel = pd.DataFrame({"a": t, "b": 20 - t, "c": t % 3, "mix": 10 - 5 * (t >= 15)})
    >>> s = synthetic_control(panel, "mix", 15)
    >>> round(s.effect, 6), s.rank, s.p_floor
    (-5.0, 1, 0.25)
    """
    values, target, donors, before = _checked("synthetic_control", panel, treated, start)
    weight, gap = _fit(values, target, donors, before)
    rows = {unit: _gaps(_fit(values, unit, [d for d in donors if d != unit], before)[1], before) for unit in donors}
    placebos = pd.DataFrame(
        rows.values(), index=panel.columns[donors], columns=["effect", "pre_rmspe", "post_rmspe", "ratio"]
    )
    effect, pre, post, ratio = _gaps(gap, before)
    rank = 1 + int((placebos["ratio"] >= ratio).sum())
    observed, pool = values[:, target], values[before][:, donors]
    path = pd.DataFrame(
        {"observed": observed, "synthetic": observed - gap, "gap": gap, "after": ~before}, index=panel.index
    )
    return SyntheticControl(
        effect=effect,
        weights=pd.Series(weight, index=panel.columns[donors], name="weight"),
        pre_rmspe=pre,
        post_rmspe=post,
        rank=rank,
        p=rank / (len(donors) + 1),
        p_floor=1 / (len(donors) + 1),
        placebos=placebos,
        path=path,
        effective_donors=float(1 / (weight**2).sum()),
        largest_weight=float(weight.max()),
        outside_range=int(((observed[before] < pool.min(axis=1)) | (observed[before] > pool.max(axis=1))).sum()),
    )


def synthetic_did(panel: pd.DataFrame, treated: Hashable, start: Any) -> SyntheticDiD:
    """Estimate a difference in differences with donors and periods weighted to be like the treated unit.

    Unit weights minimise sum over periods of (w0 + sum of w_i Y_it - Y_treated,t)^2 + zeta^2 T0 |w|^2, with
    zeta = T1^(1/4) x sd of the donors' first differences before; period weights likewise with a negligible ridge.

    Parameters
    ----------
    panel : DataFrame
        Periods (sorted index) x units; no missing value.
    treated : label
        Column of the treated unit.
    start : label of a period
        First period after.

    Returns
    -------
    SyntheticDiD
        .effect .unit_weights .period_weights .se

    Raises
    ------
    StudyError
        As `synthetic_control`.

    Notes
    -----
    The placebo error treats every donor once, without simulation; the treated unit must be about as noisy as they are.

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111:4088-4118, algorithms 1 and 4.
    """
    values, target, donors, before = _checked("synthetic_did", panel, treated, start)
    effect, units, periods = _did(values, target, donors, before)
    others = [_did(values, unit, [d for d in donors if d != unit], before)[0] for unit in donors]
    return SyntheticDiD(
        effect=effect,
        unit_weights=pd.Series(units, index=panel.columns[donors], name="weight"),
        period_weights=pd.Series(periods, index=panel.index[before], name="weight"),
        se=float(np.std(others)),
    )


def _checked(function: str, panel: pd.DataFrame, treated: Hashable, start: Any) -> tuple[Array, int, list[int], Mask]:
    """Return the values, the donors' column numbers and which periods are before, or raise with every problem."""
    checks = Checks(function)
    known = panel.columns.is_unique and treated in panel.columns
    checks.require(known, "treated", "needs to name one column of the panel", "Columns are units, rows are periods")
    remedy = "Use `relative_rate_ratio` with one comparison"
    checks.require(len(panel.columns) > 2, "panel", "needs at least two donors", remedy)
    ordered = panel.index.is_monotonic_increasing and panel.index.is_unique
    checks.require(ordered, "panel", "needs a sorted index of periods that do not repeat", "Call `panel.sort_index()`")
    numbers = panel.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    remedy = "Leave out units or periods that were not observed; a missing count is not 0"
    checks.require(bool(np.isfinite(numbers).all()), "panel", "needs a finite number in every cell", remedy)
    try:
        before = np.asarray(panel.index < start, dtype=bool)
    except TypeError:  # a date against numbers, say
        before = np.ones(len(panel), dtype=bool)
    remedy = "Use `relative_rate_ratio`, which does not fit a path"
    checks.require(before.sum() >= _FEWEST_BEFORE, "panel", f"needs {_FEWEST_BEFORE} periods before the start", remedy)
    remedy = "Check the type and the date of `start`"
    checks.require(not before.all(), "start", "needs a period from the start on", remedy)
    checks.done()
    is_target = [unit == treated for unit in panel.columns]
    return numbers, is_target.index(True), [k for k, found in enumerate(is_target) if not found], before


def _simplex(gaps: Array, ridge: float = 0.0) -> Array:
    """Return the w >= 0 with sum 1 that minimise |gaps w|^2 + ridge |w|^2, exactly.

    For u = t w the least |gaps u|^2 + (sum u - 1)^2 over t >= 0 is f / (1 + f), f = |gaps w|^2, which rises with f: the
    non-negative least squares solution, scaled to sum 1, solves the constrained problem. No penalty is involved.
    """
    stacked = np.vstack([gaps, np.sqrt(ridge) * np.eye(gaps.shape[1])]) if ridge else gaps
    scale = np.sqrt((stacked**2).mean()) or 1.0  # keeps both parts of the sum of the same order
    rows = np.vstack([stacked / scale, np.ones(stacked.shape[1])])
    solution = nnls(rows, np.append(np.zeros(len(stacked)), 1.0))[0]
    return np.asarray(solution / solution.sum(), dtype=float)


def _fit(values: Array, unit: int, donors: list[int], before: Mask) -> tuple[Array, Array]:
    """Return the donors' weights and the gap of every period."""
    pool, path = values[:, donors], values[:, unit]
    weight = _simplex(pool[before] - path[before, None])
    gap = path - pool @ weight
    gap[np.abs(gap) < 1e-9 * np.abs(path).max()] = 0  # rounding must not rank one perfect fit above another
    return weight, gap


def _gaps(gap: Array, before: Mask) -> tuple[float, float, float, float]:
    """Return effect, RMSPE before and after, and their ratio (infinite after a perfect fit, 0 without any gap)."""
    pre, post = (float(np.sqrt((gap[part] ** 2).mean())) for part in (before, ~before))
    ratio = post / pre if pre > 0 else (np.inf if post > 0 else 0.0)
    return float(gap[~before].mean()), pre, post, ratio


def _did(values: Array, unit: int, donors: list[int], before: Mask) -> tuple[float, Array, Array]:
    """Return the effect, the unit weights and the period weights."""
    pool, path = values[:, donors], values[:, unit]
    noise = float(np.std(np.diff(pool[before], axis=0), ddof=1))
    gaps = pool[before] - path[before, None]
    # taking off each column's mean is what a free intercept does
    units = _simplex(gaps - gaps.mean(axis=0), int((~before).sum()) ** 0.5 * noise**2 * int(before.sum()))
    lags = pool[before].T - pool[~before].mean(axis=0)[:, None]
    periods = _simplex(lags - lags.mean(axis=0), (_PERIOD_RIDGE * noise) ** 2 * len(donors))
    difference = path - pool @ units
    return float(difference[~before].mean() - difference[before] @ periods), units, periods
