"""The headline test, rates for many areas and synthetic control beside the loops people would write."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import binomtest

from benchmarks.timing import report, seconds
from evaluation import Design, change_test, rate_ratios, smallest_detectable, synthetic_control


def bootstrap(treated: pd.Series, draws: int) -> None:
    """Judge a ratio the plain way: resample months."""
    rng = np.random.default_rng(0)
    for _ in range(draws):
        sample = treated.sample(frac=1, replace=True, random_state=int(rng.integers(1 << 31)))
        _ = sample.iloc[24:].sum() / max(sample.iloc[:24].sum(), 1)


def main() -> None:
    """Print ratios."""
    rng = np.random.default_rng(2)
    months = pd.period_range("2020-01", periods=30, freq="M")
    panel = pd.DataFrame(rng.poisson(4, (30, 6)), index=months, columns=list("tabcde"))
    ours = seconds(lambda: change_test(panel["t"], panel[list("abcde")], "2022-01"))
    peer = seconds(lambda: bootstrap(panel["t"], 2000), runs=1)
    target = "p under 50 ms, interval under 1 s"
    report("change_test, p and interval, five comparison areas", ours, peer, "a bootstrap of 2,000 draws", target)

    many = pd.DataFrame(rng.poisson(3000, (30, 6)), index=months, columns=list("tabcde"))
    spent = seconds(lambda: change_test(many["t"], many[list("abcde")], "2022-01"))
    print(f"change_test with 540,000 events: {spent:.3f} s, {spent / ours:.1f} times the small one (target: under 1 s)")

    before, after = pd.Series(rng.poisson(5, 1000)), pd.Series(rng.poisson(5, 1000))
    pairs = list(zip(before, before + after, strict=True))
    loop = seconds(lambda: [binomtest(int(b), int(n)).proportion_ci() for b, n in pairs if n])
    report(
        "exact rate ratios of 1,000 areas",
        seconds(lambda: rate_ratios(before, after)),
        loop,
        "a loop of binomtest",
        "under 0.1 s",
    )

    states = pd.DataFrame(rng.normal(100, 10, (31, 39)).cumsum(axis=0), index=range(1970, 2001))
    ours = seconds(lambda: synthetic_control(states, 0, 1989), runs=1)
    pre = states.loc[:1988].to_numpy()

    def one_weighting() -> None:
        donors = pre[:, 1:]
        minimize(lambda w: ((donors @ w - pre[:, 0]) ** 2).sum(), np.full(38, 1 / 38), bounds=[(0, 1)] * 38,
                 constraints={"type": "eq", "fun": lambda w: w.sum() - 1}, method="SLSQP")  # fmt: skip

    report(
        "synthetic control with 38 placebos",
        ours,
        39 * seconds(one_weighting, runs=1),
        "39 SLSQP programs",
        "under 0.2 s",
    )

    design = Design(24, 6, 60.0, 5, dispersion=0.1)
    spent = seconds(lambda: smallest_detectable(design))
    print(f"smallest detectable change: {spent:.3f} s (target: under 0.3 s an outcome)")


if __name__ == "__main__":
    main()
