"""Registered evaluations: which rows are published, at what precision, and once."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commonground.disclosure import Ledger, Protected, Registered, protect, register
from commonground.disclosure.register import _alone
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.records import Records, read_records
from commonground.tallies import tally

PHASES = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}
ZONES = {"treated": ("t1", "t2"), "ring": ("r1",), "North": ("n1", "n2")}
EXACT = {
    "outcome": "contacts", "label": "Contacts", "goal": "access", "good": "rise", "primary": True, "reports": False,
    "margin": 0.2, "months_before": 12, "months_after": 12, "before": 41, "after": 23, "matched_months": 12,
    "matched_before": 41.0, "matched_after": 23.0, "ring_before": 30.0, "ring_after": 37.0, "comparison_before": 61.0,
    "comparison_after": 63.0, "comparison_areas": 1, "ratio": 0.5431, "low": 0.2849, "high": 1.0449, "p": 0.0004,
    "p_holm": 0.0449, "p_shift": 0.995, "p_exact": math.nan, "p_floor": 0.0123, "firm": np.bool_(True),
    "relative_ratio": 0.5432, "relative_low": 0.3111, "relative_high": 0.9499, "dispersion": 1.234, "wdd": -18.44,
    "wdd_se": 11.51, "wdd_se_poisson": 9.99, "wdd_low": -41.0, "wdd_high": 4.1, "smallest_fall": 0.4567,
    "smallest_rise": math.inf, "reporting_low": math.nan, "refused": "", "cautions": "", "verdict": "cannot tell",
}  # fmt: skip
COUNTS = {"t1": (30, 15), "t2": (11, 8), "r1": (30, 37), "n1": (31, 32), "n2": (30, 31)}


def contacts(counts: dict[str, tuple[int, int]] = COUNTS, street: int = 3) -> Records:
    """Contacts of different people; every street-th is street work."""
    rows = [
        {"start": f"{year}-06-01", "area": area, "person": f"{year}{area}{i}", "event": f"{year}{area}{i}"}
        for area, both in counts.items()
        for year, n in zip((2022, 2023), both, strict=True)
        for i in range(n)
    ]
    frame = pd.DataFrame(rows)
    frame["setting"] = ["street" if i % street == 0 else "off-street" for i in range(len(frame))]
    span = {"source": ["clinic"], "area": [None], "start": [PHASES["before"].start], "end": [PHASES["after"].end]}
    return read_records(frame.assign(source="clinic"), "contacts").with_coverage(pd.DataFrame(span))


def study(records: Records | None = None, **outcome: Any) -> Any:
    declared = {"input": "seen", "where": {}, "count": "events", "goal": "access", "good": "rise", "primary": True,
                "margin": 0.2, "reports": False, "reporting": None, "label": "Contacts"} | outcome  # fmt: skip
    held = records or contacts()

    def part(_: str) -> Records:
        chosen = held
        for column, values in declared["where"].items():
            chosen = chosen.where(column, values)
        return chosen

    return SimpleNamespace(
        outcomes={"contacts": SimpleNamespace(**declared)}, zones=ZONES, phases=PHASES, policy="partner", areas=None,
        located=lambda _: held, outcome_records=part,
    )  # fmt: skip


def evaluation(**changed: Any) -> Any:
    frame = pd.DataFrame([EXACT | changed, EXACT | {"outcome": "not declared"}])
    return SimpleNamespace(to_frame=lambda: frame, read=lambda row: f"{row['label']}: {row['verdict']}, {row['ratio']}")


def gate(records: Records | None = None, **options: Any) -> Protected:
    counted = tally(records or contacts(), every=options.pop("every", PHASES), count=options.pop("count", "events"))
    return protect(counted, **{"zones": ZONES} | options)


def released(**options: Any) -> dict[str, Any]:
    row = register(study(), evaluation(), {"seen": gate(**options)}).to_frame()
    assert len(row) == 1
    return dict(row.iloc[0])


def test_only_declared_outcomes_are_published() -> None:
    found = register(study(), evaluation(), {"seen": gate()})
    assert found.to_frame()["outcome"].tolist() == ["contacts"]
    assert list(found.sentences) == ["contacts"]


def test_estimates_have_two_significant_digits_and_p_two_decimals_and_none_is_nought() -> None:
    row = released()
    assert [row[name] for name in ("ratio", "low", "high", "relative_ratio", "dispersion")] == [
        0.54,
        0.28,
        1.0,
        0.54,
        1.2,
    ]
    assert [row[name] for name in ("wdd", "wdd_se", "wdd_se_poisson", "smallest_fall", "smallest_rise")] == [
        -18, 12, 10, 0.46, math.inf,
    ]  # fmt: skip
    assert [row[name] for name in ("p", "p_holm", "p_shift", "p_floor")] == [0.01, 0.04, 0.99, 0.012]
    assert math.isnan(row["p_exact"])


def test_the_sentence_is_made_from_the_rounded_row() -> None:
    assert register(study(), evaluation(), {"seen": gate()}).sentences["contacts"] == "Contacts: cannot tell, 0.54"


def test_counts_are_labels_of_published_blocks() -> None:
    row = released()
    assert [row[name] for name in ("before", "after", "ring_before", "ring_after")] == [40, 25, 30, 35]
    assert all(math.isnan(row[name]) for name in ("matched_before", "matched_after", "comparison_before"))


def test_no_exact_count_is_in_the_row() -> None:
    exact = {41, 23, 37, 61, 63}
    assert not exact & {value for value in released().values() if isinstance(value, int | float)}


@pytest.mark.parametrize("short", ["matched_before", "matched_after", "ring_before", "ring_after"])
def test_estimates_over_matched_months_rest_on_k_events_in_each(short: str) -> None:
    """A fall from 3 to 20 shows as a ratio of 6.7 and a difference of 17: together they are the 3."""
    row = dict(register(study(), evaluation(**{short: 3.0}), {"seen": gate()}).to_frame().iloc[0])
    assert all(math.isnan(row[name]) for name in ("relative_ratio", "relative_high", "wdd", "wdd_se", "wdd_low"))
    assert row["ratio"] == 0.54


def withheld(found: Registered) -> bool:
    return withheld_row(dict(found.to_frame().iloc[0]))


def withheld_row(row: dict[str, Any]) -> bool:
    numbers = [value for value in row.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    assert row["verdict"] == "cannot tell"
    return row["cautions"] == "too few people to publish" and all(math.isnan(value) for value in numbers)


def test_a_zone_that_is_no_union_of_blocks_in_a_phase_withholds_everything() -> None:
    few = contacts(COUNTS | {"r1": (30, 4)})
    shown = gate(few)
    assert shown.answer(["r1"], "after").coarsen_to
    assert withheld(register(study(few), evaluation(), {"seen": shown}))


def test_an_input_that_could_not_be_published_withholds_everything() -> None:
    assert withheld(register(study(), evaluation(), {}))


def test_both_phases_must_be_published_with_the_days_of_the_study() -> None:
    assert withheld(register(study(), evaluation(), {"seen": gate(every={"after": PHASES["after"]})}))
    shorter = {"before": Period("2022-02-01", "2023-01-01"), "after": PHASES["after"]}
    assert withheld(register(study(), evaluation(), {"seen": gate(every=shorter)}))
    assert withheld(register(study(), evaluation(), {"seen": gate(every="year")}))


def test_a_zone_outside_the_published_areas_withholds_everything() -> None:
    inside = {name: codes for name, codes in ZONES.items() if name != "North"}
    assert withheld(register(study(), evaluation(), {"seen": gate(zones=inside)}))


def test_a_part_of_an_input_is_published_only_if_it_and_the_rest_pass_in_every_zone_and_phase() -> None:
    enough = contacts(dict.fromkeys(COUNTS, (60, 60)))
    shown = {"seen": gate(enough)}
    row = dict(register(study(enough, where={"setting": ("street",)}), evaluation(), shown).to_frame().iloc[0])
    assert row["ratio"] == 0.54
    assert math.isnan(row["before"])  # a label of the whole input is not a count of the part
    few = contacts(dict.fromkeys(COUNTS, (60, 60)), street=20)
    for part in (("street",), ("off-street",)):  # 3 of 60 in the part, or in the rest of it
        found = register(study(few, where={"setting": part}), evaluation(), {"seen": gate(few)})
        assert withheld(found)


def test_parts_of_one_input_are_published_beside_each_other_only_if_every_piece_passes() -> None:
    """60 on the street and 62 on the street or online: 2 are online, though each part and its rest would pass."""
    records = contacts(dict.fromkeys(COUNTS, (120, 120)), street=2)
    frame = records.frame.copy()
    few = frame.groupby(["area", "start"]).cumcount()
    frame.loc[(frame["setting"] == "off-street") & (few < 4), "setting"] = "online"
    records = dataclasses.replace(records, frame=frame)
    wheres = {"street": ("street",), "street or online": ("street", "online")}
    one = study(records)
    outcomes = {
        name: SimpleNamespace(**vars(one.outcomes["contacts"]) | {"where": {"setting": levels}, "label": name})
        for name, levels in wheres.items()
    }
    one.outcome_records = lambda name: records.where("setting", wheres[name])
    found = {}
    for names in (["street"], ["street or online"], list(wheres)):
        one.outcomes = {name: outcomes[name] for name in names}
        exact = SimpleNamespace(
            to_frame=lambda names=names: pd.DataFrame([EXACT | {"outcome": name} for name in names]), read=str
        )
        rows = register(one, exact, {"seen": gate(records)}).to_frame()
        found[len(names), names[0]] = [withheld_row(dict(row)) for _, row in rows.iterrows() if pd.isna(row["ratio"])]
    assert found == {(1, "street"): [], (1, "street or online"): [], (2, "street"): [True, True]}


def test_a_number_that_is_not_known_to_be_harmless_is_left_out() -> None:
    frame = pd.DataFrame([EXACT | {"people_met": 41}])
    found = register(study(), SimpleNamespace(to_frame=lambda: frame, read=str), {"seen": gate()}).to_frame()
    assert math.isnan(found.at[0, "people_met"])
    assert found.at[0, "months_before"] == 12


def test_people_are_not_labelled_with_the_events_of_their_input() -> None:
    row = dict(register(study(count="persons"), evaluation(), {"seen": gate()}).to_frame().iloc[0])
    assert math.isnan(row["before"])
    assert row["ratio"] == 0.54


def test_a_row_is_published_once(tmp_path: Path) -> None:
    shown = {"seen": gate(ledger=tmp_path / "study.ledger")}
    first = register(study(), evaluation(), shown)
    size = len(Ledger(tmp_path / "study.ledger")._rows)
    later = register(study(), evaluation(ratio=0.9999, p=0.5, before=99), shown)
    pd.testing.assert_frame_equal(later.to_frame(), first.to_frame())
    assert later.sentences == first.sentences
    assert len(Ledger(tmp_path / "study.ledger")._rows) == size
    assert "0.5431" not in (tmp_path / "study.ledger").read_text()


def test_the_public_reads_the_published_row_with_its_own_labels(tmp_path: Path) -> None:
    few = contacts(COUNTS | {"r1": (30, 11)})
    book = tmp_path / "study.ledger"
    partner = {"seen": gate(few, ledger=book)}
    public = {"seen": protect(tally(few, every=PHASES), "public", zones=ZONES, ledger=book)}
    one = register(study(few), evaluation(), partner).to_frame().iloc[0]
    assert one["ring_after"] == 10
    two = register(study(few), evaluation(), public).to_frame().iloc[0]
    assert withheld_row(dict(two))  # eleven people are no block of the public's
    enough = contacts({area: (61, 12 if area == "n1" else 62) for area in COUNTS})
    counted, book = tally(enough, every=PHASES), tmp_path / "other.ledger"
    rows = [
        register(study(enough), evaluation(ratio=ratio), {"seen": protect(counted, profile, zones=ZONES, ledger=book)})
        for profile, ratio in (("partner", 0.5431), ("public", 0.9))
    ]
    assert [row.to_frame().loc[0, ["ratio", "after"]].tolist() for row in rows] == [[0.54, 120], [0.54, 120]]


@pytest.mark.parametrize("changed", [{"margin": 0.5}, {"good": "fall"}, {"count": "persons"}])
def test_a_changed_definition_is_not_published(tmp_path: Path, changed: dict[str, Any]) -> None:
    shown = {"seen": gate(ledger=tmp_path / "study.ledger")}
    register(study(), evaluation(), shown)
    row = dict(register(study(**changed), evaluation(), shown).to_frame().iloc[0])
    assert (row["verdict"], row["cautions"]) == (
        "cannot tell",
        "published before under another definition, which stands",
    )
    assert pd.isna(row["ratio"])


def test_published_statistics_keep_counts_and_three_digits() -> None:
    frame = pd.DataFrame({"start": "2022-06", "area": list(COUNTS), "n": 3, "source": "ONS"})
    records = read_records(frame, "incidents", published="Office for Statistics, 2024")
    opened = protect(tally(records, every="month"), "open", zones=ZONES)
    row = dict(register(study(), evaluation(), {"seen": opened}).to_frame().iloc[0])
    assert (row["before"], row["ratio"], row["p"]) == (41, 0.543, 0.0004)


def test_a_registered_value_cannot_be_forged() -> None:
    found = register(study(), evaluation(), {"seen": gate()})
    with pytest.raises(ValueError, match="seal"):
        dataclasses.replace(found, in_ledger=True)
    with pytest.raises(CommonGroundError, match="only the gate"):
        Registered(frame=found.frame, sentences={}, profile="partner", in_ledger=True, seal=None)
    assert repr(found) == "Registered(1 outcomes, profile='partner')"
    assert found.in_ledger is False


def test_where_another_of_its_rank_is_withheld_a_p_is_adjusted_by_itself() -> None:
    row = {"outcome": "a", "primary": True, "months_before": 24, "p": 0.04, "p_holm": 0.06, "verdict": "change shown"}
    hidden = {
        "outcome": "b",
        "primary": True,
        "months_before": None,
        "p": None,
        "p_holm": None,
        "verdict": "cannot tell",
    }
    assert [one["p_holm"] for one in _alone([dict(row), dict(row, outcome="c")])] == [0.06, 0.06]
    shown = _alone([dict(row), dict(hidden)])[0]
    for holm in (0.04, 0.06, 0.08):  # whatever the p of the other was
        assert _alone([dict(row, p_holm=holm), dict(hidden)])[0] == shown
    assert (shown["p_holm"], shown["verdict"]) == (0.08, "cannot tell")
