"""Difference in differences on counts: the closed form, a regression, planted truths, and inference with few areas."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonground.errors import StudyError
from evaluation.comparing.area_errors import RatioError, smallest_visible
from evaluation.did import DifferenceInDifferences, difference_in_differences
from evaluation.dispersion import share_dispersion
from evaluation.panels import relative_rate_ratio

MONTHS = pd.period_range("2020-01", periods=30, freq="M")
START = pd.Period("2022-01", "M")


def _panel(seed: int, areas: int = 6, mean: float = 5.0, **changed: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sizes, season = rng.uniform(0.6, 1.6, areas), 1 + 0.3 * np.sin(np.arange(30) / 2)
    rates = pd.DataFrame(mean * np.outer(season, sizes), index=MONTHS, columns=[f"a{k}" for k in range(areas)])
    for name, ratio in changed.items():
        rates.loc[START:, name] *= ratio
    return pd.DataFrame(rng.poisson(rates), index=MONTHS, columns=rates.columns)


def _regression(panel: pd.DataFrame, treated: list[str], **options: object) -> tuple[float, float]:
    """The log ratio and its error from statsmodels: area and month dummies, and treated x after."""
    long = panel.stack().rename("count").rename_axis(["month", "area"]).reset_index()
    dummies = pd.get_dummies(long[["area", "month"]].astype(str), drop_first=True, dtype=float)
    dummies.insert(0, "effect", (long["area"].isin(treated) & (long["month"] >= START)).astype(float))
    cov = {"cov_type": "cluster", "cov_kwds": {"groups": pd.factorize(long["area"])[0], "use_correction": False}}
    model = sm.GLM(long["count"], sm.add_constant(dummies), family=sm.families.Poisson())
    fitted = model.fit(tol=1e-12, maxiter=200, **(cov if options.get("cluster") else {}))
    return float(fitted.params["effect"]), float(fitted.bse["effect"])


def test_two_areas_give_the_hand_worked_ratio() -> None:
    panel = pd.DataFrame({"t": [4] * 24 + [3] * 6, "c": [5] * 24 + [10] * 6}, index=MONTHS)
    found = difference_in_differences(panel, "t", START)
    assert found.ratio == pytest.approx((18 / 96) / (60 / 120))
    assert (found.treated, found.control) == ((96, 18), (120, 60))
    # shares never vary, so the error is Poisson; t(23) quantile 2.068658
    error = math.sqrt(1 / 96 + 1 / 18 + 1 / 120 + 1 / 60)
    assert found.low == pytest.approx(found.ratio * math.exp(-2.068658 * error), rel=1e-6)
    assert found.high == pytest.approx(found.ratio * math.exp(2.068658 * error), rel=1e-6)
    assert (found.inflation, found.df, found.basis) == (1, 23, "months")


@pytest.mark.parametrize("treated", [["a0"], ["a1", "a4"]])
def test_the_ratio_is_that_of_a_regression_with_a_level_for_each_area_and_month(treated: list[str]) -> None:
    panel = _panel(3, a0=0.5)
    found = difference_in_differences(panel, treated, START)
    effect, error = _regression(panel, treated)
    assert math.log(found.ratio) == pytest.approx(effect, abs=1e-8)
    poisson = sum(1 / total for total in (*found.treated, *found.control))
    assert math.sqrt(poisson) == pytest.approx(error, rel=1e-6)


counts = st.lists(st.integers(0, 9), min_size=18, max_size=18)


@settings(max_examples=20, deadline=None)
@given(counts, counts)
def test_with_two_areas_it_is_the_relative_rate_ratio(own: list[int], other: list[int]) -> None:
    assume(own != other)
    panel = pd.DataFrame({"t": own, "c": other}) + 2
    found = difference_in_differences(panel, "t", 14)
    sums = panel.groupby(panel.index >= 14).sum()
    spread = share_dispersion(panel["t"][:14], panel["c"][:14])
    same = relative_rate_ratio(tuple(sums["t"]), tuple(sums["c"]), dispersion=tuple(spread))
    assert (found.ratio, found.low, found.p) == pytest.approx((same.ratio, same.low, same.p))
    swapped = difference_in_differences(panel, "c", 14)
    assert swapped.ratio == pytest.approx(1 / found.ratio)
    assert swapped.p == pytest.approx(found.p)


def test_the_error_is_that_of_the_areas_where_they_drift_apart() -> None:
    rng = np.random.default_rng(6)
    panel = pd.DataFrame(2_000_000, index=MONTHS, columns=[f"a{k}" for k in range(9)])
    panel.loc[START:] = np.round(2_000_000 * np.exp(rng.normal(0, 0.01, 9)))
    found = difference_in_differences(panel, "a0", START)
    assert (found.basis, found.df) == ("areas", 7)
    # months before never vary; the comparison areas' log changes have a known spread and nearly equal Poisson errors
    changes = np.log(panel.loc[START:].sum() / 48_000_000)[1:]
    poisson = 1 / panel.loc[START:].sum()[1:] + 1 / 48_000_000
    events = panel.sum()[1:]
    share = events / events.sum()
    rough = max(0.0, changes.var() - poisson.mean()) * (1 + (share**2).sum())
    expected = sum(1 / total for total in (*found.treated, *found.control)) + rough
    half = math.log(found.high / found.low) / 2
    assert half == pytest.approx(2.364624 * math.sqrt(expected), rel=0.02)  # t(7) quantile
    assert found.inflation > 2


def test_many_areas_give_the_cluster_robust_error_of_the_regression_and_few_never_do() -> None:
    panel = _panel(8, areas=24)
    treated = [f"a{k}" for k in range(12)]
    found = difference_in_differences(panel, treated, START)
    _, error = _regression(panel, treated, cluster=True)
    assert (found.basis, found.df) == ("clusters", 11)
    half = math.log(found.high / found.low) / 2 / 2.200985  # t(11) quantile
    assert half == pytest.approx(error * math.sqrt(12 / 11), rel=1e-4)
    assert difference_in_differences(panel, treated[:9], START).basis != "clusters"
    assert difference_in_differences(panel, [*treated, "a12", "a13", "a14"], START).basis != "clusters"


def test_the_largest_change_of_twenty_areas_ranks_first_and_its_p_is_the_floor() -> None:
    found = difference_in_differences(_panel(1, areas=20, a7=0.2), "a7", START)
    assert (found.placebo_rank, found.placebo_of) == (1, 20)
    assert found.placebo_p == found.placebo_floor == 0.05
    assert found.areas["statistic"].idxmax() == "a7"
    assert found.areas.loc["a7", "ratio"] == pytest.approx(found.ratio)
    assert 0.1 < found.ratio < 0.35
    assert found.low < 0.2 < found.high < 1


def test_each_area_has_a_rank_of_its_own_when_it_is_the_treated_one() -> None:
    panel = _panel(4, areas=7)
    ranks = [difference_in_differences(panel, name, START).placebo_rank for name in panel.columns]
    assert sorted(ranks) == list(range(1, 8))


def test_two_treated_areas_are_set_against_every_pair() -> None:
    found = difference_in_differences(_panel(2, areas=8, a1=0.3, a2=0.3), ["a1", "a2"], START)
    assert found.placebo_of == 28
    assert found.placebo_p == 1 / 28


def test_no_change_is_called_one_no_more_often_than_said_when_months_follow_one_another() -> None:
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(150):
        swing = rng.normal(size=(30, 6))
        for month in range(1, 30):
            swing[month] = 0.6 * swing[month - 1] + 0.8 * swing[month]
        panel = pd.DataFrame(rng.poisson(6 * np.exp(0.6 * swing)), index=MONTHS)
        alarms += difference_in_differences(panel, 0, START).p <= 0.05
    assert alarms / 150 <= 0.10  # 5 % and three standard errors of 150 draws


def test_the_smallest_visible_change_is_where_the_error_says() -> None:
    error = RatioError("months", 1.0, 0.0, 1e9)
    fall, rise = smallest_visible(error, (100, 7, 400, 400), 0.95)
    for ratio in (fall, rise):
        size = math.sqrt(1 / 100 + 1 / (100 * ratio) + 2 / 400)
        assert abs(math.log(ratio)) == pytest.approx((1.959964 + 0.841621) * size, rel=1e-5)
    assert fall < 1 < rise
    assert smallest_visible(error, (100, 9999, 400, 400), 0.95) == (fall, rise)
    nothing = smallest_visible(RatioError("areas", 1.0, 50.0, 1.0), (100, 7, 400, 400), 0.95)
    assert math.isnan(nothing[0])
    assert nothing[1] == math.inf


def test_a_planted_smallest_change_is_seen_about_four_times_in_five() -> None:
    fall, _ = smallest_visible(RatioError("months", 1.0, 0.0, 23), (120, 0, 600, 150), 0.95)
    rng = np.random.default_rng(5)
    seen = 0
    for _ in range(120):
        panel = pd.DataFrame({"t": rng.poisson(5, 30), "c": rng.poisson(25, 30)}, index=MONTHS)
        panel.loc[START:, "t"] = rng.poisson(5 * fall, 6)
        seen += difference_in_differences(panel, "t", START).p <= 0.05
    assert 0.62 <= seen / 120 <= 0.92  # .8 and three standard errors, less for the dispersion that chance finds


def test_what_could_be_seen_and_each_floor_come_before_each_p() -> None:
    said = difference_in_differences(_panel(1, areas=5), "a0", START).summary()
    order = [said.index(part) for part in ("four times in five", "smallest possible p is 0.200", "p 0.", "interval")]
    assert order == sorted(order)
    assert "no p of 0.05 or less can come out" in said
    assert "not yet an effect" in said
    assert "in the same proportion" in said


def test_months_during_are_left_out_and_missing_months_are_left_out_of_all_areas_and_said() -> None:
    panel = _panel(5).astype(float)
    panel.loc["2021-03", "a2"] = np.nan
    panel = panel.drop(pd.Period("2021-07", "M"))
    found = difference_in_differences(panel, "a0", "2022-01", "2022-03")
    used = panel.dropna()
    before, after = used.loc[:"2021-12", "a0"].sum(), used.loc["2022-03":, "a0"].sum()
    assert found.treated == (before, after)
    assert found.months == (22, 4, 2, 2)
    assert "Months missing in some area, and so left out of all: 2." in found.summary()
    shuffled = difference_in_differences(panel.sample(frac=1, random_state=1), "a0", "2022-01", "2022-03")
    assert shuffled.to_frame().equals(found.to_frame())


@pytest.mark.parametrize(
    ("panel", "reason"),
    [
        (_panel(5).iloc[:25], "fewer than 2 months after"),
        (_panel(5).iloc[15:], "fewer than 12 months before"),
        (_panel(5, mean=0.3), "fewer than 4 events to be expected after"),
        (_panel(5, areas=2).assign(a1=[1] + [0] * 29), "fewer than 20 events in the comparison areas"),
    ],
)
def test_too_little_gives_no_p_and_says_why(panel: pd.DataFrame, reason: str) -> None:
    found = difference_in_differences(panel, "a0", START)
    assert reason in (found.refused or "")
    assert all(math.isnan(value) for value in (found.p, found.low, found.placebo_p))
    assert "No interval and no p are given" in found.summary()


def test_a_total_of_nothing_after_leaves_the_placebo_and_no_interval() -> None:
    panel = _panel(5)
    panel.loc[START:, "a0"] = 0
    found = difference_in_differences(panel, "a0", START)
    assert found.ratio == 0
    assert math.isnan(found.p)
    assert found.placebo_p == 1 / 6
    assert "a total is 0" in found.summary()


def test_silent_areas_are_left_out_and_said() -> None:
    found = difference_in_differences(_panel(5).assign(a3=0), "a0", START)
    assert found.placebo_of == 5
    assert "Areas without events in the months used, and so left out: 1." in found.summary()


def test_every_problem_of_a_panel_is_told_at_once_without_its_contents() -> None:
    panel = _panel(5).astype(object)
    panel.iloc[3, 1], panel.iloc[4, 2], panel.iloc[5, 3] = -4711, 0.4711, np.inf
    panel = panel.astype(float).assign(copy=panel["a0"].astype(float), words="x")
    with pytest.raises(StudyError) as told:
        difference_in_differences(panel, ["a0", "a0", "nowhere"], "2035-01", level=2)
    said = str(told.value)
    for part in (
        "level: needs a confidence level",
        "treated: needs to name one or more columns",
        "treated: names an area twice",
        "row 4, panel column 2: is not a whole number",
        "row 5, panel column 3: is not a whole number",
        "row 6, panel column 4: is not a whole number",
        "panel column 8: is not numeric",
        "panel: has a comparison area equal to a treated one in every month",
        "start, end: lies outside the months",
    ):
        assert part in said
    assert "4711" not in said


def test_an_area_that_is_also_treated_and_a_panel_of_zeros_are_refused() -> None:
    panel = _panel(5)
    twice = pd.concat([panel, panel[["a0"]] + 1], axis=1)
    with pytest.raises(StudyError, match="treated and compared with at once"):
        difference_in_differences(twice, "a0", START)
    with pytest.raises(StudyError, match=r"(?s)no event in any treated area.*no event in any comparison area"):
        difference_in_differences(panel * 0, "a0", START)
    with pytest.raises(StudyError, match="leaves no comparison area"):
        difference_in_differences(panel[["a0"]], "a0", START)
    with pytest.raises(StudyError, match="panel: needs a DataFrame of months x areas"):
        difference_in_differences([1, 2, 3], "a0", START)
    with pytest.raises(StudyError, match="leaves no complete month before, or none after"):
        difference_in_differences(panel[panel.index < START].reindex(MONTHS), "a0", START)


def test_one_comparison_area_is_said_to_show_nothing_of_drift() -> None:
    assert "the interval is too narrow" in difference_in_differences(_panel(5, areas=2), "a0", START).summary()
    assert "the interval is too narrow" not in difference_in_differences(_panel(5), "a0", START).summary()


def test_a_treated_area_of_another_size_is_said_to_be() -> None:
    panel = _panel(5)
    panel["a0"] *= 6
    assert "differs much in size" in difference_in_differences(panel, "a0", START).summary()
    assert "differs much in size" not in difference_in_differences(_panel(5), "a0", START).summary()


def test_the_result_shows_no_number_and_leaves_its_panel_alone() -> None:
    panel = _panel(5)
    kept = panel.copy()
    found = difference_in_differences(panel, "a0", START)
    pd.testing.assert_frame_equal(panel, kept)
    assert isinstance(found, DifferenceInDifferences)
    assert repr(found) == "DifferenceInDifferences(...; call .summary())"
    assert found.to_frame().loc[0, "ratio"] == found.ratio
