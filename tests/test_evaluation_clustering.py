"""people_and_events: people counted once, clustering by hand and by simulation, and one person's events found out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.errors import StudyError
from commonground.periods import Period
from commonground.records import Records, read_records
from commonground.study import load_study
from commonground.tallies import Tally, tally
from evaluation.clustering import PeopleAndEvents, people_and_events
from evaluation.people import Shares, events_of_people, spread_of_events, sway

ROOT = Path(__file__).resolve().parents[1]
PHASES = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}
WINDOW = Period("2022-01-01", "2024-01-01")
ZONES = {"treated": ("A",), "elsewhere": ("C",)}
EARLY = {"before": Period("2022-01-01", "2022-05-01"), "after": Period("2022-07-01", "2022-12-01")}
Row = tuple[str, str, str | None, str | None]


def read(rows: list[Row], kind: str = "incidents") -> Records:
    frame = pd.DataFrame(rows, columns=["start", "area", "person", "event"])
    span = {"source": kind, "area": None, "start": WINDOW.start, "end": WINDOW.end}
    return read_records(frame, kind, key=b"0123456789abcdef" * 4).with_coverage(pd.DataFrame([span]))


def counted(rows: list[Row], kind: str = "incidents") -> Tally:
    spare: list[Row] = [("2022-06-15", "C", "far", "far 1"), ("2023-06-15", "C", "far", "far 2")]
    return tally(read([*rows, *spare], kind), window=WINDOW)


def events(before: dict[str, int], after: dict[str, int], area: str = "A") -> list[Row]:
    """Return rows: how many events of each person; "" for no key."""
    rows: list[Row] = []
    for year, people in (("2022", before), ("2023", after)):
        for person, n in people.items():
            for i in range(n):
                rows.append((f"{year}-{1 + i % 12:02d}-10", area, person or None, f"{year} {person} {i}"))
    return rows


def each(n: int, name: str = "p") -> dict[str, int]:
    return {f"{name}{i}": 1 for i in range(n)}


def ask(before: dict[str, int], after: dict[str, int]) -> PeopleAndEvents:
    return people_and_events(counted(events(before, after)), ZONES, PHASES)


# people against events


def test_people_events_and_their_spread_of_a_hand_counted_table() -> None:
    found = ask({"p": 3, "q": 1, "r": 1, "": 2}, {"p": 1, "s": 2})
    before = found.table.loc[("treated", "before")]
    # five events of three people, 3 + 1 + 1, and two without a key: (9 + 1 + 1) / 5 and 25 / 11
    assert before.to_dict() == pytest.approx(
        {
            "people": 3, "events": 7, "without_person": 2, "mean_events": 5 / 3, "repeat_share": 3 / 5,
            "largest_share": 3 / 5, "design_effect": 11 / 5, "effective_events": 25 / 11,
        }
    )  # fmt: skip
    assert found.table.loc[("treated", "after"), "people"] == 2
    together = found.table.loc[("treated", "together")]
    assert together["people"] == 4  # p in both years is one person, not 3 + 2
    assert together["events"] == 10
    assert together["design_effect"] == pytest.approx((16 + 1 + 1 + 4) / 8)


def test_people_seen_in_two_areas_or_months_of_a_zone_count_once() -> None:
    rows: list[Row] = [("2022-01-05", "A", "p", "1"), ("2022-02-05", "B", "p", "2"), ("2023-02-05", "B", "p", "3")]
    table = people_and_events(counted(rows), {"treated": ("A", "B"), "elsewhere": ("C",)}, PHASES).table
    assert table.loc["treated", "people"].tolist() == [1, 1, 1]
    assert table.loc["treated", "events"].tolist() == [2, 1, 3]
    assert table.loc["elsewhere", "people"].tolist() == [1, 1, 1]


def test_the_counts_are_those_of_the_tally() -> None:
    study = load_study(ROOT / "data" / "sample")
    for name in ("reports", "arrests"):
        made = study.outcome_tally(name)
        table = people_and_events(made, study.zones, study.phases).table
        phases = {phase: study.phases[phase] for phase in ("before", "after")}
        for count, column in (("events", "events"), ("persons", "people")):
            peer = made.as_count(count).merge_areas(study.zones).merge_periods(phases).to_frame()
            for area, period, value in peer[["area", "period", "value"]].itertuples(index=False):
                assert table.loc[(area, period), column] == value


def test_an_event_of_two_people_is_one_event_and_joins_them() -> None:
    rows: list[Row] = [
        ("2022-01-05", "A", "p", "1"), ("2022-01-05", "A", "q", "1"), ("2022-03-05", "A", "q", "2"),
        ("2022-04-05", "A", "r", "3"), ("2023-04-05", "A", "r", "4"),
    ]  # fmt: skip
    row = people_and_events(counted(rows), ZONES, PHASES).table.loc[("treated", "before")]
    assert (row["people"], row["events"]) == (3, 3)
    assert row["mean_events"] == pytest.approx(4 / 3)  # p 1, q 2, r 1
    assert row["design_effect"] == pytest.approx((4 + 1) / 3)  # p and q together stand behind two events


def test_contacts_of_one_session_are_not_joined() -> None:
    rows: list[Row] = [("2022-01-05", "A", who, "session") for who in "pqr"] + [("2023-01-05", "A", "p", "later")]
    row = people_and_events(counted(rows, "contacts"), ZONES, PHASES).table.loc[("treated", "before")]
    assert (row["people"], row["events"], row["design_effect"]) == (3, 3, 1)


def test_months_that_were_not_observed_count_on_neither_side() -> None:
    records = read([*events(each(12), each(12, "q")), ("2022-06-15", "C", "f", "f1"), ("2023-06-15", "C", "f", "f2")])
    spans = pd.DataFrame(
        {"source": "incidents", "area": None, "start": [WINDOW.start, pd.Timestamp("2023-07-01")],
         "end": [pd.Timestamp("2023-01-01"), WINDOW.end]}
    )  # fmt: skip
    records = records.with_coverage(spans)
    rows: list[Row] = [(f"2023-{m:02d}-10", "A", f"x{m}", f"x{m}") for m in range(7, 13)]
    made = tally(records, window=WINDOW) + tally(read(rows).with_coverage(spans), window=WINDOW)
    found = people_and_events(made, ZONES, PHASES)
    assert found.table.loc[("treated", "after"), "events"] == 6
    assert found.ratio == pytest.approx((6 / 6) / (12 / 12))


def test_months_that_one_of_two_sources_did_not_report_count_on_neither_side() -> None:
    rows = [*events(each(12), {"q": 24}), ("2022-06-15", "C", "f", "f1"), ("2023-06-15", "C", "f", "f2")]
    frame = pd.DataFrame(rows, columns=["start", "area", "person", "event"]).assign(source="one")
    spans = pd.DataFrame(
        {"source": ["one", "two"], "area": None, "start": WINDOW.start,
         "end": [WINDOW.end, pd.Timestamp("2023-07-01")]}
    )  # fmt: skip
    records = read_records(frame, "incidents", key=b"0123456789abcdef" * 4).with_coverage(spans)
    made = tally(records, window=WINDOW)
    found = people_and_events(made, ZONES, PHASES)
    series = made.zone_series(ZONES)["treated"]
    late = series[series.index >= pd.Period("2023-01", "M")]
    assert found.table.loc[("treated", "after"), "events"] == late.sum() < 24
    assert found.ratio == pytest.approx((late.sum() / 6) / 1)


def test_a_session_that_goes_on_into_the_next_year_is_one_together() -> None:
    rows: list[Row] = [("2022-12-05", "A", "p", "1"), ("2023-01-05", "A", "p", "1"), ("2023-02-05", "A", "q", "2")]
    table = people_and_events(counted(rows, "contacts"), ZONES, PHASES).table.loc["treated"]
    assert table["events"].tolist() == [1, 2, 2]


# clustering


@pytest.mark.parametrize(("p", "people"), [(0.3, 40.0), (0.6, 25.0)])
def test_the_design_effect_is_the_variance_over_mean_of_a_compound_poisson_sum(p: float, people: float) -> None:
    # Poisson people with logarithmic numbers of events make negative binomial sums with variance / mean 1 / (1 - p)
    # (Quenouille 1949); the design effect of each draw estimates it from the people alone
    rng, sums, squares = np.random.default_rng(11), [], []
    for _ in range(4000):
        own = rng.logseries(p, size=rng.poisson(people))
        sums.append(own.sum())
        squares.append((own**2).sum())
    assert np.var(sums) / np.mean(sums) == pytest.approx(1 / (1 - p), rel=0.08)
    assert np.mean(squares) / np.mean(sums) == pytest.approx(1 / (1 - p), rel=0.03)
    own = {f"p{i}": int(n) for i, n in enumerate(rng.logseries(p, size=400))}
    found = ask(own, {"q": 1}).table.loc[("treated", "before")]
    assert found["design_effect"] == pytest.approx(1 / (1 - p), rel=0.25)
    assert found["effective_events"] == pytest.approx(found["events"] / found["design_effect"])


def test_a_difference_between_years_has_the_variance_that_its_design_effect_says() -> None:
    # 30 people with Poisson(1.5) events a year about a level of their own, the same people in both years
    rng, differences, effects = np.random.default_rng(3), [], []
    for _ in range(1500):
        level = rng.gamma(2, 1, size=rng.poisson(30))
        before, after = rng.poisson(level), rng.poisson(2 * level)
        d = after - 2 * before
        differences.append(d.sum())
        effects.append((d**2).sum() / (after.sum() + 4 * before.sum()))
    independent = 30 * (4 + 4 * 2)  # E[after] + 4 E[before], with a mean level of 2
    assert np.var(differences) / independent == pytest.approx(np.mean(effects), rel=0.1)


def test_the_design_effect_of_the_difference_is_worked_by_hand() -> None:
    # two years alike: p 1 - 3 = -2, q 4 - 0 = 4, r 1 - 1 = 0, so 20 / 10 events
    assert ask({"p": 3, "r": 1}, {"p": 1, "q": 4, "r": 1}).design_effect == pytest.approx(20 / 10)


# who carries the change


def test_one_persons_many_events_are_found_out() -> None:
    found = ask(each(10), {**each(12, "q"), "one": 25})
    assert found.status == "one person"
    assert found.ratio == pytest.approx(3.7)
    assert found.ratio_low == pytest.approx(1.2)  # 12 / 10 without them
    assert found.largest_part == pytest.approx(25 / 27)
    assert found.people_to_turn == 3  # then two of the others


def test_a_rise_made_by_one_person_turns_without_them() -> None:
    found = ask(each(10), {**each(6, "q"), "one": 25})
    assert (found.status, found.people_to_turn) == ("one person", 1)
    assert found.ratio_low < 1 < found.ratio


def test_a_fall_made_by_one_person_who_left_is_found_out() -> None:
    found = ask({**each(10), "one": 25}, each(9, "q"))
    assert found.status == "one person"
    assert found.ratio_high == pytest.approx(0.9)


def test_few_and_many_are_told_apart() -> None:
    few = ask(each(10), {**each(10, "q"), "a": 8, "b": 8, "c": 8})
    assert (few.status, few.people_to_turn) == ("few people", 3)
    many = ask(each(10), each(40, "q"))
    assert (many.status, many.people_to_turn) == ("many people", 30)
    assert few.said != many.said


def test_people_with_several_events_each_can_make_a_change_no_larger_than_people_differ() -> None:
    found = ask({f"p{i}": 6 for i in range(5)}, {f"q{i}": 6 for i in range(9)})
    assert found.status == "within people"  # 54 against 30 events is p .01, 9 against 5 people is nothing
    assert "no larger than the differences between people" in found.said


def test_a_change_no_larger_than_chance_has_nobody_to_carry_it() -> None:
    found = ask(each(10), each(11, "q"))
    assert found.status == "no change"
    assert ask(each(10), each(10, "q")).people_to_turn is None


def test_one_person_and_a_few_are_said_alike_and_without_numbers() -> None:
    one, few = ask(each(10), {**each(6, "q"), "one": 25}), ask(each(10), {**each(10, "q"), "a": 8, "b": 8, "c": 8})
    assert one.said == few.said
    statuses = [one, few, ask(each(10), each(40, "q")), ask(each(9), each(9)), ask({"": 30}, {"": 2})]
    assert not any(re.search(r"\d|\bone person", found.said + repr(found)) for found in statuses)


def test_without_person_keys_it_cannot_be_told() -> None:
    found = ask({"": 5}, {"": 40})
    assert found.status == "cannot tell"
    assert found.people_to_turn is None
    assert math.isnan(found.design_effect)
    assert math.isnan(found.ratio_low)
    assert found.table.loc[("treated", "after"), ["people", "without_person"]].tolist() == [0, 40]
    assert "nothing is said of people" in found.summary()


def test_events_without_a_key_that_may_all_be_one_persons_leave_it_open() -> None:
    assert ask(each(10), {**each(40, "q"), "": 3}).status == "many people"  # whoever they are
    assert ask(each(10), {**each(10, "q"), "": 30}).status == "cannot tell"


def test_a_comparison_zone_takes_the_place_of_months() -> None:
    rows = events(each(20), each(40, "q")) + events(each(29, "c"), each(59, "d"), area="C")
    found = people_and_events(counted(rows), ZONES, PHASES, comparison=("elsewhere",))
    assert found.ratio == pytest.approx((40 / 20) / (60 / 30))
    assert found.status == "no change"
    assert people_and_events(counted(rows), ZONES, PHASES).status == "many people"


numbers = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9), max_size=8)


@settings(max_examples=15, deadline=None)
@given(numbers, numbers)
def test_leaving_people_out_is_what_counting_afresh_without_them_gives(
    before: dict[str, int], after: dict[str, int]
) -> None:
    if not before or not after:
        return
    found, ratios = ask(before, after), []
    for person in {*before, *after}:
        left = [sum(n for who, n in side.items() if who != person) for side in (before, after)]
        ratios += [left[1] / left[0]] if left[0] else [math.inf] * (left[1] > 0)
    assert found.ratio_low == pytest.approx(min(ratios, default=math.nan), nan_ok=True)
    assert found.ratio_high == pytest.approx(max(ratios, default=math.nan), nan_ok=True)
    gains = sorted((after.get(p, 0) - before.get(p, 0) for p in {*before, *after}), reverse=True)
    total = sum(gains)
    gains = gains if total > 0 else [-g for g in reversed(gains)]
    fewest = next((k for k in range(1, len(gains) + 1) if sum(gains[:k]) >= abs(total)), None)
    assert found.people_to_turn == (fewest if total else None)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_the_effective_number_lies_between_one_and_the_people_there_are(own: list[int]) -> None:
    person = np.repeat(np.arange(len(own)), own)
    shares = Shares(np.ones(len(person)), np.zeros(len(person), dtype=bool), np.arange(len(person)), person, person)
    row = spread_of_events(shares)
    assert 1 - 1e-9 <= row["effective_events"] <= len(own) + 1e-9
    assert row["design_effect"] >= 1
    assert row["largest_share"] == pytest.approx(max(own) / sum(own))
    if len(set(own)) == 1:
        assert row["design_effect"] == pytest.approx(own[0])


def test_parts_of_the_difference_add_up() -> None:
    made = counted(events({"p": 3, "q": 1, "": 2}, {"p": 1, "r": 7}))
    found = events_of_people(made, ZONES, PHASES)
    moved = sway(found.of(["treated"], found.months(["treated"]).index), (12.0, 12.0))
    assert moved.parts.sum() + moved.worth(*moved.unkeyed) / moved.difference == pytest.approx(1)


# what is given and what is shown


def refused(change: Callable[[Tally], Tally] = lambda made: made, **options: object) -> None:
    given = {"zones": ZONES, "phases": PHASES, **options}
    people_and_events(change(counted(events(each(5), each(5)))), given.pop("zones"), given.pop("phases"), **given)  # type: ignore[arg-type]


def test_what_cannot_be_counted_is_refused_with_everything_wrong() -> None:
    with pytest.raises(StudyError, match=r"tally: needs events(.|\n)*zones: has no ring(.|\n)*phases: has no after"):
        refused(lambda made: made.as_count("persons"), zone="ring", phases={"before": PHASES["before"]})
    with pytest.raises(StudyError, match=r"tally: needs months, quarters or years"):
        refused(lambda made: made.merge_periods(PHASES))
    with pytest.raises(StudyError, match=r"phases: needs months that were observed in both"):
        refused(phases={"before": PHASES["before"], "after": Period("2025-01-01", "2026-01-01")})
    with pytest.raises(StudyError, match=r"zone: needs events"):
        refused(zones={"treated": ("C",), "elsewhere": ("A",)}, phases=EARLY)
    with pytest.raises(StudyError, match=r"comparison: needs events before and after"):
        refused(phases=EARLY, comparison=("elsewhere",))


def test_nothing_of_a_person_is_shown_until_it_is_asked_for() -> None:
    found = ask(each(10), {**each(6, "q"), "one": 25})
    assert repr(found) == "PeopleAndEvents(...; call .summary())"
    with pytest.raises(TypeError, match="not pickled"):
        __import__("pickle").dumps(found)
    assert "not for release" in found.summary()
    copied = found.to_frame()
    copied["people"] = -1
    assert (found.table["people"] >= 0).all()
