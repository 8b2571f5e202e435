"""Which log-linear models of overlapping lists are there, and how are many of them fitted at once?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import gammaln

from commonground.pickles import Exact

__all__ = ["Family", "Fits", "empty_pairs", "fit_models", "histories_of", "model_family", "with_unseen"]

AT_ONCE = 4096  # fits a batch: its normal matrices stay below 20 MB
STEPS = 60
FLAT = 1e-10  # half the Newton decrement: how much log-likelihood is left to gain
FARTHEST = 50.0  # log of the largest expected count; beyond it the exponential is of no use
SURELY = 1e3  # no margin of these tables turns a miss into a count more than a few times as large
RIDGE = 1e-12  # relative; keeps a direction that has no finite maximum from stopping the others


@dataclass(frozen=True, repr=False)
class Family(Exact):
    """Hold every model of main effects and pairs of lists, over the cells in which somebody can be seen.

    Parameters
    ----------
    lists : tuple of str
        Names of the k lists.
    cells : array, (c, k)
        One row per history, 0 or 1 per list: the 2**k - 1 that are not empty; `with_unseen` adds the empty one.
    design : array, (c, p)
        Columns: constant, lists, pairs of lists.
    pairs : tuple of (int, int)
        Pairs of lists, in the order of their columns.
    models : array of bool, (m, pairs)
        Which pairs each model has; every model has all lists.
    """

    lists: tuple[str, ...]
    cells: Any
    design: Any
    pairs: tuple[tuple[int, int], ...]
    models: Any

    def __repr__(self) -> str:
        return "Family(...)"

    def name(self, model: int) -> str:
        """Return the pairs of a model in words, or "independence"."""
        found = [
            f"{self.lists[i]}*{self.lists[j]}" for (i, j), on in zip(self.pairs, self.models[model], strict=True) if on
        ]
        return " + ".join(found) or "independence"


@dataclass(frozen=True, repr=False)
class Fits(Exact):
    """Hold one fitted model a row.

    Parameters
    ----------
    log_likelihood : array, (b,)
        Poisson, over the cells kept; the supremum where it is not attained.
    expected : array, (b, c)
        Expected counts; 0 in the cells that were left out.
    unseen : array, (b,)
        Expected number of people on no list.
    attained : array of bool, (b,)
        Whether the last step proves that the maximum is attained.
    """

    log_likelihood: Any
    expected: Any
    unseen: Any
    attained: Any

    def __repr__(self) -> str:
        return "Fits(...)"


def model_family(lists: Sequence[str], *, forced: Sequence[tuple[int, int]] = ()) -> Family:
    """Return every hierarchical model with main effects and any pairs of lists.

    Parameters
    ----------
    lists : sequence of str
        Names of the k lists.
    forced : sequence of (int, int)
        Pairs that every model must have, because one list feeds the other.

    Returns
    -------
    Family
        2**(pairs - forced) models, the smallest first.

    Notes
    -----
    Interactions of three lists are left out: they need people seen on three lists at once, which lists of this kind
    hardly have, they multiply the models (6,893 instead of 1,024 for five lists), and a population that needs them is
    one that the verdict must not call usable. A poor fit of all pair models is caught by the goodness of fit.
    """
    cells, pairs, design = histories_of(len(lists))
    every = np.array(list(itertools.product((False, True), repeat=len(pairs))), dtype=bool)
    needed = [pairs.index((min(pair), max(pair))) for pair in forced]
    models = every[every[:, needed].all(axis=1)]
    models = models[np.argsort(models.sum(axis=1), kind="stable")]
    return Family(lists=tuple(lists), cells=cells, design=design, pairs=pairs, models=models)


@lru_cache(maxsize=16)
def histories_of(k: int) -> tuple[Any, tuple[tuple[int, int], ...], Any]:
    """Return the histories of k lists that are not empty, the pairs of lists and the design."""
    cells = np.array([cell for cell in itertools.product((0.0, 1.0), repeat=k) if any(cell)])
    pairs = tuple(itertools.combinations(range(k), 2))
    design = _design(cells, pairs)
    for array in (cells, design):
        array.setflags(write=False)  # it is shared
    return cells, pairs, design


def with_unseen(family: Family) -> Family:
    """Return the same models over all histories, the empty one first."""
    cells = np.vstack([np.zeros(family.cells.shape[1]), family.cells])
    nobody = np.eye(1, family.design.shape[1])  # the constant alone
    return replace(family, cells=cells, design=np.vstack([nobody, family.design]))


def _design(cells: Any, pairs: Sequence[tuple[int, int]]) -> Any:
    both = [cells[:, i] * cells[:, j] for i, j in pairs]
    return np.column_stack([np.ones(len(cells)), cells, *both])


def fit_models(family: Family, counts: Any, models: Any) -> Fits:
    """Fit models by extended maximum likelihood, all at once.

    Where nobody is on both lists of a pair that is in the model, the likelihood rises for ever as that parameter goes
    to minus infinity: its cells are expected to be empty, and the rest is fitted without them.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (b, c)
        People by history, one table a row; from 0 up, whole or not.
    models : array of int, (b,)
        Which model is fitted to each table.

    Returns
    -------
    Fits
        One row a table.

    Notes
    -----
    Newton's method on the Poisson log-likelihood, which is concave, with the step halved until it does not fall. With
    x = mu (1 + X step), a step solves X'x = X'y exactly; when x is positive in every cell kept it is the point that
    Fienberg and Rinaldo's condition asks for, and the maximum is attained.

    References
    ----------
    Chan, Silverman and Vincent (2021), Journal of the American Statistical Association 116:1297.
    """
    parts = [
        _fit_batch(family, counts[i : i + AT_ONCE], models[i : i + AT_ONCE]) for i in range(0, len(counts), AT_ONCE)
    ]
    return Fits(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def empty_pairs(family: Family, counts: Any) -> Any:
    """Return which pairs of lists nobody is on both of, one table a row."""
    return (counts @ family.design[:, -len(family.pairs) :] == 0) if family.pairs else np.zeros((len(counts), 0), bool)


def _fit_batch(family: Family, y: Any, models: Any) -> tuple[Any, ...]:
    X = family.design
    infinite = family.models[models] & empty_pairs(family, y)
    kept = (infinite.astype(float) @ X[:, -infinite.shape[1] :].T == 0).astype(float)
    used = np.ones((len(y), X.shape[1]))
    used[:, -infinite.shape[1] :] = family.models[models] & ~infinite
    products = (X[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    beta, _ = _step(X, products, kept * (y + 0.5), kept * (y + 0.5) * np.log(y + 0.5), used)
    height = _height(X, beta, y, kept)
    attained, going = np.zeros(len(y), bool), np.arange(len(y))
    for _ in range(STEPS):
        mu = kept[going] * np.exp(np.clip(beta[going] @ X.T, -np.inf, FARTHEST))
        step, gain = _step(X, products, mu, y[going] * kept[going] - mu, used[going])
        attained[going] = _proven(X, mu * (1 + step @ X.T), y[going], kept[going], used[going])
        beta[going], height[going] = _climb(X, beta[going], step, height[going], y[going], kept[going])
        going = going[gain / 2 > FLAT]
        if not len(going):
            break
    expected = kept * np.exp(np.clip(beta @ X.T, -np.inf, FARTHEST))
    constant = gammaln(y + 1).sum(axis=1)
    return height - constant, expected, np.exp(np.minimum(beta[:, 0], FARTHEST)), attained


def _proven(X: Any, point: Any, y: Any, kept: Any, used: Any) -> Any:
    """Say whether a point has the margins of the counts and is positive by far more than it misses them by."""
    missed = np.abs(((y * kept - point) @ X) * used).max(axis=1)
    return np.where(kept > 0, point, np.inf).min(axis=1) > SURELY * missed


def _step(X: Any, products: Any, weight: Any, residual: Any, used: Any) -> tuple[Any, Any]:
    """Return the weighted least-squares step of every table and how steep it is."""
    p = X.shape[1]
    normal = (weight @ products).reshape(-1, p, p) * (used[:, :, None] * used[:, None, :])
    slope = (residual @ X) * used
    diagonal = np.arange(p)
    normal[:, diagonal, diagonal] += (1 - used) + RIDGE * (1 + normal[:, diagonal, diagonal])
    step = np.linalg.solve(normal, slope[:, :, None])[:, :, 0] * used
    return step, (step * slope).sum(axis=1)


def _height(X: Any, beta: Any, y: Any, kept: Any) -> Any:
    eta = beta @ X.T
    return (kept * (y * eta - np.exp(np.clip(eta, -np.inf, FARTHEST)))).sum(axis=1)


def _climb(X: Any, beta: Any, step: Any, height: Any, y: Any, kept: Any) -> tuple[Any, Any]:
    """Take each step, halved until the log-likelihood does not fall."""
    share = np.ones(len(beta))
    for _ in range(30):
        tried = beta + share[:, None] * step
        reached = _height(X, tried, y, kept)
        worse = ~(reached >= height - 1e-9 * (1 + np.abs(height)))
        if not worse.any():
            break
        share[worse] /= 2
    return np.where(worse[:, None], beta, tried), np.where(worse, height, reached)
