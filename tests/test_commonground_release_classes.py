"""Classes are declared, at most five, and one neutral class holds whatever is hidden."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.release.classes import DIVERGING, SEQUENTIAL, ClassError, Classes


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_values_fall_into_half_open_classes() -> None:
    classes = Classes((8, 20, 50, math.inf))
    assert classes.place([8, 19.9, 20, 50, math.inf, math.nan]) == [0, 0, 1, 2, 2, -1]
    assert classes.labels == ("8 to under 20", "20 to under 50", "50 or more")


@given(st.lists(st.floats(-100, 99.9) | st.none(), min_size=1, max_size=30))
def test_placing_agrees_with_pandas_cut(values: list[float | None]) -> None:
    edges = (-100.0, -5.0, 0.0, 2.5, 40.0, 100.0)
    series = pd.Series(values, dtype=float)
    assert Classes(edges, "diverging").place(series) == list(
        pd.cut(series, list(edges), right=False, labels=False).fillna(-1).astype(int)
    )


def test_a_value_outside_the_declared_classes_is_refused_without_being_named() -> None:
    with pytest.raises(ClassError, match="outside the declared classes; declare wider ones") as caught:
        Classes((0, 10, 20)).place([73])
    assert "73" not in str(caught.value)


@pytest.mark.parametrize(
    ("breaks", "kind", "match"),
    [
        ((0, 1), "sequential", "two to 5 classes"),
        (tuple(range(8)), "sequential", "two to 5 classes"),
        ((0, 2, 1), "sequential", "ascending order"),
        ((0, math.nan, 1), "sequential", "ascending order"),
        ((0, 1, 2), "rainbow", "'sequential' .* or 'diverging'"),
    ],
)
def test_classes_that_cannot_be_read_are_refused(breaks: tuple[float, ...], kind: str, match: str) -> None:
    with pytest.raises(ClassError, match=match):
        Classes(breaks, kind)


def test_sequential_colours_darken_from_low_to_high() -> None:
    for count, colours in SEQUENTIAL.items():
        light = [luminance(colour) for colour in colours]
        assert len(colours) == count
        assert light == sorted(light, reverse=True)
        assert min(a - b for a, b in pairwise(light)) > 0.05


def test_diverging_colours_are_lightest_in_the_middle() -> None:
    for count, colours in DIVERGING.items():
        light = [luminance(colour) for colour in colours]
        assert len(colours) == count
        assert np.argmax(light) in {(count - 1) // 2, count // 2}
