"""Every command ends with the exit code it promises, and says nothing of anybody's records."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from commonground import cli, dashboard, studycheck
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.writer import Written
from commonground.sampletown import lay_out, sample_folder

Call = Callable[..., tuple[int, str, str]]
COMMANDS = ("demo", "new", "check", "run", "attack")


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
        def run_study(study: object, out: Path) -> Written:
            if isinstance(how, BaseException):
                raise how
            return Written(out, ("index.html",))

        monkeypatch.setattr(dashboard, "run_study", run_study)
        monkeypatch.setattr(studycheck, "checked_study", lambda path: path)

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


def test_a_study_without_problems_ends_with_0_in_silence_but_for_the_answer(call: Call, tmp_path: Path) -> None:
    assert call("check", lay_out(tmp_path)) == (0, "No problems. The study can be run.\n", "")


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
    assert out.count("contacts.csv") == cli.MOST_ROWS
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


def test_a_reader_who_has_seen_enough_ends_it_without_a_traceback(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text("".join(f"key{number} = 1\n" for number in range(600)))  # more than a pipe holds
    command = f"{shlex.quote(sys.executable)} -m commonground.cli check {study} | head -n 2"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("file\trow")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
