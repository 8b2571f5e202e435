"""What must not be found in a study's files? Made from the live data, and kept in memory as hashes only."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import geopandas as gpd
import pandas as pd
import shapely

from commonground.areas import grid
from commonground.dashboard.tables import COUNT_COLUMNS
from commonground.disclosure import profile_named
from commonground.disclosure.inspection import Expectation, Needles, boundary_vertices
from commonground.formats import read_table
from commonground.records.schemas import IDENTIFIERS
from commonground.study import Input, Study
from mapping.spread import CELL

__all__ = ["expectation_of"]

TELLING = 8  # characters from which a value of a column that nobody asked for is looked for


def expectation_of(study: Study) -> Expectation:
    """Return what the attack on a study's files looks for and what it may meet.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Expectation
        Needles: every identifier as it stands in the files, every pseudonym, every exact place, and every longer value
        of columns that were not asked for. The open profile has no people to look for.
    """
    if study.policy == "open":
        return Expectation(dates=_dates(study), allowed=_public(study), made=False)
    rules = profile_named(study.policy)
    return Expectation(
        needles=Needles(_secrets(study), public=_public(study)),
        vertices=boundary_vertices(*_reference(study)),
        count_columns=COUNT_COLUMNS,
        k=rules.k,
        finest_time=rules.finest_time,
        dates=_dates(study),
        allowed=_public(study),
        made=False,
    )


def _reference(study: Study) -> list[gpd.GeoDataFrame]:
    """Return what may be drawn: the study's boundaries and, for a surface, the fixed lattice over them."""
    if study.surface is None:
        return [study.areas]
    window = gpd.GeoSeries([shapely.box(*study.areas.total_bounds)], crs=study.areas.crs)
    return [study.areas, grid(window, CELL)]


def _secrets(study: Study) -> Iterator[str]:
    for name, spec in study.inputs.items():
        if spec.kind == "services":
            continue
        frame = study.records(name).frame
        for column in IDENTIFIERS:
            if column in frame:
                yield from frame[column].dropna().unique()
        if "x" in frame:
            located = frame[["x", "y"]].dropna().drop_duplicates()
            yield from (f"{x:.0f} {y:.0f}" for x, y in located.itertuples(index=False, name=None))
            degrees = study.records(name).points().to_crs(4326)
            yield from {f"{point.y:.5f} {point.x:.5f}" for point in degrees}
        if spec.format == "table":
            yield from _raw(spec)


def _raw(spec: Input) -> Iterator[str]:
    """Yield identifiers as the partner wrote them, and longer values of columns that were never asked for."""
    mapping = dict(spec.columns or {})
    asked = {theirs for ours, theirs in mapping.items() if ours not in IDENTIFIERS}
    for file in spec.files:
        raw = read_table(file).frame
        for column in raw.columns:
            if column in asked or (not mapping and column not in IDENTIFIERS):
                continue
            values = raw[column].dropna().astype("str").unique()
            identifier = column in mapping.values() or column in IDENTIFIERS
            yield from (value for value in values if identifier or len(value) >= TELLING)


def _public(study: Study) -> frozenset[str]:
    """Return words that may be shown although they look like something else: names, opening hours, slots."""
    words = {
        *map(str, study.areas.index),
        *map(str, study.areas["name"]),
        study.digest,
        *((planned.plan_hash,) if (planned := study.registration) is not None else ()),
    }
    if study.needs is not None:
        words |= set(study.needs.slots.values())
        listed = [study.records(name).frame for name in study.needs.services]
        for services in listed:
            words |= {word for column in ("hours", "name") if column in services for word in services[column].dropna()}
    return frozenset(words)


_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


def _dates(study: Study) -> frozenset[dt.date]:
    """Return the days that the study file and its registration name themselves."""
    days = {study.as_of}
    for span in study.phases.values():
        days |= {span.start, span.end, span.end - pd.Timedelta(days=1)}
    planned = study.registration
    texts = [*study.declared.values(), *(planned.plan.values() if planned else ())]
    found = pd.to_datetime([day for text in texts for day in _DAY.findall(str(text))], errors="coerce").dropna()
    named = {day.date() for day in found}
    registered = {planned.date} if planned and planned.date else set()
    return frozenset(day.date() for day in days) | named | registered
