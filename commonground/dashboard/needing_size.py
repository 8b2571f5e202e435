"""In what range lies the number of people, as far as lists of them may tell it?"""

from __future__ import annotations

import pandas as pd

from commonground.disclosure import Ledger
from commonground.disclosure.ranges import Estimated, PublishedRange, publish_range
from commonground.errors import RecordsError
from commonground.study import Study
from mapping.coverage import coverage
from mapping.histories import CaptureHistories, capture_histories
from mapping.population import PopulationSize, population_size

__all__ = ["HOW_MANY", "size_of"]

HOW_MANY = "How many people there are"


def size_of(study: Study, book: Ledger | None, refused: dict[str, str]) -> PublishedRange | None:
    """Return the published range of how many people there are, or say in `refused` why there is none.

    Parameters
    ----------
    study : Study
        With lists of people under ``needs.lists``; None without any.
    book : Ledger or None
        In which the range is kept; None under the open profile.
    refused : dict of str to str
        Takes the reason, which holds no count.
    """
    assert study.needs is not None
    plan = study.needs.people
    if not plan.lists or plan.lists_window is None:
        return None
    if book is None:
        refused[HOW_MANY] = "published statistics name nobody, so no lists can be laid beside each other"
        return None
    sources = {}
    for name, spec in plan.lists.items():
        records = study.located(spec.input)
        for column, values in spec.where.items():
            records = records.where(column, values)
        sources[name] = records
    lists = {name: [spec.input, dict(spec.where), spec.feeds] for name, spec in plan.lists.items()}
    feeds = [(name, other) for name, spec in plan.lists.items() for other in spec.feeds]
    try:
        estimated = _estimated(study, capture_histories(sources, window=plan.lists_window, feeds=feeds))
    except RecordsError:
        # Which rule the records broke tells of them: it is refused as too few would be, and that stands.
        estimated = Estimated(float("nan"), float("nan"), "do not estimate", least_overlap=0)
    return publish_range(estimated, lists, window=plan.lists_window, book=book, profile=study.policy, as_of=study.as_of)


def _estimated(study: Study, histories: CaptureHistories) -> Estimated:
    found = population_size(histories.table, facts=histories.facts)
    low, high = found.interval if found.verdict == "usable" else found.floor_range
    return Estimated(
        low=float(low),
        high=float(high),
        verdict=found.verdict,
        least_overlap=histories.least_overlap,
        share=_share(study, histories.table, found),
    )


def _share(study: Study, table: pd.DataFrame, found: PopulationSize) -> tuple[float, float]:
    """Return the share of all people whom the lists of the demand's input reach."""
    assert study.needs is not None
    mine = [name for name, spec in study.needs.people.lists.items() if spec.input == study.needs.demand]
    if not mine or found.verdict == "do not estimate":
        return float("nan"), float("nan")
    reached = int(table.loc[table[mine].any(axis=1), "n"].sum())
    share = coverage({"reached": reached}, found).to_frame().iloc[0]
    return float(share["low"]), float(share["high"])
