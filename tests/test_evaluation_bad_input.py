"""What nobody should fit: one month after, all zeros, an area on both sides, gaps, a recording change at the start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commonground.errors import StudyError
from commonground.periods import Period
from commonground.study import DeclaredShock, load_study
from evaluation import Evaluation, evaluate
from evaluation.judging.exclusions import comparable_months
from evaluation.judging.outcomes import Against, compare

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
PHASES = {"before": Period("2021-01-01", "2023-01-01"), "after": Period("2023-01-01", "2024-01-01")}
MONTHS = pd.period_range("2021-01", "2023-12", freq="M")

Edited = Callable[..., Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    def change(*pairs: tuple[str, str], more: str = "") -> Path:
        folder = tmp_path / "study"
        ignored = shutil.ignore_patterns("*.ledger", "*.registration.json", "__pycache__")
        shutil.copytree(SAMPLE, folder, ignore=ignored)
        file = folder / "study.toml"
        text = file.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text + more, encoding="utf-8")
        return file

    return change


def shock(start: str, end: str | None = None, *, recording: bool = False, coincides: bool = False) -> DeclaredShock:
    last = None if end is None else pd.Timestamp(end)
    return DeclaredShock("a new system", pd.Timestamp(start), last, ("x",), recording, coincides)


def counts(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = ["treated", "one", "two", "three"]
    return pd.DataFrame(rng.poisson(8, (len(MONTHS), 4)), index=MONTHS, columns=names, dtype=float)


def left(shocks: list[DeclaredShock]) -> list[str]:
    found = comparable_months(counts(), PHASES, shocks)
    return [str(month) for month in found.monthly.dropna().index]


def text_of(evaluated: Evaluation, outcome: str) -> str:
    frame = evaluated.to_frame()
    return evaluated.read(frame[frame["outcome"] == outcome].iloc[0].to_dict())


def test_a_period_of_one_month_after_is_not_tested(edited: Edited) -> None:
    file = edited(
        (
            'after = ["2024-04-01", "2025-01-01"]\nmonths_after = 9',
            'after = ["2024-04-01", "2024-05-01"]\nmonths_after = 1',
        )
    )
    evaluated = evaluate(load_study(file))
    assert set(evaluated.verdicts.values()) == {"cannot tell"}
    assert evaluated.to_frame()["p"].isna().all()
    assert all("No test is made" in text_of(evaluated, name) for name in evaluated.verdicts)


def test_an_outcome_without_any_event_is_refused_by_name(edited: Edited) -> None:
    which = 'input = "police"\nwhere = { offence = ["no such offence"] }\n'
    more = f'\n[outcomes.none]\n{which}goal = "safety"\ngood = "fall"\n'
    with pytest.raises(StudyError) as caught:
        evaluate(load_study(edited(more=more)))
    problems = caught.value.problems
    assert list(problems["column"]) == ["outcomes.none"]
    assert "all counts are zero" in problems["rule"].iloc[0]


def test_a_comparison_area_that_had_the_operation_is_refused_by_the_study_file(edited: Edited) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(edited(('"North side" = ["MH01"', '"North side" = ["MH25"')))
    assert caught.value.problems["rule"].str.contains("shares area MH25").any()


def test_gaps_in_a_series_are_left_out_on_every_side_and_said() -> None:
    monthly = counts()
    monthly.loc["2022-03", "one"] = np.nan
    found = compare(monthly, PHASES, ["one", "two", "three"])
    assert found.change.months_before == 23
    assert found.change.months_missing == 1
    assert any("missing" in said for said in found.change.warnings)


def test_a_recording_change_that_begins_with_the_operation_leaves_no_verdict(edited: Edited) -> None:
    what = 'name = "the new crime recording system"\nstart = 2024-01-01\n'
    more = f'\n[[shocks]]\n{what}outcomes = ["police_violence"]\nrecording = true\n'
    evaluated = evaluate(load_study(edited(more=more)))
    row = evaluated.to_frame().set_index("outcome").loc["police_violence"]
    assert row["verdict"] == "cannot tell"
    assert np.isnan(row["p"])
    estimates = ["ratio", "low", "high", "relative_ratio", "wdd", "series_ratio", "averted"]
    assert row[estimates].isna().all()
    assert "the new crime recording system cannot be told from the operation" in text_of(evaluated, "police_violence")
    assert evaluated.evidence["police_violence"].level == 1
    assert evaluated.verdicts["arrests"] == "change shown"  # the others are as they were


def test_another_shock_that_begins_with_the_operation_is_stated() -> None:
    against = Against(shocks=[shock("2023-01-01", coincides=True)])
    found = compare(counts(), PHASES, ["one", "two", "three"], against=against)
    assert found.change.refused is None
    assert (
        "a new system cannot be told from the operation: no month has one without the other." in found.change.warnings
    )


@pytest.mark.parametrize(
    ("declared", "gone"),
    [
        ([shock("2022-03-01", "2022-06-01")], {"2022-03", "2022-04", "2022-05"}),
        ([shock("2021-07-01")], {f"2021-0{month}" for month in range(1, 7)}),
        ([shock("2023-10-01")], {"2023-10", "2023-11", "2023-12"}),
        ([shock("2020-01-01", "2023-03-01")], {f"2023-{month:02}" for month in range(3, 13)}),
        ([shock("2021-07-01", "2024-01-01")], {f"2021-0{month}" for month in range(1, 7)}),
    ],
    ids=["one that ends", "lasting, before", "lasting, after", "over before and into after", "to the end of after"],
)
def test_months_that_a_shock_makes_unlike_the_others_are_left_out(
    declared: list[DeclaredShock], gone: set[str]
) -> None:
    assert set(map(str, MONTHS)) - set(left(declared)) == gone


def test_a_new_way_of_recording_that_was_declared_makes_no_false_alarm() -> None:
    monthly = counts(3)
    monthly.loc["2022-07":, "treated"] *= 3  # recorded otherwise since then, in one area only
    told = compare(monthly, PHASES, ["one", "two", "three"], against=Against(shocks=[shock("2022-07-01")]))
    untold = compare(monthly, PHASES, ["one", "two", "three"])
    assert untold.change.ratio > 1.5  # the new way of recording, read as a rise
    assert told.change.refused  # six months before are too few, and that is said
    assert told.change.months_before == 6
    assert any("a new system" in said for said in told.change.warnings)
    assert told.series is not None
    assert "a new system" in told.series.shocks.index


def test_a_placebo_outcome_has_no_verdict_and_stands_in_the_checks_of_the_others(edited: Edited) -> None:
    which = 'input = "contacts"\nwhere = { setting = ["off-street"] }\n'
    more = f'\n[outcomes.clinic]\n{which}goal = "access"\nplacebo = true\n'
    evaluated = evaluate(load_study(edited(more=more)))
    assert "clinic" not in evaluated.verdicts
    assert "clinic" in evaluated.results
    checks = {check.name: check for check in evaluated.results["arrests"].diagnostics}
    assert list(checks["placebo outcomes"].figures["outcome"]) == ["clinic"]
