"""Is a study file complete and free of contradictions, and what does each key mean?"""

from __future__ import annotations

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from commonground.errors import CommonGroundError, Problem
from commonground.periods import Period

__all__ = ["parse_study"]

TOP = ("title", "question", "teaching", "limits", "data", "areas", "operation", "comparison", "inputs", "outcomes", "policy",
       "wording", "needs", "categories", "surface")  # fmt: skip
KEYS = {
    "data": ("variable", "folder", "originals"),
    "areas": ("file", "code", "name", "population"),
    "operation": ("name", "treated", "ring", "before", "during", "after", "months_after"),
    "comparison": ("areas", "rule", "none"),
    "policy": ("profile", "as_of"),
    "wording": ("people",),
    "needs": ("demand", "services", "reach", "slots", "phase", "least"),
    "inputs.*": ("kind", "file", "format", "columns", "crs", "key", "published", "source", "reported", "phases"),
    "outcomes.*": ("label", "input", "goal", "good", "primary", "margin", "where", "count", "reports", "reporting"),
}
KINDS = ("contacts", "incidents", "arrests", "services")
FORMATS = ("table", "police_uk", "mps_boroughs", "nhs_clinics", "nhs_pharmacies")
PROFILES = ("public", "partner", "open")
GOALS = ("enforcement", "trust", "safety", "access")
PHASES = ("before", "during", "after")
GOOD = ("fall", "rise", "neither")
PEOPLE = "people in sex work"  # field.md: the word is a setting of the study
LEAST = 0.05  # five places a week for every hundred people
MARGIN = 0.2  # a fifth either way does not matter, unless the study says otherwise


def parse_study(file: Path) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read a study file into plain values.

    Parameters
    ----------
    file : Path

    Returns
    -------
    values : dict or None
        Ready for `commonground.study.Study`; None when the file is too broken to be understood.
    problems : list of Problem
        All of them.
    """
    if not file.is_file():
        return None, [Problem(None, file.name, "must exist", "Give the path of a study.toml, or of its folder.")]
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = getattr(error, "lineno", None)
        return None, [Problem(place, file.name, "is not valid TOML", "Correct the line; strings need quotes.")]
    reader = _Reader(file.parent, raw)
    values = reader.read()
    fatal = any(problem.column in reader.fatal for problem in reader.problems)
    return (None if fatal else values), reader.problems


class _Reader:
    """Reads one study file and collects what is wrong with it."""

    fatal = ("operation", "before", "after", "areas", "inputs", "outcomes", "treated")

    def __init__(self, folder: Path, raw: dict[str, Any]) -> None:
        self.folder = folder
        self.raw = raw
        self.problems: list[Problem] = []

    def read(self) -> dict[str, Any]:
        self._unknown_keys()
        operation, comparison = self._table("operation"), self._table("comparison")
        phases = self._phases(operation)
        areas = self._table("areas")
        policy, wording = self._table("policy"), self._table("wording")
        zones = self._zones(operation, comparison)
        inputs = {name: self._input(name, spec) for name, spec in self._named("inputs")}
        outcomes = {name: self._outcome(name, spec, inputs) for name, spec in self._named("outcomes")}
        if not inputs:
            self._say("inputs", "needs at least one source", "Add [inputs.NAME] with kind and file.")
        return {
            "title": str(self.raw.get("title", operation.get("name", "Study"))),
            "question": self._text("question", self.raw.get("question")),
            "operation": str(operation.get("name", "the operation")),
            "phases": phases,
            **zones,
            "inputs": inputs,
            "outcomes": outcomes,
            "areas_file": self._file("areas.file", areas.get("file")),
            "areas_columns": {key: areas[key] for key in ("code", "name", "population") if key in areas},
            "policy": self._one_of("policy.profile", policy.get("profile", "partner"), PROFILES),
            "as_of": self._date("policy.as_of", policy.get("as_of")),
            "people": str(wording.get("people", PEOPLE)),
            "categories": {name: tuple(levels) for name, levels in self._table("categories").items()},
            "needs": self._needs(inputs, phases),
            "surface": self.raw.get("surface"),
            "limits": tuple(self.raw.get("limits", ())),
            "teaching": bool(self.raw.get("teaching", False)),
        }

    def _say(self, column: str, rule: str, advice: str) -> None:
        self.problems.append(Problem(None, column, rule, advice))

    def _unknown_keys(self) -> None:
        for key in self.raw:
            self._known(key, "", TOP)
        for table, keys in KEYS.items():
            section = table.removesuffix(".*")
            content = self.raw.get(section, {})
            if not isinstance(content, Mapping):
                continue
            specs = content.items() if table.endswith(".*") else [(None, content)]
            for name, spec in specs:
                for key in spec if isinstance(spec, Mapping) else ():
                    self._known(key, f"{section}.{name}." if name else f"{section}.", keys)
        if "areas" in self.raw and isinstance(self.raw["areas"], Mapping) and "code" not in self.raw["areas"]:
            self._say("areas", "needs code, the column with the area code", 'Add code = "...".')

    def _known(self, key: str, prefix: str, allowed: tuple[str, ...]) -> None:
        if key not in allowed:
            close = difflib.get_close_matches(key, allowed, n=1)
            advice = f"Did you mean {close[0]}?" if close else f"Use one of: {', '.join(allowed)}."
            if key in ("operations",):
                advice = "One study evaluates one operation: write one [operation] and a second study for the second."
            self._say(prefix + key, "is not a known key", advice)

    def _table(self, name: str) -> dict[str, Any]:
        content = self.raw.get(name)
        if content is None:
            if name in ("areas", "operation"):
                self._say(name, "is needed", f"Add a table [{name}].")
            return {}
        if isinstance(content, list) and name == "operation":
            self._say(name, "is given more than once", "One study evaluates one operation; write a second study.")
            return {}
        if not isinstance(content, Mapping):
            self._say(name, "must be a table", f"Write [{name}] and its keys below it.")
            return {}
        return dict(content)

    def _named(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, spec in self._table(name).items():
            if isinstance(spec, Mapping):
                yield key, dict(spec)
            else:
                self._say(f"{name}.{key}", "must be a table", f"Write [{name}.{key}] and its keys below it.")

    def _phases(self, operation: Mapping[str, Any]) -> dict[str, Period]:
        phases = {}
        for name in PHASES:
            if name in operation:
                span = self._span(name, operation[name])
                if span is not None:
                    phases[name] = span
            elif name != "during" and operation:
                self._say(name, "is needed", f'Write {name} = ["2022-01-01", "2023-01-01"]; the end is not included.')
        spans = sorted(phases.items(), key=lambda item: item[1])
        for (one, first), (other, second) in zip(spans, spans[1:], strict=False):
            if first.overlaps(second):
                self._say(
                    "operation", f"{one} and {other} overlap", "Each day belongs to one phase; ends are not included."
                )
        if [name for name, _ in spans] != [name for name in PHASES if name in phases]:
            self._say("operation", "the phases are out of order", "before, then during, then after.")
        stated = operation.get("months_after")
        if stated is not None and "after" in phases and phases["after"].months < stated:
            rule = f"holds {phases['after'].months} whole months, fewer than the {stated} stated"
            self._say("after", rule, "Correct after or months_after.")
        return phases

    def _span(self, name: str, value: Any) -> Period | None:
        if not isinstance(value, list) or len(value) != 2:
            self._say(
                name, "must be two dates", f'Write {name} = ["2022-01-01", "2023-01-01"]; the end is not included.'
            )
            return None
        try:
            return Period(*value)
        except CommonGroundError as error:
            self._say(name, "is not a span of time", str(error))
            return None

    def _zones(self, operation: Mapping[str, Any], comparison: Mapping[str, Any]) -> dict[str, Any]:
        treated, ring = tuple(operation.get("treated", ())), tuple(operation.get("ring", ()))
        areas = comparison.get("areas", {})
        named = {str(code): (str(code),) for code in areas} if isinstance(areas, list) else {}
        if isinstance(areas, Mapping):
            named = {name: tuple(codes) for name, codes in areas.items()}
        if not treated and operation:
            self._say("treated", "is needed", "List the area codes in which the operation took place.")
        if not named and "none" not in comparison:
            advice = 'Add [comparison] with areas, or say why there can be none: none = "...".'
            self._say("comparison", "has no comparison area", advice)
        homes: dict[str, str] = {}
        for zone, codes in {"treated": treated, "ring": ring, **named}.items():
            for code in codes:
                if code in homes:
                    self._say(zone, f"shares area {code} with {homes[code]}", "Each area belongs to one zone.")
                homes[code] = zone
        rule = str(comparison.get("rule", comparison.get("none", "")))
        if named and not comparison.get("rule"):
            self._say("comparison.rule", "is needed", "Say by which rule the comparison areas were chosen.")
        return {"treated": treated, "ring": ring, "comparison": named, "comparison_rule": rule}

    def _input(self, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        at = f"inputs.{name}"
        files = spec.get("file")
        listed = files if isinstance(files, list) else [files]
        reported = [self._span(f"{at}.reported", span) for span in spec.get("reported", [])]
        return {
            "kind": self._one_of(f"{at}.kind", spec.get("kind"), KINDS),
            "files": tuple(self._file(f"{at}.file", file) for file in listed),
            "format": self._one_of(f"{at}.format", spec.get("format", "table"), FORMATS),
            "columns": spec.get("columns"),
            "crs": spec.get("crs"),
            "key": spec.get("key"),
            "published": spec.get("published"),
            "source": spec.get("source"),
            "reported": tuple(span for span in reported if span is not None),
            "phases": tuple(self._one_of(f"{at}.phases", name, PHASES) for name in spec.get("phases", PHASES)),
        }

    def _outcome(self, name: str, spec: dict[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        at = f"outcomes.{name}"
        where = {key: tuple(v if isinstance(v, list) else [v]) for key, v in spec.get("where", {}).items()}
        margin = spec.get("margin", MARGIN)
        if not isinstance(margin, int | float) or not 0 < margin < 1:
            self._say(f"{at}.margin", "must lie between 0 and 1", "0.2 means: a fifth either way does not matter.")
            margin = MARGIN
        reporting = spec.get("reporting")
        if reporting is not None and (len(reporting) != 2 or not 0 < reporting[0] <= reporting[1]):
            self._say(
                f"{at}.reporting", "must be two ratios above 0", "[0.6, 1.0]: the reported share fell to 60 %, or not."
            )
            reporting = None
        return {
            "label": str(spec.get("label", name.replace("_", " "))),
            "input": self._one_of(f"{at}.input", spec.get("input"), tuple(inputs)),
            "goal": self._one_of(f"{at}.goal", spec.get("goal"), GOALS),
            "good": self._one_of(f"{at}.good", spec.get("good"), GOOD),
            "primary": bool(spec.get("primary", True)),
            "margin": float(margin),
            "where": where,
            "count": self._one_of(f"{at}.count", spec.get("count", "events"), ("events", "persons")),
            "reports": bool(spec.get("reports", False)),
            "reporting": tuple(map(float, reporting)) if reporting else None,
        }

    def _needs(self, inputs: Mapping[str, Any], phases: Mapping[str, Any]) -> dict[str, Any] | None:
        spec = self._table("needs")
        if not spec:
            return None
        return {
            "demand": self._one_of("needs.demand", spec.get("demand"), tuple(inputs)),
            "services": self._one_of("needs.services", spec.get("services"), tuple(inputs)),
            "reach": float(spec.get("reach", 1000)),
            "slots": dict(spec.get("slots", {"day": "08:00-20:00", "night": "20:00-08:00"})),
            "least": float(spec.get("least", LEAST)),
            "phase": self._one_of("needs.phase", spec.get("phase", "after"), tuple(phases) or ("after",)),
        }

    def _one_of(self, at: str, value: Any, allowed: tuple[str, ...]) -> str:
        if value not in allowed:
            rule = "is needed" if value is None else "is not one of the words that can stand here"
            self._say(at, rule, f"Use one of: {', '.join(allowed)}.")
        return str(value)

    def _text(self, at: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            self._say(at, "is needed", "Write the question of the study in one sentence.")
        return str(value)

    def _date(self, at: str, value: Any) -> pd.Timestamp:
        if value is None:
            self._say(at, "is needed", "Give the date of the extracts, as 2025-06-30; it drives the release lag.")
            return pd.Timestamp(dt.date(1900, 1, 1))
        try:
            return pd.Timestamp(value)
        except (ValueError, TypeError):
            self._say(at, "is not a date", "Write it as 2025-06-30.")
            return pd.Timestamp(dt.date(1900, 1, 1))

    def _file(self, at: str, value: Any) -> Path:
        if not isinstance(value, str):
            self._say(at, "is needed", "Give the path of the file, relative to the study file.")
            return self.folder
        data = self.raw.get("data", {})
        if value.startswith("{data}"):
            base = Path(
                os.environ.get(data.get("variable", "COMMONGROUND_DATA"), "") or self.folder / data.get("folder", ".")
            )
            path = base / value.removeprefix("{data}").lstrip("/")
            where = f" The originals: {data['originals']}" if "originals" in data else ""
            advice = f"Set {data.get('variable', 'COMMONGROUND_DATA')} to the folder with the data.{where}"
        else:
            path, advice = self.folder / value, "Correct the path; it is relative to the study file."
        if not path.exists():
            self._say(at, f"names a file that is not there ({Path(value).name})", advice)
        return path
