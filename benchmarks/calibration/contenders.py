"""What does each test say of one study: ours, and those that people would pick?"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from unittest import mock

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm
from scipy import linalg, special, stats

from evaluation import change_test
from evaluation.changes import ChangeTest
from evaluation.headline.volatility import poisson_fit
from evaluation.months import AFTER, BEFORE, Months

__all__ = [
    "LEVEL",
    "PARTS",
    "Answers",
    "cluster_robust",
    "exact",
    "interval",
    "local_level",
    "newey_west",
    "ours",
    "quasi_poisson",
]

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Answers = dict[str, float]  # p by contender, or low and high; NaN where there is none

LEVEL = 0.05
_LEAST_CLUSTERS = 3
# Parts of the variance of a month's step that a local level may give to the walk, from none to all.
_WALKS: Array = np.concatenate([[0.0], special.expit(np.linspace(-10, 5, 121)), [0.999]])


def ours(counts: Counts, before: int) -> Answers:
    """Run `change_test` without its intervals; the shift p stands beside its p in the same result.

    Parameters
    ----------
    counts : integers, (n, 1 + J)
        The operation area first.
    before : int
        Months before.

    Returns
    -------
    dict
        p of "headline", "flag" (the p where firm, else 1), "shift" and "exact".
    """
    with (
        mock.patch("evaluation.headline.judgement.invert", _no_interval),
        mock.patch("evaluation.changes._if_poisson", _no_exact_interval),
    ):
        result = _change(counts, before)
    flag = result.p if result.firm or result.refused else 1.0
    return {"headline": result.p, "flag": flag, "shift": result.shift_p, "exact": exact(counts, before)}


def interval(counts: Counts, before: int) -> Answers:
    """Run `change_test` for its interval: "low" and "high"."""
    result = _change(counts, before)
    return {"low": result.low, "high": result.high}


def exact(counts: Counts, before: int) -> float:
    """Return the central p of the exact conditional test: binomial alone, Fisher's with comparison areas."""
    n, (t0, t1) = len(counts), _sums(counts[:, 0], before)
    if counts.shape[1] == 1:
        at_most, fewer = special.bdtr([t1, t1 - 1], t0 + t1, (n - before) / n)
    else:
        c0, c1 = _sums(counts[:, 1:].sum(axis=1), before)
        at_most, fewer = stats.hypergeom.cdf([t1, t1 - 1], t0 + t1 + c0 + c1, t1 + c1, t0 + t1)
    return float(min(1.0, 2 * min(at_most, 1 - fewer)))


def quasi_poisson(counts: Counts, before: int) -> float:
    """Judge the step of an interrupted series by Pearson dispersion and t(n - p).

    Poisson regression with a step; without comparison areas one pair of yearly waves, with them log(their sum + .5)
    as offset and no waves. As statsmodels gives it (tested): GLM, scale="X2", use_t=True.
    """
    design, offset = _series_model(counts, before)
    if min(_sums(counts[:, 0], before)) == 0:
        return _by_statsmodels(counts, before, scale="X2", use_t=True)
    step, residuals, fitted, inverse = _fitted(design, offset, counts[:, 0])
    degrees = len(fitted) - design.shape[1]
    error = np.sqrt((residuals**2 / fitted).sum() / degrees * inverse[1, 1])
    return float(2 * special.stdtr(degrees, -abs(step) / error))


def newey_west(counts: Counts, before: int) -> float:
    """Judge the same step by Newey-West errors; lags by the usual rule, 4 (n / 100)^(2/9).

    As statsmodels gives it (tested): GLM, cov_type="HAC", no small-sample correction, normal.
    """
    design, offset = _series_model(counts, before)
    lags = int(4 * (len(counts) / 100) ** (2 / 9))
    if min(_sums(counts[:, 0], before)) == 0:
        return _by_statsmodels(counts, before, cov_type="HAC", cov_kwds={"maxlags": lags})
    step, residuals, _, inverse = _fitted(design, offset, counts[:, 0])
    influence = residuals * (design @ inverse[1])
    variance = influence @ influence
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (influence[lag:] @ influence[:-lag])
    return float(2 * special.ndtr(-abs(step) / np.sqrt(variance)))


def cluster_robust(counts: Counts, before: int) -> float:
    """Judge the operation area's own step in a Poisson panel by errors clustered by area.

    Area effects, a common step, the area's own: its estimate is the log of the relative rate ratio. Its two sums are
    fitted exactly, so that the error comes from the comparison areas alone; with one of them it would be 0, and no p
    is given. As statsmodels gives it (tested): GLM, cov_type="cluster", with its small-sample correction.
    """
    n, areas = counts.shape
    (t0, t1), (c0, c1) = _sums(counts[:, 0], before), _sums(counts[:, 1:].sum(axis=1), before)
    if areas < _LEAST_CLUSTERS or 0 in (t0, c0, c1):
        return np.nan
    if t1 == 0:
        return 0.0  # a step without end, beside errors that do not know of it
    share = c1 / (c0 + c1)
    misses = counts[before:, 1:].sum(axis=0) - counts[:, 1:].sum(axis=0) * share
    correction = areas / (areas - 1) * (n * areas - 1) / (n * areas - areas - 2)
    error = np.sqrt(correction * (misses**2).sum()) / ((c0 + c1) * share * (1 - share))
    return float(2 * special.ndtr(-abs(np.log(t1 / t0) - np.log(c1 / c0)) / error))


def local_level(counts: Counts, before: int) -> float:
    """Forecast log counts by a local level (and the comparison's log sum), fitted before; judge the mean miss after.

    A random walk under independent noise; the walk's part by restricted likelihood, where CausalImpact samples it, and
    the level and the coefficient with a flat prior. Agrees with `UnobservedComponents` of statsmodels (tested), at a
    tenth of its time.
    """
    y, months = np.log(counts[:, 0] + 0.5), np.arange(len(counts))
    design = np.ones((len(counts), 1))
    if counts.shape[1] > 1:
        x = np.log(counts[:, 1:].sum(axis=1) + 0.5)
        design = np.column_stack([design, x - x[:before].mean()])
    walk = np.minimum.outer(months, months).astype(float)
    free = linalg.qr(design[:before])[0][:, design.shape[1] :]
    values, vectors = np.linalg.eigh(free.T @ walk[:before, :before] @ free)
    squares = (vectors.T @ free.T @ y[:before]) ** 2
    # Variances as parts of one: w of the walk's step, 1 - w of the noise.
    each = (1 - _WALKS[:, None]) + _WALKS[:, None] * np.maximum(values, 0)
    scale = (squares / each).mean(axis=1)
    w = _WALKS[np.argmin(len(values) * np.log(scale) + np.log(each).sum(axis=1))]
    together = scale[w == _WALKS][0] * ((1 - w) * np.eye(len(y)) + w * walk)
    # The mean after, predicted linearly without bias from the months before (kriging).
    size, terms = before, design.shape[1]
    system = np.zeros((size + terms, size + terms))
    system[:size, :size], system[:size, size:] = together[:size, :size], design[:size]
    system[size:, :size] = design[:size].T
    wanted = np.concatenate([together[:size, size:].mean(axis=1), design[size:].mean(axis=0)])
    solved = np.linalg.solve(system, wanted)
    miss = y[size:].mean() - solved[:size] @ y[:size]
    variance = together[size:, size:].mean() - solved @ wanted
    return float(2 * special.ndtr(-abs(miss) / np.sqrt(variance)))


def _models(counts: Counts, before: int) -> Answers:
    return {name: _quietly(fit, counts, before) for name, fit in _MODELS.items()}


def _local(counts: Counts, before: int) -> Answers:
    return {"local": _quietly(local_level, counts, before)}


_MODELS = {"quasi": quasi_poisson, "newey": newey_west, "cluster": cluster_robust}
# What is run together, what matters most first: names, and how one study is answered.
PARTS: dict[str, tuple[tuple[str, ...], Callable[[Counts, int], Answers]]] = {
    "ours": (("headline", "flag", "shift", "exact"), ours),
    "models": (tuple(_MODELS), _models),
    "intervals": (("interval",), interval),
    "local": (("local",), _local),
}


def _change(counts: Counts, before: int) -> ChangeTest:
    """Run `change_test` on an array, and what depends on the months alone only once for all studies of a cell.

    The numbers are those of a plain call (tested); it takes a third of the time.
    """
    with (
        mock.patch("evaluation.changes.align", _months),
        mock.patch("evaluation.headline.volatility.np.linalg.eigh", _eigenvectors),
    ):
        return change_test(counts[:, 0], counts[:, 1:], before, level=1 - LEVEL)  # type: ignore[arg-type]


def _no_interval(*_: object, **__: object) -> tuple[float, float]:
    return np.nan, np.nan


def _no_exact_interval(*_: object) -> tuple[float, float, float]:
    return np.nan, np.nan, np.nan


def _months(_: object, treated: Counts, cut: tuple[int, None], *, control: Counts, name: str) -> Months:  # noqa: ARG001
    n, start = len(treated), cut[0]
    months = np.arange(n)
    phase = np.where(months < start, BEFORE, AFTER).astype(np.int64)
    return Months(months, treated.astype(float), control.astype(float), np.ones(n), phase, (start, 0, n - start))


def _eigenvectors(matrix: Array) -> tuple[Array, Array]:
    key = matrix.tobytes()
    if key not in _KEPT:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[key] = _EIGH(matrix)
    return _KEPT[key]


_EIGH = np.linalg.eigh
_KEPT: dict[bytes, tuple[Array, Array]] = {}
_MOST_KEPT = 100


def _sums(counts: Counts, before: int) -> tuple[int, int]:
    return int(counts[:before].sum()), int(counts[before:].sum())


def _series_model(counts: Counts, before: int) -> tuple[Array, Array]:
    """Return the design, with the step in the second column, and the offset of an interrupted series."""
    n, areas = counts.shape
    columns = [np.ones(n), np.arange(n) >= before]
    if areas > 1:
        return np.column_stack(columns).astype(float), np.log(counts[:, 1:].sum(axis=1) + 0.5)
    angle = 2 * np.pi * np.arange(n) / 12
    return np.column_stack([*columns, np.sin(angle), np.cos(angle)]).astype(float), np.zeros(n)


def _fitted(design: Array, offset: Array, counts: Counts) -> tuple[float, Array, Array, Array]:
    """Return the step, residuals, fitted counts and the inverse information of a Poisson regression."""
    coefficients = poisson_fit(design, counts.astype(float), offset=offset)
    fitted: Array = np.exp(design @ coefficients + offset)
    inverse = np.asarray(np.linalg.inv((design.T * fitted) @ design), dtype=np.float64)
    return float(coefficients[1]), counts - fitted, fitted, inverse


def _by_statsmodels(counts: Counts, before: int, **options: object) -> float:
    """Take what statsmodels says where a window has no event and the step has no end."""
    design, offset = _series_model(counts, before)
    model = sm.GLM(counts[:, 0], design, family=sm.families.Poisson(), offset=offset)
    return float(np.asarray(model.fit(**options).pvalues)[1])


def _quietly(fit: Callable[[Counts, int], float], counts: Counts, before: int) -> float:
    """Take what the software answers, as its users would; NaN where it gives up."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return fit(counts, before)
        except (np.linalg.LinAlgError, ValueError):
            return np.nan
