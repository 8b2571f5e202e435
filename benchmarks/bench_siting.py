"""Sites for most people in need: the best plan, worked out again, beside the plain program with every area in it."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.timing import report, seconds
from mapping.siting import SitingOptions, site_services

AREAS, SITES, SIDE, SERVICES = 5_000, 200, 20_000, 10


def town(seed: int) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Areas with a few people each, the metres from each to its possible sites, and bounds of need."""
    rng = np.random.default_rng(seed)
    areas = rng.uniform(0, SIDE, (AREAS, 2))
    people = pd.Series(rng.poisson(4, AREAS).astype(float))
    some = rng.permutation(AREAS)[:SITES]
    metres = np.hypot(*(areas[:, None] - areas[None, some]).transpose(2, 0, 1))
    bounds = pd.DataFrame({"value": people, "low": (people - 2).clip(lower=0), "high": people + 2})
    return people, pd.DataFrame(metres, columns=some), bounds


def best_first(people: list[float], within: list[list[int]], fixed: list[int], sites: int) -> float:
    """Take the site that adds most, again and again; no plan of it is known to be the best."""
    reached = {area for site in fixed for area in within[site]}
    for _ in range(sites):
        more = [sum(people[area] for area in those if area not in reached) for those in within]
        reached |= set(within[more.index(max(more))])
    return sum(people[area] for area in reached)


def plain_program(people: np.ndarray, within: np.ndarray, fixed: list[int], sites: int) -> float:
    """Solve the same with a whole-number variable for every area, as packages do; nothing is worked out again."""
    areas, places = within.shape
    cover = sparse.hstack([sparse.eye_array(areas), -sparse.csr_array(within.astype(float))])
    few = np.concatenate([np.zeros(areas), np.ones(places)])[None, :]
    low = np.zeros(areas + places)
    low[[areas + site for site in fixed]] = 1
    rules = [LinearConstraint(cover, -np.inf, 0), LinearConstraint(few, 0, sites + len(fixed))]
    aim = -np.concatenate([people, np.zeros(places)])
    return -float(milp(aim, integrality=np.ones(aim.size), bounds=Bounds(low, 1), constraints=rules).fun)


def main() -> None:
    """Print times, ratios, and how many people the bare loop leaves out."""
    for reach, sites in ((1_500, 1), (1_500, 5), (3_000, 5), (3_000, 20)):
        people, metres, bounds = town(1)
        fixed = [int(name) for name in metres.columns[:SERVICES]]
        within = [np.flatnonzero(metres[site] <= reach).tolist() for site in metres.columns]
        table = (metres <= reach).to_numpy()
        ours = seconds(partial(site_services, people, metres, sites=sites, reach=reach, fixed=fixed))
        peer = seconds(partial(plain_program, people.to_numpy(), table, [*range(SERVICES)], sites), runs=1)
        what = f"{AREAS:,} areas x {SITES} sites, {sites} more within {reach:,} m"
        report(what, ours, peer, "the plain program", "under 5 s")
        plan = site_services(people, metres, sites=sites, reach=reach, fixed=fixed)
        lost = plan.covered - best_first(people.tolist(), within, [*range(SERVICES)], sites)
        print(f"  reaches {plan.covered:,.0f}; taking the best site first {lost:,.0f} fewer; verified {plan.verified}")
    ours = seconds(lambda: site_services(bounds, metres, sites=5, reach=3_000, fixed=fixed), runs=1)
    print(f"with bounds of need (four more plans): {ours:.3f} s")
    room = pd.Series(np.where(metres.columns.isin(fixed), 300.0, 400.0), metres.columns)
    options = SitingOptions(capacity=room, seconds=30)
    ours = seconds(lambda: site_services(people, metres, sites=2, reach=1_500, fixed=fixed, options=options), runs=1)
    print(f"with capacities (2 more within 1,500 m): {ours:.3f} s")


if __name__ == "__main__":
    main()
