"""evaluate(study): the planted truth, the real case, bad input, and verdicts that cannot outrun the evidence."""

from __future__ import annotations

import importlib.util
import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonground.disclosure import Registered
from commonground.disclosure.protected import seal
from commonground.errors import StudyError
from commonground.periods import Period
from commonground.study import Study, load_study
from evaluation.judging.outcomes import Against, OutcomeResult, compare, matched_windows
from evaluation.plots import verdict_chart
from evaluation.verdict import CANNOT_TELL, CHANGE_SHOWN, NO_CHANGE, Evaluation, _adjusted, evaluate, judge

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Study]:
    """Make the sample town of a seed and load its study."""
    spec = importlib.util.spec_from_file_location("sample_town_for_verdicts", SAMPLE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)

    def make(seed: int) -> Study:
        folder = tmp_path_factory.mktemp(f"town{seed}")
        generator.write_town(generator.make_town(seed), folder)
        shutil.copy(SAMPLE / "study.toml", folder)
        return load_study(folder)

    return make


@pytest.fixture(scope="module")
def sample() -> Study:
    return load_study(SAMPLE)


@pytest.fixture(scope="module")
def evaluated(sample: Study) -> Evaluation:
    return evaluate(sample)


def period(first: str, last: str) -> Period:
    return Period(pd.Timestamp(first), pd.Timestamp(last))


# the planted truth


def check_planted_truth(study: Study) -> dict[str, str]:
    """Arrests up five times, 40 % less reported, violence as before, street contacts moved: or cannot tell."""
    found = evaluate(study)
    rows = found.to_frame().set_index("outcome")
    allowed = {"arrests": "rise", "reports": "fall", "police_violence": "fall", "contacts": "fall"}
    assert set(rows.index) == set(allowed)
    for name, moved in allowed.items():
        row, text = rows.loc[name], found.read({"outcome": name, **rows.loc[name]})
        assert row["verdict"] != NO_CHANGE, name
        if row["verdict"] == CHANGE_SHOWN:
            assert (row["high"] < 1) if moved == "fall" else (row["low"] > 1), name
            assert f"A {moved} was declared" in text
        if row["reports"]:
            assert "cannot be told" in text  # violence did not change: no reading may say that it did
        assert not re.search(r"violence (fell|rose|decreas|increas|declin|drop)", text)
    return found.verdicts


@pytest.mark.parametrize("seed", [0, 3, 16])
def test_the_planted_truth_is_read_rightly_or_not_told(town: Callable[[int], Study], seed: int) -> None:
    verdicts = check_planted_truth(town(seed))
    assert verdicts["arrests"] == CHANGE_SHOWN  # these three are large enough: the test above can fail
    assert verdicts["reports"] == CHANGE_SHOWN


@pytest.mark.slow
def test_over_twenty_towns_the_planted_truth_is_never_read_wrongly(town: Callable[[int], Study]) -> None:
    verdicts = [check_planted_truth(town(seed)) for seed in range(20)]
    shown = {name: sum(v[name] == CHANGE_SHOWN for v in verdicts) for name in verdicts[0]}
    assert shown["arrests"] >= 15
    assert shown["reports"] >= 10


def test_every_number_in_the_text_is_a_cell_of_the_table(evaluated: Evaluation) -> None:
    paragraphs = [evaluated.read(row) for row in evaluated.to_frame().to_dict("records")]
    assert all(paragraph in evaluated.text for paragraph in paragraphs)
    rows = evaluated.to_frame().to_dict("records")
    assert len(paragraphs) == len(rows) == 4
    for text, row in zip(paragraphs, rows, strict=True):
        heading = re.escape(f"{row['label']}: {row['verdict']}")
        assert re.match(heading + r"( in recorded numbers)?\. Before looking: ", text)
        cells = [value for value in row.values() if isinstance(value, int | float)]
        said = NUMBER.findall(text.removesuffix(row["cautions"]).replace("95 % interval", ""))
        assert len(said) >= 7
        for number in said:
            value = float(number.replace(",", ""))
            assert any(math.isclose(value, float(f"{cell:.{digits}g}")) for cell in cells for digits in (2, 3)), number


def test_the_table_has_power_before_p_and_a_verdict_last(evaluated: Evaluation) -> None:
    columns = list(evaluated.to_frame())
    assert columns.index("smallest_fall") < columns.index("ratio") < columns.index("p") < columns.index("p_holm")
    assert columns[-1] == "verdict"
    assert evaluated.summary() == evaluated.text
    assert not re.search(r"\d", repr(evaluated) + "".join(repr(r) for r in evaluated.results.values()))
    copied = evaluated.to_frame()
    copied["verdict"] = "x"
    assert "x" not in evaluated.verdicts.values()


def test_the_sample_study_takes_less_than_a_second_an_outcome(sample: Study) -> None:
    study = replace(sample)  # nothing read yet
    started = time.process_time()
    evaluate(study)
    assert time.process_time() - started < 4  # four outcomes; 0.4 s on an idle machine


# the real case


@pytest.mark.real_data
def test_clearlight_gives_the_published_counts_and_cannot_tell(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONGROUND_DATA", str(real_data))
    study = load_study(ROOT / "examples" / "clearlight")
    found = evaluate(study)
    rows = found.to_frame().set_index("outcome")
    row = rows.loc["soliciting"]
    # field notes on Operation Clearlight: Redbridge 16 in the 12 months before, 39 after; Waltham Forest 0 and 66,
    # Newham 0 and 0, Barking and Dagenham 0 and 2
    assert (row["matched_months"], row["matched_before"], row["matched_after"]) == (12, 16, 39)
    table = study.outcome_tally("soliciting").table()
    earlier, later = found.results["soliciting"].matched
    assert (earlier[0], later[0]) == (pd.Period("2012-10", "M"), pd.Period("2013-10", "M"))
    boroughs = {"Waltham Forest": (0, 66), "Newham": (0, 0), "Barking and Dagenham": (0, 2)}
    for name, counts in boroughs.items():
        assert (table.loc[earlier, name].sum(), table.loc[later, name].sum()) == counts
    assert row["verdict"] == CANNOT_TELL
    assert "enforcement, not need" in found.text
    # (39 - 16) - (C1 - C0) / 14 + (68 - 0) - 4 (C1 - C0) / 14: 1 borough, 4 around it, 14 they are both set against
    control = table[list(study.comparison)]
    c0, c1 = control.loc[earlier].to_numpy().sum(), control.loc[later].to_numpy().sum()
    assert row["wdd"] == pytest.approx((39 - 16) + 68 - 5 * (c1 - c0) / 14)
    assert row["wdd_se_poisson"] == pytest.approx(math.sqrt(16 + 39 + 68 + 25 * (c0 + c1) / 14**2))
    assert row["wdd_se"] > 2 * row["wdd_se_poisson"]  # bursts: the months vary far more than Poisson counts
    tested = rows[rows["p"].notna()]
    assert ((tested["low"] <= tested["ratio"]) & (tested["ratio"] <= tested["high"])).all()
    violence = rows.loc["violence_with_injury"]
    assert (violence["before"], violence["after"]) == (4626, 1978)
    assert violence["low"] == pytest.approx(violence["relative_low"], abs=0.05)
    # reports of violence: whatever the verdict, no reading of what they count
    for name in ("rape", "other_sexual_offences", "violence_with_injury", "robbery"):
        assert "whether what they count" in found.read({"outcome": name, **rows.loc[name]})


# bad input


def test_an_outcome_without_events_is_refused_by_name(sample: Study) -> None:
    none = replace(sample.outcomes["arrests"], name="ghosts", where={"offence": ("no such offence",)})
    study = replace(sample, outcomes={**sample.outcomes, "ghosts": none})
    with pytest.raises(
        StudyError, match=r"some outcomes have no events(.|\n)*outcomes\.ghosts(.|\n)*all counts are zero"
    ):
        evaluate(study)


def test_an_after_period_of_one_month_is_stated_and_not_tested(sample: Study) -> None:
    short = replace(sample, phases={**sample.phases, "after": period("2024-04-01", "2024-05-01")})
    found = evaluate(short)
    frame = found.to_frame()
    assert set(frame["verdict"]) == {CANNOT_TELL}
    assert frame[["p", "p_holm", "low", "high", "smallest_fall"]].isna().all().all()
    assert found.text.count("No test is made: fewer than 2 months after") == 4
    assert found.text.count("no change, however large, could be counted on") == 4
    assert not re.search(r"\bp \d", found.text)


def test_a_study_without_comparison_areas_is_evaluated_on_its_own_series(sample: Study) -> None:
    found = evaluate(replace(sample, comparison={}))
    frame = found.to_frame()
    assert (frame["comparison_areas"] == 0).all()
    assert frame[["relative_ratio", "wdd", "wdd_se", "p_floor", "comparison_before"]].isna().all().all()
    assert frame["p"].notna().all()
    assert "comparison" not in " ".join(found.read(row) for row in frame.to_dict("records"))
    assert {level.level for level in found.evidence.values()} == {2}
    assert found.verdicts["arrests"] == CHANGE_SHOWN


def test_months_nobody_reported_are_missing_and_said(sample: Study) -> None:
    monthly = sample.outcome_tally("contacts").zone_series(sample.zones)
    monthly.iloc[[4, 30]] = np.nan
    result = compare(monthly, sample.phases, list(sample.comparison))
    assert result.change.months_missing == 2
    assert len(result.matched[0]) == 8  # July 2024 has no counts, and so July 2023 is not compared either
    assert any("Months missing" in said for said in result.change.warnings)


# one outcome at a time

PHASES = {"before": period("2019-01-01", "2021-01-01"), "after": period("2021-01-01", "2022-01-01")}


def monthly_of(treated: Any, seed: int = 1, areas: int = 3, mean: float = 5.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    months = pd.period_range("2019-01", "2021-12", freq="M")
    frame = pd.DataFrame({f"c{i}": rng.poisson(mean, 36) for i in range(areas)}, index=months).astype(float)
    frame.insert(0, "treated", np.broadcast_to(np.asarray(treated, dtype=float), 36))
    frame.insert(1, "ring", rng.poisson(3.0, 36).astype(float))
    return frame


AREAS = ["c0", "c1", "c2"]


def changes_of(monthly: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    then, now = monthly.loc["2020-01":"2020-12"].sum(), monthly.loc["2021-01":"2021-12"].sum()
    return then, now, now - then


def test_the_displacement_difference_and_the_relative_ratio_compare_the_matched_months() -> None:
    monthly = monthly_of(np.repeat([6.0, 4.0, 7.0], 12))
    result = compare(monthly, PHASES, AREAS)
    then, now, change = changes_of(monthly)
    assert result.wdd is not None
    assert result.wdd.buffer is not None
    assert result.relative is not None
    assert result.wdd.local.value == pytest.approx(36 - change[AREAS].sum() / 3)
    assert result.wdd.buffer.value == pytest.approx(change["ring"] - change[AREAS].sum() / 3)
    assert result.relative.ratio == pytest.approx((84 / 48) / (now[AREAS].sum() / then[AREAS].sum()))
    assert result.change.before == 120


def test_the_ring_is_set_against_the_same_areas_scaled_to_its_size() -> None:
    monthly = monthly_of(np.repeat([6.0, 4.0, 7.0], 12))
    sizes = {"treated": 2.0, "ring": 6.0, "c0": 3.0, "c1": 4.0, "c2": 5.0}
    result = compare(monthly, PHASES, AREAS, against=Against(sizes=sizes))
    then, now, change = changes_of(monthly)
    found = result.wdd
    assert found is not None
    assert found.total.value == pytest.approx(36 + change["ring"] - (2 + 6) / 12 * change[AREAS].sum())
    variance = 48 + 84 + (then + now)["ring"] + (8 / 12) ** 2 * (then + now)[AREAS].sum()
    assert found.total.se_poisson == pytest.approx(math.sqrt(variance))
    assert found.total.se == pytest.approx(found.total.se_poisson * math.sqrt(found.dispersion))
    assert result.smallest is not None
    assert result.smallest.expected == then["ring"]


def test_a_ring_with_comparison_areas_of_its_own_is_set_against_them_only() -> None:
    monthly = monthly_of(np.repeat([6.0, 4.0, 7.0], 12))
    sizes = {"treated": 2.0, "ring": 6.0, "c0": 3.0, "c1": 4.0, "c2": 5.0}
    result = compare(monthly, PHASES, AREAS, against=Against(["c1"], sizes))
    then, now, change = changes_of(monthly)
    others, both = ["c0", "c2"], then + now
    found = result.wdd
    assert found is not None
    assert found.buffer is not None
    assert found.local.value == pytest.approx(36 - 2 / 8 * change[others].sum())
    assert found.buffer.value == pytest.approx(change["ring"] - 6 / 4 * change["c1"])
    variance = 48 + 84 + both["ring"] + (2 / 8) ** 2 * both[others].sum() + (6 / 4) ** 2 * both["c1"]
    assert found.total.se_poisson == pytest.approx(math.sqrt(variance))
    assert result.change.n_comparison == 2  # the headline leaves the ring's own out
    assert result.relative is not None
    assert result.relative.ratio == pytest.approx((84 / 48) / (now[others].sum() / then[others].sum()))
    assert result.smallest is not None


def test_what_rises_everywhere_alike_is_no_displacement() -> None:
    months = pd.period_range("2019-01", "2021-12", freq="M")
    each = {"treated": 2, "ring": 4, "c0": 3, "c1": 7}  # five events an area and month, eight after
    level = np.repeat([5.0, 5.0, 8.0], 12)
    monthly = pd.DataFrame({zone: areas * level for zone, areas in each.items()}, index=months)
    sizes = {zone: float(areas) for zone, areas in each.items()}
    for own in ((), ("c1",)):
        found = compare(monthly, PHASES, ["c0", "c1"], against=Against(own, sizes)).wdd
        assert found is not None
        assert found.total.value == pytest.approx(0, abs=1e-9)


def test_without_a_ring_nothing_is_said_of_one() -> None:
    result = compare(monthly_of(5.0).drop(columns="ring"), PHASES, AREAS)
    assert result.wdd is not None
    assert result.wdd.buffer is None
    assert result.smallest is None


def test_the_study_file_names_the_comparison_areas_of_the_ring(sample: Study, tmp_path: Path) -> None:
    found = load_study(with_comparison(tmp_path / "named", 'for_ring = ["East side"]'))
    assert found.for_ring == ("East side",)
    assert sample.for_ring == ()
    result = evaluate(found).results["contacts"]
    earlier, later = result.matched
    change = result.monthly.loc[later].sum() - result.monthly.loc[earlier].sum()
    assert result.wdd is not None
    # 5 areas treated against 15, 10 in the ring against 10
    expected = change["treated"] - 5 / 15 * change["North side"] + change["ring"] - change["East side"]
    assert result.wdd.total.value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('for_ring = ["West side"]', "names West side, which is no comparison area"),
        ('for_ring = ["East side", "North side"]', "names every comparison area"),
        ('for_ring = ["East side", "East side"]', "names an area twice"),
        ("for_ring = 5", "for_ring"),
    ],
)
def test_a_study_file_that_names_them_wrongly_is_refused(tmp_path: Path, line: str, rule: str) -> None:
    with pytest.raises(StudyError, match=rule):
        load_study(with_comparison(tmp_path / "named", line))


def test_comparison_areas_for_a_ring_need_a_ring(tmp_path: Path) -> None:
    folder = with_comparison(tmp_path / "named", 'for_ring = ["East side"]')
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(re.sub(r"(?m)^ring = .*\n", "", text))
    with pytest.raises(StudyError, match="is given, but there is no ring"):
        load_study(folder)


def with_comparison(folder: Path, line: str) -> Path:
    """The sample study with one more line under [comparison]."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.ledger"))
    text = (folder / "study.toml").read_text()
    assert "\n[comparison]\n" in text
    (folder / "study.toml").write_text(text.replace("\n[comparison]\n", f"\n[comparison]\n{line}\n"))
    return folder


def test_power_is_reckoned_from_the_months_before_only() -> None:
    first, second = monthly_of(np.repeat([6.0, 60.0], [24, 12])), monthly_of(np.repeat([6.0, 0.0], [24, 12]))
    one, other = (compare(monthly, PHASES, AREAS).power for monthly in (first, second))
    assert one is not None
    assert other is not None
    assert one.design == other.design
    assert (one.smallest_fall, one.smallest_rise) == (other.smallest_fall, other.smallest_rise)


@pytest.mark.parametrize(
    ("name", "monthly"),
    [
        ("nothing before", monthly_of(np.repeat([0.0, 3.0], [24, 12]))),
        ("nothing after", monthly_of(np.repeat([3.0, 0.0], [24, 12]))),
        ("nothing at all", monthly_of(0)),
        ("nobody reported before", monthly_of(np.repeat([np.nan, 3.0], [24, 12]))),
        ("one month reported before", monthly_of(np.repeat([np.nan, 3.0], [23, 13]))),
        ("nobody reported after", monthly_of(np.repeat([3.0, np.nan], [24, 12]))),
        ("nobody reported", monthly_of(np.nan)),
        ("empty comparison", monthly_of(4.0, mean=0.0)),
        ("comparison nobody reported", monthly_of(4.0).assign(c1=np.nan)),
        ("ring nobody reported", monthly_of(4.0).assign(ring=np.nan)),
        ("huge", monthly_of(np.repeat([4e3, 3e3], [24, 12]), mean=5e3)),
    ],
)
def test_counts_that_cannot_be_compared_are_stated_and_never_a_crash(name: str, monthly: pd.DataFrame) -> None:
    result = compare(monthly, PHASES, AREAS)
    assert isinstance(result, OutcomeResult)
    fewer = {"empty comparison": 0, "comparison nobody reported": 2}
    if name in fewer:
        assert result.change.n_comparison == fewer[name]
    elif name not in ("nothing after", "ring nobody reported", "huge"):
        assert result.change.refused, name
        assert math.isnan(result.change.p)
    if result.wdd is not None:
        assert result.wdd.total.low <= result.wdd.total.value <= result.wdd.total.high


def test_after_is_matched_with_the_same_months_of_the_year_before() -> None:
    months = pd.period_range("2019-01", "2022-12", freq="M")
    earlier, later = matched_windows(PHASES, months)
    assert list(earlier + 12) == list(later) == list(months[24:36])
    delayed = {"before": PHASES["before"], "after": period("2021-04-01", "2021-10-01")}
    earlier, later = matched_windows(delayed, months)
    assert (str(earlier[0]), str(later[0]), len(later)) == ("2020-04", "2021-04", 6)
    long = {"before": PHASES["before"], "after": period("2021-01-01", "2022-07-01")}
    assert str(matched_windows(long, months)[0][0]) == "2019-01"
    late = {"before": period("2020-06-01", "2021-01-01"), "after": period("2021-01-01", "2021-10-01")}
    earlier, later = matched_windows(late, months)  # the year before begins too late: the last months of before
    assert (str(earlier[0]), str(earlier[-1]), str(later[0]), len(later)) == ("2020-06", "2020-12", "2021-01", 7)
    assert len(matched_windows(PHASES, months[:30])[0]) == 6


def test_p_values_are_adjusted_within_primary_and_within_other_outcomes() -> None:
    # Holm by hand: .01 x 4, .03 x 3, max(.04 x 2, .09), and the refused one counts; BH: .02 x 2/1, .03
    frame = pd.DataFrame({"p": [0.04, 0.01, math.nan, 0.03, 0.03, 0.02], "primary": [True] * 4 + [False] * 2})
    assert _adjusted(frame).tolist() == pytest.approx([0.09, 0.04, math.nan, 0.09, 0.03, 0.03], nan_ok=True)


# verdicts cannot outrun the evidence

number = st.one_of(st.floats(0, 20), st.floats(0.7, 1.4), st.sampled_from([math.nan, None, math.inf, 0.0, 1.0]))
p_value = st.one_of(st.floats(0, 1), st.floats(0, 0.1), st.sampled_from([math.nan, None, 0.05]))


@settings(max_examples=500, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "firm": st.sampled_from([True, False, None, math.nan]),
            "p_holm": p_value,
            "p": p_value,
            "ratio": number,
            "low": number,
            "high": number,
            "margin": st.one_of(st.floats(0, 1), st.sampled_from([math.nan, None])),
        }
    )
)
def test_a_verdict_never_says_more_than_its_row(row: dict[str, Any]) -> None:
    verdict = judge(row)
    assert verdict in (CHANGE_SHOWN, NO_CHANGE, CANNOT_TELL)
    if verdict == CHANGE_SHOWN:
        assert row["firm"] is True
        assert row["p_holm"] <= 0.05
        assert (row["ratio"] < 1 and row["high"] < 1) or (row["ratio"] > 1 and row["low"] > 1)
    if verdict == NO_CHANGE:
        assert 1 / (1 + row["margin"]) <= row["low"] <= row["high"] <= 1 + row["margin"]
    if any(row[name] is None or row[name] != row[name] for name in ("low", "high", "ratio")):
        assert verdict != CHANGE_SHOWN


def test_a_certain_change_inside_the_margin_does_not_matter_and_an_empty_row_tells_nothing() -> None:
    row = {"firm": True, "p_holm": 0.001, "ratio": 1.1, "low": 1.05, "high": 1.15, "margin": 0.2}
    assert judge(row) == NO_CHANGE
    assert judge(row | {"margin": 0.1}) == CHANGE_SHOWN
    assert judge(row | {"margin": 0.1, "p_holm": 0.051}) == CANNOT_TELL
    assert judge(row | {"margin": 0.1, "ratio": 0.9}) == CANNOT_TELL  # ratio and interval on two sides of 1
    assert judge({}) == CANNOT_TELL


# what is loaded, what is drawn


def test_importing_evaluation_loads_no_drawing_library() -> None:
    asked = "import sys, evaluation; print([m for m in ('folium', 'branca', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_everything_named_in_the_package_is_there() -> None:
    import evaluation

    assert {"synthetic_did", "smallest_detectable", "evaluate", "change_test"} <= set(evaluation.__all__)
    assert all(hasattr(evaluation, name) for name in evaluation.__all__)


def test_the_chart_of_verdicts_takes_rows_that_were_withheld(evaluated: Evaluation) -> None:
    frame = evaluated.to_frame()
    withheld = dict.fromkeys(frame.columns) | {"label": "Arrests", "verdict": CANNOT_TELL}
    shown = pd.DataFrame([*frame.to_dict("records"), withheld])
    registered = Registered(frame=shown, sentences={}, profile="open", in_ledger=False, seal=seal())
    chart = verdict_chart(registered, title="Reports were fewer")
    assert "Arrests" in chart.alt
    assert CANNOT_TELL in chart.alt
