"""Answer in which areas counts changed, and whether the pattern over areas stayed the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.special import betaincinv
from scipy.stats import binom, chi2, false_discovery_control

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from mapping.clusters import LEVEL, NOT_OBSERVED, HotSpots, aligned, classes, gi_star, hot_spots, read_counts

__all__ = ["AreaChange", "HotSpots", "PatternSimilarity", "area_change", "hot_spots", "pattern_similarity"]

#: Coverage of the intervals of area_change.
COVERAGE = 0.95


@dataclass(frozen=True, repr=False)
class AreaChange(Exact):
    """Hold the change of every area; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        Index: area code. Columns: n_before, n_after; ratio of the rates with exact 95 % limits low and high; p
        (central, exact) and p_adjusted (Benjamini-Hochberg over the areas with any event); change (standardised
        difference); gi, gi_p, gi_p_adjusted, gi_p_family (Gi* of the change over queen neighbours) and cluster ("rise",
        "fall", "not shown", "not observed").
    exposure : tuple of float
        Lengths of the two periods.
    notes : tuple of str
        What must be kept in mind.
    """

    table: pd.DataFrame
    exposure: tuple[float, float]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "AreaChange(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row per area."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how many areas changed, and what that does not show."""
        table, seen = self.table, self.table["ratio"].notna() | self.table["p"].notna()
        firm = table["p_adjusted"] <= LEVEL
        rose, fell = int((firm & (table["ratio"] > 1)).sum()), int((firm & (table["ratio"] < 1)).sum())
        lines = [
            f"Of {int(seen.sum())} areas observed in both periods, {rose} rose and {fell} fell beyond chance (exact "
            f"test, false discovery rate {LEVEL:.0%}).",
            f"{int((table['cluster'] == 'rise').sum())} areas lie in a neighbourhood that rose together and "
            f"{int((table['cluster'] == 'fall').sum())} in one that fell together.",
            "An area that is not listed may have changed: with few events only large changes can be seen. Change is "
            "not effect: it needs a comparison.",
        ]
        missing = len(table) - int(seen.sum())
        if missing:
            lines.insert(1, f"{missing} areas were not observed in both periods; they are missing, not unchanged.")
        return "\n".join([*lines, *self.notes])


@dataclass(frozen=True, repr=False)
class PatternSimilarity(Exact):
    """Hold how far two patterns over areas agree; exact, for the analyst.

    Parameters
    ----------
    s : float
        Share of the areas observed in both periods whose share of all events did not differ significantly, 0 to 1.
    s_robust : float
        The same over the areas with any event.
    table : DataFrame
        One row per area: n_before, n_after, share_before, share_after, p, p_adjusted, differs ("up", "down", "no",
        "not observed").
    adjust : str
        How p was adjusted.
    notes : tuple of str
        What must be kept in mind.
    """

    s: float
    s_robust: float
    table: pd.DataFrame
    adjust: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "PatternSimilarity(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row per area."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how similar the patterns are, and what that does not show."""
        return "\n".join(
            [
                f"In {self.s:.0%} of the areas ({self.s_robust:.0%} of those with any event) the share of all events "
                f"did not differ between the two periods (adjustment: {self.adjust}).",
                "With few events nearly every area counts as similar: a high value is not evidence that nothing moved. "
                "It compares shares, so a rise or fall everywhere alike does not show.",
                *self.notes,
            ]
        )


def area_change(
    before: pd.Series[Any], after: pd.Series[Any], areas: Any, *, exposure: tuple[float, float] = (1, 1)
) -> AreaChange:
    """Compare the rate of each area between two periods, and look for clusters of change.

    Given the total N of an area, its after count is binomial with p0 = e1 / (e0 + e1) when the rate is unchanged.
    Limits of p by Clopper and Pearson give those of the ratio p / (1 - p) x e0 / e1; central p = min(1, 2 x the
    smaller tail). The change is standardised, (n1 - r n0) / sqrt(n1 + r^2 n0) with r = e1 / e0, and Gi* of it,
    two-sided with false discovery rate 5 %, names the clusters.

    Parameters
    ----------
    before, after : Series
        Events per area code, whole numbers; NaN or no row where nothing was observed.
    areas : GeoDataFrame
        Polygons indexed by area code.
    exposure : pair of float
        Lengths of the two periods, in any one unit.

    Returns
    -------
    AreaChange
        A table indexed like `areas`, ``summary()`` and ``to_frame()``.

    Raises
    ------
    GeographyError
        Codes that `areas` does not have, or repeated codes.
    RecordsError
        Counts that are not whole numbers from 0 up, or an exposure not above 0.

    Notes
    -----
    Assumes Poisson counts. Where events come in clusters, p is too small and the intervals too narrow. An area
    without any event has no ratio, limits 0 to infinity and p = 1, and does not weaken the adjustment of others.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26:404; Benjamini and Hochberg (1995), JRSS B 57:289; Ord and Getis (1995),
    Geographical Analysis 27:286.
    """
    if len(exposure) != 2 or not min(exposure) > 0:
        problem = Problem(None, "exposure", "two lengths above 0 are needed", "pass (length before, length after)")
        raise RecordsError("rates cannot be compared", [problem])
    n0, n1 = (aligned(_whole(counts, name), areas, name) for counts, name in ((before, "`before`"), (after, "`after`")))
    table = pd.DataFrame({"n_before": n0, "n_after": n1})
    table[["ratio", "low", "high", "p"]] = _exact_ratio(n0.to_numpy(), n1.to_numpy(), exposure)
    table["p_adjusted"] = _adjusted(table["p"], (n0 + n1) > 0, "bh").where(table["p"].isna() | (n0 + n1 > 0), 1.0)
    r = exposure[1] / exposure[0]
    spread = (n1 + r**2 * n0) ** 0.5
    table["change"] = ((n1 - r * n0) / spread.where(spread > 0)).mask(spread == 0, 0.0)
    local, notes = gi_star(table["change"], areas)
    table = table.join(local.rename(columns={name: "gi" if name == "gi" else f"gi_{name}" for name in local}))
    table["cluster"] = classes(table["change"], local["gi"], local["p_adjusted"] <= LEVEL, ("rise", "fall"))
    return AreaChange(table, (float(exposure[0]), float(exposure[1])), tuple(notes))


def pattern_similarity(before: Any, after: Any, *, adjust: Literal["by", "bh", "none"] = "by") -> PatternSimilarity:
    """Compare how two sets of events are shared out over the same areas.

    For each area the share of all events before is compared with that after by the chi-square test of the 2 x 2
    table with the N - 1 correction, (N - 1)(ad - bc)^2 / (product of the margins), p adjusted over the areas with
    any event. S is the share of areas without a significant difference.

    Parameters
    ----------
    before, after : Series or array-like
        Events per area, in the same areas; NaN where nothing was observed. Series are matched by their index.
    adjust : {"by", "bh", "none"}
        Benjamini-Yekutieli (holds under any dependence), Benjamini-Hochberg, or none.

    Returns
    -------
    PatternSimilarity
        ``.s``, ``.s_robust`` and ``.table``.

    Raises
    ------
    GeographyError
        Areas that are not the same in both.
    RecordsError
        Counts below 0, no event in one period, or an unknown adjustment.

    Notes
    -----
    Andresen's original resampling test is not offered: on two samples of one distribution it finds S = 0.43.

    References
    ----------
    Andresen (2009), Applied Geography 29:333; Wheeler, Steenbeek and Andresen (2018), Transactions in GIS 22:872.

    Examples
    --------
    >>> round(pattern_similarity([20, 30, 50], [22, 28, 50]).s, 2)
    1.0
    """
    if adjust not in ("by", "bh", "none"):
        problem = Problem(None, "adjust", '"by", "bh" or "none" is needed', "leave it out for the default")
        raise RecordsError("patterns cannot be compared", [problem])
    n0, n1 = read_counts(before, "`before`"), read_counts(after, "`after`")
    if len(n0) != len(n1) or not n0.index.is_unique or not n1.index.isin(n0.index).all():
        raise GeographyError("`before` and `after` are not counts of the same areas; reindex both to one list of codes")
    n1 = n1.reindex(n0.index)
    both = n0.notna() & n1.notna()
    totals = n0[both].sum(), n1[both].sum()
    if not min(totals) > 0:
        problem = Problem(None, "`before` and `after`", "at least one event each is needed", "widen the periods")
        raise RecordsError("patterns cannot be compared", [problem])
    events = both & (n0 + n1 > 0)
    table = pd.DataFrame({"n_before": n0, "n_after": n1, "share_before": n0 / totals[0], "share_after": n1 / totals[1]})
    table["p"] = _proportion_p(n0, n1, totals).where(events)
    table["p_adjusted"] = _adjusted(table["p"], events, adjust)
    differs = table["p_adjusted"] <= LEVEL
    up = table["share_after"] > table["share_before"]
    table["differs"] = np.select([~both, differs & up, differs], [NOT_OBSERVED, "up", "down"], "no")
    missing = int((~both).sum())
    notes = (f"{missing} areas were not observed in both periods and were left out.",) if missing else ()
    return PatternSimilarity(
        s=float(1 - differs[both].mean()),
        s_robust=float(1 - differs[events].mean()),
        table=table,
        adjust=adjust,
        notes=notes,
    )


def _whole(counts: pd.Series[Any], name: str) -> pd.Series[Any]:
    values = read_counts(counts, name)
    parts = np.flatnonzero(values.notna() & (values % 1 != 0))
    if len(parts):
        help_ = "pass counts; weighted events belong in displacement_surface"
        raise RecordsError(
            "rates cannot be compared exactly",
            [Problem(int(row) + 1, name, "a whole number is needed", help_) for row in parts],
        )
    return values


def _exact_ratio(n0: Any, n1: Any, exposure: tuple[float, float]) -> Any:
    """Return ratio, low, high and central p, one row per area; NaN where either count is missing."""
    tail, scale, chance = (1 - COVERAGE) / 2, exposure[0] / exposure[1], exposure[1] / (exposure[0] + exposure[1])
    total = n0 + n1
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(n1 > 0, betaincinv(np.maximum(n1, 1), n0 + 1, tail), 0.0)
        high = np.where(n0 > 0, betaincinv(n1 + 1, np.maximum(n0, 1), 1 - tail), 1.0)
        limits = [np.where(share < 1, share / (1 - share), np.inf) * scale for share in (low, high)]
        ratio = n1 / n0 * scale
    p = np.minimum(1, 2 * np.minimum(binom.cdf(n1, total, chance), binom.sf(n1 - 1, total, chance)))
    return np.where(np.isnan(total)[:, None], np.nan, np.column_stack([ratio, *limits, p]))


def _proportion_p(n0: pd.Series[Any], n1: pd.Series[Any], totals: tuple[float, float]) -> pd.Series[Any]:
    everything, events = sum(totals), n0 + n1
    margins = events * (everything - events) * totals[0] * totals[1]
    cross = n0 * (totals[1] - n1) - n1 * (totals[0] - n0)
    statistic = ((everything - 1) * cross**2 / margins.where(margins > 0)).fillna(0.0)
    return pd.Series(chi2.sf(statistic, 1), index=n0.index)


def _adjusted(p: pd.Series[Any], over: pd.Series[Any], adjust: str) -> pd.Series[Any]:
    if adjust == "none":
        return p.copy()
    adjusted = pd.Series(np.nan, index=p.index)
    if over.any():
        method: Literal["by", "bh"] = "by" if adjust == "by" else "bh"
        adjusted[over] = false_discovery_control(p[over], method=method)
    return adjusted
