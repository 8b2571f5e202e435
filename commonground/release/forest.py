"""How estimates and their intervals become a picture that separates "no change" from "cannot tell"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from commonground.release.figures import BLUE, INK, SOFT, TEAL, Chart, Look, check_chart, rendered, wrapped
from commonground.release.tables import require_origin

__all__ = ["ForestRow", "forest_chart"]

_AXIS = (0.1, 10.0)  # fixed, so that charts can be laid side by side; intervals that go on are drawn as arrows
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)

_LOOKS = {
    "change shown": Look(BLUE, "o", "-"),
    "no change that matters": Look(TEAL, "s", "-"),
    "cannot tell": Look(SOFT, "o", "--", filled=False),
}
_UNKNOWN = Look(SOFT, "D", ":", filled=False)


@dataclass(frozen=True)
class ForestRow:
    """One estimate.

    Parameters
    ----------
    label : str
        What was measured.
    ratio, low, high : float
        Ratio after over before and its interval; 0 and infinity are drawn as arrows, NaN as hidden.
    verdict : str
        ``change shown``, ``no change that matters`` or ``cannot tell``.
    """

    label: str
    ratio: float
    low: float
    high: float
    verdict: str


def forest_chart(
    rows: Sequence[ForestRow], *, title: str, origin: object, unit: str = "Ratio, after over before"
) -> Chart:
    """Draw ratios with their intervals on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of ForestRow
        From top to bottom.
    title : str
        The finding, ten words or fewer.
    origin : object
        The protected value or registered evaluation that the numbers came from.
    unit : str
        What the axis shows.

    Returns
    -------
    Chart
        Filled signs where something is shown, hollow and dashed where we cannot tell.

    Raises
    ------
    NotReleasable
        If `origin` is not a protected value.
    ValueError
        If there is no row or the title is too long.
    """
    require_origin(origin)
    check_chart(title, len(rows))

    def draw(axes: Axes) -> None:
        axes.set_xscale("log")
        axes.set_xlim(*_AXIS)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.axvline(1, color=INK, linewidth=1)
        for at, row in enumerate(rows):
            _draw_interval(axes, at, row)
            axes.annotate(_reading(row), (1.03, at), xycoords=("axes fraction", "data"), va="bottom", fontweight="bold")
            axes.annotate(row.verdict, (1.03, at + 0.04), xycoords=("axes fraction", "data"), va="top", color=SOFT)
        axes.set_yticks(range(len(rows)), [wrapped(row.label) for row in rows])
        axes.xaxis.set_major_locator(FixedLocator(_TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel(f"{unit} (1 is no change; arrows go on)")

    alt = f"{title}. {unit}: " + "; ".join(f"{r.label}, {_reading(r)}, {r.verdict}" for r in rows) + "."
    return rendered(draw, title, alt, height=1.7 + 0.62 * len(rows), right=0.73)


def _draw_interval(axes: Axes, at: int, row: ForestRow) -> None:
    """Draw one estimate; limits beyond the axis, 0 and infinity among them, become arrows."""
    look = _LOOKS.get(row.verdict, _UNKNOWN)
    if math.isnan(row.low) or math.isnan(row.high):
        axes.annotate("hidden: too few to show", (1, at), va="center", ha="center", color=SOFT, fontstyle="italic",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})  # fmt: skip
        return
    low, high = (min(max(limit, _AXIS[0]), _AXIS[1]) for limit in (row.low, row.high))
    axes.plot([low, high], [at, at], color=look.colour, linestyle=look.line, linewidth=2)
    ends = ((low, "<", row.low < _AXIS[0], 1.04), (high, ">", row.high > _AXIS[1], 1 / 1.04))
    for edge, arrow, beyond, inwards in ends:
        place, sign = (edge * inwards, arrow) if beyond else (edge, "|")
        axes.plot([place], [at], marker=sign, color=look.colour, markersize=9, markeredgewidth=2)
    if _AXIS[0] <= row.ratio <= _AXIS[1]:
        fill = look.colour if look.filled else "white"
        axes.plot([row.ratio], [at], look.marker, color=look.colour, mfc=fill, markersize=9, markeredgewidth=2)


def _reading(row: ForestRow) -> str:
    """Write an estimate at two significant digits."""
    if math.isnan(row.low) or math.isnan(row.high):
        return "hidden"
    point = "none" if math.isnan(row.ratio) else _digits(row.ratio)
    return f"{point} ({_digits(row.low)} to {_digits(row.high)})"


def _digits(value: float) -> str:
    if math.isinf(value):
        return "no limit"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:#.2g}".rstrip(".")
