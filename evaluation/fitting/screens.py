"""How does an exact series look on the researcher's own screen? Drawing only; nothing here is for release."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from commonground.release.figures import BLUE, INK, ORANGE, SOFT

__all__ = ["series_plot"]

_CALENDAR = 1500 * 12  # months from here on are years x 12; smaller ones only count months


def series_plot(fitted: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw exact monthly counts with the fitted line, its interval, and the line without the operation.

    Parameters
    ----------
    fitted : DataFrame
        As `evaluation.fitting.fitted.fitted_months` returns it: phase, counts, fitted, low, high, unchanged, by month.
    ax : Axes, optional
        Where to draw; a new figure when left out.
    title : str, optional

    Returns
    -------
    Axes
        For one's own screen: the numbers are exact, the picture says so, and nothing here writes it to a file. What is
        published is drawn from protected values.
    """
    if ax is None:
        from matplotlib import pyplot as plt

        ax = plt.figure(figsize=(9, 4.2), layout="constrained").add_subplot()
    months, phase = fitted.index.to_numpy(), fitted["phase"]
    every = range(int(months[0]), int(months[-1]) + 1)  # a month not observed is a gap
    for name, run in fitted.groupby("phase", sort=False):
        part = run.reindex([month for month in every if run.index[0] <= month <= run.index[-1]])
        first = name == "before"
        ax.fill_between(part.index, part["low"], part["high"], color=BLUE, alpha=0.15, linewidth=0)
        ax.plot(part.index, part["fitted"], color=BLUE, linewidth=2, label="fitted, with its interval" if first else "")
    moved = fitted[phase != "before"].reindex(every)
    ax.plot(moved.index, moved["unchanged"], color=ORANGE, linestyle="--", linewidth=2, label="without the operation")
    ax.plot(months, fitted["counts"], "o", markersize=4.5, color=INK, mfc="white", clip_on=False, label="recorded")
    operation = fitted.index[phase == "during"]
    if len(operation):
        ax.axvspan(operation[0] - 0.5, operation[-1] + 0.5, color="#E7EEF5", zorder=0, label="operation")
    elif (phase == "after").any():
        ax.axvline(fitted.index[phase == "after"][0] - 0.5, color=SOFT, linestyle=":", label="operation")
    _finish_series(ax, title, calendar=months[0] >= _CALENDAR)
    return ax


def _finish_series(ax: Axes, title: str, *, calendar: bool) -> None:
    """Label an exact series, and say on it that it is exact."""
    ax.set_ylim(bottom=0)
    ax.set_ylabel("Recorded events a month")
    ax.xaxis.set_major_locator(MultipleLocator(12))
    if calendar:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda month, _: f"{int(month) // 12}"))
        ax.xaxis.set_minor_locator(MultipleLocator(3))
    ax.set_title(title, loc="left", fontweight="bold", color=BLUE)
    ax.set_title("exact numbers, not for release", loc="right", fontsize=9, color=SOFT, style="italic")
    ax.legend(frameon=False, fontsize=9, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
