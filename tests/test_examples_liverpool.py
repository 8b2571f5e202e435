"""The Liverpool teaching case on 211,770 published rows: quick, small, and honest about what is missing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commonground.errors import StudyError
from commonground.study import load_study

EXAMPLE = Path(__file__).parents[1] / "examples" / "liverpool" / "study.toml"
RUN = """
import json, resource, sys, time
start = time.monotonic()
from commonground.dashboard import run_study
from commonground.study import load_study
run_study(load_study(sys.argv[1]), sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": time.monotonic() - start, "bytes": peak}))
"""


@pytest.fixture(scope="module")
def run(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    place = tmp_path_factory.mktemp("liverpool")
    study = Path(shutil.copy(EXAMPLE, place))
    environment = {**os.environ, "COMMONGROUND_DATA": str(real_data), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUN, str(study), str(place / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return place / "out", json.loads(done.stdout)


def text(folder: Path, page: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", (folder / page).read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#39;", "'")


@pytest.mark.real_data
def test_it_takes_less_than_90_seconds_and_2_gigabytes(run: tuple[Path, dict[str, Any]]) -> None:
    assert run[1]["seconds"] < 90
    assert run[1]["bytes"] < 2 * 10**9


@pytest.mark.real_data
def test_the_missing_month_is_said_and_left_out_of_both_years(run: tuple[Path, dict[str, Any]]) -> None:
    folder = run[0]
    coverage = pd.read_csv(folder / "tables" / "coverage.csv").set_index("Records")
    assert coverage.at["Police", "Months missing"] == "July 2019"
    assert "July 2019 and July 2020: left out" in text(folder, "index.html")
    months = pd.read_csv(folder / "tables" / "months-violence.csv").set_index("Month")
    assert set(months.loc["2019-07"]) == {"not observed"}
    zones = pd.read_csv(folder / "tables" / "zones-violence.csv").set_index("Zone")
    kept = [month for month in months.loc["2020-04":"2020-12"].index if month != "2020-07"]
    after = pd.to_numeric(months.loc[kept, "Operation area"]).sum()
    assert zones.at["Operation area", "After"] == after
    before = pd.to_numeric(months.loc["2019-04":"2019-12", "Operation area"], errors="coerce").sum()
    assert zones.at["Operation area", "Same months a year before"] == before


@pytest.mark.real_data
def test_counts_by_area_are_those_of_the_publishers_files(run: tuple[Path, dict[str, Any]], real_data: Path) -> None:
    files = sorted((real_data / "policeuk_liverpool").glob("*.csv.gz"))
    rows = pd.concat([pd.read_csv(file, usecols=["Month", "LSOA code", "Crime type"]) for file in files])
    rows = rows[(rows["Crime type"] == "Violence and sexual offences") & rows["Month"].between("2020-04", "2020-12")]
    counts = rows[rows["Month"] != "2020-07"].groupby("LSOA code").size()
    table = pd.read_csv(run[0] / "tables" / "change-violence.csv").set_index("Code")["After"]
    assert len(table) == 298
    assert (table - counts.reindex(table.index, fill_value=0)).abs().max() == 0


@pytest.mark.real_data
def test_small_and_middle_layer_areas_add_up(run: tuple[Path, dict[str, Any]]) -> None:
    small, middle = (pd.read_csv(run[0] / "tables" / f"change-violence{kind}.csv") for kind in ("", "-msoa"))
    together = small.groupby(small["Area"].str.removesuffix("A").str.replace(r"[A-Z]$", "", regex=True))["After"].sum()
    assert len(middle) == 61
    assert together.sort_index().to_dict() == middle.set_index("Area")["After"].sort_index().to_dict()


@pytest.mark.real_data
def test_surface_and_maps_by_both_layers_are_there(run: tuple[Path, dict[str, Any]]) -> None:
    maps = {path.name for path in (run[0] / "maps").iterdir()}
    assert maps == {"violence.html", "msoa-violence.html", "surface-violence.html", "services.html"}
    assert "carries no test" in text(run[0], "maps/surface-violence.html")


@pytest.mark.real_data
def test_it_calls_itself_a_teaching_case_on_every_page(run: tuple[Path, dict[str, Any]]) -> None:
    for page in run[0].glob("*.html"):
        assert "it is no evaluation of a policing operation" in text(run[0], page.name)


@pytest.mark.real_data
def test_needs_and_gaps_show_provision_only_and_say_so_everywhere(run: tuple[Path, dict[str, Any]]) -> None:
    page, drawn = text(run[0], "needs.html"), text(run[0], "maps/services.html")
    for written in (page, drawn, text(run[0], "index.html")):
        assert "Provision only: nobody's need was counted." in written
        assert "Opening hours are not known" in written
    assert page.count("Provision only, no need data") >= 3  # the text and both tables
    for claim in (
        "Need is counted",
        "in need",
        "people concerned",
        "places a week",
        "unmet",
        "have no data on need or on",
    ):
        assert claim not in page + drawn
    lacking = pd.read_csv(run[0] / "tables" / "gaps.csv")
    assert list(lacking.columns) == [
        "Kind of service", "Area", "Code", "Residents, mid-2019", "IMD 2019 decile (1 most deprived)",
    ]  # fmt: skip
    every = pd.read_csv(run[0] / "tables" / "gaps-by-kind.csv").set_index("Code")
    assert len(every) == 298
    for kind, rows in lacking.groupby("Kind of service"):
        assert set(rows["Code"]) == set(every.index[every[f"{kind}: number within reach"] == 0])
        assert f"{len(rows)} of 298 areas have no {kind.lower()} within" in page


def test_without_the_data_the_message_says_where_the_originals_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONGROUND_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(StudyError) as caught:
        load_study(Path(shutil.copy(EXAMPLE, tmp_path)))
    assert "data.police.uk" in str(caught.value) + caught.value.problems.to_string()
