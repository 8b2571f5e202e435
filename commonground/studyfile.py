"""Is a study file complete and free of contradictions, and what does each key mean?"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from commonground.errors import Problem
from commonground.periods import Period
from commonground.plans import flat_plan
from commonground.release.signatures import name_problem, partner_problem, tidy
from commonground.studydesign import PHASES, as_of, phases, zones
from commonground.studyneeds import provision_values, service_lists
from commonground.studyoutcomes import outcome
from commonground.studypeople import PEOPLE_KEYS, people_plan
from commonground.studythreats import design, shocks
from commonground.studyvalues import Findings, Section

__all__ = ["parse_study"]

TOP = ("title", "question", "teaching", "limits", "data", "areas", "operation", "comparison", "inputs", "outcomes",
       "policy", "wording", "needs", "categories", "seen", "surface", "release", "design", "shocks")  # fmt: skip
OPERATION = ("name", "treated", "ring", "before", "during", "after", "months_after")
INPUT = ("kind", "file", "format", "columns", "crs", "key", "published", "source", "reported", "phases")
NEEDS = ("demand", "services", "reach", "slots", "phase", "least", "provision_only", "context")
KINDS = ("contacts", "incidents", "arrests", "services")
FORMATS = {"table": KINDS, "police_uk": ("incidents",), "mps_boroughs": ("incidents",), "nhs_clinics": ("services",),
           "nhs_pharmacies": ("services",)}  # fmt: skip
PROFILES = ("public", "partner", "open")
PEOPLE = "people in sex work"  # field.md: the word is a setting of the study
LEAST = 0.05  # five places a week for every hundred people
REACH = 1000.0  # metres: a walk of about a quarter of an hour
SLOTS = {"day": "08:00-20:00", "night": "20:00-08:00"}
VARIABLE = "COMMONGROUND_DATA"
ONE_OPERATION = "One study evaluates one operation: write one [operation], and a second study for the second."


def parse_study(file: Path) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read a study file into plain values.

    Parameters
    ----------
    file : Path

    Returns
    -------
    values : dict or None
        As far as the file was understood, ready for `commonground.study.Study`: inputs and outcomes with a problem are
        left out. None when it is no TOML.
    problems : list of Problem
        All of them; only values without any may be run.
    """
    try:
        content = file.read_bytes()
        raw = tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
    except (FileNotFoundError, NotADirectoryError):
        return None, [Problem(None, file.name, "must exist", "Give the path of a study.toml, or of its folder.")]
    except OSError:
        return None, [Problem(None, file.name, "cannot be opened", "Check that you may read it.")]
    except UnicodeDecodeError:
        return None, [Problem(None, file.name, "is not UTF-8 text", "Save it again as UTF-8.")]
    except (ValueError, RecursionError) as error:
        return None, [_syntax_problem(file, str(error))]
    findings = Findings(raw)
    read = {"digest": hashlib.sha256(content).hexdigest(), "declared": flat_plan(raw)}
    return {**_Parser(file.parent, findings).values(), **read}, findings.problems


def _syntax_problem(file: Path, message: str) -> Problem:
    place = re.search(r"at line (\d+)", message)
    row = int(place[1]) if place else None
    if "twice" in message or "overwrite" in message:
        if "'operation'" in message:
            return Problem(row, "operation", "is given more than once", ONE_OPERATION)
        return Problem(row, file.name, "gives a table or key twice", "Write each [table] and each key once.")
    return Problem(row, file.name, "is not valid TOML", "Correct the line; texts and dates need quotes.")


class _Parser:
    """Reads the tables of one study file."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        self.folder = folder
        self.findings = findings
        self.root = findings.root
        self.data = self.root.table("data")

    def values(self) -> dict[str, Any]:
        root = self.root
        root.only((*TOP, "operations"))  # the plural is answered below, once
        self.data.only(("variable", "folder", "originals"))
        operation, policy, wording = self._operation(), root.table("policy"), root.table("wording")
        policy.only(("profile", "as_of", "totals"))
        wording.only(("people",))
        profile = policy.word("profile", PROFILES, default="partner")
        spans = phases(operation)
        inputs = {name: self._input(spec, profile) for name, spec in self._named("inputs", "source of records")}
        kinds = {name: spec["kind"] for name, spec in inputs.items()}
        outcomes = {name: outcome(name, spec, kinds) for name, spec in self._named("outcomes", "outcome")}
        shown = tuple(outcomes if profile == "open" else (n for n, kind in kinds.items() if kind != "services"))
        categories, seen = self._levels()
        name = operation.text("name")
        areas_compared = zones(operation, root.table("comparison"))
        if outcomes and all(found["placebo"] for found in outcomes.values()):
            root.say("outcomes", "are all placebos", "Add one that the operation may have moved.")
        return {
            "title": root.text("title") or name or "Study",
            "question": root.text("question", need="Write the question of the study in one sentence.") or "",
            "operation": name or "the operation",
            "phases": spans,
            **areas_compared,
            "shocks": shocks(root, outcomes, spans),
            "design": design(root.table("design"), compared=bool(areas_compared["comparison"])),
            "inputs": {n: spec for n, spec in inputs.items() if self.findings.clean(f"inputs.{n}")},
            "outcomes": {n: spec for n, spec in outcomes.items() if self.findings.clean(f"outcomes.{n}")},
            **self._areas(),
            "policy": profile,
            "as_of": as_of(policy, spans),
            "people": wording.text("people") or PEOPLE,
            "categories": categories,
            "seen": seen,
            "totals": policy.flag("totals", default=False),
            "needs": _needs(root.table("needs"), kinds, spans, self._file, categories, cited=profile == "open"),
            "surface": (root.word("surface", shown) or None) if "surface" in root else None,
            "limits": root.texts("limits"),
            "teaching": root.flag("teaching", default=False),
            **_signers(root.table("release")),
        }

    def _levels(self) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
        """Return the declared levels of each category, and those that any source could see."""
        categories, seen = self.root.texts_map("categories"), self.root.texts_map("seen")
        if not seen.keys() <= categories.keys():
            advice = "Declare it and its levels under [categories]."
            self.root.say("seen", "names a category that is not declared", advice)
        return categories, seen

    def _operation(self) -> Section:
        content = self.root.content
        several = isinstance(content.get("operation"), list) or "operations" in content
        operation = Section("operation", {}, self.findings) if several else self.root.table("operation")
        if several or any(isinstance(value, Mapping) for value in operation.content.values()):
            self.root.say("operation", "is given more than once", ONE_OPERATION)
            return Section("operation", {}, Findings({}))  # nothing more to say about its keys
        if "operation" not in content:
            self.root.say("operation", "is needed", "Add a table [operation].")
            return Section("operation", {}, Findings({}))
        operation.only(OPERATION)
        return operation

    def _named(self, key: str, what: str) -> list[tuple[str, Section]]:
        section = self.root.table(key)
        if not section.content and self.findings.clean(key):
            self.root.say(key, f"needs at least one {what}", f"Add [{key}.NAME] and its keys below it.")
        return list(section.tables())

    def _areas(self) -> dict[str, Any]:
        areas = self.root.table("areas", need="Add a table [areas] with file and code.")
        areas.only(("file", "code", "name", "population"))
        if not areas.content:
            return {"areas_file": self.folder, "areas_columns": {}}
        file = self._file(areas, areas.text("file", need="Give the file with the boundaries of the areas."))
        columns = {"code": areas.text("code", need='Name the column with the area code: code = "...".')}
        columns |= {key: areas.text(key) for key in ("name", "population")}
        return {"areas_file": file, "areas_columns": {key: text for key, text in columns.items() if text is not None}}

    def _input(self, spec: Section, profile: str) -> dict[str, Any]:
        spec.only(INPUT)
        form = spec.word("format", tuple(FORMATS), default="table")
        kind = spec.word("kind", FORMATS.get(form, KINDS), need="Say what its rows are.")
        files = spec.text_or_texts("file", need="Give the path of the file, relative to the study file.")
        if form in FORMATS and form != "table":
            for key in ("columns", "crs", "key", "source"):
                if key in spec:
                    spec.say(key, f"cannot stand beside format = {form}, which knows its own", "Leave it out.")
        elif profile == "open" and kind != "services":
            spec.text("published", need="Cite the publication; profile = open is for published sources only.")
        columns = spec.text_map("columns")
        if "source" in spec and "source" in columns:
            spec.say("source", "is given here and as a column", "Keep one of the two.")
        return {
            "kind": kind,
            "files": tuple(self._file(spec, file) for file in files),
            "format": form,
            "columns": columns or None,
            "crs": spec.text("crs"),
            "key": self._key(spec),
            "published": spec.text("published"),
            "source": spec.text("source"),
            "reported": spec.spans("reported"),
            "phases": _own_phases(spec),
        }

    def _key(self, spec: Section) -> str | None:
        name = spec.text("key")
        if name is None or name in os.environ:
            return name
        if not _exists(self.folder / name):
            advice = "Set it, or make a file outside the project: openssl rand -out FILE 32"
            spec.say("key", "is neither an environment variable that is set nor a file", advice)
        return str(self.folder / name)

    def _file(self, spec: Section, value: str | None) -> Path:
        if value is None:
            return self.folder
        originals = self.data.text("originals")
        where = f" The originals: {originals}" if originals else ""
        if not value.startswith("{data}"):
            path, advice = self.folder / value, f"Correct the path; it is relative to the study file.{where}"
        else:
            variable = self.data.text("variable") or VARIABLE
            set_to = os.environ.get(variable, "")
            base = Path(set_to) if set_to else self.folder / (self.data.text("folder") or ".")
            path = base / value.removeprefix("{data}").lstrip("/")
            so_far = "it is set to another" if set_to else "it is not set"
            advice = f"Set the environment variable {variable} to the folder with the data ({so_far}).{where}"
        if not _exists(path):
            spec.say("file", f"names a file that is not there ({Path(value).name})", advice)
        return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a null character
        return False


def _own_phases(spec: Section) -> tuple[str, ...]:
    chosen = spec.texts("phases", need="Name the phases it is shown for.") if "phases" in spec else PHASES
    if not set(chosen) <= set(PHASES):
        spec.say("phases", "is not a list of phases", f"Use some of: {', '.join(PHASES)}.")
        return PHASES
    return tuple(phase for phase in PHASES if phase in chosen)


def _signers(release: Section) -> dict[str, tuple[str, ...]]:
    """Return who may sign the release and which partners may object to it; anybody where nobody is named."""
    release.only(("approvers", "partners"))
    found: dict[str, tuple[str, ...]] = {"approvers": (), "partners": ()}
    for key in found:
        if key in release:
            found[key] = release.texts(key, need="Name at least one, or leave it out: then anybody may.")
        for name in found[key]:
            problem = name_problem(name, found[key]) if key == "approvers" else partner_problem(name)
            if problem:
                rule, _, advice = problem.partition("; ")
                release.say(key, f"holds a name that {rule}", f"{advice.capitalize()}.")
        if len({tidy(name).casefold() for name in found[key]}) < len(found[key]):
            release.say(key, "names somebody twice", "Name each once.")
    return found


def _needs(
    spec: Section,
    kinds: Mapping[str, str],
    phases: Mapping[str, Period],
    locate: Callable[[Section, str | None], Path],
    categories: Collection[str],
    *,
    cited: bool,
) -> dict[str, Any] | None:
    spec.only((*NEEDS, *PEOPLE_KEYS))
    if not spec.content:
        return None
    people = tuple(name for name, kind in kinds.items() if kind != "services")
    services = tuple(name for name, kind in kinds.items() if kind == "services")
    slots = spec.text_map("slots")
    provision = provision_values(spec, locate, cited=cited)
    who = "Name the input that shows where people are, or write provision_only = true if nobody counted them."
    return {
        **provision,
        "demand": "" if provision["provision_only"] else spec.word("demand", people, need=who),
        "services": service_lists(spec, services),
        "reach": spec.number("reach", default=REACH),
        "slots": slots or SLOTS,
        "least": spec.number("least", default=LEAST),
        "phase": spec.word("phase", tuple(phases) or PHASES, default="after"),
        "people": people_plan(spec, kinds, categories),
    }
