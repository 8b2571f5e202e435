"""What are the tests and the kinds of months called on the page?"""

from __future__ import annotations

import pandas as pd

__all__ = ["NAMES", "PROCESSES", "SHORT", "areas_in_words", "cell_in_words"]

NAMES = {
    "headline": "`change_test`, p (ours, the headline)",
    "flag": "`change_test`, firm (ours, the flag)",
    "shift": "circular shift test (ours, printed beside it)",
    "exact": "exact conditional test",
    "quasi": "quasi-Poisson regression, t",
    "newey": "Newey-West (Poisson regression, HAC)",
    "cluster": "Poisson panel, clustered by area",
    "local": "local level on log counts (CausalImpact style)",
}
SHORT = {
    "headline": "headline",
    "flag": "flag",
    "shift": "shift",
    "exact": "exact",
    "quasi": "quasi-Poisson",
    "newey": "Newey-West",
    "cluster": "clustered",
    "local": "local level",
}
PROCESSES = {
    "ingarch": "months that follow the last one (INGARCH: .3 of its count, .5 of its expected count)",
    "zeros": "three months in ten are empty, whatever happened (zero inflation)",
    "outliers": "one month in twenty is four times as high (outliers)",
    "level shift": "every area jumps once, up by half or down by a third, in a month of its own",
    "slow swings": "swings that last: standard deviation .5 of the log, correlation .9",
    "own trends": "every area grows or shrinks by 1.5 % a month on its own",
    "unlike areas": "the operation area swings (.6) and is dispersed (.5), the comparison areas are Poisson",
    "small areas": "comparison areas with one event a month, all areas dispersed (.3)",
}


def cell_in_words(row: pd.Series) -> str:
    """Say which months a row of the grid is about."""
    return (
        f"mean {row['mean']:g}, dispersion {row['dispersion']:g}, correlation {row['memory']:g}, season "
        f"{row['season']:g}, {row['before']}+{row['after']} months, {areas_in_words(row['areas'])}"
    )


def areas_in_words(areas: int) -> str:
    """Say how many comparison areas there are, for the head of a column."""
    return {0: "no area", 1: "1 area"}.get(areas, f"{areas} areas")
