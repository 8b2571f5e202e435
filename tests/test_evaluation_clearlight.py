"""The written case of Operation Clearlight says what the tables say, number by number."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from commonground.study import Study, load_study
from evaluation import Evaluation, evaluate

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "clearlight.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def study(real_data: Path) -> Study:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMMONGROUND_DATA", str(real_data))
        return load_study(ROOT / "examples" / "clearlight")


@pytest.fixture(scope="module")
def evaluated(study: Study) -> Evaluation:
    return evaluate(study)


@pytest.fixture(scope="module")
def rows(evaluated: Evaluation) -> pd.DataFrame:
    return evaluated.to_frame().set_index("label")


def n(value: float) -> str:
    """A number as the page writes it."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def test_the_table_of_the_page_is_the_table_of_the_study(rows: pd.DataFrame) -> None:
    written = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if "| Recorded" in line or "| Other" in line
    ]
    assert len(written) == len(rows) == 5
    for label, before, after, ratio, verdict in written:
        row = rows.loc[label]
        assert (before, after) == (n(row["before"]), n(row["after"]))
        assert ratio == f"{n(row['ratio'])} ({n(row['low'])} to {n(row['high'])})"
        assert verdict.split(", in")[0] == row["verdict"]


def test_what_could_have_been_seen_is_what_the_study_reckoned(rows: pd.DataFrame) -> None:
    soliciting, rape, violence = (
        rows.loc[name] for name in ("Recorded soliciting", "Recorded rape", "Recorded violence with injury")
    )
    assert f"rise to {soliciting['smallest_rise']:.0f} times" in PAGE
    assert math.isnan(soliciting["smallest_fall"])
    assert f"a fall to {n(rape['smallest_fall'])} times or a rise to {n(rape['smallest_rise'])} times" in PAGE
    assert f"a fall to {n(violence['smallest_fall'])} or a rise to {n(violence['smallest_rise'])}." in PAGE
    assert f"Judged with {soliciting['judged_together']} outcomes together" in PAGE


def test_the_readings_hold(rows: pd.DataFrame, evaluated: Evaluation, study: Study) -> None:
    soliciting, rape, robbery = (
        rows.loc[name] for name in ("Recorded soliciting", "Recorded rape", "Recorded robbery of personal property")
    )
    assert f"({soliciting['matched_before']:.0f} to {soliciting['matched_after']:.0f}" not in PAGE
    assert f"{soliciting['matched_before']:.0f} to {soliciting['matched_after']:.0f}, and an exact test" in PAGE
    assert f"(p {soliciting['p_exact']:.1g})" in PAGE
    assert f"(p {soliciting['p']:.2g})" in PAGE
    assert f"from {rape['matched_before']:.0f} to {rape['matched_after']:.0f} on the year before" in PAGE
    assert robbery["matched_after"] < robbery["matched_before"]
    assert robbery["ratio"] > 1
    assert robbery["check_comparison_swaps"] == "failed"
    assert f"from {soliciting['ring_before']:.0f} to {soliciting['ring_after']:.0f}" in PAGE
    level = evaluated.evidence["soliciting"].level
    assert f"Level {level} of 5" in PAGE
    months = study.outcome_tally("soliciting").zone_series(study.zones)["treated"]
    assert f"{months['2013-12']:.0f} of them in December 2013" in PAGE
    own = study.outcome_tally("soliciting").zone_series({"forest": ("Waltham Forest",)})["forest"]["2013-10":"2014-09"]
    assert f"{own.sum():.0f} in Waltham Forest; {own['2013-12']:.0f} of those fall in one month" in PAGE


def test_no_sentence_says_that_violence_or_the_number_of_people_changed(evaluated: Evaluation) -> None:
    said = re.sub(r"\s+", " ", f"{PAGE} {evaluated.text}")
    for claim in (r"violence (rose|fell)(?! or)", r"people (fell|rose)", r"prostitut"):
        assert not re.search(claim, said.replace("whether violence rose or fell", "")), claim
