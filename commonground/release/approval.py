"""Who signed a release, does anybody object, and does it still hold?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from commonground.disclosure.inspection import Expectation, Finding, inspect_folder
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.escape import clean
from commonground.release.intact import APPROVAL, Manifest, check_intact, differences, read_manifest
from commonground.release.lag import check_lag
from commonground.release.signatures import (
    LONGEST_REASON,
    Decision,
    add_decision,
    locked,
    name_problem,
    partner_problem,
    read_decisions,
    same,
    tidy,
)

__all__ = ["APPROVAL", "STATEMENT", "Standing", "approve", "attack_release", "standing", "statement_text", "withdraw"]

STATEMENT = "statement.txt"
MOST_LISTED = 40  # findings in a message; `commonground attack` lists all


@dataclass(frozen=True)
class Standing:
    """Where a release stands.

    Parameters
    ----------
    state : {'approved', 'not approved', 'void', 'vetoed'}
    decisions : tuple of Decision
        Those the state rests on: approvals that hold or held, or vetoes that stand.
    """

    state: str
    decisions: tuple[Decision, ...] = ()

    def summary(self) -> str:
        """Say it in one or two sentences; says nothing of what is in the files."""
        signed = " and ".join(f"{one.who} on {one.day}" for one in self.decisions)
        if self.state == "approved":
            return f"Approved by {signed}. Every file is as it was signed, and no partner objects."
        if self.state == "vetoed":
            said = "".join(f" {one.who}: {one.reason}" for one in self.decisions if one.reason)
            return f"Vetoed by {signed}.{said} While a veto stands nobody can approve this release."
        if self.state == "void":
            return f"Not approved: {signed} signed another state of this folder. It was changed since: sign it again."
        return "Not approved: nobody signed this release since it was made, or since an objection to it was withdrawn."


def approve(
    folder: str | Path,
    name: str,
    *,
    on: str | dt.date | None = None,
    partner: str | None = None,
    veto: bool = False,
    reason: str = "",
) -> Standing:
    """Sign a release as a named person, or object to it for a partner.

    Parameters
    ----------
    folder : path
        The folder that `commonground run` wrote.
    name : str
        First and last name. When the study declared approvers, one of them.
    on : date, optional
        Day of the decision (default, and latest: today).
    partner : str, optional
        The partner that is spoken for; a veto needs one. When the study declared partners, one of them.
    veto : bool
        Object. A veto stands, whatever becomes of the folder, until the same partner withdraws it.
    reason : str
        In a few words, without anything about anybody.

    Returns
    -------
    Standing
        Where the release stands after the decision.

    Raises
    ------
    CommonGroundError
        When the folder is no release or not as it was written, the name is no approver's, or the attack finds
        something. Nothing is signed then.
    NotReleasable
        When a partner's veto stands, or a period is too recent on that day.

    Notes
    -----
    Before an approval every file is compared with the manifest, the release lag of the profile is reckoned from the day
    of the approval, and the files are attacked again. A veto needs none of this: objecting is never made hard. An
    approval holds for one manifest: any change to the folder makes it void, and so does a later veto, also after it was
    withdrawn. Approving twice writes one line.

    The list is chained by hashes, not by keys: it records a decision and does not prove who made it.
    """
    with locked(folder):
        manifest, day = read_manifest(folder), _day(on)
        decision = _decision(manifest, "veto" if veto else "approve", name, day, partner, reason)
        if not veto:
            _check(folder, manifest, day)
            signed = standing(folder)
            mine = [one for one in signed.decisions if same(one.name, name) and same(one.partner, partner or "")]
            if signed.state == "approved" and mine:
                return signed
        add_decision(folder, decision)
        return standing(folder)


def withdraw(
    folder: str | Path, name: str, *, partner: str, on: str | dt.date | None = None, reason: str = ""
) -> Standing:
    """Take back a partner's veto; somebody must then approve anew.

    Parameters
    ----------
    folder : path
    name : str
        Who takes it back for the partner.
    partner : str
        The one that objected; nobody else can.
    on : date, optional
    reason : str

    Returns
    -------
    Standing

    Raises
    ------
    CommonGroundError
        When no veto of this partner stands.
    """
    with locked(folder):
        manifest = read_manifest(folder)
        decision = _decision(manifest, "withdraw", name, _day(on), partner, reason)
        if not any(same(one.partner, partner) for one in _vetoes(read_decisions(folder))):
            raise CommonGroundError("no veto of this partner stands; give the partner's name as in the veto.")
        add_decision(folder, decision)
        return standing(folder)


def standing(folder: str | Path) -> Standing:
    """Say whether a release is approved now; files are compared, not attacked.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Standing

    Raises
    ------
    CommonGroundError
        When the folder is no release, or its approval was tampered with.
    """
    manifest, decisions = read_manifest(folder), read_decisions(folder)
    vetoes = _vetoes(decisions)
    if vetoes:
        return Standing("vetoed", tuple(vetoes))
    objected = max((place for place, one in enumerate(decisions) if one.decision == "veto"), default=-1)
    approvals = [one for one in decisions[objected + 1 :] if one.decision == "approve"]
    held = [one for one in approvals if _stands_for(one, manifest)]
    if held and not differences(folder, manifest):
        return Standing("approved", tuple(held))
    return Standing("void", tuple(approvals[-1:])) if approvals else Standing("not approved")


def attack_release(folder: str | Path) -> tuple[Finding, ...]:
    """Attack the files of any folder; names that were signed with are no finding.

    Parameters
    ----------
    folder : path

    Returns
    -------
    tuple of Finding
    """
    try:
        names = frozenset(one.name for one in read_decisions(folder))
    except CommonGroundError:  # tampered with: its names are nobody's
        names = frozenset()
    return inspect_folder(folder, Expectation(allowed=names))


def statement_text(folder: str | Path) -> str:
    """Return the statement of a release, fit for a terminal.

    Raises
    ------
    CommonGroundError
        When there is none.
    """
    path = Path(folder) / STATEMENT
    if not path.is_file():
        raise _without_statement()
    return "\n".join(map(clean, path.read_text(encoding="utf-8", errors="replace").splitlines()))


def _decision(manifest: Manifest, what: str, name: str, day: dt.date, partner: str | None, reason: str) -> Decision:
    """Return a decision that can be recorded; every problem is listed."""
    approvers = manifest.texts("approvers")
    problems = [f"the name {problem}." for problem in [name_problem(name, approvers)] if problem]
    if not problems and what == "approve" and approvers and not any(same(name, one) for one in approvers):
        problems.append("this name is not among the approvers that the study declares; one of them must sign.")
    problems += _partner_problems(manifest, what, tidy(partner or ""))
    if len(tidy(reason)) > LONGEST_REASON:
        problems.append(f"the reason is longer than {LONGEST_REASON} characters; say it shorter.")
    if what == "approve" and STATEMENT not in manifest.files:
        raise _without_statement()
    if problems:
        raise CommonGroundError(" ".join([*problems, "Nothing was signed."]))
    return Decision(
        what,
        _declared(name, approvers),
        f"{day:%Y-%m-%d}",
        manifest.digest,
        manifest.files.get(STATEMENT, ""),
        _declared(partner or "", manifest.texts("partners")),
        tidy(reason),
    )


def _declared(name: str, known: Sequence[str]) -> str:
    """Return a name as the study spells it, or as it was given."""
    return tidy(next((one for one in known if same(name, one)), name))


def _partner_problems(manifest: Manifest, what: str, partner: str) -> Iterator[str]:
    known = manifest.texts("partners")
    if not partner:
        if what != "approve":
            yield "a veto is a partner's: name the partner."
    elif problem := partner_problem(partner):
        yield f"the partner's name {problem}."
    elif known and not any(same(partner, one) for one in known):
        yield "this partner is not among those that the study declares; name one of them."


def _check(folder: str | Path, manifest: Manifest, day: dt.date) -> None:
    """Refuse what may not be approved: changed, objected to, too recent, or with anything to be found in it."""
    check_intact(folder, manifest)
    here = standing(folder)
    if here.state == "vetoed":
        raise NotReleasable(here.summary())
    check_lag(manifest, day)
    found = attack_release(folder)
    if found:
        listed = "\n".join(sorted({f"  {f.file} ({f.where}): {f.check}: {f.message}" for f in found})[:MOST_LISTED])
        raise CommonGroundError(f"the attack on the files found something; nothing was signed.\n{listed}")


def _vetoes(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the vetoes that stand, one a partner."""
    stand: dict[str, Decision] = {}
    for one in decisions:
        if one.decision == "veto":
            stand[tidy(one.partner).casefold()] = one
        elif one.decision == "withdraw":
            stand.pop(tidy(one.partner).casefold(), None)
    return list(stand.values())


def _stands_for(one: Decision, manifest: Manifest) -> bool:
    return one.manifest == manifest.digest and one.statement == manifest.files.get(STATEMENT, "")


def _day(on: str | dt.date | None) -> dt.date:
    today = dt.date.today()
    try:
        day = today if on is None else dt.date.fromisoformat(on) if isinstance(on, str) else on
    except ValueError:
        raise CommonGroundError("the day of the decision is not a date; write it as 2025-06-30.") from None
    day = day.date() if isinstance(day, dt.datetime) else day
    if day > today:
        raise CommonGroundError("the day of the decision lies in the future; today is the latest.")
    return day


def _without_statement() -> CommonGroundError:
    return CommonGroundError(f"the release holds no {STATEMENT}, so there is nothing to sign; run the study again.")
