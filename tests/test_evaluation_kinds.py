"""Where missing contacts could have gone: worked by hand, and never fewer or more than are missing."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import RecordsError
from evaluation.kinds import OUT_OF_CONTACT, UNSEEN, displacement_kinds

COLUMNS = ["dimension", "level", "source", "before", "after"]
Z = 1.959963984540054


def counts(*rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


SETTINGS = counts(
    ("setting", "street", "outreach", 100, 40),
    ("setting", "indoor", "outreach", 50, 90),
    ("time", "evening", "outreach", 110, 70),
    ("time", "night", "police", 40, 60),
)
BOTH = {"setting": "street", "time": "evening"}


def test_the_bounds_are_those_worked_by_hand() -> None:
    kinds = displacement_kinds(SETTINGS, BOTH, unseen={"online": "setting"})
    table = kinds.table.set_index(["dimension", "level"])
    lost, gained = Z * math.sqrt(140), Z * math.sqrt(140)
    assert kinds.missing.loc["setting", ["missing", "low", "high"]].tolist() == pytest.approx(
        [60, 60 - lost, 60 + lost]
    )
    indoor = table.loc[("setting", "indoor"), ["change", "could_hold_low", "could_hold_high"]].tolist()
    assert indoor == pytest.approx([40, 40 - gained, 40 + gained])
    assert table.loc[("setting", "online"), ["could_hold_low", "could_hold_high"]].tolist() == pytest.approx(
        [0, 60 + lost]
    )
    out = table.loc[("setting", OUT_OF_CONTACT), ["could_hold_low", "could_hold_high"]].tolist()
    assert out == pytest.approx([max(0, 60 - lost - 40 - gained), 60 + lost - (40 - gained)])


def test_exposure_and_dispersion_enter_as_the_formula_says() -> None:
    kinds = displacement_kinds(SETTINGS, BOTH, exposure=(24, 6), dispersion=2.0)
    row = kinds.missing.loc["setting"]
    error = Z * math.sqrt(2 * (40 + 100 / 16))
    assert [row["missing"], row["low"], row["high"]] == pytest.approx([25 - 40, -15 - error, -15 + error])
    assert "did not fall" in kinds.summary() or "chance can do" in kinds.summary()


def test_what_a_source_cannot_see_stands_beside_its_rows() -> None:
    kinds = displacement_kinds(SETTINGS, BOTH, cannot_see={"police": "what is not reported to it"})
    told = kinds.table.set_index("level")["cannot_see"]
    assert told["night"] == "what is not reported to it"
    assert told["indoor"] == ""


def test_a_level_that_nobody_counts_is_a_row_with_a_range_and_no_count() -> None:
    kinds = displacement_kinds(SETTINGS, BOTH, unseen={"online": "setting"})
    row = kinds.table.set_index("level").loc["online"]
    assert row["reading"] == UNSEEN
    assert pd.isna(row["before"])
    assert "Nobody counts online: any of the missing may be there." in kinds.summary()


def test_the_summary_never_says_that_nothing_moved() -> None:
    few = counts(("setting", "street", "outreach", 5, 4), ("setting", "indoor", "outreach", 3, 3))
    said = displacement_kinds(few, {"setting": "street"}).summary()
    assert "which chance can do" in said
    assert "no displacement" not in said.lower()
    rose = counts(("setting", "street", "outreach", 5, 400), ("setting", "indoor", "outreach", 3, 3))
    assert "did not fall" in displacement_kinds(rose, {"setting": "street"}).summary()


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=6),
    st.floats(0.2, 5),
    st.floats(1, 4),
)
def test_bounds_are_in_order_and_no_level_holds_more_than_are_missing(
    pairs: list[tuple[int, int]], ratio: float, dispersion: float
) -> None:
    rows = [("setting", f"level {i}", "s", float(b), float(a)) for i, (b, a) in enumerate(pairs)]
    kinds = displacement_kinds(counts(*rows), {"setting": "level 0"}, exposure=(1, ratio), dispersion=dispersion)
    most = max(0.0, kinds.missing.at["setting", "high"])
    table = kinds.table
    assert (table["could_hold_low"] <= table["could_hold_high"] + 1e-9).all()
    assert (table["could_hold_high"] <= most + 1e-9).all()
    # whatever the true number missing and the true gains within their bounds, all of the missing have a place
    assert table["could_hold_high"].sum() >= kinds.missing.at["setting", "low"] - 1e-9


def test_a_total_that_only_moves_between_levels_leaves_nobody_out_of_contact_for_sure() -> None:
    moved = counts(("setting", "street", "o", 200, 100), ("setting", "indoor", "o", 100, 200))
    table = displacement_kinds(moved, {"setting": "street"}).table.set_index("level")
    assert table.at[OUT_OF_CONTACT, "could_hold_low"] == 0
    gone = counts(("setting", "street", "o", 200, 20), ("setting", "indoor", "o", 100, 90))
    assert (
        displacement_kinds(gone, {"setting": "street"}).table.set_index("level").at[OUT_OF_CONTACT, "could_hold_low"]
        > 90
    )


def test_neither_repr_nor_pickle_carries_a_count() -> None:
    kinds = displacement_kinds(SETTINGS, BOTH)
    assert repr(kinds) == "DisplacementKinds(...; call .summary())"
    with pytest.raises(TypeError, match="is not pickled"):
        pickle.dumps(kinds)


@pytest.mark.parametrize(
    ("given", "origin", "options", "said"),
    [
        (SETTINGS.drop(columns="after"), BOTH, {}, "after: is a column that is needed"),
        (SETTINGS.assign(after=-1), BOTH, {}, "counts of 0 or more"),
        (SETTINGS.assign(after=float("nan")), BOTH, {}, "counts of 0 or more"),
        (pd.concat([SETTINGS, SETTINGS]), BOTH, {}, "each level of a dimension has one row"),
        (SETTINGS, {"setting": "car"}, {}, "names a dimension and level that the counts do not have"),
        (SETTINGS, {}, {}, "at least one dimension"),
        (SETTINGS, BOTH, {"unseen": {"indoor": "setting"}}, "holds a level that is counted"),
        (SETTINGS, BOTH, {"exposure": (1, 0)}, "two lengths above 0"),
        (SETTINGS, BOTH, {"dispersion": 0.5}, "1 or more"),
        (SETTINGS, BOTH, {"level": 1.0}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(given: Any, origin: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordsError, match=said):
        displacement_kinds(given, origin, **options)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RecordsError) as caught:
        displacement_kinds(SETTINGS.assign(after=-1), {"setting": "car"}, dispersion=0)
    assert len(caught.value.problems) == len(SETTINGS) + 2


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=5),
    st.floats(0.01, 100),
    st.floats(0.2, 5),
)
def test_units_of_exposure_and_the_order_of_rows_do_not_matter(
    pairs: list[tuple[int, int]], unit: float, ratio: float
) -> None:
    frame = counts(*(("setting", f"level {i}", "s", float(b), float(a)) for i, (b, a) in enumerate(pairs)))
    origin = {"setting": "level 0"}
    one = displacement_kinds(frame, origin, exposure=(1, ratio)).table.set_index("level")
    other = displacement_kinds(frame.iloc[::-1], origin, exposure=(unit, unit * ratio)).table.set_index("level")
    numbers = ["before", "after", "change", "low", "high", "could_hold_low", "could_hold_high"]
    assert other.loc[one.index, numbers].to_numpy() == pytest.approx(one[numbers].to_numpy(), nan_ok=True, abs=1e-9)


@pytest.mark.parametrize(("dispersion", "exposure"), [(1.0, (1, 1)), (2.0, (24, 12))])
def test_what_was_planted_lies_within_the_bounds_as_often_as_promised(
    dispersion: float, exposure: tuple[float, float]
) -> None:
    rng, ratio = np.random.default_rng(5), exposure[1] / exposure[0]
    before, gained = np.array([200.0, 80, 40]), np.array([-90.0, 50, 0])  # 40 of the 90 are with nobody
    after = (before + gained) * ratio
    missing, lost, runs = 0, 0, 200
    for _ in range(runs):
        seen = [_drawn(rng, mean, dispersion) for mean in (before, after)]
        rows = [("setting", f"level {i}", "s", b, a) for i, (b, a) in enumerate(zip(*seen, strict=True))]
        kinds = displacement_kinds(counts(*rows), {"setting": "level 0"}, exposure=exposure, dispersion=dispersion)
        bounds = kinds.missing.loc["setting"]
        missing += bounds["low"] <= 90 * ratio <= bounds["high"]
        out = kinds.table.set_index("level").loc[OUT_OF_CONTACT]
        lost += out["could_hold_low"] <= 40 * ratio <= out["could_hold_high"]
    assert 180 <= missing < runs  # .95 of 200, less 3 standard errors; never missing would be too wide
    assert lost >= 180


def _drawn(rng: np.random.Generator, mean: Any, dispersion: float) -> Any:
    if dispersion == 1:
        return rng.poisson(mean)
    return rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)


def test_a_level_that_fell_holds_nobody_and_one_that_rose_by_more_holds_no_more_than_are_missing() -> None:
    table = displacement_kinds(
        counts(
            ("setting", "street", "o", 400, 300), ("setting", "indoor", "o", 100, 900), ("setting", "car", "o", 300, 90)
        ),
        {"setting": "street"},
    ).table.set_index("level")
    most = 100 + Z * math.sqrt(700)
    assert table.loc["car", ["could_hold_low", "could_hold_high"]].tolist() == [0, 0]
    assert table.loc["indoor", ["could_hold_low", "could_hold_high"]].tolist() == pytest.approx([most, most])
    assert table.loc[OUT_OF_CONTACT, ["could_hold_low", "could_hold_high"]].tolist() == [0, 0]
    assert table.loc[["street", "indoor", "car"], "reading"].tolist() == [
        "fell (where they went missing)",
        "gained",
        "lost",
    ]


def test_the_level_of_coverage_widens_every_range() -> None:
    narrow, wide = (displacement_kinds(SETTINGS, BOTH, level=level).missing for level in (0.8, 0.99))
    assert (wide["high"] - wide["low"] > narrow["high"] - narrow["low"]).all()
    assert narrow.at["setting", "high"] == pytest.approx(60 + 1.2815515655446004 * math.sqrt(140))
