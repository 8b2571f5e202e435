"""Attacks on maps: each brings people's addresses back from the plain way, and no better than chance from ours.

Chance is what somebody reaches who has the published labels and the address list and no map: addresses drawn at random,
each with the weight of its block's label over the block's addresses. That much a release says on purpose. A map may add
nothing to it, so an attack must stay below 1.5 times chance.
"""

from __future__ import annotations

import importlib
import inspect
import io
import itertools
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls
from shapely.geometry import box

import commonground.release.charts as release_charts
import commonground.release.forest as release_forest
import commonground.release.maps as release_maps
import evaluation
import evaluation.plots as evaluation_plots
import mapping
import mapping.maps as mapping_maps
from commonground.areas import grid
from commonground.disclosure import Protected, protect
from commonground.disclosure.hierarchy import Tree, build_hierarchy
from commonground.disclosure.labels import label
from commonground.disclosure.spreading import spread_over
from commonground.errors import CommonGroundError, NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.release.charts import Chart, Marks, bars_by_phase, index_lines
from commonground.release.classes import Classes
from commonground.release.forest import ForestRow, forest_chart
from commonground.release.maps import Layer, choropleth_map, self_contained
from commonground.tallies import tally
from evaluation.plots import funnel_plot, tradeoff_chart, verdict_chart
from mapping.maps import A_MONTH, PEOPLE, SHARES, access_map, change_map, phase_map, spread_map, surface_map
from mapping.spread import SpreadSurface, spread_surface
from mapping.surfaces import DisplacementSurface

Array = npt.NDArray[np.float64]


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


SHOWN = Shown()
PHASES = {"before": Period("2023-01-01", "2024-01-01"), "after": Period("2024-01-01", "2025-01-01")}
DAYS = {"before": "2023-06-01", "after": "2024-06-01"}
ACROSS, UP, SIDE = 8, 5, 400.0  # areas, areas, metres
EACH = 10  # addresses an area
SEEN = 60  # addresses where somebody was met, in each phase
CELL, BANDWIDTH = 100.0, 150.0  # metres; far finer than we publish by default, to make it easy for the attacker
TOWNS = 8
LIMIT = 1.5  # times chance


@dataclass(frozen=True)
class Town:
    """Areas, every address in them, and who was met where: what only the attacker's test knows."""

    areas: gpd.GeoDataFrame
    addresses: pd.DataFrame
    before: npt.NDArray[np.int64]
    after: npt.NDArray[np.int64]

    @property
    def spots(self) -> Array:
        return self.addresses[["x", "y"]].to_numpy()


def squares() -> gpd.GeoDataFrame:
    places = [(x, y) for y in range(UP) for x in range(ACROSS)]
    shapes = [
        box(400_000 + SIDE * x, 300_000 + SIDE * y, 400_000 + SIDE * (x + 1), 300_000 + SIDE * (y + 1))
        for x, y in places
    ]
    codes = [f"A{x}{y}" for x, y in places]
    return gpd.GeoDataFrame({"name": codes}, geometry=shapes, index=pd.Index(codes, name="area"), crs=27700)


@cache
def town(seed: int) -> Town:
    """Forty areas, some busier than others, with ten addresses each; sixty of those in use, in either phase."""
    rng, areas = np.random.default_rng(seed), squares()
    corners = areas.geometry.bounds.to_numpy().repeat(EACH, axis=0)
    spots = {side: rng.uniform(corners[:, i] + 5, corners[:, i + 2] - 5) for i, side in enumerate("xy")}
    addresses = pd.DataFrame({"area": areas.index.repeat(EACH), **spots})
    busy = rng.gamma(2.0, size=len(areas)).repeat(EACH)
    before, after = (rng.choice(len(addresses), SEEN, replace=False, p=busy / busy.sum()) for _ in PHASES)
    return Town(areas, addresses, before, after)


@cache
def tree() -> Tree:
    return build_hierarchy(squares())


def met(of: Town, **where: Any) -> pd.DataFrame:
    """One contact a phase with each of the residents of some addresses."""
    rows = [
        {"start": DAYS[phase], "x": of.spots[at, 0], "y": of.spots[at, 1], "person": f"p{at}", "premises": f"h{at}",
         "event": f"{phase}{at}"}
        for phase in PHASES
        for at in where.get(phase, getattr(of, phase))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def gated(of: Town, records: pd.DataFrame, **options: Any) -> Protected:
    span = pd.DataFrame({"source": ["contacts"], "area": [None], "start": ["2023-01-01"], "end": ["2025-01-01"]})
    read = read_records(records, "contacts", crs="EPSG:27700").with_coverage(span)
    counted = tally(read, of.areas, every=PHASES, count="events")
    return protect(counted, hierarchy=tree(), as_of="2026-01-01", **options)


def released(of: Town, records: pd.DataFrame | None = None, **options: Any) -> SpreadSurface:
    shown = gated(of, met(of) if records is None else records, **options)
    return spread_surface(shown, cell=CELL, bandwidth=BANDWIDTH)


# --- what an attacker does ---


def kernels(of: Town, cells: gpd.GeoDataFrame) -> Array:
    """What a surface would be if one event had happened at each address in turn."""
    centres = cells.geometry.centroid
    here = np.column_stack([centres.x, centres.y])
    squared = ((here[:, None, :] - of.spots[None]) ** 2).sum(axis=2)
    heights: Array = np.exp(-squared / (2 * BANDWIDTH**2))
    return heights


def plain_surface(of: Town, seen: npt.NDArray[np.int64]) -> Array:
    """The heatmap that everybody draws: a kernel on every point."""
    surface: Array = kernels(of, grid(of.areas, CELL))[:, seen].sum(axis=1)
    return surface


def best(of: Town, surface: Array, cells: gpd.GeoDataFrame, many: int) -> set[int]:
    """Explain a surface by events at addresses, none negative, and name the addresses with most."""
    weights, _ = nnls(kernels(of, cells), surface, maxiter=50_000)
    return set(np.argsort(-weights, kind="stable")[:many].tolist())


def density_after(surface: SpreadSurface, ratio: Array | None = None) -> Array:
    """Undo the division: the method is public, so the density before follows from labels to the last digit."""
    shown, cells = surface.origin, surface.cells
    assert shown.blocks is not None
    labels = pd.Series(shown.table()["before"].astype(float).to_numpy(), shown.blocks.loc[shown.table().index, "name"])
    each = (labels / cells["near"].value_counts()).reindex(cells["near"]).to_numpy()  # cells lie in one block each here
    pixels = np.zeros((round(UP * SIDE / CELL), round(ACROSS * SIDE / CELL)))
    row, column = pixel(cells)
    pixels[row, column] = each
    smooth = gaussian_filter(pixels, BANDWIDTH / CELL, mode="constant", truncate=4.0)[row, column]
    return np.asarray(smooth * (cells["ratio"].to_numpy() if ratio is None else ratio))


def pixel(cells: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and column of each cell, counted from the corner."""
    corners = cells.geometry.bounds
    row, column = (np.rint((corners[s] - corners[s].min()) / CELL).astype(int).to_numpy() for s in ("miny", "minx"))
    return row, column


def chance(of: Town, shown: Protected, truth: set[int], many: int) -> float:
    """Mean share of hits of somebody with the labels, the address list and no map."""
    home = {code: block for block, codes in shown.block_areas().items() for code in codes}
    block = of.addresses["area"].map(home)
    weights = (block.map(shown.table()["after"].astype(float)) / block.map(block.value_counts())).to_numpy()
    rng = np.random.default_rng(0)
    draws = [rng.choice(len(weights), many, replace=False, p=weights / weights.sum()) for _ in range(200)]
    return float(np.mean([len(truth & set(draw.tolist())) / len(truth) for draw in draws]))


def eight_bit(surface: Array, cells: gpd.GeoDataFrame) -> Array:
    """Draw a surface as a grey picture, a pixel a cell, and read the file back."""
    row, column = pixel(cells)
    pixels = np.zeros((row.max() + 1, column.max() + 1), dtype=np.uint8)
    pixels[row, column] = np.rint(255 * surface / surface.max())
    Image.fromarray(pixels).save(file := io.BytesIO(), "png")
    return np.asarray(Image.open(file), dtype=float)[row, column] / 255 * float(surface.max())


def drawn(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="map-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found.group(1))  # type: ignore[no-any-return]


def from_colours(surface: SpreadSurface) -> Array:
    """Read each cell's ratio back from its colour on the page: the middle of its class."""
    layer = drawn(surface_map(surface, title="Shift", finding="A picture.").html)["layers"][0]
    middles = np.array([0.25, 0.65, 1.0, 1.6, 3.0])
    return np.asarray(middles[np.array(layer["classes"])])


# --- nothing exact is drawn ---

EXACT = pd.DataFrame({"before": [3.0], "after": [1.0], "label": ["a"], "ratio": [0.3], "cell": ["S1_1"]})
DRAWN: dict[str, Callable[[Any], Any]] = {
    "forest_chart": lambda exact: forest_chart([ForestRow("A", 0.5, 0.3, 0.8, "x")], title="A", origin=exact),
    "verdict_chart": lambda exact: verdict_chart(exact, title="A"),
    "tradeoff_chart": lambda exact: tradeoff_chart(exact, title="A"),
    "funnel_plot": lambda exact: funnel_plot(exact, title="A"),
    "bars_by_phase": lambda exact: bars_by_phase(["a"], [3], None, [1], title="A", unit="u", origin=exact),
    "index_lines": lambda exact: index_lines(EXACT[["before"]], Marks("A", "u"), origin=exact),
    "Layer": lambda exact: Layer("Before", EXACT["before"], EXACT["label"], origin=exact),
    "self_contained": lambda exact: self_contained(
        folium.Map(tiles=None), title="A", finding="B.", origin=exact
    ),
    "phase_map": lambda exact: phase_map(exact, title="A", finding="B."),
    "change_map": lambda exact: change_map(exact, title="A", finding="B."),
    "access_map": lambda exact: access_map(exact, EXACT, title="A", finding="B."),
    "surface_map": lambda exact: surface_map(exact, title="A", finding="B."),
    "spread_map": lambda exact: spread_map(exact, title="A", finding="B."),
}  # fmt: skip


class Pretender:
    """An exact value that carries a protected one with it, and says of itself that it is released."""

    def __init__(self) -> None:
        self.origin, self.cells, self.released = SHOWN, EXACT, True


@pytest.mark.parametrize("name", DRAWN)
def test_everything_that_draws_refuses_what_is_exact(name: str) -> None:
    for exact in (EXACT, Pretender(), None):
        with pytest.raises(NotReleasable, match="holds exact values"):
            DRAWN[name](exact)


def test_every_function_that_makes_a_picture_is_among_those() -> None:
    """A new renderer must be added above: whatever returns a page or a chart, in the modules that draw."""
    modules = (release_charts, release_forest, release_maps, mapping_maps, evaluation_plots)
    made = {
        name
        for module in modules
        for name in module.__all__
        if inspect.isfunction(function := getattr(module, name))
        and function.__annotations__.get("return") in ("Chart", "MapView", "str")
    }
    assert made - {"choropleth_map"} == set(DRAWN) - {"Layer"}, "choropleth_map draws layers, and those refuse"


def test_a_released_surface_is_made_by_the_gate_alone_and_cannot_be_painted_over() -> None:
    surface = released(town(0))
    with pytest.raises(CommonGroundError, match="only the gate makes"):
        SpreadSurface(surface.cells, CELL, BANDWIDTH, surface.origin, (), seal=object())
    with pytest.raises(ValueError, match="seal"):
        replace(surface, drawn=surface.cells)  # type: ignore[call-arg]
    page = surface_map(surface, title="A", finding="B.").html
    for copied in (surface.cells, surface.to_frame()):
        copied["ratio"] = 3.0
    assert surface_map(surface, title="A", finding="B.").html == page


def offers_a_picture(one: type) -> bool:
    """Whether a class draws itself, by name or for a notebook."""
    rich = [name for name in dir(one) if re.fullmatch(r"plot.*|_repr_(?!_).*_|_ipython_display_|savefig", name)]
    return bool(rich) and getattr(one, "released", False) is not True


def test_no_result_of_mapping_or_evaluation_draws_itself() -> None:
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in (mapping, evaluation)
        for found in pkgutil.iter_modules(package.__path__)
    ]
    classes = {one for module in modules for one in vars(module).values() if inspect.isclass(one)}
    ours = {one for one in classes if one.__module__.split(".")[0] in ("mapping", "evaluation")}
    assert DisplacementSurface in ours
    assert len(ours) > 30
    assert [one.__name__ for one in ours if offers_a_picture(one)] == []
    leaky = type("Leaky", (DisplacementSurface,), {"_repr_html_": lambda _: "<img>", "plot": lambda _: None})
    assert offers_a_picture(leaky)


# --- one source ---


def peak(cells: gpd.GeoDataFrame, surface: Array) -> Array:
    """The middle of a lone kernel: the logarithm of a Gaussian is a paraboloid, so floats give it exactly."""
    centres = np.column_stack([cells.geometry.centroid.x, cells.geometry.centroid.y])
    top = np.argmax(surface)
    near = (np.abs(centres - centres[top]) <= 2.5 * CELL).all(axis=1)
    offset = (centres[near] - centres[top]) / CELL
    terms = np.column_stack([offset**2, offset[:, :1] * offset[:, 1:], offset, np.ones(near.sum())])
    xx, yy, xy, x, y, _ = np.linalg.lstsq(terms, np.log(surface[near]), rcond=None)[0]
    return np.asarray(centres[top] + CELL * np.linalg.solve([[2 * xx, xy], [xy, 2 * yy]], [-x, -y]))


def test_a_lone_incident_comes_back_from_a_plain_heatmap_within_metres() -> None:
    of = town(0)
    cells = grid(of.areas, CELL)
    inner = [at for at in range(0, len(of.spots), 7) if of.areas.union_all().buffer(-300).covers(
        gpd.points_from_xy(*of.spots[[at]].T)[0])]  # fmt: skip
    surfaces = {at: plain_surface(of, np.array([at])) for at in inner}
    exact = [np.hypot(*(peak(cells, s) - of.spots[at])) for at, s in surfaces.items()]
    picture = [np.hypot(*(peak(cells, eight_bit(s, cells) + 1e-9) - of.spots[at])) for at, s in surfaces.items()]
    assert max(exact) < 1.0
    assert np.median(picture) < 10.0


def lone(of: Town) -> tuple[npt.NDArray[np.int64], list[int]]:
    """Everybody but those in one corner, and the addresses there, where one person is met alone."""
    corner = of.addresses["area"].isin([f"A{x}{y}" for x in (0, 1) for y in (0, 1)]).to_numpy()
    return of.after[~corner[of.after]], np.flatnonzero(corner).tolist()


def test_a_lone_incident_may_lie_at_any_address_of_its_corner_and_the_maps_are_the_same_bytes() -> None:
    of = town(1)
    others, corner = lone(of)
    pages = set()
    for at in corner[::5]:
        surface = released(of, met(of, before=of.before, after=[*others, at]))
        pages.add(surface_map(surface, title="Shift", finding="A picture.").html)
        pages.add(phase_map(surface.origin, title="Contacts", finding="A picture.").html)
    assert len(pages) == 2, "one of each: where in the corner she was met is in no byte"


# --- everybody, with an address list ---


def test_with_an_address_list_a_plain_heatmap_gives_most_addresses_back() -> None:
    floats, pixels = [], []
    for seed in range(TOWNS):
        of = town(seed)
        cells, truth = grid(of.areas, CELL), set(of.after.tolist())
        surface = plain_surface(of, of.after)
        floats.append(len(best(of, surface, cells, SEEN) & truth))
        pixels.append(len(best(of, eight_bit(surface, cells), cells, SEEN) & truth))
    assert min(floats) == SEEN  # 60 of 60
    assert np.mean(pixels) > 0.9 * SEEN


@pytest.mark.parametrize("known", ["floats", "colours"])
def test_with_an_address_list_our_surface_gives_no_more_than_its_labels(known: str) -> None:
    hits, expected = [], []
    for seed in range(TOWNS):
        of = town(seed)
        surface, truth = released(of), set(of.after.tolist())
        assert len(surface.origin.block_areas()) > 2
        ratio = from_colours(surface) if known == "colours" else None
        hits.append(len(best(of, density_after(surface, ratio), surface.cells, SEEN) & truth) / SEEN)
        expected.append(chance(of, surface.origin, truth, SEEN))
    assert np.mean(hits) < LIMIT * np.mean(expected), f"{np.mean(hits):.3f} against {np.mean(expected):.3f}"


def test_the_same_attack_catches_a_surface_that_is_drawn_from_points() -> None:
    """The attack on our surfaces is not weak: given exact densities in their place it names most addresses."""
    of = town(0)
    surface, truth = released(of), set(of.after.tolist())
    smooth = density_after(surface, np.ones(len(surface.cells)))
    leaky = kernels(of, surface.cells)[:, of.after].sum(axis=1) / smooth
    assert len(best(of, density_after(surface, leaky), surface.cells, SEEN) & truth) > 0.9 * SEEN


# --- two releases ---


def added(of: Town, many: int = 5) -> list[int]:
    """Addresses at which somebody more is met in the second release."""
    free = np.setdiff1d(np.arange(len(of.spots)), of.after)
    return [int(at) for at in np.random.default_rng(5).choice(free, many, replace=False)]


def test_the_difference_of_two_plain_heatmaps_is_the_person_who_was_added() -> None:
    of = town(2)
    cells = grid(of.areas, CELL)
    first = plain_surface(of, of.after)
    found = [best(of, plain_surface(of, np.array([*of.after, at])) - first, cells, 1) for at in added(of, 20)]
    assert found == [{at} for at in added(of, 20)]


def test_the_difference_of_two_of_our_surfaces_names_the_added_person_no_better_than_labels_do() -> None:
    """Twenty guesses; chance knows in which block a label rose, and the map may not say where in it.

    Wherever in the block somebody was added the two releases are the same, which is checked for two other addresses; so
    the rate is that over all addresses of the block.
    """
    many, hits, expected = 20, [], []
    for of, at, later in itertools.islice(changed_releases(), 3):
        first, second = released(of), spread_surface(later, cell=CELL, bandwidth=BANDWIDTH)
        told = of.addresses.index[of.addresses["area"].isin(areas_told_of(first.origin, later))]
        assert at in told
        for other in np.setdiff1d(told, of.after)[[0, -1]]:
            assert gated(of, met(of, before=of.before, after=[*of.after, other])).rows == later.rows
        guessed = best(of, np.abs(density_after(second) - density_after(first)), second.cells, many)
        hits.append(len(guessed & set(told)) / len(told))
        expected.append(many / len(told))
    assert len(hits) == 3
    assert np.mean(hits) < LIMIT * np.mean(expected), f"{np.mean(hits):.3f} against {np.mean(expected):.3f}"


def changed_releases() -> Iterator[tuple[Town, int, Protected]]:
    """Second releases that differ from the first because one person was added; of the others no byte differs."""
    for seed in range(TOWNS):
        first = gated(town(seed), met(town(seed)))
        for at in added(town(seed)):
            later = gated(town(seed), met(town(seed), before=town(seed).before, after=[*town(seed).after, at]))
            if later.rows != first.rows:
                yield town(seed), at, later


def areas_told_of(first: Protected, second: Protected) -> set[str]:
    """Areas of the published cells that the second release has and the first has not."""
    return {code for row in set(second.rows) - set(first.rows) for code in row[1]}


def test_with_a_ledger_the_second_release_is_the_first(tmp_path: Path) -> None:
    of = town(2)
    pages = set()
    for after in (of.after, *([*of.after, at] for at in added(of))):
        surface = released(of, met(of, before=of.before, after=after), ledger=tmp_path / "study.ledger")
        pages.add(surface_map(surface, title="Shift", finding="A picture.").html)
    assert len(pages) == 1


# --- many releases ---


def test_jittered_points_average_back_and_repeated_releases_do_not_differ() -> None:
    of, rng = town(3), np.random.default_rng(3)
    moved = [of.spots[of.after] + rng.normal(0, 100, (SEEN, 2)) for _ in range(12)]
    once, twelve = (np.hypot(*(guess - of.spots[of.after]).T).mean() for guess in (moved[0], np.mean(moved, axis=0)))
    assert once > 100.0
    assert twelve < 40.0
    assert len({surface_map(released(of), title="Shift", finding="A picture.").html for _ in range(12)}) == 1


# --- two worlds with the same labels ---


def pictures(shown: Protected) -> dict[str, bytes]:
    """Every map and chart that is made of labels."""
    words: dict[str, Any] = {"title": "Contacts", "finding": "A picture."}
    table = shown.table().astype(float)
    access = pd.DataFrame({code: [1 / value] for code, value in _by_area(shown).items()}, index=["day"]).T
    hexagons = grid(squares(), 900.0, shape="hexagon")
    pages = {
        "phases": phase_map(shown, **words),
        "change": change_map(shown, **words),
        "surface": surface_map(spread_surface(shown), **words),
        "access": access_map(shown, access, **words),
        "hexagons": spread_map(spread_over(shown, hexagons), **words),
    }
    bars = bars_by_phase(
        list(table.index), list(table["before"]), None, list(table["after"]), title="A", unit="events", origin=shown
    )
    charts = {"bars": bars, "lines": index_lines(table.T, Marks("A", "events"), origin=shown)} if len(table) < 5 else {}
    files = {name: view.html.encode() for name, view in pages.items()}
    return files | {f"{name}.png": c.png for name, c in charts.items()} | {f"{n}.svg": c.svg for n, c in charts.items()}


def _by_area(shown: Protected) -> dict[str, float]:
    values = shown.table()["after"].astype(float)
    return {code: float(values[str(block)]) for block, codes in shown.block_areas().items() for code in codes}


def worlds(of: Town) -> dict[str, pd.DataFrame]:
    """Records that differ and are published alike: moved inside an area, one more, one far away."""
    records = met(of)
    moved = records.assign(x=records["x"] // SIDE * SIDE + 1.0, y=records["y"] // SIDE * SIDE + SIDE - 1.0)
    far = records.iloc[[0]].assign(x=651_000.0, y=312_000.0, person="far", premises="far", event="far")
    edge = records.iloc[[0]].assign(x=400_000.001, y=300_000.001, person="edge", premises="edge", event="edge")
    return {"moved": moved, "far": pd.concat([records, far]), "one more": pd.concat([records, edge])}


@pytest.mark.parametrize("world", ["moved", "far", "one more"])
def test_worlds_with_equal_labels_are_equal_bytes_in_every_map_and_chart(world: str) -> None:
    of = next(town(seed) for seed in range(20) if len(gated(town(seed), met(town(seed))).block_areas()) == 4)
    first, second = gated(of, met(of)), gated(of, worlds(of)[world])
    assert first.rows == second.rows, "choose another record: these labels differ"
    drawn_first, drawn_second = pictures(first), pictures(second)
    assert len(drawn_first) == 9
    assert [name for name in drawn_first if drawn_first[name] != drawn_second[name]] == []


def test_the_same_comparison_catches_extents_classes_and_colours_that_come_from_records() -> None:
    of = town(0)
    shown = gated(of, met(of))
    assert shown.blocks is not None
    pages: dict[str, set[str]] = {"extent": set(), "bins": set(), "colours": set()}
    for records in (met(of), *worlds(of).values()):
        spots = gpd.GeoSeries(gpd.points_from_xy(records["x"], records["y"]), crs=27700)
        counts = of.areas.geometry.map(lambda area, spots=spots: float(spots.within(area).sum()))
        blocks = shown.blocks
        exact = shown.block_areas().map(lambda codes, counts=counts: counts[list(codes)].sum()).reindex(blocks.index)
        words = exact.map(lambda _: "about")
        options: dict[str, Any] = {"title": "T", "finding": "F."}
        edges = (0.0, *np.unique(np.quantile(exact + np.arange(len(exact)) / 100, (0.3, 0.7))), np.inf)
        frame = gpd.GeoDataFrame(geometry=[box(*spots.total_bounds)], crs=27700)
        layer = Layer("Exact", exact, words, origin=shown)  # an origin that is not where the numbers came from
        flat = Layer("Flat", exact * 0 + 10, words, origin=shown)
        pages["extent"].add(choropleth_map(blocks, [flat], breaks=PEOPLE.breaks, boundaries=frame, **options))
        pages["bins"].add(choropleth_map(blocks, [flat], breaks=edges, **options))
        fine = (*np.arange(exact.min() - 1, exact.min() + 3), np.inf)
        pages["colours"].add(choropleth_map(blocks, [layer], breaks=fine, **options))
    assert all(len(found) > 1 for found in pages.values()), {name: len(found) for name, found in pages.items()}


# --- colours and axes ---


@pytest.mark.parametrize("k", [8, 13])
@pytest.mark.parametrize("classes", [PEOPLE, A_MONTH], ids=["people", "events a month"])
def test_a_colour_never_tells_more_than_the_label(k: int, classes: Classes) -> None:
    """Whatever count has the same label has the same colour, so the colour leaves at least the label's interval."""
    months = 9.0 if classes is A_MONTH else 1.0
    counts = range(k, 1000)
    labels = {n: label(n, k) for n in counts}
    colour = dict(zip(counts, classes.place([(labels[n] or 0) / months for n in counts]), strict=True))
    broken = dict(zip(counts, classes.place([n / months for n in counts]), strict=True))
    for n in counts:
        alike = [m for m in range(max(k, n - 4), n + 5) if labels.get(m) == labels[n]]
        assert {colour[m] for m in alike} == {colour[n]}
    pairs = [(n, n + 1) for n in list(counts)[:-1] if labels[n] == labels[n + 1]]
    assert any(broken[a] != broken[b] for a, b in pairs), "colours of exact counts would be caught"


def test_hidden_zero_and_small_share_one_neutral_class_and_there_are_five_at_most() -> None:
    shown = gated(town(0), met(town(0)))
    block = shown.rows[0][0]
    for classes in (PEOPLE, A_MONTH, SHARES):
        assert len(classes.colours) <= 5
        assert classes.place([float("nan")]) == [-1]
    assert not any(row[4] is not None and row[4] < 8 for row in shown.rows)
    assert block in phase_map(shown, title="A", finding="B.").html


@pytest.mark.browser
def test_the_pixels_of_a_surface_hold_its_classes_and_nothing_else(browser: Any) -> None:
    """Read the screenshot: what comes back is what `from_colours` was given, so the attack on colours covers pixels."""
    surface = released(town(0))
    page = surface_map(surface, title="Shift", finding="A picture.").html
    browser.open(page)
    middles = browser.run(
        "const top = document.getElementById('map').getBoundingClientRect();"
        "return [...document.querySelectorAll('#map path.leaflet-interactive')].map(p => {"
        "const r = p.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })"
    )
    picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    seen = ["#{:02X}{:02X}{:02X}".format(*picture.getpixel((round(x), round(y)))) for x, y in middles]  # type: ignore[misc]
    held = drawn(page)
    assert seen == [held["colours"][0][place] for place in held["layers"][0]["classes"]]
    assert set(seen) <= set(SHARES.colours)


def test_axes_are_functions_of_what_is_written_on_the_chart() -> None:
    """A value that is hidden must not stretch an axis: drawn hidden, any number there gives the same picture."""

    def bars(hidden: float) -> Chart:
        values = pd.Series([20.0, hidden]).mask(pd.Series([False, True]))
        return bars_by_phase(["a", "b"], [10, 15], None, list(values), title="A", unit="events", origin=SHOWN)

    assert (bars(9.0).png, bars(9.0).svg) == (bars(9000.0).png, bars(9000.0).svg)
    shown = [bars_by_phase(["a"], [10], None, [n], title="A", unit="u", origin=SHOWN).png for n in (9.0, 9000.0)]
    assert shown[0] != shown[1], "a value that is shown does stretch it"
