"""Charts say what was found, never by colour only, and are the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import math
import re
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commonground.release.charts import Chart, ForestRow, Marks, bars_by_phase, forest_chart, index_lines


class Shown:
    """What stands for a protected value: renderers ask its class, nothing else."""

    released = True


ROWS = [
    ForestRow("Cost $5 to $9 & <b>", 0.70, 0.46, 1.1, "cannot tell"),
    ForestRow("Arrests", 0.31, 0.15, 0.62, "change shown"),
    ForestRow("Violence", 1.02, 0.93, 1.12, "no change that matters"),
    ForestRow("Housing", 2.4, 1.1, math.inf, "change shown"),
    ForestRow("Ring", 0, 0, 3.4, "cannot tell"),
    ForestRow("Hidden place", math.nan, math.nan, math.nan, "cannot tell"),
]
QUARTERS = [f"{year} Q{quarter}" for year in (2018, 2019, 2020) for quarter in (1, 2, 3, 4)]


def forest() -> Chart:
    return forest_chart(ROWS, title="Arrests fell; safety we cannot tell", origin=Shown())


def bars() -> Chart:
    return bars_by_phase(
        ["Zone", "Ring"],
        [30, 15],
        [10, math.nan],
        [5, 20],
        title="Fewer in the zone",
        unit="people a month",
        origin=Shown(),
    )


def lines() -> Chart:
    frame = pd.DataFrame({"Zone": np.linspace(100, 40, 12), "Ring": np.linspace(100, 120, 12)}, index=QUARTERS)
    frame.iloc[5, 0] = math.nan
    return index_lines(frame, Marks("The zone fell", "index", "2019 Q1", "2019 Q3"), origin=Shown())


ALL = pytest.mark.parametrize("make", [forest, bars, lines])


def words(chart: Chart) -> str:
    return " ".join(
        "".join(node.itertext()) for node in ElementTree.fromstring(chart.svg).iter() if node.tag.endswith("text")
    )


@ALL
def test_the_same_values_give_the_same_bytes(make: Callable[[], Chart]) -> None:
    assert (make().png, make().svg) == (make().png, make().svg)


def test_another_process_gives_the_same_bytes_without_a_window_system() -> None:
    program = (
        "import sys, hashlib; from commonground.release.charts import *; "
        "Shown = type('Shown', (), {'released': True}); "
        "c = forest_chart([ForestRow('A', .5, .3, .8, 'change shown')], title='A fell', origin=Shown()); "
        "print(hashlib.sha256(c.png + c.svg).hexdigest(), 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    here = forest_chart([ForestRow("A", 0.5, 0.3, 0.8, "change shown")], title="A fell", origin=Shown())
    assert done.stdout.split() == [hashlib.sha256(here.png + here.svg).hexdigest(), "False"]


@ALL
def test_files_name_no_moment_program_or_place(make: Callable[[], Chart]) -> None:
    chart = make()
    picture = Image.open(io.BytesIO(chart.png))
    assert not getattr(picture, "text", {})
    assert set(re.findall(rb"https?://[^\"<]*", chart.svg)) <= {
        b"http://www.w3.org/2000/svg",
        b"http://www.w3.org/1999/xlink",
    }
    assert not re.search(rb"<!DOCTYPE|<metadata|Matplotlib|20\d\d-\d\d-\d\dT", chart.svg)


@ALL
def test_the_vectors_are_labelled_for_screen_readers_and_hold_text(make: Callable[[], Chart]) -> None:
    chart = make()
    root = ElementTree.fromstring(chart.svg)
    assert root.get("role") == "img"
    assert root.findtext("{http://www.w3.org/2000/svg}title") == chart.title
    assert root.findtext("{http://www.w3.org/2000/svg}desc") == chart.alt
    assert chart.title in words(chart)


def test_the_forest_says_verdicts_and_limits_in_words() -> None:
    said = words(forest())
    for part in (
        "0.70 (0.46 to 1.1)",
        "1.0 (0.93 to 1.1)",
        "2.4 (1.1 to no limit)",
        "0 (0 to 3.4)",
        "cannot tell",
        "hidden: too few",
    ):
        assert part in said
    assert "Cost $5 to $9 & <b>" in said, "a dollar sign is no formula"
    assert "Arrests, 0.31 (0.15 to 0.62), change shown" in forest().alt
    assert "Hidden place, hidden" in forest().alt


def test_limits_beyond_the_axis_look_like_arrows_and_those_within_do_not() -> None:
    def drawn(high: float) -> bytes:
        rows = [ForestRow("A", 2, 1.5, high, "change shown")]
        return forest_chart(rows, title="A rose", origin=Shown()).svg.split(b"</desc>")[1]

    # beyond the fixed axis only the written number may differ
    far, endless = (
        re.sub(rb"<g id=\"text_.*?</g>|<!--.*?-->", b"", drawn(high), flags=re.DOTALL) for high in (40.0, math.inf)
    )
    assert far == endless
    assert far != re.sub(rb"<g id=\"text_.*?</g>|<!--.*?-->", b"", drawn(9.0), flags=re.DOTALL)


def test_hidden_values_have_no_bar_and_are_no_zero() -> None:
    assert "hidden: too few to show" in words(bars())
    assert "Ring: before 15, during hidden, after 20" in bars().alt
    zero = bars_by_phase(
        ["Zone", "Ring"], [30, 15], [10, 0], [5, 20], title="Fewer", unit="people a month", origin=Shown()
    )
    assert "hidden" not in words(zero)


def test_hidden_periods_are_gaps() -> None:
    assert "2019 Q2 hidden" in lines().alt
    paths = re.findall(rb"<path d=\"(M [^\"]*)\"[^>]*stroke: #12436d; stroke-width: 2", lines().svg)
    assert any(path.count(b"M") == 2 for path in paths), "the line is broken in two"


def test_two_phases_are_enough() -> None:
    assert "During" not in words(bars_by_phase(["Zone"], [1], None, [2], title="More", unit="people", origin=Shown()))


def test_titles_say_a_finding_in_ten_words() -> None:
    with pytest.raises(ValueError, match="10 words or fewer"):
        forest_chart(ROWS, title="one two three four five six seven eight nine ten eleven", origin=Shown())
    with pytest.raises(ValueError, match="10 words or fewer"):
        forest_chart(ROWS, title="", origin=Shown())


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: forest_chart([], title="None", origin=Shown()), "nothing to draw"),
        (
            lambda: bars_by_phase(["a"], [1, 2], None, [1], title="T", unit="u", origin=Shown()),
            "differ in length",
        ),
        (
            lambda: index_lines(pd.DataFrame(np.ones((2, 5)), index=["a", "b"]), Marks("T", "u"), origin=Shown()),
            "more than four lines",
        ),
        (
            lambda: index_lines(pd.DataFrame({"a": [1.0]}, index=["q"]), Marks("T", "u", "x"), origin=Shown()),
            "not among the periods",
        ),
    ],
)
def test_charts_that_cannot_be_read_are_refused(make: Callable[[], Chart], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


def test_the_repr_shows_no_number() -> None:
    assert not re.search(r"\d", repr(forest()))
