"""What did each known shock do, and what does allowing for it cost the answer?"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.fitting.contrasts import PhaseRatio, log_ratio
from evaluation.fitting.segments import SHOCK, Segments
from evaluation.months import AFTER, BEFORE, DURING

__all__ = ["say_shocks", "shock_table", "term_ratio"]

Array = npt.NDArray[np.float64]

# The lower of the usual marks, 4 and 10; O'Brien (2007), Quality and Quantity 41:673, warns that neither is a reason to
# drop a term, so it is said and nothing more.
_MUCH = 4


def shock_table(parts: Segments, fit: Any, *, level: float) -> pd.DataFrame:
    """Return a row a shock.

    Parameters
    ----------
    parts : Segments
    fit : fitted statsmodels GLM
        Of the terms in `parts`.
    level : float
        Confidence level.

    Returns
    -------
    DataFrame
        Index: shock. Columns: ratio, low, high (rate in its months / rate without it), months, months_during,
        months_after, inflation (variance of the log ratio after / what it would be without this term, 1 or more).
    """
    weights, rows, phase = np.asarray(fit.mu), {}, parts.months.phase
    for name in parts.shocks:
        found = term_ratio(parts, fit, name, level=level)
        touched = parts.terms[name].to_numpy() > 0
        inflation = _variance(parts, weights) / _variance(parts, weights, leave_out=name)
        months = [int((touched & kept).sum()) for kept in (phase >= BEFORE, phase == DURING, phase == AFTER)]
        rows[name.removeprefix(SHOCK)] = [found.ratio, found.low, found.high, *months, inflation]
    columns = ["ratio", "low", "high", "months", "months_during", "months_after", "inflation"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("shock")


def term_ratio(parts: Segments, fit: Any, name: str, *, level: float) -> PhaseRatio:
    """Return the ratio that one term stands for.

    Parameters
    ----------
    parts : Segments
    fit : fitted statsmodels GLM
    name : str
        A column of the terms.
    level : float
        Confidence level.
    """
    contrast = (parts.terms.columns == name).astype(float)
    found = log_ratio(contrast, np.asarray(fit.params), np.asarray(fit.cov_params()), float(fit.df_resid))
    return found.phase(level)


def say_shocks(table: pd.DataFrame) -> list[str]:
    """Say where each declared shock overlaps the operation and what allowing for it costs.

    Parameters
    ----------
    table : DataFrame
        As `shock_table` returns it.
    """
    said = []
    for name, row in table.iterrows():
        overlap = row["months_during"] + row["months_after"]
        months = f"{row['months']:.0f} months, {row['months_during']:.0f} during and {row['months_after']:.0f} after"
        cost = f"allowing for it makes the variance of the log ratio {row['inflation']:.1f} times as large"
        shared = " Where they overlap only the model tells them apart." if overlap else ""
        said.append(f"Declared beside the operation: {name} ({months}); {cost}.{shared}")
        if row["inflation"] > _MUCH:
            said.append(f"The ratio rests on the few months that {name} and the operation do not share.")
    return said


def _variance(parts: Segments, weights: Array, leave_out: str | None = None) -> float:
    """Return the variance of the log ratio after for dispersion 1, perhaps without one term."""
    kept = np.asarray(parts.terms.columns != leave_out)
    terms, contrast = parts.terms.to_numpy()[:, kept], parts.contrast[kept]
    return float(contrast @ np.linalg.solve(terms.T @ (terms * weights[:, None]), contrast))
