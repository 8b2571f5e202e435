"""Two sources of the same violence: hand-worked and published values, exact unbiasedness, planted truth, refusals."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from commonground.errors import StudyError
from evaluation.captures import capture_counts, source_capture
from evaluation.proportions import share_ratio
from evaluation.rates import rate_ratio
from evaluation.reporting import reporting_sensitivity


def seen(both: float | None, scheme: int, police: int, *unlinked: int) -> dict[str, float | None]:
    """Return the counts of a period."""
    names = ("unlinked_scheme", "unlinked_police")
    return {"both": both, "scheme": scheme, "police": police} | dict(zip(names, unlinked, strict=False))


counts = st.tuples(*[st.integers(0, 40)] * 3).map(lambda given: seen(*given))


def test_capture_and_its_change_are_the_hand_worked_ones() -> None:
    # 30 of 80 before, 15 of 80 after: rho .5, var log rho = 1/15 - 1/80 + 1/30 - 1/80 = .075
    found = source_capture(seen(30, 50, 40), seen(15, 65, 20))
    assert found.rho == pytest.approx(0.5)
    assert math.log(found.rho_high / found.rho) == pytest.approx(1.959964 * math.sqrt(0.075), rel=1e-6)
    assert found.shares == ((30.0, 80.0), (15.0, 80.0))
    table = found.table.set_index(["period", "of"])
    assert tuple(table.loc[("after", "police"), ["x", "n"]]) == (15, 35)
    theirs = proportion_confint(30, 80, method="wilson")
    assert tuple(table.loc[("before", "scheme"), ["low", "high"]]) == pytest.approx(theirs)
    row = found.differences.set_index("of").loc["scheme"]
    pair = confint_proportions_2indep(15, 80, 30, 80, method="newcomb", compare="diff")
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((-0.1875, *pair))
    assert "30 of 80 (38 %) before and 15 of 80 (19 %) after" in found.summary()


@settings(max_examples=80, deadline=None)
@given(counts, counts)
def test_swapping_the_periods_inverts_the_change_of_capture(before: dict[str, float], after: dict[str, float]) -> None:
    there, back = source_capture(before, after), source_capture(after, before)
    assert there.refused == back.refused
    if there.refused is None and 0 < there.rho < math.inf:
        assert there.rho == pytest.approx(1 / back.rho)
        assert there.rho_low == pytest.approx(1 / back.rho_high)
        assert (there.rho_low_unlinked, there.rho_high_unlinked) == (there.rho_low, there.rho_high)


def test_the_change_of_capture_is_what_reporting_sensitivity_takes() -> None:
    capture = source_capture(seen(30, 50, 40), seen(15, 65, 20))
    found = reporting_sensitivity(rate_ratio(100, 60), shares=capture.shares)
    assert found.adjusted is not None
    assert (found.adjusted.rho, found.adjusted.rho_low, found.adjusted.rho_high) == pytest.approx(
        (capture.rho, capture.rho_low, capture.rho_high)
    )
    assert found.adjusted.ratio == pytest.approx(1.2)  # records at .6, half as well reported
    refused = source_capture(seen(None, 50, 40), seen(None, 65, 20))
    assert refused.shares is None
    assert reporting_sensitivity(rate_ratio(100, 60), shares=refused.shares).adjusted is None


def town(rng: np.random.Generator, events: int, told: float, recorded: float) -> dict[str, int]:
    """Count events that independently reach the scheme and the police, by their keys."""
    keys = pd.Series(np.arange(events))
    return capture_counts(keys[rng.random(events) < told], keys[rng.random(events) < recorded])


def test_a_planted_fall_of_reporting_is_covered_and_gives_back_unchanged_violence() -> None:
    rng = np.random.default_rng(11)
    covered = adjusted = 0
    for _ in range(300):  # the same 200 events in both periods; the police record 40 %, then 24 %
        before, after = town(rng, 200, 0.5, 0.40), town(rng, 200, 0.5, 0.24)
        found = source_capture(before, after)
        covered += found.rho_low <= 0.6 <= found.rho_high
        records = [c["both"] + c["police"] for c in (before, after)]
        whole = reporting_sensitivity(rate_ratio(*records), shares=found.shares).adjusted
        assert whole is not None
        adjusted += whole.low <= 1 <= whole.high
    assert covered / 300 >= 0.92
    assert adjusted / 300 >= 0.95  # the records are a part of what is linked: the joined interval is wide


# the floor


def test_chapmans_estimate_is_the_published_one() -> None:
    # documentation of the R package recapr (NChapman): n1 = n2 = 100, m2 = 20; 101 * 101 / 21 - 1
    found = source_capture(seen(20, 80, 80), seen(20, 80, 80)).floors.iloc[0]
    assert found["estimate"] == pytest.approx(101 * 101 / 21 - 1)
    assert found["seen"] == 180


@pytest.mark.parametrize(("events", "first", "second"), [(30, 20, 18), (24, 12, 16)])
def test_chapmans_estimate_is_unbiased_by_exact_reckoning(events: int, first: int, second: int) -> None:
    # Chapman (1951): unbiased under the hypergeometric when n1 + n2 >= N; here also no overlap below 7 has any weight
    overlaps = np.arange(max(0, first + second - events), min(first, second) + 1)
    weights = stats.hypergeom.pmf(overlaps, events, first, second)
    estimates = []
    for both in overlaps:
        period = seen(int(both), first - int(both), second - int(both))
        estimates.append(source_capture(period, period).floors["estimate"].iloc[0])
    enough = overlaps >= 7
    assert np.isfinite(np.array(estimates)[enough]).all()
    assert np.isnan(np.array(estimates)[~enough]).all()
    below = sum(
        w * ((first + 1) * (second + 1) / (both + 1) - 1) for w, both in zip(weights, overlaps, strict=True) if both < 7
    )
    assert float(weights[enough] @ np.array(estimates)[enough]) + below == pytest.approx(events)


def test_the_lower_limit_lies_below_the_planted_number_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    below = 0
    for _ in range(400):
        period = town(rng, 150, 0.5, 0.4)
        row = source_capture(period, period).floors.iloc[0]
        assert row["seen"] <= row["low"] <= row["estimate"]
        below += row["low"] <= 150
    assert below / 400 >= 0.95  # 97.5 % of lower limits


def test_reports_that_are_passed_on_make_the_estimate_too_low_as_the_text_says() -> None:
    rng = np.random.default_rng(6)
    estimates = []
    for _ in range(50):
        keys = pd.Series(np.arange(300))
        told = rng.random(300) < 0.4
        recorded = (rng.random(300) < 0.1) | (told & (rng.random(300) < 0.5))
        period = capture_counts(keys[told], keys[recorded])
        estimates.append(source_capture(period, period).floors["estimate"].iloc[0])
    assert np.mean(estimates) < 250 < 300
    assert "it is too low. So it is a floor at best" in source_capture(period, period).summary()


@pytest.mark.parametrize("both", [1, 6, 7])
def test_below_seven_in_both_there_is_no_estimate(both: int) -> None:
    found = source_capture(seen(both, 30, 30), seen(20, 30, 30))
    row = found.floors.iloc[0]
    assert math.isnan(row["estimate"]) == (both < 7)
    assert ("No estimate of the events before: fewer than 7 were seen by both." in found.summary()) == (both < 7)
    assert row["seen"] == both + 60


def test_where_every_event_is_in_both_the_floor_is_what_was_seen() -> None:
    row = source_capture(seen(12, 0, 0), seen(12, 0, 0)).floors.iloc[0]
    assert (row["seen"], row["estimate"], row["low"]) == (12, 12, 12)


# what is not linked


@settings(max_examples=40, deadline=None)
@given(*[st.tuples(st.integers(1, 12), st.integers(9, 20), *[st.integers(0, 8)] * 3).map(lambda g: seen(*g))] * 2)
def test_the_widest_limits_hold_every_way_in_which_the_unlinked_may_match(
    before: dict[str, float], after: dict[str, float]
) -> None:
    found = source_capture(before, after)
    ranges = []
    for period in (before, after):
        scheme, police = period["unlinked_scheme"], period["unlinked_police"]
        most = max(  # of the unlinked of the scheme, `a` match police's linked and `b` its unlinked; `c` the reverse
            a + b + c
            for a, b, c in itertools.product(range(int(scheme) + 1), range(int(police) + 1), range(int(police) + 1))
            if a + b <= scheme and b + c <= police and a <= period["police"] and c <= period["scheme"]
        )
        total = period["both"] + period["scheme"] + scheme
        ranges.append([(period["both"] + extra, total) for extra in range(most + 1)])
        row = found.table[(found.table["of"] == "scheme")].iloc[len(ranges) - 1]
        assert (row["share_least"], row["share_most"]) == pytest.approx(
            (period["both"] / total, (period["both"] + most) / total)
        )
    every = [share_ratio(x, y, 0.95) for x, y in itertools.product(*ranges)]
    assert found.rho_low_unlinked == pytest.approx(min([found.rho_low, *(low for _, low, _ in every)]))
    assert found.rho_high_unlinked == pytest.approx(max([found.rho_high, *(high for *_, high in every)]))


def test_the_unlinked_can_leave_untold_what_the_linked_seem_to_show_and_lower_the_floor() -> None:
    linked = source_capture(seen(30, 50, 40), seen(12, 68, 20))
    some = source_capture(seen(30, 50, 40), seen(12, 68, 20, 20, 20))
    assert "cannot be told" not in linked.summary()
    assert "however the unlinked may match). Whether it changed at all, cannot be told." in some.summary()
    assert some.floors["estimate"].iloc[1] < linked.floors["estimate"].iloc[1]


def test_keys_are_counted_as_events_and_missing_ones_as_unlinked() -> None:
    scheme = pd.Series(["a", "b", "b", "c", None, None], index=list("uvwxyz"))
    police = pd.Series(["b", "c", "d", "d", "e", None])
    assert capture_counts(scheme, police) == {
        "both": 2, "scheme": 1, "police": 2, "unlinked_scheme": 2, "unlinked_police": 1
    }  # fmt: skip


def test_sources_without_a_shared_key_are_refused_with_the_reason() -> None:
    for unlinked in (seen(None, 50, 40), seen(12, 3, 4)):
        found = source_capture(seen(None, 9, 9), unlinked)
        assert found.summary() == f"Cannot tell how the two sources overlap: {found.refused}."
        assert "not linked" in found.summary()
        assert found.shares is None
        assert math.isnan(found.rho)
    names = capture_counts(pd.Series(["UM-1", "UM-2"]), pd.Series([1, 2, 3]))  # keys of two systems
    found = source_capture(names, names)
    assert "either they share no key, or none was seen by both, and the two cannot be told apart" in found.summary()
    assert found.to_frame().empty


def test_few_incidents_give_x_of_n_and_no_change() -> None:
    found = source_capture(seen(2, 5, 40), seen(15, 65, 20))
    assert "2 of 7 before and 15 of 80 (19 %) after" in found.summary()
    assert "Whether the share that reaches the police changed, cannot be told: fewer than 10" in found.summary()
    assert found.shares is None
    row = found.table.iloc[0]
    assert row[["share", "low", "high"]].isna().all()
    assert math.isnan(found.differences["difference"].iloc[0])


@settings(max_examples=80, deadline=None)
@given(counts, counts)
def test_no_text_says_that_violence_changed(before: dict[str, float], after: dict[str, float]) -> None:
    text = source_capture(before, after).summary()
    assert not re.search(r"violence|\b(rose|fell|more happened|fewer happened|caused|effect)\b", text)
    if "Chapman" in text:
        assert "two such floors are not compared" in text


def test_counts_that_do_not_fit_are_all_listed_without_their_numbers() -> None:
    bad: dict[str, float | None] = {"both": 3, "scheme": -4, "police": 2}
    with pytest.raises(StudyError, match=r"(?s)before: needs 5 finite.*after: needs both, scheme and police") as why:
        source_capture(bad, {"both": 3, "all": 8})
    assert "-4" not in str(why.value)
    with pytest.raises(StudyError, match="after: needs whole counts"):
        source_capture(seen(3, 4, 5), {"both": 3.5, "scheme": 4, "police": 2})


def test_the_result_shows_no_number_by_accident() -> None:
    assert repr(source_capture(seen(30, 50, 40), seen(15, 65, 20))) == "SourceCapture(...; call .summary())"
