"""Did the areas change alike, or do some differ from the rest by more than chance?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.comparing.control_limits import DRAWS, Chance, attained, edge, odds, widened, winsorised_dispersion
from evaluation.conditional import holm
from evaluation.counts import Checks, Unprinted, say_number, say_p

__all__ = ["AreaConsistency", "area_consistency"]

Array = npt.NDArray[np.float64]

_LEAST_AREAS = 3  # of two areas there is no "rest": relative_rate_ratio compares them
_ALPHA = 0.05
_ORDER = ["n_before", "n_after", "events", "ratio", "p", "p_holm", "side", "outside", "outside_dispersed"]
_POINTS = 200  # of a curve


@dataclass(frozen=True, repr=False, eq=False)
class AreaConsistency(Unprinted):
    """How areas that should have changed alike lie around the overall change: a funnel plot in numbers.

    Attributes
    ----------
    overall : float
        Rate after / rate before of all areas together, or the declared target.
    declared : bool
        Whether it was declared.
    statistic, df : float, int
        Pearson chi-square of the areas against the overall change, and its degrees of freedom.
    p, p_floor : float
        Of "all areas changed alike", by simulation given all totals; the smallest p the simulation allows.
    dispersion : float
        Mean squared z score, winsorised at 10 % each end; about 1 or less by chance alone. NaN with fewer than 5 areas.
    table : DataFrame
        A row an area: n_before, n_after, events, ratio, p (exact, twice the smaller tail), p_holm, side (above, below
        or inside), outside (widest limit passed) and outside_dispersed. Missing where there was no event.
    outside : DataFrame
        A row a limit: level, n_outside, expected_by_chance, n_outside_dispersed.
    """

    overall: float
    declared: bool
    statistic: float
    df: int
    p: float
    p_floor: float
    dispersion: float
    table: pd.DataFrame
    outside: pd.DataFrame
    _null: Chance = field(repr=False)
    _exposure: float = field(repr=False)

    @property
    def said(self) -> str:
        """The answer in words, without any number."""
        if self.p <= _ALPHA:
            return "The areas did not change alike: they differ by more than chance."
        return "The areas differ no more than chance would make them: that is not proof that they changed alike."

    def limits(self, events: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Return the control limits as curves.

        Parameters
        ----------
        events : array of whole numbers, optional
            Events before and after together; default: up to 200 numbers from 1 to the largest area's.

        Returns
        -------
        DataFrame
            events, level, low, high, low_dispersed, high_dispersed: ratios, 0 to infinity.

        Notes
        -----
        An area is outside exactly when `table` says so. The lower limit is interpolated between counts as published;
        the upper one is the same limit of the events before, so that both sides hold their size (as published the
        upper side can pass it by one event). Dispersed limits take the tail at z times the root of the dispersion;
        with many events these are the multiplicative limits.
        """
        most = int(np.nanmax(self.table["events"]))
        grid = np.unique(np.geomspace(1, most, _POINTS).astype(int)) if events is None else np.asarray(events)
        n = np.atleast_1d(grid).astype(np.int64)
        parts = []
        for level in self.outside["level"]:
            plain, wide = ((1 - level) / 2, widened((1 - level) / 2, self.dispersion))
            found = {"events": n, "level": level}
            for name, tail in (("", plain), ("_dispersed", wide)):
                low, high = edge(self._null.law(n), n, tail), 1 - edge(self._null.mirrored(n), n, tail)
                found |= {f"low{name}": odds(low, self._exposure), f"high{name}": odds(high, self._exposure)}
            parts.append(pd.DataFrame(found))
        order = ["events", "level", "low", "high", "low_dispersed", "high_dispersed"]
        return pd.concat(parts, ignore_index=True)[order]

    def summary(self) -> str:
        """Say whether the areas differ, how many lie outside the limits, and what that does not show."""
        lines = [
            f"{count} outside the {100 * level:g} % limits, where chance alone would put {say_number(chance)}"
            for level, count, chance in zip(*(self.outside[name] for name in list(self.outside)[:3]), strict=True)
        ]
        spread = "" if math.isnan(self.dispersion) else f" Spread / chance spread: {say_number(self.dispersion)}."
        alone = self.table.index[self.table["p_holm"] <= _ALPHA]
        named = f" After the Holm adjustment: {', '.join(map(str, alone))}." if len(alone) else ""
        whole = "the declared change" if self.declared else "all areas together"
        return (
            f"{self.said} {self.df + (not self.declared)} areas, overall ratio {say_number(self.overall)} ({whole}); "
            f"chi-square {say_number(self.statistic)}, {say_p(self.p)} (not below {self.p_floor:.4f}). "
            f"{'; '.join(lines)}.{named}{spread} It takes events for independent: people met often, and swings of the "
            "months, put areas outside the limits too. It shows no cause, and counts only what was recorded."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table on the index of the input."""
        return self.table.copy()


def area_consistency(
    before: pd.Series,
    after: pd.Series,
    *,
    exposure: tuple[float, float] = (1.0, 1.0),
    limits: tuple[float, ...] = (0.95, 0.998),
    target: float | None = None,
    seed: int = 0,
) -> AreaConsistency:
    """Set each area's change against the overall change, with exact limits.

    Parameters
    ----------
    before, after : Series
        Events of each area, the same labels in both. Missing: not observed, and left out.
    exposure : tuple of float, default (1, 1)
        Length of the two periods, the same for all areas.
    limits : tuple of float, default (0.95, 0.998)
        Control limits, increasing; those of Spiegelhalter (2005).
    target : float, optional
        A ratio declared beforehand to set areas against; default: all areas together.
    seed : int, default 0
        For the p of heterogeneity, 4,999 draws.

    Returns
    -------
    AreaConsistency
        .overall .p .dispersion .table .outside .limits()

    Raises
    ------
    StudyError
        When labels differ, counts are not whole, fewer than 3 areas have an event, or no event lies before or after.

    Notes
    -----
    Given its n events, an area has Binomial(n, s) after when all areas have the share s after; given all totals as
    well, hypergeometric, which is used unless a target is declared. Zero before or after gives a ratio of infinity or
    0 and an exact p. It fails where events come in clusters: then the dispersed limits are the honest ones, and with
    few areas they are rough.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24:1185. Limits around an estimated benchmark: Manktelow, Seaton and
    Evans, Statistical Methods in Medical Research, doi 10.1177/0962280214530281.

    Examples
    --------
    >>> counts = pd.DataFrame({"before": [20, 18, 25, 22], "after": [10, 9, 14, 31]}, index=list("abcd"))
    >>> area_consistency(counts["before"], counts["after"]).to_frame()[["ratio", "p_holm", "side"]].round(3)
       ratio  p_holm    side
    a  0.500   0.975  inside
    b  0.500   0.975  inside
    c  0.560   0.975  inside
    d  1.409   0.030   above
    """
    checks = Checks("area_consistency")
    n0, n1 = _aligned(checks, before, after)
    lengths = checks.numbers("exposure", exposure, 2)
    fine = 1 <= len(limits) <= 3 and all(0.5 < level < 1 for level in limits) and list(limits) == sorted(set(limits))
    checks.require(fine, "limits", "needs 1 to 3 levels between 0.5 and 1, increasing", "Pass (0.95, 0.998)")
    declared = target is not None
    if declared:
        checks.numbers("target", target, 1)
    known = ~np.isnan(n0 + n1) & (n0 + n1 > 0)
    enough = known.sum() >= _LEAST_AREAS
    checks.require(bool(enough), "before, after", f"needs {_LEAST_AREAS} areas with events", "Use relative_rate_ratio")
    both = n0[known].sum() > 0 and n1[known].sum() > 0
    checks.require(bool(both), "before, after", "needs events before and events after", "There is no change to compare")
    checks.done()
    scale, total, late = lengths[1] / lengths[0], int((n0 + n1)[known].sum()), int(n1[known].sum())
    overall = late / (total - late) / scale if target is None else float(target)
    null = Chance(total, late, overall * scale / (1 + overall * scale), declared)
    table = pd.DataFrame({"n_before": n0, "n_after": n1, "events": n0 + n1}, index=before.index)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["ratio"] = n1 / n0 / scale
    return _compared(table, known, null, (overall, scale, limits), np.random.default_rng(seed))


def _aligned(checks: Checks, before: pd.Series, after: pd.Series) -> tuple[Array, Array]:
    """Return both columns on the labels of the first."""
    fits = all(isinstance(given, pd.Series) for given in (before, after))
    if not checks.require(fits, "before, after", "needs a Series each", "Index both by area"):
        checks.done()
    same = before.index.is_unique and after.index.is_unique and set(before.index) == set(after.index)
    if not checks.require(same, "after", "needs the labels of `before`, each once", "Reindex it first"):
        checks.done()
    columns = (
        checks.observed(name, given.reindex(before.index), whole=True)[:, 0]
        for name, given in (("before", before), ("after", after))
    )
    return next(columns), next(columns)


def _compared(
    table: pd.DataFrame,
    known: npt.NDArray[np.bool_],
    null: Chance,
    options: tuple[float, float, tuple[float, ...]],
    rng: np.random.Generator,
) -> AreaConsistency:
    """Set the areas that had events against the null."""
    overall, scale, levels = options
    n, late = (table.loc[known, name].to_numpy().astype(np.int64) for name in ("events", "n_after"))
    law = null.law(n)
    at_most, at_least = law.cdf(late), law.sf(late - 1)
    p = np.minimum(1, 2 * np.minimum(at_most, at_least))
    phi = winsorised_dispersion((late - law.mean()) / law.std())
    spread = n * null.share * (1 - null.share)
    statistic = float(((late - n * null.share) ** 2 / spread).sum())
    drawn = ((null.draw(n, rng) - n * null.share) ** 2 / spread).sum(axis=1)
    rows: dict[str, Any] = {"p": p, "p_holm": holm(p)}
    tail = np.minimum(at_most, at_least)
    side = np.where(tail >= (1 - levels[0]) / 2, "inside", np.where(at_most < at_least, "below", "above"))
    tails = {level: ((1 - level) / 2, widened((1 - level) / 2, phi)) for level in levels}
    for name, which in (("outside", 0), ("outside_dispersed", 1)):
        rows[name] = _widest(tail, {level: pair[which] for level, pair in tails.items()})
    return AreaConsistency(
        overall=overall,
        declared=null.declared,
        statistic=statistic,
        df=len(n) - (not null.declared),
        p=float((1 + (drawn >= statistic - 1e-9).sum()) / (1 + DRAWS)),
        p_floor=1 / (1 + DRAWS),
        dispersion=phi,
        table=table.join(pd.DataFrame({**rows, "side": side}, index=table.index[known]))[_ORDER],
        outside=_counted(tail, tails, [attained(null, n, (1 - level) / 2) for level in levels]),
        _null=null,
        _exposure=scale,
    )


_ORDER = ["n_before", "n_after", "events", "ratio", "p", "p_holm", "side", "outside", "outside_dispersed"]


def _counted(tail: Array, tails: dict[float, tuple[float, float]], chance: list[float]) -> pd.DataFrame:
    """Count the areas beyond each limit, beside the number that chance alone puts there."""
    beyond = {at: [int((tail < pair[at]).sum()) for pair in tails.values()] for at in (0, 1)}
    columns = {"n_outside": beyond[0], "expected_by_chance": chance, "n_outside_dispersed": beyond[1]}
    return pd.DataFrame({"level": tuple(tails), **columns})


def _widest(tail: Array, limits: dict[float, float]) -> Array:
    """Return the widest limit that each area passed, NaN for none."""
    found = np.full(len(tail), np.nan)
    for level, limit in limits.items():
        found[tail < limit] = level
    return found
