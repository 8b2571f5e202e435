"""Does this test say "change" of these simulated counts?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from commonground.errors import StudyError
from evaluation.changes import change_test
from evaluation.dispersion import share_dispersion
from evaluation.foreseeing.designs import Design
from evaluation.panels import relative_rate_ratio
from evaluation.series import interrupted_series
from evaluation.shifts import shift_test
from evaluation.synthetic import synthetic_control

__all__ = ["LEAST_AREAS", "TESTS"]

Array = npt.NDArray[np.float64]
# Given counts (n, 1 + J), months before and a design: whether the test says "change"; None when it gives no p.
Test = Callable[[Array, int, Design], bool | None]


def _change_test(counts: Array, before: int, design: Design) -> bool | None:
    areas = pd.DataFrame(counts[:, 1:]) if design.comparison_areas else None
    found = change_test(pd.Series(counts[:, 0]), areas, before, level=1 - design.level)
    return None if found.refused else found.firm and found.p <= design.each_level


def _shift_test(counts: Array, before: int, design: Design) -> bool | None:
    treated, areas = pd.Series(counts[:, 0]), pd.DataFrame(counts[:, 1:])
    if not counts[:, 0].any():
        return None
    control, harmonics = (areas, 0) if design.comparison_areas else (None, 1)
    return shift_test(treated, before, control=control, harmonics=harmonics).p <= design.each_level


def _interrupted_series(counts: Array, before: int, design: Design) -> bool | None:
    try:
        return interrupted_series(pd.Series(counts[:, 0]), before, harmonics=1).p <= design.each_level
    except StudyError:  # no event before, or none after
        return None


def _relative(counts: Array, before: int, design: Design) -> bool | None:
    treated, together = counts[:, 0], counts[:, 1:].sum(axis=1)
    if not (treated[:before].any() and together[:before].any()):
        return None
    spread = share_dispersion(pd.Series(treated[:before]), pd.Series(together[:before]))
    pairs = [(series[:before].sum(), series[before:].sum()) for series in (treated, together)]
    p = relative_rate_ratio(*pairs, dispersion=(spread.phi, spread.df)).p
    return None if math.isnan(p) else p <= design.each_level


def _synthetic(counts: Array, before: int, design: Design) -> bool | None:
    return synthetic_control(pd.DataFrame(counts), 0, before).p <= design.each_level


TESTS: dict[str, Test] = {
    "change_test": _change_test,
    "shift_test": _shift_test,
    "interrupted_series": _interrupted_series,
    "relative_rate_ratio": _relative,
    "synthetic_control": _synthetic,
}
LEAST_AREAS = {"relative_rate_ratio": 1, "synthetic_control": 2}
