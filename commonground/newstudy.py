"""How does a study begin: what can be guessed from the files, and what must somebody decide?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from commonground.errors import CommonGroundError, Problem, RecordsError
from commonground.formats import read_table
from commonground.guesses import Guess, guess_area_columns, guess_columns, guess_format, looks_like_a_record
from commonground.records.schemas import REQUIRED
from commonground.registration import registration_path

__all__ = ["start_study"]

STUDY = "study.toml"
AREA_FILES = "GeoJSON, GeoPackage or Shapefile"
HEAD = """# A study: what is asked, of which data, decided before anyone looks. Written by `commonground new`.
# Whatever says TODO must be decided by people; `commonground check` lists what is left. Every guess says so: check it.
# The first check that finds nothing wrong registers the plan, with its date: decide before the months after are read.
# The data stay where they are: this file names columns and holds nothing of a record.

title = "TODO: name the study; the name cannot change after the first release"
question = "TODO: write the question of the study in one sentence"
"""
DESIGN = """
[operation]
name = "the operation"
treated = 'TODO: list the codes of the areas in which the operation took place, as ["E01000001", "E01000002"]'
ring = []  # codes of the areas around them, where people may have moved
before = 'TODO: write its first day and the first day after it, both first of a month, as ["2022-01-01", "2024-01-01"]'
# during = ["2024-01-01", "2024-04-01"]  # the months of the operation itself, if any
after = 'TODO: write its first day and the first day after it, both first of a month, as ["2024-04-01", "2025-01-01"]'

[comparison]
areas = 'TODO: list codes of areas the operation did not touch; or put in its place: none = "why there can be none"'
rule = "TODO: say by which rule the comparison areas were chosen, before looking at them"
"""
END = """
# [[shocks]]  # whatever else is known to have changed the counts: once for each
# name = "First lockdown"
# start = 2020-03-01
# end = 2020-07-01  # the first day after it; left out: it goes on
# outcomes = ["incidents"]  # left out: all of them
# recording = false  # true: a change of how events are recorded

[design]  # on these answers rests how much a comparison can show; unknown counts against it
data_collection = "unknown"  # was the operation "unlikely" or "likely" to change how the data were collected?
# data_collection_reason = "..."
allocation = "unknown"  # were the areas of the operation "random" or "chosen"?
# allocation_reason = "..."
# matched = true  # whether the comparison areas were matched to those of the operation

[policy]
profile = "partner"  # public, partner or open (open: for sources that are already published, each of them cited)
as_of = "TODO: give the date on which the data were extracted; it drives the release lag"

# [release]
# approvers = ["A name"]  # who may sign a release; anybody where nobody is named
# partners = ["An organisation"]  # who may object to one: nobody can sign while an objection stands

[wording]
people = "people in sex work"  # the words that outputs use; agree them with the people they are about
"""


@dataclass(frozen=True)
class _Source:
    """One file of records, as far as its layout tells."""

    kind: str
    path: Path
    form: str
    guess: Guess
    file_crs: str | None


def start_study(folder: Path, files: Mapping[str, Path | None], areas: Path | None) -> Path:
    """Make a study folder with a study.toml to edit: columns guessed from their names, decisions marked TODO.

    Parameters
    ----------
    folder : Path
        Made if need be; must not hold a study.toml.
    files : mapping of kind to Path or None
        contacts, incidents, arrests, services. Read where they are and never copied.
    areas : Path or None
        File of area boundaries.

    Returns
    -------
    Path
        The study.toml. It holds column names and nothing of a record.

    Raises
    ------
    RecordsError
        When files cannot be read, or have no header; all at once. Nothing is written then.
    CommonGroundError
        When the folder holds a study already, or the registration of one.
    """
    target = folder / STUDY
    old = registration_path(target)
    if os.path.lexists(old):
        raise CommonGroundError(f"{folder.name} holds {old.name}, the plan of another study; give a new folder.")
    if target.exists() or (folder.exists() and not folder.is_dir()):
        raise CommonGroundError(f"{folder.name} is a file or holds a study.toml already; give a new folder.")
    sources, columns = _look(files, areas)
    text = "".join(
        [
            HEAD,
            _areas_text(folder, areas, columns),
            DESIGN,
            *(_input_text(folder, source) for source in sources),
            *(_outcome_text(source) for source in sources if source.kind != "services"),
            END,
            _needs_text([source.kind for source in sources]),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise CommonGroundError(f"{folder.name} holds a study.toml already; give a new folder.") from None
    return target


def _look(files: Mapping[str, Path | None], areas: Path | None) -> tuple[list[_Source], dict[str, str]]:
    """Read the column names of every file, or raise with what is wrong with any of them."""
    sources, columns, problems = [], {}, []
    for kind, path in files.items():
        if path is not None:
            try:
                sources.append(_source(kind, path))
            except RecordsError as error:
                problems += [(path.name, *row) for row in error.problems.itertuples(index=False, name=None)]
    if areas is not None:
        try:
            columns = guess_area_columns([str(name) for name in pyogrio.read_info(areas)["fields"]])
        except (DataSourceError, DataLayerError):
            rule = "cannot be read as a file of areas" if areas.exists() else "does not exist"
            problems.append((areas.name, None, areas.name, rule, f"Give {AREA_FILES}."))
    if problems:
        refusal = RecordsError(f"{len(problems)} problem(s) in the files; nothing was written.")
        refusal.problems = pd.DataFrame(problems, columns=["file", "row", "column", "rule", "help"])
        raise refusal
    return sources, columns


def _source(kind: str, path: Path) -> _Source:
    nothing = Guess({}, {}, None, ())
    if kind == "incidents" and (path.is_dir() or path.suffix.casefold() == ".zip"):
        return _Source(kind, path, "police_uk", nothing, None)
    table = read_table(path)
    names = [str(name) for name in table.frame.columns]
    form = guess_format(names) if kind == "incidents" else "table"
    if form != "table":
        return _Source(kind, path, form, nothing, None)
    if looks_like_a_record(names):
        rule, advice = "has no header: its first row looks like a record", "Put the column names in the first row."
        raise RecordsError(f"{path.name} cannot be read.", [Problem(None, path.name, rule, advice)])
    return _Source(kind, path, form, guess_columns(names, kind), table.crs)


def _areas_text(folder: Path, areas: Path | None, columns: Mapping[str, str]) -> str:
    if areas is None:
        file, code = _quoted(f"TODO: give a file with the boundaries of the areas ({AREA_FILES})"), ""
    else:
        file, code = _path(folder, areas), columns.get("code", "")
    lines = ["", "[areas]", f"file = {file}"]
    lines.append(f"code = {_quoted(code)}  # guessed" if code else 'code = "TODO: name the column with the area code"')
    for key, what in (("name", "the area's name"), ("population", "its residents or addresses")):
        if key in columns:
            lines.append(f"{key} = {_quoted(columns[key])}  # guessed")
        else:
            lines.append(f'# {key} = "..."  # column with {what}, if there is one')
    return "\n".join(lines) + "\n"


def _input_text(folder: Path, source: _Source) -> str:
    lines = ["", f"[inputs.{source.kind}]", f"kind = {_quoted(source.kind)}", f"file = {_path(folder, source.path)}"]
    if source.form != "table":
        lines.append(f"format = {_quoted(source.form)}  # guessed: its layout is known, no columns need to be named")
        return "\n".join(lines) + "\n"
    guess = source.guess
    if "x" in guess.columns and source.file_crs is None:
        reason = "  # guessed from the names of the coordinates"
        unknown = '"TODO: give the system of the coordinates: EPSG:27700 (British National Grid), EPSG:4326 (degrees)"'
        lines.append(f"crs = {_quoted(guess.crs)}{reason}" if guess.crs else f"crs = {unknown}")
    if source.kind != "services":
        lines.append('# key = "..."  # environment variable or file with the pseudonym key, to count people over years')
        lines.append('# reported = [["2022-01-01", "2024-01-01"]]  # when it reported, if not from first to last row')
    lines += ["", f"[inputs.{source.kind}.columns]  # ours = theirs; all guessed from the names: check each"]
    lines += [f"{ours} = {_quoted(theirs)}  # guessed" for ours, theirs in guess.columns.items()]
    for ours in REQUIRED[source.kind]:
        if ours not in guess.columns:
            lines.append(f"{ours} = {_quoted(f'TODO: name the column that is {ours}')}")
    if not {"area", "x"} & set(guess.columns):
        lines.append('area = "TODO: name the column with the area code, or two with coordinates as x and y"')
    lines += [f"# {ours} = {_quoted(theirs)}  # guessed; take it in only if the question needs it"
              for ours, theirs in guess.groups.items()]  # fmt: skip
    if guess.unused:
        lines.append(f"# not read: {', '.join(map(_quoted, guess.unused))}")
    return "\n".join(lines) + "\n"


def _outcome_text(source: _Source) -> str:
    goal = '"TODO: say which goal it serves: enforcement, trust, safety or access"'
    lines = ["", f"[outcomes.{source.kind}]", f"label = {_quoted(source.kind.capitalize())}"]
    lines.append(f"input = {_quoted(source.kind)}")
    if source.kind == "arrests":
        lines.append('goal = "enforcement"  # guessed: arrests say where enforcement was, not where people were')
    else:
        lines.append(f"goal = {goal}")
    lines.append('good = "TODO: say before looking which direction would be good: fall, rise or neither"')
    if source.kind == "incidents":
        lines.append("reports = true  # guessed: such counts are what happened times the share that is reported")
    return "\n".join(lines) + "\n"


def _needs_text(kinds: Sequence[str]) -> str:
    people = [kind for kind in kinds if kind != "services"]
    if "services" not in kinds or not people:
        return ""
    lines = [
        "",
        "[needs]",
        f"demand = {_quoted(people[0])}  # guessed: shows where people are",
        'services = "services"',
    ]
    lines.append("reach = 1000  # metres; guessed: a walk of a quarter of an hour")
    return "\n".join(lines) + "\n"


def _path(folder: Path, file: Path) -> str:
    """Write the path from the study where the two lie together, in full where they do not."""
    base, full = folder.resolve(), file.resolve()
    near = base.parent in full.parents and base.parent != base.parent.parent
    return _quoted(Path(os.path.relpath(full, base)).as_posix() if near else full.as_posix())


def _quoted(text: str) -> str:
    """Return a TOML basic string: quotes, backslashes and whatever does not print are escaped."""
    written = (c if c.isprintable() and c not in '"\\' else _escape(c) for c in text)
    return f'"{"".join(written)}"'


def _escape(character: str) -> str:
    number = ord(character)
    if character in '"\\':
        return f"\\{character}"
    if 0xD800 <= number < 0xE000:
        return "\\uFFFD"  # half of a pair is no character in TOML
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"
