"""What may be said of each declared outcome: change shown, no change that matters, or cannot tell?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from commonground.errors import Problem, StudyError
from commonground.registration import deviations_frame, registration_sentences
from commonground.study import Study
from evaluation.clustering import PeopleAndEvents, people_and_events
from evaluation.counts import Unprinted
from evaluation.evidence import EvidenceLevel, design_facts, evidence_level
from evaluation.judging.exclusions import comparable_months
from evaluation.judging.outcomes import Against, OutcomeResult, compare, matched_windows
from evaluation.judging.readings import holds, read_row
from evaluation.judging.rows import table_row
from evaluation.tradeoffs import TradeOffs, trade_offs

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
        Placebo outcomes too, on which there is no verdict.
    evidence : mapping of outcome to EvidenceLevel
        How far the design tells the operation from other causes, with the reason.
    people : mapping of outcome to PeopleAndEvents
        People against events, where the outcome counts events; for one's own screen.
    registration : tuple of str
        When the plan was written down, what that date is worth, and whether the run keeps to it.
    deviations : DataFrame
        Every entry in which plan and run differ: key, planned, run, matters.
    """

    results: Mapping[str, OutcomeResult]
    evidence: Mapping[str, EvidenceLevel]
    people: Mapping[str, PeopleAndEvents]
    registration: tuple[str, ...]
    deviations: pd.DataFrame = field(repr=False)
    _frame: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an outcome, power first; exact, for looking at in memory."""
        return self._frame.copy()

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each outcome."""
        return dict(zip(self._frame["outcome"], self._frame["verdict"], strict=True))

    @property
    def trade_offs(self) -> TradeOffs:
        """Which goals moved, in which declared direction, and which against one another."""
        return trade_offs(self._frame)

    @property
    def text(self) -> str:
        """What the design can show, a paragraph an outcome, and the goals; every number is a cell of a table."""
        design = dict.fromkeys(level.summary() for level in self.evidence.values())
        outcomes = [self.read(row) for row in _rows(self._frame)]
        return "\n\n".join([" ".join(self.registration), *design, *outcomes, self.trade_offs.text])

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
        .verdicts .text .to_frame() .results .evidence .trade_offs .people .deviations

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
    results = {name: _compared(study, name, counts) for name in counts}
    judged = [name for name, outcome in study.outcomes.items() if not outcome.placebo]
    frame = pd.DataFrame([table_row(study.outcomes[name], results[name]) for name in judged])
    frame.insert(list(frame).index("smallest_fall"), "judged_together", [_together(study, name) for name in judged])
    frame.insert(list(frame).index("p") + 1, "p_holm", _adjusted(frame))
    evidence = {name: _evidence(study, name, results[name]) for name in judged}
    frame["level"] = [evidence[name].level for name in judged]
    verdicts = [judge(row) for row in _rows(frame)]
    frame["beyond_records"] = [holds(row) for row in _rows(frame.assign(verdict=verdicts))]
    frame["verdict"] = verdicts
    return Evaluation(
        results=results,
        evidence=evidence,
        people={name: found for name in judged if (found := _people(study, name)) is not None},
        registration=registration_sentences(study),
        deviations=deviations_frame(study),
        _frame=frame,
    )


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


def _compared(study: Study, name: str, counts: Mapping[str, pd.DataFrame]) -> OutcomeResult:
    """Compare one outcome; placebo outcomes are set beside it."""
    sizes = {zone: float(len(codes)) for zone, codes in study.zones.items()}
    placebos = _placebos(study, name, counts)
    against = Against(study.for_ring, sizes, study.shocks_of(name), placebos, _together(study, name))
    return compare(counts[name], study.phases, list(study.comparison), against=against)


def _placebos(study: Study, name: str, counts: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the placebo outcomes in the months that a shock of theirs, or of the outcome, leaves alone."""
    found = {}
    for one, outcome in study.outcomes.items():
        if outcome.placebo and one != name:
            mine = comparable_months(counts[one], study.phases, study.shocks_of(one))
            if not mine.refused:
                found[one] = comparable_months(mine.monthly, study.phases, study.shocks_of(name)).monthly
    return found


def _together(study: Study, name: str) -> int:
    """Return how many outcomes are judged together with one: those of its rank, placebos apart."""
    rank = [not one.placebo and one.primary == study.outcomes[name].primary for one in study.outcomes.values()]
    return max(sum(rank), 1)


def _evidence(study: Study, name: str, result: OutcomeResult) -> EvidenceLevel:
    pretrends = result.pretrends.status if result.pretrends else "not checked"
    facts = design_facts(study, outcome=name, pretrends=pretrends)
    used = result.change  # months that were left out are no months of this design
    return evidence_level(replace(facts, months_before=used.months_before, months_after=used.months_after))


def _people(study: Study, name: str) -> PeopleAndEvents | None:
    """Set people against events; None where people are counted, or nothing can be set against them."""
    others = [zone for zone in study.comparison if zone not in study.for_ring]
    try:
        return people_and_events(study.outcome_tally(name), study.zones, study.phases, comparison=others)
    except StudyError:
        return None


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
