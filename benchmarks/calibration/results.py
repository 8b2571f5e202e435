"""What did the run find, as one small table that is kept beside the code?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

import pandas as pd
from scipy import stats

from benchmarks.calibration.contenders import PARTS
from benchmarks.calibration.grid import GRID, Cell
from benchmarks.calibration.running import Found, Task
from evaluation.conditional import holm

__all__ = ["ALLOWED", "CELL", "CONTENDERS", "Stamp", "failing", "pooled", "read", "table", "tuned", "write"]

Stamp = Mapping[str, str | int]

# Passed when no cell's count has p < .001 (Holm over cells) under a true rate of .07 (issue: calibrated, or silent).
ALLOWED, _CERTAIN = 0.07, 0.001

CELL = [field.name for field in fields(Cell)]
CONTENDERS = [name for part, (names, _) in PARTS.items() if part != "intervals" for name in names]
_COUNTS = ("n", "alarms", "half_n", "half_alarms", "half_adjusted")
_COVER = ["cover_half_n", "cover_half"]
_COLUMNS = CELL + [f"{name}_{count}" for name in CONTENDERS for count in _COUNTS] + _COVER


def table(done: Mapping[Task, Found], cells: Iterable[Cell]) -> pd.DataFrame:
    """Return one row a cell in the order of the grid: its description, then the counts of `running.make`.

    A part that was not run on a cell has 0 studies there.
    """
    rows = []
    for cell in cells:
        found: Found = {}
        for part in PARTS:
            found |= done.get(Task(cell, part), {})
        rows.append(vars(cell) | found)
    frame = pd.DataFrame(rows, columns=_COLUMNS).fillna(0)
    return frame.astype(dict.fromkeys(_COLUMNS[len(CELL) :], int))


def write(frame: pd.DataFrame, stamp: Stamp, path: Path) -> None:
    """Write the table with the run's sizes, seed and versions in its first line."""
    head = "# " + " ".join(f"{name}={value}" for name, value in stamp.items() if name != "code")
    path.write_text(f"{head}\n{frame.to_csv(index=False, lineterminator=chr(10))}", encoding="utf-8", newline="\n")


def read(path: Path) -> tuple[dict[str, str], pd.DataFrame]:
    """Read the stamp and the table back."""
    with path.open(encoding="utf-8") as file:
        stamp = dict(part.split("=", 1) for part in file.readline().removeprefix("# ").split())
        return stamp, pd.read_csv(file)


def tuned(frame: pd.DataFrame) -> pd.Series:
    """Return which rows are of the grid that the test was developed on."""
    return frame["process"] == GRID


def pooled(frame: pd.DataFrame, top: str, bottom: str) -> float:
    """Return the share of all studies in these cells together; NaN without any."""
    studies = frame[bottom].sum()
    return float(frame[top].sum() / studies) if studies else float("nan")


def failing(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return which cells raise more false alarms than a true rate of .07 explains.

    Upper binomial tail of each cell's alarms among the studies answered, Holm over the cells given; below .001 fails.

    Parameters
    ----------
    frame : DataFrame
        One row a cell.
    name : str
        A contender.
    """
    alarms, answered = frame[f"{name}_alarms"], frame[f"{name}_n"]
    tails = stats.binom.sf(alarms - 1, answered, ALLOWED)
    return pd.Series(holm(tails) < _CERTAIN, index=frame.index) & (answered > 0)
