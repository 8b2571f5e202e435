"""Answer where one more session or site would reach most of the people whom none reaches now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from commonground.errors import CommonGroundError
from commonground.pickles import Exact
from mapping.covering import Answer, best_sites, served_by
from mapping.programs import CLOSE, Cover
from mapping.siting_input import SitingOptions, read_need, read_problem
from mapping.verifying import check_answer, needed, swaps

__all__ = ["SitePlan", "SitingOptions", "site_services"]


@dataclass(frozen=True, repr=False, eq=False)
class SitePlan(Exact):
    """Hold where further sites would reach most people, and how sure that is.

    Parameters
    ----------
    sites : tuple
        Recommended sites, the one that adds most first. Shorter than asked for when more would add nothing.
    covered, before, total : float
        People reached by the plan together with the sites that exist, by those alone, and in need as far as known.
    share : float
        covered / total, 0 to 1; NaN when nobody is known to be in need.
    added : Series
        People that each site adds to those before it, in the order of `sites`; they add up to covered - before.
    lost : Series
        People no longer reached if that site alone were left out.
    served : Series
        Share of each area's people who are reached, 0 to 1: whoever nobody counted can be reached too.
    ties : DataFrame
        Columns site and instead: a site of the plan, and another that would reach as many in its place.
    unneeded : int
        How many of the sites asked for would add nothing.
    verified : bool
        Whether the numbers were the same when worked out again without the solver.
    gap : float
        How far the plan may fall short of the best one, as a share of it; 0 when it is the best.
    robust : DataFrame or None
        With bounds of need: index low, value, high, and against (every area at the bound least good for this plan;
        without limits of room or an order of aims): sites (best ones there), covered (by this plan), best, lacking.
    unknown : tuple
        Areas whose need nobody knows; left out of the sums.
    notes : tuple of str
        What must be kept in mind.
    """

    sites: tuple[Any, ...]
    covered: float
    before: float
    total: float
    share: float
    added: pd.Series[Any]
    lost: pd.Series[Any]
    served: pd.Series[Any]
    ties: pd.DataFrame
    unneeded: int
    verified: bool
    gap: float
    robust: pd.DataFrame | None
    unknown: tuple[Any, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "SitePlan(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per recommended site: site, added, lost, instead (others that would reach as many)."""
        instead = [tuple(self.ties.loc[[s == site for s in self.ties["site"]], "instead"]) for site in self.sites]
        columns = {"site": self.sites, "added": self.added.to_list(), "lost": self.lost.to_list(), "instead": instead}
        return pd.DataFrame({name: pd.Series(list(values), dtype=object) for name, values in columns.items()}).astype(
            {"added": float, "lost": float}
        )

    def summary(self) -> str:
        """Say which sites, whom they would reach, how sure that is, and what it does not show."""
        lines = [f"{self.before:,.0f} of {self.total:,.0f} people known to be in need are reached now."]
        for site, more in zip(self.sites, self.added, strict=True):
            others = sum(s == site for s in self.ties["site"])
            tied = f" ({others} other places would reach as many instead)" if others else ""
            lines.append(f"{_named(site)}: reaches {more:,.0f} more{tied}.")
        if self.sites:
            lines.append(f"Together with what exists they reach {self.covered:,.0f} ({self.share:.0%}).")
        if self.unneeded:
            lines.append(f"{self.unneeded} of the sites asked for would add nothing and are not recommended.")
        best = (
            "no other choice reaches more"
            if self.gap == 0
            else f"a better one may exist, and this one falls short of it by {self.gap:.1%} at most"
        )
        again = "worked out again without the solver, with the same result" if self.verified else "NOT confirmed"
        lines.append(f"The numbers were {again}; {best}.")
        if self.robust is not None:
            lines.append(_said_of_bounds(self.robust))
        if self.unknown:
            out = sum(share == 0 for share in self.served[[area in set(self.unknown) for area in self.served.index]])
            lines.append(
                f"In {len(self.unknown)} areas need is unknown; {out} of them stay out of reach. Unknown is not none."
            )
        lines.append(
            "Reach is a matter of cost alone: whether people would come, and feel safe coming, is for them to say. "
            "Need is what sources recorded. An area is suggested, not an address."
        )
        return "\n".join([*lines, *self.notes])


def site_services(
    demand: pd.Series[Any] | pd.DataFrame,
    cost: pd.DataFrame,
    *,
    sites: int,
    reach: float,
    fixed: Sequence[Any] = (),
    options: SitingOptions | None = None,
) -> SitePlan:
    """Choose where further sites would bring most people in need within reach of one.

    Parameters
    ----------
    demand : Series or DataFrame
        People in need, by area or published block (a tuple of codes); NaN where unknown. As published values: columns
        value, low and high, with the areas as index or as a column area or areas. A missing value with bounds counts
        as the middle of them.
    cost : DataFrame
        One row per area, one column per site: cost from the person to the site, NaN where there is no way. Sites are
        areas or blocks of `demand`, `fixed`, or existing services named in the options: never an address or point.
    sites : int
        Sites that may be added, from 1 up.
    reach : float
        Largest cost, inclusive, that counts as within reach, in the units of the cost.
    fixed : sequence
        Sites that exist, and stay.
    options : SitingOptions, optional
        Capacities, who comes first, existing services, time.

    Returns
    -------
    SitePlan

    Raises
    ------
    GeographyError
        A cost matrix that is transposed or of other areas, or candidates that are points or addresses.
    RecordsError
        Negative need, cost or capacity, bounds that do not hold the value, or options that cannot be used.
    CommonGroundError
        The time ran out before any plan was found.

    Notes
    -----
    Maximal covering: maximise sum d_i x_i, x_i <= number of open sites within reach of i, at most `sites` added;
    solved exactly by HiGHS and worked out again without it. With capacities people, not areas, are assigned, and a
    site serves no more than it has room for. It fails where cost is not what keeps people away.

    References
    ----------
    Church and ReVelle (1974), Papers of the Regional Science Association 32:101. Capacities: Current and Storbeck
    (1988), Environment and Planning B 15:153.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.Series({"A": 40, "B": 30, "C": 25})
    >>> minutes = pd.DataFrame([[0, 10, 60], [10, 0, 20], [60, 20, 0]], index=[*"ABC"], columns=[*"ABC"])
    >>> plan = site_services(people, minutes, sites=1, reach=20)
    >>> plan.sites, plan.covered
    (('B',), 95.0)
    """
    options = options or SitingOptions()
    need = read_need(demand)
    likely = need["value"].fillna((need["low"] + need["high"]) / 2)
    problem, notes = read_problem(need, likely, cost, sites=sites, reach=reach, fixed=fixed, options=options)
    names = _in_matrix(cost)
    answer = _solved(problem, options.seconds)
    check = check_answer(problem, answer)
    chosen = needed(problem, answer.chosen)
    reached = served_by(problem, chosen)
    ties, better = swaps(problem, chosen)
    before, added, lost = _gains(problem, chosen, names)
    notes += [f"The plan could not be confirmed: {text}." for text in check.wrong]
    notes += [] if answer.finished else [_unfinished(options.seconds, better=bool(better))]
    total = float(problem.people.sum())
    return SitePlan(
        sites=tuple(names[site] for site in chosen),
        covered=reached.aims[-1],
        before=before,
        total=total,
        share=reached.aims[-1] / total if total else float("nan"),
        added=added,
        lost=lost,
        served=_shares(problem, reached, need.index),
        ties=pd.DataFrame([(names[a], names[b]) for a, b in ties], columns=["site", "instead"], dtype=object),
        unneeded=sites - chosen.size,
        verified=check.holds and not (better and answer.finished),
        gap=check.gap,
        robust=_robust(need, likely, problem, chosen, names, options) if (need["low"] < need["high"]).any() else None,
        unknown=tuple(need.index[likely.isna()]),
        notes=tuple(notes),
    )


def _unfinished(seconds: float, *, better: bool) -> str:
    known = "and a better plan does exist" if better else "before it was known whether a better plan exists"
    return f"The time ({seconds:g} s) ran out {known}."


def _solved(problem: Cover, seconds: float) -> Answer:
    answer = best_sites(problem, seconds=seconds)
    if answer is None:
        raise CommonGroundError(
            f"no plan was found within {seconds:g} s; give SitingOptions(seconds=...) more time, ask for fewer sites, "
            "or offer fewer candidates"
        )
    return answer


def _gains(problem: Cover, chosen: Any, names: list[Any]) -> tuple[float, pd.Series[Any], pd.Series[Any]]:
    """Return whom existing sites reach, whom each site adds to those before it, and who is lost without it alone."""
    steps = [served_by(problem, chosen[:n]).aims[-1] for n in range(chosen.size + 1)]
    lost = [steps[-1] - served_by(problem, np.delete(chosen, n)).aims[-1] for n in range(chosen.size)]
    label = pd.Index(pd.Series([names[site] for site in chosen], dtype=object), tupleize_cols=False)
    return steps[0], pd.Series(np.diff(steps), label, float, "added"), pd.Series(lost, label, float, "lost")


def _in_matrix(cost: pd.DataFrame) -> list[Any]:
    names: list[Any] = list(cost.columns)
    return [name[0] if isinstance(name, tuple) and len(name) == 1 else name for name in names]


def _shares(problem: Cover, answer: Answer, areas: pd.Index[Any]) -> pd.Series[Any]:
    """Return the share of people reached; where nobody is counted, whether a site is within reach."""
    near = np.asarray(problem.within[:, problem.open_with(answer.chosen)].any(axis=1), dtype=np.float64)
    some = problem.people > 0
    share = np.divide(answer.served, problem.people, out=near, where=some)
    return pd.Series(share, index=areas, name="served")


def _robust(
    need: pd.DataFrame,
    likely: pd.Series[Any],
    problem: Cover,
    chosen: Any,
    names: list[Any],
    options: SitingOptions,
) -> pd.DataFrame:
    """Ask what would be best if need were at its bounds, and how far the plan would fall short of it.

    Notes
    -----
    For any other plan the difference in people reached grows when areas that only it reaches are at their high bound,
    and areas that this plan reaches at their low one. So the best plan under those numbers is the one that could beat
    this one by most, and if it does not, none does whatever the numbers are (with one aim, and no limits of room).
    """
    cases = {"low": need["low"], "value": likely, "high": need["high"]}
    if problem.room is None and problem.group is None and problem.first is None:
        mine = np.asarray(problem.within[:, problem.open_with(chosen)].any(axis=1))
        cases["against"] = need["low"].where(mine, need["high"])
    rows = []
    for people in cases.values():
        case = replace(problem, people=people.fillna(0.0).to_numpy(np.float64))
        best, covered = _solved(case, options.seconds), served_by(case, chosen).aims
        kept = needed(case, best.chosen)
        first = 0 if all(abs(a - b) < CLOSE for a, b in zip(best.aims[:-1], covered[:-1], strict=True)) else np.nan
        lacking = max(0.0, best.aims[-1] - covered[-1]) + first
        rows.append((tuple(names[site] for site in kept), covered[-1], best.aims[-1], lacking))
    table = pd.DataFrame(rows, index=pd.Index(cases, name="need"), columns=["sites", "covered", "best", "lacking"])
    table.loc[table["lacking"] < CLOSE * table["best"].clip(lower=1), "lacking"] = 0.0
    return table


def _said_of_bounds(robust: pd.DataFrame) -> str:
    """Say whether the plan would be the same if need were other than its value, within its bounds."""
    worst = robust["lacking"]
    if "against" in worst.index and worst["against"] == 0:
        return "Need is known within bounds: no other plan reaches more, wherever within them the numbers lie."
    ends = worst[["low", "high"]]
    if (ends == 0).all():
        text = "Need is known within bounds: the plan is also the best if all numbers are at their low or high bound"
        if "against" not in worst.index:
            return text + "; in between another may be better."
        return text + f", but for some numbers within them another would reach up to {worst['against']:,.0f} more."
    where = " and ".join(f"at its {name} bound" for name, short in ends.items() if short != 0)
    most = worst.max()
    return f"Need is known within bounds, and the choice depends on them: with need {where} another plan is better" + (
        "." if worst.isna().any() else f", by up to {most:,.0f} people."
    )


def _named(site: Any) -> str:
    return " + ".join(str(code) for code in site) if isinstance(site, tuple) else str(site)
