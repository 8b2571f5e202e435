"""What does a study declare of the people whose needs it maps: words for needs, lists of people, groups?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from commonground.errors import StudyError
from commonground.framework import FRAMEWORK
from commonground.periods import Period
from commonground.studyvalues import Section

__all__ = ["PEOPLE_KEYS", "PeopleList", "PeoplePlan", "people_plan"]

PEOPLE_KEYS = ("framework", "statuses", "lists", "lists_window", "independent", "groups")
LIST = ("input", "where", "feeds")
LONGEST_MONTHS = 12  # methods.md, section 3: over longer, people come and go
LISTED = ("contacts", "incidents")  # arrests measure enforcement, not who is there


@dataclass(frozen=True)
class PeopleList:
    """A list of people that is laid beside others, to bound how many there are.

    Parameters
    ----------
    input : str
    where : mapping of column to values
        The part of the input that is meant.
    feeds : tuple of str
        Lists onto which being on this one puts people (referrals, reports passed on).
    """

    input: str
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class PeoplePlan:
    """What a study declares of people and their needs; each may be left out.

    Parameters
    ----------
    framework : mapping of need to local words
        Which of the twelve needs are to be published, in this order, and what the records call them.
    statuses : mapping of 'met', 'unmet' or 'unknown' to local words
    lists : mapping of name to PeopleList
    lists_window : Period or None
        When people were looked for, the same for all lists.
    independent : tuple of str
        Inputs that no service keeps, against which the services' clients are compared.
    groups : str or None
        The category they are compared by, of which everybody has one level.
    """

    framework: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: Mapping[str, PeopleList] = field(default_factory=dict)
    lists_window: Period | None = None
    independent: tuple[str, ...] = ()
    groups: str | None = None

    @property
    def asked(self) -> bool:
        """Whether the study asks anything of people and their needs."""
        return bool(self.framework or self.lists or self.groups)


def people_plan(spec: Section, kinds: Mapping[str, str], categories: Collection[str]) -> PeoplePlan:
    """Return the values of the keys of ``[needs]`` that are about people; all of them may be left out.

    Parameters
    ----------
    spec : Section
    kinds : mapping of input to kind
    categories : collection of str
        Declared under ``[categories]``: the levels of a group are never taken from the records.
    """
    people = tuple(name for name, kind in kinds.items() if kind != "services")
    lists = _lists(spec, tuple(name for name in people if kinds[name] in LISTED))
    window = spec.span("lists_window") if "lists_window" in spec else None
    if lists and "lists_window" not in spec:
        spec.say("lists_window", "is needed beside lists", 'Write lists_window = ["2023-01-01", "2024-01-01"].')
    if window is not None and window.end > window.start + pd.DateOffset(months=LONGEST_MONTHS):
        spec.say("lists_window", f"is longer than {LONGEST_MONTHS} months", "Over longer, people come and go.")
    if window is not None and len(lists) < 2 and spec.findings.clean(f"{spec.at}.lists"):
        spec.say("lists", "needs two lists at least", "How many people there are is read from who is on both.")
    independent = spec.texts("independent", need="Name inputs that no service keeps.") if "independent" in spec else ()
    demand = spec.content.get("demand")
    for name in independent:
        if name not in people or name == demand:
            rest = ", ".join(one for one in people if one != demand) or "none is declared yet"
            spec.say("independent", "names what is no input of people beside the demand", f"Use some of: {rest}.")
    groups = spec.text("groups")
    if groups is not None and (groups not in categories or groups.split("_")[0] != "group"):
        advice = 'Declare its levels under [categories], such as group = ["women", "men"]; none is taken from records.'
        spec.say("groups", "is no declared category of groups", advice)
    if independent and groups is None:
        spec.say("independent", "needs groups to be compared by", 'Write groups = "group".')
    words, statuses = spec.texts_map("framework"), spec.texts_map("statuses")
    _check_words(spec, words, statuses)
    return PeoplePlan(words, statuses, lists, window, tuple(dict.fromkeys(independent)), groups)


def _lists(spec: Section, people: tuple[str, ...]) -> dict[str, PeopleList]:
    inner = spec.table("lists")
    found: dict[str, PeopleList] = {}
    need = "Name the input that the list is taken from."
    for name in inner.content:
        if isinstance(inner.content[name], Mapping):
            own = inner.table(name)
            own.only(LIST)
            feeds = own.text_or_texts("feeds")
            if not set(feeds) <= set(inner.content) - {name}:
                own.say("feeds", "names no other list", f"Use some of: {', '.join(inner.content)}.")
            found[name] = PeopleList(own.word("input", people, need=need), own.texts_map("where"), feeds)
        else:
            found[name] = PeopleList(inner.word(name, people, need=need))
    return found


def _check_words(spec: Section, words: Mapping[str, Any], statuses: Mapping[str, Any]) -> None:
    try:
        FRAMEWORK.extended(words, statuses=statuses)
    except StudyError as error:
        for _, key, rule, advice in error.problems.itertuples(index=False, name=None):
            spec.say(key, rule, advice)
