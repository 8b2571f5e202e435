"""How far can this design tell the operation from other causes, and why no further?"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from commonground.study import Study
from evaluation.counts import Checks, Unprinted

__all__ = ["DesignFacts", "EvidenceLevel", "design_facts", "evidence_level"]

NAMES = {
    1: "two things that go together",
    2: "before and after",
    3: "before and after, against comparison areas",
    4: "before and after in several areas on both sides, other causes controlled for",
    5: "areas drawn by chance",
}
ANSWERS = ("unlikely", "likely", "unknown")
ALLOCATIONS = ("random", "chosen", "unknown")
CHECKED = ("passed", "failed", "informational", "not checked")
# The scale asks for "multiple" units. Of two that differ nobody can tell which is the odd one, so we ask for three.
SEVERAL_COMPARED = 3
SEVERAL_TREATED = 2  # "multiple experimental and control units" (Farrington et al. 2002, level 4)
LONG = 12  # months before: below it a comparison's path before says too little (methods, synthetic control)
QUESTION = "Was the operation unlikely to change how the data were collected?"


@dataclass(frozen=True, repr=False)
class DesignFacts(Unprinted):
    """What a level of evidence rests on.

    Parameters
    ----------
    months_before, months_after : int
    treated_areas, comparison_areas : int
        Areas of the operation, and those that they are compared with.
    pretrends : {'passed', 'failed', 'informational', 'not checked'}
        Whether both moved alike before. Informational: the check was too weak to tell.
    matched : bool or None
        Whether the comparison areas were matched to the operation's; None: not said.
    allocation, allocation_reason : str
        'random', 'chosen' or 'unknown': how it was decided where the operation took place.
    data_collection, data_collection_reason : str
        'unlikely', 'likely' or 'unknown': the answer to EPOC's question.
    recording_changes : tuple of str
        Changes of recording that no month tells from the operation.
    other_shocks : tuple of str
        Whatever else is known to have happened, that no month tells from it.
    """

    months_before: int
    months_after: int
    treated_areas: int = 1
    comparison_areas: int = 0
    pretrends: str = "not checked"
    matched: bool | None = None
    allocation: str = "unknown"
    allocation_reason: str = ""
    data_collection: str = "unknown"
    data_collection_reason: str = ""
    recording_changes: tuple[str, ...] = ()
    other_shocks: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class EvidenceLevel(Unprinted):
    """A level on the Maryland Scientific Methods Scale, with the reason for it.

    Parameters
    ----------
    level : int
        1 to 5.
    name : str
        What designs of this level are, in a few words.
    reason : str
        Why this level, and why not the next.
    data_collection : str
        EPOC's question with the answer that the study gives.
    lowered : tuple of str
        What stands between this design and the next level.
    """

    level: int
    name: str
    reason: str
    data_collection: str
    lowered: tuple[str, ...]

    def summary(self) -> str:
        """Say the level, the reason, the answer to EPOC's question, and what a level does not say."""
        return (
            f"{self.reason} {self.data_collection} The scale says how far a design can rule out other causes. It says "
            "nothing about how large or how certain a change is, nor about what was never recorded."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row: level, name, reason, data_collection."""
        row = {name: [getattr(self, name)] for name in ("level", "name", "reason", "data_collection")}
        return pd.DataFrame(row)


def evidence_level(facts: DesignFacts) -> EvidenceLevel:
    """Place a design on the Maryland Scientific Methods Scale, never higher than what is known of it.

    Parameters
    ----------
    facts : DesignFacts
        Of a study: `design_facts`.

    Returns
    -------
    EvidenceLevel
        .level 1 to 5, .name, .reason, .data_collection, .lowered

    Raises
    ------
    StudyError
        When a fact is not one of the answers that can be given; all at once.

    Notes
    -----
    1: a point in time, or a before and after that are not measured alike because recording changed with the operation.
    2: months before and after. 3: comparison areas too, that are not known to have moved otherwise before, and data
    collection that the operation was not likely to change. 4: several areas on both sides (at least 2 of the operation,
    3 compared), matched, at least 12 months before in which they moved alike, data collection unlikely to change, and
    said how the areas were chosen. 5: areas drawn by chance, several on both sides, data collection unlikely to change.
    What is not known counts against a design. It fails where areas side by side share whatever else happens there: the
    scale counts them as several.

    References
    ----------
    Sherman et al. (1997), Preventing Crime: What Works, What Doesn't, What's Promising. Farrington, Gottfredson,
    Sherman and Welsh (2002), The Maryland Scientific Methods Scale, in Evidence-Based Crime Prevention, 13-21. Data
    collection: Cochrane Effective Practice and Organisation of Care (2017), Suggested risk of bias criteria for EPOC
    reviews.

    Examples
    --------
    >>> evidence_level(DesignFacts(months_before=24, months_after=12)).level
    2
    >>> evidence_level(DesignFacts(months_before=24, months_after=12, comparison_areas=4)).level
    3
    """
    _check(facts)
    lacking = {2: _lacks_two(facts), 3: _lacks_three(facts), 4: _lacks_four(facts), 5: _lacks_five(facts)}
    level = next((rung - 1 for rung in (2, 3, 4) if lacking[rung]), 4)
    if level >= 2 and not lacking[5]:
        level = 5
    lowered = [] if level == 5 else lacking[level + 1]
    if facts.allocation == "random" and level == 3:
        lowered = list(dict.fromkeys([*lowered, *lacking[5]]))
    reason = f"Level {level} of 5 on the Maryland scale: {NAMES[level]}. {_grounds(facts, level)}"
    if lowered:
        reason += f" Not level {level + 1}: {'; '.join(lowered)}."
    return EvidenceLevel(level, NAMES[level], reason, _answer(facts), tuple(lowered))


def design_facts(study: Study, *, outcome: str | None = None, pretrends: str = "not checked") -> DesignFacts:
    """Collect from a study what its level of evidence rests on.

    Parameters
    ----------
    study : Study
    outcome : str or None
        Changes of recording count that concern this outcome; None: those that concern every outcome but placebos.
    pretrends : {'passed', 'failed', 'informational', 'not checked'}
        What the check of the months before said.

    Returns
    -------
    DesignFacts
        Comparison areas are those of the operation area: not the ones that the study keeps for the ring.

    Raises
    ------
    StudyError
        When the study has no such outcome.
    """
    checks = Checks("design_facts")
    known = outcome is None or outcome in study.outcomes
    checks.require(known, "outcome", "is no outcome of the study", f"Use one of: {', '.join(study.outcomes)}")
    checks.done()
    judged = [name for name, one in study.outcomes.items() if not one.placebo] if outcome is None else [outcome]
    changes = [{shock.name for shock in study.coinciding(name) if shock.recording} for name in judged]
    return DesignFacts(
        months_before=study.phases["before"].months,
        months_after=study.phases["after"].months,
        treated_areas=len(study.treated),
        comparison_areas=len(set(study.comparison) - set(study.for_ring)),
        pretrends=pretrends,
        matched=study.design.matched,
        allocation=study.design.allocation,
        allocation_reason=study.design.allocation_reason,
        data_collection=study.design.data_collection,
        data_collection_reason=study.design.data_collection_reason,
        recording_changes=tuple(sorted(set.intersection(*changes))) if changes else (),
        other_shocks=tuple(sorted({s.name for name in judged for s in study.coinciding(name) if not s.recording})),
    )


def _check(facts: DesignFacts) -> None:
    checks = Checks("evidence_level")
    for name in ("months_before", "months_after", "treated_areas", "comparison_areas"):
        value = getattr(facts, name)
        fine = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        checks.require(fine, name, "needs a whole number of at least 0", "Count months or areas")
    for name, words in (("pretrends", CHECKED), ("allocation", ALLOCATIONS), ("data_collection", ANSWERS)):
        checks.require(getattr(facts, name) in words, name, f"needs one of: {', '.join(words)}", "Correct the word")
    checks.require(facts.matched in (True, False, None), "matched", "needs True, False or None", "Correct the value")
    checks.done()


def _lacks_two(facts: DesignFacts) -> list[str]:
    measured = facts.months_before and facts.months_after and facts.treated_areas
    lacking = [] if measured else ["there are not both months before and months after"]
    if facts.recording_changes:
        named = ", ".join(facts.recording_changes)
        lacking.append(f"recording changed when the operation began ({named}), so before and after are two measures")
    return lacking


def _lacks_three(facts: DesignFacts) -> list[str]:
    unlike = facts.matched is False and facts.pretrends != "passed"
    rules = {
        "there is no comparison area": not facts.comparison_areas,
        "the areas did not move alike before": facts.pretrends == "failed",
        "the comparison areas are not matched, and no check shows that they moved alike before": unlike,
        "the operation was likely to change how the data were collected": facts.data_collection == "likely",
    }
    return [rule for rule, broken in rules.items() if broken]


def _lacks_four(facts: DesignFacts) -> list[str]:
    unchecked = {
        "not checked": "whether the areas moved alike before was not checked",
        "informational": "the check whether the areas moved alike before was too weak to tell",
    }
    rules = {
        f"fewer than {SEVERAL_TREATED} areas had the operation": facts.treated_areas < SEVERAL_TREATED,
        f"fewer than {SEVERAL_COMPARED} comparison areas": facts.comparison_areas < SEVERAL_COMPARED,
        f"fewer than {LONG} months before": facts.months_before < LONG,
        unchecked.get(facts.pretrends, ""): facts.pretrends in unchecked,
        f"something else happened at the same time ({', '.join(facts.other_shocks)})": bool(facts.other_shocks),
        "it is not said that the comparison areas were matched": facts.matched is not True,
        "it is not said how the areas of the operation were chosen": facts.allocation == "unknown",
        "it is not said whether the operation changed how the data were collected": facts.data_collection == "unknown",
    }
    return [rule for rule, broken in rules.items() if broken]


def _lacks_five(facts: DesignFacts) -> list[str]:
    few = facts.treated_areas < SEVERAL_TREATED or facts.comparison_areas < SEVERAL_COMPARED
    rules = {
        "the areas of the operation were not drawn by chance": facts.allocation != "random",
        "too few areas were drawn for chance to even out the rest": few,
        "the areas did not move alike before": facts.pretrends == "failed",
        "it is not said that the operation was unlikely to change how the data were collected": (
            facts.data_collection != "unlikely"
        ),
    }
    return [rule for rule, broken in rules.items() if broken]


def _grounds(facts: DesignFacts, level: int) -> str:
    """Say what the level rests on."""
    if level == 1:
        return "Nothing here tells the operation from whatever else happened at that time."
    months = f"{facts.months_before} months before, {facts.months_after} after"
    if level == 2:
        return f"{months}: whatever else changed then may be the cause."
    own = "1 area" if facts.treated_areas == 1 else f"{facts.treated_areas} areas"
    areas = f"{months}, {own} of the operation, {facts.comparison_areas} compared"
    if level == 5:
        said = f" ({facts.allocation_reason.rstrip('.')})" if facts.allocation_reason else ""
        return f"{areas}: chance decided where the operation took place{said}."
    if facts.pretrends == "passed":
        return f"{areas}, which moved alike before."
    alike = "because they were matched" if facts.matched else "by the rule they were chosen by"
    seen = "were not checked" if facts.pretrends == "not checked" else "cannot show it"
    return f"{areas}, held to be alike {alike}; the months before {seen}."


def _answer(facts: DesignFacts) -> str:
    answers = {"unlikely": "Yes, unlikely", "likely": "No, likely", "unknown": "Not said"}
    why = f": {facts.data_collection_reason.rstrip('.')}" if facts.data_collection_reason else ""
    return f"{QUESTION} {answers[facts.data_collection]}{why}."
