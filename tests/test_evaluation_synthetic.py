"""Synthetic comparisons: leaving donors out, the hull, the placebo error, and panels that cannot carry a mix."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from commonground.errors import StudyError
from evaluation.comparing.donors import simplex_weights
from evaluation.synthetic import synthetic_control
from evaluation.weighted_differences import synthetic_did

DATA = Path(os.environ.get("COMMONGROUND_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
MONTHS = pd.period_range("2010-01", periods=30, freq="M")
START = MONTHS[24]


@pytest.fixture(scope="module")
def california() -> pd.DataFrame:
    path = DATA / "known_results" / "california_prop99.csv"
    if not path.exists():
        pytest.skip("the California panel is not here; set COMMONGROUND_DATA to the folder of open data")
    return pd.read_csv(path, sep=";").set_index(["Year", "State"])["PacksPerCapita"].unstack()


def _panel(seed: int, units: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(30, 2)).cumsum(axis=0) @ rng.normal(size=(2, units))
    names = [f"unit {k}" for k in range(units)]
    return pd.DataFrame(50 + common + rng.normal(size=(30, units)), index=MONTHS, columns=names)


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.float64, (14, 6), elements=st.floats(-20, 20)), st.sampled_from([0.0, 0.5, 30.0]))
def test_the_weights_meet_the_conditions_of_a_minimum(gaps: np.ndarray, ridge: float) -> None:
    weight = simplex_weights(gaps, ridge)
    assert weight.min() >= 0
    assert weight.sum() == pytest.approx(1)
    # Karush, Kuhn and Tucker: no donor's slope is below that of the donors in use
    slope = gaps.T @ (gaps @ weight) + ridge * weight
    level = weight @ slope
    assert slope.min() >= level - 1e-6 * max(1.0, np.abs(gaps).max() ** 2 * 14)


@pytest.mark.real_data
def test_californias_published_donors_and_their_absence(california: pd.DataFrame) -> None:
    found = synthetic_control(california, "California", 1989)
    # Abadie, Diamond and Hainmueller (2010), table 2, names five of these six (their fit also uses covariates)
    assert set(found.leave_one_out.index) == {"Colorado", "Connecticut", "Montana", "Nevada", "New Hampshire", "Utah"}
    for donor in found.leave_one_out.index:
        without = synthetic_control(california.drop(columns=donor), "California", 1989)
        assert found.leave_one_out.loc[donor, "effect"] == pytest.approx(without.effect)
        assert found.leave_one_out.loc[donor, "pre_rmspe"] == pytest.approx(without.pre_rmspe)
        assert without.pre_rmspe >= found.pre_rmspe
    assert found.leave_one_out["weight"].sum() == pytest.approx(1)
    assert "Without one of the donors in turn the gap is -20.5 to -18.0." in found.summary()
    assert (found.outside_share, found.exact_fit) == (0, False)


@pytest.mark.real_data
def test_the_published_placebo_error_lies_where_sampled_placebos_lie(california: pd.DataFrame) -> None:
    # Arkhangelsky et al. (2021), table 1: -15.6, standard error 8.4 from placebos drawn at random; ours takes each once
    found = synthetic_did(california, "California", 1989)
    assert found.effect == pytest.approx(-15.6, abs=0.05)
    rng = np.random.default_rng(0)
    drawn = [np.std(rng.choice(found.placebos, 200)) for _ in range(400)]
    assert np.quantile(drawn, 0.025) < 8.4 < np.quantile(drawn, 0.975)
    assert found.se == pytest.approx(np.sqrt(np.mean(np.square(drawn))), rel=0.02)
    assert found.high - found.effect == pytest.approx(2.026192 * found.se, rel=1e-6)  # t(37) quantile
    larger = int((found.placebos.abs() >= abs(found.effect)).sum())
    assert (found.rank, found.p, found.p_floor) == (1 + larger, (1 + larger) / 39, 1 / 39)
    assert "smallest possible p is 0.026" in found.summary()


def test_each_placebo_of_the_weighted_differences_is_the_estimate_without_the_treated_unit() -> None:
    panel = _panel(3)
    found = synthetic_did(panel, "unit 0", START)
    alone = synthetic_did(panel.drop(columns="unit 0"), "unit 5", START)
    assert found.placebos["unit 5"] == pytest.approx(alone.effect)
    assert found.se == pytest.approx(found.placebos.std(ddof=0))


def test_weighted_differences_ignore_the_level_of_a_unit() -> None:
    panel = _panel(4)
    moved = panel.add(np.arange(8) * 100.0, axis=1)
    found, same = synthetic_did(panel, "unit 0", START), synthetic_did(moved, "unit 0", START)
    assert same.effect == pytest.approx(found.effect, abs=1e-3)
    assert same.se == pytest.approx(found.se, abs=1e-3)


def test_a_path_inside_the_hull_fits_exactly_and_many_donors_are_said_to_explain_that() -> None:
    panel = _panel(5)
    panel["unit 0"] = 0.5 * panel["unit 1"] + 0.5 * panel["unit 2"]
    inside = synthetic_control(panel, "unit 0", START)
    assert inside.exact_fit
    assert "the mix follows it exactly." in inside.summary()
    rng = np.random.default_rng(1)
    wide = pd.DataFrame(rng.normal(size=(16, 40)), columns=range(40))
    wide[0] = wide[[1, 2, 3]].mean(axis=1)
    assert "with as many donors as periods that shows little" in synthetic_control(wide, 0, 14).summary()


def test_the_share_of_periods_beyond_every_donor_is_counted() -> None:
    panel = _panel(6)
    panel.iloc[:6, 0] = panel.iloc[:6].max(axis=1) + 1
    panel.iloc[6:24, 0] = panel.iloc[6:24, 1:].mean(axis=1)
    found = synthetic_control(panel, "unit 0", START)
    assert (found.outside_range, found.outside_share) == (6, 0.25)
    assert "beyond every donor in 6 of 24 periods before (25 %)" in found.summary()


def test_an_effect_that_rests_on_one_donor_is_said_to() -> None:
    time = np.arange(30.0)
    panel = pd.DataFrame({"own": np.sin(time), "twin": np.sin(time), "a": np.cos(time), "b": np.cos(time / 2)})
    panel.loc[24:, "twin"] += 5
    panel.loc[20, "own"] += 0.1
    panel.loc[24:, ["a", "b"]] -= 5
    found = synthetic_control(panel, "own", 24)
    assert found.effect < 0 < found.leave_one_out["effect"].max()
    assert "Its sign rests on a single donor." in found.summary()
    assert (
        "rests on a single donor" not in synthetic_control(_panel(5).add(np.eye(8)[0] * 9), "unit 0", START).summary()
    )


def test_a_single_period_after_gaps_zeros_and_twins_are_said() -> None:
    panel = _panel(7).iloc[:25].drop(MONTHS[[3, 10]]).assign(zero=0.0)
    panel["again"] = panel["unit 3"]
    for found in (synthetic_control(panel, "unit 0", START), synthetic_did(panel, "unit 0", START)):
        said = found.summary()
        assert "There is one period after" in said
        assert "Periods missing from the panel, before or after: 2." in said
        assert "Donors with zeros only: 1" in said
        assert "Donors that repeat another donor in every period: 1" in said
    assert synthetic_control(_panel(7), "unit 0", START).notes == ()
    years = _panel(7).set_axis(np.delete(np.arange(1980, 2042, 2), 8))
    assert synthetic_control(years, "unit 0", 2030).notes == ("Periods missing from the panel, before or after: 1.",)
    days = _panel(7).set_axis(MONTHS.to_timestamp())
    assert synthetic_control(days, "unit 0", "2012-01-01").notes == ()


def test_few_units_cannot_give_a_small_p_and_are_said_to() -> None:
    said = synthetic_control(_panel(7, units=5), "unit 0", START).summary()
    assert said.startswith("With 5 units the smallest possible p is 0.200: no p of 0.05 or less can come out.")


def test_a_donor_that_is_the_treated_unit_zeros_and_names_that_repeat_are_refused_together() -> None:
    panel = _panel(8)
    with pytest.raises(StudyError, match="an area that is also treated compares with itself"):
        synthetic_control(panel.assign(copy=panel["unit 0"]), "unit 0", START)
    with pytest.raises(StudyError, match="has two columns of one name"):
        synthetic_control(pd.concat([panel, panel[["unit 2"]]], axis=1), "unit 0", START)
    with pytest.raises(StudyError, match=r"(?s)12 periods before.*a series of zeros has no path"):
        synthetic_did(panel.assign(**{"unit 0": 0.0}), "unit 0", MONTHS[5])
    with pytest.raises(StudyError, match="panel: needs a DataFrame of periods x units"):
        synthetic_control(None, "unit 0", START)
    with pytest.raises(
        StudyError, match=r"(?s)treated: needs to name one column.*start: needs a period from the start"
    ):
        synthetic_control(panel, ["unit 0"], "no month")


def test_too_short_a_past_is_sent_to_the_relative_rate_ratio() -> None:
    with pytest.raises(StudyError, match=r"needs 12 periods before the start\. Use `relative_rate_ratio`"):
        synthetic_control(_panel(8), "unit 0", MONTHS[11])


def test_results_show_no_number_and_leave_the_panel_alone() -> None:
    panel = _panel(9)
    kept = panel.copy()
    control, weighted = synthetic_control(panel, "unit 0", START), synthetic_did(panel, "unit 0", START)
    pd.testing.assert_frame_equal(panel, kept)
    assert repr(control) == "SyntheticControl(...; call .summary())"
    assert repr(weighted) == "SyntheticDiD(...; call .summary())"
    assert weighted.to_frame().groupby("kind")["weight"].sum().to_numpy() == pytest.approx([1, 1])
    changed = control.to_frame()
    changed["gap"] = 0
    assert control.to_frame()["gap"].abs().sum() > 0
