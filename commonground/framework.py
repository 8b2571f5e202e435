"""Which need does a local word name, and at which stage of support does it stand?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from commonground.errors import Problem, StudyError

__all__ = ["FRAMEWORK", "NEEDS", "STAGES", "STATUSES", "Framework"]

#: The twelve needs of the government's review of effective practice (2011), which ends its list with "exiting and
#: aftercare": two needs, since help after leaving is asked for by other people than help to leave.
NEEDS = (
    "safety", "outreach", "drop-in", "health", "domestic violence", "housing", "benefits", "alcohol and drugs",
    "employment and training", "criminal justice", "exiting", "aftercare",
)  # fmt: skip
STAGES = ("trust", "preparing", "action")
STATUSES = ("met", "unmet", "unknown")

# First contact builds trust; then lives are made safe and steady; then they are changed. A declaration, not a finding:
# a study that sees it otherwise says so (`Framework.extended`).
_STAGE = {
    "safety": "trust", "outreach": "trust", "drop-in": "trust",
    "health": "preparing", "domestic violence": "preparing", "housing": "preparing", "benefits": "preparing",
    "alcohol and drugs": "preparing", "criminal justice": "preparing",
    "employment and training": "action", "exiting": "action", "aftercare": "action",
}  # fmt: skip
Words = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Framework:
    """How a partner's words are read: needs, whether they are met, stages of support, and who is under 18.

    Parameters
    ----------
    words : mapping of local word to need
    statuses : mapping of local word to 'met', 'unmet' or 'unknown'
    stages : mapping of need to stage
    modes : mapping of a local word for how somebody was met to stage
        Empty by default: how people are met says nothing of a stage until a study declares it.
    under_18 : tuple of str
        Levels of a group that are under-18s, beside those whose names say so (`mapping.safeguarding`).

    Notes
    -----
    Words are compared without regard to capitals, spaces, hyphens and underscores. A word that is not declared is "not
    in the framework": it is listed and never guessed.
    """

    words: Mapping[str, str] = field(default_factory=lambda: {_plain(need): need for need in NEEDS})
    statuses: Mapping[str, str] = field(default_factory=lambda: {status: status for status in STATUSES})
    stages: Mapping[str, str] = field(default_factory=lambda: dict(_STAGE))
    modes: Mapping[str, str] = field(default_factory=dict)
    under_18: tuple[str, ...] = ()

    def need(self, word: str) -> str | None:
        """Return the need that a local word names, or None when it is not in the framework."""
        return self.words.get(_plain(word))

    def status(self, word: str) -> str | None:
        """Return met, unmet or unknown, or None for a word that is not declared (it counts as unknown)."""
        return self.statuses.get(_plain(word))

    def stage_of_mode(self, word: str) -> str | None:
        """Return the stage that a way of meeting people stands for, or None."""
        return self.modes.get(_plain(word))

    def extended(
        self,
        words: Words | None = None,
        *,
        statuses: Words | None = None,
        stages: Words | None = None,
        modes: Words | None = None,
        under_18: Iterable[str] = (),
    ) -> Framework:
        """Return the framework with a study's own words added.

        Parameters
        ----------
        words : mapping of need to local word or words
            As ``{"health": ["GP", "sexual health"]}``: {ours: theirs}.
        statuses : mapping of status to local word or words
        stages : mapping of stage to need or needs
            In place of the declared stages of these needs.
        modes : mapping of stage to local word or words
        under_18 : iterable of str

        Raises
        ------
        StudyError
            With every key that is none of ours and every word given to two; in ``.problems``.

        Examples
        --------
        >>> ours = FRAMEWORK.extended({"health": ["GP", "Sexual health"]}, statuses={"met": "resolved"})
        >>> ours.need("sexual  HEALTH"), ours.status("Resolved"), ours.need("pets")
        ('health', 'met', None)
        """
        problems: list[Problem] = []
        made = replace(
            self,
            words=_joined("framework", self.words, words, NEEDS, problems),
            statuses=_joined("statuses", self.statuses, statuses, STATUSES, problems),
            modes=_joined("modes", self.modes, modes, STAGES, problems),
            stages=self._staged(stages, problems),
            under_18=(*self.under_18, *under_18),
        )
        if problems:
            raise StudyError("the needs framework cannot be used as it is declared.", problems)
        return made

    def _staged(self, stages: Words | None, problems: list[Problem]) -> dict[str, str]:
        said = _joined("stages", {}, stages, STAGES, problems)
        own = {_plain(need): need for need in NEEDS}
        problems += [
            Problem(None, "stages", f"{word!r} is none of the twelve needs", f"Use one of: {', '.join(NEEDS)}.")
            for word in said
            if word not in own
        ]
        return {**self.stages, **{own[word]: stage for word, stage in said.items() if word in own}}


def _joined(
    key: str, known: Mapping[str, str], added: Words | None, ours: Sequence[str], problems: list[Problem]
) -> dict[str, str]:
    """Return {theirs: ours} with what is added; problems are collected."""
    found: dict[str, str] = {}
    for name, theirs in (added or {}).items():
        if name not in ours:
            problems.append(Problem(None, key, f"{name!r} is none of ours", f"Use one of: {', '.join(ours)}."))
            continue
        for word in [theirs] if isinstance(theirs, str) else theirs:
            plain = _plain(str(word))
            other = found.get(plain, name)
            if other != name or not plain:
                what = f"{word!r} is given to {other} and to {name}" if plain else f"{name} has an empty word"
                problems.append(Problem(None, key, what, "Give each word once."))
            found[plain] = name
    return {**known, **found}


def _plain(word: str) -> str:
    return re.sub(r"[\s_\u2011-]+", " ", word.strip().casefold())


#: The twelve needs under their own names.
FRAMEWORK = Framework()
