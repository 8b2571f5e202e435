"""Does a model of overlapping lists have one best fit, or none, or many?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import linprog

from mapping.loglinear import Family, empty_pairs, histories_of

__all__ = ["maximum_exists", "parameters_identified"]

LEAST = 1e-6  # of one person: below it the solver's slack is 0 for our purposes, its tolerance being 1e-7


def maximum_exists(family: Family, counts: Any, model: int) -> bool:
    """Say whether the likelihood of a model has a maximum at finite parameters, its empty overlaps apart.

    It has one exactly when some table that is positive in every cell has the same margins as the counts: the largest s
    with X'x = X'y and x >= s in every cell is above 0. It depends on y only through which cells are empty, so that 1
    stands for any number of people.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (c,)
        People by history.
    model : int
        Which model.

    Returns
    -------
    bool

    References
    ----------
    Fienberg and Rinaldo (2012), Annals of Statistics 40:996; Chan, Silverman and Vincent (2021).
    """
    empty = empty_pairs(family, counts[None, :])[0] & family.models[model]
    shape = family.design.shape
    return _exists(
        family.design.tobytes(), shape, family.models[model].tobytes(), empty.tobytes(), (counts > 0).tobytes()
    )


@lru_cache(maxsize=65_536)
def _exists(design: bytes, shape: tuple[int, int], model: bytes, none: bytes, somebody: bytes) -> bool:
    """Do it once for all tables in which the same histories are empty: only that decides whether a maximum exists."""
    on, off, seen = (np.frombuffer(code, dtype=bool) for code in (model, none, somebody))
    X, kept = _reduced(np.frombuffer(design).reshape(shape), on, off)
    y = seen[kept].astype(float)
    # x = z + s with z >= 0, so that X'z + (X'1) s = X'y
    equations = np.column_stack([X.T, X.sum(axis=0)])
    aim = np.r_[np.zeros(len(y)), -1.0]
    found = linprog(aim, A_eq=equations, b_eq=X.T @ y, bounds=(0, None), method="highs")
    return bool(found.status == 0 and -found.fun > LEAST)


def parameters_identified(family: Family, counts: Any, models: Any) -> Any:
    """Say whether the finite parameters of fitted models can be told apart: the design has full column rank.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (b, c)
        People by history, one table a row.
    models : array of int, (b,)
        Which model belongs to each table.

    Returns
    -------
    array of bool, (b,)
        False where the number of people on no list is not determined by the table.
    """
    chosen = family.models[models]
    empty = empty_pairs(family, counts) & chosen
    bits = 2 ** np.arange(chosen.shape[1], dtype=np.int64)
    codes, where = np.unique(np.column_stack([chosen @ bits, empty @ bits]), axis=0, return_inverse=True)
    k = len(family.lists)
    return np.array([_full_rank(k, int(model), int(none)) for model, none in codes], dtype=bool)[where.ravel()]


@lru_cache(maxsize=65_536)
def _full_rank(k: int, model: int, none: int) -> bool:
    """Do it once for a model and the overlaps that are empty, however many tables share them."""
    _, pairs, design = histories_of(k)
    on, off = (np.array([code >> i & 1 for i in range(len(pairs))], dtype=bool) for code in (model, none))
    X, _ = _reduced(design, on, off)
    return bool(np.linalg.matrix_rank(X) == X.shape[1])


def _reduced(design: Any, chosen: Any, empty: Any) -> tuple[Any, Any]:
    """Return the design without empty overlaps that the model has, and which cells are kept."""
    first = design.shape[1] - len(chosen)
    kept = design[:, first:][:, chosen & empty].sum(axis=1) == 0
    return design[kept][:, np.r_[np.ones(first, bool), chosen & ~empty]], kept
