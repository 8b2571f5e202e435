"""How many cells are left: the published partition beside hiding small cells, over twenty towns; with time beside.

Plain suppression shows each cell that passes every rule and nothing of the others. It is given more than it may have:
its hidden cells are not protected against subtraction from a total. Optimal suppression (pytauargus, where it is
installed) hides further cells until they are.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commonground.disclosure import protect
from commonground.errors import NotReleasable
from commonground.periods import Period
from commonground.records import read_records
from commonground.tallies import Tally, tally

SEEDS, K = 20, 8
TARGET = 1.3  # times plain suppression's cells, on the mean, with everybody represented
WINDOW = Period("2022-01-01", "2025-01-01")
PHASES = {"before": Period("2022-01-01", "2024-01-01"), "after": Period("2024-04-01", "2025-01-01")}
TABLES: dict[str, Any] = {
    "area": {"all": WINDOW},
    "area, phase": PHASES,
    "area, year": "year",
    "area, quarter": "quarter",
}
AS_OF = "2025-12-31"


@dataclass(frozen=True)
class Beside:
    """One table of one town: cells shown, and the share of people who are in one of them."""

    cells: int
    people: float
    plain_cells: int
    plain_people: float
    optimal_cells: int | None = None


def main(seeds: int = SEEDS) -> None:
    """Print the mean over towns of each table."""
    towns = generator()
    found: dict[str, list[Beside]] = {name: [] for name in TABLES}
    for seed in range(seeds):
        town = towns.make_town(seed)
        for name, every in TABLES.items():
            found[name].append(beside(counted(town, every)))
    print(f"{seeds} towns of 40 areas, k {K}; mean cells and share of people shown")
    for name, rows in found.items():
        table = pd.DataFrame(rows)
        cells, plain = table["cells"].mean(), table["plain_cells"].mean()
        print(
            f"  people by {name}: ours {cells:.1f} ({table['people'].mean():.0%}), plain suppression {plain:.1f} "
            f"({table['plain_people'].mean():.0%}): {cells / plain:.2f} times as many (target: {TARGET}, 100%); "
            f"in the worst town {(table['cells'] / table['plain_cells'].clip(lower=1)).min():.2f} times"
        )
        optimal = table["optimal_cells"].dropna()
        if len(optimal):
            print(f"    optimal suppression {optimal.mean():.1f}: {cells / optimal.mean():.2f} times as many")
    if importlib.util.find_spec("pytauargus") is None:
        print("  optimal suppression: pytauargus is not installed, so it is left out")


def generator() -> Any:
    """Load data/sample/generate.py, which is no package."""
    path = Path(__file__).parents[1] / "data" / "sample" / "generate.py"
    spec = importlib.util.spec_from_file_location("sample_town_of_benchmarks", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path.name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def counted(town: Any, every: Any) -> Tally:
    """Count people in contact, all sources together."""
    areas = town.areas.set_index("code").rename_axis("area").rename(columns={"addresses": "population"})
    records = read_records(town.contacts.assign(source="all"), "contacts", crs="EPSG:27700")
    options = {"window": WINDOW} if isinstance(every, str) else {}
    return tally(records, areas[["name", "population", "geometry"]], every=every, count="persons", **options)


def beside(counts: Tally) -> Beside:
    """Set the gate beside plain suppression of the same table."""
    everybody = counts.keys["person"].nunique()
    passing = plain_cells(counts.keys)
    seen = counts.keys.set_index(["area", "period"]).loc[passing, "person"].nunique() if len(passing) else 0
    try:
        ours = protect(counts, as_of=AS_OF)
    except NotReleasable:
        return Beside(0, 0.0, len(passing), seen / everybody)
    inside = np.zeros(len(counts.keys), dtype=bool)
    for _, areas, period, _, value, *_ in ours.rows:
        names = [name for name, span in counts.periods.items() if ours.periods[period].covers(span)]
        held = counts.keys["area"].isin(areas) & counts.keys["period"].isin(names)
        inside |= held.to_numpy() & (value is not None)
    people = counts.keys.loc[inside, "person"].nunique() / everybody
    shown = sum(row[4] is not None for row in ours.rows)
    return Beside(shown, people, len(passing), seen / everybody, optimal_cells(counts.keys))


def plain_cells(keys: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the cells of area and period that pass every rule of the partner profile, written anew with pandas."""
    passing = []
    for cell, rows in keys.groupby(["area", "period"]):
        people = rows["person"].nunique()
        enough = people >= K and rows["premises"].nunique() >= 3 and rows["event"].nunique() >= 3
        most = max(rows.groupby(who)["person"].nunique().max() for who in ("premises", "event")) if enough else 0
        if enough and most <= people / 2:
            passing.append(cell)
    return passing


def optimal_cells(keys: pd.DataFrame) -> int | None:
    """Return the cells that optimal suppression leaves, of a table with totals; None where pytauargus is missing.

    Its one rule is k people a cell; ours has more.
    """
    try:
        from pytauargus import protect as suppress  # an optional extra: nobody needs it to run this
    except ImportError:
        return None
    people = keys[["area", "period", "person"]].drop_duplicates()
    rows = {"area": list(people["area"]), "period": list(people["period"]), "people": [1.0] * len(people)}
    with tempfile.TemporaryDirectory() as folder:
        result = suppress(
            rows, ["area", "period"], response="people", safety_rules=f"FREQ({K},30)", suppress="OPT(1)", workdir=folder
        )
        cells = pd.DataFrame(result.tables[0].rows)
    inner = cells["area"].isin(people["area"]) & cells["period"].isin(people["period"])  # totals have other codes
    return int((inner & cells["status"].eq("S")).sum())


if __name__ == "__main__":
    main()
