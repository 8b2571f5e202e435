"""Run the calibration and write its page: `python -m benchmarks.calibration [--series N] [--only PART ...]`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.calibration.contenders import PARTS
from benchmarks.calibration.grid import TUNED, UNTUNED
from benchmarks.calibration.page import page
from benchmarks.calibration.results import read, table, write
from benchmarks.calibration.running import Run, finished, run, tasks

__all__ = ["main", "publish"]

ROOT = Path(__file__).parents[2]


def main(given: list[str] | None = None) -> None:
    """Continue the run, say how far it is, and write results and page when nothing is left."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--series", type=int, default=Run.series, help="studies without a change in each cell")
    parser.add_argument("--fewer", type=int, default=Run.fewer, help="studies in each cell for all that is slower")
    parser.add_argument("--seed", type=int, default=Run.seed)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="parts to run now")
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args(given)
    settings = Run(chosen.series, min(chosen.fewer, chosen.series), chosen.seed)
    folder = ROOT / "build" / "calibration" / f"{settings.series}-{settings.fewer}-seed-{settings.seed}"
    started = time.monotonic()
    todo = tasks(chosen.only)
    for count in run(todo, settings, folder / "done.jsonl", processes=chosen.processes):
        print(f"{count} of {len(todo)} done, {(time.monotonic() - started) / 60:.1f} minutes", flush=True)
    done = finished(folder / "done.jsonl", settings)
    if any(task not in done for task in tasks()):
        print("Parts are missing; the page is written when all are done.")
        return
    # Only the run that is published may replace what is published.
    standard = settings == Run()
    results = (Path(__file__).parent if standard else folder) / "results.csv"
    write(table(done, (*TUNED, *UNTUNED)), settings.stamp, results)
    publish(results, (ROOT / "docs" if standard else folder) / "calibration.md")


def publish(results: Path, to: Path) -> None:
    """Write the page from the table of results."""
    stamp, frame = read(results)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page(frame, stamp), encoding="utf-8", newline="\n")
    print(f"{to.name} is written.")


if __name__ == "__main__":
    main()
