"""The smallest movement into a ring that could be seen: worked by hand, against wdd, and in simulated counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import StudyError
from evaluation.displacement import wdd
from evaluation.visibility import smallest_displacement

K = 1.959964 + 0.841621  # normal quantiles of .975 and .8


def test_the_smallest_rise_and_fall_are_those_worked_by_hand() -> None:
    found = smallest_displacement(100, 100)
    # V = 1 x 2 x (100 + 100) = 400; d^2 = k^2 (400 + d): d = 3.924 + sqrt(3.924^2 + 7.849 x 400)
    assert found.rise == pytest.approx(3.92444 + math.sqrt(3.92444**2 + 7.848879 * 400), abs=1e-3)
    assert (found.rise, found.fall) == pytest.approx((60.093, 52.244), abs=2e-3)
    assert found.expected == 100
    # twice the months after, a control three times as large, counts that vary four times as much:
    # r = 2, s = 1/3, V = 2 x 3 x (30 + 90/9) = 240; h = 2 k^2
    other = smallest_displacement(30, 90, period_lengths=(6, 12), area_sizes=(3, 1), dispersion=4)
    assert other.rise == pytest.approx(2 * K**2 + math.sqrt(4 * K**4 + 4 * K**2 * 240), abs=1e-3)
    assert other.expected == 60


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 500), st.integers(0, 500), st.floats(0.3, 4), st.floats(0.3, 4), st.floats(0.1, 5), st.floats(1, 6)
)
def test_at_the_smallest_change_the_difference_is_as_many_errors_from_none_as_the_power_asks(
    ring: int, control: int, before: float, after: float, size: float, phi: float
) -> None:
    lengths = (before, after)
    found = smallest_displacement(ring, control, period_lengths=lengths, area_sizes=(1, size), dispersion=phi)
    scale = after / before
    for change in (found.rise, -found.fall):
        if not math.isnan(change):
            counts = (ring, max(ring * scale + change, 0.0)), (control, control * scale)
            seen = wdd(*counts, period_lengths=lengths, area_sizes=(1, size), dispersion=phi).local
            assert abs(seen.z) == pytest.approx(K, rel=1e-5)
            assert seen.smallest_detectable == pytest.approx(abs(seen.value))


@pytest.mark.parametrize(("rises", "size"), [(True, 1.0), (False, 1.0), (True, 0.4)])
def test_a_change_of_that_size_is_seen_in_four_of_five_simulated_studies(rises: bool, size: float) -> None:
    rng = np.random.default_rng(3)
    ring, control, phi = 90.0, 110.0, 3.0
    found = smallest_displacement(ring, control, area_sizes=(1, size), dispersion=phi)
    change = found.rise if rises else -found.fall
    means = np.array([[ring, ring + change], [control, control]])
    drawn = rng.poisson(rng.gamma(means / (phi - 1), phi - 1, size=(20_000, 2, 2)))  # variance 3 x mean
    scaled = drawn * np.array([1, size])[:, None]
    value = scaled[:, 0, 1] - scaled[:, 0, 0] - scaled[:, 1, 1] + scaled[:, 1, 0]
    error = np.sqrt(phi * (scaled * np.array([1, size])[:, None]).sum(axis=(1, 2)))
    assert (np.abs(value / error) > 1.959964).mean() == pytest.approx(0.8, abs=0.02)


def test_more_events_and_less_dispersion_show_smaller_shares() -> None:
    base = smallest_displacement(50, 50, dispersion=2)
    assert smallest_displacement(200, 200, dispersion=2).rise / 200 < base.rise / 50
    assert smallest_displacement(50, 50).rise < base.rise
    assert smallest_displacement(50, 500, area_sizes=(10, 1), dispersion=2).rise < base.rise
    assert smallest_displacement(50, 50, dispersion=2, level=0.99).rise > base.rise


def test_a_ring_with_few_events_can_show_no_fall_and_says_so() -> None:
    found = smallest_displacement(3, 40)
    assert math.isnan(found.fall)
    assert "no fall, however large" in found.summary()
    assert "can pass unseen" in found.summary()
    assert smallest_displacement(0, 0).rise == pytest.approx(K**2, rel=1e-5)


def test_the_rise_is_told_as_a_share_of_what_went_missing() -> None:
    found = smallest_displacement(100, 100)
    assert found.share_of(30) == pytest.approx(found.rise / 30)
    assert found.share_of(0) == math.inf
    assert found.to_frame().loc[0, "rise"] == found.rise
    assert repr(found) == "SmallestDisplacement(...; call .summary())"


def test_every_argument_out_of_range_is_listed() -> None:
    with pytest.raises(StudyError, match=r"(?s)ring: needs.*period_lengths: needs.*dispersion: needs.*level: needs"):
        smallest_displacement(-1, 3, period_lengths=(0, 1), dispersion=0.5, level=0.3)
    with pytest.raises(StudyError, match="area_sizes: needs 2"):
        smallest_displacement(1, 3, area_sizes=(1, 1, 1))
