"""When may an estimate be used: rule by rule, and with planted people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mapping.population import population_size
from mapping.verdicts import Evidence, judge


def drawn(seed: int, people: int, reach: tuple[float, ...], *, unequal: float = 0.0) -> pd.DataFrame:
    """One row a person who is seen, from lists drawn independently given how visible each person is."""
    rng = np.random.default_rng(seed)
    odds = np.log(np.array(reach) / (1 - np.array(reach))) + unequal * rng.standard_normal((people, 1))
    seen = (rng.random((people, len(reach))) < 1 / (1 + np.exp(-odds))).astype(int)
    found = pd.DataFrame(seen[seen.any(axis=1)], columns=list("abcde")[: len(reach)])
    return found.assign(n=1)


def test_the_verdict_falls_when_any_one_thing_is_wrong() -> None:
    gates = pd.DataFrame(
        [("20 people or more on two lists", True, ""), ("no list inside another", True, "")],
        columns=["gate", "passed", "detail"],
    ).astype({"passed": "boolean"})
    checks = pd.DataFrame({"inside": [True] * 3, "floor_holds": [True] * 3}, dtype="boolean")
    good = Evidence(
        gates=gates, checks=checks, lists=3, observed=100.0, estimated=True, interval=(120.0, 180.0),
        agreement=(130.0, 160.0), linkage=(140.0, 150.0), floor_low=110.0, fit=0.4, undeclared=False, visibility=0.6,
        drawn=1.0,
    )  # fmt: skip
    assert judge(good) == ("usable", ())
    wrong: dict[str, list[Any]] = {
        "lists": [2], "interval": [(90.0, 181.0), (280.0, 310.0)], "agreement": [(100.0, 151.0)],
        "linkage": [(100.0, 151.0)], "floor_low": [181.0], "fit": [0.04, np.nan], "undeclared": [True],
        "visibility": [0.09, np.nan], "drawn": [0.94], "checks": [checks.assign(inside=[True, False, True]),
        checks.assign(inside=pd.array([True, None, True], "boolean"))],
    }  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            verdict, reasons = judge(replace(good, **{name: value}))
            assert (name, verdict, len(reasons)) == (name, "floor only", 1)
    for value in (checks.assign(floor_holds=[True, False, True]),):
        assert judge(replace(good, checks=value))[0] == "do not estimate"
    assert judge(replace(good, estimated=False))[0] == "do not estimate"


def test_planted_people_are_inside_the_interval_nearly_always() -> None:
    tries = [population_size(drawn(seed, 600, (0.45, 0.4, 0.5)), draws=200, seed=seed) for seed in range(12)]
    assert sum(600 in found.interval for found in tries) >= 10
    assert sum(found.verdict == "usable" for found in tries) >= 8
    assert all(found.floor_range.low <= 600 for found in tries)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "reach", "unequal", "usable"),
    [
        (1_000, (0.5, 0.45, 0.4), 0.0, (0.75, 1.0)),
        (1_000, (0.3, 0.3, 0.3), 0.0, (0.75, 1.0)),
        (800, (0.3, 0.25, 0.35, 0.3), 0.0, (0.65, 1.0)),
        (800, (0.3, 0.35, 0.3), 0.7, (0.0, 0.6)),
        (800, (0.3, 0.35, 0.3), 1.0, (0.0, 0.15)),
        (800, (0.3, 0.25, 0.35, 0.3), 1.0, (0.0, 0.1)),
    ],
)
def test_the_interval_holds_planted_people_alike_or_not(
    people: int, reach: tuple[float, ...], unequal: float, usable: tuple[float, float]
) -> None:
    runs = 150
    found = [population_size(drawn(seed, people, reach, unequal=unequal), draws=200, seed=seed) for seed in range(runs)]
    held = np.mean([people in one.interval for one in found])
    floors = np.mean([one.floor_range.low <= people for one in found])
    assert held >= 0.89  # three standard errors below .95, with the twentieth that nothing tells
    assert floors >= 0.97
    assert usable[0] <= np.mean([one.verdict == "usable" for one in found]) <= usable[1]
