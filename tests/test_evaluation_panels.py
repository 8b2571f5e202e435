"""Four counts and synthetic comparisons: published values, other implementations and planted truths."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from scipy.stats.contingency import odds_ratio

from commonground.errors import StudyError
from evaluation.dispersion import share_dispersion
from evaluation.panels import relative_rate_ratio
from evaluation.synthetic import synthetic_control, synthetic_did

DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
count = st.integers(0, 40)


@pytest.fixture(scope="module")
def california() -> pd.DataFrame:
    path = DATA / "known_results" / "california_prop99.csv"
    if not path.exists():
        pytest.skip("the California panel is not here; set COMMONGROUND_DATA to the folder of open data")
    return pd.read_csv(path, sep=";").set_index(["Year", "State"])["PacksPerCapita"].unstack()


def test_the_relative_rate_ratio_is_the_hand_worked_one() -> None:
    # log .5, standard error sqrt(2 (1/100 + 1/50 + 1/200 + 1/200)) = .282843, t(23) quantile 2.068658
    found = relative_rate_ratio((100, 50), (200, 200), dispersion=(2.0, 23))
    assert found.ratio == pytest.approx(0.5)
    assert found.low == pytest.approx(0.5 * math.exp(-2.068658 * 0.2828427), rel=1e-6)
    assert found.high == pytest.approx(0.5 * math.exp(2.068658 * 0.2828427), rel=1e-6)
    assert found.p == pytest.approx(2 * stats.t.sf(math.log(2) / 0.2828427, 23), rel=1e-6)


def test_a_known_dispersion_gives_the_normal_interval_and_none_says_poisson() -> None:
    known, assumed = relative_rate_ratio((40, 22), (90, 80), dispersion=1), relative_rate_ratio((40, 22), (90, 80))
    # scipy's sample odds ratio has the same normal interval
    sample = odds_ratio([[22, 40], [80, 90]], kind="sample").confidence_interval(0.95)
    assert (known.low, known.high) == pytest.approx((sample.low, sample.high), rel=1e-9)
    assert (assumed.low, assumed.p) == (known.low, known.p)
    assert "no dispersion was given" in assumed.summary()
    assert "no dispersion was given" not in known.summary()


@settings(max_examples=60, deadline=None)
@given(count, count, count, count)
def test_the_exact_part_is_scipys_conditional_odds_ratio_and_fishers_p(t0: int, t1: int, c0: int, c1: int) -> None:
    found = relative_rate_ratio((t0, t1), (c0, c1))
    table = np.array([[t1, t0], [c1, c0]])
    theirs = odds_ratio(table, kind="conditional")
    limits = theirs.confidence_interval(0.95)
    assert found.exact_ratio == pytest.approx(theirs.statistic, rel=1e-6, nan_ok=True)
    assert (found.exact_low, found.exact_high) == pytest.approx((limits.low, limits.high), rel=1e-6)
    assert found.exact_p == pytest.approx(stats.fisher_exact(table).pvalue)
    if abs(found.exact_p_central - 0.05) > 1e-9:
        assert (found.exact_p_central < 0.05) == (not found.exact_low <= 1 <= found.exact_high)


@settings(max_examples=40, deadline=None)
@given(count, count, count, count)
def test_swapping_treated_and_comparison_inverts_the_ratio(t0: int, t1: int, c0: int, c1: int) -> None:
    there, back = relative_rate_ratio((t0, t1), (c0, c1)), relative_rate_ratio((c0, c1), (t0, t1))
    assert back.p == pytest.approx(there.p, nan_ok=True)
    assert back.exact_p_central == pytest.approx(there.exact_p_central)
    if 0 < there.ratio < math.inf:
        assert back.ratio == pytest.approx(1 / there.ratio)


def test_a_zero_count_leaves_only_the_exact_interval() -> None:
    found = relative_rate_ratio((12, 0), (30, 31))
    assert (found.ratio, found.low, found.high) == (0, 0, math.inf)
    assert math.isnan(found.p)
    assert found.exact_high < 1
    assert "only the exact interval" in found.summary()


def test_an_exact_yes_that_rests_on_poisson_is_flagged() -> None:
    assert "do not rest a claim on it" in relative_rate_ratio((40, 22), (200, 200), dispersion=3).summary()
    assert "do not rest a claim on it" not in relative_rate_ratio((40, 22), (200, 200)).summary()


def test_the_share_dispersion_keeps_the_size_when_shares_vary() -> None:
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(200):
        months = rng.negative_binomial(3, 0.25, size=(48, 2))  # mean 9, variance 36
        dispersion = share_dispersion(pd.Series(months[:24, 0]), pd.Series(months[:24, 1]))
        before, after = months[:24].sum(axis=0), months[24:].sum(axis=0)
        found = relative_rate_ratio((before[0], after[0]), (before[1], after[1]), dispersion=dispersion)
        alarms += found.p <= 0.05
    assert alarms / 200 <= 0.09  # 5 % and three standard errors of 200 draws


def test_large_counts_give_the_ratio_of_the_rates() -> None:
    found = relative_rate_ratio((30_000, 31_000), (200_000, 201_000))
    assert found.ratio == pytest.approx((31 / 30) / (201 / 200))
    assert found.exact_ratio == pytest.approx(found.ratio, rel=1e-4)  # the conditional estimate of large tables


def test_dispersion_below_one_is_refused() -> None:
    with pytest.raises(StudyError, match="dispersion: needs variance / mean of at least 1"):
        relative_rate_ratio((4, 5), (6, 7), dispersion=(0.4, 20))
    with pytest.raises(StudyError, match=r"(?s)treated: needs 2.*control: needs whole counts"):
        relative_rate_ratio((4, -5), (6.5, 7))


@pytest.mark.real_data
def test_california_gives_the_published_effect_fit_and_rank(california: pd.DataFrame) -> None:
    # design methods.md, section 2: 38 donors, 1970-1988, fit on the pre path alone
    found = synthetic_control(california, "California", 1989)
    assert found.effect == pytest.approx(-19.51363, abs=1e-4)
    assert found.pre_rmspe == pytest.approx(1.656400, abs=1e-6)
    assert (found.rank, len(found.placebos) + 1) == (3, 39)
    assert (found.p, found.p_floor) == pytest.approx((3 / 39, 1 / 39))
    assert found.weights.sum() == pytest.approx(1)
    assert "smallest possible p is 0.026" in found.summary()


@pytest.mark.real_data
def test_synthetic_did_finds_the_published_effect_and_period_weights(california: pd.DataFrame) -> None:
    # Arkhangelsky et al. (2021), table 1: -15.6; their solver stops early, at -15.6038
    found = synthetic_did(california, "California", 1989)
    assert found.effect == pytest.approx(-15.6038, abs=0.005)
    assert found.period_weights[found.period_weights > 0.001].round(3).to_dict() == {
        1986: 0.366,
        1987: 0.206,
        1988: 0.427,
    }


def _panel(seed: int, periods: int = 30, units: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    paths = rng.normal(size=(periods, 2)).cumsum(axis=0) @ rng.normal(size=(2, units)) + rng.normal(
        size=(periods, units)
    )
    months = pd.period_range("2010-01", periods=periods, freq="M")
    return pd.DataFrame(50 + paths, index=months, columns=[f"unit {k}" for k in range(units)])


@pytest.mark.parametrize("seed", range(4))
def test_the_weights_are_those_of_an_independent_quadratic_program(seed: int) -> None:
    panel = _panel(seed)
    found = synthetic_control(panel, "unit 0", pd.Period("2012-01", "M"))
    before = panel.loc[:"2011-12"]
    pool, path = before.drop(columns="unit 0").to_numpy(), before["unit 0"].to_numpy()
    other = optimize.minimize(
        lambda w: ((path - pool @ w) ** 2).mean(),
        np.full(7, 1 / 7),
        jac=lambda w: 2 * pool.T @ (pool @ w - path) / len(path),
        bounds=[(0, 1)] * 7,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert found.weights.to_numpy() == pytest.approx(other.x, abs=1e-4)
    assert found.pre_rmspe**2 <= other.fun + 1e-10


def test_synthetic_did_solves_its_two_programs_with_free_intercepts() -> None:
    panel = _panel(9, units=16)
    panel = panel.add(np.linspace(0, 20, 30), axis=0)  # a common rise, which only the intercepts can follow
    found = synthetic_did(panel, "unit 0", panel.index[24])
    pool, path = panel.drop(columns="unit 0").to_numpy(), panel["unit 0"].to_numpy()
    noise = np.diff(pool[:24], axis=0).std(ddof=1)

    def program(rows: np.ndarray, goal: np.ndarray, ridge: float) -> np.ndarray:
        size = rows.shape[1]
        found: np.ndarray = optimize.minimize(
            lambda w: ((w[0] + rows @ w[1:] - goal) ** 2).sum() + ridge * (w[1:] ** 2).sum(),
            np.append(0, np.full(size, 1 / size)),
            bounds=[(None, None)] + [(0, 1)] * size,
            constraints={"type": "eq", "fun": lambda w: w[1:].sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-13, "maxiter": 2000},
        ).x[1:]
        return found

    # zeta = (1 treated x 6 periods after)^(1/4) noise; penalty zeta^2 x 24 periods before (Arkhangelsky et al. 2021)
    units = program(pool[:24], path[:24], 6**0.5 * noise**2 * 24)
    periods = program(pool[:24].T, pool[24:].mean(axis=0), (1e-6 * noise) ** 2 * 15)
    assert found.unit_weights.to_numpy() == pytest.approx(units, abs=1e-3)
    assert found.period_weights.to_numpy() == pytest.approx(periods, abs=1e-3)
    after, before = path[24:].mean() - pool[24:].mean(axis=0) @ units, path[:24] @ periods - periods @ pool[:24] @ units
    assert found.effect == pytest.approx(after - before, abs=0.1)


def test_a_planted_mix_and_effect_are_found_exactly() -> None:
    panel = _panel(5)
    panel["unit 0"] = 0.25 * panel["unit 1"] + 0.75 * panel["unit 4"]
    panel.iloc[24:, 0] += 7.0
    found = synthetic_control(panel, "unit 0", panel.index[24])
    assert found.effect == pytest.approx(7)
    assert found.weights[["unit 1", "unit 4"]].tolist() == pytest.approx([0.25, 0.75])
    assert found.effective_donors == pytest.approx(1 / (0.25**2 + 0.75**2))
    assert (found.rank, found.pre_rmspe) == (1, 0)
    assert synthetic_did(panel, "unit 0", panel.index[24]).effect == pytest.approx(7, abs=1)


def test_placebos_leave_the_treated_unit_out() -> None:
    panel = _panel(6)
    start = panel.index[24]
    found = synthetic_control(panel, "unit 0", start)
    alone = synthetic_control(panel.drop(columns="unit 0"), "unit 3", start)
    assert found.placebos.loc["unit 3", "effect"] == pytest.approx(alone.effect)
    disturbed = panel.assign(**{"unit 0": panel["unit 0"] * 5})
    pd.testing.assert_frame_equal(synthetic_control(disturbed, "unit 0", start).placebos, found.placebos)


def test_a_unit_beyond_every_donor_is_said_to_be() -> None:
    panel = _panel(7)
    panel["unit 0"] = panel.max(axis=1) + 10
    found = synthetic_control(panel, "unit 0", panel.index[24])
    assert found.outside_range == 24
    assert "beyond every donor in 24 of 24" in found.summary()


def test_few_periods_missing_values_and_unknown_units_are_refused_together() -> None:
    panel = _panel(8)
    panel.iloc[3, 3] = np.nan
    with pytest.raises(StudyError, match=r"(?s)name one column.*finite number.*12 periods before.*relative_rate_ratio"):
        synthetic_control(panel, "nowhere", panel.index[11])
    with pytest.raises(StudyError, match="start: needs a period from the start on"):
        synthetic_control(_panel(8), "unit 0", pd.Period("2020-01", "M"))
    with pytest.raises(StudyError, match="needs a sorted index"):
        synthetic_did(_panel(8).iloc[::-1], "unit 0", pd.Period("2012-01", "M"))
