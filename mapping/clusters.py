"""Answer which areas lie among neighbours that are high, or low, together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from esda.getisord import G_Local
from libpysal.graph import Graph
from scipy.stats import false_discovery_control, norm

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact

__all__ = [
    "LEVEL",
    "NOT_OBSERVED",
    "NOT_SHOWN",
    "HotSpots",
    "aligned",
    "classes",
    "gi_star",
    "hot_spots",
    "read_counts",
]

LEVEL = 0.05
NOT_SHOWN, NOT_OBSERVED = "not shown", "not observed"
#: Relabellings of the areas behind the family-wise p; its floor is 1/1000.
PERMUTATIONS = 999
#: Fewer areas than this have too few relabellings and too few neighbours for Gi* to mean anything.
FEWEST_AREAS = 8


@dataclass(frozen=True, repr=False)
class HotSpots(Exact):
    """Hold the areas whose neighbourhood counts are high or low together; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        Index: area code. Columns: n, gi (Getis and Ord's Gi*, a z-score), p (two-sided, normal), p_adjusted
        (Benjamini-Hochberg), p_family (two-sided, permutation maximum), cluster ("high", "low", "not shown", "not
        observed").
    notes : tuple of str
        Areas without neighbours, and what else must be kept in mind.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "HotSpots(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table, one row per area."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how many areas stand out and what that does not show."""
        found = self.table["cluster"].value_counts()
        missing = int(found.get(NOT_OBSERVED, 0))
        lines = [
            f"{found.get('high', 0)} of {len(self.table) - missing} observed areas lie in a neighbourhood with more "
            f"records, and {found.get('low', 0)} in one with fewer, than a random arrangement of the same counts would "
            f"give (family-wise p at most {LEVEL:.2f})."
        ]
        if missing:
            lines.append(f"{missing} areas were not observed; they are missing, not empty.")
        lines.append(
            "Counts follow where people, services and recording are; a hot spot is not a rate and not a risk to anyone."
        )
        return "\n".join([*lines, *self.notes])


def hot_spots(counts: pd.Series[Any], areas: Any, *, seed: int = 0) -> HotSpots:
    """Find neighbourhoods of areas with high or low counts.

    Gi* (Ord and Getis 1995) compares the sum over an area and its queen neighbours with what a random arrangement
    of the same counts would give. Counts are skewed, so the class rests on the family-wise p (permutation maximum
    of abs(Gi*)), which holds whatever their distribution; the normal p is beside it.

    Parameters
    ----------
    counts : Series
        Events or people per area code; NaN where nothing was observed.
    areas : GeoDataFrame
        Polygons indexed by area code.
    seed : int
        Seed of the relabellings.

    Returns
    -------
    HotSpots
        A table with one row per area of `areas`, ``summary()`` and ``to_frame()``.

    Raises
    ------
    GeographyError
        Codes that `areas` does not have, or repeated codes.
    RecordsError
        Counts below 0, or fewer than 8 observed areas.

    References
    ----------
    Ord and Getis (1995), Geographical Analysis 27:286.
    """
    n = aligned(read_counts(counts, "`counts`"), areas, "`counts`")
    found, notes = gi_star(n, areas, seed=seed)
    found["cluster"] = classes(n, found["gi"], found["p_family"] <= LEVEL, ("high", "low"))
    return HotSpots(pd.concat([n.rename("n"), found], axis=1), tuple(notes))


def gi_star(values: pd.Series[Any], areas: Any, *, seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """Return Gi* of `values` over queen neighbours, with its three p-values, and notes.

    Areas whose value is NaN are no one's neighbour and get NaN. esda divides by the sum of the values and so turns
    the sign of Gi* when that is negative; Gi* does not change when a constant is added, so the values are moved
    above 0 first.

    Parameters
    ----------
    values : Series
        One number per area, aligned with `areas`.
    areas : GeoDataFrame
        Polygons indexed by area code.
    seed : int
        Seed of the relabellings.

    Returns
    -------
    tuple of DataFrame and list of str
        Columns gi, p, p_adjusted and p_family, and the notes.
    """
    found = pd.DataFrame(np.nan, index=areas.index, columns=["gi", "p", "p_adjusted", "p_family"])
    seen = values.notna().to_numpy()
    if int(seen.sum()) < FEWEST_AREAS:
        return found, [f"Clusters were not looked for: at least {FEWEST_AREAS} observed areas are needed."]
    y = values.to_numpy(dtype=np.float64)[seen]
    if np.ptp(y) == 0:
        return found, ["Clusters were not looked for: all areas have the same value."]
    graph = Graph.build_contiguity(areas.geometry[seen], rook=False)
    notes = []
    alone = len(graph.isolates)
    if alone:
        notes.append(f"{alone} observed areas touch no other observed area and were compared by themselves.")
    y = y - y.min() + np.ptp(y)
    local = G_Local(y, graph.assign_self_weight(1), transform="B", permutations=0, star=None)
    gi = np.nan_to_num(np.asarray(local.Zs), posinf=0, neginf=0)  # an area that touches all others has no contrast
    p = 2 * norm.sf(np.abs(gi))
    maxima = _permutation_maxima(y, local, np.random.default_rng(seed))
    family = (1 + PERMUTATIONS - np.searchsorted(maxima, np.abs(gi) * (1 - 1e-9))) / (1 + PERMUTATIONS)
    found.loc[seen] = np.column_stack([gi, p, false_discovery_control(p), family])
    return found, notes


def read_counts(counts: Any, name: str) -> pd.Series[Any]:
    """Return counts as floats on their index; refuse anything that is not a number from 0 up or missing."""
    series = counts if isinstance(counts, pd.Series) else pd.Series(counts)
    values = pd.to_numeric(series, errors="coerce").astype(np.float64)
    bad = np.flatnonzero((values < 0) | np.isinf(values) | (values.isna() & series.notna()))
    if len(bad):
        help_ = "correct the count, or leave it missing where nothing was observed"
        raise RecordsError(
            "counts cannot be used", [Problem(int(row) + 1, name, "a number from 0 up is needed", help_) for row in bad]
        )
    return values


def aligned(values: pd.Series[Any], areas: Any, name: str) -> pd.Series[Any]:
    """Return the values in the order of `areas`; areas that were not observed are NaN."""
    wrong = []
    if not areas.index.is_unique:
        wrong.append("`areas` repeats codes; one polygon a code is needed, call .dissolve()")
    if not values.index.is_unique:
        wrong.append(f"{name} repeats codes; one number an area is needed, add them up first")
    strangers = int((~values.index.isin(areas.index)).sum())
    if strangers:
        wrong.append(f"{name} has {strangers} codes that `areas` does not have; use areas of the same year and kind")
    if wrong:
        raise GeographyError("\n".join(wrong))
    return values.reindex(areas.index)


def classes(
    observed: pd.Series[Any], score: pd.Series[Any], firm: pd.Series[Any], names: Sequence[str]
) -> pd.Series[Any]:
    """Name the class of each area: the first name above, the second below, "not shown" or "not observed"."""
    kind = np.select([observed.isna(), firm & (score > 0), firm & (score < 0)], [NOT_OBSERVED, *names], NOT_SHOWN)
    return pd.Series(kind, index=observed.index, name="cluster")


def _permutation_maxima(y: Any, local: G_Local, rng: np.random.Generator) -> Any:
    """Return the sorted largest abs(Gi*) over the map under random arrangements of the values."""
    links = local.w.sparse
    shuffled = rng.permuted(np.tile(y, (PERMUTATIONS, 1)), axis=1)
    sums = (links @ shuffled.T) / y.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (sums - local.EGs[:, None]) / np.sqrt(local.VGs)[:, None]
    return np.sort(np.abs(np.nan_to_num(z, posinf=0, neginf=0)).max(axis=0))
