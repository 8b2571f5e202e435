"""How do registered verdicts become pictures? Drawing only."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from commonground.disclosure import Registered
from commonground.release.figures import Chart
from commonground.release.forest import ForestRow, forest_chart
from commonground.release.tables import require_origin

__all__ = ["verdict_chart"]


def verdict_chart(registered: Registered, *, title: str) -> Chart:
    """Draw the ratio and interval of every outcome, with its verdict in words.

    Parameters
    ----------
    registered : Registered
    title : str
        Ten words or fewer that say the finding.

    Returns
    -------
    Chart

    Raises
    ------
    NotReleasable
        For an evaluation that was not registered: its numbers are exact.
    """
    require_origin(registered)
    rows = [
        ForestRow(row["label"], _number(row["ratio"]), _number(row["low"]), _number(row["high"]), row["verdict"])
        for row in registered.to_frame().to_dict("records")
    ]
    return forest_chart(rows, title=title, origin=registered, unit="Ratio to what was expected")


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)
