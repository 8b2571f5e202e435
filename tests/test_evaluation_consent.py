"""Consent: published intervals, bounds against every allotment, planted shares, and sentences that stay with trust."""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from commonground.errors import StudyError
from evaluation.consent import ConsentShares, consent_shares
from evaluation.proportions import newcombe
from evaluation.rates import rate_ratio
from evaluation.reporting import reporting_sensitivity

BRANCHES = ("full", "anonymous", "none")


def branches(full: int, anonymous: int, none: int, unknown: int | None = None) -> dict[str, float]:
    """Return the counts of a period."""
    known: dict[str, float] = {"full": full, "anonymous": anonymous, "none": none}
    return known if unknown is None else known | {"unknown": unknown}


counts = st.tuples(*[st.integers(0, 40)] * 3, st.integers(0, 12)).map(lambda numbers: branches(*numbers))


def test_full_consent_has_the_published_interval_of_its_share_and_of_its_change() -> None:
    # Newcombe (1998), Statistics in Medicine 17:873-890, table II (a): 56/70 - 48/80, method 10: .0524 to .3339
    found = consent_shares(branches(48, 20, 12), branches(56, 10, 4))
    row = found.differences.set_index("branch").loc["full"]
    assert [row["difference"], row["low"], row["high"]] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    theirs = proportion_confint(48, 80, method="wilson")
    first = found.table.iloc[0]
    assert (first["period"], first["branch"], first["x"], first["n"]) == ("before", "full", 48, 80)
    assert (first["low"], first["high"]) == pytest.approx(theirs)
    assert "48 of 80 (60 %) before, 56 of 70 (80 %) after (+20 points, 95 % interval +5 to +33)" in found.summary()


@settings(max_examples=100, deadline=None)
@given(counts, counts)
def test_shares_add_to_one_lie_in_their_bounds_and_agree_with_another_implementation(
    before: dict[str, float], after: dict[str, float]
) -> None:
    found = consent_shares(before, after, level=0.9)
    for when, given_counts in (("before", before), ("after", after)):
        rows = found.table[found.table["period"] == when]
        n = sum(given_counts[b] for b in BRANCHES)
        assert (rows["n"] == n).all()
        assert rows["share"].isna().all() == (n < 10)
        if n >= 10:
            assert rows["share"].sum() == pytest.approx(1)
            assert ((rows["share_least"] <= rows["share"]) & (rows["share"] <= rows["share_most"])).all()
            assert ((rows["low"] <= rows["share"]) & (rows["share"] <= rows["high"])).all()
    n0, n1 = (sum(c[b] for b in BRANCHES) for c in (before, after))
    for row in found.differences.to_dict("records"):
        if min(n0, n1) < 10:
            assert math.isnan(row["difference"])
            continue
        x0, x1 = before[row["branch"]], after[row["branch"]]
        theirs = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=0.1)
        assert (row["low"], row["high"]) == pytest.approx(theirs, abs=1e-9)
        assert row["low_unknown"] <= row["high_unknown"]


@settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_the_widest_limits_are_the_furthest_over_every_allotment_of_the_unknown(
    before: dict[str, float], after: dict[str, float]
) -> None:
    n0, n1 = (int(sum(c[b] for b in BRANCHES)) for c in (before, after))
    if min(n0, n1) < 10:
        return
    u0, u1 = int(before["unknown"]), int(after["unknown"])
    row = consent_shares(before, after).differences.set_index("branch").loc["anonymous"]
    every = [
        newcombe((before["anonymous"] + a, n0 + u0), (after["anonymous"] + b, n1 + u1), 0.95)[1:]
        for a, b in itertools.product(range(u0 + 1), range(u1 + 1))
    ]
    assert row["low_unknown"] == pytest.approx(min(low for low, _ in every))
    assert row["high_unknown"] == pytest.approx(max(high for _, high in every))


def test_without_unknown_the_widest_limits_are_the_limits_and_are_not_mentioned() -> None:
    found = consent_shares(branches(20, 20, 20), branches(30, 10, 20, 0))
    assert (found.differences["low"] == found.differences["low_unknown"]).all()
    assert found.unknown == (0, 0)
    assert "unknown" not in found.summary()


def test_the_interval_covers_a_planted_change_of_consent() -> None:
    rng = np.random.default_rng(5)
    shares = ([0.2, 0.5, 0.3], [0.4, 0.4, 0.2])
    covered = 0
    for _ in range(400):
        before, after = (branches(*rng.multinomial(n, p)) for n, p in zip((40, 60), shares, strict=True))
        row = consent_shares(before, after).differences.to_dict("records")[0]
        covered += row["low"] <= 0.2 <= row["high"]
    assert covered / 400 >= 0.92


@pytest.mark.parametrize(
    ("before", "after"), [((4, 3, 2), (5, 40, 9)), ((0, 0, 0), (30, 10, 3)), ((9, 0, 0), (9, 0, 0))]
)
def test_no_percentage_of_fewer_than_ten_is_given_anywhere(
    before: tuple[int, int, int], after: tuple[int, int, int]
) -> None:
    found = consent_shares(branches(*before), branches(*after))
    small = found.table[found.table["n"] < 10]
    assert len(small) >= 3
    assert small[["share", "low", "high", "share_least", "share_most"]].isna().all(axis=None)
    assert found.differences.drop(columns="branch").isna().all(axis=None)
    text = found.summary()
    assert not re.search(r"of \d \(", text)
    assert text.count("too few to compare") == 3


def test_enough_unknown_bound_a_share_that_its_own_few_cannot_give() -> None:
    row = consent_shares(branches(3, 2, 0, 15), branches(10, 5, 5)).table.iloc[0]
    assert math.isnan(row["share"])
    assert (row["share_least"], row["share_most"]) == (3 / 20, 18 / 20)


def test_what_the_unknown_can_turn_round_is_not_told() -> None:
    sure = consent_shares(branches(10, 20, 10), branches(30, 8, 2)).summary()
    unsure = consent_shares(branches(10, 20, 10), branches(30, 8, 2, 60)).summary()
    assert "all details: 10 of 40 (25 %) before, 30 of 40 (75 %) after (+50 points, 95 % interval +29 to +65)." in sure
    assert re.search(r"all details: [^.]*with the unknown [^.]*; whether it changed cannot be told", unsure)
    assert "Of 0 reports before and 60 after it is not known" in unsure


def test_consent_can_stand_for_the_share_reported() -> None:
    # by hand: rho = (30/50)/(6/40) = 4; 1.5 / 4 = .375
    found = consent_shares(branches(6, 24, 10), branches(30, 16, 4))
    assert found.shares == ((6.0, 40.0), (30.0, 50.0))
    adjusted = reporting_sensitivity(rate_ratio(20, 30), shares=found.shares).adjusted
    assert adjusted is not None
    assert adjusted.rho == pytest.approx(4)
    assert adjusted.ratio == pytest.approx(0.375)


@settings(max_examples=60, deadline=None)
@given(counts, counts)
def test_consent_is_read_as_trust_and_never_as_violence(before: dict[str, float], after: dict[str, float]) -> None:
    text = consent_shares(before, after).summary()
    assert "More consent is a sign of trust, not of more violence" in text
    assert not re.search(r"\b(rose|fell|improv|worse|caused|effect|impact)\b", text)
    assert text.count("violence") == 1


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({"full": 1, "none": 2}, branches(1, 2, 3), "before: needs full, anonymous and none"),
        (branches(1, 2, 3), branches(1, 2, 3) | {"partial": 4}, "after: needs full, anonymous and none"),
        (
            branches(1, 2, -3),
            {**branches(1, 2, 3), "full": 0.5},
            r"(?s)before: needs 4 finite.*after: needs whole counts",
        ),
    ],
)
def test_branches_that_do_not_fit_are_refused_without_their_numbers(
    before: dict[str, float], after: dict[str, float], message: str
) -> None:
    with pytest.raises(StudyError, match=message) as refused:
        consent_shares(before, after)
    assert "0.5" not in str(refused.value)
    assert "-3" not in str(refused.value)


def test_the_result_shows_no_number_by_accident() -> None:
    found = consent_shares(branches(6, 24, 10), branches(30, 16, 4))
    assert repr(found) == "ConsentShares(...; call .summary())"
    assert isinstance(found, ConsentShares)
    assert found.to_frame() is not found.table
