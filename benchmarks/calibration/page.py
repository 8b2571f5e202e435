"""What does the calibration say, in words first and then in tables?"""

from __future__ import annotations

import pandas as pd
from scipy import stats

from benchmarks.calibration import tables
from benchmarks.calibration.results import ALLOWED, CONTENDERS, Stamp, failing, pooled, tuned
from benchmarks.calibration.tables import percent, rates, share
from benchmarks.calibration.words import NAMES, PROCESSES, areas_in_words, cell_in_words

__all__ = ["page"]

_OURS = ("headline", "flag")
_LEAST_COVER = 0.93


def page(frame: pd.DataFrame, stamp: Stamp) -> str:
    """Return the page, in Markdown.

    Parameters
    ----------
    frame : DataFrame
        As `results.table` makes it.
    stamp : mapping
        Sizes, seed and versions of the run.
    """
    grid, others = frame[tuned(frame)], frame[~tuned(frame)]
    parts = [
        "# Calibration: false alarms and power of the test of before and after",
        _promise(grid, stamp),
        _found(grid),
        _fails(others),
        _made(grid, others, stamp),
        "## Every test on the grid",
        tables.contenders(grid),
        "## False alarms by what the months are like",
        tables.by_factor(grid),
        "## The headline, cell by cell",
        tables.by_cell(grid),
        "## Power at a halving",
        tables.power(grid),
        "## Intervals",
        tables.coverage(grid),
        "## Series it was not tuned on",
        tables.untuned(others),
        "## Studies refused",
        tables.refusals(grid),
    ]
    return "\n\n".join(parts) + "\n"


def _promise(grid: pd.DataFrame, stamp: Stamp) -> str:
    allowed, series = percent(ALLOWED), int(stamp["series"])
    low, high = (stats.binom.ppf(tail, series, 0.05) / series for tail in (0.025, 0.975))
    return (
        "**What is promised.** Where nothing changed, `change_test` says p ≤ .05 in about one study in twenty, and not "
        f"in more than {allowed} %, whatever the months are like on the grid below. A kind of months (a cell) fails "
        f"when its false alarms could hardly come from a true rate of {allowed} %: p below .001 with Holm's correction "
        f"over the {len(grid)} cells. Intervals hold the true ratio in at least {percent(_LEAST_COVER)} % of studies. "
        "Where there is too little to go on, no p is given; such studies are counted apart. By chance alone, a cell of "
        f"{stamp['series']} studies with a true 5 % shows {percent(low)} to {percent(high)} %, and the worst of "
        f"{len(grid)} such cells more."
    )


def _found(grid: pd.DataFrame) -> str:
    said = []
    for name in CONTENDERS:
        each, bad = rates(grid, name), failing(grid, name)
        worst = grid.loc[[each.idxmax()]].iloc[0]
        line = f"{NAMES[name]}: {share(grid, name)} % false alarms, worst cell {percent(each.max())} %"
        if name in _OURS:
            verdict = f"**Not passed: {bad.sum()} cells fail.**" if bad.any() else "Passed: no cell fails."
            said.append(f"{line} ({cell_in_words(worst)}). {verdict}")
        else:
            said.append(f"{line}; {bad.sum()} of {each.notna().sum()} cells fail.")
    one, half = 1 - pooled(grid, "headline_alarms", "headline_n"), pooled(grid, "cover_half", "cover_half_n")
    verdict = "Passed." if min(one, half) >= _LEAST_COVER else "**Not passed.**"
    said.append(
        f"Intervals hold a true ratio of 1 in {percent(one)} % and of .5 in {percent(half)} % of studies. {verdict}"
    )
    low = pooled(grid[grid["mean"] == 1], "headline_half_alarms", "headline_half_n")
    high = pooled(grid[grid["mean"] == grid["mean"].max()], "headline_half_alarms", "headline_half_n")
    said.append(
        f"The price is power: of the studies in which the rate was halved, the headline saw {percent(low)} % at one "
        f"event a month and {percent(high)} % at {grid['mean'].max():g}. Where it sees nothing, that shows nothing."
    )
    return "**What was found.**\n\n- " + "\n- ".join(said)


def _fails(others: pd.DataFrame) -> str:
    """Name the kinds of series, by number of comparison areas, that go above what is promised."""
    above = []
    for process in others["process"].unique():
        for areas in sorted(others["areas"].unique()):
            group = others[(others["process"] == process) & (others["areas"] == areas)]
            if pooled(group, "headline_alarms", "headline_n") > ALLOWED:
                rate, firm = share(group, "headline"), share(group, "flag")
                above.append(f"{PROCESSES[process]}; {areas_in_words(areas)}: {rate} % (firm: {firm} %)")
    if not above:
        return f"**Where it fails.** No kind of series below raises more than {percent(ALLOWED)} % over its cells."
    intro = (
        f"**Where it fails.** Series that it was not tuned on, with more than {percent(ALLOWED)} % false alarms over "
        "their cells (all kinds are in a table further down):"
    )
    reason = (
        "Where levels drift, jump or linger on their own for many months, before differs from after without any "
        "operation, and a test of before and after calls that a change. It cannot say what caused it: look at the "
        "months before for a drift or a jump, and at placebo dates."
    )
    return f"{intro}\n\n- " + "\n- ".join(above) + f"\n\n{reason}"


def _made(grid: pd.DataFrame, others: pd.DataFrame, stamp: Stamp) -> str:
    versions = ", ".join(f"{name} {stamp[name]}" for name in ("commonground", "numpy", "scipy", "statsmodels"))
    return (
        "**How it was made.** `make calibrate`, or `python -m benchmarks.calibration`; stopped, it goes on where it "
        f"was. Seed {stamp['seed']}; {versions}. {len(grid)} cells of the grid (mean 1, 4, 12 events a month; "
        "dispersion 0, .3, .5; swings of the log rate of standard deviation .5 and correlation .6 from month to month, "
        "or none; a season of .4 of the mean, of any phase and the same in all areas, or none; 24 + 6 and 48 + 12 "
        f"months; 0, 1, 5, 19 comparison areas of the same mean) and {len(others)} cells of other series. In each, "
        f"{stamp['series']} studies without a change and {stamp['fewer']} with a true ratio of .5, the same ones for "
        f"all tests, and {stamp['fewer']} intervals. The models are those of statsmodels: its numbers to many "
        "digits, by shorter routes, or its own answer where the routes end. Every number on this page is read from "
        "`benchmarks/calibration/results.csv`, which has all cells of all tests."
    )
