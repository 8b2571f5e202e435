"""Attacks on messages: whatever is wrong with a file or an argument, no error and no warning repeats a record."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

import commonground
import evaluation
import mapping
from commonground import formats
from commonground.areas import place
from commonground.errors import CommonGroundError, RecordsError
from commonground.records.schemas import COLUMNS
from commonground.sampletown import lay_out
from commonground.studycheck import check_study

CANARIES = ("LONEBIRD77", "07700 900461", "FLATREF", "blue gate", "642224.4711", "22:41", "4711")
NASTY = (
    "LONEBIRD77",
    "07700 900461",
    "FLATREF-0412",
    "near the blue gate by the weir",
    "642224.4711",
    "2023-05-17T22:41:07",
    "31/02/4711",
    "4711e999",
    "x" * 50 + "LONEBIRD77" * 40,
    "LONEBIRD77\n07700 900461",
    '"LONEBIRD77',
    "=LONEBIRD77!A1",
    "LONEBIRD77\u202e",
    "[4711]",
    "4711,4711;LONEBIRD77",
)
GOOD = {
    "start": "2023-05-05", "end": "2023-05-06", "area": "CG01", "x": "642000", "y": "418000", "person": "p", "n": "1",
    "setting": "street", "issues": "a;b", "consent": "none", "role": "selling", "hours": "Mo-Su 10:00-12:00",
    "capacity": "4",
}  # fmt: skip


def told(call: Callable[[], object]) -> str:
    """Everything that a call says when it fails or warns, down to the last cause."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except Exception as error:
            said = ["".join(traceback.format_exception_only(error)), str(getattr(error, "problems", ""))]
            problems = getattr(error, "problems", None)
            said.append("" if problems is None else problems.to_csv())
            while error is not None:
                said += [str(error), repr(error), str(vars(error))]
                error = error.__cause__ or error.__context__  # type: ignore[assignment]
        else:
            said = []
    return "\n".join([*said, *(str(warning.message) for warning in caught)])


def repeated(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def test_a_message_that_repeats_a_cell_would_be_seen() -> None:
    """What pandas and numpy say of the same cells by themselves."""
    assert repeated(told(lambda: pd.Series(["LONEBIRD77"]).astype("float64"))) == ["LONEBIRD77"]
    assert repeated(told(lambda: pd.to_datetime(pd.Series(["2023-05-17T22:41:07x"]), format="ISO8601"))) == ["22:41"]

    def hidden() -> None:
        try:
            float("07700 900461")
        except ValueError:
            raise RecordsError("a number is needed") from None

    assert repeated(told(hidden)) == ["07700 900461"]


# --- files


def spoilt_table(kind: str, rng: np.random.Generator) -> pd.DataFrame:
    names = [*COLUMNS[kind], *(["group_language"] if kind != "services" else [])]
    table = pd.DataFrame({name: [GOOD.get(name, name)] * 4 for name in names}, dtype="str")
    if "event" in table:
        table["event"] = [f"e{row}" for row in range(4)]
    for _ in range(rng.integers(1, 4)):
        table.iloc[rng.integers(4), rng.integers(len(names))] = rng.choice(NASTY)
    return table


def spoilt_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(10, len(data)))
    broken = [
        data,
        data[:at],
        data.decode("utf-8").encode("utf-16"),
        data[:at] + b"\xff\x00" + data[at:],
        data.replace(b"\n", b",LONEBIRD77,07700 900461\n", 3),
        data + b'"LONEBIRD77' + b"x" * 140_000,
        data.replace(b",", b"\t", 9),
    ]
    return broken[int(rng.integers(len(broken)))]


def spoilt_file(folder: Path, seed: int) -> tuple[str, Any]:
    """A table in memory or a file, of any kind that is read, with canaries in wrong places."""
    rng = np.random.default_rng(seed)
    kind = str(rng.choice(list(COLUMNS)))
    table = spoilt_table(kind, rng)
    if rng.random() < 0.2:
        table.columns = [rng.choice(NASTY) if rng.random() < 0.3 else name for name in table.columns]
    forms = ("memory", "csv", "csv", "tsv", "xlsx", "parquet", "geojson")
    form = forms[seed % len(forms)]
    path = folder / f"table{seed}.{form}"
    if form == "memory":
        return kind, table
    if form in ("csv", "tsv"):
        path.write_bytes(spoilt_bytes(table.to_csv(index=False, sep="," if form == "csv" else "\t").encode(), rng))
    elif form == "xlsx":
        table.to_excel(path, index=False)
    elif form == "parquet":
        table.set_axis([f"{name}{i}" if i else name for i, name in enumerate(table.columns)], axis=1).to_parquet(path)
        data = bytearray(path.read_bytes())
        data[int(rng.integers(4, len(data)))] ^= 255
        path.write_bytes(bytes(data))
    else:
        where = [Point(642224.4711, 418426)] * 3 + [rng.choice([Point(4711, 9), Point(), None, box(0, 0, 9, 9)])]
        shapes = gpd.GeoDataFrame(table.T.drop_duplicates().T.iloc[:, :9], geometry=where, crs=27700)
        text = shapes.loc[:, ~shapes.columns.duplicated()].to_json()
        path.write_text(text if rng.random() < 0.7 else text[:-200])
    return kind, path


@pytest.mark.parametrize("seed", range(70))
def test_no_reader_repeats_what_a_file_holds(tmp_path: Path, seed: int) -> None:
    kind, source = spoilt_file(tmp_path, seed)
    text = told(lambda: commonground.read_records(source, kind, crs=("EPSG:27700", "EPSG:4326", "no system")[seed % 3]))
    assert not repeated(text)
    if isinstance(source, pd.DataFrame):
        return
    others: list[Callable[[Any], object]] = [
        formats.read_table,
        formats.read_police_uk,
        formats.read_mps_boroughs,
        formats.read_nhs_clinics,
        formats.read_nhs_pharmacies,
        lambda path: commonground.read_areas(path, code="area", name="start"),
    ]
    assert not repeated(told(lambda: others[seed % len(others)](source)))


@pytest.mark.parametrize("seed", range(100, 128))
def test_what_cannot_be_read_is_refused_in_our_words(tmp_path: Path, seed: int) -> None:
    kind, source = spoilt_file(tmp_path, seed)
    with suppress(CommonGroundError):  # any other error ends the test
        commonground.read_records(source, kind, crs="EPSG:27700")


def test_checking_a_study_repeats_nothing_of_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = lay_out(tmp_path / "town")
    rng = np.random.default_rng(1)
    for name in ("contacts", "incidents_scheme", "incidents_police", "arrests", "services"):
        path = study.parent / f"{name}.csv"
        table = pd.read_csv(path, dtype="str", encoding="latin-1", keep_default_na=False)
        for column in table.columns:
            table.loc[rng.integers(len(table), size=2), column] = rng.choice(NASTY, 2)
        table.to_csv(path, index=False)
    found = check_study(study)
    assert len(found) > 20
    assert not repeated(found.to_csv())
    assert not repeated(capsys.readouterr().out)


# --- arguments of public functions


def town() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    months = pd.period_range("2021-01", periods=36, freq="M")
    codes = [f"a{i}" for i in range(9)]
    squares = [box(1000 * (i % 3), 1000 * (i // 3), 1000 * (i % 3) + 1000, 1000 * (i // 3) + 1000) for i in range(9)]
    index = pd.Index(codes, name="area", dtype="str")
    areas = gpd.GeoDataFrame({"name": codes, "population": 100.0}, geometry=squares, index=index, crs=27700)
    days = pd.date_range("2021-01-01", "2022-12-28").strftime("%Y-%m-%d")
    rows = {"start": rng.choice(days, 300), "area": rng.choice(codes, 300), "person": [f"p{i}" for i in range(300)]}
    records = commonground.read_records(pd.DataFrame(rows), "contacts")
    where = [gpd.GeoSeries(gpd.points_from_xy(*rng.uniform(0, 3000, (2, 40))), crs=27700) for _ in range(2)]
    services = pd.DataFrame({"opening_hours": ["Mo-Su 10:00-20:00"] * 2, "capacity": [10.0, 5.0]}, index=["s1", "s2"])
    return {
        "series": pd.Series(rng.poisson(20, 36), index=months),
        "panel": pd.DataFrame(rng.poisson(20, (36, 4)), index=months, columns=list("txyz")),
        "areas": areas,
        "counts": [pd.Series(rng.poisson(30, 9).astype(float), index=index) for _ in range(2)],
        "points": where,
        "records": records,
        "tally": commonground.tally(records, areas, every="year", count="persons"),
        "services": services,
        "places": gpd.GeoSeries([Point(500, 500), Point(1500, 1500)], index=["s1", "s2"], crs=27700),
        "cost": pd.DataFrame(rng.uniform(100, 2000, (9, 2)), index=index, columns=["s1", "s2"]),
    }


CONSENT = {"full": 30, "anonymous": 20, "none": 14}
CAPTURED = {"both": 20, "scheme": 31, "police": 14}
HISTORIES = pd.DataFrame(
    [(1, 0, 0, 60), (0, 1, 0, 55), (0, 0, 1, 70), (1, 1, 0, 25), (1, 0, 1, 30), (0, 1, 1, 24), (1, 1, 1, 12)],
    columns=["a", "b", "c", "n"],
)
REACHED = pd.DataFrame(
    {"group": ["everyone", "street"], "stage": ["reached", "reached"], "low": [30, 20], "high": [35, 25]}
)


def calls() -> dict[str, tuple[Callable[..., object], dict[str, Any]]]:
    """A call of each public function that takes data; the arguments named are those that hold some."""
    t = town()
    before, after = t["counts"]
    panel, series, areas = t["panel"], t["series"], t["areas"]
    pairs = {"treated": (30, 20), "control": (40, 41)}
    return {
        "rate_ratio": (evaluation.rate_ratio, {"before": 30, "after": 20}),
        "rate_ratios": (evaluation.rate_ratios, {"before": before, "after": after}),
        "relative_rate_ratio": (evaluation.relative_rate_ratio, pairs),
        "reporting_ratio": (evaluation.reporting_ratio, {"police": (30, 20), "outreach": (40, 41)}),
        "change_test": (at("2023-01", evaluation.change_test), {"treated": series, "control": panel[["x", "y"]]}),
        "dispersion_from_counts": (evaluation.dispersion_from_counts, {"monthly": panel}),
        "share_dispersion": (evaluation.share_dispersion, {"treated_monthly": series, "control_monthly": panel}),
        "interrupted_series": (at("2023-01", evaluation.interrupted_series), {"counts": series}),
        "shift_test": (at("2023-01", evaluation.shift_test), {"counts": series, "control": panel}),
        "synthetic_control": (lambda panel: evaluation.synthetic_control(panel, "t", "2023-01"), {"panel": panel}),
        "synthetic_did": (lambda panel: evaluation.synthetic_did(panel, "t", "2023-01"), {"panel": panel}),
        "difference_in_differences": (
            lambda panel: evaluation.difference_in_differences(panel, "t", "2023-01"),
            {"panel": panel},
        ),
        "pretrend_check": (at("2023-01", evaluation.pretrend_check), {"treated": series, "control": panel[["x", "y"]]}),
        "rate_difference": (evaluation.rate_difference, {"before": 30, "after": 20}),
        "area_consistency": (evaluation.area_consistency, {"before": before, "after": after}),
        "consent_shares": (evaluation.consent_shares, {"before": CONSENT, "after": CONSENT}),
        "source_capture": (evaluation.source_capture, {"before": CAPTURED, "after": CAPTURED}),
        "capture_counts": (evaluation.capture_counts, {"scheme": pd.Series(["a", "b"]), "police": pd.Series(["b"])}),
        "wdd": (evaluation.wdd, pairs),
        "wdq": (evaluation.wdq, {**pairs, "buffer": (30, 29)}),
        "area_change": (mapping.area_change, {"before": before, "after": after, "areas": areas}),
        "hot_spots": (mapping.hot_spots, {"counts": before, "areas": areas}),
        "pattern_similarity": (mapping.pattern_similarity, {"before": before, "after": after}),
        "displacement_surface": (
            lambda before, after: mapping.displacement_surface(
                before, after, areas.union_all(), permutations=19, cell=300.0
            ),
            dict(zip(("before", "after"), t["points"], strict=True)),
        ),
        "oversmoothing_bandwidth": (mapping.oversmoothing_bandwidth, {"points": t["points"][0]}),
        "service_access": (
            lambda **given: mapping.service_access(**given, reach=1500),
            {"demand": before, "supply": t["services"]["capacity"], "cost": t["cost"]},
        ),
        "service_gap": (lambda **given: mapping.service_gap(**given, least=1.0), {"need": before, "access": after}),
        "site_services": (
            lambda **given: mapping.site_services(
                **given, sites=1, reach=1500, options=mapping.SitingOptions(services=["s1", "s2"])
            ),
            {"demand": before, "cost": t["cost"]},
        ),
        "move_counts": (
            lambda **given: mapping.move_counts(**given, target=areas),
            {"counts": before, "source": areas},
        ),
        "repeat_counts": (mapping.repeat_counts, {"frequencies": pd.Series({1: 30, 2: 9, 3: 2})}),
        "population_size": (lambda **given: mapping.population_size(**given, draws=200), {"histories": HISTORIES}),
        "coverage": (mapping.coverage, {"observed": REACHED, "population": (60, 90)}),
        "representation": (mapping.representation, {"service": before, "independent": after}),
        "slot_supply": (mapping.slot_supply, {"services": t["services"]}),
        "straight_line_cost": (mapping.straight_line_cost, {"areas": areas, "services": t["places"]}),
        "grid": (lambda areas: commonground.grid(areas, 500), {"areas": areas}),
        "rings": (commonground.rings, {"target": areas.iloc[:1], "widths": [200]}),
        "place": (place, {"records": t["records"], "areas": areas}),
        "tally": (commonground.tally, {"records": t["records"], "areas": areas, "by": (), "count": "persons"}),
        "with_coverage": (t["records"].with_coverage, {"coverage": t["records"].coverage}),
        "merge": (t["tally"].__add__, {"other": t["tally"]}),
        "pseudonymise": (
            lambda values: commonground.pseudonymise(values, key=bytes(range(32)), domain="person"),
            {"values": pd.Series(["a", "b"])},
        ),
    }


def at(start: str, function: Callable[..., object]) -> Callable[..., object]:
    return lambda **given: function(**given, start=start)


def spoilt(value: Any) -> Iterator[Any]:
    """The value with canaries in its cells, its labels, its shape and its type."""
    names = ["LONEBIRD77", "07700 900461", "FLATREF-0412", "2023-05-17T22:41"]
    if hasattr(value, "index") and hasattr(value, "shape"):
        size = len(value)
        yield value.set_axis([f"LONEBIRD77-{i}" for i in range(size)])
        yield value.set_axis((names * size)[:size])
        yield value.iloc[:1]
        yield pd.concat([value, value])
    if isinstance(value, gpd.GeoDataFrame | gpd.GeoSeries):
        yield value.to_crs(4326)
        yield value.set_crs(None, allow_override=True)
        moved = [Point(4711, 4711)] * len(value)
        yield value.set_geometry(moved) if isinstance(value, gpd.GeoDataFrame) else gpd.GeoSeries(moved, crs=27700)
    elif isinstance(value, pd.DataFrame | pd.Series):
        for canary in ("LONEBIRD77", -4711.5, np.inf, "4711 x"):
            cells = value.astype(object)
            cells.iloc[(0, *[0] * (value.ndim - 1))] = canary
            yield cells
    elif isinstance(value, tuple):
        yield from (("LONEBIRD77", "07700 900461"), (-4711, 4711), (4711.5, 1), (4711, 4711, 4711), (4711, np.inf))
    elif isinstance(value, int):
        yield from (-4711, 4711.5, "LONEBIRD77")
    yield from (names, pd.Series(names), pd.DataFrame({"LONEBIRD77": names}), np.array(names), {"LONEBIRD77": 4711})
    yield from (None, 4711j)


@pytest.mark.parametrize("name", sorted(calls()))
def test_no_public_function_repeats_what_it_was_given(name: str) -> None:
    call, given = calls()[name]
    assert not told(lambda: call(**given)) or name in ("hot_spots", "area_change")
    for argument, value in given.items():
        for wrong in spoilt(value):
            if name == "tally" and argument == "by" and isinstance(wrong, list | tuple):
                continue  # names of columns, typed by whoever calls
            text = told(lambda wrong=wrong, argument=argument: call(**{**given, argument: wrong}))
            assert not repeated(text), f"{argument}: {text[:300]}"
