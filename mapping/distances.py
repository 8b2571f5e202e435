"""Are people further from help than before: because they moved, or because a service closed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact
from commonground.systems import check_metres, check_same_crs
from mapping.dealing import Array, Deck, chance_of, deck_of_values
from mapping.patterns import Pattern, read_patterns

__all__ = ["ServiceDistanceShift", "service_distance_shift"]

LEVEL = 0.05
MEASURES = ("mean", "median", "beyond", "wasserstein")
Pairs = Sequence[tuple[Array, Array]]


@dataclass(frozen=True, repr=False)
class ServiceDistanceShift(Exact):
    """Hold how far events are from the nearest service, before and after; exact, for the analyst.

    Parameters
    ----------
    table : DataFrame
        Index: mean, median (metres), beyond (share of events beyond reach), wasserstein (metres by which distances
        must be moved to turn one period's into the other's). Columns: before, after (services as they were before),
        moved (after less before: events moved), p; with a comparison also comparison (its moved), and p is of the
        difference; with services after also closed (what opening and closing did to the events after) and together.
    reach : float
        Metres.
    permutations : int
    notes : tuple of str
    """

    table: pd.DataFrame
    reach: float
    permutations: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return "ServiceDistanceShift(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def summary(self) -> str:
        """Say how distance to help changed, for which reason, and what that does not show."""
        moved, p = (self.table[name].astype(float).to_dict() for name in ("moved", "p"))
        way = "further from" if moved["mean"] > 0 else "nearer to"
        told = "more than chance explains" if p["mean"] <= LEVEL else "chance alone can do that: no proof of staying"
        against = " beside the comparison" if "comparison" in self.table else ""
        lines = [
            f"With the services open before, events are {abs(moved['mean']):,.0f} m {way} the nearest one on average"
            f"{against}; the share beyond {self.reach:,.0f} m changed by {moved['beyond']:+.0%}.",
            f"By {self.permutations:,} relabellings p is {p['mean']:.2g} for the mean ({told}) and {p['beyond']:.2g} "
            "for the share."
            if self.permutations
            else "No relabellings were asked for, so nothing is said about chance.",
        ]
        if "closed" in self.table:
            closed = self.table["closed"].astype(float).to_dict()
            lines.append(
                f"Services that opened or closed changed the mean distance by {closed['mean']:+,.0f} m for those seen "
                "after, wherever they are."
            )
        lines.append(
            "Distance is as the crow flies to any service given, open or not at that hour; it does not show who "
            "could be served, and who is no longer seen is in neither period."
        )
        return "\n".join([*lines, *self.notes])


def service_distance_shift(
    before: Any,
    after: Any,
    services: Any,
    *,
    services_after: Any = None,
    reach: float = 1_000.0,
    comparison: tuple[Any, Any] | None = None,
    strata: Sequence[Any] | None = None,
    permutations: int = 9_999,
    seed: int = 0,
) -> ServiceDistanceShift:
    """Measure the distance of events to the nearest service, before and after.

    Services are held at those of before, so that what is measured is people moving; what services did by opening and
    closing is the change of distance of the events after, from the services before to the services after.

    Parameters
    ----------
    before, after : GeoSeries or GeoDataFrame of points
        Events of each period, in one coordinate system in metres.
    services : GeoSeries or GeoDataFrame of points
        Services open before.
    services_after : the same, optional
        Services open after.
    reach : float
        Distance beyond which a service is out of reach, metres.
    comparison : pair of GeoSeries or GeoDataFrame, optional
        Events before and after that the operation could not have moved.
    strata : pair (or with a comparison four) of array-like, optional
        Labels are dealt out among events of equal value only.
    permutations, seed : int

    Returns
    -------
    ServiceDistanceShift

    Raises
    ------
    GeographyError, RecordsError
        As for `displacement_surface`; also no service, or a reach that is not above 0.

    Notes
    -----
    wasserstein is the area between the two distributions of distance (first Wasserstein distance). p is two-sided, by
    dealing out the labels; with a comparison within each pair, so that it is for "neither changed". Over 1,000
    different distances are put together into as many ranks for the relabelling, at their mean.

    References
    ----------
    Vallender (1974), Theory of Probability and its Applications 18:784 (Wasserstein distance on a line).

    Examples
    --------
    >>> import geopandas as gpd
    >>> clinic = gpd.GeoSeries.from_xy([0], [0], crs=27700)
    >>> near = gpd.GeoSeries.from_xy([100, 200, 300], [0, 0, 0], crs=27700)
    >>> far = near.translate(500)
    >>> service_distance_shift(near, far, clinic, permutations=99).table["moved"].tolist()
    [500.0, 500.0, 0.0, 500.0]
    """
    if not 0 < reach < np.inf:
        raise _refused("reach", "must be a distance above 0 metres", "pass metres, such as 1000")
    groups = (before, after, *(comparison or ()))
    patterns, notes = read_patterns(groups, None, None, strata=strata)
    open_before = _places(services, before, "services")
    distances = [_nearest(pattern, open_before) for pattern in patterns]
    decks = []
    for i in range(0, len(patterns), 2):
        _, codes = np.unique(np.concatenate([pattern.stratum for pattern in patterns[i : i + 2]]), return_inverse=True)
        cut = len(patterns[i].x)
        decks.append(deck_of_values(distances[i], distances[i + 1], (codes[:cut], codes[cut:])))
    table = _table(distances[0], distances[1], reach)
    if comparison is not None:
        table["comparison"] = _table(distances[2], distances[3], reach)["moved"]
    if any(deck.binned for deck in decks):
        notes.append("Events at many distances were put together into ranks of equal number for the relabelling.")
    table["p"] = chance_of(decks, lambda pairs: _statistics(decks, pairs, reach), permutations, seed)
    if services_after is not None:
        open_after = _places(services_after, before, "services_after")
        table["closed"] = _table(distances[1], _nearest(patterns[1], open_after), reach)["moved"]
        table["together"] = _table(distances[0], _nearest(patterns[1], open_after), reach)["moved"]
    return ServiceDistanceShift(table, float(reach), permutations, tuple(notes))


def _places(services: Any, events: Any, name: str) -> cKDTree:
    found = hasattr(services, "geometry") and len(services) and set(services.geom_type) == {"Point"}
    if not found or services.geometry.is_empty.any():
        raise _refused(name, "must be one service or more, as points", "pass a GeoSeries of points")
    if events.crs is not None or services.crs is not None:
        check_metres(services, name)
        check_same_crs(events, services, names=("events", name))
    return cKDTree(shapely.get_coordinates(services.geometry.array))


def _nearest(pattern: Pattern, places: cKDTree) -> Array:
    distance, _ = places.query(np.stack([pattern.x, pattern.y], axis=-1))
    return np.asarray(distance, dtype=np.float64)


def _table(before: Array, after: Array, reach: float) -> pd.DataFrame:
    rows = [[part.mean(), np.median(part), (part > reach).mean(), np.nan] for part in (before, after)]
    table = pd.DataFrame({"before": rows[0], "after": rows[1]}, index=list(MEASURES))
    table["moved"] = table["after"] - table["before"]
    table.loc["wasserstein", "moved"] = wasserstein_distance(before, after)
    return table


def _statistics(decks: Sequence[Deck], pairs: Pairs, reach: float) -> Array:
    changes = [
        _changes(deck.values[0], before, after, reach) for deck, (before, after) in zip(decks, pairs, strict=True)
    ]
    return changes[0] if len(changes) == 1 else changes[0] - changes[1]


def _changes(values: Array, before: Array, after: Array, reach: float) -> Array:
    """Return the change of each measure for every pair of rows of counts over bins of a distance."""
    order = np.argsort(values, kind="stable")
    values = values[order]
    shares = [counts[:, order] / counts.sum(axis=1, keepdims=True) for counts in (before, after)]
    sums = [np.cumsum(share, axis=1) for share in shares]
    mean, beyond = ((shares[1] - shares[0]) @ weight for weight in (values, (values > reach).astype(float)))
    medians = [_median(values, total) for total in sums]
    moved = np.abs(sums[1] - sums[0])[:, :-1] @ np.diff(values)
    return np.stack([mean, medians[1] - medians[0], beyond, moved], axis=-1)


def _median(values: Array, total: Array) -> Array:
    """Return the middle value, or the mean of the two in the middle."""
    lower, upper = ((total >= half).argmax(axis=1) for half in (0.5 - 1e-9, 0.5 + 1e-9))
    return np.asarray((values[lower] + values[upper]) / 2)


def _refused(what: str, rule: str, do: str) -> RecordsError:
    return RecordsError("the distance to services cannot be measured", [Problem(None, what, rule, do)])
