"""How may the estimates of a declared evaluation be published, although they rest on exact counts?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from commonground.disclosure.labels import significant
from commonground.disclosure.protected import Answer, Protected

__all__ = ["Registered", "register"]

ESTIMATES = (
    "ratio",
    "low",
    "high",
    "relative_ratio",
    "relative_low",
    "relative_high",
    "wdd",
    "wdd_se",
    "wdd_se_poisson",
    "wdd_low",
    "wdd_high",
    "smallest_fall",
    "smallest_rise",
    "dispersion",
    "p_floor",
)
P_VALUES = ("p", "p_holm", "p_shift", "p_exact")
EXACT_ONLY = ("comparison_before", "comparison_after", "matched_before", "matched_after")
COUNTS = {
    "before": ("treated", "before"),
    "after": ("treated", "after"),
    "ring_before": ("ring", "before"),
    "ring_after": ("ring", "after"),
}
UNPUBLISHABLE = "too few people to publish"


@dataclass(frozen=True, repr=False, eq=False)
class Registered:
    """Verdicts of outcomes declared before the study was run, at the precision that may be published.

    Parameters
    ----------
    frame : DataFrame
        One row an outcome. Counts are labels of published blocks, estimates have 2 significant digits, p-values 2
        decimals; under the open profile counts are as published and estimates have 3.
    sentences : mapping of outcome to str
        The reading of each outcome, made from the rounded numbers.
    profile : str
    in_ledger : bool
    """

    released: ClassVar[bool] = True

    frame: pd.DataFrame = field(repr=False)
    sentences: Mapping[str, str]
    profile: str
    in_ledger: bool

    def __repr__(self) -> str:
        return f"Registered({len(self.frame)} outcomes, profile={self.profile!r})"

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False, na_rep="-")

    def to_frame(self) -> pd.DataFrame:
        """Return one row an outcome."""
        return self.frame.copy()


def register(study: Any, evaluation: Any, protected: Mapping[str, Protected]) -> Registered:
    """Round an evaluation to what may be published, and leave out what rests on zones that are not published.

    Parameters
    ----------
    study : Study
        Names the outcomes and zones; anything it does not name is left out.
    evaluation : Evaluation
        As `evaluation.evaluate` returns it: ``to_frame()`` has a row an outcome, ``read(row)`` puts a row into words.
    protected : mapping of input to Protected
        The published cut, in the study's phases, of each input.

    Returns
    -------
    Registered

    Notes
    -----
    The safety argument of the cut holds even if every exact block count is public, so estimates over zones that are
    unions of blocks in every phase give nothing away; rounding the counts that go into them would spoil the
    calibration.
    """
    exact = evaluation.to_frame()
    exact = exact[exact["outcome"].isin(list(study.outcomes))]
    rows, sentences = [], {}
    for row in exact.to_dict("records"):
        outcome = study.outcomes[row["outcome"]]
        gate = protected.get(outcome.input)
        whole_input = not outcome.where
        shown = (
            _rounded(row, gate, whole_input) if gate is not None and _zones_published(study, gate) else _withheld(row)
        )
        rows.append(shown)
        sentences[row["outcome"]] = evaluation.read(shown)
    gates = list(protected.values())
    return Registered(
        frame=pd.DataFrame(rows, columns=list(exact.columns)),
        sentences=sentences,
        profile=study.policy,
        in_ledger=all(gate.in_ledger for gate in gates) and bool(gates),
    )


def _zones_published(study: Any, gate: Protected) -> bool:
    """Say whether each zone is a union of published blocks in every phase."""
    return all(
        gate.profile == "open" or not _answer(gate, codes, phase).coarsen_to
        for codes in study.zones.values()
        for phase in gate.periods
    )


def _answer(gate: Protected, codes: tuple[str, ...], phase: str) -> Answer:
    published = {code for areas in gate.block_areas() for code in areas}
    if not set(codes) <= published:
        return Answer(None, None, None, tuple(codes))
    return gate.answer(codes, phase)


def _rounded(row: dict[str, Any], gate: Protected, whole_input: bool) -> dict[str, Any]:
    if gate.profile == "open":
        return row | {name: significant(row[name], 3) for name in ESTIMATES if _known(row.get(name))}
    shown = row | {name: significant(row[name]) for name in ESTIMATES if _known(row.get(name))}
    # A p of 0.00 is not one: what rounds below the last decimal is shown as that decimal.
    shown |= {name: max(round(row[name], 2), 0.01) for name in P_VALUES if _known(row.get(name))}
    for name, (zone, phase) in COUNTS.items():
        codes = gate.zones.get(zone)
        label = gate.answer(codes, phase).value if codes and whole_input and phase in gate.periods else None
        shown[name] = float("nan") if label is None else label
    return shown | dict.fromkeys(EXACT_ONLY, float("nan"))


def _withheld(row: dict[str, Any]) -> dict[str, Any]:
    words = ("outcome", "label", "goal", "good", "primary", "unit")
    return {name: value if name in words else None for name, value in row.items()} | {
        "verdict": "cannot tell",
        "cautions": UNPUBLISHABLE,
    }


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)
