"""What does a whole study say, on pages a board can read? What needs both wings lives here."""

from commonground.dashboard.displacement import DisplacementReport as DisplacementReport
from commonground.dashboard.displacement import displacement_report as displacement_report
from commonground.dashboard.running import run_study as run_study

__all__ = ["DisplacementReport", "displacement_report", "run_study"]
