"""Which charts and maps does a study publish?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.findings import needs_line
from commonground.dashboard.places import slug
from commonground.dashboard.wording import DAYS_A_MONTH, known, number, span, titled
from commonground.dashboard.zones import ALL_COMPARISON, zone_label
from commonground.disclosure import Protected
from commonground.release.charts import Marks, bars_by_phase, index_lines
from commonground.release.figures import Chart
from commonground.release.maps import MapView
from evaluation.plots import verdict_chart
from mapping.maps import access_map, phase_map, surface_map

__all__ = ["Drawings", "draw", "map_name"]

FEWEST_MONTHS = 6  # fewer points make no line


@dataclass(frozen=True, repr=False)
class Drawings:
    """Every picture of a release.

    Parameters
    ----------
    charts : mapping of name to Chart
        ``verdicts``; ``zones-NAME`` and ``months-NAME`` for each shown set of values.
    maps : mapping of file name to MapView
    """

    charts: Mapping[str, Chart]
    maps: Mapping[str, MapView]

    def __repr__(self) -> str:
        return f"Drawings({len(self.charts)} charts, {len(self.maps)} maps)"


def draw(contents: Contents) -> Drawings:
    """Draw every chart and map from protected values.

    Parameters
    ----------
    contents : Contents

    Returns
    -------
    Drawings
        The same for the same contents.
    """
    charts = {"verdicts": verdict_chart(contents.registered, title=_verdict_title(contents))}
    for name in contents.movements:
        found = {"zones": _zone_chart(contents, name), "months": _month_chart(contents, name)}
        charts |= {f"{kind}-{slug(name)}": chart for kind, chart in found.items() if chart is not None}
    return Drawings(charts, {**_phase_maps(contents), **_surface_maps(contents), **_service_map(contents)})


def map_name(name: str, kind: str = "") -> str:
    """Return the file name of a map of a shown set of values."""
    return f"maps/{kind}{slug(name)}.html"


def _verdict_title(contents: Contents) -> str:
    verdicts = list(contents.registered.to_frame()["verdict"])
    shown = sum(verdict == "change shown" for verdict in verdicts)
    if len(verdicts) == 1:
        return f"The one outcome: {verdicts[0]}" if len(verdicts[0].split()) < 7 else "The one outcome cannot be told"
    return f"Change is shown for {shown or 'none'} of {len(verdicts)} outcomes"


def _zone_chart(contents: Contents, name: str) -> Chart | None:
    """Draw events a month by zone; phases differ in length."""
    shown, rows = contents.events[name], contents.movements[name].frame.set_index("zone")
    zones = [zone for zone in ("treated", "ring", ALL_COMPARISON) if zone in rows.index]
    if ALL_COMPARISON not in rows.index:
        zones = [str(zone) for zone in rows.index if not str(zone).startswith("ring: ")]
    if rows.loc[zones, "before"].isna().all() or "after" not in shown.periods:
        return None
    monthly = {
        period: [_a_month(rows.loc[zone, period], shown.days[period]) for zone in zones] for period in shown.periods
    }
    return bars_by_phase(
        [zone_label(zone) for zone in zones],
        monthly["before"],
        monthly.get("during"),
        monthly["after"],
        title=titled(contents.labels[name], "a month by zone"),
        unit="events a month",
    )


def _month_chart(contents: Contents, name: str) -> Chart | None:
    """Draw published statistics month by month; protected records have no months."""
    shown = contents.monthly.get(name)
    if shown is None or len(shown.periods) < FEWEST_MONTHS:
        return None
    table = shown.table().astype("float64")
    zones = contents.facts.zones
    lines = {"Operation area": table.reindex(list(zones["treated"])).sum(min_count=len(zones["treated"]))}
    if "ring" in zones:
        lines["Ring around it"] = table.reindex(list(zones["ring"])).sum(min_count=len(zones["ring"]))
    others = [codes for zone, codes in zones.items() if zone not in ("treated", "ring")]
    if others:
        each = [table.reindex(list(codes)).sum(min_count=len(codes)) for codes in others]
        lines["Average comparison area"] = (pd.concat(each, axis=1).mean(axis=1, skipna=False)).round(1)
    series = pd.DataFrame(lines)
    series.index = pd.Index([f"{pd.Period(str(label), 'M'):%b %Y}" for label in series.index])
    during = contents.facts.phases.get("during")
    start = f"{contents.facts.phases['before'].end:%b %Y}"
    end = f"{during.end:%b %Y}" if during is not None else ""
    marks = Marks(titled(contents.labels[name], "month by month"), "recorded events a month", start, end)
    return index_lines(series, marks)


def _phase_maps(contents: Contents) -> dict[str, MapView]:
    drawn = {}
    for name, shown in contents.events.items():
        finding = contents.movements[name].sentence
        for kind, values in (("", shown), ("larger-", contents.larger.get(name))):
            if values is None or values.blocks is None or len(values.blocks) < 2:
                continue
            title = titled(contents.labels[name], "by larger area" if kind else "by area")
            drawn[map_name(name, kind)] = phase_map(values, title=title, finding=finding, names=_switch(values))
    return drawn


def _surface_maps(contents: Contents) -> dict[str, MapView]:
    finding = "Orange: a larger share of all events than before. Purple: a smaller one. It is a picture, not a test."
    return {
        map_name(name, "surface-"): surface_map(
            surface, title=titled(contents.labels[name], "where the share changed"), finding=finding
        )
        for name, surface in contents.surfaces.items()
    }


def _service_map(contents: Contents) -> dict[str, MapView]:
    provision = contents.provision
    if provision is None or provision.shown is None or provision.shown.blocks is None or len(provision.shown.blocks) < 2:
        return {}
    view = access_map(
        provision.shown, provision.access, title="Services within reach, by time of day", finding=needs_line(contents)
    )
    return {"maps/services.html": view}


def _switch(shown: Protected) -> dict[str, str]:
    return {name: f"{name.capitalize()}, {span(period)}" for name, period in shown.periods.items()}


def _a_month(value: Any, days: float) -> float:
    if not known(value) or not days:
        return float("nan")
    return float(number(float(value) / days * DAYS_A_MONTH))
