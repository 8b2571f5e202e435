"""Every test of the calibration gives the p that its users would get."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from benchmarks.calibration.contenders import (
    PARTS,
    cluster_robust,
    exact,
    interval,
    local_level,
    newey_west,
    ours,
    quasi_poisson,
)
from benchmarks.calibration.grid import GRID, TUNED, Cell
from benchmarks.calibration.processes import draw
from evaluation import change_test

Counts = npt.NDArray[np.int64]
CALM = Cell(GRID, 6.0, 0.3, 0.0, 0.0, 24, 6, 2)


def study(cell: Cell = CALM, seed: int = 1, ratio: float = 1.0) -> Counts:
    return draw(cell, ratio, np.random.default_rng(seed))


@pytest.mark.parametrize("cell", TUNED[::13], ids=lambda cell: cell.name)
def test_our_p_flag_and_interval_are_those_of_a_plain_call(cell: Cell) -> None:
    for ratio in (1.0, 0.5):
        counts = study(cell, ratio=ratio)
        plain = change_test(counts[:, 0], pd.DataFrame(counts[:, 1:]) if cell.areas else None, cell.before)
        short, ends = ours(counts, cell.before), interval(counts, cell.before)
        assert np.array_equal([short["headline"], short["shift"]], [plain.p, plain.shift_p], equal_nan=True)
        assert np.array_equal([ends["low"], ends["high"]], [plain.low, plain.high], equal_nan=True)
        assert (short["flag"] <= 0.05) == plain.firm
        assert np.isnan(short["flag"]) == bool(plain.refused)
        assert short["exact"] == pytest.approx(plain.exact_p, abs=1e-9)


def test_an_interval_leaves_one_out_exactly_when_p_is_small() -> None:
    """The page counts coverage at a ratio of 1 by p."""
    small = 0
    for i, cell in enumerate(TUNED[96::11]):
        counts = study(cell, seed=i, ratio=0.4)
        p, ends = ours(counts, cell.before)["headline"], interval(counts, cell.before)
        assert (p <= 0.05) == (not ends["low"] <= 1 <= ends["high"])
        small += p <= 0.05
    assert 3 < small < 15


def test_too_little_to_go_on_is_no_answer_and_no_alarm() -> None:
    answers = ours(study(replace(CALM, mean=0.1)), 24)
    assert np.isnan([answers["headline"], answers["flag"], answers["shift"]]).all()


def test_the_exact_test_is_fishers_or_the_binomial_one() -> None:
    """Central p: twice the smaller tail, from scipy's tests of one side."""
    counts = study()
    (t0, t1), (c0, c1) = ((x[:24].sum(), x[24:].sum()) for x in (counts[:, 0], counts[:, 1:].sum(axis=1)))
    sides = [stats.fisher_exact([[t1, t0], [c1, c0]], alternative=side)[1] for side in ("less", "greater")]
    assert exact(counts, 24) == pytest.approx(min(1, 2 * min(sides)))
    alone = [stats.binomtest(int(t1), int(t0 + t1), 0.2, alternative=side).pvalue for side in ("less", "greater")]
    assert exact(counts[:, :1], 24) == pytest.approx(min(1, 2 * min(alone)))


def step_model(counts: Counts, before: int) -> sm.GLM:
    months = np.arange(len(counts))
    columns = {"level": np.ones(len(counts)), "step": (months >= before).astype(float)}
    offset = None
    if counts.shape[1] == 1:
        columns |= {"sin": np.sin(np.pi * months / 6), "cos": np.cos(np.pi * months / 6)}
    else:
        offset = np.log(counts[:, 1:].sum(axis=1) + 0.5)
    return sm.GLM(counts[:, 0], pd.DataFrame(columns), family=sm.families.Poisson(), offset=offset)


@pytest.mark.parametrize("areas", [0, 1, 5])
@pytest.mark.parametrize(("before", "after", "lags"), [(24, 6, 3), (48, 12, 3), (96, 24, 4)])
def test_quasi_poisson_and_newey_west_are_those_of_statsmodels(areas: int, before: int, after: int, lags: int) -> None:
    counts = study(replace(CALM, areas=areas, before=before, after=after, memory=0.6), seed=2)
    model = step_model(counts, before)
    quasi = model.fit(scale="X2", use_t=True).pvalues["step"]
    newey = model.fit(cov_type="HAC", cov_kwds={"maxlags": lags}).pvalues["step"]
    assert quasi_poisson(counts, before) == pytest.approx(quasi, abs=1e-9)
    assert newey_west(counts, before) == pytest.approx(newey, abs=1e-9)
    assert abs(quasi - newey) > 1e-4


def test_a_step_to_nothing_is_judged_as_statsmodels_judges_it() -> None:
    counts = study()
    counts[24:, 0] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = step_model(counts, 24).fit(scale="X2", use_t=True).pvalues["step"]
        assert quasi_poisson(counts, 24) == pytest.approx(wanted)
    assert PARTS["models"][1](counts, 24)["quasi"] == pytest.approx(wanted)


@pytest.mark.parametrize("areas", [2, 5, 19])
def test_the_clustered_panel_is_that_of_statsmodels(areas: int) -> None:
    counts = study(replace(CALM, areas=areas), seed=3)
    panel = pd.DataFrame(counts).melt(var_name="area", value_name="events")
    after = np.tile(np.arange(30) >= 24, areas + 1).astype(float)
    design = pd.get_dummies(panel["area"], dtype=float).assign(after=after, own=after * (panel["area"] == 0))
    design.columns = design.columns.astype(str)
    model = sm.GLM(panel["events"], design, family=sm.families.Poisson())
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": panel["area"].astype(int)})
    assert cluster_robust(counts, 24) == pytest.approx(fit.pvalues["own"], abs=1e-9)


def test_the_clustered_panel_gives_no_p_without_two_comparison_areas() -> None:
    assert np.isnan(cluster_robust(study(replace(CALM, areas=1)), 24))
    assert np.isnan(cluster_robust(study(replace(CALM, areas=0)), 24))
    stopped = study()
    stopped[24:, 0] = 0
    assert cluster_robust(stopped, 24) == 0


def by_state_space(counts: Counts, before: int) -> float:
    """Return the same p from statsmodels' Kalman filter and the steps of its forecast."""
    y = np.log(counts[:, 0] + 0.5)
    x = np.log(counts[:, 1:].sum(axis=1) + 0.5)[:, None] if counts.shape[1] > 1 else np.empty((len(y), 0))
    x = x - x[:before].mean(axis=0)
    options = {"exog": x[:before], "mle_regression": False} if x.shape[1] else {}
    fit = sm.tsa.UnobservedComponents(y[:before], "local level", **options).fit(disp=0, cov_type="none", maxiter=500)
    noise, walk = fit.params[:2]
    loading, ahead = np.column_stack([np.ones(len(y) - before), x[before:]]), np.arange(len(y) - before)
    spread = loading @ fit.predicted_state_cov[:, :, -1] @ loading.T
    spread = spread + walk * np.minimum.outer(ahead, ahead) + noise * np.eye(len(ahead))
    miss = (y[before:] - loading @ fit.predicted_state[:, -1]).mean()
    return float(2 * stats.norm.sf(abs(miss) / np.sqrt(spread.mean())))


def test_the_local_level_is_that_of_statsmodels() -> None:
    """Its optimiser stops early, or at another maximum, now and then: most studies agree closely."""
    apart = []
    for i, areas in enumerate([0, 1, 5] * 8):
        counts = study(replace(CALM, areas=areas, memory=0.6, before=48, after=12), seed=i)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            apart.append(abs(local_level(counts, 48) - by_state_space(counts, 48)))
    assert np.median(apart) < 0.002
    assert np.quantile(apart, 0.8) < 0.02


def test_the_local_level_sees_a_large_fall_and_not_a_small_one() -> None:
    counts = study(replace(CALM, mean=30.0, dispersion=0.0), seed=5)
    fallen = counts.copy()
    fallen[24:, 0] //= 4
    assert local_level(fallen, 24) < 0.01 < 0.05 < local_level(counts, 24)


def test_a_model_that_gives_up_gives_no_p() -> None:
    silent = np.zeros((30, 3), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers = PARTS["models"][1](silent, 24)
    assert np.isnan(answers["cluster"])
    assert not any(p <= 0.05 for p in answers.values())
