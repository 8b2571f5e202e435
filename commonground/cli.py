"""Which commands are there, and how do they end?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from commonground.errors import CommonGroundError, NotReleasable, RecordsError, StudyError

__all__ = ["app", "main"]

DONE, PROBLEMS, USAGE, NOTHING_RELEASABLE = 0, 1, 2, 3
MOST_ROWS = 200

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Local needs mapping and evaluation for the safety of people in sex work.",
)
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

OutOption = Annotated[Path, typer.Option("--out", help="Folder for the release; made if need be.")]
StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study file, or the folder that holds one.")]


@app.command()
def demo(out_dir: Annotated[Path, typer.Option("--out", help="Folder for the release.")] = Path("demo")) -> None:
    """Run the study of the sample town, end to end."""
    from commonground.sampletown import lay_out

    study = lay_out(out_dir)
    _run(study, out_dir / "dashboard")


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must not hold a study yet.")],
    contacts: Annotated[Path, typer.Option("--contacts", help="File of contacts.")],
    incidents: Annotated[Path | None, typer.Option("--incidents", help="File of incidents or reports.")] = None,
    areas: Annotated[Path | None, typer.Option("--areas", help="File of area boundaries.")] = None,
) -> None:
    """Start a study folder: a guessed column mapping in a study.toml to edit."""
    from commonground.newstudy import start_study

    made = start_study(folder, {"contacts": contacts, "incidents": incidents}, areas)
    out.print(f"Wrote {escape(str(made))}. Read it, fill in what is marked TODO, then: commonground check {escape(str(made))}")


@app.command()
def check(study: StudyArgument) -> None:
    """List every problem of a study and of every file it names; write nothing."""
    from commonground.study import check_study

    with _progress("Reading the study and its files"):
        problems = check_study(study)
    if len(problems):
        _show(problems)
        raise typer.Exit(PROBLEMS)
    out.print("No problems. The study can be run.")


@app.command()
def run(study: StudyArgument, out_dir: OutOption) -> None:
    """Do everything: tables, maps, charts, dashboard, workbook, release statement."""
    _run(study, out_dir)


@app.command()
def attack(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Any folder, ours or not.")]) -> None:
    """Attack the files of a folder; exit 1 when anything is found."""
    from commonground.disclosure.inspection import inspect_folder

    if not folder.is_dir():
        raise CommonGroundError(f"{folder.name} is not a folder; give the folder of a release.")
    findings = inspect_folder(folder)
    if findings:
        rows = [(f.file, f.where, f.check, f.message) for f in findings]
        _show(pd.DataFrame(rows, columns=["file", "where", "check", "message"]))
        raise typer.Exit(PROBLEMS)
    out.print("Nothing found.")


def main() -> None:
    """Run the command line: no traceback for a user's mistake, and an exit code that says how it ended."""
    try:
        code = app(standalone_mode=False)
    except (RecordsError, StudyError) as error:
        err.print(escape(error.what))
        _show(error.problems, console=err)
        code = PROBLEMS
    except NotReleasable as error:
        err.print(f"Nothing is released: {escape(str(error))}")
        code = NOTHING_RELEASABLE
    except CommonGroundError as error:
        err.print(escape(str(error)))
        code = PROBLEMS
    except OSError as error:
        err.print(f"A file could not be read or written: {escape(error.strerror or 'unknown reason')}.")
        code = PROBLEMS
    except KeyboardInterrupt:
        code = 130
    except Exception as error:
        code = _usage(error)
    sys.exit(code or DONE)


def _usage(error: Exception) -> int:
    """Show click's own messages; anything else is our mistake and keeps its traceback."""
    show: Callable[[], None] | None = getattr(error, "show", None)
    if show is None:
        raise error
    show()
    return USAGE


def _run(study: Path, folder: Path) -> None:
    from commonground.dashboard import run_study
    from commonground.study import check_study, load_study

    with _progress("Checking the study", "Computing, protecting, drawing and attacking") as step:
        problems = check_study(study)
        if len(problems):
            raise _Checked(problems)
        step()
        written = run_study(load_study(study), folder)
    out.print(written.summary())
    out.print(f"Open {escape(str(written.folder / 'index.html'))} in a browser.")


class _Checked(StudyError):
    """The problems that `check` lists, with the file each is in."""

    def __init__(self, problems: pd.DataFrame) -> None:
        super().__init__(f"{len(problems)} problem(s); nothing was written.")
        self.problems = problems


@contextmanager
def _progress(*stages: str) -> Iterator[Callable[[], None]]:
    """Show the stage and the time it takes; nothing when the output is not a terminal."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        names = iter(stages)
        task = progress.add_task(next(names), total=len(stages))

        def step() -> None:
            progress.update(task, advance=1, description=next(names, ""))

        yield step


def _show(problems: pd.DataFrame, console: Console = out) -> None:
    table = Table(show_lines=False)
    for name in problems.columns:
        table.add_column(name, overflow="fold")
    for row in problems.head(MOST_ROWS).itertuples(index=False):
        table.add_row(*("" if pd.isna(value) else escape(str(value)) for value in row))
    console.print(table)
    if len(problems) > MOST_ROWS:
        console.print(f"and {len(problems) - MOST_ROWS} more.")
