"""Say how far a unit's change differs from that of donors and periods weighted to be like it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evaluation.comparing.donors import DonorPanel, read_panel, simplex_weights
from evaluation.comparing.placebos import place, say_floor
from evaluation.counts import Unprinted, say_number

__all__ = ["SyntheticDiD", "synthetic_did"]

Array = npt.NDArray[np.float64]

_PERIOD_RIDGE = 1e-6  # x noise level: only makes the period weights unique (Arkhangelsky et al. 2021, section 2)
_LEVEL = 0.95


@dataclass(frozen=True, repr=False, eq=False)
class SyntheticDiD(Unprinted):
    """Difference in differences with weighted units and weighted periods.

    Attributes
    ----------
    effect, se : float
        Weighted difference in differences in the panel's unit, and the spread of the donors' own, treated in turn.
    low, high : float
        95 % interval: effect -+ t(donors - 1) x se.
    unit_weights, period_weights : Series
        Weights of the donors and of the periods before, each at least 0 and summing to 1.
    rank, p, p_floor : int, float, float
        Place of |effect| among the donors' own, 1 the largest (ties count against it); rank/units; 1/units.
    placebos : Series
        The effect of each donor, treated in turn without the treated unit.
    effective_donors, effective_periods : float
        1 / sum of squared weights.
    notes : tuple of str
        Sentences that belong beside the result.
    """

    effect: float
    unit_weights: pd.Series
    period_weights: pd.Series
    se: float
    low: float
    high: float
    rank: int
    p: float
    p_floor: float
    placebos: pd.Series
    effective_donors: float
    effective_periods: float
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Say the smallest possible p, the effect with its placebo error, and what it assumes."""
        units = len(self.placebos) + 1
        said = (
            f"{say_floor(self.p_floor, f'{units} units')} The synthetic difference in differences is "
            f"{say_number(self.effect)} (placebo standard error {say_number(self.se)}; 95 % interval "
            f"{say_number(self.low)} to {say_number(self.high)}, t with {units - 2} degrees of freedom); rank "
            f"{self.rank} of {units}, p {self.p:.3f}. It rests on {self.effective_donors:.1f} effective donors and "
            f"{self.effective_periods:.1f} effective periods before, of {len(self.period_weights)}."
        )
        limits = (
            "It assumes that the treated unit is as noisy as the donors, that nothing else changed in it at the start "
            "and that no donor was touched: a difference in recorded numbers is not yet an effect."
        )
        return " ".join([said, *self.notes, limits])

    def to_frame(self) -> pd.DataFrame:
        """Return the weights: columns kind ("unit" or "period"), label, weight."""
        kinds = {"unit": self.unit_weights, "period": self.period_weights}
        frames = [pd.DataFrame({"kind": k, "label": w.index, "weight": w.to_numpy()}) for k, w in kinds.items()]
        return pd.concat(frames, ignore_index=True)


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
        .effect .unit_weights .period_weights .se .low .high .p .p_floor .placebos

    Raises
    ------
    StudyError
        As `synthetic_control`.

    Notes
    -----
    se^2 is the mean squared deviation of the donors' effects from their mean, each donor treated once: what the
    published algorithm samples, without its sampling error. It holds if the treated unit is about as noisy as they are.

    References
    ----------
    Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111:4088-4118, algorithms 1 and 4.

    Examples
    --------
    >>> t = np.arange(20.0)
    >>> panel = pd.DataFrame({"a": t, "b": 2 + t + t % 2, "c": 5 + t + t % 3, "own": 9 + t - 4 * (t >= 15)})
    >>> round(synthetic_did(panel, "own", 15).effect, 1)
    -4.0
    """
    data = read_panel("synthetic_did", panel, treated, start)
    effect, units, periods = _weigh(data, data.target, data.donors)
    others = np.array([_weigh(data, unit, [d for d in data.donors if d != unit])[0] for unit in data.donors])
    found, se = place(abs(effect), np.abs(others)), float(np.std(others))
    # as many squares as donors went into the error, and their mean took one
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, len(others) - 1)) * se
    return SyntheticDiD(
        effect=effect,
        unit_weights=pd.Series(units, index=panel.columns[data.donors], name="weight"),
        period_weights=pd.Series(periods, index=panel.index[data.before], name="weight"),
        se=se,
        low=effect - reach,
        high=effect + reach,
        rank=found.rank,
        p=found.p,
        p_floor=found.floor,
        placebos=pd.Series(others, index=panel.columns[data.donors], name="effect"),
        effective_donors=float(1 / (units**2).sum()),
        effective_periods=float(1 / (periods**2).sum()),
        notes=data.notes,
    )


def _weigh(data: DonorPanel, unit: int, donors: list[int]) -> tuple[float, Array, Array]:
    """Return the effect, the unit weights and the period weights."""
    pool, path, before = data.values[:, donors], data.values[:, unit], data.before
    noise = float(np.std(np.diff(pool[before], axis=0), ddof=1))
    gaps = pool[before] - path[before, None]
    # taking off each column's mean is what a free intercept does
    units = simplex_weights(gaps - gaps.mean(axis=0), int((~before).sum()) ** 0.5 * noise**2 * int(before.sum()))
    lags = pool[before].T - pool[~before].mean(axis=0)[:, None]
    periods = simplex_weights(lags - lags.mean(axis=0), (_PERIOD_RIDGE * noise) ** 2 * len(donors))
    difference = path - pool @ units
    return float(difference[~before].mean() - difference[before] @ periods), units, periods
