"""Answers: may a further table stand beside counts of people, when one person can be in several of its cells?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from commonground.errors import NotReleasable

__all__ = ["check_categories", "levels_open"]

MANY_A_RECORD = "issues"  # one record can hold several
Interval = tuple[int, int]


def check_categories(
    count: str, table: Sequence[str], main: Sequence[str], extra: Collection[Sequence[str]], one_each: Collection[str]
) -> None:
    """Refuse, from declarations alone, tables whose cells one person (or record) can share in ways nobody audits.

    Parameters
    ----------
    count : str
        Of the table: events, persons or premises.
    table, main : sequence of str
        Categories of the further table, and of the first one.
    extra : collection of sequence of str
        Categories of the further tables that stand already.
    one_each : collection of str
        Categories of which a person has one level only, by declaration.

    Raises
    ------
    NotReleasable

    Notes
    -----
    A union beside its parts tells how many are in only one of them: 30 people in all, 30 indoor and 10 street give
    street only as 0 to 4. The joint audit does not ask about such cells. So people are counted only by categories of
    which everybody has one level, and in the same blocks and periods as before; and of categories of which a person
    can have several levels one table of events may stand beside people counted without any category, if its labels
    leave every combination of levels open (`levels_open`).
    """
    if MANY_A_RECORD in (*table, *main):
        raise NotReleasable(
            f"a record can have several {MANY_A_RECORD}, so other tables beside one by {MANY_A_RECORD} would tell who "
            "has only one. Publish one or the other."
        )
    if count == "premises":
        raise NotReleasable("extra cross-tables count events or people: premises can be in several cells at once.")
    several = [name for name in table if name not in one_each]
    if count == "persons" and several:
        raise NotReleasable(
            f"people can have several levels of {', '.join(several)}: beside their total this would tell who has only "
            "one. Count events, or declare that everybody has one."
        )
    if [name for name in main if name not in one_each]:
        raise NotReleasable(
            f"people can have several levels of {', '.join(main)}, by which they were published: a further table would "
            "tell how many there are in all, and so who has only one. Put all categories into the first table."
        )
    if several and (len(table) > 1 or main or any(name not in one_each for other in extra for name in other)):
        raise NotReleasable(
            f"people can have several levels of {', '.join(several)}: one table by such a category may be published, "
            "by it alone, beside people counted without categories. Leave the others out."
        )


def levels_open(people: Interval, events: Sequence[Interval], k: int) -> bool:
    """Say whether labels leave open, of every combination of levels, whether nobody or k - 1 or more have exactly it.

    A combination that is proven to hold k or more is large and shows nobody.

    Parameters
    ----------
    people : (int, int)
        What is published of the people of all levels together.
    events : sequence of (int, int)
        What is published of the events at each level; each level holds at least k people.
    k : int

    Notes
    -----
    A sufficient condition. With t people and at most b_l events at level l (as many people at most): nobody has level l
    alone if the other levels can hold everybody, t <= sum of the other b; k - 1 have all levels if t <= sum(b) -
    (k - 1)(m - 1); and 2k people are enough to put k at each level while any one combination stays empty.
    """
    low, high = people
    tops = [top for _, top in events]
    if len(tops) < 2:
        return True
    alone = [low - (sum(tops) - top) for top in tops]  # at the least this many have this level and no other
    return (
        high >= 2 * k
        and low <= sum(tops) - (k - 1) * (len(tops) - 1)
        and all(least <= 0 or least >= k for least in alone)
    )
