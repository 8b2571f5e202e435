"""Which words of a group mean people under 18, who are counted on the safeguarding route and never modelled?"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from mapping.safeguarding import under_18 as is_so_named

__all__ = ["MAJORITY", "group_columns", "has_ages", "under_18", "under_18_rows"]

MAJORITY = 18  # Children Act 1989, section 105
_PARENTS = re.compile(
    r"\b(with|without|has|have|having|no|of|for|expecting) ((any|own|young|dependent|small|\d+) )*child(ren)?\b"
)
_WORDS = re.compile(
    r"\bu\W?1[0-8]s?\b|\b(under|below|less than|younger than)\W+(the age of )?(1[0-8]|eighteen|sixteen)s?\b|"
    r"<\s*1[0-8]s?\b|\bchild(ren)?\b|\bminors?\b|\bjuveniles?\b|\badolescents?\b|\bteen|\byouths?\b|"
    r"\byoung(er)? (people|persons?)\b|\bgirls?\b|\bboys?\b|\bschool"
)
_SAID_AGE = re.compile(r"\bage[sd]?\b\D{0,6}(\d{1,3})\b|\b(\d{1,3})\W*(?:years?|yrs?)\W*old")
_OPEN_BELOW = re.compile(r"\b(under|below|less than|younger than|up to)\b|<|≤|\b(or|and) (under|younger|below)\b")
_NUMBER = re.compile(r"\d{1,3}")


def group_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that say to which group somebody belongs."""
    return [name for name in frame.columns if name == "group" or str(name).startswith("group_")]


def has_ages(frame: pd.DataFrame) -> bool:
    """Say whether a column gives ages."""
    return any(_of_ages(name) for name in group_columns(frame))


def under_18(values: pd.Series[Any], column: str = "group") -> pd.Series[Any]:
    """Say which groups are of under-18s, or of ages that include them.

    Parameters
    ----------
    values : Series of str
        Groups in a partner's words.
    column : str
        Name of the column; in one of ages (group_age) numbers below 18 are ages.

    Returns
    -------
    Series of bool
        False where missing.

    Notes
    -----
    English words only, and rather too many than too few, because nothing is lost by asking: a band such as 16 to 24
    and "young people" are found. Unknown ages are not.

    Examples
    --------
    >>> under_18(pd.Series(["women", "under-18s", "women with children", "aged 16-17"])).tolist()
    [False, True, False, True]
    """
    words = {value: _is_under_18(str(value), _of_ages(column)) for value in values.dropna().unique()}
    return pd.Series([words.get(value, False) for value in values], index=values.index, dtype=bool)


def under_18_rows(frame: pd.DataFrame) -> pd.Series[Any]:
    """Say which rows of records are about somebody who is marked as under 18 in any column of groups."""
    found = pd.Series(False, index=frame.index)
    for name in group_columns(frame):
        found |= under_18(frame[name], name)
    return found


def _of_ages(column: str) -> bool:
    return bool({"age", "ages", "aged"} & set(str(column).lower().split("_")))


def _is_under_18(value: str, age_column: bool) -> bool:
    if is_so_named(value):  # what a needs map refuses is refused here too
        return True
    text = _PARENTS.sub("", value.lower())
    said = _SAID_AGE.search(text)
    if _WORDS.search(text) or (said and int(said.group(1) or said.group(2)) < MAJORITY):
        return True
    number = _NUMBER.search(text) if age_column else None
    return number is not None and (int(number.group()) < MAJORITY or bool(_OPEN_BELOW.search(text)))
