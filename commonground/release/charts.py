"""How published values become pictures: estimates, phases and periods.

Every chart says its finding in ten words or fewer, holds its values in an alternative text, and marks with signs,
strokes and words what it also colours. Hidden values are written as hidden.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from commonground.release.figures import (
    BLUE,
    INK,
    ORANGE,
    PLUM,
    RULE,
    SOFT,
    TEAL,
    Chart,
    Look,
    check_chart,
    rendered,
    wrapped,
)
from commonground.release.forest import ForestRow, forest_chart
from commonground.release.tables import cell_text, require_origin

__all__ = ["Chart", "ForestRow", "Marks", "bars_by_phase", "forest_chart", "index_lines"]


@dataclass(frozen=True)
class Marks:
    """What is written on a chart of periods.

    Parameters
    ----------
    title : str
        The finding, ten words or fewer.
    unit : str
        What is counted, per what: ``people a quarter``, ``index, average before = 100``.
    start, end : str
        First period of the operation and first period after it, as the index has them; empty for none.
    """

    title: str
    unit: str
    start: str = ""
    end: str = ""


_LINES = (
    Look(BLUE, "o", "-", sign="●"),
    Look(ORANGE, "s", "--", sign="■"),
    Look(TEAL, "^", "-.", sign="▲"),
    Look(PLUM, "D", ":", sign="◆"),
)


def bars_by_phase(
    labels: Sequence[str],
    before: Sequence[float],
    during: Sequence[float] | None,
    after: Sequence[float],
    *,
    title: str,
    unit: str,
    origin: object,
) -> Chart:
    """Draw values before, during and after, side by side for each label.

    Parameters
    ----------
    labels : sequence of str
        One group of bars each, from top to bottom.
    before, during, after : sequence of float
        Published values per unit of time (phases differ in length); missing where hidden. No middle phase: None.
    title : str
        The finding, ten words or fewer.
    unit : str
        What is counted, per what.
    origin : object
        The protected value that the numbers came from; an exact one is refused.

    Returns
    -------
    Chart
        Hidden values are written as hidden: they have no bar, and are no zero. The axis is a function of what is
        written on the chart.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value.
    ValueError
        If there is nothing to draw, lengths differ or the title is too long.
    """
    require_origin(origin)
    phases = [("Before", before, BLUE, ""), ("During", during, "#B9C2C8", "///"), ("After", after, ORANGE, "")]
    shown = [(name, list(values), colour, hatch) for name, values, colour, hatch in phases if values is not None]
    check_chart(title, len(labels))
    if any(len(values) != len(labels) for _, values, _, _ in shown):
        raise ValueError("labels and phases differ in length; give one value a label, missing where hidden")
    highest = max((value for _, values, _, _ in shown for value in values if not pd.isna(value)), default=1.0)
    thick = 0.8 / len(shown)

    def draw(axes: Axes) -> None:
        for place, (name, values, colour, hatch) in enumerate(shown):
            at = np.arange(len(labels)) - 0.4 + thick * (place + 0.5)
            widths = [0.0 if pd.isna(value) else float(value) for value in values]
            axes.barh(at, widths, thick * 0.9, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
            for y, value in zip(at, values, strict=True):
                word = "hidden: too few to show" if pd.isna(value) else cell_text(float(value))
                style = "italic" if pd.isna(value) else "normal"
                axes.annotate(
                    word, (0 if pd.isna(value) else value, y), (5, 0), textcoords="offset points", va="center",
                    fontsize=9.5, fontstyle=style, color=SOFT if pd.isna(value) else INK,
                )  # fmt: skip
        axes.set_xlim(0, highest * 1.12 or 1)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_yticks(range(len(labels)), [wrapped(label) for label in labels])
        axes.set_xlabel(unit[:1].upper() + unit[1:])
        axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, handlelength=1.6)

    words = [f"{label}: " + ", ".join(f"{name.lower()} {_shown(values[i])}" for name, values, _, _ in shown)
             for i, label in enumerate(labels)]  # fmt: skip
    return rendered(draw, title, f"{title}. {unit}. {'; '.join(words)}.", height=2.1 + 0.34 * len(shown) * len(labels))


def index_lines(series: pd.DataFrame, marks: Marks, *, origin: object) -> Chart:
    """Draw up to four series over periods.

    Parameters
    ----------
    series : DataFrame
        One row a period, in order, the index holding its label (``2019 Q1``); one column a line; missing where hidden.
    marks : Marks
        Title, unit and the periods of the operation.
    origin : object
        The protected value that the numbers came from; an exact one is refused.

    Returns
    -------
    Chart
        Hidden periods are gaps. Lines differ by sign and stroke and carry their name at the end.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value.
    ValueError
        If there are no or more than four lines, the title is too long, or an operation period is not in the index.
    """
    require_origin(origin)
    check_chart(marks.title, min(len(series), series.shape[1]))
    if series.shape[1] > 4:
        raise ValueError("more than four lines cannot be told apart; draw two charts")
    periods = [str(label) for label in series.index]
    missing = [name for name in (marks.start, marks.end) if name and name not in periods]
    if missing:
        raise ValueError("an operation period is not among the periods drawn; use a label of the index")

    def draw(axes: Axes) -> None:
        _shade(axes, periods, marks)
        ends = []
        for (name, column), look in zip(series.items(), _LINES, strict=False):
            values = column.to_numpy(dtype=float, na_value=np.nan)
            axes.plot(values, color=look.colour, marker=look.marker, linestyle=look.line, linewidth=2, markersize=5)
            last = np.flatnonzero(~np.isnan(values))
            if len(last):
                ends.append((float(values[last[-1]]), f"{look.sign} {name}"))
        top = float(np.nanmax(series.to_numpy(dtype=float, na_value=np.nan), initial=1.0))
        axes.set_ylim(0, top * 1.15)
        axes.set_xlim(-0.4, len(periods) - 0.6)
        for height, (_, name) in zip(_apart([end[0] for end in ends], top * 0.1), ends, strict=True):
            axes.annotate(wrapped(name, 18), (1.015, height), xycoords=("axes fraction", "data"), va="center")
        step = math.ceil(len(periods) / 12)
        axes.set_xticks(range(0, len(periods), step), [label.replace(" ", "\n") for label in periods[::step]])
        axes.grid(axis="y", color=RULE, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_title(marks.unit[:1].upper() + marks.unit[1:], loc="left", fontsize=11, color=SOFT)

    words = [
        f"{name}: " + ", ".join(f"{p} {_shown(v)}" for p, v in zip(periods, column, strict=True))
        for name, column in series.items()
    ]
    alt = f"{marks.title}. {marks.unit}. {'; '.join(words)}."
    return rendered(draw, marks.title, alt, height=4.8, left=0.8, right=0.8)


def _shown(value: float) -> str:
    return "hidden" if pd.isna(value) else cell_text(float(value))


def _shade(axes: Axes, periods: list[str], marks: Marks) -> None:
    """Shade the periods of the operation."""
    if not marks.start:
        return
    first = periods.index(marks.start) - 0.5
    last = periods.index(marks.end) - 0.5 if marks.end else len(periods) - 0.5
    axes.axvspan(first, last, color="#E7EEF5", zorder=0)
    axes.annotate("operation", ((first + last) / 2, 0.98), xycoords=("data", "axes fraction"), ha="center", va="top",
                  color=SOFT, fontsize=9.5)  # fmt: skip


def _apart(heights: list[float], gap: float) -> list[float]:
    """Move labels up until they are `gap` apart, lowest first."""
    placed = list(heights)
    for earlier, later in pairwise(np.argsort(heights)):
        placed[later] = max(placed[later], placed[earlier] + gap)
    return placed
