"""How is the grid run, in any order, in pieces, and always with the same numbers?"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module, metadata
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.calibration.contenders import LEVEL, PARTS, Answers
from benchmarks.calibration.grid import TUNED, UNTUNED, Cell
from benchmarks.calibration.processes import draw

__all__ = ["HALVED", "Run", "Task", "finished", "make", "run", "tasks"]

Array = npt.NDArray[np.float64]
Found = dict[str, int]

HALVED = 0.5
_KEY_WORDS = 4
# The code that decides the numbers: a file of results is only continued by the same.
_MODULES = (
    *(f"evaluation.{name}" for name in ("changes", "months", "panels", "rates", "shifts")),
    *(f"evaluation.headline.{name}" for name in ("curves", "eligibility", "inversion", "judgement", "volatility")),
    *(f"benchmarks.calibration.{name}" for name in ("contenders", "grid", "processes")),
)


@dataclass(frozen=True)
class Run:
    """How much is simulated.

    Attributes
    ----------
    series : int
        Studies without a change in each cell, for our own test.
    fewer : int
        Studies in each cell for everything else: other tests, the halved rate, intervals.
    seed : int
    """

    series: int = 400
    fewer: int = 100
    seed: int = 5

    @cached_property
    def stamp(self) -> dict[str, str | int]:
        """Return what a line of results must agree on to be of this run."""
        versions = {name: metadata.version(name) for name in ("commonground", "numpy", "scipy", "statsmodels")}
        return {"series": self.series, "fewer": self.fewer, "seed": self.seed, "code": _code(), **versions}


@dataclass(frozen=True)
class Task:
    """One cell and the contenders that are run together on it."""

    cell: Cell
    part: str


def tasks(parts: Iterable[str] = PARTS) -> list[Task]:
    """List what there is to do, what matters most first."""
    return [Task(cell, part) for part in parts for cell in (*TUNED, *UNTUNED)]


def make(task: Task, settings: Run) -> Found:
    """Simulate one cell and count.

    Returns
    -------
    dict
        For each contender: studies answered and alarms without a change ("_n", "_alarms"), the same with the rate
        halved ("_half_n", "_half_alarms"), and alarms then with the cut-off that gives 5 % without a change
        ("_half_adjusted"). For intervals: how many there are and how many hold the truth ("cover_one_n", "cover_one",
        and "cover_half").
    """
    names, answer = PARTS[task.part]
    halved = list(_answers(task.cell, HALVED, answer, settings.fewer, settings.seed))
    if task.part == "intervals":
        return _covered("cover_half", halved)
    unchanged = list(_answers(task.cell, 1.0, answer, settings.series, settings.seed))
    found: Found = {}
    for name in names:
        found |= _counted(name, *(np.array([one[name] for one in group]) for group in (unchanged, halved)))
    return found


def run(todo: list[Task], settings: Run, path: Path, *, processes: int = 2) -> Iterator[int]:
    """Do what is not yet in the file, a line for each task as it ends; yield how many are done.

    Parameters
    ----------
    todo : list of Task
    settings : Run
    path : Path
        A file of JSON lines; made when absent, continued when of the same run. A line cut short is done again.
    processes : int, default 2
        The lines come in the order of `todo` however many there are.
    """
    done = finished(path, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_line(task, found, settings) for task, found in done.items()), encoding="utf-8")
    left = [task for task in todo if task not in done]
    yield len(todo) - len(left)
    with path.open("a", encoding="utf-8") as file:
        results = _made(left, settings, processes)
        for count, (task, found) in enumerate(zip(left, results, strict=True), start=len(todo) - len(left) + 1):
            file.write(_line(task, found, settings))
            file.flush()
            yield count


def finished(path: Path, settings: Run) -> dict[Task, Found]:
    """Read what an earlier run has done.

    Raises
    ------
    ValueError
        When the file is of another run: other sizes, seed, code or versions.
    """
    if not path.exists():
        return {}
    done, stamp = {}, settings.stamp
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break  # the run was stopped while writing
        entry = json.loads(line)
        if entry["stamp"] != stamp:
            raise ValueError(f"{path.name} is of another run; a run is only continued as it began. Move the file away.")
        done[Task(Cell(**entry["cell"]), entry["part"])] = entry["found"]
    return done


def _made(left: list[Task], settings: Run, processes: int) -> Iterator[Found]:
    work = partial(make, settings=settings)
    if processes == 1:
        yield from map(work, left)
        return
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(work, left)


def _answers(
    cell: Cell, ratio: float, answer: Callable[[npt.NDArray[np.int64], int], Answers], studies: int, seed: int
) -> Iterator[Answers]:
    """Answer one study after another; each has a seed of its own, made from the cell's name."""
    digest = hashlib.sha256(f"{cell.name}, ratio {ratio:g}".encode()).digest()
    key = tuple(np.frombuffer(digest, dtype="<u4")[:_KEY_WORDS].tolist())
    for own in np.random.SeedSequence(seed, spawn_key=key).spawn(studies):
        yield answer(draw(cell, ratio, np.random.default_rng(own)), cell.before)


def _counted(name: str, unchanged: Array, halved: Array) -> Found:
    unchanged, halved = unchanged[~np.isnan(unchanged)], halved[~np.isnan(halved)]
    return {
        f"{name}_n": len(unchanged),
        f"{name}_alarms": int((unchanged <= LEVEL).sum()),
        f"{name}_half_n": len(halved),
        f"{name}_half_alarms": int((halved <= LEVEL).sum()),
        f"{name}_half_adjusted": int((halved <= _cut_off(unchanged)).sum()),
    }


def _cut_off(unchanged: Array) -> float:
    """Return the largest p found without a change that at most 5 % of those studies reach; -1 when none is."""
    values, times = np.unique(unchanged, return_counts=True)
    within = values[np.cumsum(times) <= LEVEL * len(unchanged) + 1e-9]
    return float(within[-1]) if within.size else -1.0


def _covered(name: str, answers: list[Answers]) -> Found:
    ends = [(one["low"], one["high"]) for one in answers if not np.isnan(one["low"])]
    return {f"{name}_n": len(ends), name: sum(low <= HALVED <= high for low, high in ends)}


def _line(task: Task, found: Found, settings: Run) -> str:
    entry = {"part": task.part, "cell": vars(task.cell), "found": found, "stamp": settings.stamp}
    return json.dumps(entry) + "\n"


def _code() -> str:
    """Return a short hash of the code that decides the numbers; words and layout do not count."""
    digest = hashlib.sha256()
    for name in _MODULES:
        tree = ast.parse(Path(str(import_module(name).__file__)).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:12]
