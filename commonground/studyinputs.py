"""Which files does a study name as a source of records, and how are they read?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from commonground import formats
from commonground.periods import Period
from commonground.pseudonyms import study_key
from commonground.records import Records, read_records

__all__ = ["Input", "read_input"]

READERS: Mapping[str, Callable[[Any], Records]] = {
    "police_uk": formats.read_police_uk,
    "mps_boroughs": formats.read_mps_boroughs,
    "nhs_clinics": formats.read_nhs_clinics,
    "nhs_pharmacies": formats.read_nhs_pharmacies,
}


@dataclass(frozen=True)
class Input:
    """One source of records, as the study names it."""

    name: str
    kind: str
    files: tuple[Path, ...]
    format: str = "table"
    columns: Mapping[str, str] | None = None
    crs: str | None = None
    key: str | None = None
    published: str | None = None
    source: str | None = None
    reported: tuple[Period, ...] = ()
    phases: tuple[str, ...] = ("before", "during", "after")


def read_input(spec: Input, study: str) -> Records:
    """Read the records of one input, with the declarations of the study.

    Parameters
    ----------
    spec : Input
    study : str
        Title of the study: codes of two studies with one key cannot be linked.

    Returns
    -------
    Records
    """
    source: Any = list(spec.files) if len(spec.files) > 1 else spec.files[0]
    if spec.format == "table":
        key = study_key(spec.key, study)
        records = read_records(source, spec.kind, columns=spec.columns, crs=spec.crs, key=key, published=spec.published)
    else:
        records = READERS[spec.format](source)
    if spec.published:
        records = replace(records, published=spec.published)
    if spec.source and len(records.coverage):  # a table without a source column: the rows have one source, their kind
        renamed = records.frame.assign(source=spec.source)
        records = replace(records, frame=renamed, coverage=records.coverage.assign(source=spec.source))
    if spec.reported:
        rows = [
            {"source": source_name, "area": None, "start": span.start, "end": span.end}
            for source_name in records.sources
            for span in spec.reported
        ]
        records = records.with_coverage(pd.DataFrame(rows))
    return records
