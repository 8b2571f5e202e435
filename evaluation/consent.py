"""Did the share of reports passed on with consent change: in full, without a name, or not at all?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from evaluation.counts import Checks, Unprinted
from evaluation.proportions import LEAST_FOR_PERCENT, Share, newcombe, say_share, wilson

__all__ = ["ConsentShares", "consent_shares"]

_BRANCHES = {"full": "all details", "anonymous": "details without a name", "none": "nothing"}
_PERIODS = ("before", "after")
_NOT_SHOWN = (
    "More consent is a sign of trust, not of more violence, and less of its loss. It says nothing of people whom the "
    "scheme did not reach, nor why it changed, and takes reports for independent: several reports by one person, or of "
    "one incident, make it too sure."
)


@dataclass(frozen=True, repr=False, eq=False)
class ConsentShares(Unprinted):
    """The three branches of consent before and after, as shares of the reports whose branch is known.

    Attributes
    ----------
    table : DataFrame
        One row a period and branch: x (reports), n (reports with a known branch), share, low, high (Wilson), and
        share_least, share_most if none, or all, of the unknown took this branch. Shares run from 0 to 1, and are
        missing where they would be shares of fewer than 10.
    differences : DataFrame
        One row a branch: difference (share after - before, -1 to 1), low, high (Newcombe), and low_unknown,
        high_unknown, the furthest limits over every branch that the unknown may have taken. Missing below 10.
    unknown : tuple of int
        Reports of unknown branch (before, after).
    level : float
        Confidence level.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    unknown: tuple[int, int]
    level: float

    @property
    def shares(self) -> tuple[Share, Share]:
        """Full consent of known reports, ((x0, n0), (x1, n1)), as `reporting_sensitivity` takes it.

        It is the share reported only where the police hear of these events through the scheme alone, and where the
        unknown are few.
        """
        before, after = (self._of(when, "full") for when in _PERIODS)
        return before, after

    def summary(self) -> str:
        """Say each branch before and after, what the unknown could change, and what it does not show."""
        sentences = [self._branch(branch) for branch in _BRANCHES]
        if any(self.unknown):
            sentences.append(
                f"Of {self.unknown[0]} reports before and {self.unknown[1]} after it is not known; the widest limits "
                "are over every branch that they may have taken."
            )
        return " ".join([*sentences, _NOT_SHOWN])

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table; the differences stay in `.differences`."""
        return self.table.copy()

    def _of(self, when: str, branch: str) -> Share:
        row = self.table[(self.table["period"] == when) & (self.table["branch"] == branch)]
        return float(row["x"].iloc[0]), float(row["n"].iloc[0])

    def _branch(self, branch: str) -> str:
        first, second = (say_share(self._of(when, branch)) for when in _PERIODS)
        said = f"Consent to pass on {_BRANCHES[branch]}: {first} before, {second} after"
        row = self.differences.set_index("branch").to_dict("index")[branch]
        if math.isnan(row["difference"]):
            return f"{said}: too few to compare."
        limits = _points(row["low"], row["high"])
        points = f"{100 * row['difference']:+.0f} points, {100 * self.level:g} % interval {limits}"
        if any(self.unknown):
            points += f"; with the unknown {_points(row['low_unknown'], row['high_unknown'])}"
        if row["low_unknown"] <= 0 <= row["high_unknown"]:
            points += "; whether it changed cannot be told"
        return f"{said} ({points})."


def consent_shares(before: Mapping[str, float], after: Mapping[str, float], *, level: float = 0.95) -> ConsentShares:
    """Compare the branches of consent before and after, each as a binomial share.

    Parameters
    ----------
    before, after : mapping
        Reports to the scheme by consent: "full", "anonymous" and "none", and "unknown" where it was not written down.
    level : float, default 0.95
        Confidence level of each interval on its own.

    Returns
    -------
    ConsentShares
        .table .differences .unknown .shares

    Raises
    ------
    StudyError
        When a branch is missing or unheard of, or a number is not a whole number of at least 0.

    Notes
    -----
    Unknown is a branch of no share: it is left out of n, and bounds each share as if all, or none, had taken that
    branch. Shares are not given of fewer than 10 reports. Fails when several reports are of one person or incident.

    Merseyside gives a 400 % rise in the proportion consenting to share full details (first 18 months of treating these
    crimes as hate crime; government review, 2011): five times the share before, which can have been a fifth at most.
    No counts are published with it, so it has no interval here.

    References
    ----------
    Wilson (1927); Newcombe (1998), Statistics in Medicine 17:873-890, method 10.

    Examples
    --------
    >>> before = {"full": 6, "anonymous": 24, "none": 10}
    >>> found = consent_shares(before, {"full": 30, "anonymous": 16, "none": 4})
    >>> found.differences.round(3)[["branch", "difference", "low", "high"]]
          branch  difference    low   high
    0       full        0.45  0.253  0.597
    1  anonymous       -0.28 -0.457 -0.073
    2       none       -0.17 -0.329 -0.017
    """
    checks = Checks("consent_shares")
    counts = [_counted(checks, when, given) for when, given in zip(_PERIODS, (before, after), strict=True)]
    checks.level(level)
    checks.done()
    table = pd.DataFrame(
        [
            {"period": when, "branch": branch} | _share(given[branch], given, level)
            for when, given in zip(_PERIODS, counts, strict=True)
            for branch in _BRANCHES
        ]
    )
    differences = pd.DataFrame([{"branch": b} | _difference(counts[0], counts[1], b, level) for b in _BRANCHES])
    unknown = int(counts[0]["unknown"]), int(counts[1]["unknown"])
    return ConsentShares(table.astype({"x": int, "n": int}), differences, unknown, level)


def _counted(checks: Checks, when: str, given: Mapping[str, float]) -> dict[str, float]:
    """Return the four counts of a period; 0 unknown where none is given."""
    known = [*_BRANCHES, "unknown"]
    remedy = "Count every report once, by consent; leave out unknown where there is none"
    fits = isinstance(given, Mapping) and set(_BRANCHES) <= set(given) <= set(known)
    if not checks.require(fits, when, "needs full, anonymous and none, and may have unknown", remedy):
        return {}
    values = checks.numbers(when, [given.get(name, 0) for name in known], len(known), positive=False)
    whole = all(math.isnan(value) or value.is_integer() for value in values)
    checks.require(whole, when, "needs whole counts", "Pass reports, not shares")
    return dict(zip(known, values, strict=True))


def _known(given: Mapping[str, float]) -> float:
    return sum(given[branch] for branch in _BRANCHES)


def _share(x: float, given: Mapping[str, float], level: float) -> dict[str, float]:
    n, unknown = _known(given), given["unknown"]
    share, low, high = wilson((x, n), level) if n >= LEAST_FOR_PERCENT else (math.nan,) * 3
    everybody = n + unknown if n + unknown >= LEAST_FOR_PERCENT else math.nan
    bounds = {"share_least": x / everybody, "share_most": (x + unknown) / everybody}
    return {"x": x, "n": n, "share": share, "low": low, "high": high} | bounds


def _difference(before: Mapping[str, float], after: Mapping[str, float], branch: str, level: float) -> dict[str, float]:
    """Return the change of one branch; the furthest limits are at the ends, as each moves one way with each count."""
    names = ("difference", "low", "high", "low_unknown", "high_unknown")
    if min(_known(before), _known(after)) < LEAST_FOR_PERCENT:
        return dict.fromkeys(names, math.nan)
    first, second = ((given[branch], _known(given)) for given in (before, after))
    none, everybody = (
        [(x + given["unknown"] * taken, n + given["unknown"]) for (x, n), given in ((first, before), (second, after))]
        for taken in (0, 1)
    )
    widest = newcombe(everybody[0], none[1], level)[1], newcombe(none[0], everybody[1], level)[2]
    return dict(zip(names, (*newcombe(first, second, level), *widest), strict=True))


def _points(low: float, high: float) -> str:
    return f"{100 * low:+.0f} to {100 * high:+.0f}"
