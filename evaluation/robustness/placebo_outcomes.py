"""Did outcomes that the operation cannot have moved stay where they were?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from statsmodels.stats.multitest import multipletests

from commonground.periods import Period
from evaluation.changes import ChangeTest
from evaluation.counts import Checks
from evaluation.foreseeing.designs import design_from_past
from evaluation.power import Power, power
from evaluation.robustness.diagnostic import FAILED, INFORMATIONAL, PASSED, Diagnostic
from evaluation.robustness.refits import Refit, setting

__all__ = ["placebo_outcomes"]

_ALPHA = 0.05
_HALVED, _DOUBLED = 0.5, 2.0  # the change that must be visible where there is no headline to go by

QUESTION = "Did outcomes that the operation cannot have moved stay where they were?"
SAID = {
    PASSED: (
        "Outcomes that the study declares out of the operation's reach showed no firm change, although a change as "
        "large as the one in question could have been seen in some of them. Something that moves this outcome alone "
        "would not show here."
    ),
    FAILED: (
        "An outcome that the study declares out of the operation's reach changed as well. Something else happened at "
        "that time, or recording changed, and the same may lie behind the outcome in question."
    ),
    INFORMATIONAL: (
        "Outcomes out of the operation's reach could not judge this result: none is declared, or their counts are too "
        "small to show a change as large as the one in question."
    ),
}


def placebo_outcomes(
    placebos: Mapping[str, pd.DataFrame],
    phases: Mapping[str, Period],
    comparison: Sequence[str] = (),
    *,
    change: ChangeTest | None = None,
) -> Diagnostic:
    """Run the headline test on outcomes that the study declares beyond the reach of the operation.

    Parameters
    ----------
    placebos : mapping of outcome to DataFrame, months by zone
        Events a month of each: treated and the comparison areas; NaN where nobody observed. Declared before the
        results; may be empty.
    phases : mapping with before and after
    comparison : sequence of str, default ()
        Columns of the comparison areas.
    change : ChangeTest, optional
        The headline of the outcome in question: a placebo outcome has power when it could have shown a change as large.
        Without it, or where the headline was refused: when it could have shown a halving or a doubling.

    Returns
    -------
    Diagnostic
        figures: outcome, months_before, months_after, n_comparison, ratio, p, firm, refused, smallest_fall,
        smallest_rise (80 % chance), could_show, p_holm. Failed: one is firm with p_holm at most .05, whatever its
        power. Passed: none is, and one at least could have shown it. Informational otherwise.

    Raises
    ------
    StudyError
        When a table, the phases or the columns do not fit together, or `placebos` is not a mapping.

    Notes
    -----
    Power is reckoned first, from the months before only (`power`). p_holm is Holm's over the placebo outcomes with a p.
    Whether an outcome is beyond reach is the study's word; a spillover makes this fail although nothing is wrong, and
    a disturbance of the outcome in question alone is not seen.

    References
    ----------
    Lipsitch, Tchetgen Tchetgen and Cohen (2010), Epidemiology 21:383 (negative controls); Holm (1979).
    """
    checks = Checks("placebo_outcomes")
    rule, remedy = "needs a mapping of outcome to its monthly table", "Pass {} where none is declared"
    checks.require(isinstance(placebos, Mapping), "placebos", rule, remedy)
    checks.done()
    rows = []
    for name, monthly in placebos.items():
        checked = setting("placebo_outcomes", monthly, phases, comparison)
        past = monthly[monthly.index < pd.Period(phases["before"].end, "M")]
        design = design_from_past(past, comparison, phases["after"].months)
        seen = None if design is None else power(design)
        rows.append({"outcome": name, **Refit.of(checked.change).row(), **_visible(seen, change)})
    figures = pd.DataFrame(rows)
    status, answer = _read(figures) if rows else (INFORMATIONAL, "No placebo outcome is declared.")
    return Diagnostic("placebo outcomes", QUESTION, status, answer, figures, SAID[status])


def _visible(seen: Power | None, change: ChangeTest | None) -> dict[str, float | bool]:
    """Say what change could have been seen, and whether it is as large as the one in question."""
    fall, rise = (seen.smallest_fall, seen.smallest_rise) if seen else (math.nan, math.inf)
    if change is None or change.refused or math.isnan(change.ratio):
        shows = fall >= _HALVED or rise <= _DOUBLED
    else:
        shows = fall >= change.ratio or rise <= change.ratio
    return {"smallest_fall": fall, "smallest_rise": rise, "could_show": bool(shows)}


def _read(figures: pd.DataFrame) -> tuple[str, str]:
    """Add p_holm; return the status and the answer."""
    tested = figures["p"].notna()
    figures["p_holm"] = math.nan
    if tested.any():
        figures.loc[tested, "p_holm"] = multipletests(figures.loc[tested, "p"], method="holm")[1]
    moved = int((figures["firm"].astype(bool) & (figures["p_holm"] <= _ALPHA)).sum())
    able = int((figures["could_show"] & tested).sum())
    answer = (
        f"Of {len(figures)} placebo outcomes, {int(tested.sum())} could be tested; {able} of them could have shown a "
        f"change as large as the one in question with 80 % chance; {moved} changed firmly (Holm over them)."
    )
    if moved:
        return FAILED, answer
    return (PASSED if able else INFORMATIONAL), answer
