"""Which months can be compared, once what else is known to have changed the counts is left out?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from commonground.periods import Period
from commonground.study import DeclaredShock
from evaluation.counts import Unprinted

__all__ = ["Comparable", "comparable_months"]


@dataclass(frozen=True, repr=False, eq=False)
class Comparable(Unprinted):
    """The months that may be compared.

    Attributes
    ----------
    monthly : DataFrame
        Months by zone, missing where a known shock touched them.
    cautions : tuple of str
        What was left out, and what cannot be told from the operation.
    refused : str
        Why no test can be made; empty when one can.
    """

    monthly: pd.DataFrame = field(repr=False)
    cautions: tuple[str, ...]
    refused: str


def comparable_months(
    monthly: pd.DataFrame, phases: Mapping[str, Period], shocks: Sequence[DeclaredShock]
) -> Comparable:
    """Leave out the months that a known shock made unlike the others.

    Parameters
    ----------
    monthly : DataFrame
        Months by zone.
    phases : mapping with before and after
    shocks : sequence of DeclaredShock
        Those that may have changed what these counts count.

    Returns
    -------
    Comparable

    Notes
    -----
    A shock that ends is cut out. One that lasts and began before the operation leaves the months since it; one that
    lasts and began after it leaves the months until it: before and after are then counted alike. Comparison areas would
    take a shock away that touched them in the same proportion, but nobody can show that they did. One that begins or
    ends with the operation leaves nothing to compare: after a change of recording no test is made, and of any other the
    result says that it cannot be told from the operation.
    """
    kept = monthly.astype(float)
    cautions: list[str] = []
    refused: list[str] = []
    for shock in shocks:
        if shock.coincides:
            said = f"{shock.name} cannot be told from the operation: no month has one without the other."
            (refused if shock.recording else cautions).append(said)
            continue
        touched = _touched(kept.index, phases, shock)
        if touched.any():
            kept.loc[touched] = float("nan")
            cautions.append(f"Months that {shock.name} makes unlike the others are left out.")
    return Comparable(kept, tuple(cautions), " ".join(refused).rstrip("."))


def _touched(months: pd.Index, phases: Mapping[str, Period], shock: DeclaredShock) -> pd.Series:
    """Return the months to leave out."""
    before, after = phases["before"], phases["after"]
    start = pd.Period(shock.start, "M")
    if shock.end is None or shock.end >= after.end:
        return pd.Series(months < start if shock.start < before.end else months >= start, index=months)
    end = pd.Period(shock.end, "M")
    if shock.start <= before.start and shock.end > before.end:
        return pd.Series(months >= end, index=months)
    return pd.Series((months >= start) & (months < end), index=months)
