"""What may be shown: published values, and what may be worked out from them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import geopandas as gpd
import pandas as pd

from commonground.disclosure import labels
from commonground.errors import CommonGroundError
from commonground.periods import Period

__all__ = ["Answer", "Protected"]

COLUMNS = ["block", "areas", "period", "categories", "value", "low", "high"]


@dataclass(frozen=True)
class Answer:
    """The answer to a question about some areas: a sum of labels, or the union to which to coarsen.

    Parameters
    ----------
    value, low, high : int or None
        Sum of labels and of their intervals; None when the question cuts a block.
    coarsen_to : tuple of str
        Area codes of the smallest question that can be answered; empty when this one was.
    """

    value: int | None
    low: int | None
    high: int | None
    coarsen_to: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.coarsen_to:
            return f"coarsen to {', '.join(self.coarsen_to)}"
        return (
            "too few to show, or not observed" if self.value is None else f"{self.value} in [{self.low}, {self.high}]"
        )


@dataclass(frozen=True, repr=False, eq=False)
class Protected:
    """Published values of one record set. Holds nothing exact and no reference to anything exact.

    Parameters
    ----------
    kind, count, profile : str
    k : int
        Fewest people (or events) in a shown cell.
    periods : mapping of name to Period
    days : mapping of name to float
        Observed days of each period: what rates are worked out with.
    by : tuple of str
        Category columns.
    blocks : GeoDataFrame or None
        Outline of each block, indexed by block.
    zones : mapping of zone to area codes
    tree_digest : str
    sources : tuple of str
    as_of : Timestamp
    people_known : bool
    in_ledger : bool
        Whether the cut and the labels stand in a ledger; only then may they be written.
    notes : tuple of str
    """

    released: ClassVar[bool] = True

    kind: str
    count: str
    profile: str
    k: int
    periods: Mapping[str, Period]
    days: Mapping[str, float]
    by: tuple[str, ...]
    zones: Mapping[str, tuple[str, ...]]
    tree_digest: str
    sources: tuple[str, ...]
    citations: tuple[str, ...]
    as_of: pd.Timestamp
    people_known: bool
    in_ledger: bool
    _frame: pd.DataFrame = field(repr=False)
    blocks: gpd.GeoDataFrame | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Protected({self.kind}, {self.count}, profile={self.profile!r}, {self._frame['block'].nunique()} blocks, "
            f"periods={list(self.periods)})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.summary())}</p>{self.to_frame().to_html(index=False, na_rep='too few')}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a published cell: block, areas, period, categories, value, low, high.

        ``value`` is missing where the cell was not observed, or (a second measure) is below k; ``areas`` and
        ``categories`` are tuples.
        """
        return self._frame.copy()

    def table(self, *, categories: Sequence[str] = ()) -> pd.DataFrame:
        """Return values by block (rows) and period (columns) for one combination of category levels."""
        mine = self._frame[self._frame["categories"] == tuple(categories)]
        wide = mine.pivot(index="block", columns="period", values="value")
        return wide.reindex(columns=[period for period in self.periods if period in wide.columns])

    def block_areas(self) -> pd.Series:
        """Return the tuple of area codes of each block."""
        return self._frame.drop_duplicates("block").set_index("block")["areas"]

    def answer(
        self, areas: Iterable[str], periods: Iterable[str] | str | None = None, *, categories: Sequence[str] = ()
    ) -> Answer:
        """Answer for some areas from published blocks only.

        Parameters
        ----------
        areas : iterable of str
            Area codes.
        periods : name or names, optional
            All when left out. People in several periods or blocks are then counted once in each.
        categories : sequence of str
            Levels, in the order of ``by``.

        Returns
        -------
        Answer
            The sum of labels when the areas are a union of blocks, else what to coarsen to.
        """
        asked = set(areas)
        wanted = [periods] if isinstance(periods, str) else list(self.periods if periods is None else periods)
        known = {code for codes in self._frame["areas"] for code in codes}
        if not asked or not asked <= known or not set(wanted) <= set(self._frame["period"]):
            raise CommonGroundError(
                "the question names areas or periods that were not published; use those of to_frame()."
            )
        rows = self._frame[self._frame["period"].isin(wanted) & (self._frame["categories"] == tuple(categories))]
        covering = asked
        while True:  # closed over areas and periods: a block may differ from year to year
            touched = rows[[bool(covering & set(codes)) for codes in rows["areas"]]]
            wider = covering.union(*touched["areas"])
            if wider == covering:
                break
            covering = wider
        if covering != asked:
            return Answer(None, None, None, tuple(sorted(covering)))
        if touched["value"].isna().any() or touched.empty:
            return Answer(None, None, None)
        return Answer(int(touched["value"].sum()), int(touched["low"].sum()), int(touched["high"].sum()))

    def change(self, before: str, after: str, *, categories: Sequence[str] = ()) -> pd.DataFrame:
        """Return the change of each block between two periods, per day observed, from labels only.

        Returns
        -------
        DataFrame
            Indexed by block: areas, before, after (labels), ratio, low, high (2 significant digits; missing when either
            label is hidden).
        """
        table = self.table(categories=categories)
        scale = self.days[before] / self.days[after] if self.days[after] else float("nan")
        rows = []
        for block, codes in self.block_areas().items():
            shown: list[Any] = [table.at[block, period] for period in (before, after)]
            old, new = (None if pd.isna(value) else int(value) for value in shown)
            got = labels.ratio(old, new)
            scaled = (None, None, None) if got is None else tuple(labels.significant(part * scale) for part in got)
            rows.append((block, codes, old, new, *scaled))
        columns = ["block", "areas", "before", "after", "ratio", "low", "high"]
        frame = pd.DataFrame(rows, columns=columns).set_index("block")
        types: dict[str, Any] = {"before": "Int64", "after": "Int64", "ratio": float, "low": float, "high": float}
        return frame.astype(types)

    def summary(self) -> str:
        """Say what is published, from whom, under which rules."""
        unit = {"persons": "people", "events": "events" if self.people_known else "events, people unknown"}
        shown = self._frame["block"].nunique()
        lines = [
            f"{self.kind.capitalize()} ({unit.get(self.count, self.count)}) in {shown} block(s), profile "
            f"{self.profile}, from {', '.join(self.sources)}; data as of {self.as_of:%-d %B %Y}."
        ]
        if self.profile == "open":
            lines.append("Made from published statistics only; counts are as published.")
        else:
            lines.append(
                f"Every shown number is rounded to the nearest 5 and stands for {self.k} or more; smaller groups are "
                "joined with their neighbours, so a block of several areas does not say where in it anybody was."
            )
        if shown <= 2 and self.profile != "open":
            lines.append("Only one or two blocks can be shown: there are too few people for a finer map.")
        return " ".join([*lines, *self.notes])
