"""Which counts of a study can show displacement, and which records of which months are behind each?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from commonground.areas import place
from commonground.errors import CommonGroundError
from commonground.pickles import Exact
from commonground.records import Records
from commonground.study import Study
from evaluation.judging.outcomes import Against, OutcomeResult, compare

__all__ = ["WHENS", "Item", "items_of", "why"]

WHENS = ("before", "after")
_SPAN = pd.Timedelta(days=7)  # a record known only to a span as long as this has no day of the week


@dataclass(frozen=True, repr=False, eq=False)
class Item(Exact):
    """One outcome, or one input that no outcome uses, with its records of the months that are compared.

    Parameters
    ----------
    name, label, kind : str
    reading : {'contacts', 'incidents', 'enforcement'}
        What its counts can say: only contacts say anything of where people were met.
    reports : bool
    margin : float
        The share by which a change matters; NaN where none is declared.
    declared : pair of float or None
        Range declared for the ratio of the shares reported.
    compared : OutcomeResult
    rows : DataFrame
        Records of the matched months: the columns of the records, ``when`` (before, after) and ``zone``.
    crs : str or None
    timezone : str
    """

    name: str
    label: str
    kind: str
    reading: str
    reports: bool
    margin: float
    declared: tuple[float, float] | None
    compared: OutcomeResult
    rows: pd.DataFrame = field(repr=False)
    crs: str | None
    timezone: str

    def __repr__(self) -> str:
        return "Item(...)"

    def sums(self, zone: str) -> tuple[float, float]:
        """Return events (before, after) in a zone over the matched months."""
        earlier, later = self.compared.matched
        column = self.compared.monthly[zone]
        return float(column.loc[earlier].sum()), float(column.loc[later].sum())

    def points(self) -> tuple[gpd.GeoSeries, gpd.GeoSeries] | None:
        """Return the located records before and after, or None where there are no coordinates."""
        if self.crs is None or "x" not in self.rows:
            return None
        located = self.rows.dropna(subset=["x", "y"])
        parts = (located[located["when"] == when] for when in WHENS)
        before, after = (gpd.GeoSeries(gpd.points_from_xy(part["x"], part["y"]), crs=self.crs) for part in parts)
        return before, after

    def day_known(self) -> bool:
        """Say whether more than half of the records are known to less than a week."""
        return len(self.rows) > 0 and bool((self._spans() < _SPAN).mean() > 0.5)

    def time_known(self) -> bool:
        """Say whether more than half of the records have a time of day, or lie within less than a day."""
        if not len(self.rows):
            return False
        moment = self.rows["start"] != self.rows["start"].dt.normalize()
        return bool((moment & (self._spans() < _SPAN)).mean() > 0.5)

    def _spans(self) -> pd.Series:
        if "end" not in self.rows:
            return pd.Series(pd.Timedelta(0), index=self.rows.index)
        return (self.rows["end"] - self.rows["start"]).fillna(pd.Timedelta(0))


def items_of(study: Study, missing: dict[str, str]) -> dict[str, Item]:
    """Return what can be compared, by name; what cannot is written into `missing` with the reason.

    Parameters
    ----------
    study : Study
    missing : dict
        Part to why; added to.

    Returns
    -------
    dict of str to Item
    """
    found: dict[str, Item] = {}
    for name, outcome in study.outcomes.items():
        kind = study.inputs[outcome.input].kind
        told = {"label": outcome.label, "reports": outcome.reports, "margin": outcome.margin}
        enforcing = outcome.goal == "enforcement" or kind == "arrests"
        reading = "enforcement" if enforcing else "incidents" if outcome.reports else kind
        _add(found, missing, study, name, {**told, "reading": reading, "declared": outcome.reporting, "kind": kind})
    used = {outcome.input for outcome in study.outcomes.values()}
    for name, spec in study.inputs.items():
        if name not in used and spec.kind != "services":
            told = {"label": f"Records of {name}", "reports": spec.kind == "incidents", "margin": float("nan")}
            reading = "enforcement" if spec.kind == "arrests" else spec.kind
            _add(
                found,
                missing,
                study,
                f"input {name}",
                {**told, "reading": reading, "declared": None, "kind": spec.kind},
            )
    return found


def why(error: CommonGroundError) -> str:
    """Return the reason of a refusal as one line."""
    return " ".join(str(error).split())


def _add(found: dict[str, Item], missing: dict[str, str], study: Study, name: str, told: Mapping[str, Any]) -> None:
    try:
        found[name] = _item(study, name, told)
    except CommonGroundError as error:
        missing[name] = why(error)


def _item(study: Study, name: str, told: Mapping[str, Any]) -> Item:
    if name in study.outcomes:
        records, counted = study.outcome_records(name), study.outcome_tally(name)
    else:
        bare = name.removeprefix("input ")
        records, counted = study.located(bare), study.tally(bare)
    monthly = counted.zone_series(study.zones)
    if not monthly.sum().sum():
        raise CommonGroundError("it has no events in the zones of the study.")
    sizes = {zone: float(len(codes)) for zone, codes in study.zones.items()}
    compared = compare(monthly, study.phases, list(study.comparison), against=Against(study.for_ring, sizes))
    if not len(compared.matched[0]):
        raise CommonGroundError("no calendar month was observed both before and after, so nothing can be compared.")
    rows = _matched(records, study, compared.matched)
    own: dict[str, Any] = {"crs": records.crs, "timezone": records.timezone, "rows": rows, "compared": compared}
    return Item(name=name, **told, **own)


def _matched(records: Records, study: Study, matched: tuple[pd.PeriodIndex, pd.PeriodIndex]) -> pd.DataFrame:
    """Return the records of the matched months that lie in the study's areas, with when and zone."""
    month = records.frame["start"].dt.to_period("M")
    when = pd.Series(pd.NA, index=records.frame.index, dtype="str")
    for name, months in zip(WHENS, matched, strict=True):
        when[month.isin(months)] = name
    codes = place(records, study.areas)
    homes = {code: zone for zone, of in study.zones.items() for code in of}
    kept = records.frame.assign(when=when, code=codes, zone=codes.map(homes))
    return kept[when.notna() & codes.notna()]
