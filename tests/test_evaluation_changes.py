"""change_test: the published vectors, each piece against another computation, and what must never change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import linalg, optimize, stats

from commonground.errors import StudyError
from evaluation.changes import ChangeTest, change_test
from evaluation.headline.curves import RATIOS, Evidence, cauchy, exact_mixture_p, joint_shift_p, limits, space_time_p
from evaluation.headline.volatility import (
    AUTOCORRELATION,
    DISPERSION,
    PRIORS,
    SWING,
    Residuals,
    contrast_variance,
    log_likelihoods,
    poisson_fit,
    posterior,
    share_residuals,
)

# Test vectors of the method's own description (change_test, test vectors).
BEFORE = [3, 5, 2, 6, 4, 1, 0, 7, 3, 4, 2, 5, 6, 2, 3, 8, 1, 4, 5, 3, 2, 6, 4, 3]
TREATED = [*BEFORE, 1, 2, 0, 3, 1, 2]
WEAKER = [*BEFORE, 2, 3, 1, 4, 2, 3]
C1 = [5, 5, 3, 3, 5, 4, 4, 2, 5, 2, 6, 4, 4, 2, 4, 3, 2, 8, 2, 3, 4, 4, 7, 2, 6, 4, 1, 3, 4, 1]
C2 = [3, 2, 5, 7, 0, 5, 1, 5, 2, 1, 6, 9, 2, 1, 2, 1, 4, 6, 5, 5, 2, 5, 4, 2, 2, 7, 5, 6, 3, 5]
MONTHS = pd.period_range("2018-01", periods=30, freq="M")
START = "2020-01"


def series(values: list[int]) -> pd.Series:
    return pd.Series(values, index=MONTHS, name="treated")


def both() -> pd.DataFrame:
    return pd.DataFrame({"c1": C1, "c2": C2}, index=MONTHS)


def numbers(result: ChangeTest) -> list[float]:
    parts = (
        result.ratio,
        result.low,
        result.high,
        result.p,
        result.shift_p,
        result.p_own,
        result.p_space_time,
        result.gate,
    )
    return [float("nan") if part is None else part for part in parts]


def same(one: ChangeTest, other: ChangeTest) -> bool:
    return bool(np.allclose(numbers(one), numbers(other), rtol=1e-9, atol=1e-12, equal_nan=True))


# the published vectors


@pytest.mark.parametrize(
    ("treated", "control", "harmonics", "ratio", "p", "low", "high"),
    [
        (TREATED, None, None, 0.4044944, 0.0315473, 0.169888, 0.918698),
        (TREATED, None, 0, 0.4044944, 0.0175233, 0.179889, 0.854149),
        (TREATED, ["c1"], None, 0.4848747, 0.0534463, 0.202377, 1.065002),
        (TREATED, ["c1", "c2"], None, 0.3800118, 0.0127995, 0.167749, 0.829460),
        (WEAKER, ["c1", "c2"], None, 0.6333530, 0.0700821, 0.322691, 1.059115),
    ],
)
def test_the_published_vectors_come_out(
    treated: Any, control: Any, harmonics: Any, ratio: Any, p: Any, low: Any, high: Any
) -> None:
    result = change_test(series(treated), control and both()[control], START, harmonics=harmonics)
    assert result.ratio == pytest.approx(ratio, abs=1e-7)
    assert result.p == pytest.approx(p, abs=1e-6)
    assert (result.low, result.high) == pytest.approx((low, high), abs=1e-3)
    assert result.refused is None


@pytest.mark.parametrize(
    ("treated", "own", "space_time", "gate"),
    [(TREATED, 0.0279244, 0.0111111, 0.8995811), (WEAKER, 0.1014653, 0.0666667, 0.9018520)],
)
def test_the_published_parts_come_out(treated: Any, own: Any, space_time: Any, gate: Any) -> None:
    result = change_test(series(treated), both(), START)
    assert (result.p_own, result.p_space_time, result.gate) == pytest.approx((own, space_time, gate), abs=1e-6)
    assert result.p == pytest.approx(gate * space_time + (1 - gate) * own, abs=1e-6)
    assert result.p_floor == pytest.approx(gate / (3 * 30), abs=1e-8)


# the pieces against other computations


def evidence_of(excess: list[float], known: float = 0.0, odds: float = 0.3) -> Evidence:
    after = np.arange(30) >= 24
    return Evidence(np.array(TREATED, float), both().to_numpy(float), after, odds, np.array(excess), known)


@pytest.mark.parametrize("ratio", [0.1, 0.4, 1.0, 3.0])
def test_without_excess_variance_test_m_is_the_exact_binomial_mid_p(ratio: Any) -> None:
    share = 0.3 * ratio / (1 + 0.3 * ratio)
    law = stats.binom(98, share)  # 98 events, 9 of them after
    tail = min(law.cdf(8) + law.pmf(9) / 2, law.sf(9) + law.pmf(9) / 2)
    (p,) = exact_mixture_p(evidence_of([0.0]), np.array([ratio]))[0]
    assert p == pytest.approx(min(1, 2 * tail), rel=1e-3)


@pytest.mark.parametrize("excess", [0.001, 4.0])
def test_with_excess_variance_test_m_is_the_beta_binomial_mid_p(excess: Any) -> None:
    share, known = 0.3 / 1.3, 0.07
    size = 1 / (share * (1 - share) * (excess + known))
    law = stats.betabinom(98, share * size, (1 - share) * size)
    tail = min(law.cdf(8) + law.pmf(9) / 2, law.sf(9) + law.pmf(9) / 2)
    (p,) = exact_mixture_p(evidence_of([excess], known), np.array([1.0]))[0]
    assert p == pytest.approx(2 * tail, rel=1e-8)


def test_the_grid_likelihood_is_that_of_a_projected_normal_vector() -> None:
    rng = np.random.default_rng(1)
    position = np.array([0, 1, 2, 3, 5, 6, 9, 10, 11, 12, 13, 14])  # with gaps
    design = np.column_stack([np.ones(12), position >= 10]).astype(float)
    one = Residuals(rng.normal(size=12), 3.0, 1.5)
    (found,) = log_likelihoods(design, position, [one], 4.0)
    complement = linalg.null_space(design.T).T
    density = []
    for a, s, r in zip(DISPERSION, SWING, AUTOCORRELATION, strict=True):
        correlation = np.array([[r ** abs(i - k) if r else float(i == k) for k in position] for i in position])
        covariance = np.eye(12) + 3.0 * 1.5 * (a * np.eye(12) + s * correlation)
        projected = complement @ covariance @ complement.T
        density.append(stats.multivariate_normal(np.zeros(10), projected).logpdf(complement @ one.values))
    expected = (np.array(density) + 10 / 2 * np.log(2 * np.pi)) / (1 + 0.5 / 4.0)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_priors_put_the_declared_mass_on_each_class() -> None:
    poisson, dispersed, memory = (DISPERSION + SWING == 0), (SWING == 0) & (DISPERSION > 0), SWING > 0
    assert len(DISPERSION) == 91
    assert (poisson.sum(), dispersed.sum(), memory.sum()) == (1, 6, 84)
    declared = {"P": (0.25, 0.10, 0.65), "N": (0.20, 0.15, 0.65), "D": (0.25, 0.25, 0.5), "A": (0.5 / 7, 3 / 7, 0.5)}
    for name, masses in declared.items():
        prior = PRIORS[name]
        assert [prior[c].sum() for c in (poisson, dispersed, memory)] == pytest.approx(masses)
        if name != "P":
            assert np.ptp(prior[memory]) == pytest.approx(0)
    steep = PRIORS["P"][memory & (DISPERSION == 1)].sum() / PRIORS["P"][memory & (DISPERSION == 0)].sum()
    assert steep == pytest.approx(np.exp(-3))
    assert posterior(PRIORS["N"], np.full(91, -900.0)) == pytest.approx(PRIORS["N"])


def test_the_contrast_variance_is_the_double_sum() -> None:
    h, position = np.array([-0.5, -0.2, -0.3, 0.4, 0.6]), np.array([0, 1, 4, 5, 6])
    found = contrast_variance(h, position, 1.25)
    for at in (0, 3, 30, 90):
        a, s, r = DISPERSION[at], SWING[at], AUTOCORRELATION[at]
        cells = [
            h[i] * h[k] * (a * (i == k) + s * (r ** abs(position[i] - position[k]) if r else 0))
            for i in range(5)
            for k in range(5)
        ]
        assert found[at] == pytest.approx(1.25 * sum(cells), abs=1e-12)


def test_the_poisson_fit_is_that_of_statsmodels_and_its_ridge_that_of_a_general_optimiser() -> None:
    t = np.arange(30)
    design = np.column_stack([np.ones(30), t >= 24, np.sin(t / 2), np.cos(t / 2)]).astype(float)
    y = np.array(TREATED, float)
    reference = sm.GLM(y, design, sm.families.Poisson()).fit().params
    np.testing.assert_allclose(poisson_fit(design, y), reference, atol=1e-8)

    def loss(b: np.ndarray) -> float:
        return float(np.exp(design @ b).sum() - y @ design @ b + 0.005 * (b[1:] ** 2).sum())

    best = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(poisson_fit(design, y, ridge=0.01), best, atol=1e-5)
    y[24:] = 0  # no event after: only the ridge keeps the step finite
    best = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(poisson_fit(design, y, ridge=0.01), best, atol=1e-3)


def test_share_residuals_are_worked_by_hand() -> None:
    found = share_residuals(
        np.array([1.0, 2, 0, 0]), np.array([4.0, 4, 0, 2]), np.array([False, False, True, True]), 2.0
    )
    # before: share 3/8, shrunk 3.5/9, variance 4 (3.5/9)(5.5/9) = .950617
    # after: share 0, shrunk .5/3, variance 2 x 5/36
    assert found.values == pytest.approx([-0.5 / 0.950617**0.5, 0.5 / 0.950617**0.5, 0, 0], abs=1e-5)
    assert found.information == pytest.approx((2 * 0.9506173 + 0 + 2 * 5 / 36) / 4)


def brute_changes(y: Sequence[float], d: Sequence[float], weights: Sequence[float]) -> list[tuple[float, float, float]]:
    """Every circular shift by loops: log ratio, its own months inside and outside, counting by weight."""
    out = []
    for k in range(30):
        window = {(i + k) % 30 for i in range(24, 30)}
        inside = [sum(v[i] for i in window) for v in (y, d, weights)]
        outside = [sum(v) - w for v, w in zip((y, d, weights), inside, strict=True)]
        change = np.log((inside[0] + 0.5) / (outside[0] + 0.5)) - np.log((inside[1] + 0.5) / (outside[1] + 0.5))
        out.append((float(change), inside[2], outside[2]))
    return out


@pytest.mark.parametrize("ratio", np.geomspace(0.15, 2, 12))
def test_the_placebo_tests_are_those_of_plain_loops(ratio: Any) -> None:
    excess = 0.03
    divided = [v / ratio if i >= 24 else v for i, v in enumerate(TREATED)]
    weights = [1 / ratio if i >= 24 else 1.0 for i in range(30)]
    plain = [1.0] * 30
    everyone = [a + b for a, b in zip(C1, C2, strict=True)]
    joint = [abs(change) for change, _, _ in brute_changes(divided, everyone, plain)]
    evidence, at = evidence_of([0.0]), np.array([ratio])
    assert joint_shift_p(evidence, at)[0] == pytest.approx(np.mean([v >= joint[0] - 1e-9 for v in joint]))
    sizes = []
    for own, donors, months in ((divided, everyone, weights), (C1, C2, plain), (C2, C1, plain)):
        for change, inside, outside in brute_changes(own, donors, months):
            factor = (inside / 36 + outside / 576) * 30
            variance = factor / (sum(own) + 1) + (1 / 6 + 1 / 24) * 30 / (sum(donors) + 1) + excess
            sizes.append(abs(change) / variance**0.5)
    expected = np.mean([v >= sizes[0] - 1e-9 for v in sizes])
    assert space_time_p(evidence, excess, at)[0] == pytest.approx(expected)


def test_joining_a_p_value_with_itself_gives_it_back_and_one_is_capped() -> None:
    p = np.array([0.001, 0.05, 0.5, 0.9])
    assert cauchy(p, p) == pytest.approx(p)
    assert cauchy(np.array([0.05]), np.array([1.0]))[0] == pytest.approx(
        stats.cauchy.sf((stats.cauchy.isf(0.05) + stats.cauchy.isf(0.999)) / 2)
    )


def test_limits_are_interpolated_outwards_from_the_peak() -> None:
    ratios = np.exp(np.arange(5.0))
    assert limits(ratios, np.array([0.0, 0.1, 1.0, 0.1, 0.0]), 0.05, estimate=7) == pytest.approx(
        (np.e**0.5, np.e**3.5)
    )
    assert limits(ratios, np.array([0.1, 0.1, 1.0, 0.1, 0.1]), 0.05, estimate=7) == (0, np.inf)
    # nothing on the grid fits: all that is not rejected lies beyond its end, or between two of its points
    assert limits(ratios, np.zeros(5), 0.05, estimate=0) == (0, 1)
    assert limits(ratios, np.zeros(5), 0.05, estimate=1000) == (np.exp(4.0), np.inf)
    low, high = limits(ratios, np.zeros(5), 0.05, estimate=np.exp(1.5))
    assert np.e < low < np.exp(1.5) < high < np.e**2


# what must never change


def test_the_order_of_the_comparison_areas_does_not_matter() -> None:
    frame = both().assign(c3=C1[::-1], c4=C2[::-1])
    assert same(
        change_test(series(WEAKER), frame, START), change_test(series(WEAKER), frame[["c3", "c1", "c4", "c2"]], START)
    )


def test_every_kind_of_index_and_every_order_of_rows_gives_the_same_answer() -> None:
    expected = change_test(series(TREATED), both(), START)
    stamps = both().set_axis(MONTHS.to_timestamp())
    assert same(change_test(series(TREATED).set_axis(stamps.index), stamps, pd.Timestamp("2020-01-01")), expected)
    counted = both().set_axis(range(7, 37))
    assert same(change_test(series(TREATED).set_axis(counted.index), counted, 31), expected)
    assert same(change_test(TREATED, both().reset_index(drop=True), 24), expected)
    assert same(change_test(np.array(TREATED), both().reset_index(drop=True), 24), expected)
    assert same(
        change_test(series(TREATED)[::-1], both().sample(frac=1, random_state=1), pd.Period(START, "M")), expected
    )
    assert same(
        change_test(series(TREATED).astype("Int64"), both().astype(float), MONTHS[24].start_time.date()), expected
    )


def test_one_comparison_area_may_be_a_series() -> None:
    assert same(change_test(series(TREATED), both()["c1"], START), change_test(series(TREATED), both()[["c1"]], START))


def test_inputs_are_left_as_they_were_and_equal_input_gives_equal_output() -> None:
    treated, control = series(TREATED), both()
    first = change_test(treated, control, START)
    pd.testing.assert_series_equal(treated, series(TREATED))
    pd.testing.assert_frame_equal(control, both())
    assert numbers(first) == numbers(change_test(treated, control, START))


def test_a_missing_month_a_gap_and_a_month_missing_in_the_comparison_are_one_thing() -> None:
    gap = series(TREATED).drop(MONTHS[9])
    blank = series(TREATED).astype(float)
    blank.iloc[9] = np.nan
    other = both().astype(float)
    other.iloc[9, 1] = np.nan
    expected = change_test(gap, both(), START)
    assert expected.months_before == 23
    assert expected.months_missing == 1
    assert "left out of all: 1" in expected.summary()
    assert same(change_test(blank, both(), START), expected)
    assert same(change_test(series(TREATED), other, START), expected)


def test_a_gap_keeps_its_length_on_the_calendar() -> None:
    swings = [2, 2, 3, 9, 8, 9, 2, 1, 2, 8, 9, 7] * 2 + [1, 2, 0, 3, 1, 2]
    gap = pd.Series(swings, index=MONTHS).drop(MONTHS[3:6])
    closed = gap.set_axis(pd.period_range("2018-04", periods=27, freq="M"))
    assert not same(change_test(gap, None, START, harmonics=0), change_test(closed, None, START, harmonics=0))


def test_months_during_are_left_out_like_missing_ones() -> None:
    result = change_test(series(TREATED), both(), START, "2020-03")
    blank, control = series(TREATED).astype(float), both()
    blank.iloc[24:26] = np.nan
    assert same(result, change_test(blank, control, START))
    assert (result.months_during, result.months_after, result.months_missing) == (2, 4, 0)
    assert (result.before, result.after) == (sum(BEFORE), 6)


def test_an_area_without_events_changes_nothing_and_is_mentioned() -> None:
    result = change_test(series(TREATED), both().assign(empty=0, unknown=np.nan), START)
    assert same(result, change_test(series(TREATED), both(), START))
    assert result.n_comparison == 2
    assert "left out: 2" in result.warnings[0]


def test_a_comparison_of_few_events_is_not_used() -> None:
    few = pd.DataFrame({"a": [1, 0, 0] * 5 + [0] * 15, "b": [0, 1, 0] * 4 + [np.nan] + [0] * 17}, index=MONTHS)
    result = change_test(series(TREATED), few, START)
    assert same(result, change_test(series(TREATED), None, START))
    assert result.n_comparison == 0
    assert result.comparison_before is None
    assert result.months_missing == 0
    assert "fewer than 20 events" in result.summary()


def random_series(
    rng: np.random.Generator, areas: int, ratio: float, mean: float
) -> tuple[list[int], pd.DataFrame | None]:
    after = np.arange(30) >= 24
    dispersed = rng.random() < 0.5

    def rate() -> np.ndarray:
        return mean * (rng.gamma(3, 1 / 3, 30) if dispersed else np.ones(30))

    treated = rng.poisson(rate() * np.where(after, ratio, 1))
    control = {f"c{j}": rng.poisson(rate()) for j in range(areas)}
    return treated.tolist(), pd.DataFrame(control, index=range(30)) if areas else None


@pytest.mark.parametrize("areas", [0, 1, 2, 5])
def test_the_interval_leaves_one_out_exactly_when_p_is_small(areas: Any) -> None:
    rng = np.random.default_rng(areas)
    small = 0
    for i in range(60):
        ratio = (0.0, 0.3, 0.5, 0.6, 1.0, 1.7, 2.5)[i % 7]
        result = change_test(*random_series(rng, areas, ratio, (4, 12)[i % 2]), 24)
        assert result.refused is None
        assert (result.p <= 0.05) == (not result.low <= 1 <= result.high)
        assert result.shift_p * 30 == pytest.approx(round(result.shift_p * 30), abs=1e-9)
        small += result.p <= 0.05
    assert 10 < small < 50


def test_an_area_in_which_events_stop_has_an_upper_limit_below_one() -> None:
    for control in (None, both()[["c1"]], both()):
        result = change_test(series([*BEFORE, 0, 0, 0, 0, 0, 0]), control, START)
        assert (result.ratio, result.low) == (0, 0)
        assert 0 < result.high < 0.5
        assert result.p < 0.05


@pytest.mark.parametrize(("areas", "seed"), [(0, 5), (5, 6)])
def test_without_a_change_few_dispersed_and_autocorrelated_series_are_significant(areas: Any, seed: Any) -> None:
    """200 series a cell: at a true .07 (the largest simulated rate), 27 or more come up once in 500 runs."""
    rng = np.random.default_rng(seed)
    hits = exact = 0
    for _ in range(200):
        noise = rng.normal(size=(areas + 1, 90))
        log_rate = np.zeros((areas + 1, 90))
        for t in range(1, 90):
            log_rate[:, t] = 0.6 * log_rate[:, t - 1] + 0.4 * noise[:, t]
        counts = rng.poisson(4 * np.exp(log_rate[:, -30:]))
        if counts[0].sum() < 30:
            continue
        control = pd.DataFrame(counts[1:].T) if areas else None
        result = change_test(counts[0], control, 24, harmonics=None if areas else 0)
        hits += result.p <= 0.05
        exact += result.exact_p <= 0.05
    assert hits <= 26
    assert exact > 26  # the same series do break the exact test, so the bound above can fail


def test_a_planted_halving_is_found_about_as_often_as_was_simulated() -> None:
    """Power .64 at ratio .5, 24 + 6 months, mean 4, five comparison areas, Poisson (change_test, opening table)."""
    rng = np.random.default_rng(11)
    found, inside = 0, 0
    for _ in range(120):
        treated = rng.poisson(np.repeat([4.0, 2.0], [24, 6]))
        result = change_test(treated, pd.DataFrame(rng.poisson(4.0, (30, 5))), 24)
        found += result.p <= 0.05
        inside += result.low <= 0.5 <= result.high
    assert 0.5 < found / 120 < 0.78
    assert inside / 120 > 0.88


# refusals, firmness, words


@pytest.mark.parametrize(
    ("rows", "start", "control", "reason"),
    [
        (slice(13, 30), 24, True, "fewer than 12 months before"),
        (slice(0, 25), 24, True, "fewer than 2 months after"),
        (slice(0, 30), 0, True, "fewer than 12 months before"),
        (slice(0, 30), 30, True, "fewer than 2 months after"),
        (slice(4, 28), 24, False, "no comparison"),
    ],
)
def test_too_little_data_is_refused_with_counts_and_a_reason(rows: Any, start: Any, control: Any, reason: Any) -> None:
    data = both().reset_index(drop=True)[rows] if control else None
    result = change_test(pd.Series(TREATED)[rows], data, start)
    assert reason in (result.refused or "")
    assert np.isnan([result.p, result.low, result.high, result.shift_p]).all()
    assert not result.firm
    assert "No p value is given" in result.summary()
    assert result.before + result.after == sum(TREATED[rows])


def test_a_rare_event_is_refused_but_keeps_its_exact_interval() -> None:
    rare = [1, 0, 0] * 8 + [0, 0, 1, 0, 0, 0]
    result = change_test(rare, None, 24)
    assert result.refused == "fewer than 4 events to be expected after"
    # 8 in 24 months, then 1 in 6: Clopper-Pearson on 1 of 9 with exposure share .2
    share = stats.binomtest(1, 9).proportion_ci(method="exact")
    assert result.exact_low == pytest.approx(share.low / (1 - share.low) * 4)
    assert result.exact_high == pytest.approx(share.high / (1 - share.high) * 4)
    none = change_test([0] * 24 + [2] * 6, None, 24)
    assert none.refused
    assert none.ratio == np.inf


def test_no_event_anywhere_after_is_refused() -> None:
    busy = pd.DataFrame({"a": [40] * 24 + [0] * 6, "b": [40] * 24 + [0] * 6})
    result = change_test([900] * 24 + [0] * 6, busy, 24)
    assert "no event in any area after" in (result.refused or "")


def test_a_short_history_is_warned_about() -> None:
    data = both().reset_index(drop=True)[10:]
    assert not any(
        "months before, a p" in said for said in change_test(TREATED, both().reset_index(drop=True), 24).warnings
    )
    assert any("With 14 months before" in said for said in change_test(pd.Series(TREATED)[10:], data, 24).warnings)


def test_without_two_comparison_areas_a_change_is_firm_only_if_the_shift_test_agrees() -> None:
    firm = change_test(series(TREATED), None, START)
    assert firm.firm
    assert firm.shift_p <= 0.1
    slow = [9, 9, 8, 9, 2, 2, 1, 2, 9, 8, 9, 9, 2, 1, 2, 2] + [9] * 24 + [2, 2, 2, 1, 2, 1]
    result = change_test(slow, None, 40, harmonics=0)
    assert result.firm == (result.p <= 0.05 and result.shift_p <= 0.1)
    wide = change_test(series(TREATED), None, START, level=0.9)
    assert wide.low > firm.low
    assert wide.high < firm.high


def test_unlike_comparison_areas_are_said_and_weigh_little() -> None:
    rng = np.random.default_rng(3)
    calm = pd.DataFrame(rng.poisson(30, (60, 6)))
    swings = np.repeat(rng.gamma(1.2, 25, 10), 6)
    result = change_test(rng.poisson(swings), calm, 48)
    assert result.gate is not None
    assert result.p_own is not None
    assert result.p_space_time is not None
    assert result.dispersion is not None
    assert result.gate < 0.5
    assert "not like the treated area" in result.summary()
    assert abs(result.p - result.p_own) < abs(result.p - result.p_space_time)
    assert result.dispersion > 0.2


def test_the_summary_reads_number_and_sentence_together_and_the_repr_shows_none() -> None:
    result = change_test(series(TREATED), both(), START)
    said = result.summary()
    for part in (
        "89 events in 24 months",
        "0.38 times",
        "0.17 to 0.83",
        "p 0.013",
        "does not show what caused it",
        "spilled",
    ):
        assert part in said
    assert "effect" not in said
    assert repr(result) == "ChangeTest(...; call .summary())"
    assert not re.search(r"\d", repr(result))
    frame = result.to_frame()
    assert frame.shape[0] == 1
    assert frame.loc[0, "p"] == result.p


def test_an_exact_yes_against_our_no_is_said_in_words() -> None:
    swinging = [1, 9, 2, 12, 3, 0, 8, 1, 14, 2, 5, 9, 0, 11, 2, 7, 1, 13, 4, 0, 9, 3, 8, 2, 1, 5, 0, 3, 6, 1]
    result = change_test(swinging, None, 24, harmonics=0)
    assert result.exact_p <= 0.05 < result.p
    assert "Cannot tell" in result.summary()
    assert "exact test says otherwise" in result.summary()


def test_harmonics_with_comparison_areas_are_said_to_be_unused() -> None:
    result = change_test(series(TREATED), both(), START, harmonics=2)
    assert same(result, change_test(series(TREATED), both(), START))
    assert "harmonics asked for are not used" in result.summary()


# errors


@pytest.mark.parametrize(
    ("treated", "control", "start", "end", "message"),
    [
        (series([-1, *TREATED[1:]]), None, START, None, "row 1, treated: is negative"),
        (series(TREATED) / 2, None, START, None, "treated: is not a whole number"),
        (series(TREATED), both() * 0.5, START, None, "control column 2: is not a whole number"),
        (series(TREATED), both().rename(columns={"c1": "treated"}), START, None, "also treated"),
        (series(TREATED), both().set_axis(MONTHS + 1), START, None, "begin and end in the same months"),
        (series(TREATED), both().reset_index(drop=True), START, None, "indexed by whole numbers"),
        (series(TREATED), both().set_axis(["a", "a"], axis=1), START, None, "two columns of one name"),
        (series(TREATED), C1, START, None, "control: needs a DataFrame"),
        (series(TREATED), None, "2031-01", None, "outside the months"),
        (series(TREATED), None, "2020-01-15", None, "a day within a month"),
        (series(TREATED), None, 24, None, "start: is not a month"),
        (series(TREATED), None, "soon", None, "start: is not a month"),
        (TREATED, None, START, None, "needs a whole number"),
        (series(TREATED), None, START, "2019-06", "not later than `start`"),
        (series(TREATED).set_axis([MONTHS[0], *MONTHS[:29]]), None, START, None, "a month twice"),
        (series(TREATED).set_axis(MONTHS.to_timestamp(how="end")), None, START, None, "not the first of a month"),
        (series(TREATED).set_axis(pd.period_range("2001", periods=30, freq="Y")), None, START, None, "not months"),
        (series(TREATED).set_axis(list(map(str, range(30)))), None, START, None, "which month a row is"),
        (series(TREATED).astype(str), None, START, None, "is not numeric"),
        (5, None, START, None, "needs a Series"),
        ([], None, 0, None, "is empty"),
    ],
)
def test_what_cannot_be_used_is_named_with_a_remedy(
    treated: Any, control: Any, start: Any, end: Any, message: Any
) -> None:
    with pytest.raises(StudyError, match=re.escape(message)):
        change_test(treated, control, start, end)


def test_all_problems_are_raised_at_once() -> None:
    with pytest.raises(StudyError) as caught:
        change_test(series([-1, *TREATED[1:]]), both() * 0.5, "soon", harmonics=9, level=95)
    assert {"level", "harmonics", "treated", "control column 1", "start"} <= set(caught.value.problems["column"])


def test_the_grid_of_ratios_is_the_published_one() -> None:
    assert len(RATIOS) == 61
    assert (RATIOS[0], RATIOS[-1]) == pytest.approx((0.03, 33))
