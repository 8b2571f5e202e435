"""What do the repeat contacts of one list say about people whom that list never met?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from commonground.errors import Problem, RecordsError
from commonground.periods import Period
from commonground.pickles import Exact
from mapping.listed import closure_problems
from mapping.truncated import excess_of_ones, mixture_p, one_inflation_p
from mapping.unseen import METHODS, RepeatEstimate, four_estimates

__all__ = ["RepeatCounts", "RepeatEstimate", "repeat_counts"]

LEAST_REPEATS = 7  # people met again; methods.md asks the same of the overlap of two lists
LEAST_EXPECTED = 5  # Cochran (1954): cells below it make a large-sample test rough
SMALL_P = 0.05
FLOOR, NONE = "floor only", "do not estimate"
ONE_LIST = (
    "These are diagnostics of one list and never the answer. People who would not come to this list at all leave no "
    "trace in it; only lists of other kinds, linked person by person, can say anything of them."
)
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True, repr=False)
class RepeatCounts(Exact):
    """Hold what one list's repeat contacts say, and why that is not an answer.

    Parameters
    ----------
    chao, zelterman, truncated_poisson, one_inflated_chao : RepeatEstimate
        Four estimators of how many people this list could meet.
    n_observed : int
        People met.
    ratios : DataFrame
        Ratio plot: x, ratio (x + 1) f_(x + 1) / f_x, low, high. Flat under one Poisson rate, rising when people
        differ or when there are too many ones.
    one_inflation_p, excess_of_ones : float
        p for more people met once than one rate allows given the others, and how many more.
    heterogeneity_p, heterogeneity_p_without_ones : float
        p for people's rates being different, of all counts and of those from two up.
    refused : dict of str to str
        Why an estimator or a test has no value.
    notes : tuple of str
        What the diagnostics say.
    verdict : {"floor only", "do not estimate"}
        Never better than a floor.
    floor : float
        The lowest lower limit of the two Chao estimators; NaN unless the verdict is "floor only".
    """

    chao: RepeatEstimate
    zelterman: RepeatEstimate
    truncated_poisson: RepeatEstimate
    one_inflated_chao: RepeatEstimate
    n_observed: int
    ratios: pd.DataFrame
    one_inflation_p: float
    excess_of_ones: float
    heterogeneity_p: float
    heterogeneity_p_without_ones: float
    refused: Mapping[str, str]
    notes: tuple[str, ...]
    verdict: str
    floor: float

    def __repr__(self) -> str:
        return "RepeatCounts(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per estimator: method, value, low, high, refused."""
        found = [(name, getattr(self, name)) for name in METHODS]
        rows = [(name, one.value, one.low, one.high, self.refused.get(name, "")) for name, one in found]
        return pd.DataFrame(rows, columns=["method", "value", "low", "high", "refused"])

    def summary(self) -> str:
        """Say what the repeats show, as a floor, and what they cannot show."""
        lines = [f"{self.n_observed:,} people were met; verdict: {self.verdict}."]
        if self.verdict == FLOOR:
            lines.append(f"At least about {self.floor:,.0f} people could be met by this list.")
        lines += [f"{name.replace('_', ' ')}: {why}." for name, why in self.refused.items()]
        return "\n".join([*lines, *self.notes, ONE_LIST])


def repeat_counts(frequencies: Mapping[int, int] | pd.Series[Any], *, window: Period | None = None) -> RepeatCounts:
    """Read one list's repeat contacts: four estimators, and the signs by which none of them can be trusted.

    Chao: n + f1^2 / (2 f2), a lower bound when people differ. Zelterman: n / (1 - exp(-2 f2 / f1)). Truncated Poisson:
    n / (1 - exp(-rate)). One-inflated Chao: n + (2/9) f2^3 / f3^2, a lower bound also when some come once and never
    again.

    Parameters
    ----------
    frequencies : mapping or Series
        {1: f1, 2: f2, ...}: how many people were met once, twice, ... in one closed window.
    window : Period, optional
        The window; over 12 months it is refused, because people come and go.

    Returns
    -------
    RepeatCounts

    Raises
    ------
    RecordsError
        Numbers of times that are not whole and above 0, people that are not whole and from 0 up, nobody at all, or a
        window longer than 12 months.

    Notes
    -----
    Intervals: Chao and one-inflated Chao on the log of the unseen (Chao 1987), with the variance by the delta method;
    Zelterman (Böhning 2008) and truncated Poisson (van der Heijden et al. 2003) symmetric. All assume a closed
    population, independent contacts and correct linkage: a missed link makes a one out of a two, and all four too high.
    A service that asks people back makes them too low.

    References
    ----------
    Chao (1987), Biometrics 43:783; Zelterman (1988), Journal of Statistical Planning and Inference 18:225; van der
    Heijden, Cruyff and van Houwelingen (2003), Statistica Neerlandica 57:289; Böhning (2008), Statistical Methodology
    5:410; Böhning, Kaskasamkul and van der Heijden (2019), Metrika 82:361.

    Examples
    --------
    >>> found = repeat_counts({1: 1645, 2: 183, 3: 37, 4: 13, 5: 1, 6: 1})
    >>> round(found.chao.value, 1), round(found.one_inflated_chao.value, 1), found.verdict
    (9273.5, 2874.8, 'floor only')
    """
    counts, people = _checked(frequencies, window)
    found, refused = four_estimates(counts, people)
    f = dict(zip(counts.tolist(), people.tolist(), strict=True))
    again, thrice = float(people[counts > 1].sum()), float(people[counts > 2].sum())
    one_p, all_p, rest_p = math.nan, math.nan, math.nan
    if again >= LEAST_EXPECTED:
        all_p = mixture_p(counts, people, 1)
    else:
        refused["heterogeneity"] = f"fewer than {LEAST_EXPECTED} people were met again"
    if thrice >= LEAST_EXPECTED:
        one_p, rest_p = one_inflation_p(counts, people), mixture_p(counts[counts > 1], people[counts > 1], 2)
    else:
        refused["one_inflation"] = f"fewer than {LEAST_EXPECTED} people were met three times or more"
    lows = [found[name].low for name in ("chao", "one_inflated_chao") if name not in refused]
    fine = again >= LEAST_REPEATS and bool(lows) and f.get(1, 0) > 0
    return RepeatCounts(
        **found,
        n_observed=int(people.sum()),
        ratios=_ratio_plot(f),
        one_inflation_p=one_p,
        excess_of_ones=excess_of_ones(counts, people),
        heterogeneity_p=all_p,
        heterogeneity_p_without_ones=rest_p,
        refused=refused,
        notes=_signs(f, again, (one_p, all_p, rest_p), window),
        verdict=FLOOR if fine else NONE,
        floor=min(lows) if fine else math.nan,
    )


def _checked(frequencies: Any, window: Period | None) -> tuple[Any, Any]:
    """Return counts and people as arrays, the smallest count first and nobody's left out."""
    if not isinstance(frequencies, Mapping | pd.Series):
        advice = "Pass {1: people met once, 2: people met twice, ...}."
        wrong = Problem(None, "`frequencies`", "a mapping or Series of people by number of times is needed", advice)
        raise RecordsError("the repeat contacts cannot be read", [wrong])
    table = pd.Series(dict(frequencies), dtype=object)
    times = pd.to_numeric(pd.Series(table.index, dtype=object), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    people = pd.to_numeric(table, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    problems = []
    if not (np.isfinite(times) & (times >= 1) & (times % 1 == 0)).all() or len(np.unique(times)) < len(times):
        rule = "whole numbers of times from 1 up are needed, each once"
        problems.append(Problem(None, "`frequencies`", rule, "Nobody met 0 times can be counted: leave 0 out."))
    if not (np.isfinite(people) & (people >= 0) & (people % 1 == 0)).all():
        rule = "whole numbers of people from 0 up are needed"
        problems.append(Problem(None, "`frequencies`", rule, "Pass {1: people met once, 2: people met twice, ...}."))
    elif not people.sum() > 0:
        problems.append(Problem(None, "`frequencies`", "somebody must have been met", "Give a list with people in it."))
    problems += closure_problems(window) if window is not None else []
    if problems:
        raise RecordsError("the repeat contacts cannot be read", problems)
    order = np.argsort(times)
    kept = order[people[order] > 0]
    return times[kept].astype(int), people[kept]


def _ratio_plot(f: Mapping[int, float]) -> pd.DataFrame:
    rows = []
    for x in [x for x in f if x + 1 in f]:
        ratio, error = (x + 1) * f[x + 1] / f[x], math.exp(_Z * math.sqrt(1 / f[x] + 1 / f[x + 1]))
        rows.append((x, ratio, ratio / error, ratio * error))
    return pd.DataFrame(rows, columns=["x", "ratio", "low", "high"])


def _signs(
    f: Mapping[int, float], again: float, p: tuple[float, float, float], window: Period | None
) -> tuple[str, ...]:
    one, every, rest = p
    notes = [] if window is not None else ["No window was given: the counts must come from at most 12 months."]
    if not f.get(1, 0.0):
        notes.append(
            "Nobody was met just once: the list may leave such people out, and then it says nothing of the unseen."
        )
    if again < LEAST_REPEATS:
        notes.append(f"Fewer than {LEAST_REPEATS} people were met again: that is too few for any number.")
    if one <= SMALL_P:
        differ = "people differ, as the counts from two up do too; how many came once and never again cannot be told"
        once = "some come once and never again, or links between contacts were missed"
        notes.append(
            f"More people were met once than one rate allows: {differ if rest <= SMALL_P else once}. Chao, Zelterman "
            "and the truncated Poisson may be too high."
        )
    elif every <= SMALL_P:
        notes.append("People are met at different rates: Chao is a floor, and the truncated Poisson is too low.")
    elif not math.isnan(every):
        notes.append("One rate for all is not contradicted. With few repeats that shows little.")
    return tuple(notes)
