"""What may be shown: published values, and what may be worked out from them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import geopandas as gpd
import pandas as pd

from commonground.disclosure import labels
from commonground.disclosure.floors import last_look
from commonground.disclosure.questions import Answer, Question, Row, asked_spans, in_window, joined, summed_up
from commonground.disclosure.utility import utility
from commonground.errors import CommonGroundError
from commonground.periods import Period
from commonground.pickles import Published

__all__ = ["Answer", "Protected", "Row", "check_seal", "seal"]

COLUMNS = ["block", "areas", "period", "categories", "value", "low", "high"]

_SEAL = object()


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Protected(Published):
    """Published values of one record set. Holds nothing exact and no reference to anything exact.

    Only the gate makes one: it cannot be built, or copied with other contents, by hand.

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
    zones : mapping of zone to area codes
    tree_digest : str
    sources, citations : tuple of str
    as_of : Timestamp
    people_known : bool
    in_ledger : bool
        Whether the cut and the labels stand in a ledger; only then may they be written.
    rows : tuple of Row
        The published cells; `to_frame` is a copy of them.
    blocks : GeoDataFrame or None
        Outline of each block, indexed by block.
    notes : tuple of str
    ledger : Path or None
        Where they stand.
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
    rows: tuple[Row, ...] = field(repr=False)
    blocks: gpd.GeoDataFrame | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    ledger: Path | None = field(default=None, repr=False)
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        check_seal(seal)
        last_look(
            self.profile,
            self.rows,
            self.periods,
            self.as_of,
            people_known=self.people_known,
            citations=self.citations,
        )

    def __repr__(self) -> str:
        return (
            f"Protected({self.kind}, {self.count}, profile={self.profile!r}, {len(self._areas())} blocks, "
            f"periods={list(self.periods)})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.summary())}</p>{self.to_frame().to_html(index=False, na_rep='too few')}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a published cell: block, areas, period, categories, value, low, high.

        ``value`` is missing where the cell was not observed, or (a second measure) is below k; ``areas`` and
        ``categories`` are tuples.
        """
        frame = pd.DataFrame(list(self.rows), columns=COLUMNS)
        return frame.astype({"value": "Int64", "low": "Int64", "high": "Int64"})

    def table(self, *, categories: Sequence[str] = ()) -> pd.DataFrame:
        """Return values by block (rows) and period (columns) for one combination of category levels."""
        frame = self.to_frame()
        mine = frame[frame["categories"] == tuple(categories)]
        wide = mine.pivot(index="block", columns="period", values="value")
        return wide.reindex(columns=[period for period in self.periods if period in wide.columns])

    def block_areas(self) -> pd.Series:
        """Return the tuple of area codes of each block."""
        areas = self._areas()
        return pd.Series(list(areas.values()), index=pd.Index(list(areas), name="block"), name="areas", dtype=object)

    def answer(
        self,
        areas: Iterable[str],
        periods: Iterable[str | Period] | str | Period | None = None,
        *,
        categories: Sequence[str] = (),
    ) -> Answer:
        """Answer for some areas from published blocks only.

        Parameters
        ----------
        areas : iterable of str
            Area codes.
        periods : name or Period, or several, optional
            Published periods, or days that they make up. All when left out. People in several periods or blocks are
            then counted once in each, as the answer says; for a window of several periods see `window`.
        categories : sequence of str
            Levels, in the order of ``by``.

        Returns
        -------
        Answer
            The sum of labels when areas and periods are a union of published cells, else what to coarsen to. Either is
            a function of what was published.

        Raises
        ------
        CommonGroundError
            When the areas, periods or levels were not published.
        """
        return summed_up(self._question(areas, periods, categories), self.count)

    def window(
        self,
        periods: Iterable[str | Period] | str | Period,
        *,
        areas: Iterable[str] | None = None,
        categories: Sequence[str] = (),
    ) -> Answer:
        """Answer for a window of several closed periods, rolled from what was published of each.

        Parameters
        ----------
        periods : name or Period, or several
            Published periods, or days that they make up.
        areas : iterable of str, optional
            All when left out.
        categories : sequence of str
            Levels, in the order of ``by``.

        Returns
        -------
        Answer
            Events: the sum of labels. Distinct people (or premises): the label where the window is one closed period
            of each block, else bounds without a value, from the largest of the periods' lows to the sum of their highs.
            What to coarsen to where the window cuts a published cell.

        Raises
        ------
        CommonGroundError
            When the areas, periods or levels were not published.

        Notes
        -----
        Windows that slide over the same records prove nothing, because each is worked out from the same published
        cells. Counting people anew in each would: the difference of two windows is who came in one month.
        """
        return in_window(self._question(areas, periods, categories), self.count)

    def change(self, before: str, after: str, *, categories: Sequence[str] = ()) -> pd.DataFrame:
        """Return the change of each block between two periods, per day observed, from labels only.

        Returns
        -------
        DataFrame
            Indexed by block: areas, before, after (labels), ratio, low, high (2 significant digits; missing when either
            label is hidden).

        Raises
        ------
        CommonGroundError
            When either period was not published.
        """
        unknown = [period for period in (before, after) if period not in self.periods]
        if unknown:
            raise CommonGroundError(f"{', '.join(unknown)} was not published; use periods of to_frame().")
        table = self.table(categories=categories)
        scale = self.days[before] / self.days[after] if self.days[after] else float("nan")
        rows = []
        for block, codes in self._areas().items():
            values: list[Any] = [
                table.at[block, period] if block in table.index else None for period in (before, after)
            ]
            old, new = (None if pd.isna(value) else int(value) for value in values)
            got = labels.ratio(old, new, scale=scale) or (None, None, None)
            rows.append((block, codes, old, new, *got))
        columns = ["block", "areas", "before", "after", "ratio", "low", "high"]
        frame = pd.DataFrame(rows, columns=columns).set_index("block")
        types: dict[str, Any] = {"before": "Int64", "after": "Int64", "ratio": float, "low": float, "high": float}
        return frame.astype(types)

    def summary(self) -> str:
        """Say what is published, from whom, under which rules, and what it does not show."""
        unit = {"persons": "people", "events": "events" if self.people_known else "events, people unknown"}
        sizes = [len(codes) for codes in self._areas().values()]
        lines = [
            f"{self.kind.capitalize()} ({unit.get(self.count, self.count)}) in {len(sizes)} block(s), profile "
            f"{self.profile}, from {', '.join(self.sources)}; data as of {self.as_of:%-d %B %Y}."
        ]
        if self.profile == "open":
            return " ".join([*lines, "Made from published statistics only; counts are as published.", *self.notes])
        most = f"1 to {max(sizes)}" if min(sizes) == 1 < max(sizes) else f"{min(sizes)} to {max(sizes)}"
        each = f"{most} areas" if min(sizes) < max(sizes) else f"{sizes[0]} area(s)"
        lines.append(
            f"Every shown number is made of numbers rounded to the nearest 5 and stands for {self.k} or more; smaller "
            "groups are joined with their neighbours, so a block of several areas does not say where in it anybody "
            f"was. Everybody counted in the study's areas is represented; a block is {each}."
        )
        if len(sizes) <= 2:
            lines.append("Only one or two blocks can be shown: there are too few people for a finer map.")
        return " ".join([*lines, utility(self).summary(), *self.notes])

    def _areas(self) -> dict[str, tuple[str, ...]]:
        return {row[0]: row[1] for row in self.rows}

    def _question(
        self,
        areas: Iterable[str] | None,
        periods: Iterable[str | Period] | str | Period | None,
        categories: Sequence[str],
    ) -> Question:
        rows = [row for row in self.rows if row[3] == tuple(categories)]
        return joined(rows, self.periods, areas, asked_spans(periods, self.periods))


def seal() -> object:
    """Return what shows that the gate makes a released value; for the gate only."""
    return _SEAL


def check_seal(shown: object) -> None:
    """Refuse to make released values outside the gate: a copy with other contents would pass for released."""
    if shown is not _SEAL:
        raise CommonGroundError("only the gate makes released values; call protect(...) or register(...).")
