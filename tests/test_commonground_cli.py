"""Every command ends with the exit code it promises, and says nothing of anybody's records."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

from commonground import cli, dashboard, registration, studycheck
from commonground.console import MOST_ROWS
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.writer import Written, write_release
from commonground.sampletown import REGISTRATION, lay_out, sample_folder
from commonground.study import load_study

Call = Callable[..., tuple[int, str, str]]
COMMANDS = ("demo", "new", "check", "run", "map", "needs", "evaluate", "attack", "approve")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command line as a shell would; return exit code, output and errors."""

    def _call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["commonground", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return _call


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Let a run end as given, without the check and the work."""

    def _ends(how: object) -> None:
        def run_study(study: object, out: Path, parts: object = ()) -> Written:
            if isinstance(how, BaseException):
                raise how
            return Written(out, ("index.html",))

        monkeypatch.setattr(dashboard, "run_study", run_study)
        monkeypatch.setattr(studycheck, "checked_study", lambda path: path)
        monkeypatch.setattr(cli, "_registered", lambda study, occasion: True)

    return _ends


def listing(rows: int) -> pd.DataFrame:
    text = "a [bold]rule[/bold]\nin two lines\twith a tab"
    columns = {
        "file": "contacts.csv",
        "row": range(1, rows + 1),
        "column": "start",
        "rule": text,
        "help": "Correct it.",
    }
    return pd.DataFrame(columns).astype({"row": "Int64"})


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("run",),
        ("run", "study.toml"),
        ("check",),
        ("check", "--loud", "study.toml"),
        ("new", "folder"),
        ("attack",),
        ("approve",),
        ("approve", "folder"),
        ("approve", "folder", "--name"),
        ("approve", "folder", "--name", "Ada Lovelace", "--veto"),
        ("approve", "folder", "--name", "Ada Lovelace", "--withdraw"),
        ("approve", "folder", "--name", "Ada Lovelace", "--partner", "Outreach", "--veto", "--withdraw"),
    ],
)
def test_a_command_used_wrongly_ends_with_2_and_says_how_it_is_used(call: Call, arguments: tuple[str, ...]) -> None:
    code, out, err = call(*arguments)
    assert code == 2
    assert re.search(r"Usage|Error|give at least one file", out + err)
    assert "Traceback" not in out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(call: Call, command: str) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0
    assert "Usage" in out
    assert command in call("--help")[1]


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """The sample study, never checked."""
    folder = lay_out(tmp_path / "town").parent
    (folder / REGISTRATION).unlink()
    return folder


def test_a_study_without_problems_ends_with_0_and_is_registered_once(call: Call, town: Path) -> None:
    code, out, err = call("check", town)
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "No problems. The study can be run.",
        f"Wrote {REGISTRATION} beside the study file: keep the two together.",
    ]
    assert "It was written after the period it evaluates was over (31 December 2024)" in out
    assert f"Plan: {load_study(town).registration.plan_hash}." in out  # type: ignore[union-attr]
    first = (town / REGISTRATION).read_bytes()
    code, again, _ = call("check", town)
    assert code == 0
    assert "Wrote" not in again
    assert "Nothing in the plan was changed since." in again
    assert (town / REGISTRATION).read_bytes() == first


def test_a_study_with_problems_is_not_registered(call: Call, town: Path) -> None:
    (town / "arrests.csv").write_text("")
    assert call("check", town)[0] == 1
    assert not (town / REGISTRATION).exists()


def test_a_check_lists_every_deviation_and_passes(call: Call, town: Path) -> None:
    call("check", town)
    text = (town / "study.toml").read_text(encoding="utf-8")
    edits = text.replace("reach = 1000", "reach = 500").replace('label = "Arrests"', 'label = "Arrests made"')
    (town / "study.toml").write_text(edits, encoding="utf-8")
    code, out, _ = call("check", town)
    assert code == 0
    assert "2 entries differ from the registered plan, 1 of which can change results." in out
    assert "key\tplanned\trun\tmatters\nneeds.reach\t1000\t500\tTrue\noutcomes.arrests.label\tArrests\t" in out


def test_a_check_of_an_edited_registration_ends_with_1_and_leaves_it(call: Call, town: Path) -> None:
    call("check", town)
    written = (town / REGISTRATION).read_text(encoding="utf-8")
    (town / REGISTRATION).write_text(written.replace('"check"', '"run"'), encoding="utf-8")
    code, out, _ = call("check", town)
    assert code == 1
    assert f"{REGISTRATION} was changed after it was written" in out
    assert "Plan:" not in out


def test_a_check_where_nothing_can_be_written_says_so_and_passes(
    call: Call, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(registration, "_write", refuse)
    code, out, err = call("check", town)
    assert (code, err) == (0, "")
    assert f"Not registered: the plan could not be registered: {REGISTRATION} cannot be written (Read-only" in out
    assert not (town / REGISTRATION).exists()


def test_a_check_says_what_the_study_will_not_be_able_to_tell(call: Call, town: Path) -> None:
    with (town / "study.toml").open("a") as file:
        file.write('\n[[shocks]]\nname = "New forms"\nstart = 2024-01-01\noutcomes = ["reports"]\nrecording = true\n')
    code, out, _ = call("check", town)
    assert code == 0
    assert "Caution: New forms (January 2024) changed recording as the operation began" in out


def test_the_first_run_of_a_study_that_was_never_checked_registers_it_and_says_what_that_is_worth(
    call: Call, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "run_study", lambda study, out, parts: Written(out, ("index.html",)))
    code, out, _ = call("run", town, "--out", town.parent / "out")
    assert code == 0
    assert "by the first run: it was not fixed before the data could be read." in out
    assert load_study(town).registration.occasion == "run"  # type: ignore[union-attr]


def test_the_help_of_check_says_what_it_writes(call: Call) -> None:
    said = re.sub(r"\W+", " ", call("check", "--help")[1])
    assert "registers the plan it writes NAME registration json beside the study file" in said
    assert "Nothing else is written" in said


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_study_that_is_not_there_ends_with_1(call: Call, tmp_path: Path, command: str) -> None:
    more = () if command == "check" else ("--out", tmp_path / "out")
    code, out, err = call(command, tmp_path / "lost.toml", *more)
    assert code == 1
    assert "lost.toml\t\tlost.toml\tmust exist" in out + err
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_lays_out_its_study_and_runs_it(
    call: Call, ends: Callable[[object], None], tmp_path: Path
) -> None:
    ends(None)
    code, out, err = call("demo", "--out", tmp_path / "town")
    assert (code, err) == (0, "")
    assert f"Open {tmp_path / 'town' / 'dashboard' / 'index.html'} in a browser." in out
    assert (tmp_path / "town" / "study" / "study.toml").is_file()


def test_the_demonstration_leaves_other_work_alone(call: Call, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    code, _, err = call("demo", "--out", tmp_path)
    assert code == 1
    assert "no demonstration (thesis.txt)" in err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_nothing_releasable_ends_with_3_and_says_what_to_coarsen(
    call: Call, ends: Callable[[object], None], tmp_path: Path
) -> None:
    ends(NotReleasable("join the areas into fewer, larger ones."))
    code, _, err = call("run", "study.toml", "--out", tmp_path / "out")
    assert (code, err) == (3, "Nothing is released: join the areas into fewer, larger ones.\n")


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        (CommonGroundError("the [areas] overlap; repair them."), 1, "the [areas] overlap; repair them."),
        (
            PermissionError(13, "Permission denied", "/data/secret/contacts.csv"),
            1,
            "(contacts.csv): Permission denied.",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_user_can_mend_ends_without_a_traceback(
    call: Call, ends: Callable[[object], None], tmp_path: Path, how: BaseException, code: int, words: str
) -> None:
    ends(how)
    ended, _, err = call("run", "study.toml", "--out", tmp_path / "out")
    assert ended == code
    assert words in err
    assert "Traceback" not in err


def test_our_own_mistake_says_where_and_never_about_whom(
    call: Call, ends: Callable[[object], None], tmp_path: Path
) -> None:
    ends(KeyError("Jo Bloggs, 07700 900123"))
    code, out, err = call("run", "study.toml", "--out", tmp_path / "out")
    assert code == 1
    assert re.match(r"internal error in commonground\.cli:\d+ \(KeyError\)", err)
    assert "Bloggs" not in out + err


def test_a_developer_can_ask_for_the_traceback(
    ends: Callable[[object], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(KeyError("somewhere"))
    monkeypatch.setenv("COMMONGROUND_DEBUG", "1")
    monkeypatch.setattr("sys.argv", ["commonground", "run", "study.toml", "--out", str(tmp_path / "out")])
    with pytest.raises(KeyError, match="somewhere"):
        cli.main()


def test_elsewhere_than_on_a_screen_every_problem_is_one_line_with_tabs(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studycheck, "check_study", lambda path: listing(500))
    code, out, _ = call("check", "study.toml")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "file\trow\tcolumn\trule\thelp"
    assert len(lines) == 501
    assert lines[500] == "contacts.csv\t500\tstart\ta [bold]rule[/bold] in two lines with a tab\tCorrect it."


def test_on_a_screen_there_is_a_table_that_says_how_many_more(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studycheck, "check_study", lambda path: listing(500))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = call("check", "study.toml")
    assert code == 1
    assert out.count("contacts.csv") == MOST_ROWS
    assert "[bold]rule[/bold]" in out
    assert "and 300 more" in out


def test_a_new_study_is_written_and_checked(call: Call, tmp_path: Path) -> None:
    sample = sample_folder()
    code, out, err = call(
        "new", tmp_path / "ours", "--contacts", sample / "contacts.csv", "--areas", sample / "areas.geojson"
    )
    assert (code, err) == (0, "")
    assert "decide what is marked TODO, then: commonground check" in out
    code, out, _ = call("check", tmp_path / "ours")
    assert code == 1
    assert out.count("is still to be decided") == len(out.splitlines()) - 1
    code, _, err = call("new", tmp_path / "ours", "--contacts", sample / "contacts.csv")
    assert (code, "already" in err) == (1, True)


def test_an_attack_finds_what_lies_open_and_ends_with_1(call: Call, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>Areas were joined until enough people were in each.</p>")
    assert call("attack", tmp_path) == (0, "Nothing found.\n", "")
    (tmp_path / "page.html").write_text("<p>Ring 07700 900123.</p>")
    code, out, _ = call("attack", tmp_path)
    assert code == 1
    assert "page.html" in out
    assert "07700" not in out
    code, _, err = call("attack", tmp_path / "page.html")
    assert code == 1
    assert "is not a folder" in err


# --- approve ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Safe:
    """Stands in for a protected value."""

    released: ClassVar[bool] = True
    in_ledger: bool = True


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A release of a study that names who may sign."""
    files = {"index.html": b"<p>About 25 people.</p>", "statement.txt": b"RELEASE STATEMENT\nNothing was found.\n"}
    facts = {"policy": "partner", "as_of": "2025-06-30", "approvers": ["Ada Lovelace"], "partners": ["Outreach"]}
    span = {"periods": {"after": ["2024-04-01", "2025-01-01"]}}
    write_release(tmp_path / "release", files, origins=[Safe()], facts={**facts, **span})
    return tmp_path / "release"


def test_a_release_is_signed_and_says_so(call: Call, released: Path) -> None:
    code, out, _ = call("attack", released)
    assert (code, out.splitlines()[0]) == (0, "Nothing found.")
    assert "Not approved: nobody signed" in out
    code, out, err = call("approve", released, "--name", "Ada Lovelace")
    assert (code, err) == (0, "")
    assert out.startswith("RELEASE STATEMENT\nNothing was found.\n\nApproved by Ada Lovelace on ")
    code, out, _ = call("attack", released)
    assert code == 0
    assert "Approved by Ada Lovelace" in out
    (released / "index.html").write_text("<p>About 30 people.</p>")
    assert "It was changed since: sign it again." in call("attack", released)[1]


def test_a_veto_ends_every_approval_with_3_until_the_partner_withdraws_it(call: Call, released: Path) -> None:
    jo = ("approve", released, "--name", "Jo Day", "--partner", "Outreach")
    code, out, _ = call(*jo, "--veto", "--reason", "Too fine [bold]here[/bold].")
    assert code == 0
    assert out.startswith("Vetoed by Jo Day for Outreach on ")
    assert "Too fine [bold]here[/bold]." in out
    code, out, err = call("approve", released, "--name", "Ada Lovelace")
    assert (code, out) == (3, "")
    assert "Nothing is released: Vetoed by Jo Day for Outreach" in err
    assert "Vetoed by Jo Day" in call("attack", released)[1]
    assert call(*jo, "--withdraw")[0] == 0
    assert call("approve", released, "--name", "Ada Lovelace")[0] == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("Jo Day", "not among the approvers"), (" ", "is blank"), ("ada@example.org", "an e-mail address or an account")],
)
def test_whoever_may_not_sign_is_told_and_nothing_is_written(call: Call, released: Path, name: str, words: str) -> None:
    code, out, err = call("approve", released, "--name", name)
    assert (code, out) == (1, "")
    assert words in err
    assert sorted(path.name for path in released.iterdir()) == ["index.html", "manifest.json", "statement.txt"]


def test_a_changed_folder_and_no_folder_end_with_1_without_a_path_of_the_machine(call: Call, released: Path) -> None:
    (released / "extra.csv").write_text("area\n")
    code, _, err = call("approve", released, "--name", "Ada Lovelace")
    assert code == 1
    assert "not of this release: extra.csv" in err
    code, _, err_lost = call("approve", released / "lost", "--name", "Ada Lovelace")
    assert code == 1
    assert "lost is no release" in err_lost
    assert str(released.parent) not in err + err_lost


def test_another_tools_manifest_makes_no_release(call: Call, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "a web application"}')
    assert call("attack", tmp_path) == (0, "Nothing found.\n", "")


def test_a_signature_that_was_tampered_with_ends_the_attack_with_1(call: Call, released: Path) -> None:
    call("approve", released, "--name", "Ada Lovelace")
    signed = (released / "approval.json").read_text()
    (released / "approval.json").write_text(signed.replace("Ada Lovelace", "Eve Lovelace"))
    code, _, err = call("attack", released)
    assert code == 1
    assert "approval.json was changed by hand" in err


def test_a_reader_who_has_seen_enough_ends_it_without_a_traceback(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text("".join(f"key{number} = 1\n" for number in range(600)))  # more than a pipe holds
    command = f"{shlex.quote(sys.executable)} -m commonground.cli check {study} | head -n 2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("file\trow")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
