"""Maps and tables say the same of the same published values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.disclosure import Answer
from commonground.disclosure.labels import interval, ratio
from evaluation.rates import rate_ratio
from mapping.maps import RATES
from mapping.published import labels_in, rate_change

LABELS = st.integers(2, 400).map(lambda n: 5 * n)


def label(value: int, k: int = 8) -> Answer:
    return Answer(value, *interval(value, k))


def test_a_rate_is_rounded_once() -> None:
    # By hand: 130/440 x 730/275 = .7843. Rounding 130/440 to .30 first would give .80, in another class of the map.
    found = rate_change(label(440), label(130), (730, 275))
    assert found == (0.78, 0.64, 0.95)
    assert RATES.place([found.ratio]) == [1]
    assert RATES.place([0.30 * 730 / 275]) == [1]
    assert RATES.place([0.80]) == [2]


@given(LABELS, LABELS)
def test_over_equal_days_it_is_the_gates_ratio(before: int, after: int) -> None:
    assert rate_change(label(before), label(after), (365, 365)) == pytest.approx(ratio(before, after))


@given(st.integers(0, 300), st.integers(0, 300), st.floats(30, 1000))
def test_of_published_counts_it_is_the_exact_interval_of_the_rates(before: int, after: int, days: float) -> None:
    found = rate_change(Answer(before, before, before), Answer(after, after, after), (days, 365.0), exact=True)
    if before + after == 0:
        assert all(map(math.isnan, found))
        return
    known = rate_ratio(before, after, exposure=(days, 365.0))
    assert found == pytest.approx((known.ratio, known.low, known.high), rel=1e-6)


def test_a_sum_counts_its_labels_and_hidden_values_have_no_change() -> None:
    assert labels_in(Answer(265, 261, 269)) == 2
    assert labels_in(Answer(10, 8, 12)) == 1
    assert labels_in(Answer(None, None, None)) == 0
    assert all(map(math.isnan, rate_change(Answer(None, None, None), label(10), (1, 1))))
    assert all(map(math.isnan, rate_change(label(10), label(10), (1, 0))))
