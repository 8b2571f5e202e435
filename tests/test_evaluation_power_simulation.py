"""Simulated power: the series that are drawn, common random numbers, Wilson's error, and tests with a known power."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from commonground.errors import StudyError
from evaluation.foreseeing.designs import Design
from evaluation.foreseeing.detection import chance_of_seeing
from evaluation.foreseeing.simulated_series import draws
from evaluation.simulation import power_curve, simulate_power

SMALL = Design(24, 6, 6.0, comparison_areas=2)


def months(design: Design, series: int, season: float = 0.0) -> np.ndarray:
    """Return simulated counts without a change: (series, months, areas)."""
    return np.array([draw.counts(1.0) for draw in draws(design, series, season=season, seed=5)])


def test_the_series_have_the_mean_dispersion_and_autocorrelation_that_the_design_says() -> None:
    design = Design(24, 6, 8.0, 3, comparison_mean=3.0, dispersion=0.3, autocorrelation=0.6)
    drawn = months(design, 1000)
    for area, mean in ((0, 8.0), (2, 3.0)):
        counts = drawn[:, :, area]
        assert counts.mean() == pytest.approx(mean, rel=0.03)
        assert counts.var() == pytest.approx(mean + 0.3 * mean**2, rel=0.06)
        lagged = ((counts[:, 1:] - mean) * (counts[:, :-1] - mean)).mean() / mean**2
        assert lagged == pytest.approx(0.3 * 0.6, abs=0.025)
    assert np.corrcoef(drawn[:, :, 0].ravel(), drawn[:, :, 1].ravel())[0, 1] == pytest.approx(0, abs=0.02)


def test_without_dispersion_they_are_poisson_and_a_season_is_shared_by_all_areas() -> None:
    plain = months(Design(24, 12, 5.0, 1), 800)
    assert plain.var() == pytest.approx(plain.mean(), rel=0.04)
    waves = months(Design(24, 12, 40.0, 1), 300, season=0.4)
    # over one year log rates have variance .4^2 / 2; each study starts in another month
    assert np.log(waves + 0.5).var(axis=1).mean() == pytest.approx(0.08 + 1 / 40, rel=0.15)
    assert np.mean([np.corrcoef(study.T)[0, 1] for study in waves]) > 0.6


def test_a_larger_ratio_never_gives_fewer_events_and_touches_only_the_treated_months_after() -> None:
    for draw in draws(replace(SMALL, dispersion=0.3), 30, seed=2):
        low, none, high = (draw.counts(ratio) for ratio in (0.5, 1.0, 1.6))
        assert (low <= none).all()
        assert (none <= high).all()
        for changed in (low, high):
            np.testing.assert_array_equal(changed[:24], none[:24])
            np.testing.assert_array_equal(changed[:, 1:], none[:, 1:])


def test_a_curve_is_monotone_on_either_side_and_holds_the_single_results() -> None:
    curve = power_curve(SMALL, [0.15, 0.35, 0.6, 3.0], series=15, seed=4).to_frame().set_index("ratio")["power"]
    assert list(curve.index) == [0.15, 0.35, 0.6, 1.0, 3.0]
    assert curve[:1.0].is_monotonic_decreasing
    assert curve[1.0:].is_monotonic_increasing
    single = simulate_power(SMALL, 0.35, series=15, seed=4)
    assert (single.power, single.false_alarms) == (curve[0.35], curve[1.0])
    assert curve[0.15] > 0.9 > curve[0.6]


def test_the_error_is_wilsons_interval() -> None:
    found = simulate_power(SMALL, 0.35, series=20, seed=1)
    p, n, z = found.power, 20, 1.959964
    centre, reach = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (found.low, found.high) == pytest.approx(
        ((centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)), abs=1e-6
    )


@pytest.mark.parametrize(("test", "areas"), [("shift_test", 2), ("interrupted_series", 0), ("relative_rate_ratio", 3)])
def test_every_test_sees_a_large_change_and_seldom_none(test: str, areas: int) -> None:
    found = simulate_power(Design(36, 12, 12.0, areas), 0.3, test=test, series=40)
    assert found.power > 0.9
    assert found.false_alarms < 0.25
    assert found.power == simulate_power(Design(36, 12, 12.0, areas), 0.3, test=test, series=40).power


def test_the_relative_rate_ratio_has_about_the_power_reckoned_without_simulation() -> None:
    design = Design(36, 12, 8.0, 5)
    found = simulate_power(design, 0.7, test="relative_rate_ratio", series=150, seed=8)
    # it estimates the dispersion, never below 1, and so sees a little less
    assert found.power == pytest.approx(chance_of_seeing(design, 0.7), abs=0.13)
    assert found.false_low <= 0.05


def test_synthetic_control_sees_nothing_where_its_smallest_p_is_above_the_level() -> None:
    few = simulate_power(Design(24, 6, 12.0, 5), 0.1, test="synthetic_control", series=3)
    assert few.power == 0
    assert simulate_power(Design(24, 6, 30.0, 19), 0.1, test="synthetic_control", series=5).power == 1


def test_each_outcome_of_several_is_held_to_its_share_of_the_level() -> None:
    alone = simulate_power(SMALL, 0.4, series=20, seed=6)
    joint = simulate_power(replace(SMALL, outcomes=3), 0.4, series=20, seed=6)
    assert joint.power < alone.power
    # the placebo's smallest p, 1 / 90, is above .05 / 6: only where the areas are not alike does the own series decide
    assert simulate_power(replace(SMALL, outcomes=6), 0.05, series=12).power <= 0.25 < alone.power
    assert "each of 3 outcomes held to 1.7 %" in joint.summary()


def test_a_study_without_a_p_counts_as_not_seen_and_is_told_of() -> None:
    found = simulate_power(Design(24, 6, 0.7), 0.5, series=20, seed=3)
    assert found.without_p > 0.2
    assert found.power + found.without_p <= 1
    assert f"No p was given in {found.without_p:.0%}" in found.summary()


def test_a_test_that_alarms_too_often_is_told_of() -> None:
    slow = Design(24, 6, 12.0, 3, dispersion=0.4, autocorrelation=0.8)
    found = simulate_power(slow, 0.5, test="relative_rate_ratio", series=80)
    assert found.false_low > 0.075
    assert "what it sees is not evidence: use change_test" in found.summary()
    assert repr(found) == "SimulatedPower(...; call .summary())"
    assert found.to_frame().loc[0, "false_alarms"] == found.false_alarms


def test_the_curve_says_what_was_seen() -> None:
    curve = power_curve(Design(36, 12, 12.0, 3), [0.3, 0.9], test="relative_rate_ratio", series=20)
    assert "a fall to 0.30 times or further was seen by relative_rate_ratio in at least 80%" in curve.summary()
    assert repr(curve) == "PowerCurve(...; call .summary())"


def test_what_cannot_be_simulated_is_refused_with_every_reason() -> None:
    with pytest.raises(StudyError, match=r"(?s)ratio: needs.*test: needs one of.*series: needs.*before_months, after"):
        simulate_power(Design(24.5, 6, 4.0), -1, test="t", series=0)
    with pytest.raises(StudyError, match="comparison_areas: needs at least 2 for synthetic_control"):
        simulate_power(Design(24, 6, 4.0, 1), 0.5, test="synthetic_control")
    with pytest.raises(StudyError, match="season: needs"):
        simulate_power(SMALL, 0.5, season=-0.1)


@pytest.mark.slow
def test_the_headline_test_has_the_power_that_its_design_was_chosen_for() -> None:
    """Methods, change_test: .64 with five areas and Poisson counts, .37 without one, both 24 + 6 months of mean 4.

    With 1,000 studies the standard error is .015; the season of the sixth months adds some.
    """
    five = simulate_power(Design(24, 6, 4.0, 5), 0.5, series=1000, seed=12)
    alone = simulate_power(Design(24, 6, 4.0), 0.5, series=1000, seed=12)
    assert five.power == pytest.approx(0.64, abs=0.06)
    assert alone.power == pytest.approx(0.37, abs=0.06)
    assert max(five.false_low, alone.false_low) <= 0.069
