"""Each group's share among clients against every independent source, and one answer in three words."""

from __future__ import annotations

import importlib.util
import itertools
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from commonground.errors import CommonGroundError, NotReleasable, RecordsError
from mapping.levels import NO_SOURCE, NOT_DECLARED
from mapping.representation import representation
from mapping.shares import Part, share_difference, share_interval, share_ratio
from mapping.sources import published_counts

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TOWN = pd.Series({"street": 199, "off-street": 146, "online": 55})  # truth.json, people by setting


def exactly(count: float, of: float) -> Part:
    return Part(count, count, of - count, of - count)


def labels(values: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(values, orient="index", columns=["value", "low", "high"])


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17, 873-890, Table II, method 10: contrasts a, b, c, g
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((6, 7), (2, 7), 0.0582, 0.8062),
     ((10, 10), (0, 10), 0.6075, 1.0000)],
)  # fmt: skip
def test_the_interval_of_a_difference_is_the_published_one(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    assert share_difference(exactly(*one), exactly(*other)) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_share_is_the_published_one() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 857-872, Table I, method 3: 81/263, 15/148, 0/20
    for count, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert share_interval(exactly(count, of)) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_ratio_is_close_to_the_score_interval() -> None:
    # Koopman (1984), Biometrics 40, 513-517: 36/40 over 16/80, score interval 2.94 to 7.15
    assert share_ratio(exactly(36, 40), exactly(16, 80)) == pytest.approx((2.94, 7.15), rel=0.02)
    for one, other in (((83, 232), (32, 120)), ((18, 232), (55, 400)), ((131, 232), (98, 144))):
        known = confint_proportions_2indep(*one, *other, compare="ratio", method="score")
        assert share_ratio(exactly(*one), exactly(*other)) == pytest.approx(known, rel=0.03)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 90), st.integers(0, 90))
def test_a_ratio_leaves_out_one_exactly_where_the_difference_leaves_out_nought(a: int, b: int, c: int, d: int) -> None:
    one, other = Part(a, a, b + 1, b + 1), Part(c, c, d + 1, d + 1)
    difference, ratio = share_difference(one, other), share_ratio(one, other)
    assert ratio.low <= ratio.high
    if min(map(abs, difference)) > 1e-9:
        assert (difference.low > 0) == (ratio.low > 1)
        assert (difference.high < 0) == (ratio.high < 1)
    swapped = share_ratio(other, one)
    inverse = (1 / ratio.high if ratio.high else np.inf, 1 / ratio.low if ratio.low else np.inf)
    assert swapped == pytest.approx(inverse, rel=1e-6)


def test_labels_widen_to_the_outermost_of_all_counts_they_stand_for() -> None:
    one, other = Part(8, 12, 18, 22), Part(13, 17, 38, 42)
    every = list(itertools.product(range(8, 13), range(18, 23), range(13, 18), range(38, 43)))
    for interval in (share_difference, share_ratio):
        worlds = [interval(Part(a, a, b, b), Part(c, c, d, d)) for a, b, c, d in every[::3]]
        corner = interval(one, other)
        assert corner.low <= min(world.low for world in worlds) + 1e-12
        assert corner.high >= max(world.high for world in worlds) - 1e-12
    assert share_difference(one, other).low == min(
        share_difference(Part(a, a, b, b), Part(c, c, d, d)).low for a, b, c, d in every
    )


def test_a_group_that_services_miss_is_found_and_the_answer_is_yes() -> None:
    found = representation(
        pd.Series({"street": 300, "off-street": 180, "online": 20}), {"town": TOWN}, levels=list(TOWN.index)
    )
    assert found.answer == "yes"
    assert found.summary().splitlines()[0] == (
        "Does this map only mirror today's clients? Yes: online are fewer among clients than in an independent source."
    )
    row = found.to_frame().set_index("group").loc["online"]
    assert (row["clients"], row["clients_of"], row["people"], row["people_of"]) == (20, 500, 55, 400)
    assert row["ratio"] == pytest.approx(0.04 / 0.1375)
    assert row["difference"] == pytest.approx(0.04 - 0.1375)


def test_clients_drawn_from_everybody_are_no_mirror_of_themselves() -> None:
    everybody = pd.Series({"street": 500, "off-street": 365, "online": 135})
    assert representation(everybody * 0.5, everybody).answer == "no"


def test_chance_alone_says_yes_seldom() -> None:
    rng = np.random.default_rng(6)
    share = TOWN / TOWN.sum()
    said = [
        representation(
            pd.Series(rng.multinomial(230, share), TOWN.index), pd.Series(rng.multinomial(200, share), TOWN.index)
        ).answer
        for _ in range(60)
    ]
    assert said.count("yes") <= 7  # 95 % of the time at most 6 of 60 at 5 %
    assert said.count("cannot tell") > 0


def by_setting(rows: pd.DataFrame, person: str = "person", setting: str = "setting") -> pd.Series:
    return rows[[person, setting]].dropna().drop_duplicates().groupby(setting).size()


def test_services_of_the_sample_towns_miss_online_people_and_so_does_the_scheme() -> None:
    """Planted: services know people online far more seldom (log-odds -1.9 against .5), and so do the other sources."""
    spec = importlib.util.spec_from_file_location("sample_town_for_shares", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    towns = [generator.make_town(seed) for seed in range(4)]
    everybody = sum(pd.DataFrame(town.truth["people"]["groups"]).groupby("setting")["people"].sum() for town in towns)
    clients, scheme = (
        sum(by_setting(getattr(town, name)) for town in towns) for name in ("contacts", "incidents_scheme")
    )
    against_all = representation(clients, {"a census of everybody": everybody})
    assert against_all.answer == "yes"
    assert against_all.groups.set_index("group")["reading"].to_dict() == {
        "street": "much as among clients", "off-street": "much as among clients", "online": "fewer among clients",
    }  # fmt: skip
    # the scheme has the same blind spot: what an independent source shows is what that source can see
    against_scheme = representation(clients, {"scheme": scheme}).groups.set_index("group")
    assert against_scheme.at["online", "reading"] != "fewer among clients"


def test_one_sample_town_is_too_small_to_say_so_of_all_groups_together() -> None:
    rows = pd.read_csv(SAMPLE / "contacts.csv", dtype="str", encoding="utf-8-sig")
    row = (
        representation(by_setting(rows, "Client ID", "Where they work"), TOWN)
        .to_frame()
        .set_index("group")
        .loc["online"]
    )
    assert row["ratio_high"] < 1 < row["joint_high"]
    assert row["reading"] == "cannot tell"


def test_without_an_independent_source_the_answer_is_cannot_tell_and_says_why() -> None:
    found = representation(TOWN, {}, levels=list(TOWN.index))
    assert found.answer == "cannot tell"
    assert "nobody but today's clients" in found.reason
    assert set(found.groups["seen_by"]) == {"seen by service lists only"}


def test_every_group_has_a_row_that_says_who_sees_it() -> None:
    levels = ["street", "online", "premises", "boats", "trains"]
    found = representation(
        pd.Series({"street": 50, "online": 10}), pd.Series({"street": 50, "premises": 30}), levels=levels,
        seen=["street", "online", "premises", "trains"],
    )  # fmt: skip
    assert found.groups.set_index("group")["seen_by"].to_dict() == {
        "street": "seen by services and by independent sources", "online": "seen by service lists only",
        "premises": "seen by independent sources only", "boats": NO_SOURCE, "trains": "nobody of this group was seen",
    }  # fmt: skip
    assert "boats: no source sees this group." in found.summary()
    assert representation(TOWN, TOWN, levels=["boats"]).groups.set_index("group").at["boats", "seen_by"] == NOT_DECLARED
    assert representation(TOWN * 4, TOWN * 4).answer == "no"
    assert representation(TOWN * 4, TOWN * 4, levels=["boats"]).answer == "cannot tell"


def test_a_group_that_a_source_could_not_see_is_not_compared_with_it_and_is_in_no_total() -> None:
    blind = pd.Series({"street": 100.0, "off-street": 100.0, "online": np.nan})
    found = representation(pd.Series({"street": 60, "off-street": 60, "online": 80}), blind)
    assert set(found.to_frame()["group"]) == {"street", "off-street"}
    assert (found.to_frame()["difference"] == 0).all()
    assert (found.to_frame()["clients_of"] == 120).all()
    assert found.to_frame()["client_high"].to_numpy() == pytest.approx(share_interval(exactly(60, 120)).high)
    assert found.groups.set_index("group").at["online", "seen_by"] == "seen by service lists only"


def test_people_of_unknown_group_can_turn_an_answer_into_cannot_tell() -> None:
    clients = pd.Series({"street": 300, "off-street": 180, "online": 20})
    assert representation(clients, TOWN).answer == "yes"
    unknown = pd.concat([clients, pd.Series({None: 90})])
    found = representation(unknown, TOWN)
    assert found.answer == "cannot tell"
    assert found.sources.set_index("source").at["services", "unknown"] == 90
    assert "90 people of unknown group are in no share" in found.summary()
    plain = representation(clients, TOWN).to_frame()
    pd.testing.assert_series_equal(found.to_frame()["ratio_high"], plain["ratio_high"])
    assert (found.to_frame()["joint_high"] >= plain["joint_high"]).all()


def test_of_fewer_than_ten_people_there_is_no_share() -> None:
    found = representation(pd.Series({"street": 5, "online": 4}), TOWN)
    assert found.to_frame()[["client_share", "client_low", "ratio", "joint_low"]].isna().all(axis=None)
    assert found.to_frame()["clients_of"].eq(9).all()
    assert found.answer == "cannot tell"
    assert representation(pd.Series({"street": 5, "online": 5}), TOWN).to_frame()["client_share"].notna().all()


def test_sources_that_disagree_give_no_answer() -> None:
    clients = pd.Series({"street": 200, "online": 200})
    sources = {"one": pd.Series({"street": 390, "online": 10}), "two": pd.Series({"street": 10, "online": 390})}
    found = representation(clients, sources)
    assert set(found.groups["reading"]) == {"sources disagree"}
    assert found.answer == "cannot tell"
    assert "sources disagree" in found.reason


def test_several_service_lists_are_bounded_by_the_largest_and_the_sum() -> None:
    lists = {"outreach": pd.Series({"street": 80, "online": 20}), "clinic": pd.Series({"street": 40, "online": 30})}
    found = representation(lists, TOWN)
    row = found.to_frame().set_index("group").loc["online"]
    assert np.isnan(row["clients"])
    # at least 30 online among 30 + 120, at most 50 among 50 + 80
    assert row["client_low"] == pytest.approx(share_interval(exactly(30, 150)).low)
    assert row["client_high"] == pytest.approx(share_interval(exactly(50, 130)).high)
    assert "Nobody knows who is on two services' lists" in found.summary()


def test_published_labels_widen_every_interval_and_hidden_ones_are_not_nought() -> None:
    town = TOWN[["street", "online"]]
    exact = representation(pd.Series({"street": 300, "online": 20}), town)
    shown = representation(labels({"street": (300, 298, 302), "online": (20, 18, 22)}), town)
    for end, wider in (("low", np.less), ("high", np.greater)):
        for name in ("client", "difference", "ratio", "joint"):
            assert wider(shown.to_frame()[f"{name}_{end}"], exact.to_frame()[f"{name}_{end}"]).all()
    assert shown.answer == exact.answer == "yes"
    hidden = representation(labels({"street": (300, 298, 302), "online": (np.nan, 0, 7)}), town)
    assert hidden.groups.set_index("group").at["online", "seen_by"].endswith("by services too few to show, or none")
    assert np.isnan(hidden.to_frame().set_index("group").at["online", "client_share"])
    assert hidden.to_frame().set_index("group").at["online", "client_high"] > 7 / 305


def test_wrong_counts_are_all_said_at_once_and_never_shown() -> None:
    wrong = {"a": pd.Series({"street": -4711}), "b": pd.Series({"street": "x"}), "c": labels({"street": (5, 6, 7)})}
    with pytest.raises(RecordsError, match="low <= value <= high") as caught:
        representation(TOWN, wrong)
    assert set(caught.value.problems["column"]) == {f"source {at} of `independent`" for at in (1, 2, 3)}
    assert "4711" not in str(caught.value)
    with pytest.raises(RecordsError, match="names a group twice"):
        representation(pd.Series([1, 2], ["street", "street"]), TOWN)
    with pytest.raises(RecordsError, match="safeguarding route only"):
        representation(TOWN, pd.Series({"under 18": 12}))
    with pytest.raises(CommonGroundError, match="between 0 and 1"):
        representation(TOWN, TOWN, least=1.2)


def test_exact_values_are_no_published_counts() -> None:
    with pytest.raises(NotReleasable, match="published people are needed"):
        published_counts(TOWN, "setting", "after")  # type: ignore[arg-type]


def test_nothing_is_printed_or_pickled_and_inputs_stay_as_they_are() -> None:
    clients, others = TOWN.copy(), {"town": TOWN.copy()}
    found = representation(clients, others, levels=["boats"])
    pd.testing.assert_series_equal(clients, TOWN)
    pd.testing.assert_series_equal(others["town"], TOWN)
    assert repr(found) == "Representation(...; call .summary())"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(found)
