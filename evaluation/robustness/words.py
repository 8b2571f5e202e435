"""What does each check ask, and what does its answer mean, in words that hold no number?"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evaluation.robustness.comparison_swaps import QUESTION as SWAPS
from evaluation.robustness.comparison_swaps import SAID as SWAPS_SAID
from evaluation.robustness.diagnostic import INFORMATIONAL
from evaluation.robustness.e_values import QUESTION as E_VALUE
from evaluation.robustness.e_values import SAID as E_VALUE_SAID
from evaluation.robustness.parallel_change import QUESTION as PARALLEL
from evaluation.robustness.parallel_change import SAID as PARALLEL_SAID
from evaluation.robustness.placebo_dates import QUESTION as DATES
from evaluation.robustness.placebo_dates import SAID as DATES_SAID
from evaluation.robustness.placebo_outcomes import QUESTION as OUTCOMES
from evaluation.robustness.placebo_outcomes import SAID as OUTCOMES_SAID
from evaluation.robustness.window_lengths import QUESTION as LENGTHS
from evaluation.robustness.window_lengths import SAID as LENGTHS_SAID

__all__ = ["QUESTIONS", "meaning"]

#: The question of each check, by its name.
QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "placebo dates": DATES,
        "placebo outcomes": OUTCOMES,
        "comparison swaps": SWAPS,
        "window lengths": LENGTHS,
        "parallel change": PARALLEL,
        "E-value": E_VALUE,
    }
)
_SAID: Mapping[str, Mapping[str, str]] = {
    "placebo dates": DATES_SAID,
    "placebo outcomes": OUTCOMES_SAID,
    "comparison swaps": SWAPS_SAID,
    "window lengths": LENGTHS_SAID,
    "parallel change": PARALLEL_SAID,
    "E-value": {INFORMATIONAL: E_VALUE_SAID},
}


def meaning(name: str, status: str) -> str:
    """Return what a status of a check means.

    Parameters
    ----------
    name : str
        Of the check, as in `QUESTIONS`.
    status : str
        passed, failed or informational.

    Returns
    -------
    str
        The same for every outcome, without any number. Empty for a status that the check does not have.

    Examples
    --------
    >>> meaning("placebo dates", "failed").startswith("The test was repeated at false starting dates")
    True
    """
    return _SAID[name].get(status, "")
