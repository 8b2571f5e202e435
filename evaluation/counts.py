"""Check that numbers are counts, pairs and levels that a comparison can use, and say its results in words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import Problem, StudyError
from commonground.pickles import Exact

__all__ = ["Checks", "Unprinted", "say_interval", "say_number", "say_p"]


class Unprinted(Exact):
    """A result that shows no number until it is asked: exact values do not leak through a notebook's last line."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...; call .summary())"


@dataclass
class Checks:
    """Collect everything wrong with the arguments of one function and raise it once.

    Parameters
    ----------
    function : str
        Name of the public function, for the message.
    problems : list of Problem
        What was found so far. Messages name arguments and rules, never the counts themselves.
    """

    function: str
    problems: list[Problem] = field(default_factory=list)

    def require(self, ok: bool, name: str, rule: str, remedy: str) -> bool:
        """Note a broken rule about one argument; return whether it was kept."""
        if not ok:
            self.problems.append(Problem(None, name, rule, remedy))
        return ok

    def numbers(self, name: str, values: object, size: int, *, positive: bool = True) -> tuple[float, ...]:
        """Return `size` finite numbers, above zero (or at least zero); NaN for each where the rule is broken."""
        kept = _floats(values)
        floor = "above 0" if positive else "of at least 0"
        fine = len(kept) == size and all(math.isfinite(v) and (v > 0 if positive else v >= 0) for v in kept)
        self.require(
            fine, name, f"needs {size} finite number{'s' * (size > 1)} {floor}", "Check the order and the type"
        )
        return kept if fine else (math.nan,) * size

    def pair(self, name: str, values: object, *, whole: bool = True) -> tuple[float, float]:
        """Return a (before, after) pair of counts, as floats; fractional counts only where `whole` is False."""
        before, after = self.numbers(name, values, 2, positive=False)
        if whole and not math.isnan(before):
            remedy = "Pass events, not rates; give period lengths and sizes as options"
            self.require(before.is_integer() and after.is_integer(), name, "needs whole counts (before, after)", remedy)
        return before, after

    def observed(self, name: str, counts: pd.Series | pd.DataFrame, *, whole: bool = False) -> npt.NDArray[np.float64]:
        """Return a table of counts as floats, one column a series, NaN where nothing was observed."""
        table = pd.DataFrame(counts)
        numeric = table.apply(pd.to_numeric, errors="coerce")
        values: npt.NDArray[np.float64] = numeric.to_numpy(dtype=float, na_value=np.nan)
        seen = values[~np.isnan(values)]
        # text must not pass for a month that nobody observed
        fine = bool(numeric.isna().equals(table.isna())) and bool((np.isfinite(seen) & (seen >= 0)).all())
        fine = fine and (not whole or bool((seen == np.round(seen)).all()))
        kind = "whole" if whole else "finite"
        self.require(fine, name, f"needs {kind} counts of at least 0", "Leave what was not observed missing")
        return values

    def level(self, level: float) -> None:
        """Require a confidence level strictly between 0.5 and 1."""
        fine = isinstance(level, int | float) and 0.5 < level < 1
        self.require(fine, "level", "needs a confidence level between 0.5 and 1", "Pass 0.95 for a 95 % interval")

    def done(self) -> None:
        """Raise StudyError with every problem, if there is any."""
        if self.problems:
            raise StudyError(f"`{self.function}` cannot use what it was given", self.problems)


def say_number(value: float) -> str:
    """Write a number for a reader: three digits, "infinite", or "undefined"."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.1f}"


def say_interval(low: float, high: float, level: float) -> str:
    """Write an interval with its confidence level."""
    return f"{100 * level:g} % interval {say_number(low)} to {say_number(high)}"


def say_p(p: float) -> str:
    """Write a p value; one that could not be computed says so."""
    if math.isnan(p):
        return "p not computed"
    return "p below 0.001" if p < 0.001 else f"p {p:.3f}"


def _floats(values: object) -> tuple[float, ...]:
    if isinstance(values, str | bytes) or values is None:
        return ()
    try:
        return tuple(float(v) for v in values) if isinstance(values, Iterable) else (float(values),)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ()
