"""Attacker bounds beside one linear program a cell, and reading files back beside hashing them."""

from __future__ import annotations

import hashlib
import json
import math
import re

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from benchmarks.timing import report, seconds
from commonground.disclosure import attacker_bounds
from commonground.disclosure.inspection import inspect_bytes
from commonground.tripwire import scan


def table() -> pd.DataFrame:
    """Fifty rows by ten columns, every cell hidden, with totals."""
    values = np.random.default_rng(1).poisson(4, (50, 10)).astype(float)
    rows = np.vstack([values, values.sum(axis=0)])
    whole = np.hstack([rows, rows.sum(axis=1, keepdims=True)])
    whole[:-1, :-1] = np.nan
    return pd.DataFrame(whole)


def one_program_a_bound(published: pd.DataFrame, cells: int) -> None:
    """Bound some cells the plain way: two linear programs each."""
    rows, columns = published.shape[0] - 1, published.shape[1] - 1
    sums = np.zeros((rows + columns, rows * columns))
    for i in range(rows):
        sums[i, i * columns : (i + 1) * columns] = 1
    for j in range(columns):
        sums[rows + j, j::columns] = 1
    totals = [*published.iloc[:-1, -1], *published.iloc[-1, :-1]]
    for cell in range(cells):
        for sign in (1, -1):
            aim = np.zeros(rows * columns)
            aim[cell] = sign
            linprog(aim, A_eq=sums, b_eq=totals, method="highs")


def main() -> None:
    """Print ratios."""
    published = table()
    ours = seconds(lambda: attacker_bounds(published), runs=1)
    some = 20
    peer = seconds(lambda: one_program_a_bound(published, some), runs=1) * 500 / some
    report("bounds of 500 hidden cells", ours, peer, "a linear program a bound (20 cells timed, scaled)", "under 5 s")

    ring = [[0.05 + math.sin(i) / 90, 51.55 + math.cos(i) / 90] for i in range(30)]
    shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    features = [{"type": "Feature", "properties": {"area": "North"}, "geometry": shape}] * 1000
    page = f"<!doctype html><script>L.geoJSON({json.dumps(features)})</script>".encode()
    ours = seconds(lambda: inspect_bytes("map.html", page))
    peer = seconds(lambda: json.loads(json.dumps(features)))
    report(
        f"reading back a map of {len(page) / 1e6:.1f} MB", ours, peer, "writing and parsing its JSON once", "under 10 s"
    )
    print(f"  hashing it: {seconds(lambda: hashlib.sha256(page).hexdigest()):.4f} s")

    texts = pd.Series([f"Violence and sexual offences on or near High Street {i}" for i in range(200_000)])
    phone = re.compile(r"(?:\+44|0)\d{9,10}")
    ours = seconds(lambda: scan(texts))
    peer = seconds(lambda: [phone.search(text) for text in texts])
    report("tripwire over 200,000 texts, seven patterns", ours, peer, "one pattern in a loop", "under 1 s")


if __name__ == "__main__":
    main()
