"""Say what a weighted mix of comparison areas suggests would have happened without the operation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.comparing.donors import DonorPanel, read_panel, simplex_weights
from evaluation.comparing.placebos import place, say_floor
from evaluation.counts import Unprinted, say_number
from evaluation.weighted_differences import SyntheticDiD, synthetic_did

__all__ = ["SyntheticControl", "SyntheticDiD", "synthetic_control", "synthetic_did"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_NO_WEIGHT = 1e-9  # below this a weight is rounding


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
    outside_share : float
        The same as a share of the periods before, 0 to 1.
    exact_fit : bool
        True when the mix follows the treated unit exactly before the start: its path lies in the donors' convex hull.
    leave_one_out : DataFrame
        One row a donor with weight, which is left out: weight, effect, pre_rmspe of the mix of the others.
    notes : tuple of str
        Sentences that belong beside the result.
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
    outside_share: float
    exact_fit: bool
    leave_one_out: pd.DataFrame
    notes: tuple[str, ...]

    def summary(self) -> str:
        """Say the smallest possible p, the gap, its rank, and how far the mix can be trusted."""
        units = len(self.placebos) + 1
        said = (
            f"{say_floor(self.p_floor, f'{units} units')} From the start on, the recorded series lay "
            f"{say_number(self.effect)} from its synthetic comparison on average (gap before "
            f"{say_number(self.pre_rmspe)}, after {say_number(self.post_rmspe)}); rank {self.rank} of {units}, p "
            f"{self.p:.3f}. The mix rests on {self.effective_donors:.1f} effective donors (largest weight "
            f"{self.largest_weight:.2f}); the series {self._hull()} {self._without()}"
        )
        limits = (
            "The p is a chance only if any unit could as well have been the treated one. It assumes that no donor was "
            "touched by the operation or by events moving into it, and that what drove the series before drove it "
            "after: a gap is not yet an effect."
        )
        return " ".join([said, *self.notes, limits])

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the path: one row a period with observed, synthetic, gap, after."""
        return self.path.copy()

    def _hull(self) -> str:
        """Say whether any mix can follow the series."""
        before = int((~self.path["after"]).sum())
        if self.outside_range:
            return (
                f"was beyond every donor in {self.outside_range} of {before} periods before "
                f"({100 * self.outside_share:.0f} %), where no mix can follow it."
            )
        said = "was within the range of the donors in every period before,"
        if not self.exact_fit:
            return f"{said} but no mix follows it exactly."
        more = "; with as many donors as periods that shows little" if len(self.weights) >= before else ""
        return f"{said} and the mix follows it exactly{more}."

    def _without(self) -> str:
        """Say what single donors do to the answer."""
        low, high = self.leave_one_out["effect"].min(), self.leave_one_out["effect"].max()
        turned = " Its sign rests on a single donor." if min(low * self.effect, high * self.effect) < 0 else ""
        return f"Without one of the donors in turn the gap is {say_number(low)} to {say_number(high)}.{turned}"


def synthetic_control(panel: pd.DataFrame, treated: Hashable, start: Any) -> SyntheticControl:
    """Compare a unit with the mix of others that followed it best before the start.

    Weights w >= 0 with sum 1 minimise the squared gap before the start. Each donor is then treated in turn, with the
    treated unit left out of its donors, and the ratios of the gaps after and before are ranked. Each donor with weight
    is also left out in turn, and the effect estimated without it.

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
        .effect .weights .pre_rmspe .post_rmspe .rank .p .p_floor .placebos and checks of the fit: .effective_donors
        .largest_weight .outside_share .exact_fit .leave_one_out .notes.

    Raises
    ------
    StudyError
        When there are fewer than 12 periods before, no period after, fewer than two donors, missing values, an
        unsorted index, a treated unit of zeros, or a donor that is the treated unit; every problem is listed.

    Notes
    -----
    Units of very different size need rates, not counts. Fails outside the range of the donors, when many donors follow
    noise (as monthly counts below ten do), and when donors are affected.

    References
    ----------
    Abadie, Diamond and Hainmueller (2010), Journal of the American Statistical Association 105:493-505; (2015),
    American Journal of Political Science 59:495-510, for leaving out one donor; Abadie (2021), Journal of Economic
    Literature 59:391-425, for what a panel needs.

    Examples
    --------
    >>> t = np.arange(20.0)
    >>> panel = pd.DataFrame({"a": t, "b": 20 - t, "c": t % 3, "mix": 10 - 5 * (t >= 15)})
    >>> s = synthetic_control(panel, "mix", 15)
    >>> round(s.effect, 6), s.rank, s.p_floor, s.exact_fit
    (-5.0, 1, 0.25, True)
    """
    data = read_panel("synthetic_control", panel, treated, start)
    before = data.before
    weight, gap = _fit(data, data.target, data.donors)
    effect, pre, post, ratio = _gaps(gap, before)
    placebos = _placebos(data, panel.columns)
    found = place(ratio, placebos["ratio"].to_numpy())
    observed, pool = data.values[:, data.target], data.values[before][:, data.donors]
    outside = (observed[before] < pool.min(axis=1)) | (observed[before] > pool.max(axis=1))
    return SyntheticControl(
        effect=effect,
        weights=pd.Series(weight, index=panel.columns[data.donors], name="weight"),
        pre_rmspe=pre,
        post_rmspe=post,
        rank=found.rank,
        p=found.p,
        p_floor=found.floor,
        placebos=placebos,
        path=pd.DataFrame(
            {"observed": observed, "synthetic": observed - gap, "gap": gap, "after": ~before}, index=panel.index
        ),
        effective_donors=float(1 / (weight**2).sum()),
        largest_weight=float(weight.max()),
        outside_range=int(outside.sum()),
        outside_share=float(outside.mean()),
        exact_fit=pre == 0,
        leave_one_out=_leave_one_out(data, weight, panel.columns),
        notes=data.notes,
    )


def _fit(data: DonorPanel, unit: int, donors: list[int]) -> tuple[Array, Array]:
    """Return the donors' weights and the gap of every period."""
    pool, path = data.values[:, donors], data.values[:, unit]
    weight = simplex_weights(pool[data.before] - path[data.before, None])
    gap = path - pool @ weight
    gap[np.abs(gap) < 1e-9 * np.abs(path).max()] = 0  # rounding must not rank one perfect fit above another
    return weight, gap


def _gaps(gap: Array, before: Mask) -> tuple[float, float, float, float]:
    """Return effect, RMSPE before and after, and their ratio (infinite after a perfect fit, 0 without any gap)."""
    pre, post = (float(np.sqrt((gap[part] ** 2).mean())) for part in (before, ~before))
    ratio = post / pre if pre > 0 else (np.inf if post > 0 else 0.0)
    return float(gap[~before].mean()), pre, post, ratio


def _placebos(data: DonorPanel, names: pd.Index[Any]) -> pd.DataFrame:
    """Treat every donor in turn; the treated unit is no donor then, or its change would be in the placebos."""
    fits = [_fit(data, unit, [other for other in data.donors if other != unit])[1] for unit in data.donors]
    columns = ["effect", "pre_rmspe", "post_rmspe", "ratio"]
    return pd.DataFrame([_gaps(gap, data.before) for gap in fits], index=names[data.donors], columns=columns)


def _leave_one_out(data: DonorPanel, weight: Array, names: pd.Index[Any]) -> pd.DataFrame:
    """Fit again without each donor that has weight; without any other donor the fit would be the same."""
    used = [(unit, share) for unit, share in zip(data.donors, weight, strict=True) if share > _NO_WEIGHT]
    rows = []
    for unit, share in used:
        effect, pre, *_ = _gaps(
            _fit(data, data.target, [other for other in data.donors if other != unit])[1], data.before
        )
        rows.append((share, effect, pre))
    index = names[[unit for unit, _ in used]]
    return pd.DataFrame(rows, index=index, columns=["weight", "effect", "pre_rmspe"])
