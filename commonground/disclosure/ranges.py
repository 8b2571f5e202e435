"""How may a range of how many people there are be published, although it rests on exact overlaps of lists?"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from commonground.disclosure.ledger import Ledger
from commonground.disclosure.policy import profile_named
from commonground.disclosure.protected import check_seal, seal
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.pickles import Exact, Published

__all__ = ["Estimated", "PublishedRange", "publish_range"]

LEAST_OVERLAP = 20  # gate.md, step 13
NAME = "population size"  # no outcome is called so: the names of outcomes hold no spaces
DIGITS, POINTS = 2, 5
USABLE, FLOOR = "usable", "floor only"
VERDICTS = (USABLE, FLOOR, "do not estimate")
TOO_FEW = (
    "Too few people are on two of the lists, or the lists cannot be laid beside each other, so nothing is published of "
    "how many people there are."
)
REDEFINED = "Published before from other lists or another window, which stands; nothing else is published beside it."
TOO_RECENT = "The window of the lists ended too recently; nothing is published yet of how many people there are."


@dataclass(frozen=True, repr=False)
class Estimated(Exact):
    """Hold what an estimate of how many people there are says, before the gate.

    Parameters
    ----------
    low, high : float
        People; high may be infinite, both NaN where nothing may be estimated.
    verdict : {'usable', 'floor only', 'do not estimate'}
    least_overlap : int
        People on both lists of the pair that shares fewest, of those used.
    share : (float, float)
        Range of the share of all people that services reach, 0 to 1; NaN where there is none.
    """

    low: float
    high: float
    verdict: str
    least_overlap: int
    share: tuple[float, float] = (math.nan, math.nan)

    def __repr__(self) -> str:
        return "Estimated(...)"


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PublishedRange(Published):
    """Hold a range of people and its verdict, rounded outwards; never one number.

    Only `publish_range` makes one: it cannot be built, or copied with other contents, by hand.

    Parameters
    ----------
    low, high : int or None
        People, at 2 significant digits, the low end rounded down and the high end up; None where there is none.
    share_low, share_high : int or None
        Per cent of all people that services reach, outwards to the next 5.
    verdict : str
        Empty when withheld.
    withheld : str
        Why nothing is published, where nothing is.
    window : Period
        When people were looked for.
    in_ledger : bool
    ledger : Path or None
    """

    released: ClassVar[bool] = True

    low: int | None = field(repr=False)
    high: int | None = field(repr=False)
    share_low: int | None = field(repr=False)
    share_high: int | None = field(repr=False)
    verdict: str
    withheld: str
    window: Period
    in_ledger: bool
    ledger: Path | None = field(default=None, repr=False)
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)

    def __repr__(self) -> str:
        return "PublishedRange(...; call .summary())"

    def to_frame(self) -> pd.DataFrame:
        """Return what, low, high: people in all, and the share of them that services reach; no row when withheld."""
        rows = [("people in all", self.low, self.high), ("share reached, per cent", self.share_low, self.share_high)]
        rows = [row for row in rows if row[1] is not None]
        return pd.DataFrame(rows, columns=["what", "low", "high"]).astype({"low": "Int64", "high": "Int64"})

    def summary(self) -> str:
        """Say the range and its verdict, or why there is none."""
        if self.withheld:
            return self.withheld
        if self.low is None:
            return "These lists do not allow an estimate of how many people there are."
        if self.high is None:
            said = (
                f"There were at least {self.low:,} people, if no list keeps people off another. No upper end is known."
            )
        else:
            said = f"There were {self.low:,} to {self.high:,} people, if the lists are as the study declares them."
        if self.share_low is None:
            return said
        share = f"{self.share_low} to {self.share_high} %" if self.share_low else f"at most {self.share_high} %"
        return f"{said} The services on these lists met {share} of them."


def publish_range(
    estimated: Estimated,
    declared: Mapping[str, Any],
    *,
    window: Period,
    book: Ledger,
    profile: str = "partner",
    as_of: pd.Timestamp,
) -> PublishedRange:
    """Round an estimate outwards to what may be published, once, and keep it in the ledger.

    Parameters
    ----------
    estimated : Estimated
    declared : mapping
        What makes it the same estimate: the lists, their parts and roles.
    window : Period
    book : Ledger
        In which it is kept; a later run repeats what stands there, whatever records came since.
    profile : {'partner', 'public'}
    as_of : Timestamp
        Of the release, for the lag.

    Returns
    -------
    PublishedRange
        Nothing at all where an overlap is below 20; that stands, too.

    Raises
    ------
    CommonGroundError
        For the open profile, and for ends or a verdict that are none.

    Notes
    -----
    Range and verdict only (gate.md, step 13). Two estimates from different lists could be subtracted, so there is one
    for ever. Rounded outwards, so that the published range holds the exact one. It fails to protect a list of which
    somebody knows all people but one; the overlap rule and 2 digits leave that person's effect below the rounding only
    as a rule.
    """
    rules = profile_named(profile)
    if not rules.k:
        raise CommonGroundError("published statistics name nobody, so no lists can be laid beside each other.")
    _check(estimated)
    definition = _definition(declared, window)
    known = book.find_evaluation(NAME)
    if known is not None and known["definition"] != definition:
        return _sealed({}, REDEFINED, window, book)
    if window.end + pd.DateOffset(months=rules.lag_months) > as_of:
        return _sealed({}, TOO_RECENT, window, book)
    if known is None:
        row = {} if estimated.least_overlap < LEAST_OVERLAP else _rounded(estimated)
        book.write_evaluation(NAME, definition, row)
    else:
        row = known["row"]
    return _sealed(row, "" if row else TOO_FEW, window, book)


def _check(estimated: Estimated) -> None:
    low, high = estimated.low, estimated.high
    ends = {
        USABLE: 0 <= low <= high < math.inf,
        FLOOR: 0 <= low < math.inf,
    }
    if estimated.verdict not in VERDICTS or not ends.get(estimated.verdict, True):
        raise CommonGroundError(
            f"a range of people has a verdict ({', '.join(VERDICTS)}) and ends from 0 up, low before high; pass what "
            "mapping.population.population_size returns."
        )


def _definition(declared: Mapping[str, Any], window: Period) -> str:
    text = json.dumps([declared, str(window)], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


def _rounded(estimated: Estimated) -> dict[str, Any]:
    row: dict[str, Any] = {"verdict": estimated.verdict}
    if estimated.verdict in (USABLE, FLOOR):
        row["low"] = _outwards(estimated.low, math.floor)
        least, most = (100 * end / POINTS for end in estimated.share)
        if not (math.isnan(least) or math.isnan(most)):
            row["share_low"] = POINTS * math.floor(least)
            row["share_high"] = min(100, POINTS * math.ceil(most))
    if estimated.verdict == USABLE:
        row["high"] = _outwards(estimated.high, math.ceil)
    return row


def _outwards(people: float, end: Any) -> int:
    """Return the next number at 2 significant digits, below 100 the next multiple of 5, down or up."""
    if people < 10**DIGITS:
        return int(POINTS * end(people / POINTS))  # two digits would be exact here
    scale = 10 ** (math.floor(math.log10(people)) - DIGITS + 1)
    return int(end(people / scale) * scale)


def _sealed(row: Mapping[str, Any], withheld: str, window: Period, book: Ledger) -> PublishedRange:
    return PublishedRange(
        low=row.get("low"),
        high=row.get("high"),
        share_low=row.get("share_low"),
        share_high=row.get("share_high"),
        verdict=str(row.get("verdict", "")),
        withheld=withheld,
        window=window,
        in_ledger=True,
        ledger=book.path,
        seal=seal(),
    )
