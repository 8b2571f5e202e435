"""The interval of change_test where counts are large: inside fewer than six steps of the published grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evaluation.changes import change_test
from evaluation.headline.curves import RATIOS, _beta_binomial_mid_p, limits
from evaluation.headline.inversion import Shape, agreeing_limits, invert
from evaluation.panels import relative_rate_ratio

BEFORE, AFTER = 36, 12


def draw(
    rng: np.random.Generator, mean: float, areas: int, ratio: float = 1.0, dispersion: float = 0.0
) -> tuple[np.ndarray, pd.DataFrame | None]:
    means = np.full((BEFORE + AFTER, areas + 1), float(mean))
    means[BEFORE:, 0] *= ratio
    if dispersion:
        means = rng.gamma(1 / dispersion, means * dispersion)
    counts = rng.poisson(means)
    return counts[:, 0], pd.DataFrame(counts[:, 1:]) if areas else None


# Recorded violence with injury in Redbridge a month from October 2010 to September 2014 (Metropolitan Police recorded
# crime by borough, London Datastore); the operation began with the 37th. On the published grid alone, with 14 other
# boroughs, the interval was 1.004 to 1.169 for a ratio of 1.176.
VIOLENCE = [
    127, 146, 112, 131, 115, 128, 150, 129, 140, 129, 138, 110,
    133, 108, 124, 116, 119, 150, 121, 124, 142, 128, 148, 118,
    130, 132, 125, 99, 118, 135, 126, 136, 137, 154, 116, 132,
    131, 157, 147, 146, 119, 179, 148, 208, 194, 201, 182, 166,
]  # fmt: skip


def test_the_ratio_of_large_counts_lies_inside_its_interval() -> None:
    assert (sum(VIOLENCE[:36]), sum(VIOLENCE[36:])) == (4626, 1978)
    steady = pd.DataFrame(
        {i: [134] * 36 + [146] * 12 for i in range(14)}
    )  # 67,536 -> 24,528; recorded: 67,708 -> 24,614
    result = change_test(VIOLENCE, steady, BEFORE)
    usual = relative_rate_ratio((4626, 1978), (67_536, 24_528))
    assert result.low < result.ratio < result.high
    assert result.low == pytest.approx(usual.low, abs=0.1)
    assert result.high == pytest.approx(usual.high, abs=0.1)


@pytest.mark.parametrize(("areas", "mean"), [(1, 60), (1, 1000), (2, 130), (6, 130), (14, 500), (3, 5000)])
def test_poisson_intervals_of_large_counts_are_near_the_usual_relative_rate_ratio(areas: int, mean: float) -> None:
    rng = np.random.default_rng(areas)
    for ratio in (0.9, 1.0, 1.04):
        treated, control = draw(rng, mean, areas, ratio)
        result = change_test(treated, control, BEFORE)
        assert control is not None
        both = control.sum(axis=1)
        usual = relative_rate_ratio(
            (treated[:BEFORE].sum(), treated[BEFORE:].sum()), (both[:BEFORE].sum(), both[BEFORE:].sum())
        )
        width = np.log(usual.high / usual.low)
        assert result.low < result.ratio < result.high
        assert (result.p <= 0.05) == (not result.low <= 1 <= result.high)
        # with few areas the placebo tests, whose p has few steps, move the limits more
        assert (0.75 if areas > 5 else 0.6) < np.log(result.high / result.low) / width < (1.25 if areas > 5 else 1.6)


def test_without_comparison_areas_the_interval_of_large_counts_is_near_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    for mean in (60, 500, 4000):
        result = change_test(draw(rng, mean, 0, 0.97)[0], None, BEFORE, harmonics=0)
        width, exact = np.log(result.high / result.low), np.log(result.exact_high / result.exact_low)
        assert exact < width < 1.5 * exact
        assert result.low < result.ratio < result.high


@pytest.mark.parametrize("areas", [0, 1, 5])
def test_the_ratio_is_inside_and_the_interval_agrees_with_p_for_every_size_of_count(areas: int) -> None:
    rng = np.random.default_rng(20 + areas)
    for i in range(40):
        mean = float(np.exp(rng.uniform(np.log(3), np.log(3000))))
        treated, control = draw(rng, mean, areas, (0.6, 0.9, 1.0, 1.1, 1.5)[i % 5], (0.0, 0.02)[i % 2])
        result = change_test(treated, control, BEFORE, harmonics=None if areas else 0)
        assert result.low <= result.ratio <= result.high
        assert result.low < result.high
        assert (result.p <= 0.05) == (not result.low <= 1 <= result.high)


@pytest.mark.parametrize(("areas", "dispersion"), [(0, 0.0), (5, 0.0), (5, 0.02)])
def test_intervals_of_large_counts_cover_the_true_ratio(areas: int, dispersion: float) -> None:
    """80 series of 200 events a month: at a true .93, 66 or fewer hits come up once in 600 runs."""
    rng = np.random.default_rng(30 + areas)
    inside = 0
    for _ in range(80):
        treated, control = draw(rng, 200, areas, 1.08, dispersion)
        result = change_test(treated, control, BEFORE, harmonics=None if areas else 0)
        inside += result.low <= 1.08 <= result.high
    assert inside > 66


def test_wide_intervals_keep_the_published_grid() -> None:
    asked: list[int] = []

    def curves(ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(len(ratios))
        p = np.exp(-0.5 * (np.log(ratios) / 0.3) ** 2)
        return p, p

    low, high = invert(curves, 1.0, 0.05, estimate=1.0, find=agreeing_limits)
    assert asked == [61]
    assert (low, high) == limits(RATIOS, curves(RATIOS)[0], 0.05, estimate=1.0)


@pytest.mark.parametrize("sd", [0.1, 0.01, 1e-3, 1e-5])
@pytest.mark.parametrize("estimate", [0.31, 1.0, 1.176])
def test_narrow_intervals_are_found_to_a_twentieth_of_their_width(sd: float, estimate: float) -> None:
    def curves(ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = np.exp(-0.5 * (np.log(ratios / estimate) / sd) ** 2)
        return p, p

    found = invert(curves, float(curves(np.array([1.0]))[0][0]), 0.05, estimate=estimate, find=agreeing_limits)
    reach = sd * np.sqrt(-2 * np.log(0.05))
    assert np.log(np.array(found) / estimate) == pytest.approx([-reach, reach], rel=0.05)


def test_an_interval_without_an_end_is_left_as_it_is() -> None:
    def curves(ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = np.where(ratios < 0.05, 1.0, 0.0)
        return p, p

    low, high = invert(curves, 0.0, 0.05, estimate=0.0, find=agreeing_limits)
    assert low == 0
    assert 0.045 < high < 0.055


def test_further_points_are_merged_in_order_and_points_already_there_are_kept_once() -> None:
    shape = Shape(np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.2, 0.3]), np.array([0.5, 0.6, 0.7]), 0.1)
    joined = shape.joined(np.array([2.0, 3.0]), np.array([0.9, 0.25]), np.array([0.9, 0.65]))
    assert joined.ratios.tolist() == [1, 2, 3, 4]
    assert joined.p.tolist() == [0.1, 0.2, 0.25, 0.3]
    assert joined.mixture.tolist() == [0.5, 0.6, 0.65, 0.7]


@pytest.mark.parametrize("total", [5001, 12_000])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
@pytest.mark.parametrize("variance", [1e-6, 1e-3, 0.02, 0.5])
def test_beyond_5000_events_a_smooth_share_gives_nearly_the_exact_p(total: int, share: float, variance: float) -> None:
    size = np.array([1 / (share * (1 - share) * variance)])
    sd = np.sqrt(total * share * (1 - share) * (1 + total * share * (1 - share) * variance))
    for z in (-2.2, -1.8, 1.8, 2.2):
        events = round(float(total * share + z * sd))
        if not 50 <= events <= total - 50:
            continue
        smooth = _beta_binomial_mid_p(events, total, share * size, (1 - share) * size)[0]
        k = np.arange(total + 1)
        mass = stats.betabinom(total, share * size[0], (1 - share) * size[0]).pmf(k)
        exact = 2 * min(mass[:events].sum(), mass[events + 1 :].sum()) + mass[events]
        assert smooth == pytest.approx(exact, abs=5e-4)


@pytest.mark.parametrize(("mean", "areas"), [(100, 0), (130, 14), (3000, 5)])
def test_an_answer_is_given_however_many_events_there_are(mean: float, areas: int) -> None:
    treated, control = draw(np.random.default_rng(1), mean, areas)
    found = change_test(treated, control, BEFORE)
    assert found.low <= found.ratio <= found.high or not areas  # without comparison the interval also allows for season
    assert 0 < found.p <= 1
