"""The robustness checks of one outcome beside the headline test they repeat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.timing import report, seconds
from commonground.periods import Period
from evaluation import change_test
from evaluation.robustness import robustness


def main() -> None:
    """Print ratios."""
    rng = np.random.default_rng(2)
    areas = list("abcde")
    for before, after, mean in ((24, 6, 4), (48, 12, 12)):
        months = pd.period_range("2018-01", periods=before + after, freq="M")
        panel = pd.DataFrame(rng.poisson(mean, (len(months), 6)), index=months, columns=["treated", *areas])
        days = [month.start_time for month in (months[0], months[before], months[-1] + 1)]
        phases = {"before": Period(days[0], days[1]), "after": Period(days[1], days[2])}
        headline = change_test(panel["treated"], panel[areas], days[1])
        ours = seconds(lambda p=panel, f=phases, h=headline: robustness(p, f, areas, change=h))
        one = seconds(lambda p=panel, d=days: change_test(p["treated"], p[areas], d[1]))
        target = "under 0.4 s an outcome"
        report(f"all robustness checks, {before} + {after} months, mean {mean}", ours, 24 * one, "24 tests", target)


if __name__ == "__main__":
    main()
