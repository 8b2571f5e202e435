"""Access of many areas to many services in six slots, beside a bare loop over the same; by group, gaps, redraws."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.timing import report, seconds
from mapping.access import slot_access
from mapping.gaps import service_gap
from mapping.group_access import group_access
from mapping.redraws import Redraws, redraw_gaps
from mapping.supply import GroupSupply

AREAS, SITES, SLOTS, GROUPS, SIDE, REACH = 5_000, 200, 6, 5, 60_000, 5_000
STEPS = {1_000: 1.0, 3_000: 0.68, 5_000: 0.22}
SAMPLE = 0.02  # of the areas of a loop that is timed; its time is scaled up: each turn does the same work


def town() -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """People, places by slot, and metres."""
    rng = np.random.default_rng(1)
    names, slots = [f"S{j}" for j in range(SITES)], [f"slot {k}" for k in range(SLOTS)]
    areas, sites = rng.uniform(0, SIDE, (AREAS, 2)), rng.uniform(0, SIDE, (SITES, 2))
    metres = np.hypot(*(areas[:, None] - sites[None]).transpose(2, 0, 1))
    people = pd.Series(rng.poisson(4, AREAS).astype(float))
    places = pd.DataFrame(rng.integers(0, 40, (SITES, SLOTS)) * 1.0, index=names, columns=slots)
    return people, places, pd.DataFrame(metres, columns=names)


def one_pair_at_a_time(demand: list[float], supply: list[list[float]], cost: list[list[float]]) -> list[list[float]]:
    """Do the same with nothing but loops."""
    weights = [[next((w for limit, w in STEPS.items() if c <= limit), 0.0) for c in row] for row in cost]
    slots, found = range(len(supply[0])), [[0.0] * len(supply[0]) for _ in demand]
    for j, places in enumerate(supply):
        reaching = sum(people * row[j] for people, row in zip(demand, weights, strict=True))
        for i, row in enumerate(weights):
            if row[j] and reaching:
                for k in slots:
                    found[i][k] += places[k] / reaching * row[j]
    return found


def main() -> None:
    """Print times and ratios."""
    people, places, metres = town()
    some = int(AREAS * SAMPLE)
    plain = (people[:some].tolist(), places.to_numpy().tolist(), metres[:some].to_numpy().tolist())
    peer = seconds(partial(one_pair_at_a_time, *plain), runs=1) / SAMPLE
    what, scaled = f"{AREAS:,} areas x {SITES} sites x {SLOTS} slots", f"a loop ({SAMPLE:.0%} timed, scaled)"
    access = slot_access(people, places, metres, reach=REACH, decay=STEPS)
    small = slot_access(people[:some], places, metres[:some], reach=REACH, decay=STEPS)
    np.testing.assert_allclose(small.access, one_pair_at_a_time(*plain), atol=1e-9)
    ours = seconds(partial(slot_access, people, places, metres, reach=REACH, decay=STEPS))
    report(f"slot_access, {what}", ours, peer, scaled, "under 2 s")

    rng = np.random.default_rng(2)
    accepts = rng.choice([0.0, 1, np.nan], (SITES, GROUPS), p=[0.2, 0.6, 0.2])
    supply = GroupSupply(pd.DataFrame(accepts, index=places.index), places)
    counts = pd.DataFrame(rng.poisson(1, (AREAS, GROUPS)))
    ours = seconds(partial(group_access, counts, supply, metres, reach=REACH, decay=STEPS))
    report(f"group_access, {what} x {GROUPS} groups", ours, peer * GROUPS, f"{GROUPS} times {scaled}", "under 4 s")
    ours = seconds(partial(service_gap, people, access, least=1.0))
    report(f"service_gap, {AREAS:,} areas x {SLOTS} slots", ours, peer, f"access by {scaled}", "under 2 s")
    few, draws = AREAS // 10, 999
    part = (people[:few], places, metres[:few])
    ours = seconds(partial(redraw_gaps, *part, reach=REACH, least=1.0, options=Redraws(draws)), runs=1)
    loop = seconds(partial(slot_access, *part, reach=REACH)) * draws
    report(
        f"redraw_gaps, {few} areas x {SITES} sites x {SLOTS} slots",
        ours,
        loop,
        f"slot_access {draws} times",
        "under 10 s",
    )


if __name__ == "__main__":
    main()
