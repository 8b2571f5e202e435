"""Pictures of evaluations: only of published values, in words too, with nothing by colour alone."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from commonground.disclosure import Protected, Registered, protect
from commonground.disclosure.protected import seal
from commonground.errors import NotReleasable, StudyError
from commonground.release.charts import Chart
from commonground.study import Study, load_study
from evaluation.consistency import area_consistency
from evaluation.counts import Checks
from evaluation.fitting.fitted import fitted_months
from evaluation.fitting.screens import series_plot
from evaluation.months import align
from evaluation.plots import funnel_plot, tradeoff_chart

ROOT = Path(__file__).resolve().parents[1]


def registered(*more: dict[str, Any]) -> Registered:
    rows: list[dict[str, Any]] = [
        {"label": "Arrests", "goal": "enforcement", "good": "neither", "verdict": "change shown",
         "ratio": 2.0, "low": 1.5, "high": 3.0, "reports": False},
        {"label": "Reports $5 & <b>", "goal": "trust", "good": "rise", "verdict": "change shown",
         "ratio": 0.5, "low": 0.3, "high": 0.8, "reports": True},
        {"label": "Contacts", "goal": "access", "good": "rise", "verdict": "cannot tell",
         "ratio": 0.8, "low": 0.5, "high": 1.2, "reports": False},
        *more,
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(outcome=lambda f: f["label"], primary=True, margin=0.1)
    return Registered(frame=frame, sentences={}, profile="open", in_ledger=False, seal=seal())


def words(chart: Chart) -> list[str]:
    root = ElementTree.fromstring(chart.svg)
    return ["".join(node.itertext()).strip() for node in root.iter() if node.tag.endswith("text")]


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(ROOT / "data" / "sample")


@pytest.fixture(scope="module")
def contacts(study: Study) -> Protected:
    made = study.tally("contacts", every=study.phases)
    return protect(made, "partner", plan=study.plan, zones=study.zones, as_of=study.as_of)


# trade-offs


def test_the_trade_offs_are_drawn_with_arrows_and_words() -> None:
    chart = tradeoff_chart(registered(), title="Arrests rose while reports fell")
    said = words(chart)
    assert said.count("▲") == 1
    assert said.count("▼") == 1
    assert said.count("○") == 1
    for word in ("Enforcement", "Trust and", "not measured by this study", "rose", "numbers fell", "cannot tell"):
        assert word in said, word
    assert "Reports $5 & <b>" in " ".join(said)
    assert "enforcement and trust moved against one another" in chart.alt
    assert not re.search(r"\d", chart.alt.replace("$5", ""))


def test_each_outcome_stands_in_the_column_of_its_answer() -> None:
    root = ElementTree.fromstring(tradeoff_chart(registered(), title="Arrests rose while reports fell").svg)
    at = {}
    for node in root.iter():
        if node.tag.endswith("text") and node.get("x", node.get("transform")):
            place = re.search(r"translate\(([\d.]+)", node.get("transform", ""))
            at["".join(node.itertext()).strip()] = float(node.get("x") or (place and place[1]) or math.nan)
    columns = ["Bad,", "good nor bad", "Good,", "that matters", "Cannot tell"]
    assert [at[name] for name in columns] == sorted(at[name] for name in columns)
    assert at["▼"] == pytest.approx(at["Bad,"], abs=25)
    assert at["▲"] == pytest.approx(at["good nor bad"], abs=60)
    assert at["○"] == pytest.approx(at["Cannot tell"], abs=40)


def test_recorded_violence_stands_under_cannot_tell() -> None:
    violence = {"label": "Recorded violence", "goal": "safety", "good": "fall", "verdict": "change shown",
                "ratio": 0.5, "low": 0.3, "high": 0.8, "reports": True}  # fmt: skip
    chart = tradeoff_chart(registered(violence), title="Arrests rose while reports fell")
    assert "what “Recorded violence” counts cannot be told" in chart.alt
    assert words(chart).count("numbers fell") == 2


# the funnel


def test_the_funnel_draws_published_blocks_against_limits(contacts: Protected) -> None:
    chart = funnel_plot(contacts, title="Contacts fell in some areas only", names={"MH25": "Operation area"})
    wide, days = contacts.table().astype(float), contacts.days
    found = area_consistency(wide["before"], wide["after"], exposure=(days["before"], days["after"])).table
    outside = found.index[found["side"] != "inside"].map(lambda block: {"MH25": "Operation area"}.get(block, block))
    said = words(chart)
    assert len(outside) >= 2
    assert all(any(block in text for text in said) for block in outside)
    assert "Outside the limits:" in said
    width, height = (float(side) for side in re.findall(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', chart.svg)[0])
    places = [(float(x), float(y)) for x, y in re.findall(rb'<text[^>]* x="(-?[\d.]+)" y="(-?[\d.]+)"', chart.svg)]
    assert len(places) > 20
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)  # a legend below the picture was cut off once
    assert {"all together", "95 % limits", "99.8 % limits"} <= set(said)
    for label, row in found.rename(index={"MH25": "Operation area"}).iterrows():
        assert f"{label}: {row['ratio']:#.2g}, " in chart.alt
    assert "below them" in chart.alt
    assert "worked out from published numbers" in chart.alt


def test_the_funnel_refuses_people_categories_and_periods_that_are_not_published(
    study: Study, contacts: Protected
) -> None:
    people = protect(
        study.tally("contacts", every=study.phases, count="persons"),
        "partner", plan=study.plan, zones=study.zones, as_of=study.as_of,
    )  # fmt: skip
    with pytest.raises(StudyError, match=r"protected: needs events(.|\n)*periods: has then"):
        funnel_plot(people, title="Contacts fell", periods=("then", "after"))
    with pytest.raises(ValueError, match="in 10 words or fewer"):
        funnel_plot(contacts, title="one two three four five six seven eight nine ten eleven")


# releases


class Exact:
    """What was not protected: its class does not say that it may be shown."""

    def to_frame(self) -> pd.DataFrame:
        return registered().to_frame()


def test_exact_values_are_not_drawn_for_release() -> None:
    exact: Any = Exact()
    with pytest.raises(NotReleasable, match="holds exact values"):
        tradeoff_chart(exact, title="Arrests rose")
    loose: Any = SimpleNamespace(count="events", by=(), periods={}, table=exact.to_frame)
    with pytest.raises(NotReleasable, match="holds exact values"):
        funnel_plot(loose, title="Arrests rose")
    counts = pd.Series([4.0, 5, 6], index=list("abc"))
    with pytest.raises(NotReleasable):
        funnel_plot(area_consistency(counts, counts), title="Arrests rose")  # type: ignore[arg-type]


def test_the_same_values_give_the_same_bytes(contacts: Protected) -> None:
    for draw in (
        lambda: tradeoff_chart(registered(), title="Arrests rose"),
        lambda: funnel_plot(contacts, title="Contacts fell"),
    ):
        one, other = draw(), draw()
        assert (one.png, one.svg) == (other.png, other.svg)
        assert not re.search(rb"<!DOCTYPE|<metadata|Matplotlib", one.svg)
        root = ElementTree.fromstring(one.svg)
        assert root.findtext("{http://www.w3.org/2000/svg}desc") == one.alt


def test_evaluation_alone_loads_no_drawing() -> None:
    program = (
        "import sys, evaluation, evaluation.clustering, evaluation.tradeoffs, evaluation.consistency, "
        "evaluation.fitting.fitted; print([m for m in ('matplotlib', 'folium', 'mapping') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# one's own screen


def fitted(*, during: bool = True) -> pd.DataFrame:
    index = pd.period_range("2019-01", periods=36, freq="M")
    counts = pd.Series(np.random.default_rng(2).poisson(5.0, 36).astype(float), index=index)
    counts.iloc[7] = math.nan
    months = align(Checks("test"), counts, ("2021-01", "2021-04" if during else None))
    months = months.take(~np.isnan(months.counts))
    terms = np.column_stack([np.ones(35), months.after, months.phase == 1]).astype(float)
    covariance = np.diag([0.01, 0.04, 0.09])
    return fitted_months(months, terms, terms * [1, 0, 0], np.array([1.6, -0.7, 0.2]), covariance, quantile=2.0)


def test_the_fitted_months_are_worked_by_hand() -> None:
    found = fitted()
    assert found["phase"].tolist() == ["before"] * 23 + ["during"] * 3 + ["after"] * 9
    last = found.iloc[-1]
    assert last["fitted"] == pytest.approx(math.exp(0.9))
    assert last["unchanged"] == pytest.approx(math.exp(1.6))
    # variance .01 + .04, quantile 2
    assert last["low"] == pytest.approx(math.exp(0.9 - 2 * math.sqrt(0.05)))
    assert last["high"] == pytest.approx(math.exp(0.9 + 2 * math.sqrt(0.05)))
    assert found.index[0] == 2019 * 12


@pytest.mark.parametrize("during", [True, False])
def test_an_exact_series_says_that_it_is_exact_and_leaves_gaps_open(during: bool) -> None:
    with mpl.rc_context({"backend": "agg"}):
        axes = series_plot(fitted(during=during), title="Reports to the scheme")
        from matplotlib import pyplot as plt

        plt.close(axes.figure)  # type: ignore[arg-type]
    assert axes.get_title(loc="right") == "exact numbers, not for release"
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["fitted, with its interval", "without the operation", "recorded", "operation"]
    before = axes.get_lines()[0].get_ydata()
    assert np.isnan(np.asarray(before, dtype=float)).sum() == 1
    recorded = next(line for line in axes.get_lines() if line.get_label() == "recorded")
    assert len(np.asarray(recorded.get_xdata())) == 35


def test_a_series_is_drawn_on_the_axes_it_is_given() -> None:
    from matplotlib.figure import Figure

    mine = Figure().add_subplot()
    assert series_plot(fitted(), ax=mine) is mine
