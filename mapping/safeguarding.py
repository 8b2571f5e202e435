"""Which groups are never counted in a needs map, since they belong on the safeguarding route?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from commonground.errors import Problem, RecordsError

__all__ = ["check_adults", "under_18"]

#: Words that mean under-18s as they stand. "Young people" and "women with children" are not among them.
WORDS = frozenset(
    ("child", "children", "minor", "minors", "juvenile", "juveniles", "underage", "under age", "girls", "boys",
     "child at risk", "children at risk", "adolescents", "teenagers", "looked after children")
)  # fmt: skip
_UNDER = re.compile(r"(?:\bunder\s?|\bu|<\s?)(\d{1,2})(?!\d)")
_RANGE = re.compile(r"(?<!\d)(\d{1,2})\s?(?:to|\u2013|-|\s)\s?(\d{1,2})(?!\d)")
_AGED = re.compile(r"(?:age|aged)\s?(\d{1,2})(?!\d)")
ADULT = 18
RULE = "holds a group of under-18s: they are counted on the safeguarding route only, never estimated and never mapped"
HELP = "Take these rows out of this input and pass them to the safeguarding lead; split age bands at 18."


def under_18(level: str, declared: Collection[str] = ()) -> bool:
    """Say whether a level of a group means people under 18, wholly or in part.

    Parameters
    ----------
    level : str
        Name of a level, in the partner's words.
    declared : collection of str
        Levels that the study declares so, whatever they are called.

    Returns
    -------
    bool
        True for declared levels, for "under 18", "u18", "children" and the like, and for bands of age that begin
        between 0 and 17. Fails on a name that says nothing of age, and on bands open below ("under 25"): such a level
        has to be declared.

    Examples
    --------
    >>> [under_18(level) for level in ("Under-18s", "16-24", "18-24", "women with children", "under 25")]
    [True, True, False, False, False]
    >>> under_18("cohort B", declared=("cohort B",))
    True
    """
    if level in declared:
        return True
    text = re.sub(r"[\s_\u2011-]+", " ", level.strip().casefold())
    if text in WORDS:
        return True
    if any(int(most) <= ADULT for most in _UNDER.findall(text)):
        return True
    ages = [int(low) for low, high in _RANGE.findall(text) if int(low) < int(high) and int(high) >= 10] + [
        int(a) for a in _AGED.findall(text)
    ]
    return any(age < ADULT for age in ages)


def check_adults(groups: Iterable[tuple[str, Iterable[str]]], declared: Collection[str] = ()) -> None:
    """Refuse groups of under-18s.

    Parameters
    ----------
    groups : iterable of (column, levels)
    declared : collection of str
        Levels that the study declares to be under-18s.

    Raises
    ------
    RecordsError
        Naming the columns; never a level or a count.
    """
    wrong = sorted({column for column, levels in groups if any(under_18(str(level), declared) for level in levels)})
    if wrong:
        raise RecordsError(
            "under-18s are not part of a needs map; nothing was counted.",
            [Problem(None, column, RULE, HELP) for column in wrong],
        )
