from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from commonground.errors import RecordsError
from commonground.periods import Period
from mapping.repeats import FLOOR, NONE, repeat_counts
from mapping.truncated import excess_of_ones, mixture_p, one_inflation_p, truncated_rate

# Irregular immigrants apprehended in four Dutch cities, van der Heijden, Cruyff and van Houwelingen (2003), table 1.
DUTCH = {1: 1645, 2: 183, 3: 37, 4: 13, 5: 1, 6: 1}
# Golf tees, Borchers, Buckland and Zucchini (2002), chapter 2: 250 laid out, 162 found by eight observers.
TEES = {1: 46, 2: 28, 3: 21, 4: 13, 5: 23, 6: 14, 7: 6, 8: 11}


def counts_of(frequencies: dict[int, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(list(frequencies)), np.array(list(frequencies.values()), dtype=float)


def drawn(rates: np.ndarray, rng: np.random.Generator) -> dict[int, int]:
    times, people = np.unique(rng.poisson(rates), return_counts=True)
    return {int(x): int(n) for x, n in zip(times, people, strict=True) if x}


def test_the_four_estimates_of_the_dutch_data_are_the_published_ones() -> None:
    found = repeat_counts(DUTCH)
    assert found.n_observed == 1880
    assert found.chao.value == pytest.approx(9273.5, abs=0.05)
    assert [found.zelterman.value, found.zelterman.low, found.zelterman.high] == pytest.approx(
        [9424.6, 8084, 10765],
        abs=0.5,  # Böhning (2008); methods.md
    )
    poisson = found.truncated_poisson
    assert [poisson.value, poisson.low, poisson.high] == pytest.approx([7079.9, 6363, 7797], abs=0.5)
    assert found.one_inflated_chao.value == pytest.approx(1880 + 2 / 9 * 183**3 / 37**2)
    assert not found.refused


def test_chao_has_the_hand_worked_log_interval() -> None:
    found = repeat_counts({1: 20, 2: 10, 3: 4}).chao
    unseen, variance = 400 / 20, 10 * (2**4 / 4 + 2**3 + 2**2 / 2)  # Chao (1987), equations 10 and 11
    factor = math.exp(stats.norm.ppf(0.975) * math.sqrt(math.log(1 + variance / unseen**2)))
    assert (found.value, found.low, found.high) == pytest.approx((54, 34 + 20 / factor, 34 + 20 * factor))


def test_the_truncated_poisson_agrees_with_a_general_optimiser() -> None:
    for frequencies, least in ((DUTCH, 1), (TEES, 1), ({2: 9, 3: 5, 4: 2}, 2), ({0: 5, 1: 4, 3: 2}, 0)):
        x, n = counts_of(frequencies)

        def minus(rate: float, x: np.ndarray = x, n: np.ndarray = n, least: int = least) -> float:
            return -float(n @ (stats.poisson.logpmf(x, rate) - stats.poisson.logsf(least - 1, rate)))

        best = optimize.minimize_scalar(minus, bounds=(1e-6, 50), method="bounded", options={"xatol": 1e-10})
        assert truncated_rate(x, n, least) == pytest.approx(best.x, abs=1e-5)


def test_the_one_inflation_test_agrees_with_maximising_both_likelihoods() -> None:
    x, n = counts_of({1: 60, 2: 18, 3: 9, 4: 4, 5: 1})

    def minus(parameters: np.ndarray) -> float:
        extra, rate = 1 / (1 + math.exp(-parameters[0])), math.exp(parameters[1])
        base = stats.poisson.pmf(x, rate) / stats.poisson.sf(0, rate)
        return -float(n @ np.log(extra * (x == 1) + (1 - extra) * base))

    full = optimize.minimize(minus, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11})
    plain = -minus(np.array([-50.0, math.log(truncated_rate(x, n, 1))]))
    assert one_inflation_p(x, n) == pytest.approx(stats.norm.sf(math.sqrt(2 * (-full.fun - plain))), rel=1e-3)
    assert excess_of_ones(x, n) > 0


def test_without_truncation_the_mixture_test_is_the_dispersion_test_of_dean_and_lawless() -> None:
    values = np.array([0, 0, 1, 1, 2, 5, 0, 3, 7, 1])
    x, n = np.unique(values, return_counts=True)
    mean = values.mean()
    z = ((values - mean) ** 2 - values).sum() / (mean * math.sqrt(2 * len(values)))
    assert mixture_p(x, n.astype(float), 0) == pytest.approx(stats.norm.sf(z))


@pytest.mark.parametrize("least", [1, 2])
def test_the_mixture_test_errs_about_one_time_in_twenty_and_finds_people_who_differ(least: int) -> None:
    rng = np.random.default_rng(5)

    def share(make: object) -> float:
        hits = []
        for _ in range(300):
            found = drawn(make(), rng)  # type: ignore[operator]
            hits.append(mixture_p(*counts_of({x: n for x, n in found.items() if x >= least}), least) <= 0.05)
        return float(np.mean(hits))

    assert 0.02 < share(lambda: np.full(600, 1.3)) < 0.085
    assert share(lambda: rng.gamma(1.5, 1.3 / 1.5, 600)) > 0.7


def test_people_who_come_once_only_are_told_from_people_who_differ() -> None:
    rng = np.random.default_rng(2)
    found = drawn(np.full(900, 1.5), rng)
    found[1] += 300
    result = repeat_counts(found, window=Period("2023-01-01", "2024-01-01"))
    assert result.one_inflation_p < 1e-6
    assert result.excess_of_ones == pytest.approx(300, abs=120)
    assert result.heterogeneity_p_without_ones > 0.05
    assert "some come once and never again" in result.summary()
    assert result.one_inflated_chao.value == pytest.approx(1200, rel=0.12)  # 900 and the 300 who are in the list
    assert result.chao.value > 1350


def test_with_one_rate_every_interval_holds_the_planted_number_about_19_times_in_20() -> None:
    rng, names = np.random.default_rng(8), ["chao", "zelterman", "truncated_poisson", "one_inflated_chao"]
    found = [repeat_counts(drawn(np.full(800, 1.2), rng)).to_frame().set_index("method") for _ in range(300)]
    for name in names:
        held = np.mean([one.at[name, "low"] <= 800 <= one.at[name, "high"] for one in found])
        assert 0.91 <= held <= 0.98, name


def test_when_people_differ_chao_is_a_floor_and_the_truncated_poisson_is_lower_still() -> None:
    rng = np.random.default_rng(1)
    result = repeat_counts(drawn(rng.gamma(0.7, 1.5, 3000), rng))
    assert result.heterogeneity_p < 0.001
    assert result.truncated_poisson.value < result.chao.value < 3000
    assert result.floor <= result.chao.low
    assert result.ratios["ratio"].iloc[:4].is_monotonic_increasing


def test_the_golf_tees_show_that_the_four_are_floors_at_best() -> None:
    """250 were laid out; every estimator is too low, and the diagnostics say that people differ."""
    result = repeat_counts(TEES)
    assert result.heterogeneity_p < 0.001
    assert max(getattr(result, name).high for name in ("chao", "truncated_poisson")) < 250


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=3, max_size=6), st.integers(2, 5))
def test_ten_times_the_people_give_ten_times_the_estimates(people: list[int], times: int) -> None:
    plain = repeat_counts(dict(enumerate(people, 1)))
    more = repeat_counts({x: n * times for x, n in enumerate(people, 1)})
    for name in ("chao", "zelterman", "truncated_poisson", "one_inflated_chao"):
        one, many = getattr(plain, name), getattr(more, name)
        assert many.value == pytest.approx(times * one.value)
        assert sum(people) <= one.low <= one.value <= one.high
        assert one.high - one.low > (many.high - many.low) / times - 1e-6  # narrower with more people


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.integers(1, 40), st.integers(0, 60), min_size=1).filter(lambda d: sum(d.values()) > 0))
def test_any_frequencies_give_a_number_or_a_reason(frequencies: dict[int, int]) -> None:
    result = repeat_counts(frequencies)
    assert result.verdict in (FLOOR, NONE)
    assert (result.verdict == FLOOR) == (not math.isnan(result.floor))
    for row in result.to_frame().itertuples():
        assert math.isnan(row.value) == bool(row.refused)
        assert row.refused or result.n_observed <= row.low <= row.value <= row.high < math.inf


def test_nobody_met_again_is_no_estimate_and_says_why() -> None:
    result = repeat_counts({1: 50})
    assert result.verdict == NONE
    assert set(result.refused) == {
        "chao", "zelterman", "truncated_poisson", "one_inflated_chao", "heterogeneity", "one_inflation",
    }  # fmt: skip
    assert "too few for any number" in result.summary()
    assert "At least" not in result.summary()


@pytest.mark.parametrize(
    ("frequencies", "refused", "why"),
    [
        ({1: 40, 2: 12}, {"one_inflated_chao", "one_inflation"}, "nobody was met exactly three times"),
        ({1: 40, 3: 12}, {"chao", "zelterman", "one_inflated_chao"}, "nobody was met exactly twice"),
        ({2: 40, 3: 12}, {"chao", "zelterman"}, "nobody was met exactly once"),
    ],
)
def test_a_missing_frequency_refuses_the_estimators_that_need_it(
    frequencies: dict[int, int], refused: set[str], why: str
) -> None:
    result = repeat_counts(frequencies)
    assert set(result.refused) == refused
    assert why in result.refused.values()


def test_a_list_that_leaves_out_people_met_once_is_no_floor() -> None:
    result = repeat_counts({2: 40, 3: 30, 4: 10})
    assert result.verdict == NONE
    assert "may leave such people out" in result.summary()


def test_no_verdict_is_ever_better_than_a_floor_and_the_limits_are_always_said() -> None:
    rng = np.random.default_rng(3)
    result = repeat_counts(drawn(np.full(4000, 2.0), rng), window=Period("2023-01-01", "2024-01-01"))
    assert result.verdict == FLOOR
    assert "never the answer" in result.summary()
    assert "No window" not in result.summary()
    assert "No window was given" in repeat_counts(DUTCH).summary()


def test_everything_wrong_is_said_at_once_and_nothing_of_it_is_repeated() -> None:
    with pytest.raises(RecordsError, match="repeat contacts cannot be read") as caught:
        repeat_counts({0: 4711, 2: -3}, window=Period("2022-01-01", "2023-01-02"))
    assert len(caught.value.problems) == 3
    assert "leave 0 out" in str(caught.value)
    assert "at most 12 months" in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{1: 2.5}, {1: "many"}, {"once": 3}, {1.5: 3}, {1: float("nan")}, {1: None}, {}, {1: 0}, [3, 2], None, 7]
)
def test_what_are_not_frequencies_is_refused(wrong: dict[object, object]) -> None:
    with pytest.raises(RecordsError, match=r"needed|must have been met"):
        repeat_counts(wrong)  # type: ignore[arg-type]


def test_a_series_is_read_like_a_mapping_and_not_changed() -> None:
    series = pd.Series(DUTCH).sample(frac=1, random_state=1)
    before = series.copy()
    assert repeat_counts(series).to_frame().equals(repeat_counts(DUTCH).to_frame())
    pd.testing.assert_series_equal(series, before)


def test_the_ratio_plot_is_flat_for_one_rate() -> None:
    exact = {x: round(1e7 * stats.poisson.pmf(x, 1.4)) for x in range(1, 9)}
    ratios = repeat_counts(exact).ratios
    np.testing.assert_allclose(ratios["ratio"], 1.4, rtol=2e-3)
    assert ((ratios["low"] < 1.4) & (ratios["high"] > 1.4)).all()


def test_six_people_met_again_are_too_few_and_seven_are_a_floor() -> None:
    assert repeat_counts({1: 50, 2: 4, 3: 2}).verdict == NONE
    assert repeat_counts({1: 50, 2: 4, 3: 3}).verdict == FLOOR
