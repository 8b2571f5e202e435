"""Does the answer hang on how many months before and after are compared?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from commonground.periods import Period
from evaluation.changes import ChangeTest
from evaluation.counts import say_number, say_p
from evaluation.headline.eligibility import usable
from evaluation.panels import relative_rate_ratio
from evaluation.rates import rate_ratio
from evaluation.robustness.diagnostic import FAILED, INFORMATIONAL, PASSED, Diagnostic
from evaluation.robustness.refits import Refit, Setting, evenly, setting, side

__all__ = ["window_lengths"]

_BEFORE = (12, 18, 24, 36, 48, 60)  # months; usual lengths, none below what `change_test` takes
_LEAST_AFTER = 2
_MOST_BEFORE, _MOST_AFTER = 3, 4  # refits; a test takes about 15 ms
_LEAST_SPLIT = 4  # months after that can be halved
_FADES = 0.5  # share of the log ratio that a shorter time before must leave

QUESTION = "Does the answer hang on how many months before and after are compared?"
SAID = {
    PASSED: (
        "With fewer months before, and with fewer months after, the change points the same way, and with fewer months "
        "before most of it stays. Its direction does not hang on the lengths that were chosen."
    ),
    FAILED: (
        "With fewer months before, or with fewer months after, the change turns round or fades. It hangs on the "
        "lengths that were chosen, or it came late; with very few months, chance alone can do that."
    ),
    INFORMATIONAL: (
        "Other lengths of the time before and after were tried for information: there is no firm change whose "
        "dependence on them could be judged, or too few months to shorten. To pick the length that shows most would "
        "be to choose by result."
    ),
}


def window_lengths(
    monthly: pd.DataFrame,
    phases: Mapping[str, Period],
    comparison: Sequence[str] = (),
    *,
    change: ChangeTest | None = None,
) -> Diagnostic:
    """Shorten the months before and the months after, and test again.

    Before: the last 12, 18, 24, 36, 48, 60 months, as far as there are more, at most 3 of these lengths. After: the
    first 2, 3, ... months, at most 4 lengths. Where there are more they are evenly spaced. The months after are also
    halved and the two halves compared: a change that grows (gradual onset) or fades is averaged by the headline.

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
        figures: window (all, before, after, later against earlier half), months_before, months_after, n_comparison,
        ratio, p, firm, refused. Informational: the headline is not firm, or no other length gives a p. Failed: with
        some other length the ratio lies on the other side of 1, or with a shorter time before less than half of the log
        ratio is left. Passed otherwise. Firmness is shown, not judged: shorter windows have less power.

    Raises
    ------
    StudyError
        When the table, the phases or the columns do not fit together.

    Notes
    -----
    Lengths share months, so their answers are dependent. The half rule is for the time before only: there the months
    after stay the same, so chance moves the ratio little. The p between the halves takes counts for Poisson
    (`relative_rate_ratio`, `rate_ratio`) and is too sure where they vary more; it does not enter the status. Without
    comparison areas a season may look like onset.
    """
    given = setting("window_lengths", monthly, phases, comparison, change)
    tests = [("all", Refit.of(given.change))]
    if given.change.refused is None:
        lengths = evenly([n for n in _BEFORE if n < given.start - given.first], _MOST_BEFORE)
        tests += [("before", given.refit(given.cut(first=given.start - n))) for n in lengths]
        lengths = evenly(range(_LEAST_AFTER, given.length), _MOST_AFTER)
        tests += [("after", given.refit(given.cut(end=given.resume + n))) for n in lengths]
    halves, onset = _halves(given)
    figures = pd.DataFrame([{"window": name, **test.row()} for name, test in tests] + halves)
    status, answer = _read(given.change, figures[figures["window"].isin(["before", "after"])])
    return Diagnostic("window lengths", QUESTION, status, f"{answer}{onset}", figures, SAID[status])


def _read(change: ChangeTest, others: pd.DataFrame) -> tuple[str, str]:
    """Return the status and the answer."""
    tested = others[others["p"].notna()]
    if tested.empty:
        return INFORMATIONAL, "No other length of the time before or after gives a p."
    turned = tested["ratio"].map(side) * side(change.ratio) < 0
    left = tested["ratio"].map(_log) / _log(change.ratio) if side(change.ratio) else pd.Series(1.0, tested.index)
    faded = (tested["window"] == "before") & (left < _FADES)
    answer = (
        f"With {len(tested)} other lengths the ratio is {say_number(tested['ratio'].min())} to "
        f"{say_number(tested['ratio'].max())} (all months: {say_number(change.ratio)}); it is on the other side of 1 "
        f"in {int(turned.sum())}, with less than half of the log ratio left by a shorter time before in "
        f"{int(faded.sum())}, and firm in {int(tested['firm'].sum())}."
    )
    if not change.firm:
        return INFORMATIONAL, answer
    return (FAILED if (turned | faded).any() else PASSED), answer


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf


def _halves(given: Setting) -> tuple[list[dict[str, object]], str]:
    """Set the later half of the months after against the earlier; return a row and a sentence."""
    used, _ = usable(given.months)
    after = used.take(used.after)
    cut = len(after.counts) // 2
    if len(after.counts) < _LEAST_SPLIT or not after.counts.sum():
        return [], ""
    treated = int(after.counts[:cut].sum()), int(after.counts[cut:].sum())
    lengths = cut, len(after.counts) - cut
    if after.control.shape[1]:
        against = relative_rate_ratio(treated, (after.control[:cut].sum(), after.control[cut:].sum()))
        ratio, p = against.ratio, against.exact_p_central
    else:
        alone = rate_ratio(*treated, exposure=lengths)
        ratio, p = alone.ratio, alone.p
    row = {"window": "later against earlier half", "ratio": ratio, "p": p, "firm": False, "refused": ""}
    row |= {"months_before": lengths[0], "months_after": lengths[1], "n_comparison": after.control.shape[1]}
    said = f" Later half of the months after against the earlier: ratio {say_number(ratio)}, if Poisson {say_p(p)}."
    return [row], said
