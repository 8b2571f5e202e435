"""What was hidden, what was attacked, how uncertain is the rest, and what remains? On one page, for whoever signs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from commonground.dashboard.certainty import least_certain
from commonground.dashboard.contents import Contents
from commonground.disclosure import Protected, profile_named
from commonground.disclosure.inspection.expectation import CHECKS
from commonground.disclosure.utility import utility
from commonground.release.escape import clean
from commonground.release.tables import HIDDEN, Table

__all__ = ["NEEDLES", "Part", "Statement", "statement_of"]

WIDTH, MOST_LINES = 100, 60  # of the text: one page of any printer
MOST_SETS = 6  # sets of records with a line each
LONGEST_LINE, LONGEST_LIST, LONGEST_LABEL = 185, 110, 40  # characters: no line of a list takes more than two rows
#: What of the live data is looked for in every file (commonground.dashboard.witness).
NEEDLES = (
    "identifiers as written",
    "their pseudonyms",
    "exact places in metres",
    "exact places in degrees",
    "longer values of columns nobody asked for",
)
REMAINS = (
    "Which values are possible is protected, not how likely each is (no differential privacy).",
    "Somebody who knows all records of a block but one learns that one, up to rounding.",
    "Finer figures of other bodies, and other records of the same people, can be set beside these.",
    "That something was refused, or areas joined, itself tells about one bit.",
    "The attack reads files; it does not see what only a person would, such as a telling name.",
    "People whom no source sees are not in it. Nothing here may be used to find anybody.",
)
OPEN_REMAINS = ("Small published counts stay small, and may point at somebody.", REMAINS[2], *REMAINS[4:])
SIGNED = (
    "Nothing can be added to a page that was hashed. Who approved this release, when, and whether a partner objects, "
    "stands in approval.json beside it; `commonground attack DIR` says whether that still holds."
)


@dataclass(frozen=True)
class Part:
    """One question of the statement and its answers."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """The one page that is signed.

    Parameters
    ----------
    title : str
    about : str
        Profile, date of the extracts, registration.
    parts : tuple of Part
        What was hidden, what is left to see, how uncertain it is, what was attacked, what remains, the signature.
    """

    title: str
    about: str
    parts: tuple[Part, ...]

    def summary(self) -> str:
        """Say what it is a statement of; says nothing of any number."""
        return f"{self.title}. {self.about}"

    def to_text(self) -> str:
        """Return it as plain text, at most 60 lines of 100 characters."""
        lines = [*_wrapped(f"RELEASE STATEMENT: {self.title}"), *_wrapped(self.about)]
        for part in self.parts:
            lines += ["", part.title.upper(), *(line for text in part.lines for line in _wrapped(text, "- "))]
        if len(lines) > MOST_LINES:
            raise ValueError(f"the statement has more than {MOST_LINES} lines; shorten its lists")
        return "\n".join(lines) + "\n"


def statement_of(contents: Contents, tables: Sequence[Table], *, files: int) -> Statement:
    """State what a release hides, shows and leaves open, from published values only.

    Parameters
    ----------
    contents : Contents
    tables : sequence of Table
        Every table of the release: the least certain number is looked for in them.
    files : int
        Files of the release, manifest and statement included; all of them are attacked before one is kept.

    Returns
    -------
    Statement
    """
    facts = contents.facts
    published = facts.profile == "open"
    plan = facts.plan_hash[:16] or "not registered"
    return Statement(
        title=_short(facts.title),
        about=f"Profile: {facts.profile}. Data as of {facts.as_of:%-d %B %Y}. Plan: {plan}.",
        parts=(
            _part("What was hidden", _as_published(contents) if published else _hidden(contents)),
            _part("What is left to see", _left(contents)),
            _part("How uncertain it is", least_certain(tables, rounded=not published)),
            _part("What was attacked", _attacked(files, live=not published)),
            Part("What remains", OPEN_REMAINS if published else REMAINS),
            Part("Signature", (SIGNED,)),
        ),
    )


def _part(title: str, lines: Iterable[str]) -> Part:
    return Part(title, tuple(textwrap.shorten(clean(line), LONGEST_LINE, placeholder=" ...") for line in lines))


def _hidden(contents: Contents) -> Iterator[str]:
    rules = profile_named(contents.facts.profile)
    people = any(shown.people_known for shown in contents.events.values())
    unknown = [shown.k for shown in contents.events.values() if not shown.people_known]
    least = [f"{rules.k} people"] * people + [f"{max(unknown, default=0)} events"] * bool(unknown)
    yield (
        f"Areas were joined into blocks of {' or '.join(least)}, {rules.premises} premises and {rules.events} "
        "events or more, none with over half. Everybody counted is in one. Numbers: to the nearest 5."
    )
    yield "Points, rows about one person, names, identifiers, pseudonyms and free text are in no file."
    yield _dimensions(contents)
    yield from _left_out(contents)
    blank = [
        contents.labels[name] + (" (people)" if values is contents.people else "")
        for values in (contents.events, contents.people)
        for name, shown in values.items()
        if shown.to_frame()["value"].isna().any()
    ]
    if blank:
        yield f"Some cells without a number ({HIDDEN}: too few, or not observed): {_listed(blank)}."
    else:
        yield "No cell of a block and period is left blank, so none can be found by subtraction."


def _dimensions(contents: Contents) -> str:
    """Say which dimensions were dropped and which levels joined, in the words of the gate."""
    shown = {name: _either(contents, name) for name in contents.events}
    notes = list(dict.fromkeys(note for one in shown.values() for note in one.notes if ":" in note))
    kept = list(dict.fromkeys(column for one in shown.values() for column in one.by))
    if not notes and not kept:
        return "Shown by place and period only; every other dimension of the records was dropped."
    said = f"Dimensions beside place and period: {_listed(kept) or 'none'}."
    return " ".join([said, *(clean(note) for note in notes)])


def _left_out(contents: Contents) -> Iterator[str]:
    """Name what was refused, which phases are not shown, and which verdicts were withheld."""
    refused = [contents.labels.get(name, name) for name in contents.refusals]
    needs = contents.in_need if "needs" in contents.parts else None
    if needs is not None and needs.refused:
        some = "1 table" if len(needs.refused) == 1 else f"{len(needs.refused)} tables"
        refused.append(f"{some} by need or group")
    yield (
        f"Refused, so in no table or map: {_listed(refused)} (why: see Displacement, Needs and gaps)."
        if refused
        else "Refused: nothing; every set of records is shown."
    )
    phases = contents.facts.phases
    partly = [contents.labels[name] for name, shown in contents.events.items() if set(phases) - set(shown.periods)]
    if partly and contents.facts.profile != "open":
        yield f"Shown for some phases only, as the study declared: {_listed(partly)}."
    frame = contents.registered.to_frame()
    withheld = [str(label) for label in frame.loc[frame["months_before"].isna(), "label"]]
    if withheld:
        yield f"Estimates withheld: {_listed(withheld)}."


def _as_published(contents: Contents) -> Iterator[str]:
    yield "Counts are shown as their sources published them; every source is cited. No areas were joined."
    yield "Points, rows and free text are in no file."
    yield from _left_out(contents)
    if contents.unmatched:
        yield f"Months with none to compare with were left out of: {_names(contents.unmatched, contents)}."


def _left(contents: Contents) -> Iterator[str]:
    if contents.facts.profile == "open":
        yield f"All that the sources published of every area of the study: {_names(contents.events, contents)}."
        return
    for name in list(contents.events)[:MOST_SETS]:
        yield _useful(_short(contents.labels[name]), _either(contents, name))
    more = len(contents.events) - MOST_SETS
    if more > 0:
        yield f"And {more} more sets of records: see the tables."


def _useful(label: str, shown: Protected) -> str:
    """Say what is left of one set of records in its first period, against hiding small areas one by one."""
    found = utility(shown)
    blocks = "1 block" if found.blocks == 1 else f"{found.blocks} blocks"
    without = f" ({found.hidden} without a number)" if found.hidden else ""
    said = (
        f"{label}: {found.people_low:,} to {found.people_high:,} {found.unit}, {found.period}; {blocks} of "
        f"{found.areas_per_block:.2g} areas on the mean{without}. Hiding small areas would have shown "
        f"{_range(found.plain_fewest, found.plain_most)} of {found.areas}."
    )
    return f"{said} Too few for a finer map." if found.blocks <= 2 else said


def _attacked(files: int, *, live: bool) -> Iterator[str]:
    yield (f"All {files} files were read back from their bytes: text, tables, hidden parts, pictures, metadata.")
    yield f"{len(CHECKS)} checks on each: {', '.join(CHECKS)}."
    if live:
        yield f"{len(NEEDLES)} kinds of live values were looked for in each: {', '.join(NEEDLES)}."
    else:
        yield "The sources are published, so there were no values of live data to look for."
    yield "Result: nothing found. A release with a finding is not written."


def _either(contents: Contents, name: str) -> Protected:
    """Return people where people were counted, else events."""
    return contents.people.get(name, contents.events[name])


def _names(keys: Mapping[str, object], contents: Contents) -> str:
    return _listed([contents.labels.get(name, name) for name in keys])


def _listed(names: Sequence[str]) -> str:
    """List names as far as there is room, and how many more there are."""
    kept: list[str] = []
    for name in map(_short, names):
        if kept and len("; ".join([*kept, name])) > LONGEST_LIST:
            return f"{'; '.join(kept)} and {len(names) - len(kept)} more"
        kept.append(name)
    return "; ".join(kept)


def _short(label: str) -> str:
    return textwrap.shorten(clean(label), LONGEST_LABEL, placeholder=" ...")


def _range(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _wrapped(text: str, bullet: str = "") -> list[str]:
    return textwrap.wrap(clean(text), WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet))
