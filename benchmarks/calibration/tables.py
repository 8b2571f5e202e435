"""Which tables show the calibration, by test, by kind of months and cell by cell?"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from benchmarks.calibration.results import CONTENDERS, failing, pooled
from benchmarks.calibration.words import NAMES, PROCESSES, SHORT, areas_in_words, cell_in_words

__all__ = [
    "by_cell",
    "by_factor",
    "contenders",
    "coverage",
    "percent",
    "power",
    "rates",
    "refusals",
    "share",
    "untuned",
]

_FACTORS = {
    "mean": "events a month",
    "dispersion": "dispersion",
    "memory": "correlation of swings",
    "season": "season",
    "before": "months before",
    "areas": "comparison areas",
}


def contenders(grid: pd.DataFrame) -> str:
    rows = []
    for name in CONTENDERS:
        each = rates(grid, name)
        adjusted = "–" if name == "flag" else percent(pooled(grid, f"{name}_half_adjusted", f"{name}_half_n"))
        rows.append(
            [
                NAMES[name],
                share(grid, name),
                percent(each.median()),
                percent(each.max()),
                f"{int(failing(grid, name).sum())} of {each.notna().sum()}",
                percent(pooled(grid, f"{name}_half_alarms", f"{name}_half_n")),
                adjusted,
            ]
        )
    head = ["test", "false alarms %", "median cell", "worst cell", "cells failing", "power %", "power held to 5 %"]
    compared = grid[grid["cluster_n"] > 0]
    same = pooled(compared, "headline_half_adjusted", "headline_half_n")
    note = (
        "Power: p ≤ .05 at a true ratio of .5, over all cells. **The power of a test that raises false alarms cannot "
        'be compared**: it also says "change" when there is none. The last column gives every test the cut-off that '
        "leaves 5 % in each cell, which nobody can know outside a simulation; it is rough, being taken from the same "
        "studies. Without comparison areas the models have a yearly wave; with them, the log of their sum as "
        "offset. The exact test has no season, so windows that are not whole years count against it. The "
        f"clustered panel needs two comparison areas; on the cells that have them the headline, held to 5 %, has "
        f"{percent(same)} %. A study for which a test gives no p is left out of its counts."
    )
    return f"{_markdown(head, rows)}\n\n{note}"


def by_factor(grid: pd.DataFrame) -> str:
    rows = []
    for factor, words in _FACTORS.items():
        for level, group in grid.groupby(factor):
            after = f" + {group['after'].iloc[0]} after" if factor == "before" else ""
            rows.append([f"{words} {level:g}{after}", *(share(group, name) for name in CONTENDERS)])
    return "Per cent, all cells of each line together.\n\n" + _markdown(
        ["months", *(SHORT[name] for name in CONTENDERS)], rows
    )


def by_cell(grid: pd.DataFrame) -> str:
    kind = ["mean", "dispersion", "memory", "season", "before"]
    wide = grid.assign(rate=rates(grid, "headline")).pivot(index=kind, columns="areas", values="rate")
    rows = [
        [*(f"{value:g}" for value in label), *(percent(rate) for rate in line)]
        for label, line in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    head = [
        "mean",
        "dispersion",
        "correlation",
        "season",
        "months before",
        *(areas_in_words(areas) for areas in _levels(grid)),
    ]
    return f"False alarms, per cent of the studies that got a p. {_highest(grid)}\n\n{_markdown(head, rows)}"


def power(grid: pd.DataFrame) -> str:
    rows = []
    calm, steady = grid["dispersion"] == 0, grid["memory"] == 0
    kinds = {"Poisson": calm & steady, "dispersed": ~calm & steady, "swinging": ~steady}
    for name in ("headline", "flag"):
        for mean in sorted(grid["mean"].unique()):
            for words, kind in kinds.items():
                group = grid[kind & (grid["mean"] == mean)]
                shares = [_halved(part, name) for _, part in group.groupby(["before", "areas"])]
                rows.append([SHORT[name], f"{mean:g}", words, *shares])
    columns = [f"{before}+{after}, {areas_in_words(areas)}" for before, after, areas in _designs(grid)]
    same = grid[calm & steady]
    fair = [[NAMES[name], *(_halved(part, name) for _, part in same.groupby("areas"))] for name in CONTENDERS]
    return (
        "Per cent of the studies with a p that say p ≤ .05 (or are firm) at a true ratio of .5.\n\n"
        + _markdown(["", "mean", "months", *columns], rows)
        + "\n\nWhere the months are Poisson most tests hold their level, and power can be compared; all means and both "
        "lengths together:\n\n" + _markdown(["test", *(areas_in_words(areas) for areas in _levels(grid))], fair)
    )


def coverage(grid: pd.DataFrame) -> str:
    rows = []
    at_half = grid["cover_half"] / grid["cover_half_n"].where(grid["cover_half_n"] > 0)
    groups = [(areas_in_words(areas), grid[grid["areas"] == areas]) for areas in _levels(grid)]
    for words, group in [("all cells", grid), *groups]:
        one = [1 - pooled(group, "headline_alarms", "headline_n"), 1 - rates(group, "headline").max()]
        half = [pooled(group, "cover_half", "cover_half_n"), at_half[group.index].min()]
        rows.append([words, *(percent(value) for value in (*one, *half))])
    worst = grid.loc[[at_half.idxmin()]].iloc[0]
    return (
        "Per cent of 95 % intervals that hold the true ratio. At 1 they are counted by p: an interval leaves 1 out "
        "exactly when p ≤ .05 (tested).\n\n"
        + _markdown(["", "at 1", "worst cell at 1", "at .5", "worst cell at .5"], rows)
        + f"\n\nWorst cell at .5: {cell_in_words(worst)} ({worst['cover_half']} of {worst['cover_half_n']}). The worst "
        "of many cells of so few studies is lower than its true share."
    )


def untuned(others: pd.DataFrame) -> str:
    names = ["headline", "flag", "shift", "exact", "quasi", "newey", "cluster", "local"]
    bad = failing(others, "headline")
    rows = []
    for process, areas in others[["process", "areas"]].drop_duplicates().itertuples(index=False):
        group = others[(others["process"] == process) & (others["areas"] == areas)]
        rows.append(
            [
                PROCESSES[process],
                str(areas),
                *(share(group, name) for name in names),
                percent(rates(group, "headline").max()),
                str(int(bad[group.index].sum())),
                percent(pooled(group, "cover_half", "cover_half_n")),
            ]
        )
    head = ["months", "areas", *(SHORT[name] for name in names), "headline, worst cell", "cells failing", "cover at .5"]
    note = (
        "Per cent false alarms; each line joins means 4 and 12 and both lengths. Cells failing: of the headline, by "
        f"the same rule, Holm over these {len(others)} cells."
    )
    return f"{note}\n\n{_markdown(head, rows)}"


def refusals(grid: pd.DataFrame) -> str:
    most = int(grid["exact_n"].max())
    rows = []
    for mean, group in grid.groupby("mean"):
        shares = [1 - part["headline_n"].sum() / (most * len(part)) for _, part in group.groupby(["before", "areas"])]
        rows.append([f"{mean:g}", *(percent(share) for share in shares)])
    columns = [f"{before}+{after}, {areas_in_words(areas)}" for before, after, areas in _designs(grid)]
    return (
        "Per cent of studies without a change for which `change_test` gives no p: fewer than four events to be "
        "expected after, or nothing to compare with. They are neither alarms nor correct answers.\n\n"
        + _markdown(["mean", *columns], rows)
    )


def _highest(grid: pd.DataFrame) -> str:
    """Join the cells that differ in dispersion and season alone: less is left to chance than in the worst cell."""
    sums = grid.groupby(["mean", "memory", "before", "after", "areas"], as_index=False)[
        ["headline_alarms", "headline_n", "flag_alarms", "flag_n"]
    ].sum()
    worst = sums.loc[[rates(sums, "headline").idxmax()]]
    row = worst.iloc[0]
    return (
        f"With all dispersions and seasons together ({len(grid) // len(sums)} cells, which leaves less to chance) the "
        f"highest is {share(worst, 'headline')} % (firm: {share(worst, 'flag')} %): mean {row['mean']:g}, correlation "
        f"{row['memory']:g}, {row['before']:g}+{row['after']:g} months, {areas_in_words(int(row['areas']))}."
    )


def _levels(grid: pd.DataFrame) -> list[int]:
    return sorted(grid["areas"].unique())


def _designs(grid: pd.DataFrame) -> list[tuple[int, int, int]]:
    return sorted(set(zip(grid["before"], grid["after"], grid["areas"], strict=True)))


def rates(frame: pd.DataFrame, name: str) -> pd.Series:
    answered = frame[f"{name}_n"]
    return frame[f"{name}_alarms"] / answered.where(answered > 0)


def share(frame: pd.DataFrame, name: str) -> str:
    return percent(pooled(frame, f"{name}_alarms", f"{name}_n"))


def _halved(frame: pd.DataFrame, name: str) -> str:
    return percent(pooled(frame, f"{name}_half_alarms", f"{name}_half_n"))


def percent(share: float) -> str:
    return "–" if pd.isna(share) else f"{100 * share:.1f}".removesuffix(".0")


def _markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
