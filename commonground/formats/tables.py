"""What does a partner's file hold, before anyone decides what its columns mean?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from commonground.errors import Problem, RecordsError
from commonground.formats.headers import read_header
from commonground.formats.opening import check_file, file_bytes
from commonground.formats.refusals import NoRowsError, refusal
from commonground.formats.text import read_text
from commonground.formats.workbooks import read_workbook
from commonground.pickles import Exact

__all__ = ["RawTable", "read_table"]

TEXT_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
WORKBOOK_ENDINGS = (".xlsx", ".ods")
LAYER_ENDINGS = (".geojson", ".gpkg")
ENDINGS = (*TEXT_ENDINGS, *WORKBOOK_ENDINGS, ".parquet", *LAYER_ENDINGS)


@dataclass(frozen=True)
class RawTable(Exact):
    """A table as it was found.

    Parameters
    ----------
    frame : DataFrame
        Its rows. From a file the index is the row of the data from 0, so that ``index + 1`` names a row.
    crs : str or None
        Coordinate reference system of columns x and y, when the file says so.
    notes : tuple of str
        What had to be assumed or left out while reading. No contents.
    """

    frame: pd.DataFrame = field(repr=False)
    crs: str | None = None
    notes: tuple[str, ...] = ()


def read_table(source: Any, *, sheet: str | None = None, columns: Sequence[str] | None = None) -> RawTable:
    """Read one table from a file or from memory.

    Parameters
    ----------
    source : path, DataFrame or GeoDataFrame
        csv, csv.gz, tsv (every column as text), xlsx, ods, parquet, geojson or gpkg (points become columns x and y).
    sheet : str, optional
        Sheet of a workbook or layer of a GeoPackage; without it the largest, and the notes say which.
    columns : sequence of str, optional
        Read only these; x and y of a layer always come along.

    Returns
    -------
    RawTable

    Raises
    ------
    RecordsError
        For a file that is missing, empty, damaged, without rows, of an unknown kind, with duplicate column names or
        more than 500 columns. Messages never quote the file.

    Examples
    --------
    >>> read_table(pd.DataFrame({"area": ["Fernhill"], "n": [3]})).frame.shape
    (1, 2)
    """
    if isinstance(source, gpd.GeoDataFrame):
        return _from_layer(source, "the GeoDataFrame", columns)
    if isinstance(source, pd.DataFrame):
        return _from_frame(source, "the DataFrame", columns)
    path = Path(source)
    ending = path.name.casefold()
    if ending.endswith(TEXT_ENDINGS):
        frame, notes = read_text(file_bytes(path), path.name, columns=columns)
        return RawTable(frame, notes=notes)
    if ending.endswith(WORKBOOK_ENDINGS):
        frame, notes = read_workbook(path, sheet=sheet, columns=columns)
        return RawTable(frame, notes=notes)
    if ending.endswith(".parquet"):
        return _from_frame(_read_parquet(path, columns), path.name, columns)
    if ending.endswith(LAYER_ENDINGS):
        return _read_layer(path, sheet, columns)
    if path.is_dir():
        raise refusal(path.name, "is a folder", "Name one file in it.")
    rule = "is not a kind of file that is read here"
    raise refusal(path.name, rule, f"Save it as one of: {', '.join(ending[1:] for ending in ENDINGS)}.")


def _from_frame(frame: pd.DataFrame, name: str, columns: Sequence[str] | None) -> RawTable:
    header = read_header(list(frame.columns), name, columns=columns)
    if frame.empty:
        problem = Problem(None, name, "has a header and no rows", "Check the step that made it.")
        raise NoRowsError(f"{name} cannot be read; nothing was read.", [problem])
    kept = frame.iloc[:, list(header.positions)].set_axis(list(header.names), axis="columns")
    return RawTable(kept, notes=header.notes)


def _read_parquet(path: Path, columns: Sequence[str] | None) -> pd.DataFrame:
    check_file(path)
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            read_header(names, path.name, columns=columns)
            frame: pd.DataFrame = file.read(columns=None if columns is None else list(columns)).to_pandas()
    except RecordsError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError):  # one byte wrong may break any part of it
        raise refusal(path.name, "is damaged or not a parquet file", "Export it again.") from None
    return frame


def _read_layer(path: Path, layer: str | None, columns: Sequence[str] | None) -> RawTable:
    check_file(path)
    notes: tuple[str, ...] = ()
    try:
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is not None and layer not in layers:
            advice = f"It has {len(layers)}; check the name."
            raise refusal(path.name, "does not have the layer that was asked for", advice)
        if layer is None:
            sizes = [pyogrio.read_info(path, layer=name, force_feature_count=True)["features"] for name in layers]
            place = sizes.index(max(sizes))
            layer = layers[place]
            if len(layers) > 1:
                said = f"number {place + 1}, the one with most features, was read"
                notes = (f"{path.name} has {len(layers)} layers; {said}.",)
        info = pyogrio.read_info(path, layer=layer)
        read_header(list(info["fields"]) or ["geometry"], path.name, columns=columns)
        frame = gpd.read_file(path, layer=layer, columns=None if columns is None else list(columns))
    except (DataSourceError, DataLayerError):
        raise refusal(path.name, "is damaged or not what its name says", "Export it again.") from None
    table = _from_layer(frame, path.name, columns)
    return RawTable(table.frame, crs=table.crs, notes=(*notes, *table.notes))


def _from_layer(layer: gpd.GeoDataFrame, name: str, columns: Sequence[str] | None) -> RawTable:
    """Turn a layer of points into a table with x and y."""
    points = layer.geometry
    located = ~(points.isna() | points.is_empty)
    if not (points[located].geom_type == "Point").all():
        rule = "holds shapes that are not single points"
        raise refusal(name, rule, "Give one point a record, or name the area in a column.")
    frame = pd.DataFrame(layer.drop(columns=points.name))
    notes = []
    if {"x", "y"} & set(frame.columns):
        frame = frame.drop(columns=["x", "y"], errors="ignore")
        notes.append(f"{name} has columns called x or y; the points were taken in their place.")
    if not located.all():
        notes.append(f"{name}: {int((~located).sum())} row(s) have no point.")
    places = pd.DataFrame({"x": points.x, "y": points.y}).where(located)
    wanted = None if columns is None else [*(c for c in columns if c not in places), "x", "y"]
    table = _from_frame(pd.concat([frame, places], axis="columns"), name, wanted)
    return RawTable(table.frame, crs=_crs_name(layer), notes=(*notes, *table.notes))


def _crs_name(layer: gpd.GeoDataFrame) -> str | None:
    if layer.crs is None:
        return None
    code = layer.crs.to_epsg()
    return f"EPSG:{code}" if code else str(layer.crs.to_wkt())
