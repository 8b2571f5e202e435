"""Models of overlapping lists: fits, existence, choice, intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln, xlog1py, xlogy
from scipy.stats import hypergeom

from mapping.bootstraps import floor_limit, reselecting_draws
from mapping.consistency import linkage_range, self_test
from mapping.identifiability import maximum_exists, parameters_identified
from mapping.loglinear import Family, fit_models, model_family, with_unseen
from mapping.profiles import profile_interval
from mapping.selecting import best_models, criterion_prices, usable_models
from mapping.sightings import ListFacts, read_histories
from mapping.two_lists import chao_floor, chapman, dependence_band, logit_interval
from mapping.visibility import visibility_family, visibility_test

# Kampala, three lists (methods.md, section 3), in the order 001 010 011 100 101 110 111.
KAMPALA = np.array([1077, 544, 105, 520, 126, 207, 109], float)


def all_fits(family: Family, counts: Any) -> Any:
    every = np.arange(len(family.models))
    return fit_models(family, np.tile(counts, (len(every), 1)), every)


def number(family: Family, *pairs: str) -> int:
    """The model with these pairs, such as "A*B"."""
    return [family.name(model) for model in range(len(family.models))].index(" + ".join(pairs) or "independence")


def test_kampala_has_the_published_range_of_models() -> None:
    found = KAMPALA.sum() + all_fits(model_family("ABC"), KAMPALA).unseen
    assert found[0] == pytest.approx(5191.30, abs=0.005)
    assert (found.min(), found.max()) == pytest.approx((4054.57, 14813.91), abs=0.005)


def test_all_pairs_of_three_lists_leave_the_product_of_odd_over_even_histories() -> None:
    # no third-order interaction: n000 = n111 n100 n010 n001 / (n110 n101 n011)
    by_hand = 109 * 520 * 544 * 1077 / (207 * 126 * 105)
    assert all_fits(model_family("ABC"), KAMPALA).unseen[-1] == pytest.approx(by_hand)


@pytest.mark.real_data
def test_the_united_kingdoms_five_lists_give_the_published_models(real_data: Path) -> None:
    table = pd.read_csv(real_data / "list_overlap" / "uk_2013_five_lists.csv")
    read = read_histories(table, "count", ListFacts())
    fits = all_fits(read.family, read.counts)
    bic = -2 * fits.log_likelihood + criterion_prices(read.family, read.counts[None, :], "bic")[0]
    order = np.argsort(bic)
    totals = read.counts.sum() + fits.unseen
    assert totals[0] == pytest.approx(13444.13, abs=0.005)
    assert bic[order[0]] == pytest.approx(196.5398, abs=5e-5)
    assert totals[order[:2]] == pytest.approx([22991.33, 12262.41], abs=0.005)
    assert best_models(read.family, read.counts[None, :]).model[0] == order[0]


@pytest.mark.parametrize("seed", range(3))
def test_fits_agree_with_statsmodels(seed: int) -> None:
    family = model_family("ABCD")
    counts = np.random.default_rng(seed).poisson(np.exp(3.5 - family.cells.sum(axis=1))).astype(float) + 1
    fits = all_fits(family, counts)
    for model in (0, 5, 40, 63):
        columns = np.r_[np.ones(5, bool), family.models[model]]
        theirs = sm.GLM(counts, family.design[:, columns], family=sm.families.Poisson()).fit()
        assert fits.log_likelihood[model] == pytest.approx(theirs.llf, abs=1e-6)
        assert fits.unseen[model] == pytest.approx(np.exp(theirs.params[0]), rel=1e-5)


def test_an_empty_overlap_leaves_its_cells_out_and_the_rest_is_fitted_without_them() -> None:
    family = model_family("ABC")
    counts = np.array([30, 40, 12, 50, 9, 0, 0], float)  # nobody on A and B
    model = number(family, "A*B")
    kept = (family.cells[:, 0] * family.cells[:, 1]) == 0
    X = np.column_stack([np.ones(7), family.cells])[kept]
    theirs = sm.GLM(counts[kept], X, family=sm.families.Poisson()).fit()
    ours = fit_models(family, counts[None, :], np.array([model]))
    assert ours.unseen[0] == pytest.approx(np.exp(theirs.params[0]), rel=1e-5)
    assert ours.log_likelihood[0] == pytest.approx(theirs.llf, abs=1e-6)
    assert (ours.expected[0] == 0).tolist() == (~kept).tolist()


def test_a_sparse_table_fails_the_two_conditions_as_chan_silverman_and_vincent_describe() -> None:
    # Their artificial table 2 has four histories that anybody has; so has this: A, B, C, and A with B.
    family = model_family("ABC")
    counts = np.array([5, 7, 0, 6, 0, 4, 0], float)
    none = {family.name(m) for m in range(8) if not maximum_exists(family, counts, m)}
    one = parameters_identified(family, np.tile(counts, (8, 1)), np.arange(8))
    assert none == {"A*B", "A*B + A*C", "A*B + B*C"}
    assert [family.name(m) for m in np.flatnonzero(~one)] == ["A*B + A*C + B*C"]


def test_a_fit_proves_existence_exactly_where_the_linear_program_does() -> None:
    family = model_family("ABCD")
    rng = np.random.default_rng(4)
    told = []
    for _ in range(6):
        counts = rng.poisson(np.exp(1.6 - 1.1 * family.cells.sum(axis=1))).astype(float)
        fits = all_fits(family, counts)
        proven = np.array([maximum_exists(family, counts, m) for m in range(64)])
        assert not (fits.attained & ~proven).any()
        assert (usable_models(family, counts, np.arange(64), fits.attained)[:, 0] == proven).all()
        told += proven.tolist()
    assert 0.1 < np.mean(told) < 0.95  # both kinds occur


@pytest.mark.parametrize("select", ["bic", "aic"])
def test_leaving_fits_out_chooses_the_model_that_fitting_all_would(select: str) -> None:
    family = model_family("ABCD")
    rng = np.random.default_rng(8)
    tables = rng.poisson(np.exp(3.2 - 1.3 * family.cells.sum(axis=1)), (25, 15)).astype(float)
    found = best_models(family, tables, select=select, first=[0, 3])
    assert found.fitted < 25 * 64 * 0.9
    for row, counts in enumerate(tables):
        fits = all_fits(family, counts)
        value = -2 * fits.log_likelihood + criterion_prices(family, counts[None, :], select)[0]
        value[~usable_models(family, counts, np.arange(64), fits.attained).all(axis=1)] = np.inf
        assert found.model[row] >= 0
        assert value[found.model[row]] == pytest.approx(value.min(), abs=1e-6)


def test_bic_counts_people_and_aic_does_not() -> None:
    family = model_family("ABC")
    assert criterion_prices(family, KAMPALA[None, :], "bic")[0, 0] == pytest.approx(4 * np.log(2688))
    assert criterion_prices(family, KAMPALA[None, :], "aic")[0].tolist() == [8, 10, 10, 10, 12, 12, 12, 14]


def test_the_profile_of_independence_agrees_with_its_closed_form() -> None:
    # Independent lists: p_j = n_j / N at each N, so the profile needs no fitting (Darroch 1958).
    family = model_family("ABC")
    sizes, n = KAMPALA @ family.cells, KAMPALA.sum()

    def height(people: float) -> float:
        shares = sizes / people
        inside = xlogy(sizes, shares) + xlog1py(people - sizes, -shares)
        return float(gammaln(people + 1) - gammaln(people - n + 1) + inside.sum())

    peak = minimize_scalar(lambda people: -height(people), bounds=(n, 20_000), method="bounded", options={"xatol": 0.1})
    cut = -peak.fun - 3.841458821 / 2
    ends = [brentq(lambda p: height(p) - cut, *span) for span in ((n + 1, peak.x), (peak.x, 50_000))]
    assert profile_interval(family, KAMPALA, 0) == pytest.approx(ends, abs=0.5)


def test_a_profile_that_never_falls_has_no_upper_end() -> None:
    family = model_family("AB")
    assert np.isinf(profile_interval(family, np.array([30.0, 40.0, 1e-9]), 0)[1])


def test_the_unseen_history_has_the_constant_alone() -> None:
    everything = with_unseen(model_family("ABC"))
    assert everything.design[0].tolist() == [1, 0, 0, 0, 0, 0, 0]
    assert everything.design.shape == (8, 7)


def test_chapman_is_unbiased_where_the_two_lists_must_overlap() -> None:
    # Seber (1982), 3.1: exactly so when n1 + n2 >= N
    people, first, second = 10, 6, 5
    both = np.arange(0, 6)
    chance = hypergeom(people, first, second).pmf(both)
    assert sum(p * chapman(m, first - m, second - m) for p, m in zip(chance, both, strict=True)) == pytest.approx(10)


def test_the_logit_interval_is_sadinles() -> None:
    # by hand: U = 80.5 x 180.5 / 20.5 = 708.7927, s = sqrt(1/20.5 + 1/80.5 + 1/180.5 + 1/708.7927) = .261063
    low, high = logit_interval(20, 80, 180)
    assert (low, high) == pytest.approx((279.5 + 708.7927 / 1.668081, 279.5 + 708.7927 * 1.668081), abs=0.05)
    assert logit_interval(20, 180, 80) == pytest.approx((low, high))
    assert logit_interval(500, 0, 1)[0] >= 501


def test_a_dependence_multiplies_those_on_no_list() -> None:
    assert dependence_band(280, 80 * 180 / 20, (0.5, 1, 5)) == {0.5: 640, 1: 1000, 5: 3880}


def test_chaos_floor_is_the_truth_for_independent_lists_and_below_it_for_unequal_people() -> None:
    cells = model_family("ABC").cells
    reach = np.array([0.3, 0.5, 0.2])

    def expected(odds: Any, people: float) -> Any:
        p = odds / (1 + odds)
        return people * np.prod(np.where(cells == 1, p, 1 - p), axis=1)

    odds = reach / (1 - reach)
    assert chao_floor(cells, expected(odds, 1e7)) == pytest.approx(1e7, rel=1e-5)
    mixed = expected(odds * 3, 5e6) + expected(odds / 3, 5e6)
    assert mixed.sum() < chao_floor(cells, mixed) < 0.97e7
    assert chao_floor(cells, KAMPALA) == pytest.approx(2688 + (520 * 544 + 520 * 1077 + 544 * 1077) / 439)


def test_the_floors_limit_is_below_it_and_never_below_the_people_seen() -> None:
    cells = model_family("ABC").cells
    low = floor_limit(cells, KAMPALA, level=0.95, draws=400, seed=0)
    assert 2688 < low < chao_floor(cells, KAMPALA)
    assert floor_limit(cells, np.array([0, 0, 0, 0, 0, 0, 40.0]), level=0.95, draws=200, seed=0) == 40


def test_taking_links_apart_keeps_every_record_and_can_be_undone() -> None:
    cells, seen = model_family("ABCD").cells, []
    counts = np.random.default_rng(2).poisson(40, 15).astype(float)

    def estimate(table: Any) -> float:
        seen.append(table)
        return float(table.sum())

    low, high = linkage_range(cells, counts, estimate, 0.05)
    wrong, same, missing = seen
    for table in seen:
        assert (table @ cells).tolist() == pytest.approx((counts @ cells).tolist())
    assert missing.sum() < same.sum() < wrong.sum()
    assert (low, high) == (missing.sum(), wrong.sum())
    linkage_range(cells, missing, estimate, 0.05)
    assert seen[3] == pytest.approx(counts)  # what missing links left out is what wrong ones take apart


def test_two_lists_move_by_a_wrong_link_as_by_hand() -> None:
    ends = linkage_range(model_family("AB").cells, np.array([180.0, 80, 20]), lambda t: chapman(t[2], t[1], t[0]), 0.1)
    assert ends[1] == pytest.approx(101 * 201 / 19 - 1)  # 2 of 20 links wrong: both lists keep their size
    assert ends[0] == pytest.approx(101 * 201 / (20 / 0.9 + 1) - 1)


def test_the_self_test_estimates_each_list_among_its_own_people() -> None:
    family = model_family("ABC")
    table = self_test(family, KAMPALA, select="bic", level=0.95, draws=200, seed=0).set_index("list")
    assert table["known"].to_dict() == {"A": 962, "B": 965, "C": 1417}
    # among A: 109 on B and C, 207 on B only, 126 on C only; three lists share the 5 %
    by_hand = logit_interval(109, 207, 126, level=1 - 0.05 / 3)
    assert tuple(table.loc["A", ["low", "high"]]) == pytest.approx(by_hand)
    assert not table["inside"].any()


def test_a_referral_cannot_be_tested_by_the_two_lists_it_joins() -> None:
    table = self_test(model_family("ABC", forced=[(0, 1)]), KAMPALA, select="bic", level=0.95, draws=200, seed=0)
    assert table["inside"].isna().tolist() == [False, False, True]


def test_draws_choose_anew_and_the_same_seed_gives_the_same_draws() -> None:
    family = model_family("ABC")
    counts = np.array([40, 38, 12, 45, 11, 10, 3], float)
    given: dict[str, Any] = {"select": "bic", "draws": 300}
    first = reselecting_draws(family, counts, 260.0, seed=1, **given)
    again = reselecting_draws(family, counts, 260.0, seed=1, **given)
    other = reselecting_draws(family, counts, 260.0, seed=2, **given)
    assert (first.totals == again.totals).all()
    assert (first.totals != other.totals).any()
    assert len(set(first.models.tolist())) > 2


def test_draws_scatter_as_the_estimate_does_with_the_number_observed_left_free() -> None:
    # 400 people, two lists of half of them: variance N (1 - p1)(1 - p2) / (p1 p2) = 400 (Sekar and Deming 1949);
    # with the 300 observed held fixed it would be 400 - 400 x .25 x .75 / .75^2 = 267
    family = model_family("AB")
    drawn = reselecting_draws(family, np.array([100.0, 100, 100]), 400.0, select="bic", draws=2_000, seed=0)
    assert drawn.totals.std() == pytest.approx(20, abs=1.2)


def test_unequal_visibility_is_one_interaction_for_all_pairs_as_in_statsmodels() -> None:
    family = model_family("ABCD", forced=[(0, 1)])
    counts = np.random.default_rng(6).poisson(np.exp(4 - 0.9 * family.cells.sum(axis=1))).astype(float) + 1
    times = family.cells.sum(axis=1)
    base = np.column_stack([np.ones(15), family.cells, family.cells[:, 0] * family.cells[:, 1]])
    more = np.column_stack([base, times * (times - 1) / 2])
    alike, varied = (sm.GLM(counts, X, family=sm.families.Poisson()).fit() for X in (base, more))
    fits = fit_models(visibility_family(family), np.stack([counts, counts]), np.array([0, 1]))
    assert fits.log_likelihood == pytest.approx([alike.llf, varied.llf], abs=1e-6)
    _, total, (low, high) = visibility_test(family, counts, level=0.95)
    assert total == pytest.approx(counts.sum() + np.exp(varied.params[0]), rel=1e-5)
    assert low < total < high
