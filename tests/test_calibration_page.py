"""The published page says what the run found, and the run is that of this code."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.calibration.__main__ import main
from benchmarks.calibration.contenders import PARTS
from benchmarks.calibration.grid import TUNED, UNTUNED
from benchmarks.calibration.page import page
from benchmarks.calibration.results import CELL, CONTENDERS, failing, read, table, tuned, write
from benchmarks.calibration.running import Run, Task, make
from benchmarks.calibration.words import NAMES, PROCESSES, SHORT

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "calibration" / "results.csv"
PAGE = ROOT / "docs" / "calibration.md"


@pytest.fixture(scope="module")
def published() -> tuple[dict[str, str], pd.DataFrame]:
    return read(RESULTS)


def test_the_page_is_made_from_the_results_beside_it(published: tuple[dict[str, str], pd.DataFrame]) -> None:
    stamp, frame = published
    assert PAGE.read_text(encoding="utf-8") == page(frame, stamp)


def test_the_published_run_is_whole_and_of_the_promised_size(published: tuple[dict[str, str], pd.DataFrame]) -> None:
    stamp, frame = published
    assert (stamp["series"], stamp["fewer"], stamp["seed"]) == ("400", "100", "5")
    assert frame[CELL].to_dict("records") == [vars(cell) for cell in (*TUNED, *UNTUNED)]
    assert (frame["exact_n"] == 400).all()
    assert (frame["exact_half_n"] == 100).all()
    assert (frame["cover_half_n"] == frame["headline_half_n"]).all()
    assert (frame.loc[frame["areas"] < 2, "cluster_n"] == 0).all()
    assert (frame.loc[frame["areas"] >= 2, "cluster_n"] > 300).all()
    assert (frame["local_n"] == 400).all()
    for name in CONTENDERS:
        assert (frame[f"{name}_alarms"] <= frame[f"{name}_n"]).all()
        assert (frame[f"{name}_half_alarms"] <= frame[f"{name}_half_n"]).all()
    assert RESULTS.stat().st_size < 150_000


@pytest.mark.parametrize(
    ("row", "part"), [(50, "ours"), (146, "models"), (203, "ours"), (110, "intervals"), (300, "models"), (20, "local")]
)
def test_this_code_gives_the_published_numbers(
    published: tuple[dict[str, str], pd.DataFrame], row: int, part: str
) -> None:
    """Change the test, and the page has to be made again."""
    stamp, frame = published
    other = [name for name in ("numpy", "scipy") if stamp[name] != metadata.version(name)]
    if other:
        pytest.skip(f"the published run had another version of {' and '.join(other)}: its random numbers may differ")
    found = make(Task((*TUNED, *UNTUNED)[row], part), Run())
    assert found == frame.loc[row, list(found)].to_dict()


def test_ours_passes_and_the_usual_tests_do_not(published: tuple[dict[str, str], pd.DataFrame]) -> None:
    grid = published[1][tuned(published[1])]
    assert not failing(grid, "headline").any()
    assert not failing(grid, "flag").any()
    for name in ("exact", "newey", "cluster"):
        assert failing(grid, name).sum() > 20, name
    assert grid["cover_half"].sum() / grid["cover_half_n"].sum() >= 0.93


# what the page says, of results that are made up


def made_up() -> pd.DataFrame:
    """Return answers of 400 studies a cell with 20 alarms, and of 100 halved ones with 60."""
    frame = table({}, (*TUNED, *UNTUNED))
    for name in CONTENDERS:
        counts = {"n": 400, "alarms": 20, "half_n": 100, "half_alarms": 60, "half_adjusted": 55}
        for count, value in counts.items():
            frame[f"{name}_{count}"] = value
    return frame.assign(cover_half_n=100, cover_half=96)


STAMP = {"series": 400, "fewer": 100, "seed": 5} | dict.fromkeys(["commonground", "numpy", "scipy", "statsmodels"], "1")


def rows(text: str, title: str) -> list[list[str]]:
    section = text.split(f"## {title}\n")[1].split("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]


def test_a_cell_fails_when_chance_at_seven_per_cent_is_below_one_in_a_thousand() -> None:
    """Holm's first step: 288 times the smallest binomial tail."""
    frame = made_up()
    grid = frame[tuned(frame)].copy()
    limit = next(k for k in range(400) if 288 * stats.binomtest(k, 400, 0.07, alternative="greater").pvalue < 0.001)
    assert limit == 54
    grid.loc[7, "headline_alarms"] = limit - 1
    assert not failing(grid, "headline").any()
    grid.loc[7, "headline_alarms"] = limit
    assert np.flatnonzero(failing(grid, "headline")).tolist() == [7]
    grid.loc[8, ["flag_n", "flag_alarms"]] = [20, 20]
    assert np.flatnonzero(failing(grid, "flag")).tolist() == [8]
    grid[["exact_n", "exact_alarms"]] = 0
    assert not failing(grid, "exact").any()  # no answer, no alarm


def test_the_page_says_so_when_the_headline_fails() -> None:
    frame = made_up()
    assert "worst cell 5 % (mean 1, dispersion 0, correlation 0, season 0, 24+6 months, no area)" in page(frame, STAMP)
    assert "Not passed" not in page(frame, STAMP)
    frame.loc[[7, 9], "headline_alarms"] = 80
    text = page(frame, STAMP)
    assert "worst cell 20 %" in text
    assert text.count("**Not passed: 2 cells fail.**") == 1
    frame["cover_half"] = 90
    assert "of .5 in 90 % of studies. **Not passed.**" in page(frame, STAMP)


def test_the_page_names_the_series_on_which_it_fails() -> None:
    frame = made_up()
    assert "**Where it fails.** No kind of series below raises more than 7 %" in page(frame, STAMP)
    at = (frame["process"] == "outliers") & (frame["areas"] == 1)
    frame.loc[at, "headline_alarms"] = 48
    text = page(frame, STAMP)
    assert f"- {PROCESSES['outliers']}; 1 area: 12 % (firm: 5 %)" in text
    assert text.split("**How it was made.**")[0].count("(firm: ") == 1


def test_every_table_has_the_numbers_of_the_results(published: tuple[dict[str, str], pd.DataFrame]) -> None:
    stamp, frame = published
    text, grid = page(frame, stamp), frame[frame["process"] == "grid"]

    def share(part: pd.DataFrame, name: str, kind: str = "") -> float:
        return 100 * part[f"{name}{kind}_alarms"].sum() / part[f"{name}{kind}_n"].sum()

    every = {line[0]: line[1:] for line in rows(text, "Every test on the grid")}
    for name in ("headline", "newey"):
        each = 100 * grid[f"{name}_alarms"] / grid[f"{name}_n"]
        wanted = [share(grid, name), each.median(), each.max()]
        assert [float(value) for value in every[NAMES[name]][:3]] == pytest.approx(wanted, abs=0.0501)
        assert float(every[NAMES[name]][4]) == pytest.approx(share(grid, name, "_half"), abs=0.0501)
    factors = {line[0]: line[1:] for line in rows(text, "False alarms by what the months are like")}
    for label, part in (
        ("dispersion 0.5", grid[grid["dispersion"] == 0.5]),
        ("comparison areas 19", grid[grid["areas"] == 19]),
    ):
        wanted = [share(part, name) for name in CONTENDERS]
        assert [float(value) for value in factors[label]] == pytest.approx(wanted, abs=0.0501)
    cells = rows(text, "The headline, cell by cell")[2:]
    assert len(cells) == 72
    assert sum(len(line) - 5 for line in cells) == len(grid)
    row = grid[(grid["mean"] == 4) & (grid["dispersion"] == 0.3) & (grid["memory"] == 0.6) & (grid["season"] == 0)]
    (line,) = (line for line in cells if line[:5] == ["4", "0.3", "0.6", "0", "48"])
    wanted = [share(row[(row["before"] == 48) & (row["areas"] == areas)], "headline") for areas in (0, 1, 5, 19)]
    assert [float(value) for value in line[5:]] == pytest.approx(wanted, abs=0.0501)
    joined = {
        key: share(part, "headline")
        for key, part in grid.groupby(["mean", "memory", "before", "areas"])  # all dispersions and seasons
    }
    (mean, memory, before, areas), highest = max(joined.items(), key=lambda item: item[1])
    assert len(joined) * 6 == len(grid)
    (said,) = re.findall(
        r"highest is ([\d.]+) % .*?: mean (\d+), correlation ([\d.]+), (\d+)\+\d+ months, (\w+) ar", text
    )
    assert [float(value) for value in said[:4]] == pytest.approx([highest, mean, memory, before], abs=0.0501)
    assert said[4] == ("no" if areas == 0 else str(areas))
    others = rows(text, "Series it was not tuned on")
    (line,) = (line for line in others if line[:2] == [PROCESSES["ingarch"], "0"])
    part = frame[(frame["process"] == "ingarch") & (frame["areas"] == 0)]
    assert float(line[2]) == pytest.approx(share(part, "headline"), abs=0.0501)
    assert others[0][2] == SHORT["headline"]
    refused = (
        1 - grid.loc[(grid["mean"] == 1) & (grid["before"] == 24) & (grid["areas"] == 1), "headline_n"].mean() / 400
    )
    (line,) = (line for line in rows(text, "Studies refused") if line[0] == "1")
    assert float(line[2]) == pytest.approx(100 * refused, abs=0.0501)
    covered = {line[0]: line[1:] for line in rows(text, "Intervals")}
    assert float(covered["all cells"][2]) == pytest.approx(
        100 * grid["cover_half"].sum() / grid["cover_half_n"].sum(), abs=0.0501
    )


def test_the_page_names_its_command_seed_sizes_and_versions_and_no_place_of_this_machine() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert "`make calibrate`, or `python -m benchmarks.calibration`" in text
    assert f"commonground {metadata.version('commonground')}" in text
    assert re.search(r"Seed 5; .* 400 studies without a change and 100 with a true ratio of .5", text)
    assert not re.search(r"/(home|root|tmp|work|Users)/", text + RESULTS.read_text(encoding="utf-8"))


def test_results_survive_being_written_and_read(tmp_path: Path) -> None:
    cell = TUNED[98]
    found = {Task(cell, part): make(Task(cell, part), Run(4, 2)) for part in PARTS}
    frame = table(found, [cell, TUNED[99]])
    write(frame, Run(4, 2).stamp, tmp_path / "results.csv")
    stamp, again = read(tmp_path / "results.csv")
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)
    assert (stamp["series"], stamp["fewer"]) == ("4", "2")
    assert again.loc[0, "headline_n"] == 4
    assert again.loc[1, "headline_n"] == 0  # nothing was run there


def test_a_small_run_leaves_the_published_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = PAGE.read_bytes(), RESULTS.read_bytes()
    monkeypatch.setattr("benchmarks.calibration.__main__.ROOT", tmp_path)
    for name, cells in (("TUNED", TUNED[96:100]), ("UNTUNED", UNTUNED[:1])):
        monkeypatch.setattr(f"benchmarks.calibration.running.{name}", cells)
        monkeypatch.setattr(f"benchmarks.calibration.__main__.{name}", cells)
    main(["--series", "4", "--fewer", "2", "--processes", "1", "--only", "ours"])
    assert "5 of 5 done" in (said := capsys.readouterr().out)
    assert "Parts are missing" in said
    main(["--series", "4", "--fewer", "2", "--processes", "1"])
    folder = tmp_path / "build" / "calibration" / "4-2-seed-5"
    assert {path.name for path in folder.iterdir()} == {"done.jsonl", "results.csv", "calibration.md"}
    assert "4 studies without a change and 2 with" in (folder / "calibration.md").read_text(encoding="utf-8")
    assert (PAGE.read_bytes(), RESULTS.read_bytes()) == before
