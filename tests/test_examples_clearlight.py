"""Operation Clearlight on published borough counts: the figures, the verdict, and what such data cannot say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from commonground.dashboard import run_study
from commonground.errors import StudyError
from commonground.study import load_study

EXAMPLE = Path(__file__).parents[1] / "examples" / "clearlight" / "study.toml"


def example(folder: Path) -> Path:
    """The study file in a folder of its own: whatever is written beside it stays out of the repository."""
    folder.mkdir()
    return Path(shutil.copy(EXAMPLE, folder))


@pytest.fixture(scope="module")
def release(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clearlight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMMONGROUND_DATA", str(real_data))
        run_study(load_study(example(place / "study")), place / "out")
    return place / "out"


def text(release: Path, page: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", (release / page).read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#39;", "'")


@pytest.mark.real_data
def test_recorded_soliciting_is_that_of_the_published_tables(release: Path) -> None:
    # field.md, no. 22, read from the Metropolitan Police borough tables: twelve months before and after October 2013.
    zones = pd.read_csv(release / "tables" / "zones-soliciting.csv").set_index("Zone")
    pairs = {zone: (row["Same months a year before"], row["After"]) for zone, row in zones.iterrows()}
    assert pairs["Operation area"] == (16, 39)
    assert pairs["Ring: Waltham Forest"] == (0, 66)
    assert pairs["Ring: Newham"] == (0, 0)
    assert pairs["Ring: Barking and Dagenham"] == (0, 2)
    rape = pd.read_csv(release / "tables" / "zones-rape.csv").set_index("Zone").loc["Operation area"]
    assert (rape["Same months a year before"], rape["After"]) == (116, 145)


@pytest.mark.real_data
def test_the_same_counts_are_on_the_first_page(release: Path) -> None:
    assert "16 in the same 12 months a year before, 39 in the 12 months after" in text(release, "index.html")


@pytest.mark.real_data
def test_the_burst_in_waltham_forest_is_said_for_what_it_is(release: Path) -> None:
    line = "55 of Waltham Forest's 66 after the start fall in one month, December 2013: a burst of enforcement there"
    assert line in text(release, "index.html")
    assert line in text(release, "displacement.html")
    months = pd.read_csv(release / "tables" / "months-soliciting.csv").set_index("Month")
    assert months.at["2013-12", "Ring around it"] == 55
    assert months.loc["2013-10":"2014-09", "Ring around it"].sum() == 68


@pytest.mark.real_data
def test_the_verdict_on_soliciting_is_cannot_tell(release: Path) -> None:
    verdicts = pd.read_csv(release / "tables" / "verdicts.csv").set_index("Outcome")
    assert verdicts.at["Recorded soliciting", "Verdict"] == "cannot tell"
    assert verdicts.at["Recorded soliciting", "Low"] < 1 < verdicts.at["Recorded soliciting", "High"]


@pytest.mark.real_data
def test_the_displacement_difference_has_both_standard_errors(release: Path) -> None:
    wdd = (
        pd.read_csv(release / "tables" / "displacement-difference.csv").set_index("Outcome").loc["Recorded soliciting"]
    )
    # By hand, 1 borough and 4 around it against the same 14: (39 - 16) + (68 - 0) - (1 + 4)/14 (35 - 47) = 95.29;
    # Poisson variance 16 + 39 + 68 + (5/14)^2 (35 + 47) = 133.46.
    assert wdd["WDD"] == pytest.approx(95.3, abs=0.05)
    assert wdd["Poisson standard error"] == pytest.approx(133.46**0.5, abs=0.05)
    assert wdd["Standard error"] > wdd["Poisson standard error"]
    page = text(release, "displacement.html")
    assert "The ring and the operation area are set against the same comparison areas" in page
    assert "against nothing" not in page


@pytest.mark.real_data
def test_no_page_takes_enforcement_for_people_or_reports_for_violence(release: Path) -> None:
    page = text(release, "displacement.html")
    assert "These data hold no contacts with people, so whether anybody moved cannot be told from them." in page
    assert "where enforcement was, not where people were" in page
    assert "what displacement looks like" not in page
    assert not re.search(r"prostitution (?:fell|rose)", page, re.IGNORECASE)


@pytest.mark.real_data
def test_a_missing_borough_is_named_and_not_called_zero(release: Path) -> None:
    assert "Not observed in both periods: City of London." in text(release, "displacement.html")


@pytest.mark.real_data
def test_charts_of_months_are_there(release: Path) -> None:
    assert {f"months-{name}.png" for name in ("soliciting", "rape", "robbery")} <= {
        p.name for p in (release / "charts").iterdir()
    }


def test_without_the_data_the_message_says_where_the_originals_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMONGROUND_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(StudyError) as caught:
        load_study(example(tmp_path / "study"))
    assert "London Datastore" in str(caught.value) + caught.value.problems.to_string()
    assert "COMMONGROUND_DATA" in str(caught.value) + caught.value.problems.to_string()
