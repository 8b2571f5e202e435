"""The sample town's planted truth, arrests up, reporting down, violence unchanged, over twenty seeds; none was picked.

Planted: arrests five times what they were, reports .6 times, violence as before (data/sample/marlhaven/plan.toml).
Police records of violence are violence times reporting, so that they fall although violence does not. A verdict may be
"cannot tell"; it may never be wrong.
"""

from __future__ import annotations

import importlib.util
import shutil
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from commonground.study import load_study
from evaluation import Evaluation, evaluate

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SEEDS = range(20)
ARRESTS, REPORTS, VIOLENCE = "arrests", "reports", "police_violence"
BEYOND_RECORDS = "would not explain all of it"  # said only where what is counted must have changed itself


@cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sample_town_generator_planted", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory: pytest.TempPathFactory) -> list[Evaluation]:
    found = []
    for seed in SEEDS:
        folder = tmp_path_factory.mktemp("town")
        generator().write_town(generator().make_town(seed), folder)
        shutil.copy(SAMPLE / "study.toml", folder)
        found.append(evaluate(load_study(folder)))
    return found


def rows(evaluations: list[Evaluation], outcome: str) -> list[dict[str, object]]:
    return [one.to_frame().set_index("outcome").loc[outcome].to_dict() for one in evaluations]


def test_arrests_are_read_as_a_rise_or_not_at_all(evaluations: list[Evaluation]) -> None:
    shown = [row for row in rows(evaluations, ARRESTS) if row["verdict"] == "change shown"]
    assert [row["ratio"] for row in shown if row["ratio"] < 1] == []
    assert len(shown) >= 16  # 19 when this was written; a rise to five times is large enough to be seen


def test_reports_are_read_as_a_fall_or_not_at_all(evaluations: list[Evaluation]) -> None:
    shown = [row for row in rows(evaluations, REPORTS) if row["verdict"] == "change shown"]
    assert [row["ratio"] for row in shown if row["ratio"] > 1] == []
    assert len(shown) >= 10  # 15 when this was written


def test_violence_that_did_not_change_is_never_said_to_have_changed(evaluations: list[Evaluation]) -> None:
    for evaluation, row in zip(evaluations, rows(evaluations, VIOLENCE), strict=True):
        said = evaluation.read({"outcome": VIOLENCE, **row})
        assert BEYOND_RECORDS not in said
        assert not row["beyond_records"] or row["verdict"] == "no change that matters"


def test_fewer_reports_are_never_said_to_be_less_violence(evaluations: list[Evaluation]) -> None:
    for evaluation, row in zip(evaluations, rows(evaluations, REPORTS), strict=True):
        assert BEYOND_RECORDS not in evaluation.read({"outcome": REPORTS, **row})


def test_no_verdict_says_that_nothing_changed_where_something_was_planted(evaluations: list[Evaluation]) -> None:
    planted = [row["verdict"] for name in (ARRESTS, REPORTS) for row in rows(evaluations, name)]
    assert planted.count("no change that matters") == 0


def test_the_planted_sizes_lie_inside_the_intervals(evaluations: list[Evaluation]) -> None:
    inside = {
        name: sum(row["low"] <= planted <= row["high"] for row in rows(evaluations, name))
        for name, planted in ((ARRESTS, 5.0), (REPORTS, 0.6))
    }
    assert min(inside.values()) >= 16, inside  # of 20; fewer has a chance of .003 at a coverage of .95
