from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control
from statsmodels.stats.multitest import multipletests

from commonground.errors import GeographyError, RecordsError
from mapping.change import area_change, hot_spots, pattern_similarity
from mapping.clusters import gi_star


def lattice(side: int) -> gpd.GeoDataFrame:
    boxes = [shapely.box(i, j, i + 1, j + 1) for i in range(side) for j in range(side)]
    return gpd.GeoDataFrame(geometry=boxes, index=pd.Index([f"E{k:03d}" for k in range(side**2)]), crs=27700)


def counts(values: object, areas: gpd.GeoDataFrame) -> pd.Series:
    return pd.Series(np.asarray(values, dtype=float), index=areas.index)


def test_ten_against_five_gives_the_published_exact_interval() -> None:
    # methods.md, section 2: ratio 2, .62285955 to 7.4572959
    areas = lattice(1)
    row = area_change(counts([5], areas), counts([10], areas), areas).to_frame().iloc[0]
    np.testing.assert_allclose(row[["ratio", "low", "high"]].astype(float), [2, 0.62285955, 7.4572959], rtol=1e-7)


def test_unequal_periods_give_the_published_exact_interval_and_p() -> None:
    # methods.md, section 2: 18 in 6 months after 40 in 24: 1.8, .97133082 to 3.21294881, central p .0620036
    areas = lattice(1)
    row = area_change(counts([40], areas), counts([18], areas), areas, exposure=(24, 6)).to_frame().iloc[0]
    np.testing.assert_allclose(row[["ratio", "low", "high"]].astype(float), [1.8, 0.97133082, 3.21294881], rtol=1e-8)
    assert row["p"] == pytest.approx(0.0620036, abs=5e-8)
    # r = 1/4: (18 - 10) / sqrt(18 + 40 / 16)
    assert row["change"] == pytest.approx(8 / np.sqrt(20.5))


@settings(max_examples=50, deadline=None)
@given(before=st.integers(0, 60), after=st.integers(0, 60), share=st.floats(0.05, 0.95))
def test_the_interval_of_the_ratio_is_that_of_the_binomial_share(before: int, after: int, share: float) -> None:
    areas = lattice(1)
    row = area_change(counts([before], areas), counts([after], areas), areas, exposure=(1 - share, share))
    low, high, p = row.to_frame().iloc[0][["low", "high", "p"]].astype(float)
    if before + after == 0:
        assert (low, high, p) == (0, np.inf, 1)
        return
    limits = binomtest(after, before + after, share).proportion_ci(method="exact")
    odds = (1 - share) / share
    assert low == pytest.approx(limits.low / (1 - limits.low) * odds)
    assert high == (pytest.approx(limits.high / (1 - limits.high) * odds) if before else np.inf)
    tails = [binomtest(after, before + after, share, alternative=side).pvalue for side in ("less", "greater")]
    assert p == pytest.approx(min(1, 2 * min(tails)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=4, max_size=4))
def test_swapping_the_periods_turns_every_ratio_over(pairs: list[tuple[int, int]]) -> None:
    areas = lattice(2)
    first, second = (counts(column, areas) for column in zip(*pairs, strict=True))
    there, back = area_change(first, second, areas).to_frame(), area_change(second, first, areas).to_frame()
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(there["low"], 1 / back["high"].to_numpy())
        np.testing.assert_allclose(there["high"], 1 / back["low"].to_numpy())
    np.testing.assert_allclose(there["change"], -back["change"], atol=1e-12)
    np.testing.assert_allclose(there["p"], back["p"])


def test_p_is_adjusted_over_the_areas_with_events_as_statsmodels_does() -> None:
    areas = lattice(4)
    rng = np.random.default_rng(5)
    before, after = (counts(rng.poisson(6, 16), areas) for _ in range(2))
    before.iloc[3] = after.iloc[3] = 0
    before.iloc[7] = np.nan
    table = area_change(before, after, areas).to_frame()
    used = table.index.difference([areas.index[3], areas.index[7]])
    expected = multipletests(table.loc[used, "p"], method="fdr_bh")[1]
    np.testing.assert_allclose(table.loc[used, "p_adjusted"], expected)
    assert table["p_adjusted"].iloc[3] == 1


def test_an_area_nobody_observed_stays_missing() -> None:
    areas = lattice(4)
    before, after = counts(np.full(16, 5), areas), counts(np.arange(16), areas)
    before.iloc[2] = np.nan
    change = area_change(before, after.drop(areas.index[9]), areas)
    table = change.to_frame()
    assert table.index.equals(areas.index)
    assert table.iloc[[2, 9]][["ratio", "low", "high", "p", "p_adjusted", "change", "gi"]].isna().all(axis=None)
    assert table["cluster"].iloc[[2, 9]].tolist() == ["not observed"] * 2
    assert "2 areas were not observed in both periods; they are missing, not unchanged" in change.summary()
    assert repr(change) == "AreaChange(...; call .summary())"


def bare_gi_star(values: np.ndarray, side: int) -> np.ndarray:
    """Return Gi* on a square lattice, written out from Ord and Getis (1995), equation 14."""
    n, s = len(values), values.std()
    grid = values.reshape(side, side)
    z = np.empty((side, side))
    for i in range(side):
        for j in range(side):
            near = grid[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            w = near.size
            z[i, j] = (near.sum() - w * values.mean()) / (s * np.sqrt((n * w - w**2) / (n - 1)))
    return z.ravel()


@pytest.mark.parametrize("move", [0, -4, 4])
def test_clusters_of_change_follow_the_published_formula_whatever_the_mean(move: float) -> None:
    # esda alone turns the sign when the mean change is below 0.
    areas = lattice(7)
    values = np.random.default_rng(2).normal(move, 1, 49)
    found, _ = gi_star(counts(values, areas), areas)
    np.testing.assert_allclose(found["gi"], bare_gi_star(values, 7))


def planted(side: int = 12) -> tuple[gpd.GeoDataFrame, pd.Series, pd.Series, list[str]]:
    areas = lattice(side)
    rng = np.random.default_rng(8)
    before, after = (counts(rng.poisson(6, side**2), areas) for _ in range(2))
    block = [areas.index[i * side + j] for i in range(3) for j in range(3)]
    after[block] += 15
    return areas, before, after, block


def test_a_planted_rise_is_found_as_a_cluster_and_nothing_far_from_it() -> None:
    areas, before, after, block = planted()
    table = area_change(before, after, areas).to_frame()
    assert (table.loc[block, "cluster"] == "rise").sum() >= 8
    assert (table["cluster"] == "rise").sum() <= 16
    assert (table["cluster"] == "fall").sum() <= 1  # the false discovery rate allows one in twenty
    down = area_change(after, before, areas).to_frame()
    assert (down.loc[block, "cluster"] == "fall").sum() >= 8


def test_a_planted_hot_spot_is_found_and_summed_up() -> None:
    areas, _, after, block = planted()
    found = hot_spots(after, areas)
    assert (found.to_frame().loc[block[:2], "cluster"] == "high").all()
    assert "not a rate and not a risk to anyone" in found.summary()
    assert (found.to_frame()["p_family"] >= 1 / 1000).all()


def test_skewed_counts_without_pattern_rarely_make_a_hot_spot() -> None:
    areas = lattice(8)
    rng = np.random.default_rng(4)
    false = sum(
        (hot_spots(counts(rng.negative_binomial(0.3, 0.05, 64), areas), areas).to_frame()["cluster"] == "high").any()
        for _ in range(60)
    )
    assert false <= 7  # 60 maps at .05 (two-sided): more than 7 has probability .02


def test_areas_that_touch_nobody_are_said() -> None:
    areas = lattice(4)
    far = areas.geometry.copy()
    far.iloc[0] = shapely.box(50, 50, 51, 51)
    found = hot_spots(counts(np.arange(16), areas), areas.set_geometry(far))
    assert "1 observed areas touch no other" in found.summary()


def test_codes_of_another_year_are_refused() -> None:
    areas = lattice(3)
    strange = counts(np.ones(9), areas).rename(index={"E000": "W000"})
    with pytest.raises(GeographyError, match="`after` has 1 codes that `areas` does not have"):
        area_change(counts(np.ones(9), areas), strange, areas)


def test_counts_that_are_not_counts_are_listed_by_row() -> None:
    areas = lattice(3)
    bad = counts([1, -1, 1, 1, np.inf, 1, 1, 1, 1], areas)
    with pytest.raises(RecordsError, match="row 2, `before`: a number from 0 up") as caught:
        area_change(bad, bad, areas)
    assert caught.value.problems["row"].tolist() == [2, 5]
    with pytest.raises(RecordsError, match="row 1, `before`: a whole number is needed"):
        area_change(counts([1.5] + [1] * 8, areas), counts(np.ones(9), areas), areas)
    with pytest.raises(RecordsError, match="exposure: two lengths above 0"):
        area_change(counts(np.ones(9), areas), counts(np.ones(9), areas), areas, exposure=(1, 0))


REFERENCE = ([2, 2, 2, 1, 0, 1], [2, 1, 2, 2, 1, 1])


def test_pattern_similarity_gives_the_published_p_values() -> None:
    # methods.md, section 1
    table = pattern_similarity(*REFERENCE).to_frame()
    np.testing.assert_allclose(table["p"], [0.895978, 0.466985, 0.895978, 0.610630, 0.345779, 0.931414], atol=5e-7)


@pytest.mark.parametrize(("adjust", "method"), [("by", "fdr_by"), ("bh", "fdr_bh")])
def test_similarity_is_the_share_of_areas_without_a_significant_difference(adjust: str, method: str) -> None:
    rng = np.random.default_rng(1)
    before, after = rng.poisson(30, 50), rng.poisson(30, 50)
    after[:6] *= 4
    before[-5:] = after[-5:] = 0
    result = pattern_similarity(before, after, adjust=adjust)
    significant = multipletests(result.table["p"].iloc[:45], method=method)[1] <= 0.05
    assert result.s == pytest.approx(1 - significant.sum() / 50)
    assert result.s_robust == pytest.approx(1 - significant.mean())
    assert (result.table["differs"].iloc[:6] == "up").all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12))
def test_swapping_the_periods_changes_no_p(pairs: list[tuple[int, int]]) -> None:
    before, after = (list(column) for column in zip(*pairs, strict=True))
    if not (sum(before) and sum(after)):
        return
    there, back = pattern_similarity(before, after), pattern_similarity(after, before)
    np.testing.assert_allclose(there.table["p"], back.table["p"])
    assert there.s == back.s


def test_without_adjustment_p_is_left_as_it_is() -> None:
    table = pattern_similarity(*REFERENCE, adjust="none").table
    pd.testing.assert_series_equal(table["p_adjusted"], table["p"], check_names=False)
    by = false_discovery_control(table["p"], method="by")
    np.testing.assert_allclose(pattern_similarity(*REFERENCE).table["p_adjusted"], by)


def test_unobserved_areas_leave_similarity_and_are_said() -> None:
    result = pattern_similarity([20, 30, np.nan], [22, 28, 400])
    assert result.s == 1
    assert result.table["differs"].tolist() == ["no", "no", "not observed"]
    assert "1 areas were not observed in both periods" in result.summary()
    assert "not evidence that nothing moved" in result.summary()


def test_patterns_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(RecordsError, match="at least one event each"):
        pattern_similarity([0, 0], [1, 2])
    with pytest.raises(GeographyError, match="not counts of the same areas"):
        pattern_similarity(pd.Series([1, 2], ["A", "B"]), pd.Series([1, 2], ["A", "C"]))
    with pytest.raises(RecordsError, match='"by", "bh" or "none"'):
        pattern_similarity([1], [1], adjust="bonferroni")  # type: ignore[arg-type]
