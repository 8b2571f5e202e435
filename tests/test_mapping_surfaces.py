from __future__ import annotations

import os
import tracemalloc
import warnings
from math import comb, gamma, pi
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, gaussian_kde, multivariate_normal, norm
from statsmodels.nonparametric.kernel_density import KDEMultivariate

from commonground.errors import GeographyError, RecordsError
from mapping.bandwidths import likelihood_bandwidth, normal_bandwidth
from mapping.kernels import covered_share, fine_lattice, pixels_inside, window_share
from mapping.relabelling import deal_labels
from mapping.surfaces import displacement_surface, oversmoothing_bandwidth

TOWN = shapely.box(0, 0, 1000, 1000)
DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).parents[2] / "shared" / "data"))


def points(x: object, y: object, crs: int | None = 27700) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(x, y, crs=crs)


def scatter(n: int, seed: int, centre: tuple[float, float] = (500, 500), spread: float = 200) -> gpd.GeoSeries:
    """Return n points around a centre, all of them in the town."""
    rng = np.random.default_rng(seed)
    x, y = np.clip(rng.normal(np.array(centre)[:, None], spread, (2, n)), 1, 999)
    return points(x, y)


def q_at(x: float, y: float, window: shapely.Geometry, bandwidth: float) -> float:
    lattice = fine_lattice(window, bandwidth)
    share = window_share(np.array([x]), np.array([y]), covered_share(window, lattice), lattice, bandwidth)
    return float(share[0, 0])


# ---- identities -----------------------------------------------------------------------------------------------------


def test_each_density_integrates_to_one_over_the_window() -> None:
    ring = shapely.difference(TOWN, shapely.Point(500, 500).buffer(200))
    two = shapely.union(ring, shapely.box(1200, 0, 1500, 400))
    for window in (TOWN, two):
        s = displacement_surface(scatter(80, 1), scatter(60, 2), window, bandwidth=90, cell=20, permutations=0)
        for density in (s.density_before, s.density_after):
            assert np.nansum(density) * s.cell**2 == pytest.approx(1)
        assert np.nansum(s.level_after) * s.cell**2 == pytest.approx(s.n_after)


def test_the_same_events_before_and_after_give_nought_everywhere() -> None:
    events = scatter(50, 3)
    s = displacement_surface(events, events, TOWN, permutations=19)
    assert np.nanmax(np.abs(s.log_ratio)) == 0
    assert np.nanmin(s.p) == 1


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), edge=st.booleans(), binning=st.sampled_from(["exact", "pixel"]))
def test_swapping_the_periods_turns_the_sign_of_every_surface(seed: int, edge: bool, binning: str) -> None:
    first, second = scatter(30, seed, (300, 400)), scatter(20, seed + 1, (600, 700))
    there, back = (
        displacement_surface(a, b, TOWN, bandwidth=120, cell=50, permutations=0, edge=edge, binning=binning)
        for a, b in ((first, second), (second, first))
    )
    np.testing.assert_allclose(there.log_ratio, -back.log_ratio, atol=1e-12)
    np.testing.assert_allclose(there.statistic, -back.statistic, atol=1e-9)
    np.testing.assert_allclose(there.level_change, -back.level_change, atol=1e-15)
    assert np.isfinite(there.log_ratio).all()


def test_half_a_kernel_lies_inside_on_a_straight_edge_and_a_quarter_in_a_corner() -> None:
    slanted = shapely.affinity.rotate(shapely.box(0, 0, 1000, 1000), 30, origin=(0, 0))
    assert q_at(0, 500, TOWN, 60) == pytest.approx(0.5, abs=1e-6)
    assert q_at(0, 0, TOWN, 60) == pytest.approx(0.25, abs=1e-6)
    assert q_at(500, 500, TOWN, 60) == pytest.approx(1, abs=1e-6)
    middle = shapely.LineString([slanted.exterior.coords[0], slanted.exterior.coords[1]]).centroid
    assert q_at(middle.x, middle.y, slanted, 60) == pytest.approx(0.5, abs=1e-3)
    corner = slanted.exterior.coords[0]
    assert q_at(*corner, slanted, 60) == pytest.approx(0.25, abs=1e-3)


def test_the_share_inside_a_circle_is_the_rayleigh_distribution() -> None:
    # A Gaussian kernel at the centre of a circle of radius r holds 1 - exp(-r^2 / 2 h^2) (Rayleigh 1880).
    circle = shapely.Point(0, 0).buffer(300, quad_segs=256)
    assert q_at(0, 0, circle, 150) == pytest.approx(1 - np.exp(-2), abs=1e-4)


# ---- against other implementations ----------------------------------------------------------------------------------


def test_densities_are_the_scipy_mixture_where_no_edge_is_near() -> None:
    before, after = scatter(70, 5, spread=60), scatter(40, 6, spread=60)
    s = displacement_surface(before, after, TOWN, bandwidth=50, cell=20, permutations=0)
    for events, density in ((before, s.density_before), (after, s.density_after)):
        at = np.dstack([s.x, s.y])
        normals = [multivariate_normal([x, y], 50**2).pdf(at) for x, y in zip(events.x, events.y, strict=True)]
        np.testing.assert_allclose(density, np.mean(normals, axis=0), atol=2e-3 * np.nanmax(density))


def bare_surface(before: gpd.GeoSeries, after: gpd.GeoSeries, h: float, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Return the log ratio in the unit square town, written out point by point, with the edge share from erf."""
    side = 1000
    share = lambda u: norm.cdf((side - u) / h) - norm.cdf(-u / h)  # noqa: E731
    surfaces = []
    for events in (before, after):
        total = np.zeros((len(ys), len(xs)))
        for x, y in zip(events.x, events.y, strict=True):
            total += np.exp(-((xs[None, :] - x) ** 2 + (ys[:, None] - y) ** 2) / (2 * h * h))
        total /= share(xs)[None, :] * share(ys)[:, None]
        surfaces.append(total / total.sum())
    return np.log(surfaces[1] / surfaces[0])


def test_the_log_ratio_is_that_of_a_bare_loop_up_to_the_edge() -> None:
    before, after = scatter(60, 7, (200, 300), 250), scatter(50, 8, (700, 600), 250)
    s = displacement_surface(before, after, TOWN, bandwidth=130, cell=25, permutations=0)
    expected = bare_surface(before, after, 130, s.x[0], s.y[:, 0])
    counted = np.minimum(s.density_before, s.density_after) > 1e-4 / TOWN.area
    assert counted.mean() > 0.8
    np.testing.assert_allclose(s.log_ratio[counted], expected[counted], atol=1e-6)
    assert (np.abs(s.log_ratio[~counted]) < np.abs(expected[~counted])).all()


def test_the_p_values_are_those_of_a_bare_permutation() -> None:
    before, after = scatter(25, 9, (350, 500), 200), scatter(20, 10, (600, 500), 200)
    s = displacement_surface(before, after, TOWN, bandwidth=200, cell=125, permutations=999)
    both = pd.concat([before, after], ignore_index=True)
    xs, ys = s.x[0], s.y[:, 0]
    error = s.log_ratio / s.statistic
    rng, beyond, maxima = np.random.default_rng(77), np.zeros(s.x.shape), []
    for _ in range(999):
        order = rng.permutation(45)
        rho = bare_surface(both[order[:25]], both[order[25:]], 200, xs, ys)
        beyond += np.abs(rho) >= np.abs(s.log_ratio)
        maxima.append(np.abs(rho / error).max())
    # two independent Monte Carlo estimates: 4.5 standard errors at p = .5
    np.testing.assert_allclose(s.p, (1 + beyond) / 1000, atol=0.1)
    family = (1 + (np.array(maxima)[:, None, None] >= np.abs(s.statistic)).sum(axis=0)) / 1000
    np.testing.assert_allclose(s.p_family, family, atol=0.1)
    assert (s.p_family >= s.p).all()


def test_the_studentised_change_has_unit_spread_over_repeated_data() -> None:
    rng, statistics = np.random.default_rng(12), []
    for _ in range(80):
        a, b = (points(*rng.uniform(0, 1000, (2, n))) for n in (300, 200))
        statistics.append(displacement_surface(a, b, TOWN, bandwidth=120, cell=250, permutations=0).statistic)
    spread = np.std(statistics, axis=0)
    assert spread.mean() == pytest.approx(1, abs=0.12)
    assert ((spread > 0.7) & (spread < 1.35)).all()


def test_the_constant_of_the_oversmoothing_rule_is_terrells() -> None:
    # Terrell (1990), for d dimensions and a Gaussian kernel with R(K) = (4 pi)^(-d/2) and unit variance.
    d = 2
    numerator = (d + 8) ** ((d + 6) / 2) * pi ** (d / 2) * (4 * pi) ** (-d / 2)
    constant = (numerator / (16 * (d + 2) * gamma((d + 8) / 2))) ** (1 / (d + 4))
    assert constant == pytest.approx(1.084571, abs=5e-7)
    events = scatter(200, 4)
    sd = (events.x.std() + events.y.std()) / 2
    iqr = sum(v.quantile(0.75) - v.quantile(0.25) for v in (events.x, events.y)) / 2 / 1.34
    assert oversmoothing_bandwidth(events) == pytest.approx(constant * min(sd, iqr) * 200 ** (-1 / 6))
    assert oversmoothing_bandwidth(events, n=50) == pytest.approx(oversmoothing_bandwidth(events) * 4 ** (1 / 6))


def test_the_normal_rule_is_scotts_for_an_even_spread() -> None:
    events = scatter(400, 8, spread=120)
    both = np.array([events.x, events.y])
    spread = min(
        both.std(axis=1, ddof=1).mean(), np.mean([np.subtract(*np.percentile(a, [75, 25])) for a in both]) / 1.34
    )
    assert normal_bandwidth(events) == pytest.approx(gaussian_kde(both).factor * spread)
    assert oversmoothing_bandwidth(events) / normal_bandwidth(events) == pytest.approx(1.084571, abs=1e-6)


def left_out_likelihood(events: gpd.GeoSeries, bandwidth: float) -> float:
    """Sum of the log density at each event, made of the events at all other places, by a bare loop."""
    total = 0.0
    for here in events:
        others = [other for other in events if other.distance(here) > 0]
        heights = [np.exp(-0.5 * (other.distance(here) / bandwidth) ** 2) for other in others]
        total += np.log(sum(heights) / (len(others)) / (2 * np.pi * bandwidth**2))
    return total


def test_the_likelihood_rule_finds_the_bandwidth_that_a_bare_loop_finds() -> None:
    events = pd.concat([scatter(25, 9, (250, 250), 30), scatter(25, 10, (750, 700), 30)], ignore_index=True)
    found = likelihood_bandwidth(events)
    best = left_out_likelihood(events, found)
    assert all(left_out_likelihood(events, found * factor) < best for factor in (0.8, 0.95, 1.05, 1.25))
    assert found < normal_bandwidth(events) / 3  # two far centres: the rules of one cloud smooth them into one


def test_the_likelihood_rule_agrees_with_that_of_statsmodels_for_one_cloud() -> None:
    events = scatter(150, 11, spread=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of statsmodels, about a generator that is not used here
        theirs = KDEMultivariate(np.array([events.x, events.y]).T, "cc", bw="cv_ml").bw
    assert likelihood_bandwidth(events) == pytest.approx(float(np.sqrt(np.prod(theirs))), rel=0.05)


def test_events_snapped_to_few_places_do_not_draw_the_bandwidth_to_nothing() -> None:
    events = scatter(60, 12, spread=100)
    repeated = pd.concat([events] * 20, ignore_index=True)
    assert likelihood_bandwidth(repeated) > 0.5 * likelihood_bandwidth(events)


def test_many_places_are_foretold_from_a_seeded_draw_of_them() -> None:
    many = scatter(5000, 13, spread=100)
    assert likelihood_bandwidth(many) == likelihood_bandwidth(many)
    assert likelihood_bandwidth(many) == pytest.approx(likelihood_bandwidth(many[:3000]), rel=0.2)


@pytest.mark.parametrize("rule", ["oversmoothing", "normal", "likelihood"])
def test_the_rule_that_chose_the_bandwidth_and_its_value_are_reported(rule: str) -> None:
    before, after = scatter(60, 1), scatter(50, 2)
    surface = displacement_surface(before, after, TOWN, bandwidth=rule, permutations=0)
    rules = {"oversmoothing": oversmoothing_bandwidth, "normal": normal_bandwidth}
    both = pd.concat([before, after], ignore_index=True)
    wanted = likelihood_bandwidth(both) if rule == "likelihood" else rules[rule](both, n=np.sqrt(60 * 50))
    assert surface.bandwidth == pytest.approx(wanted)
    assert any(f"{surface.bandwidth:,.4g} m" in note and rule in note for note in surface.notes)


def test_the_default_bandwidth_uses_both_axes_and_the_geometric_mean_of_the_sizes() -> None:
    before, after = scatter(100, 1), scatter(25, 2)
    s = displacement_surface(before, after, TOWN, permutations=0)
    assert s.bandwidth == pytest.approx(oversmoothing_bandwidth(pd.concat([before, after]), n=50))
    assert f"{s.bandwidth:,.4g} m" in s.summary()


# ---- the cell size --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [TOWN, shapely.Point(500, 500).buffer(495)])
def test_exact_binning_does_not_move_p_at_a_place_by_the_pixel_size(window: shapely.Geometry) -> None:
    before, after = scatter(90, 21, (400, 500)), scatter(70, 22, (560, 480))
    coarse, fine = (
        displacement_surface(before, after, window, bandwidth=90, cell=cell, permutations=199) for cell in (60, 20)
    )
    rows, columns = coarse.x.shape
    same = fine.x[1::3, 1::3][:rows, :columns]
    common = tuple(slice(0, n) for n in same.shape)
    np.testing.assert_allclose(same, coarse.x[common])
    both = np.isfinite(coarse.p[common])
    for name in ("p", "p_family", "p_asymptotic"):
        moved = (getattr(coarse, name)[common] - getattr(fine, name)[1::3, 1::3][:rows, :columns])[both]
        assert np.nanmax(np.abs(moved)) < 0.01, name


def test_pixel_binning_equals_exact_binning_of_points_at_pixel_centres() -> None:
    before, after = scatter(40, 1), scatter(40, 2)
    moved = [points(*(np.floor(np.array([e.x, e.y]) / 50) * 50 + 25)) for e in (before, after)]
    pixel = displacement_surface(before, after, TOWN, bandwidth=80, cell=50, permutations=0, binning="pixel")
    exact = displacement_surface(*moved, TOWN, bandwidth=80, cell=50, permutations=0)
    np.testing.assert_allclose(pixel.log_ratio, exact.log_ratio, atol=1e-6)


# ---- chance ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(5, 2), (4, 4), (6, 0), (5, 4)])
def test_labels_are_dealt_out_evenly_over_all_subsets(n: int, k: int) -> None:
    rng = np.random.default_rng(5)
    dealt = [tuple(np.flatnonzero(deal_labels(n, k, rng))) for _ in range(4000)]
    assert {len(subset) for subset in dealt} == {k}
    seen = pd.Series(dealt).value_counts()
    assert len(seen) == comb(n, k)
    assert len(seen) == 1 or chisquare(seen).pvalue > 1e-3


def false_maps(runs: int, permutations: int) -> int:
    rng, flagged = np.random.default_rng(31), 0
    for run in range(runs):
        places = np.clip(rng.normal(500, 220, (2, 120)), 1, 999)
        order = rng.permutation(120)
        a, b = points(*places[:, order[:60]]), points(*places[:, order[60:]])
        s = displacement_surface(a, b, TOWN, cell=40, permutations=permutations, seed=run)
        flagged += bool(np.nanmin(s.p_family) < 0.05)
    return flagged


def test_maps_of_pure_chance_are_rarely_flagged() -> None:
    assert false_maps(40, 99) <= 6  # more than 6 of 40 at .05 has probability .003


@pytest.mark.slow
def test_at_most_21_of_200_maps_of_pure_chance_are_flagged() -> None:
    assert 1 <= false_maps(200, 499) <= 21


def test_planted_displacement_is_found_where_it_was_planted() -> None:
    before = pd.concat([scatter(150, 1, spread=260), scatter(60, 2, (250, 250), 50)])
    after = pd.concat([scatter(150, 3, spread=260), scatter(60, 4, (750, 750), 50)])
    s = displacement_surface(before, after, TOWN, bandwidth=100, cell=50, permutations=199)
    left, joined = (abs(s.x - c) + abs(s.y - c) < 100 for c in (250, 750))
    assert (s.log_ratio[left] < 0).all()
    assert (s.log_ratio[joined] > 0).all()
    assert s.p_family[left].max() <= 0.05
    assert s.p_family[joined].max() <= 0.05
    assert "Allowing for having looked everywhere" in s.summary()


def test_the_level_surface_holds_the_number_of_events_that_left() -> None:
    stayed, moved = scatter(150, 1, spread=260), scatter(60, 2, (300, 500), 50)
    before, after = pd.concat([stayed, moved]), pd.concat([stayed, moved.translate(400)])
    s = displacement_surface(before, after, TOWN, bandwidth=50, cell=10, permutations=0)
    west = s.x < 500
    assert np.nansum(s.level_change[west]) * s.cell**2 == pytest.approx(-60, abs=1.5)
    assert np.nansum(s.level_change[~west]) * s.cell**2 == pytest.approx(60, abs=1.5)


def test_the_standard_error_of_the_level_is_the_spread_over_repeated_data() -> None:
    rng, changes, errors = np.random.default_rng(3), [], []
    for _ in range(80):
        a, b = (points(*rng.uniform(0, 1000, (2, rng.poisson(n)))) for n in (300, 200))
        s = displacement_surface(a, b, TOWN, bandwidth=120, cell=250, permutations=0)
        changes.append(s.level_change)
        errors.append(s.level_se)
    ratio = np.std(changes, axis=0) / np.mean(errors, axis=0)
    assert 0.85 < ratio.mean() < 1.15


def test_a_change_shared_with_the_comparison_is_taken_off() -> None:
    def wave(seed: int) -> tuple[gpd.GeoSeries, gpd.GeoSeries]:
        return scatter(300, seed, (420, 500), 180), scatter(300, seed + 1, (580, 500), 180)

    treated, other = wave(40), wave(60)
    alone = displacement_surface(*treated, TOWN, bandwidth=120, cell=50, permutations=99)
    net = displacement_surface(*treated, TOWN, bandwidth=120, cell=50, permutations=99, comparison=other)
    assert np.nanmin(alone.p_family) <= 0.05
    assert np.nanmin(net.p_family) > 0.05
    single = displacement_surface(*other, TOWN, bandwidth=120, cell=50, permutations=0)
    np.testing.assert_allclose(net.log_ratio, alone.log_ratio - single.log_ratio, atol=1e-12)
    np.testing.assert_allclose(net.level_change, alone.level_change - single.level_change, atol=1e-15)
    np.testing.assert_allclose(net.level_se**2, alone.level_se**2 + single.level_se**2)


def test_strata_keep_a_difference_between_strata_out_of_p() -> None:
    # Nights lie west and days east; the after period saw more nights. Within day or night nothing moved.
    west, east = scatter(200, 1, (300, 500), 100), scatter(200, 2, (700, 500), 100)
    before = pd.concat([west[:50], east[:150]])
    after = pd.concat([west[50:], east[150:]])
    night = (["night"] * 50 + ["day"] * 150, ["night"] * 150 + ["day"] * 50)
    plain = displacement_surface(before, after, TOWN, cell=50, permutations=99)
    within = displacement_surface(before, after, TOWN, cell=50, permutations=99, strata=night)
    assert np.nanmin(plain.p_family) <= 0.02
    assert np.nanmin(within.p_family) > 0.05
    np.testing.assert_array_equal(plain.log_ratio, within.log_ratio)


def test_weight_two_is_the_same_surface_as_two_events() -> None:
    before, after = scatter(30, 1), scatter(30, 2)
    twice = pd.concat([before, before[:10]])
    weights = (np.r_[np.full(10, 2.0), np.ones(20)], np.ones(30))
    heavy = displacement_surface(before, after, TOWN, bandwidth=100, cell=50, permutations=49, weights=weights)
    double = displacement_surface(twice, after, TOWN, bandwidth=100, cell=50, permutations=0)
    np.testing.assert_allclose(heavy.log_ratio, double.log_ratio, atol=1e-12)
    np.testing.assert_allclose(heavy.level_before, double.level_before)
    assert (heavy.level_se > double.level_se).any()


def test_exposure_scales_the_level_and_never_the_shape() -> None:
    before, after = scatter(40, 1), scatter(40, 2)
    plain, long = (
        displacement_surface(before, after, TOWN, cell=50, permutations=0, exposure=e) for e in ((1, 1), (2, 1))
    )
    np.testing.assert_array_equal(plain.log_ratio, long.log_ratio)
    np.testing.assert_allclose(long.level_before, plain.level_before / 2)
    both = displacement_surface(before, after, TOWN, cell=50, permutations=0, exposure=(2, 2))
    np.testing.assert_allclose(both.level_se, plain.level_se / 2)


def test_the_seed_decides_and_nothing_else() -> None:
    before, after = scatter(40, 1), scatter(40, 2)
    first, again, other = (
        displacement_surface(before, after, TOWN, cell=100, permutations=49, seed=seed).p for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# ---- shape of the result, and bad input -----------------------------------------------------------------------------


def test_the_surface_is_missing_outside_the_window_and_rows_are_y() -> None:
    window = shapely.box(0, 0, 1000, 500).difference(shapely.box(400, 200, 600, 300))
    before, after = scatter(200, 1, (500, 250), 120), scatter(200, 2, (500, 250), 120)
    s = displacement_surface(before, after, window, cell=50, permutations=0)
    assert s.log_ratio.shape == s.x.shape == s.y.shape == s.p.shape == (10, 20)
    inside = shapely.contains_xy(window, s.x, s.y)
    np.testing.assert_array_equal(np.isfinite(s.log_ratio), inside)
    assert (np.diff(s.y[:, 0]) > 0).all()
    assert len(s.to_frame()) == inside.sum()
    assert np.isnan(s.p).all()
    assert s.window.equals(window)


def test_events_outside_the_window_or_without_a_place_are_counted_and_left_out() -> None:
    before = pd.concat([scatter(30, 1), points([5000, -3], [1, 1]), gpd.GeoSeries([None], crs=27700)])
    s = displacement_surface(before, scatter(30, 2), TOWN, cell=100, permutations=0)
    assert s.n_before == 30
    assert "1 events of `before` without a place were left out." in s.notes
    assert "2 events of `before` outside the window were left out." in s.notes
    assert "2 events" in s.summary()
    assert repr(s) == "DisplacementSurface(...; call .summary())"


def test_an_empty_point_is_an_event_without_a_place() -> None:
    before = pd.concat([scatter(30, 1), gpd.GeoSeries([shapely.Point()], crs=27700)], ignore_index=True)
    surface = displacement_surface(before, scatter(30, 2), TOWN, permutations=0)
    assert surface.n_before == 30
    assert any("1 events of `before` without a place" in note for note in surface.notes)


def test_snapped_and_few_events_are_said() -> None:
    snapped = points(np.repeat([100, 500, 900], 10), np.repeat([100, 900, 400], 10))
    s = displacement_surface(snapped, snapped, TOWN, cell=100, permutations=0)
    assert "60 events lie on 3 places: they were snapped" in s.summary()
    few = displacement_surface(scatter(5, 1), scatter(5, 2), TOWN, cell=100, permutations=0)
    assert "fewer than 20 events" in few.summary()


@pytest.mark.parametrize("empty", ["before", "after"])
def test_a_period_without_events_is_refused(empty: str) -> None:
    events = {"before": scatter(30, 1), "after": scatter(30, 2)} | {empty: scatter(0, 1)}
    with pytest.raises(RecordsError, match=f"`{empty}`: at least 2 events inside the window are needed, none found"):
        displacement_surface(events["before"], events["after"], TOWN)


def test_one_event_is_refused() -> None:
    with pytest.raises(RecordsError, match="`after`: at least 2 events inside the window are needed, one found"):
        displacement_surface(scatter(30, 1), scatter(1, 2), TOWN)


def test_all_events_at_one_place_are_refused() -> None:
    one = points([500] * 5, [500] * 5)
    with pytest.raises(RecordsError, match="more than one place is needed, all events are at one"):
        displacement_surface(one, one, TOWN, bandwidth=100)
    with pytest.raises(RecordsError, match="more than one place is needed"):
        oversmoothing_bandwidth(one)


def test_two_coordinate_systems_are_both_named() -> None:
    with pytest.raises(GeographyError, match="`before` is in EPSG:27700 but `after` is in EPSG:3857"):
        displacement_surface(scatter(30, 1), scatter(30, 2).to_crs(3857), TOWN)
    window = gpd.GeoSeries([TOWN], crs=3857)
    with pytest.raises(GeographyError, match="`before` is in EPSG:27700 but `window` is in EPSG:3857"):
        displacement_surface(scatter(30, 1), scatter(30, 2), window)
    bare = scatter(30, 2).set_crs(None, allow_override=True)
    with pytest.raises(GeographyError, match="`after` has no coordinate system but `before` is in EPSG:27700"):
        displacement_surface(scatter(30, 1), bare, TOWN)


def test_degrees_are_refused() -> None:
    degrees = scatter(30, 1).to_crs(4326)
    with pytest.raises(GeographyError, match="`before` is in EPSG:4326, which is in degrees; metres are needed"):
        displacement_surface(degrees, degrees, TOWN)


def test_things_that_are_not_points_or_not_a_window_are_refused() -> None:
    blobs = scatter(30, 1).buffer(5)
    with pytest.raises(GeographyError, match="`after` holds Polygon; points are needed"):
        displacement_surface(scatter(30, 1), blobs, TOWN)
    with pytest.raises(GeographyError, match="`before` is a list; a GeoSeries"):
        displacement_surface([1], scatter(30, 1), TOWN)
    with pytest.raises(GeographyError, match="`window` is a LineString"):
        displacement_surface(scatter(30, 1), scatter(30, 1), shapely.LineString([(0, 0), (1, 1)]))
    with pytest.raises(GeographyError, match="`window` crosses itself"):
        displacement_surface(scatter(30, 1), scatter(30, 1), shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]))


def test_weights_and_strata_that_do_not_fit_are_listed_together() -> None:
    with pytest.raises(RecordsError, match=r"(?s)weights of `before`: one value an event.*strata of `after`: every"):
        displacement_surface(
            scatter(3, 1), scatter(3, 2), TOWN, weights=([1, 1], [1, 1, 1]), strata=([1, 1, 1], [1, np.nan, 1])
        )
    with pytest.raises(RecordsError, match="numbers from 0 up are needed"):
        displacement_surface(scatter(3, 1), scatter(3, 2), TOWN, weights=([1, -1, 1], [1, 1, 1]))
    pair = scatter(9, 1), scatter(9, 2)
    with pytest.raises(RecordsError, match="one array for each of the 4 patterns is needed, 2 given"):
        displacement_surface(*pair, TOWN, comparison=pair, weights=(np.ones(9), np.ones(9)))


def test_options_and_cell_sizes_that_cannot_be_are_refused() -> None:
    pair = scatter(30, 1), scatter(30, 2)
    with pytest.raises(RecordsError, match=r"(?s)bandwidth: a number of metres.*binning: \"exact\" or \"pixel\""):
        displacement_surface(*pair, TOWN, bandwidth=-1, binning="hex")  # type: ignore[arg-type]
    with pytest.raises(GeographyError, match="pass a larger `cell`"):
        displacement_surface(*pair, TOWN, cell=0.1)
    with pytest.raises(GeographyError, match="pass a smaller `cell`"):
        pixels_inside(TOWN.difference(shapely.box(100, 100, 900, 900)), 1000)


@pytest.mark.real_data
def test_liverpools_snapped_points_in_its_real_boundary_are_handled_and_said() -> None:
    files = [DATA / "policeuk_liverpool" / f"liverpool_{year}.csv.gz" for year in (2018, 2020)]
    boundary = DATA / "boundaries" / "lsoa_liverpool.geojson"
    if not all(file.exists() for file in (*files, boundary)):
        pytest.skip("the open data of Liverpool is not here (COMMONGROUND_DATA)")
    columns = ["Longitude", "Latitude"]
    before, after = (
        gpd.GeoSeries.from_xy(*pd.read_csv(file, usecols=columns)[columns].to_numpy().T, crs=4326).to_crs(27700)
        for file in files
    )
    window = gpd.GeoSeries([gpd.read_file(boundary).to_crs(27700).geometry.make_valid().union_all()], crs=27700)
    s = displacement_surface(before, after, window, permutations=39)
    assert "they were snapped to fixed points" in s.summary()
    assert s.n_before + s.n_after > 100_000
    assert np.nansum(s.density_after) * s.cell**2 == pytest.approx(1)
    # 2020 emptied the city centre of recorded crime: its share fell there (Lime Street station, E334900 N390500).
    centre = np.hypot(s.x - 334_900, s.y - 390_500) < 400
    assert (s.log_ratio[centre] < 0).all()
    assert (s.p_family[centre] <= 0.05).all()


def test_many_points_stay_well_below_a_gigabyte() -> None:
    rng = np.random.default_rng(1)
    before, after = (points(*rng.uniform(0, 1000, (2, 100_000))) for _ in range(2))
    tracemalloc.start()
    displacement_surface(before, after, TOWN, permutations=9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
