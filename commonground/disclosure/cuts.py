"""Which cut has each closed period: the one that stands in the ledger, or one made now and written there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from commonground.disclosure.case import Case, at_profile
from commonground.disclosure.closing import Closed
from commonground.disclosure.cutting import (
    Cut,
    after_refusal,
    coarser_cut,
    far_from_refusal,
    first_cut,
    fits,
    joint_levels,
    root_passes,
    too_few,
    units_short,
)
from commonground.disclosure.ledger import Ledger
from commonground.disclosure.levels import Groups, single
from commonground.disclosure.policy import profile_named
from commonground.disclosure.publishing import Labels, all_labels
from commonground.errors import CommonGroundError, NotReleasable

__all__ = ["BASE", "base_cuts", "views_of"]

BASE = "partner"  # the profile at whose rules every cut is made (gate.md, step 1)
STRICTER = "public"  # the profile whose view of a cut is fixed with it
REFUSED = Cut((), {})  # what the ledger keeps of a period that could not be published


def base_cuts(
    case: Case, closed: Sequence[Closed], book: Ledger | None
) -> tuple[dict[str, Cut], dict[str, Mapping[str, Labels]]]:
    """Take each closed period's cut from the ledger, or make it and write it there, with the labels of every unit.

    Blocks never change after they were published, and neither do the levels: new years take those of earlier ones. A
    period that was refused is refused until all areas together hold so many that the gap to a refusal is k.
    """
    cuts = _known(case, closed, book, BASE)
    refused = {one.name for one in closed if one.name not in cuts and _still_refused(case, one, book)}
    groups, partner = _levels_of(cuts), profile_named(BASE)

    def own(one: Closed) -> Case:
        known = book.find_cut(case.records, one.name, one.span, BASE) if book else None
        return case if known is None else after_refusal(case)

    def may(one: Closed, levels: Groups) -> bool:
        return root_passes(case, one, levels, partner, own(one).cut_rules)

    open_to = [one for one in closed if one.name not in cuts and one.name not in refused]
    new = [one for one in open_to if may(one, {})]
    if groups is None:
        groups = joint_levels(
            case,
            new,
            single(case.levels),
            max((own(one).cut_rules for one in new), key=lambda r: r.k, default=case.cut_rules),
        )
    made = {one.name: first_cut(own(one), one, groups) for one in new if may(one, groups)}
    public = at_profile(case, profile_named(STRICTER))
    known = _levels_of(_known(public, closed, book, STRICTER))
    seen = _stricter(public, [one for one in closed if one.name in made], made, known) if book else {}
    for one in closed:
        if one.name in made:
            _write(case, one, BASE, made[one.name], book)
            if one.name in seen:  # whoever asks later, and whatever came in between
                _write(public, one, STRICTER, seen[one.name], book)
        elif one.name not in cuts and one.name not in refused:
            _write(case, one, BASE, REFUSED, book, few=units_short(case, one))
    if not cuts and not made:
        raise too_few(case, closed)
    labels: dict[str, Mapping[str, Labels]] = {}
    labels |= {one.name: all_labels(case, one, cuts[one.name], book, first=False) for one in closed if one.name in cuts}
    labels |= {one.name: all_labels(case, one, made[one.name], book, first=True) for one in closed if one.name in made}
    return cuts | made, labels


def _still_refused(case: Case, closed: Closed, book: Ledger | None) -> bool:
    """Say whether a refusal stands: for good, but where there were too few and are now so many that the gap is k.

    Whoever adds one record and turns a refusal into a release would know what was there before, and a premises that
    held too many would show by the first record that puts it right.
    """
    row = book.find_cut(case.records, closed.name, closed.span, BASE) if book else None
    if row is None or row["blocks"]:
        return False
    return not (row.get("few", False) and far_from_refusal(case, closed))


def views_of(case: Case, closed: Sequence[Closed], base: Mapping[str, Cut], book: Ledger | None) -> dict[str, Cut]:
    """Return what a stricter profile sees of each cut: fixed when it was cut, or made now where there is no ledger."""
    cuts = _known(case, closed, book, case.profile.name)
    if book is None:
        cuts = _stricter(case, [one for one in closed if one.name in base], base)
    if not cuts:
        raise too_few(case, closed)
    return cuts


def _stricter(
    case: Case, new: Sequence[Closed], base: Mapping[str, Cut], groups: Groups | None = None
) -> dict[str, Cut]:
    """Return what the profile of a case sees of new cuts, in the records they were made of."""
    new = [one for one in new if root_passes(case, one, {}, case.profile, case.rules)]
    if groups is None and new:
        groups = joint_levels(case, new, base[new[0].name].levels, case.rules)
    found = {one.name: coarser_cut(case, one, base[one.name], groups or {}) for one in new}
    return {name: cut for name, cut in found.items() if cut is not None}


def _known(case: Case, closed: Sequence[Closed], book: Ledger | None, profile: str) -> dict[str, Cut]:
    """Return the cuts of earlier releases, if they are made for the categories and the tree of this tally."""
    cuts: dict[str, Cut] = {}
    for one in closed:
        row = book.find_cut(case.records, one.name, one.span, profile) if book else None
        if row is None or not row["blocks"]:
            continue
        if list(row["by"]) != list(case.levels) or bool(row.get("totals")) != case.cut_rules.totals:
            raise NotReleasable(
                f"{case.records} was published before by other categories; beside them this would show who is in few "
                "of them. Add up the published labels, or use the categories of the first release."
            )
        cuts[one.name] = Cut.from_row(row)
        if not fits(case, cuts[one.name], profile_named(profile)):
            raise CommonGroundError(
                "the ledger holds blocks that are no nodes of its own tree, or too small for the profile; restore it "
                "from a copy."
            )
    return cuts


def _write(case: Case, closed: Closed, profile: str, found: Cut, book: Ledger | None, **also: bool) -> None:
    if book is not None:
        own = {"by": list(case.levels), "totals": case.cut_rules.totals, "unit": case.cut_rules.unit}
        row = {**found.as_row(), **own, **also}
        book.write_cut(case.records, closed.name, closed.span, profile, row)


def _levels_of(cuts: Mapping[str, Cut]) -> Groups | None:
    return next((cut.levels for cut in cuts.values()), None)
