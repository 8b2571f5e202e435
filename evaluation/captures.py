"""Did the share of the scheme's incidents that the police also recorded change, and the other way round?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from scipy import special

from evaluation.counts import Checks, Unprinted, say_interval, say_number
from evaluation.proportions import LEAST_FOR_PERCENT, Share, newcombe, say_share, share_ratio, wilson

__all__ = ["SourceCapture", "capture_counts", "source_capture"]

_PERIODS = ("before", "after")
_COUNTS = ("both", "scheme", "police")
_UNLINKED = ("unlinked_scheme", "unlinked_police")
_OTHER = {"scheme": "police", "police": "scheme"}
_LEAST_OVERLAP = 7  # Robson and Regier (1964): from 7 seen twice, Chapman's bias is negligible at 95 % confidence
_NOT_LINKED = "the two sources are not linked: no key says which of their events are the same"
_NO_OVERLAP = (
    "no event is found in both sources, before or after: either they share no key, or none was seen by both, and the "
    "two cannot be told apart"
)
_FEW = f"fewer than {LEAST_FOR_PERCENT} linked incidents of the scheme before or after"
_NOT_SHOWN = (
    "This is a change of what the police record of what the scheme hears, not of how much happened. It takes the "
    "scheme's incidents to stand for all, before and after; reports that the scheme itself passes on are counted as "
    "recorded by both, so that more consent raises it too."
)
_FLOOR = (
    "It assumes that every common event was found, that the two count the same kinds of events, and that telling one "
    "does not keep people from telling the other; where those who tell one more readily tell the other, as when the "
    "scheme passes reports on, it is too low. So it is a floor at best: no upper limit is given, and two such floors "
    "are not compared."
)


@dataclass(frozen=True, repr=False, eq=False)
class SourceCapture(Unprinted):
    """How much of each source the other saw, before and after.

    Attributes
    ----------
    table : DataFrame
        One row a period and source (`of`): x of its n linked incidents were seen by the other; share, low, high
        (Wilson, 0 to 1), and share_least, share_most over every way the unlinked may match. Missing below 10.
    differences : DataFrame
        One row a source: difference (share after - before), low, high (Newcombe). Missing below 10.
    floors : DataFrame
        One row a period: seen (by either, at least), estimate (Chapman), low (its lower limit), refused (why not).
    rho, rho_low, rho_high : float
        Share of the scheme's incidents that the police also recorded, after / before, and its limits.
    rho_low_unlinked, rho_high_unlinked : float
        The furthest limits over every way the unlinked may match.
    shares : ((x0, m0), (x1, m1)) or None
        What `reporting_sensitivity` takes as shares, of the linked incidents; None where rho cannot be told.
    refused : str or None
        Why rho cannot be told.
    level : float
        Confidence level.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    floors: pd.DataFrame
    rho: float
    rho_low: float
    rho_high: float
    rho_low_unlinked: float
    rho_high_unlinked: float
    shares: tuple[Share, Share] | None
    refused: str | None
    level: float

    def summary(self) -> str:
        """Say the capture of each source by the other, the change of it, the floors and the assumptions."""
        if self.table.empty:
            return f"Cannot tell how the two sources overlap: {self.refused}."
        parts = [self._captured(source) for source in _OTHER]
        if self.refused:
            parts.append(f"Whether the share that reaches the police changed, cannot be told: {self.refused}.")
        else:
            limits = say_interval(self.rho_low, self.rho_high, self.level)
            widest = self.rho_low_unlinked, self.rho_high_unlinked
            said = f"The share of the scheme's incidents that the police recorded changed {say_number(self.rho)} times"
            if widest != (self.rho_low, self.rho_high):
                limits += f"; {say_number(widest[0])} to {say_number(widest[1])} however the unlinked may match"
            covers = "" if widest[0] > 1 or widest[1] < 1 else " Whether it changed at all, cannot be told."
            parts.append(f"{said} ({limits}).{covers}")
        return " ".join([*parts, _NOT_SHOWN, *self._floors()])

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table; `.differences` and `.floors` are tables too."""
        return self.table.copy()

    def _captured(self, source: str) -> str:
        rows = self.table[self.table["of"] == source]
        first, second = (say_share((x, n)) for x, n in zip(rows["x"], rows["n"], strict=True))
        owner = "the scheme's incidents" if source == "scheme" else "police records"
        return f"Of {owner}, the {_OTHER[source]} also had {first} before and {second} after."

    def _floors(self) -> list[str]:
        said = []
        for row in self.floors.to_dict("records"):
            if row["refused"]:
                said.append(f"No estimate of the events {row['period']}: {row['refused']}.")
            else:
                said.append(
                    f"{row['period'].capitalize()}, {row['seen']:,} events were seen by either; Chapman's estimate of "
                    f"those that either could have seen is {say_number(row['estimate'])}, not below "
                    f"{say_number(row['low'])}."
                )
        return [*said, _FLOOR] if self.floors["estimate"].notna().any() else said


def source_capture(
    before: Mapping[str, float | None], after: Mapping[str, float | None], *, level: float = 0.95
) -> SourceCapture:
    """Compare how much of each source's violence the other source saw, before and after.

    Parameters
    ----------
    before, after : mapping
        Incidents seen by "both", only by the "scheme" and only by the "police", from a shared event key (see
        `capture_counts`), with "both" None where there is no such key; and, where some have no key, how many:
        "unlinked_scheme", "unlinked_police".
    level : float, default 0.95
        Confidence level of each interval on its own.

    Returns
    -------
    SourceCapture
        .table .differences .floors .rho .shares .refused

    Raises
    ------
    StudyError
        When a count is missing or unheard of, or not a whole number of at least 0.

    Notes
    -----
    rho = (x1/m1) / (x0/m0), x of the scheme's m linked incidents being recorded by the police; limits as in
    `reporting_sensitivity`, which takes `.shares`. Refused where nothing is linked, where no event is in both in either
    period, and below 10. Up to min(us + s, up + p, us + up) of the unlinked us and up may be the same events.

    Chapman: N = (n1 + 1)(n2 + 1)/(m + 1) - 1 with Seber's variance, and a log-normal lower limit on what is unseen
    (Chao 1989); m is the largest that the unlinked allow. Refused below 7 in both.

    Fails when events are wrongly linked, when the scheme came to reach other people, or when the police's records of
    the scheme's incidents are the scheme's own reports.

    References
    ----------
    Chapman (1951); Robson and Regier (1964); Seber (1970), Biometrika 57; Chao (1989), Biometrics 45; Newcombe (1998).

    Examples
    --------
    >>> found = source_capture({"both": 30, "scheme": 50, "police": 40}, {"both": 15, "scheme": 65, "police": 20})
    >>> f"{found.rho} ({found.rho_low:.2f} to {found.rho_high:.2f})", found.shares
    ('0.5 (0.29 to 0.86)', ((30.0, 80.0), (15.0, 80.0)))
    """
    checks = Checks("source_capture")
    counts = [_counted(checks, when, given) for when, given in zip(_PERIODS, (before, after), strict=True)]
    checks.level(level)
    checks.done()
    refused = _refusal(counts)
    if refused in (_NOT_LINKED, _NO_OVERLAP):
        empty, unknown = pd.DataFrame(), (math.nan,) * 5
        return SourceCapture(empty, empty, empty, *unknown, None, refused, level)
    rows = [
        {"period": when, "of": source, **_captured(given, source, level)}
        for when, given in zip(_PERIODS, counts, strict=True)
        for source in _OTHER
    ]
    differences = pd.DataFrame([{"of": source, **_difference(counts, source, level)} for source in _OTHER])
    floors = pd.DataFrame([{"period": w, **_floor(c, level)} for w, c in zip(_PERIODS, counts, strict=True)])
    shares = None if refused else (_linked(counts[0], "scheme"), _linked(counts[1], "scheme"))
    rho = share_ratio(*shares, level) if shares else (math.nan,) * 3
    widest = _widest(counts, level) if shares else (math.nan,) * 2
    table = pd.DataFrame(rows).astype({"x": int, "n": int})
    return SourceCapture(table, differences, floors, *rho, *widest, shares, refused, level)


def capture_counts(scheme: pd.Series, police: pd.Series) -> dict[str, int]:
    """Count the events of one period in both sources, in one only, and without a key.

    Parameters
    ----------
    scheme, police : Series
        The shared event key of each record; several records with one key are one event. Missing: not linked.

    Returns
    -------
    dict
        both, scheme, police, unlinked_scheme, unlinked_police, as `source_capture` takes them.

    Examples
    --------
    >>> capture_counts(pd.Series(["a", "b", "c", None]), pd.Series(["b", "c", "c", "d"]))
    {'both': 2, 'scheme': 1, 'police': 1, 'unlinked_scheme': 1, 'unlinked_police': 0}
    """
    first, second = (set(keys.dropna()) for keys in (scheme, police))
    found = {"both": first & second, "scheme": first - second, "police": second - first}
    unlinked = {name: int(keys.isna().sum()) for name, keys in zip(_UNLINKED, (scheme, police), strict=True)}
    return {name: len(events) for name, events in found.items()} | unlinked


def _counted(checks: Checks, when: str, given: Mapping[str, float | None]) -> dict[str, float]:
    """Return the five counts of a period; NaN in both where the sources are not linked."""
    names = [*_COUNTS, *_UNLINKED]
    fits = isinstance(given, Mapping) and set(_COUNTS) <= set(given) <= set(names)
    rule = "needs both, scheme and police, and may have unlinked_scheme and unlinked_police"
    if not checks.require(fits, when, rule, "Count with `capture_counts`; both is None without a shared key"):
        return {}
    linked = [name for name in names if given.get(name, 0) is not None or name != "both"]
    values = checks.numbers(when, [given.get(name, 0) for name in linked], len(linked), positive=False)
    whole = all(math.isnan(value) or value.is_integer() for value in values)
    checks.require(whole, when, "needs whole counts", "Pass events, not shares")
    return {"both": math.nan} | dict(zip(linked, values, strict=True))


def _refusal(counts: list[dict[str, float]]) -> str | None:
    both = [given["both"] for given in counts]
    if any(math.isnan(value) for value in both):
        return _NOT_LINKED
    if not any(both):
        return _NO_OVERLAP
    return _FEW if min(_linked(given, "scheme")[1] for given in counts) < LEAST_FOR_PERCENT else None


def _linked(given: Mapping[str, float], source: str) -> Share:
    """Return how many linked incidents of a source the other saw, of how many."""
    return given["both"], given["both"] + given[source]


def _matches(given: Mapping[str, float]) -> float:
    """Return the largest number of further common events: an unlinked one may be any of the other source's."""
    scheme, police = (given[name] for name in _UNLINKED)
    return min(scheme + given["scheme"], police + given["police"], scheme + police)


def _captured(given: Mapping[str, float], source: str, level: float) -> dict[str, float]:
    x, n = _linked(given, source)
    share, low, high = wilson((x, n), level) if n >= LEAST_FOR_PERCENT else (math.nan,) * 3
    everything = n + given[f"unlinked_{source}"]
    everything = everything if everything >= LEAST_FOR_PERCENT else math.nan
    bounds = {"share_least": x / everything, "share_most": (x + _matches(given)) / everything}
    return {"x": x, "n": n, "share": share, "low": low, "high": high} | bounds


def _difference(counts: list[dict[str, float]], source: str, level: float) -> dict[str, float]:
    first, second = (_linked(given, source) for given in counts)
    enough = min(first[1], second[1]) >= LEAST_FOR_PERCENT
    found = newcombe(first, second, level) if enough else (math.nan,) * 3
    return dict(zip(("difference", "low", "high"), found, strict=True))


def _widest(counts: list[dict[str, float]], level: float) -> tuple[float, float]:
    """Return the limits of rho furthest out: where all that can match do in one period, and none in the other."""
    totals = [_linked(given, "scheme")[1] + given["unlinked_scheme"] for given in counts]
    ends = [(given["both"], given["both"] + _matches(given)) for given in counts]
    found = [share_ratio((x0, totals[0]), (x1, totals[1]), level) for x0 in ends[0] for x1 in ends[1]]
    before, after = (_linked(given, "scheme") for given in counts)
    found.append(share_ratio(before, after, level))
    return min(low for _, low, _ in found), max(high for _, _, high in found)


def _floor(given: Mapping[str, float], level: float) -> dict[str, float | int | str]:
    """Return Chapman's estimate of a period, with the most common events that there can be."""
    common = given["both"] + _matches(given)
    first, second = (_linked(given, source)[1] + given[f"unlinked_{source}"] for source in _OTHER)
    seen = first + second - common
    if given["both"] < _LEAST_OVERLAP:
        why = f"fewer than {_LEAST_OVERLAP} were seen by both"
        return {"seen": int(seen), "estimate": math.nan, "low": math.nan, "refused": why}
    estimate = (first + 1) * (second + 1) / (common + 1) - 1
    spread = (first + 1) * (second + 1) * (first - common) * (second - common) / ((common + 1) ** 2 * (common + 2))
    unseen = estimate - seen
    low = seen
    if unseen > 0:
        low += unseen / math.exp(float(special.ndtri((1 + level) / 2)) * math.sqrt(math.log1p(spread / unseen**2)))
    return {"seen": int(seen), "estimate": estimate, "low": low, "refused": ""}
