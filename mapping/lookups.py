"""Which old areas make up which new ones, according to a published table?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from commonground.errors import Problem, RecordsError
from commonground.pickles import Exact

__all__ = ["Lookup", "read_lookup"]

REFUSED = "the lookup cannot be used"
#: Column names of the Office for National Statistics: LSOA11CD, MSOA21CD, OA21CD; CHGIND or CHNGIND.
_CODES, _CHANGE = re.compile(r"^[A-Z]+(\d\d)CD$"), re.compile(r"^CHN?GIND$")
#: What the change indicator says: unchanged, split, merged, complex ("like for like comparisons are not possible").
UNCHANGED, SPLIT, MERGED, COMPLEX = "U", "S", "M", "X"


@dataclass(frozen=True, repr=False, eq=False)
class Lookup(Exact):
    """Hold which source areas make up which target areas; public codes, no counts.

    Parameters
    ----------
    pairs : DataFrame
        Columns source, target (codes), change (U, S, M or X; worked out from the pairs where the table has none).
    fit : {"exact", "best"}
        Whether areas fit as the table says, or each was given to the one it fits best.
    """

    pairs: pd.DataFrame
    fit: Literal["exact", "best"]

    def __repr__(self) -> str:
        return "Lookup(...; see .pairs)"


def read_lookup(
    table: pd.DataFrame,
    *,
    source: str | None = None,
    target: str | None = None,
    change: str | None = None,
    fit: Literal["exact", "best"] = "exact",
) -> Lookup:
    """Check a table of old and new codes, such as the one from LSOA 2011 to LSOA 2021.

    Parameters
    ----------
    table : DataFrame
        One row for every pair of a source and a target area that share ground (exact fit), or for every source area
        (best fit).
    source, target, change : str, optional
        Columns. By default those that the Office for National Statistics writes: the codes of the older and of the
        newer year (LSOA11CD, LSOA21CD), and CHGIND or CHNGIND.
    fit : {"exact", "best"}
        A best-fit table gives each source whole to one target, though some of its people may live in another.

    Returns
    -------
    Lookup

    Raises
    ------
    RecordsError
        Columns missing, missing codes, a pair given twice, an unknown change, or pairs that contradict their change:
        a split area with one new area only has lost a row, and with it people.

    Notes
    -----
    U: one to one. S: one source, several targets that hold nothing else. M: several sources, each in one target. X:
    anything else; the shares are not known from the table.

    References
    ----------
    Office for National Statistics (2023), LSOA (2011) to LSOA (2021) exact fit lookup for England and Wales, version 2.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"LSOA11CD": ["E1", "E1"], "LSOA21CD": ["E2", "E3"], "CHGIND": ["S", "S"]})
    >>> read_lookup(table).pairs["target"].tolist()
    ['E2', 'E3']
    """
    source, target, change = _columns(table, source, target, change)
    pairs = pd.DataFrame({"source": table[source].astype(object), "target": table[target].astype(object)})
    pairs = pairs.reset_index(drop=True)
    worked_out = _changes(pairs)
    pairs["change"] = worked_out if change is None else table[change].astype(object).to_numpy()
    problems = []
    for name, column in (("source", source), ("target", target)):
        rows = np.flatnonzero(pairs[name].isna())
        problems += [Problem(int(row) + 1, column, "a code is needed", "complete the table") for row in rows]
    twice = np.flatnonzero(pairs.duplicated(["source", "target"]) & pairs[["source", "target"]].notna().all(axis=1))
    problems += [Problem(int(row) + 1, target, "each pair once is needed", "drop the repeated row") for row in twice]
    if change is not None and not problems:
        problems = _contradictions(pairs, worked_out, change)
    if fit == "best" and not problems and pairs["source"].duplicated().any():
        problems = [Problem(None, source, "one row a source is needed of a best-fit table", "or pass fit='exact'")]
    if problems:
        raise RecordsError(REFUSED, problems)
    return Lookup(pairs, fit)


def _columns(
    table: pd.DataFrame, source: str | None, target: str | None, change: str | None
) -> tuple[str, str, str | None]:
    years = {str(name): match[1] for name in table.columns if (match := _CODES.match(str(name)))}
    areas = {name: year for name, year in years.items() if not name.startswith("LAD")}  # districts stand beside them
    ordered = sorted(areas, key=lambda name: areas[name])
    if source is None and target is None and len(ordered) == 2 and len(set(areas.values())) == 2:
        source, target = ordered
    found = [str(name) for name in table.columns if _CHANGE.match(str(name))]
    change = change or (found[0] if found else None)
    missing = [name for name in (source, target, change) if name is not None and name not in table.columns]
    if source is None or target is None or missing:
        what = "columns of source and target codes are needed"
        raise RecordsError(REFUSED, [Problem(None, "`lookup`", what, "name them with source=... and target=...")])
    return source, target, change


def _changes(pairs: pd.DataFrame) -> pd.Series[Any]:
    """Work out the change of each pair from how many partners each side has."""
    targets = pairs.groupby("source")["target"].transform("size")
    sources = pairs.groupby("target")["source"].transform("size")
    alone = targets.groupby(pairs["target"]).transform("max")  # of the target's sources, does any go elsewhere too?
    whole = sources.groupby(pairs["source"]).transform("max")  # of the source's targets, does any hold others too?
    kinds = [(targets == 1) & (sources == 1), (targets > 1) & (whole == 1), (sources > 1) & (alone == 1)]
    found = np.select([kind.fillna(False).to_numpy(dtype=bool) for kind in kinds], [UNCHANGED, SPLIT, MERGED], COMPLEX)
    return pd.Series(found, index=pairs.index, dtype=object)


def _contradictions(pairs: pd.DataFrame, worked_out: pd.Series[Any], column: str) -> list[Problem]:
    said = pairs["change"]
    strange = ~said.isin([UNCHANGED, SPLIT, MERGED, COMPLEX])
    problems = [
        Problem(int(row) + 1, column, "U, S, M or X is needed", "correct it") for row in np.flatnonzero(strange)
    ]
    wrong = ~strange & (said != COMPLEX) & (said != worked_out)
    help_ = "the table has lost or gained rows: bring the whole one"
    return problems + [
        Problem(int(row) + 1, column, "pairs that fit their change are needed", help_) for row in np.flatnonzero(wrong)
    ]
