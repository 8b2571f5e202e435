"""Which charts and maps does a study publish?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.findings import needs_line
from commonground.dashboard.places import by_month, slug
from commonground.dashboard.within_reach import reach_map
from commonground.dashboard.wording import DAYS_A_MONTH, known, number, span, titled
from commonground.dashboard.zones import ALL_COMPARISON, zone_label
from commonground.disclosure import Protected
from commonground.release.charts import Marks, bars_by_phase, index_lines
from commonground.release.escape import clean
from commonground.release.figures import Chart
from commonground.release.maps import MapView
from commonground.release.pages import Link
from evaluation.plots import funnel_plot, tradeoff_chart, verdict_chart
from mapping.maps import access_map, phase_map, surface_map

__all__ = ["Drawings", "draw", "map_name"]

FEWEST_BLOCKS = 3  # of fewer none can be told from the others
FEWEST_MONTHS = 6  # fewer points make no line
# Maps stand in a folder of their own, one level below the pages that lead to them.
_HOME = Link("../index.html", "At a glance")
_MOVES = (_HOME, Link("../displacement.html", "Displacement"))
_NEEDS = (_HOME, Link("../needs.html", "Needs and gaps"))


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
    charts: dict[str, Chart] = {}
    maps: dict[str, MapView] = {}
    if "change" in contents.parts:
        charts["verdicts"] = verdict_chart(contents.registered, title=_verdict_title(contents))
        charts["goals"] = tradeoff_chart(contents.registered, title="What moved, by the goal it serves")
        charts |= _funnels(contents)
    if "displacement" in contents.parts:
        for name in contents.movements:
            found = {"zones": _zone_chart(contents, name), "months": _month_chart(contents, name)}
            charts |= {f"{kind}-{slug(name)}": chart for kind, chart in found.items() if chart is not None}
        maps |= {**_phase_maps(contents), **_surface_maps(contents)}
    if "needs" in contents.parts:
        maps |= _service_map(contents)
    return Drawings(charts, maps)


def map_name(name: str, kind: str = "") -> str:
    """Return the file name of a map of a shown set of values."""
    return f"maps/{kind}{slug(name)}.html"


def _verdict_title(contents: Contents) -> str:
    verdicts = list(contents.registered.to_frame()["verdict"])
    shown = sum(verdict == "change shown" for verdict in verdicts)
    if len(verdicts) == 1:
        return titled(f"{contents.registered.to_frame()['label'].iloc[0]}:", verdicts[0].split(":")[0])
    return f"Change is shown for {shown or 'none'} of {len(verdicts)} outcomes"


def _funnels(contents: Contents) -> dict[str, Chart]:
    """Draw blocks that changed otherwise than the others, where there are enough of them in both periods."""
    drawn = {}
    for name, shown in contents.events.items():
        both = {"before", "after"} <= set(shown.periods)
        if both and shown.blocks is not None and len(shown.blocks) >= FEWEST_BLOCKS:
            title = titled(contents.labels[name], "block by block")
            areas = shown.block_areas().items()
            named = contents.facts.area_names
            names = {str(block): _short(named.get(codes[0], codes[0]), len(codes)) for block, codes in areas}
            drawn[f"funnel-{slug(name)}"] = funnel_plot(shown, title=title, names=names)
    return drawn


def _short(name: str, areas: int) -> str:
    """Name a block after its first area, and say of how many more it is."""
    return f"{clean(name)} +{areas - 1}" if areas > 1 else clean(name)


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
        origin=shown,
    )


def _month_chart(contents: Contents, name: str) -> Chart | None:
    """Draw published statistics month by month; protected records have no months."""
    shown = contents.monthly.get(name)
    if shown is None or len(shown.periods) < FEWEST_MONTHS:
        return None
    series = by_month(shown, contents.facts.zones)
    months = pd.PeriodIndex(series.index, freq="M")
    series.index = pd.Index([f"{month:%b %Y}" for month in months])
    during = contents.facts.phases.get("during")
    start = f"{contents.facts.phases['before'].end:%b %Y}"
    end = f"{during.end:%b %Y}" if during is not None else ""
    marks = Marks(titled(contents.labels[name], "month by month"), "recorded events a month", start, end)
    chart = index_lines(series, marks, origin=shown)
    highest = [f"{zone}: highest {line.max():g} in {months[int(line.argmax())]:%B %Y}" for zone, line in series.items()]
    whole = f"{months[0]:%B %Y} to {months[-1]:%B %Y}"
    alt = f"{marks.title}, {whole}. {'; '.join(highest)}. Every month is in tables/months-{slug(name)}.csv."
    return replace(chart, alt=alt)  # a list of all months would be read aloud for minutes


def _phase_maps(contents: Contents) -> dict[str, MapView]:
    drawn = {}
    for name, shown in contents.events.items():
        finding = f"{contents.movements[name].short} {contents.movements[name].meaning}".strip()
        for kind, values in (("", shown), ("msoa-", contents.larger.get(name))):
            if values is None or values.blocks is None or len(values.blocks) < 2:
                continue
            title = titled(contents.labels[name], "by MSOA" if kind else "by area")
            drawn[map_name(name, kind)] = phase_map(
                values, title=title, finding=finding, names=_switch(values), links=_MOVES
            )
    return drawn


def _surface_maps(contents: Contents) -> dict[str, MapView]:
    finding = "Orange: a larger share of all events than before. Purple: a smaller one. It is a picture, not a test."
    return {
        map_name(name, "surface-"): surface_map(
            surface, title=titled(f"{contents.labels[name]}:", "change in share"), finding=finding, links=_MOVES
        )
        for name, surface in contents.surfaces.items()
    }


def _service_map(contents: Contents) -> dict[str, MapView]:
    provision = contents.provision
    if provision is not None and provision.alone is not None:
        return {"maps/services.html": reach_map(provision.alone, origin=contents.registered, links=_NEEDS)}
    if (
        provision is None
        or provision.shown is None
        or provision.shown.blocks is None
        or len(provision.shown.blocks) < 2
    ):
        return {}
    view = access_map(
        provision.shown,
        provision.access,
        title="Services within reach, by time of day",
        finding=needs_line(contents),
        links=_NEEDS,
    )
    return {"maps/services.html": view}


def _switch(shown: Protected) -> dict[str, str]:
    return {name: f"{name.capitalize()}, {span(period, short=True)}" for name, period in shown.periods.items()}


def _a_month(value: Any, days: float) -> float:
    if not known(value) or not days:
        return float("nan")
    return float(number(float(value) / days * DAYS_A_MONTH))
