"""Does the same test find changes at dates before the operation, when nothing had begun?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from commonground.periods import Period
from evaluation.changes import ChangeTest
from evaluation.counts import say_p
from evaluation.robustness.diagnostic import FAILED, INFORMATIONAL, PASSED, Diagnostic
from evaluation.robustness.refits import Refit, Setting, evenly, setting

__all__ = ["placebo_dates"]

_LEAST_BEFORE = 12  # months; `change_test` refuses less (methods, change_test: limits)
_LEAST_STARTS = 5  # with fewer, even the clearest change has a rank p above 1 in 6
_MOST_STARTS = 10  # refits; a test takes about 15 ms
_RANK = 0.10  # where fewer than nine starts cannot reach it: none may be as clear as the true one
_TOO_MANY = 0.25  # share of false alarms; .05 expected, but windows overlap and alarms come in runs

QUESTION = "Does the same test find changes at dates before the operation, when nothing had begun?"
SAID = {
    PASSED: (
        "The test was repeated at false starting dates before the operation. It seldom found a change there, and none "
        "or hardly any as clear as at the true date. This does not show what caused the change."
    ),
    FAILED: (
        "The test was repeated at false starting dates before the operation, when nothing had begun, and found changes "
        "there too often, or as clear as at the true date. What was seen at the true date may be how these counts "
        "move anyway."
    ),
    INFORMATIONAL: (
        "False starting dates before the operation could not judge this result: there are too few of them with enough "
        "months and events, or there is no firm change at the true date to judge."
    ),
}


def placebo_dates(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: Sequence[str] = (),
    *,
    change: ChangeTest | None = None,
) -> Diagnostic:
    """Run the headline test at false starts inside the months before, and rank the true start among them.

    Months during and after are dropped. A false start has at least 12 months before it and, after it, a window as long
    as the true one, shortened to half of the months beyond the first 12 where there are not so many: two windows
    without a common month then fit. Of all possible starts at most 10, evenly spaced, are tested. If the window was
    shortened, the true start is tested with as many months for the comparison.

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
        figures: months_in (the start, counted from the first month), false_start, months_before, months_after,
        n_comparison, ratio, p, firm, refused; the true start last. Informational: fewer than 5 starts with a p, or no
        firm change and few false alarms. Failed: over a quarter of the false starts have p <= .05, or, with a firm
        change, its rank p is above .10 and not the smallest possible. Passed otherwise.

    Raises
    ------
    StudyError
        When the table, the phases or the columns do not fit together.

    Notes
    -----
    rank p = (1 + false starts with p as small) / (1 + false starts), never below 1 / (1 + false starts). Windows
    overlap, so the starts are dependent: ten of them may carry no more than two or three separate readings, and the
    rank p is a rough guide, not a test of its own. The true start has more months before it, which favours it a little.
    Fails to see a trend or swing that begins with the operation.

    References
    ----------
    Abadie, Diamond and Hainmueller (2015), American Journal of Political Science 59:495, for placebos in time.
    """
    given = setting("placebo_dates", monthly, phases, comparison, change)
    length = max(2, min(given.length, (given.start - given.first - _LEAST_BEFORE) // 2))
    starts = evenly(range(given.first + _LEAST_BEFORE, given.start - length + 1), _MOST_STARTS)
    false = [given.refit(given.cut(end=start + length, start=start)) for start in starts]
    truth = Refit.of(given.change)
    if not truth.refused and length < given.length:
        truth = given.refit(given.cut(end=given.resume + length))
    rows = [
        {"months_in": at - given.first, "false_start": True, **test.row()}
        for at, test in zip(starts, false, strict=True)
    ]
    rows.append({"months_in": given.start - given.first, "false_start": False, **truth.row()})
    status, answer = _read(given, truth, [test.p for test in false if not test.refused], length)
    return Diagnostic("placebo dates", QUESTION, status, answer, pd.DataFrame(rows), SAID[status])


def _read(given: Setting, truth: Refit, judged: list[float], length: int) -> tuple[str, str]:
    """Return the status and the answer."""
    n = len(judged)
    if n < _LEAST_STARTS or truth.refused or given.change.refused:
        return INFORMATIONAL, f"False starts with enough months and events: {n}; at least {_LEAST_STARTS} are needed."
    alpha = 1 - given.change.level
    alarms = sum(p <= alpha for p in judged)
    clear = sum(p <= truth.p for p in judged)
    rank, floor = (1 + clear) / (1 + n), 1 / (1 + n)
    separate = (given.start - given.first - _LEAST_BEFORE) // length
    answer = (
        f"At {n} false starts with {length} months after each, {alarms} gave p at most {alpha:.2f} and {clear} a p as "
        f"small as the true start ({say_p(truth.p)}): rank p {rank:.2f}, which cannot be below {floor:.2f}. Windows "
        f"overlap: only {separate} have no month in common."
    )
    if alarms > _TOO_MANY * n:
        return FAILED, answer
    if not given.change.firm:
        return INFORMATIONAL, answer
    return (PASSED if rank <= max(_RANK, floor) else FAILED), answer
