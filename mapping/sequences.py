"""Over several periods, which neighbourhoods were high throughout, which only lately, and which no longer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control, norm

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.clusters import LEVEL, NOT_OBSERVED, PERMUTATIONS, aligned, gi_star, read_counts

__all__ = ["CLASSES", "ChangeClasses", "change_classes"]

CLASSES = ("new", "persistent", "intensifying", "diminishing", "sporadic", "ended", "never high", NOT_OBSERVED)
#: Share of the periods in which a neighbourhood must be high to be called high throughout, as in the usual
#: emerging-hot-spot classes.
THROUGHOUT = 0.9
#: With more, no family-wise p of one period, which cannot be below 1 / (1 + relabellings), is small enough for all.
MOST_PERIODS = round(LEVEL * (1 + PERMUTATIONS))
TOLD = ("course", "trend", "p", "p_adjusted", "class")
HIGH, NOT_HIGH, MISSING = "H", "-", "?"


@dataclass(frozen=True, repr=False)
class ChangeClasses(Exact):
    """Hold the course of each area over several periods; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        Index: area code. One column of counts for each period, then course (one letter a period: H high, - not high, ?
        not observed), trend (standardised, above 0 where counts rose), p, p_adjusted (Benjamini-Hochberg) and class.
    periods : tuple of str
    notes : tuple of str
    """

    table: pd.DataFrame
    periods: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "ChangeClasses(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how many areas took which course, and what that does not show."""
        found = self.table["class"].value_counts()
        told = ", ".join(f"{found[name]} {name}" for name in CLASSES if name in found)
        return "\n".join(
            [
                f"Over {len(self.periods)} periods ({', '.join(self.periods)}): {told}.",
                "A neighbourhood counts as high where its area and the areas around it hold more than chance puts "
                f"together, allowing for every area and period looked at (family-wise p at most {LEVEL:.2f}). With few "
                "events little is high: never high is not never there. Read the counts beside the class.",
                *self.notes,
            ]
        )


def change_classes(
    counts: pd.DataFrame, areas: Any, *, exposure: Sequence[float] | None = None, seed: int = 0
) -> ChangeClasses:
    """Name the course of each area over the periods: new, persistent, intensifying, diminishing, sporadic, ended.

    new: high in the last period only. persistent: high in at least nine tenths of the periods, the last among them;
    intensifying or diminishing where its count has a trend besides. sporadic: high in the last and in some earlier
    ones. ended: high before, not in the last.

    Parameters
    ----------
    counts : DataFrame
        Events or people, area codes by periods in their order; NaN where nothing was observed.
    areas : GeoDataFrame
        Polygons indexed by area code.
    exposure : sequence of float, optional
        Lengths of the periods in any one unit (default: equal).
    seed : int
        Seed of the relabellings of the areas.

    Returns
    -------
    ChangeClasses

    Raises
    ------
    GeographyError
        Codes that `areas` does not have, or repeated codes.
    RecordsError
        Fewer than 3 periods or more than 50, names of periods that are repeated or those of other columns of the table,
        counts below 0, or lengths that do not fit.

    Notes
    -----
    High: Gi* over queen neighbours above 0 with a family-wise p (permutation maximum over the areas) of at most .05
    over the number of periods. Trend: given the total of an area, its count in period t is multinomial with
    probability e_t / sum e; z = (sum t n_t - N m) / sqrt(N v), with m and v the mean and variance of t under those
    probabilities (Armitage 1955), BH over the areas with any event. It takes events to be Poisson: where they come in
    clusters, too many trends are named.

    References
    ----------
    Ord and Getis (1995), Geographical Analysis 27:286; Armitage (1955), Biometrics 11:375.
    """
    lengths = np.ones(counts.shape[1]) if exposure is None else np.asarray(exposure, dtype=np.float64)
    _check(counts, lengths)
    names = tuple(map(str, counts.columns))
    columns = [aligned(read_counts(counts[column], "`counts`"), areas, "`counts`") for column in counts.columns]
    seen = pd.concat(columns, axis=1, keys=names)
    high, notes = _high(seen, areas, seed)
    trend = _trends(seen.to_numpy(), lengths)
    table = seen.assign(
        course=_courses(seen.to_numpy(), high), **trend, **{"class": _classes(seen.to_numpy(), high, trend)}
    )
    return ChangeClasses(table, names, tuple(notes))


def _check(counts: pd.DataFrame, lengths: npt.NDArray[np.float64]) -> None:
    wrong = []
    if counts.shape[1] < 3:
        wrong.append(Problem(None, "`counts`", "at least three periods are needed", "compare two with area_change"))
    if counts.shape[1] > MOST_PERIODS:
        rule = f"at most {MOST_PERIODS} periods can be told apart from chance"
        wrong.append(Problem(None, "`counts`", rule, "add them up to longer ones"))
    names = list(map(str, counts.columns))
    if len(set(names)) < len(names) or set(names) & set(TOLD):
        rule = f"each period needs a name of its own, none of {', '.join(TOLD)}"
        wrong.append(Problem(None, "`counts`", rule, "rename the columns"))
    if lengths.shape != (counts.shape[1],) or not (np.isfinite(lengths) & (lengths > 0)).all():
        wrong.append(Problem(None, "`exposure`", "one length above 0 for each period is needed", "pass them in order"))
    if wrong:
        raise RecordsError("the periods cannot be classed", wrong)


def _high(seen: pd.DataFrame, areas: Any, seed: int) -> tuple[npt.NDArray[np.bool_], list[str]]:
    flags, notes = [], []
    for place, column in enumerate(seen):
        found, said = gi_star(seen[column], areas, seed=seed + place)
        flags.append(((found["gi"] > 0) & (found["p_family"] <= LEVEL / seen.shape[1])).to_numpy())
        notes += [note for note in said if note not in notes]
    return np.stack(flags, axis=1), notes


def _trends(seen: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    chance, when = lengths / lengths.sum(), np.arange(seen.shape[1], dtype=np.float64)
    middle = chance @ when
    spread = chance @ (when - middle) ** 2
    total = seen.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (seen @ when - total * middle) / np.sqrt(total * spread)
    z[~(total > 0)] = np.nan
    p = 2 * norm.sf(np.abs(z))
    adjusted, known = np.full(len(p), np.nan), np.isfinite(p)
    if known.any():
        adjusted[known] = false_discovery_control(p[known])
    return {"trend": z, "p": p, "p_adjusted": adjusted}


def _courses(seen: npt.NDArray[np.float64], high: npt.NDArray[np.bool_]) -> list[str]:
    letters = np.where(np.isnan(seen), MISSING, np.where(high, HIGH, NOT_HIGH))
    return ["".join(row) for row in letters]


def _classes(
    seen: npt.NDArray[np.float64], high: npt.NDArray[np.bool_], trend: dict[str, npt.NDArray[np.float64]]
) -> npt.NDArray[np.str_]:
    last, earlier = high[:, -1], high[:, :-1].any(axis=1)
    throughout = last & (high.mean(axis=1) >= THROUGHOUT)
    firm = trend["p_adjusted"] <= LEVEL
    conditions = {
        NOT_OBSERVED: np.isnan(seen).any(axis=1),
        "intensifying": throughout & firm & (trend["trend"] > 0),
        "diminishing": throughout & firm & (trend["trend"] < 0),
        "persistent": throughout,
        "new": last & ~earlier,
        "sporadic": last,
        "ended": earlier,
    }
    return np.select(list(conditions.values()), list(conditions), "never high")
