"""The headline test, a whole evaluation and rates for many areas beside the loops people would write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from benchmarks.timing import report, seconds
from commonground.study import Outcome, Study, load_study
from evaluation import Design, change_test, evaluate, plan, rate_ratios, smallest_detectable


def bootstrap(treated: pd.Series, draws: int) -> None:
    """Judge a ratio the plain way: resample months."""
    rng = np.random.default_rng(0)
    for _ in range(draws):
        sample = treated.sample(frac=1, replace=True, random_state=int(rng.integers(1 << 31)))
        _ = sample.iloc[24:].sum() / max(sample.iloc[:24].sum(), 1)


def eight_outcomes() -> Study:
    """Return the sample town's study with each of its outcomes declared twice."""
    study = load_study(Path(__file__).parents[1] / "data" / "sample")
    outcomes = {
        f"{name}_{copy}": replace(one, name=f"{name}_{copy}") for copy in (1, 2) for name, one in study.outcomes.items()
    }
    for name in study.inputs:
        study.located(name)  # reading is not what is timed
    return replace_outcomes(study, outcomes)


def replace_outcomes(study: Study, outcomes: dict[str, Outcome]) -> Study:
    """Return the study with other outcomes and with the records it has read already."""
    other = replace(study, outcomes=outcomes)
    other._read.update(study._read)
    other._located.update(study._located)
    return other


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

    design = Design(24, 6, 60.0, 5, dispersion=0.1)
    spent = seconds(lambda: smallest_detectable(design))
    print(f"smallest detectable change: {spent:.3f} s (target: under 0.3 s an outcome)")
    spent = seconds(lambda: plan(Design(36, 12, 25.0, 5, ratio=0.7, dispersion=0.05)), runs=1)
    print(f"plan over 36 months and 19 areas: {spent:.3f} s (target: under 2 s)")

    study = eight_outcomes()
    ours = seconds(lambda: evaluate(study), runs=1)
    counts = [study.outcome_tally(name).zone_series(study.zones) for name in study.outcomes]
    sides = list(study.comparison)

    def headlines() -> None:
        for monthly in counts:
            change_test(monthly["treated"], monthly[sides], "2024-01", "2024-04")

    target = "under 5 s"
    report(
        "evaluate of 8 outcomes, with every check", ours, seconds(headlines, runs=1), "their 8 headline tests", target
    )


if __name__ == "__main__":
    main()
