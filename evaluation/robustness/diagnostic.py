"""What did one robustness check ask, what came out, and may its words be published?"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from evaluation.counts import Checks, Unprinted

__all__ = ["FAILED", "INFORMATIONAL", "PASSED", "STATUSES", "Diagnostic"]

PASSED, FAILED, INFORMATIONAL = "passed", "failed", "informational"
STATUSES = (PASSED, FAILED, INFORMATIONAL)


@dataclass(frozen=True, repr=False, eq=False)
class Diagnostic(Unprinted):
    """One check of how well a conclusion stands up.

    Attributes
    ----------
    name : str
        What the check is called: "placebo dates".
    question : str
        One sentence: what it asks.
    status : str
        "passed", "failed" or "informational". Passed is not proof: the check found nothing against the conclusion.
    answer : str
        One or two sentences with numbers; exact, for looking at in memory.
    figures : DataFrame
        Tidy table behind the answer; exact.
    said : str
        The fixed sentence of this check and status. It holds no number, so it may be released.
    """

    name: str
    question: str
    status: str
    answer: str
    figures: pd.DataFrame = field(repr=False)
    said: str

    def __post_init__(self) -> None:
        checks = Checks("Diagnostic")
        checks.require(self.status in STATUSES, "status", "needs passed, failed or informational", "Correct it")
        wordless = not any(letter.isdigit() for letter in self.said)
        checks.require(
            bool(self.said) and wordless,
            "said",
            "needs a sentence without any number, because it is published",
            "Move the numbers to `answer`",
        )
        checks.done()

    def summary(self) -> str:
        """Say what was asked, the answer with its numbers, and what it means."""
        return f"{self.question} {self.answer} {self.said}"

    def to_frame(self) -> pd.DataFrame:
        """Return the tidy table behind the answer; exact."""
        return self.figures.copy()
