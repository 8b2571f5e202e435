"""No argument, variable, edited plan, subclass or patched attribute lowers k: and what Python cannot stop is said."""

from __future__ import annotations

import ast
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import commonground.disclosure
from commonground.disclosure import (
    Plan,
    Profile,
    Protected,
    cells,
    closing,
    cutting,
    gate,
    labels,
    partition,
    policy,
    profile_named,
    protect,
    protected,
    publishing,
)
from commonground.disclosure import case as case_module
from commonground.disclosure.floors import last_look
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import Tally, tally

LOOSE = Profile(
    "partner", k=1, lag_months=0, finest_time="month", addresses=0, dimensions=9, premises=0, events=0, share=1
)
MONTHS = {"before": Period("2023-01-01", "2023-02-01"), "after": Period("2023-02-01", "2023-03-01")}


def town(counts: dict[str, int], *, flat: bool = False) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "start": "2023-02-10" if i % 2 else "2023-01-10",
                "area": area,
                "person": f"{area}{i}",
                "premises": area if flat else f"{area}{i}",
            }
            for area, n in counts.items()
            for i in range(n)
        ]
    )


def counted(frame: pd.DataFrame, **options: Any) -> Tally:
    span = {"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2024-01-01"]}
    records = read_records(frame, "contacts").with_coverage(pd.DataFrame(span))
    return tally(records, **{"every": "year", "count": "persons", **options})


def shown(found: Protected) -> dict[str, int | None]:
    return {"".join(row[1]): row[4] for row in found.rows}


FEW = {"a": 3, "b": 40}


def release(frame: pd.DataFrame | None = None, profile: str = "partner", **options: Any) -> Protected:
    return protect(counted(town(FEW) if frame is None else frame, **options), profile, hierarchy=("a", "b"))


def test_the_small_area_is_joined() -> None:
    assert shown(release()) == {"ab": 45}


# --- arguments


class Sly(str):
    """A text that says it is whatever it is compared with."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return str.__hash__(self)


@pytest.mark.parametrize("name", [Sly("anything"), Sly("open")])
def test_a_text_that_equals_everything_gets_the_partners_rules(name: str) -> None:
    found = release(profile=name)
    assert (found.profile, type(found.profile), shown(found)) == ("partner", str, {"ab": 45})


@pytest.mark.parametrize("profile", [LOOSE, dataclasses.replace(profile_named("partner"), k=1), None, 8, ["partner"]])
def test_a_profile_object_is_no_profile(profile: Any) -> None:
    with pytest.raises(CommonGroundError, match="public, partner or open"):
        release(profile=profile)


def test_changing_a_profile_that_was_handed_out_changes_no_rule() -> None:
    mine = profile_named("partner")
    object.__setattr__(mine, "k", 1)
    assert profile_named("partner").k == 8
    assert shown(release()) == {"ab": 45}


def test_an_edited_plan_or_a_subclass_of_it_lowers_nothing() -> None:
    class Looser(Plan):
        k = 1
        premises = events = 0

    plan = Looser(measures=("persons",))
    object.__setattr__(plan, "k", 1)
    assert shown(protect(counted(town(FEW)), hierarchy=("a", "b"), plan=plan)) == {"ab": 45}
    with pytest.raises(TypeError, match="unexpected keyword"):
        protect(counted(town(FEW)), hierarchy=("a", "b"), plan={"k": 1})
    with pytest.raises(TypeError, match="unexpected keyword"):
        protect(counted(town(FEW)), hierarchy=("a", "b"), k=1)  # type: ignore[call-arg]


def test_no_environment_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("K", "COMMONGROUND_K", "COMMONGROUND_PROFILE", "COMMONGROUND_MIN_CELL", "COMMONGROUND_THRESHOLD"):
        monkeypatch.setitem(os.environ, name, "1")
    assert shown(release()) == {"ab": 45}
    for path in Path(commonground.disclosure.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")), path.name


# --- attributes and constants, patched from outside


def test_patching_the_profiles_where_they_are_defined_or_used_lowers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (policy, commonground.disclosure, case_module, cutting, publishing, gate):
        monkeypatch.setattr(module, "profile_named", lambda name: dataclasses.replace(LOOSE, name=name), raising=False)
    assert shown(release()) == {"ab": 45}
    with pytest.raises(NotReleasable, match="too few people"):  # one flat: the premises rule stands as well
        release(town({"a": 30, "b": 40}, flat=True))
    with pytest.raises(NotReleasable, match="breaks a floor"):  # public cells at the partner's k
        release(town({"a": 9, "b": 40}), "public")
    with pytest.raises(NotReleasable, match="breaks a floor"):  # phases of a month
        release(town({"a": 30, "b": 40}), every=MONTHS)


def _rules(**changes: Any) -> Callable[..., Any]:
    honest = cells.rules_for
    return lambda keys, profile: dataclasses.replace(honest(keys, profile), **changes)


@pytest.mark.parametrize(
    ("module", "name", "value", "profile"),
    [
        (labels, "ROUNDING", 1, "partner"),  # exact numbers
        (gate, "BASE", "public", "public"),  # the partner's cut, shown to the public
        (case_module, "rules_for", _rules(k=1), "partner"),
        (publishing, "label", lambda n, k: int(n), "partner"),
        (publishing, "interval", lambda value, k: (0, value), "public"),
        (gate, "interval", lambda value, k: (value, value), "partner"),
    ],
)
def test_a_patched_constant_or_function_is_caught_before_anything_is_sealed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any, profile: str
) -> None:
    frame = town({"a": 9, "b": 41} if profile == "public" else FEW)
    assert release(frame, profile)
    monkeypatch.setattr(module, name, value)
    with pytest.raises((NotReleasable, ValueError), match=r"breaks a floor|8 or 13"):
        release(frame, profile)


def test_a_patched_lag_or_shortest_period_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = town({"a": 30, "b": 40})
    with pytest.raises(NotReleasable, match="shorter than a quarter"):
        release(frame, every=MONTHS)
    monkeypatch.setattr(closing, "MONTHS", {"month": 0, "quarter": 0, "year": 0})
    with pytest.raises(NotReleasable, match="as long as the profile's shortest"):
        release(frame, every=MONTHS)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(partition, "TIME_TREE", ((1,), (2,), (3,), (4,))), (cells, "MOST_LEVELS", 99), (protected, "COLUMNS", ["x"] * 7)],
)
def test_other_constants_do_not_decide_about_k(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any
) -> None:
    monkeypatch.setattr(module, name, value)
    assert shown(release()) == {"ab": 45}


def test_what_python_cannot_stop_is_said() -> None:
    """Code that rewrites the last look itself can do anything; its docstring says so, and docs/safeguards.md too."""
    assert "Python stops nobody" in (last_look.__doc__ or "")


# --- the last look itself: every one of its rules, switched off one at a time

YEAR = {"2023": Period("2023-01-01", "2024-01-01")}
GOOD = ("a", ("a", "b"), "2023", (), 10, 8, 12)
DAY = pd.Timestamp("2024-08-01")


def look(
    *rows: Any, profile: str = "partner", periods: Any = YEAR, day: Any = DAY, people: bool = True, cite: Any = ()
) -> None:
    last_look(profile, rows or (GOOD,), periods, day, people_known=people, citations=cite)


def row(value: Any, low: Any, high: Any) -> Any:
    return (*GOOD[:4], value, low, high)


def test_a_result_that_obeys_passes() -> None:
    look(GOOD, row(None, None, None))
    look(row(15, 13, 17), profile="public")
    look(row(15, 13, 17), people=False)
    look(row(3, 3, 3), profile="open", people=False, cite=("Office for Statistics, 2024",))


@pytest.mark.parametrize("values", [(7, 7, 11), (10, 7, 12), (10, 10, 10), (11, 8, 12), (5, 8, 12), (10, 11, 15),
                                    (10, 8, 9), (None, 0, 7), (10, None, None), (0, 0, 4), (10, 9, 12)])  # fmt: skip
def test_a_label_or_interval_below_the_floor_is_stopped(values: Any) -> None:
    with pytest.raises(NotReleasable, match="breaks a floor") as error:
        look(row(*values))
    assert not set("0123456789") & set(str(error.value).replace("nearest 5", ""))


def test_the_floor_of_the_public_and_of_events_without_people_is_thirteen() -> None:
    for options in ({"profile": "public"}, {"people": False}):
        with pytest.raises(NotReleasable, match="starts at k or above"):
            look(GOOD, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "internal"}, "one of the profiles"),
        ({"day": pd.Timestamp("2024-03-31")}, "older than the release lag"),
        ({"profile": "public", "day": pd.Timestamp("2024-06-30")}, "older than the release lag|starts at k"),
        ({"day": pd.Timestamp.now() + pd.Timedelta(days=2)}, "dated today at the latest"),
        ({"periods": {"2023": Period("2023-01-01", "2023-02-01")}}, "as long as the profile's shortest"),
        ({"periods": {}}, "areas and a period"),
        ({"profile": "open"}, "with a citation"),
        ({"profile": "open", "people": False}, "with a citation"),
    ],
)
def test_other_floors(options: Any, said: str) -> None:
    with pytest.raises(NotReleasable, match=said):
        look(**options)


def test_a_forged_result_is_looked_at_too() -> None:
    """Whoever imports the private seal still meets the floors."""
    honest = release()
    fields = {field.name: getattr(honest, field.name) for field in dataclasses.fields(honest)}
    assert Protected(**fields, seal=protected.seal()).rows == honest.rows
    forged = fields | {"rows": (("a", ("a",), "2023", (), 3, 3, 3),)}
    with pytest.raises(NotReleasable, match="breaks a floor"):
        Protected(**forged, seal=protected.seal())


# --- a year of one month is that month


def test_months_that_make_no_quarter_are_not_shown_as_a_year() -> None:
    rng = np.random.default_rng(1)
    frame = town({"a": 60, "b": 60}).assign(start=lambda f: rng.choice(["2023-11-05", "2023-12-05"], len(f)))
    window = {"window": Period("2023-11-01", "2024-01-01"), "every": "month"}
    for profile in ("partner", "public"):
        with pytest.raises(NotReleasable, match="nothing finer than a whole"):
            release(frame, profile, **window)
    longer = {"window": Period("2023-09-01", "2024-01-01"), "every": "month"}
    assert set(release(frame, **longer).periods) == {"2023"}  # the last quarter, whole
    assert release(frame, **longer).periods["2023"] == Period("2023-10-01", "2024-01-01")
    with pytest.raises(NotReleasable, match="nothing finer than a whole year"):
        release(frame, "public", **longer)
