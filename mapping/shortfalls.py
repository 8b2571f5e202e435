"""Answer in which areas and slots provision of one kind falls short of need, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from mapping.catchments import read_numbers

__all__ = ["ALWAYS", "NONE_OPEN", "NOT_KNOWN", "codes_of", "gaps_of_kind", "likely_need", "poisson_limits", "tidy_need"]

#: Slot of tables that have none.
ALWAYS = "any time"
NONE_OPEN, NOT_KNOWN = "no service open within reach", "provision not known"
BOUNDS = ("value", "low", "high")
Array = npt.NDArray[np.float64]


def poisson_limits(low: Any, high: Any, level: float) -> tuple[Array, Array]:
    """Return the limits of the number expected, given counts known to lie between `low` and `high`.

    Parameters
    ----------
    low, high : array
        Smallest and largest count that may have been seen; the same where the count is known, NaN where it is not.
    level : float
        Confidence level, between 0 and 1.

    Returns
    -------
    pair of array
        The lower limit of the smallest count and the upper one of the largest: half the chi-squared quantiles with
        2 low and 2 high + 2 degrees of freedom.

    Notes
    -----
    Counts of people are taken as Poisson. Where the same people come back, or come together, the interval is too short;
    people whom no source sees are not in it.

    References
    ----------
    Garwood (1936), Biometrika 28:437.

    Examples
    --------
    >>> [round(float(limit), 2) for limit in poisson_limits(10, 10, 0.95)]
    [4.8, 18.39]
    """
    tail = (1 - level) / 2
    fewest, most = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    lower = np.where(fewest > 0, chi2.ppf(tail, 2 * np.where(fewest > 0, fewest, 1)) / 2, np.minimum(fewest, 0))
    return np.where(np.isnan(fewest), np.nan, lower), chi2.ppf(1 - tail, 2 * most + 2) / 2


def tidy_need(need: pd.Series[Any] | pd.DataFrame) -> pd.DataFrame:
    """Return need as area, slot (None when it is the same in all), people, people_low, people_high."""
    if isinstance(need, pd.DataFrame) and set(BOUNDS) <= set(need.columns):
        given: pd.DataFrame = need.reset_index() if not {"area", "areas"} & set(need.columns) else need
        where = next((name for name in ("area", "areas") if name in given), given.columns[0])
        slot = given.get("slot")
        area, numbers = given[where].tolist(), [*read_numbers(given[[*BOUNDS]]).T]
    else:
        if isinstance(need, pd.Series) and need.index.nlevels == 2:
            need = need.unstack()
        table = need.to_frame() if isinstance(need, pd.Series) else need
        area = [code for code in table.index for _ in table.columns]
        slot = None if isinstance(need, pd.Series) else pd.Series(list(table.columns) * len(table), dtype=object)
        numbers = [read_numbers(table).ravel()] * 3
    tidy = pd.DataFrame(
        {"area": pd.Series(area, dtype=object), "slot": None if slot is None else slot.to_numpy(object)}
    )
    tidy["people"], tidy["people_low"], tidy["people_high"] = numbers
    # A block published as one code is that area.
    tidy["area"] = pd.Series([a[0] if isinstance(a, tuple) and len(a) == 1 else a for a in area], dtype=object)
    return tidy


def gaps_of_kind(
    need: pd.DataFrame, access: pd.DataFrame, kind: str, least: float, level: float | None
) -> pd.DataFrame:
    """Return one row per area and slot, with an empty reason where provision is enough.

    Parameters
    ----------
    need : DataFrame
        As `tidy_need` returns it.
    access : DataFrame
        Places per person by area (rows) and slot (columns).
    kind : str
    least : float
        Places per person below which provision is missing.
    level : float or None
        Of the interval of people; None takes the counts as they are.
    """
    rows = _in_every_slot(need, access)
    values = access.to_numpy(np.float64, na_value=np.nan)
    row_of, column_of = ({name: i for i, name in enumerate(axis)} for axis in (access.index, access.columns))
    members = [
        values[[row_of[code] for code in codes_of(area)], column_of[slot]]
        for area, slot in zip(rows["area"], rows["slot"], strict=True)
    ]
    rows["access"] = [float(m.mean()) for m in members]
    short = np.array([float((m < least).sum()) for m in members])
    partly = (short > 0) & (short < [len(m) for m in members])
    rows["reason"] = [_reason(m, least) for m in members]
    rows["places_short"] = rows["people"] * (least - rows["access"]).clip(lower=0)
    rows.loc[partly, ["people", "places_short"]] = np.nan
    rows.loc[partly & rows["people_high"].notna().to_numpy(), "people_low"] = 0.0
    low, high = rows["people_low"].to_numpy(np.float64), rows["people_high"].to_numpy(np.float64)
    rows["interval_low"], rows["interval_high"] = (low, high) if level is None else poisson_limits(low, high, level)
    fewest, most = (np.array([max(least - float(of(m)), 0.0) for m in members]) for of in (np.max, np.min))
    rows["places_short_low"], rows["places_short_high"] = rows["interval_low"] * fewest, rows["interval_high"] * most
    return rows.assign(kind=kind)


def likely_need(gaps: pd.DataFrame) -> pd.Series[Any]:
    """Return people, or the middle of their bounds where the number is hidden: what gaps are sorted by."""
    return gaps["people"].fillna((gaps["people_low"] + gaps["people_high"]) / 2)


def codes_of(area: Any) -> tuple[Any, ...]:
    """Return the area codes of a row: one, or those of a published block."""
    return area if isinstance(area, tuple) else (area,)


def _in_every_slot(need: pd.DataFrame, access: pd.DataFrame) -> pd.DataFrame:
    """Repeat need that is the same at all times in every slot, and add areas without need: theirs is unknown."""
    seen = {code for area in need["area"] for code in codes_of(area)}
    unseen = pd.DataFrame({"area": pd.Series([code for code in access.index if code not in seen], dtype=object)})
    people = pd.concat([need, unseen.assign(slot=None)], ignore_index=True)
    same = people["slot"].isna()
    by_slot = (people[same].assign(slot=slot) for slot in access.columns)
    return pd.concat([people[~same], *by_slot], ignore_index=True)


def _reason(access: Any, least: float) -> str:
    if np.isnan(access).any():
        return NOT_KNOWN
    short = access < least
    if not short.any():
        return ""
    text = NONE_OPEN if (access[short] == 0).all() else f"below {least * 100:g} places per 100 people"
    return text if short.all() else f"{text} in {int(short.sum())} of {len(access)} areas"
