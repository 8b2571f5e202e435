"""Attacks on the gate: what each protection stops, shown first without it."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure import Plan, Profile, Protected, attacker_bounds, profile_named, protect
from commonground.disclosure.cells import rules_for
from commonground.disclosure.hierarchy import Tree, leaves
from commonground.disclosure.labels import interval, label
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period, calendar
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

YEAR = Period("2023-01-01", "2024-01-01")
PHASES = {"before": Period("2022-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}
QUARTERS = {f"2023Q{i + 1}": span for i, span in enumerate(calendar(YEAR, "quarter"))}
COLUMNS = ["area", "period", "person", "premises", "event", "n"]


def tallied(keys: pd.DataFrame, **fields: Any) -> Tally:
    """A tally as `commonground.tallies.tally` makes it, without the time it takes to read records."""
    by = [name for name in keys.columns if name in ("group", "setting")]
    blank = {"premises": None, "event": None, "period": "2023", "n": 1.0}
    full = keys.assign(**{name: value for name, value in blank.items() if name not in keys})
    full = full.astype(dict.fromkeys([*COLUMNS[:-1], *by], "str"))
    full["record"] = full["person"].str.cat(full["event"], sep=" ")
    periods = fields.pop("periods", {"2023": YEAR})
    known = {"kind": "contacts", "count": "persons", "phased": periods is PHASES, "published": {"clinic": None}}
    start, end = min(p.start for p in periods.values()), max(p.end for p in periods.values())
    return Tally(
        codes=tuple(sorted(set(full["area"]) | set(fields.pop("codes", ())))),
        periods=periods,
        by={name: tuple(sorted(full[name].unique())) for name in by},
        keys=distinct(full, by),
        coverage=pd.DataFrame({"source": ["clinic"], "area": [pd.NA], "start": [start], "end": [end]}),
        **known | fields,
    )


def people(counts: dict[str, int], **columns: Any) -> pd.DataFrame:
    rows = [{"area": area, "person": f"{area}{i}"} for area, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["area", "person"]).assign(**columns)


def shown(protected: Protected) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), *row[3]]): row[4] for row in protected.rows}


# --- the safety argument, as a construction on random towns


def random_tree(codes: list[str], rng: np.random.Generator) -> Tree:
    joined: list[Tree] = list(codes)
    while len(joined) > 1:
        i = int(rng.integers(len(joined) - 1))
        joined[i : i + 2] = [(joined[i], joined[i + 1])]
    return joined[0]


def children_of(tree: Tree, codes: tuple[str, ...]) -> tuple[Tree, Tree]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple) and leaves(node) == codes:
            return node
        waiting.extend(node if isinstance(node, tuple) else ())
    raise AssertionError("a block is a node of the tree")


def random_town(rng: np.random.Generator, *, persons: bool) -> Tally:
    """People who are seen several times, in several areas, phases and settings, in premises and events."""
    codes = [f"z{i}" for i in range(int(rng.integers(2, 8)))]
    heat = rng.choice([0.02, 0.3, 1, 3], len(codes))
    rows = int(rng.integers(20, 260))
    who = rng.integers(0, int(rng.integers(12, 120)), rows)
    where = rng.choice(codes, rows, p=heat / heat.sum())
    keys = pd.DataFrame({"area": where, "person": [f"p{i}" for i in who]})
    if rng.random() < 0.6:
        keys["premises"] = [f"{area}{i}" for area, i in zip(where, rng.integers(0, 6, rows), strict=True)]
    if rng.random() < 0.6 or not persons:
        keys["event"] = [f"e{i}" for i in rng.integers(0, 3 * rows // 2, rows)]
    if not persons:
        keys["person"] = None
    form = rng.integers(0, 4)
    periods = [{"2023": YEAR}, PHASES, QUARTERS, {"2023": YEAR}][form]
    if form == 3:
        keys["setting"] = rng.choice(["off-street", "online", "street"], rows, p=[0.5, 0.1, 0.4])
    return tallied(keys.assign(period=rng.choice(list(periods), rows)), periods=periods, codes=codes)


def outputs(counted: Tally, tree: Tree) -> list[Any]:
    """Everything that any profile shows of any unit, in order; a refusal is an output too."""
    plan = {"categories": dict.fromkeys(counted.by, ("off-street", "street", "online"))}
    units = ("persons", "events", "premises") if counted.has_people else ("events", "premises")
    found: list[Any] = []
    for profile, unit in itertools.product(("partner", "public"), units):
        rules = Plan(measures=("persons", "events", "premises"), **plan)
        try:
            protected = protect(counted.as_count(unit), profile, hierarchy=tree, plan=rules)
        except NotReleasable as refusal:
            found.append(str(refusal))
        else:
            found.append((protected.rows, protected.summary(), repr(protected), protected.days))
    return found


def witnesses(seed: int) -> Iterator[None]:
    """Put 0 to k - 1 into an area of a joint block, everybody else into the sibling child: nothing may change."""
    rng = np.random.default_rng(seed)
    counted = random_town(rng, persons=bool(rng.random() < 0.8))
    tree = random_tree(list(counted.codes), rng)
    first = outputs(counted, tree)
    if isinstance(first[0], str):
        return
    k, key = (8, "person") if counted.has_people else (13, "event")
    for block in {row[1] for row in first[0][0] if len(row[1]) > 1}:
        one, other = children_of(tree, block)
        area = str(rng.choice(list(block)))
        sibling = leaves(other if area in leaves(one) else one)[0]
        inside = counted.keys["area"].isin(block)
        units = counted.keys.loc[inside, key].dropna().unique()
        chosen = rng.choice(units, min(int(rng.integers(0, k)), len(units)), replace=False)
        moved = counted.keys.copy()
        moved.loc[inside, "area"] = sibling
        moved.loc[inside & moved[key].isin(chosen), "area"] = area
        again = dataclasses.replace(counted, keys=distinct(moved, list(counted.by)))
        assert outputs(again, tree) == first
        yield


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_any_area_of_a_joint_block_can_hold_any_small_number_with_identical_output(seed: int) -> None:
    for _ in witnesses(seed):  # asserts for every block of the town
        pass


def test_random_towns_do_give_witnesses() -> None:
    assert sum(len(list(witnesses(seed))) for seed in range(60)) > 30


@pytest.mark.slow
def test_thousands_of_witnesses() -> None:
    assert sum(len(list(witnesses(seed))) for seed in range(2500)) > 2000


def test_splitting_off_just_the_child_that_passes_would_prove_the_other() -> None:
    """gate.md step 3, no lopsided split: b 30 and ab 30 would leave a with 0 to 4."""
    total, b = label(32, 8), label(30, 8)
    bounds = attacker_bounds([(["a", "b"], *interval(total, 8)), (["b"], *interval(b, 8))], hidden=["a"])
    assert (bounds.low, bounds.high) == ((0,), (4,))
    assert shown(protect(tallied(people({"a": 2, "b": 30})), hierarchy=("a", "b"))) == {"ab": 30}


# --- the same people under several levels, blocks and pieces of time


def test_a_total_of_people_beside_overlapping_levels_would_prove_the_rest(tmp_path: Path) -> None:
    """gate.md step 11: 30 in all, 30 indoor, 10 street: street only 0 to 4."""
    (low, high), (least, most) = interval(label(30, 8), 8), interval(label(30, 8), 8)
    assert (max(0, low - most), high - least) == (0, 4)
    indoor = people({"a": 30}, setting="off-street")
    keys = pd.concat([indoor, indoor.iloc[:10].assign(setting="street")])
    plan = {"categories": {"setting": ("off-street", "street")}}
    book = tmp_path / "study.ledger"
    levels = protect(tallied(keys), hierarchy="a", plan=plan, ledger=book)
    assert list(shown(levels).values()) == [30, 10]
    with pytest.raises(NotReleasable, match="other categories"):
        protect(tallied(keys.drop(columns="setting")), hierarchy="a", plan=plan, ledger=book)


def test_a_public_count_of_the_people_of_joined_blocks_would_prove_who_is_only_in_one() -> None:
    """Beside the partner's ab 30 and c 10, a count of 30 in abc proves that 0 to 4 were only in c."""
    assert interval(label(30, 13), 13)[1] - interval(label(30, 8), 8)[0] == 4
    there = people({"b": 30, "d": 40})
    same = pd.concat([there, there.iloc[:10].assign(area="c")])  # all ten of c were seen in b as well
    others = pd.concat([there, people({"c": 10})])
    tree: Tree = (("b", "c"), "d")
    worlds = [
        [protect(tallied(keys), profile, hierarchy=tree).rows for profile in ("partner", "public")]
        for keys in (same, others)
    ]
    assert worlds[0] == worlds[1]
    assert [(row[1], *row[4:]) for row in worlds[0][1]] == [(("b", "c"), 40, 36, 44), (("d",), 40, 38, 42)]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_the_public_sees_is_worked_out_from_what_the_partner_sees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counted = random_town(rng, persons=True)
    tree = random_tree(list(counted.codes), rng)
    try:
        partner = protect(counted, hierarchy=tree)
        public = protect(counted, "public", hierarchy=tree)
    except NotReleasable:
        return
    for _, areas, period, _, value, low, high in public.rows:
        parts = [row for row in partner.rows if set(row[1]) <= set(areas) and row[2][:4] == period[:4]]
        assert {area for row in parts for area in row[1]} == set(areas)
        if value is not None and not counted.by:
            assert value == sum(row[4] or 0 for row in parts)
            assert (low, high) == (max(13, sum(row[5] or 0 for row in parts)), sum(row[6] or 0 for row in parts))


def test_people_of_a_year_are_not_published_beside_its_quarters() -> None:
    """gate.md steps 5 and 10: halves 30 and 10 and the year 30 would leave 0 to 4 who came only in the second half."""
    quarters = pd.concat([people({"a": 30}, period=f"2023Q{i}") for i in (1, 2, 3)])
    keys = pd.concat([quarters, people({"a": 10}, period="2023Q4")])
    counted = tallied(keys, periods=QUARTERS)
    assert [row[2] for row in protect(counted, hierarchy="a").rows] == list(QUARTERS)
    public = protect(counted, "public", hierarchy="a")
    assert [(row[2], row[4]) for row in public.rows] == [("2023", None)]
    assert "published in pieces elsewhere" in public.summary()
    events = protect(tallied(keys, periods=QUARTERS, count="events"), "public", hierarchy="a")
    assert [row[4] for row in events.rows] == [100]  # visits add up


# --- levels


def chosen(counts: dict[str, int]) -> pd.DataFrame:
    return pd.concat([people({"a": n}, group=name).assign(person=lambda f, n=name: n + f["person"])
                      for name, n in counts.items()])  # fmt: skip


def test_joining_just_the_levels_that_fail_would_prove_that_somebody_is_in_each() -> None:
    """Two levels below 8 that pass together hold one person each at least; along the declared order neither has to."""
    assert min(total - other for total in range(8, 13) for other in range(8)) == 1
    plan = {"categories": {"group": ("large", "x", "y")}}
    for x, y in ((5, 5), (0, 10), (10, 0), (7, 3)):
        protected = protect(tallied(chosen({"large": 40, "x": x, "y": y})), hierarchy="a", plan=plan)
        assert shown(protected) == {"a large": 40, "a x or y or missing": 10}


def test_whether_anybody_holds_a_declared_level_is_not_told() -> None:
    plan = {"categories": {"group": ("large", "street", "online")}}
    worlds = [{"large": 40, "street": 20}, {"large": 40, "street": 13, "online": 7}, {"large": 40, "missing": 20}]
    found = [protect(tallied(chosen(world)), hierarchy="a", plan=plan) for world in worlds]
    assert shown(found[0]) == shown(found[1]) == shown(found[2])
    assert found[0].summary() == found[1].summary() == found[2].summary()


def test_a_level_nobody_declared_counts_as_missing() -> None:
    plan = {"categories": {"group": ("large",)}}
    protected = protect(tallied(chosen({"large": 40, "surprise": 20})), hierarchy="a", plan=plan)
    assert shown(protected) == {"a large": 40, "a missing": 20}


def test_a_cell_of_two_categories_that_fails_drops_the_later_one() -> None:
    keys = chosen({"x": 40, "y": 40})
    keys["setting"] = ["street" if i < 43 else "off-street" for i in range(80)]  # 3 people are y and street
    plan = {"categories": {"group": ("x", "y", "missing"), "setting": ("street", "off-street")}}
    protected = protect(tallied(keys), hierarchy="a", plan=plan)
    assert protected.by == ("group",)
    assert "setting: too few to show, or none." in protected.notes


# --- questions


def test_a_question_is_closed_over_areas_and_time() -> None:
    keys = pd.concat(
        [people({"a": 30}, period=name) for name in QUARTERS]
        + [people({"b": 4, "c": 5}, period="2023Q1"), people({"b": 4, "c": 5}, period="2023Q2")]
    )
    protected = protect(tallied(keys, periods=QUARTERS, count="events"), hierarchy=("a", ("b", "c")))
    cells = {(row[1], row[2]): row[4] for row in protected.rows}
    assert cells == {**{(("a",), name): 30 for name in QUARTERS}, (("b", "c"), "2023"): 20}
    assert str(protected.answer("a", "2023Q1")) == "30 in [28, 32]"
    assert str(protected.answer("a", "2023")) == "120 in [112, 128]"
    assert str(protected.answer("bc", "2023Q1")) == "coarsen to b, c in 2023"
    assert str(protected.answer("ab", "2023Q1")) == "coarsen to a, b, c in 2023"
    assert str(protected.answer("abc", "2023")) == "140 in [130, 150]"
    assert str(protected.answer("abc")) == "140 in [130, 150]"


def test_no_question_tells_more_than_the_published_cells() -> None:
    codes = "abcdefg"
    keys = people(dict(zip(codes, (3, 9, 12, 23, 1, 8, 2), strict=True)))
    protected = protect(tallied(keys), hierarchy=((("a", "b"), "c"), (("d", "e"), ("f", "g"))))
    blocks = {row[1]: row[4:] for row in protected.rows}
    for size in range(1, len(codes) + 1):
        for asked in itertools.combinations(codes, size):
            answer = protected.answer(asked)
            inside = [values for areas, values in blocks.items() if set(areas) <= set(asked)]
            touched = {area for areas in blocks if set(areas) & set(asked) for area in areas}
            if touched == set(asked):
                assert [answer.value, answer.low, answer.high] == [sum(part) for part in zip(*inside, strict=True)]
            else:
                assert (answer.value, set(answer.coarsen_to)) == (None, touched)


@pytest.mark.parametrize("asked", [("",), ("a", "nowhere"), ()])
def test_a_question_about_what_was_not_published_is_refused(asked: tuple[str, ...]) -> None:
    protected = protect(tallied(people({"a": 30})), hierarchy="a")
    with pytest.raises(CommonGroundError, match="not published"):
        protected.answer(asked)
    with pytest.raises(CommonGroundError, match="not published"):
        protected.answer("a", "2022")
    with pytest.raises(CommonGroundError, match="not published"):
        protected.change("2022", "2023")


def test_areas_outside_the_zones_leave_no_trace() -> None:
    inside = people({"a": 30, "b": 40})
    few, many = (pd.concat([inside, people({"z": n})]) for n in (1, 500))
    zones = {"treated": ["a"], "ring": ["b"]}
    one, other = (protect(tallied(keys), zones=zones) for keys in (few, many))
    assert one.rows == other.rows
    assert (one.summary(), one.days, one.tree_digest) == (other.summary(), other.days, other.tree_digest)


# --- floors


def test_no_profile_but_the_three() -> None:
    for name in ("Partner", "internal", "", "partner "):
        with pytest.raises(CommonGroundError, match="public, partner or open"):
            protect(tallied(people({"a": 30})), name, hierarchy="a")
    loose = dataclasses.replace(profile_named("partner"), k=1)
    with pytest.raises(CommonGroundError, match="public, partner or open"):
        protect(tallied(people({"a": 30})), loose, hierarchy="a")  # type: ignore[arg-type]


def test_a_looser_profile_does_not_loosen_the_rules() -> None:
    loose = Profile(
        "x", k=1, lag_months=0, finest_time="month", addresses=0, dimensions=9, premises=0, events=0, share=1
    )
    rules = rules_for(tallied(people({"a": 30})).keys, loose)
    assert (rules.k, rules.premises, rules.events, rules.share) == (8, 3, 3, 0.5)
    bare = rules_for(tallied(people({"a": 30}).assign(person=None)).keys, loose)
    assert (bare.k, bare.unit) == (13, "event")


def test_seven_people_and_one_are_refused_in_the_same_words() -> None:
    said = set()
    for n in (0, 1, 7):
        with pytest.raises(NotReleasable) as refusal:
            protect(tallied(people({"a": n, "b": 0}), codes=("a", "b")), hierarchy=("a", "b"))
        said.add(str(refusal.value))
    assert len(said) <= 2  # without anybody people are unknown, and it is said so
    assert not any(re.search(r"\d", text.replace("2023", "")) for text in said)


def test_as_of_does_not_shorten_the_lag() -> None:
    soon = pd.Timestamp.now().normalize() + pd.Timedelta(days=1)
    with pytest.raises(CommonGroundError, match="in the future"):
        protect(tallied(people({"a": 30})), hierarchy="a", as_of=soon)


@pytest.mark.parametrize("day", ["NaT", "", pd.NaT, float("nan"), "soon", "2024-05-01T00:00Z", []])
def test_a_missing_day_does_not_end_the_lag(day: Any) -> None:
    """Compared with a missing day no period is too recent."""
    with pytest.raises(CommonGroundError, match=r"^as_of is not a date; give YYYY-MM-DD\.$"):
        protect(tallied(people({"a": 40})), hierarchy="a", as_of=day)


def test_a_phase_that_ended_lately_bars_the_release() -> None:
    counted = tallied(pd.concat([people({"a": 30}, period=name) for name in PHASES]), periods=PHASES)
    with pytest.raises(NotReleasable, match=r"period\(s\) after ended less than 3 months before"):
        protect(counted, hierarchy="a", as_of="2024-03-31")
    assert protect(counted, hierarchy="a", as_of="2024-04-01")
    with pytest.raises(NotReleasable, match="less than 6 months"):
        protect(counted, "public", hierarchy="a", as_of="2024-04-01")


def test_phases_are_no_finer_than_the_profile_shows() -> None:
    short = {"one": Period("2023-01-01", "2023-03-01"), "two": Period("2023-03-01", "2023-09-01")}
    keys = pd.concat([people({"a": 30}, period=name) for name in short])
    counted = tallied(keys, periods=short, phased=True)
    with pytest.raises(NotReleasable, match=r"period\(s\) one are shorter than a quarter"):
        protect(counted, hierarchy="a")
    with pytest.raises(NotReleasable, match=r"one, two are shorter than a year"):
        protect(counted, "public", hierarchy="a")


def test_months_are_never_shown() -> None:
    months = {f"{p.start:%Y-%m}": p for p in calendar(YEAR, "month")}
    keys = pd.concat([people({"a": 50}, period=name) for name in months])
    assert set(protect(tallied(keys, periods=months), hierarchy="a").periods) == set(QUARTERS)


def test_what_the_plan_does_not_declare_is_refused() -> None:
    counted = tallied(people({"a": 30}, event="x"))
    with pytest.raises(NotReleasable, match="not the declared phases"):
        protect(counted, hierarchy="a", plan=Plan(phases=PHASES))
    with pytest.raises(NotReleasable, match="not among the plan's measures"):
        protect(counted.as_count("events"), hierarchy="a", plan=Plan(measures=("persons",)))
    with pytest.raises(NotReleasable, match="at most 2 categories"):
        protect(dataclasses.replace(counted, by=dict.fromkeys("xyz", ("l",))), "public", hierarchy="a")


@pytest.mark.parametrize("citation", [None, "", "  "])
def test_one_uncited_source_bars_the_open_profile(citation: str | None) -> None:
    counted = tallied(people({"a": 3}).assign(person=None), count="events")
    two = dataclasses.replace(counted, published={"clinic": "Office for Statistics, 2024", "outreach": citation})
    with pytest.raises(NotReleasable, match="outreach has no citation"):
        protect(two, "open")


def test_records_with_keys_of_people_are_no_published_statistics() -> None:
    cited = {"clinic": "our own report"}
    with pytest.raises(NotReleasable, match="keys of people or premises"):
        protect(tallied(people({"a": 3}), published=cited), "open")
    premises = people({"a": 3}, premises="flat").assign(person=None)
    with pytest.raises(NotReleasable, match="keys of people or premises"):
        protect(tallied(premises, published=cited, count="events"), "open")


# --- what can be reached from a released value


def reachable(start: object) -> Iterator[object]:
    """Everything that can be reached from an object, short of modules, classes and functions."""
    seen, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        if id(here) in seen or type(here).__name__ in ("module", "type", "function", "builtin_function_or_method"):
            continue
        seen.add(id(here))
        yield here
        waiting.extend(gc.get_referents(here))


def test_nothing_exact_can_be_reached() -> None:
    counted = tallied(people({"a": 3, "b": 9, "c": 12, "d": 23}, premises="p", event="e"))
    counted = dataclasses.replace(counted, keys=counted.keys.assign(premises=counted.keys["person"]))
    counted = dataclasses.replace(counted, keys=counted.keys.assign(event=counted.keys["person"]))
    protected = protect(counted, hierarchy=(("a", "b"), ("c", "d")))
    for found in reachable(vars(protected)):
        assert not isinstance(found, Tally)
        assert not (isinstance(found, pd.DataFrame) and "person" in found.columns)
        assert found not in ("a0", "d22")
    assert [row[4:] for row in protected.rows] == [(10, 8, 12), (10, 8, 12), (25, 23, 27)]
    carried = pickle.loads(pickle.dumps(protected))
    assert carried.rows == protected.rows
    assert b"d22" not in pickle.dumps(protected)


def test_a_released_value_cannot_be_forged_or_changed() -> None:
    protected = protect(tallied(people({"a": 30})), hierarchy="a")
    with pytest.raises(ValueError, match="seal"):
        dataclasses.replace(protected, in_ledger=True)
    with pytest.raises(CommonGroundError, match="only the gate"):
        dataclasses.replace(protected, in_ledger=True, seal=None)
    with pytest.raises(AttributeError):
        protected.rows = ()  # type: ignore[misc]
    frame, table = protected.to_frame(), protected.table()
    frame.loc[0, "value"] = table.loc["a", "2023"] = 3
    assert protected.to_frame()["value"].tolist() == [30]


def test_working_objects_print_nothing() -> None:
    from commonground.disclosure.case import open_case
    from commonground.disclosure.hierarchy import check_tree

    case = open_case(tallied(people({"a": 30})), profile_named("partner"), check_tree("a"), Plan())
    for thing in (case, case.coded, case.tally):
        assert not re.search(r"\b30\b|a29", f"{thing!r} {thing}")


def test_days_follow_coverage_and_not_the_records() -> None:
    both = pd.concat([people({"a": 30}, period=name) for name in PHASES])
    more = [tallied(pd.concat([both, people({"b": 9}, period=name)]), periods=PHASES) for name in PHASES]
    days = [protect(counted, hierarchy=("a", "b")).days for counted in more]
    assert days == [{"before": 365.0, "after": 365.0}] * 2


def test_the_order_of_blocks_tells_nothing_of_their_size() -> None:
    tree: Tree = (("a", "b"), ("c", "d"))
    one = protect(tallied(people({"a": 10, "b": 20, "c": 30, "d": 40})), hierarchy=tree)
    other = protect(tallied(people({"a": 40, "b": 30, "c": 20, "d": 10})), hierarchy=tree)
    assert [row[:4] for row in one.rows] == [row[:4] for row in other.rows]


def test_an_html_view_shows_published_values_only() -> None:
    protected = protect(tallied(people({"a": 3, "b": 30})), hierarchy=("a", "b"))
    cells = re.findall(r"<td>([^<]*)</td>", protected._repr_html_())
    assert cells == ["a", "(a, b)", "2023", "()", "35", "33", "37"]
