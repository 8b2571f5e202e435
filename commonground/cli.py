"""Which commands are there, and how do they end?"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commonground.console import progress, say, show
from commonground.errors import CommonGroundError, NotReleasable, RecordsError, StudyError

if TYPE_CHECKING:
    from commonground.study import Study

__all__ = ["app", "main"]

DONE, PROBLEMS, USAGE, NOTHING_RELEASABLE, INTERRUPTED = 0, 1, 2, 3, 130
DEBUG = "COMMONGROUND_DEBUG"
OURS = ("commonground", "mapping", "evaluation")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Local needs mapping and evaluation for the safety of people in sex work.",
)

OutOption = Annotated[Path, typer.Option("--out", help="Folder for the release; made if need be.")]
StudyArgument = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="Study file, or the folder that holds it.")]
FileOption = Annotated[Path | None, typer.Option(help="A file of them; it is read where it is, never copied.")]


@app.command()
def demo(out_dir: Annotated[Path, typer.Option("--out", help="Folder to work in.")] = Path("demo")) -> None:
    """Run the study of the sample town, end to end."""
    from commonground.sampletown import lay_out

    _run(lay_out(out_dir), out_dir / "dashboard")


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must not hold a study yet.")],
    contacts: FileOption = None,
    incidents: FileOption = None,
    arrests: FileOption = None,
    services: FileOption = None,
    areas: Annotated[Path | None, typer.Option(help="File of area boundaries.")] = None,
) -> None:
    """Start a study folder: a guessed column mapping in a study.toml to edit."""
    files = {"contacts": contacts, "incidents": incidents, "arrests": arrests, "services": services}
    if not any(files.values()):
        raise typer.BadParameter("give at least one file: --contacts, --incidents, --arrests or --services.")
    from commonground.newstudy import start_study

    made = start_study(folder, files, areas)
    say(f"Wrote {made}. Read it, decide what is marked TODO, then: commonground check {made}")


@app.command()
def check(study: StudyArgument) -> None:
    """List every problem of a study and of every file it names.

    The first check that finds none registers the plan: it writes NAME.registration.json beside the study file, with the
    date and a hash, and never again. Later checks and runs are compared with it. Nothing else is written.
    """
    from commonground.study import load_study
    from commonground.studycheck import cautions, check_study

    with progress("Reading the study and its files"):
        problems = check_study(study)
    if len(problems):
        show(problems)
        raise typer.Exit(PROBLEMS)
    say("No problems. The study can be run.")
    sound = load_study(study)
    for caution in cautions(sound):
        say(f"Caution: {caution}")
    if not _registered(sound, "check"):
        raise typer.Exit(PROBLEMS)


@app.command()
def run(study: StudyArgument, out_dir: OutOption) -> None:
    """Do everything: tables, maps, charts, dashboard, workbook, release statement.

    A plan that no check registered is registered now, which is said; deviations from a registered plan are listed.
    """
    _run(study, out_dir)


@app.command("map")
def map_(study: StudyArgument, out_dir: OutOption) -> None:
    """Release the part on displacement alone: where numbers moved, with maps."""
    _run(study, out_dir, "displacement")


@app.command()
def needs(study: StudyArgument, out_dir: OutOption) -> None:
    """Release the part on needs alone: who is there, and where provision is missing."""
    _run(study, out_dir, "needs")


@app.command()
def evaluate(study: StudyArgument, out_dir: OutOption) -> None:
    """Release the part on before and after alone: what could have been seen, verdicts, checks, goals."""
    _run(study, out_dir, "change")


@app.command()
def attack(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Any folder, ours or not.")]) -> None:
    """Attack the files of a folder, and say whether a release is approved; exit 1 when anything is found."""
    import pandas as pd

    from commonground.release.approval import attack_release, standing
    from commonground.release.intact import differences, is_release, read_manifest

    if not folder.is_dir():
        raise CommonGroundError(f"{folder.name} is not a folder; give the folder of a release.")
    with progress("Attacking the files"):
        findings = attack_release(folder)
    if findings:
        rows = [(f.file, f.where, f.check, f.message) for f in findings]
        show(pd.DataFrame(rows, columns=["file", "where", "check", "message"]))
        raise typer.Exit(PROBLEMS)
    say("Nothing found.")
    if is_release(folder):
        if changed := differences(folder, read_manifest(folder)):
            say(f"Not as it was written: {'; '.join(changed)}.")
        say(standing(folder).summary())


@app.command()
def approve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a release.")],
    name: Annotated[str, typer.Option(help="Who decides: first and last name.")],
    partner: Annotated[str | None, typer.Option(help="The partner that is spoken for.")] = None,
    veto: Annotated[bool, typer.Option("--veto", help="Object for the partner; nobody can approve then.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the partner's veto back.")] = False,
    reason: Annotated[str, typer.Option(help="Why, in a few words, without anything about anybody.")] = "",
) -> None:
    """Sign a release, or object to it for a partner; print what was hidden and attacked, and the decision."""
    if veto and withdraw:
        raise typer.BadParameter("give --veto or --withdraw, not both.")
    if partner is None and (veto or withdraw):
        raise typer.BadParameter("a veto is a partner's: add --partner.")
    from commonground.release import approval

    with progress("Comparing and attacking the files"):
        if withdraw:
            decided = approval.withdraw(folder, name, partner=partner or "", reason=reason)
        else:
            decided = approval.approve(folder, name, partner=partner, veto=veto, reason=reason)
    if not (veto or withdraw):
        say(f"{approval.statement_text(folder)}\n")
    say(decided.summary())


def main() -> None:
    """Run the command line: no traceback for a user's mistake, and an exit code that says how it ended."""
    if not os.environ.get(DEBUG):
        warnings.simplefilter("ignore")  # they are for developers, and some of them quote values
    try:
        code = app(standalone_mode=False)
    except (RecordsError, StudyError) as error:
        say(error.what, error=True)
        show(error.problems, error=True)
        code = PROBLEMS
    except NotReleasable as error:
        say(f"Nothing is released: {error}", error=True)
        code = NOTHING_RELEASABLE
    except CommonGroundError as error:
        say(str(error), error=True)
        code = PROBLEMS
    except OSError as error:
        named = f" ({Path(os.fsdecode(error.filename)).name})" if isinstance(error.filename, str | bytes) else ""
        say(f"A file could not be read or written{named}: {error.strerror or 'unknown reason'}.", error=True)
        code = PROBLEMS
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        code = _other(error)
    sys.exit(code or DONE)


def _other(error: Exception) -> int:
    """Show the command line's own messages; of anything else say where it happened, never what it was about."""
    own: Callable[[], None] | None = getattr(error, "show", None)
    if own is not None:
        own()
        return USAGE
    if os.environ.get(DEBUG):
        raise error
    place, trace = "commonground", error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in OURS:
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    say(f"internal error in {place} ({type(error).__name__}). This is our mistake, not yours.", error=True)
    say(f"Nothing of your data is in this message. {DEBUG}=1 shows the rest, which may quote records.", error=True)
    return PROBLEMS


def _run(study: Path, folder: Path, *parts: str) -> None:
    """Run a study; all of it, or the parts that are named."""
    from commonground.dashboard import run_study
    from commonground.dashboard.contents import PARTS
    from commonground.release.writer import check_free
    from commonground.studycheck import checked_study

    check_free(folder)
    with progress("Checking the study"):
        checked = checked_study(study)
    _registered(checked, "run")
    with progress("Computing, protecting, drawing and attacking"):
        written = run_study(checked, folder, parts=parts or PARTS)
    say(written.summary())
    say(f"Open {written.folder / 'index.html'} in a browser.")


def _registered(study: Study, occasion: str) -> bool:
    """Register the plan if need be, and say what stands there; say whether it can be relied on.

    A folder that cannot be written to keeps nobody from checking or running a study: it is said.
    """
    from commonground import registration

    new = registration.registration(study) is None
    try:
        found = registration.register_plan(study, occasion=occasion)
    except CommonGroundError as error:
        say(f"Not registered: {error}")
        return True
    if new:
        say(f"Wrote {registration.registration_path(study).name} beside the study file: keep the two together.")
    for sentence in registration.registration_sentences(study):
        say(sentence)
    differ = registration.deviations_frame(study)
    if len(differ):
        show(differ)
    if found.state == "whole":
        say(f"Plan: {found.plan_hash}. To prove its date, leave this hash where dates are kept: an e-mail, a registry.")
    return found.state == "whole"


if __name__ == "__main__":
    main()
