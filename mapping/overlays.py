"""How much of each source area lies in each target area, by ground, by addresses or by a published table?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from commonground.errors import GeographyError, Problem, RecordsError
from commonground.pickles import Exact
from commonground.systems import check_metres, check_same_crs
from mapping.catchments import read_numbers
from mapping.lookups import COMPLEX, Lookup

__all__ = ["Parts", "parts_by_ground", "parts_by_lookup"]

Array = npt.NDArray[Any]
#: Boundaries are published generalised, and sets that were drawn apart disagree by strips along every edge. Below these
#: shares of an area that is drawing, not ground: a judgement. (Sets drawn together agree: every LSOA of Liverpool lies
#: in its MSOA to five places.)
SLIVER, MARGIN = 0.001, 0.01
EVEN = "people are spread evenly over the ground of their area"


@dataclass(frozen=True, repr=False, eq=False)
class Parts(Exact):
    """Hold the parts that sources and targets share; no counts.

    Parameters
    ----------
    sources, targets : Index
    pairs : DataFrame
        Columns source, target (positions), part (size of what they share, in any unit common to a source), known
        (False where the size cannot be known), whole (the source lies in this target and in no other).
    outside : array, (sources,)
        Size of what lies in no target.
    partial : array of bool, (targets,)
        Targets that also hold a source for which there is no count.
    closed : bool
        Whether nobody of a target can come from a source that it is not paired with.
    assumption : str
        What is taken for granted where an area is cut, in words.
    """

    sources: pd.Index[Any]
    targets: pd.Index[Any]
    pairs: pd.DataFrame
    outside: Array
    partial: Array
    closed: bool
    assumption: str

    def __repr__(self) -> str:
        return "Parts(...)"


def parts_by_ground(source: Any, target: Any, weight: Any = None) -> Parts:
    """Measure the ground, or add up the addresses, that sources and targets share.

    Parameters
    ----------
    source, target : GeoDataFrame or GeoSeries of polygons
        Indexed by code, in one system in metres.
    weight : GeoDataFrame or GeoSeries of points, optional
        Addresses, each counting 1 or what its column ``weight`` says. Sources without any are spread over their ground.

    Returns
    -------
    Parts

    Raises
    ------
    GeographyError
        Systems that differ or are not in metres, shapes that cannot be used, sources or targets that overlap, or
        targets of which some ground lies in no source.
    RecordsError
        Weights that are negative or missing.
    """
    for thing, name in ((source, "source"), (target, "target")):
        _check_shapes(thing, name)
    check_same_crs(source, target, names=("source", "target"))
    old, new = (np.asarray(thing.geometry.array) for thing in (source, target))
    one, other = shapely.STRtree(new).query(old, predicate="intersects")
    shared = shapely.area(shapely.intersection(old[one], new[other]))
    ground, wanted = shapely.area(old), shapely.area(new)
    real = shared > SLIVER * np.minimum(ground[one], wanted[other])
    one, other, shared = one[real], other[real], shared[real]
    bare = np.bincount(other, shared, minlength=new.size) < (1 - MARGIN) * wanted
    if bare.any():
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(bare))
        raise GeographyError(
            f"rows {rows} of `target` lie outside the sources, at least in part: nobody counted there, which is not "
            "none; leave them out, or bring counts for that ground"
        )
    within = np.bincount(one, shared, minlength=old.size)
    outside = np.where(within < (1 - MARGIN) * ground, ground - within, 0.0)
    whole = (np.bincount(one, minlength=old.size)[one] == 1) & (outside[one] == 0)
    pairs = pd.DataFrame({"source": one, "target": other, "part": shared, "known": True, "whole": whole})
    words = EVEN
    if weight is not None:
        pairs, outside, bare_sources = _by_addresses(source, target, weight, pairs, outside)
        words = "people of an area are spread as the given weights are"
        words += f"; in {bare_sources} areas without any, {EVEN}" if bare_sources else ""
    return Parts(source.index, target.index, pairs, outside, np.zeros(new.size, dtype=bool), True, words)


def parts_by_lookup(codes: pd.Index[Any], lookup: Lookup, weight: pd.Series[Any] | None, rate: bool) -> Parts:
    """Take from a table which sources go to which targets, and in which shares.

    Parameters
    ----------
    codes : Index
        Sources that there are counts for.
    lookup : Lookup
    weight : Series, optional
        Such as population: by target (for splits), by source (for means over merged areas) or by both (two levels).
    rate : bool
        Whether means are wanted, not sums.

    Returns
    -------
    Parts

    Raises
    ------
    RecordsError
        Sources that the table does not have, or weights that are missing or negative.
    """
    lost = int((~codes.isin(lookup.pairs["source"])).sum())
    if lost:
        what = f"every code of `counts` is needed, and {lost} are not in it"
        raise RecordsError("counts cannot be moved", [Problem(None, "`lookup`", what, "bring the whole table")])
    every = lookup.pairs[lookup.pairs["target"].isin(lookup.pairs.loc[lookup.pairs["source"].isin(codes), "target"])]
    targets = pd.Index(every["target"].unique())
    counted = every["source"].isin(codes)
    partial = targets.isin(every.loc[~counted, "target"])
    pairs = every[counted]
    cut = pairs["target" if rate else "source"].duplicated(keep=False)
    part, every_pair = _sizes(pairs, weight, cut, rate)
    known = (pairs["change"] != COMPLEX) | every_pair | ~cut
    exact = lookup.fit == "exact"
    table = pd.DataFrame(
        {
            "source": codes.get_indexer(pd.Index(pairs["source"])),
            "target": targets.get_indexer(pd.Index(pairs["target"])),
            "part": part,
            "known": known.to_numpy(),
            "whole": (~pairs["source"].duplicated(keep=False) & exact).to_numpy(),
        }
    )
    how = "equally, as no weights were given" if weight is None else "as the given weights are"
    words = f"merged areas are averaged {how}" if rate else f"the people of an area that is cut are shared out {how}"
    if not known.all():
        words += "; where the table calls the change complex nothing is assumed and only bounds are given"
    if not exact:
        words += "; each area goes whole to the one that it fits best, though some of its people may live in another"
    return Parts(codes, targets, table, np.zeros(len(codes)), np.asarray(partial), exact, words)


def _sizes(pairs: pd.DataFrame, weight: pd.Series[Any] | None, cut: pd.Series[bool], rate: bool) -> tuple[Array, bool]:
    """Return the size of each pair, and whether it was given pair by pair."""
    if weight is None:
        return np.ones(len(pairs)), False
    every_pair = weight.index.nlevels == 2
    keys: Any = pd.MultiIndex.from_frame(pairs[["source", "target"]])
    if not every_pair:
        keys = pairs["source" if rate else "target"]
    numbers = pd.Series(read_numbers(weight)[:, 0], index=weight.index)
    sizes = (numbers.reindex(keys) if numbers.index.is_unique else pd.Series(np.nan, index=keys)).to_numpy(np.float64)
    whole = pairs["target" if rate else "source"].to_numpy()
    total = pd.Series(sizes).groupby(whole).transform("sum").to_numpy()
    wrong = cut.to_numpy() & ~((sizes >= 0) & np.isfinite(sizes) & (total > 0))
    if wrong.any():
        of = "pair of codes" if every_pair else "source" if rate else "target"
        what = f"a number from 0 up is needed once for every {of} where the table cuts or merges areas, not all 0"
        raise RecordsError("counts cannot be moved", [Problem(None, "`weight`", what, "complete it, or leave it out")])
    return np.where(cut, sizes, 1.0), every_pair


def _check_shapes(thing: Any, name: str) -> None:
    """Refuse shapes that are not clean polygons in metres, or that cover some ground twice."""
    if not hasattr(thing, "geometry"):
        raise GeographyError(f"`{name}` has no shapes; pass a GeoDataFrame of polygons indexed by code")
    check_metres(thing, name)
    shapes = np.asarray(thing.geometry.array)
    bad = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6)) | ~(shapely.area(shapes) > 0))
    if bad.size or not thing.index.is_unique:
        rows = ", ".join(str(row + 1) for row in bad)
        what = f"rows {rows} of `{name}` are no polygons" if rows else f"`{name}` has a code twice"
        raise GeographyError(f"{what}; give one polygon with some ground for each code")
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    if broken.size:
        rows = ", ".join(str(row + 1) for row in broken)
        raise GeographyError(
            f"rows {rows} of `{name}` are not valid polygons; call {name}.make_valid() and look at them"
        )
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    ground = shapely.area(shapes)
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    twice = shared > MARGIN * np.minimum(ground[one], ground[other])
    if twice.any():
        rows = ", ".join(str(row + 1) for row in np.unique([one[twice], other[twice]]))
        raise GeographyError(
            f"rows {rows} of `{name}` overlap, so that people would be counted twice; use areas that share edges only"
        )


def _by_addresses(
    source: Any, target: Any, weight: Any, ground: pd.DataFrame, outside: Array
) -> tuple[pd.DataFrame, Array, int]:
    """Replace ground by the addresses on it, in sources that have any."""
    points = np.asarray(weight.geometry.array)
    check_same_crs(source, weight, names=("source", "weight"))
    counts = weight["weight"] if isinstance(weight, gpd.GeoDataFrame) and "weight" in weight else 1.0
    sizes = np.broadcast_to(pd.to_numeric(pd.Series(counts), errors="coerce").to_numpy(np.float64), points.shape)
    if not (np.isfinite(sizes) & (sizes >= 0)).all() or not (shapely.get_type_id(points) == 0).all():
        what = "points, each with a number from 0 up, are needed"
        raise RecordsError("counts cannot be moved", [Problem(None, "`weight`", what, "correct it; drop the rest")])
    old, new = _holder(points, source), _holder(points, target)
    placed = pd.DataFrame({"source": old, "target": new, "part": sizes})[(old >= 0) & (sizes > 0)]
    some = np.bincount(placed["source"], minlength=len(source)) > 0
    counted = placed[placed["target"] >= 0].groupby(["source", "target"])["part"].sum()
    beyond = placed[placed["target"] < 0]
    left = np.where(outside > 0, np.bincount(beyond["source"], beyond["part"], minlength=len(source)), 0.0)
    # Addresses on the strips that were taken for drawing count for nothing: the others share them out.
    here = counted.reindex(pd.MultiIndex.from_frame(ground[["source", "target"]]), fill_value=0.0).to_numpy()
    kept = np.bincount(ground["source"], here, minlength=len(source)) + left
    some &= kept > 0
    pairs = ground.assign(part=np.where(some[ground["source"]], here, ground["part"]))
    return pairs, np.where(some, left, outside), int((~some).sum())


def _holder(points: Array, areas: Any) -> Array:
    """Return the position of the area that holds each point, the first where several do, -1 where none does."""
    point, area = shapely.STRtree(np.asarray(areas.geometry.array)).query(points, predicate="intersects")
    found = np.full(points.size, len(areas))
    np.minimum.at(found, point, area)
    return np.where(found == len(areas), -1, found)
