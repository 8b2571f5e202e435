"""Shifts of centre, spread and distance to services: by hand, beside pointpats and scipy, and over all relabellings."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pointpats
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

import mapping.dealing
from commonground.errors import GeographyError, RecordsError
from mapping.distances import service_distance_shift
from mapping.shifts import _changes, _Shape, centre_shift


def points(x: Any, y: Any) -> gpd.GeoSeries:
    return gpd.GeoSeries.from_xy(np.asarray(x, dtype=float), np.asarray(y, dtype=float), crs=27700)


def cloud(n: int, seed: int, *, east: float = 0, north: float = 0, scale: float = 1) -> gpd.GeoSeries:
    spread = np.random.default_rng(seed).multivariate_normal([0, 0], [[4e4, 1e4], [1e4, 2e4]], n) * scale
    return points(400_000 + east + spread[:, 0], 300_000 + north + spread[:, 1])


# --- centre, spread, ellipse


def test_centre_spread_and_ellipse_are_those_of_pointpats() -> None:
    before, after = cloud(80, 1), cloud(60, 2, east=90, scale=1.4)
    ellipses = centre_shift(before, after, permutations=0).ellipses
    for name, pattern in (("before", before), ("after", after)):
        both = np.stack([pattern.x, pattern.y], axis=-1)
        major, minor, angle = pointpats.centrography.ellipse(both)
        row = ellipses.loc[name]
        assert [row["x"], row["y"]] == pytest.approx(pointpats.centrography.mean_center(both))
        assert row["standard_distance"] == pytest.approx(pointpats.centrography.std_distance(both), rel=1e-9)
        assert sorted([row["semi_major"], row["semi_minor"]]) == pytest.approx(sorted([major, minor]), rel=1e-9)
        clockwise = np.degrees(angle) if major < minor else 90 - np.degrees(angle)
        assert min(abs(row["angle"] - turn) for turn in (clockwise % 180, (clockwise + 90) % 180)) < 1e-6


def test_the_move_is_the_difference_of_means_with_its_direction() -> None:
    before = points([0, 0, 90, 100], [0, 100, 0, 100])
    moved = centre_shift(before, before.translate(-30, 0), permutations=0)
    assert (moved.east, moved.north, moved.bearing) == pytest.approx((-30, 0, 270))
    assert moved.table["change"].tolist() == pytest.approx([30, 1, moved.table.at["ellipse", "change"]])
    assert moved.table["p"].isna().all()


def test_the_major_axis_points_along_the_long_side() -> None:
    along = np.linspace(-500, 500, 41)
    across = np.tile([-20, 20, 0], 14)[:41]
    north_east = points(along + across, along - across)
    ellipses = centre_shift(north_east, points(across, along), permutations=0).ellipses
    assert ellipses.at["before", "angle"] == pytest.approx(45, abs=3)
    assert ellipses.at["after", "angle"] % 180 == pytest.approx(0, abs=3) or ellipses.at["after", "angle"] > 177


def test_ellipses_that_do_not_touch_share_nothing_and_equal_ones_everything() -> None:
    before = cloud(50, 3)
    apart = centre_shift(before, before.translate(50_000, 0), permutations=0).table.at["ellipse", "change"]
    same = centre_shift(before, before, permutations=0).table.at["ellipse", "change"]
    assert (apart, same) == pytest.approx((1, 0), abs=1e-9)


def test_swapping_the_periods_turns_the_move_round_and_keeps_p() -> None:
    before, after = cloud(40, 4), cloud(50, 5, east=60)
    one, other = centre_shift(before, after, permutations=499), centre_shift(after, before, permutations=499)
    assert (one.east, one.north) == pytest.approx((-other.east, -other.north))
    assert one.table.at["spread", "change"] == pytest.approx(1 / other.table.at["spread", "change"])
    assert one.table["p"].tolist() == pytest.approx(other.table["p"].tolist(), abs=0.07)


def test_p_is_that_of_every_relabelling_there_is() -> None:
    rng = np.random.default_rng(8)
    places = rng.normal(0, 100, (9, 2))
    places[5:] += [120, 0]
    seen = np.hypot(*(places[5:].mean(axis=0) - places[:5].mean(axis=0)))
    extreme = 0
    for chosen in combinations(range(9), 4):
        mine = np.isin(np.arange(9), chosen)
        extreme += np.hypot(*(places[mine].mean(axis=0) - places[~mine].mean(axis=0))) >= seen - 1e-9
    exact = extreme / 126
    moved = centre_shift(points(*places[:5].T), points(*places[5:].T), permutations=9_999)
    assert 0.005 < exact < 0.5
    assert moved.table.at["centre", "p"] == pytest.approx(exact, abs=0.015)


def test_strata_are_not_mixed() -> None:
    # by day all are in the west, by night in the east; more nights after, and nobody moved
    day, night = points(np.arange(30) % 5, np.arange(30) % 7), points(1000 + np.arange(30) % 5, np.arange(30) % 7)
    before, after = pd.concat([day, night[:6]]), pd.concat([day[:6], night])
    times = (np.repeat(["day", "night"], [30, 6]), np.repeat(["day", "night"], [6, 30]))
    assert centre_shift(before, after, permutations=499).table.at["centre", "p"] == pytest.approx(0.002)
    assert centre_shift(before, after, strata=times, permutations=499).table.at["centre", "p"] > 0.05


def test_many_places_in_cells_give_nearly_the_p_of_the_places_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = cloud(700, 9), cloud(700, 10, east=6)
    cells = centre_shift(before, after, permutations=4_999, seed=2)
    monkeypatch.setattr(mapping.dealing, "MOST_BINS", 5_000)
    whole = centre_shift(before, after, permutations=4_999, seed=1)
    assert not any("into cells" in note for note in whole.notes)
    assert any("into cells" in note for note in cells.notes)
    assert whole.table["p"].to_numpy() == pytest.approx(cells.table["p"].to_numpy(), abs=0.03)
    assert whole.table["change"].equals(cells.table["change"])  # what is reported comes from the events


def test_a_comparison_that_moved_alike_takes_the_move_away() -> None:
    before, after = cloud(150, 11), cloud(150, 12, east=150)
    other = (cloud(150, 13), cloud(150, 14, east=150))
    alone, beside = (centre_shift(before, after, comparison=c, permutations=499) for c in (None, other))
    assert alone.table.at["centre", "p"] == pytest.approx(0.002)
    assert np.hypot(beside.east, beside.north) < 60 < np.hypot(alone.east, alone.north)
    assert beside.table.at["centre", "p"] > 0.05
    assert "comparison" in beside.summary()
    firm = centre_shift(before, after, comparison=(other[0], cloud(150, 15)), permutations=499)
    assert firm.table.at["centre", "p"] <= 0.01


def test_no_move_is_called_one_no_more_often_than_promised() -> None:
    found = np.array(
        [
            centre_shift(cloud(15, 100 + 2 * i), cloud(12, 101 + 2 * i), permutations=199, seed=i).table["p"]
            for i in range(200)
        ]
    )
    assert ((found <= 0.05).sum(axis=0) <= 21).all()  # at a true rate of .05, 22 or more of 200 come once in 1,000
    assert ((found <= 0.5).sum(axis=0) >= 70).all()  # and p is not simply large


def test_the_same_seed_gives_the_same_p_and_nothing_is_said_of_the_numbers_in_repr() -> None:
    before, after = cloud(40, 4), cloud(50, 5, east=60)
    one, other = (centre_shift(before, after, permutations=199, seed=3) for _ in range(2))
    assert one.to_frame().equals(other.to_frame())
    assert repr(one) == "CentreShift(...; call .summary())"
    assert "no proof of staying" in one.summary() or "more than chance" in one.summary()


@pytest.mark.parametrize("given", [([0, 1], [0, 1]), ([0, 1, 2, 3], [0, 1, 2, 3])])
def test_too_few_events_or_all_in_one_line_are_refused(given: tuple[list[int], list[int]]) -> None:
    with pytest.raises(RecordsError, match="at least 3 are needed in each period, not all in one line"):
        centre_shift(points(*given), cloud(20, 1))


def test_mixed_coordinate_systems_are_refused() -> None:
    with pytest.raises(GeographyError, match=r"call \.to_crs"):
        centre_shift(cloud(20, 1), cloud(20, 2).to_crs(3857))


# --- distance to services


def test_distances_are_those_worked_by_hand() -> None:
    services = points([0, 1000], [0, 0])
    before, after = points([0, 300, 900], [100, 400, 0]), points([600, 2500], [0, 0])
    shift = service_distance_shift(before, after, services, reach=450, permutations=0)
    # before: 100, 500, 100; after: 400, 1500
    assert shift.table["before"].tolist()[:3] == pytest.approx([700 / 3, 100, 1 / 3])
    assert shift.table["after"].tolist()[:3] == pytest.approx([950, 950, 1 / 2])
    assert shift.table["moved"].tolist() == pytest.approx(
        [950 - 700 / 3, 850, 1 / 6, wasserstein_distance([100, 500, 100], [400, 1500])]
    )


def test_moving_and_closing_add_up() -> None:
    before, after = cloud(70, 20), cloud(90, 21, east=200)
    open_before = points([399_900, 400_300], [300_000, 300_100])
    shift = service_distance_shift(before, after, open_before, services_after=open_before[:1], permutations=0)
    additive = shift.table.loc[["mean", "median", "beyond"]]
    assert (additive["moved"] + additive["closed"]).to_numpy() == pytest.approx(additive["together"].to_numpy())
    assert shift.table.at["mean", "closed"] > 0
    assert "Services that opened or closed" in shift.summary()
    nothing = service_distance_shift(before, after, open_before, services_after=open_before, permutations=0)
    assert nothing.table["closed"].tolist() == pytest.approx([0, 0, 0, 0])


def test_every_measure_of_relabelled_counts_is_that_of_the_events() -> None:
    rng = np.random.default_rng(5)
    before, after = rng.integers(0, 40, 31).astype(float), rng.integers(5, 60, 24).astype(float)
    zeros = (np.zeros(31, dtype=int), np.zeros(24, dtype=int))
    deck = mapping.dealing.deck_of_values(before, after, zeros)
    from mapping.distances import _changes

    found = _changes(deck.values[0], deck.before[None, :].astype(float), deck.after[None, :].astype(float), 20.0)[0]
    expected = [
        after.mean() - before.mean(),
        np.median(after) - np.median(before),
        (after > 20).mean() - (before > 20).mean(),
        wasserstein_distance(before, after),
    ]
    assert found == pytest.approx(expected)


def test_p_of_a_distance_is_that_of_every_relabelling_there_is() -> None:
    values = np.array([100.0, 150, 220, 300, 410, 260, 330, 450, 520])
    extreme = sum(
        abs(values[np.isin(np.arange(9), c)].mean() - values[~np.isin(np.arange(9), c)].mean())
        >= abs(values[5:].mean() - values[:5].mean()) - 1e-9
        for c in combinations(range(9), 4)
    )
    lone = points([0], [0])
    shift = service_distance_shift(points(values[:5], [0] * 5), points(values[5:], [0] * 4), lone, permutations=9_999)
    assert shift.table.at["mean", "p"] == pytest.approx(extreme / 126, abs=0.015)


def test_a_comparison_further_away_as_well_takes_the_change_away() -> None:
    service = points([400_000], [300_000])
    ours = cloud(120, 30), cloud(120, 31, east=400)
    theirs = cloud(120, 32), cloud(120, 33, east=400)
    alone = service_distance_shift(*ours, service, permutations=499)
    beside = service_distance_shift(*ours, service, comparison=theirs, permutations=499)
    assert alone.table.at["mean", "p"] == pytest.approx(0.002)
    assert beside.table.at["mean", "p"] > 0.05
    assert beside.table.at["mean", "comparison"] > 200


def test_no_change_of_distance_is_called_one_no_more_often_than_promised() -> None:
    service = points([400_050], [300_050])
    found = np.array(
        [
            service_distance_shift(
                cloud(15, 300 + 2 * i), cloud(12, 301 + 2 * i), service, reach=150, permutations=199, seed=i
            ).table["p"]
            for i in range(200)
        ]
    )
    assert ((found <= 0.05).sum(axis=0) <= 21).all()
    assert ((found[:, [0, 1, 3]] <= 0.5).sum(axis=0) >= 70).all()


@pytest.mark.parametrize(
    ("services", "reach", "said"),
    [
        (gpd.GeoSeries([], crs=27700), 1000.0, "services: must be one service or more"),
        (points([0], [0]).buffer(5), 1000.0, "services: must be one service or more, as points"),
        (points([0], [0]), 0.0, "reach: must be a distance above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(services: Any, reach: float, said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        service_distance_shift(cloud(10, 1), cloud(10, 2), services, reach=reach, permutations=0)


def test_services_in_degrees_are_refused() -> None:
    with pytest.raises(GeographyError, match="services"):
        service_distance_shift(cloud(10, 1), cloud(10, 2), points([0], [0]).to_crs(4326), permutations=0)


# --- what must not matter


def turned(events: gpd.GeoSeries, degrees: float, scale: float, east: float, north: float) -> gpd.GeoSeries:
    angle = np.radians(degrees)  # anticlockwise about the origin
    x, y = events.x.to_numpy(), events.y.to_numpy()
    return points(
        scale * (x * np.cos(angle) - y * np.sin(angle)) + east, scale * (x * np.sin(angle) + y * np.cos(angle)) + north
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    degrees=st.floats(0, 359),
    scale=st.floats(0.1, 20),
    east=st.floats(-1e5, 1e5),
    north=st.floats(-1e5, 1e5),
)
def test_moving_turning_and_stretching_the_map_moves_turns_and_stretches_the_answer(
    seed: int, degrees: float, scale: float, east: float, north: float
) -> None:
    rng = np.random.default_rng(seed)
    before, after = points(*rng.normal(0, [[300], [100]], (2, 25))), points(*rng.normal(80, [[200], [150]], (2, 20)))
    one = centre_shift(before, after, permutations=0)
    other = centre_shift(*(turned(e, degrees, scale, east, north) for e in (before, after)), permutations=0)
    assert np.hypot(other.east, other.north) == pytest.approx(scale * np.hypot(one.east, one.north), rel=1e-6)
    assert (one.bearing - degrees - other.bearing + 180) % 360 == pytest.approx(180, abs=1e-3)
    assert other.table["change"].to_numpy() == pytest.approx(one.table["change"].to_numpy() * [scale, 1, 1], rel=2e-2)
    lengths = ["semi_major", "semi_minor", "standard_distance"]
    assert other.ellipses[lengths].to_numpy() == pytest.approx(one.ellipses[lengths].to_numpy() * scale, rel=1e-6)
    for when in ("before", "after"):
        angle = one.ellipses.at[when, "angle"] - degrees - other.ellipses.at[when, "angle"]
        assert (angle + 90) % 180 == pytest.approx(90, abs=1e-2)


@pytest.mark.parametrize("n", [30, 900])
def test_the_order_of_the_events_does_not_matter_even_where_many_places_share_a_cell(n: int) -> None:
    rng = np.random.default_rng(4)
    before, after = cloud(n, 40), cloud(n, 41, east=10)
    mixed = [events.iloc[rng.permutation(n)] for events in (before, after)]
    one, other = (centre_shift(*pair, permutations=199, seed=1) for pair in ((before, after), mixed))
    assert one.table.to_numpy() == pytest.approx(other.table.to_numpy())
    service = points([400_000], [300_000])
    near, again = (service_distance_shift(*pair, service, permutations=199) for pair in ((before, after), mixed))
    assert near.table["p"].tolist() == again.table["p"].tolist()


@pytest.mark.parametrize("ties", [1, 7])
def test_bins_do_not_know_which_events_are_before_and_which_after(ties: int) -> None:
    rng = np.random.default_rng(6)
    values = np.repeat(rng.normal(0, 1, (1500, 2)), ties, axis=0)
    label = rng.random(len(values)) < 0.4
    patterns = [
        mapping.dealing.Pattern(*values[part].T, np.ones(part.sum()), np.zeros(part.sum())) for part in (label, ~label)
    ]
    zeros = [np.zeros(part.sum(), dtype=int) for part in (label, ~label)]
    ranks = [values[part][:, 0] for part in (label, ~label)]
    there, back = (mapping.dealing.deck_of_places(*pair) for pair in (patterns, patterns[::-1]))
    near, far = (
        mapping.dealing.deck_of_values(*pair, tuple(codes))
        for pair, codes in ((ranks, zeros), (ranks[::-1], zeros[::-1]))
    )
    for one, other in ((there, back), (near, far)):
        assert one.binned
        assert len(one.before) <= mapping.dealing.MOST_BINS
        assert one.values == pytest.approx(other.values)
        assert one.before.tolist() == other.after.tolist()


def test_a_move_within_a_dense_town_is_seen_though_a_few_events_lie_far_out() -> None:
    def town(seed: int, east: float) -> gpd.GeoSeries:
        rng = np.random.default_rng(seed)
        middle, far = rng.normal([[5_000 + east], [5_100]], 50, (2, 1_900)), rng.uniform(0, 10_000, (2, 100))
        return points(*np.concatenate([middle, far], axis=1))

    moved = centre_shift(town(1, 0), town(2, 100), permutations=499)
    assert any("into cells" in note for note in moved.notes)
    assert moved.table.at["centre", "p"] == pytest.approx(0.002)  # in cells of equal size, .2


def every_relabelling(before: gpd.GeoSeries, after: gpd.GeoSeries) -> np.ndarray:
    """Share of all relabellings at least as far from none as the labels seen, for centre, spread and ellipse."""
    x, y = (np.concatenate([getattr(events, axis) for events in (before, after)]) for axis in "xy")
    n, found = len(x), []
    for chosen in combinations(range(n), len(after)):
        mine = np.isin(np.arange(n), chosen)
        parts = [np.stack([x[part], y[part]]) for part in (~mine, mine)]
        move = np.hypot(*(parts[1].mean(axis=1) - parts[0].mean(axis=1)))
        spreads = [np.log(max(np.sqrt(part.var(axis=1).sum()), 1e-3)) for part in parts]
        found.append([move, abs(spreads[1] - spreads[0])])
    seen = found[-1]  # the last combination takes the last events
    return (np.array(found) >= np.array(seen) * (1 - 1e-9) - 1e-9).mean(axis=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (([0, 30, 10], [0, 10, 40]), ([500, 520, 560], [0, 30, 10])),
        (([0, 0, 0, 0, 100, 0], [0, 0, 0, 0, 0, 100]), ([0, 0, 0, 100, 0], [0, 0, 0, 0, 100])),
        (([0, 0, 0, 0, 100, 0], [0, 0, 0, 0, 0, 100]), ([100, 100, 0, 50, 50], [0, 100, 100, 80, 90])),
    ],
)
def test_p_counts_ties_and_relabellings_without_any_spread(before: Any, after: Any) -> None:
    given = [points(np.array(x) + 337_000, np.array(y) + 419_000) for x, y in (before, after)]
    exact = every_relabelling(*given)
    found = centre_shift(*given, permutations=9_999).table["p"]
    assert found.iloc[:2].to_numpy() == pytest.approx(exact, abs=0.015)
    assert found.notna().all()
    pair = centre_shift(*given, comparison=tuple(given), permutations=99).table
    assert pair.loc[["centre", "spread", "ellipse"], "p"].tolist() == pytest.approx([1, 1, 1])


def test_events_at_many_distances_are_said_to_be_put_together() -> None:
    service = points([400_000], [300_000])
    many = service_distance_shift(cloud(700, 1), cloud(700, 2), service, permutations=9)
    assert "ranks of equal number" in many.summary()
    assert "ranks" not in service_distance_shift(cloud(70, 1), cloud(70, 2), service, permutations=9).summary()


@pytest.mark.slow
def test_with_more_places_than_bins_chance_is_called_change_no_more_often_than_promised() -> None:
    rng, service, found = np.random.default_rng(77), points([0, 300], [0, 400]), []
    for run in range(200):
        places = np.concatenate([rng.normal(0, 50, (2, 1400)), rng.standard_t(2, (2, 100)) * 3000], axis=1)
        places = np.round(places / 3) * 3 if run % 2 else places  # half of them snapped
        mine = np.isin(np.arange(1500), rng.permutation(1500)[:700])
        pair = points(*places[:, mine]), points(*places[:, ~mine])
        p = [centre_shift(*pair, permutations=199, seed=run).table["p"]]
        p.append(service_distance_shift(*pair, service, permutations=199, seed=run).table["p"])
        found.append(np.concatenate(p))
    assert ((np.array(found) <= 0.05).sum(axis=0) <= 21).all()
    assert ((np.array(found) <= 0.5).sum(axis=0) >= 70).all()


@pytest.mark.real_data
def test_liverpools_snapped_points_are_shifted_and_said() -> None:
    folder = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).parents[2] / "shared" / "data"))
    files = [folder / "policeuk_liverpool" / f"liverpool_{year}.csv.gz" for year in (2018, 2019, 2020)]
    if not all(file.exists() for file in files):
        pytest.skip("the open data of Liverpool is not here (COMMONGROUND_DATA)")
    columns = ["Longitude", "Latitude"]
    crimes = pd.concat([pd.read_csv(file, usecols=["Month", *columns]) for file in files], ignore_index=True)
    places = gpd.GeoSeries.from_xy(*crimes[columns].to_numpy().T, crs=4326).to_crs(27700)
    late = crimes["Month"].str.startswith("2020").to_numpy()
    centre = centre_shift(places[~late], places[late], permutations=199)
    services = points([334_900, 335_500], [390_500, 391_500])
    near = service_distance_shift(places[~late], places[late], services, permutations=199)
    for told in (centre.summary(), near.summary()):
        assert "211,770 events lie on 5,842 places: they were snapped to fixed points" in told
    assert centre.ellipses["n"].sum() == 211_770
    assert centre.table.at["centre", "p"] == pytest.approx(0.005)  # the city centre emptied in 2020
    assert near.table.at["mean", "moved"] > 0


def test_every_deal_keeps_the_numbers_of_each_stratum_and_bin() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.integers(0, 6, 40).astype(float), rng.integers(0, 6, 25).astype(float)
    strata = (np.repeat([0, 1], [30, 10]), np.repeat([0, 1], [5, 20]))
    deck = mapping.dealing.deck_of_values(before, after, strata)
    dealt = np.concatenate(list(deck.deals(700, rng)))
    assert dealt.shape == (700, len(deck.after))
    assert (dealt <= deck.before + deck.after).all()
    assert [set(dealt[:, deck.stratum == one].sum(axis=1)) for one in (0, 1)] == [{5}, {20}]
    expected = (deck.before + deck.after) * np.where(deck.stratum == 0, 5 / 35, 20 / 30)
    assert dealt.mean(axis=0) == pytest.approx(expected, abs=0.15)  # the mean of a hypergeometric number


def test_there_are_about_as_many_bins_as_may_be() -> None:
    rng = np.random.default_rng(3)
    values, zeros = rng.normal(0, 1, (2, 3000)), np.zeros(1500, dtype=int)
    ranks = mapping.dealing.deck_of_values(values[0, :1500], values[0, 1500:], (zeros, zeros))
    parts = [mapping.dealing.Pattern(*part, np.ones(1500), zeros) for part in (values[:, :1500], values[:, 1500:])]
    for deck in (ranks, mapping.dealing.deck_of_places(*parts)):
        assert 0.9 * mapping.dealing.MOST_BINS <= len(deck.before) <= mapping.dealing.MOST_BINS


def test_cells_keep_the_spread_of_places_and_never_mix_strata() -> None:
    rng = np.random.default_rng(3)
    values, stratum = rng.normal(0, 1, (2, 4000)), np.arange(4000) % 2
    parts = [
        mapping.dealing.Pattern(*values[:, h], np.ones(2000), stratum[h]) for h in (slice(2000), slice(2000, 4000))
    ]
    deck = mapping.dealing.deck_of_places(*parts)
    every = deck.before + deck.after
    for one in (0, 1):
        assert every[deck.stratum == one].sum() == 2000
        middle, mine = deck.values[:, deck.stratum == one], values[:, stratum == one]
        kept = (every[deck.stratum == one] * middle**2).sum(axis=1) / (mine**2).sum(axis=1)
        assert (kept > 0.99).all()


def test_spread_is_that_of_after_over_before() -> None:
    before = cloud(50, 3)
    wider = points(2.5 * before.x, 2.5 * before.y)
    assert centre_shift(before, wider, permutations=0).table.at["spread", "change"] == pytest.approx(2.5)


def test_events_in_one_line_share_no_ground_and_have_a_number_for_every_measure() -> None:
    values = np.array([[0.0, 50, 100, 0, 0], [0.0, 0, 0, 50, 100]])
    line, pile = (_Shape.of(values, np.array([counts])) for counts in ([1.0, 1, 1, 0, 0], [0.0, 0, 3, 0, 0]))
    change = _changes((pile, line))
    assert change.apart == pytest.approx(1)
    assert np.isfinite(change.spread)


def test_the_wasserstein_distance_shown_is_that_of_the_events_when_some_come_nearer_and_others_go() -> None:
    before, after = [100.0, 200, 300, 400], [10.0, 50, 600, 340]
    lone = points([0], [0])
    shift = service_distance_shift(points(before, [0] * 4), points(after, [0] * 4), lone, permutations=0)
    # sorted, pair by pair: 90, 150, 40, 200
    assert shift.table.at["wasserstein", "moved"] == pytest.approx(120)
    assert shift.table.at["mean", "moved"] == pytest.approx(0)
