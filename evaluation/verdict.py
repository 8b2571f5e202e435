"""What may be said of each declared outcome: change shown, no change that matters, or cannot tell?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from commonground.errors import Problem, StudyError
from commonground.study import Study
from evaluation.counts import Unprinted
from evaluation.outcomes import OutcomeResult, compare, matched_windows, table_row
from evaluation.readings import read_row

__all__ = [
    "CANNOT_TELL",
    "CHANGE_SHOWN",
    "NO_CHANGE",
    "Evaluation",
    "OutcomeResult",
    "evaluate",
    "judge",
    "matched_windows",
]

CHANGE_SHOWN = "change shown"
NO_CHANGE = "no change that matters"
CANNOT_TELL = "cannot tell"
ALPHA = 0.05


@dataclass(frozen=True, repr=False)
class Evaluation(Unprinted):
    """One verdict an outcome, the table they come from, and the text that reads the table.

    Attributes
    ----------
    results : mapping of outcome to OutcomeResult
    """

    results: Mapping[str, OutcomeResult]
    _frame: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an outcome, power first; exact, for looking at in memory."""
        return self._frame.copy()

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each outcome."""
        return dict(zip(self._frame["outcome"], self._frame["verdict"], strict=True))

    @property
    def text(self) -> str:
        """One paragraph an outcome; every number in it is a cell of the table."""
        return "\n\n".join(self.read(row) for row in _rows(self._frame))

    def read(self, row: Mapping[str, Any]) -> str:
        """Put one row of the table, exact or rounded, into words."""
        return read_row(row)

    def summary(self) -> str:
        """Return the text: what could be seen, what was, and what it does not show."""
        return self.text


def evaluate(study: Study) -> Evaluation:
    """Compare before and after for every declared outcome, power first.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Evaluation
        .verdicts .text .to_frame() .results

    Raises
    ------
    StudyError
        When an outcome has no event in any zone of the study, listed for all outcomes at once.

    Notes
    -----
    Headline: `change_test` of the treated zone against the comparison areas, without those that the study names for the
    ring. A change is shown when it is firm and its p, adjusted by Holm over the declared primary outcomes
    (Benjamini-Hochberg over the others), is at most .05. No change that matters: the interval lies inside the declared
    margin. Everything else: cannot tell. In displacement differences the size of a zone is the number of its areas:
    anybody can count them in the study file, and residents, where they are known, need not be where events can happen.
    It fails where comparison areas would have changed differently anyway, and says nothing of what was not recorded.
    """
    counts = {name: study.outcome_tally(name).zone_series(study.zones) for name in study.outcomes}
    empty = [name for name, monthly in counts.items() if not monthly.sum().sum()]
    if empty:
        rule, advice = "all counts are zero in the zones of the study", "Correct what it selects, or drop it."
        raise StudyError(
            "some outcomes have no events.", [Problem(None, f"outcomes.{name}", rule, advice) for name in empty]
        )
    sizes = {zone: float(len(codes)) for zone, codes in study.zones.items()}
    results = {
        name: compare(monthly, study.phases, list(study.comparison), for_ring=study.for_ring, sizes=sizes)
        for name, monthly in counts.items()
    }
    frame = pd.DataFrame([table_row(study.outcomes[name], result) for name, result in results.items()])
    frame.insert(list(frame).index("p") + 1, "p_holm", _adjusted(frame))
    frame["verdict"] = [judge(row) for row in _rows(frame)]
    return Evaluation(results=results, _frame=frame)


def judge(row: Mapping[str, Any]) -> str:
    """Return the verdict of one row: it cannot outrun firm, p_holm, ratio, low, high and margin.

    Parameters
    ----------
    row : mapping
        A missing value never counts in favour of a verdict.

    Returns
    -------
    str
        No change that matters: the interval lies between 1 / (1 + margin) and 1 + margin, even if the change is
        certain. Change shown: firm, p_holm at most .05, and ratio and interval on one side of 1.

    Examples
    --------
    >>> judge({"firm": True, "p_holm": 0.01, "ratio": 0.5, "low": 0.3, "high": 0.8, "margin": 0.2})
    'change shown'
    >>> judge({"firm": False, "p_holm": 0.9, "ratio": 1.0, "low": 0.9, "high": 1.1, "margin": 0.2})
    'no change that matters'
    >>> judge({"firm": False, "p_holm": 0.3, "ratio": 0.7, "low": 0.4, "high": 1.1, "margin": 0.2})
    'cannot tell'
    """
    ratio, low, high, margin, p = (_number(row.get(name)) for name in ("ratio", "low", "high", "margin", "p_holm"))
    if margin >= 0 and 1 / (1 + margin) <= low <= high <= 1 + margin:
        return NO_CHANGE
    one_side = low <= high and ((ratio < 1 and high < 1) or (ratio > 1 and low > 1))
    return CHANGE_SHOWN if _number(row.get("firm")) == 1 and p <= ALPHA and one_side else CANNOT_TELL


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _adjusted(frame: pd.DataFrame) -> pd.Series:
    """Return p adjusted by Holm over primary outcomes, by Benjamini-Hochberg over the rest; a refused p counts as 1."""
    adjusted = pd.Series(np.nan, index=frame.index)
    for primary, method in ((True, "holm"), (False, "fdr_bh")):
        mine = frame["primary"] == primary
        if mine.any():
            adjusted[mine] = multipletests(frame.loc[mine, "p"].fillna(1.0), method=method)[1]
    return adjusted.where(frame["p"].notna())


def _number(value: Any) -> float:
    """Return a float; NaN, which no comparison passes, for what is missing."""
    return math.nan if value is None or pd.isna(value) else float(value)
