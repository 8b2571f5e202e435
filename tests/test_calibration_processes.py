"""The series of the calibration are what they are called: means, variances and memories beside theory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.calibration.grid import GRID, PROCESSES, TUNED, UNTUNED, Cell
from benchmarks.calibration.processes import draw

LONG = Cell(GRID, 4.0, 0.0, 0.0, 0.0, 30_000, 6, 3)
SWING = 0.25  # variance of the log rate, .5 squared


def series(cell: Cell, seed: int = 0) -> npt.NDArray[np.float64]:
    return draw(cell, 1.0, np.random.default_rng(seed)).astype(float)


def covariance(counts: npt.NDArray[np.float64], lag: int, mean: float) -> float:
    first, second = counts[: len(counts) - lag] - mean, counts[lag:] - mean
    return float((first * second).mean())


def test_the_grid_is_the_one_that_was_promised() -> None:
    assert len(set(TUNED)) == 3 * 3 * 2 * 2 * 2 * 4
    assert {cell.mean for cell in TUNED} == {1, 4, 12}
    assert {cell.dispersion for cell in TUNED} == {0, 0.3, 0.5}
    assert {cell.memory for cell in TUNED} == {0, 0.6}
    assert {cell.season for cell in TUNED} == {0, 0.4}
    assert {(cell.before, cell.after) for cell in TUNED} == {(24, 6), (48, 12)}
    assert {cell.areas for cell in TUNED} == {0, 1, 5, 19}
    assert {cell.process for cell in UNTUNED} == set(PROCESSES)
    assert {"ingarch", "zeros", "outliers", "level shift"} <= set(PROCESSES)
    assert len({cell.name for cell in (*TUNED, *UNTUNED)}) == len(TUNED) + len(UNTUNED)


@pytest.mark.parametrize("dispersion", [0.0, 0.3, 0.5])
def test_counts_without_memory_have_the_negative_binomial_variance(dispersion: float) -> None:
    counts = series(replace(LONG, dispersion=dispersion))
    assert counts.mean() == pytest.approx(4, rel=0.01)
    assert counts.var() == pytest.approx(4 + dispersion * 16, rel=0.04)
    assert covariance(counts, 1, 4) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_swings_have_the_variance_and_the_memory_of_a_log_gaussian_process(dispersion: float) -> None:
    """E[rate] 4; cov at lag k 16 (exp(.25 x .6^k) - 1); variance 4 + 16 ((1 + d) exp(.25) - 1)."""
    counts = series(replace(LONG, dispersion=dispersion, memory=0.6), seed=1)
    assert counts.mean() == pytest.approx(4, rel=0.02)
    assert counts.var() == pytest.approx(4 + 16 * ((1 + dispersion) * np.exp(SWING) - 1), rel=0.05)
    for lag in (1, 2, 4):
        assert covariance(counts, lag, 4) == pytest.approx(16 * (np.exp(SWING * 0.6**lag) - 1), abs=0.25)
    assert np.corrcoef(counts.T)[0, 1] == pytest.approx(0, abs=0.03)  # every area swings on its own


def test_the_season_is_a_wave_of_the_given_height_shared_by_all_areas() -> None:
    counts = series(replace(LONG, season=0.4, before=29_994), seed=2)
    by_month = counts.reshape(-1, 12, counts.shape[1]).mean(axis=0)
    waves = np.fft.fft(by_month, axis=0)[1] / 6
    assert np.abs(waves) == pytest.approx(0.4 * 4, rel=0.06)
    assert np.angle(waves / waves[0]) == pytest.approx(0, abs=0.1)
    other = series(replace(LONG, season=0.4, before=29_994), seed=3).reshape(-1, 12, 4).mean(axis=0)
    assert abs(np.angle(np.fft.fft(other, axis=0)[1, 0] / np.fft.fft(by_month, axis=0)[1, 0])) > 0.3


def test_ingarch_has_the_published_variance_and_autocorrelation() -> None:
    """Ferland, Latour and Oraichi (2006), INGARCH(1,1), a = .3 and b = .5.

    Variance mean x (1 - (a+b)^2 + a^2) / (1 - (a+b)^2) = 1.25 x mean; rho(1) = a (1 - b (a+b)) / (1 - (a+b)^2 + a^2)
    = .4; rho(k) = .8^(k-1) x .4.
    """
    counts = series(replace(LONG, process="ingarch"), seed=4)
    assert counts.mean() == pytest.approx(4, rel=0.02)
    assert counts.var() == pytest.approx(5, rel=0.04)
    for lag, correlation in ((1, 0.4), (2, 0.32), (4, 0.2048)):
        assert covariance(counts, lag, 4) / counts.var() == pytest.approx(correlation, abs=0.03)


def test_inflated_zeros_and_outliers_keep_the_mean() -> None:
    zeros = series(replace(LONG, process="zeros"), seed=5)
    assert zeros.mean() == pytest.approx(4, rel=0.02)
    assert (zeros == 0).mean() == pytest.approx(0.3 + 0.7 * np.exp(-4 / 0.7), abs=0.005)
    outliers = series(replace(LONG, process="outliers"), seed=6)
    assert outliers.mean() == pytest.approx(4, rel=0.02)
    factor = np.array([1, 4]) / 1.15
    spread = 0.95 * factor[0] ** 2 + 0.05 * factor[1] ** 2 - 1
    assert outliers.var() == pytest.approx(4 + 16 * spread, rel=0.05)


def test_every_area_jumps_once_up_by_half_or_down_by_a_third() -> None:
    cell = Cell("level shift", 4000.0, 0.0, 0.0, 0.0, 48, 12, 39)
    counts = series(cell, seed=7)
    last = counts[-1] / 4000
    assert set(np.round(last, 1)) <= {0.6, 0.7, 1.4, 1.5, 1.6}
    steps = np.abs(np.diff(np.log(counts), axis=0)) > 0.2
    assert (steps.sum(axis=0) == 1).all()
    assert len({int(np.argmax(column)) for column in steps.T}) > 15


def test_trends_are_each_areas_own_and_slow_swings_last() -> None:
    trends = series(Cell("own trends", 40_000.0, 0.0, 0.0, 0.0, 48, 12, 19), seed=8)
    slopes = np.polyfit(np.arange(60), np.log(trends), 1)[0]
    assert np.abs(slopes) == pytest.approx(0.015, rel=0.05)
    assert len(set(np.sign(slopes))) == 2
    slow = series(replace(LONG, process="slow swings"), seed=9)
    for lag in (1, 6):
        assert covariance(slow, lag, 4) == pytest.approx(16 * (np.exp(SWING * 0.9**lag) - 1), abs=0.5)


def test_areas_unlike_the_operation_area_are_calm_or_small() -> None:
    unlike = series(replace(LONG, process="unlike areas"), seed=10)
    assert unlike[:, 0].var() == pytest.approx(4 + 16 * (1.5 * np.exp(SWING) - 1), rel=0.06)
    assert unlike[:, 1:].var() == pytest.approx(4, rel=0.03)
    small = series(replace(LONG, process="small areas"), seed=11)
    assert small[:, 0].mean() == pytest.approx(4, rel=0.03)
    assert small[:, 1:].mean() == pytest.approx(1, rel=0.03)
    assert small[:, 1:].var() == pytest.approx(1.3, rel=0.05)


@pytest.mark.parametrize("process", [GRID, *PROCESSES])
def test_a_change_halves_the_months_after_in_the_operation_area_alone(process: str) -> None:
    cell = Cell(process, 12.0, 0.0, 0.0, 0.0, 24, 6, 2)
    plain, halved = (
        sum(draw(cell, ratio, np.random.default_rng([12, i])) for i in range(300)) / 300 for ratio in (1.0, 0.5)
    )
    assert np.array_equal(plain[:24], halved[:24])
    assert np.array_equal(plain[:, 1:], halved[:, 1:])
    assert halved[24:, 0].mean() / plain[24:, 0].mean() == pytest.approx(0.5, abs=0.02)


def test_a_halved_rate_keeps_its_dispersion() -> None:
    """Thinned by half, a negative binomial of mean 12 has mean 6 and the same d: variance 6 + .5 x 36."""
    cell = Cell(GRID, 12.0, 0.5, 0.0, 0.0, 1, 30_000, 0)
    counts = draw(cell, 0.5, np.random.default_rng(13))[1:, 0]
    assert counts.mean() == pytest.approx(6, rel=0.03)
    assert counts.var() == pytest.approx(6 + 0.5 * 36, rel=0.06)
