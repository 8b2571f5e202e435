"""The joint audit, against counting every world, worked examples of the design, and tables that only leak together."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from commonground.disclosure import audit as audit_module
from commonground.disclosure.audit import Release, joint_audit
from commonground.disclosure.labels import interval, label
from commonground.disclosure.several import check_categories, levels_open
from commonground.errors import NotReleasable, RecordsError


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def rounded(cell: np.ndarray, *counts: int) -> Release:
    spans = [interval(label(n, 8), 8) for n in counts]
    return Release(cell, ints(*(low for low, _ in spans)), ints(*(high for _, high in spans)))


def only(at: int, atoms: int) -> np.ndarray:
    return np.where(np.arange(atoms) == at, 0, -1)


@st.composite
def small_towns(draw: st.DrawFn) -> tuple[list[Release], list[np.ndarray]]:
    atoms = draw(st.integers(2, 4))
    truth = ints(*draw(st.lists(st.integers(0, 3), min_size=atoms, max_size=atoms)))
    labelling = st.lists(st.integers(-1, 2), min_size=atoms, max_size=atoms).map(lambda x: ints(*x))
    releases = [Release(np.zeros(atoms, dtype=np.int64), ints(max(0, truth.sum() - 1)), ints(truth.sum() + 1))]
    for cell in draw(st.lists(labelling, min_size=1, max_size=3)):
        counts = np.array([truth[cell == at].sum() for at in range(3)])
        slack = draw(st.integers(0, 2))
        releases.append(Release(cell, np.maximum(counts - slack, 0), counts + slack))
    return releases, draw(st.lists(labelling, min_size=1, max_size=2))


def every_world(releases: list[Release], atoms: int) -> np.ndarray:
    top = int(releases[0].high[0])
    worlds = np.array(list(itertools.product(range(top + 1), repeat=atoms)))
    for one in releases:
        for at, (low, high) in enumerate(zip(one.low, one.high, strict=True)):
            sums = worlds[:, one.cell == at].sum(axis=1)
            worlds = worlds[(low <= sums) & (sums <= high)]
    return worlds


def is_known(cell: np.ndarray, releases: list[Release]) -> bool:
    """Whether a set of atoms is a sum of shown cells of one table."""
    for one in releases:
        shown = [at for at in range(len(one.low)) if one.low[at] > 0 and (one.cell == at).any()]
        for size in range(1, len(shown) + 1):
            if any((np.isin(one.cell, some) == cell).all() for some in itertools.combinations(shown, size)):
                return True
    return False


@given(small_towns())
@settings(max_examples=60, deadline=None)
def test_the_verdict_on_each_target_is_that_of_counting_every_world(
    town: tuple[list[Release], list[np.ndarray]],
) -> None:
    releases, targets = town
    worlds = every_world(releases, len(targets[0]))
    exposed, asked = set(), 0
    for at, target in enumerate(targets):
        for cell in range(3):
            mine = target == cell
            if not mine.any() or is_known(mine, releases):
                continue
            asked += 1
            sums = worlds[:, mine].sum(axis=1)
            if sums.min() > 0 or sums.max() < 2:
                exposed.add((at, cell))
    found = joint_audit(releases, targets, 3)
    assert found.audited == asked
    assert found.passed == (not exposed)
    assert set(found.exposed) <= exposed  # what max <= union <= sum proves is told without looking further
    no_shortcut = pytest.MonkeyPatch()
    with no_shortcut.context() as patch:
        patch.setattr(audit_module.Overlay, "surely_proven", lambda self, k: np.zeros(len(self.names), dtype=bool))
        assert set(joint_audit(releases, targets, 3).exposed) == exposed


# gate.md, step 1: a 10, b 10, c 2, d 30 under ((ab)c)d and under (ab)(cd) give c as 0 to 4
ONE_CUT = rounded(ints(0, 0, 0, 1), 22, 30)
OTHER_CUT = rounded(ints(0, 1, 2, 2), 10, 10, 32)
C = [only(2, 4)]


def test_two_cuts_of_the_same_records_prove_a_small_cell_that_neither_proves_alone() -> None:
    assert joint_audit([ONE_CUT], C, 8).passed
    assert joint_audit([OTHER_CUT], C, 8).passed
    together = joint_audit([ONE_CUT, OTHER_CUT], C, 8)
    assert together.exposed == ((0, 0),)
    assert joint_audit([ONE_CUT, OTHER_CUT], C, 5).passed  # it can be 4


def test_a_margin_proves_that_somebody_is_in_a_hidden_cell() -> None:
    # 52 in all, 43 of one group, 13 indoor: at least 43 + 13 - 52 are both
    whole, group, setting = np.zeros(4, dtype=np.int64), ints(0, 0, 1, 1), ints(0, 1, 0, 1)
    tables = [rounded(whole, 52), rounded(group, 43, 9), rounded(setting, 13, 39)]
    assert joint_audit(tables[:2], [only(0, 4)], 8).passed
    assert joint_audit(tables, [only(0, 4)], 8).exposed == ((0, 0),)


def test_people_in_all_beside_their_settings_are_refused_because_no_separate_people_fit() -> None:
    # gate.md, step 11: 30 in all, 30 indoor, 10 street would give street-only 0 to 4
    whole, setting = np.zeros(2, dtype=np.int64), ints(0, 1)
    tables = [rounded(whole, 30), rounded(setting, 30, 10)]
    with pytest.raises(NotReleasable, match="do not fit together") as refused:
        joint_audit(tables, [setting], 8)
    assert not any(character.isdigit() for character in str(refused.value))


def test_what_only_whole_people_prove_is_found() -> None:
    # Two triangles in which no two corners hold more than one person: halves allow three people, whole people two.
    pairs = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)]
    tables = [Release(np.where(np.isin(np.arange(7), pair), 0, -1), ints(0), ints(1)) for pair in pairs]
    tables.append(Release(np.zeros(7, dtype=np.int64), ints(3), ints(3)))
    assert joint_audit(tables, [only(6, 7)], 2).exposed == ((0, 0),)


def test_people_and_events_of_the_same_records_are_taken_together() -> None:
    areas = ints(0, 1)
    people = Release(ints(0, 0), ints(18), ints(22), "persons")
    events = Release(areas, ints(0, 13), ints(7, 40), "events")
    target = [only(1, 2)]
    assert joint_audit([people], target, 8).passed
    # at most 7 events in one area leave at least 11 of 18 people to the other
    assert joint_audit([people, Release(areas, ints(0, 0), ints(7, 40))], target, 8).exposed == ((0, 0),)
    assert joint_audit([people, events], target, 8).audited == 0  # shown, so nothing is asked


def test_a_hidden_cell_around_a_shown_one_and_one_inside_a_small_one_fail_at_once() -> None:
    around = joint_audit([Release(ints(0, -1), ints(8), ints(12), "persons")], [ints(0, 0)], 8)
    inside = joint_audit([Release(ints(0, 0), ints(0), ints(5), "persons")], [only(0, 2)], 8)
    assert not around.passed
    assert not inside.passed


def test_a_part_larger_than_its_whole_is_refused() -> None:
    tables = [Release(ints(0, -1), ints(8), ints(12), "persons"), Release(ints(0, 0), ints(0), ints(7), "persons")]
    with pytest.raises(NotReleasable, match="do not fit together"):
        joint_audit(tables, [only(1, 2)], 8)


def test_atoms_that_no_table_tells_apart_share_a_class_and_unrelated_parts_are_audited_apart() -> None:
    blocks = np.repeat(np.arange(3_000), 2)  # three thousand programs of one class each
    released = Release(blocks, np.full(3_000, 8), np.full(3_000, 12))
    assert joint_audit([released], [np.arange(6_000)], 8).passed


def test_too_many_classes_or_too_little_time_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [Release(np.zeros(1_300, dtype=np.int64), ints(900), ints(904))]
    tables.append(Release(np.arange(1_300), np.zeros(1_300, dtype=np.int64), np.full(1_300, 7)))
    with pytest.raises(NotReleasable, match="size and time allowed") as refused:
        joint_audit(tables, [np.arange(1_300) // 2], 8)
    assert not any(character.isdigit() for character in str(refused.value))
    monkeypatch.setattr(audit_module, "MOST_SECONDS", -1.0)
    with pytest.raises(NotReleasable, match="size and time allowed"):
        joint_audit([ONE_CUT, OTHER_CUT], [only(0, 4)], 8)


@pytest.mark.parametrize(
    "releases",
    [
        [],
        [Release(ints(0, 1), ints(0), ints(1))],
        [Release(ints(0, 0, 0), ints(0), ints(1))],
        [Release(ints(0, 0), ints(2), ints(1))],
        [Release(ints(0, 0), ints(-1), ints(1))],
        [Release(ints(0, 0), ints(0), ints(1), "visits")],
    ],
)
def test_labellings_that_do_not_belong_together_are_refused(releases: list[Release]) -> None:
    with pytest.raises(RecordsError, match="Correct the labelling"):
        joint_audit(releases, [ints(0, 1)], 8)


def test_neither_repr_nor_summary_shows_a_number() -> None:
    failed = joint_audit([ONE_CUT, OTHER_CUT], C, 8)
    for text in (repr(failed), failed.summary(), joint_audit([ONE_CUT], C, 8).summary()):
        assert not any(character.isdigit() for character in text)
    assert "does not show" in failed.summary()
    assert pickle.loads(pickle.dumps(failed)) == failed
    with pytest.raises(ValueError, match="give 2 or more"):
        joint_audit([ONE_CUT], C, 1)


def exactly(people: tuple[int, int], events: list[tuple[int, int]], k: int) -> bool:
    """By integer programs over who has which levels: is every combination open, or k or more?"""
    kinds = [kind for size in range(1, len(events) + 1) for kind in itertools.combinations(range(len(events)), size)]
    rows = [[1.0] * len(kinds), *([float(at in kind) for kind in kinds] for at in range(len(events)))]
    known = LinearConstraint(np.array(rows), [people[0], *[k] * len(events)], [people[1], *(top for _, top in events)])
    for at in range(len(kinds)):
        aim = np.eye(len(kinds))[at]
        ends = [
            milp(s * aim, integrality=np.ones(len(kinds)), bounds=Bounds(0, np.inf), constraints=known) for s in (1, -1)
        ]
        if any(end.status for end in ends):
            return False
        least, most = round(ends[0].fun), round(-ends[1].fun)
        if most < k - 1 or 0 < least < k:
            return False
    return True


@given(st.integers(2, 12), st.lists(st.integers(2, 12), min_size=2, max_size=3))
@settings(max_examples=30, deadline=None)
def test_levels_said_to_be_open_are_open_for_every_way_people_can_have_several(whole: int, parts: list[int]) -> None:
    people = interval(5 * whole, 8)
    events = [interval(5 * part, 8) for part in parts]
    if levels_open(people, events, 8):
        assert exactly(people, events, 8)


def test_who_has_both_levels_is_known_where_events_are_hardly_more_than_people() -> None:
    # 38 to 42 people, at most 32 of them indoor and 12 in the street: at most 6 are in both
    assert not levels_open(interval(40, 8), [interval(30, 8), interval(10, 8)], 8)
    assert not exactly(interval(40, 8), [interval(30, 8), interval(10, 8)], 8)
    assert levels_open(interval(40, 8), [interval(90, 8), interval(40, 8)], 8)
    # 8 to 12 people, 8 or more at each level: at most 4 have one only
    assert not levels_open(interval(10, 8), [interval(90, 8), interval(40, 8)], 8)
    assert not exactly(interval(10, 8), [interval(90, 8), interval(40, 8)], 8)
    assert levels_open(interval(10, 8), [interval(90, 8)], 8)


@pytest.mark.parametrize(
    ("count", "table", "main", "extra", "message"),
    [
        ("events", ("issues",), (), [], "several issues"),
        ("events", ("group",), ("issues",), [], "several issues"),
        ("premises", ("group",), (), [], "count events or people"),
        ("persons", ("setting",), (), [], "several levels of setting"),
        ("events", ("group",), ("setting",), [], "by which they were published"),
        ("events", ("setting", "group"), (), [], "by it alone"),
        ("events", ("setting",), ("group",), [], "by it alone"),
        ("events", ("setting",), (), [("mode",)], "by it alone"),
    ],
)
def test_tables_whose_cells_people_can_share_are_refused_by_declaration(
    count: str, table: tuple[str, ...], main: tuple[str, ...], extra: list[tuple[str, ...]], message: str
) -> None:
    with pytest.raises(NotReleasable, match=message):
        check_categories(count, table, main, extra, ("group",))
    check_categories("persons", ("group",), (), [], ("group",))
    check_categories("events", ("setting",), (), [("group",)], ("group",))
