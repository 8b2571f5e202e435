"""How may the estimates of a declared evaluation be published, although they rest on exact counts?"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from commonground.disclosure.labels import significant
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.parts import COMPARED, part_passes
from commonground.disclosure.protected import Answer, Protected, check_seal, seal
from commonground.pickles import Published

__all__ = ["Registered", "register"]

MATCHED = (
    "relative_ratio", "relative_low", "relative_high", "wdd", "wdd_se", "wdd_se_poisson", "wdd_low", "wdd_high",
)  # fmt: skip
SERIES = ("series_ratio", "series_low", "series_high", "averted", "averted_low", "averted_high", "autocorrelation")
ESTIMATES = ("ratio", "low", "high", "smallest_fall", "smallest_rise", "dispersion", "p_floor", *SERIES, *MATCHED)
P_VALUES = ("p", "p_holm", "p_shift", "p_exact")
LEAST_P = 0.01  # a p of 0.00 is not one: what rounds below the last decimal is shown as that decimal
EXACT_ONLY = ("comparison_before", "comparison_after", "matched_before", "matched_after")
COUNTS = {"before": ("treated", "before"), "after": ("treated", "after"), "ring_before": ("ring", "before"),
          "ring_after": ("ring", "after")}  # fmt: skip
WINDOWS = ("matched_before", "matched_after", "ring_before", "ring_after")
WORDS = ("outcome", "label", "goal", "good", "primary", "reports")
#: How the checks of an outcome ended: passed, failed, informational or not made. Words, never a number.
CHECKS = ("check_placebo_dates", "check_placebo_outcomes", "check_comparison_swaps", "check_window_lengths",
          "check_parallel_change", "check_e_value")  # fmt: skip
PLAIN = ("margin", "judged_together", "months_before", "months_after", "matched_months", "comparison_areas", "firm",
         "reporting_low", "reporting_high", "refused", "cautions", "level", "verdict",
         "beyond_records", *CHECKS)  # fmt: skip
PLACEBOS, NOT_MADE = "check_placebo_outcomes", "not made"
CHANGE_SHOWN, CANNOT_TELL, LEVEL = "change shown", "cannot tell", 0.05
UNPUBLISHABLE = "too few people to publish"
AFTERWARDS = "declared after other outcomes of these records were published; beside them it could be subtracted"
REDEFINED = "published before under another definition, which stands"


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Registered(Published):
    """Verdicts of outcomes declared before the study was run, at the precision that may be published.

    Only `register` makes one: it cannot be built, or copied with other contents, by hand.

    Parameters
    ----------
    frame : DataFrame
        One row an outcome. Counts are labels of published blocks, estimates have 2 significant digits, p-values 2
        decimals; under the open profile counts are as published and estimates have 3.
    sentences : mapping of outcome to str
        The reading of each outcome, made from the rounded numbers.
    profile : str
    in_ledger : bool
    ledger : Path or None
        Where the rows stand.
    """

    released: ClassVar[bool] = True

    frame: pd.DataFrame = field(repr=False)
    sentences: Mapping[str, str]
    profile: str
    in_ledger: bool
    ledger: Path | None = field(default=None, repr=False)
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)

    def __repr__(self) -> str:
        return f"Registered({len(self.frame)} outcomes, profile={self.profile!r})"

    def _repr_html_(self) -> str:
        return self.frame.to_html(index=False, na_rep="-")

    def to_frame(self) -> pd.DataFrame:
        """Return one row an outcome."""
        return self.frame.copy()


def register(
    study: Any, evaluation: Any, protected: Mapping[str, Protected], *, book: Ledger | None = None
) -> Registered:
    """Round an evaluation to what may be published, and leave out what rests on zones that are not published.

    Parameters
    ----------
    study : Study
        Names the outcomes, phases and zones; anything it does not name is left out.
    evaluation : Evaluation
        As `evaluation.evaluate` returns it: ``to_frame()`` has a row an outcome, ``read(row)`` puts a row into words.
    protected : mapping of input to Protected
        The published cut, in the study's phases, of each input.
    book : Ledger, optional
        The ledger that the whole run holds, with what is not yet written; default: that of each input, opened anew.

    Returns
    -------
    Registered

    Notes
    -----
    The safety argument of the cut holds even if every exact block count is public, so estimates over zones that are
    unions of blocks in every phase give nothing away; rounding the counts that go into them would spoil the
    calibration. Of an outcome that is a part of its input, the part and the rest must both pass in every zone and
    phase. Estimates
    over matched months are left out where one of their counts is below k. A row is published once: it goes into the
    ledger, later runs repeat it, and a changed definition of the outcome is not published.
    """
    exact = evaluation.to_frame()
    exact = exact[exact["outcome"].isin(list(study.outcomes))].copy()
    gates = list(protected.values())
    place = next((gate.ledger for gate in gates if gate.ledger is not None), None)
    book = book or (None if place is None else Ledger(place))
    stood = book.evaluated() if book is not None else set()
    if PLACEBOS in exact and not _placebos_published(study, protected):
        exact[PLACEBOS] = NOT_MADE
    rows = [_released(study, row, protected, book, stood) for row in exact.to_dict("records")]
    rows = rows if study.policy == "open" else _alone(rows)
    return Registered(
        frame=pd.DataFrame(rows, columns=list(exact.columns)),
        sentences={row["outcome"]: evaluation.read(row) for row in rows},
        profile=study.policy,
        in_ledger=all(gate.in_ledger for gate in gates) and bool(gates),
        ledger=next((gate.ledger for gate in gates if gate.ledger is not None), None),
        seal=seal(),
    )


def _released(
    study: Any,
    row: dict[str, Any],
    protected: Mapping[str, Protected],
    book: Ledger | None,
    stood: Collection[str | None],
) -> dict[str, Any]:
    outcome = study.outcomes[row["outcome"]]
    gate = protected.get(outcome.input)
    if gate is None:
        return _withheld(row, UNPUBLISHABLE)
    if gate.profile == "open":
        return row | {name: significant(row[name], 3) for name in ESTIMATES if _known(row.get(name))}
    if not (_phases_published(study, gate) and _zones_published(study, gate)):
        return _withheld(row, UNPUBLISHABLE)
    own = book if gate.ledger is not None else None
    definition, name = _definition(study, outcome), row["outcome"]
    published = own.find_evaluation(name) if own else None
    if published is not None and published["definition"] != definition:
        return _withheld(row, REDEFINED)
    if published is None and outcome.input in stood and own:
        return _withheld(row, AFTERWARDS)
    if published is not None:
        shown: dict[str, Any] = published["row"]  # or none: a refusal stands, whatever came since
    else:
        passed = part_passes(study, name, gate)
        shown = json.loads(json.dumps(_rounded(row, gate), default=_plain)) if passed else {}
        if own:
            own.write_evaluation(name, definition, shown, outcome.input)
    if not shown:
        return _withheld(row, UNPUBLISHABLE)
    return shown | _labels(gate, outcome)  # the profile's own: the public does not see the partner's


def _placebos_published(study: Any, protected: Mapping[str, Protected]) -> bool:
    """Say whether every outcome that the operation cannot have moved could be published itself: checks rest on them."""
    for name, outcome in study.outcomes.items():
        if not getattr(outcome, "placebo", False) or study.policy == "open":
            continue
        gate = protected.get(outcome.input)
        if gate is None or not (_phases_published(study, gate) and _zones_published(study, gate)):
            return False
        if not part_passes(study, name, gate):
            return False
    return True


def _alone(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adjust each p by itself where another of its rank is withheld: Holm's p would tell the p of that one.

    Bonferroni's p is a function of the row alone, and at least as large.
    """
    for primary in (True, False):
        rank = [row for row in rows if bool(row.get("primary")) is primary]
        shown = [row for row in rank if _known(row.get("months_before"))]
        if len(shown) == len(rank):
            continue
        for row in shown:
            if _known(row.get("p")) and _known(row.get("p_holm")):
                row["p_holm"] = round(min(1.0, row["p"] * len(rank)), 2)
                if row["p_holm"] > LEVEL and row["verdict"] == CHANGE_SHOWN:
                    row["verdict"] = CANNOT_TELL
    return rows


def _phases_published(study: Any, gate: Protected) -> bool:
    return all(gate.periods.get(phase) == study.phases[phase] for phase in COMPARED)


def _zones_published(study: Any, gate: Protected) -> bool:
    """Say whether each zone is a union of published blocks in every phase."""
    return all(not _answer(gate, codes, phase).coarsen_to for codes in study.zones.values() for phase in gate.periods)


def _answer(gate: Protected, codes: tuple[str, ...], phase: str) -> Answer:
    published = {code for areas in gate.block_areas() for code in areas}
    if not set(codes) <= published:
        return Answer(None, None, None, tuple(codes))
    return gate.answer(codes, phase)


def _rounded(row: dict[str, Any], gate: Protected) -> dict[str, Any]:
    """Return a row without any count; a column that is not listed here is one."""
    listed = {*ESTIMATES, *P_VALUES, *WORDS, *PLAIN}
    shown = {name: value if name in listed else math.nan for name, value in row.items()}
    shown |= {name: significant(row[name]) for name in ESTIMATES if _known(row.get(name))}
    shown |= {name: max(round(row[name], 2), LEAST_P) for name in P_VALUES if _known(row.get(name))}
    k = 8 if gate.people_known else 13
    if any(_known(row.get(name)) and row[name] < k for name in WINDOWS):
        shown |= dict.fromkeys(MATCHED, math.nan)
    return shown | dict.fromkeys((*COUNTS, *EXACT_ONLY), math.nan)


def _labels(gate: Protected, outcome: Any) -> dict[str, Any]:
    """Return the labels of the zones, where the outcome is the whole of its input."""
    labelled = not outcome.where and outcome.count == gate.count == "events"
    shown: dict[str, Any] = {}
    for name, (zone, phase) in COUNTS.items():
        codes = gate.zones.get(zone)
        label = gate.answer(codes, phase).value if codes and labelled else None
        shown[name] = math.nan if label is None else label
    return shown


def _definition(study: Any, outcome: Any) -> str:
    """Return what makes it the same outcome: what is counted, where and when, and what was declared of it."""
    declared = {name: getattr(outcome, name) for name in
                ("input", "where", "count", "goal", "good", "primary", "margin", "reports", "reporting")}  # fmt: skip
    phases = {name: str(span) for name, span in study.phases.items()}
    ring = [list(study.for_ring)] if getattr(study, "for_ring", ()) else []
    mine = [shock for shock in getattr(study, "shocks", ()) if outcome.name in shock.outcomes]
    placebos = sorted(name for name, one in study.outcomes.items() if getattr(one, "placebo", False))
    beside = [placebos] if placebos else []
    known = [[[shock.name, str(shock.start), str(shock.end)] for shock in mine]] if mine else []
    text = json.dumps([declared, dict(study.zones), phases, *ring, *known, *beside], sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _withheld(row: dict[str, Any], why: str) -> dict[str, Any]:
    words = {name: value if name in WORDS else None for name, value in row.items()}
    return words | {"verdict": CANNOT_TELL, "cautions": why}


def _plain(value: Any) -> Any:
    """Return what JSON can hold of a numpy number or a mapping."""
    if isinstance(value, Mapping):
        return dict(value)
    return value.item() if isinstance(value, np.generic) else None


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)
