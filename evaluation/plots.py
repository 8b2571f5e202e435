"""How do registered verdicts and published counts become pictures? Drawing only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from commonground.disclosure import Protected, Registered
from commonground.release.figures import BLUE, INK, ORANGE, RULE, SOFT, TEAL, Chart, check_chart, rendered, wrapped
from commonground.release.forest import ForestRow, forest_chart
from commonground.release.tables import require_origin
from evaluation.consistency import AreaConsistency, area_consistency
from evaluation.counts import Checks
from evaluation.tradeoffs import trade_offs

__all__ = ["funnel_plot", "tradeoff_chart", "verdict_chart"]

# Columns of the trade-off chart: where a shown change goes by what was declared of it, then what was not shown.
_COLUMNS = (
    "Bad,\nas declared",
    "Moved, neither\ngood nor bad",
    "Good,\nas declared",
    "No change\nthat matters",
    "Cannot tell",
)
_HOW = (
    "Arrows say how recorded numbers moved; columns what that was declared to be, before looking.\n"
    "Goals are not added up, and none of this shows what caused a change."
)
_LEFT_EDGE = -0.58  # of the axes' width: where the rows begin
_ARROWS = {"rose": "▲", "fell": "▼", "changed": "◆"}
_COLOURS = (ORANGE, INK, BLUE, TEAL, SOFT)
_MOST_NAMED = 8  # areas named beside a funnel
_RATIOS = (0.1, 10.0)  # fixed, as in the forest chart: funnels can be laid side by side
_DOTS: Mapping[str, Any] = {"-": ":", "--": (0, (1, 4))}
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)


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


def tradeoff_chart(registered: Registered, *, title: str) -> Chart:
    """Draw which goals moved which way: a row an outcome, grouped by goal, a column an answer; no numbers.

    Parameters
    ----------
    registered : Registered
    title : str
        Ten words or fewer that say the finding.

    Returns
    -------
    Chart
        An arrow up or down says how recorded numbers moved, the column what that was declared to be beforehand. Goals
        without an outcome have a row that says so.

    Raises
    ------
    NotReleasable
        For an evaluation that was not registered.
    ValueError
        When there is no outcome or the title is too long.
    """
    require_origin(registered)
    found = trade_offs(registered.to_frame())
    check_chart(title, len(found.outcomes))
    lines = _lines(found.goals, found.outcomes)

    def draw(axes: Axes) -> None:
        axes.set_xlim(-0.5, len(_COLUMNS) - 0.5)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.axvline(2.5, color=RULE, linewidth=1.5)
        for at, (_, label, place, sign, word) in enumerate(lines):
            axes.plot((_LEFT_EDGE, 1), (at + 0.5, at + 0.5), color=RULE, linewidth=0.7, clip_on=False,
                      transform=axes.get_yaxis_transform())  # fmt: skip
            if place is None:
                axes.annotate(word, (1, at), ha="center", va="center", color=SOFT, fontstyle="italic")
                continue
            colour = _COLOURS[place]
            axes.annotate(sign, (place, at - 0.18), ha="center", va="center", color=colour, fontsize=15)
            axes.annotate(wrapped(word, 14), (place, at + 0.04), ha="center", va="top", color=SOFT, fontsize=9.5)
            axes.annotate(wrapped(label, 24), (-0.02, at), xycoords=("axes fraction", "data"), ha="right", va="center")
        _goal_names(axes, [line[0] for line in lines])
        axes.set_xticks(range(len(_COLUMNS)), _COLUMNS, fontsize=9.5)
        axes.xaxis.tick_top()
        axes.annotate(_HOW, (0.017, 0), (0, -14), xycoords=("figure fraction", "axes fraction"), va="top", color=SOFT,
                      textcoords="offset points", fontsize=9.5)  # fmt: skip
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)

    alt = f"{title}. " + " ".join(found.text.split("\n\n"))
    return rendered(draw, title, alt, height=1.75 + 0.78 * len(lines), left=3.3)


def funnel_plot(
    protected: Protected,
    *,
    title: str,
    periods: tuple[str, str] = ("before", "after"),
    names: Mapping[str, str] | None = None,
) -> Chart:
    """Draw the change of each published block against its number of events, with exact control limits.

    Parameters
    ----------
    protected : Protected
        Events, without categories.
    title : str
        Ten words or fewer that say the finding.
    periods : pair of str, default ("before", "after")
        Published periods.
    names : mapping of block to words, optional

    Returns
    -------
    Chart
        Limits of 95 % (line) and 99.8 % (dashes); where the blocks spread more than chance would spread them, the
        limits that allow for it (dots). Blocks with a hidden number are left out, and counted in words. All of it is
        worked out from published numbers.

    Raises
    ------
    NotReleasable
        When `protected` is not a protected value.
    StudyError
        When it counts people, has categories or not these periods, or fewer than 3 blocks have numbers.
    ValueError
        When the title is too long.
    """
    require_origin(protected)
    checks = Checks("funnel_plot")
    people = "Draw events: people met often are no independent counts"
    checks.require(protected.count == "events" and not protected.by, "protected", "needs events, no categories", people)
    absent = [period for period in periods if period not in protected.periods]
    checks.require(not absent, "periods", f"has {', '.join(absent)}, which is not published", "Use protected.periods")
    checks.done()
    wide = protected.table().astype(float)
    days = (protected.days[periods[0]], protected.days[periods[1]])
    found = area_consistency(wide[periods[0]], wide[periods[1]], exposure=days)
    table = found.table.rename(index=dict(names or {}))
    shown = table.dropna(subset=["p"])
    check_chart(title, len(shown))

    def draw(axes: Axes) -> None:
        _draw_limits(axes, found)
        _draw_areas(axes, shown)
        axes.set_yscale("log")
        axes.set_ylim(*_RATIOS)
        axes.yaxis.set_major_locator(FixedLocator(_TICKS))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlim(0, float(shown["events"].max()) * 1.12)
        axes.set_xlabel("Events before and after together, as published")
        axes.set_title("Rate after / rate before", loc="left", fontsize=11, color=SOFT)
        axes.legend(loc="upper left", bbox_to_anchor=(1.06, 1.02), frameon=False, fontsize=9.5, handlelength=2.6)

    return rendered(draw, title, _funnel_words(title, found, shown, len(table)), height=5.4, left=0.8, right=0.7)


def _lines(goals: pd.DataFrame, outcomes: pd.DataFrame) -> list[tuple[str, str, int | None, str, str]]:
    """Return goal, label, column, sign and word of each line; a goal without an outcome has one line."""
    lines: list[tuple[str, str, int | None, str, str]] = []
    for goal, name in zip(goals["goal"], goals["name"], strict=True):
        mine = outcomes[outcomes["goal"] == goal].to_dict("records")
        lines += [] if mine else [(name, "", None, "", "not measured by this study")]
        for row in mine:
            place = {"bad": 0, "neither": 1, "good": 2, "": 3}[row["judged"]] if row["told"] else 4
            recorded = f"recorded numbers {row['moved']}" if row["reports"] else row["moved"]
            word = recorded if row["judged"] else {3: "no change", 4: "cannot tell"}[place]
            lines.append((name, row["label"], place, _ARROWS.get(row["moved"], "■" if place == 3 else "○"), word))
    return lines


def _goal_names(axes: Axes, goals: list[str]) -> None:
    """Write each goal once, beside its first line."""
    for at, goal in enumerate(goals):
        if at == 0 or goals[at - 1] != goal:
            axes.annotate(wrapped(goal, 14), (0.017, at), xycoords=("figure fraction", "data"), va="center",
                          fontweight="bold", color=BLUE)  # fmt: skip


def _draw_limits(axes: Axes, found: AreaConsistency) -> None:
    """Draw the overall change and the limits, and those that allow for more spread where there is."""
    axes.axhline(found.overall, color=INK, linewidth=1, label="all together")
    for (level, curve), stroke in zip(found.limits().groupby("level"), ("-", "--"), strict=True):
        drawn = {"": (BLUE, stroke, "limits")}
        if found.dispersion > 1:
            drawn["_dispersed"] = (TEAL, _DOTS[stroke], "limits, wider:\nblocks vary more")
        for name, (colour, line, what) in drawn.items():
            for side, label in (("low", f"{100 * float(str(level)):g} % {what}"), ("high", "")):
                inside = curve[side + name].where(curve[side + name].between(*_RATIOS))
                axes.plot(curve["events"], inside, color=colour, linestyle=line, linewidth=1.4, label=label)


def _draw_areas(axes: Axes, shown: pd.DataFrame) -> None:
    """Draw the areas; those outside the limits filled and numbered, with their names beside the axes."""
    named: list[str] = []
    for _, rows in shown.groupby(["events", "ratio"], sort=False):  # areas at one place share a number
        row = rows.iloc[0]
        outside = row["side"] != "inside"
        marker = {"above": "^", "below": "v"}.get(str(row["side"]), "o")
        place = (float(row["events"]), float(np.clip(row["ratio"], *_RATIOS)))
        axes.plot(*place, marker, color=ORANGE if outside else SOFT, mfc=ORANGE if outside else "white", markersize=8,
                  markeredgewidth=1.5, clip_on=False, zorder=4)  # fmt: skip
        if outside:
            named.append(wrapped(f"{len(named) + 1}  {', '.join(map(str, rows.index))}", 26))
            axes.annotate(str(len(named)), place, (0, 8), textcoords="offset points", ha="center", zorder=5)
    if len(named) > _MOST_NAMED:
        named = [*named[:_MOST_NAMED], f"and {len(named) - _MOST_NAMED} more, see the words"]
    if named:
        text = "\n".join(["Outside the limits:", *named])
        axes.annotate(text, (1.06, 0.5), xycoords="axes fraction", va="top", fontsize=9.5, annotation_clip=False)


def _funnel_words(title: str, found: AreaConsistency, shown: pd.DataFrame, blocks: int) -> str:
    """Put the chart into words, ratios at two significant digits."""
    where = {"inside": "inside the limits", "above": "above them", "below": "below them"}
    said = [f"{label}: {_digits(row['ratio'])}, {where[row['side']]}" for label, row in shown.iterrows()]
    hidden = f" {blocks - len(shown)} blocks have a hidden number." if blocks > len(shown) else ""
    return (
        f"{title}. Rate after / rate before of {len(shown)} blocks, worked out from published numbers, against 95 % "
        f"and 99.8 % limits around that of all together, {_digits(found.overall)}: {'; '.join(said)}.{hidden}"
    )


def _digits(value: float) -> str:
    return f"{value:#.2g}".rstrip(".") if math.isfinite(value) else "no limit"


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)
