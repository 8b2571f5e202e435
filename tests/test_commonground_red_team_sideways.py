"""Attacks from the side: what objects print, log, format, copy and pickle holds nothing of a record."""

from __future__ import annotations

import collections.abc
import copy
import dataclasses
import functools
import importlib
import inspect
import io
import logging
import pickle
import pkgutil
import pprint
import re
import traceback
import types
import typing
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from shapely.geometry import Point

import commonground
import evaluation
import mapping
from commonground.dashboard import displacement_report
from commonground.disclosure import Plan, Protected, protect
from commonground.disclosure.inspection.needles import Needles
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.pickles import Exact, Published
from commonground.records import Records
from commonground.release.writer import write_release
from commonground.study import Study, load_study

COUNT, SHARE = 4711, 0.4711  # a count or coordinate, and a share, that nothing else holds
PERSON, PHONE, FLAT, TIME = "LONEBIRD77", "07700 900461", "FLATREF-0412", "22:41"
CANARIES = ("4711", "4,711", "4.711", PERSON, PHONE, PHONE.replace(" ", ""), FLAT, TIME)

# What may print its numbers, or travel in a pickle, and why. Everything else that is public may not.
PUBLISHED = "holds values that came through the gate"
DECLARED = "holds what the study file, the caller or this package says, before any record is read"
SHOWS = {
    "commonground.disclosure.protected.Protected": PUBLISHED,
    "commonground.disclosure.register.Registered": PUBLISHED,
    "commonground.disclosure.questions.Answer": PUBLISHED,
    "commonground.disclosure.ranges.PublishedRange": PUBLISHED,
    "commonground.disclosure.questions.Question": PUBLISHED,
    "commonground.disclosure.utility.Utility": PUBLISHED,
    "commonground.disclosure.spreading.Spread": PUBLISHED,
    "commonground.disclosure.further._Labels": PUBLISHED,
    "commonground.disclosure.further.First": PUBLISHED,
    "commonground.disclosure.tabled.Table": PUBLISHED,
    "commonground.disclosure.sealing.Shown": "holds the rows that are about to be published",
    "commonground.disclosure.audit.Audit": "holds what anybody works out from what is shown",
    "commonground.disclosure.overlay.Overlay": "holds what anybody works out from what is shown",
    "commonground.disclosure.overlay.Release": "holds published intervals",
    "commonground.disclosure.chain.Writing": "holds rows of the ledger, which are published values",
    "commonground.disclosure.ledger.Ledger": "holds rows of the ledger, which are published values",
    "commonground.disclosure.bounds.AttackerBounds": "holds what anybody works out from what is shown",
    "mapping.published.RateChange": PUBLISHED,
    "mapping.spread.SpreadSurface": PUBLISHED,
    "mapping.label_counts.Count": PUBLISHED,
    "mapping.published_needs.PublishedProfile": PUBLISHED,
    "mapping.redraws.Redraws": DECLARED,
    "mapping.sightings.ListFacts": DECLARED,
    "commonground.framework.Framework": DECLARED,
    "commonground.disclosure.cells.Rules": DECLARED,
    "commonground.disclosure.policy.Profile": DECLARED,
    "commonground.disclosure.policy.Plan": DECLARED,
    "commonground.disclosure.closing.Closed": DECLARED,
    "commonground.disclosure.hierarchy.Node": DECLARED,
    "commonground.study.Outcome": DECLARED,
    "commonground.studyneeds.NeedsPlan": DECLARED,
    "commonground.studyinputs.Input": DECLARED,
    "commonground.study.Study": DECLARED,
    "commonground.periods.Period": DECLARED,
    "mapping.kernels.Lattice": "holds the edges of a lattice over a declared window",
    "mapping.relabelling.Ground": "holds kernels over a declared window",
    "commonground.errors.Problem": "holds numbers of rows",
    "evaluation.counts.Checks": "holds numbers of rows",
    "evaluation.foreseeing.simulated_series.Draw": "makes series from a declared design; holds no record",
    "mapping.programs.CoverProgram": "holds areas and people in need while a plan is sought; prints its address",
    "commonground.formats.headers.Header": "holds numbers of columns",
    "commonground.disclosure.inspection.expectation.Finding": "holds where in a file something was found",
    "commonground.disclosure.inspection.pieces.Flag": "holds where in a file something was found",
}
# Parts of a file that is about to be attacked, and what is drawn: made from published values only.
RENDERED = ("commonground.release.", "commonground.dashboard.", "commonground.disclosure.inspection.pieces.")
# Public, and not made of fields: what each one holds.
OTHERS = {
    "commonground.disclosure.inspection.needles.Needles": "digests; refuses pickles itself",
    "commonground.disclosure.worlds.Worlds": "worlds that fit what is shown",
    "commonground.studyvalues.Findings": "problems of the study file",
    "commonground.studyvalues.Section": "the study file",
    "commonground.pickles.Exact": "nothing",
    "commonground.pickles.Published": "nothing",
    "evaluation.counts.Unprinted": "nothing",
    "evaluation.foreseeing.simulated_series.Draw": "draws series from a declared design; holds no record",
    "mapping.programs.CoverProgram": "people in need while a plan is sought; prints its address only",
}


@functools.cache
def classes(*, private: bool = False) -> dict[str, type]:
    """Every class that the packages define and name in ``__all__``; where asked, every class."""
    found: dict[str, type] = {}
    for package in (commonground, mapping, evaluation):
        inside = (part.name for part in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
        for module in map(importlib.import_module, inside):
            for name, one in vars(module).items():
                own = inspect.isclass(one) and one.__module__ == module.__name__
                data = own and not issubclass(one, BaseException) and not getattr(one, "_is_protocol", False)
                if data and (private or name in module.__all__):
                    found[f"{module.__name__}.{name}"] = one
    return found


def has_fields(cls: type) -> bool:
    return dataclasses.is_dataclass(cls) or hasattr(cls, "_fields")


def may_show(name: str) -> bool:
    rendered = name.startswith(RENDERED) and not issubclass(classes(private=True)[name], Exact)
    return name in SHOWS or rendered


KEPT = sorted(name for name, cls in classes().items() if dataclasses.is_dataclass(cls) and not may_show(name))
EXACT = sorted(name for name, cls in classes().items() if issubclass(cls, Exact) and dataclasses.is_dataclass(cls))


# --- canaries in every field


def table() -> pd.DataFrame:
    cells = {"person": [PERSON, PHONE], "premises": FLAT, "n": COUNT, "x": SHARE, "when": f"2023-05-17 {TIME}"}
    return pd.DataFrame(cells, index=[PERSON, PHONE])


PLANTED: dict[Any, Any] = {
    int: COUNT, float: SHARE, bool: True, str: "word", bytes: PHONE.encode(),
    pd.DataFrame: table(), pd.Series: table()["n"], pd.Index: pd.Index([PERSON, PHONE, FLAT, COUNT]),
    gpd.GeoDataFrame: gpd.GeoDataFrame(table(), geometry=[Point(COUNT, COUNT)] * 2),
    np.ndarray: np.array([COUNT, SHARE]), sparse.csr_array: sparse.csr_array(np.array([[COUNT, SHARE]])),
    Needles: Needles([PERSON, PHONE]), pd.Timestamp: pd.Timestamp("2023-05-17"), Path: Path("place"),
    Period: Period("2022-01-01", "2023-01-01"),
}  # fmt: skip


class _Subscriptable(pd.Series):
    """Lets an annotation such as ``pd.Series[float]`` or ``pd.Index[Any]`` be read; a canary as any Series is."""

    def __class_getitem__(cls, item: object) -> type:
        return pd.Series


def plant(wanted: Any, above: tuple[type, ...] = ()) -> Any:
    """A value of the wanted type, with canaries wherever records or counts could be."""
    origin, inner = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return plant(inner[0], above)
    if wanted in PLANTED or origin is np.ndarray:
        return PLANTED[np.ndarray if origin is np.ndarray else wanted]
    if origin is tuple:
        return tuple(plant(part, above) for part in inner if part is not ...)
    if origin in (dict, collections.abc.Mapping):
        return {plant(inner[0], above): plant(inner[1], above)}
    if origin in (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable):
        return [plant(inner[0], above)]
    if isinstance(wanted, type) and has_fields(wanted) and wanted not in above:
        return planted(wanted, above)
    return None


def planted(cls: Any, above: tuple[type, ...] = ()) -> Any:
    """An instance with canaries in every field, made past every check."""
    names = [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else cls._fields
    try:
        hints = typing.get_type_hints(cls)
    except TypeError:
        lenient = types.SimpleNamespace(**{**vars(pd), "Series": _Subscriptable, "Index": _Subscriptable})
        hints = typing.get_type_hints(cls, {**vars(importlib.import_module(cls.__module__)), "pd": lenient})
    values = {name: plant(hints[name], (*above, cls)) for name in names}
    if issubclass(cls, tuple):
        return cls(**values)
    made = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def fields_of(thing: Any) -> str:
    fields = {name: str(value) for name, value in vars(thing).items()}
    return re.sub(r" at 0x[0-9a-f]+", "", str(fields))


def fail_with(thing: Any) -> None:
    try:
        dict[Any, Any]()[str(thing)]
    except KeyError as error:
        raise ValueError(thing) from error


def said(thing: Any) -> Iterator[str]:
    """Everything an object says of itself without being asked for its numbers."""
    yield from (repr(thing), str(thing), f"{thing}", f"{thing!r}", format(thing), pprint.pformat(thing))
    yield str([thing]) + str({"one": (thing,)})
    for view in ("_repr_html_", "_repr_pretty_", "_repr_mimebundle_", "_repr_json_", "_repr_latex_", "_repr_png_"):
        if hasattr(type(thing), view):
            yield str(getattr(thing, view)())
    stream = io.StringIO()
    logger = logging.Logger("sideways", logging.DEBUG)
    logger.addHandler(logging.StreamHandler(stream))
    logger.debug("%s %r %s", thing, thing, {"extra": thing})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(str(thing), stacklevel=1)
        yield from (str(warning.message) for warning in caught)
    try:
        fail_with(thing)
    except ValueError as error:
        logger.exception("lost")
        yield "".join(traceback.format_exception(error))
    yield stream.getvalue()
    yield str(pd.Series([thing], dtype=object)) if not isinstance(thing, tuple) else ""


def leaks(thing: Any) -> set[str]:
    """The canaries that are said; an address in memory is no canary, whatever its digits are."""
    return {canary for text in said(thing) for canary in CANARIES if canary in re.sub(r"0x[0-9a-f]+", "", text)}


# --- what is printed


@pytest.mark.parametrize("name", sorted(classes(private=True)))
def test_no_class_prints_what_it_holds(name: str) -> None:
    cls = classes(private=True)[name]
    if not has_fields(cls):
        assert cls.__repr__ is object.__repr__ or name in OTHERS, f"{name} is new: say in OTHERS what it holds"
    elif not may_show(name):
        assert not leaks(planted(cls)), f"{name} prints what it holds: give it repr=False, or say in SHOWS why it may"


def test_the_list_of_what_may_show_is_not_longer_than_the_packages() -> None:
    found = classes()
    assert set(SHOWS) | set(OTHERS) <= set(classes(private=True))
    assert set(OTHERS) == {name for name, cls in found.items() if not has_fields(cls)}


def test_a_class_that_prints_its_rows_would_be_seen() -> None:
    @dataclasses.dataclass
    class Rows:
        frame: pd.DataFrame

    @dataclasses.dataclass
    class Pair:
        pair: tuple[int, float]

    @dataclasses.dataclass(repr=False)
    class Html:
        frame: pd.DataFrame

        def _repr_html_(self) -> str:
            return self.frame.to_html()

    assert {PERSON, PHONE, FLAT, "4711", TIME} <= leaks(Rows(table()))
    assert "4711" in leaks(Pair((COUNT, SHARE)))
    assert PERSON in leaks(Html(table()))
    assert (
        len(
            [
                name
                for name, cls in classes().items()
                if dataclasses.is_dataclass(cls) and "4711" in fields_of(planted(cls))
            ]
        )
        > 40
    )


def test_a_private_class_that_prints_a_frame_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Records, "__repr__")
    monkeypatch.setattr(Records, "__repr__", lambda self: f"Records({self.frame})", raising=False)
    assert PERSON in leaks(planted(Records))


# --- pickles and copies


@pytest.mark.parametrize("name", KEPT)
def test_nothing_exact_is_pickled(name: str) -> None:
    thing = planted(classes()[name])
    if not any(canary in fields_of(thing) for canary in CANARIES):
        return  # nothing in it can hold a value of a record
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=r"is not pickled|stay in memory"):
            pickle.dumps(thing, protocol)
        with pytest.raises(TypeError, match=r"is not pickled|stay in memory"):
            pickle.dumps({"inside": [thing]}, protocol)


@pytest.mark.parametrize("name", EXACT)
def test_what_is_exact_is_still_copied_in_memory(name: str) -> None:
    thing = planted(classes()[name])
    for made in (copy.copy(thing), copy.deepcopy(thing)):
        assert type(made) is type(thing)
        assert made is not thing
        assert fields_of(made) == fields_of(thing)
    assert not leaks(copy.copy(thing)) or may_show(name)


def test_a_pickle_of_what_is_exact_would_carry_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Exact, "__reduce_ex__")
    assert PERSON.encode() in pickle.dumps(planted(Records))


def shown() -> Protected:
    people = pd.DataFrame({"start": "2023-05-01", "area": "a", "person": [f"p{i}" for i in range(30)]})
    whole = pd.DataFrame({"source": ["contacts"], "start": ["2023-01-01"], "end": ["2024-01-01"]})
    counted = commonground.tally(
        commonground.read_records(people, "contacts").with_coverage(whole), every="year", count="persons"
    )
    return protect(counted, hierarchy="a", as_of="2025-01-01", plan=Plan(measures=("persons",)))


def test_what_comes_out_of_a_pickle_is_read_and_not_written(tmp_path: Path) -> None:
    class Forgery:
        def __reduce__(self) -> tuple[Any, ...]:
            few = ("a", ("a",), "2023", (), 3, 3, 3)
            return object.__new__, (Protected,), {**vars(shown()), "rows": (few,), "in_ledger": True}

    honest = pickle.loads(pickle.dumps(shown()))
    assert honest.rows == shown().rows
    for carried in (honest, pickle.loads(pickle.dumps(Forgery()))):
        assert not carried.in_ledger
        with pytest.raises(NotReleasable, match="looked at but not written"):
            write_release(tmp_path / "out", {"a.csv": b"a\n"}, origins=[carried])
    assert not (tmp_path / "out").exists()


def test_a_copy_of_what_is_published_is_itself() -> None:
    protected = shown()
    assert copy.copy(protected) is protected
    assert copy.deepcopy({"a": protected})["a"] is protected
    assert isinstance(protected, Published)


# --- the canary town, looked at from the side


def birds(study: Study) -> set[str]:
    """Every raw identifier, note, moment and place of the town's contacts, and every pseudonym."""
    raw = pd.read_csv(study.path.parent / "contacts.csv", dtype="str")
    rows = study.located("contacts").frame
    own = {str(value) for name in ("client", "flat", "session", "when", "notes") for value in raw[name].dropna()}
    pseudonyms = {str(value) for name in ("person", "premises", "event") for value in rows[name].dropna()}
    return {*own, *pseudonyms, *(raw["east"] + "," + raw["north"]), *raw["when"].str.replace("T", " "), "900461"}


def test_objects_made_from_the_canary_town_say_nothing_of_it(canary: Any) -> None:
    study = canary.study
    records, counted = study.located("contacts"), study.tally("contacts", by=("setting",), count="persons")
    points, phases = records.points(), study.tally("contacts", every=study.phases).table()
    half = len(points) // 2
    things = [
        study,
        records,
        records.where("setting", ["street"]),
        counted,
        counted.merge_areas({"all": counted.codes}),
        study.outcome_tally("contacts"),
        evaluation.rate_ratio(3, 1),
        evaluation.shift_test(study.outcome_tally("contacts").series(), "2023-01"),
        evaluation.evaluate(study),
        displacement_report(study, permutations=19),
        mapping.displacement_surface(
            points.iloc[:half], points.iloc[half:], study.areas.union_all(), permutations=19, cell=200.0
        ),
        mapping.area_change(*(phases.loc[name] for name in ("before", "after")), study.areas),
        canary.contents,
        canary.expectation,
    ]
    wanted = birds(study)
    for thing in things:
        text = "\n".join(said(thing))
        assert not {bird for bird in wanted if bird in text}, type(thing).__name__
    assert {bird for bird in wanted if bird in str(records.to_frame().to_string())}


def test_nothing_is_logged(canary: Any, caplog: pytest.LogCaptureFixture) -> None:
    study: Study = canary.study
    with caplog.at_level(logging.DEBUG):
        again = load_study(study.path)
        counted = again.tally("contacts", every=again.phases, count="persons")
        protect(counted, zones=again.zones, plan=again.plan, as_of=again.as_of)
    ours = ("commonground", "mapping", "evaluation")
    assert not [record for record in caplog.records if record.name.startswith(ours)]
    assert not any(bird in caplog.text for bird in birds(study))


# --- dates


def met(days: list[str]) -> tuple[Any, ...]:
    """Everything that is made of contacts on some days, up to what is published."""
    frame = pd.DataFrame({"start": days, "area": "a", "person": [f"p{i}" for i in range(len(days))]})
    records = commonground.read_records(frame, "contacts")
    counted = commonground.tally(records, every="month", count="persons")
    shown = protect(counted, hierarchy="a", as_of="2025-01-01", plan=Plan(measures=("persons",)))
    frames = [counted.to_frame(), counted.table().reset_index(), counted.exposure(), counted.coverage, shown.to_frame()]
    text = "".join(frame.to_csv() for frame in frames)
    return text, counted.notes, counted.summary(), shown.rows, shown.summary(), records.notes, records.summary()


def test_only_the_month_of_a_record_goes_beyond_it() -> None:
    """Somebody who knows that they were met on a day, at an hour or at midnight finds no trace of it."""
    months = [f"2023-{1 + i % 12:02d}" for i in range(120)]
    noon, midnight = ([f"{month}-17T{hour}" for month in months] for hour in ("12:41", "00:00"))
    spread = [f"{month}-{1 + i % 28:02d}T{i % 24:02d}:{i % 60:02d}" for i, month in enumerate(months)]
    plain = [f"{month}-{28 - i % 28:02d}" for i, month in enumerate(months)]
    assert met(noon) == met(midnight) == met(spread) == met(plain)
    assert "17" not in re.findall(r"\d{4}-\d\d-(\d\d)", met(noon)[0])
    assert met(noon) != met([*noon[:-1], "2023-11-17"])


def test_a_moment_before_midnight_stays_on_its_own_day_whatever_its_offset() -> None:
    """23:30 UTC on 30 June is 1 July in London: civil time decides, once, before anything is counted."""
    frame = pd.DataFrame({"start": ["2023-06-30T23:30:00Z", "2023-07-01T00:30:00+01:00", "2023-07-01"], "area": "a"})
    counted = commonground.tally(commonground.read_records(frame, "contacts"), every="month")
    assert counted.table()["a"].tolist() == [3]
    assert str(counted.table().index[0]) == "2023-07"
