"""The ordinary calibration set: a part of the grid in seconds, judged as the whole is."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.calibration.grid import TUNED, UNTUNED
from benchmarks.calibration.results import failing, pooled, table
from benchmarks.calibration.running import Run, Task, make

# Every mean, dispersion, memory, season, length and number of areas; more of those that are hard.
HARD = [
    cell
    for cell in TUNED
    if (cell.mean, cell.dispersion, cell.memory, cell.season, cell.before)
    in {(1, 0.5, 0.6, 0, 48), (4, 0.3, 0.6, 0.4, 24), (12, 0.5, 0.6, 0.4, 48), (12, 0, 0.6, 0, 24), (12, 0.5, 0, 0, 24)}
    and cell.areas in (0, 1, 5 if cell.mean < 12 else 19)
][:13]


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    """Simulate with a seed that is not the published run's."""
    settings = Run(series=100, fewer=40, seed=6)
    done = {
        Task(cell, part): make(Task(cell, part), settings) for cell in HARD for part in ("ours", "models", "intervals")
    }
    return table(done, HARD)


def test_the_set_has_every_kind_of_months() -> None:
    assert 8 <= len(HARD) <= 13
    for factor in ("mean", "dispersion", "memory", "season", "before"):
        assert {getattr(cell, factor) for cell in HARD} == {getattr(cell, factor) for cell in TUNED}, factor
    assert {cell.areas for cell in HARD} == {0, 1, 5, 19}
    assert not set(HARD) & set(UNTUNED)


@pytest.mark.parametrize("name", ["headline", "flag"])
def test_the_headline_and_the_flag_hold_their_level(found: pd.DataFrame, name: str) -> None:
    assert not failing(found, name).any()
    assert pooled(found, f"{name}_alarms", f"{name}_n") <= 0.07
    assert found[f"{name}_n"].sum() > 0.9 * 100 * len(found)


@pytest.mark.parametrize("name", ["exact", "newey", "cluster"])
def test_the_same_months_do_break_the_usual_tests(found: pd.DataFrame, name: str) -> None:
    """So the tests above can fail."""
    assert failing(found, name).sum() >= 3
    assert pooled(found, f"{name}_alarms", f"{name}_n") > 0.15


def test_a_halving_is_seen_and_intervals_hold_it(found: pd.DataFrame) -> None:
    assert pooled(found, "headline_half_alarms", "headline_half_n") > 0.15
    assert pooled(found, "cover_half", "cover_half_n") >= 0.93
