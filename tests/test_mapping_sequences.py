"""Courses of areas over several periods: planted on a lattice, and trends beside a regression."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from commonground.errors import GeographyError, RecordsError
from mapping.clusters import gi_star
from mapping.sequences import CLASSES, _trends, change_classes

SIDE = 9
CODES = [f"a{row}{column}" for row in range(SIDE) for column in range(SIDE)]


def lattice() -> gpd.GeoDataFrame:
    cells = [shapely.box(c * 100, r * 100, c * 100 + 100, r * 100 + 100) for r in range(SIDE) for c in range(SIDE)]
    return gpd.GeoDataFrame(geometry=cells, index=pd.Index(CODES, dtype="str"), crs=27700)


def town(planted: dict[str, list[float]], *, base: float = 4, seed: int = 0) -> pd.DataFrame:
    """Counts around a base, with a mean for the three-by-three block about each named area in each period."""
    periods = len(next(iter(planted.values())))
    mean = np.full((SIDE, SIDE, periods), base)
    for code, course in planted.items():
        row, column = int(code[1]), int(code[2])
        mean[row - 1 : row + 2, column - 1 : column + 2] = course
    drawn = np.random.default_rng(seed).poisson(mean).reshape(-1, periods)
    return pd.DataFrame(drawn, index=CODES, columns=[f"20{18 + t}" for t in range(periods)])


def test_planted_courses_are_named() -> None:
    planted = {
        "a11": [40.0, 40, 40, 40, 40],
        "a17": [4.0, 4, 4, 4, 40],
        "a71": [40.0, 40, 40, 4, 4],
        "a77": [40.0, 4, 40, 4, 40],
    }
    found = change_classes(town(planted), lattice()).table
    assert found.loc[["a11", "a17", "a71", "a77", "a44"], "class"].tolist() == [
        "persistent",
        "new",
        "ended",
        "sporadic",
        "never high",
    ]
    assert found.loc[["a11", "a17", "a71", "a77"], "course"].tolist() == ["HHHHH", "----H", "HHH--", "H-H-H"]


@pytest.mark.parametrize(
    ("course", "name"), [([30.0, 40, 50, 60, 70], "intensifying"), ([70.0, 60, 50, 40, 30], "diminishing")]
)
def test_high_throughout_with_a_trend_is_intensifying_or_diminishing(course: list[float], name: str) -> None:
    found = change_classes(town({"a11": course}), lattice()).table
    assert found.at["a11", "class"] == name
    assert found.at["a11", "p_adjusted"] <= 0.05


def test_counts_stand_beside_the_class() -> None:
    counts = town({"a11": [40.0, 40, 40]})
    found = change_classes(counts, lattice())
    assert found.table[list(counts.columns)].astype(int).equals(counts.astype(int))
    assert set(found.table["class"]) <= set(CLASSES)


def test_in_an_even_town_hardly_anything_is_high() -> None:
    # family-wise .05 over the whole map and all periods: of 40 towns about two may show anything at all
    shown = sum(
        (
            change_classes(town({"a44": [4.0, 4, 4]}, seed=seed), lattice(), seed=seed).table["class"] != "never high"
        ).any()
        for seed in range(40)
    )
    assert shown <= 7  # P(8 or more of 40 at .05) is under .001


def test_a_trend_is_that_of_the_score_test_of_a_regression() -> None:
    counts, lengths = np.array([12.0, 9, 15, 20, 31]), np.array([12.0, 12, 6, 12, 12])
    frame = town({"a44": [4.0] * 5}).astype(float)
    frame.loc["a00"] = counts
    z = change_classes(frame, lattice(), exposure=lengths).table.at["a00", "trend"]
    flat = sm.GLM(counts, np.ones(5), family=sm.families.Poisson(), exposure=lengths).fit()
    score, p = flat.score_test(exog_extra=np.arange(5.0)[:, None])
    assert z**2 == pytest.approx(float(np.squeeze(score)), rel=1e-6)
    assert change_classes(frame, lattice(), exposure=lengths).table.at["a00", "p"] == pytest.approx(
        float(np.squeeze(p))
    )


def test_a_rate_that_stays_over_unequal_periods_is_no_trend() -> None:
    frame = town({"a44": [4.0] * 3}).astype(float)
    frame.loc["a00"] = [10, 20, 40]
    table = change_classes(frame, lattice(), exposure=(1, 2, 4)).table
    assert table.at["a00", "trend"] == pytest.approx(0, abs=1e-9)


def test_an_area_that_was_not_observed_throughout_is_said_to_be_that() -> None:
    frame = town({"a11": [40.0, 40, 40]}).astype(float)
    frame.loc["a11", "2019"] = np.nan
    found = change_classes(frame, lattice())
    assert found.table.at["a11", "class"] == "not observed"
    assert found.table.at["a11", "course"][1] == "?"
    assert np.isnan(found.table.at["a11", "trend"])


def test_an_area_without_any_event_has_no_trend() -> None:
    frame = town({"a44": [4.0] * 3}).astype(float)
    frame.loc["a00"] = 0
    assert np.isnan(change_classes(frame, lattice()).table.at["a00", "p"])


def test_the_summary_counts_the_classes_and_warns_of_few_events() -> None:
    found = change_classes(town({"a11": [4.0, 4, 40]}), lattice())
    said = found.summary()
    assert f"{(found.table['class'] == 'new').sum()} new" in said
    assert "never high is not never there" in said
    assert repr(found) == "ChangeClasses(...; call .summary())"


@pytest.mark.parametrize(
    ("change", "exposure", "said"),
    [
        (lambda f: f[["2018", "2019"]], None, "at least three periods are needed"),
        (lambda f: f, (1, 1), "one length above 0 for each period"),
        (lambda f: f, (1, 0, 1), "one length above 0 for each period"),
        (lambda f: f.assign(**{"2018": -1}), None, "a number from 0 up is needed"),
    ],
)
def test_what_cannot_be_classed_is_refused(change: Any, exposure: Any, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        change_classes(change(town({"a11": [4.0, 4, 4]})), lattice(), exposure=exposure)


def test_codes_that_the_areas_do_not_have_are_refused() -> None:
    with pytest.raises(GeographyError, match="1 codes that `areas` does not have"):
        change_classes(town({"a11": [4.0, 4, 4]}).rename(index={"a00": "b00"}), lattice())


def test_high_is_what_a_family_wise_p_over_areas_and_periods_says() -> None:
    counts = town({"a11": [9.0, 9, 9, 9], "a66": [8.0, 10, 7, 9]}, seed=3)
    found = change_classes(counts, lattice(), seed=5).table
    areas, between = lattice(), 0
    for place, period in enumerate(counts):
        local, _ = gi_star(counts[period].astype(float), areas, seed=5 + place)
        expected = (local["gi"] > 0) & (local["p_family"] <= 0.05 / 4)
        assert [course[place] == "H" for course in found["course"]] == expected.tolist()
        between += int(((local["gi"] > 0) & local["p_family"].between(0.0126, 0.05)).sum())
    assert between > 0  # else the number of periods would not have mattered


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), unit=st.floats(0.1, 50))
def test_running_the_periods_backwards_turns_every_trend_and_units_of_length_do_not_matter(
    seed: int, unit: float
) -> None:
    rng = np.random.default_rng(seed)
    counts, lengths = rng.poisson(3.0, (81, 4)).astype(float), rng.uniform(1, 5, 4)
    one, back, other = (
        _trends(values, long)
        for values, long in ((counts, lengths), (counts[:, ::-1], lengths[::-1]), (counts, lengths * unit))
    )
    assert one["trend"] == pytest.approx(-back["trend"], nan_ok=True)
    assert one["trend"] == pytest.approx(other["trend"], nan_ok=True)
    assert one["p_adjusted"] == pytest.approx(back["p_adjusted"], nan_ok=True)


def test_trends_of_chance_are_named_no_more_often_than_promised() -> None:
    counts, lengths = np.random.default_rng(9).poisson([8.0, 4, 8, 16], (4_000, 4)), np.array([2.0, 1, 2, 4])
    p = _trends(counts.astype(float), lengths)["p"]
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.012)  # 3.5 standard errors of 4,000


def test_at_most_50_periods_are_classed_and_at_50_something_can_still_be_high() -> None:
    counts = town({"a44": [60.0] * 51})
    found = change_classes(counts.iloc[:, :50], lattice()).table
    assert found.at["a44", "class"] == "persistent"
    with pytest.raises(RecordsError, match="at most 50 periods can be told apart from chance"):
        change_classes(counts, lattice())


def test_a_neighbourhood_that_is_low_throughout_is_not_called_high() -> None:
    found = change_classes(town({"a11": [1.0, 1, 1]}, base=60), lattice()).table
    assert found.at["a11", "class"] == "never high"
    assert found.at["a11", "course"] == "---"


def test_a_trend_that_only_its_own_p_shows_leaves_a_place_persistent() -> None:
    counts = town({"a11": [40.0, 40, 40]})
    counts.loc["a11"] = [32, 40, 50]  # z 2: p .047, beside 80 other areas not enough
    found = change_classes(counts, lattice()).table
    assert found.at["a11", "p"] <= 0.05 < found.at["a11", "p_adjusted"]
    assert found.at["a11", "class"] == "persistent"
    known = found["p"].notna()
    assert found.loc[known, "p_adjusted"].tolist() == pytest.approx(false_discovery_control(found.loc[known, "p"]))
