"""Which tables does a release hold, for people who load them elsewhere?"""

from __future__ import annotations

import pandas as pd

from commonground.dashboard.contents import Contents
from commonground.dashboard.judged import checks_table, power_table, series_table, verdict_table, wdd_table
from commonground.dashboard.lacking import gap_table, kinds_table
from commonground.dashboard.needing_first import priorities_table
from commonground.dashboard.needing_tables import groups_table, needs_table, size_table
from commonground.dashboard.places import change_table, month_table, tidy_table, zone_table
from commonground.dashboard.soundness import checks_made, deviations_table, goals_table
from commonground.release.tables import Table

__all__ = ["COUNT_COLUMNS", "coverage_table", "tables_of"]

# Columns of any table that hold counts: the attack looks for small ones in them.
COUNT_COLUMNS = frozenset(
    {"value", "Before", "During", "After", "Ring before", "Ring after", "People, fewest", "People, most"}
)


def tables_of(contents: Contents) -> list[Table]:
    """Return every table of the release, in the order of the workbook: power before p, verdicts before places."""
    tables: list[Table | None] = []
    if "change" in contents.parts:
        tables += [power_table(contents), verdict_table(contents), checks_table(contents), series_table(contents)]
        tables += [checks_made(contents), goals_table(contents), deviations_table(contents)]
    if "displacement" in contents.parts:
        tables += [wdd_table(contents), *(zone_table(contents, name) for name in contents.movements)]
        tables += [month_table(contents, name) for name in contents.monthly]
    tables += [tidy_table(contents, name, people=True) for name in contents.people]
    tables += [tidy_table(contents, name) for name in contents.events]
    if "displacement" in contents.parts:
        changes = [change_table(contents, name, larger=larger) for name in contents.events for larger in (False, True)]
        tables += [change[0] for change in changes if change is not None]
    if "needs" in contents.parts:
        tables += [priorities_table(contents), gap_table(contents), gap_table(contents, by_kind=True)]
        tables += [kinds_table(contents), needs_table(contents), groups_table(contents), size_table(contents)]
    return [table for table in (*tables, coverage_table(contents)) if table is not None]


def coverage_table(contents: Contents) -> Table:
    """Return who reported when, with gaps."""
    rows = [(s.label, s.source, s.first, s.last, s.gaps, s.published) for s in contents.facts.sources]
    columns = ["Records", "Source", "First month", "Last month", "Months missing", "Already public"]
    frame = pd.DataFrame(rows, columns=columns)
    return Table("coverage", "Which source reported when", frame, contents.registered)
