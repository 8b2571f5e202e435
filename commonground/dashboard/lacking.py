"""Which tables say where and when provision is missing, and which services were counted?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.provision import ANY
from commonground.dashboard.reach_tables import lacking_table, lists_table, reach_table, spread_table
from commonground.dashboard.wording import place_names
from commonground.release.tables import Table
from mapping.gaps import NONE_OPEN

__all__ = ["gap_table", "kinds_table", "services_table"]

MOST_NAMES = 4  # areas named in a row of a page; the files name all


def gap_table(contents: Contents, *, by_kind: bool = False, short: bool = False) -> Table | None:
    """Return the list of gaps, most people first; None without a needs plan.

    Where nobody's need was counted: the areas without a service of a kind, or with `by_kind` every area and how many of
    each kind are within its reach.

    Parameters
    ----------
    contents : Contents
    by_kind : bool
        Every kind of service apart, instead of any service.
    short : bool
        Name the first areas of a block only.
    """
    provision = contents.provision
    if provision is not None and provision.alone is not None:
        return (reach_table if by_kind else lacking_table)(provision.alone, contents.registered)
    if provision is None or provision.gaps is None or provision.shown is None:
        return None
    table = provision.gaps.table
    rows: list[Any] = table[(table["kind"] != ANY) == by_kind].to_dict("records")
    names, most = contents.facts.area_names, MOST_NAMES if short else None
    frame = pd.DataFrame(
        {
            "Areas": [place_names(_codes(row["area"]), names, most=most) for row in rows],
            "When": [str(row["slot"]).capitalize() for row in rows],
            "Kind of service": [str(row["kind"]).capitalize() for row in rows],
            "People, fewest": [_people(row["people_low"]) for row in rows],
            "People, most": [_people(row["people_high"]) for row in rows],
            "Places per 100 people": [_places(row["access"]) for row in rows],
            "Why": [str(row["reason"]).capitalize() for row in rows],
        }
    )
    if not by_kind:
        frame = frame.drop(columns="Kind of service")
    name, title = (
        ("gaps-by-kind", "Gaps by kind of service") if by_kind else ("gaps", "Gaps in provision, most people first")
    )
    return Table(name, title, frame, provision.shown, definitions={
        "People, fewest": "fewest people in need concerned; 0 where only some areas of the block fall short.",
        "People, most": "most people in need concerned: the upper end of the block's published number.",
        "Places per 100 people": f"places a week within {provision.reach:,.0f} metres, shared among everybody who can "
        "reach them; mean over the areas of the block.",
    })  # fmt: skip


def kinds_table(contents: Contents) -> Table | None:
    """Return, by kind of service and time of day, how many people were seen in blocks where none is within reach."""
    provision = contents.provision
    if provision is not None and provision.alone is not None:
        return spread_table(provision.alone, contents.registered)
    if provision is None or provision.gaps is None or provision.shown is None:
        return None
    found = provision.gaps.table
    found = found[(found["kind"] != ANY) & found["reason"].str.startswith(NONE_OPEN)]
    sums = found.groupby(["kind", "slot"])[["people_low", "people_high"]].sum()
    spans = {key: f"{low:.0f} to {high:.0f}" for key, low, high in sums.itertuples(name=None)}
    kinds = sorted({kind for kind, _ in spans})
    if not kinds:
        return None
    columns = {slot.capitalize(): [spans.get((kind, slot), "nobody") for kind in kinds] for slot in provision.slots}
    frame = pd.DataFrame({"Kind of service": [kind.capitalize() for kind in kinds], **columns})
    title = "People seen where none of a kind is open within reach"
    note = (
        "People per block, summed: a person seen in two blocks counts in both. Whether they need that kind of service "
        "is not known."
    )
    return Table("kinds-out-of-reach", title, frame, provision.shown, (note,))


def services_table(contents: Contents) -> Table | None:
    """Return the services that were counted, as the study's list has them."""
    if contents.provision is None:
        return None
    if contents.provision.alone is not None:
        return lists_table(contents.provision.alone, contents.registered)
    frame = contents.provision.services.rename(columns={"name": "Service", "service": "Kind", "hours": "Open"})
    frame = frame[[column for column in ("Service", "Kind", "Open") if frame[column].notna().any()]].fillna("not given")
    return Table("services", "Services that were counted", frame, contents.registered)


def _codes(area: Any) -> tuple[str, ...]:
    return area if isinstance(area, tuple) else (str(area),)


def _people(value: Any) -> Any:
    return "not known" if pd.isna(value) else int(value)


def _places(value: Any) -> Any:
    return "not known" if pd.isna(value) else float(f"{100 * value:.2g}")
