"""Does the conclusion hang on one comparison area?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from commonground.periods import Period
from evaluation.changes import ChangeTest
from evaluation.counts import say_number
from evaluation.robustness.diagnostic import FAILED, INFORMATIONAL, PASSED, Diagnostic
from evaluation.robustness.refits import Refit, Setting, setting, side

__all__ = ["comparison_swaps"]

_MOST_REFITS = 6  # a test takes about 15 ms; ratios cost nothing and are given for every swap
_LEAST_AREAS = 2
_FAR = 2.0  # times the accepted false-alarm rate: a p beyond is clearly not small

QUESTION = "Does the conclusion hang on one comparison area?"
SAID = {
    PASSED: (
        "Leaving out any one comparison area that might matter leaves the conclusion as it is. This does not show that "
        "the areas as a whole are a fair comparison."
    ),
    FAILED: (
        "Leaving out one comparison area clearly changes the conclusion: a change is no longer firm, turns round, or "
        "becomes firm. The result hangs on that area, which ought to be looked at before anything is made of it."
    ),
    INFORMATIONAL: (
        "Leaving out comparison areas could not judge this result: there are too few areas or events, or it lies so "
        "near the line between firm and not firm that any loss of data may move it across."
    ),
}


def comparison_swaps(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: Sequence[str] = (),
    *,
    change: ChangeTest | None = None,
) -> Diagnostic:
    """Leave out one comparison area at a time; use each alone, and none.

    The ratio is computed for every swap. The test is run again for at most 6 areas left out: of a firm change those
    whose loss brings the ratio nearest to 1 or beyond it, otherwise those whose loss takes it furthest from 1.

    Parameters
    ----------
    monthly : DataFrame, months by zone
        Events a month: treated and the comparison areas; NaN where nobody observed.
    phases : mapping with before and after
    comparison : sequence of str, default ()
        Columns of the comparison areas.
    change : ChangeTest, optional
        The headline, where it is known already.

    Returns
    -------
    Diagnostic
        figures: swap (all, without, only, none), area, changes_side (of 1, against all), months_before, months_after,
        n_comparison, ratio, and of the tests run p and firm. Failed, of a firm change: without some area the ratio is
        on the other side of 1, or p is above .10 (twice the accepted false-alarm rate). Failed, of one that is not firm
        and has p above .10: without some area it is firm. Informational: firmness changes otherwise; with two areas
        firmness is lost, because one area left is a weaker test; fewer than two areas with events; or no p. Passed
        otherwise.

    Raises
    ------
    StudyError
        When the table, the phases or the columns do not fit together.

    Notes
    -----
    Each area alone and none at all are shown, not judged: with one area or none the test has less power and other
    assumptions (without any: no season beyond the months compared). An area whose months are missing shortens all
    series, so leaving it out also brings months back. Fails to see that all areas are wrong in the same way.

    References
    ----------
    Abadie, Diamond and Hainmueller (2015), American Journal of Political Science 59:495 (leave one out).
    Gelman and Stern (2006), The American Statistician 60:328.
    """
    given = setting("comparison_swaps", monthly, phases, comparison, change)
    swaps = [("all", "", list(given.areas))]
    if len(given.areas) >= _LEAST_AREAS:
        swaps += [("without", name, [area for area in given.areas if area != name]) for name in given.areas]
        swaps += [("only", name, [name]) for name in given.areas]
    swaps += [("none", "", [])] if given.areas else []
    found = [given.refit(given.cut(areas=kept), test=False) for *_, kept in swaps]
    found[0] = Refit.of(given.change)
    for i in _chosen(given, swaps, found):
        found[i] = given.refit(given.cut(areas=swaps[i][2]))
    rows = [
        {"swap": swap, "area": area, "changes_side": side(refit.ratio) * side(found[0].ratio) < 0, **refit.row()}
        for (swap, area, _), refit in zip(swaps, found, strict=True)
    ]
    figures = pd.DataFrame(rows)
    status, answer = _read(given, figures)
    return Diagnostic("comparison swaps", QUESTION, status, answer, figures, SAID[status])


def _chosen(given: Setting, swaps: Sequence[tuple[str, str, list[str]]], found: Sequence[Refit]) -> list[int]:
    """Return the swaps to test: those that leave out an area whose loss could matter most."""
    if given.change.refused:
        return []

    def safety(i: int) -> float:
        ratio = found[i].ratio
        if math.isnan(ratio):
            return math.inf
        log_ratio = math.log(ratio) if ratio else -math.inf
        return log_ratio * side(found[0].ratio) if given.change.firm else -abs(log_ratio)

    left_out = [i for i, (swap, *_) in enumerate(swaps) if swap == "without"]
    return sorted(left_out, key=safety)[:_MOST_REFITS]


def _read(given: Setting, figures: pd.DataFrame) -> tuple[str, str]:
    """Return the status and the answer."""
    without = figures[figures["swap"] == "without"]
    if given.change.refused or given.change.n_comparison < _LEAST_AREAS or len(without) < _LEAST_AREAS:
        return INFORMATIONAL, f"Comparison areas with events: {given.change.n_comparison}; two are needed, and a p."
    turned = int(without["changes_side"].sum())
    tested = without[without["p"].notna()]
    firm, alpha = given.change.firm, 1 - given.change.level
    differing = tested[tested["firm"] != firm]
    # A p that crosses the line by a hair is no other finding (Gelman and Stern 2006).
    clear = given.change.n_comparison > _LEAST_AREAS if firm else given.change.p > _FAR * alpha
    clearly = int((differing["p"] > _FAR * alpha).sum()) if firm else len(differing)
    lone = figures.loc[figures["swap"].isin(["only", "none"]), "ratio"]
    answer = (
        f"The ratio, {say_number(given.change.ratio)} with all {given.change.n_comparison} areas, is "
        f"{say_number(without['ratio'].min())} to {say_number(without['ratio'].max())} with one left out and "
        f"{say_number(lone.min())} to {say_number(lone.max())} with one alone or none; it changes side of 1 in "
        f"{turned} of {len(without)} swaps that leave one out, and firmness changes in {len(differing)} of the "
        f"{len(tested)} tested."
    )
    if (firm and turned) or (clearly and clear):
        return FAILED, answer
    return (PASSED if differing.empty and len(tested) else INFORMATIONAL), answer
