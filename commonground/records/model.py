"""What is a checked set of rows about people, and what may be said of it?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd

from commonground.errors import CommonGroundError, GeographyError
from commonground.pickles import Exact
from commonground.records.texts import entries
from commonground.systems import crs_text

__all__ = ["COVERAGE_COLUMNS", "GUESSED", "KINDS", "Records"]

KINDS = ("contacts", "incidents", "arrests", "services")
COVERAGE_COLUMNS = ("source", "area", "start", "end")
GUESSED = (
    "Each source is taken to have reported every month from its first row to its last; where that is not so, declare "
    "when it reported."
)


@dataclass(frozen=True, repr=False, eq=False)
class Records(Exact):
    """Checked rows of one kind, with what was learnt while reading them.

    Parameters
    ----------
    kind : str
        contacts, incidents, arrests or services.
    frame : DataFrame
        One row a record, in our column names: start, end (civil time of the place, no zone), area, x, y, person,
        premises, event, setting, group (and group_*), service, mode, issues, consent, offence, role, outcome, source,
        n. Identifiers are pseudonyms already.
    coverage : DataFrame
        Columns source, area (missing: everywhere), start, end: the half-open spans of time for which each source
        reported. Inside a span no row means none; outside it means unknown.
    crs : str or None
        Coordinate reference system of x and y, as ``EPSG:27700``.
    timezone : str
        Civil time of the place.
    published : str or None
        Citation, when the source is already published.
    notes : tuple of str
        What the reader should know: rows without a place, months missing, columns dropped. No record contents.
    selection : str
        The column a part of the record set was taken by; empty for the whole set.
    """

    kind: str
    frame: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    crs: str | None = None
    timezone: str = "Europe/London"
    published: str | None = None
    notes: tuple[str, ...] = ()
    selection: str = ""

    def __repr__(self) -> str:
        return f"Records(kind={self.kind!r}, columns={list(self.frame.columns)})"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that were read."""
        return tuple(self.frame.columns)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, sorted."""
        return tuple(sorted(self.coverage["source"].unique()))

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the rows, for looking at in memory; nothing writes it."""
        return self.frame.copy()

    def with_coverage(self, coverage: pd.DataFrame) -> Records:
        """Return the same rows with a declared coverage in place of the guessed one.

        Parameters
        ----------
        coverage : DataFrame
            Columns source, start, end (half-open; text is YYYY-MM-DD) and, where a source saw only some areas, area.

        Raises
        ------
        CommonGroundError
            When a column is missing, a span is empty or has no date, or a source of the rows has no span.
        """
        absent = {"source", "start", "end"} - set(coverage.columns)
        if absent:
            missing = ", ".join(sorted(absent))
            raise CommonGroundError(f"the coverage has no column {missing}; it needs source, start and end.")
        declared = coverage.reindex(columns=list(COVERAGE_COLUMNS)).reset_index(drop=True)
        for side in ("start", "end"):
            declared[side] = pd.to_datetime(declared[side], format="ISO8601", errors="coerce").astype("datetime64[us]")
        if not (declared["start"] < declared["end"]).all():
            raise CommonGroundError("a span of the coverage has no date, or ends before it begins; correct it.")
        declared["source"], declared["area"] = (declared[name].astype("str") for name in ("source", "area"))
        rows = self.frame["source"] if "source" in self.frame else pd.Series(dtype="str")
        unknown = set(rows.dropna().unique()) - set(declared["source"])
        if unknown:
            raise CommonGroundError(
                f"{len(unknown)} source(s) of the {self.kind} are not in the coverage, so their rows would be lost; "
                "give each source a span, spelt as in the rows."
            )
        return replace(self, coverage=declared, notes=tuple(note for note in self.notes if note != GUESSED))

    def where(self, column: str, values: Collection[str]) -> Records:
        """Return the records whose column holds one of the values; the result says it is a selection.

        Of a column with several entries a cell (issues) one is enough. A selection can be analysed, but its tally is
        not protected: the rest could be had by subtraction.

        Raises
        ------
        CommonGroundError
            When there is no such column.
        """
        if column not in self.frame:
            raise CommonGroundError(f"the {self.kind} have no column {column!r}; map it when reading.")
        wanted = [values] if isinstance(values, str) else list(values)
        single = entries(self.frame[column], column)
        chosen = self.frame[self.frame.index.isin(single.index[single.isin(wanted)])]
        return replace(self, frame=chosen, selection=", ".join(filter(None, [self.selection, column])))

    def points(self) -> gpd.GeoSeries:
        """Return the located records as points in ``crs``; records without coordinates are left out.

        Raises
        ------
        GeographyError
            When the records have no coordinates.
        """
        if self.crs is None or "x" not in self.frame:
            raise GeographyError("these records have no coordinates; points need columns x and y and a crs.")
        located = self.frame.dropna(subset=["x", "y"])
        return gpd.GeoSeries(gpd.points_from_xy(located["x"], located["y"]), index=located.index, crs=self.crs)

    def to_crs(self, crs: object) -> Records:
        """Return the same records with x and y in another coordinate reference system.

        Raises
        ------
        GeographyError
            When the records have no coordinates.
        """
        moved = self.points().to_crs(crs)
        frame = self.frame.copy()
        frame.loc[moved.index, "x"] = moved.x
        frame.loc[moved.index, "y"] = moved.y
        return replace(self, frame=frame, crs=crs_text(moved.crs))

    def summary(self) -> str:
        """Say in plain words what was read and what to be careful about; no record contents."""
        lines = [f"{self.kind}: {len(self):,} rows from {', '.join(self.sources) or 'no dated source'}."]
        return "\n".join([*lines, *self.notes])
