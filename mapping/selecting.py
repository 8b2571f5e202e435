"""Which log-linear model does each table choose, without fitting every model to every table?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from commonground.pickles import Exact
from mapping.identifiability import maximum_exists, parameters_identified
from mapping.loglinear import Family, fit_models

__all__ = ["PRICES", "Choices", "best_models", "criterion_prices", "usable_models"]

PRICES = ("bic", "aic")
AT_ONCE = 200  # tables at a time: 32,768 models by 200 tables are 50 MB


@dataclass(frozen=True, repr=False)
class Choices(Exact):
    """Hold the model that each table chooses.

    Parameters
    ----------
    model : array of int, (b,)
        Number of the model; -1 where no model has one best fit.
    unseen : array, (b,)
        Expected people on no list; infinite where there is no model.
    fitted : int
        How many fits it took.
    """

    model: Any
    unseen: Any
    fitted: int

    def __repr__(self) -> str:
        return "Choices(...)"


def criterion_prices(family: Family, counts: Any, select: str) -> Any:
    """Return what each model pays for its parameters in each table, (b, m).

    BIC: log(people observed) a parameter (not log of the number of cells); AIC: 2. A parameter at minus infinity is
    paid for like any other, as the published values for the United Kingdom are.
    """
    size = 1 + len(family.lists) + family.models.sum(axis=1)
    rate = np.log(np.maximum(counts.sum(axis=1), 1.0)) if select == "bic" else np.full(len(counts), 2.0)
    return rate[:, None] * size[None, :]


def usable_models(family: Family, counts: Any, models: Any, attained: Any) -> Any:
    """Say which fitted models have one best fit: whether it exists and whether it is the only one.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (c,)
        People by history.
    models : array of int, (b,)
        Which models were fitted.
    attained : array of bool, (b,)
        Whether the fit already proved that its maximum exists; the linear program is asked about the others.

    Returns
    -------
    array of bool, (b, 2)
        Columns: exists, identified.
    """
    exists = [bool(sure) or maximum_exists(family, counts, int(m)) for m, sure in zip(models, attained, strict=True)]
    identified = parameters_identified(family, np.broadcast_to(counts, (len(exists), len(counts))), models)
    return np.column_stack([exists, identified])


def best_models(family: Family, counts: Any, *, select: str = "bic", first: Any = ()) -> Choices:
    """Choose the model with the least criterion among those with one best fit, for each table.

    The answer is that of fitting every model. A model's likelihood is at most that of any model with one pair more;
    where even that, less what the model pays for its parameters, does not reach the best so far, it is not fitted.

    Parameters
    ----------
    family : Family
        The models.
    counts : array, (b, c)
        People by history, one table a row.
    select : {"bic", "aic"}
        What is least.
    first : sequence of int
        Models to begin with, such as the best of the table that the others were drawn from.

    Returns
    -------
    Choices
        One row a table.
    """
    parts = [_best_of_some(family, counts[i : i + AT_ONCE], select, first) for i in range(0, len(counts), AT_ONCE)]
    models, unseen, fitted = zip(*parts, strict=True)
    return Choices(np.concatenate(models), np.concatenate(unseen), sum(fitted))


class _Search:
    """What is known so far about every model of every table."""

    def __init__(self, family: Family, counts: Any, select: str) -> None:
        shape = (len(counts), len(family.models))
        self.family, self.counts = family, counts
        self.price = criterion_prices(family, counts, select)
        self.least = np.full(shape, -np.inf)  # -2 log-likelihood is at least this
        self.fitted = np.zeros(shape, bool)
        self.sure = np.zeros(shape, bool)
        self.unseen = np.full(shape, np.inf)
        self.reach = np.full(len(counts), np.inf)  # the least criterion of a model that is known to be fine

    def fit(self, tables: Any, models: Any) -> None:
        if not len(tables):
            return
        fits = fit_models(self.family, self.counts[tables], models)
        self.least[tables, models] = -2 * fits.log_likelihood
        self.unseen[tables, models], self.fitted[tables, models] = fits.unseen, True
        self.sure[tables, models] = fits.attained
        fine = fits.attained & parameters_identified(self.family, self.counts[tables], models)
        here = np.where(fine, self.least[tables, models] + self.price[tables, models], np.inf)
        np.minimum.at(self.reach, tables, here)

    def answer(self, table: int) -> tuple[int, float]:
        criterion = np.where(self.fitted[table], self.least[table] + self.price[table], np.inf)
        for model in np.argsort(criterion, kind="stable"):
            if not np.isfinite(criterion[model]):
                break
            sure = self.sure[table, model]
            if usable_models(self.family, self.counts[table], np.array([model]), [sure]).all():
                return int(model), float(self.unseen[table, model])
        return -1, np.inf


def _best_of_some(family: Family, counts: Any, select: str, first: Any) -> tuple[Any, Any, int]:
    found = _Search(family, counts, select)
    tables = np.arange(len(counts))
    for model in first:
        found.fit(tables, np.full(len(tables), model))
    sizes, parents = family.models.sum(axis=1), _parents(family)
    for size in sorted(set(sizes.tolist()), reverse=True):
        here = np.flatnonzero(sizes == size)
        above = np.where(parents[here] >= 0, found.least[:, parents[here]], -np.inf).max(axis=2, initial=-np.inf)
        new = ~found.fitted[:, here]
        found.least[:, here] = np.where(new, above, found.least[:, here])
        worth = new & (found.least[:, here] + found.price[:, here] < found.reach[:, None])
        rows, columns = np.nonzero(worth)
        found.fit(rows, here[columns])
    answers = [found.answer(table) for table in range(len(counts))]
    return np.array([m for m, _ in answers]), np.array([u for _, u in answers]), int(found.fitted.sum())


def _parents(family: Family) -> Any:
    """Return, for each model and pair, the model with that pair more; -1 where it is already there."""
    bits = 2 ** np.arange(family.models.shape[1], dtype=np.int64)
    codes = family.models @ bits
    place = np.full(2 ** len(bits), -1)
    place[codes] = np.arange(len(codes))
    return np.where(family.models, -1, place[codes[:, None] | bits])
