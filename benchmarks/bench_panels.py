"""Synthetic comparisons, differences in differences and the drift check beside what people would run instead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.optimize import minimize

from benchmarks.timing import report, seconds
from evaluation.did import difference_in_differences
from evaluation.pretrends import pretrend_check
from evaluation.synthetic import synthetic_control
from evaluation.weighted_differences import synthetic_did


def one_mix(pre: np.ndarray, unit: int) -> None:
    """Find the weights of one unit by a general solver, from even weights, with its gradient."""
    pool, path = np.delete(pre, unit, axis=1), pre[:, unit]
    size = pool.shape[1]
    minimize(
        lambda w: ((pool @ w - path) ** 2).sum(),
        np.full(size, 1 / size),
        jac=lambda w: 2 * pool.T @ (pool @ w - path),
        bounds=[(0, 1)] * size,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
    )


def regressions(panel: pd.DataFrame) -> None:
    """Fit the regression with a level for each area and month, once for each area as if treated."""
    long = panel.stack().rename("count").rename_axis(["month", "area"]).reset_index()
    dummies = pd.get_dummies(long[["area", "month"]].astype(str), drop_first=True, dtype=float).to_numpy()
    for area in panel.columns:
        effect = ((long["area"] == area) & (long["month"] >= 24)).to_numpy(float)
        design = sm.add_constant(np.column_stack([effect, dummies]))
        sm.GLM(long["count"], design, family=sm.families.Poisson()).fit()


def drift_by_regression(own: pd.Series, others: pd.Series) -> None:
    """Fit the drift before as a quasi-binomial regression."""
    total = (own + others).to_numpy(float)
    design = sm.add_constant(np.arange(float(len(own))))
    sm.GLM(own.to_numpy() / total, design, family=sm.families.Binomial(), var_weights=total).fit(scale="X2")


def main() -> None:
    """Print ratios."""
    rng = np.random.default_rng(2)
    states = pd.DataFrame(100 + rng.normal(0, 3, (31, 39)).cumsum(axis=0), index=range(1970, 2001))
    pre = states.loc[:1988].to_numpy()
    peer = seconds(lambda: [one_mix(pre, unit) for unit in range(39)], runs=1)
    ours = seconds(lambda: synthetic_control(states, 0, 1989))
    report("synthetic control, 38 placebos, each donor left out", ours, peer, "39 SLSQP programs", "under 0.2 s")
    ours = seconds(lambda: synthetic_did(states, 0, 1989))
    report("synthetic difference in differences, 38 placebos", ours, peer, "39 SLSQP programs", "under 0.2 s")

    panel = pd.DataFrame(rng.poisson(4, (30, 20)))
    peer = seconds(lambda: regressions(panel), runs=1)
    ours = seconds(lambda: difference_in_differences(panel, 0, 24))
    report("difference in differences, 20 areas", ours, peer, "20 regressions", "under 0.1 s")
    ours = seconds(lambda: difference_in_differences(panel, list(range(8)), 24))
    report("the same, 8 treated: 5,000 choices", ours, peer, "20 regressions", "under 0.1 s")

    ours = seconds(lambda: pretrend_check(panel[0], panel.loc[:, 1:], 24))
    others = panel.loc[:23, 1:].sum(axis=1)
    peer = seconds(lambda: drift_by_regression(panel.loc[:23, 0], others))
    report("drift before, with the slopes of 19 areas", ours, peer, "one regression", "under 0.1 s")


if __name__ == "__main__":
    main()
