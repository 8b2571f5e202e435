"""How long does the choice of a model of overlapping lists take, beside fitting the same models one by one?"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import statsmodels.api as sm

from benchmarks.timing import report, seconds
from mapping.bootstraps import reselecting_draws
from mapping.loglinear import Family, fit_models, model_family
from mapping.population import population_size
from mapping.selecting import best_models

PEOPLE, DRAWS, TIMED = 3_000, 1_000, 40
REACH = (0.08, 0.2, 0.35, 0.25, 0.12)


def five_lists() -> np.ndarray:
    """Sparse lists of people who differ in visibility, so that no model is plainly the best."""
    rng = np.random.default_rng(1)
    odds = np.log(np.array(REACH) / (1 - np.array(REACH))) + 0.8 * rng.standard_normal((PEOPLE, 1))
    seen = rng.random((PEOPLE, len(REACH))) < 1 / (1 + np.exp(-odds))
    code = seen @ (2 ** np.arange(len(REACH))[::-1])
    return np.bincount(code, minlength=2 ** len(REACH))[1:].astype(float)


def one_model_at_a_time(family: Family, counts: np.ndarray, models: list[int]) -> list[float]:
    """Fit each model with statsmodels."""
    found = []
    for model in models:
        columns = np.r_[np.ones(1 + len(family.lists), bool), family.models[model]]
        found.append(sm.GLM(counts, family.design[:, columns], family=sm.families.Poisson()).fit().llf)
    return found


def main() -> None:
    """Print times and ratios."""
    family = model_family("ABCDE")
    counts = five_lists()
    every = np.arange(len(family.models))
    some = every[:: len(every) // TIMED].tolist()
    one = seconds(lambda: one_model_at_a_time(family, counts, some), runs=1) / len(some)
    name = f"statsmodels ({len(some)} fits timed, scaled)"

    ours = seconds(lambda: fit_models(family, np.tile(counts, (len(every), 1)), every))
    report(f"all {len(every):,} models of five lists, one table", ours, one * len(every), name, "under 1 s")
    ours = seconds(lambda: best_models(family, counts[None, :]))
    report("the best of them, without fitting all", ours, one * len(every), name, "under 1 s")

    best = best_models(family, counts[None, :])
    total = float(counts.sum() + best.unseen[0])
    draw = partial(reselecting_draws, family, counts, total, select="bic", seed=0)
    ours = seconds(lambda: draw(draws=DRAWS), runs=1)
    what = f"{DRAWS:,} draws, each choosing among {len(every):,} models"
    report(what, ours, one * len(every) * DRAWS, name, "under 60 s")

    histories = dict(zip("ABCDE", family.cells.astype(int).T, strict=True))
    table = pd.DataFrame({**histories, "n": counts})
    ours = seconds(lambda: population_size(table, draws=DRAWS), runs=1)
    report("population_size, five lists", ours, one * len(every) * DRAWS, name, "under 60 s")


if __name__ == "__main__":
    main()
