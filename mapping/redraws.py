"""Answer how sure a gap is, when need is a count that chance moved and access moves with need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaincinv

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from mapping.catchments import check_amounts, check_basis, reach_weights, read_numbers, two_steps

__all__ = ["RedrawnGaps", "Redraws", "redraw_gaps"]

Array = npt.NDArray[np.float64]
COLUMNS = ["area", "slot", "people", "people_low", "people_high", "access_low", "access_high",
           "places_short", "places_short_low", "places_short_high", "chance"]  # fmt: skip
#: Shape that is added to a count: Jeffreys' prior for a Poisson mean.
PRIOR = 0.5
ENDS = ("_low", "", "_high")


@dataclass(frozen=True)
class Redraws:
    """Say how often need is redrawn, and what interval is read off.

    Parameters
    ----------
    draws : int
        How many times, from 100 up.
    level : float
        Confidence level of the intervals.
    seed : int
    """

    draws: int = 999
    level: float = 0.95
    seed: int = 0


@dataclass(frozen=True, repr=False)
class RedrawnGaps(Exact):
    """Hold how sure each gap is, over redraws of need.

    Parameters
    ----------
    table : DataFrame
        One row per area and slot with a gap in some draw, likeliest first: area, slot, people (expected: the
        median draw) with people_low and people_high, access_low and access_high, places_short with its interval, and
        chance: the share of draws in which provision fell short.
    least : float
        Places per person below which provision is missing.
    options : Redraws
    unknown_need : int
        Areas and slots whose need nobody knows: they are not in the table.
    """

    table: pd.DataFrame
    least: float
    options: Redraws
    unknown_need: int

    def __repr__(self) -> str:
        return "RedrawnGaps(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the gaps, likeliest first."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how many gaps are sure, and what the redraws do not show."""
        sure = int((self.table["chance"] >= self.options.level).sum())
        return (
            f"{len(self.table)} areas and slots fell short in some of {self.options.draws} redraws of need; {sure} of "
            f"them in {100 * self.options.level:g} % or more. In {self.unknown_need} areas and slots need is unknown, "
            "and was left out. Redraws move a count by chance alone: they do not bring in people whom no source sees."
        )


def redraw_gaps(
    need: pd.Series[Any] | pd.DataFrame,
    supply: pd.DataFrame,
    cost: pd.DataFrame,
    *,
    reach: float,
    least: float,
    options: Redraws | None = None,
) -> RedrawnGaps:
    """Redraw need, work access out anew each time, and see how often and by how much provision falls short.

    More people in need than were counted means more people short, and fewer places for each: `service_gap` holds
    access still, this does not. In each draw the number expected in an area is drawn from a gamma distribution with
    shape count + 1/2, and places short are max(0, least x people - places that reach them).

    Parameters
    ----------
    need : Series or DataFrame
        Counts of people in need by area, or by area (rows) and slot (columns, those of `supply`), or published values
        indexed by area: columns value, low and high; a count is then drawn evenly between low and high first. NaN
        where unknown.
    supply : DataFrame
        Places per service (rows) and slot (columns).
    cost, reach
        As in `service_access`.
    least : float
        Places per person below which provision is missing.
    options : Redraws, optional

    Returns
    -------
    RedrawnGaps

    Raises
    ------
    GeographyError, RecordsError
        As in `slot_access`; also fewer than 100 draws, a level outside 0 to 1, a `least` not above 0,
        bounds in the wrong order.

    Notes
    -----
    Areas are drawn independently of each other; need that is the same in all slots is drawn once for all of them.
    Where the same people come in groups, or to several areas, the intervals are too short. The people of a gap are
    drawn and read off with the quantiles of Jeffreys' interval, a little shorter than Garwood's.

    References
    ----------
    Jeffreys (1946), Proceedings of the Royal Society A 186:453; Efron and Tibshirani (1993), An Introduction to the
    Bootstrap, chapter 6.

    Examples
    --------
    >>> import pandas as pd
    >>> places = pd.DataFrame({"night": [1]}, index=["van"])
    >>> minutes = pd.DataFrame({"van": [5, 90]}, index=["A", "B"])
    >>> gaps = redraw_gaps(pd.Series({"A": 10, "B": 10}), places, minutes, reach=30, least=0.05)
    >>> gaps.table[["area", "slot"]].values.tolist(), bool(gaps.table["chance"].iloc[0] == 1)
    ([['B', 'night'], ['A', 'night']], True)
    """
    chosen = options or Redraws()
    low, high = _bounds(need, supply)
    _check(low, high, chosen, least)
    check_basis(need, provision_only=False, people="`need`")
    weight = reach_weights(cost, low.index, supply.index, reach, None)
    check_amounts(low, supply, people="`need`")
    rng = np.random.default_rng(chosen.seed)
    luck = rng.random((2, len(low), chosen.draws))  # one draw for all slots: they are the same people
    tables = []
    for slot in supply.columns:
        people = _drawn(low[slot], high[slot], luck)
        places = np.repeat(read_numbers(supply[slot]), chosen.draws, axis=1)
        found = two_steps(people, places, weight)[0]
        table = _read_off(people, found, least, chosen.level).assign(slot=slot, area=low.index)
        tables.append(table[high[slot].gt(0).to_numpy(bool, na_value=False) & table["chance"].gt(0).to_numpy()])
    rows = pd.concat(tables, ignore_index=True)
    rows = rows.sort_values(["chance", "people"], ascending=False, kind="stable").reset_index(drop=True)
    return RedrawnGaps(rows[COLUMNS], float(least), chosen, int(low.isna().to_numpy().sum()))


def _bounds(need: pd.Series[Any] | pd.DataFrame, supply: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the fewest and the most people that may have been counted, by area and slot."""
    if isinstance(need, pd.DataFrame) and {"low", "high"} <= set(need.columns):
        low, high = (pd.DataFrame(dict.fromkeys(supply.columns, need[name])) for name in ("low", "high"))
        return low, high
    table = need if isinstance(need, pd.DataFrame) else pd.DataFrame(dict.fromkeys(supply.columns, need))
    if set(table.columns) != set(supply.columns):
        problem = Problem(None, "`need`", "the slots of `supply` are needed", "give both the same columns")
        raise RecordsError("gaps cannot be redrawn", [problem])
    return table[[*supply.columns]], table[[*supply.columns]]


def _check(low: pd.DataFrame, high: pd.DataFrame, options: Redraws, least: float) -> None:
    fewest, most = read_numbers(low), read_numbers(high)
    with np.errstate(invalid="ignore"):
        crossed = ((fewest > most) | (np.isnan(fewest) != np.isnan(most)) | np.isinf(most)).any(axis=1)
    checks = (
        ("`draws`", options.draws >= 100, "100 or more are needed", "pass Redraws(draws=999)"),
        ("`level`", 0 < options.level < 1, "a number between 0 and 1 is needed", "pass 0.95"),
        ("`least`", 0 < least < np.inf, "a number above 0 is needed", "pass places per person in need"),
    )
    problems = [Problem(None, name, rule, help_) for name, fine, rule, help_ in checks if not fine]
    problems += [
        Problem(int(row) + 1, "`need`", "low <= high is needed, both or neither", "correct the bounds")
        for row in np.flatnonzero(crossed)
    ]
    if problems:
        raise RecordsError("gaps cannot be redrawn", problems)


def _drawn(low: pd.Series[Any], high: pd.Series[Any], luck: Array) -> Array:
    """Return the number expected in each area (rows) in each draw (columns); NaN where need is unknown."""
    fewest, most = read_numbers(low), read_numbers(high)
    count = np.minimum(fewest + np.floor(luck[0] * (most - fewest + 1)), most)
    return np.asarray(gammaincinv(count + PRIOR, luck[1]), dtype=np.float64)


def _read_off(people: Array, found: Array, least: float, level: float) -> pd.DataFrame:
    """Return medians and limits over the draws, one row an area."""
    tail = (1 - level) / 2
    short = np.maximum(people * (least - found), 0)
    read = {
        name: np.quantile(values, [tail, 0.5, 1 - tail], axis=1)
        for name, values in (("people", people), ("access", found), ("places_short", short))
    }
    columns = {f"{name}{end}": part for name, three in read.items() for end, part in zip(ENDS, three, strict=True)}
    return pd.DataFrame(columns).assign(chance=(found < least).mean(axis=1))
