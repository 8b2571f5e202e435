"""How strong would something unmeasured have to be to explain the change away?"""

from __future__ import annotations

import math

import pandas as pd

from evaluation.counts import Checks, say_number
from evaluation.robustness.diagnostic import INFORMATIONAL, Diagnostic

__all__ = ["e_value"]

QUESTION = "How strong would something unmeasured have to be to explain the change away?"
SAID = (
    "The E-value says how strongly something unmeasured would have to go together both with the operation and with "
    "the recorded events to explain the change away. It is given for information: it does not say whether there is "
    "such a thing, and it does not cover changes in reporting or recording, or events that moved elsewhere."
)


def e_value(ratio: float, low: float, high: float) -> Diagnostic:
    """Compute the E-value of a rate ratio and of the limit nearest to 1.

    E = R + sqrt(R (R - 1)), R the ratio or, below 1, its inverse. For the interval: E of the limit nearest to 1, and 1
    where the interval covers 1.

    Parameters
    ----------
    ratio, low, high : float
        A ratio of rates or risks and its interval, 0 to infinity. All three NaN where a test was refused.

    Returns
    -------
    Diagnostic
        Always informational. figures: measure (estimate, limit nearest to 1), ratio, e_value; 1 to infinity, or NaN.

    Raises
    ------
    StudyError
        When a number is negative or missing beside others, or `low` is above `high`.

    Notes
    -----
    Holds for ratios of risks or rates, not for odds of frequent events, and for a confounder that acts on the risk: it
    would have to be E times as likely with the operation, and raise (or lower) the risk E times, at the same time and
    beyond what comparison areas and the months before already take away. A weaker one cannot explain the ratio away,
    but several together may. It says nothing of measurement, selection, spillover or chance in the choice of outcome.

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167:268.

    Examples
    --------
    >>> e_value(3.9, 1.8, 8.7).figures["e_value"].round(2).tolist()
    [7.26, 3.0]
    """
    checks = Checks("e_value")
    given = (ratio, low, high)
    real = all(isinstance(value, int | float) for value in given)
    refused = real and all(math.isnan(value) for value in given)
    fine = real and (refused or all(value >= 0 for value in given))
    checks.require(fine, "ratio, low, high", "needs three numbers of at least 0", "Pass a ratio with its interval")
    checks.require(not fine or refused or low <= high, "low, high", "ends before it begins", "Swap them")
    checks.done()
    nearest = high if high < 1 else low if low > 1 else (math.nan if refused else 1.0)
    figures = pd.DataFrame(
        {
            "measure": ["estimate", "limit nearest to 1"],
            "ratio": [ratio, nearest],
            "e_value": [_strength(ratio), _strength(nearest)],
        }
    )
    answer = "There is no interval to go by."
    if not refused:
        answer = (
            f"To explain the ratio away something unmeasured would have to be {say_number(_strength(ratio))} times as "
            "likely with the operation and act on the risk by as much; to bring the interval to 1, "
            f"{say_number(_strength(nearest))} times (1 means that the interval covers 1 already)."
        )
    return Diagnostic("E-value", QUESTION, INFORMATIONAL, answer, figures, SAID)


def _strength(ratio: float) -> float:
    """Return the E-value of one ratio."""
    if math.isnan(ratio):
        return math.nan
    large = ratio if ratio >= 1 else (1 / ratio if ratio else math.inf)
    return math.inf if math.isinf(large) else large + math.sqrt(large * (large - 1))
