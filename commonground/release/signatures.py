"""Who decided what about a release, and is the list of decisions whole?"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from commonground.disclosure.chain import lock
from commonground.disclosure.inspection import Expectation, inspect_bytes
from commonground.errors import CommonGroundError
from commonground.release.escape import clean
from commonground.release.intact import APPROVAL, read_manifest

__all__ = [
    "DECISIONS",
    "Decision",
    "add_decision",
    "locked",
    "name_problem",
    "partner_problem",
    "read_decisions",
    "same",
    "tidy",
]

VERSION = 1
DECISIONS = ("approve", "veto", "withdraw")
START = "0" * 64  # what the first decision follows
LONGEST_NAME, LONGEST_REASON = 80, 300
_WORD = re.compile(r"[-'’.]*\w[\w\-'’.]*")
# What a JSON file does not need to hold as it stands, so that no reader takes a part of it for markup.
_MARKUP = {ord(c): f"\\u{ord(c):04x}" for c in "&<>'`$"}


@dataclass(frozen=True)
class Decision:
    """One line of approval.json.

    Parameters
    ----------
    decision : {'approve', 'veto', 'withdraw'}
    name : str
        Who decided.
    on : str
        Day, as YYYY-MM-DD.
    manifest, statement : str
        SHA-256 of the release's manifest and of its statement when it was decided.
    partner : str
        For whom; empty when for nobody but the release's own study.
    reason : str
    previous, hash : str
        Chain: the hash of the decision before, and of this one.
    """

    decision: str
    name: str
    on: str
    manifest: str
    statement: str
    partner: str = ""
    reason: str = ""
    previous: str = START
    hash: str = ""

    @property
    def day(self) -> str:
        """The day in words."""
        return f"{dt.date.fromisoformat(self.on):%-d %B %Y}"

    @property
    def who(self) -> str:
        """Name, and for which partner."""
        return f"{self.name} for {self.partner}" if self.partner else self.name

    def sealed(self, previous: str) -> Decision:
        """Return the decision as the next link of the chain."""
        linked = replace(self, previous=previous, hash="")
        content = {name: value for name, value in asdict(linked).items() if name != "hash"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return replace(linked, hash=hashlib.sha256(text.encode()).hexdigest())


def read_decisions(folder: str | Path) -> tuple[Decision, ...]:
    """Read the decisions about a release, oldest first.

    Parameters
    ----------
    folder : path

    Returns
    -------
    tuple of Decision
        Empty when there is no approval.json.

    Raises
    ------
    CommonGroundError
        When it was changed by hand, or written by a later version.

    Notes
    -----
    The chain shows a line that was changed, put in or taken out before the last one. Whoever may write to the folder
    can still cut off the end, or the whole file: the list says what was decided, it does not prove who held the pen.
    """
    path = Path(folder) / APPROVAL
    if path.is_symlink():
        raise _tampered()
    if not path.exists():
        return ()
    try:
        content = json.loads(path.read_bytes())
        version, rows = content["version"], content["decisions"]
        if isinstance(version, int) and version > VERSION:
            raise CommonGroundError(f"{APPROVAL} was written by a later version of commonground; use that one.")
        decisions = [Decision(**row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _tampered() from None
    previous = START
    for one in decisions:
        if not _well_formed(one) or one.sealed(previous) != one:
            raise _tampered()
        previous = one.hash
    return tuple(decisions)


def add_decision(folder: str | Path, decision: Decision) -> None:
    """Append a decision, in one step: the file is the old one or the new one, never a part.

    Parameters
    ----------
    folder : path
        A release; the caller holds the lock on it.
    decision : Decision

    Raises
    ------
    CommonGroundError
        When the list was tampered with, or the attack finds something in a name or reason. Nothing is written then.
    """
    place = Path(folder).resolve()
    before = read_decisions(place)
    decisions = [*before, decision.sealed(before[-1].hash if before else START)]
    content = {"version": VERSION, "decisions": [asdict(one) for one in decisions]}
    data = (json.dumps(content, indent=2, sort_keys=True).translate(_MARKUP) + "\n").encode()
    names = frozenset(one.name for one in decisions)
    found = sorted({finding.message for finding in inspect_bytes(APPROVAL, data, Expectation(allowed=names))})
    if found:
        raise CommonGroundError(f"{APPROVAL} was not written: the attack on it found something. {' '.join(found)}")
    descriptor, fresh = tempfile.mkstemp(prefix=f".{place.name}-{APPROVAL}-", dir=place.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).chmod(0o644)
        Path(fresh).replace(place / APPROVAL)
    finally:
        Path(fresh).unlink(missing_ok=True)


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Hold a release, so that a veto and an approval of the same moment are both written.

    Parameters
    ----------
    folder : path

    Raises
    ------
    CommonGroundError
        When it is no release.
    """
    read_manifest(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some shared disks lock no folders
            lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def name_problem(name: str, known: Sequence[str] = ()) -> str:
    """Say why a text cannot be the name of a person who signs; empty when it can.

    Parameters
    ----------
    name : str
    known : sequence of str
        Names that a study declared: a single word is a name when it is one of them.

    Examples
    --------
    >>> name_problem("Ada Lovelace"), name_problem("Siân O’Neill-Okafor")
    ('', '')
    >>> name_problem("ada@example.org")
    'is an e-mail address or an account; give first and last name'
    """
    wanted = tidy(name)
    if not wanted:
        return "is blank; give first and last name"
    if re.search(r"[@\\/_\d:]", wanted):
        return "is an e-mail address or an account; give first and last name"
    if len(wanted) > LONGEST_NAME or not all(_WORD.fullmatch(_bare(word)) for word in wanted.split()):
        return "is no person's name; give first and last name, letters only"
    if len(wanted.split()) < 2 and not any(same(wanted, one) for one in known):
        return "is a single word, as accounts are; give first and last name"
    return ""


def partner_problem(partner: str) -> str:
    """Say why a text cannot be the name of a partner; empty when it can."""
    wanted = tidy(partner)
    if not wanted:
        return "is blank; give the partner's name"
    return f"is longer than {LONGEST_NAME} characters; say it shorter" if len(wanted) > LONGEST_NAME else ""


def tidy(text: str) -> str:
    """Return a text in one form: composed letters, single blanks, no control characters."""
    return " ".join(clean(unicodedata.normalize("NFC", text)).split())


def same(one: str, other: str) -> bool:
    """Say whether two texts are the same name: capitals and blanks do not matter."""
    return tidy(one).casefold() == tidy(other).casefold()


def _bare(word: str) -> str:
    """Return a word without its combining marks, which are no letters to a pattern."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _well_formed(one: Decision) -> bool:
    values: Mapping[str, Any] = {field.name: getattr(one, field.name) for field in fields(one)}
    if not all(isinstance(value, str) and value == tidy(value) for value in values.values()):
        return False
    try:
        dt.date.fromisoformat(one.on)
    except ValueError:
        return False
    short = len(one.partner) <= LONGEST_NAME and len(one.reason) <= LONGEST_REASON
    partnered = one.decision == "approve" or bool(one.partner)
    return one.decision in DECISIONS and short and partnered and not name_problem(one.name, [one.name])


def _tampered() -> CommonGroundError:
    return CommonGroundError(
        f"{APPROVAL} was changed by hand: its chain is broken. Restore it from a copy; without one run the study into "
        "a new folder and ask everybody again."
    )
