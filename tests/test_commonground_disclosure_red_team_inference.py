"""Attacks by inference: what somebody with records of their own, other releases or other tables could conclude."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from commonground.disclosure import Plan, Profile, Protected, attacker_bounds, case, cutting, gate, protect, register
from commonground.disclosure.hierarchy import Tree
from commonground.disclosure.labels import interval, label, significant
from commonground.errors import NotReleasable
from commonground.periods import Period, calendar
from commonground.tallies import Tally
from commonground.tallies.keys import distinct

K = 8
YEAR = Period("2023-01-01", "2024-01-01")
QUARTERS = {f"2023Q{i + 1}": span for i, span in enumerate(calendar(YEAR, "quarter"))}
MONTHS = {f"{p.start:%Y-%m}": p for p in calendar(Period("2022-01-01", "2024-01-01"), "month")}
PHASES = {"before": Period("2022-01-01", "2023-01-01"), "after": YEAR}
COLUMNS = ["area", "period", "person", "premises", "event", "n"]


def tallied(keys: pd.DataFrame, **fields: Any) -> Tally:
    """A tally as `commonground.tallies.tally` makes it, without the time it takes to read records."""
    by = [name for name in keys.columns if name in ("group", "setting")]
    blank = {"premises": None, "event": None, "period": "2023", "n": 1.0}
    full = keys.assign(**{name: value for name, value in blank.items() if name not in keys})
    full = full.astype(dict.fromkeys([*COLUMNS[:-1], *by], "str"))
    full["record"] = full["person"].str.cat(full["event"], sep=" ")
    periods = fields.pop("periods", {"2023": YEAR})
    source = fields.pop("source", "clinic")
    start, end = min(p.start for p in periods.values()), max(p.end for p in periods.values())
    known = {"kind": "contacts", "count": "persons", "phased": periods is PHASES, "published": {source: None}}
    return Tally(
        codes=tuple(sorted(set(full["area"]) | set(fields.pop("codes", ())))),
        periods=periods,
        by={name: tuple(sorted(full[name].unique())) for name in by},
        keys=distinct(full, by),
        coverage=pd.DataFrame({"source": [source], "area": [pd.NA], "start": [start], "end": [end]}),
        **known | fields,
    )


def people(counts: dict[str, int], **columns: Any) -> pd.DataFrame:
    rows = [{"area": area, "person": f"{area}{i}"} for area, n in counts.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["area", "person"]).assign(**columns)


def shown(protected: Protected) -> dict[str, int | None]:
    return {" ".join(["".join(row[1]), *row[3]]): row[4] for row in protected.rows}


def said(keys: pd.DataFrame, profile: str = "partner", **options: Any) -> Any:
    """Everything that a release says, or the words of its refusal."""
    fields = {name: options.pop(name) for name in ("periods", "count", "codes", "source", "phased") if name in options}
    try:
        protected = protect(tallied(keys, **fields), profile, **options)
    except NotReleasable as refusal:
        return str(refusal)
    return protected.rows, protected.summary(), repr(protected), protected.notes, protected.days


# --- who has records of their own among these


def test_who_takes_their_own_record_away_proves_nothing_of_the_others_of_an_area() -> None:
    """Plain: a total of 9, 8 of them in b, and one is mine: nobody else was in a. Here others may be 0 to 6."""
    assert attacker_bounds([(["mine", "others", "b"], 9), ("b", 8), ("mine", 1)], hidden=["others"]).high == (0,)
    mine = pd.DataFrame({"area": ["a"], "person": ["me"]})
    worlds = [said(pd.concat([mine, people({"a": n, "b": 11 - n})]), hierarchy=("a", "b")) for n in range(K - 1)]
    assert all(world == worlds[0] for world in worlds)
    assert worlds[0][0][0][4] == 10


@pytest.mark.parametrize(("in_a", "in_b"), [(5, 3), (7, 0), (0, 7)])
def test_an_organisation_that_gave_half_of_the_records_proves_nobody_elses_presence_in_an_area(
    in_a: int, in_b: int
) -> None:
    """It knows its own people and the label: in each area of the joint block there may still be nobody else.

    Of the block as a whole it learns the others up to rounding, as the documentation says.
    """
    ours = pd.concat([people({"a": in_a}), people({"b": in_b})]).assign(person=lambda f: "ours" + f["person"])
    seen: dict[Any, list[tuple[int, int]]] = {}
    for x, y in itertools.product((0, 1, 2, 4, 6, 8, 10), repeat=2):
        world = said(pd.concat([ours, people({"a": x, "b": y})]), hierarchy=("a", "b"), codes="ab")
        seen.setdefault(str(world), []).append((x, y))
    joint = [behind for world, behind in seen.items() if "('a', 'b')" in world and max(map(sum, behind)) <= 10]
    assert joint
    for behind in joint:
        assert min(x for x, _ in behind) == 0
        assert min(y for _, y in behind) == 0


def test_one_record_added_anywhere_shows_nowhere(tmp_path: Path) -> None:
    """Plain: the second count less the first is the record. Here every place of it gives the same second release."""
    before = {"a": 12, "b": 7, "c": 7, "d": 22}
    tree: Tree = (("a", "b"), ("c", "d"))
    first = [
        said(people(before), profile, hierarchy=tree, ledger=tmp_path / "once") for profile in ("partner", "public")
    ]
    assert [row[4] for row in first[0][0]] == [20, 30]
    for place in before:
        added = pd.concat([people(before), pd.DataFrame({"area": [place], "person": ["new"]})])
        book = tmp_path / f"study {place}"
        for keys in (people(before), added):
            second = [said(keys, profile, hierarchy=tree, ledger=book) for profile in ("partner", "public")]
            assert second == first


@pytest.mark.parametrize("profile", ["partner", "public"])
def test_one_record_withdrawn_anywhere_shows_nowhere_whatever_comes_elsewhere(profile: str, tmp_path: Path) -> None:
    """Of 13 people one leaves, and elsewhere many come: hidden numbers, or frozen ones, would tell of the one."""
    tree: Tree = (("a", "b"), "c")
    before = {"a": 13, "b": 8, "c": 40}
    for more in (0, 20):
        outputs = []
        for gone in (None, "a", "b"):
            after = {code: n - (code == gone) + more * (code == "c") for code, n in before.items()}
            book = tmp_path / f"{more} {gone}"
            outputs.append([said(people(town), profile, hierarchy=tree, ledger=book) for town in (before, after)])
        assert outputs[0] == outputs[1] == outputs[2]


def test_adding_records_one_by_one_moves_a_label_only_across_the_gap(tmp_path: Path) -> None:
    """From 8 to 40 people and back: published intervals that differ lie 8 or more apart, both ways."""
    path = [*range(8, 41), *range(39, 7, -1)]
    labels = []
    for n in path:
        keys = people({"a": n, "b": 30})
        labels.append(shown(protect(tallied(keys), hierarchy=("a", "b"), ledger=tmp_path / "book"))["a"])
    moves = [(old, new) for old, new in itertools.pairwise(labels) if old != new]
    assert moves == [(10, 25), (25, 40), (40, 25), (25, 10)]
    for old, new in moves:
        (low, high), (other_low, other_high) = interval(old, K), interval(new, K)
        assert max(other_low - high, low - other_high) >= K


# --- several cuts, pieces of time and windows


def trees(codes: tuple[str, ...]) -> list[Tree]:
    """Every tree over leaves in this order."""
    if len(codes) == 1:
        return [codes[0]]
    return [(x, y) for i in range(1, len(codes)) for x in trees(codes[:i]) for y in trees(codes[i:])]


def test_the_best_of_several_trees_proves_cells_and_a_second_tree_is_refused(tmp_path: Path) -> None:
    """Releases under all five trees of four areas, for 80 towns: measured, 50 leave out 0 or 7 people somewhere."""
    narrowed = 0
    for seed in range(80):
        counts = dict(zip("abcd", ((seed * 7) % 13, (seed * 5) % 17, (seed * 3) % 7, (seed * 11) % 29), strict=True))
        if sum(counts.values()) < K:
            continue
        statements = [
            (list(block), *interval(value, K)) for tree in trees(tuple("abcd")) for block, value in cut(counts, tree)
        ]
        alone = {cells[0] for cells, *_ in statements if len(cells) == 1}
        together = [code for code in counts if code not in alone]
        narrowed += bool(together and attacker_bounds(statements, hidden=together).exposed(K))
    assert narrowed == 50
    for number, (first, second) in enumerate(itertools.permutations(trees(tuple("abcd")), 2)):
        book = tmp_path / str(number)
        keys = people({"a": 10, "b": 10, "c": 2, "d": 30})
        assert protect(tallied(keys), "public", hierarchy=first, ledger=book)
        for profile, unit in itertools.product(("public", "partner"), ("persons", "events")):
            with pytest.raises(NotReleasable, match="under another hierarchy"):
                protect(tallied(keys, count=unit), profile, hierarchy=second, ledger=book)


def cut(counts: dict[str, int], tree: Tree) -> list[tuple[tuple[str, ...], int | None]]:
    """The cut for people alone, worked out a second time."""
    if isinstance(tree, tuple) and all(sum(counts[code] for code in flat(child)) >= K for child in tree):
        return [block for child in tree for block in cut(counts, child)]
    return [(flat(tree), label(sum(counts[code] for code in flat(tree)), K))]


def flat(tree: Tree) -> tuple[str, ...]:
    return (tree,) if isinstance(tree, str) else (*flat(tree[0]), *flat(tree[1]))


def test_a_tree_that_was_refused_is_the_tree(tmp_path: Path) -> None:
    """Trying trees until one publishes would choose it by the data."""
    keys = people({"a": 3, "b": 2, "c": 2})
    with pytest.raises(NotReleasable, match="too few"):
        protect(tallied(keys), hierarchy=(("a", "b"), "c"), ledger=tmp_path / "book")
    with pytest.raises(NotReleasable, match="another hierarchy"):
        protect(tallied(people({"a": 30, "b": 20, "c": 20})), hierarchy=("a", ("b", "c")), ledger=tmp_path / "book")


def test_a_finer_period_of_a_published_one_is_not_published(tmp_path: Path) -> None:
    """Plain: a year of 30 beside quarters of 10, 10 and 10 proves that nobody came in the fourth only."""
    keys = pd.concat(
        [people({"a": 30, "b": 30}, period=name).assign(person=lambda f, x=name: x + f["person"]) for name in QUARTERS]
    )
    by_year = keys.assign(period="2023")
    book = tmp_path / "book"
    year = said(by_year, hierarchy=("a", "b"), ledger=book)
    assert said(keys, hierarchy=("a", "b"), ledger=book, periods=QUARTERS)[0] == year[0]
    months = {name: span for name, span in MONTHS.items() if name.startswith("2023")}
    by_month = keys.assign(
        period=keys["period"].map({name: f"2023-{3 * i + 1:02d}" for i, name in enumerate(QUARTERS)})
    )
    assert said(by_month, hierarchy=("a", "b"), ledger=book, periods=months)[0] == year[0]
    halves = {"one": Period("2023-01-01", "2023-07-01"), "two": Period("2023-07-01", "2024-01-01")}
    in_halves = keys.assign(period=keys["period"].map(lambda name: "one" if name[-1] in "12" else "two"))
    assert "share days" in said(in_halves, hierarchy=("a", "b"), ledger=book, periods=halves, phased=True)


def test_nine_windows_moved_by_a_month_are_one_release_and_eight_refusals(tmp_path: Path) -> None:
    """Plain: see the attacks by sums, 171 months of the sample town in which presence is proven."""
    keys = pd.concat(
        [people({"a": 20, "b": 20}, period=name).assign(person=lambda f, x=name: x + f["person"]) for name in MONTHS]
    )
    words = []
    for first in range(9):
        names = list(MONTHS)[first : first + 12]
        window = {"window": Period(MONTHS[names[0]].start, MONTHS[names[-1]].end)}
        mine = keys[keys["period"].isin(names)].assign(period="window")
        words.append(said(mine, hierarchy=("a", "b"), ledger=tmp_path / "book", periods=window, phased=True))
    assert not isinstance(words[0], str)
    assert all(isinstance(refusal, str) and "share days" in refusal for refusal in words[1:])
    assert len(set(words[1:])) == 1


def test_windows_of_closed_periods_are_functions_of_the_labels() -> None:
    """Whoever was in which quarter of a joint half, or which area of a joint block: the windows say the same."""
    found = set()
    for few in range(K):
        quarters = [people({"a": n, "b": 20}, period=name).assign(person=lambda f, x=name: x + f["person"])
                    for name, n in zip(QUARTERS, (few, 20 - few, 20, 20), strict=True)]  # fmt: skip
        for unit in ("persons", "events"):
            protected = protect(tallied(pd.concat(quarters), periods=QUARTERS, count=unit), hierarchy=("a", "b"))
            published = list(protected.periods)
            windows = [published[i:j] for i in range(len(published)) for j in range(i + 1, len(published) + 1)]
            found.add((unit, protected.rows, tuple(str(protected.window(window)) for window in windows)))
    assert len(found) == 2


# --- filters and other sources


def test_a_filter_and_the_rest_prove_the_rest_in_the_plain_way_and_a_selection_is_refused() -> None:
    """Plain, even with labels: 30 in all and 30 indoors leave 0 to 4 on the street only."""
    assert interval(30, K)[1] - interval(30, K)[0] == 4
    selected = dataclasses.replace(tallied(people({"a": 30})), selection="setting")
    for profile in ("partner", "public", "open"):
        with pytest.raises(NotReleasable):
            protect(selected, profile, hierarchy="a")


def test_records_filtered_before_they_are_read_leave_every_small_rest_possible(tmp_path: Path) -> None:
    """A filter that hides as the same source is late records: every small rest is behind the same two releases."""
    behind: dict[Any, set[int]] = {}
    for everybody, part in itertools.product((28, 32), range(17, 33)):
        if part <= everybody:
            book = tmp_path / f"{everybody} {part}"
            two = [said(people({"a": n, "b": 40}), hierarchy=("a", "b"), ledger=book) for n in (everybody, part)]
            behind.setdefault(str(two), set()).add(everybody - part)
    assert len(behind) > 1
    for rest in behind.values():
        assert set(range(K)) <= rest or min(rest) >= K


def test_a_source_is_not_published_beside_the_sources_together(tmp_path: Path) -> None:
    """Plain: 12 from both and 10 from the clinic leave 2 of the outreach team."""
    both = dataclasses.replace(tallied(people({"a": 12, "b": 40})), published={"clinic": None, "outreach": None})
    one = tallied(people({"a": 10, "b": 40}))
    for first, second in ((both, one), (one, both)):
        book = tmp_path / "+".join(first.sources)
        assert protect(first, hierarchy=("a", "b"), ledger=book)
        with pytest.raises(NotReleasable, match="another combination"):
            protect(second, hierarchy=("a", "b"), ledger=book)


def test_other_records_of_the_same_areas_change_nothing(tmp_path: Path) -> None:
    """Arrests beside contacts: neither release is a function of the other's records."""
    worlds = []
    for few in (0, 7):
        book = tmp_path / str(few)
        arrests = said(people({"a": few, "b": 40 - few}), hierarchy=("a", "b"), ledger=book, source="police")
        worlds.append((arrests, said(people({"a": 20, "b": 30}), hierarchy=("a", "b"), ledger=book)))
    assert worlds[0] == worlds[1]


# --- other geographies


def squares(codes: str, size: float = 1000) -> gpd.GeoDataFrame:
    shapes = [box(size * i, 0, size * (i + 1), size) for i in range(len(codes))]
    return gpd.GeoDataFrame({"name": list(codes), "population": 1000.0}, geometry=shapes, index=list(codes), crs=27700)


@pytest.mark.parametrize("edge", [400.0, 1500.0, 2000.0])
def test_wards_and_hexagons_over_areas_are_functions_of_labels(edge: float) -> None:
    """Plain: counted anew, cells of 1,500 m over areas of 1,000 m leave the area between them by subtraction."""
    from commonground.disclosure.spreading import spread_over

    assert attacker_bounds([(["a", "b"], 20), ("a", 17)], hidden="b").low == (3,)
    areas = squares("abcd")
    other = gpd.GeoDataFrame(
        geometry=[box(x, 0, x + edge, 1000) for x in range(0, 4000, int(edge))], crs=27700
    ).set_index(pd.Index([f"w{i}" for i in range(len(range(0, 4000, int(edge))))]))
    found = set()
    for few in range(K):
        counted = dataclasses.replace(
            tallied(people({"a": 17 - few, "b": few, "c": 40, "d": 20}), codes="abcd"), areas=areas
        )
        spread = spread_over(protect(counted, hierarchy=(("a", "b"), ("c", "d"))), other)
        found.add((spread.to_frame().to_json(double_precision=15), spread.summary(), spread.areas.to_json()))
    assert len(found) == 1


# --- what is said where nothing is shown


def test_refusals_do_not_tell_one_person_from_seven() -> None:
    words = {said(people({"a": n, "b": m}), profile, hierarchy=("a", "b"), codes="ab")
             for n, m in ((1, 0), (0, 1), (3, 4), (7, 0), (0, 7)) for profile in ("partner", "public")}  # fmt: skip
    assert len(words) == 1
    assert not re.search(r"\d", words.pop().replace("2023", ""))


def test_a_year_that_is_left_out_is_left_out_in_the_same_words() -> None:
    years = {"2022": PHASES["before"], "2023": YEAR}
    shown_year = people({"a": 30}, period="2023")
    worlds = [pd.concat([people({"a": n}, period="2022"), shown_year]) for n in range(K)]
    found = {said(keys, hierarchy="a", periods=years)[:2] for keys in worlds}
    assert len(found) == 1


@pytest.mark.parametrize("profile", ["partner", "public"])
def test_a_level_or_category_few_hold_looks_like_one_nobody_holds(profile: str) -> None:
    plan = {"categories": {"setting": ("street", "off-street", "online")}}
    found = set()
    for few in range(K):
        levels = ["street"] * 40 + ["off-street"] * (40 - few) + ["online"] * few
        keys = people({"a": 80}).assign(setting=levels)
        other = people({"b": 80}).assign(setting=["street", "off-street"] * 40)
        found.add(str(said(pd.concat([keys, other]), profile, hierarchy=("a", "b"), plan=plan)))
    assert len(found) == 1


# --- policy


def test_no_downgrade_from_partner_to_public_to_open(tmp_path: Path) -> None:
    keys = people({"a": 9, "b": 8, "c": 30})
    tree: Tree = (("a", "b"), "c")
    book = tmp_path / "book"
    assert shown(protect(tallied(keys), hierarchy=tree, ledger=book)) == {"a": 10, "b": 10, "c": 30}
    public = protect(tallied(keys), "public", hierarchy=tree, ledger=book)
    assert all(row[4] is None or row[4] >= 15 for row in public.rows)
    with pytest.raises(NotReleasable):
        protect(tallied(keys, published={"clinic": "our own report, 2024"}), "open", hierarchy=tree, ledger=book)


def test_no_argument_lowers_k() -> None:
    for attempt in ({"k": 1}, {"rounding": 1}, {"profile": "internal"}):
        with pytest.raises(TypeError):
            Plan(**attempt)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        protect(tallied(people({"a": 3, "b": 30})), hierarchy=("a", "b"), k=1)  # type: ignore[call-arg]


def test_a_profile_put_in_the_place_of_the_real_ones_does_not_lower_k(monkeypatch: pytest.MonkeyPatch) -> None:
    loose = Profile(
        "partner", k=1, lag_months=0, finest_time="month", addresses=0, dimensions=9, premises=0, events=0, share=1
    )
    before = said(people({"a": 3, "b": 30}), hierarchy=("a", "b"))
    for module in (gate, case, cutting):
        if hasattr(module, "profile_named"):
            monkeypatch.setattr(module, "profile_named", lambda _: loose)
    assert said(people({"a": 3, "b": 30}), hierarchy=("a", "b"))[0] == before[0]
    assert isinstance(said(people({"a": 7}), hierarchy="a"), str)


@pytest.mark.parametrize("columns", [{"premises": "p"}, {"event": "e"}])
def test_the_public_beside_the_partner_says_nothing_new_of_people_in_one_area_each(columns: dict[str, str]) -> None:
    """Whatever is behind the partner's release, the public's is the same: it can be worked out from it."""
    seen: dict[str, set[str]] = {}
    tree: Tree = (("a", "b"), ("c", "d"))
    for counts in itertools.product((2, 12, 13), (8, 12), (3, 12), (20,)):
        keys = people(dict(zip("abcd", counts, strict=True)))
        keys = keys.assign(**{name: [f"{start}{i}" for i in range(len(keys))] for name, start in columns.items()})
        partner, public = (str(said(keys, profile, hierarchy=tree)[0]) for profile in ("partner", "public"))
        seen.setdefault(partner, set()).add(public)
    assert len(seen) > 3
    assert all(len(publics) == 1 for publics in seen.values())


# --- registered evaluations: exact counts at two significant digits


def published_of(counts: tuple[int, int, int, int]) -> tuple[float, ...]:
    """What registered outcomes over one pair of zones say: ratios with intervals, and differences, at 2 digits."""
    t0, t1, c0, c1 = counts
    relative, width = (t1 / t0) / (c1 / c0), 1.96 * math.sqrt(sum(1 / n for n in counts))
    alone, narrow = t1 / t0, 1.96 * math.sqrt(1 / t0 + 1 / t1)
    other, slim = c1 / c0, 1.96 * math.sqrt(1 / c0 + 1 / c1)
    numbers = [
        ratio * math.exp(sign * half)
        for ratio, half in ((relative, width), (alone, narrow), (other, slim))
        for sign in (-1, 0, 1)
    ]
    difference, spread = (t1 - t0) - (c1 - c0), math.sqrt(sum(counts))
    return tuple(
        significant(n) for n in (*numbers, difference, spread, difference - 1.96 * spread, difference + 1.96 * spread)
    )


def test_many_registered_outcomes_give_exact_zone_counts_away() -> None:
    """Of all 625 worlds behind the labels 30, 20, 40, 40: measured, 415 are the only one behind what is published."""
    behind: dict[tuple[float, ...], int] = {}
    spans = [range(interval(value, K)[0], interval(value, K)[1] + 1) for value in (30, 20, 40, 40)]
    for counts in itertools.product(*spans):
        behind[published_of(counts)] = behind.get(published_of(counts), 0) + 1
    assert sum(behind.values()) == 625
    assert sum(n for n in behind.values() if n == 1) == 415


def test_with_every_exact_block_count_public_any_area_may_still_hold_any_small_number() -> None:
    """The safety argument that registered estimates rest on, for the blocks of gate.md's vectors."""
    for exact in range(8, 60):
        bounds = attacker_bounds([(["a", "b"], exact), ("c", 12), (["a", "b", "c"], exact + 12)], hidden="ab")
        assert bounds.exposed(K) == ()
    zones = {"treated": ("a", "b"), "North": ("c", "d")}
    found = set()
    for few in range(K):
        keys = pd.concat([people({"a": few, "b": 30 - few, "c": 20, "d": 20}, period=phase) for phase in PHASES])
        shown_here = protect(tallied(keys, periods=PHASES, count="events"), zones=zones)
        row = {"outcome": "contacts", "label": "Contacts", "goal": "access", "good": "rise", "primary": True,
               "ratio": 1.0, "low": 0.61, "high": 1.65, "p": 0.99, "before": 30, "after": 30, "cautions": "",
               "verdict": "cannot tell", "reports": False}  # fmt: skip
        outcome = SimpleNamespace(input="seen", where={}, count="events", goal="access", good="rise", primary=True,
                                  margin=0.2, reports=False, reporting=None, label="Contacts")  # fmt: skip
        study = SimpleNamespace(
            outcomes={"contacts": outcome}, zones=zones, phases=PHASES, policy="partner", areas=None
        )
        results = SimpleNamespace(to_frame=lambda row=row: pd.DataFrame([row]), read=lambda row: str(row["ratio"]))
        registered = register(study, results, {"seen": shown_here})
        found.add((shown_here.rows, registered.to_frame().to_json(), str(registered.sentences)))
    assert len(found) == 1


def test_a_measure_that_is_shown_later_is_counted_in_the_first_snapshot(tmp_path: Path) -> None:
    """Plain: 12 people as 10, then 13 events, one a person, as 15: somebody came late."""
    book = tmp_path / "book"
    assert shown(protect(tallied(people({"a": 12, "b": 40})), hierarchy=("a", "b"), ledger=book))["a"] == 10
    later = tallied(people({"a": 13, "b": 40}), count="events")
    assert shown(protect(later, hierarchy=("a", "b"), ledger=book))["a"] == 10


@pytest.mark.parametrize("profile", ["partner", "public"])
def test_a_refusal_stands_when_one_record_is_added(profile: str, tmp_path: Path) -> None:
    """Whoever adds one record and turns a refusal into a release knows that there were exactly k - 1 before."""
    least = {"partner": 8, "public": 13}[profile]
    words = [said(people({"a": n}), profile, hierarchy="a", ledger=tmp_path / "book") for n in (least - 1, least)]
    assert words[0] == words[1]
    years = {"2022": PHASES["before"], "2023": YEAR}
    two = [pd.concat([people({"a": 30}, period="2023"), people({"a": n}, period="2022")]) for n in (least - 1, least)]
    releases = [said(keys, profile, hierarchy="a", periods=years, ledger=tmp_path / "years") for keys in two]
    assert releases[0] == releases[1]


def test_whether_people_are_known_is_settled_by_the_first_release(tmp_path: Path) -> None:
    keys = pd.DataFrame({"area": ["a"] * 14 + ["b"] * 30, "person": None, "event": [f"e{i}" for i in range(44)]})
    first = said(keys, hierarchy=("a", "b"), ledger=tmp_path / "book", count="events")
    one = pd.concat([keys, pd.DataFrame({"area": ["b"], "person": ["new"], "event": ["new"]})])
    assert said(one, hierarchy=("a", "b"), ledger=tmp_path / "book", count="events") == first
    known = keys.assign(person=["x"] * 14 + [f"p{i}" for i in range(30)])
    assert isinstance(said(known, hierarchy=("a", "b"), ledger=tmp_path / "book"), str)


def test_nobody_at_all_is_refused_in_the_words_for_a_few() -> None:
    assert said(people({"a": 0}), hierarchy="a", codes="a") == said(people({"a": 7}), hierarchy="a", codes="a")
